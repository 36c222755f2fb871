"""Random, seeded lives: commands and faults in any mixture, on a venue whose doubtful points fall as they may.

A seed gives the same decisions every time; what the network makes of them is not repeated to the millisecond.
"""
import random
import re
from contextlib import suppress
from test.end_to_end.bench import PAIRS, Bench, running
from typing import Any, Awaitable, Callable, Dict, List, Tuple
from unittest.mock import patch

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_position_watch import PositionWatch
from hummingbot.core.data_type.common import PositionAction
from vest_simulator import AdminError, Switches

SYMBOLS = {"BTC-USDC": "BTC-PERP", "ETH-USDC": "ETH-PERP"}
AMOUNTS = {"BTC-USDC": "0.003", "ETH-USDC": "0.07"}
PRICES = {"BTC-PERP": 100_000, "ETH-PERP": 3_500}
CLOSE_CODES = (1000, 1001, 1006, 1011, 1012, 4003, 4004, 4005)
REFUSALS = (3001, 3002, 3010, 3011, 3024)
GARBAGE = (
    b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"channel": "account_private"}',
    b'{"channel": "account_private", "data": {"event": "ORDER", "args": {"id": 5, "nonce": "x", "status": "ODD"}}}',
    b'{"channel": "account_private", "data": {"event": "NEWS", "args": {}}}',
)
_FRAMEWORK_TRACEBACKS = "Error submitting|Error calculating fee paid|Unexpected error cancelling orders"
# Settled by their own tests: these change what a test has to expect, not what the connector has to do.
_FIXED_SWITCHES = {"error_shape": ("flat", "detail", "flat_200"), "funding_settlement": ("on_fill",)}
_NUMBERS = {"fill_parts": (1, 1, 2, 3), "fill_part_ticks": (0, 1), "order_list_lag_ms": (0, 150),
            "position_lag_ms": (0, 150)}

Step = Callable[[], Awaitable[None]]


