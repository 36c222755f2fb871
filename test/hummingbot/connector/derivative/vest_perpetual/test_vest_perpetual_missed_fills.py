"""Parts that were missed before an order was cancelled (C16): booked before its end when the position tells whose they
were, said otherwise, and a cancel in normal life is not held up."""
import asyncio
import time
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    answering,
    filled,
    order_event,
    order_row,
)
from test.hummingbot.connector.derivative.vest_perpetual.missed_fills_testing import (
    GET_ORDERS,
    LAG_S,
    MissedFillsTestCase,
    PatientTestCase,
)
from typing import NamedTuple, Optional
from unittest.mock import patch

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)


class Case(NamedTuple):
    """An order of one BTC that is cancelled while the stream is away, and positions before and after."""

    is_buy: bool
    before: Optional[str]
    after: Optional[str]
    fill: Optional[str]  # what is booked; None: nothing, and an ERROR
    price: Optional[str] = None


CASES = {
    "long": Case(True, None, "0.4", "0.4", "95"),
    "short": Case(False, None, "-0.4", "0.4", "105"),
    "increased": Case(True, "0.4", "0.8", "0.4", "90"),
    "close": Case(False, "0.4", None, "0.4", "100"),
    "reduce": Case(False, "0.8", "0.4", "0.4", "100"),
    "flip": Case(False, "0.1", "-0.3", "0.4", "105"),
    "nothing was missed": Case(True, "0.4", "0.4", "0"),
    "more than the order": Case(True, None, "1.5", None),
    "all of it, which would not be a cancelled order": Case(True, None, "1", None),
}


