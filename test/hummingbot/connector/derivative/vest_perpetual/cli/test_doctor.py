"""`doctor`, with each thing it looks for put out of order at the simulated venue or on this computer."""
import asyncio
import re
import stat
from test.hummingbot.connector.derivative.vest_perpetual.test_vest_perpetual_hostile_transport import self_signed
from types import SimpleNamespace

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.cli import doctor_checks, doctor_permissions
from hummingbot.connector.derivative.vest_perpetual.cli.doctor_checks import CHECKS, Verdict
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import RegistrationNote

from .conftest import DOMAIN, WALLET_KEY, write_keys

pytestmark = pytest.mark.usefixtures("home")
NAMES = [check.name for check in CHECKS]
SIGNING_KEY = "0x" + "77" * 32


@pytest.fixture
def examined(run, tmp_path):
    """Runs the command and gives what it found, by name of the check, and the exit code."""
    def examine(keys_file=None):
        arguments = [] if keys_file is None else ["--keys", keys_file]
        outcome = run("doctor", "--json", *arguments)
        found = {row["check"]: SimpleNamespace(**row) for row in outcome.json["checks"]}
        assert list(found) == NAMES
        has_failed = any(row.verdict == "fail" for row in found.values())
        assert outcome.exit_code == (1 if has_failed else 0)
        assert all(row.words for row in found.values())
        assert all(row.remedy for row in found.values() if row.verdict in ("warn", "fail"))
        return found

    return examine


def verdicts(found, *names):
    return [found[name].verdict for name in names]


def test_with_nothing_wrong_all_is_ok_and_nothing_is_changed(venue, account, keys_file, examined, tmp_path):
    tmp_path.chmod(0o700)
    before = venue.ask("ledger", account.account_group)

    found = examined(keys_file)

    assert set(verdicts(found, *NAMES)) == {"ok"}
    after = venue.ask("ledger", account.account_group)
    assert {name: what for name, what in after.items() if name != "time"} == {
        name: what for name, what in before.items() if name != "time"}
    assert venue.requests("POST", "/orders") == [] and venue.requests("DELETE", "/account/listenKey") == []


def test_the_listen_key_that_bots_share_stays_alive(venue, account, keys_file, examined):
    examined(keys_file)
    first = venue.ask("listen_keys")
    examined(keys_file)

    ours = [row for row in venue.ask("listen_keys") if row["account_group"] == account.account_group]
    assert len(ours) == 1 and len(venue.ask("listen_keys")) == len(first)


def test_people_get_one_line_a_check_and_what_to_do_below_it(venue, account, run, tmp_path):
    outcome = run("doctor", "--keys", write_keys(tmp_path / "keys.yml", account, account_group=99))

    assert outcome.exit_code == 1
    lines = outcome.stdout.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [
        "ok", "ok", "ok", "ok", "skipped", "fail", "skipped", "skipped", "skipped", "skipped", "ok"]
    assert "→ enter accGroup of the registration" in outcome.stdout
    assert outcome.stderr == "Mend what failed, from the top, and run this again.\n"
    assert account.api_key not in outcome.words and account.signing_private_key not in outcome.words


# --- The venue


def test_a_venue_that_is_down_is_one_failure(venue, keys_file, examined):
    venue.ask("go_down")

    found = examined(keys_file)

    assert verdicts(found, "network", "keys", "permissions") == ["fail", "ok", "ok"]
    assert "start the simulator" in found["network"].remedy
    others = [name for name in NAMES if name not in ("network", "keys", "permissions")]
    assert set(verdicts(found, *others)) == {"skipped"}
    assert all(found[name].words == "not reached, because of: network" for name in others)


def test_a_venue_that_answers_with_errors_fails_what_asks_it(venue, keys_file, examined):
    venue.ask("add_fault", "rest", "status", path="/account", status=503)

    found = examined(keys_file)

    assert verdicts(found, "network", "venue", "registration", "signature") == ["ok", "ok", "fail", "skipped"]
    assert "503" in found["registration"].words


def test_a_check_that_hangs_ends_in_time_and_the_rest_is_checked(venue, keys_file, examined, monkeypatch):
    monkeypatch.setattr(CONSTANTS, "REQUEST_TIMEOUT_S", 3.0)
    venue.ask("add_fault", "rest", "hang", path="/exchangeInfo")

    found = examined(keys_file)

    assert verdicts(found, "venue", "registration", "private_socket") == ["fail", "ok", "ok"]
    assert "no answer in time" in found["venue"].words


def test_halted_markets_are_named_and_a_venue_where_nothing_trades_is_a_warning(venue, keys_file, examined):
    symbols = list(venue.ask("prices"))
    venue.ask("set_status", symbols[0], "HALT")
    try:
        one = examined(keys_file)["venue"]
        for symbol in symbols:
            venue.ask("set_status", symbol, "HALT")
        all_of_them = examined(keys_file)["venue"]
    finally:
        for symbol in symbols:
            venue.ask("set_status", symbol, "TRADING")

    assert one.verdict == "ok" and f"closed now: {symbols[0]}" in one.words
    assert all_of_them.verdict == "warn" and "nothing trades now" in all_of_them.words


