"""The candle feed through what Hummingbot uses of it: the factory, the feed's own life, ranges of history.

Hummingbot's generic candle tests are not in its wheel; these go through the same public methods against a running
simulator, or against canned answers where the simulator never sends the like.
"""
import asyncio
import json
import math
from datetime import datetime, timezone
from test.hummingbot.connector.derivative.vest_perpetual.simulated_venue_testing import SimulatedVenueTestCase
from test.hummingbot.connector.derivative.vest_perpetual.stream_testing import LogRecords, eventually, short_timing
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from bidict import bidict

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestServerError
from hummingbot.core.network_iterator import NetworkStatus
from hummingbot.data_feed.candles_feed.candles_base import CandlesBase
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig, HistoricalCandlesConfig
from hummingbot.data_feed.candles_feed.vest_perpetual_candles import VestPerpetualCandles, VestPerpetualSimulatorCandles
from hummingbot.data_feed.candles_feed.vest_perpetual_candles.bars import next_open_s
from hummingbot.data_feed.market_data_provider import MarketDataProvider

DOMAINS = (CONSTANTS.DEFAULT_DOMAIN, CONSTANTS.TESTNET_DOMAIN, CONSTANTS.SIMULATOR_DOMAIN)
PAIR, SYMBOL = "BTC-USDC", "BTC-PERP"
NOON_MS = 1_764_590_400_000


def feed_of(domain, interval="1m", max_records=150, pair=PAIR, connector=None):
    config = CandlesConfig(connector=domain, trading_pair=pair, interval=interval, max_records=max_records)
    return CandlesFactory.get_candle(config, connector=connector)


def row(open_ms, close="100", trades=1):
    return [open_ms, "100", "120", "80", close, open_ms + 59_999, "1", "100", trades]


def shows(candles, interval):
    """Asserts that candles follow each other without gaps and have a number in each place."""
    opens = list(candles["timestamp"])
    assert opens[1:] == [next_open_s(interval, open_s) for open_s in opens[:-1]]
    assert not candles.isna().any().any()
    assert all(math.isfinite(value) for value in candles.to_numpy().ravel())
    assert (candles["low"] <= candles[["open", "close"]].min(axis=1)).all()
    assert (candles["high"] >= candles[["open", "close"]].max(axis=1)).all()
    assert (candles["low"] > 0).all()


# --- Without a venue


@pytest.mark.parametrize("domain", DOMAINS)
def test_a24_hummingbots_factory_gives_a_feed_for_each_domain(domain, monkeypatch):
    monkeypatch.delenv(CONSTANTS.SIMULATOR_URL_VARIABLE, raising=False)
    feed = feed_of(domain)

    assert feed.name == f"{domain}_{PAIR}"
    assert feed.candles_url == CONSTANTS.REST_URLS[domain] + "/klines"
    assert feed.rest_url == CONSTANTS.REST_URLS[domain]
    assert feed.wss_url == f"{CONSTANTS.WSS_URLS[domain]}&xwebsocketserver=restserver0&websocketserver=restserver0"


def test_a24_the_venues_intervals_are_those_hummingbot_knows():
    assert set(CONSTANTS.KLINE_INTERVALS) == set(CandlesBase.interval_to_seconds) - {"1s"}
    for interval in CONSTANTS.KLINE_INTERVALS:
        assert feed_of(CONSTANTS.DEFAULT_DOMAIN, interval).interval_in_seconds \
            == CandlesBase.interval_to_seconds[interval]


def test_a24_what_hummingbots_base_asks_a_feed_for_is_there():
    feed = feed_of(CONSTANTS.DEFAULT_DOMAIN)
    assert feed.name == "vest_perpetual_BTC-USDC"
    assert feed.health_check_url == CONSTANTS.REST_URLS[CONSTANTS.DEFAULT_DOMAIN] + "/ticker/latest"
    assert feed.candles_endpoint == "/klines" and feed.candles_max_result_per_rest_request == 501
    assert "/klines" in {limit.limit_id for limit in feed.rate_limits}
    assert feed.get_exchange_trading_pair(PAIR) == SYMBOL
    assert list(feed.candles_df.columns) == CandlesBase.columns and feed.candles_df.empty and not feed.ready


@pytest.mark.parametrize("interval, pair, words", [("7m", PAIR, "no candles of 7m; it has 1m, 3m"),
                                                   ("1m", "BTC-USDT", "no market BTC-USDT")])
