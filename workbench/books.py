"""Two sets of books of one run, the client's database and the venue's ledger, and the lines in which they must agree.

Both are read into the same plain form, `Books`; `compare` is a pure function of two of them. The client stores
amounts and prices cut off at 1e-6 and funding payments as floats, so the venue's numbers are cut and rounded alike.
"""
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

STORED_STEP = Decimal("0.000001")
ZERO = Decimal("0")
LEAST_FUNDING = Decimal("0.01")  # USDC per pair, payments and receipts both counted as positive

OPEN, FILLED, CANCELLED, FAILED = "open", "filled", "cancelled", "failed"
# hummingbot.core.event.events.MarketEvent, as the column last_status has it
STATE_OF_CLIENT_STATUS = {
    "BuyOrderCreated": OPEN, "SellOrderCreated": OPEN, "OrderFilled": OPEN,
    "BuyOrderCompleted": FILLED, "SellOrderCompleted": FILLED,
    "OrderCancelled": CANCELLED, "OrderExpired": CANCELLED, "OrderFailure": FAILED,
}
STATE_OF_VENUE_STATUS = {
    "NEW": OPEN, "PARTIALLY_FILLED": OPEN, "FILLED": FILLED, "CANCELLED": CANCELLED, "REJECTED": FAILED,
}


@dataclass(frozen=True)
class Order:
    """One order: the venue's nonce, which is the client's id; its pair; its state at the end."""

    nonce: str
    pair: str
    state: str


@dataclass(frozen=True)
class Fill:
    """One execution: base amount, price in quote per base, fee in quote (paid: positive)."""

    pair: str
    is_buy: bool
    amount: Decimal
    price: Decimal
    fee: Decimal

    @property
    def signed_amount(self) -> Decimal:
        """In base: positive for a buy, negative for a sell."""
        return self.amount if self.is_buy else -self.amount

    @property
    def notional(self) -> Decimal:
        """In quote."""
        return self.amount * self.price


@dataclass(frozen=True)
class Payment:
    """One funding payment in quote; positive: received."""

    pair: str
    amount: Decimal


@dataclass(frozen=True)
class Books:
    """What one side says about a run.

    `positions` is what that side holds at the end, base by pair, long positive; a side that keeps no record of its own
    (the client's database) leaves it to the sum of its fills.
    """

    orders: List[Order]
    fills: List[Fill]
    payments: List[Payment]
    positions: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One comparison: what of which pair, on either side."""

    pair: str
    what: str
    client: Any
    venue: Any

    @property
    def agrees(self) -> bool:
        """Whether client and venue say the same."""
        return self.client == self.venue


def client_books(database: Path) -> Books:
    """Read the SQLite database of a Hummingbot bot; `database` is not changed."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        orders = [Order(nonce, pair, STATE_OF_CLIENT_STATUS[status]) for nonce, pair, status in connection.execute(
            'SELECT id, symbol, last_status FROM "Order" ORDER BY id')]
        fills = [_client_fill(*row) for row in connection.execute(
            "SELECT symbol, trade_type, amount, price, trade_fee FROM TradeFill ORDER BY timestamp")]
        payments = [Payment(pair, _rounded(Decimal(repr(amount)))) for pair, amount in connection.execute(
            "SELECT symbol, amount FROM FundingPayment ORDER BY timestamp")]
    finally:
        connection.close()
    positions: Dict[str, Decimal] = {}
    for fill in fills:
        positions[fill.pair] = positions.get(fill.pair, ZERO) + fill.signed_amount
    return Books(orders, fills, [payment for payment in payments if payment.amount], positions)


def _client_fill(pair: str, trade_type: str, amount: int, price: int, fee_json: str) -> Fill:
    amount, price = Decimal(amount) * STORED_STEP, Decimal(price) * STORED_STEP
    fee = json.loads(fee_json)
    flat = sum((Decimal(part["amount"]) for part in fee["flat_fees"]), ZERO)
    return Fill(pair, trade_type == "BUY", amount, price, flat + Decimal(fee["percent"]) * amount * price)


def venue_books(ledger: Mapping[str, Any], pair_of_symbol: Mapping[str, str]) -> Books:
    """Read the simulated venue's ledger of one account.

    :param ledger: what `vest_simulator.AdminClient.ledger` answers.
    :param pair_of_symbol: the symbols of the run, for example BTC-PERP → BTC-USDC.
    """
    orders, fills = [], []
    for order in ledger["orders"]:
        pair = pair_of_symbol[order["symbol"]]
        orders.append(Order(str(order["nonce"]), pair, STATE_OF_VENUE_STATUS[order["status"]]))
        fills += [Fill(pair, order["isBuy"], _stored(fill["size"]), _stored(fill["price"]), Decimal(fill["fee"]))
                  for fill in order["fills"]]
    positions = {pair_of_symbol[position["symbol"]]: _stored(position["size"]) for position in ledger["positions"]}
    return Books(orders, fills, _venue_payments(ledger["funding_payments"], pair_of_symbol), positions)


