"""What a hostile venue reaches first: every decoder of the connector, an example for each, and what it may make of it.

Used by the property tests and by the programs in this folder, which let atheris look for inputs of its own.
"""
import dataclasses
import json
from contextlib import suppress
from decimal import Decimal
from typing import Any, Callable, Dict, Tuple

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_messages as messages,
    vest_perpetual_statistics as statistics,
    vest_perpetual_web_utils as web_utils,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_account_reader import read_account
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_depth_frames import depth_message_from
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError, VestPayloadError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import api_key_and_group_from
from hummingbot.data_feed.candles_feed.vest_perpetual_candles.klines import Kline, kline_rows

ORDER = {
    "id": "0x123", "nonce": 17, "symbol": "BTC-PERP", "isBuy": True, "orderType": "LIMIT", "limitPrice": "30000.0",
    "markPrice": "30000.1", "size": "0.1000", "status": "FILLED", "reduceOnly": False, "initMarginRatio": "0.1",
    "code": None, "lastFilledSize": "0.0400", "lastFilledPrice": "29999.5", "lastFilledTime": 1683849600076,
    "avgFilledPrice": "29999.8", "settledFunding": "-0.5", "fees": "0.3", "realizedPnl": "1.25",
    "postTime": 1683849600000, "tpPrice": None, "slPrice": None,
}
CANCELLATION = {"id": "0x123", "status": "CANCELLED", "postTime": 1683849600000, "nonce": 17}
REJECTION = {"id": "0x123", "status": "REJECTED", "code": 3001, "postTime": 1683849600000, "nonce": 17}
TRANSFER = {
    "id": "0x1", "size": "5", "orderType": "DEPOSIT", "status": "FILLED", "code": None, "postTime": 1, "nonce": 1,
}
POSITION = {
    "symbol": "BTC-PERP", "isLong": False, "size": "0.1", "entryPrice": "30000", "entryFunding": "1",
    "unrealizedPnl": "-2.5", "settledFunding": "0.1", "markPrice": "30025", "indexPrice": "30024", "liqPrice": "40000",
    "initMargin": "300", "maintMargin": "150", "initMarginRatio": "0.1",
}
ACCOUNT = {
    "address": "0x1", "balances": [{"asset": "USDC", "total": "1000.5", "locked": "10"}], "collateral": "1000.5",
    "withdrawable": "990.5", "totalAccountValue": "1001", "openOrderMargin": "0", "totalMaintMargin": "1",
    "positions": [POSITION], "leverages": [{"symbol": "BTC-PERP", "value": 10}], "lp": {}, "time": 1683849600000,
}
SYMBOL = {
    "symbol": "BTC-PERP", "displayName": "BTC", "base": "BTC", "quote": "USDC", "sizeDecimals": 4, "priceDecimals": 2,
    "initMarginRatio": "0.1", "maintMarginRatio": "0.05", "takerFee": "0.0001", "isolated": False,
    "tradingStatus": "TRADING", "asset": "crypto", "minTickSize": "0.25",
}
TICKER = {
    "symbol": "BTC-PERP", "markPrice": "30000.1", "indexPrice": "30000.2", "imbalance": "0",
    "oneHrFundingRate": "0.0001", "cumFunding": "1.5", "status": "TRADING",
}
TRADE = {"id": "1", "price": "30000", "qty": "-0.5", "quoteQty": "-15000", "time": 1683849600000, "side": "sell"}
DEPTH = {"bids": [["30000", "0.5"], ["29999.5", "1"]], "asks": [["30001", "2"]], "ts_ms": 1683849600000}
DAY = {
    "symbol": "BTC-PERP", "openPrice": "29000", "closePrice": "30000.1", "highPrice": "30100", "lowPrice": "28900",
    "quoteVolume": "1000000.5", "volume": "33.5", "priceChange": "1000.1", "priceChangePercent": "3.4",
    "openTime": 1683763200000, "closeTime": 1683849600000,
}
KLINE = [1683849600000, "30000", "30010", "29990", "30005", 1683849659999, "1.5", "45000", 3]
FUNDING = {"symbol": "BTC-PERP", "time": 1683849600000, "oneHrFundingRate": "0.0001"}


def _order_from(row: Any) -> wire.Order:
    """An order, of which an odd field may have spoilt no other."""
    order = wire.Order.from_payload(row)
    odd = {complaint.partition(":")[0].rpartition(".")[2] for complaint in order.unread}
    rest = wire.Order.from_payload({key: value for key, value in row.items() if key not in odd})
    assert dataclasses.replace(order, unread=()) == rest, "an odd field that counts as more than absent"
    return order


