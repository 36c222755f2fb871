"""What the venue refuses at the door, each with its code."""
import json
import time
from test.vest_simulator.client import Client, running
from types import SimpleNamespace

import pytest

from vest_simulator import RateLimits

pytestmark = pytest.mark.asyncio


def without(name):
    return lambda order: {key: value for key, value in order.items() if key != name}


def with_(**fields):
    return lambda order: order | fields


@pytest.mark.parametrize("change, code", [
    (with_(size="0.1"), 1111), (with_(size="0.10000"), 1111), (with_(size=".1000"), 1111), (with_(size="1e-1"), 1111),
    (with_(size="-0.1000"), 1111), (with_(size=" 0.1000"), 1111), (with_(size="0.1000\n"), 1111),
    (with_(size=""), 1111),
    (with_(limitPrice="95000"), 1111), (with_(limitPrice="95000.0"), 1111), (with_(limitPrice="95000.001"), 1111),
    (with_(size="0.0000"), 1130), (with_(limitPrice="0.00"), 1130),
    (with_(size=0.1), 1130), (with_(limitPrice=95000), 1130), (with_(isBuy="true"), 1130), (with_(isBuy=1), 1130),
    (with_(nonce="5"), 1130), (with_(nonce=-1), 1130), (with_(nonce=1.0), 1130), (with_(nonce=True), 1130),
    (with_(reduceOnly=None), 1130), (with_(symbol=5), 1130), (with_(postOnly=True), 1130),
    (without("size"), 1130), (without("nonce"), 1130), (without("reduceOnly"), 1130), (without("limitPrice"), 1130),
    (with_(symbol="BTC"), 1121), (with_(symbol="btc-perp"), 1121), (with_(symbol="NQ-PERP"), 1121),
    (with_(orderType="IOC"), 1116), (with_(orderType="LIQUIDATION"), 1116), (with_(orderType="limit"), 1116),
    (with_(timeInForce="IOC"), 1133), (with_(orderType="MARKET", timeInForce="GTC"), 1133),
    (with_(orderType="STOP_LOSS"), 1130),
    (with_(tpPrice="96000.00"), 1130), (with_(tpSignature="0x"), 1130),
    (with_(tpPrice="96000.0", tpSignature="0x"), 1111),
    (with_(tpPrice="94000.00", tpSignature="0x"), 1145), (with_(slPrice="96000.00", slSignature="0x"), 1145),
    (with_(tpPrice="96000.00", tpSignature="0x"), 1022),
    (with_(orderType="MARKET", tpPrice="96000.00", tpSignature="0x"), 1145),
])
async def test_malformed_orders(change, code):
    async with running() as (simulator, client):
        order = client.order()
        try:
            body = client.signed(change(order))
        except (KeyError, ValueError, TypeError):
            body = client.signed(order) | {"order": change(order)}
        except Exception as error:
            if "eth_abi" not in type(error).__module__:
                raise
            body = client.signed(order) | {"order": change(order)}
        answer = await client.call("POST", "/orders", body=body)
        assert (answer.status, answer.code) == (400, code)
        assert (await simulator.admin.ledger(client.group))["orders"] == []


@pytest.mark.parametrize("late_ms, window, code", [
    (-4_000, None, None), (-6_000, None, 1132), (-6_000, 10_000, None), (-300, 200, 1132), (1_000, None, None),
    (10_000, None, 1131), (0, 0, 1131), (0, 60_001, 1131), (0, 60_000, None), (0, "5000", 1130), (0, -1, 1130)])
async def test_times_and_windows(late_ms, window, code, monkeypatch):
    async with running() as (_, client):
        now_ns = time.time_ns()  # from now on, so that no request is older than it is to be
        monkeypatch.setattr("vest_simulator.clock.time", SimpleNamespace(time_ns=lambda: now_ns))
        order = client.order(time=client.now_ms + late_ms)
        beside = {} if window is None else {"recvWindow": window}
        assert (await client.call("POST", "/orders", body=client.signed(order, **beside))).code == code


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"5", b"null", b'{"order": []}', b"[" * 100_000, b"\xff\xfe"])
async def test_bodies_that_are_no_orders(raw):
    async with running() as (_, client):
        answer = await client.call("POST", "/orders", raw=raw)
        assert (answer.status, answer.code) == (400, 1130)


async def test_signatures_cover_every_field_that_is_signed():
    async with running() as (_, client):
        for change in ({"time": client.now_ms - 999}, {"nonce": 5}, {"orderType": "MARKET"}, {"symbol": "SPX-USD-PERP"},
                       {"isBuy": False}, {"size": "0.2000"}, {"limitPrice": "95000.01"}, {"reduceOnly": True}):
            body = client.signed(client.order())
            body["order"] |= change
            assert (await client.call("POST", "/orders", body=body)).code == 1022, change
        body = client.signed(client.order())
        body["order"]["timeInForce"] = "GTC"
        assert (await client.call("POST", "/orders", body=body)).status == 200


async def test_duplicates_and_nonces():
    async with running() as (simulator, client):
        body = client.signed(client.order(nonce=9))
        assert (await client.call("POST", "/orders", body=body)).status == 200
        assert (await client.call("POST", "/orders", body=body)).code == 3015
        other = client.signed(client.order(nonce=9, size="0.2000"))
        assert (await client.call("POST", "/orders", body=other)).code == 1023
        assert len((await simulator.admin.ledger(client.group))["orders"]) == 1