def _venue_payments(payments: Iterable[Mapping[str, Any]], pair_of_symbol: Mapping[str, str]) -> List[Payment]:
    """One payment per order, as clients are told of it, and one per settlement that belongs to no order."""
    amounts: Dict[Tuple[str, str], Decimal] = {}
    for payment in payments:
        key = (payment["symbol"], payment["orderId"] or payment["time"])
        amounts[key] = amounts.get(key, ZERO) + Decimal(payment["amount"])
    return [Payment(pair_of_symbol[symbol], _rounded(amount)) for (symbol, _), amount in amounts.items()
            if _rounded(amount)]


def _stored(text: str) -> Decimal:
    """A price or amount as the client's database keeps it: cut off, not rounded."""
    return Decimal(text).quantize(STORED_STEP, rounding=ROUND_DOWN)


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(STORED_STEP, rounding=ROUND_HALF_EVEN)


def compare(client: Books, venue: Books, marks: Mapping[str, Decimal]) -> List[Line]:
    """Every line in which the two must agree, by pair.

    :param marks: mark price by pair, to value what is left of a position; its keys are the pairs to compare.
    """
    lines: List[Line] = []
    for pair, mark in marks.items():
        ours, theirs = _summary(client, pair, mark), _summary(venue, pair, mark)
        lines += [Line(pair, what, ours[what], theirs[what]) for what in ours]
    return lines


def _summary(books: Books, pair: str, mark: Decimal) -> Dict[str, Any]:
    fills = [fill for fill in books.fills if fill.pair == pair]
    states = Counter(order.state for order in books.orders if order.pair == pair)
    position = books.positions.get(pair, ZERO)
    fees = sum((fill.fee for fill in fills), ZERO)
    funding = sum((payment.amount for payment in books.payments if payment.pair == pair), ZERO)
    cash_flow = -sum((fill.signed_amount * fill.price for fill in fills), ZERO)
    return {
        **{f"orders {state}": states[state] for state in (FILLED, CANCELLED, FAILED, OPEN)},
        "base volume": sum((fill.amount for fill in fills), ZERO),
        "quote volume": sum((fill.notional for fill in fills), ZERO),
        "fees": fees,
        "funding": funding,
        "position": position,
        "PnL": cash_flow + position * mark - fees + funding,
    }


def total_lines(lines: Iterable[Line]) -> List[Line]:
    """The sums over all pairs of those lines that can be added up: everything but base amounts."""
    totals: Dict[str, Tuple[Any, Any]] = {}
    for line in lines:
        if line.what not in ("base volume", "position"):
            client, venue = totals.get(line.what, (0, 0))
            totals[line.what] = (client + line.client, venue + line.venue)
    return [Line("all pairs", what, client, venue) for what, (client, venue) in totals.items()]


def different_orders(client: Books, venue: Books) -> List[Tuple[str, str, str]]:
    """Orders whose end the two sides tell differently: (nonce, the client's state, the venue's), "-" for unknown.

    An order the venue refused at once has no row in the client's database, which writes the first at the creation.
    """
    ours = {order.nonce: order.state for order in client.orders}
    theirs = {order.nonce: order.state for order in venue.orders}
    return [
        (nonce, ours.get(nonce, "-"), theirs.get(nonce, "-")) for nonce in sorted(ours.keys() | theirs.keys())
        if ours.get(nonce, "-") != theirs.get(nonce, "-")
    ]


def missing_activity(venue: Books, pairs: Sequence[str]) -> List[str]:
    """What did not happen, in words: an agreement of zeros is none.

    :param venue: the venue's books
    :param pairs: each of these is wanted with a fill and with `LEAST_FUNDING` settled
    """
    faults = []
    for pair in pairs:
        if not any(fill.pair == pair for fill in venue.fills):
            faults.append(f"{pair}: nothing was filled; a longer DURATION may help")
        settled = sum((abs(payment.amount) for payment in venue.payments if payment.pair == pair), ZERO)
        if settled < LEAST_FUNDING:
            faults.append(f"{pair}: only {settled} USDC of funding settled; a longer DURATION may help")
    return faults
