"""What a feed tells the exchange: prices that are not made up."""
from dataclasses import dataclass
from decimal import Decimal
from typing import Optional


@dataclass(frozen=True, slots=True)
class Update:
    """News of one symbol; None: unchanged.

    :param time_ms: the venue's time from which it holds
    :param size: what was traded at the mark price, in base; zero: nothing
    :param trading: whether the market is open
    :param funding_rate: a fraction per hour; positive: longs pay
    """

    symbol: str
    time_ms: int
    index: Optional[Decimal] = None
    mark: Optional[Decimal] = None
    size: Decimal = Decimal(0)
    trading: Optional[bool] = None
    funding_rate: Optional[Decimal] = None
