"""How commands print: tables and lines for people, one JSON document for programs (`--json`).

In JSON, decimals are texts with every digit, and times are integer milliseconds since the epoch.
"""
import json
import re
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Dict, Mapping, Optional, Sequence

import typer
from tabulate import tabulate

NOTHING = "-"
_HOUR_MS = 3_600_000
_UNITS_MS = {"h": _HOUR_MS, "d": 24 * _HOUR_MS, "w": 7 * 24 * _HOUR_MS}


def emit(result: Any, text: str, as_json: bool) -> None:
    """Prints what a command found out or did.

    :param result: for programs; may hold decimals
    :param text: the same for people
    :param as_json: which of the two
    """
    typer.echo(json_text(result, indent=2) if as_json else text)


def note(text: str) -> None:
    """Says something beside the result, on stderr: it is there with `--json` too.

    :param text: one sentence
    """
    typer.echo(text, err=True)


def json_text(result: Any, indent: Optional[int] = None) -> str:
    """JSON with exact decimals.

    :param indent: as of `json.dumps`; None for one line
    """
    return json.dumps(result, indent=indent, default=_json_value)


def _json_value(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def table(rows: Sequence[Mapping[str, Any]], columns: Dict[str, str], empty: str) -> str:
    """A table, or a sentence when there is nothing in it.

    :param rows: what `--json` shows
    :param columns: which of it to show, and the heading of each; names that end in `_ms` are times
    :param empty: what to say instead of a table without rows
    """
    if not rows:
        return empty
    cells = [[_cell(name, row.get(name)) for name in columns] for row in rows]
    return tabulate(cells, headers=list(columns.values()), tablefmt="simple", disable_numparse=True)


def lines(record: Mapping[str, Any], labels: Dict[str, str]) -> str:
    """One line for each value.

    :param record: what `--json` shows
    :param labels: which of it to show, and what to call it
    """
    cells = [[label + ":", _cell(name, record.get(name))] for name, label in labels.items()]
    return tabulate(cells, tablefmt="plain", disable_numparse=True)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return NOTHING
    if name.endswith("_ms"):
        return utc(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def utc(time_ms: int) -> str:
    """A time for people, such as 2026-11-22 12:00:00 UTC.

    :param time_ms: in ms since the epoch
    """
    try:
        return datetime.fromtimestamp(time_ms / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{time_ms} ms"  # whoever said it wrote a number that is no date


def span(ms: int) -> str:
    """How long something takes, for people: its two largest units, such as "6 days 23 hours".

    :param ms: in milliseconds, cut off to minutes
    """
    minutes = max(0, ms) // 60_000
    parts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    words = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count]
    return " ".join(words[:2]) or "less than a minute"


def span_ms(text: str) -> Optional[int]:
    """How long a user says, in ms; None when it is not understood.

    :param text: a number with h, d or w, such as 26h
    """
    match = re.fullmatch(r"(\d{1,4})([hdw])", text.strip().lower(), re.ASCII)
    return None if match is None else int(match[1]) * _UNITS_MS[match[2]]
