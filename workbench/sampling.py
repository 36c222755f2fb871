"""Vital signs of a client that runs for long: samples, their slopes, what a day of them would come to."""
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence

import psutil

DAY_S = 86_400.0
MB = 1e6
LONGEST_LINE = 4096  # bytes
ORDER_REQUESTS = ("POST /orders", "POST /orders/cancel")


@dataclass(frozen=True)
class Sample:
    """One look at client and venue; sizes are MB (1e6 bytes)."""

    time_s: float
    memory_mb: float
    memory_blocks: int
    tasks: int
    tracked_orders: int
    cached_orders: int
    lost_orders: int
    logged_events: int
    descriptors: int
    sockets: int
    log_mb: float
    database_mb: float
    venue_memory_mb: float
    requests_last_minute: int
    order_requests: int
    limiter_trips: int


# What of a sample must not grow for ever, with its unit; log and database do grow.
WATCHED = {
    "memory_mb": "MB", "memory_blocks": "blocks", "tasks": "tasks", "tracked_orders": "orders",
    "cached_orders": "orders", "lost_orders": "orders", "descriptors": "files", "sockets": "sockets",
    "log_mb": "MB", "database_mb": "MB", "venue_memory_mb": "MB", "requests_last_minute": "requests/min",
}


class Sampler:
    """Takes samples.

    :param process: the client.
    :param venue_process: the simulated venue.
    :param vitals: the file `workbench.order_churn` writes.
    """

    def __init__(self, process: psutil.Process, venue_process: psutil.Process, vitals: Path) -> None:
        self._process = process
        self._venue_process = venue_process
        self._vitals = vitals

    def sample(self, elapsed_s: float, logs: Sequence[Path], database: Path, limiter: Mapping[str, Any],
               request_counts: Mapping[str, int]) -> Sample:
        """:raises psutil.NoSuchProcess: the client has ended"""
        vitals = last_json_line(self._vitals)
        return Sample(
            time_s=elapsed_s,
            memory_mb=self._process.memory_info().rss / MB,
            descriptors=self._process.num_fds(),
            sockets=len(self._process.net_connections("inet")),
            log_mb=sum(log.stat().st_size for log in logs) / MB,
            database_mb=database.stat().st_size / MB,
            venue_memory_mb=self._venue_process.memory_info().rss / MB,
            requests_last_minute=limiter["requests_last_minute"],
            limiter_trips=limiter["tripped"],
            order_requests=sum(request_counts.get(name, 0) for name in ORDER_REQUESTS),
            **{name: vitals[name] for name in (
                "memory_blocks", "tasks", "tracked_orders", "cached_orders", "lost_orders", "logged_events")},
        )


def last_json_line(path: Path) -> Dict[str, Any]:
    """The last complete line of a file of JSON lines, none of them longer than `LONGEST_LINE`."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2 * LONGEST_LINE))
        complete = file.read().rpartition(b"\n")[0]
    return json.loads(complete.splitlines()[-1])


@dataclass(frozen=True)
class Trend:
    """How one vital sign went after the warm-up: a straight line of least squares through its samples."""

    name: str
    unit: str
    first: float
    last: float
    largest: float
    per_hour: float
    per_day: float


def trends(samples: Sequence[Sample], warm_up_s: float) -> List[Trend]:
    """The trend of each watched sign over the samples after `warm_up_s`. :raises ValueError: fewer than three"""
    warm = [sample for sample in samples if sample.time_s >= warm_up_s]
    if len(warm) < 3:
        raise ValueError("There are fewer than three samples after the warm-up: run longer.")
    times_s = [sample.time_s for sample in warm]
    return [_trend(name, unit, times_s, [getattr(sample, name) for sample in warm]) for name, unit in WATCHED.items()]


def _trend(name: str, unit: str, times_s: Sequence[float], values: Sequence[float]) -> Trend:
    per_s = slope(times_s, values)
    return Trend(name, unit, values[0], values[-1], max(values), per_s * 3600, per_s * DAY_S)


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Least squares: how much y grows per unit of x."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys)) / spread


def order_rate(samples: Sequence[Sample]) -> float:
    """Orders and cancels the venue received per second, from the first sample to the last."""
    first, last = samples[0], samples[-1]
    return (last.order_requests - first.order_requests) / (last.time_s - first.time_s)


def as_json(samples: Sequence[Sample], found: Sequence[Trend]) -> Dict[str, Any]:
    """For `soak.json`."""
    return {"trends": [asdict(trend) for trend in found], "samples": [asdict(sample) for sample in samples]}
