"""The life of listen keys (protocol section 5): POST returns a live key and extends it, PUT extends, DELETE closes."""
import secrets
from dataclasses import dataclass, field
from typing import Callable, Dict, List

from vest_simulator.engine.codes import Code, VenueError


@dataclass
class ListenKey:
    """A key of an account group, good until `expiry_ms`."""

    key: str = field(repr=False)
    account_group: int
    expiry_ms: int


class ListenKeys:
    """:param life_ms: for how long a key is good after POST or PUT; :param on_gone: told of a key that is deleted"""

    def __init__(self, life_ms: int, on_gone: Callable[[ListenKey], None] = lambda key: None) -> None:
        self.on_gone = on_gone
        self._life_ms = life_ms
        self._of_group: Dict[int, ListenKey] = {}
        self._by_key: Dict[str, ListenKey] = {}

    def create(self, account_group: int, time_ms: int) -> ListenKey:
        """The account's key, a new one when it has none or an expired one; its life begins anew."""
        current = self._of_group.get(account_group)
        if current is None or time_ms >= current.expiry_ms:
            current = ListenKey(secrets.token_hex(32), account_group, 0)
            self._of_group[account_group] = self._by_key[current.key] = current
        current.expiry_ms = time_ms + self._life_ms
        return current

    def extend(self, account_group: int, time_ms: int) -> None:
        """:raises VenueError: 1125 when there is no key or it has expired"""
        self._live(account_group, time_ms).expiry_ms = time_ms + self._life_ms

    def delete(self, account_group: int, time_ms: int) -> None:
        """:raises VenueError: 1125 when there is no key or it has expired"""
        key = self._live(account_group, time_ms)
        del self._of_group[account_group], self._by_key[key.key]
        self.on_gone(key)

    def find(self, key: str) -> ListenKey:
        """The key with that text, live or expired. :raises KeyError: for an unknown or deleted one"""
        return self._by_key[key]

    def all(self) -> List[ListenKey]:
        """The newest key of every account group, live or expired."""
        return list(self._of_group.values())

    def expire_all(self, time_ms: int) -> None:
        """Ends the life of all keys; unlike deleted ones they are still known."""
        for key in self._of_group.values():
            key.expiry_ms = min(key.expiry_ms, time_ms)

    def delete_all(self, time_ms: int) -> None:
        """Deletes the keys of all accounts that are still alive."""
        for key in self.all():
            if time_ms < key.expiry_ms:
                self.delete(key.account_group, time_ms)

    def _live(self, account_group: int, time_ms: int) -> ListenKey:
        key = self._of_group.get(account_group)
        if key is None or time_ms >= key.expiry_ms:
            raise VenueError(Code.INVALID_LISTEN_KEY)
        return key
