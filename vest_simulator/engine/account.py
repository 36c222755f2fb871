"""Accounts: cash, positions, leverage, orders and what else the venue keeps of them."""
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Deque, Dict, List, NamedTuple, Optional

from vest_simulator.engine.codes import Code
from vest_simulator.engine.orders import OrderStore
from vest_simulator.engine.positions import Position

_POSITION_MEMORY_MS = 60_000


class FundingPayment(NamedTuple):
    """A settled funding amount in USDC, positive when received; `order_id` is None for a settlement at the hour."""

    time_ms: int
    symbol: str
    amount: Decimal
    order_id: Optional[str]


@dataclass
class MoneyRecord:
    """An LP order or a transfer. `size` is USDC (for LP withdrawals: shares)."""

    id: str
    nonce: int
    order_type: str
    size: Decimal
    post_time_ms: int
    status: str = "FILLED"
    code: Optional[Code] = None
    chain_id: Optional[int] = None


class PositionChange(NamedTuple):
    """What a position was before a change."""

    time_ms: int
    before: Position


@dataclass
class Account:
    """One account of the venue. `cash` is its USDC without unrealized profit, `deposits` what came in less what left.

    At any time cash = deposits − LP shares + realized profit − fees + settled funding.
    """

    group: int
    cash: Decimal
    deposits: Decimal = Decimal(0)
    orders: OrderStore = field(default_factory=OrderStore)
    positions: Dict[str, Position] = field(default_factory=dict)
    leverages: Dict[str, int] = field(default_factory=dict)
    funding_payments: List[FundingPayment] = field(default_factory=list)
    lp_records: List[MoneyRecord] = field(default_factory=list)
    transfers: List[MoneyRecord] = field(default_factory=list)
    lp_shares: Decimal = Decimal(0)
    last_nonce: int = 0
    fees: Decimal = Decimal(0)
    realized_pnl: Decimal = Decimal(0)
    settled_funding: Decimal = Decimal(0)
    position_changes: Deque[PositionChange] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.deposits = self.cash

    def position(self, symbol: str) -> Position:
        """The position of a symbol; a flat one when there is none."""
        return self.positions.get(symbol) or Position(symbol)

    def remember_position(self, symbol: str, time_ms: int) -> None:
        """Notes the position as it is now, for readers that lag behind; call before a change."""
        position = self.position(symbol)
        self.position_changes.append(PositionChange(time_ms, Position(**vars(position))))
        while self.position_changes[0].time_ms < time_ms - _POSITION_MEMORY_MS:
            self.position_changes.popleft()

    def positions_at(self, time_ms: int) -> Dict[str, Position]:
        """The open positions as they were at a time within the last minute."""
        positions = dict(self.positions)
        for change in reversed(self.position_changes):
            if change.time_ms <= time_ms:
                break
            positions[change.before.symbol] = change.before
        return {symbol: position for symbol, position in positions.items() if position.size}
