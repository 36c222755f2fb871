"""What people paste, and what is said of it."""
import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_credentials as credentials

KEY = "1a" * 32


@pytest.mark.parametrize("text", [
    KEY, "0x" + KEY, "0X" + KEY.upper(), f"  {KEY}\r\n", f"'{KEY}'", f'"0x{KEY}"', f"\u201c{KEY}\u201d",
    f"\u200b{KEY}\ufeff",
    f"{KEY[:30]}\n{KEY[30:]}", f"0x{KEY[:20]} \r\n  {KEY[20:]}", "1a " * 32, f"`{KEY}`",
])
def test_a_pasted_private_key_is_understood(text):
    assert credentials.private_key_problem(text, "the key") is None
    assert credentials.private_key_digits(text).lower() == KEY


@pytest.mark.parametrize("text, words", [
    ("", "is empty"), (" '' ", "is empty"), ("0x", "is empty"),
    ("0x" + "1a" * 20, "is an address"), ("0xAbCd" + "1A" * 18, "is an address"), ("1a" * 20, "is an address"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDB9.c2lnbmF0dXJlLi4u", "looks like an API key"),
    ("legal winner thank year wave sausage worth useful legal winner thank yellow", "recovery phrase"),
    (KEY + "1a", "has 66 characters"), ("0" * 64, "not a key of the curve"), ("f" * 64, "not a key of the curve"),
    ("zz" * 32, "64 hexadecimal digits"),
])
def test_what_is_wrong_with_a_private_key_is_said_without_it(text, words):
    problem = credentials.private_key_problem(text, "the key")

    assert problem.startswith("the key ") and words in problem
    assert len(text) < 5 or text not in problem


@pytest.mark.parametrize("text, words", [
    ("", "is empty"), (" \u201c\u201d", "is empty"), ("0x" + "1a" * 20, "address"), ("two words", "no API key has"),
    ("clé", "no API key has"), ("a\x00b", "no API key has"),
    ("legal winner thank year wave sausage worth useful legal winner thank yellow", "recovery phrase"),
])
def test_what_is_wrong_with_an_api_key_is_said_without_it(text, words):
    problem = credentials.api_key_problem(text, "the key")

    assert problem.startswith("the key ") and words in problem
    assert len(text) < 5 or text not in problem


@pytest.mark.parametrize("text", [KEY, "0x" + KEY, f" {KEY}\n", f"'{KEY}'", "a.b.c", "1a" * 20, "key_of-any:form/"])
def test_what_may_be_an_api_key_is_accepted(text):
    assert credentials.api_key_problem(text, "the key") is None


@pytest.mark.parametrize("api_key, private_key, words", [
    (KEY, KEY, "the same text"), ("0x" + KEY, KEY.upper(), "the same text"),
    ("0x" + KEY, "2b" * 32, "each other's place"),
])
def test_keys_in_each_others_place_are_noticed(api_key, private_key, words):
    assert words in credentials.exchanged_problem(api_key, private_key)


@pytest.mark.parametrize("api_key, private_key", [
    (KEY, "2b" * 32), (KEY, "0x" + "2b" * 32), ("0x" + KEY, "0x" + "2b" * 32), ("a.b.c", "2b" * 32),
])
def test_keys_that_may_be_right_are_accepted(api_key, private_key):
    assert credentials.exchanged_problem(api_key, private_key) is None


def test_b22_only_what_hummingbot_has_encrypted_is_taken_for_encrypted():
    assert credentials.is_encrypted('{"crypto": 1'.encode().hex() + "00" * 300)
    assert not any(map(credentials.is_encrypted, ["", KEY, "0x" + KEY, "7b22" + "0" * 60, "a.b.c"]))
