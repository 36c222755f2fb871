"""How commands ask: secrets without echo, confirmations before anything that changes the account."""
import contextlib
import getpass
import os
import signal
import sys
from typing import Iterator

import typer

from hummingbot.connector.derivative.vest_perpetual.cli import output
from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError, ExitCode


def secret(prompt: str, otherwise: str) -> str:
    """Asks for a secret, which is not shown while it is typed.

    :param prompt: what to ask for
    :param otherwise: where it can come from when nobody is there to be asked
    :raises CommandError: when nobody is there, or nothing is entered
    """
    if not sys.stdin.isatty():
        raise CommandError(f"nobody can be asked for it here ({prompt}): {otherwise}", ExitCode.USAGE)
    with _stoppable():
        try:
            text = getpass.getpass(f"{prompt}: ").strip()
        except EOFError:
            text = ""
    if not text:
        raise CommandError(f"nothing was entered ({prompt})", ExitCode.FAILED)
    return text


def secret_from_environment(name: str) -> str:
    """A secret of an environment variable.

    :param name: of the variable
    :raises CommandError: when it is not set
    """
    text = os.environ.get(name, "").strip()
    if not text:
        raise CommandError(f"the environment variable {name} is not set, or is empty", ExitCode.USAGE)
    return text


def confirm(question: str, is_agreed: bool) -> None:
    """Asks before something that cannot be taken back.

    :param question: says what will happen
    :param is_agreed: the user has said so beforehand (`--yes`)
    :raises CommandError: when the answer is no, or nobody is there to answer
    """
    if is_agreed:
        return
    if not sys.stdin.isatty():
        raise CommandError("nobody can be asked to confirm this here: say --yes if you mean it", ExitCode.USAGE)
    with _stoppable():
        try:
            is_agreed = typer.confirm(question, err=True)
        except typer.Abort as abort:
            if not isinstance(abort.__context__, EOFError):
                raise KeyboardInterrupt from None
            output.note("")
    if not is_agreed:
        raise CommandError("nothing was done", ExitCode.FAILED)


def line(request: str) -> str:
    """Reads one line, of a person or a pipe; empty at the end of the input.

    :param request: says what to enter
    """
    output.note(request)
    with _stoppable():
        return sys.stdin.readline()


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Lets Ctrl-C end a question at once. Within a coroutine asyncio would note it, and wait for the answer."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        output.note("")  # whatever is said next does not stand behind the question
        raise
    finally:
        signal.signal(signal.SIGINT, usual)
