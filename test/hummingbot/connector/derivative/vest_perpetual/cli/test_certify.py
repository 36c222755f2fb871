"""`certify` as a command: what it asks before, what it writes, and when it refuses to trade."""
import asyncio
import json
import signal

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.certification import session as sessions, trading
from hummingbot.connector.derivative.vest_perpetual.certification.report import Report
from hummingbot.connector.derivative.vest_perpetual.certification.statements import STATEMENTS, TRADE
from hummingbot.connector.derivative.vest_perpetual.cli import certify, following

from .conftest import DOMAIN, write_keys

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def certified(run, monkeypatch, tmp_path):
    """Runs the command, with short looks at what comes by itself."""
    monkeypatch.setattr(sessions.Session, "__init__", _hasty(sessions.Session.__init__))
    monkeypatch.setattr(following, "_READ_PAUSE_S", 0.05)
    monkeypatch.setattr(CONSTANTS, "RECV_WINDOW_MS", 1500)
    monkeypatch.setattr(CONSTANTS, "UNKNOWN_OUTCOME_GRACE_MS", 100)

    def invoke(*arguments):
        return run("certify", "--out", tmp_path, *arguments)

    return invoke


def _hasty(usual, listen_s=0.8):
    return lambda self, *arguments, **named: usual(self, *arguments, **{"listen_s": listen_s, **named})


def orders(venue, account):
    return venue.ask("ledger", account.account_group)["orders"]


def test_without_keys_what_is_public_is_seen_and_the_rest_says_why(venue, certified, tmp_path):
    outcome = certified("--json")

    assert outcome.exit_code == 0 and "only what is public" in outcome.stderr
    rows = {row["name"]: row for row in outcome.json["statements"]}
    assert list(rows) == list(STATEMENTS)
    assert rows["frame_encoding"]["observed"] == ["text"] and rows["frame_encoding"]["not_observed_because"] is None
    assert rows["account_time"]["not_observed_because"] == "it needs keys"
    assert rows["fees"]["not_observed_because"] == "it needs --trade"
    assert rows["expiry_limit"]["not_observed_because"] == "it would take registrations by the wallet"


def test_by_default_it_only_reads(venue, account, keys_file, certified, tmp_path):
    outcome = certified("--keys", keys_file)

    assert outcome.exit_code == 0 and orders(venue, account) == []
    files = [path for path in tmp_path.iterdir() if "certification" in path.name]
    assert sorted(path.suffix for path in files) == [".json", ".md"]
    for path in files:
        text = path.read_text()
        assert account.api_key not in text and account.signing_private_key not in text
        assert account.primary_address not in text
    record = json.loads(next(path for path in files if path.suffix == ".json").read_text())
    assert record["domain"] == DOMAIN and record["traded"] is False and record["incidents"] == []
    text = next(path for path in files if path.suffix == ".md").read_text()
    assert text in outcome.stdout and "Observed: newest" not in text and "Not observed: it needs --trade." in text


def test_trading_is_confirmed_first(venue, account, keys_file, certified):
    outcome = certified("--keys", keys_file, "--trade")

    assert outcome.exit_code == 2 and "--yes" in outcome.stderr and orders(venue, account) == []


def test_the_question_names_the_most_there_can_be_at_stake(venue, account, keys_file, certified, monkeypatch):
    asked = []
    monkeypatch.setattr(certify.prompts, "confirm", lambda question, is_agreed: asked.append(question))
    venue.ask("set_price", "BTC-PERP", "100000")
    try:
        certified("--keys", keys_file, "--trade")
    finally:
        venue.ask("release_price", "BTC-PERP")

    size, most = "0.0001", 3 * 0.0001 * 100_000
    assert f"orders of {size} BTC-PERP" in asked[0]
    stated = float(asked[0].partition("at most ")[2].split()[0])
    assert most < stated < 1.05 * most


