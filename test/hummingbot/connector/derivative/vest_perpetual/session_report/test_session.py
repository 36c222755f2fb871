"""A session: its period, its books, how long orders took, and what of a long one is drawn."""
import time
from array import array
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.session_report.session_testing import (
    CONNECTOR,
    START_MS,
    Recording,
    short_session,
    stored,
)

import pytest
from hypothesis import given, strategies as st

from hummingbot.connector.derivative.vest_perpetual.session_report.page import html
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import ReportError, Selection
from hummingbot.connector.derivative.vest_perpetual.session_report.series import (
    DRAWN_ORDERS,
    DRAWN_POINTS,
    evenly,
    extremes,
)
from hummingbot.connector.derivative.vest_perpetual.session_report.session import percentile, read_session

LONG = 100_000


@pytest.fixture
def recording(tmp_path):
    return Recording(tmp_path)


def only(session):
    market, = session.markets
    return market


def test_a_short_session(tmp_path):
    session = read_session(short_session(tmp_path).database)
    btc, eth = session.markets
    assert (btc.market.pair, eth.market.pair) == ("BTC-USDC", "ETH-USDC")
    assert btc.states == {"filled": 2, "cancelled": 1, "failed": 1, "open": 1}
    # bought 2 at 100, sold 0.5 at 110, which is the mark
    assert (btc.ledger.realised, btc.ledger.unrealised, btc.ledger.funding) == (5, 15, Decimal("-0.25"))
    assert btc.ledger.pnl == 20 - Decimal("0.0255") - Decimal("0.25")
    assert (eth.ledger.position, eth.ledger.pnl) == (-10, Decimal("0.747"))
    assert session.strategies == [("market_making", "conf.yml")]
    assert (session.first_ms, session.last_ms) == (START_MS, START_MS + 9_000)


def test_order_to_fill_is_counted_from_the_ms_in_the_id(tmp_path):
    latencies = read_session(short_session(tmp_path).database).fill_latencies_ms()
    assert {kind: list(values) for kind, values in latencies.items()} == {"LIMIT": [379], "MARKET": [50]}


@pytest.mark.parametrize("order_id", ["HBOT-1", "1234567890123456", "٣" * 16])
def test_an_id_of_another_connector_is_no_time(recording, order_id):
    recording.order(700, ended=("BuyOrderCompleted", 1_500), id=order_id)
    assert list(read_session(recording.database).fill_latencies_ms()["LIMIT"]) == [1_500]  # from the tick


def test_the_mark_is_the_last_price_known_or_the_one_that_is_given(recording):
    recording.price(0, 99)
    recording.fill(1_000, 1, 100)
    assert only(read_session(recording.database)).ledger.unrealised == 0
    recording.price(2_000, 103)
    assert only(read_session(recording.database)).ledger.unrealised == 3
    given_mark = only(read_session(recording.database, marks={"BTC-USDC": Decimal(110)}))
    assert given_mark.ledger.pnl == 10
    assert given_mark.curve.values("pnl")[-1] == 10


def test_a_period_has_what_happened_in_it_and_the_position_from_before(recording):
    recording.fill(0, 3, 100, fee=1)
    recording.price(500, 104)
    recording.fill(1_000, 1, 110, fee="0.5", is_buy=False)
    recording.payment(1_500, 0.25)
    recording.order(1_200, ended=("OrderCancelled", 1_300))
    recording.fill(2_000, 1, 200, fee=2, is_buy=False)
    recording.payment(2_500, 9.0)
    recording.order(2_200)
    selection = Selection(from_ms=START_MS + 1_000, to_ms=START_MS + 2_000)
    session = only(read_session(recording.database, selection))
    books = session.ledger
    assert (books.opening_position, books.position, books.fills) == (3, 2, 1)
    assert (books.fees, books.funding) == (Decimal("0.5"), Decimal("0.25"))
    assert (books.realised, books.unrealised) == (6, 12)  # 3 at 104, the price at the beginning; the mark is 110
    assert session.order_count == 1


def test_a_period_after_all_that_happened_keeps_the_position(recording):
    recording.fill(0, 3, 100, fee=1)
    books = only(read_session(recording.database, Selection(from_ms=START_MS + 1))).ledger
    assert (books.position, books.fills, books.pnl) == (3, 0, 0)


