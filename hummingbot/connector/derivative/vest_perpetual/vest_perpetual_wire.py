"""The venue's objects as the connector knows them, and the requests it sends (protocol sections 2-5).

This module, `_messages`, `_depth_frames`, `_statistics`, `_registration`, `_signing` and, for candles, `klines` turn
the venue's JSON into objects, or objects into it. Besides, `_account_reader` and `_orders_reader` know the names of
lists and of what tells rows apart, `cli.stream` where the content of an event stands, `cli.following` the request that
it sends, and `certification` answers as they come, since it looks for what nobody has described. The parameters of a
GET stand where it is asked.
`from_payload` turns decoded JSON into a frozen object or raises `VestPayloadError`, which names the field. Fields the
connector does not know are ignored; what else is tolerated is the rule of `_payload`. Orders, positions, transfers,
markets, tickers and the account are worth having without what an odd field says: it is None then, and `unread`
complains of it, by name. Decimals are exact; times stay the integer milliseconds they were sent as (`_ms`).
"""
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Any, Dict, List, Mapping, Optional, Tuple

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import Fields, excerpt, sift

_NOT_ERROR_CODES = (0, 200)
_MAX_CODE = 99_999
# The venue gives a hundred at most (protocol section 4); every one of them costs time in the framework's book.
_MAX_BOOK_ROWS = 5000
# No price or amount is anywhere near; sums of such numbers are still finite.
_MAX_BOOK_NUMBER = 1e300


# --- Markets


@dataclass(frozen=True, slots=True)
class SymbolInfo:
    """One instrument of `GET /exchangeInfo`.

    Ratios and fees are decimal fractions; `price_tick` and `size_step` are in quote and base units.
    """

    symbol: str
    status: str
    size_decimals: int
    price_decimals: int
    size_step: Decimal
    price_tick: Decimal
    init_margin_ratio: Optional[Decimal]
    taker_fee: Optional[Decimal]
    unread: Tuple[str, ...] = ()

    @classmethod
    def from_payload(cls, payload: Any) -> "SymbolInfo":
        """:raises VestPayloadError: when a field that trading needs is missing, or cannot be"""
        fields = Fields("exchangeInfo.symbols", payload)
        size_decimals = fields.integer("sizeDecimals")
        price_decimals = fields.integer("priceDecimals")
        for name, decimals in (("sizeDecimals", size_decimals), ("priceDecimals", price_decimals)):
            if not 0 <= decimals <= 18:
                raise VestPayloadError(f"{fields.name(name)}: {decimals} is out of range")
        tick = fields.optional_decimal("minTickSize") or Decimal(1).scaleb(-price_decimals)
        if tick <= 0:
            raise VestPayloadError(f"{fields.name('minTickSize')}: not positive")
        return cls(
            symbol=fields.text("symbol"),
            # Newer servers send the status here, older ones only with the tickers.
            status=fields.optional_text("tradingStatus") or fields.optional_text("status") or CONSTANTS.STATUS_TRADING,
            size_decimals=size_decimals,
            price_decimals=price_decimals,
            size_step=Decimal(1).scaleb(-size_decimals),
            price_tick=tick,
            init_margin_ratio=fields.if_readable(fields.optional_decimal, "initMarginRatio"),
            taker_fee=fields.if_readable(fields.optional_decimal, "takerFee"),
            unread=fields.unread,
        )

    @property
    def max_leverage(self) -> Optional[int]:
        """Highest leverage the initial margin ratio allows, None when the venue does not say."""
        return int(1 / self.init_margin_ratio) if self.init_margin_ratio else None


@dataclass(frozen=True, slots=True)
class ExchangeInfo:
    """The instruments that can be read, and what was wrong with the others: one odd entry blocks nothing (A5)."""

    symbols: Tuple[SymbolInfo, ...]
    complaints: Tuple[str, ...]

    @classmethod
    def from_payload(cls, payload: Any) -> "ExchangeInfo":
        """A row that cannot be read is a complaint. :raises VestPayloadError: without a list of symbols"""
        symbols, complaints = [], []
        for row in Fields("exchangeInfo", payload).rows("symbols"):
            try:
                symbols.append(SymbolInfo.from_payload(row))
            except VestPayloadError as error:
                complaints.append(str(error))
        return cls(symbols=tuple(symbols), complaints=tuple(complaints))


