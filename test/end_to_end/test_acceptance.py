"""Rows of the acceptance lists A and B that want a venue and that no other file proves whole."""
import asyncio
import time
from contextlib import contextmanager
from decimal import Decimal
from test.end_to_end.bench import PAIRS, running, switches
from unittest.mock import AsyncMock, patch
from urllib.parse import urlsplit

import pytest

from hummingbot.client.config.client_config_map import ClientConfigMap
from hummingbot.client.config.config_helpers import ClientConfigAdapter
from hummingbot.client.config.security import Security
from hummingbot.client.settings import AllConnectorSettings
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_web_utils import VestRESTAssistant
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.utils.trading_pair_fetcher import TradingPairFetcher
from hummingbot.core.web_assistant.connections.data_types import RESTMethod
from vest_simulator import RateLimits
from workbench.books import compare, different_orders, venue_books

pytestmark = pytest.mark.asyncio
HOUR_MS = 3_600_000
SYMBOLS = {"BTC-USDC": "BTC-PERP", "ETH-USDC": "ETH-PERP"}
INTERRUPTED = "WARNING.*(user stream|market data stream) of Vest is interrupted"


@contextmanager
def short_timeout(seconds, method, *paths):
    """Such requests end soon when they get no answer; all others have the time that a busy machine needs."""
    usual = VestRESTAssistant._exchange

    async def hasty(assistant, request, timeout_s):
        is_meant = request.method is method and urlsplit(request.url).path.endswith(paths)
        return await usual(assistant, request, seconds if is_meant else timeout_s)

    with patch.object(VestRESTAssistant, "_exchange", hasty):
        yield


# --- A1: keys


BAD_KEYS = {
    "unregistered": {"vest_perpetual_api_key": "5e" * 32},
    "short": {"vest_perpetual_api_key": "5e5e5e5e"},
}


@pytest.mark.parametrize("kind", BAD_KEYS)
async def test_a1_a_wrong_key_at_the_start_is_one_plain_message(kind):
    async with running(is_started=False, is_checked=False) as bench:
        bench.expected_complaints = ["register", INTERRUPTED, "1002"]
        bench.bot.construct(**BAD_KEYS[kind])
        bench.bot.run()
        await bench.until(lambda: bench.said("^ERROR"))
        await bench.until(lambda: bench.connector.network_status.name == "NOT_CONNECTED")
        await bench.until(lambda: _is_disconnected(bench))
        message, = bench.said("^ERROR")
        assert "register" in message
        assert bench.said(BAD_KEYS[kind]["vest_perpetual_api_key"]) == []


async def _is_disconnected(bench):
    return (await bench.admin.sockets())["public"] == 0


async def test_a1_a_wrong_account_group_is_said():
    async with running(is_started=False, is_checked=False) as bench:
        bench.expected_complaints = ["ERROR.*enter the accGroup of the registration", INTERRUPTED, "1146"]
        bench.bot.construct(vest_perpetual_account_group=77)
        bench.bot.run()
        await bench.until(lambda: bench.said("enter the accGroup of the registration"))
        await bench.until(lambda: len(bench.said("changed to NetworkStatus.NOT_CONNECTED")) >= 2)
        assert len(bench.said("ERROR.*enter the accGroup of the registration")) == 1
        assert not bench.connector.ready


async def test_a1_a_key_that_has_expired_says_how_to_get_another():
    async with running(is_started=False, is_checked=False) as bench:
        bench.expected_complaints = ["register", INTERRUPTED, "1002"]
        account = await bench.admin.create_account("1000", key_life_ms=1000)
        await bench.admin.advance_clock(2000)
        bench.bot.construct(**{f"vest_perpetual_{name}": account[name]
                               for name in ("api_key", "signing_private_key", "account_group")})
        bench.bot.run()
        await bench.until(lambda: bench.said("^ERROR"))
        message, = bench.said("^ERROR")
        assert "register a new signing key" in message.lower()
        assert bench.said(account["api_key"]) == []


