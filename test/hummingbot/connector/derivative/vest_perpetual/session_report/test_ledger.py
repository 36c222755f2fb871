"""The books: what a market's fills and payments add up to."""
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.session_report.session_testing import START_MS

import pytest
from hypothesis import given, strategies as st

from hummingbot.connector.derivative.vest_perpetual.session_report.ledger import Ledger
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import Fill, Payment

ODDS = Decimal("1e-15")  # of an average that is a repeating decimal


def ledger_of(*fills, position=Decimal(0), mark=Decimal(0)):
    ledger = Ledger(position, mark)
    for amount, price in fills:
        ledger.add_fill(Fill(START_MS, amount > 0, abs(Decimal(amount)), Decimal(price), Decimal("0.1")))
    return ledger


@pytest.mark.parametrize("fills, realised, unrealised", [
    ([(2, 100)], 0, 0),
    ([(2, 100), (1, 130)], 0, 60),  # average 110
    ([(2, 100), (1, 130), (-1, 120)], 10, 20),
    ([(2, 100), (-2, 90)], -20, 0),
    ([(2, 100), (-3, 110)], 20, 0),  # turned: the short is opened at 110
    ([(2, 100), (-3, 110), (1, 105)], 25, 0),
    ([(-1, 100), (-1, 90)], 0, 10),
])
def test_realised_and_unrealised(fills, realised, unrealised):
    ledger = ledger_of(*fills)
    assert (ledger.realised, ledger.unrealised) == (realised, unrealised)
    assert ledger.fees == Decimal("0.1") * len(fills)


def test_fees_and_funding_are_apart_and_in_the_pnl():
    ledger = ledger_of((2, 100), (-2, 110))
    ledger.add_payment(Payment(START_MS, Decimal("-0.5")))
    ledger.add_payment(Payment(START_MS, Decimal("0.2")))
    assert (ledger.trading, ledger.fees, ledger.funding) == (20, Decimal("0.2"), Decimal("-0.3"))
    assert ledger.pnl == Decimal("19.5")


def test_a_position_from_before_counts_as_bought_at_the_first_mark():
    ledger = ledger_of((-1, 105), position=Decimal(3), mark=Decimal(100))
    assert (ledger.position, ledger.realised, ledger.unrealised, ledger.trading) == (2, 5, 10, 15)


numbers = st.integers(1, 10 ** 9).map(lambda number: Decimal(number).scaleb(-6))


@given(st.lists(st.tuples(st.booleans(), numbers, numbers)), numbers)
def test_trading_is_cash_flow_and_position_whatever_happens(fills, mark):
    ledger = ledger_of(*(((amount if is_buy else -amount), price) for is_buy, amount, price in fills))
    ledger.mark = mark
    signed = [(amount if is_buy else -amount, price) for is_buy, amount, price in fills]
    position = sum(amount for amount, _ in signed)
    assert ledger.position == position
    assert ledger.trading == position * mark - sum(amount * price for amount, price in signed)
    assert abs(ledger.realised + ledger.unrealised - ledger.trading) <= ODDS
    assert ledger.quote_volume == sum(abs(amount) * price for amount, price in signed)
    if position == 0:
        assert ledger.unrealised == 0


@given(st.lists(st.tuples(numbers, numbers), min_size=1))
def test_nothing_is_realised_while_a_position_only_grows(fills):
    assert abs(ledger_of(*fills).realised) <= ODDS
