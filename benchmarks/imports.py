"""Importing a connector's utils, which every command of the client does, in fresh processes."""
import os
import subprocess
import sys
import tempfile
from typing import Dict, List

from benchmarks.measuring import Row, interleaved
from benchmarks.venues import VENUES

# What every command of the client has in memory in any case: these two bring in all the rate sources and candle feeds.
_CLIENT = """
import hummingbot.client.config.config_data_types
import hummingbot.core.rate_oracle.rate_oracle
import hummingbot.data_feed.candles_feed.candles_factory
"""
_PROGRAM = """
import time
{before}
began_s = time.process_time()
import hummingbot.connector.derivative.{name}.{name}_utils
print(time.process_time() - began_s)
"""


def _import_ms(name: str, before: str, environment: Dict[str, str]) -> float:
    program = _PROGRAM.format(name=name, before=before)
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(answer.stdout.split()[-1]) * 1e3


def _compiling_environment(folder: str) -> Dict[str, str]:
    """Ours is run from its sources and its peers are installed, with their bytecode: here everybody has it, whatever
    the shell wants, since a user's second command has it too.

    :param folder: where it is kept
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": folder}


def measure(repetitions: int) -> List[Row]:
    """Rows for a bare interpreter, and for the client as it is when it imports connectors.

    :param repetitions: of each contender
    """
    rows = []
    beside = "the same, beside what the client imports anyway"
    with tempfile.TemporaryDirectory() as folder:
        environment = _compiling_environment(folder)
        for venue in VENUES:
            _import_ms(venue.name, _CLIENT, environment)
        for what, before in (("import of the utils, bare interpreter", ""), (beside, _CLIENT)):
            contenders = {
                venue.name: lambda name=venue.name, before=before: _import_ms(name, before, environment)
                for venue in VENUES
            }
            medians = interleaved(contenders, repetitions)
            row = Row(what, "ms", medians, "no slower than the best peer")
            row.reached = row.ratio_to_best_peer() <= 1.05
            rows.append(row)
    return rows
