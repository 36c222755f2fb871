"""Numbers that somebody typed. Python takes more for one than people mean: `1_0`, which is a slip of 1.0, for ten, and
the digits of other scripts.
"""
import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Callable

import typer

from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError, ExitCode

# Nobody means less or more; arithmetic on numbers without bounds takes for ever.
_LEAST, _MOST = Decimal("1e-18"), Decimal("1e15")
_NUMBER = re.compile(r"\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


def number(text: str, name: str) -> Decimal:
    """A positive number.

    :param name: what it is, for the sentence when it is none
    :raises CommandError: when it is none
    """
    is_number = _NUMBER.fullmatch(text.strip()) is not None
    try:
        value = Decimal(text.strip()) if is_number else Decimal(0)
    except InvalidOperation:  # no computer counts as far as its exponent
        value = Decimal(0)
    if not value.is_finite() or not _LEAST <= value <= _MOST:
        raise CommandError(f"the {name} must be a positive number such as 0.5", ExitCode.USAGE)
    return value


def on_step(value: Decimal, step: Decimal, name: str) -> Decimal:
    """The value, if it is a multiple of the step; nothing is rounded.

    :param name: what it is, for the sentence when it is not
    :raises CommandError: when it is not
    """
    steps = Fraction(value) / Fraction(step)
    if steps.denominator == 1:
        return value
    below = Decimal(steps.numerator // steps.denominator) * step
    words = f"the nearest are {below:f} and {below + step:f}" if below > 0 else f"the smallest is {step:f}"
    raise CommandError(f"the {name} {value:f} is no multiple of {step:f}; {words}", ExitCode.USAGE)


def whole_number(least: int) -> Callable[[str], int]:
    """What reads a whole number, as the `parser` of an option or argument.

    :param least: the smallest that is taken
    """
    def parse(text: str) -> int:
        if _WHOLE_NUMBER.fullmatch(text) is None or int(text) < least:
            raise typer.BadParameter(f"{text[:40]!r} is not a whole number of {least} or more.")
        return int(text)

    return parse
