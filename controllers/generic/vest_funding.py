"""Funding for Vest: holds the side that receives funding while the rate is high, and lets go when the rate turns.

The funding of Vest accrues all the time and is paid when an order fills, so that what a position earned comes with the
order that closes it. It does not pay for the risk that is taken: the position follows the price, and both its orders
pay the taker fee and a premium. So it takes a rate that is worth it, a stop, and where the price shall not matter, the
other side of the position somewhere else. Hummingbot's own profit and loss of executors leaves funding out.
"""
from decimal import Decimal
from typing import List, Optional

from pydantic import Field, field_validator, model_validator

from controllers.vest_entry import entry_now
from hummingbot.core.data_type.common import MarketDict, OrderType, PositionMode, TradeType
from hummingbot.strategy_v2.controllers.controller_base import ControllerBase, ControllerConfigBase
from hummingbot.strategy_v2.executors.position_executor.data_types import PositionExecutorConfig, TripleBarrierConfig
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, ExecutorAction, StopExecutorAction
from hummingbot.strategy_v2.utils.common import parse_enum_value

_PERCENT = Decimal(100)


class VestFundingConfig(ControllerConfigBase):
    """One trading pair; rates are decimal fractions per hour, as the connector's, the stop is one of the price, times
    are s. `total_amount_quote` is the notional of the one position there is."""

    controller_type: str = "generic"
    controller_name: str = "vest_funding"
    connector_name: str = Field(default="vest_perpetual", json_schema_extra={
        "prompt": "Connector (vest_perpetual, vest_perpetual_testnet or vest_perpetual_simulator): ",
        "prompt_on_new": True})
    trading_pair: str = Field(default="BTC-USDC", json_schema_extra={
        "prompt": "Trading pair, for example BTC-USDC: ", "prompt_on_new": True})
    open_rate: Decimal = Field(default=Decimal("0.0001"), gt=0, json_schema_extra={
        "prompt": "Open when funding per hour is at least (0.0001 is 0.01 %): ",
        "prompt_on_new": True, "is_updatable": True})
    close_rate: Decimal = Field(default=Decimal("0"), json_schema_extra={
        "prompt": "Close when the position receives less per hour than (0: when it would pay): ",
        "prompt_on_new": True, "is_updatable": True})
    cooldown_time: int = Field(default=60, ge=0, json_schema_extra={
        "prompt": "Seconds from the end of a position to the next one: ", "prompt_on_new": True, "is_updatable": True})
    stop_loss: Optional[Decimal] = Field(default=Decimal("0.02"), gt=0, json_schema_extra={
        "prompt": "Close at this loss (0.02 is 2 %): ", "prompt_on_new": True, "is_updatable": True})
    time_limit: Optional[int] = Field(default=None, gt=0, json_schema_extra={
        "prompt": "Close after this many seconds (empty: never): ", "is_updatable": True})
    leverage: int = Field(default=1, gt=0, json_schema_extra={
        "prompt": "Leverage: ", "prompt_on_new": True})
    position_mode: PositionMode = Field(default="ONEWAY", validate_default=True, json_schema_extra={
        "prompt": "Position mode (Vest has ONEWAY only): "})

    @field_validator("position_mode", mode="before")
    @classmethod
    def _read_position_mode(cls, value) -> PositionMode:
        return parse_enum_value(PositionMode, value, "position_mode")

    @model_validator(mode="after")
    def _check_rates(self) -> "VestFundingConfig":
        if self.close_rate >= self.open_rate:
            raise ValueError("close_rate must be below open_rate")
        return self

    def update_markets(self, markets: MarketDict) -> MarketDict:
        """Adds the one market there is."""
        return markets.add_or_update(self.connector_name, self.trading_pair)


class VestFunding(ControllerBase):
    """Opens and closes at the market; at most one position at a time."""

    def __init__(self, config: VestFundingConfig, *args, **kwargs):
        super().__init__(config, *args, **kwargs)
        self.config = config

    async def update_processed_data(self) -> None:
        """The rate as the connector tells it, positive when longs pay, and the side that receives."""
        info = self.market_data_provider.get_funding_info(self.config.connector_name, self.config.trading_pair)
        self.processed_data = {
            "rate": info.rate, "receiver": TradeType.SELL if info.rate > 0 else TradeType.BUY,
            "next_funding_s": info.next_funding_utc_timestamp,
        }

    def determine_executor_actions(self) -> List[ExecutorAction]:
        """Opens what would receive, closes what does not receive enough any more."""
        held = next((executor for executor in self.executors_info if executor.is_active), None)
        if held is None:
            return self._open()
        if held.status == RunnableStatus.RUNNING and self._received(held.side) < self.config.close_rate:
            return [StopExecutorAction(controller_id=self.config.id, executor_id=held.id)]
        return []

    def _received(self, side: TradeType) -> Decimal:
        """What a side receives per hour, as a fraction; negative when it pays."""
        rate = abs(self.processed_data["rate"])
        return rate if side == self.processed_data["receiver"] else -rate

    def _open(self) -> List[ExecutorAction]:
        ended_s = max((executor.close_timestamp or 0 for executor in self.executors_info), default=0)
        if (
            abs(self.processed_data["rate"]) < self.config.open_rate
            or self.market_data_provider.time() - ended_s < self.config.cooldown_time
        ):
            return []
        config = self.config
        entry = entry_now(
            self.market_data_provider, config.connector_name, config.trading_pair, config.total_amount_quote)
        if entry is None:
            return []
        return [CreateExecutorAction(controller_id=config.id, executor_config=PositionExecutorConfig(
            timestamp=self.market_data_provider.time(), connector_name=config.connector_name,
            trading_pair=config.trading_pair, side=self.processed_data["receiver"], entry_price=entry.price,
            amount=entry.amount, leverage=config.leverage, triple_barrier_config=TripleBarrierConfig(
                stop_loss=config.stop_loss, time_limit=config.time_limit, open_order_type=OrderType.MARKET),
        ))]

    def to_format_status(self) -> List[str]:
        """The rate, who receives it, and what is held."""
        if not self.processed_data:
            return []
        rate = self.processed_data["rate"]
        held = next((executor for executor in self.executors_info if executor.is_active), None)
        return [
            f"{self.config.trading_pair}: funding rate {rate * _PERCENT:.6f} % per hour, received by "
            f"{'shorts' if rate > 0 else 'longs'}; opens at {self.config.open_rate * _PERCENT:.6f} %",
            f"holds {'nothing' if held is None else 'a long' if held.side == TradeType.BUY else 'a short'} position",
        ]