@dataclass(frozen=True, slots=True)
class Ticker:
    """One row of `GET /ticker/latest` or of the ticker channels; a partial row has None where nothing was said.

    `one_hr_funding_rate` is a decimal fraction per hour; positive means that longs pay.
    """

    symbol: str
    mark_price: Optional[Decimal]
    index_price: Optional[Decimal]
    one_hr_funding_rate: Optional[Decimal]
    status: Optional[str]
    unread: Tuple[str, ...] = ()

    @classmethod
    def from_payload(cls, payload: Any, symbol: Optional[str] = None) -> "Ticker":
        """:raises VestPayloadError: without a symbol, neither in the row nor as `symbol`, the channel's"""
        fields = Fields("ticker", payload)
        return cls(
            symbol=fields.optional_text("symbol") or symbol or fields.text("symbol"),
            mark_price=fields.if_readable(fields.optional_decimal, "markPrice"),
            index_price=fields.if_readable(fields.optional_decimal, "indexPrice"),
            one_hr_funding_rate=fields.if_readable(fields.optional_decimal, "oneHrFundingRate"),
            status=fields.if_readable(fields.optional_text, "status"),
            unread=fields.unread,
        )


def tickers_from(payload: Any) -> Tuple[List[Ticker], List[str]]:
    """The rows of `GET /ticker/latest` or of the `tickers` channel, whose data is a bare list.

    :param payload: decoded JSON
    :return: those that can be read, and complaints about the others: one odd row hides no other (A5)
    :raises VestPayloadError: when there are no rows
    """
    tickers, _, complaints = sift(ticker_rows(payload), Ticker.from_payload, "symbol")
    return tickers, complaints


def ticker_rows(payload: Any) -> List[Any]:
    """The rows of `GET /ticker/latest` or of the `tickers` channel, undecoded.

    :param payload: decoded JSON
    """
    return payload if isinstance(payload, list) else Fields("tickers", payload).rows("tickers")


@dataclass(frozen=True, slots=True)
class FundingRate:
    """One row of `GET /funding/history`: a decimal fraction per hour; positive means that longs pay."""

    time_ms: int
    one_hr_funding_rate: Decimal

    @classmethod
    def from_payload(cls, payload: Any) -> "FundingRate":
        """:raises VestPayloadError: when a field is missing or cannot be read"""
        fields = Fields("funding", payload)
        return cls(time_ms=fields.time_ms("time"), one_hr_funding_rate=fields.decimal("oneHrFundingRate"))


BookRow = Tuple[float, float]


@dataclass(frozen=True, slots=True)
class Depth:
    """A whole order book, best first. Rows are (price, amount) as floats, because the framework's book holds floats."""

    bids: List[BookRow]
    asks: List[BookRow]
    time_ms: Optional[int]

    @classmethod
    def from_payload(cls, payload: Any) -> "Depth":
        """:raises VestPayloadError: when a side or a level cannot be read"""
        fields = Fields("depth", payload)
        return cls(
            bids=_book_side(fields.rows("bids"), "depth.bids"),
            asks=_book_side(fields.rows("asks"), "depth.asks"),
            time_ms=fields.time_ms_if_readable("ts_ms"),
        )


def _book_side(rows: List[Any], name: str) -> List[BookRow]:
    if len(rows) > _MAX_BOOK_ROWS:
        raise VestPayloadError(f"{name}: more than {_MAX_BOOK_ROWS} rows")
    try:
        if bool in map(type, chain.from_iterable(rows)):
            raise TypeError("float() takes a boolean for a number")
        side = [(float(price), float(amount)) for price, amount in rows]
    except (TypeError, ValueError, OverflowError) as error:
        raise VestPayloadError(f"{name}: not rows of price and amount") from error
    # Most of what a book costs are its rows, so they are gone through by what is written in C. NaN, which `min` and
    # `max` may pass over, makes the sum NaN.
    numbers = list(chain.from_iterable(side))
    if not numbers or (0 < min(numbers) and max(numbers) < _MAX_BOOK_NUMBER and sum(numbers) > 0):
        return side
    # Comparisons with NaN are false, so this keeps out NaN, infinities and negative numbers alike.
    if all(0 < price < _MAX_BOOK_NUMBER and 0 <= amount < _MAX_BOOK_NUMBER for price, amount in side):
        return [row for row in side if row[1] > 0]  # a level without amount is no level
    raise VestPayloadError(f"{name}: a price or amount is not a positive number")


