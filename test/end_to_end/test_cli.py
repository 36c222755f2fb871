"""`vest-perpetual` as people have it: a process, in a terminal or in a script, in a home of its own."""
import fcntl
import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
from test.end_to_end.secrets import leaks

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from vest_simulator.venue.private import USDC_ADDRESS
from workbench.client import Client
from workbench.home import PROJECT, Home
from workbench.simulator import Simulator

DOMAIN = "vest_perpetual_simulator"
MODULE = "hummingbot.connector.derivative.vest_perpetual.vest_perpetual_cli"
WALLET_KEY = "0x" + "a5" * 32
WALLET = Account.from_key(WALLET_KEY)
PASSWORD = "correct horse"
TIMEOUT_S = 100.0

pytestmark = pytest.mark.timeout(300)  # each process imports Hummingbot, which takes long on a busy machine


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    with Simulator(tmp_path_factory.mktemp("venue"), {"seed": 3}) as simulator:
        yield simulator


@pytest.fixture
def home():
    home = Home.create(PROJECT / ".runs" / f"cli-{os.getpid()}-{time.monotonic_ns()}")
    yield home
    shutil.rmtree(home.root)


@pytest.fixture
def person(home, simulator):
    return Person(home, simulator)


@pytest.fixture
def account(simulator):
    """One that no other test trades with, whatever their sequence."""
    created = simulator.ask("create_account", 100_000)
    return {name: created[name] for name in ("api_key", "signing_private_key", "account_group")}


@pytest.fixture
def keys_file(account, tmp_path):
    path = tmp_path / "keys.yml"
    path.write_text("".join(f"{DOMAIN}_{name}: {value}\n" for name, value in account.items()))
    path.chmod(0o600)
    return path


class Person:
    """Somebody who runs commands in a home."""

    def __init__(self, home, simulator):
        self.environment = {**home.environment(), "VEST_SIMULATOR_URL": simulator.url}
        self.environment.pop("HBOT_PASSWORD", None)

    def start(self, *words, **streams):
        """Starts a command on the simulator's domain."""
        command = [sys.executable, "-m", MODULE, *map(str, words), "--domain", DOMAIN]
        return subprocess.Popen(command, cwd=PROJECT, env=self.environment, start_new_session=True, text=True,
                                **streams)

    def run(self, *words, stdin="", **environment):
        """Runs a command where nobody can be asked; exit code, stdout and stderr."""
        self.environment.update(environment)
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with self.start(*words, **pipes) as process:
            stdout, stderr = process.communicate(stdin, timeout=TIMEOUT_S)
        return process.returncode, stdout, stderr

    def answer(self, *words, answers):
        """Runs a command in a terminal and types an answer at each question; exit code and all that was on the screen.

        :param answers: (what the question says, what is typed)
        """
        screen, terminal = pty.openpty()
        process = self.start(*words, stdin=terminal, stdout=terminal, stderr=terminal,
                             preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(terminal)
        shown, seen = "", 0
        try:
            for question, typed in answers:
                while question not in shown[seen:]:
                    shown += _read(screen, shown)
                seen = len(shown)
                time.sleep(0.1)  # what is typed before the echo is off is thrown away, by getpass itself
                os.write(screen, f"{typed}\n".encode())
            while (more := _read(screen, shown, may_end=True)) is not None:
                shown += more
            return process.wait(TIMEOUT_S), shown
        finally:
            os.close(screen)
            if process.poll() is None:
                process.kill()
                process.wait()


def _read(screen, shown, may_end=False):
    """What comes next on the screen; None when the program has ended."""
    ready, _, _ = select.select([screen], [], [], TIMEOUT_S)
    assert ready, f"nothing more was shown after: {shown}"
    try:
        text = os.read(screen, 65536).decode()
    except OSError:  # Linux says so when the last program has closed the terminal
        text = ""
    assert text or may_end, f"the command ended with: {shown}"
    return text or None


def files_of(home):
    """What a command can have written, as text."""
    return [path.read_text(errors="replace") for folder in ("conf", "data", "logs")
            for path in (home.root / folder).rglob("*") if path.is_file()]


def test_from_a_wallet_to_a_connected_client(person, home, simulator):
    """A new home, a wallet's key typed at the prompt, and Hummingbot's own commands know the account."""
    exit_code, shown = person.answer("register", "--save", "--expires", "26h", answers=[
        ("New password for Hummingbot's keystore: ", PASSWORD), ("The same password again: ", PASSWORD),
        ("Private key of your wallet", WALLET_KEY),
    ])
    assert exit_code == 0 and "stored in Hummingbot's keystore" in shown and WALLET.address in shown
    assert leaks([shown, *files_of(home)], [WALLET_KEY, PASSWORD]) == []

    client = Client(home, PASSWORD, {"VEST_SIMULATOR_URL": simulator.url})
    assert float(client.balance(DOMAIN)["USDC"]["total"]) == 100_000

    exit_code, shown = person.answer("account", answers=[("Password of Hummingbot's keystore: ", PASSWORD)])
    assert exit_code == 0 and WALLET.address.lower() in shown and "in 1 day" in shown

    before = files_of(home)
    exit_code, shown = person.answer("register", "--save", answers=[
        ("Password of Hummingbot's keystore: ", PASSWORD), ("Replace them by the new ones?", "n"),
    ])
    assert exit_code == 1 and "nothing was done" in shown and files_of(home) == before
    exit_code, shown = person.answer("register", "--save", answers=[("Password of Hummingbot's keystore: ", "wrong")])
    assert exit_code == 3 and "not the password" in shown and files_of(home) == before


def test_a_full_disk_loses_neither_the_old_keys_nor_the_new_ones(person, home):
    register = ("register", "--save", "--yes", "--json", "--wallet-key-env", "WALLET")
    assert person.run(*register, WALLET=WALLET_KEY, HBOT_PASSWORD=PASSWORD)[0] == 0
    before = files_of(home)
    with person.start(*register, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))) as process:
        stdout, stderr = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1 and "could not be stored" in stderr and files_of(home) == before
    values = json.loads(stdout)
    assert Account.from_key(values["signing_private_key"]).address == values["signing_address"] and values["api_key"]


