"""How requests prove who sends them: headers, hashes and signatures (protocol section 5).

The hashes and signatures are pure functions; `VestPerpetualAuth` holds the keys and puts them into requests.
"""
import base64
import json
from functools import cached_property
from typing import Any, Callable, Dict, Optional, Sequence, Union

import ujson
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_signing as signing,
    vest_perpetual_utils as utils,
    vest_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_credentials import (
    api_key_problem,
    exchanged_problem,
    pasted,
    private_key_digits,
    private_key_problem,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestUnauthorizedError,
    VestUnusableKeyError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_signer import PersonalSigner, request_hash
from hummingbot.core.web_assistant.auth import AuthBase
from hummingbot.core.web_assistant.connections.data_types import RESTMethod, RESTRequest, WSRequest

_ORDER_TYPES = ("uint256", "uint256", "string", "string", "bool", "string", "string", "bool")
_CANCEL_TYPES = ("uint256", "uint256", "string")
_LP_TYPES = ("uint256", "uint256", "string", "string")
_WITHDRAW_TYPES = ("uint256", "uint256", "bool", "address", "address", "address", "uint256", "uint256")

_CONNECT_HINT = "enter the keys again with the connect command"


# --- Pure functions


def registration_typed_data(domain: str, signing_address: str, expiry_ms: int) -> Dict[str, Any]:
    """What the wallet signs (EIP-712, without chainId) to let a signing key act for it; `POST /register` wants it.

    :param domain: one of the three domains
    :param signing_address: address of the signing key
    :param expiry_ms: until when the signing key may act, in ms since the epoch
    """
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "SignerProof": [
                {"name": "approvedSigner", "type": "address"},
                {"name": "signerExpiry", "type": "uint256"},
            ],
        },
        "primaryType": "SignerProof",
        "domain": {
            "name": CONSTANTS.REGISTRATION_DOMAIN_NAME,
            "version": CONSTANTS.REGISTRATION_DOMAIN_VERSION,
            "verifyingContract": CONSTANTS.VERIFYING_CONTRACTS[domain],
        },
        "message": {"approvedSigner": signing_address, "signerExpiry": expiry_ms},
    }


def registration_signature(wallet_private_key: str, domain: str, signing_address: str, expiry_ms: int) -> str:
    """The wallet's signature of `registration_typed_data`, in hexadecimal with 0x.

    :param wallet_private_key: the wallet's own key; it is needed for this alone and never kept
    :param domain: one of the three domains
    :param signing_address: address of the signing key
    :param expiry_ms: until when the signing key may act, in ms since the epoch
    :raises VestUnusableKeyError: when the wallet's key is none
    """
    problem = private_key_problem(wallet_private_key, "the wallet's private key")
    if problem:
        raise VestUnusableKeyError(problem)
    typed_data = registration_typed_data(domain, signing_address, expiry_ms)
    wallet = Account.from_key(private_key_digits(wallet_private_key))
    return _hexadecimal(wallet.sign_message(encode_typed_data(full_message=typed_data)).signature)


def jwt_expiry_ms(token: str) -> Optional[int]:
    """Until when a JWT is good, in ms since the epoch; None when it is no JWT or does not say.

    :param token: an API key, which may or may not be a JWT (protocol section 5)
    """
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "==")) if len(parts) == 3 else {}
        return int(float(claims["exp"]) * 1000)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None


def _hexadecimal(signature: bytes) -> str:
    return "0x" + bytes(signature).hex()


# --- Keys in use


