"""The figures of the report, by plotly.

They have no colours of text and background: the page gives them those of its scheme. Whatever comes from a database or
a log is escaped, because plotly takes some HTML in its labels.
"""
from html import escape
from math import floor, log10
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from hummingbot.connector.derivative.vest_perpetual.session_report.log import LEVELS, Interruption, Log
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import CANCELLED, FAILED, FILLED, OPEN, Order
from hummingbot.connector.derivative.vest_perpetual.session_report.series import Drawn, Series, evenly, extremes
from hummingbot.connector.derivative.vest_perpetual.session_report.session import MarketSession
from hummingbot.connector.derivative.vest_perpetual.session_report.words import plain

# Each can be told from the others and from a white and a nearly black background.
BLUE, GREEN, RED, AMBER, VIOLET, GREY = "#2f80ed", "#159a6a", "#e0564f", "#c27803", "#8b5cf6", "#7d8590"
COLOURS = (BLUE, GREEN, RED, AMBER, VIOLET, GREY)
_STATE_COLOURS = {FILLED: GREEN, CANCELLED: GREY, FAILED: RED, OPEN: AMBER}
_LEVEL_COLOURS = {"CRITICAL": RED, "ERROR": RED, "WARNING": AMBER, "NETWORK": VIOLET}
_MANY_FILLS = 200  # their marks are smaller
_FEW = 5  # things to count
_DRAWN_LINES = 500  # of the log, of each level
_BINS_PER_DECADE = 8
_TICKS_MS = {1: "1 ms", 3: "3 ms", 10: "10 ms", 30: "30 ms", 100: "0.1 s", 300: "0.3 s", 1000: "1 s", 3000: "3 s",
             10_000: "10 s", 60_000: "1 min", 600_000: "10 min", 3_600_000: "1 h", 86_400_000: "1 day"}
_MARGIN = dict(l=10, r=10, t=20, b=40)
_PLOTS_PX = (330, 110, 210)  # heights of price, position and profit
_LEGEND_PX = 58  # above each plot; on a phone a legend has two lines
_TIME_AXIS_PX = 60
_HOVER_TIME = "%Y-%m-%d %H:%M:%S"
_SECOND_MS, _MINUTE_MS, _DAY_MS = 1000, 60_000, 86_400_000
# Labels of an axis of time, by the distance of its ticks: ISO dates below the first time of each day.
_TIME_LABELS = [
    dict(dtickrange=[None, _SECOND_MS], value="%H:%M:%S.%L\n%Y-%m-%d"),
    dict(dtickrange=[_SECOND_MS, _MINUTE_MS], value="%H:%M:%S\n%Y-%m-%d"),
    dict(dtickrange=[_MINUTE_MS, _DAY_MS], value="%H:%M\n%Y-%m-%d"),
    dict(dtickrange=[_DAY_MS, None], value="%m-%d\n%Y"),
]
_LEGEND_ABOVE = dict(orientation="h", x=0, y=1.02, yanchor="bottom")


def market_figure(session: MarketSession, end_ms: int) -> go.Figure:
    """Price with orders and fills, position, and PnL, of one market on one axis of time.

    :param end_ms: of the period; orders that are still open are drawn to there
    """
    plots_px = sum(_PLOTS_PX) + 2 * _LEGEND_PX
    figure = make_subplots(rows=3, shared_xaxes=True, row_heights=_PLOTS_PX, vertical_spacing=_LEGEND_PX / plots_px)
    for trace in _price_traces(session, end_ms):
        figure.add_trace(trace.update(legend="legend"), row=1, col=1)
    figure.add_trace(_line(session.curve.drawn("position"), "position held", BLUE, fill="tozeroy", legend="legend2"),
                     row=2, col=1)
    for column, name, colour, width in (("pnl", "PnL", BLUE, 2.5), ("trading", "trading", GREY, 1.5),
                                        ("fees", "fees", AMBER, 1.5), ("funding", "funding", VIOLET, 1.5)):
        figure.add_trace(_line(session.curve.drawn(column), name, colour, width, legend="legend3"), row=3, col=1)
    base, quote = escape(session.market.base), escape(session.market.quote)
    figure.update_yaxes(automargin=True, title_standoff=8)
    figure.update_yaxes(title_text=f"price, {quote}", row=1, col=1, tickformat=",")
    figure.update_yaxes(title_text=base, row=2, col=1, rangemode="tozero")
    figure.update_yaxes(title_text=f"profit, {quote}", row=3, col=1, rangemode="tozero")
    figure.update_xaxes(type="date", hoverformat=_HOVER_TIME, tickformatstops=_TIME_LABELS)
    figure.update_xaxes(title_text="time, UTC", row=3, col=1)
    figure.update_layout(height=_LEGEND_PX + plots_px + _TIME_AXIS_PX, hovermode="closest", showlegend=True,
                         margin=dict(_MARGIN, t=_LEGEND_PX, b=_TIME_AXIS_PX), **_legends(figure))
    return figure


