"""Candles of Vest: the newest bars over REST, then live over a socket of the feed's own (protocol sections 4 and 6)."""
import asyncio
import logging
import math
from collections import deque
from contextlib import suppress
from typing import Any, Dict, List, Optional

import numpy as np
import pandas as pd

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError, VestRefusedError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import ChannelMessage
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import rows_from
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import (
    Complaints,
    SocketKeeper,
    SocketTiming,
    VestSocket,
    VestSubscriptionError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_utils import (
    convert_to_exchange_trading_pair,
    trading_pairs_by_symbol,
)
from hummingbot.core.api_throttler.data_types import RateLimit
from hummingbot.core.network_iterator import NetworkStatus
from hummingbot.core.utils.async_utils import safe_ensure_future
from hummingbot.data_feed.candles_feed.candles_base import CandlesBase
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.candles_feed.data_types import HistoricalCandlesConfig
from hummingbot.data_feed.candles_feed.vest_perpetual_candles.bars import Bar, bar_from, merged
from hummingbot.data_feed.candles_feed.vest_perpetual_candles.klines import Kline, kline_rows
from hummingbot.logger import HummingbotLogger

_LARGEST_LEAD_BARS = 10  # of the socket before the history, which a cache on the way may hold back


class VestPerpetualCandles(CandlesBase):
    """The candles of one trading pair and interval, the last of them still open.

    The venue tells its newest 501 bars and nothing older, whatever range is asked for. So there is nothing to page
    through: one request brings all there is, and ranges are cut out of it here. Each new connection begins with such a
    request. It is made again as soon as the socket tells of a new bar, because it may have left out the last moments
    of the one before, and after a minute without one, because it may be mute.

    After an interruption the bars stay, but the feed is not `ready` until it has caught up.

    :param trading_pair: such as BTC-USDC
    :param interval: one of the venue's fifteen, from 1m to 1M
    :param max_records: bars to keep; no more than 501 are kept
    :raises ValueError: the venue has no such interval, or cannot have such a pair
    """

    DOMAIN = CONSTANTS.DEFAULT_DOMAIN
    TIMING = SocketTiming()
    REREAD_S = 60.0

    def __init__(self, trading_pair: str, interval: str = "1m", max_records: int = 150):
        if interval not in self.intervals:
            raise ValueError(f"Vest has no candles of {interval}; it has {', '.join(self.intervals)}")
        super().__init__(trading_pair, interval, min(max_records, CONSTANTS.KLINES_LIMIT))
        # As asked for, because the framework makes a new feed each time it wants more than it finds here.
        self.max_records = max_records
        if max_records > CONSTANTS.KLINES_LIMIT:
            self.logger().warning(
                f"Vest gives no more than {CONSTANTS.KLINES_LIMIT} candles: the {interval} feed of {trading_pair} "
                f"keeps that many instead of {max_records}."
            )
        self._api_factory = web_utils.build_api_factory(
            throttler=web_utils.create_throttler(web_utils.configured_rate_limits_share_pct()), domain=self.DOMAIN
        )
        self._complaints = Complaints(self.logger())
        self._enough_bars = self._candles.maxlen
        self._is_behind = False
        self._is_hearing = False
        self._bar_opened = asyncio.Event()
        self.check_network_interval = 10.0  # a feed that runs is checked without a request

    @classmethod
    def logger(cls) -> HummingbotLogger:
        return logging.getLogger(__name__)

    def attach_connector(self, connector: Any) -> None:
        """Use the rate limits, the account group and the symbols of a running connector.

        :param connector: of the same domain
        """
        self._connector = connector
        self._api_factory = web_utils.build_api_factory(
            throttler=connector.throttler, auth=connector.authenticator, domain=self.DOMAIN
        )

    # --- Facts about the venue

    @property
    def name(self) -> str:
        """Domain and pair."""
        return f"{self.DOMAIN}_{self._trading_pair}"

    @property
    def rest_url(self) -> str:
        """Base of the REST addresses."""
        return web_utils.public_rest_url("", self.DOMAIN)

    @property
    def health_check_url(self) -> str:
        """A small public request."""
        return web_utils.public_rest_url(CONSTANTS.TICKER_LATEST_PATH, self.DOMAIN)

    @property
    def candles_url(self) -> str:
        """Where the bars are."""
        return web_utils.public_rest_url(self.candles_endpoint, self.DOMAIN)

    @property
    def candles_endpoint(self) -> str:
        """Path and rate limit of the bars."""
        return CONSTANTS.KLINES_PATH

    @property
    def candles_max_result_per_rest_request(self) -> int:
        """All the venue tells."""
        return CONSTANTS.KLINES_LIMIT

    @property
    def wss_url(self) -> str:
        """Address of the socket, which names the server of the account's group."""
        account_group = self._connector.authenticator.account_group if self._connector is not None else 0
        return web_utils.public_ws_url(self.DOMAIN, account_group)

    @property
    def rate_limits(self) -> List[RateLimit]:
        """The connector's."""
        return CONSTANTS.RATE_LIMITS

    @property
    def intervals(self) -> Dict[str, str]:
        """Hummingbot's names of the intervals, which are the venue's too."""
        return {interval: interval for interval in CONSTANTS.KLINE_INTERVALS}

    def get_exchange_trading_pair(self, trading_pair: str) -> str:
        """The symbol a pair usually has; before the first request the venue's own list replaces it.

        :raises ValueError: when the venue cannot have such a pair
        """
        return convert_to_exchange_trading_pair(trading_pair)

    # --- Life

    @property
    def ready(self) -> bool:
        """Whether the bars asked for, or as many of them as the venue has, are there and up to date."""
        return not self._is_behind and len(self._candles) >= self._enough_bars

    async def check_network(self) -> NetworkStatus:
        """Whether the feed can start or, once it has, still runs: it reconnects by itself."""
        if self._listen_candles_task is not None:
            return NetworkStatus.NOT_CONNECTED if self._listen_candles_task.done() else NetworkStatus.CONNECTED
        try:
            await self._get(CONSTANTS.TICKER_LATEST_PATH, {"symbols": self._ex_trading_pair})
        except VestRefusedError:
            return NetworkStatus.CONNECTED  # an answer, if only about a symbol
        except VestError as error:
            self._complaints.say(f"The candles of {self._trading_pair} cannot start yet. {error}")
            return NetworkStatus.NOT_CONNECTED
        return NetworkStatus.CONNECTED

    async def start_network(self) -> None:
        """Brings candles until `stop_network`."""
        await self._stop_listening()  # not more: history may be on its way over the same connections
        self._listen_candles_task = safe_ensure_future(self.listen_for_subscriptions())

    async def stop_network(self) -> None:
        """Ends the feed and closes its connections."""
        await self._stop_listening()
        await self._api_factory.close()

    async def _stop_listening(self) -> None:
        task, self._listen_candles_task = self._listen_candles_task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._exchange_data_initialized = False

    async def listen_for_subscriptions(self) -> None:
        """Opens one connection after another and takes what comes; ends only when it is cancelled."""
        keeper = SocketKeeper(
            f"candle stream of {self._trading_pair} ({self.interval})", self._api_factory, self.TIMING, self.logger()
        )
        while True:
            socket = await keeper.open(self._socket_url)
            try:
                socket.spawn(self._keep_complete(socket))
                await keeper.read(socket, self._on_message)
            finally:
                self._is_behind = True
                await socket.disconnect()

    async def _socket_url(self) -> str:
        return self.wss_url

    # --- History

    async def fetch_candles(
            self, start_time: Optional[int] = None, end_time: Optional[int] = None, limit: Optional[int] = None
    ) -> np.ndarray:
        """The bars that open in a range, as far as the venue still tells them.

        :param start_time: in seconds since the epoch, inclusive
        :param end_time: in seconds since the epoch, inclusive
        :param limit: no more than so many: the newest when there is an end, else the oldest
        :raises ValueError: when neither start nor end is given, or the venue does not list the pair
        :raises VestError: when the venue gives no bars
        """
        if start_time is None and end_time is None:
            raise ValueError("fetch_candles needs a start_time, an end_time or both, in seconds")
        bars = [
            bar for bar in await self._read_history()
            if (start_time is None or bar[0] >= start_time) and (end_time is None or bar[0] <= end_time)
        ]
        if limit is not None:
            bars = bars[:limit] if end_time is None else bars[max(0, len(bars) - limit):]
        return np.array(bars, dtype=float).reshape(-1, len(self.columns))

    async def get_historical_candles(self, config: HistoricalCandlesConfig) -> pd.DataFrame:
        """As the base, whose loop asks for older bars until they come: here they never would.

        :param config: the range, in seconds since the epoch; the feed knows the rest
        :raises VestError: when the venue gives no bars
        """
        bars = await self.fetch_candles(start_time=config.start_time, end_time=config.end_time)
        if not len(bars) or bars[0][0] - config.start_time > self.interval_in_seconds:
            self._complaints.say(
                f"Vest gives only its newest {CONSTANTS.KLINES_LIMIT} candles: those of {self._trading_pair} "
                f"({self.interval}) begin later than was asked for."
            )
        return pd.DataFrame(bars, columns=self.columns)

    async def _resolve_exchange_symbol(self) -> str:
        """As the base, but while a connector has no list of symbols yet the venue is asked, and nothing is guessed.

        :raises ValueError: the venue does not list the pair
        """
        known = {} if self._connector is None else await self._connector.trading_pair_symbol_map()
        if self._trading_pair not in known.values():
            info = wire.ExchangeInfo.from_payload(await self._get(CONSTANTS.EXCHANGE_INFO_PATH, {}))
            known = trading_pairs_by_symbol(market.symbol for market in info.symbols)
        return convert_to_exchange_trading_pair(self._trading_pair, known)

    async def _read_history(self) -> List[Bar]:
        await self.initialize_exchange_data()
        answer = await self._get(
            CONSTANTS.KLINES_PATH, {"symbol": self._ex_trading_pair, "interval": self.interval}
        )
        return merged([], self._bars_from(rows_from(answer, "klines")), self.interval)

    async def _get(self, path: str, params: Dict[str, str]) -> Any:
        assistant = await self._api_factory.get_rest_assistant()
        return await assistant.execute_request(
            url=web_utils.public_rest_url(path, self.DOMAIN), throttler_limit_id=path, params=params
        )

    def _bars_from(self, rows: List[Any]) -> List[Bar]:
        bars = []
        for row in rows:
            with self._complaints.instead_of_payload_errors("candle"):
                bars.append(bar_from(Kline.from_payload(row)))
        return bars

    # --- Live

    async def _keep_complete(self, socket: VestSocket) -> None:
        """Reads the history whenever a bar has ended, and when none has for long; subscribes at first and whenever
        nothing was heard since.
        """
        self._is_hearing = False
        while True:
            self._bar_opened.clear()
            await self._catch_up(socket)
            self._is_hearing = False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._bar_opened.wait(), self.REREAD_S)

    async def _catch_up(self, socket: VestSocket) -> None:
        pauses = self.TIMING.backoff()
        while True:
            try:
                await self.initialize_exchange_data()
                if not self._is_hearing:
                    await self._subscribe(socket)
                self._take_history(await self._read_history())
                return
            except (VestError, ValueError) as error:
                self._complaints.say(f"The candles of {self._trading_pair} are asked for again. {error}")
            await self._sleep(pauses.next_s())

    async def _subscribe(self, socket: VestSocket) -> None:
        request = await socket.request(CONSTANTS.WS_SUBSCRIBE, [self._channel])
        try:
            await request.acknowledged()
        except VestSubscriptionError as error:
            self._complaints.say(f"Vest sends no candles by itself, so that they come once a minute: {error}")

    @property
    def _channel(self) -> str:
        return CONSTANTS.KLINE_CHANNEL.format(symbol=self._ex_trading_pair, interval=self.interval)

    def _on_message(self, message: ChannelMessage, _: Dict[str, Any]) -> None:
        if message.channel != self._channel:
            return
        with self._complaints.instead_of_payload_errors("candle message"):
            bars = self._bars_from(kline_rows(message.data))
            if bars:
                self._is_hearing = True
                newest_s = self._candles[-1][0] if self._candles else math.inf
                self._take(bars)
                if self._candles[-1][0] > newest_s:
                    self._bar_opened.set()

    def _take_history(self, bars: List[Bar]) -> None:
        if bars:  # what the socket told of a time that cannot have come yet would push everything else out
            latest_s = bars[-1][0] + _LARGEST_LEAD_BARS * self.interval_in_seconds
            self._candles = deque((bar for bar in self._candles if bar[0] <= latest_s), self._candles.maxlen)
        self._take(bars)
        wanted = self._candles.maxlen
        self._enough_bars = max(1, min(wanted, len(self._candles)))
        if self._enough_bars < wanted:
            self._complaints.say(
                f"Vest has fewer than {wanted} candles of {self._trading_pair} ({self.interval}): what there is has "
                f"to do."
            )
        self._is_behind = False

    def _take(self, news: List[Bar]) -> None:
        bars = merged(self._candles, news, self.interval)
        self._candles.clear()
        self._candles.extend(bars)


class VestPerpetualTestnetCandles(VestPerpetualCandles):
    """Candles of the venue's development server."""

    DOMAIN = CONSTANTS.TESTNET_DOMAIN


class VestPerpetualSimulatorCandles(VestPerpetualCandles):
    """Candles of the simulator, wherever `VEST_SIMULATOR_URL` says it is."""

    DOMAIN = CONSTANTS.SIMULATOR_DOMAIN


# Hummingbot's factory knows the feeds of its own tree only (design decision 16).
CandlesFactory._candles_map.update({
    feed.DOMAIN: feed for feed in (VestPerpetualCandles, VestPerpetualTestnetCandles, VestPerpetualSimulatorCandles)
})
