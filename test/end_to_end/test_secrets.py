"""No secret gets out: not into a log at any level, an error, the words of an object, an argument or a file in clear."""
import asyncio
import gc
import json
import logging
import os
import re
import shutil
import traceback
from contextlib import contextmanager
from pathlib import Path
from test.end_to_end.bench import running, switches
from test.end_to_end.secrets import leaks, words_of_error, words_of_record

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError
from workbench.client import Client
from workbench.home import PROJECT, Home
from workbench.simulator import Simulator

CONNECTOR = CONSTANTS.SIMULATOR_DOMAIN
ANYTHING = ".*"
_OUR_MODULES = re.compile(r"hummingbot\..*vest_perpetual")


@contextmanager
def everything_logged():
    """Every logger at DEBUG, and asyncio in its debug mode, which shows what it calls."""
    root = logging.getLogger()
    loop = asyncio.get_running_loop()
    level, slow_s = root.level, loop.slow_callback_duration
    root.setLevel(logging.DEBUG)
    loop.set_debug(True)
    loop.slow_callback_duration = 0.001
    try:
        yield
    finally:
        root.setLevel(level)
        loop.set_debug(False)
        loop.slow_callback_duration = slow_s


def assert_no_leak(bench, *texts):
    records = [words for record in bench.log.records for words in words_of_record(record)]
    assert len(bench.secrets) >= 3  # API key, signing key, listen key
    assert leaks([*records, *bench.log.lines, *texts], bench.secrets) == []


def echoes(bench):
    """What an indiscreet venue says back: what it was sent."""
    bench.remember_secrets()
    signature = "0x" + "ab" * 65
    told = " ".join([*bench.secrets, signature])
    return {
        "message": json.dumps({"code": 1022, "msg": f"bad signature {signature} of key {told}"}),
        "detail": json.dumps({"detail": {"code": 1002, "msg": told}}),
        "words": json.dumps({"detail": told}),
        "no json": f"500 Internal Error: X-API-KEY: {told}",
        "page": f"<html>{told}</html>",
        "list": json.dumps({"detail": [{"input": {"signature": signature}, "headers": bench.bot.credentials.api_key}]}),
        "upper": f"KEY {told.upper()}",
        "url": f"wss://venue/ws-api?version=1.0&listenKey={max(bench.secrets)}",
    }


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_a_venue_that_says_back_what_it_was_sent_is_not_quoted(status):
    async with running(is_checked=False) as bench:
        bench.expected_complaints = [ANYTHING]
        with everything_logged():
            order_id = bench.bot.limit_order()
            await bench.bot.open(order_id)
            for body in echoes(bench).values():
                fault = await bench.admin.add_fault("rest", "status", status=status, body=body)
                failed = bench.bot.buy("BTC-USDC", "0.01")
                await bench.until(lambda: bench.has_struck(fault, 2))
                await bench.admin.disconnect_sockets("private")
                await bench.until(lambda: bench.has_struck(fault, 4))
                await bench.admin.remove_fault(fault)
                assert failed in bench.bot.placed
        events = [repr(event) for event in bench.bot.events]
        assert_no_leak(bench, *events)


@pytest.mark.asyncio
async def test_sockets_that_quote_the_listen_key_are_not_quoted():
    async with running() as bench:
        bench.expected_complaints = [ANYTHING]
        with everything_logged():
            for body in echoes(bench).values():
                for raw in (body, json.dumps({"error": body, "id": 99}), json.dumps({"channel": body, "data": body}),
                            json.dumps({"data": {"event": body, "args": body}, "channel": "account_private"})):
                    await bench.admin.push_private(bench.bot.account_group, raw=raw)
                    await bench.admin.push_public(raw=raw)
                fault = await bench.admin.add_fault("socket", "refuse_handshake", status=401, body=body)
                await bench.admin.disconnect_sockets()
                await bench.until(lambda: bench.has_struck(fault, 1))
                await bench.admin.remove_fault(fault)
            await bench.until(lambda: bench.connector.ready)
            await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        assert_no_leak(bench)


@pytest.mark.asyncio
@pytest.mark.parametrize("rule", [
    dict(action="reset"), dict(action="truncate", when="after"), dict(action="status", status=307, headers={
        "Location": "http://127.0.0.1:9/elsewhere?listenKey=LISTEN_KEY"}),
    dict(action="status", status=200, body='{"listenKey": "LISTEN_KEY", "id": NaN'),
    dict(action="status", status=200, body="x", headers={"Content-Encoding": "gzip"}),
], ids=["reset", "truncated", "redirected", "unreadable", "no gzip"])
async def test_broken_answers_leave_no_secret_in_errors_or_their_causes(rule):
    async with running() as bench:
        bench.expected_complaints = [ANYTHING]
        bench.remember_secrets()
        secret = max(bench.secrets)
        rule = json.loads(json.dumps(rule).replace("LISTEN_KEY", secret))
        with everything_logged():
            fault = await bench.admin.add_fault("rest", path="/account.*", **rule)
            errors = []
            for method in ("_make_account_request", "_get_listen_key"):
                with pytest.raises(VestError) as failure:
                    await _private_request(bench, method)
                errors.append(failure.value)
            await bench.admin.disconnect_sockets("private")
            await bench.until(lambda: bench.has_struck(fault, 4))
            await bench.admin.clear_faults()
            await bench.until(lambda: bench.connector.ready)
        told = [words for error in errors for words in words_of_error(error)]
        if rule["action"] == "reset":  # the others are the venue's own words, which it has quoted the key in
            told += [words for error in errors for words in _locals(error)]
        assert_no_leak(bench, *told)


