"""Candles: the newest 501 bars of every interval, without gaps, all folded out of one history of prices."""
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import ROUND_FLOOR, Decimal
from itertools import islice
from typing import Deque, Dict, List, NamedTuple, Optional, Protocol

from vest_simulator.engine.prices import MINUTE_MS

MAX_BARS = 501
DAY_MS = 1_440 * MINUTE_MS
INTERVALS_MS: Dict[str, int] = {
    "1m": MINUTE_MS, "3m": 3 * MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS, "2h": 120 * MINUTE_MS, "4h": 240 * MINUTE_MS, "6h": 360 * MINUTE_MS, "8h": 480 * MINUTE_MS,
    "12h": 720 * MINUTE_MS, "1d": DAY_MS, "3d": 3 * DAY_MS, "1w": 7 * DAY_MS, "1M": 0,
}
_LONGEST_MONTH_MS = 31 * DAY_MS
_MONDAY_MS = 4 * DAY_MS


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


class Point(NamedTuple):
    """A price at a time, and what was traded at it, in base (zero: nothing)."""

    time_ms: int
    price: Decimal
    size: Decimal


@dataclass(slots=True)
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

    @classmethod
    def flat(cls, open_ms: int, close_ms: int, price: Decimal) -> "Bar":
        """A bar in which nothing happened."""
        return cls(open_ms, close_ms, price, price, price, price)

    def update(self, price: Decimal) -> None:
        """The price moved, with or without a trade."""
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price

    def add_trade(self, price: Decimal, size: Decimal) -> None:
        """Adds to the volumes: `size` in base; the price is another matter (see `update`)."""
        self.volume += size
        self.quote_volume += size * price
        self.trades += 1

    def absorb(self, bar: "Bar") -> None:
        """Takes over what happened during a shorter bar that lies within this one."""
        if bar.open_ms == self.open_ms:
            self.open, self.high, self.low = bar.open, bar.high, bar.low
        self.high = max(self.high, bar.high)
        self.low = min(self.low, bar.low)
        self.close = bar.close
        self.volume += bar.volume
        self.quote_volume += bar.quote_volume
        self.trades += bar.trades

    def path(self, size_step: Decimal) -> List[Point]:
        """The way the price is taken to have gone, linearly: open, low, high, close in a bar that rose, open, high,
        low, close in one that fell; a quarter of the volume is traded at each. A bar without length is one point.
        """
        whole = self.volume.quantize(size_step, ROUND_FLOOR)
        if self.close_ms == self.open_ms:
            return [Point(self.open_ms, self.close, whole)]
        middle = (self.low, self.high) if self.close >= self.open else (self.high, self.low)
        span_ms = self.close_ms - self.open_ms
        times_ms = (self.open_ms, self.open_ms + span_ms // 3, self.open_ms + 2 * span_ms // 3, self.close_ms)
        quarter = (whole / 4).quantize(size_step, ROUND_FLOOR)
        sizes = (quarter, quarter, quarter, whole - 3 * quarter)
        return [Point(*values) for values in zip(times_ms, (self.open, *middle, self.close), sizes)]

    def traded(self, size_step: Decimal) -> "Bar":
        """The same bar with the trades of its path: their number, and their sums as its volumes."""
        points = [point for point in self.path(size_step) if point.size]
        self.volume = sum((point.size for point in points), Decimal(0))
        self.quote_volume = sum((point.size * point.price for point in points), Decimal(0))
        self.trades = len(points)
        return self


class Past(Protocol):
    """The prices before those that a series has been told."""

    def price_at(self, time_ms: int) -> Decimal:
        """The price at a time."""

    def bars(self, open_ms: int, end_ms: int) -> List[Bar]:
        """Bars that fill the time from `open_ms` to `end_ms`, oldest first."""


class CandleSeries:
    """The bars of one symbol and interval. Older ones are asked of the past when they are needed.

    :param past: what was before `start_ms`, when the series begins to be told
    :param live_ms: when trading begins; bars that nobody can see by then are not kept
    """

    def __init__(self, interval: str, past: Past, start_ms: int, live_ms: int) -> None:
        self.interval = interval
        self._past = past
        self._length_ms = INTERVALS_MS[interval] or _LONGEST_MONTH_MS
        self._horizon_ms = live_ms - MAX_BARS * self._length_ms
        self._first_ms: Optional[int] = start_ms
        open_ms = bar_open_ms(interval, start_ms)
        first = Bar.flat(open_ms, next_open_ms(interval, open_ms) - 1, past.price_at(start_ms))
        self._bars: Deque[Bar] = deque([first], MAX_BARS)

    def update(self, time_ms: int, price: Decimal) -> None:
        """Takes a new price; opens bars, also for the time that passed without any."""
        if time_ms > self._bars[-1].close_ms:
            self._roll(time_ms, price)
        if price != self._bars[-1].close:
            self._bars[-1].update(price)

    def add_trade(self, time_ms: int, price: Decimal, size: Decimal) -> None:
        """A trade of `size` base at a price: it moves the bar and counts in it."""
        self.update(time_ms, price)
        self._bars[-1].add_trade(price, size)

    def absorb(self, bar: Bar, size_step: Decimal) -> None:
        """Takes over what happened during a bar of any length."""
        if bar.close_ms < self._horizon_ms:
            self._bars[-1].close = bar.close
        elif bar_open_ms(self.interval, bar.open_ms) == bar_open_ms(self.interval, bar.close_ms):
            self._roll(bar.open_ms, bar.open)
            self._bars[-1].absorb(bar)
        else:
            self.follow(bar.path(size_step))

    def follow(self, points: List[Point]) -> None:
        """Takes prices and trades one after another."""
        for point in points:
            if point.size:
                self.add_trade(*point)
            else:
                self.update(point.time_ms, point.price)

    def newest(self, count: int = MAX_BARS) -> List[Bar]:
        """The newest bars, oldest first."""
        self._complete_first()
        while len(self._bars) < min(count, MAX_BARS):
            end_ms = self._bars[0].open_ms
            self._bars.appendleft(self._past_bar(bar_open_ms(self.interval, end_ms - 1), end_ms))
        return list(islice(self._bars, len(self._bars) - min(count, MAX_BARS), None))

    def _complete_first(self) -> None:
        """The bar in which the series began also has a past; it is asked for once somebody wants to see bars."""
        begun_ms, self._first_ms = self._first_ms, None
        if begun_ms is not None and self._bars[0].open_ms < begun_ms <= self._bars[0].close_ms:
            known, self._bars[0] = self._bars[0], self._past_bar(self._bars[0].open_ms, begun_ms)
            known.open_ms = begun_ms
            self._bars[0].absorb(known)

    def _past_bar(self, open_ms: int, end_ms: int) -> Bar:
        bar = Bar.flat(open_ms, next_open_ms(self.interval, open_ms) - 1, self._past.price_at(open_ms))
        for part in self._past.bars(open_ms, end_ms):
            bar.absorb(part)
        return bar

    def _roll(self, time_ms: int, price: Decimal) -> None:
        """Opens bars until one holds `time_ms`; a price at the very moment at which a bar opens is its open."""
        if time_ms - self._bars[-1].close_ms > (MAX_BARS + 1) * self._length_ms:
            open_ms = bar_open_ms(self.interval, time_ms - MAX_BARS * self._length_ms)
            last = self._bars[-1]
            self._bars.clear()
            self._bars.append(Bar.flat(open_ms, next_open_ms(self.interval, open_ms) - 1, last.close))
        while time_ms > self._bars[-1].close_ms:
            last = self._bars[-1]
            open_ms = last.close_ms + 1
            first = price if open_ms == time_ms else last.close
            self._bars.append(Bar.flat(open_ms, next_open_ms(self.interval, open_ms) - 1, first))
