"""The venue's objects: captured frames, documented forms, and everything a payload can get wrong."""
import dataclasses
import json
from decimal import Decimal
from pathlib import Path

import brotli
import pytest
from hypothesis import given, settings, strategies as st

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_messages as messages,
    vest_perpetual_payload as payload,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_account_reader import read_account
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError

CAPTURED = Path(__file__).parents[4] / "data" / "vest_api"
DEPTH, TICKER, TRADE = ((CAPTURED / f"{name}.json").read_text() for name in ("depth", "ticker", "trade"))

# Written by hand from protocol section 5.
FILLED_ORDER = {
    "id": "0x123", "nonce": 17, "symbol": "BTC-PERP", "isBuy": True, "orderType": "LIMIT", "limitPrice": "30000.0",
    "markPrice": "30000.1", "size": "0.1000", "status": "FILLED", "reduceOnly": False, "initMarginRatio": "0.1",
    "code": None, "lastFilledSize": "0.0400", "lastFilledPrice": "29999.5", "lastFilledTime": 1683849600076,
    "avgFilledPrice": "29999.8", "settledFunding": "-0.5", "fees": "0.3", "realizedPnl": "1.25",
    "postTime": 1683849600000, "tpPrice": None, "slPrice": None,
}
CANCELLATION = {"id": "0x123", "status": "CANCELLED", "postTime": 1683849600000, "nonce": 17}
ACCOUNT = {
    "address": "0x1", "balances": [{"asset": "USDC", "total": "1000.5", "locked": "10"}], "collateral": "1000.5",
    "withdrawable": "990.5", "totalAccountValue": "1001", "openOrderMargin": "0", "totalMaintMargin": "1",
    "positions": [{
        "symbol": "BTC-PERP", "isLong": False, "size": "0.1", "entryPrice": "30000", "entryFunding": "1",
        "unrealizedPnl": "-2.5", "settledFunding": "0.1", "markPrice": "30025", "indexPrice": "30024",
        "liqPrice": "40000", "initMargin": "300", "maintMargin": "150", "initMarginRatio": "0.1",
    }],
    "leverages": [{"symbol": "BTC-PERP", "value": 10}], "lp": {}, "time": 1683849600000,
}
SYMBOL = {
    "symbol": "BTC-PERP", "displayName": "BTC", "base": "BTC", "quote": "USDC", "sizeDecimals": 4, "priceDecimals": 2,
    "initMarginRatio": "0.1", "maintMarginRatio": "0.05", "takerFee": "0.0001", "isolated": False,
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.decimals(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=4), children, max_size=4),
    max_leaves=8,
)


def mutated(example):
    """The example with some fields replaced by anything and some missing."""
    return st.fixed_dictionaries(
        {}, optional={key: st.just(value) | json_values for key, value in example.items()}
    ) | json_values


# --- Frames


@pytest.mark.parametrize("as_frame", [
    lambda text: text,
    lambda text: text.encode(),
    lambda text: bytearray(text.encode()),
    lambda text: b" \n" + text.encode(),
    lambda text: brotli.compress(text.encode()),
    json.loads,
], ids=["text", "binary", "bytearray", "binary with space", "brotli", "decoded"])
@pytest.mark.parametrize("text", [DEPTH, TICKER, TRADE, '{"data": "PONG"}'])
def test_frames_decode_in_all_their_forms(text, as_frame):
    assert messages.decode_frame(as_frame(text)) == [json.loads(text)]


@pytest.mark.parametrize("frame", [None, "", b""])
def test_empty_frames_hold_nothing(frame):
    assert messages.decode_frame(frame) == []


def test_a_frame_may_hold_a_list():
    assert messages.decode_frame('[{"a": 1}, {"b": 2}]') == [{"a": 1}, {"b": 2}]


def test_captured_depth_is_the_whole_book_best_first():
    message = messages.socket_message_from(messages.decode_frame(DEPTH)[0])
    depth = wire.Depth.from_payload(message.data)

    assert (message.symbol, message.topic) == ("NDX-USD-PERP", "depth")
    assert (depth.bids[0], depth.asks[0]) == ((31478.75, 4.8135), (31480.0, 4.8135))
    assert depth.bids == sorted(depth.bids, reverse=True) and depth.asks == sorted(depth.asks)
    assert len(depth.bids) == len(json.loads(DEPTH)["data"]["bids"])