# --- A3, A5, A9: what the client shows and offers


async def test_a3_what_is_allocated_is_the_margin_in_use():
    async with running() as bench:
        await bench.admin.pause_prices()
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.1"))
        await bench.bot.open(bench.bot.sell("ETH-USDC", "2", price=bench.bot.price("ETH-USDC", "1.1")))
        await bench.settled()
        balances = (await bench.ledger())["balances"]
        total, available = bench.connector.get_balance("USDC"), bench.connector.available_balances["USDC"]
        # `withdrawable` takes the loss of the position, its half spread, out of what is available too.
        loss = Decimal(balances["cash"]) - Decimal(balances["equity"])
        assert abs(total - available - Decimal(balances["usedMargin"]) - loss) < Decimal("0.01")


async def test_a5_the_clients_autocompletion_has_all_pairs():
    async with running(is_started=False, is_checked=False) as bench:
        settings = {name: setting for name, setting in AllConnectorSettings.get_connector_settings().items()
                    if name == CONSTANTS.SIMULATOR_DOMAIN}
        config = ClientConfigAdapter(ClientConfigMap())
        config.fetch_pairs_from_all_exchanges = True
        with patch.object(TradingPairFetcher, "_all_connector_settings", lambda fetcher: settings), \
                patch.object(Security, "wait_til_decryption_done", AsyncMock()):
            fetcher = TradingPairFetcher(config)
            await bench.until(lambda: CONSTANTS.SIMULATOR_DOMAIN in fetcher.trading_pairs)
        assert sorted(fetcher.trading_pairs[CONSTANTS.SIMULATOR_DOMAIN]) == [
            "AAPL-USDC", "BTC-USDC", "ETH-USDC", "KBONK-USDC", "SOL-USDC", "SPX-USDC", "SPXUSD-USDC"]
        assert bench.complaints() == []


async def test_a9_every_order_type_that_is_offered_works():
    async with running() as bench:
        place = {OrderType.MARKET: lambda: bench.bot.buy("BTC-USDC", "0.01"),
                 OrderType.LIMIT: lambda: bench.bot.limit_order("1.01")}
        assert set(bench.connector.supported_order_types()) == set(place)
        for order_type in bench.connector.supported_order_types():
            order_id = place[order_type]()
            await bench.bot.filled(order_id)
            assert (await bench.venue_order(order_id))["orderType"] == order_type.name


# --- A10: refreshing


async def test_a10_refreshing_all_orders_360_times_leaves_none_stuck():
    refreshes = 360
    async with running(limits=RateLimits(requests_per_minute=1_000_000), journal_size=100) as bench:
        bench.expected_complaints = ["WARNING.*Failed to cancel order .*not found"]
        bot, quotes = bench.bot, []
        for number in range(refreshes):
            for order_id in quotes:
                if order_id in bench.connector.in_flight_orders:
                    bot.ask_to_cancel(order_id)
            # Near the price, so that some fill while they are cancelled; the sides take turns.
            place, factor = ((bot.buy, "0.9998"), (bot.sell, "1.0002"))[number % 2]
            quotes = [place(pair, amount, price=bot.price(pair, factor))
                      for pair, amount in (("BTC-USDC", "0.001"), ("ETH-USDC", "0.02"))]
            await bench.until(lambda: all(bot.names(order_id) for order_id in quotes))
        for order_id in quotes:
            if order_id in bench.connector.in_flight_orders:
                bot.ask_to_cancel(order_id)
        await bench.until(lambda: not bench.connector.in_flight_orders)
        ends = [bot.names(order_id)[-1] for order_id in bot.placed]
        assert len(ends) == 2 * refreshes and set(ends) <= {"Completed", "Cancelled"}
        assert ends.count("Cancelled") > refreshes / 2
        assert all(row["status"] in ("FILLED", "CANCELLED") for row in (await bench.ledger())["orders"])


# --- A12, A13: answers that do not come


