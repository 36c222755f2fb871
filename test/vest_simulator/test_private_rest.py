"""The private end points over HTTP, on the happy path and through every filter."""
import time
from decimal import Decimal
from test.vest_simulator.client import registration, running, sign

import pytest
from eth_account import Account

from vest_simulator import Credentials
from vest_simulator.engine.orders import OrderRequest, OrderType

pytestmark = pytest.mark.asyncio
D = Decimal
ORDER_FIELDS = {
    "id", "nonce", "symbol", "isBuy", "orderType", "limitPrice", "markPrice", "size", "status", "reduceOnly",
    "initMarginRatio", "lastFilledSize", "lastFilledPrice", "lastFilledTime", "avgFilledPrice", "settledFunding",
    "fees", "realizedPnl", "postTime", "tpPrice", "slPrice"}
FILL_FIELDS = ("lastFilledSize", "lastFilledPrice", "lastFilledTime", "avgFilledPrice", "settledFunding", "fees",
               "realizedPnl")


async def test_an_order_through_its_life():
    async with running() as (simulator, client):
        await simulator.admin.set_price("BTC-PERP", "95000")
        answer = await client.post_order(limit_price="94000.00", nonce=77)
        assert set(answer.json) == {"id"} and answer.json["id"].startswith("0x")
        row = await client.find(answer.json["id"])
        assert set(row) == ORDER_FIELDS and [row[name] for name in FILL_FIELDS] == [None] * 7
        assert (row["nonce"], row["status"], row["size"], row["limitPrice"]) == (77, "NEW", "0.1000", "94000.00")
        await simulator.admin.set_price("BTC-PERP", "94000")
        row = await client.find(answer.json["id"])
        assert row["status"] == "FILLED" and row["lastFilledSize"] == "0.1000"
        assert D(row["fees"]) == (D("0.1") * D(row["avgFilledPrice"]) * D("0.00012")).quantize(D("0.000001"))


async def test_a_rejected_order_has_a_code():
    async with running() as (_, client):
        order_id = await client.place(order_type="MARKET", limit_price="100.00")
        row = await client.find(order_id)
        assert (row["status"], row["code"]) == ("REJECTED", 3001) and set(row) == ORDER_FIELDS | {"code"}


async def test_every_filter_of_orders():
    async with running() as (simulator, client):
        await simulator.admin.set_price("BTC-PERP", "95000")
        await simulator.admin.set_price("ETH-PERP", "3200")
        first = await client.place(limit_price="90000.00")
        await simulator.admin.advance_clock(1000)
        second = await client.market("ETH-PERP", True, "0.100")
        await simulator.admin.advance_clock(1000)
        third = await client.place(limit_price="91000.00")
        await client.cancel(third)
        rows = await client.get("/orders")
        assert [row["id"] for row in rows] == [third, second, first]
        times, nonces = [row["postTime"] for row in rows], [row["nonce"] for row in rows]

        async def ids(**filters):
            return [row["id"] for row in await client.get("/orders", **filters)]

        assert await ids(id=f"{first},{third},0x0,{first}") == [third, first]
        assert await ids(nonce=nonces[1]) == [second]
        assert await ids(nonce=1) == []
        assert await ids(symbol="ETH-PERP") == [second]
        assert await ids(orderType="LIMIT") == [third, first]
        assert await ids(status="NEW") == [first]
        assert await ids(status="CANCELLED") == [third]
        assert await ids(startTime=times[1]) == [third, second]
        assert await ids(endTime=times[1]) == [second, first]
        assert await ids(startTime=times[1], endTime=times[1]) == [second]
        assert await ids(limit=2) == [third, second]
        assert await ids(id=f"{first},{second}", symbol="ETH-PERP", status="FILLED") == [second]
        assert await ids(status="NEW", startTime=times[0]) == []


async def test_many_orders_are_paged_by_end_time_and_listed_quickly():
    async with running() as (simulator, client):
        account = simulator.exchange.accounts[client.group]
        for nonce in range(2500):
            request = OrderRequest(nonce, "BTC-PERP", True, D("0.0001"), OrderType.LIMIT, D("1000.00"))
            simulator.exchange.cancel(account, simulator.exchange.place(account, request, client.now_ms).id)
        started = time.thread_time()
        rows = await client.get("/orders")
        assert len(rows) == 1000 and time.thread_time() - started < 1  # of computing, however busy the machine
        seen = {row["id"] for row in rows}
        while len(rows) == 1000:
            rows = await client.get("/orders", endTime=rows[-1]["postTime"])
            if seen.issuperset(row["id"] for row in rows):
                break
            seen |= {row["id"] for row in rows}
        assert len(seen) == 2500


