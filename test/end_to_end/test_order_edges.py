"""Orders that cannot be right, or just so: one clear Failure each, and nothing reaches the venue (A6, A9, A14, B19)."""
import asyncio
from decimal import Decimal
from test.end_to_end.bench import running, switches

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.common import OrderType, PositionAction

pytestmark = pytest.mark.asyncio
CLOSE, OPEN, NIL = PositionAction.CLOSE, PositionAction.OPEN, PositionAction.NIL
NAN = Decimal("NaN")
REFUSED = ["WARNING.*was not sent", "is not in the list of supported order types"]


def decimal(value):
    return None if value is None else Decimal(value)


async def assert_refused(bench, order_id, words):
    """One Failure that says why, nothing sent, nothing tracked."""
    bot = bench.bot
    await bench.until(lambda: bot.is_done(order_id))
    assert bot.names(order_id) == ["Failed"]
    assert words in bot.failure(order_id)
    assert await bench.requests("POST", "/orders") == []
    assert bench.connector.in_flight_orders == {} and bench.connector._order_tracker.lost_orders == {}


# --- What no venue could take


NUMBERS_THAT_ARE_NONE = ["NaN", "sNaN", "Infinity", "-Infinity", "-1", "0", "-0"]


async def test_b19_amounts_that_are_none():
    async with running() as bench:
        bench.expected_complaints = REFUSED
        for place in (bench.connector.buy, bench.connector.sell):
            for order_type, price in ((OrderType.MARKET, NAN), (OrderType.LIMIT, Decimal(90000))):
                for text in NUMBERS_THAT_ARE_NONE:
                    order_id = bench.bot.place(lambda: place("BTC-USDC", Decimal(text), order_type, price,
                                                             position_action=OPEN))
                    await assert_refused(bench, order_id, "is not a positive number")


async def test_b19_prices_that_are_none():
    async with running() as bench:
        bench.expected_complaints = REFUSED
        for place in (bench.connector.buy, bench.connector.sell):
            for text in [*NUMBERS_THAT_ARE_NONE, None, "0.001"]:  # the last one is below the tick
                order_id = bench.bot.place(lambda: place("BTC-USDC", Decimal("0.01"), OrderType.LIMIT, decimal(text),
                                                         position_action=OPEN))
                await assert_refused(bench, order_id, "is not a positive number")


@pytest.mark.parametrize("amount, price", [(0.01, Decimal(90000)), (1, Decimal(90000)), (None, Decimal(90000)),
                                           (Decimal("0.01"), 90000.0), ("0.01", Decimal(90000))],
                         ids=["float amount", "int amount", "no amount", "float price", "text amount"])
async def test_b19_numbers_that_are_no_decimals(amount, price):
    async with running() as bench:
        bench.expected_complaints = REFUSED
        order_id = bench.bot.place(lambda: bench.connector.buy("BTC-USDC", amount, OrderType.LIMIT, price,
                                                               position_action=OPEN))
        await assert_refused(bench, order_id, "Decimal")


@pytest.mark.parametrize("price", [None, "90000"], ids=["market", "limit"])
async def test_a6_an_amount_that_rounds_to_zero_is_refused(price):
    async with running() as bench:
        bench.expected_complaints = REFUSED
        order_id = bench.bot.sell("BTC-USDC", "0.00009", price)
        await assert_refused(bench, order_id, "minimum order size 0.0001")


async def test_b19_an_unknown_pair_and_no_action():
    async with running() as bench:
        bench.expected_complaints = REFUSED
        for pair in ("NOSUCH-USDC", "BTC-USDT", "BTC", ""):
            await assert_refused(bench, bench.bot.buy(pair, "0.01"), f"Vest has no market {pair}")
        for action in (NIL, None):
            await assert_refused(bench, bench.bot.buy("BTC-USDC", "0.01", action=action), "OPEN or CLOSE")
        unsaid = bench.bot.place(lambda: bench.connector.buy("BTC-USDC", Decimal("0.01"), OrderType.MARKET))
        await assert_refused(bench, unsaid, "OPEN or CLOSE")


@pytest.mark.parametrize("order_type", [OrderType.LIMIT_MAKER, OrderType.AMM_SWAP])
async def test_a9_order_types_that_are_not_offered_are_refused(order_type):
    async with running() as bench:
        bench.expected_complaints = REFUSED
        order_id = bench.bot.place(lambda: bench.connector.sell("BTC-USDC", Decimal("0.01"), order_type,
                                                                Decimal(99000), position_action=OPEN))
        await assert_refused(bench, order_id, "not in the list of supported order types")