@pytest.mark.parametrize("headers, status, code", [
    ({"X-API-KEY": None}, 401, 1002), ({"X-API-KEY": "wrong"}, 401, 1002), ({"xrestservermm": None}, 400, 1146),
    ({"xrestservermm": "restserver6"}, 400, 1146), ({"xrestservermm": "restserver05x"}, 400, 1146),
    ({"xrestservermm": "5"}, 400, 1146)])
@pytest.mark.parametrize("method, path", [("GET", "/account"), ("POST", "/orders"), ("POST", "/account/listenKey"),
                                          ("POST", "/account/leverage"), ("GET", "/orders")])
async def test_headers(headers, status, code, method, path):
    async with running() as (_, client):
        sent = {name: value for name, value in (client.headers() | headers).items() if value is not None}
        answer = await client.call(method, path, {"time": client.now_ms} if method == "GET" else None, headers=sent)
        assert (answer.status, answer.code) == (status, code)


async def test_account_group_zero_is_a_group_like_any_other():
    async with running(first_account_group=0) as (_, client):
        assert client.group == 0
        await client.place()
        assert len((await client.get("/orders"))) == 1
        headers = {"X-API-KEY": client.account.api_key}
        answer = await client.call("GET", "/account", {"time": client.now_ms}, headers=headers)
        assert answer.code == 1146


@pytest.mark.parametrize("params, code", [
    ({}, 1130), ({"time": "now"}, 1130), ({"time": 5}, 1132), ({"time": 10 ** 17}, 1131),
    ({"time": "N", "extra": 1}, 1130), ({"time": "N", "status": "OPEN"}, 1130), ({"time": "N", "orderType": "X"}, 1130),
    ({"time": "N", "limit": 1001}, 1130), ({"time": "N", "nonce": "x"}, 1130)])
async def test_queries_of_orders(params, code):
    async with running() as (_, client):
        params = {name: client.now_ms if value == "N" else value for name, value in params.items()}
        assert (await client.call("GET", "/orders", params)).code == code


@pytest.mark.parametrize("path", ["/account", "/account/nonce", "/lp", "/transfer"])
async def test_private_gets_need_a_fresh_time(path):
    async with running() as (_, client):
        assert (await client.call("GET", path)).code == 1130
        assert (await client.call("GET", path, {"time": client.now_ms - 60_000})).code == 1132


@pytest.mark.parametrize("change, code", [
    (lambda body: body | {"value": "10"}, 1130), (lambda body: body | {"value": 0}, 1130),
    (lambda body: body | {"value": 51}, 1130), (lambda body: body | {"symbol": "X"}, 1121),
    (lambda body: body | {"signature": "0x"}, 1130), (lambda body: body | {"time": body["time"] - 60_000}, 1132)])
async def test_leverage_requests(change, code):
    async with running() as (_, client):
        body = change({"time": client.now_ms, "symbol": "BTC-PERP", "value": 10})
        assert (await client.call("POST", "/account/leverage", body=body)).code == code


async def test_cancels():
    async with running() as (_, client):
        order_id = await client.place(limit_price="90000.00")
        body = client.cancel_body(order_id)
        for changed, code in ((body["order"] | {"nonce": 1}, 1022), (body["order"] | {"symbol": "BTC-PERP"}, 1130),
                              (body["order"] | {"time": 1}, 1132)):
            assert (await client.call("POST", "/orders/cancel", body=body | {"order": changed})).code == code
        assert (await client.cancel("0x00")).code == 3017
        assert (await client.cancel(order_id)).status == 200
        assert (await client.cancel(order_id)).code == 3017


async def test_nobody_cancels_or_sees_the_orders_of_others():
    async with running(accounts=2) as (simulator, client):
        other = Client(simulator, simulator.accounts[1])
        try:
            order_id = await client.place(limit_price="90000.00")
            assert (await other.cancel(order_id)).code == 3017
            assert await other.get("/orders", id=order_id) == []
        finally:
            await other.close()


async def test_the_limiter_refuses_counts_and_forgets():
    async with running(limits=RateLimits(requests_per_minute=3)) as (simulator, client):
        answers = [await client.call("GET", "/account", {"time": client.now_ms}) for _ in range(5)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
        assert json.loads(answers[4].raw)["code"] == 429 and "Retry-After" not in answers[4].headers
        await client.public("/exchangeInfo")
        seen = await simulator.admin.limiter()
        assert (seen["tripped"], seen["most_per_minute"], seen["requests_last_minute"]) == (2, 3, 3)
        await simulator.admin.advance_clock(60_000)
        assert (await client.call("GET", "/account", {"time": client.now_ms})).status == 200
        await simulator.admin.set_limits(requests_per_minute=100)
        for _ in range(10):
            await client.get("/account")


async def test_tp_and_sl_with_good_signatures_are_kept():
    async with running() as (_, client):
        order = client.order(limit_price="90000.00")
        exits = {}
        for name, order_type, price in (("tp", "TAKE_PROFIT", "96000.00"), ("sl", "STOP_LOSS", "80000.00")):
            signed = client.signed(order | {"orderType": order_type, "isBuy": False, "limitPrice": price,
                                            "reduceOnly": True})
            exits |= {f"{name}Price": price, f"{name}Signature": signed["signature"]}
        answer = await client.call("POST", "/orders", body=client.signed(order | exits))
        row = await client.find(answer.json["id"])
        assert (row["tpPrice"], row["slPrice"]) == ("96000.00", "80000.00")
