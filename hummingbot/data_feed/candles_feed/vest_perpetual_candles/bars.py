"""Bars as Hummingbot's feeds hold them: lists of ten floats in the sequence of `CandlesBase.columns`, oldest first."""
from datetime import datetime, timedelta, timezone
from typing import Iterable, List, Sequence

from hummingbot.data_feed.candles_feed.candles_base import CandlesBase
from hummingbot.data_feed.candles_feed.vest_perpetual_candles.klines import Kline

Bar = Sequence[float]

_OPEN_TIME_S = CandlesBase.columns.index("timestamp")
_CLOSE = CandlesBase.columns.index("close")
_TRADES = CandlesBase.columns.index("n_trades")
_MONTH = "1M"
_LONGEST_GAP_BARS = 20_000  # two weeks of minutes: no market is closed for longer


def bar_from(kline: Kline) -> Bar:
    """The bar of one row of the venue, which does not tell the takers' part of the volume."""
    return [
        kline.open_ms / 1000, float(kline.open), float(kline.high), float(kline.low), float(kline.close),
        float(kline.volume), float(kline.quote_volume), float(kline.trades), 0.0, 0.0,
    ]


def next_open_s(interval: str, open_s: float) -> float:
    """When the bar after the one that opens at `open_s` opens, in seconds since the epoch; months follow the calendar.

    :param interval: one of the venue's intervals
    """
    if interval != _MONTH:
        return open_s + CandlesBase.interval_to_seconds[interval]
    first_day = datetime.fromtimestamp(open_s, timezone.utc).replace(day=1)
    return (first_day + timedelta(days=32)).replace(day=1).timestamp()


def merged(bars: Iterable[Bar], news: Iterable[Bar], interval: str) -> List[Bar]:
    """What is known of both, without gaps. Of two states of a bar the one with more trades is the later one.

    :param bars: known so far
    :param news: heard later, in any sequence
    """
    by_open = {bar[_OPEN_TIME_S]: bar for bar in bars}
    for bar in news:
        known = by_open.get(bar[_OPEN_TIME_S], bar)
        if bar[_TRADES] >= known[_TRADES]:
            by_open[bar[_OPEN_TIME_S]] = bar
    return _without_gaps([by_open[open_s] for open_s in sorted(by_open)], interval)


def _without_gaps(bars: Iterable[Bar], interval: str) -> List[Bar]:
    """While nothing was traded (a halt, a closed market) there may be no bars: they become flat ones without volume.

    What lies before a gap that cannot be one is left out.
    """
    longest_gap_s = _LONGEST_GAP_BARS * CandlesBase.interval_to_seconds[interval]
    filled: List[Bar] = []
    for bar in bars:
        if filled and bar[_OPEN_TIME_S] - filled[-1][_OPEN_TIME_S] > longest_gap_s:
            filled.clear()
        if filled:
            filled += _flat_bars(filled[-1], bar[_OPEN_TIME_S], interval)
        filled.append(bar)
    return filled


def _flat_bars(before: Bar, until_s: float, interval: str) -> List[Bar]:
    """The bars that fit between a bar and the opening of a later one."""
    flat = []
    price = before[_CLOSE]
    open_s = next_open_s(interval, before[_OPEN_TIME_S])
    while (close_s := next_open_s(interval, open_s)) <= until_s:
        flat.append([open_s, price, price, price, price, 0.0, 0.0, 0.0, 0.0, 0.0])
        open_s = close_s
    return flat
