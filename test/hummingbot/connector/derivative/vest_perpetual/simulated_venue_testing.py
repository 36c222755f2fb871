"""Tests against the simulated venue, which is no part of Hummingbot: what imports this stays in this project."""
import os
from test.hummingbot.connector.derivative.vest_perpetual.stream_testing import StreamTestCase
from typing import Any, Dict, List
from unittest.mock import patch
from urllib.parse import urlsplit

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import VestPerpetualAuth
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from vest_simulator import SimulatorConfig, VestSimulator
from vest_simulator.faults.proxy import TcpProxy


class SimulatedVenueTestCase(StreamTestCase):
    """Gives a running simulator (`venue`) and an `api_factory` that speaks with it."""

    config: Dict[str, Any] = {}

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.venue = VestSimulator(SimulatorConfig(**{"tick_interval_s": 0.02, **self.config}))
        await self.venue.start()
        self.addAsyncCleanup(self.venue.stop)
        moved = patch.dict(os.environ, {CONSTANTS.SIMULATOR_URL_VARIABLE: self.venue.url})
        moved.start()
        self.addCleanup(moved.stop)
        self.account = self.venue.accounts[0]
        clock = ServerClock()
        auth = VestPerpetualAuth(
            api_key=self.account.api_key, signing_private_key=self.account.signing_private_key,
            account_group=self.account.account_group, clock=clock, domain=CONSTANTS.SIMULATOR_DOMAIN,
        )
        self.factory = await self.api_factory(clock=clock, auth=auth, domain=CONSTANTS.SIMULATOR_DOMAIN)

    async def use_proxy(self) -> TcpProxy:
        """All traffic goes through a relay from now on."""
        proxy = TcpProxy(target_port=urlsplit(self.venue.url).port)
        await proxy.start()
        self.addAsyncCleanup(proxy.stop)
        os.environ[CONSTANTS.SIMULATOR_URL_VARIABLE] = proxy.url
        return proxy

    def sockets(self, kind: str) -> List[Any]:
        """The venue's sockets of a kind, public or private, that are open now."""
        return [socket for socket in self.venue.hub.sockets if socket.kind == kind]

    def is_subscribed(self, kind: str, channel: str) -> bool:
        return any(channel in socket.channels for socket in self.sockets(kind))

    def opened_sockets(self, kind: str) -> int:
        """How many sockets of a kind were opened so far."""
        return sum(entry["socket_kind"] == kind for entry in self.venue.journal.entries(kind="socket_opened"))
