"""A venue that answers with horrors on every end point and socket while a bot trades: the bot neither crashes nor
stalls nor grows nor fills the log, and trades on when the venue is well again.
"""
import json
from test.end_to_end.bench import running

import brotli
import pytest

pytestmark = pytest.mark.asyncio
ANYTHING = ".*"
MOST_LINES = 120
# Bodies of answers with status 200; each is a frame too.
HORRORS = {
    "empty": "",
    "deep": "[" * 100_000,
    "not a number": '{"symbols": NaN, "tickers": Infinity, "bids": -Infinity}',
    "numbers without end": '{"time": 1e999999999, "balances": [{"asset": "USDC", "total": 1e999999999}], "id": '
                           + "9" * 4000 + "}",
    "integer of 100,000 digits": "9" * 100_000,
    "string of a megabyte": json.dumps("x" * 1_000_000),
    "null": "null",
    "lists": "[[[[]]]]",
    "a hundred thousand objects": "[" + "{}," * 100_000 + "{}]",
    "wrong types": json.dumps({
        "symbols": 5, "tickers": {"a": 1}, "bids": "x", "asks": 7, "balances": "y", "positions": [7], "leverages": {},
        "id": [], "listenKey": {}, "time": "now", "code": [], "msg": 5, "detail": {"code": {}}, "channel": 5, "data": 6,
    }),
    "wrong rows": json.dumps({
        "symbols": [None, 5, {"symbol": "\ud800", "sizeDecimals": -1, "priceDecimals": 10 ** 30}],
        "tickers": [None, [], 1],
        "bids": [["1"], "ab", None], "asks": [[{}, []]], "balances": [{}], "positions": [{"symbol": []}],
        "leverages": [None], "listenKey": "two\nlines",
        "channel": "account_private", "data": {"event": "ORDER", "args": 5},
    }),
    "another year": json.dumps({"time": 10 ** 30, "balances": [], "channel": "BTC-PERP@trades", "data": {
        "id": 1, "price": "1e39", "qty": "1e39", "time": 10 ** 17}}),
    "lone surrogates": '{"listenKey": "\\ud800", "id": "\\udfff", "channel": "\\ud800@depth", "data": {}}',
    "an error of no code": '{"code": 1e30, "msg": "\\ud800\\n2026-11-22 - ERROR - forged"}',
}


def sizes(bench):
    """What could grow in the first bot."""
    connector = bench.connector
    return {
        "private queue": connector._user_stream_tracker.user_stream.qsize(),
        "public queues": sum(
            queue.qsize() for queue in connector.order_book_tracker.data_source._message_queue.values()
        ),
        "orders": len(connector._order_tracker.all_orders),
        "positions": len(connector.account_positions),
        "balances": len(connector.get_all_balances()),
        "statuses": len(connector._statuses_heard),
        "tasks": len(connector._tasks),
    }


async def is_well_again(bench, order_id):
    """The venue is well: the bot finds back by itself, its order is where it was, and it trades."""
    await bench.admin.clear_faults()
    await bench.until(lambda: bench.connector.ready and bench.connector.network_status.name == "CONNECTED")
    await bench.settled()
    assert bench.bot.names(order_id) == ["Created"]
    await bench.bot.filled(bench.bot.buy("ETH-USDC", "0.1"))
    assert all(size <= 20 for size in sizes(bench).values()), sizes(bench)
    assert [line for line in bench.log.lines if len(line) > 4000] == []


@pytest.mark.parametrize("horror", HORRORS)
async def test_every_get_is_answered_with_a_horror(horror):
    async with running() as bench:
        bench.expected_complaints = [ANYTHING]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        lines = len(bench.log.lines)
        fault = await bench.admin.add_fault("rest", "status", status=200, method="GET", body=HORRORS[horror])
        await bench.until(lambda: bench.has_struck(fault, 15))
        assert len(bench.log.lines) - lines < MOST_LINES
        await is_well_again(bench, order_id)


