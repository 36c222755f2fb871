"""What is read of the client's log files."""
import time
from pathlib import Path
from test.hummingbot.connector.derivative.vest_perpetual.session_report.session_testing import (
    BACK,
    LOST,
    START_MS,
    TRACKER,
    Recording,
    created,
    short_session,
)

import pytest

from hummingbot.connector.derivative.vest_perpetual.session_report import log as log_module
from hummingbot.connector.derivative.vest_perpetual.session_report.log import cleaned, log_files, read_log
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import Selection

ALL = Selection()
HOUR_MS = 3_600_000


@pytest.fixture
def recording(tmp_path):
    return Recording(tmp_path)


def read(recording, selection=ALL):
    return read_log(log_files(recording.database), selection)


def test_a_session(tmp_path):
    log = read(short_session(tmp_path))
    assert (log.starts_ms, log.stops_ms) == ([START_MS], [START_MS + 9_500])
    assert [(lost.stream, lost.reason, lost.start_ms, lost.end_ms) for lost in log.interruptions] == [
        ("user stream", "close code 1006", START_MS + 2_000, START_MS + 2_750)]
    assert (log.errors, log.count("WARNING")) == (1, 1)
    assert list(log.acks_ms["LIMIT"]) == [40]


@pytest.mark.parametrize("zone_h", [-9.5, 0, 2, 5.75])
def test_local_times_become_utc_wherever_the_bot_ran(recording, zone_h):
    recording.say((-5_000, "ERROR", "before"), (40, "INFO", created(0), TRACKER), (5_000, "ERROR", "after"),
                  zone_h=zone_h)
    log = read(recording)
    assert list(log.times_ms["ERROR"]) == [START_MS - 5_000, START_MS + 5_000]
    assert list(log.acks_ms["LIMIT"]) == [40]


def test_the_end_of_summer_time_is_noticed(recording):
    recording.say((40, "INFO", created(0), TRACKER), zone_h=2)
    recording.say((1_040, "INFO", created(1_000), TRACKER), (2_040, "INFO", created(2_000), TRACKER),
                  (9_000, "ERROR", "after"), zone_h=1)
    assert list(read(recording).times_ms["ERROR"]) == [START_MS + 9_000]


def test_one_late_confirmation_moves_nothing(recording):
    late_ms = HOUR_MS // 2
    recording.say((40, "INFO", created(0), TRACKER), (late_ms, "INFO", created(10), TRACKER),
                  (late_ms + 1, "ERROR", "after"), (late_ms + 100, "INFO", created(late_ms + 50), TRACKER))
    log = read(recording)
    assert list(log.times_ms["ERROR"]) == [START_MS + late_ms + 1]
    assert list(log.acks_ms["LIMIT"]) == [40, late_ms - 10, 50]


