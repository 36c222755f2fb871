"""The report as one HTML page that needs nothing but itself. Everything a database or a log holds is escaped."""
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from html import escape
from importlib.resources import files
from string import Template
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Sequence

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from hummingbot.connector.derivative.vest_perpetual.session_report import figures
from hummingbot.connector.derivative.vest_perpetual.session_report.log import Interruption, Log
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import STATES, ZERO
from hummingbot.connector.derivative.vest_perpetual.session_report.session import MarketSession, Session, percentile

DRAWN_MARKETS = 12
SHOWN_COMPLAINTS = 25
_PLACES = Decimal("0.0001")
_SHARES = ((0.5, "p50"), (0.95, "p95"), (1.0, "max"))
NONE = "–"


@dataclass(frozen=True)
class Column:
    """A column of the summary.

    :param name: of the value, in `data-value`, for those who read the page by a program
    :param value: of a market
    :param is_summed: whether it can be added up over markets of one quote
    """

    name: str
    heading: str
    value: Callable[[MarketSession], Decimal]
    is_summed: bool = True
    is_money: bool = False


def _count_of(state: str) -> Callable[[MarketSession], Decimal]:
    return lambda market: Decimal(market.states[state])


SUMMARY = (
    Column("orders", "orders", lambda market: Decimal(market.order_count)),
    *(Column(f"orders_{state}", state, _count_of(state)) for state in STATES),
    Column("fills", "fills", lambda market: Decimal(market.ledger.fills)),
    Column("base_volume", "volume, base", lambda market: market.ledger.base_volume, is_summed=False),
    Column("quote_volume", "volume", lambda market: market.ledger.quote_volume, is_money=True),
    Column("realised", "realised", lambda market: market.ledger.realised, is_money=True),
    Column("unrealised", "unrealised", lambda market: market.ledger.unrealised, is_money=True),
    Column("fees", "fees", lambda market: market.ledger.fees, is_money=True),
    Column("funding", "funding", lambda market: market.ledger.funding, is_money=True),
    Column("pnl", "PnL", lambda market: market.ledger.pnl, is_money=True),
    Column("position", "position", lambda market: market.ledger.position, is_summed=False),
    Column("mark", "mark", lambda market: market.ledger.mark, is_summed=False),
)
DEFINITIONS = (
    "PnL = cash flow + position × mark − fees + funding. Realised is what closing earned against the average entry "
    "price, unrealised is what the open position is worth above it; the two together are trading, the first two terms. "
    "Funding is positive when it was received.",
    "The mark is the last price known: a recorded middle of the order book, or a fill, unless whoever made the report "
    "gave one.",
    "The position is what the fills in this database add up to; one that was held before the period is taken as bought "
    "at the last price before it.",
    "Order to ack is measured from the ms in which the connector made the order's id, before it was sent, to the "
    "client's log line that the venue has it. Order to fill is measured from the same ms to the record in the database "
    "that the order is filled completely: of a LIMIT order this is mostly the time until its price was reached. Fills "
    "and creations themselves are stored by the client's clock, in whole seconds.",
    "An order the venue or the connector refused at once has no row in the database and is in no sum; only the log "
    "tells of it. A stream that is lost again for the same cause within ten minutes is logged once.",
)


def html(session: Session) -> str:
    """The page."""
    page = _Page()
    title = f"Session report: {session.name}"
    page.add(f"<h1>{escape(title)}</h1>", _heading(session), _tiles(session))
    if not session.markets:
        page.add('<p class="panel">Nothing of this connector is recorded in this database.</p>')
    else:
        page.add("<h2>Summary</h2>", _summary(session))
        page.add_markets(session)
        page.add("<h2>Orders</h2>")
        page.add_orders(session)
    page.add("<h2>Errors and reconnects</h2>")
    page.add_log(session)
    page.add("<h2>How to read this</h2>", _list(DEFINITIONS))
    template = Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(title=escape(title), body="\n".join(page.parts), plotly=get_plotlyjs())


