"""Addresses, the pace of requests, and what each error of the network proves."""
import asyncio
import time
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_errors as errors,
    vest_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_throttler import Backoff, VestThrottler

SIMULATOR = CONSTANTS.SIMULATOR_DOMAIN


# --- Addresses


@pytest.mark.parametrize("domain, url", [
    ("vest_perpetual", "https://server-prod.hz.vestmarkets.com/v2/exchangeInfo"),
    ("vest_perpetual_testnet", "https://server-dev.hz.vestmarkets.com/v2/exchangeInfo"),
    ("vest_perpetual_simulator", "http://127.0.0.1:8787/v2/exchangeInfo"),
])
def test_public_rest_url_builds_correctly(domain, url):
    assert web_utils.public_rest_url(CONSTANTS.EXCHANGE_INFO_PATH, domain) == url
    assert web_utils.private_rest_url(CONSTANTS.EXCHANGE_INFO_PATH, domain) == url
    assert web_utils.rest_path(url, domain) == CONSTANTS.EXCHANGE_INFO_PATH


def test_the_real_venue_is_the_default():
    assert web_utils.public_rest_url("/account") == "https://server-prod.hz.vestmarkets.com/v2/account"
    assert web_utils.private_rest_url("/account") == "https://server-prod.hz.vestmarkets.com/v2/account"
    assert urlsplit(web_utils.public_ws_url()).hostname == "ws-prod.hz.vestmarkets.com"


@pytest.mark.parametrize("group", [0, 12])
def test_public_ws_url_contains_websocketserver_param(group):
    url = urlsplit(web_utils.public_ws_url("vest_perpetual", group))

    assert (url.scheme, url.hostname, url.path) == ("wss", "ws-prod.hz.vestmarkets.com", "/ws-api")
    assert parse_qs(url.query) == {
        "version": ["1.0"], "xwebsocketserver": [f"restserver{group}"], "websocketserver": [f"restserver{group}"]
    }


def test_private_ws_url_contains_listen_key():
    url = urlsplit(web_utils.private_ws_url("a+b/c&d=e f", "vest_perpetual_testnet", 3))

    assert url.hostname == "ws-dev.hz.vestmarkets.com"
    assert parse_qs(url.query) == {
        "version": ["1.0"], "xwebsocketserver": ["restserver3"], "websocketserver": ["restserver3"],
        "listenKey": ["a+b/c&d=e f"],
    }


@pytest.mark.parametrize("address, rest, ws", [
    ("http://127.0.0.1:9000", "http://127.0.0.1:9000/v2", "ws://127.0.0.1:9000/ws-api"),
    (" http://localhost:9000/ ", "http://localhost:9000/v2", "ws://localhost:9000/ws-api"),
    ("https://sim.example", "https://sim.example/v2", "wss://sim.example/ws-api"),
    ("http://[::1]:9000", "http://[::1]:9000/v2", "ws://[::1]:9000/ws-api"),
    ("", "http://127.0.0.1:8787/v2", "ws://127.0.0.1:8787/ws-api"),
])
def test_the_simulator_may_be_elsewhere(monkeypatch, address, rest, ws):
    monkeypatch.setenv("VEST_SIMULATOR_URL", address)

    assert web_utils.public_rest_url("", SIMULATOR) == rest
    assert web_utils.public_ws_url(SIMULATOR).startswith(ws + "?version=1.0&")


@pytest.mark.parametrize("domain", ["vest_perpetual", "vest_perpetual_testnet"])
def test_no_variable_moves_a_real_domain(monkeypatch, domain):
    monkeypatch.setenv("VEST_SIMULATOR_URL", "http://127.0.0.1:9000")

    assert "127.0.0.1" not in web_utils.public_rest_url("/orders", domain) + web_utils.public_ws_url(domain)


@pytest.mark.parametrize("address", [
    "127.0.0.1:9000", "ftp://127.0.0.1", "http://", "http://host:port", "http://host:99999", "http://host:0",
    "http://host/v2", "http://host?x=1", "http://host#x", "http://user:secret@host", "http://[::1", "nonsense",
])
def test_a_malformed_simulator_address_is_refused_with_a_hint(monkeypatch, address):
    monkeypatch.setenv("VEST_SIMULATOR_URL", address)

    with pytest.raises(ValueError, match="VEST_SIMULATOR_URL must be .*http://127.0.0.1:8787"):
        web_utils.public_rest_url("/orders", SIMULATOR)


# --- Pace


