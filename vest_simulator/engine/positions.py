"""Position arithmetic: increase, reduce, close, flip, funding. Exact: what is booked always adds up."""
from dataclasses import dataclass
from decimal import Decimal

_COST_DECIMALS = Decimal("1e-12")


@dataclass
class Position:
    """A position of one symbol. `size` is signed: negative is short.

    :param cost: signed cost of the open size in USDC (size × entry price)
    :param entry_funding: cumFunding up to which funding is settled
    :param settled_funding: funding settled since the position was opened; positive: received
    """

    symbol: str
    size: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    entry_funding: Decimal = Decimal(0)
    settled_funding: Decimal = Decimal(0)

    @property
    def entry_price(self) -> Decimal:
        """The average price in USDC; 0 without a position."""
        return self.cost / self.size if self.size else Decimal(0)

    @property
    def is_long(self) -> bool:
        """False for a short position, and for none."""
        return self.size > 0

    def price_pnl(self, mark: Decimal) -> Decimal:
        """Unrealized profit at a mark price, without funding, in USDC."""
        return self.size * mark - self.cost

    def pending_funding(self, cum_funding: Decimal) -> Decimal:
        """Funding not settled yet; positive: to be received, in USDC."""
        return -self.size * (cum_funding - self.entry_funding)

    def settle_funding(self, cum_funding: Decimal, quantum: Decimal) -> Decimal:
        """Books the pending funding, rounded to `quantum`, and returns it."""
        payment = self.pending_funding(cum_funding).quantize(quantum)
        self.entry_funding = cum_funding
        self.settled_funding += payment
        return payment

    def increases(self, signed_size: Decimal) -> bool:
        """Whether a trade of that signed size leaves a larger position, on either side."""
        return abs(self.size + signed_size) > abs(self.size)

    def trade(self, signed_size: Decimal, price: Decimal) -> Decimal:
        """Applies a fill and returns the realized profit in USDC. Settle funding before."""
        closing = Decimal(0)
        if self.size and (signed_size > 0) != (self.size > 0):
            closing = max(-abs(self.size), min(abs(self.size), signed_size))
        realized = self._close(closing, price) if closing else Decimal(0)
        opening = signed_size - closing
        if opening and not self.size:
            self.settled_funding = Decimal(0)
        self.size += opening
        self.cost += opening * price
        return realized

    def _close(self, signed_size: Decimal, price: Decimal) -> Decimal:
        share = (self.cost * -signed_size / self.size).quantize(_COST_DECIMALS)
        self.cost -= share
        self.size += signed_size
        return -signed_size * price - share
