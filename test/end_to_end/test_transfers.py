"""LP orders and withdrawals at the simulated venue: the balances follow, refusals are said, nothing is sent twice."""
import json
from decimal import Decimal
from test.end_to_end.bench import running

import pytest

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestRefusedError,
    VestTransferUnknownError,
)
from vest_simulator.venue.private import USDC_ADDRESS

pytestmark = pytest.mark.asyncio
RECIPIENT = "0x1563915e194D8CfBA1943570603F7606A3115508"
CHAIN_ID = 324
MOVES = {
    "/lp": (lambda connector, amount: connector.deposit_lp(Decimal(amount)), lambda connector: connector.lp_orders),
    "/transfer/withdraw": (lambda connector, amount: withdraw(connector, amount),
                           lambda connector: connector.transfers),
}
every_path = pytest.mark.parametrize("path", MOVES)


def withdraw(connector, amount):
    return connector.withdraw(Decimal(amount), RECIPIENT, CHAIN_ID, token_address=USDC_ADDRESS)


async def balance_is(bench, amount):
    await bench.until(lambda: bench.connector.get_balance("USDC") == Decimal(amount),
                      lambda: f"the balance is {bench.connector.get_balance('USDC')}, not {amount}")


def without_polls(bench):
    """From now on only events have the account read."""
    bench.connector.SHORT_POLL_INTERVAL = bench.connector.LONG_POLL_INTERVAL = 1000.0


async def refuse(bench, path, code, shape):
    """The next request is refused in one of the venue's shapes."""
    error = {"code": code, "msg": "no"}
    body = {"detail": error} if shape == "detail" else error
    await bench.admin.add_fault("rest", "status", method="POST", path=path, times=1, body=json.dumps(body),
                                status=200 if shape == "inside a 200" else 400)


async def test_lp_moves_money_and_the_balances_follow_by_event():
    async with running(balance=Decimal(1000)) as bench:
        await bench.another_poll()
        without_polls(bench)
        record = await bench.connector.deposit_lp(Decimal("250.5"))
        assert (record.order_type, record.size, record.status) == ("DEPOSIT", Decimal("250.5"), "FILLED")
        await balance_is(bench, "749.5")

        record = await bench.connector.withdraw_lp(Decimal("0.000001"))
        assert (record.order_type, record.status) == ("IMMEDIATE_WITHDRAW", "FILLED")
        await balance_is(bench, "749.500001")

        record = await bench.connector.withdraw_lp(Decimal("10"), scheduled=True)
        assert (record.order_type, record.status) == ("SCHEDULE_WITHDRAW", "NEW")

        records = await bench.connector.lp_orders()
        assert [row.order_type for row in records] == ["SCHEDULE_WITHDRAW", "IMMEDIATE_WITHDRAW", "DEPOSIT"]
        assert await bench.connector.lp_orders(nonce=record.nonce) == [record]
        assert await bench.connector.lp_orders(end_ms=1) == []
        bench.connector.SHORT_POLL_INTERVAL = bench.connector.LONG_POLL_INTERVAL = 0.4


async def test_a_withdrawal_leaves_the_account_to_the_last_unit():
    async with running(balance=Decimal(1000)) as bench:
        record = await withdraw(bench.connector, "12.345678")
        assert (record.order_type, record.size, record.chain_id) == ("WITHDRAW", Decimal("12.345678"), CHAIN_ID)
        await balance_is(bench, "987.654322")
        assert await bench.connector.transfers() == [record]
        request = (await bench.requests("POST", "/transfer/withdraw"))[0]
        assert request["status"] == 200


async def test_a_transfer_of_somebody_else_is_heard_of():
    async with running(balance=Decimal(1000)) as bench:
        await bench.another_poll()
        without_polls(bench)
        await bench.admin.deposit(bench.bot.account_group, 500)
        await balance_is(bench, 1500)
        assert [row.order_type for row in await bench.connector.transfers()] == ["DEPOSIT"]
        bench.connector.SHORT_POLL_INTERVAL = bench.connector.LONG_POLL_INTERVAL = 0.4