class Life:
    """Takes random steps; every one of them may happen at any moment of a real bot's day.

    :param seed: decides everything
    """

    def __init__(self, bench: Bench, seed: int):
        self._bench = bench
        self._random = random.Random(seed)
        often = [self.trade, self.quote, self.quote, self.cancel, self.move_price, self.fault_request]
        rare = [
            self.cancel_all, self.foreign_order, self.disconnect, self.fault_event, self.fault_socket, self.garbage,
            self.listen_key, self.clock, self.halt, self.empty_book, self.reject, self.liquidate, self.outage,
            self.crash, self.restart,
        ]
        self._steps: List[Step] = often * 4 + rare
        self.taken: List[str] = []

    async def live(self, steps: int) -> None:
        """Takes so many steps, then lets the venue be well again."""
        for _ in range(steps):
            step = self._random.choice(self._steps)
            self.taken.append(step.__name__)
            await step()
            for _ in range(self._random.randrange(3)):
                await self._admin.health()
        await self._heal()

    async def _heal(self) -> None:
        await self._admin.clear_faults()
        for symbol in SYMBOLS.values():
            await self._admin.set_status(symbol, "TRADING")
            await self._admin.release_depth(symbol)

    @property
    def _admin(self):
        return self._bench.admin

    @property
    def _bot(self):
        return self._bench.bot

    # --- What the strategy does

    async def trade(self) -> None:
        pair = self._random.choice(PAIRS)
        action = self._random.choice((PositionAction.OPEN, PositionAction.OPEN, PositionAction.CLOSE))
        self._side()(pair, AMOUNTS[pair], action=action)

    async def quote(self) -> None:
        pair, place = self._random.choice(PAIRS), self._side()
        distance = self._random.choice((0.0005, 0.002, 0.05))
        symbol = SYMBOLS[pair]
        factor = 1 - distance if place == self._bot.buy else 1 + distance
        price = float(self._bench.simulator.exchange.markets[symbol].price.index) * factor
        place(pair, AMOUNTS[pair], price=round(price, 1))

    async def cancel(self) -> None:
        orders = list(self._bench.connector.in_flight_orders)
        if orders:
            self._bot.ask_to_cancel(self._random.choice(orders))

    async def cancel_all(self) -> None:
        await self._bench.connector.cancel_all(2)

    def _side(self) -> Callable[..., str]:
        return self._random.choice((self._bot.buy, self._bot.sell))

    # --- What the market does

    async def move_price(self) -> None:
        symbol = self._random.choice(list(PRICES))
        price = float(self._bench.simulator.exchange.markets[symbol].price.index)
        await self._admin.set_price(symbol, round(price * (1 + self._random.choice((-1, 1)) * 0.003), 1))
        await self._admin.release_price(symbol)

    async def foreign_order(self) -> None:
        pair, is_buy = self._random.choice(PAIRS), self._random.random() < 0.5
        with suppress(AdminError):  # halted, say
            await self._admin.place_order(self._bot.account_group, SYMBOLS[pair], is_buy, AMOUNTS[pair])

    async def halt(self) -> None:
        await self._admin.set_status(self._random.choice(list(PRICES)), self._random.choice(("HALT", "TRADING")))

    async def empty_book(self) -> None:
        symbol = self._random.choice(list(PRICES))
        if self._random.random() < 0.5:
            await self._admin.release_depth(symbol)
        else:
            await self._admin.set_depth(symbol, [], [[PRICES[symbol] * 2, 1]])

    async def liquidate(self) -> None:
        if self._bench.simulator.config.switches.fill_parts > 1:
            return  # together with parts that go unheard it leaves nothing that a position could tell
        held = [row["symbol"] for row in (await self._bench.ledger())["positions"]]
        if held:
            with suppress(AdminError):
                await self._admin.liquidate(self._bot.account_group, self._random.choice(held))

    # --- What the venue does

    async def fault_request(self) -> None:
        method, path = self._random.choice((
            ("POST", "/orders"), ("POST", "/orders"), ("POST", "/orders/cancel"), ("GET", "/orders"),
            ("GET", "/account"), (".*", "/account/listenKey"), ("GET", "/exchangeInfo|/depth"),
        ))
        rule = self._random.choice((
            {"action": "reset"}, {"action": "truncate"}, {"action": "delay", "delay_ms": 150},
            {"action": "status", "status": self._random.choice((500, 502, 503))},
            {"action": "status", "status": 429, "headers": {"Retry-After": "0"}},
            {"action": "error_200", "code": 1003},
        ))
        await self._admin.add_fault("rest", **rule, method=method, path=path, times=1,
                                    when=self._random.choice(("before", "after")))

    async def fault_event(self) -> None:
        await self._admin.add_fault(
            "socket", self._random.choice(("drop", "duplicate", "reorder", "delay")), socket="private",
            channel="account_private", times=3, delay_ms=200)

    async def fault_socket(self) -> None:
        action = self._random.choice(("mute", "freeze", "refuse_handshake", "refuse_subscription",
                                      "forget_subscription"))
        await self._admin.add_fault("socket", action, socket=self._random.choice(("private", "public")), times=1)
        await self._admin.disconnect_sockets("all", 1006)

    async def disconnect(self) -> None:
        await self._admin.disconnect_sockets(self._random.choice(("private", "public", "all")),
                                             self._random.choice(CLOSE_CODES))

    async def garbage(self) -> None:
        raw = self._random.choice(GARBAGE)
        await self._admin.push_private(self._bot.account_group, raw=raw)
        await self._admin.push_public(raw=raw)

    async def listen_key(self) -> None:
        if self._random.random() < 0.5:
            await self._admin.delete_listen_keys()
        else:
            await self._admin.expire_listen_keys(close_sockets=self._random.random() < 0.5)

    async def clock(self) -> None:
        await self._admin.advance_clock(self._random.choice((50, 700, 3_000, 30_000)))

    async def reject(self) -> None:
        await self._admin.reject_next(self._random.choice(REFUSALS))

    async def outage(self) -> None:
        await self._admin.go_down()
        await self._admin.come_back()

    # --- What becomes of the bot

    async def crash(self) -> None:
        await self._bot.restart()

    async def restart(self) -> None:
        await self._bot.stop()
        await self._bot.start(self._bench.connector.tracking_states)


def doubts(seed: int) -> Dict[str, Any]:
    """A position for every switch of the simulator."""
    chance = random.Random(f"{seed}:doubts")
    chosen = {name: chance.choice(_positions(name, choice)) for name, choice in Switches.choices().items()}
    # A venue that neither tells its time nor answers those who do not know it cannot be talked to.
    chosen["check_get_time"] &= chosen["date_header"] == "venue"
    return chosen


def _positions(name: str, choice: Any) -> Tuple[Any, ...]:
    return _FIXED_SWITCHES.get(name) or _NUMBERS.get(name) or choice


@patch.object(PositionWatch, "PATIENCE_LAGS", 8)  # minutes in earnest
async def live(seed: int, steps: int) -> None:
    """One whole life, with the invariants at its end.

    :param seed: decides the venue's doubtful points, its prices, and every step
    :param steps: how many
    """
    async with running(seed=seed, tick_interval_s=0.05, switches=Switches(**doubts(seed))) as bench:
        bench.expected_complaints = ["^(WARNING|NETWORK|ERROR)"]
        bench.believes_log = True
        await Life(bench, seed).live(steps)
        await bench.until(lambda: bench.connector.ready)
        # Hummingbot's own words: on orders refused, fees in a world without a rate oracle, cancels that take too long.
        tracebacks = [line for line in bench.said("Traceback") if not re.search(_FRAMEWORK_TRACEBACKS, line)]
        assert not tracebacks, tracebacks[0]
