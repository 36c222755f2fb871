"""What is said to register a key, and what is remembered of it."""
import base64
import json

import pytest

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import VestPerpetualAuth
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import (
    RegistrationNote,
    api_key_and_group_from,
    expiry_ms,
    register_request,
    renewal_command,
)

DOMAIN = "vest_perpetual_testnet"
SIGNING_KEY = "0x" + "33" * 32


def auth(api_key="opaque"):
    return VestPerpetualAuth(api_key, SIGNING_KEY, 0, ServerClock(), DOMAIN)


def jwt(claims):
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{part}.{part}.{part}"


ADDRESS = auth().signing_address
NOTE = RegistrationNote(ADDRESS.lower(), 1_800_000_000_000, 0)


def test_the_request_has_addresses_in_lower_case_and_the_network_type():
    assert register_request("0xAB", "0xCD", "0x12", 5) == {
        "signingAddr": "0xab", "primaryAddr": "0xcd", "signature": "0x12", "expiryTime": 5, "networkType": 0,
    }


def test_the_answer_may_name_group_0():
    assert api_key_and_group_from({"apiKey": "key", "accGroup": 0}) == ("key", 0)


@pytest.mark.parametrize("payload", [{}, {"apiKey": "key"}, {"accGroup": 1}, {"apiKey": "", "accGroup": 1}, [], None])
def test_an_answer_without_the_values_is_none(payload):
    with pytest.raises(VestPayloadError):
        api_key_and_group_from(payload)


def test_a_note_is_about_its_own_key_alone(tmp_path):
    assert RegistrationNote.read(tmp_path, DOMAIN, ADDRESS) is None
    NOTE.write(tmp_path, DOMAIN)
    assert RegistrationNote.read(tmp_path, DOMAIN, ADDRESS) == NOTE
    assert RegistrationNote.read(tmp_path, DOMAIN, "0x" + "1" * 40) is None
    assert RegistrationNote.read(tmp_path, "vest_perpetual", ADDRESS) is None


def test_a_note_holds_nothing_secret(tmp_path):
    NOTE.write(tmp_path, DOMAIN)
    [file] = tmp_path.iterdir()
    assert json.loads(file.read_text()) == {
        "signing_address": ADDRESS.lower(), "expires_ms": 1_800_000_000_000, "account_group": 0,
    }


@pytest.mark.parametrize("content", ["", "{", "[]", "5", "{}", '{"signing_address": 5}', "\u00e4"])
def test_a_damaged_note_is_none(tmp_path, content):
    NOTE.write(tmp_path, DOMAIN)
    next(tmp_path.iterdir()).write_text(content)
    assert RegistrationNote.read(tmp_path, DOMAIN, ADDRESS) is None


@pytest.mark.parametrize("claims, has_note, end_ms", [
    (None, False, None), (None, True, 1_800_000_000_000), ({"exp": 1_700_000_000}, False, 1_700_000_000_000),
    ({"exp": 1_700_000_000}, True, 1_700_000_000_000), ({"exp": 1_900_000_000}, True, 1_800_000_000_000),
    ({"exp": float("inf")}, False, None), ({"exp": "soon"}, True, 1_800_000_000_000),
])
def test_the_keys_expire_at_the_first_end_that_somebody_told(tmp_path, claims, has_note, end_ms):
    if has_note:
        NOTE.write(tmp_path, DOMAIN)
    assert expiry_ms(auth("opaque" if claims is None else jwt(claims)), tmp_path, DOMAIN) == end_ms


def test_the_command_that_renews():
    assert renewal_command(DOMAIN) == "vest-perpetual register --save --domain vest_perpetual_testnet"
