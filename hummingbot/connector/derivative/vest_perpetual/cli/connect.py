"""`connect --from FILE`: the keys of a filled template into Hummingbot's keystore."""
from pathlib import Path
from typing import Annotated

import typer

from hummingbot.connector.derivative.vest_perpetual.cli import keystore, output, prompts
from hummingbot.connector.derivative.vest_perpetual.cli.command import (
    CommandError,
    Domain,
    DomainOption,
    ExitCode,
    JsonOption,
    YesOption,
    command,
)
from hummingbot.connector.derivative.vest_perpetual.cli.keys import TEMPLATE, keys_from_file
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Venue


@command
async def connect(
        context: typer.Context,
        source: Annotated[Path, typer.Option(
            "--from", metavar="FILE", help=f"A filled copy of {TEMPLATE} that only you can read.",
        )],
        domain: DomainOption = Domain.PRODUCTION,
        check: Annotated[bool, typer.Option(
            "--check/--no-check", help="Ask Vest whether it accepts the keys before they are stored.",
        )] = True,
        yes: YesOption = False,
        as_json: JsonOption = False,
) -> None:
    """Store the keys of a file, encrypted, for Hummingbot.

    They go into Hummingbot's keystore, as by its own connect command. Keys that cannot be right, or that Vest refuses,
    are not stored, and those stored before stay.
    """
    if context.args:
        raise CommandError("connect takes no arguments but its options; if one of these was a key, it is now in your "
                           "shell's history: delete it there, and put the keys into the file", ExitCode.USAGE)
    keys = keys_from_file(domain, source)
    if check:
        async with Venue(domain.value, keys) as venue:
            await venue.account()
            await venue.try_signature()
    store = keystore.Keystore.unlock_or_create()
    if keystore.has_keys(domain.value):
        prompts.confirm(f"Hummingbot has keys of {domain.value} already. Replace them?", yes)
    store.write(domain.value, keys.fields)
    result = {"domain": domain.value, "saved": True, "checked": check, "account_group": keys.account_group}
    accepted = "Vest accepts them" if check else "Vest was not asked about them"
    text = (f"The keys of {domain.value} are in Hummingbot's keystore, encrypted; {accepted}. Do not keep {source}: "
            f"whoever can read it can trade with the account.")
    output.emit(result, text, as_json)
