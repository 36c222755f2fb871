"""Market hours: what closes a market, what opens it, what is said of it, and which orders are refused (C31)."""
import asyncio
import logging
from dataclasses import replace

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_wire as wire
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestMarketClosedError, VestServerError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_market_hours import REFUSAL_COUNTS_S, MarketHours

PAIR, OTHER = "AAPL-USDC", "BTC-USDC"
ORDER = wire.Order.from_payload({"id": "0x1", "nonce": 1, "status": "NEW", "symbol": "AAPL-USD-PERP"})


class Venue:
    """Answers when it is asked for the status of a market."""

    def __init__(self):
        self.status = "HALT"
        self.error = None
        self.asked = []

    async def request_status(self, trading_pair):
        self.asked.append(trading_pair)
        status = self.status
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return status


@pytest.fixture
def venue():
    return Venue()


@pytest.fixture
def clock():
    return ServerClock()


@pytest.fixture
def hours(venue, clock, caplog):
    caplog.set_level(logging.INFO)
    return MarketHours(logging.getLogger("test.market_hours"), clock, venue.request_status)


def said(caplog):
    return [(record.levelname, "open again" if "open again" in record.getMessage() else "closed")
            for record in caplog.records if PAIR in record.getMessage()]


def order(clock, status="NEW", late_ms=1000, **fields):
    """An order that was posted so long after now."""
    return replace(ORDER, status=status, post_time_ms=clock.now_ms() + late_ms, **fields)


def test_c31_a_halt_is_said_once_however_often_it_is_heard_and_so_is_its_end(hours, caplog):
    for status in ("TRADING", "HALT", "HALT", None, "HALT", "TRADING", "TRADING"):
        hours.note_status(PAIR, status)
    assert said(caplog) == [("WARNING", "closed"), ("INFO", "open again")]


def test_a_market_that_is_open_from_the_start_is_not_spoken_of(hours, caplog):
    hours.note_status(PAIR, "TRADING")
    assert caplog.records == [] and hours.is_open(PAIR) is True


def test_nothing_is_known_of_a_market_that_was_never_heard_of(hours):
    hours.note_status(PAIR, None)
    hours.note_status(PAIR, "PRE_OPEN")
    assert hours.is_open(PAIR) is None


@pytest.mark.parametrize("code", [1148, 3024])
def test_c31_refusals_close_a_market_that_the_tickers_call_trading_once(hours, caplog, code):
    hours.note_status(PAIR, "TRADING")
    for _ in range(100):
        hours.note_refusal(PAIR, code)
        hours.note_status(PAIR, "TRADING")
    assert said(caplog) == [("WARNING", "closed")] and hours.is_open(PAIR) is False


@pytest.mark.parametrize("code", [None, 3001, 3002, 1121])
def test_other_refusals_close_nothing(hours, caplog, code):
    hours.note_refusal(PAIR, code)
    assert caplog.records == [] and hours.is_open(PAIR) is None


@pytest.mark.parametrize("status", ["NEW", "PARTIALLY_FILLED", "FILLED"])
def test_c31_an_order_that_the_venue_takes_opens_a_market_that_a_refusal_closed(hours, clock, caplog, status):
    hours.note_refusal(PAIR, 3024)
    hours.note_order(PAIR, order(clock, status))
    hours.note_order(PAIR, order(clock, status))
    assert said(caplog) == [("WARNING", "closed"), ("INFO", "open again")]


@pytest.mark.parametrize("late_ms, fields", [
    (-5000, {}), (1000, {"status": "CANCELLED"}), (1000, {"status": "REJECTED", "code": 3001}),
], ids=["older than the refusal", "cancelled", "refused for another reason"])
def test_orders_that_say_nothing_of_the_market_do_not_open_it(hours, clock, late_ms, fields):
    hours.note_refusal(PAIR, 3024)
    hours.note_order(PAIR, order(clock, late_ms=late_ms, **fields))
    assert hours.is_open(PAIR) is False


def test_a_fill_of_an_older_order_opens_the_market(hours, clock):
    hours.note_refusal(PAIR, 3024)
    hours.note_order(PAIR, order(clock, "FILLED", late_ms=-60_000, last_filled_time_ms=clock.now_ms() + 1000))
    assert hours.is_open(PAIR) is True