def test_what_the_venue_cannot_have_is_refused_in_words(interval, pair, words):
    with pytest.raises(ValueError, match=words):
        feed_of(CONSTANTS.DEFAULT_DOMAIN, interval, pair=pair)


def test_a24_more_records_than_the_venue_gives_are_clamped_and_said_once():
    log = LogRecords(VestPerpetualCandles.logger())
    try:
        feed = feed_of(CONSTANTS.DEFAULT_DOMAIN, max_records=502)
        feed_of(CONSTANTS.DEFAULT_DOMAIN, max_records=501)
        for close in range(600):
            feed._candles.append([close] * 10)  # as MarketDataProvider does
    finally:
        log.detach()

    assert log.count("no more than 501 candles") == 1
    assert len(feed.candles_df) == 501 and feed.ready
    # Hummingbot makes a new feed whenever an existing one has fewer `max_records` than it wants.
    assert feed.max_records == 502


# --- At the simulated venue


class CandlesTestCase(SimulatedVenueTestCase):
    """Gives feeds at a running simulator, with short pauses."""

    config = {"tick_interval_s": 0.05}

    async def asyncSetUp(self):
        await super().asyncSetUp()
        for name, value in (("TIMING", short_timing(ping_interval_s=0.1, silence_limit_s=2)), ("REREAD_S", 30.0)):
            short = patch.object(VestPerpetualCandles, name, value)
            short.start()
            self.addCleanup(short.stop)
        self.log = LogRecords(VestPerpetualCandles.logger())
        self.addCleanup(self.log.detach)
        # A minute has just begun, so that none turns by itself in the middle of a test.
        self.venue.clock.advance(61_000 - self.venue.clock.now_ms() % 60_000)

    def feed(self, interval="1m", max_records=30, pair=PAIR, connector=None):
        feed = feed_of(CONSTANTS.SIMULATOR_DOMAIN, interval, max_records, pair, connector)
        assert type(feed) is VestPerpetualSimulatorCandles
        self.addAsyncCleanup(feed.stop_network)
        return feed

    async def ready_feed(self, *arguments, **named):
        feed = self.feed(*arguments, **named)
        await feed.start_network()
        await eventually(lambda: feed.ready)
        return feed

    def requests(self, path="/klines"):
        return [entry for entry in self.venue.journal.entries(kind="rest") if entry["path"] == path]

    def is_streaming(self, interval="1m", symbol=SYMBOL):
        return self.is_subscribed("public", f"{symbol}@kline_{interval}")

    async def pushed(self, data):
        """A message of the 1m channel."""
        await self.venue.admin.push_public(payload={"channel": f"{SYMBOL}@kline_1m", "data": data})

    async def silence(self):
        """The venue's own kline messages do not come any more."""
        await self.venue.admin.add_fault("socket", "drop", channel=".*kline.*")


