"""`python -m vest_simulator`: runs a simulator until SIGINT or SIGTERM."""
import argparse
import asyncio
import contextlib
import errno
import json
import os
import signal
import sys
from decimal import Decimal, InvalidOperation
from typing import List, Optional

from vest_simulator.config import SimulatorConfig
from vest_simulator.engine.specs import DEFAULT_SYMBOLS
from vest_simulator.feeds.recording import RecordingError
from vest_simulator.feeds.replay import AT_END
from vest_simulator.simulator import VestSimulator
from vest_simulator.state.store import StateError

_LOOK_S = 1.0
_LAST_PORT = 65535
_OTHER_PORTS = ("; stop the simulator or the program that has it, or take others: python -m vest_simulator --port 8887 "
                "--admin-port 8888, and VEST_SIMULATOR_URL=http://127.0.0.1:8887 for the bot")


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text} is not a number") from None
    if not value.is_finite() or value < 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of 0 or more")
    return value


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= _LAST_PORT):
        raise argparse.ArgumentTypeError(f"{text} is not a port: take one up to {_LAST_PORT}, or 0 for any")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m vest_simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=_port, default=8787,
                        help="REST and WebSocket port; 0: any (default %(default)s)")
    parser.add_argument("--admin-port", type=_port,
                        help="port of the admin API; 0: any (default: the one after --port; any with --port 0)")
    parser.add_argument("--seed", type=int, default=1, help="prices and keys are the same for the same seed")
    parser.add_argument("--symbols", help="comma list (default: all of --prices or --mirror, without them "
                        + ",".join(spec.symbol for spec in DEFAULT_SYMBOLS) + ")")
    parser.add_argument("--balance", type=_decimal, default=Decimal("100000"), help="USDC of each account")
    parser.add_argument("--accounts", type=int, default=1, help="number of accounts")
    parser.add_argument("--account-group", type=int, default=5, help="account group of the first account")
    parser.add_argument("--funding-rate-multiplier", type=_decimal, default=Decimal("1"), help="accelerates funding")
    parser.add_argument("--tick-interval", type=float, default=0.2, help="seconds between price steps")
    parser.add_argument("--prices", action="append", default=[], metavar="FILE",
                        help="CSV of klines or ticks to play instead of made-up prices; can be given several times")
    parser.add_argument("--start", type=int, metavar="MS",
                        help="recorded time, in ms, at which trading begins; what is before is history "
                             "(default: the beginning of the recording)")
    parser.add_argument("--speed", type=_decimal, default=Decimal("1"),
                        help="recorded seconds a second (default %(default)s)")
    parser.add_argument("--at-end", choices=AT_END, default="halt",
                        help="at the end of the recording all markets halt, the last prices hold, or it begins again "
                             "(default %(default)s)")
    parser.add_argument("--mirror", metavar="URL",
                        help="take prices, status and funding rates from a live venue: production, testnet or a URL; "
                             "only its public feed is read, and nothing is sent there")
    parser.add_argument("--state", metavar="FILE",
                        help="keep accounts, orders and keys in this file; it is made when it is missing")
    parser.add_argument("--ready-file", help="JSON with URLs and keys, written once the simulator serves (mode 0600)")
    return parser


def _config(arguments: argparse.Namespace) -> SimulatorConfig:
    """:raises ValueError: for a symbol that is not known, or arguments that do not go together"""
    if not arguments.speed:
        raise ValueError("the speed must be above zero")
    is_recording_set = arguments.start is not None or arguments.speed != 1 or arguments.at_end != "halt"
    if is_recording_set and not arguments.prices:
        raise ValueError("--start, --speed and --at-end belong to --prices")
    return SimulatorConfig(
        host=arguments.host, port=arguments.port, admin_port=_admin_port(arguments), seed=arguments.seed,
        symbols=tuple(arguments.symbols.split(",")) if arguments.symbols else None,
        balance=arguments.balance, accounts=arguments.accounts,
        first_account_group=arguments.account_group, tick_interval_s=arguments.tick_interval,
        funding_rate_multiplier=arguments.funding_rate_multiplier, prices=tuple(arguments.prices),
        start_ms=arguments.start, speed=arguments.speed, at_end=arguments.at_end, mirror=arguments.mirror,
        state=arguments.state)


def _admin_port(arguments: argparse.Namespace) -> int:
    """:raises ValueError: there is no port after the last one"""
    if arguments.admin_port is not None:
        return arguments.admin_port
    if arguments.port == _LAST_PORT:
        raise ValueError(f"--port {_LAST_PORT} is the last one, so the admin API has none: give --admin-port too")
    return arguments.port + 1 if arguments.port else 0


def _connect_block(simulator: VestSimulator) -> str:
    lines = [f"Vest simulator: {simulator.url}   admin: {simulator.admin_url}", *_sources(simulator.config), "",
             "In Hummingbot:  connect vest_perpetual_simulator"]
    if simulator.config.port != 8787:
        lines.append(f"  (start Hummingbot with VEST_SIMULATOR_URL={simulator.url})")
    for account in simulator.accounts:
        lines += [f"  API key:             {account.api_key}", f"  signing private key: {account.signing_private_key}",
                  f"  account group:       {account.account_group}", ""]
    return "\n".join(lines)


def _sources(config: SimulatorConfig) -> List[str]:
    """Where prices come from and where the state is kept, unless that is as usual."""
    ends = {"halt": "at its end all markets halt", "hold": "at its end the last prices hold",
            "loop": "at its end it begins again"}
    lines = []
    if config.prices:
        lines.append(f"Prices: recorded, {', '.join(map(str, config.prices))}, at speed {config.speed}; "
                     f"{ends[config.at_end]}.")
    if config.mirror:
        lines.append(f"Prices: those of {config.mirror}; when that feed is lost all markets halt.")
    if config.state:
        lines.append(f"State: {config.state}, with the keys of the accounts.")
    return lines


def _write_ready_file(path: str, simulator: VestSimulator) -> None:
    """Appears complete at once, and readable by its owner alone."""
    content = {"url": simulator.url, "admin_url": simulator.admin_url, "accounts": [
        {"api_key": account.api_key, "signing_private_key": account.signing_private_key,
         "account_group": account.account_group} for account in simulator.accounts]}
    draft = f"{path}.{os.getpid()}"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file)
    os.replace(draft, path)


async def _serve(config: SimulatorConfig, ready_file: Optional[str]) -> bool:
    """Serves until it is told to stop; false when the engine failed before."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with VestSimulator(config) as simulator:
        print(_connect_block(simulator), flush=True)
        if ready_file:
            _write_ready_file(ready_file, simulator)
        while simulator.is_running and not stopping.is_set():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stopping.wait(), _LOOK_S)
        return simulator.is_running


def main(argv: Optional[List[str]] = None) -> int:
    """Returns the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        config = _config(arguments)
    except ValueError as error:
        parser.error(str(error))
    try:
        return 0 if asyncio.run(_serve(config, arguments.ready_file)) else 1
    except OSError as error:
        remedy = _OTHER_PORTS if error.errno == errno.EADDRINUSE else ""
        print(f"The simulator cannot start: {error.strerror or error}{remedy}.", file=sys.stderr)
        return 1
    except (RecordingError, StateError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
