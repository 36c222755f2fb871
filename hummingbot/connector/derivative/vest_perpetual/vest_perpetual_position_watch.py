"""Notices fills that nobody told of, by the change of position they leave behind (acceptance C16).

A part of an order that fills while the stream is away is found when the order is FILLED, because then the venue says
the whole. An order that is cancelled instead says nothing of its parts (protocol section 5: null unless FILLED); only
the position gives them away. What follows from it is decided in `vest_perpetual_missed_fills`.
"""
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Set, Tuple

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Holding:
    """A position at a look at the account: signed size in base, entry price in quote."""

    size: Decimal
    entry_price: Decimal


_NOTHING = Holding(_ZERO, _ZERO)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a later watch goes on from.

    :param size: the position that the fills counted so far explain, signed, in base
    :param explained: the position when they last explained it
    :param explained_s: when that was, on the clock of the watch
    """

    size: Decimal
    explained: Holding
    explained_s: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of our orders that may have filled unheard."""

    client_order_id: str
    is_buy: bool


@dataclass(frozen=True, slots=True)
class MissedFill:
    """A change of position, signed, in base, that among our orders only these can have made.

    :param client_order_ids: none while orders are open that will show it themselves when they end: then it is only
        worth asking whether others made it, as long as what they did lately can still be told apart
    :param others: orders that may have filled unheard as well, if the change is the sum of several fills
    :param before: the position when the fills that were counted last explained it
    :param after: the position with the change
    :param since_s: when `before` was seen, on the clock of the watch
    :param until_s: when the change was last seen to change, or a fill was counted; what fills later is no part of it
    :param is_last_word: whether the watch takes the position as it is from now on; otherwise orders are still open, and
        the same difference may be told again when they end
    :param is_undone: whether the position went back again, without a fill that was heard of either
    :param is_alone: whether no other fill was counted between `before` and `after`, nor so shortly before that the
        account may have lagged it; fills of both sides leave another entry price behind though the sizes agree
    """

    symbol: str
    amount: Decimal
    client_order_ids: Tuple[str, ...]
    before: Holding
    after: Holding
    since_s: float
    until_s: float
    is_last_word: bool
    others: Tuple[str, ...] = ()
    is_undone: bool = False
    is_alone: bool = False

    def price(self, tick: Decimal) -> Optional[Decimal]:
        """The price in quote that the entry prices of the position tell; None when they do not tell it to the tick.

        Exact when the change opened the position or increased it, and nothing else changed it: an entry price is an
        average of what was paid. One that crossed zero shows what the part beyond zero was paid with, which stands for
        all. A position that only became smaller keeps its entry price and tells nothing.

        :param tick: the market's price step in quote; a price that rounding blurs by more is no price
        """
        price = self._price()
        is_blurred = self.before.size * self.after.size > _ZERO and self._blur() > tick
        return None if is_blurred else price

    def is_beyond(self, limit: Decimal, tick: Decimal) -> bool:
        """Whether the entry prices prove that an order cannot have made the change: it fills at its limit or better.

        Of several parts each is within the limit, so their average is, and so are those beyond zero where the position
        crossed it. Each entry price is off by half of its last digit when the venue rounds, and by all of it when it
        cuts off, which is twice the blur. A tick more is for limits that were rounded when they were sent, and for
        averages that were rounded after each of several parts.

        :param limit: the order's, in quote; NaN if it is not known
        :param tick: the market's price step in quote
        """
        price = self._price()
        if price is None or limit.is_nan() or not self.is_alone:
            return False
        excess = price - limit if self.amount > _ZERO else limit - price
        return excess > tick + 2 * self._blur()

    def _price(self) -> Optional[Decimal]:
        before, after = self.before, self.after
        if before.size + self.amount != after.size or after.size * self.amount <= _ZERO:
            return None
        if before.size * after.size <= _ZERO:
            return after.entry_price
        return (after.size * after.entry_price - before.size * before.entry_price) / self.amount

    def _blur(self) -> Decimal:
        """By how much rounded entry prices may put the price off, in quote."""
        before, after = self.before, self.after
        if before.size * after.size <= _ZERO:
            return _last_digit(after.entry_price) / 2
        return sum(abs(one.size) * _last_digit(one.entry_price) / 2 for one in (before, after)) / abs(self.amount)


def _last_digit(number: Decimal) -> Decimal:
    return Decimal(1).scaleb(number.as_tuple().exponent)


