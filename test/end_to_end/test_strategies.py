"""The kinds of strategies through the real client, command by command, on the simulated venue (A23)."""
import contextlib
import secrets
import time

import pytest

from workbench import audit, books, report
from workbench.client import Client
from workbench.home import PROJECT, Home
from workbench.job import CONNECTOR, new_folder
from workbench.simulator import Simulator
from workbench.strategies import STRATEGIES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PAIR, SYMBOL = "ETH-USDC", "ETH-PERP"
FILLED_ORDERS = 4  # a position opened and closed twice
TRADING_S = 90
HOURLY_FUNDING = "0.05"  # so high that cents settle within seconds


@contextlib.contextmanager
def started(strategy):
    """The client running a strategy, and the venue."""
    folder = new_folder(PROJECT / ".runs" / time.strftime(f"%Y-%m-%dT%H-%M-%S-{strategy}"))
    with Simulator(folder, {"seed": 5, "symbols": SYMBOL}) as simulator:
        simulator.ask("set_funding_rate", SYMBOL, HOURLY_FUNDING)
        client = Client(Home.create(folder / "home"), secrets.token_urlsafe(16), {"VEST_SIMULATOR_URL": simulator.url})
        try:
            keys = {f"{CONNECTOR}_{name}": str(value) for name, value in simulator.accounts[0].items()}
            client.connect(CONNECTOR, keys)
            marks = {PAIR: simulator.mark_prices()[SYMBOL]}
            client.start(STRATEGIES[strategy](client, CONNECTOR, [PAIR], marks))
            yield client, simulator
        finally:
            client.kill()
            client.home.remove_package()


def venue_books(simulator):
    ledger = simulator.ask("ledger", simulator.accounts[0]["account_group"])
    return books.venue_books(ledger, {SYMBOL: PAIR})


def wait(simulator, condition):
    """Waits until the venue's books fulfil a condition."""
    deadline = time.monotonic() + TRADING_S
    while not condition(venue_books(simulator)):
        assert time.monotonic() < deadline, f"after {TRADING_S} s: {report.progress(venue_books(simulator))}"
        time.sleep(0.5)


def trade(simulator):
    """Waits until the strategy has opened and closed positions."""
    wait(simulator, lambda venue: sum(order.state == books.FILLED for order in venue.orders) >= FILLED_ORDERS)


def assert_running(client, shown):
    """The status shows a healthy bot and what its strategy has to say."""
    status = client.status()
    assert status["running"] and status["errors"]["messages"] == []
    assert shown in str(status)


def stop_and_compare(client, simulator):
    """Stops the bot; its books and the venue's are equal, nothing is left, nothing was complained of. Returns both."""
    client.stop(60)
    assert client.wait_for_end() == []
    venue, ours = venue_books(simulator), books.client_books(client.database)
    lines = books.compare(ours, venue, {PAIR: simulator.mark_prices()[SYMBOL]})
    assert [f"{line.what}: {line.client}, at the venue {line.venue}" for line in lines if not line.agrees] == []
    assert books.different_orders(ours, venue) == []
    assert not [order for order in venue.orders if order.state == books.OPEN]
    assert report.differences_from_history(client.history(), venue, [PAIR]) == []
    assert [complaint for complaint in audit.complaints(client.logs) if complaint.is_fault] == []
    return ours, venue


@pytest.mark.parametrize("strategy, shown", [
    ("perpetual_market_making", "Markets:"),
    ("v2", "Recent Executors"),
    ("directional", "distance"),  # of its moving averages
])
def test_a23_a_strategy_trades_shows_itself_stops_and_leaves_equal_books(strategy, shown):
    with started(strategy) as (client, simulator):
        trade(simulator)
        assert_running(client, shown)
        stop_and_compare(client, simulator)


def test_a17_the_funding_strategy_takes_the_side_that_receives_and_its_payments_are_the_venues():
    with started("funding") as (client, simulator):
        wait(simulator, lambda venue: venue.positions.get(PAIR, 0) < 0)  # longs pay
        # The rate turns, and so far that the short pays more than it has received before it is let go.
        simulator.ask("set_funding_rate", SYMBOL, "-50")
        wait(simulator, lambda venue: venue.positions.get(PAIR, 0) > 0)
        assert_running(client, "funding rate -5000.000000 % per hour, received by longs")
        wait(simulator, lambda venue: any(payment.amount > 0 for payment in venue.payments))
        ours, venue = stop_and_compare(client, simulator)
        amounts = [payment.amount for payment in ours.payments]
        assert sorted(amounts) == sorted(payment.amount for payment in venue.payments)
        assert min(amounts) < 0 < max(amounts)
