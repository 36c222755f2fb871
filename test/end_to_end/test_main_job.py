"""The main job as a user runs it: a process in a terminal's process group, the real client, the simulated venue."""
import os
import re
import signal
import subprocess
import sys

import psutil
import pytest

from workbench.home import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Run:
    """`python -m workbench.main_job` in a process group of its own, as a shell would start it."""

    def __init__(self, *arguments):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workbench.main_job", *arguments], cwd=PROJECT, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0)
        self.output = ""

    def read_until(self, pattern):
        """Read on until a line matches."""
        for line in self._process.stdout:
            self.output += line
            if re.search(pattern, line):
                return
        pytest.fail(f"no line matches {pattern}:\n{self.output}")

    def press_ctrl_c(self):
        os.killpg(self._process.pid, signal.SIGINT)

    def finish(self):
        """Read to the end; returns the exit code."""
        self.output += self._process.stdout.read()
        return self._process.wait()

    @property
    def folder(self):
        return PROJECT / re.search(r"kept in (\S+)", self.output)[1]

    def processes_left(self):
        """Processes that have to do with this run, by their command line or their working folder."""
        left = []
        folder = re.compile(re.escape(str(self.folder)) + r"(?![-\w])")  # another run's name may begin alike
        for process in psutil.process_iter(["cmdline", "cwd"]):
            words = " ".join([*(process.info["cmdline"] or []), process.info["cwd"] or ""])
            if folder.search(words):
                left.append(process)
        return left


def table_rows(output):
    """The lines of the comparison, by pair and name: [client, venue, mark]."""
    rows = re.findall(r"^(\S+-USDC|all pairs)  +(\S.*?)  +(\S+)  +(\S+)  ([✓✗])$", output, flags=re.MULTILINE)
    return {(pair, what): (client, venue, mark) for pair, what, client, venue, mark in rows}


def test_ctrl_c_stops_gracefully_and_still_reports():
    run = Run("--duration", "600", "--strategy", "perpetual_market_making", "--pairs", "ETH-USDC,BTC-USDC")
    run.read_until(r"filled [1-9]")
    run.press_ctrl_c()
    run.finish()
    rows = table_rows(run.output)
    assert "Interrupted: stopping" in run.output
    assert "one pair at a time: taking ETH-USDC" in run.output
    assert {pair for pair, _ in rows} == {"ETH-USDC", "all pairs"}
    assert rows["all pairs", "orders open"] == ("0", "0", "✓")
    assert int(rows["all pairs", "orders filled"][1]) > 0
    assert run.processes_left() == []
    assert {"home", "ledger.json", "report.txt", "report.html"} <= {path.name for path in run.folder.iterdir()}
    assert not (run.folder / "home" / "hummingbot").exists()


def test_ctrl_c_before_trading_leaves_nothing():
    run = Run("--duration", "600")
    run.read_until("making a Hummingbot home")
    run.press_ctrl_c()
    assert run.finish() == 130
    assert "nothing is left running" in run.output
    assert run.processes_left() == []


def test_two_runs_at_once_do_not_clash():
    runs = [Run("--duration", "20", "--pairs", "BTC-USDC", "--seed", str(seed)) for seed in (1, 2)]
    codes = [run.finish() for run in runs]
    assert codes == [0, 0], "\n".join(run.output for run in runs)
    assert runs[0].folder != runs[1].folder
