"""How things are measured: interleaved repetitions, medians, CPU time where it can be told from waiting."""
import asyncio
import gc
import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Coroutine, Dict, Iterator, List, Mapping, Optional

from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory

REFERENCE = "reference"
OURS = "vest_perpetual"


@dataclass
class Row:
    """One line of the table.

    :param what: what was measured, in words
    :param unit: of the values
    :param values: the median of each contender, by its name
    :param target: what is to be reached, in words; empty when there is nothing to reach
    :param reached: whether it was, None when there is nothing to reach
    """

    what: str
    unit: str
    values: Dict[str, Optional[float]]
    target: str = ""
    reached: Optional[bool] = None

    @property
    def best_peer(self) -> Optional[float]:
        """The least that a peer needs, None when no peer was measured."""
        peers = [value for name, value in self.values.items() if name not in (REFERENCE, OURS) and value is not None]
        return min(peers, default=None)

    def ratio_to_best_peer(self) -> Optional[float]:
        """Ours to the best peer's."""
        return None if self.best_peer is None else self.values[OURS] / self.best_peer

    def ratio_to_reference(self) -> Optional[float]:
        """Ours to the reference's."""
        return self.values[OURS] / self.values[REFERENCE] if self.values.get(REFERENCE) else None


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """The collector strikes whoever runs when it is due; what it costs is nobody's in particular."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def run(work: Coroutine[Any, Any, List[Row]]) -> List[Row]:
    """Runs work in an event loop of its own. The framework's connections are one object for all connectors, so they are
    closed with the loop.

    :param work: makes rows
    """
    async def work_and_close() -> List[Row]:
        try:
            return await work
        finally:
            await ConnectionsFactory().close()

    return asyncio.run(work_and_close())


def cpu_s_of(work: Callable[[], object], times: int) -> float:
    """CPU seconds that one call takes, of so many in a row."""
    began_s = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began_s) / times


def interleaved(contenders: Mapping[str, Callable[[], float]], repetitions: int) -> Dict[str, float]:
    """The median of what each contender says, asked in turns.

    :param contenders: each does its work and gives one measurement
    :param repetitions: how often each is asked
    """
    measured: Dict[str, List[float]] = {name: [] for name in contenders}
    for _ in range(repetitions):
        for name, measure in contenders.items():
            with no_garbage_collection():
                measured[name].append(measure())
    return {name: statistics.median(values) for name, values in measured.items()}


async def interleaved_async(contenders: Mapping[str, Callable[[], Awaitable[float]]],
                            repetitions: int) -> Dict[str, float]:
    """As `interleaved`, for work that runs in an event loop."""
    measured: Dict[str, List[float]] = {name: [] for name in contenders}
    for _ in range(repetitions):
        for name, measure in contenders.items():
            with no_garbage_collection():
                measured[name].append(await measure())
    return {name: statistics.median(values) for name, values in measured.items()}
