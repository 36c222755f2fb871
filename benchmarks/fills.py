"""A fill, from the bytes of its event to the framework's OrderFilledEvent."""
import asyncio
import itertools
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import AsyncIterator, List

from benchmarks.feeding import FedSocket, end, fed_sockets, text_frame, until
from benchmarks.local_server import LocalServer
from benchmarks.measuring import Row, interleaved_async
from benchmarks.venues import VENUES, Venue
from benchmarks.venues.venue import text_of
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import MarketEvent


class FillListener:
    """A venue's connector with its user stream, connected to a socket that is fed.

    :param venue: whose
    """

    def __init__(self, venue: Venue):
        self.venue = venue
        self._socket: FedSocket
        self._numbers = itertools.count(1)
        self._heard_s: List[float] = []
        self._forwarder = EventForwarder(lambda _: self._heard_s.append(time.process_time()))

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FillListener"]:
        """All the framework runs for the user stream."""
        connector = self.venue.connector
        connector.add_listener(MarketEvent.OrderFilled, self._forwarder)
        tracker = connector._user_stream_tracker
        with fed_sockets() as sockets:
            tasks = {
                "stream": asyncio.create_task(tracker.data_source.listen_for_user_stream(tracker.user_stream)),
                "events": asyncio.create_task(connector._user_stream_event_listener()),
            }
            try:
                await until(lambda: bool(sockets))
                self._socket = sockets[0]
                for message in self.venue.greetings():
                    self._socket.feed(text_frame(text_of(message)))
                await asyncio.sleep(0.3)
                yield self
            finally:
                await end(tasks)

    async def cpu_us_per_fill(self, count: int) -> float:
        """CPU from the bytes to the event, of one fill after another, each of an order of its own."""
        connector = self.venue.connector
        total_s = 0.0
        for number in itertools.islice(self._numbers, count):
            order = self.venue.track_order(number)
            await until(lambda: order.exchange_order_id is not None)
            frame = text_frame(text_of(self.venue.fill_message(order, number)))
            self._heard_s.clear()
            began_s = time.process_time()
            self._socket.feed(frame)
            await until(lambda: bool(self._heard_s))
            total_s += self._heard_s[0] - began_s
            connector.stop_tracking_order(order.client_order_id)
            self.venue.orders.clear()
            await asyncio.sleep(0)
        return total_s / count * 1e6


async def measure(repetitions: int, count: int) -> List[Row]:
    """One row.

    :param repetitions: of each contender
    :param count: fills in one repetition
    """
    async with AsyncExitStack() as stack:
        listeners = []
        for venue_class in VENUES:
            server = await stack.enter_async_context(LocalServer(lambda *_: {}))
            venue = venue_class(server.url)
            server.answer = venue.count_and_answer
            listeners.append(await stack.enter_async_context(FillListener(venue).running()))
        contenders = {one.venue.name: lambda one=one: one.cpu_us_per_fill(count) for one in listeners}
        for warm_up in contenders.values():
            await warm_up()
        row = Row("fill event, bytes to OrderFilledEvent", "µs", await interleaved_async(contenders, repetitions),
                  "ahead of every peer")
        row.reached = row.ratio_to_best_peer() < 1
        return [row]
