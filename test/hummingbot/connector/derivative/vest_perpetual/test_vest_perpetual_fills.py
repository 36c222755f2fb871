"""Fills, rebuilt from what the venue says of an order: whatever is heard of it, the totals in the end are right."""
import json
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import order_row
from typing import List, Optional

import pytest
from hypothesis import example, given, settings, strategies as st

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_fills import (
    booked_fee,
    heard_parts,
    missed_fill,
    next_fill,
    tells_all,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import Order
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import PerpetualDerivativeInFlightOrder
from hummingbot.core.data_type.trade_fee import TradeFeeSchema

SCHEMA = TradeFeeSchema(taker_percent_fee_decimal=Decimal("0.0001"))
PRICE_DIGIT = Decimal("0.01")  # the last digit of the venue's average price
LEAST_PRICE, MOST_PRICE = Decimal("90"), Decimal("110")


def tracked_order(amount, position=PositionAction.OPEN):
    return PerpetualDerivativeInFlightOrder(
        client_order_id="1", exchange_order_id="0x1", trading_pair="BTC-USDC", order_type=OrderType.LIMIT,
        trade_type=TradeType.BUY, amount=Decimal(amount), price=Decimal("100"), creation_timestamp=1.0,
        position=position,
    )


def word(status, **fields):
    """What the venue says of the order."""
    return Order.from_payload(order_row("0x1", "1", status, **fields))


def part(status, size, price, time_ms=1000, **fields):
    return word(status, lastFilledSize=size, lastFilledPrice=price, lastFilledTime=time_ms, **fields)


def book(tracked, venue, is_event=True):
    """As the tracker does."""
    fill = next_fill(tracked, venue, SCHEMA, is_event)
    if fill is not None:
        assert tracked.update_with_trade_update(fill), "a fill with an id that is taken is lost"
    return fill


# --- One word at a time


def test_one_part_becomes_one_fill():
    tracked = tracked_order("2")

    fill = book(tracked, part("PARTIALLY_FILLED", "0.5", "101", time_ms=1234, fees="0.05", avgFilledPrice="101"))

    assert (fill.client_order_id, fill.exchange_order_id, fill.trading_pair) == ("1", "0x1", "BTC-USDC")
    assert (fill.fill_base_amount, fill.fill_price) == (Decimal("0.5"), Decimal("101"))
    assert fill.fill_quote_amount == Decimal("50.5")
    assert fill.fill_timestamp == 1.234
    assert booked_fee(tracked) == Decimal("0.05")
    assert fill.fee.percent == 0


@pytest.mark.parametrize("position", [PositionAction.OPEN, PositionAction.CLOSE])
def test_fees_are_in_usdc(position):
    tracked = tracked_order("1", position)

    fill = book(tracked, part("FILLED", "1", "100", fees="0.01"))

    assert fill.fee.fee_asset == "USDC"
    assert [(fee.token, fee.amount) for fee in fill.fee.flat_fees] == [("USDC", Decimal("0.01"))]


def test_parts_that_were_inferred_are_none_that_were_heard():
    tracked = tracked_order("2")
    book(tracked, part("PARTIALLY_FILLED", "0.5", "100", time_ms=1234))
    inferred = missed_fill(tracked, None, Decimal("0.5"), Decimal("100"), 2345, SCHEMA)
    assert tracked.update_with_trade_update(inferred)

    assert heard_parts(tracked) == [(1234, Decimal("0.5"))]
    assert heard_parts(None) == []


def test_b04_the_same_fill_by_event_and_by_rest_counts_once():
    tracked = tracked_order("2")
    event = part("PARTIALLY_FILLED", "0.5", "100", fees="0.05", avgFilledPrice="100")
    row = part("PARTIALLY_FILLED", "0.500000", "100.0000", fees="0.0500", avgFilledPrice="100.0000")

    book(tracked, event)

    assert next_fill(tracked, row, SCHEMA) is None
    assert tracked.executed_amount_base == Decimal("0.5")


@pytest.mark.parametrize("fields", [
    dict(avgFilledPrice=None), dict(avgFilledPrice="100.12"), dict(avgFilledPrice="100.1"), dict(fees=None),
    dict(lastFilledTime=None), dict(lastFilledPrice=None, avgFilledPrice="100.13"), dict(fees="0.08"),
    dict(lastFilledSize="0.500000", lastFilledPrice="100.2500"),
])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_b04_a_part_told_with_fewer_or_rounded_numbers_counts_once(fields, is_reversed):
    tracked = tracked_order("2")
    full = dict(lastFilledSize="0.5", lastFilledPrice="100.25", lastFilledTime=1000, avgFilledPrice="100.1250",
                fees="0.05")
    tellings = [word("PARTIALLY_FILLED", **full), word("PARTIALLY_FILLED", **{**full, **fields})]

    for venue in (reversed(tellings) if is_reversed else tellings):
        book(tracked, venue)
    book(tracked, tellings[0])

    assert tracked.executed_amount_base == Decimal("0.5")


def test_b04_a_part_counts_once_after_a_restart_too():
    tracked = tracked_order("2")
    book(tracked, part("PARTIALLY_FILLED", "0.5", "100", fees="-0.05", avgFilledPrice="100"))
    restored = PerpetualDerivativeInFlightOrder.from_json(json.loads(json.dumps(tracked.to_json())))

    assert next_fill(restored, part("PARTIALLY_FILLED", "0.5", "100"), SCHEMA) is None


@pytest.mark.parametrize("first, second", [
    (dict(avgFilledPrice="100.25"), dict(avgFilledPrice="100.33")),
    (dict(avgFilledPrice="100", fees="0.05"), dict(avgFilledPrice="100", fees="0.1")),
    (dict(fees="0.05"), dict(fees="0.1")),
])
def test_c14_twins_that_average_or_cumulative_fees_tell_apart_are_two(first, second):
    tracked = tracked_order("2")

    for fields in (first, second, first, second):
        book(tracked, part("PARTIALLY_FILLED", "0.5", "100", **fields))

    assert tracked.executed_amount_base == 1


def test_c15_the_orders_fees_of_rest_make_no_second_part_of_one_whose_event_told_its_own():
    tracked = tracked_order("5")
    fields = dict(avgFilledPrice="100", time_ms=2000)

    book(tracked, part("PARTIALLY_FILLED", "1", "100", fees="0.1", **fields))  # the second; the first was missed
    book(tracked, part("PARTIALLY_FILLED", "1", "100", fees="0.2", **fields), is_event=False)

    assert tracked.executed_amount_base == 1


@pytest.mark.parametrize("price, time_ms", [("101", 1000), ("100", 1001)])
def test_c14_parts_of_one_size_at_another_price_or_time_are_two(price, time_ms):
    tracked = tracked_order("2")

    book(tracked, part("PARTIALLY_FILLED", "0.5", "100", fees="1"))
    book(tracked, part("PARTIALLY_FILLED", "0.5", price, time_ms=time_ms, fees="1"))

    assert tracked.executed_amount_base == 1


@pytest.mark.parametrize("status", ["NEW", "PARTIALLY_FILLED", "CANCELLED", "REJECTED"])
def test_a_word_without_a_fill_makes_none(status):
    assert next_fill(tracked_order("1"), word(status), SCHEMA) is None


def test_a_part_without_any_price_waits_for_the_total():
    tracked = tracked_order("1")

    assert next_fill(tracked, word("PARTIALLY_FILLED", lastFilledSize="0.5", lastFilledTime=5), SCHEMA) is None
    assert book(tracked, word("FILLED", avgFilledPrice="100", fees="1")).fill_base_amount == 1


def test_a_part_that_would_fill_more_than_the_order_is_none():
    assert next_fill(tracked_order("1"), part("PARTIALLY_FILLED", "1.1", "100"), SCHEMA) is None


def test_the_last_part_before_a_cancellation_is_kept():
    tracked = tracked_order("2")

    book(tracked, part("CANCELLED", "0.5", "100", fees="0.05"))

    assert tracked.executed_amount_base == Decimal("0.5")


def test_an_order_that_is_filled_gets_no_more_fills():
    tracked = tracked_order("1")
    book(tracked, part("FILLED", "1", "100", fees="1"))

    assert next_fill(tracked, part("FILLED", "1", "100", fees="1"), SCHEMA) is None
    assert next_fill(tracked, part("PARTIALLY_FILLED", "0.4", "100", time_ms=1), SCHEMA) is None


def test_two_parts_of_one_size_in_one_millisecond_are_two():
    tracked = tracked_order("1")

    book(tracked, part("PARTIALLY_FILLED", "0.5", "100", avgFilledPrice="100", fees="1"))
    book(tracked, part("FILLED", "0.5", "100", avgFilledPrice="100", fees="2"))

    assert tracked.executed_amount_base == 1
    assert len(tracked.order_fills) == 2


def test_a_fee_that_is_not_said_is_estimated():
    tracked = tracked_order("1")

    book(tracked, part("FILLED", "1", "100"))

    assert booked_fee(tracked) == Decimal("0.01")


def test_an_estimated_fee_is_put_right_at_the_end():
    tracked = tracked_order("1")
    book(tracked, part("PARTIALLY_FILLED", "0.5", "100", time_ms=1))

    book(tracked, part("FILLED", "0.5", "100", time_ms=2, fees="3"))

    assert booked_fee(tracked) == 3


@pytest.mark.parametrize("fees", [["0.2", "0.5", "1"], ["0.2", "0.3", "1"]])
def test_fees_of_parts_are_understood_whether_they_are_the_orders_or_the_parts(fees):
    tracked = tracked_order("10")

    for time_ms, (size, fee) in enumerate(zip(["2", "3"], fees)):
        book(tracked, part("PARTIALLY_FILLED", size, "100", time_ms=time_ms, fees=fee))

    assert booked_fee(tracked) == Decimal("0.5")


@pytest.mark.parametrize("last_fees", ["0.018", "0.156"], ids=["the last part's", "the order's"])
@pytest.mark.parametrize("heard", [[0, 1], [1], [0], []])
@pytest.mark.parametrize("last_ms", [3, None])
def test_c15_an_event_alone_that_an_order_is_filled_leaves_no_fee_out(last_ms, heard, last_fees):
    tracked = tracked_order("0.026")
    fees = ["0.042", "0.096"] if last_fees == "0.018" else ["0.042", "0.138"]
    words = [part("PARTIALLY_FILLED", size, "60000", time_ms=time_ms, fees=fee)
             for time_ms, (size, fee) in enumerate(zip(("0.007", "0.016"), fees))]

    for index in heard:
        book(tracked, words[index])
    book(tracked, part("FILLED", "0.003", "60000", time_ms=last_ms, fees=last_fees, avgFilledPrice="60000"))

    if heard or last_fees == "0.156":
        assert booked_fee(tracked) == Decimal("0.156")
    assert all(fee.amount >= 0 for fill in tracked.order_fills.values() for fee in fill.fee.flat_fees)


@pytest.mark.parametrize("order_heard", [[0, 1], [1, 0]])
def test_c15_cumulative_fees_of_parts_heard_in_any_order_are_the_venues(order_heard):
    tracked = tracked_order("0.05")
    words = [part("PARTIALLY_FILLED", "0.01", "54000", time_ms=1, fees="0.054"),
             part("PARTIALLY_FILLED", "0.015", "54000", time_ms=2, fees="0.135")]

    for index in order_heard:
        book(tracked, words[index])

    assert booked_fee(tracked) == Decimal("0.135")


@pytest.mark.parametrize("order_heard", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_c15_the_orders_fees_of_rest_stand_beside_the_parts_fees_of_events(order_heard):
    tracked = tracked_order("0.016")
    words = [part("PARTIALLY_FILLED", "0.010", "60040.8", time_ms=1, fees="0.060041"),
             part("PARTIALLY_FILLED", "0.004", "60040.7", time_ms=2, fees="0.084057"),  # of REST: the event was lost
             part("PARTIALLY_FILLED", "0.001", "60040.3", time_ms=3, fees="0.006004")]

    for index in order_heard:
        book(tracked, words[index])

    assert booked_fee(tracked) == Decimal("0.090061")


def test_c15_a_fee_that_was_told_early_stands_beside_one_that_was_not():
    tracked = tracked_order("3")

    book(tracked, part("PARTIALLY_FILLED", "1", "100", time_ms=1))
    book(tracked, part("PARTIALLY_FILLED", "1", "100", time_ms=2, fees="0.01"))

    assert booked_fee(tracked) == Decimal("0.02")


def test_the_orders_own_price_stands_in_where_no_price_is_said():
    assert book(tracked_order("2"), word("FILLED")).fill_price == Decimal("100")


def test_a_price_that_cannot_be_is_not_made_of_contradicting_words():
    tracked = tracked_order("1")
    book(tracked, part("PARTIALLY_FILLED", "0.9", "1000", time_ms=1))

    fill = book(tracked, word("FILLED", avgFilledPrice="100"))  # would leave -800 for 0.1

    assert (fill.fill_base_amount, fill.fill_price) == (Decimal("0.1"), Decimal("100"))


# --- Which events need no second look


def test_an_event_of_an_order_filled_in_one_part_tells_all():
    assert tells_all(tracked_order("1"), part("FILLED", "1", "100", fees="1"))
    assert tells_all(tracked_order("1"), part("PARTIALLY_FILLED", "0.5", "100"))
    assert tells_all(tracked_order("1"), word("CANCELLED"))


@pytest.mark.parametrize("venue", [
    part("FILLED", "0.5", "100", fees="1"), part("FILLED", "1", "100"), part("FILLED", "1", None, fees="1"),
    word("FILLED"),
])
def test_a_filled_event_that_leaves_something_out_does_not_tell_all(venue):
    assert not tells_all(tracked_order("1"), venue)


def test_a_filled_event_after_other_parts_does_not_tell_all():
    tracked = tracked_order("1")
    book(tracked, part("PARTIALLY_FILLED", "0.5", "100"))

    assert not tells_all(tracked, part("FILLED", "0.5", "100", fees="1"))


# --- Any history


@dataclass(frozen=True)
class Part:
    """A part of a true history."""

    size: Decimal
    price: Decimal
    fee: Decimal
    time_ms: int


@dataclass(frozen=True)
class History:
    """What truly happened, and how the venue tells it while it happens."""

    parts: List[Part]
    are_fees_cumulative: bool
    are_fees_said_early: bool
    is_average_said_early: bool

    @property
    def size(self) -> Decimal:
        return sum(part.size for part in self.parts)

    @property
    def quote(self) -> Decimal:
        return sum(part.size * part.price for part in self.parts)

    @property
    def fees(self) -> Decimal:
        return sum(part.fee for part in self.parts)

    def average(self, parts: Optional[List[Part]] = None) -> Decimal:
        parts = self.parts if parts is None else parts
        quote = sum(part.size * part.price for part in parts)
        return (quote / sum(part.size for part in parts)).quantize(PRICE_DIGIT, ROUND_HALF_EVEN)

    def word(self, index: int) -> Order:
        """What the venue says right after a part, by event or by REST."""
        done = self.parts[:index + 1]
        newest = done[-1]
        is_end = index == len(self.parts) - 1
        fees = sum(part.fee for part in done) if self.are_fees_cumulative or is_end else newest.fee
        return part(
            "FILLED" if is_end else "PARTIALLY_FILLED", str(newest.size), str(newest.price), newest.time_ms,
            avgFilledPrice=str(self.average(done)) if is_end or self.is_average_said_early else None,
            fees=str(fees) if is_end or self.are_fees_said_early else None,
        )

    def retold(self, index: int, telling: str) -> Order:
        """The same in other words: with fewer or rounded numbers."""
        venue = self.word(index)
        if telling == "bare":
            return replace(venue, avg_filled_price=None, fees=None)
        if telling == "rounded" and venue.avg_filled_price is not None:
            return replace(venue, avg_filled_price=venue.avg_filled_price.quantize(Decimal("0.1")))
        return venue


def decimals(least, most, places):
    return st.decimals(min_value=least, max_value=most, places=places, allow_nan=False, allow_infinity=False)


parts = st.builds(
    Part, size=decimals("0.001", "10", 3), price=decimals(LEAST_PRICE, MOST_PRICE, 2), fee=decimals("-0.5", "3", 6),
    time_ms=st.integers(min_value=1000, max_value=1003),
)
histories = st.builds(
    History,
    parts=st.lists(parts, min_size=1, max_size=6).map(lambda some: sorted(some, key=lambda one: one.time_ms)),
    are_fees_cumulative=st.booleans(), are_fees_said_early=st.booleans(), is_average_said_early=st.booleans(),
)
TWINS = [Part(Decimal("1"), Decimal("100"), Decimal("0.01"), 1000)] * 3


@given(history=histories, heard=st.lists(st.integers(min_value=0, max_value=4), max_size=12))
@example(history=History(TWINS, True, True, True), heard=[0, 1, 0])
@example(history=History(TWINS, False, True, False), heard=[1, 0])
@settings(max_examples=500, deadline=None)
def test_b05_any_part_of_a_history_in_any_order_ends_in_the_venues_totals(history, heard):
    tracked = tracked_order(history.size)
    last = len(history.parts) - 1

    fills = [book(tracked, history.word(index)) for index in heard if index < last]
    missing = history.size - tracked.executed_amount_base
    fills += [book(tracked, history.word(last), is_event=False) for _ in range(2)]

    fills = [fill for fill in fills if fill is not None]
    assert tracked.executed_amount_base == history.size
    tolerance = PRICE_DIGIT / 2 * history.size
    if missing * MOST_PRICE <= tolerance:  # the average price says nothing any more about a rest that small
        tolerance += missing * (MOST_PRICE - LEAST_PRICE)
    assert abs(tracked.executed_amount_quote - history.average() * history.size) <= tolerance
    assert booked_fee(tracked) == history.fees
    assert len({fill.trade_id for fill in fills}) == len(fills) == len(tracked.order_fills)
    assert all(fill.fill_base_amount > 0 and fill.fill_price > 0 for fill in fills)
    assert all(fill.fill_price * fill.fill_base_amount - fill.fill_quote_amount < Decimal("1e-20") for fill in fills)


@given(history=histories)
@settings(max_examples=200, deadline=None)
def test_a_history_heard_in_full_and_in_order_books_each_part_as_it_was(history):
    # Only parts that the venue's words tell apart can be booked apart.
    times_ms = range(1000, 1000 + len(history.parts))
    history = replace(history, parts=[replace(one, time_ms=time) for one, time in zip(history.parts, times_ms)])
    tracked = tracked_order(history.size)

    fills = [book(tracked, history.word(index)) for index in range(len(history.parts))]

    assert [(fill.fill_base_amount, fill.fill_quote_amount) for fill in fills] == [
        (one.size, one.size * one.price) for one in history.parts
    ]


@given(history=histories, shuffle=st.randoms(use_true_random=False), rate=decimals("0.00001", "0.01", 5))
@settings(max_examples=200, deadline=None)
def test_c15_fees_are_the_venues_before_the_end_in_whatever_order_parts_are_heard(history, shuffle, rate):
    parts = [
        replace(one, time_ms=1000 + number, fee=one.size * one.price * rate)
        for number, one in enumerate(history.parts)
    ]
    history = replace(history, parts=parts, are_fees_said_early=True)
    tracked = tracked_order(history.size)
    heard = list(range(len(parts) - 1))
    shuffle.shuffle(heard)

    for index in heard:
        book(tracked, history.word(index))

    assert booked_fee(tracked) == sum(one.fee for one in parts[:-1])


tellings = st.tuples(st.integers(min_value=0, max_value=4), st.sampled_from(["full", "bare", "rounded"]))


@given(history=histories, heard=st.lists(tellings, max_size=12))
@example(history=History(TWINS, True, True, True), heard=[(0, "full"), (1, "full"), (0, "bare"), (1, "rounded")])
@settings(max_examples=400, deadline=None)
def test_b04_before_the_end_no_more_is_booked_than_was_heard(history, heard):
    tracked = tracked_order(history.size)
    heard = [(index, telling) for index, telling in heard if index < len(history.parts) - 1]

    for index, telling in heard:
        book(tracked, history.retold(index, telling))

    assert tracked.executed_amount_base <= sum(history.parts[index].size for index in {index for index, _ in heard})
