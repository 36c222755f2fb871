"""What a fleet is made of: the command `controllers` of the script, and the keeper at a real broker."""
import json
import re
from test.programs import requires
from types import SimpleNamespace

import pytest
import pytest_asyncio
import yaml
from paho.mqtt import client as paho

from hummingbot.client import settings
from hummingbot.remote_iface.mqtt import MQTTGateway
from hummingbot.strategy import strategy_v2_base
from hummingbot.strategy_v2.models.base import RunnableStatus
from scripts.v2_over_mqtt import V2OverMqtt, V2OverMqttConfig
from workbench.fleet import client_settings, main
from workbench.mqtt import Broker, Keeper, MqttError

CONTROLLER = {
    "controller_name": "vest_market_making", "controller_type": "market_making", "trading_pair": "BTC-USDC",
    "total_amount_quote": "100", "buy_spreads": "0.001", "sell_spreads": "0.001", "buy_amounts_pct": "1",
    "sell_amounts_pct": "1", "manual_kill_switch": True,
}


class Gateway:
    """Stands for Hummingbot's bridge: keeps what is published, hands on what a test sends."""

    namespace = "hbot"
    _QOS_PUBSUB = 0

    def __init__(self):
        self._hb_app = SimpleNamespace(instance_id="bot1")
        self._market_events = None
        self.event_starts = 0
        self.callbacks = {}
        self.published = []

    def subscribe(self, topic, callback):
        self.callbacks[topic] = callback

    def unsubscribe(self, topic, callback):
        del self.callbacks[topic]

    def publish(self, topic, payload, qos=0):
        self.published.append((topic, payload))

    def start_market_events_fw(self):
        self.event_starts += 1
        self._market_events = object()

    def ask(self, **data):
        """The answer to the command."""
        self.callbacks["hbot/bot1/controllers"]("hbot/bot1/controllers", {"header": {"reply_to": "me"}, "data": data})
        topic, answer = self.published.pop()
        assert topic == "me"
        return answer["data"]


@pytest.fixture
def gateway(monkeypatch):
    gateway = Gateway()
    monkeypatch.setattr(MQTTGateway, "_instance", gateway)
    return gateway


