"""Requests against a server on this machine that misbehaves on demand, as venues and networks do."""
import asyncio
import gc
import json
import warnings
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal

import brotli
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from aioresponses import aioresponses

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_errors as errors,
    vest_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import VestPerpetualAuth
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_throttler import Backoff, VestThrottler
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import cancel_request
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory
from hummingbot.core.web_assistant.connections.data_types import RESTMethod, WSJSONRequest

SIMULATOR = CONSTANTS.SIMULATOR_DOMAIN
DATE = "Sun, 22 Nov 2026 12:00:00 GMT"
DATE_MS = 1_795_348_800_000
API_KEY = "the-api-key-that-nobody-may-see"


class Venue:
    """A server that does with each request what the test tells it to, and remembers them."""

    def __init__(self):
        self.requests = []
        self.callers = []
        self.bodies = []
        self.answer = self.answer_json({"ok": True})

    async def handle(self, request):
        self.requests.append(request)
        self.callers.append(request.transport.get_extra_info("peername"))
        self.bodies.append(await request.text())
        return await self.answer(request)

    @staticmethod
    def answer_json(payload, status=200, **headers):
        return Venue.answer_text(json.dumps(payload), status, "application/json", **headers)

    @staticmethod
    def answer_text(text, status=200, content_type="text/plain", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}

        async def answer(_):
            return web.Response(text=text, status=status, content_type=content_type, headers=headers)

        return answer


@pytest_asyncio.fixture
async def venue(monkeypatch):
    venue = Venue()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", venue.handle)
    # Handlers that hang end with the test.
    async with TestServer(application, handler_cancellation=True, shutdown_timeout=0.1) as server:
        monkeypatch.setenv("VEST_SIMULATOR_URL", f"http://127.0.0.1:{server.port}")
        yield venue


@asynccontextmanager
async def a_factory(**kwargs):
    factory = web_utils.build_api_factory(domain=SIMULATOR, **kwargs)
    try:
        yield factory
    finally:
        await factory.close()


async def send(factory, path=CONSTANTS.TICKER_LATEST_PATH, **kwargs):
    assistant = await factory.get_rest_assistant()
    return await assistant.execute_request(
        url=web_utils.public_rest_url(path, SIMULATOR), throttler_limit_id=path, **kwargs
    )


async def outcome(venue, answer=None, **kwargs):
    """What the assistant makes of an answer."""
    if answer is not None:
        venue.answer = answer
    async with a_factory() as factory:
        return await send(factory, **kwargs)


def private_auth(account_group=0, clock=None):
    return VestPerpetualAuth(API_KEY, "11" * 32, account_group, clock or ServerClock(), SIMULATOR)


@pytest.mark.asyncio
async def test_an_answer_is_decoded_exactly(venue):
    payload = await outcome(venue, venue.answer_text('{"price": 0.1000000000000000000001}'))

    assert payload == {"price": Decimal("0.1000000000000000000001")}


@pytest.mark.asyncio
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/html", "application/octet-stream"])
async def test_the_declared_type_of_an_answer_does_not_matter(venue, content_type):
    assert await outcome(venue, venue.answer_text("[1]", content_type=content_type)) == [1]


@pytest.mark.asyncio
async def test_a_compressed_answer_is_decoded(venue):
    async def answer(_):
        return web.Response(body=brotli.compress(b'{"a": 1}'), headers={"Content-Encoding": "br"})

    assert await outcome(venue, answer) == {"a": 1}


