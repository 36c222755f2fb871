"""The throttler that keeps sums decides as the framework's, which counts its log again for every request (B18)."""
import asyncio
import time
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_throttler import VestThrottler
from hummingbot.core.api_throttler.async_throttler import AsyncThrottler

PATHS = [CONSTANTS.ORDERS_PATH, CONSTANTS.ORDERS_CANCEL_PATH, CONSTANTS.ACCOUNT_PATH, CONSTANTS.ORDERS_QUERY_LIMIT_ID]
SHARE_PCT = Decimal(4)  # 8 requests in all, 6 orders, 2 of each query
REQUESTS = st.lists(st.tuples(st.sampled_from(PATHS), st.floats(0, 4)), max_size=60)


def is_let_through(throttler, path):
    """Whether a request may go now; if so, it counts."""
    context = throttler.execute_task(path)
    context.flush()
    is_free = context.within_capacity()
    if is_free:
        context._log_acquired_task()
    return is_free


def test_all_limits_have_one_window():
    assert {limit.time_interval for limit in CONSTANTS.RATE_LIMITS} == {CONSTANTS.RATE_LIMIT_INTERVAL_S}


@settings(max_examples=200, deadline=None)
@given(requests=REQUESTS)
def test_b18_every_request_is_judged_as_by_the_framework(requests):
    with pytest.MonkeyPatch.context() as patch:
        now_s = [1_760_000_000.0]
        patch.setattr(time, "time", lambda: now_s[0])
        ours = VestThrottler(SHARE_PCT, lambda: now_s[0])
        base = AsyncThrottler(CONSTANTS.RATE_LIMITS, limits_share_percentage=SHARE_PCT)

        for path, pause_s in requests:
            now_s[0] += pause_s
            assert is_let_through(ours, path) == is_let_through(base, path)


def most_in_a_window(times_s, window_s):
    return max(sum(start <= moment < start + window_s for moment in times_s) for start in times_s)


@pytest.mark.asyncio
async def test_c30_a13_a_flood_stays_within_the_limits(monkeypatch):
    sent_s = {path: [] for path in PATHS}
    now_s = [1_000.0]
    monkeypatch.setattr("asyncio.sleep", lambda pause_s, sleep=asyncio.sleep: advance(pause_s, sleep))
    throttler = VestThrottler(SHARE_PCT, lambda: now_s[0])

    async def advance(pause_s, sleep):
        now_s[0] += pause_s
        await sleep(0)

    async def send(path):
        async with throttler.execute_task(path):
            sent_s[path].append(now_s[0])

    await asyncio.gather(*(send(path) for path in PATHS * 10))

    for path, limit in zip(PATHS, (6, 6, 2, 2)):
        assert most_in_a_window(sent_s[path], CONSTANTS.RATE_LIMIT_INTERVAL_S) <= limit
    assert most_in_a_window(sum(sent_s.values(), []), CONSTANTS.RATE_LIMIT_INTERVAL_S) <= 8
    assert sum(map(len, sent_s.values())) == 40


@pytest.mark.parametrize("step_s", [-3600, 3600], ids=["back", "forward"])
def test_a_step_of_the_wall_clock_changes_nothing(monkeypatch, step_s):
    now_s, wall_s = [1_000.0], [1_760_000_000.0]
    monkeypatch.setattr(time, "time", lambda: wall_s[0])
    throttler = VestThrottler(SHARE_PCT, lambda: now_s[0])
    path = CONSTANTS.ACCOUNT_PATH
    assert [is_let_through(throttler, path) for _ in range(3)] == [True, True, False]

    wall_s[0] += step_s
    assert not is_let_through(throttler, path)
    now_s[0] += 2 * CONSTANTS.RATE_LIMIT_INTERVAL_S
    assert is_let_through(throttler, path)
    assert len(throttler._task_logs) == 2  # of its own limit and of that of all requests
