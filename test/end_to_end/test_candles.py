"""Candles beside a running connector, as Hummingbot's own provider of market data makes them for strategies."""
from contextlib import asynccontextmanager
from test.end_to_end.bench import running

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
from hummingbot.data_feed.market_data_provider import MarketDataProvider

pytestmark = pytest.mark.asyncio
PAIR, SYMBOL = "BTC-USDC", "BTC-PERP"


@asynccontextmanager
async def provider_of(bench):
    """The provider of a strategy; all its feeds have ended at the end."""
    provider = MarketDataProvider({CONSTANTS.SIMULATOR_DOMAIN: bench.connector})
    sockets = (await bench.admin.sockets())["public"]
    try:
        yield provider
    finally:
        provider.stop()
        await bench.until(lambda: _has_sockets(bench, sockets))


async def _has_sockets(bench, count):
    return (await bench.admin.sockets())["public"] == count


def config(interval="1m", max_records=50):
    return CandlesConfig(
        connector=CONSTANTS.SIMULATOR_DOMAIN, trading_pair=PAIR, interval=interval, max_records=max_records)


async def test_a24_a_strategys_candles_share_the_connectors_limits_and_follow_its_prices():
    async with running() as bench, provider_of(bench) as provider:
        feed = provider.get_candles_feed(config())
        await bench.until(lambda: provider.ready)
        assert feed._api_factory.throttler is bench.connector.throttler
        await bench.admin.set_price(SYMBOL, "93210.5")
        await bench.until(lambda: provider.get_candles_df(
            CONSTANTS.SIMULATOR_DOMAIN, PAIR, "1m", 50)["close"].iloc[-1] == 93210.5)
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "0.1"))


async def test_a24_more_candles_than_the_venue_has_do_not_make_a_new_feed_each_time():
    async with running() as bench, provider_of(bench) as provider:
        bench.expected_complaints = ["WARNING.*no more than 501 candles"]
        feed = provider.get_candles_feed(config("1h", 5000))
        await bench.until(lambda: feed.ready)
        for _ in range(20):
            frame = provider.get_candles_df(CONSTANTS.SIMULATOR_DOMAIN, PAIR, "1h", 5000)
            assert len(frame) == 501
        assert provider.get_candles_feed(config("1h", 5000)) is feed
        assert len(await bench.requests("GET", "/klines")) == 1


async def test_a24_history_is_asked_for_once_however_long_it_is_to_be():
    async with running() as bench, provider_of(bench) as provider:
        bench.expected_complaints = ["WARNING.*no more than 501 candles", "WARNING.*gives only its newest 501 candles"]
        now_s = bench.simulator.clock.now_ms() // 1000
        frame = await provider.get_historical_candles_df(
            CONSTANTS.SIMULATOR_DOMAIN, PAIR, "1d", start_time=now_s - 2000 * 86_400, end_time=now_s)
        assert len(frame) == 501 and not frame.isna().any().any()
        assert set(frame["timestamp"].diff().dropna()) == {86_400.0}
        assert len(await bench.requests("GET", "/klines")) <= 2  # one for the range, one by the feed that was started


async def test_a24_an_outage_stops_what_trades_on_candles_until_they_are_true_again():
    async with running() as bench, provider_of(bench) as provider:
        bench.expected_complaints = ["WARNING.*stream of .* is interrupted", "candle stream"]
        feed = provider.get_candles_feed(config())
        await bench.until(lambda: provider.ready)
        before = feed.candles_df["timestamp"].iloc[-1]
        await bench.admin.disconnect_sockets("public", 1012)
        await bench.until(lambda: not provider.ready)
        await bench.admin.advance_clock(3 * 60_000)
        await bench.until(lambda: provider.ready)
        assert feed.candles_df["timestamp"].iloc[-1] >= before + 180
        assert set(feed.candles_df["timestamp"].diff().dropna()) == {60.0}
