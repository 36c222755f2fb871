"""The runner of v2 controllers: a strategy that does what its controllers say.

Hummingbot starts a controller through a script of exactly this name (`start <controller config>`) and ships none.
"""
import logging
import os
from decimal import Decimal
from typing import List, Optional

from pydantic import Field

from hummingbot.client.hummingbot_application import HummingbotApplication
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, StopExecutorAction

RESTART_PAUSE_S = 3  # a stopped controller ends its loop within a second; started sooner it would have two


class V2WithControllersConfig(StrategyV2ConfigBase):
    """Which controllers to run, and at which loss to stop.

    `max_global_drawdown_quote` stops the bot, `max_controller_drawdown_quote` one controller, when the profit has
    fallen that far (in quote) below its highest value so far; None: never.
    """

    script_file_name: str = os.path.basename(__file__)
    max_global_drawdown_quote: Optional[Decimal] = Field(default=None, gt=0)
    max_controller_drawdown_quote: Optional[Decimal] = Field(default=None, gt=0)


class V2WithControllers(StrategyV2Base):
    """Sets leverage and position mode as the controllers ask, lets them trade, watches the draw-down."""

    def __init__(self, connectors, config: V2WithControllersConfig):
        super().__init__(connectors, config)
        self._peak_profit_quote = {}
        self._stopped_s = {}
        self._at_loss_limit = set()

    def start(self, clock, timestamp: float) -> None:
        """Starts the controllers, except those whose kill switch is on: these wait until it is lifted."""
        super().start(clock, timestamp)
        for name, controller in self.controllers.items():
            if controller.config.manual_kill_switch:
                controller.stop()
                self.logger().info(f"Controller {name} waits: its kill switch is on.")

    def apply_initial_setting(self) -> None:
        """Perpetual connectors: the position mode and the leverage each controller's configuration names."""
        for controller in self.controllers.values():
            config = controller.config
            if not self.is_perpetual(config.connector_name):
                continue
            self.set_position_mode(config.connector_name, config.position_mode)
            self.set_leverage(config.connector_name, config.trading_pair, config.leverage)

    def on_tick(self) -> None:
        super().on_tick()
        if not self._is_stop_triggered:
            self._obey_kill_switches()
            self._obey_loss_limits()

    def format_status(self) -> str:
        """As the base, and which markets of Vest are closed."""
        return "\n".join([super().format_status(), *self._closed_markets()])

    def _closed_markets(self) -> List[str]:
        return [
            f"\n  The market {pair} of {name} is closed or halted."
            for name, connector in self.connectors.items() if hasattr(connector, "is_market_open")
            for pair in connector.trading_pairs if connector.is_market_open(pair) is False
        ]

    def create_actions_proposal(self) -> List[CreateExecutorAction]:
        """Nothing: the controllers put their actions into the queue themselves."""
        return []

    def stop_actions_proposal(self) -> List[StopExecutorAction]:
        """Nothing: the controllers put their actions into the queue themselves."""
        return []

    def _obey_kill_switches(self) -> None:
        for name, controller in self.controllers.items():
            if controller.config.manual_kill_switch:
                self._stop_controller(name, "its kill switch is on", logging.INFO)
            elif controller.status == RunnableStatus.TERMINATED and self._may_restart(name):
                self.logger().info(f"Starting controller {name}: its kill switch is off.")
                controller.start()

    def _may_restart(self, name: str) -> bool:
        rests_s = self.current_timestamp - self._stopped_s.get(name, float("-inf"))
        return name not in self._at_loss_limit and rests_s >= RESTART_PAUSE_S

    def _obey_loss_limits(self) -> None:
        profits = {name: self._profit_quote(name) for name in self.controllers}
        for name, profit_quote in profits.items():
            if self._has_fallen(name, profit_quote, self.config.max_controller_drawdown_quote):
                self._stop_controller(name, "its loss limit is reached", logging.WARNING)
                self._at_loss_limit.add(name)
        if self._has_fallen("all controllers", sum(profits.values()), self.config.max_global_drawdown_quote):
            self.logger().warning("The loss limit of the whole bot is reached: stopping.")
            self._is_stop_triggered = True
            HummingbotApplication.main_application().stop()

    def _profit_quote(self, controller_id: str) -> Decimal:
        report = self.get_performance_report(controller_id)
        return report.global_pnl_quote if report else Decimal("0")

    def _has_fallen(self, name: str, profit_quote: Decimal, limit_quote: Optional[Decimal]) -> bool:
        peak_quote = max(profit_quote, self._peak_profit_quote.get(name, profit_quote))
        self._peak_profit_quote[name] = peak_quote
        return limit_quote is not None and peak_quote - profit_quote > limit_quote

    def _stop_controller(self, controller_id: str, reason: str, level: int) -> None:
        controller = self.controllers[controller_id]
        if controller.status != RunnableStatus.RUNNING:
            return
        self.logger().log(level, f"Stopping controller {controller_id}: {reason}.")
        controller.stop()
        self._stopped_s[controller_id] = self.current_timestamp
        self.executor_orchestrator.execute_actions([
            StopExecutorAction(controller_id=controller_id, executor_id=executor.id)
            for executor in self.get_executors_by_controller(controller_id) if executor.is_active
        ])
