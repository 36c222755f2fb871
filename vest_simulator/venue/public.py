"""The public end points (protocol section 4)."""
from typing import Any, Callable, Dict, List, Tuple

from vest_simulator.engine.candles import INTERVALS_MS
from vest_simulator.engine.codes import Code, VenueError
from vest_simulator.engine.exchange import Exchange
from vest_simulator.engine.market import Market
from vest_simulator.venue import wire
from vest_simulator.venue.schema import MAX_INTEGER, Query

_RANGE = ("symbol", "startTime", "endTime", "limit")
_MAX_DEPTH = 100
_MAX_ROWS = 1000


class PublicApi:
    """Answers of the public end points. Every method takes the query and the venue's time in ms."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.routes: Dict[str, Tuple[Tuple[str, ...], Callable[[Query, int], Any]]] = {
            "/exchangeInfo": (("symbols",), self.exchange_info),
            "/ticker/latest": (("symbols",), self.ticker_latest),
            "/ticker/24hr": (("symbols",), self.ticker_24hr),
            "/funding/history": (_RANGE + ("interval",), self.funding_history),
            "/klines": (_RANGE + ("interval",), self.klines),
            "/trades": (_RANGE, self.trades),
            "/depth": (("symbol", "limit"), self.depth),
            "/oi": (("symbols",), self.open_interest),
        }
        """path: (allowed query parameters, handler)"""

    def exchange_info(self, query: Query, time_ms: int) -> Dict:
        """GET /exchangeInfo."""
        return wire.exchange_info(self._selected(query), self._exchange.config)

    def ticker_latest(self, query: Query, time_ms: int) -> Dict:
        """GET /ticker/latest."""
        return {"tickers": [wire.ticker(market, time_ms) for market in self._selected(query)]}

    def ticker_24hr(self, query: Query, time_ms: int) -> Dict:
        """GET /ticker/24hr."""
        return {"tickers": [wire.ticker_24hr(market, time_ms) for market in self._selected(query)]}

    def open_interest(self, query: Query, time_ms: int) -> Dict:
        """GET /oi, in base."""
        accounts = list(self._exchange.accounts.values())
        return {"ois": [wire.open_interest(market.spec.symbol, accounts) for market in self._selected(query)]}

    def funding_history(self, query: Query, time_ms: int) -> List:
        """Rows oldest first; without a range the newest ones. Defaults to rows of a minute."""
        market = self._one(query)
        interval = query.choice("interval", INTERVALS_MS, "1m")
        limit = query.limit(_MAX_ROWS, _MAX_ROWS)
        end_ms = min(query.integer("endTime", time_ms), time_ms)
        interval_ms = INTERVALS_MS[interval] or 30 * INTERVALS_MS["1d"]
        rows = market.funding.history(interval_ms, query.integer("startTime", 0), end_ms, limit)
        return [{"symbol": market.spec.symbol, "time": row_ms, "oneHrFundingRate": wire.text(rate)}
                for row_ms, rate in rows]

    def klines(self, query: Query, time_ms: int) -> List:
        """The newest 501 bars: startTime, endTime and limit are accepted and ignored, as observed."""
        market = self._one(query)
        interval = query.choice("interval", INTERVALS_MS)
        if interval is None:
            raise VenueError(Code.INVALID_PARAMETER, "The parameter interval is missing.")
        for name in ("startTime", "endTime", "limit"):
            query.integer(name)
        market.observe(time_ms)
        return [wire.kline(bar) for bar in market.candles(interval).newest()]

    def trades(self, query: Query, time_ms: int) -> List:
        """The newest trades of the range, oldest first."""
        market = self._one(query)
        start_ms, end_ms = query.integer("startTime", 0), query.integer("endTime", MAX_INTEGER)
        trades = [trade for trade in market.trades if start_ms <= trade.time_ms <= end_ms]
        newest = trades[-query.limit(_MAX_ROWS, _MAX_ROWS):]
        return [wire.trade(trade, self._exchange.config.switches) for trade in newest]

    def depth(self, query: Query, time_ms: int) -> Dict:
        """GET /depth. :raises VenueError: for an unknown symbol or a wrong limit"""
        symbol = query.required("symbol")
        if symbol not in self._exchange.markets:
            raise VenueError(Code.BAD_SYMBOL, status=404)
        ladder = self._exchange.markets[symbol].ladder
        payload = wire.depth(ladder.bids, ladder.asks, query.limit(20, _MAX_DEPTH))
        return payload | {"ts_ms": time_ms} if self._exchange.config.switches.depth_time else payload

    def _selected(self, query: Query) -> List[Market]:
        names = query.text("symbols")
        if names is None:
            return list(self._exchange.markets.values())
        return [self._exchange.market(symbol) for symbol in names.split(",")]

    def _one(self, query: Query) -> Market:
        return self._exchange.market(query.required("symbol"))