class VestPerpetualAuth(AuthBase):
    """The keys of one account, and how requests are signed with them.

    Keys are checked at first use, not when this is made: a connector for market data alone is made with empty or dummy
    ones (acceptance A2).

    :param api_key: apiKey of the registration
    :param signing_private_key: the registered signing key, never the wallet's; with or without 0x
    :param account_group: accGroup of the registration; blank is 0
    :param clock: the venue's clock
    :param domain: one of the three domains
    """

    def __init__(
            self,
            api_key: str,
            signing_private_key: str,
            account_group: Union[int, str],
            clock: ServerClock,
            domain: str = CONSTANTS.DEFAULT_DOMAIN,
    ):
        self._api_key = pasted(api_key)
        self._signing_private_key = signing_private_key
        self.account_group = utils.account_group_from(account_group)
        self._clock = clock
        self._domain = domain
        self.renewals = 0
        """How often the keys were replaced."""
        self._signers: Dict[str, Callable[[Dict[str, Any]], str]] = {
            CONSTANTS.ORDERS_PATH: self._sign_order,
            CONSTANTS.ORDERS_CANCEL_PATH: self._sign_cancel,
            CONSTANTS.LP_PATH: self._sign_lp,
            CONSTANTS.TRANSFER_WITHDRAW_PATH: self._sign_withdraw,
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}(domain={self._domain!r}, account_group={self.account_group})"

    @cached_property
    def key_problem(self) -> Optional[str]:
        """What is wrong with the keys, in words for the user that show none of them; None when they look right."""
        problem = (
            api_key_problem(self._api_key, f"{self._domain}_api_key")
            or private_key_problem(self._signing_private_key, f"{self._domain}_signing_private_key")
            or exchanged_problem(self._api_key, self._signing_private_key)
        )
        return f"{problem}; {_CONNECT_HINT}" if problem else None

    def replace_keys(self, api_key: str, signing_private_key: str) -> None:
        """Uses other keys of the same account from now on.

        :param api_key: apiKey of the new registration
        :param signing_private_key: the key registered with it
        """
        self._api_key = pasted(api_key)
        self._signing_private_key = signing_private_key
        for derived in ("key_problem", "_account", "_signer"):
            vars(self).pop(derived, None)
        self.renewals += 1

    def holds(self, api_key: str, signing_private_key: str) -> bool:
        """Whether these are the keys in use.

        :param api_key: as it was entered
        :param signing_private_key: as it was entered
        """
        return (pasted(api_key), private_key_digits(signing_private_key)) == (
            self._api_key, private_key_digits(self._signing_private_key))

    def refuse_key_of_wallet(self, address: str, remedy: str) -> None:
        """Signs nothing any more if the key entered is that of the account's wallet: whoever gets hold of it has all
        that the wallet owns, and it cannot be replaced.

        :param address: of the wallet, as the venue tells it
        :param remedy: the command that makes a signing key
        :raises VestUnusableKeyError: when the key is the wallet's
        """
        if self.signing_address.lower() == address.lower():
            self.key_problem = (
                f"{self._domain}_signing_private_key is the key of your wallet: a bot must not have it, and nothing is "
                f"signed with it. Make a signing key with: {remedy}"
            )
            raise VestUnusableKeyError(self.key_problem)

    @property
    def signing_address(self) -> str:
        """Address of the signing key.

        :raises VestUnusableKeyError: when there is no usable key
        """
        return self._account.address

    @property
    def api_key_expiry_ms(self) -> Optional[int]:
        """Until when the API key is good, in ms since the epoch; None when it does not say (design decision 12)."""
        return jwt_expiry_ms(self._api_key)

    @cached_property
    def _account(self) -> LocalAccount:
        self._require_keys()
        return Account.from_key(private_key_digits(self._signing_private_key))

    @cached_property
    def _signer(self) -> PersonalSigner:
        return PersonalSigner(bytes(self._account.key))

    def _require_keys(self) -> None:
        if self.key_problem is not None:
            raise VestUnusableKeyError(self.key_problem)

    async def rest_authenticate(self, request: RESTRequest) -> RESTRequest:
        """Adds the headers, and what else the end point wants: the time, or the time, window and signature.

        :param request: its data, if any, is a dictionary, or JSON text as the framework makes it; then it is JSON text
        :raises VestUnusableKeyError: when there is no usable key; nothing is sent then
        """
        self._require_keys()
        request.headers = {
            **(request.headers or {}),
            CONSTANTS.API_KEY_HEADER: self._api_key,
            CONSTANTS.ACCOUNT_GROUP_HEADER: web_utils.server_name(self.account_group),
        }
        if request.method == RESTMethod.GET:
            request.params = {**(request.params or {}), **signing.time_field(self._clock.now_ms())}
        elif request.data is not None:
            body = dict(request.data) if isinstance(request.data, dict) else json.loads(request.data)
            self._stamp(body, web_utils.rest_path(request.url, self._domain))
            request.data = ujson.dumps(body)  # json's own costs an order that waits for it 8 µs more
        return request

    async def ws_authenticate(self, request: WSRequest) -> WSRequest:
        """Passes through: the listen key in the socket's address is all the proof there is."""
        return request

    def _stamp(self, body: Dict[str, Any], path: str) -> None:
        sign = self._signers.get(path)
        if sign is None:
            body.update(signing.time_field(self._clock.now_ms()))
            return
        order = signing.stamped_order(body, self._clock.now_ms())
        signing.seal(body, sign(order))

    def _sign_order(self, order: Dict[str, Any]) -> str:
        signing.sign_triggers(order, self._generate_orders_signature)
        return self._generate_orders_signature(*signing.order_values(order))

    def _sign_cancel(self, order: Dict[str, Any]) -> str:
        return self._generate_cancel_signature(*signing.cancel_values(order))

    def _sign_lp(self, order: Dict[str, Any]) -> str:
        return self._generate_lp_signature(*signing.lp_values(order))

    def _sign_withdraw(self, order: Dict[str, Any]) -> str:
        signature = self._generate_withdraw_signature(*signing.withdraw_values(order))
        signing.name_token(order)
        return signature

    def _generate_orders_signature(
            self,
            time_ms: int,
            nonce: int,
            order_type: str,
            symbol: str,
            is_buy: bool,
            size: str,
            limit_price: str,
            reduce_only: bool,
    ) -> str:
        """Signature of `POST /orders`; size and price are the very texts that are sent."""
        values = (time_ms, nonce, order_type, symbol, is_buy, size, limit_price, reduce_only)
        return self._signature(_ORDER_TYPES, values)

    def _generate_cancel_signature(self, time_ms: int, nonce: int, order_id: str) -> str:
        """Signature of `POST /orders/cancel`."""
        return self._signature(_CANCEL_TYPES, (time_ms, nonce, order_id))

    def _generate_lp_signature(self, time_ms: int, nonce: int, order_type: str, size: str) -> str:
        """Signature of `POST /lp`; the size is the very text that is sent."""
        return self._signature(_LP_TYPES, (time_ms, nonce, order_type, size))

    def _generate_withdraw_signature(
            self, time_ms: int, nonce: int, account: str, recipient: str, token_address: str, size: int, chain_id: int
    ) -> str:
        """Signature of `POST /transfer/withdraw`; the size is in whole units of 1e-6 USDC, and the token is named by
        its address here, while the body says USDC.
        """
        values = (time_ms, nonce, False, account, recipient, token_address, size, chain_id)
        return self._signature(_WITHDRAW_TYPES, values)

    def _signature(self, types: Sequence[str], values: Sequence[Any]) -> str:
        """Every signature of a request is made here, so that a rehearsal can show what is signed instead.

        :param types: Solidity types
        :param values: one value for each type
        """
        return self._signer.sign(request_hash(types, values))


