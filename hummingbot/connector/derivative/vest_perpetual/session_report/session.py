"""A session as it is reported: of each market the sums, and what is drawn of it; how long orders took; the log."""
from array import array
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import merge
from math import ceil
from pathlib import Path
from typing import Counter as CounterType, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from hummingbot.connector.derivative.vest_perpetual.session_report.ledger import Ledger
from hummingbot.connector.derivative.vest_perpetual.session_report.log import Log, log_files, read_log
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import (
    FILLED,
    ChoiceError,
    Database,
    Fill,
    Market,
    Order,
    Payment,
    Price,
    ReportError,
    Selection,
    open_database,
)
from hummingbot.connector.derivative.vest_perpetual.session_report.series import DRAWN_ORDERS, Series, evenly
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_ids import TAG_COUNT

MARKET_ORDER = "MARKET"
_ID_DIGITS = 16  # of a client order id of the connector: the ms it was placed in, and a tag
_TOLERANCE_MS = 60_000  # an id whose time is farther than this from the order's creation is none of the connector's


@dataclass
class MarketSession:
    """One market.

    :param market: which
    :param ledger: its books at the end of the period
    """

    market: Market
    ledger: Ledger
    states: CounterType[str] = field(default_factory=Counter)
    """Number of orders by the state they ended in."""
    curve: Series = field(default_factory=lambda: Series(("price", "position", "trading", "fees", "funding", "pnl")))
    """The ledger after every event."""
    buys: Series = field(default_factory=lambda: Series(("price", "amount", "fee")))
    sells: Series = field(default_factory=lambda: Series(("price", "amount", "fee")))
    orders: List[Order] = field(default_factory=list)
    """Those that are drawn."""
    drawable_orders: int = 0
    """How many could be: LIMIT orders."""
    fill_latencies_ms: Dict[str, array] = field(default_factory=dict)
    """From placing an order to the record that it was filled completely, by order type."""
    first_ms: Optional[int] = None
    last_ms: Optional[int] = None

    @property
    def order_count(self) -> int:
        """All orders of the period, in whatever state they ended."""
        return sum(self.states.values())

    def note_time(self, time_ms: int) -> None:
        """Extends the time of which anything is recorded."""
        self.first_ms = time_ms if self.first_ms is None else min(self.first_ms, time_ms)
        self.last_ms = time_ms if self.last_ms is None else max(self.last_ms, time_ms)


@dataclass
class Session:
    """All of it.

    :param name: of the database file
    :param strategies: names and configuration files
    :param log: None when there are no log files
    """

    name: str
    selection: Selection
    strategies: List[Tuple[str, str]]
    markets: List[MarketSession]
    log: Optional[Log]

    @property
    def first_ms(self) -> Optional[int]:
        """When the first thing was recorded, in ms since the epoch; None: nothing was."""
        return min((market.first_ms for market in self.markets if market.first_ms is not None), default=None)

    @property
    def last_ms(self) -> Optional[int]:
        """When the last thing was recorded."""
        return max((market.last_ms for market in self.markets if market.last_ms is not None), default=None)

    @property
    def by_volume(self) -> List[MarketSession]:
        """The markets, that of the largest volume first."""
        return sorted(self.markets, key=lambda market: market.ledger.quote_volume, reverse=True)

    @property
    def by_quote(self) -> Dict[str, List[MarketSession]]:
        """The markets, by the asset their money is in."""
        found: Dict[str, List[MarketSession]] = {}
        for market in self.markets:
            found.setdefault(market.market.quote, []).append(market)
        return found

    @property
    def order_count(self) -> int:
        """Orders of all markets."""
        return sum(market.order_count for market in self.markets)

    @property
    def fill_count(self) -> int:
        """Fills of all markets."""
        return sum(market.ledger.fills for market in self.markets)

    def fill_latencies_ms(self) -> Dict[str, array]:
        """Of all markets together, by order type."""
        together: Dict[str, array] = {}
        for market in self.markets:
            for kind, latencies in market.fill_latencies_ms.items():
                together.setdefault(kind, array("d")).extend(latencies)
        return together


