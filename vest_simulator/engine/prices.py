"""Index prices: a seeded random walk for the present, seeded noise for the past. Integers and decimals only."""
import random
import zlib
from decimal import Decimal
from functools import lru_cache

from vest_simulator.engine.specs import SymbolSpec

MILLION = 1_000_000
MINUTE_MS = 60_000
_WALK_EXTRA_DECIMALS = 4
_PULL_DIVISOR = 5_000
_OCTAVES = ((MINUTE_MS, 150), (15 * MINUTE_MS, 600), (240 * MINUTE_MS, 3_000), (2_880 * MINUTE_MS, 12_000),
            (43_200 * MINUTE_MS, 40_000), (525_600 * MINUTE_MS, 100_000))


class IndexPrice:
    """The index of one symbol: a function of seed, symbol and the number of ticks, whatever the clock does.

    A weak pull towards the start price keeps it plausible over days. `pin` overrides it until `release`.
    """

    def __init__(self, seed: int, spec: SymbolSpec) -> None:
        self.tick = 0
        self.pinned = False
        self._random = random.Random(f"{seed}:{spec.symbol}:index")
        self._volatility_ppm = spec.volatility_ppm
        self._start = spec.start_price
        self._quantum = spec.price_step.scaleb(-_WALK_EXTRA_DECIMALS)
        self._price_step = spec.price_step
        self._walk = spec.start_price
        self._premium_ppm = 0
        self._pinned_price = Decimal(0)

    @property
    def index(self) -> Decimal:
        return self._pinned_price if self.pinned else self._rounded(self._walk)

    @property
    def mark(self) -> Decimal:
        """The index plus a small premium; equal to the index while pinned."""
        return self.index if self.pinned else self._rounded(self._walk * (MILLION + self._premium_ppm) / MILLION)

    def advance(self) -> None:
        """One tick."""
        self.tick += 1
        deviation_ppm = int((self._walk / self._start - 1) * MILLION)
        step_ppm = self._random.randint(-self._volatility_ppm, self._volatility_ppm) - deviation_ppm // _PULL_DIVISOR
        self._walk = (self._walk * (MILLION + step_ppm) / MILLION).quantize(self._quantum)
        self._premium_ppm = max(-100, min(100, self._premium_ppm + self._random.randint(-10, 10)))

    def pin(self, price: Decimal) -> None:
        self.pinned = True
        self._pinned_price = self._rounded(price)

    def release(self) -> None:
        self.pinned = False

    def _rounded(self, price: Decimal) -> Decimal:
        return max(price.quantize(self._price_step), self._price_step)


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
