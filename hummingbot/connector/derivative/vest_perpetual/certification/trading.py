"""The scenario that trades: smallest orders of one market, and nothing is left of them."""
import asyncio
import time
from decimal import ROUND_DOWN, Decimal
from typing import Any, Dict, List, Optional, Tuple

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.certification.account import listen_key, observe_partial_fills
from hummingbot.connector.derivative.vest_perpetual.certification.session import Session, acts, error_words
from hummingbot.connector.derivative.vest_perpetual.cli import following, output
from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError, ExitCode
from hummingbot.connector.derivative.vest_perpetual.cli.order import market_limit
from hummingbot.connector.derivative.vest_perpetual.cli.sockets import connection
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError, VestRefusedError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import ChannelMessage

_FAR = (Decimal("0.5"), Decimal("0.8"), Decimal("0.95"))  # of the price: the venue may not take the farthest
_MOST_ORDERS = 3  # that could be open or filled at once, should the venue do what it is not expected to
_WAIT_S = 20.0
_POLL_S = 0.1
_BASIS_POINTS = Decimal(10_000)


class Events:
    """The ORDER events of one private connection, as they come."""

    def __init__(self) -> None:
        self.rows: List[Tuple[float, Dict[str, Any]]] = []

    def take(self, message: ChannelMessage, payload: Dict[str, Any]) -> None:
        """Handles one message of the connection."""
        data = message.data
        if isinstance(data, dict) and data.get("event") == CONSTANTS.EVENT_ORDER and isinstance(data.get("args"), dict):
            self.rows.append((time.monotonic(), data["args"]))

    def of(self, order_id: str, *statuses: str) -> List[Tuple[float, Dict[str, Any]]]:
        """Those of an order, with these statuses."""
        return [row for row in self.rows if row[1].get("id") == order_id and row[1].get("status") in statuses]

    async def wait(self, order_id: str, *statuses: str) -> bool:
        """Waits a while for one of these; false when none came."""
        give_up_s = time.monotonic() + _WAIT_S
        while not self.of(order_id, *statuses) and time.monotonic() < give_up_s:
            await asyncio.sleep(_POLL_S)
        return bool(self.of(order_id, *statuses))


async def most_notional(session: Session) -> Decimal:
    """What could be open at most, in quote, whatever the venue does with the orders of `trade`."""
    return _MOST_ORDERS * session.size * await market_limit(session.venue, session.market, True, session.size)


async def require_nothing_open(session: Session) -> None:
    """The guard before and after trading.

    :raises CommandError: when there is a position or an open order of the market
    """
    symbol = session.market.symbol
    amount = await _position(session)
    if amount:
        raise CommandError(f"there is a position of {amount:f} in {symbol}: close it, or choose another market",
                           ExitCode.FAILED)
    if any(order.symbol == symbol for order in await session.venue.orders.open_orders()):
        raise CommandError(f"there are open orders of {symbol}: cancel them, or choose another market",
                           ExitCode.FAILED)


@acts("order_answer", "nonce_echo", "duplicate", "reject_by", "order_list_lag", "market_fill", "fees", "position_lag",
      "funding_settlement", "resting_limit", "private_needs_subscribe", "cancel_event", "fill_event")
async def trade(session: Session) -> None:
    """A refusal, a LIMIT order that is cancelled, a MARKET order each way; the position is zero before and after.

    When it ends early, also by Ctrl-C, what is open is cancelled and closed first, unless there is another Ctrl-C.

    :raises CommandError: when there was a position or an order before, or something may be left
    """
    await require_nothing_open(session)
    url = web_utils.private_ws_url(await listen_key(session), session.venue.domain, session.keys.account_group)
    events, silent = Events(), Events()
    try:
        async with connection("certification", session.venue.api_factory, url, events.take) as subscribed, connection(
                "certification", session.venue.api_factory, url, silent.take) as unsubscribed:
            await subscribed.subscribe([CONSTANTS.ACCOUNT_PRIVATE_CHANNEL])
            await unsubscribed.ping()
            await _trade(session, events)
        session.report.observe("private_needs_subscribe", (
            f"{len(silent.rows)} of {len(events.rows)} events came without it" if events.rows else
            "no event came, with or without it"))
    except (asyncio.CancelledError, Exception) as error:
        await _end_early(session, error)
        raise
    if not await _clean_up(session):
        raise CommandError(_left(session), ExitCode.UNKNOWN)


