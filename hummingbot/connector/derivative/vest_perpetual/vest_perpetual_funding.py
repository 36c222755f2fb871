"""Funding payments, found in what the venue says of orders and positions (design decision 11).

The venue has no history of funding payments. It settles funding when an order fills and says so in the order; newer
texts speak of a settlement at each full hour, which would show in the position only [?]. So does what the parts of an
order settled that was cancelled afterwards, unless it tells that itself [?]. All of it is booked, and the same money
never twice: what is in doubt is left out.

A payment's time is that of the venue's settlement: the fill, or the full hour. So a payment that is published again,
because the bot died within about a second of a fill, or before it had saved that an order was done, is the same row in
Hummingbot's table, whose key is the time, and is counted once there. Only payments that share a millisecond are moved
apart (B16); should one of such a pair be published again, it may take the other's place or a row of its own.
"""
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Awaitable, Callable, Deque, Dict, Iterable, List, Optional, Tuple

from cachetools import FIFOCache

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import rows_from

_MS_PER_INTERVAL = CONSTANTS.FUNDING_INTERVAL_S * 1000
# Differences below the smallest unit of the collateral are rounding, not payments.
_SMALLEST_AMOUNT = Decimal(1).scaleb(-CONSTANTS.TRANSFER_DECIMALS)
_REMEMBERED = 20_000
_FILLS_REMEMBERED = 1000
_LOOKS_KEPT = 100
# For so long an order that an event told is waited for, and a position that changed in a way that no order explains is
# compared with what it was before, in ms.
_PATIENCE_MS = 600_000
# A position may tell a fill so much later, in ms.
_ACCOUNT_LAG_MS = 10_000
# For so long after the full hour its settlement may not show in the position yet, in ms.
_SETTLEMENT_LAG_MS = 300_000
# The parts of an order that were filled: venue time in ms, and size in base.
Parts = Iterable[Tuple[int, Decimal]]


@dataclass(frozen=True, slots=True)
class FundingPayment:
    """One settlement: `amount` in USDC, positive when received; `time_ms` is no other payment's (B16)."""

    time_ms: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class _Fill:
    """What an order that is FILLED, or a part of one that is CANCELLED, did to its position: `size` in base, negative
    for a sale; `settled` is None when only the position tells it."""

    order_id: str
    symbol: str
    time_ms: int
    size: Decimal
    settled: Optional[Decimal]


@dataclass(frozen=True, slots=True)
class _Unread:
    """An order that is done by its event: since when, and when it was posted."""

    done_ms: int
    post_time_ms: int


@dataclass(frozen=True, slots=True)
class _Look:
    """A position at a look at the account: `size` in base, negative for a short one, and its settled funding."""

    time_ms: int
    size: Decimal
    settled: Decimal


