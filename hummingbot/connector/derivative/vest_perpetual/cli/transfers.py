"""`lp` and `withdraw`: money into and out of the venue's liquidity pool, and out to a wallet."""
from enum import Enum
from typing import Annotated, Any, Awaitable, Dict, Optional

import typer

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.cli import output
from hummingbot.connector.derivative.vest_perpetual.cli.command import (
    CommandError,
    Domain,
    DomainOption,
    DryRunOption,
    ExitCode,
    JsonOption,
    KeysOption,
    YesOption,
    command,
)
from hummingbot.connector.derivative.vest_perpetual.cli.keys import keys_for
from hummingbot.connector.derivative.vest_perpetual.cli.numbers import number, whole_number
from hummingbot.connector.derivative.vest_perpetual.cli.signed import agreed
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Venue
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestTransferUnknownError

_COLUMNS = {
    "post_time_ms": "posted", "order_type": "type", "size": "USDC", "status": "status", "code": "code",
    "chain_id": "chain", "nonce": "nonce", "record_id": "id",
}
_FACTS = {"record_id": "Id", "order_type": "Type", "size": "USDC", "status": "Status", "nonce": "Nonce"}


class Direction(str, Enum):
    """Into the liquidity pool, or out of it."""

    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"


@command
async def lp(
        direction: Annotated[Optional[Direction], typer.Argument(
            help="deposit or withdraw; without it, the LP orders so far are listed.",
        )] = None,
        amount: Annotated[Optional[str], typer.Argument(help="In USDC.")] = None,
        scheduled: Annotated[bool, typer.Option(
            "--scheduled", help="Have a withdrawal carried out later, as Vest schedules it.",
        )] = False,
        yes: YesOption = False,
        dry_run: DryRunOption = False,
        domain: DomainOption = Domain.PRODUCTION,
        keys: KeysOption = None,
        as_json: JsonOption = False,
) -> None:
    """List LP orders, or move money into or out of Vest's pool.

    Money in the liquidity pool can lose value.
    """
    async with Venue(domain.value, keys_for(domain, keys)) as venue:
        if direction is None:
            rows = [record_row(record) for record in await venue.lp_orders()]
            text = output.table(rows, _COLUMNS, "No LP orders.")
            output.emit({"domain": domain.value, "lp_orders": rows}, text, as_json)
            return
        if amount is None:
            raise CommandError(f"say how much: vest-perpetual lp {direction.value} AMOUNT", ExitCode.USAGE)
        usdc = number(amount, "amount")

        async def send() -> wire.TransferRecord:
            if direction is Direction.DEPOSIT:
                return await _known(venue.deposit_lp(usdc), "lp")
            return await _known(venue.withdraw_lp(usdc, scheduled), "lp")

        where = "into" if direction is Direction.DEPOSIT else "out of"
        record = await agreed(venue, send, f"move {usdc:f} USDC {where} the liquidity pool?", yes, dry_run, as_json)
    _emit(record, domain, as_json)


@command
async def withdraw(
        amount: Annotated[str, typer.Argument(help="In USDC.")],
        recipient: Annotated[str, typer.Option(
            "--to", metavar="ADDRESS", help="Wallet on that chain: 0x and 40 digits, with a right checksum or none.",
        )],
        chain: Annotated[int, typer.Option(
            parser=whole_number(least=1), metavar="NUMBER", help="Number of the chain.",
        )],
        token: Annotated[Optional[str], typer.Option(
            metavar="ADDRESS", help="The contract of USDC on that chain, which has to be signed.",
        )] = None,
        execute: Annotated[bool, typer.Option(
            "--execute/--no-execute", help="Whether Vest carries it out on the chain by itself.",
        )] = True,
        yes: YesOption = False,
        dry_run: DryRunOption = False,
        domain: DomainOption = Domain.PRODUCTION,
        keys: KeysOption = None,
        as_json: JsonOption = False,
) -> None:
    """Withdraw money from the account to a wallet, after a question.

    It is sent once. When its answer is lost, look for its nonce among the transfers before you send it again.
    """
    usdc = number(amount, "amount")
    if token is None and chain not in CONSTANTS.COLLATERAL_TOKEN_ADDRESSES:
        raise CommandError(f"the contract of {CONSTANTS.COLLATERAL_TOKEN} on chain {chain} has to be signed and is not "
                           f"known here: give it with --token, from a source you trust", ExitCode.USAGE)
    async with Venue(domain.value, keys_for(domain, keys)) as venue:

        async def send() -> wire.TransferRecord:
            return await _known(venue.withdraw(usdc, recipient, chain, token, execute), "transfers")

        question = f"withdraw {usdc:f} USDC to {recipient} on chain {chain}?"
        record = await agreed(venue, send, question, yes, dry_run, as_json)
    _emit(record, domain, as_json)


@command
async def transfers(
        domain: DomainOption = Domain.PRODUCTION, keys: KeysOption = None, as_json: JsonOption = False
) -> None:
    """List the account's deposits and withdrawals."""
    async with Venue(domain.value, keys_for(domain, keys)) as venue:
        rows = [record_row(record) for record in await venue.transfers()]
    output.emit({"domain": domain.value, "transfers": rows}, output.table(rows, _COLUMNS, "No transfers."), as_json)


async def _known(movement: Awaitable[wire.TransferRecord], listing: str) -> wire.TransferRecord:
    """The record of a movement of money.

    :param listing: the command that lists such movements
    :raises CommandError: when it is not known what became of it
    """
    try:
        return await movement
    except VestTransferUnknownError as error:
        raise CommandError(
            f"it is not known whether Vest has carried it out ({error.__cause__ or 'it is not listed yet'}); do not "
            f"send it again before you have looked for its nonce, {error.nonce}: vest-perpetual {listing}",
            ExitCode.UNKNOWN, nonce=error.nonce,
        ) from None


def _emit(record: Optional[wire.TransferRecord], domain: Domain, as_json: bool) -> None:
    """What became of it; nothing after a dry run."""
    if record is not None:
        row = record_row(record)
        output.emit({"domain": domain.value, "record": row}, output.lines(row, _FACTS), as_json)


def record_row(record: wire.TransferRecord) -> Dict[str, Any]:
    """One LP order or transfer for tables and JSON."""
    return {
        "record_id": record.record_id,
        "nonce": record.nonce,
        "order_type": record.order_type,
        "size": record.size,
        "status": record.status,
        "code": record.code,
        "chain_id": record.chain_id,
        "post_time_ms": record.post_time_ms,
    }
