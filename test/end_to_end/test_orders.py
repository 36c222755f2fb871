"""Orders in normal life: from the strategy's call to the events, the fills and the account."""
from decimal import Decimal
from test.end_to_end.bench import running, switches

import pytest

from hummingbot.core.data_type.common import PositionAction

pytestmark = pytest.mark.asyncio
CLOSE = PositionAction.CLOSE


async def test_market_orders_both_ways():
    async with running() as bench:
        long, short = bench.bot.buy("BTC-USDC", "0.01"), bench.bot.sell("ETH-USDC", "0.5")
        await bench.bot.filled(long)
        await bench.bot.filled(short)
        assert bench.bot.names(long) == bench.bot.names(short) == ["Created", "Filled", "Completed"]
        # A16: a short is negative.
        await bench.bot.position_is("BTC-USDC", "0.01")
        await bench.bot.position_is("ETH-USDC", "-0.5")


async def test_limit_orders_wait_for_the_index_and_fill_at_their_price_or_better():
    async with running() as bench:
        bid = bench.bot.buy("BTC-USDC", "0.02", price=bench.bot.price("BTC-USDC", "0.97"))
        ask = bench.bot.sell("ETH-USDC", "1", price=bench.bot.price("ETH-USDC", "1.03"))
        await bench.bot.open(bid)
        await bench.bot.open(ask)
        await bench.settled()
        assert bench.bot.names(bid) == bench.bot.names(ask) == ["Created"]
        limit = bench.connector.in_flight_orders[bid].price
        await bench.admin.set_price("BTC-PERP", limit - 1)
        await bench.bot.filled(bid)
        fill = next(event.details for event in bench.bot.events if event.name == "Filled")
        assert fill.price <= limit
        await bench.bot.cancel(ask)
        assert bench.bot.names(ask) == ["Created", "Cancelled"]


async def test_an_order_filled_in_parts():
    async with running(**switches(fill_parts=4, fill_part_ticks=1)) as bench:
        order_id = bench.bot.buy("BTC-USDC", "0.04")
        await bench.bot.filled(order_id)
        assert bench.bot.names(order_id) == ["Created", *["Filled"] * 4, "Completed"]
        amounts = {event.details.amount for event in bench.bot.events if event.name == "Filled"}
        assert amounts == {Decimal("0.01")}


async def test_parts_of_one_size_in_one_millisecond_add_up():
    async with running(**switches(fill_parts=4)) as bench:
        order_id = bench.bot.buy("BTC-USDC", "0.04")
        await bench.bot.filled(order_id)
        assert sum(event.details.amount for event in bench.bot.events if event.name == "Filled") == Decimal("0.04")


async def test_cancelling_a_partly_filled_order_keeps_its_fills():
    async with running(**switches(fill_parts=4, fill_part_ticks=1)) as bench:
        await bench.admin.set_price("BTC-PERP", "95000")
        await bench.admin.pause_prices()
        order_id = bench.bot.buy("BTC-USDC", "0.04", price="95500")
        await bench.until(lambda: bench.bot.names(order_id) == ["Created", "Filled"])
        await bench.bot.cancel(order_id)
        assert bench.bot.names(order_id) == ["Created", "Filled", "Cancelled"]
        await bench.bot.position_is("BTC-USDC", "0.01")


@pytest.mark.parametrize("reject_by", ["event", "http"])
async def test_a_rejected_order_fails_once_with_code_and_meaning(reject_by):
    async with running(**switches(reject_by=reject_by)) as bench:
        bench.expected_complaints = ["NETWORK.*Error submitting", "WARNING.*Order .* failed: "]
        await bench.admin.reject_next(3002)
        order_id = bench.bot.buy("BTC-USDC", "0.01")
        await bench.until(lambda: bench.bot.is_done(order_id))
        assert bench.bot.names(order_id)[-1] == "Failed"
        assert "3002" in bench.bot.failure(order_id) and "not enough margin" in bench.bot.failure(order_id)


async def test_an_order_beyond_the_margin_is_rejected_by_the_venue():
    async with running(balance=Decimal("100")) as bench:
        bench.expected_complaints = ["NETWORK.*Error submitting", "WARNING.*Order .* failed: "]
        order_id = bench.bot.buy("BTC-USDC", "0.1")
        await bench.until(lambda: bench.bot.is_done(order_id))
        assert "3002" in bench.bot.failure(order_id)


