"""Strict reading of what clients send: unknown, missing or wrongly typed fields are refused with 1130."""
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Callable, Dict, Mapping, Optional

from vest_simulator.engine.codes import Code, VenueError

_DECIMAL = re.compile(r"\d+(?:\.\d+)?")
_INTEGER = re.compile(r"\d{1,18}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
MAX_INTEGER = 2 ** 63 - 1


def _is_integer(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_INTEGER


TYPES: Dict[str, Callable[[Any], bool]] = {
    "integer": _is_integer,
    "boolean": lambda value: type(value) is bool,
    "string": lambda value: type(value) is str,
    "decimal string": lambda value: type(value) is str and _DECIMAL.fullmatch(value) is not None,
    "address": lambda value: type(value) is str and _ADDRESS.fullmatch(value) is not None,
    "object": lambda value: type(value) is dict,
}


@dataclass(frozen=True)
class Field:
    """One field of a JSON object; `kind` is a key of TYPES."""

    kind: str
    required: bool = True


def check_object(payload: Any, fields: Mapping[str, Field], name: str) -> Dict[str, Any]:
    """Returns the payload. :raises VenueError: 1130 that names the field"""
    if type(payload) is not dict:
        raise VenueError(Code.INVALID_PARAMETER, f"{name} must be a JSON object.")
    for key in payload:
        if key not in fields:
            raise VenueError(Code.INVALID_PARAMETER, f"{name} has an unknown field: {key}.")
    for key, field in fields.items():
        if key not in payload:
            if field.required:
                raise VenueError(Code.INVALID_PARAMETER, f"{name} lacks the field {key}.")
        elif not TYPES[field.kind](payload[key]):
            raise VenueError(Code.INVALID_PARAMETER, f"{name}.{key} must be of type {field.kind}.")
    return payload


def exact_decimal(text: str, decimals: int, name: str) -> Decimal:
    """A number written with exactly that many decimals, as "3.1200". :raises VenueError: 1111 otherwise"""
    _, _, fraction = text.partition(".")
    if not _DECIMAL.fullmatch(text) or len(fraction) != decimals:
        raise VenueError(Code.BAD_DECIMALS, f"{name} must have exactly {decimals} decimals.")
    return Decimal(text)


class Query:
    """The query of a GET request. :raises VenueError: 1130 for unknown or repeated parameters"""

    def __init__(self, items, allowed) -> None:
        self._values: Dict[str, str] = {}
        for key, value in items:
            if key not in allowed or key in self._values:
                raise VenueError(Code.INVALID_PARAMETER, f"Unknown or repeated parameter: {key}.")
            self._values[key] = value

    def text(self, name: str) -> Optional[str]:
        """A parameter as it was sent, or None."""
        return self._values.get(name)

    def required(self, name: str) -> str:
        """A parameter that must be there. :raises VenueError: 1130 when it is missing or empty"""
        value = self._values.get(name)
        if not value:
            raise VenueError(Code.INVALID_PARAMETER, f"The parameter {name} is missing.")
        return value

    def integer(self, name: str, default: Optional[int] = None) -> Optional[int]:
        """An integer, or the default. :raises VenueError: 1130 for anything else"""
        value = self._values.get(name)
        if value is None:
            return default
        if not _INTEGER.fullmatch(value):
            raise VenueError(Code.INVALID_PARAMETER, f"The parameter {name} must be an integer.")
        return int(value)

    def limit(self, default: int, most: int) -> int:
        """The parameter `limit`, from 1 to `most`. :raises VenueError: 1130 for anything else"""
        limit = self.integer("limit", default)
        if not 1 <= limit <= most:
            raise VenueError(Code.INVALID_PARAMETER, f"limit must be from 1 to {most}.")
        return limit

    def choice(self, name: str, choices, default: Optional[str] = None) -> Optional[str]:
        """One of the choices, or the default. :raises VenueError: 1130 for anything else"""
        value = self._values.get(name, default)
        if value is not None and value not in choices:
            raise VenueError(Code.INVALID_PARAMETER, f"The parameter {name} must be one of {', '.join(choices)}.")
        return value
