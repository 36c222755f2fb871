"""Markets and books: odd symbols, pairs that come and go, and the book that the strategy sees (A5, A6, A19, A22)."""
import asyncio
import json
import time
from decimal import Decimal
from test.end_to_end.bench import running, switches

import pytest

from hummingbot.core.data_type.common import PositionAction

pytestmark = pytest.mark.asyncio
ODD_PAIRS = ("KBONK-USDC", "AAPL-USDC", "SPX-USDC", "SPXUSD-USDC")
ODD_SYMBOLS = dict(zip(ODD_PAIRS, ("kBONK-PERP", "AAPL-USD-PERP", "SPX-PERP", "SPX-USD-PERP")))


async def round_trip(bench, pair, amount):
    """Opens, adds by limit order and closes, with an amount that is no multiple of the step."""
    bot = bench.bot
    symbol = (await bench.connector.trading_pair_symbol_map()).inverse[pair]
    await bot.filled(bot.buy(pair, amount))
    limit = bot.buy(pair, amount, price=bot.price(pair, "0.99"))
    await bot.open(limit)
    trigger = bench.connector.in_flight_orders[limit].price * Decimal("0.999")
    await bench.admin.set_price(symbol, trigger)
    await bot.filled(limit)
    await bench.until(lambda: abs(bench.connector.get_mid_price(pair) / trigger - 1) < Decimal("0.005"))
    await bench.until(lambda: bot.position(pair) >= 2 * bench.connector.quantize_order_amount(pair, Decimal(amount)))
    await bot.filled(bot.sell(pair, bot.position(pair), action=PositionAction.CLOSE))
    await bot.position_is(pair, 0)
    await bench.admin.release_price(symbol)


@pytest.mark.parametrize("newer", [False, True], ids=["documented", "newer server"])
async def test_a6_markets_of_every_kind_trade_with_exact_decimals(newer):
    async with running(ODD_PAIRS, **switches(newer_exchange_info=newer)) as bench:
        rules = bench.connector.trading_rules
        assert rules["KBONK-USDC"].min_order_size == 1
        assert rules["SPXUSD-USDC"].min_price_increment == (Decimal("0.25") if newer else Decimal("0.01"))
        for pair, amount in zip(ODD_PAIRS, ("1000.7", "1.23456", "55.55", "0.123456")):
            await round_trip(bench, pair, amount)
        assert {row["symbol"] for row in (await bench.ledger())["orders"]} == set(ODD_SYMBOLS.values())
        assert {row["status"] for row in (await bench.ledger())["orders"]} == {"FILLED"}


async def test_a5_one_malformed_and_one_unmappable_market_disturb_no_other():
    async with running(is_started=False) as bench:
        bench.expected_complaints = ["ERROR.*A market of Vest cannot be read and is left out"]
        public = bench.simulator.exchange.markets
        await bench.admin.list_symbol({"symbol": "ODD", "base": "ODD", "start_price": "1", "size_decimals": 1,
                                       "price_decimals": 2})
        assert "ODD" in public
        await bench.bot.start()
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        assert "BTC-USDC" in bench.connector.trading_rules


async def test_a5_a_pair_that_the_venue_does_not_list_waits_and_the_others_trade():
    async with running(("BTC-USDC", "NOPE-USDC")) as bench:
        bench.expected_complaints = ["NOPE-USDC"]
        asked = len(await bench.requests("GET", "/ticker/latest"))
        began_s = time.monotonic()
        async with asyncio.timeout(60):  # the framework asks for the last price of a pair without one
            await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
            await bench.bot.filled(bench.bot.sell("BTC-USDC", "0.01", action=PositionAction.CLOSE))
            await bench.bot.position_is("BTC-USDC", 0)
            await bench.admin.list_symbol({"symbol": "NOPE-PERP", "base": "NOPE", "start_price": "2",
                                           "size_decimals": 1, "price_decimals": 3})
            await bench.until(lambda: any(shown_book(bench, "NOPE-USDC")))
            await bench.bot.filled(bench.bot.buy("NOPE-USDC", "5"))
        asked = len(await bench.requests("GET", "/ticker/latest")) - asked
        assert asked < 10 + 2 * (time.monotonic() - began_s)


async def test_a_halted_market_refuses_orders_in_words_and_others_trade_on():
    async with running() as bench:
        bench.expected_complaints = ["WARNING.*The market BTC-USDC is closed or halted"]
        await bench.admin.set_status("BTC-PERP", "HALT")
        refused = bench.bot.buy("BTC-USDC", "0.01")
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "0.1"))
        await bench.until(lambda: bench.bot.is_done(refused))
        assert "closed or halted" in bench.bot.failure(refused)
        await bench.admin.set_status("BTC-PERP", "TRADING")
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))


async def test_a22_pairs_are_added_and_removed_while_running():
    async with running(("BTC-USDC",)) as bench:
        assert await bench.connector.add_trading_pair("SOL-USDC")
        await bench.until(lambda: "SOL-USDC" in bench.connector.order_books)
        await bench.bot.filled(bench.bot.buy("SOL-USDC", "1"))
        await bench.bot.filled(bench.bot.sell("SOL-USDC", "1", action=PositionAction.CLOSE))
        await bench.bot.position_is("SOL-USDC", 0)
        assert bench.connector.get_funding_info("SOL-USDC").rate > -1
        assert await bench.connector.remove_trading_pair("SOL-USDC")
        assert "SOL-USDC" not in bench.connector.order_books
        await bench.until(lambda: _channels_are(
            bench, ["BTC-PERP@depth", "BTC-PERP@trades", "account_private", "tickers"]))
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))


