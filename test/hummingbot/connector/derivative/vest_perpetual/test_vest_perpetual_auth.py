"""Signatures against vectors made by an independent implementation, and what requests look like once authenticated."""
import asyncio
import base64
import json
from pathlib import Path

import pytest
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_utils import keccak
from hypothesis import given, settings, strategies as st

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_auth,
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import ApiKeyGuard, VestPerpetualAuth
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestUnauthorizedError,
    VestUnusableKeyError,
    is_outcome_unknown,
)
from hummingbot.core.web_assistant.connections.data_types import RESTMethod, RESTRequest, WSJSONRequest

VECTORS = {
    case["name"]: case
    for case in json.loads((Path(__file__).parents[4] / "data" / "vest_api" / "vectors.json").read_text())["cases"]
}
API_KEY = "an-api-key-of-the-venue"
PRIVATE_KEY = "0x" + "11" * 32
SIGNING_ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
NOW_MS = 1_791_000_000_000
TOKEN_ADDRESS = "0x3333333333333333333333333333333333333333"


def make_auth(api_key=API_KEY, signing_private_key=PRIVATE_KEY, account_group=0, domain="vest_perpetual"):
    clock = ServerClock(wall_s=lambda: NOW_MS / 1000)
    return VestPerpetualAuth(api_key, signing_private_key, account_group, clock, domain)


def authenticated(path, method=RESTMethod.POST, body=None, params=None, auth=None):
    request = RESTRequest(
        method=method,
        url=web_utils.private_rest_url(path),
        params=params,
        data=None if body is None else json.dumps(body),
        headers={"Content-Type": "application/json"},
        is_auth_required=True,
    )
    return asyncio.run((auth or make_auth()).rest_authenticate(request))


def signer_of(types, values, signature):
    return Account.recover_message(encode_defunct(keccak(encode(types, values))), signature=signature)


# --- Signatures


def vector_signature(case):
    auth, inputs = make_auth(signing_private_key=case["privateKey"]), case["inputs"]
    if case["kind"] == "order":
        return auth._generate_orders_signature(
            inputs["time"], inputs["nonce"], inputs["orderType"], inputs["symbol"], inputs["isBuy"], inputs["size"],
            inputs["limitPrice"], inputs["reduceOnly"],
        )
    if case["kind"] == "cancel":
        return auth._generate_cancel_signature(inputs["time"], inputs["nonce"], inputs["id"])
    if case["kind"] == "lp":
        return auth._generate_lp_signature(inputs["time"], inputs["nonce"], inputs["orderType"], inputs["size"])
    if case["kind"] == "withdraw":
        return auth._generate_withdraw_signature(
            inputs["time"], inputs["nonce"], inputs["account"], inputs["recipient"], inputs["token"],
            int(inputs["size"]), inputs["chainId"],
        )
    assert case["kind"] == "register"
    return vest_perpetual_auth.registration_signature(
        case["privateKey"], "vest_perpetual", inputs["signingAddr"], inputs["expiryTime"]
    )


@pytest.mark.parametrize("name", VECTORS)
def test_signatures_equal_those_of_an_independent_implementation(name):
    assert vector_signature(VECTORS[name]) == VECTORS[name]["signature"]


def test_every_kind_of_signature_has_a_vector():
    assert {case["kind"] for case in VECTORS.values()} == {"order", "cancel", "lp", "withdraw", "register"}


@pytest.mark.parametrize("name", [name for name, case in VECTORS.items() if "abiTypes" in case])
def test_hashes_equal_those_of_an_independent_implementation(name):
    case = VECTORS[name]
    values = list(case["inputs"].values())
    if case["kind"] == "withdraw":
        values[-2] = int(values[-2])
        values.insert(2, False)

    assert "0x" + vest_perpetual_auth.request_hash(case["abiTypes"], values).hex() == case["hash"]


@pytest.mark.parametrize("name", VECTORS)
def test_each_signature_recovers_to_the_signing_address(name):
    case = VECTORS[name]
    if case["kind"] == "register":
        typed_data = vest_perpetual_auth.registration_typed_data(
            "vest_perpetual", case["inputs"]["signingAddr"], case["inputs"]["expiryTime"]
        )
        message = encode_typed_data(full_message=typed_data)
    else:
        message = encode_defunct(hexstr=case["hash"])

    assert Account.recover_message(message, signature=vector_signature(case)) == case["signer"]


