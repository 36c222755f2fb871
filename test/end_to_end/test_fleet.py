"""Bots driven over MQTT by a real broker: a fleet of five, and one bot step by step as docs/operating.md tells it."""
import ast
import os
import re
import shlex
import subprocess
import sys
from contextlib import contextmanager
from decimal import Decimal
from test.end_to_end.bench import running
from test.programs import requires

import pytest
import yaml

from workbench import fleet
from workbench.client import Client
from workbench.home import PROJECT, Home
from workbench.job import CONNECTOR, new_folder
from workbench.mqtt import (
    AUTHORITY,
    CERTIFICATE_COMMANDS,
    CONFIGURATION,
    PASSWORD_COMMAND,
    TLS_CONFIGURATION,
    Broker,
    Keeper,
    MqttError,
)
from workbench.simulator import Simulator

PAGE = (PROJECT / "docs" / "operating.md").read_text()


@pytest.mark.slow
@pytest.mark.timeout(600)
@requires("mosquitto")
def test_a_fleet_is_started_watched_changed_and_stopped_over_mqtt_and_all_books_agree(capsys):
    code = fleet.main(["--bots", "5", "--duration", "8"])
    output = capsys.readouterr().out
    assert code == 0, output
    pairs = re.findall(r"^bot(\d) (\S+) +orders filled +[1-9]\d* ", output, flags=re.MULTILINE)
    assert pairs == [("1", "BTC-USDC"), ("2", "ETH-USDC"), ("3", "SOL-USDC"), ("4", "BTC-USDC"), ("5", "ETH-USDC")]
    assert len(set(re.findall(r"^bot\d.* (position|PnL) .* ✓$", output, flags=re.MULTILINE))) == 2
    # Three bots with 20 % of the limits each share an account, whose limiter has 60 % of them.
    assert re.search(r"^The busiest account made \d+ of 720 requests a minute\.$", output, flags=re.MULTILINE)


@pytest.mark.asyncio
async def test_funding_of_a_shared_position_is_booked_by_every_bot_that_trades_its_pair():
    async with running(bots=2) as bench:
        one, other = bench.bots
        await bench.admin.set_funding_rate("BTC-PERP", "5")
        await one.filled(one.buy("BTC-USDC", "1"))
        await other.position_is("BTC-USDC", "1")
        # The venue tells its time in full seconds: what settles in the first one counts to an earlier session.
        await bench.until(lambda: bench.simulator.clock.now_ms() > other.since_ms + 2000)
        await bench.admin.set_funding_rate("BTC-PERP", 0)
        await one.filled(one.buy("BTC-USDC", "0.01"))
        await bench.until(lambda: one.payments and other.payments)
        assert [payment.amount for payment in one.payments] == [payment.amount for payment in other.payments]


# --- docs/operating.md, step by step


def block(kind, start):
    """The fenced block of the page that begins so."""
    return next(text for text in re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
                if text.startswith(start))


def typed(start):
    """The indented lines of the page that begin so."""
    return re.findall(rf"^ {{4}}({re.escape(start)}.*)$", PAGE, re.MULTILINE)


class Walk:
    """The page's bot at the page's broker, on a simulated venue; the port is a free one.

    :param folder: where its commands are typed.
    :param variables: of the client's environment.
    """

    def __init__(self, folder, simulator, broker, variables):
        self._folder = folder
        self._simulator = simulator
        self._broker = broker
        self.client = Client(
            Home.create(folder / "home"), "keystore", {"VEST_SIMULATOR_URL": simulator.url, **variables})
        (folder / "command.py").write_text(block("python", '"""command.py'))

    def start_bot(self):
        conf = self.client.home.root / "conf"
        settings = yaml.safe_load(block("yaml", "instance_id"))
        settings["mqtt_bridge"].update(mqtt_port=self._broker.port, mqtt_password=self._broker.password,
                                       mqtt_ssl=self._broker.authority is not None)
        file = conf / "conf_client.yml"
        file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **settings}))
        (conf / "controllers" / "bot1.yml").write_text(block("yaml", "id:"))
        (conf / "scripts" / "fleet.yml").write_text(block("yaml", "script_file_name"))
        account = self._simulator.accounts[0]
        self.client.connect(CONNECTOR, {f"{CONNECTOR}_{key}": str(value) for key, value in account.items()})
        for line in typed("hbot config") + typed("hbot start"):
            self.client.run(*line.split()[1:])

    def spawn(self, line):
        """Type a line of the page."""
        words = [word.replace("$PASSWORD", self._broker.password) for word in shlex.split(line)]
        if words[0] == "python":
            words[0] = sys.executable
        else:
            words += ["-p", str(self._broker.port)]
        return subprocess.Popen(
            words, cwd=self._folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "PASSWORD": self._broker.password, "PORT": str(self._broker.port)})

    def command(self, words):
        """Type the page's command that has these words; returns the answer."""
        process = self.spawn(next(line for line in typed("python command.py") if words in line))
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        return ast.literal_eval(output)

    @property
    def sizes(self):
        """Of the orders at the venue, as multiples of the page's: USDC of an order of a controller with 2000."""
        ledger = self._simulator.ask("ledger", self._simulator.accounts[0]["account_group"])
        return {round(Decimal(row["size"]) * Decimal(row["limitPrice"]) / 500, 1) for row in ledger["orders"]
                if row["orderType"] == "LIMIT"}


