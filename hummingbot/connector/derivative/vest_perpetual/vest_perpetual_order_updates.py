"""What the venue says of the connector's orders, by event, by poll or when it is asked, and how it is booked."""
import asyncio
from abc import ABC, abstractmethod
from typing import Any, Coroutine, Iterable, List, Optional, Set

from cachetools import FIFOCache

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_messages as messages,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestError,
    VestOrderNotFoundError,
    VestPayloadError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_fills import tells_all
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_funding import FundingPayments
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_market_hours import MarketHours
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_markets import Markets
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_missed_fills import MissedFills
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_ids import OrderIds
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_tracker import VestOrderTracker
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_orders_reader import OrdersReader
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_orphans import Orphans
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_throttler import Backoff
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_user_stream_data_source import STREAM_RECONNECTED
from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderUpdate, TradeUpdate
from hummingbot.core.data_type.trade_fee import TradeFeeSchema
from hummingbot.core.utils.async_utils import safe_gather

_POLL = "poll"  # the topic of complaints that a good poll ends


class VestOrderUpdates(PerpetualDerivativePyBase, ABC):
    """The part of the connector that keeps track of its orders.

    The hard thing about this venue: the answer to an order is only an id, there is no end point for fills, and whatever
    is missed on the stream can be read from `GET /orders` alone. So every word of the venue on an order, by event or by
    REST, goes through `_book`, which may be called in any order and any number of times.
    """

    # How long after a poll an event about the same may come, in s.
    EVENT_LAG_LIMIT_S = 5.0
    # Pauses between looking up an order of unknown outcome, in s.
    LOOKUP_PAUSE_MIN_S = 0.5
    LOOKUP_PAUSE_MAX_S = 5.0
    # An order that fell out of the list is looked up alone; at most so many in one poll.
    LOOKUPS_PER_POLL = 20
    # A new order may be missing from the list for a moment (protocol section 5), in ms.
    NEW_ORDER_GRACE_MS = 3000
    # Readings of a FILLED order from REST, which may lag the event, and the pause between them in s.
    READS_OF_FILLED_ORDER = 4
    READ_PAUSE_S = 0.5
    # After a restart the fills of restored orders wait so long for the order books, and the pause between looks, in s.
    BOOKS_WAIT_S = 10.0
    BOOKS_PAUSE_S = 0.1

    _clock: ServerClock
    _complaints: Complaints
    _funding_payments: FundingPayments
    _market_hours: MarketHours
    _markets: Markets
    _order_ids: OrderIds
    _order_tracker: VestOrderTracker
    _orders: OrdersReader
    _orphans: Orphans
    _looked_up: Set[str]
    _missing_s: FIFOCache
    _missed_fills: MissedFills
    _held_ends: Optional[asyncio.Task]
    _unsettled: Optional[asyncio.Task]
    _statuses_heard: FIFOCache
    _stream_connections: int
    _reconciliation: Optional[asyncio.Task]
    _orphan_search: Optional[asyncio.Task]
    _books_deadline_s: Optional[float]

    @abstractmethod
    def _spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task:
        """Runs a task that ends with the network."""

    @abstractmethod
    def _goes_on(self, task: Optional[asyncio.Task]) -> bool:
        """Whether a task of `_spawn` goes on."""

    @abstractmethod
    def _refresh_account_soon(self) -> None:
        """Has balances and positions read."""

    @abstractmethod
    def _refresh_rules_soon(self) -> None:
        """Has the markets read, because one of them has changed."""

    @abstractmethod
    async def _update_account(self) -> None:
        """Reads balances and positions."""

    @abstractmethod
    async def _try_to_update_account(self) -> None:
        """As `_update_account`, but says what went wrong."""

    @abstractmethod
    def _fee_schema(self, trading_pair: str) -> TradeFeeSchema:
        """A pair's fees."""

    def pair_of(self, symbol: Optional[str]) -> Optional[str]:
        """The trading pair of a symbol of the venue, None when it is not known (yet).

        :param symbol: such as BTC-PERP
        """
        return self._markets.symbol_map.get(symbol)

    # --- Asking for orders

    def _note_refusal(self, code: Optional[int]) -> None:
        if code in CONSTANTS.MARKET_CHANGED_CODES:
            self._refresh_rules_soon()

    def _look_up_later(self, order: InFlightOrder, error: VestError, failure: str, window_ms: int) -> None:
        self.logger().info(f"It is not known whether Vest has order {order.client_order_id}; it is looked up. {error}")
        self._order_tracker.mark_outcome_unknown(order.client_order_id, failure, self._clock.now_ms() + window_ms)
        self._poll_notifier.set()
        self._spawn(self._look_up_until_known(order))

    async def _look_up_until_known(self, order: InFlightOrder) -> None:
        """Asks for an order that the venue may not have, until it lists it or is believed not to have it."""
        if order.client_order_id in self._looked_up:
            return
        self._looked_up.add(order.client_order_id)
        backoff = Backoff(self.LOOKUP_PAUSE_MIN_S, self.LOOKUP_PAUSE_MAX_S)
        is_listed = False
        try:
            while order.is_open and not is_listed:
                await self._sleep(backoff.next_s())
                try:
                    is_listed = await self._look_up(order, settles_lost_orders=False)
                except VestError as error:
                    self._complaints.say(f"An order of unknown outcome is looked up again later. {error}")
        finally:
            self._looked_up.discard(order.client_order_id)

    async def _look_up(self, order: InFlightOrder, settles_lost_orders: bool) -> bool:
        """Asks for one order alone, when it is not in the list or may not be at the venue at all.

        :return: whether the venue lists it
        """
        asked_ms = self._clock.now_ms()
        row = await self._orders.by_client_order_id(order.client_order_id)
        if row is not None and self._order_tracker.is_told_of(order, row):
            self._book(row, settles_lost_orders)
            return True
        if row is not None and order.client_order_id in self._order_tracker.suspects:
            self._on_nonce_taken(order)
        elif settles_lost_orders or order.client_order_id in self._order_tracker.active_orders:
            await self._count_as_missing(order, asked_ms)
        return False

    async def _count_as_missing(self, order: InFlightOrder, asked_ms: int) -> None:
        """The venue's list may lag, so the answers of one moment count once (B2), and none about an order just sent."""
        now_s = self._clock.monotonic_s()
        counted_s = self._missing_s.get(order.client_order_id, float("-inf"))
        if self._is_overdue(order, asked_ms) and now_s - counted_s >= self.LOOKUP_PAUSE_MIN_S:
            self._missing_s[order.client_order_id] = now_s
            await self._order_tracker.note_not_found(order, asked_ms)

    def _on_nonce_taken(self, order: InFlightOrder) -> None:
        self._complaints.say(
            f"Another bot on this account sent an order with the number of ours, {order.client_order_id}; its data "
            f"folder may be a copy of this one's. A new mark was drawn for later orders."
        )
        self._order_tracker.note_nonce_taken(order)
        self._order_ids.redraw_tag()

    # --- What the venue says of orders

    async def _user_stream_event_listener(self):
        """Handles the events of the account. One that cannot be handled is said, stops nothing, and has the orders
        read from REST, since it may have been about one of them (B17).
        """
        async for event in self._iter_user_event_queue():
            try:
                if event == STREAM_RECONNECTED:
                    self._on_stream_connected()
                else:
                    self._process_user_event(event)
            except asyncio.CancelledError:
                raise
            except Exception:
                self.logger().exception("Unexpected error in user stream listener loop.")
                self._poll_notifier.set()

    def _process_user_event(self, payload: Any) -> None:
        message = messages.socket_message_from(payload)
        if not isinstance(message, messages.ChannelMessage):
            return
        try:
            event = messages.PrivateEvent.from_payload(message.data)
        except VestPayloadError as error:
            self._complaints.say(f"Vest sent an event that cannot be understood; orders are read instead. {error}")
            self._poll_notifier.set()
            return
        if event.order is None:
            self._refresh_account_soon()
            return
        self._complaints.say_unread("An order", event.order.unread)
        order = self._order_tracker.find(event.order)
        self._statuses_heard[event.order.order_id] = event.order.status
        if order is None:
            self._on_foreign_order(event.order)
        elif event.order.unread:
            self._poll_notifier.set()  # REST may tell what could not be read here
        elif not order.is_done and not tells_all(order, event.order):
            self._spawn(self._read_then_book(event.order))
        else:
            self._book(event.order, is_event=True)

    def _on_foreign_order(self, venue: wire.Order) -> None:
        """Another bot, a person or the venue itself (a liquidation) trades on the account."""
        self._orphans.note_another_bot(venue)
        self._refresh_account_soon()
        self._missed_fills.note_foreign_order(venue)
        if venue.status == CONSTANTS.ORDER_STATUS_FILLED:
            self._funding_payments.expect(venue, self._clock.now_ms())
            if venue.order_type == CONSTANTS.ORDER_TYPE_LIQUIDATION:
                pair = self.pair_of(venue.symbol) or venue.symbol
                self._complaints.say(f"Vest has liquidated {venue.size} of the position in {pair}, at "
                                     f"{venue.avg_filled_price}; add collateral before trading on.")

    def _book(self, venue: wire.Order, settles_lost_orders: bool = True, is_event: bool = False) -> None:
        """The one place where the venue's word on an order is booked, by event or by REST, in any order. The end of one
        that may have been filled unheard waits until that is known (C16).
        """
        order = self._order_tracker.find(venue)
        if order is None:
            return
        self._missed_fills.note_status(order, venue)
        is_end_held = self._missed_fills.holds(order, venue, is_event)
        self._take(order, venue, settles_lost_orders, is_end_held, is_event)
        if is_end_held and not self._goes_on(self._held_ends):
            self._held_ends = self._spawn(self._settle_held_ends())

    def _take(self, order: InFlightOrder, venue: wire.Order, settles_lost_orders: bool = True,
              is_end_held: bool = False, is_event: bool = False) -> None:
        was_open, state_before = order.is_open, order.current_state
        fill = self._order_tracker.process_venue_order(
            venue, self._fee_schema(order.trading_pair), settles_lost_orders, is_end_held, is_event
        )
        if fill is not None:
            self._missed_fills.note_fill(order, fill)
            self._funding_fee_poll_notifier.set()
        is_news = fill is not None or order.current_state is not state_before
        if is_news:
            self._refresh_account_soon()  # an open order locks margin
            self._note_refusal(venue.code)
            if venue.status in CONSTANTS.SETTLING_STATUSES and order.executed_amount_base:
                self._funding_payments.expect(venue, self._clock.now_ms())
        if is_news or venue.code is None:  # that an order was taken may be known from the answer, which tells no time
            self._market_hours.note_order(order.trading_pair, venue)
        if was_open and (is_end_held or order.is_cancelled):
            self._missed_fills.note_cancelled(order)

    # --- Fills that were missed

    async def _settle_held_ends(self) -> None:
        while self._missed_fills.is_holding:
            await self._try_to_update_account()
            self._tell_held_ends()
            await self._sleep(self.ACCOUNT_REFRESH_PAUSE_S)

    def _tell_held_ends(self, at_once: bool = False) -> None:
        for venue in self._missed_fills.take_due(at_once):
            order = self._order_tracker.find(venue)
            if order is not None:
                self._take(order, venue)

    def _compare_positions(self, positions: Iterable[wire.Position]) -> None:
        """Finds out what was filled unheard (C16).

        :param positions: all positions of the account
        """
        self._missed_fills.note_positions(positions)
        if not self._is_stream_live():
            return  # what happened while there was no stream is still being read
        self._missed_fills.compare(positions)
        if self._missed_fills.are_unsettled and not self._goes_on(self._unsettled):
            self._unsettled = self._spawn(self._settle_missed_fills())

    async def _settle_missed_fills(self) -> None:
        if await self._missed_fills.settle():
            self._funding_fee_poll_notifier.set()
        self._tell_held_ends()

    async def _read_then_book(self, event: wire.Order) -> None:
        """Books a FILLED order from REST, because the event does not tell all (`tells_all`); REST may lag it."""
        for _ in range(self.READS_OF_FILLED_ORDER):
            try:
                row = await self._orders.by_client_order_id(event.client_order_id)
            except VestError:
                row = None
            if row is not None and row.status == CONSTANTS.ORDER_STATUS_FILLED:
                self._book(row)
                return
            await self._sleep(self.READ_PAUSE_S)
        self._book(event, is_event=True)

    async def _update_order_status(self):
        """As the base, with one request for all orders instead of two for each (design decision 4). Lost orders get
        their fills here; only `_update_lost_orders_status` ends them.
        """
        orders = [*self._order_tracker.active_orders.values(), *self._order_tracker.lost_orders.values()]
        await self._poll_orders(orders, settles_lost_orders=False)

    async def _update_lost_orders_status(self):
        """As the base, with one request for all lost orders."""
        try:
            await self._poll_orders(list(self._order_tracker.lost_orders.values()), settles_lost_orders=True)
        except VestError as error:
            self._complaints.say(f"Lost orders could not be looked for and are looked for again. {error}")

    async def _poll_orders(self, orders: List[InFlightOrder], settles_lost_orders: bool) -> None:
        if not orders:
            return
        open_before = {
            order.client_order_id for order in orders
            if order.is_open and not self._missed_fills.is_held(order.client_order_id)
        }
        asked_ms = self._clock.now_ms()
        order_ids = {order.client_order_id: order.exchange_order_id for order in orders}
        listed = await self._orders.these(order_ids, self._order_tracker.oldest_start_ms(orders))
        rows = [row for row in listed if self._order_tracker.find(row) is not None]
        for row in rows:
            self._book(row, settles_lost_orders)
        seen = {row.client_order_id for row in rows}
        missing = [order for order in orders if order.client_order_id not in seen and self._is_overdue(order, asked_ms)]
        for order in missing[:self.LOOKUPS_PER_POLL]:
            try:
                await self._look_up(order, settles_lost_orders)
            except VestPayloadError as error:  # it hides no other
                self._complaints.say(f"An order that is not in the list is looked up again later. {error}")
        self._expect_events([row for row in rows if row.client_order_id in open_before])

    def _expect_events(self, rows: List[wire.Order]) -> None:
        """A socket that answers PINGs but has lost its events looks like a quiet account (C22). An order that ended
        without an event, as a poll has seen, gives it away; not one that was open in the poll's answer and ended by an
        event before the answer was here.
        """
        ended = [
            row for row in rows
            if row.status not in CONSTANTS.OPEN_ORDER_STATUSES
            and (row.client_order_id not in self.in_flight_orders or self._missed_fills.is_held(row.client_order_id))
            and self._statuses_heard.get(row.order_id) != row.status
        ]
        if ended and self._is_stream_live():
            self._spawn(self._reconnect_unless_heard(ended, self._stream_connections))

    async def _reconnect_unless_heard(self, ended: List[wire.Order], stream_connections: int) -> None:
        await self._sleep(self.EVENT_LAG_LIMIT_S)
        is_unheard = any(self._statuses_heard.get(row.order_id) != row.status for row in ended)
        if is_unheard and stream_connections == self._stream_connections:
            self._user_stream_tracker.data_source.request_reconnect("an order ended without an event")

    def _is_stream_live(self) -> bool:
        return self._stream_connections > 0 and not self._is_reconciling

    def _is_overdue(self, order: InFlightOrder, asked_ms: int) -> bool:
        """Whether the venue should have had the order in its list."""
        if order.exchange_order_id is None:
            return order.client_order_id in self._order_tracker.suspects
        return asked_ms - self._order_tracker.oldest_start_ms([order]) >= self.NEW_ORDER_GRACE_MS

    async def _all_trade_updates_for_order(self, order: InFlightOrder) -> List[TradeUpdate]:
        """None of their own: the venue has no fills end point, `_book` makes the fills of the order's state."""
        return []

    async def _request_order_status(self, tracked_order: InFlightOrder) -> OrderUpdate:
        """The state of one order; orders are polled together by `_update_order_status`.

        :raises VestOrderNotFoundError: when the venue does not have it
        """
        venue = await self._orders.by_client_order_id(tracked_order.client_order_id)
        if venue is None or not self._order_tracker.is_told_of(tracked_order, venue):
            raise VestOrderNotFoundError(None, "the venue does not list the order", None)
        self._book(venue)
        return OrderUpdate(
            client_order_id=tracked_order.client_order_id,
            exchange_order_id=venue.order_id,
            trading_pair=tracked_order.trading_pair,
            update_timestamp=self._clock.now_ms() / 1000,
            new_state=CONSTANTS.ORDER_STATE.get(venue.status, tracked_order.current_state),
        )

    # --- Reconciling

    async def _status_polling_loop_fetch_updates(self):
        """As the base, with one account request instead of two. A venue that cannot be asked is said once and asked
        again at the next poll, where the base would write a traceback twice a second.
        """
        results = await safe_gather(self._update_orders_by_books(), self._update_account(), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, VestError):
                raise failure
            self._complaints.say(f"The account could not be read and is read again later. {failure}", _POLL)
        if not failures:
            self._complaints.forget(_POLL)

    async def _update_orders_by_books(self) -> None:
        """Reads the orders, after a restart not before the order books are there: Hummingbot converts the fees of the
        fills it saves by them, and writes tracebacks when it cannot. They are waited for once in a session at most.
        """
        if self._books_deadline_s is None:
            self._books_deadline_s = self._clock.monotonic_s() + self.BOOKS_WAIT_S
        while (
            self._order_tracker.all_updatable_orders and self._trading_pairs and not self.order_book_tracker.ready
            and self._clock.monotonic_s() < self._books_deadline_s
        ):
            await self._sleep(self.BOOKS_PAUSE_S)
        await self._update_order_status()

    def _on_stream_connected(self) -> None:
        """Events go on being handled meanwhile: to read orders takes as long as the venue takes to answer."""
        self._stream_connections += 1
        self._missed_fills.note_connected()
        if not self._is_reconciling:
            self._reconciliation = self._spawn(self._reconcile())

    @property
    def _is_reconciling(self) -> bool:
        """Whether what is found now was missed while there was no stream."""
        return self._goes_on(self._reconciliation)

    async def _reconcile(self) -> None:
        """After every connection of the stream: whatever happened unheard is read, and orphans are cancelled."""
        connections_read = 0
        while connections_read != self._stream_connections:
            connections_read = self._stream_connections
            await self._status_polling_loop_fetch_updates()
        self._refresh_account_soon()  # positions can be compared with what was read only now
        if self._goes_on(self._orphan_search):
            self._orphan_search.cancel()
        self._orphan_search = self._spawn(self._cancel_orphans())

    async def _cancel_orphans(self) -> None:
        """Until none is open: nobody else looks after them."""
        pauses = Backoff(self.LOOKUP_PAUSE_MIN_S, self.LOOKUP_PAUSE_MAX_S)
        while True:
            try:
                return await self._orphans.cancel_open()
            except VestError as error:
                self._complaints.say(f"Orders left over by an earlier session could not all be looked for and "
                                     f"cancelled; that is tried again. {error}")
            await self._sleep(pauses.next_s())