async def test_b19_an_order_before_the_markets_are_known():
    async with running(is_started=False) as bench:
        bench.expected_complaints = REFUSED
        bench.bot.construct()
        order_id = bench.bot.buy("BTC-USDC", "0.01")
        await assert_refused(bench, order_id, "or its rules are not known yet")
        bench.bot.run()
        await bench.until(lambda: bench.connector.ready)


# --- MARKET orders and the book


BOOKS = {
    "empty": ([], []),
    "no asks": ([["94900", "5"]], []),
    "no bids": ([], [["95100", "5"]]),
    "thin": ([["94900", "0.01"], ["94800", "0.01"]], [["95100", "0.01"], ["95200", "0.01"]]),
}


@pytest.mark.parametrize("kind", BOOKS)
async def test_b19_a_market_order_needs_the_other_side_of_the_book(kind):
    bids, asks = BOOKS[kind]
    async with running() as bench:
        bench.expected_complaints = REFUSED
        await bench.admin.set_price("BTC-PERP", "95000")
        await bench.admin.set_depth("BTC-PERP", bids, asks)
        book = bench.connector.get_order_book("BTC-USDC")
        await bench.until(lambda: (len(list(book.bid_entries())), len(list(book.ask_entries()))) == (
            len(bids), len(asks)))
        for place, side in ((bench.bot.buy, asks), (bench.bot.sell, bids)):
            if kind == "thin" or not side:
                await assert_refused(bench, place("BTC-USDC", "0.021"), "empty or too thin for 0.021")
        # What the book holds can be had.
        for place, side in ((bench.bot.buy, asks), (bench.bot.sell, bids)):
            if side:
                await bench.bot.filled(place("BTC-USDC", "0.02"))
        await bench.admin.release_depth("BTC-PERP")


async def test_a6_the_worst_price_of_a_market_order_is_on_a_coarse_tick():
    async with running(("SPXUSD-USDC",), **switches(newer_exchange_info=True)) as bench:
        for place in (bench.bot.buy, bench.bot.sell):
            order_id = place("SPXUSD-USDC", "0.5")
            await bench.bot.filled(order_id)
            limit = Decimal((await bench.venue_order(order_id))["limitPrice"])
            middle = bench.connector.get_mid_price("SPXUSD-USDC")
            assert limit % Decimal("0.25") == 0
            assert abs(limit / middle - 1) < Decimal("0.02")


async def test_a_market_order_does_not_fill_beyond_its_worst_price(monkeypatch):
    async with running() as bench:
        monkeypatch.setattr(CONSTANTS, "RECV_WINDOW_MS", 15_000)
        await bench.admin.pause_prices()
        await bench.admin.add_fault("rest", "delay", method="POST", path="/orders", delay_ms=2000)
        order_id = bench.bot.buy("BTC-USDC", "0.01")
        await bench.until(lambda: bench.requests("POST", "/orders"))
        await bench.admin.set_price("BTC-PERP", round(bench.bot.price("BTC-USDC", "1.03")))
        await bench.until(lambda: bench.bot.is_done(order_id))
        assert bench.bot.names(order_id)[-1] == "Failed" and "3001" in bench.bot.failure(order_id)


# --- Fill or kill


async def test_fill_or_kill_fills_at_once_or_not_at_all():
    async with running() as bench:
        now = bench.bot.buy("BTC-USDC", "0.01", price=bench.bot.price("BTC-USDC", "1.005"), time_in_force="FOK")
        never = bench.bot.buy("BTC-USDC", "0.01", price=bench.bot.price("BTC-USDC", "0.9"), time_in_force="FOK")
        await bench.bot.filled(now)
        await bench.until(lambda: bench.bot.is_done(never))
        assert bench.bot.names(never) == ["Created", "Cancelled"]
        rows = [await bench.venue_order(order_id) for order_id in (now, never)]
        assert [(row["timeInForce"], row["status"]) for row in rows] == [("FOK", "FILLED"), ("FOK", "CANCELLED")]