async def _trade(session: Session, events: Events) -> None:
    await _refused(session, events)
    await _resting(session, events)
    await _round_trip(session, events)
    rows = [row for answer in session.venue.heard.answers if _is_list_of_orders(answer) for row in answer.payload]
    observe_partial_fills(session, rows)


# --- A refusal of the engine


async def _refused(session: Session, events: Events) -> None:
    """A reduce-only order without a position, which cannot be filled."""
    body = await _market_order(session, is_buy=False, reduce_only=True)
    try:
        order = await following.place(session.venue, body)
    except VestRefusedError:
        words = f"it comes as the answer: {error_words(session.venue.heard.last)}"
    except CommandError as error:
        _require_refusal(error)
        code = error.details.get("venue_code")
        heard = await events.wait(error.details.get("order_id", ""), CONSTANTS.ORDER_STATUS_REJECTED)
        words = f"it comes as a REJECTED order, code {code}, {'with' if heard else 'without'} an event"
    else:
        words = f"a reduce-only order without a position became {order.status}"
    session.report.observe("reject_by", words)


def _require_refusal(error: Exception) -> None:
    """Raises what is no refusal: an order that the venue may have is followed by no other."""
    if isinstance(error, CommandError) and error.exit_code is not ExitCode.REFUSED:
        raise error


# --- A LIMIT order far from the market


async def _resting(session: Session, events: Events) -> None:
    report, venue = session.report, session.venue
    order = await _far_order(session)
    if order is None:
        return
    report.observe("resting_limit", f"it is listed as {order.status}")
    await _duplicate(session)
    await following.cancel(venue, order.order_id)
    if await events.wait(order.order_id, CONSTANTS.ORDER_STATUS_CANCELLED):
        _, row = events.of(order.order_id, CONSTANTS.ORDER_STATUS_CANCELLED)[0]
        report.observe("cancel_event", f"fields {', '.join(row)}")
    else:
        report.cannot("cancel_event", f"no event within {_WAIT_S:g} s, though the order was cancelled")


async def _far_order(session: Session) -> Optional[wire.Order]:
    market, venue = session.market, session.venue
    worst = await market_limit(venue, market, True, session.size)
    for factor in _FAR:
        price = (worst * factor / market.price_tick).to_integral_value(ROUND_DOWN) * market.price_tick
        body = wire.order_request(
            nonce=session.next_nonce(), symbol=market.symbol, is_buy=True,
            size=wire.decimal_text(session.size, market.size_decimals), order_type=CONSTANTS.ORDER_TYPE_LIMIT,
            limit_price=wire.decimal_text(price, market.price_decimals), reduce_only=False,
            time_in_force=CONSTANTS.TIME_IN_FORCE_GTC)
        try:
            order = await following.place(venue, body)
        except (VestRefusedError, CommandError) as error:
            _require_refusal(error)
            session.report.observe("resting_limit", f"at {factor} of the price it is refused ({error})")
            continue
        _observe_answer(session, body["order"]["nonce"], order)
        return order
    return None


