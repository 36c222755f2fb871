"""Facts of the Vest Markets v2 API and our settings for it, each block headed by where it comes from.

Nothing here is computed from anything but this file, and no other module repeats a value that stands here.
"""
from decimal import Decimal
from typing import Dict

from hummingbot.core.api_throttler.data_types import LinkedLimitWeightPair, RateLimit
from hummingbot.core.data_type.common import OrderType
from hummingbot.core.data_type.in_flight_order import OrderState

# --- Domains (protocol section 1). The simulator speaks the same protocol on the user's own machine.
DEFAULT_DOMAIN = "vest_perpetual"
TESTNET_DOMAIN = "vest_perpetual_testnet"
SIMULATOR_DOMAIN = "vest_perpetual_simulator"

REST_URLS = {
    DEFAULT_DOMAIN: "https://server-prod.hz.vestmarkets.com/v2",
    TESTNET_DOMAIN: "https://server-dev.hz.vestmarkets.com/v2",
    SIMULATOR_DOMAIN: "http://127.0.0.1:8787/v2",
}
WSS_URLS = {
    DEFAULT_DOMAIN: "wss://ws-prod.hz.vestmarkets.com/ws-api?version=1.0",
    TESTNET_DOMAIN: "wss://ws-dev.hz.vestmarkets.com/ws-api?version=1.0",
    SIMULATOR_DOMAIN: "ws://127.0.0.1:8787/ws-api?version=1.0",
}
# Only the simulator's address may be moved from outside: a variable must never redirect real orders.
SIMULATOR_URL_VARIABLE = "VEST_SIMULATOR_URL"

# --- Registration (protocol section 5): EIP-712 domain without chainId.
VERIFYING_CONTRACTS = {
    DEFAULT_DOMAIN: "0x919386306C47b2Fe1036e3B4F7C40D22D2461a23",
    TESTNET_DOMAIN: "0x8E4D87AEf4AC4D5415C35A12319013e34223825B",
    SIMULATOR_DOMAIN: "0x8E4D87AEf4AC4D5415C35A12319013e34223825B",
}
REGISTRATION_DOMAIN_NAME = "VestRouterV2"
REGISTRATION_DOMAIN_VERSION = "0.0.1"
NETWORK_TYPE = 0

# --- Paths (protocol sections 4 and 5).
EXCHANGE_INFO_PATH = "/exchangeInfo"
TICKER_LATEST_PATH = "/ticker/latest"
TICKER_24HR_PATH = "/ticker/24hr"
FUNDING_HISTORY_PATH = "/funding/history"
KLINES_PATH = "/klines"
TRADES_PATH = "/trades"
DEPTH_PATH = "/depth"
OPEN_INTEREST_PATH = "/oi"
REGISTER_PATH = "/register"
ACCOUNT_PATH = "/account"
ACCOUNT_NONCE_PATH = "/account/nonce"
ACCOUNT_LEVERAGE_PATH = "/account/leverage"
LISTEN_KEY_PATH = "/account/listenKey"
ORDERS_PATH = "/orders"
ORDERS_CANCEL_PATH = "/orders/cancel"
LP_PATH = "/lp"
LP_QUERY_PATH = "/lp"
TRANSFER_WITHDRAW_PATH = "/transfer/withdraw"
TRANSFER_QUERY_PATH = "/transfer"

# --- Headers and socket parameters (protocol section 1). The documents name the socket's group parameter in two ways,
# so both are sent.
API_KEY_HEADER = "X-API-KEY"
ACCOUNT_GROUP_HEADER = "xrestservermm"
WS_ACCOUNT_GROUP_PARAMETERS = ("xwebsocketserver", "websocketserver")
WS_LISTEN_KEY_PARAMETER = "listenKey"

# --- Order books over REST (protocol section 4): the most levels a side, and the codes of symbols that have no market.
DEPTH_LIMIT = 100
NO_MARKET_CODES = frozenset({1121, 3023})

# --- Refusals that tell that a market is not what it was: its decimals, its prices or its name (protocol section 3).
MARKET_CHANGED_CODES = frozenset({1111, 1121, 3011, 3023})
# --- Refusals because the market is closed or halted (protocol section 3).
MARKET_CLOSED_CODES = frozenset({1148, 3024})

# --- Candles over REST (protocol section 4): whatever range is asked for, the answer is the newest bars.
KLINE_INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")
KLINES_LIMIT = 501

