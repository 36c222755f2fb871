"""The page a run leaves: its numbers are held against the venue's."""
from dataclasses import replace
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.session_report.session_testing import short_session

import pytest

from hummingbot.connector.derivative.vest_perpetual.session_report.session import read_session
from workbench.books import CANCELLED, FILLED, client_books
from workbench.session_page import differences

MARKS = {"BTC-USDC": Decimal(112), "ETH-USDC": Decimal(3)}


@pytest.fixture
def session_and_books(tmp_path):
    """The page's session, and books that say the same as a venue would."""
    database = short_session(tmp_path).database
    return read_session(database, marks=MARKS), client_books(database)


def test_the_page_and_the_books_agree(session_and_books):
    assert differences(*session_and_books, MARKS) == []


def test_a_fill_that_the_venue_has_not_is_noticed(session_and_books):
    session, books = session_and_books
    venue = replace(books, fills=[fill for fill in books.fills if fill.pair == "BTC-USDC"])
    wrong = differences(session, venue, MARKS)
    assert "ETH-USDC: the page says base volume 10.000000, the venue 0" in wrong
    assert not [words for words in wrong if words.startswith("BTC-USDC")]


def test_another_state_and_another_mark_are_noticed(session_and_books):
    session, books = session_and_books
    orders = [replace(order, state=FILLED if order.state == CANCELLED else order.state) for order in books.orders]
    assert differences(session, replace(books, orders=orders), MARKS) == [
        "BTC-USDC: the page says orders filled 2, the venue 3",
        "BTC-USDC: the page says orders cancelled 1, the venue 0",
    ]
    assert len(differences(session, books, {**MARKS, "BTC-USDC": Decimal(113)})) == 1
