"""The programs of `fuzz/` run, and find what there is to find."""
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this system"
)
PROJECT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path):
    """Runs Python in a folder of its own, as if in the project's."""
    def run_in_the_folder(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        return subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100
        )

    return run_in_the_folder


@pytest.mark.parametrize("program", ["fuzz.fuzz_frames", "fuzz.fuzz_answers"])
def test_a_program_runs_through_its_examples_and_beyond(run, program):
    process = run("-m", program, "-runs=2000")

    assert process.returncode == 0, process.stderr[-2000:]
    assert "DONE" in process.stderr


def test_an_input_that_cannot_be_stood_ends_the_run_and_can_be_tried_again(run, tmp_path):
    program = """
import sys
from fuzz.run import fuzz

def stand(data):
    assert b"PONG" not in data

sys.argv.append("-runs=2000")
fuzz(stand)
"""
    first = run("-c", program)
    found = next(tmp_path.glob(".fuzz-crash-*"))
    second = run("-c", program, str(found))

    assert b"PONG" in found.read_bytes()
    for process in (first, second):
        assert process.returncode != 0 and "AssertionError" in process.stdout + process.stderr
