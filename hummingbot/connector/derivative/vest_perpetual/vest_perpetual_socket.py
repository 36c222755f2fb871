"""What the public and the private socket have in common: one connection (`VestSocket`), and one after another
(`SocketKeeper`).

The framework's loops stay in charge of connecting, subscribing and reading; they get a `VestSocket` where they expect a
`WSAssistant`. What they leave open is done here: pauses between attempts (framework gap B12), silence measured by data
and answered PINGs (B10), acknowledged subscriptions, close codes in words, and a log that says an outage once.
"""
import asyncio
import itertools
import logging
import time
import types
from asyncio.trsock import TransportSocket
from contextlib import suppress
from dataclasses import dataclass
from socket import SHUT_RDWR
from typing import Any, Awaitable, Callable, Coroutine, Dict, Generator, List, Optional, Set

import aiohttp

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_depth_frames import depth_message_from
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestError,
    VestPayloadError,
    VestUnauthorizedError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import (
    ChannelMessage,
    RequestRefusal,
    SubscriptionAnswer,
    channel_request,
    decode_frame,
    socket_message_from,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_throttler import Backoff
from hummingbot.core.web_assistant.connections.data_types import WSJSONRequest, WSRequest
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory
from hummingbot.core.web_assistant.ws_assistant import WSAssistant

MessageHandler = Callable[[ChannelMessage, Dict[str, Any]], None]


@dataclass(frozen=True)
class SocketTiming:
    """How long things take at a socket, all in seconds.

    :param connect_timeout_s: for the handshake
    :param ping_interval_s: between two PINGs
    :param silence_limit_s: a connection without data and answered PINGs for this long is given up
    :param subscribe_timeout_s: for the acknowledgement of a subscription
    :param close_timeout_s: for the close frame's answer
    :param backoff_min_s: the first pause before another attempt
    :param backoff_max_s: the longest pause
    :param healthy_after_s: a connection that lives this long is a healthy one: its loss is news, and the first pause
        after it is the shortest again
    :param unauthorized_retry_s: the pause after the venue refused the API key
    """

    connect_timeout_s: float = CONSTANTS.REQUEST_TIMEOUT_S
    ping_interval_s: float = CONSTANTS.WS_PING_INTERVAL_S
    silence_limit_s: float = CONSTANTS.WS_SILENCE_LIMIT_S
    subscribe_timeout_s: float = CONSTANTS.WS_SUBSCRIBE_TIMEOUT_S
    close_timeout_s: float = CONSTANTS.WS_CLOSE_TIMEOUT_S
    backoff_min_s: float = CONSTANTS.WS_BACKOFF_MIN_S
    backoff_max_s: float = CONSTANTS.WS_BACKOFF_MAX_S
    healthy_after_s: float = CONSTANTS.WS_BACKOFF_MAX_S
    unauthorized_retry_s: float = CONSTANTS.UNAUTHORIZED_RETRY_S

    def backoff(self) -> Backoff:
        """New pauses between attempts."""
        return Backoff(self.backoff_min_s, self.backoff_max_s)


class VestSocketError(ConnectionError):
    """A connection could not be made or has ended.

    :param close_code: the code it was closed with, None when it was not closed by the venue
    """

    def __init__(self, message: str, close_code: Optional[int] = None):
        super().__init__(message)
        self.close_code = close_code


class VestSubscriptionError(Exception):
    """Channels were not subscribed to.

    :param channels: those that may be asked for again
    """

    def __init__(self, channels: List[str], reason: str):
        super().__init__(f"{', '.join(channels)}: {reason}")
        self.channels = channels


class ChannelRequest:
    """A SUBSCRIBE or UNSUBSCRIBE on its way; made by `VestSocket.request`."""

    def __init__(self, method: str, channels: List[str], timeout_s: float, on_done: Callable[[], None]):
        self.is_subscription = method == CONSTANTS.WS_SUBSCRIBE
        self.channels = channels
        self._timeout_s = timeout_s
        self._rejected: "asyncio.Future[Dict[str, str]]" = asyncio.get_running_loop().create_future()
        self._rejected.add_done_callback(lambda _: on_done())

    def settle(self, rejected: Dict[str, str]) -> None:
        """The venue answered.

        :param rejected: refused channels and why
        """
        if not self._rejected.done():
            self._rejected.set_result(rejected)

    async def acknowledged(self) -> None:
        """Waits for the venue's answer.

        :raises VestSubscriptionError: when channels were refused, or nothing was answered in time
        """
        try:
            rejected = await asyncio.wait_for(self._rejected, self._timeout_s)
        except asyncio.TimeoutError:
            raise VestSubscriptionError(self.channels, "no answer in time") from None
        if rejected:
            raise VestSubscriptionError(list(rejected), "; ".join(sorted(set(rejected.values()))))


class VestSocket:
    """One connection, from its handshake to its end. Stands where the framework expects a `WSAssistant`.

    A task sends the PINGs and watches for silence; other tasks of the connection are added with `spawn`. They end with
    the connection, and the connection ends when one of them fails.

    :param assistant: the framework's, connected
    :param complaints: where frames that cannot be understood are mentioned
    """

    def __init__(self, assistant: WSAssistant, timing: SocketTiming, complaints: Complaints):
        self._assistant = assistant
        self._timing = timing
        self._complaints = complaints
        # The framework tells the close code in prose only and forgets the socket before it raises.
        self._aiohttp_socket = assistant._connection._connection
        self._request_ids = itertools.count(1)
        self._unanswered: Dict[int, ChannelRequest] = {}
        self._tasks: Set[asyncio.Task] = set()
        self._failure: Optional[BaseException] = None
        self._deadline: Optional[asyncio.Timeout] = None
        self._heard_at_s = time.monotonic()
        self._last_recv_time = 0.0
        self.spawn(self._keep_alive())

    @property
    def last_recv_time(self) -> float:
        """When the venue last said something, in seconds since the epoch; 0 when it has not yet.

        Websocket-level pongs do not count, because they come from sockets that no longer send anything (B10).
        """
        return self._last_recv_time

    async def send(self, request: WSRequest) -> None:
        """Send a request, but do not wait for ever when the connection takes no more bytes.

        :raises VestSocketError: when it cannot be sent
        """
        try:
            await asyncio.wait_for(self._assistant.send(request), self._timing.subscribe_timeout_s)
        except (OSError, RuntimeError) as error:  # the framework's for "not connected" is a RuntimeError
            raise VestSocketError(f"a request could not be sent ({type(error).__name__})") from None

    async def ping(self) -> None:
        """Send a PING, which the venue answers with a PONG."""
        await self._send_request(CONSTANTS.WS_PING, [], request_id=0)

    async def request(self, method: str, channels: List[str]) -> ChannelRequest:
        """Send SUBSCRIBE or UNSUBSCRIBE; the answer is awaited on what is returned.

        :raises VestSocketError: when it cannot be sent
        """
        request_id = next(self._request_ids)
        request = ChannelRequest(
            method, channels, self._timing.subscribe_timeout_s, on_done=lambda: self._unanswered.pop(request_id, None)
        )
        self._unanswered[request_id] = request
        await self._send_request(method, channels, request_id)
        return request

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task:
        """Run something for as long as the connection lives."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)
        return task

    def fail(self, reason: str) -> None:
        """Give the connection up: `read` raises, whatever it waits for.

        :param reason: for the log
        """
        self._end(VestSocketError(reason))

    async def read(self, handle: MessageHandler, on_pause: Callable[[], None] = lambda: None) -> None:
        """Hand every message of a channel to `handle`, until the connection ends.

        :param handle: takes the message and the decoded JSON it was made of. Order books are mostly read in one go: the
            data of the message is a `Depth` then, and the JSON is empty
        :param on_pause: called when all that has come was handled, before more is waited for, and at the end
        :raises VestSocketError: always, at the end, unless one of the tasks failed in a way that nobody foresaw
        """
        try:
            async with asyncio.timeout(None) as self._deadline:
                while self._failure is None:
                    frame = await _saying_before_it_waits(on_pause, self._receive())
                    book = depth_message_from(frame)
                    if book is not None:
                        self._last_recv_time = time.time()
                        self._hand_on(book, {}, handle)
                    else:
                        for payload in self._payloads_of(frame):
                            self._take(payload, handle)
        except TimeoutError:
            if self._failure is None:
                raise
        finally:
            self._deadline = None
            on_pause()
        raise self._failure

    async def disconnect(self) -> None:
        """End the tasks and close the connection, the latter also when this is cancelled."""
        self.fail("closed by this side")
        for task in self._tasks:
            task.cancel()
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            await self._close()

    async def _close(self) -> None:
        tcp = self._aiohttp_socket.get_extra_info("socket")
        try:
            await asyncio.wait_for(self._assistant.disconnect(), self._timing.close_timeout_s)
        except asyncio.TimeoutError:
            pass  # aiohttp closes the transport when its close is cancelled
        finally:
            # A transport that is closed still waits until the other side has read what was written, which one that does
            # not read any more never does.
            if isinstance(tcp, TransportSocket):
                with suppress(OSError):
                    tcp.shutdown(SHUT_RDWR)

    async def _send_request(self, method: str, channels: List[str], request_id: int) -> None:
        await self.send(WSJSONRequest(payload=channel_request(method, channels, request_id)))

    async def _keep_alive(self) -> None:
        interval_s = self._timing.ping_interval_s
        while True:
            began_s = time.monotonic()
            await asyncio.sleep(interval_s)
            now_s = time.monotonic()
            # A computer that was busy or asleep has to read first what came meanwhile.
            was_away = now_s - began_s > 2 * interval_s
            if not was_away and now_s - self._heard_at_s > self._timing.silence_limit_s:
                self.fail(f"the venue was silent for {self._timing.silence_limit_s:g} s and answered no PING")
                return
            await self.ping()

    def _on_task_done(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._end(task.exception())

    def _end(self, failure: BaseException) -> None:
        if self._failure is None:
            self._failure = failure
            if self._deadline is not None:
                self._deadline.reschedule(asyncio.get_running_loop().time())

    async def _receive(self) -> Any:
        try:
            response = await self._assistant.receive()
        except (ConnectionError, aiohttp.WebSocketError):
            raise self._closed_error() from None
        if response is None:
            raise self._closed_error()
        self._heard_at_s = time.monotonic()  # also a frame that cannot be understood is a sign of life
        return response.data

    def _payloads_of(self, frame: Any) -> List[Dict[str, Any]]:
        try:
            return decode_frame(frame)
        except VestPayloadError as error:
            self._complaints.say_ignored("frame", error)
            return []

    def _closed_error(self) -> VestSocketError:
        code = self._aiohttp_socket.close_code
        meaning = CONSTANTS.WS_CLOSE_MEANINGS.get(code)
        return VestSocketError(f"close code {code}" + (f": {meaning}" if meaning else ""), code)

    def _take(self, payload: Dict[str, Any], handle: MessageHandler) -> None:
        self._last_recv_time = time.time()
        try:
            message = socket_message_from(payload)
        except VestPayloadError as error:
            self._complaints.say_ignored("message", error)
            return
        if isinstance(message, ChannelMessage):
            self._hand_on(message, payload, handle)
        elif isinstance(message, SubscriptionAnswer):
            self._on_answer(message)
        elif isinstance(message, RequestRefusal):
            self._on_refusal(message)

    def _hand_on(self, message: ChannelMessage, payload: Dict[str, Any], handle: MessageHandler) -> None:
        # Data of a channel is as good as the acknowledgement of a subscription, should that one have been lost.
        for request in self._unanswered.values():
            if request.is_subscription and message.channel in request.channels:
                request.settle({})
        handle(message, payload)

    def _on_answer(self, answer: SubscriptionAnswer) -> None:
        if answer.request_id in self._unanswered:
            self._unanswered[answer.request_id].settle(answer.rejected)
        else:
            self._settle_channels([*answer.rejected, *answer.registered], answer.rejected)

    def _settle_channels(self, channels: List[str], rejected: Dict[str, str]) -> None:
        for request in self._unanswered.values():
            if not set(channels).isdisjoint(request.channels):
                request.settle({name: reason for name, reason in rejected.items() if name in request.channels})

    def _on_refusal(self, refusal: RequestRefusal) -> None:
        reason = refusal.error.message or f"error {refusal.error.code}"
        # The venue answers in order: a refusal that does not say of what is one of the oldest request.
        request_id = next(iter(self._unanswered), None) if refusal.request_id is None else refusal.request_id
        request = self._unanswered.get(request_id)
        if request is None:
            self._complaints.say(f"Vest refused a request of a socket: {reason}")
        else:
            request.settle(dict.fromkeys(request.channels, reason))


@types.coroutine
def _saying_before_it_waits(say: Callable[[], None], coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Awaits a coroutine and calls `say` first if it has to wait; nothing in asyncio tells before whether it will."""
    try:
        awaited = coroutine.send(None)
        say()
        while True:
            try:
                yield awaited
            except BaseException as error:  # a cancellation is the coroutine's
                awaited = coroutine.throw(error)
            else:
                awaited = coroutine.send(None)
    except StopIteration as end:
        return end.value


class SocketKeeper:
    """Opens one connection after another, with pauses that grow while connections fail or do not last (B12).

    An outage is one WARNING for each cause and one INFO when the connection is back.

    :param name: which socket it is, for the log
    :param api_factory: makes the framework's assistants
    """

    def __init__(self, name: str, api_factory: WebAssistantsFactory, timing: SocketTiming, logger: logging.Logger):
        self._name = name
        self._api_factory = api_factory
        self._timing = timing
        self._logger = logger
        self._causes = Complaints(logger, repeat_after_s=float("inf"))
        self._frame_log = Complaints(logger)
        self._backoff = timing.backoff()
        self._pause_s = 0.0
        self._hurry = asyncio.Event()
        self._has_complained = False

    async def open(self, get_url: Callable[[], Awaitable[str]]) -> VestSocket:
        """The next connection, however many attempts it takes.

        :param get_url: gives the address for an attempt; may ask the venue for it
        """
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), self._pause_s)
            self._hurry.clear()
            # Also for the time after this connection, should it not last.
            self._pause_s = self._backoff.next_s()
            try:
                socket = await self.connect(await get_url())
            except (VestError, VestSocketError) as error:
                if isinstance(error, VestUnauthorizedError):
                    self._pause_s = self._timing.unauthorized_retry_s
                self._on_lost(error)
            else:
                self._on_connected(socket)
                return socket

    def hurry(self) -> None:
        """End the present pause: what the connections failed of is mended."""
        self._backoff.reset()
        self._hurry.set()

    async def read(
            self, socket: VestSocket, handle: MessageHandler, on_pause: Callable[[], None] = lambda: None
    ) -> None:
        """As `VestSocket.read`, but returns, after a word in the log, when the connection has ended."""
        try:
            await socket.read(handle, on_pause)
        except VestSocketError as error:
            self._on_lost(error)

    async def connect(self, url: str) -> VestSocket:
        """One attempt at a connection; what it fails of is raised.

        :param url: of the socket; may hold a listen key
        :raises VestSocketError: when there is none, in words that do not show the address
        """
        assistant = await self._api_factory.get_ws_assistant()
        try:
            # No websocket-level heartbeat: the venue's own PING is what counts.
            await asyncio.wait_for(assistant.connect(ws_url=url, ping_timeout=None), self._timing.connect_timeout_s)
        except aiohttp.WSServerHandshakeError as error:
            failure = VestSocketError(f"the venue refused the connection with HTTP {error.status}")
        except (aiohttp.ClientError, OSError) as error:
            failure = VestSocketError(f"the venue cannot be reached ({type(error).__name__})")
        else:
            return VestSocket(assistant, self._timing, self._frame_log)
        # Out here, so that it has no cause: aiohttp's errors hold the address and with it the listen key.
        raise failure

    def _on_connected(self, socket: VestSocket) -> None:
        if self._has_complained:
            self._has_complained = False
            self._logger.info(f"The {self._name} of Vest is connected again.")
        socket.spawn(self._declare_healthy())

    async def _declare_healthy(self) -> None:
        await asyncio.sleep(self._timing.healthy_after_s)
        self._backoff.reset()
        self._pause_s = self._backoff.next_s()
        self._causes.forget()

    def _on_lost(self, error: Exception) -> None:
        if self._causes.say(f"The {self._name} of Vest is interrupted ({error}). Reconnecting, with growing pauses."):
            self._has_complained = True
