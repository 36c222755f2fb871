"""Funding payments as the client hears of them: every one, once, also over a restart of the network."""
import asyncio
import time
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    DerivativeTestCase,
    account,
    answering,
    filled,
    order_event,
    position,
)

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.funding_info import FundingInfo

GET_ORDERS = ("GET", CONSTANTS.ORDERS_PATH)
GET_RATES = ("GET", CONSTANTS.FUNDING_HISTORY_PATH)
HOUR_MS = 3_600_000


class FundingPaymentsTests(DerivativeTestCase):
    def settle(self, client_order_id, amount, **fields):
        """An order fills and settles funding."""
        self.venue.fill_order(client_order_id)
        return self.venue.change_order(client_order_id, "FILLED", settledFunding=amount, **fields)

    async def read(self, fire_event_on_new=True):
        """The connector reads what was settled, as it does every half minute."""
        await self.connector._update_all_funding_payments(fire_event_on_new=fire_event_on_new)

    def payments(self):
        return [(event.trading_pair, event.amount) for event in self.heard("Funding")]

    # --- Which payments there are

    async def test_c34_none(self):
        await self.open_order()
        await self.read()

        self.assertEqual([], self.payments())
        self.assertEqual((0, -1, -1), await self.connector._fetch_last_fee_payment("BTC-USDC"))

    async def test_c34_one(self):
        client_order_id = await self.open_order()
        row = self.settle(client_order_id, "-0.25")
        await self.poll()
        await self.read()

        event, = self.heard("Funding")
        self.assertEqual(
            ("BTC-USDC", Decimal("-0.25"), row["lastFilledTime"], self.connector.name),
            (event.trading_pair, event.amount, event.timestamp, event.market),
        )
        self.assertEqual(1, self.logs.count("Funding payment of 0.25 paid on BTC-USDC market."))

    async def test_c34_several_at_once(self):
        for trading_pair, amount in (("BTC-USDC", "1"), ("ETH-USDC", "2"), ("BTC-USDC", "-3")):
            self.settle(await self.open_order(trading_pair=trading_pair), amount, lastFilledTime=2 * 10 ** 12)
        await self.poll()
        await self.read()

        self.assertEqual([("BTC-USDC", 1), ("BTC-USDC", -3), ("ETH-USDC", 2)], self.payments())
        self.assertEqual(3, len({event.timestamp for event in self.heard("Funding")}))  # b16

    async def test_a17_no_payment_is_published_twice(self):
        self.settle(await self.open_order(), "1")
        await self.poll()
        for _ in range(3):
            await self.read()

        self.assertEqual([("BTC-USDC", 1)], self.payments())

    async def test_the_framework_may_ask_for_the_newest_payment(self):
        self.venue.answers[GET_RATES] = answering([{"time": 1, "oneHrFundingRate": "0.0002"}])
        row = self.settle(await self.open_order(), "1")
        await self.poll()
        await self.read(fire_event_on_new=False)

        self.assertEqual(
            (row["lastFilledTime"], Decimal("0.0002"), 1), await self.connector._fetch_last_fee_payment("BTC-USDC")
        )
        self.assertEqual([], self.payments())
        await self.read()
        self.assertEqual([("BTC-USDC", 1)], self.payments())

    async def test_a_payment_from_before_the_session_is_not_published_again(self):
        nonce = int(time.time() * 10 ** 6)
        before_ms = int(time.time() * 1000) - 60_000
        self.venue.add_order(
            nonce, "FILLED", settledFunding="1", **filled("1", "100", "1", time_ms=before_ms), postTime=before_ms
        )
        await self.read()

        self.assertEqual([], self.payments())

    async def test_an_order_that_fills_long_after_it_was_sent_settles_too(self):
        client_order_id = await self.open_order()
        for _ in range(3):
            await self.read()
        self.settle(client_order_id, "1")
        await self.read()

        self.assertEqual([("BTC-USDC", 1)], self.payments())

    async def test_an_order_of_somebody_else_posted_before_the_session_settles_too_when_its_event_is_heard(self):
        self.listen()
        row = self.venue.add_order(5, postTime=int(time.time() * 1000) - HOUR_MS)
        await self.read()
        self.settle("5", "-0.5")
        await self.read()
        self.assertEqual([], self.payments())

        self.tell(order_event(row))
        async with asyncio.timeout(30):
            while not self.payments():
                await self.read()
        self.assertEqual([("BTC-USDC", Decimal("-0.5"))], self.payments())
        self.venue.requests.clear()
        await self.read()
        asked, = self.venue.asked(*GET_ORDERS)
        self.assertGreater(int(asked.query["startTime"]), row["postTime"] + HOUR_MS // 2)  # not as far back again

    async def test_a17_an_order_of_ours_settles_too_when_the_list_lags_its_event(self):
        self.listen()
        client_order_id = await self.open_order()
        before = dict(self.venue.change_order(client_order_id, "NEW", postTime=int(time.time() * 1000) - 60_000))
        done = dict(self.settle(client_order_id, "-0.5"))
        self.venue.change_order(client_order_id, **before)
        self.tell(order_event(done))
        await self.until(lambda: "Completed" in self.events_of(client_order_id))
        await self.read()
        await self.read()
        self.assertEqual([], self.payments())

        self.venue.change_order(client_order_id, **done)
        await self.read()
        self.assertEqual([("BTC-USDC", Decimal("-0.5"))], self.payments())

    async def test_a17_a_part_of_a_cancelled_order_of_ours_settles_too_when_the_list_lags_its_event(self):
        self.listen()
        client_order_id = await self.open_order()
        posted_ms = int(time.time() * 1000) - 60_000
        part = filled("0.4", "100", "1", int(time.time() * 1000))
        before = dict(self.venue.change_order(client_order_id, "PARTIALLY_FILLED", postTime=posted_ms, **part))
        self.tell(order_event(before))
        await self.until(lambda: "Filled" in self.events_of(client_order_id))
        self.tell(order_event({"id": before["id"], "nonce": before["nonce"], "status": "CANCELLED",
                               "postTime": posted_ms}))
        await self.until(lambda: "Cancelled" in self.events_of(client_order_id))
        await self.read()
        await self.read()

        self.venue.change_order(client_order_id, "CANCELLED", settledFunding="-0.5")
        await self.read()
        self.assertEqual([("BTC-USDC", Decimal("-0.5"))], self.payments())

    async def test_a_payment_published_again_after_a_restart_has_the_same_time(self):
        client_order_id = await self.open_order()
        saved = self.connector.tracking_states
        row = self.settle(client_order_id, "-0.5")
        await self.poll()
        await self.read()
        first, = self.heard("Funding")

        self.connector = self.make_connector()
        await self.connector._update_trading_rules()
        self.connector.restore_tracking_states(saved)
        await self.poll()
        await self.read()
        _, again = self.heard("Funding")
        self.assertEqual((row["lastFilledTime"],) * 2, (first.timestamp, again.timestamp))

    async def test_payments_of_pairs_that_are_not_traded_here_are_not_published(self):
        self.venue.markets.append({**self.venue.markets[0], "symbol": "SOL-PERP"})
        self.venue.add_order(7, "FILLED", symbol="SOL-PERP", settledFunding="1", **filled("1", "1", "0", 2 * 10 ** 12))
        await self.read()

        self.assertEqual([], self.payments())

    async def test_an_hourly_settlement_is_told_from_what_orders_settled(self):
        hour_ms = (int(time.time() * 1000) // HOUR_MS + 1) * HOUR_MS
        row = position("BTC-PERP", "1", settledFunding="0")
        # From the first look on: a position that comes from nowhere is compared only ten minutes later.
        self.venue.account = account(positions=[row], time=hour_ms - 60_000)
        client_order_id = await self.open_order()
        await self.until(lambda: self.connector._account_refresh_task.done())
        await self.poll()
        self.settle(client_order_id, "-0.5", lastFilledTime=hour_ms + 5000)
        self.connector._clock.now_ms = lambda: hour_ms + 120_000
        row = {**row, "size": "2", "settledFunding": "-0.75"}
        self.venue.account = account(positions=[row], time=hour_ms + 60_000)
        await self.poll()
        await self.read()
        await self.poll()
        await self.read()

        self.assertEqual([("BTC-USDC", Decimal("-0.25")), ("BTC-USDC", Decimal("-0.5"))], self.payments())
        self.assertEqual(hour_ms, self.heard("Funding")[0].timestamp)

    # --- Rates

    async def test_the_rate_is_the_one_of_the_payments_hour(self):
        self.venue.answers[GET_RATES] = answering([{"time": 1, "oneHrFundingRate": "-0.0003"}])
        self.settle(await self.open_order(), "1")
        await self.read()

        self.assertEqual(Decimal("-0.0003"), self.heard("Funding")[0].funding_rate)

    async def test_the_present_rate_stands_in_where_the_past_one_cannot_be_read(self):
        self.venue.answers[GET_RATES] = answering({}, 503)
        self.connector._perpetual_trading.initialize_funding_info(
            FundingInfo("BTC-USDC", Decimal(1), Decimal(1), 0, Decimal("0.0005"))
        )
        self.settle(await self.open_order(), "1")
        self.settle(await self.open_order(trading_pair="ETH-USDC"), "1")
        await self.read()

        self.assertEqual([Decimal("0.0005"), 0], [event.funding_rate for event in self.heard("Funding")])

    # --- Polling

    async def test_a_venue_that_cannot_be_asked_loses_no_payment(self):
        self.settle(await self.open_order(), "1")
        self.venue.answers[GET_ORDERS] = answering({}, 503)
        await self.read()
        await self.read()
        self.assertEqual([], self.payments())
        self.assertEqual(1, len(self.warnings()))

        self.venue.answers.clear()
        await self.read()
        self.assertEqual([("BTC-USDC", 1)], self.payments())

    async def test_a_fill_has_the_payments_read(self):
        self.listen()
        self.run_in_background(self.connector._funding_payment_polling_loop())
        client_order_id = await self.open_order()

        self.tell(order_event(self.settle(client_order_id, "1")))
        await self.until(lambda: self.payments())

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))

    async def test_a_tick_has_the_payments_read(self):
        self.run_in_background(self.connector._funding_payment_polling_loop())
        self.settle(await self.open_order(), "1")

        self.connector.tick(time.time())
        await self.until(lambda: self.payments())

    async def test_a17_many_fills_are_no_storm_of_requests(self):
        self.connector.FUNDING_REFRESH_PAUSE_S = 0.2
        self.run_in_background(self.connector._funding_payment_polling_loop())
        began_s = time.monotonic()
        await self.until(lambda: self.venue.asked(*GET_ORDERS))
        for _ in range(20):
            self.connector._funding_fee_poll_notifier.set()
            await asyncio.sleep(0.01)

        self.assertLessEqual(len(self.venue.asked(*GET_ORDERS)), 4 + (time.monotonic() - began_s) / 0.2)

    # --- Over a restart of the network

    async def quiet_start(self):
        """As the client starts the network, without sockets."""
        self.connector.order_book_tracker.start = lambda: None
        self.connector._create_user_stream_tracker_task = lambda: asyncio.create_task(asyncio.sleep(0))
        await self.connector.start_network()
        self.addAsyncCleanup(self.connector.stop_network)

    async def test_b08_a_payment_found_before_a_reconnection_is_published_after_it(self):
        await self.quiet_start()
        self.settle(await self.open_order(), "1")
        await self.read(fire_event_on_new=False)

        await self.connector.stop_network()
        await self.quiet_start()
        self.connector.tick(time.time())
        await self.until(lambda: self.payments())
        await self.read()

        self.assertEqual([("BTC-USDC", 1)], self.payments())

    async def test_b08_a_payment_whose_rate_is_asked_for_as_the_network_stops_is_published_after_it(self):
        is_asked, answers_now = asyncio.Event(), asyncio.Event()

        async def hold(request):
            is_asked.set()
            await answers_now.wait()
            return await self.venue.usual(request)

        self.venue.answers[GET_RATES] = hold
        self.settle(await self.open_order(), "1")
        self.settle(await self.open_order(), "2", lastFilledTime=2 * 10 ** 12)
        await self.read(fire_event_on_new=False)
        reading = self.run_in_background(self.read())
        await is_asked.wait()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        self.assertEqual([], self.payments())

        answers_now.set()
        await asyncio.gather(self.read(), self.read())
        self.assertEqual([("BTC-USDC", 1), ("BTC-USDC", 2)], self.payments())

    async def test_b08_a_payment_settled_while_the_network_was_stopped_is_published(self):
        await self.quiet_start()
        client_order_id = await self.open_order()
        await self.connector.stop_network()
        self.settle(client_order_id, "1")
        await self.quiet_start()
        self.connector.tick(time.time())
        await self.until(lambda: self.payments())

        self.assertEqual([("BTC-USDC", 1)], self.payments())

    async def test_b08_there_is_never_more_than_one_loop(self):
        loops = []
        for _ in range(3):
            await self.quiet_start()
            loops.append(self.connector._funding_fee_polling_task)
            await asyncio.sleep(0.02)

        self.assertEqual([True, True, False], [loop.done() for loop in loops])
        await self.connector.stop_network()
        await self.until(loops[-1].done)

    async def test_starting_does_not_cut_off_an_order_on_its_way(self):
        answers_now = self.venue.hold("POST", CONSTANTS.ORDERS_PATH)
        client_order_id = self.order()
        await self.until(lambda: self.venue.sent_orders)
        await self.quiet_start()
        answers_now.set()
        await self.until(lambda: self.events_of(client_order_id))

        self.assertEqual(["Created"], self.events_of(client_order_id))
        self.assertEqual(0, self.logs.count("It is not known whether"))