@dataclass(frozen=True, slots=True)
class Trade:
    """A public trade; `quantity` in base, unsigned, `is_buy` is the taker's side, None when it was not said."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    is_buy: Optional[bool]
    time_ms: int

    @classmethod
    def from_payload(cls, payload: Any) -> "Trade":
        """:raises VestPayloadError: when a field that a trade needs cannot be read"""
        fields = Fields("trade", payload)
        quantity = fields.decimal("qty")
        side = (fields.optional_text("side") or "").lower()
        # One client saw sells as negative quantities; the newer feed names the side (protocol section 4).
        is_buy = {"buy": True, "sell": False}.get(side, False if quantity < 0 else None)
        return cls(
            trade_id=fields.text("id"),
            price=fields.decimal("price"),
            quantity=abs(quantity),
            is_buy=is_buy,
            time_ms=fields.time_ms("time"),
        )


def trades_from(payload: Any) -> List[Trade]:
    """The trades of `GET /trades` or of one message of the trades channel: a list or a single object.

    :param payload: decoded JSON
    """
    rows = payload if isinstance(payload, list) else [payload]
    return [Trade.from_payload(row) for row in rows]


# --- Orders


@dataclass(frozen=True, slots=True)
class Order:
    """An order as `GET /orders` and ORDER events tell it; an event may leave out all but id, nonce, status, postTime.

    Sizes are in base, prices in quote, fees, funding and PnL in USDC. `fees` is cumulative over the order as far as is
    known [?]; positive `settled_funding` was received. Id and status are enough to know that an order has ended, so
    nothing else makes it unreadable.
    """

    order_id: str
    nonce: Optional[int]
    status: str
    post_time_ms: Optional[int]
    symbol: Optional[str]
    is_buy: Optional[bool]
    order_type: Optional[str]
    limit_price: Optional[Decimal]
    size: Optional[Decimal]
    reduce_only: Optional[bool]
    code: Optional[int]
    last_filled_size: Optional[Decimal]
    last_filled_price: Optional[Decimal]
    last_filled_time_ms: Optional[int]
    avg_filled_price: Optional[Decimal]
    settled_funding: Optional[Decimal]
    fees: Optional[Decimal]
    realized_pnl: Optional[Decimal]
    unread: Tuple[str, ...] = ()

    @classmethod
    def from_payload(cls, payload: Any) -> "Order":
        """:raises VestPayloadError: without an id or a status"""
        fields = Fields("order", payload)
        readable = fields.if_readable
        return cls(
            order_id=fields.text("id"),
            nonce=readable(fields.optional_integer, "nonce"),
            status=fields.text("status"),
            post_time_ms=readable(fields.optional_time_ms, "postTime"),
            symbol=readable(fields.optional_text, "symbol"),
            is_buy=readable(fields.optional_boolean, "isBuy"),
            order_type=readable(fields.optional_text, "orderType"),
            limit_price=readable(fields.optional_decimal, "limitPrice"),
            size=readable(fields.optional_decimal, "size"),
            reduce_only=readable(fields.optional_boolean, "reduceOnly"),
            code=readable(fields.optional_integer, "code"),
            last_filled_size=readable(fields.optional_decimal, "lastFilledSize"),
            last_filled_price=readable(fields.optional_decimal, "lastFilledPrice"),
            last_filled_time_ms=readable(fields.optional_time_ms, "lastFilledTime"),
            avg_filled_price=readable(fields.optional_decimal, "avgFilledPrice"),
            settled_funding=readable(fields.optional_decimal, "settledFunding"),
            fees=readable(fields.optional_decimal, "fees"),
            realized_pnl=readable(fields.optional_decimal, "realizedPnl"),
            unread=fields.unread,
        )

    @property
    def client_order_id(self) -> Optional[str]:
        """The order's client id: its nonce in decimal digits (design decision 1)."""
        return None if self.nonce is None else str(self.nonce)


# --- Account


@dataclass(frozen=True, slots=True)
class Balance:
    """Total and locked amount of one asset."""

    asset: str
    total: Decimal
    locked: Decimal

    @classmethod
    def from_payload(cls, payload: Any) -> "Balance":
        """:raises VestPayloadError: when asset, total or locked cannot be read"""
        fields = Fields("account.balances", payload)
        return cls(
            asset=fields.text("asset"),
            total=fields.decimal("total"),
            locked=fields.optional_decimal("locked") or Decimal(0),
        )


