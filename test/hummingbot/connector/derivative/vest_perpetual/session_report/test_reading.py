"""What is read of Hummingbot's database, and that it is only read."""
import hashlib
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.session_report.session_testing import (
    CONNECTOR,
    START_MS,
    Recording,
    short_session,
)

import pytest

from hummingbot.connector.derivative.vest_perpetual.session_report import reading
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import (
    Market,
    ReportError,
    Selection,
    open_database,
)

BTC = Market(CONNECTOR, "BTC-USDC")


@pytest.fixture
def recording(tmp_path):
    return Recording(tmp_path)


def markets(path, **selection):
    with open_database(path) as database:
        return database.markets(Selection(**selection))


def test_the_file_is_left_as_it_was(tmp_path):
    path = short_session(tmp_path).database
    before = hashlib.sha256(path.read_bytes()).digest(), path.stat().st_mtime_ns
    path.chmod(0o400)
    with open_database(path) as database:
        assert len(list(database.orders(BTC))) == 5
    assert (hashlib.sha256(path.read_bytes()).digest(), path.stat().st_mtime_ns) == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_bot_that_writes_is_read_and_not_held_up(recording, journal):
    recording.fill(0, 1, 100)
    bot = sqlite3.connect(recording.database, timeout=0)
    bot.execute(f"PRAGMA journal_mode = {journal}")
    bot.execute("BEGIN IMMEDIATE")
    bot.execute("UPDATE TradeFill SET amount = 2000000")
    with open_database(recording.database) as database:
        bot.commit()  # with a timeout of zero it would fail if it had to wait
        assert [fill.amount for fill in database.fills(BTC)] == [Decimal(1)]
    bot.close()


def test_a_bot_that_locks_the_file_is_waited_for(recording):
    recording.fill(0, 1, 100)
    bot = sqlite3.connect(recording.database, check_same_thread=False)
    bot.execute("BEGIN EXCLUSIVE")
    bot.execute("UPDATE TradeFill SET amount = 2000000")
    release = threading.Timer(0.3, bot.commit)
    release.start()
    with open_database(recording.database) as database:
        assert [fill.amount for fill in database.fills(BTC)] == [Decimal(2)]
    release.join()
    bot.close()


@pytest.fixture(params=["exclusive transaction", "simulator's state"])
def locked(request, recording):
    """A program that lets nobody read the database."""
    program = sqlite3.connect(recording.database, isolation_level=None, check_same_thread=False)
    if request.param == "exclusive transaction":
        program.execute("BEGIN EXCLUSIVE")
    else:
        program.execute("PRAGMA locking_mode = EXCLUSIVE")
        program.execute("PRAGMA journal_mode = WAL")
        program.execute("INSERT INTO Metadata VALUES ('a', 'x')")
    yield program
    program.close()


def test_a_file_that_stays_locked_is_given_up(recording, locked, monkeypatch):
    monkeypatch.setattr(reading, "LOCK_TIMEOUT_S", 0.3)
    release = threading.Timer(10, locked.close)  # so that waiting for ever would end
    release.start()
    with pytest.raises(ReportError, match="is locked by the program that writes it, for 0.3 s now"):
        with open_database(recording.database):
            pass
    release.cancel()


def test_what_a_killed_bot_had_not_finished_is_left_out(recording, tmp_path):
    recording.fill(0, 1, 100)
    bot = sqlite3.connect(recording.database)
    bot.execute("PRAGMA cache_size = 1")
    with bot:
        bot.executemany("INSERT INTO Metadata VALUES (?, 'x')", [(str(number),) for number in range(5000)])
    bot.execute("BEGIN")
    bot.execute("UPDATE TradeFill SET amount = 2000000")
    bot.execute("UPDATE Metadata SET value = 'long enough for the cache to be written to the file'")
    journal = recording.database.with_name(recording.database.name + "-journal")
    killed = tmp_path / "killed.sqlite"
    for source, target in ((recording.database, killed), (journal, killed.with_name("killed.sqlite-journal"))):
        shutil.copyfile(source, target)
    bot.close()
    assert killed.read_bytes() != recording.database.read_bytes()
    content = killed.read_bytes()
    with open_database(killed) as database:
        assert [fill.amount for fill in database.fills(BTC)] == [Decimal(1)]
    assert killed.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"trade,price\n1,2\n" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_another_file_is_none_of_hummingbots(tmp_path, content):
    path = tmp_path / "notes.sqlite"
    path.write_bytes(content)
    with pytest.raises(ReportError, match="no Hummingbot database"), open_database(path):
        pass


def test_a_damaged_database_cannot_be_read(tmp_path):
    path = short_session(tmp_path).database
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\0" * 4096 * 40 + content[4096 * 41:])
    with pytest.raises(ReportError, match="cannot be read"), open_database(path) as database:
        list(database.fills(BTC))


