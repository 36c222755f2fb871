"""The user stream data source: the framework's contract with mocked sockets, its life with a simulated venue."""
import asyncio
import json
import logging
import re
import time
from test.hummingbot.connector.derivative.vest_perpetual.simulated_venue_testing import SimulatedVenueTestCase
from test.hummingbot.connector.derivative.vest_perpetual.stream_testing import (
    SIGNING_KEY,
    LogRecords,
    StreamTestCase,
    eventually,
    short_timing,
    tasks_of_hummingbot,
    websocket_of,
)
from typing import Any, Dict, List
from unittest.mock import AsyncMock, patch

from aioresponses import aioresponses

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import VestPerpetualAuth
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestListenKeyError,
    VestServerError,
    VestUnauthorizedError,
    VestUnreadableAnswerError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_user_stream_data_source import (
    STREAM_RECONNECTED,
    VestPerpetualUserStreamDataSource,
)
from hummingbot.connector.test_support.network_mocking_assistant import NetworkMockingAssistant
from hummingbot.core.data_type.user_stream_tracker import UserStreamTracker
from vest_simulator.server.sockets import Frame

LISTEN_KEY = "0123456789abcdef0123456789abcdef"
API_KEY = "the-api-key-of-this-test"
LISTEN_KEY_URL = re.compile(re.escape(CONSTANTS.REST_URLS[CONSTANTS.DEFAULT_DOMAIN] + CONSTANTS.LISTEN_KEY_PATH))
EVENT = {
    "channel": "account_private",
    "data": {"event": "ORDER", "args": {"id": "0x1", "nonce": 7, "status": "CANCELLED", "postTime": 1}},
}


