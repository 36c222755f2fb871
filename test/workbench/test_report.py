"""What the main job shows."""
from collections import Counter
from decimal import Decimal

from workbench import report
from workbench.audit import Complaint
from workbench.books import Books, Fill, Line, Order

PAIR = "BTC-USDC"
VENUE = Books(
    orders=[Order("1", PAIR, "filled"), Order("2", PAIR, "filled"), Order("3", PAIR, "open")],
    fills=[Fill(PAIR, True, Decimal("0.010000"), Decimal("95009.500000"), Decimal("0.114011")),
           Fill(PAIR, False, Decimal("0.004000"), Decimal("94998.290000"), Decimal("0.045600"))],
    payments=[], positions={PAIR: Decimal("0.006000")})
# as the client prints it: net volumes, six significant digits
HISTORY = """\
## history

| market | pair | trades | buys | sells | base_vol | quote_vol | trade_pnl | fees | total_pnl | return% |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| vest_perpetual_simulator | BTC-USDC | 2 | 1 | 1 | 0.006 | -570.102 | -0.04484 | 0.159611 | -0.204451 | -0.0002 |
"""


def test_history_that_agrees_has_no_differences():
    assert report.differences_from_history(HISTORY, VENUE, [PAIR]) == []


def test_history_differences_are_named():
    faults = report.differences_from_history(HISTORY.replace("0.159611", "0.159612"), VENUE, [PAIR])
    assert len(faults) == 1 and "fees 0.159612" in faults[0]


def test_history_without_the_pair_is_a_difference():
    assert len(report.differences_from_history("No trades found.", VENUE, [PAIR])) == 4


def test_table_shows_numbers_in_full_and_marks_differences():
    text = report.table([Line(PAIR, "fees", Decimal("0.15961100"), Decimal("0.1")),
                         Line(PAIR, "orders filled", 10, 10)])
    assert [line.split() for line in text.splitlines()[2:]] == [
        [PAIR, "fees", "0.159611", "0.1", "✗"], [PAIR, "orders", "filled", "10", "10", "✓"]]


def test_progress_counts_orders_and_shows_positions():
    line = report.progress(VENUE)
    assert "filled 2" in line and "open 1" in line and "BTC-USDC     0.006" in line


def test_complaints_come_with_their_explanation():
    text = report.complaints(Counter({Complaint("a.b", "WARNING", "x is not ready. Please wait..."): 3,
                                      Complaint("c.d", "ERROR", "boom"): 1}))
    assert "first ticks" in text and "not explained" in text
    assert report.complaints(Counter()) == "No WARNING or ERROR in the client's log."
