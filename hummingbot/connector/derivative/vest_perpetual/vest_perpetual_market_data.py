"""Market data beyond order books, trades and funding information, for strategies and scripts:

    await connector.get_mark_price("BTC-USDC")
    await connector.get_open_interest("BTC-USDC")
    await connector.get_funding_rate_history("BTC-USDC", start_ms=yesterday_ms)
    connector.is_market_open("AAPL-USDC")

Trading pairs go in, exact decimals and times in ms come out. Needs no keys.
"""
import time
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any, Awaitable, Callable, Dict, List, Optional

from bidict import bidict
from cachetools import TTLCache

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_statistics as statistics,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestNotToldError,
    VestPayloadError,
    VestRefusedError,
    VestUnknownPairError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_market_hours import MarketHours
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import rows_from


class LiveTickers:
    """The newest tickers.

    :param life_s: for how long a ticker says what is so now, in s
    """

    def __init__(self, life_s: float = CONSTANTS.TICKER_LIFE_S):
        self._tickers: TTLCache = TTLCache(10_000, life_s, timer=lambda: time.monotonic())

    def note(self, trading_pair: str, ticker: wire.Ticker) -> None:
        """Takes over what a ticker says; what a partial one leaves out is as it was.

        :param trading_pair: such as BTC-USDC
        """
        known = self._tickers.get(trading_pair, ticker)
        news = {item.name: value for item in fields(ticker) if (value := getattr(ticker, item.name)) is not None}
        self._tickers[trading_pair] = replace(known, **news)

    def get(self, trading_pair: str) -> Optional[wire.Ticker]:
        """The ticker, None when nothing was heard lately.

        :param trading_pair: such as BTC-USDC
        """
        return self._tickers.get(trading_pair)


