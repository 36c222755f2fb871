"""The venue's error codes with their meaning (protocol section 3)."""
from enum import IntEnum


class Code(IntEnum):
    """A numeric code and, in `message`, the text that goes with it."""

    message: str

    def __new__(cls, value: int, message: str) -> "Code":
        member = int.__new__(cls, value)
        member._value_ = value
        member.message = message
        return member

    TOO_MANY_REQUESTS = 429, "Too many requests."
    RATE_LIMITED = 1003, "Rate limited."
    UNAUTHORIZED = 1002, "Unauthorized."
    INVALID_SIGNATURE = 1022, "Invalid signature."
    INVALID_NONCE = 1023, "Invalid nonce."
    INVALID_NETWORK_TYPE = 1024, "Invalid network type."
    ACCOUNT_NOT_FOUND = 1099, "Account not found."
    BAD_DECIMALS = 1111, "Bad decimals."
    INVALID_ORDER_TYPE = 1116, "Invalid order type."
    BAD_SYMBOL = 1121, "Bad symbol."
    INVALID_LISTEN_KEY = 1125, "Invalid or expired listen key."
    INVALID_PARAMETER = 1130, "Invalid parameter."
    BAD_RECV_WINDOW = 1131, "Bad recvWindow."
    ORDER_EXPIRED = 1132, "Order expired."
    INVALID_TIME_IN_FORCE = 1133, "Invalid time in force."
    INVALID_TP_SL_PRICE = 1145, "Invalid TP/SL price."
    INVALID_ACCOUNT_GROUP = 1146, "Invalid account group."
    MARKET_CLOSED = 1148, "Market closed."

    PRICE_CHECK_FAILED = 3001, "Price check failed."
    MARGIN_CHECK_FAILED = 3002, "Margin check failed."
    PRICE_STALE = 3003, "Price stale."
    INCREASE_DURING_INSOLVENCY = 3007, "Increase during insolvency."
    DELETED_BY_LIQUIDATION = 3008, "Deleted by liquidation."
    OPEN_INTEREST_CAP = 3010, "Open-interest cap."
    INVALID_LIMIT_PRICE = 3011, "Invalid limit price."
    DUPLICATE_ORDER = 3015, "Duplicate order."
    ORDER_NOT_FOUND = 3017, "Order not found."
    REDUCE_ONLY_INCREASE = 3018, "Reduce-only would increase."
    REDUCE_ONLY_EXCEEDS = 3019, "Reduce-only exceeds position size."
    ORDER_CHANGES_LEVERAGE = 3020, "Leverage cannot change with open orders."
    DECREASE_LEVERAGE = 3021, "Leverage cannot be decreased with a position."
    ORDER_MARKET_CLOSED = 3024, "Market closed."

    LP_INSUFFICIENT_BALANCE = 4001, "Insufficient balance."
    LP_MARGIN_CHECK = 4002, "Margin check failed."
    LP_NO_SHARES = 4007, "Withdraw without shares."
    LP_DUPLICATE = 4010, "Duplicate."
    LP_EXCEEDS_BALANCE = 4012, "Exceeds balance."

    TRANSFER_MARGIN_CHECK = 5002, "Margin check failed."
    TRANSFER_DUPLICATE = 5010, "Duplicate."


class VenueError(Exception):
    """A refusal by the venue.

    :param code: the venue's code
    :param message: what exactly is wrong, when the code's own text is too general
    :param status: the HTTP status; the default depends on the code
    """

    _STATUS = {Code.TOO_MANY_REQUESTS: 429, Code.RATE_LIMITED: 429, Code.UNAUTHORIZED: 401}

    def __init__(self, code: Code, message: str = "", status: int = 0) -> None:
        super().__init__(message or code.message)
        self.code = code
        self.status = status or self._STATUS.get(code, 400)
