"""`GET /account`: a row that cannot be read hides no other, and is named."""
from decimal import Decimal

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_wire as wire
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_account_reader import read_account
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError

BALANCE = {"asset": "USDC", "total": "1000.5", "locked": "10"}
POSITION = {"symbol": "BTC-PERP", "isLong": False, "size": "0.1", "entryPrice": "30000", "markPrice": "30025"}
LEVERAGE = {"symbol": "BTC-PERP", "value": 10}
PAYLOAD = {"address": "0x1", "balances": [BALANCE], "withdrawable": "990.5", "positions": [POSITION],
           "leverages": [LEVERAGE], "lp": {}, "time": 1683849600000}
# Each list, the name of its row above, and a row of another name that cannot be read.
LISTS = pytest.mark.parametrize("key, name, odd", [
    ("balances", "USDC", {"asset": "ETH", "total": "a lot"}),
    ("positions", "BTC-PERP", {**POSITION, "symbol": "ETH-PERP", "size": "NaN"}),
    ("leverages", "BTC-PERP", {"symbol": "ETH-PERP", "value": "1.5"}),
])


def test_an_account():
    reading = read_account(PAYLOAD)

    account = reading.account
    assert account.balances == (wire.Balance("USDC", Decimal("1000.5"), Decimal("10")),)
    assert (account.withdrawable, account.time_ms, account.address) == (Decimal("990.5"), 1683849600000, "0x1")
    assert [position.signed_size for position in account.positions] == [Decimal("-0.1")]
    assert account.leverages == (wire.Leverage("BTC-PERP", 10),)
    assert reading.complaints == () and not reading.unread_balances and not reading.unread_positions


@LISTS
def test_a3_a_row_that_cannot_be_read_hides_no_other_and_is_named(key, name, odd):
    whole = read_account(PAYLOAD)

    reading = read_account({**PAYLOAD, key: [odd, PAYLOAD[key][0]]})

    assert reading.account == whole.account
    complaint, = reading.complaints
    assert complaint.startswith(("account.", "leverage.")) and "not a" in complaint
    unread = {"balances": reading.unread_balances, "positions": reading.unread_positions}
    assert {kind for kind, rows in unread.items() if rows} == {key} & set(unread)
    assert all(rows.may_hold(odd[list(odd)[0]]) and not rows.may_hold(name) for rows in unread.values() if rows)


@pytest.mark.parametrize("row", [5, None, [], {}], ids=repr)
@pytest.mark.parametrize("key", ["balances", "positions", "leverages"])
def test_a3_a_row_without_a_name_may_be_any(key, row):
    reading = read_account({**PAYLOAD, key: [row]})

    assert getattr(reading.account, key) == () and len(reading.complaints) == 1
    for kind, rows in (("balances", reading.unread_balances), ("positions", reading.unread_positions)):
        assert rows.may_hold("anything") is (kind == key)


@pytest.mark.parametrize("key", ["balances", "positions", "leverages"])
def test_a_list_that_is_none_is_no_account(key):
    with pytest.raises(VestPayloadError, match=f"^account.{key}: not a list$"):
        read_account({**PAYLOAD, key: {"USDC": 1}})


@pytest.mark.parametrize("payload", [None, [], "text", 5], ids=repr)
def test_what_is_no_object_is_no_account(payload):
    with pytest.raises(VestPayloadError, match="^account: not a JSON object$"):
        read_account(payload)


@pytest.mark.parametrize("payload", [{}, {"balances": None, "positions": [], "leverages": ""}], ids=repr)
def test_a3_an_empty_account(payload):
    reading = read_account(payload)

    assert reading.account == wire.Account((), None, (), (), None, None) and reading.complaints == ()


@pytest.mark.parametrize("asset, locked, withdrawable, available", [
    ("USDC", "10", None, "90"), ("USDC", "10", "95", "90"), ("USDC", "10", "80", "80"), ("USDC", "10", "-5", "0"),
    ("USDC", "110", None, "0"), ("ETH", "10", "80", "90"),
])
def test_a4_no_more_is_available_than_is_free_and_the_venue_lets_go(asset, locked, withdrawable, available):
    balance = {"asset": asset, "total": "100", "locked": locked}
    account = read_account({"balances": [balance], "withdrawable": withdrawable}).account

    assert account.available(account.balances[0]) == Decimal(available)


@pytest.mark.parametrize("size", ["0", 0, "0.000", 0.0, "-0"], ids=repr)
def test_a16_a_position_of_size_zero_is_none_whatever_its_row_lacks(size):
    closed = {"symbol": "ETH-PERP", "isLong": None, "size": size, "entryPrice": None}

    reading = read_account({"positions": [closed, POSITION]})

    assert [position.symbol for position in reading.account.positions] == ["BTC-PERP"] and reading.complaints == ()


def test_a16_what_a_position_has_to_spare_is_named_and_hides_it_not():
    reading = read_account({"positions": [{**POSITION, "unrealizedPnl": "a lot"}]})

    assert reading.account.positions[0].signed_size == Decimal("-0.1") and not reading.unread_positions
    assert reading.complaints == ("account.positions.unrealizedPnl: not a decimal number",)