# --- Channels (protocol section 6); format with symbol and interval.
ORDERBOOK_DEPTH_CHANNEL = "{symbol}@depth"
TRADES_CHANNEL = "{symbol}@trades"
KLINE_CHANNEL = "{symbol}@kline_{interval}"
TICKER_CHANNEL = "{symbol}@ticker"
TICKERS_CHANNEL = "tickers"
ACCOUNT_PRIVATE_CHANNEL = "account_private"

WS_SUBSCRIBE = "SUBSCRIBE"
WS_UNSUBSCRIBE = "UNSUBSCRIBE"
WS_PING = "PING"
WS_PONG = "PONG"
EVENT_ORDER = "ORDER"

# --- Close codes of the venue's sockets (protocol section 3). The socket connects again by itself, with a new listen
# key where that was wrong; the meanings say what to do where somebody has to do something.
WS_CLOSE_MEANINGS = {
    1011: "the venue had an internal error",
    1012: "the venue is restarting",
    4000: "the venue no longer speaks this API version; look for a newer connector",
    4001: "the venue does not know this account group; check vest_perpetual_account_group",
    4002: "the account group is not valid; check vest_perpetual_account_group",
    4003: "the venue asked for a listen key",
    4004: "the venue does not know the listen key",
    4005: "the listen key expired",
}

# --- Enumerations of the venue (protocol section 2).
STATUS_TRADING = "TRADING"
STATUS_HALT = "HALT"
ORDER_TYPE_MARKET = "MARKET"
ORDER_TYPE_LIMIT = "LIMIT"
ORDER_TYPE_TAKE_PROFIT = "TAKE_PROFIT"
ORDER_TYPE_STOP_LOSS = "STOP_LOSS"
ORDER_TYPE_LIQUIDATION = "LIQUIDATION"  # in answers only
TIME_IN_FORCE_GTC = "GTC"
TIME_IN_FORCE_FOK = "FOK"
LP_DEPOSIT = "DEPOSIT"
LP_IMMEDIATE_WITHDRAW = "IMMEDIATE_WITHDRAW"
LP_SCHEDULE_WITHDRAW = "SCHEDULE_WITHDRAW"

ORDER_STATUS_NEW = "NEW"
ORDER_STATUS_PARTIALLY_FILLED = "PARTIALLY_FILLED"
ORDER_STATUS_FILLED = "FILLED"
ORDER_STATUS_CANCELLED = "CANCELLED"
ORDER_STATUS_REJECTED = "REJECTED"
OPEN_ORDER_STATUSES = (ORDER_STATUS_NEW, ORDER_STATUS_PARTIALLY_FILLED)
SETTLING_STATUSES = (ORDER_STATUS_FILLED, ORDER_STATUS_CANCELLED)  # what an order settled is known then
ORDER_STATE = {
    ORDER_STATUS_NEW: OrderState.OPEN,
    ORDER_STATUS_PARTIALLY_FILLED: OrderState.PARTIALLY_FILLED,
    ORDER_STATUS_FILLED: OrderState.FILLED,
    ORDER_STATUS_CANCELLED: OrderState.CANCELED,
    ORDER_STATUS_REJECTED: OrderState.FAILED,
}

# The venue has no post-only order, so LIMIT_MAKER is not offered (acceptance A9).
ORDER_TYPES = {
    OrderType.LIMIT: ORDER_TYPE_LIMIT,
    OrderType.MARKET: ORDER_TYPE_MARKET,
}

# --- Money (protocol section 2): USDC is the only collateral and the only quote.
COLLATERAL_TOKEN = "USDC"
# Transfers count whole units of 1e-6 USDC (protocol section 5).
TRANSFER_DECIMALS = 6
# Withdrawals sign the token's address on their chain, which the venue's documents do not state: chain id to address.
COLLATERAL_TOKEN_ADDRESSES: Dict[int, str] = {}

# --- Orders.
CLIENT_ORDER_ID_MAX_LENGTH = 16  # decimal digits of a nonce below 2^53
# How long the venue may take to accept a request; small, so that an order stuck on its way dies (design decision 8).
RECV_WINDOW_MS = 5000
# Added to the window before an order that cannot be found is believed not to exist: it covers our clock's error.
UNKNOWN_OUTCOME_GRACE_MS = 2000
# How far beyond the book's price for its volume a MARKET order may fill, as a decimal fraction.
MARKET_ORDER_SLIPPAGE = Decimal("0.01")
ORDERS_PAGE_LIMIT = 1000  # most rows of one GET /orders (protocol section 5)

