"""The account: balances, positions, leverage."""
import time
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
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

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.common import PositionMode, PositionSide
from hummingbot.core.event.event_logger import EventLogger
from hummingbot.core.event.events import AccountEvent

GET_ACCOUNT = ("GET", CONSTANTS.ACCOUNT_PATH)
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
        first_answers_now = self.venue.hold(*GET_ACCOUNT, answering(account(balances=usdc("1"))))
        late = self.run_in_background(self.connector._update_balances())
        await self.until(lambda: self.venue.asked(*GET_ACCOUNT))
        self.venue.answers.clear()
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
