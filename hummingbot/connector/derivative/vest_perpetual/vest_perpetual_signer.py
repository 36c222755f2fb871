"""Hashes and personal signatures (EIP-191), by the fastest libraries that are installed.

`eth_account` makes the same bytes; around a signature it builds and checks objects that cost two more signatures.
`coincurve` is optional: a Hummingbot installed with pip brings it, through `bip-utils`; without it signing is done in
Python alone and takes 1.5 ms instead of 0.03 ms. The wheel's extra `fast`, or `pip install coincurve`, brings it
elsewhere.
"""
from functools import partial
from typing import Any, Callable, Dict, List, Sequence, Tuple

from eth_keys import keys
from sha3 import keccak_256  # Hummingbot's safe-pysha3; what eth_utils chooses by itself is three times as slow

try:
    import coincurve
except ImportError:
    coincurve = None
try:
    from coincurve._libsecp256k1 import ffi, lib
except ImportError:
    ffi = lib = None

# EIP-191, version E: what wallets put before a message of 32 bytes.
_PREFIX = b"\x19Ethereum Signed Message:\n32"
# A signature's last byte is this plus the parity of its point.
_FIRST_V = 27
_WORD = 32  # bytes
_PROBE = bytes(range(32))  # a digest that is signed in both ways
# What a value has to be, exactly: True is no number here.
_KINDS: Dict[str, type] = {"uint256": int, "bool": bool, "address": str, "string": str}


def request_hash(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """The 32 bytes that are signed for a request: keccak256 of the values' ABI encoding.

    :param types: Solidity types, of those that requests have: uint256, bool, address, string
    :param values: one value for each type
    :raises TypeError: when a value is not of its type
    :raises ValueError: when a value cannot be encoded, or there are not as many as types
    """
    return keccak_256(abi_encoded(types, values)).digest()


def abi_encoded(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """The values as a contract wants them: a word for each, and behind the words the texts that words point to.

    `eth_abi` gives the same bytes for these types and builds objects for all types there are, which is most of the time
    that an order's hash takes when the processor has something else to do between orders. Then each call in Python is
    dear as well, so it is one loop.

    :param types: as for `request_hash`
    :param values: as for `request_hash`
    """
    words: List[bytes] = []
    texts: List[bytes] = []
    text_begins = _WORD * len(types)
    try:
        for kind, value in zip(types, values, strict=True):
            if type(value) is not _KINDS[kind]:
                raise TypeError(f"{type(value).__name__} where {kind} is signed")
            if kind == "string":
                text = value.encode()
                text = len(text).to_bytes(_WORD, "big") + text + bytes(-len(text) % _WORD)
                texts.append(text)
                words.append(text_begins.to_bytes(_WORD, "big"))
                text_begins += len(text)
            elif kind == "address":
                words.append(_address_word(value))
            else:
                words.append(value.to_bytes(_WORD, "big"))
    except OverflowError as error:
        raise ValueError("a number is no uint256") from error
    return b"".join(words + texts)


def _address_word(value: str) -> bytes:
    address = bytes.fromhex(value.removeprefix("0x"))
    if len(address) != 20 or len(value) != 42:
        raise ValueError("an address has 0x and 40 hexadecimal digits")
    return address.rjust(_WORD, b"\0")


def _curve_signer(key: "coincurve.PrivateKey") -> Callable[[bytes], bytes]:
    """The library's own method, or what calls the curve as it does where that makes the same signature: how the library
    calls C is its own business and may change.
    """
    usual = partial(key.sign_recoverable, hasher=None)
    try:
        direct = _direct_signer(key)
        is_same = direct(_PROBE) == usual(_PROBE)
    except (AttributeError, TypeError, ValueError):
        is_same = False
    return direct if is_same else usual


def _direct_signer(key: "coincurve.PrivateKey") -> Callable[[bytes], bytes]:
    """As the library's own method, whose Python around these two calls costs an order that comes after a pause 35 µs:
    here functions are looked up, and what they write to is made, once for all signatures. Other threads run during a
    call of C, so a second one that signs meanwhile gets places of its own to write to.
    """
    context, secret, null = key.context.ctx, key.secret, ffi.NULL
    sign_recoverable = lib.secp256k1_ecdsa_sign_recoverable
    serialize = lib.secp256k1_ecdsa_recoverable_signature_serialize_compact
    spare: List[Tuple] = []

    def sign(digest: bytes) -> bytes:
        try:
            places = spare.pop()
        except IndexError:
            places = _places()
        signature, compact, parity, compact_bytes = places
        if not sign_recoverable(context, signature, digest, secret, null, null):
            raise ValueError("the private key is none of the curve")
        serialize(context, compact, parity, signature)
        signed = compact_bytes[:] + bytes((parity[0],))
        spare.append(places)
        return signed

    return sign


def _places() -> Tuple:
    """What the curve writes a signature to: its own form, 64 bytes, the parity, and the 64 bytes as Python reads them.
    """
    compact = ffi.new("unsigned char[64]")
    return ffi.new("secp256k1_ecdsa_recoverable_signature *"), compact, ffi.new("int *"), ffi.buffer(compact)


class PersonalSigner:
    """Signs hashes with one key. Signatures are deterministic (RFC 6979): either library makes the same.

    :param private_key: 32 bytes
    """

    def __init__(self, private_key: bytes):
        if coincurve is None:
            sign = keys.PrivateKey(private_key).sign_msg_hash
            self._sign = lambda digest: sign(digest).to_bytes()
        else:
            self._sign = _curve_signer(coincurve.PrivateKey(private_key))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def sign(self, message_hash: bytes) -> str:
        """The signature: 65 bytes in hexadecimal with 0x, v 27 or 28.

        :param message_hash: 32 bytes
        """
        signature = self._sign(keccak_256(_PREFIX + message_hash).digest())
        return "0x" + signature[:64].hex() + format(_FIRST_V + signature[64], "02x")
