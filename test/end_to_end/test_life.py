"""Start, restart and stop, and bots side by side on one account (A2, A16, A20, A21, C32)."""
import asyncio
from test.end_to_end.bench import PAIRS, running

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS

pytestmark = pytest.mark.asyncio


async def test_a21_a_normal_start_says_no_warning():
    async with running() as bench:
        await bench.another_poll()
        assert bench.complaints() == []
        assert all(bench.connector.status_dict.values())


async def test_a2_market_data_needs_no_keys():
    async with running(is_started=False, is_checked=False) as bench:
        connector = bench.bot.construct(vest_perpetual_api_key="", vest_perpetual_signing_private_key="",
                                        vest_perpetual_account_group="", trading_required=False)
        bench.bot.run()
        await bench.until(lambda: connector.ready)
        book = connector.get_order_book("BTC-USDC")
        first_id = book.snapshot_uid
        await bench.until(lambda: book.snapshot_uid > first_id and list(book.bid_entries()))
        assert connector.get_funding_info("ETH-USDC").mark_price > 0
        assert await bench.requests("GET", "/account") == []
        await bench.bot.kill()


async def test_a20_stopping_cancels_own_orders_and_leaves_foreign_ones():
    async with running() as bench:
        group = bench.bot.account_group
        foreign = await bench.admin.place_order(group, "BTC-PERP", True, "0.01", "LIMIT", "50000")
        own = [bench.bot.buy("BTC-USDC", "0.01", price=bench.bot.price("BTC-USDC", factor)) for factor in (0.9, 0.8)]
        for order_id in own:
            await bench.bot.open(order_id)
        await bench.bot.stop()
        assert [bench.bot.names(order_id)[-1] for order_id in own] == ["Cancelled"] * 2
        statuses = {row["id"]: row["status"] for row in (await bench.ledger())["orders"]}
        assert statuses.pop(foreign["id"]) == "NEW" and set(statuses.values()) == {"CANCELLED"}
        await bench.bot.start()


async def test_stopping_leaves_the_listen_key_to_other_bots():
    async with running(bots=2) as bench:
        await bench.bots[1].stop()
        assert await bench.requests("DELETE", "/account/listenKey") == []
        order_id = bench.bot.buy("BTC-USDC", "0.01")
        await bench.bot.filled(order_id)
        await bench.bots[1].start()


async def test_c32_orders_restored_while_their_outcome_was_unknown():
    async with running() as bench:
        bot = bench.bot
        # The answers of two orders are lost; one of the two was accepted.
        await bench.admin.add_fault("rest", "reset", method="POST", path="/orders", when="after", times=1)
        accepted = bot.limit_order()
        await bench.until(lambda: bench.said("It is not known whether Vest has order"))
        states = bench.connector.tracking_states
        states[accepted]["exchange_order_id"] = None
        states[accepted]["last_state"] = "0"
        await bot.kill()
        bot.events.clear()
        await bot.start(states)
        await bot.open(accepted)
        assert bot.names(accepted) == ["Created"]


async def test_c32_orphans_of_an_earlier_session_are_cancelled_with_one_warning():
    async with running() as bench:
        bench.expected_complaints = [r"WARNING.*2 open order\(s\) of this bot from an earlier session are cancelled"]
        bot = bench.bot
        orphans = [bot.buy("BTC-USDC", "0.01", price=bot.price("BTC-USDC", factor)) for factor in (0.9, 0.8)]
        for order_id in orphans:
            await bot.open(order_id)
        await bot.kill()
        # The client died before it saved them, so nothing is known of them but their tag.
        bot.placed.clear()
        bot.events.clear()
        await bot.start()
        await bench.until(lambda: _all_cancelled(bench, orphans))
        assert len(bench.said("from an earlier session are cancelled")) == 1


@pytest.mark.parametrize("away", [dict(method="GET", path="/orders"), dict(method="POST", path="/orders/cancel")],
                         ids=["not listed", "not cancelled"])
