"""Lets atheris look for REST answers that the connector cannot stand; what it found is on stderr and in `.fuzz-…`.

    python -m fuzz.fuzz_answers -max_total_time=60
"""
from fuzz.run import fuzz, instrumented

with instrumented():
    from fuzz.surface import ANSWERS, read_answer

_STATUSES = (200, 302, 400, 404, 429, 503)


def _try(data: bytes) -> None:
    body = data.decode("utf-8", "replace")
    for name in ANSWERS:
        read_answer(name, body, _STATUSES[len(data) % len(_STATUSES)])


if __name__ == "__main__":
    fuzz(_try)
