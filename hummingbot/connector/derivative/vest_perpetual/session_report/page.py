"""The report as one HTML page that needs nothing but itself. Everything a database or a log holds is escaped."""
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from importlib.resources import files
from string import Template
from typing import Callable, Iterable, List, Mapping, Optional, Sequence, Tuple

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from hummingbot.connector.derivative.vest_perpetual.session_report import figures
from hummingbot.connector.derivative.vest_perpetual.session_report.log import Interruption, Log
from hummingbot.connector.derivative.vest_perpetual.session_report.log_sentences import HARMLESS
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import STATES, ZERO
from hummingbot.connector.derivative.vest_perpetual.session_report.session import MarketSession, Session, percentile
from hummingbot.connector.derivative.vest_perpetual.session_report.story import Totals, gained, story, totals
from hummingbot.connector.derivative.vest_perpetual.session_report.words import counted, moment, plain, span, worded

DRAWN_MARKETS = 12
SHOWN_COMPLAINTS = 25
SHOWN_REASONS = 5
_PLACES = Decimal("0.0001")
_SHARES = ((0.5, "median"), (0.95, "95 % within"), (1.0, "longest"))
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
    Column("pnl", "PnL", lambda market: market.ledger.pnl, is_money=True),
    Column("realised", "realised", lambda market: market.ledger.realised, is_money=True),
    Column("unrealised", "unrealised", lambda market: market.ledger.unrealised, is_money=True),
    Column("fees", "fees", lambda market: market.ledger.fees, is_money=True),
    Column("funding", "funding", lambda market: market.ledger.funding, is_money=True),
    Column("quote_volume", "volume", lambda market: market.ledger.quote_volume, is_money=True),
    Column("base_volume", "volume, base", lambda market: market.ledger.base_volume, is_summed=False),
    Column("position", "position, base", lambda market: market.ledger.position, is_summed=False),
    Column("mark", "mark price", lambda market: market.ledger.mark, is_summed=False),
    Column("fills", "fills", lambda market: Decimal(market.ledger.fills)),
    Column("orders", "orders", lambda market: Decimal(market.order_count)),
    *(Column(f"orders_{state}", state, _count_of(state)) for state in STATES),
)
DEFINITIONS = (
    "PnL, profit and loss, is cash flow + position × mark price − fees + funding. Realised is what closing earned "
    "against the average entry price, unrealised is what the open position is worth above it; the two together are "
    "trading, the first two terms. Funding is what longs and shorts pay each other, positive when it was received.",
    "The mark price is the last price known: a recorded middle of the order book, or a fill, unless whoever made the "
    "report gave one.",
    "The position is what the fills in this database add up to, above zero long, below zero short; one that was held "
    "before the period is taken as bought at the last price before it.",
    "Both times of orders begin with the ms in which the connector made the order's id, before it was sent. "
    "Order to confirmation ends with the client's log line that the exchange has it; order to fill ends with the "
    "record in the database that it is filled completely: of a LIMIT order this is mostly the time until its price was "
    "reached. Fills and creations themselves are stored by the client's clock, in whole seconds.",
    "An order the exchange or the connector refused at once has no row in the database and is in no sum; only the log "
    "tells of it. A stream that is lost again for the same cause within ten minutes is logged once.",
)