# By what they come in: the body of an answer, read by the decoder.
ANSWERS: Dict[str, Tuple[Callable[[Any], Any], Any]] = {
    "exchange info": (wire.ExchangeInfo.from_payload, {"symbols": [SYMBOL, SYMBOL], "exchange": {"lp": "0"}}),
    "tickers": (wire.tickers_from, {"tickers": [TICKER]}),
    "funding history": (lambda rows: [wire.FundingRate.from_payload(row) for row in _rows(rows)], [FUNDING, FUNDING]),
    "depth": (wire.Depth.from_payload, DEPTH),
    "trades": (wire.trades_from, [TRADE, TRADE]),
    "orders": (lambda rows: [_order_from(row) for row in _rows(rows)], [ORDER, CANCELLATION]),
    "account": (read_account, ACCOUNT),
    "transfers": (lambda rows: [wire.TransferRecord.from_payload(row) for row in _rows(rows)], [TRANSFER]),
    "24 hours": (statistics.day_tickers_from, {"tickers": [DAY]}),
    "open interest": (statistics.open_interests_from, {"ois": [{"symbol": "BTC-PERP", "longOi": "1.5", "shortOi": 2}]}),
    "klines": (lambda rows: [Kline.from_payload(row) for row in kline_rows(rows)], [KLINE, KLINE]),
    "registration": (api_key_and_group_from, {"apiKey": "key", "accGroup": 5}),
    "leverage": (wire.Leverage.from_payload, {"symbol": "BTC-PERP", "value": 10}),
    "order id": (wire.order_id_from, {"id": "0x1"}),
    "listen key": (wire.listen_key_from, {"listenKey": "key"}),
    "error": (lambda payload: wire.ErrorBody.from_payload(payload, True), {"detail": {"code": 1121, "msg": "no"}}),
}
FRAMES: Dict[str, Any] = {
    "depth": {"channel": "BTC-PERP@depth", "data": DEPTH, "tsMs": 1683849600000},
    "trade": {"channel": "BTC-PERP@trades", "data": TRADE},
    "trades": {"channel": "BTC-PERP@trades", "data": [TRADE, TRADE]},
    "ticker": {"channel": "BTC-PERP@ticker", "data": TICKER},
    "tickers": {"channel": "tickers", "data": [TICKER]},
    "new order": {"channel": "account_private", "data": {"event": "ORDER", "args": {**ORDER, "status": "NEW"}}},
    "fill": {"channel": "account_private", "data": {"event": "ORDER", "args": ORDER}},
    "cancellation": {"channel": "account_private", "data": {"event": "ORDER", "args": CANCELLATION}},
    "rejection": {"channel": "account_private", "data": {"event": "ORDER", "args": REJECTION}},
    "lp": {"channel": "account_private", "data": {"event": "LP", "args": TRANSFER}},
    "transfer": {"channel": "account_private", "data": {"event": "TRANSFER", "args": TRANSFER}},
    "pong": {"data": "PONG"},
    "acknowledgement": {"result": None, "id": 1},
    "outcomes": {"subscription_outcomes": [
        {"requested": "BTC-PERP@depth", "status": "registered"},
        {"requested": "X@depth", "status": "rejected", "reason": "unknown"},
    ]},
    "refusal": {"error": {"code": 1121, "msg": "bad symbol"}, "id": 1},
    "batch": [{"data": "PONG"}, {"result": None, "id": 1}],
}
_CHANNEL_READERS = {
    "depth": wire.Depth.from_payload,
    "trades": wire.trades_from,
    "ticker": lambda data: wire.Ticker.from_payload(data, symbol="BTC-PERP"),
    "account_private": messages.PrivateEvent.from_payload,
}


def read_frame(frame: Any) -> None:
    """Reads a frame as the connector does, to the last field.

    :param frame: the text or the bytes of a frame
    :raises AssertionError: for an object that no honest venue could have meant
    """
    book, read = depth_message_from(frame), []
    with suppress(VestPayloadError):
        for payload in messages.decode_frame(frame):
            with suppress(VestPayloadError):  # each message counts for itself
                read.append(_message(payload))
    check(read)
    assert book is None or [book] == read, "an order book that the general way reads otherwise"


def _message(payload: Any) -> Any:
    message = messages.socket_message_from(payload)
    if not isinstance(message, messages.ChannelMessage):
        return message
    if message.channel == "tickers":
        return [wire.Ticker.from_payload(row.data) for row in messages.ticker_messages(message, ["BTC-PERP"])]
    read = _CHANNEL_READERS.get(message.topic)
    return dataclasses.replace(message, data=read(message.data) if read else None)


def read_answer(name: str, body: str, status: int = 200, headers: Any = None) -> None:
    """Reads an answer as the connector does.

    :param name: which of `ANSWERS`
    :param body: the answer's text
    :raises AssertionError: for an object that no honest venue could have meant
    """
    try:
        check(ANSWERS[name][0](web_utils.decode_answer(status, headers or {}, body)))
    except VestError as error:
        assert len(str(error)) < 1000 and str(error).isprintable(), "an error that is not fit for a log"


def check(value: Any) -> None:
    """What is read may be wrong, but not dangerous: no number without end, no time beyond all calendars, no text that
    breaks a line or an encoding.

    :raises AssertionError: otherwise
    """
    if isinstance(value, (list, tuple, frozenset)):
        for item in value:
            check(item)
    elif isinstance(value, dict):
        check([*value, *value.values()])
    elif isinstance(value, str):
        assert len(value) <= 4096 and value.isprintable()
    elif isinstance(value, Decimal):
        assert value.is_finite() and abs(value.adjusted()) <= 40 and len(str(value)) <= 128
    elif isinstance(value, float):
        assert 0 < value < 1e300
    elif isinstance(value, int):
        assert abs(value) <= 10 ** 41
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            content = getattr(value, field.name)
            assert content is None or not field.name.endswith("_ms") or 0 <= content < 10 ** 13
            check(content)


def _rows(payload: Any) -> Any:
    if not isinstance(payload, list):
        raise VestPayloadError("rows: not a list")
    return payload


def seeds() -> Dict[str, bytes]:
    """Every frame and every answer as bytes, for a fuzzer to begin with."""
    answers = {f"answer {name}": example for name, (_, example) in ANSWERS.items()}
    return {name: json.dumps(example).encode() for name, example in {**FRAMES, **answers}.items()}
