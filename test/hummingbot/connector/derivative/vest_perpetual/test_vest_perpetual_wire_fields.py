"""Every field of every object of the venue, with everything that can be wrong with one (the rule of `_payload`).

Each field is left out, set to null, and given values of every other kind. Either the object is read as if nothing were
odd, or it is refused with a message that names the field; nothing is ever guessed. A field that the rest is of use
without counts as absent instead, and the object complains of it by its name.
"""
import dataclasses
import inspect
from decimal import Decimal
from typing import Any, Callable, Dict, NamedTuple

import pytest

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_messages as messages,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError


class Kind(NamedTuple):
    """What a field holds: values that mean the same as the example's, and values that mean nothing."""

    same: Callable[[Any], list]
    wrong: list


NOT_PLAIN = [[], ["1"], {}, {"a": {"b": 1}}]
NOT_A_NUMBER = [
    *NOT_PLAIN, True, False, "NaN", "sNaN", "Infinity", "-Infinity", float("nan"), float("inf"), "1e400", "abc", "1_0",
    " 1", "1 ", "٣", "0x10", "1,5", "--1",
]
TEXT = Kind(lambda value: [], [*NOT_PLAIN, True, 1.5, Decimal("1.5")])
WORDS = Kind(lambda value: [], [])  # for people to read: nothing depends on it
NUMBER = Kind(lambda value: [Decimal(value), float(value), f"{value}00", f"{value}e0"], NOT_A_NUMBER)
INTEGER = Kind(lambda value: [str(value), float(value), f"{value}.0", Decimal(value)], [*NOT_A_NUMBER, "1.5", 1.5])
FRAME_TIME = INTEGER._replace(wrong=[])  # nothing depends on it either: see the test of it below
BOOLEAN = Kind(lambda value: [str(value), str(value).lower(), str(value).upper()],
               [*NOT_PLAIN, 1, 0, "1", "0", "yes", 1.0, "abc"])
LIST = Kind(lambda value: [], [{}, {"a": 1}, "abc", 5, True])

ABSENT = (None, "")


class Example(NamedTuple):
    """An object with all its fields.

    :param required: kinds of the fields that have to be there, by key
    :param optional: of those that may be absent, but not wrong
    :param spare: of those that may be either
    """

    read: Callable[[Any], Any]
    name: str
    payload: Dict[str, Any]
    required: Dict[str, Kind]
    optional: Dict[str, Kind]
    spare: Dict[str, Kind] = {}

    @property
    def fields(self) -> Dict[str, Kind]:
        return self.required | self.optional | self.spare