def _observe_answer(session: Session, nonce: int, order: wire.Order) -> None:
    """The answer to the POST, and how soon the list had the order."""
    report, answers = session.report, session.venue.heard.answers
    report.observe("nonce_echo", f"GET /orders {'has it' if order.nonce == nonce else 'has another number'}")
    index = next((number for number, answer in enumerate(answers)
                  if _is_order_answer(answer) and answer.payload["id"] == order.order_id), None)
    if index is None:
        report.cannot("order_answer", "it was lost")
        return
    posted = answers[index]
    report.observe("order_answer", f"fields {', '.join(posted.payload)}")
    lists = [answer for answer in answers[index:] if _is_list_of_orders(answer)]
    empty = [answer for answer in lists if not answer.payload]
    first_ms = (lists[0].at_s - posted.at_s) * 1000
    report.observe("order_list_lag", f"the list of {first_ms:.0f} ms after the answer had it" if not empty else
                   f"it was missing until {(empty[-1].at_s - posted.at_s) * 1000:.0f} ms after the answer")


def _is_order_answer(answer: Any) -> bool:
    return answer.method == "POST" and answer.path.endswith(CONSTANTS.ORDERS_PATH) and "id" in (answer.payload or {})


def _is_list_of_orders(answer: Any) -> bool:
    return answer.method == "GET" and answer.path.endswith(CONSTANTS.ORDERS_PATH) and isinstance(answer.payload, list)


async def _duplicate(session: Session) -> None:
    """The very bytes of the order once more; should the venue take it as another one, `_clean_up` cancels that."""
    request = session.venue.heard.order_request
    answer = await session.venue.send(request)
    if _is_order_answer(answer):
        session.report.observe("duplicate", "it is accepted as if it were another order")
    else:
        session.report.observe("duplicate", error_words(answer))


# --- A MARKET order each way


async def _round_trip(session: Session, events: Events) -> None:
    opening = await _filled(session, events, await _market_order(session, is_buy=True, reduce_only=False))
    await _watch_position(session, opening)
    closing = await _filled(session, events, await _market_order(session, is_buy=False, reduce_only=True))
    funding = {name: order.settled_funding for name, order in (("opening", opening), ("closing", closing))}
    session.report.observe("funding_settlement", "; ".join(
        f"settledFunding of the {name} order: {'null' if value is None else format(value, 'f')}"
        for name, value in funding.items()))


async def _filled(session: Session, events: Events, body: Dict[str, Any]) -> wire.Order:
    report = session.report
    sent_s = time.monotonic()
    order = await following.place(session.venue, body)
    if order.status != CONSTANTS.ORDER_STATUS_FILLED:
        raise CommandError(f"a MARKET order is {order.status} after some seconds", ExitCode.UNKNOWN)
    if not await events.wait(order.order_id, CONSTANTS.ORDER_STATUS_FILLED):
        report.cannot("fill_event", f"no event within {_WAIT_S:g} s, though the order was filled")
        return order
    fills = events.of(order.order_id, CONSTANTS.ORDER_STATUS_PARTIALLY_FILLED, CONSTANTS.ORDER_STATUS_FILLED)
    at_s, row = fills[-1]
    report.observe("market_fill", f"filled after {(at_s - sent_s) * 1000:.0f} ms, in {len(fills)} part(s)")
    report.observe("fill_event", f"fields {', '.join(row)}")
    is_echoed = row.get("nonce") == body["order"]["nonce"]
    report.observe("nonce_echo", f"events {'have it' if is_echoed else 'have another number or none'}")
    _observe_fees(session, order, [fill for _, fill in fills])
    return order


def _observe_fees(session: Session, order: wire.Order, fills: List[Dict[str, Any]]) -> None:
    told = [Decimal(str(fill["fees"])) for fill in fills if fill.get("fees") is not None]
    if order.fees is None or not told or order.avg_filled_price is None or not order.size:
        session.report.cannot("fees", "the venue tells no fees of the order, or of its events")
        return
    rate = order.fees / (order.size * order.avg_filled_price) * _BASIS_POINTS
    kind = "filled in one part, so cumulative and single are the same"
    if len(told) > 1:
        kind = {told[-1]: "cumulative", sum(told): "of the single fill"}.get(order.fees, "neither one nor the other")
    session.report.observe("fees", f"{kind}; {rate:.2f} basis points of the notional")


