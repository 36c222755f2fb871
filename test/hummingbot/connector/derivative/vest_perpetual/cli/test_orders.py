"""`orders`, `cancel`, `order`: what is sent, what is shown, and what becomes of it when answers are lost."""
import json
from test.hummingbot.connector.derivative.vest_perpetual.cli.conftest import DOMAIN
from urllib.request import Request, urlopen

import pytest
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import keccak

from hummingbot.connector.derivative.vest_perpetual.cli import prompts
from hummingbot.connector.derivative.vest_perpetual.cli.venue import ManualNonces
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_ids import OrderIds

FAR = ("--price", "1000")


@pytest.fixture
def act(run, keys_file):
    """Runs a command with the account's keys, for programs."""
    return lambda *words: run(*words, "--keys", keys_file, "--json")


def sent(venue, account):
    """The orders the venue has of this account."""
    return [order for order in venue.ask("ledger", account.account_group)["orders"]]


def test_a_limit_order_waits_is_listed_and_is_cancelled(act, venue, account):
    placed = act("order", "buy", "BTC-USDC", "0.0100", *FAR, "--yes")
    assert placed.exit_code == 0
    order = placed.order
    assert (order["status"], order["side"], order["size"], order["limit_price"], order["trading_pair"]) == (
        "NEW", "buy", "0.0100", "1000.00", "BTC-USDC")
    assert [row["order_id"] for row in act("orders").json["orders"]] == [order["order_id"]]
    assert [row["order_id"] for row in act("account").json["open_orders"]] == [order["order_id"]]

    cancelled = act("cancel", order["order_id"])
    assert cancelled.exit_code == 0 and cancelled.order["status"] == "CANCELLED"
    assert act("orders").json["orders"] == []


def test_an_order_is_cancelled_by_its_nonce(act, venue, account):
    nonce = act("order", "sell", "BTC-PERP", "0.01", "--price", "900000", "--yes").order["nonce"]
    assert act("cancel", nonce).order["nonce"] == nonce


def test_a_market_order_fills_and_makes_a_position(act, venue, account):
    order = act("order", "buy", "btc-usdc", "0.01", "--yes").order
    assert order["status"] == "FILLED" and float(order["avg_filled_price"]) <= float(order["limit_price"])
    [position] = act("account").json["positions"]
    assert (position["side"], position["size"]) == ("long", "0.0100")
    closed = act("order", "sell", "BTC-USDC", "0.01", "--reduce-only", "--yes").order
    assert closed["status"] == "FILLED" and closed["reduce_only"]
    assert act("account").json["positions"] == []


def test_fok_fills_at_once_or_is_cancelled(act, venue, account):
    assert act("order", "buy", "BTC-USDC", "0.01", *FAR, "--fok", "--yes").order["status"] == "CANCELLED"


def test_a_market_order_with_a_worst_price_of_ones_own(act, venue, account):
    outcome = act("order", "buy", "BTC-USDC", "0.01", *FAR, "--type", "market", "--yes")
    assert outcome.exit_code == 4 and outcome.json["error"]["venue_code"] == 3001


