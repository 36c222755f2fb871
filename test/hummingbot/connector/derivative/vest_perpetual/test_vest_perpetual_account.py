"""The account: balances, positions, leverage, keys that are refused, and what a connector leaves behind."""
import asyncio
import gc
import logging
import time
import warnings
from decimal import Decimal
from pathlib import Path
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    API_KEY,
    SIGNING_KEY,
    DerivativeTestCase,
    account,
    answering,
    exchange_info,
    filled,
    market,
    order_event,
    position,
    refusing,
)
from unittest.mock import patch

import hummingbot.client.settings
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestUnauthorizedError
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, PositionSide, TradeType
from hummingbot.core.event.event_logger import EventLogger
from hummingbot.core.event.events import AccountEvent
from hummingbot.core.network_iterator import NetworkStatus

GET_ACCOUNT = ("GET", CONSTANTS.ACCOUNT_PATH)
GET_TICKERS = ("GET", CONSTANTS.TICKER_LATEST_PATH)
POST_LEVERAGE = ("POST", CONSTANTS.ACCOUNT_LEVERAGE_PATH)


def usdc(total, locked="0"):
    return [{"asset": "USDC", "total": total, "locked": locked}]


class AccountTests(DerivativeTestCase):
    # --- Balances

    async def test_a03_balances_are_the_venues(self):
        cases = [
            (account(balances=usdc("1000", "250")), "1000", "750"),
            (account(balances=usdc("1000", "250"), withdrawable="600"), "1000", "600"),
            (account(balances=usdc("1000", "250"), withdrawable="900"), "1000", "750"),
            (account(balances=usdc("100", "250")), "100", "0"),
            (account(balances=usdc("1000"), withdrawable="-5"), "1000", "0"),
            (account(balances=usdc("1000", None)), "1000", "1000"),
            (account(balances=[]), "0", "0"),
            (account(balances=None), "0", "0"),
            ({"time": 5}, "0", "0"),
        ]
        for answer, total, available in cases:
            with self.subTest(answer=answer):
                self.venue.account = answer
                await self.poll()

                self.assertEqual({"USDC": Decimal(total)}, self.connector.get_all_balances())
                self.assertEqual(Decimal(available), self.connector.available_balances["USDC"])

        self.assertEqual([], self.warnings())

    async def test_a_balance_that_is_gone_is_forgotten(self):
        self.venue.account = account(balances=[*usdc("1"), {"asset": "BTC", "total": "2", "locked": "1"}])
        await self.poll()
        self.assertEqual(Decimal(1), self.connector.available_balances["BTC"])

        self.venue.account = account()
        await self.poll()

        self.assertNotIn("BTC", self.connector.get_all_balances())

    async def test_an_account_that_cannot_be_read_is_said_once_and_kept_as_it_was(self):
        await self.poll()
        for answer in (answering({}, 503), answering({"balances": "all"}), answering([])):
            self.venue.answers[GET_ACCOUNT] = answer
            for _ in range(3):
                await self.poll()

        self.assertEqual(Decimal(1000), self.connector.get_balance("USDC"))
        self.assertEqual(3, len(self.warnings()))

    async def test_an_answer_that_was_overtaken_is_dropped(self):
        first_answers_now = asyncio.Event()

        async def hold(request):
            self.venue.answers.clear()
            await first_answers_now.wait()
            return await answering(account(balances=usdc("1")))(request)

        self.venue.answers[GET_ACCOUNT] = hold
        late = self.run_in_background(self.connector._update_balances())
        await self.until(lambda: self.venue.asked(*GET_ACCOUNT))
        await self.connector._update_balances()
        first_answers_now.set()
        await late

        self.assertEqual(Decimal(1000), self.connector.get_balance("USDC"))

    async def test_b09_the_account_is_read_after_fills_and_that_together(self):
        self.assertTrue(self.connector.real_time_balance_update)
        self.listen()
        await self.poll()
        self.connector.ACCOUNT_REFRESH_PAUSE_S = 0.1
        client_order_id = await self.open_order(amount="10")
        row = self.venue.rows[int(client_order_id)]
        self.venue.account = account(balances=usdc("900"), positions=[position("BTC-PERP", "5")])
        self.venue.requests.clear()

        for number in range(5):
            fields = filled("1", "100", "1", time_ms=1795348800000 + number)
            self.tell(order_event({**row, "status": "PARTIALLY_FILLED", **fields}))
        await self.until(lambda: len(self.heard("Filled")) == 5)
        await self.until(lambda: "BTC-USDC" in self.connector.account_positions)
        self.assertEqual(Decimal(900), self.connector.get_balance("USDC"))
        self.venue.account = account(balances=usdc("899"), positions=[position("BTC-PERP", "5")])  # it lagged
        await self.until(lambda: self.connector.get_balance("USDC") == 899)
        await self.until(lambda: self.connector._account_refresh_task.done())

        self.assertLessEqual(len(self.venue.asked(*GET_ACCOUNT)), 3)

    async def test_a16_the_account_is_read_after_a_fill_until_it_shows_the_position(self):
        await self.poll()
        client_order_id = await self.open_order(amount="2")
        self.listen()
        self.tell(order_event(self.venue.fill_order(client_order_id)))
        await self.until(lambda: self.heard("Filled"))
        self.venue.requests.clear()

        await self.until(lambda: len(self.venue.asked(*GET_ACCOUNT)) >= 4)  # the account lags
        self.venue.account = account(positions=[position("BTC-PERP", "2")])

        await self.until(lambda: "BTC-USDC" in self.connector.account_positions)
        await self.until(lambda: self.connector._account_refresh_task.done())
        self.assertEqual([], self.venue.asked("GET", CONSTANTS.ORDERS_PATH))

    async def test_a04_the_available_balance_follows_orders_that_are_placed_and_cancelled(self):
        self.listen()
        self.venue.account = account(balances=usdc("1000", locked="10"))
        client_order_id = await self.open_order()
        await self.until(lambda: self.connector.get_available_balance("USDC") == 990)
        await self.until(lambda: self.connector._account_refresh_task.done())

        self.venue.account = account(balances=usdc("1000"))
        self.tell(order_event(self.venue.change_order(client_order_id, "CANCELLED")))
        await self.until(lambda: self.connector.get_available_balance("USDC") == 1000)

    async def test_b09_news_of_many_orders_cost_few_readings_of_the_account(self):
        self.connector.ACCOUNT_REFRESH_PAUSE_S = 0.2
        started_s = time.monotonic()
        for _ in range(10):
            await self.open_order()
            await self.connector._sleep(0.02)
        self.assertLessEqual(len(self.venue.asked(*GET_ACCOUNT)), 1 + (time.monotonic() - started_s) / 0.2)

    async def test_b09_an_account_that_cannot_be_read_after_a_fill_is_said(self):
        self.listen()
        client_order_id = await self.open_order()
        self.venue.answers[GET_ACCOUNT] = answering({}, 503)

        self.tell(order_event(self.venue.fill_order(client_order_id)))
        await self.until(lambda: self.warnings())

        self.assertIn("The account could not be read", self.warnings()[0])
        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))

    # --- Positions

    async def test_a16_positions_are_the_venues(self):
        self.venue.account = account(
            positions=[
                position("BTC-PERP", "1.5", entryPrice="100.5", unrealizedPnl="-2.5"),
                position("ETH-PERP", "2", is_long=False, unrealizedPnl=None),
                position("XYZ-PERP", "3"),
            ],
            leverages=[{"symbol": "BTC-PERP", "value": 7}, {"symbol": "XYZ-PERP", "value": 3}],
        )
        await self.poll()

        positions = self.connector.account_positions
        self.assertEqual({"BTC-USDC", "ETH-USDC"}, set(positions))
        btc, eth = positions["BTC-USDC"], positions["ETH-USDC"]
        self.assertEqual(
            (PositionSide.LONG, Decimal("1.5"), Decimal("100.5"), Decimal("-2.5"), Decimal(7)),
            (btc.position_side, btc.amount, btc.entry_price, btc.unrealized_pnl, btc.leverage),
        )
        self.assertEqual(
            (PositionSide.SHORT, Decimal(-2), Decimal(0), Decimal(1)),
            (eth.position_side, eth.amount, eth.unrealized_pnl, eth.leverage),
        )

    async def test_a16_a_closed_position_disappears_while_others_stay(self):
        self.venue.account = account(positions=[position("BTC-PERP", "1"), position("ETH-PERP", "1")])
        await self.poll()
        for rows in ([position("ETH-PERP", "1")], [position("ETH-PERP", "1"), position("BTC-PERP", "0")]):
            self.venue.account = account(positions=rows)
            await self.connector._update_positions()

            self.assertEqual({"ETH-USDC"}, set(self.connector.account_positions))

    # --- Rows that cannot be read

    async def test_a_row_that_cannot_be_read_hides_no_other_and_is_said_once(self):
        self.venue.account = account(
            balances=usdc("1000"), positions=[position("BTC-PERP", "2"), position("ETH-PERP", "3")],
        )
        await self.connector._update_account()
        self.venue.account = account(
            balances=[*usdc("900"), {"asset": "XYZ", "total": "a lot"}],
            positions=[position("BTC-PERP", "much"), position("ETH-PERP", "4")],
            leverages=[{"symbol": "BTC-PERP", "value": "high"}, {"symbol": "ETH-PERP", "value": 6}],
        )
        for _ in range(2):
            await self.connector._update_account()

        self.assertEqual(900, self.connector.get_balance("USDC"))
        amounts = {pair: held.amount for pair, held in self.connector.account_positions.items()}
        self.assertEqual({"BTC-USDC": 2, "ETH-USDC": 4}, amounts)
        self.assertEqual(6, self.connector.get_leverage("ETH-USDC"))
        self.assertEqual(3, len(self.warnings()))
        for field in ("account.balances.total", "account.positions.size", "leverage.value"):
            self.assertEqual(1, self.logs.count(field), field)

    async def test_what_cannot_be_read_does_not_disappear(self):
        known = account(balances=usdc("1000", "250"), positions=[position("BTC-PERP", "2")])
        unreadable = [
            account(balances=[{"asset": "USDC", "total": None}], positions=[{"symbol": "BTC-PERP"}]),
            account(balances=["USDC"], positions=[None]),
        ]
        for answer in unreadable:
            with self.subTest(answer=answer):
                for self.venue.account in (known, answer):
                    await self.connector._update_account()
                self.assertEqual(1000, self.connector.get_balance("USDC"))
                self.assertEqual(750, self.connector.available_balances["USDC"])
                self.assertEqual(2, self.connector.account_positions["BTC-USDC"].amount)

    async def test_a16_a_closed_position_goes_whatever_its_row_lacks(self):
        closed = {"symbol": "BTC-PERP", "isLong": None, "size": "0", "entryPrice": None}
        for self.venue.account in (account(positions=[position("BTC-PERP", "2")]), account(positions=[closed])):
            await self.connector._update_account()

        self.assertEqual({}, self.connector.account_positions)
        self.assertEqual([], self.warnings())

    async def test_a_readable_account_lets_positions_and_balances_disappear(self):
        self.venue.account = account(balances=[*usdc("1"), {"asset": "XYZ", "total": "5"}],
                                     positions=[position("BTC-PERP", "2")])
        await self.connector._update_account()
        self.venue.account = account(balances=usdc("1"))
        await self.connector._update_account()

        self.assertEqual({}, self.connector.account_positions)
        self.assertEqual({"USDC": 1}, self.connector.get_all_balances())

    # --- Position mode and leverage

    async def test_a07_hedge_is_refused_and_oneway_is_silent(self):
        heard = {event: EventLogger() for event in (
            AccountEvent.PositionModeChangeFailed, AccountEvent.PositionModeChangeSucceeded
        )}
        for event, logger in heard.items():
            self.connector.add_listener(event, logger)

        self.connector.set_position_mode(PositionMode.HEDGE)
        self.connector.set_position_mode(PositionMode.ONEWAY)
        await self.until(lambda: heard[AccountEvent.PositionModeChangeSucceeded].event_log)

        self.assertEqual(
            ["BTC-USDC", "ETH-USDC"],
            [event.trading_pair for event in heard[AccountEvent.PositionModeChangeFailed].event_log],
        )
        self.assertEqual(PositionMode.ONEWAY, self.connector.position_mode)
        self.assertEqual(1, len(self.warnings()))
        self.assertEqual((True, ""), await self.connector._trading_pair_position_mode_set(PositionMode.ONEWAY, ""))
        self.assertFalse((await self.connector._trading_pair_position_mode_set(PositionMode.HEDGE, ""))[0])

    async def set_leverage(self, leverage, trading_pair="BTC-USDC"):
        await self.connector._execute_set_leverage(trading_pair, leverage)

    async def test_b24_the_leverage_recorded_is_the_venues(self):
        self.venue.answers[POST_LEVERAGE] = answering({"symbol": "BTC-PERP", "value": 4})

        self.connector.set_leverage("BTC-USDC", 5)
        await self.until(lambda: self.connector.get_leverage("BTC-USDC") == 4)

        sent, = self.venue.asked(*POST_LEVERAGE)
        self.assertEqual(("BTC-PERP", 5), (sent.body["symbol"], sent.body["value"]))
        self.assertEqual(1, self.logs.count("Leverage for BTC-USDC successfully set to 4."))

    async def test_b24_a_leverage_changed_elsewhere_is_noticed(self):
        self.venue.account = account(leverages=[{"symbol": "ETH-PERP", "value": "9"}])
        await self.poll()

        self.assertEqual(9, self.connector.get_leverage("ETH-USDC"))

    async def test_a08_a_leverage_above_the_pairs_highest_is_clamped_and_said(self):
        await self.set_leverage(50)

        self.assertEqual(10, self.connector.get_leverage("BTC-USDC"))
        warning, = self.warnings()
        self.assertIn("Leverage 50 is more than Vest allows for BTC-USDC; 10 is set instead.", warning)

    async def test_a08_any_leverage_goes_where_the_venue_says_no_highest(self):
        self.connector._markets.update(exchange_info(market("BTC-PERP", initMarginRatio=None)))

        await self.set_leverage(50)

        self.assertEqual(50, self.connector.get_leverage("BTC-USDC"))

    async def test_a_leverage_that_is_refused_stays_as_it_was(self):
        self.venue.answers[POST_LEVERAGE] = refusing(3021)

        await self.set_leverage(5)

        self.assertEqual(1, self.connector.get_leverage("BTC-USDC"))
        self.assertEqual(1, len(self.venue.asked(*POST_LEVERAGE)))
        self.assertEqual(1, self.logs.count("Error setting leverage 5 for BTC-USDC: Vest error 3021"))

    async def test_a_leverage_of_unknown_outcome_is_set_again(self):
        self.connector.LEVERAGE_PAUSE_S = 0.01
        answers = [answering({}, 503), answering({}, 502), self.venue.usual]

        async def answer(request):
            return await answers.pop(0)(request)

        self.venue.answers[POST_LEVERAGE] = answer
        await self.set_leverage(5)

        self.assertEqual(5, self.connector.get_leverage("BTC-USDC"))

    async def test_a08_a_leverage_that_is_set_without_a_word_is_the_one_asked_for(self):
        self.venue.answers[POST_LEVERAGE] = answering({})

        await self.set_leverage(5)

        self.assertEqual(5, self.connector.get_leverage("BTC-USDC"))
        self.assertEqual(0, self.logs.count("Error setting leverage"))

    async def test_a_leverage_that_cannot_be_set_is_given_up(self):
        self.connector.LEVERAGE_PAUSE_S = 0.01
        self.venue.answers[POST_LEVERAGE] = answering({}, 503)

        await self.set_leverage(5)

        self.assertEqual(self.connector.LEVERAGE_ATTEMPTS, len(self.venue.asked(*POST_LEVERAGE)))
        self.assertEqual(1, self.logs.count("Error setting leverage 5 for BTC-USDC"))

    async def test_a_leverage_of_an_unknown_pair_is_not_sent(self):
        await self.set_leverage(5, "XYZ-USDC")

        self.assertEqual([], self.venue.requests)
        self.assertEqual(1, self.logs.count("Error setting leverage 5 for XYZ-USDC: Vest has no market XYZ-USDC"))

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

    async def test_b25_stopping_closes_what_was_opened(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            unraisable = []
            with patch("sys.unraisablehook", unraisable.append):
                connector = self.make_connector()
                await connector.check_network()
                await connector.stop_network()
                del connector
                gc.collect()
        self.assertEqual([], unraisable)

    async def test_c31_a_delisted_symbol_does_not_look_like_a_lost_connection(self):
        self.venue.answers["GET", CONSTANTS.TICKER_LATEST_PATH] = refusing(1121)
        self.assertEqual(NetworkStatus.CONNECTED, await self.connector.check_network())

        self.venue.answers["GET", CONSTANTS.TICKER_LATEST_PATH] = answering("blocked", status=403)
        self.assertEqual(NetworkStatus.NOT_CONNECTED, await self.connector.check_network())

    async def test_b25_a_connector_that_was_stopped_can_be_used_again(self):
        await self.connector.stop_network()

        self.assertEqual(NetworkStatus.CONNECTED, await self.connector.check_network())
        await self.connector.stop_network()

    async def test_a20_an_order_that_ends_after_the_stop_begins_nothing(self):
        client_order_id = await self.open_order()
        await self.connector.stop_network()
        self.venue.change_order(client_order_id, "CANCELLED")
        before = asyncio.all_tasks()

        await self.connector._update_order_status()

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))
        begun = [task for task in asyncio.all_tasks() - before if "safe_wrapper" in repr(task.get_coro())]
        self.assertEqual([], begun)

    async def test_a20_stopping_leaves_no_task(self):
        self.connector.CANCEL_WAIT_S = 0.01
        before = asyncio.all_tasks()
        self.venue.answers["POST", CONSTANTS.ORDERS_PATH] = answering({}, 503)
        client_order_id = self.order()
        await self.until(lambda: self.connector._order_tracker.suspects)
        self.connector.cancel("BTC-USDC", client_order_id)
        self.connector._refresh_account_soon()
        await self.until(lambda: self.logs.count("will be cancelled when Vest has confirmed it"))
        await asyncio.sleep(0.02)  # for the tasks to begin

        await self.connector.stop_network()
        await self.until(lambda: not [task for task in asyncio.all_tasks() - before if self.is_ours(task)])

    @staticmethod
    def is_ours(task):
        return "vest_perpetual" in repr(task.get_coro())

    async def test_the_key_is_never_shown(self):
        self.assertNotIn(API_KEY, repr(self.connector.authenticator))
        self.assertNotIn(SIGNING_KEY, repr(vars(self.connector)))