class TestLife(CandlesTestCase):

    async def test_a24_every_interval_is_full_at_once_and_without_gaps_or_nan(self):
        feeds = [await self.ready_feed(interval, 501) for interval in CONSTANTS.KLINE_INTERVALS]

        for feed in feeds:
            assert len(feed.candles_df) == 501
            shows(feed.candles_df, feed.interval)
            await eventually(lambda: self.is_streaming(feed.interval))
        # Once each, and once more where a bar opens meanwhile.
        assert len(feeds) <= len(self.requests()) <= 2 * len(feeds)

    async def test_a24_candles_agree_with_the_venues_prices_and_go_on_with_its_clock(self):
        feed = await self.ready_feed(max_records=10)
        await self.venue.admin.set_price(SYMBOL, "94321.5")
        await eventually(lambda: feed.candles_df["close"].iloc[-1] == 94321.5)
        before = feed.candles_df["timestamp"].iloc[-1]

        await self.venue.admin.advance_clock(5 * 60_000)
        await self.venue.admin.release_price(SYMBOL)
        await eventually(lambda: feed.candles_df["timestamp"].iloc[-1] >= before + 300)

        candles = feed.candles_df
        shows(candles, "1m")
        assert len(candles) == 10
        assert candles.set_index("timestamp").loc[before, "close"] == 94321.5

    async def test_a24_while_a_bar_lasts_the_history_is_read_once(self):
        feed = await self.ready_feed("1M")
        for price in ("93000", "94321.5"):
            await self.venue.admin.set_price(SYMBOL, price)
            await eventually(lambda: feed.candles_df["close"].iloc[-1] == float(price))

        assert len(self.requests()) == 1

    async def test_a24_the_month_that_is_over_is_followed_by_the_next(self):
        feed = await self.ready_feed("1M", 24)
        before = feed.candles_df["timestamp"].iloc[-1]

        await self.venue.admin.advance_clock(40 * 86_400_000)
        await eventually(lambda: feed.candles_df["timestamp"].iloc[-1] > before)

        shows(feed.candles_df, "1M")
        assert all(datetime.fromtimestamp(open_s, timezone.utc).day == 1 for open_s in feed.candles_df["timestamp"])

    async def test_both_names_of_the_group_are_in_the_sockets_address(self):
        await self.ready_feed()

        query = self.venue.journal.entries(kind="socket_opened")[-1]["query"]
        assert query["xwebsocketserver"] == query["websocketserver"] == "restserver0"

    async def attached_feed(self, symbols):
        """A feed with a connector that knows these symbols; returns both."""
        async def symbol_map():
            return bidict(symbols)

        connector = SimpleNamespace(
            throttler=web_utils.create_throttler(),
            authenticator=SimpleNamespace(account_group=self.account.account_group),
            trading_pair_symbol_map=symbol_map,
        )
        return await self.ready_feed(connector=connector), connector

    async def test_an_attached_connector_lends_symbols_group_and_rate_limits(self):
        feed, connector = await self.attached_feed({"ETH-PERP": "BTC-USDC"})

        assert self.is_streaming(symbol="ETH-PERP")
        assert feed.candles_df["close"].iloc[-1] < 10_000
        assert self.requests("/exchangeInfo") == []
        query = self.venue.journal.entries(kind="socket_opened")[-1]["query"]
        assert query["xwebsocketserver"] == f"restserver{self.account.account_group}"
        assert feed._api_factory.throttler is connector.throttler

    async def test_a_connector_that_knows_no_symbols_yet_is_not_waited_for(self):
        await self.attached_feed({})

        assert self.is_streaming()
        assert len(self.requests("/exchangeInfo")) == 1

    async def test_alone_the_feed_finds_symbols_that_cannot_be_guessed(self):
        await self.venue.admin.list_symbol({
            "symbol": "ZZZ-USD-PERP", "base": "ZZZ", "start_price": "12", "size_decimals": 1, "price_decimals": 2})

        await self.ready_feed(pair="ZZZ-USDC")

        assert self.is_streaming(symbol="ZZZ-USD-PERP")

    async def test_a_pair_that_is_not_listed_is_asked_for_until_it_is(self):
        feed = self.feed(pair="ZZZ-USDC")
        await feed.start_network()
        await eventually(lambda: self.log.count("no market ZZZ-USDC") == 1)
        assert not feed.ready

        await self.venue.admin.list_symbol({
            "symbol": "ZZZ-PERP", "base": "ZZZ", "start_price": "12", "size_decimals": 1, "price_decimals": 2})
        await eventually(lambda: feed.ready)

    async def test_a_lost_connection_is_noticed_and_the_feed_catches_up(self):
        feed = await self.ready_feed()
        await self.venue.admin.add_fault("socket", "refuse_handshake", code=1013)
        await self.venue.admin.disconnect_sockets("public", 1006)
        await eventually(lambda: not feed.ready)
        assert len(feed.candles_df) == 30

        await self.venue.admin.advance_clock(10 * 60_000)
        await self.venue.admin.clear_faults()
        await eventually(lambda: feed.ready)

        shows(feed.candles_df, "1m")
        assert feed.candles_df["timestamp"].iloc[-1] >= self.venue.clock.now_ms() / 1000 - 60
        assert self.log.count("candle stream of BTC-USDC (1m) of Vest is interrupted") >= 1
        assert self.log.count("Traceback") == 0

    async def test_a24_what_the_socket_leaves_out_of_a_bar_is_read_over_rest(self):
        with patch.object(VestPerpetualCandles, "REREAD_S", 0.2):
            feed = await self.ready_feed()
            await self.silence()
            open_s = feed.candles_df["timestamp"].iloc[-1]
            await self.venue.admin.pause_prices()
            await self.venue.admin.set_price(SYMBOL, "93000")
            self.venue.exchange.markets[SYMBOL].observe(self.venue.clock.now_ms())
            await self.venue.admin.advance_clock(120_000)
            await eventually(lambda: feed.candles_df["timestamp"].iloc[-1] >= open_s + 120)

        venues = await feed.fetch_candles(end_time=10 ** 11, limit=30)
        assert (feed.candles_df.to_numpy() == venues).all()
        assert feed.candles_df.set_index("timestamp").loc[open_s, "close"] == 93000

    async def test_a24_the_last_moments_of_a_bar_are_read_as_soon_as_the_next_one_opens(self):
        feed = await self.ready_feed()
        await self.silence()
        await self.venue.admin.pause_prices()
        open_s = feed.candles_df["timestamp"].iloc[-1]
        await self.venue.admin.set_price(SYMBOL, "93000")
        self.venue.exchange.markets[SYMBOL].observe(self.venue.clock.now_ms())
        await self.venue.admin.advance_clock(60_000)

        await self.pushed([row(int(open_s + 60) * 1000, close="93001")])
        await eventually(lambda: feed.candles_df.set_index("timestamp").loc[open_s, "close"] == 93000)

        assert len(self.requests()) == 2  # the minute after which it is read in any case is far from over

    async def test_a_socket_that_is_heard_is_not_subscribed_to_again(self):
        with patch.object(VestPerpetualCandles, "REREAD_S", 0.5):
            await self.ready_feed()
            await eventually(lambda: len(self.requests()) >= 3)

        subscriptions = [entry for entry in self.venue.journal.entries(kind="frame_received")
                         if entry["payload"]["method"] == "SUBSCRIBE"]
        assert [entry["payload"]["params"] for entry in subscriptions] == [[f"{SYMBOL}@kline_1m"]]

    async def test_a_socket_that_is_mute_is_made_good_over_rest(self):
        with patch.object(VestPerpetualCandles, "REREAD_S", 0.2):
            feed = await self.ready_feed()
            await self.silence()
            await self.venue.admin.set_price(SYMBOL, "93000")
            await eventually(lambda: feed.candles_df["close"].iloc[-1] == 93000)

        assert feed.ready

    async def test_a_refused_subscription_leaves_a_feed_that_asks(self):
        await self.venue.admin.add_fault("socket", "refuse_subscription", channel=".*kline.*")
        with patch.object(VestPerpetualCandles, "REREAD_S", 0.2):
            feed = await self.ready_feed()
            await self.venue.admin.set_price(SYMBOL, "93000")
            await eventually(lambda: feed.candles_df["close"].iloc[-1] == 93000)

        assert self.log.count("sends no candles by itself") == 1

    async def test_while_the_venue_fails_it_is_asked_with_growing_pauses(self):
        await self.venue.admin.add_fault("rest", "status", path="/klines", times=3)

        await self.ready_feed()

        assert len(self.requests()) == 4
        assert self.log.count("are asked for again") == 1
        assert self.log.count("Traceback") == 0

    async def test_frames_of_every_encoding_are_understood(self):
        for encoding in ("text", "binary", "brotli"):
            await self.venue.admin.set_switch("frame_encoding", encoding)
            feed = await self.ready_feed()
            price = {"text": 91000, "binary": 92000, "brotli": 93000}[encoding]
            await self.venue.admin.set_price(SYMBOL, price)
            await eventually(lambda: feed.candles_df["close"].iloc[-1] == price)
            await feed.stop_network()

    async def test_a_message_that_cannot_be_understood_is_skipped(self):
        feed = await self.ready_feed()
        await self.silence()
        open_ms = int(feed.candles_df["timestamp"].iloc[-1]) * 1000
        await self.pushed({"o": "1"})
        await self.pushed([open_ms, "1"])
        await self.venue.admin.push_public(raw="no JSON")
        await self.pushed([row(open_ms, close="90", trades=10 ** 6)])

        await eventually(lambda: feed.candles_df["close"].iloc[-1] == 90)
        assert len(feed.candles_df) == 30
        assert self.log.count("cannot be understood") >= 2

    async def test_a24_a_gap_between_two_messages_is_filled(self):
        feed = await self.ready_feed()
        await self.silence()
        last = feed.candles_df.iloc[-1]
        await self.pushed(row(int(last["timestamp"] * 1000) + 4 * 60_000))
        await eventually(lambda: feed.candles_df["timestamp"].iloc[-1] == last["timestamp"] + 240)

        shows(feed.candles_df, "1m")
        flat = feed.candles_df.iloc[-4:-1]
        assert (flat[["open", "high", "low", "close"]].eq(feed.candles_df["close"].iloc[-5])).all().all()
        assert (flat["volume"] == 0).all() and (flat["n_trades"] == 0).all()

    async def test_a24_a_bar_of_a_time_to_come_is_forgotten_and_the_others_come_back(self):
        feed = await self.ready_feed()
        await self.silence()
        first_s, last_s = feed.candles_df["timestamp"].iloc[[0, -1]]
        for ahead_s in (86_400, 60_000_000):
            await self.pushed(row(int(last_s + ahead_s) * 1000))
            await eventually(lambda: feed.candles_df["timestamp"].iloc[-1] == last_s + ahead_s)

            await eventually(lambda: feed.candles_df["timestamp"].iloc[-1] <= last_s + 600)
            assert len(feed.candles_df) == 30 and feed.candles_df["timestamp"].iloc[0] >= first_s
            shows(feed.candles_df, "1m")

    async def test_a24_a_late_bar_takes_its_place_and_one_before_all_of_them_has_none(self):
        feed = await self.ready_feed()
        await self.silence()
        await self.venue.admin.pause_prices()
        before = feed.candles_df
        last_ms = int(before["timestamp"].iloc[-1]) * 1000
        for late_ms, close in ((100 * 60_000, "97"), (2 * 60_000, "98"), (0, "99"), (0, "99")):
            await self.pushed([row(last_ms - late_ms, close=close, trades=10 ** 6)])
        await eventually(lambda: feed.candles_df["close"].iloc[-1] == 99)

        assert feed.candles_df["close"].iloc[-3] == 98
        assert (feed.candles_df["timestamp"] == before["timestamp"]).all()
        assert feed.candles_df["close"].iloc[:-3].equals(before["close"].iloc[:-3])

    async def test_pings_keep_a_quiet_socket_open(self):
        await self.silence()
        await self.ready_feed()
        socket, = self.sockets("public")
        for _ in range(3):  # together twice as long as the venue bears without a PING
            socket.last_ping_s -= self.venue.hub._config.ping_timeout_s * 2 / 3
            aged_s = socket.last_ping_s
            await eventually(lambda: socket.last_ping_s > aged_s)

        assert self.opened_sockets("public") == 1 and self.sockets("public") == [socket]


