"""Requests that change the account: shown, confirmed, sent once, and followed until it is known what became of them."""
import asyncio
import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Awaitable, Callable, Optional

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.cli import output, prompts
from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError, ExitCode
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Outcome, Venue

# Nobody means less or more; arithmetic on numbers without bounds takes for ever.
_LEAST, _MOST = Decimal("1e-18"), Decimal("1e15")
# Decimal takes more for numbers: 1_0, which is a slip of 1.0, for ten, and digits of other scripts.
_NUMBER = re.compile(r"\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


async def agreed(venue: Venue, act: Callable[[], Awaitable[Outcome]], question: str, is_agreed: bool,
                 is_dry_run: bool, as_json: bool) -> Optional[Outcome]:
    """Does something after it was rehearsed and confirmed.

    :param act: does it, and may be called twice
    :param question: says what will happen
    :param is_agreed: `--yes`
    :param is_dry_run: `--dry-run`: shows what would be sent instead
    :return: what `act` returns; None after a dry run
    :raises CommandError: when the user says no
    """
    request = await venue.rehearse(act)
    if is_dry_run:
        output.emit(request.record, request.text, as_json)
        return None
    money = " (real money)" if venue.domain == CONSTANTS.DEFAULT_DOMAIN else ""
    prompts.confirm(f"{venue.domain}{money}: {question}", is_agreed)
    await venue.reconnect()
    try:
        return await act()
    except asyncio.CancelledError:
        nonce = "" if venue.last_nonce is None else f" (nonce {venue.last_nonce})"
        output.note(f"It was under way{nonce}: look what became of it before you try again.")
        raise


def number(text: str, name: str) -> Decimal:
    """A positive number somebody typed.

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
