"""Fills that nobody told of are noticed by the position they leave behind (C16), and nothing else is taken for one."""
from decimal import Decimal

import pytest

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_position_watch import (
    Candidate,
    Holding,
    MissedFill,
    PositionWatch,
)

LAG_S = 10.0
BTC = "BTC-PERP"
OTHERS_MAY_HAVE_MADE_IT = (Decimal("0.2"), ())


class Account:
    """A watch with a clock that is set by hand and a position that is told by hand."""

    def __init__(self, position="0"):
        self.now_s = 1000.0
        self.watch = PositionWatch(LAG_S, lambda: self.now_s)
        self.position = Decimal(position)
        self.entry_price = Decimal("100")
        self.open_orders = []
        self.read()

    def read(self):
        held = {BTC: Holding(self.position, self.entry_price)} if self.position else {}
        return self.watch.compare(held, {BTC: self.open_orders})

    def read_until_settled(self):
        """Reads as often as it takes for a difference to outlast the account's lag."""
        told = self.read()
        for _ in range(3):
            self.now_s += LAG_S * 0.7
            told += self.read()
        return told

    def cancelled(self, order_id, is_buy=True):
        self.watch.note_cancelled(BTC, Candidate(order_id, is_buy))


@pytest.fixture
def account():
    return Account()


def told(missed):
    return [(fill.amount, fill.client_order_ids) for fill in missed]


def show(account, size):
    account.watch.note_shown({BTC: Holding(Decimal(size), Decimal("100"))})


def test_a14_a_fill_is_unshown_until_the_account_shows_it(account):
    show(account, "0")
    account.watch.note_fill(BTC, Decimal("0.3"))
    assert account.watch.unshown(BTC) == Decimal("0.3") and account.watch.is_account_behind
    show(account, "0.1")
    assert account.watch.unshown(BTC) == Decimal("0.2") and account.watch.is_account_behind
    show(account, "0.3")
    assert account.watch.unshown(BTC) == 0 and not account.watch.is_account_behind


def test_a14_a_fill_that_the_account_showed_before_it_was_heard_of_counts_once(account):
    show(account, "0")
    show(account, "0.3")
    account.watch.note_fill(BTC, Decimal("0.3"))
    assert account.watch.unshown(BTC) == 0 and not account.watch.is_account_behind


def test_a14_what_the_account_does_not_show_within_its_lag_is_not_waited_for(account):
    show(account, "0")
    account.watch.note_fill(BTC, Decimal("0.3"))
    account.now_s += LAG_S + 1
    assert account.watch.unshown(BTC) == 0 and not account.watch.is_account_behind
    account.watch.note_fill(BTC, Decimal("-0.1"))
    assert account.watch.unshown(BTC) == Decimal("-0.1")


def test_a14_the_position_at_the_first_reading_is_no_news():
    account = Account(position="5")
    show(account, "5")
    assert account.watch.unshown(BTC) == 0 and not account.watch.is_account_behind


def test_fills_that_were_booked_are_explained(account):
    account.watch.note_fill(BTC, Decimal("0.3"))
    account.watch.note_fill(BTC, Decimal("-0.1"))
    account.position = Decimal("0.2")
    assert account.read_until_settled() == []
    assert account.watch.gap(BTC) == 0


@pytest.mark.parametrize("is_buy, change", [(True, "0.2"), (False, "-0.2")])
def test_c16_a_part_filled_unheard_before_a_cancel_is_told_once_with_its_order(account, is_buy, change):
    account.cancelled("1", is_buy)
    account.position = Decimal(change)
    assert told(account.read_until_settled()) == [(Decimal(change), ("1",))]
    assert account.read_until_settled() == []


def test_a_cancelled_order_of_the_other_side_is_not_suspected(account):
    account.cancelled("1", is_buy=False)
    account.position = Decimal("0.2")
    assert account.read_until_settled() == []


def test_all_cancelled_orders_of_the_side_are_suspected(account):
    account.cancelled("1")
    account.cancelled("2")
    account.position = Decimal("0.2")
    assert told(account.read_until_settled()) == [(Decimal("0.2"), ("1", "2"))]


def test_an_order_that_came_after_the_difference_is_not_suspected(account):
    account.cancelled("1")
    account.position = Decimal("0.2")
    account.read()
    account.open_orders = [Candidate("2", True)]
    account.read()
    account.open_orders = []
    account.cancelled("2")
    assert told(account.read_until_settled()) == [(Decimal("0.2"), ("1",))]


