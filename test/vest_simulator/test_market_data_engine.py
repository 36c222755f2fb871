"""Prices, ladder, candles and funding: deterministic, decimal, without gaps."""
import time
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from vest_simulator import DEFAULT_SYMBOLS, SimulatorConfig
from vest_simulator.engine.candles import INTERVALS_MS, MAX_BARS, CandleSeries, bar_open_ms, next_open_ms
from vest_simulator.engine.funding import HOUR_MS, Funding
from vest_simulator.engine.history import FlatPast
from vest_simulator.engine.ladder import LEVELS, available, average_price, build_ladder
from vest_simulator.engine.market import Market
from vest_simulator.engine.prices import IndexPrice

D = Decimal
START_MS = 1_795_363_503_167
BTC, KBONK = DEFAULT_SYMBOLS[0], DEFAULT_SYMBOLS[3]
SPECS = st.sampled_from(DEFAULT_SYMBOLS)


def walk(seed, spec, ticks):
    price = IndexPrice(seed, spec)
    rows = []
    for _ in range(ticks):
        price.advance()
        rows.append((price.index, price.mark))
    return rows


@pytest.mark.parametrize("spec", DEFAULT_SYMBOLS, ids=lambda spec: spec.symbol)
def test_the_same_seed_gives_the_same_prices_and_another_seed_others(spec):
    assert walk(7, spec, 200) == walk(7, spec, 200)
    assert walk(7, spec, 200) != walk(8, spec, 200)


def test_prices_do_not_depend_on_the_clock_or_on_other_symbols():
    config = SimulatorConfig(seed=3)
    early, late = (Market(BTC, config, start_ms) for start_ms in (START_MS, START_MS + 12_345))
    for number in range(50):
        early.advance(START_MS + number * 200)
        late.advance(START_MS + 12_345 + number * 999)
    assert early.price.index == late.price.index and early.ladder == late.ladder


def test_prices_stay_plausible_for_a_long_time():
    for spec in DEFAULT_SYMBOLS:
        prices = [index for index, _ in walk(1, spec, 20_000)]
        assert spec.start_price / 2 < min(prices) and max(prices) < spec.start_price * 2
        assert len(set(prices)) > 100


def test_prices_are_decimals_with_the_symbols_decimals():
    for spec in DEFAULT_SYMBOLS:
        for index, mark in walk(1, spec, 20):
            assert type(index) is type(mark) is Decimal
            assert index.as_tuple().exponent == mark.as_tuple().exponent == -spec.price_decimals


def test_a_pinned_price_stays_and_the_walk_goes_on_underneath():
    free, pinned = IndexPrice(1, BTC), IndexPrice(1, BTC)
    pinned.pin(D("90000"))
    for price in (free, pinned):
        for _ in range(10):
            price.advance()
    assert pinned.index == pinned.mark == D("90000.00")
    pinned.release()
    assert (pinned.index, pinned.mark) == (free.index, free.mark)


@settings(max_examples=60)
@given(SPECS, st.integers(0, 1000), st.integers(0, 1000), st.sampled_from([1, 25, 100]))
def test_the_ladder_is_ordered_on_the_tick_and_never_crossed(spec, seed, tick, coarseness):
    tick_size = spec.price_step * coarseness
    ladder = build_ladder(seed, spec, tick_size, spec.start_price, tick)
    bids, asks = [price for price, _ in ladder.bids], [price for price, _ in ladder.asks]
    assert bids == sorted(set(bids), reverse=True) and asks == sorted(set(asks)) and bids[0] < asks[0]
    assert len(asks) == LEVELS and 20 <= len(bids) <= LEVELS
    for price, size in ladder.bids + ladder.asks:
        assert price > 0 and price % tick_size == 0
        assert size > 0 and size % spec.size_step == 0


def test_average_price_by_hand():
    asks = [(D("100"), D("1")), (D("101"), D("2")), (D("103"), D("5"))]
    step = D("0.01")
    assert average_price(asks, True, D("0"), D("2"), step) == D("100.50")
    assert average_price(asks, True, D("0"), D("3"), step) == D("100.67")
    assert average_price(asks, True, D("2"), D("2"), step) == D("102.00")
    assert average_price(asks, False, D("0"), D("3"), step) == D("100.66")
    assert available(asks, True, D("101")) == D("3") and available(asks, True, None) == D("8")
    with pytest.raises(ValueError):
        average_price(asks, True, D("7"), D("2"), step)


@pytest.mark.parametrize("interval", INTERVALS_MS)
def test_candles_have_no_gap_and_end_with_the_present_bar(interval):
    market = Market(BTC, SimulatorConfig(), START_MS)
    now_ms = START_MS
    for _ in range(50):
        now_ms += 700
        market.advance(now_ms)
    now_ms += 3 * max(INTERVALS_MS[interval], 60_000)
    market.observe(now_ms)
    bars = market.candles(interval).newest()
    market.observe(now_ms)
    bars = market.candles(interval).newest()
    assert len(bars) == MAX_BARS
    assert bars[-1].open_ms == bar_open_ms(interval, now_ms)
    for before, after in zip(bars, bars[1:]):
        assert after.open_ms == before.close_ms + 1 == next_open_ms(interval, before.open_ms)
    for bar in bars:
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.low > 0 and bar.volume >= 0