def test_two_commands_of_one_second_are_unlikely_to_get_the_same_nonce():
    """As two processes that know the venue's time from the same header."""
    clock = ServerClock(wall_s=lambda: 1_795_424_850.501)
    nonces = [ManualNonces(clock).next() for _ in range(200)]
    assert {nonce // 100_000 for nonce in nonces} == {1_795_424_850} and max(nonces) < 10 ** 15
    assert len(set(nonces)) > 190


def test_orders_of_the_command_line_are_nobodys_among_bots(act, venue, account, tmp_path):
    nonce = act("order", "buy", "BTC-USDC", "0.01", *FAR, "--yes").order["nonce"]
    assert not any(OrderIds(tmp_path / str(tag), draw=lambda tag=tag: tag).is_ours(nonce) for tag in range(1000))


@pytest.mark.parametrize("arguments, words", [
    (("buy", "BTC-USDC", "0.00005"), "no multiple of 0.0001; the smallest is 0.0001"),
    (("buy", "BTC-USDC", "0.01", "--price", "1000.005"), "1000.00 and 1000.01"),
    (("buy", "BTC-USDC", "1.00000000000000000000000000001", *FAR), "no multiple"),
    (("buy", "BTC-USDC", "0"), "positive number"),
    (("buy", "BTC-USDC", "-1"), "option"),
    (("buy", "BTC-USDC", "nan"), "positive number"),
    (("buy", "BTC-USDC", "1e30"), "positive number"),
    (("buy", "BTC-USDC", "1e-400000000"), "positive number"),
    (("buy", "BTC-USDC", "0,01"), "positive number"),
    (("buy", "BTC-USDC", "1_0"), "positive number"),
    (("buy", "BTC-USDC", "١"), "positive number"),
    (("buy", "BTC-USDC", "1e9999999999999999999"), "positive number"),
    (("buy", "BTC-USDC", "0.01", "--price", "0"), "positive number"),
    (("buy", "BTC-USDC", "0.01", "--type", "limit"), "needs a --price"),
    (("buy", "BTC-USDC", "0.01", "--fok"), "limit orders alone"),
    (("buy", "NONE-USDC", "0.01"), "no market"),
    (("buy", "BTC-USDC", "1000000"), "book of BTC-USDC is empty or too thin"),
    (("hold", "BTC-USDC", "0.01"), "hold"),
])
def test_what_cannot_be_right_is_not_sent(run, keys_file, venue, account, arguments, words):
    outcome = run("order", *arguments, "--keys", keys_file, "--yes")
    assert outcome.exit_code == 2 and words in outcome.stderr and sent(venue, account) == []


def test_nothing_is_sent_without_a_yes(run, keys_file, venue, account):
    outcome = run("order", "buy", "BTC-USDC", "0.01", "--keys", keys_file)
    assert outcome.exit_code == 2 and "--yes" in outcome.stderr and sent(venue, account) == []


def test_a_dry_run_shows_what_would_be_sent_and_signed_and_sends_nothing(act, run, keys_file, venue, account):
    shown = act("order", "buy", "BTC-USDC", "0.01", *FAR, "--dry-run").json
    assert shown["dry_run"] and shown["path"] == "/orders" and sent(venue, account) == []
    order, [signed] = shown["body"]["order"], shown["signed"]
    assert order["limitPrice"] == "1000.00" and order["timeInForce"] == "GTC"
    assert signed["values"] == [order["time"], order["nonce"], "LIMIT", "BTC-PERP", True, "0.0100", "1000.00", False]
    assert shown["body"]["signature"] == "<signature>"
    text = run("order", "buy", "BTC-USDC", "0.01", *FAR, "--dry-run", "--keys", keys_file).stdout
    assert "Nothing was sent." in text and "uint256" in text


def test_what_a_dry_run_shows_is_what_is_signed(act, venue, account):
    """The request is taken when what was shown is signed by hand, in another program than ours."""
    shown = act("order", "sell", "ETH-USDC", "0.5", "--price", "90000", "--dry-run").json
    [signed] = shown["signed"]
    assert "0x" + keccak(encode(signed["types"], signed["values"])).hex() == signed["hash"]
    signature = Account.sign_message(encode_defunct(hexstr=signed["hash"]), account.signing_private_key).signature
    body = {**shown["body"], "signature": "0x" + bytes(signature).hex()}
    headers = {"X-API-KEY": account.api_key, "xrestservermm": f"restserver{account.account_group}",
               "Content-Type": "application/json"}
    request = Request(f"{venue.simulator.url}/v2{shown['path']}", json.dumps(body).encode(), headers)
    with urlopen(request, timeout=30) as answer:
        assert json.load(answer)["id"] == sent(venue, account)[0]["id"]


@pytest.mark.parametrize("when, action", [
    ("after", "reset"), ("after", "hang"), ("after", "status"), ("after", "truncate"),
])
def test_an_order_whose_answer_is_lost_is_found_and_sent_once(act, venue, account, quick, when, action):
    venue.ask("add_fault", "rest", action, method="POST", path="/orders", when=when, times=1)
    outcome = act("order", "buy", "BTC-USDC", "0.01", *FAR, "--yes")
    assert outcome.exit_code == 0 and outcome.order["status"] == "NEW"
    assert "looked up" in outcome.stderr and len(sent(venue, account)) == 1


@pytest.mark.parametrize("action", ["reset", "status", "hang"])
def test_an_order_that_never_arrived_is_said_to_be_nowhere(act, venue, account, quick, action):
    venue.ask("add_fault", "rest", action, method="POST", path="/orders", when="before", times=1)
    outcome = act("order", "buy", "BTC-USDC", "0.01", *FAR, "--yes")
    assert outcome.exit_code == 5 and "nothing was done" in outcome.json["error"]["message"]
    assert sent(venue, account) == []


def test_an_order_that_cannot_be_looked_up_is_not_sent_again(act, venue, account, quick):
    venue.ask("add_fault", "rest", "reset", method="POST", path="/orders", when="after", times=1)
    venue.ask("add_fault", "rest", "status", method="GET", path="/orders")
    outcome = act("order", "buy", "BTC-USDC", "0.01", *FAR, "--yes")
    nonce = outcome.json["error"]["nonce"]
    assert outcome.exit_code == 6 and f"orders --nonce {nonce}" in outcome.json["error"]["message"]
    venue.ask("clear_faults")
    assert [row["nonce"] for row in act("orders", "--nonce", nonce).json["orders"]] == [nonce]
    assert len(sent(venue, account)) == 1


def test_an_accepted_order_that_cannot_be_read_is_not_called_undone(act, venue, account, quick):
    venue.ask("add_fault", "rest", "status", method="GET", path="/orders")
    outcome = act("order", "buy", "BTC-USDC", "0.01", *FAR, "--yes")
    assert outcome.exit_code == 6 and len(sent(venue, account)) == 1
    assert outcome.stderr.count("could not be read") == 1


def test_a_duplicate_is_looked_up(act, venue, account, quick):
    venue.ask("add_fault", "rest", "status", method="POST", path="/orders", when="after", times=1, status=400,
              body=json.dumps({"code": 3015, "msg": "duplicate"}))
    outcome = act("order", "buy", "BTC-USDC", "0.01", *FAR, "--yes")
    assert outcome.exit_code == 0 and outcome.order["status"] == "NEW"


def test_a_rejection_is_said_with_its_reason(act, venue, account):
    venue.ask("reject_next", 3002)
    outcome = act("order", "buy", "BTC-USDC", "0.01", *FAR, "--yes")
    assert outcome.exit_code == 4 and "margin" in outcome.json["error"]["message"]


def test_connections_that_ended_while_somebody_was_asked_lose_nothing(act, venue, account, monkeypatch):
    def think(question, is_agreed):
        venue.ask("go_down")
        venue.ask("come_back")

    monkeypatch.setattr(prompts, "confirm", think)
    outcome = act("order", "buy", "BTC-USDC", "0.01", *FAR)
    assert outcome.exit_code == 0 and outcome.stderr == ""


# --- cancel


def test_cancelling_what_is_not_there(act, venue, account, quick):
    assert act("cancel", "0x" + "ab" * 32).exit_code == 4
    assert act("cancel", "12345").exit_code == 4


def test_a_venue_may_say_that_there_is_none_of_that_id(act, venue, account):
    venue.ask("add_fault", "rest", "status", method="GET", path="/orders", status=400, times=1,
              body=json.dumps({"code": 3017, "msg": "no"}))
    assert act("orders", "--id", "0x" + "ab" * 32).json["orders"] == []


def test_a_cancellation_that_is_refused(act, venue, account):
    venue.ask("add_fault", "rest", "status", method="POST", path="/orders/cancel", status=400, times=1,
              body=json.dumps({"code": 1023, "msg": "no"}))
    assert act("cancel", "0x" + "ab" * 32).exit_code == 4


def test_cancelling_what_has_filled(act, venue, account, quick):
    order = act("order", "buy", "BTC-USDC", "0.01", "--yes").order
    outcome = act("cancel", order["order_id"])
    assert outcome.exit_code == 4 and "FILLED already" in outcome.json["error"]["message"]


@pytest.mark.parametrize("when, exit_code", [("after", 0), ("before", 6)])
def test_a_cancellation_whose_answer_is_lost(act, venue, account, quick, when, exit_code):
    order = act("order", "buy", "BTC-USDC", "0.01", *FAR, "--yes").order
    venue.ask("add_fault", "rest", "reset", method="POST", path="/orders/cancel", when=when, times=1)
    assert act("cancel", order["order_id"]).exit_code == exit_code
    assert act("cancel", order["order_id"]).exit_code == 0


# --- orders


def test_orders_are_filtered(act, venue, account):
    market = act("order", "buy", "BTC-USDC", "0.01", "--yes").order["order_id"]
    btc = act("order", "buy", "BTC-USDC", "0.01", *FAR, "--yes").order["order_id"]
    eth = act("order", "buy", "ETH-USDC", "0.1", "--price", "100", "--yes").order["order_id"]

    def ids(*options):
        return [row["order_id"] for row in act("orders", *options).json["orders"]]

    assert ids() == [btc, eth]
    assert ids("--pair", "ETH-USDC") == [eth]
    assert set(ids("--since", "1h")) == {market, btc, eth}
    assert ids("--since", "1h", "--status", "filled") == [market]
    assert ids("--limit", "1") == [eth]
    assert ids("--id", btc) == [btc]
    assert ids("--nonce", "5") == [] == ids("--id", "0x1")


@pytest.mark.parametrize("options", [
    ("--status", "OPEN"), ("--status", "FILLED"), ("--since", "yesterday"), ("--pair", "NONE-USDC"), ("--limit", "0"),
    ("--nonce", "x"),
])
def test_filters_that_make_no_sense(run, keys_file, venue, options):
    assert run("orders", *options, "--keys", keys_file).exit_code == 2


def test_orders_for_people(run, keys_file, venue):
    assert "No such orders." in run("orders", "--keys", keys_file).stdout
    run("order", "buy", "BTC-USDC", "0.01", *FAR, "--yes", "--keys", keys_file)
    text = run("orders", "--keys", keys_file).stdout
    assert "BTC-USDC" in text and "1000.00" in text and "UTC" in text


def test_a_bots_order_is_listed_and_can_be_cancelled(act, venue, account):
    venue.ask("place_order", account.account_group, "BTC-PERP", True, "0.01", "LIMIT", "1000", nonce=1795385892507123)
    assert act("cancel", "1795385892507123").exit_code == 0
    assert act("orders", "--domain", DOMAIN).json["orders"] == []
