"""The full truth about an account, as JSON: what tests compare a client with."""
from typing import Any, Dict

from vest_simulator.engine import margin
from vest_simulator.engine.account import Account
from vest_simulator.engine.exchange import Exchange
from vest_simulator.engine.orders import Fill, Order
from vest_simulator.venue import wire


def ledger(account: Account, exchange: Exchange, time_ms: int, since_ms: int) -> Dict[str, Any]:
    """Orders with their fills, positions, balances, funding payments, transfers, LP, sums. Decimals are strings.

    :param since_ms: orders posted before that time are left out; everything else covers all of the account's life
    """
    for symbol in account.positions:
        exchange.markets[symbol].observe(time_ms)
    equity = margin.equity(account, exchange.markets)
    used = margin.used_margin(account, exchange.markets, exchange.config.default_leverage)
    return {
        "account_group": account.group, "time": time_ms,
        "orders": [_order(order) for order in reversed(list(account.orders.newest_first(since_ms, None)))],
        "positions": [_position(account, symbol, exchange) for symbol in account.positions],
        "balances": {"cash": wire.text(account.cash), "equity": wire.text(equity),
                     "deposits": wire.text(account.deposits), "usedMargin": wire.text(used)},
        "leverages": dict(account.leverages),
        "funding_payments": [{"time": payment.time_ms, "symbol": payment.symbol, "amount": wire.text(payment.amount),
                              "orderId": payment.order_id} for payment in account.funding_payments],
        "transfers": [wire.money_record(record) for record in account.transfers],
        "lp": {"shares": wire.text(account.lp_shares),
               "records": [wire.money_record(record) for record in account.lp_records]},
        "fees": wire.text(account.fees), "realizedPnl": wire.text(account.realized_pnl),
        "settledFunding": wire.text(account.settled_funding),
        "lastNonce": account.last_nonce,
    }


def _order(order: Order) -> Dict[str, Any]:
    request = order.request
    return {"id": order.id, "nonce": request.nonce, "symbol": request.symbol, "isBuy": request.is_buy,
            "orderType": request.order_type.value, "timeInForce": request.time_in_force.value,
            "status": order.status.value, "size": wire.text(request.size), "reduceOnly": request.reduce_only,
            "limitPrice": wire.text(request.limit_price), "code": None if order.code is None else int(order.code),
            "postTime": order.post_time_ms, "filledSize": wire.text(order.filled_size),
            "avgFilledPrice": wire.average_price(order), "fills": [_fill(fill) for fill in order.fills],
            "fees": wire.text(order.fees), "settledFunding": wire.text(order.settled_funding),
            "realizedPnl": wire.text(order.realized_pnl)}


def _fill(fill: Fill) -> Dict[str, Any]:
    return {"size": wire.text(fill.size), "price": wire.text(fill.price), "fee": wire.text(fill.fee),
            "time": fill.time_ms, "settledFunding": wire.text(fill.settled_funding),
            "realizedPnl": wire.text(fill.realized_pnl)}


def _position(account: Account, symbol: str, exchange: Exchange) -> Dict[str, Any]:
    position, market = account.positions[symbol], exchange.markets[symbol]
    return {"symbol": symbol, "size": wire.text(position.size), "cost": wire.text(position.cost),
            "entryPrice": wire.text(position.entry_price), "markPrice": wire.text(market.price.mark),
            "settledFunding": wire.text(position.settled_funding),
            "pendingFunding": wire.text(position.pending_funding(market.funding.cumulative)),
            "unrealizedPnl": wire.text(margin.unrealized_pnl(position, market))}
