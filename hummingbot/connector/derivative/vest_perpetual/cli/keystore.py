"""The keys in Hummingbot's own keystore: encrypted files of the home this runs in, which `connect` reads and writes."""
import os
from pathlib import Path
from typing import Dict, Optional

import yaml
from pydantic import ValidationError

from hummingbot.client.config.config_crypt import (
    PASSWORD_VERIFICATION_PATH,
    ETHKeyFileSecretManger,
    store_password_verification,
    validate_password,
)
from hummingbot.client.config.config_helpers import (
    ClientConfigAdapter,
    ConfigValidationError,
    api_keys_from_connector_config_map,
    get_connector_config_yml_path,
    load_connector_config_map_from_file,
    retrieve_validation_error_msg,
)
from hummingbot.client.config.security import Security
from hummingbot.client.settings import AllConnectorSettings
from hummingbot.connector.derivative.vest_perpetual.cli import prompts
from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError, ExitCode
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_files import replace_file

PASSWORD_VARIABLES = ("HBOT_PASSWORD", "CONFIG_PASSWORD")  # those of Hummingbot's own commands
_PROMPT = "Password of Hummingbot's keystore"
_OTHERWISE = f"put Hummingbot's password into {PASSWORD_VARIABLES[0]}"


def has_keys(domain: str) -> bool:
    """Whether there are keys of a domain, right or wrong; needs no password."""
    return Security.connector_config_file_exists(domain)


def keys_path(domain: str) -> Path:
    """The file that holds a domain's keys, if there are any."""
    return get_connector_config_yml_path(domain)


class Keystore:
    """The keystore, open. `unlock` and `unlock_or_create` make one."""

    @classmethod
    def unlock(cls) -> "Keystore":
        """Opens the keystore with the password of the environment, or asks for it.

        :raises CommandError: when there is no keystore, no password or a wrong one
        """
        if Security.new_password_required():
            raise CommandError("Hummingbot has no keystore here yet: vest-perpetual register --save makes one, and so "
                               "does the connect command", ExitCode.KEYS)
        return cls(_password() or prompts.secret(_PROMPT, _OTHERWISE))

    @classmethod
    def unlock_or_create(cls) -> "Keystore":
        """As `unlock`, but a home without a keystore gets one, as by Hummingbot itself: with the first password given.

        :raises CommandError: when there is no password or a wrong one
        """
        if not Security.new_password_required():
            return cls.unlock()
        password = _password()
        if password is None:
            password = prompts.secret("New password for Hummingbot's keystore", _OTHERWISE)
            if password != prompts.secret("The same password again", _OTHERWISE):
                raise CommandError("the two passwords differ; nothing was done", ExitCode.FAILED)
        try:
            PASSWORD_VERIFICATION_PATH.parent.mkdir(parents=True, exist_ok=True)
            store_password_verification(ETHKeyFileSecretManger(password))
        except OSError as error:
            raise _unwritable(PASSWORD_VERIFICATION_PATH, error) from error
        return cls(password)

    def __init__(self, password: str):
        manager = ETHKeyFileSecretManger(password)
        try:
            is_right = validate_password(manager)
        except (OSError, ValueError) as error:
            words = f"{PASSWORD_VERIFICATION_PATH}, by which Hummingbot knows its password, cannot be read"
            raise CommandError(f"{words} ({type(error).__name__}); restore it, or check its permissions",
                               ExitCode.KEYS) from error
        if not is_right:
            raise CommandError("this is not the password of Hummingbot's keystore; use the one you start Hummingbot "
                               "with", ExitCode.KEYS)
        Security.secrets_manager = manager

    def read(self, domain: str) -> Dict[str, str]:
        """The keys of a domain: field to value, as `connect` asks for them.

        :raises CommandError: when there are none, or they cannot be read
        """
        path = keys_path(domain)
        try:
            return api_keys_from_connector_config_map(load_connector_config_map_from_file(path))
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError, ConfigValidationError) as error:
            raise CommandError(f"the keys in {path} cannot be read ({type(error).__name__}); enter them again: "
                               f"connect {domain}", ExitCode.KEYS) from None

    def check_writable(self, domain: str) -> None:
        """Makes sure, as far as can be told beforehand, that keys of a domain could be written now.

        :raises CommandError: when they could not
        """
        path = keys_path(domain)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(path, error) from error
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise _unwritable(path, PermissionError("no permission"))

    def write(self, domain: str, values: Dict[str, str]) -> None:
        """Stores the keys of a domain, encrypted. Earlier ones are replaced as a whole, or, should that fail, stay.

        :param values: field to value, as `connect` asks for them
        :raises CommandError: when they cannot be stored
        """
        config_map = type(AllConnectorSettings.get_connector_config_keys(domain))
        try:
            config = ClientConfigAdapter(config_map(connector=domain, **values))
        except ValidationError as error:
            raise CommandError(retrieve_validation_error_msg(error), ExitCode.KEYS) from None
        self.check_writable(domain)
        path = keys_path(domain)
        try:
            replace_file(path, config.generate_yml_output_str_with_comments())
        except OSError as error:
            raise _unwritable(path, error) from error


def _password() -> Optional[str]:
    return next((os.environ[name] for name in PASSWORD_VARIABLES if os.environ.get(name)), None)


def _unwritable(path: Path, error: OSError) -> CommandError:
    return CommandError(f"{path} cannot be written ({error.strerror or error}); check the permissions of "
                        f"{path.parent}", ExitCode.FAILED)
