"""What became of an order: found out from the venue's list, never by sending again."""
import asyncio
from typing import Any, Awaitable, Callable, Dict, Optional

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.cli import output
from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError, ExitCode
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Venue
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestDuplicateOrderError,
    VestError,
    VestOrderNotFoundError,
    describe_code,
    is_outcome_unknown,
)

_READ_PAUSE_S = 0.5
_FOLLOW_S = 5.0  # how long an accepted order is followed, until it is in the list and, if it can be soon, done
_LOOK_UP_S = 60.0  # how long the venue is asked for an order that it may have


async def place(venue: Venue, body: Dict[str, Any]) -> wire.Order:
    """Sends an order once, and finds out what became of it.

    :param body: as `wire.order_request` makes it
    :raises CommandError: when the venue rejected it, never got it, or that is not known
    """
    nonce = body["order"]["nonce"]
    is_done_at_once = body["order"]["orderType"] == CONSTANTS.ORDER_TYPE_MARKET
    try:
        wire.order_id_from(await venue.post(CONSTANTS.ORDERS_PATH, body))
    except VestError as error:
        if not (is_outcome_unknown(error) or isinstance(error, VestDuplicateOrderError)):
            raise
        output.note(f"It is not known whether Vest has the order ({error}); it is looked up.")
        order = await _looked_up(venue, nonce, str(error), not isinstance(error, VestDuplicateOrderError))
    else:
        order = await _followed(
            lambda: venue.orders.by_client_order_id(str(nonce)),
            lambda found: found is not None and not (is_done_at_once and found.status in CONSTANTS.OPEN_ORDER_STATUSES),
        )
    if order is None:
        raise _unknown("Vest took the order and does not list it yet", nonce)
    if order.status == CONSTANTS.ORDER_STATUS_REJECTED:
        reason = "without a reason" if order.code is None else f"({describe_code(order.code)})"
        raise CommandError(f"Vest rejected the order {reason}", ExitCode.REFUSED, venue_code=order.code, nonce=nonce,
                           order_id=order.order_id)
    return order


async def cancel(venue: Venue, order_id: str) -> wire.Order:
    """Cancels an order, and waits a while until the venue shows it; doing so twice does no harm.

    :param order_id: the venue's
    :raises CommandError: when it is done already, unknown, or not known to be cancelled
    """
    body = wire.cancel_request(nonce=venue.next_nonce(), order_id=order_id)
    problem, if_not_listed = "", ExitCode.UNKNOWN
    try:
        wire.order_id_from(await venue.post(CONSTANTS.ORDERS_CANCEL_PATH, body))
    except VestOrderNotFoundError:
        problem, if_not_listed = "Vest has no such open order", ExitCode.REFUSED
    except VestError as error:
        if not is_outcome_unknown(error):
            raise
        problem = f"it is not known whether Vest has the cancellation ({error})"
    order = await _followed(
        lambda: venue.orders.by_order_id(order_id),
        lambda found: found is not None and found.status not in CONSTANTS.OPEN_ORDER_STATUSES,
    )
    if order is None:
        raise CommandError(problem or "Vest took the cancellation and does not list the order", if_not_listed)
    if order.status == CONSTANTS.ORDER_STATUS_CANCELLED:
        return order
    if order.status in CONSTANTS.OPEN_ORDER_STATUSES:
        raise CommandError(f"{problem or 'Vest took the cancellation'}, and the order is still {order.status}: run the "
                           f"same command again, which does no harm", ExitCode.UNKNOWN, order_id=order_id)
    raise CommandError(f"the order is {order.status} already", ExitCode.REFUSED, order_id=order_id)


async def _looked_up(venue: Venue, nonce: int, problem: str, may_be_absent: bool) -> wire.Order:
    """An order that the venue has or, if it `may_be_absent`, may have. It cannot come to have it after the window of
    the request.
    """
    beyond_ms = venue.clock.now_ms() + CONSTANTS.RECV_WINDOW_MS + CONSTANTS.UNKNOWN_OUTCOME_GRACE_MS
    give_up_s = venue.clock.monotonic_s() + _LOOK_UP_S
    while venue.clock.monotonic_s() < give_up_s:
        is_beyond = venue.clock.now_ms() > beyond_ms
        try:
            order = await venue.orders.by_client_order_id(str(nonce))
        except VestError as error:
            problem = str(error)
        else:
            if order is not None:
                return order
            if is_beyond and may_be_absent:
                raise CommandError(f"Vest never got the order ({problem}); nothing was done, try again",
                                   ExitCode.UNREACHABLE, nonce=nonce)
        await asyncio.sleep(_READ_PAUSE_S)
    raise _unknown(f"it is not known whether Vest has the order ({problem})", nonce)


async def _followed(read: Callable[[], Awaitable[Optional[wire.Order]]],
                    is_settled: Callable[[Optional[wire.Order]], bool]) -> Optional[wire.Order]:
    """The order as last read, when it is settled or some seconds have passed; None when it could not be read."""
    order, problem = None, ""
    for _ in range(int(_FOLLOW_S / _READ_PAUSE_S)):
        try:
            order = await read()
        except VestError as error:
            if str(error) != problem:
                problem = str(error)
                output.note(f"What became of the order could not be read ({problem}).")
        if is_settled(order):
            break
        await asyncio.sleep(_READ_PAUSE_S)
    return order


def _unknown(words: str, nonce: int) -> CommandError:
    return CommandError(f"{words}; do not send it again before you have looked: vest-perpetual orders --nonce {nonce}",
                        ExitCode.UNKNOWN, nonce=nonce)
