"""A fault that repeats is said once in a while, and endless different ones do not fill the log."""
import logging
from unittest.mock import patch

import pytest

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints

REPEAT_AFTER_S = 100


@pytest.fixture
def complaints():
    return Complaints(logging.getLogger("vest-complaints-test"), REPEAT_AFTER_S)


def test_complaints_are_repeated_after_a_while(complaints, caplog):
    said = []
    for now_s in (0, REPEAT_AFTER_S - 1, REPEAT_AFTER_S, REPEAT_AFTER_S + 1):
        with patch("time.monotonic", return_value=now_s):
            said.append(complaints.say("the same"))
    assert said == [True, False, True, False]
    assert caplog.messages == ["the same"] * 2


def test_a_venue_that_is_wrong_in_endless_ways_does_not_fill_the_log(complaints, caplog):
    with patch("time.monotonic", return_value=0):
        assert sum(complaints.say(f"wrong {number}.") for number in range(10_000)) == Complaints.LIMIT
    assert "No more of this is logged" in caplog.messages[-1]
    with patch("time.monotonic", return_value=REPEAT_AFTER_S):
        assert complaints.say("wrong again.")