def test_captured_ticker_is_exact():
    message = messages.socket_message_from(messages.decode_frame(TICKER)[0])

    ticker = wire.Ticker.from_payload(message.data)

    assert message.time_ms == 1791415136830
    assert ticker.one_hr_funding_rate == Decimal("0.0000057077625570776")
    assert (ticker.mark_price, ticker.index_price) == (Decimal("31479.37"), Decimal("31452.12"))
    assert ticker.status == "TRADING"


def test_captured_trade_has_its_takers_side():
    message = messages.socket_message_from(messages.decode_frame(TRADE)[0])

    (trade,) = wire.trades_from(message.data)

    assert trade == wire.Trade(
        trade_id="40ef46ff781e4d669c53f61c1bb87b57:40239908:0", price=Decimal("31477.75"), quantity=Decimal("0.0008"),
        is_buy=True, time_ms=1791415176695,
    )


def test_a_compressed_frame_that_grows_beyond_bounds_is_refused():
    bomb = brotli.compress(b"[" + b" " * (64 * 1024 * 1024) + b"]", quality=1)

    with pytest.raises(VestPayloadError, match="grows"):
        messages.decode_frame(bomb)


def test_a_cut_off_compressed_frame_is_refused():
    compressed = brotli.compress(DEPTH.encode())

    with pytest.raises(VestPayloadError):
        messages.decode_frame(compressed[:len(compressed) // 2])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=64) | st.text(max_size=64) | json_values | st.binary(max_size=64).map(brotli.compress))
def test_whatever_a_frame_holds_there_is_but_one_error(frame):
    try:
        objects = messages.decode_frame(frame)
    except VestPayloadError:
        return
    assert all(isinstance(item, dict) for item in objects)


@pytest.mark.parametrize("text", [
    "NaN", '{"a": NaN}', '{"a": -Infinity}', "", "{", "nul", "\x00", b"\xff\xfe\xff", '{"a": 1e99999999999999999999}',
    "[" * 100_000, '{"a":' * 100_000, "1" * 10_000, '{"a": 1} trailing',
], ids=lambda text: repr(text[:12]))
def test_what_is_no_json_is_refused(text):
    with pytest.raises(VestPayloadError):
        payload.parse_json(text)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40) | st.text(max_size=40) | json_values.map(str))
def test_parsing_anything_raises_but_one_error(text):
    try:
        payload.parse_json(text)
    except VestPayloadError:
        pass


def test_numbers_stay_exact():
    assert payload.parse_json('{"a": 0.1000000000000000000001}') == {"a": Decimal("0.1000000000000000000001")}


# --- Numbers


@pytest.mark.parametrize("value, expected", [
    ("1.50", "1.50"), (1, "1"), (0.1, "0.1"), (Decimal("2.5"), "2.5"), ("-3", "-3"), ("1e5", "1E+5"), (0, "0"),
])
def test_numbers_may_be_strings_and_strings_numbers(value, expected):
    assert str(payload.decimal_from(value, "order.size")) == expected


@pytest.mark.parametrize("value", [
    None, True, False, "", "abc", "NaN", "sNaN", "Infinity", float("nan"), float("inf"), Decimal("NaN"), [], {},
    "1e400", "1E-99", "9" * 65, 10 ** 70, "0x10", b"1", pytest.param(10 ** 5000, id="5001 digits"),
], ids=repr)
def test_what_is_no_number_is_refused_with_the_fields_name(value):
    with pytest.raises(VestPayloadError, match="^order.size: "):
        payload.decimal_from(value, "order.size")


@pytest.mark.parametrize("value, decimals, text", [
    ("3.12", 4, "3.1200"), ("3", 0, "3"), ("1E+3", 0, "1000"), ("1E+3", 2, "1000.00"), ("0.00000001", 8, "0.00000001"),
    ("123456789.5", 1, "123456789.5"), ("-0.5", 2, "-0.50"),
])
def test_a6_decimals_are_written_plain_with_exactly_so_many_digits(value, decimals, text):
    assert wire.decimal_text(Decimal(value), decimals) == text