@contextmanager
def walking(is_tls=False, **variables):
    """A walk and a keeper; names of files in variables are below the walk's folder."""
    folder = new_folder(PROJECT / ".runs" / "operating")
    with Simulator(folder, {"seed": 1, "symbols": "BTC-PERP"}) as simulator, Broker(folder, is_tls) as broker, \
            Keeper(broker) as keeper:
        walk = Walk(folder, simulator, broker, {name: str(folder / file) for name, file in variables.items()})
        try:
            yield walk, keeper
        finally:
            walk.client.kill()
            walk.client.home.remove_package()


def test_the_broker_of_the_page_is_the_one_the_fleet_has():
    assert block("", "listener 1883") == CONFIGURATION.format(port=1883, host="127.0.0.1")
    assert typed("mosquitto_passwd") == [" ".join(PASSWORD_COMMAND)]
    assert typed("mosquitto -c") == ["mosquitto -c mosquitto.conf"]
    assert block("", "listener 8883") == TLS_CONFIGURATION.format(port=8883, host="0.0.0.0")
    assert tuple(typed("openssl")) == CERTIFICATE_COMMANDS


def assert_what_does_not_work(keeper):
    """The page's reasons are the bot's words, in the page's table."""
    for command, data in [
        ("start", {}), ("status", {}), ("import", {"strategy": "fleet"}), ("config", {}),
        ("config", {"params": [["rate_limits_share_pct", 50]]}),
    ]:
        with pytest.raises(MqttError) as refusal:
            keeper.ask("bot1", command, **data)
        reason = str(refusal.value).split("with 400: ")[1]
        row, = re.findall(rf"^\|.*`<bot>/{command}`.*\| no \|.*$", PAGE, re.MULTILINE)
        assert reason in row, reason
    keeper.ask("bot1", "balance/limit", exchange=CONNECTOR, asset="USDC", amount=5.5)


@pytest.mark.slow
@pytest.mark.timeout(300)
@requires("mosquitto")
@requires("mosquitto_pub")
def test_the_page_works_step_by_step_and_what_it_says_does_not_work_does_not():
    with walking() as (walk, keeper):
        walk_the_page(walk, keeper)


def walk_the_page(walk, keeper):
    walk.start_bot()
    settings = walk.client.home.root / "conf" / "conf_client.yml"
    keeper.wait_for(lambda: keeper.heard("bot1", "performance"), "bot1 is not heard")
    assert walk.command("bot1 controllers")["controllers"]["bot1"]["status"] == "TERMINATED"
    before = settings.read_text()
    assert_what_does_not_work(keeper)
    assert settings.read_text() == before and walk.sizes == set()

    subscriber = walk.spawn(typed("mosquitto_sub")[0])
    publisher = walk.spawn(typed("mosquitto_pub")[0])
    assert publisher.wait(60) == 0, publisher.stdout.read()
    keeper.wait_for(lambda: walk.sizes == {1}, "no orders of the first size")
    assert walk.command('switch": false')["controllers"]["bot1"]["status"] == "RUNNING"
    walk.command("3200")
    keeper.wait_for(lambda: Decimal("1.6") in walk.sizes, "no larger orders")
    keeper.wait_for(lambda: keeper.events("bot1", "OrderFilled"), "no fill is heard")
    assert walk.command("true")["controllers"]["bot1"]["status"] == "TERMINATED"
    assert walk.command("history")["trades"]
    assert walk.command("stop") == {"status": 200, "msg": ""}

    subscriber.terminate()
    topics = set(re.findall(r"^hbot/bot1/(\w+) ", subscriber.communicate()[0], re.MULTILINE))
    assert topics >= {"hb", "log", "events", "performance", "controllers"}
    assert keeper.heard("bot1", "status_updates")[0]["msg"] == "online" and not keeper.heard("bot1", "notify")
    assert walk.client.processes()
    walk.client.stop()
    assert walk.client.wait_for_end() == []


# --- TLS


@pytest.mark.slow
@pytest.mark.timeout(300)
@requires("mosquitto")
def test_over_tls_a_bot_that_knows_the_authority_is_heard_and_obeys():
    with walking(is_tls=True, SSL_CERT_FILE=AUTHORITY) as (walk, keeper):
        walk.start_bot()
        keeper.wait_for(lambda: keeper.heard("bot1", "performance"), "bot1 is not heard")
        assert keeper.ask("bot1", "controllers")["controllers"]["bot1"]["status"] == "TERMINATED"
        walk.client.stop()
