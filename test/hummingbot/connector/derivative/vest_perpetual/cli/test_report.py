"""`report`: its options, what it prints, and how it says what is wrong. The page has its own tests."""
import json
import os
import resource
import signal
import sqlite3
import stat
import tempfile
import threading
from contextlib import closing
from test.hummingbot.connector.derivative.vest_perpetual.session_report.session_testing import short_session

import pytest
from typer.testing import CliRunner

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_cli import app

from .conftest import Outcome


@pytest.fixture
def recording(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return short_session(tmp_path)


@pytest.fixture
def report(recording):
    """Runs the command on a session, without a picture."""
    return lambda *words: Outcome(CliRunner().invoke(app, ["report", str(recording.database), "--no-png", *words]))


def test_for_people(report, tmp_path):
    outcome = report()
    assert outcome.exit_code == 0
    assert "BTC-USDC" in outcome.stdout and "19.72" in outcome.stdout
    assert outcome.stdout.splitlines()[-1] == "report_bot.html"
    assert (tmp_path / "report_bot.html").exists() and not (tmp_path / "report_bot.png").exists()


def test_names_for_programs_are_stable(report):
    result = report("--json").json
    assert set(result) == {"page", "picture", "from_ms", "to_ms", "markets", "errors", "streams_lost"}
    assert set(result["markets"][0]) == {
        "connector", "trading_pair", "orders", "orders_by_state", "fills", "base_volume", "quote_volume", "realised",
        "unrealised", "fees", "funding", "pnl", "position", "mark",
    }
    assert (result["picture"], result["errors"], result["streams_lost"]) == (None, 1, 1)
    assert float(result["markets"][0]["pnl"]) == 19.7245


def test_what_is_chosen(report, tmp_path):
    words = ("--pair", "btc-usdc", "--from", "2026-11-22T21:26:37", "--to", "2026-11-22T22:26:39+01:00",
             "--connector", "vest_perpetual", "--out", str(tmp_path / "chosen.html"), "--json")
    market, = report(*words).json["markets"]
    assert (market["trading_pair"], market["fills"], market["orders"]) == ("BTC-USDC", 1, 2)
    assert (tmp_path / "chosen.html").exists()


def test_a_log_can_be_named(report, recording, tmp_path):
    elsewhere = tmp_path / "elsewhere.log"
    recording.log.rename(elsewhere)
    assert report("--json").json["errors"] is None
    assert report("--json", "--log", str(elsewhere)).json["errors"] == 1


def test_without_a_browser_there_is_a_page_and_a_sentence(recording, monkeypatch, tmp_path):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "none"))
    outcome = Outcome(CliRunner().invoke(app, ["report", str(recording.database), "--json"]))
    assert outcome.exit_code == 0 and json.loads(outcome.stdout)["picture"] is None
    assert len(outcome.stderr.splitlines()) == 1 and "install one" in outcome.stderr


@pytest.mark.parametrize("words, exit_code, told", [
    (["--pair", "DOGE-USDC"], 2, "it has BTC-USDC, ETH-USDC"),
    (["--connector", "binance"], 2, "it has vest_perpetual"),
    (["--from", "yesterday"], 2, "2026-11-22T21:30"),
    (["--from", "2026-11-22T21:30", "--to", "2026-11-22T21:00"], 2, "--to lies before --from"),
    (["--from", "2026-11-22T21:30", "--to", "2026-11-22T21:30"], 2, "--to lies before --from, or at the same time"),
    (["--from", "2026-11-23"], 2, "what there is goes from 2026-11-22 21:26:33 to 2026-11-22 21:26:42, in UTC"),
    (["--to", "2026-11-22"], 2, "Nothing is recorded in that period"),
    (["--pair", "ETH-USDC", "--to", "2026-11-22"], 2, "goes from 2026-11-22 21:26:39 to 2026-11-22 21:26:40"),
    (["--out", "page.sqlite"], 2, ".html"),
    (["--out", "none/page.html"], 1, "cannot be written"),
    (["--log", "none.log"], 2, "no log file none.log"),
    (["--log", "."], 1, "log file cannot be read"),
])
def test_what_is_wrong_is_said_in_one_sentence(report, words, exit_code, told, tmp_path):
    outcome = report(*words)
    assert outcome.exit_code == exit_code and outcome.is_one_sentence() and told in outcome.stderr
    assert not list(tmp_path.glob("*.html"))


def test_a_period_of_which_only_the_log_tells_has_a_page(report, recording):
    recording.say((60_000, "ERROR", "Failed to cancel order 1795382793719175: HTTP 503: the venue could not answer"))
    outcome = report("--from", "2026-11-22T21:27", "--json")
    assert outcome.exit_code == 0 and outcome.json["errors"] == 1


@pytest.fixture
def full_disk():
    """No file can be larger than the copy of the database needs, and a page does."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, old[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.parametrize("older", ["an older page", None])
def test_a_page_that_does_not_fit_on_the_disk_leaves_what_was_there(report, tmp_path, full_disk, older):
    folder = tmp_path / "pages"
    folder.mkdir()
    if older is not None:
        (folder / "page.html").write_text(older)
    outcome = report("--out", str(folder / "page.html"))
    assert outcome.exit_code == 1 and outcome.is_one_sentence() and "make room" in outcome.stderr
    assert {file.name: file.read_text() for file in folder.iterdir()} == ({} if older is None else {"page.html": older})


def test_a_page_can_be_read_by_whom_the_umask_lets(report, tmp_path):
    old = os.umask(0o027)
    try:
        assert report().exit_code == 0
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "report_bot.html").stat().st_mode) == 0o640


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "notes.sqlite").write_text("notes")
    for name, words in (("notes", "no Hummingbot database"), ("none", "There is no file")):
        outcome = Outcome(CliRunner().invoke(app, ["report", str(tmp_path / f"{name}.sqlite")]))
        assert outcome.exit_code == 2 and outcome.is_one_sentence() and words in outcome.stderr


def test_ctrl_c_ends_the_waiting_for_a_locked_database(report, recording, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    ended = threading.Event()
    was_deaf = []

    def press() -> None:
        while not list((tmp_path / "temporary").glob("vest-report-*/copy.sqlite")):  # it copies, or tries to
            if ended.wait(0.01):
                return
        signal.raise_signal(signal.SIGINT)
        if not ended.wait(10):
            was_deaf.append(True)
            bot.rollback()

    with closing(sqlite3.connect(recording.database, check_same_thread=False)) as bot:
        bot.execute("BEGIN EXCLUSIVE")
        presser = threading.Thread(target=press)
        presser.start()
        outcome = report()
        ended.set()
        presser.join()
    assert not was_deaf
    assert (outcome.exit_code, outcome.stderr) == (130, "Stopped.\n")
