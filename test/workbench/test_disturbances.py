"""Random troubles: seeded, passing, and such as the venue knows."""
import asyncio

import pytest
import pytest_asyncio

from vest_simulator import SimulatorConfig, VestSimulator
from workbench.disturbances import Disturbances

SYMBOLS = ["BTC-PERP", "ETH-PERP"]
MANY = 200


class Admin:
    """Stands for the admin API: notes what it is asked."""

    def __init__(self):
        self.calls = []

    def ask(self, question, *arguments, **named):
        self.calls.append((question, arguments, named))
        return {symbol: {"index": "100"} for symbol in SYMBOLS} if question == "prices" else None


def happened(seed):
    admin = Admin()
    disturbances = Disturbances(admin.ask, SYMBOLS, seed)
    names = [disturbances.next() for _ in range(MANY)]
    disturbances.end()
    return names, admin.calls


def test_the_same_seed_gives_the_same_troubles_and_another_others():
    assert happened(1) == happened(1)
    assert happened(1)[0] != happened(2)[0]


def test_every_pinned_price_is_released():
    _, calls = happened(3)
    pins = [(question, arguments[0]) for question, arguments, _ in calls if question in ("set_price", "release_price")]
    assert pins and [question for question, _ in pins] == ["set_price", "release_price"] * (len(pins) // 2)
    assert all(pins[n][1] == pins[n + 1][1] for n in range(0, len(pins), 2))


@pytest_asyncio.fixture
async def simulator():
    async with VestSimulator(SimulatorConfig(symbols=SYMBOLS)) as running:
        yield running


@pytest.mark.asyncio
async def test_the_venue_knows_each_of_them_and_is_well_afterwards(simulator):
    loop = asyncio.get_running_loop()

    def ask(question, *arguments, **named):
        return asyncio.run_coroutine_threadsafe(getattr(simulator.admin, question)(*arguments, **named), loop).result(5)

    disturbances = Disturbances(ask, SYMBOLS, seed=4)

    def many():
        names = {disturbances.next() for _ in range(MANY)}
        disturbances.end()
        return names

    assert len(await asyncio.to_thread(many)) == 12
    assert simulator.faults.all() == [] and simulator.is_running