@pytest.mark.parametrize("code, call", [
    (4001, lambda connector: connector.deposit_lp(Decimal(1001))),
    (4007, lambda connector: connector.withdraw_lp(Decimal(1))),
    (5002, lambda connector: withdraw(connector, 1001)),
])
async def test_what_the_venue_rejects_is_refused_with_its_meaning(code, call):
    async with running(balance=Decimal(1000)) as bench:
        with pytest.raises(VestRefusedError, match=f"Vest error {code}: ") as refusal:
            await call(bench.connector)
        assert refusal.value.code == code
        await balance_is(bench, 1000)


async def test_more_shares_than_there_are_cannot_be_withdrawn():
    async with running(balance=Decimal(1000)) as bench:
        await bench.connector.deposit_lp(Decimal(10))
        with pytest.raises(VestRefusedError, match="Vest error 4012: "):
            await bench.connector.withdraw_lp(Decimal(11))
        await balance_is(bench, 990)


@pytest.mark.parametrize("shape", ["flat", "detail", "inside a 200"])
@pytest.mark.parametrize("path, code", [("/lp", 4001), ("/lp", 4007), ("/lp", 4012), ("/transfer/withdraw", 5002),
                                        ("/transfer/withdraw", 5009), ("/transfer/withdraw", 1147)])
async def test_refusals_in_every_shape_are_sent_once_and_change_nothing(path, code, shape):
    async with running(balance=Decimal(1000)) as bench:
        await refuse(bench, path, code, shape)
        move, records = MOVES[path]
        with pytest.raises(VestRefusedError, match=f"Vest error {code}: ") as refusal:
            await move(bench.connector, 10)
        assert refusal.value.code == code
        assert len(await bench.requests("POST", path)) == 1
        assert await records(bench.connector)() == []


@every_path
async def test_a12_a_connection_reset_after_commit_is_no_reason_to_send_again(path):
    async with running(balance=Decimal(1000)) as bench:
        await bench.admin.add_fault("rest", "reset", method="POST", path=path, when="after", times=1)
        move, records = MOVES[path]
        with pytest.raises(VestTransferUnknownError, match="before you try again") as lost:
            await move(bench.connector, 10)
        assert len(await bench.requests("POST", path)) == 1
        found = await records(bench.connector)(nonce=lost.value.nonce)
        assert [(row.size, row.status) for row in found] == [(10, "FILLED")]
        await balance_is(bench, 990)


@every_path
@pytest.mark.parametrize("status, body", [
    (503, {"code": 503, "msg": "unavailable"}), (500, {"detail": {"code": 1000, "msg": "internal"}}),
    (200, {"code": 1000, "msg": "internal"}),
], ids=str)
async def test_a12_an_undocumented_code_after_commit_is_no_refusal(path, status, body):
    async with running(balance=Decimal(1000)) as bench:
        await bench.admin.add_fault("rest", "status", method="POST", path=path, when="after", times=1, status=status,
                                    body=json.dumps(body))
        move, records = MOVES[path]
        with pytest.raises(VestTransferUnknownError) as lost:
            await move(bench.connector, 10)
        assert len(await bench.requests("POST", path)) == 1
        assert [row.status for row in await records(bench.connector)(nonce=lost.value.nonce)] == ["FILLED"]
        await balance_is(bench, 990)


@every_path
async def test_a12_after_a_reset_before_commit_the_look_up_finds_nothing(path):
    async with running(balance=Decimal(1000)) as bench:
        await bench.admin.add_fault("rest", "reset", method="POST", path=path, when="before", times=1)
        move, records = MOVES[path]
        with pytest.raises(VestTransferUnknownError) as lost:
            await move(bench.connector, 10)
        assert len(await bench.requests("POST", path)) == 1
        assert await records(bench.connector)(nonce=lost.value.nonce) == []
        await balance_is(bench, 1000)


@every_path
async def test_c28_a_refused_time_is_corrected_and_the_money_moves_once(path):
    async with running(balance=Decimal(1000)) as bench:
        await refuse(bench, path, 1132, "flat")
        move, records = MOVES[path]
        record = await move(bench.connector, 10)
        assert len(await bench.requests("POST", path)) == 2
        assert await records(bench.connector)() == [record]
        await balance_is(bench, 990)