class _Page:
    """The body, part by part."""

    def __init__(self) -> None:
        self.parts: List[str] = []
        self._figures = 0

    def add(self, *parts: str) -> None:
        self.parts += parts

    def figure(self, figure: go.Figure) -> str:
        """A figure; `<` is written otherwise in its JSON, so that nothing in there can end the script."""
        self._figures += 1
        source = f"figure-{self._figures}"
        words = figure.to_json().replace("<", "\\u003c")
        return f'<figure data-source="{source}"></figure><script type="application/json" id="{source}">{words}</script>'

    def add_markets(self, session: Session) -> None:
        self.add('<p class="muted">Triangles are fills; thin lines are LIMIT orders, from when they were placed to '
                 "their end. Drag to zoom, double-click to return, click in a legend to hide.</p>")
        for market in session.by_volume[:DRAWN_MARKETS]:
            self.add(f"<h2>{escape(_market_name(session, market))}</h2>",
                     f'<div class="panel">{self.figure(figures.market_figure(market, session.last_ms))}'
                     f"{_left_out(market)}</div>")
        if len(session.markets) > DRAWN_MARKETS:
            self.add(f'<p class="muted">The {DRAWN_MARKETS} markets of the largest volume are drawn; the summary has '
                     f"all {len(session.markets)}.</p>")

    def add_orders(self, session: Session) -> None:
        states = {_market_name(session, market): market.states for market in session.by_volume[:DRAWN_MARKETS]}
        failed = session.log.failed_orders if session.log else 0
        remark = (f"<p>The log tells of {failed:,} failed order{'' if failed == 1 else 's'} in all; those that were "
                  f"refused at once are not in the database.</p>") if failed else ""
        panels = [f"<h3>By final state</h3>{self.figure(figures.states_figure(states))}{remark}"]
        panels.append(self._latencies("Order to fill", session.fill_latencies_ms(), "No order was filled completely."))
        panels.append(self._latencies("Order to ack", session.log.acks_ms if session.log else {},
                                      "The log tells of no confirmed order." if session.log else _no_log(session)))
        self.add('<div class="columns">', *(f'<div class="panel">{panel}</div>' for panel in panels), "</div>")

    def _latencies(self, title: str, latencies_ms: Mapping[str, Sequence[float]], otherwise: str) -> str:
        if not latencies_ms:
            return f"<h3>{title}</h3><p>{escape(otherwise)}</p>"
        rows = [[escape(kind), f"{len(values):,}", *(_duration(percentile(values, share)) for share, _ in _SHARES)]
                for kind, values in ((kind, sorted(values)) for kind, values in sorted(latencies_ms.items()))]
        table = _table(["type", "orders", *(name for _, name in _SHARES)], rows, words=1)
        return f"<h3>{title}</h3>{table}{self.figure(figures.latency_figure(latencies_ms))}"

    def add_log(self, session: Session) -> None:
        log = session.log
        if log is None:
            self.add(f'<p class="panel">{escape(_no_log(session))}</p>')
            return
        parts = [f'<p class="muted">From {escape(", ".join(log.files))}.</p>']
        if not any(len(times_ms) for times_ms in log.times_ms.values()):
            parts.append("<p>The log has no warning and no error.</p>")
        if any(len(times_ms) for times_ms in (*log.times_ms.values(), log.starts_ms, log.stops_ms)):
            parts.append(self.figure(figures.log_figure(log)))
        self.add(f'<div class="panel">{"".join(parts)}{_interruptions(log.interruptions)}{_complaints(log)}</div>')


def _heading(session: Session) -> str:
    """When, where and by what was traded."""
    connectors = sorted({market.market.connector for market in session.markets})
    strategies = [name if file in ("", name) else f"{name} ({file})" for name, file in session.strategies]
    lines = [" · ".join(connectors), ", ".join(market.market.pair for market in session.markets),
             "Strategies: " + ", ".join(strategies) if strategies else "", _period(session)]
    return "".join(f'<p class="muted">{escape(line)}</p>' for line in lines if line)


