"""What the venue tells of a market beside its prices: open interest and the last 24 hours (protocol sections 4 and 5).

Read as everything else of the venue, by the rule of `_payload`; times are in ms, decimals exact.
"""
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, List

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import Fields


@dataclass(frozen=True, slots=True)
class OpenInterest:
    """One row of `GET /oi`, which the venue does not document: what all accounts hold, in base as far as is known [?].
    """

    symbol: str
    long: Decimal
    short: Decimal

    @classmethod
    def from_payload(cls, payload: Any) -> "OpenInterest":
        """:raises VestPayloadError: when a field is missing or cannot be read"""
        fields = Fields("oi", payload)
        return cls(symbol=fields.text("symbol"), long=fields.decimal("longOi"), short=fields.decimal("shortOi"))


@dataclass(frozen=True, slots=True)
class DayTicker:
    """One row of `GET /ticker/24hr`: prices in quote, `volume` in base, `quote_volume` in quote.

    The venue's percentage is left out, because nobody agrees on its unit (protocol section 7).
    """

    symbol: str
    open_price: Decimal
    close_price: Decimal
    high_price: Decimal
    low_price: Decimal
    volume: Decimal
    quote_volume: Decimal
    open_time_ms: int
    close_time_ms: int

    @classmethod
    def from_payload(cls, payload: Any) -> "DayTicker":
        """:raises VestPayloadError: when a field is missing or cannot be read"""
        fields = Fields("ticker", payload)
        return cls(
            symbol=fields.text("symbol"),
            open_price=fields.decimal("openPrice"),
            close_price=fields.decimal("closePrice"),
            high_price=fields.decimal("highPrice"),
            low_price=fields.decimal("lowPrice"),
            volume=fields.decimal("volume"),
            quote_volume=fields.decimal("quoteVolume"),
            open_time_ms=fields.time_ms("openTime"),
            close_time_ms=fields.time_ms("closeTime"),
        )

    @property
    def price_change(self) -> Decimal:
        """From the first price to the last, in quote."""
        return self.close_price - self.open_price


def open_interests_from(payload: Any) -> List[OpenInterest]:
    """The rows of `GET /oi`.

    :param payload: decoded JSON
    """
    return [OpenInterest.from_payload(row) for row in Fields("oi", payload).rows("ois")]


def day_tickers_from(payload: Any) -> List[DayTicker]:
    """The rows of `GET /ticker/24hr`.

    :param payload: decoded JSON
    """
    return [DayTicker.from_payload(row) for row in Fields("tickers", payload).rows("tickers")]