@pytest.mark.asyncio
async def test_query_and_body_are_sent_as_given(venue):
    async with a_factory() as factory:
        await send(factory, params={"symbols": "BTC-PERP,kBONK-PERP", "limit": 5})
        await send(factory, CONSTANTS.REGISTER_PATH, method=RESTMethod.POST, data={"size": "3.1200"})

    assert dict(venue.requests[0].query) == {"symbols": "BTC-PERP,kBONK-PERP", "limit": "5"}
    assert json.loads(venue.bodies[1]) == {"size": "3.1200"}
    assert venue.requests[1].content_type == "application/json"
    assert [(request.method, request.path) for request in venue.requests] == [
        ("GET", "/v2/ticker/latest"), ("POST", "/v2/register")
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize("group", [None, 0, 5])
async def test_every_request_names_the_account_group_except_the_registration(venue, group):
    async with a_factory(auth=None if group is None else private_auth(group)) as factory:
        await send(factory)
        await send(factory, CONSTANTS.REGISTER_PATH, method=RESTMethod.POST, data={})

    public, registration = venue.requests
    assert public.headers["xrestservermm"] == f"restserver{group or 0}"
    assert "xrestservermm" not in registration.headers
    assert all("X-API-KEY" not in request.headers for request in venue.requests)


@pytest.mark.asyncio
async def test_private_requests_are_authenticated_when_they_are_sent_not_when_they_queue(venue):
    throttler = web_utils.create_throttler()
    throttler.note_refusal(0.3)
    clock = ServerClock()
    async with a_factory(auth=private_auth(5, clock), throttler=throttler, clock=clock) as factory:
        queued_ms = clock.now_ms()
        await send(factory, CONSTANTS.ORDERS_CANCEL_PATH, method=RESTMethod.POST, is_auth_required=True,
                   data=cancel_request(1, "0x1"))

    assert json.loads(venue.bodies[0])["order"]["time"] >= queued_ms + 290
    assert venue.requests[0].headers["X-API-KEY"] == API_KEY
    assert venue.requests[0].headers["xrestservermm"] == "restserver5"


@pytest.mark.asyncio
async def test_a1_without_usable_keys_nothing_is_sent(venue):
    auth = VestPerpetualAuth("", "", "", ServerClock(), SIMULATOR)
    async with a_factory(auth=auth) as factory:
        with pytest.raises(errors.VestUnusableKeyError):
            await send(factory, CONSTANTS.ACCOUNT_PATH, is_auth_required=True)
        await send(factory)

    assert [request.path for request in venue.requests] == ["/v2/ticker/latest"]


# Answers that are errors.


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [200, 400, 404, 500])
@pytest.mark.parametrize("payload", [
    {"code": 3017, "msg": "no such order"}, {"detail": {"code": 3017, "msg": "no such order"}},
])
async def test_an_error_is_found_in_both_shapes_on_every_status(venue, payload, status):
    with pytest.raises(errors.VestOrderNotFoundError) as refusal:
        await outcome(venue, venue.answer_json(payload, status))

    assert (refusal.value.code, refusal.value.status) == (3017, status)
    assert refusal.value.venue_message == "no such order"


@pytest.mark.asyncio
@pytest.mark.parametrize("answer, expected, words", [
    (Venue.answer_json({"detail": "Not Found"}, 404), errors.VestRefusedError, "Not Found"),
    (Venue.answer_json({"detail": [{"loc": ["query"]}]}, 422), errors.VestRefusedError, "loc"),
    (Venue.answer_text("<html>bad</html>", 503, "text/html"), errors.VestServerError, "HTTP 503"),
    (Venue.answer_text("no healthy upstream", 502), errors.VestServerError, "HTTP 502"),
    (Venue.answer_text("", 408), errors.VestServerError, "HTTP 408"),
    (Venue.answer_text("<html>", 403, "text/html"), errors.VestRefusedError, "web page"),
    (Venue.answer_json({"message": "Forbidden"}, 403), errors.VestUnauthorizedError, "register a new signing key"),
    (Venue.answer_text("bad request", 400), errors.VestRefusedError, "bad request"),
    (Venue.answer_json({"detail": "size < minimum"}, 400), errors.VestRefusedError, "size < minimum"),
    (Venue.answer_json({"code": "?"}, 400), errors.VestRefusedError, "HTTP 400"),
    (Venue.answer_json({"ok": 1}, 404), errors.VestRefusedError, "HTTP 404"),
    (Venue.answer_text('{"id": "0x1', 200), errors.VestUnreadableAnswerError, "not JSON"),
    (Venue.answer_text("<html>welcome</html>", 200, "text/html"), errors.VestUnreadableAnswerError, "not JSON"),
    (Venue.answer_text("", 200), errors.VestUnreadableAnswerError, "not JSON"),
    (Venue.answer_text('{"a": NaN}', 200), errors.VestUnreadableAnswerError, "NaN"),
    (Venue.answer_json({"code": "?"}, 200), errors.VestUnreadableAnswerError, "error.code"),
    (Venue.answer_json({}, 304), errors.VestUnreadableAnswerError, "HTTP 304"),
    (Venue.answer_json({"moved": 1}, 302), errors.VestUnreadableAnswerError, "another address"),
])
async def test_answers_without_a_code_are_judged_by_what_they_prove(venue, answer, expected, words):
    with pytest.raises(errors.VestError, match=words) as refusal:
        await outcome(venue, answer)

    assert type(refusal.value) is expected


