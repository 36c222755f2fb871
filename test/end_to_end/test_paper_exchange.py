"""The simulator as a paper exchange: recorded prices, a mirrored venue, and a process that is killed and comes back."""
import asyncio
import os
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from test.end_to_end.bench import SHORT_CONSTANTS, Bench, running
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.common import PositionAction
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
from vest_simulator import AdminClient
from vest_simulator.clock import Clock
from vest_simulator.feeds.mirror import Mirror, MirrorTiming
from workbench.simulator import Simulator

pytestmark = pytest.mark.asyncio
MINUTE_MS = 60_000
BEGIN_MS = 1_714_564_800_000
START_S = 60.0
HEADER = "open_time,open,high,low,close,volume,close_time,symbol"


def recording(folder: Path, minutes: int = 120) -> Path:
    """A price that swings by 1 % in ten minutes, of two symbols."""
    lines = [HEADER]
    for number in range(minutes):
        for symbol, base in (("BTC-PERP", Decimal(60_000)), ("ETH-PERP", Decimal(3_000))):
            first, last = (base * (100 + Decimal(abs(at % 20 - 10)) / 10) / 100 for at in (number, number + 1))
            open_ms = BEGIN_MS + number * MINUTE_MS
            lines.append(f"{open_ms},{first},{max(first, last)},{min(first, last)},{last},12,"
                         f"{open_ms + MINUTE_MS - 1},{symbol}")
    file = folder / "prices.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


@asynccontextmanager
async def bot_at(venue: Simulator):
    """A bench whose venue is a process of its own, with one bot that is ready."""
    with TemporaryDirectory() as folder, patch.multiple(CONSTANTS, **SHORT_CONSTANTS), \
            patch.dict(os.environ, {CONSTANTS.SIMULATOR_URL_VARIABLE: venue.url}):
        async with AdminClient(venue.admin_url) as admin:
            account = SimpleNamespace(**venue.accounts[0])
            bench = Bench(SimpleNamespace(admin=admin, clock=Clock(), accounts=[account]), Path(folder))
            bot = bench.add_bot()
            try:
                await bot.start()
                yield bench
            finally:
                await bot.stop()


async def books_are_equal(bench: Bench) -> bool:
    """Whether balance, positions and all fills and fees are the same for the bot and at the venue."""
    ledger, bot = await bench.ledger(), bench.bot
    rows = {str(row["nonce"]): row for row in ledger["orders"]}
    fills = {order_id: sum(fill.amount for fill in bot.fills(order_id)) for order_id in bot.placed}
    fees = sum(fee.amount for order_id in bot.placed for fill in bot.fills(order_id)
               for fee in fill.trade_fee.flat_fees)
    return (set(rows) == bot.placed and ledger["positions"] == [] and not bot.connector.account_positions
            and fills == {order_id: Decimal(row["filledSize"]) for order_id, row in rows.items()}
            and fees == Decimal(ledger["fees"])
            and bot.connector.get_balance("USDC") == Decimal(ledger["balances"]["cash"]))


CLOSED = "The market .* is closed or halted"


async def test_a24_a_bot_trades_on_recorded_prices_and_sees_them_as_candles(tmp_path):
    start_ms = BEGIN_MS + 100 * MINUTE_MS  # a price that falls
    async with running(prices=(recording(tmp_path),), start_ms=start_ms, speed=Decimal(20)) as bench:
        bot = bench.bot
        bench.expected_complaints = [CLOSED]
        price = bot.price("BTC-USDC") - 20
        bought = bot.buy("BTC-USDC", "0.01", price=price)
        await bot.open(bought)
        sold = bot.sell("ETH-USDC", "0.1")
        await bot.filled(sold)
        await bot.filled(bought)
        fill, = bot.fills(bought)
        assert 0 <= price - fill.price < 60  # what the recorded price falls in a minute: no windfall
        feed = CandlesFactory.get_candle(CandlesConfig(
            connector=bot.connector.domain, trading_pair="BTC-USDC", interval="1m", max_records=4))
        feed.start()
        await bench.until(lambda: feed.ready)
        history = feed.candles_df.iloc[:2]  # twenty recorded minutes each, which swing between 100 and 101 %
        assert set(history["high"]) == {60_600.0} and set(history["low"]) == {60_000.0}
        assert set(history["volume"]) == {240.0}
        feed.stop()
        await bench.admin.advance_clock(2 * MINUTE_MS)  # past the end of the recording
        await bench.until(lambda: bench.said(CLOSED))
        refused = bot.buy("BTC-USDC", "0.01")
        await bench.until(lambda: bot.is_done(refused))
        assert "closed" in bot.failure(refused)


