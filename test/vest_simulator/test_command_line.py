"""`python -m vest_simulator` as a process of its own."""
import contextlib
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import threading
import urllib.request
from decimal import Decimal
from http.client import HTTPException
from urllib.parse import urlsplit

import pytest

from workbench.simulator import facts_when_ready, launch

START_S = 60
KILLS = 3


def start(*arguments):
    return launch(*arguments, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(tmp_path, number):
    ready = tmp_path / "ready.json"
    process = start("--port", "0", "--admin-port", "0", "--seed", "7", "--symbols", "BTC-PERP,SPX-PERP",
                    "--ready-file", ready)
    facts = facts_when_ready(process, ready)
    assert stat.S_IMODE(os.stat(ready).st_mode) == 0o600
    assert set(facts) == {"url", "admin_url", "accounts"}
    assert set(facts["accounts"][0]) == {"api_key", "signing_private_key", "account_group"}
    with urllib.request.urlopen(facts["url"] + "/v2/exchangeInfo", timeout=30) as answer:
        assert [row["symbol"] for row in json.load(answer)["symbols"]] == ["BTC-PERP", "SPX-PERP"]
    process.send_signal(number)
    out, err = process.communicate(timeout=START_S)
    assert (process.returncode, err) == (0, "")
    assert "connect vest_perpetual_simulator" in out and facts["accounts"][0]["api_key"] in out
    assert facts["accounts"][0]["signing_private_key"] in out and facts["url"] in out


def test_a_busy_port_is_one_clear_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start("--port", port, "--admin-port", "0")
        out, err = process.communicate(timeout=START_S)
    assert process.returncode == 1 and out == ""
    assert str(port) in err and "--port" in err and len(err.splitlines()) == 1


def test_the_admin_api_has_the_port_after_that_of_the_venue():
    with contextlib.ExitStack() as sockets:
        taken = sockets.enter_context(socket.socket())
        with contextlib.ExitStack() as tried:
            for _ in range(100):
                free = tried.enter_context(socket.socket())
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
                with contextlib.suppress(OSError, OverflowError):
                    taken.bind(("127.0.0.1", port + 1))
                    break
        taken.listen()
        process = start("--port", port)
        try:
            _, err = process.communicate(timeout=START_S)
        finally:
            process.kill()
    assert process.returncode == 1 and f"('127.0.0.1', {port + 1})" in err and len(err.splitlines()) == 1


def test_any_port_means_any_for_the_admin_api_too(tmp_path):
    process = start("--port", "0", "--symbols", "BTC-PERP", "--ready-file", tmp_path / "ready.json")
    try:
        facts = facts_when_ready(process, tmp_path / "ready.json")
    finally:
        process.kill()
        process.communicate()
    ports = {urlsplit(facts[name]).port for name in ("url", "admin_url")}
    assert len(ports) == 2 and min(ports) > 1024 and 8788 not in ports


@pytest.mark.parametrize("arguments", [["--symbols", "NO-PERP"], ["--balance", "much"], ["--balance", "-1"]])
def test_wrong_arguments(arguments):
    process = start(*arguments)
    _, err = process.communicate(timeout=START_S)
    assert process.returncode == 2 and "usage" in err


def test_a_state_that_cannot_be_written_any_more_ends_the_simulator_with_a_sentence(tmp_path):
    ready, state = tmp_path / "ready.json", tmp_path / "state.db"
    limit = (150_000, 150_000)  # bytes of a file, soon to be reached by prices that are kept every second
    process = launch("--port", "0", "--admin-port", "0", "--ready-file", ready, "--state", state, text=True,
                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    admin_url = facts_when_ready(process, ready)["admin_url"]
    with pytest.raises((OSError, HTTPException)):  # refused, or nobody is there any more
        for _ in range(1000):
            body = json.dumps({"account_group": 5, "amount": "1"}).encode()
            request = urllib.request.Request(admin_url + "/deposit", body, {"Content-Type": "application/json"})
            urllib.request.urlopen(request, timeout=START_S).close()
    _, err = process.communicate(timeout=START_S)
    assert process.returncode == 1 and err.splitlines()[-1].startswith(f"The state cannot be kept in {state}: ")


PRICES = """\
open_time,open,high,low,close,volume,close_time
1714564800000,60000,60010,59990,60005,4,1714564859999
1714564860000,60005,60010,59990,60000,4,1714564919999
"""


def test_recorded_prices_and_a_state_that_hands_out_the_same_keys_again(tmp_path):
    prices, ready, state = tmp_path / "BTC-PERP.csv", tmp_path / "ready.json", tmp_path / "state.db"
    prices.write_text(PRICES)
    found = []
    for seed in ("1", "2"):
        process = start("--port", "0", "--admin-port", "0", "--seed", seed, "--prices", prices, "--speed", "2",
                        "--at-end", "hold", "--state", state, "--ready-file", ready)
        found.append(facts_when_ready(process, ready))
        ready.unlink()
        with urllib.request.urlopen(found[-1]["url"] + "/v2/ticker/latest", timeout=30) as answer:
            row, = json.load(answer)["tickers"]
            assert row["symbol"] == "BTC-PERP" and 59_990 <= float(row["indexPrice"]) <= 60_010
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=START_S)
        assert (process.returncode, err) == (0, "")
        assert f"recorded, {prices}, at speed 2; at its end the last prices hold" in out and f"State: {state}" in out
    assert found[0]["accounts"] == found[1]["accounts"]


@pytest.mark.parametrize("option, content, words", [
    ("--prices", "open_time,open\n", "line 1: the header lacks high, low, close, close_time"),
    ("--state", "no database", "is damaged (file is not a database); it was left as it is"),
    ("--mirror", None, "The simulator cannot start: http://127.0.0.1:9/v2 cannot be mirrored"),
])
def test_what_cannot_be_used_is_one_clear_line(tmp_path, option, content, words):
    file = tmp_path / "BTC-PERP.csv"
    if content is not None:
        file.write_text(content)
    process = start("--port", "0", "--admin-port", "0", option, "http://127.0.0.1:9" if content is None else str(file))
    out, err = process.communicate(timeout=START_S)
    assert process.returncode == 1 and out == ""
    assert words in err and len(err.splitlines()) == 1 and err.endswith(".\n") and not err.endswith("..\n")


@pytest.mark.parametrize("arguments, words", [
    (["--speed", "2"], "--start, --speed and --at-end belong to --prices"),
    (["--prices", "a.csv", "--speed", "0"], "the speed must be above zero"),
    (["--prices", "a.csv", "--mirror", "testnet"], "not from both"),
    (["--prices", "a.csv", "--at-end", "stop"], "invalid choice"),
    (["--port", "99999"], "argument --port: 99999 is not a port"),
    (["--port", "-5"], "argument --port: -5 is not a port"),
    (["--port", "80a"], "argument --port: 80a is not a port"),
    (["--port", "8787", "--admin-port", "65536"], "argument --admin-port: 65536 is not a port"),
    (["--port", "65535"], "--port 65535 is the last one"),
])
def test_arguments_that_do_not_go_together(arguments, words):
    process = start(*arguments)
    _, err = process.communicate(timeout=START_S)
    assert process.returncode == 2 and words in err


def test_whatever_was_answered_is_there_after_a_kill(tmp_path):
    ready, state = tmp_path / "ready.json", tmp_path / "state.db"
    answered = 0
    for life in range(KILLS):
        process = start("--port", "0", "--admin-port", "0", "--ready-file", ready, "--state", state,
                        "--tick-interval", "0.01")
        admin_url = facts_when_ready(process, ready)["admin_url"]
        ready.unlink()

        def ask(command, **arguments):
            request = urllib.request.Request(f"{admin_url}/{command}", json.dumps(arguments).encode(),
                                             {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=START_S) as answer:
                return json.load(answer)["result"]

        found = ask("ledger", account_group=5)
        assert answered <= len(found["orders"]) <= answered + 1
        assert len({row["id"] for row in found["orders"]}) == len(found["orders"])
        filled = sum(Decimal(row["filledSize"]) for row in found["orders"])
        assert filled == sum((Decimal(row["size"]) for row in found["positions"]), Decimal(0))
        cash = Decimal(found["balances"]["cash"])
        assert cash == 100_000 - Decimal(found["fees"]) + Decimal(found["settledFunding"])
        answered = len(found["orders"])
        killer = threading.Timer(0.1 + 0.1 * life, process.kill)
        before = answered
        with pytest.raises((OSError, HTTPException)):
            while True:
                ask("place_order", account_group=5, symbol="BTC-PERP", is_buy=True, size="0.001", nonce=answered + 1)
                answered += 1
                if answered == before + 2:
                    killer.start()
        killer.join()
        process.communicate()
