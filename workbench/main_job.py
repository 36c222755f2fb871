"""`make run`: trade on the simulated venue through the real Hummingbot client, then compare the books of the two.

The client's database and the venue's ledger must agree on orders, volumes, fees, funding, position and PnL, and the run
must leave nothing behind: no open order, no complaint of ours in the log, no secret in a file, no process. Everything
it writes is in `.runs/<time>/`. The exit code is 0 when all of that holds and there was something to compare.
"""
import argparse
import contextlib
import itertools
import json
import secrets
import signal
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_utils import (
    convert_to_exchange_trading_pair,
    trading_pairs_by_symbol,
)
from vest_simulator import DEFAULT_SYMBOLS
from workbench import audit, books, report
from workbench.client import Client, ClientError
from workbench.home import PROJECT, Home, HomeError
from workbench.simulator import Simulator, SimulatorError
from workbench.strategies import STRATEGIES

CONNECTOR = "vest_perpetual_simulator"
PROGRESS_S = 5
HOURLY_FUNDING = Decimal("0.05")  # so high that cents settle within a minute
LEAST_FUNDING = Decimal("0.01")  # USDC per pair, payments and receipts both counted as positive
STOP_TIMEOUT_S = 90


class Interrupted(Exception):
    """Ctrl-C before trading began: there is nothing to stop gracefully and nothing to report."""


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the main job; returns the exit code."""
    options = _options(arguments)
    folder = _new_folder(PROJECT / ".runs" / time.strftime("%Y-%m-%dT%H-%M-%S"))
    job = MainJob(folder, options.strategy, options.symbol_of_pair, options.seed)
    try:
        return job.run(options.duration)
    except Interrupted:
        job.say("Interrupted before trading began; nothing is left running.")
        return 130
    except (ClientError, SimulatorError, HomeError) as error:
        job.say(f"The run failed: {error}")
        return 1
    finally:
        job.clean_up()


def _options(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="main_job", description=__doc__.splitlines()[0])
    parser.add_argument("--duration", type=float, default=60, help="seconds of trading (default 60)")
    parser.add_argument("--strategy", choices=sorted(STRATEGIES), default="v2",
                        help="v2 (market making) and directional: this project's controllers; "
                             "perpetual_market_making: Hummingbot's own")
    parser.add_argument("--pairs", default="BTC-USDC,ETH-USDC", help="trading pairs, separated by commas")
    parser.add_argument("--seed", type=int, default=1, help="of the simulated prices")
    options = parser.parse_args(arguments)
    try:
        options.symbol_of_pair = _symbols(options.pairs, options.strategy)
    except ValueError as error:
        parser.error(str(error))
    if options.duration <= 0:
        parser.error("the duration must be above zero")
    return options


def _symbols(words: str, strategy: str) -> Dict[str, str]:
    """The venue's symbol of each trading pair in a comma list. :raises ValueError: when there is no such market."""
    pairs = [word.strip().upper() for word in words.split(",")]
    if strategy == "perpetual_market_making" and len(pairs) > 1:
        print(f"{strategy} trades one pair at a time: taking {pairs[0]}.")
        pairs = pairs[:1]
    symbols = {pair: convert_to_exchange_trading_pair(pair) for pair in pairs}
    listed = {spec.symbol for spec in DEFAULT_SYMBOLS}
    if not listed.issuperset(symbols.values()):
        raise ValueError("the simulated venue has only " + ", ".join(sorted(trading_pairs_by_symbol(listed).values())))
    return symbols


def _new_folder(wanted: Path) -> Path:
    """Make the folder, with a number behind its name when another run of the same second has taken it."""
    for number in itertools.count(1):
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder


