"""The open questions of the protocol: what is unknown, or documented one way and observed another."""
from dataclasses import dataclass
from typing import Dict, Tuple

PUBLIC = "nothing"
ACCOUNT = "keys"
TRADE = "keys and --trade"
NEVER = "more than this program does"


@dataclass(frozen=True)
class Statement:
    """One question to the venue.

    :ivar name: for programs
    :ivar section: of the protocol notes
    :ivar question: in words
    :ivar needs: what has to be given to the command so that it can be observed
    :ivar why_never: why it is not tried, for what needs more than this program does
    """

    name: str
    section: int
    question: str
    needs: str = PUBLIC
    why_never: str = ""


def _never(name: str, section: int, question: str, why: str) -> Statement:
    return Statement(name, section, question, NEVER, why)


_ALL: Tuple[Statement, ...] = (
    Statement("public_group_header", 1, "Do public GETs answer without the account group's header?"),
    Statement("private_rest", 1, "Does the private part of v2 answer?", ACCOUNT),
    Statement("socket_group_parameter", 1, "Which name of the socket's group parameter does the venue want?", ACCOUNT),
    Statement("odd_symbols", 2, "Are there symbols of neither documented form, and tickers listed in both?"),
    Statement("rest_compression", 2, "Do REST answers come compressed?"),
    Statement("frame_encoding", 2, "Are frames text, binary JSON or brotli?"),
    Statement("error_shape", 3, "Which shape and HTTP status do errors have?"),
    Statement("private_error_shape", 3, "Which shape and HTTP status do errors of private requests have?", ACCOUNT),
    Statement("rate_limit_headers", 3, "Do answers tell of rate limits?"),
    _never("rate_limit_figures", 3, "How many requests are allowed?", "the limit would have to be tripped"),
    Statement("listen_key_refusal", 3, "How does the private socket refuse an unknown listen key?", ACCOUNT),
    Statement("exchange_info_fields", 4, "Which fields does exchangeInfo have beyond the documented ones?"),
    Statement("price_ticks", 4, "Are there ticks coarser than the price decimals?"),
    Statement("taker_fee", 4, "Which taker fees does exchangeInfo tell?"),
    Statement("isolated", 4, "Which values does `isolated` have?"),
    Statement("ticker_percent_unit", 4, "Is priceChangePercent a percentage or a fraction?"),
    Statement("funding_history", 4, "Which rows does the funding history have without and with interval=1h?"),
    Statement("kline_range", 4, "Are startTime and endTime of klines obeyed, and how many bars come at most?"),
    Statement("trade_ids", 4, "Which form do ids of public trades have?"),
    Statement("trade_sign", 4, "How do public trades tell the taker's side?"),
    Statement("depth_time", 4, "Does GET /depth tell its time, and how many levels does it have?"),
    Statement("unknown_symbol", 4, "How does GET /depth refuse a symbol without a book?"),
    Statement("open_interest", 4, "Does the undocumented GET /oi answer?"),
    Statement("date_header", 4, "Does every answer have a Date header?"),
    _never("funding_sign", 4, "Do longs pay when the funding rate is positive?",
           "a position would have to be held while funding is settled"),
    _never("registration_header", 5, "Does POST /register want no group header?",
           "it would take a registration by the wallet"),
    _never("expiry_limit", 5, "For how long may a key be registered?", "it would take registrations by the wallet"),
    Statement("api_key_form", 5, "Is the API key a JWT, and does it tell when it expires?", ACCOUNT),
    Statement("account_time", 5, "Does GET /account tell the time, and does it agree with the Date header?", ACCOUNT),
    Statement("account_lists", 5, "Which lists and amounts of the account are absent or empty?", ACCOUNT),
    Statement("get_time", 5, "Must `time` of private GETs be recent?", ACCOUNT),
    Statement("nonce_answer", 5, "What does GET /account/nonce tell?", ACCOUNT),
    Statement("cancel_unknown", 5, "How is the cancellation of an order that does not exist refused?", ACCOUNT),
    Statement("orders_sequence", 5, "Are orders listed newest or oldest first?", ACCOUNT),
    Statement("partial_fill_fields", 5, "Are fill fields of PARTIALLY_FILLED orders null?", ACCOUNT),
    Statement("money_records", 5, "Do GET /lp and GET /transfer answer, and with which fields?", ACCOUNT),
    Statement("listen_key_shared", 5, "Does a second POST give the same listen key, and does PUT extend it?", ACCOUNT),
    _never("listen_key_delete", 5, "What does DELETE of the listen key do?",
           "it would cut off every bot on the account"),
    Statement("order_answer", 5, "What does the answer to an order hold?", TRADE),
    Statement("nonce_echo", 5, "Is the nonce echoed in events and in GET /orders?", TRADE),
    Statement("duplicate", 5, "How is a byte-equal order refused?", TRADE),
    Statement("reject_by", 5, "Does a refusal of the engine come as an answer or as a REJECTED order?", TRADE),
    Statement("order_list_lag", 5, "Is a new order missing from GET /orders for a moment?", TRADE),
    Statement("market_fill", 5, "How long does a MARKET order take, and in how many parts does it fill?", TRADE),
    Statement("fees", 5, "Are fees of fill events cumulative or of the single fill, and what is their rate?", TRADE),
    Statement("position_lag", 5, "Does GET /account lag behind a fill?", TRADE),
    Statement("funding_settlement", 5, "Is funding settled when an order fills?", TRADE),
    _never("funding_hourly", 5, "Is funding settled at the full hour too?",
           "a position would have to be held over a full hour"),
    _never("halted_market", 5, "Is an order for a closed market refused at the door (1148) or by the engine (3024)?",
           "an order that is not refused would be filled when the market opens"),
    _never("orders_page", 5, "Which end of its range does a full page of GET /orders hold?",
           "it takes an account with more than a thousand orders"),
    _never("withdrawals", 5, "What does `execute` of a withdrawal do, and which token addresses are signed?",
           "it moves money out of the account"),
    Statement("resting_limit", 5, "Does a LIMIT order far from the market wait, and as what is it listed?", TRADE),
    Statement("subscribe_answer", 6, "Which form do acknowledgements have?"),
    Statement("bad_channel", 6, "Does one bad name silence a whole list of channels?"),
    Statement("pong", 6, "How is a PING answered?"),
    Statement("ticker_channels", 6, "Which ticker channels are there, and are their messages full or partial?"),
    Statement("envelope_time", 6, "Do messages tell their time beside channel and data?"),
    Statement("depth_messages", 6, "How often do depth messages come, and how many levels do they have?"),
    Statement("trade_messages", 6, "Are messages of trades objects or lists?"),
    _never("ping_needed", 6, "How long may a client be silent?", "it takes minutes of silence"),
    Statement("private_needs_subscribe", 6, "Do events come without SUBSCRIBE to account_private?", TRADE),
    Statement("cancel_event", 6, "Which fields does the event of a cancellation have?", TRADE),
    Statement("fill_event", 6, "Which fields does the event of a fill have?", TRADE),
)
STATEMENTS: Dict[str, Statement] = {statement.name: statement for statement in _ALL}
