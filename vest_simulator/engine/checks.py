"""What the order engine refuses, and when an order may fill (protocol section 5, "How orders behave")."""
from decimal import Decimal
from typing import Optional

from vest_simulator.config import SimulatorConfig
from vest_simulator.engine import margin
from vest_simulator.engine.account import Account
from vest_simulator.engine.codes import Code
from vest_simulator.engine.ladder import available
from vest_simulator.engine.market import Market
from vest_simulator.engine.orders import Order, OrderRequest, OrderType


def refusal(account: Account, markets: margin.Markets, order: Order, config: SimulatorConfig) -> Optional[Code]:
    """Why a new order is rejected; None when it is accepted."""
    request = order.request
    market = markets[request.symbol]
    if not market.trading:
        return Code.ORDER_MARKET_CLOSED
    if request.limit_price % market.tick_size:
        return Code.INVALID_LIMIT_PRICE
    if request.order_type is OrderType.MARKET:
        levels = market.ladder.side_for(request.is_buy)
        if available(levels, request.is_buy, request.limit_price) < request.size:
            return Code.PRICE_CHECK_FAILED
    return _refusal_of_position(account, market, request) or _refusal_of_margin(account, markets, order, config)


def refusal_at_trigger(account: Account, markets: margin.Markets, order: Order, config: SimulatorConfig
                       ) -> Optional[Code]:
    """Why an order that was accepted can no longer be filled; None when it can."""
    return (_refusal_of_position(account, markets[order.request.symbol], order.request, order.remaining)
            or _refusal_of_margin(account, markets, order, config))


def is_triggered(order: Order, market: Market) -> bool:
    """Whether the index has reached the order's price."""
    request, index = order.request, market.price.index
    if request.order_type is OrderType.MARKET:
        return True
    rising = request.is_buy == (request.order_type is OrderType.STOP_LOSS)
    return index >= request.limit_price if rising else index <= request.limit_price


def _refusal_of_position(account: Account, market: Market, request: OrderRequest, size: Optional[Decimal] = None
                         ) -> Optional[Code]:
    if not request.reduce_only:
        return None
    position = account.position(market.spec.symbol)
    if not position.size or position.is_long == request.is_buy:
        return Code.REDUCE_ONLY_INCREASE
    return Code.REDUCE_ONLY_EXCEEDS if (size or request.size) > abs(position.size) else None


def _refusal_of_margin(account: Account, markets: margin.Markets, order: Order, config: SimulatorConfig
                       ) -> Optional[Code]:
    """Margin, insolvency and open interest, for orders that increase the position."""
    request = order.request
    market = markets[request.symbol]
    position = account.position(request.symbol)
    if request.reduce_only or not position.increases(order.signed_remaining):
        return None
    equity = margin.equity(account, markets)
    if equity < margin.total_maintenance_margin(account, markets):
        return Code.INCREASE_DURING_INSOLVENCY
    after = abs(position.size + order.signed_remaining)
    if after * market.price.mark > market.spec.oi_cap:
        return Code.OPEN_INTEREST_CAP
    leverage = margin.leverage_of(account, market, config.default_leverage)
    price = request.limit_price if request.order_type is OrderType.LIMIT else market.price.mark
    used = margin.used_margin(account, markets, config.default_leverage)
    if order.status.is_open and account.orders.by_id(order.id):
        used -= margin.order_margin(account, market, order, config.default_leverage)
    increase = after - abs(position.size)
    fee = order.remaining * price * (market.spec.taker_fee + config.premium_rate)
    return Code.MARGIN_CHECK_FAILED if used + increase * price / leverage + fee > equity else None