# --- After a refusal


class ApiKeyGuard:
    """Keeps the connector from asking on and on with an API key that the venue has refused (acceptance C29).

    One request is let through after each pause, so that a venue that was wrong for a while is noticed; the pauses begin
    short and double with each refusal. HTTP 401 and 403 with JSON that holds no code of the venue say something about
    the key only in a row; with the page of a firewall they say nothing about it, and never come here.

    :param pause_max_s: the longest pause, in s
    :param clock: measures the pauses
    """

    REFUSALS_WITHOUT_CODE = 3
    PAUSE_MIN_S = 5.0

    def __init__(self, pause_max_s: float, clock: ServerClock):
        self.pause_max_s = pause_max_s
        self._clock = clock
        self._pause_s = min(self.PAUSE_MIN_S, pause_max_s)
        self._refusal: Optional[VestUnauthorizedError] = None
        self._refused_until_s = 0.0
        self._refusals_without_code = 0

    def note_refusal(self, error: VestUnauthorizedError) -> bool:
        """Begins a pause when it is the key that was refused.

        :param error: what the venue, or our own check of the keys, said
        :return: whether that is news
        """
        if not error.concerns_api_key:
            return False
        if error.code is None and error.status is not None:
            self._refusals_without_code += 1
            if self._refusals_without_code < self.REFUSALS_WITHOUT_CODE:
                return False
        is_news = self._refusal is None
        self._refusal = error
        now_s = self._clock.monotonic_s()
        if now_s >= self._refused_until_s:  # else it answers a request that was let through in the pause, or before it
            self._refused_until_s = now_s + self._pause_s
            self._pause_s = min(2 * self._pause_s, self.pause_max_s)
        return is_news

    def note_success(self) -> None:
        """The venue accepts the key."""
        self._refusal = None
        self._refused_until_s = 0.0
        self._refusals_without_code = 0
        self._pause_s = min(self.PAUSE_MIN_S, self.pause_max_s)

    def check(self) -> None:
        """To be called before every private request but cancels, which protect money.

        :raises VestUnauthorizedError: the refusal, while its pause lasts
        """
        if self._refusal is not None and self._clock.monotonic_s() < self._refused_until_s:
            raise self._refusal
