"""What the venue says of orders, by event and by poll, in any order, and what is done about what it does not say."""
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
    order_row,
    position,
)
from unittest.mock import patch

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestOrderNotFoundError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_user_stream_data_source import (
    VestPerpetualUserStreamDataSource,
)
from hummingbot.core.data_type.in_flight_order import OrderState

GET_ORDERS = ("GET", CONSTANTS.ORDERS_PATH)
GET_ACCOUNT = ("GET", CONSTANTS.ACCOUNT_PATH)


def parts(*rows, fees):
    """The venue's words on an order of one BTC that fills in parts: the fields of each word."""
    words, size, quote = [], Decimal(0), Decimal(0)
    for number, ((part_size, price), fee) in enumerate(zip(rows, fees)):
        size, quote = size + Decimal(part_size), quote + Decimal(part_size) * Decimal(price)
        words.append({
            "lastFilledSize": part_size, "lastFilledPrice": price, "lastFilledTime": 1795348800000 + number,
            "avgFilledPrice": str((quote / size).quantize(Decimal("0.0001"))), "fees": fee,
        })
    return words


class OrderStatusTests(DerivativeTestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.listen()

    def totals(self):
        """Size, quote and fees of all fills heard of."""
        fills = self.heard("Filled")
        return (
            sum(fill.amount for fill in fills), sum(fill.amount * fill.price for fill in fills),
            sum(fee.amount for fill in fills for fee in fill.trade_fee.flat_fees),
        )

    # --- Fills

    async def test_an_order_filled_in_one_part_is_booked_from_its_event_alone(self):
        client_order_id = await self.open_order()
        self.venue.requests.clear()

        self.tell(order_event(self.venue.fill_order(client_order_id, price="99.5", fees="0.25")))
        await self.until_done(client_order_id)

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))
        self.assertEqual((1, Decimal("99.5"), Decimal("0.25")), self.totals())
        self.assertEqual([], self.venue.asked(*GET_ORDERS))

    async def test_b04_a_fill_heard_by_event_and_by_rest_counts_once(self):
        client_order_id = await self.open_order(amount="2")
        row = self.venue.change_order(client_order_id, "PARTIALLY_FILLED", **filled("0.5", "100", "1"))

        self.tell(order_event(row))
        self.tell(order_event(row))
        await self.until_events_are_handled()
        await self.poll()
        await self.poll()

        self.assertEqual(["Created", "Filled"], self.events_of(client_order_id))
        self.assertEqual(OrderState.PARTIALLY_FILLED, self.in_flight(client_order_id).current_state)

    async def test_b05_parts_that_were_missed_are_read_before_the_order_is_done(self):
        words = parts(("0.2", "100"), ("0.3", "101"), ("0.5", "102"), fees=["0.2", "0.5", "1"])
        for heard in ([], [0], [1], [0, 1], [1, 0, 1]):
            with self.subTest(heard=heard):
                self.events.clear()
                client_order_id = await self.open_order()
                row = self.venue.rows[int(client_order_id)]
                for index in heard:
                    self.tell(order_event({**row, "status": "PARTIALLY_FILLED", **words[index]}))
                self.venue.change_order(client_order_id, "FILLED", **words[-1])
                # The fees of an event may be its part's alone.
                self.tell(order_event({**row, "fees": "0.5"}))
                await self.until_done(client_order_id)

                self.assertEqual("Completed", self.events_of(client_order_id)[-1])
                size, quote, fees = self.totals()
                self.assertEqual((1, 1), (size, fees))
                self.assertAlmostEqual(Decimal("101.3"), quote, places=4)

    async def test_b05_rest_may_lag_the_event(self):
        client_order_id = await self.open_order()
        row = dict(self.venue.rows[int(client_order_id)])
        word, = parts(("1", "100"), fees=["1"])
        event = order_event({**row, "status": "FILLED", **word, "fees": None})

        self.tell(event)
        await self.until(lambda: len(self.venue.asked(*GET_ORDERS)) >= 2)
        self.assertEqual(["Created"], self.events_of(client_order_id))
        self.venue.change_order(client_order_id, "FILLED", **word)
        await self.until_done(client_order_id)

        self.assertEqual((1, 100, 1), self.totals())

    async def test_an_event_is_believed_when_rest_never_confirms_it(self):
        self.venue.answers[GET_ORDERS] = answering({}, 503)
        client_order_id = await self.open_order()
        word, = parts(("1", "100"), fees=[None])

        self.tell(order_event({**self.venue.rows[int(client_order_id)], "status": "FILLED", **word}))
        await self.until_done(client_order_id)

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))
        self.assertEqual(self.connector.READS_OF_FILLED_ORDER, len(self.venue.asked(*GET_ORDERS)))
        self.assertEqual((1, 100, Decimal("0.01")), self.totals())  # the fee as the market's rate has it

    async def test_an_event_is_believed_when_the_venue_never_lists_the_order(self):
        client_order_id = await self.open_order()
        row = self.venue.rows.pop(int(client_order_id))
        word, = parts(("1", "100"), fees=[None])

        self.tell(order_event({**row, "status": "FILLED", **word}))
        await self.until_done(client_order_id)

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))
        self.assertEqual((1, 100, Decimal("0.01")), self.totals())

    async def test_an_order_filled_while_nobody_listened_is_found_by_a_poll(self):
        client_order_id = await self.open_order()
        self.venue.fill_order(client_order_id)

        await self.poll()

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))

    async def test_the_fee_is_in_usdc_and_the_position_action_is_kept(self):
        client_order_id = await self.open_order()
        self.venue.fill_order(client_order_id, fees="0.5")
        await self.poll()

        fill, = self.heard("Filled")
        self.assertEqual([("USDC", Decimal("0.5"))], [tuple(fee) for fee in fill.trade_fee.flat_fees])
        self.assertEqual(("OPEN", 1), (fill.position, fill.leverage))

    # --- States

    async def test_b03_a_late_word_revives_nothing(self):
        client_order_id = await self.open_order()
        row = self.venue.rows[int(client_order_id)]
        self.tell(order_event({**row, "status": "CANCELLED"}))
        await self.until_done(client_order_id)

        for status in ("NEW", "PARTIALLY_FILLED", "REJECTED", "CANCELLED"):
            self.tell(order_event({**row, "status": status}))
        await self.until_events_are_handled()

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual({}, self.connector.in_flight_orders)

    async def test_c06_a_rejection_by_event(self):
        client_order_id = await self.open_order()

        self.tell(order_event(self.venue.change_order(client_order_id, "REJECTED", code=3002)))
        await self.until_done(client_order_id)

        self.assertEqual(["Created", "Failed"], self.events_of(client_order_id))
        self.assertIn("Vest error 3002", self.heard("Failed")[0].error_message)

    async def test_c18_an_unknown_status_is_said_and_changes_nothing(self):
        client_order_id = await self.open_order()

        self.tell(order_event({**self.venue.rows[int(client_order_id)], "status": "SUSPENDED"}))
        await self.until_events_are_handled()

        self.assertEqual(["Created"], self.events_of(client_order_id))
        self.assertEqual(OrderState.OPEN, self.in_flight(client_order_id).current_state)

    # --- Polls

    async def test_b13_a_poll_is_two_requests_however_many_orders_there_are(self):
        client_order_ids = [await self.open_order() for _ in range(10)]
        await self.until(lambda: self.connector._account_refresh_task.done())
        self.venue.requests.clear()

        await self.poll()

        self.assertEqual(2, len(self.venue.requests))
        asked, = self.venue.asked(*GET_ORDERS)
        self.assertLessEqual(int(asked.query["startTime"]), int(client_order_ids[0]) // 1000 + 1000)
        self.assertEqual("1000", asked.query["limit"])

    async def test_b13_without_orders_only_the_account_is_read(self):
        await self.poll()

        self.assertEqual([GET_ACCOUNT], [(request.method, request.path) for request in self.venue.requests])

    async def test_b13_the_venue_is_asked_often_while_there_is_an_order_or_a_position(self):
        now_s = time.time()
        stream = patch.object(VestPerpetualUserStreamDataSource, "last_recv_time", now_s)  # it speaks
        with stream:
            self.assertEqual(30, self.connector._get_poll_interval(now_s))
            client_order_id = await self.open_order()
            self.assertEqual(5, self.connector._get_poll_interval(now_s))
            self.venue.fill_order(client_order_id)
            self.venue.account = account(positions=[position("BTC-PERP", "1")])
            await self.poll()
            await self.poll()
            self.assertEqual({}, self.connector.in_flight_orders)
            self.assertEqual(5, self.connector._get_poll_interval(now_s))
            self.venue.account = account()
            await self.poll()
            self.assertEqual(30, self.connector._get_poll_interval(now_s))

    async def test_b13_a_tick_begins_a_poll(self):
        self.run_in_background(self.connector._status_polling_loop())
        client_order_id = await self.open_order()
        self.venue.fill_order(client_order_id)

        self.connector.tick(time.time())
        await self.until_done(client_order_id)

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))

    async def test_b02_a_venue_that_cannot_be_asked_loses_no_order_and_is_said_once(self):
        client_order_id = await self.open_order()
        self.venue.answers[GET_ORDERS] = self.venue.answers[GET_ACCOUNT] = answering({}, 503)

        for _ in range(10):
            await self.poll()

        self.assertEqual(["Created"], self.events_of(client_order_id))
        self.assertIn(client_order_id, self.connector.in_flight_orders)
        self.assertLessEqual(len(self.warnings()), 2)

    async def test_a_good_poll_makes_only_the_failures_of_polls_news_again(self):
        await self.open_order()
        # Its own readings of the account say failures as well, which a poll does not make news again.
        await self.until(lambda: self.connector._account_refresh_task.done())
        self.venue.add_order(5, size="a lot")
        for _ in range(2):
            await self.poll()
            self.venue.answers[GET_ACCOUNT] = answering({}, 503)
            await self.poll()
            del self.venue.answers[GET_ACCOUNT]

        self.assertEqual(1, self.logs.count("An order of Vest cannot be read"))
        self.assertEqual(2, self.logs.count("The account could not be read"))

    async def test_b02_only_definitive_answers_in_a_row_lose_an_order(self):
        client_order_id = await self.open_order()
        row = self.venue.rows.pop(int(client_order_id))

        await self.poll_apart(3)
        self.venue.rows[int(client_order_id)] = row
        await self.poll()
        del self.venue.rows[int(client_order_id)]
        await self.poll_apart(3)
        self.assertEqual(["Created"], self.events_of(client_order_id))
        await self.poll()

        self.assertEqual(["Created", "Failed"], self.events_of(client_order_id))
        self.assertIn(client_order_id, self.connector._order_tracker.lost_orders)

    async def test_b02_a_new_order_may_be_missing_for_a_moment(self):
        self.connector.NEW_ORDER_GRACE_MS = 600_000
        client_order_id = await self.open_order()
        del self.venue.rows[int(client_order_id)]

        for _ in range(10):
            await self.poll()

        self.assertEqual(["Created"], self.events_of(client_order_id))
        self.assertFalse(any("nonce" in request.query for request in self.venue.asked(*GET_ORDERS)))

    async def test_an_order_on_its_way_is_not_looked_up(self):
        answers_now = self.venue.hold("POST", CONSTANTS.ORDERS_PATH)
        client_order_id = self.order()
        await self.until(lambda: self.venue.sent_orders)
        for _ in range(5):
            await self.poll()
        answers_now.set()
        await self.until(lambda: self.events_of(client_order_id))

        self.assertEqual(["Created"], self.events_of(client_order_id))
        self.assertFalse(any("nonce" in request.query for request in self.venue.asked(*GET_ORDERS)))

    async def test_an_order_that_is_in_no_list_is_looked_up_alone(self):
        client_order_id = await self.open_order()
        self.venue.rows[int(client_order_id)]["postTime"] = 1  # the list since its start lacks it
        self.venue.fill_order(client_order_id)

        await self.poll()

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))

    async def test_look_ups_of_one_poll_are_bounded(self):
        self.connector.LOOKUPS_PER_POLL = 3
        for _ in range(5):
            await self.open_order()
        self.venue.rows.clear()
        self.venue.requests.clear()

        await self.poll()

        self.assertEqual(3, sum("nonce" in request.query for request in self.venue.requests))

    async def test_a_lost_order_that_turns_up_gets_its_fill_and_ends(self):
        client_order_id = await self.open_order()
        row = self.venue.rows.pop(int(client_order_id))
        await self.poll_apart(4)
        self.venue.rows[int(client_order_id)] = row
        self.venue.fill_order(client_order_id)

        await self.poll()
        self.assertEqual(["Created", "Failed", "Filled"], self.events_of(client_order_id))
        await self.connector._update_lost_orders_status()

        self.assertEqual(["Created", "Failed", "Filled"], self.events_of(client_order_id))
        self.assertEqual({}, self.connector._order_tracker.lost_orders)

    async def test_a_lost_order_is_kept_while_the_venue_cannot_be_asked(self):
        client_order_id = await self.open_order()
        self.venue.rows.clear()
        await self.poll_apart(4)
        self.venue.answers[GET_ORDERS] = answering({}, 503)

        await self.connector._update_lost_orders_status()

        self.assertIn(client_order_id, self.connector._order_tracker.lost_orders)

    async def test_the_framework_may_ask_for_one_order(self):
        client_order_id = await self.open_order()
        order = self.in_flight(client_order_id)

        update = await self.connector._request_order_status(order)
        self.assertEqual((OrderState.OPEN, "0x1"), (update.new_state, update.exchange_order_id))
        self.assertEqual([], await self.connector._all_trade_updates_for_order(order))

        self.venue.rows.clear()
        with self.assertRaises(VestOrderNotFoundError) as caught:
            await self.connector._request_order_status(order)
        self.assertTrue(self.connector._is_order_not_found_during_status_update_error(caught.exception))
        self.assertTrue(self.connector._is_order_not_found_during_cancelation_error(caught.exception))

    async def test_c18_an_order_ends_by_a_poll_though_a_field_of_its_row_cannot_be_read(self):
        client_order_id = await self.open_order()
        self.venue.fill_order(client_order_id)
        self.venue.change_order(client_order_id, "FILLED", code="OK")

        await self.poll()

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))
        self.assertEqual(1, self.logs.count("An order of Vest cannot be read in part"))

    async def test_errors_of_our_own_are_not_taken_for_the_venues(self):
        with patch.object(self.connector, "_update_account", side_effect=ZeroDivisionError):
            with self.assertRaises(ZeroDivisionError):
                await self.poll()
        self.assertEqual([], self.logs.texts(logging.WARNING))

    # --- Events

    async def test_b17_a_bad_event_is_said_and_the_next_one_counts_at_once(self):
        client_order_id = await self.open_order()
        good = order_event({**self.venue.rows[int(client_order_id)], "status": "CANCELLED"})
        no_messages = ["no object", None]
        bad_events = [
            {"channel": "account_private", "data": {}},
            {"channel": "account_private", "data": {"event": "ORDER", "args": {"id": "0x1"}}},
            order_event(order_row("0x1", client_order_id, "FILLED", lastFilledSize="a lot")),
        ]

        with patch.object(self.connector, "_sleep", lambda _: asyncio.Event().wait()):  # a pause would never end
            for event in [*no_messages, *bad_events, good]:
                self.tell(event)
            await self.until_done(client_order_id)

        self.assertEqual(len(no_messages), self.logs.count("Unexpected error in user stream listener loop."))
        self.assertEqual(2, self.logs.count("cannot be understood"))
        self.assertEqual(1, self.logs.count("cannot be read in part"))
        self.assertTrue(self.connector._poll_notifier.is_set())

    async def test_messages_that_are_no_events_are_ignored(self):
        for event in ({"data": "PONG"}, {"id": 1, "result": None}, {"something": "new"}):
            self.tell(event)
        await self.until_events_are_handled()

        self.assertEqual([], self.warnings())
        self.assertEqual([], self.venue.requests)

    async def test_c20_events_that_are_not_about_our_orders_have_the_account_read(self):
        self.venue.account = account(positions=[position("BTC-PERP", "2")])
        events = [
            order_event(order_row("0x99", "5", "FILLED", orderType="LIQUIDATION", **filled("1", "100", "1"))),
            {"channel": "account_private", "data": {"event": "LP", "args": {"id": "0x9"}}},
            {"channel": "account_private", "data": {"event": "SOMETHING_NEW", "args": {"id": "0x9"}}},
        ]
        for event in events:
            with self.subTest(event=event["data"]["event"]):
                self.connector._perpetual_trading.remove_position("BTC-USDC")
                self.tell(event)
                await self.until(lambda: "BTC-USDC" in self.connector.account_positions)

        self.assertEqual([], self.events)
        warning, = self.warnings()
        self.assertIn("liquidated 1.000000 of the position in BTC-USDC", warning)
