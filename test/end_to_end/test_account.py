"""Balances, positions, leverage and funding: what the strategy sees of the account equals the venue's."""
import asyncio
from decimal import Decimal
from test.end_to_end.bench import running, switches
from unittest.mock import patch

import pytest

from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, TradeType
from hummingbot.core.data_type.order_candidate import PerpetualOrderCandidate
from hummingbot.core.event.event_logger import EventLogger
from hummingbot.core.event.events import AccountEvent

pytestmark = pytest.mark.asyncio
HOUR_MS = 3_600_000


async def test_a3_an_empty_account_runs_without_a_storm():
    async with running(balance=Decimal(0)) as bench:
        await bench.another_poll()
        assert bench.connector.get_all_balances() == {"USDC": Decimal(0)}
        assert bench.connector.available_balances == {"USDC": Decimal(0)}


async def test_a3_an_account_without_any_list_is_empty_too():
    async with running(balance=Decimal(0), **switches(empty_lists="absent", withdrawable_present=False)) as bench:
        await bench.another_poll()
        assert bench.connector.get_all_balances() == {"USDC": Decimal(0)}


async def test_a4_the_budget_allows_what_the_venue_allows_with_leverage_also_after_fills():
    async with running(balance=Decimal(1000)) as bench:
        bot = bench.bot
        await bench.admin.set_price("BTC-PERP", "50000")
        await bench.admin.pause_prices()
        bench.connector.set_leverage("BTC-USDC", 20)
        await bench.until(lambda: bench.connector.get_leverage("BTC-USDC") == 20)
        await bench.until(lambda: abs(bench.connector.get_mid_price("BTC-USDC") - 50000) < 50)

        def adjusted(amount):
            candidate = PerpetualOrderCandidate(
                trading_pair="BTC-USDC", is_maker=False, order_type=OrderType.LIMIT, order_side=TradeType.BUY,
                amount=Decimal(amount), price=Decimal(50000), leverage=Decimal(20),
            )
            return bench.connector.budget_checker.adjust_candidate(candidate, all_or_none=True).amount

        # 0.3 BTC are 15000 USDC, 750 of margin at 20x.
        assert adjusted("0.3") == Decimal("0.3")
        await bot.filled(bot.buy("BTC-USDC", "0.3"))
        await bot.position_is("BTC-USDC", "0.3")
        await bench.settled()
        # Some 240 USDC are left: 0.09 BTC need 225, 0.11 BTC 275.
        assert adjusted("0.09") == Decimal("0.09")
        assert adjusted("0.11") == 0
        await bot.filled(bot.buy("BTC-USDC", "0.09"))


async def test_a8_leverage_is_the_venues_and_clamped_with_a_warning():
    async with running() as bench:
        bench.expected_complaints = ["WARNING.*Leverage 500 is more than Vest allows for BTC-USDC; 50 is set instead"]
        bench.connector.set_leverage("BTC-USDC", 500)
        await bench.until(lambda: bench.connector.get_leverage("BTC-USDC") == 50)
        assert (await bench.ledger())["leverages"]["BTC-PERP"] == 50
        bench.connector.set_leverage("ETH-USDC", 7)
        await bench.until(lambda: bench.connector.get_leverage("ETH-USDC") == 7)


async def test_a8_a_refused_leverage_is_said_and_not_recorded():
    async with running() as bench:
        bench.expected_complaints = ["NETWORK.*Error setting leverage 20 for BTC-USDC.*3020"]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        bench.connector.set_leverage("BTC-USDC", 20)
        await bench.until(lambda: bench.said("3020"))
        await bench.another_poll()
        assert bench.connector.get_leverage("BTC-USDC") != 20


async def test_a7_hedge_mode_is_refused_in_words():
    async with running() as bench:
        bench.expected_complaints = ["ERROR.*Position mode .*HEDGE is not supported"]
        failures = EventLogger()
        bench.connector.add_listener(AccountEvent.PositionModeChangeFailed, failures)
        bench.connector.set_position_mode(PositionMode.HEDGE)
        await bench.until(lambda: failures.event_log)
        assert bench.connector.position_mode is PositionMode.ONEWAY
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))


async def test_c20_foreign_orders_move_positions_and_balances_only():
    async with running() as bench:
        group = bench.bot.account_group
        # The bot knows the venue's clock to half a second, and leaves what was settled before it began to others.
        await bench.until(lambda: bench.simulator.clock.now_ms() > bench.bot.since_ms + 1000)
        await bench.admin.place_order(group, "BTC-PERP", True, "0.05")
        await bench.bot.position_is("BTC-USDC", "0.05")
        await bench.admin.place_order(group, "ETH-PERP", False, "1", order_type="LIMIT", limit_price="9000")
        await bench.admin.place_order(group, "BTC-PERP", False, "0.05")
        await bench.bot.position_is("BTC-USDC", 0)
        assert bench.bot.events == [] and bench.connector.in_flight_orders == {}


