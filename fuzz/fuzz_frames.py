"""Lets atheris look for WebSocket frames that the connector cannot stand; what it found is on stderr and in `.fuzz-…`.

    python -m fuzz.fuzz_frames -max_total_time=60
"""
from fuzz.run import fuzz, instrumented

with instrumented():
    from fuzz.surface import read_frame


def _try(data: bytes) -> None:
    read_frame(data)
    read_frame(data.decode("utf-8", "surrogateescape"))


if __name__ == "__main__":
    fuzz(_try)
