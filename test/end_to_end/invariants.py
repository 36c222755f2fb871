"""What must hold after every scenario, whatever happened: the bots and the venue tell the same story (acceptance C)."""
from collections import Counter, defaultdict
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Set

from vest_simulator.engine import margin

if TYPE_CHECKING:
    from test.end_to_end.bench import Bench, Bot

_OPEN_STATUSES = ("NEW", "PARTIALLY_FILLED")
_TERMINAL_NAMES = ("Completed", "Cancelled", "Failed")
_MICRO = Decimal("1e-6")
# What the connector says of fills that were missed (C16): their price and fee are estimates; they cannot be known.
ESTIMATED_FILLS = "WARNING.* more before it was cancelled"
_UNKNOWABLE_FILLS = (
    "WARNING.* ends while the position in|ERROR.* (without a fill that Vest told of|but Vest did not tell by how much)"
)
_STATES = {"Created": "open", "Filled": "open", "Completed": "filled", "Cancelled": "cancelled", "Failed": "failed"}


async def check_invariants(bench: "Bench", timeout_s: float = 60.0) -> None:
    """Waits until the bots agree with the venue, lets them poll once more, and looks again.

    Prices stand still meanwhile, because positions and margins move with them.
    """
    were_paused = bench.simulator.exchange.prices_paused
    await bench.admin.pause_prices()
    found: List[str] = []

    async def agrees() -> bool:
        found[:] = await differences(bench)
        return not found

    def words() -> str:
        return "\n".join(["the bots do not agree with the venue:", *found])

    await bench.until(agrees, words, timeout_s)
    await bench.another_poll()
    await bench.until(agrees, words, timeout_s)
    assert bench.may_trip_limiter or (await bench.admin.limiter())["tripped"] == 0
    if not were_paused:
        await bench.admin.resume_prices()


async def differences(bench: "Bench") -> List[str]:
    """Every invariant that does not hold now, in words."""
    found = []
    for bot in bench.bots:
        ledger = await bench.ledger(bot)
        rows = [row for row in ledger["orders"] if str(row["nonce"]) in bot.placed]
        found += _order_differences(bench, bot, rows)
        found += _open_order_differences(bot, ledger["orders"])
        pairs = await bot.connector.trading_pair_symbol_map()
        found += _account_differences(bench, bot, ledger, pairs)
        found += _funding_differences(bot, ledger, pairs)
        found += _record_differences(bot)
    return found


def _order_differences(bench: "Bench", bot: "Bot", rows: List[Dict[str, Any]]) -> List[str]:
    found = [f"the venue has {count} orders {nonce}" for nonce, count in Counter(row["nonce"] for row in rows).items()
             if count > 1]
    by_id = {str(row["nonce"]): row for row in rows}
    estimated = bench.orders_named(ESTIMATED_FILLS)
    unknowable = said_unknowable(bench) | _unknowable_as_yet(bench, bot, rows)
    for order_id in bot.placed:
        names = bot.names(order_id)
        row = by_id.get(order_id)
        is_estimate = order_id in estimated
        # What was missed may be found after the end.
        is_late = is_estimate or (bench.believes_log and row is not None and row["status"] == "CANCELLED")
        found += [f"order {order_id}: {words} ({names})" for words in _sequence_faults(bot, order_id, names, is_late)]
        found += [f"order {order_id}: {words}" for words in _end_faults(row, names)]
        if row is not None and order_id not in unknowable:
            found += [f"order {order_id}: {words}" for words in _fill_faults(bot, order_id, row, is_estimate)]
    return found


def said_unknowable(bench: "Bench") -> Set[str]:
    """The orders that the log names because what they filled cannot be known."""
    return bench.unknowable_orders | bench.orders_named(_UNKNOWABLE_FILLS)


def unsaid_parts(bot: "Bot", rows: List[Dict[str, Any]], said: Set[str]) -> Set[str]:
    """Cancelled orders with parts that were missed, and neither booked nor said: the venue's list is silent on them,
    and the position need not show them, when others trade or parts of both sides were missed.

    :param rows: the bot's orders at the venue
    :param said: the orders that the log names
    """
    return {
        str(row["nonce"]) for row in rows
        if row["status"] == "CANCELLED" and str(row["nonce"]) not in said
        and sum((fill.amount for fill in bot.fills(str(row["nonce"]))), Decimal(0)) < Decimal(row["filledSize"])
    }


