"""What our controllers are told in tests instead of by Hummingbot's market data provider."""
from decimal import Decimal
from types import SimpleNamespace
from typing import Optional


class StubMarket:
    """The market of one pair, as a test sets it.

    :param price: in quote
    :param step: in base; also the least amount of an order
    """

    def __init__(self, price: str, step: str):
        self.price, self.step = Decimal(price), Decimal(step)
        self.is_open: Optional[bool] = None
        self.now_s = 1000.0

    def get_price_by_type(self, connector, pair, price_type):
        return self.price

    def get_connector(self, name):
        return SimpleNamespace(is_market_open=lambda pair: self.is_open)

    def get_trading_rules(self, connector, pair):
        return SimpleNamespace(min_order_size=self.step)

    def quantize_order_amount(self, connector, pair, amount):
        return amount.quantize(self.step, rounding="ROUND_DOWN")

    def time(self):
        return self.now_s
