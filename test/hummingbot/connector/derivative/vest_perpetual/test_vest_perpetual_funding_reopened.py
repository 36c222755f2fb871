"""A position that begins anew over the hour, and with it its sum of funding: the difference is no payment."""
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import account, filled, order_row, position

import pytest

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_account_reader import read_account
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_funding import FundingPayments
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import Order

HOUR_MS = 3_600_000
START_MS = 1_795_348_800_000  # a full hour
SYMBOL = "BTC-PERP"


def order(number, is_buy, size, time_ms, funding=None):
    fields = {**filled(size, "100", "1", time_ms), "isBuy": is_buy, "size": size, "settledFunding": funding}
    return Order.from_payload(order_row(hex(number), str(number), "FILLED", **fields))


def look(payments, time_ms, size, settled_funding):
    row = position(SYMBOL, size, settledFunding=settled_funding)
    payments.observe_account(read_account(account(positions=[row])).account, time_ms)


@pytest.mark.parametrize("orders", [
    [(1, False, "1"), (2, True, "1")],
    [(1, False, "2"), (2, True, "2")],
], ids=["closed and opened", "turned and turned back"])
def test_a_position_that_began_anew_shows_only_what_its_orders_settled(orders):
    payments = FundingPayments(since_ms=START_MS)
    look(payments, START_MS + HOUR_MS - 100, "1", "5")
    look(payments, START_MS + HOUR_MS + 100, "1", "0.25")
    times_ms = [START_MS + HOUR_MS - 50, START_MS + HOUR_MS - 40]
    fills = [order(*fields, time_ms, funding) for fields, time_ms, funding in zip(orders, times_ms, ["2", None])]

    payments.take_orders(fills, lambda _: True, next_ms=START_MS + HOUR_MS + 100)

    assert payments.oldest(SYMBOL) == payments.newest(SYMBOL)
    assert payments.newest(SYMBOL).amount == Decimal("2")
