"""The short way of a depth frame gives what the general way gives, or leaves the frame to it."""
import json
from pathlib import Path
from test.hummingbot.connector.derivative.vest_perpetual.hostile_testing import EXAMPLES, fuzzing, mutations

import pytest
from hypothesis import given, settings, strategies as st

from fuzz.surface import FRAMES
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_depth_frames import depth_message_from
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import (
    ChannelMessage,
    decode_frame,
    socket_message_from,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import Depth

CAPTURED = (Path(__file__).parents[4] / "data" / "vest_api" / "depth.json").read_text()
NUMBERS = (
    "1", "0.5", "31478.75", "+5", "5.", ".5", " 5 ", "1e3", "1E-3", "0", "-1", "1_0", "1_.0", "nan", "inf", "",
    "9007199254740991", "9007199254740993", "0.1000000000000000055511151231257827", "1e-320", "1e400", "٣", "1\t",
    "0." + "9" * 400, "1" * 310,
)
texts = st.sampled_from(NUMBERS) | st.decimals(0, 10 ** 9, allow_nan=False).map(str)
numbers = texts | st.integers(-1, 2 ** 70) | st.floats(allow_nan=False) | st.booleans() | st.none()
amounts = st.decimals("0.0001", 10 ** 6, places=4).map(str)
sides = st.lists(st.lists(numbers, min_size=2, max_size=2) | st.lists(numbers, max_size=3), max_size=3)


def general_way(frame):
    """The message with its book read, None when it is refused."""
    try:
        payload, = decode_frame(frame)
        message = socket_message_from(payload)
        return ChannelMessage(message.channel, Depth.from_payload(message.data), message.time_ms)
    except VestPayloadError:
        return None


def frame_of(bids, asks=(), **others):
    return json.dumps({"channel": "BTC-PERP@depth", "data": {"bids": bids, "asks": asks}, **others})


@pytest.mark.parametrize("frame", [
    CAPTURED, json.dumps(FRAMES["depth"]), frame_of([["1.5", "2"]]), frame_of([], []), frame_of([[1, 2.5]]),
    frame_of([["105", "1"]], [["101", "1"]]), frame_of([["1", "1"]] * 100, [["2", "1"]] * 100, tsMs=7),
    '{"channel":"a@depth","channel":"b@depth","data":{"bids":[[1,2]],"asks":[],"bids":[[3,4]]}}',
])
def test_what_the_protocol_describes_is_read_as_the_general_way_reads_it(frame):
    message = depth_message_from(frame)
    assert message is not None and message == general_way(frame)
    assert {type(number) for row in message.data.bids + message.data.asks for number in row} <= {float}
    assert all(type(row) is tuple for row in message.data.bids)


@pytest.mark.parametrize("frame", [
    None, "", CAPTURED.encode(), "\ufeff" + CAPTURED, "[" + CAPTURED + "]", CAPTURED.rstrip()[:-1], "[" * 100_000,
    '{"channel": "BTC-PERP@depth", "data": ' + "[" * 40_000, '{"channel": "a@depth", "data": ' + "9" * 40_000 + "}",
    frame_of([["1", "0"]]), frame_of([["-1", "1"]]), frame_of([["NaN", "1"]]), frame_of([[True, "1"]]),
    frame_of([["1_.0", "1"]]), frame_of([["٣", "1"]]), frame_of([["1\t", "1"]]), frame_of([["1"]]),
    frame_of([["1", "1", "1"]]), frame_of([{"0": 1, "1": 1}]), frame_of(["11"]), frame_of({"0": [1, 1]}),
    frame_of([[10 ** 20, 1]]), frame_of([["1", "1"]] * 1001), frame_of([["1", "1"]] * 6000), frame_of(None),
    frame_of([], more=1), frame_of([], tsMs="7"), frame_of([], tsMs=-1), frame_of([], tsMs=10 ** 13),
    frame_of([], tsMs=1.5), frame_of([], tsMs=None), '{"channel": "a@depth\x7f", "data": {"bids": [], "asks": []}}',
    '{"channel": "a@depth2", "data": {"bids": [], "asks": []}}', '{"channel": 7, "x": "@depth", "data": {}}',
    '{"channel": "a@depth", "data": {"bids": [], "asks": [], "a": NaN}}', json.dumps(FRAMES["fill"]),
], ids=lambda frame: repr(frame)[:60])
def test_c19_all_else_is_left_to_the_general_way(frame):
    assert depth_message_from(frame) is None


@settings(fuzzing, max_examples=8 * EXAMPLES)
@given(mutations([FRAMES["depth"], json.loads(frame_of([["1", "2"]], [["3", "4"]]))]))
def test_c19_of_mutated_frames_nothing_is_taken_that_the_general_way_would_read_otherwise(frame):
    message = depth_message_from(frame)
    assert message is None or message == general_way(frame)


@settings(fuzzing, max_examples=8 * EXAMPLES)
@given(sides, sides, st.booleans())
def test_c19_rows_are_the_same_numbers_to_the_last_bit(bids, asks, is_ascii):
    frame = json.dumps({"channel": "a@depth", "data": {"bids": bids, "asks": asks}}, ensure_ascii=is_ascii)
    message = depth_message_from(frame)
    assert message is None or message == general_way(frame)


@fuzzing
@given(st.lists(st.tuples(amounts, amounts), max_size=100))
def test_ordinary_books_are_taken(rows):
    frame = frame_of(rows, rows)
    assert depth_message_from(frame) == general_way(frame) is not None