async def test_a_time_in_force_that_does_not_exist_fails_once():
    async with running() as bench:
        bench.expected_complaints = ["NETWORK.*Error submitting", "WARNING.*Order .* failed: ", *REFUSED]
        order_id = bench.bot.buy("BTC-USDC", "0.01", price=bench.bot.price("BTC-USDC", "0.9"), time_in_force="IOC")
        await bench.until(lambda: bench.bot.is_done(order_id))
        assert bench.bot.names(order_id) == ["Failed"]


# --- Closing


SIDES = pytest.mark.parametrize("is_long", [True, False], ids=["long", "short"])


def opening_and_closing(bench, is_long):
    return (bench.bot.buy, bench.bot.sell) if is_long else (bench.bot.sell, bench.bot.buy)


@SIDES
@pytest.mark.parametrize("is_market", [True, False], ids=["market", "limit"])
async def test_a14_a_close_larger_than_the_position_is_trimmed(is_long, is_market):
    async with running() as bench:
        open_, close = opening_and_closing(bench, is_long)
        await bench.bot.filled(open_("BTC-USDC", "0.01"))
        await bench.bot.position_is("BTC-USDC", "0.01" if is_long else "-0.01")
        factor = "0.99" if is_long else "1.01"
        price = None if is_market else bench.bot.price("BTC-USDC", factor)
        order_id = close("BTC-USDC", "0.03", price, action=CLOSE)
        await bench.bot.filled(order_id)
        await bench.bot.position_is("BTC-USDC", 0)
        row = await bench.venue_order(order_id)
        assert (row["reduceOnly"], Decimal(row["size"])) == (True, Decimal("0.01"))
        assert len(bench.said("trimmed to the position, 0.01")) == 1


@SIDES
async def test_a14_a_close_of_a_position_that_has_grown_unseen_is_not_trimmed(is_long):
    async with running() as bench:
        open_, close = opening_and_closing(bench, is_long)
        bench.expected_complaints = ["could not be read"]
        await bench.bot.filled(open_("BTC-USDC", "0.01"))
        await bench.bot.position_is("BTC-USDC", "0.01" if is_long else "-0.01")
        # Neither event nor poll tells of what somebody else adds.
        await bench.admin.add_fault("socket", "drop", socket="private", channel="account_private", match="ORDER")
        fault = await bench.admin.add_fault("rest", "status", method="GET", path="/account")
        await bench.admin.place_order(bench.bot.account_group, "BTC-PERP", is_long, "0.02")
        assert abs(bench.bot.position("BTC-USDC")) == Decimal("0.01")
        await bench.admin.remove_fault(fault)
        order_id = close("BTC-USDC", "0.03", action=CLOSE)
        await bench.bot.filled(order_id)
        assert Decimal((await bench.venue_order(order_id))["size"]) == Decimal("0.03")
        await bench.bot.position_is("BTC-USDC", 0)


@SIDES
async def test_a14_closing_when_nothing_is_left_fails_in_words(is_long):
    async with running() as bench:
        bench.expected_complaints = REFUSED
        open_, close = opening_and_closing(bench, is_long)
        await assert_refused(bench, close("BTC-USDC", "0.01", action=CLOSE), "there is no position in BTC-USDC")
        await bench.bot.filled(open_("BTC-USDC", "0.01"))
        await bench.bot.position_is("BTC-USDC", "0.01" if is_long else "-0.01")
        # The side that would add to the position closes nothing of it.
        posts = len(await bench.requests("POST", "/orders"))
        wrong = open_("BTC-USDC", "0.01", action=CLOSE)
        await bench.until(lambda: bench.bot.is_done(wrong))
        assert "there is no position in BTC-USDC" in bench.bot.failure(wrong)
        assert len(await bench.requests("POST", "/orders")) == posts


async def test_a14_of_two_closes_at_once_one_closes_and_one_fails():
    async with running() as bench:
        bench.expected_complaints = ["NETWORK.*Error submitting", "WARNING.*Order .* failed: ", *REFUSED]
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        await bench.bot.position_is("BTC-USDC", "0.01")
        orders = [bench.bot.sell("BTC-USDC", "0.01", action=CLOSE) for _ in range(2)]
        await asyncio.gather(*(bench.until(lambda order_id=order_id: bench.bot.is_done(order_id))
                               for order_id in orders))
        await bench.bot.position_is("BTC-USDC", 0)
        assert sorted(bench.bot.names(order_id)[-1] for order_id in orders) == ["Completed", "Failed"]
