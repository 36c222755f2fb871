"""Order states, as guarded truth: what the venue said last wins only when it can be later than what is known."""
import asyncio
import math
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Set

from cachetools import FIFOCache

from hummingbot.connector.client_order_tracker import ClientOrderTracker
from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import describe_code
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_fills import next_fill
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_session_memory import SessionMemory
from hummingbot.core.data_type.common import TradeType
from hummingbot.core.data_type.in_flight_order import (
    InFlightOrder,
    OrderState,
    OrderUpdate,
    PerpetualDerivativeInFlightOrder,
    TradeUpdate,
)
from hummingbot.core.data_type.trade_fee import TradeFeeSchema

_TERMINAL_STATES = frozenset({OrderState.CANCELED, OrderState.FILLED, OrderState.FAILED})
# An order only ever moves up. PENDING_CANCEL stands above the open states: a status that was on its way when the cancel
# was accepted does not take the cancel back.
_RANK = {
    OrderState.PENDING_CREATE: 0,
    OrderState.OPEN: 1,
    OrderState.PARTIALLY_FILLED: 2,
    OrderState.PENDING_CANCEL: 3,
    **{state: 4 for state in _TERMINAL_STATES},
}


@dataclass
class _Suspect:
    """An order of which it is not known whether the venue has it.

    `deadline_ms`: venue time after which "not found" is believed; None: that begins when it is first looked for.
    """

    failure: str
    deadline_ms: Optional[int]
    misses: int = 0


