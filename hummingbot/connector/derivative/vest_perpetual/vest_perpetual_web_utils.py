"""How the connector talks to the venue: addresses, the venue's time, requests and their errors.

Only this module and `_connections` touch HTTP. What it hands out is decoded JSON or one of the errors of
`vest_perpetual_errors`.
"""
import asyncio
import json
import os
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Tuple
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import aiohttp
from aiohttp import hdrs

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock, http_date_ms
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_connections import (
    VestConnectionsFactory,
    VestRESTRequest,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestClockError,
    VestConnectionLostError,
    VestError,
    VestNotSentError,
    VestPayloadError,
    VestRateLimitError,
    VestRefusedError,
    VestTimeoutError,
    VestUnreadableAnswerError,
    error_for_code,
    error_for_status,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import excerpt, parse_json
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_throttler import VestThrottler
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import ErrorBody
from hummingbot.core.web_assistant.connections.data_types import RESTMethod, RESTRequest, RESTResponse
from hummingbot.core.web_assistant.connections.rest_connection import RESTConnection
from hummingbot.core.web_assistant.rest_assistant import RESTAssistant
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory

if TYPE_CHECKING:
    from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import VestPerpetualAuth


# --- Addresses


def public_rest_url(path_url: str, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> str:
    """Address of a REST end point.

    :param path_url: one of the paths of the constants
    :param domain: one of the three domains
    :raises ValueError: when the simulator's address is set to something that is none
    """
    return _rest_base(domain) + path_url


def private_rest_url(path_url: str, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> str:
    """Address of a private REST end point; the venue has them on the same host. See `public_rest_url`."""
    return public_rest_url(path_url, domain)


def rest_path(url: str, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> str:
    """The path of the constants that an address was made of; the address itself when it is not of this domain.

    :param url: address of a REST end point
    :param domain: one of the three domains
    """
    return url.removeprefix(_rest_base(domain))


def public_ws_url(domain: str = CONSTANTS.DEFAULT_DOMAIN, account_group: int = 0) -> str:
    """Address of the public socket.

    :param domain: one of the three domains
    :param account_group: the account's group; it chooses the venue's server
    """
    return _ws_url(domain, account_group, {})


def private_ws_url(listen_key: str, domain: str = CONSTANTS.DEFAULT_DOMAIN, account_group: int = 0) -> str:
    """Address of the private socket. It holds the listen key: never log it.

    :param listen_key: the live listen key
    :param domain: one of the three domains
    :param account_group: the account's group; it chooses the venue's server
    """
    return _ws_url(domain, account_group, {CONSTANTS.WS_LISTEN_KEY_PARAMETER: listen_key})


def server_name(account_group: int) -> str:
    """The venue's name for the server of an account group, 0 included (protocol section 1)."""
    return f"restserver{account_group}"


def _rest_base(domain: str) -> str:
    return _address(CONSTANTS.REST_URLS, domain, secure_scheme="https", scheme="http")


def _ws_url(domain: str, account_group: int, parameters: Mapping[str, str]) -> str:
    base = _address(CONSTANTS.WSS_URLS, domain, secure_scheme="wss", scheme="ws")
    groups = {name: server_name(account_group) for name in CONSTANTS.WS_ACCOUNT_GROUP_PARAMETERS}
    return f"{base}&{urlencode({**groups, **parameters}, quote_via=quote, safe='')}"


def _address(addresses: Mapping[str, str], domain: str, secure_scheme: str, scheme: str) -> str:
    address = addresses[domain]
    moved_to = os.environ.get(CONSTANTS.SIMULATOR_URL_VARIABLE) if domain == CONSTANTS.SIMULATOR_DOMAIN else None
    if not moved_to:
        return address
    origin = _simulator_origin(moved_to)
    return urlsplit(address)._replace(
        scheme=secure_scheme if origin.scheme == "https" else scheme, netloc=origin.netloc
    ).geturl()


def _simulator_origin(text: str) -> SplitResult:
    try:
        origin = urlsplit(text.strip())
        is_origin = bool(
            origin.scheme in ("http", "https") and origin.hostname and origin.port != 0 and "@" not in origin.netloc
            and origin.path in ("", "/") and not origin.query and not origin.fragment
        )
    except ValueError:  # a port that is no number, or half an IPv6 address
        is_origin = False
    if not is_origin:
        raise ValueError(
            f"{CONSTANTS.SIMULATOR_URL_VARIABLE} must be the simulator's address like http://127.0.0.1:8787, "
            f"without a path; unset it to use the default"
        )
    return origin


# --- Time


async def get_current_server_time(
        throttler: Optional[VestThrottler] = None, domain: str = CONSTANTS.DEFAULT_DOMAIN
) -> float:
    """The venue's time in ms, from the `Date` header of a small public request. Hummingbot expects it of a connector's
    `web_utils`; ours learns the time from every answer and does not call it (design decision 8).

    :param throttler: the connector's throttler
    :param domain: one of the three domains
    :raises VestError: when the venue gave no answer
    """
    clock = ServerClock()
    factory = build_api_factory(throttler=throttler, clock=clock, domain=domain)
    try:
        await ask_time(factory, domain)
    finally:
        await factory.close()
    return float(clock.now_ms())


async def ask_time(factory: "VestWebAssistantsFactory", domain: str) -> None:
    """Asks something small and public: the factory's clock learns from any answer. Raises the `VestError` of none."""
    assistant = await factory.get_rest_assistant()
    with suppress(VestRefusedError):  # a refusal has a Date as well
        await assistant.execute_request(
            url=public_rest_url(CONSTANTS.TICKER_LATEST_PATH, domain),
            params={"symbols": "BTC-PERP"},
            throttler_limit_id=CONSTANTS.TICKER_LATEST_PATH,
        )


# --- Pace


def create_throttler(rate_limits_share_pct: Decimal = Decimal(100)) -> VestThrottler:
    """A throttler with the connector's rate limits.

    :param rate_limits_share_pct: the part of the limits this bot may use, in percent
    """
    return VestThrottler(share_pct=rate_limits_share_pct)


def configured_rate_limits_share_pct() -> Decimal:
    """The client's `rate_limits_share_pct`, in percent: the client gives it to the constructors of sub-domains only
    (framework gap B20), so the main domain reads it from where the client keeps it.
    """
    # The client imports connectors while it starts: its configuration may be read when it runs, not imported above.
    from hummingbot.client.config.config_helpers import read_yml_file
    from hummingbot.client.settings import CLIENT_CONFIG_PATH

    settings = read_yml_file(CLIENT_CONFIG_PATH) if CLIENT_CONFIG_PATH.exists() else None
    return Decimal(str((settings or {}).get("rate_limits_share_pct", 100)))


# --- Requests

# What aiohttp raises before a request has a connection. Whatever else it raises proves nothing.
_NOT_SENT_ERRORS = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.ClientHttpProxyError,
)
_TRANSPORT_ERRORS = (aiohttp.ClientError, OSError)  # TimeoutError is an OSError

# Their answers have nothing to tell but that it was done (protocol section 5), which an empty one does too.
_METHODS_THAT_TELL_NOTHING = frozenset({RESTMethod.PUT, RESTMethod.DELETE})


def transport_error(error: BaseException, request: str) -> VestError:
    """The typed error for what aiohttp or the operating system raised during a request.

    :param error: what was raised
    :param request: method and path, for the message
    """
    words = f"{request}: {type(error).__name__}"
    if isinstance(error, _NOT_SENT_ERRORS):
        return VestNotSentError(f"{words}: no connection to the venue; check the network")
    if isinstance(error, TimeoutError):
        return VestTimeoutError(f"{words}: no answer in time")
    return VestConnectionLostError(f"{words}: the connection broke before the answer was complete")


def _retry_after_s(headers: Mapping[str, str]) -> Optional[float]:
    """Retry-After in seconds, whichever of its two forms it has; None when there is none that can be read."""
    text = headers.get(hdrs.RETRY_AFTER, "").strip()
    if text.isdecimal():
        return float(text)
    until_ms, date_ms = http_date_ms(text), http_date_ms(headers.get(hdrs.DATE))
    return None if until_ms is None or date_ms is None else max(0.0, (until_ms - date_ms) / 1000)


def decode_answer(status: int, headers: Mapping[str, str], text: str, may_be_empty: bool = False) -> Any:
    """The JSON of an answer, or its error (protocol section 3: either shape, any status).

    :param status: HTTP status
    :param headers: the answer's headers
    :param text: the answer's body
    :param may_be_empty: whether nothing at all says that it was done; then it is None
    :raises VestError: what the venue answered instead
    """
    if may_be_empty and status < 300 and not text.strip():
        return None
    is_error_status = status >= 400
    payload = error = None
    try:
        payload = parse_json(text)
        error = ErrorBody.from_payload(payload, is_error_status)
    except VestPayloadError as unreadable:
        if not is_error_status:
            raise VestUnreadableAnswerError(f"HTTP {status}: {unreadable}") from unreadable
    if error is not None and error.code is not None:
        raise error_for_code(error.code, error.message, status, _retry_after_s(headers))
    if is_error_status:
        message = error.message if error is not None else excerpt(text)
        raise error_for_status(status, message, _retry_after_s(headers), is_json=payload is not None)
    if status >= 300:
        raise VestUnreadableAnswerError(f"HTTP {status}: the venue answers from another address")
    return payload


class VestRESTAssistant(RESTAssistant):
    """Sends one request and gives its JSON or a typed error.

    `execute_request` is our own, because the base's raises plain errors whose text is all there is to go by, quotes
    whole answers in them, has no time limit for reading the answer and lets floats into the JSON.

    :param clock: learns the venue's time from every answer
    :param account_group: named in the header of every request
    """

    def __init__(
            self,
            connection: RESTConnection,
            throttler: VestThrottler,
            clock: ServerClock,
            account_group: int,
            domain: str,
            auth: Optional["VestPerpetualAuth"],
    ):
        super().__init__(connection=connection, throttler=throttler, auth=auth)
        self._clock = clock
        self._domain = domain
        self._account_group_header = {CONSTANTS.ACCOUNT_GROUP_HEADER: server_name(account_group)}

    async def execute_request(
            self,
            url: str,
            throttler_limit_id: str,
            params: Optional[Dict[str, Any]] = None,
            data: Optional[Dict[str, Any]] = None,
            method: RESTMethod = RESTMethod.GET,
            is_auth_required: bool = False,
            return_err: bool = False,
            timeout: Optional[float] = CONSTANTS.REQUEST_TIMEOUT_S,
            headers: Optional[Dict[str, Any]] = None,
    ) -> Any:
        """Sends a request when the throttler lets it and gives its decoded JSON.

        :param url: address of the end point
        :param throttler_limit_id: which rate limit it counts for
        :param params: query parameters
        :param data: body, sent as JSON
        :param method: HTTP method
        :param is_auth_required: whether it is signed and carries the API key
        :param return_err: of the base's signature; refusals are always raised, since only then they have a type
        :param timeout: time for sending and reading the answer, in seconds, without the wait for the throttler
        :param headers: more headers
        :raises VestError: see `vest_perpetual_errors`
        """
        request = VestRESTRequest(
            method=method,
            url=url,
            params=params,
            # What is signed becomes JSON text with its signature in it, and not before.
            data=data if data is None or self._signs(is_auth_required) else json.dumps(data),
            headers={**self._headers(url, data is not None), **(headers or {})},
            is_auth_required=is_auth_required,
            throttler_limit_id=throttler_limit_id,
        )
        async with self._throttler.execute_task(limit_id=throttler_limit_id):
            # Signed only now, because the venue refuses requests older than their window.
            request = await self._authenticate(request)
            sent_s = self._clock.monotonic_s()
            response, text, received_s = await self._exchange(request, timeout)
        return self._decode(response, text, sent_s, received_s, method in _METHODS_THAT_TELL_NOTHING)

    def _signs(self, is_auth_required: bool) -> bool:
        return is_auth_required and self._auth is not None

    def _headers(self, url: str, has_body: bool) -> Dict[str, str]:
        headers = {hdrs.CONTENT_TYPE: "application/json"} if has_body else {}
        # A new account has no group until it is registered (protocol section 5).
        is_registration = rest_path(url, self._domain) == CONSTANTS.REGISTER_PATH
        return headers if is_registration else {**headers, **self._account_group_header}

    async def _exchange(self, request: RESTRequest, timeout_s: Optional[float]) -> Tuple[RESTResponse, str, float]:
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._connection.call(request)
                received_s = self._clock.monotonic_s()
                return response, await response.text(), received_s
        except VestError:
            raise
        except _TRANSPORT_ERRORS as error:
            failure = transport_error(error, f"{request.method} {rest_path(request.url, self._domain)}")
        # Out here, so that it has no cause: aiohttp's errors hold the request's headers, and with them the API key.
        raise failure

    def _decode(self, response: RESTResponse, text: str, sent_s: float, received_s: float, may_be_empty: bool) -> Any:
        try:
            payload = decode_answer(response.status, response.headers, text, may_be_empty)
        except VestRateLimitError as error:
            self._throttler.note_refusal(error.retry_after_s)
            raise
        except VestClockError:
            # The answer that refused our time tells the right one, so that one more attempt works.
            self._clock.note_refused_time(sent_s)
            raise
        finally:
            self._clock.observe_date(response.headers.get(hdrs.DATE), sent_s, received_s)
        self._throttler.note_success()
        return payload


class VestWebAssistantsFactory(WebAssistantsFactory):
    """Makes the connector's assistants over a session of its own; `await close()` when the connector stops.

    :param throttler: shared by all requests
    :param clock: shared with the auth object
    :param auth: signs private requests; None for public ones only
    :param domain: one of the three domains
    """

    def __init__(
            self, throttler: VestThrottler, clock: ServerClock, auth: Optional["VestPerpetualAuth"], domain: str
    ):
        super().__init__(throttler=throttler, auth=auth, connections_factory=VestConnectionsFactory())
        self._clock = clock
        self._domain = domain
        self._rest_assistant: Optional[VestRESTAssistant] = None

    @property
    def clock(self) -> ServerClock:
        """The venue's clock, as all answers so far tell it."""
        return self._clock

    async def get_rest_assistant(self) -> VestRESTAssistant:
        """An assistant of our own kind; see `VestRESTAssistant` for why. It keeps nothing of a request, so that one
        serves all, where the framework makes one for each.
        """
        if self._rest_assistant is None:
            self._rest_assistant = VestRESTAssistant(
                connection=await self._connections_factory.get_rest_connection(),
                throttler=self._throttler,
                clock=self._clock,
                account_group=self._auth.account_group if self._auth is not None else 0,
                domain=self._domain,
                auth=self._auth,
            )
        return self._rest_assistant


def build_api_factory(
        throttler: Optional[VestThrottler] = None,
        clock: Optional[ServerClock] = None,
        auth: Optional["VestPerpetualAuth"] = None,
        domain: str = CONSTANTS.DEFAULT_DOMAIN,
) -> VestWebAssistantsFactory:
    """What the connector sends its requests with.

    :param throttler: shared by all requests; a new one when None
    :param clock: the venue's clock, the one the auth object uses; a new one when None
    :param auth: signs private requests; None for public ones only
    :param domain: one of the three domains
    """
    return VestWebAssistantsFactory(
        throttler=throttler or create_throttler(), clock=clock or ServerClock(), auth=auth, domain=domain
    )
