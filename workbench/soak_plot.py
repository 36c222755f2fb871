"""The vital signs of a soak as one picture."""
from pathlib import Path
from typing import Sequence

from matplotlib.figure import Figure

from workbench.sampling import WATCHED, Sample, Trend

COLUMNS = 3
TITLES = {
    "memory_mb": "Memory of the client", "memory_blocks": "Python's memory blocks in use", "tasks": "asyncio tasks",
    "tracked_orders": "Orders tracked", "cached_orders": "Orders cached", "lost_orders": "Orders lost",
    "descriptors": "Files and sockets open", "sockets": "Sockets open", "log_mb": "Log", "database_mb": "Database",
    "venue_memory_mb": "Memory of the simulated venue", "requests_last_minute": "Requests at the venue",
}


def draw(samples: Sequence[Sample], found: Sequence[Trend], warm_up_s: float, file: Path) -> None:
    """Write a PNG with one panel per vital sign, each with its trend after the warm-up."""
    rows = -(-len(WATCHED) // COLUMNS)
    figure = Figure(figsize=(5 * COLUMNS, 3 * rows), layout="constrained")
    minutes = [sample.time_s / 60 for sample in samples]
    for axes, trend in zip(figure.subplots(rows, COLUMNS).flat, found):
        axes.plot(minutes, [getattr(sample, trend.name) for sample in samples])
        axes.axvline(warm_up_s / 60, color="grey", linestyle=":")
        axes.set_title(f"{TITLES[trend.name]}: {trend.per_hour:+.3g} {trend.unit} per hour", fontsize=10)
        axes.set_xlabel("minutes")
        axes.set_ylabel(trend.unit)
    figure.savefig(file, dpi=100)
