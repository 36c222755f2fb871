"""The load script, without an exchange: how many orders, which ones are cancelled, what it writes down."""
import json
from decimal import Decimal
from types import SimpleNamespace

import pytest
import pytest_asyncio

from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.data_type.in_flight_order import OrderState
from hummingbot.strategy import strategy_v2_base
from workbench import order_churn
from workbench.order_churn import OrderChurn, OrderChurnConfig

NOW_S = 1000.0
TRACKER = SimpleNamespace(active_orders={"1": None}, cached_orders={}, lost_orders={})


class Connector:
    """Stands for the connector: a mid price of 100, steps of a hundredth."""

    def __init__(self):
        self.in_flight_orders = {}
        self.account_positions = {}
        self.event_logs = []
        self.leverages = {}
        self._order_tracker = TRACKER

    def set_leverage(self, pair, leverage):
        self.leverages[pair] = leverage

    def get_price_by_type(self, pair, kind):
        return Decimal(100)

    def quantize_order_amount(self, pair, amount):
        return amount.quantize(Decimal("0.01"))

    quantize_order_price = quantize_order_amount


class Churn(OrderChurn):
    """With orders noted instead of sent."""

    current_timestamp = NOW_S

    def buy(self, *arguments):
        self.sent.append(("buy", *arguments[1:]))

    def sell(self, *arguments):
        self.sent.append(("sell", *arguments[1:]))

    def cancel(self, connector_name, pair, order_id):
        self.cancelled.append(order_id)


@pytest_asyncio.fixture
async def churn(monkeypatch, tmp_path):
    monkeypatch.setattr(order_churn, "data_path", lambda: str(tmp_path))
    monkeypatch.setattr(strategy_v2_base, "ExecutorOrchestrator", lambda **arguments: None)
    monkeypatch.setattr(Churn, "add_markets", lambda self, markets: None)
    connector = Connector()
    strategy = Churn({"vest_perpetual_simulator": connector}, OrderChurnConfig(requests_per_second=10))
    strategy.sent, strategy.cancelled, strategy.connector = [], [], connector
    strategy.vitals = tmp_path / order_churn.VITALS_FILE
    yield strategy
    strategy.listen_to_executor_actions_task.cancel()


@pytest.mark.asyncio
async def test_half_of_the_requests_are_orders_around_the_mid(churn):
    for _ in range(10):
        churn.on_tick()
    assert len(churn.sent) == 50
    for side, pair, amount, kind, price, action in churn.sent:
        assert (amount, kind, action) == (Decimal(2), OrderType.LIMIT, PositionAction.OPEN)
        assert price < 100 if side == "buy" else price > 100
    assert {order[1] for order in churn.sent} == set(churn.config.trading_pairs) == set(churn.connector.leverages)


@pytest.mark.asyncio
async def test_old_open_orders_are_cancelled_once_they_have_lived(churn):
    def order(name, age_s, state=OrderState.OPEN):
        return SimpleNamespace(client_order_id=name, trading_pair="BTC-USDC", current_state=state,
                               creation_timestamp=NOW_S - age_s)

    orders = [order("old", 5), order("young", 3), order("going", 5, OrderState.PENDING_CANCEL)]
    churn.connector.in_flight_orders = {one.client_order_id: one for one in orders}
    churn.on_tick()
    assert churn.cancelled == ["old"]


@pytest.mark.asyncio
async def test_a_large_position_is_closed_once(churn):
    short = SimpleNamespace(amount=Decimal(-41))
    churn.connector.account_positions = {pair: short for pair in churn.config.trading_pairs}
    for _ in range(5):
        churn.on_tick()
    closes = [order for order in churn.sent if order[5] == PositionAction.CLOSE]
    assert sorted(order[1] for order in closes) == churn.config.trading_pairs
    assert {(side, amount, kind) for side, _, amount, kind, _, _ in closes} == {("buy", Decimal(41), OrderType.MARKET)}


@pytest.mark.asyncio
async def test_vital_signs_are_written_now_and_then(churn):
    for _ in range(3):
        churn.on_tick()
    lines = [json.loads(line) for line in churn.vitals.read_text().splitlines()]
    assert len(lines) == 1 and lines[0]["tracked_orders"] == 1 and lines[0]["tasks"] >= 1
