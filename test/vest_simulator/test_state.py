"""The state file: what survives a stop and a kill, to the last decimal, and what is refused."""
import resource
import sqlite3
import stat
from contextlib import asynccontextmanager
from decimal import Decimal
from test.vest_simulator.client import Client, registration

import aiohttp
import pytest
from eth_account import Account as EthAccount

from vest_simulator import SimulatorConfig, VestSimulator
from vest_simulator.state import keeper as keeper_module
from vest_simulator.state.store import StateError, Store

D = Decimal
pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def venue(path, is_killed=False, **config):
    """A simulator with paused prices that keeps its state, and a client.

    :param is_killed: whether it ends without writing anything more, as a process that is killed
    """
    simulator = VestSimulator(SimulatorConfig(state=path, **{"tick_interval_s": 0.02, **config}))
    simulator.exchange.prices_paused = True
    await simulator.start()
    client = Client(simulator)
    try:
        yield simulator, client
    finally:
        await client.close()
        if is_killed:
            simulator.close_state()
        try:
            await simulator.stop()
        finally:
            simulator.close_state()


async def busy_life(simulator, client):
    """Every sort of thing that can be kept."""
    admin, group = simulator.admin, client.group
    await admin.set_funding_rate("BTC-PERP", "0.00123456789")
    await client.market("BTC-PERP", True, "0.1234")
    await client.market("ETH-PERP", False, "1.234")
    await admin.advance_clock(40 * 60_000)
    await client.market("BTC-PERP", True, "0.0001")
    open_id = await client.place(symbol="BTC-PERP", limit_price="80000.00", size="0.0100")
    cancelled_id = await client.place(symbol="ETH-PERP", limit_price="2000.00", size="0.010")
    assert (await client.cancel(cancelled_id)).status == 200
    await admin.reject_next(3001)
    await client.place(symbol="BTC-PERP", limit_price="70000.00", size="0.0100")
    leverage = {"time": client.now_ms, "symbol": "SOL-PERP", "value": 3}
    assert (await client.call("POST", "/account/leverage", body=leverage)).status == 200
    await admin.deposit(group, "12.345678")
    await admin.create_account("777", account_group=41)
    return open_id


async def everything(simulator):
    ledgers = [await simulator.admin.ledger(group) for group in sorted(simulator.exchange.accounts)]
    return [{name: value for name, value in ledger.items() if name != "time"} for ledger in ledgers]


