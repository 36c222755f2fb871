"""Where the commands' keys come from, and every way in which they can be wrong."""
import json
import os
import stat
from pathlib import Path
from test.hummingbot.connector.derivative.vest_perpetual.cli.conftest import DOMAIN, PASSWORD, write_keys
from types import SimpleNamespace

import pytest


def test_keys_of_a_private_file(run, account, keys_file):
    outcome = run("account", "--keys", keys_file, "--json")
    assert outcome.exit_code == 0 and outcome.json["account_group"] == account.account_group


def test_a_file_that_others_can_read_is_refused(run, account, tmp_path):
    for mode in (0o640, 0o604, 0o610):
        path = write_keys(tmp_path / "keys.yml", account, mode)
        outcome = run("account", "--keys", path)
        assert outcome.exit_code == 3 and outcome.is_one_sentence() and f"chmod 600 {path}" in outcome.stderr


@pytest.mark.parametrize("name", ["0x", "0X", "  "])
def test_values_are_texts_whatever_yaml_makes_of_them(run, account, tmp_path, name):
    digits = account.signing_private_key.removeprefix("0x")
    path = write_keys(tmp_path / "keys.yml", account, signing_private_key=f"{name}{digits}")
    assert run("account", "--keys", path).exit_code == 0


@pytest.mark.parametrize("changes, words", [
    (dict(signing_private_key="0x1234"), "64 hexadecimal digits"),
    (dict(signing_private_key="null"), f"no value for {DOMAIN}_signing_private_key"),
    (dict(api_key=""), f"no value for {DOMAIN}_api_key"),
    (dict(account_group="five"), "whole number"),
    (dict(api_keys="x"), "check its spelling"),
])
def test_values_that_cannot_be_right(run, account, tmp_path, changes, words):
    path = write_keys(tmp_path / "keys.yml", account, **changes)
    outcome = run("account", "--keys", path)
    assert outcome.exit_code == 3 and outcome.is_one_sentence() and words in outcome.stderr


@pytest.mark.parametrize("content", ["[1, 2]", "a: [", "just words", "a: {b: c}", "", "\x00"])
def test_a_file_that_is_no_template(run, tmp_path, content):
    path = tmp_path / "keys.yml"
    path.write_text(content)
    path.chmod(0o600)
    outcome = run("account", "--keys", path)
    assert outcome.exit_code == 3 and outcome.is_one_sentence()


def test_a_file_that_is_not_there_or_a_folder(run, tmp_path):
    for path in (tmp_path / "nothing.yml", tmp_path):
        outcome = run("account", "--keys", path)
        assert outcome.exit_code == 2 and outcome.is_one_sentence() and str(path) in outcome.stderr


def test_a_home_without_keys_says_how_to_get_some_and_needs_no_password(run, home, monkeypatch):
    monkeypatch.delenv("HBOT_PASSWORD")
    outcome = run("account")
    assert outcome.exit_code == 3 and f"register --save --domain {DOMAIN}" in outcome.stderr


@pytest.fixture
def connected(run, home, keys_file):
    assert run("connect", "--from", keys_file, "--no-check").exit_code == 0


def test_keys_of_another_domain_are_pointed_out(run, connected):
    outcome = run("account", "--domain", "vest_perpetual_testnet")
    assert outcome.exit_code == 3 and f"say --domain {DOMAIN}" in outcome.stderr


def test_the_keystore_opens_with_its_password_alone(run, connected, monkeypatch):
    assert run("account").exit_code == 0
    monkeypatch.setenv("HBOT_PASSWORD", "another")
    outcome = run("account")
    assert outcome.exit_code == 3 and outcome.is_one_sentence() and "password" in outcome.stderr
    monkeypatch.setenv("CONFIG_PASSWORD", PASSWORD)
    monkeypatch.delenv("HBOT_PASSWORD")
    assert run("account").exit_code == 0


def test_without_a_password_and_without_anybody_to_ask(run, connected, monkeypatch):
    monkeypatch.delenv("HBOT_PASSWORD")
    outcome = run("account")
    assert outcome.exit_code == 2 and "HBOT_PASSWORD" in outcome.stderr


def test_a_damaged_keystore_is_one_sentence(run, home, connected):
    path = home / "conf" / "connectors" / f"{DOMAIN}.yml"
    path.write_text(path.read_text().replace("7b22", "0000"))
    outcome = run("account")
    assert outcome.exit_code == 3 and f"connect {DOMAIN}" in outcome.stderr
    (home / "conf" / ".password_verification").write_text("zz")
    outcome = run("account")
    assert outcome.exit_code == 3 and ".password_verification" in outcome.stderr


