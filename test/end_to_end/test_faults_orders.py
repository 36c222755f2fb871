"""Faults around orders, by the rows of the fault matrix (C1 to C17): answers that are lost, late, wrong or repeated."""
import json
from decimal import Decimal
from test.end_to_end.bench import running, switches

import pytest

pytestmark = pytest.mark.asyncio
WHOLE_LIFE = ["Created", "Filled", "Completed"]
INTERRUPTED = "WARNING.*user stream of Vest is interrupted"
REFUSALS = (1111, 1121, 3001, 3002, 3010, 3011, 3018, 3019, 3024)
CLOSED = "WARNING.*The market .* is closed or halted"  # what 3024 says
SHAPES = {
    "flat": (400, lambda error: error),
    "detail": (400, lambda error: {"detail": error}),
    "inside a 200": (200, lambda error: error),
}


async def fault_orders(bench, action, when, **rule):
    """One fault on the next `POST /orders`."""
    await bench.admin.add_fault("rest", action, method="POST", path="/orders", when=when, times=1, **rule)


async def drop_events(bench, match="", **rule):
    await bench.admin.add_fault("socket", "drop", socket="private", channel="account_private", match=match, **rule)


async def posts(bench):
    return len(await bench.requests("POST", "/orders"))


async def assert_never_arrived(bench, order_id):
    """The order ends as FAILED, once, and was sent once."""
    await bench.until(lambda: bench.bot.is_done(order_id))
    assert bench.bot.names(order_id) == ["Failed"]
    assert "never got the order" in bench.bot.failure(order_id)
    assert await posts(bench) == 1


async def assert_adopted(bench, order_id):
    """The order is open with its real id, once, and was sent once."""
    await bench.bot.open(order_id)
    row = await bench.venue_order(order_id)
    assert bench.bot.exchange_id(order_id) == row["id"]
    assert await posts(bench) == 1


async def test_c01_reset_before_the_venue_saw_the_order():
    async with running() as bench:
        await fault_orders(bench, "reset", "before")
        await assert_never_arrived(bench, bench.bot.limit_order())


@pytest.mark.parametrize("is_heard", [True, False], ids=["events", "no events"])
async def test_c02_accepted_but_the_answer_is_lost(is_heard):
    async with running() as bench:
        await fault_orders(bench, "reset", "after")
        if not is_heard:
            await drop_events(bench)
        await assert_adopted(bench, bench.bot.limit_order())


@pytest.mark.slow
async def test_c03_accepted_then_the_client_times_out_and_it_fills():
    async with running() as bench:
        await fault_orders(bench, "hang", "after")
        order_id = bench.bot.buy("BTC-USDC", "0.01")
        await bench.bot.filled(order_id)
        await bench.until(lambda: bench.said("no answer in time"))
        assert bench.bot.names(order_id) == WHOLE_LIFE


async def test_c03_accepted_and_filled_while_neither_answer_nor_events_come():
    async with running() as bench:
        await fault_orders(bench, "reset", "after")
        await drop_events(bench)
        order_id = bench.bot.buy("BTC-USDC", "0.01")
        await bench.bot.filled(order_id)
        assert bench.bot.names(order_id) == WHOLE_LIFE


@pytest.mark.parametrize("status", [502, 503])
async def test_c04_server_error_before_the_order_was_taken(status):
    async with running() as bench:
        await fault_orders(bench, "status", "before", status=status)
        await assert_never_arrived(bench, bench.bot.limit_order())


@pytest.mark.parametrize("status", [502, 503])
async def test_c04_server_error_after_the_order_was_taken(status):
    async with running() as bench:
        await fault_orders(bench, "status", "after", status=status)
        await assert_adopted(bench, bench.bot.limit_order())


RATE_LIMITED = [
    pytest.param({"action": "status", "status": 429, "body": "slow down"}, id="429"),
    pytest.param({"action": "status", "status": 400, "body": '{"code": 1003, "msg": "Too many"}'}, id="1003"),
    pytest.param({"action": "error_200", "code": 1003}, id="1003 inside a 200"),
]


@pytest.mark.parametrize("rule", RATE_LIMITED)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_c05_rate_limited(rule, when):
    async with running() as bench:
        bench.expected_complaints = ["WARNING.*Vest asks for fewer requests"]
        await fault_orders(bench, when=when, **rule)
        order_id = bench.bot.limit_order()
        if when == "before":
            await assert_never_arrived(bench, order_id)
        else:
            await assert_adopted(bench, order_id)
        assert bench.said("Vest asks for fewer requests")


