"""A client's database, written by Hummingbot's own recorder: what `history`, `export trades` and a restart go by."""
import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional
from unittest.mock import AsyncMock, patch

from hummingbot.client.config.client_config_map import ClientConfigMap
from hummingbot.client.config.config_helpers import ClientConfigAdapter
from hummingbot.client.performance import PerformanceMetrics
from hummingbot.connector import markets_recorder
from hummingbot.connector.connector_base import ConnectorBase
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.core.data_type.in_flight_order import InFlightOrder
from hummingbot.core.rate_oracle.rate_oracle import RateOracle
from hummingbot.model.sql_connection_manager import SQLConnectionManager, SQLConnectionType
from hummingbot.model.trade_fill import TradeFill
from workbench.books import STATE_OF_CLIENT_STATUS, STORED_STEP, Books, client_books

CONFIG_FILE = "conf_acceptance.yml"


class Fill(NamedTuple):
    """A row of TradeFill: base amount and price in quote as they are stored, fee with its token."""

    order_id: str
    trade_id: str
    amount: Decimal
    price: Decimal
    fee: Decimal
    fee_token: str


class Records:
    """One Hummingbot's database; it outlives the connector's sessions.

    :param folder: of the database and of the csv files
    """

    def __init__(self, folder: Path):
        self.database = folder / "trades.sqlite"
        self._folder = folder
        self._config = ClientConfigAdapter(ClientConfigMap())
        self._sql = SQLConnectionManager(self._config, SQLConnectionType.TRADE_FILLS, db_path=str(self.database))
        self._recorder: Optional[MarketsRecorder] = None

    def begin(self, connector: ConnectorBase) -> None:
        """Records what a new connector tells from now on."""
        self._recorder = MarketsRecorder(
            self._sql, [connector], CONFIG_FILE, "acceptance", self._config.market_data_collection
        )
        self._recorder.start()

    def restore(self, connector: ConnectorBase) -> None:
        """Gives a new connector the orders that were saved, as the client does when it starts a strategy."""
        self._recorder.restore_market_states(CONFIG_FILE, connector)

    def end(self) -> None:
        """Records nothing more of this session."""
        if self._recorder is not None:
            self._recorder.stop()
            self._recorder = None

    def close(self) -> None:
        """Closes the database."""
        self.end()
        self._sql.engine.dispose()

    # --- What is written

    def query(self, statement: str) -> List[Any]:
        """Rows of the file itself."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def books(self) -> Books:
        """Everything, in the form that the venue's ledger can be compared in."""
        return client_books(self.database)

    def states(self) -> Dict[str, str]:
        """The state of every order: open, filled, cancelled or failed."""
        return {order_id: STATE_OF_CLIENT_STATUS[status]
                for order_id, status in self.query('SELECT id, last_status FROM "Order"')}

    def saved_orders(self) -> List[str]:
        """The client ids of the open orders that the next session will restore."""
        rows = self.query("SELECT saved_state FROM MarketState")
        orders = [InFlightOrder.from_json(order) for (state,) in rows for order in json.loads(state).values()]
        return sorted(order.client_order_id for order in orders if order.is_open)

    def fills(self) -> List[Fill]:
        """The fills, oldest first."""
        rows = self.query("SELECT order_id, exchange_trade_id, amount, price, trade_fee FROM TradeFill "
                          "ORDER BY timestamp, order_id, exchange_trade_id")
        return [self._fill(*row) for row in rows]

    @staticmethod
    def _fill(order_id: str, trade_id: str, amount: int, price: int, fee_json: str) -> Fill:
        fee, = json.loads(fee_json)["flat_fees"]
        return Fill(order_id, trade_id, amount * STORED_STEP, price * STORED_STEP, Decimal(fee["amount"]),
                    fee["token"])

    # --- What the client makes of it

    def write_csv(self) -> List[str]:
        """Has the recorder append all fills to its csv file, and gives the lines of that, without the header."""
        with self._sql.get_new_session() as session, patch.object(markets_recorder, "data_path",
                                                                  lambda: str(self._folder)):
            for trade in session.query(TradeFill).all():
                self._recorder.append_to_csv(trade)
        path = self._folder / f"trades_{CONFIG_FILE[:-4]}.csv"
        return path.read_text().splitlines()[1:]

    async def history(self, pair: str) -> PerformanceMetrics:
        """What the command `history` shows of a pair."""
        trades = [trade for trade in self._recorder.get_trades_for_config(CONFIG_FILE) if trade.symbol == pair]
        with patch.object(RateOracle, "stored_or_live_rate", AsyncMock(return_value=None)):  # no venue for rates here
            return await PerformanceMetrics.create(pair, trades, {"USDC": Decimal(0)})
