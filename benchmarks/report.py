"""The results as a table for the terminal, as JSON, and as docs/performance.md with its plots."""
import json
import os
import platform
import re
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence

import psutil
from matplotlib.figure import Figure

from benchmarks.measuring import OURS, REFERENCE, Row

PEERS = ("hyperliquid_perpetual", "binance_perpetual", "bybit_perpetual")
COLUMNS = (OURS, *PEERS, REFERENCE)
_HEADS = [
    "what", "unit", "ours", "hyperliquid", "binance", "bybit", "reference", "to best peer", "to reference",
    "to reach", "reached",
]
_REFERENCE_WORDS = """\
The reference is meant as a floor, the least that anyone has to do by the usual means: for a book, the work of `json`
and one call of the framework's `apply_snapshot` with the framework's own rows; for a signature, that of `eth_abi`, the
Keccak of `eth_utils` and one signature by `coincurve`; for an order, that of the HTTP client alone with an unsigned
body of the same size. Ours can be below it where it decodes and encodes by faster means than these."""
_PAIRS = re.compile(r"(\d+) pairs? × (\d+) frames/s: CPU per frame")
_ORDERS = re.compile(r"status poll, (\d+) open orders?: CPU")


def machine() -> str:
    """The machine and what else it was doing."""
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} cores{f' ({model})' if model else ''}, "
            f"Python {platform.python_version()}, load {load}")


def _lines(path: str) -> List[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []


def table(rows: Iterable[Row]) -> str:
    """A table in Markdown."""
    lines = [_HEADS, ["---"] * len(_HEADS), *(_cells(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cells(row: Row) -> List[str]:
    others = [f"{name} {_number(value)}" for name, value in row.values.items() if name not in COLUMNS]
    what = row.what + (f" ({'; '.join(others)})" if others else "")
    reached = "" if row.reached is None else "yes" if row.reached else "**no**"
    has_peer = any(name in row.values for name in PEERS) and OURS in row.values
    ratios = [row.ratio_to_best_peer() if has_peer and row.best_peer else None,
              row.ratio_to_reference() if OURS in row.values else None]
    return [what, row.unit, *(_number(row.values.get(name)) for name in COLUMNS),
            *("" if ratio is None else f"× {ratio:.2f}" for ratio in ratios), row.target, reached]


def _number(value: Optional[float]) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def write_json(rows: Iterable[Row], file: Path) -> None:
    """All numbers, with the date and the machine."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"date": _today(), "machine": machine(), "rows": [asdict(row) for row in rows]}
    file.write_text(json.dumps(content, indent=1) + "\n")


def _today() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%d")


def write_page(rows: Sequence[Row], page: Path) -> None:
    """The part of the page between its two marks, which this makes, and the plots beside it; the words stay.

    :raises ValueError: when the page has no marks
    """
    begin, end = "<!-- made by make bench -->", "<!-- end of what make bench makes -->"
    text = page.read_text()
    if begin not in text or end not in text:
        raise ValueError(f"{page} has no marks for what `make bench` makes; take it from the repository again")
    head, tail = text.split(begin)[0], text.split(end)[1]
    made = f"{begin}\nMeasured on {_today()}: {machine()}.\n\n{table(rows)}\n\n{_REFERENCE_WORDS}\n{end}"
    page.write_text(head + made + tail)
    draw(rows, page.with_suffix(".png"))


def draw(rows: Sequence[Row], file: Path) -> None:
    """A PNG: cost against pairs and against open orders."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    pairs_axes, orders_axes = figure.subplots(1, 2)
    for rate, style in ((5, "o-"), (50, "s--")):
        for name, points in _series(rows, _PAIRS, rate).items():
            numbers = sorted(points)
            pairs_axes.plot(numbers, [points[number] for number in numbers], style, color=_color(name),
                            label=f"{name}, {rate} frames/s")
    pairs_axes.set(title="CPU per frame of 20 levels a side", xlabel="pairs", ylabel="µs", ylim=(0, None))
    for name, points in _series(rows, _ORDERS).items():
        numbers = sorted(points)
        orders_axes.plot(numbers, [points[number] for number in numbers], "o-", color=_color(name), label=name)
    orders_axes.set(title="CPU of a status poll", xlabel="open orders", ylabel="ms", xscale="log", yscale="log")
    for axes in (pairs_axes, orders_axes):
        if axes.lines:
            axes.legend(fontsize=7)
    figure.savefig(file, dpi=100)


def _color(name: str) -> str:
    return f"C{COLUMNS.index(name)}"


def _series(rows: Sequence[Row], pattern: "re.Pattern[str]", rate: Optional[int] = None) -> Dict[str, Dict[int, float]]:
    """What each contender needs, by the number in the row's name."""
    series: Dict[str, Dict[int, float]] = {}
    for row in rows:
        match = pattern.match(row.what)
        if match and (rate is None or int(match[2]) == rate):
            for name, value in row.values.items():
                series.setdefault(name, {})[int(match[1])] = value
    return series
