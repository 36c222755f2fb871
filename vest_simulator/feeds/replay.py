"""A recording as it happens again: recorded times become times of the venue."""
import logging
from collections import deque
from decimal import Decimal
from fractions import Fraction
from typing import Deque, Dict, Iterator, List, NamedTuple, Optional, Tuple

from vest_simulator.engine.candles import Bar, Point
from vest_simulator.engine.feed import Update
from vest_simulator.engine.prices import MINUTE_MS, rounded
from vest_simulator.engine.specs import SymbolSpec
from vest_simulator.feeds.recording import Recording, RecordingError, Row

AT_END = ("halt", "hold", "loop")
_logger = logging.getLogger(__name__)


class _Step(NamedTuple):
    """A point of the recording; the price moves towards it steadily if it continues a bar, else it jumps."""

    symbol: str
    point: Point
    continues: bool


class Replay:
    """Tells a recording's prices at the venue's time.

    At speed 1 the recorded bars become bars of the venue: the replay begins within the first bar, at the moment that
    the venue's clock shows.

    :param start_ms: recorded time at which trading begins; what is before becomes history. None: with the first row
    :param speed: recorded seconds a second
    :param at_end: halt: all markets halt; hold: the last prices stay; loop: it begins again at the start
    :raises ValueError: for a speed of zero or less, and for another end
    """

    def __init__(self, recording: Recording, start_ms: Optional[int] = None, speed: Decimal = Decimal(1),
                 at_end: str = "halt") -> None:
        if speed <= 0 or at_end not in AT_END:
            raise ValueError(f"The speed is above zero, the end one of {', '.join(AT_END)}.")
        self.specs: Dict[str, SymbolSpec] = {}
        self._recording = recording
        self._wanted_start_ms = start_ms
        self._start_ms = 0
        self._speed = Fraction(speed)
        self._at_end = at_end
        self._span_ms = MINUTE_MS
        self._recorded_zero_ms = self._venue_zero_ms = 0
        self._rows: Iterator[Row] = iter(())
        self._next: Optional[Row] = None
        self._paths: Dict[str, Deque[_Step]] = {}
        self._last: Dict[str, Point] = {}
        self._is_over = False
        self.position_ms = 0
        """The recorded time up to which it has been told."""

    @property
    def name(self) -> str:
        """The recording's."""
        return self._recording.name

    async def open(self) -> None:
        """Checks the recording, the first time.

        :raises RecordingError: when something is wrong with it, or the start lies outside of it
        """
        if self.specs:
            return
        recording = self._recording
        recording.check()
        self._start_ms = recording.first_ms if self._wanted_start_ms is None else self._wanted_start_ms
        if not recording.first_ms <= self._start_ms < recording.last_ms:
            raise RecordingError(f"The recording lasts from {recording.first_ms} to {recording.last_ms}; "
                                 f"trading cannot begin at {self._start_ms}.")
        self._span_ms = max(MINUTE_MS, recording.longest_row_ms)
        self.specs = {spec.symbol: spec for spec in recording.specs}
        self._paths = {symbol: deque() for symbol in self.specs}

    async def close(self) -> None:
        """There is nothing to end."""

    def begin(self, now_ms: int, position_ms: Optional[int] = None) -> Iterator[Tuple[str, Bar]]:
        """Sets the venue's time against the recorded one, and returns the bars before that by symbol.

        :param position_ms: where an earlier replay stopped
        """
        begin_ms = self._start_ms if position_ms is None else min(position_ms, self._recording.last_ms)
        if self._speed == 1 and begin_ms + (now_ms - begin_ms) % self._span_ms < self._recording.last_ms:
            begin_ms += (now_ms - begin_ms) % self._span_ms
        self._recorded_zero_ms, self._venue_zero_ms = begin_ms, now_ms
        self.position_ms = begin_ms
        self._rows = self._recording.rows()
        for row in self._rows:
            if row.open_ms >= begin_ms:
                self._next = row
                break
            if row.close_ms < begin_ms:
                yield row.symbol, self._venue_bar(self._bar(row))
            else:
                for step in self._steps(row):
                    if step.point.time_ms >= begin_ms:
                        self._paths[row.symbol].append(step)
                    else:
                        self._last[row.symbol] = step.point
                        time_ms, price, size = step.point
                        yield row.symbol, self._venue_bar(Bar(time_ms, time_ms, price, price, price, price, size))

    def updates(self, now_ms: int) -> List[Update]:
        """What has happened since the last call, in the order of time."""
        try:
            return list(self._updates(now_ms))
        except RecordingError as error:
            _logger.critical("%s The recording has changed since it was checked: all markets are halted.", error)
            self._next, self._is_over = None, True
            return self._halts(now_ms)

    def _updates(self, now_ms: int) -> Iterator[Update]:
        while True:
            recorded_ms = self._recorded_ms(now_ms)
            self.position_ms = min(recorded_ms, self._recording.last_ms)
            yield from self._told_until(recorded_ms)
            if self._next is not None or any(self._paths.values()) or self._is_over:
                return
            if self._at_end != "loop":
                self._is_over = True
                yield from self._halts(now_ms) if self._at_end == "halt" else ()
                return
            self._begin_again()

    def _told_until(self, recorded_ms: int) -> Iterator[Update]:
        """The points up to a recorded time, then where the price is between two points of a bar."""
        while self._next is not None and self._next.open_ms <= recorded_ms:
            self._paths[self._next.symbol].extend(self._steps(self._next))
            self._next = next(self._rows, None)
        due: List[_Step] = []
        for path in self._paths.values():
            while path and path[0].point.time_ms <= recorded_ms:
                due.append(path.popleft())
        for step in sorted(due, key=lambda step: step.point.time_ms):
            self._last[step.symbol] = step.point
            yield self._update(step.symbol, *step.point)
        for symbol, path in self._paths.items():
            if path and path[0].continues:
                yield self._update(symbol, recorded_ms, self._between(self._last[symbol], path[0].point, recorded_ms))

    @staticmethod
    def _between(last: Point, following: Point, time_ms: int) -> Decimal:
        share = Decimal(time_ms - last.time_ms) / (following.time_ms - last.time_ms)
        return last.price + (following.price - last.price) * share

    def _begin_again(self) -> None:
        """At the end of a loop: the start of the recording, at speed 1 when a bar of the venue opens."""
        venue_ms = self._venue_ms(self._recording.last_ms) + 1
        if self._speed == 1:
            venue_ms += (self._start_ms - venue_ms) % self._span_ms
        self._recorded_zero_ms, self._venue_zero_ms = self._start_ms, venue_ms
        self._rows = (row for row in self._recording.rows() if row.open_ms >= self._start_ms)
        self._next = next(self._rows, None)
        self._is_over = self._next is None

    def _halts(self, now_ms: int) -> List[Update]:
        return [Update(symbol, now_ms, trading=False) for symbol in self.specs]

    # --- rows and times

    def _steps(self, row: Row) -> List[_Step]:
        points = self._bar(row).path(self.specs[row.symbol].size_step)
        return [_Step(row.symbol, point, number > 0) for number, point in enumerate(points)]

    def _bar(self, row: Row) -> Bar:
        step = self.specs[row.symbol].price_step
        prices = (rounded(price, step) for price in (row.open, row.high, row.low, row.close))
        return Bar(row.open_ms, row.close_ms, *prices, row.volume)

    def _venue_bar(self, bar: Bar) -> Bar:
        bar.open_ms, bar.close_ms = self._venue_ms(bar.open_ms), max(
            self._venue_ms(bar.open_ms), self._venue_ms(bar.close_ms + 1) - 1)
        return bar

    def _update(self, symbol: str, recorded_ms: int, price: Decimal, size: Decimal = Decimal(0)) -> Update:
        return Update(symbol, self._venue_ms(recorded_ms), price, price, size)

    def _venue_ms(self, recorded_ms: int) -> int:
        return self._venue_zero_ms + int((recorded_ms - self._recorded_zero_ms) // self._speed)

    def _recorded_ms(self, venue_ms: int) -> int:
        return self._recorded_zero_ms + int((venue_ms - self._venue_zero_ms) * self._speed)
