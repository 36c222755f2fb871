"""Our controllers and the runner of controllers, without an exchange."""
import asyncio
from decimal import Decimal
from test.workbench.market_testing import StubMarket
from types import SimpleNamespace

import pandas as pd
import pytest
import pytest_asyncio

from controllers.directional_trading.vest_directional import VestDirectional, VestDirectionalConfig
from controllers.market_making.vest_market_making import VestMarketMaking, VestMarketMakingConfig
from hummingbot.core.data_type.common import PositionMode, TradeType
from hummingbot.strategy import strategy_v2_base
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType
from hummingbot.strategy_v2.models.executors_info import PerformanceReport
from scripts.v2_with_controllers import RESTART_PAUSE_S, V2WithControllers, V2WithControllersConfig

NOW_S = 1000.0


class Market(StubMarket):
    """A tick of 0.5; step and minimum are 0.001."""

    closes = []

    def __init__(self):
        super().__init__(price="100", step="0.001")

    def get_candles_df(self, connector, pair, interval, max_records):
        return pd.DataFrame({"close": [float(close) for close in self.closes[-max_records:]]})

    def initialize_rate_sources(self, pairs):
        pass

    def quantize_order_price(self, connector, pair, price):
        return (price * 2).quantize(Decimal("1")) / 2


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


@pytest.mark.parametrize("is_open", [True, False, None])
def test_a_closed_market_gets_no_orders(controller, trend_follower, is_open):
    see(trend_follower, 100, 100, 102, 103)
    for strategy in (controller, trend_follower):
        strategy.market_data_provider.is_open = is_open
    assert bool(controller.get_levels_to_execute()) is bool(orders_of(trend_follower)) is (is_open is not False)


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


@pytest.fixture
def trend_follower():
    config = VestDirectionalConfig(
        id="one", total_amount_quote=Decimal("50"), fast_candles=2, slow_candles=4, min_distance=Decimal("0.01"),
        cooldown_time=10)
    return VestDirectional(config, Market(), asyncio.Queue())


def see(controller, *closes):
    """Lets the controller look at candles; returns its signal."""
    controller.market_data_provider.closes = closes
    asyncio.run(controller.update_processed_data())
    return controller.processed_data["signal"]


def position(side, is_active=True, opened_s=NOW_S - 60):
    return SimpleNamespace(id=side.name, side=side, is_active=is_active, timestamp=opened_s)


def orders_of(controller):
    """Side and amount of the orders it would place now."""
    return [(action.executor_config.side, action.executor_config.amount)
            for action in controller.create_actions_proposal()]


def test_trend_following_suits_the_venue_and_needs_a_fast_and_a_slow_average():
    config = VestDirectionalConfig(id="one")
    assert config.connector_name == "vest_perpetual" and config.position_mode == PositionMode.ONEWAY
    with pytest.raises(ValueError, match="fewer than slow_candles"):
        VestDirectionalConfig(id="one", fast_candles=40, slow_candles=40)


def test_trend_following_asks_for_as_many_candles_as_the_slow_average_needs(trend_follower):
    candles, = trend_follower.get_candles_config()
    assert (candles.connector, candles.trading_pair) == ("vest_perpetual", "BTC-USDC")
    assert (candles.interval, candles.max_records) == ("5m", 5)


@pytest.mark.parametrize("closes, signal", [
    ((100, 100, 102, 103), 1), ((100, 100, 98, 97), -1), ((100, 100, 100, 101), 0), ((100, 100, 100, 100), 0),
    ((100, 102, 103), 0), ((), 0),
], ids=["rising", "falling", "hardly rising", "flat", "too few candles", "no candles"])
def test_the_signal_is_the_distance_of_the_averages(trend_follower, closes, signal):
    assert see(trend_follower, *closes) == signal
    assert not trend_follower.processed_data["features"].isna().any().any()


@pytest.mark.parametrize("closes, side", [((100, 100, 102, 103), TradeType.BUY), ((100, 100, 98, 97), TradeType.SELL)])
def test_a_trend_is_followed_with_an_order_on_the_step(trend_follower, closes, side):
    see(trend_follower, *closes)
    trend_follower.market_data_provider.price = Decimal("99.7")
    assert orders_of(trend_follower) == [(side, Decimal("0.501"))]
    assert trend_follower.stop_actions_proposal() == []


