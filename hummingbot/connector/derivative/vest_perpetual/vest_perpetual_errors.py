"""What can go wrong with a request to the venue, and what is then known about it.

The question behind every error is: **may the venue have acted on the request?** An order whose outcome is unknown is
looked up until the venue has spoken (framework gap B1); one that was definitely refused fails at once.

* `VestError` - the root. An `IOError`, because the framework's request loop retries and re-raises those.

  * `VestUnknownOutcomeError` - the request may have been acted on.

    * `VestTimeoutError` - no answer in time. Deliberately no `asyncio.TimeoutError`: the framework reads that one as
      "the order has no exchange id yet" (framework gap B14).
    * `VestConnectionLostError` - the connection broke after the request was, or may have been, sent.
    * `VestServerError` - HTTP 5xx or 408, by the venue or a proxy in front of it.
    * `VestRateLimitError` - HTTP 429 or code 1003. The venue says neither whether it looked at the request.
    * `VestUnreadableAnswerError` - an answer that is not the JSON the protocol promises.
    * `VestPayloadError` - a payload that lacks a field or holds one of the wrong type; names the field, so that it can
      be reported, and never its neighbours, so that nothing secret is.
    * `VestTransferUnknownError` - a movement of money that was sent, and of which it is not known what became.

  * `VestNotSentError` - no connection could be made: the venue never saw the request.
  * `VestInvalidOrderError` - the order cannot be right, so the connector did not send it.

    * `VestMarketClosedError` - its market is closed or halted now.

  * `VestUnknownPairError` - market data was asked for of a pair that the venue does not list.
  * `VestNotToldError` - the venue does not tell the market data that was asked for.
  * `VestInvalidTransferError` - the same of an LP order or a withdrawal.
  * `VestRefusedError` - the venue refused, with its code (or an HTTP 4xx without one): nothing was done.

    * `VestUnauthorizedError` - the key, the signature or the account group is not accepted; asking again cannot help.

      * `VestUnusableKeyError` - the keys entered cannot be keys; nothing was sent.

    * `VestClockError` - the time of the request was not accepted; it may be sent again with a corrected clock.
    * `VestListenKeyError` - the listen key is unknown or expired; a new one is needed.
    * `VestOrderNotFoundError` - no such order, or it is done already.
    * `VestDuplicateOrderError` - the venue already has this very order, or LP order or withdrawal: it exists.

  * `VestOtherAccountError` - keys that are another account's, so a running bot cannot go on with them.
  * `VestStoredKeysError` - keys in Hummingbot's keystore that cannot be read.
"""
from typing import Dict, Optional, Type


class VestError(IOError):
    """The root of all errors of requests to the venue."""

    outcome_unknown = False
    retryable = False


class VestUnknownOutcomeError(VestError):
    """The venue may or may not have acted on the request: look before asking again."""

    outcome_unknown = True
    retryable = True


class VestTimeoutError(VestUnknownOutcomeError):
    """No answer in time."""


class VestConnectionLostError(VestUnknownOutcomeError):
    """The connection broke before the answer was complete."""


class VestServerError(VestUnknownOutcomeError):
    """The venue, or a proxy in front of it, answered HTTP 5xx or 408."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


class VestRateLimitError(VestUnknownOutcomeError):
    """The venue wants fewer requests (HTTP 429 or code 1003).

    :param retry_after_s: how long the venue asks to wait, in seconds, when it says so
    """

    def __init__(self, message: str, retry_after_s: Optional[float] = None):
        super().__init__(message)
        self.retry_after_s = retry_after_s


class VestUnreadableAnswerError(VestUnknownOutcomeError):
    """The answer is cut off or is not the JSON that the protocol promises."""


class VestNotSentError(VestError):
    """No connection to the venue could be made, so it never saw the request."""

    retryable = True


class VestInvalidOrderError(VestError):
    """An order that cannot be right and was not sent; the message says what to do about it."""


class VestMarketClosedError(VestInvalidOrderError):
    """An order for a market that is closed or halted now; it was not sent."""


class VestUnknownPairError(VestError):
    """Market data was asked for of a pair that the venue does not list."""


class VestNotToldError(VestError):
    """The venue does not tell the market data that was asked for: not now, or not at all."""


class VestInvalidTransferError(VestError):
    """An LP order or a withdrawal that cannot be right and was not sent; the message says what to do about it."""


class VestRefusedError(VestError):
    """The venue refused the request and did nothing.

    :param code: the venue's error code (protocol section 3), None when the answer carried none
    :param message: the venue's own words
    :param status: HTTP status of the answer, None when nothing was sent
    """

    def __init__(self, code: Optional[int], message: str, status: Optional[int]):
        self.code = code
        self.venue_message = message
        self.status = status
        if code is not None:
            message = describe_code(code, message)
        elif status is not None:
            message = f"HTTP {status}: {message}"
        super().__init__(message)


class VestUnauthorizedError(VestRefusedError):
    """The API key, the signature or the account group is not accepted."""

    @property
    def concerns_api_key(self) -> bool:
        """Whether the API key, or the account group that goes with it, is refused, so that no other private request
        can succeed either."""
        return self.code in _API_KEY_CODES


class VestUnusableKeyError(VestUnauthorizedError):
    """The keys entered cannot be keys, so nothing was sent.

    :param problem: what is wrong with them, in words that do not show them
    """

    def __init__(self, problem: str):
        super().__init__(code=None, message=problem, status=None)


class VestClockError(VestRefusedError):
    """The time the request carried is too old or too far ahead for the venue."""

    retryable = True


class VestListenKeyError(VestRefusedError):
    """The listen key is unknown or expired."""


class VestOrderNotFoundError(VestRefusedError):
    """The venue has no such open order."""


class VestDuplicateOrderError(VestRefusedError):
    """The venue already has this very order, LP order or withdrawal."""


class VestOtherAccountError(VestError):
    """Keys of another account: its orders and positions are not those of the running bot.

    :param reason: how that can be seen
    """

    def __init__(self, reason: str):
        super().__init__(f"{reason}; stop the bot before you change its account, and start it afterwards")


class VestStoredKeysError(VestError):
    """The keys in Hummingbot's keystore cannot be read; the message says what to do."""