def test_without_any_order_the_time_zone_of_this_computer_is_taken(recording, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        recording.say((1_234, "ERROR", "alone"), zone_h=5.75)
        assert list(read(recording).times_ms["ERROR"]) == [START_MS + 1_234]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_complaints_that_differ_in_numbers_are_one_and_codes_are_kept(recording):
    recording.say(*((1_000 * number, "ERROR", f"Order {10 ** 15 + number}: HTTP 503, after 0.{number} s")
                    for number in range(1, 4)), (9_000, "WARNING", "Vest error 1002"))
    error, warning = read(recording).complaints
    assert (error.text, error.count) == ("Order …: HTTP 503, after … s", 3)
    assert (error.first_ms, error.last_ms) == (START_MS + 1_000, START_MS + 3_000)
    assert warning.text == "Vest error 1002"


@pytest.mark.parametrize("secret", [
    "0x" + "1f" * 32, "1F" * 32, "eyJhbGciOiJIUzI1NiJ9." + "aB3_-" * 20, "0x" + "ab" * 65, "1795382793719175",
])
def test_nothing_that_could_be_a_secret_is_kept(secret):
    assert not any(secret[start:start + 16] in cleaned(f"failed with key={secret}, sorry") for start in range(0, 16))


def test_a_message_is_cut_when_it_is_too_long():
    assert len(cleaned("word " * 1000)) == log_module.LONGEST_TEXT + 1


def test_tracebacks_and_rubbish_are_passed_over(recording):
    recording.say((0, "ERROR", "Unexpected error"))
    with recording.log.open("ab") as file:
        file.write(b"Traceback (most recent call last):\n  a - b - c - ERROR - d\n\xff\xfe\n"
                   b"2026-99-99 99:99:99,1 - 1 - a - ERROR - no such time\n")
    assert read(recording).errors == 1


def test_endless_kinds_of_complaints_are_counted_and_not_kept(recording, monkeypatch):
    monkeypatch.setattr(log_module, "KINDS_LIMIT", 3)
    recording.say(*((0, "ERROR", "unlike " + "a" * number) for number in range(5)), (5, "WARNING", LOST))
    log = read(recording)
    assert (len(log.complaints), log.left_out, log.errors, len(log.interruptions)) == (3, 3, 5, 1)


def test_an_interruption_lasts_until_the_stream_is_back(recording):
    recording.say((0, "WARNING", LOST), (10, "WARNING", LOST), (20, "INFO", BACK), (30, "INFO", BACK),
                  (40, "WARNING", LOST))
    assert [(lost.start_ms, lost.end_ms) for lost in read(recording).interruptions] == [
        (START_MS, START_MS + 20), (START_MS + 40, None)]


def test_what_was_interrupted_when_the_client_ended_is_no_business_of_the_next(recording):
    recording.say((0, "WARNING", LOST), (50, "INFO", "Clock started successfully"), (60, "INFO", BACK))
    assert [lost.end_ms for lost in read(recording).interruptions] == [None]


def test_failed_orders_are_counted(recording):
    event = '{"order_id": "1795382793719175", "event_name": "MarketOrderFailureEvent", "event_source": "vest"}'
    recording.say((0, "EVENT_LOG", event), (0, "EVENT_LOG", event.replace("OrderFailure", "Other")), (0, "INFO", event))
    assert read(recording).failed_orders == 1


def test_orders_fail_for_reasons(recording, monkeypatch):
    monkeypatch.setattr(log_module, "KINDS_LIMIT", 3)
    name = '"event_name": "MarketOrderFailureEvent"'
    for message in ("Vest error 3018: bad 1795382793719175", "Vest error 3018: bad 1795382793719176", "Vest error 1",
                    "x"):
        recording.say((0, "EVENT_LOG", f'{{{name}, "error_message": "{message}"}}'))
    recording.say((0, "EVENT_LOG", f"{{{name}"), (0, "EVENT_LOG", f"[{{{name}}}]"))
    assert read(recording).failures == {
        "Vest error 3018: bad …": 2, "Vest error 1": 1, "x": 1, log_module.OTHER_REASONS: 2}
    assert read(recording).failed_orders == 6


def test_the_selection_holds_for_the_log_too(recording):
    recording.say((100, "INFO", created(60, pair="ETH-USDC"), TRACKER), (110, "INFO", created(80), TRACKER),
                  (200, "ERROR", "in"), (300, "ERROR", "out"))
    log = read(recording, Selection(pairs=["ETH-USDC"], from_ms=START_MS, to_ms=START_MS + 300))
    assert list(log.acks_ms["LIMIT"]) == [40]
    assert log.errors == 1


def test_ids_of_another_connector_are_no_times(recording):
    recording.say((100, "INFO", "Created LIMIT BUY order 1234567890123456 for 1 to OPEN a BTC-USDC position at 5."),
                  (100, "INFO", "Created LIMIT BUY order x-HBOT12 for 1 to OPEN a BTC-USDC position at 5."))
    assert read(recording).acks_ms == {}


def test_yesterdays_log_is_read_before_todays(recording, tmp_path):
    for name in ("logs_bot.log", "logs_bot.log.2026-11-21", "logs_bot.log.2026-11-20", "logs_bot2.log", "errors.log"):
        recording.say((0, "INFO", "hello"), file=recording.log.with_name(name))
    assert [file.name for file in log_files(recording.database)] == [
        "logs_bot.log.2026-11-20", "logs_bot.log.2026-11-21", "logs_bot.log"]


def test_the_logs_are_found_from_within_the_data_folder(recording, monkeypatch):
    recording.say((0, "INFO", "hello"))
    monkeypatch.chdir(recording.database.parent)
    assert [file.name for file in log_files(Path(recording.database.name))] == ["logs_bot.log"]


def test_a_name_with_brackets_is_taken_literally(tmp_path):
    recording = Recording(tmp_path, name="bot[1]*")
    recording.say((0, "INFO", "hello"))
    assert [file.name for file in log_files(recording.database)] == ["logs_bot[1]*.log"]
