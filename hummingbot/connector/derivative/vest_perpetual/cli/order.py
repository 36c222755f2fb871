"""`order`: one order of one's own hand."""
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Dict, Optional

import typer

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.cli import following, orders, output
from hummingbot.connector.derivative.vest_perpetual.cli.command import (
    CommandError,
    Domain,
    DomainOption,
    DryRunOption,
    ExitCode,
    JsonOption,
    KeysOption,
    YesOption,
    command,
)
from hummingbot.connector.derivative.vest_perpetual.cli.keys import keys_for
from hummingbot.connector.derivative.vest_perpetual.cli.numbers import number, on_step
from hummingbot.connector.derivative.vest_perpetual.cli.signed import agreed
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Venue
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_book import (
    DepthMessage,
    VestOrderBook,
    worst_price,
)


class Side(str, Enum):
    """What the order does."""

    BUY = "buy"
    SELL = "sell"


class Kind(str, Enum):
    """The order types of the venue that can be sent by hand."""

    MARKET = "market"
    LIMIT = "limit"


@command
async def order(
        side: Annotated[Side, typer.Argument(help="buy or sell.")],
        pair: Annotated[str, typer.Argument(help="Trading pair or symbol, such as BTC-USDC or BTC-PERP.")],
        size: Annotated[str, typer.Argument(help="In base currency, on the market's size step; nothing is rounded.")],
        price: Annotated[Optional[str], typer.Option(
            help="The limit, on the market's price step; nothing is rounded. For a market order, the worst price.",
        )] = None,
        kind: Annotated[Optional[Kind], typer.Option(
            "--type", help="market or limit; without it, limit if there is a price.",
        )] = None,
        fok: Annotated[bool, typer.Option(
            "--fok", help="A limit order that fills as a whole and at once, or not at all.",
        )] = False,
        reduce_only: Annotated[bool, typer.Option("--reduce-only", help="Only make a position smaller.")] = False,
        yes: YesOption = False,
        dry_run: DryRunOption = False,
        domain: DomainOption = Domain.PRODUCTION,
        keys: KeysOption = None,
        as_json: JsonOption = False,
) -> None:
    """Send one order, after a question, and say what became of it.

    Bots on the account take it for somebody else's: they neither track nor cancel it. When the answer is lost, the
    order is looked up and never sent again.
    """
    kind = kind or (Kind.MARKET if price is None else Kind.LIMIT)
    amount = number(size, "size")
    limit = None if price is None else number(price, "price")
    if kind is Kind.LIMIT and limit is None:
        raise CommandError("a limit order needs a --price", ExitCode.USAGE)
    if kind is Kind.MARKET and fok:
        raise CommandError("--fok goes with limit orders alone", ExitCode.USAGE)
    async with Venue(domain.value, keys_for(domain, keys)) as venue:
        market = await venue.market(pair)
        on_step(amount, market.size_step, "size")
        if limit is None:
            limit = await market_limit(venue, market, side is Side.BUY, amount)
        on_step(limit, market.price_tick, "price")
        terms = dict(
            symbol=market.symbol, is_buy=side is Side.BUY, size=wire.decimal_text(amount, market.size_decimals),
            order_type=CONSTANTS.ORDER_TYPE_MARKET if kind is Kind.MARKET else CONSTANTS.ORDER_TYPE_LIMIT,
            limit_price=wire.decimal_text(limit, market.price_decimals), reduce_only=reduce_only,
            time_in_force=_time_in_force(kind, fok),
        )

        async def send() -> wire.Order:
            return await following.place(venue, wire.order_request(nonce=venue.next_nonce(), **terms))

        placed = await agreed(venue, send, _question(terms), yes, dry_run, as_json)
        if placed is None:
            return
        row = orders.order_row(placed, await venue.trading_pairs())
    output.emit({"domain": domain.value, "order": row}, orders.order_text(row), as_json)


def _time_in_force(kind: Kind, fok: bool) -> Optional[str]:
    if kind is Kind.MARKET:
        return None
    return CONSTANTS.TIME_IN_FORCE_FOK if fok else CONSTANTS.TIME_IN_FORCE_GTC


async def market_limit(venue: Venue, market: wire.SymbolInfo, is_buy: bool, amount: Decimal) -> Decimal:
    """The limit of a MARKET order: that of the connector for its own.

    :param amount: in base
    :raises CommandError: when the book has less than that
    """
    depth = await venue.depth(market.symbol)
    book = VestOrderBook()
    message = DepthMessage(market.symbol, 1, depth, 0.0)
    book.apply_snapshot(message.bids, message.asks, message.update_id)
    limit = worst_price(book, is_buy, amount, CONSTANTS.MARKET_ORDER_SLIPPAGE, market.price_tick)
    if limit is None:
        trading_pair = (await venue.trading_pairs())[market.symbol]
        raise CommandError(f"the order book of {trading_pair} is empty or too thin for {amount:f}; send less, or name "
                           f"a --price", ExitCode.USAGE)
    return limit


def _question(terms: Dict[str, Any]) -> str:
    side = "buy" if terms["is_buy"] else "sell"
    bound = "at any price up to" if terms["is_buy"] else "at any price down to"
    at = bound if terms["order_type"] == CONSTANTS.ORDER_TYPE_MARKET else f"{terms['time_in_force']} at"
    notional = Decimal(terms["size"]) * Decimal(terms["limit_price"])
    reducing = ", reduce-only" if terms["reduce_only"] else ""
    return (f"{side} {terms['size']} {terms['symbol']}, {terms['order_type']}, {at} {terms['limit_price']} "
            f"({notional:.2f} USDC){reducing}. Send it?")
