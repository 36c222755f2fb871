"""Moves money of the account: into and out of the venue's liquidity pool (LP), and out to a wallet.

Nothing in Hummingbot and no strategy calls this; it is for people and scripts who mean it:

    await connector.deposit_lp(Decimal("100"))
    await connector.withdraw(Decimal("50"), recipient="0x…", chain_id=324, token_address="0x…")

Each call sends one request and waits until the venue's own list says what became of it. When that cannot be known, the
error says so and no second request is sent: money must not move twice because an answer was lost.
"""
import re
from decimal import Decimal
from typing import Any, Awaitable, Callable, Dict, List, Optional

from eth_utils import to_checksum_address

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_account_reader import read_account
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestError,
    VestInvalidTransferError,
    VestPayloadError,
    VestRefusedError,
    VestTransferUnknownError,
    is_outcome_unknown,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_ids import OrderIds
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import rows_from

_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
_ZERO_ADDRESS = "0x" + "0" * 40
_TOO_MUCH = Decimal("1e15")  # nobody has that; numbers beyond all bounds take long to compute with


class VestTransfers:
    """The part of the connector that moves money. All its methods raise the `VestError` of a request that failed."""

    # Readings of the venue's list, which may lag the answer, and the pause between them in s.
    READS_OF_TRANSFER = 4
    TRANSFER_READ_PAUSE_S = 0.5

    _api_get: Callable[..., Awaitable[Any]]
    _api_post: Callable[..., Awaitable[Any]]
    _order_ids: OrderIds
    _sleep: Callable[[float], Awaitable[None]]

    async def deposit_lp(self, amount: Decimal) -> wire.TransferRecord:
        """**Moves money** from the account's balance into the venue's liquidity pool, where it can lose value.

        :param amount: in USDC, with 6 decimals at most
        :raises VestInvalidTransferError: when the amount cannot be right; nothing was sent
        :raises VestRefusedError: when the venue refused; nothing was moved
        :raises VestTransferUnknownError: when it is not known what became of it
        """
        return await self._send_lp_order(CONSTANTS.LP_DEPOSIT, amount)

    async def withdraw_lp(self, amount: Decimal, scheduled: bool = False) -> wire.TransferRecord:
        """**Moves money** out of the venue's liquidity pool, back into the account's balance. Raises as `deposit_lp`.

        :param amount: in USDC, with 6 decimals at most
        :param scheduled: SCHEDULE_WITHDRAW, which the venue carries out later, instead of IMMEDIATE_WITHDRAW
        """
        order_type = CONSTANTS.LP_SCHEDULE_WITHDRAW if scheduled else CONSTANTS.LP_IMMEDIATE_WITHDRAW
        return await self._send_lp_order(order_type, amount)

    async def withdraw(self, amount: Decimal, recipient: str, chain_id: int, token_address: Optional[str] = None,
                       execute: bool = True) -> wire.TransferRecord:
        """**Moves money** out of the venue, to a wallet. Raises as `deposit_lp`.

        :param amount: in USDC, with 6 decimals at most
        :param recipient: address of the wallet on that chain: 0x and 40 digits, with a right checksum or without one
        :param chain_id: number of the chain
        :param token_address: of USDC on that chain, which is signed; the venue's documents do not say it. None takes it
            from `COLLATERAL_TOKEN_ADDRESSES` of the constants
        :param execute: passed on; presumably whether the venue carries it out on the chain by itself [?]
        """
        size = _units(amount)
        recipient = _checked_address(recipient, "recipient")
        if isinstance(chain_id, bool) or not isinstance(chain_id, int) or chain_id <= 0:
            raise VestInvalidTransferError(f"the chain id {chain_id!r} is not a positive whole number")
        token_address = _checked_address(_token_address(chain_id, token_address), "token_address")
        if recipient == token_address:
            raise VestInvalidTransferError("the recipient is the token's contract, where USDC is lost: give a wallet")
        answer = await self._api_get(path_url=CONSTANTS.ACCOUNT_PATH, is_auth_required=True)
        account = read_account(answer).account.address
        if account is None:
            raise VestPayloadError("account.address: missing, and a withdrawal has to name it")
        nonce = self._order_ids.next()
        request = wire.withdraw_request(nonce, _checked_address(account, "account.address"), recipient, token_address,
                                        size, chain_id, execute)
        return await self._send_transfer(CONSTANTS.TRANSFER_WITHDRAW_PATH, request, nonce, self.transfers)

    async def lp_orders(self, nonce: Optional[int] = None, start_ms: Optional[int] = None, end_ms: Optional[int] = None
                        ) -> List[wire.TransferRecord]:
        """The account's LP orders, newest 1000 at most. Moves nothing.

        :param nonce: of the one wanted, as the errors above carry it
        :param start_ms: posted at or after, in ms since the epoch
        :param end_ms: posted at or before, in ms since the epoch
        """
        return await self._records(CONSTANTS.LP_QUERY_PATH, wire.records_query(nonce, start_ms, end_ms))

    async def transfers(self, nonce: Optional[int] = None, start_ms: Optional[int] = None, end_ms: Optional[int] = None
                        ) -> List[wire.TransferRecord]:
        """The account's deposits and withdrawals, newest 1000 at most. Moves nothing. See `lp_orders`."""
        return await self._records(CONSTANTS.TRANSFER_QUERY_PATH, wire.records_query(nonce, start_ms, end_ms))

    async def _send_lp_order(self, order_type: str, amount: Decimal) -> wire.TransferRecord:
        nonce = self._order_ids.next()
        size = Decimal(_units(amount)).scaleb(-CONSTANTS.TRANSFER_DECIMALS).normalize()
        request = wire.lp_request(nonce, order_type, format(size, "f"))
        return await self._send_transfer(CONSTANTS.LP_PATH, request, nonce, self.lp_orders)

    async def _send_transfer(self, path_url: str, request: Dict[str, Any], nonce: int,
                             records: Callable[..., Awaitable[List[wire.TransferRecord]]]) -> wire.TransferRecord:
        """Sends a request once, and tells what became of it.

        :param records: the list that shows it
        """
        look = f"look at {records.__name__}(nonce={nonce}) before you try again"
        self.logger().info(f"A request that moves money is sent to Vest: POST {path_url}, nonce {nonce}.")
        try:
            wire.order_id_from(await self._api_post(path_url=path_url, data=request, is_auth_required=True))
        except VestError as error:
            if not is_outcome_unknown(error):
                raise
            words = f"it is not known whether Vest has the request: {look} ({error})"
            raise VestTransferUnknownError(words, nonce) from error
        problem = None
        for _ in range(self.READS_OF_TRANSFER):
            try:
                found = [record for record in await records(nonce=nonce) if record.nonce == nonce]
            except VestError as error:
                found, problem = [], error
            if found:
                return _accepted(found[0])
            await self._sleep(self.TRANSFER_READ_PAUSE_S)
        words = f"Vest took the request and does not show what became of it: {look}"
        raise VestTransferUnknownError(words, nonce) from problem

    async def _records(self, path_url: str, query: Dict[str, Any]) -> List[wire.TransferRecord]:
        rows = await self._api_get(path_url=path_url, params=query, is_auth_required=True)
        return [wire.TransferRecord.from_payload(row) for row in rows_from(rows, path_url)]


