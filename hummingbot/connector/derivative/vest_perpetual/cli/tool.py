"""The tool as a whole: words it refuses before a command runs, said as the commands say what fails."""
import re
import sys
from typing import Any, List, Optional, Sequence

import typer
from typer.core import TyperGroup

from hummingbot.connector.derivative.vest_perpetual.cli.command import ExitCode, say_failure, say_stopped

# As long as a private key or nearly: somebody may have left a digit out.
_LIKE_A_KEY = re.compile("[0-9a-fA-F]{60,70}")
# Their arguments are ids of orders, which look the same.
_TAKING_ORDER_IDS = ("cancel", "orders")
# What typer raises for words that it cannot take; of all its kinds, typer exports only this one.
_UsageError = typer.BadParameter.__base__
_WORDS_OF_A_LIBRARY = "Value error, "  # before each reason why a value is none of those that can be chosen


class Tool(TyperGroup):
    """The group of all commands. What typer refuses by itself (an option that is none, a missing argument, a value of
    another form) is a failure like any other: a sentence on stderr or, with `--json`, a document on stdout.
    """

    def main(self, args: Optional[Sequence[str]] = None, *arguments: Any, **named: Any) -> None:
        """Runs the tool and ends the process.

        :param args: the words of the command line; None for those of this process
        """
        words = list(sys.argv[1:] if args is None else args)
        as_json = "--json" in words
        if _holds_a_key(words):
            sys.exit(say_failure(
                "there is a private key on the command line, where other programs can see it, and it is now in your "
                "shell's history. Delete it there; if it is your wallet's, consider moving to another wallet. Keys are "
                "asked for without echo: see vest-perpetual register --help", ExitCode.USAGE, as_json))
        try:
            exit_code = super().main(words, *arguments, **{**named, "standalone_mode": False})
        except _UsageError as error:
            error.message = error.message.replace(_WORDS_OF_A_LIBRARY, "")
            if as_json:
                exit_code = say_failure(error.format_message(), ExitCode.USAGE, as_json)
            else:
                error.show()
                exit_code = ExitCode.USAGE
        except typer.Abort:
            exit_code = say_stopped(as_json)
        sys.exit(exit_code)


def _holds_a_key(words: List[str]) -> bool:
    return any(map(_LIKE_A_KEY.search, words)) and words[0] not in _TAKING_ORDER_IDS
