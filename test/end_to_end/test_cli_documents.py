"""The commands that documents name are commands, with these options; `test_cli.py` and the unit tests run them."""
import re
import shlex
from pathlib import Path

import pytest
import typer

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_cli as cli
from hummingbot.connector.derivative.vest_perpetual.cli.command import ExitCode

PROJECT = Path(__file__).parents[2]
GROUP = typer.main.get_command(cli.app)
PAGES = [*sorted((PROJECT / "docs").glob("*.md")), PROJECT / "conf" / "conf_global_TEMPLATE.yml", PROJECT / "README.md"]


def commands_of(page):
    """Every line of code that runs the tool."""
    for line in page.read_text().splitlines():
        match = re.match(r"(?:#|)(?:    |    \$ )(?:\.venv/bin/)?vest-perpetual (.*)", line)
        if match:
            yield match[1]


DOCUMENTED = [pytest.param(command, id=f"{page.name}: {command[:40]}")
              for page in PAGES if page.exists() for command in commands_of(page)]


@pytest.mark.parametrize("command", DOCUMENTED)
def test_every_command_in_the_documents_is_one(command):
    name, *words = shlex.split(command, comments=True)
    if name != "--help" and "--help" not in words:
        GROUP.commands[name].make_context(name, words)  # raises for an option or argument that is none


def test_there_are_documented_commands():
    assert {"register", "connect", "account", "order", "withdraw", "stream"} <= {
        command.values[0].split()[0] for command in DOCUMENTED}


def test_the_help_and_the_page_name_every_exit_code():
    page = (PROJECT / "docs" / "command-line.md").read_text()
    for code in ExitCode:
        assert f"| {code.value} |" in page and re.search(rf"\b{code.value}\b", GROUP.help)
