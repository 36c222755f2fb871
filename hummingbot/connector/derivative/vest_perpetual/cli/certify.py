"""`certify`: what the venue really does, statement by statement, as a file for the makers of the connector."""
import asyncio
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Dict, List, Optional

import typer

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_utils as utils,
)
from hummingbot.connector.derivative.vest_perpetual.certification import account, public, trading
from hummingbot.connector.derivative.vest_perpetual.certification.observed import ObservedVenue
from hummingbot.connector.derivative.vest_perpetual.certification.report import Report
from hummingbot.connector.derivative.vest_perpetual.certification.session import Session, perform
from hummingbot.connector.derivative.vest_perpetual.certification.statements import STATEMENTS
from hummingbot.connector.derivative.vest_perpetual.cli import keystore, output, prompts
from hummingbot.connector.derivative.vest_perpetual.cli.command import (
    CommandError,
    Domain,
    DomainOption,
    ExitCode,
    JsonOption,
    KeysOption,
    YesOption,
    command,
)
from hummingbot.connector.derivative.vest_perpetual.cli.keys import Keys, keys_for
from hummingbot.connector.derivative.vest_perpetual.cli.versions import versions
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError


@command
async def certify(
        trade: Annotated[bool, typer.Option(
            "--trade", help="Send orders too: one of the smallest size each way, and a far LIMIT order that is "
                            "cancelled. Costs their fees.",
        )] = False,
        pair: Annotated[str, typer.Option(help="The market to look at and trade.")] = utils.EXAMPLE_PAIR,
        out: Annotated[Path, typer.Option(
            "--out", metavar="FOLDER", help="Where the report is written, as .md and .json.",
        )] = Path("."),
        yes: YesOption = False,
        domain: DomainOption = Domain.PRODUCTION,
        keys: KeysOption = None,
        as_json: JsonOption = False,
) -> None:
    """See what Vest really does where its documents leave a doubt, and write a report without secrets.

    Reads only, unless --trade is given. Without keys, only what is public is seen. Do not trade by other means on the
    account meanwhile. Exit code: 0 when all went as planned, 1 when a part ended early, which the report says, 6 when
    orders or a position may be left. Ctrl-C closes what is open first, then the report says what was seen so far; the
    exit code is 130, or 6 as before.
    """
    if not out.is_dir():
        raise CommandError(f"there is no folder {out}; make it, or choose another --out", ExitCode.USAGE)
    found = _keys(domain, keys, trade)
    began_s = time.time()
    async with ObservedVenue(domain.value, found) as venue:
        report = Report(domain.value, found is not None, trade)
        report.hide([] if found is None else [found.api_key, found.signing_private_key])
        session = Session(venue, found, report, await venue.market(pair))
        acts = public.ACTS + (() if found is None else account.ACTS)
        if trade:
            await trading.require_nothing_open(session)
            await _confirm(session, yes)
            acts += trading.ACTS + (account.records,)  # again: there are orders to be listed now
        is_stopped = False
        try:
            for act in acts + public.CLOSING:
                output.note(f"{act.run.__name__.replace('_', ' ')} …")
                await perform(act, session)
        except asyncio.CancelledError:  # Ctrl-C, which ends the command as soon as the report is written
            if asyncio.current_task().cancelling() > 1:
                raise  # and another one at once
            is_stopped = True
            report.incident("Ctrl-C ended the run before everything was looked at")
        may_be_left = await _what_may_be_left(session) if trade else ""
    facts = {"software": versions(), "began": _utc(began_s), "market": session.market.symbol, "traded": trade,
             "observed": f"{sum(bool(report.observed(name)) for name in STATEMENTS)} of {len(STATEMENTS)} statements"}
    files = _write(report, facts, out, began_s)
    output.emit({**report.record(**facts), "files": files}, _text(report, facts, files), as_json)
    if report.incidents:
        output.note("Not all went as planned; the report says what it was. Send it all the same.")
    if may_be_left:
        output.note(f"Error: {may_be_left}")
        raise typer.Exit(int(ExitCode.UNKNOWN))
    if is_stopped:
        raise typer.Exit(int(ExitCode.INTERRUPTED))
    if report.incidents:
        raise typer.Exit(int(ExitCode.FAILED))


def _keys(domain: Domain, keys_file: Optional[Path], trade: bool) -> Optional[Keys]:
    if keys_file is None and not trade and not keystore.has_keys(domain.value):
        output.note(f"There are no keys of {domain.value} here, so only what is public is looked at.")
        return None
    return keys_for(domain, keys_file)


async def _confirm(session: Session, is_agreed: bool) -> None:
    most = await trading.most_notional(session)
    market = session.market
    money = " (real money)" if session.venue.domain == CONSTANTS.DEFAULT_DOMAIN else ""
    prompts.confirm(
        f"{session.venue.domain}{money}: send orders of {session.size:f} {market.symbol} each: a LIMIT order far from "
        f"the market that is cancelled, and a MARKET order each way; at most {most:.2f} USDC of notional at once, and "
        f"the position is zero before and after. Send them?", is_agreed)


async def _what_may_be_left(session: Session) -> str:
    """What is open in the market after trading, as a warning; empty when nothing is."""
    try:
        await trading.require_nothing_open(session)
    except (CommandError, VestError) as error:
        words = (f"{error}. It may come from this run: look at once with vest-perpetual account, and close what is "
                 f"left.")
        session.report.incident(words)
        return words
    return ""


def _write(report: Report, facts: Dict[str, Any], folder: Path, began_s: float) -> List[str]:
    name = f"{report.domain}-certification-{_utc(began_s).replace(':', '').replace('-', '')}"
    contents = {".md": report.markdown(**facts), ".json": output.json_text(report.record(**facts), indent=2) + "\n"}
    files = []
    for ending, content in contents.items():
        file = folder / (name + ending)
        try:
            file.write_text(content, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{file} cannot be written ({error.strerror})", ExitCode.FAILED) from None
        files.append(str(file))
    return files


def _text(report: Report, facts: Dict[str, Any], files: List[str]) -> str:
    written = f"Written: {', '.join(files)}. There is no key, signature or address in it: please send it to the makers."
    return "\n".join([report.markdown(**facts), written])


def _utc(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
