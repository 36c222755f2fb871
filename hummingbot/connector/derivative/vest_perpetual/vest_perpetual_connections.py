"""The connections that requests and sockets go over: bounded, without redirects or cookies, closed by their owner."""
import weakref
from contextlib import suppress
from typing import Callable, Optional

import aiohttp

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestUnreadableAnswerError
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory
from hummingbot.core.web_assistant.connections.data_types import RESTRequest, RESTResponse, WSResponse
from hummingbot.core.web_assistant.connections.rest_connection import RESTConnection
from hummingbot.core.web_assistant.connections.ws_connection import WSConnection

# What an answer may grow to, decompressed. The venue's longest, a thousand orders, has less than a fifth of it; reading
# the worst that fits takes half a second and 100 MB.
_MAX_ANSWER_BYTES = 4 * 1024 * 1024
# One for all requests: each has a limit of its own around it.
_REQUEST_TIMEOUT = aiohttp.ClientTimeout(sock_connect=CONSTANTS.CONNECT_TIMEOUT_S)


class VestRESTRequest(RESTRequest):
    """A request that can be shown: the base's words hold the API key, the signature and the order."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.method} {self.url})"


class VestRESTResponse(RESTResponse):
    """An answer that is read only as far as one of the venue can go: the base reads whatever comes, into memory."""

    async def text(self) -> str:
        """The body; JSON is UTF-8 whatever the headers say.

        :raises VestUnreadableAnswerError: when it is too long or, unless it tells of an error, not UTF-8
        """
        body = bytearray()
        try:
            async for chunk in self._aiohttp_response.content.iter_any():
                body += chunk
                if len(body) > _MAX_ANSWER_BYTES:
                    raise VestUnreadableAnswerError(f"HTTP {self.status}: the answer is longer than any of Vest's")
        except BaseException:  # a cancellation too: a connection with half an answer in it is of no more use
            self._aiohttp_response.close()
            raise
        try:
            return body.decode("utf-8", errors="replace" if self.status >= 400 else "strict")
        except UnicodeDecodeError:
            pass  # and raised below without this cause, because it holds the whole answer
        raise VestUnreadableAnswerError(f"HTTP {self.status}: the answer is no text")


class VestRESTConnection(RESTConnection):
    """A connection that takes the session when it sends, and follows no redirects.

    The base keeps the session it was made with, which may be closed by then; and it follows redirects, which would
    carry the API key and an order to wherever the answer points.

    :param session: gives the open session
    """

    def __init__(self, session: Callable[[], aiohttp.ClientSession]):
        self._session = session

    async def call(self, request: RESTRequest) -> RESTResponse:
        """Sends a request and returns its answer, whatever the status; redirects are not followed."""
        answer = await self._session().request(
            method=request.method.value,
            url=request.url,
            params=request.params,
            # Of a text aiohttp would look for the encoding in each request, which costs an order 6 µs more.
            data=None if request.data is None else request.data.encode(),
            headers=request.headers,
            allow_redirects=False,
            timeout=_REQUEST_TIMEOUT,
        )
        return VestRESTResponse(answer)


class VestWSConnection(WSConnection):
    """A socket that hands on text frames as text.

    The base decodes them itself, with floats for numbers, and a frame with absurd depth or digits breaks its receiving
    loop with an error of the JSON library; `decode_frame` is exact and raises one error for all such frames.
    """

    async def receive(self) -> Optional[WSResponse]:
        """As the base, which asks six coroutines of every frame what else it may be; what holds data is known at once.
        """
        self._ensure_connected()
        message = await self._connection.receive(self._message_timeout)
        if message.type is aiohttp.WSMsgType.TEXT or message.type is aiohttp.WSMsgType.BINARY:
            self._update_last_recv_time(message)
            return self._build_resp(message)
        message = await self._process_message(message)
        if message is None:  # it was none for us, or the end
            return await super().receive() if self._connected else None
        return self._build_resp(message)

    @staticmethod
    def _build_resp(msg: aiohttp.WSMessage) -> WSResponse:
        return WSResponse(msg.data)


class VestConnectionsFactory(ConnectionsFactory):
    """Owns the session of one connector.

    The base is one object for all connectors, and closing it closes their sessions too, so nobody does (framework gap
    B25). This one is opened at first use, closed by its owner and opened again when it is used again.
    """

    def __new__(cls):
        return object.__new__(cls)

    async def get_rest_connection(self) -> RESTConnection:
        """A connection over this session; see `VestRESTConnection` for why not the base's."""
        return VestRESTConnection(self._open_session)

    async def get_ws_connection(self) -> WSConnection:
        """A socket over this session; see `VestWSConnection` for why not the base's."""
        return VestWSConnection(self._open_session())

    async def close(self) -> None:
        """Closes the session. A request that begins meanwhile opens a new one; the base's would find it closed."""
        session, self._shared_client = self._shared_client, None
        if session is not None:
            await session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._shared_client is None:
            # This bounds the handshake of sockets; requests bring their own limit.
            timeout = aiohttp.ClientTimeout(
                total=CONSTANTS.REQUEST_TIMEOUT_S, sock_connect=CONSTANTS.CONNECT_TIMEOUT_S
            )
            # Nothing of the venue needs cookies, and a jar takes as many as it is given.
            self._shared_client = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
            weakref.finalize(self, _close_at_once, self._shared_client.connector)
        return self._shared_client


def _close_at_once(connector: aiohttp.BaseConnector) -> None:
    """Closes the connections of a session whose owner is gone: the client makes a connector for a single command, such
    as `balance`, and never stops it (framework gap B25).
    """
    closing = connector.close()
    # There is no event loop left to await this in. What needs one is only the wait for TLS connections to say goodbye.
    with suppress(StopIteration, RuntimeError):
        closing.send(None)
    closing.close()
