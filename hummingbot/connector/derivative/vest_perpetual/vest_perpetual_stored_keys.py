"""The keys in Hummingbot's keystore, which may be renewed while a bot runs."""
import asyncio
import time
from typing import Callable, NamedTuple, Optional, Tuple

import yaml

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestStoredKeysError

# What may be in a file that is damaged or was not written by the client.
_UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, NotImplementedError, RecursionError, yaml.YAMLError,
)
# The keys in use were refused, and those in the keystore before: they are looked at again after so long, because the
# venue may accept them by then.
READ_AGAIN_S = 300.0
# The client writes the file in place, so for a moment it holds a part. One that was changed just now is left to the
# next look.
_WRITING_NS = 1_000_000_000


class StoredKeys(NamedTuple):
    """Three values of a registration, as they were entered."""

    api_key: str
    signing_private_key: str
    account_group: int

    def __repr__(self) -> str:
        return f"{type(self).__name__}(account_group={self.account_group})"


class KeystoreWatch:
    """Notices that the keys of a domain were stored anew: by `connect` in this client, or by another process.

    Looking costs a question to the file system. Reading needs the password, which the client has been given, and
    seconds of a processor, so it is done in a thread, and only when there may be something new.

    :param domain: one of the three domains, which is the connector's name in the client
    :param monotonic_s: a clock that never jumps, in seconds
    """

    def __init__(self, domain: str, monotonic_s: Callable[[], float] = time.monotonic):
        self._domain = domain
        self._monotonic_s = monotonic_s
        self._version_read = self._version()  # the client has read it before it made the connector
        self._read_s = float("-inf")
        self._is_doubted = False
        self._offer: Optional[StoredKeys] = None

    def doubt(self) -> None:
        """The keys in use were refused. Those in the keystore may be younger than the ones the client has read, or
        be accepted by now.
        """
        self._is_doubted = self._is_doubted or self._monotonic_s() - self._read_s > READ_AGAIN_S

    @property
    def has_offer(self) -> bool:
        """Whether there are, or may be, keys to be tried. Never when the keystore is locked: there is no client."""
        if self._offer is not None:
            return True
        version = self._version()
        if version is None or not _is_unlocked() or (version == self._version_read and not self._is_doubted):
            return False
        changed_ns = version[0]
        return abs(time.time_ns() - changed_ns) > _WRITING_NS

    async def offer(self) -> StoredKeys:
        """The stored keys; they are offered until `close_offer`.

        :raises VestStoredKeysError: when they cannot be read; they are read again when they change
        """
        version = self._version()
        if self._offer is None or version != self._version_read:
            try:
                self._offer = await asyncio.to_thread(self._read)
            except VestStoredKeysError:
                self._note_reading(version)
                raise
            self._note_reading(version)
        return self._offer

    def close_offer(self) -> None:
        """The keys offered are in use now, or never will be."""
        self._offer = None

    def _note_reading(self, version: Optional[Tuple[int, int, int]]) -> None:
        self._version_read, self._read_s, self._is_doubted = version, self._monotonic_s(), False

    def _version(self) -> Optional[Tuple[int, int, int]]:
        try:
            status = _path(self._domain).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> StoredKeys:
        from hummingbot.client.config.config_helpers import ConfigValidationError
        from hummingbot.client.config.security import Security

        try:
            Security.decrypt_connector_config(_path(self._domain))  # so that the client knows them too
            keys = Security.api_keys(self._domain)
            return StoredKeys(*(keys[f"{self._domain}_{field}"] for field in StoredKeys._fields))
        except (*_UNREADABLE, ConfigValidationError) as error:
            reason = type(error).__name__
        # Out here, so that it has no cause: what cannot be read may be shown by it.
        raise VestStoredKeysError(
            f"they cannot be read ({reason}); was another password used? Enter them with: connect {self._domain}"
        )


def _path(domain: str):
    from hummingbot.client.config.config_helpers import get_connector_config_yml_path

    return get_connector_config_yml_path(domain)


def _is_unlocked() -> bool:
    from hummingbot.client.config.security import Security

    return Security.secrets_manager is not None
