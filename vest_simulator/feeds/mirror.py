"""The public feed of a live venue that speaks the same protocol (sections 1, 4 and 6): its prices become ours.

Nothing is ever signed or sent but public questions: GET requests and a subscription, without any key.
"""
import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Deque, Dict, Iterator, List, Optional, Sequence, Tuple

import aiohttp

from vest_simulator.engine.candles import Bar
from vest_simulator.engine.feed import Update
from vest_simulator.engine.prices import rounded
from vest_simulator.engine.specs import SymbolSpec
from vest_simulator.feeds import public_wire as wire

HOSTS = {name: (f"https://server-{host}.hz.vestmarkets.com/v2", f"wss://ws-{host}.hz.vestmarkets.com/ws-api")
         for name, host in (("production", "prod"), ("testnet", "dev"))}
MOST_SYMBOLS = 40
"""Markets that are mirrored when none are named."""
_HISTORY = ("1d", "1h", "1m")
_GROUP = "restserver0"
_MOST_PENDING = 10_000
_FAILURES = (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError)
_logger = logging.getLogger(__name__)


class MirrorError(OSError):
    """The venue cannot be mirrored; the text is one sentence."""


@dataclass(frozen=True)
class MirrorTiming:
    """All in seconds.

    :param stale_after_s: without news for so long the feed is lost
    :param poll_s: a silent socket makes the mirror ask by REST so often
    :param request_pause_s: between two requests for history
    """

    stale_after_s: float = 15.0
    poll_s: float = 5.0
    ping_s: float = 15.0
    timeout_s: float = 10.0
    markets_s: float = 300.0
    backoff_min_s: float = 1.0
    backoff_max_s: float = 60.0
    request_pause_s: float = 0.1