def test_an_account_that_lags_a_fill_is_no_difference(account):
    account.cancelled("1", is_buy=False)
    account.watch.note_fill(BTC, Decimal("0.2"))
    assert account.read() == []
    account.now_s += LAG_S * 0.9
    assert account.read() == []
    account.position = Decimal("0.2")
    assert account.read_until_settled() == []


def test_an_open_order_may_still_tell_and_is_waited_for(account):
    account.cancelled("1")
    account.open_orders = [Candidate("2", True)]
    account.position = Decimal("0.2")
    assert told(account.read_until_settled()) == [OTHERS_MAY_HAVE_MADE_IT]
    account.open_orders = []
    assert told(account.read_until_settled()) == [(Decimal("0.2"), ("1",))]


def test_whether_others_made_it_is_asked_once_for_each_difference(account):
    account.open_orders = [Candidate("1", True)]
    account.position = Decimal("0.2")
    assert told(account.read_until_settled()) == [OTHERS_MAY_HAVE_MADE_IT]
    assert account.read_until_settled() == []
    account.position = Decimal("0.5")
    assert told(account.read_until_settled()) == [(Decimal("0.5"), ())]


def test_a_difference_that_others_made_is_none_any_more(account):
    account.cancelled("1")
    account.open_orders = [Candidate("2", True)]
    account.position = Decimal("0.2")
    missed, = account.read_until_settled()
    account.watch.note_explained(missed)
    assert account.watch.gap(BTC) == 0
    account.open_orders = []
    account.cancelled("2")
    assert account.read_until_settled() == []
    account.cancelled("3")
    account.position = Decimal("0.3")
    assert told(account.read_until_settled()) == [(Decimal("0.1"), ("3",))]


def test_what_was_told_before_a_late_fill_was_counted_is_compared_anew(account):
    account.cancelled("1")
    account.position = Decimal("0.2")
    missed, = account.read_until_settled()
    assert not account.watch.is_outdated(missed)
    account.now_s += 0.1
    account.watch.note_fill(BTC, Decimal("0.2"))
    assert account.watch.is_outdated(missed)
    account.watch.put_back(missed)
    assert account.read_until_settled() == []


def test_what_a_late_fill_explains_only_in_part_is_told_again_with_the_rest(account):
    account.cancelled("1")
    account.cancelled("2", is_buy=False)
    account.position = Decimal("0.2")
    first, = account.read_until_settled()
    account.now_s += 0.1
    account.watch.note_fill(BTC, Decimal("0.05"))
    account.watch.put_back(first)
    assert account.watch.gap(BTC) == Decimal("0.2")
    second, = account.read_until_settled()
    assert (second.amount, second.client_order_ids) == (Decimal("0.15"), ("1",))
    assert (second.before, second.since_s, second.others) == (first.before, first.since_s, first.others)
    assert account.read_until_settled() == []


def test_c16_a_fill_that_outdated_a_difference_but_was_another_one_clears_nobody(account):
    account.cancelled("1")
    account.position = Decimal("0.2")
    missed, = account.read_until_settled()
    account.read()  # while the venue is asked
    account.now_s += 0.1
    account.watch.note_fill(BTC, Decimal("-0.1"))
    account.position = Decimal("0.1")
    account.watch.put_back(missed)
    assert told(account.read_until_settled()) == [(Decimal("0.2"), ("1",))]


def test_a_question_that_a_late_fill_outdated_is_asked_again(account):
    account.open_orders = [Candidate("1", True)]
    account.position = Decimal("0.2")
    question, = account.read_until_settled()
    account.now_s += 0.1
    account.watch.note_fill(BTC, Decimal("-0.1"))
    account.watch.note_fill(BTC, Decimal("0.1"))
    account.watch.put_back(question)
    assert told(account.read_until_settled()) == [OTHERS_MAY_HAVE_MADE_IT]


