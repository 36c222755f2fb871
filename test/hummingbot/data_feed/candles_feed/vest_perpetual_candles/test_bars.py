"""Bars: what the venue's rows become, gaps, months. The venue's part is played by plain numbers here."""
import math
from datetime import datetime, timezone

import pytest
from hypothesis import given, strategies as st

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError
from hummingbot.data_feed.candles_feed.candles_base import CandlesBase
from hummingbot.data_feed.candles_feed.vest_perpetual_candles.bars import bar_from, merged, next_open_s
from hummingbot.data_feed.candles_feed.vest_perpetual_candles.klines import Kline, kline_rows

EVERY_INTERVAL = pytest.mark.parametrize("interval", CONSTANTS.KLINE_INTERVALS)
START_S = datetime(2025, 12, 1, tzinfo=timezone.utc).timestamp()  # a Monday and the first of a month


def row(open_s, price="100", volume="2", trades=3):
    """As the venue sends it."""
    return [int(open_s * 1000), price, "101", "99", price, int(open_s * 1000) + 59_999, volume, "200", trades]


def bar(open_s, price="100", **values):
    return bar_from(Kline.from_payload(row(open_s, price, **values)))


def opens(interval, count, start_s=START_S):
    """When so many bars in a row open."""
    times = [start_s]
    while len(times) < count:
        times.append(next_open_s(interval, times[-1]))
    return times


def test_a24_a_row_of_the_venue_is_a_row_of_the_feed():
    values = dict(zip(CandlesBase.columns, bar(1_700_000_040, price="100.25")))

    assert values == {
        "timestamp": 1_700_000_040.0, "open": 100.25, "high": 101.0, "low": 99.0, "close": 100.25, "volume": 2.0,
        "quote_asset_volume": 200.0, "n_trades": 3.0, "taker_buy_base_volume": 0.0, "taker_buy_quote_volume": 0.0,
    }


def test_a24_a_bar_without_trades_may_leave_its_volume_out():
    kline = Kline.from_payload([60_000, "1", "1", "1", "1", 119_999, None, ""])

    assert (kline.volume, kline.quote_volume, kline.trades) == (0, 0, 0)


@pytest.mark.parametrize("payload", [
    None, {}, "row", [], [60_000], [60_000, "1", "1", "1"], [60_000, "0", "1", "1", "1"], [60_000, "1", "1", "-1", "1"],
    [60_000, "NaN", "1", "1", "1"], [60_000, "1", "Infinity", "1", "1"], ["soon", "1", "1", "1", "1"],
    [60_000, "1", "1", None, "1"], [60_000, "1", "1", "1", "1", 119_999, "much"],
], ids=str)
def test_a24_what_is_no_candle_is_refused_with_one_error(payload):
    with pytest.raises(VestPayloadError, match="kline"):
        Kline.from_payload(payload)


def test_a24_a_message_holds_one_row_or_several():
    assert kline_rows(row(60)) == [row(60)]
    assert kline_rows([row(60), row(120)]) == [row(60), row(120)]
    assert kline_rows([]) == kline_rows(None) == []
    with pytest.raises(VestPayloadError):
        kline_rows({"o": "1"})


def test_a24_months_have_the_lengths_of_the_calendar():
    days = [(after - before) / 86_400 for before, after in zip(opens("1M", 13), opens("1M", 13)[1:])]

    assert days == [31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30]
    assert next_open_s("1M", datetime(2024, 2, 1, tzinfo=timezone.utc).timestamp()) \
        == datetime(2024, 3, 1, tzinfo=timezone.utc).timestamp()


@EVERY_INTERVAL
def test_a24_gaps_become_flat_bars_without_volume_at_the_previous_close(interval):
    times = opens(interval, 20)
    traded = [times[index] for index in (0, 1, 5, 6, 19)]

    bars = merged([], [bar(open_s, price=str(100 + index)) for index, open_s in enumerate(traded)], interval)

    assert [row[0] for row in bars] == times
    assert bars[2][1:] == bars[4][1:] == [101.0] * 4 + [0.0] * 5
    assert bars[18][1:] == [103.0] * 4 + [0.0] * 5
    assert bars[5][5] == 2.0


def test_a24_a_bar_that_opens_off_the_grid_gets_no_flat_bar_of_less_than_an_interval():
    bars = merged([], [bar(60), bar(121), bar(190)], "1m")

    assert [row[0] for row in bars] == [60, 121, 190]


def test_a24_a_market_that_was_closed_over_the_weekend_has_no_gap():
    monday_s = START_S + 65.5 * 3600

    bars = merged([], [bar(START_S), bar(monday_s)], "1m")

    assert [row[0] for row in bars] == opens("1m", 65 * 60 + 31)


def test_a24_what_lies_before_a_gap_that_cannot_be_one_is_left_out():
    assert merged([], [bar(60), bar(START_S)], "1m") == [bar(START_S)]


def test_a24_a_bar_of_the_year_1970_costs_nothing():
    times = opens("1m", 3)

    assert merged([bar(open_s) for open_s in times], [bar(60)], "1m") == [bar(open_s) for open_s in times]


def test_a24_the_open_bar_is_replaced_by_its_later_states_and_not_by_earlier_ones():
    known = [bar(60), bar(120, price="100", trades=5)]

    assert merged(known, [bar(120, price="100.5", trades=6)], "1m")[-1][4] == 100.5
    assert merged(known, [bar(120, price="100.5", trades=5)], "1m")[-1][4] == 100.5
    assert merged(known, [bar(120, price="99.5", trades=4)], "1m")[-1][4] == 100


def test_a24_a_flat_bar_gives_way_to_a_real_one():
    known = merged([], [bar(60), bar(240)], "1m")

    assert merged(known, [bar(120, price="100.5")], "1m")[1] == bar(120, price="100.5")


@given(interval=st.sampled_from(CONSTANTS.KLINE_INTERVALS), chosen=st.sets(st.integers(0, 60), min_size=1),
       random=st.randoms())
def test_a24_whatever_is_missing_and_in_whatever_sequence_there_is_no_gap_and_no_nan(interval, chosen, random):
    times = opens(interval, 61)
    news = [bar(times[index], price=str(90 + index)) for index in chosen]
    random.shuffle(news)

    bars = merged([], news, interval)

    assert [row[0] for row in bars] == times[min(chosen):max(chosen) + 1]
    assert all(math.isfinite(value) for row in bars for value in row)
    assert merged(bars, news, interval) == bars