@dataclass
class _Market:
    booked: Decimal = _ZERO  # signed sum of the fills that were booked
    base: Optional[Decimal] = None  # position less booked fills, when it was last explained
    based_s: float = 0.0  # when the base was taken
    is_base_sure: bool = False
    gap: Decimal = _ZERO
    changed_s: float = 0.0  # when the gap, or what is booked, last changed
    booked_s: float = float("-inf")  # when what is booked last changed
    undone: Decimal = _ZERO  # the gap that went away though nothing was booked
    undone_s: float = 0.0  # when it went away
    asked: Decimal = _ZERO  # the gap of which it was told that others may have made it
    told: Decimal = _ZERO  # the gap that was told though it may still be explained
    taken: Decimal = _ZERO  # the last difference that was taken as it is without being booked
    taken_s: float = 0.0  # when that was
    late: Decimal = _ZERO  # fills of its side that were made before and counted since
    late_s: float = float("-inf")  # when the last of them was counted
    taken_with: Tuple[Dict[str, Tuple[float, Candidate]], Set[str]] = ({}, set())  # `cancelled` and `involved` then
    explained: Holding = _NOTHING  # the position when there last was no gap
    explained_s: float = 0.0  # when that was
    shown: Decimal = _ZERO  # the position at the last reading
    unshown: Decimal = _ZERO  # fills that were counted lately, less changes of the position
    shifted_s: float = 0.0  # when that last changed
    suspects: Set[str] = field(default_factory=set)  # orders that were open or lately cancelled when the gap appeared
    involved: Set[str] = field(default_factory=set)  # orders that were so at any change of it since there was none
    cancelled: Dict[str, Tuple[float, Candidate]] = field(default_factory=dict)


