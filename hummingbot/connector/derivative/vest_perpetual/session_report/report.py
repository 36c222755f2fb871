"""From a Hummingbot database to a page, and a picture of it."""
import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Mapping, NamedTuple, Optional, Sequence

from hummingbot.connector.derivative.vest_perpetual.session_report.drafts import drafted
from hummingbot.connector.derivative.vest_perpetual.session_report.picture import take_picture
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import ChoiceError, ReportError, Selection
from hummingbot.connector.derivative.vest_perpetual.session_report.session import Session, read_session
from hummingbot.connector.derivative.vest_perpetual.session_report.words import moment


class Written(NamedTuple):
    """What was written.

    :param picture: None when none was wanted, or none could be taken
    :param remark: why there is no picture, for the user
    """

    session: Session
    page: Path
    picture: Optional[Path] = None
    remark: str = ""


def write_report(database: Path, page: Path, picture: Optional[Path] = None, selection: Selection = Selection(),
                 marks: Optional[Mapping[str, Decimal]] = None, logs: Optional[Sequence[Path]] = None) -> Written:
    """Write the report of a session. Not to be called where an event loop runs: the picture needs one of its own.

    :param database: of a Hummingbot, running or not; it is not changed
    :param page: the HTML file to write
    :param picture: the PNG file to write; without a browser the page is written all the same
    :param marks: mark price at the end, by trading pair; without one the last price known stands for it
    :param logs: the client's log files; None: those that are found beside the database
    :raises ChoiceError: there is nothing of what is selected
    :raises ReportError: there can be no page; the text says why and what to do. An older page is left as it was
    """
    try:
        from hummingbot.connector.derivative.vest_perpetual.session_report.page import html
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("plotly"):
            raise
        raise ReportError("The report is drawn by plotly, which is not installed: "
                          "pip install plotly choreographer.") from error
    try:
        session = read_session(database, selection, marks, logs)
        _check_period(database, session)
        with drafted(page) as draft:
            draft.write_text(html(session), encoding="utf-8")
        if picture is None:
            return Written(session, page)
        try:
            asyncio.run(take_picture(page, picture))
        except ReportError as error:
            return Written(session, page, remark=str(error))
    except OSError as error:
        raise ReportError(f"The report cannot be written ({error}); name another folder, or make room.") from error
    return Written(session, page, picture)


def _check_period(database: Path, session: Session) -> None:
    """:raises ChoiceError: neither the database nor the log has anything of the selected period"""
    is_found = session.first_ms is not None or not (session.log is None or session.log.is_empty)
    if is_found or not session.selection.is_limited:
        return
    whole = read_session(database, replace(session.selection, from_ms=None, to_ms=None), logs=())
    if whole.first_ms is not None:
        raise ChoiceError(f"Nothing is recorded in that period; what there is goes from {moment(whole.first_ms)} to "
                          f"{moment(whole.last_ms)}, in UTC.")
