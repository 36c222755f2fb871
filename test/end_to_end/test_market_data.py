"""What the connector tells of markets beyond books and trades, and how it meets markets that close (C31)."""
from decimal import Decimal
from test.end_to_end.bench import running, switches

import pytest

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestNotToldError, VestUnknownPairError
from hummingbot.core.data_type.common import PositionAction

pytestmark = pytest.mark.asyncio
HOUR_MS = 3_600_000
CLOSED = "WARNING.*The market BTC-USDC is closed or halted"
OPEN_AGAIN = "INFO.*The market BTC-USDC is open again"


# --- Market data

async def test_prices_are_those_of_the_stream_while_it_speaks_and_rests_otherwise():
    async with running() as bench:
        await bench.admin.set_price("ETH-PERP", "3123.45")
        asked = await _ticker_requests(bench, "ETH-PERP")
        await bench.until(lambda: _index_is(bench, "ETH-USDC", "3123.45"))
        assert await bench.connector.get_mark_price("ETH-USDC") == await _mark(bench, "ETH-PERP")
        assert await _ticker_requests(bench, "ETH-PERP") == asked

        # A pair that this connector does not trade is asked for.
        await bench.admin.set_price("SOL-PERP", "187.25")
        assert await bench.connector.get_index_price("SOL-USDC") == Decimal("187.25")
        assert await bench.connector.get_mark_price("SOL-USDC") == await _mark(bench, "SOL-PERP")
        assert await _ticker_requests(bench, "SOL-PERP") == 2


async def _ticker_requests(bench, symbol):
    return len([entry for entry in await bench.requests("GET", "/ticker/latest")
                if entry["query"].get("symbols") == symbol])


async def _index_is(bench, pair, price):
    return await bench.connector.get_index_price(pair) == Decimal(price)


async def _mark(bench, symbol):
    return Decimal((await bench.admin.prices())[symbol]["mark"])


async def test_open_interest_counts_both_sides_and_says_so_when_it_cannot_be_had():
    async with running() as bench:
        await bench.bot.filled(bench.bot.sell("BTC-USDC", "0.25"))
        interest = await bench.connector.get_open_interest("BTC-USDC")
        assert (interest.long, interest.short) == (Decimal(0), Decimal("0.25"))

        await bench.admin.add_fault("rest", "status", path="/oi", status=404)
        with pytest.raises(VestNotToldError, match="does not answer /oi.*do without it"):
            await bench.connector.get_open_interest("BTC-USDC")


async def test_funding_rate_history_is_hourly_exact_and_in_sequence():
    async with running(funding_rate_multiplier=1) as bench:
        market = bench.simulator.exchange.markets["ETH-PERP"]
        now_ms = bench.simulator.clock.now_ms()
        start_ms = now_ms - 30 * HOUR_MS
        rates = await bench.connector.get_funding_rate_history("ETH-USDC", start_ms=start_ms, end_ms=now_ms)
        first_ms = -(-start_ms // HOUR_MS) * HOUR_MS
        assert [rate.time_ms for rate in rates] == list(range(first_ms, now_ms + 1, HOUR_MS))
        assert [rate.one_hr_funding_rate for rate in rates] == [market.funding.rate_at(rate.time_ms) for rate in rates]
        assert len({rate.one_hr_funding_rate for rate in rates}) > 1

        minutes = await bench.connector.get_funding_rate_history("ETH-USDC", limit=7, interval="1m")
        assert len(minutes) == 7
        assert {late.time_ms - early.time_ms for early, late in zip(minutes, minutes[1:])} == {60_000}


async def test_24_hours_and_unknown_pairs():
    async with running() as bench:
        day = await bench.connector.get_24h_ticker("BTC-USDC")
        assert day.low_price <= min(day.open_price, day.close_price)
        assert day.high_price >= max(day.open_price, day.close_price)
        assert day.volume >= 0 and day.close_time_ms > day.open_time_ms
        for ask in (bench.connector.get_24h_ticker, bench.connector.get_mark_price, bench.connector.get_open_interest,
                    bench.connector.get_funding_rate_history):
            with pytest.raises(VestUnknownPairError, match="NOPE-USDC.*spelling"):
                await ask("NOPE-USDC")


# --- Market hours

async def halt(bench, pair="BTC-USDC", symbol="BTC-PERP"):
    await bench.admin.set_status(symbol, "HALT")
    await bench.until(lambda: bench.connector.is_market_open(pair) is False)


async def failed(bench, order_id):
    """Waits for the one failure of an order; returns its reason."""
    await bench.until(lambda: bench.bot.is_done(order_id))
    assert [name for name in bench.bot.names(order_id) if name != "Created"] == ["Failed"]
    return bench.bot.failure(order_id)


async def test_c31_a_closed_market_is_said_once_and_so_is_that_it_opens_while_others_trade_on():
    async with running() as bench:
        bench.expected_complaints = [CLOSED]
        resting = bench.bot.limit_order()
        await bench.bot.open(resting)
        assert bench.connector.is_market_open("BTC-USDC") is True
        await halt(bench)
        sent = len(await bench.requests("POST", "/orders"))
        for _ in range(30):  # a strategy that goes on trying
            assert "closed or halted" in await failed(bench, bench.bot.buy("BTC-USDC", "0.01"))
        assert len(await bench.requests("POST", "/orders")) == sent
        await bench.bot.cancel(resting)
        assert bench.bot.names(resting) == ["Created", "Cancelled"]
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "0.1"))
        assert bench.connector.is_market_open("ETH-USDC") is True

        await bench.admin.set_status("BTC-PERP", "TRADING")
        await bench.until(lambda: bench.connector.is_market_open("BTC-USDC"))
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        assert len(bench.said(CLOSED)) == 1 and len(bench.said(OPEN_AGAIN)) == 1
        assert len(bench.said("^(INFO|WARNING|ERROR|NETWORK).*BTC-USDC.*closed")) == 1