@pytest.mark.parametrize("value, decimals", [("3.12345", 4), ("0.5", 0), ("1e-9", 8)])
def test_a6_a_value_off_its_step_is_refused_not_rounded(value, decimals):
    with pytest.raises(ValueError, match="decimals"):
        wire.decimal_text(Decimal(value), decimals)


@given(st.integers(-10**12, 10**12), st.integers(0, 18))
def test_a6_the_text_is_the_same_number(digits, decimals):
    value = Decimal(digits).scaleb(-decimals)

    text = wire.decimal_text(value, decimals)

    assert Decimal(text) == value
    assert len(text.partition(".")[2]) == decimals and "E" not in text


# --- Markets


def test_steps_come_from_the_decimals():
    info = wire.SymbolInfo.from_payload(SYMBOL)

    assert (info.size_step, info.price_tick) == (Decimal("0.0001"), Decimal("0.01"))
    assert (info.size_decimals, info.price_decimals) == (4, 2)
    assert (info.init_margin_ratio, info.taker_fee, info.max_leverage) == (Decimal("0.1"), Decimal("0.0001"), 10)
    assert info.status == "TRADING"


def test_newer_servers_say_more():
    info = wire.SymbolInfo.from_payload(
        {**SYMBOL, "minTickSize": "0.25", "tradingStatus": "HALT", "takerFee": "0", "tickSizes": []}
    )

    assert (info.price_tick, info.status, info.taker_fee) == (Decimal("0.25"), "HALT", 0)


@pytest.mark.parametrize("change", [
    {"symbol": None}, {"sizeDecimals": None}, {"sizeDecimals": 19}, {"priceDecimals": -1}, {"priceDecimals": "2.5"},
    {"priceDecimals": True}, {"minTickSize": "-1"}, {"symbol": ["BTC-PERP"]},
], ids=repr)
def test_a5_an_odd_instrument_blocks_no_other(change):
    info = wire.ExchangeInfo.from_payload({"symbols": [{**SYMBOL, **change}, SYMBOL]})

    assert [symbol.symbol for symbol in info.symbols] == ["BTC-PERP"]
    (complaint,) = info.complaints
    assert f"exchangeInfo.symbols.{next(iter(change))}" in complaint


def test_an_unknown_margin_ratio_leaves_the_leverage_open():
    assert wire.SymbolInfo.from_payload({**SYMBOL, "initMarginRatio": None}).max_leverage is None


@pytest.mark.parametrize("row", [{"symbol": "BTC-PERP", "markPrice": "1"}, {"symbol": "BTC-PERP", "indexPrice": ""}])
def test_partial_tickers_have_none_where_nothing_was_said(row):
    (ticker,), complaints = wire.tickers_from([row])

    assert ticker.index_price is None and ticker.one_hr_funding_rate is None and complaints == []
    assert wire.tickers_from({"tickers": [row]}) == ([ticker], [])


def test_a_ticker_without_a_symbol_takes_its_channels():
    assert wire.Ticker.from_payload({}, symbol="BTC-PERP").symbol == "BTC-PERP"
    with pytest.raises(VestPayloadError, match="ticker.symbol: missing"):
        wire.Ticker.from_payload({})


def test_funding_history_rows():
    row = wire.FundingRate.from_payload({"symbol": "BTC-PERP", "time": 3_600_000, "oneHrFundingRate": "-0.00001"})

    assert row == wire.FundingRate(time_ms=3_600_000, one_hr_funding_rate=Decimal("-0.00001"))


@pytest.mark.parametrize("bids, expected", [
    ([["1", "2"]], [(1.0, 2.0)]), ([[1, 2.5]], [(1.0, 2.5)]), ([], []), (None, []),
    ([["3", "0"], ["2", "1"]], [(2.0, 1.0)]),
])
def test_a19_books_may_be_one_sided_or_empty(bids, expected):
    depth = wire.Depth.from_payload({"bids": bids, "asks": [], "ts_ms": 7})

    assert (depth.bids, depth.asks, depth.time_ms) == (expected, [], 7)


