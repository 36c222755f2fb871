"""Injected faults on REST, on sockets and below HTTP."""
import asyncio
import contextlib
import time
from test.vest_simulator.client import Client, running

import aiohttp
import pytest

from vest_simulator import AdminError
from vest_simulator.faults.proxy import TcpProxy
from vest_simulator.faults.rules import FaultBook, FaultRule

pytestmark = pytest.mark.asyncio
LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


async def orders_at_venue(simulator, client):
    return len((await simulator.admin.ledger(client.group))["orders"])


@pytest.mark.parametrize("when, orders", [("before", 0), ("after", 1)])
@pytest.mark.parametrize("action", ["reset", "status", "error_200", "truncate"])
async def test_rest_faults_before_and_after_the_commit(action, when, orders):
    async with running() as (simulator, client):
        await simulator.admin.add_fault("rest", action, method="POST", path="/orders", when=when, times=1, code=1003)
        body = client.signed(client.order())
        if action == "reset":
            with pytest.raises(LOST):
                await client.call("POST", "/orders", body=body)
        else:
            answer = await client.call("POST", "/orders", body=body)
            if action == "status":
                assert answer.status == 503 and b"<html>" in answer.raw
            elif action == "error_200":
                assert (answer.status, answer.code) == (200, 1003)
            else:
                assert answer.status == 200
                with pytest.raises(ValueError):
                    answer.json
        assert await orders_at_venue(simulator, client) == orders
        assert (await client.post_order()).status == 200


@pytest.mark.parametrize("when, orders", [("before", 0), ("after", 1)])
async def test_hanging_requests(when, orders):
    async with running() as (simulator, client):
        await simulator.admin.add_fault("rest", "hang", path="/orders", when=when)
        posting = asyncio.create_task(client.post_order())
        while not (await simulator.admin.faults())[0]["struck"]:
            await asyncio.sleep(0.01)
        done, _ = await asyncio.wait([posting], timeout=0.3)
        assert not done
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
        assert await orders_at_venue(simulator, client) == orders
        await simulator.admin.clear_faults()
        assert (await client.post_order()).status == 200


@pytest.mark.parametrize("when, at_once", [("before", 0), ("after", 1)])
async def test_delayed_requests(when, at_once):
    async with running() as (simulator, client):
        await simulator.admin.add_fault("rest", "delay", path="/orders", when=when, delay_ms=2500)
        started = time.monotonic()
        posting = asyncio.create_task(client.post_order())
        entry = []
        while not entry:
            entry = await simulator.admin.journal(kind="rest", path="/orders")
        assert await orders_at_venue(simulator, client) == at_once
        assert (await posting).status == 200 and time.monotonic() - started >= 2.5


async def test_a_status_fault_carries_its_body_and_headers():
    async with running() as (simulator, client):
        await simulator.admin.add_fault("rest", "status", status=429, body='{"code": 429, "msg": "x"}',
                                        headers={"Retry-After": "7"}, path="/account.*")
        answer = await client.call("GET", "/account", {"time": client.now_ms})
        assert (answer.status, answer.code, answer.headers["Retry-After"]) == (429, 429, "7")
        assert (await client.call("GET", "/exchangeInfo")).status == 200


async def test_probabilities_are_deterministic_for_a_seed():
    def pattern(seed):
        book = FaultBook(seed)
        book.add(FaultRule("rest", "reset", probability=0.5))
        return [book.for_request("GET", "/x", "before") is not None for _ in range(50)]

    assert pattern(1) == pattern(1) != pattern(2)
    assert 10 < sum(pattern(1)) < 40


async def test_rules_are_listed_counted_and_removed():
    async with running() as (simulator, client):
        rule = await simulator.admin.add_fault("rest", "status", path="/depth", times=2)
        for _ in range(3):
            await client.call("GET", "/depth", {"symbol": "BTC-PERP"})
        listed, = await simulator.admin.faults()
        assert (listed["id"], listed["struck"], listed["times"]) == (rule, 2, 2)
        await simulator.admin.remove_fault(rule)
        assert await simulator.admin.faults() == []
        with pytest.raises(AdminError):
            await simulator.admin.remove_fault(rule)


