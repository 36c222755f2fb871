"""Market making for Vest: orders on both sides of the mid price, each filled one closed again soon.

A LIMIT order on Vest does not rest in a book and earns no maker fee: it triggers when the index price reaches it, and
pays the taker fee. What earns is not the spread but the move back after it, so every fill gets a profit target, a stop
and a time limit of its own.
"""
from decimal import Decimal
from typing import List, Optional

from pydantic import Field

from hummingbot.core.data_type.common import PositionMode
from hummingbot.strategy_v2.controllers.market_making_controller_base import (
    MarketMakingControllerBase,
    MarketMakingControllerConfigBase,
)
from hummingbot.strategy_v2.executors.position_executor.data_types import PositionExecutorConfig
from hummingbot.strategy_v2.models.executors import CloseType


class VestMarketMakingConfig(MarketMakingControllerConfigBase):
    """One trading pair; spreads, stops and targets are decimal fractions of the price, times are s."""

    controller_name: str = "vest_market_making"
    connector_name: str = Field(default="vest_perpetual", json_schema_extra={
        "prompt": "Connector (vest_perpetual, vest_perpetual_testnet or vest_perpetual_simulator): ",
        "prompt_on_new": True})
    trading_pair: str = Field(default="BTC-USDC", json_schema_extra={
        "prompt": "Trading pair, for example BTC-USDC: ", "prompt_on_new": True})
    buy_spreads: List[float] = Field(default="0.001,0.002", validate_default=True, json_schema_extra={
        "prompt": "Distances of the buy orders below the mid price (0.001 is 0.1 %): ",
        "prompt_on_new": True, "is_updatable": True})
    sell_spreads: List[float] = Field(default="0.001,0.002", validate_default=True, json_schema_extra={
        "prompt": "Distances of the sell orders above the mid price (0.001 is 0.1 %): ",
        "prompt_on_new": True, "is_updatable": True})
    executor_refresh_time: int = Field(default=30, json_schema_extra={
        "prompt": "Renew unfilled orders after this many seconds: ", "prompt_on_new": True, "is_updatable": True})
    leverage: int = Field(default=5, json_schema_extra={
        "prompt": "Leverage: ", "prompt_on_new": True})
    position_mode: PositionMode = Field(default="ONEWAY", validate_default=True, json_schema_extra={
        "prompt": "Position mode (Vest has ONEWAY only): "})
    stop_loss: Optional[Decimal] = Field(default=Decimal("0.005"), gt=0, json_schema_extra={
        "prompt": "Close a filled order at this loss (0.005 is 0.5 %): ", "prompt_on_new": True, "is_updatable": True})
    take_profit: Optional[Decimal] = Field(default=Decimal("0.002"), gt=0, json_schema_extra={
        "prompt": "Close a filled order at this profit (0.002 is 0.2 %): ",
        "prompt_on_new": True, "is_updatable": True})
    time_limit: Optional[int] = Field(default=300, gt=0, json_schema_extra={
        "prompt": "Close a filled order after this many seconds: ", "prompt_on_new": True, "is_updatable": True})


class VestMarketMaking(MarketMakingControllerBase):
    """Keeps one order per level; after a level has traded it rests for `cooldown_time`."""

    def __init__(self, config: VestMarketMakingConfig, *args, **kwargs):
        super().__init__(config, *args, **kwargs)
        self.config = config

    def get_levels_to_execute(self) -> List[str]:
        """The levels without an order, except those that have just traded; none while the market is closed."""
        connector = self.market_data_provider.get_connector(self.config.connector_name)
        if connector.is_market_open(self.config.trading_pair) is False:
            return []
        busy = {executor.custom_info["level_id"] for executor in self.executors_info
                if executor.is_active or self._rests(executor)}
        return self.get_not_active_levels_ids(list(busy))

    def _rests(self, executor) -> bool:
        if executor.close_type not in (CloseType.STOP_LOSS, CloseType.TAKE_PROFIT, CloseType.TIME_LIMIT):
            return False
        if executor.close_timestamp is None:  # Hummingbot sets it a moment after the close type
            return True
        return self.market_data_provider.time() - executor.close_timestamp < self.config.cooldown_time

    def get_executor_config(self, level_id: str, price: Decimal, amount: Decimal) -> Optional[PositionExecutorConfig]:
        """One order of one level, or None while price or amount would be rounded away to nothing.

        :param level_id: side and number, for example buy_0.
        :param price: quote per base, before rounding to the venue's tick.
        :param amount: base, before rounding to the venue's step.
        """
        connector, pair = self.config.connector_name, self.config.trading_pair
        price = self.market_data_provider.quantize_order_price(connector, pair, price)
        amount = self.market_data_provider.quantize_order_amount(connector, pair, amount)
        rules = self.market_data_provider.get_trading_rules(connector, pair)
        if not price > 0 or amount < rules.min_order_size:
            return None
        return PositionExecutorConfig(
            timestamp=self.market_data_provider.time(),
            level_id=level_id,
            connector_name=connector,
            trading_pair=pair,
            side=self.get_trade_type_from_level_id(level_id),
            entry_price=price,
            amount=amount,
            triple_barrier_config=self.config.triple_barrier_config,
            leverage=self.config.leverage,
        )