class TestStartAndStop(CandlesTestCase):

    async def test_started_by_hummingbot_it_runs_until_it_is_stopped_and_leaves_nothing(self):
        before = asyncio.all_tasks()
        feed = self.feed()
        feed.start()
        await eventually(lambda: feed.ready)
        assert await feed.check_network() is NetworkStatus.CONNECTED

        feed.stop()

        await eventually(lambda: not self.sockets("public"))
        await eventually(lambda: not [
            task for task in asyncio.all_tasks() - before if "Request" not in task.get_coro().__qualname__])

    async def test_a24_history_that_is_asked_for_first_of_all_comes_although_the_feed_starts_meanwhile(self):
        provider = MarketDataProvider({})
        self.addCleanup(provider.stop)
        now_s = self.venue.clock.now_ms() // 60_000 * 60 + 30  # on no bar's opening
        for first_s, last_s, count, expected in (
            (-3600, 0, 10, 10), (-3600, -1800, None, 30), (-3600, -1800, 5, 5), (600, 1200, 10, 0), (0, -600, 10, 0),
        ):
            candles = await provider.get_historical_candles_df(
                CONSTANTS.SIMULATOR_DOMAIN, PAIR, "1m", now_s + first_s, now_s + last_s, count)
            assert len(candles) == expected, (first_s, last_s, count)
            assert candles["timestamp"].between(now_s + first_s, now_s + last_s).all()

    async def test_it_starts_when_the_venue_can_be_reached(self):
        await self.venue.stop()
        feed = self.feed()
        feed.check_network_interval = 0.05
        feed.start()
        await eventually(lambda: self.log.count("cannot start yet") == 1)

        await self.venue.start()
        await eventually(lambda: feed.ready)
        feed.stop()

    async def test_a_refusal_of_the_symbol_is_an_answer_of_the_venue(self):
        assert await self.feed(pair="ZZZ-USDC").check_network() is NetworkStatus.CONNECTED

    async def test_a_feed_that_died_is_started_again(self):
        feed = await self.ready_feed()
        feed._listen_candles_task.cancel()
        await eventually(lambda: feed._listen_candles_task.done())

        assert await feed.check_network() is NetworkStatus.NOT_CONNECTED
        await feed.stop_network()
        assert await feed.check_network() is NetworkStatus.CONNECTED