async def _watch_position(session: Session, order: wire.Order) -> None:
    began_s = time.monotonic()
    reads = 0
    while time.monotonic() - began_s < _WAIT_S:
        reads += 1
        if await _position(session) == order.size:
            waited_ms = (time.monotonic() - began_s) * 1000
            words = "it does not" if reads == 1 else f"by about {waited_ms:.0f} ms after the order was listed as FILLED"
            session.report.observe("position_lag", words)
            return
        await asyncio.sleep(_POLL_S)
    session.report.observe("position_lag", f"the position was not there {_WAIT_S:g} s after the fill")


# --- What all of it needs


async def _market_order(session: Session, is_buy: bool, reduce_only: bool, size: Optional[Decimal] = None
                        ) -> Dict[str, Any]:
    market, venue = session.market, session.venue
    size = size or session.size
    limit = await market_limit(venue, market, is_buy, size)
    return wire.order_request(
        nonce=session.next_nonce(), symbol=market.symbol, is_buy=is_buy,
        size=wire.decimal_text(size, market.size_decimals), order_type=CONSTANTS.ORDER_TYPE_MARKET,
        limit_price=wire.decimal_text(limit, market.price_decimals), reduce_only=reduce_only)


async def _position(session: Session) -> Decimal:
    """The signed size of the market's position, in base."""
    reading = await session.venue.account()
    if reading.unread_positions.may_hold(session.market.symbol):
        raise CommandError("the account's position cannot be read, so nothing is traded", ExitCode.FAILED)
    found = [position for position in reading.account.positions if position.symbol == session.market.symbol]
    return sum((position.signed_size for position in found), Decimal(0))


async def _end_early(session: Session, error: BaseException) -> None:
    is_stopped = isinstance(error, asyncio.CancelledError)
    why = "it was stopped, or took too long" if is_stopped else str(error) or type(error).__name__
    session.report.incident(f"trading was interrupted ({why})")
    output.note("Trading was interrupted: what is open is cancelled and closed first, which takes some seconds.")
    try:
        # An order on its way can arrive until its window is over, and the account can lag behind a fill.
        await asyncio.sleep((CONSTANTS.RECV_WINDOW_MS + CONSTANTS.UNKNOWN_OUTCOME_GRACE_MS) / 1000)
        is_clean = await _clean_up(session)
    except asyncio.CancelledError:  # another Ctrl-C: there will be no report to say it
        output.note(f"Error: {_left(session)}.")
        raise
    if not is_clean:
        session.report.incident(_left(session))


async def _clean_up(session: Session) -> bool:
    """Cancels and closes what the scenario has left, but nothing that can only be somebody else's; whether it is sure
    that nothing is left.
    """
    try:
        for order in await session.venue.orders.open_orders():
            if order.nonce in session.nonces:
                session.report.incident("an order was still open at the end; it was cancelled")
                await following.cancel(session.venue, order.order_id)
        amount = await _settled_position(session)
        if amount and abs(amount) <= _MOST_ORDERS * session.size:
            session.report.incident("a position was still open at the end; it was closed")
            await following.place(session.venue, await _market_order(session, amount < 0, True, abs(amount)))
            amount = await _settled_position(session)
        return not amount
    except (VestError, CommandError) as error:
        session.report.incident(f"the end could not be made sure of ({error})")
        return False


def _left(session: Session) -> str:
    return f"something of {session.market.symbol} may be left: look at once with vest-perpetual account, and close it"


async def _settled_position(session: Session) -> Decimal:
    """The position, which is given some time to show the last fill."""
    give_up_s = time.monotonic() + session.listen_s
    while (amount := await _position(session)) and time.monotonic() < give_up_s:
        await asyncio.sleep(_POLL_S)
    return amount


ACTS = (trade,)
