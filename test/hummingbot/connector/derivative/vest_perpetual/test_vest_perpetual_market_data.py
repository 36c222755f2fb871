"""Market data of the connector: what it asks the venue for, what it makes of odd answers, what it refuses."""
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    DerivativeTestCase,
    answering,
    refusing,
)
from unittest.mock import patch

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestMarketClosedError,
    VestNotToldError,
    VestPayloadError,
    VestServerError,
    VestUnknownPairError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_market_data import LiveTickers
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_statistics import OpenInterest

HOUR_MS = 3_600_000


def ticker_row(symbol="BTC-PERP", **fields):
    return {"symbol": symbol, "markPrice": "95000.10", "indexPrice": "94999.90", "imbalance": "0",
            "oneHrFundingRate": "0.0000125", "cumFunding": "1.5", "status": "TRADING", **fields}


def funding_row(time_ms, rate):
    return {"symbol": "BTC-PERP", "time": time_ms, "oneHrFundingRate": rate}


class VestMarketDataTests(DerivativeTestCase):
    def will_answer(self, path, payload):
        self.venue.answers["GET", path] = answering(payload)

    # --- Prices

    async def test_prices_are_asked_for_while_the_stream_is_silent(self):
        self.will_answer(CONSTANTS.TICKER_LATEST_PATH, {"tickers": [ticker_row("ETH-PERP"), ticker_row()]})
        self.assertEqual(Decimal("95000.10"), await self.connector.get_mark_price("BTC-USDC"))
        self.assertEqual(Decimal("94999.90"), await self.connector.get_index_price("BTC-USDC"))
        requests = self.venue.asked("GET", CONSTANTS.TICKER_LATEST_PATH)
        self.assertEqual([{"symbols": "BTC-PERP"}] * 2, [request.query for request in requests])

    async def test_prices_of_the_stream_need_no_request_and_a_partial_ticker_changes_what_it_says(self):
        self.connector.on_ticker("BTC-USDC", wire.Ticker.from_payload(ticker_row()))
        self.connector.on_ticker("BTC-USDC", wire.Ticker.from_payload({"symbol": "BTC-PERP", "markPrice": "95001"}))
        self.assertEqual(Decimal(95001), await self.connector.get_mark_price("BTC-USDC"))
        self.assertEqual(Decimal("94999.90"), await self.connector.get_index_price("BTC-USDC"))
        self.assertEqual([], self.venue.requests)

    async def test_what_the_stream_said_long_ago_is_not_the_present(self):
        self.connector._live_tickers = LiveTickers(life_s=0.02)
        self.connector.on_ticker("BTC-USDC", wire.Ticker.from_payload(ticker_row(markPrice="1")))
        await self.until(lambda: self.connector._live_tickers.get("BTC-USDC") is None)
        self.will_answer(CONSTANTS.TICKER_LATEST_PATH, {"tickers": [ticker_row()]})
        self.assertEqual(Decimal("95000.10"), await self.connector.get_mark_price("BTC-USDC"))

    async def test_a_price_that_the_venue_does_not_tell_is_an_error_that_names_it(self):
        self.will_answer(CONSTANTS.TICKER_LATEST_PATH, {"tickers": [ticker_row(markPrice=None)]})
        with self.assertRaisesRegex(VestNotToldError, "no mark price of BTC-USDC"):
            await self.connector.get_mark_price("BTC-USDC")
        self.will_answer(CONSTANTS.TICKER_LATEST_PATH, {"tickers": []})
        with self.assertRaisesRegex(VestNotToldError, "ticker of BTC-USDC"):
            await self.connector.get_index_price("BTC-USDC")

    async def test_a5_an_odd_row_of_the_tickers_hides_no_other_and_is_said(self):
        self.will_answer(CONSTANTS.TICKER_LATEST_PATH, {"tickers": [
            5, {"markPrice": "1"}, ticker_row("ETH-PERP", cumFunding="odd", indexPrice="odd"),
            ticker_row(oneHrFundingRate=[], status=True)]})
        self.assertEqual({"BTC-USDC": 95000.10, "ETH-USDC": 95000.10},
                         await self.connector.get_last_traded_prices(["BTC-USDC", "ETH-USDC"]))
        self.assertEqual(Decimal("95000.10"), await self.connector.get_mark_price("BTC-USDC"))
        with self.assertRaisesRegex(VestNotToldError, "no index price of ETH-USDC"):
            await self.connector.get_index_price("ETH-USDC")
        self.assertEqual(["BTC-PERP", "ETH-PERP"],
                         sorted(row["symbol"] for row in await self.connector.get_all_pairs_prices()))
        self.assertEqual(2, self.logs.count("A ticker of Vest cannot be read and is left out"))
        for field in ("indexPrice", "oneHrFundingRate", "status"):
            self.assertEqual(1, self.logs.count(f"that part is passed over (ticker.{field}"), field)

    # --- Statistics

    async def test_open_interest_is_exact(self):
        self.will_answer(CONSTANTS.OPEN_INTEREST_PATH, {"ois": [
            {"symbol": "BTC-PERP", "longOi": "12.34567890123456789", "shortOi": "0"}]})
        self.assertEqual(
            OpenInterest("BTC-PERP", Decimal("12.34567890123456789"), Decimal(0)),
            await self.connector.get_open_interest("BTC-USDC"),
        )

    async def test_an_open_interest_that_the_venue_does_not_answer_says_so(self):
        for answer in (refusing(1130, 404), answering({"detail": "Not Found"}, 404), answering({"detail": "no"}, 403),
                       answering("nothing of the kind"), answering({"ois": [{"symbol": "BTC-PERP"}]})):
            self.venue.answers["GET", CONSTANTS.OPEN_INTEREST_PATH] = answer
            with self.assertRaisesRegex(VestNotToldError, "does not answer /oi.*BTC-USDC is not known; do without it"):
                await self.connector.get_open_interest("BTC-USDC")
        self.will_answer(CONSTANTS.OPEN_INTEREST_PATH, {"ois": []})
        with self.assertRaisesRegex(VestNotToldError, "open interest of BTC-USDC"):
            await self.connector.get_open_interest("BTC-USDC")

    async def test_a_venue_in_trouble_is_no_venue_without_open_interest(self):
        self.venue.answers["GET", CONSTANTS.OPEN_INTEREST_PATH] = answering({}, 503)
        with self.assertRaises(VestServerError):
            await self.connector.get_open_interest("BTC-USDC")

    async def test_24_hours_are_exact_and_a_row_without_a_field_names_it(self):
        row = {"symbol": "BTC-PERP", "openPrice": "90000", "closePrice": "95000.5", "highPrice": "96000",
               "lowPrice": "89000", "quoteVolume": "123456789.01", "volume": "1300.5", "priceChange": "5000.5",
               "priceChangePercent": "?", "openTime": 1000, "closeTime": 86401000}
        self.will_answer(CONSTANTS.TICKER_24HR_PATH, {"tickers": [row]})
        day = await self.connector.get_24h_ticker("BTC-USDC")
        self.assertEqual((Decimal("1300.5"), Decimal("123456789.01")), (day.volume, day.quote_volume))
        self.assertEqual(Decimal("5000.5"), day.price_change)
        self.assertEqual(86_400_000, day.close_time_ms - day.open_time_ms)
        self.will_answer(CONSTANTS.TICKER_24HR_PATH, {"tickers": [{**row, "volume": None}]})
        with self.assertRaisesRegex(VestPayloadError, "ticker.volume"):
            await self.connector.get_24h_ticker("BTC-USDC")

    # --- Funding rates

    async def test_funding_rates_are_hourly_unless_asked_otherwise(self):
        self.assertEqual([], await self.connector.get_funding_rate_history("BTC-USDC"))
        await self.connector.get_funding_rate_history("BTC-USDC", start_ms=5, end_ms=9, limit=3, interval="1m")
        plain, ranged = self.venue.asked("GET", CONSTANTS.FUNDING_HISTORY_PATH)
        self.assertEqual({"symbol": "BTC-PERP", "interval": "1h", "limit": "1000"}, plain.query)
        self.assertEqual(
            {"symbol": "BTC-PERP", "interval": "1m", "limit": "3", "startTime": "5", "endTime": "9"}, ranged.query)

    async def test_funding_rates_come_in_sequence_once_and_within_the_range_whatever_the_venue_sends(self):
        hours = [number * HOUR_MS for number in (5, 1, 3, 3, 2, 4, 0)]
        self.will_answer(CONSTANTS.FUNDING_HISTORY_PATH, [
            *(funding_row(time_ms, f"-0.00000000{time_ms // HOUR_MS}1") for time_ms in hours), {"time": "?"}])
        rates = await self.connector.get_funding_rate_history("BTC-USDC", start_ms=HOUR_MS, end_ms=4 * HOUR_MS)
        self.assertEqual([number * HOUR_MS for number in (1, 2, 3, 4)], [rate.time_ms for rate in rates])
        self.assertEqual(Decimal("-0.0000000011"), rates[0].one_hr_funding_rate)
        self.assertEqual(1, self.logs.count("funding rate that cannot be understood"))
        newest = await self.connector.get_funding_rate_history("BTC-USDC", limit=2)
        self.assertEqual([4 * HOUR_MS, 5 * HOUR_MS], [rate.time_ms for rate in newest])

    async def test_a_limit_or_interval_that_cannot_be_had_is_not_asked_for(self):
        for arguments in (dict(limit=0), dict(limit=1001), dict(interval="7m")):
            with self.assertRaises(ValueError):
                await self.connector.get_funding_rate_history("BTC-USDC", **arguments)
        self.assertEqual([], self.venue.requests)

    async def test_a_pair_that_the_venue_does_not_list_is_said_and_not_asked_for(self):
        for ask in (self.connector.get_mark_price, self.connector.get_index_price, self.connector.get_open_interest,
                    self.connector.get_24h_ticker, self.connector.get_funding_rate_history):
            with self.assertRaisesRegex(VestUnknownPairError, "NOPE-USDC; check the pair's spelling"):
                await ask("NOPE-USDC")
        self.assertEqual([], self.venue.requests)

    # --- Market hours

    async def test_c31_an_order_for_a_halted_market_fails_once_with_that_word_and_is_not_sent(self):
        self.connector.on_ticker("BTC-USDC", wire.Ticker.from_payload(ticker_row(status="HALT")))
        self.will_answer(CONSTANTS.TICKER_LATEST_PATH, {"tickers": [ticker_row(status="HALT")]})
        orders = [self.order() for _ in range(5)]
        await self.until(lambda: len(self.heard("Failed")) == 5)
        for order_id, failure in zip(orders, self.heard("Failed")):
            self.assertEqual(["Failed"], self.events_of(order_id))
            self.assertEqual(VestMarketClosedError.__name__, failure.error_type)
            self.assertIn("BTC-USDC is closed or halted", failure.error_message)
        self.assertEqual([], self.venue.sent_orders)
        self.assertEqual(1, len(self.warnings()))
        self.assertIs(False, self.connector.is_market_open("BTC-USDC"))
        self.assertIsNone(self.connector.is_market_open("ETH-USDC"))
        await self.open_order(trading_pair="ETH-USDC")

    async def test_c31_orders_for_a_closed_market_are_refused_by_the_venue_with_one_line_in_the_log(self):
        self.venue.answers["POST", CONSTANTS.ORDERS_PATH] = refusing(1148)
        orders = [self.order() for _ in range(5)]
        await self.until(lambda: len(self.heard("Failed")) == 5)
        self.assertEqual([["Failed"]] * 5, [self.events_of(order_id) for order_id in orders])
        self.assertTrue(all("1148: the market is closed" in failure.error_message for failure in self.heard("Failed")))
        self.assertEqual(1, len(self.warnings()))

    async def test_c31_an_order_that_rests_opens_a_market_that_a_refusal_closed(self):
        with patch.dict(self.venue.answers, {("POST", CONSTANTS.ORDERS_PATH): refusing(1148)}):
            self.order()
            await self.until(lambda: self.connector.is_market_open("BTC-USDC") is False)

        order_id = await self.open_order()
        self.venue.change_order(order_id, "NEW", postTime=self.connector.venue_time_ms + 1000)
        await self.poll()

        self.assertIs(True, self.connector.is_market_open("BTC-USDC"))
