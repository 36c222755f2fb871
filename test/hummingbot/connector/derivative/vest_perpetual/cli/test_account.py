"""`account`, `leverage`, `lp`, `withdraw`, `transfers`: what they show and what they move."""
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.cli.conftest import write_keys
from types import SimpleNamespace

import pytest

from hummingbot.connector.derivative.vest_perpetual.cli.account import expiry_words
from vest_simulator.venue.private import USDC_ADDRESS

RECIPIENT = "0x1563915e194D8CfBA1943570603F7606A3115508"
TO = ("--to", RECIPIENT, "--chain", "324", "--token", USDC_ADDRESS)


@pytest.fixture
def act(run, keys_file):
    """Runs a command with the account's keys, for programs."""
    return lambda *words: run(*words, "--keys", keys_file, "--json")


def balance(act):
    return Decimal(act("account").json["balances"][0]["total"])


def test_the_account_for_people(run, act, keys_file, account, venue):
    act("order", "sell", "ETH-USDC", "0.1", "--yes")
    text = run("account", "--keys", keys_file).stdout
    for words in (str(account.account_group), account.primary_address, "USDC", "short", "No open orders.", "Expires"):
        assert words in text


def test_names_for_programs_are_stable(act, venue):
    act("leverage", "ETH-USDC", "5", "--yes")
    act("order", "sell", "ETH-USDC", "0.1", "--yes")
    result = act("account").json
    assert set(result) == {
        "domain", "account_group", "address", "signing_address", "expires_ms", "time_ms", "balances", "positions",
        "leverages", "open_orders", "unreadable",
    }
    assert set(result["balances"][0]) == {"asset", "total", "locked", "available"}
    assert set(result["positions"][0]) == {
        "symbol", "trading_pair", "side", "size", "entry_price", "unrealized_pnl", "settled_funding", "leverage",
    }
    assert result["leverages"] == [{"symbol": "ETH-PERP", "trading_pair": "ETH-USDC", "leverage": 5}]


NOW_MS = 1_795_385_892_507


@pytest.mark.parametrize("left_ms, words", [
    (None, "not known here"), (-1, "is over; renew it: vest-perpetual register --save --domain d"),
    (3_600_000, "in 1 hour; renew it soon: vest-perpetual register"), (3 * 86_400_000, "in 3 days"),
])
def test_the_expiry_in_words(left_ms, words):
    assert words in expiry_words(None if left_ms is None else NOW_MS + left_ms, NOW_MS, "d")


def test_an_api_key_that_tells_its_expiry_is_believed(run, venue, tmp_path):
    venue.ask("set_switch", "api_key_format", "jwt")
    try:
        account = SimpleNamespace(**venue.ask("create_account", 10, key_life_ms=7_200_000))
    finally:
        venue.ask("set_switch", "api_key_format", "opaque")
    outcome = run("account", "--keys", write_keys(tmp_path / "keys.yml", account), "--json")
    assert 0 < outcome.json["expires_ms"] - outcome.json["time_ms"] <= 7_200_000


# --- Leverage


def test_leverage_is_shown_and_set(act, venue):
    assert act("leverage", "BTC-USDC").json["leverage"] is None
    outcome = act("leverage", "BTC-USDC", "7", "--yes")
    assert outcome.exit_code == 0 and outcome.json["leverage"] == 7
    assert act("leverage", "BTC-PERP").json["leverage"] == 7


def test_leverage_beyond_the_markets_is_not_asked_for(run, keys_file, venue):
    outcome = run("leverage", "BTC-USDC", "1000", "--yes", "--keys", keys_file)
    assert outcome.exit_code == 2 and "at most for BTC-USDC" in outcome.stderr
    assert run("leverage", "BTC-USDC", "0", "--yes", "--keys", keys_file).exit_code == 2


def test_leverage_is_rehearsed_and_confirmed(act, run, keys_file, venue):
    shown = act("leverage", "BTC-USDC", "7", "--dry-run").json
    assert shown["body"]["value"] == 7 and shown["signed"] == []
    assert run("leverage", "BTC-USDC", "7", "--keys", keys_file).exit_code == 2
    assert act("leverage", "BTC-USDC").json["leverage"] is None


