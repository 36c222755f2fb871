"""Who may import whom: the simulator stands alone, and its engine knows nothing of wires, clocks or keys."""
import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "vest_simulator"
FORBIDDEN = {
    "": {"hummingbot"},
    "engine": {"vest_simulator.venue", "vest_simulator.server", "vest_simulator.faults", "vest_simulator.admin",
               "vest_simulator.clock", "aiohttp", "asyncio", "json", "time", "eth_account"},
    "venue": {"vest_simulator.server", "vest_simulator.admin", "aiohttp", "asyncio"},
    "feeds": {"vest_simulator.venue", "vest_simulator.server", "vest_simulator.faults", "vest_simulator.admin",
              "eth_account"},
    "server": {"vest_simulator.admin"},
}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports(folder):
    files = list((PACKAGE / folder).rglob("*.py"))
    assert len(files) >= 5
    found = {(path.name, name) for path in files for name in imports(path)
             if any(name == forbidden or name.startswith(forbidden + ".") for forbidden in FORBIDDEN[folder])}
    assert found == set()


def test_no_binary_floating_point_in_the_engine():
    for path in (PACKAGE / "engine").glob("*.py"):
        constants = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        assert [value for value in constants if isinstance(value, float)] == [], path.name
        assert "float(" not in path.read_text()
