"""The simulator's clock: wall time plus an offset that only moves forward."""
import time


class Clock:
    """Milliseconds since the epoch; never runs backwards, not even when the machine's clock is set back.

    :param offset_ms: how far it is ahead of the machine's clock at the start; negative: behind
    """

    def __init__(self, offset_ms: int = 0) -> None:
        self._offset_ms = offset_ms
        self._last_ms = 0

    def now_ms(self) -> int:
        self._last_ms = max(self._last_ms, time.time_ns() // 1_000_000 + self._offset_ms)
        return self._last_ms

    def advance(self, ms: int) -> int:
        """Moves the clock forward by `ms` and returns the new time. :raises ValueError: for a negative number."""
        if ms < 0:
            raise ValueError("The clock only moves forward.")
        self._offset_ms += ms
        return self.now_ms()