def _locals(error):
    """The variables of the connector's functions, as a debugger or a reporter of errors would show them."""
    stack = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    frames = [frame for frame in stack if "vest_perpetual" in frame.filename]
    assert frames
    return [f"{name} = {value}" for frame in frames for name, value in frame.locals.items()]


async def _private_request(bench, method):
    if method == "_get_listen_key":
        await bench.connector._user_stream_tracker.data_source._get_listen_key()
    else:
        await bench.connector._update_account()


@pytest.mark.asyncio
async def test_a1_refused_keys_are_not_shown():
    async with running(accounts=2, is_started=False, is_checked=False) as bench:
        bench.expected_complaints = [ANYTHING]
        wrong_key = "0x" + "5a" * 32
        for changes in ({"vest_perpetual_signing_private_key": wrong_key},
                        {"vest_perpetual_signing_private_key": "5a" * 31 + "zz"},
                        {"vest_perpetual_api_key": "a-wrong-api-key-that-nobody-may-see"}):
            with everything_logged():
                bench.bot.construct(**changes)
                bench.bot.run()
                await bench.until(lambda: bench.connector.trading_rules)
                order_id = bench.bot.buy("BTC-USDC", "0.01", price="50000")
                # Without a key that is accepted, nobody can tell what became of an order whose answer was lost.
                await bench.until(lambda: bench.bot.is_done(order_id) or bench.said("not known whether Vest has order"))
                await bench.bot.stop()
            texts = [*bench.log.lines, *(repr(event) for event in bench.bot.events)]
            texts += [words for record in bench.log.records for words in words_of_record(record)]
            assert leaks(texts, [*changes.values(), bench.bot.credentials.api_key]) == []


@pytest.mark.asyncio
async def test_no_object_shows_a_secret():
    """Whatever is printed in a debugger, a traceback or asyncio's words about a task."""
    async with running(**switches(pong_case="pong")) as bench:
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        bench.remember_secrets()
        connector = bench.connector
        objects = [
            connector, connector.authenticator, connector._web_assistants_factory, connector._user_stream_tracker,
            connector._user_stream_tracker.data_source, connector.order_book_tracker.data_source, connector.throttler,
            connector._user_stream_tracker.data_source._ws_assistant, connector._markets, connector._orders,
            *asyncio.all_tasks(), *connector._order_tracker.all_orders.values(),
        ]
        ours = [thing for thing in gc.get_objects() if _OUR_MODULES.match(str(getattr(type(thing), "__module__", "")))]
        texts = [words for thing in objects + ours for words in (repr(thing), str(thing))]
        assert len(ours) > 10
        assert leaks(texts, bench.secrets) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_real_client_keeps_its_keys_encrypted_and_to_itself(tmp_path):
    folder = PROJECT / ".runs" / f"test-secrets-{os.getpid()}"
    folder.mkdir(parents=True)
    home = None
    try:
        with Simulator(folder, {"seed": 3, "symbols": "BTC-PERP"}) as simulator:
            home = Home.create(folder / "home")
            client = Client(home, "a password", {"VEST_SIMULATOR_URL": simulator.url})
            account = simulator.accounts[0]
            client.connect(CONNECTOR, {f"{CONNECTOR}_{name}": str(value) for name, value in account.items()})
            secrets = [account["api_key"], account["signing_private_key"]]
            outputs = [json.dumps(client.balance(CONNECTOR))]
            client.create("vest_market_making", "one.yml", {"connector_name": CONNECTOR, "trading_pair": "BTC-USDC"})
            client.create("v2_with_controllers", "both.yml", {"controllers_config": ["one.yml"]})
            client.start("both.yml")
            outputs.append(json.dumps(client.status()))
            processes = client.processes()
            assert processes
            for process in processes:
                for name in ("cmdline", "environ"):
                    outputs.append(Path(f"/proc/{process.pid}/{name}").read_bytes().replace(b"\0", b"\n").decode())
            simulator.ask("add_fault", "rest", "status", status=500, body=f"<p>{' '.join(secrets)}</p>", times=10)
            outputs.append(json.dumps(client.status()))
            simulator.ask("clear_faults")
            client.stop()
            outputs.append(client.history())
            assert client.wait_for_end() == []
        home.remove_package()
        files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        keystore = home.root / "conf" / "connectors" / f"{CONNECTOR}.yml"
        assert keystore in files and f"{CONNECTOR}_api_key" in keystore.read_text()
        texts = {str(path): path.read_bytes().decode("latin-1") for path in files}
        assert any("log" in name for name in texts)
        assert [name for name, text in texts.items() if leaks([text], secrets)] == []
        assert leaks(outputs, secrets) == []
    finally:
        if home is not None:
            Client(home, "a password").kill()
            shutil.rmtree(home.root)
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
