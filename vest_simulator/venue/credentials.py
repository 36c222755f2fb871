"""Accounts' keys: who may sign for which account group. Addresses are lower case."""
import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Dict, List, Optional

from eth_account import Account

from vest_simulator.engine.codes import Code, VenueError

WEEK_MS = 7 * 86_400_000


@dataclass
class ApiKey:
    """A registered signing key. `expiry_ms` is the venue's time from which it is worth nothing."""

    api_key: str = field(repr=False)
    account_group: int
    signing_address: str
    primary_address: str
    expiry_ms: int
    revoked: bool = False


@dataclass
class Credentials:
    """What a client needs for an account that the simulator made; the primary key can register more keys."""

    account_group: int
    api_key: str = field(repr=False)
    signing_private_key: str = field(repr=False)
    primary_private_key: str = field(repr=False)
    primary_address: str

    @classmethod
    def derive(cls, seed: int, account_group: int) -> "Credentials":
        """Made-up keys, the same for the same seed, so that a restarted simulator knows its clients."""
        signing, primary = (f"0x{_digest(seed, account_group, purpose)}" for purpose in ("signing", "primary"))
        return cls(account_group, _digest(seed, account_group, "api"), signing, primary,
                   Account.from_key(primary).address.lower())


def _digest(seed: int, account_group: int, purpose: str) -> str:
    return hashlib.sha256(f"vest simulator {seed} {account_group} {purpose}".encode()).hexdigest()


class KeyRing:
    """All API keys, and which primary address owns which account group."""

    def __init__(self) -> None:
        self._keys: Dict[str, ApiKey] = {}
        self._groups: Dict[str, int] = {}

    def add(self, key: ApiKey) -> None:
        """A key that was made elsewhere; its primary address owns its account group."""
        self._keys[key.api_key] = key
        self._groups[key.primary_address] = key.account_group

    def all(self) -> List[ApiKey]:
        """All keys, revoked and expired ones included."""
        return list(self._keys.values())

    def group_of(self, primary_address: str) -> Optional[int]:
        """The account group that a primary address owns, if any."""
        return self._groups.get(primary_address)

    def issue(self, account_group: int, signing_address: str, primary_address: str, expiry_ms: int,
              as_jwt: bool) -> ApiKey:
        """Registers a signing key and makes its API key, opaque or a JWT with `exp`."""
        token = jwt(account_group, expiry_ms) if as_jwt else secrets.token_hex(32)
        key = ApiKey(token, account_group, signing_address, primary_address, expiry_ms)
        self.add(key)
        return key

    def authenticate(self, api_key: Optional[str], time_ms: int) -> ApiKey:
        """:raises VenueError: 1002 when the key is missing, unknown, revoked or past its expiry"""
        key = self._keys.get(api_key or "")
        if key is None or key.revoked or time_ms >= key.expiry_ms:
            raise VenueError(Code.UNAUTHORIZED)
        return key

    def revoke(self, account_group: int) -> int:
        """Revokes all keys of an account group and returns how many there were."""
        keys = [key for key in self._keys.values() if key.account_group == account_group]
        for key in keys:
            key.revoked = True
        return len(keys)


def jwt(account_group: int, expiry_ms: int) -> str:
    """A random API key in the form of a JWT that tells when it expires."""
    claims = {"accGroup": account_group, "exp": expiry_ms // 1000, "jti": secrets.token_hex(8)}
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)] + [secrets.token_bytes(32)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
