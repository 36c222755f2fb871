"""A trader's whole day over real HTTP and WebSockets."""
import unittest
from decimal import Decimal
from test.vest_simulator.client import running


class HappyPathTests(unittest.IsolatedAsyncioTestCase):
    async def test_a_position_is_opened_and_closed_and_everything_agrees(self):
        async with running() as (simulator, client):
            admin = simulator.admin
            await admin.set_price("BTC-PERP", "95000")
            events = await client.private_socket()
            order_id = await client.market("BTC-PERP", True, "0.1000")
            new = await events.order_event(order_id)
            filled = await events.order_event(order_id)
            self.assertEqual(["NEW", "FILLED"], [new["status"], filled["status"]])
            account = await client.get("/account")
            self.assertEqual([("BTC-PERP", True, "0.1000")],
                             [(row["symbol"], row["isLong"], row["size"]) for row in account["positions"]])
            await admin.set_price("BTC-PERP", "96000")
            closing = await client.market("BTC-PERP", False, "0.1000", reduceOnly=True)
            self.assertEqual("FILLED", (await events.order_event(closing, "FILLED"))["status"])
            row = await client.find(closing)
            ledger = await admin.ledger(client.group)
            self.assertEqual([], ledger["positions"])
            self.assertEqual(Decimal(ledger["orders"][1]["realizedPnl"]), Decimal(row["realizedPnl"]))
            cash = (Decimal(ledger["balances"]["deposits"]) + Decimal(ledger["realizedPnl"]) - Decimal(ledger["fees"])
                    + Decimal(ledger["settledFunding"]))
            self.assertEqual(cash, Decimal(ledger["balances"]["cash"]))

    async def test_a_limit_order_waits_for_the_index_and_can_be_cancelled(self):
        async with running() as (simulator, client):
            admin = simulator.admin
            await admin.set_price("ETH-PERP", "3200")
            events = await client.private_socket()
            waiting, cancelled = [await client.place(symbol="ETH-PERP", size="1.000", limit_price="3100.00")
                                  for _ in range(2)]
            self.assertEqual({"id": cancelled}, (await client.cancel(cancelled)).json)
            event = await events.order_event(cancelled, "CANCELLED")
            self.assertEqual({"id", "nonce", "status", "postTime"}, set(event))
            await admin.set_price("ETH-PERP", "3100")
            event = await events.order_event(waiting, "FILLED")
            self.assertLessEqual(Decimal(event["avgFilledPrice"]), Decimal("3100"))

    async def test_market_data_flows(self):
        async with running() as (simulator, client):
            await simulator.admin.resume_prices()
            socket = await client.subscribe("BTC-PERP@depth", "BTC-PERP@trades", "tickers", "BTC-PERP@kline_1m")
            seen = set()
            while len(seen) < 4:
                seen.add((await socket.receive()).get("channel"))
            self.assertEqual({"BTC-PERP@depth", "BTC-PERP@trades", "tickers", "BTC-PERP@kline_1m"}, seen)
            await socket.request("PING", [], 0)
            await socket.until(lambda frame: frame == {"data": "PONG"})


if __name__ == "__main__":
    unittest.main()