async def test_a_close_larger_than_the_position_is_trimmed():
    async with running() as bench:
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        await bench.bot.position_is("BTC-USDC", "0.01")
        close = bench.bot.sell("BTC-USDC", "0.03", action=CLOSE)
        await bench.bot.filled(close)
        await bench.bot.position_is("BTC-USDC", 0)
        row = await bench.venue_order(close)
        assert (row["reduceOnly"], Decimal(row["size"])) == (True, Decimal("0.01"))
        assert bench.said("trimmed to the position, 0.01")


async def test_closing_nothing_fails_in_words_and_sends_nothing():
    async with running() as bench:
        bench.expected_complaints = ["was not sent: there is no position"]
        close = bench.bot.sell("BTC-USDC", "0.03", action=CLOSE)
        await bench.until(lambda: bench.bot.is_done(close))
        assert "there is no position in BTC-USDC that a SELL could close" in bench.bot.failure(close)
        assert await bench.requests("POST", "/orders") == []


async def test_an_open_order_beyond_zero_flips_the_position():
    async with running() as bench:
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "1"))
        await bench.bot.position_is("ETH-USDC", 1)
        await bench.bot.filled(bench.bot.sell("ETH-USDC", "3"))
        await bench.bot.position_is("ETH-USDC", -2)


async def test_close_by_limit_order_is_reduce_only():
    async with running() as bench:
        await bench.admin.set_price("ETH-PERP", "3200")
        await bench.bot.filled(bench.bot.sell("ETH-USDC", "1"))
        await bench.bot.position_is("ETH-USDC", -1)
        close = bench.bot.buy("ETH-USDC", "1", price="3100", action=CLOSE)
        await bench.bot.open(close)
        await bench.admin.set_price("ETH-PERP", "3099")
        await bench.bot.filled(close)
        await bench.bot.position_is("ETH-USDC", 0)
        assert (await bench.venue_order(close))["reduceOnly"]


@pytest.mark.parametrize("pair, amount, price, words", [
    ("NOSUCH-USDC", "1", None, "has no market NOSUCH-USDC"),
    ("BTC-USDC", "0.00001", None, "lower than minimum order size"),
    ("BTC-USDC", "0", "90000", "not a positive number"),
    ("BTC-USDC", "0.01", "0", "not a positive number"),
])
async def test_b19_orders_that_cannot_be_right_fail_once_and_are_not_sent(pair, amount, price, words):
    async with running() as bench:
        bench.expected_complaints = ["was not sent"]
        order_id = bench.bot.buy(pair, amount, price)
        await bench.until(lambda: bench.bot.is_done(order_id))
        assert words in bench.bot.failure(order_id)
        assert await bench.requests("POST", "/orders") == []


async def test_a_market_order_on_an_empty_book_fails_in_words():
    async with running() as bench:
        bench.expected_complaints = ["was not sent: the order book of BTC-USDC is empty or too thin"]
        await bench.admin.set_depth("BTC-PERP", [], [])
        await bench.until(lambda: not list(bench.connector.get_order_book("BTC-USDC").ask_entries()))
        order_id = bench.bot.buy("BTC-USDC", "0.01")
        await bench.until(lambda: bench.bot.is_done(order_id))
        await bench.admin.release_depth("BTC-PERP")


async def test_orders_in_one_burst_have_each_their_own_nonce():
    async with running() as bench:
        ids = [bench.bot.buy("BTC-USDC", "0.001") for _ in range(20)]
        for order_id in ids:
            await bench.bot.filled(order_id)
        await bench.bot.position_is("BTC-USDC", "0.02")


async def test_a11_cancel_of_an_order_that_is_done_is_said_once_and_resolved():
    async with running() as bench:
        bench.expected_complaints = ["WARNING.*Failed to cancel order .*not found"]
        order_id = bench.bot.limit_order("0.95")
        await bench.bot.open(order_id)
        # Neither the event nor a poll has told of the manual cancel when the strategy cancels too.
        await bench.admin.add_fault("socket", "drop", socket="private", channel="account_private")
        await bench.admin.add_fault("rest", "delay", method="GET", path="/orders", when="before", delay_ms=700)
        await bench.admin.cancel_order(bench.bot.account_group, bench.bot.exchange_id(order_id))
        await bench.bot.cancel(order_id)
        assert bench.bot.names(order_id) == ["Created", "Cancelled"]
        assert len(bench.said("Failed to cancel")) == 1