class VestOrderTracker(ClientOrderTracker):
    """Tracks the connector's orders. Differs from the base in what follows.

    1. States have an order (`_RANK`); a late or repeated status changes nothing and a done order stays done (B3).
    2. Updates take effect when they are handed over, not in a task later, so that the events of an order come as
       Created, Filled, Completed (B23). Nothing waits for fills: they are booked before the state (B5), and an order
       whose fills are complete is published as FILLED whatever its last status was (B6).
    3. An order of unknown outcome stays PENDING_CREATE until the venue was asked (B1): `mark_outcome_unknown`.
    4. Only a definitive "not found" counts, and an order that was found starts from zero again (B2).
    5. Restored orders are perpetual orders again, whatever price they were saved with (B15).

    :param connector: the derivative
    :param memory: keeps what the client has not saved yet; None: nothing is kept
    :param lost_order_count_limit: more definitive "not found" answers than this make an order lost
    """

    # A fill may be heard of long after its order ended; the base forgets the order after 30 s (B5).
    CACHED_ORDER_TTL = 600.0
    # Answers "not found", after the deadline, that prove that the venue never had an order of unknown outcome.
    MISSES_THAT_PROVE_ABSENCE = 2

    def __init__(self, connector: Any, memory: Optional[SessionMemory] = None, lost_order_count_limit: int = 3) -> None:
        super().__init__(connector=connector, lost_order_count_limit=lost_order_count_limit)
        self._memory = memory
        self._suspects: Dict[str, _Suspect] = {}
        self._unknown_statuses: FIFOCache = FIFOCache(1000)  # client ids, as keys, of orders complained of
        self._start_times_ms: Dict[str, int] = {}

    @property
    def current_timestamp(self) -> float:
        """The connector's time in seconds; the local time before its clock runs, when the client already cancels."""
        timestamp = self._connector.current_timestamp
        return time.time() if math.isnan(timestamp) else timestamp

    # --- What is tracked

    @property
    def suspects(self) -> Set[str]:
        """Client ids of the orders of which it is not known whether the venue has them."""
        return set(self._suspects)

    def fetch_order(
            self, client_order_id: Optional[str] = None, exchange_order_id: Optional[str] = None
    ) -> Optional[InFlightOrder]:
        """As the base, without building a dictionary of all orders for every update."""
        for orders in (self._in_flight_orders, self._cached_orders):
            if client_order_id in orders:
                return orders[client_order_id]
        if exchange_order_id is None:
            return None
        candidates = [*self._in_flight_orders.values(), *self._cached_orders.values()]
        return next((order for order in candidates if order.exchange_order_id == exchange_order_id), None)

    def find(self, venue: wire.Order) -> Optional[InFlightOrder]:
        """Our order that the venue speaks of: open, done lately or lost; None when it is not ours.

        :param venue: an order of an event or of REST
        """
        order = (
            self.fetch_order(venue.client_order_id, venue.order_id)
            or self.fetch_lost_order(venue.client_order_id, venue.order_id)
        )
        return order if order is not None and self.is_told_of(order, venue) else None

    def is_told_of(self, order: InFlightOrder, venue: wire.Order) -> bool:
        """Whether the venue speaks of this very order, and not of one of another bot that drew the same nonce.

        :param order: one of our orders
        :param venue: an order with its nonce or its exchange id, which may leave out the rest
        """
        if order.exchange_order_id == venue.order_id:
            return True
        told = (self._connector.pair_of(venue.symbol), venue.is_buy, venue.size)
        ours = (order.trading_pair, order.trade_type is TradeType.BUY, order.amount)
        return all(one is None or one == own for one, own in zip(told, ours))

    def start_tracking_order(self, order: InFlightOrder):
        """As the base; also notes when the order is handed over, on the venue's clock, and remembers it until the
        client has saved it (C32).
        """
        self._start_times_ms[order.client_order_id] = self._connector.venue_time_ms
        super().start_tracking_order(order)
        if self._memory is not None and order.current_state is OrderState.PENDING_CREATE:
            self._memory.note_order(order)

    def stop_tracking_order(self, client_order_id: str):
        """As the base; also forgets what only open orders need."""
        super().stop_tracking_order(client_order_id)
        self._forget(client_order_id)
        self._suspects.pop(client_order_id, None)
        if client_order_id not in self._lost_orders:
            self._start_times_ms.pop(client_order_id, None)

    def _forget(self, client_order_id: str) -> None:
        if self._memory is not None:
            self._memory.forget_order(client_order_id)

    def oldest_start_ms(self, orders: List[InFlightOrder]) -> int:
        """Since when, on the venue's clock in ms, the venue may know these orders.

        :param orders: at least one tracked or lost order
        """
        return min(map(self._start_ms, orders))

    def _start_ms(self, order: InFlightOrder) -> int:
        if order.client_order_id in self._start_times_ms:
            return self._start_times_ms[order.client_order_id]
        # The clock of a restored order is the local one of an earlier session, so it is read generously.
        generous_s = 300
        return int((order.creation_timestamp - generous_s) * 1000)

    def restore_tracking_states(self, tracking_states: Dict[str, Any]):
        """As the base; restored orders have to be looked up before they can be believed to be open."""
        super().restore_tracking_states(tracking_states)
        for client_order_id in tracking_states:
            self._doubt_restored(client_order_id)

    def take_back(self, order: InFlightOrder) -> None:
        """Tracks an order of an earlier session that the client did not save; it has to be looked up as well.

        :param order: of which nothing is known but that it was about to be handed to the venue
        """
        self.start_tracking_order(order)
        self._doubt_restored(order.client_order_id)

    def _doubt_restored(self, client_order_id: str) -> None:
        self._start_times_ms.pop(client_order_id, None)
        order = self._in_flight_orders.get(client_order_id)
        if order is not None and order.exchange_order_id is None:
            self.mark_outcome_unknown(
                client_order_id, "The venue never got the order: the bot stopped before the venue answered", None
            )

    @staticmethod
    def _restore_order_from_json(serialized_order: Dict) -> InFlightOrder:
        """A perpetual order, because the base makes a plain one and fails on a price of None (B15)."""
        price = serialized_order.get("price")
        order = InFlightOrder.from_json({**serialized_order, "price": "NaN" if price in (None, "None") else price})
        order.__class__ = PerpetualDerivativeInFlightOrder  # the same fields; the class only words its message
        return order

    # --- Updates

    def process_order_update(self, order_update: OrderUpdate):
        """As the base, but at once (B23); what it returns can be awaited all the same."""
        self._apply(order_update)
        done = asyncio.get_event_loop().create_future()
        done.set_result(None)
        return done

    async def _process_order_update(self, order_update: OrderUpdate):
        self._apply(order_update)

    def _apply(self, update: OrderUpdate) -> None:
        order = self.fetch_order(update.client_order_id, update.exchange_order_id)
        if order is None:
            self._apply_to_lost(update)
            return
        if order.current_state in _TERMINAL_STATES:
            return
        new_state = update.new_state
        if _RANK[new_state] < _RANK[order.current_state]:
            new_state = order.current_state
        previous_state = order.current_state
        is_updated = order.update_with_order_update(update._replace(
            client_order_id=order.client_order_id, new_state=new_state
        ))
        if is_updated:
            self._trigger_order_creation(order, previous_state, new_state)
            if new_state is not OrderState.PENDING_CREATE:
                self._forget(order.client_order_id)
            self._trigger_order_completion(order, update)

    def _apply_to_lost(self, update: OrderUpdate) -> None:
        order = self.fetch_lost_order(update.client_order_id, update.exchange_order_id)
        if order is not None and update.new_state in _TERMINAL_STATES:
            del self._lost_orders[order.client_order_id]
            self._start_times_ms.pop(order.client_order_id, None)

    def process_trade_update(self, trade_update: TradeUpdate):
        """As the base; an order whose fills are complete becomes FILLED without waiting to be told (B6)."""
        order = self.fetch_order(trade_update.client_order_id) or self.fetch_lost_order(trade_update.client_order_id)
        if order is None:
            return
        # Not by the base's own method, which makes a dictionary of all orders for each fill.
        executed_before = order.executed_amount_base
        if order.update_with_trade_update(trade_update):
            self._trigger_order_fills(
                tracked_order=order,
                prev_executed_amount_base=executed_before,
                fill_amount=trade_update.fill_base_amount,
                fill_price=trade_update.fill_price,
                fill_fee=trade_update.fee,
                trade_id=trade_update.trade_id,
                exchange_order_id=trade_update.exchange_order_id,
            )
        if order.client_order_id in self._in_flight_orders and order.executed_amount_base >= order.amount > 0:
            self._apply(self._update(order, OrderState.FILLED, trade_update.fill_timestamp))

    def process_venue_order(
            self, venue: wire.Order, fee_schema: TradeFeeSchema, settles_lost_orders: bool = True,
            is_end_held: bool = False, is_event: bool = False,
    ) -> Optional[TradeUpdate]:
        """Books what the venue says of one of our orders, by event or by REST: creation, then the fill, then the state.

        An unknown status is said once of an order and changes nothing (C18). A fill of an order that is done or lost is
        booked too.

        :param venue: the order as the venue tells it
        :param fee_schema: estimates a fee that the venue does not say
        :param settles_lost_orders: whether a lost order may end here; the framework ends them in a poll of their own
        :param is_end_held: whether the state has to wait, because fills that come before it are still looked for
        :param is_event: whether the stream told it
        :return: the fill that was new, if any
        """
        order = self.find(venue)
        if order is None:
            return None
        client_order_id = order.client_order_id
        state = CONSTANTS.ORDER_STATE.get(venue.status)
        if state is None:
            self._complain_of_status(client_order_id, venue.status)
            return None
        self._suspects.pop(client_order_id, None)
        self._order_not_found_records.pop(client_order_id, None)
        timestamp = (venue.last_filled_time_ms or venue.post_time_ms or self.current_timestamp * 1000) / 1000
        if state is not OrderState.FAILED:
            self._apply(self._update(order, OrderState.OPEN, timestamp, venue.order_id))
        fill = next_fill(order, venue, fee_schema, is_event)
        if fill is not None:
            self.process_trade_update(fill)
        if not is_end_held and (settles_lost_orders or client_order_id not in self._lost_orders):
            self._apply(self._update(order, state, timestamp, venue.order_id, _failure(venue)))
        return fill

    def _update(
            self,
            order: InFlightOrder,
            state: OrderState,
            timestamp: float,
            exchange_order_id: Optional[str] = None,
            misc_updates: Optional[Dict[str, Any]] = None,
    ) -> OrderUpdate:
        return OrderUpdate(
            trading_pair=order.trading_pair,
            update_timestamp=timestamp,
            new_state=state,
            client_order_id=order.client_order_id,
            exchange_order_id=exchange_order_id,
            misc_updates=misc_updates,
        )

    def _complain_of_status(self, client_order_id: str, status: str) -> None:
        if client_order_id not in self._unknown_statuses:
            self._unknown_statuses[client_order_id] = True
            self.logger().error(
                f"The venue gives order {client_order_id} a status this connector does not know ({status[:40]}). Its "
                f"state stays as it is; please report this and look for a newer version of the connector."
            )

    # --- Orders the venue may not have

    def mark_outcome_unknown(self, client_order_id: str, failure: str, deadline_ms: Optional[int]) -> None:
        """Keeps an order PENDING_CREATE until the venue says whether it has it (B1).

        :param client_order_id: an order that was handed over
        :param failure: what the failure event says when the venue turns out not to have it
        :param deadline_ms: venue time in ms from which the venue is believed when it does not list the order; None for
            an order of an earlier session, which may have been on its way: as soon as it cannot arrive any more
        """
        order = self._in_flight_orders.get(client_order_id)
        if order is not None and order.exchange_order_id is None:
            self._suspects[client_order_id] = _Suspect(failure, deadline_ms)

    async def note_not_found(self, order: InFlightOrder, venue_time_ms: int) -> None:
        """Counts a definitive "not found": an answer of the venue, read in full, that lacks the order (B2).

        An order of unknown outcome becomes FAILED only when the venue can no longer accept it and was asked twice; one
        that the venue once knew is lost after the framework's count; one still being handed over is left alone.

        :param order: the order that was asked for
        :param venue_time_ms: the venue's time in ms when it was asked
        """
        suspect = self._suspects.get(order.client_order_id)
        if suspect is None:
            if order.exchange_order_id is not None:
                await self.process_order_not_found(order.client_order_id)
            return
        if suspect.deadline_ms is None:
            # It may have been on its way when the earlier session ended; the venue's time is known only now.
            suspect.deadline_ms = venue_time_ms + CONSTANTS.RECV_WINDOW_MS + CONSTANTS.UNKNOWN_OUTCOME_GRACE_MS
        if venue_time_ms <= suspect.deadline_ms:
            return
        suspect.misses += 1
        if suspect.misses >= self.MISSES_THAT_PROVE_ABSENCE:
            self._fail(order, suspect.failure)

    def note_nonce_taken(self, order: InFlightOrder) -> None:
        """The venue has an order of another bot with an order's nonce: it takes no second one (code 3015), so ours has
        failed.

        :param order: an order of unknown outcome
        """
        self._fail(order, "Vest has an order of another bot on this account with the same number, which kept it from "
                          "taking this one; later orders are numbered differently, so send it again")

    def _fail(self, order: InFlightOrder, message: str) -> None:
        self._apply(self._update(order, OrderState.FAILED, self.current_timestamp, misc_updates={
            "error_type": "VestNeverArrivedError",
            "error_message": message,
        }))


def _failure(venue: wire.Order) -> Optional[Dict[str, Any]]:
    if venue.status != CONSTANTS.ORDER_STATUS_REJECTED:
        return None
    message = describe_code(venue.code) if venue.code is not None else "The venue rejected the order without a reason."
    return {"error_type": "VestRefusedError", "error_message": message}