class MainJob:
    """One run.

    :param folder: where everything it writes goes.
    :param strategy: a key of `STRATEGIES`.
    :param symbol_of_pair: Hummingbot's trading pairs with the venue's symbols.
    :param seed: of the simulated prices.
    """

    def __init__(self, folder: Path, strategy: str, symbol_of_pair: Mapping[str, str], seed: int) -> None:
        self._folder = folder
        self._report = (folder / "report.txt").open("w")
        self._strategy = strategy
        self._symbol_of_pair = symbol_of_pair
        self._password = secrets.token_urlsafe(16)
        self._simulator = Simulator(folder, {"seed": seed, "symbols": ",".join(self._symbol_of_pair.values())})
        self._client: Optional[Client] = None
        self._interrupted = False

    def say(self, text: str = "") -> None:
        """Print a line and keep it in the report."""
        print(text, flush=True)
        self._report.write(text + "\n")

    def run(self, duration_s: float) -> int:
        """The whole run; returns the exit code."""
        signal.signal(signal.SIGINT, self._interrupt)
        signal.signal(signal.SIGTERM, self._interrupt)
        self.say(f"{self._strategy} on {', '.join(self._symbol_of_pair)} for {duration_s:g} s; "
                 f"everything is kept in {self._folder.relative_to(PROJECT)}")
        self._prepare()
        self._trade(duration_s)
        status = self._client.status()
        self._stop()
        return self._judge(status)

    def _interrupt(self, signal_number: int, frame: Any) -> None:
        self._interrupted = True  # nothing else: a handler must not print while somebody prints

    def _step(self, text: str) -> None:
        if self._interrupted:
            raise Interrupted()
        self.say(f"- {text}")

    def _prepare(self) -> None:
        self._step("starting the simulated venue")
        self._simulator.start()
        for symbol in self._symbol_of_pair.values():
            self._simulator.ask("set_funding_rate", symbol, HOURLY_FUNDING)
        self._step("making a Hummingbot home")
        home = Home.create(self._folder / "home")
        self._client = Client(home, self._password, {"VEST_SIMULATOR_URL": self._simulator.url})
        self._step(f"storing encrypted keys for {CONNECTOR}")
        self._client.connect(CONNECTOR, {f"{CONNECTOR}_{key}": str(value) for key, value in self._account.items()})
        self._step("testing the keys")
        usdc = self._client.balance(CONNECTOR)["USDC"]
        self.say(f"  balance: {usdc['total']} USDC, {usdc['available']} available")
        self._step("creating the strategy's configuration")
        configuration = STRATEGIES[self._strategy](self._client, CONNECTOR, list(self._symbol_of_pair), self._marks())
        self._step("starting the bot")
        self._client.start(configuration)

    @property
    def _account(self) -> Dict[str, Any]:
        return self._simulator.accounts[0]

    def _ledger(self) -> Dict[str, Any]:
        return self._simulator.ask("ledger", self._account["account_group"])

    def _venue_books(self, ledger: Mapping[str, Any]) -> books.Books:
        return books.venue_books(ledger, {symbol: pair for pair, symbol in self._symbol_of_pair.items()})

    def _marks(self) -> Dict[str, Decimal]:
        """Mark price by pair."""
        marks = self._simulator.mark_prices()
        return {pair: marks[symbol] for pair, symbol in self._symbol_of_pair.items()}

    def _trade(self, duration_s: float) -> None:
        """Wait while the bot trades, telling how it goes."""
        started = time.monotonic()
        next_line_s = PROGRESS_S
        while (elapsed_s := time.monotonic() - started) < duration_s and not self._interrupted:
            time.sleep(min(0.2, duration_s - elapsed_s))
            if elapsed_s >= next_line_s:
                next_line_s += PROGRESS_S
                errors = sum(audit.complaints(self._client.logs).values())
                self.say(f"{elapsed_s:5.0f} s  {report.progress(self._venue_books(self._ledger()))}  "
                         f"warnings and errors {errors}")
        if self._interrupted:
            self.say("Interrupted: stopping the client gracefully, then the report.")

    def _stop(self) -> None:
        self.say("- stopping the bot: closing positions, cancelling orders")
        self._client.stop(STOP_TIMEOUT_S)

    def _judge(self, status: Mapping[str, Any]) -> int:
        """Compare the books, look for what was left behind, say the verdict."""
        marks = self._marks()
        ledger = self._ledger()
        (self._folder / "ledger.json").write_text(json.dumps(ledger, indent=1))
        venue, client = self._venue_books(ledger), books.client_books(self._client.database)
        lines = books.compare(client, venue, marks)
        lines += books.total_lines(lines)
        self.say("\n" + report.table(lines))
        history = self._client.history()
        self.say("\nThe client's own history (its PnL leaves funding out, so it is not compared):\n\n"
                 + history.strip())
        faults = [f"{line.pair}: {line.what} differs" for line in lines if not line.agrees]
        faults += [f"order {nonce} is {ours} for the client and {theirs} at the venue"
                   for nonce, ours, theirs in books.different_orders(client, venue)]
        faults += report.differences_from_history(history, venue, list(marks))
        faults += _missing_activity(venue, list(marks))
        faults += self._left_behind(status, venue)
        return self._verdict(faults)

    def _left_behind(self, status: Mapping[str, Any], venue: books.Books) -> List[str]:
        faults = [f"order {order.nonce} is still open at the venue"
                  for order in venue.orders if order.state == books.OPEN]
        faults += [f"the client's status shows an error: {message}" for message in set(status["errors"]["messages"])]
        complaints = audit.complaints(self._client.logs)
        self.say("\n" + report.complaints(complaints))
        faults += [f"{complaint.level} of {complaint.logger}: {complaint.message}"
                   for complaint in complaints if complaint.is_fault]
        faults += [f"in the log: {line.strip()}" for line in audit.unclosed(self._client.logs)]
        faults += [f"process {process.pid} of the client is still alive" for process in self._client.wait_for_end()]
        self._client.home.remove_package()
        secrets_of_the_run = [self._account["api_key"], self._account["signing_private_key"], self._password]
        faults += [f"a secret or a signature in clear in {path.relative_to(PROJECT)}"
                   for path in audit.files_with_secrets(self._folder, secrets_of_the_run)]
        return faults

    def _verdict(self, faults: List[str]) -> int:
        if faults:
            self.say("\n✗ The run failed:\n" + "\n".join(f"  - {fault}" for fault in faults))
            return 1
        self.say("\n✓ Client and venue agree in every line; nothing was left behind.")
        return 0

    def clean_up(self) -> None:
        """Leave no process, whatever happened."""
        if self._client is not None:
            self._client.kill()
        self._simulator.stop()
        self._report.close()


def _missing_activity(venue: books.Books, pairs: List[str]) -> List[str]:
    """An agreement of zeros is none."""
    faults = []
    for pair in pairs:
        if not any(fill.pair == pair for fill in venue.fills):
            faults.append(f"{pair}: nothing was filled; a longer DURATION may help")
        settled = sum((abs(payment.amount) for payment in venue.payments if payment.pair == pair), Decimal("0"))
        if settled < LEAST_FUNDING:
            faults.append(f"{pair}: only {settled} USDC of funding settled; a longer DURATION may help")
    return faults


if __name__ == "__main__":
    sys.exit(main())
