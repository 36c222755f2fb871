"""What the tests of the derivative share: the venue's payloads, and where its end points are."""
import re
from typing import Any, Dict, Optional

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
)

API_KEY = "the-api-key-that-nobody-may-see"
SIGNING_KEY = "0x" + "11" * 32


def url_of(path: str, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> str:
    """Address of an end point, without a query."""
    return web_utils.private_rest_url(path, domain)


def url_pattern(path: str, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> "re.Pattern[str]":
    """Matches an end point with any query."""
    return re.compile(f"^{re.escape(url_of(path, domain))}(\\?|$)")


def market(symbol: str, **fields: Any) -> Dict[str, Any]:
    """A row of `GET /exchangeInfo`."""
    base = symbol.split("-")[0]
    return {
        "symbol": symbol, "displayName": symbol, "base": base, "quote": "USDC", "sizeDecimals": 6, "priceDecimals": 4,
        "initMarginRatio": "0.1", "maintMarginRatio": "0.05", "takerFee": "0.0001", "isolated": False, **fields,
    }


def exchange_info(*markets: Dict[str, Any]) -> Dict[str, Any]:
    """The answer of `GET /exchangeInfo`."""
    return {"symbols": list(markets), "exchange": {"lp": "0", "insurance": "0", "collateralDecimals": 6}}


def order_row(
        order_id: Optional[str], client_order_id: str, status: str, symbol: str = "BTC-PERP", **fields: Any
) -> Dict[str, Any]:
    """An order as `GET /orders` and ORDER events tell it; nothing filled unless `fields` say so."""
    return {
        "id": order_id, "nonce": int(client_order_id), "symbol": symbol, "isBuy": True, "orderType": "LIMIT",
        "limitPrice": "10000.0000", "markPrice": "10000.0000", "size": "1.000000", "status": status,
        "reduceOnly": False, "initMarginRatio": "0.1", "code": None, "lastFilledSize": None, "lastFilledPrice": None,
        "lastFilledTime": None, "avgFilledPrice": None, "settledFunding": None, "fees": None, "realizedPnl": None,
        "postTime": 1640780000000, "tpPrice": None, "slPrice": None, **fields,
    }


def filled(size: str, price: str, fees: str, time_ms: int = 1640780000500) -> Dict[str, Any]:
    """The fields of a row of an order that filled in one part."""
    return {
        "lastFilledSize": size, "lastFilledPrice": price, "lastFilledTime": time_ms, "avgFilledPrice": price,
        "fees": fees,
    }


def order_event(row: Dict[str, Any]) -> Dict[str, Any]:
    """An ORDER event of the private channel."""
    return {"channel": CONSTANTS.ACCOUNT_PRIVATE_CHANNEL, "data": {"event": CONSTANTS.EVENT_ORDER, "args": row}}


def account(**fields: Any) -> Dict[str, Any]:
    """The answer of `GET /account`: nothing but 1000 USDC unless `fields` say so."""
    return {
        "address": "0x0", "balances": [{"asset": "USDC", "total": "1000", "locked": "0"}], "collateral": "1000",
        "withdrawable": None, "positions": [], "leverages": [], **fields,
    }


def position(symbol: str, size: str, is_long: bool = True, **fields: Any) -> Dict[str, Any]:
    """A row of the account's positions."""
    return {
        "symbol": symbol, "isLong": is_long, "size": size, "entryPrice": "10000", "entryFunding": "0",
        "unrealizedPnl": "0", "settledFunding": "0", "markPrice": "10000", "indexPrice": "10000", "liqPrice": "0",
        "initMargin": "0", "maintMargin": "0", "initMarginRatio": "0.1", **fields,
    }
