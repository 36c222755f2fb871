"""`make kill`: the real client is killed again and again in the midst of trading; at the end its books must be right.

At a random (seeded) moment, be it the start, quiet trading, an order under way or a cancel under way, it gets SIGKILL.
The venue goes on without it for a while, prices move, orders fill. Then the client starts again in the same home from
its database. After the last restart it stops gracefully: orders, fills, fees and position must be the venue's.

Hummingbot writes an order down at its first event. An order that reached the venue in the moment before the kill is no
row of its database then; the connector remembers it and tells of it after the restart, so that at the end it is one.
Only an order that the venue rejected is none, because its failure is all there is to tell.
Everything is kept in `.runs/<time>/`. The exit code is 1 on any difference.
"""
import argparse
import contextlib
import random
import sys
import threading
import time
from collections import Counter
from decimal import Decimal
from typing import Any, Callable, Dict, List, Mapping, Optional

from workbench import audit, books, report
from workbench.client import ClientError
from workbench.job import CONNECTOR, STOP_TIMEOUT_S, Job, create_order_churn
from workbench.strategies import create_v2

LONGEST_TRADE_S = 12.0
LONGEST_START_S = 12.0
LONGEST_DEAD_S = 5.0
LONGEST_HOLD_MS = 1500  # how long the venue holds a request, or its answer, so that the kill meets it
REQUEST_TIMEOUT_S = 30.0
DEAD_TIME_MOVES = (Decimal("0.998"), Decimal("1.002"))  # farther than most of the strategy's orders are away
SETTLED_S = 20.0  # after the last restart: start, reconciliation and some polls
STRATEGIES = {"v2": create_v2, "churn": create_order_churn}


