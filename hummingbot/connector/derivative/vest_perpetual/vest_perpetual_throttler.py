"""At what pace the venue is asked: pauses between attempts, and rate limits.

The venue publishes no limits. Those of the constants are guesses, and only its own words tell how fast is too fast.
"""
import asyncio
import random
import time
from collections import defaultdict
from decimal import Decimal
from typing import Callable, DefaultDict, Deque, Dict, Iterable, Optional, Tuple

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.core.api_throttler.async_throttler import AsyncRequestContext, AsyncThrottler
from hummingbot.core.api_throttler.data_types import RateLimit, TaskLog


class Backoff:
    """Growing pauses between attempts: each is twice the last, half of it random, so that many bots do not return at
    the same moment (framework gap B12).

    :param min_s: the first pause, in seconds
    :param max_s: the longest pause, in seconds
    :param draw: gives a random number from 0 to 1
    """

    def __init__(self, min_s: float, max_s: float, draw: Callable[[], float] = random.random):
        self._min_s = min_s
        self._max_s = max_s
        self._draw = draw
        self._pause_s = min_s

    def next_s(self) -> float:
        """The pause before the next attempt, in seconds."""
        pause_s = self._pause_s
        self._pause_s = min(self._max_s, 2 * pause_s)
        return pause_s * (1 + self._draw()) / 2

    def ease(self) -> None:
        """Takes back one doubling."""
        self._pause_s = max(self._min_s, self._pause_s / 2)

    def reset(self) -> None:
        """The next pause is the shortest again."""
        self._pause_s = self._min_s


class _RequestLog(Deque[TaskLog]):
    """The throttler's log of the requests in the window, oldest first, with the sums of their weights by limit.

    The framework dates them by the wall clock: one that is set back would keep them in the window until it has caught
    up, and one that is set forward would forget them.

    :param monotonic_s: dates them instead
    """

    def __init__(self, monotonic_s: Callable[[], float]):
        super().__init__()
        self.used: DefaultDict[str, int] = defaultdict(int)  # a Counter says zero in Python, which orders wait for
        self._monotonic_s = monotonic_s

    def add(self, limits: Iterable[Tuple[RateLimit, int]]) -> None:
        """A request was let through.

        :param limits: those it counts for, with its weight in each
        """
        now_s = self._monotonic_s()
        for limit, weight in limits:
            self.append(TaskLog(timestamp=now_s, rate_limit=limit, weight=weight))
            self.used[limit.limit_id] += weight

    def popleft(self) -> TaskLog:
        request = super().popleft()
        self.used[request.rate_limit.limit_id] -= request.weight
        return request

    def clear(self) -> None:
        super().clear()
        self.used.clear()


class _RequestContext(AsyncRequestContext):
    """The framework's, which walks its whole log twice for every request and reckons each entry's age in decimals
    (framework gap B18). All our limits have one window, so the oldest entries are the ones that leave it, and sums can
    be kept. Whenever the limits seem to be reached, it is the base that decides and says so.

    :param throttler: whose holds are waited for
    """

    def __init__(self, throttler: "VestThrottler", limit_id: str):
        limit, linked = throttler.get_related_limits(limit_id)
        super().__init__(
            throttler._task_logs, limit, linked, throttler._lock, throttler._safety_margin_pct,
            throttler._retry_interval,
        )
        self._throttler = throttler
        self._limits = [(limit, limit.weight), *linked]

    async def acquire(self) -> None:
        if self._throttler.hold_s == 0:
            # Nothing here gives way to another task, nor does the base while it has its lock: none to wait for.
            self.flush()
            if self._is_free():
                self._log_acquired_task()
                return
        await self._throttler.wait_for_hold()
        await super().acquire()
        await self._throttler.wait_for_hold()  # one may have begun meanwhile

    def flush(self) -> None:
        now_s = self._time()
        window_s = CONSTANTS.RATE_LIMIT_INTERVAL_S * (1 + self._safety_margin_pct)
        while self._task_logs and now_s - self._task_logs[0].timestamp > window_s:
            self._task_logs.popleft()

    def within_capacity(self) -> bool:
        return self._is_free() or super().within_capacity()

    def _is_free(self) -> bool:
        used = self._task_logs.used
        for limit, weight in self._limits:
            if used[limit.limit_id] + weight > limit.limit:
                return False
        return True

    def _log_acquired_task(self) -> None:
        self._task_logs.add(self._limits)

    def _time(self) -> float:
        return self._throttler.monotonic_s()


class VestThrottler(AsyncThrottler):
    """The framework's throttler, which also stops everything when the venue wants fewer requests.

    The venue publishes no limits, so ours are guesses and only its own words (HTTP 429 or code 1003) tell how fast is
    too fast; the framework's throttler has no ear for them.

    :param share_pct: the part of the limits this bot may use, in percent
    :param monotonic_s: a clock that never jumps, in seconds
    :param backoff: the pauses after refusals that name none
    """

    def __init__(
            self,
            share_pct: Decimal = Decimal(100),
            monotonic_s: Callable[[], float] = time.monotonic,
            backoff: Optional[Backoff] = None,
    ):
        super().__init__(rate_limits=CONSTANTS.RATE_LIMITS, limits_share_percentage=share_pct)
        self.monotonic_s = monotonic_s
        self._task_logs = _RequestLog(monotonic_s)
        # By limit. They keep nothing of a request, so that one serves all, where the framework makes one for each.
        self._contexts: Dict[str, _RequestContext] = {}
        self._backoff = backoff or Backoff(CONSTANTS.RATE_LIMIT_HOLD_MIN_S, CONSTANTS.RATE_LIMIT_HOLD_MAX_S)
        self._held_until_s = float("-inf")

    @property
    def hold_s(self) -> float:
        """For how long nothing will be sent, in seconds."""
        return max(0.0, self._held_until_s - self.monotonic_s())

    def execute_task(self, limit_id: str) -> AsyncRequestContext:
        """As in the base, but waits for the end of a hold too; one may begin while it waits for capacity.

        :param limit_id: which of the rate limits the request counts for
        """
        context = self._contexts.get(limit_id)
        if context is None:
            context = self._contexts[limit_id] = _RequestContext(self, limit_id)
        return context

    async def wait_for_hold(self) -> None:
        """Waits until something may be sent again."""
        while (pause_s := self.hold_s) > 0:
            await asyncio.sleep(pause_s)

    def note_refusal(self, retry_after_s: Optional[float]) -> None:
        """The venue wants fewer requests: everything holds. Requests that were already on their way do not prolong it.

        :param retry_after_s: how long the venue asks to wait, in seconds; None or 0 for a pause that grows each time
        """
        is_holding = self.hold_s > 0
        if retry_after_s:
            pause_s = min(retry_after_s, CONSTANTS.RATE_LIMIT_RETRY_AFTER_MAX_S)
        elif is_holding:
            return
        else:
            pause_s = self._backoff.next_s()
        if pause_s > self.hold_s:
            self._held_until_s = self.monotonic_s() + pause_s
            self.logger().warning(f"Vest asks for fewer requests: sending none for {pause_s:.1f} s.")

    def note_success(self) -> None:
        """A request went through: the next hold may be shorter."""
        if self.hold_s == 0:
            self._backoff.ease()