@pytest.mark.parametrize("shape", SHAPES)
async def test_c06_definitive_refusals_over_http(shape):
    status, wrap = SHAPES[shape]
    async with running() as bench:
        bench.expected_complaints = ["NETWORK.*Error submitting", "WARNING.*Order .* failed: ", CLOSED]
        for code in REFUSALS:
            await fault_orders(bench, "status", "before", status=status,
                               body=json.dumps(wrap({"code": code, "msg": "Refused."})))
            order_id = bench.bot.limit_order()
            await bench.until(lambda: bench.bot.is_done(order_id))
            assert bench.bot.names(order_id) == ["Failed"]
            assert f"Vest error {code}: " in bench.bot.failure(order_id)
        assert all("nonce" not in entry["query"] for entry in await bench.requests("GET", "/orders"))
        assert not bench.said("documented meaning")


async def test_c06_definitive_refusals_by_event():
    async with running() as bench:
        bench.expected_complaints = [CLOSED]
        for code in (code for code in REFUSALS if code >= 3000):
            await bench.admin.reject_next(code)
            order_id = bench.bot.limit_order()
            await bench.until(lambda: bench.bot.is_done(order_id))
            assert bench.bot.names(order_id)[-1] == "Failed"
            assert f"Vest error {code}: " in bench.bot.failure(order_id)


async def test_c07_truncated_answer_after_the_order_was_taken():
    async with running() as bench:
        await fault_orders(bench, "truncate", "after")
        await assert_adopted(bench, bench.bot.limit_order())


async def test_c08_duplicate_of_our_own_nonce_is_our_order():
    async with running() as bench:
        await fault_orders(bench, "error_200", "after", code=3015)
        await drop_events(bench)
        await assert_adopted(bench, bench.bot.limit_order())


async def test_c09_fill_event_before_the_answer():
    async with running() as bench:
        await bench.admin.add_fault("rest", "delay", method="POST", path="/orders", when="after", times=1,
                                    delay_ms=3000)
        order_id = bench.bot.buy("BTC-USDC", "0.01")
        await bench.bot.filled(order_id)
        journal = await bench.requests("POST", "/orders")
        assert journal[0]["status"] is None, "the answer was not late"
        await bench.until(bench.is_answered)
        await bench.another_poll()
        assert bench.bot.names(order_id) == WHOLE_LIFE


@pytest.mark.parametrize("is_heard", [True, False], ids=["events", "no events"])
async def test_c10_answer_to_a_cancel_is_lost(is_heard):
    async with running() as bench:
        bench.expected_complaints = ["ERROR.*Failed to cancel order"]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        if not is_heard:
            await drop_events(bench)
        await bench.admin.add_fault("rest", "reset", path="/orders/cancel", when="after", times=1)
        await bench.bot.cancel(order_id)
        assert bench.bot.names(order_id) == ["Created", "Cancelled"]


@pytest.mark.parametrize("is_heard", [True, False], ids=["events", "no events"])
async def test_c11_cancel_races_a_fill(is_heard):
    async with running() as bench:
        bench.expected_complaints = ["WARNING.*Failed to cancel order .*not found"]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        price = bench.connector.in_flight_orders[order_id].price
        if not is_heard:
            await drop_events(bench)
        await bench.admin.add_fault("rest", "delay", path="/orders/cancel", when="before", times=1, delay_ms=2000)
        bench.bot.ask_to_cancel(order_id)
        await bench.until(lambda: bench.admin.call("journal", path="/orders/cancel"))
        await bench.admin.set_price("BTC-PERP", price - 10)
        await bench.bot.filled(order_id)
        await bench.until(lambda: bench.said("Failed to cancel order .*not found"))
        assert bench.bot.names(order_id) == WHOLE_LIFE


@pytest.mark.parametrize("wait_s", [30, 0.5], ids=["soon", "after the wait"])
async def test_c12_cancel_before_the_exchange_id_is_known(wait_s):
    late_ms = 3000
    async with running() as bench:
        bench.connector.CANCEL_WAIT_S = wait_s
        # Neither events nor polls tell the id before the answer does.
        await drop_events(bench, match="BTC-PERP")
        await bench.admin.add_fault("rest", "delay", method="GET", path="/orders", delay_ms=late_ms)
        await bench.admin.add_fault("rest", "delay", method="POST", path="/orders", when="after", times=1,
                                    delay_ms=late_ms)
        order_id = bench.bot.limit_order()
        await bench.until(lambda: order_id in bench.connector.in_flight_orders)
        bench.bot.ask_to_cancel(order_id)
        # The account's stream goes on meanwhile.
        await bench.admin.place_order(bench.bot.account_group, "ETH-PERP", True, "0.1")
        await bench.bot.position_is("ETH-USDC", "0.1")
        assert not bench.bot.is_done(order_id)
        await bench.until(lambda: bench.bot.is_done(order_id))
        assert bench.bot.names(order_id) == ["Created", "Cancelled"]
        await bench.admin.clear_faults()


