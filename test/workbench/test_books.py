"""The books of client and venue: read from Hummingbot's own tables and from a ledger, then compared line by line."""
from decimal import Decimal

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from hummingbot.core.data_type.trade_fee import AddedToCostTradeFee, TokenAmount
from hummingbot.model import get_declarative_base
from hummingbot.model.funding_payment import FundingPayment
from hummingbot.model.order import Order as OrderRow
from hummingbot.model.trade_fill import TradeFill
from workbench import books

PAIR = "BTC-USDC"
SYMBOLS = {"BTC-PERP": PAIR}
MARKS = {PAIR: Decimal("95000")}
RUN = {"config_file_path": "run.yml", "strategy": "s", "market": "vest_perpetual_simulator", "symbol": PAIR,
       "base_asset": "BTC", "quote_asset": "USDC"}


def order_row(nonce, status, timestamp=1):
    return OrderRow(id=nonce, creation_timestamp=timestamp, order_type="LIMIT", amount=Decimal("0.01"), leverage=1,
                    price=Decimal("95000"), last_status=status, last_update_timestamp=timestamp, **RUN)


def fill_row(nonce, trade_type, amount, price, fee):
    fees = AddedToCostTradeFee(flat_fees=[TokenAmount("USDC", Decimal(fee))])
    return TradeFill(timestamp=int(nonce), order_id=nonce, trade_type=trade_type, order_type="LIMIT",
                     price=Decimal(price), amount=Decimal(amount), trade_fee=fees.to_json(),
                     trade_fee_in_quote=Decimal(fee), exchange_trade_id=f"{nonce}-1", **RUN)


def payment_row(timestamp, amount):
    return FundingPayment(timestamp=timestamp, config_file_path="run.yml", market="vest_perpetual_simulator",
                          rate=0.05, symbol=PAIR, amount=amount)


@pytest.fixture
def database(tmp_path):
    """A database as a bot leaves it: bought, sold at a loss, one order cancelled, one payment made."""
    path = tmp_path / "run.sqlite"
    engine = create_engine(f"sqlite:///{path}")
    get_declarative_base().metadata.create_all(engine)
    FundingPayment.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([
            order_row("1", "BuyOrderCompleted"), order_row("2", "SellOrderCompleted"), order_row("3", "OrderCancelled"),
            fill_row("1", "BUY", "0.0100", "95009.50", "0.114011"),
            fill_row("2", "SELL", "0.0100", "94998.29", "0.113998"),
            payment_row(1795363515815, float(Decimal("-0.026415"))),
        ])
        session.commit()
    engine.dispose()
    return path


def ledger_order(nonce, is_buy, status, fills=(), symbol="BTC-PERP"):
    return {"nonce": nonce, "id": f"0x{nonce:064x}", "symbol": symbol, "isBuy": is_buy, "status": status,
            "fills": [dict(zip(("size", "price", "fee"), fill)) for fill in fills]}


@pytest.fixture
def ledger():
    """The venue's account of the same run."""
    return {
        "orders": [ledger_order(1, True, "FILLED", [("0.0100", "95009.50", "0.114011")]),
                   ledger_order(2, False, "FILLED", [("0.0100", "94998.29", "0.113998")]),
                   ledger_order(3, False, "CANCELLED")],
        "positions": [],
        "funding_payments": [{"time": 1795363515815, "symbol": "BTC-PERP", "amount": "-0.026415", "orderId": "0x2"}],
    }


def lines_by_name(database, ledger):
    lines = books.compare(books.client_books(database), books.venue_books(ledger, SYMBOLS), MARKS)
    return {line.what: line for line in lines}


def test_the_same_run_agrees_in_every_line(database, ledger):
    lines = lines_by_name(database, ledger)
    assert [line.what for line in lines.values() if not line.agrees] == []
    assert lines["orders filled"].client == 2
    assert lines["orders cancelled"].venue == 1
    assert lines["quote volume"].client == Decimal("1900.0779")
    assert lines["fees"].client == Decimal("0.228009")
    assert lines["funding"].client == Decimal("-0.026415")
    # sold 11.21 lower than bought, × 0.01, less fees and funding paid
    assert lines["PnL"].client == Decimal("-0.1121") - Decimal("0.228009") - Decimal("0.026415")


@pytest.mark.parametrize("change, what", [
    (lambda ledger: ledger["orders"][0]["fills"][0].update(fee="0.114012"), {"fees", "PnL"}),
    (lambda ledger: ledger["orders"][0]["fills"][0].update(price="95009.51"), {"quote volume", "PnL"}),
    (lambda ledger: ledger["orders"][2].update(status="NEW"), {"orders cancelled", "orders open"}),
    (lambda ledger: ledger["orders"].pop(2), {"orders cancelled"}),
    (lambda ledger: ledger["funding_payments"].pop(), {"funding", "PnL"}),
    (lambda ledger: ledger["positions"].append({"symbol": "BTC-PERP", "size": "-0.0001"}), {"position", "PnL"}),
], ids=["fee", "price", "open order", "unknown order", "payment", "position"])
def test_any_difference_shows(database, ledger, change, what):
    change(ledger)
    assert {name for name, line in lines_by_name(database, ledger).items() if not line.agrees} == what


def test_venue_numbers_are_cut_off_as_the_database_cuts_them(database, ledger):
    ledger["orders"][0]["fills"][0].update(price="95009.5000009", size="0.0100009")
    lines = lines_by_name(database, ledger)
    assert lines["quote volume"].agrees and lines["base volume"].agrees


def test_payments_of_one_order_count_as_one(ledger):
    part = {"symbol": "BTC-PERP", "orderId": "0x2", "time": 1}
    ledger["funding_payments"] = [{**part, "amount": "0.0000004"}, {**part, "amount": "0.0000004"}]
    assert [payment.amount for payment in books.venue_books(ledger, SYMBOLS).payments] == [Decimal("0.000001")]


def test_different_orders_names_them(database, ledger):
    ledger["orders"][2]["status"] = "NEW"
    ledger["orders"].append(ledger_order(4, True, "REJECTED"))
    differences = books.different_orders(books.client_books(database), books.venue_books(ledger, SYMBOLS))
    assert differences == [("3", "cancelled", "open"), ("4", "-", "failed")]


def test_totals_add_up_money_and_counts_but_not_base_amounts():
    lines = [books.Line("A-USDC", "fees", Decimal("1"), Decimal("2")),
             books.Line("B-USDC", "fees", Decimal("3"), Decimal("4")),
             books.Line("A-USDC", "position", Decimal("1"), Decimal("1"))]
    assert books.total_lines(lines) == [books.Line("all pairs", "fees", Decimal("4"), Decimal("6"))]


def test_reading_leaves_the_database_alone(database):
    before = database.read_bytes()
    books.client_books(database)
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == ["run.sqlite"]


def test_an_agreement_of_zeros_is_none(ledger):
    venue = books.venue_books(ledger, SYMBOLS)
    words = books.missing_activity(venue, ["AAPL-USDC"])
    assert len(words) == 2 and "nothing was filled" in words[0] and "only 0 USDC of funding" in words[1]
    assert not any("nothing was filled" in word for word in books.missing_activity(venue, [PAIR]))
