"""What each refusal of the venue means, and above all whether a request may have been acted on (framework gap B1)."""
import asyncio
import re
from http import HTTPStatus
from pathlib import Path

import pytest

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_errors as errors,
)

# Those codes whose error has a type of its own; all others are plain refusals.
TYPES = {
    429: errors.VestRateLimitError,
    1002: errors.VestUnauthorizedError,
    1003: errors.VestRateLimitError,
    1022: errors.VestUnauthorizedError,
    1099: errors.VestUnauthorizedError,
    1125: errors.VestListenKeyError,
    1131: errors.VestClockError,
    1132: errors.VestClockError,
    1146: errors.VestUnauthorizedError,
    3015: errors.VestDuplicateOrderError,
    3017: errors.VestOrderNotFoundError,
    4010: errors.VestDuplicateOrderError,
    5010: errors.VestDuplicateOrderError,
}
CLOSE_GROUP = "WebSocket close"


def documented_codes():
    """The codes of each group, read from the protocol's own table."""
    text = (Path(__file__).parents[4] / "data" / "vest_api" / "error_codes.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if re.match(r"\| [A-Za-z]", line)][1:]
    return {group: [int(code) for code in re.findall(r"\b\d{3,4}\b", words)] for group, words in rows}


CODES = [code for group, codes in documented_codes().items() for code in codes if group != CLOSE_GROUP]

# Every HTTP status of 400 and more that Python knows; a new one has to be judged here.
STATUSES = {
    **{status: errors.VestRefusedError for status in (
        400, 402, 404, 405, 406, 407, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426,
        428, 431, 451,
    )},
    **{status: errors.VestUnauthorizedError for status in (401, 403)},
    **{status: errors.VestServerError for status in (408, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511)},
    429: errors.VestRateLimitError,
}

UNKNOWN_OUTCOME = (errors.VestRateLimitError, errors.VestServerError)


def all_error_classes(root=errors.VestError):
    classes = {root}.union(*map(all_error_classes, root.__subclasses__()))
    return sorted(classes, key=lambda error: error.__name__)  # in one order in every process that runs the tests


def test_the_protocols_table_is_read_whole():
    groups = {group: len(codes) for group, codes in documented_codes().items()}

    assert groups == {"general": 7, "request": 14, "order rejected": 18, "LP": 7, "transfer": 4, CLOSE_GROUP: 8}


def test_every_documented_code_has_a_meaning_and_no_other_has():
    assert sorted(errors.CODE_MEANINGS) == sorted(CODES)
    assert set(TYPES) <= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_meaning_says_what_happened_and_what_to_do(code):
    happened, _, to_do = errors.CODE_MEANINGS[code].partition("; ")

    assert len(happened) > 10 and len(to_do) > 10


def test_every_close_code_has_a_meaning_and_no_other_has():
    assert sorted(CONSTANTS.WS_CLOSE_MEANINGS) == documented_codes()[CLOSE_GROUP]
    assert all(CONSTANTS.WS_CLOSE_MEANINGS.values())


@pytest.mark.parametrize("code", [4000, 4001, 4002])
def test_close_codes_that_no_new_connection_cures_say_what_to_do(code):
    assert re.search("; (check|look for) ", CONSTANTS.WS_CLOSE_MEANINGS[code])


@pytest.mark.parametrize("code", CODES)
def test_every_documented_code_has_its_type_and_a_verdict_on_the_outcome(code):
    error = errors.error_for_code(code, "the venue's words", status=400)

    assert type(error) is TYPES.get(code, errors.VestRefusedError)
    # A limiter does not say whether it looked at the request; every other code is a definitive no.
    assert errors.is_outcome_unknown(error) is (code in (429, 1003))
    assert f"Vest error {code}: {errors.CODE_MEANINGS[code]} [the venue's words]" == str(error)


def test_every_http_status_is_judged():
    assert set(STATUSES) == {status.value for status in HTTPStatus if status >= 400}


@pytest.mark.parametrize("status, expected", STATUSES.items())
def test_every_http_status_without_a_code_has_its_type_and_a_verdict_on_the_outcome(status, expected):
    error = errors.error_for_status(status, "some text")

    assert type(error) is expected
    assert errors.is_outcome_unknown(error) is issubclass(expected, UNKNOWN_OUTCOME)
    assert f"HTTP {status}" in str(error)


def test_an_undocumented_code_is_a_refusal_that_quotes_the_venue():
    error = errors.error_for_code(9999, "something new", status=400)

    assert type(error) is errors.VestRefusedError
    assert (error.code, error.status, error.venue_message) == (9999, 400, "something new")
    assert "9999" in str(error) and "something new" in str(error)


@pytest.mark.parametrize("status, expected", [
    (500, errors.VestServerError), (503, errors.VestServerError), (408, errors.VestServerError),
    (200, errors.VestUnreadableAnswerError),
])
@pytest.mark.parametrize("code", [1000, 500, 503])
def test_a12_an_undocumented_code_refuses_nothing_unless_the_status_does(code, status, expected):
    error = errors.error_for_code(code, "internal", status)

    assert type(error) is expected and errors.is_outcome_unknown(error)
    assert str(code) in str(error) and "internal" in str(error)


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_documented_code_is_believed_whatever_the_status(status):
    assert type(errors.error_for_code(3001, "", status)) is errors.VestRefusedError


def test_an_undocumented_server_status_leaves_the_outcome_unknown():
    assert errors.is_outcome_unknown(errors.error_for_status(520, ""))


@pytest.mark.parametrize("make", [errors.error_for_code, errors.error_for_status])
def test_a_rate_limit_tells_how_long_to_wait(make):
    error = make(429, "slow down", 429, 7.5) if make is errors.error_for_code else make(429, "slow down", 7.5)

    assert error.retry_after_s == 7.5


@pytest.mark.parametrize("error_class", all_error_classes(), ids=lambda error_class: error_class.__name__)
def test_the_framework_catches_every_error_as_the_ioerror_it_expects(error_class):
    assert issubclass(error_class, IOError)


@pytest.mark.parametrize("error_class", all_error_classes(), ids=lambda error_class: error_class.__name__)
def test_b14_no_error_is_the_timeout_that_the_framework_misreads(error_class):
    assert not issubclass(error_class, asyncio.TimeoutError)


def test_the_outcome_of_a_request_that_was_never_sent_is_known():
    assert not errors.is_outcome_unknown(errors.VestNotSentError("no connection"))


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError("?"), asyncio.CancelledError()])
def test_foreign_errors_prove_nothing(error):
    assert errors.is_outcome_unknown(error)
    assert not errors.is_retryable(error)


def test_what_may_be_asked_again():
    retryable = {error_class for error_class in all_error_classes() if error_class.retryable}

    assert retryable == {
        errors.VestUnknownOutcomeError, errors.VestTimeoutError, errors.VestConnectionLostError,
        errors.VestServerError, errors.VestRateLimitError, errors.VestUnreadableAnswerError,
        errors.VestNotSentError, errors.VestClockError,
    }
    assert errors.is_retryable(errors.VestTimeoutError("late"))


@pytest.mark.parametrize("code", [1002, 1099])
def test_a1_refused_keys_say_what_to_do(code):
    assert "register" in errors.describe_code(code) and "connect vest_perpetual" in errors.describe_code(code)


def test_a_transfer_of_unknown_outcome_is_never_asked_again_by_itself():
    error = errors.VestTransferUnknownError("look first", nonce=17)

    assert (errors.is_outcome_unknown(error), errors.is_retryable(error), error.nonce) == (True, False, 17)


def test_unusable_keys_are_a_refusal_of_nothing_sent():
    error = errors.VestUnusableKeyError("the key is too short")

    assert str(error) == "the key is too short"
    assert (error.code, error.status) == (None, None)
    assert not errors.is_outcome_unknown(error) and not errors.is_retryable(error)
