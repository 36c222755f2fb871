"""The real client under load for two minutes: what `make soak` does for hours, in short.

The bounds are far above what is measured (see each) and far below what a leak of one task, socket or order per request
comes to in this time: after the warm-up come about a thousand requests.
"""
import pytest

from workbench.soak import Soak

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RATE = 15  # orders and cancels a second; the connector allows itself twenty requests
LEAST_RATE = 5  # on a busy machine
WARM_UP_S = 40
MOST_MORE_TASKS = 100  # measured: 0 to 10, those of a second's requests
MOST_MORE_DESCRIPTORS = 100  # measured: 2 to 13; the client's pool of connections grows with bursts, to a hundred
MOST_MEMORY_MB_PER_1000_REQUESTS = 12  # measured: 4, mostly Hummingbot's bounded logs of events and of old orders


def test_a25_a_long_run_in_short_stays_flat_and_says_nothing():
    soak = Soak(seed=1, duration_s=120, rate=RATE, has_faults=False)
    assert soak.execute() == 0, (soak.folder / "report.txt").read_text()  # the log is clean, NETWORK level included
    assert {"soak.json", "soak.png", "report.txt"} <= {path.name for path in soak.folder.iterdir()}
    warm = [sample for sample in soak.samples if sample.time_s >= WARM_UP_S]
    first, last = warm[0], warm[-1]
    requests = last.order_requests - first.order_requests
    assert requests > LEAST_RATE * (last.time_s - first.time_s)
    assert max(sample.tasks for sample in warm) <= first.tasks + MOST_MORE_TASKS
    assert max(sample.descriptors for sample in warm) <= first.descriptors + MOST_MORE_DESCRIPTORS
    assert last.memory_mb - first.memory_mb < MOST_MEMORY_MB_PER_1000_REQUESTS * requests / 1000
    assert last.lost_orders == 0 and last.limiter_trips == 0
