"""Our controller and the runner of controllers, without an exchange."""
import asyncio
from decimal import Decimal
from types import SimpleNamespace

import pytest
import pytest_asyncio

from controllers.market_making.vest_market_making import VestMarketMaking, VestMarketMakingConfig
from hummingbot.core.data_type.common import PositionMode, TradeType
from hummingbot.strategy import strategy_v2_base
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType
from hummingbot.strategy_v2.models.executors_info import PerformanceReport
from scripts.v2_with_controllers import V2WithControllers, V2WithControllersConfig

NOW_S = 1000.0


class Market:
    """Stands for the market data of one pair: tick 0.5, step and minimum 0.001."""

    def initialize_rate_sources(self, pairs):
        pass

    def time(self):
        return NOW_S

    def quantize_order_price(self, connector, pair, price):
        return (price * 2).quantize(Decimal("1")) / 2

    def quantize_order_amount(self, connector, pair, amount):
        return amount.quantize(Decimal("0.001"))

    def get_trading_rules(self, connector, pair):
        return SimpleNamespace(min_order_size=Decimal("0.001"))


@pytest.fixture
def controller():
    config = VestMarketMakingConfig(id="one", cooldown_time=10)
    return VestMarketMaking(config, Market(), asyncio.Queue())


def executor(level, is_active=False, close_type=None, closed_s=NOW_S):
    return SimpleNamespace(custom_info={"level_id": level}, is_active=is_active, close_type=close_type,
                           close_timestamp=closed_s)


def test_the_defaults_suit_the_venue():
    config = VestMarketMakingConfig(id="one")
    assert config.connector_name == "vest_perpetual" and config.position_mode == PositionMode.ONEWAY


def test_every_level_without_an_order_gets_one(controller):
    controller.executors_info = [executor("buy_0", is_active=True)]
    assert controller.get_levels_to_execute() == ["buy_1", "sell_0", "sell_1"]


@pytest.mark.parametrize("close_type, closed_s, waits", [
    (CloseType.TAKE_PROFIT, NOW_S - 9, True), (CloseType.TAKE_PROFIT, NOW_S - 11, False),
    (CloseType.STOP_LOSS, NOW_S - 9, True), (CloseType.EARLY_STOP, NOW_S - 1, False),
    (CloseType.TIME_LIMIT, None, True),
])
def test_a_level_that_has_traded_waits(controller, close_type, closed_s, waits):
    controller.executors_info = [executor("sell_1", close_type=close_type, closed_s=closed_s)]
    assert ("sell_1" not in controller.get_levels_to_execute()) is waits


def test_an_order_is_on_tick_and_step(controller):
    order = controller.get_executor_config("sell_0", Decimal("95000.3"), Decimal("0.0104"))
    assert (order.entry_price, order.amount, order.side) == (Decimal("95000.5"), Decimal("0.010"), TradeType.SELL)


@pytest.mark.parametrize("price, amount", [("95000", "0.0004"), ("0.1", "1")])
def test_an_order_that_would_round_to_nothing_is_left_out(controller, price, amount):
    assert controller.get_executor_config("buy_0", Decimal(price), Decimal(amount)) is None


class Orchestrator:
    """Stands for Hummingbot's executors: reports what it is told, keeps the actions it gets."""

    def __init__(self):
        self.profit_quote = {}
        self.stopped = []

    def get_all_reports(self):
        return {name: {"executors": [SimpleNamespace(id=f"{name}-order", is_active=True, is_done=False)],
                       "performance": PerformanceReport(global_pnl_quote=Decimal(profit_quote))}
                for name, profit_quote in self.profit_quote.items()}

    def execute_actions(self, actions):
        self.stopped += [action.executor_id for action in actions]


class Controller:
    """Stands for a running controller."""

    def __init__(self):
        self.status = RunnableStatus.RUNNING
        self.config = SimpleNamespace(manual_kill_switch=False)
        self.executors_update_event = asyncio.Event()

    def stop(self):
        self.status = RunnableStatus.TERMINATED


@pytest_asyncio.fixture
async def runner(monkeypatch):
    """The runner with two controllers and loss limits of 5 and 8."""
    monkeypatch.setattr(strategy_v2_base, "ExecutorOrchestrator", lambda **arguments: Orchestrator())
    strategy = V2WithControllers({}, V2WithControllersConfig(
        max_controller_drawdown_quote=Decimal("5"), max_global_drawdown_quote=Decimal("8")))
    strategy.controllers = {"a": Controller(), "b": Controller()}
    yield strategy
    strategy.listen_to_executor_actions_task.cancel()


def tick(runner, **profit_quote):
    runner.executor_orchestrator.profit_quote = profit_quote
    runner.on_tick()


@pytest.mark.asyncio
async def test_a_controller_is_stopped_at_its_loss_limit_below_the_peak(runner):
    tick(runner, a="10", b="0")
    tick(runner, a="5", b="0")
    assert runner.executor_orchestrator.stopped == []
    tick(runner, a="4.9", b="0")
    tick(runner, a="4.9", b="0")
    assert runner.executor_orchestrator.stopped == ["a-order"]
    assert runner.controllers["b"].status == RunnableStatus.RUNNING


@pytest.mark.asyncio
async def test_a_kill_switch_stops_its_controller(runner):
    runner.controllers["b"].config.manual_kill_switch = True
    tick(runner, a="0", b="0")
    assert runner.executor_orchestrator.stopped == ["b-order"]


@pytest.mark.asyncio
async def test_the_bot_is_stopped_at_the_loss_limit_of_all(runner, monkeypatch):
    stops = []
    monkeypatch.setattr("scripts.v2_with_controllers.HummingbotApplication.main_application",
                        lambda: SimpleNamespace(stop=lambda: stops.append("stop")))
    tick(runner, a="0", b="0")
    tick(runner, a="-4.5", b="-4.5")
    tick(runner, a="-4.5", b="-4.5")
    assert stops == ["stop"]