class VestMarketData:
    """The part of the connector that tells of markets. Every request that fails raises a `VestError`:
    `VestUnknownPairError` for a pair that the venue does not list, `VestNotToldError` when it does not say what is
    asked for, and others as told in `vest_perpetual_errors`.
    """

    _api_get: Callable[..., Awaitable[Any]]
    _complaints: Complaints
    _live_tickers: LiveTickers
    _market_hours: MarketHours
    trading_pair_symbol_map: Callable[[], Awaitable["bidict[str, str]"]]

    def on_ticker(self, trading_pair: str, ticker: wire.Ticker) -> None:
        """The venue told a ticker, by socket or by REST.

        :param trading_pair: such as BTC-USDC
        :param ticker: may be partial
        """
        self._live_tickers.note(trading_pair, ticker)
        self._market_hours.note_status(trading_pair, ticker.status)

    def is_market_open(self, trading_pair: str) -> Optional[bool]:
        """Whether a market trades, as far as the venue has told (`MarketHours`); None when nothing is known of it, as
        of pairs that this connector does not trade. Makes no request.

        :param trading_pair: such as AAPL-USDC
        """
        return self._market_hours.is_open(trading_pair)

    # --- Prices

    async def get_mark_price(self, trading_pair: str) -> Decimal:
        """The mark price in quote, by which positions are valued: as the stream told it a moment ago, else by REST.

        :param trading_pair: such as BTC-USDC
        """
        return await self._price(trading_pair, "mark_price")

    async def get_index_price(self, trading_pair: str) -> Decimal:
        """The index price in quote, which triggers LIMIT orders: as the stream told it a moment ago, else by REST.

        :param trading_pair: such as BTC-USDC
        """
        return await self._price(trading_pair, "index_price")

    async def _price(self, trading_pair: str, name: str) -> Decimal:
        live = self._live_tickers.get(trading_pair)
        price = None if live is None else getattr(live, name)
        if price is None:
            price = getattr(await self._request_ticker(trading_pair), name)
        if price is None:
            raise VestNotToldError(f"Vest tells no {name.replace('_', ' ')} of {trading_pair} now")
        return price

    async def _request_ticker(self, trading_pair: str) -> wire.Ticker:
        symbol = await self._listed_symbol(trading_pair)
        return _row_of(symbol, await self._request_tickers({"symbols": symbol}), f"ticker of {trading_pair}")

    async def _request_tickers(self, query: Dict[str, str]) -> List[wire.Ticker]:
        answer = await self._api_get(path_url=CONSTANTS.TICKER_LATEST_PATH, params=query)
        tickers, complaints = wire.tickers_from(answer)
        for complaint in complaints:
            self._complaints.say(f"A ticker of Vest cannot be read and is left out ({complaint}).")
        for ticker in tickers:
            self._complaints.say_unread("A ticker", ticker.unread)
        return tickers

    async def _request_market_status(self, trading_pair: str) -> Optional[str]:
        return (await self._request_ticker(trading_pair)).status

    async def get_last_traded_prices(self, trading_pairs: List[str]) -> Dict[str, float]:
        """As the base, with one request for all pairs. The venue quotes around its mark price and lists no last trades
        of all markets, so it is the mark price in quote.

        :param trading_pairs: the pairs wanted; those the venue does not list are left out
        """
        symbol_map = await self.trading_pair_symbol_map()
        symbols = [symbol_map.inverse[pair] for pair in trading_pairs if pair in symbol_map.inverse]
        if not symbols:
            return {}
        return {
            symbol_map[ticker.symbol]: float(ticker.mark_price)
            for ticker in await self._request_tickers({"symbols": ",".join(symbols)})
            if ticker.symbol in symbols and ticker.mark_price is not None
        }

    async def get_all_pairs_prices(self) -> List[Dict[str, str]]:
        """Symbol and mark price in quote of every market that has one, with one request; for the rate source."""
        return [
            {"symbol": ticker.symbol, "price": str(ticker.mark_price)}
            for ticker in await self._request_tickers({}) if ticker.mark_price
        ]

    async def _get_last_traded_price(self, trading_pair: str) -> float:
        return (await self.get_last_traded_prices([trading_pair]))[trading_pair]

    # --- Statistics

    async def get_24h_ticker(self, trading_pair: str) -> statistics.DayTicker:
        """Prices and volumes of the last 24 hours.

        :param trading_pair: such as BTC-USDC
        """
        symbol = await self._listed_symbol(trading_pair)
        answer = await self._api_get(path_url=CONSTANTS.TICKER_24HR_PATH, params={"symbols": symbol})
        return _row_of(symbol, statistics.day_tickers_from(answer), f"24 hours of {trading_pair}")

    async def get_open_interest(self, trading_pair: str) -> statistics.OpenInterest:
        """What all accounts hold, long and short, in base as far as is known [?].

        The venue does not document this end point, so that it may be gone: then the error says so (protocol section 5).

        :param trading_pair: such as BTC-USDC
        :raises VestNotToldError: when the venue does not answer it, or says nothing of this pair
        """
        symbol = await self._listed_symbol(trading_pair)
        try:
            answer = await self._api_get(path_url=CONSTANTS.OPEN_INTEREST_PATH, params={"symbols": symbol})
            rows = statistics.open_interests_from(answer)
        except (VestRefusedError, VestPayloadError) as error:
            raise VestNotToldError(
                f"Vest does not answer {CONSTANTS.OPEN_INTEREST_PATH}, which it does not document either: the open "
                f"interest of {trading_pair} is not known; do without it ({error})"
            ) from None
        return _row_of(symbol, rows, f"open interest of {trading_pair}")

    async def get_funding_rate_history(
            self, trading_pair: str, start_ms: Optional[int] = None, end_ms: Optional[int] = None,
            limit: int = CONSTANTS.FUNDING_HISTORY_LIMIT, interval: str = CONSTANTS.FUNDING_HISTORY_INTERVAL,
    ) -> List[wire.FundingRate]:
        """Past funding rates, oldest first, each time once: one request.

        Every rate is per hour, a decimal fraction, and positive when longs pay, whatever the interval of the rows is.
        The venue's own default is a row each minute.

        :param trading_pair: such as BTC-USDC
        :param start_ms: rows of this time or later, in ms; None: as far back as `limit` reaches
        :param end_ms: rows of this time or earlier, in ms; None: until now
        :param limit: the newest so many rows of the range, 1 to 1000
        :param interval: from row to row, one of the venue's, from 1m to 1M
        :raises ValueError: when limit or interval cannot be had
        """
        if not 1 <= limit <= CONSTANTS.FUNDING_HISTORY_LIMIT:
            raise ValueError(f"the limit {limit} is not from 1 to {CONSTANTS.FUNDING_HISTORY_LIMIT}")
        if interval not in CONSTANTS.KLINE_INTERVALS:
            raise ValueError(f"Vest has no interval {interval}; it has {', '.join(CONSTANTS.KLINE_INTERVALS)}")
        symbol = await self._listed_symbol(trading_pair)
        params = {"symbol": symbol, "startTime": start_ms, "endTime": end_ms, "limit": limit, "interval": interval}
        answer = await self._api_get(
            path_url=CONSTANTS.FUNDING_HISTORY_PATH,
            params={name: value for name, value in params.items() if value is not None},
        )
        rates: Dict[int, wire.FundingRate] = {}
        for row in rows_from(answer, "funding"):
            with self._complaints.instead_of_payload_errors("funding rate"):
                rate = wire.FundingRate.from_payload(row)
                # The venue ignores the range of candles, so it may ignore this one [?].
                if (start_ms is None or rate.time_ms >= start_ms) and (end_ms is None or rate.time_ms <= end_ms):
                    rates[rate.time_ms] = rate
        return [rates[time_ms] for time_ms in sorted(rates)][-limit:]

    async def _listed_symbol(self, trading_pair: str) -> str:
        symbol = (await self.trading_pair_symbol_map()).inverse.get(trading_pair)
        if symbol is None:
            raise VestUnknownPairError(
                f"no market of Vest is known for {trading_pair}; check the pair's spelling, and whether Vest can be "
                f"reached"
            )
        return symbol


def _row_of(symbol: str, rows: List[Any], what: str) -> Any:
    row = next((row for row in rows if row.symbol == symbol), None)
    if row is None:
        raise VestNotToldError(f"Vest does not tell the {what} now")
    return row