def test_a_wallet_that_signs_elsewhere(person):
    process = person.start("register", "--sign-elsewhere", WALLET.address, "--json", stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        typed_data = json.loads(process.stdout.readline())["typed_data"]
        signature = WALLET.sign_message(encode_typed_data(full_message=typed_data)).signature
        stdout, stderr = process.communicate("0x" + bytes(signature).hex() + "\n", timeout=TIMEOUT_S)
    assert process.returncode == 0, stderr
    assert json.loads(stdout)["wallet_address"] == WALLET.address


def test_a_key_on_the_command_line_is_refused_and_not_repeated(person):
    exit_code, stdout, stderr = person.run("register", f"--wallet-key={WALLET_KEY}")
    assert exit_code == 2 and stdout == "" and "shell's history" in stderr
    assert leaks([stderr], [WALLET_KEY[:-1]]) == []


def test_an_order_is_sent_only_after_a_yes_typed_at_the_question(person, simulator, account, keys_file):
    group = account["account_group"]
    order = ("order", "buy", "BTC-USDC", "0.01", "--price", "1000", "--keys", keys_file)
    question = "buy 0.0100 BTC-PERP, LIMIT, GTC at 1000.00 (10.00 USDC). Send it?"
    exit_code, shown = person.answer(*order, answers=[(question, "n")])
    assert exit_code == 1 and "nothing was done" in shown and simulator.ask("ledger", group)["orders"] == []
    exit_code, shown = person.answer(*order, answers=[(question, "y")])
    assert exit_code == 0 and "NEW" in shown and len(simulator.ask("ledger", group)["orders"]) == 1
    assert leaks([shown], [account["api_key"], account["signing_private_key"]]) == []


EVERY_COMMAND = {
    ("account",): 0, ("orders", "--since", "1h"): 0, ("leverage", "BTC-USDC"): 0, ("lp",): 0, ("transfers",): 0,
    ("order", "sell", "ETH-USDC", "1", "--dry-run"): 0, ("leverage", "BTC-USDC", "3", "--dry-run"): 0,
    ("lp", "deposit", "1", "--dry-run"): 0,
    ("withdraw", "1", "--to", WALLET.address, "--chain", "1", "--token", USDC_ADDRESS, "--dry-run"): 0,
    ("cancel", "12345"): 4, ("order", "buy", "BTC-USDC", "0.00001", "--yes"): 2,
}


def test_every_command_speaks_to_programs_and_tells_no_secret(person, account, keys_file):
    processes = {words: person.start(*words, "--json", "--keys", keys_file, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE) for words in EVERY_COMMAND}
    for words, process in processes.items():
        with process:
            stdout, stderr = process.communicate(timeout=2 * TIMEOUT_S)
        assert (process.returncode, stderr) == (EVERY_COMMAND[words], ""), (words, stdout, stderr)
        assert isinstance(json.loads(stdout), dict)
        assert leaks([stdout], [account["api_key"], account["signing_private_key"]]) == []


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_ctrl_c_ends_the_stream_with_one_word_or_document(person, keys_file, options):
    with person.start("stream", *options, "--keys", keys_file, stdout=subprocess.PIPE, stderr=subprocess.PIPE
                      ) as process:
        assert "CONNECTED" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    if options:
        assert (json.loads(stdout)["error"]["exit_code"], stderr) == (130, "")
    else:
        assert (stdout, stderr) == ("", "Stopped.\n")


def test_ctrl_c_at_a_question_ends_the_command_at_once_and_nothing_is_sent(person, simulator, account, keys_file):
    group = account["account_group"]
    before = simulator.ask("ledger", group)["orders"]
    exit_code, shown = person.answer("order", "buy", "BTC-USDC", "0.01", "--price", "1000", "--keys", keys_file,
                                     answers=[("Send it?", "\x03")])
    assert exit_code == 130 and "Stopped." in shown and simulator.ask("ledger", group)["orders"] == before


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_ctrl_c_while_an_order_is_under_way_says_where_to_look(person, simulator, keys_file, options):
    fault = simulator.ask("add_fault", "rest", "hang", method="POST", path="/orders", when="after", times=1)
    with person.start("order", "buy", "BTC-USDC", "0.01", "--price", "1000", "--yes", "--keys", keys_file, *options,
                      stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline_s = time.monotonic() + TIMEOUT_S
        while not any(rule["id"] == fault and rule["struck"] for rule in simulator.ask("faults")):
            assert time.monotonic() < deadline_s, "no order came"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130 and "Traceback" not in stderr
    if options:
        error = json.loads(stdout)["error"]
        assert error["exit_code"] == 130 and "under way" in error["message"]
        nonce = str(error["nonce"])
    else:
        nonce = re.search(r"under way \(nonce (\d+)\)", stderr)[1]
    exit_code, stdout, _ = person.run("orders", "--nonce", nonce, "--json", "--keys", keys_file)
    assert exit_code == 0 and [str(order["nonce"]) for order in json.loads(stdout)["orders"]] == [nonce]


def test_a_reader_that_has_enough_ends_the_stream(person, simulator, account, keys_file):
    with person.start("stream", "--keys", keys_file, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert "CONNECTED" in process.stdout.readline()
        process.stdout.close()
        deadline_s = time.monotonic() + TIMEOUT_S
        while process.poll() is None:
            assert time.monotonic() < deadline_s, "it goes on"
            simulator.ask("deposit", account["account_group"], "1")
            time.sleep(0.2)
        assert "Traceback" not in process.stderr.read()


def test_nothing_is_said_of_a_venue_that_is_away_but_one_sentence(person, keys_file):
    exit_code, stdout, stderr = person.run("account", "--keys", keys_file, VEST_SIMULATOR_URL="http://127.0.0.1:9")
    assert (exit_code, stdout, len(stderr.splitlines())) == (5, "", 1)


def test_the_launcher_of_a_checkout(home):
    launcher = PROJECT / "workbench" / "vest-perpetual"
    assert os.access(launcher, os.X_OK)
    installed = PROJECT / ".venv" / "bin" / "vest-perpetual"
    shown = subprocess.run([installed, "--help"], env=home.environment(), capture_output=True, text=True,
                           timeout=TIMEOUT_S, check=True).stdout
    assert "register" in shown and "Exit codes" in shown and installed.read_bytes() == launcher.read_bytes()


def test_hummingbots_own_launcher_works_in_the_home_of_the_checkout(tmp_path):
    launcher = PROJECT / "workbench" / "hbot"
    installed = PROJECT / ".venv" / "bin" / "hbot"
    assert os.access(launcher, os.X_OK) and installed.read_bytes() == launcher.read_bytes()
    # A strategy of the checkout's own would not be found from elsewhere, the user's would not be from the checkout.
    for folder in (tmp_path, PROJECT):
        shown = subprocess.run([installed, "connect", "vest_perpetual", "--fields"], cwd=folder, capture_output=True,
                               text=True, timeout=TIMEOUT_S, check=True).stdout
        assert "vest_perpetual_signing_private_key" in shown