@pytest.mark.parametrize("row", [
    ["1"], ["1", "2", "3"], 5, None, ["a", "b"], ["NaN", "1"], ["1", "NaN"], ["Infinity", "1"], ["-1", "1"],
    ["0", "1"], ["1", "-1"], ["1e308", "1"], [10 ** 400, 1], [[], {}],
], ids=repr)
def test_a19_a_broken_book_is_refused_whole(row):
    with pytest.raises(VestPayloadError, match="^depth.asks: "):
        wire.Depth.from_payload({"bids": [], "asks": [["1", "1"], row]})


@pytest.mark.parametrize("fields, is_buy, quantity", [
    ({"qty": "2"}, None, 2), ({"qty": "-2"}, False, 2), ({"qty": "2", "side": "SELL"}, False, 2),
    ({"qty": "2", "side": "buy"}, True, 2), ({"qty": "-2", "side": "?"}, False, 2),
])
def test_trades_in_all_the_forms_seen(fields, is_buy, quantity):
    (trade,) = wire.trades_from([{"id": 5, "price": "10", "time": 1, **fields}])

    assert (trade.trade_id, trade.is_buy, trade.quantity) == ("5", is_buy, Decimal(quantity))


# --- Orders and account


def test_a_filled_order():
    order = wire.Order.from_payload(FILLED_ORDER)

    assert (order.order_id, order.nonce, order.client_order_id, order.status) == ("0x123", 17, "17", "FILLED")
    assert (order.size, order.last_filled_size, order.fees) == (Decimal("0.1"), Decimal("0.04"), Decimal("0.3"))
    assert (order.post_time_ms, order.last_filled_time_ms) == (1683849600000, 1683849600076)
    assert (order.settled_funding, order.realized_pnl, order.code) == (Decimal("-0.5"), Decimal("1.25"), None)


def test_a_cancellation_says_next_to_nothing():
    order = wire.Order.from_payload(CANCELLATION)

    assert (order.order_id, order.status, order.nonce) == ("0x123", "CANCELLED", 17)
    assert (order.symbol, order.size, order.fees, order.is_buy, order.reduce_only) == (None,) * 5


def test_an_order_without_a_nonce_has_no_client_id():
    assert wire.Order.from_payload({"id": "0x1", "status": "NEW"}).client_order_id is None


def test_kinds_of_values_may_be_swapped():
    order = wire.Order.from_payload(
        {"id": 5, "nonce": "17", "status": "NEW", "isBuy": "TRUE", "size": 1.5, "reduceOnly": "false", "new": [1]}
    )

    assert (order.order_id, order.nonce, order.is_buy, order.size, order.reduce_only) == (
        "5", 17, True, Decimal("1.5"), False
    )


@pytest.mark.parametrize("change, complaint", [
    ({"id": None}, "order.id: missing"), ({"id": True}, "order.id: not a text"), ({"status": ""}, "order.status"),
])
def test_complaints_name_the_field(change, complaint):
    with pytest.raises(VestPayloadError, match=complaint):
        wire.Order.from_payload({**FILLED_ORDER, **change})


@pytest.mark.parametrize("change, complaint", [
    ({"code": "OK"}, "order.code: not a decimal number"), ({"nonce": "1.5"}, "order.nonce: not an integer"),
    ({"isBuy": 1}, "order.isBuy: neither true nor false"), ({"fees": "NaN"}, "order.fees: not a decimal number"),
])
def test_c18_an_order_with_an_odd_field_still_says_that_it_ended(change, complaint):
    odd = wire.Order.from_payload({**FILLED_ORDER, **change})
    plain = wire.Order.from_payload({**FILLED_ORDER, **dict.fromkeys(change)})

    assert odd == dataclasses.replace(plain, unread=(complaint,))


def test_a16_a_position_is_seen_though_its_entry_price_cannot_be_read():
    (row,) = ACCOUNT["positions"]

    position = wire.Position.from_payload({**row, "entryPrice": None, "unrealizedPnl": "a lot"})

    assert (position.signed_size, position.entry_price, position.unrealized_pnl) == (
        Decimal("-0.1"), Decimal("30025"), None
    )
    assert position.unread == (
        "account.positions.entryPrice: missing", "account.positions.unrealizedPnl: not a decimal number",
    )
    with pytest.raises(VestPayloadError, match="markPrice: missing"):
        wire.Position.from_payload({**row, "entryPrice": None, "markPrice": None})


