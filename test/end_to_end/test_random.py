"""A random, seeded life: orders, prices, faults, cuts and restarts in any order, and the invariants at the end."""
import random
from test.end_to_end.bench import PAIRS, running

import pytest

pytestmark = [
    pytest.mark.asyncio,
    # A bot that is killed leaves what it was about to begin.
    pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning"),
]
SYMBOLS = {"BTC-USDC": "BTC-PERP", "ETH-USDC": "ETH-PERP"}
AMOUNTS = {"BTC-USDC": "0.003", "ETH-USDC": "0.07"}


class Life:
    """Takes random steps; every one of them may happen at any moment of a real bot's day."""

    def __init__(self, bench, seed):
        self._bench = bench
        self._random = random.Random(seed)
        self._steps = [self.trade] * 4 + [self.quote] * 6 + [self.cancel] * 4 + [
            self.cancel_all, self.move_price, self.move_price, self.foreign_order, self.disconnect, self.fault_order,
            self.fault_order, self.fault_cancel, self.fault_query, self.fault_event, self.restart,
        ]

    async def step(self):
        await self._random.choice(self._steps)()
        for _ in range(self._random.randrange(3)):
            await self._bench.admin.health()

    def _place(self):
        return self._random.choice((self._bench.bot.buy, self._bench.bot.sell))

    async def trade(self):
        pair = self._random.choice(PAIRS)
        self._place()(pair, AMOUNTS[pair])

    async def quote(self):
        pair = self._random.choice(PAIRS)
        is_buy = self._random.random() < 0.5
        distance = self._random.choice((0.0005, 0.002, 0.05))
        place = self._bench.bot.buy if is_buy else self._bench.bot.sell
        place(pair, AMOUNTS[pair], price=self._bench.bot.price(pair, 1 - distance if is_buy else 1 + distance))

    async def cancel(self):
        orders = list(self._bench.connector.in_flight_orders.values())
        if orders:
            self._bench.bot.ask_to_cancel(self._random.choice(orders).client_order_id)

    async def cancel_all(self):
        await self._bench.connector.cancel_all(2)

    async def move_price(self):
        symbol = self._random.choice(list(SYMBOLS.values()))
        price = self._bench.simulator.exchange.markets[symbol].price.index
        factor = 1 + self._random.choice((-1, 1)) * 0.003
        await self._bench.admin.set_price(symbol, round(float(price) * factor))
        await self._bench.admin.release_price(symbol)

    async def foreign_order(self):
        pair = self._random.choice(PAIRS)
        await self._bench.admin.place_order(self._bench.bot.account_group, SYMBOLS[pair], self._random.random() < 0.5,
                                            AMOUNTS[pair])

    async def disconnect(self):
        await self._bench.admin.disconnect_sockets(self._random.choice(("private", "public", "all")),
                                                   self._random.choice((1000, 1006, 1012)))

    async def _fault(self, **rule):
        action = self._random.choice(("reset", "status", "truncate", "delay"))
        await self._bench.admin.add_fault("rest", action, times=1, delay_ms=150,
                                          when=self._random.choice(("before", "after")), **rule)

    async def fault_order(self):
        await self._fault(method="POST", path="/orders")

    async def fault_cancel(self):
        await self._fault(method="POST", path="/orders/cancel")

    async def fault_query(self):
        await self._fault(method="GET", path="/orders|/account")

    async def fault_event(self):
        await self._bench.admin.add_fault(
            "socket", self._random.choice(("drop", "duplicate", "reorder", "delay")), socket="private",
            channel="account_private", times=3, delay_ms=200)

    async def restart(self):
        await self._bench.bot.restart()


async def live(seed, steps):
    async with running(seed=seed, tick_interval_s=0.05) as bench:
        bench.expected_complaints = [
            "^WARNING", "^NETWORK.*Error submitting", "^ERROR.*Failed to cancel order",
        ]
        # What is settled while no bot runs is nobody's, so that nothing is settled here.
        for symbol in SYMBOLS.values():
            await bench.admin.set_funding_rate(symbol, 0)
        life = Life(bench, seed)
        for _ in range(steps):
            await life.step()
        await bench.admin.clear_faults()
        await bench.until(lambda: bench.connector.ready)


@pytest.mark.parametrize("seed", range(4))
async def test_a_random_life_ends_in_agreement(seed):
    await live(seed, steps=60)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 106))
async def test_a_longer_random_life_ends_in_agreement(seed):
    await live(seed, steps=300)