@pytest.mark.parametrize("target, action, rule", [
    ("rest", "explode", {}), ("tcp", "reset", {}), ("rest", "mute", {}), ("rest", "reset", {"path": "("}),
    ("rest", "reset", {"when": "later"}), ("socket", "drop", {"socket": "some"}), ("rest", "reset", {"often": 1})])
async def test_malformed_rules_are_refused(target, action, rule):
    async with running() as (simulator, _):
        with pytest.raises(AdminError):
            await simulator.admin.add_fault(target, action, **rule)


# --- sockets

async def place_and_list_events(client, events, count):
    """Places orders that wait, and returns the numbers of those whose NEW events arrive before the PONG."""
    ids = [await client.place(limit_price="90000.00") for _ in range(count)]
    await events.request("PING", [], 0)
    seen = []
    while (frame := await events.receive()) != {"data": "PONG"}:
        seen.append(ids.index(frame["data"]["args"]["id"]))
    return seen


@pytest.mark.parametrize("action, rule, expected", [
    ("drop", {"times": 1}, [1, 2]), ("drop", {"socket": "public"}, [0, 1, 2]), ("drop", {"channel": "x"}, [0, 1, 2]),
    ("drop", {"match": '"status":"NEW"'}, []), ("drop", {"match": "FILLED"}, [0, 1, 2]), ("mute", {}, []),
    ("mute", {"times": 1}, []),
    ("duplicate", {"times": 1}, [0, 0, 1, 2]), ("reorder", {"times": 1}, [1, 0, 2]), ("reorder", {}, [1, 0]),
    ("delay", {"times": 1, "delay_ms": 60_000}, [1, 2])])
async def test_faults_on_frames(action, rule, expected):
    async with running() as (simulator, client):
        events = await client.private_socket()
        await simulator.admin.add_fault("socket", action, **rule)
        assert await place_and_list_events(client, events, 3) == expected


async def test_a_delayed_frame_comes_later():
    async with running() as (simulator, client):
        events = await client.private_socket()
        await simulator.admin.add_fault("socket", "delay", times=1, delay_ms=2000)
        late, early = [await client.place(limit_price="90000.00") for _ in range(2)]
        assert [(await events.order_event())["id"] for _ in range(2)] == [early, late]


async def test_a_frozen_socket_does_not_even_answer_pings():
    async with running() as (simulator, client):
        socket = await client.connect()
        await simulator.admin.add_fault("socket", "freeze", times=1)
        for _ in range(3):
            await socket.request("PING", [], 0)
        with pytest.raises(asyncio.TimeoutError):
            await socket.ws.receive(timeout=0.2)
        other = await client.connect()
        await other.request("PING", [], 0)
        assert await other.receive() == {"data": "PONG"}


@pytest.mark.parametrize("code", [1000, 1006, 1011, 1012, 4003, 4005])
async def test_sockets_are_closed_with_any_code(code):
    async with running() as (simulator, client):
        public, private = await client.connect(), await client.private_socket()
        assert await simulator.admin.disconnect_sockets("private", code) == 1
        assert await private.close_code() == code
        await public.request("PING", [], 0)
        assert await public.receive() == {"data": "PONG"}
        await simulator.admin.add_fault("socket", "close", code=code, times=1)
        await public.request("PING", [], 0)
        assert await public.close_code() == code


async def test_refused_handshakes():
    async with running() as (simulator, client):
        await simulator.admin.add_fault("socket", "refuse_handshake", code=1012, times=1)
        assert await (await client.connect()).close_code() == 1012
        await simulator.admin.add_fault("socket", "refuse_handshake", socket="private", times=1)
        await client.connect()
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.private_socket()
        assert caught.value.status == 503
        await client.private_socket()


