"""A venue that is talked to as the connector does, and whose answers and frames are kept as they came."""
import asyncio
import json
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Dict, List, Mapping, Optional, Union
from urllib.parse import urlsplit

import aiohttp

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.vest_perpetual.cli.keys import Keys
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Venue
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_connections import (
    VestConnectionsFactory,
    VestRESTConnection,
    VestRESTRequest,
    VestRESTResponse,
    VestWSConnection,
)
from hummingbot.core.web_assistant.connections.data_types import RESTMethod, RESTRequest, WSResponse


@dataclass(frozen=True)
class Answer:
    """One answer to a REST request; nothing of it is printed unseen."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    text: str = field(repr=False)
    at_s: float = field(default_factory=time.monotonic)
    """When it was read, by a clock that never jumps."""

    @property
    def path(self) -> str:
        """The path of the request, with the venue's prefix."""
        return urlsplit(self.url).path

    @property
    def payload(self) -> Any:
        """The decoded body, None when it is no JSON."""
        try:
            return json.loads(self.text, parse_float=Decimal)
        except (ValueError, RecursionError):
            return None


class Heard:
    """Everything a venue has said; `answers` oldest first, `frames` as they came (text or bytes)."""

    def __init__(self) -> None:
        self.answers: List[Answer] = []
        self.frames: List[Union[str, bytes]] = []
        self.order_request: Optional[RESTRequest] = None
        """The latest `POST /orders` as it was sent: signed, and with the API key."""

    @property
    def last(self) -> Answer:
        """The latest answer."""
        return self.answers[-1]


class _Response(VestRESTResponse):
    """An answer that is kept when it is read."""

    def __init__(self, response: VestRESTResponse, request: RESTRequest, heard: Heard):
        super().__init__(response._aiohttp_response)
        self._request = request
        self._heard = heard

    async def text(self) -> str:
        text = await super().text()
        self._heard.answers.append(
            Answer(self._request.method.value, self._request.url, self.status, self.headers, text))
        return text


class _RESTConnection(VestRESTConnection):
    """The connector's, with answers that are kept."""

    heard: Heard

    async def call(self, request: RESTRequest) -> VestRESTResponse:
        if request.method is RESTMethod.POST and request.url.endswith(CONSTANTS.ORDERS_PATH):
            self.heard.order_request = request
        return _Response(await super().call(request), request, self.heard)


class _WSConnection(VestWSConnection):
    """The connector's, with frames that are kept."""

    heard: Heard

    async def receive(self) -> Optional[WSResponse]:
        response = await super().receive()
        if response is not None:
            self.heard.frames.append(response.data)
        return response


class _Connections(VestConnectionsFactory):
    """The connector's connections, each of which tells what it hears."""

    heard: Heard

    async def get_rest_connection(self) -> _RESTConnection:
        connection = _RESTConnection(self._open_session)
        connection.heard = self.heard
        return connection

    async def get_ws_connection(self) -> _WSConnection:
        connection = _WSConnection(self._open_session())
        connection.heard = self.heard
        return connection


class ObservedVenue(Venue):
    """The venue as a command sees it; `heard` is what it said, word for word.

    :param domain: one of the three domains
    :param keys: of the account; None for what needs none
    """

    def __init__(self, domain: str, keys: Optional[Keys] = None):
        super().__init__(domain, keys)
        self.heard = Heard()
        self._connections = _Connections()
        self._connections.heard = self.heard
        self.api_factory._connections_factory = self._connections

    async def bare_get(self, path_url: str, params: Dict[str, Any], headers: Dict[str, str]) -> Answer:
        """A GET with these headers and parameters alone, whatever the answer.

        :param path_url: one of the paths of the constants
        """
        return await self.send(VestRESTRequest(
            method=RESTMethod.GET, url=web_utils.public_rest_url(path_url, self.domain), params=params,
            headers=headers, throttler_limit_id=path_url))

    async def send(self, request: RESTRequest) -> Answer:
        """The answer to a request that is sent exactly as it is, such as `heard.order_request` once more.

        :param request: with the id of a rate limit
        :raises VestError: when there was no answer
        """
        connection = await self._connections.get_rest_connection()
        try:
            async with self.api_factory.throttler.execute_task(limit_id=request.throttler_limit_id), asyncio.timeout(
                    CONSTANTS.REQUEST_TIMEOUT_S):
                await (await connection.call(request)).text()
            return self.heard.last
        except (aiohttp.ClientError, OSError) as error:
            failure = web_utils.transport_error(error, str(request.method))
        # Out here, so that it has no cause: aiohttp's errors hold the request's headers, and with them the API key.
        raise failure

    def private_headers(self, keys: Keys) -> Dict[str, str]:
        """The headers of a private request."""
        return {CONSTANTS.API_KEY_HEADER: keys.api_key,
                CONSTANTS.ACCOUNT_GROUP_HEADER: web_utils.server_name(keys.account_group)}