def test_an_order_does_not_open_a_market_of_which_the_venue_says_halt(hours, clock):
    hours.note_status(PAIR, "HALT")
    hours.note_order(PAIR, order(clock, "NEW"))
    assert hours.is_open(PAIR) is False


def test_a_rejected_order_closes_the_market_unless_it_is_older_than_the_opening(hours, clock, caplog):
    hours.note_status(PAIR, "HALT")
    hours.note_status(PAIR, "TRADING")
    hours.note_order(PAIR, order(clock, "REJECTED", late_ms=-5000, code=3024))
    assert hours.is_open(PAIR) is True
    hours.note_order(PAIR, order(clock, "REJECTED", code=3024))
    assert hours.is_open(PAIR) is False


def test_c31_a_strategy_that_waits_for_an_open_market_tries_again_after_a_refusal(venue, caplog):
    caplog.set_level(logging.INFO)
    now_s = [1_000.0]
    hours = MarketHours(logging.getLogger("test.market_hours"), ServerClock(lambda: now_s[0]), venue.request_status)
    hours.note_status(PAIR, "TRADING")
    for _ in range(3):
        hours.note_refusal(PAIR, 3024)
        now_s[0] += REFUSAL_COUNTS_S - 1
        hours.note_status(PAIR, "TRADING")
        assert hours.is_open(PAIR) is False
        now_s[0] += 2
        assert hours.is_open(PAIR) is None
    hours.note_order(PAIR, order(hours._clock, "NEW"))
    assert hours.is_open(PAIR) is True
    assert said(caplog) == [("WARNING", "closed"), ("INFO", "open again")]


def test_a_halt_counts_until_the_venue_ends_it(venue):
    now_s = [1_000.0]
    hours = MarketHours(logging.getLogger("test.market_hours"), ServerClock(lambda: now_s[0]), venue.request_status)
    hours.note_refusal(PAIR, 3024)
    hours.note_status(PAIR, "HALT")
    now_s[0] += 10 * REFUSAL_COUNTS_S
    assert hours.is_open(PAIR) is False


def test_a_market_that_flaps_fills_no_log(hours, caplog):
    for _ in range(1000):
        hours.note_status(PAIR, "HALT")
        hours.note_status(PAIR, "TRADING")
    assert len(caplog.records) == 6 and "so often" in caplog.records[-1].getMessage()
    hours.note_status(OTHER, "HALT")
    assert OTHER in caplog.records[-1].getMessage()


# --- Orders

@pytest.mark.asyncio
async def test_c31_an_order_is_refused_when_the_venue_says_halt_and_says_it_again(hours, venue):
    hours.note_status(PAIR, "HALT")
    with pytest.raises(VestMarketClosedError, match=f"{PAIR} is closed or halted; wait until it opens"):
        await hours.require_open(PAIR)
    await hours.require_open(OTHER)
    assert venue.asked == [PAIR]


@pytest.mark.asyncio
async def test_c31_a_market_that_has_opened_unheard_refuses_no_order_and_is_said_to_be_open(hours, venue, caplog):
    hours.note_status(PAIR, "HALT")
    venue.status = "TRADING"
    await hours.require_open(PAIR)
    await hours.require_open(PAIR)
    assert venue.asked == [PAIR] and said(caplog)[-1] == ("INFO", "open again")


@pytest.mark.asyncio
@pytest.mark.parametrize("status, error", [(None, None), ("HALT", VestServerError("HTTP 503", 503))])
async def test_what_the_venue_does_not_say_is_left_to_it(hours, venue, status, error):
    hours.note_status(PAIR, "HALT")
    venue.status, venue.error = status, error
    await hours.require_open(PAIR)
    assert venue.asked == [PAIR] and hours.is_open(PAIR) is False


@pytest.mark.asyncio
async def test_a_refusal_of_another_order_refuses_none(hours, venue):
    hours.note_refusal(PAIR, 3024)
    await hours.require_open(PAIR)
    assert venue.asked == []


@pytest.mark.asyncio
async def test_c31_of_many_orders_at_once_one_asks(hours, venue):
    hours.note_status(PAIR, "HALT")
    results = await asyncio.gather(*(hours.require_open(PAIR) for _ in range(20)), return_exceptions=True)
    assert [type(result) for result in results] == [VestMarketClosedError] * 20
    assert venue.asked == [PAIR]
