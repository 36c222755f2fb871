"""What the framework expects of the order book data source; its life is in `test_vest_perpetual_market_data_stream`."""
import asyncio
import json
import logging
import math
import re
from decimal import Decimal
from pathlib import Path
from test.hummingbot.connector.derivative.vest_perpetual.stream_testing import (
    StreamTestCase,
    eventually,
    short_timing,
    websocket_of,
)
from typing import Any, Dict, List
from unittest.mock import AsyncMock, MagicMock, patch

from aioresponses import aioresponses

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_api_order_book_data_source import (
    VestPerpetualAPIOrderBookDataSource,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestRefusedError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import ChannelMessage
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import VestSocket
from hummingbot.connector.test_support.network_mocking_assistant import NetworkMockingAssistant
from hummingbot.core.data_type.common import TradeType
from hummingbot.core.data_type.funding_info import FundingInfoUpdate
from hummingbot.core.data_type.order_book_message import OrderBookMessageType

CAPTURED = Path(__file__).parents[4] / "data" / "vest_api"
DEPTH_FRAME = json.loads((CAPTURED / "depth.json").read_text())
TRADE_FRAME = json.loads((CAPTURED / "trade.json").read_text())
TICKER_FRAME = json.loads((CAPTURED / "ticker.json").read_text())
PAIR, SYMBOL = "NDX-USDC", "NDX-USD-PERP"


def depth_url() -> re.Pattern:
    return re.compile(re.escape(CONSTANTS.REST_URLS[CONSTANTS.DEFAULT_DOMAIN] + CONSTANTS.DEPTH_PATH) + r"\?.*")


def tickers_url() -> re.Pattern:
    return re.compile(re.escape(CONSTANTS.REST_URLS[CONSTANTS.DEFAULT_DOMAIN] + CONSTANTS.TICKER_LATEST_PATH) + r"\?.*")


def channel_message(frame: Dict[str, Any]) -> ChannelMessage:
    return ChannelMessage(frame["channel"], frame["data"], frame.get("tsMs"))


def queue_of(*items: Any) -> AsyncMock:
    """A queue that gives these items and then ends its reader."""
    queue = AsyncMock()
    queue.get.side_effect = [*items, asyncio.CancelledError()]
    return queue


class FrameworkContractTest(StreamTestCase):
    """What the framework expects of every order book data source."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.mocking_assistant = NetworkMockingAssistant()
        await self.mocking_assistant.async_init()
        self.source = VestPerpetualAPIOrderBookDataSource(
            trading_pairs=[PAIR], connector=self.names, api_factory=await self.api_factory(), timing=short_timing(),
        )
        self.logs = self.record_logs_of(self.source)
        self.output: asyncio.Queue = asyncio.Queue()

    def replace_queue(self, key: str, queue: Any) -> None:
        self.source._message_queue[getattr(self.source, f"_{key}_messages_queue_key")] = queue

    def socket_that_raises(self, error: BaseException) -> VestSocket:
        assistant = MagicMock()
        assistant.send.side_effect = error
        assistant.disconnect = AsyncMock()
        socket = VestSocket(assistant, short_timing(), Complaints(self.source.logger()))
        self.addAsyncCleanup(socket.disconnect)
        return socket

    # --- REST

    @aioresponses()
    async def test_get_new_order_book_successful(self, mock_api):
        mock_api.get(depth_url(), payload={**DEPTH_FRAME["data"], "ts_ms": 1791415136830})

        book = await self.source.get_new_order_book(PAIR)

        bids, asks = list(book.bid_entries()), list(book.ask_entries())
        self.assertEqual((20, 20), (len(bids), len(asks)))
        self.assertEqual((31478.75, 4.8135), (bids[0].price, bids[0].amount))
        self.assertEqual((31480.0, 4.8135), (asks[0].price, asks[0].amount))
        self.assertEqual({book.snapshot_uid}, {row.update_id for row in bids + asks})
        request_url = next(iter(mock_api.requests))[1]
        self.assertEqual({"symbol": SYMBOL, "limit": "100"}, dict(request_url.query))

    @aioresponses()
    async def test_get_new_order_book_raises_exception(self, mock_api):
        mock_api.get(depth_url(), status=400, payload={"code": 1130, "msg": "no"})

        with self.assertRaises(VestRefusedError):
            await self.source.get_new_order_book(PAIR)

    async def test_a5_the_last_price_of_a_pair_that_has_none_is_no_number_and_never_left_out(self):
        prices = await self.source.get_last_traded_prices([PAIR, "NOPE-USDC"])
        self.assertEqual([PAIR, "NOPE-USDC"], list(prices))
        self.assertEqual(100.5, prices[PAIR])
        self.assertTrue(math.isnan(prices["NOPE-USDC"]))

    @aioresponses()
    async def test_get_new_order_book_asks_again_while_the_venue_cannot_answer(self, mock_api):
        mock_api.get(depth_url(), status=503, body="<html>")
        mock_api.get(depth_url(), status=403, body="<html>")
        mock_api.get(depth_url(), payload={"bids": "none"})
        mock_api.get(depth_url(), payload=DEPTH_FRAME["data"])

        book = await self.source.get_new_order_book(PAIR)

        self.assertEqual(31478.75, book.get_price(False))
        self.assertEqual(3, self.logs.count("is asked for again"))

    @aioresponses()
    async def test_a05_a_market_without_a_book_has_an_empty_one(self, mock_api):
        for status, answer in ((404, {"detail": "no book"}), (400, {"code": 1121, "msg": "bad symbol"})):
            with self.subTest(status=status):
                mock_api.get(depth_url(), status=status, payload=answer)
                book = await self.source.get_new_order_book(PAIR)
                self.assertEqual([], list(book.bid_entries()) + list(book.ask_entries()))

    async def test_a05_an_unknown_pair_has_an_empty_book_and_is_said_once(self):
        for _ in range(3):
            book = await self.source.get_new_order_book("FOO-USDC")
            self.assertEqual([], list(book.bid_entries()))
        self.assertEqual(1, self.logs.count("No market of Vest is known for FOO-USDC"))

    async def test_get_last_traded_prices_are_those_of_the_connector(self):
        prices = await self.source.get_last_traded_prices([PAIR, "BTC-USDC"], domain="any")
        self.assertEqual({PAIR: 100.5, "BTC-USDC": 100.5}, prices)

    @aioresponses()
    async def test_get_funding_info(self, mock_api):
        others = ["odd", {"symbol": "BTC-PERP", "markPrice": "odd"}]
        mock_api.get(tickers_url(), payload={"tickers": [*others, TICKER_FRAME["data"]]})
        with patch.object(self.source, "_time", return_value=1791415136.8):
            info = await self.source.get_funding_info(PAIR)

        self.assertEqual(PAIR, info.trading_pair)
        self.assertEqual(Decimal("31452.12"), info.index_price)
        self.assertEqual(Decimal("31479.37"), info.mark_price)
        self.assertEqual(Decimal("0.0000057077625570776"), info.rate)
        self.assertEqual(1791417600, info.next_funding_utc_timestamp)
        self.assertIsInstance(info.next_funding_utc_timestamp, int)

    @aioresponses()
    async def test_b07_get_funding_info_asks_again_instead_of_raising(self, mock_api):
        mock_api.get(tickers_url(), status=502, body="<html>")
        mock_api.get(tickers_url(), exception=asyncio.TimeoutError())
        mock_api.get(tickers_url(), payload={"tickers": [TICKER_FRAME["data"]]})

        info = await self.source.get_funding_info(PAIR)

        self.assertEqual(Decimal("31479.37"), info.mark_price)

    @aioresponses()
    async def test_b07_get_funding_info_of_a_pair_without_any_never_raises(self, mock_api):
        mock_api.get(tickers_url(), payload={"tickers": []})
        mock_api.get(tickers_url(), status=400, payload={"code": 1121, "msg": "bad symbol"})
        mock_api.get(tickers_url(), payload={"tickers": "none"})
        for trading_pair in (PAIR, PAIR, PAIR, "FOO-USDC"):
            info = await self.source.get_funding_info(trading_pair)
            self.assertTrue(info.mark_price.is_nan() and info.index_price.is_nan())
            self.assertEqual(Decimal(0), info.rate)

    @aioresponses()
    async def test_get_funding_info_from_a_partial_ticker(self, mock_api):
        mock_api.get(tickers_url(), payload={"tickers": [{"symbol": SYMBOL, "oneHrFundingRate": None}]})
        info = await self.source.get_funding_info(PAIR)
        self.assertTrue(info.mark_price.is_nan() and info.index_price.is_nan())
        self.assertEqual(Decimal(0), info.rate)

    # --- subscriptions

    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_subscriptions_subscribes_to_trades_and_order_diffs_and_funding_info(self, ws_connect):
        ws_connect.return_value = websocket = websocket_of(self.mocking_assistant)
        self.source.add_trading_pair("BTC-USDC")
        for request_id in (1, 2, 3):
            self.mocking_assistant.add_websocket_aiohttp_message(
                websocket, json.dumps({"result": None, "id": request_id})
            )

        self.run_in_background(self.source.listen_for_subscriptions())
        await self.mocking_assistant.run_until_all_aiohttp_messages_delivered(websocket)

        sent = self.mocking_assistant.json_messages_sent_through_websocket(websocket)
        self.assertEqual([
            {"method": "SUBSCRIBE", "params": [f"{SYMBOL}@depth", f"{SYMBOL}@trades"], "id": 1},
            {"method": "SUBSCRIBE", "params": ["BTC-PERP@depth", "BTC-PERP@trades"], "id": 2},
            {"method": "SUBSCRIBE", "params": ["tickers"], "id": 3},
        ], [message for message in sent if message["method"] != "PING"])
        self.assertEqual([], self.logs.texts(logging.WARNING))

    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_subscriptions_raises_cancel_exception(self, ws_connect):
        ws_connect.side_effect = asyncio.CancelledError()
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_subscriptions()

    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_subscriptions_logs_exception_details(self, ws_connect):
        ws_connect.side_effect = ZeroDivisionError("nobody foresaw this")
        with patch.object(self.source, "_sleep", side_effect=asyncio.CancelledError()):
            with self.assertRaises(asyncio.CancelledError):
                await self.source.listen_for_subscriptions()
        self.assertEqual(1, len(self.logs.texts(logging.ERROR)))
        self.assertIn("Unexpected error occurred when listening to order book streams", self.logs.texts()[0])
        self.assertIn("nobody foresaw this", self.logs.texts()[0])

    async def test_subscribe_channels_raises_cancel_exception(self):
        with self.assertRaises(asyncio.CancelledError):
            await self.source._subscribe_channels(self.socket_that_raises(asyncio.CancelledError()))

    async def test_subscribe_channels_raises_exception_and_logs_error(self):
        with self.assertRaises(ZeroDivisionError):
            await self.source._subscribe_channels(self.socket_that_raises(ZeroDivisionError("test")))
        self.assertEqual(1, len(self.logs.texts(logging.ERROR)))
        self.assertIn("Unexpected error occurred subscribing to order book streams", self.logs.texts()[0])

    async def test_subscribe_channels_leaves_a_lost_connection_to_the_reconnection(self):
        with self.assertRaises(ConnectionError):
            await self.source._subscribe_channels(self.socket_that_raises(ConnectionResetError()))
        self.assertEqual([], self.logs.texts(logging.ERROR))

    # --- trades

    async def test_listen_for_trades_successful(self):
        self.replace_queue("trade", queue_of(channel_message(TRADE_FRAME)))
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_trades(self.local_event_loop, self.output)

        message = self.output.get_nowait()
        self.assertEqual(OrderBookMessageType.TRADE, message.type)
        self.assertEqual(PAIR, message.trading_pair)
        self.assertEqual("40ef46ff781e4d669c53f61c1bb87b57:40239908:0", message.trade_id)
        self.assertEqual(1791415176.695, message.timestamp)
        self.assertEqual(float(TradeType.BUY.value), message.content["trade_type"])
        self.assertEqual(Decimal("31477.75"), message.content["price"])
        self.assertEqual(Decimal("0.0008"), message.content["amount"])

    async def test_listen_for_trades_takes_lists_and_every_way_to_say_the_side(self):
        common = {"price": "100", "time": 1791415176695}
        rows = [
            {**common, "id": 1, "qty": "-2"},
            {**common, "id": 2, "qty": "3", "side": "sell"},
            {**common, "id": 3, "qty": "3"},
        ]
        self.replace_queue("trade", queue_of(ChannelMessage(f"{SYMBOL}@trades", rows, None)))
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_trades(self.local_event_loop, self.output)
        sides = [self.output.get_nowait().content["trade_type"] for _ in range(3)]
        self.assertEqual([TradeType.SELL, TradeType.SELL, TradeType.BUY], [TradeType(int(side)) for side in sides])

    async def test_a_trade_without_a_side_takes_that_of_its_price_against_the_books_middle(self):
        book = {"bids": [["99", "1"]], "asks": [["101", "1"]]}
        self.replace_queue("snapshot", queue_of(ChannelMessage(f"{SYMBOL}@depth", book, None)))
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_order_book_snapshots(self.local_event_loop, asyncio.Queue())
        rows = [{"id": 1, "qty": "1", "price": price, "time": 1} for price in ("99", "101")]
        self.replace_queue("trade", queue_of(ChannelMessage(f"{SYMBOL}@trades", rows, None)))
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_trades(self.local_event_loop, self.output)
        sides = [self.output.get_nowait().content["trade_type"] for _ in range(2)]
        self.assertEqual([float(TradeType.SELL.value), float(TradeType.BUY.value)], sides)

    async def test_listen_for_trades_cancelled_when_listening(self):
        self.replace_queue("trade", queue_of())
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_trades(self.local_event_loop, self.output)

    async def test_listen_for_trades_logs_exception(self):
        bad = ChannelMessage(f"{SYMBOL}@trades", {"id": 1}, None)
        foreign = ChannelMessage("FOO-PERP@trades", TRADE_FRAME["data"], None)
        self.replace_queue("trade", queue_of(bad, foreign, bad, channel_message(TRADE_FRAME)))
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_trades(self.local_event_loop, self.output)
        self.assertEqual(1, self.logs.count("trade that cannot be understood and is ignored: trade.qty: missing"))
        self.assertEqual(1, self.logs.count("FOO-PERP@trades: not a channel of a known symbol"))
        self.assertEqual(1, self.output.qsize())

    # --- order books

    async def test_listen_for_order_book_diffs_successful(self):
        self.replace_queue("diff", queue_of(channel_message(DEPTH_FRAME)))
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_order_book_diffs(self.local_event_loop, self.output)
        # A depth frame is a whole book, wherever it gets to.
        self.assertEqual(OrderBookMessageType.SNAPSHOT, self.output.get_nowait().type)

    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_order_book_diffs_gets_no_depth_frame(self, ws_connect):
        ws_connect.return_value = websocket = websocket_of(self.mocking_assistant)
        diffs: asyncio.Queue = asyncio.Queue()
        self.run_in_background(self.source.listen_for_order_book_diffs(self.local_event_loop, diffs))
        self.run_in_background(self.source.listen_for_order_book_snapshots(self.local_event_loop, self.output))
        for _ in range(3):
            self.mocking_assistant.add_websocket_aiohttp_message(websocket, json.dumps(DEPTH_FRAME))
        self.run_in_background(self.source.listen_for_subscriptions())

        self.assertEqual(OrderBookMessageType.SNAPSHOT, (await asyncio.wait_for(self.output.get(), 20)).type)
        self.assertTrue(diffs.empty())

    async def test_listen_for_order_book_diffs_cancelled(self):
        self.replace_queue("diff", queue_of())
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_order_book_diffs(self.local_event_loop, self.output)

    async def test_listen_for_order_book_diffs_logs_exception(self):
        self.replace_queue("diff", queue_of(ChannelMessage(f"{SYMBOL}@depth", None, None)))
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_order_book_diffs(self.local_event_loop, self.output)
        self.assertEqual(1, self.logs.count("order book that cannot be understood and is ignored"))
        self.assertTrue(self.output.empty())

    async def test_listen_for_order_book_snapshots_successful(self):
        self.replace_queue("snapshot", queue_of(channel_message(DEPTH_FRAME), channel_message(DEPTH_FRAME)))
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_order_book_snapshots(self.local_event_loop, self.output)

        message = self.output.get_nowait()
        self.assertEqual(OrderBookMessageType.SNAPSHOT, message.type)
        self.assertEqual((PAIR, DEPTH_FRAME["tsMs"] / 1000), (message.trading_pair, message.timestamp))
        self.assertEqual((20, 20), (len(message.bids), len(message.asks)))
        self.assertEqual((31478.75, 4.8135, message.update_id), tuple(message.bids[0]))
        self.assertEqual((31480.0, 4.8135, message.update_id), tuple(message.asks[0]))
        self.assertGreater(self.output.get_nowait().update_id, message.update_id)

    @aioresponses()
    async def test_listen_for_order_book_snapshots_cancelled_when_fetching_snapshot(self, mock_api):
        mock_api.get(depth_url(), exception=asyncio.CancelledError())
        self.source.FULL_ORDER_BOOK_RESET_DELTA_SECONDS = 0.01
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_order_book_snapshots(self.local_event_loop, self.output)

    async def test_listen_for_order_book_snapshots_log_exception(self):
        bad = [
            ChannelMessage(f"{SYMBOL}@depth", {"bids": [["1"]], "asks": []}, None),
            ChannelMessage(f"{SYMBOL}@depth", {"bids": [["NaN", "1"]], "asks": []}, None),
        ]
        self.replace_queue("snapshot", queue_of(*bad, *bad, channel_message(DEPTH_FRAME)))
        with patch.object(self.source, "_sleep", side_effect=AssertionError("a bad frame must not delay the next")):
            with self.assertRaises(asyncio.CancelledError):
                await self.source.listen_for_order_book_snapshots(self.local_event_loop, self.output)
        self.assertEqual(2, self.logs.count("order book that cannot be understood and is ignored"))
        self.assertEqual(1, self.output.qsize())

    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_a_book_that_cannot_be_published_is_said_and_delays_only_its_task(self, ws_connect):
        ws_connect.return_value = websocket = websocket_of(self.mocking_assistant)
        output = MagicMock(qsize=MagicMock(return_value=0))
        output.put_nowait.side_effect = ZeroDivisionError("nobody foresaw this")
        with patch.object(self.source, "_sleep", AsyncMock()):
            self.run_in_background(self.source.listen_for_order_book_snapshots(self.local_event_loop, output))
            for _ in range(5):
                self.mocking_assistant.add_websocket_aiohttp_message(websocket, json.dumps(DEPTH_FRAME))
            self.run_in_background(self.source.listen_for_subscriptions())
            await eventually(lambda: len(self.logs.texts(logging.ERROR)) == 1)
            output.put_nowait.side_effect = None
            self.mocking_assistant.add_websocket_aiohttp_message(websocket, json.dumps(DEPTH_FRAME))
            shown = output.put_nowait.call_count
            await eventually(lambda: output.put_nowait.call_count > shown)
        self.assertEqual(1, self.logs.count("Unexpected error when processing public order book snapshots"))

    async def test_c26_books_that_nobody_reads_are_bounded_and_the_newest_stay(self):
        frames = [
            ChannelMessage(f"{symbol}@depth", {"bids": [[str(number), "1"]], "asks": []}, None)
            for number in range(1, 501) for symbol in (SYMBOL, "BTC-PERP")
        ]
        self.replace_queue("snapshot", queue_of(*frames))
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_order_book_snapshots(self.local_event_loop, self.output)
        self.assertLessEqual(self.output.qsize(), 102)
        messages = [self.output.get_nowait() for _ in range(self.output.qsize())]
        update_ids = [message.update_id for message in messages]
        self.assertEqual(sorted(set(update_ids)), update_ids)
        self.assertEqual({PAIR: 500.0, "BTC-USDC": 500.0},
                         {message.trading_pair: message.bids[0].price for message in messages})

    # --- funding information

    async def test_listen_for_funding_info_successful(self):
        self.replace_queue("funding_info", queue_of(channel_message(TICKER_FRAME)))
        with patch.object(self.source, "_time", return_value=1791415136.8):
            with self.assertRaises(asyncio.CancelledError):
                await self.source.listen_for_funding_info(self.output)
        self.assertEqual(FundingInfoUpdate(
            trading_pair=PAIR, index_price=Decimal("31452.12"), mark_price=Decimal("31479.37"),
            next_funding_utc_timestamp=1791417600, rate=Decimal("0.0000057077625570776"),
        ), self.output.get_nowait())

    async def test_listen_for_funding_info_keeps_what_a_partial_ticker_leaves_out(self):
        self.replace_queue("funding_info", queue_of(ChannelMessage(f"{SYMBOL}@ticker", {"markPrice": "7"}, None)))
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_funding_info(self.output)
        update = self.output.get_nowait()
        self.assertEqual((Decimal("7"), None, None), (update.mark_price, update.index_price, update.rate))

    async def test_c17_an_odd_field_of_a_ticker_is_passed_over_and_named_and_hides_no_other(self):
        odd = {**TICKER_FRAME["data"], "markPrice": "much", "status": "HALT"}
        self.replace_queue("funding_info", queue_of(ChannelMessage(f"{SYMBOL}@ticker", odd, None)))
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_funding_info(self.output)
        update = self.output.get_nowait()
        self.assertEqual((None, Decimal("31452.12")), (update.mark_price, update.index_price))
        self.assertEqual(["HALT"], [ticker.status for _, ticker in self.names.tickers])
        self.assertEqual(1, self.logs.count("cannot be read in part; that part is passed over (ticker.markPrice: not"))

    async def test_listen_for_funding_info_cancelled_when_listening(self):
        self.replace_queue("funding_info", queue_of())
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_funding_info(self.output)

    async def test_listen_for_funding_info_logs_exception(self):
        bad = ChannelMessage(f"{SYMBOL}@ticker", ["markPrice", "7"], None)
        self.replace_queue("funding_info", queue_of(bad, bad, channel_message(TICKER_FRAME)))
        with self.assertRaises(asyncio.CancelledError):
            await self.source.listen_for_funding_info(self.output)
        self.assertEqual(1, self.logs.count("ticker that cannot be understood and is ignored"))
        self.assertEqual(1, self.output.qsize())

    async def test_no_message_gets_into_the_wrong_queue(self):
        """One connection's frames of every channel, and of no channel, read by all listeners at once."""
        with patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock) as ws_connect:
            ws_connect.return_value = websocket = websocket_of(self.mocking_assistant)
            outputs: List[asyncio.Queue] = [asyncio.Queue() for _ in range(3)]
            self.run_in_background(self.source.listen_for_order_book_snapshots(self.local_event_loop, outputs[0]))
            self.run_in_background(self.source.listen_for_trades(self.local_event_loop, outputs[1]))
            self.run_in_background(self.source.listen_for_funding_info(outputs[2]))
            ticker = TICKER_FRAME["data"]
            frames = [
                {"channel": f"{SYMBOL}@kline_1m", "data": []},
                {"channel": "BTC-PERP@depth", "data": DEPTH_FRAME["data"]},
                {"channel": "tickers", "data": 7},
                {"channel": "tickers", "data": [3, {"symbol": []}, {"symbol": "BTC-PERP"}, ticker]},
                {"data": "pong"},
                {"something": "new"},
                DEPTH_FRAME, TRADE_FRAME,
            ]
            for frame in frames:
                self.mocking_assistant.add_websocket_aiohttp_message(websocket, json.dumps(frame))
            self.run_in_background(self.source.listen_for_subscriptions())
            await eventually(lambda: all(output.qsize() == 1 for output in outputs))
        self.assertEqual([PAIR] * 3, [output.get_nowait().trading_pair for output in outputs])
        self.assertEqual(1, len(self.logs.texts(logging.WARNING)))
        self.assertEqual(1, self.logs.count("tickers message that cannot be understood"))
