"""Recorded prices: CSV files of klines or ticks, checked strictly and read as a stream (format: README)."""
import csv
import re
from dataclasses import dataclass
from decimal import Decimal
from heapq import merge
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, TextIO

from vest_simulator.engine.specs import DEFAULT_SYMBOLS, SymbolSpec

_KLINE_COLUMNS = ("opentime", "open", "high", "low", "close", "closetime")
_TICK_COLUMNS = ("time", "price")
_WRITTEN = {"opentime": "open_time", "closetime": "close_time"}
_ALIASES = {"timems": "time", "opentimems": "opentime", "closetimems": "closetime", "qty": "size", "quantity": "size"}
_TIMES_MS = range(946_684_800_000, 4_102_444_800_000)  # the years from 2000 to 2099
_DECIMAL = re.compile(r"\d{1,15}(?:\.\d{1,20})?")
_SYMBOL = re.compile(r"(?P<base>[A-Za-z0-9]{1,20}?)(?:-USD)?-PERP")
_MOST_PRICE_DECIMALS = 8
_LONGEST_LINE = 10_000


class RecordingError(ValueError):
    """A recording cannot be used; the text is one sentence that names file and line."""


class Row(NamedTuple):
    """One recorded bar, or a tick: a bar without length. Times are those of the recording."""

    open_ms: int
    close_ms: int
    symbol: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass
class _Facts:
    """What a first reading finds out about a symbol."""

    file: Path
    first_price: Decimal
    decimals: int = 0


