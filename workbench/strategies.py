"""The two strategies of the main job, set so that they trade a lot in a minute on the simulated venue.

A LIMIT order fills when the index reaches it; the simulated index moves by about 0.05 % in five seconds.
"""
from decimal import ROUND_UP, Decimal
from typing import Dict, List, Mapping

from workbench.client import Client

LEVERAGE = 5
ORDER_NOTIONAL = Decimal("500")  # USDC
CONFIGURATION = "main_job.yml"


def create_v2(client: Client, connector: str, pairs: List[str], marks: Mapping[str, Decimal]) -> str:
    """Our market-making controller, one configuration per pair, in one bot; returns the configuration to start."""
    controllers = []
    for pair in pairs:
        name = f"main_job_{pair.lower().replace('-', '_')}.yml"
        client.create("vest_market_making", name, {
            "connector_name": connector, "trading_pair": pair, "leverage": LEVERAGE,
            "total_amount_quote": str(4 * ORDER_NOTIONAL),
            "buy_spreads": "0.0002,0.0005", "sell_spreads": "0.0002,0.0005",
            "executor_refresh_time": 8, "cooldown_time": 1,
            "take_profit": "0.0006", "stop_loss": "0.003", "time_limit": 12,
        })
        controllers.append(name)
    client.create("v2_with_controllers", CONFIGURATION, {"controllers_config": controllers})
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


STRATEGIES: Dict[str, object] = {"v2": create_v2, "perpetual_market_making": create_v1}
