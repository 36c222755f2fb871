"""How many signed orders the simulated venue takes on one core, so that it is no bottleneck of what it tests."""
import asyncio
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Tuple

import aiohttp
import psutil

from benchmarks.measuring import Row
from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import VestPerpetualAuth
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.core.web_assistant.connections.data_types import RESTMethod, RESTRequest
from workbench.simulator import Simulator

_AT_ONCE = 8
_SIGNED_AHEAD = 100
_CPU_TICK_S = 0.01  # the system counts the CPU of other processes no finer
_SYMBOL = "BTC-PERP"


async def _signed(auth: VestPerpetualAuth, url: str, body: Dict[str, Any]) -> Tuple[Dict[str, str], str]:
    request = await auth.rest_authenticate(RESTRequest(
        RESTMethod.POST, url, data=json.dumps(body), headers={"Content-Type": "application/json"}
    ))
    return request.headers, request.data


def _order(nonce: int, price: int) -> Dict[str, Any]:
    return wire.order_request(
        nonce, _SYMBOL, True, "0.0010", CONSTANTS.ORDER_TYPE_LIMIT, f"{price}.00", False, CONSTANTS.TIME_IN_FORCE_GTC
    )


async def _send(requests: List[Tuple[Dict[str, str], str]], url: str) -> int:
    """Sends them, some at once; gives how many were accepted."""
    waiting, accepted = iter(requests), 0
    async with aiohttp.ClientSession() as session:
        async def worker() -> None:
            nonlocal accepted
            for headers, body in waiting:
                async with session.post(url, headers=headers, data=body) as answer:
                    accepted += "id" in await answer.json()

        await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))
    return accepted


def _orders_per_s(orders: int) -> float:
    """The rate of a new simulator.

    :raises RuntimeError: when not all orders were accepted
    """
    with tempfile.TemporaryDirectory() as folder, Simulator(Path(folder), {"seed": 1, "tick-interval": 60}) as venue:
        venue.ask("set_limits", requests_per_minute=10 ** 9)
        account, process = venue.accounts[0], psutil.Process(venue.pid)
        url = venue.url + "/v2" + CONSTANTS.ORDERS_PATH
        price = int(venue.mark_prices()[_SYMBOL] * 9 / 10)

        async def run() -> float:
            auth = VestPerpetualAuth(
                account["api_key"], account["signing_private_key"], account["account_group"], ServerClock(),
                CONSTANTS.SIMULATOR_DOMAIN,
            )
            auth._signers = {url: auth._sign_order}  # whatever the simulator's address is
            before, accepted = process.cpu_times(), 0
            for first in range(0, orders, _SIGNED_AHEAD):  # few, because a signature grows old in seconds
                nonces = range(first + 1, min(first + _SIGNED_AHEAD, orders) + 1)
                accepted += await _send([await _signed(auth, url, _order(nonce, price)) for nonce in nonces], url)
            after = process.cpu_times()
            if accepted < orders:
                raise RuntimeError(f"the simulator accepted {accepted} of {orders} orders")
            return orders / max(_CPU_TICK_S, after.user + after.system - before.user - before.system)

        return asyncio.run(run())


def measure(repetitions: int, orders: int) -> List[Row]:
    """One row: orders per second of the simulator's CPU, the whole of `POST /orders` with its signature's check.

    :param repetitions: each with a simulator of its own
    :param orders: in one repetition; all stay open, and the margin of each is checked with those before it
    """
    rate = statistics.median(_orders_per_s(orders) for _ in range(repetitions))
    return [Row(f"simulator: signed orders per second of one core, up to {orders} open", "1/s", {"simulator": rate})]