@dataclass(frozen=True, slots=True)
class Position:
    """An open position; `size` in base, unsigned; `unrealized_pnl` in USDC, funding included.

    That it is there matters more than what it cost: the mark price stands for an entry price that cannot be read.
    """

    symbol: str
    is_long: bool
    size: Decimal
    entry_price: Decimal
    unrealized_pnl: Optional[Decimal]
    settled_funding: Optional[Decimal]
    unread: Tuple[str, ...] = ()

    @classmethod
    def from_payload(cls, payload: Any) -> "Position":
        """:raises VestPayloadError: when symbol, side, size or every price cannot be read"""
        fields = Fields("account.positions", payload)
        entry_price = fields.if_readable(fields.decimal, "entryPrice")
        return cls(
            symbol=fields.text("symbol"),
            is_long=fields.boolean("isLong"),
            size=abs(fields.decimal("size")),
            entry_price=fields.decimal("markPrice") if entry_price is None else entry_price,
            unrealized_pnl=fields.if_readable(fields.optional_decimal, "unrealizedPnl"),
            settled_funding=fields.if_readable(fields.optional_decimal, "settledFunding"),
            unread=fields.unread,
        )

    @property
    def signed_size(self) -> Decimal:
        """Size in base, negative for a short."""
        return self.size if self.is_long else -self.size


@dataclass(frozen=True, slots=True)
class Leverage:
    """The leverage in force for a symbol, also the answer of `POST /account/leverage`."""

    symbol: str
    value: int

    @classmethod
    def from_payload(cls, payload: Any) -> "Leverage":
        """:raises VestPayloadError: when a field is missing or cannot be read"""
        fields = Fields("leverage", payload)
        return cls(symbol=fields.text("symbol"), value=fields.integer("value"))


@dataclass(frozen=True, slots=True)
class Account:
    """`GET /account`. `withdrawable` in USDC, None when the venue does not say; `address` is the wallet's."""

    balances: Tuple[Balance, ...]
    withdrawable: Optional[Decimal]
    positions: Tuple[Position, ...]
    leverages: Tuple[Leverage, ...]
    time_ms: Optional[int]
    address: Optional[str] = None
    unread: Tuple[str, ...] = ()

    @classmethod
    def from_payload(cls, payload: Any) -> "Account":
        """All but the lists, of which `_account_reader` reads each row for itself."""
        fields = Fields("account", payload)
        return cls(
            balances=(),
            withdrawable=fields.if_readable(fields.optional_decimal, "withdrawable"),
            positions=(),
            leverages=(),
            time_ms=fields.if_readable(fields.optional_time_ms, "time"),
            address=fields.if_readable(fields.optional_text, "address"),
            unread=fields.unread,
        )

    def available(self, balance: Balance) -> Decimal:
        """What of a balance can be used: what is not locked, no more than the venue lets go, and never less than zero.

        :param balance: one of `balances`
        """
        free = balance.total - balance.locked
        if balance.asset == CONSTANTS.COLLATERAL_TOKEN and self.withdrawable is not None:
            free = min(free, self.withdrawable)
        return max(Decimal(0), free)


def is_closed_position(row: Any) -> bool:
    """Whether a row of the account's positions is none: its size is zero, whatever else it lacks.

    :raises VestPayloadError: when it has a size that cannot be read
    """
    fields = Fields("account.positions", row)
    return fields.has("size") and fields.decimal("size") == 0


@dataclass(frozen=True, slots=True)
class TransferRecord:
    """An LP order of `GET /lp` or a transfer of `GET /transfer`.

    `size` in USDC, as far as is known [?]; `code` says why when the status is REJECTED; `chain_id` is that of a
    transfer, None for LP.
    """

    record_id: str
    nonce: Optional[int]
    order_type: str
    size: Decimal
    status: str
    post_time_ms: Optional[int]
    code: Optional[int]
    chain_id: Optional[int]
    unread: Tuple[str, ...] = ()

    @classmethod
    def from_payload(cls, payload: Any) -> "TransferRecord":
        """:raises VestPayloadError: when id, kind, size or status cannot be read"""
        fields = Fields("transfer", payload)
        return cls(
            record_id=fields.text("id"),
            nonce=fields.optional_integer("nonce"),
            order_type=fields.text("orderType"),
            size=fields.decimal("size"),
            status=fields.text("status"),
            post_time_ms=fields.if_readable(fields.optional_time_ms, "postTime"),
            code=fields.if_readable(fields.optional_integer, "code"),
            chain_id=fields.if_readable(fields.optional_integer, "chainId"),
            unread=fields.unread,
        )


# --- Answers


def order_id_from(payload: Any) -> str:
    """The venue's id in the answer of POST /orders, /orders/cancel, /lp and /transfer/withdraw."""
    return Fields("answer", payload).text("id")


