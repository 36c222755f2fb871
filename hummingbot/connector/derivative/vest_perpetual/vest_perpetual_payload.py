"""Reads the venue's JSON: exactly, and with complaints that name the field."""
import json
from decimal import Decimal, InvalidOperation
from typing import Any, List, Mapping, Optional, Union

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError

# No number of the venue is anywhere near this long; arithmetic on a gigabyte of digits would stall the bot.
_MAX_NUMBER_LENGTH = 64
_MAX_EXPONENT = 40


def _refuse_constant(name: str):
    raise VestPayloadError(f"JSON holds {name}, which is no number")


def parse_json(text: Union[str, bytes]) -> Any:
    """Decoded JSON with exact decimals.

    :param text: the answer's body or a frame
    :raises VestPayloadError: for anything that is not JSON, for NaN and infinities, for absurd depth or size of numbers
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError, InvalidOperation) as error:
        if isinstance(error, VestPayloadError):
            raise
        raise VestPayloadError(f"not JSON ({type(error).__name__})") from error


def decimal_from(value: Any, name: str) -> Decimal:
    """An exact, finite decimal.

    :param value: a string or a number
    :param name: object and field, for the message
    :raises VestPayloadError: for anything else
    """
    if isinstance(value, (str, int, float, Decimal)) and not isinstance(value, bool):
        text = value if isinstance(value, str) else _number_text(value, name)
        if len(text) <= _MAX_NUMBER_LENGTH:
            try:
                number = Decimal(text)
            except InvalidOperation:
                number = None
            if number is not None and number.is_finite() and abs(number.adjusted()) <= _MAX_EXPONENT:
                return number
    raise VestPayloadError(f"{name}: not a decimal number")


def _number_text(value: Union[int, float, Decimal], name: str) -> str:
    try:
        return str(value)
    except ValueError:  # Python refuses to print integers of thousands of digits
        raise VestPayloadError(f"{name}: not a decimal number")


class Fields:
    """Reads the fields of one object; every complaint names the object and the field."""

    def __init__(self, kind: str, payload: Any):
        if not isinstance(payload, Mapping):
            raise VestPayloadError(f"{kind}: not a JSON object")
        self._kind = kind
        self._payload = payload

    def name(self, key: str) -> str:
        return f"{self._kind}.{key}"

    def has(self, key: str) -> bool:
        return self._payload.get(key) not in (None, "")

    def raw(self, key: str) -> Any:
        if not self.has(key):
            raise VestPayloadError(f"{self.name(key)}: missing")
        return self._payload[key]

    def decimal(self, key: str) -> Decimal:
        return decimal_from(self.raw(key), self.name(key))

    def optional_decimal(self, key: str) -> Optional[Decimal]:
        return self.decimal(key) if self.has(key) else None

    def integer(self, key: str) -> int:
        number = self.decimal(key)
        if number != number.to_integral_value():
            raise VestPayloadError(f"{self.name(key)}: not an integer")
        return int(number)

    def optional_integer(self, key: str) -> Optional[int]:
        return self.integer(key) if self.has(key) else None

    def text(self, key: str) -> str:
        value = self.raw(key)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise VestPayloadError(f"{self.name(key)}: not a text")
        return str(value)

    def optional_text(self, key: str) -> Optional[str]:
        return self.text(key) if self.has(key) else None

    def boolean(self, key: str) -> bool:
        value = self.raw(key)
        value = {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value
        if not isinstance(value, bool):
            raise VestPayloadError(f"{self.name(key)}: neither true nor false")
        return value

    def optional_boolean(self, key: str) -> Optional[bool]:
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
