"""Many pairs at a steady rate: share of the CPU, age of the books, memory; each venue in a process of its own.

The frames of all pairs come at once, and the age is that of the last book when it is shown.
"""
import asyncio
import json
import logging
import statistics
import subprocess
import sys
import time
from typing import Dict, List, Sequence

import psutil

from benchmarks.books import BookListener
from benchmarks.measuring import OURS, Row
from benchmarks.venues import VENUES

PAIRS = (1, 10, 50)
RATES = (5, 50)  # frames a second, of each pair
LEVELS = 20
_FLAT_MB = 1.0  # what allocators take in advance


async def _run(name: str, pairs: int, rate: int, seconds: float) -> Dict[str, float]:
    """Feeds frames at their times and looks how the connector keeps up."""
    venue = next(venue for venue in VENUES if venue.name == name)("http://127.0.0.1:9", coins=pairs)
    async with BookListener(venue).running() as listener:
        # The frames of a second are made before; only their numbers would be different the next time.
        count = max(1, int(rate * seconds))
        frames = [[listener.frame(coin, LEVELS, number) for coin in venue.coins] for number in range(1, count + 1)]
        process = psutil.Process()
        before = process.memory_info().rss
        ages_s: List[float] = []
        due_s = began_s = time.perf_counter()
        cpu_s = time.process_time()
        for row in frames:
            due_s += 1 / rate
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            mark = listener.mark(venue.pairs[-1])
            for frame in row:
                listener.socket.feed(frame)
            while listener.mark(venue.pairs[-1]) == mark:
                await asyncio.sleep(0)
            ages_s.append(time.perf_counter() - due_s)
        cpu_s = time.process_time() - cpu_s
        return {
            "cpu_pct": 100 * cpu_s / (time.perf_counter() - began_s),
            "cpu_us_per_frame": 1e6 * cpu_s / (count * pairs),
            "age_ms": 1e3 * statistics.median(ages_s),
            "worst_age_ms": 1e3 * max(ages_s),
            "grown_mb": (process.memory_info().rss - before) / 1e6,
        }


def _run_alone(name: str, pairs: int, rate: int, seconds: float) -> Dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.pairs", name, str(pairs), str(rate), str(seconds)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(answer.stdout.splitlines()[-1])


def measure(seconds: float, pairs: Sequence[int] = PAIRS, rates: Sequence[int] = RATES) -> List[Row]:
    """Rows for every number of pairs and rate.

    :param seconds: of each run
    :param pairs: numbers of pairs
    :param rates: frames a second of each pair
    """
    rows = []
    for rate in rates:
        for number in pairs:
            results = {venue.name: _run_alone(venue.name, number, rate, seconds) for venue in VENUES}
            words = f"{number} pair{'s' if number > 1 else ''} × {rate} frames/s"
            for key, what, unit in (("cpu_us_per_frame", "CPU per frame", "µs"), ("cpu_pct", "CPU share", "%"),
                                    ("age_ms", "age of the book, median", "ms"),
                                    ("worst_age_ms", "age of the book, worst", "ms"),
                                    ("grown_mb", "memory grown", "MB")):
                row = Row(f"{words}: {what}", unit, {name: result[key] for name, result in results.items()})
                if key == "cpu_us_per_frame":
                    row.target, row.reached = "ahead of every peer", row.values[OURS] < row.best_peer
                elif key == "worst_age_ms":
                    row.target, row.reached = "shown before the next comes", row.values[OURS] < 1e3 / rate
                elif key == "grown_mb":
                    row.target, row.reached = "flat", row.values[OURS] < _FLAT_MB
                rows.append(row)
    return rows


def main() -> None:
    """One run, in a process of its own: name, pairs, rate, seconds."""
    logging.disable(logging.CRITICAL)
    name, pairs, rate, seconds = sys.argv[1:5]
    print(json.dumps(asyncio.run(_run(name, int(pairs), int(rate), float(seconds)))))


if __name__ == "__main__":
    main()
