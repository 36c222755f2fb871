"""The three kinds of strategies through the real client, command by command, on the simulated venue (A23)."""
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


def trade(simulator):
    """Waits until the strategy has opened and closed positions."""
    deadline = time.monotonic() + TRADING_S
    while sum(order.state == books.FILLED for order in venue_books(simulator).orders) < FILLED_ORDERS:
        assert time.monotonic() < deadline, f"after {TRADING_S} s: {report.progress(venue_books(simulator))}"
        time.sleep(0.5)


@pytest.mark.parametrize("strategy, shown", [
    ("perpetual_market_making", "Markets:"),
    ("v2", "Recent Executors"),
    ("directional", "distance"),  # of its moving averages
])
def test_a23_a_strategy_trades_shows_itself_stops_and_leaves_equal_books(strategy, shown):
    with started(strategy) as (client, simulator):
        trade(simulator)

        status = client.status()
        assert status["running"] and status["errors"]["messages"] == []
        assert shown in str(status)

        client.stop(60)
        assert client.wait_for_end() == []
        venue, ours = venue_books(simulator), books.client_books(client.database)
        lines = books.compare(ours, venue, {PAIR: simulator.mark_prices()[SYMBOL]})
        assert [f"{line.what}: {line.client}, at the venue {line.venue}" for line in lines if not line.agrees] == []
        assert books.different_orders(ours, venue) == []
        assert not [order for order in venue.orders if order.state == books.OPEN]
        assert report.differences_from_history(client.history(), venue, [PAIR]) == []
        assert [complaint for complaint in audit.complaints(client.logs) if complaint.is_fault] == []
