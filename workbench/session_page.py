"""The page about its session that a run leaves, and whether its numbers are those of the venue's ledger."""
from decimal import Decimal
from pathlib import Path
from typing import List, Mapping, Tuple

from hummingbot.connector.derivative.vest_perpetual.session_report.report import write_report
from hummingbot.connector.derivative.vest_perpetual.session_report.session import Session
from workbench.books import Books, compare
from workbench.home import PROJECT

PAGE, PICTURE = "report.html", "report.png"


def write(database: Path, folder: Path, venue: Books, marks: Mapping[str, Decimal]) -> Tuple[str, List[str]]:
    """Write the page and its picture into a folder of this project.

    :param venue: the venue's books of the run
    :param marks: mark price by pair, for both sides
    :return: what to tell the user, and what is wrong with the page's numbers
    :raises ReportError: there can be no page
    """
    written = write_report(database, folder / PAGE, folder / PICTURE, marks=marks)
    words = f"The session on one page: {written.page.relative_to(PROJECT)}"
    if written.remark:
        words += f"\n{written.remark}"
    return words, differences(written.session, venue, marks)


def differences(session: Session, venue: Books, marks: Mapping[str, Decimal]) -> List[str]:
    """Where the page tells another number than the venue."""
    told = {(line.pair, line.what): line.venue for line in compare(venue, venue, marks)}
    shown = {}
    for market in session.markets:
        ledger = market.ledger
        shown |= {(market.market.pair, what): number for what, number in (
            *((f"orders {state}", count) for state, count in market.states.items()),
            ("base volume", ledger.base_volume), ("quote volume", ledger.quote_volume), ("fees", ledger.fees),
            ("funding", ledger.funding), ("position", ledger.position), ("PnL", ledger.pnl))}
    return [f"{pair}: the page says {what} {number}, the venue {told.get((pair, what))}"
            for (pair, what), number in shown.items() if told.get((pair, what)) != number]
