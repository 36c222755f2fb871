"""What commands print."""
import json
from decimal import Decimal

import pytest

from hummingbot.connector.derivative.vest_perpetual.cli import output


def test_json_has_every_digit_of_a_decimal():
    assert json.loads(output.json_text({"a": Decimal("0.10"), "b": Decimal("1E-7"), "c": 5})) == {
        "a": "0.10", "b": "0.0000001", "c": 5,
    }


def test_json_of_what_has_no_form_in_it_is_an_error():
    with pytest.raises(TypeError):
        output.json_text({"a": {1}})


def test_a_table_shows_numbers_as_they_are_times_in_utc_and_what_is_not_there():
    rows = [{"size": Decimal("0.0100"), "at_ms": 1795385892507, "code": None, "is": True}]
    text = output.table(rows, {"size": "size", "at_ms": "posted", "code": "code", "is": "is"}, "nothing")
    assert "0.0100" in text and "2026-11-22 22:18:12 UTC" in text and " - " in text and "yes" in text


def test_a_number_that_is_no_time_is_shown_as_it_is():
    assert output.utc(10 ** 30) == f"{10 ** 30} ms"


def test_an_empty_table_is_a_sentence():
    assert output.table([], {"a": "a"}, "No such orders.") == "No such orders."


@pytest.mark.parametrize("ms, words", [
    (0, "less than a minute"), (-5, "less than a minute"), (60_000, "1 minute"), (3_600_000, "1 hour"),
    (7 * 86_400_000 - 1, "6 days 23 hours"), (86_400_000 + 120_000, "1 day 2 minutes"),
])
def test_spans_in_words(ms, words):
    assert output.span(ms) == words


@pytest.mark.parametrize("text, ms", [
    ("26h", 93_600_000), (" 7D ", 604_800_000), ("2w", 1_209_600_000), ("7", None), ("d", None), ("-1d", None),
    ("1.5d", None), ("", None), ("٣d", None),
])
def test_spans_as_users_type_them(text, ms):
    assert output.span_ms(text) == ms
