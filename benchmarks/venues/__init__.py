"""The connectors that are compared, each with frames and answers of its own venue."""
from typing import List, Type

from benchmarks.venues.binance import Binance
from benchmarks.venues.bybit import Bybit
from benchmarks.venues.hyperliquid import Hyperliquid
from benchmarks.venues.venue import Venue
from benchmarks.venues.vest import Vest

VENUES: List[Type[Venue]] = [Vest, Hyperliquid, Binance, Bybit]

__all__ = ["VENUES", "Venue"]