class FrameworkContractTest(StreamTestCase):
    """What the framework expects of every user stream data source."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.mocking_assistant = NetworkMockingAssistant()
        await self.mocking_assistant.async_init()
        clock = ServerClock()
        auth = VestPerpetualAuth(API_KEY, SIGNING_KEY, account_group=0, clock=clock)
        self.source = VestPerpetualUserStreamDataSource(
            self.names, await self.api_factory(clock=clock, auth=auth), timing=short_timing(silence_limit_s=5.0),
            listen_key_renewal_s=0.02, listen_key_retry_s=0.01,
        )
        self.logs = self.record_logs_of(self.source)
        self.output: asyncio.Queue = asyncio.Queue()

    def websocket_with(self, *frames: Any) -> AsyncMock:
        websocket = websocket_of(self.mocking_assistant)
        for frame in frames:
            self.mocking_assistant.add_websocket_aiohttp_message(websocket, json.dumps(frame))
        return websocket

    # --- the listen key

    @aioresponses()
    async def test_get_listen_key_successful(self, mock_api):
        mock_api.post(LISTEN_KEY_URL, payload={"listenKey": LISTEN_KEY})
        self.assertEqual(LISTEN_KEY, await self.source._get_listen_key())
        request = next(iter(mock_api.requests.values()))[0]
        self.assertEqual(API_KEY, request.kwargs["headers"]["X-API-KEY"])
        self.assertEqual("restserver0", request.kwargs["headers"]["xrestservermm"])

    @aioresponses()
    async def test_get_listen_key_log_exception(self, mock_api):
        mock_api.post(LISTEN_KEY_URL, status=503, body="<html>", repeat=True)
        with self.assertRaises(VestServerError):
            await self.source._get_listen_key()
        self.run_in_background(self.source.listen_for_user_stream(self.output))
        await eventually(lambda: len(mock_api.requests and next(iter(mock_api.requests.values()))) >= 4)
        self.assertEqual(1, len(self.logs.texts(logging.WARNING)))
        self.assertIn("HTTP 503", self.logs.texts(logging.WARNING)[0])

    @aioresponses()
    async def test_c29_a_refusal_of_the_keys_before_costs_nothing_when_they_were_renewed_meanwhile(self, mock_api):
        def renewed(url, **_):
            self.source._api_factory.auth.replace_keys("the-renewed-api-key", SIGNING_KEY)

        mock_api.post(LISTEN_KEY_URL, status=401, payload={"code": 1002, "msg": "who?"}, callback=renewed)
        mock_api.post(LISTEN_KEY_URL, payload={"listenKey": LISTEN_KEY})

        self.assertIn(LISTEN_KEY, await self.source._get_private_url())
        self.assertEqual([], self.names.refusals)
        keys = [request.kwargs["headers"]["X-API-KEY"] for request in next(iter(mock_api.requests.values()))]
        self.assertEqual([API_KEY, "the-renewed-api-key"], keys)

    @aioresponses()
    async def test_ping_listen_key_successful(self, mock_api):
        mock_api.put(LISTEN_KEY_URL, payload={})
        self.assertTrue(await self.source._ping_listen_key())

    @aioresponses()
    async def test_ping_listen_key_log_exception(self, mock_api):
        mock_api.put(LISTEN_KEY_URL, status=503, body="<html>")
        mock_api.put(LISTEN_KEY_URL, status=400, payload={"code": 1125, "msg": "expired"})
        mock_api.put(LISTEN_KEY_URL, status=400, payload={"code": 1002, "msg": "who?"})
        self.assertFalse(await self.source._ping_listen_key())
        self.assertEqual(1, self.logs.count("The listen key was not renewed"))
        with self.assertRaises(VestListenKeyError):
            await self.source._ping_listen_key()
        with self.assertRaises(VestUnauthorizedError):
            await self.source._ping_listen_key()

    @aioresponses()
    async def test_delete_listen_key_successful(self, mock_api):
        mock_api.delete(LISTEN_KEY_URL, payload={})
        await self.source._delete_listen_key()
        self.assertEqual("DELETE", next(iter(mock_api.requests))[0])

    @aioresponses()
    async def test_c27_an_empty_answer_says_that_the_listen_key_was_renewed_or_deleted(self, mock_api):
        mock_api.put(LISTEN_KEY_URL, status=204)
        mock_api.put(LISTEN_KEY_URL, body=" ")
        mock_api.delete(LISTEN_KEY_URL, status=204)
        mock_api.post(LISTEN_KEY_URL, body="")
        self.assertTrue(await self.source._ping_listen_key())
        self.assertTrue(await self.source._ping_listen_key())
        await self.source._delete_listen_key()
        with self.assertRaises(VestUnreadableAnswerError):
            await self.source._get_listen_key()

    @aioresponses()
    async def test_manage_listen_key_task_loop_keep_alive_successful(self, mock_api):
        mock_api.put(LISTEN_KEY_URL, payload={}, repeat=True)
        with patch.object(self.source, "request_reconnect") as request_reconnect:
            self.run_in_background(self.source._manage_listen_key_task_loop())
            await eventually(lambda: mock_api.requests and len(next(iter(mock_api.requests.values()))) >= 3)
        request_reconnect.assert_not_called()

    @aioresponses()
    async def test_manage_listen_key_task_loop_keep_alive_failed(self, mock_api):
        for answers, requests in (
                ([dict(status=503, body="<html>")] * 2, 2),
                ([dict(status=400, payload={"code": 1125, "msg": "expired"})], 1),
                ([dict(status=400, payload={"code": 1002, "msg": "who?"})], 1),
        ):
            with self.subTest(answers=answers):
                mock_api.requests.clear()
                for answer in answers:
                    mock_api.put(LISTEN_KEY_URL, **answer)
                with patch.object(self.source, "request_reconnect") as request_reconnect:
                    await asyncio.wait_for(self.source._manage_listen_key_task_loop(), 20)
                request_reconnect.assert_called_once()
                self.assertEqual(requests, len(next(iter(mock_api.requests.values()))))

    # --- the stream

    @aioresponses()
    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_user_stream_get_listen_key_successful_with_user_update_event(self, mock_api, ws_connect):
        mock_api.post(LISTEN_KEY_URL, payload={"listenKey": LISTEN_KEY})
        ws_connect.return_value = websocket = self.websocket_with({"result": None, "id": 1}, EVENT)

        self.run_in_background(self.source.listen_for_user_stream(self.output))

        received = [await asyncio.wait_for(self.output.get(), 20) for _ in range(2)]
        self.assertEqual([STREAM_RECONNECTED, EVENT], received)
        url = ws_connect.call_args.args[0]
        for part in (f"listenKey={LISTEN_KEY}", "&xwebsocketserver=restserver0", "&websocketserver=restserver0"):
            self.assertIn(part, url)
        sent = self.mocking_assistant.json_messages_sent_through_websocket(websocket)
        self.assertEqual({"method": "SUBSCRIBE", "params": ["account_private"], "id": 1}, sent[0])
        self.assertEqual({"method": "PING", "params": [], "id": 0}, sent[1])

    @aioresponses()
    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_user_stream_does_not_queue_empty_payload(self, mock_api, ws_connect):
        mock_api.post(LISTEN_KEY_URL, payload={"listenKey": LISTEN_KEY})
        websocket = self.websocket_with(
            "", {}, [], {"channel": "account_private", "data": {}}, {"channel": "account_private"}, {"data": "PONG"},
            {"channel": "BTC-PERP@depth", "data": {"bids": []}}, {"result": None, "id": 1}, EVENT,
        )
        ws_connect.return_value = websocket
        self.run_in_background(self.source.listen_for_user_stream(self.output))
        await eventually(lambda: self.output.qsize() == 2)
        self.assertEqual([STREAM_RECONNECTED, EVENT], [self.output.get_nowait() for _ in range(2)])

    @aioresponses()
    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_user_stream_connection_failed(self, mock_api, ws_connect):
        mock_api.post(LISTEN_KEY_URL, payload={"listenKey": LISTEN_KEY}, repeat=True)
        ws_connect.side_effect = [
            ConnectionRefusedError(), asyncio.TimeoutError(), ConnectionRefusedError(),
            self.websocket_with({"result": None, "id": 1}),
        ]
        self.run_in_background(self.source.listen_for_user_stream(self.output))
        self.assertEqual(STREAM_RECONNECTED, await asyncio.wait_for(self.output.get(), 20))
        self.assertEqual(2, len(self.logs.texts(logging.WARNING)))  # one for each cause
        self.assertIn("cannot be reached (ConnectionRefusedError)", self.logs.texts(logging.WARNING)[0])

    @aioresponses()
    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_user_stream_iter_message_throws_exception(self, mock_api, ws_connect):
        mock_api.post(LISTEN_KEY_URL, payload={"listenKey": LISTEN_KEY}, repeat=True)
        broken = websocket_of(self.mocking_assistant)
        self.mocking_assistant.add_websocket_aiohttp_exception(broken, ZeroDivisionError("nobody foresaw this"))
        ws_connect.side_effect = [broken, self.websocket_with({"result": None, "id": 1})]
        with patch.object(self.source, "_sleep", AsyncMock()):  # the framework's pause after the unforeseen
            with patch.object(self.source, "_ping_listen_key", side_effect=asyncio.CancelledError()):
                self.run_in_background(self.source.listen_for_user_stream(self.output))
                self.assertEqual(STREAM_RECONNECTED, await asyncio.wait_for(self.output.get(), 20))
        self.assertEqual(1, len(self.logs.texts(logging.ERROR)))
        self.assertIn("nobody foresaw this", self.logs.texts(logging.ERROR)[0])

    async def test_last_recv_time_is_zero_before_the_first_word(self):
        self.assertEqual(0, self.source.last_recv_time)

    async def test_request_reconnect_without_a_connection_does_nothing(self):
        self.source.request_reconnect("nothing to lose")
        self.assertEqual([], self.logs.texts())


class LifeTest(SimulatedVenueTestCase):
    """The data source, and the framework's tracker, at a simulated venue."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        # Every listen key that is used goes through here.
        watched = patch.object(web_utils, "private_ws_url", wraps=web_utils.private_ws_url)
        self.private_ws_url = watched.start()
        self.addCleanup(watched.stop)
        self.all_logs = LogRecords(logging.getLogger())
        self.addCleanup(self.all_logs.detach)
        self.create()

    async def asyncTearDown(self) -> None:
        await super().asyncTearDown()
        for secret in (*self.listen_keys(), self.account.api_key, self.account.signing_private_key, "listenKey="):
            self.assertEqual(0, self.all_logs.count(secret))

    def create(self, **arguments: Any) -> None:
        self.source = VestPerpetualUserStreamDataSource(
            connector=self.names, api_factory=self.factory, domain=CONSTANTS.SIMULATOR_DOMAIN,
            account_group=self.account.account_group, **{"timing": short_timing(), **arguments},
        )
        self.logs = self.record_logs_of(self.source)
        self.tracker = UserStreamTracker(self.source)

    async def start(self, **arguments: Any) -> None:
        if arguments:
            self.create(**arguments)
        self.run_in_background(self.tracker.start())
        self.addAsyncCleanup(self.tracker.stop)
        await self.expect_reconnection()

    async def expect_reconnection(self) -> None:
        self.assertEqual(STREAM_RECONNECTED, await self.next_message())

    async def next_message(self) -> Dict[str, Any]:
        return await asyncio.wait_for(self.tracker.user_stream.get(), 20)

    async def expect_events(self) -> None:
        """Events of an order come, and nothing else."""
        order = await self.venue.admin.place_order(self.account.account_group, "BTC-PERP", True, "0.01")
        statuses: List[str] = []
        while "FILLED" not in statuses:
            data = (await self.next_message())["data"]
            self.assertEqual(("ORDER", order["id"]), (data["event"], data["args"]["id"]))
            statuses.append(data["args"]["status"])

    def requests(self, method: str) -> int:
        return self.venue.journal.counts[f"{method} {CONSTANTS.LISTEN_KEY_PATH}"]

    async def pings(self, number: int) -> None:
        """Wait until the venue got so many more PINGs."""
        def count() -> int:
            return len(self.venue.journal.entries(kind="frame_received"))
        enough = count() + number
        await eventually(lambda: count() >= enough)

    def listen_keys(self) -> List[str]:
        return [call.args[0] for call in self.private_ws_url.call_args_list]

    # --- connections

    async def test_a21_a_normal_start_logs_no_warning_and_events_come(self):
        for switch in ("result", "outcomes"):
            with self.subTest(answer=switch):
                await self.venue.admin.set_switch("subscribe_answer", switch)
                self.create()
                await self.start()
                await self.expect_events()
                self.assertEqual([], self.logs.texts(logging.WARNING))
                await self.tracker.stop()

    async def test_c21_after_a_lost_connection_the_reader_is_told_to_reconcile(self):
        await self.start()
        await self.expect_events()
        await self.venue.admin.disconnect_sockets("private", 1006)
        await self.expect_reconnection()
        await self.expect_events()
        self.assertEqual(1, self.logs.count("is interrupted"))
        self.assertEqual(1, self.logs.count("is connected again"))

    async def test_c22_a_frozen_connection_is_replaced(self):
        await self.start()
        await self.venue.admin.add_fault("socket", "freeze", socket="private", times=1)
        await self.expect_reconnection()
        await self.expect_events()
        self.assertEqual(1, self.logs.count("the venue was silent for 0.8 s and answered no PING"))

    async def test_c22_a_half_open_connection_is_replaced(self):
        proxy = await self.use_proxy()
        await self.start()
        proxy.stall()
        await eventually(lambda: self.logs.count("answered no PING") == 1)
        order = await self.venue.admin.place_order(self.account.account_group, "BTC-PERP", True, "0.01")
        self.assertEqual("FILLED", order["status"])
        proxy.resume()
        await self.expect_reconnection()
        await self.expect_events()

    async def test_c22_a_mute_connection_is_replaced_on_request(self):
        await self.start()
        await self.venue.admin.add_fault("socket", "mute", socket="private", times=1)
        await self.venue.admin.place_order(self.account.account_group, "BTC-PERP", True, "0.01")
        self.source.request_reconnect("an order was filled and no event came")
        await self.expect_reconnection()
        await self.expect_events()
        self.assertEqual(1, self.logs.count("an order was filled and no event came"))

    async def test_c23_after_every_close_code_the_listen_key_is_asked_for_anew(self):
        await self.start()
        codes = (1000, 1006, 1011, 1012, 4003, 4004, 4005)
        for number, code in enumerate(codes, start=1):
            with self.subTest(code=code):
                await self.venue.admin.disconnect_sockets("private", code)
                await self.expect_reconnection()
                self.assertEqual((number + 1, number + 1), (self.requests("POST"), self.opened_sockets("private")))
        await self.expect_events()
        self.assertEqual(1, self.logs.count("close code 4005: the listen key expired"))
        self.assertEqual(len(codes), len(self.logs.texts(logging.WARNING)))

    async def test_c23_a_refused_handshake_is_tried_again(self):
        await self.venue.admin.add_fault("socket", "refuse_handshake", socket="private", code=4001, times=4)
        await self.start()
        await self.expect_events()
        self.assertEqual(1, len(self.logs.texts(logging.WARNING)))
        self.assertEqual(1, self.logs.count("check vest_perpetual_account_group"))
        self.assertEqual(5, self.requests("POST"))

    async def test_c24_twenty_disconnections_leave_one_connection_and_one_key(self):
        await self.start()
        tasks = len(tasks_of_hummingbot())
        for _ in range(20):
            await self.venue.admin.disconnect_sockets("private", 1012)
            await self.expect_reconnection()
        await self.expect_events()
        await eventually(lambda: len(self.sockets("private")) == 1 and len(tasks_of_hummingbot()) <= tasks)
        self.assertEqual(1, len(set(self.listen_keys())))

    async def test_c25_a_refused_or_unanswered_subscription_costs_the_connection(self):
        for action, words in (("refuse_subscription", "refused"), ("forget_subscription", "no answer in time")):
            with self.subTest(action=action):
                await self.venue.admin.set_switch("subscribe_answer", "outcomes")
                await self.venue.admin.add_fault("socket", action, socket="private", times=1)
                self.create()
                await self.start()
                await self.expect_events()
                self.assertIn(f"the private channel was not subscribed to (account_private: {words})",
                              self.logs.texts(logging.WARNING)[0])
                await self.tracker.stop()

    # --- messages

    async def test_b17_after_a_bad_message_the_next_one_counts_at_once(self):
        await self.start()
        group = self.account.account_group
        for raw in ("", "{", "[1, 2]", '{"channel": []}', "[" * 100_000, '{"code": 1130, "msg": "no"}') * 2:
            await self.venue.admin.push_private(group, raw=raw)
        await self.venue.admin.push_private(group, payload=[EVENT, EVENT])
        received = [await asyncio.wait_for(self.tracker.user_stream.get(), 20) for _ in range(2)]
        self.assertEqual([EVENT, EVENT], received)
        texts = self.logs.texts(logging.WARNING)
        self.assertEqual(sorted(set(texts)), sorted(texts))
        self.assertEqual(1, self.opened_sockets("private"))

    async def test_c26_of_ten_thousand_events_none_is_lost(self):
        await self.start(timing=short_timing(silence_limit_s=30))
        for number in range(10_000):
            payload = {"channel": "account_private", "data": {"event": "ORDER", "args": {"nonce": number}}}
            self.venue.hub.push(self.sockets("private"), Frame("account_private", payload, "text"))
        await eventually(lambda: self.tracker.user_stream.qsize() == 10_000, timeout_s=30)
        nonces = [self.tracker.user_stream.get_nowait()["data"]["args"]["nonce"] for _ in range(10_000)]
        self.assertEqual(list(range(10_000)), nonces)

    # --- the listen key

    async def test_c27_a_renewal_that_fails_once_changes_nothing(self):
        await self.venue.admin.add_fault("rest", "status", method="PUT", times=1)
        await self.start(listen_key_renewal_s=0.05, listen_key_retry_s=0.01)
        await eventually(lambda: self.requests("PUT") >= 3)
        await self.expect_events()
        self.assertEqual((1, 1), (self.requests("POST"), self.opened_sockets("private")))

    async def test_c27_a_renewal_that_always_fails_brings_a_new_connection(self):
        await self.venue.admin.add_fault("rest", "status", method="PUT", times=2)
        await self.start(listen_key_renewal_s=0.05, listen_key_retry_s=0.01)
        await self.expect_reconnection()
        await self.expect_events()
        self.assertEqual((2, 2), (self.requests("POST"), self.opened_sockets("private")))

    async def test_c27_a_key_that_expired_in_silence_brings_a_new_key_and_connection(self):
        await self.start(listen_key_renewal_s=0.1)
        await self.venue.admin.expire_listen_keys(close_sockets=False)
        await self.expect_reconnection()
        await self.expect_events()
        self.assertEqual(2, len(set(self.listen_keys())))

    async def test_c27_a_key_that_expired_or_was_deleted_by_another_bot_is_replaced(self):
        await self.start()
        await self.venue.admin.delete_listen_keys()
        await self.expect_reconnection()
        await self.venue.admin.expire_listen_keys()
        await self.expect_reconnection()
        await self.expect_events()
        self.assertEqual(3, len(set(self.listen_keys())))

    async def test_c27_while_the_venue_gives_no_key_it_is_asked_again(self):
        await self.venue.admin.add_fault("rest", "status", method="POST", path="/account/listenKey", times=3)
        await self.venue.admin.add_fault("rest", "truncate", method="POST", path="/account/listenKey", times=1)
        await self.start()
        await self.expect_events()
        self.assertEqual(2, len(self.logs.texts(logging.WARNING)))

    async def test_c29_a_revoked_api_key_is_not_asked_about_again_and_again(self):
        await self.start(timing=short_timing(unauthorized_retry_s=60))
        await self.venue.admin.revoke_api_key(self.account.account_group)
        await self.venue.admin.disconnect_sockets("private")
        await eventually(lambda: len(self.names.refusals) == 1)
        self.assertIsInstance(self.names.refusals[0], VestUnauthorizedError)
        await eventually(lambda: self.logs.count("register a new signing key") == 1)
        self.assertEqual(2, self.requests("POST"))

    async def test_c29_a_key_that_is_accepted_again_is_used(self):
        await self.venue.admin.add_fault(
            "rest", "error_200", method="POST", path="/account/listenKey", code=1002, times=2,
        )
        await self.start(timing=short_timing(unauthorized_retry_s=0.01))
        await self.expect_events()

    # --- liveness

    async def test_b13_answered_pings_keep_a_quiet_account_fresh(self):
        await self.start()
        seen = self.source.last_recv_time
        self.assertAlmostEqual(time.time(), seen, delta=60)
        await eventually(lambda: self.source.last_recv_time > seen)
        self.assertTrue(self.tracker.user_stream.empty())

    async def test_b10_a_frozen_connection_gets_old_although_it_answers_websocket_pings(self):
        await self.start(timing=short_timing(silence_limit_s=60))
        await self.venue.admin.add_fault("socket", "freeze", socket="private", times=1)
        await self.pings(2)  # after these nothing is on its way any more
        frozen_since = self.source.last_recv_time
        await self.source._ws_assistant._assistant.ping()  # the framework's, which aiohttp answers
        await self.pings(3)
        self.assertEqual(frozen_since, self.source.last_recv_time)

    async def test_b10_a_connection_without_the_private_channel_does_not_look_alive(self):
        await self.venue.admin.add_fault("socket", "forget_subscription", socket="private")
        self.create(timing=short_timing(subscribe_timeout_s=60))
        self.run_in_background(self.tracker.start())
        self.addAsyncCleanup(self.tracker.stop)
        await eventually(lambda: len(self.sockets("private")) == 1)
        await self.pings(3)
        self.assertEqual(0, self.source.last_recv_time)

    async def test_last_recv_time_outlives_the_connection(self):
        await self.start()
        await self.tracker.stop()
        self.assertGreater(self.source.last_recv_time, 0)

    # --- the end

    async def test_a20_stop_leaves_nothing_behind_but_the_listen_key(self):
        before = tasks_of_hummingbot()
        await self.start()
        await self.tracker.stop()
        await eventually(lambda: not self.sockets("private"))
        await eventually(lambda: tasks_of_hummingbot() <= before)
        self.assertEqual(0, self.requests("DELETE"))
        self.assertEqual([], self.logs.texts(logging.WARNING))

    async def test_a20_stop_works_while_there_is_no_connection(self):
        await self.venue.admin.add_fault("socket", "refuse_handshake", socket="private", code=1011)
        self.run_in_background(self.tracker.start())
        await eventually(lambda: self.logs.count("is interrupted") == 1)
        await asyncio.wait_for(self.tracker.stop(), 20)
        self.assertTrue(self.tracker.user_stream.empty())
