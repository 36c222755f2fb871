"""Order states: what the venue said last wins only when it can be later than what is known."""
import asyncio
import json
import logging
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import filled, order_row
from test.isolated_asyncio_wrapper_test_case import IsolatedAsyncioWrapperTestCase

import pytest
from hypothesis import given, settings, strategies as st

from hummingbot.connector.connector_base import ConnectorBase
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_tracker import VestOrderTracker
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import Order
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import (
    InFlightOrder,
    OrderState,
    OrderUpdate,
    PerpetualDerivativeInFlightOrder,
)
from hummingbot.core.data_type.trade_fee import TradeFeeSchema
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import MarketEvent

NOW_MS = 1_640_780_000_000
SCHEMA = TradeFeeSchema(taker_percent_fee_decimal=Decimal("0.0001"))
CREATED, FILL, COMPLETED, CANCELLED, FAILED = "Created", "Filled", "Completed", "Cancelled", "Failed"
EVENTS = {
    MarketEvent.BuyOrderCreated: CREATED, MarketEvent.OrderFilled: FILL, MarketEvent.BuyOrderCompleted: COMPLETED,
    MarketEvent.OrderCancelled: CANCELLED, MarketEvent.OrderFailure: FAILED,
}
ENDS = {COMPLETED, CANCELLED, FAILED}


class Connector(ConnectorBase):
    """What the tracker uses of a connector: its events and its clock."""

    venue_time_ms = NOW_MS
    name = "vest_perpetual"

    @staticmethod
    def pair_of(symbol):
        return {"BTC-PERP": "BTC-USDC", "ETH-PERP": "ETH-USDC"}.get(symbol)


class Scene:
    """A tracker, its connector and what was heard."""

    def __init__(self):
        self.connector = Connector({})
        self.connector._set_current_timestamp(NOW_MS / 1000)
        self.tracker = VestOrderTracker(self.connector)
        self.heard = []
        # The connector holds its listeners weakly.
        self._listeners = {event: self._listener(kind) for event, kind in EVENTS.items()}
        for event, listener in self._listeners.items():
            self.connector.add_listener(event, listener)

    def _listener(self, kind):
        return EventForwarder(lambda event: self.heard.append((kind, event)))

    @property
    def kinds(self):
        return [kind for kind, _ in self.heard]

    def track(self, client_order_id="1", exchange_order_id=None, amount="1", **fields):
        order = PerpetualDerivativeInFlightOrder(**{**dict(
            client_order_id=client_order_id, exchange_order_id=exchange_order_id, trading_pair="BTC-USDC",
            order_type=OrderType.LIMIT, trade_type=TradeType.BUY, amount=Decimal(amount), price=Decimal("100"),
            creation_timestamp=NOW_MS / 1000, leverage=3, position=PositionAction.OPEN,
        ), **fields})
        self.tracker.start_tracking_order(order)
        return order

    def say(self, status, client_order_id="1", **fields):
        """The venue says something of the order."""
        order = self.tracker.fetch_order(client_order_id)
        size = "1" if order is None else str(order.amount)
        row = order_row("0x" + client_order_id, client_order_id, status, **{"size": size, **fields})
        return self.tracker.process_venue_order(Order.from_payload(row), SCHEMA)

    async def miss(self, order, times=1, at_ms=NOW_MS):
        """The venue answers that it does not have the order."""
        for _ in range(times):
            await self.tracker.note_not_found(order, at_ms)


STATUSES = {
    "NEW": OrderState.OPEN, "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED, "FILLED": OrderState.FILLED,
    "CANCELLED": OrderState.CANCELED, "REJECTED": OrderState.FAILED,
}
P, O, H, X, F, C, R = (
    OrderState.PENDING_CREATE, OrderState.OPEN, OrderState.PARTIALLY_FILLED, OrderState.PENDING_CANCEL,
    OrderState.FILLED, OrderState.CANCELED, OrderState.FAILED,
)
# What becomes of an order in a state (row) when the venue says NEW, PARTIALLY_FILLED, FILLED, CANCELLED, REJECTED.
TRANSITIONS = {
    P: (O, H, F, C, R),
    O: (O, H, F, C, R),
    H: (H, H, F, C, R),
    X: (X, X, F, C, R),
    F: (F, F, F, F, F),
    C: (C, C, C, C, C),
    R: (R, R, R, R, R),
}
PAIRS = [
    (state, status, after) for state, row in TRANSITIONS.items() for status, after in zip(STATUSES, row)
]


