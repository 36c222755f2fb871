"""Drives the real Hummingbot client in a home, headless: connect, create, start, status, stop, history.

Every command is `python -m hummingbot.cli.main …`, what a user would type; Hummingbot has no other headless entrance.
Commands run in a session of their own, so that a Ctrl-C in the terminal reaches whoever drives the client and not the
client itself.
"""
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

import psutil

from workbench.home import Home

COMMAND_TIMEOUT_S = 120.0
KILL_TIMEOUT_S = 30.0


class ClientError(Exception):
    """A client command failed; the text has the command and the client's own words."""


class ClientNotFoundError(ClientError):
    """The client knows no such strategy, configuration or bot."""


class ClientNotRunningError(ClientError):
    """The bot has ended already."""


class ClientConfigError(ClientError):
    """The client refuses a configuration, a password or a connector's name."""


class ClientTimeoutError(ClientError):
    """The command did not finish in time."""


# hummingbot.cli.output.ExitCode
ERROR_OF_EXIT_CODE = {
    2: ClientNotFoundError, 3: ClientNotRunningError, 4: ClientConfigError, 5: ClientTimeoutError,
}


class Client:
    """The Hummingbot client of one home; at most one bot runs in it.

    :param home: where it lives.
    :param password: of the keystore; the first command that needs it sets it.
    :param environment: further environment variables, for example VEST_SIMULATOR_URL.
    """

    def __init__(self, home: Home, password: str, environment: Optional[Mapping[str, str]] = None) -> None:
        self.home = home
        self._environment = {**home.environment(), **(environment or {}), "HBOT_PASSWORD": password}

    def connect(self, connector: str, keys: Mapping[str, str]) -> None:
        """Store a connector's keys, encrypted; `balance` finds out whether they work.

        :param keys: field → value, as `connect <connector> --fields` lists them.
        """
        self.run("connect", connector, "--keys-stdin", stdin=json.dumps(dict(keys)))

    def balance(self, connector: str) -> Dict[str, Any]:
        """The balances the venue reports, asset → {"total": …, "available": …}: the test of the keys."""
        answer = json.loads(self.run("balance", connector, "--units-only", "--json"))
        assets = answer["connectors"][connector]["assets"]
        return {asset["asset"]: asset for asset in assets}

    def create(self, strategy: str, name: str, values: Mapping[str, Any]) -> None:
        """Create the configuration `name` (with .yml) of a strategy, script or controller."""
        self.run("create", strategy, "--name", name, "--values-stdin", stdin=json.dumps(dict(values)))

    def start(self, configuration: str, timeout_s: float = 120.0) -> None:
        """Start the bot and wait until its strategy runs. Running is not health: see `status`."""
        self.run("start", configuration, "--timeout", str(timeout_s), timeout_s=timeout_s + COMMAND_TIMEOUT_S)

    def status(self) -> Dict[str, Any]:
        """`status --json`: running, errors, balances, the strategy's own text."""
        return json.loads(self.run("status", "--json"))

    def stop(self, timeout_s: float = 60.0) -> None:
        """Stop gracefully: the strategy winds down, open orders are cancelled.

        :raises ClientTimeoutError: the bot is still alive after `timeout_s`; `kill` ends it.
        :raises ClientNotRunningError: it had ended before.
        """
        self.run("stop", "--timeout", str(timeout_s), timeout_s=timeout_s + COMMAND_TIMEOUT_S)

    def history(self) -> str:
        """The client's own table of trades, volumes and fees.

        It asks a rate source whatever the pairs are, and fails if that one declines, as the one of a bench home does
        (`workbench.home.OFFLINE_SETTINGS`): so Hummingbot's default is set before, which answers nothing when offline.
        """
        self.run("config", "rate_oracle_source.name", "gate_io")
        return self.run("history")

    def kill(self) -> None:
        """End the bot as a power cut would: SIGKILL, nothing is cancelled or saved.

        Only what it last noted of itself is thrown away: `start` would take the dead bot's "running" for the new one's.
        """
        processes = self.processes()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=KILL_TIMEOUT_S)
        (self.home.root / "data" / "bot" / "status.json").unlink(missing_ok=True)

    def processes(self) -> List[psutil.Process]:
        """Every process that lives in this home, seen by its PYTHONPATH or its working folder."""
        return [process for process in psutil.process_iter() if process.pid != os.getpid() and self._owns(process)]

    def _owns(self, process: psutil.Process) -> bool:
        home = str(self.home.root)
        try:
            return process.status() != psutil.STATUS_ZOMBIE and (
                process.environ().get("PYTHONPATH") == home or process.cwd() == home)
        except psutil.Error:
            return False

    @property
    def bot(self) -> Dict[str, Any]:
        """What the client notes about its bot: name, pid, database; empty before the first start."""
        notes = self.home.root / "data" / "bot" / "meta.json"
        return json.loads(notes.read_text()) if notes.exists() else {}

    @property
    def database(self) -> Path:
        """The bot's SQLite database; it appears with the start."""
        return self.home.root / "data" / (self.bot["name"] + ".sqlite")

    @property
    def logs(self) -> List[Path]:
        """What the bot wrote: its log, rotated parts included, and its stdout and stderr."""
        captured = self.home.root / "data" / "bot" / "bot.log"
        return sorted((self.home.root / "logs").glob("*.log*")) + ([captured] if captured.exists() else [])

    def wait_for_end(self, timeout_s: float = 30.0) -> List[psutil.Process]:
        """Wait until no process lives in this home; returns those that still do after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.2)
        return self.processes()

    def wait_for(self, condition: Callable[[], bool], timeout_s: float, words: str) -> None:
        """Wait until a condition holds. :raises ClientTimeoutError: with these words, when it does not in time"""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise ClientTimeoutError(f"{words} within {timeout_s:.0f} s.")
            time.sleep(0.1)

    def run(self, *arguments: str, stdin: str = "", timeout_s: float = COMMAND_TIMEOUT_S) -> str:
        """Run one client command and return what it prints.

        :param arguments: as on the command line, without secrets: `ps` shows them.
        :param stdin: what the command reads.
        :raises ClientError: it failed; the kind tells why.
        """
        command = [sys.executable, "-m", "hummingbot.cli.main", *arguments]
        try:
            process = subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=self.home.root,
                                     env=self._environment, timeout=timeout_s, start_new_session=True)
        except subprocess.TimeoutExpired as error:
            raise ClientTimeoutError(f"`{_words(arguments)}` gave no answer within {timeout_s:.0f} s.") from error
        if process.returncode:
            kind = ERROR_OF_EXIT_CODE.get(process.returncode, ClientError)
            raise kind(f"`{_words(arguments)}` failed (exit code {process.returncode}): {_tail(process)}")
        return process.stdout


def _words(arguments: Sequence[str]) -> str:
    return "hummingbot " + " ".join(arguments)


def _tail(process: "subprocess.CompletedProcess[str]") -> str:
    return "\n".join((process.stderr + process.stdout).strip().splitlines()[-12:])
