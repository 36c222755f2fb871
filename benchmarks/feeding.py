"""Sockets that are fed with frames, from memory, in front of the real aiohttp socket of whoever connects.

Everything a connector does from the first byte of a frame on is its own: aiohttp's frame parser, the framework's
connection and assistant, the connector's data source. Only the kernel and TLS, the same for all, are left out.
"""
import asyncio
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List
from unittest.mock import patch

import aiohttp
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.client_ws import ClientWebSocketResponse, ClientWSTimeout

_MAX_MESSAGE_BYTES = 4 * 1024 * 1024


def text_frame(text: str) -> bytes:
    """A WebSocket frame as a server sends it.

    :param text: the message
    """
    payload = text.encode()
    if len(payload) < 126:
        return bytes([0x81, len(payload)]) + payload
    if len(payload) < 65536:
        return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload
    return b"\x81\x7f" + len(payload).to_bytes(8, "big") + payload


class _Unanswered:
    """Stands for the parts of a connection that nobody looks at: the handshake's answer and the way out."""

    connection = None
    transport = None

    def close(self) -> None:
        pass

    async def send_frame(self, *_: Any, **__: Any) -> None:
        pass

    async def close_frame(self, *_: Any) -> None:
        pass


class FedSocket:
    """One connection of a connector's.

    :param url: where it wanted to connect
    """

    def __init__(self, url: str):
        loop = asyncio.get_running_loop()
        self.url = url
        messages = WebSocketDataQueue(BaseProtocol(loop), 2 ** 16, loop=loop)
        self._reader = WebSocketReader(messages, _MAX_MESSAGE_BYTES)
        nobody = _Unanswered()
        self.response = ClientWebSocketResponse(
            messages, nobody, None, nobody, ClientWSTimeout(), autoclose=True, autoping=False, loop=loop,
        )

    def feed(self, frame: bytes) -> None:
        """The venue sends these bytes."""
        self._reader.feed_data(frame)


@contextmanager
def fed_sockets() -> Iterator[List[FedSocket]]:
    """While this lasts every WebSocket that is opened is a `FedSocket`, and is added to the list."""
    opened: List[FedSocket] = []

    async def connect(_: aiohttp.ClientSession, url: str, **__: Any) -> ClientWebSocketResponse:
        opened.append(FedSocket(str(url)))
        return opened[-1].response

    with patch.object(aiohttp.ClientSession, "ws_connect", connect):
        yield opened


async def until(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Lets the event loop go round until a condition holds.

    :raises TimeoutError: when it does not in time
    """
    deadline_s = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        await asyncio.sleep(0)
        if asyncio.get_running_loop().time() > deadline_s:
            raise TimeoutError("what was waited for did not come")


async def end(tasks: Dict[str, asyncio.Task]) -> None:
    """Cancels tasks and waits for their end."""
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