async def test_the_account():
    async with running() as (simulator, client):
        await simulator.admin.set_price("BTC-PERP", "95000")
        before_ms = client.now_ms
        empty = await client.get("/account")
        assert set(empty) == {"address", "balances", "collateral", "withdrawable", "totalAccountValue",
                              "openOrderMargin", "totalMaintMargin", "positions", "leverages", "lp", "time"}
        assert empty["balances"] == [{"asset": "USDC", "total": "100000.000000", "locked": "0.000000"}]
        assert empty["positions"] == [] and before_ms <= empty["time"] <= client.now_ms
        assert empty["address"] == client.account.primary_address
        await client.market("BTC-PERP", False, "0.2000")
        await client.place(is_buy=False, limit_price="99000.00", size="0.1000")
        account = await client.get("/account")
        position, = account["positions"]
        assert set(position) == {"symbol", "isLong", "size", "entryPrice", "entryFunding", "unrealizedPnl",
                                 "settledFunding", "markPrice", "indexPrice", "liqPrice", "initMargin", "maintMargin",
                                 "initMarginRatio"}
        assert (position["isLong"], position["size"]) == (False, "0.2000")
        assert (position["initMargin"], position["initMarginRatio"]) == ("1900.000000", "0.100000")
        assert account["openOrderMargin"] == "990.000000"
        assert account["balances"][0]["locked"] == "2890.000000"
        assert D(position["liqPrice"]) > D("95000")


async def test_leverage():
    async with running() as (_, client):
        body = {"time": client.now_ms, "symbol": "ETH-PERP", "value": 20}
        assert (await client.call("POST", "/account/leverage", body=body)).json == {"symbol": "ETH-PERP", "value": 20}
        assert (await client.get("/account"))["leverages"] == [{"symbol": "ETH-PERP", "value": 20}]
        await client.place(symbol="ETH-PERP", size="0.100", limit_price="3000.00")
        answer = await client.call("POST", "/account/leverage", body=body | {"time": client.now_ms, "value": 5})
        assert answer.code == 3020


async def test_the_last_nonce():
    async with running() as (_, client):
        assert await client.get("/account/nonce") == {"lastNonce": 0}
        await client.place(nonce=123_456)
        await client.place(nonce=99)
        assert await client.get("/account/nonce") == {"lastNonce": 123_456}


async def test_lp_and_transfer_records_and_events():
    async with running() as (simulator, client):
        events = await client.private_socket()
        key = client.account.signing_private_key
        order = {"time": client.now_ms, "nonce": 1, "orderType": "DEPOSIT", "size": "100"}
        signature = sign(key, ["uint256", "uint256", "string", "string"], list(order.values()))
        lp_id = (await client.call("POST", "/lp", body={"order": order, "signature": signature})).json["id"]
        event = (await events.channel("account_private"))["data"]
        assert event["event"] == "LP" and event["args"] == {
            "id": lp_id, "nonce": 1, "orderType": "DEPOSIT", "size": "100", "status": "FILLED", "code": None,
            "postTime": event["args"]["postTime"]}
        account, recipient, token = ("0x" + digit * 40 for digit in "123")
        types = ["uint256", "uint256", "bool", "address", "address", "address", "uint256", "uint256"]
        order = {"time": client.now_ms, "nonce": 2, "account": account, "recipient": recipient, "token": "USDC",
                 "size": "2500000", "chainId": 324}
        values = [order["time"], 2, False, account, recipient, token, 2_500_000, 324]
        body = {"order": order, "signature": sign(key, types, values), "execute": True}
        transfer_id = (await client.call("POST", "/transfer/withdraw", body=body)).json["id"]
        event = (await events.channel("account_private"))["data"]
        assert (event["event"], event["args"]["chainId"], event["args"]["size"]) == ("TRANSFER", 324, "2.500000")
        await simulator.admin.deposit(client.group, "10")
        assert [row["id"] for row in await client.get("/lp", nonce=1)] == [lp_id]
        assert await client.get("/lp", status="REJECTED") == []
        assert [row["id"] for row in await client.get("/transfer", orderType="WITHDRAW")] == [transfer_id]
        assert len(await client.get("/transfer")) == 2
        assert (await client.get("/account"))["lp"]["shares"] == "100.000000"
        assert (await client.get("/account"))["collateral"] == "99907.500000"