def main(arguments: Optional[List[str]] = None) -> int:
    """Kill the client again and again; returns the exit code."""
    parser = argparse.ArgumentParser(prog="kill_job", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of prices and moments")
    parser.add_argument("--strategy", choices=sorted(STRATEGIES), default="v2",
                        help="v2: this project's market making; churn: ten orders and cancels a second")
    options = parser.parse_args(arguments)
    if options.kills < 1:
        parser.error("there must be at least one kill")
    return KillJob(options.seed, options.kills, options.strategy).execute()


class KillJob(Job):
    """One run.

    :param seed: of prices and moments.
    :param kills: how often the client is killed.
    :param strategy: a key of `STRATEGIES`.
    """

    def __init__(self, seed: int, kills: int, strategy: str) -> None:
        super().__init__(seed)
        self._seed = seed
        self._kills = kills
        self._strategy = strategy
        self._random = random.Random(f"{seed}:kills")
        self._configuration = ""
        self._killed: Counter = Counter()  # by moment
        self._dead_time_fills = 0
        self._moments: Dict[str, Callable[[], None]] = {
            "starting": self._while_starting, "trading": self._while_trading,
            "placing": lambda: self._while_requesting("/orders"),
            "cancelling": lambda: self._while_requesting("/orders/cancel"),
        }

    def run(self) -> List[str]:
        self.say(f"{self._kills} kills of {self._strategy}, seed {self._seed}")
        self.set_up()
        for symbol in self.pair_of_symbol:  # what is settled while no client runs, no client is told
            self.simulator.ask("set_funding_rate", symbol, 0)
        self._configuration = STRATEGIES[self._strategy](
            self.client, CONNECTOR, list(self.symbol_of_pair), self.marks())
        for number in range(1, self._kills + 1):
            self._live_and_die(number)
        self.step("starting the client for the last time")
        self.client.start(self._configuration)
        time.sleep(SETTLED_S)
        self.say("- stopping the bot: closing positions, cancelling orders")
        self.client.stop(STOP_TIMEOUT_S)
        return self._judge()

    # --- kills

    def _live_and_die(self, number: int) -> None:
        """One life of the client, from start to kill, and the time after it."""
        moment = self._random.choice(list(self._moments))
        self.step(f"kill {number}: {moment}")
        self._moments[moment]()
        self.client.kill()
        ledger = self.ledger()
        self.simulator.ask("clear_faults")
        self._pass_dead_time()
        fills = _fill_count(self.ledger()) - _fill_count(ledger)
        self._killed[moment] += 1
        self._dead_time_fills += fills
        self.say(f"  orders {len(ledger['orders'])}, open {_open_count(ledger)}; {fills} fills while it was dead")

    def _while_starting(self) -> None:
        def start() -> None:
            with contextlib.suppress(ClientError):  # the kill ends this command as well
                self.client.start(self._configuration)

        threading.Thread(target=start, daemon=True).start()
        time.sleep(self._random.uniform(0, LONGEST_START_S))

    def _while_trading(self) -> None:
        self.client.start(self._configuration)
        time.sleep(self._random.uniform(0, LONGEST_TRADE_S))

    def _while_requesting(self, path: str) -> None:
        """The venue holds a request before it acts on it, or the answer after; no event tells of it meanwhile."""
        self._while_trading()
        hold_ms = self._random.randrange(LONGEST_HOLD_MS)
        if self._random.random() < 0.5:
            self.simulator.ask("add_fault", "socket", "drop", socket="private", channel="account_private")
        fault = self.simulator.ask("add_fault", "rest", "delay", method="POST", path=path, times=1, delay_ms=hold_ms,
                                   when=self._random.choice(("before", "after")))
        self.client.wait_for(lambda: self._has_struck(fault), REQUEST_TIMEOUT_S, f"The client sent nothing to {path}")
        time.sleep(self._random.uniform(0, hold_ms / 1000))

    def _has_struck(self, fault_id: int) -> bool:
        return any(fault["id"] == fault_id and fault["struck"] for fault in self.simulator.ask("faults"))

    def _pass_dead_time(self) -> None:
        """Each price jumps to one side, to both or not at all, orders fill, and it goes on as before."""
        for symbol in self.pair_of_symbol:
            index = Decimal(self.simulator.ask("prices")[symbol]["index"])
            for move in self._random.sample(DEAD_TIME_MOVES, self._random.randrange(len(DEAD_TIME_MOVES) + 1)):
                self.simulator.ask("set_price", symbol, round(index * move, 1))
        time.sleep(self._random.uniform(0, LONGEST_DEAD_S))
        for symbol in self.pair_of_symbol:
            self.simulator.ask("release_price", symbol)

    # --- verdict

    def _judge(self) -> List[str]:
        ledger, client = self.ledger(), books.client_books(self.client.database)
        saved = {order.nonce for order in client.orders}
        unsaved = [row for row in ledger["orders"] if str(row["nonce"]) not in saved]
        self.say("\nOrders that are not in the database: " + (_orders_in_words(unsaved) or "none"))
        known = {**ledger, "orders": [row for row in ledger["orders"] if str(row["nonce"]) in saved]}
        faults = self.differences(client, books.venue_books(known, self.pair_of_symbol))
        faults += [f"order {row['nonce']} is not in the database" for row in unsaved if row["status"] != "REJECTED"]
        self.extent = self._kills
        self.figures = {
            "kills": ", ".join(f"{count} while {moment}" for moment, count in sorted(self._killed.items())),
            "orders": str(len(ledger["orders"])), "fills": str(_fill_count(ledger)),
            "fills while the client was dead": str(self._dead_time_fills),
            "differences between client and venue": str(len(faults)),
        }
        complaints = audit.complaints(self.client.logs)
        self.say("\n" + report.complaints(complaints))
        faults += [f"{complaint.level} of {complaint.logger}: {complaint.message}"
                   for complaint in complaints if complaint.level != "WARNING" and complaint.explanation is None]
        return faults + self.left_behind()


def _orders_in_words(rows: List[Mapping[str, Any]]) -> str:
    return ", ".join(f"{row['nonce']} ({row['status']}, filled {row['filledSize']})" for row in rows)


def _fill_count(ledger: Mapping[str, Any]) -> int:
    return sum(len(row["fills"]) for row in ledger["orders"])


def _open_count(ledger: Mapping[str, Any]) -> int:
    return sum(books.STATE_OF_VENUE_STATUS[row["status"]] == books.OPEN for row in ledger["orders"])


if __name__ == "__main__":
    sys.exit(main())
