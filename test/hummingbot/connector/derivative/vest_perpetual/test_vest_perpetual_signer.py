"""Signatures are the bytes of `eth_account`, whichever library of the curve makes them."""
import importlib
import sys
from unittest.mock import patch

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given, settings, strategies as st

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_signer as signer_module
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_signer import PersonalSigner

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEYS = st.integers(1, CURVE_ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
HASHES = st.binary(min_size=32, max_size=32)


@pytest.fixture(params=["with coincurve", "without coincurve"], scope="module")
def signer_class(request):
    if request.param == "with coincurve":
        yield PersonalSigner
        return
    with patch.dict(sys.modules, {"coincurve": None}):
        importlib.reload(signer_module)
        yield signer_module.PersonalSigner
    importlib.reload(signer_module)


@settings(max_examples=50, deadline=None)
@given(key=KEYS, message_hash=HASHES)
def test_a2_signatures_are_those_of_eth_account(signer_class, key, message_hash):
    expected = Account.from_key(key).sign_message(encode_defunct(message_hash)).signature

    assert signer_class(key).sign(message_hash) == "0x" + bytes(expected).hex()


def test_both_libraries_were_asked(signer_class, request):
    assert (signer_class.sign.__globals__["coincurve"] is None) == ("without" in request.node.name)


def test_a_signer_does_not_show_its_key():
    assert repr(PersonalSigner(b"\x11" * 32)) == "PersonalSigner()"