def _legends(figure: go.Figure) -> Dict[str, Dict]:
    """One above each of the three plots, so that these are as wide as the screen."""
    tops = [axis.domain[1] for axis in (figure.layout.yaxis, figure.layout.yaxis2, figure.layout.yaxis3)]
    return {f"legend{number}": dict(orientation="h", x=0, y=top, yanchor="bottom")
            for number, top in zip(("", 2, 3), tops)}


def _price_traces(session: MarketSession, end_ms: int) -> List[go.Scatter]:
    traces = [_line(session.curve.drawn("price"), "last price known", BLUE, 1.2)]
    sides = ((True, "buy", GREEN, "triangle-up", session.buys), (False, "sell", RED, "triangle-down", session.sells))
    traces += [_lives([order for order in session.orders if order.is_buy == is_buy],
                      f"{word} order", colour, end_ms) for is_buy, word, colour, _, _ in sides]
    traces += [_fills(fills, word, colour, symbol) for _, word, colour, symbol, fills in sides]
    return [trace for trace in traces if trace.x]


def _line(drawn: Drawn, name: str, colour: str, width: float = 1.5, **more: str) -> go.Scatter:
    """A line in steps: each value holds until the next."""
    mode = "lines" if len(drawn.times_ms) > 1 else "markers"  # a line of one moment could not be seen
    return go.Scatter(x=drawn.times_ms, y=drawn.values, mode=mode, name=name,
                      line=dict(color=colour, width=width, shape="hv"), marker=dict(color=colour, size=5),
                      hovertemplate=f"{name} %{{y:,}}<extra></extra>", **more)


def _lives(orders: Sequence[Order], name: str, colour: str, end_ms: int) -> go.Scatter:
    """A segment for each order, at its price, from its creation to its end."""
    times: List[Optional[int]] = []
    prices: List[Optional[float]] = []
    words: List[Optional[str]] = []
    for order in orders:
        until_ms = end_ms if order.ended_ms is None else order.ended_ms
        times += [order.created_ms, max(until_ms, order.created_ms), None]
        prices += [float(order.price), float(order.price), None]
        words += [_order_words(order, until_ms)] * 2 + [None]
    return go.Scatter(x=times, y=prices, text=words, name=name, mode="lines", opacity=0.6,
                      line=dict(color=colour, width=1.5), hovertemplate="%{text}<extra></extra>")


def _order_words(order: Order, until_ms: int) -> str:
    lived_s = max(until_ms - order.created_ms, 0) / 1000
    return (f"order {escape(order.order_id)}: {escape(order.kind)} {plain(order.amount)} at {plain(order.price)}<br>"
            f"{order.state}, {lived_s:,.1f} s after it was placed")


def _fills(fills: Series, word: str, colour: str, symbol: str) -> go.Scatter:
    positions = extremes(fills.values("price"))
    prices, amounts, fees = (fills.at(positions, column) for column in ("price", "amount", "fee"))
    size = 9 if len(positions) < _MANY_FILLS else 5
    return go.Scatter(
        x=prices.times_ms, y=prices.values, customdata=list(zip(amounts.values, fees.values)), mode="markers",
        name=f"{word} fill", marker=dict(color=colour, symbol=symbol, size=size),
        hovertemplate=f"{word} %{{customdata[0]:,}} at %{{y:,}}<br>fee %{{customdata[1]:,}}<extra></extra>")


def states_figure(states: Mapping[str, Mapping[str, int]]) -> go.Figure:
    """Orders by the state they ended in.

    :param states: by market and state
    """
    figure = go.Figure([
        go.Bar(y=[escape(market) for market in states], x=[counts.get(state, 0) for counts in states.values()],
               name=state, orientation="h", marker_color=colour, texttemplate="%{x:,}", textposition="inside",
               textangle=0, hovertemplate=f"{state}: %{{x:,}}<extra></extra>")
        for state, colour in _STATE_COLOURS.items() if any(counts.get(state) for counts in states.values())])
    most = max(sum(counts.values()) for counts in states.values())
    figure.update_layout(barmode="stack", height=140 + 36 * len(states), margin=_MARGIN,
                         yaxis=dict(autorange="reversed", automargin=True, type="category"),
                         xaxis=dict(title="orders", dtick=_whole(most)),
                         legend=dict(**_LEGEND_ABOVE, traceorder="normal"))
    return figure