def _period(session: Session) -> str:
    if session.first_ms is None:
        return ""
    seconds = (session.last_ms - session.first_ms) // 1000
    return f"{_time(session.first_ms)} to {_time(session.last_ms)} UTC ({_duration(seconds * 1000)})"


def _tiles(session: Session) -> str:
    log = session.log
    lost = len(log.interruptions) if log else 0
    tiles = [
        *((heading, _money_tile(session, name)) for heading, name in (
            ("PnL", "pnl"), ("Trading", "trading"), ("Fees", "fees"), ("Funding", "funding"))),
        ("Volume", _money_tile(session, "quote_volume", "{:,.0f}")),
        ("Orders · fills", f"{sum(market.order_count for market in session.markets):,} · "
                           f"{sum(market.ledger.fills for market in session.markets):,}"),
        ("Errors · warnings", f"{log.errors:,} · {log.count('WARNING'):,}" if log else NONE),
        ("Streams lost", f"{lost:,}" if log else NONE),
    ]
    return '<div class="tiles">' + "".join(
        f'<div class="tile"><div class="muted">{heading}</div><div class="number">{words}</div></div>'
        for heading, words in tiles) + "</div>"


def _money_tile(session: Session, name: str, form: str = "{:,.2f}") -> str:
    totals: Dict[str, Decimal] = {}
    for market in session.markets:
        totals[market.market.quote] = totals.get(market.market.quote, ZERO) + getattr(market.ledger, name)
    is_signed = name not in ("fees", "quote_volume")
    return " · ".join(
        f'<span class="{_mood(value) if is_signed else ""}">{_worded(form.format(value))}</span> '
        f'<span class="unit">{escape(quote)}</span>' for quote, value in totals.items()) or NONE


def _summary(session: Session) -> str:
    rows = [_summary_row(_market_name(session, market), [column.value(market) for column in SUMMARY])
            for market in session.markets]
    by_quote: Dict[str, List[MarketSession]] = {}
    for market in session.markets:
        by_quote.setdefault(market.market.quote, []).append(market)
    rows += [_summary_row(f"all of {quote}", [sum((column.value(market) for market in markets), ZERO)
                                              if column.is_summed else None for column in SUMMARY], "total")
             for quote, markets in by_quote.items() if len(markets) > 1]
    headings = "".join(f"<th>{column.heading}</th>" for column in SUMMARY)
    table = f'<table id="summary"><tr><th class="words">market</th>{headings}</tr>{"".join(rows)}</table>'
    held = [f"{figures.plain(market.ledger.opening_position)} {market.market.base} at "
            f"{figures.plain(market.ledger.opening_mark)} {market.market.quote}"
            for market in session.markets if market.ledger.opening_position]
    words = f" Held before the period: {'; '.join(held)}." if held else ""
    return (f'<div class="panel">{table}<p class="muted">Money in {escape(", ".join(by_quote))}; volume, base and '
            f"position in the first asset of the pair.{escape(words)}</p></div>")


def _summary_row(name: str, values: Iterable[Optional[Decimal]], kind: str = "") -> str:
    cells = "".join(_summary_cell(column, value) for column, value in zip(SUMMARY, values))
    return f'<tr class="{kind}" data-market="{escape(name)}"><td class="words">{escape(name)}</td>{cells}</tr>'


def _summary_cell(column: Column, value: Optional[Decimal]) -> str:
    """A number, rounded; in full where the mouse or a program looks."""
    if value is None:
        return "<td></td>"
    words = f"{value.quantize(_PLACES):,f}" if column.is_money else figures.plain(value)
    mood = _mood(value) if column.name in ("realised", "unrealised", "funding", "pnl") else ""
    exact = f"{value:f}"
    return f'<td class="{mood}" title="{exact}" data-name="{column.name}" data-value="{exact}">{_worded(words)}</td>'


