"""The admin API and its client, the ledger, the journal, determinism."""
import asyncio
import base64
import json
import socket
import time
from decimal import Decimal
from test.vest_simulator.client import Client, running

import aiohttp
import pytest

from vest_simulator import DEFAULT_SYMBOLS, AdminClient, AdminError, Credentials, SimulatorConfig, VestSimulator

D = Decimal
pytestmark = pytest.mark.asyncio


async def test_health():
    async with running() as (simulator, client):
        health = await simulator.admin.health()
        assert health["status"] == "ok" and health["account_groups"] == [5] and len(health["symbols"]) == 7


async def test_a_failing_engine_shows(caplog):
    async with running() as (simulator, client):
        simulator.exchange.markets["BTC-PERP"].funding = None
        while (await simulator.admin.health())["status"] == "ok":
            await asyncio.sleep(0.01)
        assert "engine has failed" in caplog.text


async def test_the_ledger_holds_the_whole_truth():
    async with running() as (simulator, client):
        admin = simulator.admin
        await admin.set_price("BTC-PERP", "95000")
        await admin.set_funding_rate("BTC-PERP", "0.0001")
        await admin.set_switch("fill_parts", 2)
        order_id = await client.market("BTC-PERP", True, "0.2000", nonce=5)
        await admin.advance_clock(3_600_000)
        payments = await admin.settle_funding()
        await admin.deposit(client.group, "12.5")
        ledger = await admin.ledger(client.group)
        order, = ledger["orders"]
        assert (order["id"], order["nonce"], order["status"], order["size"]) == (order_id, 5, "FILLED", "0.2000")
        assert [fill["size"] for fill in order["fills"]] == ["0.1000", "0.1000"]
        assert D(ledger["fees"]) == D(order["fees"]) == sum(D(fill["fee"]) for fill in order["fills"])
        assert [D(row["amount"]) for row in ledger["funding_payments"]] == [D(row["amount"]) for row in payments]
        assert -D("1.92") < D(payments[0]["amount"]) < -D("1.88")
        position, = ledger["positions"]
        assert (position["symbol"], position["size"]) == ("BTC-PERP", "0.2000")
        cash = D("100012.5") - D(ledger["fees"]) + D(ledger["settledFunding"])
        assert D(ledger["balances"]["cash"]) == cash
        assert D(ledger["balances"]["equity"]) == cash + D(position["unrealizedPnl"])
        assert ledger["transfers"][0]["orderType"] == "DEPOSIT" and ledger["lp"] == {"shares": "0", "records": []}


async def test_the_ledger_can_leave_out_older_orders():
    async with running() as (simulator, client):
        await client.place(limit_price="90000.00")
        since_ms = await simulator.admin.advance_clock(1000)
        order_id = await client.place(limit_price="90000.00")
        ledger = await simulator.admin.ledger(client.group, since_ms=since_ms)
        assert [order["id"] for order in ledger["orders"]] == [order_id]


async def test_keys_with_a_short_life_expire():
    async with running() as (simulator, client):
        await simulator.admin.set_switch("api_key_format", "jwt")
        before_ms = client.now_ms
        created = await simulator.admin.create_account("1000", key_life_ms=60_000)
        claims = created["api_key"].split(".")[1]
        expiry_s = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
        assert before_ms - 1000 < expiry_s * 1000 - 60_000 < client.now_ms + 1000
        client.account, client.group = Credentials(**created), created["account_group"]
        await client.get("/account")
        await simulator.admin.advance_clock(60_000)
        assert (await client.call("GET", "/account", {"time": client.now_ms})).code == 1002


async def test_foreign_orders_reach_the_account_as_events():
    async with running() as (simulator, client):
        admin = simulator.admin
        events = await client.private_socket()
        order = await admin.place_order(client.group, "ETH-PERP", False, "0.5", "LIMIT", "5000", nonce=31)
        assert order["limitPrice"] == "5000.00" and (await events.order_event(order["id"], "NEW"))["nonce"] == 31
        await admin.cancel_order(client.group, order["id"])
        await events.order_event(order["id"], "CANCELLED")
        filled = await admin.place_order(client.group, "ETH-PERP", False, "0.5")
        await events.order_event(filled["id"], "FILLED")
        with pytest.raises(AdminError, match="Order not found"):
            await admin.cancel_order(client.group, filled["id"])


