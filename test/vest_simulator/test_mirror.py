"""The mirror: a second simulator is the live venue whose public feed another one follows."""
import asyncio
import inspect
import json
import logging
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from test.vest_simulator.client import Client

import brotli
import pytest

from vest_simulator import SimulatorConfig, VestSimulator
from vest_simulator.feeds import public_wire
from vest_simulator.feeds.mirror import HOSTS, Mirror, MirrorError, MirrorTiming

D = Decimal
QUICK = MirrorTiming(stale_after_s=30.0, poll_s=0.3, ping_s=0.3, timeout_s=20.0, markets_s=0.5, backoff_min_s=0.05,
                     backoff_max_s=0.2, request_pause_s=0.0)
NAMES = ("BTC-PERP", "kBONK-PERP")


@asynccontextmanager
async def mirrored(live_config=None, symbols=NAMES, timing=QUICK, **config):
    """A live venue with paused prices, a simulator that mirrors it, and a client of the latter."""
    async with VestSimulator(SimulatorConfig(seed=3, tick_interval_s=0.02, **(live_config or {}))) as live:
        live.exchange.prices_paused = True
        await live.admin.tick(100)
        paper = VestSimulator(SimulatorConfig(tick_interval_s=0.02, mirror=live.url, symbols=symbols, **config))
        paper.feed._timing = timing
        async with paper:
            client = Client(paper)
            try:
                yield live, paper, client
            finally:
                await client.close()


async def until(condition):
    deadline_s = time.monotonic() + 30
    while True:
        result = condition()
        if await result if inspect.isawaitable(result) else result:
            return
        assert time.monotonic() < deadline_s, inspect.getsource(condition)
        await asyncio.sleep(0.02)


def same_price(live, paper, symbol="BTC-PERP"):
    ours, theirs = paper.exchange.markets[symbol].price, live.exchange.markets[symbol].price
    return (ours.index, ours.mark) == (theirs.index, theirs.mark)


@pytest.mark.asyncio
async def test_prices_history_funding_and_decimals_are_the_live_ones():
    async with mirrored() as (live, paper, client):
        assert list(paper.exchange.markets) == list(NAMES)
        for symbol in NAMES:
            ours, theirs = paper.exchange.markets[symbol].spec, live.exchange.markets[symbol].spec
            for name in ("size_decimals", "price_decimals", "init_margin_ratio", "maint_margin_ratio", "taker_fee"):
                assert getattr(ours, name) == getattr(theirs, name)
        other = Client(live)
        for interval, first in (("1m", -400), ("1h", -400), ("1d", -400)):
            theirs = await other.public("/klines", symbol="BTC-PERP", interval=interval)
            ours = await client.public("/klines", symbol="BTC-PERP", interval=interval)
            old = {row[0]: [D(value) for value in row[1:5] + row[6:7]] for row in theirs[first:-2]}
            assert old == {row[0]: [D(value) for value in row[1:5] + row[6:7]] for row in ours if row[0] in old}
        await other.close()
        await live.admin.set_funding_rate("BTC-PERP", "0.00077")
        await live.admin.tick(3)
        await until(lambda: same_price(live, paper))
        await live.admin.set_price("BTC-PERP", "94000")
        await until(lambda: same_price(live, paper))
        await until(lambda: paper.exchange.markets["BTC-PERP"].funding.rate_at(paper.clock.now_ms()) == D("0.00077"))


@pytest.mark.asyncio
async def test_the_first_price_that_is_served_is_the_live_one_and_a_kept_order_fills_at_it(tmp_path):
    async with VestSimulator(SimulatorConfig(seed=3, tick_interval_s=3600)) as live:
        await live.admin.set_price("BTC-PERP", "94000")
        state = {"mirror": live.url, "state": tmp_path / "state.db", "symbols": NAMES, "tick_interval_s": 3600}
        async with VestSimulator(SimulatorConfig(**state)) as paper:
            assert same_price(live, paper)
            client = Client(paper)
            order_id = await client.place(limit_price="93500.00", size="0.0100")
            await client.close()
        await live.admin.set_price("BTC-PERP", "93000")
        async with VestSimulator(SimulatorConfig(**state)) as paper:
            assert same_price(live, paper)
            client = Client(paper)
            row = await client.find(order_id)
            assert row["status"] == "FILLED" and D("93000") < D(row["avgFilledPrice"]) < D("93100")
            await client.close()


