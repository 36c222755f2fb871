"""The seeds of the random lives, and what the tests leave behind for `docs/reliability.md`.

`pytest --evidence FILE` writes one JSON object per test: its name, outcome and duration in s, and what each simulated
venue of the test was made to do and how much of its ledger was compared (`test.end_to_end.evidence`).
"""
import json
import os
import signal
import sys
from pathlib import Path
from test.end_to_end.evidence import SCENARIOS

import hypothesis
import pytest

_PROPERTY = "scenarios"

# A busy machine is slow now and then, which is no fault of what is tested; and every run tries the same examples, so
# that a new one does not fail in a change that has nothing to do with it. FUZZ_EXAMPLES looks in other places.
hypothesis.settings.register_profile(
    "here", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="FUZZ_EXAMPLES" not in os.environ,
)
hypothesis.settings.load_profile("here")


def pytest_addoption(parser):
    parser.addoption("--seeds", default="0-99", help="of the random lives, first and last: 0-99")
    parser.addoption("--evidence", metavar="FILE", help="write what every test injected and compared, as JSON")


def pytest_configure(config):
    # Hummingbot looks there for the name of a test runner, and opens its user interface to warn when it finds none.
    sys.argv.append("pytest")
    # A shell's background job is deaf to Ctrl-C, and so would be the programs that tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Workers of pytest-xdist send their reports to the one process that has been asked for the file.
    if config.getoption("--evidence") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Evidence(Path(config.getoption("--evidence"))))


def pytest_generate_tests(metafunc):
    marks = {name for mark in metafunc.definition.iter_markers("parametrize") for name in mark.args[0].split(",")}
    if "seed" in metafunc.fixturenames and "seed" not in marks:
        first, last = map(int, metafunc.config.getoption("--seeds").split("-"))
        metafunc.parametrize("seed", range(first, last + 1))


@pytest.fixture(autouse=True)
def _scenarios_of_this_test(record_property):
    SCENARIOS.clear()
    yield
    if SCENARIOS:
        record_property(_PROPERTY, list(SCENARIOS))


class _Evidence:
    def __init__(self, file: Path):
        self._file = file
        self._tests = {}

    def pytest_runtest_logreport(self, report):
        test = self._tests.setdefault(report.nodeid, {"outcome": "passed", "duration_s": 0.0, _PROPERTY: []})
        test["duration_s"] = round(test["duration_s"] + report.duration, 2)
        if report.outcome != "passed":
            test["outcome"] = report.outcome
        if report.when == "teardown":
            test[_PROPERTY] = dict(report.user_properties).get(_PROPERTY, [])

    def pytest_sessionfinish(self):
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self._tests, indent=1))