@pytest.mark.parametrize("asked", ["before", "in"])
async def test_c12_a_cancel_that_waits_for_the_exchange_id_survives_an_outage(asked):
    async with running() as bench:
        bench.expected_complaints = ["WARNING", "NETWORK"]
        bench.connector.CANCEL_WAIT_S = 0.3
        await drop_events(bench, match="BTC-PERP")
        await bench.admin.add_fault("rest", "status", method="GET", path="/orders", status=503)
        await bench.admin.add_fault("rest", "reset", method="POST", path="/orders", when="after", times=1)
        order_id = bench.bot.limit_order()
        await bench.until(lambda: bench.said(f"not known whether Vest has order {order_id}"))

        async def ask_to_cancel():
            bench.bot.ask_to_cancel(order_id)
            await bench.until(lambda: bench.said("will be cancelled when Vest has confirmed it"))

        if asked == "before":
            await ask_to_cancel()
        await bench.admin.add_fault("rest", "status", path="/ticker/latest", status=503)
        await bench.until(lambda: bench.said("changed to NetworkStatus.NOT_CONNECTED"))
        if asked == "in":
            await ask_to_cancel()
        await bench.admin.clear_faults()
        await bench.until(lambda: bench.bot.is_done(order_id))
        assert bench.bot.names(order_id) == ["Created", "Cancelled"]


async def test_c13_cancel_all_with_one_that_hangs():
    async with running() as bench:
        bench.expected_complaints = ["NETWORK.*Unexpected error cancelling orders"]
        orders = [bench.bot.limit_order() for _ in range(3)]
        for order_id in orders:
            await bench.bot.open(order_id)
        await bench.admin.add_fault("rest", "hang", path="/orders/cancel", times=1)
        loop = bench.bot._run.get_loop()
        began_s = loop.time()
        results = await bench.connector.cancel_all(4)
        assert loop.time() - began_s < 9  # the request itself hangs for ten
        assert [result.order_id in orders for result in results] == [True] * 3
        assert sorted(bench.bot.names(order_id)[-1] for order_id in orders) == ["Cancelled", "Cancelled", "Created"]


@pytest.mark.parametrize("parts", [1, 3])
async def test_c14_every_event_comes_twice_and_by_rest_too(parts):
    async with running(**switches(fill_parts=parts, fill_part_ticks=1, partial_fill_fields="filled")) as bench:
        await bench.admin.add_fault("socket", "duplicate", socket="private", channel="account_private")
        order_id = bench.bot.buy("BTC-USDC", "0.03")
        await bench.bot.filled(order_id)
        await bench.another_poll()
        assert bench.bot.names(order_id) == ["Created", *["Filled"] * parts, "Completed"]


@pytest.mark.parametrize("fees", ["cumulative", "single"])
@pytest.mark.parametrize("fields", ["null", "filled"])
@pytest.mark.parametrize("action", ["drop", "reorder", "duplicate", "delay"])
async def test_c15_partial_fills_in_any_subset_and_order(fees, fields, action):
    chosen = switches(fees=fees, partial_fill_fields=fields, fill_parts=5, fill_part_ticks=1)
    async with running(tick_interval_s=0.05, **chosen) as bench:
        await bench.admin.add_fault("socket", action, socket="private", channel="account_private", match="FILLED",
                                    probability=0.5, delay_ms=120)
        orders = [bench.bot.buy("BTC-USDC", "0.05"), bench.bot.sell("ETH-USDC", "0.77"),
                  bench.bot.buy("BTC-USDC", "0.0123")]
        for order_id in orders:
            await bench.bot.filled(order_id)


async def test_c15_parts_missed_while_disconnected():
    async with running(**switches(fill_parts=4, fill_part_ticks=1)) as bench:
        bench.expected_complaints = [INTERRUPTED]
        await bench.admin.set_price("BTC-PERP", "95000")
        await bench.admin.pause_prices()
        order_id = bench.bot.buy("BTC-USDC", "0.04", price="95500")
        await bench.until(lambda: bench.bot.names(order_id) == ["Created", "Filled"])
        await bench.admin.add_fault("socket", "refuse_handshake", socket="private", times=3)
        await bench.admin.disconnect_sockets("private")
        await bench.admin.tick(4)
        await bench.admin.resume_prices()
        await bench.bot.filled(order_id)
        assert bench.bot.names(order_id) == ["Created", "Filled", "Filled", "Completed"]


IN_PARTS = dict(fill_parts=4, fill_part_ticks=1)


async def fill_parts_unheard(bench, ticks):
    """Orders fill in parts while the stream is away."""
    await bench.admin.add_fault("socket", "refuse_handshake", socket="private", times=3)
    await bench.admin.disconnect_sockets("private")
    await bench.admin.tick(ticks)


