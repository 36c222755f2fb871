"""The keys of a registration as people enter them: what they meant, and what is wrong with it, in words without a key.

The client's settings import this: keep it light.
"""
import re
import string
from typing import Optional

# Private keys are smaller than this number.
_SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
# Quotes of all kinds, and what other programs put around a text without showing it.
_AROUND = string.whitespace + "\"'`“”‘’«»„" + "\u00a0\u200b\u200c\u200d\u2060\ufeff"
# Patterns are texts, which `re` compiles when it first meets them: every command of the client imports this.
_LINE_BREAK = r"\s*[\r\n]\s*"
_KEY_DIGITS = "[0-9a-fA-F]{64}"
_PREFIXED_KEY = "0[xX]" + _KEY_DIGITS
_ADDRESS = "(0[xX])?[0-9a-fA-F]{40}"
_JWT = r"(?a)[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"
_RECOVERY_PHRASE_WORDS = 12
# Hummingbot's secrets as it stores them: a keyfile in JSON, which begins with {", in hexadecimal.
_ENCRYPTED = "7b22[0-9a-f]{200,}"

_RECOVERY_PHRASE = "looks like a wallet's recovery phrase: it is never needed here, and must never be entered anywhere"


def pasted(text: str) -> str:
    """What was meant by a pasted text: no quotes and spaces around it, and no line breaks in it.

    :param text: as it was entered
    """
    return re.sub(_LINE_BREAK, "", text.strip(_AROUND))


def private_key_digits(text: str) -> str:
    """The digits of a private key, without 0x.

    :param text: as it was entered, with or without 0x and spaces
    """
    return "".join(pasted(text).split()).removeprefix("0x").removeprefix("0X")


def is_encrypted(text: str) -> bool:
    """Whether a secret is still as Hummingbot stores it (framework gap B22).

    :param text: the secret
    """
    return re.fullmatch(_ENCRYPTED, text) is not None


def api_key_problem(text: str, name: str) -> Optional[str]:
    """What is wrong with an API key, in words that do not show it; None when nothing is that can be seen.

    :param text: as it was entered
    :param name: what to call it
    """
    api_key = pasted(text)
    if not api_key:
        return f"{name} is empty"
    if re.fullmatch(_ADDRESS, api_key) and len(api_key) == 42:
        return f"{name} must be the apiKey of the registration; what was entered is an address"
    if len(api_key.split()) >= _RECOVERY_PHRASE_WORDS:
        return f"{name} must be the apiKey of the registration; what was entered {_RECOVERY_PHRASE}"
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        return f"{name} holds characters that no API key has; copy it anew from the registration"
    return None


def private_key_problem(text: str, name: str) -> Optional[str]:
    """What is wrong with a private key, in words that do not show it; None when nothing is that can be seen.

    :param text: 64 hexadecimal digits, as they were entered
    :param name: what to call it
    """
    digits = private_key_digits(text)
    if not digits:
        return f"{name} is empty"
    if not re.fullmatch(_KEY_DIGITS, digits):
        return f"{name} must be 64 hexadecimal digits, with or without 0x before them; what was entered " + (
            _what_it_is(pasted(text), digits))
    if not 0 < int(digits, 16) < _SECP256K1_ORDER:
        return f"{name} is not a key of the curve the venue uses; make a new one"
    return None


def _what_it_is(text: str, digits: str) -> str:
    if re.fullmatch(_ADDRESS, digits):
        return "is an address, which is public; the private key that belongs to it is needed"
    if re.fullmatch(_JWT, text):
        return "looks like an API key, which has a field of its own"
    if len(text.split()) >= _RECOVERY_PHRASE_WORDS:
        return _RECOVERY_PHRASE
    return f"has {len(digits)} characters"


def exchanged_problem(api_key: str, private_key: str) -> Optional[str]:
    """What tells that an API key and a private key were entered in each other's place; None when nothing does.

    Both may be 64 hexadecimal digits. Nobody knows that an API key cannot begin with 0x, so that alone is no proof.

    :param api_key: as it was entered
    :param private_key: as it was entered
    """
    api_key, private_key = pasted(api_key), pasted(private_key)
    if private_key_digits(api_key).lower() == private_key_digits(private_key).lower():
        return "the same text was entered as API key and as private key; start again, each has a field of its own"
    if re.fullmatch(_PREFIXED_KEY, api_key) and not private_key.lower().startswith("0x"):
        return ("the API key looks like a private key, and the private key does not begin with 0x: they seem to be in "
                "each other's place; start again, with 0x before the private key")
    return None
