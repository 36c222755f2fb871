"""Parts of an order that were missed before it was cancelled: inferred from the position, or said (acceptance C16).

The venue has no fills endpoint, and a cancelled order says nothing of its parts. When the stream was away, or lost
events, a part may have gone unheard; then only the account's position differs from the fills that were counted. If one
cancelled order alone can have made the difference, its fill is booked, so that strategy and database agree with the
venue in base. Price and fee are as good as the venue lets them be: see `missed_fill` and `MissedFill.price`. If more
than one can have made it, or somebody else trades, nothing is guessed and one ERROR names the orders.

A fill has to come before the end of its order. So the end is held back, but only when there is a sign that a part may
have been missed, and only for as long as the account may lag; a cancel in normal life is told at once. What shows later
than that is booked after the end.
"""
import logging
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import accumulate
from typing import Any, Callable, Dict, Iterable, List, Optional

from cachetools import FIFOCache

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_fills import missed_fill
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_markets import Markets
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_tracker import VestOrderTracker
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_orders_reader import OrdersReader
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_position_watch import (
    Basis,
    Candidate,
    Holding,
    MissedFill,
    PositionWatch,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_session_memory import SessionMemory
from hummingbot.core.data_type.common import TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder, TradeUpdate
from hummingbot.core.data_type.trade_fee import TradeFeeSchema

_ZERO = Decimal(0)
_REMEMBERED = 1000
_REST = None  # stands for what an order of somebody else filled beside the parts that were heard of
# Orders of others that explain a position were posted at most so long before they filled, in ms.
_FOREIGN_ORDERS_WINDOW_MS = 600_000


@dataclass(frozen=True, slots=True)
class _HeldEnd:
    """The end of an order that is not told yet.

    `may_be_unseen`: the account may still lag what was missed; otherwise only the difference it shows is a sign.
    """

    venue: wire.Order
    symbol: str
    is_buy: bool
    since_s: float
    may_be_unseen: bool


class MissedFills:
    """Holds back the ends of orders that may have missed parts, and books or says what the position gives away.

    :param tracker: of our orders
    :param orders: reads the venue's list of orders
    :param markets: symbols and price steps
    :param clock: the venue's time
    :param fee_schema: a pair's fees
    :param memory: where the positions are kept for the next session, so that it notices what fills in between
    :param lag_s: how long the account may lag a fill, in s
    :param logger: the connector's
    """

    # An end is held back for at most so many times the account's lag.
    LONGEST_HOLD_LAGS = 3
    # The session's notes of unchanged positions are written anew after so many s.
    MEMORY_REFRESH_S = 60.0

    def __init__(self, tracker: VestOrderTracker, orders: OrdersReader, markets: Markets, clock: ServerClock,
                 fee_schema: Callable[[str], TradeFeeSchema], memory: SessionMemory, lag_s: float,
                 logger: logging.Logger):
        self._tracker = tracker
        self._orders = orders
        self._markets = markets
        self._clock = clock
        self._fee_schema = fee_schema
        self._memory = memory
        self._lag_s = lag_s
        self._logger = logger
        self._watch = PositionWatch(lag_s, clock.monotonic_s)
        self._held: Dict[str, _HeldEnd] = {}
        self._unsettled: List[MissedFill] = []  # neither booked nor said yet
        # The venue's time less the monotonic one, in ms, at its lowest: what it told before its clock, or our estimate
        # of it, jumped ahead is dated by that.
        self._offset_ms = float("inf")
        self._noted_ms: Dict[float, int] = {}  # what an earlier session noted in the venue's time, by our own
        self._named: FIFOCache = FIFOCache(_REMEMBERED)  # client ids of orders that an ERROR has named
        self._partly_filled: FIFOCache = FIFOCache(_REMEMBERED)  # client ids of orders that the venue said are so
        self._foreign_parts: FIFOCache = FIFOCache(_REMEMBERED)  # by order id: what was counted, by fill
        self._connected_s = float("-inf")
        self._connected_ms = 0
        self._has_recalled = False
        self._remembered: Dict[str, Any] = {}
        self._remembered_s = float("-inf")

    # --- What is heard

    def note_connected(self) -> None:
        """The stream was connected: until now parts may have filled unheard."""
        self._connected_s, self._connected_ms = self._clock.monotonic_s(), self._clock.now_ms()

    def note_fill(self, order: InFlightOrder, fill: TradeUpdate) -> None:
        """A fill of one of our orders was booked because the venue told of it."""
        self._watch.note_fill(self._symbol(order), _signed(_is_buy(order), fill.fill_base_amount))
        self._remember()

    def note_foreign_order(self, venue: wire.Order) -> None:
        """Somebody else, or the venue, traded on the account. A part that is heard twice counts once; when the order is
        FILLED all of it counts, whatever was heard before and however alike its parts were.

        :param venue: an event of an order that is not ours
        """
        parts = self._foreign_parts.setdefault(venue.order_id, {})
        if venue.symbol is None or venue.is_buy is None or _REST in parts:
            return
        if venue.status == CONSTANTS.ORDER_STATUS_FILLED and venue.size is not None:
            part, amount = _REST, _signed(venue.is_buy, venue.size) - sum(parts.values())
        else:
            part = venue.last_filled_time_ms, venue.last_filled_size, venue.avg_filled_price
            amount = _signed(venue.is_buy, venue.last_filled_size or _ZERO)
        if part not in parts:
            parts[part] = amount
            if amount:
                self._watch.note_fill(venue.symbol, amount)
                self._remember()

    def note_cancelled(self, order: InFlightOrder) -> None:
        """One of our orders was cancelled, whether its end is told or held back. When it is told, and the venue said
        that the order was partly filled but never by how much, that is an ERROR.
        """
        self._watch.note_cancelled(self._symbol(order), _candidate(order))
        if order.is_cancelled and self._is_untold(order) and order.client_order_id not in self._named:
            self._named[order.client_order_id] = True
            self._logger.error(
                f"Order {order.client_order_id} was filled in part before it was cancelled, but Vest did not tell by "
                f"how much, and the position does not show it. The position is right; unless the fill is found later, "
                f"it and its fee are missing in Hummingbot's history."
            )

    def note_status(self, order: InFlightOrder, venue: wire.Order) -> None:
        """The venue told something of one of our open orders.

        :param order: the order
        :param venue: what was told
        """
        if venue.status == CONSTANTS.ORDER_STATUS_PARTIALLY_FILLED and order.is_open:
            self._partly_filled[order.client_order_id] = True

    def _is_untold(self, order: InFlightOrder) -> bool:
        return order.client_order_id in self._partly_filled and order.executed_amount_base == _ZERO

    # --- From session to session

    def recall(self) -> None:
        """Goes on from what an earlier session has seen, before anything is asked of the venue."""
        self._has_recalled = True
        known = self._memory.positions
        if not known:
            return
        offset_s = self._clock.now_ms() / 1000 - self._clock.monotonic_s()
        basis: Dict[str, Optional[Basis]] = dict.fromkeys(known["markets"])
        for symbol, values in known["markets"].items():
            if values is not None:
                size, explained, entry_price = map(Decimal, values[:3])
                explained_s = values[3] / 1000 - offset_s
                self._noted_ms[explained_s] = values[3]
                basis[symbol] = Basis(size, Holding(explained, entry_price), explained_s)
        self._watch.go_on_from(basis, known["looked_ms"] / 1000 - offset_s)

    def _remember(self) -> None:
        """Keeps what explains the positions, at every fill as well: the client's database has it by then. When nothing
        but the time of the look is new, that is kept now and then.
        """
        if not self._has_recalled or self._watch.looked_s is None:
            return
        basis = self._watch.basis()
        news = {symbol: known and (known.size, known.explained) for symbol, known in basis.items()}
        is_recent = self._watch.looked_s - self._remembered_s < self.MEMORY_REFRESH_S
        if news == self._remembered and is_recent:
            return
        self._remembered, self._remembered_s = news, self._watch.looked_s
        offset_ms = self._clock.now_ms() - self._clock.monotonic_s() * 1000
        self._memory.note_positions({
            "looked_ms": int(self._watch.looked_s * 1000 + offset_ms),
            "markets": {
                symbol: known and (
                    str(known.size), str(known.explained.size), str(known.explained.entry_price),
                    int(known.explained_s * 1000 + offset_ms),
                )
                for symbol, known in basis.items()
            },
        })

    # --- What the account lags

    def note_positions(self, positions: Iterable[wire.Position]) -> None:
        """The account was read.

        :param positions: all positions of the account, as the venue tells them now
        """
        self._watch.note_shown(_holdings(positions))

    @property
    def is_account_behind(self) -> bool:
        """Whether the account does not explain the fills that were counted lately; then it is worth another reading."""
        return self._watch.is_account_behind

    def unshown(self, trading_pair: str) -> Decimal:
        """Signed sum in base of the fills counted lately that the account does not show yet.

        :param trading_pair: such as BTC-USDC
        """
        return self._watch.unshown(self._markets.symbol_map.inverse.get(trading_pair))

    # --- Ends that are held back

    @property
    def is_holding(self) -> bool:
        """Whether the end of any order is held back; then the account has to be read until it is not."""
        return bool(self._held)

    def is_held(self, client_order_id: str) -> bool:
        """Whether the end of an order is held back.

        :param client_order_id: its client id
        """
        return client_order_id in self._held

    def holds(self, order: InFlightOrder, venue: wire.Order, is_event: bool) -> bool:
        """Whether an order's end has to wait, because parts of it may have gone unheard.

        The signs: the account shows a difference of the order's side; the order was said to be partly filled, but no
        part was told; the end was learned from a poll, where the stream should have told it; or the stream was
        connected anew during the order's life and the account has not been seen in order since. Without an earlier look
        at the account there is nothing to compare with and no use in waiting.

        :param order: one of our orders
        :param venue: what the venue says of it
        :param is_event: whether the stream told it
        """
        if venue.status != CONSTANTS.ORDER_STATUS_CANCELLED or not order.is_open:
            return False
        symbol = self._symbol(order)
        if symbol is None or self._watch.gap(symbol) is None:
            return False
        may_be_unseen = not is_event or self._is_untold(order) or self._was_interrupted(order, symbol)
        if may_be_unseen or self._is_missing(symbol, _is_buy(order)):
            self._held.setdefault(order.client_order_id, _HeldEnd(
                venue, symbol, _is_buy(order), self._clock.monotonic_s(), may_be_unseen
            ))
            return True
        self._held.pop(order.client_order_id, None)
        return False

    def _was_interrupted(self, order: InFlightOrder, symbol: str) -> bool:
        is_seen_since = self._watch.explained_s(symbol) > self._connected_s + self._lag_s
        return not is_seen_since and self._tracker.oldest_start_ms([order]) < self._connected_ms

    def _is_missing(self, symbol: str, is_buy: bool) -> bool:
        gap = self._watch.gap(symbol)
        return bool(gap) and (gap > _ZERO) == is_buy

    def take_due(self, at_once: bool = False) -> List[wire.Order]:
        """The ends that need not wait any longer, as the venue told them.

        :param at_once: takes all of them, because soon nobody listens any more; those that waited for a difference to
            settle are named in a WARNING
        """
        settling = {client_order_id for fill in self._unsettled for client_order_id in fill.client_order_ids}
        due = {
            client_order_id: held for client_order_id, held in self._held.items()
            if at_once or (client_order_id not in settling and self._is_due(held))
        }
        for client_order_id, held in due.items():
            del self._held[client_order_id]
            if at_once and self._is_missing(held.symbol, held.is_buy):
                self._logger.warning(
                    f"Order {client_order_id} ends while the position in {held.symbol} differs by "
                    f"{self._watch.gap(held.symbol)} from the fills that Vest told of; some may be missing in "
                    f"Hummingbot's history."
                )
        return [held.venue for held in due.values()]

    def _is_due(self, held: _HeldEnd) -> bool:
        """Once the account cannot lag any more and nothing is missing. A difference, which may appear as late as that,
        is given time to settle; but whatever happens, the end is told at last.
        """
        if self._clock.monotonic_s() - held.since_s > self.LONGEST_HOLD_LAGS * self._lag_s:
            return True
        if self._is_missing(held.symbol, held.is_buy):
            return False
        return not held.may_be_unseen or self._watch.explained_s(held.symbol) > held.since_s + self._lag_s

    # --- What the position gives away

    @property
    def are_unsettled(self) -> bool:
        """Whether there are missed fills, for `settle` to book or say, a second time if a stop broke it off."""
        return bool(self._unsettled)

    def compare(self, positions: Iterable[wire.Position]) -> None:
        """Finds what must have been filled unheard.

        :param positions: all positions of the account, as the venue tells them now
        """
        open_orders: Dict[str, List[Candidate]] = {}
        for order in (*self._tracker.active_orders.values(), *self._tracker.lost_orders.values()):
            if order.client_order_id not in self._held:
                open_orders.setdefault(self._symbol(order), []).append(_candidate(order))
        self._offset_ms = min(self._offset_ms, self._clock.now_ms() - self._clock.monotonic_s() * 1000)
        self._unsettled += self._watch.compare(_holdings(positions), open_orders)
        if not self._unsettled:
            self._remember()  # not before: after a crash meanwhile the next session has to notice them again

    async def settle(self) -> bool:
        """Books each missed fill, or says why it cannot be.

        :return: whether a fill was booked
        """
        is_any_booked = False
        while self._unsettled:
            try:
                is_booked = await self._settle(self._unsettled[0])
            except Exception:
                del self._unsettled[0]  # it would go wrong again, and others wait behind it
                raise
            del self._unsettled[0]
            is_any_booked |= is_booked
        self._remember()
        return is_any_booked

    async def _settle(self, missed: MissedFill) -> bool:
        """Settles the first of `_unsettled`; a stop may break it off at any `await`, and it begins anew then."""
        explained_ms = self._noted_ms.get(missed.since_s, self._offset_ms + missed.since_s * 1000)
        since_ms = int(explained_ms - self._lag_s * 1000)
        row, told = None, _ZERO
        try:
            rows = await self._orders.since(since_ms - _FOREIGN_ORDERS_WINDOW_MS)
            parts_told = self._book_told(rows, missed)
            told = sum(parts_told, _ZERO)
            if missed.is_undone and parts_told and not told:
                return True
            if told:
                self._watch.note_booked(missed.symbol)
            missed = self._unsettled[0] = replace(missed, amount=missed.amount - told)
            foreign = self._unheard_of_others(rows, missed.symbol, since_ms)
            if missed.amount in (_ZERO, *accumulate(foreign)) or (missed.is_undone and foreign):
                return bool(told)  # the rest is somebody else's, heard of by REST alone
            is_clear = not foreign and len(missed.client_order_ids) == 1 and not self._may_be_of_others(rows, missed)
            if is_clear:
                row = await self._orders.by_client_order_id(missed.client_order_ids[0])
        except VestError:
            is_clear = False  # then it cannot be told whose fill it was, and that is what is said
        fill = self._inferred(missed, row) if is_clear else None
        if fill is None:
            self._say(missed)
            return bool(told)
        self._tracker.process_trade_update(fill)
        self._watch.note_booked(missed.symbol)
        self._logger.warning(
            f"Order {fill.client_order_id} was filled by {fill.fill_base_amount} more before it was cancelled, as the "
            f"position in {missed.symbol} shows; Vest did not tell of it. The fill is booked at {fill.fill_price}; its "
            f"price and fee may be estimates."
        )
        return True

    def _book_told(self, rows: List[wire.Order], missed: MissedFill) -> List[Decimal]:
        """Books the last parts that the venue's list tells of the orders in question; it need not [?]. A row is worth
        reading only because of the difference: mostly it says nothing, and every cancel would cost a request.

        :return: the signed amounts of what was booked, in base
        """
        told = []
        for row in rows if missed.is_last_word else ():
            order = self._tracker.find(row)
            if order is not None and order.client_order_id in missed.client_order_ids:
                # The end is held back as before, or was told.
                fill = self._tracker.process_venue_order(row, self._fee_schema(order.trading_pair), is_end_held=True)
                if fill is not None:
                    told.append(_signed(_is_buy(order), fill.fill_base_amount))
        return told

    def _unheard_of_others(self, rows: List[wire.Order], symbol: str, since_ms: int) -> List[Decimal]:
        """Signed amounts in base of the fills of others that were not heard of, newest first; from now on they were."""
        rows = [
            row for row in rows
            if row.symbol == symbol and row.size is not None and row.status == CONSTANTS.ORDER_STATUS_FILLED
            and (row.last_filled_time_ms or 0) >= since_ms and self._tracker.find(row) is None
        ]
        amounts = []
        for row in sorted(rows, key=lambda row: row.last_filled_time_ms, reverse=True):
            parts = self._foreign_parts.setdefault(row.order_id, {})
            amount = _signed(row.is_buy, row.size) - sum(parts.values())
            parts[_REST] = amount
            amounts.append(amount)
        return [amount for amount in amounts if amount]

    def _may_be_of_others(self, rows: List[wire.Order], missed: MissedFill) -> bool:
        """Whether an order of somebody else, of which the venue does not tell the parts either, can have made it."""
        return any(
            row.symbol == missed.symbol and row.is_buy == (missed.amount > _ZERO) and self._tracker.find(row) is None
            and row.status in (CONSTANTS.ORDER_STATUS_CANCELLED, CONSTANTS.ORDER_STATUS_PARTIALLY_FILLED)
            for row in rows
        )

    def _inferred(self, missed: MissedFill, row: Optional[wire.Order]) -> Optional[TradeUpdate]:
        """The fill, None when the order cannot have made it: one that had nothing left would not be cancelled."""
        order = self._tracker.fetch_order(missed.client_order_ids[0])
        if order is None or (missed.amount > _ZERO) != _is_buy(order):
            return None
        if abs(missed.amount) >= order.amount - order.executed_amount_base:
            return None
        tick = self._markets.get(missed.symbol).price_tick
        price = missed.price(tick)
        # An order fills at its limit or better; min and max pass over a limit that is not known.
        price = order.price if price is None else price.min(order.price) if _is_buy(order) else price.max(order.price)
        if not price.is_finite() or price <= _ZERO:
            return None
        schema = self._fee_schema(order.trading_pair)
        return missed_fill(order, row, abs(missed.amount), price, self._clock.now_ms(), schema)

    def _say(self, missed: MissedFill) -> None:
        suspects = (*missed.client_order_ids, *missed.others)
        if all(client_order_id in self._named for client_order_id in suspects):
            return
        self._named.update(dict.fromkeys(suspects, True))
        change = f"{missed.amount} and back" if missed.is_undone else missed.amount
        others = ""
        if missed.others:
            others = f" If that is the sum of several fills, so may these: {', '.join(missed.others)}."
        self._logger.error(
            f"The position in {missed.symbol} changed by {change} without a fill that Vest told of. These orders may "
            f"have filled in part unheard: {', '.join(missed.client_order_ids)}.{others} The position is right; the "
            f"fill and its fee are missing in Hummingbot's history."
        )

    def _symbol(self, order: InFlightOrder) -> Optional[str]:
        return self._markets.symbol_map.inverse.get(order.trading_pair)


def _signed(is_buy: bool, amount: Decimal) -> Decimal:
    return amount if is_buy else -amount


def _is_buy(order: InFlightOrder) -> bool:
    return order.trade_type is TradeType.BUY


def _holdings(positions: Iterable[wire.Position]) -> Dict[str, Holding]:
    return {position.symbol: Holding(position.signed_size, position.entry_price) for position in positions}


def _candidate(order: InFlightOrder) -> Candidate:
    return Candidate(order.client_order_id, _is_buy(order))
