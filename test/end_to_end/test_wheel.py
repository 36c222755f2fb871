"""The wheel as a user has it: beside a Hummingbot installed from the package index, in an environment of its own."""
import json
import subprocess
import sys
import time

import pytest

from workbench import books
from workbench.client import Client, ClientError
from workbench.home import CLIENT_SETTINGS, OFFLINE_SETTINGS, PROJECT, Home, overlay_units
from workbench.install import BUILD_TOOLS, HUMMINGBOT, LOCK, find_uv
from workbench.simulator import Simulator
from workbench.strategies import STRATEGIES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CONNECTOR = "vest_perpetual_simulator"
PAIR, SYMBOL = "BTC-USDC", "BTC-PERP"
WRITTEN_BY_THE_CLIENT = ("conf", "data", "logs", "scripts", "controllers")
FILLS_WANTED = 4
TRADING_TIMEOUT_S = 180


class CleanEnvironment:
    """A virtual environment with the locked dependencies and Hummingbot, and nothing of this project.

    Hummingbot takes the folder above its package for its home: here that is `site-packages`.
    """

    def __init__(self, root):
        self.root = root
        run(sys.executable, "-m", "venv", root)
        self.python = root / "bin" / "python"
        command = [find_uv(sys.executable), "pip", "install", "--quiet", "--python", root,
                   "--build-constraints", BUILD_TOOLS, "-r", LOCK, "-r", HUMMINGBOT]
        try:
            run(*command, "--offline")  # `make install` has left all of it in the cache, as a rule
        except AssertionError:
            run(*command)
        self.site_packages = next(root.glob("lib/python*/site-packages"))
        self.home = Home(self.site_packages)
        self.home.prepare(CLIENT_SETTINGS + OFFLINE_SETTINGS)

    def pip(self, *words):
        run(self.python, "-m", "pip", "--disable-pip-version-check", *words)

    def packages(self):
        """Every path in it, except what the client writes, and what Python compiles of Hummingbot's files."""
        paths = (path.relative_to(self.site_packages) for path in self.site_packages.rglob("*"))
        return {path for path in paths if path.parts[0] not in WRITTEN_BY_THE_CLIENT
                and ("vest_perpetual" in str(path) or "__pycache__" not in path.parts)}


def run(*command):
    outcome = subprocess.run([str(word) for word in command], cwd=PROJECT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


@pytest.fixture
def environment(tmp_path, monkeypatch):
    clean = CleanEnvironment(tmp_path / "environment")
    # whoever starts a process with "this Python" gets that environment's
    monkeypatch.setattr(sys, "executable", str(clean.python))
    return clean


def sources(root, units):
    """The source files of the overlay units below `root`, relative to it."""
    paths = [path for unit in units for path in [root / unit, *(root / unit).rglob("*")]]
    return {path.relative_to(root) for path in paths if path.suffix in (".py", ".pyx", ".pxd")}


def trade(client, simulator):
    """Run Hummingbot's own market making until some orders have filled, then stop it."""
    account = simulator.accounts[0]
    client.connect(CONNECTOR, {f"{CONNECTOR}_{key}": str(value) for key, value in account.items()})
    assert float(client.balance(CONNECTOR)["USDC"]["total"]) > 0
    marks = {PAIR: simulator.mark_prices()[SYMBOL]}
    client.start(STRATEGIES["perpetual_market_making"](client, CONNECTOR, [PAIR], marks))
    deadline = time.monotonic() + TRADING_TIMEOUT_S
    while len(venue_books(simulator).fills) < FILLS_WANTED:
        assert time.monotonic() < deadline, "\n".join(log.read_text()[-2000:] for log in client.logs)
        time.sleep(0.5)
    assert client.status()["errors"]["messages"] == []
    client.stop(90)


def venue_books(simulator):
    return books.venue_books(simulator.ask("ledger", simulator.accounts[0]["account_group"]), {SYMBOL: PAIR})


def test_every_way_in_and_out_leaves_no_trace(environment, monkeypatch):
    """The commands of docs/installing.md, one after the other."""
    before = environment.packages()
    monkeypatch.setenv("VIRTUAL_ENV", str(environment.root))
    assert run("make", "--silent", "dist-install").splitlines()[-1].endswith(f"is in {environment.site_packages}.")
    installed = environment.packages() - before
    assert {path for path in installed if path.suffix.startswith(".p")} == sources(PROJECT, overlay_units())
    run(find_uv(sys.executable), "pip", "uninstall", "--python", environment.root, "vest_perpetual")
    assert environment.packages() == before
    environment.pip("install", "--no-deps", next((PROJECT / "dist").glob("*.whl")))
    run("make", "--silent", "dist-install", f"PYTHON={environment.python}")
    assert environment.packages() - before == installed
    environment.pip("uninstall", "--yes", "vest_perpetual")
    assert environment.packages() == before


def test_the_wheel_is_discovered_trades_and_leaves_no_trace(environment, tmp_path):
    before = environment.packages()
    run("make", "--silent", "dist-install", f"PYTHON={environment.python}")
    with Simulator(tmp_path, {"seed": 5, "symbols": SYMBOL}) as simulator:
        client = Client(environment.home, "a password", {"VEST_SIMULATOR_URL": simulator.url})
        assert "vest_perpetual_api_key" in client.run("connect", "vest_perpetual", "--fields")
        assert "register" in run(environment.root / "bin" / "vest-perpetual", "--help")
        try:
            trade(client, simulator)
        finally:
            client.kill()
        ours, theirs = books.client_books(client.database), venue_books(simulator)
        assert [line for line in books.compare(ours, theirs, {PAIR: simulator.mark_prices()[SYMBOL]})
                if not line.agrees] == []
        assert [order for order in theirs.orders if order.state == books.OPEN] == []

    environment.pip("uninstall", "--yes", "vest_perpetual")
    assert environment.packages() == before and not (environment.root / "bin" / "vest-perpetual").exists()
    with pytest.raises(ClientError):
        client.run("connect", "vest_perpetual", "--fields")
    assert "binance_perpetual_api_key" in client.run("connect", "binance_perpetual", "--fields")
    assert json.loads(client.run("status", "--json"))["running"] is False