@pytest.mark.asyncio
async def test_an_answer_that_is_no_text_is_unreadable(venue):
    async def answer(_):
        return web.Response(body=b'{"a": "\xff\xfe"}', headers={"Content-Type": "application/json; charset=utf-8"})

    with pytest.raises(errors.VestUnreadableAnswerError, match="no text"):
        await outcome(venue, answer)


@pytest.mark.asyncio
async def test_an_order_and_its_key_are_not_carried_to_another_address(venue):
    async def answer(request):
        raise web.HTTPTemporaryRedirect("/elsewhere")

    with pytest.raises(errors.VestUnreadableAnswerError, match="307"):
        await outcome(venue, answer, method=RESTMethod.POST, data={})

    assert len(venue.requests) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("text", [
    json.dumps({"detail": f"unknown key {API_KEY}"}), json.dumps({"code": 1002, "msg": f"bad {API_KEY}"}),
    f"key {API_KEY} is wrong", json.dumps({"detail": [{"input": "0x" + "ab" * 65}]}),
])
async def test_a21_no_error_quotes_a_secret(venue, text):
    with pytest.raises(errors.VestRefusedError) as refusal:
        await outcome(venue, venue.answer_text(text, 400))

    assert API_KEY not in str(refusal.value) and "ab" * 20 not in str(refusal.value)


@pytest.mark.asyncio
async def test_a_long_error_is_cut(venue):
    with pytest.raises(errors.VestRefusedError) as refusal:
        await outcome(venue, venue.answer_text("word " * 10_000, 400))

    assert len(str(refusal.value)) < 300


# Rate limits.


@pytest.mark.asyncio
@pytest.mark.parametrize("answer, retry_after_s", [
    (Venue.answer_text("slow down", 429, Retry_After="7"), 7),
    (Venue.answer_text("slow down", 429, Retry_After="Sun, 22 Nov 2026 12:00:09 GMT", Date=DATE), 9),
    (Venue.answer_text("slow down", 429, Retry_After="Sun, 22 Nov 2026 11:00:00 GMT", Date=DATE), 0),
    (Venue.answer_text("slow down", 429, Retry_After="soon"), None),
    (Venue.answer_text("slow down", 429), None),
    (Venue.answer_json({"code": 1003, "msg": ""}, 200, Retry_After="3"), 3),
    (Venue.answer_json({"detail": {"code": 429, "msg": ""}}, 400), None),
])
async def test_a13_rate_limits_hold_the_throttler(venue, answer, retry_after_s):
    venue.answer = answer
    throttler = VestThrottler(monotonic_s=lambda: 0.0, backoff=Backoff(1.5, 30, draw=lambda: 1))
    async with a_factory(throttler=throttler) as factory:
        with pytest.raises(errors.VestRateLimitError) as refusal:
            await send(factory)

    assert refusal.value.retry_after_s == retry_after_s
    assert throttler.hold_s == (retry_after_s or 1.5)


@pytest.mark.asyncio
async def test_a13_after_the_pause_the_next_request_goes_through(venue):
    venue.answer = venue.answer_text("", 429)
    throttler = VestThrottler(backoff=Backoff(2, 2, draw=lambda: 1))
    async with a_factory(throttler=throttler) as factory:
        with pytest.raises(errors.VestRateLimitError):
            await send(factory)
        venue.answer = venue.answer_json([])
        began_s = asyncio.get_running_loop().time()
        assert await send(factory, timeout=1.9) == []  # the wait for the throttler does not count

    assert asyncio.get_running_loop().time() - began_s > 1.9


@pytest.mark.asyncio
async def test_a13_successes_make_the_next_pause_shorter_again(venue):
    now_s, holds_s = 0.0, []
    throttler = VestThrottler(
        monotonic_s=lambda: now_s, backoff=Backoff(1, 30, draw=lambda: 1)
    )
    async with a_factory(throttler=throttler) as factory:
        for status in (429, 429, 200, 429):
            venue.answer = venue.answer_json({}, status)
            try:
                await send(factory)
            except errors.VestRateLimitError:
                holds_s.append(throttler.hold_s)
            now_s += throttler.hold_s

    assert holds_s == [1, 2, 2]


