"""Reads orders from `GET /orders`, the only place where what was missed on the stream can be found."""
import itertools
from typing import Any, Awaitable, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestOrderNotFoundError,
    VestPayloadError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import UnreadRows, rows_from, sift

# Each is 66 characters of an address that servers take up to some thousand characters long.
_IDS_OF_ONE_REQUEST = 40


class OrdersReader:
    """Reads orders. All its methods raise the `VestError` of a request that failed.

    :param get: a private GET of the connector: path, parameters and limit id to decoded JSON
    :param complaints: where rows that cannot be read are said
    """

    # The venue's time is an estimate, which may run ahead of the times it posts orders at, in ms.
    CLOCK_ERROR_MS = 2000

    def __init__(self, get: Callable[..., Awaitable[Any]], complaints: Complaints):
        self._get = get
        self._complaints = complaints

    async def since(self, start_ms: int) -> List[wire.Order]:
        """All orders of the account posted since a time, and some from shortly before, in pages of the venue's limit.

        Which end of the range a full page holds is not said [?], so pages are asked for beyond both of its ends.

        :param start_ms: venue time in ms, as we estimate it
        """
        start_ms -= self.CLOCK_ERROR_MS
        orders: Dict[str, wire.Order] = {}
        ranges = [{"startTime": start_ms}]
        while ranges:
            page, _ = await self._page(**ranges.pop())
            news = [order for order in page if order.order_id not in orders]
            orders.update((order.order_id, order) for order in news)
            times_ms = [order.post_time_ms for order in page if order.post_time_ms is not None]
            if news and times_ms and len(page) >= CONSTANTS.ORDERS_PAGE_LIMIT:
                ranges += [{"startTime": start_ms, "endTime": min(times_ms)}, {"startTime": max(times_ms)}]
        return list(orders.values())

    async def these(self, order_ids: Mapping[str, Optional[str]], start_ms: int) -> List[wire.Order]:
        """Certain orders and others that come along, with one request while no more than a page of orders came since
        the oldest of them. What a full page does not hold is asked for by its id: how much was traded since then must
        not decide what a poll costs.

        :param order_ids: the venue's id of each, by client id; None while it is not known
        :param start_ms: venue time in ms at which the oldest was sent, as we estimate it
        """
        page, _ = await self._page(startTime=start_ms - self.CLOCK_ERROR_MS)
        orders = {order.order_id: order for order in page}
        if len(page) < CONSTANTS.ORDERS_PAGE_LIMIT:
            return page

        def unread() -> List[str]:
            return [order_id for order_id in order_ids.values() if order_id is not None and order_id not in orders]

        if len(unread()) > _IDS_OF_ONE_REQUEST:
            orders.update((order.order_id, order) for order in await self.open_orders())
        for some in itertools.batched(unread(), _IDS_OF_ONE_REQUEST):
            page, _ = await self._page(id=",".join(some))
            orders.update((order.order_id, order) for order in page)
        return list(orders.values())

    async def by_client_order_id(self, client_order_id: str) -> Optional[wire.Order]:
        """One order, None when the venue does not list it.

        :param client_order_id: its nonce
        :raises VestPayloadError: when a row that cannot be read may be it; that is no proof that there is none
        """
        page, unread = await self._page(nonce=client_order_id)
        may_be_unread = unread.may_hold(client_order_id) or any(order.nonce is None and order.unread for order in page)
        found = (order for order in page if order.client_order_id == client_order_id)
        return _only(found, client_order_id, may_be_unread)

    async def by_order_id(self, order_id: str) -> Optional[wire.Order]:
        """As `by_client_order_id`.

        :param order_id: the venue's
        """
        page, unread = await self._page(id=order_id)
        return _only((order for order in page if order.order_id == order_id), order_id, bool(unread))

    async def open_orders(self) -> List[wire.Order]:
        """The account's open orders, whoever sent them."""
        pages = [await self._page(status=status) for status in CONSTANTS.OPEN_ORDER_STATUSES]
        return [order for page, _ in pages for order in page]

    async def _page(self, **filters: Any) -> Tuple[List[wire.Order], UnreadRows]:
        try:
            rows = await self._get(
                path_url=CONSTANTS.ORDERS_PATH,
                params={**filters, "limit": CONSTANTS.ORDERS_PAGE_LIMIT},
                is_auth_required=True,
                limit_id=CONSTANTS.ORDERS_QUERY_LIMIT_ID,
            )
        except VestOrderNotFoundError:
            return [], UnreadRows()  # a venue may say so when its list would be empty
        orders, unread, complaints = sift(rows_from(rows, "orders"), wire.Order.from_payload, "nonce")
        for complaint in complaints:
            self._complaints.say(f"An order of Vest cannot be read and is left out ({complaint}).")
        for order in orders:
            self._complaints.say_unread("An order", order.unread)
        return orders, unread


def _only(found: Iterator[wire.Order], order_id: str, may_be_unread: bool) -> Optional[wire.Order]:
    order = next(found, None)
    if order is None and may_be_unread:
        raise VestPayloadError(f"the venue's answer about order {order_id} cannot be read")
    return order
