"""Faults of the private and the public socket, by the rows of the fault matrix (C18 to C27)."""
import json
from test.end_to_end.bench import running
from test.end_to_end.test_markets import is_a_recent_frame

import brotli
import pytest

pytestmark = pytest.mark.asyncio
INTERRUPTED = "WARNING.*(user stream|market data stream) of Vest is interrupted"
ODD_ORDER = {"id": "0x" + "ab" * 32, "nonce": 5, "postTime": 1}


def private_event(event, args):
    return {"channel": "account_private", "data": {"event": event, "args": args}}


async def opened(bench, kind="private"):
    return [entry for entry in await bench.admin.journal(kind="socket_opened") if entry["socket_kind"] == kind]


async def is_subscribed(bench):
    return "account_private" in (await bench.admin.sockets())["channels"]


async def assert_events_are_heard(bench):
    """By the stream alone: an order is known to be filled while GET /orders is of no use."""
    await bench.until(lambda: is_subscribed(bench))
    bench.expected_complaints += ["HTTP 503"]
    fault = await bench.admin.add_fault("rest", "status", method="GET", path="/orders", status=503)
    await bench.bot.filled(bench.bot.buy("ETH-USDC", "0.1"))
    await bench.admin.remove_fault(fault)


async def test_c18_an_unknown_status_is_said_and_changes_nothing():
    async with running() as bench:
        bench.expected_complaints = ["ERROR.*a status this connector does not know"]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        args = {"id": bench.bot.exchange_id(order_id), "nonce": int(order_id), "status": "PONDERING", "postTime": 1}
        for _ in range(3):
            await bench.admin.push_private(bench.bot.account_group, private_event("ORDER", args))
        await bench.until(lambda: bench.said("does not know"))
        await bench.another_poll()
        assert len(bench.said("does not know")) == 1
        assert bench.bot.names(order_id) == ["Created"]


async def test_c18_unknown_events_and_fields_are_ignored():
    async with running() as bench:
        group = bench.bot.account_group
        await bench.admin.push_private(group, private_event("WEATHER", {"sun": True}))
        await bench.admin.push_private(group, private_event("LP", {"id": "0x1", "status": "NEW", "more": 1}))
        await bench.admin.push_private(group, private_event("TRANSFER", {"id": "0x1", "size": "5", "status": "NEW"}))
        await bench.admin.push_private(group, private_event("ORDER", {**ODD_ORDER, "status": "NEW", "mood": "good"}))
        await bench.admin.push_private(group, {"channel": "unheard_of", "data": 1})
        await assert_events_are_heard(bench)


BROKEN_FRAMES = {
    "malformed": {"raw": '{"channel": "account_private", "da'},
    "empty": {"raw": ""},
    "empty binary": {"raw": b""},
    "number": {"raw": "5"},
    "null": {"raw": "null"},
    "no data": {"payload": {"channel": "account_private"}},
    "no arguments": {"payload": private_event("ORDER", {})},
    "wrong types": {"payload": private_event("ORDER", {"id": 1, "nonce": "x", "status": [], "postTime": {}})},
    "binary noise": {"raw": bytes(range(256))},
}


@pytest.mark.parametrize("kind", BROKEN_FRAMES)
async def test_c19_frames_that_cannot_be_understood(kind):
    async with running() as bench:
        bench.expected_complaints = ["WARNING.*Vest sent .* that cannot be understood", "HTTP 503"]
        await bench.admin.add_fault("rest", "status", method="GET", path="/orders", status=503)  # only events tell
        await bench.admin.push_private(bench.bot.account_group, **BROKEN_FRAMES[kind])
        await bench.admin.push_public(**BROKEN_FRAMES[kind])
        order_id = bench.bot.buy("BTC-USDC", "0.01")
        await bench.until(lambda: bench.bot.is_done(order_id))
        assert len(await opened(bench)) == 1
        await bench.admin.clear_faults()


@pytest.mark.parametrize("form", ["binary", "brotli", "batch"])
async def test_c19_frames_in_other_forms(form):
    async with running() as bench:
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        event = private_event("ORDER", {"id": bench.bot.exchange_id(order_id), "nonce": int(order_id),
                                        "status": "CANCELLED", "postTime": bench.simulator.clock.now_ms()})
        await bench.admin.add_fault("socket", "drop", socket="private", channel="account_private", match="CANCELLED",
                                    times=1)
        await bench.admin.add_fault("rest", "status", method="GET", path="/orders", status=503)
        bench.expected_complaints = ["HTTP 503"]
        await bench.admin.cancel_order(bench.bot.account_group, bench.bot.exchange_id(order_id))
        text = json.dumps(event)
        raw = {"binary": text.encode(), "brotli": brotli.compress(text.encode()),
               "batch": json.dumps([private_event("ORDER", {**ODD_ORDER, "status": "NEW"}), event])}[form]
        await bench.admin.push_private(bench.bot.account_group, raw=raw)
        await bench.until(lambda: bench.bot.is_done(order_id))
        await bench.admin.clear_faults()


