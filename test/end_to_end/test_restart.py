"""A stop, a crash and what the next session makes of them, with the client's real database (A16, A17, B15, C32)."""
from decimal import Decimal
from test.end_to_end.bench import running, switches

import pytest

from hummingbot.core.data_type.common import PositionAction

pytestmark = [
    pytest.mark.asyncio,
    # A bot that is killed leaves what it was about to begin.
    pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning"),
]
HOUR_MS = 3_600_000
ONE_WARNING = r"WARNING.*{} open order\(s\) of this bot from an earlier session are cancelled"


async def pin_prices(bench):
    await bench.admin.set_price("BTC-PERP", "95000")
    await bench.admin.set_price("ETH-PERP", "3200")
    await bench.admin.pause_prices()
    await bench.until(lambda: abs(bench.connector.get_mid_price("BTC-USDC") - 95000) < 100)


async def rows_of(bench, order_ids):
    return [row for row in (await bench.ledger())["orders"] if str(row["nonce"]) in order_ids]


@pytest.mark.parametrize("fields", ["null", "filled"])
async def test_c32_a_crash_with_orders_of_every_kind(fields):
    chosen = switches(fill_parts=2, fill_part_ticks=1, partial_fill_fields=fields)
    async with running(with_database=True, **chosen) as bench:
        bench.expected_complaints = [ONE_WARNING.format(1)]
        bot = bench.bot
        await pin_prices(bench)
        kept = bot.sell("BTC-USDC", "0.01", price="99000")
        partly = bot.buy("BTC-USDC", "0.02", price="95500")
        to_fill, to_cancel = bot.buy("ETH-USDC", "0.2", price="3100"), bot.buy("ETH-USDC", "0.1", price="3000")
        for order_id in (kept, to_fill, to_cancel):
            await bot.open(order_id)
        await bench.until(lambda: bot.names(partly) == ["Created", "Filled"])
        # The venue has this order, but neither answer nor event arrive before the crash.
        await bench.admin.add_fault("socket", "drop", socket="private", channel="account_private")
        await bench.admin.add_fault("rest", "delay", method="GET", path="/orders", delay_ms=2000)
        await bench.admin.add_fault("rest", "delay", method="POST", path="/orders", when="after", delay_ms=2000)
        unsaved = bot.buy("BTC-USDC", "0.03", price="90000")
        await bench.until(lambda: rows_of(bench, [unsaved]))
        assert bot.records.saved_orders() == sorted([kept, partly, to_fill, to_cancel])

        exchange_id = bot.exchange_id(to_cancel)
        await bot.kill()
        await bench.admin.clear_faults()
        await bench.admin.resume_prices()
        await bench.admin.set_price("ETH-PERP", "3099")
        await bench.admin.tick(4)
        await bench.admin.cancel_order(bot.account_group, exchange_id)
        assert {row["status"] for row in await rows_of(bench, [partly, to_fill])} == {"FILLED"}

        await bot.start()
        await bot.filled(partly)
        await bot.filled(to_fill)
        await bench.until(lambda: bot.is_done(to_cancel))
        await bench.until(lambda: bot.is_done(unsaved))
        assert bot.names(unsaved) == ["Created", "Cancelled"]
        assert len(bench.said("from an earlier session are cancelled")) == 1
        await bench.admin.pause_prices()
        await bench.settled()
        assert bot.records.states() == {kept: "open", partly: "filled", to_fill: "filled", to_cancel: "cancelled",
                                        unsaved: "cancelled"}
        amounts = {order_id: sum(fill.amount for fill in bot.records.fills() if fill.order_id == order_id)
                   for order_id in (partly, to_fill)}
        assert amounts == {partly: Decimal("0.02"), to_fill: Decimal("0.2")}
        assert bot.records.saved_orders() == [kept]
        await bot.cancel(kept)


@pytest.mark.parametrize("arrives", [True, False], ids=["arrives", "is lost"])
async def test_c32_a_crash_while_a_cancel_is_under_way(arrives):
    async with running(with_database=True) as bench:
        bot = bench.bot
        order_id = bot.limit_order()
        await bot.open(order_id)
        await bench.admin.add_fault("rest", "delay" if arrives else "reset", path="/orders/cancel", delay_ms=500)
        if not arrives:
            bench.expected_complaints = ["ERROR.*Failed to cancel order"]
        bot.ask_to_cancel(order_id)
        await bench.until(lambda: bench.requests("POST", "/orders/cancel"))
        await bot.restart()
        await bench.admin.clear_faults()
        if arrives:
            await bench.until(lambda: bot.is_done(order_id))
            assert bot.names(order_id) == ["Created", "Cancelled"]
        else:
            await bench.another_poll()
            assert bot.names(order_id) == ["Created"]
            await bot.cancel(order_id)


