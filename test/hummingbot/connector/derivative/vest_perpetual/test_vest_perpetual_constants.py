"""The facts of the venue that everything else rests on, against the protocol's text."""
from urllib.parse import urlsplit

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.common import OrderType
from hummingbot.core.data_type.in_flight_order import OrderState

DOMAINS = ("vest_perpetual", "vest_perpetual_testnet", "vest_perpetual_simulator")


def test_rest_urls_and_ws_urls_have_expected_domains():
    assert CONSTANTS.DEFAULT_DOMAIN == "vest_perpetual"
    assert CONSTANTS.TESTNET_DOMAIN == "vest_perpetual_testnet"
    assert set(CONSTANTS.REST_URLS) == set(CONSTANTS.WSS_URLS) == set(DOMAINS)
    assert urlsplit(CONSTANTS.REST_URLS["vest_perpetual"]).hostname == "server-prod.hz.vestmarkets.com"
    assert urlsplit(CONSTANTS.REST_URLS["vest_perpetual_testnet"]).hostname == "server-dev.hz.vestmarkets.com"
    assert urlsplit(CONSTANTS.WSS_URLS["vest_perpetual"]).hostname == "ws-prod.hz.vestmarkets.com"
    assert urlsplit(CONSTANTS.WSS_URLS["vest_perpetual_testnet"]).hostname == "ws-dev.hz.vestmarkets.com"


@pytest.mark.parametrize("domain", DOMAINS)
def test_all_domains_speak_the_same_version(domain):
    assert urlsplit(CONSTANTS.REST_URLS[domain]).path == "/v2"
    assert (urlsplit(CONSTANTS.WSS_URLS[domain]).path, urlsplit(CONSTANTS.WSS_URLS[domain]).query) == (
        "/ws-api", "version=1.0"
    )


@pytest.mark.parametrize("domain", ("vest_perpetual", "vest_perpetual_testnet"))
def test_real_domains_are_encrypted(domain):
    assert CONSTANTS.REST_URLS[domain].startswith("https://")
    assert CONSTANTS.WSS_URLS[domain].startswith("wss://")


@pytest.mark.parametrize("name, path", [
    ("EXCHANGE_INFO_PATH", "/exchangeInfo"),
    ("TICKER_LATEST_PATH", "/ticker/latest"),
    ("TICKER_24HR_PATH", "/ticker/24hr"),
    ("FUNDING_HISTORY_PATH", "/funding/history"),
    ("KLINES_PATH", "/klines"),
    ("TRADES_PATH", "/trades"),
    ("DEPTH_PATH", "/depth"),
    ("OPEN_INTEREST_PATH", "/oi"),
    ("REGISTER_PATH", "/register"),
    ("ACCOUNT_PATH", "/account"),
    ("ACCOUNT_NONCE_PATH", "/account/nonce"),
    ("ACCOUNT_LEVERAGE_PATH", "/account/leverage"),
    ("LISTEN_KEY_PATH", "/account/listenKey"),
    ("ORDERS_PATH", "/orders"),
    ("ORDERS_CANCEL_PATH", "/orders/cancel"),
    ("LP_PATH", "/lp"),
    ("LP_QUERY_PATH", "/lp"),
    ("TRANSFER_WITHDRAW_PATH", "/transfer/withdraw"),
    ("TRANSFER_QUERY_PATH", "/transfer"),
])
def test_paths_defined_for_required_functionality(name, path):
    assert getattr(CONSTANTS, name) == path


def test_channels_are_named_as_the_protocol_names_them():
    assert CONSTANTS.ORDERBOOK_DEPTH_CHANNEL.format(symbol="kBONK-PERP") == "kBONK-PERP@depth"
    assert CONSTANTS.TRADES_CHANNEL.format(symbol="BTC-PERP") == "BTC-PERP@trades"
    assert CONSTANTS.KLINE_CHANNEL.format(symbol="BTC-PERP", interval="1m") == "BTC-PERP@kline_1m"
    assert CONSTANTS.TICKER_CHANNEL.format(symbol="BTC-PERP") == "BTC-PERP@ticker"
    assert CONSTANTS.TICKERS_CHANNEL == "tickers"
    assert CONSTANTS.ACCOUNT_PRIVATE_CHANNEL == "account_private"


def test_rate_limits_include_key_endpoints():
    paths = {value for name, value in vars(CONSTANTS).items() if name.endswith("_PATH") and isinstance(value, str)}

    limits = {limit.limit_id: limit for limit in CONSTANTS.RATE_LIMITS}

    assert paths | {CONSTANTS.ORDERS_QUERY_LIMIT_ID, CONSTANTS.RATE_LIMIT_POOL} == set(limits)
    assert len(limits) == len(CONSTANTS.RATE_LIMITS)


def test_no_path_may_exceed_the_pool():
    pool, *paths = CONSTANTS.RATE_LIMITS

    assert pool.limit_id == CONSTANTS.RATE_LIMIT_POOL
    for limit in paths:
        assert [linked.limit_id for linked in limit.linked_limits] == [pool.limit_id]
        assert (limit.time_interval, limit.limit < pool.limit) == (pool.time_interval, True)


def test_b18_every_request_counts_for_two_limits_at_most():
    assert max(1 + len(limit.linked_limits) for limit in CONSTANTS.RATE_LIMITS) == 2


def test_every_order_status_of_the_venue_has_a_state():
    assert CONSTANTS.ORDER_STATE == {
        "NEW": OrderState.OPEN,
        "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED,
        "FILLED": OrderState.FILLED,
        "CANCELLED": OrderState.CANCELED,
        "REJECTED": OrderState.FAILED,
    }


def test_a9_only_order_types_the_venue_really_has_are_offered():
    assert CONSTANTS.ORDER_TYPES == {OrderType.LIMIT: "LIMIT", OrderType.MARKET: "MARKET"}
