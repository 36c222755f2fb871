"""Tolerant reading of a venue's public answers and frames (protocol sections 2, 4 and 6): what is odd is left out."""
import json
import re
from decimal import Decimal
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Union

import aiohttp
import brotli

from vest_simulator.engine.candles import Bar
from vest_simulator.engine.prices import rounded
from vest_simulator.engine.specs import SymbolSpec

_SYMBOL = re.compile(r"[A-Za-z0-9]{1,20}(?:-USD)?-PERP")
_DECIMAL = re.compile(r"-?\d{1,15}(?:\.\d{1,30})?")
_MOST_DECIMALS = 12
MOST_BYTES = 8 << 20
"""Longer answers and frames are not read."""


class Ticker(NamedTuple):
    """What a venue says of a market now."""

    symbol: str
    index: Decimal
    mark: Decimal
    trading: bool
    funding_rate: Optional[Decimal]


async def read(response: aiohttp.ClientResponse) -> bytes:
    """The body of an answer. :raises ValueError: when it is too long"""
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > MOST_BYTES:
            raise ValueError("the answer is too long")
    return bytes(body)


def answer(body: bytes) -> Any:
    """The JSON of an answer. :raises ValueError: when it is none, or an error (which can come with status 200)"""
    payload = _json(body)
    if isinstance(payload, dict) and ("code" in payload or "detail" in payload):
        raise ValueError("the answer is an error")
    return payload


def tickers(payload: Any) -> List[Ticker]:
    """Of GET /ticker/latest, or of a frame's data."""
    rows = payload.get("tickers") if isinstance(payload, dict) else payload
    found = (_ticker(row) for row in _objects(rows))
    return [ticker for ticker in found if ticker is not None]


def tickers_frame(data: Union[str, bytes]) -> List[Ticker]:
    """Of a frame: text, binary, or compressed; nothing for other frames."""
    try:
        frame = _json(data)
    except ValueError:
        return []
    return tickers(frame.get("data")) if isinstance(frame, dict) and frame.get("channel") == "tickers" else []


def symbols(payload: Any) -> FrozenSet[str]:
    """The names that exchangeInfo lists. :raises ValueError: when it lists none"""
    names = frozenset(row["symbol"] for row in _rows_of_info(payload) if isinstance(row.get("symbol"), str))
    if not names:
        raise ValueError("exchangeInfo lists no symbols")
    return names


def specs(payload: Any, known: Mapping[str, Ticker]) -> Iterator[SymbolSpec]:
    """The markets of exchangeInfo that have a ticker; entries that cannot be read are left out."""
    for row in _rows_of_info(payload):
        ticker = known.get(str(row.get("symbol")))
        ratios = {name: _number(row.get(field)) for name, field in (
            ("init_margin_ratio", "initMarginRatio"), ("maint_margin_ratio", "maintMarginRatio"),
            ("taker_fee", "takerFee"))}
        decimals = [row.get("sizeDecimals"), row.get("priceDecimals")]
        if (ticker is None or not _SYMBOL.fullmatch(ticker.symbol) or None in ratios.values()
                or not 0 < ratios["maint_margin_ratio"] <= ratios["init_margin_ratio"] <= 1 or ratios["taker_fee"] < 0
                or any(type(value) is not int or not 0 <= value <= _MOST_DECIMALS for value in decimals)):
            continue
        yield SymbolSpec(ticker.symbol, str(row.get("base")), ticker.index, *decimals, quote=str(row.get("quote")),
                         asset=str(row.get("asset", "crypto")),
                         min_tick_size=_number(row.get("minTickSize")) or Decimal(0), **ratios)


def bars(payload: Any, spec: SymbolSpec) -> List[Bar]:
    """Of GET /klines, oldest first; bars that are odd or overlap are left out."""
    found: List[Bar] = []
    for row in payload if isinstance(payload, list) else ():
        bar = _bar(row, spec)
        if bar is not None and (not found or bar.open_ms > found[-1].close_ms):
            found.append(bar)
    return found


def _bar(row: Any, spec: SymbolSpec) -> Optional[Bar]:
    if not isinstance(row, list) or len(row) < 7 or type(row[0]) is not int or type(row[5]) is not int:
        return None
    numbers = [_number(value) for value in (*row[1:5], row[6])]
    if None in numbers or min(numbers) < 0 or row[5] <= row[0]:
        return None
    first, high, low, last = (rounded(number, spec.price_step) for number in numbers[:4])
    if not low <= min(first, last) <= max(first, last) <= high:
        return None
    return Bar(row[0], row[5], first, high, low, last, numbers[4])


def _ticker(row: Dict[str, Any]) -> Optional[Ticker]:
    index, mark = _number(row.get("indexPrice")), _number(row.get("markPrice"))
    if not isinstance(row.get("symbol"), str) or not index or not mark or min(index, mark) <= 0:
        return None
    return Ticker(row["symbol"], index, mark, row.get("status", "TRADING") == "TRADING",
                  _number(row.get("oneHrFundingRate")))


def _rows_of_info(payload: Any) -> List[Dict[str, Any]]:
    return _objects(payload.get("symbols") if isinstance(payload, dict) else None)


def _objects(rows: Any) -> List[Dict[str, Any]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _number(value: Any) -> Optional[Decimal]:
    """A decimal string as a number; None for anything else."""
    return Decimal(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else None


def _json(data: Union[str, bytes]) -> Any:
    """:raises ValueError: when it is no JSON in any of the venue's encodings"""
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError:
        if isinstance(data, str):
            raise
    decompressor = brotli.Decompressor()
    try:
        text = decompressor.process(data, output_buffer_limit=MOST_BYTES)
        if not decompressor.is_finished():
            raise ValueError("cut off, or too long")
        return json.loads(text)
    except (brotli.error, RecursionError) as error:
        raise ValueError(str(error)) from None
