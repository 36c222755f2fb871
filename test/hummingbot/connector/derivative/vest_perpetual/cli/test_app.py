"""The tool as a whole: its help, and what it does before any command."""

from test.hummingbot.connector.derivative.vest_perpetual.cli.conftest import WALLET_KEY

import pytest
import typer
from typer.testing import CliRunner

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_cli as cli
from hummingbot.connector.derivative.vest_perpetual.cli.command import ExitCode

GROUP = typer.main.get_command(cli.app)


@pytest.mark.parametrize("name", sorted(GROUP.commands))
def test_every_command_explains_itself(name):
    result = CliRunner().invoke(cli.app, [name, "--help"])
    assert result.exit_code == 0 and "--json" in result.output
    first = GROUP.commands[name].help.split("\n")[0]
    assert first[0].isupper() and first.endswith(".")
    for parameter in GROUP.commands[name].params:
        assert getattr(parameter, "hidden", False) or parameter.help, parameter.name


def test_without_a_command_the_help_is_shown():
    assert "Commands:" in CliRunner().invoke(cli.app, []).output


@pytest.mark.parametrize("words", [
    ["register", WALLET_KEY], ["register", f"--wallet-key={WALLET_KEY}"], ["connect", "--from", WALLET_KEY],
    ["register", "--wallet-key-env", WALLET_KEY], ["account", f"--keys={WALLET_KEY}"],
    ["order", "buy", "BTC-USDC", WALLET_KEY[2:-1]],
])
def test_what_looks_like_a_key_is_refused_before_anything_else(monkeypatch, capsys, words):
    monkeypatch.setattr("sys.argv", ["vest-perpetual", *words])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    shown = capsys.readouterr()
    assert exit_.value.code == ExitCode.USAGE and WALLET_KEY[2:-1] not in shown.out + shown.err


@pytest.mark.parametrize("words", [
    ["cancel", "0x" + "ab" * 32, "--help"], ["orders", "--id", "0x" + "ab" * 32, "--help"],
])
def test_ids_of_orders_are_not_keys(monkeypatch, capsys, words):
    monkeypatch.setattr("sys.argv", ["vest-perpetual", *words])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 0
