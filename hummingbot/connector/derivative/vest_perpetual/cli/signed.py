"""Requests that change the account: shown, confirmed, sent once, and followed until it is known what became of them."""
import asyncio
from typing import Awaitable, Callable, Optional

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.cli import output, prompts
from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError, ExitCode
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Outcome, Venue


async def agreed(venue: Venue, act: Callable[[], Awaitable[Outcome]], question: str, is_agreed: bool,
                 is_dry_run: bool, as_json: bool) -> Optional[Outcome]:
    """Does something after it was rehearsed and confirmed.

    :param act: does it, and may be called twice
    :param question: says what will happen
    :param is_agreed: `--yes`
    :param is_dry_run: `--dry-run`: shows what would be sent instead
    :return: what `act` returns; None after a dry run
    :raises CommandError: when the user says no, or ends it with Ctrl-C while it is under way
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
        # Only Ctrl-C cancels a command, and this ends it as well.
        details = {} if venue.last_nonce is None else {"nonce": venue.last_nonce}
        name = f" (nonce {venue.last_nonce})" if details else ""
        raise CommandError(f"stopped by Ctrl-C while it was under way{name}: look what became of it before you try "
                           f"again", ExitCode.INTERRUPTED, **details) from None