def _accepted(record: wire.TransferRecord) -> wire.TransferRecord:
    if record.status == CONSTANTS.ORDER_STATUS_REJECTED:
        raise VestRefusedError(record.code, "rejected without a reason" if record.code is None else "", None)
    return record


def _units(amount: Decimal) -> int:
    """An amount in USDC in whole units of 1e-6 USDC."""
    if not isinstance(amount, Decimal):
        raise VestInvalidTransferError(f'the amount must be a Decimal in USDC, such as Decimal("12.5"), not {amount!r}')
    if not amount.is_finite() or not 0 < amount < _TOO_MUCH:
        raise VestInvalidTransferError(f"the amount {amount} is not a positive number of USDC")
    numerator, denominator = amount.as_integer_ratio()  # whole numbers, so that nothing is rounded
    units, rest = divmod(numerator * 10 ** CONSTANTS.TRANSFER_DECIMALS, denominator)
    if rest:
        raise VestInvalidTransferError(
            f"the amount {amount} has more than {CONSTANTS.TRANSFER_DECIMALS} decimals: round it yourself"
        )
    return units


def _checked_address(address: str, name: str) -> str:
    """An address in lower case; one in mixed case must have the right checksum (EIP-55), which finds typing errors."""
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address) or not _may_be_meant(address):
        # It is not shown, because it may be a private key that was pasted into the wrong place.
        raise VestInvalidTransferError(
            f"{name} is no address: give 0x and 40 hexadecimal digits, all lower case or with a right checksum"
        )
    if address == _ZERO_ADDRESS:
        raise VestInvalidTransferError(f"{name} is the zero address, which belongs to nobody")
    return address.lower()


def _may_be_meant(address: str) -> bool:
    digits = address[2:]
    return digits in (digits.lower(), digits.upper()) or address == to_checksum_address(address)


def _token_address(chain_id: int, token_address: Optional[str]) -> str:
    address = token_address or CONSTANTS.COLLATERAL_TOKEN_ADDRESSES.get(chain_id)
    if address is None:
        raise VestInvalidTransferError(
            f"the address of {CONSTANTS.COLLATERAL_TOKEN} on chain {chain_id} has to be signed and is not known: give "
            f"token_address, or add it to COLLATERAL_TOKEN_ADDRESSES of the constants"
        )
    return address
