"""A frame of a whole book, raw bytes to applied order book."""
import asyncio
import itertools
import json
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import AsyncIterator, Dict, List

from benchmarks.feeding import FedSocket, end, fed_sockets, text_frame, until
from benchmarks.measuring import REFERENCE, Row, cpu_s_of, interleaved_async
from benchmarks.venues import VENUES, Venue
from benchmarks.venues.venue import book_rows, text_of
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_message import OrderBookMessage, OrderBookMessageType
from hummingbot.core.data_type.order_book_row import OrderBookRow

LEVELS = (20, 100)
BACKLOG = 1000
# After so many rounds of the event loop without a change, nothing is on its way any more.
_QUIET_ROUNDS = 50


class BookListener:
    """A venue's connector with its order book tracker, connected to sockets that are fed.

    :param venue: whose
    """

    def __init__(self, venue: Venue):
        self.venue = venue
        self.books: Dict[str, OrderBook] = {}
        self.socket: FedSocket
        self._tasks: Dict[str, asyncio.Task] = {}
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["BookListener"]:
        """All the framework runs for the order books; only the books over REST are left out."""
        tracker = self.venue.connector.order_book_tracker
        source = tracker.data_source
        source._order_book_snapshot = self._no_rest_snapshot
        loop = asyncio.get_running_loop()
        for pair in self.venue.pairs:
            tracker._order_books[pair] = source.order_book_create_function()
            tracker._tracking_message_queues[pair] = asyncio.Queue()
        tracker._order_books_initialized.set()
        self.books = tracker.order_books
        with fed_sockets() as sockets:
            coroutines = {
                "stream": source.listen_for_subscriptions(),
                "diffs": source.listen_for_order_book_diffs(loop, tracker._order_book_diff_stream),
                "snapshots": source.listen_for_order_book_snapshots(loop, tracker._order_book_snapshot_stream),
                "diff router": tracker._order_book_diff_router(),
                "snapshot router": tracker._order_book_snapshot_router(),
                **{pair: tracker._track_single_book(pair) for pair in self.venue.pairs},
            }
            self._tasks = {name: asyncio.create_task(coroutine) for name, coroutine in coroutines.items()}
            try:
                await until(lambda: any(map(self.venue.is_for_books, sockets)))
                self.socket = next(filter(self.venue.is_for_books, sockets))
                for message in self.venue.greetings():
                    self.socket.feed(text_frame(text_of(message)))
                await asyncio.sleep(0.05)
                yield self
            finally:
                await end(self._tasks)

    def frames(self, levels: int, count: int) -> List[bytes]:
        """Frames of the first market, each newer than all before."""
        return [self.frame(self.venue.coins[0], levels, number) for number in itertools.islice(self._numbers, count)]

    def frame(self, coin: str, levels: int, number: int) -> bytes:
        """The frame of a market with this number."""
        return text_frame(text_of(self.venue.book_message(coin, *book_rows(levels, number), number)))

    def mark(self, pair: str) -> int:
        """A number that changes when a book has been applied."""
        book = self.books[pair]
        return book.snapshot_uid + book.last_diff_uid

    async def cpu_us_per_frame(self, levels: int, count: int) -> float:
        """CPU of one frame after another, each applied before the next comes."""
        pair = self.venue.pairs[0]
        frames = self.frames(levels, count)
        began_s = time.process_time()
        for frame in frames:
            mark = self.mark(pair)
            self.socket.feed(frame)
            while self.mark(pair) == mark:
                await asyncio.sleep(0)
        return (time.process_time() - began_s) / count * 1e6

    async def cpu_ms_of_backlog(self, levels: int, count: int) -> float:
        """CPU until the newest of so many frames that came at once is shown."""
        pair = self.venue.pairs[0]
        frames = self.frames(levels, count)
        began_s = time.process_time()
        for frame in frames:
            self.socket.feed(frame)
        ended_s, unchanged, mark = began_s, 0, self.mark(pair)
        while unchanged < _QUIET_ROUNDS:
            await asyncio.sleep(0)
            before, mark = mark, self.mark(pair)
            unchanged = unchanged + 1 if before == mark else 0
            ended_s = ended_s if unchanged else time.process_time()
        return (ended_s - began_s) * 1e3

    async def _no_rest_snapshot(self, trading_pair: str) -> OrderBookMessage:
        content = {"trading_pair": trading_pair, "update_id": 0, "bids": [], "asks": []}
        return OrderBookMessage(OrderBookMessageType.SNAPSHOT, content, time.time())


def reference_us(levels: int, count: int) -> float:
    """The reference: `json` and the framework's book, with nothing around them."""
    texts = [text_of({"channel": "BTC-PERP@depth", "data": dict(zip(("bids", "asks"), book_rows(levels, number)))})
             for number in range(count)]
    book, update_ids, frames = OrderBook(), itertools.count(1), iter(texts)

    def apply() -> None:
        update_id = next(update_ids)
        data = json.loads(next(frames))["data"]
        book.apply_snapshot(
            [OrderBookRow(float(price), float(amount), update_id) for price, amount in data["bids"]],
            [OrderBookRow(float(price), float(amount), update_id) for price, amount in data["asks"]],
            update_id,
        )

    return cpu_s_of(apply, count) * 1e6


async def measure(repetitions: int, count: int, backlog: int = BACKLOG) -> List[Row]:
    """Rows for both sizes of a book, and for many frames at once.

    :param repetitions: of each contender
    :param count: frames in one repetition
    :param backlog: frames at once
    """
    rows = []
    async with AsyncExitStack() as stack:
        listeners = [
            await stack.enter_async_context(BookListener(venue("http://127.0.0.1:9")).running()) for venue in VENUES
        ]
        for levels in LEVELS:
            contenders = {
                listener.venue.name: lambda one=listener: one.cpu_us_per_frame(levels, count) for listener in listeners
            }

            async def reference() -> float:
                return reference_us(levels, count)

            for warm_up in contenders.values():
                await warm_up()
            row = Row(f"depth frame, {levels} levels a side, bytes to applied book", "µs",
                      await interleaved_async({**contenders, REFERENCE: reference}, repetitions))
            row.target = "≤ ½ best peer" + (", ≤ 2.5 × reference" if levels == 20 else "")
            row.reached = row.ratio_to_best_peer() <= 0.5 and (levels != 20 or row.ratio_to_reference() <= 2.5)
            rows.append(row)
        backlogs = {
            one.venue.name: lambda one=one: one.cpu_ms_of_backlog(LEVELS[0], backlog) for one in listeners
        }
        rows.append(Row(f"{backlog} frames of one pair at once, until the newest is shown", "ms",
                        await interleaved_async(backlogs, repetitions // 3 + 1), "ahead of every peer"))
        rows[-1].reached = rows[-1].ratio_to_best_peer() < 1
    return rows
