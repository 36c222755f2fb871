"""The framework's own tests of a perpetual connector, filled with the venue's words.

Overridden, because the venue is otherwise: the tests that switch to HEDGE (it has ONEWAY alone), and the one that wants
an order FILLED without a fill (here the fills are made of the very answer that says FILLED).
"""
import asyncio
import json
import tempfile
import time
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    API_KEY,
    SIGNING_KEY,
    account,
    exchange_info,
    filled,
    market,
    order_event,
    order_row,
    position,
    url_of,
    url_pattern,
)
from typing import Any, Callable, Dict, List, Optional, Tuple
from unittest.mock import patch

from aioresponses import CallbackResult, aioresponses
from aioresponses.core import RequestCall

import hummingbot
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_derivative import VestPerpetualDerivative
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import describe_code
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import ChannelMessage
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_user_stream_data_source import STREAM_RECONNECTED
from hummingbot.connector.test_support.perpetual_derivative_test import AbstractPerpetualDerivativeTests
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, TradeType
from hummingbot.core.data_type.funding_info import FundingInfo
from hummingbot.core.data_type.in_flight_order import InFlightOrder
from hummingbot.core.data_type.trade_fee import TokenAmount, TradeFeeBase
from hummingbot.core.event.event_logger import EventLogger
from hummingbot.core.event.events import AccountEvent, PositionModeChangeEvent

Callback = Optional[Callable]
NOW_S = 1_640_780_000.0


