"""Programs of the operating system that some tests drive for real: a terminal, a browser, a message broker."""
import os
import shutil

import pytest

_PURPOSES = {
    "chromium": "a browser",
    "mosquitto": "an MQTT broker",
    "mosquitto_pub": "an MQTT client",
    "tmux": "a terminal",
}
_PACKAGES = {"mosquitto_pub": "mosquitto-clients"}


def requires(program: str) -> pytest.MarkDecorator:
    """A mark for tests that drive this program. Where it is absent they are skipped and say why; in CI, which installs
    it, they fail instead.

    :param program: its name on PATH
    """
    package = _PACKAGES.get(program, program)
    absent = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(
        absent, reason=f"needs {_PURPOSES[program]}: install Debian's package {package}, or {program} of your system"
    )