EXAMPLES = {
    wire.SymbolInfo: Example(
        wire.SymbolInfo.from_payload, "exchangeInfo.symbols",
        {"symbol": "BTC-PERP", "sizeDecimals": 4, "priceDecimals": 2, "minTickSize": "0.25", "initMarginRatio": "0.1",
         "takerFee": "0.0001", "tradingStatus": "HALT", "status": "HALT"},
        {"symbol": TEXT, "sizeDecimals": INTEGER, "priceDecimals": INTEGER},
        {"minTickSize": NUMBER, "tradingStatus": TEXT},
        {"initMarginRatio": NUMBER, "takerFee": NUMBER},
    ),
    wire.Ticker: Example(
        wire.Ticker.from_payload, "ticker",
        {"symbol": "BTC-PERP", "markPrice": "1.5", "indexPrice": "2.5", "oneHrFundingRate": "-0.125",
         "status": "TRADING"},
        {"symbol": TEXT}, {},
        {"markPrice": NUMBER, "indexPrice": NUMBER, "oneHrFundingRate": NUMBER, "status": TEXT},
    ),
    wire.FundingRate: Example(
        wire.FundingRate.from_payload, "funding", {"time": 3_600_000, "oneHrFundingRate": "-0.125"},
        {"time": INTEGER, "oneHrFundingRate": NUMBER}, {},
    ),
    wire.Depth: Example(
        wire.Depth.from_payload, "depth", {"bids": [["1", "2"]], "asks": [["2", "2"]], "ts_ms": 7},
        {}, {"bids": LIST, "asks": LIST, "ts_ms": FRAME_TIME},
    ),
    wire.Trade: Example(
        wire.Trade.from_payload, "trade", {"id": "7", "price": "2.5", "qty": "-0.5", "time": 9, "side": "sell"},
        {"id": TEXT, "price": NUMBER, "qty": NUMBER, "time": INTEGER}, {"side": TEXT},
    ),
    wire.Order: Example(
        wire.Order.from_payload, "order",
        {"id": "0x1", "nonce": 17, "status": "FILLED", "postTime": 5, "symbol": "BTC-PERP", "isBuy": True,
         "orderType": "LIMIT", "limitPrice": "30000.5", "size": "0.5", "reduceOnly": False, "code": 3001,
         "lastFilledSize": "0.25", "lastFilledPrice": "29999.5", "lastFilledTime": 6, "avgFilledPrice": "29999.25",
         "settledFunding": "-0.5", "fees": "0.25", "realizedPnl": "1.25"},
        {"id": TEXT, "status": TEXT}, {},
        {"nonce": INTEGER, "postTime": INTEGER, "symbol": TEXT, "isBuy": BOOLEAN, "orderType": TEXT,
         "limitPrice": NUMBER, "size": NUMBER, "reduceOnly": BOOLEAN, "code": INTEGER, "lastFilledSize": NUMBER,
         "lastFilledPrice": NUMBER, "lastFilledTime": INTEGER, "avgFilledPrice": NUMBER, "settledFunding": NUMBER,
         "fees": NUMBER, "realizedPnl": NUMBER},
    ),
    wire.Balance: Example(
        wire.Balance.from_payload, "account.balances", {"asset": "USDC", "total": "10.5", "locked": "0.5"},
        {"asset": TEXT, "total": NUMBER}, {"locked": NUMBER},
    ),
    wire.Position: Example(
        wire.Position.from_payload, "account.positions",
        {"symbol": "BTC-PERP", "isLong": False, "size": "0.5", "entryPrice": "30000.5", "unrealizedPnl": "-2.5",
         "settledFunding": "0.5", "markPrice": "29999.5"},
        {"symbol": TEXT, "isLong": BOOLEAN, "size": NUMBER}, {},
        {"unrealizedPnl": NUMBER, "settledFunding": NUMBER, "entryPrice": NUMBER},
    ),
    wire.Leverage: Example(
        wire.Leverage.from_payload, "leverage", {"symbol": "BTC-PERP", "value": 10},
        {"symbol": TEXT, "value": INTEGER}, {},
    ),
    wire.Account: Example(
        wire.Account.from_payload, "account",
        {"withdrawable": "10.5", "time": 5, "address": "0x1"},
        {}, {}, {"withdrawable": NUMBER, "time": INTEGER, "address": TEXT},
    ),
    wire.TransferRecord: Example(
        wire.TransferRecord.from_payload, "transfer",
        {"id": "0x1", "nonce": 17, "orderType": "WITHDRAW", "size": "10.5", "status": "NEW", "postTime": 5,
         "code": 5002, "chainId": 324},
        {"id": TEXT, "orderType": TEXT, "size": NUMBER, "status": TEXT}, {"nonce": INTEGER},
        {"postTime": INTEGER, "code": INTEGER, "chainId": INTEGER},
    ),
    wire.ErrorBody: Example(
        lambda payload: wire.ErrorBody.from_payload(payload, is_error_status=True), "error",
        {"code": 1121, "msg": "bad symbol"}, {}, {"code": INTEGER, "msg": WORDS},
    ),
    messages.PrivateEvent: Example(
        messages.PrivateEvent.from_payload, "account_private", {"event": "LP", "args": {}}, {"event": TEXT}, {},
    ),
    messages.ChannelMessage: Example(
        messages.socket_message_from, "message", {"channel": "BTC-PERP@depth", "data": {}, "tsMs": 5},
        {}, {"channel": TEXT, "tsMs": FRAME_TIME},
    ),
}
# What has no fields of its own to read: lists of the above, and messages without content.
WITHOUT_FIELDS = {
    wire.ExchangeInfo, messages.SubscriptionAnswer, messages.RequestRefusal, messages.Pong, messages.UnknownMessage,
}


def cases(fields):
    return [
        pytest.param(example, key, kind, id=f"{cls.__name__}.{key}")
        for cls, example in EXAMPLES.items() for key, kind in fields(example).items()
    ]


every_field = pytest.mark.parametrize("example, key, kind", cases(lambda example: example.fields))


def without(payload, key):
    return {name: value for name, value in payload.items() if name != key}


