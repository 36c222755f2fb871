"""What one session leaves to the next, and that a folder in disorder stops nothing (C32)."""
import json
import logging
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.stream_testing import LogRecords

import pytest

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_session_memory import SessionMemory
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import PerpetualDerivativeInFlightOrder

LOGGER = logging.getLogger("test_session_memory")
DOMAIN = "vest_perpetual"


@pytest.fixture
def logs():
    records = LogRecords(LOGGER)
    yield records
    records.detach()


def session(folder, account_group=0):
    return SessionMemory(folder, DOMAIN, account_group, Complaints(LOGGER))


def new_order(client_order_id, **terms):
    return PerpetualDerivativeInFlightOrder(**{
        "client_order_id": client_order_id, "exchange_order_id": None, "trading_pair": "BTC-USDC",
        "order_type": OrderType.LIMIT, "trade_type": TradeType.BUY, "price": Decimal("65000.0"),
        "amount": Decimal("0.010"), "leverage": 1, "position": PositionAction.OPEN,
        "creation_timestamp": 1_760_000_000.0, **terms,
    })


def test_c32_a_session_finds_what_the_one_before_left(tmp_path):
    before = session(tmp_path / "data")
    for client_order_id in ("1", "2"):
        before.note_order(new_order(client_order_id))
    before.forget_order("1")
    before.forget_order("an order that was never noted")
    before.note_positions({"BTC-PERP": ["0.1"]})

    after = session(tmp_path / "data")
    after.note_order(new_order("3"))
    assert session(tmp_path / "data").orders == {"2": new_order("2"), "3": new_order("3")}
    assert session(tmp_path / "data").positions == {"BTC-PERP": ["0.1"]}
    assert len(list((tmp_path / "data").iterdir())) == 1


@pytest.mark.parametrize("terms", [
    {"order_type": OrderType.MARKET, "trade_type": TradeType.SELL, "position": PositionAction.CLOSE},
    {"price": Decimal("1E-7"), "amount": Decimal("12345678901234567890.123456789000"), "leverage": 50},
    {"price": Decimal("NaN"), "creation_timestamp": 1_760_000_000.123456, "trading_pair": "KPEPÉ\t\"\\-USDC"},
])
def test_c32_an_order_is_found_as_it_was_noted(tmp_path, terms):
    noted = new_order("1", **terms)
    session(tmp_path).note_order(noted)

    found = session(tmp_path).orders["1"]
    assert type(found) is PerpetualDerivativeInFlightOrder
    # Words, since Decimal("0.010") equals Decimal("0.01"), and NaN nothing.
    assert repr(found.attributes) == repr(noted.attributes)


def test_accounts_share_nothing(tmp_path):
    session(tmp_path, 1).note_order(new_order("1"))
    assert session(tmp_path, 2).orders == {}


WHOLE = '{"orders": {}, "positions": {}}\n'


@pytest.mark.parametrize("content", [
    "", "{", "[1]", "\xff", WHOLE + "5\n", WHOLE + "[1]\n", WHOLE + "[" * 9999 + "\n",
    WHOLE + json.dumps({"orders": {"1": new_order("1").to_json()}}) + "\n",
    WHOLE + '{"orders": {"1": ["BTC-USDC", "LIMIT", "BUY", "a lot", "0.010", 1, "OPEN", 1760000000.0]}}\n',
    WHOLE + '{"orders": {"1": ["BTC-USDC", "LIMIT", "HOLD", "65000.0", "0.010", 1, "OPEN", 1760000000.0]}}\n',
])
def test_a_file_that_cannot_be_read_is_said_and_begun_anew(tmp_path, logs, content):
    session(tmp_path).note_order(new_order("1"))
    file, = tmp_path.iterdir()
    file.write_text(content, encoding="latin-1")

    memory = session(tmp_path)
    assert memory.orders == {} and memory.positions == {}
    assert "cannot be read" in logs.texts(logging.WARNING)[0]
    memory.note_order(new_order("2"))
    assert session(tmp_path).orders == {"2": new_order("2")}


def test_a_folder_that_cannot_be_written_is_said_once_and_stops_no_order(tmp_path, logs):
    (tmp_path / "data").write_text("a file where the folder should be")
    memory = session(tmp_path / "data")
    for client_order_id in ("1", "2"):
        memory.note_order(new_order(client_order_id))
    assert set(memory.orders) == {"1", "2"}
    assert ["Cannot write" in text for text in logs.texts(logging.WARNING)].count(True) == 1


def test_c32_a_change_that_a_crash_cut_off_is_none_and_what_was_before_it_counts(tmp_path):
    memory = session(tmp_path)
    memory.note_order(new_order("1"))
    memory.note_order(new_order("2"))
    file, = tmp_path.iterdir()
    file.write_text(file.read_text()[:-5])

    assert session(tmp_path).orders == {"1": new_order("1")}


def test_c32_many_changes_leave_a_small_file(tmp_path):
    memory = session(tmp_path)
    memory.note_order(new_order("open"))
    for number in range(3000):
        memory.note_order(new_order(str(number)))
        memory.forget_order(str(number))

    file, = tmp_path.iterdir()
    assert len(file.read_text().splitlines()) <= 1001
    assert session(tmp_path).orders == {"open": new_order("open")}


def test_c32_a_file_that_somebody_removed_is_written_again(tmp_path):
    memory = session(tmp_path)
    memory.note_order(new_order("1"))
    file, = tmp_path.iterdir()
    file.unlink()
    memory.note_order(new_order("2"))

    assert session(tmp_path).orders == {"1": new_order("1"), "2": new_order("2")}


def test_positions_that_did_not_change_write_nothing(tmp_path):
    memory = session(tmp_path)
    memory.note_positions({"BTC-PERP": ["0.1"]})
    file, = tmp_path.iterdir()
    before = file.read_bytes()
    memory.note_positions({"BTC-PERP": ["0.1"]})

    assert file.read_bytes() == before
