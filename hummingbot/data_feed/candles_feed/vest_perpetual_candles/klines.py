"""The venue's bars as it sends them (protocol section 4)."""
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, List

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import Fields, rows_from

_KLINE_FIELDS = ("openTime", "open", "high", "low", "close", "closeTime", "volume", "quoteVolume", "trades")


@dataclass(frozen=True, slots=True)
class Kline:
    """One bar of `GET /klines` or of the kline channels, which send a row instead of an object; prices in quote."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int

    @classmethod
    def from_payload(cls, payload: Any) -> "Kline":
        """:raises VestPayloadError: when the row cannot be read or a price is not positive"""
        fields = Fields("kline", dict(zip(_KLINE_FIELDS, rows_from(payload, "kline"))))
        prices = {name: fields.decimal(name) for name in ("open", "high", "low", "close")}
        if min(prices.values()) <= 0:
            raise VestPayloadError("kline: a price is not positive")
        return cls(
            open_ms=fields.time_ms("openTime"),
            volume=fields.optional_decimal("volume") or Decimal(0),
            quote_volume=fields.optional_decimal("quoteVolume") or Decimal(0),
            trades=fields.optional_integer("trades") or 0,
            **prices,
        )


def kline_rows(payload: Any) -> List[Any]:
    """The bars of one message of a kline channel, undecoded: a single row or a list of them.

    :param payload: decoded JSON
    """
    rows = rows_from(payload, "kline")
    return rows if all(isinstance(row, list) for row in rows) else [rows]
