"""Faults of the venue as a whole, by the rows of the fault matrix (C28 to C33): clocks, keys, limits, outages."""
from test.end_to_end.bench import running, switches

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS

pytestmark = pytest.mark.asyncio
INTERRUPTED = "WARNING.*(user stream|market data stream) of Vest is interrupted"
OUTAGE = [INTERRUPTED, "HTTP 503", "no connection to the venue", "connection broke", "asked for again",
          "could not be read"]


async def statuses(bench, method, path):
    return [entry["status"] for entry in await bench.requests(method, path)]


@pytest.mark.parametrize("offset_ms", [30_000, -30_000, 3_600_000], ids=["ahead", "behind", "an hour ahead"])
async def test_c28_the_venues_clock_is_another_from_the_start(offset_ms):
    async with running(clock_offset_ms=offset_ms) as bench:
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        await bench.bot.cancel(order_id)
        assert await statuses(bench, "POST", "/orders") == [200, 200]


async def test_c28_the_venues_clock_jumps():
    async with running() as bench:
        await bench.admin.advance_clock(30_000)
        order_id = bench.bot.buy("BTC-USDC", "0.01")
        await bench.bot.filled(order_id)
        # At most one request was refused for its time and repeated, with the same nonce.
        entries = await bench.requests("POST", "/orders")
        assert len(entries) <= 2 and len({entry["body"]["order"]["nonce"] for entry in entries}) == 1
        assert bench.bot.names(order_id) == ["Created", "Filled", "Completed"]


@pytest.mark.parametrize("header", ["machine", "absent"])
@pytest.mark.parametrize("offset_ms", [30_000, -30_000], ids=["ahead", "behind"])
async def test_c28_no_date_header_tells_the_venues_clock(header, offset_ms):
    async with running(clock_offset_ms=offset_ms, **switches(date_header=header, check_get_time=False)) as bench:
        for _ in range(3):
            await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.01"))
        # One was refused for its time, after which the account's is gone by.
        assert len(await statuses(bench, "POST", "/orders")) <= 4


@pytest.mark.parametrize("drift", [1.0, -0.5])
async def test_c28_the_venues_clock_drifts(drift):
    async with running() as bench:
        await bench.admin.set_clock_drift(drift)
        for _ in range(15):
            await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.001"))
        await bench.bot.position_is("BTC-USDC", "0.015")


async def test_c28_a_time_the_venue_refuses_again_fails_the_order_once():
    async with running() as bench:
        bench.expected_complaints = ["NETWORK.*Error submitting", "WARNING.*Order .* failed: "]
        await bench.admin.add_fault("rest", "error_200", method="POST", path="/orders", code=1132, times=2)
        order_id = bench.bot.limit_order()
        await bench.until(lambda: bench.bot.is_done(order_id))
        assert bench.bot.names(order_id) == ["Failed"] and "1132" in bench.bot.failure(order_id)
        assert len(await bench.requests("POST", "/orders")) == 2


async def test_c29_an_api_key_revoked_while_running():
    async with running(is_checked=False) as bench:
        bench.expected_complaints = ["1002", INTERRUPTED]
        order_id = bench.bot.limit_order()
        await bench.bot.open(order_id)
        await bench.admin.revoke_api_key(bench.bot.account_group)
        await bench.until(lambda: bench.connector.network_status.name == "NOT_CONNECTED")
        assert len(bench.said("ERROR.*register a new signing key and enter the three values again")) == 1
        # What is known of orders is kept, and nobody hammers the venue.
        assert order_id in bench.connector.in_flight_orders and bench.bot.names(order_id) == ["Created"]
        await bench.admin.clear_journal()
        await bench.until(lambda: _has_checked(bench, 4))
        private = [entry for path in ("/account", "/orders", "/account/listenKey")
                   for entry in await bench.admin.journal(kind="rest", path=path)]
        assert len(private) <= 6


async def _has_checked(bench, count):
    """Whether the public requests that go on have come so many times."""
    entries = await bench.admin.journal(kind="rest", path="/exchangeInfo|/ticker/latest|/depth")
    return len(entries) >= count or len(await bench.admin.journal(kind="rest")) >= 3 * count


async def test_c29_an_order_with_a_revoked_key_fails_in_words():
    async with running(is_checked=False) as bench:
        bench.expected_complaints = ["1002", INTERRUPTED, "NETWORK.*Error submitting"]
        await bench.admin.revoke_api_key(bench.bot.account_group)
        order_id = bench.bot.limit_order()
        await bench.until(lambda: bench.bot.is_done(order_id))
        assert "1002" in bench.bot.failure(order_id) and "register" in bench.bot.failure(order_id)


