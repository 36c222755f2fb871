"""Funding payments, found in what orders and positions settled, and never the same money twice."""
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import account, filled, order_row, position

import pytest
from hypothesis import given, settings, strategies as st

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_account_reader import read_account
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestServerError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_funding import (
    FundingPayment,
    FundingPayments,
    FundingRates,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import Order

HOUR_MS = 3_600_000
START_MS = 1_795_348_800_000  # a full hour


def settled(number, amount, time_ms=START_MS + 10, status="FILLED", **fields):
    """An order that settled funding."""
    fields = {**filled("1", "100", "1", time_ms=time_ms), "settledFunding": amount, **fields}
    return Order.from_payload(order_row(hex(number), str(number), status, **fields))


def payments_after(*orders, is_tracked=False):
    payments = FundingPayments(since_ms=START_MS)
    payments.take_orders(orders, lambda _: is_tracked, next_ms=START_MS + 100)
    return payments


def take_all(payments, symbol="BTC-PERP"):
    taken = []
    while (payment := payments.oldest(symbol)) is not None:
        assert payments.take(symbol, payment)
        taken.append(payment)
    return taken


def amounts(payments, symbol="BTC-PERP"):
    return [payment.amount for payment in take_all(payments, symbol)]


def positions(*rows):
    return read_account(account(positions=list(rows))).account


# --- What orders settle


def test_c34_none():
    payments = payments_after()

    assert payments.newest("BTC-PERP") is None
    assert take_all(payments) == []


def test_c34_one():
    payments = payments_after(settled(1, "-0.25", time_ms=START_MS + 10))

    assert payments.newest("BTC-PERP") == FundingPayment(START_MS + 10, Decimal("-0.25"))
    assert take_all(payments) == [FundingPayment(START_MS + 10, Decimal("-0.25"))]


def test_c34_several_at_once_oldest_first():
    payments = payments_after(settled(2, "2", START_MS + 20), settled(1, "1", START_MS + 10))

    assert payments.newest("BTC-PERP").amount == 2
    assert amounts(payments) == [1, 2]


def test_a_payment_is_taken_once():
    payments = payments_after(settled(1, "1"))
    payment = payments.oldest("BTC-PERP")

    assert payments.take("BTC-PERP", payment)
    assert not payments.take("BTC-PERP", payment)
    assert payments.oldest("BTC-PERP") is payments.newest("BTC-PERP") is None


def test_an_order_read_again_settles_nothing_again():
    payments = payments_after(settled(1, "1"))
    take_all(payments)

    payments.take_orders([settled(1, "1")], lambda _: True, next_ms=START_MS)

    assert amounts(payments) == []


def test_symbols_are_kept_apart():
    payments = payments_after(settled(1, "1"), settled(2, "2", symbol="ETH-PERP"))

    assert amounts(payments, "ETH-PERP") == [2]
    assert amounts(payments, "BTC-PERP") == [1]


@pytest.mark.parametrize("orders", [
    [settled(number, "1", symbol=symbol) for number, symbol in enumerate(["BTC-PERP", "ETH-PERP", "BTC-PERP"])],
    [settled(1, "1", START_MS + 11), settled(2, "1", START_MS + 10), settled(3, "1", START_MS + 10)],
])
def test_b16_no_two_payments_have_one_time(orders):
    payments = payments_after(*orders)

    times_ms = [payment.time_ms for symbol in ("BTC-PERP", "ETH-PERP") for payment in take_all(payments, symbol)]

    assert len(set(times_ms)) == len(times_ms) == 3
    assert max(times_ms) - START_MS <= 13


@pytest.mark.parametrize("order", [
    settled(1, None), settled(1, "0"), settled(1, "1", status="NEW"), settled(1, "1", status="PARTIALLY_FILLED"),
    settled(1, "1", symbol=None),
])
def test_orders_that_settled_nothing_or_are_not_done_give_none(order):
    assert amounts(payments_after(order)) == []


def test_a_cancelled_order_settled_what_its_parts_did():
    assert amounts(payments_after(settled(1, "1", status="CANCELLED"))) == [1]


@pytest.mark.parametrize("fields, is_tracked, expected", [
    (dict(time_ms=START_MS - 1), False, []),  # published by an earlier session
    (dict(time_ms=START_MS - 1), True, [1]),  # filled while the bot was away, waiting for it
    (dict(time_ms=None, postTime=START_MS - 1), False, []),
    (dict(time_ms=None, postTime=START_MS + 1), False, [1]),
    (dict(time_ms=None, postTime=None), False, [1]),
])
def test_what_was_settled_before_the_session_counts_only_for_orders_that_were_waited_for(fields, is_tracked, expected):
    assert amounts(payments_after(settled(1, "1", **fields), is_tracked=is_tracked)) == expected


def test_orders_are_asked_for_from_where_the_last_reading_says():
    payments = FundingPayments(since_ms=START_MS)
    assert payments.orders_since_ms == START_MS

    payments.take_orders([], lambda _: False, next_ms=START_MS + 5)

    assert payments.orders_since_ms == START_MS + 5


# --- What positions settle at the full hour


def payments_of_looks(*looks, orders=()):
    """Looks at the account: minutes after the start, the settled funding of a long BTC position, its size if not 1."""
    payments = FundingPayments(since_ms=START_MS)
    for minutes, amount, *size in looks:
        row = position("BTC-PERP", *(size or ["1"]), settledFunding=amount)
        payments.observe_account(positions(row), START_MS + minutes * 60_000)
    payments.take_orders(orders, lambda _: False, next_ms=START_MS)
    return payments


def test_an_hourly_settlement_is_a_payment_at_the_hour():
    payments = payments_of_looks((10, "0"), (59, "0"), (61, "-0.5"))

    assert take_all(payments) == [FundingPayment(START_MS + HOUR_MS, Decimal("-0.5"))]


def test_an_hourly_settlement_is_not_seen_again_in_later_looks():
    payments = payments_of_looks((59, "0"), (61, "-0.5"), (62, "-0.5"), (119, "-0.5"), (121, "-0.75"))

    assert amounts(payments) == [Decimal("-0.5"), Decimal("-0.25")]


def test_a17_an_hourly_settlement_that_shows_after_a_look_in_the_new_hour_is_a_payment_at_the_hour():
    payments = payments_of_looks((59, "0"), (60, "0"), (61, "0"), (62, "-0.5"), (63, "-0.5"))

    assert take_all(payments) == [FundingPayment(START_MS + HOUR_MS, Decimal("-0.5"))]


def test_a17_the_hour_of_a_position_that_lags_its_first_fill_is_paid():
    payments = FundingPayments(since_ms=START_MS)
    opening = settled(1, None, START_MS + 50 * 60_000)
    for seconds, *rows in [
        (49 * 60,), (50 * 60 + 1,), (50 * 60 + 2, position("BTC-PERP", "1", settledFunding="0")),
        (58 * 60, position("BTC-PERP", "1", settledFunding="0")),
        (61 * 60, position("BTC-PERP", "1", settledFunding="-0.5")),
    ]:
        payments.observe_account(positions(*rows), START_MS + seconds * 1000)
        payments.take_orders([opening] if seconds > 50 * 60 else [], lambda _: True, next_ms=START_MS)

    assert amounts(payments) == [Decimal("-0.5")]


def test_a17_the_hour_of_a_position_is_paid_that_opens_after_another_had_opened_and_closed_unseen():
    payments = FundingPayments(since_ms=START_MS)
    orders = [settled(number, None, START_MS + minutes * 60_000, isBuy=is_buy)
              for number, (minutes, is_buy) in enumerate([(50, True), (51, False), (53, True)])]
    for minutes, *rows in [
        (49,), (52,), (54, position("BTC-PERP", "1", settledFunding="0")),
        (61, position("BTC-PERP", "1", settledFunding="-0.5")),
    ]:
        payments.observe_account(positions(*rows), START_MS + minutes * 60_000)
    payments.take_orders(orders, lambda _: True, next_ms=START_MS)

    assert amounts(payments) == [Decimal("-0.5")]


def test_a_position_that_was_closed_unexplained_in_between_is_another_one():
    payments = FundingPayments(since_ms=START_MS)
    for minutes, *rows in [
        (57, position("BTC-PERP", "1", settledFunding="5")), (58,), (59,),
        (61, position("BTC-PERP", "1", settledFunding="-0.5")),
    ]:
        payments.observe_account(positions(*rows), START_MS + minutes * 60_000)
    payments.take_orders([], lambda _: True, next_ms=START_MS)

    assert amounts(payments) == []


def test_a_look_that_does_not_tell_what_was_settled_is_passed_over():
    assert amounts(payments_of_looks((58, "0"), (59, None), (61, "-0.5"))) == [Decimal("-0.5")]


def test_what_an_order_settled_over_the_hour_counts_once():
    order = settled(1, "-0.5", START_MS + 60 * 60_000 + 5000)

    assert amounts(payments_of_looks((59, "0"), (61, "-0.5", "2"), orders=[order])) == [Decimal("-0.5")]


def test_an_order_and_the_hour_are_told_apart():
    order = settled(1, "-0.5", START_MS + 60 * 60_000 + 5000)

    assert sorted(amounts(payments_of_looks((59, "0"), (61, "-0.75", "2"), orders=[order]))) == [
        Decimal("-0.5"), Decimal("-0.25")
    ]


@pytest.mark.parametrize("is_buy", [None, "maybe"])
def test_an_order_whose_side_cannot_be_read_explains_nothing(is_buy):
    order = settled(1, None, START_MS + HOUR_MS + 5000, isBuy=is_buy)

    assert amounts(payments_of_looks((59, "0", "2"), (61, "-0.75", "1"), orders=[order])) == []


def test_an_order_of_another_symbol_or_another_time_explains_nothing():
    others = [
        settled(1, "-0.5", START_MS + 60 * 60_000 + 5000, symbol="ETH-PERP"),
        settled(2, "-0.5", START_MS + 58 * 60_000),
    ]

    assert sorted(amounts(payments_of_looks((59, "0"), (61, "-0.25"), orders=others))) == [
        Decimal("-0.5"), Decimal("-0.25")
    ]


def test_an_order_that_is_filled_in_parts_while_the_hour_turns_counts_once():
    payments = payments_of_looks((59, "0", "1"), (61, "-0.25", "1.5"))
    assert amounts(payments) == []

    payments.observe_account(positions(position("BTC-PERP", "2", settledFunding="-0.5")), START_MS + 62 * 60_000)
    payments.take_orders([settled(1, "-0.5", START_MS + 62 * 60_000 - 1)], lambda _: False, next_ms=START_MS)

    assert amounts(payments) == [Decimal("-0.5")]


@pytest.mark.parametrize("is_late", ["the account", "the order"])
def test_what_lags_is_waited_for(is_late):
    order = settled(1, "-0.5", START_MS + 60 * 60_000 + 5000)
    if is_late == "the account":
        payments = payments_of_looks((59, "0"), (61, "0"), orders=[order])
        assert amounts(payments) == [Decimal("-0.5")]
    else:
        payments = payments_of_looks((59, "0"), (61, "-0.75", "2"))
        assert amounts(payments) == []

    payments.observe_account(positions(position("BTC-PERP", "2", settledFunding="-0.75")), START_MS + 62 * 60_000)
    payments.take_orders([order], lambda _: False, next_ms=START_MS)

    expected = {"the account": ["-0.25"], "the order": ["-0.5", "-0.25"]}[is_late]
    assert sorted(amounts(payments)) == [Decimal(amount) for amount in expected]


def test_a17_fills_of_both_sides_that_the_account_does_not_show_yet_are_paid_for_once():
    orders = [settled(1, "-0.5", START_MS + HOUR_MS + 1), settled(2, "-0.25", START_MS + HOUR_MS + 2, isBuy=False)]
    looks = (59, "0"), (61, "0"), (62, "-0.75")

    assert sorted(amounts(payments_of_looks(*looks, orders=orders))) == [Decimal("-0.5"), Decimal("-0.25")]


def test_positions_seen_after_the_orders_were_asked_for_wait_for_the_next_reading():
    payments = payments_of_looks((59, "0"))
    payments.observe_account(positions(position("BTC-PERP", "1", settledFunding="-0.5")), START_MS + 61 * 60_000)

    payments.take_orders([], lambda _: False, next_ms=START_MS, asked_ms=START_MS + 60 * 60_000)
    assert amounts(payments) == []

    payments.take_orders([], lambda _: False, next_ms=START_MS, asked_ms=START_MS + 62 * 60_000)
    assert amounts(payments) == [Decimal("-0.5")]


def test_a17_what_an_order_settled_that_is_not_read_yet_is_no_hourly_settlement():
    before, after = (settled(1, "-0.5", START_MS + HOUR_MS + 1000, "NEW"),
                     settled(2, "0", START_MS + HOUR_MS + 2000, "NEW", isBuy=False))
    done = [settled(1, "-0.5", START_MS + HOUR_MS + 1000), settled(2, "0", START_MS + HOUR_MS + 2000, isBuy=False)]
    payments = payments_of_looks((59, "0"))
    for order in done:
        payments.expect(order, START_MS + HOUR_MS + 2000)
    payments.observe_account(positions(position("BTC-PERP", "1", settledFunding="-0.5")), START_MS + HOUR_MS + 3000)

    payments.take_orders([before, after], lambda _: True, next_ms=START_MS, asked_ms=START_MS + HOUR_MS + 4000)
    assert amounts(payments) == []
    payments.take_orders(done, lambda _: True, next_ms=START_MS, asked_ms=START_MS + HOUR_MS + 5000)
    assert amounts(payments) == [Decimal("-0.5")]


def test_a17_an_order_that_is_never_read_does_not_hold_up_hourly_settlements_for_ever():
    payments = payments_of_looks((59, "0"))
    payments.take_orders([], lambda _: True, next_ms=START_MS + HOUR_MS)
    payments.expect(settled(1, "-0.5", START_MS + HOUR_MS - 1000, postTime=START_MS), START_MS + HOUR_MS)
    payments.observe_account(positions(position("BTC-PERP", "1", settledFunding="-0.5")), START_MS + HOUR_MS + 1000)
    assert payments.orders_since_ms == START_MS

    payments.take_orders([], lambda _: True, next_ms=START_MS + HOUR_MS, asked_ms=START_MS + HOUR_MS + 2000)
    assert amounts(payments) == []
    payments.take_orders([], lambda _: True, next_ms=START_MS + HOUR_MS, asked_ms=START_MS + HOUR_MS + 660_000)
    assert amounts(payments) == [Decimal("-0.5")]
    assert payments.orders_since_ms == START_MS + HOUR_MS


def test_a_change_that_no_order_ever_explains_is_given_up():
    looks = (59, "0"), (61, "-3", "2"), (80, "-3", "2"), (121, "-4", "2")

    assert amounts(payments_of_looks(*looks)) == [Decimal("-1")]


@pytest.mark.parametrize("looks", [
    [(61, "-0.5")],  # whatever was settled before the first look is an earlier session's
    [(10, "0"), (20, "-0.5")],  # within an hour only orders settle
    [(59, "0"), (61, "0"), (66, "0"), (67, "-0.5")],  # and the hour has settled long since
    [(59, "0"), (61, "0.0000001")],  # less than the smallest unit
    [(59, "0"), (61, "0")],
    [(59, None), (61, "-0.5")], [(59, "0"), (61, None)],
])
def test_looks_that_show_no_hourly_settlement(looks):
    assert amounts(payments_of_looks(*looks)) == []


@pytest.mark.parametrize("told", ["0", None])
def test_an_order_that_is_filled_has_told_what_it_settled(told):
    order = settled(1, told, START_MS + 15 * 60_000)

    assert amounts(payments_of_looks((10, "0"), (20, "-0.5", "2"), orders=[order])) == []


@pytest.mark.parametrize("before, after", [
    ([], [position("BTC-PERP", "1", settledFunding="-0.5")]),
    ([position("BTC-PERP", "1", settledFunding="0")], []),
    ([position("BTC-PERP", "1", settledFunding="0")], [position("BTC-PERP", "1", False, settledFunding="-0.5")]),
])
def test_a_position_that_opened_closed_or_turned_shows_nothing(before, after):
    payments = FundingPayments(since_ms=START_MS)
    payments.observe_account(positions(*before), START_MS + 59 * 60_000)
    payments.observe_account(positions(*after), START_MS + 61 * 60_000)

    payments.take_orders([], lambda _: False, next_ms=START_MS)

    assert amounts(payments) == []


# --- What parts of cancelled orders settle


def reading(payments, seconds, amount, size, *orders, parts=()):
    """A look at a long position, and a reading of the orders at the same time; parts are those of cancelled orders."""
    time_ms = START_MS + seconds * 1000
    payments.observe_account(positions(position("BTC-PERP", size, settledFunding=amount)), time_ms)
    payments.take_orders(
        orders, lambda _: True, next_ms=START_MS, asked_ms=time_ms,
        parts_of=lambda _: [(START_MS + part_s * 1000, Decimal(part_size)) for part_s, part_size in parts],
    )
    return amounts(payments)


def cancelled(amount=None, **fields):
    """An order that sold a part before it was cancelled."""
    fields = {"status": "CANCELLED", "isBuy": False, "settledFunding": amount, **fields}
    return Order.from_payload(order_row("0x1", "1", **fields))


PARTS = [(620, "0.25"), (625, "0.25")]


def test_a17_the_position_tells_what_parts_of_a_cancelled_order_settled():
    payments = FundingPayments(since_ms=START_MS)
    assert reading(payments, 600, "0", "1") == []
    assert reading(payments, 626, "-3", "0.5") == []
    assert reading(payments, 630, "-3", "0.5", cancelled(), parts=PARTS) == []  # the position may lag yet
    payments.observe_account(positions(position("BTC-PERP", "0.5", settledFunding="-3")), START_MS + 640_000)
    payments.take_orders([], lambda _: True, next_ms=START_MS)

    assert take_all(payments) == [FundingPayment(START_MS + 625_000, Decimal(-3))]
    assert reading(payments, 700, "-3", "0.5", cancelled(), parts=PARTS) == []
    assert reading(payments, 710, "-3", "0.5", cancelled("-3"), parts=PARTS) == []  # told after all: it is paid


def test_what_an_order_of_the_same_time_settled_is_no_part_of_it():
    payments = FundingPayments(since_ms=START_MS)
    order = settled(2, "-1", START_MS + 622_000)
    reading(payments, 600, "0", "1")

    assert sorted(reading(payments, 640, "-4", "1.5", order, cancelled(), parts=PARTS)) == [-3, -1]


@pytest.mark.parametrize("order", [
    cancelled("-3"), cancelled("0"),  # it tells itself
    cancelled(status="PARTIALLY_FILLED"),  # it may tell at its end
    cancelled(isBuy=None), cancelled(symbol=None), cancelled(symbol="ETH-PERP"), cancelled(isBuy=True),
])
def test_parts_that_explain_nothing(order):
    payments = FundingPayments(since_ms=START_MS)
    reading(payments, 600, "0", "1")
    paid = reading(payments, 640, "-3", "0.5", order, parts=PARTS)

    assert sum(paid) == (order.settled_funding if order.status == "CANCELLED" and order.settled_funding else 0)
    assert reading(payments, 650, "-3", "0.5") == []


def test_an_order_that_tells_its_settlement_before_the_position_does_is_paid_for_once():
    payments = FundingPayments(since_ms=START_MS)
    reading(payments, 600, "0", "1")

    assert reading(payments, 630, "-3", "0.5", cancelled(), parts=PARTS) == []
    assert reading(payments, 632, "-3", "0.5", cancelled("-3"), parts=PARTS) == [-3]
    assert reading(payments, 640, "-3", "0.5") == []


@given(
    settlements=st.lists(st.tuples(
        st.integers(min_value=-10 ** 6, max_value=10 ** 6), st.integers(min_value=0, max_value=5)
    ), max_size=15),
    readings=st.lists(st.integers(min_value=0, max_value=15), max_size=5),
)
@settings(max_examples=200, deadline=None)
def test_whatever_is_read_however_often_is_paid_once(settlements, readings):
    orders = [
        settled(number + 1, str(Decimal(amount) / 10 ** 6), START_MS + time_ms)
        for number, (amount, time_ms) in enumerate(settlements)
    ]
    payments, taken = FundingPayments(since_ms=START_MS), []
    for end in [*readings, len(orders)]:
        payments.take_orders(orders[:end], lambda _: False, next_ms=START_MS)
        taken += take_all(payments)

    assert sum(payment.amount for payment in taken) == sum(Decimal(amount) / 10 ** 6 for amount, _ in settlements)
    assert len({payment.time_ms for payment in taken}) == len(taken) == sum(amount != 0 for amount, _ in settlements)


# --- Rates


class History:
    """`GET /funding/history`."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []

    async def get(self, path_url, params):
        self.requests.append((path_url, params))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.asyncio
async def test_the_rate_is_the_newest_of_the_payments_hour_and_asked_for_once():
    history = History([
        {"symbol": "BTC-PERP", "time": START_MS + HOUR_MS, "oneHrFundingRate": "0.0002"},
        {"symbol": "BTC-PERP", "time": START_MS, "oneHrFundingRate": "0.0001"},
    ])
    rates = FundingRates(history.get)

    assert await rates.at("BTC-PERP", START_MS + HOUR_MS + 5) == Decimal("0.0002")
    assert await rates.at("BTC-PERP", START_MS + HOUR_MS + 10) == Decimal("0.0002")

    (path, params), = history.requests
    assert path == "/funding/history"
    assert params == {
        "symbol": "BTC-PERP", "interval": "1h", "startTime": START_MS + 5, "endTime": START_MS + HOUR_MS + 5,
    }


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", [
    [], None, VestServerError("down", 503), {"rows": []}, [{"time": START_MS}],
])
async def test_a_rate_that_cannot_be_read_is_none_and_asked_for_again(answer):
    history = History(answer)
    rates = FundingRates(history.get)

    assert await rates.at("BTC-PERP", START_MS) is None
    history.answer = [{"time": START_MS, "oneHrFundingRate": "-0.0001"}]
    assert await rates.at("BTC-PERP", START_MS) == Decimal("-0.0001")
