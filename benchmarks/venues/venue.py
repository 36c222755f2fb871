"""What every venue has in common: a connector that knows its markets, and what the venue would send it."""
import json
from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Any, Dict, List, Sequence, Tuple

from bidict import bidict

from benchmarks.feeding import FedSocket
from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate

# So many per cent of the limits that no throttler makes anyone wait: its own work is measured, not its pauses.
UNLIMITED_PCT = Decimal(1_000_000)
PRICE, SIZE = "65000.0", "0.010"
FILL_SIZE = "0.004"
START_S = 1_760_000_000.0
# Any number below the order of the curve is a key; this one is worth nothing.
PRIVATE_KEY = "0x" + "11" * 32

Rows = List[Tuple[str, str]]


class Venue(ABC):
    """One venue: its connector and what it sends.

    :param rest_url: address of the server that answers for it
    :param coins: how many markets there are
    """

    name: str
    quote: str
    order_path: str  # where orders are posted

    def __init__(self, rest_url: str, coins: int = 1):
        # As venues list them: one market is Bitcoin's, the others are made up.
        self.coins = ["BTC", *(f"C{number}" for number in range(1, coins))]
        self.pairs = [f"{coin}-{self.quote}" for coin in self.coins]
        self.requests = 0
        self.orders: Dict[str, InFlightOrder] = {}  # those the venue lists, by client id
        self.connector = self._connector(rest_url)
        self.connector._set_trading_pair_symbol_map(bidict(zip(map(self.symbol, self.coins), self.pairs)))
        self.connector._trading_rules.update({pair: self._rule(pair) for pair in self.pairs})
        self.connector._set_current_timestamp(START_S)

    @abstractmethod
    def _connector(self, rest_url: str) -> PerpetualDerivativePyBase:
        """The connector, which sends its requests to `rest_url`."""

    @abstractmethod
    def symbol(self, coin: str) -> str:
        """The venue's name of a market."""

    @abstractmethod
    def book_message(self, coin: str, bids: Rows, asks: Rows, number: int) -> Any:
        """What the venue sends when so many rows of the book are news; `number` counts the messages of the market."""

    @abstractmethod
    def fill_message(self, order: InFlightOrder, number: int) -> Any:
        """What the venue sends when a part of an order was filled."""

    @abstractmethod
    def answer(self, method: str, target: str, body: bytes) -> Any:
        """The venue's answer to a request."""

    @abstractmethod
    async def poll(self) -> None:
        """What the connector's polling loop does about its orders."""

    def greetings(self) -> List[Any]:
        """What the venue sends first on every connection."""
        return []

    def is_for_books(self, socket: FedSocket) -> bool:
        """Whether order books come over this connection; some venues have several."""
        return True

    def count_and_answer(self, method: str, target: str, body: bytes) -> Any:
        """As `answer`, and counts."""
        self.requests += 1
        return self.answer(method, target, body)

    def forget_requests(self) -> None:
        """The throttler has seen no request yet."""
        self.connector._throttler._task_logs.clear()

    def track_order(self, number: int) -> InFlightOrder:
        """An order that is open at the venue; the connector knows it when the event loop has gone round."""
        order_id = self.order_id(number)
        connector = self.connector
        connector.start_tracking_order(
            order_id, None, self.pairs[0], TradeType.BUY, Decimal(PRICE), Decimal(SIZE), OrderType.LIMIT,
            position_action=PositionAction.OPEN,
        )
        order = connector.in_flight_orders[order_id]
        connector._order_tracker.process_order_update(OrderUpdate(
            trading_pair=order.trading_pair, update_timestamp=START_S, new_state=OrderState.OPEN,
            client_order_id=order_id, exchange_order_id=self.exchange_id(number),
        ))
        self.orders[order_id] = order
        return order

    def order_id(self, number: int) -> str:
        """A client order id of the connector's form."""
        return f"order-{number}"

    def exchange_id(self, number: int) -> str:
        """The venue's id of an order."""
        return str(7_000_000_000 + number)

    def buy(self) -> str:
        """The order that is measured: a LIMIT order that opens a position."""
        return self.connector.buy(
            self.pairs[0], Decimal(SIZE), OrderType.LIMIT, Decimal(PRICE), position_action=PositionAction.OPEN
        )

    def _rule(self, pair: str) -> TradingRule:
        return TradingRule(
            pair, min_order_size=Decimal("0.001"), min_price_increment=Decimal("0.1"),
            min_base_amount_increment=Decimal("0.001"), buy_order_collateral_token=self.quote,
            sell_order_collateral_token=self.quote,
        )


def text_of(message: Any) -> str:
    """A message as it goes over the wire."""
    return json.dumps(message, separators=(",", ":"))


def book_rows(levels: int, number: int) -> Tuple[Rows, Rows]:
    """Bids and asks with the digits of a Bitcoin market, best first; sizes change from message to message.

    :param levels: a side
    :param number: of the message
    """
    sizes = [f"{(number * 7 + level * 13) % 97 / 50 + 0.01:.4f}" for level in range(levels)]
    bids = [(f"{65000 - level * 0.5:.1f}", size) for level, size in enumerate(sizes)]
    asks = [(f"{65000.5 + level * 0.5:.1f}", size) for level, size in enumerate(reversed(sizes))]
    return bids, asks


def query_of(target: str) -> Dict[str, str]:
    """The parameters of a request's target."""
    pairs: Sequence[str] = target.partition("?")[2].split("&")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