class FundingPayments:
    """Collects the account's funding payments by symbol, until they are taken to be published.

    :param since_ms: venue time in ms from which settlements count; older ones were published in an earlier session
    """

    def __init__(self, since_ms: int):
        self._since_ms = since_ms
        self._orders_since_ms = since_ms
        self._expected: FIFOCache = FIFOCache(_FILLS_REMEMBERED)  # what is `_Unread`, by order id
        self._payments: Dict[str, List[FundingPayment]] = {}
        self._settled_orders: FIFOCache = FIFOCache(_REMEMBERED)  # by id: whether the order told what is booked
        self._used_times_ms: FIFOCache = FIFOCache(_REMEMBERED)
        self._fills: FIFOCache = FIFOCache(_FILLS_REMEMBERED)  # by order id and number of the part
        self._looks: Deque[Tuple[int, Dict[str, Optional[_Look]]]] = deque(maxlen=_LOOKS_KEPT)  # not yet judged
        self._bases: Dict[str, _Look] = {}
        self._looked_ms: Optional[int] = None

    def observe_order(self, venue: wire.Order, was_tracked: bool) -> None:
        """Books what an order settled, once.

        :param venue: the order as REST tells it
        :param was_tracked: whether this bot waited for its fill; then it counts however old it is
        """
        time_ms = venue.last_filled_time_ms or venue.post_time_ms or self._since_ms
        self._note_fill(venue, time_ms)
        if venue.status in CONSTANTS.SETTLING_STATUSES:
            self._expected.pop(venue.order_id, None)
        if venue.status not in CONSTANTS.SETTLING_STATUSES or not venue.settled_funding or venue.symbol is None:
            return
        if venue.order_id in self._settled_orders or (time_ms < self._since_ms and not was_tracked):
            return
        self._settled_orders[venue.order_id] = True
        self._add(venue.symbol, time_ms, venue.settled_funding)

    def _note_fill(self, venue: wire.Order, time_ms: int) -> None:
        if venue.status != CONSTANTS.ORDER_STATUS_FILLED or None in (venue.symbol, venue.size, venue.is_buy):
            return
        size = venue.size if venue.is_buy else -venue.size
        self._fills[venue.order_id, 0] = _Fill(
            venue.order_id, venue.symbol, time_ms, size, venue.settled_funding or Decimal(0)
        )

    def _note_parts(self, venue: wire.Order, parts: Parts) -> None:
        is_told = venue.status != CONSTANTS.ORDER_STATUS_CANCELLED or venue.settled_funding is not None
        if is_told or venue.symbol is None or venue.is_buy is None:
            return
        for number, (time_ms, size) in enumerate(parts):
            size = size if venue.is_buy else -size
            self._fills[venue.order_id, number] = _Fill(venue.order_id, venue.symbol, time_ms, size, None)

    def expect(self, venue: wire.Order, heard_ms: int) -> None:
        """Orders are read back to this one's post time until it was read, because `GET /orders` may lag its event; what
        positions showed since it was done waits so long. An order of somebody else that was posted before
        `orders_since_ms` only its event tells: to wait for these as for our own would be to read back to the oldest
        order of the account every time. One whose event is missed goes unread.

        :param venue: the event of an order that is done and was filled, at least in part
        :param heard_ms: venue time in ms of the event
        """
        if venue.post_time_ms is not None and venue.order_id not in self._settled_orders:
            self._expected[venue.order_id] = _Unread(venue.last_filled_time_ms or heard_ms, venue.post_time_ms)

    def observe_account(self, account: wire.Account, time_ms: int) -> None:
        """Notes what the positions have settled so far; `take_orders` tells from it what full hours settled.

        :param account: the newest account
        :param time_ms: the venue's time of it, in ms
        """
        self._looks.append((time_ms, {
            position.symbol: None if position.settled_funding is None else
            _Look(time_ms, position.signed_size, position.settled_funding)
            for position in account.positions
        }))

    def _settle_hours(self, time_ms: int, looks: Dict[str, Optional[_Look]]) -> None:
        """Books what positions settled over a full hour and no order accounts for.

        A position and the orders are read apart, either may lag, and an order says what it settled only when it is
        FILLED; what the parts of one that was cancelled settled, the position alone may tell. So a look is compared
        with an earlier one only when the orders read make up exactly the change of size between the two; until then
        the earlier one is kept. A position that closes before that shows nothing.
        A look soon after the full hour may not show its settlement yet, which then comes within the new hour. A symbol
        without a position has one of size 0.
        """
        for symbol in dict.fromkeys([*looks, *self._bases, *(fill.symbol for fill in self._fills.values())]):
            look = looks.get(symbol, _Look(time_ms, Decimal(0), Decimal(0)))
            if look is None:
                continue
            base = self._bases.get(symbol) or self._before_it_opened() or look
            fills = self._fills_between(symbol, base, look)
            if _explain(fills, base, look):
                if look.size:
                    self._settle_look(base, look, fills, symbol)
                base = look
            elif _has_closed(fills, base, look) or look.time_ms - base.time_ms > _PATIENCE_MS:
                base = look
            self._bases[symbol] = base
        self._looked_ms = time_ms

    def _before_it_opened(self) -> Optional[_Look]:
        return None if self._looked_ms is None else _Look(self._looked_ms, Decimal(0), Decimal(0))

    def _fills_between(self, symbol: str, base: _Look, look: _Look) -> List[_Fill]:
        fills = [fill for fill in self._fills.values()
                 if fill.symbol == symbol and base.time_ms < fill.time_ms <= look.time_ms]
        return sorted(fills, key=lambda fill: fill.time_ms)

    def _settle_look(self, base: _Look, look: _Look, fills: List[_Fill], symbol: str) -> None:
        untold = [fill for fill in fills if fill.settled is None]
        amount = look.settled - base.settled - _told(fills)
        hour_ms = _hour(look.time_ms) * _MS_PER_INTERVAL
        is_due = untold or base.time_ms - _SETTLEMENT_LAG_MS < hour_ms
        is_told_after_all = any(self._settled_orders.get(fill.order_id) for fill in untold)
        if not is_due or is_told_after_all or abs(amount) < _SMALLEST_AMOUNT:
            return
        for fill in untold:
            self._settled_orders[fill.order_id] = False
        self._add(symbol, untold[-1].time_ms if untold else hour_ms, amount)

    @property
    def orders_since_ms(self) -> int:
        """Since when orders have to be read next time, as venue time in ms: what was open may settle later."""
        return min([self._orders_since_ms, *(unread.post_time_ms for unread in self._expected.values())])

    def take_orders(self, orders: Iterable[wire.Order], is_tracked: Callable[[wire.Order], bool], next_ms: int,
                    asked_ms: Optional[int] = None, parts_of: Callable[[wire.Order], Parts] = lambda _: ()) -> None:
        """Books what all orders since `orders_since_ms` settled.

        :param orders: the orders, as REST tells them
        :param is_tracked: tells whether this bot waited for an order
        :param next_ms: the next `orders_since_ms`
        :param asked_ms: venue time in ms at which the orders were asked for: they say nothing of later positions
        :param parts_of: the parts heard of an order, which it does not tell itself when it is cancelled
        """
        for venue in orders:
            self.observe_order(venue, is_tracked(venue))
            self._note_parts(venue, parts_of(venue))
        if asked_ms is not None:
            self._give_up_unread(asked_ms - _PATIENCE_MS)
        while self._looks and self._were_orders_read_at(self._looks[0][0], asked_ms):
            self._settle_hours(*self._looks.popleft())
        self._orders_since_ms = next_ms

    def _give_up_unread(self, done_before_ms: int) -> None:
        for order_id in [key for key, unread in self._expected.items() if unread.done_ms < done_before_ms]:
            del self._expected[order_id]

    def _were_orders_read_at(self, time_ms: int, asked_ms: Optional[int]) -> bool:
        is_unread = any(unread.done_ms <= time_ms for unread in self._expected.values())
        return not is_unread and (asked_ms is None or time_ms <= asked_ms)

    def take(self, symbol: str, payment: FundingPayment) -> bool:
        """Takes a payment to be published at once; False when somebody else has taken it.

        :param symbol: the venue's symbol
        :param payment: one of this symbol's
        """
        waiting = self._payments.get(symbol, [])
        is_waiting = payment in waiting
        if is_waiting:
            waiting.remove(payment)
        return is_waiting

    def oldest(self, symbol: str) -> Optional[FundingPayment]:
        """The symbol's oldest payment that was not taken yet.

        :param symbol: the venue's symbol
        """
        return min(self._payments.get(symbol, []), key=lambda payment: payment.time_ms, default=None)

    def newest(self, symbol: str) -> Optional[FundingPayment]:
        """The symbol's newest payment that was not taken yet.

        :param symbol: the venue's symbol
        """
        return max(self._payments.get(symbol, []), key=lambda payment: payment.time_ms, default=None)

    def _add(self, symbol: str, time_ms: int, amount: Decimal) -> None:
        # Hummingbot's table of payments has the time alone as its key: a second payment in a millisecond would be lost.
        while time_ms in self._used_times_ms:
            time_ms += 1
        self._used_times_ms[time_ms] = True
        self._payments.setdefault(symbol, []).append(FundingPayment(time_ms, amount))


