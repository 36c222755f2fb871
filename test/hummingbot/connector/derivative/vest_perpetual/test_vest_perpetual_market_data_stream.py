"""The order book data source and the framework's tracker, at a simulated venue."""
import asyncio
import logging
import time
from test.hummingbot.connector.derivative.vest_perpetual.simulated_venue_testing import SimulatedVenueTestCase
from test.hummingbot.connector.derivative.vest_perpetual.stream_testing import (
    eventually,
    short_timing,
    tasks_of_hummingbot,
)
from typing import Any, List
from unittest.mock import AsyncMock, patch

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_api_order_book_data_source import (
    VestPerpetualAPIOrderBookDataSource,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_book import VestOrderBookTracker
from hummingbot.core.data_type.common import TradeType
from hummingbot.core.data_type.funding_info import FundingInfoUpdate
from hummingbot.core.data_type.order_book_tracker import OrderBookTracker
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import OrderBookEvent, OrderBookTradeEvent
from vest_simulator.server.sockets import Frame


class MarketDataStreamTest(SimulatedVenueTestCase):
    """From the venue's frames to the books that strategies see."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.trading_pairs = ["BTC-USDC", "ETH-USDC"]
        self.create()

    def create(self, **arguments: Any) -> None:
        self.source = VestPerpetualAPIOrderBookDataSource(
            trading_pairs=self.trading_pairs, connector=self.names, api_factory=self.factory,
            domain=CONSTANTS.SIMULATOR_DOMAIN, account_group=self.account.account_group,
            **{"timing": short_timing(), **arguments},
        )
        self.logs = self.record_logs_of(self.source)
        self.tracker = VestOrderBookTracker(self.source, self.trading_pairs, CONSTANTS.SIMULATOR_DOMAIN)

    async def start(self) -> None:
        """Starts the tracker, without its pause of a second after each pair."""
        with patch.object(OrderBookTracker, "_sleep", AsyncMock()):
            self.tracker.start()
            await asyncio.wait_for(self.tracker.wait_ready(), 20)
        self.addAsyncCleanup(self.stop)
        await eventually(lambda: self.is_subscribed("public", "tickers"))

    async def stop(self) -> None:
        self.tracker.stop()
        await eventually(lambda: not self.sockets("public"))

    def shown(self, trading_pair: str):
        book = self.tracker.order_books[trading_pair]
        return [[(row.price, row.amount) for row in side] for side in (book.bid_entries(), book.ask_entries())]

    async def expect_book(self, trading_pair: str, bids, asks) -> None:
        await self.venue.admin.set_depth(self.names.symbols[trading_pair], bids, asks)
        await eventually(lambda: self.shown(trading_pair) == [bids, asks])

    def ignore_depth(self, symbol: str = ".*", action: str = "drop"):
        return self.venue.admin.add_fault("socket", action, socket="public", channel=f"{symbol}@depth")

    async def keep_the_venues_own_books_back(self) -> None:
        """So that only pushed frames bring books."""
        await self.venue.admin.pause_prices()
        await self.ignore_depth()

    # --- books

    async def test_a19_the_book_equals_the_venues_after_every_reconnection(self):
        await self.start()
        book = self.tracker.order_books["BTC-USDC"]
        update_ids = [book.snapshot_uid]
        for number, code in enumerate((1000, 1006, 1011, 1012), start=1):
            await self.expect_book("BTC-USDC", [(100.0, float(number))], [(101.0, 1.0), (102.0, 5.0)])
            update_ids.append(book.snapshot_uid)
            await self.venue.admin.disconnect_sockets("public", code)
            await self.expect_book("BTC-USDC", [(90.0, float(number))], [(91.0, 1.0)])
            update_ids.append(book.snapshot_uid)
        self.assertEqual(sorted(set(update_ids)), update_ids)
        self.assertEqual(0, self.tracker.metrics.total_diffs_processed)

    async def test_a19_one_sided_crossed_and_empty_books_are_shown_as_they_are(self):
        await self.start()
        await self.expect_book("BTC-USDC", [(100.0, 1.0)], [])
        await self.expect_book("BTC-USDC", [], [(101.0, 1.0)])
        await self.expect_book("BTC-USDC", [(105.0, 1.0), (104.0, 1.0)], [(101.0, 2.0)])
        await self.expect_book("BTC-USDC", [], [])
        with self.assertRaises(EnvironmentError):
            self.tracker.order_books["BTC-USDC"].get_price(True)
        await self.expect_book("BTC-USDC", [(100.0, 1.0)], [(101.0, 1.0)])
        self.assertEqual([], self.logs.texts(logging.WARNING))

    async def test_c26_a_burst_of_books_ends_with_the_newest(self):
        await self.start()
        await self.keep_the_venues_own_books_back()
        for number in range(1, 1001):
            payload = {"channel": "BTC-PERP@depth", "data": {"bids": [["100", str(number)]], "asks": []}}
            self.venue.hub.push(self.sockets("public"), Frame("", payload, "text"))
        await eventually(lambda: self.shown("BTC-USDC") == [[(100.0, 1000.0)], []])
        # The tracker got far fewer books than the socket did.
        self.assertLess(self.tracker.metrics.per_pair_metrics["BTC-USDC"].snapshots_processed, 500)

    async def test_c19_frames_in_every_encoding_are_understood(self):
        for encoding, answer, pong in (
                ("text", "result", "PONG"), ("binary", "outcomes", "pong"), ("brotli", "outcomes", "PONG"),
        ):
            with self.subTest(encoding=encoding, answer=answer):
                await self.venue.admin.set_switch("frame_encoding", encoding)
                await self.venue.admin.set_switch("subscribe_answer", answer)
                await self.venue.admin.set_switch("pong_case", pong)
                self.create()
                await self.start()
                await self.expect_book("ETH-USDC", [(10.0, 1.0)], [(11.0, 1.0)])
                await self.stop()
                self.assertEqual([], self.logs.texts(logging.WARNING))

    async def test_c19_malformed_frames_are_said_once_and_the_next_one_counts(self):
        pauses_s, usual = [], self.source._sleep
        self.source._sleep = lambda pause_s: pauses_s.append(pause_s) or usual(pause_s)
        await self.start()
        await self.keep_the_venues_own_books_back()
        good = '{"channel": "BTC-PERP@depth", "data": {"bids": [["%d", "1"]], "asks": []}}'
        bad_frames = [
            "", "no JSON", "[1]", "{", "[" * 100_000, '{"channel": 1.5}', '{"channel": "BTC-PERP@depth", "data": 3}',
            '{"channel": "BTC-PERP@depth", "data": {"bids": [["1"]]}}', "1" * 5000, "null",
        ]
        for number, raw in enumerate(bad_frames * 2, start=1):
            await self.venue.admin.push_public(raw)
            await self.venue.admin.push_public("\x0b\x02" + raw, binary=True)
            await self.venue.admin.push_public(good % number)
            await eventually(lambda: self.shown("BTC-USDC")[0] == [(float(number), 1.0)], timeout_s=4.5)
        self.assertNotIn(1.0, pauses_s)  # the framework's, after an error: five seconds are another one
        texts = self.logs.texts(logging.WARNING)
        self.assertEqual(sorted(set(texts)), sorted(texts))
        self.assertEqual(1, self.opened_sockets("public"))

    async def test_trades_of_every_form_arrive(self):
        await self.venue.admin.pause_prices()  # else there are trades of others
        for sign, frame, trade_id in (("unsigned", "object", "int"), ("negative_qty", "list", "string"),
                                      ("side", "object", "string")):
            with self.subTest(sign=sign, frame=frame):
                await self.venue.admin.set_switch("trade_sign", sign)
                await self.venue.admin.set_switch("trades_frame", frame)
                await self.venue.admin.set_switch("trade_id", trade_id)
                self.create()
                await self.start()
                await self.expect_book("BTC-USDC", [(95000.0, 1.0)], [(95010.0, 1.0)])
                trades: List[OrderBookTradeEvent] = []
                forwarder = EventForwarder(trades.append)
                self.tracker.order_books["BTC-USDC"].add_listener(OrderBookEvent.TradeEvent, forwarder)
                await self.venue.admin.place_order(self.account.account_group, "BTC-PERP", False, "0.01")
                await eventually(lambda: len(trades) == 1)
                await self.stop()
                self.assertEqual(("BTC-USDC", TradeType.SELL, 95000.0, 0.01),
                                 (trades[0].trading_pair, trades[0].type, trades[0].price, trades[0].amount))

    # --- subscriptions

    async def test_a21_a_normal_start_logs_no_warning(self):
        await self.start()
        await eventually(lambda: all(self.shown(pair) != [[], []] for pair in self.trading_pairs))
        self.assertEqual([], self.logs.texts(logging.WARNING))

    async def test_c25_a_refused_pair_is_tried_again_and_disturbs_no_other(self):
        for answer in ("result", "outcomes"):
            with self.subTest(answer=answer):
                await self.venue.admin.set_switch("subscribe_answer", answer)
                await self.venue.admin.add_fault(
                    "socket", "refuse_subscription", channel="ETH-PERP@.*", times=4 if answer == "result" else 5,
                )
                self.create()
                await self.start()
                await self.expect_book("BTC-USDC", [(100.0, 1.0)], [(101.0, 1.0)])
                await eventually(lambda: self.is_subscribed("public", "ETH-PERP@depth"))
                await eventually(lambda: self.is_subscribed("public", "ETH-PERP@trades"))
                self.assertIn("Vest did not subscribe to ETH-PERP@depth", self.logs.texts(logging.WARNING)[0])
                self.assertLessEqual(len(self.logs.texts(logging.WARNING)), 2)
                await self.stop()

    async def test_c25_a_pair_that_is_not_acknowledged_is_tried_again(self):
        await self.venue.admin.add_fault("socket", "forget_subscription", channel="ETH-PERP@.*", times=2)
        await self.start()
        await self.expect_book("BTC-USDC", [(100.0, 1.0)], [(101.0, 1.0)])
        await eventually(lambda: self.is_subscribed("public", "ETH-PERP@depth"))
        self.assertEqual(1, self.logs.count("no answer in time"))
        self.assertEqual(1, self.opened_sockets("public"))

    async def test_c25_tickers_that_are_refused_are_tried_again(self):
        await self.venue.admin.add_fault("socket", "refuse_subscription", channel="tickers", times=2)
        await self.start()
        self.assertEqual(1, self.logs.count("did not subscribe to tickers"))

    async def test_c31_a_pair_that_is_not_listed_yet_is_subscribed_to_when_it_is(self):
        symbol = self.names.symbols.pop("ETH-USDC")
        await self.start()
        await self.expect_book("BTC-USDC", [(100.0, 1.0)], [(101.0, 1.0)])
        self.assertEqual([[], []], self.shown("ETH-USDC"))
        self.names.symbols["ETH-USDC"] = symbol
        await eventually(lambda: self.shown("ETH-USDC") != [[], []])
        self.assertEqual(1, self.logs.count("No market of Vest is known for ETH-USDC"))

    async def test_a22_pairs_are_added_and_removed_while_connected(self):
        await self.start()
        self.assertTrue(await self.tracker.add_trading_pair("SOL-USDC"))
        await self.expect_book("SOL-USDC", [(20.0, 1.0)], [(21.0, 1.0)])
        await eventually(lambda: self.is_subscribed("public", "SOL-PERP@trades"))

        self.assertTrue(await self.tracker.remove_trading_pair("SOL-USDC"))
        self.assertFalse(self.is_subscribed("public", "SOL-PERP@depth"))
        self.assertEqual(["BTC-USDC", "ETH-USDC"], self.trading_pairs)
        await self.venue.admin.disconnect_sockets("public")
        await eventually(lambda: self.is_subscribed("public", "tickers"))
        self.assertFalse(self.is_subscribed("public", "SOL-PERP@depth"))

    async def test_a22_pairs_are_added_and_removed_without_a_connection(self):
        self.assertTrue(await self.source.subscribe_to_trading_pair("SOL-USDC"))
        self.assertTrue(await self.source.unsubscribe_from_trading_pair("ETH-USDC"))
        await self.start()
        await eventually(lambda: self.is_subscribed("public", "SOL-PERP@depth"))
        self.assertFalse(self.is_subscribed("public", "ETH-PERP@depth"))

    async def test_a22_an_unknown_or_refused_pair_is_not_added(self):
        await self.venue.admin.add_fault("socket", "refuse_subscription", channel="SOL-PERP@.*")
        await self.start()
        self.assertFalse(await self.source.subscribe_to_trading_pair("FOO-USDC"))
        self.assertFalse(await self.source.subscribe_to_trading_pair("SOL-USDC"))
        self.assertEqual(["BTC-USDC", "ETH-USDC"], self.trading_pairs)

    async def test_a22_an_unsubscription_that_is_not_answered_is_said(self):
        await self.start()
        await self.venue.admin.add_fault("socket", "freeze", socket="public")
        self.assertFalse(await self.source.unsubscribe_from_trading_pair("ETH-USDC"))
        self.assertEqual(1, self.logs.count("did not end a subscription: ETH-PERP@depth, ETH-PERP@trades: no answer"))

    async def test_a22_a_connection_that_breaks_meanwhile_leaves_it_to_the_next(self):
        await self.start()
        with patch("hummingbot.core.web_assistant.ws_assistant.WSAssistant.send", side_effect=ConnectionResetError):
            self.assertTrue(await self.source.subscribe_to_trading_pair("SOL-USDC"))
            self.assertTrue(await self.source.unsubscribe_from_trading_pair("ETH-USDC"))
        await self.venue.admin.disconnect_sockets("public")
        await eventually(lambda: self.is_subscribed("public", "SOL-PERP@depth"))
        self.assertFalse(self.is_subscribed("public", "ETH-PERP@depth"))

    # --- silence

    async def test_c22_a_frozen_connection_is_replaced(self):
        await self.start()
        await self.venue.admin.pause_prices()  # books that stand still tell nothing
        await self.venue.admin.add_fault("socket", "freeze", socket="public", times=1)
        await eventually(lambda: self.opened_sockets("public") == 2)
        await self.expect_book("BTC-USDC", [(100.0, 1.0)], [(101.0, 1.0)])
        self.assertEqual(1, self.logs.count("answered no PING"))

    async def test_c22_a_half_open_connection_is_replaced(self):
        proxy = await self.use_proxy()
        await self.start()
        proxy.stall()
        await eventually(lambda: self.logs.count("answered no PING") == 1)
        proxy.resume()
        await self.expect_book("BTC-USDC", [(100.0, 1.0)], [(101.0, 1.0)])

    async def test_c26_frames_may_come_byte_by_byte(self):
        proxy = await self.use_proxy()
        await self.venue.admin.set_tick_interval(0.5)
        self.create(timing=short_timing(silence_limit_s=60))
        await self.start()
        proxy.slice_bytes = 1
        await self.expect_book("BTC-USDC", [(100.0, 1.0)], [(101.0, 1.0)])
        self.assertEqual([], self.logs.texts(logging.WARNING))

    async def test_b10_a_socket_that_answers_pings_but_withholds_books_is_replaced(self):
        await self.start()
        fault = await self.ignore_depth()
        await eventually(lambda: self.opened_sockets("public") == 2)
        await self.venue.admin.remove_fault(fault)
        self.assertEqual(1, self.logs.count("order books moved and the socket did not say so"))
        await self.expect_book("BTC-USDC", [(100.0, 1.0)], [(101.0, 1.0)])

    async def test_b10_books_of_halted_markets_keep_the_connection(self):
        await self.venue.admin.pause_prices()
        await self.start()
        await self.ignore_depth()
        looks = len(self.venue.journal.entries(kind="rest", path="/depth")) + 12
        await eventually(lambda: len(self.venue.journal.entries(kind="rest", path="/depth")) >= looks)
        self.assertEqual(1, self.opened_sockets("public"))
        self.assertEqual([], self.logs.texts(logging.WARNING))

    async def test_c31_a_market_that_lost_its_book_is_shown_without_one(self):
        await self.start()
        await self.expect_book("ETH-USDC", [(10.0, 1.0)], [(11.0, 1.0)])
        await self.ignore_depth("ETH-PERP")
        await self.venue.admin.add_fault("rest", "status", path="/depth", status=404, body='{"detail": "no book"}')
        await eventually(lambda: self.shown("ETH-USDC") == [[], []])
        self.assertEqual(1, self.logs.count("Vest has no order book for ETH-PERP now"))

    async def test_b10_one_pair_without_frames_is_shown_by_rest_and_subscribed_to_again(self):
        await self.start()
        await self.ignore_depth("ETH-PERP")
        await eventually(lambda: self.logs.count("sends no order books of ETH-USDC. Subscribing again") == 1)
        await self.venue.admin.pause_prices()
        await self.expect_book("ETH-USDC", [(10.0, 1.0)], [(11.0, 1.0)])
        requests = self.venue.journal.entries(kind="frame_received")
        again = [entry for entry in requests if entry["payload"]["params"] == ["ETH-PERP@depth", "ETH-PERP@trades"]]
        self.assertGreaterEqual(len(again), 2)
        self.assertEqual(1, self.opened_sockets("public"))

    async def test_b10_a_pair_that_is_refused_does_not_cost_the_connection(self):
        await self.venue.admin.pause_prices()
        await self.venue.admin.add_fault("socket", "refuse_subscription", channel="ETH-PERP@.*")
        await self.start()
        await self.ignore_depth("BTC-PERP")
        await self.expect_book("ETH-USDC", [(10.0, 1.0)], [(11.0, 1.0)])
        await self.expect_book("ETH-USDC", [(12.0, 1.0)], [(13.0, 1.0)])
        await self.expect_book("ETH-USDC", [], [])
        self.assertEqual(1, self.opened_sockets("public"))

    async def test_b10_a_look_that_fails_is_said_and_the_next_one_counts(self):
        await self.venue.admin.pause_prices()
        await self.start()
        await self.ignore_depth()
        await self.venue.admin.add_fault("rest", "status", path="/depth", times=3)
        await eventually(lambda: self.logs.count("could not be checked") > 0)
        await self.expect_book("ETH-USDC", [(10.0, 1.0)], [(11.0, 1.0)])

    async def test_b10_a_book_that_comes_while_it_is_being_fetched_wins(self):
        await self.start()
        await self.keep_the_venues_own_books_back()
        await self.venue.admin.add_fault("rest", "delay", path="/depth", delay_ms=100)

        def fetched() -> int:
            return self.venue.faults.all()[-1]["struck"]

        await eventually(lambda: fetched() > 0)
        for symbol in ("BTC-PERP", "ETH-PERP"):
            frame = {"channel": f"{symbol}@depth", "data": {"bids": [["7", "7"]], "asks": []}}
            self.venue.hub.push(self.sockets("public"), Frame("", frame, "text"))
        await eventually(lambda: self.shown("BTC-USDC") == self.shown("ETH-USDC") == [[(7.0, 7.0)], []])
        now_fetched = fetched()
        await eventually(lambda: fetched() > now_fetched)
        self.assertIn([[(7.0, 7.0)], []], (self.shown("BTC-USDC"), self.shown("ETH-USDC")))

    # --- funding

    async def test_funding_info_that_the_socket_tells_is_not_fetched(self):
        interval_s = 2.0  # no busy machine keeps the venue's tickers back for so long
        self.create(funding_poll_interval_s=interval_s)
        await self.start()
        output: asyncio.Queue = asyncio.Queue()
        began_s = time.monotonic()
        self.run_in_background(self.source.listen_for_funding_info(output))
        await eventually(lambda: time.monotonic() - began_s > 1.5 * interval_s)
        self.assertGreaterEqual(output.qsize(), 2)
        self.assertEqual([], self.venue.journal.entries(kind="rest", path="/ticker/latest"))

    async def test_funding_info_comes_from_the_tickers_channel(self):
        for switch in ("full", "partial"):
            with self.subTest(tickers=switch):
                await self.venue.admin.set_switch("tickers", switch)
                output: asyncio.Queue = asyncio.Queue()
                self.create()
                self.run_in_background(self.source.listen_for_funding_info(output))
                await self.start()
                await self.venue.admin.set_price("BTC-PERP", "12345")
                updates: List[FundingInfoUpdate] = []

                def has_come() -> bool:
                    while not output.empty():
                        updates.append(output.get_nowait())
                    return any(update.index_price == 12345 and update.trading_pair == "BTC-USDC" for update in updates)

                await eventually(has_come)
                self.assertEqual(set(self.trading_pairs), {update.trading_pair for update in updates})
                await self.venue.admin.release_price("BTC-PERP")
                await self.stop()

    async def test_b07_funding_info_that_the_socket_withholds_is_fetched(self):
        self.create(funding_poll_interval_s=0.05)
        await self.venue.admin.add_fault("socket", "drop", channel="tickers")
        await self.venue.admin.add_fault("rest", "status", path="/ticker/latest", times=1)
        output: asyncio.Queue = asyncio.Queue()
        self.run_in_background(self.source.listen_for_funding_info(output))
        await self.start()
        first = await asyncio.wait_for(output.get(), 20)
        second = await asyncio.wait_for(output.get(), 20)
        self.assertEqual(set(self.trading_pairs), {first.trading_pair, second.trading_pair})
        self.assertEqual(1, self.logs.count("funding information could not be refreshed"))

    # --- the end

    async def test_a20_nothing_is_left_behind(self):
        before = tasks_of_hummingbot()
        await self.start()
        await self.expect_book("BTC-USDC", [(100.0, 1.0)], [(101.0, 1.0)])
        await self.stop()
        await eventually(lambda: tasks_of_hummingbot() <= before)
        self.assertEqual([], self.logs.texts(logging.WARNING))

    async def test_c24_twenty_disconnections_leave_one_connection(self):
        await self.start()
        await self.expect_book("BTC-USDC", [(100.0, 1.0)], [(101.0, 1.0)])
        tasks = len(tasks_of_hummingbot())
        for number in range(20):
            await self.venue.admin.disconnect_sockets("public", 1012)
            await eventually(lambda: self.opened_sockets("public") == number + 2)
        await self.expect_book("BTC-USDC", [(90.0, 1.0)], [(91.0, 1.0)])
        await eventually(lambda: len(self.sockets("public")) == 1 and len(tasks_of_hummingbot()) <= tasks)
        self.assertEqual(1, self.logs.count("the venue is restarting"))
