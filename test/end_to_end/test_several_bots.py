"""Bots side by side on one account with the same keys: none takes, cancels, books or cuts off what is another's."""
import asyncio
import shutil
from decimal import Decimal
from test.end_to_end.bench import PAIRS, running

import pytest

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_ids import TAG_FILE_NAME
from hummingbot.core.data_type.common import PositionAction

pytestmark = pytest.mark.asyncio
ANOTHER_MARK = "Another bot on this account marks its orders as this one did"


async def trade(bot, pairs, rounds):
    """Takes, quotes and cancels on the pairs; leaves one order open on each. The net position is 0.01 a round."""
    for _ in range(rounds):
        for pair in pairs:
            taken = [bot.buy(pair, "0.02"), bot.sell(pair, "0.01")]
            quoted = bot.buy(pair, "0.01", price=bot.price(pair, "0.9"))
            for order_id in taken:
                await bot.filled(order_id)
            await bot.open(quoted)
            await bot.cancel(quoted)
    left = [bot.sell(pair, "0.01", price=bot.price(pair, "1.1")) for pair in pairs]
    for order_id in left:
        await bot.open(order_id)
    return left


async def hears_by_stream(bench, bot):
    """An order of the bot is known to be filled although GET /orders is of no use."""
    bench.expected_complaints += ["HTTP 503"]
    fault = await bench.admin.add_fault("rest", "status", method="GET", path="/orders", status=503)
    await bot.filled(bot.buy("SOL-USDC", "1"))
    await bench.admin.remove_fault(fault)


def assert_each_has_its_own(bots):
    """No order is in two bots' events or databases."""
    for bot in bots:
        others = set().union(*(other.placed for other in bots if other is not bot))
        told = {event.order_id for event in bot.events}
        assert told == bot.placed and told.isdisjoint(others)
        assert set(bot.records.states()) == bot.placed
        assert {fill.order_id for fill in bot.records.fills()} <= bot.placed


@pytest.mark.parametrize("count", [2, 3])
async def test_bots_on_one_account_trade_at_once_on_the_same_and_on_other_pairs(count):
    pairs = (*PAIRS, "SOL-USDC")
    shares = [PAIRS, ("BTC-USDC", "SOL-USDC"), ("ETH-USDC", "SOL-USDC")][:count]
    async with running(pairs, bots=count, with_database=True) as bench:
        # What the position settles in a bot's first second counts to the session before.
        await bench.until(lambda: all(
            bot.connector.venue_time_ms > bot.connector._funding_payments._since_ms for bot in bench.bots))
        left = await asyncio.gather(*(trade(bot, share, 2) for bot, share in zip(bench.bots, shares)))
        await bench.admin.pause_prices()
        await bench.settled()
        assert_each_has_its_own(bench.bots)
        nonces = [row["nonce"] for row in (await bench.ledger())["orders"]]
        assert len(set(nonces)) == len(nonces) == sum(len(bot.placed) for bot in bench.bots)
        for bot, orders in zip(bench.bots, left):
            assert set(bot.connector.in_flight_orders) == set(orders)
            for pair in pairs:
                expected = Decimal("0.02") * sum(pair in share for share in shares)
                await bot.position_is(pair, expected)
        assert not bench.said("cancelled: |" + ANOTHER_MARK)


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_the_end_of_one_bot_does_not_cut_off_another(end):
    async with running((*PAIRS, "SOL-USDC"), bots=2) as bench:
        one, other = bench.bots
        waiting = other.buy("BTC-USDC", "0.01", price=other.price("BTC-USDC", "0.9"))
        await other.open(waiting)
        opened = len(await bench.admin.journal(kind="socket_opened"))
        await (one.stop() if end == "stop" else one.kill())
        await hears_by_stream(bench, other)
        assert other.names(waiting) == ["Created"]
        assert await bench.requests("DELETE", "/account/listenKey") == []
        # The other's sockets are the same as before.
        assert len(await bench.admin.journal(kind="socket_opened")) == opened
        await one.start()
        await hears_by_stream(bench, one)
        await hears_by_stream(bench, other)
        assert set(other.connector.in_flight_orders) == {waiting}


async def test_one_bot_restarts_while_another_trades():
    async with running(bots=2, with_database=True) as bench:
        one, other = bench.bots
        kept = one.buy("BTC-USDC", "0.01", price=one.price("BTC-USDC", "0.9"))
        await one.open(kept)
        trading = asyncio.create_task(trade(other, PAIRS, 4))
        for _ in range(3):
            await one.restart()
            await one.filled(one.buy("ETH-USDC", "0.01"))
        left = await trading
        await bench.admin.pause_prices()
        await bench.settled()
        assert_each_has_its_own(bench.bots)
        assert one.names(kept) == ["Created"] and set(one.connector.in_flight_orders) == {kept}
        assert set(other.connector.in_flight_orders) == set(left)
        assert not bench.said("from an earlier session")


async def test_a_position_that_bots_share_can_be_closed_by_either():
    async with running(bots=2, with_database=True) as bench:
        one, other = bench.bots
        await one.filled(one.buy("BTC-USDC", "0.02"))
        await other.position_is("BTC-USDC", "0.02")
        await other.filled(other.sell("BTC-USDC", "0.02", action=PositionAction.CLOSE))
        await one.position_is("BTC-USDC", 0)
        bench.expected_complaints = ["WARNING.*there is no position in BTC-USDC"]
        late = one.sell("BTC-USDC", "0.02", action=PositionAction.CLOSE)
        await bench.until(lambda: one.is_done(late))
        assert one.names(late) == ["Failed"]


