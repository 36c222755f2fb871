"""The wallet's approval of a signing key, wherever the wallet's key is. That key is asked for, used once and forgotten:
it is never stored, never shown and never taken from the command line.
"""
import json
import os
from pathlib import Path
from typing import Callable, NamedTuple, Optional

import typer
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_keys.exceptions import BadSignature, ValidationError
from eth_utils import is_checksum_address, is_checksum_formatted_address, is_hex_address, to_checksum_address

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_auth as auth
from hummingbot.connector.derivative.vest_perpetual.cli import output, prompts
from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError, ExitCode
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestUnusableKeyError

KEYSTORE_PASSWORD_VARIABLE = "WALLET_PASSWORD"
_SIGNATURE_BYTES = 65


class Approval(NamedTuple):
    """What a wallet has signed: that a signing key may act for it until then."""

    wallet_address: str
    signature: str


# Takes domain, address of the signing key and expiry in ms since the epoch.
Approve = Callable[[str, str, int], Approval]


def approver(key_variable: Optional[str], keystore: Optional[Path], signer: Optional[str], as_json: bool) -> Approve:
    """How the wallet will approve, by the options of the command; asks for nothing yet.

    :param key_variable: environment variable with the wallet's key
    :param keystore: JSON file with the wallet's key, encrypted
    :param signer: address of a wallet that signs elsewhere
    :param as_json: print what it has to sign in one line
    :raises CommandError: when more than one of them is given, or one cannot be right
    """
    if sum(source is not None for source in (key_variable, keystore, signer)) > 1:
        raise CommandError("choose one of --wallet-key-env, --wallet-keystore and --sign-elsewhere", ExitCode.USAGE)
    if signer is not None:
        is_mistyped = is_checksum_formatted_address(signer) and not is_checksum_address(signer)
        if is_mistyped or not is_hex_address(signer):
            # It is not shown, because it may be a key.
            raise CommandError("--sign-elsewhere takes the wallet's address: 0x and 40 hexadecimal digits, all lower "
                               "case or with a right checksum", ExitCode.USAGE)
        return lambda *proof: _approval_from_elsewhere(signer, as_json, *proof)
    if key_variable is not None:
        return _with_key(lambda: prompts.secret_from_environment(key_variable))
    if keystore is not None:
        return _with_key(lambda: _decrypted(keystore))
    return _with_key(lambda: prompts.secret(
        "Private key of your wallet (used once, never stored)",
        "use --wallet-key-env, --wallet-keystore or --sign-elsewhere",
    ))


def _with_key(wallet_key: Callable[[], str]) -> Approve:
    def approve(domain: str, signing_address: str, expiry_ms: int) -> Approval:
        try:
            signature = auth.registration_signature(wallet_key(), domain, signing_address, expiry_ms)
        except VestUnusableKeyError as error:
            raise CommandError(str(error), ExitCode.KEYS) from None
        return Approval(_signer(signature, domain, signing_address, expiry_ms), signature)

    return approve


def _decrypted(path: Path) -> str:
    """The key in a wallet's keystore file (Web3 Secret Storage)."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} cannot be read ({error.strerror})", ExitCode.USAGE) from None
    except ValueError:
        content = None
    if not isinstance(content, dict) or not {"crypto", "Crypto"} & set(content):
        raise CommandError(f"{path} is no wallet's keystore file", ExitCode.USAGE)
    password = os.environ.get(KEYSTORE_PASSWORD_VARIABLE) or prompts.secret(
        f"Password of {path.name}", f"put it into {KEYSTORE_PASSWORD_VARIABLE}")
    try:
        return bytes(Account.decrypt(content, password)).hex()
    except ValueError as error:
        is_password = "MAC" in str(error)
        words = f"this is not the password of {path}" if is_password else f"{path} is damaged and cannot be decrypted"
        raise CommandError(words, ExitCode.KEYS) from None
    except (KeyError, TypeError, NotImplementedError):
        raise CommandError(f"{path} is no keystore file of a kind that is known here (version 3)",
                           ExitCode.USAGE) from None


def _approval_from_elsewhere(wallet_address: str, as_json: bool, domain: str, signing_address: str, expiry_ms: int
                             ) -> Approval:
    typed_data = auth.registration_typed_data(domain, signing_address, expiry_ms)
    if as_json:
        typer.echo(output.json_text({"typed_data": typed_data}))
    else:
        typer.echo("Have the wallet sign this (EIP-712 typed data, eth_signTypedData_v4):\n")
        typer.echo(output.json_text(typed_data, indent=2) + "\n")
    signature = _standard_signature(prompts.line("Enter the signature, 0x and 130 hexadecimal digits:"))
    signer = _signer(signature, domain, signing_address, expiry_ms)
    if signer.lower() != wallet_address.lower():
        raise CommandError(
            f"this is not the signature of {to_checksum_address(wallet_address)} under that data (it is one of "
            f"{signer}); nothing was sent", ExitCode.KEYS,
        )
    return Approval(signer, signature)


def _standard_signature(text: str) -> str:
    """A signature as the venue wants it: some wallets end it with 0 or 1 where others have 27 or 28."""
    try:
        signature = bytearray.fromhex(text.strip().removeprefix("0x").removeprefix("0X"))
    except ValueError:
        signature = bytearray()
    if len(signature) != _SIGNATURE_BYTES or signature[-1] not in (0, 1, 27, 28):
        raise CommandError("this is no signature: it is 0x and 130 hexadecimal digits; nothing was sent", ExitCode.KEYS)
    if signature[-1] < 27:
        signature[-1] += 27
    return "0x" + signature.hex()


def _signer(signature: str, domain: str, signing_address: str, expiry_ms: int) -> str:
    """Whose signature it is: its address."""
    message = encode_typed_data(full_message=auth.registration_typed_data(domain, signing_address, expiry_ms))
    try:
        return Account.recover_message(message, signature=signature)
    except (BadSignature, ValidationError, ValueError):
        raise CommandError("this is nobody's signature; nothing was sent", ExitCode.KEYS) from None