@settings(max_examples=25, deadline=None)
@given(
    nonce=st.integers(0, 2**53 - 1), symbol=st.text(max_size=20), is_buy=st.booleans(), size=st.text(max_size=20),
    price=st.text(max_size=20), reduce_only=st.booleans(),
)
def test_any_order_recovers_to_the_signing_address(nonce, symbol, is_buy, size, price, reduce_only):
    auth = make_auth()

    signature = auth._generate_orders_signature(NOW_MS, nonce, "LIMIT", symbol, is_buy, size, price, reduce_only)

    values = (NOW_MS, nonce, "LIMIT", symbol, is_buy, size, price, reduce_only)
    types = ("uint256", "uint256", "string", "string", "bool", "string", "string", "bool")
    assert signer_of(types, values, signature) == auth.signing_address
    assert len(signature) == 132 and signature.startswith("0x") and signature[-2:] in ("1b", "1c")


def test_registration_names_the_contract_of_the_host_and_no_chain():
    for domain, contract in CONSTANTS.VERIFYING_CONTRACTS.items():
        typed_data = vest_perpetual_auth.registration_typed_data(domain, SIGNING_ADDRESS, NOW_MS)
        assert typed_data["domain"] == {"name": "VestRouterV2", "version": "0.0.1", "verifyingContract": contract}


def test_registration_with_a_key_that_is_none_is_refused_without_showing_it():
    with pytest.raises(VestUnusableKeyError, match="the wallet's private key") as refusal:
        vest_perpetual_auth.registration_signature("deadbeef", "vest_perpetual", SIGNING_ADDRESS, NOW_MS)

    assert "deadbeef" not in str(refusal.value)


# --- Keys


@pytest.mark.parametrize("entered", ["11" * 32, "0x" + "11" * 32, "0X" + "11" * 32, f"  0x{'11' * 32}\n", "11 " * 32])
def test_keys_are_accepted_with_and_without_0x_and_spaces(entered):
    auth = make_auth(signing_private_key=entered)

    assert auth.key_problem is None
    assert auth.signing_address == SIGNING_ADDRESS


@pytest.mark.parametrize("entered", ["ab" * 32, "AB" * 32, "0xAb" + "aB" * 31, f"\t0X{'AB' * 32} \r\n"])
def test_keys_are_accepted_in_capitals(entered):
    assert make_auth(signing_private_key=entered).signing_address == Account.from_key("ab" * 32).address


BAD_PRIVATE_KEYS = [
    "",
    "dummy",
    "abcdef" * 10,
    "0x" + "11" * 31,
    "0x" + "11" * 33,
    "0x" + "zz" * 32,
    "1_" * 32,
    "+" + "1" * 63,
    "0x" + "00" * 32,
    "0x" + "ff" * 32,
    SIGNING_ADDRESS,
    "legal winner thank year wave sausage worth useful legal winner thank yellow",
]


@pytest.mark.parametrize("entered", BAD_PRIVATE_KEYS)
def test_a1_a_bad_private_key_is_described_and_not_shown(entered):
    auth = make_auth(signing_private_key=entered)

    with pytest.raises(VestUnusableKeyError) as refusal:
        authenticated("/account", RESTMethod.GET, auth=auth)

    assert auth.key_problem == str(refusal.value)
    assert "vest_perpetual_signing_private_key" in auth.key_problem and "connect" in auth.key_problem
    assert not entered or entered not in auth.key_problem
    assert isinstance(refusal.value, VestUnauthorizedError) and not is_outcome_unknown(refusal.value)


@pytest.mark.parametrize("entered", ["", "  ", "two words", "clé", "0x" + "1a" * 20])
def test_a1_a_bad_api_key_is_described_and_not_shown(entered):
    auth = make_auth(api_key=entered, domain="vest_perpetual_testnet")

    with pytest.raises(VestUnusableKeyError, match="vest_perpetual_testnet_api_key") as refusal:
        authenticated("/account", RESTMethod.GET, auth=auth)

    assert not entered.strip() or entered not in str(refusal.value)


def test_a2_dummy_keys_construct():
    auth = make_auth(api_key="", signing_private_key="", account_group="")

    assert auth.account_group == 0
    assert "empty" in auth.key_problem
    with pytest.raises(VestUnusableKeyError):
        auth.signing_address


@pytest.mark.parametrize("entered, group", [("", 0), (0, 0), ("0", 0), (None, 0), (" 3 ", 3), (12, 12)])
def test_b21_account_group_zero_may_be_blank(entered, group):
    assert make_auth(account_group=entered).account_group == group


def test_no_representation_shows_a_key():
    auth = make_auth(account_group=4)

    for text in (repr(auth), str(auth), f"{auth}"):
        assert API_KEY not in text and "11" * 16 not in text
    assert repr(auth) == "VestPerpetualAuth(domain='vest_perpetual', account_group=4)"


def jwt(claims):
    parts = (json.dumps(part).encode() for part in ({}, claims, 0))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


