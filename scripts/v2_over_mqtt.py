"""The runner of v2 controllers for bots that are driven over MQTT: a fleet, or one bot on a machine without a screen.

Of the commands of Hummingbot's MQTT bridge, `start`, `status`, `config` and `import` fail in a client without a screen
(docs/operating.md has the reasons). This script adds one that does their work for controllers, `controllers`, beside
the bridge's own: in the same form and below the same topic, `<namespace>/<instance_id>/controllers`.
"""
import os
from pathlib import Path
from typing import Any, Dict, List, Optional

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hummingbot.client import settings
from hummingbot.remote_iface.messages import MQTT_STATUS_CODE
from hummingbot.remote_iface.mqtt import ETopicListener, ETopicPublisher, ExternalTopicFactory, MQTTGateway

# Hummingbot takes the first strategy and the first configuration it finds in this module, so no other may be in it.
from scripts import v2_with_controllers as runner

COMMAND = "controllers"
PERFORMANCE = "performance"


class V2OverMqttConfig(runner.V2WithControllersConfig):
    """As of `v2_with_controllers`; `report_interval` is the pause between two reports of the performance, in s."""

    script_file_name: str = os.path.basename(__file__)
    report_interval: float = Field(default=5.0, gt=0)


class ControllersCommand(BaseModel):
    """The data of the command: which controllers (all, when left out), and what to change in their configurations."""

    controllers: List[str] = []
    settings: Dict[str, Any] = {}
    model_config = ConfigDict(extra="forbid")


class V2OverMqtt(runner.V2WithControllers):
    """Takes the command `controllers`, and publishes every controller's performance.

    The command's data may have `controllers`, the ids it is for (all, when left out), and `settings`, what to change in
    their configurations: any setting that Hummingbot lets change while a controller runs. It is checked as a whole,
    written to `conf/controllers/` and obeyed at once, so that it outlives a restart. `manual_kill_switch` stops (true)
    and starts (false) a controller; one that is stopped cancels its orders and closes what it has bought or sold.
    The answer has `status` (200 or 400), `msg` and, by id, each controller's status and settings.
    """

    def __init__(self, connectors, config: V2OverMqttConfig):
        super().__init__(connectors, config)
        self._gateway: Optional[MQTTGateway] = None
        self._listener: Optional[ETopicListener] = None
        self._reported_s = 0.0

    def tick(self, timestamp: float) -> None:
        self._attach()
        super().tick(timestamp)
        if self._gateway is not None and timestamp - self._reported_s >= self.config.report_interval:
            self._reported_s = timestamp
            self._pub({name: self._report(name) for name in self.controllers})

    async def on_stop(self) -> None:
        """Nothing is obeyed any more: a controller that is started now would have no market."""
        if self._listener is not None:
            ExternalTopicFactory.remove_listener(self._listener)
        await super().on_stop()

    def _attach(self) -> None:
        """Join the bridge; Hummingbot makes another one when the broker cannot be reached at first."""
        gateway = MQTTGateway.main()
        if gateway is None or gateway is self._gateway:
            return
        self._gateway = gateway
        self._listener = ExternalTopicFactory.create_async(COMMAND, self._on_command)
        self._pub, self.mqtt_enabled = ETopicPublisher(PERFORMANCE, use_bot_prefix=True), True
        if gateway._market_events is None:  # `start` of the command line leaves them out, the quick start does not
            gateway.start_market_events_fw()

    # --- The command

    def _on_command(self, request: Any, topic: str) -> None:
        request = request if isinstance(request, dict) else {}
        header = request.get("header") if isinstance(request.get("header"), dict) else {}
        try:
            command = ControllersCommand.model_validate(request.get("data") or {})
            names = command.controllers or list(self.controllers)
            self._change(names, command.settings)
            answer = {"status": MQTT_STATUS_CODE.SUCCESS, "msg": "", "controllers": self._states(names)}
        except (ValueError, OSError, yaml.YAMLError) as error:
            answer = {"status": MQTT_STATUS_CODE.ERROR, "msg": _words(error), "controllers": {}}
        if header.get("reply_to"):
            self._gateway.publish(header["reply_to"], {"header": {}, "data": answer}, qos=1)

    def _change(self, names: List[str], values: Dict[str, Any]) -> None:
        """Change all of these controllers or none.

        :raises ValueError: there is no such controller, file or setting, or the value is not allowed.
        """
        unknown = sorted(set(names) - set(self.controllers))
        if unknown:
            raise ValueError(f"There is no controller {', '.join(unknown)}; there are {', '.join(self.controllers)}.")
        if values:
            files = self._files()
            gone = sorted(set(names) - set(files))
            if gone:
                raise ValueError(f"No file in conf/controllers has the id {', '.join(gone)} any more.")
            changes = [(name, files[name], self._changed(name, files[name], values)) for name in names]
            for name, file, contents in changes:
                _write(file, contents)
                config = self.controllers[name].config
                self.controllers[name].update_config(type(config)(**contents))
            self._obey_kill_switches()

    def _changed(self, name: str, file: Path, values: Dict[str, Any]) -> Dict[str, Any]:
        """The contents of a controller's file with these values. :raises ValueError: when they are not allowed"""
        config = self.controllers[name].config
        fixed = sorted(set(values) - set(_changeable(config)))
        if fixed:
            raise ValueError(f"{', '.join(fixed)} of {name} cannot be changed while it runs; what can be changed is "
                             f"{', '.join(_changeable(config))}.")
        contents = {**yaml.safe_load(file.read_text()), **values}
        type(config)(**contents)
        return contents

    def _files(self) -> Dict[str, Path]:
        """The configuration file of each controller, by its id."""
        paths = [Path(settings.CONTROLLERS_CONF_DIR_PATH, name) for name in self.config.controllers_config]
        return {(yaml.safe_load(path.read_text()) or {}).get("id"): path for path in paths}

    def _states(self, names: List[str]) -> Dict[str, Any]:
        states = {}
        for name in names:
            controller = self.controllers[name]
            values = controller.config.model_dump(mode="json")
            states[name] = {"status": controller.status.name,
                            "settings": {key: values[key] for key in _changeable(controller.config)}}
        return states

    def _report(self, name: str) -> Dict[str, Any]:
        """A controller's status and performance, amounts in quote, in the form Hummingbot's dashboards read."""
        report = self.get_performance_report(name)
        performance = report.model_dump(exclude={"positions_summary"}) if report else {}
        if report:
            performance["close_type_counts"] = {kind.name: count for kind, count in report.close_type_counts.items()}
        controller = self.controllers[name]
        return {"status": controller.status.name, "performance": performance,
                "custom_info": controller.get_custom_info()}


def _changeable(config: BaseModel) -> List[str]:
    """The settings that Hummingbot lets change while the controller runs."""
    return [name for name, field in type(config).model_fields.items()
            if (field.json_schema_extra or {}).get("is_updatable")]


def _words(error: Exception) -> str:
    """What is wrong, in one line."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors())
    return str(error)


def _write(file: Path, contents: Dict[str, Any]) -> None:
    """Replace a configuration file: whoever reads it finds the old one or the new one."""
    partial = file.with_suffix(".partial")
    partial.write_text(yaml.safe_dump(contents, sort_keys=False))
    partial.replace(file)
