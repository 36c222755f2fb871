"""`register`: wherever the wallet's key is, whatever goes wrong, and where secrets may appear."""
import io
import json
import os
from test.hummingbot.connector.derivative.vest_perpetual.cli.conftest import DOMAIN, WALLET_KEY

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from hummingbot.connector.derivative.vest_perpetual.cli import keystore, prompts, wallet
from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError, ExitCode
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import registration_typed_data
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import RegistrationNote

WALLET = Account.from_key(WALLET_KEY)
FROM_ENVIRONMENT = ("--wallet-key-env", "MY_WALLET")
DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
def _wallet_in_environment(venue, monkeypatch):
    monkeypatch.setenv("MY_WALLET", WALLET_KEY)


def stored(home):
    return home / "conf" / "connectors" / f"{DOMAIN}.yml"


def note(home, result):
    return RegistrationNote.read(home / "data", DOMAIN, result["signing_address"])


def holds_the_wallets_key(text):
    return WALLET_KEY.removeprefix("0x") in text.lower()


def test_the_three_values_are_printed_once_and_work(run, home, venue, tmp_path):
    outcome = run("register", *FROM_ENVIRONMENT, "--json")
    assert outcome.exit_code == 0 and not holds_the_wallets_key(outcome.words)
    result = outcome.json
    assert Account.from_key(result["signing_private_key"]).address == result["signing_address"] != WALLET.address
    assert result["wallet_address"] == WALLET.address and result["saved"] is False
    assert abs(result["expires_ms"] - venue.simulator.clock.now_ms() - 7 * DAY_MS) < 60_000
    path = tmp_path / "keys.yml"
    path.write_text("".join(f"{DOMAIN}_{name}: {result[name]}\n"
                            for name in ("api_key", "signing_private_key", "account_group")))
    path.chmod(0o600)
    account = run("account", "--keys", path, "--json")
    assert account.json["address"] == WALLET.address.lower() and not stored(home).exists()


def test_people_are_told_what_to_do_with_the_values(run, home):
    text = run("register", *FROM_ENVIRONMENT, "--expires", "26h").stdout
    for words in (f"connect {DOMAIN}", f"{DOMAIN}_api_key", f"{DOMAIN}_signing_private_key", f"{DOMAIN}_account_group",
                  "Expires", f"vest-perpetual register --save --domain {DOMAIN}"):
        assert words in text


def test_saved_values_are_hummingbots_and_are_not_printed(run, home):
    outcome = run("register", *FROM_ENVIRONMENT, "--save", "--json")
    assert outcome.exit_code == 0 and "api_key" not in outcome.json and "signing_private_key" not in outcome.json
    values = keystore.Keystore.unlock().read(DOMAIN)
    assert Account.from_key(values[f"{DOMAIN}_signing_private_key"]).address == outcome.json["signing_address"]
    for name in ("api_key", "signing_private_key"):
        secret = values[f"{DOMAIN}_{name}"].removeprefix("0x")
        assert secret not in outcome.words and secret not in stored(home).read_text()
    assert note(home, outcome.json).expires_ms == outcome.json["expires_ms"]
    assert run("account", "--json").json["expires_ms"] == outcome.json["expires_ms"]


def test_the_note_of_the_expiry_holds_nothing_else(run, home):
    result = run("register", *FROM_ENVIRONMENT, "--save", "--json").json
    content = json.loads((home / "data" / f"{DOMAIN}_registration.json").read_text())
    assert content == {"signing_address": result["signing_address"].lower(), "expires_ms": result["expires_ms"],
                       "account_group": result["account_group"]}


def test_the_wallets_key_is_nowhere_afterwards(run, home):
    for options in ((), ("--save",), ("--save", "--yes", "--json")):
        assert not holds_the_wallets_key(run("register", *FROM_ENVIRONMENT, *options).words)
    for path in home.rglob("*"):
        assert path.is_dir() or not holds_the_wallets_key(path.read_text())


def test_every_registration_has_a_fresh_key(run, home):
    first, second = (run("register", *FROM_ENVIRONMENT, "--json").json for _ in range(2))
    assert first["signing_address"] != second["signing_address"]


def test_keys_are_replaced_only_when_that_is_meant(run, home):
    assert run("register", *FROM_ENVIRONMENT, "--save").exit_code == 0
    before = stored(home).read_text()
    outcome = run("register", *FROM_ENVIRONMENT, "--save")
    assert outcome.exit_code == 2 and "--yes" in outcome.stderr and stored(home).read_text() == before
    assert run("register", *FROM_ENVIRONMENT, "--save", "--yes").exit_code == 0
    assert stored(home).read_text() != before


def test_a_wrong_password_is_said_before_anything_is_registered(run, home, venue, monkeypatch):
    assert run("register", *FROM_ENVIRONMENT, "--save").exit_code == 0
    registrations = len(venue.requests("POST", "/register"))
    monkeypatch.setenv("HBOT_PASSWORD", "wrong")
    outcome = run("register", *FROM_ENVIRONMENT, "--save", "--yes")
    assert outcome.exit_code == 3 and outcome.is_one_sentence()
    assert len(venue.requests("POST", "/register")) == registrations


