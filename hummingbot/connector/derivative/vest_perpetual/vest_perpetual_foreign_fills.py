"""What others filled on the account, as far as it was heard of: a part that is told twice counts once, and what was not
told can be found in the venue's list of orders (acceptance C16).
"""
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Dict, Iterable, List, Mapping, Optional

from cachetools import FIFOCache

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)

_ZERO = Decimal(0)
_REMEMBERED = 1000
_NOTED_ORDERS = 100  # so many orders are kept for the next session
_REST = None  # stands for what an order filled beside the parts that were heard of
_RECALLED = "recalled"  # stands for the parts that an earlier session heard of


@dataclass(frozen=True, slots=True)
class ForeignFill:
    """What an order of somebody else filled.

    :param time_ms: the venue's time, None if it is not told: of an event when it was made, at the earliest; of what was
        not heard of, when the last of it was made
    :param amount: signed, in base
    """

    order_id: str
    time_ms: Optional[int]
    amount: Decimal


class ForeignFills:
    """Counts the parts of orders of others that were heard of."""

    def __init__(self) -> None:
        self._parts: FIFOCache = FIFOCache(_REMEMBERED)  # by order id: signed amounts by what tells a part from others
        self._filled: FIFOCache = FIFOCache(_REMEMBERED)  # of orders that are filled: they crowd out no other
        self._lately: FIFOCache = FIFOCache(_NOTED_ORDERS)  # by order id: the sum of it

    def note_order(self, venue: wire.Order) -> Optional[ForeignFill]:
        """Something was told of an order. When it is FILLED all of it counts, whatever was heard before and however
        alike its parts were.

        :param venue: an event
        :return: what it tells for the first time, if anything
        """
        parts = self._parts_of(venue.order_id)
        if venue.symbol is None or venue.is_buy is None or _REST in parts:
            return None
        time_ms, size = venue.last_filled_time_ms, venue.last_filled_size or _ZERO
        amount = size if venue.is_buy else -size
        part = venue.last_filled_time_ms, venue.last_filled_size, venue.avg_filled_price
        if venue.status == CONSTANTS.ORDER_STATUS_FILLED and venue.size is not None:
            last_part, amount = amount, _signed_size(venue) - sum(parts.values())
            part, time_ms = _REST, time_ms if amount == last_part else venue.post_time_ms
        elif part in parts or not amount:  # an order that only waits takes no room from the others
            return None
        self._note(venue.order_id, part, amount)
        return ForeignFill(venue.order_id, time_ms, amount) if amount else None

    def note_heard(self, fills: Iterable[ForeignFill]) -> None:
        """What was found in the venue's list counts from now on, and not again when events tell of it."""
        for fill in fills:
            self._note(fill.order_id, _REST, fill.amount)

    def unheard(self, rows: Iterable[wire.Order]) -> List[ForeignFill]:
        """What is missing of orders, newest first.

        :param rows: orders that are FILLED, for certain and with a time
        """
        fills = [
            ForeignFill(row.order_id, row.last_filled_time_ms,
                        _signed_size(row) - sum(self._parts_of(row.order_id).values(), _ZERO))
            for row in sorted(rows, key=lambda row: row.last_filled_time_ms, reverse=True) if is_readable(row)
        ]
        return [fill for fill in fills if fill.amount]

    @property
    def lately(self) -> Dict[str, str]:
        """What was counted lately, by order id, for the next session."""
        return {order_id: str(amount) for order_id, amount in self._lately.items()}

    def recall(self, lately: Mapping[str, str]) -> None:
        """Goes on from what an earlier session has counted.

        :param lately: as it was
        """
        for order_id, amount in lately.items():
            self._note(order_id, _RECALLED, Decimal(amount))

    def _parts_of(self, order_id: str) -> Dict[Any, Decimal]:
        return self._filled.get(order_id) or self._parts.get(order_id, {})

    def _note(self, order_id: str, part: Any, amount: Decimal) -> None:
        parts = {**self._parts_of(order_id), part: amount}
        if part is _REST:
            self._parts.pop(order_id, None)
            self._filled[order_id] = parts
        else:
            self._parts[order_id] = parts
        if amount:
            self._lately[order_id] = sum(parts.values())


def is_readable(filled: wire.Order) -> bool:
    """Whether a FILLED order tells how it changed the position."""
    return filled.size is not None and filled.is_buy is not None


def _signed_size(venue: wire.Order) -> Decimal:
    return venue.size if venue.is_buy else -venue.size
