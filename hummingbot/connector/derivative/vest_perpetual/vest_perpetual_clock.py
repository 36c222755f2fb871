"""The venue's time, learned from its answers; knows nothing of how they are got."""
import time
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Callable, Optional, Tuple


class ServerClock:
    """The venue's clock, estimated from its answers, because the venue has no end point for it (design decision 8).

    An answer's time lies between the moment the request was sent and the moment the answer came, and so bounds the
    offset between the venue's clock and the local monotonic one. The bounds of all answers are intersected, so the
    estimate gets better than the one second the `Date` header counts in. Bounds that contradict the earlier ones mean
    that a clock drifted or jumped: the newest answer is believed alone. Until the first answer the local wall clock
    serves.

    Every answer has a `Date` header, but a proxy may have written it. When the venue refuses a time that the header
    then tells again, the time fields of answers are believed instead, until the venue refuses such a time too.

    :param monotonic_s: a clock that never jumps, in seconds
    :param wall_s: the local time in seconds since the epoch
    """

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic, wall_s: Callable[[], float] = time.time):
        self.monotonic_s = monotonic_s
        self._wall_s = wall_s
        self._bounds_ms: Optional[Tuple[float, float]] = None
        self._has_date = False
        self._refused_ms: Optional[Tuple[float, float]] = None  # bounds that led to a refused time
        self._refused_at_s = float("-inf")
        self._goes_by_fields = False
        self.doubts_date = False
        """Whether the venue refused what its `Date` headers tell, or has none: a time field would help."""

    def now_ms(self) -> int:
        """The venue's time, in ms since the epoch."""
        if self._bounds_ms is None:
            return int(self._wall_s() * 1000)
        return int(self.monotonic_s() * 1000 + sum(self._bounds_ms) / 2)

    @property
    def uncertainty_ms(self) -> Optional[float]:
        """How far `now_ms` can be off either way, in ms; None before the first answer."""
        if self._bounds_ms is None:
            return None
        low, high = self._bounds_ms
        return (high - low) / 2

    def note_refused_time(self, sent_s: float) -> None:
        """Forgets everything learned, because the venue refused a time; the answer that refused it counts alone.

        :param sent_s: `monotonic_s` when the refused request was sent; one dated before the last refusal is no news
        """
        if sent_s < self._refused_at_s:
            return
        self._refused_at_s = self.monotonic_s()
        self._refused_ms = None if self._goes_by_fields else self._bounds_ms
        self._bounds_ms = None
        self._has_date = False
        self._goes_by_fields = False
        self.doubts_date = True

    def observe_date(self, header: Optional[str], sent_s: float, received_s: float) -> None:
        """Learns from the `Date` header of any answer; an absent or odd one teaches nothing.

        :param header: the header's text, in whole seconds cut off
        :param sent_s: `monotonic_s` before the request was sent
        :param received_s: `monotonic_s` when the answer's head was there
        """
        date_ms = http_date_ms(header)
        if date_ms is None or self._goes_by_fields:
            return
        bounds_ms = self._bounds(date_ms, date_ms + 1000, sent_s, received_s)
        if self.doubts_date and not self._has_date:
            self.doubts_date = self._refused_ms is not None and _common(bounds_ms, self._refused_ms) is not None
        self._has_date = True
        self._learn(bounds_ms, is_believed=True)

    def observe_time_ms(self, time_ms: int, sent_s: float, received_s: float) -> None:
        """Learns from a `time` field of an answer. It only refines: nobody says that the field is no older than the
        answer, so one that contradicts the `Date` headers is not believed, unless those were refused.

        :param time_ms: the venue's time in ms
        :param sent_s: `monotonic_s` before the request was sent
        :param received_s: `monotonic_s` when the answer was there
        """
        if self.doubts_date and not self._goes_by_fields:
            self._bounds_ms = None
            self._goes_by_fields = True
            self.doubts_date = False
        self._learn(self._bounds(time_ms, time_ms + 1, sent_s, received_s), self._goes_by_fields or not self._has_date)

    @staticmethod
    def _bounds(earliest_ms: float, latest_ms: float, sent_s: float, received_s: float) -> Tuple[float, float]:
        return earliest_ms - received_s * 1000, latest_ms - sent_s * 1000

    def _learn(self, bounds_ms: Tuple[float, float], is_believed: bool) -> None:
        common_ms = bounds_ms if self._bounds_ms is None else _common(bounds_ms, self._bounds_ms)
        if common_ms is not None:
            self._bounds_ms = common_ms
        elif is_believed:
            self._bounds_ms = bounds_ms


def _common(one: Tuple[float, float], other: Tuple[float, float]) -> Optional[Tuple[float, float]]:
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low <= high else None


def http_date_ms(header: Optional[str]) -> Optional[int]:
    """An HTTP date in ms since the epoch, None when it is none.

    :param header: a header's text, such as "Sun, 22 Nov 2026 12:00:00 GMT"
    """
    try:
        date = parsedate_to_datetime(header)
        # HTTP dates are GMT even where they do not say so.
        return int((date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp()) * 1000
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
