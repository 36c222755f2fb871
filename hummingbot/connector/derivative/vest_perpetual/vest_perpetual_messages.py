"""The messages of the venue's sockets: frames, what is in them, and the requests sent (protocol section 6)."""
from dataclasses import dataclass
from typing import Any, Container, Dict, List, Mapping, Optional, Tuple, Union

import brotli

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import Fields, excerpt, parse_json
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import ErrorBody, Order, ticker_rows

# What a compressed frame may grow to, in bytes; aiohttp bounds uncompressed ones by as much.
_MAX_DECOMPRESSED_BYTES = 4 * 1024 * 1024
_BROTLI_CHUNK_BYTES = 256 * 1024


def decode_frame(data: Any) -> List[Dict[str, Any]]:
    """The JSON objects of one WebSocket frame, in order.

    Text, binary UTF-8 and brotli-compressed frames have all been seen (protocol section 2), and one frame may hold a
    list. An empty frame gives an empty list.

    :param data: what the framework's socket yields: decoded JSON, or the text or bytes it could not decode
    :raises VestPayloadError: when the frame holds no JSON objects
    """
    if data is None or data == "" or data == b"":
        return []
    if isinstance(data, (bytes, bytearray)):
        data = parse_json(_inflated(bytes(data)))
    elif isinstance(data, str):
        data = parse_json(data)
    messages = data if isinstance(data, list) else [data]
    if not all(isinstance(message, dict) for message in messages):
        raise VestPayloadError("frame: not a JSON object")
    return messages


def _inflated(data: bytes) -> bytes:
    if data.lstrip()[:1] in (b"{", b"["):
        return data
    decompressor = brotli.Decompressor()
    parts, size = [], 0
    try:
        part = decompressor.process(data, output_buffer_limit=_BROTLI_CHUNK_BYTES)
        while part:
            parts.append(part)
            size += len(part)
            if size > _MAX_DECOMPRESSED_BYTES:
                raise VestPayloadError("frame: grows beyond all bounds when decompressed")
            part = decompressor.process(b"", output_buffer_limit=_BROTLI_CHUNK_BYTES)
    except brotli.error as error:
        raise VestPayloadError("frame: neither JSON nor brotli") from error
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """A message of a subscribed channel, such as `BTC-PERP@depth`, `tickers` or `account_private`."""

    channel: str
    data: Any
    time_ms: Optional[int]

    @property
    def symbol(self) -> Optional[str]:
        """The symbol of a per-symbol channel."""
        symbol, separator, _ = self.channel.rpartition("@")
        return symbol if separator else None

    @property
    def topic(self) -> str:
        """The channel without its symbol: depth, trades, ticker, tickers, kline_1m, account_private."""
        return self.channel.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class SubscriptionAnswer:
    """The answer to SUBSCRIBE or UNSUBSCRIBE; `rejected` maps refused channels to the venue's reason.

    One style names the request and no channels, the other names the channels and no request.
    """

    request_id: Optional[int]
    registered: Tuple[str, ...]
    rejected: Dict[str, str]


@dataclass(frozen=True, slots=True)
class RequestRefusal:
    """The venue refused a request of the socket; `request_id` is None when it does not say which."""

    request_id: Optional[int]
    error: ErrorBody


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to an application-level PING."""


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message of no known kind; to be ignored."""


SocketMessage = Union[ChannelMessage, SubscriptionAnswer, RequestRefusal, Pong, UnknownMessage]


def socket_message_from(payload: Mapping[str, Any]) -> SocketMessage:
    """What one JSON object of a frame is (protocol section 6).

    :param payload: one object of `decode_frame`
    :raises VestPayloadError: when an object of a known kind lacks a field
    """
    fields = Fields("message", payload)
    data = payload.get("data")
    if fields.has("channel"):
        return ChannelMessage(channel=fields.text("channel"), data=data, time_ms=fields.time_ms_if_readable("tsMs"))
    if isinstance(data, str) and data.upper() == CONSTANTS.WS_PONG:
        return Pong()
    if "subscription_outcomes" in payload:
        return _subscription_outcomes(fields.optional_integer("id"), fields.rows("subscription_outcomes"))
    if fields.has("error") or fields.has("code") or fields.has("detail"):
        error = _refusal(payload)
        if error is not None:
            return RequestRefusal(fields.optional_integer("id"), error)
    if "result" in payload and fields.has("id"):
        return SubscriptionAnswer(request_id=fields.integer("id"), registered=(), rejected={})
    return UnknownMessage()


def _refusal(payload: Mapping[str, Any]) -> Optional[ErrorBody]:
    detail = payload.get("error")
    if detail is None:
        return ErrorBody.from_payload({**payload, "id": None}, is_error_status=True)
    error = ErrorBody.from_payload(detail, is_error_status=True)
    words = excerpt(detail) if isinstance(detail, str) else "refused without a reason"
    return error or ErrorBody(code=None, message=words)


def _subscription_outcomes(request_id: Optional[int], rows: List[Any]) -> SubscriptionAnswer:
    registered, rejected = [], {}
    for row in rows:
        outcome = Fields("subscription_outcomes", row)
        channel = outcome.text("requested")
        if outcome.text("status") == "registered":
            registered.append(channel)
        else:
            rejected[channel] = outcome.words("reason") or "no reason given"
    return SubscriptionAnswer(request_id=request_id, registered=tuple(registered), rejected=rejected)


def ticker_messages(message: ChannelMessage, symbols: Container[str]) -> List[ChannelMessage]:
    """A message of the `tickers` channel as messages of the `{symbol}@ticker` channels; the rows are not yet read.

    :param message: its data is a list, or the answer of `GET /ticker/latest`
    :param symbols: the symbols that are wanted
    :raises VestPayloadError: when there are no rows
    """
    rows = [row for row in ticker_rows(message.data) if isinstance(row, Mapping)]
    return [
        ChannelMessage(CONSTANTS.TICKER_CHANNEL.format(symbol=row["symbol"]), row, message.time_ms)
        for row in rows if isinstance(row.get("symbol"), str) and row["symbol"] in symbols
    ]


def channel_request(method: str, channels: List[str], request_id: int) -> Dict[str, Any]:
    """A SUBSCRIBE, UNSUBSCRIBE or PING request.

    :param method: one of the `WS_` methods of the constants
    :param channels: the channels; empty for PING
    :param request_id: echoed by the answer
    """
    return {"method": method, "params": channels, "id": request_id}


@dataclass(frozen=True, slots=True)
class PrivateEvent:
    """An event of the `account_private` channel; `order` is there for ORDER events only."""

    kind: str
    order: Optional[Order]

    @classmethod
    def from_payload(cls, payload: Any) -> "PrivateEvent":
        """:raises VestPayloadError: when the kind, or the order that it tells of, cannot be read"""
        fields = Fields("account_private", payload)
        kind = fields.text("event")
        return cls(kind=kind, order=Order.from_payload(fields.raw("args")) if kind == CONSTANTS.EVENT_ORDER else None)
