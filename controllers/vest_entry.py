"""What our controllers that take one position at a time have in common: at what price, and how much."""
from decimal import Decimal
from typing import NamedTuple, Optional

from hummingbot.core.data_type.common import PriceType
from hummingbot.data_feed.market_data_provider import MarketDataProvider


class Entry(NamedTuple):
    """The price in quote and the amount in base of an order that opens a position."""

    price: Decimal
    amount: Decimal


def entry_now(provider: MarketDataProvider, connector_name: str, trading_pair: str, quote: Decimal) -> Optional[Entry]:
    """An order at the middle of the book; None while the market is closed or has no price, or when nothing would be
    left of the amount on the market's steps.

    :param provider: the controller's market data
    :param connector_name: one of the connector's domains
    :param trading_pair: such as BTC-USDC
    :param quote: the notional in quote
    """
    if provider.get_connector(connector_name).is_market_open(trading_pair) is False:
        return None
    price = provider.get_price_by_type(connector_name, trading_pair, PriceType.MidPrice)
    if price.is_nan():
        return None
    amount = provider.quantize_order_amount(connector_name, trading_pair, quote / price)
    if amount < provider.get_trading_rules(connector_name, trading_pair).min_order_size:
        return None
    return Entry(price, amount)
