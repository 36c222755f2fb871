"""What is told of the time before the prices that are known: made up from seeded noise, or one price that stood."""
from decimal import Decimal
from typing import Iterator, List

from vest_simulator.engine.candles import DAY_MS, INTERVALS_MS, MAX_BARS, Bar, bar_open_ms, next_open_ms
from vest_simulator.engine.prices import MILLION, MINUTE_MS, past_deviation_ppm, rounded
from vest_simulator.engine.specs import SymbolSpec

# The made-up past consists of minutes, and of longer parts where no client can see the difference: a part of the
# first length is used from the age on at which the bars that it would not fit into are no longer among the newest.
_PARTS = (("1M", "1w"), ("1d", "12h"), ("12h", "8h"), ("2h", "1h"), ("1h", "30m"), ("30m", "15m"), ("15m", "5m"),
          ("5m", "3m"))
_TRADES_A_MINUTE = 4


class MadeUpPast:
    """Seeded noise that ends at the start price: a function of seed, symbol and time.

    :param start_ms: when it ends
    """

    def __init__(self, seed: int, spec: SymbolSpec, start_price: Decimal, start_ms: int) -> None:
        self._seed = seed
        self._spec = spec
        self._start_price = start_price
        self._start_deviation_ppm = past_deviation_ppm(seed, spec.symbol, start_ms)
        self._lengths = [(length, start_ms - MAX_BARS * INTERVALS_MS[longest]) for length, longest in _PARTS]

    def price_at(self, time_ms: int) -> Decimal:
        """The price in USDC at that time, at `start_ms` or before."""
        deviation_ppm = past_deviation_ppm(self._seed, self._spec.symbol, time_ms) - self._start_deviation_ppm
        return rounded(self._start_price * (MILLION + deviation_ppm) / MILLION, self._spec.price_step)

    def bars(self, open_ms: int, end_ms: int) -> List[Bar]:
        """Bars of a minute or more, one after the other, from `open_ms` to before `end_ms`."""
        return list(self._parts(open_ms, end_ms))

    def _parts(self, open_ms: int, end_ms: int) -> Iterator[Bar]:
        price = self.price_at(open_ms)
        while open_ms < end_ms:
            next_ms = self._part_end_ms(open_ms, end_ms)
            samples = [price, price := self.price_at(next_ms)]
            if MINUTE_MS < next_ms - open_ms < DAY_MS:  # within a minute the noise is a straight line
                samples.append(self.price_at((open_ms + next_ms) // 2))
            trades = _TRADES_A_MINUTE * -(-(next_ms - open_ms) // MINUTE_MS)
            volume = trades * 4 * self._spec.size_step * (3 + open_ms // MINUTE_MS % 7)
            bar = Bar(open_ms, next_ms - 1, samples[0], max(samples), min(samples), price, volume)
            bar.traded(self._spec.size_step).trades = trades
            yield bar
            open_ms = next_ms

    def _part_end_ms(self, open_ms: int, end_ms: int) -> int:
        for length, newest_ms in self._lengths:
            next_ms = next_open_ms(length, open_ms)
            if bar_open_ms(length, open_ms) == open_ms and next_ms <= min(end_ms, newest_ms):
                return next_ms
        return min(end_ms, next_open_ms("1m", bar_open_ms("1m", open_ms)))


class FlatPast:
    """One price, and no trades."""

    def __init__(self, price: Decimal) -> None:
        self._price = price

    def price_at(self, time_ms: int) -> Decimal:
        """The one price."""
        return self._price

    def bars(self, open_ms: int, end_ms: int) -> List[Bar]:
        """None: nothing was traded."""
        return []
