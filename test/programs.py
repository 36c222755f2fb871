"""Programs of the operating system that some tests drive for real: a terminal, a browser, a message broker."""
import os
import shutil

import pytest

_PURPOSES = {
    "chromium": "a browser",
    "mosquitto": "an MQTT broker",
    "tmux": "a terminal",
}


def requires(program: str) -> pytest.MarkDecorator:
    """A mark for tests that drive this program. Where it is absent they are skipped and say why; in CI, which installs
    it, they fail instead.

    :param program: its name on PATH, which is also that of Debian's package
    """
    absent = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(
        absent, reason=f"needs {_PURPOSES[program]}: install Debian's package {program}, or {program} of your system"
    )
