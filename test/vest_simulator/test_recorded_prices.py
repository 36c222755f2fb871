"""Recorded prices: what a file may hold, and that klines, trades, tickers and fills follow from it alone."""
import tracemalloc
from contextlib import asynccontextmanager
from decimal import Decimal
from test.vest_simulator.client import Client

import pytest

from vest_simulator import SimulatorConfig, VestSimulator
from vest_simulator.feeds.recording import Recording, RecordingError
from vest_simulator.feeds.replay import Replay

D = Decimal
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
BEGIN_MS = 1_714_564_800_000  # 2024-05-01 12:00 UTC
HEADER = "open_time,open,high,low,close,volume,close_time"
MINUTES = [("60000", "60010", "59990", "60005", "4"), ("60005", "60005", "59900", "59910", "8"),
           ("59910", "59950.5", "59905", "59950", "2.5"), ("59950", "59960", "59940", "59955", "0"),
           ("59955", "60100", "59955", "60090", "1.2"), ("60090", "60095", "60000", "60001", "0.9")]


def kline(number, first, high, low, last, volume):
    open_ms = BEGIN_MS + number * MINUTE_MS
    return f"{open_ms},{first},{high},{low},{last},{volume},{open_ms + MINUTE_MS - 1}"


def recorded(tmp_path, rows=None, header=HEADER, name="BTC-PERP.csv"):
    file = tmp_path / name
    rows = [kline(number, *row) for number, row in enumerate(MINUTES)] if rows is None else rows
    file.write_text("\n".join([header, *rows]) + "\n")
    return file


@asynccontextmanager
async def replaying(*files, **config):
    """A simulator whose ticks are taken by hand, and a client of it."""
    async with VestSimulator(SimulatorConfig(prices=files, tick_interval_s=3600, **config)) as simulator:
        client = Client(simulator)
        try:
            yield simulator, client
        finally:
            await client.close()


async def let_pass(simulator, ms):
    simulator.clock.advance(ms)
    simulator.tick()


def candles(simulator, interval="1m", symbol="BTC-PERP"):
    bars = simulator.exchange.markets[symbol].candles(interval).newest()
    return [(str(bar.open.normalize()), str(bar.high.normalize()), str(bar.low.normalize()),
             str(bar.close.normalize()), bar.volume) for bar in bars]


def expected(rows):
    return [(*(str(D(price).normalize()) for price in row[:4]), D(row[4])) for row in rows]


# --- playing

@pytest.mark.asyncio
@pytest.mark.parametrize("step_ms", [700, 45_000, 20 * MINUTE_MS])
async def test_the_klines_are_the_recorded_ones_however_time_passes(tmp_path, step_ms):
    async with replaying(recorded(tmp_path), start_ms=BEGIN_MS + 2 * MINUTE_MS) as (simulator, client):
        began_ms = simulator.clock.now_ms()
        while simulator.clock.now_ms() < began_ms + 5 * MINUTE_MS:
            await let_pass(simulator, step_ms)
        rows = await client.public("/klines", symbol="BTC-PERP", interval="1m")
        newest = next(n for n in range(len(rows)) if D(rows[-1 - n][6]) > 0)
        assert [tuple(D(row[column]) for column in (1, 2, 3, 4, 6)) for row in rows[-6 - newest:][:6]] == [
            tuple(D(text) for text in row) for row in MINUTES]
        hours = await client.public("/klines", symbol="BTC-PERP", interval="1d")
        assert sum(D(row[6]) for row in hours) == sum(D(row[4]) for row in MINUTES)
        day, = (await client.public("/ticker/24hr", symbols="BTC-PERP"))["tickers"]
        assert (D(day["highPrice"]), D(day["lowPrice"])) == (D("60100"), D("59900"))
        assert D(day["volume"]) == sum(D(row[4]) for row in MINUTES)
        latest, = (await client.public("/ticker/latest", symbols="BTC-PERP"))["tickers"]
        assert D(latest["indexPrice"]) == D(latest["markPrice"]) == D(day["closePrice"]) == D("60001")
        trades = await client.public("/trades", symbol="BTC-PERP")
        assert len(trades) == 4 * 5  # one of the six minutes has no volume
        assert sum(D(row["qty"]) for row in trades) == D(day["volume"])
        assert [row["time"] for row in trades] == sorted(row["time"] for row in trades)


@pytest.mark.asyncio
async def test_before_the_recording_the_first_price_stood_without_a_trade(tmp_path):
    async with replaying(recorded(tmp_path)) as (simulator, client):
        rows = await client.public("/klines", symbol="BTC-PERP", interval="1h")
        assert len(rows) == 501 and {D(row[4]) for row in rows[:-2]} == {D("60000")}
        assert {D(row[6]) for row in rows[:-2]} == {D(0)}


