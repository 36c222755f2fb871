"""An order's hash and signature."""
from typing import Callable, Dict, List

import coincurve
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_keys import keys
from eth_keys.backends import NativeECCBackend
from eth_utils import keccak

from benchmarks.measuring import OURS, REFERENCE, Row, cpu_s_of, interleaved
from benchmarks.venues.venue import PRICE, PRIVATE_KEY, SIZE
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import VestPerpetualAuth
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock

_TYPES = ("uint256", "uint256", "string", "string", "bool", "string", "string", "bool")
_VALUES = (1_760_000_000_000, 1_760_000_000_000_123, "LIMIT", "BTC-PERP", True, SIZE, PRICE, False)
_KEY = bytes.fromhex(PRIVATE_KEY[2:])


def _contenders() -> Dict[str, Callable[[], object]]:
    auth = VestPerpetualAuth("key", PRIVATE_KEY, 0, ServerClock(), CONSTANTS.SIMULATOR_DOMAIN)
    account = Account.from_key(_KEY)
    sign_reference = coincurve.PrivateKey(_KEY).sign_recoverable
    sign_in_python = keys.PrivateKey(_KEY, NativeECCBackend()).sign_msg_hash

    def digest() -> bytes:
        return keccak(encode(_TYPES, _VALUES))

    return {
        OURS: lambda: auth._generate_orders_signature(*_VALUES),
        "eth-account as documented": lambda: Account.sign_message(encode_defunct(digest()), private_key=_KEY),
        "eth-account, account kept": lambda: account.sign_message(encode_defunct(digest())),
        "without coincurve": lambda: sign_in_python(keccak(b"\x19Ethereum Signed Message:\n32" + digest())),
        REFERENCE: lambda: sign_reference(digest(), hasher=None),
    }


def measure(repetitions: int, count: int) -> List[Row]:
    """One row.

    :param repetitions: of each contender
    :param count: signatures in one repetition
    """
    medians = interleaved(
        {name: lambda work=work: cpu_s_of(work, count) * 1e6 for name, work in _contenders().items()}, repetitions
    )
    row = Row("hash and sign an order", "µs", medians, "≤ 1.5 × reference")
    row.reached = row.ratio_to_reference() <= 1.5
    return [row]
