"""Notices fills that nobody told of, by the change of position they leave behind (acceptance C16).

A part of an order that fills while the stream is away is found when the order is FILLED, because then the venue says
the whole. An order that is cancelled instead says nothing of its parts (protocol section 5: null unless FILLED); only
the position gives them away.
"""
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Callable, Dict, List, Mapping, Optional, Set, Tuple

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class UnheardFill:
    """A change of position, signed, in base, that only these cancelled orders can have made."""

    symbol: str
    amount: Decimal
    client_order_ids: Tuple[str, ...]


@dataclass
class _Market:
    booked: Decimal = _ZERO  # signed sum of the fills that were booked
    base: Optional[Decimal] = None  # position less booked fills, when it was last explained
    gap: Decimal = _ZERO
    changed_s: float = 0.0  # when the gap, or what is booked, last changed
    has_foreign_fill: bool = False
    cancelled: List[Tuple[float, bool, str]] = field(default_factory=list)  # when, is_buy, client order id


class PositionWatch:
    """Compares the positions the venue tells with the fills that were booked.

    :param lag_s: how long the venue's account may lag a fill, in s; a difference has to last longer to count
    :param monotonic_s: a clock that never jumps, in s
    """

    def __init__(self, lag_s: float, monotonic_s: Callable[[], float]):
        self._lag_s = lag_s
        self._monotonic_s = monotonic_s
        self._markets: Dict[str, _Market] = {}
        self._has_compared = False

    def note_fill(self, symbol: str, signed_amount: Decimal) -> None:
        """A fill of one of our orders was booked.

        :param symbol: the venue's symbol
        :param signed_amount: in base, negative for a sell
        """
        market = self._market(symbol)
        market.booked += signed_amount
        market.changed_s = self._monotonic_s()

    def note_foreign_fill(self, symbol: str) -> None:
        """Somebody else, or the venue, traded on the account: the position changes without us.

        :param symbol: the venue's symbol
        """
        self._market(symbol).has_foreign_fill = True

    def note_cancelled(self, symbol: str, is_buy: bool, client_order_id: str) -> None:
        """One of our orders was cancelled before it was filled.

        :param symbol: the venue's symbol
        :param is_buy: its side
        :param client_order_id: its client id
        """
        self._market(symbol).cancelled.append((self._monotonic_s(), is_buy, client_order_id))

    def compare(self, positions: Mapping[str, Decimal], open_sides: Set[Tuple[str, bool]]) -> List[UnheardFill]:
        """What must have been filled unheard. Each difference is told once, and then taken as it is.

        :param positions: signed sizes in base by symbol, as the venue tells them now
        :param open_sides: symbol and is_buy of our open orders; what they have filled will show when they end
        """
        unheard = []
        for symbol in {*positions, *self._markets}:
            market = self._market(symbol)
            amount = self._unexplained(market, positions.get(symbol, _ZERO))
            if amount == _ZERO or (symbol, amount > _ZERO) in open_sides:
                continue
            suspects = tuple(order_id for _, is_buy, order_id in market.cancelled if is_buy == (amount > _ZERO))
            if suspects and not market.has_foreign_fill:
                unheard.append(UnheardFill(symbol, amount, suspects))
            self._markets[symbol] = _Market(booked=market.booked, base=market.base + amount)
        self._has_compared = True
        return unheard

    def _unexplained(self, market: _Market, position: Decimal) -> Decimal:
        """The difference that has lasted longer than the account can lag, or zero."""
        now_s = self._monotonic_s()
        if market.base is None:
            market.base = position - market.booked
        gap = position - market.booked - market.base
        if gap != market.gap:
            market.gap = gap
            market.changed_s = now_s
        is_settled = now_s - market.changed_s > self._lag_s
        if gap == _ZERO and is_settled:
            market.has_foreign_fill = False
            market.cancelled = [entry for entry in market.cancelled if now_s - entry[0] <= self._lag_s]
        return gap if is_settled else _ZERO

    def _market(self, symbol: str) -> _Market:
        if symbol not in self._markets:
            # Positions are looked at all at once, so there was none in a market that is first heard of later.
            self._markets[symbol] = _Market(base=_ZERO if self._has_compared else None)
        return self._markets[symbol]
