"""Signatures are the bytes of `eth_account`, whichever library of the curve makes them."""
import importlib
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import keccak
from hypothesis import given, settings, strategies as st

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_signer as signer_module
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_signer import (
    PersonalSigner,
    abi_encoded,
    request_hash,
)

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEYS = st.integers(1, CURVE_ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
HASHES = st.binary(min_size=32, max_size=32)


INSIDES = "coincurve._libsecp256k1"
OTHER_INSIDES = SimpleNamespace(ffi=signer_module.ffi, lib=SimpleNamespace())
CHANGED = {
    "without coincurve": {"coincurve": None, INSIDES: None},
    "with another coincurve": {INSIDES: None},
    "with a coincurve of other insides": {INSIDES: OTHER_INSIDES},
}


@pytest.fixture(params=["with coincurve", *CHANGED], scope="module")
def signer_class(request):
    if request.param == "with coincurve":
        yield PersonalSigner
        return
    with patch.dict(sys.modules, CHANGED[request.param]):
        importlib.reload(signer_module)
        yield signer_module.PersonalSigner
    importlib.reload(signer_module)


@settings(max_examples=50, deadline=None)
@given(key=KEYS, message_hash=HASHES)
def test_signatures_are_those_of_eth_account(signer_class, key, message_hash):
    expected = Account.from_key(key).sign_message(encode_defunct(message_hash)).signature

    assert signer_class(key).sign(message_hash) == "0x" + bytes(expected).hex()


def test_threads_that_sign_at_once_do_not_disturb_each_other():
    signer = PersonalSigner(bytes([1]) * 32)
    hashes = [number.to_bytes(32, "big") for number in range(2000)]

    with ThreadPoolExecutor(8) as threads:
        at_once = list(threads.map(signer.sign, hashes))

    assert at_once == [signer.sign(message_hash) for message_hash in hashes]


def test_both_libraries_were_asked(signer_class, request):
    names = signer_class.sign.__globals__

    assert (names["coincurve"] is None) == ("without" in request.node.name)
    assert (names["ffi"] is None) == ("without" in request.node.name or "another" in request.node.name)
    assert (names["lib"] is OTHER_INSIDES.lib) == ("other insides" in request.node.name)


def test_a_signer_does_not_show_its_key():
    assert repr(PersonalSigner(b"\x11" * 32)) == "PersonalSigner()"


TYPES_AND_VALUES = st.lists(st.one_of(
    st.tuples(st.just("uint256"), st.integers(0, 2 ** 256 - 1)),
    st.tuples(st.just("bool"), st.booleans()),
    st.tuples(st.just("string"), st.text(st.characters(codec="utf-8"), max_size=100)),
    st.tuples(st.just("address"), st.binary(min_size=20, max_size=20).map(lambda address: "0x" + address.hex())),
), max_size=10)


@settings(max_examples=300, deadline=None)
@given(fields=TYPES_AND_VALUES)
def test_values_are_encoded_and_hashed_as_by_eth_abi_and_eth_utils(fields):
    types, values = [kind for kind, _ in fields], [value for _, value in fields]

    assert abi_encoded(types, values) == encode(types, values)
    assert request_hash(types, values) == keccak(encode(types, values))


@pytest.mark.parametrize("kind, value", [
    ("uint256", "1"), ("uint256", 1.0), ("uint256", True), ("uint256", -1), ("uint256", 2 ** 256), ("bool", 1),
    ("bool", "true"), ("string", 1), ("string", b"a"), ("string", None), ("address", "0x12"), ("address", "11" * 21),
    ("address", "0x" + "1 " * 20),
])
def test_a_value_that_is_not_of_its_type_is_not_signed(kind, value):
    with pytest.raises((TypeError, ValueError)):
        abi_encoded([kind], [value])


def test_no_value_is_left_out():
    with pytest.raises(ValueError):
        abi_encoded(["uint256", "uint256"], [1])