def _unknowable_as_yet(bench: "Bench", bot: "Bot", rows: List[Dict[str, Any]]) -> Set[str]:
    """Where the log is believed: orders that are partly filled and still open, since what was missed of them is told
    when they end; and cancelled ones whose parts went unheard, which `evidence` counts as lost.
    """
    if not bench.believes_log:
        return set()
    return unsaid_parts(bot, rows, set()) | {str(row["nonce"]) for row in rows if row["status"] == "PARTIALLY_FILLED"}


def _sequence_faults(bot: "Bot", order_id: str, names: List[str], is_late: bool) -> List[str]:
    """Created < Filled* < one end; a fill that was missed may be found after the end."""
    faults = []
    ends = [name for name in names if name in _TERMINAL_NAMES]
    is_tracked = order_id in bot.connector.in_flight_orders
    if len(ends) + is_tracked != 1:
        faults.append(f"{len(ends)} terminal events, {'still' if is_tracked else 'not'} tracked")
    if ends and names[-1] not in _TERMINAL_NAMES and not is_late:
        faults.append("an event after the end")
    if names.count("Created") > 1:
        faults.append("created twice")
    if names and names[0] != "Created" and names != ["Failed"]:
        faults.append("an event before Created")
    return faults


def _end_faults(row: Optional[Mapping[str, Any]], names: List[str]) -> List[str]:
    """The end that the venue tells, and no other."""
    if row is None:
        return [f"unknown to the venue, but {names}"] if names not in ([], ["Failed"]) else []
    end = {"FILLED": "Completed", "CANCELLED": "Cancelled", "REJECTED": "Failed"}.get(row["status"])
    if end is not None and end not in names or end is None and any(name in names for name in _TERMINAL_NAMES):
        return [f"is {row['status']} at the venue, but {names}"]
    return []


def _fill_faults(bot: "Bot", order_id: str, row: Mapping[str, Any], is_estimate: bool) -> List[str]:
    """Fills as the venue has them; of missed ones that were inferred only the size is known."""
    fills = bot.fills(order_id)
    faults = []
    size = sum((fill.amount for fill in fills), Decimal(0))
    quote = sum((fill.amount * fill.price for fill in fills), Decimal(0))
    fees = sum((fee.amount for fill in fills for fee in fill.trade_fee.flat_fees), Decimal(0))
    if size != Decimal(row["filledSize"]):
        faults.append(f"filled {size}, at the venue {row['filledSize']}")
    elif row["status"] != "PARTIALLY_FILLED" or fills:
        true_quote = sum((Decimal(fill["size"]) * Decimal(fill["price"]) for fill in row["fills"]), Decimal(0))
        # The average price is rounded to the decimals of the order's price: half its last digit may be missing.
        last_digit = Decimal(1).scaleb(Decimal(row["limitPrice"]).as_tuple().exponent)
        if abs(quote - true_quote) > size * last_digit / 2 + _MICRO and not is_estimate:
            faults.append(f"filled for {quote} USDC, at the venue {true_quote}")
        if fees != Decimal(row["fees"]) and row["status"] in ("FILLED", "CANCELLED") and not is_estimate:
            faults.append(f"paid {fees} USDC of fees, at the venue {row['fees']}")
        if any(fee.token != "USDC" for fill in fills for fee in fill.trade_fee.flat_fees):
            faults.append("a fee is not in USDC")
    return faults


def _open_order_differences(bot: "Bot", rows: List[Dict[str, Any]]) -> List[str]:
    tag = next((int(order_id) % 1000 for order_id in bot.placed), None)
    at_venue = {str(row["nonce"]) for row in rows if row["status"] in _OPEN_STATUSES
                and (str(row["nonce"]) in bot.placed or (row["nonce"] >= 10 ** 15 and row["nonce"] % 1000 == tag))}
    tracked = {order.client_order_id for order in bot.connector.in_flight_orders.values() if order.is_open}
    return [] if at_venue == tracked else [f"open at the venue: {sorted(at_venue)}, tracked: {sorted(tracked)}"]


