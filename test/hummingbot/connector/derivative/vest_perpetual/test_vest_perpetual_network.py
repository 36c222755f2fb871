"""The connector beside its orders and its account: keys that are refused, settings, markets, and the end."""
import gc
import logging
import warnings
from decimal import Decimal
from pathlib import Path
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    API_KEY,
    SIGNING_KEY,
    DerivativeTestCase,
    answering,
    exchange_info,
    market,
    refusing,
)
from test.hummingbot.connector.derivative.vest_perpetual.stream_testing import tasks_of_hummingbot
from unittest.mock import patch

import hummingbot.client.settings
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestUnauthorizedError
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.network_iterator import NetworkStatus

GET_ACCOUNT = ("GET", CONSTANTS.ACCOUNT_PATH)
GET_TICKERS = ("GET", CONSTANTS.TICKER_LATEST_PATH)


class NetworkTests(DerivativeTestCase):
    # --- Keys

    async def test_c29_cancels_go_out_while_the_key_is_refused_and_show_that_it_is_good_again(self):
        client_order_id = await self.open_order()
        await self.until(lambda: self.connector._account_refresh_task.done())
        self.venue.answers[GET_ACCOUNT] = refusing(1002, 401)
        await self.poll()
        self.assertEqual(NetworkStatus.NOT_CONNECTED, await self.connector.check_network())

        self.connector.cancel("BTC-USDC", client_order_id)
        await self.until(lambda: self.venue.sent_cancels)
        await self.until(lambda: self.in_flight(client_order_id).is_pending_cancel_confirmation)

        self.assertEqual(NetworkStatus.CONNECTED, await self.connector.check_network())

    async def test_c29_a_refused_key_is_said_once_and_nothing_private_is_asked_for_a_while(self):
        now_s = self.connector._clock.monotonic_s()
        self.connector._clock.monotonic_s = lambda: now_s
        self.venue.answers[GET_ACCOUNT] = refusing(1002, 401)
        for _ in range(5):
            await self.poll()
        client_order_id = self.order()
        await self.until(lambda: self.events_of(client_order_id))

        error, = self.logs.texts(logging.ERROR)
        self.assertIn("connect vest_perpetual", error)
        self.assertIn("for up to 5 minutes at a time", error)
        self.assertNotIn(API_KEY, error)
        self.assertEqual(1, len(self.venue.private_requests))
        self.assertEqual(["Failed"], self.events_of(client_order_id))
        self.assertIn("1002", self.heard("Failed")[0].error_message)
        self.assertEqual(NetworkStatus.NOT_CONNECTED, await self.connector.check_network())

        now_s += self.connector.KEY_REFUSAL_PAUSE_S + 1  # still refused: one more request, no more words
        self.assertEqual(NetworkStatus.CONNECTED, await self.connector.check_network())
        for _ in range(3):
            await self.poll()
        self.assertEqual(2, len(self.venue.private_requests))
        self.assertEqual(1, len(self.logs.texts(logging.ERROR)))

        now_s += self.connector.KEY_REFUSAL_PAUSE_S + 1  # accepted again
        del self.venue.answers[GET_ACCOUNT]
        await self.poll()
        self.assertEqual(NetworkStatus.CONNECTED, await self.connector.check_network())
        self.assertEqual(Decimal(1000), self.connector.get_balance("USDC"))

        self.venue.answers[GET_ACCOUNT] = refusing(1002, 401)
        await self.poll()
        self.assertEqual(2, len(self.logs.texts(logging.ERROR)))

    async def test_c29_a_refused_signature_concerns_its_order_alone(self):
        self.venue.answers["POST", CONSTANTS.ORDERS_PATH] = refusing(1022, 401)
        client_order_id = self.order()
        await self.until(lambda: self.events_of(client_order_id))
        await self.poll()

        self.assertEqual(["Failed"], self.events_of(client_order_id))
        self.assertEqual(NetworkStatus.CONNECTED, await self.connector.check_network())
        self.assertEqual(Decimal(1000), self.connector.get_balance("USDC"))

    async def test_a01_keys_that_cannot_be_keys_are_said_and_not_sent(self):
        self.connector = self.make_connector(vest_perpetual_signing_private_key="not a key")
        await self.connector._update_trading_rules()
        self.venue.requests.clear()

        await self.poll()

        self.assertEqual([], self.venue.private_requests)
        error, = self.logs.texts(logging.ERROR)
        self.assertIn("vest_perpetual_simulator_signing_private_key", error)
        self.assertNotIn("not a key", error)

    async def test_the_listen_keys_owner_can_say_that_the_key_was_refused(self):
        self.connector.on_api_key_refused(VestUnauthorizedError(1002, "", 401))

        self.assertEqual(NetworkStatus.NOT_CONNECTED, await self.connector.check_network())

    async def test_a02_dummy_keys_serve_market_data(self):
        connector = self.make_connector(
            vest_perpetual_api_key="", vest_perpetual_signing_private_key="", vest_perpetual_account_group="",
            trading_required=False,
        )
        self.venue.answers[GET_TICKERS] = answering({"tickers": [
            {"symbol": "BTC-PERP", "markPrice": "100.5"}, {"symbol": "ETH-PERP", "markPrice": None},
        ]})

        prices = await connector.get_last_traded_prices(["BTC-USDC", "ETH-USDC", "XYZ-USDC"])
        self.assertEqual({"BTC-USDC": 100.5}, prices)
        self.assertEqual(100.5, await connector._get_last_traded_price("BTC-USDC"))
        self.assertEqual(Decimal("100.1234"), connector.quantize_order_price("BTC-USDC", Decimal("100.12345")))
        self.assertEqual({"BTC-USDC", "ETH-USDC"}, set(await connector.all_trading_pairs()))
        self.assertTrue(connector.status_dict["account_balance"])
        self.assertFalse(connector.is_trading_required)
        self.assertEqual([], self.venue.private_requests)
        self.assertEqual([], self.warnings())

    async def test_b21_a_blank_account_group_is_zero(self):
        for value in ("", "0", 0):
            with self.subTest(value=value):
                connector = self.make_connector(vest_perpetual_account_group=value)
                self.assertEqual(0, connector.authenticator.account_group)

    # --- The client's settings

    async def test_b20_the_share_of_the_rate_limits_is_the_clients(self):
        path = Path(hummingbot.data_path()) / "conf_client.yml"
        path.write_text("rate_limits_share_pct: 25\n")
        with patch.object(hummingbot.client.settings, "CLIENT_CONFIG_PATH", path):
            quarter = self.make_connector(rate_limits_share_pct=None)
        with patch.object(hummingbot.client.settings, "CLIENT_CONFIG_PATH", path.with_name("absent.yml")):
            whole = self.make_connector(rate_limits_share_pct=None)

        def pool(connector):
            return connector.throttler.get_related_limits(CONSTANTS.RATE_LIMIT_POOL)[0].limit

        self.assertEqual(pool(whole), CONSTANTS.RATE_LIMIT_POOL_REQUESTS)
        self.assertEqual(pool(quarter), CONSTANTS.RATE_LIMIT_POOL_REQUESTS // 4)

    # --- What is said of the connector

    async def test_facts(self):
        connector = self.connector
        self.assertEqual("vest_perpetual_simulator", connector.name)
        self.assertEqual(connector.name, connector.domain)
        self.assertEqual("", connector.client_order_id_prefix)
        self.assertEqual(16, connector.client_order_id_max_length)
        self.assertFalse(connector.is_cancel_request_in_exchange_synchronous)
        self.assertEqual([OrderType.LIMIT, OrderType.MARKET], connector.supported_order_types())
        self.assertEqual(CONSTANTS.RATE_LIMITS, connector.rate_limits_rules)
        self.assertEqual("USDC", connector.get_buy_collateral_token("BTC-USDC"))

    async def test_fees_are_the_markets(self):
        fee = self.connector.get_fee(
            "BTC", "USDC", OrderType.LIMIT, TradeType.BUY, PositionAction.OPEN, Decimal(1), Decimal(100), is_maker=True
        )
        self.assertEqual(Decimal("0.0001"), fee.percent)

        self.connector._markets.update(exchange_info(market("BTC-PERP", takerFee="0")))
        fee = self.connector.get_fee(
            "BTC", "USDC", OrderType.MARKET, TradeType.SELL, PositionAction.CLOSE, Decimal(1), Decimal(100)
        )
        self.assertEqual(self.connector.trade_fee_schema().taker_percent_fee_decimal, fee.percent)
        self.assertIsNone(await self.connector._update_trading_fees())

    # --- Markets

    async def test_c31_a_market_listed_while_running_has_its_rules_at_once(self):
        self.venue.markets.append(market("SOL-PERP"))

        await self.connector._update_trading_rules()

        self.assertEqual({"BTC-USDC", "ETH-USDC", "SOL-USDC"}, set(self.connector.trading_rules))
        self.assertEqual("SOL-PERP", await self.connector.exchange_symbol_associated_to_pair("SOL-USDC"))

    async def test_c31_no_order_ever_finds_the_rules_missing(self):
        rules = self.connector.trading_rules

        await self.connector._update_trading_rules()

        self.assertEqual({"BTC-USDC", "ETH-USDC"}, set(rules))

    async def test_c33_a_venue_that_is_away_does_not_flood_the_log(self):
        connector = self.connector
        connector._set_trading_pair_symbol_map(None)
        self.venue.answers["GET", CONSTANTS.EXCHANGE_INFO_PATH] = answering({}, 503)
        with patch.object(CONSTANTS, "WS_BACKOFF_MIN_S", 0.005), patch.object(CONSTANTS, "WS_BACKOFF_MAX_S", 0.01):
            self.run_in_background(connector._trading_rules_polling_loop())
            await self.until(lambda: len(self.venue.requests) >= 5)
            self.assertEqual([], await connector.all_trading_pairs())
            del self.venue.answers["GET", CONSTANTS.EXCHANGE_INFO_PATH]
            await self.until(lambda: connector.trading_pair_symbol_map_ready())

        self.assertEqual(1, len(self.warnings()))

    async def test_prices_of_no_known_pair_are_not_asked_for(self):
        self.assertEqual({}, await self.connector.get_last_traded_prices(["XYZ-USDC"]))
        self.assertEqual([], self.venue.requests)

    async def test_the_network_is_checked_with_one_ticker(self):
        self.assertEqual(NetworkStatus.CONNECTED, await self.connector.check_network())
        self.assertEqual({"symbols": "BTC-PERP"}, self.venue.asked(*GET_TICKERS)[0].query)

        fresh = self.make_connector()
        self.assertEqual(NetworkStatus.CONNECTED, await fresh.check_network())

        self.venue.answers[GET_TICKERS] = answering({}, 503)
        self.assertEqual(NetworkStatus.NOT_CONNECTED, await self.connector.check_network())

    # --- The end

    async def test_c31_a_delisted_symbol_does_not_look_like_a_lost_connection(self):
        self.venue.answers["GET", CONSTANTS.TICKER_LATEST_PATH] = refusing(1121)
        self.assertEqual(NetworkStatus.CONNECTED, await self.connector.check_network())

        self.venue.answers["GET", CONSTANTS.TICKER_LATEST_PATH] = answering("blocked", status=403)
        self.assertEqual(NetworkStatus.NOT_CONNECTED, await self.connector.check_network())

    async def test_b25_stopping_closes_the_connections_and_the_connector_can_be_used_again(self):
        for _ in range(2):
            self.assertEqual(NetworkStatus.CONNECTED, await self.connector.check_network())
            self.assertEqual(NetworkStatus.CONNECTED, await self.connector.check_network())
            await self.connector.stop_network()

        callers = [request.caller for request in self.venue.asked(*GET_TICKERS)]
        self.assertEqual([callers[0], callers[0], callers[2], callers[2]], callers)
        self.assertNotEqual(callers[0], callers[2])

    async def test_a20_an_order_that_ends_after_the_stop_begins_nothing(self):
        client_order_id = await self.open_order()
        await self.connector.stop_network()
        self.venue.change_order(client_order_id, "CANCELLED")
        before = tasks_of_hummingbot()

        await self.connector._update_order_status()

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual(set(), tasks_of_hummingbot() - before)

    async def test_a20_stopping_leaves_no_task(self):
        self.connector.CANCEL_WAIT_S = 0.01
        before = tasks_of_hummingbot()
        self.venue.answers["POST", CONSTANTS.ORDERS_PATH] = answering({}, 503)
        client_order_id = self.order()
        await self.until(lambda: self.connector._order_tracker.suspects)
        self.connector.cancel("BTC-USDC", client_order_id)
        self.connector._refresh_account_soon()
        await self.until(lambda: self.logs.count("will be cancelled when Vest has confirmed it"))
        self.assertGreaterEqual(len(tasks_of_hummingbot() - before), 2)

        await self.connector.stop_network()
        await self.until(lambda: tasks_of_hummingbot() <= before)

    async def test_a20_a_task_that_the_stop_ends_before_it_has_begun_is_no_warning(self):
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            self.connector._refresh_account_soon()
            await self.connector.stop_network()
            gc.collect()
        self.assertEqual([], [str(warning.message) for warning in warned if "_refresh_account" in str(warning.message)])

    async def test_a_task_that_fails_unforeseen_is_an_error_in_the_log(self):
        with patch.object(self.connector, "_update_account", side_effect=ZeroDivisionError("nobody foresaw this")):
            self.connector._refresh_account_soon()
            await self.until(lambda: self.logs.count("Unhandled error in background task"))
        self.assertEqual(1, self.logs.count("nobody foresaw this"))

    async def test_the_key_is_never_shown(self):
        self.assertNotIn(API_KEY, repr(self.connector.authenticator))
        self.assertNotIn(SIGNING_KEY, repr(vars(self.connector)))
