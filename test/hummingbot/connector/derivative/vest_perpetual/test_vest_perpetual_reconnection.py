"""What is found out when the stream comes back, after a restart, and when it lost its events."""
import asyncio
import json
import time
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    DerivativeTestCase,
    answering,
    filled,
    order_event,
    order_row,
    refusing,
)
from unittest.mock import AsyncMock, patch

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_user_stream_data_source import STREAM_RECONNECTED

GET_ORDERS = ("GET", CONSTANTS.ORDERS_PATH)


class ReconnectionTests(DerivativeTestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.listen()

    # --- After a reconnection

    async def test_c21_what_happened_unheard_is_read_when_the_stream_is_back(self):
        done, open_still = await self.open_order(), await self.open_order()
        self.venue.fill_order(done)

        self.tell(STREAM_RECONNECTED)
        await self.until_done(done)

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(done))
        self.assertEqual(["Created"], self.events_of(open_still))
        await self.until_events_are_handled()
        self.assertEqual([], self.venue.sent_cancels)

    async def test_c32_orders_of_a_session_that_died_are_cancelled_with_one_warning(self):
        earlier_nonces = [self.connector._order_ids.next() - (3600 + number) * 10 ** 6 for number in range(3)]
        for nonce in earlier_nonces:
            self.venue.add_order(nonce)
        self.venue.change_order(str(earlier_nonces[2]), "PARTIALLY_FILLED")
        # A tag that was drawn in this session cannot have marked an order before.
        self.connector._order_ids._tag_is_new = False
        foreign = self.venue.add_order(earlier_nonces[0] + 1)
        manual = self.venue.add_order(5)
        ours = await self.open_order()

        self.tell(STREAM_RECONNECTED)
        await self.until(lambda: len(self.venue.sent_cancels) == 3)
        await self.until_events_are_handled()

        expected = {self.venue.rows[nonce]["id"] for nonce in earlier_nonces}
        self.assertEqual(expected, set(self.venue.sent_cancels))
        self.assertEqual(["NEW"] * 2, [foreign["status"], manual["status"]])
        self.assertEqual("NEW", self.venue.rows[int(ours)]["status"])
        warning, = self.warnings()
        self.assertIn(str(earlier_nonces[0]), warning)

    async def test_c32_orphans_that_are_done_meanwhile_are_no_error(self):
        nonce = self.connector._order_ids.next() - 10 ** 9
        self.connector._order_ids._tag_is_new = False
        self.venue.add_order(nonce)
        self.venue.answers["POST", CONSTANTS.ORDERS_CANCEL_PATH] = refusing(3017)

        self.tell(STREAM_RECONNECTED)
        await self.until(lambda: self.venue.sent_cancels)
        await self.until_events_are_handled()

        self.assertEqual(1, len(self.warnings()))

    async def test_c32_an_order_that_ends_while_the_list_is_on_its_way_is_no_orphan(self):
        client_order_id = await self.open_order()
        self.connector._order_ids._tag_is_new = False
        stale = await self.connector._orders.open_orders()
        self.tell(order_event(self.venue.change_order(client_order_id, "CANCELLED")))
        await self.until(lambda: client_order_id not in self.connector.in_flight_orders)
        with patch.object(self.connector._orders, "open_orders", AsyncMock(return_value=stale)):
            await self.connector._cancel_orphans()

        self.assertEqual(1, len(stale))
        self.assertEqual(([], []), (self.warnings(), self.venue.sent_cancels))

    async def test_c32_orphans_are_cancelled_though_the_venue_is_away_for_a_moment(self):
        self.connector.LOOKUP_PAUSE_MIN_S = 0.01
        nonces = [self.connector._order_ids.next() - number * 10 ** 9 for number in (1, 2, 3)]
        self.connector._order_ids._tag_is_new = False
        for nonce in nonces:
            self.venue.add_order(nonce)
        failures = {GET_ORDERS: iter(range(3)), ("POST", CONSTANTS.ORDERS_CANCEL_PATH): iter(range(2))}

        async def fail_at_first(request):
            away = next(failures[request.method, request.path], None) is not None
            return await (answering({}, 503) if away else self.venue.usual)(request)

        self.venue.answers.update(dict.fromkeys(failures, fail_at_first))
        self.tell(STREAM_RECONNECTED)
        await self.until(lambda: {self.venue.rows[nonce]["status"] for nonce in nonces} == {"CANCELLED"})
        await self.until(lambda: not self.connector._tasks)

        self.assertEqual(1, self.logs.count("3 open order(s) of this bot from an earlier session are cancelled"))
        self.assertGreaterEqual(self.logs.count("could not all be looked for and cancelled; that is tried again"), 1)
        self.assertEqual(2 + 3, len(self.venue.sent_cancels))  # one that failed kept no other open

    async def test_another_bot_with_our_tag_is_left_alone_and_another_tag_is_drawn(self):
        tag = self.connector._order_ids.tag
        ours = await self.open_order()
        theirs = (int(ours) // 1000 + 5) * 1000 + tag
        self.venue.add_order(theirs)

        self.tell(STREAM_RECONNECTED)
        await self.until(lambda: self.logs.count("a new mark was drawn"))
        await self.until_events_are_handled()

        self.assertEqual([], self.venue.sent_cancels)
        self.assertNotEqual(tag, self.connector._order_ids.tag)
        self.assertIn(ours, self.connector.in_flight_orders)

    async def test_another_bot_with_our_tag_is_noticed_by_its_events_too(self):
        nonce = self.connector._order_ids.next() + 5000

        self.tell(order_event(order_row("0x99", str(nonce), "NEW")))
        await self.until(lambda: self.logs.count("a new mark was drawn"))

    async def restart(self):
        """The client was killed, and starts again with what it had saved."""
        saved = json.loads(json.dumps(self.connector.tracking_states))
        await self.connector.stop_network()
        self.events.clear()
        self.connector = self.make_connector()
        await self.connector._update_trading_rules()
        self.connector.restore_tracking_states(saved)
        self.listen()

    async def test_c32_restored_orders_become_what_they_are_at_the_venue(self):
        still_open = await self.open_order()
        filled_meanwhile = await self.open_order()
        partly_filled = await self.open_order(amount="2")
        self.venue.change_order(partly_filled, "PARTIALLY_FILLED", **filled("0.5", "100", "1"))
        await self.poll()
        self.venue.change_order(partly_filled, "CANCELLED")
        self.venue.fill_order(filled_meanwhile)
        self.venue.answers["POST", CONSTANTS.ORDERS_PATH] = answering({}, 503)
        never_arrived, arrived = self.order(), self.order()
        await self.until(lambda: len(self.connector._order_tracker.suspects) == 2)
        self.venue.add_order(int(arrived))

        # With no window in which a request may still arrive, a few looks are enough.
        with patch.multiple(CONSTANTS, RECV_WINDOW_MS=0, UNKNOWN_OUTCOME_GRACE_MS=0):
            await self.restart()
            self.tell(STREAM_RECONNECTED)
            await self.until(lambda: filled_meanwhile not in self.connector.in_flight_orders)
            async with asyncio.timeout(30):
                while never_arrived in self.connector.in_flight_orders:
                    await self.poll()

        self.assertEqual({still_open, arrived}, set(self.connector.in_flight_orders))
        self.assertEqual([], self.events_of(still_open))
        self.assertEqual(["Filled", "Completed"], self.events_of(filled_meanwhile))
        self.assertEqual(["Cancelled"], self.events_of(partly_filled))
        self.assertEqual(["Created"], self.events_of(arrived))
        self.assertEqual(["Failed"], self.events_of(never_arrived))
        self.assertEqual([], self.venue.sent_cancels)

    async def restart_with_a_fill_and_without_books(self, wait_s):
        order_id = await self.open_order()
        self.venue.fill_order(order_id)
        await self.restart()
        self.connector.BOOKS_WAIT_S = wait_s
        self.tell(STREAM_RECONNECTED)
        await self.until(lambda: self.connector._account_balances)
        return order_id

    async def test_c32_fills_of_an_earlier_session_wait_for_the_order_books(self):
        order_id = await self.restart_with_a_fill_and_without_books(wait_s=60)
        self.assertEqual([], self.events_of(order_id))
        self.connector.order_book_tracker._order_books_initialized.set()
        await self.until(lambda: self.events_of(order_id) == ["Filled", "Completed"])

    async def test_c32_order_books_that_never_come_hold_fills_up_once(self):
        order_id = await self.restart_with_a_fill_and_without_books(wait_s=60)
        self.assertEqual([], self.events_of(order_id))
        self.connector._clock.monotonic_s = lambda: time.monotonic() + 60
        await self.until(lambda: self.events_of(order_id) == ["Filled", "Completed"])

        self.connector.BOOKS_WAIT_S = 60
        later = await self.open_order()
        self.venue.fill_order(later)
        self.tell(STREAM_RECONNECTED)
        await self.until(lambda: self.events_of(later) == ["Created", "Filled", "Completed"])

    async def test_c32_a_cancel_of_everything_waits_for_no_order_books(self):
        order_id = await self.restart_with_a_fill_and_without_books(wait_s=60)
        async with asyncio.timeout(30):
            await self.connector.cancel_all(2)
        self.assertEqual(["Filled", "Completed"], self.events_of(order_id))

    # --- A stream that was connected anew

    async def test_c21_events_count_at_once_while_the_venue_is_slow_to_tell_what_was_missed(self):
        client_order_id = await self.open_order()
        later = await self.open_order()
        await self.open_order()  # stays open, so that there is an order to be read about each time
        answers = asyncio.Event()
        reads = []

        async def slow(request):
            reads.append(request)
            await answers.wait()
            return await self.venue.usual(request)

        self.venue.answers[GET_ORDERS] = slow
        self.tell(STREAM_RECONNECTED)
        await self.until(lambda: reads)
        self.tell(order_event(self.venue.fill_order(client_order_id)))
        await self.until(lambda: self.events_of(client_order_id) == ["Created", "Filled", "Completed"])
        self.tell(STREAM_RECONNECTED)
        await self.until(lambda: self.connector._stream_connections == 2)
        self.venue.fill_order(later)
        answers.set()

        await self.until(lambda: self.events_of(later) == ["Created", "Filled", "Completed"])
        await self.until(lambda: not self.connector._is_reconciling)
        self.assertGreaterEqual(len(reads), 2)  # what the second connection missed is read again
        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))

    # --- A stream that lost its events

    async def connect_stream(self):
        self.tell(STREAM_RECONNECTED)
        await self.until(lambda: self.connector._stream_connections == 1 and not self.connector._is_reconciling)

    def watch_reconnects(self):
        data_source = self.connector._user_stream_tracker.data_source
        watch = patch.object(data_source, "request_reconnect")
        self.addCleanup(watch.stop)
        return watch.start()

    async def test_c22_an_order_that_ends_without_an_event_gives_a_deaf_stream_away(self):
        reconnect = self.watch_reconnects()
        await self.connect_stream()
        client_order_id = await self.open_order()
        self.venue.fill_order(client_order_id)

        await self.poll()
        await self.until(lambda: reconnect.called)

        self.assertEqual(1, reconnect.call_count)

    async def test_c22_an_event_that_comes_a_little_later_than_the_poll_is_no_sign(self):
        self.connector.EVENT_LAG_LIMIT_S = 0.1
        reconnect = self.watch_reconnects()
        await self.connect_stream()
        client_order_id = await self.open_order()
        row = self.venue.fill_order(client_order_id)

        await self.poll()
        self.tell(order_event(row))
        await self.until_idle()

        self.assertFalse(reconnect.called)

    async def test_c22_an_order_that_ends_by_an_event_while_it_is_polled_is_no_sign(self):
        self.connector.EVENT_LAG_LIMIT_S = 0.0
        reconnect = self.watch_reconnects()
        await self.connect_stream()
        client_order_id = await self.open_order()

        async def overtaken_by_an_event(request):
            answer = await self.venue.usual(request)
            self.tell(order_event(self.venue.fill_order(client_order_id)))
            await self.until(lambda: len(self.events_of(client_order_id)) == 3)
            return answer

        self.venue.answers[GET_ORDERS] = overtaken_by_an_event
        await self.poll()
        await self.until_idle()

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))
        self.assertFalse(reconnect.called)

    async def test_c22_what_ended_while_there_was_no_stream_is_no_sign(self):
        reconnect = self.watch_reconnects()
        client_order_id = await self.open_order()
        self.venue.fill_order(client_order_id)

        await self.connect_stream()
        await self.until(lambda: len(self.events_of(client_order_id)) == 3)
        await self.until_idle()

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))
        self.assertFalse(reconnect.called)
