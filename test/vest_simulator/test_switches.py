"""Every switch in all its positions."""
import asyncio
import time
from decimal import Decimal
from email.utils import parsedate_to_datetime
from test.vest_simulator.client import registration, running

import aiohttp
import pytest

from vest_simulator import AdminError, RateLimits, Switches

D = Decimal
pytestmark = pytest.mark.asyncio
# The switches that have a test; `both` adds to those that take a number.
COVERED = {"order_list_lag_ms", "position_lag_ms", "fill_parts", "fill_part_ticks"}


def both(name):
    """Parametrizes a test with the positions of a switch."""
    COVERED.add(name)
    choices = Switches.choices()[name]
    return pytest.mark.parametrize("position", choices, ids=str)


def switched(name, position, **config):
    return running(switches=Switches(**{name: position}), **config)


@both("error_shape")
async def test_error_shape(position):
    async with switched("error_shape", position) as (_, client):
        answer = await client.call("GET", "/exchangeInfo", {"symbols": "X"}, headers={})
        flat = {"code": 1121, "msg": "Bad symbol: X."}
        expected = {"flat": (400, flat), "flat_200": (200, flat), "detail": (400, {"detail": flat}),
                    "detail_string": (400, {"detail": "Bad symbol: X."})}[position]
        assert (answer.status, answer.json) == expected


@both("reject_by")
async def test_reject_by(position):
    async with switched("reject_by", position) as (_, client):
        answer = await client.post_order(order_type="MARKET", limit_price="1.00")
        rows = await client.get("/orders")
        if position == "http":
            assert (answer.status, answer.code, rows) == (400, 3001, [])
        else:
            assert (answer.status, rows[0]["status"], rows[0]["code"]) == (200, "REJECTED", 3001)


@both("halted_market")
async def test_halted_market(position):
    async with switched("halted_market", position) as (simulator, client):
        await simulator.admin.set_status("BTC-PERP", "HALT")
        answer = await client.post_order()
        rows = await client.get("/orders")
        if position == "request":
            assert (answer.code, rows) == (1148, [])
        else:
            assert rows[0]["code"] == 3024


@both("rest_compression")
async def test_rest_compression(position):
    async with switched("rest_compression", position) as (_, client):
        answer = await client.call("GET", "/exchangeInfo", headers={})
        assert answer.headers.get("Content-Encoding") == {"none": None, "brotli": "br"}[position]
        assert answer.json["symbols"]
        assert (await client.call("GET", "/account", headers={})).code == 1002


@both("rate_limit_code")
async def test_rate_limit_code(position):
    async with switched("rate_limit_code", position, limits=RateLimits(requests_per_minute=0)) as (_, client):
        answer = await client.call("GET", "/exchangeInfo", headers={})
        assert (answer.status, answer.code) == (429, int(position))


@both("retry_after")
async def test_retry_after(position):
    async with switched("retry_after", position, limits=RateLimits(requests_per_minute=1)) as (_, client):
        answers = [await client.call("GET", "/exchangeInfo", headers={}) for _ in range(2)]
        assert answers[1].status == 429
        wait = answers[1].headers.get("Retry-After")
        assert 55 <= int(wait) <= 60 if position else wait is None


@both("public_group_header")
async def test_public_group_header(position):
    async with switched("public_group_header", position) as (_, client):
        answer = await client.call("GET", "/exchangeInfo", headers={})
        assert answer.code == (1146 if position == "required" else None)
        assert (await client.call("GET", "/exchangeInfo", headers={"xrestservermm": "restserver0"})).status == 200


@both("check_get_time")
async def test_check_get_time(position):
    async with switched("check_get_time", position) as (_, client):
        answer = await client.call("GET", "/account", {"time": 1})
        assert (answer.status == 400) is position


@both("date_header")
async def test_date_header(position):
    async with switched("date_header", position) as (simulator, client):
        await simulator.admin.advance_clock(3_600_000)
        header = (await client.call("GET", "/exchangeInfo")).headers.get("Date")
        assert (header is None) is (position == "absent")
        if header is not None:
            ahead_s = parsedate_to_datetime(header).timestamp() - time.time()
            assert abs(ahead_s - (3600 if position == "venue" else 0)) < 60