@pytest.mark.parametrize("code", [1000, 1006, 1011, 1012, 4003, 4004, 4005])
async def test_c21_c23_what_happens_while_the_private_socket_is_closed(code):
    async with running() as bench:
        bench.expected_complaints = [INTERRUPTED]
        to_fill, to_cancel, kept = (bench.bot.limit_order(factor) for factor in ("0.97", "0.9", "0.8"))
        for order_id in (to_fill, to_cancel, kept):
            await bench.bot.open(order_id)
        price = bench.connector.in_flight_orders[to_fill].price
        cancelled_id = bench.bot.exchange_id(to_cancel)
        await bench.admin.add_fault("socket", "refuse_handshake", socket="private", times=2, status=503)
        await bench.admin.disconnect_sockets("private", code)
        await bench.admin.set_price("BTC-PERP", price - 10)
        await bench.admin.cancel_order(bench.bot.account_group, cancelled_id)
        await bench.bot.filled(to_fill)
        await bench.until(lambda: bench.bot.is_done(to_cancel))
        assert bench.bot.names(to_cancel) == ["Created", "Cancelled"]
        await assert_events_are_heard(bench)
        # No storm: the refused attempts, each with its listen key, and the one that succeeded.
        assert len(await opened(bench)) == 2
        assert len(await bench.requests("POST", "/account/listenKey")) <= 5


async def test_c21_events_count_at_once_while_the_venue_hangs_over_what_was_missed():
    async with running() as bench:
        bench.expected_complaints = [INTERRUPTED, "could not be read"]
        kept = bench.bot.limit_order()
        await bench.bot.open(kept)
        hanging = await bench.admin.add_fault("rest", "hang", method="GET", path="/orders")
        connections = len(await opened(bench))
        await bench.admin.disconnect_sockets("private")

        async def is_connected_anew():
            return len(await opened(bench)) > connections and await is_subscribed(bench)

        await bench.until(is_connected_anew)
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "0.1"))
        assert bench.said("could not be read") == []  # the venue has not even failed to answer
        await bench.admin.remove_fault(hanging)


async def test_c22_a_half_open_connection_is_found_out():
    async with running(with_proxy=True) as bench:
        bench.expected_complaints = [INTERRUPTED, "could not be read", "asked for again", "NETWORK", "Error fetching"]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        exchange_id = bench.bot.exchange_id(order_id)
        bench.proxy.stall()
        await bench.admin.cancel_order(bench.bot.account_group, exchange_id)
        await bench.until(lambda: bench.said("user stream of Vest is interrupted"))
        bench.proxy.resume()
        await bench.until(lambda: bench.bot.is_done(order_id))
        assert bench.bot.names(order_id) == ["Created", "Cancelled"]


@pytest.mark.slow
async def test_c22_an_alive_but_mute_private_socket_is_found_out():
    async with running() as bench:
        bench.expected_complaints = [INTERRUPTED]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        exchange_id = bench.bot.exchange_id(order_id)
        await bench.admin.add_fault("socket", "mute", socket="private", times=1)
        await bench.admin.cancel_order(bench.bot.account_group, exchange_id)
        await bench.until(lambda: bench.bot.is_done(order_id))
        await bench.until(lambda: _has_opened(bench, "private", 2))
        await assert_events_are_heard(bench)


async def _has_opened(bench, kind, count):
    return len(await opened(bench, kind)) >= count


async def test_c22_an_alive_but_mute_public_socket_is_found_out():
    async with running() as bench:
        bench.expected_complaints = [INTERRUPTED]
        await bench.admin.add_fault("socket", "mute", socket="public", times=1)
        await bench.until(lambda: _has_opened(bench, "public", 2))
        await bench.admin.set_price("BTC-PERP", "90000")
        await bench.until(lambda: abs(bench.connector.get_mid_price("BTC-USDC") - 90000) < 50)


@pytest.mark.parametrize("kind", ["private", "public"])
async def test_c24_twenty_disconnects_in_a_row(kind):
    async with running() as bench:
        bench.expected_complaints = [INTERRUPTED]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        for count in range(20):
            await bench.until(lambda: _has_opened(bench, kind, count + 1))
            await bench.until(lambda: _has_sockets(bench, kind))
            await bench.admin.disconnect_sockets(kind)
        await bench.until(lambda: _has_opened(bench, kind, 21))
        await assert_events_are_heard(bench)
        assert len(bench.said("is interrupted")) <= 3
        assert len(await bench.admin.listen_keys()) == 1
        sockets = await bench.admin.sockets()
        assert (sockets["public"], sockets["private"]) == (1, 1)
        await bench.bot.cancel(order_id)


async def _has_sockets(bench, kind):
    return (await bench.admin.sockets())[kind] == 1