# --- Funding (protocol section 5): the rate is per hour and the next settlement is the next full hour.
FUNDING_INTERVAL_S = 3600
FUNDING_HISTORY_INTERVAL = "1h"
FUNDING_HISTORY_LIMIT = 1000  # most rows of one GET /funding/history (protocol section 4)
FUNDING_POLL_INTERVAL_S = 30

# --- Timing of our own requests and sockets, in seconds.
REQUEST_TIMEOUT_S = 10.0  # framework gap B11: without it one hung request freezes all polling for 300 s
CONNECT_TIMEOUT_S = 5.0  # shorter, so that a venue that cannot be reached is told from one that does not answer
# The venue expects an application-level PING from the client; clients send it every 15-30 s (protocol section 6).
WS_PING_INTERVAL_S = 15.0
# A socket that has neither data nor an answered PING for this long is dead (framework gap B10).
WS_SILENCE_LIMIT_S = 40.0
WS_SUBSCRIBE_TIMEOUT_S = 10.0
WS_BACKOFF_MIN_S = 0.5
WS_BACKOFF_MAX_S = 5.0  # twelve attempts a minute are no storm, and a bot without its stream is blind
WS_CLOSE_TIMEOUT_S = 2.0  # a half-open connection never answers a close frame
# For so long a ticker is the present; a live stream brings those of a market about once a second.
TICKER_LIFE_S = 5.0
# After the venue refused the API key, asking again is of little use (acceptance C29).
UNAUTHORIZED_RETRY_S = 60.0
LISTEN_KEY_LIFE_S = 3600.0  # protocol section 5
LISTEN_KEY_RENEWAL_S = LISTEN_KEY_LIFE_S / 3
LISTEN_KEY_RETRY_S = 5.0

# --- Rate limits. The venue publishes none and none were observed (protocol section 3, [?]): these are guesses, meant
# to be low. One pool for everything keeps the table short, because the throttler walks its whole log for every request
# (framework gap B18); the paths link to it so that no path can exceed it.
RATE_LIMIT_POOL = "all_requests"
RATE_LIMIT_INTERVAL_S = 10
RATE_LIMIT_POOL_REQUESTS = 200
RATE_LIMIT_ORDER_REQUESTS = 150
RATE_LIMIT_QUERY_REQUESTS = 60
RATE_LIMIT_HOLD_MIN_S = 1.0  # pause of all requests after a 429 or 1003 without Retry-After; doubles up to the maximum
RATE_LIMIT_HOLD_MAX_S = 30.0
RATE_LIMIT_RETRY_AFTER_MAX_S = 600.0  # a longer Retry-After is not believed

_ORDER_PATHS = (ORDERS_PATH, ORDERS_CANCEL_PATH)
# GET /orders is limited apart from POST /orders, so that polling never delays an order.
ORDERS_QUERY_LIMIT_ID = "GET" + ORDERS_PATH
_QUERY_PATHS = (
    EXCHANGE_INFO_PATH, TICKER_LATEST_PATH, TICKER_24HR_PATH, FUNDING_HISTORY_PATH, KLINES_PATH, TRADES_PATH,
    DEPTH_PATH, OPEN_INTEREST_PATH, REGISTER_PATH, ACCOUNT_PATH, ACCOUNT_NONCE_PATH, ACCOUNT_LEVERAGE_PATH,
    LISTEN_KEY_PATH, ORDERS_QUERY_LIMIT_ID, LP_PATH, TRANSFER_WITHDRAW_PATH, TRANSFER_QUERY_PATH,
)


def _limit(limit_id: str, requests: int) -> RateLimit:
    return RateLimit(
        limit_id=limit_id,
        limit=requests,
        time_interval=RATE_LIMIT_INTERVAL_S,
        linked_limits=[LinkedLimitWeightPair(limit_id=RATE_LIMIT_POOL)],
    )


RATE_LIMITS = [
    RateLimit(limit_id=RATE_LIMIT_POOL, limit=RATE_LIMIT_POOL_REQUESTS, time_interval=RATE_LIMIT_INTERVAL_S),
    *(_limit(path, RATE_LIMIT_ORDER_REQUESTS) for path in _ORDER_PATHS),
    *(_limit(path, RATE_LIMIT_QUERY_REQUESTS) for path in _QUERY_PATHS),
]
