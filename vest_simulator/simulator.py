"""The simulator as a whole: engine, venue, servers and the loop that lets time pass."""
import asyncio
import contextlib
import logging
import socket
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Dict, List, Optional

from aiohttp import web
from eth_account import Account as EthAccount

from vest_simulator.admin.api import AdminApi
from vest_simulator.admin.client import AdminClient
from vest_simulator.clock import Clock
from vest_simulator.config import SimulatorConfig
from vest_simulator.engine.exchange import Exchange
from vest_simulator.engine.treasury import Treasury
from vest_simulator.faults.rules import FaultBook
from vest_simulator.feeds.feed import Feed, make_feed
from vest_simulator.server import hub
from vest_simulator.server.hub import Hub
from vest_simulator.server.journal import Journal
from vest_simulator.server.rest import RestServer
from vest_simulator.state.keeper import Keeper
from vest_simulator.state.store import StateError, Store
from vest_simulator.venue.credentials import WEEK_MS, ApiKey, Credentials, KeyRing, jwt
from vest_simulator.venue.limiter import Limiter
from vest_simulator.venue.listen_keys import ListenKeys
from vest_simulator.venue.private import PrivateApi
from vest_simulator.venue.public import PublicApi

_KEY_LIFE_MS = 52 * WEEK_MS
_SHUTDOWN_S = 1.0
_logger = logging.getLogger(__name__)