class OrderTrackerTests(IsolatedAsyncioWrapperTestCase):
    async def asyncSetUp(self):
        self.scene = Scene()
        self.tracker = self.scene.tracker

    # --- States

    async def test_b03_every_status_in_every_state(self):
        for state, status, after in PAIRS:
            with self.subTest(state=state.name, status=status):
                scene = Scene()
                order = scene.track(exchange_order_id=None if state is P else "0x1", initial_state=state)
                if state in (F, C, R):
                    scene.tracker.stop_tracking_order("1")

                scene.say(status, **(filled("1", "100", "1") if status == "FILLED" else {}))

                self.assertEqual(after, order.current_state)
                self.assertEqual(after in (F, C, R), "1" not in scene.tracker.active_orders)
                self.assertEqual(1 if state not in (F, C, R) and after in (F, C, R) else 0,
                                 sum(kind in ENDS for kind in scene.kinds))
                self.assertEqual(1 if state is P and status != "REJECTED" else 0, scene.kinds.count(CREATED))

    async def test_b03_updates_of_the_framework_are_guarded_too(self):
        order = self.scene.track(exchange_order_id="0x1", initial_state=OrderState.OPEN)
        self.scene.say("CANCELLED")

        for state in (OrderState.OPEN, OrderState.FAILED):
            await self.tracker.process_order_update(OrderUpdate("BTC-USDC", 1.0, state, client_order_id="1"))

        self.assertTrue(order.is_cancelled)
        self.assertEqual([CANCELLED], self.scene.kinds)

    async def test_b23_events_come_in_order_before_the_call_returns(self):
        self.scene.track()

        self.scene.say("FILLED", **filled("1", "100", "1"))

        self.assertEqual([CREATED, FILL, COMPLETED], self.scene.kinds)

    async def test_b23_an_update_of_the_framework_takes_effect_at_once(self):
        self.scene.track()

        task = self.tracker.process_order_update(OrderUpdate(
            "BTC-USDC", 1.0, OrderState.OPEN, client_order_id="1", exchange_order_id="0x1"
        ))

        self.assertEqual([CREATED], self.scene.kinds)
        self.assertIsNone(await task)

    async def test_an_update_of_an_order_nobody_knows_is_ignored(self):
        await self.tracker.process_order_update(OrderUpdate("BTC-USDC", 1.0, OrderState.FILLED, client_order_id="9"))
        self.assertIsNone(self.scene.say("FILLED", client_order_id="9"))

        self.assertEqual([], self.scene.kinds)

    async def test_an_order_is_found_by_the_venues_id_when_the_nonce_is_not_said(self):
        order = self.scene.track(exchange_order_id="0x1")
        row = Order.from_payload({"id": "0x1", "status": "CANCELLED"})

        self.assertIs(order, self.tracker.find(row))
        self.assertIsNone(self.tracker.find(Order.from_payload({"id": "0x2", "status": "NEW"})))

    async def test_a_nonce_is_believed_only_with_the_symbol_side_and_size_of_our_order(self):
        order = self.scene.track()
        for fields in (dict(symbol="ETH-PERP"), dict(isBuy=False), dict(size="0.5")):
            with self.subTest(fields=fields):
                self.assertIsNone(self.scene.say("NEW", **fields))
                self.assertEqual([], self.scene.kinds)
                self.assertTrue(order.is_pending_create)

        self.scene.say("NEW", symbol="UNLISTED-PERP", isBuy=None, size=None)
        self.assertEqual([CREATED], self.scene.kinds)

    async def test_an_order_known_by_the_venues_id_is_ours_whatever_else_is_said(self):
        self.scene.track(exchange_order_id="0x1", initial_state=OrderState.OPEN)

        self.scene.say("CANCELLED", size="0.5")

        self.assertEqual([CANCELLED], self.scene.kinds)

    async def test_a_rejection_says_what_the_code_means(self):
        self.scene.track()

        self.scene.say("REJECTED", code=3002)

        (kind, event), = self.scene.heard
        self.assertEqual(FAILED, kind)
        self.assertIn("3002", event.error_message)
        self.assertEqual("VestRefusedError", event.error_type)

    async def test_a_rejection_without_a_code_fails_the_order_all_the_same(self):
        self.scene.track()

        self.scene.say("REJECTED")

        self.assertIn("without a reason", self.scene.heard[0][1].error_message)

    async def test_c18_an_unknown_status_is_said_once_and_changes_nothing(self):
        order = self.scene.track()
        with self.assertLogs(VestOrderTracker.logger(), logging.ERROR) as logs:
            self.scene.say("SUSPENDED")
            self.scene.say("SUSPENDED", **filled("1", "100", "1"))

        self.assertEqual(1, len(logs.records))
        self.assertIn("SUSPENDED", logs.output[0])
        self.assertTrue(order.is_pending_create)
        self.assertEqual([], self.scene.kinds)

    async def test_c18_a_venue_of_many_unknown_statuses_does_not_fill_the_log(self):
        self.scene.track()
        with self.assertLogs(VestOrderTracker.logger(), logging.ERROR) as logs:
            for number in range(100):
                self.scene.say(f"ODD{number}")

        self.assertEqual(1, len(logs.records))

    async def test_orders_can_be_cancelled_before_the_clock_runs(self):
        self.scene.connector._set_current_timestamp(float("nan"))
        order = self.scene.track(creation_timestamp=float("nan"))

        self.scene.say("CANCELLED")

        self.assertTrue(order.is_cancelled)
        self.assertGreater(self.scene.heard[-1][1].timestamp, NOW_MS / 1000)

    # --- Fills

    async def test_b05_a_fill_long_after_the_end_is_booked(self):
        order = self.scene.track()
        self.scene.say("CANCELLED")
        self.assertGreaterEqual(self.tracker.CACHED_ORDER_TTL, 600)

        self.scene.say("CANCELLED", **filled("0.5", "100", "1"))

        self.assertEqual([CREATED, CANCELLED, FILL], self.scene.kinds)
        self.assertEqual(Decimal("0.5"), order.executed_amount_base)

    async def test_b06_an_order_whose_fills_are_complete_is_filled_whatever_its_status(self):
        order = self.scene.track()

        self.scene.say("PARTIALLY_FILLED", **filled("1", "100", "1"))

        self.assertTrue(order.is_filled)
        self.assertEqual([CREATED, FILL, COMPLETED], self.scene.kinds)
        self.assertNotIn("1", self.tracker.active_orders)

    async def test_a_fill_during_a_cancellation_is_kept(self):
        order = self.scene.track(exchange_order_id="0x1", initial_state=OrderState.PENDING_CANCEL)

        self.scene.say("PARTIALLY_FILLED", **filled("0.5", "100", "1"))
        self.scene.say("CANCELLED")

        self.assertEqual([FILL, CANCELLED], self.scene.kinds)
        self.assertEqual(Decimal("0.5"), order.executed_amount_base)

    # --- Orders the venue may not have

    async def test_b02_an_order_is_lost_after_as_many_definitive_answers_as_the_framework_says(self):
        order = self.scene.track(exchange_order_id="0x1", initial_state=OrderState.OPEN)

        await self.scene.miss(order, times=3)
        self.assertEqual([], self.scene.kinds)
        await self.scene.miss(order)

        self.assertEqual([FAILED], self.scene.kinds)
        self.assertIn("1", self.tracker.lost_orders)

    async def test_b02_being_found_starts_the_count_anew(self):
        order = self.scene.track(exchange_order_id="0x1", initial_state=OrderState.OPEN)

        for _ in range(3):
            await self.scene.miss(order, times=3)
            self.scene.say("NEW")

        self.assertEqual([], self.scene.kinds)
        self.assertIn("1", self.tracker.active_orders)

    async def test_b02_an_order_on_its_way_is_not_counted(self):
        order = self.scene.track()

        await self.scene.miss(order, times=20)

        self.assertTrue(order.is_pending_create)
        self.assertIn("1", self.tracker.active_orders)

    async def test_b01_an_order_of_unknown_outcome_fails_only_after_its_deadline_and_two_answers(self):
        order = self.scene.track()
        self.tracker.mark_outcome_unknown("1", "no answer in time", deadline_ms=NOW_MS)
        self.assertEqual({"1"}, self.tracker.suspects)

        await self.scene.miss(order, times=10, at_ms=NOW_MS)
        await self.scene.miss(order, at_ms=NOW_MS + 1)
        self.assertTrue(order.is_pending_create)
        await self.scene.miss(order, at_ms=NOW_MS + 1)

        (kind, event), = self.scene.heard
        self.assertEqual(FAILED, kind)
        self.assertIn("no answer in time", event.error_message)
        self.assertEqual(set(), self.tracker.suspects)
        self.assertNotIn("1", self.tracker.lost_orders)

    async def test_b01_an_order_of_unknown_outcome_that_turns_up_is_adopted(self):
        order = self.scene.track()
        self.tracker.mark_outcome_unknown("1", "no answer in time", deadline_ms=NOW_MS)
        await self.scene.miss(order, at_ms=NOW_MS + 1)

        self.scene.say("NEW")
        await self.scene.miss(order, times=2, at_ms=NOW_MS + 2)

        self.assertEqual("0x1", order.exchange_order_id)
        self.assertEqual([CREATED], self.scene.kinds)

    async def test_an_order_whose_id_came_meanwhile_is_no_suspect(self):
        self.scene.track()
        self.scene.say("NEW")

        self.tracker.mark_outcome_unknown("1", "no answer in time", deadline_ms=NOW_MS)
        self.tracker.mark_outcome_unknown("9", "not tracked", deadline_ms=NOW_MS)

        self.assertEqual(set(), self.tracker.suspects)

    async def test_a_lost_order_gets_its_fills_and_ends_without_a_second_event(self):
        order = self.scene.track(exchange_order_id="0x1", initial_state=OrderState.OPEN)
        await self.scene.miss(order, times=4)

        fill = self.tracker.process_venue_order(
            Order.from_payload(order_row("0x1", "1", "FILLED", **filled("1", "100", "1"))), SCHEMA,
            settles_lost_orders=False,
        )
        self.assertIsNotNone(fill)
        self.assertIn("1", self.tracker.lost_orders)
        self.scene.say("FILLED", **filled("1", "100", "1"))

        self.assertEqual([FAILED, FILL], self.scene.kinds)
        self.assertEqual({}, self.tracker.lost_orders)

    async def test_a_lost_order_that_is_open_after_all_stays_lost_until_it_ends(self):
        order = self.scene.track(exchange_order_id="0x1", initial_state=OrderState.OPEN)
        await self.scene.miss(order, times=4)

        self.scene.say("NEW")

        self.assertIn("1", self.tracker.lost_orders)

    # --- Since when orders are to be read

    async def test_orders_are_read_since_the_oldest_was_handed_over_on_the_venues_clock(self):
        first = self.scene.track("1", creation_timestamp=5.0)
        self.scene.connector.venue_time_ms = NOW_MS + 1000
        second = self.scene.track("2", creation_timestamp=float("nan"))

        self.assertEqual(NOW_MS, self.tracker.oldest_start_ms([second, first]))
        self.assertEqual(NOW_MS + 1000, self.tracker.oldest_start_ms([second]))

    async def test_restored_orders_are_read_since_well_before_their_local_time(self):
        self.tracker.restore_tracking_states({"1": self.scene.track("1").to_json()})

        start_ms = self.tracker.oldest_start_ms(list(self.tracker.active_orders.values()))

        self.assertEqual(NOW_MS - 300_000, start_ms)

    # --- Restoring

    def restored(self, **fields):
        """An order as it is after the client was killed and started again."""
        order = self.scene.track(**fields)
        saved = json.loads(json.dumps({order.client_order_id: order.to_json()}))
        after = Scene()
        after.tracker.restore_tracking_states(saved)
        self.scene = after
        return order, after.tracker.active_orders.get(order.client_order_id)

    async def test_b15_an_order_survives_a_restart_whole(self):
        for name, fields in {
            "limit": dict(exchange_order_id="0x1", initial_state=OrderState.OPEN),
            "market": dict(exchange_order_id="0x1", order_type=OrderType.MARKET, initial_state=OrderState.OPEN),
            "close": dict(exchange_order_id="0x1", position=PositionAction.CLOSE, trade_type=TradeType.SELL,
                          initial_state=OrderState.PARTIALLY_FILLED),
            "cancelling": dict(exchange_order_id="0x1", initial_state=OrderState.PENDING_CANCEL),
        }.items():
            with self.subTest(name):
                self.scene = Scene()
                saved, order = self.restored(**fields)

                self.assertIsInstance(order, PerpetualDerivativeInFlightOrder)
                self.assertEqual(saved, order)
                self.assertEqual(set(), self.scene.tracker.suspects)

    async def test_b15_an_order_without_a_price_survives_a_restart(self):
        for price in (None, Decimal("NaN")):
            with self.subTest(price=price):
                self.scene = Scene()
                _, order = self.restored(exchange_order_id="0x1", order_type=OrderType.MARKET, price=price)

                self.assertTrue(order.price.is_nan())
                self.scene.say("FILLED", **filled("1", "100", "1"))
                self.assertEqual([CREATED, FILL, COMPLETED], self.scene.kinds)

    async def test_b15_the_fills_of_a_restored_order_do_not_count_again(self):
        order = self.scene.track(amount="2")
        self.scene.say("PARTIALLY_FILLED", **filled("0.5", "100", "1"))
        saved = json.loads(json.dumps({"1": order.to_json()}))
        after = Scene()
        after.tracker.restore_tracking_states(saved)

        after.say("PARTIALLY_FILLED", **filled("0.5", "100", "1"))

        self.assertEqual([], after.kinds)
        self.assertEqual(Decimal("0.5"), after.tracker.active_orders["1"].executed_amount_base)

    async def test_b15_an_order_that_was_on_its_way_is_looked_up_after_a_restart(self):
        _, order = self.restored()
        self.assertEqual({"1"}, self.scene.tracker.suspects)

        # Its request may arrive until its time is over, counted from the first look.
        await self.scene.miss(order, times=2)
        self.assertEqual([], self.scene.heard)

        over_ms = NOW_MS + CONSTANTS.RECV_WINDOW_MS + CONSTANTS.UNKNOWN_OUTCOME_GRACE_MS + 1
        await self.scene.miss(order, times=2, at_ms=over_ms)

        (kind, event), = self.scene.heard
        self.assertEqual(FAILED, kind)
        self.assertIn("stopped before the venue answered", event.error_message)

    async def test_done_orders_are_not_restored_and_failed_ones_are_looked_after_as_lost(self):
        for state in (OrderState.FILLED, OrderState.CANCELED, OrderState.FAILED):
            saved = self.scene.track(exchange_order_id="0x1", initial_state=state).to_json()
            after = Scene()
            after.tracker.restore_tracking_states({"1": saved})

            self.assertEqual({}, after.tracker.active_orders)
            self.assertEqual(state is OrderState.FAILED, "1" in after.tracker.lost_orders)