@pytest_asyncio.fixture
async def strategy(monkeypatch, tmp_path):
    """The script with two controllers that wait; their files are in the folder of the test."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump({"id": name, **CONTROLLER}))
    executors = SimpleNamespace(execute_actions=lambda actions: None)
    monkeypatch.setattr(settings, "CONTROLLERS_CONF_DIR_PATH", tmp_path)
    monkeypatch.setattr(strategy_v2_base, "ExecutorOrchestrator", lambda **arguments: executors)
    monkeypatch.setattr(strategy_v2_base.MarketsRecorder, "get_instance", lambda: SimpleNamespace(
        store_controller_config=lambda config: None))
    monkeypatch.setattr(strategy_v2_base.MarketDataProvider, "initialize_rate_sources", lambda *arguments: None)
    monkeypatch.setattr(V2OverMqtt, "current_timestamp", 1000.0)
    strategy = V2OverMqtt({}, V2OverMqttConfig(controllers_config=["one.yml", "two.yml"]))
    for controller in strategy.controllers.values():
        controller.stop()
    yield strategy
    for controller in strategy.controllers.values():
        controller.stop()
    strategy.listen_to_executor_actions_task.cancel()


def tick(strategy, timestamp=1000.0):
    strategy.ready_to_trade = False
    strategy.connectors = {"a connector that is not ready": SimpleNamespace(ready=False, name="venue")}
    strategy.tick(timestamp)


def settings_in(folder, name):
    return yaml.safe_load((folder / f"{name}.yml").read_text())


@pytest.mark.asyncio
async def test_without_settings_the_command_tells_how_the_controllers_are(gateway, strategy):
    tick(strategy)
    answer = gateway.ask()
    assert (answer["status"], answer["msg"], set(answer["controllers"])) == (200, "", {"one", "two"})
    one = answer["controllers"]["one"]
    assert one["status"] == "TERMINATED"
    assert one["settings"]["manual_kill_switch"] is True and one["settings"]["total_amount_quote"] == "100"
    assert "connector_name" not in one["settings"]


@pytest.mark.asyncio
async def test_what_is_set_is_obeyed_at_once_and_outlives_a_restart(gateway, strategy, tmp_path):
    tick(strategy)
    answer = gateway.ask(controllers=["two"], settings={"total_amount_quote": "250", "manual_kill_switch": False})
    assert answer["controllers"]["two"]["status"] == "RUNNING"
    assert strategy.controllers["two"].config.total_amount_quote == 250
    assert settings_in(tmp_path, "two") == {"id": "two", **CONTROLLER, "total_amount_quote": "250",
                                            "manual_kill_switch": False}
    assert settings_in(tmp_path, "one") == {"id": "one", **CONTROLLER}
    assert strategy.controllers["one"].status == RunnableStatus.TERMINATED
    answer = gateway.ask(settings={"manual_kill_switch": True})
    assert {state["status"] for state in answer["controllers"].values()} == {"TERMINATED"}


@pytest.mark.asyncio
@pytest.mark.parametrize("data, words", [
    ({"controllers": ["three"]}, "There is no controller three; there are one, two."),
    ({"settings": {"total_amount_quote": "much"}}, "total_amount_quote: Input should be a valid decimal"),
    ({"settings": {"trading_pair": "ETH-USDC"}}, "trading_pair of one cannot be changed while it runs"),
    ({"controllers": "one"}, "controllers: Input should be a valid list"),
    ({"setings": {}}, "setings: Extra inputs are not permitted"),
], ids=["no such controller", "no such value", "not while it runs", "no list", "misspelt"])
async def test_what_cannot_be_set_is_refused_with_a_reason_and_nothing_changes(
        gateway, strategy, tmp_path, data, words):
    tick(strategy)
    answer = gateway.ask(**data)
    assert answer["status"] == 400 and words in answer["msg"] and "\n" not in answer["msg"]
    assert answer["controllers"] == {}
    assert settings_in(tmp_path, "one") == {"id": "one", **CONTROLLER}


@pytest.mark.asyncio
@pytest.mark.parametrize("text, words", [
    ("id: another\n", "No file in .* has the id two any more"), ("", "has the id two"), ("id: [", "expected"),
    (None, "No such file"),
], ids=["another id", "empty", "no YAML", "removed"])
async def test_a_controller_whose_file_is_not_what_it_was_is_not_changed(gateway, strategy, tmp_path, text, words):
    tick(strategy)
    file = tmp_path / "two.yml"
    file.unlink() if text is None else file.write_text(text)
    answer = gateway.ask(settings={"total_amount_quote": "250"})
    assert answer["status"] == 400 and re.search(words, answer["msg"])
    assert settings_in(tmp_path, "one") == {"id": "one", **CONTROLLER}
    assert gateway.ask()["status"] == 200


@pytest.mark.asyncio
@pytest.mark.parametrize("request_", [None, [], "stop", {"header": 1}, {"data": []}, {}])
async def test_a_message_that_is_no_command_does_no_harm(gateway, strategy, request_):
    tick(strategy)
    gateway.published.clear()
    gateway.callbacks["hbot/bot1/controllers"]("hbot/bot1/controllers", request_)
    assert gateway.published == []


@pytest.mark.asyncio
async def test_performance_is_published_every_so_often(gateway, strategy):
    for timestamp in (1000.0, 1001.0, 1004.0, 1005.0):
        tick(strategy, timestamp)
    reports = [payload for topic, payload in gateway.published if topic == "hbot/bot1/performance"]
    assert len(reports) == 2
    assert reports[0]["one"] == {"status": "TERMINATED", "performance": {}, "custom_info": {}}


@pytest.mark.asyncio
async def test_order_events_are_forwarded_once_whoever_starts_that(gateway, strategy):
    for _ in range(3):
        tick(strategy)
    assert gateway.event_starts == 1


@pytest.mark.asyncio
async def test_order_events_that_hummingbot_forwards_already_are_not_forwarded_twice(gateway, strategy):
    gateway._market_events = object()
    tick(strategy)
    assert gateway.event_starts == 0


@pytest.mark.asyncio
async def test_a_bridge_that_comes_later_or_anew_is_joined(monkeypatch, strategy):
    monkeypatch.setattr(MQTTGateway, "_instance", None)
    tick(strategy)
    for _ in range(2):
        gateway = Gateway()
        monkeypatch.setattr(MQTTGateway, "_instance", gateway)
        tick(strategy)
        assert gateway.ask()["status"] == 200


@pytest.mark.asyncio
async def test_a_strategy_that_has_stopped_takes_no_commands(gateway, strategy):
    tick(strategy)

    async def no_executors(attempts):
        pass

    strategy.executor_orchestrator.stop = no_executors
    strategy.executor_orchestrator.store_all_executors = lambda: None
    strategy.connectors = {}
    await strategy.on_stop()
    assert gateway.callbacks == {}


# --- The keeper and the broker


@pytest.fixture
def broker(tmp_path):
    with Broker(tmp_path) as broker:
        yield broker


class Robot:
    """Stands for a Hummingbot at a broker: answers every command with what a test has told it to."""

    def __init__(self, broker):
        self.answer = {"status": 200, "msg": ""}
        self.heard = []
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(broker.user, broker.password)
        self._client.on_connect = lambda client, *details: client.subscribe("hbot/bot1/+", 1)
        self._client.on_subscribe = lambda client, *details: client.publish("hbot/bot1/hb", '{"ts": 1}')
        self._client.on_message = self._on_message
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()

    def _on_message(self, client, state, message):
        request = json.loads(message.payload) if message.payload.startswith(b"{") else {}
        if "header" in request:
            self.heard.append((message.topic, request["data"]))
            client.publish(request["header"]["reply_to"], json.dumps({"data": self.answer}), 1)

    def publish(self, topic, payload):
        self._client.publish(topic, payload, 1).wait_for_publish(10)

    def stop(self):
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def keeper(broker):
    with Keeper(broker) as keeper:
        yield keeper


@pytest.fixture
def robot(broker, keeper):
    robot = Robot(broker)
    keeper.wait_for(lambda: keeper.heard("bot1", "hb"), "the robot is not heard")
    yield robot
    robot.stop()


@requires("mosquitto")
def test_a_command_is_answered(keeper, robot):
    robot.answer = {"status": 200, "msg": "", "trades": [1]}
    assert keeper.ask("bot1", "history", days=2)["trades"] == [1]
    assert robot.heard == [("hbot/bot1/history", {"days": 2})]


@requires("mosquitto")
def test_an_answer_that_is_no_success_is_an_error_in_the_bots_words(keeper, robot):
    robot.answer = {"status": 400, "msg": "no such thing"}
    with pytest.raises(MqttError, match="bot1 answered 'stop' with 400: no such thing"):
        keeper.ask("bot1", "stop")


@requires("mosquitto")
def test_a_bot_that_does_not_answer_is_an_error(keeper, monkeypatch):
    monkeypatch.setattr("workbench.mqtt.ANSWER_TIMEOUT_S", 0.2)
    with pytest.raises(MqttError, match="bot9 did not answer 'stop' within 0 s"):
        keeper.ask("bot9", "stop")


@requires("mosquitto")
def test_what_bots_publish_is_kept_by_bot_and_topic(keeper, robot):
    robot.publish("hbot/bot1/log", "no JSON")
    robot.publish("hbot/bot1/events", '{"type": "OrderFilled", "data": {"order_id": "1"}}')
    robot.publish("hbot/bot1/events", '{"type": "OrderCancelled", "data": {"order_id": "2"}}')
    keeper.wait_for(lambda: len(keeper.heard("bot1", "events")) == 2, "the events are not heard")
    assert keeper.events("bot1", "OrderFilled") == [{"order_id": "1"}]
    assert keeper.heard("bot1", "log") == keeper.heard("bot2", "events") == []


@requires("mosquitto")
def test_the_broker_lets_nobody_in_who_does_not_know_the_password(broker, monkeypatch):
    monkeypatch.setattr("workbench.mqtt.START_TIMEOUT_S", 0.5)
    broker.password = "wrong"
    with pytest.raises(MqttError, match="did not let the keeper in"):
        with Keeper(broker):
            pass


@requires("mosquitto")
def test_a_broker_that_cannot_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.mqtt.shutil.which", lambda *arguments, **named: "/bin/ls")
    with pytest.raises(MqttError, match="(?s)mosquitto did not start:.*mosquitto.conf"):
        Broker(tmp_path).start()


def test_without_mosquitto_the_words_say_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.mqtt.shutil.which", lambda *arguments, **named: None)
    with pytest.raises(MqttError, match="apt install mosquitto"):
        Broker(tmp_path).start()


@pytest.mark.parametrize("arguments", [["--bots", "0"], ["--bots", "31"], ["--duration", "0"]])
def test_a_fleet_of_no_sense_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2 and "1 to 30 bots" in capsys.readouterr().err


def test_every_bot_has_a_name_a_share_and_the_bridge_of_its_own():
    broker = SimpleNamespace(host="127.0.0.1", port=1883, user="fleet", password="secret")
    settings_ = client_settings("bot2", broker, 20)
    assert (settings_["instance_id"], settings_["rate_limits_share_pct"]) == ("bot2", 20)
    assert settings_["mqtt_bridge"]["mqtt_autostart"] is True
