"""The WebSocket server: handshakes, subscriptions, keep-alive, channels, private events."""
import asyncio
import json
from pathlib import Path
from test.vest_simulator.client import running

import pytest

pytestmark = pytest.mark.asyncio
CAPTURED = Path(__file__).parents[1] / "data" / "vest_api"
BASE_EVENT = {"id", "nonce", "status", "postTime"}
NEW_EVENT = BASE_EVENT | {"symbol", "isBuy", "orderType", "limitPrice", "size", "reduceOnly", "initMarginRatio"}
FILL_EVENT = NEW_EVENT | {"lastFilledSize", "lastFilledPrice", "lastFilledTime", "avgFilledPrice", "cumFunding", "fees"}


@pytest.mark.parametrize("query, code", [
    ({"version": None}, 4000), ({"version": "2.0"}, 4000), ({"xwebsocketserver": None}, 4002),
    ({"xwebsocketserver": "5"}, 4002), ({"websocketserver": "restserver6"}, 4002),
    ({"xwebsocketserver": "restserver999"}, 4001), ({"listenKey": ""}, 4003), ({"listenKey": "unknown"}, 4004),
    ({"listenKey": "unknown", "xwebsocketserver": "restserver9"}, 4001)])
async def test_refused_handshakes_close_after_they_were_accepted(query, code):
    async with running() as (simulator, client):
        socket = await client.connect(**query)
        assert await socket.close_code() == code
        assert (await simulator.admin.sockets())["public"] == 0


@pytest.mark.parametrize("query", [{}, {"websocketserver": "restserver5"}, {"xwebsocketserver": "restserver0"},
                                   {"xwebsocketserver": None, "websocketserver": "restserver5"}])
async def test_both_names_of_the_group_are_accepted(query):
    async with running() as (_, client):
        socket = await client.connect(**query)
        await socket.request("PING", [], 0)
        assert await socket.receive() == {"data": "PONG"}


async def test_listen_keys_at_the_handshake():
    async with running(accounts=2) as (simulator, client):
        key = await client.listen_key()
        assert await (await client.connect(listenKey=key, xwebsocketserver="restserver6")).close_code() == 4004
        open_socket = await client.connect(listenKey=key)
        await simulator.admin.expire_listen_keys()
        assert await open_socket.close_code() == 4005
        assert await (await client.connect(listenKey=key)).close_code() == 4005
        fresh = await client.listen_key()
        open_socket = await client.connect(listenKey=fresh)
        assert (await client.call("DELETE", "/account/listenKey")).json == {}
        assert await open_socket.close_code() == 4004
        assert await (await client.connect(listenKey=fresh)).close_code() == 4004


async def test_a_listen_key_ends_by_itself():
    async with running() as (simulator, client):
        socket = await client.private_socket()
        await simulator.admin.advance_clock(3_600_000)
        assert await socket.close_code() == 4005


async def test_a_listen_key_may_expire_in_silence():
    async with running() as (simulator, client):
        socket = await client.private_socket()
        await simulator.admin.expire_listen_keys(close_sockets=False)
        await client.place(limit_price="90000.00")
        await socket.request("PING", [], 0)
        assert await socket.receive() == {"data": "PONG"}


async def test_subscriptions_to_unknown_channels_are_refused_and_the_others_kept():
    async with running() as (simulator, client):
        socket = await client.connect()
        names = ["NO-PERP@depth", "BTC-PERP@book", "BTC-PERP@kline_7m", "btc-perp@depth", "BTC-PERP@depth", "orders"]
        await socket.request("SUBSCRIBE", names, 5)
        answer = await socket.until(lambda frame: frame.get("id") == 5)
        assert answer["code"] == 1130 and all(name in answer["msg"] for name in names if name != "BTC-PERP@depth")
        assert (await simulator.admin.sockets())["channels"] == ["BTC-PERP@depth"]
        await socket.channel("BTC-PERP@depth")
        await socket.request("UNSUBSCRIBE", ["BTC-PERP@depth"], 6)
        assert await socket.until(lambda frame: frame.get("id") == 6) == {"result": None, "id": 6}
        assert (await simulator.admin.sockets())["channels"] == []


async def test_private_events_need_a_listen_key():
    async with running() as (_, client):
        socket = await client.connect()
        await socket.request("SUBSCRIBE", ["account_private"])
        assert await socket.close_code() == 4003


@pytest.mark.parametrize("text", ["", "hello", "[]", "{}", '{"method": "PING"}', '{"method": "PING", "params": []}',
                                  '{"method": "SUBSCRIBE", "params": "tickers", "id": 1}',
                                  '{"method": "SUBSCRIBE", "params": ["tickers"], "id": "1"}', '{"method": "X"}'])
async def test_malformed_requests_are_answered_with_an_error(text):
    async with running() as (_, client):
        socket = await client.connect()
        await socket.ws.send_str(text)
        assert (await socket.receive())["code"] == 1130


async def test_silent_clients_are_dropped_and_those_that_ping_stay():
    async with running(ping_timeout_s=3) as (_, client):
        silent, lively = await client.connect(), await client.connect()

        async def ping():
            while True:
                await lively.request("PING", [], 0)
                await asyncio.sleep(0.05)

        pinging = asyncio.create_task(ping())
        assert await silent.close_code() == 1000
        assert await lively.receive() == {"data": "PONG"} and not lively.ws.closed
        pinging.cancel()


