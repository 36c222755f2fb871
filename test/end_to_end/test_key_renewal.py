"""Keys that end while a bot trades, and are renewed (C29, design decision 12)."""
import os
import shutil
import subprocess
import sys
from test.end_to_end.bench import running
from test.end_to_end.secrets import leaks
from test.end_to_end.test_faults_venue import INTERRUPTED

import aiohttp
import pytest
from eth_account import Account

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import registration_signature
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import (
    api_key_and_group_from,
    register_request,
)
from workbench.client import Client
from workbench.home import PROJECT, Home
from workbench.simulator import Simulator
from workbench.strategies import create_v2

CONNECTOR = CONSTANTS.SIMULATOR_DOMAIN
NEW_SIGNING_KEY = "0x" + "2b" * 32
EXPECTED = ["1002", INTERRUPTED, "vest-perpetual register --save"]


async def register(bench, wallet_key):
    """New keys of a wallet's account, as three values."""
    expiry_ms = bench.simulator.clock.now_ms() + 3_600_000
    signer, wallet = Account.from_key(NEW_SIGNING_KEY).address, Account.from_key(wallet_key).address
    signature = registration_signature(wallet_key, CONNECTOR, signer.lower(), expiry_ms)
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{bench.simulator.url}/v2{CONSTANTS.REGISTER_PATH}",
                                json=register_request(signer, wallet, signature, expiry_ms)) as response:
            api_key, group = api_key_and_group_from(await response.json())
    return api_key, NEW_SIGNING_KEY, group


@pytest.mark.asyncio
async def test_c29_a_bot_with_renewed_keys_goes_on_where_it_was():
    async with running(with_database=True) as bench:
        bench.expected_complaints = [*EXPECTED, "NETWORK"]
        await bench.admin.pause_prices()
        filled_meanwhile, cancelled_meanwhile, untouched = [
            bench.bot.buy("BTC-USDC", "0.01", price=bench.bot.price("BTC-USDC", factor)) for factor in (0.99, 0.9, 0.8)
        ]
        for order_id in (filled_meanwhile, cancelled_meanwhile, untouched):
            await bench.bot.open(order_id)
        exchange_id = bench.bot.exchange_id(cancelled_meanwhile)
        await bench.admin.revoke_api_key(bench.bot.account_group)
        await bench.until(lambda: bench.connector.network_status.name == "NOT_CONNECTED")
        assert set(bench.connector.in_flight_orders) == {filled_meanwhile, cancelled_meanwhile, untouched}

        await bench.admin.set_price("BTC-PERP", bench.bot.price("BTC-USDC", "0.98"))
        await bench.admin.cancel_order(bench.bot.account_group, exchange_id)
        await bench.connector.renew_keys(*await register(bench, bench.bot.credentials.primary_private_key))

        await bench.bot.filled(filled_meanwhile)
        await bench.until(lambda: bench.bot.is_done(cancelled_meanwhile))
        assert bench.bot.names(filled_meanwhile) == ["Created", "Filled", "Completed"]
        assert bench.bot.names(cancelled_meanwhile) == ["Created", "Cancelled"]
        assert bench.bot.names(untouched) == ["Created"]
        await bench.bot.position_is("BTC-USDC", "0.01")
        await bench.bot.cancel(untouched)
        await bench.bot.filled(bench.bot.sell("BTC-USDC", "0.01"))
        assert len(bench.said("INFO.*New Vest keys of the same account are in use")) == 1
        assert leaks(bench.log.lines, [NEW_SIGNING_KEY]) == []


@pytest.mark.asyncio
async def test_c29_keys_renewed_in_time_interrupt_nothing():
    async with running() as bench:
        bench.expected_complaints = [INTERRUPTED]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        await bench.connector.renew_keys(*await register(bench, bench.bot.credentials.primary_private_key))
        await bench.until(lambda: bench.said("INFO.*The user stream of Vest is connected again"))
        await bench.bot.cancel(order_id)
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        assert not bench.said("NOT_CONNECTED")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_c29_the_real_client_goes_on_with_keys_that_another_process_stored():
    """Register, trade, lose the key, register again on the command line: the bot that runs trades on."""
    folder = PROJECT / ".runs" / f"test-renewal-{os.getpid()}"
    folder.mkdir(parents=True)
    client = None
    try:
        with Simulator(folder, {"seed": 3, "symbols": "BTC-PERP"}) as simulator:
            client = Client(Home.create(folder / "home"), "a password", {"VEST_SIMULATOR_URL": simulator.url})
            account = simulator.ask("create_account", "100000")
            register_on_the_command_line(client, simulator, account["primary_private_key"])
            group = account["account_group"]

            def orders():
                return simulator.ask("ledger", group)["orders"]

            client.start(create_v2(client, CONNECTOR, ["BTC-USDC"], {}))
            client.wait_for(lambda: len(orders()) >= 2, 60, "no orders")
            simulator.ask("revoke_api_key", group)
            client.wait_for(lambda: said(client, "Vest error 1002"), 60, "the client did not notice")
            client.wait_for(lambda: said(client, "NetworkStatus.NOT_CONNECTED"), 60, "the client is still connected")
            count = len(orders())
            register_on_the_command_line(client, simulator, account["primary_private_key"])
            client.wait_for(lambda: said(client, "New Vest keys of the same account are in use"), 60, "no new keys")
            client.wait_for(lambda: len(orders()) > count, 90, "no orders after the renewal")
            client.stop()
            ledger = simulator.ask("ledger", group)
            assert [order for order in ledger["orders"] if order["status"] in ("NEW", "PARTIALLY_FILLED")] == []
            assert client.wait_for_end() == []
            secrets = [account["primary_private_key"]]
            assert leaks([path.read_text() for path in client.logs], secrets) == []
    finally:
        if client is not None:
            client.kill()
        shutil.rmtree(folder)


def register_on_the_command_line(client, simulator, wallet_key):
    """What a user types to register; the wallet's key comes from the environment."""
    environment = {**client.home.environment(), "VEST_SIMULATOR_URL": simulator.url, "HBOT_PASSWORD": "a password",
                   "WALLET": wallet_key}
    module = "hummingbot.connector.derivative.vest_perpetual.vest_perpetual_cli"
    options = ["--save", "--yes", "--domain", CONNECTOR, "--wallet-key-env", "WALLET"]
    subprocess.run([sys.executable, "-m", module, "register", *options], cwd=client.home.root, env=environment,
                   check=True, capture_output=True, text=True, timeout=120)


def said(client, words):
    """Whether the client's log has these words."""
    return any(words in path.read_text() for path in client.logs)
