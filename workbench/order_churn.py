"""A Hummingbot script that trades for the sake of load: it places and cancels orders at a steady rate.

A real strategy cannot be told how many requests to make; this one is. It also writes down the vital signs of the client
it runs in, which nobody outside can see: asyncio tasks, orders tracked and cached, memory blocks in use.

It is not for users, so it stands here and not in `scripts/`; a soak links it into the home it makes.
"""
import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import List

from pydantic import Field

from hummingbot import data_path
from hummingbot.core.data_type.common import MarketDict, OrderType, PositionAction, PriceType
from hummingbot.core.data_type.in_flight_order import OrderState
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase

VITALS_FILE = "vitals.jsonl"
VITALS_INTERVAL_S = 2.0
# Distances from the mid price, as decimal fractions: about a tenth of the orders fill, the rest is cancelled.
DISTANCES = (Decimal("0.0003"), Decimal("0.001"), Decimal("0.002"), Decimal("0.004"))
LEVERAGE = 5
CLOSE_PAUSE_S = 5.0  # so long the position may still be shown as it was before it was closed


class OrderChurnConfig(StrategyV2ConfigBase):
    """`requests_per_second` counts orders and cancels; notionals are quote, times s."""

    script_file_name: str = os.path.basename(__file__)
    connector_name: str = "vest_perpetual_simulator"
    trading_pairs: List[str] = ["BTC-USDC", "ETH-USDC"]
    requests_per_second: float = Field(default=10, gt=0)
    order_notional: Decimal = Field(default=Decimal("200"), gt=0)
    largest_position_notional: Decimal = Field(default=Decimal("4000"), gt=0)
    order_life: float = Field(default=4, gt=0)
    seed: int = 1

    def update_markets(self, markets: MarketDict) -> MarketDict:
        """Adds the connector with its pairs."""
        return markets.add_or_update(self.connector_name, *self.trading_pairs)


class OrderChurn(StrategyV2Base):
    """Each second some new orders around the mid price; those that have lived long enough are cancelled."""

    def __init__(self, connectors, config: OrderChurnConfig):
        super().__init__(connectors, config)
        self.config = config
        self._connector = connectors[config.connector_name]
        self._random = random.Random(config.seed)
        self._orders_due = 0.0
        self._vitals = Path(data_path()) / VITALS_FILE
        self._next_vitals_s = 0.0
        self._has_leverage = False
        self._next_close_s = {}

    def on_tick(self) -> None:
        self._set_leverage_once()
        self._write_vitals()
        self._cancel_old_orders()
        self._orders_due += self.config.requests_per_second / 2  # every order is cancelled, or fills now and then
        while self._orders_due >= 1:
            self._orders_due -= 1
            self._place(self._random.choice(self.config.trading_pairs))

    def _set_leverage_once(self) -> None:
        if not self._has_leverage:
            self._has_leverage = True
            for pair in self.config.trading_pairs:
                self._connector.set_leverage(pair, LEVERAGE)

    def _place(self, pair: str) -> None:
        """A LIMIT order on either side; once the position is large, a MARKET order that closes it."""
        mid = self._connector.get_price_by_type(pair, PriceType.MidPrice)
        position = self._connector.account_positions.get(pair)
        if not mid > 0:
            return
        if (position and abs(position.amount) * mid > self.config.largest_position_notional
                and self.current_timestamp >= self._next_close_s.get(pair, 0)):
            self._next_close_s[pair] = self.current_timestamp + CLOSE_PAUSE_S
            self._order(pair, position.amount < 0, abs(position.amount), OrderType.MARKET, mid, PositionAction.CLOSE)
            return
        is_buy = self._random.random() < 0.5
        distance = self._random.choice(DISTANCES)
        price = mid * (1 - distance if is_buy else 1 + distance)
        self._order(pair, is_buy, self.config.order_notional / mid, OrderType.LIMIT, price, PositionAction.OPEN)

    def _order(self, pair: str, is_buy: bool, amount: Decimal, kind: OrderType, price: Decimal,
               action: PositionAction) -> None:
        amount = self._connector.quantize_order_amount(pair, amount)
        price = self._connector.quantize_order_price(pair, price)
        if amount > 0:
            send = self.buy if is_buy else self.sell
            send(self.config.connector_name, pair, amount, kind, price, action)

    def _cancel_old_orders(self) -> None:
        oldest_s = self.current_timestamp - self.config.order_life
        for order in list(self._connector.in_flight_orders.values()):
            if order.current_state == OrderState.OPEN and order.creation_timestamp < oldest_s:
                self.cancel(self.config.connector_name, order.trading_pair, order.client_order_id)

    def _write_vitals(self) -> None:
        if time.time() < self._next_vitals_s:
            return
        self._next_vitals_s = time.time() + VITALS_INTERVAL_S
        tasks = asyncio.all_tasks()
        tracker = self._connector._order_tracker
        vitals = {
            "time_s": time.time(), "tasks": len(tasks), "tracked_orders": len(tracker.active_orders),
            "cached_orders": len(tracker.cached_orders), "lost_orders": len(tracker.lost_orders),
            "memory_blocks": sys.getallocatedblocks(), "logged_events": len(self._connector.event_logs),
            "commonest_tasks": Counter(task.get_coro().__qualname__ for task in tasks).most_common(8),
        }
        with self._vitals.open("a", encoding="ascii") as file:
            file.write(json.dumps(vitals) + "\n")
