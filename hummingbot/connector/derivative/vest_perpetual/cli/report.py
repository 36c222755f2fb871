"""`report`: a page that shows what a bot did, from its database and log files."""
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Dict, List, Optional

import typer

from hummingbot.connector.derivative.vest_perpetual.cli import output
from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError, ExitCode, JsonOption, command
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import ChoiceError, ReportError, Selection
from hummingbot.connector.derivative.vest_perpetual.session_report.report import Written, write_report
from hummingbot.connector.derivative.vest_perpetual.session_report.session import MarketSession

_COLUMNS = {
    "connector": "connector", "trading_pair": "pair", "orders": "orders", "fills": "fills", "quote_volume": "volume",
    "fees": "fees", "funding": "funding", "pnl": "PnL", "position": "position",
}
_MONEY = ("quote_volume", "fees", "funding", "pnl")
_CENTS = Decimal("0.01")


@command
def report(
        database: Annotated[Path, typer.Argument(
            metavar="DB", help="The .sqlite file in the data folder of a Hummingbot, running or not.")],
        page: Annotated[Optional[Path], typer.Option(
            "--out", metavar="FILE", help="The page to write, .html; the picture gets the same name with .png. "
                                          "Without this: report_<name of DB>.html, here.")] = None,
        connectors: Annotated[Optional[List[str]], typer.Option(
            "--connector", metavar="NAME", help="Only this connector; may be repeated. Without this: Vest's.")] = None,
        pairs: Annotated[Optional[List[str]], typer.Option(
            "--pair", metavar="PAIR", help="Only this trading pair; may be repeated.")] = None,
        begin: Annotated[Optional[str], typer.Option(
            "--from", metavar="TIME", help="From this time on, in UTC: 2026-11-22 or 2026-11-22T21:30.")] = None,
        end: Annotated[Optional[str], typer.Option("--to", metavar="TIME", help="Up to this time, in UTC.")] = None,
        logs: Annotated[Optional[List[Path]], typer.Option(
            "--log", metavar="FILE", help="A log file of the bot; may be repeated. Without this: those in the logs "
                                          "folder beside the data folder.")] = None,
        has_picture: Annotated[bool, typer.Option(
            "--png/--no-png", help="Whether to take a picture of the page, which needs Chrome or Chromium.")] = True,
        as_json: JsonOption = False,
) -> None:
    """Show what a bot did, from its database and log files, on one page that can be passed on."""
    page = page or Path(f"report_{database.stem}.html")
    if page.suffix != ".html":
        raise CommandError(f"The page is HTML: give --out a name that ends in .html, not {page.name}.", ExitCode.USAGE)
    picture = page.with_suffix(".png") if has_picture else None
    selection = Selection(connectors or (), [pair.upper() for pair in pairs or ()], _time_ms("--from", begin),
                          _time_ms("--to", end))
    if None not in (selection.from_ms, selection.to_ms) and selection.to_ms <= selection.from_ms:
        raise CommandError("--to lies before --from, or at the same time: nothing is between them.", ExitCode.USAGE)
    try:
        written = write_report(database, page, picture, selection, logs=logs or None)
    except ChoiceError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    except ReportError as error:
        raise CommandError(str(error), ExitCode.FAILED) from error
    if written.remark:
        output.note(written.remark)
    result = _result(written)
    output.emit(result, _text(result), as_json)


def _time_ms(option: str, text: Optional[str]) -> Optional[int]:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{option} takes a time such as 2026-11-22T21:30, not {text}.", ExitCode.USAGE) from error
    return int((time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp() * 1000)


def _result(written: Written) -> Dict[str, Any]:
    session = written.session
    return {
        "page": str(written.page),
        "picture": None if written.picture is None else str(written.picture),
        "from_ms": session.first_ms,
        "to_ms": session.last_ms,
        "markets": [_row(market) for market in session.markets],
        "errors": None if session.log is None else session.log.errors,
        "streams_lost": None if session.log is None else len(session.log.interruptions),
    }


def _text(result: Dict[str, Any]) -> str:
    rows = [{name: value.quantize(_CENTS) if name in _MONEY else value for name, value in row.items()}
            for row in result["markets"]]
    table = output.table(rows, _COLUMNS, "Nothing of this connector is recorded there.")
    return "\n".join([table, "", *(result[name] for name in ("page", "picture") if result[name])])


def _row(session: MarketSession) -> Dict[str, Any]:
    books = session.ledger
    return {
        "connector": session.market.connector, "trading_pair": session.market.pair, "orders": session.order_count,
        "orders_by_state": dict(session.states), "fills": books.fills, "base_volume": books.base_volume,
        "quote_volume": books.quote_volume, "realised": books.realised, "unrealised": books.unrealised,
        "fees": books.fees, "funding": books.funding, "pnl": books.pnl, "position": books.position, "mark": books.mark,
    }
