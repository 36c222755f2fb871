"""The simulator's clock: wall time plus an offset that only moves forward, at a speed of its own if it is to drift."""
import time


class Clock:
    """Milliseconds since the epoch; never runs backwards, not even when the machine's clock is set back.

    :param offset_ms: how far it is ahead of the machine's clock at the start; negative: behind
    """

    def __init__(self, offset_ms: int = 0) -> None:
        self._offset_ms = offset_ms
        self._drift = 0.0
        self._drifts_since_ms = 0
        self._last_ms = 0

    def now_ms(self) -> int:
        """The venue's time; it never goes back."""
        wall_ms = time.time_ns() // 1_000_000
        drifted_ms = int((wall_ms - self._drifts_since_ms) * self._drift)
        self._last_ms = max(self._last_ms, wall_ms + self._offset_ms + drifted_ms)
        return self._last_ms

    def advance(self, ms: int) -> int:
        """Moves the clock forward by `ms` and returns the new time. :raises ValueError: for a negative number."""
        if ms < 0:
            raise ValueError("The clock only moves forward.")
        self._offset_ms += ms
        return self.now_ms()

    def set_drift(self, drift: float) -> None:
        """From now on the clock gains so many seconds a second; below zero it loses them.

        :raises ValueError: for -1 or less, with which it would stand still or run backwards
        """
        if not -1 < drift < float("inf"):
            raise ValueError("A clock can lose less than a second a second.")
        now_ms = self.now_ms()
        self._drift = drift
        self._drifts_since_ms = time.time_ns() // 1_000_000
        self._offset_ms = now_ms - self._drifts_since_ms