FAULTS = [dict(action="status", status=503), dict(action="reset"), dict(action="hang"), dict(action="truncate")]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["action"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a12_an_order_reported_failed_is_not_live(fault, when):
    with short_timeout(0.5, RESTMethod.POST, "/orders"):
        async with running() as bench:
            await bench.admin.add_fault("rest", method="POST", path="/orders", when=when, times=4, **fault)
            orders = [bench.bot.buy(pair, "0.02", price=bench.bot.price(pair, "0.9")) for pair in PAIRS * 2]
            await bench.until(lambda: all(bench.bot.names(order_id) for order_id in orders))
            names = [bench.bot.names(order_id) for order_id in orders]
            at_venue = [await bench.venue_order(order_id) for order_id in orders]
            if when == "before":
                assert names == [["Failed"]] * 4 and at_venue == [None] * 4
            else:
                assert names == [["Created"]] * 4 and {row["status"] for row in at_venue} == {"NEW"}
            assert len(await bench.requests("POST", "/orders")) == 4


@pytest.mark.parametrize("late_ms, window_ms, end", [(900, 15_000, "Created"), (2500, 1500, "Failed")],
                         ids=["in time", "too late"])
async def test_a12_an_order_that_reaches_the_venue_after_its_time_out(late_ms, window_ms, end, monkeypatch):
    with short_timeout(0.3, RESTMethod.POST, "/orders"):
        async with running() as bench:
            monkeypatch.setattr(CONSTANTS, "RECV_WINDOW_MS", window_ms)
            await bench.admin.add_fault("rest", "delay", method="POST", path="/orders", times=1, delay_ms=late_ms)
            order_id = bench.bot.buy("BTC-USDC", "0.02", price=bench.bot.price("BTC-USDC", "0.9"))
            await bench.until(lambda: bench.said("It is not known whether Vest has order"))
            await bench.until(bench.is_answered)
            row = await bench.venue_order(order_id)
            assert (row is not None) == (end == "Created")
            await bench.until(lambda: bench.bot.names(order_id) == [end])


async def test_a13_refusals_for_too_many_requests_lose_no_order():
    times = 4  # one more than the base takes for proof that an order is gone
    async with running(with_database=True) as bench:
        bench.expected_complaints = ["WARNING.*Vest asks for fewer requests", "429"]
        orders = [bench.bot.buy(pair, "0.02", price=bench.bot.price(pair, "0.9")) for pair in PAIRS for _ in range(5)]
        assert len(set(orders)) == len(orders)
        for order_id in orders:
            await bench.bot.open(order_id)
        fault = await bench.admin.add_fault("rest", "status", method="GET", path="/orders|/account", status=429,
                                            times=times, headers={"Retry-After": "0"})
        await bench.until(lambda: bench.has_struck(fault, times))
        assert all(bench.bot.names(order_id) == ["Created"] for order_id in orders)
        ids = [row[0] for row in bench.bot.records.query('SELECT exchange_order_id FROM "Order"')]
        assert sorted(ids) == sorted(row["id"] for row in (await bench.ledger())["orders"])


# --- A15: the client's books


@pytest.mark.parametrize("fees", ["cumulative", "single"])
async def test_a15_every_fill_is_once_in_events_history_csv_and_database(fees):
    async with running(with_database=True, **switches(fill_parts=3, fill_part_ticks=1, fees=fees)) as bench:
        bot, records = bench.bot, bench.bot.records
        # Half of the news comes twice, the other half never.
        for action in ("duplicate", "drop"):
            await bench.admin.add_fault("socket", action, socket="private", channel="account_private",
                                        match="FILLED", probability=0.5)
        orders = [bot.buy("BTC-USDC", "0.03"), bot.sell("ETH-USDC", "0.9"), bot.buy("ETH-USDC", "0.3")]
        for order_id in orders:
            await bot.filled(order_id)
        waiting = bot.limit_order()
        await bot.open(waiting)
        await bot.cancel(waiting)
        await bench.admin.pause_prices()
        await bench.settled()
        ledger = await bench.ledger()
        await _assert_books_agree(bench, ledger)

        fills = records.fills()
        assert {fill.fee_token for fill in fills} == {"USDC"}
        assert len({fill.trade_id for fill in fills}) == len(fills)
        assert sorted(line.split(",")[0] for line in records.write_csv()) == sorted(fill.trade_id for fill in fills)
        # The log tells of every fill too: of each order up to its whole amount.
        assert all(bench.said(f"order {order_id} (has been|completely) .*filled") for order_id in orders)
        for pair in PAIRS:
            rows = [row for row in ledger["orders"] if row["symbol"] == SYMBOLS[pair]]
            history = await records.history(pair)
            assert history.num_trades == sum(fill.order_id in {str(row["nonce"]) for row in rows} for fill in fills)
            assert history.fees == {"USDC": sum(Decimal(row["fees"]) for row in rows)}
            assert history.tot_vol_base == sum(
                Decimal(row["filledSize"]) * (1 if row["isBuy"] else -1) for row in rows)


async def _assert_books_agree(bench, ledger):
    pairs = await bench.connector.trading_pair_symbol_map()
    ours, venues = bench.bot.records.books(), venue_books(ledger, pairs)
    assert different_orders(ours, venues) == []
    # Parts that are inferred from an average price have it rounded.
    lines = [line for line in compare(ours, venues, dict.fromkeys(PAIRS, Decimal(0)))
             if line.what not in ("quote volume", "PnL")]
    assert [line for line in lines if not line.agrees] == []


async def test_a15_single_fills_agree_to_the_last_digit():
    async with running(with_database=True) as bench:
        bot = bench.bot
        for pair in PAIRS:
            await bot.filled(bot.buy(pair, "0.0123"))
            await bot.filled(bot.sell(pair, "0.0456"))
        await bench.admin.pause_prices()
        await bench.settled()
        pairs = await bench.connector.trading_pair_symbol_map()
        lines = compare(bot.records.books(), venue_books(await bench.ledger(), pairs),
                        dict.fromkeys(PAIRS, Decimal(1000)))
        assert [line for line in lines if not line.agrees] == []


# --- A17, A18


async def test_a17_funding_info_is_there_as_soon_as_a_pair_is():
    async with running(("BTC-USDC",)) as bench:
        assert bench.connector.get_funding_info("BTC-USDC").next_funding_utc_timestamp > 0
        for _ in range(3):
            assert await bench.connector.add_trading_pair("SOL-USDC")
            assert bench.connector.get_funding_info("SOL-USDC").mark_price > 0
            await asyncio.sleep(0)  # the framework's task of the pair begins, and is not warned of when it is cancelled
            assert await bench.connector.remove_trading_pair("SOL-USDC")


@pytest.mark.parametrize("trouble", ["closed with 1000", "network loss", "clock ahead"])
async def test_a18_the_bot_recovers_by_itself(trouble):
    async with running(with_proxy=True) as bench:
        bench.expected_complaints = [INTERRUPTED, "NETWORK", "could not be read"]
        waiting = bench.bot.limit_order()
        await bench.bot.open(waiting)
        opened = len(await bench.admin.journal(kind="socket_opened"))
        if trouble == "clock ahead":
            await bench.admin.advance_clock(60_000)
        else:
            if trouble == "closed with 1000":
                await bench.admin.disconnect_sockets("all", 1000)
            else:
                bench.proxy.stall()
                await bench.until(lambda: bench.said("user stream of Vest is interrupted"))
                bench.proxy.resume()
            await bench.until(lambda: _has_opened(bench, opened + 2))
        await bench.until(lambda: bench.connector.ready)
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        await bench.bot.cancel(waiting)


async def _has_opened(bench, count):
    return len(await bench.admin.journal(kind="socket_opened")) >= count


# --- A20


async def test_a20_a_stop_while_the_network_goes_down_is_not_undone():
    async with running(is_checked=False) as bench:
        going_down = asyncio.create_task(bench.connector.stop_network())
        await asyncio.sleep(0)  # it has begun
        going_down.cancel()
        await asyncio.wait([going_down])
        assert going_down.cancelled()


# --- B11, B14, B16, B23, B24


async def test_b11_a_request_that_hangs_holds_up_no_poll():
    with short_timeout(0.5, RESTMethod.GET, "/orders", "/account"):
        async with running() as bench:
            bench.expected_complaints = ["could not be read"]
            waiting = bench.bot.limit_order()
            await bench.bot.open(waiting)
            exchange_id = bench.bot.exchange_id(waiting)
            await bench.admin.add_fault("socket", "drop", socket="private", channel="account_private")
            hanging = await bench.admin.add_fault("rest", "hang", method="GET", path="/orders|/account", times=2)
            await bench.until(lambda: bench.has_struck(hanging, 2))
            await bench.admin.cancel_order(bench.bot.account_group, exchange_id)
            await bench.until(lambda: bench.bot.is_done(waiting))
            assert bench.bot.names(waiting) == ["Created", "Cancelled"]


async def test_b14_a_cancel_that_times_out_is_not_taken_for_a_missing_exchange_id():
    with short_timeout(0.5, RESTMethod.POST, "/orders/cancel"):
        async with running() as bench:
            bench.expected_complaints = ["ERROR.*Failed to cancel order .*no answer in time"]
            waiting = bench.bot.limit_order()
            await bench.bot.open(waiting)
            await bench.admin.add_fault("rest", "hang", path="/orders/cancel", times=1)
            bench.bot.ask_to_cancel(waiting)
            await bench.until(lambda: bench.said("Failed to cancel order"))
            assert not bench.said("does not have an exchange order id")
            assert bench.bot.names(waiting) == ["Created"]
            await bench.bot.cancel(waiting)


async def test_b16_two_pairs_that_settle_in_one_millisecond_are_two_rows():
    ms_to_half_past = (HOUR_MS * 3 // 2 - int(time.time() * 1000) % HOUR_MS) % HOUR_MS  # no hour turns by itself
    async with running(with_database=True, clock_offset_ms=ms_to_half_past,
                       **switches(funding_settlement="hourly")) as bench:
        bot = bench.bot
        for symbol in SYMBOLS.values():
            await bench.admin.set_funding_rate(symbol, "0.001")
        await asyncio.gather(*(bot.filled(bot.buy(pair, "0.1")) for pair in PAIRS))
        await asyncio.gather(*(bot.position_is(pair, "0.1") for pair in PAIRS))
        await bench.another_poll()
        await bench.admin.advance_clock(HOUR_MS)
        await bench.until(lambda: len(bot.payments) == 2)
        payments = (await bench.ledger())["funding_payments"]
        times = {payment["time"] for payment in payments if payment["orderId"] is None}
        assert len(times) == 1, "the venue settled at different times"
        assert sorted(row[0] for row in bot.records.query("SELECT symbol FROM FundingPayment")) == list(PAIRS)


async def test_b23_the_database_has_created_before_filled_before_completed():
    async with running(with_database=True) as bench:
        orders = [bench.bot.buy("BTC-USDC", "0.001") for _ in range(10)]
        for order_id in orders:
            await bench.bot.filled(order_id)
        rows = bench.bot.records.query("SELECT order_id, status FROM OrderStatus ORDER BY id")
        for order_id in orders:
            assert [status for owner, status in rows if owner == order_id] == [
                "BuyOrderCreated", "OrderFilled", "BuyOrderCompleted"]


async def test_b24_positions_bear_the_leverage_in_force():
    async with running() as bench:
        bench.connector.set_leverage("ETH-USDC", 7)
        await bench.until(lambda: bench.connector.get_leverage("ETH-USDC") == 7)
        await bench.bot.filled(bench.bot.sell("ETH-USDC", "0.1", action=PositionAction.OPEN))
        await bench.bot.position_is("ETH-USDC", "-0.1")
        assert bench.connector.account_positions["ETH-USDC"].leverage == 7
        assert (await bench.ledger())["leverages"]["ETH-PERP"] == 7
