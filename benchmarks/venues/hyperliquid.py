"""Hyperliquid, which sends whole books too, and where every order is signed with a key of the same curve."""
import json
from typing import Any

import eth_account

from benchmarks.venues.venue import FILL_SIZE, PRICE, PRIVATE_KEY, SIZE, START_S, UNLIMITED_PCT, Rows, Venue
from hummingbot.connector.derivative.hyperliquid_perpetual import hyperliquid_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.hyperliquid_perpetual.hyperliquid_perpetual_derivative import (
    HyperliquidPerpetualDerivative,
)
from hummingbot.core.data_type.in_flight_order import InFlightOrder
from hummingbot.core.utils.async_utils import safe_gather

_START_MS = int(START_S * 1000)


class Hyperliquid(Venue):
    """The nearest relative."""

    name = "hyperliquid_perpetual"
    quote = "USD"
    order_path = "/exchange"

    def _connector(self, rest_url: str) -> HyperliquidPerpetualDerivative:
        CONSTANTS.PERPETUAL_BASE_URL = rest_url
        connector = HyperliquidPerpetualDerivative(
            rate_limits_share_pct=UNLIMITED_PCT, hyperliquid_perpetual_secret_key=PRIVATE_KEY,
            hyperliquid_perpetual_address=eth_account.Account.from_key(PRIVATE_KEY).address,
            trading_pairs=list(self.pairs),
        )
        connector.coin_to_asset = {coin: number for number, coin in enumerate(self.coins)}
        connector._builder_fee_resolved = True  # one request at the start of a session
        return connector

    def symbol(self, coin: str) -> str:
        return coin

    def book_message(self, coin: str, bids: Rows, asks: Rows, number: int) -> Any:
        levels = [[{"px": price, "sz": size, "n": 3} for price, size in side] for side in (bids, asks)]
        return {"channel": "l2Book", "data": {"coin": coin, "time": _START_MS + number, "levels": levels}}

    def fill_message(self, order: InFlightOrder, number: int) -> Any:
        fill = {
            "coin": "BTC", "px": PRICE, "sz": FILL_SIZE, "side": "B", "time": _START_MS + number,
            "startPosition": "0.0", "dir": "Open Long", "closedPnl": "0.0", "hash": f"0x{number:064x}",
            "oid": int(order.exchange_order_id), "crossed": True, "fee": "0.091", "tid": 10 ** 12 + number,
            "feeToken": "USDC",
        }
        return {"channel": "user", "data": {"fills": [fill]}}

    async def poll(self) -> None:
        await safe_gather(self.connector._update_trade_history(), self.connector._update_order_status())

    def answer(self, method: str, target: str, body: bytes) -> Any:
        request = json.loads(body)
        if target.startswith(CONSTANTS.CREATE_ORDER_URL):
            status = {"resting": {"oid": 7_000_000_000 + self.requests}}
            return {"status": "ok", "response": {"type": "order", "data": {"statuses": [status]}}}
        if request.get("type") == CONSTANTS.ORDER_STATUS_TYPE:
            return self._status_of(int(request["oid"]))
        return []

    def _status_of(self, oid: int) -> Any:
        row = {
            "coin": "BTC", "side": "B", "limitPx": PRICE, "sz": SIZE, "oid": oid, "timestamp": _START_MS,
            "triggerCondition": "N/A", "isTrigger": False, "triggerPx": "0.0", "children": [], "isPositionTpsl": False,
            "reduceOnly": False, "orderType": "Limit", "origSz": SIZE, "tif": "Gtc",
            "cloid": self.order_id(oid - 7_000_000_000),
        }
        return {"status": "order", "order": {"order": row, "status": "open", "statusTimestamp": _START_MS}}

    def order_id(self, number: int) -> str:
        return f"0x{number:032x}"
