"""Sessions made up: databases with Hummingbot's own tables, and log files of its form."""
import json
import re
import sqlite3
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, Iterable, Optional, Tuple

from sqlalchemy import create_engine

from hummingbot.model import HummingbotBase
from hummingbot.model.funding_payment import FundingPayment
from hummingbot.model.inventory_cost import InventoryCost
from hummingbot.model.market_data import MarketData
from hummingbot.model.market_state import MarketState
from hummingbot.model.metadata import Metadata
from hummingbot.model.order import Order
from hummingbot.model.order_status import OrderStatus
from hummingbot.model.trade_fill import TradeFill

CONNECTOR = "vest_perpetual"
START_MS = 1_795_382_793_000  # 2026-11-22 21:26:33 UTC
DERIVATIVE = "hummingbot.connector.derivative.vest_perpetual.vest_perpetual_derivative.VestPerpetualDerivative"
LOST = "The user stream of Vest is interrupted (close code 1006). Reconnecting, with growing pauses."
BACK = "The user stream of Vest is connected again."
TRACKER = "hummingbot.connector.client_order_tracker"
# Those that a client's database has at least.
TABLES = [model.__table__ for model in (
    FundingPayment, InventoryCost, MarketData, MarketState, Metadata, Order, OrderStatus, TradeFill)]


def stored(number: Any) -> int:
    """A number as `SqliteDecimal(6)` stores it."""
    return int(Decimal(str(number)) * 10 ** 6)


class Recording:
    """A database that can be written row by row; amounts and prices are what `Decimal` takes.

    :param folder: gets `data/<name>.sqlite` and `logs/logs_<name>.log`
    """

    def __init__(self, folder: Path, name: str = "bot"):
        self.database = folder / "data" / f"{name}.sqlite"
        self.log = folder / "logs" / f"logs_{name}.log"
        self.database.parent.mkdir(parents=True)
        engine = create_engine(f"sqlite:///{self.database}")
        HummingbotBase.metadata.create_all(engine, TABLES)
        engine.dispose()
        self._count = 0

    def write(self, table: str, rows: Iterable[Dict[str, Any]]) -> None:
        """Rows by the names of their columns."""
        rows = list(rows)
        columns = list(rows[0])
        marks = ", ".join("?" for _ in columns)
        connection = sqlite3.connect(self.database)
        with connection:
            connection.executemany(f'INSERT INTO "{table}" ({", ".join(columns)}) VALUES ({marks})',
                                   [tuple(row[column] for column in columns) for row in rows])
        connection.close()

    def order(self, at_ms: int = 0, is_buy: bool = True, ended: Optional[Tuple[str, int]] = None, amount: Any = 1,
              price: Any = 100, kind: str = "LIMIT", **changes: Any) -> str:
        """An order.

        :param at_ms: when it was placed, after `START_MS`; the client's clock ticks in whole seconds
        :param ended: its last status and when that was, after `START_MS`
        :param changes: of the columns
        :return: its id
        """
        self._count += 1
        order_id = changes.pop("id", str((START_MS + at_ms) * 1000 + self._count % 1000))
        created_ms = (START_MS + at_ms) // 1000 * 1000
        status = f"{'Buy' if is_buy else 'Sell'}OrderCreated"
        last_status, last_ms = (status, created_ms) if ended is None else (ended[0], START_MS + ended[1])
        pair = changes.get("symbol", "BTC-USDC")
        self.write("Order", [{
            "id": order_id, "config_file_path": "conf.yml", "strategy": "market_making", "market": CONNECTOR,
            "symbol": pair, "base_asset": pair.split("-")[0], "quote_asset": pair.split("-")[-1],
            "creation_timestamp": created_ms, "order_type": kind, "amount": stored(amount), "leverage": 1,
            "price": stored(price), "last_status": last_status, "last_update_timestamp": last_ms,
            "exchange_order_id": "0x" + "ab" * 32, "position": "OPEN", **changes,
        }])
        self.write("OrderStatus", [
            {"order_id": order_id, "timestamp": time_ms, "status": words}
            for words, time_ms in dict.fromkeys([(status, created_ms), (last_status, last_ms)])])
        return order_id

    def fill(self, at_ms: int, amount: Any, price: Any, fee: Any = 0, is_buy: bool = True, **changes: Any) -> None:
        """A fill, `at_ms` after `START_MS`, of an order that need not be there; the fee is in USDC."""
        self.write("TradeFill", [self.fill_row(at_ms, amount, price, fee, is_buy, **changes)])

    def fill_row(self, at_ms: int, amount: Any, price: Any, fee: Any = 0, is_buy: bool = True,
                 **changes: Any) -> Dict[str, Any]:
        """The columns of a fill, for `write`."""
        self._count += 1
        pair = changes.get("symbol", "BTC-USDC")
        fee_json = {"fee_type": "AddedToCost", "percent": "0", "percent_token": "USDC",
                    "flat_fees": [{"token": "USDC", "amount": str(fee)}]}
        return {
            "config_file_path": "conf.yml", "strategy": "market_making", "market": CONNECTOR, "symbol": pair,
            "base_asset": pair.split("-")[0], "quote_asset": pair.split("-")[-1], "timestamp": START_MS + at_ms,
            "order_id": "1", "trade_type": "BUY" if is_buy else "SELL", "order_type": "LIMIT", "price": stored(price),
            "amount": stored(amount), "leverage": 1, "trade_fee": json.dumps(fee_json),
            "trade_fee_in_quote": stored(fee), "exchange_trade_id": str(self._count), "position": "OPEN", **changes,
        }

    def payment(self, at_ms: int, amount: float, pair: str = "BTC-USDC") -> None:
        """A funding payment in USDC; received: positive."""
        self.write("FundingPayment", [{
            "timestamp": START_MS + at_ms, "config_file_path": "conf.yml", "market": CONNECTOR, "rate": 0.0001,
            "symbol": pair, "amount": amount}])

    def price(self, at_ms: int, price: Any, pair: str = "BTC-USDC") -> None:
        """A recorded middle of the order book."""
        self.write("MarketData", [{
            "timestamp": stored(START_MS + at_ms), "exchange": CONNECTOR, "trading_pair": pair,
            "mid_price": stored(price), "best_bid": stored(price), "best_ask": stored(price), "order_book": "{}"}])

    def say(self, *lines: Tuple, zone_h: float = 0, file: Optional[Path] = None) -> None:
        """Lines of the log: when (ms after `START_MS`), level, message, and the logger if not the connector's.

        :param zone_h: the computer's local time, in hours ahead of UTC
        """
        file = file or self.log
        file.parent.mkdir(exist_ok=True)
        with file.open("a", encoding="utf-8") as log:
            log.writelines(log_line(*line, zone_h=zone_h) for line in lines)


