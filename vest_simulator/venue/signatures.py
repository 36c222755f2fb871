"""Signature checks (protocol section 5): EIP-191 over the hash of the ABI encoding, EIP-712 for registration."""
from typing import Sequence

from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_keys.exceptions import BadSignature, ValidationError
from eth_utils import keccak

from vest_simulator.engine.codes import Code, VenueError

DEVELOPMENT_CONTRACT = "0x8E4D87AEf4AC4D5415C35A12319013e34223825B"
ORDER_TYPES = ("uint256", "uint256", "string", "string", "bool", "string", "string", "bool")
CANCEL_TYPES = ("uint256", "uint256", "string")
LP_TYPES = ("uint256", "uint256", "string", "string")
WITHDRAW_TYPES = ("uint256", "uint256", "bool", "address", "address", "address", "uint256", "uint256")
_REGISTRATION_TYPES = {"SignerProof": [{"name": "approvedSigner", "type": "address"},
                                       {"name": "signerExpiry", "type": "uint256"}]}


def request_hash(types: Sequence[str], values: Sequence) -> bytes:
    """The 32 bytes that a request's signature covers (before the EIP-191 prefix)."""
    return keccak(encode(types, values))


def registration_message(contract: str, signing_address: str, expiry_ms: int):
    """The EIP-712 message that the primary key signs to approve a signing key; its domain has no chainId."""
    domain = {"name": "VestRouterV2", "version": "0.0.1", "verifyingContract": contract}
    proof = {"approvedSigner": signing_address, "signerExpiry": expiry_ms}
    return encode_typed_data(domain, _REGISTRATION_TYPES, proof)


def signature_bytes(signature: str) -> bytes:
    """:raises VenueError: 1022 unless it is 0x and 65 bytes of hex with v 27 or 28"""
    if not signature.startswith("0x") or len(signature) != 132:
        raise VenueError(Code.INVALID_SIGNATURE, "A signature is 0x and 65 bytes of hex.")
    try:
        raw = bytes.fromhex(signature[2:])
    except ValueError:
        raise VenueError(Code.INVALID_SIGNATURE, "A signature is 0x and 65 bytes of hex.") from None
    if raw[64] not in (27, 28):
        raise VenueError(Code.INVALID_SIGNATURE, "The last byte of a signature is 27 or 28.")
    return raw


def recover(message, signature: str) -> str:
    """The address that signed, in lower case. :raises VenueError: 1022 when there is none"""
    try:
        return Account.recover_message(message, signature=signature_bytes(signature)).lower()
    except (BadSignature, ValidationError) as error:
        raise VenueError(Code.INVALID_SIGNATURE) from error


def check_request(types: Sequence[str], values: Sequence, signature: str, address: str) -> bytes:
    """Returns the request's hash. :raises VenueError: 1022 unless `address` (lower case) signed it"""
    digest = request_hash(types, values)
    if recover(encode_defunct(digest), signature) != address:
        raise VenueError(Code.INVALID_SIGNATURE)
    return digest