@pytest.mark.parametrize("api_key, expiry_ms", [
    (jwt({"exp": 1_800_000_000}), 1_800_000_000_000),
    (jwt({"exp": 1_800_000_000.25}), 1_800_000_000_250),
    (jwt({"exp": 1e308}), None),
    (jwt({"exp": float("nan")}), None),
    (jwt({"exp": 10 ** 400}), None),
    (jwt({"sub": "no expiry"}), None),
    (jwt([]), None),
    (jwt({"exp": "soon"}), None),
    (jwt({"exp": None}), None),
    ("a.b.c", None),
    ("not a token", None),
    ("é.é.é", None),
])
def test_the_expiry_of_an_api_key_is_read_when_it_says_one(api_key, expiry_ms):
    assert make_auth(api_key=api_key).api_key_expiry_ms == expiry_ms


# --- Requests


@pytest.mark.parametrize("method, path", [
    (RESTMethod.GET, "/account"),
    (RESTMethod.GET, "/orders"),
    (RESTMethod.POST, "/orders"),
    (RESTMethod.POST, "/account/listenKey"),
    (RESTMethod.PUT, "/account/listenKey"),
    (RESTMethod.DELETE, "/account/listenKey"),
    (RESTMethod.POST, "/account/leverage"),
])
def test_every_private_request_carries_key_and_group(method, path):
    body = {
        "/orders": wire.order_request(1, "BTC-PERP", True, "1.0", "LIMIT", "2.0", False),
        "/account/leverage": wire.leverage_request("BTC-PERP", 3),
    }.get(path) if method is RESTMethod.POST else None

    request = authenticated(path, method, body=body, auth=make_auth(account_group=7))

    assert request.headers == {
        "Content-Type": "application/json", "X-API-KEY": API_KEY, "xrestservermm": "restserver7"
    }


def test_group_zero_is_sent_like_any_other():
    assert authenticated("/account", RESTMethod.GET).headers["xrestservermm"] == "restserver0"


def test_spaces_around_the_api_key_are_not_sent():
    request = authenticated("/account", RESTMethod.GET, auth=make_auth(api_key=f" {API_KEY}\n"))

    assert request.headers["X-API-KEY"] == API_KEY


@pytest.mark.parametrize("params", [None, {"symbol": "BTC-PERP"}])
def test_private_gets_carry_the_venues_time(params):
    request = authenticated("/orders", RESTMethod.GET, params=params)

    assert request.params == {**(params or {}), "time": NOW_MS}
    assert request.data is None


@pytest.mark.parametrize("method", [RESTMethod.POST, RESTMethod.PUT, RESTMethod.DELETE])
def test_listen_key_requests_carry_headers_alone(method):
    request = authenticated("/account/listenKey", method)

    assert (request.params, request.data) == (None, None)


def test_leverage_requests_carry_the_time_and_no_signature():
    request = authenticated("/account/leverage", body=wire.leverage_request("BTC-PERP", 5))

    assert json.loads(request.data) == {"symbol": "BTC-PERP", "value": 5, "time": NOW_MS}


def test_orders_path_gets_orders_signature():
    body = wire.order_request(17, "kBONK-PERP", True, "3.1200", "LIMIT", "0.010", False, time_in_force="FOK")

    sent = json.loads(authenticated("/orders", body=body).data)

    order = sent["order"]
    assert order == {**body["order"], "time": NOW_MS}
    assert sent["recvWindow"] == CONSTANTS.RECV_WINDOW_MS
    types = ("uint256", "uint256", "string", "string", "bool", "string", "string", "bool")
    values = (NOW_MS, 17, "LIMIT", "kBONK-PERP", True, "3.1200", "0.010", False)
    assert signer_of(types, values, sent["signature"]) == SIGNING_ADDRESS
    assert sent["signature"] == make_auth()._generate_orders_signature(*values)


def test_cancel_path_gets_cancel_signature():
    sent = json.loads(authenticated("/orders/cancel", body=wire.cancel_request(18, "0xabc")).data)

    assert sent["order"] == {"nonce": 18, "id": "0xabc", "time": NOW_MS}
    assert sent["recvWindow"] == CONSTANTS.RECV_WINDOW_MS
    assert signer_of(("uint256", "uint256", "string"), (NOW_MS, 18, "0xabc"), sent["signature"]) == SIGNING_ADDRESS


def test_lp_path_gets_lp_signature():
    sent = json.loads(authenticated("/lp", body=wire.lp_request(19, "DEPOSIT", "100")).data)

    values = (NOW_MS, 19, "DEPOSIT", "100")
    assert signer_of(("uint256", "uint256", "string", "string"), values, sent["signature"]) == SIGNING_ADDRESS


