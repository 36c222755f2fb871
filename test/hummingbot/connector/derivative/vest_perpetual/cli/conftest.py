"""The commands, run in this process as their console script would, against a simulated venue in another thread."""
import asyncio
import json
import os
import threading
from decimal import Decimal
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import hummingbot
from hummingbot.client.config import config_crypt, config_helpers, security
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.cli import following, keystore
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_cli import app
from vest_simulator import SimulatorConfig, VestSimulator

DOMAIN = CONSTANTS.SIMULATOR_DOMAIN
PASSWORD = "a password of the keystore"
WALLET_KEY = "0x" + "5e" * 32


class VenueThread:
    """A simulated venue, told what to do from outside its event loop."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        self.simulator = VestSimulator(SimulatorConfig(tick_interval_s=0.05))
        self.run(self.simulator.start())
        return self

    def __exit__(self, *exception):
        self.run(self.simulator.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def ask(self, question, *arguments, **named):
        """One method of the admin client."""
        return self.run(getattr(self.simulator.admin, question)(*arguments, **named))

    def requests(self, method, path):
        """What the venue got since it began: bodies as JSON texts or objects, as the journal has them."""
        async def entries():  # in the venue's thread, which goes on writing
            return self.simulator.journal.entries(kind="rest", path=path)

        return [entry for entry in self.run(entries()) if entry["method"] == method]


@pytest.fixture(scope="module")
def shared_venue():
    with VenueThread() as venue:
        yield venue


@pytest.fixture
def venue(shared_venue, monkeypatch):
    """The venue of this file's tests, without faults."""
    monkeypatch.setenv(CONSTANTS.SIMULATOR_URL_VARIABLE, shared_venue.simulator.url)
    yield shared_venue
    shared_venue.ask("clear_faults")
    shared_venue.ask("come_back")


@pytest.fixture
def account(venue):
    """An account of its own, with 1000 USDC: what the admin client says of it."""
    return SimpleNamespace(**venue.ask("create_account", Decimal(1000)))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A Hummingbot home that nobody has used yet."""
    verification = tmp_path / "conf" / ".password_verification"
    for module in (config_crypt, security, keystore):
        monkeypatch.setattr(module, "PASSWORD_VERIFICATION_PATH", verification)
    monkeypatch.setattr(config_helpers, "CONNECTORS_CONF_DIR_PATH", tmp_path / "conf" / "connectors")
    monkeypatch.setattr(config_crypt, "get_default_work_factor_for_kdf", lambda kdf: 1000)  # a second each, otherwise
    monkeypatch.setattr(security.Security, "secrets_manager", None)
    usual = hummingbot.data_path()
    hummingbot.set_data_path(str(tmp_path / "data"))
    monkeypatch.setenv("HBOT_PASSWORD", PASSWORD)
    yield tmp_path
    hummingbot.set_data_path(usual)


@pytest.fixture
def keys_file(account, tmp_path):
    """A private file with the account's keys."""
    return write_keys(tmp_path / "keys.yml", account)


@pytest.fixture
def quick(monkeypatch):
    """Lost answers are waited for only so long that tests are short; the code is the same."""
    monkeypatch.setattr(CONSTANTS, "RECV_WINDOW_MS", 1500)
    monkeypatch.setattr(CONSTANTS, "UNKNOWN_OUTCOME_GRACE_MS", 200)
    monkeypatch.setattr(CONSTANTS, "REQUEST_TIMEOUT_S", 2.0)
    monkeypatch.setattr(following, "_READ_PAUSE_S", 0.1)
    monkeypatch.setattr(following, "_FOLLOW_S", 1.0)
    monkeypatch.setattr(following, "_LOOK_UP_S", 4.5)


def write_keys(path, account, mode=0o600, domain=DOMAIN, **changes):
    """A filled template."""
    values = {"api_key": account.api_key, "signing_private_key": account.signing_private_key,
              "account_group": account.account_group, **changes}
    path.write_text("".join(f"{domain}_{name}: {value}\n" for name, value in values.items()))
    os.chmod(path, mode)
    return path


class Outcome:
    """What a command did: its exit code and what it printed."""

    def __init__(self, result):
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.exit_code, self.stdout, self.stderr = result.exit_code, result.stdout, result.stderr

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def order(self):
        """The order that a command for programs has sent or cancelled."""
        assert self.exit_code == 0, self.words
        return self.json["order"]

    @property
    def words(self):
        return self.stdout + self.stderr

    def is_one_sentence(self):
        return self.stdout == "" and self.stderr.startswith("Error: ") and len(self.stderr.splitlines()) == 1


@pytest.fixture
def run():
    """Runs a command on the simulator's domain."""
    def invoke(command, *arguments, stdin=""):
        domain = [] if "--domain" in arguments else ["--domain", DOMAIN]
        return Outcome(CliRunner().invoke(app, [command, *map(str, arguments), *domain], input=stdin))

    return invoke