@pytest.mark.parametrize("draw, expected", [(0.0, [0.5, 1, 2, 2.5, 2.5]), (1.0, [1, 2, 4, 5, 5])])
def test_b12_pauses_double_up_to_the_longest_and_half_of_each_is_random(draw, expected):
    backoff = Backoff(1, 5, draw=lambda: draw)

    assert [backoff.next_s() for _ in expected] == expected


def test_b12_a_reset_begins_again_and_easing_takes_back_one_step():
    backoff = Backoff(1, 100, draw=lambda: 1)
    assert [backoff.next_s() for _ in range(4)] == [1, 2, 4, 8]

    backoff.ease()
    assert backoff.next_s() == 8
    backoff.reset()
    assert backoff.next_s() == 1
    for _ in range(5):
        backoff.ease()
    assert backoff.next_s() == 1


class Clockwork:
    """A monotonic clock that only sleeping moves."""

    def __init__(self):
        self.now_s = 1000.0
        self.sleeps = []
        self.on_sleep = lambda: None

    async def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.now_s += seconds
        self.on_sleep()


@pytest.fixture
def clockwork(monkeypatch):
    clockwork = Clockwork()
    monkeypatch.setattr(asyncio, "sleep", clockwork.sleep)
    return clockwork


@pytest.fixture
def throttler(clockwork):
    return VestThrottler(
        monotonic_s=lambda: clockwork.now_s, backoff=Backoff(1, 30, draw=lambda: 1)
    )


async def pass_through(throttler, limit_id=CONSTANTS.ORDERS_PATH):
    async with throttler.execute_task(limit_id):
        pass


@pytest.mark.asyncio
async def test_requests_pass_without_waiting_when_nothing_holds_them(throttler, clockwork):
    await pass_through(throttler)

    assert (clockwork.sleeps, throttler.hold_s) == ([], 0)


@pytest.mark.asyncio
async def test_a13_everything_waits_as_long_as_the_venue_asks(throttler, clockwork):
    throttler.note_refusal(7.5)

    await pass_through(throttler)

    assert clockwork.sleeps == [7.5]


@pytest.mark.asyncio
async def test_a13_without_a_word_on_how_long_the_pauses_grow_and_shrink_again(throttler, clockwork):
    for _ in range(3):
        throttler.note_refusal(None)
        await pass_through(throttler)
    throttler.note_success()
    throttler.note_refusal(None)
    await pass_through(throttler)
    for _ in range(9):
        throttler.note_success()
    throttler.note_refusal(None)
    await pass_through(throttler)

    assert clockwork.sleeps == [1, 2, 4, 4, 1]


def test_a13_answers_to_requests_already_on_their_way_do_not_change_the_pauses(throttler, clockwork):
    for _ in range(20):
        throttler.note_refusal(None)
        throttler.note_success()
    assert throttler.hold_s == 1

    clockwork.now_s += 1
    throttler.note_refusal(None)
    assert throttler.hold_s == 2


@pytest.mark.asyncio
async def test_a13_a_pause_saves_up_no_capacity_for_a_burst_at_its_end(throttler, clockwork, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: clockwork.now_s)
    hold_s = 3 * CONSTANTS.RATE_LIMIT_INTERVAL_S
    throttler.note_refusal(hold_s)

    for _ in range(CONSTANTS.RATE_LIMIT_QUERY_REQUESTS):
        await pass_through(throttler, CONSTANTS.ACCOUNT_PATH)
    assert clockwork.sleeps == [hold_s]

    await pass_through(throttler, CONSTANTS.ACCOUNT_PATH)
    assert sum(clockwork.sleeps) >= hold_s + CONSTANTS.RATE_LIMIT_INTERVAL_S


def test_a13_a_longer_wish_extends_a_pause_and_a_shorter_one_does_not_cut_it(throttler):
    for retry_after_s, hold_s in ((5, 5), (9, 9), (2, 9), (10 ** 9, CONSTANTS.RATE_LIMIT_RETRY_AFTER_MAX_S)):
        throttler.note_refusal(retry_after_s)
        assert throttler.hold_s == hold_s