def test_errors_for_programs(run, account, tmp_path):
    outcome = run("account", "--keys", tmp_path / "nothing.yml", "--json")
    assert outcome.stderr == "" and outcome.json["error"]["exit_code"] == 2


# --- What the venue says of keys


def test_a_wrong_key_is_refused_in_words(run, account, tmp_path):
    path = write_keys(tmp_path / "keys.yml", account, api_key="f" * 64)
    outcome = run("account", "--keys", path)
    assert outcome.exit_code == 3 and outcome.is_one_sentence()
    assert "1002" in outcome.stderr and f"vest-perpetual register --save --domain {DOMAIN}" in outcome.stderr
    assert run("account", "--keys", path, "--json").json["error"]["venue_code"] == 1002


def test_an_expired_or_revoked_key_is_refused_in_words(run, venue, keys_file, account, tmp_path):
    expired = SimpleNamespace(**venue.ask("create_account", 10, key_life_ms=0))
    venue.ask("revoke_api_key", account.account_group)
    for path in (keys_file, write_keys(tmp_path / "expired.yml", expired)):
        outcome = run("account", "--keys", path)
        assert outcome.exit_code == 3 and outcome.is_one_sentence() and "expired" in outcome.stderr


def test_a_wrong_group_is_refused_in_words(run, account, tmp_path):
    path = write_keys(tmp_path / "keys.yml", account, account_group=account.account_group + 77)
    outcome = run("account", "--keys", path)
    assert outcome.exit_code == 3 and outcome.is_one_sentence() and "account group" in outcome.stderr


def test_a_signing_key_that_was_not_registered(run, account, tmp_path):
    path = write_keys(tmp_path / "keys.yml", account, signing_private_key="0x" + "11" * 32)
    outcome = run("order", "buy", "BTC-USDC", "0.01", "--keys", path, "--yes")
    assert outcome.exit_code == 3 and "1022" in outcome.stderr


def test_the_wallets_key_for_a_signing_key_is_noticed(run, account, tmp_path):
    path = write_keys(tmp_path / "keys.yml", account, signing_private_key=account.primary_private_key)
    outcome = run("account", "--keys", path)
    assert outcome.exit_code == 3 and outcome.is_one_sentence() and "wallet" in outcome.stderr


def test_a_venue_that_is_away(run, venue, keys_file):
    venue.ask("go_down")
    outcome = run("account", "--keys", keys_file)
    assert outcome.exit_code == 5 and outcome.is_one_sentence() and "make simulator" in outcome.stderr


def test_a_venue_that_fails_answers_late_or_in_riddles(run, venue, keys_file, quick):
    for fault in (dict(action="status", status=503), dict(action="hang"), dict(action="truncate")):
        venue.ask("add_fault", "rest", path="/account", times=1, **fault)
        outcome = run("account", "--keys", keys_file)
        assert outcome.exit_code == 5 and outcome.is_one_sentence(), fault


def test_a_simulators_address_that_is_none(run, keys_file, monkeypatch):
    monkeypatch.setenv("VEST_SIMULATOR_URL", "localhost")
    outcome = run("account", "--keys", keys_file)
    assert outcome.exit_code == 2 and outcome.is_one_sentence() and "VEST_SIMULATOR_URL" in outcome.stderr


def test_a_wrong_clock_heals_by_itself(run, venue, keys_file, monkeypatch):
    """This computer's clock is an hour behind the venue's, whichever of the two is wrong."""
    monkeypatch.setattr("time.time", lambda usual=__import__("time").time: usual() - 3600)
    assert run("account", "--keys", keys_file).exit_code == 0
    outcome = run("order", "buy", "BTC-USDC", "0.01", "--price", "1000", "--keys", keys_file, "--yes", "--json")
    assert outcome.exit_code == 0 and outcome.json["order"]["status"] == "NEW"


def test_a_proxys_clock_is_seen_through(run, venue, keys_file):
    """What dates the answers is not the venue's clock, which refuses that time; the account tells the right one."""
    venue.ask("set_switch", "date_header", "machine")
    venue.ask("set_switch", "check_get_time", False)
    venue.ask("advance_clock", 60_000)
    try:
        outcome = run("order", "buy", "BTC-USDC", "0.01", "--price", "1000", "--keys", keys_file, "--yes", "--json")
        assert outcome.order["status"] == "NEW"
    finally:
        venue.ask("set_switch", "date_header", "venue")
        venue.ask("set_switch", "check_get_time", True)


