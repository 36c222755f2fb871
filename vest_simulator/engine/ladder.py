"""The quote ladder: the pool's curve around the mark price, which is the only counterparty of every order."""
import random
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import List, Optional, Tuple

from vest_simulator.engine.specs import SymbolSpec

Level = Tuple[Decimal, Decimal]
LEVELS = 40
_HALF_SPREAD = Decimal("0.0001")
_LEVEL_DISTANCE = Decimal("0.00005")


@dataclass(frozen=True)
class Ladder:
    """Both sides of the book, best price first; each level is (price, size)."""

    bids: List[Level]
    asks: List[Level]

    def side_for(self, is_buy: bool) -> List[Level]:
        """The levels an order of that direction takes."""
        return self.asks if is_buy else self.bids


def build_ladder(seed: int, spec: SymbolSpec, tick_size: Decimal, mark: Decimal, tick: int) -> Ladder:
    """Quotes `LEVELS` levels a side; sizes vary with the tick number, deterministically."""
    sizes = random.Random(f"{seed}:{spec.symbol}:{tick}:depth")
    middle = int(mark / tick_size)
    spread = max(1, int(mark * _HALF_SPREAD / tick_size))
    distance = max(1, int(mark * _LEVEL_DISTANCE / tick_size))

    def side(direction: int) -> List[Level]:
        levels = []
        for number in range(LEVELS):
            price = (middle + direction * (spread + number * distance)) * tick_size
            if price <= 0:
                break
            notional = spec.level_notional * (10 + number) * sizes.randint(70, 130) / 1000
            levels.append((price, max(spec.size_step, (notional / price).quantize(spec.size_step, ROUND_FLOOR))))
        return levels

    return Ladder(bids=side(-1), asks=side(1))


def available(levels: List[Level], is_buy: bool, limit: Optional[Decimal]) -> Decimal:
    """The total size at `limit` or better; at any price when `limit` is None."""
    return sum((size for price, size in levels
                if limit is None or (price <= limit if is_buy else price >= limit)), Decimal(0))


def average_price(levels: List[Level], is_buy: bool, skip: Decimal, size: Decimal, price_step: Decimal) -> Decimal:
    """The average price of taking `size` after `skip` has been taken already, rounded against the taker.

    :raises ValueError: when the levels hold less
    """
    cost, remaining = Decimal(0), size
    for price, level_size in levels:
        skipped = min(skip, level_size)
        skip -= skipped
        taken = min(remaining, level_size - skipped)
        cost += taken * price
        remaining -= taken
        if not remaining:
            return (cost / size).quantize(price_step, ROUND_CEILING if is_buy else ROUND_FLOOR)
    raise ValueError("The ladder is too short.")
