"""Order ids: nonces of which none is issued twice, and the tag that tells one bot's orders from another's."""
import os

import pytest
from hypothesis import given, strategies as st

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_ids import (
    TAG_FILE_NAME,
    OrderIds,
    VestOrderIdError,
)

NOW_MS = 1_795_348_800_000


def ids(folder, times_ms=None, tags=(7,)):
    """Order ids with a clock and draws of the test's; the last time and tag go on for ever."""
    times, draws = list(times_ms or [NOW_MS]), list(tags)
    return OrderIds(
        folder,
        time_ms=lambda: times.pop(0) if len(times) > 1 else times[0],
        draw=lambda: draws.pop(0) if len(draws) > 1 else draws[0],
    )


def test_a_nonce_is_milliseconds_and_tag(tmp_path):
    assert ids(tmp_path).next() == NOW_MS * 1000 + 7


@given(st.lists(st.integers(min_value=NOW_MS, max_value=NOW_MS + 50), min_size=2, max_size=60))
def test_nonces_increase_strictly_whatever_the_clock_does(tmp_path_factory, times_ms):
    order_ids = ids(tmp_path_factory.mktemp("ids"), [times_ms[0], *times_ms])

    nonces = [order_ids.next() for _ in times_ms]

    assert all(earlier < later for earlier, later in zip(nonces, nonces[1:]))
    assert all(order_ids.is_ours(nonce) and not order_ids.is_of_another_bot(nonce) for nonce in nonces)


def test_nonces_stay_below_two_to_the_53_for_two_centuries(tmp_path):
    in_the_year_2250_ms = 8_836_000_000_000

    nonce = ids(tmp_path, [in_the_year_2250_ms], tags=[999]).next()

    assert nonce < 2 ** 53
    assert len(str(nonce)) == 16


def test_the_real_clock_and_the_real_draw_make_such_nonces_too(tmp_path):
    order_ids = OrderIds(tmp_path)

    assert 0 <= order_ids.tag < 1000
    assert 10 ** 15 < order_ids.next() < 2 ** 53


def test_the_tag_is_kept_for_the_next_session(tmp_path):
    assert ids(tmp_path / "data", tags=[7]).tag == 7
    assert ids(tmp_path / "data", tags=[8]).tag == 7


def test_nothing_is_written_before_an_id_is_needed(tmp_path):
    ids(tmp_path)

    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"1000", b"-1", b"seven", "sieben…".encode(), b"7 7", b"1e2"])
def test_a_damaged_tag_file_is_an_error_that_says_what_to_do(tmp_path, content):
    (tmp_path / TAG_FILE_NAME).write_bytes(content)
    order_ids = ids(tmp_path)

    for _ in range(2):  # however often it is asked
        with pytest.raises(VestOrderIdError, match=TAG_FILE_NAME):
            order_ids.next()


def test_a_tag_file_that_cannot_be_read_is_an_error_that_says_so(tmp_path):
    (tmp_path / TAG_FILE_NAME).mkdir()

    with pytest.raises(VestOrderIdError, match="permissions"):
        ids(tmp_path).next()


def test_no_id_is_issued_while_the_tag_cannot_be_kept(tmp_path):
    (tmp_path / "file").write_text("where the data folder should be")
    order_ids = ids(tmp_path / "file" / "data")

    for _ in range(2):  # an id under a tag that was not kept would be nobody's after a crash
        with pytest.raises(VestOrderIdError, match="cannot"):
            order_ids.next()


def test_a_write_that_fails_leaves_the_old_tag(tmp_path, monkeypatch):
    order_ids = ids(tmp_path, tags=[7, 8])
    assert order_ids.tag == 7

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(VestOrderIdError, match="disk full"):
        order_ids.redraw_tag()
    monkeypatch.undo()

    assert order_ids.tag == 7
    assert ids(tmp_path, tags=[9]).tag == 7


def test_a_crash_while_writing_leaves_the_old_tag(tmp_path):
    assert ids(tmp_path).tag == 7
    (tmp_path / f"{TAG_FILE_NAME}.4711").write_text("")  # what a process that died in between leaves

    assert ids(tmp_path, tags=[8]).tag == 7


def test_orders_of_an_earlier_session_are_ours(tmp_path):
    earlier = ids(tmp_path).next()
    order_ids = ids(tmp_path, [NOW_MS + 1000])

    assert order_ids.is_ours(earlier)
    assert not order_ids.is_of_another_bot(earlier)


def test_another_bot_with_the_same_tag_is_noticed(tmp_path):
    order_ids = ids(tmp_path / "mine")
    order_ids.next()
    theirs = ids(tmp_path / "theirs", [NOW_MS, NOW_MS + 500]).next()

    assert order_ids.is_ours(theirs)
    assert order_ids.is_of_another_bot(theirs)


def test_with_a_new_tag_whatever_bears_it_already_is_another_bots(tmp_path):
    order_ids = ids(tmp_path)
    assert order_ids.tag == 7

    assert order_ids.is_of_another_bot((NOW_MS - 60_000) * 1000 + 7)


def test_another_tag_is_drawn_until_it_differs(tmp_path):
    order_ids = ids(tmp_path, tags=[7, 7, 7, 8])
    mine = order_ids.next()

    assert order_ids.redraw_tag() == 8
    assert order_ids.next() % 1000 == 8
    assert not order_ids.is_of_another_bot(mine)
    assert ids(tmp_path).tag == 8


@pytest.mark.parametrize("nonce", [None, 7, 1007, NOW_MS * 1000 + 8])
def test_nonces_of_other_makes_are_not_ours(tmp_path, nonce):
    assert not ids(tmp_path).is_ours(nonce)


def test_ten_thousand_ids_in_one_millisecond_differ(tmp_path):
    order_ids = ids(tmp_path)

    nonces = {order_ids.next() for _ in range(10_000)}

    assert len(nonces) == 10_000


def test_ids_issued_long_ago_are_forgotten_and_the_last_ones_are_not(tmp_path):
    ids = OrderIds(tmp_path, time_ms=lambda: 1_760_000_000_000)
    issued = [ids.next() for _ in range(10_001)]

    assert ids.is_of_another_bot(issued[0])
    assert not ids.is_of_another_bot(issued[1])
    assert not ids.is_of_another_bot(issued[-1])
