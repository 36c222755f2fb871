"""`orders`, `cancel`, `order`: the account's orders, and orders of one's own hand."""
from typing import Any, Dict, Iterable, List, Mapping

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_wire as wire

COLUMNS = {
    "post_time_ms": "posted", "trading_pair": "pair", "side": "side", "order_type": "type", "size": "size",
    "limit_price": "limit", "status": "status", "avg_filled_price": "filled at", "order_id": "id",
}


def order_rows(orders: Iterable[wire.Order], pairs: Mapping[str, str]) -> List[Dict[str, Any]]:
    """Orders for tables and JSON, oldest first.

    :param pairs: trading pairs by symbol
    """
    rows = [_order_row(order, pairs) for order in orders]
    return sorted(rows, key=lambda row: row["post_time_ms"] or 0)


def _order_row(order: wire.Order, pairs: Mapping[str, str]) -> Dict[str, Any]:
    return {
        "order_id": order.order_id,
        "nonce": order.nonce,
        "symbol": order.symbol,
        "trading_pair": pairs.get(order.symbol),
        "side": None if order.is_buy is None else "buy" if order.is_buy else "sell",
        "order_type": order.order_type,
        "size": order.size,
        "limit_price": order.limit_price,
        "reduce_only": order.reduce_only,
        "status": order.status,
        "code": order.code,
        "last_filled_size": order.last_filled_size,
        "last_filled_price": order.last_filled_price,
        "avg_filled_price": order.avg_filled_price,
        "fees": order.fees,
        "realized_pnl": order.realized_pnl,
        "post_time_ms": order.post_time_ms,
        "last_filled_time_ms": order.last_filled_time_ms,
    }
