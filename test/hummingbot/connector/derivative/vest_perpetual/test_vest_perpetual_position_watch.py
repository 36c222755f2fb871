"""Fills that nobody told of are noticed by the position they leave behind (C16), and nothing else is taken for one."""
from decimal import Decimal

import pytest

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_position_watch import PositionWatch, UnheardFill

LAG_S = 10.0
BTC = "BTC-PERP"


class Account:
    """A watch with a clock that is set by hand and a position that is told by hand."""

    def __init__(self):
        self.now_s = 1000.0
        self.watch = PositionWatch(LAG_S, lambda: self.now_s)
        self.position = Decimal(0)
        self.open_sides = set()
        self.read()

    def read(self):
        return self.watch.compare({BTC: self.position} if self.position else {}, self.open_sides)

    def read_until_settled(self):
        """Reads as often as it takes for a difference to outlast the account's lag."""
        told = self.read()
        for _ in range(3):
            self.now_s += LAG_S * 0.7
            told += self.read()
        return told


@pytest.fixture
def account():
    return Account()


def test_fills_that_were_booked_are_explained(account):
    account.watch.note_fill(BTC, Decimal("0.3"))
    account.watch.note_fill(BTC, Decimal("-0.1"))
    account.position = Decimal("0.2")
    assert account.read_until_settled() == []


@pytest.mark.parametrize("is_buy, change", [(True, "0.2"), (False, "-0.2")])
def test_c16_a_part_filled_unheard_before_a_cancel_is_told_once_with_its_order(account, is_buy, change):
    account.watch.note_cancelled(BTC, is_buy, "1")
    account.position = Decimal(change)
    assert account.read_until_settled() == [UnheardFill(BTC, Decimal(change), ("1",))]
    assert account.read_until_settled() == []


def test_a_cancelled_order_of_the_other_side_is_not_suspected(account):
    account.watch.note_cancelled(BTC, False, "1")
    account.position = Decimal("0.2")
    assert account.read_until_settled() == []


def test_all_cancelled_orders_of_the_side_are_suspected(account):
    account.watch.note_cancelled(BTC, True, "1")
    account.watch.note_cancelled(BTC, True, "2")
    account.position = Decimal("0.2")
    assert account.read_until_settled() == [UnheardFill(BTC, Decimal("0.2"), ("1", "2"))]


def test_an_account_that_lags_a_fill_is_no_difference(account):
    account.watch.note_cancelled(BTC, False, "1")
    account.watch.note_fill(BTC, Decimal("0.2"))
    assert account.read() == []
    account.now_s += LAG_S * 0.9
    assert account.read() == []
    account.position = Decimal("0.2")
    assert account.read_until_settled() == []


def test_an_open_order_may_still_tell_and_is_waited_for(account):
    account.watch.note_cancelled(BTC, True, "1")
    account.open_sides = {(BTC, True)}
    account.position = Decimal("0.2")
    assert account.read_until_settled() == []
    account.open_sides = set()
    assert account.read_until_settled() == [UnheardFill(BTC, Decimal("0.2"), ("1",))]


def test_somebody_elses_trade_is_taken_as_it_is(account):
    account.watch.note_cancelled(BTC, True, "1")
    account.watch.note_foreign_fill(BTC)
    account.position = Decimal("0.2")
    assert account.read_until_settled() == []
    account.watch.note_cancelled(BTC, True, "2")
    account.position = Decimal("0.5")
    assert account.read_until_settled() == [UnheardFill(BTC, Decimal("0.3"), ("2",))]


def test_an_order_cancelled_long_before_is_not_suspected(account):
    account.watch.note_cancelled(BTC, True, "1")
    assert account.read_until_settled() == []
    account.position = Decimal("0.2")
    assert account.read_until_settled() == []


def test_the_position_of_the_first_look_needs_no_explanation():
    account = Account.__new__(Account)
    account.now_s, account.position, account.open_sides = 0.0, Decimal(5), set()
    account.watch = PositionWatch(LAG_S, lambda: account.now_s)
    account.watch.note_cancelled(BTC, True, "1")
    assert account.read_until_settled() == []
