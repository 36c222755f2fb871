"""Every vector of the independent implementation, through the simulator's signature module."""
import json
from pathlib import Path

import pytest
from eth_account.messages import encode_defunct, encode_typed_data

from vest_simulator.engine.codes import Code, VenueError
from vest_simulator.venue import signatures

DATA = Path(__file__).parents[1] / "data" / "vest_api"
CASES = json.loads((DATA / "vectors.json").read_text())["cases"]
TYPES = {"order": signatures.ORDER_TYPES, "cancel": signatures.CANCEL_TYPES, "lp": signatures.LP_TYPES,
         "withdraw": signatures.WITHDRAW_TYPES}
REQUESTS = [case for case in CASES if case["kind"] in TYPES]


def values_of(case):
    inputs = case["inputs"]
    if case["kind"] != "withdraw":
        return list(inputs.values())
    return [inputs["time"], inputs["nonce"], False, inputs["account"], inputs["recipient"], inputs["token"],
            int(inputs["size"]), inputs["chainId"]]


def test_the_vectors_cover_every_kind():
    assert {case["kind"] for case in CASES} == set(TYPES) | {"register"}


@pytest.mark.parametrize("case", REQUESTS, ids=[case["name"] for case in REQUESTS])
def test_request_vectors(case):
    types = TYPES[case["kind"]]
    assert list(types) == case["abiTypes"]
    assert "0x" + signatures.request_hash(types, values_of(case)).hex() == case["hash"]
    digest = signatures.check_request(types, values_of(case), case["signature"], case["signer"].lower())
    assert "0x" + digest.hex() == case["hash"]


@pytest.mark.parametrize("case", [case for case in CASES if case["kind"] == "register"], ids=lambda case: case["name"])
def test_registration_vectors(case):
    inputs = case["inputs"]
    message = signatures.registration_message(inputs["verifyingContract"], inputs["signingAddr"], inputs["expiryTime"])
    assert signatures.recover(message, case["signature"]) == case["signer"].lower() == inputs["primaryAddr"]


def test_the_registration_domain_has_no_chain_id():
    case = next(case for case in CASES if case["kind"] == "register")
    domain = {"name": "VestRouterV2", "version": "0.0.1", "verifyingContract": case["inputs"]["verifyingContract"],
              "chainId": 324}
    types = {"SignerProof": [{"name": "approvedSigner", "type": "address"},
                             {"name": "signerExpiry", "type": "uint256"}]}
    proof = {"approvedSigner": case["inputs"]["signingAddr"], "signerExpiry": case["inputs"]["expiryTime"]}
    assert signatures.recover(encode_typed_data(domain, types, proof), case["signature"]) != case["signer"].lower()


@pytest.mark.parametrize("change", [
    lambda signature: signature[2:], lambda signature: signature[:-2], lambda signature: signature + "00",
    lambda signature: signature[:-2] + "00", lambda signature: "0x" + "zz" * 65, lambda signature: "",
    lambda signature: "0x" + "00" * 64 + "1b", lambda signature: "0x" + "ff" * 64 + "1b",
], ids=["no 0x", "short", "long", "v 0", "not hex", "empty", "zeros", "out of range"])
def test_malformed_signatures_are_refused(change):
    case = CASES[0]
    with pytest.raises(VenueError) as caught:
        signatures.check_request(TYPES["order"], values_of(case), change(case["signature"]), case["signer"].lower())
    assert caught.value.code == Code.INVALID_SIGNATURE


def test_a_signature_of_another_key_or_other_values_is_refused():
    case = CASES[0]
    changed = values_of(case)
    changed[5] = "3.1201"
    for values, signer in ((changed, case["signer"]), (values_of(case), "0x" + "11" * 20)):
        with pytest.raises(VenueError) as caught:
            signatures.check_request(TYPES["order"], values, case["signature"], signer.lower())
        assert caught.value.code == Code.INVALID_SIGNATURE


def test_recover_needs_the_eip191_prefix():
    case = CASES[0]
    digest = bytes.fromhex(case["hash"][2:])
    assert signatures.recover(encode_defunct(digest), case["signature"]) == case["signer"].lower()
