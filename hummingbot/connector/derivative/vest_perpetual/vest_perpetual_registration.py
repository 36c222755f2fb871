"""The registration of a signing key: the words of `POST /register`, and what is remembered of it afterwards.

The venue tells nobody when a registration ends (protocol section 5). So whoever registers keeps a small note in
Hummingbot's data folder, `<domain>_registration.json`, with nothing secret in it; the connector and the commands read
it to warn in time.
"""
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_files import replace_file
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import Fields

if TYPE_CHECKING:
    from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import VestPerpetualAuth

HOUR_MS = 3_600_000
# A key that ends sooner is to be renewed.
EXPIRES_SOON_MS = 24 * HOUR_MS


def register_request(signing_address: str, wallet_address: str, signature: str, expiry_ms: int) -> Dict[str, Any]:
    """Body of `POST /register`.

    :param signing_address: of the key that is to sign for the account
    :param wallet_address: of the wallet that owns the account
    :param signature: the wallet's, of `registration_typed_data`; in hexadecimal with 0x
    :param expiry_ms: until when the signing key may act, in ms since the epoch
    """
    return {
        "signingAddr": signing_address.lower(),
        "primaryAddr": wallet_address.lower(),
        "signature": signature,
        "expiryTime": expiry_ms,
        "networkType": CONSTANTS.NETWORK_TYPE,
    }


def api_key_and_group_from(payload: Any) -> Tuple[str, int]:
    """The API key and the account group in the answer of `POST /register`.

    :param payload: decoded JSON
    :raises VestPayloadError: when one of them is missing
    """
    fields = Fields("registration", payload)
    return fields.text("apiKey"), fields.integer("accGroup")


def renewal_command(domain: str) -> str:
    """What a user types to replace a key that has expired or will soon.

    :param domain: one of the three domains
    """
    return f"vest-perpetual register --save --domain {domain}"


@dataclass(frozen=True)
class RegistrationNote:
    """What is remembered of the latest registration of a domain: nothing secret.

    `signing_address` in lower case; `expires_ms` in ms since the epoch.
    """

    signing_address: str
    expires_ms: int
    account_group: int

    @classmethod
    def read(cls, data_path: Path, domain: str, signing_address: str) -> Optional["RegistrationNote"]:
        """The note about a signing key, None when there is none: the key was registered elsewhere, or by hand.

        :param data_path: Hummingbot's data folder
        :param domain: one of the three domains
        :param signing_address: of the key in use; a note about another key is none
        """
        note = None
        with suppress(OSError, ValueError, TypeError, KeyError):
            content = json.loads(_path(data_path, domain).read_text(encoding="ascii"))
            note = cls(str(content["signing_address"]), int(content["expires_ms"]), int(content["account_group"]))
        return note if note is not None and note.signing_address == signing_address.lower() else None

    def write(self, data_path: Path, domain: str) -> None:
        """Replaces the note about an earlier key.

        :param data_path: Hummingbot's data folder
        :param domain: one of the three domains
        :raises OSError: when it cannot be written
        """
        replace_file(_path(data_path, domain), json.dumps(asdict(self)))


def expiry_ms(auth: "VestPerpetualAuth", data_path: Path, domain: str) -> Optional[int]:
    """Until when the keys in use are good, in ms since the epoch; None when nobody has said so.

    :param auth: holds the keys
    :param data_path: Hummingbot's data folder
    :param domain: one of the three domains
    :raises VestUnusableKeyError: when the signing key can be none
    """
    note = RegistrationNote.read(data_path, domain, auth.signing_address)
    ends_ms = [] if note is None else [note.expires_ms]
    if auth.api_key_expiry_ms is not None:
        ends_ms.append(auth.api_key_expiry_ms)
    return min(ends_ms, default=None)


def _path(data_path: Path, domain: str) -> Path:
    return Path(data_path) / f"{domain}_registration.json"
