"""How the programs of this folder use atheris."""
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Callable, Iterator

import atheris


@contextmanager
def instrumented() -> Iterator[None]:
    """What is imported inside, of the connector and of the JSON reader, tells atheris which branches an input took."""
    with atheris.instrument_imports(include=[
        "hummingbot.connector.derivative.vest_perpetual", "fuzz.surface", "json",
    ]):
        yield


def fuzz(try_input: Callable[[bytes], None]) -> None:
    """Runs until the time given on the command line is over, or an input raises what it must not.

    :param try_input: takes one input
    """
    from fuzz.surface import FRAMES, seeds

    with TemporaryDirectory() as folder:
        for number, (_, example) in enumerate(sorted(seeds().items())):
            Path(folder, f"seed{number}").write_bytes(example)
        words = Path(folder, "words")
        words.write_text("".join(f'"{word}"\n' for word in _words(list(FRAMES.values()))))
        atheris.Setup([*sys.argv, f"-dict={words}", "-max_len=4096", folder], try_input)
        atheris.Fuzz()


def _words(value: object) -> "set[str]":
    """The keys and texts of the examples, as libFuzzer's dictionary wants them, and numbers that hurt."""
    if isinstance(value, dict):
        return {word for item in (*value, *value.values()) for word in _words(item)}
    if isinstance(value, list):
        return {word for item in value for word in _words(item)} | {"NaN", "1e999999", "-Infinity", "null"}
    return {json.dumps(value).replace("\\", "\\\\").replace('"', '\\"')} if isinstance(value, str) else set()