@pytest.mark.asyncio
async def test_a_limit_order_fills_when_the_recorded_price_passes_and_not_before(tmp_path):
    async with replaying(recorded(tmp_path)) as (simulator, client):
        order_id = await client.place(is_buy=True, size="0.0100", limit_price="59905.00")
        far_id = await client.place(is_buy=True, size="0.0100", limit_price="59800.00")
        await let_pass(simulator, 2 * MINUTE_MS)  # the second minute falls from 60005 to 59900, in one step here
        row = await client.find(order_id)
        assert row["status"] == "FILLED" and D("59890") < D(row["avgFilledPrice"]) <= D("59905")
        market = simulator.exchange.markets["BTC-PERP"]
        assert row["lastFilledTime"] in range(simulator.clock.now_ms() - 2 * MINUTE_MS, simulator.clock.now_ms())
        assert market.price.index != D("59900")
        assert (await client.find(far_id))["status"] == "NEW"


@pytest.mark.asyncio
async def test_within_a_bar_the_price_moves_steadily_through_its_extremes(tmp_path):
    async with replaying(recorded(tmp_path)) as (simulator, _):
        await let_pass(simulator, MINUTE_MS - simulator.clock.now_ms() % MINUTE_MS)  # the second bar: it falls
        price = simulator.exchange.markets["BTC-PERP"].price
        seen = []
        for _ in range(60):
            seen.append(price.index)
            await let_pass(simulator, 1000)
        turn = seen.index(min(seen))
        assert 35 <= turn <= 45 and min(seen) - D("59900") < 10
        assert all(abs(after - before) < 10 for before, after in zip(seen, seen[1:]))
        assert seen[:turn] == sorted(seen[:turn], reverse=True)


@pytest.mark.asyncio
@pytest.mark.parametrize("at_end", ["halt", "hold", "loop"])
async def test_the_end_of_the_recording(tmp_path, at_end):
    async with replaying(recorded(tmp_path), at_end=at_end) as (simulator, client):
        await let_pass(simulator, 7 * MINUTE_MS)
        ticker, = (await client.public("/ticker/latest"))["tickers"]
        assert ticker["status"] == ("HALT" if at_end == "halt" else "TRADING")
        order_id = await client.market("BTC-PERP", True, "0.0100")
        row = await client.find(order_id)
        assert (row["status"], row.get("code")) == (("REJECTED", 3024) if at_end == "halt" else ("FILLED", None))
        if at_end == "loop":
            began_ms = simulator.clock.now_ms()
            while simulator.clock.now_ms() < began_ms + 12 * MINUTE_MS:
                await let_pass(simulator, 5000)
            shown = candles(simulator)
            wanted = expected(MINUTES[1:5])
            assert [shown[n:n + 4] for n in range(len(shown))].count(wanted) >= 2
        else:
            assert D(ticker["indexPrice"]) == D("60001")


@pytest.mark.asyncio
async def test_speed_makes_a_minute_of_an_hour(tmp_path):
    rows = []
    for number in range(240):
        rows.append(kline(number, *MINUTES[number % len(MINUTES)]))
    async with replaying(recorded(tmp_path, rows), speed=D(60), start_ms=BEGIN_MS + HOUR_MS) as (simulator, client):
        began_ms = simulator.clock.now_ms()
        await let_pass(simulator, 2 * MINUTE_MS)
        bars = await client.public("/klines", symbol="BTC-PERP", interval="1m")
        with_volume = [row for row in bars if D(row[6])]
        assert began_ms - 2 * MINUTE_MS < with_volume[0][0] < began_ms and 4 <= len(with_volume) <= 5
        passed = D(3 * 60 * 166) / 60  # of each six minutes 16.6
        assert abs(sum(D(row[6]) for row in bars) - passed) < 20


