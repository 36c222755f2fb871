"""Orders, fills and an account's order book-keeping."""
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from itertools import islice
from typing import Dict, Iterator, List, Optional

from vest_simulator.engine.codes import Code


class OrderType(str, Enum):
    """The kinds of orders (protocol section 5); LIQUIDATION is the venue's own."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP_LOSS = "STOP_LOSS"
    TAKE_PROFIT = "TAKE_PROFIT"
    LIQUIDATION = "LIQUIDATION"


class OrderStatus(str, Enum):
    """The states of an order (protocol section 5)."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"

    @property
    def is_open(self) -> bool:
        """Whether more of the order can be filled."""
        return self in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


class TimeInForce(str, Enum):
    """Of LIMIT orders alone (protocol section 5); FOK is filled whole at once, or not at all."""

    GTC = "GTC"
    FOK = "FOK"


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a client asks for; sizes in base, prices in USDC."""

    nonce: int
    symbol: str
    is_buy: bool
    size: Decimal
    order_type: OrderType
    limit_price: Decimal
    reduce_only: bool = False
    time_in_force: TimeInForce = TimeInForce.GTC
    tp_price: Optional[Decimal] = None
    sl_price: Optional[Decimal] = None


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. `fee` includes premium and penalties; `settled_funding` is positive when received (both USDC)."""

    size: Decimal
    price: Decimal
    fee: Decimal
    settled_funding: Decimal
    realized_pnl: Decimal
    cum_funding: Decimal
    mark_price: Decimal
    time_ms: int


@dataclass(slots=True)
class Order:
    """An order at the venue, open or done."""

    id: str
    request: OrderRequest
    post_time_ms: int
    init_margin_ratio: Decimal
    mark_price: Decimal
    part_size: Decimal
    status: OrderStatus = OrderStatus.NEW
    code: Optional[Code] = None
    fills: List[Fill] = field(default_factory=list)
    next_part_tick: int = 0

    @property
    def filled_size(self) -> Decimal:
        """In base."""
        return sum((fill.size for fill in self.fills), Decimal(0))

    @property
    def remaining(self) -> Decimal:
        """What is not filled, in base."""
        return self.request.size - self.filled_size

    @property
    def signed_remaining(self) -> Decimal:
        """What is not filled, in base: positive for a buy, negative for a sell."""
        return self.remaining if self.request.is_buy else -self.remaining

    @property
    def fees(self) -> Decimal:
        """Of all fills, in USDC."""
        return sum((fill.fee for fill in self.fills), Decimal(0))

    @property
    def settled_funding(self) -> Decimal:
        """Of all fills, in USDC; positive: received."""
        return sum((fill.settled_funding for fill in self.fills), Decimal(0))

    @property
    def realized_pnl(self) -> Decimal:
        """Of all fills, in USDC."""
        return sum((fill.realized_pnl for fill in self.fills), Decimal(0))

    @property
    def average_price(self) -> Optional[Decimal]:
        """Of all fills, unrounded; None before the first."""
        if not self.fills:
            return None
        return sum(fill.size * fill.price for fill in self.fills) / self.filled_size


class OrderStore:
    """All orders of an account: kept until `forget`, found quickly by id, nonce, time and openness."""

    def __init__(self) -> None:
        self._in_time: List[Order] = []
        self._times_ms: List[int] = []
        self._by_id: Dict[str, Order] = {}
        self._by_nonce: Dict[int, Order] = {}
        self._open: Dict[str, Order] = {}

    def __len__(self) -> int:
        return len(self._in_time)

    def __iter__(self) -> Iterator[Order]:
        return iter(self._in_time)

    def add(self, order: Order) -> None:
        """Keeps an order; orders come in the sequence of their post times."""
        self._in_time.append(order)
        self._times_ms.append(order.post_time_ms)
        self._by_id[order.id] = order
        self._by_nonce.setdefault(order.request.nonce, order)
        if order.status.is_open:
            self._open[order.id] = order

    def close(self, order: Order) -> None:
        """Takes an order that has ended off the open ones."""
        self._open.pop(order.id, None)

    def since(self, count: int) -> List[Order]:
        """All orders but the first `count` ones, in the sequence of their post times."""
        return self._in_time[count:]

    def forget(self, most: int) -> List[Order]:
        """Forgets the oldest orders that have ended, when there are clearly more than `most`; returns them."""
        surplus = len(self._in_time) - len(self._open) - most
        if surplus < most // 10:
            return []
        gone = list(islice((order for order in self._in_time if not order.status.is_open), surplus))
        ids = {order.id for order in gone}
        self._in_time = [order for order in self._in_time if order.id not in ids]
        self._times_ms = [order.post_time_ms for order in self._in_time]
        for order in gone:
            del self._by_id[order.id]
            if self._by_nonce.get(order.request.nonce) is order:
                del self._by_nonce[order.request.nonce]
        return gone

    def by_id(self, order_id: str) -> Optional[Order]:
        """The order with that id, if there is one."""
        return self._by_id.get(order_id)

    def by_nonce(self, nonce: int) -> Optional[Order]:
        """The order that was sent with that nonce, if there is one."""
        return self._by_nonce.get(nonce)

    def open_orders(self) -> List[Order]:
        """All open orders, oldest first."""
        return list(self._open.values())

    def newest_first(self, start_ms: Optional[int], end_ms: Optional[int]) -> Iterator[Order]:
        """The orders posted between two times, both included."""
        first = 0 if start_ms is None else bisect_left(self._times_ms, start_ms)
        last = len(self._in_time) if end_ms is None else bisect_right(self._times_ms, end_ms)
        return (self._in_time[position] for position in range(last - 1, first - 1, -1))
