"""A status poll with many open orders: requests and CPU."""
import asyncio
import time
from contextlib import AsyncExitStack
from typing import Dict, List, Sequence

from benchmarks.local_server import LocalServer
from benchmarks.measuring import OURS, Row, interleaved_async
from benchmarks.venues import VENUES, Venue

ORDERS = (1, 10, 100, 1000)
# The framework's throttler looks through all earlier requests for each one: beyond this a poll of a peer takes so long
# that it is measured once.
MANY_ORDERS = 100


async def _poll_cpu_ms(venue: Venue, server: LocalServer) -> float:
    venue.forget_requests()
    server.cpu_s = 0.0
    began_s = time.process_time()
    await venue.poll()
    return (time.process_time() - began_s - server.cpu_s) * 1e3


async def measure(repetitions: int, numbers: Sequence[int] = ORDERS) -> List[Row]:
    """A row for requests and one for CPU with each number of open orders.

    :param repetitions: of each contender
    :param numbers: of open orders
    """
    rows: List[Row] = []
    for number in numbers:
        async with AsyncExitStack() as stack:
            venues: List[Venue] = []
            servers: Dict[str, LocalServer] = {}
            for venue_class in VENUES:
                server = await stack.enter_async_context(LocalServer(lambda *_: {}))
                venue = venue_class(server.url)
                server.answer = venue.count_and_answer
                for order in range(1, number + 1):
                    venue.track_order(order)
                venues.append(venue)
                servers[venue.name] = server
            await asyncio.sleep(0.1)
            times = repetitions if number <= MANY_ORDERS else 1
            for venue in venues:
                if number <= MANY_ORDERS or venue.name == OURS:
                    await _poll_cpu_ms(venue, servers[venue.name])
                venue.requests = 0
            contenders = {
                venue.name: lambda venue=venue: _poll_cpu_ms(venue, servers[venue.name]) for venue in venues
            }
            cpu_ms = await interleaved_async(contenders, times)
            requests = {venue.name: venue.requests / times for venue in venues}
            words = f"status poll, {number} open order{'s' if number > 1 else ''}"
            rows.append(Row(f"{words}: requests", "", requests, "≤ 1 per 1000 orders", requests[OURS] <= 1))
            rows.append(Row(f"{words}: CPU", "ms", cpu_ms))
    return rows
