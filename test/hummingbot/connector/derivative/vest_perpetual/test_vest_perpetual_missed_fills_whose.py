"""Which of the account's orders made a change of position that nobody told of (C16): an order that cannot have made it
is not charged with it, and our own orders that were counted already are nobody else's."""
import time
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    account,
    exchange_info,
    filled,
    market,
    order_event,
    order_row,
    position,
)
from test.hummingbot.connector.derivative.vest_perpetual.missed_fills_testing import LAG_S, PatientTestCase


class WhoseFillTests(PatientTestCase):
    def fill(self, client_order_id):
        """An order of ours is filled, and the stream tells."""
        self.tell(order_event(self.venue.fill_order(client_order_id)))

    async def cancel_unheard(self, client_order_id, size):
        """An order is cancelled while the stream is away; then the account has a position."""
        self.cancelled_row(client_order_id)
        self.hold(size)
        await self.connect()
        await self.poll_until(lambda: self.is_done(client_order_id))
        await self.poll_for(LAG_S)

    def assert_nothing_was_booked(self, client_order_id):
        self.assertEqual(["Created", "Cancelled"], self.events_of(client_order_id))

    def assert_booked(self, client_order_id, size):
        fills = [fill for fill in self.heard("Filled") if fill.order_id == client_order_id]
        self.assertEqual((Decimal(size), []), (sum(fill.amount for fill in fills), self.errors()))


class OwnOrderTests(WhoseFillTests):
    """The tracker forgets orders that are done, at the latest when the bot starts anew."""

    async def test_c16_an_order_of_ours_that_was_filled_before_a_crash_is_nobody_elses(self):
        self.connector._missed_fills.recall()
        await self.know()
        waiting, done = await self.open_order(), await self.open_order(amount="0.4")
        self.hold("0.4")
        self.fill(done)
        await self.until(lambda: self.is_done(done))
        await self.poll_until(lambda: self.explained() == Decimal("0.4"))
        await self.restart()
        await self.cancel_unheard(waiting, "0.8")
        self.assert_booked(waiting, "0.4")

    async def test_c16_an_order_of_ours_that_was_cancelled_before_a_crash_is_nobody_elses(self):
        self.connector._missed_fills.recall()
        await self.know()
        waiting, done = await self.open_order(), await self.open_order()
        self.tell(self.cancellation(done))
        await self.until(lambda: self.is_done(done))
        await self.restart()
        await self.cancel_unheard(waiting, "0.4")
        self.assert_booked(waiting, "0.4")


class HeldEndTests(WhoseFillTests):
    """Which ends wait for a difference."""

    async def test_c16_an_order_that_came_after_a_difference_does_not_wait_for_it(self):
        await self.know()
        await self.open_order()
        self.hold("0.4")
        await self.poll()
        self.set_lag(60)  # the difference stays
        later = await self.open_order()
        self.tell(self.cancellation(later))
        await self.until(lambda: self.is_done(later))
        self.assert_nothing_was_booked(later)