def html(session: Session) -> str:
    """The page."""
    page = _Page()
    title = f"Session report: {session.name}"
    page.add(f"<h1>{escape(title)}</h1>", _heading(session), _tiles(session))
    if session.markets:
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

    def figure(self, figure: go.Figure, label: str) -> str:
        """A figure; `<` is written otherwise in its JSON, so that nothing in there can end the script.

        :param label: what it shows, for those who do not see it
        """
        self._figures += 1
        source = f"figure-{self._figures}"
        words = figure.to_json().replace("<", "\\u003c")
        return (f'<figure data-source="{source}" role="img" aria-label="{escape(label)}"></figure>'
                f'<script type="application/json" id="{source}">{words}</script>')

    def add_markets(self, session: Session) -> None:
        self.add('<p class="muted">Triangles are fills, where the bot bought and sold; thin lines are its LIMIT '
                 "orders, from when they were placed to their end. Drag to zoom, double-click to return, click in a "
                 "legend to hide.</p>")
        for market in session.by_volume[:DRAWN_MARKETS]:
            name = _market_name(session, market)
            told = f"This market {gained(market.ledger, market.market.quote)}"
            drawing = self.figure(figures.market_figure(market, session.last_ms),
                                  f"{name} over time: price with orders and fills, position, profit. {told}")
            self.add(f"<h2>{escape(name)}</h2>", *_paragraphs([told]), _panel(name, drawing + _left_out(market)))
        if len(session.markets) > DRAWN_MARKETS:
            self.add(f'<p class="muted">The {DRAWN_MARKETS} markets of the largest volume are drawn; the summary has '
                     f"all {len(session.markets)}.</p>")

    def add_orders(self, session: Session) -> None:
        states = {_market_name(session, market): market.states for market in session.by_volume[:DRAWN_MARKETS]}
        ends = (self.figure(figures.states_figure(states), "Number of orders by market and the state they ended in")
                if session.order_count else "<p>No order was placed.</p>")
        panels = [("By final state", ends + _failures(session.log))]
        panels.append(self._latencies("Order to fill", session.fill_latencies_ms(), "No order was filled completely."))
        panels.append(self._latencies("Order to confirmation", session.log.acks_ms if session.log else {},
                                      "The log tells of no confirmed order." if session.log else _no_log(session)))
        self.add('<div class="columns">', *(_panel(title, f"<h3>{title}</h3>{content}") for title, content in panels),
                 "</div>")

    def _latencies(self, title: str, latencies_ms: Mapping[str, Sequence[float]], otherwise: str) -> Tuple[str, str]:
        if not latencies_ms:
            return title, f"<p>{escape(otherwise)}</p>"
        rows = [[escape(kind), f"{len(values):,}", *(span(percentile(values, share)) for share, _ in _SHARES)]
                for kind, values in ((kind, sorted(values)) for kind, values in sorted(latencies_ms.items()))]
        table = _table(["type", "orders", *(name for _, name in _SHARES)], rows, words=1)
        histogram = self.figure(figures.latency_figure(latencies_ms), f"{title}: how many orders took how long")
        return title, table + histogram

    def add_log(self, session: Session) -> None:
        log = session.log
        if log is None:
            self.add(_panel("Log", f"<p>{escape(_no_log(session))}</p>"))
            return
        parts = [f'<p class="muted">From {escape(", ".join(log.files))}.</p>']
        if not any(len(times_ms) for times_ms in log.times_ms.values()):
            parts.append("<p>The log has no warning and no error.</p>")
        if any(len(times_ms) for times_ms in (*log.times_ms.values(), log.starts_ms, log.stops_ms)):
            parts.append(self.figure(figures.log_figure(log), "When the log complained, when streams of Vest were "
                                     "lost, and when the client started and stopped"))
        self.add(_panel("Log", "".join(parts) + _interruptions(log.interruptions) + _complaints(log)))


def _heading(session: Session) -> str:
    """When and by what was traded, and the story of it."""
    strategies = [name if file in ("", name) else f"{name} ({file})" for name, file in session.strategies]
    lines = [_period(session), "Strategies: " + ", ".join(strategies) if strategies else ""]
    return ("".join(f'<p class="muted">{escape(line)}</p>' for line in lines if line)
            + f'<div class="story">{"".join(_paragraphs(story(session)))}</div>')


def _period(session: Session) -> str:
    if session.first_ms is None:
        return ""
    seconds = (session.last_ms - session.first_ms) // 1000
    return f"{moment(session.first_ms)} to {moment(session.last_ms)} UTC ({span(seconds * 1000)})"