@pytest.mark.asyncio
async def test_orders_trade_at_the_live_prices_and_a_halt_there_is_a_halt_here():
    async with mirrored() as (live, paper, client):
        await live.admin.set_price("BTC-PERP", "94000")
        await until(lambda: same_price(live, paper))
        order_id = await client.place(limit_price="93500.00", size="0.0100")
        assert (await client.find(order_id))["status"] == "NEW"
        await live.admin.set_price("BTC-PERP", "93499")

        async def is_filled():
            return (await client.find(order_id))["status"] == "FILLED"

        await until(is_filled)
        await live.admin.set_status("BTC-PERP", "HALT")
        await until(lambda: not paper.exchange.markets["BTC-PERP"].trading)
        assert paper.exchange.markets["kBONK-PERP"].trading
        row = await client.find(await client.market("BTC-PERP", True, "0.0100"))
        assert (row["status"], row["code"]) == ("REJECTED", 3024)
        await live.admin.set_status("BTC-PERP", "TRADING")
        await until(lambda: paper.exchange.markets["BTC-PERP"].trading)


@pytest.mark.asyncio
async def test_a_lost_feed_halts_all_markets_until_it_is_back_and_is_said_once(caplog):
    async with mirrored(timing=replace(QUICK, stale_after_s=3.0)) as (live, paper, client):
        await live.admin.set_price("BTC-PERP", "94000")
        await until(lambda: same_price(live, paper))
        order_id = await client.place(limit_price="93500.00", size="0.0100")
        await live.go_down()
        await until(lambda: not any(market.trading for market in paper.exchange.markets.values()))
        await live.admin.set_price("BTC-PERP", "93000")
        row = await client.find(await client.market("BTC-PERP", True, "0.0100"))
        assert (row["status"], row["code"]) == ("REJECTED", 3024)
        assert (await client.find(order_id))["status"] == "NEW"
        await live.come_back()
        await until(lambda: all(market.trading for market in paper.exchange.markets.values()))
        row = await client.find(order_id)
        assert row["status"] == "FILLED" and D(row["avgFilledPrice"]) < D("93100")
        words = [record.getMessage() for record in caplog.records
                 if record.levelno > logging.DEBUG and live.url in record.getMessage()]
        assert [("is lost:" in line, "is back:" in line) for line in words] == [(True, False), (False, True)]


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", ["close", "freeze", "mute", "refuse_handshake"])
async def test_a_socket_that_fails_is_replaced_and_meanwhile_rest_is_asked(fault, caplog):
    async with mirrored() as (live, paper, client):
        await until(lambda: "tickers" in {name for socket in live.hub.sockets for name in socket.channels})
        times = {} if fault == "refuse_handshake" else {"times": 1}
        await live.admin.add_fault("socket", fault, **times)
        if fault == "refuse_handshake":
            await live.admin.disconnect_sockets()
        for price in ("94000", "93000"):
            await live.admin.set_price("BTC-PERP", price)
            await until(lambda: same_price(live, paper))
        assert not [line for line in caplog.messages if "is lost" in line]


@pytest.mark.asyncio
@pytest.mark.parametrize("switch, position", [
    ("frame_encoding", "binary"), ("frame_encoding", "brotli"), ("tickers", "partial"), ("envelope_time", True),
    ("rest_compression", "brotli"), ("subscribe_answer", "outcomes"), ("newer_exchange_info", True)])
async def test_every_form_of_the_protocol_is_understood(switch, position):
    async with mirrored() as (live, paper, client):
        live.config.switches.set(switch, position)
        for price in ("94000", "93000"):
            await live.admin.set_price("BTC-PERP", price)
            await until(lambda: same_price(live, paper))


@pytest.mark.asyncio
async def test_a_market_that_is_delisted_there_is_halted_here():
    async with mirrored() as (live, paper, client):
        await live.admin.delist("kBONK-PERP")
        await until(lambda: not paper.exchange.markets["kBONK-PERP"].trading)
        assert paper.exchange.markets["BTC-PERP"].trading


@pytest.mark.asyncio
async def test_only_public_questions_are_sent_and_few_of_them():
    async with mirrored() as (live, paper, client):
        await client.market("BTC-PERP", True, "0.0100")
        await until(lambda: live.hub.sockets)
        entries = live.journal.entries()
        asked = [entry for entry in entries if entry["kind"] == "rest"]
        assert {entry["method"] for entry in asked} == {"GET"}
        assert {entry["path"] for entry in asked} == {"/exchangeInfo", "/ticker/latest", "/klines"}
        assert len([entry for entry in asked if entry["path"] == "/klines"]) == 3 * len(NAMES)
        opened = [entry for entry in entries if entry["kind"] == "socket_opened"]
        assert opened and {entry["socket_kind"] for entry in opened} == {"public"}
        assert all("listenKey" not in entry["query"] for entry in opened)
        methods = {entry["payload"]["method"] for entry in entries if entry["kind"] == "frame_received"}
        assert methods <= {"SUBSCRIBE", "PING"}