@pytest.mark.asyncio
async def test_several_symbols_in_files_of_both_sorts_and_a_symbol_that_is_new(tmp_path):
    ticks = [f"{BEGIN_MS + second * 1000},DOGE-PERP,{D('0.12345') + D(second) / 100_000},10" for second in range(300)]
    files = recorded(tmp_path), recorded(tmp_path, ticks, "time_ms,symbol,price,size", "ticks.csv")
    async with replaying(*files) as (simulator, client):
        rows = {row["symbol"]: row for row in (await client.public("/exchangeInfo"))["symbols"]}
        assert set(rows) == {"BTC-PERP", "DOGE-PERP"}
        assert (rows["DOGE-PERP"]["sizeDecimals"], rows["DOGE-PERP"]["priceDecimals"]) == (0, 5)
        assert (rows["BTC-PERP"]["sizeDecimals"], rows["BTC-PERP"]["priceDecimals"]) == (4, 2)
        await let_pass(simulator, 5 * MINUTE_MS)
        assert simulator.exchange.markets["DOGE-PERP"].price.index == D("0.12644")
        trades = await client.public("/trades", symbol="DOGE-PERP")
        assert len(trades) == 300 and {row["qty"] for row in trades} == {"10"}
    async with replaying(*files, symbols=("DOGE-PERP",)) as (simulator, _):
        assert list(simulator.exchange.markets) == ["DOGE-PERP"]


@pytest.mark.asyncio
async def test_a_gap_is_flat_bars_without_volume(tmp_path):
    rows = [kline(0, *MINUTES[0]), kline(4, *MINUTES[4])]
    async with replaying(recorded(tmp_path, rows), at_end="hold") as (simulator, _):
        await let_pass(simulator, 5 * MINUTE_MS)
        shown = candles(simulator)
        first = shown.index(expected(MINUTES[4:5])[0])
        assert shown[first - 3:first] == [("60005",) * 4 + (D(0),)] * 3


@pytest.mark.asyncio
async def test_a_file_that_changes_under_way_halts_the_markets_and_says_so(tmp_path, caplog):
    rows = [kline(number, *MINUTES[number % 6]) for number in range(3000)]
    file = recorded(tmp_path, rows)
    async with replaying(file) as (simulator, _):
        with file.open("r+") as same:
            same.truncate(len(HEADER) + 200 * len(rows[0]))
            same.seek(0, 2)
            same.write("\nnonsense\n")
        await let_pass(simulator, 48 * HOUR_MS)
        await let_pass(simulator, MINUTE_MS)
        assert not simulator.exchange.markets["BTC-PERP"].trading
        assert len([line for line in caplog.messages if "has changed since it was checked" in line]) == 1


@pytest.mark.asyncio
async def test_with_a_state_the_recording_stands_still_while_the_venue_is_down(tmp_path):
    rows = []
    for number in range(60):  # it falls by 10 a minute
        first, last = 60_000 - 10 * number, 60_000 - 10 * (number + 1)
        rows.append(kline(number, first, first, last, last, 1))
    file, state = recorded(tmp_path, rows), tmp_path / "state.db"
    async with replaying(file, state=state) as (simulator, client):
        await let_pass(simulator, 20 * MINUTE_MS)
        order_id = await client.place(is_buy=True, size="0.0100", limit_price="59700.00")
        stopped_at = simulator.exchange.markets["BTC-PERP"].price.index
        assert D(59_780) <= stopped_at <= D(59_800)
    async with replaying(file, state=state, clock_offset_ms=10 * HOUR_MS) as (simulator, client):
        price = simulator.exchange.markets["BTC-PERP"].price
        simulator.tick()
        assert stopped_at - 10 <= price.index <= stopped_at
        bars = await client.public("/klines", symbol="BTC-PERP", interval="1m")
        assert 20 <= sum(D(row[6]) for row in bars) <= 22
        assert (await client.find(order_id))["status"] == "NEW"
        await let_pass(simulator, 10 * MINUTE_MS)
        assert (await client.find(order_id))["status"] == "FILLED"
    other = recorded(tmp_path, rows, name="ETH-PERP.csv")
    async with replaying(file, other, state=state) as (simulator, _):
        simulator.tick()
        assert simulator.exchange.markets["BTC-PERP"].price.index > D(59_980)  # another recording: from its beginning


@pytest.mark.asyncio
async def test_a_large_recording_is_streamed(tmp_path):
    minutes = 20_000  # as a list they would be more than 10 MB
    file = recorded(tmp_path, [kline(number, *MINUTES[number % 6]) for number in range(minutes)])
    replay = Replay(Recording([file]), BEGIN_MS + (minutes - 100) * MINUTE_MS)
    tracemalloc.start()
    try:
        await replay.open()
        assert sum(1 for _ in replay.begin(0)) >= minutes - 100
        assert len(replay.updates(50 * MINUTE_MS)) >= 4 * 49
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


# --- what a file may hold

def test_usual_exports_are_read_whatever_their_columns_are_called(tmp_path):
    header = "Open time,Open,High,Low,Close,Volume,Close time,Quote volume,Trades,Ignore"
    file = recorded(tmp_path, [kline(0, *MINUTES[0]) + ",1,2,3", "", kline(1, *MINUTES[1]) + ",1,2,3"], header)
    recording = Recording([file])
    recording.check()
    assert [row.close for row in recording.rows()] == [D("60005"), D("59910")]
    assert [spec.symbol for spec in recording.specs] == ["BTC-PERP"]