# --- One tag for two bots: a home that was cloned


def clone_home(bot, other):
    shutil.copy(bot.folder / TAG_FILE_NAME, other.folder / TAG_FILE_NAME)


def tag_of(bot):
    return int((bot.folder / TAG_FILE_NAME).read_text())


async def test_bots_with_one_tag_find_out_and_draw_another():
    async with running(is_started=False, bots=2, with_database=True) as bench:
        one, other = bench.bots
        await one.start()
        await one.filled(one.buy("BTC-USDC", "0.01"))
        clone_home(one, other)
        await other.start()
        assert tag_of(one) == tag_of(other)
        own = one.buy("BTC-USDC", "0.01", price=one.price("BTC-USDC", "0.9"))
        await one.open(own)
        await bench.until(lambda: bench.said(ANOTHER_MARK))
        assert tag_of(one) != tag_of(other)
        others = other.buy("BTC-USDC", "0.01", price=other.price("BTC-USDC", "0.8"))
        await other.open(others)
        left = await asyncio.gather(trade(one, PAIRS, 1), trade(other, PAIRS, 1))
        # Both read what is open, as after every connection: neither takes the other's for left over.
        bench.expected_complaints = ["WARNING.*(user stream|market data stream) of Vest is interrupted"]
        await bench.admin.disconnect_sockets("private")
        await bench.until(lambda: _private_sockets(bench, 2))
        await bench.another_poll()
        assert_each_has_its_own(bench.bots)
        assert set(one.connector.in_flight_orders) == {own, *left[0]}
        assert set(other.connector.in_flight_orders) == {others, *left[1]}
        assert not bench.said("from an earlier session")


async def _private_sockets(bench, count):
    return (await bench.admin.sockets())["private"] == count


async def test_a_clone_that_starts_takes_the_running_bots_orders_for_left_over_and_says_so():
    async with running(is_started=False, bots=2, with_database=True) as bench:
        bench.expected_complaints = [r"WARNING.*1 open order\(s\) of this bot from an earlier session are cancelled"]
        one, other = bench.bots
        await one.start()
        own = one.buy("BTC-USDC", "0.01", price=one.price("BTC-USDC", "0.9"))
        await one.open(own)
        clone_home(one, other)
        await other.start()
        # An order the clone cannot tell from its own is cancelled, which its owner hears of; nothing is booked wrongly.
        await bench.until(lambda: one.is_done(own))
        assert one.names(own) == ["Created", "Cancelled"] and other.events == []
        assert len(bench.said("from an earlier session are cancelled")) == 1


async def test_an_order_of_another_bot_with_our_very_nonce_is_not_taken_for_ours():
    async with running(is_checked=False) as bench:  # the invariants go by the nonce, and would take it for ours
        bench.expected_complaints = ["Another bot on this account"]
        bot = bench.bot
        # Orders of the administration leave nonces free, so the venue's answer to a second order has to be set.
        await bench.admin.add_fault("rest", "error_200", method="POST", path="/orders", code=3015)
        order_id = bot.limit_order()
        foreign = await bench.admin.place_order(bot.account_group, "ETH-PERP", False, "0.5", "LIMIT", "9000",
                                                nonce=int(order_id))
        await bench.until(lambda: bot.is_done(order_id))
        assert bot.names(order_id) == ["Failed"]
        rows = (await bench.ledger())["orders"]
        assert [(row["id"], row["status"]) for row in rows] == [(foreign["id"], "NEW")]
        assert bench.complaints() == []


# --- Account group 0


async def test_b21_account_group_0_is_an_account_like_any_other():
    async with running(first_account_group=0, with_database=True) as bench:
        bot = bench.bot
        assert bot.account_group == 0
        await bench.admin.set_switch("public_group_header", "required")
        waiting = bot.limit_order()
        await bot.open(waiting)
        bench.connector.set_leverage("ETH-USDC", 5)
        await bench.until(lambda: bench.connector.get_leverage("ETH-USDC") == 5)
        await bot.filled(bot.sell("ETH-USDC", "0.3"))
        await bot.position_is("ETH-USDC", "-0.3")
        await bot.filled(bot.buy("ETH-USDC", "0.3", action=PositionAction.CLOSE))
        await bot.cancel(waiting)
        await bot.restart()
        await bot.filled(bot.buy("BTC-USDC", "0.01"))
        # The simulator refuses every private request whose header names another group, and public ones without.
        answers = [(entry["path"], entry["status"]) for entry in await bench.admin.journal(kind="rest")]
        assert {path for path, status in answers if status != 200} == set()
        assert {path for path, _ in answers} >= {
            "/account/listenKey", "/account/leverage", "/account", "/orders", "/orders/cancel", "/exchangeInfo"}
        opened = await bench.admin.journal(kind="socket_opened")
        assert {entry["socket_kind"] for entry in opened} == {"public", "private"}
        assert {entry["query"]["xwebsocketserver"] for entry in opened} == {"restserver0"}
        assert await bench.admin.listen_keys()
