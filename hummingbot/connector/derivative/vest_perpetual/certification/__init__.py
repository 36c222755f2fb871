"""What the venue really does where its documents leave a doubt, for `vest-perpetual certify`. Each module
imports only those before it:

the questions   statements
the answers     report
the venue       observed
the scenarios   session, public, account, trading

`statements` are the open points of the protocol, one by one; `report` has what was observed of them, without secrets.
`observed` is the venue, talked to as by the connector, its answers and frames kept as they came. `session` is what the
scenarios share: `public`, `account` (which changes nothing) and `trading` are coroutine functions that observe
statements. The end-to-end tests run the same scenarios against the simulator, with every doubt in either position.
"""