@pytest.mark.parametrize("horror", HORRORS)
async def test_c19_every_socket_brings_horrors_and_the_next_event_counts(horror):
    async with running() as bench:
        bench.expected_complaints = ["WARNING.*Vest sent .* that cannot be understood", "HTTP 503"]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        await bench.admin.add_fault("rest", "status", method="GET", path="/orders", status=503)  # only events tell
        lines = len(bench.log.lines)
        text = HORRORS[horror]
        for raw in (text, text.encode(), brotli.compress(text.encode(), quality=1)):
            for _ in range(3):
                await bench.admin.push_private(bench.bot.account_group, raw=raw)
                await bench.admin.push_public(raw=raw)
        filled = bench.bot.buy("ETH-USDC", "0.1")
        await bench.until(lambda: bench.bot.is_done(filled))
        opened = await bench.admin.journal(kind="socket_opened")
        assert len(opened) == 2, "a bad frame costs itself, not the connection"
        assert len(bench.log.lines) - lines < MOST_LINES
        await bench.admin.clear_faults()
        await is_well_again(bench, order_id)


@pytest.mark.parametrize("horror", [
    "empty", "deep", "wrong types", "wrong rows", "lone surrogates", "an error of no code",
])
async def test_orders_cancels_and_listen_keys_are_answered_with_a_horror(horror):
    async with running() as bench:
        bench.expected_complaints = [ANYTHING]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        # The venue acts and answers nonsense: what became of the order is unknown until it is looked up (C7).
        fault = await bench.admin.add_fault(
            "rest", "status", status=200, method="POST|PUT", body=HORRORS[horror], when="after")
        cancelled, adopted = bench.bot.limit_order("0.8"), bench.bot.limit_order("0.7")
        await bench.bot.open(cancelled)
        await bench.bot.open(adopted)
        await bench.bot.cancel(cancelled)
        await bench.admin.disconnect_sockets("private")
        await bench.until(lambda: bench.has_struck(fault, 6))
        assert bench.bot.names(adopted) == ["Created"] and bench.bot.names(cancelled) == ["Created", "Cancelled"]
        await is_well_again(bench, order_id)


async def test_c20_a_flood_of_foreign_and_unknown_things_leaves_nothing_behind():
    async with running() as bench:
        bench.expected_complaints = ["WARNING.*Vest sent .* that cannot be understood", "WARNING.*No more of this",
                                     "WARNING.*An order of Vest cannot be read in part"]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        lines = len(bench.log.lines)
        now_ms = bench.simulator.clock.now_ms()
        foreign = [_order_event(id=f"0xf{number}", nonce=10 ** 15 + number * 1000, status="NEW", postTime=now_ms)
                   for number in range(3000)]
        unreadable = [_order_event(id=f"0xe{number}", **{"status": "NEW", "size": "many", f"field{number}": 1})
                      for number in range(1000)]
        unknown = [{"channel": f"X{number}-PERP@depth", "data": {"bids": [["1", "1"]]}} for number in range(3000)]
        strange = [{"channel": f"account_private{number}", "data": {"event": f"E{number}"}} for number in range(3000)]
        await bench.admin.push_private(bench.bot.account_group, raw=json.dumps(foreign + unreadable + strange))
        await bench.admin.push_public(raw=json.dumps(unknown + strange))
        filled = bench.bot.buy("ETH-USDC", "0.1")
        await bench.until(lambda: bench.bot.is_done(filled))
        await bench.until(lambda: sizes(bench)["private queue"] == 0)
        assert len(bench.log.lines) - lines < MOST_LINES
        assert sizes(bench).pop("statuses") <= 1000 and sizes(bench)["orders"] == 2


def _order_event(**args):
    return {"channel": "account_private", "data": {"event": "ORDER", "args": args}}


async def test_only_a_frame_too_large_costs_the_connection():
    async with running() as bench:
        bench.expected_complaints = ["WARNING.*(user stream|market data stream) of Vest is interrupted"]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        await bench.admin.push_private(bench.bot.account_group, raw="[" + " " * 5_000_000 + "]")
        await bench.until(lambda: bench.said("INFO.*user stream of Vest is connected again"))
        await is_well_again(bench, order_id)
