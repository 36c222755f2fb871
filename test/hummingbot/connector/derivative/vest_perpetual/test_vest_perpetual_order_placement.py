"""Sending orders: what is sent, what is refused before, and what is done when the answer does not say what happened."""
import asyncio
import time
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    DerivativeTestCase,
    a_book,
    account,
    answering,
    exchange_info,
    market,
    order_event,
    position,
    refusing,
)
from unittest.mock import patch

from aiohttp import web

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_web_utils import VestRESTAssistant
from hummingbot.core.data_type.common import OrderType, PositionAction

POST_ORDER = ("POST", CONSTANTS.ORDERS_PATH)
GET_ORDERS = ("GET", CONSTANTS.ORDERS_PATH)


class OrderPlacementTests(DerivativeTestCase):
    def give_book(self, bids=((99, 10),), asks=((101, 10),), trading_pair="BTC-USDC"):
        self.connector.order_book_tracker.order_books[trading_pair] = a_book(bids, asks)

    async def assert_refused_unsent(self, client_order_id, part_of_the_message):
        await self.until(lambda: self.events_of(client_order_id))
        await asyncio.sleep(0)

        self.assertEqual(["Failed"], self.events_of(client_order_id))
        failure, = self.heard("Failed")
        self.assertIn(part_of_the_message, failure.error_message)
        self.assertEqual([], self.venue.sent_orders)
        self.assertEqual({}, self.connector.in_flight_orders)

    # --- What is sent

    async def test_a_limit_order(self):
        client_order_id = await self.open_order(amount="1.5", price="100.25")

        sent, = self.venue.sent_orders
        self.assertLess(abs(sent.pop("time") - time.time() * 1000), 60_000)
        self.assertEqual({
            "nonce": int(client_order_id), "symbol": "BTC-PERP", "isBuy": True, "size": "1.500000",
            "orderType": "LIMIT", "limitPrice": "100.2500", "reduceOnly": False, "timeInForce": "GTC",
        }, sent)
        self.assertEqual("0x1", self.in_flight(client_order_id).exchange_order_id)

    async def test_a_market_order_has_the_books_price_for_its_volume_and_some_slippage_as_its_limit(self):
        self.give_book(bids=((99, 1), (98, 10)), asks=((101, 1), (102, 10)))

        await self.open_order(order_type=OrderType.MARKET, amount="3", price=Decimal("NaN"))
        await self.open_order(order_type=OrderType.MARKET, amount="3", price=Decimal("NaN"), is_buy=False)

        buy, sell = self.venue.sent_orders
        self.assertEqual(("MARKET", "103.0200"), (buy["orderType"], buy["limitPrice"]))
        self.assertEqual(("MARKET", "97.0200"), (sell["orderType"], sell["limitPrice"]))
        self.assertNotIn("timeInForce", buy)

    async def test_the_worst_price_stands_on_the_tick_and_is_never_zero(self):
        self.venue.markets = [market("BTC-PERP", priceDecimals=2, minTickSize="0.25")]
        await self.connector._update_trading_rules()
        self.give_book(bids=((0.1, 10),), asks=((100.1, 10),))

        await self.open_order(order_type=OrderType.MARKET)
        await self.open_order(order_type=OrderType.MARKET, is_buy=False)

        self.assertEqual(["101.25", "0.25"], [sent["limitPrice"] for sent in self.venue.sent_orders])

    async def test_amounts_and_prices_are_put_on_their_steps(self):
        await self.open_order(amount="1.23456789", price="100.123456789")

        sent, = self.venue.sent_orders
        self.assertEqual(("1.234567", "100.1234"), (sent["size"], sent["limitPrice"][:8]))

    async def test_a14_every_close_is_reduce_only(self):
        self.venue.account = account(positions=[position("BTC-PERP", "2")])

        await self.open_order(is_buy=False, position_action=PositionAction.CLOSE)

        self.assertTrue(self.venue.sent_orders[0]["reduceOnly"])

    async def test_a_time_in_force_may_be_chosen(self):
        await self.open_order(time_in_force=CONSTANTS.TIME_IN_FORCE_FOK)

        self.assertEqual("FOK", self.venue.sent_orders[0]["timeInForce"])

    async def test_a13_orders_sent_at_once_have_nonces_of_their_own(self):
        client_order_ids = [self.order() for _ in range(20)]
        await self.until(lambda: len(self.heard("Created")) == 20)

        self.assertEqual(20, len(set(client_order_ids)))
        self.assertEqual(sorted(client_order_ids), client_order_ids)
        self.assertEqual(set(map(int, client_order_ids)), {sent["nonce"] for sent in self.venue.sent_orders})

    # --- Refused before it is sent

    async def test_b19_an_unknown_pair(self):
        await self.assert_refused_unsent(self.order(trading_pair="XYZ-USDC"), "no market XYZ-USDC")
        self.assertIn("check the pair's name", self.heard("Failed")[0].error_message)

    async def test_b19_a_missing_position_action(self):
        await self.assert_refused_unsent(
            self.connector.buy("BTC-USDC", Decimal(1), OrderType.LIMIT, Decimal(100)), "position action"
        )

    async def test_b19_a_price_that_is_none(self):
        for price in (None, Decimal("NaN"), Decimal("Infinity"), Decimal(0), Decimal(-1)):
            with self.subTest(price=price):
                self.events.clear()
                await self.assert_refused_unsent(self.order(price=price), "not a positive number of price steps")

    async def test_b19_a_price_below_the_tick(self):
        await self.assert_refused_unsent(self.order(price="0.00001"), "the price 0.00001 is not a positive number")

    async def test_b19_an_amount_that_is_no_amount(self):
        for amount in ("NaN", "Infinity", "0", "-1"):
            with self.subTest(amount=amount):
                self.events.clear()
                await self.assert_refused_unsent(self.order(amount=amount), f"amount {amount} is not a positive number")

    async def test_b19_numbers_that_are_no_decimals(self):
        for amount, price in ((0.01, Decimal(100)), (None, Decimal(100)), ("1", Decimal(100)), (Decimal(1), 100.0)):
            with self.subTest(amount=amount, price=price):
                self.events.clear()
                await self.assert_refused_unsent(self.connector.buy(
                    "BTC-USDC", amount, OrderType.LIMIT, price, position_action=PositionAction.OPEN
                ), "give a Decimal")

    async def test_b19_an_amount_below_the_step(self):
        self.give_book()
        for order_type in (OrderType.LIMIT, OrderType.MARKET):
            with self.subTest(order_type=order_type):
                self.events.clear()
                await self.assert_refused_unsent(
                    self.order(amount="0.0000009", order_type=order_type), "minimum order size"
                )

    async def test_a09_a_post_only_order(self):
        await self.assert_refused_unsent(self.order(order_type=OrderType.LIMIT_MAKER), "not in the list of supported")

    async def test_b19_a_market_order_without_a_book(self):
        await self.assert_refused_unsent(self.order(order_type=OrderType.MARKET), "empty or too thin")
        self.assertIn("send less, or a LIMIT order", self.heard("Failed")[0].error_message)

    async def test_b19_a_market_order_on_an_empty_side(self):
        self.give_book(asks=())

        await self.assert_refused_unsent(self.order(order_type=OrderType.MARKET), "empty or too thin")

    async def test_b19_a_market_order_larger_than_the_book(self):
        self.give_book()

        await self.assert_refused_unsent(self.order(order_type=OrderType.MARKET, amount="11"), "too thin for 11")

    async def test_a_market_that_is_no_longer_listed(self):
        self.connector._markets.update(exchange_info(market("ETH-PERP")))

        await self.assert_refused_unsent(self.order(), "does not list BTC-USDC any more")

    async def test_c31_a_market_whose_decimals_have_just_become_fewer(self):
        self.connector._markets.update(exchange_info(market("BTC-PERP", sizeDecimals=0)))

        await self.assert_refused_unsent(self.order(amount="1.5"), "1.5")

    async def test_c31_a_refusal_that_tells_of_a_changed_market_has_the_markets_read_once(self):
        self.run_in_background(self.connector._trading_rules_polling_loop())
        await self.until(lambda: self.venue.asked("GET", CONSTANTS.EXCHANGE_INFO_PATH))
        self.venue.markets = [market("BTC-PERP", sizeDecimals=1), market("ETH-PERP")]
        self.venue.answers["POST", CONSTANTS.ORDERS_PATH] = refusing(1111)
        refused = [self.order() for _ in range(5)]
        await self.until(lambda: all(self.events_of(client_order_id) for client_order_id in refused))

        await self.until(lambda: self.connector.trading_rules["BTC-USDC"].min_order_size == Decimal("0.1"))
        self.assertEqual(2, len(self.venue.asked("GET", CONSTANTS.EXCHANGE_INFO_PATH)))
        del self.venue.answers["POST", CONSTANTS.ORDERS_PATH]
        await self.open_order(amount="1.23")
        self.assertEqual("1.2", self.venue.sent_orders[-1]["size"])

    async def test_c31_so_does_an_order_that_is_rejected_later(self):
        self.run_in_background(self.connector._trading_rules_polling_loop())
        client_order_id = await self.open_order()
        self.venue.change_order(client_order_id, "REJECTED", code=3011)
        await self.poll()
        await self.until(lambda: len(self.venue.asked("GET", CONSTANTS.EXCHANGE_INFO_PATH)) == 2)

    # --- Closing

    async def test_a14_a_close_larger_than_the_position_is_trimmed_to_it(self):
        self.venue.account = account(positions=[position("BTC-PERP", "0.4")])

        client_order_id = await self.open_order(is_buy=False, amount="1", position_action=PositionAction.CLOSE)

        self.assertEqual("0.400000", self.venue.sent_orders[0]["size"])
        self.assertEqual(Decimal("0.4"), self.in_flight(client_order_id).amount)
        self.assertEqual(1, self.logs.count("is trimmed to the position, 0.4"))

    async def test_a14_a_close_that_fits_the_position_known_asks_nothing(self):
        self.venue.account = account(positions=[position("BTC-PERP", "2", is_long=False)])
        await self.poll()
        self.venue.requests.clear()

        await self.open_order(amount="2", position_action=PositionAction.CLOSE)

        self.assertEqual(CONSTANTS.ORDERS_PATH, self.venue.requests[0].path)  # before the account is read again
        self.assertEqual("2.000000", self.venue.sent_orders[0]["size"])

    async def test_a14_fills_that_the_account_does_not_show_yet_can_be_closed(self):
        self.venue.account = account(positions=[position("BTC-PERP", "1"), position("ETH-PERP", "1", is_long=False)])
        await self.poll()
        for is_buy, pair in ((True, "BTC-USDC"), (False, "ETH-USDC")):
            with self.subTest(is_buy=is_buy):
                filled_order = await self.open_order(is_buy=is_buy, amount="2", trading_pair=pair)
                self.venue.fill_order(filled_order)
                await self.poll()

                await self.open_order(
                    is_buy=not is_buy, amount="3", trading_pair=pair, position_action=PositionAction.CLOSE
                )

                self.assertEqual("3.000000", self.venue.sent_orders[-1]["size"])

    async def test_a14_a_close_with_nothing_to_close(self):
        for rows in ([], [position("BTC-PERP", "2", is_long=True)], [position("ETH-PERP", "2", is_long=False)]):
            with self.subTest(rows=rows):
                self.events.clear()
                self.venue.account = account(positions=rows)
                await self.assert_refused_unsent(
                    self.order(is_buy=True, position_action=PositionAction.CLOSE), "no position in BTC-USDC"
                )

    async def test_b19_a_market_that_is_gone_by_the_time_the_account_is_read(self):
        async def delisted_meanwhile(request):
            self.venue.markets = [market("ETH-PERP")]
            await self.connector._update_trading_rules()
            return await answering(account(positions=[position("BTC-PERP", "2")]))(request)

        for order_type in (OrderType.LIMIT, OrderType.MARKET):
            with self.subTest(order_type=order_type):
                self.venue.markets = [market("BTC-PERP"), market("ETH-PERP")]
                await self.connector._update_trading_rules()
                self.events.clear()
                self.venue.answers["GET", CONSTANTS.ACCOUNT_PATH] = delisted_meanwhile
                await self.assert_refused_unsent(self.order(
                    is_buy=False, amount="3", order_type=order_type, position_action=PositionAction.CLOSE
                ), "no market BTC-USDC")

    async def test_a14_a_close_is_sent_as_it_is_when_the_position_cannot_be_read(self):
        self.venue.answers["GET", CONSTANTS.ACCOUNT_PATH] = refusing(1130)

        await self.open_order(is_buy=False, position_action=PositionAction.CLOSE)

        sent, = self.venue.sent_orders
        self.assertEqual(("1.000000", True), (sent["size"], sent["reduceOnly"]))

    # --- Refused by the venue

    async def test_c06_a_refusal_fails_the_order_once_and_says_why(self):
        shapes = {
            "flat": lambda code: answering({"code": code, "msg": "no"}, 400),
            "detail": lambda code: answering({"detail": {"code": code, "msg": "no"}}, 422),
            "in a 200": lambda code: answering({"code": code, "msg": "no"}, 200),
        }
        for code in (1023, 1111, 1121, 3001, 3002, 3010, 3011, 3018, 3019, 3024):
            for shape, answer in shapes.items():
                with self.subTest(code=code, shape=shape):
                    self.events.clear()
                    self.venue.requests.clear()
                    self.venue.answers[POST_ORDER] = answer(code)

                    client_order_id = self.order()
                    await self.until(lambda: self.events_of(client_order_id))

                    self.assertEqual(["Failed"], self.events_of(client_order_id))
                    self.assertIn(f"Vest error {code}: ", self.heard("Failed")[0].error_message)
                    self.assertEqual([], self.venue.asked(*GET_ORDERS))
                    self.assertEqual(1, len(self.venue.sent_orders))

    async def test_c06_a_refusal_is_one_line_of_the_log(self):
        self.venue.answers[POST_ORDER] = refusing(3002)
        client_order_id = self.order()
        await self.until(lambda: self.events_of(client_order_id))

        self.assertEqual(1, len(self.warnings()))
        self.assertIn(f"Order {client_order_id} to buy 1.000000 BTC-USDC at 100.0000 (LIMIT) failed: Vest error 3002",
                      self.warnings()[0])
        self.assertFalse(any(record.exc_info for record in self.logs.records))

    async def test_c06_an_error_nobody_expected_keeps_its_traceback(self):
        with patch.object(self.connector, "_api_post", side_effect=RuntimeError("a bug")):
            client_order_id = self.order()
            await self.until(lambda: self.events_of(client_order_id))

        self.assertEqual(["Failed"], self.events_of(client_order_id))
        self.assertTrue(any(record.exc_info for record in self.logs.records))

    async def test_c28_a_refused_time_is_put_right_once(self):
        answers = [refusing(1132), self.venue.usual]

        async def answer(request):
            return await answers.pop(0)(request)

        self.venue.answers[POST_ORDER] = answer
        client_order_id = await self.open_order()

        self.assertEqual([int(client_order_id)] * 2, [sent["nonce"] for sent in self.venue.sent_orders])
        self.assertEqual(["Created"], self.events_of(client_order_id))

    # --- Answers that do not say what happened

    def answers_lost(self, commits):
        """Ways in which the venue's answer does not tell, after the order was taken or not."""
        async def take(request):
            if commits:
                await self.venue.usual(request)

        def losing(answer):
            async def lose(request):
                await take(request)
                return await answer(request)

            return lose

        async def reset(request):
            await take(request)
            raise asyncio.CancelledError  # the server drops the connection

        return {
            "reset": reset,
            "503": losing(answering({}, 503)),
            "502 html": losing(self.html),
            "429": losing(answering({}, 429)),
            "truncated": losing(self.truncated),
            "no id": losing(answering({"ok": True})),
        }

    @staticmethod
    async def html(_):
        return web.Response(status=502, text="<html>Bad gateway</html>", content_type="text/html")

    @staticmethod
    async def truncated(_):
        return web.Response(text='{"id": "0x', content_type="application/json")

    async def test_b01_an_order_whose_answer_was_lost_is_adopted(self):
        self.connector.throttler.note_refusal = lambda _: None  # the pause after a 429 is tested elsewhere
        for name, answer in self.answers_lost(commits=True).items():
            with self.subTest(name):
                self.events.clear()
                self.venue.requests.clear()
                self.venue.answers[POST_ORDER] = answer

                client_order_id = self.order()
                await self.until(lambda: self.events_of(client_order_id))

                self.assertEqual(["Created"], self.events_of(client_order_id))
                row = self.venue.rows[int(client_order_id)]
                self.assertEqual(row["id"], self.in_flight(client_order_id).exchange_order_id)
                self.assertEqual(1, len(self.venue.sent_orders))

    async def test_b01_an_order_that_never_arrived_fails_once_after_its_deadline(self):
        self.connector.throttler.note_refusal = lambda _: None
        for name, answer in self.answers_lost(commits=False).items():
            with self.subTest(name):
                self.events.clear()
                self.venue.requests.clear()
                self.venue.answers[POST_ORDER] = answer

                client_order_id = self.order()
                await self.until(lambda: len(self.venue.asked(*GET_ORDERS)) >= 4)
                self.assertEqual([], self.events_of(client_order_id))
                self.assertTrue(self.in_flight(client_order_id).is_pending_create)

                now_ms = self.connector.venue_time_ms
                self.connector._clock.now_ms = lambda: now_ms + 8000
                await self.until(lambda: self.events_of(client_order_id))
                del self.connector._clock.now_ms

                self.assertEqual(["Failed"], self.events_of(client_order_id))
                self.assertIn("never got the order", self.heard("Failed")[0].error_message)
                self.assertEqual(1, len(self.venue.sent_orders))
                self.assertNotIn(client_order_id, self.connector.in_flight_orders)

    async def test_b01_an_order_is_not_given_up_while_the_venue_cannot_be_asked(self):
        self.venue.answers[POST_ORDER] = answering({}, 503)
        self.venue.answers[GET_ORDERS] = answering({}, 503)

        client_order_id = self.order()
        await self.until(lambda: len(self.venue.asked(*GET_ORDERS)) >= 3)
        self.connector._clock.now_ms = lambda: int(time.time() * 1000) + 10 ** 6
        await self.until(lambda: len(self.venue.asked(*GET_ORDERS)) >= 8)
        del self.connector._clock.now_ms

        self.assertEqual([], self.events_of(client_order_id))
        self.assertTrue(self.in_flight(client_order_id).is_pending_create)
        self.assertEqual(1, self.logs.count("An order of unknown outcome is looked up again later."))

    async def test_c03_an_order_heard_of_by_event_is_read_after_its_answer_was_lost(self):
        self.listen()

        async def tell_then_lose(request):
            await self.venue.usual(request)
            self.tell(order_event(self.venue.rows[request.order["nonce"]]))
            await self.until(lambda: self.heard("Created"))
            self.venue.fill_order(str(request.order["nonce"]))  # its event gets lost
            return web.Response(status=503)

        self.venue.answers[POST_ORDER] = tell_then_lose
        client_order_id = self.order()
        await self.until(lambda: client_order_id in self.connector.in_flight_orders)
        await self.until(lambda: client_order_id not in self.connector.in_flight_orders)

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))
        self.assertTrue(self.connector._poll_notifier.is_set())

    async def test_c03_an_order_that_filled_before_it_was_found(self):
        async def lose(request):
            await self.venue.usual(request)
            self.venue.fill_order(str(request.order["nonce"]))
            return web.Response(status=503)

        self.venue.answers[POST_ORDER] = lose
        client_order_id = self.order()
        await self.until(lambda: "Completed" in self.events_of(client_order_id))

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))

    async def test_c08_the_venue_already_has_the_order(self):
        async def take_then_refuse(request):
            await self.venue.usual(request)
            return await refusing(3015)(request)

        self.venue.answers[POST_ORDER] = take_then_refuse
        client_order_id = self.order()
        await self.until(lambda: self.events_of(client_order_id))

        self.assertEqual(["Created"], self.events_of(client_order_id))

    async def test_c08_an_order_of_another_bot_with_our_nonce_is_not_adopted(self):
        async def give_to_another(request):
            self.venue.add_order(request.order["nonce"], symbol="ETH-PERP", isBuy=False, size="0.5")
            return await refusing(3015)(request)

        self.venue.answers[POST_ORDER] = give_to_another
        tag = self.connector._order_ids.tag
        client_order_id = self.order()
        await self.until(lambda: self.events_of(client_order_id))
        await self.poll()

        self.assertEqual(["Failed"], self.events_of(client_order_id))
        self.assertIn("another bot", self.heard("Failed")[0].error_message)
        self.assertNotEqual(tag, self.connector._order_ids.tag)
        self.assertEqual(1, self.logs.count("Another bot on this account"))
        self.assertEqual([], self.venue.sent_cancels)

    async def test_c08_a_duplicate_that_the_venue_never_lists_fails_once_at_last(self):
        self.venue.answers[POST_ORDER] = refusing(3015)
        client_order_id = self.order()
        await self.until(lambda: len(self.venue.asked("GET", CONSTANTS.ORDERS_PATH)) > 3)
        self.assertEqual([], self.events_of(client_order_id))
        now_ms = self.connector._clock.now_ms
        self.connector._clock.now_ms = lambda: now_ms() + int(self.connector.DUPLICATE_LOOKUP_LIMIT_S * 1000)
        await self.until(lambda: self.events_of(client_order_id))

        self.assertEqual(["Failed"], self.events_of(client_order_id))
        self.assertIn("never listed it", self.heard("Failed")[0].error_message)
        self.assertNotIn(client_order_id, self.connector.in_flight_orders)

    async def test_c08_a_duplicate_is_looked_for_while_the_venue_cannot_be_asked(self):
        self.connector.DUPLICATE_LOOKUP_LIMIT_S = 0.0
        self.venue.answers[POST_ORDER] = refusing(3015)
        self.venue.answers["GET", CONSTANTS.ORDERS_PATH] = answering({}, 503)
        client_order_id = self.order()
        await self.until(lambda: len(self.venue.asked("GET", CONSTANTS.ORDERS_PATH)) > 5)

        self.assertEqual([], self.events_of(client_order_id))

    async def test_c09_events_that_come_before_the_answer(self):
        self.listen()

        async def tell_first(request):
            answer = await self.venue.usual(request)
            row = self.venue.fill_order(str(request.order["nonce"]))
            self.tell(order_event({**row, "status": "NEW", "lastFilledSize": None, "fees": None}))
            self.tell(order_event(row))
            await self.until(lambda: self.heard("Completed"))
            del self.venue.answers[POST_ORDER]
            return answer

        self.venue.answers[POST_ORDER] = tell_first
        client_order_id = self.order()
        await self.until(lambda: POST_ORDER not in self.venue.answers)
        await self.open_order()  # whose answer comes after the first one's

        self.assertEqual(["Created", "Filled", "Completed"], self.events_of(client_order_id))
        self.assertNotIn(client_order_id, self.connector.in_flight_orders)

    async def test_b14_a_request_that_times_out_is_no_missing_exchange_id(self):
        async def hang(request):
            await self.venue.usual(request)
            await asyncio.sleep(60)

        self.venue.answers[POST_ORDER] = hang
        with self.short_timeout():
            client_order_id = self.order()
            await self.until(lambda: self.events_of(client_order_id))

        self.assertEqual(["Created"], self.events_of(client_order_id))

    def short_timeout(self):
        usual = VestRESTAssistant._exchange

        async def hasty(assistant, request, timeout):
            return await usual(assistant, request, 0.1)

        return patch.object(VestRESTAssistant, "_exchange", hasty)

    # --- The tag

    async def test_a_tag_that_cannot_be_kept_is_an_error_and_nothing_is_sent(self):
        self.connector._order_ids._path = self.connector._order_ids._path / "no" / "folder"
        (self.connector._order_ids._path.parents[1]).write_text("7")

        with self.assertRaisesRegex(OSError, "cannot"):
            self.order()

        self.assertEqual([], self.venue.requests)
