"""`stream`: events as they happen, and what is never shown or done."""
import json
import threading
import time
from test.hummingbot.connector.derivative.vest_perpetual.cli.conftest import write_keys

import pytest

pytestmark = pytest.mark.timeout(120)  # should nothing be heard, the command would wait for ever


def listeners(venue, account):
    """The account's own: those of the test before may not have gone yet."""
    async def subscribed():  # in the venue's thread, in which sockets come and go
        return {socket for socket in venue.simulator.hub.private_sockets(account.account_group)
                if "account_private" in socket.channels}

    return venue.run(subscribed())


def wait_for(condition):
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def wait_for_listener(venue, account, besides=frozenset()):
    wait_for(lambda: listeners(venue, account) - besides)


@pytest.fixture
def while_streaming(run, keys_file, venue, account):
    """Runs the command in this thread, and something else in another as soon as the stream listens."""
    def stream(act, *options):
        def wait_and_act():
            wait_for_listener(venue, account)
            act()

        acting = threading.Thread(target=wait_and_act)
        acting.start()
        try:
            return run("stream", "--keys", keys_file, *options)
        finally:
            acting.join()

    return stream


def trade(venue, account):
    venue.ask("place_order", account.account_group, "BTC-PERP", True, "0.01", "LIMIT", "1000", nonce=17)
    venue.ask("deposit", account.account_group, "5")


def test_events_for_programs_are_one_document_a_line(while_streaming, venue, account):
    outcome = while_streaming(lambda: trade(venue, account), "--count", "2", "--json")
    connected, order, transfer = map(json.loads, outcome.stdout.splitlines())
    assert outcome.exit_code == 0 and connected["event"] == "CONNECTED"
    assert (order["event"], order["status"], order["nonce"], order["size"]) == ("ORDER", "NEW", 17, "0.0100")
    assert (transfer["event"], transfer["order_type"], transfer["size"]) == ("TRANSFER", "DEPOSIT", "5")


def test_events_for_people(while_streaming, venue, account):
    text = while_streaming(lambda: trade(venue, account), "--count", "1").stdout
    assert "Ctrl-C" in text and "BTC-USDC  buy  LIMIT  0.0100  limit 1000.00  NEW" in text


def test_what_cannot_be_read_is_said_and_the_next_event_counts(while_streaming, venue, account):
    def act():
        for payload in ({"event": "ORDER", "args": {"id": 5}}, {"event": "LP", "args": {}}, {}):
            venue.ask("push_private", account.account_group, {"channel": "account_private", "data": payload})
        trade(venue, account)

    outcome = while_streaming(act, "--count", "3", "--json")
    events = [json.loads(line)["event"] for line in outcome.stdout.splitlines()]
    assert events == ["CONNECTED", "UNREADABLE", "UNREADABLE", "ORDER"]


def test_the_listen_key_is_neither_shown_nor_deleted(while_streaming, venue, account, caplog):
    keys = set()

    def act():
        async def issued():
            return [key.key for key in venue.simulator.listen_keys.all()]

        keys.update(venue.run(issued()))
        trade(venue, account)

    outcome = while_streaming(act, "--count", "1")
    assert keys and not any(key in outcome.words + caplog.text for key in keys)
    assert venue.requests("DELETE", "/account/listenKey") == []


def test_it_connects_again_by_itself(while_streaming, venue, account):
    def sent():
        return len(venue.ask("journal", kind="frame_sent", channel="account_private"))

    def act():
        before, sent_before = listeners(venue, account), sent()
        venue.ask("place_order", account.account_group, "BTC-PERP", True, "0.01", "LIMIT", "1000", nonce=16)
        wait_for(lambda: sent() > sent_before)  # or the first connection might end unheard of
        venue.ask("disconnect_sockets", "private", 1012)
        wait_for_listener(venue, account, besides=before)
        trade(venue, account)

    outcome = while_streaming(act, "--count", "2", "--json")
    events = [json.loads(line)["event"] for line in outcome.stdout.splitlines()]
    assert events == ["CONNECTED", "ORDER", "CONNECTED", "ORDER"]


def test_a_key_that_is_refused_while_it_streams_ends_it(while_streaming, venue, account):
    def act():
        venue.ask("revoke_api_key", account.account_group)
        venue.ask("disconnect_sockets", "private", 1012)

    outcome = while_streaming(act)
    assert outcome.exit_code == 3 and "1002" in outcome.stderr


def test_a_wrong_key_is_said_at_once(run, venue, account, tmp_path):
    outcome = run("stream", "--keys", write_keys(tmp_path / "keys.yml", account, api_key="a" * 64))
    assert outcome.exit_code == 3 and outcome.is_one_sentence()


def test_a_venue_that_is_away_is_said_at_once(run, venue, keys_file):
    venue.ask("go_down")
    assert run("stream", "--keys", keys_file).exit_code == 5