async def test_c32_a_crash_right_after_every_fill_books_none_twice():
    async with running(with_database=True, **switches(fill_parts=4, fill_part_ticks=1)) as bench:
        bot = bench.bot
        await pin_prices(bench)
        order_id = bot.buy("BTC-USDC", "0.04", price="95500")
        for count in (1, 2, 3):
            await bench.until(lambda: bot.names(order_id).count("Filled") == count)
            await bot.restart()
            await bench.admin.tick(1)
        await bot.filled(order_id)
        assert sum(fill.amount for fill in bot.records.fills()) == Decimal("0.04")


async def test_c32_dead_time_fills_after_two_crashes_in_a_row_are_booked_once():
    async with running(with_database=True) as bench:
        bot = bench.bot
        await pin_prices(bench)
        orders = [bot.buy("ETH-USDC", "0.1", price=price) for price in ("3100", "3050")]
        for order_id in orders:
            await bot.open(order_id)
        await bot.kill()
        await bench.admin.set_price("ETH-PERP", "3099")
        await bot.start(wait=False)
        await bot.kill()
        await bench.admin.set_price("ETH-PERP", "3049")
        await bot.start()
        for order_id in orders:
            await bot.filled(order_id)
        await bot.restart()
        await bot.position_is("ETH-USDC", "0.2")
        assert [fill.order_id for fill in bot.records.fills()] == orders


async def test_c16_parts_filled_and_the_rest_cancelled_in_dead_time_are_booked():
    async with running(with_database=True, **switches(fill_parts=4, fill_part_ticks=1)) as bench:
        bot = bench.bot
        await pin_prices(bench)
        await bench.another_poll()  # from a look at the account on, positions are remembered
        order_id = bot.buy("BTC-USDC", "0.04", price="95500")
        await bench.until(lambda: bot.names(order_id) == ["Created", "Filled"])
        exchange_id = bot.exchange_id(order_id)
        await bot.kill()
        await bench.admin.tick(1)
        await bench.admin.cancel_order(bot.account_group, exchange_id)
        bench.expected_complaints = [f"WARNING.*{order_id} was filled by 0.01"]
        bench.unknowable_orders = {order_id}  # price and fee of what was missed
        await bot.start()
        await bench.until(lambda: bot.is_done(order_id))
        assert bot.names(order_id) == ["Created", "Filled", "Filled", "Cancelled"]
        assert sum(fill.amount for fill in bot.records.fills()) == Decimal("0.02")
        await bot.position_is("BTC-USDC", "0.02")


async def test_c16_what_others_traded_in_dead_time_is_blamed_on_no_order():
    async with running(with_database=True) as bench:
        bot = bench.bot
        await bot.filled(bot.buy("BTC-USDC", "0.02"))
        order_id = bot.limit_order()
        await bot.open(order_id)
        exchange_id = bot.exchange_id(order_id)
        await bot.kill()
        await bench.admin.place_order(bot.account_group, "BTC-PERP", True, "0.005")
        await bench.admin.cancel_order(bot.account_group, exchange_id)
        await bot.start()
        await bench.until(lambda: bot.is_done(order_id))
        await bot.position_is("BTC-USDC", "0.025")
        await bench.another_poll()
        assert bot.names(order_id) == ["Created", "Cancelled"]


async def test_b15_a_market_order_that_was_under_way_is_restored_with_its_fill():
    async with running(with_database=True, **switches(fill_parts=2, fill_part_ticks=1)) as bench:
        bot = bench.bot
        await bench.admin.pause_prices()
        order_id = bot.buy("BTC-USDC", "0.02")
        await bench.until(lambda: bot.names(order_id) == ["Created", "Filled"])
        await bot.kill()
        await bench.admin.resume_prices()
        await bench.admin.tick(2)
        await bot.start()
        await bot.filled(order_id)
        assert bot.names(order_id) == ["Created", "Filled", "Filled", "Completed"]


async def _unsaved_order(bench):
    """An order that the venue has while neither answer nor event arrive before the crash."""
    await bench.admin.add_fault("socket", "drop", socket="private", channel="account_private")
    await bench.admin.add_fault("rest", "delay", method="GET", path="/orders", delay_ms=2000)
    await bench.admin.add_fault("rest", "delay", method="POST", path="/orders", when="after", delay_ms=2000)
    order_id = bench.bot.sell("ETH-USDC", "0.5")
    await bench.until(lambda: rows_of(bench, [order_id]))
    await bench.bot.kill()
    await bench.admin.clear_faults()
    assert order_id not in bench.bot.records.saved_orders()
    return order_id


