"""Funding payments, found in what the venue says of orders and positions (design decision 11).

The venue has no history of funding payments. It settles funding when an order fills and says so in the order; newer
texts speak of a settlement at each full hour, which would show in the position only [?]. Both are booked, and the same
money never twice.
"""
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Awaitable, Callable, Dict, Iterable, List, Optional, Tuple

from cachetools import FIFOCache

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError

_MS_PER_INTERVAL = CONSTANTS.FUNDING_INTERVAL_S * 1000
# Differences below the smallest unit of the collateral are rounding, not payments.
_SMALLEST_AMOUNT = Decimal(1).scaleb(-CONSTANTS.TRANSFER_DECIMALS)
_REMEMBERED = 20_000
_SETTLING_STATUSES = (CONSTANTS.ORDER_STATUS_FILLED, CONSTANTS.ORDER_STATUS_CANCELLED)


@dataclass(frozen=True, slots=True)
class FundingPayment:
    """One settlement: `amount` in USDC, positive when received; `time_ms` is no other payment's (B16)."""

    time_ms: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class _HourlySettlement:
    """What a position settled between two looks at the account that lie in different hours."""

    after_ms: int
    until_ms: int
    amount: Decimal


class FundingPayments:
    """Collects the account's funding payments by symbol, until they are taken to be published.

    :param since_ms: venue time in ms from which settlements count; older ones were published in an earlier session
    """

    def __init__(self, since_ms: int):
        self._since_ms = since_ms
        self._orders_since_ms = since_ms
        self._payments: Dict[str, List[FundingPayment]] = {}
        self._settled_orders: FIFOCache = FIFOCache(_REMEMBERED)  # order id -> (symbol, fill time in ms, amount)
        self._used_times_ms: FIFOCache = FIFOCache(_REMEMBERED)
        self._positions: Dict[str, Tuple[bool, Decimal]] = {}
        self._account_time_ms = 0
        self._hourly: Dict[str, List[_HourlySettlement]] = {}

    def observe_order(self, venue: wire.Order, was_tracked: bool) -> None:
        """Books what an order settled, once.

        :param venue: the order as REST tells it
        :param was_tracked: whether this bot waited for its fill; then it counts however old it is
        """
        if venue.status not in _SETTLING_STATUSES or not venue.settled_funding or venue.symbol is None:
            return
        time_ms = venue.last_filled_time_ms or venue.post_time_ms or self._since_ms
        if venue.order_id in self._settled_orders or (time_ms < self._since_ms and not was_tracked):
            return
        self._settled_orders[venue.order_id] = (venue.symbol, time_ms, venue.settled_funding)
        self._add(venue.symbol, time_ms, venue.settled_funding)

    def observe_account(self, account: wire.Account, time_ms: int) -> None:
        """Notes what the positions settled over a full hour; `take_orders` tells it from what orders settled.

        :param account: the newest account
        :param time_ms: the venue's time of it, in ms
        """
        hour_began = time_ms // _MS_PER_INTERVAL != self._account_time_ms // _MS_PER_INTERVAL
        positions = {}
        for position in account.positions:
            if position.settled_funding is None:
                continue
            positions[position.symbol] = (position.is_long, position.settled_funding)
            is_long, settled = self._positions.get(position.symbol, (None, None))
            if hour_began and self._account_time_ms and is_long == position.is_long:
                self._hourly.setdefault(position.symbol, []).append(
                    _HourlySettlement(self._account_time_ms, time_ms, position.settled_funding - settled)
                )
        self._positions = positions
        self._account_time_ms = time_ms

    def _settle_hours(self) -> None:
        """Books the hourly settlements that no order accounts for."""
        for symbol, settlements in self._hourly.items():
            for settlement in settlements:
                by_orders = sum((
                    amount for order_symbol, time_ms, amount in self._settled_orders.values()
                    if order_symbol == symbol and settlement.after_ms < time_ms <= settlement.until_ms
                ), Decimal(0))
                if abs(settlement.amount - by_orders) >= _SMALLEST_AMOUNT:
                    hour_ms = settlement.until_ms // _MS_PER_INTERVAL * _MS_PER_INTERVAL
                    self._add(symbol, hour_ms, settlement.amount - by_orders)
        self._hourly.clear()

    @property
    def orders_since_ms(self) -> int:
        """Since when orders have to be read next time, as venue time in ms: what was open may settle later."""
        return self._orders_since_ms

    def take_orders(self, orders: Iterable[wire.Order], is_tracked: Callable[[wire.Order], bool], next_ms: int) -> None:
        """Books what all orders since `orders_since_ms` settled.

        :param orders: the orders, as REST tells them
        :param is_tracked: tells whether this bot waited for an order
        :param next_ms: the next `orders_since_ms`
        """
        for venue in orders:
            self.observe_order(venue, is_tracked(venue))
        self._settle_hours()
        self._orders_since_ms = next_ms

    def take(self, symbol: str) -> List[FundingPayment]:
        """The symbol's payments that were not taken yet, oldest first.

        :param symbol: the venue's symbol
        """
        return sorted(self._payments.pop(symbol, []), key=lambda payment: payment.time_ms)

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
        hour = symbol, time_ms // _MS_PER_INTERVAL
        if hour not in self._rates:
            try:
                rows = await self._get(path_url=CONSTANTS.FUNDING_HISTORY_PATH, params={
                    "symbol": symbol,
                    "interval": CONSTANTS.FUNDING_HISTORY_INTERVAL,
                    "startTime": time_ms - _MS_PER_INTERVAL,
                    "endTime": time_ms,
                })
                rates = [wire.FundingRate.from_payload(row) for row in wire.rows_from(rows, "funding")]
            except VestError:
                return None
            if not rates:
                return None
            self._rates[hour] = max(rates, key=lambda rate: rate.time_ms).one_hr_funding_rate
        return self._rates[hour]
