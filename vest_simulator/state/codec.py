"""Dataclasses and named tuples as JSON values and back, by their type hints. Decimals travel as strings, exactly."""
from dataclasses import fields, is_dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Callable, Dict, Tuple, Union, get_args, get_origin, get_type_hints

_PLAIN = (int, str, bool)


def encode(value: Any) -> Any:
    """A JSON value. :raises TypeError: for a value of a type that is not kept"""
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {item.name: encode(getattr(value, item.name)) for item in fields(value)}
    if hasattr(value, "_asdict"):
        return {name: encode(part) for name, part in value._asdict().items()}
    if isinstance(value, dict):
        return {key: encode(part) for key, part in value.items()}
    if isinstance(value, list):
        return [encode(part) for part in value]
    raise TypeError(f"A {type(value).__name__} is not kept.")


def decode(hint: Any, value: Any) -> Any:
    """The value of a type that `encode` made into JSON. :raises ValueError: when it is not of that type"""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Union:
        return None if value is None else decode(arguments[0], value)
    if origin is list:
        return [decode(arguments[0], part) for part in _checked(list, value)]
    if origin is dict:
        return {key: decode(arguments[1], part) for key, part in _checked(dict, value).items()}
    if hint in _PLAIN:
        return _checked(hint, value)
    if hint is Decimal:
        return _decimal(_checked(str, value))
    if issubclass(hint, Enum):
        return hint(value)
    return _record(hint, _checked(dict, value))


def _record(hint: Callable[..., Any], value: Dict[str, Any]) -> Any:
    hints = get_type_hints(hint)
    if set(hints) != set(value):
        raise ValueError(f"A {hint.__name__} has other fields.")
    return hint(**{name: decode(hints[name], part) for name, part in value.items()})


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text} is not a decimal number.") from None
    if not number.is_finite():
        raise ValueError(f"{text} is not finite.")
    return number


def _checked(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"A {kind.__name__} was expected.")
    return value


def parts(record: Any, names: Tuple[str, ...]) -> Dict[str, Any]:
    """Some fields of a record, as JSON values."""
    return {name: encode(getattr(record, name)) for name in names}


def set_parts(record: Any, values: Dict[str, Any], names: Tuple[str, ...]) -> None:
    """Puts back what `parts` took. :raises ValueError: when a field is missing or not of its type"""
    hints = get_type_hints(type(record))
    if set(values) != set(names):
        raise ValueError(f"A {type(record).__name__} has other fields.")
    for name in names:
        setattr(record, name, decode(hints[name], values[name]))