async def test_c20_liquidation_of_our_position():
    async with running() as bench:
        waiting = bench.bot.buy("ETH-USDC", "0.1", price=bench.bot.price("ETH-USDC", "0.9"))
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "2"))
        await bench.bot.position_is("ETH-USDC", 2)
        await bench.bot.open(waiting)
        # What others settled within the doubt about the venue's clock counts for the session before (A17).
        await bench.until(lambda: bench.simulator.clock.now_ms() > bench.bot.since_ms + 1500)
        bench.expected_complaints = ["WARNING.*Vest has liquidated 2(.0*)? of the position in ETH-USDC, at [0-9.]+;"]
        await bench.admin.liquidate(bench.bot.account_group, "ETH-PERP")
        await bench.bot.position_is("ETH-USDC", 0)
        await bench.until(lambda: len(bench.said(*bench.expected_complaints)) == 1)
        await bench.until(lambda: bench.bot.is_done(waiting))
        assert "3008" in bench.bot.failure(waiting)


async def test_a16_a_position_goes_while_others_stay():
    async with running() as bench:
        for pair in ("BTC-USDC", "ETH-USDC"):
            await bench.bot.filled(bench.bot.sell(pair, "0.1"))
        await bench.bot.position_is("BTC-USDC", "-0.1")
        await bench.bot.position_is("ETH-USDC", "-0.1")
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "0.1", action=PositionAction.CLOSE))
        await bench.bot.position_is("ETH-USDC", 0)
        assert bench.bot.position("BTC-USDC") == Decimal("-0.1")


async def test_a16_a_position_that_lags_its_fill_is_shown_in_the_end():
    async with running(**switches(position_lag_ms=300)) as bench:
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        await bench.bot.position_is("BTC-USDC", "0.01")


@pytest.mark.parametrize("rate, sign", [("0.0005", -1), ("-0.0005", 1)], ids=["paid", "received"])
async def test_a17_funding_settled_with_a_fill_is_published_once(rate, sign):
    async with running() as bench:
        await bench.admin.set_funding_rate("BTC-PERP", rate)
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.1"))
        await bench.admin.advance_clock(2 * HOUR_MS)
        await bench.bot.filled(bench.bot.sell("BTC-USDC", "0.1", action=PositionAction.CLOSE))
        await bench.until(lambda: bench.bot.payments)
        await bench.settled()
        payment = bench.bot.payments[0]
        assert len(bench.bot.payments) == 1 and payment.amount * sign > 0
        assert payment.trading_pair == "BTC-USDC" and isinstance(payment.timestamp, int)
        assert payment.funding_rate == Decimal(rate)


async def test_a17_funding_of_a_fill_that_the_list_of_orders_tells_late_is_published():
    async with running() as bench:
        bot = bench.bot
        await bench.admin.set_price("BTC-PERP", "95000")
        await bench.admin.pause_prices()
        await bench.admin.set_funding_rate("BTC-PERP", "0.0005")
        await bot.filled(bot.buy("BTC-USDC", "0.1"))
        await bot.position_is("BTC-USDC", "0.1")
        order_id = bot.sell("BTC-USDC", "0.1", price="96000", action=PositionAction.CLOSE)
        await bot.open(order_id)
        await bench.admin.advance_clock(HOUR_MS)
        await bench.another_poll()
        reader = bench.connector._orders
        get = reader._get
        open_row, = await get(path_url="/orders", params={"nonce": order_id}, is_auth_required=True)
        reads = []

        async def get_late(**request):
            rows = await get(**request)
            if len(reads) < 3 and any(row["id"] == open_row["id"] and row["status"] == "FILLED" for row in rows):
                reads.append(request)
                rows = [open_row if row["id"] == open_row["id"] else row for row in rows]
            return rows

        with patch.object(reader, "_get", get_late):
            await bench.admin.set_price("BTC-PERP", "96500")
            await bench.admin.tick(1)
            await bot.filled(order_id)
            await bench.until(lambda: bot.payments)
        ledger = await bench.ledger()
        assert sum(payment.amount for payment in bot.payments) == Decimal(ledger["settledFunding"]) < 0


async def test_a17_funding_settled_hourly_is_published_once():
    async with running(**switches(funding_settlement="hourly")) as bench:
        await bench.admin.set_funding_rate("BTC-PERP", "0.001")
        await bench.admin.set_funding_rate("ETH-PERP", "-0.001")
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.1"))
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "1"))
        await bench.bot.position_is("BTC-USDC", "0.1")
        await bench.bot.position_is("ETH-USDC", 1)
        for count in (2, 4):
            await bench.admin.advance_clock(HOUR_MS)
            await bench.until(lambda: len(bench.bot.payments) >= count)
        assert {payment.trading_pair: payment.amount < 0 for payment in bench.bot.payments} == {
            "BTC-USDC": True, "ETH-USDC": False}