class MissedFillsTests(PatientTestCase):
    # --- What the position tells

    async def check(self, case):
        await self.know(case.before)
        client_order_id = await self.open_order(is_buy=case.is_buy)
        self.cancelled_row(client_order_id)
        self.hold(case.after)
        await self.connect()  # the stream was away
        await self.until(lambda: self.is_done(client_order_id))

        names = {None: [], "0": []}.get(case.fill, ["Filled"])
        self.assertEqual(["Created", *names, "Cancelled"], self.events_of(client_order_id))
        if names:
            fill, = self.heard("Filled")
            self.assertEqual((Decimal(case.fill), Decimal(case.price)), (fill.amount, fill.price))
            self.assertEqual(Decimal(case.fill) * Decimal(case.price) * Decimal("0.0001"),
                             fill.trade_fee.flat_fees[0].amount)
        await self.poll_for(LAG_S)
        self.assertEqual(1 if case.fill is None else 0, len(self.errors()))
        self.assertTrue(all(client_order_id in error for error in self.errors()))

    async def test_c16_two_orders_can_have_made_it(self):
        await self.know()
        orders = [await self.open_order(), await self.open_order()]
        for client_order_id in orders:
            self.cancelled_row(client_order_id)
        self.hold("0.4")
        await self.connect()
        await self.until(lambda: all(map(self.is_done, orders)))
        await self.poll_for(LAG_S)

        self.assertEqual([], self.heard("Filled"))
        error, = self.errors()
        self.assertTrue(all(client_order_id in error for client_order_id in orders))

    async def partly_fill_without_a_word_of_how_much(self):
        """The venue's list says that an order is partly filled, and no more; nothing was heard of it."""
        client_order_id = await self.open_order()
        self.venue.change_order(client_order_id, "PARTIALLY_FILLED")
        await self.poll()
        return client_order_id

    async def test_c16_the_cancel_of_an_order_that_was_partly_filled_waits_for_the_position_to_tell_by_how_much(self):
        await self.know()
        client_order_id = await self.partly_fill_without_a_word_of_how_much()
        self.tell(self.cancellation(client_order_id))
        await self.until(lambda: self.connector._missed_fills.is_held(client_order_id))
        self.hold("0.4")
        await self.until(lambda: self.is_done(client_order_id))

        self.assertEqual(["Created", "Filled", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual((Decimal("0.4"), []), (self.filled_amount(), self.errors()))

    async def test_c16_partly_filled_orders_whose_parts_the_position_does_not_show_are_named(self):
        await self.know()
        orders = [await self.partly_fill_without_a_word_of_how_much() for _ in range(2)]
        for client_order_id in orders:
            self.tell(self.cancellation(client_order_id))
        await self.until(lambda: all(map(self.is_done, orders)))

        self.assertEqual(2, len(self.errors()))
        for client_order_id, error in zip(orders, self.errors()):
            self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))
            self.assertIn(f"Order {client_order_id} was filled in part before it was cancelled", error)

    async def test_c16_a_position_that_went_and_came_back_is_said_with_its_orders(self):
        await self.know()
        orders = [await self.open_order(is_buy=True), await self.open_order(is_buy=False)]
        for client_order_id, size in zip(orders, ("0.4", None)):
            self.hold(size)
            await self.poll()
            self.tell(self.cancellation(client_order_id))
        await self.poll_until(self.errors)

        error, = self.errors()
        self.assertIn("changed by 0.4 and back", error)
        self.assertTrue(all(client_order_id in error for client_order_id in orders))
        await self.until(lambda: all(map(self.is_done, orders)))

    async def test_c16_the_notes_for_the_next_session_are_not_written_at_every_reading(self):
        self.connector._missed_fills.recall()
        await self.know("0.4")
        notes = self.connector._memory._path
        before = notes.read_text()
        await self.poll_for(LAG_S)
        self.assertEqual(before, notes.read_text())

        self.hold("0.8")
        await self.poll_for(1.5 * LAG_S)
        self.assertNotEqual(before, notes.read_text())
        before = notes.read_text()
        with patch.object(self.connector._missed_fills, "MEMORY_REFRESH_S", 0):
            await self.poll()
        self.assertNotEqual(before, notes.read_text())

    async def test_c16_an_account_that_lags_is_waited_for(self):
        await self.know()
        client_order_id = await self.open_order()
        self.cancelled_row(client_order_id)
        began_s = time.monotonic()
        self.set_lag(60)
        await self.connect()
        await asyncio.sleep(0.5 * LAG_S)
        self.assertFalse(self.is_done(client_order_id))
        self.hold("0.4")
        self.set_lag(time.monotonic() - began_s + LAG_S)  # what was seen so far is too early to count
        await self.until(lambda: self.is_done(client_order_id))

        self.assertEqual(["Created", "Filled", "Cancelled"], self.events_of(client_order_id))

    async def test_c16_a_part_that_is_told_afterwards_counts_once(self):
        client_order_id = await self.miss_a_part()
        await self.until(lambda: self.is_done(client_order_id))

        other = await self.open_order()
        row = self.cancelled_row(client_order_id, **filled("0.4", "95", "1"))
        await self.poll()
        self.tell(order_event({**row, "status": "PARTIALLY_FILLED"}))
        self.tell(order_event(row))
        await self.poll_for(2 * LAG_S)

        self.assertEqual(Decimal("0.4"), self.filled_amount())
        self.assertFalse(self.is_done(other))
        self.assertEqual([], self.errors())

    async def test_c16_price_and_fee_are_the_venues_when_it_tells_them(self):
        await self.know()
        client_order_id = await self.open_order()
        self.tell(order_event(self.venue.change_order(
            client_order_id, "PARTIALLY_FILLED", **filled("0.1", "96", "0.001")
        )))
        await self.until(lambda: self.heard("Filled"))
        self.hold("0.4")
        self.cancelled_row(client_order_id, lastFilledSize=None, avgFilledPrice="97", fees="0.01")
        await self.connect()
        await self.until(lambda: self.is_done(client_order_id))

        fills = self.heard("Filled")
        self.assertEqual(Decimal("0.4"), self.filled_amount())
        self.assertAlmostEqual(Decimal("38.8"), sum(fill.amount * fill.price for fill in fills), places=9)
        self.assertEqual(Decimal("0.01"), sum(fill.trade_fee.flat_fees[0].amount for fill in fills))

    async def test_c16_the_list_of_orders_may_tell_whose_it_was(self):
        await self.know()
        orders = [await self.open_order(), await self.open_order()]
        self.hold("0.4")
        self.cancelled_row(orders[0])
        self.cancelled_row(orders[1], **filled("0.4", "97", "0.005"))
        for client_order_id in orders:
            row = self.venue.rows[int(client_order_id)]
            self.tell(order_event({key: row[key] for key in ("id", "nonce", "status", "postTime")}))
        await self.until(lambda: all(map(self.is_done, orders)))

        await self.poll_until(lambda: self.heard("Filled"))
        await self.poll_for(2 * LAG_S)
        fill, = self.heard("Filled")
        self.assertEqual((orders[1], Decimal("0.4"), Decimal("97")), (fill.order_id, fill.amount, fill.price))
        self.assertEqual(Decimal("0.005"), fill.trade_fee.flat_fees[0].amount)
        self.assertEqual([], self.errors())

    async def test_c16_a_poll_books_what_the_row_of_a_cancelled_order_tells(self):
        await self.know()
        client_order_id = await self.open_order()
        self.hold("0.4")
        self.cancelled_row(client_order_id, **filled("0.4", "97", "0.005"))
        await self.poll()
        await self.until(lambda: self.is_done(client_order_id))
        self.assertEqual(["Created", "Filled", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual(Decimal("97"), self.heard("Filled")[0].price)

    async def test_c16_a_part_that_shows_only_after_the_end_is_booked_all_the_same(self):
        await self.know()
        client_order_id = await self.open_order()
        self.hold("0.4")  # an event was dropped, and nobody has looked at the account since
        self.tell(self.cancellation(client_order_id))
        await self.until(lambda: self.is_done(client_order_id))
        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))

        await self.poll_until(lambda: self.heard("Filled"))
        await self.poll_for(2 * LAG_S)
        self.assertEqual(Decimal("0.4"), self.filled_amount())
        self.assertEqual([], self.errors())

    # --- Whether an end waits

    async def test_c16_a_difference_that_the_account_already_shows_is_a_sign(self):
        await self.know()
        client_order_id = await self.open_order()
        self.hold("0.4")
        await self.poll()
        self.tell(self.cancellation(client_order_id))
        await self.until(lambda: self.is_done(client_order_id))
        self.assertEqual(["Created", "Filled", "Cancelled"], self.events_of(client_order_id))

    async def test_c16_without_an_earlier_look_there_is_nothing_to_wait_for(self):
        client_order_id = await self.open_order()
        self.cancelled_row(client_order_id)
        self.hold("0.4")
        await self.poll()
        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))

    async def test_c16_what_a_stop_of_the_network_breaks_off_is_settled_afterwards(self):
        client_order_id = await self.miss_a_part()

        async def hang(_):
            await asyncio.sleep(60)

        self.venue.answers[GET_ORDERS] = hang
        await self.until(lambda: self.connector._missed_fills.are_unsettled)
        await self.connector.stop_network()
        del self.venue.answers[GET_ORDERS]
        await self.poll_until(lambda: self.is_done(client_order_id))

        self.assertEqual(["Created", "Filled", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual((Decimal("0.4"), []), (self.filled_amount(), self.errors()))

    async def test_c16_what_a_crash_breaks_off_is_settled_by_the_next_session(self):
        self.connector._missed_fills.recall()
        client_order_id = await self.miss_a_part()

        async def hang(_):
            await asyncio.sleep(60)

        self.venue.answers[GET_ORDERS] = hang
        await self.until(lambda: self.connector._missed_fills.are_unsettled)
        self.tell(order_event(order_row("0x99", "5", "FILLED", symbol="ETH-PERP", **filled("1", "100", "1"))))
        await self.until_events_are_taken()  # it is noted for the next session
        del self.venue.answers[GET_ORDERS]
        await self.restart()
        await self.connect()
        await self.poll_until(lambda: self.is_done(client_order_id))

        self.assertEqual(["Created", "Filled", "Cancelled"], self.events_of(client_order_id))
        self.assertEqual((Decimal("0.4"), []), (self.filled_amount(), self.errors()))

    async def test_c16_an_end_is_told_although_the_network_stopped_when_it_was_about_to_be_held_back(self):
        await self.know()
        client_order_id = await self.open_order()
        self.connector._book(wire.Order.from_payload(self.cancelled_row(client_order_id)))
        await self.connector.stop_network()  # its first act ends the task that has not even begun
        await self.poll_until(lambda: self.is_done(client_order_id))

        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))

    async def test_c16_a_missed_fill_with_which_something_unforeseen_goes_wrong_is_not_tried_for_ever(self):
        await self.know()
        client_order_id = await self.open_order()
        self.cancelled_row(client_order_id)
        self.hold("0.4")
        bug = RuntimeError("unforeseen")
        with patch.object(self.connector._order_tracker, "process_trade_update", side_effect=bug) as booking:
            await self.connect()
            await self.poll_until(lambda: self.is_done(client_order_id))
            await self.poll_for(LAG_S)

        booking.assert_called_once()
        error, = self.errors()
        self.assertIn("unforeseen", error)

    async def test_c16_at_the_stop_nothing_is_held_back(self):
        self.connector.CANCEL_CONFIRMATION_S = 0.1
        await self.know()
        client_order_id = await self.open_order()
        self.hold("0.4")
        await self.connector._update_account()
        self.set_lag(60)
        await self.connector.cancel_all(5)
        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))
        self.assertTrue(any(client_order_id in warning for warning in self.warnings()), self.warnings())