async def test_liquidation_on_demand():
    async with running() as (simulator, client):
        await client.market("BTC-PERP", True, "0.2000")
        events = await client.private_socket()
        order = await simulator.admin.liquidate(client.group, "BTC-PERP")
        assert (order["orderType"], order["status"]) == ("LIQUIDATION", "FILLED")
        assert (await events.order_event(order["id"], "FILLED"))["orderType"] == "LIQUIDATION"
        assert (await client.get("/account"))["positions"] == []
        with pytest.raises(AdminError, match="no position"):
            await simulator.admin.liquidate(client.group, "BTC-PERP")


async def test_symbols_come_go_and_change():
    async with running() as (simulator, client):
        admin = simulator.admin
        await client.place(symbol="ETH-PERP", size="1.000", limit_price="3000.00")
        await admin.delist("ETH-PERP")
        assert (await client.post_order(symbol="ETH-PERP", size="1.000", limit_price="3000.00")).code == 1121
        await admin.list_symbol({"symbol": "DOGE-PERP", "base": "DOGE", "start_price": D("0.15"), "size_decimals": 0,
                                 "price_decimals": 5})
        await client.place(symbol="DOGE-PERP", size="100", limit_price="0.10000")
        await admin.set_decimals("BTC-PERP", size_decimals=2)
        row, = (await client.public("/exchangeInfo", symbols="BTC-PERP"))["symbols"]
        assert (row["sizeDecimals"], row["priceDecimals"]) == (2, 2)
        assert (await client.post_order(size="0.1000")).code == 1111
        await client.place(size="0.10")
        for spec in ({"symbol": "X"}, {"symbol": "X", "colour": 1}):
            with pytest.raises(AdminError):
                await admin.list_symbol(spec)


async def test_accounts_are_created_with_any_group_and_balance():
    async with running() as (simulator, client):
        created = await simulator.admin.create_account("0", account_group=0)
        other = Client(simulator, Credentials(**created))
        try:
            assert other.group == 0
            assert (await other.get("/account"))["balances"][0]["total"] == "0.000000"
            assert (await other.post_order()).status == 200
            assert (await other.get("/orders"))[0]["code"] == 3002
        finally:
            await other.close()
        assert (await simulator.admin.create_account("5"))["account_group"] == 6
        with pytest.raises(AdminError, match="exists"):
            await simulator.admin.create_account("5", account_group=0)


async def test_revoked_keys():
    async with running() as (simulator, client):
        assert await simulator.admin.revoke_api_key(client.group) == 1
        assert (await client.post_order()).code == 1002


async def test_forced_rejections():
    async with running() as (simulator, client):
        await simulator.admin.reject_next(3010, symbol="BTC-PERP", times=2)
        codes = []
        for symbol, size, price in (("BTC-PERP", "0.1000", "90000.00"), ("ETH-PERP", "0.100", "3000.00"),
                                    ("BTC-PERP", "0.1000", "90000.00"), ("BTC-PERP", "0.1000", "90000.00")):
            order_id = await client.place(symbol=symbol, size=size, limit_price=price)
            codes.append((await client.find(order_id)).get("code"))
        assert codes == [3010, None, 3010, None]


async def test_listen_keys_are_listed_masked_and_deleted():
    async with running() as (simulator, client):
        key = await client.listen_key()
        listed, = await simulator.admin.listen_keys()
        assert listed["account_group"] == 5 and 3_540_000 < listed["expires_in_ms"] <= 3_600_000
        assert key not in json.dumps(listed)
        await simulator.admin.delete_listen_keys()
        assert await simulator.admin.listen_keys() == [] and await client.listen_key() != key


async def test_prices_pause_pin_and_tick():
    async with running() as (simulator, client):
        admin = simulator.admin
        before = await admin.prices()
        await asyncio.sleep(0.06)
        assert await admin.prices() == before
        await admin.tick(3)
        after = await admin.prices()
        assert after["BTC-PERP"]["tick"] == before["BTC-PERP"]["tick"] + 3 and after != before
        await admin.set_price("BTC-PERP", "91234.5")
        await admin.tick(3)
        assert (await admin.prices())["BTC-PERP"]["index"] == "91234.50"
        await admin.release_price("BTC-PERP")
        assert (await admin.prices())["BTC-PERP"]["index"] != "91234.50"
        await admin.resume_prices()
        await admin.set_tick_interval(0.001)
        ticks = (await admin.prices())["ETH-PERP"]["tick"]
        while (await admin.prices())["ETH-PERP"]["tick"] == ticks:
            await asyncio.sleep(0.01)
        await admin.pause_prices()
        assert simulator.exchange.prices_paused


