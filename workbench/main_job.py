"""`make run`: trade on the simulated venue through the real Hummingbot client, then compare the books of the two.

The client's database and the venue's ledger must agree on orders, volumes, fees, funding, position and PnL, and the run
must leave nothing behind: no open order, no complaint of ours in the log, no secret in a file, no process. Everything
it writes is in `.runs/<time>/`. The exit code is 0 when all of that holds and there was something to compare.
"""
import argparse
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from hummingbot.connector.derivative.vest_perpetual.session_report.reading import ReportError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_utils import (
    convert_to_exchange_trading_pair,
    trading_pairs_by_symbol,
)
from vest_simulator import DEFAULT_SYMBOLS
from workbench import audit, books, report, session_page
from workbench.job import CONNECTOR, STOP_TIMEOUT_S, Job
from workbench.strategies import STRATEGIES

PROGRESS_S = 5
HOURLY_FUNDING = Decimal("0.05")  # so high that cents settle within a minute
FUNDING_TURNS_AFTER_S = 15  # where the strategy goes by funding


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the main job; returns the exit code."""
    options = _options(arguments)
    return MainJob(options.strategy, options.symbol_of_pair, options.seed, options.duration, options.prices).execute()


def _options(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="main_job", description=__doc__.splitlines()[0])
    parser.add_argument("--duration", type=float, default=60, help="seconds of trading (default 60)")
    parser.add_argument("--strategy", choices=sorted(STRATEGIES), default="v2",
                        help="v2 (market making), directional and funding: this project's controllers; "
                             "perpetual_market_making: Hummingbot's own")
    parser.add_argument("--pairs", default="BTC-USDC,ETH-USDC", help="trading pairs, separated by commas")
    parser.add_argument("--seed", type=int, default=1, help="of the simulated prices")
    parser.add_argument("--prices", type=Path, metavar="FILE",
                        help="CSV of recorded prices to trade on, again and again (vest_simulator/README.md)")
    options = parser.parse_args(arguments)
    try:
        options.symbol_of_pair = _symbols(options.pairs, options.strategy, options.prices is not None)
    except ValueError as error:
        parser.error(str(error))
    if options.duration <= 0:
        parser.error("the duration must be above zero")
    return options


def _symbols(words: str, strategy: str, are_recorded: bool) -> Dict[str, str]:
    """The venue's symbol of each trading pair in a comma list. :raises ValueError: when there is no such market.

    :param are_recorded: whether a recording decides what there is; the simulator says what it lacks.
    """
    pairs = [word.strip().upper() for word in words.split(",")]
    if strategy == "perpetual_market_making" and len(pairs) > 1:
        print(f"{strategy} trades one pair at a time: taking {pairs[0]}.")
        pairs = pairs[:1]
    symbols = {pair: convert_to_exchange_trading_pair(pair) for pair in pairs}
    listed = {spec.symbol for spec in DEFAULT_SYMBOLS}
    if not are_recorded and not listed.issuperset(symbols.values()):
        raise ValueError("the simulated venue has only " + ", ".join(sorted(trading_pairs_by_symbol(listed).values())))
    return symbols


class MainJob(Job):
    """One run.

    :param strategy: a key of `STRATEGIES`.
    :param symbol_of_pair: Hummingbot's trading pairs with the venue's symbols.
    :param seed: of the simulated prices.
    :param duration_s: how long the client trades.
    :param prices: a file of recorded prices, which begins again at its end; None: they are made up.
    """

    def __init__(self, strategy: str, symbol_of_pair: Mapping[str, str], seed: int, duration_s: float,
                 prices: Optional[Path] = None) -> None:
        recorded = {} if prices is None else {"prices": prices.absolute(), "at-end": "loop"}
        super().__init__(seed, symbol_of_pair, **recorded)
        self._strategy = strategy
        self._duration_s = duration_s

    def run(self) -> List[str]:
        self.say(f"{self._strategy} on {', '.join(self.symbol_of_pair)} for {self._duration_s:g} s")
        self.set_up()
        self._set_funding(HOURLY_FUNDING)
        self.step("testing the keys")
        usdc = self.client.balance(CONNECTOR)["USDC"]
        self.say(f"  balance: {usdc['total']} USDC, {usdc['available']} available")
        self.step("creating the strategy's configuration")
        configuration = STRATEGIES[self._strategy](self.client, CONNECTOR, list(self.symbol_of_pair), self.marks())
        self.step("starting the bot")
        self.client.start(configuration)
        self._trade()
        status = self.client.status()
        self.say("- stopping the bot: closing positions, cancelling orders")
        self.client.stop(STOP_TIMEOUT_S)
        return self._judge(status)

    def _trade(self) -> None:
        """Wait while the bot trades, telling how it goes."""
        started = time.monotonic()
        next_line_s, next_turn_s, funding = PROGRESS_S, FUNDING_TURNS_AFTER_S, HOURLY_FUNDING
        while (elapsed_s := time.monotonic() - started) < self._duration_s and not self.is_interrupted:
            time.sleep(min(0.2, self._duration_s - elapsed_s))
            if self._strategy == "funding" and elapsed_s >= next_turn_s:
                next_turn_s, funding = next_turn_s + FUNDING_TURNS_AFTER_S, -funding
                self._set_funding(funding)
            if elapsed_s >= next_line_s:
                next_line_s += PROGRESS_S
                errors = sum(audit.complaints(self.client.logs).values())
                venue = books.venue_books(self.ledger(), self.pair_of_symbol)
                self.say(f"{elapsed_s:5.0f} s  {report.progress(venue)}  warnings and errors {errors}")
        if self.is_interrupted:
            self.say("Interrupted: stopping the client gracefully, then the report.")

    def _set_funding(self, hourly_rate: Decimal) -> None:
        for symbol in self.pair_of_symbol:
            self.simulator.ask("set_funding_rate", symbol, hourly_rate)

    def _judge(self, status: Mapping[str, Any]) -> List[str]:
        """Compare the books, look for what was left behind; returns what is wrong."""
        venue = books.venue_books(self.ledger(), self.pair_of_symbol)
        marks = self.marks()
        faults = self.differences(books.client_books(self.client.database), venue, marks)
        history = self.client.history()
        self.say(f"\n{report.TABLE_OF_HISTORY} (its PnL leaves funding out, so it is not compared):\n\n"
                 + history.strip())
        faults += report.differences_from_history(history, venue, list(self.symbol_of_pair))
        faults += books.missing_activity(venue, list(self.symbol_of_pair))
        faults += [f"the client's status shows an error: {message}" for message in set(status["errors"]["messages"])]
        complaints = audit.complaints(self.client.logs)
        self.say("\n" + report.complaints(complaints))
        faults += [f"{complaint.level} of {complaint.logger}: {complaint.message}"
                   for complaint in complaints if complaint.is_fault]
        return faults + self._show_session(venue, marks) + self.left_behind()

    def _show_session(self, venue: books.Books, marks: Mapping[str, Decimal]) -> List[str]:
        """Write the page about the session; returns what is wrong with it."""
        try:
            words, faults = session_page.write(self.client.database, self.folder, venue, marks)
        except ReportError as error:
            return [str(error)]
        self.say(f"\n{words}")
        return faults


if __name__ == "__main__":
    sys.exit(main())