@pytest.mark.parametrize("executors", [
    [position(TradeType.BUY)], [position(TradeType.SELL)], [position(TradeType.BUY, False, NOW_S - 9)],
], ids=["a position is open", "one on the other side is open", "the last one is recent"])
def test_a_trend_is_not_followed_while(trend_follower, executors):
    trend_follower.executors_info = executors
    see(trend_follower, 100, 100, 102, 103)
    assert orders_of(trend_follower) == []


@pytest.mark.parametrize("price", ["NaN", "100000"], ids=["no price", "an order below the minimum"])
def test_no_order_is_made_of(trend_follower, price):
    see(trend_follower, 100, 100, 102, 103)
    trend_follower.market_data_provider.price = Decimal(price)
    assert orders_of(trend_follower) == []


def test_a_position_is_built_of_as_many_orders_as_are_set(trend_follower):
    trend_follower.config.max_executors_per_side = 2
    see(trend_follower, 100, 100, 102, 103)
    trend_follower.executors_info = [position(TradeType.BUY)]
    assert orders_of(trend_follower) == [(TradeType.BUY, Decimal("0.250"))]


def test_what_stands_against_the_trend_is_ended(trend_follower):
    trend_follower.executors_info = [position(TradeType.BUY), position(TradeType.SELL), position(TradeType.SELL, False)]
    see(trend_follower, 100, 100, 102, 103)
    assert [action.executor_id for action in trend_follower.stop_actions_proposal()] == ["SELL"]
    see(trend_follower, 100, 100, 100, 100)
    assert trend_follower.stop_actions_proposal() == []


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

    def start(self):
        self.status = RunnableStatus.RUNNING

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
async def test_the_status_names_closed_markets(runner, monkeypatch):
    monkeypatch.setattr(strategy_v2_base.StrategyV2Base, "format_status", lambda strategy: "The rest.")
    vest = SimpleNamespace(trading_pairs=["AAPL-USDC", "BTC-USDC"], is_market_open=lambda pair: pair == "BTC-USDC")
    runner.connectors = {"other": SimpleNamespace(trading_pairs=["ETH-USDT"]), "vest_perpetual": vest}
    assert runner.format_status().split() == (
        "The rest. The market AAPL-USDC of vest_perpetual is closed or halted.".split())


@pytest.fixture
def seconds(monkeypatch):
    """The strategy's clock, which a test sets."""
    clock = SimpleNamespace(now_s=NOW_S)
    monkeypatch.setattr(V2WithControllers, "current_timestamp", property(lambda strategy: clock.now_s))
    return clock


@pytest.mark.asyncio
async def test_a_controller_starts_again_when_its_kill_switch_is_lifted_and_its_loop_has_ended(runner, seconds):
    controller = runner.controllers["b"]
    controller.config.manual_kill_switch = True
    tick(runner, a="0", b="0")
    controller.config.manual_kill_switch = False
    for rest_s, status in ((RESTART_PAUSE_S - 1, RunnableStatus.TERMINATED), (1, RunnableStatus.RUNNING)):
        seconds.now_s += rest_s
        tick(runner, a="0", b="0")
        assert controller.status == status
    assert runner.controllers["a"].status == RunnableStatus.RUNNING


@pytest.mark.asyncio
async def test_a_controller_that_was_stopped_at_its_loss_limit_stays_stopped(runner, seconds):
    tick(runner, a="0", b="0")
    tick(runner, a="-5.1", b="0")
    seconds.now_s += 1000
    tick(runner, a="0", b="0")
    assert runner.controllers["a"].status == RunnableStatus.TERMINATED


@pytest.mark.asyncio
async def test_a_controller_with_its_kill_switch_on_waits_from_the_start(runner, monkeypatch):
    monkeypatch.setattr("scripts.v2_with_controllers.HummingbotApplication.main_application",
                        lambda: SimpleNamespace(_mqtt=None))
    monkeypatch.setattr(V2WithControllers, "apply_initial_setting", lambda strategy: None)
    runner.controllers["b"].config.manual_kill_switch = True
    runner.start(None, NOW_S)
    assert [runner.controllers[name].status for name in "ab"] == [RunnableStatus.RUNNING, RunnableStatus.TERMINATED]


@pytest.mark.asyncio
async def test_the_bot_is_stopped_at_the_loss_limit_of_all(runner, monkeypatch):
    stops = []
    monkeypatch.setattr("scripts.v2_with_controllers.HummingbotApplication.main_application",
                        lambda: SimpleNamespace(stop=lambda: stops.append("stop")))
    tick(runner, a="0", b="0")
    tick(runner, a="-4.5", b="-4.5")
    tick(runner, a="-4.5", b="-4.5")
    assert stops == ["stop"]