def test_periods_add_up(recording):
    for second, (amount, price) in enumerate([(2, 100), (1, 130), (-4, 120), (3, 90), (1, 95)]):
        recording.fill(1_000 * second, abs(amount), price, fee="0.1", is_buy=amount > 0)
    whole = only(read_session(recording.database)).ledger.pnl
    cut_ms = START_MS + 2_000
    parts = [only(read_session(recording.database, selection)).ledger.pnl
             for selection in (Selection(to_ms=cut_ms), Selection(from_ms=cut_ms))]
    assert sum(parts) == whole


def test_several_connectors_and_strategies_are_kept_apart(recording):
    recording.fill(0, 1, 100, strategy="a", config_file_path="a.yml")
    recording.fill(0, 2, 100, market="vest_perpetual_testnet", strategy="b", config_file_path="b.yml")
    session = read_session(recording.database)
    assert [(market.market.connector, market.ledger.position) for market in session.markets] == [
        (CONNECTOR, 1), ("vest_perpetual_testnet", 2)]
    assert session.strategies == [("a", "a.yml"), ("b", "b.yml")]


def test_without_a_log_nothing_is_known_of_it(recording):
    recording.fill(0, 1, 100)
    assert read_session(recording.database).log is None


def test_a_log_that_was_named_and_is_not_there(recording, tmp_path):
    recording.fill(0, 1, 100)
    with pytest.raises(ReportError, match="There is no log file .*none.log"):
        read_session(recording.database, logs=[tmp_path / "none.log"])


def test_a_very_long_session_is_summed_whole_and_drawn_thin(recording):
    recording.write("TradeFill", (
        recording.fill_row(number * 100, "0.001", 100 + number % 7, fee="0.000001", is_buy=number % 3 > 0)
        for number in range(LONG)))
    recording.write("Order", ({
        "id": str((START_MS + number * 100) * 1000), "config_file_path": "conf.yml", "strategy": "s",
        "market": CONNECTOR, "symbol": "BTC-USDC", "base_asset": "BTC", "quote_asset": "USDC",
        "creation_timestamp": START_MS + number * 100, "order_type": "LIMIT", "amount": 1000, "leverage": 1,
        "price": stored(100), "last_status": "BuyOrderCompleted", "last_update_timestamp": START_MS + number * 100 + 5,
    } for number in range(LONG)))
    recording.write("OrderStatus", ({"order_id": str((START_MS + number * 100) * 1000), "timestamp": START_MS,
                                     "status": "BuyOrderCreated"} for number in range(LONG)))
    started = time.thread_time()
    session = read_session(recording.database)
    page = html(session)
    assert time.thread_time() - started < 60  # of computing; it takes a few
    market = only(session)
    assert market.ledger.fills == LONG == market.states["filled"]
    assert market.ledger.fees == Decimal("0.000001") * LONG
    assert market.ledger.quote_volume == sum(100 + number % 7 for number in range(LONG)) * Decimal("0.001")
    assert len(market.orders) == DRAWN_ORDERS
    assert "every sum has them all" in page
    assert len(page) < 8_000_000


@given(st.lists(st.integers(0, 9), max_size=400), st.integers(4, 50))
def test_thinning_keeps_what_sticks_out(values, limit):
    values = array("d", values)
    kept = extremes(values, limit)
    assert kept == sorted(set(kept)) and len(kept) <= max(limit + 2, 0)
    if values:
        assert {0, len(values) - 1} <= set(kept)
        thinned = [values[position] for position in kept]
        assert (min(thinned), max(thinned)) == (min(values), max(values))


@given(st.integers(0, 5000), st.integers(1, 100))
def test_even_choice(count, limit):
    positions = evenly(count, limit)
    assert len(positions) == min(count, limit)
    assert positions == sorted(set(positions)) and all(0 <= position < count for position in positions)


def test_lines_are_drawn_with_few_points(recording):
    recording.write("TradeFill", (recording.fill_row(number, 1, 100 + number % 50) for number in range(5000)))
    drawn = only(read_session(recording.database)).curve.drawn("price")
    assert len(drawn.values) <= DRAWN_POINTS + 2
    assert max(drawn.values) == 149


@pytest.mark.parametrize("share, value", [(0.5, 2), (0.95, 4), (1.0, 4), (0.01, 1)])
def test_percentiles(share, value):
    assert percentile([1, 2, 3, 4], share) == value
