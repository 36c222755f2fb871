"""Reads `GET /account` row by row, so that a balance, position or leverage that cannot be read hides no other."""
from dataclasses import dataclass, replace
from typing import Any, List, Optional, Tuple

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_wire as wire
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import Fields, UnreadRows, sift


def _open_position(row: Any) -> Optional[wire.Position]:
    return None if wire.is_closed_position(row) else wire.Position.from_payload(row)


# Each list of the account, what reads its rows (None: a row that says nothing), and the field that names a row.
_LISTS = (
    ("balances", wire.Balance.from_payload, "asset"),
    ("positions", _open_position, "symbol"),
    ("leverages", wire.Leverage.from_payload, "symbol"),
)


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
    readable, unread = {}, {}
    complaints: List[str] = []
    for key, read, name in _LISTS:
        found, unread[key], complaints_of_rows = sift(fields.rows(key), read, name)
        readable[key] = tuple(row for row in found if row is not None)
        complaints += complaints_of_rows
    rest = wire.Account.from_payload(payload)
    complaints += [*rest.unread, *(text for position in readable["positions"] for text in position.unread)]
    return AccountReading(
        account=replace(rest, **readable),
        unread_balances=unread["balances"],
        unread_positions=unread["positions"],
        complaints=tuple(complaints),
    )
