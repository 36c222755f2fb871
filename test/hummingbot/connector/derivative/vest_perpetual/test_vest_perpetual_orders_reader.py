"""Reading orders: pages in either order, rows that cannot be read, look-ups."""
import asyncio
import logging
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import order_row

import pytest
from hypothesis import given, settings, strategies as st

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestOrderNotFoundError,
    VestPayloadError,
    VestServerError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_orders_reader import OrdersReader


class Orders:
    """`GET /orders`: filters, and a page of the limit's length from one end or the other."""

    def __init__(self, rows, newest_first=True):
        self.rows = rows
        self.newest_first = newest_first
        self.requests = []

    async def get(self, path_url, params, is_auth_required, limit_id):
        assert (path_url, is_auth_required) == (CONSTANTS.ORDERS_PATH, True)
        assert limit_id == CONSTANTS.ORDERS_QUERY_LIMIT_ID
        self.requests.append(params)
        rows = [
            row for row in self.rows
            if params.get("startTime", 0) <= row["postTime"] <= params.get("endTime", 10 ** 15)
            and all(params.get(name) in (None, str(row[name])) for name in ("nonce", "status"))
            and ("id" not in params or row["id"] in params["id"].split(","))
        ]
        rows.sort(key=lambda row: row["postTime"], reverse=self.newest_first)
        return rows[:params["limit"]]


def reader(orders, logger=None):
    reader = OrdersReader(orders.get, Complaints(logger or logging.getLogger("test.orders_reader")))
    reader.CLOCK_ERROR_MS = 0
    return reader


def rows_at(times_ms):
    return [order_row(hex(number), str(number), "NEW", postTime=time) for number, time in enumerate(times_ms)]


def ids_of(orders):
    return sorted(order.order_id for order in orders)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("orders_per_ms", [1, 7, 999])