def test_a16_a_long_position_is_positive_however_its_size_is_signed():
    payload = {**ACCOUNT["positions"][0], "isLong": True, "size": "-2"}

    assert wire.Position.from_payload(payload).signed_size == Decimal(2)


@pytest.mark.parametrize("read, example", [
    (wire.SymbolInfo.from_payload, SYMBOL),
    (wire.ExchangeInfo.from_payload, {"symbols": [SYMBOL]}),
    (wire.tickers_from, {"tickers": [json.loads(TICKER)["data"]]}),
    (wire.FundingRate.from_payload, {"time": 1, "oneHrFundingRate": "1"}),
    (wire.Depth.from_payload, {"bids": [["1", "1"]], "asks": [["2", "1"]], "ts_ms": 1}),
    (wire.trades_from, json.loads(TRADE)["data"]),
    (wire.Order.from_payload, FILLED_ORDER),
    (read_account, ACCOUNT),
    (wire.Position.from_payload, ACCOUNT["positions"][0]),
    (wire.order_id_from, {"id": "0x1"}),
    (wire.listen_key_from, {"listenKey": "key"}),
    (lambda payload: wire.ErrorBody.from_payload(payload, True), {"code": 1, "msg": "m", "detail": {"code": 1}}),
    (messages.PrivateEvent.from_payload, {"event": "ORDER", "args": CANCELLATION}),
    (messages.socket_message_from, {"id": 1, "result": None, "error": {"code": 1}, "channel": "c", "data": "PONG"}),
    (messages.socket_message_from, {"id": 1, "subscription_outcomes": [{"requested": "c", "status": "registered"}]}),
], ids=lambda value: getattr(value, "__qualname__", None))
def test_whatever_a_payload_holds_there_is_but_one_error(read, example):
    read(example)

    @settings(max_examples=100, deadline=None)
    @given(mutated(example))
    def check(payload):
        try:
            read(payload)
        except VestPayloadError:
            pass

    check()


# --- Errors


@pytest.mark.parametrize("is_error_status", [True, False])
@pytest.mark.parametrize("payload", [
    {"code": 1121, "msg": "bad symbol"}, {"detail": {"code": 1121, "msg": "bad symbol"}},
    {"code": "1121", "msg": "bad symbol"},
])
def test_errors_are_found_in_both_shapes_whatever_the_status(payload, is_error_status):
    assert wire.ErrorBody.from_payload(payload, is_error_status) == wire.ErrorBody(1121, "bad symbol")


def test_a_detail_in_plain_text_is_an_error_when_the_status_says_so():
    assert wire.ErrorBody.from_payload({"detail": "Not Found"}, True) == wire.ErrorBody(None, "Not Found")
    assert wire.ErrorBody.from_payload({"detail": "all is well"}, False) is None


@pytest.mark.parametrize("payload", [
    {}, [], None, "text", {"code": 0, "msg": "ok"}, {"code": 200}, {"id": "0x1", "code": 5}, {"code": None},
])
def test_what_is_no_error(payload):
    assert wire.ErrorBody.from_payload(payload, False) is None


# --- Requests and socket messages


def test_requests_hold_what_the_protocol_names():
    assert wire.order_request(1, "BTC-PERP", True, "1.0", "LIMIT", "2.0", False, "GTC") == {"order": {
        "nonce": 1, "symbol": "BTC-PERP", "isBuy": True, "size": "1.0", "orderType": "LIMIT", "limitPrice": "2.0",
        "reduceOnly": False, "timeInForce": "GTC",
    }}
    assert "timeInForce" not in wire.order_request(1, "BTC-PERP", True, "1.0", "MARKET", "2.0", False)["order"]
    assert wire.cancel_request(2, "0x1") == {"order": {"nonce": 2, "id": "0x1"}}
    assert wire.lp_request(3, "DEPOSIT", "100") == {"order": {"nonce": 3, "orderType": "DEPOSIT", "size": "100"}}
    assert wire.leverage_request("BTC-PERP", 5) == {"symbol": "BTC-PERP", "value": 5}
    subscription = {"method": "SUBSCRIBE", "params": ["tickers"], "id": 4}
    assert messages.channel_request("SUBSCRIBE", ["tickers"], 4) == subscription
    assert wire.withdraw_request(5, "0xa", "0xb", "0xc", 7_000_000, 324, True) == {"execute": True, "order": {
        "nonce": 5, "account": "0xa", "recipient": "0xb", "token": "0xc", "size": "7000000", "chainId": 324,
    }}
    assert wire.records_query(nonce=6) == {"nonce": 6, "limit": 1000}
    assert wire.records_query(start_ms=0, end_ms=9) == {"startTime": 0, "endTime": 9, "limit": 1000}