def test_an_open_order_is_not_waited_for_without_end(account):
    account.cancelled("1")
    account.open_orders = [Candidate("2", True)]
    account.position = Decimal("0.2")
    account.read()
    account.now_s += LAG_S * (PositionWatch.PATIENCE_LAGS + 1)
    assert told(account.read()) == [(Decimal("0.2"), ("1", "2"))]
    assert account.read_until_settled() == []
    # What it fills later is no difference of the other side.
    account.cancelled("3", is_buy=False)
    account.open_orders = []
    account.watch.note_fill(BTC, Decimal("0.2"))
    assert account.read_until_settled() == []


def test_an_order_cancelled_long_before_is_not_suspected(account):
    account.cancelled("1")
    assert account.read_until_settled() == []
    account.position = Decimal("0.2")
    assert account.read_until_settled() == []


def test_a25_a_market_that_fills_all_the_time_is_known_and_remembers_no_old_orders():
    account = Account("5")
    for number in range(1000):
        account.cancelled(str(number))
        account.now_s += LAG_S / 2
        account.watch.note_fill(BTC, Decimal("0.1"))
        account.position += Decimal("0.1")
        assert account.read() == []
    assert account.watch.gap(BTC) == 0
    account.position += Decimal("0.3")
    fill, = account.read_until_settled()
    assert len(fill.client_order_ids) <= 2 * PositionWatch.MEMORY_LAGS + 1


def test_the_position_of_the_first_look_needs_no_explanation():
    account = Account("5")
    account.cancelled("1")
    assert account.watch.gap(BTC) is None
    assert account.read_until_settled() == []
    assert account.watch.gap(BTC) == 0


def test_a_first_look_that_was_ahead_of_what_was_heard_blames_nobody():
    account = Account("5")
    account.watch.note_fill(BTC, Decimal(5))  # the first look held it already
    account.cancelled("1", is_buy=False)
    assert account.read_until_settled() == []
    assert account.read_until_settled() == []
    assert account.watch.gap(BTC) == 0


def test_c16_orders_of_the_other_side_may_have_filled_too(account):
    account.cancelled("1")
    account.cancelled("2", is_buy=False)
    account.open_orders = [Candidate("3", False)]
    account.position = Decimal("0.2")
    fill, = account.read_until_settled()
    assert (fill.client_order_ids, set(fill.others)) == (("1",), {"2", "3"})


@pytest.fixture
def quiet(account):
    """Nothing was filled for longer than the account or the events may lag."""
    account.now_s += LAG_S * 2
    account.read()
    return account


def there_and_back(account):
    account.cancelled("1")
    account.cancelled("2", is_buy=False)
    account.position += Decimal("0.2")
    account.read()
    account.now_s += 1
    account.position -= Decimal("0.2")
    return account.read_until_settled()


def test_c16_a_position_that_went_and_came_back_unheard_is_told_once_with_the_orders_of_both_sides(quiet):
    fill, = there_and_back(quiet)
    assert (fill.amount, set(fill.client_order_ids), fill.is_undone) == (Decimal("0.2"), {"1", "2"}, True)
    assert quiet.read_until_settled() == []


def test_c16_a_position_that_went_and_came_back_while_an_order_is_still_open_names_it(quiet):
    quiet.open_orders = [Candidate("3", True)]
    fill, = there_and_back(quiet)
    assert set(fill.client_order_ids) == {"1", "2", "3"}


def test_c16_a_position_that_went_and_came_back_without_orders_of_both_sides_was_moved_by_others(quiet):
    quiet.cancelled("1")
    quiet.position += Decimal("0.2")
    quiet.read()
    quiet.position -= Decimal("0.2")
    assert quiet.read_until_settled() == []


def test_c16_fills_that_are_heard_of_late_explain_a_position_that_went_and_came_back(quiet):
    quiet.cancelled("1")
    quiet.cancelled("2", is_buy=False)
    quiet.position += Decimal("0.2")
    quiet.read()
    quiet.position -= Decimal("0.2")
    quiet.read()
    quiet.watch.note_fill(BTC, Decimal("0.2"))
    quiet.read()
    quiet.watch.note_fill(BTC, Decimal("-0.2"))
    assert quiet.read_until_settled() == []


def test_c16_an_account_that_shows_an_older_position_once_more_is_no_sign(quiet):
    quiet.watch.note_fill(BTC, Decimal("0.2"))
    quiet.position += Decimal("0.2")
    quiet.read()
    quiet.cancelled("1")
    quiet.cancelled("2", is_buy=False)
    quiet.position -= Decimal("0.2")
    quiet.read()
    quiet.position += Decimal("0.2")
    assert quiet.read_until_settled() == []