class VestPerpetualDerivativeTests(AbstractPerpetualDerivativeTests.PerpetualDerivativeTests):
    """Client order ids are nonces, so the mixin's prefix and number make decimal numbers."""

    client_order_id_prefix = "1"
    exchange_order_id_prefix = "0x2"

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.quote_asset = "USDC"
        cls.trading_pair = f"{cls.base_asset}-{cls.quote_asset}"
        cls.symbol = f"{cls.base_asset}-PERP"

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(hummingbot.set_data_path, hummingbot.data_path())
        hummingbot.set_data_path(folder.name)
        self.funding_time_ms = int(time.time() * 1000) + 60_000
        self.account_positions: List[Dict[str, Any]] = []
        super().setUp()
        self.addAsyncCleanup(self.exchange.stop_network)

    def create_exchange_instance(self) -> VestPerpetualDerivative:
        exchange = VestPerpetualDerivative(
            vest_perpetual_api_key=API_KEY,
            vest_perpetual_signing_private_key=SIGNING_KEY,
            vest_perpetual_account_group=0,
            trading_pairs=[self.trading_pair],
        )
        exchange.NEW_ORDER_GRACE_MS = 0
        exchange.CANCEL_CONFIRMATION_S = 0.0
        exchange.FUNDING_REFRESH_PAUSE_S = 0.0
        exchange.order_book_tracker.data_source._time = lambda: NOW_S
        exchange._markets.update(exchange_info(market(self.symbol)))
        return exchange

    def _simulate_trading_rules_initialized(self) -> None:
        super()._simulate_trading_rules_initialized()
        self.exchange._perpetual_trading.initialize_funding_info(FundingInfo(
            self.trading_pair, Decimal(1), Decimal(2), 0, Decimal(self.target_funding_payment_funding_rate)
        ))

    # --- Where the end points are

    @property
    def all_symbols_url(self):
        return url_of(CONSTANTS.EXCHANGE_INFO_PATH)

    @property
    def trading_rules_url(self):
        return url_of(CONSTANTS.EXCHANGE_INFO_PATH)

    @property
    def latest_prices_url(self):
        return f"{url_of(CONSTANTS.TICKER_LATEST_PATH)}?symbols={self.symbol}"

    @property
    def network_status_url(self):
        return url_pattern(CONSTANTS.TICKER_LATEST_PATH)

    @property
    def funding_info_url(self):
        return self.latest_prices_url

    @property
    def order_creation_url(self):
        return url_of(CONSTANTS.ORDERS_PATH)

    @property
    def cancel_url(self):
        return url_of(CONSTANTS.ORDERS_CANCEL_PATH)

    @property
    def orders_url(self):
        return url_pattern(CONSTANTS.ORDERS_PATH)

    @property
    def balance_url(self):
        return url_of(CONSTANTS.ACCOUNT_PATH)

    @property
    def leverage_url(self):
        return url_of(CONSTANTS.ACCOUNT_LEVERAGE_PATH)

    @property
    def funding_payment_url(self):
        return self.orders_url

    def exchange_symbol_for_tokens(self, base_token: str, quote_token: str) -> str:
        return f"{base_token}-PERP"

    # --- Answers about markets

    @property
    def all_symbols_request_mock_response(self):
        return exchange_info(market(self.symbol))

    @property
    def all_symbols_including_invalid_pair_mock_response(self) -> Tuple[str, Any]:
        return "INVALID-PAIR", exchange_info(market(self.symbol), market("INVALID-PAIR"))

    @property
    def trading_rules_request_mock_response(self):
        return exchange_info(market(self.symbol, sizeDecimals=3, priceDecimals=2))

    @property
    def trading_rules_request_erroneous_mock_response(self):
        return exchange_info({"symbol": self.symbol, "priceDecimals": 2})

    @property
    def expected_logged_error_for_erroneous_trading_rule(self):
        return "A market of Vest cannot be read and is left out: exchangeInfo.symbols.sizeDecimals: missing"

    @property
    def expected_trading_rule(self):
        return TradingRule(
            trading_pair=self.trading_pair,
            min_order_size=Decimal("0.001"),
            min_price_increment=Decimal("0.01"),
            min_base_amount_increment=Decimal("0.001"),
            buy_order_collateral_token="USDC",
            sell_order_collateral_token="USDC",
        )

    @property
    def latest_prices_request_mock_response(self):
        return {"tickers": [self._ticker(markPrice=str(self.expected_latest_price))]}

    @property
    def network_status_request_successful_mock_response(self):
        return {"tickers": [self._ticker()]}

    @property
    def funding_info_mock_response(self):
        return {"tickers": [self._ticker()]}

    def _ticker(self, **fields: Any) -> Dict[str, Any]:
        return {
            "symbol": self.symbol,
            "markPrice": str(self.target_funding_info_mark_price),
            "indexPrice": str(self.target_funding_info_index_price),
            "imbalance": "0",
            "oneHrFundingRate": str(self.target_funding_info_rate),
            "cumFunding": "0",
            "status": "TRADING",
            **fields,
        }

    @property
    def target_funding_info_next_funding_utc_timestamp(self):
        return int(NOW_S) // 3600 * 3600 + 3600  # the next full hour

    def funding_info_event_for_websocket_update(self):
        return ChannelMessage(f"{self.symbol}@ticker", self._ticker(), time_ms=None)

    @property
    def expected_latest_price(self):
        return 9999.9

    @property
    def expected_supported_order_types(self):
        return [OrderType.LIMIT, OrderType.MARKET]

    @property
    def expected_supported_position_modes(self) -> List[PositionMode]:
        return [PositionMode.ONEWAY]

    def test_get_buy_and_sell_collateral_tokens(self):
        self.assertEqual("USDC", self.exchange.get_buy_collateral_token(self.trading_pair))
        self.assertEqual("USDC", self.exchange.get_sell_collateral_token(self.trading_pair))

    # --- Answers about the account

    @property
    def balance_request_mock_response_for_base_and_quote(self):
        return account(balances=[
            {"asset": self.base_asset, "total": "15", "locked": "5"},
            {"asset": self.quote_asset, "total": "2000", "locked": "0"},
        ])

    @property
    def balance_request_mock_response_only_base(self):
        return account(balances=[{"asset": self.base_asset, "total": "15", "locked": "5"}])

    @property
    def balance_event_websocket_update(self):
        """The venue's events hold no balances: one about a transfer makes the connector read the account."""
        mock_api = aioresponses()
        mock_api.start()
        self.addCleanup(mock_api.stop)
        mock_api.get(
            url_pattern(CONSTANTS.ACCOUNT_PATH), payload=self.balance_request_mock_response_only_base, repeat=True
        )
        return {
            "channel": CONSTANTS.ACCOUNT_PRIVATE_CHANNEL,
            "data": {"event": "TRANSFER", "args": {
                "id": "0x9", "size": "15", "orderType": "DEPOSIT", "status": "FILLED", "postTime": 1640780000000,
            }},
        }

    def position_event_for_full_fill_websocket_update(self, order: InFlightOrder, unrealized_pnl: float):
        """The venue's events hold no positions either: they are read after a fill and when the stream (re)connects."""
        self.account_positions = [position(
            self.symbol, str(order.amount), is_long=order.trade_type is TradeType.BUY, unrealizedPnl=str(unrealized_pnl)
        )]
        return STREAM_RECONNECTED

    def configure_successful_set_leverage(
            self, leverage: int, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ):
        mock_api.post(self.leverage_url, payload={"symbol": self.symbol, "value": leverage}, callback=callback)
        return self.leverage_url

    def configure_failed_set_leverage(
            self, leverage: int, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ) -> Tuple[str, str]:
        mock_api.post(
            self.leverage_url, status=400, payload={"code": 3021, "msg": "position is open"}, callback=callback
        )
        return self.leverage_url, describe_code(3021, "position is open")

    def configure_successful_set_position_mode(self, position_mode, mock_api, callback=None):
        """There is nothing to ask the venue."""

    def configure_failed_set_position_mode(self, position_mode, mock_api, callback=None) -> Tuple[str, str]:
        return "", "Vest has one position per symbol: use ONEWAY"

    # --- Answers about funding payments

    @property
    def target_funding_payment_timestamp(self):
        return self.funding_time_ms  # one before the session counts as published by an earlier one

    @property
    def empty_funding_payment_mock_response(self):
        return []

    @property
    def funding_payment_mock_response(self):
        return [order_row(
            "0x77", "77", "FILLED", symbol=self.symbol, settledFunding=str(self.target_funding_payment_payment_amount),
            **filled("1", "10000", "1", time_ms=self.target_funding_payment_timestamp),
        )]

    # --- Answers about orders

    @property
    def order_creation_request_successful_mock_response(self):
        return {"id": self.expected_exchange_order_id}

    @property
    def expected_exchange_order_id(self):
        return "0x28"

    @property
    def is_order_fill_http_update_included_in_status_update(self) -> bool:
        return True  # the fills are made of the status

    @property
    def is_order_fill_http_update_executed_during_websocket_order_event_processing(self) -> bool:
        return True  # the account is read after a fill

    @property
    def expected_partial_fill_price(self) -> Decimal:
        return Decimal("10000")

    @property
    def expected_partial_fill_amount(self) -> Decimal:
        return Decimal("0.5")

    @property
    def expected_fill_fee(self) -> TradeFeeBase:
        # The class of a fee depends on whether the order opens a position, which only some of the mixin's orders say.
        event = self.order_filled_logger.event_log[0]
        return TradeFeeBase.new_perpetual_fee(
            fee_schema=self.exchange.trade_fee_schema(),
            position_action=PositionAction(event.position),
            percent_token="USDC",
            flat_fees=[TokenAmount("USDC", Decimal("30"))],
        )

    @property
    def expected_fill_trade_id(self) -> str:
        return f"{self.expected_exchange_order_id}-filled"

    def _row(self, order: InFlightOrder, status: str, **fields: Any) -> Dict[str, Any]:
        return order_row(
            order.exchange_order_id or self.expected_exchange_order_id, order.client_order_id, status,
            symbol=self.symbol, isBuy=order.trade_type is TradeType.BUY, size=str(order.amount), **fields,
        )

    def _filled_row(self, order: InFlightOrder) -> Dict[str, Any]:
        return self._row(order, "FILLED", **filled(str(order.amount), str(order.price), "30"))

    def _answer_orders(
            self, mock_api: aioresponses, rows: List[Dict[str, Any]], callback: Callback = lambda *args, **kwargs: None
    ):
        """`GET /orders` serves the list and the look-up by nonce alike."""
        mock_api.get(self.orders_url, payload=rows, callback=callback, repeat=True)
        return self.orders_url

    def configure_successful_cancelation_response(
            self, order: InFlightOrder, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ) -> str:
        mock_api.post(self.cancel_url, payload={"id": order.exchange_order_id}, callback=callback)
        return self.cancel_url

    def configure_erroneous_cancelation_response(
            self, order: InFlightOrder, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ) -> str:
        mock_api.post(self.cancel_url, status=400, payload={"code": 1022, "msg": "bad signature"}, callback=callback)
        return self.cancel_url

    def configure_order_not_found_error_cancelation_response(
            self, order: InFlightOrder, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ) -> str:
        mock_api.post(self.cancel_url, status=400, payload={"code": 3017, "msg": "not found"}, callback=callback)
        self._answer_orders(mock_api, [])  # 3017 is said of done orders too; only this proves that there is none (B2)
        return self.cancel_url

    def configure_one_successful_one_erroneous_cancel_all_response(
            self, successful_order: InFlightOrder, erroneous_order: InFlightOrder, mock_api: aioresponses
    ) -> List[str]:
        def answer(url, **kwargs):
            order_id = json.loads(kwargs["data"])["order"]["id"]
            if order_id == successful_order.exchange_order_id:
                return CallbackResult(payload={"id": order_id})
            return CallbackResult(status=400, payload={"code": 1022, "msg": "bad signature"})

        mock_api.post(self.cancel_url, callback=answer, repeat=True)
        return [self.cancel_url]

    def configure_completely_filled_order_status_response(
            self, order: InFlightOrder, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ):
        self._answer_account(mock_api)
        return self._answer_orders(mock_api, [self._filled_row(order)], callback)

    def configure_canceled_order_status_response(
            self, order: InFlightOrder, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ):
        return self._answer_orders(mock_api, [self._row(order, "CANCELLED")], callback)

    def configure_open_order_status_response(
            self, order: InFlightOrder, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ):
        return self._answer_orders(mock_api, [self._row(order, "NEW")], callback)

    def configure_http_error_order_status_response(
            self, order: InFlightOrder, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ):
        # An HTTP error says nothing about the order and must not count (framework gap B2); that it is not there does.
        return self._answer_orders(mock_api, [], callback)

    def configure_order_not_found_error_order_status_response(
            self, order: InFlightOrder, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ):
        return self._answer_orders(mock_api, [], callback)

    def configure_partially_filled_order_status_response(
            self, order: InFlightOrder, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ):
        self._answer_account(mock_api)
        fields = filled(str(self.expected_partial_fill_amount), str(self.expected_partial_fill_price), "30")
        return self._answer_orders(mock_api, [self._row(order, "PARTIALLY_FILLED", **fields)], callback)

    def configure_partial_fill_trade_response(
            self, order: InFlightOrder, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ):
        """Nothing: the fill is in the status."""

    def configure_erroneous_http_fill_trade_response(
            self, order: InFlightOrder, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ):
        """Nothing: the fill is in the status."""

    def configure_full_fill_trade_response(
            self, order: InFlightOrder, mock_api: aioresponses, callback: Callback = lambda *args, **kwargs: None
    ):
        """What is read besides the status: the account, and when the stream connects the open orders (none)."""
        self._answer_account(mock_api)
        mock_api.get(self.orders_url, payload=[self._filled_row(order)], callback=callback, repeat=True)

    def _answer_account(self, mock_api: aioresponses) -> None:
        leverages = [{"symbol": self.symbol, "value": self.exchange.get_leverage(self.trading_pair)}]
        mock_api.get(
            url_pattern(CONSTANTS.ACCOUNT_PATH), repeat=True,
            payload=account(positions=self.account_positions, leverages=leverages),
        )

    def order_event_for_new_order_websocket_update(self, order: InFlightOrder):
        return order_event(self._row(order, "NEW"))

    def order_event_for_canceled_order_websocket_update(self, order: InFlightOrder):
        # A cancellation carries no more than this (protocol section 6).
        row = self._row(order, "CANCELLED")
        return order_event({name: row[name] for name in ("id", "nonce", "status", "postTime")})

    def order_event_for_full_fill_websocket_update(self, order: InFlightOrder):
        return order_event(self._filled_row(order))

    def trade_event_for_full_fill_websocket_update(self, order: InFlightOrder):
        """None: the fill is in the order's event."""

    # --- What requests must hold

    def validate_auth_credentials_present(self, request_call: RequestCall):
        headers = request_call.kwargs["headers"]
        self.assertEqual(API_KEY, headers[CONSTANTS.API_KEY_HEADER])
        self.assertEqual("restserver0", headers[CONSTANTS.ACCOUNT_GROUP_HEADER])

    def validate_order_creation_request(self, order: InFlightOrder, request_call: RequestCall):
        body = json.loads(request_call.kwargs["data"])
        self.assertTrue(body["signature"].startswith("0x"))
        self.assertEqual(5000, body["recvWindow"])
        sent = body["order"]
        self.assertLess(abs(sent.pop("time") - time.time() * 1000), 60_000)
        self.assertEqual({
            "nonce": int(order.client_order_id),
            "symbol": self.symbol,
            "isBuy": order.trade_type is TradeType.BUY,
            "size": f"{order.amount:.6f}",
            "orderType": "LIMIT",
            "limitPrice": f"{order.price:.4f}",
            "reduceOnly": order.position is PositionAction.CLOSE,
            "timeInForce": "GTC",
        }, sent)

    def validate_order_cancelation_request(self, order: InFlightOrder, request_call: RequestCall):
        sent = json.loads(request_call.kwargs["data"])["order"]
        self.assertEqual(order.exchange_order_id, sent["id"])
        self.assertNotEqual(int(order.client_order_id), sent["nonce"])

    def validate_order_status_request(self, order: InFlightOrder, request_call: RequestCall):
        params = request_call.kwargs["params"]
        now_ms = time.time() * 1000  # the order is of now, whatever the framework's test says of it
        self.assertTrue(now_ms - 60_000 < params["startTime"] < now_ms, params)
        self.assertEqual(1000, params["limit"])
        self.assertIn("time", params)

    def validate_trades_request(self, order: InFlightOrder, request_call: RequestCall):
        self.fail("the venue has no end point for fills")

    # --- Overridden

    def test_set_position_mode_failure(self):
        """As the mixin's; the venue is not asked, because it has ONEWAY alone, and the strategy hears of it (A7)."""
        failures = EventLogger()
        self.exchange.add_listener(AccountEvent.PositionModeChangeFailed, failures)

        self.exchange.set_position_mode(PositionMode.HEDGE)

        self.assertTrue(self.is_logged("ERROR", f"Position mode {PositionMode.HEDGE} is not supported. Mode not set."))
        event, = failures.event_log
        self.assertEqual(
            (self.trading_pair, PositionMode.HEDGE, "Vest has one position per symbol: use ONEWAY"),
            (event.trading_pair, event.position_mode, event.message),
        )
        self.assertEqual(PositionMode.ONEWAY, self.exchange.position_mode)

    async def test_set_position_mode_success(self):
        """As the mixin's, for the one mode there is."""
        successes = EventLogger()
        self.exchange.add_listener(AccountEvent.PositionModeChangeSucceeded, successes)

        self.exchange.set_position_mode(PositionMode.ONEWAY)
        await asyncio.wait_for(successes.wait_for(PositionModeChangeEvent), timeout=20)

        self.assertEqual(PositionMode.ONEWAY, self.exchange.position_mode)
        self.assertEqual([], [record for record in self.log_records if record.levelname in ("WARNING", "ERROR")])

    @aioresponses()
    async def test_update_order_status_when_filled_correctly_processed_even_when_trade_fill_update_fails(
            self, mock_api
    ):
        """As the mixin's in that the order is done; but there is no request for fills that could fail on its own."""
        self.exchange._set_current_timestamp(NOW_S)
        self.exchange.start_tracking_order(
            order_id="11", exchange_order_id=self.expected_exchange_order_id, trading_pair=self.trading_pair,
            order_type=OrderType.LIMIT, trade_type=TradeType.BUY, price=Decimal("10000"), amount=Decimal("1"),
        )
        order = self.exchange.in_flight_orders["11"]
        self._answer_account(mock_api)
        # Neither price nor fee of the fill is said; the order's own price and the market's fee make up for them.
        self._answer_orders(mock_api, [self._row(order, "FILLED")], None)

        with patch.object(self.exchange, "_sleep"):
            await self.exchange._update_order_status()

        self.assertTrue(order.is_filled)
        fill, = self.order_filled_logger.event_log
        completed, = self.buy_order_completed_logger.event_log
        self.assertEqual((Decimal("1"), Decimal("10000")), (fill.amount, fill.price))
        self.assertEqual([TokenAmount("USDC", Decimal("1"))], fill.trade_fee.flat_fees)
        self.assertEqual(Decimal("10000"), completed.quote_asset_amount)