@pytest.mark.parametrize("seconds, verdict", [(30, "warn"), (400, "fail")])
def test_a_clock_that_is_wrong_is_said_in_seconds(venue, keys_file, examined, monkeypatch, seconds, verdict):
    now_s = doctor_checks.time.time
    monkeypatch.setattr(doctor_checks, "time", SimpleNamespace(time=lambda: now_s() + seconds))

    found = examined(keys_file)

    assert found["clock"].verdict == verdict
    assert abs(float(re.search(r"([\d.]+) s ahead", found["clock"].words)[1]) - seconds) < 10
    assert "ahead of the venue's" in found["clock"].words and "timedatectl" in found["clock"].remedy
    assert verdicts(found, "registration", "signature", "private_socket") == ["ok"] * 3


def test_a_venue_without_a_date_leaves_the_clock_in_doubt(venue, keys_file, examined):
    venue.ask("set_switch", "date_header", "absent")
    try:
        found = examined(keys_file)
    finally:
        venue.ask("set_switch", "date_header", "venue")

    assert found["clock"].verdict == "warn" and "no Date header" in found["clock"].words


@pytest.mark.parametrize("scheme, words", [("https", "no secure connection"), ("http", "cannot be looked up")])
def test_names_and_tls_are_told_apart(venue, keys_file, examined, monkeypatch, scheme, words):
    port = venue.simulator.url.rpartition(":")[2]
    host = "127.0.0.1" if scheme == "https" else "no-such-host.invalid"
    monkeypatch.setenv(CONSTANTS.SIMULATOR_URL_VARIABLE, f"{scheme}://{host}:{port}")

    found = examined(keys_file)

    assert found["network"].verdict == "fail" and words in found["network"].words


def test_a_certificate_nobody_vouches_for_is_said(venue, keys_file, examined, monkeypatch, tmp_path):
    async def close():
        server.close()

    server = venue.run(asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0, ssl=self_signed(tmp_path)))
    try:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv(CONSTANTS.SIMULATOR_URL_VARIABLE, f"https://127.0.0.1:{port}")
        found = examined(keys_file)
    finally:
        venue.run(close())  # in its own thread, which may be busy with a connection

    assert found["network"].verdict == "fail" and "is not accepted (self" in found["network"].words
    assert "check this computer's date" in found["network"].remedy


# --- The keys


def test_no_keys_fail_and_the_public_part_is_checked(venue, examined):
    found = examined()

    assert verdicts(found, "network", "clock", "venue", "keys", "permissions") == ["ok", "ok", "ok", "fail", "ok"]
    assert "register --save" in found["keys"].remedy
    assert found["registration"].words == "not reached, because of: key format"


@pytest.mark.parametrize("name, value, words", [
    ("signing_private_key", "0x" + "5e" * 20, "address"),
    ("signing_private_key", "0x1234", "64 hexadecimal digits"),
    ("api_key", "''", "no value for"),
    ("account_group", "five", "whole number"),
])
def test_a_value_that_can_be_no_key_is_said(venue, account, examined, tmp_path, name, value, words):
    found = examined(write_keys(tmp_path / "keys.yml", account, **{name: value}))

    assert found["keys"].verdict == "fail" and words in found["keys"].words
    assert account.api_key not in str(found) and account.signing_private_key not in str(found)


def test_a_keys_file_that_others_can_read_fails(venue, account, examined, tmp_path):
    found = examined(write_keys(tmp_path / "keys.yml", account, mode=0o644))

    assert found["keys"].verdict == "fail" and "others on this computer can read" in found["keys"].words


def test_a_wrong_api_key_fails_the_registration(venue, account, examined, tmp_path):
    found = examined(write_keys(tmp_path / "keys.yml", account, api_key="f" * 64))

    assert found["registration"].verdict == "fail" and "1002" in found["registration"].words
    assert f"register --save --domain {DOMAIN}" in found["registration"].remedy
    assert set(verdicts(found, "own_key", "signature", "listen_key", "private_socket")) == {"skipped"}


def test_a_key_that_has_expired_fails_the_registration(venue, examined, tmp_path):
    account = SimpleNamespace(**venue.ask("create_account", 1000, key_life_ms=1))

    found = examined(write_keys(tmp_path / "keys.yml", account))

    assert found["registration"].verdict == "fail" and "register again" in found["registration"].remedy


