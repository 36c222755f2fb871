"""What every command has in common: its options, its exit code, and one sentence when it fails."""
import asyncio
import functools
import inspect
import os
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Callable, Dict, Optional

import typer

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.cli import output
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestError,
    VestInvalidOrderError,
    VestInvalidTransferError,
    VestNotSentError,
    VestRefusedError,
    VestTransferUnknownError,
    VestUnauthorizedError,
    VestUnusableKeyError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import renewal_command


class ExitCode(IntEnum):
    """What a script can go by; the help of the tool and docs/command-line.md list them."""

    DONE = 0
    FAILED = 1  # something on this computer, or the user said no
    USAGE = 2  # also that of typer for a wrong option
    KEYS = 3
    REFUSED = 4
    UNREACHABLE = 5
    UNKNOWN = 6
    INTERRUPTED = 130


class Domain(str, Enum):
    """The venue's three domains, as Hummingbot names them."""

    PRODUCTION = CONSTANTS.DEFAULT_DOMAIN
    TESTNET = CONSTANTS.TESTNET_DOMAIN
    SIMULATOR = CONSTANTS.SIMULATOR_DOMAIN


class CommandError(Exception):
    """A command cannot do what it was asked to.

    :param message: one sentence that says what to do; nothing secret
    :param exit_code: what scripts see
    :param details: more for programs, beside the message in the JSON
    """

    def __init__(self, message: str, exit_code: ExitCode, **details: Any):
        super().__init__(message)
        self.exit_code = exit_code
        self.details = details


# The options that commands share, to be used as annotations.
DomainOption = Annotated[
    Domain, typer.Option("--domain", help="Which Vest: the real one, its testnet or the simulator.")
]
KeysOption = Annotated[Optional[Path], typer.Option(
    "--keys", metavar="FILE", help="Take the keys from a filled copy of conf_global_TEMPLATE.yml that only you can "
                                   "read, instead of from Hummingbot's keystore.",
)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be sent and what of it is signed, and send nothing.")
]


def command(function: Callable[..., Any]) -> Callable[..., None]:
    """Makes a typer command of a function, which may be a coroutine function: what it raises becomes one sentence and
    an exit code.

    :param function: takes `as_json: JsonOption`, and `domain: DomainOption` if it talks to the venue
    """
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        as_json = kwargs.get("as_json", False)
        try:
            result = function(*args, **kwargs)
            if inspect.iscoroutine(result):
                asyncio.run(result)
        except CommandError as error:
            raise typer.Exit(say_failure(str(error), error.exit_code, as_json, **error.details)) from None
        except VestError as error:
            words = _words(error, kwargs.get("domain"))
            raise typer.Exit(say_failure(words, exit_code_of(error), as_json, **_details(error))) from None
        except KeyboardInterrupt:
            raise typer.Exit(say_stopped(as_json)) from None
        except BrokenPipeError:
            # Whoever reads the output has enough of it; nothing more can be said to them.
            os._exit(ExitCode.FAILED)

    return run


def say_failure(message: str, exit_code: ExitCode, as_json: bool, **details: Any) -> int:
    """Says why a command failed.

    :param message: a sentence that says what to do, without a full stop
    :param as_json: whether it is a document on stdout or a sentence on stderr
    :param details: more for programs, beside the message
    :return: the exit code
    """
    if as_json:
        # In one line, because it may come after documents of one line each.
        typer.echo(output.json_text({"error": {"message": message, "exit_code": int(exit_code), **details}}))
    else:
        output.note(f"Error: {message}" + ("" if message.endswith(".") else "."))
    return int(exit_code)


def say_stopped(as_json: bool) -> int:
    """Says that Ctrl-C has ended a command; as `say_failure`."""
    if as_json:
        return say_failure("stopped by Ctrl-C", ExitCode.INTERRUPTED, as_json)
    output.note("Stopped.")
    return int(ExitCode.INTERRUPTED)


def exit_code_of(error: VestError) -> ExitCode:
    """What scripts see of an error of the venue, of a request that asked and changed nothing."""
    if isinstance(error, VestUnauthorizedError):
        return ExitCode.KEYS
    if isinstance(error, VestRefusedError):
        return ExitCode.REFUSED
    if isinstance(error, VestTransferUnknownError):
        return ExitCode.UNKNOWN
    if isinstance(error, (VestInvalidOrderError, VestInvalidTransferError)):
        return ExitCode.USAGE
    return ExitCode.UNREACHABLE


def _words(error: VestError, domain: Optional[Domain]) -> str:
    words = str(error)
    if domain is Domain.SIMULATOR and isinstance(error, VestNotSentError):
        return f"{words}; start the simulator: python -m vest_simulator, or make simulator"
    is_renewable = isinstance(error, VestUnauthorizedError) and not isinstance(error, VestUnusableKeyError)
    if domain is not None and is_renewable and error.concerns_api_key:
        return f"{words}; the command is: {renewal_command(domain.value)}"
    return words


def _details(error: VestError) -> Dict[str, Any]:
    details = {"venue_code": getattr(error, "code", None), "nonce": getattr(error, "nonce", None)}
    return {name: value for name, value in details.items() if value is not None}