async def test_a1_the_signing_key_of_another_registration_is_said():
    async with running(accounts=2, is_started=False, is_checked=False) as bench:
        bench.expected_complaints = ["NETWORK.*Error submitting", "WARNING.*Order .* failed: "]
        bench.bot.construct(
            vest_perpetual_signing_private_key=bench.simulator.accounts[1].signing_private_key)
        bench.bot.run()
        await bench.until(lambda: bench.connector.ready)
        order_id = bench.bot.limit_order()
        await bench.until(lambda: bench.bot.is_done(order_id))
        assert "enter the signing private key that was registered together with" in bench.bot.failure(order_id)


@pytest.mark.parametrize("code", ["429", "1003"])
async def test_c30_a_limiter_that_is_hit_slows_the_connector_down(code, monkeypatch):
    # The venue asks for many seconds; nobody waits for them in a test.
    monkeypatch.setattr(CONSTANTS, "RATE_LIMIT_RETRY_AFTER_MAX_S", 1.0)
    async with running(**switches(rate_limit_code=code, retry_after=True)) as bench:
        bench.may_trip_limiter = True
        bench.expected_complaints = ["WARNING.*Vest asks for fewer requests", "1003|429"]
        orders = [bench.bot.limit_order() for _ in range(3)]
        for order_id in orders:
            await bench.bot.open(order_id)
        count = (await bench.admin.limiter())["requests_last_minute"]
        await bench.admin.set_limits(requests_per_minute=count)
        await bench.until(lambda: bench.said("Vest asks for fewer requests"))
        tripped = (await bench.admin.limiter())["tripped"]
        assert tripped <= 5
        await bench.admin.set_limits(requests_per_minute=100_000)
        assert all(bench.bot.names(order_id) == ["Created"] for order_id in orders)


async def test_c33_the_venue_answers_503_for_a_while():
    async with running() as bench:
        bench.expected_complaints = OUTAGE
        orders = [bench.bot.limit_order(factor) for factor in ("0.97", "0.9", "0.8")]
        for order_id in orders:
            await bench.bot.open(order_id)
        price = bench.connector.in_flight_orders[orders[0]].price
        fault = await bench.admin.add_fault("rest", "status", status=503)
        await bench.admin.add_fault("socket", "refuse_handshake", status=503)
        await bench.admin.disconnect_sockets()
        await bench.until(lambda: bench.connector.network_status.name == "NOT_CONNECTED")
        await bench.admin.set_price("BTC-PERP", price - 10)
        lines = len(bench.log.lines)
        await bench.until(lambda: bench.has_struck(fault, 15))
        assert len(bench.log.lines) - lines < 40
        assert [bench.bot.names(order_id) for order_id in orders] == [["Created"]] * 3
        await bench.admin.clear_faults()
        await bench.bot.filled(orders[0])
        assert set(bench.connector.in_flight_orders) == set(orders[1:])
        await bench.until(lambda: bench.connector.ready)
        await bench.admin.release_price("BTC-PERP")
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "0.1"))


async def test_c33_the_venue_is_down_for_a_while():
    async with running() as bench:
        bench.expected_complaints = [*OUTAGE, "NETWORK.*Error submitting", "WARNING.*Order .* failed: "]
        orders = [bench.bot.limit_order(factor) for factor in ("0.9", "0.8")]
        for order_id in orders:
            await bench.bot.open(order_id)
        await bench.admin.go_down()
        lost = bench.bot.limit_order()
        await bench.until(lambda: bench.connector.network_status.name == "NOT_CONNECTED")
        await bench.until(lambda: bench.bot.is_done(lost))
        await bench.admin.come_back()
        await bench.until(lambda: bench.connector.network_status.name == "CONNECTED")
        await bench.until(lambda: bench.connector.ready)
        await bench.settled()
        assert set(bench.connector.in_flight_orders) == set(orders)
        await bench.bot.filled(bench.bot.buy("ETH-USDC", "0.1"))


async def test_c33_an_outage_does_not_repeat_funding_payments_or_their_polling():
    async with running() as bench:
        bench.expected_complaints = OUTAGE
        await bench.admin.set_funding_rate("BTC-PERP", "0.0005")
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.1"))
        await bench.admin.advance_clock(3_600_000)
        await bench.bot.filled(bench.bot.buy("BTC-USDC", "0.1"))
        await bench.until(lambda: bench.bot.payments)
        fault = await bench.admin.add_fault("rest", "status", status=503)
        await bench.until(lambda: bench.connector.network_status.name == "NOT_CONNECTED")
        await bench.admin.remove_fault(fault)
        await bench.until(lambda: bench.connector.network_status.name == "CONNECTED")
        await bench.admin.advance_clock(3_600_000)
        await bench.bot.filled(bench.bot.sell("BTC-USDC", "0.2"))
        await bench.until(lambda: len(bench.bot.payments) == 2)
        await bench.another_poll()
