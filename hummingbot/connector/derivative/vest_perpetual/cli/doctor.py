"""`doctor`: everything a bot needs, looked at in order, with what to do about what is wrong."""
import asyncio
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import typer

from hummingbot import data_path
from hummingbot.connector.derivative.vest_perpetual.cli import keystore, output
from hummingbot.connector.derivative.vest_perpetual.cli.command import (
    CommandError,
    Domain,
    DomainOption,
    ExitCode,
    JsonOption,
    KeysOption,
    command,
)
from hummingbot.connector.derivative.vest_perpetual.cli.doctor_checks import (
    CHECKS,
    Check,
    Examination,
    Finding,
    Verdict,
    fail,
    of_error,
)
from hummingbot.connector.derivative.vest_perpetual.cli.keys import keys_for
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Venue
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import VestSocketError

_VERDICT_WIDTH = 9
_TITLE_WIDTH = max(len(check.title) for check in CHECKS) + 2


@command
async def doctor(
        domain: DomainOption = Domain.PRODUCTION, keys: KeysOption = None, as_json: JsonOption = False
) -> None:
    """Check everything a bot needs, from the network to the keys and the permissions, and say what to do.

    Nothing is changed at Vest, and no order is placed: the signature is tried by cancelling an order that cannot
    exist. Exit code: 0 when nothing failed (there may be warnings), 1 when something did.
    """
    problem, found = "", None
    try:
        found = keys_for(domain, keys)
    except CommandError as error:
        problem = str(error)
    async with Venue(domain.value, found) as venue:
        data_folder = Path(data_path())
        private_paths = (keystore.keys_path(domain.value), keystore.PASSWORD_VERIFICATION_PATH, data_folder)
        examination = Examination(venue, found, problem, data_folder, private_paths)
        report = await examine(examination, lambda check, finding: None if as_json else _show(check, finding))
    verdicts = {finding.verdict for _, finding in report}
    if as_json:
        output.emit(_json(domain.value, report), "", as_json=True)
    elif Verdict.FAIL in verdicts:
        output.note("Mend what failed, from the top, and run this again.")
    else:
        output.note("A bot can trade; look at the warnings." if Verdict.WARN in verdicts else "All is well.")
    if Verdict.FAIL in verdicts:
        raise typer.Exit(int(ExitCode.FAILED))


async def examine(
        examination: Examination, tell: Callable[[Check, Finding], None]
) -> List[Tuple[Check, Finding]]:
    """Runs the checks one after another; one that fails stops only those that need it.

    :param tell: hears of each as soon as it is done
    """
    report: List[Tuple[Check, Finding]] = []
    missing: Dict[str, str] = {}  # name of a check that failed or was skipped: title of the one that is to blame
    for check in CHECKS:
        to_blame = next((missing[name] for name in check.needs if name in missing), None)
        if to_blame is not None:
            finding = Finding(Verdict.SKIPPED, f"not reached, because of: {to_blame}")
        else:
            finding = await _run(check, examination)
        if finding.verdict is Verdict.FAIL or to_blame is not None:
            missing[check.name] = to_blame or check.title
        report.append((check, finding))
        tell(check, finding)
    return report


async def _run(check: Check, examination: Examination) -> Finding:
    try:
        async with asyncio.timeout(check.timeout_s):
            return await check.run(examination)
    except TimeoutError:
        return fail(f"no answer within {check.timeout_s:g} s", "try again in a minute; if it stays so, the venue or "
                                                               "the network is overloaded")
    except (VestError, VestSocketError) as error:
        return of_error(error, examination.domain)
    except OSError as error:
        return fail(f"{type(error).__name__}: {error.strerror or error}", "check the file or connection it names")


def _show(check: Check, finding: Finding) -> None:
    typer.echo(f"{finding.verdict.value:<{_VERDICT_WIDTH}}{check.title:<{_TITLE_WIDTH}}{finding.words}")
    if finding.remedy:
        typer.echo(f"{'':<{_VERDICT_WIDTH + _TITLE_WIDTH}}→ {finding.remedy}")


def _json(domain: str, report: List[Tuple[Check, Finding]]) -> Dict[str, Any]:
    return {"domain": domain, "checks": [
        {"check": check.name, "verdict": finding.verdict.value, "words": finding.words, "remedy": finding.remedy}
        for check, finding in report]}
