"""Where prices can come from, if they are not made up."""
from typing import Dict, Iterator, List, Optional, Protocol, Tuple

from vest_simulator.config import SimulatorConfig
from vest_simulator.engine.candles import Bar
from vest_simulator.engine.feed import Update
from vest_simulator.engine.specs import SymbolSpec
from vest_simulator.feeds.mirror import Mirror
from vest_simulator.feeds.recording import Recording
from vest_simulator.feeds.replay import Replay


class Feed(Protocol):
    """Tells the prices of its symbols."""

    name: str
    specs: Dict[str, SymbolSpec]
    position_ms: int

    async def open(self) -> None:
        """Finds out the symbols, the first time, and goes on from now."""

    def begin(self, now_ms: int, position_ms: Optional[int]) -> Iterator[Tuple[str, Bar]]:
        """The bars of the time before now, by symbol.

        :param position_ms: the feed's `position_ms` when an earlier simulator stopped
        """

    def updates(self, now_ms: int) -> List[Update]:
        """What has happened since the last call, in the order of time."""

    async def close(self) -> None:
        """Ends what `open` began."""


def make_feed(config: SimulatorConfig) -> Optional[Feed]:
    """The feed that a configuration asks for; None: prices are made up."""
    if config.mirror:
        return Mirror(config.mirror, config.symbols)
    if config.prices:
        return Replay(Recording(config.prices, config.symbols), config.start_ms, config.speed, config.at_end)
    return None