@pytest.mark.asyncio
async def test_all_markets_are_mirrored_when_none_are_named():
    async with mirrored(symbols=None) as (live, paper, _):
        assert list(paper.exchange.markets) == list(live.exchange.markets)


@pytest.mark.asyncio
@pytest.mark.parametrize("symbols, words", [(("NO-PERP",), "does not list NO-PERP"), (None, "Cannot connect")])
async def test_a_venue_that_cannot_be_mirrored_is_one_sentence(symbols, words):
    async with VestSimulator(SimulatorConfig()) as live:
        url = live.url
        if symbols is None:
            await live.go_down()
        with pytest.raises(MirrorError, match=words):
            async with VestSimulator(SimulatorConfig(mirror=url, symbols=symbols)):
                pass
    with pytest.raises(MirrorError, match="neither a URL nor one of production, testnet"):
        Mirror("somewhere")


def test_the_known_venues_have_the_hosts_of_the_protocol():
    assert HOSTS["production"] == ("https://server-prod.hz.vestmarkets.com/v2",
                                   "wss://ws-prod.hz.vestmarkets.com/ws-api")
    assert HOSTS["testnet"] == ("https://server-dev.hz.vestmarkets.com/v2", "wss://ws-dev.hz.vestmarkets.com/ws-api")


TICKER = {"symbol": "BTC-PERP", "indexPrice": "95000.1", "markPrice": "95000.2", "status": "TRADING"}


@pytest.mark.parametrize("row, is_read", [
    (TICKER, True), (TICKER | {"oneHrFundingRate": None}, True), (TICKER | {"indexPrice": "0"}, False),
    (TICKER | {"markPrice": "-1"}, False), (TICKER | {"indexPrice": "NaN"}, False), (TICKER | {"indexPrice": 1}, False),
    (TICKER | {"symbol": 7}, False), (TICKER | {"indexPrice": "9" * 30}, False), (None, False), ([], False),
    ({}, False)])
def test_odd_tickers_are_left_out(row, is_read):
    assert len(public_wire.tickers({"tickers": [row, TICKER]})) == 1 + is_read
    frame = json.dumps({"channel": "tickers", "data": [row]}).encode()
    for data in (frame, frame.decode(), brotli.compress(frame)):
        assert len(public_wire.tickers_frame(data)) == is_read


INFO = {"symbol": "BTC-PERP", "base": "BTC", "quote": "USDC", "sizeDecimals": 4, "priceDecimals": 2,
        "initMarginRatio": "0.02", "maintMarginRatio": "0.01", "takerFee": "0.0001"}


@pytest.mark.parametrize("change, is_read", [
    ({}, True), ({"takerFee": "0"}, True), ({"minTickSize": "0.25"}, True), ({"symbol": ["BTC-PERP"]}, False),
    ({"symbol": "ETH-PERP"}, False), ({"sizeDecimals": "4"}, False), ({"priceDecimals": 99}, False),
    ({"initMarginRatio": "0"}, False), ({"maintMarginRatio": "0.5"}, False), ({"takerFee": "-1"}, False),
    ({"takerFee": None}, False)])
def test_odd_markets_are_left_out(change, is_read):
    tickers = {ticker.symbol: ticker for ticker in public_wire.tickers([TICKER])}
    assert len(list(public_wire.specs({"symbols": [INFO | change, 7]}, tickers))) == is_read


KLINE = [1_714_564_800_000, "1.5", "2", "1", "1.7", 1_714_564_859_999, "3", "5", 4]


@pytest.mark.parametrize("change, is_read", [
    ({}, True), ({0: "1"}, False), ({5: 7}, False), ({2: "1.6"}, False), ({6: "-1"}, False), ({1: "x"}, False),
    ({4: 1.7}, False)])
def test_odd_klines_are_left_out(change, is_read):
    tickers = {ticker.symbol: ticker for ticker in public_wire.tickers([TICKER])}
    spec, = public_wire.specs({"symbols": [INFO]}, tickers)
    row = [change.get(column, value) for column, value in enumerate(KLINE)]
    assert len(public_wire.bars([row, None, [], KLINE[:3], row], spec)) == is_read


@pytest.mark.parametrize("data", ["", "nonsense", b"\xff\x00", "[]", "null", '{"channel": "tickers"}', "[" * 100_000,
                                  '{"channel": "tickers", "data": 7}', '{"data": "PONG"}', b"{}",
                                  brotli.compress(b"[" * (64 << 20), quality=1), brotli.compress(b"[7]")[:-1]])
def test_odd_frames_are_left_out(data):
    assert public_wire.tickers_frame(data) == []