@pytest.mark.parametrize("action", ["refuse_subscription", "forget_subscription"])
async def test_refused_and_forgotten_subscriptions(action):
    async with running() as (simulator, client):
        await simulator.admin.add_fault("socket", action, channel="ETH-PERP@depth", times=1)
        socket = await client.connect()
        await socket.request("SUBSCRIBE", ["ETH-PERP@depth"], 1)
        await socket.request("SUBSCRIBE", ["BTC-PERP@depth"], 2)
        answers = [await socket.receive() for _ in range(2)]
        if action == "refuse_subscription":
            assert answers[0]["code"] == 1130 and answers[1] == {"result": None, "id": 2}
        else:
            assert answers[0] == {"result": None, "id": 2}
        assert (await simulator.admin.sockets())["channels"] == ["BTC-PERP@depth"]


@pytest.mark.parametrize("raw, binary", [("{broken", False), ("", False), ("{}\n{}", True), (b"\xff\x00\xfe", True)])
async def test_any_frame_can_be_pushed(raw, binary):
    async with running() as (simulator, client):
        public, private = await client.connect(), await client.private_socket()
        assert await simulator.admin.push_public(raw, binary=binary) == 1
        assert await simulator.admin.push_private(client.group, raw=raw, binary=binary) == 1
        for socket in (public, private):
            message = await socket.ws.receive(timeout=30)
            assert message.type is (aiohttp.WSMsgType.BINARY if binary else aiohttp.WSMsgType.TEXT)
            assert message.data == (raw.encode() if binary and isinstance(raw, str) else raw)


async def test_any_event_can_be_pushed():
    async with running() as (simulator, client):
        private = await client.private_socket()
        frame = {"channel": "account_private", "data": {"event": "ORDER", "args": {"id": "0x1", "status": "EXPIRED"}}}
        await simulator.admin.push_private(client.group, payload=frame)
        assert await private.receive() == frame


# --- below HTTP

async def test_the_proxy_relays_slices_stalls_and_cuts():
    async with running() as (simulator, client):
        port = int(simulator.url.rpartition(":")[2])
        async with TcpProxy(port) as proxy, aiohttp.ClientSession() as session:
            proxy.slice_bytes, proxy.jitter_s = 1, 0.0001
            async with session.get(f"{proxy.url}/v2/exchangeInfo", params={"symbols": "BTC-PERP"}) as response:
                assert (await response.json())["symbols"][0]["symbol"] == "BTC-PERP"
            proxy.slice_bytes, proxy.jitter_s = None, 0
            proxy.stall()
            with pytest.raises(asyncio.TimeoutError):
                async with asyncio.timeout(0.2), session.get(f"{proxy.url}/v2/exchangeInfo"):
                    pass
            proxy.resume()
            async with session.get(f"{proxy.url}/v2/exchangeInfo") as response:
                assert response.status == 200
            assert proxy.cut() >= 1
            proxy.refusing = True
            with pytest.raises(LOST):
                await session.get(f"{proxy.url}/v2/exchangeInfo")


async def test_a_client_that_stopped_reading_is_cut_off_at_the_end():
    pushed = 32_000_000
    async with running() as (simulator, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(simulator.url.rpartition(":")[2]), limit=1024)
        writer.write(b"GET /ws-api?version=1.0&xwebsocketserver=restserver5 HTTP/1.1\r\nHost: x\r\n"
                     b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(8):
            await simulator.admin.push_public("x" * (pushed // 8))
        await simulator.stop()
        received = 0
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 20):
                received += len(data)
        assert received < pushed
        writer.close()


async def test_a_half_open_socket_through_the_proxy():
    async with running() as (simulator, client):
        async with TcpProxy(int(simulator.url.rpartition(":")[2])) as proxy:
            through = Client(simulator)
            ws = await through.session.ws_connect(proxy.url + "/ws-api?version=1.0&xwebsocketserver=restserver5")
            proxy.stall()
            await ws.send_str('{"method": "PING", "params": [], "id": 0}')
            with pytest.raises(asyncio.TimeoutError):
                await ws.receive(timeout=0.2)
            proxy.resume()
            assert (await ws.receive(timeout=30)).json() == {"data": "PONG"}
            await through.close()