def _account_differences(bench: "Bench", bot: "Bot", ledger: Dict[str, Any], pairs: Mapping[str, str]) -> List[str]:
    found = []
    true = {pairs[row["symbol"]]: row for row in ledger["positions"]}
    shown = bot.connector.account_positions
    if {pair: Decimal(row["size"]) for pair, row in true.items()} != {pair: p.amount for pair, p in shown.items()}:
        found.append(f"positions at the venue: {true}, shown: {shown}")
    else:
        found += [f"entry price of {pair}: {shown[pair].entry_price}, at the venue {row['entryPrice']}"
                  for pair, row in true.items()
                  if abs(shown[pair].entry_price / Decimal(row["entryPrice"]) - 1) > Decimal("1e-6")]
    total, available = bot.connector.get_balance("USDC"), bot.connector.available_balances.get("USDC", Decimal(0))
    if total != Decimal(ledger["balances"]["cash"]).quantize(_MICRO):
        found.append(f"balance {total}, at the venue {ledger['balances']['cash']}")
    true_available = _available(bench, bot)
    # Funding accrues while we look.
    if abs(available - true_available) > Decimal("0.01"):
        found.append(f"available {available}, at the venue {true_available}")
    return found


def _available(bench: "Bench", bot: "Bot") -> Decimal:
    exchange = bench.simulator.exchange
    switches, default = exchange.config.switches, exchange.config.default_leverage
    account = exchange.accounts[bot.account_group]
    available = account.cash
    if switches.locked_balance == "margin":
        available -= margin.used_margin(account, exchange.markets, default)
    if switches.withdrawable_present:
        available = min(available, margin.withdrawable(account, exchange.markets, default))
    return max(Decimal(0), available)


def _funding_differences(bot: "Bot", ledger: Dict[str, Any], pairs: Mapping[str, str]) -> List[str]:
    """Payments since the bot began: one for each order that settled funding, one for each settlement beside orders."""
    done = {row["id"] for row in ledger["orders"] if row["status"] not in _OPEN_STATUSES}
    true: Dict[str, Dict[Any, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for number, payment in enumerate(ledger["funding_payments"]):
        pair = pairs.get(payment["symbol"])
        is_of_open_order = payment["orderId"] is not None and payment["orderId"] not in done
        if payment["time"] >= bot.since_ms and pair in bot.connector.trading_pairs and not is_of_open_order:
            true[pair][payment["orderId"] or number] += Decimal(payment["amount"])
    found = []
    for pair in bot.connector.trading_pairs:
        expected = sorted(amount for amount in true[pair].values() if amount)
        published = sorted(payment.amount for payment in bot.payments if payment.trading_pair == pair)
        if expected != published:
            found.append(f"funding of {pair} at the venue: {expected}, published: {published}")
    times = [payment.timestamp for payment in bot.payments]
    return found + (["two funding payments at one time"] if len(set(times)) < len(times) else [])


def _record_differences(bot: "Bot") -> List[str]:
    """The client's database tells what the events told, every fill and payment once (A15)."""
    if bot.records is None:
        return []
    found = []
    states = {order_id: _STATES[bot.names(order_id)[-1]] for order_id in {event.order_id for event in bot.events}
              if "Created" in bot.names(order_id)}
    if bot.records.states() != states:
        found.append(f"orders in the database: {bot.records.states()}, told: {states}")
    told = sorted(
        (event.order_id, event.details.exchange_trade_id, _stored(event.details.amount), _stored(event.details.price),
         fee.amount, fee.token)
        for event in bot.events if event.name == "Filled" for fee in event.details.trade_fee.flat_fees
    )
    if sorted(map(tuple, bot.records.fills())) != told:
        found.append(f"fills in the database: {bot.records.fills()}, told: {told}")
    payments = sorted(payment.amount for payment in bot.records.books().payments)
    if payments != sorted(payment.amount for payment in bot.payments):
        found.append(f"funding payments in the database: {payments}, told: {bot.payments}")
    return found


def _stored(number: Decimal) -> Decimal:
    """As the client's database keeps amounts and prices: cut off."""
    return number.quantize(_MICRO, ROUND_DOWN)