@pytest.mark.parametrize("left_ms, verdict, words", [
    (6 * 86_400_000 + 60_000, "ok", "6 days"), (3_600_000 * 5, "warn", "hours"), (-1000, "warn", "should have expired"),
])
def test_the_note_of_the_registration_tells_the_expiry(
        venue, account, keys_file, examined, home, left_ms, verdict, words):
    address = venue.simulator.keys.authenticate(account.api_key, 0).signing_address
    expires_ms = venue.simulator.clock.now_ms() + left_ms
    (home / "data").mkdir(exist_ok=True)
    RegistrationNote(address, expires_ms, account.account_group).write(home / "data", DOMAIN)

    found = examined(keys_file)

    assert found["registration"].verdict == verdict and words in found["registration"].words


def test_a_wrong_signing_key_fails_the_signature_alone(venue, account, examined, tmp_path):
    found = examined(write_keys(tmp_path / "keys.yml", account, signing_private_key=SIGNING_KEY))

    assert [name for name in NAMES if found[name].verdict != "ok"] == ["signature"]
    assert found["signature"].verdict == "fail" and "1022" in found["signature"].words


@pytest.mark.parametrize("fault, words", [
    ({"action": "error_200", "code": 1130}, "did not say (Vest error 1130"),
    ({"action": "status", "status": 200, "body": '{"id": "0x01"}'}, "it took the cancellation of an order"),
])
def test_an_answer_that_proves_nothing_is_a_warning(venue, keys_file, examined, fault, words):
    venue.ask("add_fault", "rest", path="/orders/cancel", **fault)

    found = examined(keys_file)

    assert found["signature"].verdict == "warn" and words in found["signature"].words


def test_the_wallets_own_key_as_signing_key_fails_and_is_not_used(venue, account, examined, tmp_path):
    keys_file = write_keys(tmp_path / "keys.yml", account, signing_private_key=account.primary_private_key)

    found = examined(keys_file)

    assert found["own_key"].verdict == "fail" and "key of your wallet" in found["own_key"].words
    assert found["signature"].verdict == "skipped"
    assert account.primary_private_key not in str(found) and WALLET_KEY not in str(found)


def test_a_wrong_group_is_said_with_the_right_one_where_it_is_known(venue, account, examined, home, tmp_path):
    keys_file = write_keys(tmp_path / "keys.yml", account, account_group=account.account_group + 500)
    first = examined(keys_file)
    address = venue.simulator.keys.authenticate(account.api_key, 0).signing_address
    (home / "data").mkdir(exist_ok=True)
    expires_ms = venue.simulator.clock.now_ms() + 10**9
    RegistrationNote(address, expires_ms, account.account_group).write(home / "data", DOMAIN)
    second = examined(keys_file)

    assert verdicts(first, "registration", "account_group", "signature") == ["skipped", "fail", "skipped"]
    assert "accGroup" in first["account_group"].remedy
    assert f"registered for group {account.account_group}" in second["account_group"].words


# --- Events of the account


def test_without_a_listen_key_the_socket_is_not_tried(venue, keys_file, examined):
    venue.ask("add_fault", "rest", "status", path="/account/listenKey", status=500)

    found = examined(keys_file)

    assert verdicts(found, "signature", "listen_key", "private_socket") == ["ok", "fail", "skipped"]


@pytest.mark.parametrize("fault, words", [
    (dict(action="refuse_handshake", status=403), "HTTP 403"),
    (dict(action="refuse_handshake", code=4004), "does not know the listen key"),
    (dict(action="refuse_subscription"), "the subscription was not acknowledged"),
])
def test_a_private_socket_that_is_refused_fails_in_words(venue, keys_file, examined, fault, words):
    venue.ask("add_fault", "socket", socket="private", **fault)

    found = examined(keys_file)

    assert found["private_socket"].verdict == "fail" and words in found["private_socket"].words
    assert found["listen_key"].verdict == "ok"


# --- This computer


@pytest.mark.parametrize("mode, verdict", [(0o600, Verdict.OK), (0o644, Verdict.WARN), (0o622, Verdict.FAIL)])
def test_files_that_others_can_read_or_change_are_named(tmp_path, monkeypatch, mode, verdict):
    # pytest's own folders are closed to others, so whatever is in them is out of their reach.
    monkeypatch.setattr(doctor_permissions, "_can_be_reached", lambda path: True)
    file = tmp_path / "keys.yml"
    file.touch()
    file.chmod(mode)

    found = asyncio.run(doctor_checks.permissions(SimpleNamespace(private_paths=(file, tmp_path / "none"))))

    assert found.verdict is verdict
    assert (str(file) in found.words and f"chmod go-rwx {file}" in found.remedy) or verdict is Verdict.OK


def test_what_lies_in_a_closed_folder_is_out_of_reach(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o700)
    file = tmp_path / "closed" / "keys.yml"
    file.touch()
    file.chmod(0o666)

    assert stat.S_IMODE(file.stat().st_mode) == 0o666
    assert doctor_permissions.others_may([file]) == ([], [])
