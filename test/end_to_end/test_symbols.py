"""Markets as the venue may list them: odd names, coarse ticks, no fee, halted, gone and back (A5, A6, C31)."""
from decimal import Decimal
from test.end_to_end.bench import running, switches

import pytest

from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from vest_simulator import SymbolSpec
from vest_simulator.engine.specs import known_symbol

pytestmark = pytest.mark.asyncio
CLOSED = "WARNING.*The market BTC-USDC is closed or halted"
BTC = known_symbol("BTC-PERP")


def spec(symbol, price="100", size_decimals=2, price_decimals=2, **more):
    return SymbolSpec(symbol, symbol.split("-")[0], Decimal(price), size_decimals, price_decimals, **more)


async def round_trip(bench, pair, amount):
    """A MARKET order in, a LIMIT order that waits and is cancelled, a CLOSE out; gives the three rows of the venue."""
    bot = bench.bot
    taken = bot.buy(pair, amount)
    await bot.filled(taken)
    waiting = bot.buy(pair, amount, price=bot.price(pair, "0.97"))
    await bot.open(waiting)
    await bot.cancel(waiting)
    await bench.until(lambda: bot.position(pair) > 0)
    closing = bot.sell(pair, bot.position(pair), action=PositionAction.CLOSE)
    await bot.filled(closing)
    await bot.position_is(pair, 0)
    return [await bench.venue_order(order_id) for order_id in (taken, waiting, closing)]


async def sent_orders(bench):
    return [entry["body"]["order"] for entry in await bench.requests("POST", "/orders")]


# --- Names


async def test_a5_names_of_every_form_have_their_pairs_and_trade():
    symbols = {"1000PEPE-PERP": "1000PEPE-USDC", "kSHIB-PERP": "KSHIB-USDC", "BRK.B-USD-PERP": "BRK.B-USDC",
               "H-PERP": "H-USDC", "SPX-PERP": "SPX-USDC", "SPX-USD-PERP": "SPXUSD-USDC", "AAPL-USD-PERP": "AAPL-USDC"}
    listed = (BTC, *(spec(symbol) for symbol in symbols))
    async with running(tuple(symbols.values()), symbols=listed) as bench:
        assert dict(await bench.connector.trading_pair_symbol_map()) == {"BTC-PERP": "BTC-USDC", **symbols}
        for pair in symbols.values():
            await bench.bot.filled(bench.bot.buy(pair, "0.5"))
        assert [order["symbol"] for order in await sent_orders(bench)] == list(symbols)


async def test_a5_names_that_can_have_no_pair_are_left_out_and_said_once():
    # kPEPE-PERP and KPEPE-PERP want one pair: one has it, the other one is left out.
    odd = ("A-B-PERP", "BTC-PERPETUAL", "ÄTHER-PERP", "KPEPE-PERP", "kPEPE-PERP", " -PERP")
    async with running(("BTC-USDC", "KPEPE-USDC"), symbols=(BTC, *(spec(symbol) for symbol in odd))) as bench:
        pairs = await bench.connector.trading_pair_symbol_map()
        assert dict(pairs) == {"BTC-PERP": "BTC-USDC", "KPEPE-PERP": "KPEPE-USDC"}
        await bench.another_poll()
        for symbol in set(odd) - set(pairs):
            assert len(bench.said(f"Vest's market {symbol} has no trading pair")) == 1
        for pair in pairs.values():
            await bench.bot.filled(bench.bot.buy(pair, "0.5"))


async def test_a5_a_coin_listed_later_does_not_take_the_pair_of_an_index():
    index = spec("SPX-USD-PERP", "6600", 4)
    async with running(("SPX-USDC",), symbols=(BTC, index)) as bench:
        await bench.bot.filled(bench.bot.buy("SPX-USDC", "0.5"))
        await bench.admin.list_symbol({"symbol": "SPX-PERP", "base": "SPX", "start_price": "1.2", "size_decimals": 1,
                                       "price_decimals": 4})
        await bench.until(lambda: bench.said("Vest's market SPX-PERP has no trading pair"))
        await bench.bot.filled(bench.bot.sell("SPX-USDC", "0.5", action=PositionAction.CLOSE))
        assert {row["symbol"] for row in (await bench.ledger())["orders"]} == {"SPX-USD-PERP"}


# --- Steps


@pytest.mark.parametrize("amount, price, size_decimals, price_decimals", [
    ("1234.9", "0.000012", 0, 8), ("3.7", "250000", 0, 0), ("0.12345678", "95000", 8, 1), ("12", "1.00005", 1, 5),
])
async def test_a6_sizes_and_prices_are_written_with_the_markets_decimals(amount, price, size_decimals, price_decimals):
    listed = (BTC, spec("ODD-PERP", price, size_decimals, price_decimals, level_notional=Decimal(10 ** 6)))
    async with running(("ODD-USDC",), symbols=listed, balance=Decimal(10 ** 7)) as bench:
        step, tick = Decimal(1).scaleb(-size_decimals), Decimal(1).scaleb(-price_decimals)
        rule = bench.connector.trading_rules["ODD-USDC"]
        assert (rule.min_order_size, rule.min_base_amount_increment, rule.min_price_increment) == (step, step, tick)
        taken, *_ = await round_trip(bench, "ODD-USDC", amount)
        assert Decimal(taken["size"]) == Decimal(amount) // step * step
        for order in await sent_orders(bench):
            for text, unit in ((order["size"], step), (order["limitPrice"], tick)):
                assert Decimal(text).as_tuple().exponent == unit.as_tuple().exponent and "E" not in text