class PositionWatch:
    """Compares the positions the venue tells with the fills that were booked.

    :param lag_s: how long the venue's account may lag a fill, in s; a difference has to last longer to count
    :param monotonic_s: a clock that never jumps, in s
    """

    # For so many times the account's lag a difference waits for orders that are still open.
    PATIENCE_LAGS = 60
    # A fill that is heard of late explains a difference that was told before, for so many times the account's lag.
    LATE_LAGS = 6
    # An order may have missed parts that show at most so many times the account's lag after its end.
    MEMORY_LAGS = 2

    def __init__(self, lag_s: float, monotonic_s: Callable[[], float]):
        self._lag_s = lag_s
        self._monotonic_s = monotonic_s
        self._markets: Dict[str, _Market] = {}
        self._looked_s: Optional[float] = None
        self._is_shown = False

    @property
    def looked_s(self) -> Optional[float]:
        """When the positions were looked at last, on the clock given; None before the first look."""
        return self._looked_s

    def basis(self) -> Dict[str, Optional[Basis]]:
        """What is known, by symbol, for a later watch; None where the first looks are not sure yet."""
        return {
            symbol: Basis(market.base + market.booked, market.explained, market.explained_s)
            if market.is_base_sure else None
            for symbol, market in self._markets.items()
        }

    def go_on_from(self, basis: Mapping[str, Optional[Basis]], looked_s: float) -> None:
        """Goes on where an earlier watch ended, as if no time had passed. Has to come before the first look.

        :param basis: of the earlier watch; it looked at all positions, so there were none in markets that it lacks
        :param looked_s: when it looked last, on the clock of this watch
        """
        for symbol, known in basis.items():
            market = self._market(symbol)
            if known is not None:
                market.base, market.is_base_sure = known.size, True
                market.explained, market.explained_s = known.explained, known.explained_s
        self._looked_s = looked_s

    def note_fill(self, symbol: str, signed_amount: Decimal, made_s: float = float("-inf")) -> None:
        """A fill on the account was heard of and counted, ours or somebody else's.

        :param symbol: the venue's symbol
        :param signed_amount: in base, negative for a sell
        :param made_s: when it was made at the earliest, on the clock given; by default nobody knows
        """
        market = self._market(symbol)
        market.booked += signed_amount
        if signed_amount * market.taken > _ZERO and made_s <= market.taken_s:
            market.late += signed_amount
            market.late_s = self._monotonic_s()
        market.changed_s = market.booked_s = self._monotonic_s()
        self._shift(market, signed_amount)

    def note_booked(self, symbol: str) -> None:
        """The last difference that was told was booked, so that nothing is left of it to be explained later.

        :param symbol: the venue's symbol
        """
        self._market(symbol).taken = _ZERO

    def note_explained(self, missed: MissedFill) -> None:
        """A difference that is still there was made by somebody else.

        :param missed: as it was told
        """
        market = self._market(missed.symbol)
        market.base += missed.amount
        market.gap -= missed.amount

    def is_outdated(self, missed: MissedFill) -> bool:
        """Whether a fill was counted since a difference was told: it may have been this one, heard of late.

        :param missed: as it was told
        """
        return self._market(missed.symbol).booked_s > missed.until_s

    def put_back(self, missed: MissedFill) -> None:
        """Compares anew, at the next look, what was told and is outdated.

        :param missed: as it was told, or what is left of it
        """
        market = self._market(missed.symbol)
        market.asked = market.told = _ZERO
        if not missed.is_last_word or missed.is_undone:
            return
        market.base -= missed.amount
        market.gap, market.taken = missed.amount, _ZERO
        market.suspects = market.suspects.union(missed.client_order_ids)
        market.explained, market.explained_s = missed.before, missed.since_s
        cancelled, involved = market.taken_with
        market.cancelled, market.involved = {**market.cancelled, **cancelled}, market.involved | involved

    def note_cancelled(self, symbol: str, order: Candidate) -> None:
        """One of our orders was cancelled before it was filled.

        :param symbol: the venue's symbol
        :param order: the order
        """
        self._market(symbol).cancelled.setdefault(order.client_order_id, (self._monotonic_s(), order))

    def gap(self, symbol: str) -> Optional[Decimal]:
        """How far the position is from the fills that were counted, signed, in base; None while that cannot be told.

        :param symbol: the venue's symbol
        """
        market = self._market(symbol)
        return market.gap if market.is_base_sure else None

    def may_have_made_gap(self, symbol: str, order: Candidate) -> bool:
        """Whether the gap is of an order's side, and the order was there when it appeared.

        :param symbol: the venue's symbol
        :param order: the order
        """
        market = self._market(symbol)
        return market.is_base_sure and market.gap != _ZERO and bool(self._suspected(market, [order]))

    def explained_s(self, symbol: str) -> float:
        """When the fills that were counted last explained the position, on the clock given.

        :param symbol: the venue's symbol
        """
        return self._market(symbol).explained_s

    def note_shown(self, positions: Mapping[str, Holding]) -> None:
        """The account was read.

        :param positions: by symbol, as the venue tells them now
        """
        for symbol in {*positions, *self._markets}:
            market = self._market(symbol)
            size = positions.get(symbol, _NOTHING).size
            if self._is_shown and size != market.shown:
                self._shift(market, market.shown - size)
            market.shown = size
        self._is_shown = True

    def unshown(self, symbol: str) -> Decimal:
        """Signed sum in base of the fills counted lately that the account does not show yet; with the other sign what
        it shows and was not counted yet. What is older than the account's lag is nothing any more.

        :param symbol: the venue's symbol
        """
        market = self._markets.get(symbol)
        return market.unshown if market is not None and self._is_recent(market) else _ZERO

    @property
    def is_account_behind(self) -> bool:
        """Whether positions and fills differ in any market, though the lag of the account may still explain it."""
        return any(market.unshown and self._is_recent(market) for market in self._markets.values())

    def _shift(self, market: _Market, signed_amount: Decimal) -> None:
        market.unshown = (market.unshown if self._is_recent(market) else _ZERO) + signed_amount
        market.shifted_s = self._monotonic_s()

    def _is_recent(self, market: _Market) -> bool:
        return self._monotonic_s() - market.shifted_s <= self._lag_s

    def compare(self, positions: Mapping[str, Holding],
                open_orders: Mapping[str, Iterable[Candidate]]) -> List[MissedFill]:
        """What must have been filled unheard. Each difference is told once, and then taken as it is.

        :param positions: by symbol, as the venue tells them now
        :param open_orders: our open orders by symbol; those that were open when a difference appeared will show what
            they have filled when they end, and are waited for. After `PATIENCE_LAGS` they are told with the others.
        """
        markets = {symbol: self._market(symbol) for symbol in {*positions, *self._markets}}
        self._looked_s = self._monotonic_s()
        missed = []
        for symbol, market in markets.items():
            holding = positions.get(symbol, _NOTHING)
            still_open = list(open_orders.get(symbol, ()))
            self._look(market, holding, still_open)
            missed += self._undone(symbol, market, still_open)
            if market.gap == _ZERO or not self._has_lasted(market, self._lag_s):
                continue
            if self._takes_back(market):
                market.taken, market.late = market.taken + market.gap, market.late + market.gap
                self._take_as_it_is(market, holding)
                continue
            waited_for = self._suspected(market, still_open)
            culprits = self._suspected(market, [order for _, order in market.cancelled.values()])
            is_told = not waited_for or (self._has_lasted(market, self.PATIENCE_LAGS * self._lag_s)
                                         and market.told != market.gap)
            if culprits and is_told:
                missed.append(MissedFill(
                    symbol, market.gap, (*culprits, *waited_for), market.explained, holding, market.explained_s,
                    market.changed_s, is_last_word=not waited_for,
                    others=tuple(order_id for order_id in self._involved(market, still_open)
                                 if order_id not in (*culprits, *waited_for)),
                    is_alone=market.booked_s < market.explained_s - self._lag_s,
                ))
                market.told = market.asked = market.gap
            elif waited_for and market.asked != market.gap:
                missed.append(MissedFill(symbol, market.gap, (), market.explained, holding, market.explained_s,
                                         market.changed_s, is_last_word=False))
                market.asked = market.gap
            if not waited_for:
                market.taken, market.taken_s, market.late = market.gap, self._looked_s, _ZERO
                market.taken_with = market.cancelled, market.involved
                self._take_as_it_is(market, holding)
        return missed

    def _undone(self, symbol: str, market: _Market, still_open: List[Candidate]) -> List[MissedFill]:
        """A difference that went away by itself: two fills of the same size, one of each side, both unheard. Neither
        the account's lag nor that of the events can look so when nothing was booked shortly before or after.
        """
        if market.undone == _ZERO or self._looked_s - market.undone_s <= self._lag_s:
            return []
        amount, market.undone = market.undone, _ZERO
        involved = self._involved(market, still_open)
        market.involved = set()
        if market.booked_s > market.undone_s or len(set(involved.values())) < 2:
            return []
        return [MissedFill(symbol, amount, tuple(involved), market.explained, market.explained, market.undone_s,
                           market.undone_s, is_last_word=True, is_undone=True)]

    def _involved(self, market: _Market, still_open: List[Candidate]) -> Dict[str, bool]:
        """Whether they buy, of the orders that may have had a part in the difference, by client id."""
        orders = [*still_open, *(order for _, order in market.cancelled.values())]
        return {order.client_order_id: order.is_buy for order in orders if order.client_order_id in market.involved}

    def _takes_back(self, market: _Market) -> bool:
        """Whether a difference is only an earlier one that is explained at last, by a fill heard of late. It is of the
        other sign then, no larger than what was heard, and no order of ours has made it.
        """
        is_remembered = self._looked_s - market.late_s <= self.LATE_LAGS * self._lag_s
        explained = min(abs(market.taken), abs(market.late))
        return is_remembered and market.gap * market.taken < _ZERO and abs(market.gap) <= explained

    def _suspected(self, market: _Market, orders: Iterable[Candidate]) -> Tuple[str, ...]:
        return tuple(
            order.client_order_id for order in orders
            if order.client_order_id in market.suspects and order.is_buy == (market.gap > _ZERO)
        )

    def _look(self, market: _Market, holding: Holding, open_orders: List[Candidate]) -> None:
        if market.base is None:
            self._take_as_it_is(market, holding)
        gap = holding.size - market.booked - market.base
        if gap != market.gap:
            self._note_undone(market, gap)
            market.gap = gap
            market.changed_s = self._looked_s
            market.suspects = {*market.cancelled, *(order.client_order_id for order in open_orders)}
            market.involved |= market.suspects
        if gap != _ZERO and not market.is_base_sure:
            # What the first look showed may have lagged fills that were counted, or have been ahead of them.
            self._take_as_it_is(market, holding)
        if market.gap == _ZERO:
            market.explained, market.explained_s = holding, self._looked_s
            market.suspects = set()
            market.involved = market.involved if market.undone else set()
            market.is_base_sure = market.is_base_sure or self._looked_s - market.based_s > self._lag_s
        # What ended long ago shows at the account, or nothing of it was missed.
        market.cancelled = {
            order_id: (ended_s, order) for order_id, (ended_s, order) in market.cancelled.items()
            if self._looked_s - ended_s <= self.MEMORY_LAGS * self._lag_s or order_id in market.involved
        }

    def _note_undone(self, market: _Market, gap: Decimal) -> None:
        is_undone = gap == _ZERO and market.is_base_sure and market.booked_s < market.explained_s - self._lag_s
        market.undone, market.undone_s = market.gap if is_undone else _ZERO, self._looked_s

    def _take_as_it_is(self, market: _Market, holding: Holding) -> None:
        market.base = holding.size - market.booked
        market.gap = market.asked = market.told = _ZERO
        market.changed_s = market.explained_s = market.based_s = self._looked_s
        market.explained = holding
        market.undone = _ZERO
        market.involved = set()
        market.cancelled = {}

    def _has_lasted(self, market: _Market, limit_s: float) -> bool:
        return self._monotonic_s() - market.changed_s > limit_s

    def _market(self, symbol: str) -> _Market:
        if symbol not in self._markets:
            if self._looked_s is None:
                self._markets[symbol] = _Market()
            else:
                # Positions are looked at all at once, so there was none in a market that is first heard of later.
                self._markets[symbol] = _Market(base=_ZERO, is_base_sure=True, explained_s=self._looked_s)
        return self._markets[symbol]