async def test_depth_frames_are_whole_books_and_equal_the_rest_snapshot():
    async with running() as (simulator, client):
        await simulator.admin.set_price("BTC-PERP", "95000")
        socket = await client.subscribe("BTC-PERP@depth")
        frame = await socket.channel("BTC-PERP@depth")
        assert set(frame) == {"channel", "data"} and set(frame["data"]) == {"bids", "asks"}
        assert frame["data"] == await client.public("/depth", symbol="BTC-PERP", limit=25)
        await simulator.admin.set_depth("BTC-PERP", [["94000.00", "1.0000"]], [])
        wanted = {"bids": [["94000.00", "1.0000"]], "asks": []}
        await socket.until(lambda frame: frame.get("data") == wanted)


async def test_depth_goes_only_to_those_who_subscribed():
    async with running() as (simulator, client):
        eth = await client.subscribe("ETH-PERP@depth")
        await client.subscribe("BTC-PERP@depth")
        for _ in range(3):
            assert (await eth.receive())["channel"] == "ETH-PERP@depth"


async def test_own_fills_appear_in_the_public_trades():
    async with running() as (_, client):
        socket = await client.subscribe("SOL-PERP@trades")
        await client.market("SOL-PERP", True, "3.00")
        frame = await socket.channel("SOL-PERP@trades")
        row, = await client.public("/trades", symbol="SOL-PERP", limit=1)
        assert frame["data"] == row and row["qty"] == "3.00"


async def test_klines_and_tickers():
    async with running() as (_, client):
        socket = await client.subscribe("ETH-PERP@kline_1h", "tickers")
        kline = await socket.channel("ETH-PERP@kline_1h")
        newest = (await client.public("/klines", symbol="ETH-PERP", interval="1h"))[-2:]
        assert kline["data"][0] in [row[0] for row in newest]  # the hour may have turned between the two
        tickers = await socket.channel("tickers")
        assert len(tickers["data"]) == 7


async def test_order_events_have_the_documented_fields():
    async with running() as (simulator, client):
        await simulator.admin.set_price("BTC-PERP", "95000")
        events = await client.private_socket()
        filled = await client.place(limit_price="95000.00", nonce=42)
        new, fill = await events.order_event(filled), await events.order_event(filled)
        assert set(new) == NEW_EVENT and set(fill) == FILL_EVENT
        assert (new["nonce"], new["status"], fill["status"]) == (42, "NEW", "FILLED")
        row = await client.find(filled)
        for name in ("lastFilledSize", "lastFilledPrice", "lastFilledTime", "avgFilledPrice", "fees"):
            assert fill[name] == row[name]
        rejected = await client.place(order_type="MARKET", limit_price="1.00")
        event = await events.order_event(rejected)
        assert set(event) == BASE_EVENT | {"code"} and (event["status"], event["code"]) == ("REJECTED", 3001)


async def test_all_sockets_of_an_account_get_its_events_and_nobody_else():
    async with running(accounts=2) as (simulator, client):
        first, second = await client.private_socket(), await client.private_socket()
        public = await client.connect()
        await simulator.admin.place_order(6, "BTC-PERP", True, "0.1")
        order_id = await client.place(limit_price="90000.00")
        for socket in (first, second):
            assert (await socket.receive())["data"]["args"]["id"] == order_id
        await public.request("PING", [], 0)
        assert await public.receive() == {"data": "PONG"}


def shape(value):
    """The types of a JSON value, keys included."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


@pytest.mark.parametrize("name, channel", [("depth", "SPX-USD-PERP@depth"), ("ticker", "SPX-USD-PERP@ticker"),
                                           ("trade", "SPX-USD-PERP@trades")])
async def test_captured_frames_have_the_shape_of_ours_with_the_newer_switches(name, channel):
    captured = json.loads((CAPTURED / f"{name}.json").read_text())
    async with running() as (simulator, client):
        for switch, value in (("envelope_time", True), ("trade_id", "string"), ("trade_sign", "side"),
                              ("newer_exchange_info", True)):
            await simulator.admin.set_switch(switch, value)
        socket = await client.subscribe(channel)
        await client.market("SPX-USD-PERP", True, "0.1000")
        ours = await socket.channel(channel)
        assert shape(ours) == shape(captured)
        assert len(ours["data"].get("bids", [])) in (0, 25)


async def test_frames_in_the_journal_are_the_frames_received():
    async with running() as (simulator, client):
        began_ms = client.now_ms
        socket = await client.subscribe("BTC-PERP@depth")
        received = await socket.channel("BTC-PERP@depth")
        entries = await simulator.admin.journal(kind="frame_sent", channel="BTC-PERP@depth")
        assert received in [json.loads(entry["payload"]) for entry in entries]
        assert all(began_ms <= entry["time_ms"] <= client.now_ms for entry in entries)


async def test_stopping_closes_sockets_and_frees_the_port():
    async with running() as (simulator, client):
        socket = await client.connect()
        closing = asyncio.create_task(socket.close_code())
        await simulator.stop()
        assert await closing == 1012
        url = simulator.url
        await simulator.start()
        assert simulator.url == url
        assert (await client.public("/exchangeInfo"))["symbols"]