class Mirror:
    """Follows a venue until it is closed.

    While the feed is lost all markets are halted: no order fills at a price that may have gone. When it is back, they
    are as the venue has them; orders that the price has passed meanwhile fill at the price as it is then.

    :param venue: production, testnet, or the base URL of another venue (a simulator: http://127.0.0.1:8787)
    :param symbols: which markets; the first `MOST_SYMBOLS` when none are named
    """

    position_ms = 0
    usual_timing = MirrorTiming()

    def __init__(self, venue: str, symbols: Sequence[str] = (), timing: Optional[MirrorTiming] = None) -> None:
        self.name = venue
        self.specs: Dict[str, SymbolSpec] = {}
        self._rest_url, self._socket_url = HOSTS.get(venue) or _urls(venue)
        self._wanted = tuple(symbols)
        self._timing = timing or self.usual_timing
        self._history: Dict[str, List[Bar]] = {}
        self._session: Optional[aiohttp.ClientSession] = None
        self._task: Optional[asyncio.Task] = None
        self._shown: Dict[str, wire.Ticker] = {}
        self._gone: frozenset = frozenset()
        self._pending: Deque[wire.Ticker] = deque(maxlen=_MOST_PENDING)
        self._news_s = 0.0
        self._markets_read_s = 0.0
        self._is_lost = False

    # --- life

    async def open(self) -> None:
        """Learns markets, prices and history, when it is opened first, and follows from now on.

        :raises MirrorError: when the venue does not answer or lists nothing that is wanted
        """
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._timing.timeout_s))
        try:
            if not self.specs:
                await self._learn()
        except _FAILURES as error:
            await self.close()
            if isinstance(error, MirrorError):
                raise
            raise MirrorError(f"{self._rest_url} cannot be mirrored: {error or type(error).__name__}") from None
        self._news_s = time.monotonic()
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Ends the connections to the other venue."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _learn(self) -> None:
        tickers = {ticker.symbol: ticker for ticker in wire.tickers(await self._get("/ticker/latest"))}
        specs = {spec.symbol: spec for spec in wire.specs(await self._get("/exchangeInfo"), tickers)}
        missing = [symbol for symbol in self._wanted if symbol not in specs]
        if missing or not specs:
            raise MirrorError(f"{self._rest_url} does not list {', '.join(missing) or 'any market'}")
        chosen = self._wanted or tuple(specs)[:MOST_SYMBOLS]
        if len(chosen) < len(specs) and not self._wanted:
            _logger.warning("Of %s markets the first %s are mirrored; choose others with --symbols.", len(specs),
                            len(chosen))
        for symbol in chosen:
            self._history[symbol] = await self._read_history(specs[symbol])
        self.specs = {symbol: specs[symbol] for symbol in chosen}
        self._note([tickers[symbol] for symbol in chosen])

    async def _read_history(self, spec: SymbolSpec) -> List[Bar]:
        """The longest bars first; where shorter ones exist, those."""
        history: List[Bar] = []
        for interval in _HISTORY:
            bars = wire.bars(await self._get("/klines", symbol=spec.symbol, interval=interval), spec)
            if bars:
                history = [bar for bar in history
                           if bar.open_ms < bars[0].open_ms and bar.close_ms < bars[-1].open_ms]
                end_ms = history[-1].close_ms if history else 0
                history += [bar for bar in bars if bar.open_ms > end_ms]
            await asyncio.sleep(self._timing.request_pause_s)
        return history

    # --- what the exchange is told

    def begin(self, now_ms: int, position_ms: Optional[int] = None) -> Iterator[Tuple[str, Bar]]:
        """The bars before now, by symbol."""
        for symbol, bars in self._history.items():
            for bar in bars:
                if bar.open_ms < now_ms:
                    bar.close_ms = min(bar.close_ms, now_ms - 1)
                    yield symbol, bar
        self._history = {}

    def updates(self, now_ms: int) -> List[Update]:
        """The news since the last call; nobody knows better when it happened than that it was before `now_ms`."""
        updates = [self._update(ticker, now_ms) for ticker in self._pending]
        self._pending.clear()
        was_lost = self._is_lost
        self._is_lost = time.monotonic() - self._news_s > self._timing.stale_after_s
        if self._is_lost and not was_lost:
            _logger.warning("The price feed of %s is lost: all markets are halted until it is back.", self.name)
        if was_lost and not self._is_lost:
            _logger.warning("The price feed of %s is back: the markets are open as there.", self.name)
        if self._is_lost:
            return [Update(symbol, now_ms, trading=False) for symbol in self.specs]
        return [self._update(ticker, now_ms) for ticker in self._shown.values()] if was_lost else updates

    def _update(self, ticker: wire.Ticker, now_ms: int) -> Update:
        return Update(ticker.symbol, now_ms, ticker.index, ticker.mark, trading=self._is_open(ticker),
                      funding_rate=ticker.funding_rate)

    def _is_open(self, ticker: wire.Ticker) -> bool:
        return ticker.trading and ticker.symbol not in self._gone

    def _note(self, tickers: Sequence[wire.Ticker]) -> None:
        """Remembers news of the mirrored symbols, prices with their decimals."""
        for ticker in tickers:
            spec = self.specs.get(ticker.symbol)
            if spec is not None:
                self._news_s = time.monotonic()
                ticker = ticker._replace(index=rounded(ticker.index, spec.price_step),
                                         mark=rounded(ticker.mark, spec.price_step))
                if self._shown.get(ticker.symbol) != ticker:
                    self._shown[ticker.symbol] = ticker
                    self._pending.append(ticker)

    # --- following

    async def _follow(self) -> None:
        backoff_s = self._timing.backoff_min_s
        while True:
            began_s = time.monotonic()
            try:
                await self._listen()
            except _FAILURES as error:
                _logger.debug("The connection to %s ended: %s", self.name, error or type(error).__name__)
            if self._news_s > began_s + self._timing.poll_s:
                backoff_s = self._timing.backoff_min_s
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, self._timing.backoff_max_s)

    async def _listen(self) -> None:
        """One connection, until it fails."""
        await self._read_markets()
        await self._read_tickers()
        url = f"{self._socket_url}?version=1.0&xwebsocketserver={_GROUP}&websocketserver={_GROUP}"
        async with self._session.ws_connect(url, max_msg_size=wire.MOST_BYTES) as ws:
            await ws.send_json({"method": "SUBSCRIBE", "params": ["tickers"], "id": 1})
            pinged_s = time.monotonic()
            while True:
                await self._hear(ws)
                now_s = time.monotonic()
                if now_s - pinged_s > self._timing.ping_s:
                    await ws.send_json({"method": "PING", "params": [], "id": 0})
                    pinged_s = now_s
                if now_s - self._news_s > self._timing.poll_s:
                    await self._read_tickers()
                if now_s - self._markets_read_s > self._timing.markets_s:
                    await self._read_markets()

    async def _hear(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Takes the next frame, or waits a while in vain. :raises ConnectionError: when the socket has ended"""
        try:
            message = await ws.receive(timeout=self._timing.poll_s)
        except asyncio.TimeoutError:
            return
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            raise ConnectionError(f"closed with code {ws.close_code}")
        self._note(wire.tickers_frame(message.data))

    async def _read_tickers(self) -> None:
        self._note(wire.tickers(await self._get("/ticker/latest")))

    async def _read_markets(self) -> None:
        """Markets that the venue no longer lists are halted."""
        listed = wire.symbols(await self._get("/exchangeInfo"))
        gone = frozenset(self.specs) - listed
        if gone != self._gone:
            self._gone = gone
            self._pending.extend(self._shown.values())
        self._markets_read_s = time.monotonic()

    async def _get(self, path: str, **query: str) -> Any:
        """:raises MirrorError: when the answer is an error; :raises ValueError: when it is not JSON"""
        async with self._session.get(self._rest_url + path, params=query, headers={"xrestservermm": _GROUP},
                                     allow_redirects=False) as response:
            body = await wire.read(response)
            if response.status != 200:
                raise MirrorError(f"{self._rest_url}{path} answers with status {response.status}")
            return wire.answer(body)


def _urls(venue: str) -> Tuple[str, str]:
    """REST and WebSocket URL of a venue that has both on one host."""
    base = venue.rstrip("/").removesuffix("/v2")
    if not base.startswith(("http://", "https://")):
        raise MirrorError(f"{venue} is neither a URL nor one of {', '.join(HOSTS)}")
    return f"{base}/v2", f"ws{base.removeprefix('http')}/ws-api"