@pytest.mark.parametrize("when, leverage", [("before", None), ("after", 7)])
def test_leverage_whose_answer_is_lost(act, venue, when, leverage):
    venue.ask("add_fault", "rest", "reset", method="POST", path="/account/leverage", when=when, times=1)
    outcome = act("leverage", "BTC-USDC", "7", "--yes")
    assert outcome.exit_code == 6 and "does no harm" in outcome.json["error"]["message"]
    assert act("leverage", "BTC-USDC").json["leverage"] == leverage


# --- Money


def test_lp_moves_money_and_lists_it(act, venue):
    assert act("lp").json["lp_orders"] == []
    record = act("lp", "deposit", "250.5", "--yes").json["record"]
    assert (record["order_type"], record["size"], record["status"]) == ("DEPOSIT", "250.5", "FILLED")
    assert balance(act) == Decimal("749.5")
    assert act("lp", "withdraw", "0.5", "--yes").json["record"]["order_type"] == "IMMEDIATE_WITHDRAW"
    assert act("lp", "withdraw", "10", "--scheduled", "--yes").json["record"]["status"] == "NEW"
    assert len(act("lp").json["lp_orders"]) == 3


def test_a_withdrawal_leaves_the_account(act, venue):
    record = act("withdraw", "12.345678", *TO, "--yes").json["record"]
    assert (record["order_type"], record["size"], record["chain_id"]) == ("WITHDRAW", "12.345678", 324)
    assert balance(act) == Decimal("987.654322")
    assert [row["record_id"] for row in act("transfers").json["transfers"]] == [record["record_id"]]


@pytest.mark.parametrize("words", [
    ("lp", "deposit", "5"), ("lp", "withdraw", "5"), ("withdraw", "5", *TO),
])
def test_money_moves_only_when_that_is_meant(act, run, keys_file, venue, words):
    assert run(*words, "--keys", keys_file).exit_code == 2
    shown = act(*words, "--dry-run").json
    assert shown["dry_run"] and len(shown["signed"]) == 1 and shown["signed"][0]["hash"].startswith("0x")
    assert balance(act) == 1000 and act("lp").json["lp_orders"] == act("transfers").json["transfers"] == []


@pytest.mark.parametrize("arguments, words", [
    (("lp", "deposit"), "say how much"),
    (("lp", "deposit", "0.0000001"), "decimals"),
    (("lp", "deposit", "all"), "positive number"),
    (("lp", "steal", "5"), "steal"),
    (("withdraw", "5", "--to", RECIPIENT, "--chain", "324"), "--token"),
    (("withdraw", "5", "--to", RECIPIENT.swapcase().replace("0X", "0x"), "--chain", "324", "--token", USDC_ADDRESS),
     "checksum"),
    (("withdraw", "5", "--to", USDC_ADDRESS, "--chain", "324", "--token", USDC_ADDRESS), "lost"),
    (("withdraw", "5", "--to", RECIPIENT, "--chain", "0", "--token", USDC_ADDRESS), "whole number of 1 or more"),
    (("withdraw", "5", "--chain", "324"), "--to"),
])
def test_what_cannot_be_right_moves_nothing(run, act, keys_file, venue, arguments, words):
    outcome = run(*arguments, "--yes", "--keys", keys_file)
    assert outcome.exit_code == 2 and words in outcome.stderr
    assert balance(act) == 1000


def test_a_refusal_says_why(run, keys_file, venue):
    outcome = run("lp", "deposit", "5000", "--yes", "--keys", keys_file)
    assert outcome.exit_code == 4 and outcome.is_one_sentence() and "4001" in outcome.stderr
    assert run("lp", "withdraw", "5", "--yes", "--keys", keys_file).exit_code == 4


@pytest.mark.parametrize("words, path", [
    (("lp", "deposit", "5"), "/lp"), (("withdraw", "5", *TO), "/transfer/withdraw"),
])
@pytest.mark.parametrize("when, moved", [("before", 0), ("after", 5)])
def test_a_lost_answer_is_unknown_and_nothing_is_sent_twice(act, venue, words, path, when, moved):
    venue.ask("add_fault", "rest", "reset", method="POST", path=path, when=when)
    outcome = act(*words, "--yes")
    error = outcome.json["error"]
    listing = "lp" if path == "/lp" else "transfers"
    assert outcome.exit_code == 6 and f"{error['nonce']}: vest-perpetual {listing}" in error["message"]
    assert balance(act) == 1000 - moved