# Time.


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [200, 400, 503])
async def test_every_answer_sets_the_clock(venue, status):
    venue.answer = venue.answer_json({}, status, Date=DATE)
    clock = ServerClock()
    async with a_factory(clock=clock) as factory:
        try:
            await send(factory)
        except errors.VestError:
            pass
        assert factory.clock is clock

    assert abs(clock.now_ms() - DATE_MS) < 10_000


@pytest.mark.asyncio
@pytest.mark.parametrize("code", [1131, 1132])
async def test_a18_an_answer_that_refuses_the_time_tells_the_right_one(venue, code):
    clock = ServerClock()
    async with a_factory(clock=clock) as factory:
        venue.answer = venue.answer_json({}, Date=DATE)
        await send(factory)
        venue.answer = venue.answer_json({"code": code, "msg": ""}, 400, Date="Sun, 22 Nov 2026 12:00:01 GMT")
        with pytest.raises(errors.VestClockError) as refusal:
            await send(factory)

    assert errors.is_retryable(refusal.value)
    # The bounds of the first answer would leave but a few ms; they are forgotten.
    assert clock.uncertainty_ms >= 500
    assert abs(clock.now_ms() - DATE_MS) < 10_000


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", [
    Venue.answer_json({"tickers": []}, Date=DATE), Venue.answer_json({"code": 1121, "msg": ""}, 400, Date=DATE),
])
async def test_the_framework_gets_the_venues_time_from_any_answer(venue, answer):
    venue.answer = answer

    with nothing_left_open():
        time_ms = await web_utils.get_current_server_time(web_utils.create_throttler(), SIMULATOR)

    assert isinstance(time_ms, float) and abs(time_ms - DATE_MS) < 10_000


@pytest.mark.asyncio
async def test_the_framework_is_told_when_the_venue_gives_no_time(venue):
    venue.answer = venue.answer_text("", 503)

    with pytest.raises(errors.VestServerError):
        await web_utils.get_current_server_time(domain=SIMULATOR)


# The network.


@pytest.mark.asyncio
async def test_a_venue_that_cannot_be_reached_saw_nothing(monkeypatch, unused_tcp_port):
    monkeypatch.setenv("VEST_SIMULATOR_URL", f"http://127.0.0.1:{unused_tcp_port}")

    with pytest.raises(errors.VestNotSentError, match="POST /orders: .*check the network"):
        await outcome(None, path=CONSTANTS.ORDERS_PATH, method=RESTMethod.POST, data={})