def _hour(time_ms: int) -> int:
    return time_ms // _MS_PER_INTERVAL


def _explain(fills: List[_Fill], base: _Look, look: _Look) -> bool:
    """Whether the fills make up the change of size, without the position beginning anew, which starts its sum anew.
    When one does not tell what it settled, the position must tell it, and so must not lag.
    """
    size = base.size
    if any(fill.settled is None for fill in fills) and look.time_ms - fills[-1].time_ms < _ACCOUNT_LAG_MS:
        return False
    if look.settled == base.settled and _told(fills) != 0:
        return False  # the position shows none of it yet
    for fill in fills:
        is_new = size != 0 and size * (size + fill.size) <= 0
        if is_new:
            return False
        size += fill.size
    return size == look.size


def _told(fills: List[_Fill]) -> Decimal:
    return sum((fill.settled for fill in fills if fill.settled is not None), Decimal(0))


def _has_closed(fills: List[_Fill], base: _Look, look: _Look) -> bool:
    """Whether there is no position left: one that is open later has a sum of its own. Where there was none before, the
    look may lag the fill that opened one.
    """
    return look.size == 0 and (base.size != 0 or sum(fill.size for fill in fills) == 0)


class FundingRates:
    """The hourly funding rates of past hours, each asked for once.

    :param get: a GET of the connector: path and parameters to decoded JSON
    """

    def __init__(self, get: Callable[..., Awaitable[Any]]):
        self._get = get
        self._rates: FIFOCache = FIFOCache(1000)  # by symbol and hour

    async def at(self, symbol: str, time_ms: int) -> Optional[Decimal]:
        """The rate of the hour of a time, as a fraction per hour; None when it cannot be read now.

        :param symbol: the venue's symbol
        :param time_ms: venue time in ms
        """
        hour = symbol, _hour(time_ms)
        if hour not in self._rates:
            try:
                rows = await self._get(path_url=CONSTANTS.FUNDING_HISTORY_PATH, params={
                    "symbol": symbol,
                    "interval": CONSTANTS.FUNDING_HISTORY_INTERVAL,
                    "startTime": time_ms - _MS_PER_INTERVAL,
                    "endTime": time_ms,
                })
                rates = [wire.FundingRate.from_payload(row) for row in rows_from(rows, "funding")]
            except VestError:
                return None
            if not rates:
                return None
            self._rates[hour] = max(rates, key=lambda rate: rate.time_ms).one_hr_funding_rate
        return self._rates[hour]
