"""The venue's request limiter: a sliding window of one minute per API key or address."""
from collections import deque
from typing import Deque, Dict

from vest_simulator.config import RateLimits

WINDOW_MS = 60_000


class Limiter:
    """Counts every REST request; `tripped` counts those that were refused."""

    def __init__(self, limits: RateLimits) -> None:
        self.limits = limits
        self.tripped = 0
        self.most_per_minute = 0
        self._seen: Dict[str, Deque[int]] = {}

    def admit(self, client: str, time_ms: int) -> bool:
        """Whether one more request of that client is within the limit; a refused one does not count."""
        window = self._window(client, time_ms)
        if len(window) >= self.limits.requests_per_minute:
            self.tripped += 1
            return False
        window.append(time_ms)
        self.most_per_minute = max(self.most_per_minute, len(window))
        return True

    def retry_after_s(self, client: str, time_ms: int) -> int:
        """Full seconds until the next request would be admitted, at least one."""
        window = self._window(client, time_ms)
        return max(1, -(-(window[0] + WINDOW_MS - time_ms) // 1000)) if window else 1

    def seen_last_minute(self, time_ms: int) -> int:
        """Admitted requests of the last minute, of the busiest client."""
        return max((len(self._window(client, time_ms)) for client in list(self._seen)), default=0)

    def _window(self, client: str, time_ms: int) -> Deque[int]:
        window = self._seen.setdefault(client, deque())
        while window and window[0] <= time_ms - WINDOW_MS:
            window.popleft()
        return window
