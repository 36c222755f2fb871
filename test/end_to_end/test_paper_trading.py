"""docs/paper-trading.md, line by line: the page's own strategy on the paper exchange, without and with a screen."""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from test.end_to_end.terminal import Terminal
from test.end_to_end.test_connect import Person
from test.programs import requires

import pytest

from workbench.client import Client
from workbench.home import CLIENT_SETTINGS, PROJECT, Home
from workbench.simulator import Simulator

CONNECTOR = "vest_perpetual_simulator"
PASSWORD = "a password"
PAGE = (PROJECT / "docs" / "paper-trading.md").read_text()
PROGRAMS = {
    ".venv/bin/hbot": "hummingbot.cli.main",
    ".venv/bin/vest-perpetual": "hummingbot.connector.derivative.vest_perpetual.vest_perpetual_cli",
}
COMMANDS = re.findall(rf"^ {{4}}((?:{'|'.join(map(re.escape, PROGRAMS))}) .*)$", PAGE, re.MULTILINE)
FILLS_TIMEOUT_S = 120.0

pytestmark = pytest.mark.timeout(600)  # each command is a process that imports Hummingbot: long on a busy machine


def block(kind):
    """The page's one block of this kind."""
    text, = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return text


class Reader:
    """Somebody who does what the page says, in a home of their own instead of `.hummingbot/`."""

    def __init__(self, home, simulator):
        self.client = Client(home, PASSWORD, {"VEST_SIMULATOR_URL": simulator.url})
        self.home = home
        self.simulator = simulator
        self.environment = {**home.environment(), "HBOT_PASSWORD": PASSWORD, "VEST_SIMULATOR_URL": simulator.url}

    def write_strategy(self):
        """The page's script, in the file that the page names."""
        file, = re.findall(r"For example `\.hummingbot/(scripts/\w+\.py)`", PAGE)
        (self.home.root / file).write_text(block("python"))

    def sets_up(self):
        """All that the page does before its strategy is started."""
        for line in COMMANDS:
            if {"connect", "create"} & set(line.split()):
                self.types(line)

    def types(self, line):
        """A command of the page; returns what it prints."""
        program, *words = shlex.split(line)
        words = [word.replace(".hummingbot", str(self.home.root)) for word in words]
        keys = {f"{CONNECTOR}_{name}": str(value) for name, value in self.simulator.accounts[0].items()}
        done = subprocess.run(
            [sys.executable, "-m", PROGRAMS[program], *words], cwd=self.home.root, env=self.environment, text=True,
            input=json.dumps(keys), capture_output=True, timeout=240)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    def sees_fills(self, count):
        """Waits until the page's strategy has bought and sold that often."""
        deadline = time.monotonic() + FILLS_TIMEOUT_S
        while len(self.filled) < count:
            assert time.monotonic() < deadline, self.filled
            time.sleep(0.2)

    @property
    def filled(self):
        ledger = self.simulator.ask("ledger", self.simulator.accounts[0]["account_group"])
        return [order for order in ledger["orders"] if order["status"] == "FILLED"]


@pytest.fixture
def reader(tmp_path):
    home = Home.create(PROJECT / ".runs" / f"paper-{os.getpid()}-{time.monotonic_ns()}")
    (home.root / "conf" / "conf_client.yml").write_text(CLIENT_SETTINGS)  # as in `.hummingbot/`
    with Simulator(tmp_path, {"seed": 1, "state": tmp_path / "paper.db"}) as simulator:
        reader = Reader(home, simulator)
        reader.write_strategy()
        try:
            yield reader
        finally:
            reader.client.kill()
            shutil.rmtree(home.root)


def test_every_command_of_the_page_one_after_the_other(reader):
    said = {}
    for line in COMMANDS:
        said[line] = reader.types(line)
        if line.startswith(".venv/bin/hbot start"):
            reader.sees_fills(2)
    words = dict(zip(("connect", "account", "create", "start", "status", "logs", "history", "orders", "report", "stop"),
                     said.values(), strict=True))
    assert "100000" in words["account"] and "ready: yes" in words["create"]
    assert "strategy: buy_dips" in words["status"] and "BuyOrderCreated" in words["logs"]
    assert "BTC-USDC" in words["history"] and words["orders"].count("FILLED") >= 2
    assert "BTC-USDC" in (reader.home.root / "dips.html").read_text() and "stopped: yes" in words["stop"]


