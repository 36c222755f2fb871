"""The simulated venue as a process of its own: started on free ports, asked through its admin API, stopped."""
import asyncio
import json
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional
from urllib.parse import urlsplit

from vest_simulator import AdminClient
from workbench.home import PROJECT

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
REQUEST_TIMEOUT_S = 30.0  # the ledger of an hour is long, and machines are busy


class SimulatorError(Exception):
    """The simulated venue did not start or did not stop; the text has its last words."""


def launch(*arguments: Any, **streams: Any) -> "subprocess.Popen[Any]":
    """`python -m vest_simulator` as a process of its own.

    :param arguments: of its command line.
    :param streams: as of `subprocess.Popen`.
    """
    return subprocess.Popen([sys.executable, "-m", "vest_simulator", *map(str, arguments)], cwd=PROJECT, **streams)


def facts_when_ready(process: "subprocess.Popen[Any]", ready_file: Path) -> Dict[str, Any]:
    """Wait until it serves; what it says of itself, keys included.

    :param ready_file: the one it was launched with.
    :raises SimulatorError: it ended or is not ready after a minute.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SimulatorError("The simulated venue did not start.")
        time.sleep(0.05)
    return json.loads(ready_file.read_text())


class Simulator:
    """One simulated venue; `with` starts and stops it. Started again, it has the ports it had.

    :param folder: where its log and its ready file go.
    :param options: command line options of `python -m vest_simulator`, without the dashes: {"seed": 1, …}.
    """

    def __init__(self, folder: Path, options: Mapping[str, Any]) -> None:
        self._log = folder / "simulator.log"
        self._ready_file = folder / "simulator.json"
        self._options = {"port": 0, "admin-port": 0, **options, "ready-file": self._ready_file}
        self._process: "Optional[subprocess.Popen[bytes]]" = None
        self._ready: Dict[str, Any] = {}

    def start(self) -> None:
        """Start it and wait until it answers.

        :raises SimulatorError: it ended or is not ready after a minute.
        """
        arguments = [word for name, value in self._options.items() for word in (f"--{name}", value)]
        with self._log.open("wb") as log:  # of stderr alone: on stdout it hands out the account's secrets
            self._process = launch(*arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                                   start_new_session=True)
        try:
            self._ready = facts_when_ready(self._process, self._ready_file)
        except SimulatorError as error:
            self.stop()
            raise SimulatorError(f"{error} It said:\n{self.last_words()}") from None
        self._ready_file.unlink()  # it holds the account's secrets
        for name, url in (("port", self.url), ("admin-port", self.admin_url)):
            self._options[name] = urlsplit(url).port

    def __enter__(self) -> "Simulator":
        self.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where clients connect: the value of VEST_SIMULATOR_URL."""
        return self._ready["url"]

    @property
    def admin_url(self) -> str:
        """Where the simulator is controlled: for `vest_simulator.admin.client.AdminClient`."""
        return self._ready["admin_url"]

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def accounts(self) -> List[Dict[str, Any]]:
        """The accounts that are ready to trade: api_key, signing_private_key, account_group."""
        return self._ready["accounts"]

    def ask(self, question: str, *arguments: Any, **named: Any) -> Any:
        """Call one method of `vest_simulator.AdminClient`, for example `ask("ledger", 5)`."""
        async def call() -> Any:
            async with AdminClient(self.admin_url) as admin:
                return await getattr(admin, question)(*arguments, **named)

        return asyncio.run(asyncio.wait_for(call(), REQUEST_TIMEOUT_S))

    def mark_prices(self) -> Dict[str, Decimal]:
        """Mark price in USDC of every symbol."""
        return {symbol: Decimal(prices["mark"]) for symbol, prices in self.ask("prices").items()}

    def stop(self) -> None:
        """End it; does nothing when it has ended.

        :raises SimulatorError: it had to be killed.
        """
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise SimulatorError(f"The simulated venue had to be killed:\n{self.last_words()}") from error

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._process.wait()

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self._log.read_text().splitlines()[-10:])
