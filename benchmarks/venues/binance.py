"""Binance, which sends differences of books, and where requests are signed with a hash alone."""
from typing import Any
from urllib.parse import parse_qs

from benchmarks.feeding import FedSocket
from benchmarks.venues.venue import FILL_SIZE, PRICE, SIZE, START_S, UNLIMITED_PCT, Rows, Venue, query_of
from hummingbot.connector.derivative.binance_perpetual import binance_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.binance_perpetual.binance_perpetual_derivative import BinancePerpetualDerivative
from hummingbot.core.data_type.in_flight_order import InFlightOrder
from hummingbot.core.utils.async_utils import safe_gather

_START_MS = int(START_S * 1000)


class Binance(Venue):
    """The one most used."""

    name = "binance_perpetual"
    quote = "USDT"
    order_path = "/fapi/v1/order"

    def _connector(self, rest_url: str) -> BinancePerpetualDerivative:
        CONSTANTS.PERPETUAL_BASE_URL = f"{rest_url}/fapi/"
        connector = BinancePerpetualDerivative(
            rate_limits_share_pct=UNLIMITED_PCT, binance_perpetual_api_key="key", binance_perpetual_api_secret="secret",
            trading_pairs=list(self.pairs),
        )
        connector._time_synchronizer.add_time_offset_ms_sample(0)
        return connector

    def symbol(self, coin: str) -> str:
        return f"{coin}USDT"

    def is_for_books(self, socket: FedSocket) -> bool:
        return "/public/" in socket.url

    def book_message(self, coin: str, bids: Rows, asks: Rows, number: int) -> Any:
        symbol = self.symbol(coin)
        return {"stream": f"{symbol.lower()}@depth", "data": {
            "e": "depthUpdate", "E": _START_MS + number, "T": _START_MS + number, "s": symbol,
            "U": number * 10 - 9, "u": number * 10, "pu": number * 10 - 10, "b": bids, "a": asks,
        }}

    def fill_message(self, order: InFlightOrder, number: int) -> Any:
        time_ms = _START_MS + number
        return {"e": "ORDER_TRADE_UPDATE", "E": time_ms, "T": time_ms, "o": {
            "s": "BTCUSDT", "c": order.client_order_id, "S": "BUY", "o": "LIMIT", "f": "GTC", "q": SIZE, "p": PRICE,
            "ap": PRICE, "sp": "0", "x": "TRADE", "X": "PARTIALLY_FILLED", "i": int(order.exchange_order_id),
            "l": FILL_SIZE, "z": FILL_SIZE, "L": PRICE, "N": "USDT", "n": "0.104", "T": time_ms, "t": number + 1,
            "b": "0", "a": "0", "m": False, "R": False, "wt": "CONTRACT_PRICE", "ot": "LIMIT", "ps": "BOTH",
            "cp": False, "rp": "0", "pP": False, "si": 0, "ss": 0,
        }}

    async def poll(self) -> None:
        self.connector._last_poll_timestamp = 0
        await safe_gather(self.connector._update_order_fills_from_trades(), self.connector._update_order_status())

    def answer(self, method: str, target: str, body: bytes) -> Any:
        path = target.partition("?")[0].removeprefix("/fapi/")
        if path == CONSTANTS.BINANCE_USER_STREAM_ENDPOINT:
            return {"listenKey": "key"}
        if path == CONSTANTS.ORDER_URL and method == "POST":
            return self._row(parse_qs(body.decode())["newClientOrderId"][0], 7_000_000_000 + self.requests)
        if path == CONSTANTS.ORDER_URL:
            order = self.orders[query_of(target)["origClientOrderId"]]
            return self._row(order.client_order_id, int(order.exchange_order_id))
        return []

    def _row(self, client_order_id: str, order_id: int) -> Any:
        return {
            "orderId": order_id, "symbol": "BTCUSDT", "status": "NEW", "clientOrderId": client_order_id, "price": PRICE,
            "avgPrice": "0.00", "origQty": SIZE, "executedQty": "0", "cumQuote": "0", "timeInForce": "GTC",
            "type": "LIMIT", "reduceOnly": False, "closePosition": False, "side": "BUY", "positionSide": "BOTH",
            "stopPrice": "0", "workingType": "CONTRACT_PRICE", "priceProtect": False, "origType": "LIMIT",
            "time": _START_MS, "updateTime": _START_MS,
        }
