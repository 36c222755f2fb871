"""The public end points over HTTP."""
from decimal import Decimal
from email.utils import parsedate_to_datetime
from test.vest_simulator.client import running

import pytest

from vest_simulator.engine.candles import INTERVALS_MS

pytestmark = pytest.mark.asyncio
D = Decimal
SYMBOLS = ["BTC-PERP", "ETH-PERP", "SOL-PERP", "kBONK-PERP", "AAPL-USD-PERP", "SPX-PERP", "SPX-USD-PERP"]


async def test_exchange_info_has_the_documented_fields():
    async with running() as (_, client):
        info = await client.public("/exchangeInfo")
        assert [row["symbol"] for row in info["symbols"]] == SYMBOLS
        assert set(info["symbols"][0]) == {
            "symbol", "displayName", "base", "quote", "sizeDecimals", "priceDecimals", "initMarginRatio",
            "maintMarginRatio", "takerFee", "isolated"}
        assert info["exchange"]["collateralDecimals"] == 6
        assert "0" in [row["takerFee"] for row in info["symbols"]]
        chosen = await client.public("/exchangeInfo", symbols="kBONK-PERP,SPX-PERP")
        assert [row["symbol"] for row in chosen["symbols"]] == ["kBONK-PERP", "SPX-PERP"]


async def test_tickers():
    async with running() as (simulator, client):
        await simulator.admin.set_price("BTC-PERP", "95000")
        await simulator.admin.set_status("ETH-PERP", "HALT")
        rows = {row["symbol"]: row for row in (await client.public("/ticker/latest"))["tickers"]}
        assert list(rows) == SYMBOLS
        assert set(rows["BTC-PERP"]) == {"symbol", "markPrice", "indexPrice", "imbalance", "oneHrFundingRate",
                                         "cumFunding", "status"}
        assert rows["BTC-PERP"]["indexPrice"] == rows["BTC-PERP"]["markPrice"] == "95000.00"
        assert (rows["BTC-PERP"]["status"], rows["ETH-PERP"]["status"]) == ("TRADING", "HALT")


async def test_24_hours():
    async with running() as (_, client):
        row, = (await client.public("/ticker/24hr", symbols="SOL-PERP"))["tickers"]
        assert set(row) == {"symbol", "openPrice", "closePrice", "highPrice", "lowPrice", "quoteVolume", "volume",
                            "priceChange", "priceChangePercent", "openTime", "closeTime"}
        assert D(row["lowPrice"]) <= D(row["openPrice"]) <= D(row["highPrice"])
        assert D(row["priceChange"]) == D(row["closePrice"]) - D(row["openPrice"])
        assert 0 < row["closeTime"] - row["openTime"] <= 86_400_000


async def test_funding_history_defaults_to_minutes():
    async with running() as (_, client):
        minutes = await client.public("/funding/history", symbol="BTC-PERP")
        hours = await client.public("/funding/history", symbol="BTC-PERP", interval="1h", limit=5)
        assert len(minutes) == 1000 and minutes[1]["time"] - minutes[0]["time"] == 60_000
        assert len(hours) == 5 and hours[1]["time"] - hours[0]["time"] == 3_600_000
        assert set(hours[0]) == {"symbol", "time", "oneHrFundingRate"}
        some = await client.public("/funding/history", symbol="BTC-PERP", interval="1h", startTime=hours[1]["time"],
                                   endTime=hours[3]["time"])
        assert some == hours[1:4]


@pytest.mark.parametrize("interval", INTERVALS_MS)
async def test_klines_are_the_newest_501_whatever_range_is_asked(interval):
    async with running() as (_, client):
        before_ms = client.now_ms
        rows = await client.public("/klines", symbol="kBONK-PERP", interval=interval, startTime=0, endTime=1, limit=3)
        assert len(rows) == 501 and all(len(row) == 9 for row in rows)
        assert rows[-1][0] <= client.now_ms and before_ms <= rows[-1][5]
        assert [type(value) for value in rows[0]] == [int, str, str, str, str, int, str, str, int]