def _test_of(case):
    async def test(self):
        await self.check(case)

    return test


for _name, _case in CASES.items():
    setattr(MissedFillsTests, f"test_c16_{_name.replace(' ', '_')}", _test_of(_case))


class LongestHoldTests(MissedFillsTestCase):
    """Where an end is held back for as long as it ever is."""

    async def test_c16_an_order_still_open_can_have_made_it_too(self):
        await self.know()
        cancelled, still_open = await self.open_order(), await self.open_order()
        self.cancelled_row(cancelled)
        self.hold("0.4")
        await self.connect()
        await self.until(lambda: self.is_done(cancelled))
        self.assertEqual(["Created", "Cancelled"], self.events_of(cancelled))

        # It was the other one's: all of it is heard when it is filled.
        self.hold("1")
        self.tell(order_event(self.venue.fill_order(still_open)))
        await self.until(lambda: self.is_done(still_open))
        await self.poll_for(2 * LAG_S)
        self.assertEqual(1, self.filled_amount())
        self.assertEqual([], self.errors())

    async def test_c16_the_wait_is_bounded_when_the_account_cannot_be_read(self):
        await self.know()
        client_order_id = await self.open_order()
        self.cancelled_row(client_order_id)
        self.venue.answers["GET", CONSTANTS.ACCOUNT_PATH] = answering({}, 503)
        await self.poll()
        self.assertFalse(self.is_done(client_order_id))
        await self.until(lambda: self.is_done(client_order_id))
        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))


class PromptEndTests(MissedFillsTestCase):
    """What need not wait does not: with a lag that would keep it waiting for longer than the test does."""

    async def test_c16_a_cancel_in_normal_life_waits_for_nothing(self):
        await self.know("0.4")
        self.set_lag(60)
        client_order_id = await self.open_order()
        self.tell(self.cancellation(client_order_id))
        await self.until(lambda: self.is_done(client_order_id))

    async def test_c16_a_poll_may_be_quicker_than_the_event(self):
        await self.know()
        self.set_lag(60)
        client_order_id = await self.open_order()
        event = self.cancellation(client_order_id)
        await self.poll()
        self.assertFalse(self.is_done(client_order_id))
        self.tell(event)
        await self.until(lambda: self.is_done(client_order_id))