def test_bars_open_on_the_calendar():
    assert bar_open_ms("1M", START_MS) == 1_793_491_200_000
    week_day = time.gmtime(bar_open_ms("1w", START_MS) / 1000)
    assert (week_day.tm_wday, week_day.tm_hour) == (0, 0)


def assert_one_history(market):
    """Wherever a visible bar is covered by visible bars of a shorter interval, it is exactly those taken together."""
    bars_of = {interval: market.candles(interval).newest() for interval in INTERVALS_MS}
    compared = 0
    for parts in bars_of.values():
        opens = {part.open_ms: number for number, part in enumerate(parts)}
        closes = {part.close_ms: number + 1 for number, part in enumerate(parts)}
        for bars in bars_of.values():
            for bar in bars:
                inside = parts[opens[bar.open_ms]:closes[bar.close_ms]] if (
                    bar.open_ms in opens and bar.close_ms in closes) else []
                if len(inside) > 1:
                    compared += 1
                    assert (bar.open, bar.close) == (inside[0].open, inside[-1].close)
                    assert bar.high == max(part.high for part in inside)
                    assert bar.low == min(part.low for part in inside)
                    assert bar.volume == sum(part.volume for part in inside)
                    assert bar.quote_volume == sum(part.quote_volume for part in inside)
                    assert bar.trades == sum(part.trades for part in inside)
    return compared


def assert_trades_are_those_of_the_minutes(market, since_ms):
    minutes = [bar for bar in market.candles("1m").newest() if bar.open_ms >= since_ms]
    for bar in minutes:
        trades = [trade for trade in market.trades if bar.open_ms <= trade.time_ms <= bar.close_ms]
        assert len(trades) == bar.trades and sum(trade.size for trade in trades) == bar.volume
        assert sum(trade.size * trade.price for trade in trades) == bar.quote_volume
        assert all(bar.low <= trade.price <= bar.high for trade in trades)
    return len(minutes)


@pytest.mark.parametrize("spec", [BTC, KBONK], ids=lambda spec: spec.symbol)
def test_candles_of_all_intervals_and_trades_are_one_history_past_and_present(spec):
    market = Market(spec, SimulatorConfig(), START_MS)
    now_ms = START_MS
    for _ in range(3_000):
        now_ms += 500
        market.advance(now_ms)
    assert assert_one_history(market) > 4_000
    assert assert_trades_are_those_of_the_minutes(market, now_ms - 40 * 60_000) >= 40


def test_a_series_that_is_first_asked_for_after_a_day_has_the_whole_day():
    market = Market(BTC, SimulatorConfig(), START_MS)
    for minute in range(1, 1_441):
        market.advance(START_MS + minute * 60_000)
    assert assert_one_history(market) > 4_000


def test_candle_trades_add_volume():
    series = CandleSeries("1m", FlatPast(D("100")), START_MS, START_MS)
    assert series.newest(1)[0].volume == 0
    series.add_trade(START_MS, D("101"), D("2"))
    bar = series.newest(1)[0]
    assert (bar.open, bar.close, bar.volume, bar.trades) == (D("100"), D("101"), D("2"), 1)
    assert series.newest(0) == []


def test_a_price_at_the_moment_a_bar_opens_is_its_open():
    series = CandleSeries("1m", FlatPast(D("100")), 60_000, 60_000)
    for time_ms, price in ((119_999, "101"), (120_000, "105"), (120_000, "104"), (180_001, "103")):
        series.update(time_ms, D(price))
    bars = series.newest(3)
    assert [(bar.open, bar.high, bar.low, bar.close) for bar in bars] == [
        (D(100), D(101), D(100), D(101)), (D(105), D(105), D(104), D(104)), (D(104), D(104), D(103), D(103))]


def test_funding_accrues_with_rate_price_and_time():
    funding = Funding(1, BTC, D("1"), 0)
    funding.set_rate(0, D("0.0001"))
    funding.accrue(HOUR_MS // 2, D("50000"))
    assert funding.cumulative == D("2.5")
    funding.accrue(HOUR_MS // 2, D("50000"))
    assert funding.cumulative == D("2.5")
    funding.set_rate(HOUR_MS // 2, D("-0.0001"))
    funding.accrue(HOUR_MS, D("50000"))
    assert funding.cumulative == 0


def test_funding_over_several_hours_takes_each_hours_rate():
    funding = Funding(1, BTC, D("1"), 0)
    funding.accrue(3 * HOUR_MS, D("1000"))
    expected = sum(funding.rate_at(hour * HOUR_MS) * 1000 for hour in range(3))
    assert funding.cumulative == expected != 0


def test_the_multiplier_accelerates_funding():
    slow, fast = Funding(1, BTC, D("1"), 0), Funding(1, BTC, D("1000"), 0)
    assert fast.rate_at(5 * HOUR_MS) == 1000 * slow.rate_at(5 * HOUR_MS)


def test_funding_history_has_the_newest_rows_oldest_first():
    funding = Funding(1, BTC, D("1"), 0)
    rows = funding.history(HOUR_MS, 0, 10 * HOUR_MS + 5, 3)
    assert [row_ms // HOUR_MS for row_ms, _ in rows] == [8, 9, 10]
    assert len(funding.history(HOUR_MS, 9 * HOUR_MS + 1, 10 * HOUR_MS, 1000)) == 1