async def test_switches_can_be_enumerated():
    async with running() as (simulator, _):
        choices = await simulator.admin.switch_choices()
        assert set(choices) == set(await simulator.admin.switches())
        assert choices["fees"] == ["cumulative", "single"] and choices["fill_parts"] == "int"
        for name, positions in choices.items():
            for position in positions if isinstance(positions, list) else [1]:
                await simulator.admin.set_switch(name, position)
                assert (await simulator.admin.switches())[name] == position


@pytest.mark.parametrize("command, arguments", [
    ("nothing", {}), ("_account", {"account_group": 5}), ("ledger", {"account_group": 99}), ("ledger", {}),
    ("ledger", {"group": 5}), ("set_price", {"symbol": "X-PERP", "price": "1"}), ("tick", {"n": "x"}),
    ("set_price", {"symbol": "BTC-PERP", "price": "0"}), ("set_price", {"symbol": "BTC-PERP", "price": "NaN"}),
    ("set_price", {"symbol": "BTC-PERP", "price": "much"}), ("set_status", {"symbol": "BTC-PERP", "status": "X"}),
    ("advance_clock", {"ms": -1}), ("set_limits", {"limits": {"orders": 1}}), ("set_tick_interval", {"seconds": 0}),
    ("disconnect_sockets", {"kind": "some"}), ("reject_next", {"code": 1}), ("create_account", {"balance": "-1"})])
async def test_wrong_commands_say_what_is_wrong(command, arguments):
    async with running() as (simulator, _):
        with pytest.raises(AdminError):
            await simulator.admin.call(command, **arguments)
        assert (await simulator.admin.health())["status"] == "ok"


async def test_the_admin_client_is_a_context_manager_for_other_processes():
    async with running() as (simulator, _):
        async with AdminClient(simulator.admin_url) as admin:
            assert (await admin.health())["status"] == "ok"


async def test_the_journal_records_requests_without_secrets():
    async with running() as (simulator, client):
        admin = simulator.admin
        await client.post_order(nonce=5)
        await client.call("GET", "/exchangeInfo", {"symbols": "X"})
        key = await client.listen_key()
        socket = await client.private_socket()
        await client.place(limit_price="90000.00")
        await socket.order_event()
        entries = await admin.journal()
        rest = [entry for entry in entries if entry["kind"] == "rest"]
        assert [(entry["method"], entry["path"], entry["status"], entry["code"]) for entry in rest[:3]] == [
            ("POST", "/orders", 200, None), ("GET", "/exchangeInfo", 400, 1121),
            ("POST", "/account/listenKey", 200, None)]
        assert rest[0]["body"]["order"]["nonce"] == 5 and rest[0]["body"]["signature"] == "***"
        assert rest[1]["query"] == {"symbols": "X"} and rest[0]["duration_ms"] > 0
        text = json.dumps(entries)
        for secret in (key, client.account.api_key, client.account.signing_private_key):
            assert secret not in text
        assert {"frame_sent", "frame_received", "socket_opened"} <= {entry["kind"] for entry in entries}
        assert await admin.journal_counts() == {"POST /orders": 2, "GET /exchangeInfo": 1, "POST /account/listenKey": 2}
        since = rest[1]["seq"]
        assert [entry["seq"] for entry in await admin.journal(kind="rest", since=since)] == [
            entry["seq"] for entry in rest[2:]]
        assert len(await admin.journal(limit=2)) == 2 and len(await admin.journal(path="/orders.*")) == 2
        await admin.clear_journal()
        assert await admin.journal() == [] and await admin.journal_counts() == {}


async def test_the_journal_is_bounded():
    async with running(journal_size=10) as (simulator, client):
        for _ in range(30):
            await client.call("GET", "/ticker/latest")
        entries = await simulator.admin.journal()
        assert len(entries) == 10 and entries[-1]["seq"] == 30