@both("api_key_format")
async def test_api_key_format(position):
    async with switched("api_key_format", position) as (_, client):
        body = registration("0x" + "11" * 32, "0x" + "22" * 20, client.now_ms + 60_000)
        key = (await client.call("POST", "/register", body=body, headers={})).json["apiKey"]
        assert key.count(".") == (2 if position == "jwt" else 0)


@both("frame_encoding")
async def test_frame_encoding(position):
    async with switched("frame_encoding", position) as (_, client):
        socket = await client.subscribe("BTC-PERP@depth")
        assert (await socket.channel("BTC-PERP@depth"))["data"]["bids"]
        await socket.request("PING", [], 0)
        await socket.until(lambda frame: frame.get("data") == "PONG")
        expected = aiohttp.WSMsgType.TEXT if position == "text" else aiohttp.WSMsgType.BINARY
        assert set(socket.types) == {expected}


@both("subscribe_answer")
async def test_subscribe_answer(position):
    async with switched("subscribe_answer", position) as (_, client):
        socket = await client.connect()
        await socket.request("SUBSCRIBE", ["SOL-PERP@trades", "X@trades"], 3)
        answer = await socket.receive()
        if position == "outcomes":
            assert answer == {"subscription_outcomes": [
                {"requested": "SOL-PERP@trades", "status": "registered", "reason": None},
                {"requested": "X@trades", "status": "rejected", "reason": "unknown channel"}]}
        else:
            assert (answer["id"], answer["code"]) == (3, 1130)


@both("pong_case")
async def test_pong_case(position):
    async with switched("pong_case", position) as (_, client):
        socket = await client.connect()
        await socket.request("PING", [], 0)
        assert await socket.receive() == {"data": position}


@both("bad_channel_silences_list")
async def test_bad_channel_silences_list(position):
    async with switched("bad_channel_silences_list", position) as (simulator, client):
        socket = await client.connect()
        await socket.request("SUBSCRIBE", ["SOL-PERP@trades", "X@trades"], 3)
        await socket.request("PING", [], 0)
        answer = await socket.receive()
        assert (answer == {"data": "PONG"}) is position
        assert (await simulator.admin.sockets())["channels"] == ([] if position else ["SOL-PERP@trades"])


@both("drop_silent_clients")
async def test_drop_silent_clients(position):
    async with switched("drop_silent_clients", position, ping_timeout_s=0.05) as (_, client):
        socket = await client.connect()
        if position:
            assert await socket.close_code() == 1000
        else:
            with pytest.raises(asyncio.TimeoutError):
                await socket.ws.receive(timeout=0.3)


@both("private_needs_subscribe")
async def test_private_needs_subscribe(position):
    async with switched("private_needs_subscribe", position) as (_, client):
        socket = await client.connect(listenKey=await client.listen_key())
        await client.place(limit_price="90000.00")
        await socket.request("PING", [], 0)
        assert (await socket.receive() == {"data": "PONG"}) is position


@both("envelope_time")
async def test_envelope_time(position):
    async with switched("envelope_time", position) as (_, client):
        socket, events = await client.subscribe("BTC-PERP@depth"), await client.private_socket()
        await client.place(limit_price="90000.00")
        for frame in (await socket.channel("BTC-PERP@depth"), await events.channel("account_private")):
            assert ("tsMs" in frame) is position


@both("depth_time")
async def test_depth_time(position):
    async with switched("depth_time", position) as (_, client):
        book = await client.public("/depth", symbol="BTC-PERP")
        assert ("ts_ms" in book) is position


