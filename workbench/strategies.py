"""The strategies of the main job, set so that they trade a lot in a minute on the simulated venue.

A LIMIT order fills when the index reaches it; the simulated index moves by about 0.05 % in five seconds.
"""
from decimal import ROUND_UP, Decimal
from typing import Any, Callable, Dict, List, Mapping

from workbench.client import Client

LEVERAGE = 5
ORDER_NOTIONAL = Decimal("500")  # USDC
CONFIGURATION = "main_job.yml"


def create_v2(client: Client, connector: str, pairs: List[str], marks: Mapping[str, Decimal]) -> str:
    """Our market-making controller, one configuration per pair, in one bot; returns the configuration to start."""
    return _create_controllers(client, connector, pairs, "vest_market_making", {
        "total_amount_quote": str(4 * ORDER_NOTIONAL),
        "buy_spreads": "0.0002,0.0005", "sell_spreads": "0.0002,0.0005",
        "executor_refresh_time": 8, "cooldown_time": 1,
        "take_profit": "0.0006", "stop_loss": "0.003", "time_limit": 12,
    })


def create_directional(client: Client, connector: str, pairs: List[str], marks: Mapping[str, Decimal]) -> str:
    """Our trend-following controller on candles, one configuration per pair, in one bot; returns the configuration to
    start. Any distance of the averages is a trend to it, so that it trades whatever the prices do.
    """
    return _create_controllers(client, connector, pairs, "vest_directional", {
        "total_amount_quote": str(ORDER_NOTIONAL),
        "interval": "1m", "fast_candles": 3, "slow_candles": 20, "min_distance": "0.000001",
        "cooldown_time": 3, "take_profit": "0.0006", "stop_loss": "0.003", "time_limit": 6,
    })


def create_funding(client: Client, connector: str, pairs: List[str], marks: Mapping[str, Decimal]) -> str:
    """Our controller that receives funding, one configuration per pair, in one bot; returns the configuration to start.
    A position ends after some seconds, because funding is paid when an order fills.
    """
    return _create_controllers(client, connector, pairs, "vest_funding", {
        "total_amount_quote": str(2 * ORDER_NOTIONAL), "open_rate": "0.001", "close_rate": "0",
        "cooldown_time": 1, "stop_loss": "0.01", "time_limit": 10,
    })


def _create_controllers(
        client: Client, connector: str, pairs: List[str], controller: str, settings: Mapping[str, Any]
) -> str:
    """One configuration of a controller per pair, and the runner's for all of them, whose name is returned."""
    names = []
    for pair in pairs:
        names.append(f"main_job_{pair.lower().replace('-', '_')}.yml")
        client.create(controller, names[-1], {
            "connector_name": connector, "trading_pair": pair, "leverage": LEVERAGE, **settings})
    client.create("v2_with_controllers", CONFIGURATION, {"controllers_config": names})
    return CONFIGURATION


def create_v1(client: Client, connector: str, pairs: List[str], marks: Mapping[str, Decimal]) -> str:
    """Hummingbot's own perpetual market making on one pair; its spreads are percent."""
    pair = pairs[0]
    client.create("perpetual_market_making", CONFIGURATION, {
        "derivative": connector, "market": pair, "leverage": LEVERAGE, "position_mode": "One-way",
        "bid_spread": "0.01", "ask_spread": "0.01", "order_amount": str(_amount(marks[pair])),
        "order_refresh_time": "4", "filled_order_delay": "1",
        "long_profit_taking_spread": "0.015", "short_profit_taking_spread": "0.015",
        "stop_loss_spread": "0.04", "time_between_stop_loss_orders": "5", "stop_loss_slippage_buffer": "0.5",
    })
    return CONFIGURATION


def _amount(mark: Decimal) -> Decimal:
    """The order size in base, with two significant digits: on the step of any listed symbol."""
    amount = ORDER_NOTIONAL / mark
    return amount.quantize(Decimal(1).scaleb(amount.adjusted() - 1), rounding=ROUND_UP)


STRATEGIES: Dict[str, Callable[[Client, str, List[str], Mapping[str, Decimal]], str]] = {
    "v2": create_v2, "directional": create_directional, "funding": create_funding,
    "perpetual_market_making": create_v1,
}