async def test_trades_show_fills_and_filter_by_time():
    async with running() as (simulator, client):
        await client.market("ETH-PERP", True, "0.500")
        row, = await client.public("/trades", symbol="ETH-PERP", limit=1)
        assert set(row) == {"id", "price", "qty", "quoteQty", "time"} and row["qty"] == "0.500"
        assert D(row["quoteQty"]) == D(row["price"]) * D(row["qty"])
        assert await client.public("/trades", symbol="ETH-PERP", startTime=row["time"] + 1) == []
        await client.market("ETH-PERP", False, "0.500")
        newest, = await client.public("/trades", symbol="ETH-PERP", limit=1)
        assert newest["id"] == row["id"] + 1


async def test_depth_is_best_first_and_limited():
    async with running() as (simulator, client):
        book = await client.public("/depth", symbol="BTC-PERP")
        assert set(book) == {"bids", "asks"} and len(book["bids"]) == len(book["asks"]) == 20
        bids, asks = ([D(price) for price, _ in book[side]] for side in ("bids", "asks"))
        assert bids == sorted(bids, reverse=True) and asks == sorted(asks) and bids[0] < asks[0]
        assert len((await client.public("/depth", symbol="BTC-PERP", limit=5))["asks"]) == 5
        assert len((await client.public("/depth", symbol="BTC-PERP", limit=100))["asks"]) == 40
        await simulator.admin.set_depth("BTC-PERP", [], [["95000", "0.1"]])
        assert await client.public("/depth", symbol="BTC-PERP") == {
            "bids": [], "asks": [["95000.00", "0.1000"]]}
        await simulator.admin.release_depth("BTC-PERP")
        assert await client.public("/depth", symbol="BTC-PERP") == book


async def test_open_interest():
    async with running(accounts=2) as (simulator, client):
        await simulator.admin.place_order(5, "BTC-PERP", True, "0.5")
        await simulator.admin.place_order(6, "BTC-PERP", False, "0.2")
        assert (await client.public("/oi", symbols="BTC-PERP"))["ois"] == [
            {"symbol": "BTC-PERP", "longOi": "0.5000", "shortOi": "0.2000"}]


@pytest.mark.parametrize("path, params, status, code", [
    ("/exchangeInfo", {"symbols": "BTC-PERP,NO-PERP"}, 400, 1121),
    ("/exchangeInfo", {"symbols": "btc-perp"}, 400, 1121),
    ("/exchangeInfo", {"symbol": "BTC-PERP"}, 400, 1130),
    ("/depth", {"symbol": "NO-PERP"}, 404, 1121),
    ("/depth", {}, 400, 1130),
    ("/depth", {"symbol": "BTC-PERP", "limit": "101"}, 400, 1130),
    ("/depth", {"symbol": "BTC-PERP", "limit": "0"}, 400, 1130),
    ("/depth", {"symbol": "BTC-PERP", "limit": "ten"}, 400, 1130),
    ("/depth", [("symbol", "BTC-PERP"), ("symbol", "ETH-PERP")], 400, 1130),
    ("/klines", {"symbol": "BTC-PERP"}, 400, 1130),
    ("/klines", {"symbol": "BTC-PERP", "interval": "7m"}, 400, 1130),
    ("/klines", {"symbol": "BTC-PERP", "interval": "1m", "startTime": "now"}, 400, 1130),
    ("/funding/history", {"symbol": "BTC-PERP", "limit": "1001"}, 400, 1130),
    ("/trades", {"symbol": "NO-PERP"}, 400, 1121),
    ("/nothing", {}, 404, 1130),
])
async def test_refusals(path, params, status, code):
    async with running() as (_, client):
        answer = await client.call("GET", path, params)
        assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("header, code", [(None, None), ("restserver0", None), ("restserver", 1146), ("5", 1146)])
async def test_the_group_header_is_optional_but_must_be_well_formed(header, code):
    async with running() as (_, client):
        headers = {} if header is None else {"xrestservermm": header}
        answer = await client.call("GET", "/ticker/latest", headers=headers)
        assert answer.code == code


async def test_the_date_header_shows_the_venues_clock():
    async with running(clock_offset_ms=-30_000) as (simulator, client):
        async def date_ms():
            answer = await client.call("GET", "/exchangeInfo", headers={})
            return parsedate_to_datetime(answer.headers["Date"]).timestamp() * 1000

        for _ in range(2):
            before_ms = client.now_ms
            assert before_ms - 1000 < await date_ms() <= client.now_ms  # in full seconds
            await simulator.admin.advance_clock(60_000)