class OthersTests(WhoseFillTests):
    """Fills of orders that are not ours."""

    def event_of_somebody_else(self, number, status, **fields):
        self.tell(order_event(order_row(f"0x{10_000 + number}", "5", status, **fields)))

    async def test_c16_parts_of_others_are_remembered_however_many_orders_they_place(self):
        await self.know()
        client_order_id = await self.open_order()
        self.event_of_somebody_else(9000, "PARTIALLY_FILLED", isBuy=False, size="0.4", **filled("0.2", "100", "1"))
        for number in range(1100):
            self.event_of_somebody_else(number, "NEW")
            self.event_of_somebody_else(2000 + number, "FILLED", isBuy=number % 2 == 0, **filled("1", "100", "1"))
        self.event_of_somebody_else(9000, "FILLED", isBuy=False, size="0.4", **filled("0.2", "100", "1"))
        await self.until_events_are_handled()
        await self.cancel_unheard(client_order_id, "-0.4")
        self.assert_nothing_was_booked(client_order_id)
        self.assertEqual((0, []), (self.connector._missed_fills._watch.gap("BTC-PERP"), self.errors()))

    async def take_as_it_is(self):
        """The position changes unheard, and none of our orders can have made it."""
        await self.know()
        self.hold("0.4")
        await self.poll_until(lambda: self.explained() == Decimal("0.4"))

    async def test_c16_an_order_of_somebody_else_that_is_filled_at_last_tells_what_was_taken_as_it_is(self):
        posted_ms = int(time.time() * 1000) - 5000
        await self.take_as_it_is()
        client_order_id = await self.open_order(is_buy=False)
        last = filled("0.4", "100", "1", int(time.time() * 1000) + 5000)  # later than the clock can be wrong
        self.event_of_somebody_else(9000, "FILLED", size="0.8", postTime=posted_ms, **last)
        await self.until_events_are_handled()
        await self.cancel_unheard(client_order_id, "0.8")
        self.assert_nothing_was_booked(client_order_id)
        self.assertEqual([], self.errors())

    async def check_a_sale_is_booked_after(self, event):
        client_order_id = await self.open_order(is_buy=False)
        self.tell(order_event(event))
        await self.until_events_are_handled()
        self.hold("0.8")
        await self.poll()
        await self.cancel_unheard(client_order_id, "0.4")
        self.assert_booked(client_order_id, "0.4")

    async def test_c16_a_purchase_of_ours_after_a_difference_hides_no_missed_sale(self):
        await self.take_as_it_is()
        bought = await self.open_order(amount="0.4")
        time_ms = int(time.time() * 1000) + 5000
        await self.check_a_sale_is_booked_after(
            self.venue.change_order(bought, "FILLED", **filled("0.4", "100", "1", time_ms)))

    async def test_c16_a_purchase_of_others_after_a_difference_hides_no_missed_sale(self):
        await self.take_as_it_is()
        time_ms = int(time.time() * 1000) + 5000
        await self.check_a_sale_is_booked_after(order_row(
            "0x9000", "5", "FILLED", size="0.4", **filled("0.4", "100", "1", time_ms)))

    def hold_at(self, size, entry_price):
        self.venue.account = account(positions=[position(
            "BTC-PERP", size.lstrip("-"), is_long=not size.startswith("-"), entryPrice=entry_price
        )])

    async def check_limit(self, is_buy, size, entry_price, is_ours):
        await self.know()
        client_order_id = await self.open_order(is_buy=is_buy, price="90")
        self.cancelled_row(client_order_id)
        self.hold_at(size, entry_price)
        await self.connect()
        await self.poll_until(lambda: self.is_done(client_order_id))
        await self.poll_for(LAG_S)
        if is_ours:
            self.assert_booked(client_order_id, "0.4")
            return
        self.assert_nothing_was_booked(client_order_id)
        error, = self.errors()
        self.assertIn(f"changed by {size}", error)
        self.assertIn(client_order_id, error)

    async def test_c16_a_purchase_above_its_limit_was_made_by_somebody_else(self):
        await self.check_limit(True, "0.4", "94.5", is_ours=False)

    async def test_c16_a_sale_below_its_limit_was_made_by_somebody_else(self):
        await self.check_limit(False, "-0.4", "85.5", is_ours=False)

    async def test_c16_a_purchase_at_its_limit_may_look_dearer_by_rounding(self):
        await self.check_limit(True, "0.4", "90.01", is_ours=True)

    async def test_c16_a_price_that_other_fills_have_blurred_proves_nothing(self):
        await self.know("0.4")  # at 95
        client_order_id = await self.open_order(price="90")
        for number, is_buy in enumerate((True, False)):  # there and back, which leaves another entry price
            self.event_of_somebody_else(number, "FILLED", isBuy=is_buy, size="0.4", **filled("0.4", "200", "1"))
        await self.until_events_are_handled()
        self.cancelled_row(client_order_id)
        self.hold_at("0.8", "118.75")  # 0.4 at the average of 95 and 200, and 0.4 at 90
        await self.connect()
        await self.poll_until(lambda: self.is_done(client_order_id))
        self.assert_booked(client_order_id, "0.4")

    async def test_c16_a_row_whose_side_cannot_be_read_explains_nothing_and_keeps_from_guessing(self):
        await self.know()
        client_order_id = await self.open_order(is_buy=False)
        time_ms = int(time.time() * 1000)
        self.venue.add_order(99, "FILLED", isBuy="?", size="0.4", postTime=time_ms,
                             **filled("0.4", "100", "1", time_ms))
        await self.cancel_unheard(client_order_id, "-0.4")
        self.assert_nothing_was_booked(client_order_id)
        self.assertTrue(any(client_order_id in error for error in self.errors()))


class UnknownMarketTests(WhoseFillTests):
    async def test_c16_a_part_that_was_missed_of_a_market_that_is_not_listed_any_more_is_said(self):
        await self.know()
        client_order_id = await self.open_order()
        self.connector._markets.update(exchange_info(market("ETH-PERP")))
        await self.cancel_unheard(client_order_id, "0.4")
        self.assert_nothing_was_booked(client_order_id)
        error, = self.errors()
        self.assertIn(client_order_id, error)

    async def test_c16_a_fill_before_the_markets_are_known_is_counted_for_its_market(self):
        self.connector._missed_fills.recall()
        await self.know()
        filled_order, other = await self.open_order(amount="0.4"), await self.open_order()
        await self.poll()
        saved = self.connector.tracking_states
        self.connector = self.make_connector()
        self.connector.restore_tracking_states(saved)
        self.connector._missed_fills.recall()
        self.listen()
        self.fill(filled_order)
        await self.until(lambda: self.is_done(filled_order))
        await self.connector._update_trading_rules()
        await self.cancel_unheard(other, "0.4")
        self.assert_nothing_was_booked(other)
        self.assertEqual((Decimal("0.4"), []), (self.explained(), self.errors()))
