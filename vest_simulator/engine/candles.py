"""Candles: the newest 501 bars of every interval, without gaps, the past made up from seeded noise."""
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from itertools import islice
from typing import Callable, Deque, Dict, List

from vest_simulator.engine.prices import MINUTE_MS

MAX_BARS = 501
DAY_MS = 1_440 * MINUTE_MS
INTERVALS_MS: Dict[str, int] = {
    "1m": MINUTE_MS, "3m": 3 * MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS, "2h": 120 * MINUTE_MS, "4h": 240 * MINUTE_MS, "6h": 360 * MINUTE_MS, "8h": 480 * MINUTE_MS,
    "12h": 720 * MINUTE_MS, "1d": DAY_MS, "3d": 3 * DAY_MS, "1w": 7 * DAY_MS, "1M": 0,
}
_MONDAY_MS = 4 * DAY_MS
_INNER_SAMPLES = 2


def bar_open_ms(interval: str, time_ms: int) -> int:
    """When the bar that contains `time_ms` opens (UTC; weeks start on Monday, months on the first)."""
    if interval == "1M":
        day = datetime.fromtimestamp(time_ms // 1000, timezone.utc)
        return int(datetime(day.year, day.month, 1, tzinfo=timezone.utc).timestamp()) * 1000
    origin_ms = _MONDAY_MS if interval == "1w" else 0
    return time_ms - (time_ms - origin_ms) % INTERVALS_MS[interval]


def next_open_ms(interval: str, open_ms: int) -> int:
    """When the bar after the one that opens at `open_ms` opens."""
    if interval == "1M":
        return bar_open_ms(interval, open_ms + 32 * DAY_MS)
    return open_ms + INTERVALS_MS[interval]


@dataclass
class Bar:
    """One candle; `close_ms` is the last millisecond that belongs to it."""

    open_ms: int
    close_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = Decimal(0)
    quote_volume: Decimal = Decimal(0)
    trades: int = 0

    def update(self, price: Decimal) -> None:
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price


class CandleSeries:
    """The bars of one symbol and interval. The past before the live prices is made up when it is first asked for.

    :param past_price: the price at a time before `start_ms`
    :param start_ms: when the live prices begin
    """

    def __init__(self, interval: str, past_price: Callable[[int], Decimal], start_ms: int, size_step: Decimal) -> None:
        self.interval = interval
        self._past_price = past_price
        self._size_step = size_step
        self._bars: Deque[Bar] = deque([self._past_bar(bar_open_ms(interval, start_ms), start_ms)], MAX_BARS)

    def _past_bar(self, open_ms: int, end_ms: int) -> Bar:
        samples = [self._past_price(open_ms + (end_ms - open_ms) * part // (_INNER_SAMPLES + 1))
                   for part in range(_INNER_SAMPLES + 2)]
        trades = 1 + (end_ms - open_ms) // 4_000
        volume = trades * self._size_step * (3 + open_ms // MINUTE_MS % 7)
        return Bar(open_ms, next_open_ms(self.interval, open_ms) - 1, samples[0], max(samples), min(samples),
                   samples[-1], volume, volume * samples[-1], trades)

    def update(self, time_ms: int, price: Decimal) -> None:
        """Takes a new price; opens bars, also for the time that passed without any."""
        self._roll(time_ms)
        self._bars[-1].update(price)

    def add_trade(self, time_ms: int, price: Decimal, size: Decimal) -> None:
        self.update(time_ms, price)
        bar = self._bars[-1]
        bar.volume += size
        bar.quote_volume += size * price
        bar.trades += 1

    def absorb(self, bar: Bar) -> None:
        """Takes over what happened during a bar of a shorter interval."""
        for price in (bar.open, bar.high, bar.low, bar.close):
            self.update(bar.close_ms, price)
        self._bars[-1].volume += bar.volume
        self._bars[-1].quote_volume += bar.quote_volume
        self._bars[-1].trades += bar.trades

    def newest(self, count: int = MAX_BARS) -> List[Bar]:
        """The newest bars, oldest first."""
        while len(self._bars) < min(count, MAX_BARS):
            end_ms = self._bars[0].open_ms
            self._bars.appendleft(self._past_bar(bar_open_ms(self.interval, end_ms - 1), end_ms))
        return list(islice(self._bars, len(self._bars) - min(count, MAX_BARS), None))

    def _roll(self, time_ms: int) -> None:
        while time_ms > self._bars[-1].close_ms:
            last = self._bars[-1]
            open_ms = last.close_ms + 1
            price = last.close
            self._bars.append(Bar(open_ms, next_open_ms(self.interval, open_ms) - 1, price, price, price, price))
