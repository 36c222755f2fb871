"""The venue's time, as its answers tell it (acceptance A18)."""
from datetime import datetime, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given, strategies as st

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock, http_date_ms

START_MS = 1_791_000_000_000


def http_date(time_ms):
    return format_datetime(datetime.fromtimestamp(time_ms // 1000, tz=timezone.utc), usegmt=True)


class Times:
    """A local monotonic clock and a venue whose time is that clock's plus an offset."""

    def __init__(self, venue_ms=START_MS):
        self.monotonic_s = 100.0
        self.offset_ms = venue_ms - self.monotonic_s * 1000
        self.clock = ServerClock(monotonic_s=lambda: self.monotonic_s, wall_s=lambda: 1.5)

    @property
    def venue_ms(self):
        return self.monotonic_s * 1000 + self.offset_ms

    @property
    def error_ms(self):
        return abs(self.clock.now_ms() - self.venue_ms)

    def answer(self, there_s=0.0, back_s=0.0):
        """An answer with a Date header; the request takes this long each way."""
        sent_s = self.monotonic_s
        self.monotonic_s += there_s
        header = http_date(int(self.venue_ms))
        self.monotonic_s += back_s
        self.clock.observe_date(header, sent_s, self.monotonic_s)


def test_before_any_answer_the_wall_clock_serves():
    clock = ServerClock(wall_s=lambda: 12.3456)

    assert (clock.now_ms(), clock.uncertainty_ms) == (12345, None)


def test_one_answer_is_good_to_half_a_second():
    times = Times(venue_ms=START_MS + 900)

    times.answer()

    assert times.clock.uncertainty_ms == pytest.approx(500)
    assert times.error_ms <= 501


def test_answers_around_the_turn_of_a_second_narrow_it_down():
    times = Times(venue_ms=START_MS + 990)

    times.answer()
    times.monotonic_s += 0.02  # the venue's second turns
    times.answer()

    assert times.clock.uncertainty_ms == pytest.approx(10)
    assert times.error_ms <= 11


def test_time_goes_on_between_answers():
    times = Times()
    times.answer()
    before_ms = times.clock.now_ms()

    times.monotonic_s += 3600

    assert times.clock.now_ms() - before_ms == 3_600_000


def test_the_way_of_the_request_widens_the_bounds():
    times = Times()

    times.answer(there_s=0.4, back_s=0.2)

    assert times.clock.uncertainty_ms == pytest.approx(800)
    assert times.error_ms <= 801


@pytest.mark.parametrize("jump_ms", [60_000, -60_000, 3_600_000])
def test_after_a_jump_the_newest_answer_is_believed(jump_ms):
    times = Times()
    times.answer()

    times.offset_ms += jump_ms
    times.answer()

    assert times.error_ms <= 501


def test_a_time_field_refines_the_dates():
    times = Times(venue_ms=START_MS + 700)
    times.answer()

    times.clock.observe_time_ms(int(times.venue_ms), times.monotonic_s - 0.01, times.monotonic_s + 0.01)

    assert times.clock.uncertainty_ms <= 11
    assert times.error_ms <= 12


def test_a_time_field_older_than_its_answer_does_not_set_the_clock_back():
    times = Times()
    times.answer()

    times.clock.observe_time_ms(int(times.venue_ms) - 60_000, times.monotonic_s, times.monotonic_s)

    assert times.error_ms <= 501


def test_without_dates_time_fields_serve():
    times = Times()

    for _ in range(2):
        times.clock.observe_time_ms(int(times.venue_ms), times.monotonic_s, times.monotonic_s)
        assert times.error_ms <= 2
        times.offset_ms += 60_000


def test_a18_after_a_refused_time_only_the_newest_answer_counts():
    times = Times(venue_ms=START_MS + 200)
    times.answer()
    times.offset_ms += 700  # within the first answer's bounds, so it does not contradict them
    times.clock.note_refused_time(times.monotonic_s)
    assert times.clock.uncertainty_ms is None

    times.answer()

    assert times.clock.uncertainty_ms == pytest.approx(500)
    assert times.error_ms <= 501


def test_after_a_refused_time_time_fields_serve_until_a_date_comes():
    times = Times()
    times.answer()
    times.clock.note_refused_time(times.monotonic_s)

    for _ in range(2):
        times.clock.observe_time_ms(int(times.venue_ms), times.monotonic_s, times.monotonic_s)
        assert times.error_ms <= 2
        times.offset_ms += 60_000


@pytest.mark.parametrize("offset_ms", [30_000, -30_000])
def test_c28_a_date_whose_time_was_refused_gives_way_to_time_fields(offset_ms):
    times = Times()
    times.answer()  # a proxy's
    engine_ms = times.venue_ms + offset_ms
    times.clock.note_refused_time(times.monotonic_s)
    times.answer()
    assert times.clock.doubts_date

    times.clock.observe_time_ms(int(engine_ms), times.monotonic_s, times.monotonic_s)
    times.answer()

    assert not times.clock.doubts_date
    assert abs(times.clock.now_ms() - engine_ms) <= 2


def test_c28_a_date_that_explains_the_refusal_is_not_doubted():
    times = Times()
    times.answer()
    times.offset_ms += 30_000
    times.clock.note_refused_time(times.monotonic_s)

    times.answer()

    assert not times.clock.doubts_date
    assert times.error_ms <= 501


def test_c28_time_fields_that_were_refused_give_way_to_the_date():
    times = Times()
    times.answer()
    times.clock.note_refused_time(times.monotonic_s)
    times.answer()
    times.clock.observe_time_ms(int(times.venue_ms) + 60_000, times.monotonic_s, times.monotonic_s)

    times.clock.note_refused_time(times.monotonic_s)
    times.answer()

    assert not times.clock.doubts_date
    assert times.error_ms <= 501


def test_c28_a_refusal_of_a_request_dated_before_the_last_refusal_is_no_news():
    times = Times()
    times.answer()
    early_s = times.monotonic_s
    times.monotonic_s += 1
    times.offset_ms += 30_000
    times.clock.note_refused_time(early_s)
    times.answer()

    times.clock.note_refused_time(early_s)
    times.answer()

    assert not times.clock.doubts_date
    assert times.error_ms <= 501


@pytest.mark.parametrize("header", [None, "", "tomorrow", "Sun, 99 Nov 2026 12:00:00 GMT", "0", ",,", "GMT"])
def test_an_odd_date_teaches_nothing(header):
    clock = ServerClock(wall_s=lambda: 7.0)

    clock.observe_date(header, 0, 0)

    assert (clock.now_ms(), clock.uncertainty_ms) == (7000, None)


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_none(text):
    assert http_date_ms(text) is None or isinstance(http_date_ms(text), int)


@pytest.mark.parametrize("header", [
    "Sun, 22 Nov 2026 12:00:01 GMT", "Sun, 22 Nov 2026 12:00:01 -0000", "Sun, 22 Nov 2026 13:00:01 +0100",
])
def test_dates_are_ms_since_the_epoch(header):
    assert http_date_ms(header) == datetime(2026, 11, 22, 12, 0, 1, tzinfo=timezone.utc).timestamp() * 1000


answers = st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2), st.floats(0, 90)), min_size=1, max_size=20)


@given(st.integers(START_MS, START_MS + 10_000), answers)
def test_the_venues_time_is_always_within_the_stated_uncertainty(venue_ms, answers):
    times = Times(venue_ms)
    widths = []

    for there_s, back_s, pause_s in answers:
        times.answer(there_s, back_s)
        widths.append(times.clock.uncertainty_ms)
        assert times.error_ms <= times.clock.uncertainty_ms + 1.01
        times.monotonic_s += pause_s

    assert widths == sorted(widths, reverse=True)