TICK = Decimal("0.1")
PRICES = {
    # before: size and entry price; change; after: size and entry price; the price that shows
    "opened": ("0", "0", "0.2", "0.2", "101.5", "101.5"),
    "opened short": ("0", "0", "-0.2", "-0.2", "101.5", "101.5"),
    "increased": ("0.2", "100.00", "0.2", "0.4", "101.00", "102"),
    "increased short": ("-0.2", "100.00", "-0.2", "-0.4", "101.00", "102"),
    "flipped": ("-0.1", "100.00", "0.3", "0.2", "102.00", "102"),
    "reduced": ("0.4", "100.00", "-0.2", "0.2", "100.00", None),
    "closed": ("0.4", "100.00", "-0.4", "0", "0", None),
    "increased, but entry prices are rounded": ("20", "100.0", "0.2", "20.2", "100.0", None),
    "not the only change": ("0.2", "100.00", "0.2", "0.5", "101.00", None),
}


@pytest.mark.parametrize("case", PRICES)
def test_the_price_that_entry_prices_tell(case):
    *changes, expected = PRICES[case]
    assert change_of(*changes).price(TICK) == (None if expected is None else Decimal(expected))


def change_of(size_before, entry_before, change, size_after, entry_after, is_alone=True):
    return MissedFill(
        BTC, Decimal(change), ("1",), before=Holding(Decimal(size_before), Decimal(entry_before)),
        after=Holding(Decimal(size_after), Decimal(entry_after)), since_s=0.0, until_s=0.0, is_last_word=True,
        is_alone=is_alone,
    )


BEYOND = {
    # as above, and the limits between which the change is as good as the entry prices tell, and beyond which it is not
    "opened": ("0", "0", "0.2", "0.2", "101.500", "101.399", "101.398"),
    "opened short": ("0", "0", "-0.2", "-0.2", "101.500", "101.601", "101.602"),
    "increased": ("0.2", "100.00", "0.2", "0.4", "101.00", "101.87", "101.86"),
    "increased short": ("-0.2", "100.00", "-0.2", "-0.4", "101.00", "102.13", "102.14"),
    "flipped": ("-0.1", "100.00", "0.3", "0.2", "102.00", "101.89", "101.88"),
    "increased, but entry prices are rounded": ("20", "100.0", "0.2", "20.2", "100.0", "79.8", "79.7"),
}


@pytest.mark.parametrize("case", BEYOND)
def test_c16_a_price_that_no_rounding_brings_within_the_limit_is_proof(case):
    *changes, within, beyond = BEYOND[case]
    assert not change_of(*changes).is_beyond(Decimal(within), TICK)
    assert change_of(*changes).is_beyond(Decimal(beyond), TICK)
    assert not change_of(*changes, is_alone=False).is_beyond(Decimal(beyond), TICK)
    assert not change_of(*changes).is_beyond(Decimal("NaN"), TICK)


@pytest.mark.parametrize("case", [case for case in PRICES if PRICES[case][-1] is None and "rounded" not in case])
@pytest.mark.parametrize("limit", ["1", "1000"])
def test_a_change_that_entry_prices_do_not_tell_of_is_no_proof(case, limit):
    *changes, _ = PRICES[case]
    assert not change_of(*changes).is_beyond(Decimal(limit), TICK)


@pytest.mark.parametrize("heard_s, is_alone", [(0, False), (LAG_S * 1.1, True)])
def test_a_change_is_alone_when_nothing_was_counted_for_as_long_as_the_account_may_lag(account, heard_s, is_alone):
    account.watch.note_fill(BTC, Decimal("0.3"))
    account.watch.note_fill(BTC, Decimal("-0.3"))
    account.now_s += heard_s
    account.read()
    account.cancelled("1")
    account.position = Decimal("0.2")
    missed, = account.read_until_settled()
    assert missed.is_alone is is_alone


@pytest.mark.parametrize("suspects", [[], ["1"], ["1", "2"]])
def test_c16_a_difference_that_is_explained_late_is_blamed_on_no_order_of_the_other_side(account, suspects):
    for order_id in suspects:
        account.cancelled(order_id)
    account.position = Decimal("0.4")
    account.read_until_settled()

    account.watch.note_fill(BTC, Decimal("0.4"))  # heard of at last
    account.cancelled("3", is_buy=False)
    assert account.read_until_settled() == []

    account.cancelled("4", is_buy=False)
    account.position = Decimal("-0.1")  # more than can be explained late
    assert told(account.read_until_settled()) == [(Decimal("-0.5"), ("4",))]