class Recording:
    """The rows of one or more files, in the order of time.

    :param files: with a column `symbol`, or named after their symbol: BTC-PERP.csv
    :param symbols: which ones to take; all of them when there are none
    :raises RecordingError: from `check` and `rows`, for whatever is wrong with a file
    """

    def __init__(self, files: Sequence[Path], symbols: Sequence[str] = ()) -> None:
        self.specs: List[SymbolSpec] = []
        self.first_ms = 0
        self.last_ms = 0
        self.longest_row_ms = 0
        self._files = [Path(file) for file in files]
        self._symbols = set(symbols)

    @property
    def name(self) -> str:
        """Tells this recording from others."""
        return ", ".join(str(file.resolve()) for file in self._files)

    def check(self) -> None:
        """Reads all of it once, and finds out symbols and times."""
        facts: Dict[str, _Facts] = {}
        first_ms, last_ms = _TIMES_MS.stop, 0
        for file in self._files:
            for row in self._rows_of(file):
                known = facts.setdefault(row.symbol, _Facts(file, row.open))
                if known.file != file:
                    raise RecordingError(f"{row.symbol} is in {known.file} and in {file}; it can come from one only.")
                known.decimals = max(known.decimals, *(-price.as_tuple().exponent for price in row[3:7]))
                first_ms, last_ms = min(first_ms, row.open_ms), max(last_ms, row.close_ms)
                self.longest_row_ms = max(self.longest_row_ms, row.close_ms - row.open_ms + 1)
        missing = self._symbols - set(facts)
        if missing or not facts:
            raise RecordingError(f"The recording has no prices of {', '.join(sorted(missing)) or 'any symbol'}.")
        self.specs = [_spec(symbol, known) for symbol, known in facts.items()]
        self.first_ms, self.last_ms = first_ms, last_ms

    def rows(self) -> Iterator[Row]:
        """All rows, by the time at which they begin."""
        return merge(*(self._rows_of(file) for file in self._files), key=lambda row: row.open_ms)

    def _rows_of(self, file: Path) -> Iterator[Row]:
        try:
            with file.open(encoding="utf-8-sig", newline="") as lines:
                for row in _File(file, lines).rows():
                    if not self._symbols or row.symbol in self._symbols:
                        yield row
        except OSError as error:
            raise RecordingError(f"{file} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise RecordingError(f"{file} is not a text file in UTF-8.") from None


class _File:
    """One file, read line by line."""

    def __init__(self, path: Path, lines: TextIO) -> None:
        self._path = path
        self._line = 0
        self._reader = csv.reader(self._bounded(lines), strict=True)
        self._columns: Dict[str, int] = {}
        self._last_ms = 0
        self._last_of_symbol: Dict[str, Row] = {}

    def rows(self) -> Iterator[Row]:
        try:
            header = next(self._reader, None)
            self._read_header(header or [])
            width = len(header)
            for values in self._reader:
                if not values:
                    continue
                if len(values) != width:
                    raise self._error(f"it has {len(values)} values, but the header names {width} columns")
                yield self._in_time(self._row(values))
        except csv.Error as error:
            raise self._error(str(error)) from None

    def _bounded(self, lines: TextIO) -> Iterator[str]:
        while line := lines.readline(_LONGEST_LINE):
            self._line += 1
            if len(line) == _LONGEST_LINE:
                raise self._error(f"it has more than {_LONGEST_LINE} characters")
            yield line

    def _error(self, what: str) -> RecordingError:
        return RecordingError(f"{self._path}, line {max(1, self._line)}: {what}.")

    # --- header

    def _read_header(self, header: List[str]) -> None:
        names = [re.sub(r"[\s_]", "", name).lower() for name in header]
        names = [_ALIASES.get(name, name) for name in names]
        self._columns = {name: number for number, name in enumerate(names)}
        wanted = _KLINE_COLUMNS if "opentime" in names or "high" in names else _TICK_COLUMNS
        missing = [_WRITTEN.get(name, name) for name in wanted if name not in names]
        if missing:
            raise self._error(f"the header lacks {', '.join(missing)}; klines need open_time, open, high, low, close "
                              "and close_time, ticks need time and price")
        if len(self._columns) < len(names):
            raise self._error("the header names a column twice")
        if "symbol" not in names and not _SYMBOL.fullmatch(self._path.stem):
            raise self._error("the header lacks symbol, and the file is not named after one, such as BTC-PERP.csv")

    # --- rows

    def _row(self, values: List[str]) -> Row:
        symbol = self._symbol(values)
        if "opentime" not in self._columns:
            time_ms, price = self._time(values, "time"), self._price(values, "price")
            return Row(time_ms, time_ms, symbol, price, price, price, price, self._number(values, "size"))
        row = Row(self._time(values, "opentime"), self._time(values, "closetime"), symbol,
                  *(self._price(values, name) for name in ("open", "high", "low", "close")),
                  self._number(values, "volume"))
        if row.close_ms <= row.open_ms:
            raise self._error("close_time is not after open_time")
        if not row.low <= min(row.open, row.close) <= max(row.open, row.close) <= row.high:
            raise self._error("open and close do not lie between low and high")
        return row

    def _in_time(self, row: Row) -> Row:
        """:raises RecordingError: for a row that begins before the one above, or before that of its symbol has ended"""
        before = self._last_of_symbol.get(row.symbol)
        if row.open_ms < self._last_ms:
            raise self._error("it is earlier than the line above; sort the file by time")
        if before is not None and row.close_ms > row.open_ms <= before.close_ms:
            raise self._error(f"this bar of {row.symbol} begins before the one above it has ended")
        self._last_ms = row.open_ms
        self._last_of_symbol[row.symbol] = row
        return row

    def _symbol(self, values: List[str]) -> str:
        symbol = values[self._columns["symbol"]].strip() if "symbol" in self._columns else self._path.stem
        if not _SYMBOL.fullmatch(symbol):
            raise self._error(f"{symbol[:40]!r} is no symbol of the venue, such as BTC-PERP or AAPL-USD-PERP")
        return symbol

    def _time(self, values: List[str], column: str) -> int:
        text = values[self._columns[column]].strip()
        if not re.fullmatch(r"\d{1,18}", text) or int(text) not in _TIMES_MS:
            raise self._error(f"{_WRITTEN.get(column, column)} {text[:40]!r} is not a time in milliseconds since 1970")
        return int(text)

    def _price(self, values: List[str], column: str) -> Decimal:
        price = self._number(values, column)
        if not price:
            raise self._error(f"{column} is zero")
        return price

    def _number(self, values: List[str], column: str) -> Decimal:
        """The number of a column; zero when there is no such column."""
        if column not in self._columns:
            return Decimal(0)
        text = values[self._columns[column]].strip()
        if not _DECIMAL.fullmatch(text):
            raise self._error(f"{column} {text[:40]!r} is not a decimal number")
        return Decimal(text)


def _spec(symbol: str, facts: _Facts) -> SymbolSpec:
    """A symbol that the simulator knows by itself keeps its decimals; of others they follow from the prices."""
    known: Optional[SymbolSpec] = next((spec for spec in DEFAULT_SYMBOLS if spec.symbol == symbol), None)
    if known is None:
        size_decimals = max(0, facts.first_price.adjusted())  # so that a step is worth from 1 to 10 USDC
        known = SymbolSpec(symbol, _SYMBOL.fullmatch(symbol)["base"], facts.first_price, size_decimals,
                           min(facts.decimals, _MOST_PRICE_DECIMALS))
    return SymbolSpec(**{**{name: getattr(known, name) for name in known.__annotations__},
                         "start_price": facts.first_price})
