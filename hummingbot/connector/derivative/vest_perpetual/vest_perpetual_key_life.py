"""The life of the connector's keys: what is said when they are refused or expire, and how a running bot takes new ones.

The client hands the keys to the connector's constructor, so `connect` cannot change them in a running bot. This can: it
looks into the client's keystore with each check of the network, and goes on with the keys it finds there when they are
of the same account.
"""
import asyncio
import secrets
from typing import Any, Awaitable, Callable, Coroutine, Dict, Optional

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_account_reader import read_account
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import ApiKeyGuard, VestPerpetualAuth
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestError,
    VestOtherAccountError,
    VestRefusedError,
    VestStoredKeysError,
    VestUnauthorizedError,
    VestUnusableKeyError,
    says_nothing_of_keys,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_key_expiry import KeyExpiry
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_ids import OrderIds
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import renewal_command
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_stored_keys import KeystoreWatch
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_utils import account_group_from
from hummingbot.core.web_assistant.connections.data_types import RESTMethod
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory


async def try_signature(post: Callable[[str, Dict[str, Any]], Awaitable[Any]], nonce: int
                        ) -> Optional[VestRefusedError]:
    """Has the venue look at a signature, which reading the account does not need: it is asked to cancel an order that
    cannot exist. It looks at the signature first and then finds nothing to cancel (protocol sections 3 and 5).

    :param post: sends a body, signed, to one of the paths of the constants
    :param nonce: of the cancellation
    :return: what the venue refused after it had looked at the signature, `VestOrderNotFoundError` in all likelihood;
        None when it took the cancellation
    :raises VestUnauthorizedError: when it does not accept the signature
    :raises VestError: when it did not answer, or refused without looking at the signature
    """
    try:
        await post(CONSTANTS.ORDERS_CANCEL_PATH, wire.cancel_request(nonce, "0x" + secrets.token_hex(32)))
    except VestRefusedError as error:
        if isinstance(error, VestUnauthorizedError) or says_nothing_of_keys(error):
            raise
        return error
    return None


class VestKeyLife:
    """The part of the connector that is about its keys."""

    _clock: ServerClock
    _complaints: Complaints
    _domain: str
    _key_expiry: KeyExpiry
    _key_guard: ApiKeyGuard
    _keystore: KeystoreWatch
    _order_ids: OrderIds
    _renewal_task: Optional[asyncio.Task]
    _spawn: Callable[[Coroutine[Any, Any, Any]], asyncio.Task]
    _vest_auth: VestPerpetualAuth
    _wallet_address: Optional[str]

    def on_api_key_refused(self, error: VestUnauthorizedError) -> None:
        """Says once what to do, and stops asking for a while.

        :param error: what the venue, or our own check of the keys, said
        """
        self._keystore.doubt()
        if self._key_guard.note_refusal(error):
            self.logger().error(
                f"{error} But for cancels nothing private is asked of Vest for up to "
                f"{self._key_guard.pause_max_s / 60:.0f} minutes at a time; orders and positions are kept as they were "
                f"last known. The bot goes on as soon as new keys of this account are stored: "
                f"{renewal_command(self._domain)}"
            )

    def _warn_of_expiring_keys(self) -> None:
        warning = self._key_expiry.warning()
        if warning is not None:
            self.logger().warning(warning)

    def _note_wallet(self, address: Optional[str]) -> None:
        """Remembers whose account it is.

        :param address: of the wallet, as `GET /account` tells it
        :raises VestUnusableKeyError: when the key entered is the wallet's own
        """
        if address is None:
            return
        self._wallet_address = address
        try:
            self._vest_auth.refuse_key_of_wallet(address, renewal_command(self._domain))
        except VestUnusableKeyError as error:
            self.on_api_key_refused(error)
            raise

    async def _prove_signing_key(self, factory: WebAssistantsFactory) -> None:
        """A wrong signing key shall be found by `connect` and `balance`, not by the first order.

        :param factory: signs requests with the key
        :raises VestUnauthorizedError: when the signature is not accepted
        :raises VestError: when the venue did not answer, or refused without looking at it
        """
        await try_signature(
            lambda path_url, data: self._ask(factory, RESTMethod.POST, path_url, data=data), self._order_ids.next())

    async def _ask(self, factory: WebAssistantsFactory, method: RESTMethod, path_url: str, **content: Any) -> Any:
        assistant = await factory.get_rest_assistant()
        return await assistant.execute_request(
            url=web_utils.private_rest_url(path_url, self._domain), method=method, throttler_limit_id=path_url,
            is_auth_required=True, **content,
        )

    # --- Renewal

    def _look_for_renewed_keys(self) -> None:
        """To be called now and then, also while the keys in use are refused."""
        if not self._is_renewing_keys and self._keystore.has_offer:
            self._renewal_task = self._spawn(self._take_stored_keys())

    @property
    def _is_renewing_keys(self) -> bool:
        return self._renewal_task is not None and not self._renewal_task.done()

    async def _take_stored_keys(self) -> None:
        try:
            await self.renew_keys(*await self._keystore.offer())
        except (VestStoredKeysError, VestOtherAccountError, VestUnauthorizedError) as error:
            self._keystore.close_offer()
            self.logger().error(f"The keys stored for {self._domain} are not taken: {error}")
        except VestError as error:
            self._complaints.say(f"New keys could not be tried and are tried again. {error}")
        else:
            self._keystore.close_offer()

    async def renew_keys(self, api_key: str, signing_private_key: str, account_group: Any) -> None:
        """Goes on with new keys of the same account. Orders, positions and the database stay as they are; what the
        venue did meanwhile is found out as after any interruption. Does nothing when these keys are in use.

        :param api_key: apiKey of the new registration
        :param signing_private_key: the key registered with it
        :param account_group: accGroup of the registration, which must be the same as before
        :raises VestOtherAccountError: when they are another account's
        :raises VestUnauthorizedError: when they are refused
        :raises VestError: when they could not be tried; they are not in use
        """
        if self._vest_auth.holds(api_key, signing_private_key):
            return
        group = account_group_from(account_group)
        if group != self._vest_auth.account_group:
            raise VestOtherAccountError(f"their account group is {group}, not {self._vest_auth.account_group}")
        candidate = VestPerpetualAuth(api_key, signing_private_key, group, self._clock, self._domain)
        address = await self._wallet_of(candidate)
        if None not in (address, self._wallet_address) and address.lower() != self._wallet_address.lower():
            raise VestOtherAccountError("they were registered by another wallet")
        self._vest_auth.replace_keys(api_key, signing_private_key)
        self._key_guard.note_success()
        self._key_expiry.forget()
        self.logger().info("New Vest keys of the same account are in use from now on.")
        self._user_stream_tracker.data_source.reconnect_at_once("the keys were renewed")

    async def _wallet_of(self, auth: VestPerpetualAuth) -> Optional[str]:
        """Tries keys before they are used.

        :param auth: holds them
        :return: the address of the account's wallet, None when the venue does not tell
        """
        factory = web_utils.build_api_factory(self._throttler, self._clock, auth, self._domain)
        try:
            address = read_account(await self._ask(factory, RESTMethod.GET, CONSTANTS.ACCOUNT_PATH)).account.address
            if address is not None:
                auth.refuse_key_of_wallet(address, renewal_command(self._domain))
            await self._prove_signing_key(factory)
            return address
        finally:
            await factory.close()