@pytest.mark.parametrize("crashes", [1, 2])
async def test_c32_an_order_filled_before_it_was_saved_is_booked_once(crashes):
    async with running(with_database=True) as bench:
        bot = bench.bot
        order_id = await _unsaved_order(bench)
        await bot.start()
        await bot.filled(order_id)
        for _ in range(crashes - 1):
            await bot.restart()
            await bench.another_poll()
        await bot.position_is("ETH-USDC", "-0.5")
        assert bot.names(order_id) == ["Created", "Filled", "Completed"]
        assert bot.records.states() == {order_id: "filled"}
        assert [(fill.order_id, fill.amount) for fill in bot.records.fills()] == [(order_id, Decimal("0.5"))]
        assert bench.connector.in_flight_orders == {}


async def test_c32_the_venue_never_got_an_order_that_was_on_its_way():
    async with running(with_database=True) as bench:
        bot = bench.bot
        await bench.admin.add_fault("rest", "delay", method="POST", path="/orders", delay_ms=5000)
        order_id = bot.sell("ETH-USDC", "0.5")
        await bench.until(lambda: bench.requests("POST", "/orders"))
        await bot.kill()
        await bench.admin.clear_faults()
        await bot.start()
        await bench.until(lambda: bot.is_done(order_id))
        assert bot.names(order_id) == ["Failed"] and bot.records.states() == {}


async def test_c32_the_client_may_cancel_what_it_restored_before_anything_runs():
    async with running(with_database=True) as bench:
        bot = bench.bot
        orders = [bot.buy("BTC-USDC", "0.01", price=bot.price("BTC-USDC", factor)) for factor in ("0.9", "0.8")]
        for order_id in orders:
            await bot.open(order_id)
        await bot.kill()
        bot.construct()
        bot.records.restore(bot.connector)
        assert {order.client_order_id for order in bot.connector.limit_orders} == set(orders)
        results = await bot.connector.cancel_all(5)
        assert {result.order_id for result in results if result.success} == set(orders)
        assert bot.records.states() == dict.fromkeys(orders, "cancelled")
        bot.run()
        await bench.until(lambda: bot.connector.ready)


async def test_a20_a_clean_stop_leaves_nothing_to_restore():
    async with running(with_database=True) as bench:
        bot = bench.bot
        order_id = bot.limit_order()
        await bot.open(order_id)
        await bot.filled(bot.buy("ETH-USDC", "0.1"))
        await bot.stop()
        assert bot.records.states()[order_id] == "cancelled" and bot.records.saved_orders() == []
        await bot.start()
        assert bench.connector.in_flight_orders == {}


@pytest.mark.parametrize("end", ["stop", "crash"])
async def test_a16_positions_and_leverage_are_the_venues_as_soon_as_the_bot_is_ready(end):
    async with running(with_database=True) as bench:
        bot = bench.bot
        for pair, leverage in (("BTC-USDC", 20), ("ETH-USDC", 7)):
            bench.connector.set_leverage(pair, leverage)
            await bench.until(lambda: bench.connector.get_leverage(pair) == leverage)
        await bot.filled(bot.buy("BTC-USDC", "0.03"))
        await bot.filled(bot.sell("ETH-USDC", "1"))
        await bot.position_is("ETH-USDC", -1)
        await (bot.stop() if end == "stop" else bot.kill())
        # By hand, while no bot runs.
        await bench.admin.place_order(bot.account_group, "ETH-PERP", False, "0.5")
        await bench.admin.place_order(bot.account_group, "SOL-PERP", True, "2")
        await bot.start()
        shown = {pair: (position.amount, position.position_side.name)
                 for pair, position in bench.connector.account_positions.items()}
        assert shown == {"BTC-USDC": (Decimal("0.03"), "LONG"), "ETH-USDC": (Decimal("-1.5"), "SHORT"),
                         "SOL-USDC": (Decimal(2), "LONG")}
        assert [bench.connector.account_positions[pair].leverage for pair in bot.pairs] == [20, 7]
        assert (bench.connector.get_leverage("BTC-USDC"), bench.connector.get_leverage("ETH-USDC")) == (20, 7)


async def test_a17_a_restart_repeats_no_payment_in_the_database():
    async with running(with_database=True) as bench:
        bot = bench.bot
        await bench.admin.set_funding_rate("BTC-PERP", "0.0005")
        await bot.filled(bot.buy("BTC-USDC", "0.1"))
        await bench.admin.advance_clock(HOUR_MS)
        await bot.filled(bot.buy("BTC-USDC", "0.1"))
        await bench.until(lambda: bot.payments)
        await bot.restart()
        await bench.admin.advance_clock(HOUR_MS)
        await bot.filled(bot.sell("BTC-USDC", "0.2", action=PositionAction.CLOSE))
        await bench.until(lambda: len(bot.payments) == 2)
        assert len(bot.records.query("SELECT * FROM FundingPayment")) == 2