class TestHistory(CandlesTestCase):

    def range(self, start_s, end_s, interval="1m"):
        return HistoricalCandlesConfig(connector_name=CONSTANTS.SIMULATOR_DOMAIN, trading_pair=PAIR,
                                       interval=interval, start_time=int(start_s), end_time=int(end_s))

    async def test_a24_a_range_is_cut_out_of_one_answer(self):
        now_s = self.venue.clock.now_ms() // 1000
        candles = await self.feed().get_historical_candles(self.range(now_s - 3600, now_s - 1800))

        shows(candles, "1m")
        assert len(candles) in (30, 31)
        assert now_s - 3600 <= candles["timestamp"].iloc[0] and candles["timestamp"].iloc[-1] <= now_s - 1800
        assert len(self.requests()) == 1
        assert self.log.texts(30) == []

    async def test_a24_a_range_older_than_the_venue_tells_is_not_asked_for_again_and_again(self):
        now_s = self.venue.clock.now_ms() // 1000
        feed = self.feed()

        some = await feed.get_historical_candles(self.range(now_s - 30 * 86_400, now_s))
        none = await feed.get_historical_candles(self.range(now_s - 30 * 86_400, now_s - 29 * 86_400))

        assert len(some) == 501 and len(none) == 0
        assert list(none.columns) == CandlesBase.columns
        assert len(self.requests()) == 2
        assert self.log.count("gives only its newest 501 candles") == 1

    async def test_a24_months_have_a_history_too(self):
        now_s = self.venue.clock.now_ms() // 1000
        candles = await self.feed("1M").get_historical_candles(self.range(now_s - 400 * 86_400, now_s, "1M"))

        shows(candles, "1M")
        assert len(candles) in (13, 14)

    async def test_fetch_candles_takes_the_newest_before_an_end_and_the_oldest_after_a_start(self):
        feed = self.feed()
        now_s = self.venue.clock.now_ms() // 1000

        before = await feed.fetch_candles(end_time=now_s - 600, limit=5)
        after = await feed.fetch_candles(start_time=now_s - 600, limit=5)
        none = await feed.fetch_candles(start_time=now_s + 600)

        assert before.shape == after.shape == (5, 10) and none.shape == (0, 10)
        assert before[-1][0] <= now_s - 600 < before[-1][0] + 60
        assert after[0][0] - 60 < now_s - 600 <= after[0][0]
        with pytest.raises(ValueError, match="start_time"):
            await feed.fetch_candles()

    async def test_an_error_of_the_venue_is_raised_as_what_it_is(self):
        await self.venue.admin.add_fault("rest", "status", path="/klines")

        with pytest.raises(VestServerError):
            await self.feed().fetch_candles(end_time=self.venue.clock.now_ms() // 1000)


class TestOddAnswers(CandlesTestCase):
    """Answers the simulator does not give by itself."""

    async def answer(self, rows):
        """From now on the venue answers this instead of its bars."""
        await self.silence()
        await self.venue.admin.add_fault("rest", "status", path="/klines", status=200, body=json.dumps(rows))

    async def test_a24_gaps_disorder_doubles_and_unreadable_rows_make_a_clean_history(self):
        minutes = [0, 1, 5, 5, 3, 9]
        await self.answer([row(NOON_MS + minute * 60_000) for minute in minutes] + [["?"], row(NOON_MS)[:3]])

        feed = await self.ready_feed(max_records=10)

        shows(feed.candles_df, "1m")
        assert [open_s - NOON_MS / 1000 for open_s in feed.candles_df["timestamp"]] == [60 * n for n in range(10)]
        assert list(feed.candles_df["volume"]) == [1, 1, 0, 1, 0, 1, 0, 0, 0, 1]
        assert self.log.count("candle that cannot be understood") == 2

    async def test_a24_a_young_market_is_ready_with_what_there_is(self):
        await self.answer([row(NOON_MS + minute * 60_000) for minute in range(12)])

        feed = await self.ready_feed(max_records=100)

        assert len(feed.candles_df) == 12
        assert self.log.count("fewer than 100 candles of BTC-USDC") == 1
        assert len(self.requests()) == 1

    async def test_a24_a_market_without_any_candle_is_not_ready(self):
        await self.answer([])
        feed = self.feed()
        await feed.start_network()
        await eventually(lambda: self.log.count("fewer than 30 candles") == 1)

        assert not feed.ready and len(feed.candles_df) == 0
        await self.venue.admin.clear_faults()
        await eventually(lambda: len(feed.candles_df) > 0)

    async def test_a_compressed_answer_is_read(self):
        await self.venue.admin.set_switch("rest_compression", "brotli")

        assert len(await self.feed().fetch_candles(end_time=10 ** 11)) == 501
