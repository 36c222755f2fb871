"""Which connector this is, and which Hummingbot: what a report about either begins with."""
from pathlib import Path

import hummingbot
from hummingbot.connector.derivative.vest_perpetual import __version__


def versions() -> str:
    """Both versions, in words."""
    try:
        framework = (Path(hummingbot.__file__).parent / "VERSION").read_text(encoding="utf-8").strip()
    except OSError:
        framework = "of unknown version"
    return f"vest_perpetual {__version__}, Hummingbot {framework}"
