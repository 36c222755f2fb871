"""Whole order books on their way through the framework, which is made for books and their differences.

The venue sends the whole book several times a second and never a difference (protocol section 6, design decision 2). So
only the newest book of a symbol matters, and only one that is newer than the book already shown.
"""
import asyncio
import time
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Callable, Dict, List, Optional

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import ChannelMessage
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import Depth
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_message import OrderBookMessage, OrderBookMessageType
from hummingbot.core.data_type.order_book_row import OrderBookRow
from hummingbot.core.data_type.order_book_tracker import OrderBookTracker
from hummingbot.core.data_type.order_book_tracker_data_source import OrderBookTrackerDataSource


class NewestPerChannelQueue(asyncio.Queue):
    """A queue that keeps the newest message of each channel, in the place of the one it replaces.

    However fast books come, it holds one for each symbol, and no symbol waits behind the news of another (C26).
    """

    def put_quietly(self, item: ChannelMessage) -> None:
        """As `put_nowait`, for whoever will get it too: a task that waits is not woken."""
        self._put(item)

    def _init(self, maxsize: int) -> None:
        self._queue: Dict[str, ChannelMessage] = {}

    def _put(self, item: ChannelMessage) -> None:
        self._queue[item.channel] = item

    def _get(self) -> ChannelMessage:
        return self._queue.pop(next(iter(self._queue)))


class MergedPerChannelQueue(NewestPerChannelQueue):
    """The same for messages that may be partial: what the older one said and the newer one does not, is kept."""

    def _put(self, item: ChannelMessage) -> None:
        waiting = self._queue.get(item.channel)
        if waiting is not None and isinstance(waiting.data, dict) and isinstance(item.data, dict):
            item = replace(item, data={**waiting.data, **item.data})
        super()._put(item)


def keep_newest_books(queue: asyncio.Queue) -> None:
    """Reduce a queue of `DepthMessage` to the newest of each pair.

    The tracker does not read its queue before all books are there, which may take long (C26).

    :param queue: the tracker's
    """
    newest = {}
    while not queue.empty():
        message = queue.get_nowait()
        newest[message.trading_pair] = message
    for message in newest.values():
        queue.put_nowait(message)


class DepthMessage(OrderBookMessage):
    """A whole book. The base looks its update id up for every row; that would be most of the work here.

    :param update_id: greater than that of any older book of the pair
    :param timestamp: the venue's time of the book, or that of its arrival, in seconds
    """

    def __new__(cls, trading_pair: str, update_id: int, depth: Depth, timestamp: float) -> "DepthMessage":
        content = {"trading_pair": trading_pair, "update_id": update_id, "bids": depth.bids, "asks": depth.asks}
        # As the base would, through two more functions of Python.
        return tuple.__new__(cls, (OrderBookMessageType.SNAPSHOT, content, timestamp))

    @property
    def bids(self) -> List[OrderBookRow]:
        """Rows of the framework, highest price first."""
        return self._rows("bids")

    @property
    def asks(self) -> List[OrderBookRow]:
        """Rows of the framework, lowest price first."""
        return self._rows("asks")

    def _rows(self, side: str) -> List[OrderBookRow]:
        update_id = self.content["update_id"]
        # What a named tuple's own `__new__` does, without a call of Python for each row.
        new = tuple.__new__
        return [new(OrderBookRow, (price, amount, update_id)) for price, amount in self.content[side]]


class VestOrderBook(OrderBook):
    """A book that never goes back: frames that waited while a newer book came over REST are passed over (A19)."""

    def restore_from_snapshot_and_diffs(self, snapshot: OrderBookMessage, diffs: List[OrderBookMessage]) -> None:
        """What the tracker calls for every whole book.

        :param snapshot: the book
        :param diffs: always empty, because the venue sends none
        """
        update_id = snapshot.content["update_id"]
        if update_id > self.snapshot_uid:
            self.apply_snapshot(snapshot.bids, snapshot.asks, update_id)


class _BookStream(asyncio.Queue):
    """The tracker's queue of books. What `take` takes does not wait in it."""

    def __init__(self, take: Callable[[DepthMessage], bool]):
        super().__init__()
        self._take = take

    def put_nowait(self, item: DepthMessage) -> None:
        if not self._take(item):
            super().put_nowait(item)


class VestOrderBookTracker(OrderBookTracker):
    """The framework's tracker, which shows a book as soon as it is read.

    The base carries every book through two more queues and tasks, so that it comes in turn with the differences around
    it; for a venue that sends none they cost as much as the book itself. Books that come before all pairs are there,
    or for a pair that is not tracked, go the base's way.
    """

    def __init__(self, data_source: OrderBookTrackerDataSource, trading_pairs: List[str], domain: Optional[str] = None):
        super().__init__(data_source, trading_pairs, domain)
        self._order_book_snapshot_stream = _BookStream(self._show)

    def _show(self, message: DepthMessage) -> bool:
        trading_pair = message.content["trading_pair"]
        if trading_pair not in self._tracking_message_queues or not self.ready:
            return False
        began_s = time.perf_counter()
        self._order_books[trading_pair].restore_from_snapshot_and_diffs(message, [])
        self._metrics.total_snapshots_processed += 1
        self._metrics.snapshot_processing_latency.record((time.perf_counter() - began_s) * 1000)
        pair_metrics = self._metrics.get_or_create_pair_metrics(trading_pair)
        pair_metrics.snapshots_processed += 1
        pair_metrics.last_snapshot_timestamp = began_s
        return True


def middle_price(depth: Depth) -> Optional[float]:
    """The price halfway between the best bid and the best ask, None when a side is empty."""
    return (depth.bids[0][0] + depth.asks[0][0]) / 2 if depth.bids and depth.asks else None


def worst_price(book: OrderBook, is_buy: bool, amount: Decimal, slippage: Decimal, tick: Decimal) -> Optional[Decimal]:
    """The worst price in quote a MARKET order may fill at: the book's for its volume, widened, on the tick.

    :param book: the book of the pair
    :param is_buy: the order's side
    :param amount: in base
    :param slippage: how much wider, as a decimal fraction
    :param tick: the market's price step, in quote
    :return: None when the book is empty or too thin for the amount
    """
    price = Decimal(str(book.get_price_for_volume(is_buy, float(amount)).result_price))
    if not price.is_finite():
        return None
    ticks = price * (1 + slippage if is_buy else 1 - slippage) / tick
    return max(tick, ticks.to_integral_value(ROUND_CEILING if is_buy else ROUND_FLOOR) * tick)
