"""What the tests of missed fills share (C16): an account that tells a position, and orders cancelled beside it."""
import asyncio
import logging
import time
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import (
    DerivativeTestCase,
    account,
    order_event,
    position,
)
from unittest.mock import patch

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_derivative import VestPerpetualDerivative
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_missed_fills import MissedFills
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_position_watch import PositionWatch
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_user_stream_data_source import STREAM_RECONNECTED

GET_ORDERS = ("GET", CONSTANTS.ORDERS_PATH)
LAG_S = 0.2
ENTRY_PRICES = {
    "0.1": "95", "0.4": "95.000000", "0.8": "92.500000", "1": "95", "1.5": "95", "-0.3": "105", "-0.4": "105",
}


class MissedFillsTestCase(DerivativeTestCase):
    """What an account tells, which lags the venue by `LAG_S` at most."""

    async def asyncSetUp(self):
        quick = patch.object(VestPerpetualDerivative, "ACCOUNT_LAG_LIMIT_S", LAG_S)
        self.addCleanup(quick.stop)
        quick.start()
        await super().asyncSetUp()
        self.listen()

    def make_connector(self, **arguments):
        # Ten times the usual limits, because the pauses are that much shorter: nobody waits ten seconds for capacity.
        return super().make_connector(**{"rate_limits_share_pct": Decimal(1000), **arguments})

    # --- What happens

    def hold(self, size):
        """The account has a position."""
        row = [] if size is None else [position(
            "BTC-PERP", size.lstrip("-"), is_long=not size.startswith("-"), entryPrice=ENTRY_PRICES[size]
        )]
        self.venue.account = account(positions=row)

    async def connect(self, times=1):
        connections = self.connector._stream_connections + times
        for _ in range(times):
            self.tell(STREAM_RECONNECTED)
        await self.until(lambda: self.connector._stream_connections == connections)
        await self.until(lambda: not self.connector._is_reconciling)

    async def know(self, size=None):
        """The stream is there, and the account has been looked at for long enough to be sure of the position."""
        self.hold(size)
        await self.connect()
        await self.poll_for(1.5 * LAG_S)

    def set_lag(self, lag_s):
        """From now on: so long that nothing is settled by the passing of time, however slow the computer is, or not."""
        for waiting in (self.connector._missed_fills, self.connector._missed_fills._watch):
            waiting._lag_s = lag_s

    async def poll_for(self, duration_s):
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            await self.poll()
            await asyncio.sleep(0.02)
        await self.poll()

    async def poll_until(self, condition):
        async with asyncio.timeout(30):
            while not condition():
                await self.poll()
                await asyncio.sleep(0.02)

    async def restart(self):
        """The client is killed, and starts again with what it has saved."""
        saved = self.connector.tracking_states
        self.connector = self.make_connector()
        await self.connector._update_trading_rules()
        self.connector.restore_tracking_states(saved)
        self.connector._missed_fills.recall()
        self.listen()

    async def miss_a_part(self):
        """The stream was away while an order filled in part and was cancelled; only the position shows it."""
        await self.know()
        client_order_id = await self.open_order()
        self.cancelled_row(client_order_id)
        self.hold("0.4")
        await self.connect()
        return client_order_id

    def is_done(self, client_order_id):
        return client_order_id not in self.connector.in_flight_orders

    def cancelled_row(self, client_order_id, **fields):
        return self.venue.change_order(client_order_id, "CANCELLED", **fields)

    def cancellation(self, client_order_id):
        """The event, which says nothing but that."""
        row = self.cancelled_row(client_order_id)
        return order_event({key: row[key] for key in ("id", "nonce", "status", "postTime")})

    def errors(self):
        return self.logs.texts(logging.ERROR)

    def explained(self):
        """The position that the fills explain."""
        known = self.connector._missed_fills._watch.basis().get("BTC-PERP")
        return known and known.size

    def filled_amount(self):
        return sum(fill.amount for fill in self.heard("Filled"))


class PatientTestCase(MissedFillsTestCase):
    """An end is held back until it is settled, however slow the computer is."""

    async def asyncSetUp(self):
        # Where the end is not held for as long as that, a busy machine may take longer than the account may lag.
        self.enterContext(patch.object(MissedFills, "LONGEST_HOLD_LAGS", 100))
        self.enterContext(patch.multiple(PositionWatch, MEMORY_LAGS=100, LATE_LAGS=100))  # with its own tests
        await super().asyncSetUp()