def _tiles(session: Session) -> str:
    log, books = session.log, totals(session)
    tiles = (
        ("PnL", _money_tile(books, "pnl"), "all in all"),
        ("Trading", _money_tile(books, "trading"), "before fees and funding"),
        ("Fees", _money_tile(books, "fees"), "paid"),
        ("Funding", _money_tile(books, "funding"), "received is above zero"),
        ("Volume", _money_tile(books, "quote_volume", "{:,.0f}"), "bought and sold"),
        ("Orders · fills", f"{session.order_count:,} · {session.fill_count:,}", "an order can have many"),
        ("Errors · warnings", f"{log.errors:,} · {log.count('WARNING'):,}" if log else NONE, "in the bot's log"),
        ("Streams lost", f"{len(log.interruptions):,}" if log else NONE, "times without live data"),
    )
    return '<div class="tiles">' + "".join(
        f'<div class="tile"><div class="muted">{heading}</div><div class="number">{words}</div>'
        f'<div class="muted">{hint}</div></div>' for heading, words, hint in tiles) + "</div>"


def _money_tile(books: Mapping[str, Totals], name: str, form: str = "{:,.2f}") -> str:
    is_signed = name not in ("fees", "quote_volume")
    amounts = {quote: getattr(total, name) for quote, total in books.items()}
    return " · ".join(
        f'<span class="{_mood(amount) if is_signed else ""}">{worded(form.format(amount))}</span> '
        f'<span class="unit">{escape(quote)}</span>' for quote, amount in amounts.items()) or NONE


def _summary(session: Session) -> str:
    rows = [_summary_row(_market_name(session, market), [column.value(market) for column in SUMMARY])
            for market in session.markets]
    by_quote = session.by_quote
    rows += [_summary_row(f"all of {quote}", [sum((column.value(market) for market in markets), ZERO)
                                              if column.is_summed else None for column in SUMMARY], "total")
             for quote, markets in by_quote.items() if len(markets) > 1]
    headings = "".join(f'<th scope="col">{column.heading}</th>' for column in SUMMARY)
    table = (f'<table id="summary"><thead><tr><th scope="col" class="words">market</th>{headings}</tr></thead>'
             f'<tbody>{"".join(rows)}</tbody></table>')
    held = [f"{plain(market.ledger.opening_position)} {market.market.base} at "
            f"{plain(market.ledger.opening_mark)} {market.market.quote}"
            for market in session.markets if market.ledger.opening_position]
    words = f" Held before the period: {'; '.join(held)}." if held else ""
    return _panel("Summary", f'{table}<p class="muted">Money in {escape(", ".join(by_quote))}; base is the first asset '
                             f"of the pair; filled, cancelled, failed and open are orders.{escape(words)}</p>")


def _summary_row(name: str, values: Iterable[Optional[Decimal]], kind: str = "") -> str:
    cells = "".join(_summary_cell(column, value) for column, value in zip(SUMMARY, values))
    heading = f'<th scope="row" class="words">{escape(name)}</th>'
    return f'<tr class="{kind}" data-market="{escape(name)}">{heading}{cells}</tr>'


def _summary_cell(column: Column, value: Optional[Decimal]) -> str:
    """A number, rounded; in full where the mouse or a program looks."""
    if value is None:
        return "<td></td>"
    words = f"{value.quantize(_PLACES):,f}" if column.is_money else plain(value)
    mood = _mood(value) if column.name in ("realised", "unrealised", "funding", "pnl") else ""
    exact = f"{value:f}"
    return f'<td class="{mood}" title="{exact}" data-name="{column.name}" data-value="{exact}">{worded(words)}</td>'


def _left_out(market: MarketSession) -> str:
    """What is not drawn, in words."""
    fills, orders = figures.marks_left_out(market)
    words = [f"{left:,} of {count:,} {what}" for left, count, what in
             ((fills, market.ledger.fills, "fills"), (orders, market.drawable_orders, "LIMIT orders")) if left]
    return f'<p class="muted">Not drawn: {" and ".join(words)}; every sum has them all.</p>' if words else ""