def test_a_time_that_is_refused_again_and_again_is_said(run, venue, keys_file):
    body = json.dumps({"code": 1131, "msg": "no"})
    venue.ask("add_fault", "rest", "status", path="/account", status=400, body=body)
    outcome = run("account", "--keys", keys_file)
    assert outcome.exit_code == 4 and outcome.is_one_sentence() and "clock" in outcome.stderr


# --- connect --from


def test_connect_stores_keys_that_the_venue_accepts(run, home, keys_file, account):
    outcome = run("connect", "--from", keys_file, "--json")
    assert outcome.exit_code == 0 and outcome.json["saved"] and outcome.json["checked"]
    stored = home / "conf" / "connectors" / f"{DOMAIN}.yml"
    assert stat.S_IMODE(os.stat(stored).st_mode) == 0o600
    for secret in (account.api_key, account.signing_private_key.removeprefix("0x")):
        assert secret not in stored.read_text() and secret not in outcome.words
    assert run("account", "--json").json["account_group"] == account.account_group


def test_connect_has_the_venue_look_at_a_signature(run, home, venue, account, tmp_path):
    path = write_keys(tmp_path / "keys.yml", account, signing_private_key="0x" + "22" * 32)
    outcome = run("connect", "--from", path)
    assert outcome.exit_code == 3 and outcome.is_one_sentence() and "1022" in outcome.stderr
    assert not (home / "conf" / "connectors").exists()


def test_connect_takes_another_refusal_than_of_the_signature_for_none(run, home, venue, keys_file):
    venue.ask("add_fault", "rest", "status", method="POST", path="/orders/cancel", status=400, times=1,
              body=json.dumps({"code": 1130, "msg": "no"}))
    assert run("connect", "--from", keys_file).exit_code == 0


def test_connect_stores_no_keys_that_the_venue_did_not_look_at(run, home, venue, keys_file):
    venue.ask("add_fault", "rest", "status", method="POST", path="/orders/cancel", status=400,
              body=json.dumps({"code": 1132, "msg": "no"}))
    outcome = run("connect", "--from", keys_file)
    assert outcome.exit_code == 4 and outcome.is_one_sentence() and not (home / "conf" / "connectors").exists()


def test_connect_says_not_to_keep_the_file(run, home, keys_file):
    assert f"Do not keep {keys_file}" in run("connect", "--from", keys_file).stdout


def test_connect_keeps_old_keys_unless_told_and_when_new_ones_are_refused(run, home, keys_file, account, tmp_path):
    assert run("connect", "--from", keys_file).exit_code == 0
    stored = home / "conf" / "connectors" / f"{DOMAIN}.yml"
    before = stored.read_text()
    outcome = run("connect", "--from", keys_file)
    assert outcome.exit_code == 2 and "--yes" in outcome.stderr and stored.read_text() == before
    wrong = write_keys(tmp_path / "wrong.yml", account, api_key="e" * 64)
    assert run("connect", "--from", wrong, "--yes").exit_code == 3 and stored.read_text() == before
    assert run("connect", "--from", keys_file, "--yes").exit_code == 0 and stored.read_text() != before


def test_connect_takes_the_template_itself_when_it_is_filled(run, home, account, tmp_path):
    template = (Path(__file__).parents[6] / "conf" / "conf_global_TEMPLATE.yml").read_text()
    filled = (template
              .replace(f"{DOMAIN}_api_key: null", f"{DOMAIN}_api_key: {account.api_key}")
              .replace(f"{DOMAIN}_signing_private_key: null",
                       f"{DOMAIN}_signing_private_key: {account.signing_private_key}")
              .replace(f"{DOMAIN}_account_group: 0", f"{DOMAIN}_account_group: {account.account_group}"))
    path = tmp_path / "filled.yml"
    path.write_text(filled)
    path.chmod(0o600)
    assert run("connect", "--from", path).exit_code == 0
    outcome = run("connect", "--from", path, "--domain", "vest_perpetual")
    assert outcome.exit_code == 3 and "vest_perpetual_api_key" in outcome.stderr


def test_connect_where_nothing_can_be_written(run, home, keys_file):
    (home / "conf").mkdir()
    (home / "conf" / "connectors").write_text("in the way")
    outcome = run("connect", "--from", keys_file)
    assert outcome.exit_code == 1 and outcome.is_one_sentence() and "permissions" in outcome.stderr


def test_connect_takes_no_keys_as_arguments(run, home, keys_file):
    outcome = run("connect", "--from", keys_file, "somekey")
    assert outcome.exit_code == 2 and "history" in outcome.stderr and "somekey" not in outcome.words


def test_json_of_connect_is_one_document(run, home, keys_file):
    assert json.loads(run("connect", "--from", keys_file, "--json").stdout)["domain"] == DOMAIN