def test_no_object_of_the_venue_is_missing_here():
    classes = {
        cls for module in (wire, messages) for _, cls in inspect.getmembers(module, dataclasses.is_dataclass)
        if cls.__module__ == module.__name__
    }

    assert classes == set(EXAMPLES) | WITHOUT_FIELDS


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=lambda example: example.name)
def test_no_field_of_an_example_is_missing_here(example):
    plain = {"data", "args", "status", "markPrice"}  # read by somebody else, or only when another field is absent

    assert set(example.payload) - plain <= set(example.fields)
    assert example.read({**example.payload, "newField": [1], "another": None}) == example.read(example.payload)


@pytest.mark.parametrize("example, key, kind", cases(lambda example: example.required))
def test_an_object_without_a_required_field_is_refused_by_its_name(example, key, kind):
    for payload in (without(example.payload, key), *({**example.payload, key: absent} for absent in ABSENT)):
        with pytest.raises(VestPayloadError, match=f"^{example.name}.{key}: missing$"):
            example.read(payload)


@pytest.mark.parametrize("example, key, kind", cases(lambda example: example.optional | example.spare))
def test_an_optional_field_may_be_absent_in_every_way_there_is(example, key, kind):
    left_out = example.read(without(example.payload, key))

    for absent in ABSENT:
        assert example.read({**example.payload, key: absent}) == left_out


@every_field
def test_forms_may_be_swapped_where_there_is_one_reading(example, key, kind):
    for value in kind.same(example.payload[key]):
        assert example.read({**example.payload, key: value}) == example.read(example.payload), repr(value)


@pytest.mark.parametrize("example, key, kind", cases(lambda example: example.required | example.optional))
def test_whatever_would_have_to_be_guessed_at_is_refused_by_the_fields_name(example, key, kind):
    for value in kind.wrong:
        with pytest.raises(VestPayloadError) as refusal:
            example.read({**example.payload, key: value})
        assert str(refusal.value).startswith(f"{example.name}.{key}: "), repr(value)


@pytest.mark.parametrize("example, key, kind", cases(lambda example: example.spare))
def test_c18_what_cannot_be_read_of_a_field_to_spare_is_passed_over_and_named(example, key, kind):
    absent = example.read({**example.payload, key: None})

    for value in kind.wrong:
        read = example.read({**example.payload, key: value})

        assert dataclasses.replace(read, unread=absent.unread) == absent
        (complaint,) = read.unread
        assert complaint.startswith(f"{example.name}.{key}: "), repr(value)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=lambda example: example.name)
@pytest.mark.parametrize("payload", [None, [], "text", 5, True, [{}]], ids=repr)
def test_what_is_no_object_is_refused_by_the_objects_name(example, payload):
    if example is EXAMPLES[wire.ErrorBody]:
        assert example.read(payload) is None
        return
    with pytest.raises(VestPayloadError, match=f"^{example.name}: not a JSON object$"):
        example.read(payload)


@pytest.mark.parametrize("side", ["bids", "asks"])
@pytest.mark.parametrize("row", [
    [True, "1"], ["1", False], ["NaN", "1"], ["1", "1e400"], ["", "1"], [None, "1"], [["1"], "1"], {}, 5, [],
], ids=repr)
def test_a19_a_row_of_a_book_is_a_price_and_an_amount(side, row):
    with pytest.raises(VestPayloadError, match=f"^depth.{side}: "):
        wire.Depth.from_payload({side: [row]})


@pytest.mark.parametrize("value", [*INTEGER.wrong, -1, 10 ** 13], ids=repr)
def test_a_frames_time_that_cannot_be_read_blocks_nothing(value):
    message = messages.socket_message_from({"channel": "account_private", "data": {"event": "LP"}, "tsMs": value})
    depth = wire.Depth.from_payload({"bids": [["1", "2"]], "asks": [], "ts_ms": value})

    assert (message.data, message.time_ms) == ({"event": "LP"}, None)
    assert (depth.bids, depth.time_ms) == ([(1.0, 2.0)], None)


@pytest.mark.parametrize("time_ms", [-1, 10 ** 13])
def test_a_transfers_time_that_is_none_hides_no_transfer(time_ms):
    example = EXAMPLES[wire.TransferRecord]

    record = example.read({**example.payload, "postTime": time_ms})

    assert (record.nonce, record.post_time_ms, len(record.unread)) == (17, None, 1)
