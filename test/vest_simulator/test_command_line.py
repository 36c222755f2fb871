"""`python -m vest_simulator` as a process of its own."""
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
START_S = 20


def start(*arguments):
    return subprocess.Popen([sys.executable, "-m", "vest_simulator", *arguments], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(path):
    deadline = time.monotonic() + START_S
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return json.loads(path.read_text())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(tmp_path, number):
    ready = tmp_path / "ready.json"
    process = start("--port", "0", "--admin-port", "0", "--seed", "7", "--symbols", "BTC-PERP,SPX-PERP",
                    "--ready-file", str(ready))
    facts = wait_for(ready)
    assert stat.S_IMODE(os.stat(ready).st_mode) == 0o600
    assert set(facts) == {"url", "admin_url", "accounts"}
    assert set(facts["accounts"][0]) == {"api_key", "signing_private_key", "account_group"}
    with urllib.request.urlopen(facts["url"] + "/v2/exchangeInfo", timeout=5) as answer:
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
        process = start("--port", str(port), "--admin-port", "0")
        out, err = process.communicate(timeout=START_S)
    assert process.returncode == 1 and out == ""
    assert str(port) in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["--symbols", "NO-PERP"], ["--balance", "much"], ["--balance", "-1"]])
def test_wrong_arguments(arguments):
    process = start(*arguments)
    _, err = process.communicate(timeout=START_S)
    assert process.returncode == 2 and "usage" in err
