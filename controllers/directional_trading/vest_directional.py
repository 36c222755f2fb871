"""Trend following for Vest: long while a fast moving average of the candles is above a slow one, short while below.

Every order on Vest pays the taker fee and a premium on top of it, so a trend that is hardly one is left alone: the two
averages have to be a given distance apart.
"""
import math
from decimal import Decimal
from typing import List

import pandas as pd
from pydantic import Field, model_validator

from controllers.vest_entry import entry_now
from hummingbot.core.data_type.common import PositionMode, TradeType
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
from hummingbot.strategy_v2.controllers.directional_trading_controller_base import (
    DirectionalTradingControllerBase,
    DirectionalTradingControllerConfigBase,
)
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, ExecutorAction, StopExecutorAction


class VestDirectionalConfig(DirectionalTradingControllerConfigBase):
    """One trading pair; distances, stops and targets are decimal fractions of the price, times are s."""

    controller_name: str = "vest_directional"
    connector_name: str = Field(default="vest_perpetual", json_schema_extra={
        "prompt": "Connector (vest_perpetual, vest_perpetual_testnet or vest_perpetual_simulator): ",
        "prompt_on_new": True})
    trading_pair: str = Field(default="BTC-USDC", json_schema_extra={
        "prompt": "Trading pair, for example BTC-USDC: ", "prompt_on_new": True})
    interval: str = Field(default="5m", json_schema_extra={
        "prompt": "Interval of the candles, for example 5m: ", "prompt_on_new": True})
    fast_candles: int = Field(default=10, gt=0, json_schema_extra={
        "prompt": "Candles in the fast moving average: ", "prompt_on_new": True, "is_updatable": True})
    slow_candles: int = Field(default=40, gt=0, le=500, json_schema_extra={
        "prompt": "Candles in the slow moving average (at most 500): ", "prompt_on_new": True})
    min_distance: Decimal = Field(default=Decimal("0.001"), ge=0, json_schema_extra={
        "prompt": "Distance of the averages that makes a trend (0.001 is 0.1 %): ",
        "prompt_on_new": True, "is_updatable": True})
    max_executors_per_side: int = Field(default=1, gt=0, json_schema_extra={
        "prompt": "Orders a position is built of: ", "prompt_on_new": True, "is_updatable": True})
    leverage: int = Field(default=5, json_schema_extra={
        "prompt": "Leverage: ", "prompt_on_new": True})
    position_mode: PositionMode = Field(default="ONEWAY", validate_default=True, json_schema_extra={
        "prompt": "Position mode (Vest has ONEWAY only): "})

    @model_validator(mode="after")
    def _check_averages(self) -> "VestDirectionalConfig":
        if self.fast_candles >= self.slow_candles:
            raise ValueError("fast_candles must be fewer than slow_candles")
        return self


class VestDirectional(DirectionalTradingControllerBase):
    """Opens with the trend at the market and closes by target, stop, time limit, or when the trend turns.

    Vest has one position per symbol, in which a long and a short order would cancel each other out; so there are only
    ever orders of one side.
    """

    def __init__(self, config: VestDirectionalConfig, *args, **kwargs):
        super().__init__(config, *args, **kwargs)
        self.config = config

    def get_candles_config(self) -> List[CandlesConfig]:
        """One bar more than the slow average needs, because the last one is still open."""
        return [CandlesConfig(
            connector=self.config.connector_name, trading_pair=self.config.trading_pair, interval=self.config.interval,
            max_records=self.config.slow_candles + 1,
        )]

    async def update_processed_data(self) -> None:
        """The averages, and the signal: 1 for a rising trend, -1 for a falling one, 0 for none."""
        candles = self.market_data_provider.get_candles_df(
            self.config.connector_name, self.config.trading_pair, self.config.interval, self.config.slow_candles + 1
        )
        features = pd.DataFrame({
            "close": candles["close"],
            "fast": candles["close"].rolling(self.config.fast_candles).mean(),
            "slow": candles["close"].rolling(self.config.slow_candles).mean(),
        })
        features["distance"] = features["fast"] / features["slow"] - 1
        self.processed_data = {"signal": self._signal(features["distance"]), "features": features.dropna()}

    def _signal(self, distances: pd.Series) -> int:
        # Both comparisons are false with NaN, which a market with fewer candles than the average needs gives.
        distance, enough = distances.iloc[-1] if len(distances) else math.nan, float(self.config.min_distance)
        return int(distance >= enough) - int(distance <= -enough)

    def can_create_executor(self, signal: int) -> bool:
        """Whether there is room on this side, none is open on the other, and the last one is old enough.

        :param signal: 1 for long, -1 for short
        """
        active = [executor for executor in self.executors_info if executor.is_active]
        newest_s = max((executor.timestamp for executor in self.executors_info), default=0)
        return (
            len(active) < self.config.max_executors_per_side
            and not any(self._is_against(executor, signal) for executor in active)
            and self.market_data_provider.time() - newest_s > self.config.cooldown_time
        )

    def stop_actions_proposal(self) -> List[ExecutorAction]:
        """Ends what stands against the trend."""
        return [
            StopExecutorAction(controller_id=self.config.id, executor_id=executor.id)
            for executor in self.executors_info
            if executor.is_active and self._is_against(executor, self.processed_data["signal"])
        ]

    @staticmethod
    def _is_against(executor, signal: int) -> bool:
        return signal * (1 if executor.side == TradeType.BUY else -1) < 0

    def create_actions_proposal(self) -> List[ExecutorAction]:
        """As the base, but nothing that would be rounded away to nothing, and nothing while there is no price or the
        market is closed.
        """
        signal = self.processed_data["signal"]
        if signal == 0 or not self.can_create_executor(signal):
            return []
        quote = self.config.total_amount_quote / self.config.max_executors_per_side
        entry = entry_now(self.market_data_provider, self.config.connector_name, self.config.trading_pair, quote)
        if entry is None:
            return []
        side = TradeType.BUY if signal > 0 else TradeType.SELL
        return [CreateExecutorAction(
            controller_id=self.config.id, executor_config=self.get_executor_config(side, *entry)
        )]