async def test_the_same_seed_gives_the_same_venue():
    async def history(seed):
        async with running(seed=seed) as (simulator, client):
            await simulator.admin.tick(20)
            order_id = await client.market("BTC-PERP", True, "3.0000")
            fill = (await simulator.admin.ledger(client.group))["orders"][0]["fills"][0]
            return (client.account, order_id, fill["price"], await simulator.admin.prices(),
                    await client.public("/depth", symbol="kBONK-PERP"))

    assert await history(4) == await history(4)
    assert (await history(4))[3] != (await history(5))[3]


async def test_a_busy_port_is_an_error_and_leaves_nothing_behind():
    async with running() as (simulator, _):
        port = int(simulator.url.rpartition(":")[2])
        second = VestSimulator(SimulatorConfig(port=0, admin_port=port))
        with pytest.raises(OSError):
            await second.start()
        await second.stop()


@pytest.mark.parametrize("symbols", [DEFAULT_SYMBOLS[:2], ("BTC-PERP", "ETH-PERP")], ids=["specs", "names"])
async def test_only_the_chosen_symbols_are_listed(symbols):
    async with running(symbols=symbols) as (_, client):
        assert [row["symbol"] for row in (await client.public("/exchangeInfo"))["symbols"]] == ["BTC-PERP", "ETH-PERP"]


async def test_many_clients_at_once():
    async with running(accounts=5) as (simulator, first):
        clients = [first] + [Client(simulator, credentials) for credentials in simulator.accounts[1:]]
        await asyncio.gather(*(client.place(limit_price="90000.00") for client in clients for _ in range(20)))
        for client in clients:
            assert len((await simulator.admin.ledger(client.group))["orders"]) == 20
        for client in clients[1:]:
            await client.close()


async def test_no_connection_is_left_when_clients_vanish():
    async with running() as (simulator, client):
        for _ in range(10):
            await client.connect()
        await client.session.close()
        client.session = aiohttp.ClientSession()
        while (await simulator.admin.sockets())["public"]:
            await asyncio.sleep(0.01)


async def test_what_was_injected_is_counted_by_kind_also_when_the_rules_are_gone():
    async with running() as (simulator, client):
        await simulator.admin.add_fault("rest", "status", method="GET", path="/depth", times=2)
        for _ in range(3):
            await client.call("GET", "/depth", params={"symbol": "BTC-PERP"})
        await simulator.admin.clear_faults()
        await simulator.admin.advance_clock(1000)
        assert await simulator.admin.injected() == {"request: status 503 before commit": 2, "advance clock": 1}


@pytest.mark.parametrize("drift", [0.5, -0.5])
async def test_the_clock_can_drift_and_never_runs_backwards(drift):
    async with running() as (simulator, client):
        await simulator.admin.advance_clock(60_000)
        await simulator.admin.set_clock_drift(drift)
        set_s = time.monotonic()
        began_ms, began_s = simulator.clock.now_ms(), time.monotonic()
        times = []
        while time.monotonic() - began_s < 0.4:
            times.append((await simulator.admin.health())["time"])
        least_s = time.monotonic() - began_s
        shown_ms = simulator.clock.now_ms() - began_ms
        most_s = time.monotonic() - set_s
        assert times == sorted(times)
        assert least_s * (1 + drift) * 1000 - 2 <= shown_ms <= most_s * (1 + drift) * 1000 + 2
        with pytest.raises(AdminError):
            await simulator.admin.set_clock_drift(-1)


async def test_the_venue_goes_down_and_comes_back_while_its_engine_goes_on():
    async with running() as (simulator, client):
        socket = await client.subscribe("BTC-PERP@depth")
        await simulator.admin.go_down()
        await simulator.admin.go_down()
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.call("GET", "/exchangeInfo")
        assert (await simulator.admin.sockets())["public"] == 0
        assert (await simulator.admin.health())["status"] == "ok"
        await simulator.admin.come_back()
        await simulator.admin.come_back()
        assert (await client.call("GET", "/exchangeInfo")).status == 200
        await socket.ws.close()


async def test_nobody_else_gets_the_port_of_a_venue_that_is_down():
    async with running() as (simulator, _):
        await simulator.admin.go_down()
        with socket.socket() as other, pytest.raises(OSError):
            other.bind(("127.0.0.1", int(simulator.url.rpartition(":")[2])))
