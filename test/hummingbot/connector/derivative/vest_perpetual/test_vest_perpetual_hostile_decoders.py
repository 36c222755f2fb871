"""Any bytes a hostile venue may send give harmless objects or the one typed error.

`FUZZ_EXAMPLES=20000 python -m pytest …` looks longer and in other places each time.
"""
import gzip
import json
from test.hummingbot.connector.derivative.vest_perpetual.hostile_testing import EXAMPLES, fuzzing, mutations

import brotli
import pytest
from hypothesis import given, settings, strategies as st

from fuzz.surface import ANSWERS, FRAMES, check, read_answer, read_frame
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_web_utils as web_utils
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import http_date_ms
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError, VestPayloadError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import decode_frame
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import Fields, parse_json
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import Depth


@pytest.mark.parametrize("name", FRAMES)
def test_every_example_of_a_frame_is_understood(name):
    assert decode_frame(json.dumps(FRAMES[name]))
    read_frame(json.dumps(FRAMES[name]))


@pytest.mark.parametrize("name", ANSWERS)
def test_every_example_of_an_answer_is_understood(name):
    read, example = ANSWERS[name]

    assert read(parse_json(json.dumps(example)))


@fuzzing
@given(st.binary(max_size=300) | st.text(max_size=300))
def test_c19_any_bytes_or_text_give_messages_or_the_typed_error(frame):
    read_frame(frame)


@settings(fuzzing, max_examples=10 * EXAMPLES)
@given(
    mutations(list(FRAMES.values())),
    st.sampled_from([str, str.encode, lambda text: brotli.compress(text.encode())]),
)
def test_c19_mutated_frames_give_harmless_messages_or_the_typed_error(text, as_frame):
    read_frame(as_frame(text))


@pytest.mark.parametrize("name", ANSWERS)
def test_mutated_answers_give_harmless_objects_or_a_typed_error(name):
    @fuzzing
    @given(mutations([ANSWERS[name][1]]), st.sampled_from([200, 204, 302, 400, 401, 404, 429, 500, 503]))
    def look(text, status):
        read_answer(name, text, status)

    look()


@pytest.mark.parametrize("frame", [
    b"\xff\xfe" * 1000, b"\x00" * 1000, b"[" * 4_000_000, b'{"a":' * 800_000, b"9" * 4_000_000,
    b"[" + b"9" * 4_000_000 + b"]",
    b'{"data": 1e' + b"9" * 4_000_000 + b"}", b'{"channel": "' + b"x" * 4_000_000 + b'"}', b"{" * 4_000_000,
    b'"' + b"\\" * 4_000_000, b'{"' + b"\xed\xa0\x80" * 1000 + b'": 1}', gzip.compress(b"[" * 4_000_000, mtime=0),
    brotli.compress(b"[" * 50_000_000, quality=1), brotli.compress(brotli.compress(b"{}")), b"\xef\xbb\xbf{}",
    b"[" + b'{"channel":"a"},' * 100_000 + b"1]", '{"channel": "\ud800"}',
], ids=lambda value: f"{len(value)} of {value[:8]!r}")
def test_frames_beyond_all_measure_are_refused(frame):
    with pytest.raises(VestPayloadError) as refusal:
        for payload in decode_frame(frame):
            Fields("message", payload).text("channel")

    assert len(str(refusal.value)) < 200
    assert refusal.value.__cause__ is None or frame[:20] not in repr(refusal.value.__cause__).encode()


@pytest.mark.parametrize("text", [
    "1e999999999", "1e-999999999", "9" * 4000, "NaN", "Infinity", "-Infinity", "sNaN", "1e41",
])
@pytest.mark.parametrize("as_json", ['{{"size": "{}"}}', '{{"size": {}}}'], ids=["text", "number"])
def test_a_number_that_arithmetic_could_drown_in_is_refused_by_its_field(text, as_json):
    try:
        payload = parse_json(as_json.format(text))
    except VestPayloadError:  # NaN and its like are no JSON, and integers of thousands of digits are no integers
        return
    with pytest.raises(VestPayloadError, match=r"order\.size"):
        Fields("order", payload).decimal("size")


@pytest.mark.parametrize("time_ms", [-1, 10 ** 13, "1e30", 1.5, "now", True])
def test_a_time_beyond_all_calendars_is_refused_by_its_field(time_ms):
    with pytest.raises(VestPayloadError, match=r"order\.postTime"):
        Fields("order", {"postTime": time_ms}).time_ms("postTime")


@pytest.mark.parametrize("text", ["two\nlines", "\ud800", "\x00", "\x1b[31m", "x" * 5000, "\u202egnol"])
def test_a_name_that_cannot_be_signed_or_logged_is_refused_by_its_field(text):
    with pytest.raises(VestPayloadError, match=r"order\.id"):
        Fields("order", {"id": text}).text("id")


def test_a_book_of_a_hundred_thousand_levels_is_refused():
    with pytest.raises(VestPayloadError, match="depth.bids: more than 5000 rows"):
        Depth.from_payload({"bids": [["1", "1"]] * 100_000, "asks": []})


@fuzzing
@given(
    st.dictionaries(st.sampled_from(["Date", "Retry-After"]), st.text(max_size=40) | st.sampled_from([
        "9" * 5000, "-1", "1e9", "nan", "Sun, 22 Nov 9999 12:00:00 GMT", "Sun, 22 Nov 0001 00:00:00 +2300",
        "Thu, 99 Foo 99999 99:99:99 GMT",
    ])),
    st.sampled_from([200, 429, 503]),
    st.sampled_from(["", "{}", '{"code": 1003}', '{"code": "1e30", "msg": []}', "<p>"]),
)
def test_headers_of_any_content_do_no_harm(headers, status, body):
    try:
        web_utils.decode_answer(status, headers, body)
    except VestError as error:
        check(str(error))
        retry_after_s = getattr(error, "retry_after_s", None)
        assert retry_after_s is None or retry_after_s >= 0
    date_ms = http_date_ms(headers.get("Date"))
    assert date_ms is None or abs(date_ms) < 10 ** 15


@pytest.mark.parametrize("message", [
    "two\nlines", "\ud800", "x" * 1_000_000, "word " * 1_000_000, "\x1b[2J", ["a", "list"], {"an": "object"}, 5, True,
])
def test_a_code_is_understood_whatever_words_come_with_it(message):
    with pytest.raises(VestError) as refusal:
        web_utils.decode_answer(400, {}, json.dumps({"code": 3001, "msg": message}))

    assert refusal.value.code == 3001
    check(str(refusal.value))
    assert len(str(refusal.value)) < 1000


@pytest.mark.parametrize("code", [10 ** 30, "1e30", -1, 3001.5, True])
def test_c7_a_code_that_is_none_refuses_no_order(code):
    """The venue may have taken the order: only a code of its own proves that it did not."""
    with pytest.raises(VestError) as failure:
        web_utils.decode_answer(200, {}, json.dumps({"code": code, "msg": "no"}))

    assert failure.value.outcome_unknown
