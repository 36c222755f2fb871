"""`make reliability`: what was injected for each row of the fault matrix, how often, and what was lost, as a page.

    python -m workbench.reliability EVIDENCE.json docs/reliability.md

The evidence is what `pytest --evidence` wrote. The longest soak and the longest run of kills that agreed with the
venue, if there are any in `.runs/`, are told too. Nothing on the page is written by hand but the names of the faults.
"""
import json
import platform
import re
import sys
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Counter as CounterType, Dict, Iterator, List, Mapping, Sequence

from workbench.home import PROJECT
from workbench.job import VERDICT

RUNS = PROJECT / ".runs"
FAULTS = {
    1: "order sent, connection reset before the exchange saw it",
    2: "order accepted, the answer lost",
    3: "order accepted, the client times out, then it fills",
    4: "502 or 503 with html to an order, before and after it was accepted",
    5: "rate limit (429, 1003) while ordering",
    6: "refusals, in every shape, by REST and by event",
    7: "order accepted, the answer cut off in the middle",
    8: "the exchange says that it has this order already (3015)",
    9: "the fill is told before the order's answer",
    10: "cancelled, the answer lost",
    11: "a cancel races a fill",
    12: "cancel before the order's id is known",
    13: "cancel all, one of them hanging",
    14: "fills told twice, by event and by REST",
    15: "partial fills, some of them missed",
    16: "parts filled unheard, then cancelled",
    17: "a stale NEW after the end",
    18: "unknown status, type or field",
    19: "malformed, empty, binary, compressed frames, batches",
    20: "orders of others, liquidation",
    21: "private socket closed while orders fill",
    22: "half-open connection, mute socket",
    23: "every close code, refused handshakes",
    24: "twenty disconnections in a row",
    25: "subscription refused, forgotten or not answered",
    26: "bursts of events, depth at ten times the rate, one-byte slices",
    27: "listen key expired, refused, deleted by another",
    28: "clock ahead, behind, drifting",
    29: "API key revoked or expired",
    30: "strict rate limiter",
    31: "symbols halted, delisted, listed, their decimals changed",
    32: "killed with orders in every state, restarted from the database",
    33: "exchange down and back",
    34: "funding settled: none, one, several at once",
}
_ROWS = re.compile(r"::test_((?:c\d+_)+)")
_KINDS_SHOWN = 6

Tests = Mapping[str, Mapping[str, Any]]


def page(tests: Tests, soak: Mapping[str, Any], kills: Mapping[str, Any]) -> str:
    """The page as Markdown.

    :param tests: what `pytest --evidence` wrote
    :param soak: the figures of a long run; empty when there was none
    :param kills: the figures of a run with kills; empty when there was none
    """
    parts = [_heading(), _matrix(tests), _lives(tests)]
    parts += [_figures("A long run of the real client", soak)] if soak else []
    parts += [_figures("Kills of the real client", kills)] if kills else []
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def failed(tests: Tests) -> List[str]:
    """The tests that did not pass."""
    return [name for name, test in tests.items() if test["outcome"] not in ("passed", "skipped")]


def _heading() -> str:
    day = datetime.now(timezone.utc).date().isoformat()
    machine = f"{platform.system()}, {platform.machine()}, Python {platform.python_version()}"
    return f"""# Reliability

Made by `make reliability` on {day} ({machine}), not by hand.

Each row is a fault of the matrix that the connector is built against. Its tests run the connector against the simulated
exchange while the fault strikes, then compare the books of both: every order has one end, fills add up to what the
exchange executed, fees, positions, balances and funding are equal, nothing is left running, no log line holds a secret,
and the exchange's rate limiter was not tripped (but in C30, which trips it on purpose). *Injected* is counted by the
simulator. *Lost* are orders that differed in the end. A test with a difference fails, and a page with a failed test is
not written. One thing cannot always be known: the exchange does not tell the parts of an order that was cancelled, so
that parts whose events were lost show in the position alone. Where they can be inferred, they are booked; where the log
names the order, it is *said to be unknowable*; where neither was possible, because others traded or parts of both sides
went unheard, it counts as lost.
"""


def _matrix(tests: Tests) -> str:
    rows = [("row", "fault", "tests", "exchanges", "injected", "orders", "fills", "payments", "lost")]
    for number, words in FAULTS.items():
        chosen = [test for name, test in tests.items() if number in _rows_of(name)]
        rows.append((f"C{number}", words, *_cells(chosen)))
    return _table(rows)


def _lives(tests: Tests) -> str:
    chosen = [test for name, test in tests.items() if "random" in name.lower() and "end_to_end" in name]
    rows = [("lives", "exchanges", "injected", "orders", "fills", "payments", "lost"), _cells(chosen)]
    words = "Seeded mixtures of commands and faults, then quiet, then the same comparison."
    return f"\n## Random lives\n\n{words}\n\n{_table(rows)}"


def _rows_of(name: str) -> Iterator[int]:
    match = _ROWS.search(name)
    return map(int, re.findall(r"\d+", match[1]) if match else ())


def _cells(tests: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    scenarios = [scenario for test in tests for scenario in test["scenarios"]]
    sums = [str(sum(scenario[what] for scenario in scenarios)) for what in ("orders", "fills", "payments")]
    said, unsaid = (sum(scenario[what] for scenario in scenarios) for what in ("said", "unsaid"))
    lost = "; ".join(["parts of " * bool(unsaid) + str(unsaid), *([f"{said} said to be unknowable"] if said else [])])
    return str(len(tests)), str(len(scenarios)), _kinds(scenarios), *sums, lost


def _kinds(scenarios: Sequence[Mapping[str, Any]]) -> str:
    counts: CounterType[str] = Counter()
    for scenario in scenarios:
        counts.update(scenario["injected"])
    shown = [f"{count} × {kind}" for kind, count in counts.most_common(_KINDS_SHOWN)]
    rest = sum(counts.values()) - sum(count for _, count in counts.most_common(_KINDS_SHOWN))
    return ", ".join(shown + ([f"{rest} others"] if rest else [])) or "in the test itself"


def _figures(title: str, figures: Mapping[str, Any]) -> str:
    rows = [("what", "value"), *((str(name), str(value)) for name, value in figures.items())]
    return f"\n## {title}\n\n{_table(rows)}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]) + "\n"


def longest_run(job: str, runs: Path) -> Dict[str, str]:
    """The figures of the longest run of a job in which client and venue agreed; empty when there is none.

    :param job: name of a class of `workbench.job.Job`
    :param runs: the folder of all runs
    """
    verdicts = [json.loads(file.read_text()) for file in sorted(runs.glob(f"*/{VERDICT}"))]
    agreed = [verdict for verdict in verdicts if verdict["job"] == job and not verdict["wrong"]]
    return max(agreed, key=lambda verdict: verdict["extent"])["figures"] if agreed else {}


def main(arguments: Sequence[str]) -> int:
    """Writes the page; 1 when a test failed or a row has no test."""
    evidence, target = map(Path, arguments)
    tests: Dict[str, Any] = json.loads(evidence.read_text())
    faults = failed(tests)
    faults += [f"C{number} has no test" for number in FAULTS if not any(number in _rows_of(name) for name in tests)]
    for fault in faults:
        print(f"✗ {fault}", file=sys.stderr)
    if not faults:
        target.parent.mkdir(exist_ok=True)
        target.write_text(page(tests, longest_run("Soak", RUNS), longest_run("KillJob", RUNS)))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
