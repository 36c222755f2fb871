"""One connection to a socket of the venue, for commands that look at it once and connect no second time."""
import asyncio
import logging
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator, Awaitable, List, TypeVar

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import (
    MessageHandler,
    SocketKeeper,
    SocketTiming,
    VestSocket,
    VestSocketError,
    VestSubscriptionError,
)
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory

_Answer = TypeVar("_Answer")
_POLL_S = 0.02


class Connection:
    """A connection that is read in the background; `connection` makes one.

    What waits for the venue raises `VestSocketError` as soon as the connection ends.
    """

    def __init__(self, socket: VestSocket, reading: "asyncio.Task[None]"):
        self._socket = socket
        self._reading = reading

    async def subscribe(self, channels: List[str]) -> None:
        """Subscribes, and waits for the acknowledgement.

        :raises VestSocketError: when the venue refuses, does not answer, or the connection ends
        """
        request = await self._socket.request(CONSTANTS.WS_SUBSCRIBE, channels)
        try:
            await self.until(request.acknowledged())
        except VestSubscriptionError as error:
            raise VestSocketError(f"the subscription was not acknowledged ({error})") from None

    async def ping(self) -> None:
        """Sends a PING, and waits until the venue says something; on a quiet channel that is its PONG.

        :raises VestSocketError: when the connection ends
        """
        heard_s = self._socket.last_recv_time
        await self._socket.ping()
        await self.until(self._hears_after(heard_s))

    async def until(self, awaitable: Awaitable[_Answer]) -> _Answer:
        """Waits for something, but no longer than the connection lasts.

        :raises VestSocketError: when the connection ends before
        """
        waiting = asyncio.ensure_future(awaitable)
        try:
            await asyncio.wait({waiting, self._reading}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            return self._reading.result()  # it never returns: it raises what ended the connection
        finally:
            waiting.cancel()

    async def _hears_after(self, heard_s: float) -> None:
        while self._socket.last_recv_time <= heard_s:
            await asyncio.sleep(_POLL_S)


@asynccontextmanager
async def connection(
        name: str, api_factory: WebAssistantsFactory, url: str, handle: MessageHandler = lambda message, payload: None,
        timing: SocketTiming = SocketTiming(),
) -> AsyncIterator[Connection]:
    """A connection, which is closed at the end; one attempt is made.

    :param name: which socket it is, for warnings
    :param url: of the socket; may hold a listen key
    :param handle: takes the messages of channels
    :raises VestSocketError: when there is none, in words that do not show the address
    """
    keeper = SocketKeeper(name, api_factory, timing, logging.getLogger(__name__))
    socket = await keeper.connect(url)
    reading: "asyncio.Task[Any]" = asyncio.create_task(socket.read(handle))
    try:
        yield Connection(socket, reading)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await socket.disconnect()
