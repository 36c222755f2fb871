"""How whole books get to the framework: the newest, once, and never an older one."""
import asyncio

import pytest

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import ChannelMessage
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_book import (
    DepthMessage,
    MergedPerChannelQueue,
    NewestPerChannelQueue,
    VestOrderBook,
    VestOrderBookTracker,
    keep_newest_books,
    middle_price,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import Depth
from hummingbot.core.data_type.order_book_message import OrderBookMessage, OrderBookMessageType


def depth(bids=(), asks=()) -> Depth:
    return Depth(bids=list(bids), asks=list(asks), time_ms=None)


def test_c26_the_queue_keeps_the_newest_message_of_each_channel_in_its_place():
    queue = NewestPerChannelQueue()
    for number in range(10_000):
        queue.put_nowait(ChannelMessage("a@depth", number, None))
        if number == 0:
            queue.put_nowait(ChannelMessage("b@depth", number, None))
    assert queue.qsize() == 2
    assert [(queue.get_nowait().channel, queue.qsize()) for _ in range(2)] == [("a@depth", 1), ("b@depth", 0)]
    with pytest.raises(asyncio.QueueEmpty):
        queue.get_nowait()


def test_the_merging_queue_keeps_what_the_newer_message_leaves_out():
    queue = MergedPerChannelQueue()
    for data in ({"mark": 1, "index": 1}, {"mark": 2}):
        queue.put_nowait(ChannelMessage("a@ticker", data, None))
    assert queue.get_nowait().data == {"mark": 2, "index": 1}


@pytest.mark.parametrize("older, newer", [({"mark": 1}, None), (None, {"mark": 1}), ([1], {"mark": 1})])
def test_the_merging_queue_replaces_what_cannot_be_merged(older, newer):
    queue = MergedPerChannelQueue()
    for data in (older, newer):
        queue.put_nowait(ChannelMessage("a@ticker", data, None))
    assert queue.get_nowait().data == newer
    assert queue.empty()


def test_keep_newest_books_leaves_one_for_each_pair():
    queue = asyncio.Queue()
    for update_id in range(1, 7):
        queue.put_nowait(DepthMessage(("A-USDC", "B-USDC")[update_id % 2], update_id, depth(), 0.0))
    keep_newest_books(queue)
    assert {(message.trading_pair, message.update_id) for message in
            (queue.get_nowait() for _ in range(queue.qsize()))} == {("A-USDC", 6), ("B-USDC", 5)}


def test_the_message_gives_what_the_bases_message_would():
    book = depth([(100.5, 1.0), (100.0, 2.0)], [(101.0, 3.0)])
    message = DepthMessage("A-USDC", 7, book, 12.5)
    base = OrderBookMessage(
        OrderBookMessageType.SNAPSHOT,
        {"trading_pair": "A-USDC", "update_id": 7, "bids": book.bids, "asks": book.asks}, 12.5,
    )
    assert message == base
    names = "type content timestamp update_id first_update_id trade_id trading_pair bids asks"
    for name in names.split():
        assert getattr(message, name) == getattr(base, name), name


def test_a19_a_book_never_goes_back():
    book = VestOrderBook()
    book.restore_from_snapshot_and_diffs(DepthMessage("A-USDC", 5, depth([(100.0, 1.0)]), 0.0), [])
    for stale in (4, 5):
        book.restore_from_snapshot_and_diffs(DepthMessage("A-USDC", stale, depth([(90.0, 1.0)]), 0.0), [])
    assert (book.get_price(False), book.snapshot_uid) == (100.0, 5)
    book.restore_from_snapshot_and_diffs(DepthMessage("A-USDC", 6, depth([(90.0, 1.0)]), 0.0), [])
    assert (book.get_price(False), book.snapshot_uid) == (90.0, 6)


def test_the_middle_needs_both_sides():
    assert middle_price(depth([(99.0, 1.0)], [(101.0, 1.0)])) == 100.0
    assert middle_price(depth([(99.0, 1.0)])) is None
    assert middle_price(depth(asks=[(99.0, 1.0)])) is None


def tracker_of(pairs):
    tracker = VestOrderBookTracker(None, list(pairs), "vest_perpetual")  # a source is wanted when it starts
    for pair in pairs:
        tracker._order_books[pair] = VestOrderBook()
        tracker._tracking_message_queues[pair] = asyncio.Queue()
    return tracker


def shown(tracker):
    return [(row.price, row.amount) for row in tracker.order_books["A-USDC"].bid_entries()]


@pytest.mark.asyncio
async def test_a19_a_book_is_shown_at_once_and_an_older_one_changes_nothing():
    tracker = tracker_of(["A-USDC"])
    tracker._order_books_initialized.set()

    for update_id, price in ((2, 100.0), (1, 99.0)):
        tracker._order_book_snapshot_stream.put_nowait(
            DepthMessage("A-USDC", update_id, depth([(price, 1.0)]), 0.0)
        )

    assert shown(tracker) == [(100.0, 1.0)]
    assert tracker.metrics.total_snapshots_processed == 2
    assert tracker.metrics.per_pair_metrics["A-USDC"].snapshots_processed == 2


@pytest.mark.asyncio
async def test_a19_books_wait_for_the_frameworks_own_task_until_all_pairs_are_there():
    tracker = tracker_of(["A-USDC"])
    tracker._order_book_snapshot_stream.put_nowait(DepthMessage("A-USDC", 1, depth([(99.0, 1.0)]), 0.0))
    assert shown(tracker) == []

    tracker._order_books_initialized.set()
    tasks = [asyncio.create_task(tracker._order_book_snapshot_router()),
             asyncio.create_task(tracker._track_single_book("A-USDC"))]
    while not shown(tracker):
        await asyncio.sleep(0)
    assert shown(tracker) == [(99.0, 1.0)]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.asyncio
async def test_a22_a_book_of_a_pair_that_is_not_tracked_is_left_to_the_framework():
    tracker = tracker_of(["A-USDC"])
    tracker._order_books_initialized.set()

    tracker._order_book_snapshot_stream.put_nowait(DepthMessage("B-USDC", 1, depth([(99.0, 1.0)]), 0.0))

    assert tracker._order_book_snapshot_stream.qsize() == 1
    assert shown(tracker) == []
