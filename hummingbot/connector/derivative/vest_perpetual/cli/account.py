"""`account` and `leverage`: what the account holds, and with how much leverage."""
from typing import Annotated, Any, Dict, List, Mapping, Optional

import typer

from hummingbot import data_path
from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.cli import orders, output
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
from hummingbot.connector.derivative.vest_perpetual.cli.numbers import whole_number
from hummingbot.connector.derivative.vest_perpetual.cli.signed import agreed
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Venue
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError, is_outcome_unknown
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import (
    EXPIRES_SOON_MS,
    expiry_ms,
    renewal_command,
)

_BALANCES = {"asset": "asset", "total": "total", "locked": "locked", "available": "available"}
_POSITIONS = {
    "trading_pair": "pair", "side": "side", "size": "size", "entry_price": "entry price",
    "unrealized_pnl": "unrealized PnL", "leverage": "leverage",
}


@command
async def account(
        domain: DomainOption = Domain.PRODUCTION, keys: KeysOption = None, as_json: JsonOption = False
) -> None:
    """Show balances, positions, leverage, orders, and the key's end."""
    async with Venue(domain.value, keys_for(domain, keys)) as venue:
        reading = await venue.account()
        pairs = await venue.trading_pairs()
        open_orders = orders.order_rows(await venue.orders.open_orders(), pairs)
        leverages = {leverage.symbol: leverage.value for leverage in reading.account.leverages}
        result = {
            "domain": domain.value,
            "account_group": venue.auth.account_group,
            "address": reading.account.address,
            "signing_address": venue.auth.signing_address,
            "expires_ms": expiry_ms(venue.auth, data_path(), domain.value),
            "time_ms": venue.clock.now_ms(),
            "balances": _balance_rows(reading.account),
            "positions": _position_rows(reading.account, leverages, pairs),
            "leverages": [{"symbol": symbol, "trading_pair": pairs.get(symbol), "leverage": value}
                          for symbol, value in leverages.items()],
            "open_orders": open_orders,
            "unreadable": list(reading.complaints),
        }
    output.emit(result, _account_text(result), as_json)


@command
async def leverage(
        pair: Annotated[str, typer.Argument(help="Trading pair or symbol, such as BTC-USDC or BTC-PERP.")],
        value: Annotated[Optional[int], typer.Argument(
            parser=whole_number(least=1), help="The leverage to set; without it, it is shown.",
        )] = None,
        yes: YesOption = False,
        dry_run: DryRunOption = False,
        domain: DomainOption = Domain.PRODUCTION,
        keys: KeysOption = None,
        as_json: JsonOption = False,
) -> None:
    """Show or set the leverage of a market."""
    async with Venue(domain.value, keys_for(domain, keys)) as venue:
        market = await venue.market(pair)
        highest = market.max_leverage
        if value is None:
            found = {row.symbol: row.value for row in (await venue.account()).account.leverages}
            set_to = found.get(market.symbol)
        elif highest is not None and value > highest:
            trading_pair = (await venue.trading_pairs())[market.symbol]
            raise CommandError(f"Vest allows a leverage of {highest} at most for {trading_pair}", ExitCode.USAGE)
        else:
            async def send() -> int:
                return await _set_leverage(venue, market.symbol, value)

            question = f"set the leverage of {market.symbol} to {value}, also of an open position?"
            set_to = await agreed(venue, send, question, yes, dry_run, as_json)
            if dry_run:
                return
    result = {"domain": domain.value, "symbol": market.symbol, "leverage": set_to, "max_leverage": highest}
    output.emit(result, output.lines(result, {"symbol": "Market", "leverage": "Leverage", "max_leverage": "At most"}),
                as_json)


async def _set_leverage(venue: Venue, symbol: str, value: int) -> int:
    """Sets it; the leverage that is in force then.

    :raises CommandError: when it is not known which is
    """
    try:
        answer = await venue.post(CONSTANTS.ACCOUNT_LEVERAGE_PATH, wire.leverage_request(symbol, value))
        return wire.Leverage.from_payload(answer).value
    except VestError as error:
        if not is_outcome_unknown(error):
            raise
        raise CommandError(f"it is not known whether Vest has set the leverage ({error}): look with vest-perpetual "
                           f"leverage {symbol}, or set it again, which does no harm", ExitCode.UNKNOWN) from None


def _balance_rows(account: wire.Account) -> List[Dict[str, Any]]:
    return [{"asset": balance.asset, "total": balance.total, "locked": balance.locked,
             "available": account.available(balance)} for balance in account.balances]


def _position_rows(account: wire.Account, leverages: Mapping[str, int], pairs: Mapping[str, str]
                   ) -> List[Dict[str, Any]]:
    return [{
        "symbol": position.symbol,
        "trading_pair": pairs.get(position.symbol),
        "side": "long" if position.is_long else "short",
        "size": position.size,
        "entry_price": position.entry_price,
        "unrealized_pnl": position.unrealized_pnl,
        "settled_funding": position.settled_funding,
        "leverage": leverages.get(position.symbol),
    } for position in account.positions]


def _account_text(result: Mapping[str, Any]) -> str:
    facts = {**result, "expires": expiry_words(result["expires_ms"], result["time_ms"], result["domain"])}
    parts = [
        output.lines(facts, {"domain": "Domain", "account_group": "Account group", "address": "Wallet",
                             "signing_address": "Signing key", "expires": "Expires"}),
        output.table(result["balances"], _BALANCES, "No balances."),
        output.table(result["positions"], _POSITIONS, "No positions."),
        output.table(result["leverages"], {"trading_pair": "pair", "leverage": "leverage"}, "No leverage is set."),
        output.table(result["open_orders"], orders.COLUMNS, "No open orders."),
        *(f"Vest told something that cannot be read: {complaint}." for complaint in result["unreadable"]),
    ]
    return "\n\n".join(parts)


def expiry_words(expires_ms: Optional[int], now_ms: int, domain: str) -> str:
    """When the key expires, and what to do when that is soon.

    :param expires_ms: in ms since the epoch, None when nobody knows
    :param now_ms: the venue's time, in ms since the epoch
    """
    if expires_ms is None:
        return "not known here (the key was registered elsewhere)"
    left_ms = expires_ms - now_ms
    if left_ms <= 0:
        return f"{output.utc(expires_ms)}, which is over; renew it: {renewal_command(domain)}"
    words = f"{output.utc(expires_ms)}, in {output.span(left_ms)}"
    return words if left_ms > EXPIRES_SOON_MS else f"{words}; renew it soon: {renewal_command(domain)}"
