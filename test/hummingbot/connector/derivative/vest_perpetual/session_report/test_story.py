"""The session in sentences: that they say what the books and the log say, for sessions of every kind."""
from test.hummingbot.connector.derivative.vest_perpetual.session_report.session_testing import (
    BACK,
    LOST,
    START_MS,
    Recording,
    short_session,
)

import pytest

from hummingbot.connector.derivative.vest_perpetual.session_report.reading import Selection
from hummingbot.connector.derivative.vest_perpetual.session_report.session import read_session
from hummingbot.connector.derivative.vest_perpetual.session_report.story import story


@pytest.fixture
def recording(tmp_path):
    return Recording(tmp_path)


def told(recording, **selection):
    return " ".join(story(read_session(recording.database, Selection(**selection))))


def test_some_of_everything(tmp_path):
    assert story(read_session(short_session(tmp_path).database)) == [
        "A bot traded BTC-USDC and ETH-USDC on vest_perpetual.",
        "It placed 5 orders: 2 filled completely, 1 cancelled, 1 failed and 1 not known to have ended. "
        "In 3 fills it bought and sold for 285.00 USDC in all.",
        "It earned 20.47 USDC: trading earned 20.00 USDC before costs, fees cost 0.03 USDC and funding brought "
        "0.50 USDC. Of what trading did, 15.00 USDC is not final: it belongs to what is still held. The best market "
        "was BTC-USDC with 19.72 USDC, the worst ETH-USDC with 0.75 USDC.",
        "At the end it held a long position of 1.5 BTC (165.00 USDC) and a short position of 10 ETH (30.00 USDC).",
        "The bot's log has 1 error and 1 warning; live data of Vest was interrupted once and came back.",
    ]


def test_an_empty_database(recording):
    assert "neither orders nor fills" in told(recording)


def test_orders_that_never_filled(recording):
    recording.order(0, ended=("OrderCancelled", 1000))
    assert "It placed 1 order: 1 cancelled. Nothing was bought or sold." in told(recording)
    assert "earned" not in told(recording) and "At the end it held no position." in told(recording)
    assert "nothing is known of errors" in told(recording)


def test_a_period_without_anything(recording):
    recording.fill(0, 3, 100)
    words = told(recording, from_ms=START_MS + 1)
    assert "In this period nothing happened in BTC-USDC on vest_perpetual." in words
    assert "At the end it held a long position of 3 BTC (300.00 USDC)." in words


@pytest.mark.parametrize("prices, fee, funding, words", [
    ((100, 101), "2", 0, "It lost 3.00 USDC: trading earned 1.00 USDC before costs and fees cost 4.00 USDC. "
                         "Without fees it would have been no loss."),
    ((100, 100), "1", 5, "It earned 3.00 USDC: trading earned 0.00 USDC before costs, fees cost 2.00 USDC and funding "
                         "brought 5.00 USDC. Without funding it would have been no profit."),
    ((100, 90), "0.001", -1, "It lost 11.00 USDC: trading lost 10.00 USDC before costs, fees cost 0.002 USDC and "
                             "funding cost 1.00 USDC."),
])
def test_what_decided_is_said(recording, prices, fee, funding, words):
    recording.fill(0, 1, prices[0], fee=fee)
    recording.fill(1000, 1, prices[1], fee=fee, is_buy=False)
    if funding:
        recording.payment(2000, funding)
    assert words in told(recording)


def test_a_short_position(recording):
    recording.fill(0, "0.5", 100, is_buy=False)
    recording.fill(1000, "0.1", 110, is_buy=False)
    words = told(recording)
    assert "At the end it held a short position of 0.6 BTC (66.00 USDC)." in words
    assert "−5.00 USDC is not final" in words


def test_many_markets_are_counted(recording):
    for number in range(20):
        recording.fill(0, 1, 100, symbol=f"A{number:02d}-USDC")
    words = told(recording)
    assert "A bot traded 20 markets on vest_perpetual." in words and "it held positions in 20 markets." in words


def test_money_of_two_assets_is_told_apart(recording):
    recording.fill(0, 1, 100)
    recording.fill(0, 1, 10, symbol="BTC-EUR")
    words = told(recording)
    assert "for 10.00 EUR and 100.00 USDC in all" in words and words.count("It earned 0.00") == 2


def test_it_is_said_when_no_money_was_real(recording):
    recording.fill(0, 1, 100, market="vest_perpetual_simulator")
    assert "on vest_perpetual_simulator (the simulated exchange, without real money)." in told(recording)


def test_streams_that_did_not_come_back(recording):
    recording.say((0, "WARNING", LOST), (1, "INFO", BACK), (2, "WARNING", LOST))
    recording.fill(0, 1, 100)
    assert "live data of Vest was interrupted 2 times and came back once of these." in told(recording)


def test_why_orders_failed(recording):
    for reason in ("Vest error 3018: reduce-only", "Vest error 3018: reduce-only", "Vest error 1"):
        recording.say((0, "EVENT_LOG", f'{{"event_name": "MarketOrderFailureEvent", "error_message": "{reason}"}}'))
    recording.order(0, ended=("OrderFailure", 10))
    words = told(recording)
    assert "The log tells of 3 failed orders (2 times: Vest error 3018: reduce-only). The bot's log has" in words
