"""Missed parts on an account where others trade too (C16): what they filled explains a position as well, heard or read
in the list of orders."""
import time
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    answering,
    filled,
    order_event,
    order_row,
)
from test.hummingbot.connector.derivative.vest_perpetual.missed_fills_testing import GET_ORDERS, LAG_S, PatientTestCase


class FillsOfOthersTests(PatientTestCase):
    def fill_of_somebody_else(self, nonce, size, time_ms=None):
        """The row of an order of somebody else that the venue lists from now on."""
        time_ms = time_ms or int(time.time() * 1000)
        return self.venue.add_order(nonce, "FILLED", size=size, postTime=time_ms, **filled(size, "100", "1", time_ms))

    async def cancel_beside_a_fill_of_somebody_else(self, size):
        await self.know()
        client_order_id = await self.open_order()
        self.cancelled_row(client_order_id)
        self.fill_of_somebody_else(99, size)
        self.hold("0.4")
        await self.connect()
        await self.until(lambda: self.is_done(client_order_id))
        await self.poll_for(LAG_S)
        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))

    async def test_c16_somebody_else_made_it_unheard(self):
        await self.cancel_beside_a_fill_of_somebody_else("0.4")
        self.assertEqual([], self.errors())

    async def test_c16_somebody_else_made_some_of_it_unheard(self):
        await self.cancel_beside_a_fill_of_somebody_else("0.1")
        self.assertEqual(1, len(self.errors()))

    async def test_c16_what_somebody_else_made_unheard_is_known_before_an_open_order_ends(self):
        await self.know()
        client_order_id = await self.open_order()
        self.fill_of_somebody_else(99, "0.4")
        self.hold("0.4")
        await self.poll_until(lambda: self.explained() == Decimal("0.4"))
        self.tell(self.cancellation(client_order_id))
        await self.until(lambda: self.is_done(client_order_id))
        await self.poll_for(2 * LAG_S)

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual([], self.errors())

    async def test_c16_what_somebody_else_filled_is_told_from_what_an_earlier_session_heard(self):
        self.connector._missed_fills.recall()
        await self.know()
        await self.open_order()
        time_ms = int(time.time() * 1000)
        self.fill_of_somebody_else(97, "0.1", time_ms)
        self.tell(order_event(self.fill_of_somebody_else(98, "0.5", time_ms + 1)))
        await self.until_events_are_handled()

        await self.restart()
        self.fill_of_somebody_else(99, "0.2", time_ms + 2)
        self.hold("0.8")
        await self.connect()
        await self.poll_until(lambda: self.explained() == Decimal("0.8"))

    async def test_c16_what_somebody_else_made_does_not_explain_what_an_open_order_filled(self):
        await self.know()
        client_order_id = await self.open_order()
        self.fill_of_somebody_else(99, "0.1")
        self.hold("0.4")
        await self.poll_for(3 * LAG_S)
        self.assertEqual(0, self.explained())

        self.tell(self.cancellation(client_order_id))
        await self.until(lambda: self.is_done(client_order_id))
        error, = self.errors()
        self.assertIn(client_order_id, error)

    async def test_c16_what_somebody_else_fills_while_the_orders_are_read_is_heard_of_by_its_event(self):
        await self.know()
        client_order_id = await self.open_order()
        self.cancelled_row(client_order_id)
        self.hold("0.4")
        made = self.fill_of_somebody_else(98, "0.4")
        later_ms = made["lastFilledTime"] + 3000
        later = self.fill_of_somebody_else(99, "0.4", later_ms)
        await self.connect()
        await self.until(lambda: self.is_done(client_order_id))

        another = await self.open_order()
        self.tell(order_event(later))
        self.hold("0.8")
        await self.poll_for(3 * LAG_S)
        self.tell(self.cancellation(another))
        await self.until(lambda: self.is_done(another))
        await self.poll_for(2 * LAG_S)
        self.assertEqual([], self.errors())
        self.assertEqual(["Created", "Cancelled"], self.events_of(another))

    async def check_a_fill_that_is_heard_of_while_the_orders_are_read(self, event_of):
        """The venue tells late, and just then, what the position has given away."""
        client_order_id = await self.miss_a_part()
        event = order_event(event_of(client_order_id))

        async def after_the_event(request):
            if self.connector._missed_fills.are_unsettled:
                del self.venue.answers[GET_ORDERS]
                self.tell(event)
                await self.until_events_are_taken()
            return await self.venue.usual(request)

        self.venue.answers[GET_ORDERS] = after_the_event
        await self.until(lambda: self.is_done(client_order_id))
        await self.poll_for(2 * LAG_S)
        self.assertEqual([], self.errors())
        return self.events_of(client_order_id)

    async def test_c16_what_somebody_else_filled_and_is_heard_of_just_then_is_no_missed_part(self):
        names = await self.check_a_fill_that_is_heard_of_while_the_orders_are_read(
            lambda _: self.fill_of_somebody_else(99, "0.4"))
        self.assertEqual(["Created", "Cancelled"], names)

    async def test_c16_a_missed_part_that_is_heard_of_just_then_counts_once(self):
        names = await self.check_a_fill_that_is_heard_of_while_the_orders_are_read(
            lambda client_order_id: {**self.venue.rows[int(client_order_id)], "status": "PARTIALLY_FILLED",
                                     **filled("0.4", "95", "1")})
        self.assertEqual(["Created", "Filled", "Cancelled"], names)
        self.assertEqual(Decimal("0.4"), self.filled_amount())

    async def test_c16_a_list_of_orders_that_cannot_be_read_at_once_is_asked_for_again(self):
        client_order_id = await self.miss_a_part()

        async def only_once(request):
            del self.venue.answers[GET_ORDERS]
            return await answering({}, 503)(request)

        self.venue.answers[GET_ORDERS] = only_once
        await self.until(lambda: self.is_done(client_order_id))
        self.assertEqual(["Created", "Filled", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual([], self.errors())

    async def test_c16_what_somebody_else_filled_and_was_heard_is_counted_once(self):
        await self.know()
        client_order_id = await self.open_order()
        event = order_event(order_row("0x99", "5", "FILLED", size="0.4", **filled("0.4", "100", "1")))
        self.tell(event)
        self.tell(event)
        self.cancelled_row(client_order_id)
        self.hold("0.8")
        await self.connect()
        await self.until(lambda: self.is_done(client_order_id))

        self.assertEqual(["Created", "Filled", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual(Decimal("0.4"), self.filled_amount())

    async def test_c16_what_somebody_else_filled_in_parts_that_look_alike_is_counted_whole(self):
        await self.know()
        client_order_id = await self.open_order()
        part = filled("0.1", "100", "1")
        for status in ("PARTIALLY_FILLED", "PARTIALLY_FILLED", "PARTIALLY_FILLED", "FILLED", "PARTIALLY_FILLED"):
            self.tell(order_event(order_row("0x99", "5", status, size="0.4", **part)))
        self.cancelled_row(client_order_id)
        self.hold("0.4")
        await self.connect()
        await self.until(lambda: self.is_done(client_order_id))
        await self.poll_for(LAG_S)

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual([], self.errors())

    async def test_c16_a_cancelled_order_of_somebody_else_can_have_made_it_too(self):
        await self.know()
        client_order_id = await self.open_order()
        self.cancelled_row(client_order_id)
        self.venue.add_order(99, "CANCELLED", postTime=int(time.time() * 1000))
        self.hold("0.4")
        await self.connect()
        await self.until(lambda: self.is_done(client_order_id))
        await self.poll_for(LAG_S)

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual(1, len(self.errors()))

    async def test_c16_nothing_is_guessed_while_the_orders_of_others_cannot_be_read(self):
        client_order_id = await self.miss_a_part()
        self.venue.answers[GET_ORDERS] = answering({}, 503)
        await self.until(lambda: self.is_done(client_order_id))

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual(1, len(self.errors()))
