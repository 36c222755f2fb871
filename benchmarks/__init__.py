"""What the connector costs, beside its peers in Hummingbot and beside a reference, which `report` explains.

Run it with `make bench`, or a part of it with `python -m benchmarks depth signing --quick`. Every comparison is of one
run: repetitions are interleaved (ours, a peer's, another peer's, the reference's, ours again …), and medians are
compared. Nothing here is asserted; the tests only see that each program runs.
"""