def read_session(path: Path, selection: Selection = Selection(), marks: Optional[Mapping[str, Decimal]] = None,
                 logs: Optional[Sequence[Path]] = None) -> Session:
    """Read a session from a database, which is not changed, and the log files.

    :param marks: mark price at the end, by trading pair; without one the last price known stands for it
    :param logs: the client's log files; None: those that are found beside the database
    :raises ChoiceError: the database or a log file is not there, or holds nothing of what is selected
    :raises ReportError: one cannot be read
    """
    with open_database(path) as database:
        markets = database.markets(selection)
        strategies = sorted({strategy for market in markets for strategy in database.strategies(market)})
        sessions = [_read_market(database, market, selection, (marks or {}).get(market.pair)) for market in markets]
    try:
        files = log_files(path) if logs is None else list(logs)
        log = read_log(files, selection) if files else None
    except FileNotFoundError as error:
        raise ChoiceError(f"There is no log file {error.filename}; name another one.") from error
    except OSError as error:
        raise ReportError(f"A log file cannot be read ({error}); name one that can be.") from error
    session = Session(path.name, selection, strategies, sessions, log)
    for market in sessions:
        if market.curve:  # drawn to the end
            _note_books(market, session.last_ms)
    return session


def _read_market(database: Database, market: Market, selection: Selection, mark: Optional[Decimal]) -> MarketSession:
    session = MarketSession(market, Ledger())
    _keep_books(session, _events(database, market), selection)
    if mark is not None:
        session.ledger.mark = mark
    _look_at_orders(session, database, market, selection)
    return session


def _events(database: Database, market: Market) -> Iterator[Union[Price, Fill, Payment]]:
    """What changes the books, in its order."""
    return merge(database.prices(market), database.fills(market), database.payments(market),
                 key=lambda event: event.time_ms)


def _keep_books(session: MarketSession, events: Iterator[Union[Price, Fill, Payment]], selection: Selection) -> None:
    """Goes through all that happened. What was before the period gives the position and the price it begins with."""
    is_before = selection.from_ms is not None
    for event in events:
        if is_before and event.time_ms >= selection.from_ms:
            is_before = False
            session.ledger = Ledger(session.ledger.position, session.ledger.mark)
        if not is_before and not selection.has_time(event.time_ms):
            break
        _book(session.ledger, event)
        if not is_before:
            _note_event(session, event)
    if is_before:
        session.ledger = Ledger(session.ledger.position, session.ledger.mark)


def _book(ledger: Ledger, event: Union[Price, Fill, Payment]) -> None:
    if isinstance(event, Fill):
        ledger.add_fill(event)
    elif isinstance(event, Payment):
        ledger.add_payment(event)
    else:
        ledger.mark = event.price


def _note_event(session: MarketSession, event: Union[Price, Fill, Payment]) -> None:
    session.note_time(event.time_ms)
    if isinstance(event, Fill):
        marks = session.buys if event.is_buy else session.sells
        marks.add(event.time_ms, float(event.price), float(event.amount), float(event.fee))
    _note_books(session, event.time_ms)


def _note_books(session: MarketSession, time_ms: int) -> None:
    books = session.ledger
    session.curve.add(time_ms, *map(float, (
        books.mark, books.position, books.trading, -books.fees, books.funding, books.pnl)))


def _look_at_orders(session: MarketSession, database: Database, market: Market, selection: Selection) -> None:
    in_period = (order for order in database.orders(market) if selection.has_time(order.created_ms))
    drawable: List[Order] = []
    step = 1
    for order in in_period:
        session.states[order.state] += 1
        session.note_time(order.created_ms)
        if order.ended_ms is not None:
            session.note_time(order.ended_ms)
        if order.state == FILLED:
            latencies = session.fill_latencies_ms.setdefault(order.kind, array("d"))
            latencies.append(max(order.ended_ms - placed_ms(order), 0))
        if order.kind != MARKET_ORDER and order.is_buy is not None:
            if session.drawable_orders % step == 0:
                drawable.append(order)
            session.drawable_orders += 1
            if len(drawable) > 4 * DRAWN_ORDERS:  # every second of those so far, and from now on
                drawable, step = drawable[::2], step * 2
    session.orders = [drawable[position] for position in evenly(len(drawable), DRAWN_ORDERS)]


def placed_ms(order: Order) -> int:
    """When an order was placed: to the ms by an id of the connector, else by the tick of the client's clock."""
    if order.order_id.isascii() and order.order_id.isdecimal() and len(order.order_id) == _ID_DIGITS:
        by_id_ms = int(order.order_id) // TAG_COUNT
        if abs(by_id_ms - order.created_ms) < _TOLERANCE_MS:
            return by_id_ms
    return order.created_ms


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of some sorted values that is not below this share of them.

    :param share: between 0 and 1
    """
    return values[max(ceil(share * len(values)), 1) - 1]
