"""Reads the venue's JSON: exactly, and with complaints that name the field.

One rule for what may stand for what (protocol section 2: decimals travel as strings, integers as numbers). Where there
is only one reading, forms may be swapped: numbers as strings, strings as numbers, integers as 5.0, true and false as
strings in any case. Whatever has to be guessed at is refused: NaN, infinities, numbers with blanks or underscores in
them, a boolean for a number, 1 or 0 for a boolean, a list or an object for a plain value. Null and the empty string
count as absent. What the rest is of use without never blocks it: the venue's words to people, the time of a frame, and
what is read by `if_readable`, which notes what it passed over.
"""
import json
import re
from collections.abc import Mapping  # that of `typing` is five times as slow to ask, and every object is asked
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Callable, FrozenSet, List, Optional, Tuple, TypeVar, Union

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError

# No number of the venue is anywhere near this long; arithmetic on a gigabyte of digits would stall the bot.
_MAX_NUMBER_LENGTH = 64
_MAX_EXPONENT = 40
# Neither is a name, an id or a key of the venue.
_MAX_TEXT_LENGTH = 4096
# The year 2286: times beyond it are none, and the client's database could not hold some of them.
_MAX_TIME_MS = 10 ** 13
_MAX_EXCERPT = 200  # characters
# Keys, signatures and listen keys are long words; so a text that echoes one can be quoted without it.
_LONG_WORD = re.compile(r"""[^\s"'{}\[\]<>(),;]{24,}""")
# Decimal() itself also reads blanks, underscores and the digits of other scripts.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_Value = TypeVar("_Value")


def _refuse_constant(name: str):
    raise VestPayloadError(f"JSON holds {name}, which is no number")


# Made once: `json.loads` would make one for every frame, for that it is not given its defaults.
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)


def parse_json(text: Union[str, bytes]) -> Any:
    """Decoded JSON with exact decimals.

    :param text: the answer's body or a frame
    :raises VestPayloadError: for anything that is not JSON, for NaN and infinities, for absurd depth or size of numbers
    """
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text), "surrogatepass")
        return _DECODER.decode(text)
    except VestPayloadError:
        raise
    except (ValueError, RecursionError, InvalidOperation) as error:
        problem = type(error).__name__
    # Out here, so that it has no cause: the decoder's error holds the whole text, a listen key perhaps.
    raise VestPayloadError(f"not JSON ({problem})")


def excerpt(text: str) -> str:
    """The beginning of what the venue says to people, in one line and without anything that may be a secret.

    :param text: the venue's, for a log or an error
    """
    if text.lstrip().startswith("<"):
        return "the answer was a web page"
    words = _LONG_WORD.sub("…", " ".join(text.split()))[:_MAX_EXCERPT]
    return "".join(character if character.isprintable() else "?" for character in words)


def decimal_from(value: Any, name: str) -> Decimal:
    """An exact, finite decimal.

    :param value: a string or a number
    :param name: object and field, for the message
    :raises VestPayloadError: for anything else
    """
    if isinstance(value, (str, int, float, Decimal)) and not isinstance(value, bool):
        text = value if isinstance(value, str) else _number_text(value, name)
        if len(text) <= _MAX_NUMBER_LENGTH and _NUMBER.fullmatch(text):
            with suppress(InvalidOperation):  # an exponent beyond what Decimal can hold
                number = Decimal(text)
                if abs(number.adjusted()) <= _MAX_EXPONENT:
                    return number
    raise VestPayloadError(f"{name}: not a decimal number")


def _number_text(value: Union[int, float, Decimal], name: str) -> str:
    try:
        return str(value)
    except ValueError:  # Python refuses to print integers of thousands of digits
        raise VestPayloadError(f"{name}: not a decimal number")


