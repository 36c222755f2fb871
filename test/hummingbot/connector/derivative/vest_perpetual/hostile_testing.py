"""Mutations of what the venue says, for the tests of hostile venues."""
import json
import os
from copy import deepcopy
from typing import Any, List

from hypothesis import given, settings, strategies as st

# FUZZ_EXAMPLES=20000 looks longer, and in other places each time.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", 60))
fuzzing = settings(max_examples=EXAMPLES, derandomize="FUZZ_EXAMPLES" not in os.environ, deadline=None)

# JSON in the place of a value, most of which no Python object would be written as.
FRAGMENTS = [
    "null", "true", "false", "0", "1", "-1", "-0.0", "0.5", "[]", "{}", "[[]]", "[{}]", '""', "NaN", "Infinity",
    "-Infinity", "1e999999", "-1e999999", "1e-999999", "1E99999999999999999999", "1e40", "1e41", "1e-41", "9" * 5000,
    "0." + "9" * 5000, '"NaN"', '"sNaN"', '"Infinity"', '"1e999999"', '"1_000"', '" 1"', '"1 "', '"0x10"', '"٣"',
    f'"{"9" * 5000}"', f'"{"x" * 5000}"', '"\\ud800"', '"\\u0000"', '"\\n2026-11-22 ERROR"', '"\\u202e"',
    "9007199254740993",
    '{"a":' * 900 + "1" + "}" * 900, "[" * 900 + "]" * 900, "[" * 100_000, "[" * 100_000 + "]" * 100_000,
    '{"id": 1, "id": 2}', '{"": ""}', "99999999999999", "1683849600000.5", "-1683849600000", "2e12",
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=4), children, max_size=4),
    max_leaves=8,
)
fragments = st.sampled_from(FRAGMENTS) | json_values.map(json.dumps)


def places(value, path=()):
    """The paths to everything inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path + (key,) for key, _ in items] + [
        place for key, item in items for place in places(item, path + (key,))
    ]


@st.composite
def mutations(draw, examples):
    """The text of an example of which up to three places were dropped or hold something else, or that was cut off."""
    value = deepcopy(draw(st.sampled_from(examples)))
    marks = {}
    for number in range(draw(st.integers(1, 3))):
        paths = places(value)
        if not paths:
            break
        *path, key = draw(st.sampled_from(paths))
        parent = value
        for step in path:
            parent = parent[step]
        if draw(st.integers(0, 4)) == 0:
            del parent[key]
        else:
            marks[f'"mark {number}"'] = draw(fragments)
            parent[key] = f"mark {number}"
    text = json.dumps(value)
    for mark, fragment in marks.items():
        text = text.replace(mark, fragment)
    return text[:draw(st.integers(0, len(text)))] if draw(st.integers(0, 9)) == 0 else text


def mutated_texts(examples: List[Any], count: int) -> List[str]:
    """The texts of so many mutations, for tests that cannot let hypothesis call them.

    :param examples: JSON values
    """
    texts: List[str] = []

    @settings(fuzzing, max_examples=count, database=None)
    @given(mutations(examples))
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    return texts