async def about_to_fill(bench):
    """The position is known for sure, and the next tick fills bids at 95500."""
    bench.expected_complaints = [INTERRUPTED]
    for _ in range(2):
        await bench.another_poll()
    await bench.admin.set_price("BTC-PERP", "95000")
    await bench.admin.pause_prices()


def filled_amount(bench, order_id):
    return sum(event.details.amount for event in bench.bot.events
               if event.order_id == order_id and event.name == "Filled")


@pytest.mark.parametrize("fields", ["null", "filled"])
async def test_c16_parts_missed_before_a_cancel_are_booked_before_it(fields):
    async with running(**switches(partial_fill_fields=fields, **IN_PARTS)) as bench:
        await about_to_fill(bench)
        order_id = bench.bot.buy("BTC-USDC", "0.04", price="95500")
        await bench.until(lambda: bench.bot.names(order_id) == ["Created", "Filled"])
        await fill_parts_unheard(bench, ticks=2)
        bench.expected_complaints.append(f"WARNING.*{order_id} was filled by .* before it was cancelled")
        if fields == "null":
            bench.unknowable_orders = {order_id}  # price and fee of what was missed
        await bench.bot.cancel(order_id)
        await bench.bot.position_is("BTC-USDC", "0.03")
        assert filled_amount(bench, order_id) == Decimal("0.03")
        assert bench.bot.names(order_id)[-1] == "Cancelled"


async def test_c16_parts_missed_on_a_stream_that_loses_events_are_booked():
    async with running(**switches(**IN_PARTS)) as bench:
        await about_to_fill(bench)
        await drop_events(bench, match="PARTIALLY_FILLED")
        order_id = bench.bot.sell("BTC-USDC", "0.04", price="94500")
        await bench.bot.open(order_id)
        await bench.admin.tick(1)
        await bench.bot.position_is("BTC-USDC", "-0.02")  # the account shows it before the cancel
        bench.expected_complaints.append(f"WARNING.*{order_id} was filled by .* before it was cancelled")
        bench.unknowable_orders = {order_id}
        await bench.bot.cancel(order_id)
        assert filled_amount(bench, order_id) == Decimal("0.02")
        assert bench.bot.names(order_id) == ["Created", "Filled", "Cancelled"]


async def test_c16_parts_that_two_orders_may_have_filled_are_said_once():
    async with running(**switches(**IN_PARTS)) as bench:
        await about_to_fill(bench)
        orders = [bench.bot.buy("BTC-USDC", amount, price="95500") for amount in ("0.04", "0.08")]
        for order_id in orders:
            await bench.until(lambda: bench.bot.names(order_id) == ["Created", "Filled"])
        await fill_parts_unheard(bench, ticks=1)
        error = f"ERROR.*{orders[0]}.*{orders[1]}|ERROR.*{orders[1]}.*{orders[0]}"
        bench.expected_complaints.append(error)
        bench.unknowable_orders = set(orders)
        for order_id in orders:
            bench.bot.ask_to_cancel(order_id)
        await bench.until(lambda: all(bench.bot.is_done(order_id) for order_id in orders))
        await bench.until(lambda: bench.said(error))
        await bench.bot.position_is("BTC-USDC", "0.06")
        await bench.another_poll()
        assert len(bench.said(error)) == 1
        assert [filled_amount(bench, order_id) for order_id in orders] == [Decimal("0.01"), Decimal("0.02")]


@pytest.mark.parametrize("end", ["cancelled", "filled"])
async def test_c17_a_stale_event_revives_nothing(end):
    async with running() as bench:
        # The event NEW comes last.
        await bench.admin.add_fault("socket", "delay", socket="private", channel="account_private", match='"NEW"',
                                    times=1, delay_ms=700)
        if end == "filled":
            order_id = bench.bot.buy("BTC-USDC", "0.01")
            await bench.bot.filled(order_id)
        else:
            order_id = bench.bot.limit_order()
            await bench.bot.open(order_id)
            await bench.bot.cancel(order_id)
        names = bench.bot.names(order_id)
        await bench.until(lambda: _is_sent(bench, '"NEW"'))
        await bench.another_poll()
        assert bench.bot.names(order_id) == names
        assert order_id not in bench.connector.in_flight_orders


async def _is_sent(bench, text):
    frames = await bench.admin.journal(kind="frame_sent", channel="account_private")
    return any(text in frame["payload"] for frame in frames)


async def test_c17_a_stale_partial_fill_after_the_end_adds_nothing():
    async with running(**switches(fill_parts=2, fill_part_ticks=1)) as bench:
        await bench.admin.add_fault("socket", "delay", socket="private", channel="account_private",
                                    match="PARTIALLY_FILLED", times=1, delay_ms=700)
        order_id = bench.bot.buy("BTC-USDC", Decimal("0.02"))
        await bench.bot.filled(order_id)
        await bench.until(lambda: _is_sent(bench, "PARTIALLY_FILLED"))
        await bench.another_poll()