def test_with_trade_the_smallest_orders_are_sent_and_nothing_is_left(venue, account, keys_file, certified):
    outcome = certified("--keys", keys_file, "--trade", "--yes", "--json")

    assert outcome.exit_code == 0 and outcome.json["incidents"] == []
    assert [row["name"] for row in outcome.json["statements"] if STATEMENTS[row["name"]].needs == TRADE
            and not row["observed"]] == []
    assert {row["size"] for row in orders(venue, account)} == {"0.0001"}
    assert sorted(row["status"] for row in orders(venue, account)) == ["CANCELLED", "FILLED", "FILLED", "REJECTED"]
    assert venue.ask("ledger", account.account_group)["positions"] == []


@pytest.mark.parametrize("order, words", [
    (dict(order_type="MARKET"), "there is a position of 0.01"),
    (dict(order_type="LIMIT", limit_price="20000"), "there are open orders of BTC-PERP"),
])
def test_a_market_that_is_in_use_is_not_traded(venue, account, keys_file, certified, order, words):
    venue.ask("place_order", account.account_group, "BTC-PERP", True, "0.01", **order)

    outcome = certified("--keys", keys_file, "--trade", "--yes")

    assert outcome.exit_code == 1 and words in outcome.stderr and outcome.is_one_sentence()
    assert len(orders(venue, account)) == 1


def test_keys_that_are_refused_end_no_public_part_and_the_exit_code_says_so(venue, account, certified, tmp_path):
    outcome = certified("--keys", write_keys(tmp_path / "keys.yml", account, api_key="f" * 64), "--json")

    assert outcome.exit_code == 1
    rows = {row["name"]: row for row in outcome.json["statements"]}
    assert rows["frame_encoding"]["observed"] and "1002" in rows["private_rest"]["observed"][0]
    assert "one of now is refused as well" in rows["get_time"]["not_observed_because"]
    assert rows["listen_key_shared"]["not_observed_because"].startswith("its scenario ended early")
    assert outcome.json["incidents"]


def test_a_position_left_by_a_venue_that_refuses_to_close_it_is_said_after_the_report(
        venue, account, keys_file, certified, tmp_path):
    async def hold_the_position():
        while not venue.simulator.exchange.accounts[account.account_group].positions:
            await asyncio.sleep(0.005)
        await venue.simulator.admin.set_status("BTC-PERP", "HALT")

    holding = asyncio.run_coroutine_threadsafe(hold_the_position(), venue._loop)
    venue.ask("set_switch", "position_lag_ms", 1500)
    try:
        outcome = certified("--keys", keys_file, "--trade", "--yes")
    finally:
        venue.ask("set_switch", "position_lag_ms", 0)
        venue.ask("set_status", "BTC-PERP", "TRADING")
        holding.cancel()

    assert outcome.exit_code == 6 and "there is a position of 0.0001 in BTC-PERP" in outcome.stderr
    assert "something of BTC-PERP may be left" in outcome.stdout
    assert [path for path in tmp_path.iterdir() if path.suffix == ".md"]


def test_a_venue_that_wants_limits_nearer_to_the_market_is_offered_them(venue, account, keys_file, certified):
    venue.ask("reject_next", 3011, times=2)  # the reduce-only order, and the farthest LIMIT order

    outcome = certified("--keys", keys_file, "--trade", "--yes", "--json")

    rows = {row["name"]: row["observed"] for row in outcome.json["statements"]}
    assert outcome.exit_code == 0
    assert rows["resting_limit"][0].startswith("at 0.5 of the price it is refused")
    assert rows["resting_limit"][1] == "it is listed as NEW" and "code 3011" in rows["reject_by"][0]


def test_answers_that_are_lost_are_looked_up_and_nothing_is_sent_twice(venue, account, keys_file, certified):
    venue.ask("add_fault", "rest", "reset", method="POST", path="/orders", when="after")

    outcome = certified("--keys", keys_file, "--trade", "--yes", "--json")

    statuses = [row["status"] for row in orders(venue, account)]
    assert statuses.count("FILLED") in (0, 2) and "NEW" not in statuses and len(statuses) <= 4
    assert venue.ask("ledger", account.account_group)["positions"] == []
    assert outcome.exit_code == 1 and any("trade ended early" in words for words in outcome.json["incidents"])


