"""Margin of an account, in USDC. Pure functions of the account and the markets' prices."""
from decimal import Decimal
from typing import Dict, Mapping

from vest_simulator.engine.account import Account
from vest_simulator.engine.market import Market
from vest_simulator.engine.orders import Order
from vest_simulator.engine.positions import Position

Markets = Mapping[str, Market]


def leverage_of(account: Account, market: Market, default: int) -> int:
    """The leverage in force for a symbol; never above what its initial margin ratio allows."""
    return min(account.leverages.get(market.spec.symbol, default), market.spec.max_leverage)


def unrealized_pnl(position: Position, market: Market) -> Decimal:
    """Profit at the mark price, pending funding included."""
    return position.price_pnl(market.price.mark) + position.pending_funding(market.funding.cumulative)


def equity(account: Account, markets: Markets) -> Decimal:
    """The account's total value: cash and unrealized profit (without LP shares)."""
    return account.cash + sum((unrealized_pnl(position, markets[symbol])
                               for symbol, position in account.positions.items()), Decimal(0))


def position_margin(account: Account, market: Market, position: Position, default_leverage: int) -> Decimal:
    """The initial margin of a position in USDC, at the mark price and the account's leverage."""
    return abs(position.size) * market.price.mark / leverage_of(account, market, default_leverage)


def maintenance_margin(market: Market, position: Position) -> Decimal:
    """What a position must be covered by, in USDC, at the mark price."""
    return abs(position.size) * market.price.mark * market.spec.maint_margin_ratio


def total_maintenance_margin(account: Account, markets: Markets) -> Decimal:
    """The maintenance margin of all positions in USDC; with less equity the account is liquidated."""
    return sum((maintenance_margin(markets[symbol], position)
                for symbol, position in account.positions.items()), Decimal(0))


def order_margin(account: Account, market: Market, order: Order, default_leverage: int) -> Decimal:
    """What an open order holds back; nothing when it can only reduce."""
    if order.request.reduce_only:
        return Decimal(0)
    return order.remaining * order.request.limit_price / leverage_of(account, market, default_leverage)


def open_order_margin(account: Account, markets: Markets, default_leverage: int) -> Decimal:
    """What all open orders together hold back, in USDC."""
    return sum((order_margin(account, markets[order.request.symbol], order, default_leverage)
                for order in account.orders.open_orders()), Decimal(0))


def used_margin(account: Account, markets: Markets, default_leverage: int) -> Decimal:
    """Initial margin of the positions and of the open orders."""
    positions = sum((position_margin(account, markets[symbol], position, default_leverage)
                     for symbol, position in account.positions.items()), Decimal(0))
    return positions + open_order_margin(account, markets, default_leverage)


def withdrawable(account: Account, markets: Markets, default_leverage: int) -> Decimal:
    """What can leave the account: free collateral, and never unrealized profit."""
    value = min(account.cash, equity(account, markets))
    return max(Decimal(0), value - used_margin(account, markets, default_leverage))


def liquidation_price(account: Account, markets: Dict[str, Market], position: Position) -> Decimal:
    """The mark price of this symbol alone at which the account would be liquidated; zero when there is none."""
    market = markets[position.symbol]
    buffer = equity(account, markets) - total_maintenance_margin(account, markets)
    ratio = market.spec.maint_margin_ratio
    slope = position.size - abs(position.size) * ratio
    return max(Decimal(0), market.price.mark - buffer / slope) if slope else Decimal(0)
