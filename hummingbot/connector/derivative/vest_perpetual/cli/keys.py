"""Where the three values of an account come from: Hummingbot's keystore, or a private file of the user."""
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Optional, Type, TypeVar

import yaml

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_utils as utils
from hummingbot.connector.derivative.vest_perpetual.cli import keystore
from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError, Domain, ExitCode
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import VestPerpetualAuth
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import renewal_command

Auth = TypeVar("Auth", bound=VestPerpetualAuth)
_FIELDS = ("api_key", "signing_private_key", "account_group")
_EMPTY = ("", "~", "null")  # of YAML
TEMPLATE = "conf_global_TEMPLATE.yml"


@dataclass(frozen=True)
class Keys:
    """The three values of an account; they look right, which the venue alone can confirm."""

    domain: str
    api_key: str = field(repr=False)
    signing_private_key: str = field(repr=False)
    account_group: int

    @classmethod
    def checked(cls, domain: str, api_key: str, signing_private_key: str, account_group: object) -> "Keys":
        """Keys of these values, if they can be keys.

        :raises CommandError: when one of them cannot
        """
        try:
            keys = cls(domain, api_key.strip(), signing_private_key.strip(), utils.account_group_from(account_group))
        except ValueError as error:
            raise CommandError(f"{domain}_account_group: {error}", ExitCode.KEYS) from None
        problem = keys.auth(ServerClock()).key_problem
        if problem:
            raise CommandError(problem, ExitCode.KEYS)
        return keys

    def auth(self, clock: ServerClock, kind: Type[Auth] = VestPerpetualAuth) -> Auth:
        """What signs requests with them.

        :param clock: the venue's
        :param kind: the connector's, or one made of it
        """
        return kind(self.api_key, self.signing_private_key, self.account_group, clock, self.domain)

    @property
    def fields(self) -> Dict[str, str]:
        """Field to value, as `connect` asks for them."""
        values = (self.api_key, self.signing_private_key, str(self.account_group))
        return {f"{self.domain}_{name}": value for name, value in zip(_FIELDS, values)}


def keys_for(domain: Domain, keys_file: Optional[Path]) -> Keys:
    """The keys a command works with.

    :param domain: as given by `--domain`
    :param keys_file: as given by `--keys`; None for Hummingbot's keystore
    :raises CommandError: when there are none, or they cannot be right
    """
    if keys_file is not None:
        return keys_from_file(domain, keys_file)
    if not keystore.has_keys(domain.value):
        others = [other.value for other in Domain if keystore.has_keys(other.value)]
        remedy = f"there are some of another domain: say --domain {others[0]}, or register" if others else "register"
        raise CommandError(f"Hummingbot has no keys of {domain.value} here; {remedy} a key: "
                           f"{renewal_command(domain.value)}", ExitCode.KEYS)
    return _keys_of(domain.value, keystore.Keystore.unlock().read(domain.value))


def keys_from_file(domain: Domain, path: Path) -> Keys:
    """The keys of a domain in a filled copy of the template.

    :raises CommandError: when others can read the file, it has none of that domain, or they cannot be right
    """
    values = _private_values(path)
    known = {f"{known.value}_{name}" for known in Domain for name in _FIELDS}
    for name in values:
        if name not in known:
            raise CommandError(f"{path} has a field {name[:60]!r} that {TEMPLATE} does not; check its spelling",
                               ExitCode.KEYS)
    missing = [f"{domain.value}_{name}" for name in _FIELDS if values.get(f"{domain.value}_{name}", "") in _EMPTY]
    if missing:
        raise CommandError(f"{path} has no value for {', '.join(missing)}; choose another --domain, or fill it in",
                           ExitCode.KEYS)
    return _keys_of(domain.value, values)


def _keys_of(domain: str, values: Dict[str, str]) -> Keys:
    return Keys.checked(domain, *(values.get(f"{domain}_{name}", "") for name in _FIELDS))


def _private_values(path: Path) -> Dict[str, str]:
    """What a file of keys says, if nobody else can read it.

    :raises CommandError: when somebody can, or it is no such file
    """
    try:
        with path.open(encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise CommandError(f"others on this computer can read {path}, and whoever has these keys can trade: "
                                   f"run chmod 600 {path} first", ExitCode.KEYS)
            # Every value stays the text it is: YAML's own rules would make numbers of 0x… and 12e5.
            content = yaml.load(file, Loader=yaml.BaseLoader)
    except OSError as error:
        raise CommandError(f"{path} cannot be read ({error.strerror})", ExitCode.USAGE) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        content = None
    if not isinstance(content, dict) or not all(isinstance(part, str) for item in content.items() for part in item):
        raise CommandError(f"{path} is no filled copy of {TEMPLATE}: it has to have one `name: value` a line",
                           ExitCode.KEYS)
    return content