async def _channels_are(bench, channels):
    return (await bench.admin.sockets())["channels"] == channels


async def test_c31_rules_follow_the_venue_and_a_listed_symbol_can_be_traded():
    async with running() as bench:
        await bench.admin.set_decimals("ETH-PERP", size_decimals=1, price_decimals=1)
        await bench.admin.list_symbol({"symbol": "DOGE-PERP", "base": "DOGE", "start_price": "0.2", "size_decimals": 0,
                                       "price_decimals": 5})
        await bench.until(lambda: bench.connector.trading_rules["ETH-USDC"].min_order_size == Decimal("0.1"))
        await bench.until(lambda: "DOGE-USDC" in bench.connector.trading_rules)
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "0.77"))
        assert await bench.connector.add_trading_pair("DOGE-USDC")
        await bench.until(lambda: "DOGE-USDC" in bench.connector.order_books)
        await bench.bot.filled(bench.bot.buy("DOGE-USDC", "100.5"))


async def test_c31_a_delisted_symbol_ends_its_orders_and_disturbs_no_other():
    async with running() as bench:
        bench.expected_complaints = ["was not sent", "ETH", "NETWORK.*Error submitting", "WARNING.*Order .* failed: "]
        order_id = bench.bot.buy("ETH-USDC", "0.1", price=bench.bot.price("ETH-USDC", "0.9"))
        await bench.bot.open(order_id)
        await bench.admin.delist("ETH-PERP")
        await bench.until(lambda: bench.bot.is_done(order_id))
        assert bench.bot.names(order_id) == ["Created", "Cancelled"]
        await bench.until(lambda: "ETH-USDC" not in bench.connector.trading_rules)
        refused = bench.bot.buy("ETH-USDC", "0.1", price="3000")
        await bench.until(lambda: bench.bot.is_done(refused))
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))


RECENT_FRAMES = 5


def shown_book(bench, pair):
    """Both sides of the strategy's book as the venue writes them: exact text of price and size."""
    book = bench.connector.get_order_book(pair)
    return tuple([(Decimal(str(row.price)), Decimal(str(row.amount))) for row in side]
                 for side in (book.bid_entries(), book.ask_entries()))


async def journalled_books(bench, symbol, count):
    """The newest books that were sent."""
    entries = await bench.admin.journal(kind="frame_sent", channel=f"{symbol}@depth", limit=count)
    books = [json.loads(entry["payload"])["data"] for entry in entries]
    return [tuple([(Decimal(price), Decimal(size)) for price, size in book[side]] for side in ("bids", "asks"))
            for book in books]


async def is_a_recent_frame(bench, pair, symbol):
    """Whether the strategy's book is one of the newest five that the venue has sent: with one each 100 ms, at most
    500 ms old; on a machine that was busy with something else meanwhile, neither has moved.
    """
    book = shown_book(bench, pair)
    return book in await journalled_books(bench, symbol, RECENT_FRAMES)


async def test_a19_the_book_is_always_a_frame_at_most_500_ms_old_also_after_reconnects():
    async with running() as bench:
        bench.expected_complaints = ["WARNING.*market data stream of Vest is interrupted"]
        before = 0
        for code in (None, 1000, 1011, 1012):
            if code is not None:
                before = len(await bench.admin.journal(kind="socket_opened"))
                await bench.admin.disconnect_sockets("public", code)
            await bench.until(lambda: _is_streaming(bench, before))
            for _ in range(10):
                ticks = bench.simulator.exchange.markets["BTC-PERP"].price.tick
                await bench.until(lambda: bench.simulator.exchange.markets["BTC-PERP"].price.tick > ticks)
                for pair, symbol in (("BTC-USDC", "BTC-PERP"), ("ETH-USDC", "ETH-PERP")):
                    assert await is_a_recent_frame(bench, pair, symbol)


async def _is_streaming(bench, opened_before):
    """Whether a connection that was opened since then has brought so many books that none is older."""
    opened = await bench.admin.journal(kind="socket_opened")
    if len(opened) <= opened_before or (await bench.admin.sockets())["public"] != 1:
        return False
    last = [entry["socket"] for entry in opened if entry["socket_kind"] == "public"][-1]
    frames = await bench.admin.journal(kind="frame_sent", since=opened[-1]["seq"])
    channels = [entry["channel"] for entry in frames if entry["socket"] == last]
    return all(channels.count(f"{symbol}@depth") >= RECENT_FRAMES for symbol in ("BTC-PERP", "ETH-PERP"))


@pytest.mark.parametrize("bids, asks", [([], []), ([], [["95100", "1"]]), ([["94900", "1"]], [])],
                         ids=["empty", "no bids", "no asks"])
async def test_a19_an_empty_side_is_shown_empty_and_crashes_nothing(bids, asks):
    async with running() as bench:
        await bench.admin.set_depth("BTC-PERP", bids, asks)
        expected = tuple([(Decimal(price), Decimal(size)) for price, size in side] for side in (bids, asks))
        await bench.until(lambda: shown_book(bench, "BTC-USDC") == expected)
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "0.1"))
        await bench.admin.release_depth("BTC-PERP")
        await bench.until(lambda: all(len(side) > 5 for side in shown_book(bench, "BTC-USDC")))
