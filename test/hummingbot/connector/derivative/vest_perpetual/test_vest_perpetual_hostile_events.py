"""Mutated events and answers reach a running connector: what it knows stays sane, and the next good event counts."""
import json
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    DerivativeTestCase,
    account,
    exchange_info,
    filled,
    market,
    order_event,
    position,
)
from test.hummingbot.connector.derivative.vest_perpetual.hostile_testing import EXAMPLES, mutated_texts

from aiohttp import web

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError, VestPayloadError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import decode_frame

ENDS = ("Completed", "Cancelled", "Failed")


def answering_text(text):
    async def answer(_):
        return web.Response(body=text.encode("utf-8", "surrogatepass"), content_type="application/json")

    return answer


class HostileEventsTests(DerivativeTestCase):
    def assert_sane(self, *client_order_ids):
        for client_order_id in client_order_ids:
            names = self.events_of(client_order_id)
            self.assertLessEqual(sum(name in ENDS for name in names), 1, names)
            fills = [event for event in self.heard("Filled") if event.order_id == client_order_id]
            self.assertTrue(all(fill.amount > 0 and fill.price > 0 for fill in fills))
            self.assertLessEqual(sum(fill.amount for fill in fills), Decimal(1))
        numbers = [*self.connector.get_all_balances().values(), *self.connector.available_balances.values()]
        numbers += [position.amount for position in self.connector.account_positions.values()]
        self.assertTrue(all(number.is_finite() and abs(number) < Decimal("1e42") for number in numbers))

    async def test_c18_c19_mutated_events_leave_the_orders_sane_and_the_next_event_counts(self):
        self.listen()
        victim = await self.open_order()
        venue_row = {**self.venue.rows[int(victim)]}
        # The truth, for whoever reads it after a doubtful event, stays: open.
        for change in (
            {}, {"status": "PARTIALLY_FILLED", **filled("0.25", "100", "0.01")}, {"status": "EXPIRED"},
            {"nonce": 1, "id": "0xforeign"}, {"status": "REJECTED", "code": 3001, "nonce": 5},
        ):
            for text in mutated_texts([order_event({**venue_row, **change})], EXAMPLES // 2):
                try:
                    events = decode_frame(text)
                except VestPayloadError:
                    continue
                for event in events:
                    self.tell(event)
            good = await self.open_order()
            self.venue.fill_order(good)
            self.tell(order_event(self.venue.rows[int(good)]))
            await self.until(lambda: "Completed" in self.events_of(good))
            self.assert_sane(victim, good)
        self.assertEqual(0, self.logs.count("Retrying in 1s"))  # no event has held up the next

    async def test_mutated_answers_leave_the_account_sane_and_the_next_poll_counts(self):
        order_id = await self.open_order()
        truth = account(positions=[position("BTC-PERP", "2")], leverages=[{"symbol": "BTC-PERP", "value": 5}],
                        time=1640780000000)
        row = self.venue.rows[int(order_id)]
        for path, example in (
            (CONSTANTS.ACCOUNT_PATH, truth), (CONSTANTS.ORDERS_PATH, [row, {**row, "nonce": 9, "id": "0xforeign"}]),
            (CONSTANTS.EXCHANGE_INFO_PATH, exchange_info(market("BTC-PERP"), market("ETH-PERP"))),
            (CONSTANTS.TICKER_LATEST_PATH, {"tickers": [{"symbol": "BTC-PERP", "markPrice": "1", "indexPrice": "1"}]}),
        ):
            for text in mutated_texts([example], EXAMPLES // 2):
                if path == CONSTANTS.ORDERS_PATH and not self._keeps_the_order_open(text, row):
                    continue
                self.venue.answers["GET", path] = answering_text(text)
                await self._read(path)
                self.assert_sane(order_id)
            del self.venue.answers["GET", path]
        self.venue.account = truth
        await self._read(CONSTANTS.EXCHANGE_INFO_PATH)
        await self.poll()
        self.assertEqual(Decimal(2), self.connector.account_positions["BTC-USDC"].amount)
        self.assertEqual(Decimal(1000), self.connector.get_balance("USDC"))
        self.assertIn(order_id, self.connector.in_flight_orders)
        self.assertLess(len(self.warnings()), 150)

    @staticmethod
    def _keeps_the_order_open(text, row):
        """A venue that plausibly says that an order is done is believed; here only nonsense is of interest."""
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError):
            return True
        return not isinstance(rows, list) or any(isinstance(one, dict) and one.get("id") == row["id"] for one in rows)

    async def _read(self, path):
        reads = {
            CONSTANTS.EXCHANGE_INFO_PATH: self.connector._update_trading_rules,
            CONSTANTS.TICKER_LATEST_PATH: lambda: self.connector.get_last_traded_prices(["BTC-USDC"]),
        }
        try:
            await reads.get(path, self.poll)()
        except VestError:
            pass  # the loop that reads it says so and goes on