def test_without_events_what_the_lists_tell_is_seen(venue, account, keys_file, certified, monkeypatch):
    monkeypatch.setattr(trading, "_WAIT_S", 0.3)
    venue.ask("add_fault", "socket", "drop", socket="private", match="ORDER")

    outcome = certified("--keys", keys_file, "--trade", "--yes", "--json")

    rows = {row["name"]: row for row in outcome.json["statements"]}
    assert outcome.exit_code == 0 and rows["position_lag"]["observed"]
    assert rows["private_needs_subscribe"]["observed"] == ["no event came, with or without it"]
    for name in ("fill_event", "cancel_event"):
        assert rows[name]["not_observed_because"].startswith("no event within 0.3 s")


def test_a_run_that_takes_too_long_ends_with_nothing_open(venue, account, keys_file, certified, monkeypatch):
    async def wait_for_ever(*arguments):
        await asyncio.Event().wait()

    monkeypatch.setattr(trading, "_watch_position", wait_for_ever)
    monkeypatch.setattr(sessions, "SCENARIO_LIMIT_S", 8.0)

    outcome = certified("--keys", keys_file, "--trade", "--yes", "--json")

    ledger = venue.ask("ledger", account.account_group)
    assert outcome.exit_code == 1 and any("no end within" in words for words in outcome.json["incidents"])
    assert any("it was closed" in words for words in outcome.json["incidents"])
    assert ledger["positions"] == [] and "NEW" not in [row["status"] for row in ledger["orders"]]


@pytest.mark.parametrize("status, exit_code", [("TRADING", 130), ("HALT", 6)])
def test_ctrl_c_closes_what_is_open_and_the_report_and_the_exit_code_say_what_may_be_left(
        venue, account, keys_file, certified, monkeypatch, status, exit_code):
    async def stop_while_a_position_is_open(session, order):
        venue.ask("set_status", "BTC-PERP", status)
        asyncio.current_task().cancel()  # as asyncio does on Ctrl-C
        await asyncio.Event().wait()

    monkeypatch.setattr(trading, "_watch_position", stop_while_a_position_is_open)
    try:
        outcome = certified("--keys", keys_file, "--trade", "--yes", "--json")
    finally:
        venue.ask("set_status", "BTC-PERP", "TRADING")

    is_left = exit_code == 6
    assert outcome.exit_code == exit_code
    assert len(venue.ask("ledger", account.account_group)["positions"]) == is_left
    incidents = " ".join(outcome.json["incidents"])
    assert "Ctrl-C ended the run" in incidents and ("something of BTC-PERP may be left" in incidents) == is_left


def test_a_second_ctrl_c_ends_it_at_once_and_says_what_may_be_left(
        account, keys_file, certified, monkeypatch, caplog, tmp_path):
    async def stop_twice(session, order):
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()
        asyncio.get_running_loop().call_later(0.1, signal.raise_signal, signal.SIGINT)
        raise asyncio.CancelledError

    monkeypatch.setattr(trading, "_watch_position", stop_twice)
    # A refusal that comes later than that is a line of the log.
    monkeypatch.setattr(sessions.Session, "__init__", _hasty(sessions.Session.__init__, listen_s=2.5))

    outcome = certified("--keys", keys_file, "--trade", "--yes")

    assert outcome.exit_code == 130
    assert "something of BTC-PERP may be left" in outcome.stderr and outcome.stderr.endswith("Stopped.\n")
    assert [path for path in tmp_path.iterdir() if path.suffix in (".md", ".json")] == [] and caplog.messages == []


def test_a_folder_that_is_not_there_is_said_before_anything_is_asked(venue, run, tmp_path):
    outcome = run("certify", "--out", tmp_path / "none")

    assert outcome.exit_code == 2 and outcome.is_one_sentence() and "there is no folder" in outcome.stderr


def test_what_venues_say_of_secrets_is_hidden():
    report = Report(DOMAIN, has_keys=True, trades=False)
    report.hide(["ey.the.key", None])

    report.observe("api_key_form", "the key ey.the.key of 0x" + "ab" * 20)
    report.incident("order " + "cd" * 32)

    assert report.observed("api_key_form") == "the key [hidden] of [hidden]"
    assert report.incidents == ["order [hidden]"]
