"""One command's connection to the venue, made of the connector's own parts; no connector runs."""
import asyncio
import logging
import random
from types import TracebackType
from typing import Any, Awaitable, Callable, Dict, Optional, Type, TypeVar

from bidict import bidict

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_utils as utils,
    vest_perpetual_web_utils as web_utils,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError, ExitCode
from hummingbot.connector.derivative.vest_perpetual.cli.keys import Keys
from hummingbot.connector.derivative.vest_perpetual.cli.rehearsal import (
    ReadyRequest,
    RehearsalAuth,
    Rehearsed,
    ready_request,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_account_reader import AccountReading, read_account
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import VestPerpetualAuth
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestClockError, VestRefusedError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_key_life import try_signature
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_markets import Markets
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_orders_reader import OrdersReader
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import renewal_command
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_transfers import VestTransfers
from hummingbot.core.web_assistant.connections.data_types import RESTMethod

Outcome = TypeVar("Outcome")


class ManualNonces:
    """Nonces of what people send by hand: `seconds x 100,000` and five random digits, below 10^15. The venue's time is
    known to a second, so two commands within one would else be likely to get the same.

    Those of bots are 10^15 and more (`OrderIds`). So whatever tag a bot on the account has, an order of the command
    line is somebody else's to it: it neither tracks nor cancels it.
    """

    def __init__(self, clock: ServerClock):
        self._clock = clock

        self.last: Optional[int] = None
        """The nonce given last."""

    def next(self) -> int:
        """The next nonce."""
        self.last = self._clock.now_ms() // 1000 * 100_000 + random.SystemRandom().randrange(100_000)
        return self.last


class Venue(VestTransfers):
    """The venue, as one command sees it; `async with` closes the connections. LP orders and withdrawals are those of
    `VestTransfers`. What it asks raises the `VestError` of a request that failed.

    :param domain: one of the three domains
    :param keys: of the account; None for what needs none
    :raises CommandError: when the simulator's address is set to something that is none
    """

    def __init__(self, domain: str, keys: Optional[Keys] = None):
        self.domain = domain
        self.clock = ServerClock()
        self._keys = keys
        self._is_rehearsing = False
        self.auth: Optional[VestPerpetualAuth] = None if keys is None else keys.auth(self.clock)
        self.api_factory = web_utils.build_api_factory(clock=self.clock, auth=self.auth, domain=domain)
        self.orders = OrdersReader(self._api_get, Complaints(self.logger()))
        self._order_ids = ManualNonces(self.clock)
        self._markets: Optional[Markets] = None
        try:
            web_utils.public_rest_url("", domain)
        except ValueError as error:
            raise CommandError(str(error), ExitCode.USAGE) from None

    async def __aenter__(self) -> "Venue":
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                        traceback: Optional[TracebackType]) -> None:
        await self.api_factory.close()

    @classmethod
    def logger(cls) -> logging.Logger:
        """Warnings go to stderr, by the rules of the logging library."""
        return logging.getLogger(__name__)

    # --- Questions

    async def learn_time(self) -> None:
        """Learns the venue's time, and that it can be reached."""
        await web_utils.ask_time(self.api_factory, self.domain)

    async def account(self) -> AccountReading:
        """Balances, positions and leverage.

        :raises VestUnusableKeyError: when the signing key turns out to be that of the account's wallet
        """
        reading = read_account(await self._api_get(CONSTANTS.ACCOUNT_PATH, is_auth_required=True))
        if reading.account.address is not None:
            self.auth.refuse_key_of_wallet(reading.account.address, renewal_command(self.domain))
        return reading

    async def markets(self) -> Markets:
        """The venue's markets; they are asked for once."""
        if self._markets is None:
            markets = Markets(_silent_logger())
            markets.update(await self._api_get(CONSTANTS.EXCHANGE_INFO_PATH))
            self._markets = markets
        return self._markets

    async def market(self, name: str) -> wire.SymbolInfo:
        """One market.

        :param name: trading pair, in any case, or symbol, exactly
        :raises CommandError: when the venue has none of that name
        """
        markets = await self.markets()
        symbol = name if name in markets.symbol_map else markets.symbol_map.inverse.get(name.upper())
        market = None if symbol is None else markets.get(symbol)
        if market is None:
            raise CommandError(f"Vest has no market {name[:40]!r}; its trading pairs look like {utils.EXAMPLE_PAIR}",
                               ExitCode.USAGE)
        return market

    async def depth(self, symbol: str) -> wire.Depth:
        """The order book of a market.

        :param symbol: the venue's
        """
        query = {"symbol": symbol, "limit": CONSTANTS.DEPTH_LIMIT}
        return wire.Depth.from_payload(await self._api_get(CONSTANTS.DEPTH_PATH, params=query))

    async def trading_pairs(self) -> "bidict[str, str]":
        """The trading pair of each symbol."""
        return (await self.markets()).symbol_map

    async def ask(self, path_url: str, params: Optional[Dict[str, Any]] = None, is_auth_required: bool = False,
                  method: RESTMethod = RESTMethod.GET) -> Any:
        """The decoded answer to a request without a body, whatever it is.

        :param path_url: one of the paths of the constants
        :param params: query parameters
        :param is_auth_required: whether it is about the account
        :param method: HTTP method
        """
        return await self._request(method, path_url, is_auth_required, None, params=params)

    # --- Requests

    async def listen_key(self) -> str:
        """The account's listen key, which bots on it share: the live one, extended, or a new one."""
        answer = await self.ask(CONSTANTS.LISTEN_KEY_PATH, is_auth_required=True, method=RESTMethod.POST)
        return wire.listen_key_from(answer)

    async def try_signature(self) -> Optional[VestRefusedError]:
        """As `vest_perpetual_key_life.try_signature`: changes nothing.

        :raises VestUnauthorizedError: when the venue does not accept the signature
        :raises VestRefusedError: when it refused without looking at it
        """
        return await try_signature(self.post, self.next_nonce())

    async def reconnect(self) -> None:
        """The next request takes a new connection. While somebody was asked something the venue may have closed the
        idle ones; a request that finds that out too late looks like one whose answer was lost.
        """
        await self.api_factory.close()

    @property
    def last_nonce(self) -> Optional[int]:
        """The nonce of the last order, cancellation or transfer, None before the first."""
        return self._order_ids.last

    def next_nonce(self) -> int:
        """The nonce of the next order or cancellation."""
        return self._order_ids.next()

    async def post(self, path_url: str, data: Dict[str, Any], is_auth_required: bool = True) -> Any:
        """Sends a request that changes something, signed where the venue wants that.

        :param path_url: one of the paths of the constants
        :param data: the body, without time and signature
        """
        return await self._api_post(path_url, data, is_auth_required)

    async def rehearse(self, act: Callable[[], Awaitable[Outcome]]) -> ReadyRequest:
        """What an action would send.

        :param act: runs up to its first request that changes something
        """
        self._is_rehearsing = True
        try:
            await act()
        except Rehearsed as rehearsed:
            return rehearsed.request
        finally:
            self._is_rehearsing = False
        raise AssertionError("nothing was sent")

    async def _api_get(self, path_url: str, params: Optional[Dict[str, Any]] = None, is_auth_required: bool = False,
                       limit_id: Optional[str] = None) -> Any:
        return await self._request(RESTMethod.GET, path_url, is_auth_required, limit_id, params=params)

    async def _api_post(self, path_url: str, data: Dict[str, Any], is_auth_required: bool = False) -> Any:
        if self._is_rehearsing:
            auth = self._keys.auth(self.clock, RehearsalAuth)
            raise Rehearsed(await ready_request(auth, path_url, data, self.domain))
        return await self._request(RESTMethod.POST, path_url, is_auth_required, None, data=data)

    async def _request(self, method: RESTMethod, path_url: str, is_auth_required: bool, limit_id: Optional[str],
                       **content: Any) -> Any:
        """Sends a request; once more when the venue refused its time, because the refusal told the right one."""
        for is_last in (False, True):
            assistant = await self.api_factory.get_rest_assistant()
            try:
                return await assistant.execute_request(
                    url=web_utils.public_rest_url(path_url, self.domain), method=method,
                    throttler_limit_id=limit_id or path_url, is_auth_required=is_auth_required,
                    timeout=CONSTANTS.REQUEST_TIMEOUT_S, **content,
                )
            except VestClockError:
                if is_last:
                    raise
                if self.clock.doubts_date and path_url != CONSTANTS.ACCOUNT_PATH:
                    await self._learn_time_of_account()

    async def _learn_time_of_account(self) -> None:
        """The refusal was dated with the very time that was refused; the account tells the engine's."""
        sent_s = self.clock.monotonic_s()
        reading = await self.account()
        if reading.account.time_ms is not None:
            self.clock.observe_time_ms(reading.account.time_ms, sent_s, self.clock.monotonic_s())

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _silent_logger() -> logging.Logger:
    """Odd markets are the business of whoever trades them."""
    logger = logging.getLogger(f"{__name__}.markets")
    logger.disabled = True
    return logger
