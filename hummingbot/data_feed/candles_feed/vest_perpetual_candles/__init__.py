from hummingbot.data_feed.candles_feed.vest_perpetual_candles.vest_perpetual_candles import (
    VestPerpetualCandles,
    VestPerpetualSimulatorCandles,
    VestPerpetualTestnetCandles,
)

__all__ = ["VestPerpetualCandles", "VestPerpetualSimulatorCandles", "VestPerpetualTestnetCandles"]
