"""Reads what a session left in Hummingbot's database.

The database belongs to the bot, which may be running and writing. It is copied in one go and the copy is read at
leisure: the bot is held up for as long as the copying takes and no longer, and nothing of it is changed.

Stored are amounts and prices as integers of 1e-6, times in ms since the epoch, and of an order its last state; see
`hummingbot.connector.markets_recorder`.
"""
import json
import shutil
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Iterator, List, NamedTuple, Optional, Sequence, Tuple

ZERO = Decimal(0)
OUR_CONNECTORS = "vest_perpetual"  # and with it those of the other domains, whose names begin alike
OPEN, FILLED, CANCELLED, FAILED = "open", "filled", "cancelled", "failed"
STATES = (FILLED, CANCELLED, FAILED, OPEN)

# names of hummingbot.core.event.events.MarketEvent
_STATE_OF_STATUS = {
    "BuyOrderCompleted": FILLED, "SellOrderCompleted": FILLED,
    "OrderCancelled": CANCELLED, "OrderExpired": CANCELLED, "OrderFailure": FAILED,
}
_STORED_STEP = Decimal("0.000001")
_TABLES = {"Order", "OrderStatus", "TradeFill", "FundingPayment", "MarketData"}
_OLDEST_TABLES = {"Order", "OrderStatus", "TradeFill"}  # what every Hummingbot has had
LOCK_TIMEOUT_S = 30.0  # a writing bot holds its lock for milliseconds
_LOCK_PAUSE_S = 0.05
# Of all the tables that tell of a market, its two columns.
_MARKETS = ('SELECT market, symbol FROM "Order" UNION SELECT market, symbol FROM TradeFill '
            "UNION SELECT market, symbol FROM FundingPayment")


class ReportError(Exception):
    """There can be no report; the text is one sentence that says why and what to do."""


class ChoiceError(ReportError):
    """What was asked for is not there; another file, connector, trading pair or period is to be named."""


class Market(NamedTuple):
    """A trading pair on a connector."""

    connector: str
    pair: str

    @property
    def base(self) -> str:
        """The asset that is traded, such as BTC."""
        return self.pair.partition("-")[0]

    @property
    def quote(self) -> str:
        """The asset it is paid in, such as USDC."""
        return self.pair.partition("-")[2]


class Fill(NamedTuple):
    """One execution: amount in base, price in quote per base, fee in quote (paid: positive)."""

    time_ms: int
    is_buy: bool
    amount: Decimal
    price: Decimal
    fee: Decimal


class Payment(NamedTuple):
    """One funding payment in quote; received: positive."""

    time_ms: int
    amount: Decimal


class Price(NamedTuple):
    """The middle of the order book, as the client recorded it (its `market_data_collection`)."""

    time_ms: int
    price: Decimal


class Order(NamedTuple):
    """One order.

    :param order_id: the client's id
    :param created_ms: the tick of the client's clock that it was placed in
    :param ended_ms: when its end was recorded; None when it has not ended
    :param is_buy: None where no row tells
    :param state: one of `STATES`
    """

    order_id: str
    kind: str
    is_buy: Optional[bool]
    amount: Decimal
    price: Decimal
    state: str
    created_ms: int
    ended_ms: Optional[int]


@dataclass(frozen=True)
class Selection:
    """What of a database is reported.

    :param connectors: names of connectors; none: those of Vest
    :param pairs: trading pairs; none: all
    :param from_ms: the beginning of the period, in ms since the epoch; None: that of the database
    :param to_ms: its end, exclusive
    """

    connectors: Sequence[str] = ()
    pairs: Sequence[str] = ()
    from_ms: Optional[int] = None
    to_ms: Optional[int] = None

    @property
    def is_limited(self) -> bool:
        """Whether it is a part of the time only."""
        return self.from_ms is not None or self.to_ms is not None

    def has_time(self, time_ms: int) -> bool:
        """Whether a moment is in the period."""
        return (self.from_ms is None or time_ms >= self.from_ms) and (self.to_ms is None or time_ms < self.to_ms)

    def has_connector(self, name: str) -> bool:
        """Whether a connector is wanted."""
        return name in self.connectors if self.connectors else name.startswith(OUR_CONNECTORS)