@pytest.mark.asyncio
async def test_a13_a_pause_that_begins_while_a_request_waits_for_capacity_holds_it_too(throttler, clockwork):
    async def wait_for_capacity():
        for _ in range(CONSTANTS.RATE_LIMIT_QUERY_REQUESTS + 1):
            await pass_through(throttler, CONSTANTS.ACCOUNT_PATH)

    def the_venue_refuses_and_capacity_is_freed():
        if len(clockwork.sleeps) == 1:
            throttler.note_refusal(4)
            throttler._task_logs.clear()

    clockwork.on_sleep = the_venue_refuses_and_capacity_is_freed

    await wait_for_capacity()

    waited_for_capacity_s, held_s = clockwork.sleeps
    assert waited_for_capacity_s < 1 and held_s == 4


@pytest.mark.parametrize("share_pct, orders", [(Decimal(100), CONSTANTS.RATE_LIMIT_ORDER_REQUESTS), (Decimal(10), 15)])
def test_b20_the_share_of_the_limits_is_obeyed(share_pct, orders):
    throttler = web_utils.create_throttler(share_pct)

    limit, linked = throttler.get_related_limits(CONSTANTS.ORDERS_PATH)

    assert limit.limit == orders
    assert [pool.limit_id for pool, _ in linked] == [CONSTANTS.RATE_LIMIT_POOL]


@pytest.mark.parametrize("settings, share_pct", [
    (None, 100), ("", 100), ("instance_id: x\n", 100), ("rate_limits_share_pct: 25\n", 25),
    ("rate_limits_share_pct: 33.3\n", Decimal("33.3")),
])
def test_b20_the_share_is_found_where_the_client_keeps_it(monkeypatch, tmp_path, settings, share_pct):
    path = tmp_path / "conf_client.yml"
    if settings is not None:
        path.write_text(settings)
    monkeypatch.setattr("hummingbot.client.settings.CLIENT_CONFIG_PATH", path)

    assert web_utils.configured_rate_limits_share_pct() == share_pct


# --- Errors of the network


# Every class of aiohttp's client errors and what it proves; a new one has to be judged here.
NOT_SENT, TIMEOUT, LOST = errors.VestNotSentError, errors.VestTimeoutError, errors.VestConnectionLostError
AIOHTTP_ERRORS = {
    "ClientError": LOST,
    "ClientResponseError": LOST,
    "ContentTypeError": LOST,
    "WSServerHandshakeError": LOST,
    "ClientHttpProxyError": NOT_SENT,
    "TooManyRedirects": LOST,
    "ClientConnectionError": LOST,
    "ClientConnectionResetError": LOST,
    "ClientOSError": LOST,
    "ClientConnectorError": NOT_SENT,
    "ClientConnectorDNSError": NOT_SENT,
    "ClientProxyConnectionError": NOT_SENT,
    "UnixClientConnectorError": NOT_SENT,
    "ClientSSLError": NOT_SENT,
    "ClientConnectorSSLError": NOT_SENT,
    "ClientConnectorCertificateError": NOT_SENT,
    "ServerConnectionError": LOST,
    "ServerDisconnectedError": LOST,
    "ServerTimeoutError": TIMEOUT,
    "ConnectionTimeoutError": NOT_SENT,
    "SocketTimeoutError": TIMEOUT,
    "ServerFingerprintMismatch": NOT_SENT,
    "ClientPayloadError": LOST,
    # Our addresses are valid and redirects are not followed, so these cannot come; they would prove nothing.
    "InvalidURL": LOST,
    "InvalidUrlClientError": LOST,
    "NonHttpUrlClientError": LOST,
    "RedirectClientError": LOST,
    "InvalidUrlRedirectClientError": LOST,
    "NonHttpUrlRedirectClientError": LOST,
}


def all_subclasses(root):
    classes = {root}.union(*map(all_subclasses, root.__subclasses__()))
    return sorted(classes, key=lambda error: error.__name__)  # in one order in every process that runs the tests


def test_every_error_of_aiohttp_is_judged():
    assert {error.__name__ for error in all_subclasses(aiohttp.ClientError)} == set(AIOHTTP_ERRORS)


@pytest.mark.parametrize("error_class", all_subclasses(aiohttp.ClientError), ids=lambda error: error.__name__)
def test_every_error_of_aiohttp_has_its_type(error_class):
    error = error_class.__new__(error_class)

    assert type(web_utils.transport_error(error, "GET /orders")) is AIOHTTP_ERRORS[error_class.__name__]


@pytest.mark.parametrize("error, expected", [
    (TimeoutError(), TIMEOUT), (ConnectionResetError(), LOST), (BrokenPipeError(), LOST), (OSError(), LOST),
])
def test_errors_of_the_operating_system_have_their_type(error, expected):
    assert type(web_utils.transport_error(error, "GET /orders")) is expected