def _failures(log: Optional[Log]) -> str:
    """Why orders failed, the most frequent reason first."""
    if log is None or not log.failed_orders:
        return ""
    rows = [[f"{count:,}", escape(reason)] for reason, count in log.failures.most_common(SHOWN_REASONS)]
    return (f"<p>The log tells of {counted(log.failed_orders, 'failed order')} in all; "
            f"those that were refused at once are not in the database.</p>"
            + _table(["failed", "why"], rows, words=0, messages=1))


def _interruptions(interruptions: Sequence[Interruption]) -> str:
    if not interruptions:
        return "<p>No stream of Vest was lost.</p>"
    rows = []
    for stream in sorted({interruption.stream for interruption in interruptions}):
        ended = sorted(interruption.end_ms - interruption.start_ms for interruption in interruptions
                       if interruption.stream == stream and interruption.end_ms is not None)
        count = sum(interruption.stream == stream for interruption in interruptions)
        rows.append([escape(stream), f"{count:,}", f"{len(ended):,}", span(sum(ended)) if ended else NONE,
                     span(ended[-1]) if ended else NONE])
    return _table(["stream", "lost", "came back", "time without it", "longest"], rows, words=1)


def _complaints(log: Log) -> str:
    if not log.complaints:
        return ""
    rows = [[complaint.level, escape(complaint.logger.rpartition(".")[2]), f"{complaint.count:,}",
             moment(complaint.first_ms), moment(complaint.last_ms), escape(complaint.text) + _explained(complaint.text)]
            for complaint in log.complaints[:SHOWN_COMPLAINTS]]
    headings = ["level", "by", "times", "first (UTC)", "last (UTC)", "message, with … for numbers and ids"]
    table = _table(headings, rows, words=2, messages=1)
    rest = sum(complaint.count for complaint in log.complaints[SHOWN_COMPLAINTS:]) + log.left_out
    return table + (f"<p>{rest:,} more lines of other kinds are in the log.</p>" if rest else "")


def _explained(text: str) -> str:
    why = next((why for part, why in HARMLESS.items() if part in text), None)
    return f' <span class="muted">(harmless: {escape(why)})</span>' if why else ""


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], words: int, messages: int = 0) -> str:
    """A table of cells that are HTML already.

    :param words: how many columns from the left hold words, not numbers
    :param messages: how many at the right hold long words
    """
    kinds = ["words"] * words + [""] * (len(headings) - words - messages) + ["message words"] * messages

    def row(tag: str, cells: Sequence[str], scope: str = "") -> str:
        return "<tr>" + "".join(f'<{tag}{scope} class="{kind}">{cell}</{tag}>'
                                for kind, cell in zip(kinds, cells)) + "</tr>"

    head = row("th", headings, ' scope="col"')
    return f"<table><thead>{head}</thead><tbody>{''.join(row('td', cells) for cells in rows)}</tbody></table>"


def _panel(label: str, content: str) -> str:
    """A frame that can be scrolled sideways on a narrow screen, with the keys too.

    :param content: HTML
    """
    return f'<div class="panel" role="region" tabindex="0" aria-label="{escape(label)}">{content}</div>'


def _paragraphs(sentences: Sequence[str]) -> List[str]:
    return [f"<p>{escape(sentence)}</p>" for sentence in sentences]


def _list(sentences: Sequence[str]) -> str:
    return '<ul class="muted">' + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def _no_log(session: Session) -> str:
    return (f"There is no log file of {session.name} beside the database, so nothing is known of errors, reconnects "
            f"and order to confirmation.")


def _market_name(session: Session, market: MarketSession) -> str:
    """The pair, with the connector where there are several."""
    connectors = {each.market.connector for each in session.markets}
    return market.market.pair if len(connectors) == 1 else f"{market.market.pair} on {market.market.connector}"


def _mood(value: Decimal) -> str:
    return "bad" if value < 0 else "good" if value > 0 else ""