# --- registration

async def test_a_new_primary_key_registers_and_trades():
    async with running() as (simulator, client):
        primary, signing = "0x" + "11" * 32, "0x" + "22" * 32
        body = registration(primary, Account.from_key(signing).address.lower(), client.now_ms + 60_000)
        answer = (await client.call("POST", "/register", body=body, headers={})).json
        assert set(answer) == {"apiKey", "accGroup"} and answer["accGroup"] == 6
        client.account = Credentials(6, answer["apiKey"], signing, primary, body["primaryAddr"])
        client.group = 6
        await client.place()
        again = (await client.call("POST", "/register", body=body, headers={})).json
        assert again["accGroup"] == 6 and again["apiKey"] != answer["apiKey"]
        await simulator.admin.advance_clock(60_000)
        assert (await client.post_order()).code == 1002


async def test_an_existing_account_registers_another_signing_key():
    async with running() as (_, client):
        signing = "0x" + "22" * 32
        body = registration(client.account.primary_private_key, Account.from_key(signing).address.lower(),
                            client.now_ms + 60_000)
        answer = (await client.call("POST", "/register", body=body, headers={})).json
        assert answer["accGroup"] == client.group
        wrong = await client.call("POST", "/orders", body=client.signed(client.order(), key=signing))
        assert wrong.code == 1022
        headers = client.headers() | {"X-API-KEY": answer["apiKey"]}
        right = await client.call("POST", "/orders", body=client.signed(client.order(), key=signing), headers=headers)
        assert right.status == 200


@pytest.mark.parametrize("change, code", [
    (lambda body: body | {"networkType": 1}, 1024),
    (lambda body: body | {"expiryTime": 1}, 1130),
    (lambda body: body | {"expiryTime": body["expiryTime"] + 1}, 1022),
    (lambda body: body | {"signature": "0x" + "11" * 65}, 1022),
    (lambda body: body | {"primaryAddr": "0x" + "AB" * 20}, 1130),
    (lambda body: body | {"primaryAddr": "0x" + "11" * 20}, 1022),
    (lambda body: body | {"extra": 1}, 1130),
    (lambda body: {key: value for key, value in body.items() if key != "signature"}, 1130),
])
async def test_refused_registrations(change, code):
    async with running() as (_, client):
        body = registration("0x" + "11" * 32, "0x" + "22" * 20, client.now_ms + 60_000)
        assert (await client.call("POST", "/register", body=change(body), headers={})).code == code


async def test_registration_for_another_contract_is_refused():
    async with running() as (_, client):
        body = registration("0x" + "11" * 32, "0x" + "22" * 20, client.now_ms + 60_000,
                            "0x919386306C47b2Fe1036e3B4F7C40D22D2461a23")
        assert (await client.call("POST", "/register", body=body, headers={})).code == 1022


# --- listen keys

async def test_the_life_of_a_listen_key():
    async with running() as (simulator, client):
        path = "/account/listenKey"
        assert (await client.call("PUT", path)).code == 1125
        assert (await client.call("DELETE", path)).code == 1125
        key = await client.listen_key()
        await simulator.admin.advance_clock(30 * 60_000)
        assert await client.listen_key() == key
        await simulator.admin.advance_clock(45 * 60_000)
        assert (await client.call("PUT", path)).json == {}
        await simulator.admin.advance_clock(59 * 60_000)
        assert (await client.call("PUT", path)).status == 200
        await simulator.admin.advance_clock(60 * 60_000)
        assert (await client.call("PUT", path)).code == 1125
        fresh = await client.listen_key()
        assert fresh != key
        assert (await client.call("DELETE", path)).json == {}
        assert (await client.call("PUT", path)).code == 1125
        assert await client.listen_key() not in (key, fresh)
