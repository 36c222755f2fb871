"""Reads `GET /account` row by row, so that a balance, position or leverage that cannot be read hides no other."""
from dataclasses import dataclass, replace
from typing import Any, Callable, FrozenSet, List, Optional, Tuple

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_wire as wire
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import Fields


def _open_position(row: Any) -> Optional[wire.Position]:
    return None if wire.is_closed_position(row) else wire.Position.from_payload(row)


# Each list of the account, what reads its rows (None: a row that says nothing), and the field that names a row.
_LISTS = (
    ("balances", wire.Balance.from_payload, "asset"),
    ("positions", _open_position, "symbol"),
    ("leverages", wire.Leverage.from_payload, "symbol"),
)


@dataclass(frozen=True, slots=True)
class UnreadRows:
    """The rows of one list that could not be read, by name; None stands for a row without a readable name."""

    names: FrozenSet[Optional[str]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.names)

    def may_hold(self, name: str) -> bool:
        """Whether one of them may be of this name; then what was known of it before is still the best that is known."""
        return name in self.names or None in self.names


@dataclass(frozen=True, slots=True)
class AccountReading:
    """An answer of `GET /account`: what could be read, and what is wrong with the rest, naming the fields."""

    account: wire.Account
    unread_balances: UnreadRows
    unread_positions: UnreadRows
    complaints: Tuple[str, ...]


def read_account(payload: Any) -> AccountReading:
    """Reads what can be read.

    :param payload: decoded JSON of `GET /account`
    :raises VestPayloadError: when it is no account at all
    """
    fields = Fields("account", payload)
    readable, unread, complaints = {}, {}, []
    for key, read, name in _LISTS:
        readable[key], unread[key] = _sift(fields.rows(key), read, name, complaints)
    rest = wire.Account.from_payload({**payload, **dict.fromkeys(readable)})
    return AccountReading(
        account=replace(rest, **readable),
        unread_balances=unread["balances"],
        unread_positions=unread["positions"],
        complaints=tuple(complaints),
    )


def _sift(rows: List[Any], read: Callable[[Any], Any], name: str,
          complaints: List[str]) -> Tuple[Tuple[Any, ...], UnreadRows]:
    readable, names = [], set()
    for row in rows:
        try:
            found = read(row)
        except VestPayloadError as error:
            names.add(_name_of(row, name))
            complaints.append(str(error))
        else:
            readable += [] if found is None else [found]
    return tuple(readable), UnreadRows(frozenset(names))


def _name_of(row: Any, key: str) -> Optional[str]:
    try:
        return Fields("account", row).text(key)
    except VestPayloadError:
        return None