@pytest.mark.parametrize("reject_by", ["http", "event"])
async def test_c31_a_market_that_the_tickers_call_open_is_said_to_be_closed_by_its_refusals(reject_by):
    async with running(**switches(reject_by=reject_by)) as bench:
        bench.expected_complaints = [CLOSED]
        await bench.admin.reject_next(3024, "BTC-PERP", times=10)
        for _ in range(10):
            reason = await failed(bench, bench.bot.buy("BTC-USDC", "0.01"))
            assert "3024" in reason and "closed" in reason and "wait until it opens" in reason
        assert len(bench.said(CLOSED)) == 1 and bench.connector.is_market_open("BTC-USDC") is False

        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        await bench.until(lambda: bench.said(OPEN_AGAIN))
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        assert len(bench.said(CLOSED)) == 1 and len(bench.said(OPEN_AGAIN)) == 1


async def test_c31_an_old_status_refuses_no_order():
    async with running(**switches(tickers="partial")) as bench:
        bench.expected_complaints = [CLOSED]
        await halt(bench)
        await bench.admin.add_fault("socket", "drop", channel="tickers")
        await bench.admin.set_status("BTC-PERP", "TRADING")
        asked = await _ticker_requests(bench, "BTC-PERP")
        orders = [bench.bot.buy("BTC-USDC", "0.01") for _ in range(5)]
        for order_id in orders:
            await bench.bot.filled(order_id)
        # Once for all orders of a moment, and perhaps what the connector asks now and then by itself.
        assert 1 <= await _ticker_requests(bench, "BTC-PERP") - asked < 5
        assert len(bench.said(OPEN_AGAIN)) == 1


async def test_c31_whether_a_market_is_open_is_the_venues_to_decide_when_it_cannot_be_asked():
    async with running() as bench:
        bench.expected_complaints = [CLOSED, "could not be (refreshed|read)"]
        await halt(bench)
        await bench.admin.add_fault("rest", "status", path="/ticker/latest", status=503)
        sent = len(await bench.requests("POST", "/orders"))
        assert "3024" in await failed(bench, bench.bot.buy("BTC-USDC", "0.01"))
        assert len(await bench.requests("POST", "/orders")) == sent + 1
        await bench.admin.clear_faults()


@pytest.mark.parametrize("halted_market, code, action", [
    ("order", "3024", PositionAction.CLOSE), ("request", "1148", PositionAction.CLOSE),
    ("order", "3024", PositionAction.OPEN),  # as Hummingbot's executors close in a market with one position
])
async def test_c31_an_order_that_closes_a_position_is_left_to_the_venue(halted_market, code, action):
    async with running(**switches(halted_market=halted_market)) as bench:
        bench.expected_complaints = [CLOSED]
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        await bench.bot.position_is("BTC-USDC", "0.01")
        await halt(bench)
        sent = len(await bench.requests("POST", "/orders"))
        reason = await failed(bench, bench.bot.sell("BTC-USDC", "0.01", action=action))
        assert code in reason and "closed" in reason
        assert "wait until it opens" in await failed(bench, bench.bot.buy("BTC-USDC", "0.01"))
        assert len(await bench.requests("POST", "/orders")) == sent + 1
        await bench.admin.set_status("BTC-PERP", "TRADING")
        await bench.bot.filled(bench.bot.sell("BTC-USDC", "0.01", action=PositionAction.CLOSE))
