"""How the programs of this folder use atheris."""
import json
import sys
from contextlib import contextmanager
from pathlib import Path
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
    """Runs until the time given on the command line is over, or an input raises what it must not; that one is kept in
    a file `.fuzz-crash-…`, which the same program takes as an argument to try it again.

    :param try_input: takes one input
    """
    from fuzz.surface import FRAMES, seeds

    # What atheris finds worth keeping; the next run begins there.
    corpus = Path(f".fuzz-corpus-{Path(sys.argv[0]).stem}")
    corpus.mkdir(exist_ok=True)
    for name, example in seeds().items():
        (corpus / name).write_bytes(example)
    words = Path(".fuzz-words")
    words.write_text("".join(f'"{word}"\n' for word in _words(list(FRAMES.values()))))
    settings = ["-artifact_prefix=.fuzz-", f"-dict={words}", "-max_len=4096"]
    is_second_look = any(not argument.startswith("-") for argument in sys.argv[1:])
    atheris.Setup([sys.argv[0], *settings, *sys.argv[1:], *([] if is_second_look else [str(corpus)])], try_input)
    atheris.Fuzz()


def _words(value: object) -> "set[str]":
    """The keys and texts of the examples, as libFuzzer's dictionary wants them, and numbers that hurt."""
    if isinstance(value, dict):
        return {word for item in (*value, *value.values()) for word in _words(item)}
    if isinstance(value, list):
        return {word for item in value for word in _words(item)} | {"NaN", "1e999999", "-Infinity", "null"}
    return {json.dumps(value).replace("\\", "\\\\").replace('"', '\\"')} if isinstance(value, str) else set()
