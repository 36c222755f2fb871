"""When the funding controller opens, which side, when it lets go, and that it leaves closed markets alone."""
import asyncio
from decimal import Decimal
from test.workbench.market_testing import StubMarket
from types import SimpleNamespace

import pytest

from controllers.generic.vest_funding import VestFunding, VestFundingConfig
from hummingbot.core.data_type.common import OrderType, PositionMode, TradeType
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, StopExecutorAction

PAIR = "AAPL-USDC"


class Provider(StubMarket):
    """What the controller is told: a funding rate too."""

    def __init__(self):
        super().__init__(price="200", step="0.1")
        self.rate, self.is_open = Decimal("0.0005"), True

    def get_funding_info(self, connector, pair):
        return SimpleNamespace(rate=self.rate, next_funding_utc_timestamp=3600)


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
def controller(provider):
    config = VestFundingConfig(
        id="funding", trading_pair=PAIR, total_amount_quote=Decimal(1010), open_rate=Decimal("0.0001"),
        close_rate=Decimal("-0.0001"), cooldown_time=60, leverage=3,
    )
    return VestFunding(config, provider, asyncio.Queue())


def actions(controller):
    asyncio.run(controller.update_processed_data())
    return controller.determine_executor_actions()


def executor(side, is_active=True, status=RunnableStatus.RUNNING, closed_s=None):
    return SimpleNamespace(id="e1", side=side, is_active=is_active, status=status, close_timestamp=closed_s)


@pytest.mark.parametrize("rate, side", [("0.0001", TradeType.SELL), ("-0.0001", TradeType.BUY)])
def test_it_opens_the_side_that_receives_with_a_bounded_notional(controller, provider, rate, side):
    provider.rate = Decimal(rate)
    action, = actions(controller)
    assert isinstance(action, CreateExecutorAction)
    config = action.executor_config
    assert (config.side, config.amount, config.leverage) == (side, Decimal("5.0"), 3)
    assert config.amount * provider.price <= controller.config.total_amount_quote
    assert config.triple_barrier_config.open_order_type is OrderType.MARKET


@pytest.mark.parametrize("changes", [
    dict(rate=Decimal("0.000099")), dict(rate=Decimal("-0.000099")), dict(is_open=False), dict(price=Decimal("NaN")),
    dict(price=Decimal("10101")),
], ids=["too little", "too little, negative", "closed", "no price", "less than the smallest order"])
def test_it_opens_nothing_that_is_not_worth_it_or_not_possible(controller, provider, changes):
    vars(provider).update(changes)
    assert actions(controller) == []


def test_a_market_of_which_nothing_is_known_is_tried(controller, provider):
    provider.is_open = None
    assert len(actions(controller)) == 1


@pytest.mark.parametrize("rate, is_let_go", [("0.0005", False), ("-0.0001", False), ("-0.00011", True)])
def test_it_lets_go_when_the_position_receives_less_than_asked_for(controller, provider, rate, is_let_go):
    provider.rate = Decimal(rate)
    controller.executors_info = [executor(TradeType.SELL)]
    found = actions(controller)
    assert [type(action) for action in found] == ([StopExecutorAction] if is_let_go else [])


def test_a_position_that_is_being_closed_is_not_closed_again_and_no_other_is_opened(controller, provider):
    provider.rate = Decimal("-0.1")
    controller.executors_info = [executor(TradeType.SELL, status=RunnableStatus.SHUTTING_DOWN)]
    assert actions(controller) == []


def test_it_rests_after_a_position(controller, provider):
    controller.executors_info = [executor(TradeType.SELL, is_active=False, closed_s=950.0)]
    assert actions(controller) == []
    provider.now_s = 1010.0
    assert len(actions(controller)) == 1


def test_the_status_tells_rate_receiver_and_position(controller, provider):
    assert controller.to_format_status() == []
    provider.rate = Decimal("-0.0005")
    actions(controller)
    controller.executors_info = [executor(TradeType.BUY)]
    text = "\n".join(controller.to_format_status())
    assert "-0.050000 % per hour, received by longs" in text and "a long position" in text


def test_settings_are_read_as_the_client_saves_them():
    config = VestFundingConfig(id="f", position_mode="ONEWAY", time_limit=None)
    assert config.position_mode is PositionMode.ONEWAY
    with pytest.raises(ValueError, match="close_rate must be below open_rate"):
        VestFundingConfig(id="f", open_rate="0.1", close_rate="0.1")