class VestPayloadError(VestUnknownOutcomeError, ValueError):
    """A payload of the venue that cannot be understood; the message names the object and the field."""

    retryable = False


class VestTransferUnknownError(VestUnknownOutcomeError):
    """A movement of money that was sent, and of which it is not known what became: never send it again unseen.

    :param message: what happened, and where to look
    :param nonce: finds it at the venue, if the venue has it
    """

    retryable = False

    def __init__(self, message: str, nonce: int):
        super().__init__(message)
        self.nonce = nonce


# Every documented code (protocol section 3): what it means, and after the semicolon what the user can do.
_REGISTER_HINT = "register a new signing key and enter the three values again (connect vest_perpetual)"
_REPORT_HINT = "the connector should not have sent this: report it, with the lines of the log around it"
_LATER_HINT = "try again a little later"
CODE_MEANINGS: Dict[int, str] = {
    429: "too many requests; nothing needs to be done, the connector slows down by itself",
    1002: f"the API key is not accepted (wrong, revoked or expired); {_REGISTER_HINT}",
    1003: "too many requests; nothing needs to be done, the connector slows down by itself",
    1022: "the signature is not accepted; enter the signing private key that was registered together with this API key",
    1023: "the nonce was used before or is not valid; check that this computer's clock is right, then try again",
    1024: f"the network type is not valid; {_REPORT_HINT}",
    1099: f"the venue does not know the account; {_REGISTER_HINT}",
    1111: "a price or size has the wrong number of decimals; use the price and size steps of the market",
    1116: "the venue does not offer this order type; use LIMIT or MARKET",
    1121: "the venue does not know this symbol; use one of the trading pairs the connector lists",
    1125: "the listen key is unknown or expired; nothing needs to be done, the connector gets a new one",
    1130: f"a parameter is not valid; {_REPORT_HINT}",
    1131: "the request's time or its window is not accepted; check this computer's clock",
    1132: "the request reached the venue too late; check the connection and this computer's clock",
    1133: f"the time in force is not valid, only LIMIT orders take one; {_REPORT_HINT}",
    1143: "the transaction is not valid; check it on its chain",
    1144: "the transaction was used before; look at the transfers, it is counted already",
    1145: "the take-profit or stop-loss price is not valid; choose one on the right side of the order's price",
    1146: "the account group is not accepted; enter the accGroup of the registration (vest_perpetual_account_group)",
    1147: "the withdrawal was declined on the phone; approve it in the venue's app, or leave it",
    1148: "the market is closed now; wait until it opens",
    3001: "the price moved beyond the order's limit; send another order at the present price",
    3002: "not enough margin; use a smaller size, more leverage or add collateral",
    3003: f"the venue's price was stale; {_LATER_HINT}",
    3004: f"the order was too old when the venue reached it; {_LATER_HINT}",
    3006: "a position with take-profit or stop-loss cannot be increased this way; remove those first",
    3007: "the account is short of margin; reduce positions or add collateral",
    3008: "the order was deleted by a liquidation; add collateral before trading on",
    3010: "the market's open-interest limit is reached; only orders that reduce a position are accepted",
    3011: "the limit price is not valid for this symbol; choose one nearer to the market",
    3015: "the venue already has this order; look at it before sending another",
    3017: "the venue has no such open order; it is done already, look at the order history",
    3018: "a reduce-only order would have increased the position; check the order's side",
    3019: "a reduce-only order is larger than the position; use the position's size",
    3020: "the order would change the leverage of the position; cancel open orders before changing leverage",
    3021: "leverage cannot be decreased while the position is open; close the position first",
    3022: "the take-profit or stop-loss price is not valid; choose one on the right side of the order's price",
    3023: "the venue cannot trade this symbol; use another market",
    3024: "the market is closed or halted; wait until it opens",
    4001: "the balance is not enough for this LP deposit; deposit less",
    4002: "not enough margin for this LP deposit; deposit less or reduce positions",
    4003: f"the venue's price was stale; {_LATER_HINT}",
    4004: f"the LP request was too old when the venue reached it; {_LATER_HINT}",
    4007: "there are no LP shares to withdraw; look at the LP orders",
    4010: "the venue already has this LP request; look at the LP orders before sending another",
    4012: "the LP request exceeds the balance; ask for less",
    5002: "not enough margin to withdraw this amount; withdraw less or reduce positions",
    5009: "the venue's withdrawal cap is reached; withdraw less, or later",
    5010: "the venue already has this withdrawal; look at the transfers before sending another",
    5013: "the venue could not execute the withdrawal; look at the transfers and the balance before sending another",
}