async def test_a17_funding_settled_hourly_that_shows_late_is_published():
    async with running(**switches(funding_settlement="hourly", position_lag_ms=2000)) as bench:
        await bench.admin.set_funding_rate("BTC-PERP", "0.001")
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.1"))
        await bench.bot.position_is("BTC-USDC", "0.1")
        await bench.another_poll()
        # The account is read in the new hour before it tells what the hour settled.
        await bench.admin.advance_clock(HOUR_MS - bench.simulator.clock.now_ms() % HOUR_MS)

        async def is_paid():
            settled = Decimal((await bench.ledger())["settledFunding"])
            return sum(payment.amount for payment in bench.bot.payments) == settled < 0

        await bench.until(is_paid, lambda: f"paid: {bench.bot.payments}")


@pytest.mark.parametrize("lag_ms", [0, 300])
async def test_a17_an_order_that_is_partly_filled_while_the_hour_turns_is_paid_for_once(lag_ms):
    async with running(**switches(position_lag_ms=lag_ms)) as bench:
        await bench.admin.set_price("BTC-PERP", "95000")
        await bench.admin.pause_prices()
        await bench.admin.set_funding_rate("BTC-PERP", "0.0005")
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.1"))
        await bench.bot.position_is("BTC-USDC", "0.1")
        await bench.another_poll()
        await bench.admin.set_switch("fill_parts", 2)
        await bench.admin.set_switch("fill_part_ticks", 1)
        await bench.admin.advance_clock(HOUR_MS)
        order_id = bench.bot.sell("BTC-USDC", "0.05", price="94900")
        await bench.bot.position_is("BTC-USDC", "0.075")
        await bench.another_poll()
        await bench.admin.tick(1)
        await bench.bot.filled(order_id)
        await bench.bot.position_is("BTC-USDC", "0.05")
        await bench.until(lambda: bench.bot.payments)
        # Whatever was taken for an hourly settlement would be published with the next fill.
        await bench.bot.filled(bench.bot.sell("BTC-USDC", "0.0001"))


@pytest.mark.parametrize("fields", ["null", "filled"])
async def test_a17_funding_settled_by_a_part_of_a_cancelled_order_is_published_once(fields):
    async with running(**switches(partial_fill_fields=fields)) as bench:
        bot = bench.bot
        await bench.admin.set_price("BTC-PERP", "95000")
        await bench.admin.pause_prices()
        await bench.admin.set_funding_rate("BTC-PERP", "0.0005")
        await bot.filled(bot.buy("BTC-USDC", "0.1"))
        await bot.position_is("BTC-USDC", "0.1")
        await bench.admin.advance_clock(HOUR_MS)
        await bench.another_poll()
        await bench.admin.set_switch("fill_parts", 4)
        await bench.admin.set_switch("fill_part_ticks", 100)
        order_id = bot.sell("BTC-USDC", "0.04", price="94500", action=PositionAction.CLOSE)
        await bot.position_is("BTC-USDC", "0.09")
        await bench.until(lambda: bot.fills(order_id))
        await bot.cancel(order_id)
        await bench.another_poll()
        await bench.admin.advance_clock(20_000)  # the position has no lag any more
        await bench.until(lambda: bot.payments)
        await bench.another_poll()
        assert [payment.amount for payment in bot.payments] == [Decimal((await bench.ledger())["settledFunding"])]


async def test_a17_no_payment_is_published_again_after_a_restart():
    async with running() as bench:
        await bench.admin.set_funding_rate("BTC-PERP", "0.0005")
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.1"))
        await bench.admin.advance_clock(HOUR_MS)
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.1"))
        await bench.until(lambda: bench.bot.payments)
        await bench.bot.restart()
        await bench.another_poll()
        await bench.bot.position_is("BTC-USDC", "0.2")
        assert len(bench.bot.payments) == 1


async def test_c34_several_payments_at_once_are_as_many_events():
    async with running() as bench:
        for symbol in ("BTC-PERP", "ETH-PERP"):
            await bench.admin.set_funding_rate(symbol, "0.001")
        await asyncio.gather(*(bench.bot.filled(bench.bot.buy(pair, "0.1")) for pair in bench.bot.pairs))
        await bench.admin.advance_clock(HOUR_MS)
        await asyncio.gather(*(bench.bot.filled(bench.bot.sell(pair, "0.1")) for pair in bench.bot.pairs))
        await bench.until(lambda: len(bench.bot.payments) == 2)


async def test_c34_no_payment_yet():
    async with running() as bench:
        assert await bench.connector._fetch_last_fee_payment("BTC-USDC") == (0, Decimal(-1), Decimal(-1))