def test_withdraw_path_gets_withdraw_signature_over_the_tokens_address_and_sends_its_name():
    account, recipient = SIGNING_ADDRESS.lower(), "0x1563915e194d8cfba1943570603f7606a3115508"
    body = wire.withdraw_request(20, account, recipient, TOKEN_ADDRESS, 5_000_000, 324, execute=True)

    sent = json.loads(authenticated("/transfer/withdraw", body=body).data)

    types = ("uint256", "uint256", "bool", "address", "address", "address", "uint256", "uint256")
    values = (NOW_MS, 20, False, account, recipient, TOKEN_ADDRESS, 5_000_000, 324)
    assert signer_of(types, values, sent.pop("signature")) == SIGNING_ADDRESS
    assert sent == {"recvWindow": CONSTANTS.RECV_WINDOW_MS, "execute": True, "order": {
        "time": NOW_MS, "nonce": 20, "account": account, "recipient": recipient, "token": "USDC", "size": "5000000",
        "chainId": 324,
    }}


@pytest.mark.parametrize("prefix, order_type", [("tp", "TAKE_PROFIT"), ("sl", "STOP_LOSS")])
@pytest.mark.parametrize("is_buy", [True, False])
def test_take_profit_and_stop_loss_are_signed_as_the_closing_order(prefix, order_type, is_buy):
    body = wire.order_request(21, "BTC-PERP", is_buy, "0.10", "LIMIT", "100.0", False)
    body["order"][f"{prefix}Price"] = "110.0"

    sent = json.loads(authenticated("/orders", body=body).data)

    values = (NOW_MS, 21, order_type, "BTC-PERP", not is_buy, "0.10", "110.0", True)
    assert sent["order"][f"{prefix}Signature"] == make_auth()._generate_orders_signature(*values)
    assert set(sent["order"]) == {*body["order"], "time", f"{prefix}Signature"}


def test_a_request_sent_again_is_stamped_with_the_time_of_then():
    wall_s = [NOW_MS / 1000]
    auth = VestPerpetualAuth(API_KEY, PRIVATE_KEY, 0, ServerClock(wall_s=lambda: wall_s[0]))
    body = wire.cancel_request(1, "0x1")

    first = json.loads(authenticated("/orders/cancel", body=body, auth=auth).data)
    wall_s[0] += 8
    second = json.loads(authenticated("/orders/cancel", body=body, auth=auth).data)

    assert second["order"]["time"] == first["order"]["time"] + 8000
    assert second["signature"] != first["signature"]


def test_sockets_are_authenticated_by_their_address_alone():
    request = WSJSONRequest(payload={"method": "SUBSCRIBE"})

    assert asyncio.run(make_auth().ws_authenticate(request)) is request


# --- After a refusal


def is_paused(guard):
    try:
        guard.check()
    except VestUnauthorizedError:
        return True
    return False


@pytest.mark.parametrize("error", [
    VestUnauthorizedError(1002, "", 401), VestUnauthorizedError(1099, "", 200), VestUnusableKeyError("too short"),
], ids=repr)
def test_c29_a_refused_key_pauses_everything_at_once_and_is_news_once(error):
    now_s = [0.0]
    guard = ApiKeyGuard(300, ServerClock(monotonic_s=lambda: now_s[0]))

    assert (is_paused(guard), guard.note_refusal(error), is_paused(guard)) == (False, True, True)
    now_s[0] += 301
    assert (is_paused(guard), guard.note_refusal(error), is_paused(guard)) == (False, False, True)
    guard.note_success()
    assert not is_paused(guard)


def test_c29_the_pauses_begin_short_and_grow():
    now_s, pauses = [1000.0], []
    guard = ApiKeyGuard(300, ServerClock(monotonic_s=lambda: now_s[0]))
    for _ in range(9):
        since_s = now_s[0]
        guard.note_refusal(VestUnauthorizedError(1002, "no", 401))
        guard.note_refusal(VestUnauthorizedError(1002, "no", 401))  # of a cancel
        while is_paused(guard):
            now_s[0] += 1
        pauses.append(now_s[0] - since_s)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    guard.note_success()
    guard.note_refusal(VestUnauthorizedError(1002, "no", 401))
    now_s[0] += 5
    assert not is_paused(guard)


def test_c29_a_401_without_a_code_pauses_nothing_unless_it_stays():
    page = VestUnauthorizedError(None, "the answer was a web page", 403)
    guard = ApiKeyGuard(300, ServerClock())

    for _ in range(5):
        assert not guard.note_refusal(page) and not guard.note_refusal(page)
        assert not is_paused(guard)
        guard.note_success()
    assert [guard.note_refusal(page) for _ in range(4)] == [False, False, True, False]
    assert is_paused(guard)


def test_a_refused_signature_says_nothing_about_the_api_key():
    guard = ApiKeyGuard(300, ServerClock())

    assert not guard.note_refusal(VestUnauthorizedError(1022, "", 401)) and not is_paused(guard)


def test_a1_a_refused_account_group_is_like_a_refused_key():
    guard = ApiKeyGuard(300, ServerClock())

    assert guard.note_refusal(VestUnauthorizedError(1146, "", 401)) and is_paused(guard)
