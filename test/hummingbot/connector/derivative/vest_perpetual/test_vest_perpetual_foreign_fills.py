"""What others filled counts once, whatever of it is heard of and how often (C16)."""
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import filled, order_row

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_wire as wire
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_foreign_fills import ForeignFill, ForeignFills

POSTED_MS, FIRST_MS, LAST_MS = 1_000, 2_000, 3_000


def order(status, **fields):
    return wire.Order.from_payload(order_row("0x1", "5", status, postTime=POSTED_MS, **{"size": "0.4", **fields}))


def part(status="PARTIALLY_FILLED", size="0.1", time_ms=LAST_MS, **fields):
    return order(status, **filled(size, "100", "1", time_ms), **fields)


@pytest.fixture
def fills():
    return ForeignFills()


def test_a_part_counts_once(fills):
    assert fills.note_order(part(isBuy=False)) == ForeignFill("0x1", LAST_MS, Decimal("-0.1"))
    assert fills.note_order(part(isBuy=False)) is None


def test_an_order_that_only_waits_fills_nothing(fills):
    assert fills.note_order(order("NEW")) is None


def test_the_last_part_of_an_order_of_which_all_was_heard_is_dated_by_itself(fills):
    fills.note_order(part(size="0.1", time_ms=FIRST_MS))
    assert fills.note_order(part("FILLED", size="0.3")) == ForeignFill("0x1", LAST_MS, Decimal("0.3"))


def test_c16_what_was_not_heard_of_an_order_may_have_been_made_since_it_was_posted(fills):
    assert fills.note_order(part("FILLED", size="0.3")) == ForeignFill("0x1", POSTED_MS, Decimal("0.4"))
    assert fills.note_order(part("FILLED", size="0.3")) is None


def test_what_the_list_of_orders_tells_does_not_count_again(fills):
    fills.note_order(part(time_ms=FIRST_MS))
    row = part("FILLED", size="0.3")
    missing = fills.unheard([row])
    assert missing == [ForeignFill("0x1", LAST_MS, Decimal("0.3"))]
    fills.note_heard(missing)
    assert fills.unheard([row]) == []
    assert fills.note_order(row) is None


def test_the_next_session_goes_on(fills):
    fills.note_order(part(time_ms=FIRST_MS))
    later = ForeignFills()
    later.recall(fills.lately)
    assert later.note_order(part("FILLED", size="0.3")) == ForeignFill("0x1", LAST_MS, Decimal("0.3"))