def test_answers_name_the_order_and_the_listen_key():
    assert wire.order_id_from({"id": "0xabc"}) == "0xabc"
    assert wire.listen_key_from({"listenKey": "key"}) == "key"
    with pytest.raises(VestPayloadError, match="answer.id: missing"):
        wire.order_id_from({})


@pytest.mark.parametrize("text", ["PONG", "pong", "Pong"])
def test_pongs(text):
    assert messages.socket_message_from({"data": text}) == messages.Pong()


@pytest.mark.parametrize("payload", [{}, {"a": 1}, {"data": "hello"}, {"result": None}, {"data": None}])
def test_messages_of_no_known_kind(payload):
    assert messages.socket_message_from(payload) == messages.UnknownMessage()


def test_an_acknowledged_subscription():
    answer = messages.socket_message_from({"result": None, "id": 3})

    assert (answer.request_id, answer.rejected) == (3, {})


def test_a_subscription_with_outcomes():
    answer = messages.socket_message_from({"id": 4, "subscription_outcomes": [
        {"requested": "BTC-PERP@depth", "status": "registered"},
        {"requested": "X@depth", "status": "rejected", "reason": "unknown symbol"},
        {"requested": "Y@depth", "status": "rejected"},
    ]})

    assert (answer.request_id, answer.registered) == (4, ("BTC-PERP@depth",))
    assert answer.rejected == {"X@depth": "unknown symbol", "Y@depth": "no reason given"}


@pytest.mark.parametrize("payload, error", [
    ({"id": 5, "code": 1121, "msg": "bad symbol"}, wire.ErrorBody(1121, "bad symbol")),
    ({"id": 5, "detail": {"code": 1121, "msg": "bad symbol"}}, wire.ErrorBody(1121, "bad symbol")),
    ({"id": 5, "error": {"code": 1121, "msg": "bad symbol"}}, wire.ErrorBody(1121, "bad symbol")),
    ({"id": 5, "error": "bad symbol"}, wire.ErrorBody(None, "bad symbol")),
    ({"id": 5, "detail": "bad symbol"}, wire.ErrorBody(None, "bad symbol")),
    ({"id": 5, "error": [1]}, wire.ErrorBody(None, "refused without a reason")),
])
def test_a_refused_request_of_the_socket(payload, error):
    assert messages.socket_message_from(payload) == messages.RequestRefusal(5, error)
    assert messages.socket_message_from({**payload, "id": None}) == messages.RequestRefusal(None, error)


def test_a_subscription_acknowledged_with_a_code_that_is_no_error():
    answer = messages.socket_message_from({"result": None, "id": 3, "code": 0, "msg": "ok"})

    assert answer == messages.SubscriptionAnswer(request_id=3, registered=(), rejected={})


def test_a_code_that_is_no_error_is_no_refusal():
    assert messages.socket_message_from({"code": 0, "msg": "ok"}) == messages.UnknownMessage()


def test_a_tickers_message_is_split_by_the_symbols_wanted():
    rows = [{"symbol": "BTC-PERP"}, {"symbol": "ETH-PERP"}, {"symbol": ["?"]}, {}, None]

    split = messages.ticker_messages(messages.ChannelMessage("tickers", rows, 7), {"BTC-PERP"})

    assert split == [messages.ChannelMessage("BTC-PERP@ticker", {"symbol": "BTC-PERP"}, 7)]


def test_private_events():
    order = messages.PrivateEvent.from_payload({"event": "ORDER", "args": CANCELLATION}).order
    assert order == wire.Order.from_payload(CANCELLATION)
    assert messages.PrivateEvent.from_payload({"event": "TRANSFER", "args": {"id": 1}}).order is None
