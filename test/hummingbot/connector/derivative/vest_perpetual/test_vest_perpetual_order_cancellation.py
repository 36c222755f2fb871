"""Cancelling orders: one warning when there is nothing to cancel, none forgotten, and a fill meanwhile is kept."""
import asyncio
import logging
import time
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    DerivativeTestCase,
    account,
    answering,
    filled,
    order_event,
    position,
    refusing,
)

from aiohttp import web

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.cancellation_result import CancellationResult
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.data_type.in_flight_order import OrderState

POST_ORDER = ("POST", CONSTANTS.ORDERS_PATH)
POST_CANCEL = ("POST", CONSTANTS.ORDERS_CANCEL_PATH)


class OrderCancellationTests(DerivativeTestCase):
    def cancel(self, client_order_id):
        self.connector.cancel("BTC-USDC", client_order_id)

    def exchange_id(self, client_order_id):
        return self.venue.rows[int(client_order_id)]["id"]

    async def until_cancel_was_asked(self, times=1):
        await self.until(lambda: len(self.venue.sent_cancels) >= times)

    async def test_a_cancel_is_confirmed_by_an_event(self):
        self.listen()
        client_order_id = await self.open_order()

        self.cancel(client_order_id)
        await self.until(lambda: self.in_flight(client_order_id).is_pending_cancel_confirmation)
        row = self.venue.rows[int(client_order_id)]
        self.tell(order_event({name: row[name] for name in ("id", "nonce", "status", "postTime")}))
        await self.until(lambda: client_order_id not in self.connector.in_flight_orders)

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual([row["id"]], self.venue.sent_cancels)
        self.assertEqual([], self.warnings())

    async def test_a_cancel_is_confirmed_by_a_poll(self):
        client_order_id = await self.open_order()

        self.cancel(client_order_id)
        await self.until(lambda: self.in_flight(client_order_id).is_pending_cancel_confirmation)
        await self.poll()

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))

    async def test_cancels_have_nonces_of_their_own(self):
        client_order_ids = [await self.open_order() for _ in range(3)]
        for client_order_id in client_order_ids:
            self.cancel(client_order_id)
        await self.until_cancel_was_asked(3)

        nonces = [request.order["nonce"] for request in self.venue.asked(*POST_CANCEL)]
        self.assertEqual(6, len({*nonces, *map(int, client_order_ids)}))

    async def test_a11_a_cancel_of_an_order_nobody_knows_is_nothing(self):
        self.cancel("1795348800000007")
        client_order_id = await self.open_order()
        self.cancel(client_order_id)
        await self.until_cancel_was_asked()

        self.assertEqual([], self.venue.asked("GET", CONSTANTS.ORDERS_PATH))
        self.assertEqual([self.exchange_id(client_order_id)], self.venue.sent_cancels)
        self.assertEqual({client_order_id}, {event.order_id for _, event in self.events})

    async def test_an_order_cancelled_while_the_position_it_closes_is_read_is_not_sent(self):
        self.venue.account = account(positions=[position("BTC-PERP", "1")])
        may_answer = self.venue.hold("GET", CONSTANTS.ACCOUNT_PATH)
        client_order_id = self.connector.sell(
            "BTC-USDC", Decimal("2"), OrderType.LIMIT, Decimal("10000"), position_action=PositionAction.CLOSE
        )
        await self.until(lambda: self.venue.asked("GET", CONSTANTS.ACCOUNT_PATH))
        self.cancel(client_order_id)
        await asyncio.sleep(0)
        may_answer.set()
        await self.until(lambda: self.events_of(client_order_id))

        self.assertEqual(["Failed"], self.events_of(client_order_id))
        self.assertEqual([], self.venue.sent_orders)

    async def test_c33_a_lost_order_that_cannot_be_cancelled_is_said_once(self):
        client_order_id = await self.open_order()
        for _ in range(self.connector._order_tracker.lost_order_count_limit + 1):
            await self.connector._order_tracker.process_order_not_found(client_order_id)
        self.venue.answers[POST_CANCEL] = answering({}, status=503)

        for _ in range(3):
            await self.connector._cancel_lost_orders()

        self.assertEqual(3, len(self.venue.asked(*POST_CANCEL)))
        complaints = [text for text in self.warnings() if "Failed to cancel" in text]
        self.assertEqual(1, len(complaints))

    async def test_c11_a_fill_that_came_first_is_kept(self):
        client_order_id = await self.open_order()
        self.venue.fill_order(client_order_id)
        self.venue.answers[POST_CANCEL] = refusing(3017)

        self.cancel(client_order_id)
        await self.until(lambda: client_order_id not in self.connector.in_flight_orders)

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))
        self.assertEqual(1, len(self.warnings()))
        self.assertIn("order not found", self.warnings()[0])

    async def test_c11_a_fill_during_the_cancel_is_kept(self):
        self.listen()
        client_order_id = await self.open_order(amount="2")
        self.cancel(client_order_id)
        await self.until(lambda: self.in_flight(client_order_id).is_pending_cancel_confirmation)

        fields = {**filled("0.5", "100", "1"), "postTime": int(time.time() * 1000)}
        self.tell(order_event(self.venue.change_order(client_order_id, "PARTIALLY_FILLED", **fields)))
        self.tell(order_event(self.venue.change_order(client_order_id, "CANCELLED")))
        await self.until(lambda: client_order_id not in self.connector.in_flight_orders)

        self.assertEqual(["Created", "Filled", "Cancelled"], self.events_of(client_order_id))

    async def test_a11_an_order_the_venue_does_not_have_is_soon_lost_after_definitive_answers_alone(self):
        client_order_id = await self.open_order()
        self.venue.rows.clear()
        self.venue.answers[POST_CANCEL] = refusing(3017)

        self.cancel(client_order_id)
        await self.until(lambda: client_order_id not in self.connector.in_flight_orders)

        self.assertEqual(["Created", "Failed"], self.events_of(client_order_id))
        self.assertGreater(
            len(self.venue.asked("GET", CONSTANTS.ORDERS_PATH)), self.connector._order_tracker.lost_order_count_limit
        )
        self.assertEqual(1, self.logs.count("Failed to cancel order"))

    async def test_a11_an_order_missing_when_its_cancel_is_refused_is_looked_for_until_it_is_found(self):
        client_order_id = await self.open_order()
        row = self.venue.rows.pop(int(client_order_id))
        self.venue.answers[POST_CANCEL] = refusing(3017)

        for _ in range(3):
            self.cancel(client_order_id)
        await self.until(lambda: self.venue.asked("GET", CONSTANTS.ORDERS_PATH))
        self.venue.rows[int(client_order_id)] = row
        self.venue.fill_order(client_order_id)
        await self.until(lambda: client_order_id not in self.connector.in_flight_orders)
        await self.until_idle()

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))

    async def cancel_six_times_while_the_list_lags(self):
        client_order_id = await self.open_order()
        row = self.venue.rows.pop(int(client_order_id))
        self.venue.answers[POST_CANCEL] = refusing(3017)

        for number in range(1, 7):
            self.cancel(client_order_id)
            await self.until(lambda: len(self.venue.asked("GET", CONSTANTS.ORDERS_PATH)) >= number)
        self.venue.rows[int(client_order_id)] = row
        self.venue.fill_order(client_order_id)
        await self.poll()

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))

    async def test_b02_refused_cancels_of_one_moment_count_as_one_answer(self):
        self.connector.LOOKUP_PAUSE_MIN_S = 60
        await self.cancel_six_times_while_the_list_lags()

    async def test_b02_an_order_just_sent_may_be_missing_however_often_its_cancel_is_refused(self):
        self.connector.NEW_ORDER_GRACE_MS = 600_000
        self.connector.LOOKUP_PAUSE_MIN_S = 0
        await self.cancel_six_times_while_the_list_lags()

    async def test_c10_a_cancel_whose_answer_was_lost_is_seen_in_the_next_look(self):
        async def lose(request):
            await self.venue.usual(request)
            return web.Response(status=503)

        client_order_id = await self.open_order()
        self.venue.answers[POST_CANCEL] = lose

        self.cancel(client_order_id)
        await self.until(lambda: "Cancelled" in self.events_of(client_order_id))

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))

    async def test_a_cancel_that_was_refused_leaves_the_order_open(self):
        client_order_id = await self.open_order()
        self.venue.answers[POST_CANCEL] = refusing(3004)

        self.cancel(client_order_id)
        await self.until(lambda: self.warnings())

        self.assertIn(f"Failed to cancel order {client_order_id}: Vest error 3004", self.warnings()[0])
        self.assertEqual(OrderState.OPEN, self.in_flight(client_order_id).current_state)

    async def test_a_cancel_when_neither_it_nor_the_order_can_be_reached_asks_for_a_poll(self):
        client_order_id = await self.open_order()
        self.venue.answers[POST_CANCEL] = answering({}, 503)
        self.venue.answers["GET", CONSTANTS.ORDERS_PATH] = answering({}, 503)

        self.cancel(client_order_id)
        await self.until(lambda: self.connector._poll_notifier.is_set())

        self.assertEqual(["Created"], self.events_of(client_order_id))

    async def test_a_cancelled_order_that_is_open_after_all_can_be_cancelled_again(self):
        client_order_id = await self.open_order()
        self.venue.answers[POST_CANCEL] = answering({"id": "0x1"})
        self.cancel(client_order_id)
        await self.until(lambda: self.in_flight(client_order_id).is_pending_cancel_confirmation)
        await self.poll()

        del self.venue.answers[POST_CANCEL]
        self.cancel(client_order_id)
        await self.until_cancel_was_asked(2)
        await self.poll()

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))

    # --- Before the exchange id is known

    async def test_c12_a_cancel_waits_for_the_exchange_id(self):
        known = await self.open_order()
        answers_now = self.venue.hold(*POST_ORDER)
        client_order_id = self.order()
        await self.until(lambda: client_order_id in self.connector.in_flight_orders)

        self.cancel(client_order_id)
        self.cancel(known)
        await self.until_cancel_was_asked()
        self.assertEqual([self.exchange_id(known)], self.venue.sent_cancels)
        answers_now.set()
        await self.until_cancel_was_asked(2)
        await self.poll()

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))

    async def test_c12_a_cancel_that_waited_long_is_sent_once_when_the_id_arrives(self):
        self.connector.CANCEL_WAIT_S = 0.02
        answers_now = self.venue.hold(*POST_ORDER)
        client_order_id = self.order()
        await self.until(lambda: client_order_id in self.connector.in_flight_orders)

        for _ in range(3):
            await self.connector._execute_cancel("BTC-USDC", client_order_id)
        answers_now.set()
        await self.until_cancel_was_asked()
        await self.poll()

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual(1, len(self.venue.sent_cancels))
        self.assertEqual(1, self.logs.count("will be cancelled when Vest has confirmed it"))

    async def test_c12_a_cancel_that_waited_when_the_network_stopped_can_be_asked_for_again(self):
        self.connector.CANCEL_WAIT_S = 0.02
        self.venue.answers[POST_ORDER] = answering({}, 503)
        self.venue.answers["GET", CONSTANTS.ORDERS_PATH] = answering({}, 503)
        client_order_id = self.order()
        await self.until(lambda: self.connector._order_tracker.suspects)
        self.cancel(client_order_id)
        await self.until(lambda: self.logs.count("will be cancelled when Vest has confirmed it"))
        await self.connector.stop_network()

        self.cancel(client_order_id)
        await self.until(lambda: self.logs.count("will be cancelled when Vest has confirmed it") == 2)
        self.venue.answers.clear()
        self.venue.add_order(int(client_order_id))
        await self.poll()
        await self.until_cancel_was_asked()

    async def test_c12_a_cancel_of_an_order_that_was_refused_ends_quietly(self):
        self.connector.CANCEL_WAIT_S = 0.02
        answers_now = self.venue.hold(*POST_ORDER, refusing(3002))
        client_order_id = self.order()
        await self.until(lambda: client_order_id in self.connector.in_flight_orders)
        self.cancel(client_order_id)
        await self.until(lambda: self.logs.count("will be cancelled when Vest has confirmed it"))
        answers_now.set()
        await self.until(lambda: self.events_of(client_order_id))
        await self.until_idle()

        self.assertEqual(["Failed"], self.events_of(client_order_id))
        self.assertEqual([], self.venue.sent_cancels)

    # --- All at once

    async def test_cancel_all_waits_for_the_venue_to_confirm(self):
        client_order_ids = [await self.open_order() for _ in range(3)]

        results = await self.connector.cancel_all(10)

        self.assertEqual({CancellationResult(one, True) for one in client_order_ids}, set(results))
        for client_order_id in client_order_ids:
            self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual({}, self.connector.in_flight_orders)

    async def test_cancel_all_books_a_fill_that_came_first(self):
        client_order_id = await self.open_order()
        self.venue.fill_order(client_order_id)
        self.venue.change_order(client_order_id, "FILLED", settledFunding="-0.5", symbol="BTC-PERP")
        self.venue.answers[POST_CANCEL] = refusing(3017)

        await self.connector.cancel_all(10)

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))
        self.assertEqual(1, len(self.heard("Funding")))

    async def test_c13_one_that_hangs_does_not_hold_up_the_others(self):
        hanging, *others = [await self.open_order() for _ in range(3)]
        hanging_id = self.in_flight(hanging).exchange_order_id

        async def hang(request):
            if request.order["id"] == hanging_id:
                await asyncio.sleep(60)
            return await self.venue.usual(request)

        self.venue.answers[POST_CANCEL] = hang
        before_s = time.monotonic()
        results = await self.connector.cancel_all(3)

        self.assertLess(time.monotonic() - before_s, 15)
        self.assertEqual(
            {CancellationResult(hanging, False), *(CancellationResult(one, True) for one in others)}, set(results)
        )
        await self.poll()
        for client_order_id in others:
            self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual(["Created"], self.events_of(hanging))

    async def test_cancel_all_gives_up_waiting_for_a_venue_that_does_not_confirm(self):
        self.connector.CANCEL_CONFIRMATION_S = 0.1
        client_order_id = await self.open_order()
        self.venue.answers[POST_CANCEL] = answering({"id": "0x1"})

        results = await asyncio.wait_for(self.connector.cancel_all(60), 20)

        self.assertEqual([CancellationResult(client_order_id, True)], results)
        self.assertTrue(self.in_flight(client_order_id).is_pending_cancel_confirmation)

    async def test_cancel_all_does_not_wait_for_an_order_whose_cancel_was_refused(self):
        client_order_id = await self.open_order()
        self.venue.answers[POST_CANCEL] = refusing(1023)

        self.connector.CANCEL_CONFIRMATION_S = 60

        results = await asyncio.wait_for(self.connector.cancel_all(60), 20)

        self.assertEqual([CancellationResult(client_order_id, False)], results)

    async def test_cancel_all_waits_for_a_cancel_whose_answer_was_lost(self):
        client_order_id = await self.open_order()

        async def lose_answer(request):
            await self.venue.usual(request)
            return web.Response(status=503)

        self.venue.answers[POST_CANCEL] = lose_answer
        await self.connector.cancel_all(10)

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))

    async def test_cancel_all_ends_when_the_venue_goes_away_meanwhile(self):
        client_order_id = await self.open_order()
        self.venue.answers["GET", CONSTANTS.ORDERS_PATH] = answering({}, 503)

        results = await asyncio.wait_for(self.connector.cancel_all(60), 20)

        self.assertEqual([CancellationResult(client_order_id, True)], results)
        self.assertEqual([], self.logs.texts(logging.ERROR))

    async def test_a20_cancel_all_right_after_an_order_keeps_it_from_being_sent(self):
        client_order_id = self.order()

        results = await self.connector.cancel_all(10)

        self.assertEqual([CancellationResult(client_order_id, True)], results)
        self.assertEqual(["Failed"], self.events_of(client_order_id))
        self.assertEqual([], self.venue.sent_orders)

    async def test_cancel_all_without_orders_cancels_nothing(self):
        self.assertEqual([], await self.connector.cancel_all(10))
        self.assertEqual([], self.venue.sent_cancels)