@pytest.mark.parametrize("action", ["refuse_subscription", "forget_subscription"])
async def test_c25_a_refused_subscription_is_tried_again_and_disturbs_no_other_pair(action):
    async with running(is_started=False) as bench:
        # On a busy machine a refusal may come when it is no longer waited for.
        bench.expected_complaints = ["WARNING.*Vest did not subscribe to ETH-PERP", "WARNING.*Vest refused a request",
                                     "WARNING.*Vest sends no order books of ETH-USDC"]
        await bench.admin.add_fault("socket", action, socket="public", channel="ETH-PERP@depth", times=2)
        await bench.bot.start()
        await bench.until(lambda: is_a_recent_frame(bench, "BTC-USDC", "BTC-PERP"))
        await bench.until(lambda: _is_on(bench, "ETH-PERP@depth"))
        await bench.admin.set_price("ETH-PERP", "3000")
        await bench.until(lambda: abs(bench.connector.get_mid_price("ETH-USDC") - 3000) < 5)


async def test_c25_a_refused_private_subscription_is_tried_again():
    async with running(is_started=False) as bench:
        bench.expected_complaints = [INTERRUPTED]
        await bench.admin.add_fault("socket", "refuse_subscription", socket="private", channel="account_private",
                                    times=2)
        await bench.bot.start()
        await assert_events_are_heard(bench)


async def _is_on(bench, channel):
    return channel in (await bench.admin.sockets())["channels"]


@pytest.mark.slow
async def test_c26_a_burst_of_events_and_many_books_lose_nothing_private():
    async with running(tick_interval_s=0.02) as bench:
        orders = [bench.bot.limit_order("0.99") for _ in range(5)]
        for order_id in orders:
            await bench.bot.open(order_id)
        event = private_event("ORDER", {**ODD_ORDER, "status": "NEW"})
        batch = json.dumps([event] * 1000)
        for _ in range(10):
            await bench.admin.push_private(bench.bot.account_group, raw=batch)
        price = min(bench.connector.in_flight_orders[order_id].price for order_id in orders)
        await bench.admin.set_price("BTC-PERP", price - 10)
        for order_id in orders:
            await bench.bot.filled(order_id)
        await bench.admin.release_price("BTC-PERP")
        await bench.until(lambda: bench.connector._user_stream_tracker.user_stream.qsize() == 0)
        await bench.until(lambda: is_a_recent_frame(bench, "BTC-USDC", "BTC-PERP"))


@pytest.mark.slow
async def test_c26_bytes_that_come_one_by_one_with_jitter():
    async with running(with_proxy=True, tick_interval_s=1.0) as bench:
        bench.expected_complaints = [INTERRUPTED]
        bench.proxy.slice_bytes = 1
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        bench.proxy.slice_bytes, bench.proxy.jitter_s = 16, 0.0001
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        bench.proxy.slice_bytes, bench.proxy.jitter_s = None, 0


LISTEN_KEY = dict(path="/account/listenKey")


async def test_c27_a_renewal_that_fails_once_is_repeated():
    async with running() as bench:
        bench.expected_complaints = ["WARNING.*The listen key was not renewed"]
        await bench.admin.add_fault("rest", "status", method="PUT", times=1, **LISTEN_KEY)
        await bench.until(lambda: _has_renewed(bench))
        assert len(await opened(bench)) == 1


async def _has_renewed(bench):
    return [entry["status"] for entry in await bench.requests("PUT", "/account/listenKey")][:2] == [503, 200]


@pytest.mark.parametrize("fault", ["put fails", "expires", "expires in silence", "is deleted by another bot"])
async def test_c27_a_listen_key_that_ends_is_replaced_with_a_new_socket(fault):
    async with running() as bench:
        bench.expected_complaints = ["WARNING.*The listen key was not renewed", INTERRUPTED]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        exchange_id = bench.bot.exchange_id(order_id)
        bench.remember_secrets()
        if fault == "put fails":
            await bench.admin.add_fault("rest", "status", method="PUT", **LISTEN_KEY)
        elif fault == "is deleted by another bot":
            await bench.admin.delete_listen_keys()
        else:
            await bench.admin.expire_listen_keys(close_sockets=fault == "expires")
        await bench.admin.cancel_order(bench.bot.account_group, exchange_id)
        await bench.until(lambda: _has_opened(bench, "private", 2))
        await bench.until(lambda: bench.bot.is_done(order_id))
        await bench.admin.clear_faults()
        await assert_events_are_heard(bench)


async def test_c27_no_listen_key_can_be_had_for_a_while():
    async with running(is_started=False) as bench:
        bench.expected_complaints = [INTERRUPTED]
        await bench.admin.add_fault("rest", "status", method="POST", times=3, **LISTEN_KEY)
        await bench.bot.start()
        await assert_events_are_heard(bench)
        assert len(await bench.requests("POST", "/account/listenKey")) == 4
