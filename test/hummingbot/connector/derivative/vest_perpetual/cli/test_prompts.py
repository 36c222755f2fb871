"""What is asked, of a person at a terminal; `test/end_to_end/test_cli.py` does it in a real one."""
import io
from test.hummingbot.connector.derivative.vest_perpetual.cli.conftest import DOMAIN, PASSWORD

import pytest

from hummingbot.connector.derivative.vest_perpetual.cli import prompts
from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError, ExitCode
from hummingbot.connector.derivative.vest_perpetual.cli.keystore import Keystore


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def typed(monkeypatch):
    """What a person will type: at questions, and where nothing is shown."""
    def type_(*secrets, answers=""):
        waiting = list(secrets)
        monkeypatch.setattr("sys.stdin", Terminal(answers))
        monkeypatch.setattr("getpass.getpass", lambda prompt: waiting.pop(0))
        return waiting

    return type_


def test_a_secret_is_typed_with_blanks_around_it(typed):
    typed("  secret ")
    assert prompts.secret("Key", "otherwise") == "secret"


def test_nothing_is_typed(typed, monkeypatch):
    typed("")
    with pytest.raises(CommandError, match="nothing was entered"):
        prompts.secret("Key", "otherwise")

    def end_of_file(prompt):
        raise EOFError

    monkeypatch.setattr("getpass.getpass", end_of_file)
    with pytest.raises(CommandError, match="nothing was entered"):
        prompts.secret("Key", "otherwise")


@pytest.mark.parametrize("answers, is_yes", [("y\n", True), ("yes\n", True), ("n\n", False), ("\n", False)])
def test_a_confirmation(typed, answers, is_yes):
    typed(answers=answers)
    if is_yes:
        prompts.confirm("Do it?", is_agreed=False)
        return
    with pytest.raises(CommandError, match="nothing was done") as refusal:
        prompts.confirm("Do it?", is_agreed=False)
    assert refusal.value.exit_code is ExitCode.FAILED


def test_a_new_keystore_has_the_password_that_is_typed_twice(typed, home, monkeypatch):
    monkeypatch.delenv("HBOT_PASSWORD")
    typed(PASSWORD, "another")
    with pytest.raises(CommandError, match="differ"):
        Keystore.unlock_or_create()
    assert not (home / "conf").exists()
    typed(PASSWORD, PASSWORD)
    Keystore.unlock_or_create()
    typed(PASSWORD)
    Keystore.unlock()
    typed("another")
    with pytest.raises(CommandError, match="not the password"):
        Keystore.unlock_or_create()


def test_a_home_without_a_keystore_has_nothing_to_unlock(home):
    with pytest.raises(CommandError, match="no keystore"):
        Keystore.unlock()


def test_a_home_in_which_no_keystore_can_be_made(home):
    (home / "conf").write_text("in the way")
    with pytest.raises(CommandError, match="cannot be written"):
        Keystore.unlock_or_create()


def test_values_that_hummingbot_refuses_are_not_stored(home):
    with pytest.raises(CommandError) as refusal:
        Keystore.unlock_or_create().write(DOMAIN, {
            f"{DOMAIN}_api_key": "key", f"{DOMAIN}_signing_private_key": "0x" + "1" * 64,
            f"{DOMAIN}_account_group": "many",
        })
    assert refusal.value.exit_code is ExitCode.KEYS and not (home / "conf" / "connectors").exists()