def test_a_backup_has_keys_settings_and_records(reader):
    """The command of docs/operating.md; what it packs is all that the bot is started from, in another home."""
    reader.sets_up()
    backup, = re.findall(r"^ {4}(tar .*)$", (PROJECT / "docs" / "operating.md").read_text(), re.MULTILINE)
    root = str(reader.home.root)
    subprocess.run(shlex.split(backup.replace(".hummingbot", root)), cwd=root, check=True)
    restored = Home.create(reader.home.root.with_name(reader.home.root.name + "-restored"))
    try:
        subprocess.run(["tar", "-xzf", f"{root}/backup.tar.gz", "-C", str(restored.root)], check=True)
        other = Reader(restored, reader.simulator)
        assert "100000" in other.types(COMMANDS[1])
        assert (restored.root / "conf" / "scripts" / "dips.yml").exists()
        assert (restored.root / "scripts" / "buy_dips.py").read_text() == block("python")
    finally:
        shutil.rmtree(restored.root)


@requires("tmux")
def test_the_strategy_and_a_controller_in_the_full_screen_client(reader):
    reader.sets_up()
    reader.client.create("vest_market_making", "my.yml", {
        "connector_name": CONNECTOR, "trading_pair": "ETH-USDC", "total_amount_quote": "1000", "leverage": 5})
    (reader.home.root / "conf" / "scripts" / "my_bot.yml").write_text(block("yaml"))
    starts = re.findall(r"`(start\s--v2\s\w+\.yml)`", PAGE)
    assert len(starts) == 2
    environment = {"PYTHONPATH": str(reader.home.root), "VEST_SIMULATOR_URL": reader.simulator.url}
    with Terminal("paper", "make --no-print-directory client", PROJECT, environment) as terminal:
        terminal.wait_for("Enter your password")
        terminal.type(PASSWORD)
        terminal.press("Enter")
        terminal.wait_for("Useful Commands")
        terminal.press("C-t")  # without the log beside it
        person = Person(terminal)
        for start, strategy in zip(starts, ("buy_dips", "v2_with_controllers")):
            person.does(" ".join(start.split()))
            person.reads(f"Strategy '{strategy}' started successfully")
            if strategy == "buy_dips":
                reader.sees_fills(1)
            person.does("stop")
            person.reads("Hummingbot stopped.")
        terminal.type("exit")
        terminal.wait_for("exit code 0")


def test_a_controller_is_started_again_in_the_way_of_the_page(reader):
    create, start = (" ".join(re.search(rf"`hbot ({word} my[_.].*?)`", PAGE, re.DOTALL)[1].split())
                     for word in ("create", "start"))
    reader.types(COMMANDS[0])
    reader.types(f".venv/bin/hbot {create.replace('my_controller', 'vest_market_making')}")
    (reader.home.root / "conf" / "scripts" / "my.yml").write_text(block("yaml"))  # as the first start leaves it
    assert "status: running" in reader.types(f".venv/bin/hbot {start}")


@pytest.mark.parametrize("line", re.findall(r"^ {4}(make simulator .*)$", PAGE, re.MULTILINE))
def test_make_hands_on_what_the_page_says(line):
    """The simulator's own tests start it with these options."""
    done = subprocess.run([*shlex.split(line), "--dry-run"], cwd=PROJECT, capture_output=True, text=True, check=True)
    name, value = line.split()[2].split("=")
    assert f'--{name.lower()} "{value}"' in done.stdout


@pytest.mark.parametrize("port, words", [
    ("80a", "argument --port: 80a is not a port"), ("-5", "argument --port: -5 is not a port"),
    ("65535", "--port 65535 is the last one"),
])
def test_a_port_that_cannot_be_is_said_by_make(port, words):
    done = subprocess.run(["make", "simulator", f"PORT={port}"], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode != 0 and words in done.stderr and "Traceback" not in done.stderr