RATE_LIMIT_CODES = frozenset({429, 1003})
# None: an HTTP 401 or 403 without a code, or keys that cannot be keys.
_API_KEY_CODES = (None, 1002, 1099, 1146)
_ERROR_CLASSES: Dict[int, Type[VestRefusedError]] = {
    1002: VestUnauthorizedError,
    1022: VestUnauthorizedError,
    1099: VestUnauthorizedError,
    1146: VestUnauthorizedError,
    1125: VestListenKeyError,
    1131: VestClockError,
    1132: VestClockError,
    3015: VestDuplicateOrderError,
    4010: VestDuplicateOrderError,
    5010: VestDuplicateOrderError,
    3017: VestOrderNotFoundError,
}


def describe_code(code: int, message: str = "") -> str:
    """The venue's error code in words for a user, with the venue's own message when it gave one.

    :param code: error code (protocol section 3)
    :param message: the venue's own message
    """
    meaning = CODE_MEANINGS.get(code, "the venue gives this code no documented meaning")
    return f"Vest error {code}: {meaning}" + (f" [{message}]" if message else "")


def error_for_code(code: int, message: str, status: int, retry_after_s: Optional[float] = None) -> VestError:
    """The typed error for a code of the venue.

    A documented code is the venue's own word, whatever the HTTP status. An undocumented one is a refusal only with an
    HTTP status that says so (4xx): gateways answer 5xx with codes of their own, also for orders that the venue has.

    :param code: error code (protocol section 3)
    :param message: the venue's own message
    :param status: HTTP status of the answer
    :param retry_after_s: the answer's Retry-After in seconds, if any
    """
    if code in RATE_LIMIT_CODES:
        return VestRateLimitError(describe_code(code, message), retry_after_s)
    if code not in CODE_MEANINGS:
        if _is_server_status(status):
            return VestServerError(f"HTTP {status}: {describe_code(code, message)}", status)
        if status < 400:
            return VestUnreadableAnswerError(f"HTTP {status}: {describe_code(code, message)}")
    return _ERROR_CLASSES.get(code, VestRefusedError)(code, message, status)


def error_for_status(
        status: int, message: str, retry_after_s: Optional[float] = None, is_json: bool = True
) -> VestError:
    """The typed error for an HTTP status of 400 or more whose body carries no code.

    :param status: HTTP status of the answer
    :param message: the beginning of the body, or the venue's plain detail
    :param retry_after_s: the answer's Retry-After in seconds, if any
    :param is_json: whether the body is JSON, as the venue's are; the page of a firewall in front of it refuses the
        request, but says nothing about the API key
    """
    if status == 429:
        return VestRateLimitError(f"HTTP 429: {CODE_MEANINGS[429]}", retry_after_s)
    if _is_server_status(status):
        return VestServerError(f"HTTP {status}: the venue could not answer; it is asked again later", status)
    if status in (401, 403) and is_json:
        return VestUnauthorizedError(None, f"{message or 'no permission'}; {_REGISTER_HINT}", status)
    return VestRefusedError(None, message, status)


def _is_server_status(status: int) -> bool:
    return status >= 500 or status == 408


def is_outcome_unknown(error: BaseException) -> bool:
    """Whether the venue may have acted on the request that ended with this error (framework gap B1).

    Anything that is not one of our errors is unknown too: it cannot prove that nothing was sent.

    :param error: what the request raised
    """
    return error.outcome_unknown if isinstance(error, VestError) else True


def says_nothing_of_keys(error: VestRefusedError) -> bool:
    """Whether a request was refused before the venue looked at its keys and its signature, so that the refusal proves
    neither good: for its time, or by a firewall in front of the venue.

    :param error: what a signed request raised
    """
    return isinstance(error, VestClockError) or (error.code is None and error.status in (401, 403))


def is_retryable(error: BaseException) -> bool:
    """Whether the same question, asked again later, may get an answer. Says nothing about requests that create.

    :param error: what the request raised
    """
    return isinstance(error, VestError) and error.retryable
