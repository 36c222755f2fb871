"""What is drawn, as plain floats: long series thinned to what an eye can tell apart. Sums are never made of these."""
from array import array
from dataclasses import dataclass, field
from typing import Dict, List, Sequence

DRAWN_POINTS = 1500
DRAWN_ORDERS = 1000


def extremes(values: Sequence[float], limit: int = DRAWN_POINTS) -> List[int]:
    """Positions of at most about `limit` values between whose neighbours nothing sticks out: of every stretch of equal
    length the lowest and the highest, and the first and the last of all.
    """
    count = len(values)
    if count <= limit:
        return list(range(count))
    kept = {0, count - 1}
    stretches = limit // 2
    for number in range(stretches):
        stretch = range(number * count // stretches, (number + 1) * count // stretches)
        kept.add(min(stretch, key=values.__getitem__))
        kept.add(max(stretch, key=values.__getitem__))
    return sorted(kept)


def evenly(count: int, limit: int) -> List[int]:
    """At most `limit` positions in a row of `count`, at equal distances."""
    return list(range(count)) if count <= limit else [number * count // limit for number in range(limit)]


def _floats() -> array:
    return array("d")


@dataclass
class Series:
    """Values over time, of any length: eight bytes for each number.

    :param columns: names of the values that each moment has
    """

    columns: Sequence[str]
    times_ms: array = field(default_factory=_floats)

    def __post_init__(self) -> None:
        self._values: Dict[str, array] = {name: _floats() for name in self.columns}

    def __len__(self) -> int:
        return len(self.times_ms)

    def add(self, time_ms: int, *values: float) -> None:
        """One more moment, with a value for each column."""
        self.times_ms.append(time_ms)
        for column, value in zip(self._values.values(), values):
            column.append(value)

    def values(self, column: str) -> array:
        """All values of a column."""
        return self._values[column]

    def drawn(self, column: str) -> "Drawn":
        """A column, thinned."""
        return self.at(extremes(self._values[column]), column)

    def at(self, positions: Sequence[int], column: str) -> "Drawn":
        """A column at some moments."""
        values = self._values[column]
        return Drawn([int(self.times_ms[position]) for position in positions],
                     [values[position] for position in positions])


@dataclass(frozen=True)
class Drawn:
    """A line or a row of marks: times in ms since the epoch, and values."""

    times_ms: List[int]
    values: List[float]