def test_a_database_of_another_program_is_none_of_hummingbots(tmp_path):
    connection = sqlite3.connect(tmp_path / "other.sqlite")
    connection.execute('CREATE TABLE "Order" (id TEXT)')
    connection.close()
    with pytest.raises(ReportError, match="no Hummingbot database"), open_database(tmp_path / "other.sqlite"):
        pass


@pytest.mark.parametrize("change, missing", [
    ("DROP TABLE MarketData", "no such table: MarketData"),
    ("DROP TABLE FundingPayment", "no such table: FundingPayment"),
    ("ALTER TABLE TradeFill DROP COLUMN trade_fee_in_quote", "no such column: trade_fee_in_quote"),
])
def test_a_database_of_another_version_is_called_one(recording, change, missing):
    recording.fill(0, 1, 100)
    with closing(sqlite3.connect(recording.database)) as connection:
        connection.execute(change)
    with pytest.raises(ReportError, match=f"another version.*{missing}"), open_database(recording.database) as database:
        list(database.fills(BTC))


@pytest.mark.parametrize("change", [
    "UPDATE TradeFill SET price = 'nonsense'", "UPDATE FundingPayment SET amount = 'nonsense'",
    "UPDATE FundingPayment SET amount = 9e999",
])
def test_what_is_no_number_is_a_damage_and_not_counted(recording, change):
    recording.fill(0, 1, 100)
    recording.payment(0, 1)
    with closing(sqlite3.connect(recording.database)) as connection, connection:
        connection.execute(change)
    with pytest.raises(ReportError, match="The database is damaged"), open_database(recording.database) as database:
        list(database.fills(BTC)) + list(database.payments(BTC))


def test_no_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none.sqlite", tmp_path):
        with pytest.raises(ReportError, match="There is no file"), open_database(path):
            pass


def test_an_empty_database_has_no_markets(recording):
    assert markets(recording.database) == []


def test_without_a_choice_all_domains_of_vest_are_read_and_nothing_else(recording):
    for connector in ("vest_perpetual", "vest_perpetual_testnet", "binance_perpetual"):
        recording.fill(0, 1, 100, market=connector)
    assert [market.connector for market in markets(recording.database)] == ["vest_perpetual", "vest_perpetual_testnet"]
    chosen = markets(recording.database, connectors=["binance_perpetual"])
    assert chosen == [Market("binance_perpetual", "BTC-USDC")]


def test_what_is_not_there_is_said_with_what_is(recording):
    recording.fill(0, 1, 100, market="binance_perpetual")
    with pytest.raises(ReportError, match="nothing of Vest; choose .*: binance_perpetual"):
        markets(recording.database)
    recording.fill(0, 1, 100)
    with pytest.raises(ReportError, match="no connector kraken; it has binance_perpetual, vest_perpetual"):
        markets(recording.database, connectors=["kraken"])
    with pytest.raises(ReportError, match="no trading pair DOGE-USDC; it has BTC-USDC"):
        markets(recording.database, pairs=["DOGE-USDC"])


def test_amounts_are_exact_and_sides_are_found(tmp_path):
    with open_database(short_session(tmp_path).database) as database:
        orders = list(database.orders(BTC))
        fills = list(database.fills(BTC))
    assert [(order.state, order.is_buy) for order in orders] == [
        ("filled", True), ("cancelled", False), ("failed", True), ("open", True), ("filled", False)]
    assert orders[1].ended_ms == START_MS + 9_000 and orders[3].ended_ms is None
    assert [(fill.is_buy, fill.amount, fill.price, fill.fee) for fill in fills] == [
        (True, Decimal(2), Decimal(100), Decimal("0.02")), (False, Decimal("0.5"), Decimal(110), Decimal("0.0055"))]


def test_an_order_whose_creation_was_not_recorded_gets_its_side_from_its_fill(recording):
    order_id = recording.order(0)
    recording.fill(0, 1, 100, is_buy=False, order_id=order_id)
    connection = sqlite3.connect(recording.database)
    with connection:
        connection.execute("DELETE FROM OrderStatus")
    connection.close()
    with open_database(recording.database) as database:
        assert [order.is_buy for order in database.orders(BTC)] == [False]


@pytest.mark.parametrize("fee_json, fee", [
    ('{"percent": "0.001", "flat_fees": []}', "0.2"),
    ('{"percent": "0", "flat_fees": [{"token": "USDC", "amount": "0.0123456789"}]}', "0.0123456789"),
    ('{"percent": "0", "flat_fees": [{"token": "BNB", "amount": "1"}]}', "7"),
    ("null", "7"),
    ("no json", "7"),
])
def test_a_fee_is_taken_in_full_if_it_is_in_the_quote_token_and_else_as_the_client_converted_it(
        recording, fee_json, fee):
    recording.fill(0, 2, 100, trade_fee=fee_json, trade_fee_in_quote=7_000_000)
    with open_database(recording.database) as database:
        assert [fill.fee for fill in database.fills(BTC)] == [Decimal(fee)]
