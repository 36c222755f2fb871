"""How the main job shows its results: text only, no I/O."""
import re
from collections import Counter
from decimal import Decimal
from typing import Any, Counter as CounterType, Dict, List, Sequence

from workbench.audit import Complaint
from workbench.books import CANCELLED, FILLED, OPEN, Books, Line

TABLE_OF_HISTORY = "The client's own history"


def progress(venue: Books) -> str:
    """One line of the state of a run."""
    states = Counter(order.state for order in venue.orders)
    positions = "  ".join(f"{pair} {_plain(amount):>9}" for pair, amount in sorted(venue.positions.items()))
    return (f"orders {len(venue.orders):4} (filled {states[FILLED]}, cancelled {states[CANCELLED]}, "
            f"open {states[OPEN]})  position {positions or 'none'}")


def table(lines: Sequence[Line]) -> str:
    """Client and venue side by side."""
    rows = [(line.pair, line.what, _plain(line.client), _plain(line.venue), "✓" if line.agrees else "✗")
            for line in lines]
    return aligned([("pair", "", "client", "venue", ""), *rows], right_aligned=(2, 3))


def complaints(found: CounterType[Complaint]) -> str:
    """The warnings and errors in the client's log, with what is known about them."""
    if not found:
        return "No WARNING or ERROR in the client's log."
    rows = [(str(count), complaint.level, complaint.logger, complaint.message[:100],
             complaint.explanation or "not explained") for complaint, count in found.items()]
    return "Warnings and errors in the client's log:\n\n" + aligned(
        [("count", "level", "logger", "message", "explanation"), *rows], right_aligned=(0,))


def aligned(rows: Sequence[Sequence[str]], right_aligned: Sequence[int] = ()) -> str:
    """Rows, the first of them the heading, in columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.rjust(width) if column in right_aligned else cell.ljust(width)
                       for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _plain(value: Any) -> str:
    """A number in full, without an exponent and without zeros at its end."""
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return re.sub(r"\.?0+$", "", text) if "." in text else text


def differences_from_history(history: str, venue: Books, pairs: Sequence[str]) -> List[str]:
    """What the client's own history tells otherwise than the venue's ledger: number of fills, net volumes, fees.

    The history prints six significant digits, so that many are compared; its PnL pairs orders one to one and leaves
    funding out, so it is not.
    """
    shown = {row["pair"]: row for row in _rows_of_markdown(history)}
    faults = []
    for pair in pairs:
        fills = [fill for fill in venue.fills if fill.pair == pair]
        if not fills and pair not in shown:
            continue
        expected = {
            "trades": len(fills),
            "base_vol": sum(fill.signed_amount for fill in fills),
            "quote_vol": -sum(fill.signed_amount * fill.price for fill in fills),
            "fees": sum(fill.fee for fill in fills),
        }
        faults += [f"{pair}: the client's history has {what} {shown.get(pair, {}).get(what)}, the venue {value}"
                   for what, value in expected.items() if shown.get(pair, {}).get(what) != f"{float(value):g}"]
    return faults


def _rows_of_markdown(text: str) -> List[Dict[str, str]]:
    """The rows of the first table in a Markdown text, by column name."""
    rows = [[cell.strip() for cell in line.strip("| ").split("|")]
            for line in text.splitlines() if line.startswith("|")]
    return [dict(zip(rows[0], row)) for row in rows[2:]]
