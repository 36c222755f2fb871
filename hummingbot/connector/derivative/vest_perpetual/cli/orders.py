"""`orders` and `cancel`: the account's orders, whoever sent them."""
from typing import Annotated, Any, Dict, Iterable, List, Mapping, Optional

import typer

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.cli import following, output
from hummingbot.connector.derivative.vest_perpetual.cli.command import (
    CommandError,
    Domain,
    DomainOption,
    ExitCode,
    JsonOption,
    KeysOption,
    command,
)
from hummingbot.connector.derivative.vest_perpetual.cli.keys import keys_for
from hummingbot.connector.derivative.vest_perpetual.cli.numbers import whole_number
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Venue

COLUMNS = {
    "post_time_ms": "posted", "trading_pair": "pair", "side": "side", "order_type": "type", "size": "size",
    "limit_price": "limit", "status": "status", "avg_filled_price": "filled at", "order_id": "id",
}
_FACTS = {
    "order_id": "Order", "nonce": "Nonce", "trading_pair": "Pair", "side": "Side", "order_type": "Type",
    "size": "Size", "limit_price": "Limit", "status": "Status", "avg_filled_price": "Filled at", "fees": "Fees",
    "post_time_ms": "Posted",
}
_STATUSES = tuple(CONSTANTS.ORDER_STATE)


@command
async def orders(
        since: Annotated[Optional[str], typer.Option(
            metavar="SPAN", help="Show all orders of the last so many hours, days or weeks, such as 24h, not only open "
                                 "ones.",
        )] = None,
        pair: Annotated[Optional[str], typer.Option(help="Only those of this trading pair or symbol.")] = None,
        status: Annotated[Optional[str], typer.Option(help=f"Only those that are {', '.join(_STATUSES)}.")] = None,
        nonce: Annotated[Optional[int], typer.Option(
            parser=whole_number(least=0), metavar="NUMBER",
            help="Only the order of this nonce, which is Hummingbot's client order id.",
        )] = None,
        order_id: Annotated[Optional[str], typer.Option("--id", help="Only the order of this id.")] = None,
        limit: Annotated[Optional[int], typer.Option(
            parser=whole_number(least=1), metavar="NUMBER", help="Only the newest so many.",
        )] = None,
        domain: DomainOption = Domain.PRODUCTION,
        keys: KeysOption = None,
        as_json: JsonOption = False,
) -> None:
    """List the open orders, or with --since all orders.

    They are those of the account, whoever sent them.
    """
    if status is not None and status.upper() not in _STATUSES:
        raise CommandError(f"--status is one of {', '.join(_STATUSES)}", ExitCode.USAGE)
    is_open = status is None or status.upper() in CONSTANTS.OPEN_ORDER_STATUSES
    if not is_open and since is order_id is nonce is None:
        raise CommandError(f"orders that are {status.upper()} are listed with --since, such as --since 24h",
                           ExitCode.USAGE)
    ago_ms = None if since is None else output.span_ms(since)
    if since is not None and ago_ms is None:
        raise CommandError("--since takes a number with h, d or w, such as 24h", ExitCode.USAGE)
    async with Venue(domain.value, keys_for(domain, keys)) as venue:
        pairs = await venue.trading_pairs()
        symbol = None if pair is None else (await venue.market(pair)).symbol
        if order_id is not None:
            found = [await venue.orders.by_order_id(order_id)]
        elif nonce is not None:
            found = [await venue.orders.by_client_order_id(str(nonce))]
        elif ago_ms is not None:
            found = await venue.orders.since(venue.clock.now_ms() - ago_ms)
        else:
            found = await venue.orders.open_orders()
    chosen = [
        order for order in found if order is not None and (symbol is None or order.symbol == symbol)
        and (status is None or order.status == status.upper())
    ]
    rows = order_rows(chosen, pairs)[-(limit or 0):]
    output.emit({"domain": domain.value, "orders": rows}, output.table(rows, COLUMNS, "No such orders."), as_json)


@command
async def cancel(
        order_id: Annotated[str, typer.Argument(
            metavar="ID", help="Id of the order, or its nonce, which is Hummingbot's client order id.",
        )],
        domain: DomainOption = Domain.PRODUCTION,
        keys: KeysOption = None,
        as_json: JsonOption = False,
) -> None:
    """Cancel one order and wait until Vest has confirmed it.

    It may be anybody's: a bot's, or one that was sent in Vest's app.
    """
    async with Venue(domain.value, keys_for(domain, keys)) as venue:
        if order_id.isascii() and order_id.isdigit():
            order = await venue.orders.by_client_order_id(order_id)
            if order is None:
                raise CommandError(f"the account has no order of the nonce {order_id}", ExitCode.REFUSED)
            order_id = order.order_id
        cancelled = await following.cancel(venue, order_id)
        row = order_row(cancelled, await venue.trading_pairs())
    output.emit({"domain": domain.value, "order": row}, f"Cancelled.\n\n{order_text(row)}", as_json)


def order_text(row: Mapping[str, Any]) -> str:
    """One order for people.

    :param row: as `order_row` makes it
    """
    return output.lines(row, _FACTS)


def order_rows(orders: Iterable[wire.Order], pairs: Mapping[str, str]) -> List[Dict[str, Any]]:
    """Orders for tables and JSON, oldest first.

    :param pairs: trading pairs by symbol
    """
    rows = [order_row(order, pairs) for order in orders]
    return sorted(rows, key=lambda row: row["post_time_ms"] or 0)


def order_row(order: wire.Order, pairs: Mapping[str, str]) -> Dict[str, Any]:
    """One order for tables and JSON.

    :param pairs: trading pairs by symbol
    """
    return {
        "order_id": order.order_id,
        "nonce": order.nonce,
        "symbol": order.symbol,
        "trading_pair": pairs.get(order.symbol),
        "side": None if order.is_buy is None else "buy" if order.is_buy else "sell",
        "order_type": order.order_type,
        "size": order.size,
        "limit_price": order.limit_price,
        "reduce_only": order.reduce_only,
        "status": order.status,
        "code": order.code,
        "last_filled_size": order.last_filled_size,
        "last_filled_price": order.last_filled_price,
        "avg_filled_price": order.avg_filled_price,
        "fees": order.fees,
        "realized_pnl": order.realized_pnl,
        "post_time_ms": order.post_time_ms,
        "last_filled_time_ms": order.last_filled_time_ms,
    }
