"""What the venue really does where its documents leave a doubt: the scenarios of `vest-perpetual certify`.

    statements   the open questions of the protocol, one by one
    report       what was observed of them, without secrets
    observed     a venue whose answers and frames are kept as they came
    scenarios    the public ones, those of an account, those that trade: each is a coroutine function of a `Session`

The end-to-end tests run the same scenarios against the simulator, with every doubt in every position.
"""