@both("newer_exchange_info")
async def test_newer_exchange_info(position):
    async with switched("newer_exchange_info", position) as (_, client):
        row, = (await client.public("/exchangeInfo", symbols="SPX-USD-PERP"))["symbols"]
        newer = {"asset", "tradingStatus", "makerFee", "minTickSize", "tickSizes", "displaySymbol"}
        assert newer & set(row) == (newer if position else set())
        bids = (await client.public("/depth", symbol="SPX-USD-PERP"))["bids"]
        assert all(D(price) % D("0.25") == 0 for price, _ in bids) is position


@both("isolated_margin")
async def test_isolated_margin(position):
    async with switched("isolated_margin", position) as (_, client):
        assert {row["isolated"] for row in (await client.public("/exchangeInfo"))["symbols"]} == {position}


@both("trade_id")
async def test_trade_id(position):
    async with switched("trade_id", position) as (_, client):
        await client.market("BTC-PERP", True, "0.1000")
        row, = await client.public("/trades", symbol="BTC-PERP", limit=1)
        assert type(row["id"]) is {"int": int, "string": str}[position]


@both("trade_sign")
async def test_trade_sign(position):
    async with switched("trade_sign", position) as (_, client):
        await client.market("BTC-PERP", True, "0.1000")
        await client.market("BTC-PERP", False, "0.1000")
        rows = await client.public("/trades", symbol="BTC-PERP", limit=2)
        assert [row.get("side") for row in rows] == (["buy", "sell"] if position == "side" else [None, None])
        assert [D(row["qty"]) > 0 for row in rows] == [True, position != "negative_qty"]


@both("trades_frame")
async def test_trades_frame(position):
    async with switched("trades_frame", position) as (_, client):
        socket = await client.subscribe("BTC-PERP@trades")
        await client.market("BTC-PERP", True, "0.1000")
        data = (await socket.channel("BTC-PERP@trades"))["data"]
        assert type(data) is {"object": dict, "list": list}[position]


@both("tickers")
async def test_tickers(position):
    async with switched("tickers", position) as (simulator, client):
        socket = await client.subscribe("tickers")
        await socket.channel("tickers")
        await simulator.admin.set_price("BTC-PERP", "91000")
        frame = await socket.until(lambda frame: any(row["indexPrice"] == "91000.00" for row in frame["data"]))
        assert len(frame["data"]) == (1 if position == "partial" else 7)


@both("fees")
async def test_fees(position):
    async with switched("fees", position) as (simulator, client):
        await simulator.admin.set_switch("fill_parts", 3)
        await simulator.admin.set_price("BTC-PERP", "95000")
        events = await client.private_socket()
        order_id = await client.market("BTC-PERP", True, "0.3000")
        await events.order_event(order_id)
        fees = [D((await events.order_event(order_id))["fees"]) for _ in range(3)]
        fills = [D(fill["fee"]) for fill in (await simulator.admin.ledger(client.group))["orders"][0]["fills"]]
        assert fees == (fills if position == "single" else [fills[0], fills[0] + fills[1], sum(fills)])
        assert D((await client.find(order_id))["fees"]) == sum(fills)


@both("partial_fill_fields")
async def test_partial_fill_fields(position):
    async with switched("partial_fill_fields", position) as (simulator, client):
        await simulator.admin.set_price("BTC-PERP", "95000")
        await simulator.admin.set_depth("BTC-PERP", [], [["95000", "0.03"]])
        await simulator.admin.set_switch("fill_parts", 2)
        await simulator.admin.set_switch("fill_part_ticks", 1)
        order_id = await client.place(limit_price="95000.00")
        for status in ("PARTIALLY_FILLED", "CANCELLED"):
            row = await client.find(order_id)
            assert row["status"] == status
            assert row["lastFilledSize"] == ("0.0300" if position == "filled" else None)
            await client.cancel(order_id)


@both("orders_sequence")
async def test_orders_sequence(position):
    async with switched("orders_sequence", position) as (_, client):
        ids = [await client.place(limit_price="90000.00") for _ in range(3)]
        rows = [row["id"] for row in await client.get("/orders", limit=2)]
        assert rows == (ids[:0:-1] if position == "newest_first" else ids[1:])


