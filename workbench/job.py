"""What every run of the real client on the simulated venue has in common: set up, stop, compare the books, tidy up.

A job is the simulated venue, a fresh Hummingbot home, the client in it, and a folder that keeps what they wrote. What
happens between start and stop is the business of its subclasses.
"""
import contextlib
import itertools
import json
import secrets
import signal
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from workbench import audit, books, report
from workbench.client import Client, ClientError
from workbench.home import PROJECT, Home, HomeError
from workbench.simulator import Simulator, SimulatorError

CONNECTOR = "vest_perpetual_simulator"
SYMBOL_OF_PAIR = {"BTC-USDC": "BTC-PERP", "ETH-USDC": "ETH-PERP"}
STOP_TIMEOUT_S = 90
VERDICT = "verdict.json"
ORDER_CHURN = Path(__file__).with_name("order_churn.py")
CONFIGURATION = "order_churn.yml"


class Interrupted(Exception):
    """Ctrl-C before there was anything to stop gracefully or to report."""


class Job:
    """One run; `execute` does it all.

    :param seed: of the simulated prices and of whatever else is random.
    :param symbol_of_pair: the trading pairs of the run with the venue's symbols.
    :param options: further ones of the venue, see `Simulator`.
    """

    def __init__(self, seed: int, symbol_of_pair: Mapping[str, str] = SYMBOL_OF_PAIR, **options: Any) -> None:
        self.symbol_of_pair = symbol_of_pair
        self.pair_of_symbol = {symbol: pair for pair, symbol in symbol_of_pair.items()}
        self.folder = new_folder(PROJECT / ".runs" / time.strftime("%Y-%m-%dT%H-%M-%S"))
        self.simulator = Simulator(self.folder, {
            "seed": seed, "symbols": ",".join(self.pair_of_symbol), **options})
        self.clients: List[Client] = []
        self.is_interrupted = False
        self.figures: Dict[str, Any] = {}
        """What `workbench.reliability` tells of the run, by words."""
        self.extent = 0.0
        """How long it was, in what the job counts; of several runs the longest is told."""
        self._password = secrets.token_urlsafe(16)
        self._report = (self.folder / "report.txt").open("w")

    def execute(self) -> int:
        """Run it; returns the exit code: 0 all is well, 1 something differs or fails, 130 interrupted too early."""
        handlers = {number: signal.signal(number, self._interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return self._verdict(self.run())
        except Interrupted:
            self.say("Interrupted before there was anything to compare; nothing is left running.")
            return 130
        except (ClientError, SimulatorError, HomeError) as error:
            self.say(f"The run failed: {error}")
            return 1
        finally:
            for client in self.clients:
                client.kill()
            self.simulator.stop()
            self._report.close()
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def run(self) -> List[str]:
        """Set up, trade, stop and compare; returns what is wrong, in words."""
        raise NotImplementedError

    def say(self, text: str = "") -> None:
        """Print a line and keep it in the report."""
        print(text, flush=True)
        self._report.write(text + "\n")
        self._report.flush()

    def _interrupt(self, signal_number: int, frame: Any) -> None:
        self.is_interrupted = True  # nothing else: a handler must not print while somebody prints

    def step(self, text: str) -> None:
        """Announce the next step of the set-up. :raises Interrupted: instead, after a Ctrl-C"""
        if self.is_interrupted:
            raise Interrupted()
        self.say(f"- {text}")

    def set_up(self) -> None:
        """Start the venue, make a home, store the keys in it."""
        self.say(f"  everything is kept in {self.folder.relative_to(PROJECT)}")
        self.step("starting the simulated venue")
        self.simulator.start()
        self.step("making a Hummingbot home")
        client = self.make_client("home")
        self.step(f"storing encrypted keys for {CONNECTOR}")
        self.store_keys(client, self._account)

    def make_client(self, name: str) -> Client:
        """A client in a fresh home of this name, which ends with the run."""
        home = Home.create(self.folder / name)
        self.clients.append(Client(home, self._password, {"VEST_SIMULATOR_URL": self.simulator.url}))
        return self.clients[-1]

    @staticmethod
    def store_keys(client: Client, account: Mapping[str, Any]) -> None:
        """Store the keys of one of the venue's accounts in a client, encrypted."""
        client.connect(CONNECTOR, {f"{CONNECTOR}_{key}": str(value) for key, value in account.items()})

    @property
    def client(self) -> Client:
        """The first client, which is the only one of most runs."""
        return self.clients[0]

    @property
    def _account(self) -> Dict[str, Any]:
        return self.simulator.accounts[0]

    @property
    def account_group(self) -> int:
        """The venue's number of the account that trades."""
        return self._account["account_group"]

    def marks(self) -> Dict[str, Decimal]:
        """Mark price by pair."""
        marks = self.simulator.mark_prices()
        return {pair: marks[symbol] for pair, symbol in self.symbol_of_pair.items()}

    def ledger(self) -> Dict[str, Any]:
        """The venue's ledger; a copy of the last one stays in the folder."""
        ledger = self.simulator.ask("ledger", self.account_group)
        (self.folder / "ledger.json").write_text(json.dumps(ledger, indent=1))
        return ledger

    def differences(self, client: books.Books, venue: books.Books,
                    marks: Optional[Mapping[str, Decimal]] = None) -> List[str]:
        """Show both books side by side; returns where they differ, and what is still open.

        :param marks: mark price by pair, for the pairs to compare; None: all of the run.
        """
        lines = books.compare(client, venue, self.marks() if marks is None else marks)
        lines += books.total_lines(lines)
        self.say("\n" + report.table(lines))
        faults = [f"{line.pair}: {line.what} differs" for line in lines if not line.agrees]
        faults += [f"order {nonce} is {ours} for the client and {theirs} at the venue"
                   for nonce, ours, theirs in books.different_orders(client, venue)]
        return faults + [f"order {order.nonce} is still open at the venue"
                         for order in venue.orders if order.state == books.OPEN]

    def left_behind(self) -> List[str]:
        """Unclosed sessions, living processes, secrets in files; to be called when the clients have ended."""
        faults = []
        for client in self.clients:
            faults += [f"in the log: {line.strip()}" for line in audit.unclosed(client.logs)]
            faults += [f"process {process.pid} of the client is still alive" for process in client.wait_for_end()]
            client.home.remove_package()
        secrets_of_the_run = [account[key] for account in self.simulator.accounts
                              for key in ("api_key", "signing_private_key")] + [self._password]
        return faults + [f"a secret or a signature in clear in {path.relative_to(PROJECT)}"
                         for path in audit.files_with_secrets(self.folder, secrets_of_the_run)]

    def _verdict(self, faults: List[str]) -> int:
        verdict = {"job": type(self).__name__, "extent": self.extent, "figures": self.figures, "wrong": faults}
        (self.folder / VERDICT).write_text(json.dumps(verdict, indent=1))
        if faults:
            self.say("\n✗ The run failed:\n" + "\n".join(f"  - {fault}" for fault in faults))
            return 1
        self.say("\n✓ Client and venue agree in every line; nothing was left behind.")
        return 0


def create_order_churn(client: Client, connector: str, pairs: List[str], marks: Mapping[str, Decimal],
                       requests_per_second: float = 10, seed: int = 1) -> str:
    """A strategy like those of `workbench.strategies`, for load; returns the configuration to start."""
    client.home.add_script(ORDER_CHURN)
    client.create(ORDER_CHURN.stem, CONFIGURATION, {
        "connector_name": connector, "trading_pairs": pairs, "requests_per_second": requests_per_second, "seed": seed})
    return CONFIGURATION


def new_folder(wanted: Path) -> Path:
    """Make the folder, with a number behind its name when another run of the same second has taken it."""
    for number in itertools.count(1):
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