def test_c16_a_difference_that_no_fill_explained_late_hides_none_of_the_other_side(account):
    account.position = Decimal("0.4")
    account.read_until_settled()

    account.cancelled("1", is_buy=False)
    account.position = Decimal("0.2")
    assert told(account.read_until_settled()) == [(Decimal("-0.2"), ("1",))]


def test_c16_a_fill_that_is_heard_of_late_explains_no_more_than_itself(account):
    account.position = Decimal("0.4")
    account.read_until_settled()
    account.watch.note_fill(BTC, Decimal("0.1"))
    assert account.read_until_settled() == []

    account.cancelled("1", is_buy=False)
    account.position = Decimal("0.3")
    assert told(account.read_until_settled()) == [(Decimal("-0.1"), ("1",))]


def test_c16_a_fill_that_was_made_after_a_difference_does_not_explain_it(account):
    account.position = Decimal("0.4")
    account.read_until_settled()
    account.now_s += 1
    account.watch.note_fill(BTC, Decimal("0.4"), account.now_s)
    account.position = Decimal("0.8")
    account.read()

    account.cancelled("1", is_buy=False)
    account.position = Decimal("0.6")
    assert told(account.read_until_settled()) == [(Decimal("-0.2"), ("1",))]


def test_c16_a_fill_that_tells_much_later_what_was_taken_as_it_is_blames_nobody(account):
    made_s = account.now_s
    account.position = Decimal("0.2")
    account.read_until_settled()
    account.now_s += LAG_S * 100
    assert account.read() == []

    account.watch.note_fill(BTC, Decimal("0.4"), made_s)  # half of it is that
    account.position = Decimal("0.4")
    account.cancelled("1", is_buy=False)
    assert account.read_until_settled() == []
    assert account.watch.gap(BTC) == 0


def test_c16_a_fill_that_is_heard_of_late_explains_nothing_for_ever(account):
    account.position = Decimal("0.4")
    account.read_until_settled()
    account.watch.note_fill(BTC, Decimal("0.4"))
    account.position = Decimal("0.8")  # so it was another one
    account.read()
    account.now_s += LAG_S * PositionWatch.LATE_LAGS
    account.cancelled("1", is_buy=False)
    account.position = Decimal("0.6")
    assert told(account.read_until_settled()) == [(Decimal("-0.2"), ("1",))]


def test_c16_after_a_difference_that_was_booked_one_of_the_other_side_is_told(account):
    account.cancelled("1")
    account.position = Decimal("0.4")
    assert told(account.read_until_settled()) == [(Decimal("0.4"), ("1",))]
    account.watch.note_booked(BTC)

    account.cancelled("2", is_buy=False)
    account.position = Decimal("0.1")
    assert told(account.read_until_settled()) == [(Decimal("-0.3"), ("2",))]


def test_c16_a_later_watch_notices_what_was_filled_between(account):
    account.watch.note_fill(BTC, Decimal("0.3"))
    account.position = Decimal("0.3")
    account.read_until_settled()
    account.watch.note_fill(BTC, Decimal("0.1"))  # the account has not shown it yet

    later = Account.__new__(Account)
    later.__dict__.update(account.__dict__, watch=PositionWatch(LAG_S, lambda: later.now_s))
    later.watch.go_on_from(account.watch.basis(), account.watch.looked_s)
    later.cancelled("1")
    later.watch.note_cancelled("ETH-PERP", Candidate("2", True))
    later.position = Decimal("0.6")
    assert told(later.read_until_settled()) == [(Decimal("0.2"), ("1",))]
    assert later.watch.gap("ETH-PERP") == 0  # there was no position, for certain


def test_what_the_first_looks_are_not_sure_of_is_no_basis():
    account = Account("0.5")
    assert account.watch.basis() == {BTC: None}
    later = PositionWatch(LAG_S, lambda: account.now_s)
    later.go_on_from(account.watch.basis(), account.watch.looked_s)
    assert later.gap(BTC) is None