@both("funding_settlement")
async def test_funding_settlement(position):
    async with switched("funding_settlement", position) as (simulator, client):
        await simulator.admin.set_funding_rate("BTC-PERP", "0.001")
        await client.market("BTC-PERP", True, "1.0000")
        await simulator.admin.advance_clock(2 * 3_600_000)
        ledger = await simulator.admin.ledger(client.group)
        assert len(ledger["funding_payments"]) == (2 if position == "hourly" else 0)
        settled = D((await client.get("/account"))["positions"][0]["settledFunding"])
        assert (settled < 0) is (position == "hourly")


@both("withdrawable_present")
async def test_withdrawable_present(position):
    async with switched("withdrawable_present", position) as (_, client):
        assert ("withdrawable" in await client.get("/account")) is position


@both("empty_lists")
async def test_empty_lists(position):
    async with switched("empty_lists", position) as (_, client):
        account = await client.get("/account")
        assert account.get("positions") == ([] if position == "empty" else None)
        await client.market("BTC-PERP", True, "0.1000")
        assert len((await client.get("/account"))["positions"]) == 1


@both("locked_balance")
async def test_locked_balance(position):
    async with switched("locked_balance", position) as (_, client):
        await client.market("BTC-PERP", True, "0.1000")
        locked = D((await client.get("/account"))["balances"][0]["locked"])
        assert (locked > 0) is (position == "margin")


async def test_order_list_lag():
    async with running() as (simulator, client):
        await simulator.admin.set_switch("order_list_lag_ms", 60_000)
        order_id = await client.place()
        assert await client.get("/orders", id=order_id) == [] == await client.get("/orders")
        await simulator.admin.advance_clock(60_000)
        await client.find(order_id)


async def test_position_lag():
    async with running() as (simulator, client):
        await simulator.admin.set_switch("position_lag_ms", 30_000)
        await client.market("BTC-PERP", True, "0.1000")
        assert (await client.get("/account"))["positions"] == []
        await simulator.admin.advance_clock(20_000)
        await client.market("BTC-PERP", True, "0.2000")
        await simulator.admin.advance_clock(15_000)
        assert [row["size"] for row in (await client.get("/account"))["positions"]] == ["0.1000"]
        await simulator.admin.advance_clock(15_000)
        assert [row["size"] for row in (await client.get("/account"))["positions"]] == ["0.3000"]
        await client.market("BTC-PERP", False, "0.3000")
        assert len((await client.get("/account"))["positions"]) == 1


@pytest.mark.parametrize("ticks", [0, 1])
@pytest.mark.parametrize("parts", [1, 3])
async def test_fill_parts(parts, ticks):
    async with running() as (simulator, client):
        await simulator.admin.set_switch("fill_parts", parts)
        await simulator.admin.set_switch("fill_part_ticks", ticks)
        order_id = await client.market("BTC-PERP", True, "0.3000")
        fills = (await simulator.admin.ledger(client.group))["orders"][0]["fills"]
        assert len(fills) == (1 if ticks else parts)
        await simulator.admin.tick(parts)
        row = await client.find(order_id)
        assert row["status"] == "FILLED"
        fills = (await simulator.admin.ledger(client.group))["orders"][0]["fills"]
        assert len(fills) == parts and sum(D(fill["size"]) for fill in fills) == D("0.3")
        average = sum(D(fill["size"]) * D(fill["price"]) for fill in fills) / D("0.3")
        assert abs(D(row["avgFilledPrice"]) - average) <= D("0.005")


@pytest.mark.parametrize("name, value", [("nothing", 1), ("fees", "none"), ("depth_time", 1), ("fill_parts", "2"),
                                         ("fill_parts", -1), ("fill_parts", True)])
async def test_positions_that_do_not_exist_are_refused(name, value):
    async with running() as (simulator, _):
        before = await simulator.admin.switches()
        with pytest.raises(AdminError):
            await simulator.admin.set_switch(name, value)
        assert await simulator.admin.switches() == before


async def test_every_switch_has_a_test():
    assert COVERED == set(Switches.choices())