@pytest.mark.parametrize("is_killed", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("api_key_format", ["opaque", "jwt"])
async def test_accounts_orders_and_keys_survive(tmp_path, is_killed, api_key_format):
    path = tmp_path / "state.db"
    async with venue(path, is_killed) as (simulator, client):
        simulator.config.switches.set("api_key_format", api_key_format)
        open_id = await busy_life(simulator, client)
        signer, primary = EthAccount.create(), EthAccount.create()
        body = registration(primary.key.hex(), signer.address.lower(), client.now_ms + 10 ** 9)
        registered = (await client.call("POST", "/register", body=body)).json
        for symbol in simulator.exchange.markets:  # so that funding does not grow while the two are compared
            await simulator.admin.set_funding_rate(symbol, 0)
        order = await client.find(open_id)
        accounts, last_order = list(simulator.accounts), client.order(limit_price="70000.00", size="0.0010")
        assert (await client.call("POST", "/orders", body=client.signed(last_order))).status == 200
        before, nonces = await everything(simulator), client.nonces
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    async with venue(path) as (simulator, client):
        client.nonces = nonces
        for symbol in simulator.exchange.markets:
            await simulator.admin.set_funding_rate(symbol, 0)
        assert simulator.accounts == accounts
        after = await everything(simulator)
        for old, new in zip(before, after):
            for rows in (old["positions"], new["positions"]):
                for row in rows:  # the walk goes on where it was, up to the premium
                    del row["markPrice"], row["unrealizedPnl"], row["pendingFunding"]
            for ledger in (old, new):
                del ledger["balances"]["equity"], ledger["balances"]["usedMargin"]
            assert new == old
        assert await client.find(open_id) == order
        headers = {"X-API-KEY": registered["apiKey"], "xrestservermm": f"restserver{registered['accGroup']}"}
        answer = await client.call("GET", "/account", {"time": client.now_ms}, headers=headers)
        assert answer.status == 200 and D(answer.json["collateral"]) == simulator.config.balance
        again = await client.call("POST", "/orders", body=client.signed(last_order, recvWindow=60_000))
        assert again.code == 3015
        assert (await client.cancel(open_id)).status == 200
        new_id = await client.place(limit_price="70000.00", size="0.0010")
        assert new_id not in {row["id"] for ledger in before for row in ledger["orders"]}
        await client.market("ETH-PERP", True, "1.234")
        assert [row["symbol"] for row in (await client.get("/account"))["positions"]] == ["BTC-PERP"]


async def test_pending_funding_survives_and_none_accrues_while_the_venue_is_down(tmp_path):
    path = tmp_path / "state.db"
    async with venue(path) as (simulator, client):
        await simulator.admin.set_price("BTC-PERP", "95000")
        await client.market("BTC-PERP", True, "1.0000")
        await simulator.admin.set_funding_rate("BTC-PERP", "0.001")
        await simulator.admin.advance_clock(3_600_000)
        await simulator.admin.set_funding_rate("BTC-PERP", 0)
        pending = (await simulator.admin.ledger(client.group))["positions"][0]["pendingFunding"]
        assert D(pending) < -94
    async with venue(path, clock_offset_ms=10 * 3_600_000) as (simulator, client):
        await simulator.admin.set_funding_rate("BTC-PERP", 0)
        now = (await simulator.admin.ledger(client.group))["positions"][0]["pendingFunding"]
        assert abs(D(now) - D(pending)) < D("0.01")


async def test_prices_go_on_where_they_stood(tmp_path):
    path = tmp_path / "state.db"
    async with venue(path) as (simulator, client):
        await simulator.admin.tick(500)
        before = await simulator.admin.prices()
    async with venue(path) as (simulator, client):
        after = await simulator.admin.prices()
        assert {symbol: (row["index"], row["tick"]) for symbol, row in after.items()} == {
            symbol: (row["index"], row["tick"]) for symbol, row in before.items()}
        rows = await client.public("/klines", symbol="BTC-PERP", interval="1h")
        assert abs(D(rows[-2][4]) / D(before["BTC-PERP"]["index"]) - 1) < D("0.02")


async def test_the_venues_clock_never_runs_backwards_over_a_restart(tmp_path):
    path = tmp_path / "state.db"
    async with venue(path) as (simulator, client):
        await simulator.admin.advance_clock(86_400_000)
        last_ms = simulator.clock.now_ms()
        await client.place(limit_price="70000.00")
    async with venue(path) as (simulator, client):
        assert simulator.clock.now_ms() >= last_ms


async def test_orders_and_payments_that_are_kept_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(keeper_module, "MOST_ORDERS", 20)
    monkeypatch.setattr(keeper_module, "MOST_RECORDS", 10)
    path = tmp_path / "state.db"
    async with venue(path) as (simulator, client):
        kept = await client.place(limit_price="70000.00", size="0.0010")
        for number in range(60):
            await simulator.admin.place_order(client.group, "BTC-PERP", number % 2 == 0, "0.01", nonce=number + 1)
            await simulator.admin.deposit(client.group, "1")
        before = await simulator.admin.ledger(client.group)
        assert 20 <= len(before["orders"]) <= 23 and len(before["transfers"]) == 10
    async with venue(path) as (simulator, client):
        after = await simulator.admin.ledger(client.group)
        for name in ("orders", "transfers", "fees", "realizedPnl", "settledFunding"):
            assert after[name] == before[name]
        assert (await client.find(kept))["status"] == "NEW"
        for _ in range(5):
            await simulator.admin.deposit(client.group, "1")
        transfers = (await simulator.admin.ledger(client.group))["transfers"]
    async with venue(path) as (simulator, client):
        assert (await simulator.admin.ledger(client.group))["transfers"] == transfers


async def test_a_position_in_a_market_that_is_not_listed_is_refused(tmp_path):
    path = tmp_path / "state.db"
    async with venue(path) as (simulator, client):
        await client.market("ETH-PERP", True, "1.000")
    with pytest.raises(StateError, match="position or an order in ETH-PERP, which is not listed here"):
        async with venue(path, symbols=("BTC-PERP",)):
            pass


async def test_two_simulators_cannot_share_a_state(tmp_path):
    path = tmp_path / "state.db"
    async with venue(path):
        with pytest.raises(StateError, match="in use by another simulator"):
            VestSimulator(SimulatorConfig(state=path))


def spoil_rows(path, statement):
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = DELETE")
    database.execute(statement)
    database.close()


@pytest.mark.parametrize("spoil, words", [
    (lambda path: path.write_text("{}"), "is damaged .file is not a database.*left as it is"),
    (lambda path: path.write_bytes(b""), "is not a state file of the simulator"),
    (lambda path: path.write_bytes(path.read_bytes()[:6000]), "is damaged"),
    (lambda path: path.write_bytes(path.read_bytes()[:4100] + b"\xff" * 300 + path.read_bytes()[4400:]), "is damaged"),
    (lambda path: spoil_rows(path, "UPDATE items SET body = replace(body, '100000', '900000') WHERE kind = 'account'"),
     r"is damaged \(account\)"),
    (lambda path: spoil_rows(path, "UPDATE items SET body = '{}', checksum = 2745614147 WHERE kind = 'order'"),
     r"is damaged \(order\)"),
    (lambda path: spoil_rows(path, "DROP TABLE items"), "cannot be kept|is damaged"),
    (lambda path: spoil_rows(path, "PRAGMA user_version = 9"), "another version"),
    (lambda path: spoil_rows(path, "PRAGMA application_id = 9"), "is not a state file of the simulator"),
])
async def test_what_is_no_sound_state_is_refused_in_a_sentence_and_left_as_it_is(tmp_path, spoil, words):
    path = tmp_path / "state.db"
    async with venue(path) as (simulator, client):
        await client.place(limit_price="70000.00")
    spoil(path)
    content = path.read_bytes()
    with pytest.raises(StateError, match=words) as raised:
        VestSimulator(SimulatorConfig(state=path))
    assert path.read_bytes() == content and len(str(raised.value).splitlines()) == 1
    assert client.account.api_key not in str(raised.value)


async def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(StateError, match="cannot be kept in"):
        VestSimulator(SimulatorConfig(state=tmp_path / "nowhere" / "state.db"))


async def test_what_cannot_be_kept_is_not_answered(tmp_path, caplog):
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    requests = [("place", {"limit_price": "71000.00"}), ("get", {"path": "/orders"}), ("get", {"path": "/account"}),
                ("public", {"path": "/ticker/latest"})]
    cut = []
    with pytest.raises(StateError, match="The state cannot be kept"):  # at last, when the simulator is stopped
        async with venue(tmp_path / "state.db", tick_interval_s=3600) as (simulator, client):
            await client.place(limit_price="70000.00")
            resource.setrlimit(resource.RLIMIT_FSIZE, (1, old[1]))  # as a disk that is full
            for name, arguments in requests:
                try:
                    await getattr(client, name)(**arguments)
                except aiohttp.ClientError:
                    cut.append((name, arguments))
                finally:
                    resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert cut == requests and caplog.records == []  # nor is there a traceback
    async with venue(tmp_path / "state.db") as (simulator, client):
        order, = await client.get("/orders")
        assert D(order["limitPrice"]) == 70_000


async def test_nothing_of_a_write_that_fails_is_kept(tmp_path):
    store = Store(tmp_path / "state.db")
    with pytest.raises(RuntimeError):
        with store.writing():
            store.put("venue", "venue", 1)
            raise RuntimeError
    store.close()
    store = Store(tmp_path / "state.db")
    assert list(store.items("venue")) == []
    store.close()
