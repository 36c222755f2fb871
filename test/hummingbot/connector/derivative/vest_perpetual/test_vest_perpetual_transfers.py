"""Movements of money: what is sent to the venue, what is refused before it is sent, and that nothing is sent twice."""
import asyncio
import itertools
import logging
from decimal import Decimal
from types import SimpleNamespace

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_derivative import VestPerpetualDerivative
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestConnectionLostError,
    VestInvalidTransferError,
    VestNotSentError,
    VestPayloadError,
    VestRateLimitError,
    VestRefusedError,
    VestServerError,
    VestTimeoutError,
    VestTransferUnknownError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_transfers import VestTransfers

WALLET = "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a"
RECIPIENT = "0x1563915e194D8CfBA1943570603F7606A3115508"
TOKEN = "0x3333333333333333333333333333333333333333"


class Venue(VestTransfers):
    """The transfers of a connector whose venue answers as it is told; `rows` are its LP orders and transfers.

    :param post_error: raised by every POST
    :param get_errors: raised by the first GETs of a list
    """

    def __init__(self, status="FILLED", code=None, post_error=None, answer=None, get_errors=(), account=None,
                 hidden_for=0):
        self.posts, self.rows, self.pauses = [], [], 0
        self._status, self._code, self._post_error, self._get_errors = status, code, post_error, list(get_errors)
        self._answer = {"id": "0x1"} if answer is None else answer
        self._account = {"address": WALLET} if account is None else account
        self._hidden_for = hidden_for
        nonces = itertools.count(100)
        self._order_ids = SimpleNamespace(next=lambda: next(nonces))

    def logger(self):
        return logging.getLogger(__name__)

    async def _sleep(self, delay):
        self.pauses += 1

    async def _api_post(self, path_url, data, is_auth_required):
        assert is_auth_required
        self.posts.append((path_url, data))
        if self._post_error is not None:
            raise self._post_error
        order = data["order"]
        self.rows.append({
            "id": "0x1", "nonce": order["nonce"], "orderType": order.get("orderType", "WITHDRAW"),
            "size": order["size"], "status": self._status, "postTime": 5, "code": self._code,
        })
        return self._answer

    async def _api_get(self, path_url, is_auth_required, params=None):
        assert is_auth_required
        if path_url == CONSTANTS.ACCOUNT_PATH:
            return self._account
        if self._get_errors:
            raise self._get_errors.pop(0)
        if self._hidden_for > 0:
            self._hidden_for -= 1
            return []
        return [row for row in self.rows if row["nonce"] == params.get("nonce", row["nonce"])]


def withdrawal(venue, amount=Decimal("12.5"), recipient=RECIPIENT, chain_id=324, token_address=TOKEN, **more):
    return venue.withdraw(amount, recipient, chain_id, token_address, **more)


MOVES = {
    "deposit_lp": lambda venue, amount=Decimal("12.5"): venue.deposit_lp(amount),
    "withdraw_lp": lambda venue, amount=Decimal("12.5"): venue.withdraw_lp(amount),
    "withdraw": withdrawal,
}
every_move = pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)


# --- What is sent


@pytest.mark.parametrize("call, order_type", [
    (lambda venue: venue.deposit_lp(Decimal("100")), "DEPOSIT"),
    (lambda venue: venue.withdraw_lp(Decimal("100")), "IMMEDIATE_WITHDRAW"),
    (lambda venue: venue.withdraw_lp(Decimal("100"), scheduled=True), "SCHEDULE_WITHDRAW"),
])
def test_lp_orders_name_their_type_and_the_plain_amount(call, order_type):
    venue = Venue()

    record = asyncio.run(call(venue))

    assert venue.posts == [("/lp", {"order": {"nonce": 100, "orderType": order_type, "size": "100"}})]
    assert (record.nonce, record.order_type, record.status) == (100, order_type, "FILLED")


@pytest.mark.parametrize("amount, size", [
    ("1E+3", "1000"), ("0.000001", "0.000001"), ("12.500000000", "12.5"), ("9999999999.999999", "9999999999.999999"),
])
def test_a6_lp_amounts_are_plain_digits(amount, size):
    venue = Venue()

    asyncio.run(venue.deposit_lp(Decimal(amount)))

    assert venue.posts[0][1]["order"]["size"] == size


@pytest.mark.parametrize("execute", [True, False])
def test_a_withdrawal_names_wallet_recipient_and_whole_units(execute):
    venue = Venue()

    asyncio.run(withdrawal(venue, Decimal("12.345678"), execute=execute))

    assert venue.posts == [("/transfer/withdraw", {"execute": execute, "order": {
        "nonce": 100, "account": WALLET, "recipient": RECIPIENT.lower(), "token": TOKEN, "size": "12345678",
        "chainId": 324,
    }})]


def test_the_tokens_address_may_stand_in_the_constants(monkeypatch):
    monkeypatch.setitem(CONSTANTS.COLLATERAL_TOKEN_ADDRESSES, 324, TOKEN)
    venue = Venue()

    asyncio.run(withdrawal(venue, token_address=None))

    assert venue.posts[0][1]["order"]["token"] == TOKEN


# --- What is refused before it is sent


@every_move
@pytest.mark.parametrize("amount", [
    "0", "-1", "NaN", "sNaN", "Infinity", "1E+15", "1E+999999", "0.0000001", "1.0000005", "1." + "0" * 40 + "1",
])
def test_amounts_that_cannot_be_right_are_refused_not_rounded(move, amount):
    venue = Venue()

    with pytest.raises(VestInvalidTransferError, match="the amount"):
        asyncio.run(move(venue, Decimal(amount)))
    assert venue.posts == []