async def test_a6_prices_stand_on_a_tick_that_is_coarser_than_the_decimals():
    async with running(("SPXUSD-USDC",), **switches(newer_exchange_info=True)) as bench:
        assert bench.connector.trading_rules["SPXUSD-USDC"].min_price_increment == Decimal("0.25")
        order_id = bench.bot.buy("SPXUSD-USDC", "0.5", price="6000.37")
        await bench.bot.open(order_id)
        assert (await sent_orders(bench))[0]["limitPrice"] == "6000.25"
        await bench.bot.cancel(order_id)
        await round_trip(bench, "SPXUSD-USDC", "0.12345")
        assert all(Decimal(order["limitPrice"]) % Decimal("0.25") == 0 for order in await sent_orders(bench))


# --- Fees


async def test_a_taker_fee_of_zero_is_estimated_by_the_default_and_booked_as_charged():
    async with running(("SPXUSD-USDC", "BTC-USDC"), with_database=True) as bench:
        estimate = bench.connector.get_fee("SPXUSD", "USDC", OrderType.MARKET, TradeType.BUY,
                                           PositionAction.OPEN, Decimal(1), Decimal(6600))
        assert estimate.percent == Decimal("0.0001")
        rows = await round_trip(bench, "SPXUSD-USDC", "0.5")
        booked = {str(row["nonce"]): Decimal(row["fees"]) for row in rows if row["status"] == "FILLED"}
        assert {fill.order_id: fill.fee for fill in bench.bot.records.fills()} == booked
        # Only the premium is charged, a fifth of the estimate.
        assert all(0 < fee < Decimal("0.5") * 6600 * Decimal("0.00005") for fee in booked.values())


# --- Changes while running


async def test_c31_an_open_order_outlives_a_change_of_its_markets_decimals():
    async with running() as bench:
        before = bench.bot.buy("ETH-USDC", "0.123", price="2000.01")
        await bench.bot.open(before)
        await bench.admin.set_decimals("ETH-PERP", size_decimals=1, price_decimals=0)
        await bench.until(lambda: bench.connector.trading_rules["ETH-USDC"].min_price_increment == 1)
        after = bench.bot.buy("ETH-USDC", "0.19", price="2000.99")
        await bench.bot.open(after)
        assert [(order["size"], order["limitPrice"]) for order in await sent_orders(bench)] == [
            ("0.123", "2000.01"), ("0.1", "2000")]
        for order_id in (before, after):
            await bench.bot.cancel(order_id)


async def test_c31_orders_wait_out_a_halt():
    async with running() as bench:
        bench.expected_complaints = [CLOSED]
        waiting = bench.bot.limit_order()
        await bench.bot.open(waiting)
        await bench.admin.set_status("BTC-PERP", "HALT")
        refused = bench.bot.buy("BTC-USDC", "0.01")
        await bench.until(lambda: bench.bot.is_done(refused))
        assert "closed or halted" in bench.bot.failure(refused)
        await bench.another_poll()
        assert bench.bot.names(waiting) == ["Created"] and bench.connector.ready
        await bench.admin.set_status("BTC-PERP", "TRADING")
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        await bench.bot.cancel(waiting)


async def test_c31_a_bot_starts_while_a_market_is_halted():
    async with running(is_started=False) as bench:
        bench.expected_complaints = [CLOSED]
        await bench.admin.set_status("BTC-PERP", "HALT")
        await bench.bot.start()
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "0.1"))
        await bench.until(lambda: bench.said(CLOSED))
        await bench.admin.set_status("BTC-PERP", "TRADING")
        await bench.until(lambda: bench.said("INFO.*The market BTC-USDC is open again"))
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        assert len(bench.said(CLOSED)) == 1


async def test_c31_a_market_that_is_listed_again_trades_again():
    async with running() as bench:
        bench.expected_complaints = ["was not sent", "ETH"]
        await bench.admin.delist("ETH-PERP")
        await bench.until(lambda: "ETH-USDC" not in bench.connector.trading_rules)
        refused = bench.bot.buy("ETH-USDC", "0.1")
        await bench.until(lambda: bench.bot.is_done(refused))
        assert "has no market ETH-USDC" in bench.bot.failure(refused)
        await bench.admin.list_symbol({"symbol": "ETH-PERP", "base": "ETH", "start_price": "3000", "size_decimals": 1,
                                       "price_decimals": 1})
        await bench.until(lambda: "ETH-USDC" in bench.connector.trading_rules)
        await bench.until(lambda: abs(bench.connector.get_mid_price("ETH-USDC") / 3000 - 1) < Decimal("0.05"))
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "0.19"))
        await bench.bot.position_is("ETH-USDC", "0.1")