def listen_key_from(payload: Any) -> str:
    """The listen key in the answer of POST /account/listenKey."""
    return Fields("answer", payload).text("listenKey")


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error answer says, fit for a log; `code` is None when it is a plain text."""

    code: Optional[int]
    message: str

    @classmethod
    def from_payload(cls, payload: Any, is_error_status: bool) -> Optional["ErrorBody"]:
        """The error in an answer, None when there is none (protocol section 3: three shapes, any HTTP status).

        :param payload: decoded JSON of the answer
        :param is_error_status: whether the HTTP status says that something failed
        """
        if not isinstance(payload, Mapping):
            return None
        detail = payload.get("detail")
        if isinstance(detail, str) and is_error_status:
            return cls(code=None, message=excerpt(detail))
        fields = Fields("error", detail if isinstance(detail, Mapping) else payload)
        if not fields.has("code") or fields.has("id"):
            return None
        code = fields.integer("code")
        if not 0 <= code <= _MAX_CODE:
            # It must not be taken for a refusal, after which an order is believed not to exist.
            raise VestPayloadError(f"{fields.name('code')}: no code of the venue")
        return None if code in _NOT_ERROR_CODES else cls(code=code, message=fields.words("msg"))


# --- Requests; `time`, `recvWindow` and `signature` are added when they are sent (`_signing`)


def decimal_text(value: Decimal, decimals: int) -> str:
    """A decimal as the venue wants it: plain digits, exactly so many decimals ("3.1200" for 4; code 1111 otherwise).

    :param value: a price in quote or a size in base that already stands on its step
    :param decimals: the symbol's priceDecimals or sizeDecimals
    :raises ValueError: when the value has more decimals than the symbol
    """
    rounded = value.quantize(Decimal(1).scaleb(-decimals))
    if rounded != value:
        raise ValueError(f"{value} has more than {decimals} decimals")
    return format(rounded, "f")


def order_request(
        nonce: int,
        symbol: str,
        is_buy: bool,
        size: str,
        order_type: str,
        limit_price: str,
        reduce_only: bool,
        time_in_force: Optional[str] = None,
) -> Dict[str, Any]:
    """Body of `POST /orders`; size and price as `decimal_text` gives them, because these bytes are signed."""
    order = {
        "nonce": nonce,
        "symbol": symbol,
        "isBuy": is_buy,
        "size": size,
        "orderType": order_type,
        "limitPrice": limit_price,
        "reduceOnly": reduce_only,
    }
    if time_in_force is not None:
        order["timeInForce"] = time_in_force
    return {"order": order}


def cancel_request(nonce: int, order_id: str) -> Dict[str, Any]:
    """Body of `POST /orders/cancel`; the nonce is the cancellation's own."""
    return {"order": {"nonce": nonce, "id": order_id}}


def lp_request(nonce: int, order_type: str, size: str) -> Dict[str, Any]:
    """Body of `POST /lp`.

    :param order_type: DEPOSIT, IMMEDIATE_WITHDRAW or SCHEDULE_WITHDRAW
    :param size: USDC as a decimal text
    """
    return {"order": {"nonce": nonce, "orderType": order_type, "size": size}}


def withdraw_request(
        nonce: int, account: str, recipient: str, token_address: str, size: int, chain_id: int, execute: bool
) -> Dict[str, Any]:
    """Body of `POST /transfer/withdraw`.

    :param token_address: of USDC on that chain; it is signed, then `name_token` puts the name in its place
    :param size: whole units of 1e-6 USDC
    :param execute: goes beside the order; what it does is not documented further [?]
    """
    order = {
        "nonce": nonce,
        "account": account,
        "recipient": recipient,
        "token": token_address,
        "size": str(size),
        "chainId": chain_id,
    }
    return {"order": order, "execute": execute}


def leverage_request(symbol: str, value: int) -> Dict[str, Any]:
    """Body of `POST /account/leverage`."""
    return {"symbol": symbol, "value": value}


def records_query(
        nonce: Optional[int] = None, start_ms: Optional[int] = None, end_ms: Optional[int] = None
) -> Dict[str, Any]:
    """Query of `GET /lp` and `GET /transfer`: as many rows as the venue gives at once.

    :param nonce: of the one record wanted
    :param start_ms: posted at or after, in ms
    :param end_ms: posted at or before, in ms
    """
    filters = {"nonce": nonce, "startTime": start_ms, "endTime": end_ms, "limit": CONSTANTS.ORDERS_PAGE_LIMIT}
    return {name: value for name, value in filters.items() if value is not None}