# --- Any sequence of words

words = st.tuples(
    st.sampled_from([*STATUSES, "SUSPENDED"]),
    st.sampled_from([{}, filled("0.4", "100", "1", time_ms=1000), filled("0.6", "101", "2", time_ms=2000)]),
)


@given(said=st.lists(words, max_size=12), is_cancelling=st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_sequence_of_words_gives_created_then_fills_then_one_end(said, is_cancelling):
    async def scene_after():
        scene = Scene()
        order = scene.track()
        for status, fields in said:
            scene.say(status, **fields)
            if is_cancelling and order.exchange_order_id is not None:  # others cannot be cancelled
                await scene.tracker.process_order_update(
                    OrderUpdate("BTC-USDC", 1.0, OrderState.PENDING_CANCEL, client_order_id="1")
                )
        await asyncio.sleep(0)
        return scene, order

    scene, order = asyncio.run(scene_after())
    kinds = scene.kinds
    ends = [index for index, kind in enumerate(kinds) if kind in ENDS]

    assert len(ends) <= 1
    assert kinds.count(CREATED) <= 1
    if FILL in kinds and FAILED not in kinds:
        assert kinds.index(CREATED) < kinds.index(FILL)
    if COMPLETED in kinds:
        assert kinds[-1] == COMPLETED
        assert order.executed_amount_base == order.amount
    assert order.executed_amount_base <= order.amount
    assert order.executed_amount_base == sum(event.amount for kind, event in scene.heard if kind == FILL)
    assert order.is_open is ("1" in scene.tracker.active_orders) is (not ends)


@pytest.mark.parametrize("order_class", [InFlightOrder, PerpetualDerivativeInFlightOrder])
def test_restored_orders_word_their_message_as_perpetual_ones(order_class):
    saved = order_class(
        client_order_id="1", trading_pair="BTC-USDC", order_type=OrderType.LIMIT, trade_type=TradeType.BUY,
        amount=Decimal(1), price=Decimal(2), creation_timestamp=1.0, position=PositionAction.CLOSE,
    ).to_json()

    message = VestOrderTracker._restore_order_from_json(saved).build_order_created_message()

    assert "to CLOSE a BTC-USDC position" in message
