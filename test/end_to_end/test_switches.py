"""One round trip for every position of every switch: what is in doubt about the venue must not matter."""
from decimal import Decimal
from test.end_to_end.bench import running, switches

import pytest

from hummingbot.core.data_type.common import PositionAction
from vest_simulator import Switches

pytestmark = pytest.mark.asyncio
HOUR_MS = 3_600_000
# Positions of the switches that take a number, beside their default.
NUMBERS = {"fill_parts": 3, "fill_part_ticks": 2, "order_list_lag_ms": 200, "position_lag_ms": 200}


def positions():
    """(switch, position) for every position but the defaults, which all have their turn in the first one."""
    yield pytest.param("fill_parts", 2, id="defaults")
    for name, choice in Switches.choices().items():
        for position in choice if isinstance(choice, tuple) else [NUMBERS[name]]:
            if position != getattr(Switches(), name):
                yield pytest.param(name, position, id=f"{name}={position}")


@pytest.mark.parametrize("name, position", list(positions()))
async def test_round_trip(name, position):
    # Orders fill in parts, which show what differs between a fill and an order.
    chosen = {"fill_parts": 2, "fill_part_ticks": 1, name: position}
    if name == "date_header":
        # A venue that tells its time only to those who know it cannot be talked to.
        chosen["check_get_time"] = False
    async with running(**switches(**chosen)) as bench:
        bot = bench.bot
        if position == "detail_string":
            # Without a code it cannot be told that only the clock was wrong.
            bench.expected_complaints = ["HTTP 400: Order expired"]
        await bench.admin.set_funding_rate("BTC-PERP", "0.0005")
        await bench.admin.set_price("BTC-PERP", "95000")
        await bench.until(lambda: abs(bench.connector.get_mid_price("BTC-USDC") - 95000) < 100)
        await bot.filled(bot.buy("BTC-USDC", "0.02"))
        limit = bot.buy("BTC-USDC", "0.02", price="94000")
        waiting = bot.sell("BTC-USDC", "0.01", price="99000")
        await bot.open(limit)
        await bot.open(waiting)
        await bench.admin.set_price("BTC-PERP", "93900")
        await bot.filled(limit)
        await bench.until(lambda: abs(bench.connector.get_mid_price("BTC-USDC") - 93900) < 100)
        await bot.cancel(waiting)
        await bot.position_is("BTC-USDC", "0.04")
        await bench.admin.advance_clock(HOUR_MS)
        # What is settled by the hour can only be seen while the position is open.
        await bench.another_poll()
        await bot.filled(bot.sell("BTC-USDC", "0.04", action=PositionAction.CLOSE))
        await bot.position_is("BTC-USDC", 0)
        await bench.until(lambda: sum(payment.amount for payment in bot.payments) < Decimal("-1"))
        await bench.connector.get_last_traded_prices(["BTC-USDC", "ETH-USDC"])
