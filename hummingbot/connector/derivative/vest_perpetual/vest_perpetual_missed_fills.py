"""Parts of an order that were missed before it was cancelled: inferred from the position, or said (acceptance C16).

The venue has no fills endpoint, and a cancelled order says nothing of its parts. When the stream was away, or lost
events, a part may have gone unheard; then only the account's position differs from the fills that were counted. If one
cancelled order alone can have made the difference, its fill is booked, so that strategy and database agree with the
venue in base. Price and fee are as good as the venue lets them be: see `missed_fill` and `MissedFill.price`. If more
than one can have made it, if the entry price is beyond the order's limit, or somebody else trades, nothing is guessed
and one ERROR names the orders.

A fill has to come before the end of its order. So the end is held back, but only when there is a sign that a part may
have been missed, and only for as long as the account may lag; a cancel in normal life is told at once. What shows later
than that is booked after the end.
"""
import asyncio
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
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_foreign_fills import (
    ForeignFill,
    ForeignFills,
    is_readable,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_markets import Markets
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_ids import OrderIds
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
# Orders of others that explain a position were posted at most so long before they filled, in ms.
_FOREIGN_ORDERS_WINDOW_MS = 600_000


@dataclass(frozen=True, slots=True)
class _HeldEnd:
    """The end of an order that is not told yet.

    `may_be_unseen`: the account may still lag what was missed; otherwise only the difference it shows is a sign.
    """

    venue: wire.Order
    symbol: str
    order: Candidate
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
    :param order_ids: tells our orders that the tracker has forgotten from those of others
    :param lag_s: how long the account may lag a fill, in s
    :param logger: the connector's
    """

    # An end is held back for at most so many times the account's lag.
    LONGEST_HOLD_LAGS = 3
    # The session's notes of unchanged positions are written anew after so many s.
    MEMORY_REFRESH_S = 60.0

    def __init__(self, tracker: VestOrderTracker, orders: OrdersReader, markets: Markets, clock: ServerClock,
                 fee_schema: Callable[[str], TradeFeeSchema], memory: SessionMemory, order_ids: OrderIds, lag_s: float,
                 logger: logging.Logger):
        self._tracker = tracker
        self._orders = orders
        self._markets = markets
        self._clock = clock
        self._fee_schema = fee_schema
        self._memory = memory
        self._order_ids = order_ids
        self._lag_s = lag_s
        self._logger = logger
        self._watch = PositionWatch(lag_s, clock.monotonic_s)
        self._symbols: Dict[str, str] = {}  # by trading pair: as orders tell before the list of markets is there
        self._held: Dict[str, _HeldEnd] = {}
        self._unsettled: List[MissedFill] = []  # neither booked nor said yet
        # The venue's time less the monotonic one, in ms, at the lowest it can be: what it told before its clock, or our
        # estimate of it, jumped ahead is dated by that.
        self._offset_ms = float("inf")
        self._noted_ms: Dict[float, int] = {}  # what an earlier session noted in the venue's time, by ours
        self._named: FIFOCache = FIFOCache(_REMEMBERED)  # client ids of orders that an ERROR has named
        self._partly_filled: FIFOCache = FIFOCache(_REMEMBERED)  # client ids of orders that the venue said are so
        self._foreign_fills = ForeignFills()
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
        made_s = self._monotonic_s(fill.fill_timestamp * 1000)
        self._watch.note_fill(self._symbol(order), _signed(_is_buy(order), fill.fill_base_amount), made_s)
        self._remember()

    def note_foreign_order(self, venue: wire.Order) -> None:
        """Somebody else, or the venue, traded on the account.

        :param venue: an event of an order that is not ours
        """
        fill = self._foreign_fills.note_order(venue)
        if fill is not None:
            made_s = float("-inf") if fill.time_ms is None else self._monotonic_s(fill.time_ms)
            self._watch.note_fill(venue.symbol, fill.amount, made_s)
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
        if venue.symbol is not None:
            self._symbols[order.trading_pair] = venue.symbol
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
        basis: Dict[str, Optional[Basis]] = dict.fromkeys(known["markets"])
        for symbol, values in known["markets"].items():
            if values is not None:
                size, explained, entry_price = map(Decimal, values[:3])
                basis[symbol] = Basis(size, Holding(explained, entry_price), self._recalled_s(values[3]))
        self._watch.go_on_from(basis, self._recalled_s(known["looked_ms"]))
        self._foreign_fills.recall(known.get("others", {}))

    def _recalled_s(self, noted_ms: int) -> float:
        monotonic_s = self._monotonic_s(noted_ms)
        self._noted_ms[monotonic_s] = noted_ms
        return monotonic_s

    def _monotonic_s(self, venue_ms: float) -> float:
        return self._clock.monotonic_s() - (self._clock.now_ms() - venue_ms) / 1000

    def _venue_ms(self, monotonic_s: float) -> int:
        return self._noted_ms.get(monotonic_s, int(monotonic_s * 1000 + self._offset_ms))

    def _note_offset(self) -> None:
        lowest_ms = self._clock.now_ms() - (self._clock.uncertainty_ms or 0)
        self._offset_ms = min(self._offset_ms, lowest_ms - self._clock.monotonic_s() * 1000)

    def _remember(self) -> None:
        """Keeps what explains the positions, at every fill as well: the client's database has it by then. When nothing
        but the time of the look is new, that is kept now and then.
        """
        if not self._has_recalled or self._watch.looked_s is None:
            return
        basis = self._basis()
        news = {symbol: known and (known.size, known.explained) for symbol, known in basis.items()}
        is_recent = self._watch.looked_s - self._remembered_s < self.MEMORY_REFRESH_S
        if news == self._remembered and is_recent:
            return
        self._remembered, self._remembered_s = news, self._watch.looked_s
        self._note_offset()
        self._memory.note_positions({
            "looked_ms": self._venue_ms(self._watch.looked_s),
            "markets": {
                symbol: known and (
                    str(known.size), str(known.explained.size), str(known.explained.entry_price),
                    self._venue_ms(known.explained_s),
                )
                for symbol, known in basis.items()
            },
            "others": self._foreign_fills.lately,
        })

    def _basis(self) -> Dict[str, Optional[Basis]]:
        """What the next session goes on from. If this one ends before a difference is settled, that one notices it."""
        basis = self._watch.basis()
        for missed in self._unsettled:
            known = basis[missed.symbol]
            if known is not None and missed.is_last_word and not missed.is_undone:
                basis[missed.symbol] = Basis(known.size - missed.amount, missed.before, missed.since_s)
        return basis

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
        return self._watch.unshown(self._symbol_of(trading_pair))

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

        The signs: the account shows a difference that the order may have made; the order was said to be partly filled,
        but no part was told; the end was learned from a poll, where the stream should have told it; or the stream was
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
        candidate = _candidate(order)
        if may_be_unseen or self._watch.may_have_made_gap(symbol, candidate):
            self._held.setdefault(order.client_order_id, _HeldEnd(
                venue, symbol, candidate, self._clock.monotonic_s(), may_be_unseen
            ))
            return True
        self._held.pop(order.client_order_id, None)
        return False

    def _was_interrupted(self, order: InFlightOrder, symbol: str) -> bool:
        is_seen_since = self._watch.explained_s(symbol) > self._connected_s + self._lag_s
        return not is_seen_since and self._tracker.oldest_start_ms([order]) < self._connected_ms

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
            if at_once and self._watch.may_have_made_gap(held.symbol, held.order):
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
        if self._watch.may_have_made_gap(held.symbol, held.order):
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
        self._note_offset()
        self._unsettled += self._watch.compare(_holdings(positions), open_orders)
        self._remember()

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
        if not missed.client_order_ids:
            await self._ask_for_others(missed)
            return False
        row, told = None, _ZERO
        try:
            rows = await self._rows_about(missed)
            if self._is_put_back(missed):
                return False
            parts_told = self._book_told(rows, missed)
            told = sum(parts_told, _ZERO)
            if missed.is_undone and parts_told and not told:
                return True
            if told:
                self._watch.note_booked(missed.symbol)
            missed = self._unsettled[0] = replace(missed, amount=missed.amount - told)
            unheard = self._unheard_of_others(rows, missed)
            made = self._made_by_others(unheard, missed)
            self._foreign_fills.note_heard(unheard[self._later(unheard, missed):] if made is None else made)
            if missed.amount == _ZERO or made is not None:
                return bool(told)  # the rest is somebody else's, heard of by REST alone
            is_clear = not unheard and len(missed.client_order_ids) == 1 and not self._may_be_of_others(rows, missed)
            if is_clear:
                row = await self._orders.by_client_order_id(missed.client_order_ids[0])
        except VestError:
            is_clear = False  # then it cannot be told whose fill it was, and that is what is said
        if self._is_put_back(missed):
            return bool(told)
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

    async def _ask_for_others(self, missed: MissedFill) -> None:
        """Others may have made what our open orders would not show before they end. Asked so late, what was heard of by
        an earlier session could not be told from what was not.
        """
        try:
            unheard = self._unheard_of_others(await self._rows_about(missed), missed)
        except VestError:
            return  # the question comes back when the orders have ended
        made = self._made_by_others(unheard, missed)
        is_there = self._watch.gap(missed.symbol) == missed.amount  # and no order has ended with it meanwhile
        if not self._is_put_back(missed) and is_there and made is not None:
            self._foreign_fills.note_heard(made)
            self._watch.note_explained(missed)

    def _is_put_back(self, missed: MissedFill) -> bool:
        """Events come while the venue is asked, also late ones that tell what was missed."""
        is_outdated = self._watch.is_outdated(missed)
        if is_outdated:
            self._watch.put_back(missed)
        return is_outdated

    async def _rows_about(self, missed: MissedFill) -> List[wire.Order]:
        """The orders of all that may have made a change of position.

        :raises VestError: when the venue cannot be asked, not even a little later
        """
        posted_ms = self._since_ms(missed) - _FOREIGN_ORDERS_WINDOW_MS
        try:
            return await self._orders.since(posted_ms)
        except VestError:
            await asyncio.sleep(self._lag_s)
            return await self._orders.since(posted_ms)

    def _since_ms(self, missed: MissedFill) -> int:
        return self._venue_ms(missed.since_s) - int(self._lag_s * 1000)

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

    def _unheard_of_others(self, rows: List[wire.Order], missed: MissedFill) -> List[ForeignFill]:
        """What others filled since the position was explained, and was not heard of, newest first."""
        return self._foreign_fills.unheard(row for row in rows if self._was_filled_by_others(row, missed))

    def _is_of_others(self, row: wire.Order) -> bool:
        """Our own orders bear our tag: those that the tracker has forgotten, or an earlier session had, are counted."""
        is_ours = self._order_ids.is_ours(row.nonce) and not self._order_ids.is_of_another_bot(row.nonce)
        return self._tracker.find(row) is None and not is_ours

    def _later(self, unheard: List[ForeignFill], missed: MissedFill) -> int:
        """How many of the newest came after the change was seen: they are no part of it, and their events are on their
        way. The fills' times and the look's are those of different clocks.
        """
        until_ms = self._venue_ms(missed.until_s) + self._lag_s * 500
        return sum(fill.time_ms > until_ms for fill in unheard)

    def _made_by_others(self, unheard: List[ForeignFill], missed: MissedFill) -> Optional[List[ForeignFill]]:
        """The fills of others of which the newest explain a change, back to the oldest; None when they do not."""
        for later in range(self._later(unheard, missed), -1, -1):
            fills = unheard[later:]
            if missed.amount in accumulate(fill.amount for fill in fills) or (missed.is_undone and fills):
                return fills
        return None

    def _was_filled_by_others(self, row: wire.Order, missed: MissedFill) -> bool:
        return (
            row.symbol == missed.symbol and row.status == CONSTANTS.ORDER_STATUS_FILLED
            and (row.last_filled_time_ms or 0) >= self._since_ms(missed) and self._is_of_others(row)
        )

    def _may_be_of_others(self, rows: List[wire.Order], missed: MissedFill) -> bool:
        """Whether an order of somebody else can have made it, of which the venue does not tell the parts either, or
        tells what cannot be read.
        """
        return any(
            self._was_filled_by_others(row, missed) and not is_readable(row)
            or row.symbol == missed.symbol and row.is_buy in (None, missed.amount > _ZERO) and self._is_of_others(row)
            and row.status in (CONSTANTS.ORDER_STATUS_CANCELLED, CONSTANTS.ORDER_STATUS_PARTIALLY_FILLED)
            for row in rows
        )

    def _inferred(self, missed: MissedFill, row: Optional[wire.Order]) -> Optional[TradeUpdate]:
        """The fill, None when the order cannot have made it: one that had nothing left would not be cancelled, and none
        fills beyond its limit.
        """
        order, market = self._tracker.fetch_order(missed.client_order_ids[0]), self._markets.get(missed.symbol)
        if order is None or market is None or (missed.amount > _ZERO) != _is_buy(order):
            return None
        if abs(missed.amount) >= order.amount - order.executed_amount_base:
            return None
        if missed.is_beyond(order.price, market.price_tick):
            return None
        price = missed.price(market.price_tick)
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
        return self._symbol_of(order.trading_pair)

    def _symbol_of(self, trading_pair: str) -> Optional[str]:
        return self._markets.symbol_map.inverse.get(trading_pair) or self._symbols.get(trading_pair)


def _signed(is_buy: bool, amount: Decimal) -> Decimal:
    return amount if is_buy else -amount


def _is_buy(order: InFlightOrder) -> bool:
    return order.trade_type is TradeType.BUY


def _holdings(positions: Iterable[wire.Position]) -> Dict[str, Holding]:
    return {position.symbol: Holding(position.signed_size, position.entry_price) for position in positions}


def _candidate(order: InFlightOrder) -> Candidate:
    return Candidate(order.client_order_id, _is_buy(order))
