"""One WebSocket connection: its subscriptions, its way out, its faults."""
import asyncio
import json
import time
from typing import Any, Dict, Optional, Set, Union

import brotli
from aiohttp import WSCloseCode, WSMsgType, web

from vest_simulator.clock import Clock
from vest_simulator.faults.rules import FaultBook, FaultRule
from vest_simulator.server.journal import Journal
from vest_simulator.venue.listen_keys import ListenKey

ABORT = 1006
_MAX_QUEUE = 20_000
_FRAME_ACTIONS = ("drop", "mute", "freeze", "duplicate", "delay", "reorder", "close")
_PONG_ACTIONS = ("freeze", "close")
Wire = Union[str, bytes]


class Frame:
    """A payload to send, encoded once for all sockets that get it.

    :param payload: a JSON value; text and bytes are sent as they are, bytes as a binary frame
    :param encoding: text, binary or brotli
    """

    def __init__(self, channel: str, payload: Any, encoding: str) -> None:
        self.channel = channel
        if isinstance(payload, bytes):
            self.text, self.data = repr(payload), payload
            return
        self.text = payload if isinstance(payload, str) else json.dumps(payload, separators=(",", ":"))
        self.data: Wire = encoded(self.text, encoding)


def encoded(text: str, encoding: str) -> Wire:
    """The text as it travels: as it is, as binary UTF-8, or compressed."""
    if encoding == "text":
        return text
    return text.encode() if encoding == "binary" else brotli.compress(text.encode(), quality=4)


class Socket:
    """A client's connection. `listen_key` is set on private ones."""

    def __init__(self, ws: web.WebSocketResponse, transport: asyncio.Transport, number: int,
                 listen_key: Optional[ListenKey], faults: FaultBook, journal: Journal, clock: Clock) -> None:
        self.ws = ws
        self._transport = transport
        self.number = number
        self.listen_key = listen_key
        self.kind = "private" if listen_key else "public"
        self.channels: Set[str] = set()
        self.detached = False
        self.last_ping_s = time.monotonic()
        self._faults = faults
        self._journal = journal
        self._clock = clock
        self._frozen = False
        self._muted = False
        self._held_back: Optional[Frame] = None
        self._queue: asyncio.Queue = asyncio.Queue(_MAX_QUEUE)
        self._writer = asyncio.create_task(self._write())
        self._closing: Optional[asyncio.Task] = None

    def send(self, frame: Frame, data_frame: bool = True) -> None:
        """Queues a frame after the faults had their way; answers to the client's own requests are not data frames."""
        if not self._faults_pass(frame, data_frame):
            return
        self._enqueue(frame)
        if self._held_back is not None:
            held, self._held_back = self._held_back, None
            self._enqueue(held)

    def close(self, code: int) -> asyncio.Task:
        """Starts closing with a code, and returns the task; 1006 cuts the connection without a close frame."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(code))
        return self._closing

    async def finish(self) -> None:
        """Ends the socket's tasks; to be awaited when the connection has ended."""
        tasks = [task for task in (self._writer, self._closing) if task is not None]
        self._writer.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _faults_pass(self, frame: Frame, data_frame: bool) -> bool:
        """Whether the frame goes on at once."""
        actions = _FRAME_ACTIONS if data_frame else _PONG_ACTIONS
        rule = self._faults.for_socket(actions, self.kind, frame.channel, frame.text)
        passes = (rule is None or rule.action == "duplicate"
                  or (rule.action == "reorder" and self._held_back is not None))
        if rule is not None:
            self._strike(rule, frame, passes)
        return passes and not (self._frozen or (self._muted and data_frame))

    def _strike(self, rule: FaultRule, frame: Frame, passes: bool) -> None:
        self._frozen |= rule.action == "freeze"
        self._muted |= rule.action == "mute"
        if rule.action == "close":
            self.close(rule.code)
        elif rule.action == "duplicate":
            self._enqueue(frame)
        elif rule.action == "delay":
            asyncio.get_running_loop().call_later(rule.delay_ms / 1000, self._enqueue, frame)
        elif rule.action == "reorder" and not passes:
            self._held_back = frame

    def _enqueue(self, frame: Frame) -> None:
        if self._queue.full():
            self.close(WSCloseCode.INTERNAL_ERROR)
            return
        self._queue.put_nowait(frame)

    async def _write(self) -> None:
        while True:
            frame = await self._queue.get()
            try:
                if isinstance(frame.data, str):
                    await self.ws.send_str(frame.data)
                else:
                    await self.ws.send_bytes(frame.data)
            except ConnectionError:
                return
            self._journal.add("frame_sent", self._clock.now_ms(), socket=self.number, socket_kind=self.kind,
                              channel=frame.channel, payload=frame.text)

    async def _close(self, code: int) -> None:
        if code != ABORT:
            await self.ws.close(code=code, drain=False)
        client_stopped_reading = self._transport.get_write_buffer_size() > 0
        if code == ABORT or client_stopped_reading:
            self._transport.abort()


async def receive(socket: Socket) -> Optional[Dict[str, Any]]:
    """The client's next message; None when the connection has ended, an empty object for what is not a JSON object."""
    message = await socket.ws.receive()
    if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
        return None
    try:
        payload = json.loads(message.data)
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}
