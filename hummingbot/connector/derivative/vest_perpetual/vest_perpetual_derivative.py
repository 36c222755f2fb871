"""The connector: orders, account and markets of one Vest account, for Hummingbot's strategies."""
import asyncio
from contextlib import suppress
from decimal import Decimal
from typing import Any, Coroutine, Dict, List, Optional, Set, Tuple

from cachetools import FIFOCache

from hummingbot import data_path
from hummingbot.connector.constants import s_decimal_NaN
from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_account import VestAccount
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_api_order_book_data_source import (
    VestPerpetualAPIOrderBookDataSource,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import ApiKeyGuard, VestPerpetualAuth
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestClockError,
    VestError,
    VestOrderNotFoundError,
    VestRefusedError,
    VestUnauthorizedError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_fills import heard_parts
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_funding import (
    FundingPayment,
    FundingPayments,
    FundingRates,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_key_expiry import KeyExpiry
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_key_life import VestKeyLife
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_market_data import LiveTickers, VestMarketData
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_market_hours import MarketHours
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_markets import Markets
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_missed_fills import MissedFills
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_book import VestOrderBookTracker
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_ids import OrderIds
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_operations import VestOrderOperations
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_tracker import VestOrderTracker
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_orders_reader import OrdersReader
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_orphans import Orphans
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_session_memory import SessionMemory
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_stored_keys import KeystoreWatch
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_throttler import Backoff
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_transfers import VestTransfers
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_user_stream_data_source import (
    VestPerpetualUserStreamDataSource,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_utils import account_group_from
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.api_throttler.data_types import RateLimit
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, TradeType
from hummingbot.core.data_type.order_book_tracker import OrderBookTracker
from hummingbot.core.data_type.trade_fee import TradeFeeBase, TradeFeeSchema
from hummingbot.core.event.events import FundingPaymentCompletedEvent, MarketEvent
from hummingbot.core.utils.async_utils import safe_ensure_future


class VestPerpetualDerivative(VestMarketData, VestAccount, VestOrderOperations, VestKeyLife, VestTransfers):
    """A Vest account as Hummingbot sees it. What is about balances, positions and leverage is in `VestAccount`, what
    is about orders in `VestOrderOperations`, what is about the keys in `VestKeyLife`, what moves money in or out of the
    account in `VestTransfers`, what asks for market data in `VestMarketData`.

    :param balance_asset_limit: the client's limits of the balances it may use
    :param rate_limits_share_pct: this bot's part of the rate limits in percent; None: as the client is configured (B20)
    :param vest_perpetual_api_key: API key of the registration
    :param vest_perpetual_signing_private_key: private key of the registered signing address, not of the wallet
    :param vest_perpetual_account_group: account group of the registration
    :param trading_pairs: pairs such as BTC-USDC
    :param trading_required: False for market data alone; then the keys may be dummies
    :param domain: production, testnet or simulator
    """

    web_utils = web_utils

    # A poll is one request for all orders and one for the account, so it need not be rare (framework gap B13): the
    # short one, in s, while there is an order or a position, the long one while the account is flat and idle.
    SHORT_POLL_INTERVAL = 5.0
    LONG_POLL_INTERVAL = 30.0
    TRADING_RULES_INTERVAL = 300.0
    # Refusals that tell that a market has changed have the markets read at most once in so many s.
    RULES_REFRESH_PAUSE_S = 10.0
    FUNDING_REFRESH_PAUSE_S = 1.0
    # After the venue refused the API key nothing private but cancels is asked for at most so long, in s (C29).
    KEY_REFUSAL_PAUSE_S = 300.0

    def __init__(
            self,
            balance_asset_limit: Optional[Dict[str, Dict[str, Decimal]]] = None,
            rate_limits_share_pct: Optional[Decimal] = None,
            vest_perpetual_api_key: str = "",
            vest_perpetual_signing_private_key: str = "",
            vest_perpetual_account_group: Any = 0,
            trading_pairs: Optional[List[str]] = None,
            trading_required: bool = True,
            domain: str = CONSTANTS.DEFAULT_DOMAIN,
    ):
        if rate_limits_share_pct is None:
            rate_limits_share_pct = web_utils.configured_rate_limits_share_pct()
        self._domain = domain
        self._trading_required = trading_required
        self._trading_pairs = trading_pairs if trading_pairs is not None else []
        self._share_pct = rate_limits_share_pct
        self._clock = ServerClock()
        self._vest_auth = VestPerpetualAuth(
            api_key=vest_perpetual_api_key,
            signing_private_key=vest_perpetual_signing_private_key,
            account_group=account_group_from(vest_perpetual_account_group),
            clock=self._clock,
            domain=domain,
        )
        self._order_ids = OrderIds(data_path())
        self._funding_payments = FundingPayments(since_ms=self._clock.now_ms())
        self._tasks: Set[asyncio.Task] = set()
        self._account_news = asyncio.Event()
        self._account_refresh_task: Optional[asyncio.Task] = None
        self._key_expiry = KeyExpiry(self._vest_auth, data_path(), domain, self._clock)
        self._keystore = KeystoreWatch(domain)
        self._renewal_task: Optional[asyncio.Task] = None
        self._wallet_address: Optional[str] = None
        self._account_requests = 0
        self._account_answer = 0
        self._unsent: Set[str] = set()  # client order ids given out, of orders not tracked yet
        self._cancelled_unsent: Set[str] = set()
        self._waiting_cancels: Dict[str, asyncio.Task] = {}  # by client order id, until the venue has told its own
        self._looked_up: Set[str] = set()  # client ids of orders that the venue may not have and is asked for
        self._refused_cancels: FIFOCache = FIFOCache(1000)  # client order ids, as keys
        self._missing_s: FIFOCache = FIFOCache(1000)  # by client order id: when "not found" was last counted
        self._held_ends: Optional[asyncio.Task] = None
        self._unsettled: Optional[asyncio.Task] = None
        self._statuses_heard: FIFOCache = FIFOCache(1000)  # by the venue's order id
        self._stream_connections = 0
        self._reconciliation: Optional[asyncio.Task] = None
        self._orphan_search: Optional[asyncio.Task] = None
        self._books_deadline_s: Optional[float] = None
        self._has_started = False
        self._is_starting = False
        self._is_stopped = False
        self._is_asking_for_time = False
        self._key_guard = ApiKeyGuard(self.KEY_REFUSAL_PAUSE_S, self._clock)
        self._funding_rates = FundingRates(self._api_get)
        self._rules_news = asyncio.Event()
        self._rules_news_s = float("-inf")
        self._complaints = Complaints(self.logger())
        self._markets = Markets(self.logger())
        self._live_tickers = LiveTickers()
        self._market_hours = MarketHours(self.logger(), self._clock, self._request_market_status)
        self._orders = OrdersReader(self._api_get, self._complaints)
        self._memory = SessionMemory(data_path(), domain, self._vest_auth.account_group, self._complaints)
        super().__init__(balance_asset_limit, rate_limits_share_pct)
        self._missed_fills = MissedFills(
            self._order_tracker, self._orders, self._markets, self._clock, self._fee_schema, self._memory,
            self._order_ids, self.ACCOUNT_LAG_LIMIT_S, self.logger(),
        )
        self._orphans = Orphans(
            self._order_tracker, self._orders, self._order_ids, self._memory, self._send_cancel, self.logger()
        )

    # --- Facts about the venue

    @property
    def name(self) -> str:
        """The connector's name, which is its domain's."""
        return self._domain

    @property
    def authenticator(self) -> VestPerpetualAuth:
        """Signs the private requests."""
        return self._vest_auth

    @property
    def rate_limits_rules(self) -> List[RateLimit]:
        """Our guesses of the venue's rate limits."""
        return CONSTANTS.RATE_LIMITS

    @property
    def domain(self) -> str:
        """Production, testnet or simulator."""
        return self._domain

    @property
    def client_order_id_max_length(self) -> int:
        """Digits of a nonce below 2^53."""
        return CONSTANTS.CLIENT_ORDER_ID_MAX_LENGTH

    @property
    def client_order_id_prefix(self) -> str:
        """Empty, because the ids are numbers (design decision 1)."""
        return ""

    @property
    def trading_rules_request_path(self) -> str:
        """Where the markets are."""
        return CONSTANTS.EXCHANGE_INFO_PATH

    @property
    def trading_pairs_request_path(self) -> str:
        """Where the markets are."""
        return CONSTANTS.EXCHANGE_INFO_PATH

    @property
    def check_network_request_path(self) -> str:
        """A small public request."""
        return CONSTANTS.TICKER_LATEST_PATH

    @property
    def trading_pairs(self) -> List[str]:
        """The pairs in use."""
        return self._trading_pairs

    @property
    def is_cancel_request_in_exchange_synchronous(self) -> bool:
        """False: a cancel is confirmed by event or poll, not by its answer."""
        return False

    @property
    def is_trading_required(self) -> bool:
        """False for market data alone."""
        return self._trading_required

    @property
    def funding_fee_poll_interval(self) -> int:
        """In seconds."""
        return CONSTANTS.FUNDING_POLL_INTERVAL_S

    @property
    def venue_time_ms(self) -> int:
        """The venue's time in ms, as its answers tell it."""
        return self._clock.now_ms()

    def supported_order_types(self) -> List[OrderType]:
        """MARKET and LIMIT: the venue has no post-only order (acceptance A9)."""
        return list(CONSTANTS.ORDER_TYPES)

    def supported_position_modes(self) -> List[PositionMode]:
        """ONEWAY: the venue has one position per symbol."""
        return [PositionMode.ONEWAY]

    def get_buy_collateral_token(self, trading_pair: str) -> str:
        """USDC, whatever the pair."""
        return CONSTANTS.COLLATERAL_TOKEN

    def get_sell_collateral_token(self, trading_pair: str) -> str:
        """USDC, whatever the pair."""
        return CONSTANTS.COLLATERAL_TOKEN

    # --- Parts the framework assembles

    def _create_web_assistants_factory(self) -> web_utils.VestWebAssistantsFactory:
        # Replaces the base's throttler by ours, which also slows down when the venue asks for it (design decision 13).
        self._throttler = web_utils.create_throttler(self._share_pct)
        return web_utils.build_api_factory(
            throttler=self._throttler, clock=self._clock, auth=self._auth, domain=self._domain
        )

    def _create_order_book_data_source(self) -> VestPerpetualAPIOrderBookDataSource:
        return VestPerpetualAPIOrderBookDataSource(
            trading_pairs=self._trading_pairs,
            connector=self,
            api_factory=self._web_assistants_factory,
            domain=self._domain,
            account_group=self._vest_auth.account_group,
        )

    def _set_order_book_tracker(self, order_book_tracker: OrderBookTracker) -> None:
        # Replaces the base's by ours, for whole books.
        super()._set_order_book_tracker(
            VestOrderBookTracker(order_book_tracker.data_source, self.trading_pairs, self.domain)
        )

    def _create_user_stream_data_source(self) -> VestPerpetualUserStreamDataSource:
        return VestPerpetualUserStreamDataSource(
            connector=self,
            api_factory=self._web_assistants_factory,
            domain=self._domain,
            account_group=self._vest_auth.account_group,
        )

    def _create_order_tracker(self) -> VestOrderTracker:
        return VestOrderTracker(self, self._memory)

    # --- Start and stop

    async def start_network(self):
        """As the base, which first stops the network: that must not cut off requests the strategy has sent already."""
        self._is_starting = True
        self._is_stopped = False
        if not self._has_started:
            self._has_started = True
            # The venue's clock is known by now, as it was not when the connector was made. Doubt about it goes to the
            # earlier session, which has published its payments: our own orders' count in any case.
            since_ms = self._clock.now_ms() + int(self._clock.uncertainty_ms or 0)
            self._funding_payments = FundingPayments(since_ms)
            if self._trading_required:
                self._orphans.take_back()
                self._missed_fills.recall()
        try:
            await super().start_network()
            self._go_on_cancelling()
            if not self._trading_required:  # the base reads no rules then, without which it knows no prices
                self._trading_rules_polling_task = safe_ensure_future(self._trading_rules_polling_loop())
        finally:
            self._is_starting = False

    async def stop_network(self):
        """As the base, which forgets the task that polls funding payments, so that a reconnect ran two of them (B8).

        Closes our sessions, which are nobody else's (B25); a later request opens a new one.

        The base's user stream tracker swallows a cancellation that comes while its task ends. Here it is counted and
        goes on, or a connector that the client stops while the venue goes away would connect again (A20).
        """
        self._is_stopped = not self._is_starting
        this_task = asyncio.current_task()
        cancellations = this_task.cancelling()
        tasks = [*self._tasks, self._funding_fee_polling_task]
        self._funding_fee_polling_task = None
        self._account_refresh_task = None
        for task in tasks:
            if task is not None:
                task.cancel()
        self._tasks.clear()  # they end at their next step, perhaps before their first
        await super().stop_network()
        if not self._is_starting:
            await self._web_assistants_factory.close()
        if this_task.cancelling() > cancellations:
            raise asyncio.CancelledError

    def _get_poll_interval(self, timestamp: float) -> float:
        """In s. The base goes by how long the stream has been quiet; but one that speaks may have lost an event, and
        only a poll finds that out.

        :param timestamp: the present in s
        """
        if self._order_tracker.active_orders or self._order_tracker.lost_orders or self.account_positions:
            return self.SHORT_POLL_INTERVAL
        return super()._get_poll_interval(timestamp)

    async def _make_network_check_request(self):
        """Not connected as well while the venue refuses our API key (acceptance C29)."""
        self._look_for_renewed_keys()
        self._key_guard.check()
        symbol = next(iter(self._markets.symbol_map), None)  # one ticker is enough to see that the venue answers
        params = None if symbol is None else {"symbols": symbol}
        try:
            await self._api_get(path_url=self.check_network_request_path, params=params)
        except VestRefusedError as error:
            if error.code is None:
                raise
            # A refusal in the venue's own words is an answer: the symbol was delisted, say (acceptance C31).

    def _spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task:
        # The framework's `safe_ensure_future` leaves a coroutine unawaited when it is cancelled before it has begun.
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)
        return task

    def _goes_on(self, task: Optional[asyncio.Task]) -> bool:
        return task in self._tasks

    def _on_task_done(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.logger().error("Unhandled error in background task", exc_info=task.exception())

    # --- Requests

    async def _api_request(self, path_url: str, is_auth_required: bool = False, **kwargs) -> Any:
        """As the base; asks nothing private for a while after the venue refused the API key (acceptance C29). Cancels
        always go out, for they are few and protect money; one that the venue answers shows that the key is good again.
        """
        if is_auth_required and path_url != CONSTANTS.ORDERS_CANCEL_PATH:
            self._key_guard.check()
        renewals = self._vest_auth.renewals
        try:
            answer = await super()._api_request(path_url, is_auth_required=is_auth_required, **kwargs)
        except VestUnauthorizedError as error:
            if is_auth_required and renewals == self._vest_auth.renewals:  # else it may be the keys before
                self.on_api_key_refused(error)
            raise
        except VestOrderNotFoundError:
            if is_auth_required:
                self._key_guard.note_success()
            raise
        if is_auth_required:
            self._key_guard.note_success()
        return answer

    async def _update_time_synchronizer(self, pass_on_non_cancelled_error: bool = False):
        """As a rule nothing to do: the venue has no clock to ask, and every answer sets ours (design decision 8). Only
        when it refused the very time its answers are dated with, the account is read, which tells the engine's.
        """
        if not self._clock.doubts_date or self._is_asking_for_time:
            return
        self._is_asking_for_time = True
        try:
            await self._update_account()
        except VestError as error:
            self._complaints.say(f"Vest refuses this computer's time and could not be asked for its own. {error}")
        finally:
            self._is_asking_for_time = False

    def _is_request_exception_related_to_time_synchronizer(self, request_exception: Exception) -> bool:
        return isinstance(request_exception, VestClockError)

    def _is_order_not_found_during_status_update_error(self, status_update_exception: Exception) -> bool:
        return isinstance(status_update_exception, VestOrderNotFoundError)

    def _is_order_not_found_during_cancelation_error(self, cancelation_exception: Exception) -> bool:
        return isinstance(cancelation_exception, VestOrderNotFoundError)

    # --- Funding payments

    async def _funding_payment_polling_loop(self):
        """As the base, but not more often than once in `FUNDING_REFRESH_PAUSE_S`, because every fill asks for it."""
        await self._update_all_funding_payments(fire_event_on_new=False)
        while True:
            await self._funding_fee_poll_notifier.wait()
            self._funding_fee_poll_notifier.clear()
            await self._update_all_funding_payments(fire_event_on_new=True)
            await self._sleep(self.FUNDING_REFRESH_PAUSE_S)

    async def _update_all_funding_payments(self, fire_event_on_new: bool):
        """As the base, with one request for all pairs, and their payments published in turn."""
        try:
            await self._collect_funding_payments()
        except VestError as error:
            self._complaints.say(f"Funding payments could not be read and are read again later. {error}")
            return
        for trading_pair in list(self._trading_pairs):
            await self._update_funding_payment(trading_pair, fire_event_on_new)

    async def _collect_funding_payments(self) -> None:
        """Reads what the orders settled that were open at the last reading or came after it."""
        tracked = list(self.in_flight_orders.values())
        asked_ms = self._clock.now_ms()
        still_open_ms = self._order_tracker.oldest_start_ms(tracked) if tracked else asked_ms
        self._funding_payments.take_orders(
            orders=await self._orders.since(self._funding_payments.orders_since_ms),
            is_tracked=lambda venue: self._order_tracker.find(venue) is not None,
            next_ms=min(still_open_ms, asked_ms - self.NEW_ORDER_GRACE_MS),
            asked_ms=asked_ms,
            parts_of=lambda venue: heard_parts(self._order_tracker.find(venue)),
        )

    async def _update_funding_payment(self, trading_pair: str, fire_event_on_new: bool) -> bool:
        """As the base, which publishes only the newest payment of a pair: publishes every one, once (C34)."""
        if not fire_event_on_new:
            return True
        symbol = (await self.trading_pair_symbol_map()).inverse.get(trading_pair)
        while (payment := self._funding_payments.oldest(symbol)) is not None:
            rate = await self._funding_rate(symbol, trading_pair, payment)  # the network may stop here
            if not self._funding_payments.take(symbol, payment):
                continue
            action = "paid" if payment.amount < 0 else "received"
            self.logger().info(f"Funding payment of {abs(payment.amount)} {action} on {trading_pair} market.")
            self.trigger_event(MarketEvent.FundingPaymentCompleted, FundingPaymentCompletedEvent(
                timestamp=payment.time_ms,
                market=self.name,
                trading_pair=trading_pair,
                amount=payment.amount,
                funding_rate=rate,
            ))
        return True

    async def _fetch_last_fee_payment(self, trading_pair: str) -> Tuple[int, Decimal, Decimal]:
        """The newest payment that was not published yet: its time in ms, hourly rate and amount in USDC; (0, -1, -1)
        when there is none."""
        symbol = await self.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        payment = self._funding_payments.newest(symbol)
        if payment is None:
            return 0, Decimal(-1), Decimal(-1)
        return payment.time_ms, await self._funding_rate(symbol, trading_pair, payment), payment.amount

    async def _funding_rate(self, symbol: str, trading_pair: str, payment: FundingPayment) -> Decimal:
        """The hourly funding rate of a payment's hour, as a fraction; the present one when it cannot be read."""
        rate = await self._funding_rates.at(symbol, payment.time_ms)
        if rate is None:
            info = self._perpetual_trading.funding_info.get(trading_pair)
            rate = info.rate if info is not None else Decimal(0)
        return rate

    # --- Markets

    async def _trading_rules_polling_loop(self):
        """As the base, which writes a traceback twice a second while the venue is away (C33); it is cut short by news
        of a market that has changed (C31).
        """
        backoff = Backoff(CONSTANTS.WS_BACKOFF_MIN_S, CONSTANTS.WS_BACKOFF_MAX_S)
        while True:
            self._rules_news.clear()
            try:
                await self._update_trading_rules()
            except VestError as error:
                self._complaints.say(f"The markets of Vest could not be read and are read again later. {error}")
                await self._sleep(backoff.next_s())
            else:
                backoff.reset()
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._rules_news.wait(), self.TRADING_RULES_INTERVAL)

    def _refresh_rules_soon(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._rules_news_s >= self.RULES_REFRESH_PAUSE_S:
            self._rules_news_s = now_s
            self._rules_news.set()

    async def _initialize_trading_pair_symbol_map(self):
        """As the base, without a traceback each time somebody asks for the map while the venue is away (C33)."""
        try:
            self._initialize_trading_pair_symbols_from_exchange_info(await self._make_trading_pairs_request())
        except VestError as error:
            self._complaints.say(f"The markets of Vest could not be read and are read again later. {error}")
        except Exception:  # who asks for the map counts on an empty one, as the framework's own tests want it
            self.logger().exception("The markets of Vest could not be read, for a reason that nobody has foreseen.")

    async def _update_trading_rules(self):
        """As the base, but the pairs are mapped before the rules are made, so that a market listed while the bot runs
        has its rules at once, and the rules are swapped, so that no order ever finds them missing (acceptance C31).
        """
        self._initialize_trading_pair_symbols_from_exchange_info(await self._make_trading_rules_request())

    def _initialize_trading_pair_symbols_from_exchange_info(self, exchange_info: Dict[str, Any]):
        """As the base, and makes the rules of the same answer, which prices are rounded with even where nobody trades
        (acceptance A2)."""
        self._markets.update(exchange_info)
        self._set_trading_pair_symbol_map(self._markets.symbol_map)
        self._trading_rules = {rule.trading_pair: rule for rule in self._markets.trading_rules()}

    async def _format_trading_rules(self, exchange_info_dict: Dict[str, Any]) -> List[TradingRule]:
        self._initialize_trading_pair_symbols_from_exchange_info(exchange_info_dict)
        return self._markets.trading_rules()

    # --- Fees

    def _fee_schema(self, trading_pair: str) -> TradeFeeSchema:
        """The market's fees; where the venue says zero, the configured ones (protocol section 4)."""
        return self._markets.fee_schema(trading_pair) or self.trade_fee_schema()

    async def _update_trading_fees(self):
        """Nothing to do: the fees come with the markets (`Markets`)."""

    def _get_fee(self, base_currency: str, quote_currency: str, order_type: OrderType, order_side: TradeType,
                 position_action: PositionAction, amount: Decimal, price: Decimal = s_decimal_NaN,
                 is_maker: Optional[bool] = None) -> TradeFeeBase:
        """An estimate: no order is ever a maker order here, so it is the taker's fee."""
        schema = self._fee_schema(f"{base_currency}-{quote_currency}")
        return TradeFeeBase.new_perpetual_fee(
            fee_schema=schema,
            position_action=position_action,
            percent=schema.taker_percent_fee_decimal,
            percent_token=schema.percent_fee_token,
        )