async def test_c32_orphans_are_cancelled_as_soon_as_the_venue_can(away):
    async with running() as bench:
        bench.expected_complaints = ["WARNING.*(from an earlier session are cancelled|read again later|tried again)"]
        bot = bench.bot
        orphans = [bot.buy("BTC-USDC", "0.01", price=bot.price("BTC-USDC", factor)) for factor in (0.9, 0.8)]
        for order_id in orphans:
            await bot.open(order_id)
        await bot.kill()
        bot.placed.clear()
        bot.events.clear()
        fault = await bench.admin.add_fault("rest", "status", status=503, **away)
        await bot.start()
        await bench.until(lambda: bench.said("that is tried again"))
        await bench.admin.remove_fault(fault)
        await bench.until(lambda: _all_cancelled(bench, orphans))


async def _all_cancelled(bench, order_ids):
    rows = (await bench.ledger())["orders"]
    return {row["status"] for row in rows if str(row["nonce"]) in order_ids} == {"CANCELLED"}


async def test_a16_positions_are_there_after_a_restart():
    async with running() as bench:
        await bench.bot.filled(bench.bot.sell("ETH-USDC", "1"))
        await bench.bot.restart()
        await bench.bot.position_is("ETH-USDC", -1)


async def test_two_bots_on_one_account_do_not_touch_each_other():
    async with running(bots=2) as bench:
        one, two = bench.bots
        orders = {bot: [bot.buy("BTC-USDC", "0.001", price=bot.price("BTC-USDC", "0.9")) for _ in range(5)]
                  for bot in bench.bots}
        trades = {bot: [bot.buy(pair, "0.01") for pair in PAIRS for _ in range(5)] for bot in bench.bots}
        for bot in bench.bots:
            for order_id in orders[bot]:
                await bot.open(order_id)
            for order_id in trades[bot]:
                await bot.filled(order_id)
        assert one.placed.isdisjoint(two.placed)
        for bot in bench.bots:
            await bot.position_is("BTC-USDC", "0.1")
            assert {event.order_id for event in bot.events} == bot.placed
        await asyncio.gather(*(one.cancel(order_id) for order_id in orders[one]))
        await bench.another_poll()
        assert set(two.connector.in_flight_orders) == set(orders[two])
        # Neither takes the other's for orphans, also when it starts anew.
        await two.restart()
        await one.restart()
        assert set(two.connector.in_flight_orders) == set(orders[two])
        await bench.another_poll()


async def test_two_accounts_know_nothing_of_each_other():
    async with running(accounts=2) as bench:
        other = bench.add_bot(account=1)
        await other.start()
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        await other.filled(other.sell("BTC-USDC", "0.02"))
        await bench.bot.position_is("BTC-USDC", "0.01")
        await other.position_is("BTC-USDC", "-0.02")


async def test_cancel_all_waits_for_the_venue():
    async with running() as bench:
        orders = [bench.bot.sell("ETH-USDC", "0.1", price=bench.bot.price("ETH-USDC", "1.1")) for _ in range(6)]
        for order_id in orders:
            await bench.bot.open(order_id)
        results = await bench.connector.cancel_all(5)
        assert {result.order_id for result in results if result.success} == set(orders)
        assert all(bench.bot.names(order_id) == ["Created", "Cancelled"] for order_id in orders)


async def test_c32_an_order_that_was_on_its_way_when_the_bot_died_is_waited_for(monkeypatch):
    async with running() as bench:
        bot = bench.bot
        monkeypatch.setattr(CONSTANTS, "RECV_WINDOW_MS", 15_000)
        await bench.admin.add_fault("rest", "delay", method="POST", path="/orders", when="before", delay_ms=1000)
        order_id = bot.limit_order()
        await bench.until(lambda: bench.requests("POST", "/orders"))
        await bot.restart()
        await bot.open(order_id)
        assert bot.names(order_id) == ["Created"]
