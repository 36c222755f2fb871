"""The candle feeds of Vest.

The client imports this with every command and few of them want candles, so the feeds' own module is imported when the
first of them is made or named; it then puts its classes where the factory has these stand-ins.
"""
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory

if TYPE_CHECKING:
    from hummingbot.data_feed.candles_feed.vest_perpetual_candles.vest_perpetual_candles import (
        VestPerpetualCandles,
        VestPerpetualSimulatorCandles,
        VestPerpetualTestnetCandles,
    )

__all__ = ["VestPerpetualCandles", "VestPerpetualSimulatorCandles", "VestPerpetualTestnetCandles"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.vest_perpetual_candles"), name)


def _make(name: str, *arguments: Any, **named: Any) -> Any:
    return __getattr__(name)(*arguments, **named)


# Hummingbot's factory knows the feeds of its own tree only (design decision 16).
CandlesFactory._candles_map.update({
    CONSTANTS.DEFAULT_DOMAIN: partial(_make, "VestPerpetualCandles"),
    CONSTANTS.TESTNET_DOMAIN: partial(_make, "VestPerpetualTestnetCandles"),
    CONSTANTS.SIMULATOR_DOMAIN: partial(_make, "VestPerpetualSimulatorCandles"),
})
