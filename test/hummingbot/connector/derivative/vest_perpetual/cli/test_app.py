"""The tool as a whole: its help, and what it does before any command."""
import json
from pathlib import Path
from test.hummingbot.connector.derivative.vest_perpetual.cli.conftest import WALLET_KEY

import pytest
import typer
from typer.testing import CliRunner

import hummingbot
from hummingbot.connector.derivative import vest_perpetual
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_cli as cli
from hummingbot.connector.derivative.vest_perpetual.cli.command import ExitCode

FRAMEWORK = Path(hummingbot.__file__).parent / "VERSION"
GROUP = typer.main.get_command(cli.app)


@pytest.mark.parametrize("name", sorted(GROUP.commands))
def test_every_command_explains_itself(name):
    result = CliRunner().invoke(cli.app, [name, "--help"])
    assert result.exit_code == 0 and "--json" in result.output
    first = GROUP.commands[name].help.split("\n")[0]
    assert first[0].isupper() and first.endswith(".")
    for parameter in GROUP.commands[name].params:
        assert getattr(parameter, "hidden", False) or parameter.help, parameter.name


def test_the_versions_are_shown():
    result = CliRunner().invoke(cli.app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout == f"vest_perpetual {vest_perpetual.__version__}, Hummingbot {FRAMEWORK.read_text().strip()}\n"


def test_versions_of_a_hummingbot_that_does_not_tell_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr("hummingbot.__file__", str(tmp_path / "__init__.py"))
    assert "Hummingbot of unknown version" in CliRunner().invoke(cli.app, ["--version"]).stdout


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
    assert shown.err.startswith("Error: there is a private key on the command line")


def test_what_looks_like_a_key_is_refused_in_json_too():
    result = CliRunner().invoke(cli.app, ["register", WALLET_KEY, "--json"])
    error = json.loads(result.stdout)["error"]
    assert error["exit_code"] == result.exit_code == ExitCode.USAGE
    assert "private key" in error["message"] and WALLET_KEY[2:-1] not in result.output


REFUSED = [
    (["account", "--colour", "red"], "No such option: --colour"), (["accounts"], "No such command 'accounts'"),
    (["--colour"], "No such option: --colour"), (["account", "mine"], "unexpected extra argument"),
    (["order", "hold", "BTC-USDC", "1"], "'side': 'hold' is not one of"), (["withdraw", "1", "--chain", "1"], "'--to'"),
    (["orders", "--limit"], "requires an argument"), (["account", "--domain", "vest"], "'--domain'"),
    *[([*words, number], f"'{number}' is not a whole number of {least} or more") for number in
      ("NaN", "1_0", "1.5", "-1", "\u0663", " 1", "") for least, words in (
          (1, ["orders", "--limit"]), (0, ["orders", "--nonce"]), (1, ["stream", "--count"]),
          (1, ["withdraw", "1", "--to", "0x1", "--chain"]))],
    (["leverage", "BTC-USDC", "NaN"], "'NaN' is not a whole number of 1 or more"),
    (["leverage", "BTC-USDC", "1_0"], "'1_0' is not a whole number of 1 or more"),
    (["leverage", "BTC-USDC", "0"], "'0' is not a whole number of 1 or more"),
    (["leverage", "BTC-USDC", "9" * 40], "is not a whole number of 1 or more"),
]


@pytest.mark.parametrize("words, said", REFUSED, ids=lambda part: str(part)[:60])
def test_what_is_refused_before_a_command_runs_is_said_to_people_and_to_programs(words, said):
    result = CliRunner().invoke(cli.app, words)
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "") and "Error: " in result.stderr
    assert said in result.stderr

    result = CliRunner().invoke(cli.app, [words[0], "--json", *words[1:]])
    assert (result.exit_code, result.stderr) == (ExitCode.USAGE, "")
    error = json.loads(result.stdout)["error"]
    assert error["exit_code"] == ExitCode.USAGE and said in error["message"]


@pytest.mark.parametrize("words", [
    ["cancel", "0x" + "ab" * 32, "--help"], ["orders", "--id", "0x" + "ab" * 32, "--help"],
])
def test_ids_of_orders_are_not_keys(monkeypatch, capsys, words):
    monkeypatch.setattr("sys.argv", ["vest-perpetual", *words])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 0