@pytest.mark.parametrize("expires", ["0d", "59m", "31d", "5w", "7", "soon", "-1d", ""])
def test_lives_that_make_no_sense(run, home, venue, expires):
    outcome = run("register", *FROM_ENVIRONMENT, f"--expires={expires}")
    assert outcome.exit_code == 2 and "1h to 30d" in outcome.stderr


@pytest.mark.parametrize("expires, ms", [("1h", 3_600_000), ("30d", 30 * DAY_MS), ("2w", 14 * DAY_MS)])
def test_lives_that_do(run, home, venue, expires, ms):
    result = run("register", *FROM_ENVIRONMENT, "--expires", expires, "--json").json
    assert abs(result["expires_ms"] - venue.simulator.clock.now_ms() - ms) < 60_000


# --- Where the wallet's key is


def test_an_environment_variable_that_is_not_set_or_holds_no_key(run, home, monkeypatch):
    assert run("register", "--wallet-key-env", "NOT_SET").exit_code == 2
    monkeypatch.setenv("MY_WALLET", "0x1234")
    outcome = run("register", *FROM_ENVIRONMENT)
    assert outcome.exit_code == 3 and outcome.is_one_sentence() and "1234" not in outcome.stderr


def test_nobody_to_ask_for_the_key(run, home):
    outcome = run("register")
    assert outcome.exit_code == 2 and "--wallet-keystore" in outcome.stderr


def test_one_source_alone(run, home):
    assert run("register", *FROM_ENVIRONMENT, "--sign-elsewhere", WALLET.address).exit_code == 2


def keystore_file(folder, password="of the wallet"):
    path = folder / "wallet.json"
    path.write_text(json.dumps(Account.encrypt(WALLET_KEY, password, kdf="pbkdf2", iterations=1000)))
    return path


def test_a_keystore_file_with_its_password(run, home, tmp_path, monkeypatch):
    monkeypatch.setenv("WALLET_PASSWORD", "of the wallet")
    outcome = run("register", "--wallet-keystore", keystore_file(tmp_path), "--json")
    assert outcome.exit_code == 0 and outcome.json["wallet_address"] == WALLET.address


def test_a_keystore_file_and_another_password(run, home, tmp_path, monkeypatch):
    monkeypatch.setenv("WALLET_PASSWORD", "another")
    outcome = run("register", "--wallet-keystore", keystore_file(tmp_path))
    assert outcome.exit_code == 3 and outcome.is_one_sentence() and "password" in outcome.stderr


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"crypto": {}}', '{"crypto": 5, "version": 3}', "\x00"])
def test_a_file_that_is_no_keystore(run, home, tmp_path, monkeypatch, content):
    monkeypatch.setenv("WALLET_PASSWORD", "of the wallet")
    path = tmp_path / "wallet.json"
    path.write_text(content)
    outcome = run("register", "--wallet-keystore", path)
    assert outcome.exit_code == 2 and outcome.is_one_sentence() and str(path) in outcome.stderr
    assert run("register", "--wallet-keystore", tmp_path / "none.json").exit_code == 2


# --- Signed elsewhere

SIGNER, EXPIRY_MS = Account.from_key("0x" + "77" * 32).address, 1_800_000_000_000
TYPED_DATA = registration_typed_data(DOMAIN, SIGNER, EXPIRY_MS)


def signature_of(account):
    return "0x" + bytes(account.sign_message(encode_typed_data(full_message=TYPED_DATA)).signature).hex()


SIGNATURE = signature_of(WALLET)