def log_line(at_ms: int, level: str, message: str, logger: str = DERIVATIVE, zone_h: float = 0) -> str:
    """A line as Hummingbot's format writes it."""
    local = datetime.fromtimestamp((START_MS + at_ms) / 1000, timezone.utc) + timedelta(hours=zone_h)
    return f"{local:%Y-%m-%d %H:%M:%S},{local.microsecond // 1000:03d} - 4711 - {logger} - {level} - {message}\n"


def created(placed_ms: int, pair: str = "BTC-USDC", kind: str = "LIMIT") -> str:
    """The sentence for an order that was placed that long after `START_MS` and is confirmed now."""
    return f"Created {kind} BUY order {START_MS + placed_ms}175 for 0.0052 to OPEN a {pair} position at 94920.28."


def short_session(folder: Path) -> Recording:
    """Some of everything: two pairs, every state, fills, funding, a log."""
    recording = Recording(folder)
    filled = recording.order(719, ended=("BuyOrderCompleted", 1_098), price=100)
    recording.fill(1_000, 2, 100, fee="0.02", order_id=filled)
    closed = recording.order(5_200, is_buy=False, ended=("SellOrderCompleted", 5_250), kind="MARKET", price=0)
    recording.fill(5_000, "0.5", 110, fee="0.0055", is_buy=False, order_id=closed)
    recording.order(2_000, is_buy=False, ended=("OrderCancelled", 9_000), price=105)
    recording.order(3_000, ended=("OrderFailure", 3_100), price=95)
    recording.order(4_000, price=90)
    recording.fill(7_000, 10, 3, fee="0.003", is_buy=False, symbol="ETH-USDC", order_id="2")
    recording.payment(6_000, -0.25)
    recording.payment(6_500, 0.75, pair="ETH-USDC")
    recording.say(
        (0, "INFO", "Clock started successfully", "hummingbot.core.trading_core"),
        (759, "INFO", created(719), TRACKER),
        (2_000, "WARNING", LOST),
        (2_750, "INFO", BACK),
        (3_000, "ERROR", "Failed to cancel order 1795382793719175: HTTP 503: the venue could not answer"),
        (9_500, "INFO", "Clock stopped successfully", "hummingbot.core.trading_core"),
    )
    return recording


def values(page: str) -> Dict[Tuple[str, str], Decimal]:
    """The numbers of the summary by market and name, in full."""
    found: Dict[Tuple[str, str], Decimal] = {}
    for market, row in re.findall(r'data-market="([^"]*)">(.*?)</tr>', page):
        for name, value in re.findall(r'data-name="(\w+)" data-value="([^"]*)"', row):
            found[market, name] = Decimal(value)
    return found