async def test_c31_a_bot_trades_on_the_prices_of_another_venue_and_waits_while_they_are_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(Mirror, "usual_timing", MirrorTiming(
        stale_after_s=5, poll_s=0.5, backoff_min_s=0.1, backoff_max_s=0.5, request_pause_s=0))
    with Simulator(tmp_path, {"seed": 3, "tick-interval": 0.1, "symbols": "BTC-PERP,ETH-PERP"}) as venue:
        async with AdminClient(venue.admin_url) as live, running(mirror=venue.url) as bench:
            bot = bench.bot
            bench.expected_complaints = [CLOSED, "WARNING.*price feed of .* is (lost|back)"]
            await live.set_price("BTC-PERP", "91000")
            await bench.until(lambda: abs(bot.connector.get_mid_price("BTC-USDC") - 91_000) < 30)
            waiting = bot.buy("BTC-USDC", "0.01", price="90000")
            await bot.open(waiting)
            await bot.filled(bot.sell("BTC-USDC", "0.02"))
            await live.go_down()
            await bench.until(lambda: bench.said("is lost"))
            await live.set_price("BTC-PERP", "89000")
            refused = bot.buy("ETH-USDC", "0.1")
            await bench.until(lambda: bot.is_done(refused))
            assert bot.names(waiting) == ["Created"] and "closed" in bot.failure(refused)
            await live.come_back()
            await bot.filled(waiting)
            fill, = bot.fills(waiting)
            assert Decimal(88_900) < fill.price < Decimal(89_100)
            await bot.position_is("BTC-USDC", "-0.01")
            assert len(bench.said("is lost:")) == len(bench.said("is back:")) == 1


@pytest.mark.parametrize("end", [Simulator.stop, Simulator.kill])
async def test_c33_a_bot_goes_on_when_the_venue_was_stopped_or_killed(tmp_path, end):
    with Simulator(tmp_path, {
        "prices": recording(tmp_path), "start": BEGIN_MS + 100 * MINUTE_MS, "state": tmp_path / "state.db",
        "tick-interval": 0.1,
    }) as venue:
        async with bot_at(venue) as bench:
            bot = bench.bot
            await bot.filled(bot.buy("ETH-USDC", "0.5"))
            await bot.position_is("ETH-USDC", "0.5")
            low = bot.buy("BTC-USDC", "0.01", price=bot.price("BTC-USDC", "0.95"))
            high = bot.buy("BTC-USDC", "0.02", price=bot.price("BTC-USDC", "0.96"))
            for order_id in (low, high):
                await bot.open(order_id)
            before = await bench.ledger()
            accounts = venue.accounts
            end(venue)
            await bench.until(lambda: not bot.connector.ready)
            await asyncio.to_thread(venue.start)
            assert venue.accounts == accounts
            after = await bench.ledger()
            same = ("orders", "fees", "realizedPnl", "settledFunding", "leverages", "lastNonce")
            assert {name: after[name] for name in same} == {name: before[name] for name in same}
            assert [row["size"] for row in after["positions"]] == [row["size"] for row in before["positions"]]
            await bench.until(lambda: bot.connector.ready, timeout_s=START_S)
            assert [bot.names(order_id) for order_id in (low, high)] == [["Created"]] * 2
            await bot.cancel(low)
            await bot.cancel(high)
            await bot.filled(bot.sell("ETH-USDC", "0.5", action=PositionAction.CLOSE))
            await bot.position_is("ETH-USDC", "0")
            await bench.until(lambda: books_are_equal(bench))