@pytest.mark.asyncio
async def test_a_connection_that_is_not_set_up_in_time_carried_nothing(monkeypatch):
    monkeypatch.setattr(CONSTANTS, "CONNECT_TIMEOUT_S", 0.1)
    connected = asyncio.Event()

    async def never_shake_hands(reader, writer):
        connected.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(never_shake_hands, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("VEST_SIMULATOR_URL", f"https://127.0.0.1:{port}")
        with pytest.raises(errors.VestNotSentError):
            await outcome(None)

    assert connected.is_set()


@pytest.mark.asyncio
async def test_a_reset_leaves_the_outcome_unknown(venue):
    async def answer(request):
        request.transport.abort()
        return web.Response()

    with pytest.raises(errors.VestConnectionLostError):
        await outcome(venue, answer, method=RESTMethod.POST, data={})

    assert len(venue.requests) == 1  # nothing that creates is sent twice


async def begin_answer(request):
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"id": ')
    return response


@pytest.mark.asyncio
async def test_an_answer_cut_off_by_the_network_leaves_the_outcome_unknown(venue):
    async def answer(request):
        response = await begin_answer(request)
        request.transport.close()
        return response

    with pytest.raises(errors.VestConnectionLostError):
        await outcome(venue, answer)


@pytest.mark.asyncio
async def test_an_answer_that_cannot_be_decompressed_leaves_the_outcome_unknown(venue):
    async def answer(_):
        return web.Response(body=b"not brotli", headers={"Content-Encoding": "br"})

    with pytest.raises(errors.VestConnectionLostError):
        await outcome(venue, answer)


async def hang(_):
    await asyncio.Event().wait()


async def hang_in_the_body(request):
    await begin_answer(request)
    await asyncio.Event().wait()


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", [hang, hang_in_the_body])
async def test_b11_b14_a_request_that_hangs_ends_in_a_timeout_of_our_own(venue, answer):
    with pytest.raises(errors.VestTimeoutError) as timeout:
        await outcome(venue, answer, timeout=0.1)

    assert not isinstance(timeout.value, asyncio.TimeoutError)


def test_b11_requests_have_a_time_limit_by_default():
    defaults = web_utils.VestRESTAssistant.execute_request.__defaults__

    assert CONSTANTS.REQUEST_TIMEOUT_S in defaults and CONSTANTS.REQUEST_TIMEOUT_S <= 30


@pytest.mark.asyncio
async def test_a_cancelled_request_stays_cancelled(venue):
    arrived = asyncio.Event()

    async def answer(_):
        arrived.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(outcome(venue, answer))
    await arrived.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


# --- Sessions and sockets


@contextmanager
def nothing_left_open():
    """Fails when what happens within leaves a session or a connection unclosed and unused."""
    gc.collect()  # what other tests have left is none of ours
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    unclosed = [str(complaint.message) for complaint in complaints if "nclosed" in str(complaint.message)]
    assert not unclosed, unclosed


@pytest.mark.asyncio
async def test_b25_the_session_closes_with_its_owner_and_opens_again(venue):
    with nothing_left_open():
        async with a_factory() as factory:
            assistant = await factory.get_rest_assistant()
            url = web_utils.public_rest_url("/depth", SIMULATOR)
            for _ in range(2):
                await assistant.execute_request(url=url, throttler_limit_id="/depth")
                await factory.close()
                await factory.close()
            await assistant.execute_request(url=url, throttler_limit_id="/depth")
        del factory, assistant

    assert len(venue.requests) == 3 and len(set(venue.callers)) == 3


@pytest.mark.asyncio
async def test_b25_a_session_whose_owner_is_gone_is_closed(venue):
    with nothing_left_open():
        factory = web_utils.build_api_factory(domain=SIMULATOR)
        await send(factory)
        del factory


@pytest.mark.asyncio
async def test_b25_closing_one_connector_leaves_the_others_sessions_alone(venue):
    shared = await ConnectionsFactory()._get_shared_client()
    try:
        async with a_factory() as other:
            await send(other)
            async with a_factory() as factory:
                await send(factory)
            await send(other)
        assert not shared.closed
        others_first, _, others_second = venue.callers
        assert others_first == others_second
        assert ConnectionsFactory() is ConnectionsFactory()
    finally:
        await ConnectionsFactory().close()


@pytest.mark.asyncio
async def test_connections_are_kept_between_requests(venue):
    async with a_factory() as factory:
        await send(factory)
        await send(factory)

    first, second = venue.callers
    assert first == second


@pytest.mark.asyncio
async def test_the_frameworks_mocks_of_the_network_work():
    with aioresponses() as mock:
        mock.get(web_utils.public_rest_url("/depth", SIMULATOR), body='{"bids": []}')
        mock.get(web_utils.public_rest_url("/depth", SIMULATOR), status=404, body='{"detail": "no book"}')
        async with a_factory() as factory:
            assert await send(factory, "/depth") == {"bids": []}
            with pytest.raises(errors.VestRefusedError, match="no book"):
                await send(factory, "/depth")


@pytest.mark.asyncio
async def test_sockets_hand_on_frames_undecoded(venue):
    deep = "[" * 100_000
    frames = ['{"price": 0.1000000000000000000001}', b'{"a": 1}', deep, "no json"]

    async def answer(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert json.loads((await socket.receive()).data) == {"method": "SUBSCRIBE"}
        for frame in frames:
            await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))
        await socket.receive()
        return socket

    venue.answer = answer
    async with a_factory() as factory:
        assistant = await factory.get_ws_assistant()
        await assistant.connect(web_utils.public_ws_url(SIMULATOR))
        await assistant.send(WSJSONRequest(payload={"method": "SUBSCRIBE"}))
        assert [(await assistant.receive()).data for _ in frames] == frames
        await assistant.disconnect()

    assert venue.requests[0].query["xwebsocketserver"] == "restserver0"


@pytest.mark.asyncio
async def test_a_socket_that_is_not_set_up_in_time_is_given_up(venue, monkeypatch):
    monkeypatch.setattr(CONSTANTS, "REQUEST_TIMEOUT_S", 0.1)
    venue.answer = hang
    async with a_factory() as factory:
        assistant = await factory.get_ws_assistant()
        with pytest.raises(asyncio.TimeoutError):
            await assistant.connect(web_utils.public_ws_url(SIMULATOR))
