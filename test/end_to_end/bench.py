"""A venue and the bots that trade at it, in one event loop: the real connector over real HTTP and sockets.

    async with running() as bench:
        order_id = bench.bot.buy("BTC-USDC", "0.01")
        await bench.until(lambda: bench.bot.is_done(order_id))

Every scenario ends with `invariants.check_invariants`, then the bots stop and nothing may be left of them.
"""
import asyncio
import contextvars
import gc
import inspect
import logging
import os
import random
import re
import time
from collections import defaultdict
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from test.end_to_end import evidence
from test.end_to_end.invariants import check_invariants, differences
from test.end_to_end.records import Records
from test.end_to_end.secrets import leaks
from typing import Any, AsyncIterator, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set
from unittest.mock import patch

import hummingbot
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_api_order_book_data_source import (
    VestPerpetualAPIOrderBookDataSource,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_derivative import VestPerpetualDerivative
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_ids import TAG_COUNT
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import SocketTiming
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_user_stream_data_source import (
    VestPerpetualUserStreamDataSource,
)
from hummingbot.core.clock import Clock, ClockMode
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.event.event_forwarder import SourceInfoEventForwarder
from hummingbot.core.event.events import MarketEvent
from vest_simulator import Credentials, SimulatorConfig, Switches, VestSimulator
from vest_simulator.faults.proxy import TcpProxy

PAIRS = ("BTC-USDC", "ETH-USDC")
TIMEOUT_S = 60.0
# Shorter than in earnest, so that tests are short; the code is the same.
SHORT_CONSTANTS = dict(RECV_WINDOW_MS=1500, UNKNOWN_OUTCOME_GRACE_MS=200, FUNDING_POLL_INTERVAL_S=1)
TIMING = SocketTiming(
    connect_timeout_s=5.0, ping_interval_s=0.2, silence_limit_s=3.0, subscribe_timeout_s=3.0, close_timeout_s=0.2,
    backoff_min_s=0.02, backoff_max_s=0.3, unauthorized_retry_s=0.5,
)
_TICK_S = 0.05
_ORDER_ID = re.compile(r"\b\d{16}\b")
# The framework converts the fees of an order it saves; without the client there is no rate oracle.
_FRAMEWORK_COMPLAINTS = [r"in_flight_order Error calculating fee paid in"]
_CREATED = (MarketEvent.BuyOrderCreated, MarketEvent.SellOrderCreated)
_COMPLETED = (MarketEvent.BuyOrderCompleted, MarketEvent.SellOrderCompleted)
_TERMINAL = (*_COMPLETED, MarketEvent.OrderCancelled, MarketEvent.OrderFailure)
_NAMES = {
    **dict.fromkeys(_CREATED, "Created"), **dict.fromkeys(_COMPLETED, "Completed"),
    MarketEvent.OrderFilled: "Filled", MarketEvent.OrderCancelled: "Cancelled", MarketEvent.OrderFailure: "Failed",
}
# Whose a task is: that of the connector that made it.
_OWNER: contextvars.ContextVar = contextvars.ContextVar("owner", default=None)


class QuickConnector(VestPerpetualDerivative):
    """The connector with short pauses."""

    SHORT_POLL_INTERVAL = 0.4
    LONG_POLL_INTERVAL = 0.4
    CANCEL_WAIT_S = 1.0
    CANCEL_CONFIRMATION_POLL_S = 0.05
    ACCOUNT_REFRESH_PAUSE_S = 0.2
    ACCOUNT_LAG_LIMIT_S = 0.5
    FUNDING_REFRESH_PAUSE_S = 0.1
    NEW_ORDER_GRACE_MS = 300
    READ_PAUSE_S = 0.1
    LOOKUP_PAUSE_MIN_S = 0.1
    LOOKUP_PAUSE_MAX_S = 0.5
    KEY_REFUSAL_PAUSE_S = 2.0
    TRADING_RULES_INTERVAL = 0.5

    def _create_order_book_data_source(self) -> VestPerpetualAPIOrderBookDataSource:
        return VestPerpetualAPIOrderBookDataSource(
            trading_pairs=self._trading_pairs, connector=self, api_factory=self._web_assistants_factory,
            domain=self.domain, account_group=self.authenticator.account_group, timing=TIMING,
        )

    def _create_user_stream_data_source(self) -> VestPerpetualUserStreamDataSource:
        return VestPerpetualUserStreamDataSource(
            connector=self, api_factory=self._web_assistants_factory, domain=self.domain,
            account_group=self.authenticator.account_group, timing=TIMING, listen_key_renewal_s=1.0,
            listen_key_retry_s=0.2,
        )


class Event(NamedTuple):
    """What the connector told the strategy of an order: Created, Filled, Completed, Cancelled or Failed."""

    name: str
    order_id: str
    details: Any


class Bot:
    """One Hummingbot: a connector driven by Hummingbot's own clock, with a data folder of its own.

    It lives on over restarts of the connector, as its user's database does: `events` are those of all its sessions.

    :param records: the client's database, when the scenario has a real one
    """

    _tags = (*_NAMES, MarketEvent.FundingPaymentCompleted)

    def __init__(self, bench: "Bench", credentials: Credentials, pairs: Sequence[str], folder: Path,
                 records: Optional[Records] = None):
        self.bench = bench
        self.records = records
        self.credentials = credentials
        self.pairs = list(pairs)
        self.connector: Optional[QuickConnector] = None
        self.events: List[Event] = []
        self.payments: List[Any] = []
        self.placed: Set[str] = set()
        self.since_ms = 0
        self.folder = folder
        self._run: Optional[asyncio.Task] = None
        self._forwarder = SourceInfoEventForwarder(self._note)

    @property
    def account_group(self) -> int:
        return self.credentials.account_group

    # --- Life

    def construct(self, **changes: Any) -> QuickConnector:
        """A new connector that runs nothing yet.

        :param changes: of the constructor's arguments
        """
        usual_folder = hummingbot.data_path()
        hummingbot.set_data_path(str(self.folder))
        try:
            self.connector = QuickConnector(**{**self._arguments(), **changes})
        finally:
            hummingbot.set_data_path(usual_folder)
        self.connector.check_network_interval = 0.3
        # The framework pauses after each book it initializes, for the sake of venues that count requests.
        self.connector.order_book_tracker._sleep = _no_pause
        # Two bots that draw the same mark by chance have tests of their own.
        self.connector._order_ids._draw = self.bench.tags.pop
        for tag in self._tags:
            self.connector.add_listener(tag, self._forwarder)
        if self.records is not None:
            self.records.begin(self.connector)
        return self.connector

    def _arguments(self) -> Dict[str, Any]:
        return dict(
            # Ten times the usual limits, because the pauses are that much shorter.
            rate_limits_share_pct=Decimal(1000),
            vest_perpetual_api_key=self.credentials.api_key,
            vest_perpetual_signing_private_key=self.credentials.signing_private_key,
            vest_perpetual_account_group=self.credentials.account_group,
            trading_pairs=list(self.pairs),
            domain=CONSTANTS.SIMULATOR_DOMAIN,
        )

    async def start(self, saved_states: Optional[Dict[str, Any]] = None, wait: bool = True) -> None:
        """Starts a new connector.

        :param saved_states: orders to restore; a bot with a database takes them from there, as the client does
        :param wait: until it is ready
        """
        self.construct()
        if not self.since_ms:
            self.since_ms = self.bench.simulator.clock.now_ms()
        if self.records is None:
            self.connector.restore_tracking_states(saved_states or {})
        else:
            self.records.restore(self.connector)
        self.run()
        if wait:
            await self.bench.until(lambda: self.connector.ready, lambda: f"not ready: {self.connector.status_dict}")

    def run(self) -> None:
        """Lets the clock of the constructed connector run."""
        self._run = self._as_the_bot(lambda: asyncio.create_task(self._tick()))

    async def stop(self) -> None:
        """As the client: cancels what is open, then stops the connector."""
        if self._run is not None:
            await self.connector.cancel_all(5)
            self._end_records()
            await self._end([self._run])

    async def kill(self) -> None:
        """Stops without cancelling orders: whatever the connector was doing ends here, as with its process."""
        if self._run is None:
            return
        for tag in self._tags:
            self.connector.remove_listener(tag, self._forwarder)
        self._end_records()
        await self._end([task for task in asyncio.all_tasks() if task.get_context().get(_OWNER) is self.connector])

    async def restart(self) -> None:
        """Kills the connector and starts another one from what the database would hold."""
        states = self.connector.tracking_states
        # Nothing is left of orders that were given an id and not handed over yet.
        self.placed = {order_id for order_id in self.placed if order_id in states or self.names(order_id)}
        await self.kill()
        await self.start(states)

    def _end_records(self) -> None:
        if self.records is not None:
            self.records.end()

    async def _end(self, tasks: List[asyncio.Task]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._run = None
        await self.connector.stop_network()

    async def _tick(self) -> None:
        clock = Clock(ClockMode.REALTIME, tick_size=_TICK_S)
        clock.add_iterator(self.connector)
        with clock:
            await clock.run()

    # --- Trading

    def buy(self, pair: str, amount: Any, price: Any = None, action: PositionAction = PositionAction.OPEN,
            **more: Any) -> str:
        """A MARKET order, or a LIMIT order when there is a price.

        :param more: other arguments of the connector's method, such as `time_in_force`
        """
        return self._order(self.connector.buy, pair, amount, price, position_action=action, **more)

    def sell(self, pair: str, amount: Any, price: Any = None, action: PositionAction = PositionAction.OPEN,
             **more: Any) -> str:
        """A MARKET order, or a LIMIT order when there is a price.

        :param more: other arguments of the connector's method, such as `time_in_force`
        """
        return self._order(self.connector.sell, pair, amount, price, position_action=action, **more)

    def limit_order(self, factor: Any = "0.9") -> str:
        """An order to buy at the middle price times a factor; with one below 1 it waits."""
        return self.buy("BTC-USDC", "0.01", price=self.price("BTC-USDC", factor))

    def _order(self, place: Callable[..., str], pair: str, amount: Any, price: Any, **more: Any) -> str:
        order_type = OrderType.MARKET if price is None else OrderType.LIMIT
        limit_price = Decimal("NaN") if price is None else Decimal(str(price))
        return self.place(lambda: place(pair, Decimal(str(amount)), order_type, limit_price, **more))

    def place(self, call: Callable[[], str]) -> str:
        """Runs any call that gives out a client order id."""
        order_id = self._as_the_bot(call)
        self.placed.add(order_id)
        return order_id

    def price(self, pair: str, factor: Any = 1) -> Decimal:
        """The middle price times a factor, on the tick."""
        price = self.connector.get_mid_price(pair) * Decimal(str(factor))
        return self.connector.quantize_order_price(pair, price)

    async def filled(self, order_id: str) -> None:
        """Waits until an order is completed and the account shows it."""
        await self.bench.until(lambda: self.names(order_id)[-1:] == ["Completed"],
                               lambda: f"order {order_id} is not completed: {self.names(order_id)}")

    async def open(self, order_id: str) -> None:
        """Waits until the venue has an order."""
        await self.bench.until(lambda: "Created" in self.names(order_id) and self.exchange_id(order_id),
                               lambda: f"order {order_id} is not open: {self.names(order_id)}")

    def ask_to_cancel(self, order_id: str) -> None:
        """Cancels an order."""
        pair = self.connector.in_flight_orders[order_id].trading_pair
        self._as_the_bot(lambda: self.connector.cancel(pair, order_id))

    async def cancel(self, order_id: str) -> None:
        """Cancels an order and waits until it is done."""
        self.ask_to_cancel(order_id)
        await self.bench.until(lambda: self.is_done(order_id), lambda: f"order {order_id} is not cancelled")

    # --- What is known

    def exchange_id(self, order_id: str) -> Optional[str]:
        order = self.connector.in_flight_orders.get(order_id)
        return None if order is None else order.exchange_order_id

    def names(self, order_id: str) -> List[str]:
        """The names of an order's events, in their sequence."""
        return [event.name for event in self.events if event.order_id == order_id]

    def fills(self, order_id: str) -> List[Any]:
        """What the strategy was told of an order's fills."""
        return [event.details for event in self.events if event.order_id == order_id and event.name == "Filled"]

    def is_done(self, order_id: str) -> bool:
        return any(name in ("Completed", "Cancelled", "Failed") for name in self.names(order_id))

    def failure(self, order_id: str) -> str:
        """What the failure event of an order says."""
        return next(event.details.error_message for event in self.events
                    if event.order_id == order_id and event.name == "Failed")

    def position(self, pair: str) -> Decimal:
        """Signed amount in base."""
        position = self.connector.account_positions.get(pair)
        return Decimal(0) if position is None else position.amount

    async def position_is(self, pair: str, amount: Any) -> None:
        """Waits until the connector shows a position."""
        await self.bench.until(lambda: self.position(pair) == Decimal(str(amount)),
                               lambda: f"the position in {pair} is {self.position(pair)}, not {amount}")

    def _as_the_bot(self, action: Callable[[], Any]) -> Any:
        """Runs something whose tasks are the connector's."""
        context = contextvars.copy_context()
        context.run(_OWNER.set, self.connector)
        return context.run(action)

    def _note(self, tag: int, _: Any, details: Any) -> None:
        event = MarketEvent(tag)
        if event is MarketEvent.FundingPaymentCompleted:
            self.payments.append(details)
        else:
            self.events.append(Event(_NAMES[event], details.order_id, details))


async def _no_pause(delay: float) -> None:
    await asyncio.sleep(0)


class _Log(logging.Handler):
    """Keeps all records, formatted as in a log file."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        self.records: List[logging.LogRecord] = []
        self.lines: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.lines.append(self.format(record))


class Bench:
    """A simulated venue and the bots at it.

    :param simulator: running
    :param proxy: through which the bots reach the venue
    :param with_database: whether every bot has a client's database
    """

    def __init__(self, simulator: VestSimulator, folder: Path, proxy: Optional[TcpProxy] = None,
                 with_database: bool = False):
        self.simulator = simulator
        self.proxy = proxy
        self.bots: List[Bot] = []
        self.log = _Log()
        # Regular expressions of the warnings and errors that a scenario brings about; others are a failure (A21).
        self.expected_complaints: List[str] = []
        # Orders that an ERROR names because their fills cannot be known (C16).
        self.unknowable_orders: Set[str] = set()
        # Whether what the log says of missed fills is believed, where a scenario cannot foretell it.
        self.believes_log = False
        # Whether the scenario makes the venue's limiter refuse requests.
        self.may_trip_limiter = False
        # The marks that no bot has drawn yet.
        self.tags = random.sample(range(TAG_COUNT), TAG_COUNT)
        self._folder = folder
        self._with_database = with_database
        self._listen_keys: Set[str] = set()

    @property
    def admin(self):
        """The simulator's commands."""
        return self.simulator.admin

    @property
    def bot(self) -> Bot:
        """The first bot."""
        return self.bots[0]

    @property
    def connector(self) -> QuickConnector:
        """The first bot's."""
        return self.bot.connector

    def add_bot(self, pairs: Sequence[str] = PAIRS, account: int = 0) -> Bot:
        """One more Hummingbot, not started.

        :param account: which of the simulator's accounts it uses
        """
        folder = self._folder / f"bot{len(self.bots)}"
        folder.mkdir()
        records = Records(folder) if self._with_database else None
        self.bots.append(Bot(self, self.simulator.accounts[account], pairs, folder, records))
        return self.bots[-1]

    async def ledger(self, bot: Optional[Bot] = None) -> Dict[str, Any]:
        """The truth about a bot's account."""
        return await self.admin.ledger((bot or self.bot).account_group)

    async def venue_order(self, order_id: str) -> Optional[Dict[str, Any]]:
        """The first bot's order as the venue knows it, None when it does not."""
        return next((row for row in (await self.ledger())["orders"] if str(row["nonce"]) == order_id), None)

    async def requests(self, method: str, path: str, since: int = 0) -> List[Dict[str, Any]]:
        """The journal's entries of a REST request."""
        entries = await self.admin.journal(kind="rest", path=path, since=since)
        return [entry for entry in entries if entry["method"] == method]

    async def is_answered(self) -> bool:
        """Whether the venue has answered the first order it was sent."""
        return (await self.requests("POST", "/orders"))[0]["status"] is not None

    async def has_struck(self, fault: int, times: int) -> bool:
        """Whether a fault was brought about so often."""
        return any(rule["id"] == fault and rule["struck"] >= times for rule in await self.admin.faults())

    def remember_secrets(self) -> None:
        """Notes the listen keys in force, which may never be in the log."""
        self._listen_keys |= {key.key for key in self.simulator.listen_keys.all()}

    @property
    def secrets(self) -> Set[str]:
        """What may be in no log."""
        self.remember_secrets()
        keys = {text for bot in self.bots for text in (bot.credentials.api_key, bot.credentials.signing_private_key)}
        return {text.removeprefix("0x") for text in keys | self._listen_keys}

    def complaints(self) -> List[str]:
        """Warnings, errors and NETWORK entries that the scenario did not announce."""
        return [
            line for record, line in zip(self.log.records, self.log.lines)
            if (record.levelno >= logging.WARNING or record.levelname == "NETWORK")
            and not any(re.search(pattern, line) for pattern in self.expected_complaints + _FRAMEWORK_COMPLAINTS)
        ]

    def said(self, pattern: str) -> List[str]:
        """The lines of the log that match."""
        return [line for line in self.log.lines if re.search(pattern, line)]

    def orders_named(self, pattern: str) -> Set[str]:
        """The client ids of orders in those lines of the log that match, when the log is believed."""
        return {text for line in self.said(pattern) for text in _ORDER_ID.findall(line)} if self.believes_log else set()

    async def until(self, condition: Callable[[], Any], words: Optional[Callable[[], str]] = None,
                    timeout_s: float = TIMEOUT_S) -> Any:
        """Waits until a condition, plain or async, gives something true, and returns that.

        :param words: what to say when that does not come about
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            result = condition()
            result = await result if inspect.isawaitable(result) else result
            if result:
                return result
            if time.monotonic() > deadline_s:
                text = words() if words else inspect.getsource(condition).strip()
                raise AssertionError("\n".join([f"waited {timeout_s} s in vain: {text}", *self.log.lines[-15:]]))
            await asyncio.sleep(0.02)

    async def another_poll(self) -> None:
        """Waits until every running bot has read the account twice more."""
        counts = await self._account_reads()
        running = sum(bot.connector is not None for bot in self.bots)
        await self.until(self._has_grown(counts + 2 * running), lambda: "the account is not polled")

    def _has_grown(self, count: int) -> Callable[[], Any]:
        async def check() -> bool:
            return await self._account_reads() >= count
        return check

    async def _account_reads(self) -> int:
        return (await self.admin.journal_counts()).get("GET /account", 0)

    async def settled(self) -> None:
        """Waits until all bots agree with the venue."""
        found: List[str] = []

        async def agrees() -> bool:
            found[:] = await differences(self)
            return not found

        await self.until(agrees, lambda: "\n".join(["the bots do not agree with the venue:", *found]))


def switches(**positions: Any) -> Dict[str, Any]:
    """The part of the simulator's configuration that sets switches."""
    return {"switches": Switches(**positions)}


@asynccontextmanager
async def running(pairs: Sequence[str] = PAIRS, bots: int = 1, is_checked: bool = True, with_proxy: bool = False,
                  with_database: bool = False, is_started: bool = True, **config: Any) -> AsyncIterator[Bench]:
    """A bench with bots that are ready; checks the invariants at the end, and that nothing is left of the bots.

    :param pairs: of every bot
    :param bots: how many, all on the first account
    :param is_checked: whether the invariants are checked at the end
    :param with_proxy: whether the bots reach the venue through a `TcpProxy`
    :param with_database: whether every bot has a client's database, which the invariants cover then
    :param is_started: whether the bots are started
    :param config: of the simulator
    """
    # Listen keys outlive hours that tests let pass. Funding is settled where a test sets a rate: what is settled while
    # a bot does not run is nobody's, and at some hours' rates that is more than nothing.
    quiet = {"listen_key_life_ms": 10 ** 9, "funding_rate_multiplier": 0}
    config = {"seed": 7, "tick_interval_s": 0.1, **quiet, **config}
    with TemporaryDirectory() as folder:
        async with VestSimulator(SimulatorConfig(**config)) as simulator, _proxy(simulator, with_proxy) as proxy:
            bench = Bench(simulator, Path(folder), proxy, with_database)
            await bench.admin.health()
            tasks = asyncio.all_tasks()
            with _environment(bench, proxy.url if proxy else simulator.url):
                try:
                    for _ in range(bots):
                        await _start(bench.add_bot(pairs), is_started)
                    yield bench
                    if is_checked:
                        await check_invariants(bench)
                        await evidence.record(bench)
                finally:
                    for bot in bench.bots:
                        await bot.stop()
                        if bot.records is not None:
                            bot.records.close()
                await _check_leftovers(bench, tasks)


async def _start(bot: Bot, is_started: bool) -> None:
    if is_started:
        await bot.start()


@asynccontextmanager
async def _proxy(simulator: VestSimulator, is_wanted: bool) -> AsyncIterator[Optional[TcpProxy]]:
    if not is_wanted:
        yield None
        return
    async with TcpProxy(int(simulator.url.rsplit(":", 1)[1])) as proxy:
        yield proxy


@contextmanager
def _environment(bench: Bench, url: str) -> Iterator[None]:
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in (None, "hummingbot", "test")}
    gc.collect()  # what tests before have left complains now, and not in this log
    root.addHandler(bench.log)
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    with patch.dict(os.environ, {CONSTANTS.SIMULATOR_URL_VARIABLE: url}), \
            patch.multiple(CONSTANTS, **SHORT_CONSTANTS):
        try:
            yield
        finally:
            root.removeHandler(bench.log)
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


async def _check_leftovers(bench: Bench, tasks_before: Set[asyncio.Task]) -> None:
    """After the stop: no task, no socket, no open session is left (A20, B25), and no secret in any log."""
    def left() -> List[str]:
        names = [task.get_coro().__qualname__ for task in asyncio.all_tasks() - tasks_before]
        # The simulator's side, of connections that are kept alive and after it was started anew.
        return [name for name in names if not name.startswith(("RequestHandler.", "TcpProxy.", "VestSimulator."))]

    async def has_no_sockets() -> bool:
        sockets = defaultdict(int, await bench.admin.sockets())
        return (sockets["public"], sockets["private"]) == (0, 0)

    await bench.until(lambda: not left(), lambda: f"tasks are left: {sorted(left())}")
    await bench.until(has_no_sockets, lambda: "sockets are left")
    gc.collect()
    assert leaks(bench.log.lines, bench.secrets) == []
    assert bench.said("Unclosed|was never retrieved|was never awaited") == []
    assert bench.complaints() == []
