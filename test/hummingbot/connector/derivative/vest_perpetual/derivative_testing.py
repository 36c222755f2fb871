"""What the tests of the derivative share: the venue's payloads, a small venue that does as it is told, and a test case
with a connector that trades there."""
import asyncio
import itertools
import json
import logging
import os
import re
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.stream_testing import LogRecords, eventually
from test.isolated_asyncio_wrapper_test_case import IsolatedAsyncioWrapperTestCase
from typing import Any, Awaitable, Callable, Dict, Iterable, List, Optional, Tuple
from unittest.mock import patch

from aiohttp import web
from aiohttp.test_utils import TestServer

import hummingbot
from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_derivative import VestPerpetualDerivative
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_book import VestOrderBook
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.data_type.order_book_row import OrderBookRow
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import MarketEvent

API_KEY = "the-api-key-that-nobody-may-see"
SIGNING_KEY = "0x" + "11" * 32


def url_of(path: str, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> str:
    """Address of an end point, without a query."""
    return web_utils.private_rest_url(path, domain)


def url_pattern(path: str, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> "re.Pattern[str]":
    """Matches an end point with any query."""
    return re.compile(f"^{re.escape(url_of(path, domain))}(\\?|$)")


def market(symbol: str, **fields: Any) -> Dict[str, Any]:
    """A row of `GET /exchangeInfo`."""
    base = symbol.split("-")[0]
    return {
        "symbol": symbol, "displayName": symbol, "base": base, "quote": "USDC", "sizeDecimals": 6, "priceDecimals": 4,
        "initMarginRatio": "0.1", "maintMarginRatio": "0.05", "takerFee": "0.0001", "isolated": False, **fields,
    }


def exchange_info(*markets: Dict[str, Any]) -> Dict[str, Any]:
    """The answer of `GET /exchangeInfo`."""
    return {"symbols": list(markets), "exchange": {"lp": "0", "insurance": "0", "collateralDecimals": 6}}


def order_row(
        order_id: Optional[str], client_order_id: str, status: str, symbol: str = "BTC-PERP", **fields: Any
) -> Dict[str, Any]:
    """An order as `GET /orders` and ORDER events tell it; nothing filled unless `fields` say so."""
    return {
        "id": order_id, "nonce": int(client_order_id), "symbol": symbol, "isBuy": True, "orderType": "LIMIT",
        "limitPrice": "10000.0000", "markPrice": "10000.0000", "size": "1.000000", "status": status,
        "reduceOnly": False, "initMarginRatio": "0.1", "code": None, "lastFilledSize": None, "lastFilledPrice": None,
        "lastFilledTime": None, "avgFilledPrice": None, "settledFunding": None, "fees": None, "realizedPnl": None,
        "postTime": 1640780000000, "tpPrice": None, "slPrice": None, **fields,
    }


def filled(size: str, price: str, fees: str, time_ms: int = 1640780000500) -> Dict[str, Any]:
    """The fields of a row of an order that filled in one part."""
    return {
        "lastFilledSize": size, "lastFilledPrice": price, "lastFilledTime": time_ms, "avgFilledPrice": price,
        "fees": fees,
    }


def order_event(row: Dict[str, Any]) -> Dict[str, Any]:
    """An ORDER event of the private channel."""
    return {"channel": CONSTANTS.ACCOUNT_PRIVATE_CHANNEL, "data": {"event": CONSTANTS.EVENT_ORDER, "args": row}}


def account(**fields: Any) -> Dict[str, Any]:
    """The answer of `GET /account`: nothing but 1000 USDC unless `fields` say so."""
    return {
        "address": "0x0", "balances": [{"asset": "USDC", "total": "1000", "locked": "0"}], "collateral": "1000",
        "withdrawable": None, "positions": [], "leverages": [], **fields,
    }


def position(symbol: str, size: str, is_long: bool = True, **fields: Any) -> Dict[str, Any]:
    """A row of the account's positions."""
    return {
        "symbol": symbol, "isLong": is_long, "size": size, "entryPrice": "10000", "entryFunding": "0",
        "unrealizedPnl": "0", "settledFunding": "0", "markPrice": "10000", "indexPrice": "10000", "liqPrice": "0",
        "initMargin": "0", "maintMargin": "0", "initMarginRatio": "0.1", **fields,
    }


def a_book(bids: Iterable[Tuple[float, float]] = (), asks: Iterable[Tuple[float, float]] = ()) -> VestOrderBook:
    """An order book of rows of price and amount, best first."""
    book = VestOrderBook()
    book.apply_snapshot([OrderBookRow(*row, 1) for row in bids], [OrderBookRow(*row, 1) for row in asks], 1)
    return book


# --- A venue


@dataclass
class Request:
    """A request as the venue got it; `body` is empty for a GET, `caller` is the other end of its connection."""

    method: str
    path: str
    query: Dict[str, str]
    body: Dict[str, Any]
    caller: Tuple[str, int]

    @property
    def order(self) -> Dict[str, Any]:
        """The order of a request that sends or cancels one."""
        return self.body["order"]


Answer = Callable[["Request"], Awaitable[web.StreamResponse]]


def answering(payload: Any, status: int = 200) -> Answer:
    """Always the same answer."""
    async def answer(_: Request) -> web.Response:
        return web.json_response(payload, status=status)

    return answer


def refusing(code: int, status: int = 400) -> Answer:
    """A refusal with a code of the venue."""
    return answering({"code": code, "msg": "no"}, status)


class Venue:
    """A venue that takes orders and lets them rest, until the test has it do otherwise.

    `rows` are its orders by nonce, `account` what it says of the account. `answers` take the place of what it would do,
    by method and path; one that calls `usual` first commits and then answers otherwise.
    """

    def __init__(self):
        self.markets = [market("BTC-PERP"), market("ETH-PERP")]
        self.rows: Dict[int, Dict[str, Any]] = {}
        self.account: Dict[str, Any] = account()
        self.answers: Dict[Tuple[str, str], Answer] = {}
        self.requests: List[Request] = []
        self._order_numbers = itertools.count(1)
        self._usual = {
            ("GET", CONSTANTS.EXCHANGE_INFO_PATH): lambda request: exchange_info(*self.markets),
            ("GET", CONSTANTS.TICKER_LATEST_PATH): lambda request: {"tickers": []},
            ("GET", CONSTANTS.FUNDING_HISTORY_PATH): lambda request: [],
            ("GET", CONSTANTS.ACCOUNT_PATH): lambda request: self.account,
            ("GET", CONSTANTS.ORDERS_PATH): self._list_orders,
            ("POST", CONSTANTS.ORDERS_PATH): self._take_order,
            ("POST", CONSTANTS.ORDERS_CANCEL_PATH): self._cancel_order,
            ("POST", CONSTANTS.ACCOUNT_LEVERAGE_PATH): lambda request: {
                "symbol": request.body["symbol"], "value": request.body["value"]
            },
        }

    async def handle(self, http_request: web.Request) -> web.StreamResponse:
        text = await http_request.text()
        request = Request(
            http_request.method, http_request.path.removeprefix("/v2"), dict(http_request.query),
            json.loads(text) if text else {}, http_request.transport.get_extra_info("peername"),
        )
        self.requests.append(request)
        answer = self.answers.get((request.method, request.path))
        return await (answer or self.usual)(request)

    async def usual(self, request: Request) -> web.Response:
        """What the venue does unless told otherwise."""
        return web.json_response(self._usual[request.method, request.path](request))

    def hold(self, method: str, path: str, answer: Optional[Answer] = None) -> asyncio.Event:
        """From now on requests of a kind are answered only when the event that is returned is set.

        :param answer: in the place of what the venue would do
        """
        may_answer = asyncio.Event()

        async def answer_late(request: Request) -> web.StreamResponse:
            await may_answer.wait()
            return await (answer or self.usual)(request)

        self.answers[method, path] = answer_late
        return may_answer

    def asked(self, method: str, path: str) -> List[Request]:
        """The requests of a kind so far."""
        return [request for request in self.requests if (request.method, request.path) == (method, path)]

    @property
    def sent_orders(self) -> List[Dict[str, Any]]:
        """The orders it was sent."""
        return [request.order for request in self.asked("POST", CONSTANTS.ORDERS_PATH)]

    @property
    def sent_cancels(self) -> List[str]:
        """The ids of the orders it was asked to cancel."""
        return [request.order["id"] for request in self.asked("POST", CONSTANTS.ORDERS_CANCEL_PATH)]

    @property
    def private_requests(self) -> List[Request]:
        """Requests with an API key."""
        public = (CONSTANTS.EXCHANGE_INFO_PATH, CONSTANTS.TICKER_LATEST_PATH, CONSTANTS.FUNDING_HISTORY_PATH)
        return [request for request in self.requests if request.path not in public]

    def add_order(self, nonce: int, status: str = "NEW", **fields: Any) -> Dict[str, Any]:
        """An order that came some other way."""
        order_id = f"0x{next(self._order_numbers)}"
        self.rows[nonce] = order_row(
            order_id, str(nonce), status, **{"postTime": int(time.time() * 1000), **fields}
        )
        return self.rows[nonce]

    def change_order(self, client_order_id: str, status: str, **fields: Any) -> Dict[str, Any]:
        """Something happens to an order."""
        self.rows[int(client_order_id)].update(status=status, **fields)
        return self.rows[int(client_order_id)]

    def fill_order(self, client_order_id: str, price: str = "100", fees: str = "1") -> Dict[str, Any]:
        """An order fills in one part."""
        size = self.rows[int(client_order_id)]["size"]
        return self.change_order(client_order_id, "FILLED", **filled(size, price, fees, int(time.time() * 1000)))

    def _take_order(self, request: Request) -> Dict[str, str]:
        order = request.order
        fields = {name: order[name] for name in ("symbol", "isBuy", "orderType", "limitPrice", "size", "reduceOnly")}
        return {"id": self.add_order(order["nonce"], **fields)["id"]}

    def _cancel_order(self, request: Request) -> Dict[str, str]:
        row = next(row for row in self.rows.values() if row["id"] == request.order["id"])
        row["status"] = "CANCELLED"
        return {"id": row["id"]}

    def _list_orders(self, request: Request) -> List[Dict[str, Any]]:
        query = request.query
        rows = [
            row for row in self.rows.values()
            if query.get("nonce") in (None, str(row["nonce"])) and query.get("status") in (None, row["status"])
            and int(query.get("startTime", 0)) <= row["postTime"] <= int(query.get("endTime", 10 ** 15))
        ]
        return rows[:int(query["limit"])]


# --- A connector

EVENT_NAMES = {
    MarketEvent.BuyOrderCreated: "Created", MarketEvent.SellOrderCreated: "Created",
    MarketEvent.OrderFilled: "Filled", MarketEvent.BuyOrderCompleted: "Completed",
    MarketEvent.SellOrderCompleted: "Completed", MarketEvent.OrderCancelled: "Cancelled",
    MarketEvent.OrderFailure: "Failed", MarketEvent.FundingPaymentCompleted: "Funding",
}


class DerivativeTestCase(IsolatedAsyncioWrapperTestCase):
    """A connector with short pauses (`connector`), the venue it trades at (`venue`) and the events it raised (`events`,
    as pairs of a name and the event). Nothing of it runs in the background unless a test starts it.
    """

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self._use_a_folder_of_its_own()
        self.venue = await self.start_venue()
        self.events: List[Tuple[str, Any]] = []
        self._listeners: List[EventForwarder] = []  # connectors hold their listeners weakly
        self.connector = self.make_connector()
        self.logs = LogRecords(self.connector.logger())
        self.addCleanup(self.logs.detach)
        await self.connector._update_trading_rules()
        self.venue.requests.clear()

    def _use_a_folder_of_its_own(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(hummingbot.set_data_path, hummingbot.data_path())
        hummingbot.set_data_path(folder.name)

    async def start_venue(self) -> Venue:
        venue = Venue()
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", venue.handle)
        server = TestServer(application, handler_cancellation=True, shutdown_timeout=0.1)
        await server.start_server()
        self.addAsyncCleanup(server.close)
        moved = patch.dict(os.environ, {CONSTANTS.SIMULATOR_URL_VARIABLE: f"http://127.0.0.1:{server.port}"})
        moved.start()
        self.addCleanup(moved.stop)
        return venue

    def make_connector(self, **arguments: Any) -> VestPerpetualDerivative:
        connector = VestPerpetualDerivative(**{**dict(
            rate_limits_share_pct=Decimal(100), vest_perpetual_api_key=API_KEY,
            vest_perpetual_signing_private_key=SIGNING_KEY, vest_perpetual_account_group=0,
            trading_pairs=["BTC-USDC", "ETH-USDC"], domain=CONSTANTS.SIMULATOR_DOMAIN,
        ), **arguments})
        self.addAsyncCleanup(connector.stop_network)
        for name in ("CANCEL_CONFIRMATION_POLL_S", "ACCOUNT_REFRESH_PAUSE_S", "FUNDING_REFRESH_PAUSE_S",
                     "LOOKUP_PAUSE_MIN_S", "LOOKUP_PAUSE_MAX_S", "READ_PAUSE_S", "EVENT_LAG_LIMIT_S"):
            self.assertTrue(hasattr(connector, name), name)
            setattr(connector, name, 0.02)
        connector.BOOKS_WAIT_S = 0.0  # there are none
        connector.NEW_ORDER_GRACE_MS = -1000  # the venue's time as we estimate it may move back by as much
        connector._set_current_timestamp(time.time())
        for event, name in EVENT_NAMES.items():
            listener = EventForwarder(lambda heard, name=name: self.events.append((name, heard)))
            self._listeners.append(listener)
            connector.add_listener(event, listener)
        return connector

    # --- What a strategy does

    def order(self, is_buy: bool = True, amount: str = "1", price: Any = "100", trading_pair: str = "BTC-USDC",
              order_type: OrderType = OrderType.LIMIT, position_action: PositionAction = PositionAction.OPEN,
              **fields: Any) -> str:
        """Sends an order and does not wait."""
        send = self.connector.buy if is_buy else self.connector.sell
        return send(
            trading_pair, Decimal(amount), order_type, Decimal(price) if isinstance(price, str) else price,
            position_action=position_action, **fields,
        )

    async def open_order(self, **fields: Any) -> str:
        """Sends an order and waits until the venue has taken it."""
        client_order_id = self.order(**fields)
        await self.until(lambda: "Created" in self.events_of(client_order_id))
        return client_order_id

    def in_flight(self, client_order_id: str):
        return self.connector.in_flight_orders[client_order_id]

    # --- What happens

    def listen(self) -> None:
        """From now on the connector handles the events of the private stream."""
        self.run_in_background(self.connector._user_stream_event_listener())

    def tell(self, event: Any) -> None:
        """The private stream brings an event."""
        self.connector._user_stream_tracker.user_stream.put_nowait(event)

    async def poll(self) -> None:
        """The connector reads orders and account, as it does every few seconds."""
        await self.connector._status_polling_loop_fetch_updates()

    async def poll_apart(self, times: int) -> None:
        """Polls so far apart that each "not found" counts."""
        for _ in range(times):
            await self.poll()
            await asyncio.sleep(self.connector.LOOKUP_PAUSE_MIN_S)

    def run_in_background(self, coroutine: Any) -> asyncio.Task:
        task = asyncio.create_task(coroutine)

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.addAsyncCleanup(end)
        return task

    async def until(self, condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
        await eventually(condition, timeout_s)

    async def until_done(self, client_order_id: str) -> None:
        await self.until(lambda: client_order_id not in self.connector.in_flight_orders)

    async def until_events_are_taken(self) -> None:
        """Which handles them too, but for what the venue has to be asked."""
        await self.until(lambda: self.connector._user_stream_tracker.user_stream.empty())

    async def until_events_are_handled(self) -> None:
        """Also where the venue had to be asked."""
        await self.until_events_are_taken()
        await self.until_idle()

    async def until_idle(self) -> None:
        """Nothing is under way but the reading of the account, which goes on for as long as that may lag."""
        await self.until(lambda: self.connector._tasks <= {self.connector._account_refresh_task})

    # --- What was heard

    def events_of(self, client_order_id: str) -> List[str]:
        """The names of an order's events, in order."""
        return [name for name, event in self.events if getattr(event, "order_id", None) == client_order_id]

    def heard(self, name: str) -> List[Any]:
        """The events of a name."""
        return [event for heard, event in self.events if heard == name]

    def warnings(self) -> List[str]:
        """What was logged at WARNING or above."""
        return self.logs.texts(logging.WARNING)