def approved(monkeypatch, typed):
    """What comes of it when a person types that."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n"))
    return wallet.approver(None, None, WALLET.address.lower(), as_json=True)(DOMAIN, SIGNER, EXPIRY_MS)


@pytest.mark.parametrize("typed", [
    SIGNATURE, " " + SIGNATURE[2:].upper(), SIGNATURE[:-2] + {"1b": "00", "1c": "01"}[SIGNATURE[-2:]],
])
def test_signatures_of_a_wallet_elsewhere(monkeypatch, capsys, typed):
    assert approved(monkeypatch, typed) == (WALLET.address, SIGNATURE)
    assert json.loads(capsys.readouterr().out) == {"typed_data": TYPED_DATA}


@pytest.mark.parametrize("typed", [
    "", "0x1234", "0x" + "00" * 65, "0x" + "ff" * 64 + "1b", "nonsense", SIGNATURE[:-2] + "05",
    signature_of(Account.from_key("0x" + "78" * 32)), SIGNATURE[:20] + "0123456789" + SIGNATURE[30:],
])
def test_what_is_not_its_signature_is_refused(monkeypatch, typed):
    with pytest.raises(CommandError, match="nothing was sent") as refusal:
        approved(monkeypatch, typed)
    assert refusal.value.exit_code is ExitCode.KEYS


@pytest.mark.parametrize("address", ["0x1234", WALLET_KEY, WALLET.address.swapcase().replace("0X", "0x")])
def test_an_address_that_is_none(run, home, address):
    outcome = run("register", "--sign-elsewhere", address)
    assert outcome.exit_code == 2 and address not in outcome.words


# --- What the venue does


def test_a_venue_that_is_away_is_said_before_the_key_is_asked_for(run, home, venue):
    venue.ask("go_down")
    outcome = run("register")
    assert outcome.exit_code == 5 and outcome.is_one_sentence()


@pytest.mark.parametrize("code, words", [
    (1022, "wallet's signature"), (1099, "no account of this wallet"), (1130, "--expires"), (1024, "network type"),
])
def test_refusals_say_what_they_mean_for_a_registration(run, home, venue, code, words):
    venue.ask("add_fault", "rest", "status", method="POST", path="/register", times=1, status=400,
              body=json.dumps({"code": code, "msg": "no"}))
    outcome = run("register", *FROM_ENVIRONMENT, "--save")
    assert outcome.exit_code == 4 and outcome.is_one_sentence() and words in outcome.stderr
    assert not stored(home).exists()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("action", ["status", "reset", "truncate"])
def test_a_lost_answer_loses_nothing_and_says_what_to_do(run, home, venue, when, action):
    assert run("register", *FROM_ENVIRONMENT, "--save").exit_code == 0
    before = stored(home).read_text()
    venue.ask("add_fault", "rest", action, method="POST", path="/register", times=1, when=when)
    outcome = run("register", *FROM_ENVIRONMENT, "--save", "--yes")
    assert outcome.exit_code == 6 and outcome.is_one_sentence() and "same command again" in outcome.stderr
    assert stored(home).read_text() == before
    assert run("register", *FROM_ENVIRONMENT, "--save", "--yes").exit_code == 0


@pytest.mark.parametrize("answer", ["{}", '{"apiKey": "x"}', '{"apiKey": "x", "accGroup": "many"}', "[]", "5"])
def test_an_answer_that_cannot_be_understood(run, home, venue, answer):
    venue.ask("add_fault", "rest", "status", method="POST", path="/register", times=1, status=200, body=answer)
    outcome = run("register", *FROM_ENVIRONMENT, "--save")
    assert outcome.exit_code == 6 and outcome.is_one_sentence() and not stored(home).exists()


def test_registered_but_not_stored_prints_the_values(run, home, venue):
    (stored(home) / "in the way").mkdir(parents=True)
    outcome = run("register", *FROM_ENVIRONMENT, "--save", "--yes", "--json")
    assert outcome.exit_code == 1 and "could not be stored" in outcome.stderr and outcome.json["saved"] is False
    assert Account.from_key(outcome.json["signing_private_key"]).address == outcome.json["signing_address"]
    assert list((home / "conf" / "connectors").iterdir()) == [stored(home)]


def test_an_expiry_that_cannot_be_noted_is_said(run, home, venue):
    (home / "data" / f"{DOMAIN}_registration.json").mkdir(parents=True)
    outcome = run("register", *FROM_ENVIRONMENT, "--save", "--json")
    assert outcome.exit_code == 0 and outcome.json["saved"] and "could not be noted" in outcome.stderr


def test_a_folder_without_permission_is_noticed_before_anything_is_registered(run, home, venue, monkeypatch):
    folder, access = home / "conf" / "connectors", os.access
    folder.mkdir(parents=True)
    # As the system answers everybody but root, who may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: path != folder and access(path, mode))
    registrations = len(venue.requests("POST", "/register"))
    assert run("register", *FROM_ENVIRONMENT, "--save").exit_code == 1
    assert len(venue.requests("POST", "/register")) == registrations


def test_a_folder_in_which_nothing_can_be_written_is_noticed_before_anything_is_registered(run, home, venue):
    (home / "conf").mkdir()
    (home / "conf" / "connectors").write_text("in the way")
    registrations = len(venue.requests("POST", "/register"))
    assert run("register", *FROM_ENVIRONMENT, "--save").exit_code == 1
    assert len(venue.requests("POST", "/register")) == registrations


def test_a_connection_that_ended_while_the_key_was_typed_loses_nothing(run, home, venue, monkeypatch):
    def type_slowly(prompt, otherwise):
        venue.ask("go_down")
        venue.ask("come_back")
        return WALLET_KEY

    monkeypatch.setattr(prompts, "secret", type_slowly)
    assert run("register").exit_code == 0


def test_keys_are_not_taken_as_arguments(run, home, venue):
    outcome = run("register", "correct", "horse", "battery")
    assert outcome.exit_code == 2 and "history" in outcome.stderr and "horse" not in outcome.words


def test_errors_of_commands_carry_their_exit_code():
    assert CommandError("words", ExitCode.KEYS, nonce=5).details == {"nonce": 5}
