"""Funding: the hourly rate, and cumFunding, which accrues continuously (protocol section 5)."""
import zlib
from bisect import bisect_right
from decimal import Decimal
from typing import List, Tuple

from vest_simulator.engine.specs import SymbolSpec

HOUR_MS = 3_600_000
CUM_DECIMALS = Decimal("1e-18")
_MOST_RATES = 10_000


class Funding:
    """The funding of one symbol. The rate is a fraction per hour; positive: longs pay.

    The rate of an hour is a function of seed, symbol and hour, until it is set.
    `cumulative` is what one unit of base has paid since the start, in USDC.
    """

    def __init__(self, seed: int, spec: SymbolSpec, multiplier: Decimal, start_ms: int) -> None:
        self._seed = seed
        self._spec = spec
        self._multiplier = multiplier
        self._accrued_ms = start_ms
        self._set_at_ms: List[int] = []
        self._set_rates: List[Decimal] = []
        self.cumulative = Decimal(0)

    def rate_at(self, time_ms: int) -> Decimal:
        """The rate in force at that time: a decimal fraction per hour; positive: longs pay."""
        position = bisect_right(self._set_at_ms, time_ms)
        if position:
            return self._set_rates[position - 1]
        noise = zlib.crc32(f"{self._seed}:{self._spec.symbol}:{time_ms // HOUR_MS}:funding".encode()) % 2001 - 500
        return self._spec.funding_rate * self._multiplier * noise / 1000

    def set_rate(self, time_ms: int, rate: Decimal) -> None:
        """From now on the rate is `rate`."""
        self._set_at_ms.append(time_ms)
        self._set_rates.append(rate)
        del self._set_at_ms[:-_MOST_RATES], self._set_rates[:-_MOST_RATES]

    def accrue(self, time_ms: int, index: Decimal) -> None:
        """Adds what accrued since the last call, hour by hour, on the index price."""
        while self._accrued_ms < time_ms:
            end_ms = min(time_ms, (self._accrued_ms // HOUR_MS + 1) * HOUR_MS)
            share = Decimal(end_ms - self._accrued_ms) / HOUR_MS
            self.cumulative += (self.rate_at(self._accrued_ms) * index * share).quantize(CUM_DECIMALS)
            self._accrued_ms = end_ms

    def history(self, interval_ms: int, start_ms: int, end_ms: int, limit: int) -> List[Tuple[int, Decimal]]:
        """(time, rate) of the newest `limit` full intervals between the two times, oldest first."""
        newest_ms = end_ms - end_ms % interval_ms
        oldest_ms = max(start_ms, newest_ms - (limit - 1) * interval_ms)
        first_ms = -(-oldest_ms // interval_ms) * interval_ms
        return [(time_ms, self.rate_at(time_ms)) for time_ms in range(first_ms, newest_ms + 1, interval_ms)]
