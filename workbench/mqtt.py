"""Bots as MQTT shows them: what Hummingbot's bridge publishes is kept, commands are sent and answered.

Also a broker of one's own, the real mosquitto, for runs that prove it. `docs/operating.md` has both in words.
"""
import contextlib
import getpass
import itertools
import json
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Callable, DefaultDict, Dict, List, Optional

from paho.mqtt import client as paho

NAMESPACE = "hbot"
USER = "fleet"  # whom bots and keeper log in as
# As docs/operating.md has them.
CONFIGURATION = """\
listener {port} {host}
allow_anonymous false
password_file mosquitto.passwords
"""
TLS_CONFIGURATION = """\
listener {port} {host}
certfile broker.pem
keyfile broker.key
allow_anonymous false
password_file mosquitto.passwords
"""
AUTHORITY = "ca.pem"
CERTIFICATE_COMMANDS = (
    f"openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=fleet -addext keyUsage=critical,keyCertSign "
    f"-keyout ca.key -out {AUTHORITY}",
    f"openssl req -x509 -CA {AUTHORITY} -CAkey ca.key -newkey rsa:2048 -nodes -days 800 -subj /CN=broker "
    f"-addext basicConstraints=CA:FALSE -addext subjectAltName=DNS:localhost,IP:127.0.0.1 "
    f"-keyout broker.key -out broker.pem",
)
PASSWORD_COMMAND = ("mosquitto_passwd", "-c", "mosquitto.passwords", USER)
START_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 60.0
_PAUSE_S = 0.2
_ATTEMPTS = 3
SUCCESS = 200
QOS = 1  # at least once: what the bridge uses for commands and answers


class MqttError(Exception):
    """The broker or a bot did not do what it was asked; the text says what."""


class Broker:
    """A mosquitto on a free port of this machine that lets in who knows the password; `with` starts and stops it.

    :param folder: for its configuration, its passwords (hashed), its certificates and its log.
    :param is_tls: whether it speaks TLS, with the certificate of an authority of its own, `authority`.
    """

    host = "127.0.0.1"
    user = USER

    def __init__(self, folder: Path, is_tls: bool = False) -> None:
        self.password = secrets.token_urlsafe(16)
        self.port = 0
        self.authority = folder / AUTHORITY if is_tls else None
        self._folder = folder
        self._process: "Optional[subprocess.Popen[bytes]]" = None

    def __enter__(self) -> "Broker":
        self.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers. :raises MqttError: mosquitto is not installed or does not start"""
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise MqttError("mosquitto is not installed: apt install mosquitto (brew install mosquitto on macOS).")
        subprocess.run(PASSWORD_COMMAND, cwd=self._folder, input=f"{self.password}\n" * 2, text=True, check=True,
                       capture_output=True)
        for command in CERTIFICATE_COMMANDS if self.authority else ():
            subprocess.run(command.split(), cwd=self._folder, check=True, capture_output=True)
        for attempts_left in reversed(range(_ATTEMPTS)):
            try:
                return self._start(program)
            except MqttError:  # perhaps somebody else has taken the port since it was free
                if not attempts_left:
                    raise

    def _start(self, program: str) -> None:
        self.port = _free_port(self.host)
        # Started by root it would become another user, who may not read its files here.
        configuration = TLS_CONFIGURATION if self.authority else CONFIGURATION
        (self._folder / "mosquitto.conf").write_text(
            configuration.format(port=self.port, host=self.host) + f"user {getpass.getuser()}\n")
        with (self._folder / "mosquitto.log").open("wb") as log:
            self._process = subprocess.Popen(
                [program, "-c", "mosquitto.conf"], cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers(self.host, self.port) or self._process.poll() is not None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise MqttError("mosquitto did not start:\n" + (self._folder / "mosquitto.log").read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        """End it; does nothing when it has ended."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(START_TIMEOUT_S)


class Keeper:
    """Whoever watches and commands the bots of one broker; `with` connects and disconnects it.

    :param broker: running.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._messages: DefaultDict[str, List[Any]] = defaultdict(list)
        self._connected = threading.Event()
        self._numbers = itertools.count(1)
        self._name = f"keeper-{secrets.token_hex(4)}"
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=self._name)
        self._client.username_pw_set(broker.user, broker.password)
        if broker.authority:
            self._client.tls_set(ca_certs=str(broker.authority))
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *details: self._connected.set()
        self._client.on_message = self._on_message

    def __enter__(self) -> "Keeper":
        self._client.connect(self._broker.host, self._broker.port)
        self._client.loop_start()
        if not self._connected.wait(START_TIMEOUT_S):
            raise MqttError("The broker did not let the keeper in.")
        return self

    def __exit__(self, *exception: Any) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: paho.Client, *details: Any) -> None:
        client.subscribe(f"{NAMESPACE}/#", QOS)

    def _on_message(self, client: paho.Client, state: Any, message: paho.MQTTMessage) -> None:
        with contextlib.suppress(ValueError):  # whoever publishes no JSON is no Hummingbot
            self._messages[message.topic].append(json.loads(message.payload))

    def heard(self, bot: str, topic: str) -> List[Any]:
        """What a bot has published on a topic so far, for example on "hb" or "events".

        :param bot: its instance_id.
        """
        return list(self._messages[f"{NAMESPACE}/{bot}/{topic}"])

    def events(self, bot: str, kind: str) -> List[Dict[str, Any]]:
        """The data of a bot's events of one kind, for example "OrderFilled"."""
        return [event["data"] for event in self.heard(bot, "events") if event["type"] == kind]

    def ask(self, bot: str, command: str, **data: Any) -> Dict[str, Any]:
        """Give a bot a command and return the data of its answer.

        :param bot: its instance_id.
        :param command: of the bridge ("history", "stop" …), or "controllers".
        :raises MqttError: no answer came, or one that is no success.
        """
        reply_to = f"{NAMESPACE}/{self._name}/{next(self._numbers)}"
        self._client.publish(f"{NAMESPACE}/{bot}/{command}",
                             json.dumps({"header": {"reply_to": reply_to}, "data": data}), qos=QOS)
        self.wait_for(lambda: bool(self._messages[reply_to]), f"{bot} did not answer {command!r}", ANSWER_TIMEOUT_S)
        answer = self._messages.pop(reply_to)[0]["data"]
        if answer["status"] != SUCCESS:
            raise MqttError(f"{bot} answered {command!r} with {answer['status']}: {answer['msg']}")
        return answer

    @staticmethod
    def wait_for(condition: Callable[[], bool], words: str, timeout_s: float = 60.0) -> None:
        """Wait until a condition holds. :raises MqttError: with these words, when it does not in time"""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise MqttError(f"{words} within {timeout_s:.0f} s.")
            time.sleep(_PAUSE_S)


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def _answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((host, port)) == 0
