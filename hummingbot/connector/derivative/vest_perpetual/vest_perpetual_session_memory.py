"""What a session leaves to the next beside the client's database, since a kill may come at any moment (C16, C32).

Hummingbot saves an order at its first event, and it saves no positions. So these are kept here, in one small file:

* orders handed to the venue of which no event was published yet. Whatever became of them, the next session hears of it
  as of any order it restores, and Created, Filled and the end reach the database once: an order is forgotten here as
  soon as Created was published, and by then the recorder has saved it;
* the positions that the fills counted so far explain. Only so can a change that came about while no bot ran be noticed.

Each line of the file is a JSON object: the first tells all that there was when the file was last written whole, each
later one a change (an order that is null was forgotten). A change is one write of one line, because an order waits for
it before it is sent. What a crash cut off is no change.
"""
import json
import os
import weakref
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, List, Optional

import ujson

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_files import replace_file
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder, PerpetualDerivativeInFlightOrder

_ORDERS, _POSITIONS = "orders", "positions"
# Then the file is written whole again.
_MAX_CHANGES = 1000


class SessionMemory:
    """The file; it is read when it is first needed. One that cannot be written or read stops no trading: it is said.

    :param data_path: Hummingbot's data folder
    :param domain: of the venue; each of its accounts has a file of its own
    :param account_group: of the account
    :param complaints: says what went wrong
    """

    def __init__(self, data_path: Path, domain: str, account_group: int, complaints: Complaints):
        self._path = Path(data_path) / f"{domain}_session_{account_group}.json"
        self._complaints = complaints
        self._content: Dict[str, Dict[str, Any]] = {}  # empty until it is read
        self._journal: Optional[int] = None  # descriptor of the file, when changes can be appended
        self._close_journal = lambda: None
        self._changes = 0

    @property
    def orders(self) -> Dict[str, InFlightOrder]:
        """Orders of which no event was published, made anew, by client id."""
        return {order_id: _order_of(order_id, terms) for order_id, terms in self._section(_ORDERS).items()}

    def note_order(self, order: InFlightOrder) -> None:
        """An order is about to be handed to the venue.

        :param order: of which nothing was heard yet
        """
        order_id, terms = order.client_order_id, _terms_of(order)
        self._section(_ORDERS)[order_id] = terms
        self._note({_ORDERS: {order_id: terms}})

    def forget_order(self, client_order_id: str) -> None:
        """The client's database has the order, or it never existed.

        :param client_order_id: its client id
        """
        if self._section(_ORDERS).pop(client_order_id, None) is not None:
            self._note({_ORDERS: {client_order_id: None}})

    @property
    def positions(self) -> Dict[str, Any]:
        """What was noted of the positions last; empty when nothing was."""
        return dict(self._section(_POSITIONS))

    def note_positions(self, positions: Dict[str, Any]) -> None:
        """The positions changed, or were looked at.

        :param positions: as `MissedFills` wants them back, in what JSON can hold
        """
        if self._section(_POSITIONS) != positions:
            self._content[_POSITIONS] = positions
            self._note({_POSITIONS: positions})

    def _section(self, name: str) -> Dict[str, Any]:
        if not self._content:
            self._read()
        return self._content[name]

    def _read(self) -> None:
        self._content = {_ORDERS: {}, _POSITIONS: {}}
        try:
            self._content = _content_of(self._path.read_text(encoding="ascii"))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError, RecursionError, ArithmeticError) as error:
            self._complaints.say(f"What an earlier session left in {self._path} cannot be read ({error}); orders that "
                                 f"a crash kept Hummingbot from saving are not found again.")

    def _note(self, change: Dict[str, Dict[str, Any]]) -> None:
        if self._is_appended(change):
            return
        self._close_journal()
        self._journal = None
        try:
            replace_file(self._path, _line(self._content))
            self._open_journal()
        except OSError as error:
            self._complaints.say(f"Cannot write {self._path} ({error}); check the folder. Until then orders that a "
                                 f"crash keeps Hummingbot from saving are not found again.")

    def _is_appended(self, change: Dict[str, Dict[str, Any]]) -> bool:
        if self._journal is None or self._changes >= _MAX_CHANGES:
            return False
        line = _line(change).encode("ascii")
        self._changes += 1
        try:
            is_there = os.fstat(self._journal).st_nlink > 0  # somebody may have removed it
            return is_there and os.write(self._journal, line) == len(line)
        except OSError:
            return False

    def _open_journal(self) -> None:
        self._journal = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        self._close_journal = weakref.finalize(self, os.close, self._journal)
        self._changes = 0


def _terms_of(order: InFlightOrder) -> List[Any]:
    """What it takes to make a new order again. All that `to_json` tells beside it is zero by now; to add that up would
    cost an order that waits for it 25 µs.
    """
    return [
        order.trading_pair, order.order_type.name, order.trade_type.name, str(order.price), str(order.amount),
        order.leverage, order.position.name, order.creation_timestamp,
    ]


def _order_of(client_order_id: str, terms: List[Any]) -> InFlightOrder:
    trading_pair, order_type, trade_type, price, amount, leverage, position, creation_timestamp = terms
    return PerpetualDerivativeInFlightOrder(
        client_order_id=client_order_id,
        exchange_order_id=None,
        trading_pair=trading_pair,
        order_type=OrderType[order_type],
        trade_type=TradeType[trade_type],
        price=Decimal(price),
        amount=Decimal(amount),
        leverage=leverage,
        position=PositionAction[position],
        creation_timestamp=creation_timestamp,
    )


def _line(content: Dict[str, Dict[str, Any]]) -> str:
    return ujson.dumps(content) + "\n"  # json's own costs an order that waits for it 10 µs more


def _content_of(text: str) -> Dict[str, Dict[str, Any]]:
    whole, *changes = text.splitlines(keepends=True) or [""]
    content = {section: dict(json.loads(whole)[section]) for section in (_ORDERS, _POSITIONS)}
    for line in changes:
        if not line.endswith("\n"):
            break
        change = dict(json.loads(line))
        content[_POSITIONS] = dict(change.get(_POSITIONS, content[_POSITIONS]))
        content[_ORDERS].update(change.get(_ORDERS, {}))
    content[_ORDERS] = {order_id: terms for order_id, terms in content[_ORDERS].items() if terms is not None}
    for order_id, terms in content[_ORDERS].items():
        _order_of(order_id, terms)  # raises when it is none
    return content
