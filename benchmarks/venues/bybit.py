"""Bybit, which sends differences of books, and where requests are signed with a hash alone."""
import json
from typing import Any, List

from benchmarks.venues.venue import FILL_SIZE, PRICE, SIZE, START_S, UNLIMITED_PCT, Rows, Venue, query_of
from hummingbot.connector.derivative.bybit_perpetual import bybit_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.bybit_perpetual.bybit_perpetual_derivative import BybitPerpetualDerivative
from hummingbot.core.data_type.in_flight_order import InFlightOrder
from hummingbot.core.utils.async_utils import safe_gather

_START_MS = int(START_S * 1000)


class Bybit(Venue):
    """Another large one."""

    name = "bybit_perpetual"
    quote = "USDT"
    order_path = "/v5/order/create"

    def _connector(self, rest_url: str) -> BybitPerpetualDerivative:
        CONSTANTS.REST_URLS[CONSTANTS.DEFAULT_DOMAIN] = f"{rest_url}/"
        connector = BybitPerpetualDerivative(
            rate_limits_share_pct=UNLIMITED_PCT, bybit_perpetual_api_key="key", bybit_perpetual_secret_key="secret",
            trading_pairs=list(self.pairs),
        )
        connector._time_synchronizer.add_time_offset_ms_sample(0)
        return connector

    def symbol(self, coin: str) -> str:
        return f"{coin}USDT"

    def greetings(self) -> List[Any]:
        return [{"op": "auth", "success": True, "ret_msg": "", "conn_id": "1"}]

    def book_message(self, coin: str, bids: Rows, asks: Rows, number: int) -> Any:
        symbol = self.symbol(coin)
        return {"topic": f"{CONSTANTS.WS_ORDER_BOOK_EVENTS_TOPIC}.{symbol}", "type": "delta", "ts": _START_MS + number,
                "data": {"s": symbol, "b": bids, "a": asks, "u": number, "seq": number * 3}, "cts": _START_MS + number}

    def fill_message(self, order: InFlightOrder, number: int) -> Any:
        fill = {
            "category": "linear", "symbol": "BTCUSDT", "execFee": "0.143", "execId": f"exec-{number}",
            "execPrice": PRICE, "execQty": FILL_SIZE, "execType": "Trade", "execValue": "260", "isMaker": False,
            "feeRate": "0.00055", "markPrice": PRICE, "leavesQty": "0.006", "orderId": order.exchange_order_id,
            "orderLinkId": order.client_order_id, "orderPrice": PRICE, "orderQty": SIZE, "orderType": "Limit",
            "side": "Buy", "execTime": str(_START_MS + number), "seq": number,
        }
        return {"id": "1", "topic": "execution", "creationTime": _START_MS, "data": [fill]}

    async def poll(self) -> None:
        await safe_gather(self.connector._update_trade_history(), self.connector._update_order_status())

    def answer(self, method: str, target: str, body: bytes) -> Any:
        path = target.partition("?")[0].lstrip("/")
        result: Any = {"list": []}
        if path == CONSTANTS.PLACE_ACTIVE_ORDER_PATH_URL["linear"]:
            result = {"orderId": str(7_000_000_000 + self.requests), "orderLinkId": json.loads(body)["orderLinkId"]}
        elif path == CONSTANTS.QUERY_ACTIVE_ORDER_PATH_URL["linear"]:
            result = {"list": [self._row(self.orders[query_of(target)["orderLinkId"]])], "category": "linear"}
        return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": _START_MS}

    def _row(self, order: InFlightOrder) -> Any:
        return {
            "orderId": order.exchange_order_id, "orderLinkId": order.client_order_id, "symbol": "BTCUSDT",
            "price": PRICE, "qty": SIZE, "side": "Buy", "positionIdx": 0, "orderStatus": "New", "avgPrice": "0",
            "leavesQty": SIZE, "leavesValue": "650", "cumExecQty": "0", "cumExecValue": "0", "cumExecFee": "0",
            "timeInForce": "GTC", "orderType": "Limit", "triggerPrice": "0", "reduceOnly": False,
            "closeOnTrigger": False, "createdTime": str(_START_MS), "updatedTime": str(_START_MS),
        }
