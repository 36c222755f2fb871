"""Index and mark prices of a symbol: a seeded random walk, or what a feed tells. Integers and decimals only."""
import random
import zlib
from decimal import Decimal
from functools import lru_cache
from typing import Tuple

from vest_simulator.engine.specs import SymbolSpec

MILLION = 1_000_000
MINUTE_MS = 60_000
_WALK_EXTRA_DECIMALS = 4
_PULL_DIVISOR = 5_000
_OCTAVES = ((MINUTE_MS, 150), (15 * MINUTE_MS, 600), (240 * MINUTE_MS, 3_000), (2_880 * MINUTE_MS, 12_000),
            (43_200 * MINUTE_MS, 40_000), (525_600 * MINUTE_MS, 100_000))


def rounded(price: Decimal, step: Decimal) -> Decimal:
    """A price in whole steps, one step at least."""
    return max(price.quantize(step), step)


class Price:
    """The index and mark price of one symbol. `pin` overrides them until `release`; `tick` counts the steps."""

    def __init__(self, spec: SymbolSpec) -> None:
        self.tick = 0
        self.pinned = False
        self._price_step = spec.price_step
        self._pinned_price = Decimal(0)

    @property
    def index(self) -> Decimal:
        """In USDC, in whole price steps."""
        return self._pinned_price if self.pinned else self._unpinned()[0]

    @property
    def mark(self) -> Decimal:
        """Equal to the index while pinned."""
        return self._pinned_price if self.pinned else self._unpinned()[1]

    @property
    def exact(self) -> Decimal:
        """The index with all its decimals, as it would be unpinned."""
        return self._unpinned()[0]

    def advance(self) -> None:
        """One tick."""
        self.tick += 1

    def pin(self, price: Decimal) -> None:
        """Index and mark stand at this price until `release`."""
        self.pinned = True
        self._pinned_price = rounded(price, self._price_step)

    def release(self) -> None:
        """Ends `pin`."""
        self.pinned = False

    def _unpinned(self) -> Tuple[Decimal, Decimal]:
        """Index and mark."""
        raise NotImplementedError


class IndexPrice(Price):
    """A random walk: a function of seed, symbol and the number of ticks, whatever the clock does.

    A weak pull towards the start price keeps it plausible over days; the mark is the index plus a small premium.
    """

    def __init__(self, seed: int, spec: SymbolSpec) -> None:
        super().__init__(spec)
        self._name = f"{seed}:{spec.symbol}:index"
        self._random = random.Random(self._name)
        self._volatility_ppm = spec.volatility_ppm
        self._start = spec.start_price
        self._quantum = spec.price_step.scaleb(-_WALK_EXTRA_DECIMALS)
        self._walk = spec.start_price
        self._premium_ppm = 0

    def advance(self) -> None:
        super().advance()
        deviation_ppm = int((self._walk / self._start - 1) * MILLION)
        step_ppm = self._random.randint(-self._volatility_ppm, self._volatility_ppm) - deviation_ppm // _PULL_DIVISOR
        self._walk = (self._walk * (MILLION + step_ppm) / MILLION).quantize(self._quantum)
        self._premium_ppm = max(-100, min(100, self._premium_ppm + self._random.randint(-10, 10)))

    @property
    def exact(self) -> Decimal:
        return self._walk

    def go_on(self, tick: int, index: Decimal) -> None:
        """Walks on from where an earlier walk stood; the same for the same seed and tick."""
        self.tick = tick
        self._walk = index
        self._random = random.Random(f"{self._name}:{tick}")

    def _unpinned(self) -> Tuple[Decimal, Decimal]:
        mark = self._walk * (MILLION + self._premium_ppm) / MILLION
        return rounded(self._walk, self._price_step), rounded(mark, self._price_step)


class FedPrice(Price):
    """What a feed said last: a recording, or another venue."""

    def __init__(self, spec: SymbolSpec) -> None:
        super().__init__(spec)
        self._last = (rounded(spec.start_price, self._price_step),) * 2

    def follow(self, index: Decimal, mark: Decimal) -> None:
        """The feed told new prices."""
        self._last = rounded(index, self._price_step), rounded(mark, self._price_step)

    def _unpinned(self) -> Tuple[Decimal, Decimal]:
        return self._last


def past_deviation_ppm(seed: int, symbol: str, time_ms: int) -> int:
    """How far the index stood from its average before the simulator ran, in millionths: value noise in octaves."""
    deviation = 0
    for period_ms, amplitude_ppm in _OCTAVES:
        bucket, offset_ms = divmod(time_ms, period_ms)
        left = _noise(seed, symbol, period_ms, bucket, amplitude_ppm)
        right = _noise(seed, symbol, period_ms, bucket + 1, amplitude_ppm)
        deviation += left + (right - left) * offset_ms // period_ms
    return deviation


@lru_cache(maxsize=10_000)
def _noise(seed: int, symbol: str, period_ms: int, bucket: int, amplitude_ppm: int) -> int:
    return zlib.crc32(f"{seed}:{symbol}:{period_ms}:{bucket}".encode()) % (2 * amplitude_ppm + 1) - amplitude_ppm