def latency_figure(latencies_ms: Mapping[str, Sequence[float]]) -> go.Figure:
    """A histogram over a logarithmic axis of time.

    :param latencies_ms: by the name of what was measured
    """
    figure = go.Figure([_histogram(name, values, colour)
                        for (name, values), colour in zip(latencies_ms.items(), (BLUE, AMBER, VIOLET, GREEN, GREY))])
    figure.update_layout(
        barmode="overlay", height=300, margin=_MARGIN, bargap=0.04, showlegend=True, legend=_LEGEND_ABOVE,
        yaxis=dict(title="orders", automargin=True, dtick=_whole(max(max(bar.y) for bar in figure.data))),
        xaxis=dict(tickvals=[log10(tick_ms) for tick_ms in _TICKS_MS], ticktext=list(_TICKS_MS.values())))
    return figure


def _whole(highest: int) -> Optional[int]:
    """The distance of ticks that number things, which plotly would halve when there are few."""
    return 1 if highest <= _FEW else None


def _histogram(name: str, values: Sequence[float], colour: str) -> go.Bar:
    counts: Dict[int, int] = {}
    for value in values:
        number = floor(log10(max(value, 1)) * _BINS_PER_DECADE)
        counts[number] = counts.get(number, 0) + 1
    numbers = sorted(counts)
    width = 1 / _BINS_PER_DECADE
    edges = [(10 ** (number * width), 10 ** ((number + 1) * width)) for number in numbers]
    return go.Bar(x=[(number + 0.5) * width for number in numbers], y=[counts[number] for number in numbers],
                  name=escape(name), marker_color=colour, opacity=0.7, width=width * 0.96,
                  text=[f"{low:,.0f} to {high:,.0f} ms" for low, high in edges], textposition="none",
                  hovertemplate="%{text}: %{y:,}<extra></extra>")


def log_figure(log: Log) -> go.Figure:
    """When the log complained, when streams were interrupted, and when the client started and stopped."""
    figure = go.Figure()
    for level in reversed(LEVELS):
        times_ms = log.times_ms[level]
        _add_moments(figure, level, [int(times_ms[position]) for position in evenly(len(times_ms), _DRAWN_LINES)],
                     _LEVEL_COLOURS[level], "line-ns-open")
    for stream in sorted({interruption.stream for interruption in log.interruptions}):
        figure.add_trace(_interruptions(log, stream))
    _add_moments(figure, "client started", log.starts_ms, GREEN, "triangle-right")
    _add_moments(figure, "client stopped", log.stops_ms, GREY, "square")
    lanes = len({trace.y[0] for trace in figure.data})
    figure.update_layout(height=90 + 34 * max(lanes, 2), margin=_MARGIN, showlegend=False,
                         yaxis=dict(type="category", automargin=True),
                         xaxis=dict(type="date", title="time, UTC", hoverformat=_HOVER_TIME,
                                    tickformatstops=_TIME_LABELS))
    return figure


def _add_moments(figure: go.Figure, lane: str, times_ms: Sequence[int], colour: str, symbol: str) -> None:
    if times_ms:
        figure.add_trace(go.Scatter(
            x=list(times_ms), y=[lane] * len(times_ms), mode="markers", name=lane,
            marker=dict(color=colour, symbol=symbol, size=12, line=dict(width=1.5, color=colour)),
            hovertemplate=f"%{{x}} {lane}<extra></extra>"))


def _interruptions(log: Log, stream: str) -> go.Scatter:
    """A thick line for each, with a mark at its beginning, because most are short."""
    times: List[Optional[int]] = []
    words: List[Optional[str]] = []
    found = [interruption for interruption in log.interruptions if interruption.stream == stream]
    for interruption in [found[position] for position in evenly(len(found), _DRAWN_LINES)]:
        end_ms = interruption.start_ms if interruption.end_ms is None else interruption.end_ms
        times += [interruption.start_ms, end_ms, None]
        words += [f"{escape(interruption.reason)}<br>{_interruption_words(interruption)}"] * 2 + [None]
    lane = f"{escape(stream)} lost"
    return go.Scatter(x=times, y=[lane] * len(times), text=words, mode="lines+markers", name=lane,
                      line=dict(color=RED, width=8), marker=dict(color=RED, symbol="x-thin-open", size=10,
                                                                 line=dict(width=2, color=RED)),
                      hovertemplate="%{x}<br>%{text}<extra></extra>")


def _interruption_words(interruption: Interruption) -> str:
    if interruption.end_ms is None:
        return "not seen to come back"
    return f"for {(interruption.end_ms - interruption.start_ms) / 1000:,.1f} s"


def marks_left_out(session: MarketSession) -> Tuple[int, int]:
    """How many fills and LIMIT orders of a market are not drawn."""
    fills = sum(len(series) - len(extremes(series.values("price"))) for series in (session.buys, session.sells))
    return fills, session.drawable_orders - len(session.orders)
