"""Hummingbot finds the rate source and the candles, in whatever sequence it imports its own parts."""
import subprocess
import sys

import pytest

from hummingbot.core.rate_oracle.rate_oracle import RATE_ORACLE_SOURCES
from hummingbot.core.rate_oracle.sources.vest_perpetual_rate_source import VestPerpetualRateSource


def test_a24_the_oracles_sources_have_it():
    assert RATE_ORACLE_SOURCES["vest_perpetual"] is VestPerpetualRateSource
    assert VestPerpetualRateSource().name == "vest_perpetual"


IMPORTED_FIRST = (
    "hummingbot.connector.derivative.vest_perpetual.vest_perpetual_utils",
    "hummingbot.data_feed.candles_feed.vest_perpetual_candles",
    "hummingbot.core.rate_oracle.sources.vest_perpetual_rate_source",
    "hummingbot.core.rate_oracle.rate_oracle",
    "hummingbot.client.config.client_config_map",
)
CHECK = """
from hummingbot.client.settings import AllConnectorSettings
AllConnectorSettings.create_connector_settings()
from hummingbot.core.rate_oracle.rate_oracle import RATE_ORACLE_SOURCES
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
assert {"vest_perpetual", "vest_perpetual_testnet", "vest_perpetual_simulator"} <= set(CandlesFactory._candles_map)
assert "vest_perpetual" in RATE_ORACLE_SOURCES
"""


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize("first", IMPORTED_FIRST)
def test_a24_both_are_registered_whatever_is_imported_first(first):
    process = run_python(f"import {first}\n{CHECK}")

    assert process.returncode == 0, process.stderr


def test_the_clients_settings_are_not_imported_with_the_connectors_utils():
    process = run_python(f"import sys, {IMPORTED_FIRST[0]}\n"
                         "assert 'hummingbot.client.config.client_config_map' not in sys.modules")

    assert process.returncode == 0, process.stderr


def test_a_start_of_the_client_imports_no_part_of_the_command_line():
    process = run_python(f"""{CHECK}
import sys
ours = {{name.removeprefix("hummingbot.connector.derivative.vest_perpetual.") for name in sys.modules}}
assert "vest_perpetual_utils" in ours
folders = ("cli", "certification", "session_report")
assert not [name for name in ours if name.split(".")[0] in (*folders, "vest_perpetual_cli", "typer", "plotly")]
""")

    assert process.returncode == 0, process.stderr
