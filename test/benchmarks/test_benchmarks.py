"""Every benchmark runs and makes its rows; how fast anything is, is asserted nowhere."""
import json
import subprocess
import sys

import pytest

from benchmarks import report
from benchmarks.__main__ import PARTS
from benchmarks.measuring import OURS, REFERENCE, Row
from workbench.home import PROJECT

PEERS = set(report.PEERS)
PAGE = """# Words
<!-- made by make bench -->
old
<!-- end of what make bench makes -->
more words
"""


def measured(tmp_path, *arguments):
    """What a run of its own writes: the rows."""
    file = tmp_path / "benchmarks.json"
    process = subprocess.run([sys.executable, "-m", "benchmarks", *arguments, "--quick", "--json", str(file)],
                             cwd=PROJECT, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return json.loads(file.read_text())["rows"]


def test_what_runs_in_one_process_is_measured_beside_the_peers(tmp_path):
    rows = measured(tmp_path, "depth", "signing", "orders", "fills", "polls")

    assert len(rows) == 11
    for row in rows:
        assert row["values"][OURS] > 0
        assert PEERS <= set(row["values"]) or row["what"] == "hash and sign an order"
        assert all(value > 0 for value in row["values"].values())
    assert sum(REFERENCE in row["values"] for row in rows) == 5
    polls = [row["values"] for row in rows if row["what"].endswith("requests")]
    assert [values[OURS] for values in polls] == [1, 1]
    assert [values["binance_perpetual"] for values in polls] == [2, 4]


@pytest.mark.parametrize("part, rows", [("pairs", 5), ("simulator", 1)])
def test_what_needs_processes_of_its_own_is_measured(tmp_path, part, rows):
    assert len(measured(tmp_path, part)) == rows


def test_a_part_that_there_is_not_is_said():
    process = subprocess.run([sys.executable, "-m", "benchmarks", "speed"], cwd=PROJECT, capture_output=True, text=True)

    assert process.returncode == 2
    assert "no such part: speed; choose of " + ", ".join(PARTS) in process.stderr


def rows_of_a_run():
    values = {OURS: 20.0, "hyperliquid_perpetual": 80.0, "binance_perpetual": 50.0, "bybit_perpetual": 60.0,
              REFERENCE: 10.0}
    return [
        Row("depth frame", "µs", values, "≤ ½ best peer", True),
        Row("10 pairs × 5 frames/s: CPU per frame", "µs", values),
        Row("status poll, 100 open orders: CPU", "ms", {OURS: 1.0, "binance_perpetual": 150.0}),
    ]


def test_the_table_compares_with_the_best_peer_and_the_reference():
    line = report.table(rows_of_a_run()).splitlines()[2]

    assert line == "| depth frame | µs | 20 | 80 | 50 | 60 | 10 | × 0.40 | × 2.00 | ≤ ½ best peer | yes |"


def test_the_page_keeps_its_words_and_gets_its_table_and_plots(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(PAGE)

    report.write_page(rows_of_a_run(), page)

    text = page.read_text()
    assert text.startswith("# Words\n") and text.endswith("\nmore words\n")
    assert "old" not in text and "| depth frame |" in text and "Measured on 2" in text
    assert (tmp_path / "performance.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_without_its_marks_is_not_overwritten(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text("mine")

    with pytest.raises(ValueError, match="no marks"):
        report.write_page(rows_of_a_run(), page)
    assert page.read_text() == "mine"
