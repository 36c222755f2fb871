"""Slopes of vital signs, and where they come from."""
import json
from dataclasses import fields

import pytest

from workbench import sampling, soak_plot
from workbench.sampling import Sample


def sample(time_s, **values):
    return Sample(**{**{field.name: 0 for field in fields(Sample)}, "time_s": time_s, **values})


@pytest.mark.parametrize("ys, expected", [([1, 3, 5, 7], 2), ([4, 4, 4, 4], 0), ([0, 1, 0, 1], 0.2)])
def test_slope_is_that_of_least_squares(ys, expected):
    assert sampling.slope([0, 1, 2, 3], ys) == pytest.approx(expected)


def test_trends_leave_the_warm_up_out_and_go_on_to_a_day():
    samples = [sample(0, memory_mb=10), *(sample(60 + 10 * n, memory_mb=200 + n, tasks=30) for n in range(4))]
    found = {trend.name: trend for trend in sampling.trends(samples, warm_up_s=60)}
    memory = found["memory_mb"]
    assert (memory.first, memory.last, memory.unit) == (200, 203, "MB")
    assert (memory.per_hour, memory.per_day) == (pytest.approx(360), pytest.approx(8640))
    assert found["tasks"].per_day == 0 and found["tasks"].largest == 30


def test_trends_of_two_samples_are_none():
    with pytest.raises(ValueError, match="run longer"):
        sampling.trends([sample(0), sample(10), sample(20)], warm_up_s=5)


def test_order_rate_is_requests_by_time():
    assert sampling.order_rate([sample(10, order_requests=100), sample(30, order_requests=300)]) == 10


@pytest.mark.parametrize("lines", [0, 1, 5000])
def test_the_last_complete_line_counts(tmp_path, lines):
    file = tmp_path / "vitals.jsonl"
    file.write_text((json.dumps({"tasks": 1}) + "\n") * lines + json.dumps({"tasks": 2}) + "\n" + '{"tas')
    assert sampling.last_json_line(file) == {"tasks": 2}


def test_every_watched_sign_has_a_panel(tmp_path):
    samples = [sample(time_s, memory_mb=time_s) for time_s in range(5)]
    picture = tmp_path / "soak.png"
    soak_plot.draw(samples, sampling.trends(samples, 0), 1, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert set(soak_plot.TITLES) == set(sampling.WATCHED)
