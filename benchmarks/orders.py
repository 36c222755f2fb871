"""From `buy()` to the last byte of the request, one order at a time and a hundred at once."""
import asyncio
import json
import time
from contextlib import AsyncExitStack
from typing import Dict, List

import aiohttp

from benchmarks.feeding import until
from benchmarks.local_server import LocalServer
from benchmarks.measuring import REFERENCE, Row, interleaved_async
from benchmarks.venues import VENUES, Venue
from benchmarks.venues.venue import PRICE, SIZE

BURST = 100
# What connectors do after their orders, or at a time that passed while garbage was collected, is done after so long.
SETTLING_S = 0.02


class OrderSender:
    """A venue's connector in front of a server that answers at once.

    :param venue: whose
    :param server: where its requests go
    """

    def __init__(self, venue: Venue, server: LocalServer):
        self._venue = venue
        self._server = server

    async def latency_us(self, count: int) -> float:
        """Mean time to the last byte of the last request, of so many orders at once, for each of them."""
        await asyncio.sleep(SETTLING_S)
        self._venue.forget_requests()
        self._server.arrivals_s.clear()
        began_s = time.perf_counter()
        for _ in range(count):
            self._venue.buy()
        await until(lambda: len(self._server.arrivals_s) == count)
        latency_us = (self._server.arrivals_s[-1] - began_s) / count * 1e6
        await self._settle(count)
        return latency_us

    async def _settle(self, count: int) -> None:
        orders = self._venue.connector.in_flight_orders
        await until(lambda: sum(order.exchange_order_id is not None for order in orders.values()) >= count)
        for order_id in list(orders):
            self._venue.connector.stop_tracking_order(order_id)


class BareClient:
    """The HTTP client alone: the same body, unsigned.

    :param session: that sends
    :param server: where its requests go
    """

    PATH = "/v2/orders"

    def __init__(self, session: aiohttp.ClientSession, server: LocalServer):
        self._session = session
        self._server = server

    async def latency_us(self, count: int) -> float:
        """As `OrderSender`."""
        await asyncio.sleep(SETTLING_S)
        self._server.arrivals_s.clear()
        began_s = time.perf_counter()
        tasks = [asyncio.create_task(self._send(number)) for number in range(count)]
        await until(lambda: len(self._server.arrivals_s) == count)
        latency_us = (self._server.arrivals_s[-1] - began_s) / count * 1e6
        await asyncio.gather(*tasks)
        return latency_us

    async def _send(self, number: int) -> None:
        order = {"nonce": number, "symbol": "BTC-PERP", "isBuy": True, "size": SIZE, "orderType": "LIMIT",
                 "limitPrice": PRICE, "reduceOnly": False, "timeInForce": "GTC", "time": 1_760_000_000_000}
        body = json.dumps({"order": order, "recvWindow": 5000, "signature": "0x" + "00" * 65})
        async with self._session.post(self._server.url + self.PATH, data=body) as answer:
            await answer.text()


async def measure(repetitions: int, burst: int = BURST) -> List[Row]:
    """Rows for single orders and for bursts.

    :param repetitions: of each contender; a fifth of them for bursts
    :param burst: how many orders at once
    """
    async with AsyncExitStack() as stack:
        senders: Dict[str, OrderSender | BareClient] = {}
        for venue_class in VENUES:
            server = await stack.enter_async_context(LocalServer(lambda *_: {}))
            venue = venue_class(server.url)
            server.answer, server.counted_path = venue.count_and_answer, venue.order_path
            senders[venue.name] = OrderSender(venue, server)
        server = await stack.enter_async_context(LocalServer(lambda *_: {}))
        server.counted_path = BareClient.PATH
        session = await stack.enter_async_context(aiohttp.ClientSession())
        senders[REFERENCE] = BareClient(session, server)
        rows = []
        for count, times, what in (
                (1, repetitions, "buy() to the last byte, single"),
                (burst, repetitions // 5 + 1, f"the same in a burst of {burst}, each"),
        ):
            contenders = {name: lambda one=sender: one.latency_us(count) for name, sender in senders.items()}
            for warm_up in contenders.values():
                await warm_up()
            row = Row(what, "µs", await interleaved_async(contenders, times), "ahead of every peer")
            row.reached = row.ratio_to_best_peer() < 1
            rows.append(row)
        return rows
