"""One connection and one after another, at a small server that does what a test tells it."""
import asyncio
import json
import logging
import time
from test.hummingbot.connector.derivative.vest_perpetual.stream_testing import (
    LogRecords,
    StreamTestCase,
    eventually,
    short_timing,
)
from typing import Any, Awaitable, Callable, List
from unittest.mock import AsyncMock, MagicMock, patch

import aiohttp
from aiohttp import web
from yarl import URL

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError, VestUnauthorizedError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import (
    SocketKeeper,
    SocketTiming,
    VestSocket,
    VestSocketError,
    VestSubscriptionError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_throttler import Backoff

Conversation = Callable[[web.WebSocketResponse], Awaitable[None]]
SECRET = "a-listen-key-nobody-may-see"


class ServerTestCase(StreamTestCase):
    """Each connection to the server gets the next of `conversations`; the last one serves all further ones."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.conversations: List[Conversation] = []
        self.connected_at_s: List[float] = []
        self.open_connections = 0
        app = web.Application()
        app.router.add_get("/", self.serve)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        self.addAsyncCleanup(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{runner.addresses[0][1]}/?listenKey={SECRET}"
        self.factory = await self.api_factory()
        self.logger = logging.getLogger("vest-socket-test")
        self.logs = LogRecords(self.logger)
        self.addCleanup(self.logs.detach)
        self.complaints = Complaints(self.logger)

    async def asyncTearDown(self) -> None:
        await super().asyncTearDown()
        self.assertEqual(0, self.logs.count(SECRET))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.connected_at_s.append(time.monotonic())
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        self.open_connections += 1
        try:
            await (self.conversations.pop(0) if len(self.conversations) > 1 else self.conversations[0])(websocket)
        finally:
            self.open_connections -= 1
        return websocket

    async def get_url(self) -> str:
        return self.url

    def keeper(self, **times: float) -> SocketKeeper:
        return SocketKeeper("test stream", self.factory, short_timing(**times), self.logger)

    async def open(self, conversation: Conversation, **times: float) -> VestSocket:
        self.conversations.append(conversation)
        socket = await self.keeper(**times).open(self.get_url)
        self.addAsyncCleanup(socket.disconnect)
        return socket

    async def end_of(self, socket: VestSocket, handle=lambda message, payload: None) -> VestSocketError:
        with self.assertRaises(VestSocketError) as raised:
            await asyncio.wait_for(socket.read(handle), 20)
        return raised.exception


def answers(answer: Callable[[dict], Any]) -> Conversation:
    """Answers every request by what the function returns; None is no answer."""
    async def conversation(websocket: web.WebSocketResponse) -> None:
        async for frame in websocket:
            reply = answer(json.loads(frame.data))
            if reply is not None:
                await websocket.send_json(reply)
    return conversation


def closes(code: int) -> Conversation:
    async def conversation(websocket: web.WebSocketResponse) -> None:
        await websocket.close(code=code)
    return conversation


def says(*frames: str) -> Conversation:
    """Says these things and then nothing."""
    async def conversation(websocket: web.WebSocketResponse) -> None:
        for frame in frames:
            await websocket.send_str(frame)
        await websocket.receive()
    return conversation


silent = answers(lambda request: None)
pongs = answers(lambda request: {"data": "PONG"} if request["method"] == "PING" else None)


class ConnectionTest(ServerTestCase):
    async def test_c23_the_close_code_is_typed_and_in_words(self):
        for code, words in ((1000, "close code 1000"), (1012, "close code 1012: the venue is restarting"),
                            (4005, "close code 4005: the listen key expired")):
            with self.subTest(code=code):
                self.conversations.clear()
                error = await self.end_of(await self.open(closes(code)))
                self.assertEqual((code, words), (error.close_code, str(error)))

    async def test_a_frame_beyond_all_bounds_ends_the_connection(self):
        error = await self.end_of(await self.open(says('"' + "x" * (5 * 1024 * 1024) + '"')))
        self.assertEqual(1009, error.close_code)

    async def test_messages_come_in_order_and_with_their_json(self):
        frames = [{"channel": "a@depth", "data": {"n": number}} for number in range(3)]
        received = []
        socket = await self.open(says(json.dumps(frames[0]), json.dumps(frames[1:]), '{"result": null, "id": 99}'))
        self.run_in_background(socket.read(lambda message, payload: received.append((message.channel, payload))))
        await eventually(lambda: len(received) == 3)
        self.assertEqual([("a@depth", frame) for frame in frames], received)

    async def test_c26_a_pause_is_when_all_that_came_was_handled(self):
        frames = [{"channel": "a@depth", "data": {"bids": [[number + 1, 1]], "asks": []}} for number in range(3)]
        batches, handled = [], []

        def on_pause() -> None:
            if handled:
                batches.append(handled.copy())
                handled.clear()

        is_told_to_go_on = asyncio.Event()

        async def conversation(websocket: web.WebSocketResponse) -> None:
            await websocket.send_str(json.dumps(frames[0]))
            await is_told_to_go_on.wait()
            # In one frame, so that they come together however slow the computer is.
            await websocket.send_str(json.dumps([*frames, {"channel": "b@trades", "data": []}]))
            await websocket.close()

        socket = await self.open(conversation, silence_limit_s=10)
        reading = asyncio.create_task(
            socket.read(lambda message, payload: handled.append(message.channel), on_pause)
        )
        await eventually(lambda: batches == [["a@depth"]])
        is_told_to_go_on.set()
        with self.assertRaises(VestSocketError):
            await asyncio.wait_for(reading, 20)
        self.assertEqual([["a@depth"], ["a@depth"] * 3 + ["b@trades"]], batches)

    async def test_c19_frames_that_break_a_decoder_are_passed_over(self):
        received = []
        self.conversations = [says("1" * 5000, "[" * 100_000, "1" * 5000, '{"channel": "a@depth", "data": 1}')]
        keeper = self.keeper(silence_limit_s=5)
        socket = await keeper.open(self.get_url)
        self.addAsyncCleanup(socket.disconnect)
        self.run_in_background(keeper.read(socket, lambda message, payload: received.append(message.data)))
        await eventually(lambda: received == [1])
        self.assertEqual(1, self.logs.count("a frame that cannot be understood and is ignored: not JSON (ValueError)"))
        self.assertEqual(2, self.logs.count("cannot be understood and is ignored: not JSON"))

    async def test_b10_answered_pings_keep_a_connection(self):
        socket = await self.open(pongs, ping_interval_s=0.02, silence_limit_s=1)
        self.assertEqual(0, socket.last_recv_time)
        reading = self.run_in_background(socket.read(lambda message, payload: None))
        await eventually(lambda: socket.last_recv_time > 0)
        first = socket.last_recv_time
        await eventually(lambda: socket.last_recv_time > first + 1.5)
        self.assertFalse(reading.done())

    async def test_b10_a_computer_that_was_busy_does_not_take_its_own_silence_for_the_venues(self):
        socket = await self.open(pongs, ping_interval_s=0.2, silence_limit_s=1)
        reading = self.run_in_background(socket.read(lambda message, payload: None))
        await eventually(lambda: socket.last_recv_time > 0)
        time.sleep(1.2)  # blocks everything
        busy_until = time.time()
        await eventually(lambda: socket.last_recv_time > busy_until + 0.2)
        self.assertFalse(reading.done())

    async def test_c22_silence_ends_the_connection_within_its_limit(self):
        began_s = time.monotonic()
        error = await self.end_of(await self.open(silent, ping_interval_s=0.02, silence_limit_s=0.1))
        self.assertIn("answered no PING", str(error))
        self.assertIsNone(error.close_code)
        self.assertGreaterEqual(time.monotonic() - began_s, 0.1)

    async def test_c22_a_connection_that_takes_no_bytes_is_noticed(self):
        socket = await self.open(pongs, ping_interval_s=0.02, subscribe_timeout_s=0.05)

        async def never(request) -> None:
            await asyncio.Event().wait()

        with patch.object(socket._assistant, "send", never):
            error = await self.end_of(socket)
        self.assertIn("a request could not be sent (TimeoutError)", str(error))

    async def test_requests_on_a_closed_connection_fail(self):
        socket = await self.open(pongs)
        await socket.disconnect()
        with self.assertRaises(VestSocketError):
            await socket.request("SUBSCRIBE", ["a"])
        self.assertIn("closed by this side", str(await self.end_of(socket)))

    async def test_a_connection_closed_under_the_reader_ends_it(self):
        socket = await self.open(pongs)
        reading = self.run_in_background(self.end_of(socket))
        await eventually(lambda: socket.last_recv_time > 0)
        await socket._assistant.disconnect()
        self.assertIsInstance(await asyncio.wait_for(reading, 20), VestSocketError)

    async def test_disconnect_does_not_wait_for_a_peer_that_is_gone(self):
        socket = await self.open(pongs, close_timeout_s=0.05)

        async def never() -> None:
            await asyncio.Event().wait()

        with patch.object(socket._assistant, "disconnect", never):
            await asyncio.wait_for(socket.disconnect(), 20)

    async def test_a20_a_cancelled_disconnect_closes_the_connection_all_the_same(self):
        socket = await self.open(pongs)
        is_cancelled, may_end = asyncio.Event(), asyncio.Event()

        async def lingers() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                is_cancelled.set()
                await may_end.wait()

        socket.spawn(lingers())
        await eventually(lambda: self.open_connections == 1)
        disconnecting = asyncio.create_task(socket.disconnect())
        await asyncio.wait_for(is_cancelled.wait(), 20)
        disconnecting.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await disconnecting
        await eventually(lambda: self.open_connections == 0)
        may_end.set()

    async def test_cancellation_passes_through_the_reader(self):
        socket = await self.open(pongs)
        reading = asyncio.create_task(socket.read(lambda message, payload: None))
        await eventually(lambda: socket.last_recv_time > 0)
        reading.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await reading

    async def test_a_time_out_that_is_not_the_watchdogs_is_not_swallowed(self):
        socket = await self.open(pongs)
        with patch.object(socket._assistant, "receive", side_effect=TimeoutError("somebody else's")):
            with self.assertRaises(TimeoutError):
                await socket.read(lambda message, payload: None)

    async def test_a_task_that_fails_ends_the_connection_with_its_error(self):
        socket = await self.open(pongs)

        async def fail() -> None:
            raise ZeroDivisionError("nobody foresaw this")

        socket.spawn(fail())
        with self.assertRaises(ZeroDivisionError):
            await asyncio.wait_for(socket.read(lambda message, payload: None), 20)

    async def test_the_first_reason_is_the_one_that_is_told(self):
        socket = await self.open(pongs)
        socket.fail("the first")
        socket.fail("the second")
        self.assertEqual("the first", str(await self.end_of(socket)))


class SubscriptionTest(ServerTestCase):
    async def outcome(self, answer: Callable[[dict], Any], *channels: str) -> None:
        socket = await self.open(answers(answer))
        self.run_in_background(self.end_of(socket))
        request = await socket.request("SUBSCRIBE", list(channels))
        await request.acknowledged()

    async def test_c25_every_style_of_acknowledgement_is_understood(self):
        styles = (
            lambda request: {"result": None, "id": request["id"]},
            lambda request: {"subscription_outcomes": [
                {"requested": name, "status": "registered"} for name in request["params"]]},
            lambda request: {"id": request["id"], "subscription_outcomes": []},
            lambda request: {"channel": "b@depth", "data": {}},  # data without a word before
        )
        for style in styles:
            self.conversations.clear()
            await self.outcome(style, "a@depth", "b@depth")

    async def test_a22_data_that_was_on_its_way_does_not_acknowledge_the_end_of_a_subscription(self):
        socket = await self.open(answers(lambda request: {"channel": "a@depth", "data": {}}))
        self.run_in_background(self.end_of(socket))
        request = await socket.request("UNSUBSCRIBE", ["a@depth"])
        with self.assertRaisesRegex(VestSubscriptionError, "no answer in time"):
            await request.acknowledged()

    async def test_c25_every_style_of_refusal_is_understood(self):
        styles = (
            lambda request: {"code": 1130, "msg": "no", "id": request["id"]},
            lambda request: {"id": request["id"], "error": {"code": 1121, "msg": "no"}},
            lambda request: {"error": "no"},
            lambda request: {"detail": {"code": 1121, "msg": "no"}},
            lambda request: {"subscription_outcomes": [
                {"requested": name, "status": "rejected", "reason": "no"} for name in request["params"]]},
        )
        for style in styles:
            self.conversations.clear()
            with self.assertRaises(VestSubscriptionError) as raised:
                await self.outcome(style, "a@depth", "b@depth")
            self.assertEqual(["a@depth", "b@depth"], raised.exception.channels)
            self.assertEqual("a@depth, b@depth: no", str(raised.exception))

    async def test_c25_a_refusal_without_words_tells_its_code(self):
        with self.assertRaisesRegex(VestSubscriptionError, "error 1121"):
            await self.outcome(lambda request: {"code": 1121, "id": request["id"]}, "a@depth")

    async def test_c25_of_two_requests_each_gets_its_own_answer(self):
        waiting: List[dict] = []

        def both_at_once(request: dict) -> Any:
            waiting.append(request)
            if len(waiting) < 2:
                return None
            return [{"subscription_outcomes": [{"requested": "b", "status": "rejected", "reason": "no"},
                                               {"requested": "c", "status": "registered"}]},
                    {"subscription_outcomes": [{"requested": "a", "status": "registered"}]}]

        socket = await self.open(answers(both_at_once), ping_interval_s=10)
        self.run_in_background(self.end_of(socket))
        first = await socket.request("SUBSCRIBE", ["a"])
        second = await socket.request("SUBSCRIBE", ["b", "c"])
        await first.acknowledged()
        with self.assertRaises(VestSubscriptionError) as raised:
            await second.acknowledged()
        self.assertEqual(["b"], raised.exception.channels)

    async def test_c25_without_an_answer_there_is_an_error_and_a_late_one_harms_nobody(self):
        late = asyncio.Event()

        async def conversation(websocket: web.WebSocketResponse) -> None:
            request = (await websocket.receive()).json()
            await late.wait()
            await websocket.send_json({"code": 1130, "msg": "no", "id": request["id"]})
            await websocket.send_json({"error": "of nothing"})
            await pongs(websocket)

        socket = await self.open(conversation, subscribe_timeout_s=0.05, ping_interval_s=0.5, silence_limit_s=5)
        reading = self.run_in_background(self.end_of(socket))
        with self.assertRaisesRegex(VestSubscriptionError, "a: no answer in time"):
            await (await socket.request("SUBSCRIBE", ["a"])).acknowledged()
        late.set()
        await eventually(lambda: self.logs.count("Vest refused a request of a socket: of nothing") == 1)
        self.assertFalse(reading.done())


class KeeperTest(ServerTestCase):
    async def keep_reading(self, keeper: SocketKeeper) -> None:
        while True:
            socket = await keeper.open(self.get_url)
            try:
                await keeper.read(socket, lambda message, payload: None)
            finally:
                await socket.disconnect()

    async def test_b12_the_pauses_between_connections_that_do_not_last_grow(self):
        self.conversations = [closes(1011)]
        self.run_in_background(self.keep_reading(self.keeper(backoff_min_s=0.02, backoff_max_s=0.2)))
        await eventually(lambda: len(self.connected_at_s) >= 7)
        pauses = [later - earlier for earlier, later in zip(self.connected_at_s, self.connected_at_s[1:])]
        # Half of a pause is random.
        for pause_s, least_s in zip(pauses, (0.01, 0.02, 0.04, 0.08, 0.1, 0.1)):
            self.assertGreaterEqual(pause_s, 0.99 * least_s)
        self.assertEqual(1, self.logs.count("The test stream of Vest is interrupted"))
        self.assertEqual(1, self.logs.count("The test stream of Vest is connected again"))

    async def test_b12_after_a_healthy_connection_the_pauses_are_short_and_its_loss_is_news(self):
        backoff = Backoff(0.02, 120)
        may_end = asyncio.Event()

        async def fails(websocket: web.WebSocketResponse) -> None:
            for _ in range(20):  # as if it had failed so often: the pause after the next one is a minute at least
                backoff.next_s()
            await websocket.close(code=1011)

        async def lasts(websocket: web.WebSocketResponse) -> None:
            await may_end.wait()
            await websocket.close(code=1011)

        self.conversations = [fails, lasts, pongs]
        with patch.object(SocketTiming, "backoff", return_value=backoff):
            keeper = self.keeper(healthy_after_s=0.5, silence_limit_s=60)
        self.run_in_background(self.keep_reading(keeper))
        with patch.object(backoff, "reset", wraps=backoff.reset) as reset:
            await eventually(lambda: len(self.connected_at_s) == 2)
            await eventually(lambda: reset.called)
        may_end.set()
        await eventually(lambda: len(self.connected_at_s) == 3)
        await eventually(lambda: self.logs.count("is connected again") == 2)
        self.assertEqual(2, self.logs.count("is interrupted (close code 1011"))

    async def test_c23_each_cause_of_an_outage_is_said_once(self):
        self.conversations = [closes(1011), closes(1012)] * 3 + [pongs]
        self.run_in_background(self.keep_reading(self.keeper()))
        await eventually(lambda: len(self.connected_at_s) == 7)
        self.assertEqual(2, self.logs.count("is interrupted"))

    async def test_c29_a_refused_api_key_means_a_long_pause(self):
        self.conversations = [pongs]
        asked_at_s: List[float] = []

        async def get_url() -> str:
            asked_at_s.append(time.monotonic())
            if len(asked_at_s) == 1:
                raise VestUnauthorizedError(1002, "who?", 401)
            if len(asked_at_s) == 2:
                raise VestPayloadError("answer.listenKey: missing")
            return self.url

        socket = await self.keeper(unauthorized_retry_s=2).open(get_url)
        self.addAsyncCleanup(socket.disconnect)
        self.assertGreaterEqual(asked_at_s[1] - asked_at_s[0], 1.99)
        self.assertLess(asked_at_s[2] - asked_at_s[1], 1.9)
        self.assertEqual(1, self.logs.count("register a new signing key"))

    async def test_no_failure_to_connect_tells_the_address(self):
        request_info = aiohttp.RequestInfo(URL(self.url), "GET", {}, URL(self.url))
        failures = [
            aiohttp.WSServerHandshakeError(request_info, (), status=403, message=self.url),
            aiohttp.InvalidURL(self.url),
            aiohttp.ClientConnectionError(self.url),
            OSError(self.url),
            asyncio.TimeoutError(self.url),
            MagicMock(closed=False, close=AsyncMock(), receive=AsyncMock(side_effect=ConnectionError(self.url))),
        ]
        with patch("aiohttp.ClientSession.ws_connect", AsyncMock(side_effect=failures)):
            socket = await self.keeper().open(self.get_url)
            await self.keeper().read(socket, lambda message, payload: None)
            await socket.disconnect()
        self.assertEqual(1, self.logs.count("the venue refused the connection with HTTP 403"))
        self.assertEqual(4, self.logs.count("the venue cannot be reached"))

    async def test_the_websocket_level_heartbeat_is_off(self):
        self.conversations = [pongs]
        with patch("aiohttp.ClientSession.ws_connect", autospec=True, side_effect=ConnectionError()) as ws_connect:
            self.run_in_background(self.keeper().open(self.get_url))
            await eventually(lambda: ws_connect.called)
        self.assertIsNone(ws_connect.call_args.kwargs["heartbeat"])


class SettingsTest(StreamTestCase):
    async def test_the_default_times_are_those_of_the_constants(self):
        timing = SocketTiming()
        self.assertEqual((CONSTANTS.WS_PING_INTERVAL_S, CONSTANTS.WS_SILENCE_LIMIT_S),
                         (timing.ping_interval_s, timing.silence_limit_s))
        # A PONG that is late must not look like silence.
        self.assertGreater(timing.silence_limit_s, 2 * timing.ping_interval_s)
