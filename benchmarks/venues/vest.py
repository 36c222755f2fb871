"""Vest, whose every frame is a whole book and whose every poll is one request."""
import json
from decimal import Decimal
from typing import Any, Dict, List

from benchmarks.venues.venue import FILL_SIZE, PRICE, PRIVATE_KEY, SIZE, START_S, UNLIMITED_PCT, Rows, Venue
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_derivative import VestPerpetualDerivative
from hummingbot.core.data_type.in_flight_order import InFlightOrder


class Vest(Venue):
    """Ours."""

    name = "vest_perpetual"
    quote = "USDC"
    order_path = "/v2/orders"

    def _connector(self, rest_url: str) -> VestPerpetualDerivative:
        CONSTANTS.REST_URLS[CONSTANTS.DEFAULT_DOMAIN] = f"{rest_url}/v2"
        connector = VestPerpetualDerivative(
            rate_limits_share_pct=UNLIMITED_PCT, vest_perpetual_api_key="key",
            vest_perpetual_signing_private_key=PRIVATE_KEY, vest_perpetual_account_group=0,
            trading_pairs=list(self.pairs),
        )
        connector._markets.update({"symbols": [self._market(coin) for coin in self.coins]})
        return connector

    def _market(self, coin: str) -> Dict[str, Any]:
        return {"symbol": self.symbol(coin), "base": coin, "quote": "USDC", "sizeDecimals": 3, "priceDecimals": 1,
                "initMarginRatio": "0.1", "makerFee": "0.0001", "takerFee": "0.0001", "isolated": False}

    def symbol(self, coin: str) -> str:
        return f"{coin}-PERP"

    def greetings(self) -> List[Any]:
        return [{"result": None, "id": number} for number in range(1, len(self.pairs) + 2)]

    def book_message(self, coin: str, bids: Rows, asks: Rows, number: int) -> Any:
        return {"channel": f"{self.symbol(coin)}@depth", "data": {"bids": bids, "asks": asks}}

    def fill_message(self, order: InFlightOrder, number: int) -> Any:
        filled = {
            "status": "PARTIALLY_FILLED", "lastFilledSize": FILL_SIZE, "lastFilledPrice": PRICE,
            "lastFilledTime": int(START_S * 1000) + number, "avgFilledPrice": PRICE, "fees": "0.026",
            "settledFunding": "0", "realizedPnl": "0",
        }
        return {"channel": "account_private", "data": {"event": "ORDER", "args": {**self._row(order), **filled}}}

    def order_id(self, number: int) -> str:
        return str(1_760_000_000_000_000 + number * 1000)

    def exchange_id(self, number: int) -> str:
        return f"0x{number:064x}"

    async def poll(self) -> None:
        await self.connector._update_order_status()

    def answer(self, method: str, target: str, body: bytes) -> Any:
        path = target.partition("?")[0].removeprefix("/v2")
        if path == CONSTANTS.ORDERS_PATH:
            return self._listing if method == "GET" else {"id": self.exchange_id(json.loads(body)["order"]["nonce"])}
        if path == CONSTANTS.LISTEN_KEY_PATH:
            return {"listenKey": "key"}
        if path == CONSTANTS.ACCOUNT_PATH:
            return {"address": "0x" + "00" * 20, "balances": [], "positions": [], "leverages": [], "time": 0}
        return {}

    @property
    def _listing(self) -> List[Any]:
        return [self._row(order) for order in self.orders.values()]

    def _row(self, order: InFlightOrder) -> Dict[str, Any]:
        return {
            "id": order.exchange_order_id, "nonce": int(order.client_order_id), "symbol": "BTC-PERP", "isBuy": True,
            "orderType": "LIMIT", "limitPrice": PRICE, "triggerPrice": None, "size": SIZE, "status": "NEW",
            "reduceOnly": False, "initMarginRatio": "0.1", "lastFilledSize": None, "lastFilledPrice": None,
            "lastFilledTime": None, "avgFilledPrice": None, "settledFunding": None, "fees": "0", "realizedPnl": None,
            "postTime": int(START_S * 1000), "code": None, "limitPriceTick": str(Decimal(PRICE)),
        }
