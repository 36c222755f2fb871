"""Market data: whole order books, public trades and funding information, over REST and the public socket."""
import asyncio
import itertools
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Set

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestError,
    VestPayloadError,
    VestRefusedError,
    is_retryable,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import ChannelMessage, ticker_messages
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_book import (
    DepthMessage,
    MergedPerChannelQueue,
    NewestPerChannelQueue,
    VestOrderBook,
    keep_newest_books,
    middle_price,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import (
    ChannelRequest,
    Complaints,
    SocketKeeper,
    SocketTiming,
    VestSocket,
    VestSocketError,
    VestSubscriptionError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import Depth, Ticker, Trade, trades_from
from hummingbot.core.data_type.common import TradeType
from hummingbot.core.data_type.funding_info import FundingInfo, FundingInfoUpdate
from hummingbot.core.data_type.order_book_message import OrderBookMessage, OrderBookMessageType
from hummingbot.core.data_type.perpetual_api_order_book_data_source import PerpetualAPIOrderBookDataSource
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory

if TYPE_CHECKING:
    from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_derivative import VestPerpetualDerivative

_NAN = Decimal("NaN")
_NO_BOOK = Depth(bids=[], asks=[], time_ms=None)
# More books than this wait for the tracker only while it does not read them.
_MAX_WAITING_BOOKS = 100


class VestPerpetualAPIOrderBookDataSource(PerpetualAPIOrderBookDataSource):
    """Brings the market data of the connector's pairs.

    Every depth frame is a whole book and becomes a SNAPSHOT, never a diff; see `vest_perpetual_order_book` for how the
    newest one wins. Pairs are subscribed to one by one, because one bad name once silenced a whole list; a pair that is
    refused, or that the venue does not list, is tried again with growing pauses and does not disturb the others (C25).

    A socket that goes on answering PINGs but sends no books cannot be told from halted markets by its silence. So the
    silent books are fetched over REST, which keeps them true; a book that moved between two looks without a word from
    the socket proves that the socket is mute. Then the pair is subscribed to again, or, when no book came over the
    socket at all, the socket is given up (B10). A halted market's book stays as it is, and so does the connection.

    :param trading_pairs: the connector's own list, which grows and shrinks with the pairs
    :param connector: translates between trading pairs and symbols
    :param api_factory: makes REST and WebSocket assistants
    :param domain: one of the three domains
    :param account_group: the account's group
    :param timing: of the socket
    :param funding_poll_interval_s: how often funding information is fetched that the socket is silent about, in seconds
    """

    def __init__(
            self,
            trading_pairs: List[str],
            connector: "VestPerpetualDerivative",
            api_factory: WebAssistantsFactory,
            domain: str = CONSTANTS.DEFAULT_DOMAIN,
            account_group: int = 0,
            timing: SocketTiming = SocketTiming(),
            funding_poll_interval_s: float = CONSTANTS.FUNDING_POLL_INTERVAL_S,
    ):
        super().__init__(trading_pairs)
        self._connector = connector
        self._api_factory = api_factory
        self._domain = domain
        self._account_group = account_group
        self._timing = timing
        self._funding_poll_interval_s = funding_poll_interval_s
        self._complaints = Complaints(self.logger())
        self._keeper = SocketKeeper("market data stream", api_factory, timing, self.logger())
        self.order_book_create_function = VestOrderBook
        self._message_queue[self._snapshot_messages_queue_key] = NewestPerChannelQueue()
        self._message_queue[self._funding_info_messages_queue_key] = MergedPerChannelQueue()
        self._queue_keys_by_topic = {
            _topic(CONSTANTS.ORDERBOOK_DEPTH_CHANNEL): self._snapshot_messages_queue_key,
            _topic(CONSTANTS.TRADES_CHANNEL): self._trade_messages_queue_key,
            _topic(CONSTANTS.TICKER_CHANNEL): self._funding_info_messages_queue_key,
        }
        self._update_ids = itertools.count(1)
        self._books_read = 0
        self._books_output: Optional[asyncio.Queue] = None
        self._pairs_by_symbol: Dict[str, str] = {}
        self._subscribing: Dict[str, asyncio.Task] = {}
        self._symbols_with_news: Set[str] = set()
        self._pairs_with_funding_news: Set[str] = set()
        self._middle_prices: Dict[str, Optional[float]] = {}

    # --- REST

    async def get_last_traded_prices(
            self, trading_pairs: List[str], domain: Optional[str] = None
    ) -> Dict[str, float]:
        """Last traded prices in quote, of all pairs at once; a pair without one has NaN, as in a new order book.

        The framework's order book tracker asks again without any pause for every pair that the answer leaves out; one
        that the venue does not list, or quotes no price of, would freeze the whole client (framework gap).

        :param trading_pairs: the pairs wanted
        :param domain: of the base's signature; the connector knows its own
        """
        prices = await self._connector.get_last_traded_prices(trading_pairs=trading_pairs)
        return {trading_pair: prices.get(trading_pair, float("nan")) for trading_pair in trading_pairs}

    async def get_funding_info(self, trading_pair: str) -> FundingInfo:
        """Mark and index price in quote, the rate per hour as a decimal fraction, and when it is next due.

        The framework asks once for each pair, one after another, and an exception would end its funding listener for
        good (framework gap B7). So this asks again until there is an answer; for a pair of which the venue says nothing
        it gives prices that are no number, for the socket or a later poll to fill in.
        """
        pauses = self._timing.backoff()
        while True:
            try:
                return await self._request_funding_info(trading_pair)
            except VestError as error:
                if not is_retryable(error):
                    self._complaints.say(f"Vest gives no funding information for {trading_pair} now ({error}).")
                    return FundingInfo(trading_pair, _NAN, _NAN, self._next_funding_s(), Decimal(0))
                self._complaints.say(f"The funding information of {trading_pair} is asked for again ({error}).")
            await self._sleep(pauses.next_s())

    async def _request_funding_info(self, trading_pair: str) -> FundingInfo:
        symbol = await self._symbol_of(trading_pair)
        messages = [] if symbol is None else ticker_messages(await self._request_tickers([symbol]), [symbol])
        if not messages:
            raise VestPayloadError("no ticker of this market")
        ticker = self._take_ticker(trading_pair, messages[0])
        return FundingInfo(
            trading_pair=trading_pair,
            index_price=_NAN if ticker.index_price is None else ticker.index_price,
            mark_price=_NAN if ticker.mark_price is None else ticker.mark_price,
            next_funding_utc_timestamp=self._next_funding_s(),
            rate=ticker.one_hr_funding_rate or Decimal(0),
        )

    async def _order_book_snapshot(self, trading_pair: str) -> OrderBookMessage:
        """The book by REST; asks again while the venue cannot answer. A market without a book has an empty one (A5).

        :raises VestRefusedError: when the venue refuses with a code of its own
        """
        pauses = self._timing.backoff()
        while True:
            # Taken before the request: frames that come meanwhile may be newer than its answer.
            update_id = next(self._update_ids)
            try:
                return self._book_message(trading_pair, update_id, await self._request_depth(trading_pair))
            except VestError as error:
                if isinstance(error, VestRefusedError) and error.code is not None:
                    raise
                self._complaints.say(f"The order book of {trading_pair} is asked for again ({error}).")
            await self._sleep(pauses.next_s())

    async def _request_depth(self, trading_pair: str) -> Depth:
        symbol = await self._symbol_of(trading_pair)
        if symbol is None:
            return _NO_BOOK
        return Depth.from_payload(await self._request_depth_payload(symbol))

    async def _request_depth_payload(self, symbol: str) -> Any:
        try:
            return await self._get(CONSTANTS.DEPTH_PATH, {"symbol": symbol, "limit": CONSTANTS.DEPTH_LIMIT})
        except VestRefusedError as error:
            if error.status != 404 and error.code not in CONSTANTS.NO_MARKET_CODES:
                raise
            self._complaints.say(f"Vest has no order book for {symbol} now ({error}).")
            return {}

    async def _request_tickers(self, symbols: List[str]) -> ChannelMessage:
        """Tickers by REST, as if they had come over the socket."""
        answer = await self._get(CONSTANTS.TICKER_LATEST_PATH, {"symbols": ",".join(symbols)})
        return ChannelMessage(CONSTANTS.TICKERS_CHANNEL, answer, time_ms=None)

    async def _get(self, path: str, params: Dict[str, Any]) -> Any:
        assistant = await self._api_factory.get_rest_assistant()
        return await assistant.execute_request(
            url=web_utils.public_rest_url(path, self._domain),
            throttler_limit_id=path,
            params=params,
            timeout=CONSTANTS.REQUEST_TIMEOUT_S,
        )

    # --- The socket

    async def _connected_websocket_assistant(self) -> VestSocket:
        return await self._keeper.open(self._get_public_url)

    async def _get_public_url(self) -> str:
        return web_utils.public_ws_url(self._domain, self._account_group)

    async def _subscribe_channels(self, ws: VestSocket) -> None:
        try:
            for trading_pair in list(self._trading_pairs):
                await self._start_subscribing(ws, trading_pair)
            tickers = await ws.request(CONSTANTS.WS_SUBSCRIBE, [CONSTANTS.TICKERS_CHANNEL])
        except ConnectionError:
            raise
        except Exception:
            self.logger().exception("Unexpected error occurred subscribing to order book streams...")
            raise
        ws.spawn(self._insist(ws, tickers))
        ws.spawn(self._look_after_silent_books(ws))

    async def _process_websocket_messages(self, websocket_assistant: VestSocket) -> None:
        await self._keeper.read(websocket_assistant, self._take, self._publish_books)

    def _take(self, message: ChannelMessage, _: Dict[str, Any]) -> None:
        if message.channel == CONSTANTS.TICKERS_CHANNEL:
            with self._complaints.instead_of_payload_errors("tickers message"):
                for ticker_message in ticker_messages(message, self._pairs_by_symbol):
                    self._message_queue[self._funding_info_messages_queue_key].put_nowait(ticker_message)
            return
        symbol = message.symbol
        queue_key = self._queue_keys_by_topic.get(message.topic)
        # Frames of a pair that was just removed may still be on their way.
        if queue_key is not None and symbol in self._pairs_by_symbol:
            queue = self._message_queue[queue_key]
            if queue_key != self._snapshot_messages_queue_key:
                queue.put_nowait(message)
                return
            self._symbols_with_news.add(symbol)
            # See `_publish_books`; while nobody listens, the books wait for who will.
            put = queue.put_nowait if self._books_output is None else queue.put_quietly
            put(message)

    def _publish_books(self) -> None:
        """Publishes the books that came. All that came has been read by now, so each is the newest of its symbol.

        They are for the task of `listen_for_order_book_snapshots`. But to wake it takes another round of the event
        loop, which costs as much as a quarter of a book of twenty levels.
        """
        if self._books_output is None:
            return
        queue = self._message_queue[self._snapshot_messages_queue_key]
        for message in [queue.get_nowait() for _ in range(queue.qsize())]:
            trading_pair = self._pairs_by_symbol.get(message.symbol)
            try:
                if trading_pair is not None:
                    self._publish_book(trading_pair, message, self._books_output)
            except Exception:
                queue.put_nowait(message)  # that task tries again, says what is wrong and pauses

    # --- Subscriptions

    async def subscribe_to_trading_pair(self, trading_pair: str) -> bool:
        """Bring a pair's market data from now on; without a connection, from the next one on (A22).

        :return: whether the venue has the pair and did not refuse it
        """
        if await self._symbol_of(trading_pair) is None:
            return False
        self.add_trading_pair(trading_pair)
        socket = self._ws_assistant
        if socket is not None:
            try:
                subscribing = await self._start_subscribing(socket, trading_pair)
            except VestSocketError:
                return True  # the next connection subscribes
            await asyncio.wait({subscribing}, timeout=self._timing.subscribe_timeout_s)
            if not subscribing.done():
                await self.unsubscribe_from_trading_pair(trading_pair)
                return False
        return True

    async def unsubscribe_from_trading_pair(self, trading_pair: str) -> bool:
        """Bring no more market data of a pair.

        :return: whether the venue said that it sends none any more; what it sends is ignored in any case
        """
        self.remove_trading_pair(trading_pair)
        symbol = next((symbol for symbol, pair in self._pairs_by_symbol.items() if pair == trading_pair), None)
        self._pairs_by_symbol.pop(symbol, None)
        subscribing = self._subscribing.pop(trading_pair, None)
        if subscribing is not None:
            subscribing.cancel()
        if self._ws_assistant is None or symbol is None:
            return True
        try:
            request = await self._ws_assistant.request(CONSTANTS.WS_UNSUBSCRIBE, _channels(symbol))
            await request.acknowledged()
        except VestSocketError:
            return True  # the next connection does not subscribe
        except VestSubscriptionError as error:
            self._complaints.say(f"Vest did not end a subscription: {error}")
            return False
        return True

    async def _start_subscribing(self, ws: VestSocket, trading_pair: str) -> asyncio.Task:
        """Sends the subscription; the task that is returned ends when the venue has acknowledged it."""
        symbol = await self._symbol_of(trading_pair)
        if symbol is None:
            subscribing = ws.spawn(self._subscribe_when_listed(ws, trading_pair))
        else:
            self._pairs_by_symbol[symbol] = trading_pair
            request = await ws.request(CONSTANTS.WS_SUBSCRIBE, _channels(symbol))
            subscribing = ws.spawn(self._insist(ws, request))
        self._subscribing[trading_pair] = subscribing
        return subscribing

    async def _insist(self, ws: VestSocket, request: ChannelRequest) -> None:
        pauses = self._timing.backoff()
        while True:
            try:
                return await request.acknowledged()
            except VestSubscriptionError as error:
                self._complaints.say(f"Vest did not subscribe to {error}. Asking again, with growing pauses.")
                await self._sleep(pauses.next_s())
                request = await ws.request(CONSTANTS.WS_SUBSCRIBE, error.channels)

    async def _subscribe_when_listed(self, ws: VestSocket, trading_pair: str) -> None:
        pauses = self._timing.backoff()
        while (symbol := await self._symbol_of(trading_pair)) is None:
            await self._sleep(pauses.next_s())
        self._pairs_by_symbol[symbol] = trading_pair
        await self._insist(ws, await ws.request(CONSTANTS.WS_SUBSCRIBE, _channels(symbol)))

    async def _look_after_silent_books(self, ws: VestSocket) -> None:
        """See the class: keeps the books true that the socket is silent about, and finds out why it is."""
        last_look: Dict[str, Depth] = {}
        while True:
            self._symbols_with_news.clear()
            await asyncio.sleep(self._timing.silence_limit_s / 2)
            silent = self._pairs_by_symbol.keys() - self._symbols_with_news
            last_look = {symbol: depth for symbol, depth in last_look.items() if symbol in silent}
            for symbol in silent:
                depth = await self._look_at(symbol)
                if depth is None:
                    continue
                before = last_look.get(symbol, depth)
                last_look[symbol] = depth
                if (before.bids, before.asks) != (depth.bids, depth.asks):
                    await self._on_withheld_book(ws, symbol)

    async def _on_withheld_book(self, ws: VestSocket, symbol: str) -> None:
        trading_pair = self._pairs_by_symbol[symbol]
        subscribing = self._subscribing.get(trading_pair)
        if subscribing is None or not subscribing.done():
            return  # it is known already that this pair gets no frames
        if self._symbols_with_news:
            self._complaints.say(f"Vest sends no order books of {trading_pair}. Subscribing again.")
            await self._start_subscribing(ws, trading_pair)
        else:
            ws.fail("order books moved and the socket did not say so")

    async def _look_at(self, symbol: str) -> Optional[Depth]:
        """The book by REST, published as if it had come over the socket, unless that one spoke up meanwhile."""
        try:
            payload = await self._request_depth_payload(symbol)
            depth = Depth.from_payload(payload)
        except VestError as error:
            self._complaints.say(f"The order book of {symbol} could not be checked ({error}).")
            return None
        if symbol in self._symbols_with_news or symbol not in self._pairs_by_symbol:
            return None
        channel = CONSTANTS.ORDERBOOK_DEPTH_CHANNEL.format(symbol=symbol)
        self._message_queue[self._snapshot_messages_queue_key].put_nowait(ChannelMessage(channel, payload, None))
        return depth

    # --- Messages

    async def listen_for_order_book_snapshots(self, ev_loop: asyncio.AbstractEventLoop, output: asyncio.Queue) -> None:
        """As the base, which sets a time limit for every single book, and that costs as much as reading one. Here one
        limit is set for all that come in an hour, so REST is asked after one to two hours of silence.

        :param ev_loop: of the base's signature
        :param output: gets the books
        """
        books = self._message_queue[self._snapshot_messages_queue_key]
        self._books_output = output
        try:
            while True:
                read_before = self._books_read
                try:
                    async with asyncio.timeout(self.FULL_ORDER_BOOK_RESET_DELTA_SECONDS):
                        while True:
                            await self._parse_order_book_snapshot_message(await books.get(), output)
                except TimeoutError:
                    if self._books_read == read_before:
                        await self._request_order_book_snapshots(output)
                except Exception:
                    self.logger().exception(
                        "Unexpected error when processing public order book snapshots from exchange"
                    )
                    await self._sleep(1.0)
        finally:
            self._books_output = None

    async def listen_for_funding_info(self, output: asyncio.Queue) -> None:
        """As in the base, and looks after pairs that the socket says nothing about.

        :param output: gets a `FundingInfoUpdate` for everything heard
        """
        refreshing = asyncio.create_task(self._refresh_silent_funding_info())
        try:
            await super().listen_for_funding_info(output)
        finally:
            refreshing.cancel()

    async def _refresh_silent_funding_info(self) -> None:
        while True:
            self._pairs_with_funding_news.clear()
            await asyncio.sleep(self._funding_poll_interval_s)
            silent = [
                symbol for symbol, trading_pair in self._pairs_by_symbol.items()
                if trading_pair not in self._pairs_with_funding_news
            ]
            if silent:
                try:
                    self._take(await self._request_tickers(silent), {})
                except VestError as error:
                    self._complaints.say(f"The funding information could not be refreshed ({error}).")

    async def _parse_order_book_snapshot_message(
            self, raw_message: ChannelMessage, message_queue: asyncio.Queue
    ) -> None:
        try:
            trading_pair = await self._pair_of(raw_message)
        except VestPayloadError as error:
            self._complaints.say_ignored("order book", error)
        else:
            self._publish_book(trading_pair, raw_message, message_queue)

    def _publish_book(self, trading_pair: str, raw_message: ChannelMessage, message_queue: asyncio.Queue) -> None:
        self._books_read += 1
        depth = raw_message.data
        if not isinstance(depth, Depth):
            try:
                depth = Depth.from_payload(depth)
            except VestPayloadError as error:
                self._complaints.say_ignored("order book", error)
                return
        if message_queue.qsize() >= _MAX_WAITING_BOOKS:
            keep_newest_books(message_queue)
        message_queue.put_nowait(self._book_message(trading_pair, next(self._update_ids), depth, raw_message.time_ms))

    async def _parse_order_book_diff_message(self, raw_message: ChannelMessage, message_queue: asyncio.Queue) -> None:
        """Nothing is ever routed here; should a book get here all the same, it is a whole one."""
        await self._parse_order_book_snapshot_message(raw_message, message_queue)

    async def _parse_trade_message(self, raw_message: ChannelMessage, message_queue: asyncio.Queue) -> None:
        with self._complaints.instead_of_payload_errors("trade"):
            trading_pair = await self._pair_of(raw_message)
            for trade in trades_from(raw_message.data):
                content = {
                    "trading_pair": trading_pair,
                    "trade_type": float(self._taker_side(trading_pair, trade).value),
                    "trade_id": trade.trade_id,
                    "update_id": trade.time_ms,
                    "price": trade.price,
                    "amount": trade.quantity,
                }
                message_queue.put_nowait(OrderBookMessage(OrderBookMessageType.TRADE, content, trade.time_ms / 1000))

    async def _parse_funding_info_message(self, raw_message: ChannelMessage, message_queue: asyncio.Queue) -> None:
        with self._complaints.instead_of_payload_errors("ticker"):
            trading_pair = await self._pair_of(raw_message)
            ticker = self._take_ticker(trading_pair, raw_message)
            self._pairs_with_funding_news.add(trading_pair)
            message_queue.put_nowait(FundingInfoUpdate(
                trading_pair=trading_pair,
                index_price=ticker.index_price,
                mark_price=ticker.mark_price,
                next_funding_utc_timestamp=self._next_funding_s(),
                rate=ticker.one_hr_funding_rate,
            ))

    def _take_ticker(self, trading_pair: str, message: ChannelMessage) -> Ticker:
        ticker = Ticker.from_payload(message.data, symbol=message.symbol)
        self._complaints.say_unread("A ticker", ticker.unread)
        self._connector.on_ticker(trading_pair, ticker)
        return ticker

    def _book_message(
            self, trading_pair: str, update_id: int, depth: Depth, time_ms: Optional[int] = None
    ) -> DepthMessage:
        self._middle_prices[trading_pair] = middle_price(depth)
        time_ms = depth.time_ms or time_ms
        return DepthMessage(trading_pair, update_id, depth, self._time() if time_ms is None else time_ms / 1000)

    def _taker_side(self, trading_pair: str, trade: Trade) -> TradeType:
        """The taker's side. Where the venue does not say it (protocol section 4), a trade at or above the middle of the
        last book was a buy; so is one of which nothing is known.
        """
        is_buy = trade.is_buy
        if is_buy is None:
            is_buy = trade.price >= (self._middle_prices.get(trading_pair) or 0)
        return TradeType.BUY if is_buy else TradeType.SELL

    # --- Names and times

    async def _symbol_of(self, trading_pair: str) -> Optional[str]:
        try:
            return await self._connector.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        except KeyError:
            self._complaints.say(
                f"No market of Vest is known for {trading_pair}. If Vest can be reached, check the pair's spelling."
            )
            return None

    async def _pair_of(self, message: ChannelMessage) -> str:
        trading_pair = self._pairs_by_symbol.get(message.symbol)
        if trading_pair is None:
            try:
                trading_pair = await self._connector.trading_pair_associated_to_exchange_symbol(symbol=message.symbol)
            except KeyError:
                raise VestPayloadError(f"{message.channel}: not a channel of a known symbol") from None
        return trading_pair

    def _next_funding_s(self) -> int:
        hour_s = CONSTANTS.FUNDING_INTERVAL_S
        return (int(self._time()) // hour_s + 1) * hour_s


def _topic(channel: str) -> str:
    return ChannelMessage(channel, data=None, time_ms=None).topic


def _channels(symbol: str) -> List[str]:
    return [
        CONSTANTS.ORDERBOOK_DEPTH_CHANNEL.format(symbol=symbol),
        CONSTANTS.TRADES_CHANNEL.format(symbol=symbol),
    ]
