"""What the venue really does where its documents leave a doubt, for `vest-perpetual certify`. Modules know those above:

the questions    statements: the open points of the protocol, one by one
the answers      report: what was observed of them, without secrets
the venue        observed: talked to as by the connector, its answers and frames kept as they came
the scenarios    session: what they share; public, account (changes nothing) and trading: coroutine functions that
                 observe statements

The end-to-end tests run the same scenarios against the simulator, with every doubt in either position.
"""
