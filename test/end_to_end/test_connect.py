"""`connect` as a person does it: in the full-screen client, and headless."""
import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from test.end_to_end.secrets import leaks
from test.end_to_end.terminal import COLUMNS, ROWS, Terminal
from test.programs import requires

import pytest
from eth_account import Account

from workbench.client import Client, ClientConfigError, ClientError
from workbench.home import CLIENT_SETTINGS, PROJECT, Home
from workbench.simulator import Simulator

CONNECTOR = "vest_perpetual_simulator"
PASSWORD = "a password"
COMMAND = "make --no-print-directory client"
# Keys that no account of the simulated venue has.
WRONG_API_KEY = "4f" * 32
WRONG_SIGNING_KEY = "0x" + "5a" * 32
ADDRESS = Account.from_key(WRONG_SIGNING_KEY).address


@pytest.fixture(scope="module")
def simulator():
    folder = PROJECT / ".runs" / f"test-connect-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        with Simulator(folder, {"seed": 4, "symbols": "BTC-PERP"}) as running:
            yield running
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def home(tmp_path):
    made = Home.create(PROJECT / ".runs" / f"test-connect-home-{os.getpid()}")
    # The settings that `make client` starts with.
    (made.root / "conf" / "conf_client.yml").write_text(CLIENT_SETTINGS)
    yield made
    Client(made, PASSWORD).kill()
    shutil.rmtree(made.root)


class Person:
    """Somebody in front of the full-screen client."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.seen = []
        self._marks = 0

    def reach_password(self) -> None:
        """Gets through what the client says first."""
        for words in ("Welcome to Hummingbot", "PLEASE READ THIS CAREFULLY", "SET A SECURE PASSWORD"):
            self.terminal.wait_for(words)
            self.terminal.press("Enter")
        self.terminal.wait_for("Enter your new password")

    def set_password(self) -> None:
        """Gets past the first-run dialogs."""
        self.reach_password()
        for words in ("Enter your new password", "re-enter your password"):
            self.terminal.wait_for(words)
            self.terminal.type(PASSWORD)  # Enter moves on to the button, the next one presses it
            self.terminal.press("Enter")
        self.terminal.wait_for("Useful Commands")
        self.terminal.press("C-t")  # without the log beside it, a line of the screen is one of the client

    def does(self, command: str) -> None:
        """Types a command; what `reads` waits for is below it."""
        self._marks += 1
        # No command of the client, but the place can be found again, also under a list of completions.
        self.terminal.type("." * 30 + self._mark)
        self._wait_for(self._mark, after="")
        self.terminal.type(command)

    def reads(self, *texts: str) -> None:
        """Waits until the client has said all this since the last command."""
        for text in texts:
            self._wait_for(text, after=self._mark)
        self.seen.append(self.terminal.screen)

    def reads_in_the_usual_window(self, question: str) -> None:
        """Waits until a question is to be seen whole in 80 columns, of which the log has half."""
        self.terminal.resize(80, 24)
        self.terminal.press("C-t")
        self.terminal.wait_for(question, columns=40)
        self.terminal.press("C-t")
        self.terminal.resize(COLUMNS, ROWS)

    def _wait_for(self, text: str, after: str) -> None:
        for _ in range(15):
            with suppress(AssertionError):
                return self.terminal.wait_for(text, after, timeout_s=3)
            # A list of completions can come late, and cover what there is to read, until a key is pressed.
            self.terminal.press("x")
            self.terminal.press("BSpace")
        self.terminal.wait_for(text, after)

    @property
    def _mark(self) -> str:
        return f"mark{self._marks:03}"

    def connects(self, api_key: str, signing_key: str, account_group: str) -> None:
        """Answers the client's questions."""
        self.does(f"connect {CONNECTOR}")
        self.reads("Enter your Vest simulator API key")
        self.terminal.type(api_key)
        self.reads("NEVER your wallet's key) >>>")
        self.terminal.type(signing_key)
        self.reads("Enter your Vest simulator account group")
        self.terminal.type(account_group)


