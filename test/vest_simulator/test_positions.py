"""Position arithmetic: hand-computed numbers, and properties over random histories."""
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from vest_simulator.engine.positions import Position

D = Decimal
SIZES = st.integers(-500, 500).filter(bool).map(lambda number: D(number).scaleb(-3))
PRICES = st.integers(1, 10_000_000).map(lambda number: D(number).scaleb(-2))
TRADES = st.lists(st.tuples(SIZES, PRICES), min_size=1, max_size=40)
QUANTUM = D("0.000001")


@pytest.mark.parametrize("trades, size, entry, realized", [
    ([("2", "100")], "2", "100", "0"),
    ([("2", "100"), ("2", "200")], "4", "150", "0"),
    ([("2", "100"), ("-1", "110")], "1", "100", "10"),
    ([("2", "100"), ("-2", "90")], "0", "0", "-20"),
    ([("2", "100"), ("-5", "110")], "-3", "110", "20"),
    ([("-2", "100"), ("1", "90")], "-1", "100", "10"),
    ([("-2", "100"), ("-1", "130")], "-3", "110", "0"),
    ([("-2", "100"), ("3", "120")], "1", "120", "-40"),
], ids=["open", "increase", "reduce", "close at a loss", "flip to short", "reduce short", "increase short",
        "flip to long"])
def test_hand_computed(trades, size, entry, realized):
    position = Position("BTC-PERP")
    total = sum(position.trade(D(trade_size), D(price)) for trade_size, price in trades)
    assert (position.size, position.entry_price, total) == (D(size), D(entry), D(realized))


def test_funding_is_paid_by_longs_and_received_by_shorts():
    long, short = Position("A", D("2"), D("200")), Position("A", D("-2"), D("-200"))
    assert long.settle_funding(D("1.5"), QUANTUM) == D("-3")
    assert short.settle_funding(D("1.5"), QUANTUM) == D("3")
    assert long.settle_funding(D("1.5"), QUANTUM) == 0
    assert long.settle_funding(D("1.0"), QUANTUM) == D("1")
    assert (long.settled_funding, short.settled_funding) == (D("-2"), D("3"))


def test_settled_funding_starts_anew_with_a_new_position():
    position = Position("A", D("1"), D("100"))
    position.settle_funding(D("2"), QUANTUM)
    position.trade(D("-3"), D("100"))
    assert position.settled_funding == 0


@given(TRADES)
def test_size_is_the_sum_of_all_trades_and_cash_is_conserved(trades):
    position, realized = Position("A"), D(0)
    for size, price in trades:
        realized += position.trade(size, price)
    assert position.size == sum(size for size, _ in trades)
    assert realized - position.cost == -sum(size * price for size, price in trades)


@given(TRADES, PRICES)
def test_closing_realizes_everything(trades, price):
    position, realized, flow = Position("A"), D(0), D(0)
    for size, trade_price in trades:
        realized += position.trade(size, trade_price)
        flow -= size * trade_price
    unrealized = position.price_pnl(price)
    if position.size:
        flow += position.size * price
        assert position.trade(-position.size, price) == unrealized
        realized += unrealized
    assert (position.size, position.cost, realized) == (0, 0, flow)


@given(TRADES)
def test_the_entry_price_stays_within_the_prices_paid(trades):
    position = Position("A")
    for size, price in trades:
        position.trade(size, price)
    if position.size:
        paid = [price for size, price in trades if (size > 0) == position.is_long]
        assert min(paid) - QUANTUM <= position.entry_price <= max(paid) + QUANTUM
        assert (position.cost > 0) == position.is_long


@given(SIZES, SIZES)
def test_increases(held, traded):
    assert Position("A", held, held).increases(traded) == (abs(held + traded) > abs(held))
