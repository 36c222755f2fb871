"""Orders that an earlier session left behind without Hummingbot knowing (design decision 1, acceptance C32)."""
import logging
from typing import Any, Awaitable, Callable, Set

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_wire as wire
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError, VestOrderNotFoundError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_ids import OrderIds
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_tracker import VestOrderTracker
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_orders_reader import OrdersReader
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_session_memory import SessionMemory


class Orphans:
    """Takes back the orders that were sent in a session that died before the client saved them.

    They are tracked again, so that their events and fills reach the client's database. This cannot book an order twice:
    the memory forgets an order as soon as Created was published, which is when the recorder saves it; one that it saved
    in the very moment of the crash was restored as well and is not taken again. What the recorder lets a connector know
    would not do: it hands over the ids of the oldest orders only, and of one configuration.

    No strategy looks after them. Those that are open are cancelled, as are open orders of ours that are not tracked at
    all, because they were believed failed or the memory was lost.

    :param tracker: of our orders
    :param orders: reads the venue's list of orders
    :param order_ids: tell our orders from those of others
    :param memory: of the earlier session
    :param cancel: cancels an order by the venue's id
    :param logger: the connector's
    """

    def __init__(self, tracker: VestOrderTracker, orders: OrdersReader, order_ids: OrderIds, memory: SessionMemory,
                 cancel: Callable[[str], Awaitable[Any]], logger: logging.Logger):
        self._tracker = tracker
        self._orders = orders
        self._order_ids = order_ids
        self._memory = memory
        self._cancel = cancel
        self._logger = logger
        self._taken_back: Set[str] = set()  # client ids
        self._said: Set[str] = set()  # the venue's ids of open orders that the log has named

    def take_back(self) -> None:
        """Tracks the orders that the client's database does not have; they are looked up as any restored order."""
        known = {**self._tracker.all_orders, **self._tracker.lost_orders}
        unsaved = {
            client_order_id: order for client_order_id, order in self._memory.orders.items()
            if client_order_id not in known
        }
        self._taken_back.update(unsaved)
        for order in unsaved.values():
            self._tracker.take_back(order)

    async def cancel_open(self) -> None:
        """Cancels open orders of ours that nobody looks after; one that cannot be cancelled keeps no other open.

        :raises VestError: when they cannot be read, or not all be cancelled: then it is to be called again
        """
        orphans = [order for order in await self._orders.open_orders() if self._is_orphan(order)]
        news = [order for order in orphans if order.order_id not in self._said]
        if news:
            self._logger.warning(
                f"{len(news)} open order(s) of this bot from an earlier session are cancelled: "
                f"{', '.join(str(order.nonce) for order in news)}."
            )
        self._said = {order.order_id for order in orphans}
        problem = None
        for orphan in orphans:
            try:
                await self._cancel(orphan.order_id)
            except VestOrderNotFoundError:
                continue  # done in the meantime
            except VestError as error:
                problem = error
        if problem is not None:
            raise problem

    def _is_orphan(self, venue: wire.Order) -> bool:
        if venue.client_order_id in self._tracker.active_orders:
            return venue.client_order_id in self._taken_back
        known = self._tracker.find(venue)
        if known is not None and (known.is_cancelled or known.is_filled):
            return False  # the venue told of its end while its list was on the way
        return self._order_ids.is_ours(venue.nonce) and not self.note_another_bot(venue)

    def note_another_bot(self, venue: wire.Order) -> bool:
        """Draws another tag when an order shows that another bot on the account has ours (one in a thousand).

        :param venue: an order that is not tracked
        :return: whether it shows that
        """
        if not (self._order_ids.is_ours(venue.nonce) and self._order_ids.is_of_another_bot(venue.nonce)):
            return False
        self._order_ids.redraw_tag()
        self._logger.info("Another bot on this account marks its orders as this one did; a new mark was drawn.")
        return True