@requires("tmux")
@pytest.mark.timeout(240)
def test_a1_connect_in_the_full_screen_client(simulator, home):
    account, other = simulator.accounts[0], simulator.ask("create_account", "500")
    expired = simulator.ask("create_account", "500", key_life_ms=1)
    api_key, signing_key, group = account["api_key"], account["signing_private_key"], str(account["account_group"])
    environment = {"PYTHONPATH": str(home.root), "VEST_SIMULATOR_URL": simulator.url}
    with Terminal("connect", COMMAND, PROJECT, environment) as terminal:
        person = Person(terminal)
        person.set_password()

        person.connects(WRONG_API_KEY, signing_key, group)
        person.reads("Error: Vest error 1002: the API key is not accepted")
        person.connects(api_key, WRONG_SIGNING_KEY, group)
        person.reads("Error: Vest error 1022: the signature is not accepted; enter the signing private key that was")
        person.connects(api_key, signing_key, "77")
        person.reads("Error: Vest error 1146: the account group is not accepted; enter the accGroup")
        person.connects(expired["api_key"], expired["signing_private_key"], str(expired["account_group"]))
        person.reads("Error: Vest error 1002: the API key is not accepted (wrong, revoked or expired)")
        person.connects(other["api_key"], other["primary_private_key"], str(other["account_group"]))
        person.reads("Error:", "is the key of your wallet: a bot must not have it", "vest-perpetual register --save")
        simulator.ask("go_down")
        person.connects(api_key, signing_key, group)
        person.reads("Error:", "no connection to the venue; check the network")
        simulator.ask("come_back")

        person.does(f"connect {CONNECTOR}")
        person.reads("Enter your Vest simulator API key")
        person.reads_in_the_usual_window("Enter your Vest simulator API key (the apiKey of the registration, which "
                                         "vest-perpetual register makes) >>>")
        terminal.type(ADDRESS)
        person.reads("must be the apiKey of the registration; what was entered is an address")
        terminal.paste(f"  '{api_key}'\n")
        terminal.press("Enter")
        person.reads("NEVER your wallet's key) >>>")
        person.reads_in_the_usual_window("Enter the private key of your Vest simulator signing key (the one you "
                                         "registered; NEVER your wallet's key) >>>")
        terminal.type(ADDRESS)
        person.reads("what was entered is an address, which is public; the private key that belongs to it is needed")
        terminal.paste(f'"{signing_key.removeprefix("0x").upper()}" ')
        terminal.press("Enter")
        person.reads("Enter your Vest simulator account group")
        terminal.type(f" {group} ")
        person.reads(f"You are now connected to {CONNECTOR}")
        person.does("balance")
        person.reads(f"{CONNECTOR}:", "USDC 100000.0", "Exchanges Total")
        person.does("status")
        person.reads("Strategy check: Please import or create a strategy")
        person.does(f"connect {CONNECTOR}")
        person.reads(f"replace your existing {CONNECTOR} API key ********** (Yes/No)? >>>")
        terminal.type("No")
        person.does("exit")
        terminal.wait_for("exit code 0")

    secrets = [api_key, signing_key, WRONG_API_KEY, WRONG_SIGNING_KEY, expired["api_key"], other["primary_private_key"]]
    assert leaks(person.seen, secrets) == []
    logs = [path.read_text() for path in (home.root / "logs").iterdir()]
    assert logs and leaks(logs, secrets) == []


def test_a1_connect_without_a_screen(simulator, home):
    """As `connect --keys-stdin` stores without asking the venue, `balance` tests the keys."""
    client = Client(home, PASSWORD, {"VEST_SIMULATOR_URL": simulator.url})
    account = simulator.accounts[0]
    keys = {f"{CONNECTOR}_{name}": str(value) for name, value in account.items()}
    with pytest.raises(ClientConfigError, match="invalid value.*what was entered is an address") as refusal:
        client.connect(CONNECTOR, {**keys, f"{CONNECTOR}_signing_private_key": ADDRESS})
    assert ADDRESS not in str(refusal.value)
    client.connect(CONNECTOR, {**keys, f"{CONNECTOR}_signing_private_key": WRONG_SIGNING_KEY})
    with pytest.raises(ClientError, match="Vest error 1022: the signature is not accepted"):
        client.balance(CONNECTOR)
    pasted = {name: f' "{value}"\n' for name, value in keys.items()}
    client.run("connect", CONNECTOR, "--keys-stdin", "--replace", stdin=json.dumps(pasted))
    assert client.balance(CONNECTOR)["USDC"]["total"] == 100000
    assert all(value not in client.run("connect") for value in keys.values() if len(value) > 2)


@requires("tmux")
@pytest.mark.parametrize("folder", ["conf/connectors", "logs"])
def test_a_folder_that_cannot_be_written_is_said_before_anything_is_entered(home, folder):
    path = home.root / folder
    shutil.rmtree(path)
    path.touch()
    with Terminal("folder", COMMAND, PROJECT, {"PYTHONPATH": str(home.root)}) as terminal:
        terminal.wait_for(f"make client: {path} is no folder; run `make install`, or move away what is in its place.")


def test_without_a_terminal_the_headless_commands_are_named():
    process = subprocess.run(COMMAND.split(), cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert process.returncode != 0 and "needs a terminal; without one use: .venv/bin/hbot\n" in process.stderr


@requires("tmux")
def test_beside_a_bot_the_client_does_not_open_and_after_one_that_was_killed_it_does(home):
    pid_file = home.root / "data" / "bot" / "bot.pid"
    pid_file.parent.mkdir(parents=True)
    engine = [sys.executable, "-c", "import time; time.sleep(600)", "-m", "hummingbot.cli.engine"]  # as hbot tells one
    environment = {"PYTHONPATH": str(home.root)}
    with subprocess.Popen(engine) as process:
        try:
            pid_file.write_text(str(process.pid))
            with Terminal("bot", COMMAND, PROJECT, environment) as terminal:
                terminal.wait_for(f"make client: a bot runs in this home (pid {process.pid}), which has one at a time: "
                                  f"`.venv/bin/hbot stop` first.")
        finally:
            process.kill()
    for pid in (process.pid, os.getpid()):  # of nobody any more, and of another program
        pid_file.write_text(str(pid))
        with Terminal("bot", COMMAND, PROJECT, environment) as terminal:
            terminal.wait_for("Welcome to Hummingbot")


@requires("tmux")
def test_cancel_instead_of_a_password_is_confirmed_in_a_sentence(home):
    with Terminal("cancel", COMMAND, PROJECT, {"PYTHONPATH": str(home.root)}) as terminal:
        person = Person(terminal)
        person.reach_password()
        for key in ("Tab", "Tab", "Enter"):  # over <OK> to <Cancel>
            terminal.press(key)
        terminal.wait_for("make client: no password was entered, so the client was not opened.")
