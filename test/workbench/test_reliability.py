"""The page that tells what was injected and what was lost."""
import json

import pytest

from workbench.job import VERDICT
from workbench.reliability import FAULTS, longest_run, main, page
from workbench.soak import figures

SCENARIO = {"injected": {"request: reset before commit": 3}, "orders": 5, "fills": 4, "payments": 1, "said": 1,
            "unsaid": 0}


def evidence(**outcomes):
    """One test of every row; outcomes by row, such as c3="failed"."""
    return {f"test/end_to_end/test_x.py::test_c{number}_something": {
        "outcome": outcomes.get(f"c{number}", "passed"), "duration_s": 1.0, "scenarios": [SCENARIO],
    } for number in FAULTS}


def row(text, name):
    return next(line for line in text.splitlines() if line.startswith(f"| {name} |"))


def test_every_row_tells_what_was_injected_and_compared():
    text = page(evidence(), {}, {})
    cells = "| 1 | 1 | 3 × request: reset before commit | 5 | 4 | 1 | 0; 1 said to be unknowable |"
    assert row(text, "C1").endswith(cells)
    assert all(row(text, f"C{number}") for number in range(1, 35))


def test_the_page_is_not_written_when_a_test_failed_or_a_row_has_none(tmp_path, capsys):
    file, target = tmp_path / "evidence.json", tmp_path / "page.md"
    tests = evidence(c7="failed")
    del tests["test/end_to_end/test_x.py::test_c9_something"]
    file.write_text(json.dumps(tests))
    assert main([str(file), str(target)]) == 1
    assert not target.exists()
    said = capsys.readouterr().err.splitlines()
    assert said == ["✗ test/end_to_end/test_x.py::test_c7_something", "✗ C9 has no test"]
    file.write_text(json.dumps(evidence()))
    assert main([str(file), str(target)]) == 0
    assert "| C34 |" in target.read_text()


@pytest.mark.parametrize("runs, expected", [
    ([], {}),
    ([("Soak", []), ("KillJob", [])], {"run": 0}),
    ([("Soak", []), ("Soak", ["a difference"])], {"run": 0}),
    ([("Soak", []), ("Soak", []), ("Soak", [])], {"run": 2}),
])
def test_the_longest_run_that_agreed_is_told(tmp_path, runs, expected):
    for number, (job, wrong) in enumerate(runs):
        (tmp_path / str(number)).mkdir()
        verdict = {"job": job, "extent": number, "figures": {"run": number}, "wrong": wrong}
        (tmp_path / str(number) / VERDICT).write_text(json.dumps(verdict))
    assert longest_run("Soak", tmp_path) == expected


@pytest.mark.parametrize("differences", [0, 2])
def test_the_figures_of_a_soak_count_its_differences(differences):
    told = figures(duration_s=60, order_rate=10, happened={}, differences=differences, found=[])
    assert told["differences between client and venue"] == str(differences)