def _left_out(market: MarketSession) -> str:
    """What is not drawn, in words."""
    fills, orders = figures.marks_left_out(market)
    words = [f"{left:,} of {count:,} {what}" for left, count, what in
             ((fills, market.ledger.fills, "fills"), (orders, market.drawable_orders, "LIMIT orders")) if left]
    return f'<p class="muted">Not drawn: {" and ".join(words)}; every sum has them all.</p>' if words else ""


def _interruptions(interruptions: Sequence[Interruption]) -> str:
    if not interruptions:
        return "<p>No stream of Vest was lost.</p>"
    rows = []
    for stream in sorted({interruption.stream for interruption in interruptions}):
        ended = sorted(interruption.end_ms - interruption.start_ms for interruption in interruptions
                       if interruption.stream == stream and interruption.end_ms is not None)
        count = sum(interruption.stream == stream for interruption in interruptions)
        rows.append([escape(stream), f"{count:,}", f"{len(ended):,}", _duration(sum(ended)) if ended else NONE,
                     _duration(ended[-1]) if ended else NONE])
    return _table(["stream", "lost", "came back", "time without it", "longest"], rows, words=1)


def _complaints(log: Log) -> str:
    if not log.complaints:
        return ""
    rows = [[complaint.level, escape(complaint.logger.rpartition(".")[2]), f"{complaint.count:,}",
             _time(complaint.first_ms), _time(complaint.last_ms), escape(complaint.text)]
            for complaint in log.complaints[:SHOWN_COMPLAINTS]]
    headings = ["level", "by", "times", "first (UTC)", "last (UTC)", "message, with … for numbers and ids"]
    table = _table(headings, rows, words=2, messages=1)
    rest = sum(complaint.count for complaint in log.complaints[SHOWN_COMPLAINTS:]) + log.left_out
    return table + (f"<p>{rest:,} more lines of other kinds are in the log.</p>" if rest else "")


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], words: int, messages: int = 0) -> str:
    """A table of cells that are HTML already.

    :param words: how many columns from the left hold words, not numbers
    :param messages: how many at the right hold long words
    """
    kinds = ["words"] * words + [""] * (len(headings) - words - messages) + ["message words"] * messages

    def row(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f'<{tag} class="{kind}">{cell}</{tag}>' for kind, cell in zip(kinds, cells)) + "</tr>"

    return f"<table>{row('th', headings)}{''.join(row('td', cells) for cells in rows)}</table>"


def _list(sentences: Sequence[str]) -> str:
    return '<ul class="muted">' + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def _no_log(session: Session) -> str:
    return (f"There is no log file of {session.name} beside the database, so nothing is known of errors, reconnects "
            f"and order to ack.")


def _market_name(session: Session, market: MarketSession) -> str:
    """The pair, with the connector where there are several."""
    connectors = {each.market.connector for each in session.markets}
    return market.market.pair if len(connectors) == 1 else f"{market.market.pair} on {market.market.connector}"


def _mood(value: Decimal) -> str:
    return "bad" if value < 0 else "good" if value > 0 else ""


def _worded(number: str) -> str:
    """With a minus sign one can see; of a zero there is none."""
    return number.replace("-", "−") if number.strip("-0.,") else number.lstrip("-")


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def _duration(time_ms: float) -> str:
    """A span of time in the two units a reader would use."""
    if time_ms < 1000:
        return f"{time_ms:,.0f} ms"
    if time_ms < 60_000:
        return f"{time_ms / 1000:.3g} s"
    minutes, seconds = divmod(round(time_ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next(position for position, (count, _) in enumerate(units) if count)
    return " ".join(f"{count} {unit}" for count, unit in units[first:first + 2])