class VestSimulator:
    """The Vest Markets venue, simulated, over real HTTP and WebSockets. Use `start`/`stop` or `async with`.

    :raises StateError: when the state file cannot be used; :raises ValueError: for a mirrored venue that is no URL
    """

    def __init__(self, config: Optional[SimulatorConfig] = None) -> None:
        self.config = config or SimulatorConfig()
        self.accounts: List[Credentials] = []
        self.clock = Clock(self.config.clock_offset_ms)
        self.exchange = Exchange(self.config, self.clock.now_ms())
        self.treasury = Treasury(self.exchange)
        self.keys = KeyRing()
        self.listen_keys = ListenKeys(self.config.listen_key_life_ms)
        self.limiter = Limiter(replace(self.config.limits))
        self.faults = FaultBook(self.config.seed)
        self.journal = Journal(self.config.journal_size)
        self.hub = Hub(self.config, self.clock, self.exchange, self.listen_keys, self.faults, self.journal)
        self.admin: Optional[AdminClient] = None
        self.feed: Optional[Feed] = make_feed(self.config)
        private = PrivateApi(self.exchange, self.treasury, self.keys, self.listen_keys, self.clock)
        self._rest = RestServer(self.config, self.clock, self.exchange, PublicApi(self.exchange), private, self.keys,
                                self.limiter, self.faults, self.journal, self.save)
        self._keeper = self._load_state(private)
        self._is_listed = False
        self._runners: Dict[str, web.AppRunner] = {}
        self._loop_task: Optional[asyncio.Task] = None
        self._ports = [self.config.port, self.config.admin_port]
        self._kept_port: Optional[socket.socket] = None
        for number in range(self.config.accounts):
            if self.config.first_account_group + number not in self.exchange.accounts:
                self.create_account(self.config.balance, self.config.first_account_group + number)

    @property
    def url(self) -> str:
        """Base URL; REST lives under /v2, the WebSocket at /ws-api."""
        return f"http://{self.config.host}:{self._ports[0]}"

    @property
    def is_running(self) -> bool:
        """Whether time passes: false before `start`, after `stop`, and when the engine has failed."""
        return self._loop_task is not None and not self._loop_task.done()

    @property
    def admin_url(self) -> str:
        """Where the admin API is, once it is started."""
        return f"http://{self.config.host}:{self._ports[1]}"

    def create_account(self, balance: Decimal, account_group: Optional[int] = None,
                       key_life_ms: int = _KEY_LIFE_MS) -> Credentials:
        """Opens an account with keys of its own. :raises ValueError: when the group is taken"""
        group = account_group if account_group is not None else max(self.exchange.accounts, default=-1) + 1
        self.exchange.add_account(group, balance)
        expiry_ms = self.clock.now_ms() + key_life_ms
        credentials = Credentials.derive(self.config.seed, group)
        if self.config.switches.api_key_format == "jwt":
            credentials.api_key = jwt(group, expiry_ms)
        signing_address = EthAccount.from_key(credentials.signing_private_key).address.lower()
        self.keys.add(ApiKey(credentials.api_key, group, signing_address, credentials.primary_address, expiry_ms))
        self.accounts.append(credentials)
        return credentials

    async def start(self) -> None:
        """Serves until `stop`; started again, it is the same venue at the same URL.

        :raises OSError: when a port is taken or the mirrored venue does not answer
        :raises RecordingError: when a file of prices cannot be used
        :raises StateError: when the state does not fit the markets
        """
        try:
            await self._open_markets()
            await self.come_back()
            self._ports[1] = await self._serve("admin", AdminApi(self).application(), self._ports[1])
        except (OSError, ValueError):
            await self.stop()
            raise
        self.admin = AdminClient(self.admin_url)
        self._loop_task = asyncio.create_task(self._run())
        self._loop_task.add_done_callback(self._report_failure)

    async def _open_markets(self) -> None:
        """The first time also lists what the feed has, with its history, and takes up what the state says of it."""
        if self.feed is not None:
            await self.feed.open()
        if self._is_listed:
            return
        now_ms = self.clock.now_ms()
        if self.feed is not None:
            for spec in self.feed.specs.values():
                self.exchange.list_symbol(spec, now_ms, is_fed=True)
            position_ms = self._keeper.position_of(self.feed.name) if self._keeper else None
            for symbol, bar in self.feed.begin(now_ms, position_ms):
                self.exchange.markets[symbol].remember(bar)
            self.exchange.follow((), now_ms)
        if self._keeper is not None:
            self._keeper.load_markets()
        if self.feed is not None:
            self.exchange.follow(self.feed.updates(now_ms), now_ms)
        self._is_listed = True
        self.save()

    async def come_back(self) -> None:
        """Serves the venue; does nothing when it is served.

        :raises OSError: when the port is taken
        """
        if "venue" not in self._runners:
            venue = web.Application(client_max_size=1 << 20)
            venue.router.add_get(hub.PATH, self.hub.handle)
            self._rest.add_routes(venue)
            self._release_port()
            self._ports[0] = await self._serve("venue", venue, self._ports[0])

    async def go_down(self) -> None:
        """Ends all connections of the venue and takes no new ones, until `come_back`; nobody else gets its port."""
        await self.hub.shut_down()
        runner = self._runners.pop("venue", None)
        if runner is not None:
            for site in list(runner.sites):
                await site.stop()
            self._keep_port()
            await runner.cleanup()

    async def stop(self) -> None:
        """Closes all connections and frees the ports; does nothing when it is not running."""
        if self._loop_task is not None:
            self._loop_task.cancel()
            await asyncio.gather(self._loop_task, return_exceptions=True)
            self._loop_task = None
        await self.go_down()
        self._release_port()
        if self.feed is not None:
            await self.feed.close()
        if self.admin is not None:
            await self.admin.close()
            self.admin = None
        runner = self._runners.pop("admin", None)
        if runner is not None:
            await runner.cleanup()
        if self._is_listed:
            self.save(is_last=True)

    async def __aenter__(self) -> "VestSimulator":
        await self.start()
        return self

    async def __aexit__(self, *exc_info) -> None:
        try:
            await self.stop()
        finally:
            self.close_state()

    def tick(self) -> None:
        """One step of the price process and the frames that show it."""
        now_ms = self.clock.now_ms()
        if self.feed is not None:
            self.exchange.follow(self.feed.updates(now_ms), now_ms)
        self.exchange.tick(now_ms)
        self.save()
        self.hub.publish()

    def save(self, is_last: bool = False) -> None:
        """Writes what has changed to the state file, if there is one. :raises StateError: when that fails"""
        if self._keeper is not None:
            self._keeper.save(self.clock.now_ms(), self.feed, is_last)

    def close_state(self) -> None:
        """Lets go of the state file, so that another simulator can use it; this one cannot be started again."""
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None

    def _load_state(self, private: PrivateApi) -> Optional[Keeper]:
        if self.config.state is None:
            return None
        keeper = Keeper(Store(Path(self.config.state)), self.exchange, self.keys, self.accounts, private.digests)
        keeper.load()
        if keeper.last_ms > self.clock.now_ms():  # the machine's clock was set back; the venue's never is
            self.clock.advance(keeper.last_ms - self.clock.now_ms())
        return keeper

    def _keep_port(self) -> None:
        """A socket that does not listen: clients are refused as where nobody is, and no other server is given it."""
        self._kept_port = socket.socket(socket.AF_INET6 if ":" in self.config.host else socket.AF_INET)
        self._kept_port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # it is gone already, which `come_back` will say
            self._kept_port.bind((self.config.host, self._ports[0]))

    def _release_port(self) -> None:
        if self._kept_port is not None:
            self._kept_port.close()
            self._kept_port = None

    async def _serve(self, name: str, app: web.Application, port: int) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        self._runners[name] = runner
        await runner.setup()
        await web.TCPSite(runner, self.config.host, port).start()
        return runner.addresses[0][1]

    @staticmethod
    def _report_failure(task: asyncio.Task) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _logger.critical("The simulator's engine has failed; prices stand still.",
                             exc_info=None if isinstance(error, StateError) else error)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self.config.tick_interval_s)
            if self.exchange.prices_paused:
                self.exchange.react(self.clock.now_ms())
                self.save()
                self.hub.publish()
            else:
                self.tick()
            self.hub.keep_alive()