GOOD = kline(0, *MINUTES[0])


@pytest.mark.parametrize("header, rows, words", [
    (GOOD, [], "line 1: the header lacks time, price"),
    ("open_time,open,high,low,close,volume", [], "line 1: the header lacks close_time"),
    (HEADER + ",open", [], "line 1: the header names a column twice"),
    ("", [], "line 1: the header lacks"),
    (HEADER, [], "has no prices of any symbol"),
    (HEADER, [GOOD, GOOD], "line 3: this bar of BTC-PERP begins before the one above it has ended"),
    (HEADER, [kline(1, *MINUTES[0]), GOOD], "line 3: it is earlier than the line above; sort the file by time"),
    (HEADER, [GOOD + ",1"], "line 2: it has 8 values, but the header names 7 columns"),
    (HEADER, [GOOD.replace("60010", "59999")], "line 2: open and close do not lie between low and high"),
    (HEADER, [GOOD.replace("60010", "much")], "line 2: high 'much' is not a decimal number"),
    (HEADER, [GOOD.replace("60010", "6e4")], "line 2: high '6e4' is not a decimal number"),
    (HEADER, [GOOD.replace("60010", "NaN")], "line 2: high 'NaN' is not a decimal number"),
    (HEADER, [GOOD.replace("60000,", "0,")], "line 2: open is zero"),
    (HEADER, [GOOD.replace("60000,", "-60000,")], "line 2: open '-60000' is not a decimal number"),
    (HEADER, [GOOD.replace(str(BEGIN_MS), "1714564800")], "line 2: open_time '1714564800' is not a time in milli"),
    (HEADER, [GOOD.replace(str(BEGIN_MS), "2024-05-01")], "line 2: open_time '2024-05-01' is not a time in milli"),
    (HEADER, [GOOD.replace(str(BEGIN_MS), str(BEGIN_MS + MINUTE_MS))], "line 2: close_time is not after open_time"),
    (HEADER + ",symbol", [GOOD + ",BTCUSDT"], "line 2: 'BTCUSDT' is no symbol of the venue"),
    (HEADER, [GOOD, "x" * 20_000], "line 3: it has more than 10000 characters"),
    (HEADER, [GOOD, '"60000'], "line 3: unexpected end of data"),
    ("time,price", [f"{BEGIN_MS},1", f"{BEGIN_MS - 1},1"], "line 3: it is earlier than the line above"),
])
def test_what_is_wrong_with_a_file_is_one_sentence_that_names_the_line(tmp_path, header, rows, words):
    file = recorded(tmp_path, rows, header)
    with pytest.raises(RecordingError) as raised:
        Recording([file]).check()
    assert words in str(raised.value) and len(str(raised.value).splitlines()) == 1
    assert str(file) in str(raised.value) or "no prices" in words


def test_files_that_are_no_recordings(tmp_path):
    binary, twice = tmp_path / "ETH-PERP.csv", recorded(tmp_path, name="BTC-PERP.csv")
    binary.write_bytes(b"\xff\xfe\x00")
    other = recorded(tmp_path, [GOOD + ",BTC-PERP"], HEADER + ",symbol", "other.csv")
    for files, words in (([tmp_path / "none.csv"], "No such file"), ([tmp_path], "Is a directory"),
                         ([binary], "not a text file"), ([twice, other], "can come from one only"),
                         ([recorded(tmp_path, name="prices.csv")], "the header lacks symbol")):
        with pytest.raises(RecordingError, match=words):
            Recording(files).check()
    with pytest.raises(RecordingError, match="no prices of SOL-PERP"):
        Recording([twice], ["SOL-PERP"]).check()


@pytest.mark.parametrize("config", [{"at_end": "stop"}, {"speed": D(0)}, {"speed": D(-1)}])
def test_a_replay_that_cannot_be_is_refused(config):
    with pytest.raises(ValueError, match="above zero, the end one of halt, hold, loop"):
        VestSimulator(SimulatorConfig(prices=("BTC-PERP.csv",), **config))


@pytest.mark.asyncio
@pytest.mark.parametrize("start_ms", [BEGIN_MS - 1, BEGIN_MS + 6 * MINUTE_MS])
async def test_a_start_outside_the_recording_is_refused(tmp_path, start_ms):
    with pytest.raises(RecordingError, match="trading cannot begin"):
        await Replay(Recording([recorded(tmp_path)]), start_ms).open()