class Fields:
    """Reads the fields of one object; every complaint names the object and the field.

    The methods raise `VestPayloadError` for a value of another form, by the rule at the top; for a field that is absent
    too, but those that begin with `optional_`, which give None for it.

    :param kind: the object's name, for complaints
    :param payload: decoded JSON
    :raises VestPayloadError: when it is no object
    """

    def __init__(self, kind: str, payload: Any):
        if not isinstance(payload, Mapping):
            raise VestPayloadError(f"{kind}: not a JSON object")
        self._kind = kind
        self._payload = payload
        self._unread: List[str] = []

    @property
    def unread(self) -> Tuple[str, ...]:
        """Complaints about the fields that `if_readable` passed over."""
        return tuple(self._unread)

    def if_readable(self, read: Callable[[str], _Value], key: str) -> Optional[_Value]:
        """A field that the rest is of use without: None when it cannot be read, which is noted in `unread`.

        :param read: one of the methods below
        :param key: of the field
        """
        try:
            return read(key)
        except VestPayloadError as error:
            self._unread.append(str(error))
            return None

    def name(self, key: str) -> str:
        """The object and the field, for a complaint."""
        return f"{self._kind}.{key}"

    def has(self, key: str) -> bool:
        """Whether the field says anything: null and the empty string do not."""
        return self._payload.get(key) not in (None, "")

    def raw(self, key: str) -> Any:
        """The value as it came, of whatever form."""
        if not self.has(key):
            raise VestPayloadError(f"{self.name(key)}: missing")
        return self._payload[key]

    def decimal(self, key: str) -> Decimal:
        """An exact, finite decimal."""
        return decimal_from(self.raw(key), self.name(key))

    def optional_decimal(self, key: str) -> Optional[Decimal]:
        """As `decimal`, or None."""
        return self.decimal(key) if self.has(key) else None

    def integer(self, key: str) -> int:
        """A whole number, such as 5 or 5.0."""
        number = self.decimal(key)
        if number != number.to_integral_value():
            raise VestPayloadError(f"{self.name(key)}: not an integer")
        return int(number)

    def optional_integer(self, key: str) -> Optional[int]:
        """As `integer`, or None."""
        return self.integer(key) if self.has(key) else None

    def time_ms(self, key: str) -> int:
        """A time in ms since the epoch, between 1970 and 2286."""
        time_ms = self.integer(key)
        if not 0 <= time_ms < _MAX_TIME_MS:
            raise VestPayloadError(f"{self.name(key)}: not a time in ms")
        return time_ms

    def optional_time_ms(self, key: str) -> Optional[int]:
        """As `time_ms`, or None."""
        return self.time_ms(key) if self.has(key) else None

    def time_ms_if_readable(self, key: str) -> Optional[int]:
        """A time that says when a message was sent and no more; None when it cannot be read."""
        return self.if_readable(self.optional_time_ms, key)

    def text(self, key: str) -> str:
        """A name, an id or a key: they are signed, sent back and logged, so they hold nothing that cannot be printed,
        such as line ends or half a character."""
        value = self.raw(key)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise VestPayloadError(f"{self.name(key)}: not a text")
        text = str(value)
        if len(text) > _MAX_TEXT_LENGTH or not text.isprintable():
            raise VestPayloadError(f"{self.name(key)}: too long or not printable")
        return text

    def optional_text(self, key: str) -> Optional[str]:
        """As `text`, or None."""
        return self.text(key) if self.has(key) else None

    def words(self, key: str) -> str:
        """What the venue says to people, fit for a log; empty when it says nothing."""
        value = self._payload.get(key)
        return excerpt(value) if isinstance(value, str) else ""

    def boolean(self, key: str) -> bool:
        """True or false, or their names in any case."""
        value = self.raw(key)
        value = {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value
        if not isinstance(value, bool):
            raise VestPayloadError(f"{self.name(key)}: neither true nor false")
        return value

    def optional_boolean(self, key: str) -> Optional[bool]:
        """As `boolean`, or None."""
        return self.boolean(key) if self.has(key) else None

    def rows(self, key: str) -> List[Any]:
        """The rows of a list that may be absent or null."""
        if not self.has(key):
            return []
        return rows_from(self._payload[key], self.name(key))


def rows_from(payload: Any, name: str) -> List[Any]:
    """A JSON list; null counts as empty.

    :param payload: decoded JSON
    :param name: object and field, for the message
    :raises VestPayloadError: when it is no list
    """
    if payload is None:
        return []
    if not isinstance(payload, list):
        raise VestPayloadError(f"{name}: not a list")
    return payload


@dataclass(frozen=True, slots=True)
class UnreadRows:
    """The rows of one list that could not be read, by name; None stands for a row without a readable name."""

    names: FrozenSet[Optional[str]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.names)

    def may_hold(self, name: str) -> bool:
        """Whether one of them may be of this name; then what was known of it before is still the best that is known."""
        return name in self.names or None in self.names


def sift(rows: List[Any], read: Callable[[Any], _Value], name: str) -> Tuple[List[_Value], UnreadRows, List[str]]:
    """Reads rows one by one, so that one that cannot be read hides no other.

    :param rows: of a JSON list
    :param read: makes an object of a row
    :param name: the field that names a row
    :return: the objects, the rows that could not be read, and complaints about these
    """
    readable, names, complaints = [], set(), []
    for row in rows:
        try:
            readable.append(read(row))
        except VestPayloadError as error:
            names.add(_name_of(row, name))
            complaints.append(str(error))
    return readable, UnreadRows(frozenset(names)), complaints


def _name_of(row: Any, key: str) -> Optional[str]:
    try:
        return Fields("row", row).text(key)
    except VestPayloadError:
        return None
