"""The driver of the client, against the real client in a home of its own; nothing here needs a venue."""
import os
import shutil

import pytest

from workbench.client import Client, ClientConfigError, ClientNotFoundError
from workbench.home import PROJECT, Home

CONTROLLER = {"connector_name": "binance_perpetual", "trading_pair": "BTC-USDT", "leverage": 5}


@pytest.fixture(scope="module")
def client():
    home = Home.create(PROJECT / ".runs" / f"test-client-{os.getpid()}")
    yield Client(home, "a password")
    shutil.rmtree(home.root)


def test_status_of_a_client_without_a_bot(client):
    assert client.status()["running"] is False
    assert client.bot == {} and client.processes() == []


def test_create_writes_a_configuration_of_our_controller(client):
    client.create("vest_market_making", "one.yml", CONTROLLER)
    text = (client.home.root / "conf/controllers/one.yml").read_text()
    assert "trading_pair: BTC-USDT" in text and "position_mode: ONEWAY" in text


def test_create_writes_a_configuration_of_our_runner(client):
    client.create("v2_with_controllers", "both.yml", {"controllers_config": ["one.yml", "two.yml"]})
    assert "- two.yml" in (client.home.root / "conf/scripts/both.yml").read_text()


def test_an_unknown_strategy_is_not_found(client):
    with pytest.raises(ClientNotFoundError, match="no_such_thing"):
        client.create("no_such_thing", "x.yml", {})


def test_a_bad_value_is_a_configuration_error(client):
    with pytest.raises(ClientConfigError, match="invalid field value"):
        client.create("vest_market_making", "bad.yml", {**CONTROLLER, "leverage": "much"})


def test_an_unknown_connector_is_a_configuration_error(client):
    with pytest.raises(ClientConfigError, match="no_such_exchange"):
        client.connect("no_such_exchange", {"key": "value"})


def test_stop_without_a_bot_says_so(client):
    with pytest.raises(ClientNotFoundError, match="no bot has been started"):
        client.stop()


def test_no_command_shows_the_password(client):
    with pytest.raises(ClientNotFoundError) as failure:
        client.start("no_such_configuration.yml")
    assert "a password" not in str(failure.value)