@pytest.mark.parametrize("number", [0, 1, 999, 1000, 1001, 3500])
@pytest.mark.asyncio
async def test_all_orders_are_read_whichever_end_a_full_page_holds(number, orders_per_ms, newest_first):
    orders = Orders(rows_at([100 + number // orders_per_ms for number in range(number)]), newest_first)

    read = await reader(orders).since(100)

    assert ids_of(read) == sorted(row["id"] for row in orders.rows)
    assert len(orders.requests) <= 2 + 4 * number // 1000


@given(
    times=st.lists(st.integers(min_value=0, max_value=30), max_size=60), newest_first=st.booleans(),
    limit=st.integers(min_value=2, max_value=20), since=st.integers(min_value=0, max_value=10),
)
@settings(max_examples=200, deadline=None)
def test_paging_loses_and_doubles_nothing(times, newest_first, limit, since):
    orders = Orders(rows_at(times), newest_first)
    expected = sorted(row["id"] for row in orders.rows if row["postTime"] >= since)
    most_in_one_ms = max((times.count(time) for time in times), default=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CONSTANTS, "ORDERS_PAGE_LIMIT", limit)
        read = asyncio.run(reader(orders).since(since))

    assert len(ids_of(read)) == len(set(ids_of(read)))
    if most_in_one_ms < limit:  # a page full of one millisecond leaves no way to ask for the rest of it
        assert ids_of(read) == expected


@pytest.mark.asyncio
async def test_orders_from_shortly_before_are_read_too_because_our_idea_of_the_venues_time_may_be_ahead():
    orders = Orders(rows_at([100_000]))

    read = await OrdersReader(orders.get, Complaints(logging.getLogger("test"))).since(101_000)

    assert ids_of(read) == ["0x0"]


@pytest.mark.asyncio
async def test_a_page_that_never_ends_ends():
    orders = Orders(rows_at([100] * 1500))

    assert len(await reader(orders).since(0)) == 1000
    assert len(orders.requests) < 5


@pytest.mark.asyncio
async def test_nothing_older_is_asked_for_when_the_times_are_not_said():
    rows = [order_row(hex(number), str(number), "NEW", postTime=None) for number in range(1000)]

    async def get(**_):
        return rows

    assert len(await OrdersReader(get, Complaints(logging.getLogger("test"))).since(0)) == 1000


@pytest.mark.asyncio
async def test_a_row_that_cannot_be_read_is_said_and_hides_no_other(caplog):
    orders = Orders(rows_at([1, 2, 3]))
    orders.rows[1]["status"] = None

    assert ids_of(await reader(orders).since(0)) == ["0x0", "0x2"]
    assert ["An order of Vest cannot be read and is left out (order.status: missing)."] == caplog.messages


@pytest.mark.asyncio
async def test_c18_a_row_with_an_odd_field_is_read_without_it_which_is_said_once(caplog):
    orders = Orders(rows_at([1, 2, 3]))
    orders.rows[1]["code"] = "OK"

    orders_reader = reader(orders)
    for _ in range(3):
        assert ids_of(await orders_reader.since(0)) == ["0x0", "0x1", "0x2"]
    assert [
        "An order of Vest cannot be read in part; that part is passed over (order.code: not a decimal number)."
    ] == caplog.messages


@pytest.mark.parametrize("change", [{"status": None}, {"id": None, "nonce": None}, {"nonce": "one"}], ids=repr)
@pytest.mark.asyncio
async def test_b02_an_answer_that_cannot_be_read_is_no_proof_that_there_is_no_such_order(change):
    async def get(**_):
        return [{**row, **change} for row in rows_at([1])]

    with pytest.raises(VestPayloadError, match="the venue's answer about order 0 cannot be read"):
        await OrdersReader(get, Complaints(logging.getLogger("test"))).by_client_order_id("0")


@pytest.mark.asyncio
async def test_b02_an_answer_about_another_order_that_cannot_be_read_hides_nothing():
    async def get(**_):
        return [{**row, "status": None} for row in rows_at([1])]

    assert await OrdersReader(get, Complaints(logging.getLogger("test"))).by_client_order_id("9") is None


@pytest.mark.parametrize("answer, number", [(None, 0), ([], 0)])
@pytest.mark.asyncio
async def test_no_orders(answer, number):
    async def get(**_):
        return answer

    assert len(await OrdersReader(get, Complaints(logging.getLogger("test"))).since(0)) == number


@pytest.mark.asyncio
async def test_an_answer_that_is_no_list_is_an_error():
    async def get(**_):
        return {"orders": []}

    with pytest.raises(VestPayloadError, match="orders: not a list"):
        await OrdersReader(get, Complaints(logging.getLogger("test"))).since(0)


@pytest.mark.asyncio
async def test_a_request_that_fails_is_no_empty_answer():
    async def get(**_):
        raise VestServerError("down", 503)

    with pytest.raises(VestServerError):
        await OrdersReader(get, Complaints(logging.getLogger("test"))).by_client_order_id("1")


@pytest.mark.asyncio
async def test_one_order_is_looked_up_by_its_nonce():
    orders = Orders(rows_at([1, 2, 3]))

    assert (await reader(orders).by_client_order_id("2")).order_id == "0x2"
    assert await reader(orders).by_client_order_id("9") is None
    assert orders.requests[0] == {"nonce": "2", "limit": 1000}


@pytest.mark.asyncio
async def test_one_order_is_looked_up_by_its_id():
    orders = Orders(rows_at([1, 2, 3]))

    assert (await reader(orders).by_order_id("0x2")).client_order_id == "2"
    assert await reader(orders).by_order_id("0x9") is None
    assert orders.requests[0] == {"id": "0x2", "limit": 1000}


@pytest.mark.asyncio
async def test_an_order_looked_up_by_its_id_that_cannot_be_read_is_an_error():
    orders = Orders([{**row, "status": None} for row in rows_at([1])])

    with pytest.raises(VestPayloadError, match="the venue's answer about order 0x0 cannot be read"):
        await reader(orders).by_order_id("0x0")


@pytest.mark.asyncio
async def test_a_venue_that_does_not_filter_finds_no_wrong_order():
    async def get(**_):
        return rows_at([1, 2, 3])

    orders_reader = OrdersReader(get, Complaints(logging.getLogger("test")))
    assert await orders_reader.by_client_order_id("9") is None is await orders_reader.by_order_id("0x9")


@pytest.mark.asyncio
async def test_open_orders_are_the_new_and_the_partly_filled_ones():
    orders = Orders(rows_at([1, 2, 3, 4]))
    for row, status in zip(orders.rows, ("NEW", "PARTIALLY_FILLED", "FILLED", "CANCELLED")):
        row["status"] = status

    assert ids_of(await reader(orders).open_orders()) == ["0x0", "0x1"]


@pytest.mark.asyncio
async def test_b02_a_venue_may_say_that_it_has_no_such_order_instead_of_an_empty_list():
    async def not_found(**_):
        raise VestOrderNotFoundError(3017, "Order not found.", 404)

    reader = OrdersReader(not_found, Complaints(logging.getLogger("test.orders_reader")))

    assert await reader.by_client_order_id("1") is None is await reader.by_order_id("0x1")
    assert await reader.since(0) == [] == await reader.open_orders()


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("number, wanted, requests", [
    (999, range(999), 1), (1000, range(1000), 1), (20_000, [0, 10_000, 19_999], 2),
    (20_000, range(9000, 9040), 2), (20_000, range(9000, 9041), 5), (20_000, range(9000, 9900), 1 + 2 + 23),
])
@pytest.mark.asyncio
async def test_a14_what_a_poll_costs_does_not_grow_with_what_was_traded_since_the_oldest(
        number, wanted, requests, newest_first):
    rows = rows_at(range(100, 100 + number))
    for row in rows:
        row["status"] = "CANCELLED"
    orders = Orders(rows, newest_first)

    read = await reader(orders).these({str(name): hex(name) for name in wanted}, 100)

    assert set(map(str, wanted)) <= {order.client_order_id for order in read}
    assert len(orders.requests) == requests


@pytest.mark.asyncio
async def test_a14_many_old_orders_that_are_open_are_read_with_the_open_ones():
    rows = rows_at(range(100, 5100))
    for row in rows[900:]:
        row["status"] = "CANCELLED"
    orders = Orders(rows)

    read = await reader(orders).these({str(name): hex(name) for name in range(950)}, 100)

    assert {str(name) for name in range(950)} <= {order.client_order_id for order in read}
    assert len(orders.requests) == 1 + 2 + 2


@pytest.mark.asyncio
async def test_an_order_whose_id_is_not_known_is_not_asked_for_by_it():
    orders = Orders(rows_at(range(100, 1200)))

    await reader(orders).these({"unknown": None}, 100)

    assert len(orders.requests) == 1