class Database:
    """A copy of a Hummingbot database; see `open_database`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def markets(self, selection: Selection) -> List[Market]:
        """The selected markets that anything is recorded of.

        :raises ChoiceError: what was asked for is not there
        """
        recorded = sorted(Market(*row) for row in self._rows(_MARKETS))
        chosen = [market for market in recorded if selection.has_connector(market.connector)]
        _check_known("connector", selection.connectors, [market.connector for market in recorded])
        if recorded and not chosen:
            raise ChoiceError("This database holds nothing of Vest; choose a connector that it knows: "
                              + _listed(market.connector for market in recorded) + ".")
        _check_known("trading pair", selection.pairs, [market.pair for market in chosen])
        return [market for market in chosen if not selection.pairs or market.pair in selection.pairs]

    def strategies(self, market: Market) -> List[Tuple[str, str]]:
        """Name and configuration file of each strategy that traded a market."""
        return self._rows(
            'SELECT DISTINCT strategy, config_file_path FROM "Order" WHERE market = ? AND symbol = ? '
            "UNION SELECT DISTINCT strategy, config_file_path FROM TradeFill WHERE market = ? AND symbol = ?",
            (*market, *market)).fetchall()

    def fills(self, market: Market) -> Iterator[Fill]:
        """Every fill, the oldest first."""
        for time_ms, trade_type, amount, price, fee_json, fee_in_quote in self._rows(
                "SELECT timestamp, trade_type, amount, price, trade_fee, trade_fee_in_quote FROM TradeFill "
                "WHERE market = ? AND symbol = ? ORDER BY timestamp, rowid", market):
            amount, price = _stored(amount), _stored(price)
            fee = _fee(fee_json, amount * price, market.quote)
            yield Fill(time_ms, trade_type == "BUY", amount, price, _stored(fee_in_quote) if fee is None else fee)

    def payments(self, market: Market) -> Iterator[Payment]:
        """Every funding payment, the oldest first."""
        for time_ms, amount in self._rows("SELECT timestamp, amount FROM FundingPayment "
                                          "WHERE market = ? AND symbol = ? ORDER BY timestamp", market):
            yield Payment(time_ms, _number(amount))

    def prices(self, market: Market) -> Iterator[Price]:
        """Every recorded price, the oldest first."""
        for time, price in self._rows("SELECT timestamp, mid_price FROM MarketData "
                                      "WHERE exchange = ? AND trading_pair = ? ORDER BY timestamp", market):
            yield Price(int(_stored(time)), _stored(price))

    def orders(self, market: Market) -> Iterator[Order]:
        """Every order, the oldest first. The table knows no side; other rows of the order do."""
        for order_id, kind, amount, price, status, created_ms, updated_ms, created_as, traded_as in self._rows(
                "SELECT id, order_type, amount, price, last_status, creation_timestamp, last_update_timestamp,"
                " (SELECT status FROM OrderStatus AS step"
                "  WHERE step.order_id = placed.id AND step.status LIKE '%OrderCreated' LIMIT 1),"
                " (SELECT trade_type FROM TradeFill AS fill"
                "  WHERE fill.market = placed.market AND fill.order_id = placed.id LIMIT 1) "
                'FROM "Order" AS placed WHERE market = ? AND symbol = ? ORDER BY creation_timestamp, rowid', market):
            side = (created_as or traded_as or "")[:3].upper()
            state = _STATE_OF_STATUS.get(status, OPEN)
            yield Order(order_id, kind, side == "BUY" if side else None, _stored(amount), _stored(price), state,
                        created_ms, None if state == OPEN else updated_ms)

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement, tuple(values))


@contextmanager
def open_database(path: Path) -> Iterator[Database]:
    """A copy of the database of a Hummingbot bot, running or not, for as long as the context lasts.

    :raises ChoiceError: there is no such file, or it is none of Hummingbot's
    :raises ReportError: it cannot be read
    """
    if not path.is_file():
        raise ChoiceError(f"There is no file {path}: name the .sqlite file in the data folder of a Hummingbot.")
    with TemporaryDirectory(prefix="vest-report-") as folder:
        copy = Path(folder, "copy.sqlite")
        try:
            _copy(path, copy)
            with closing(sqlite3.connect(copy)) as connection:
                names = {name for name, in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
                if not _OLDEST_TABLES <= names:
                    raise ChoiceError(_not_hummingbots(path))
                if missing := sorted(_TABLES - names):
                    raise ReportError(_of_another_version(path, f"no such table: {missing[0]}"))
                yield Database(connection)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
                raise ChoiceError(_not_hummingbots(path)) from error
            if str(error).startswith("no such column"):
                raise ReportError(_of_another_version(path, str(error))) from error
            raise ReportError(f"{path} cannot be read ({error}); check its permissions, try again, or take a copy "
                              f"that was kept.") from error


def _not_hummingbots(path: Path) -> str:
    return f"{path} is no Hummingbot database: name the .sqlite file in the data folder of a Hummingbot."


def _of_another_version(path: Path, what: str) -> str:
    return (f"{path} was written by a Hummingbot of another version ({what}); report a database of the version that "
            f"this connector runs in.")


def _copy(path: Path, copy: Path) -> None:
    """Copies a database as it is at one moment.

    :raises ReportError: it stays locked for longer than any bot writes
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    give_up_s = monotonic() + LOCK_TIMEOUT_S

    def look(status: int, *_: int) -> None:
        # SQLite would try a locked database for ever. Being called lets Ctrl-C through as well.
        if status & 0xff in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and monotonic() > give_up_s:
            raise ReportError(f"{path} is locked by the program that writes it, for {LOCK_TIMEOUT_S:g} s now; see that "
                              f"it is the database of a bot, and stop that program first.")

    try:
        # With a timeout of its own each try would wait inside SQLite, where Ctrl-C is not heard.
        with closing(sqlite3.connect(address, uri=True, timeout=0.0)) as source, \
                closing(sqlite3.connect(copy)) as target:
            source.backup(target, progress=look, sleep=_LOCK_PAUSE_S)
    except sqlite3.OperationalError as error:
        # A client that was killed while it wrote left a journal, which SQLite must roll back before anything else, and
        # will not in a file that is only to be read. Nobody writes there any more; the copy is rolled back instead.
        if error.sqlite_errorcode & 0xff != sqlite3.SQLITE_READONLY:
            raise
        for suffix in ("", "-journal", "-wal"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                shutil.copyfile(part, copy.with_name(copy.name + suffix))


def _check_known(what: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    for name in wanted:
        if name not in known:
            raise ChoiceError(f"This database knows no {what} {name}; it has {_listed(known) or 'none at all'}.")


def _listed(names: Any) -> str:
    return ", ".join(sorted(set(names)))


def _stored(number: Optional[int]) -> Decimal:
    return _number(number or 0) * _STORED_STEP


def _number(value: Any) -> Decimal:
    """Decimal of what a column of numbers holds. :raises ReportError: something else stands there"""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ReportError(
            f"The database is damaged: where a number should be stands {value!r:.40}. Take a copy that was kept.")
    return number


def _fee(fee_json: str, notional: Decimal, quote: str) -> Optional[Decimal]:
    """A fee in full, of which the column beside it is cut off; None when that column has to do: a part of the fee is in
    another token, or the JSON is none of Hummingbot's.
    """
    try:
        fee = json.loads(fee_json)
        parts = [Decimal(part["amount"]) for part in fee["flat_fees"] if part["token"] == quote]
        is_whole = len(parts) == len(fee["flat_fees"])
        return sum(parts, ZERO) + Decimal(fee["percent"]) * notional if is_whole else None
    except (ValueError, LookupError, TypeError, InvalidOperation):
        return None