@pytest.mark.parametrize("amount", [1, 1.5, "1.5", None, True], ids=repr)
def test_amounts_are_decimals(amount):
    venue = Venue()

    with pytest.raises(VestInvalidTransferError, match="must be a Decimal in USDC"):
        asyncio.run(venue.deposit_lp(amount))
    assert venue.posts == []


BAD_ADDRESSES = [
    "", None, "0x", RECIPIENT[2:], RECIPIENT[:-1], RECIPIENT + "0", RECIPIENT.replace("D8", "d8"), "0x" + "g" * 40,
    "0x" + "0" * 40, " " + RECIPIENT, b"0x", "11" * 32,
]


@pytest.mark.parametrize("address", BAD_ADDRESSES, ids=repr)
def test_addresses_that_cannot_be_right_are_refused(address):
    venue = Venue()

    with pytest.raises(VestInvalidTransferError, match="recipient is") as refusal:
        asyncio.run(withdrawal(venue, recipient=address))
    assert len(address or "") < 10 or address not in str(refusal.value)
    if address:
        with pytest.raises(VestInvalidTransferError, match="token_address"):
            asyncio.run(withdrawal(venue, token_address=address))
    assert venue.posts == []


@pytest.mark.parametrize("address", [RECIPIENT, RECIPIENT.lower(), "0x" + RECIPIENT[2:].upper()])
def test_addresses_with_a_right_checksum_or_none_are_accepted(address):
    venue = Venue()

    asyncio.run(withdrawal(venue, recipient=address))

    assert venue.posts[0][1]["order"]["recipient"] == RECIPIENT.lower()


def test_the_tokens_own_contract_is_no_recipient():
    venue = Venue()

    with pytest.raises(VestInvalidTransferError, match="contract"):
        asyncio.run(withdrawal(venue, recipient=TOKEN))
    assert venue.posts == []


@pytest.mark.parametrize("chain_id", [0, -1, "324", True, 1.0, None], ids=repr)
def test_a_chain_id_is_a_positive_whole_number(chain_id):
    venue = Venue()

    with pytest.raises(VestInvalidTransferError, match="chain id"):
        asyncio.run(withdrawal(venue, chain_id=chain_id))
    assert venue.posts == []


def test_a_token_whose_address_is_not_known_is_refused_with_the_way_to_give_it():
    venue = Venue()

    with pytest.raises(VestInvalidTransferError, match="USDC on chain 324.*give token_address, or add it"):
        asyncio.run(withdrawal(venue, token_address=None))
    assert venue.posts == []


def test_an_account_without_an_address_cannot_be_named_in_a_withdrawal():
    venue = Venue(account={"time": 5})

    with pytest.raises(VestPayloadError, match="account.address"):
        asyncio.run(withdrawal(venue))
    assert venue.posts == []


# --- What became of it


LOST = [
    VestTimeoutError("late"), VestConnectionLostError("reset"), VestServerError("down", 503),
    VestRateLimitError("slow"),
]


@every_move
@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
def test_a12_a_lost_answer_is_said_and_nothing_is_sent_again(move, error):
    venue = Venue(post_error=error)

    with pytest.raises(VestTransferUnknownError, match=r"(lp_orders|transfers)\(nonce=100\) before you try") as lost:
        asyncio.run(move(venue))
    assert len(venue.posts) == 1
    assert (lost.value.nonce, lost.value.retryable, lost.value.__cause__) == (100, False, error)


@every_move
def test_a12_an_answer_that_cannot_be_read_is_as_good_as_lost(move):
    venue = Venue(answer={"unexpected": 1})

    with pytest.raises(VestTransferUnknownError, match="nonce=100"):
        asyncio.run(move(venue))
    assert len(venue.posts) == 1


@every_move
@pytest.mark.parametrize("error", [VestNotSentError("no network"), VestRefusedError(4001, "no", 400)], ids=repr)
def test_what_was_certainly_not_done_is_said_as_it_is(move, error):
    venue = Venue(post_error=error)

    with pytest.raises(type(error)) as refusal:
        asyncio.run(move(venue))
    assert refusal.value is error


@every_move
@pytest.mark.parametrize("code, words", [(4001, "Vest error 4001: .*deposit less"), (None, "without a reason")])
def test_a_rejected_record_is_a_refusal_with_its_meaning(move, code, words):
    with pytest.raises(VestRefusedError, match=words) as refusal:
        asyncio.run(move(Venue(status="REJECTED", code=code)))
    assert refusal.value.code == code


@every_move
@pytest.mark.parametrize("trouble", [dict(hidden_for=3), dict(get_errors=[VestTimeoutError("late")] * 3)], ids=repr)
def test_the_venues_list_may_lag_the_answer(move, trouble):
    venue = Venue(**trouble)

    assert asyncio.run(move(venue)).status == "FILLED"
    assert (len(venue.posts), venue.pauses) == (1, 3)


@every_move
@pytest.mark.parametrize("trouble", [dict(hidden_for=99), dict(get_errors=[VestTimeoutError("late")] * 99)], ids=repr)
def test_what_the_venue_never_shows_is_not_believed_done(move, trouble):
    venue = Venue(**trouble)

    with pytest.raises(VestTransferUnknownError, match="does not show"):
        asyncio.run(move(venue))
    assert len(venue.posts) == 1


MOVING = ("deposit_lp", "withdraw_lp", "withdraw")


def test_nothing_in_the_framework_knows_the_methods_that_move_money():
    others = [cls for cls in VestPerpetualDerivative.__mro__ if cls not in (VestTransfers, VestPerpetualDerivative)]

    assert not [(cls, name) for cls in others for name in MOVING if name in vars(cls)]


@pytest.mark.parametrize("name", MOVING)
def test_every_method_that_moves_money_says_so_first(name):
    assert getattr(VestPerpetualDerivative, name).__doc__.startswith("**Moves money**")
