"""Scenarios that need no keys."""
import asyncio
import json
import time
from decimal import Decimal
from typing import Any, Dict, List, Mapping

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_utils as utils,
    vest_perpetual_web_utils as web_utils,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.certification.session import (
    DAY_MS,
    Session,
    acts,
    error_words,
    type_words,
)
from hummingbot.connector.derivative.vest_perpetual.cli.sockets import connection
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import decode_frame
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import rows_from
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import SocketTiming, VestSocketError

UNKNOWN_SYMBOL = "NO-SUCH-MARKET-PERP"
_MINUTE_MS = 60_000
_DOCUMENTED = frozenset({
    "symbol", "displayName", "base", "quote", "sizeDecimals", "priceDecimals", "initMarginRatio", "maintMarginRatio",
    "takerFee", "isolated",
})
_TICKER_FIELDS = ("markPrice", "indexPrice", "oneHrFundingRate")
_NAMED = 5


@acts("public_group_header")
async def group_header(session: Session) -> None:
    """The smallest request there is, without the header."""
    answer = await session.venue.bare_get(CONSTANTS.TICKER_LATEST_PATH, {"symbols": session.market.symbol}, {})
    session.report.observe("public_group_header", "they answer without it" if answer.status == 200 else
                           f"they do not: {error_words(answer)}")


@acts("rest_compression", "date_header", "rate_limit_headers")
async def headers(session: Session) -> None:
    """Those of all answers so far."""
    report = session.report
    for answer in session.venue.heard.answers:
        encoding = answer.headers.get("Content-Encoding")
        report.observe("rest_compression", f"Content-Encoding {encoding}" if encoding else "no Content-Encoding")
    dated = ["Date" in heard.headers for heard in session.venue.heard.answers]
    report.observe("date_header", f"{sum(dated)} of {len(dated)} answers had one")
    names = sorted({name for heard in session.venue.heard.answers for name in heard.headers
                    if "ratelimit" in name.lower().replace("-", "") or name.lower() == "retry-after"})
    report.observe("rate_limit_headers", f"headers {', '.join(names)}" if names else "no header that tells of them")


@acts("odd_symbols", "exchange_info_fields", "price_ticks", "taker_fee", "isolated")
async def listing(session: Session) -> None:
    """What `GET /exchangeInfo` says of the markets."""
    report = session.report
    payload = (await session.answer(CONSTANTS.EXCHANGE_INFO_PATH)).payload
    rows = [row for row in rows_from(payload["symbols"], "symbols") if isinstance(row, Mapping)]
    symbols = [str(row.get("symbol")) for row in rows]
    pairs = utils.trading_pairs_by_symbol(symbols)
    odd = [symbol for symbol in symbols if symbol not in pairs]
    both = [symbol for symbol in symbols if symbol.replace("-PERP", "-USD-PERP") in set(symbols) - {symbol}]
    report.observe("odd_symbols", f"of {len(symbols)}, of neither form: {_few(odd)}; in both forms: {_few(both)}")
    extra = sorted({name for row in rows for name in row} - _DOCUMENTED)
    missing = sorted(_DOCUMENTED - {name for row in rows for name in row})
    report.observe("exchange_info_fields", f"beyond the documented: {', '.join(extra) or 'none'}; documented and "
                                           f"missing: {', '.join(missing) or 'none'}")
    markets = wire.ExchangeInfo.from_payload(payload).symbols
    coarse = [f"{market.symbol} {market.price_tick:f}" for market in markets
              if market.price_tick != Decimal(1).scaleb(-market.price_decimals)]
    report.observe("price_ticks", f"coarser: {_few(coarse)}")
    fees = sorted({str(row.get("takerFee")) for row in rows})
    report.observe("taker_fee", _few(fees))
    report.observe("isolated", _few(sorted({json.dumps(row.get("isolated")) for row in rows})))


@acts("ticker_percent_unit")
async def change_of_a_day(session: Session) -> None:
    """What `GET /ticker/24hr` says of the change of the price."""
    payload = (await session.answer(CONSTANTS.TICKER_24HR_PATH, {"symbols": session.market.symbol})).payload
    row = next(iter(wire.ticker_rows(payload)), {})
    told, opened, closed = (
        Decimal(str(row.get(name) or 0)) for name in ("priceChangePercent", "openPrice", "closePrice"))
    if not opened or not told or opened == closed:
        session.report.cannot("ticker_percent_unit", "the price had not changed in 24 hours")
        return
    fraction = (closed - opened) / opened
    nearer = min(("a fraction", fraction), ("a percentage", 100 * fraction), key=lambda unit: abs(unit[1] - told))
    session.report.observe("ticker_percent_unit", f"it is nearest to {nearer[0]}: {told} is told of a change of "
                                                  f"{100 * fraction:.4f} %")


@acts("funding_history")
async def funding_history(session: Session) -> None:
    """How far apart the rows of `GET /funding/history` are."""
    since_ms = session.venue.clock.now_ms() - DAY_MS
    words = []
    for interval in (None, CONSTANTS.FUNDING_HISTORY_INTERVAL):
        query: Dict[str, Any] = {"symbol": session.market.symbol, "startTime": since_ms, "limit": 100}
        query.update({} if interval is None else {"interval": interval})
        rows = rows_from((await session.answer(CONSTANTS.FUNDING_HISTORY_PATH, query)).payload, "funding")
        times_ms = sorted(int(row["time"]) for row in rows)
        steps_ms = [later - sooner for sooner, later in zip(times_ms, times_ms[1:])]
        step = f"{min(steps_ms) / _MINUTE_MS:g} minutes apart" if steps_ms else "too few to tell their distance"
        words.append(f"{'without an interval' if interval is None else interval}: {len(rows)} rows, {step}")
    session.report.observe("funding_history", "; ".join(words))


@acts("kline_range")
async def klines(session: Session) -> None:
    """Bars of ten minutes two days ago."""
    start_ms = session.venue.clock.now_ms() - 2 * DAY_MS
    asked = {"startTime": start_ms, "endTime": start_ms + 10 * _MINUTE_MS}
    rows = rows_from((await session.answer(
        CONSTANTS.KLINES_PATH, {"symbol": session.market.symbol, "interval": "1m", **asked})).payload, "klines")
    within = [row for row in rows if asked["startTime"] <= int(row[0]) <= asked["endTime"]]
    obeyed = "obeyed" if rows and len(within) == len(rows) else "ignored"
    session.report.observe("kline_range", f"{obeyed}: of 10 minutes two days ago {len(within)} bars, {len(rows)} bars "
                                          f"in all")


@acts("trade_ids", "trade_sign")
async def trades(session: Session) -> None:
    """The rows of `GET /trades`."""
    answer = await session.answer(CONSTANTS.TRADES_PATH, {"symbol": session.market.symbol, "limit": 100})
    rows = rows_from(answer.payload, "trades")
    if rows:
        session.report.observe("trade_ids", type_words([row.get("id") for row in rows]))
        session.report.observe("trade_sign", _side_words(rows))


@acts("depth_time")
async def depth(session: Session) -> None:
    """`GET /depth`, with and without a limit."""
    query = {"symbol": session.market.symbol}
    usual = (await session.answer(CONSTANTS.DEPTH_PATH, query)).payload
    deep = (await session.answer(CONSTANTS.DEPTH_PATH, {**query, "limit": CONSTANTS.DEPTH_LIMIT})).payload
    told = ", ".join(sorted(set(usual) - {"bids", "asks"})) or "nothing"
    session.report.observe("depth_time", f"beside the sides: {told}; {len(usual['bids'])} bids without a limit, "
                                         f"{len(deep['bids'])} with {CONSTANTS.DEPTH_LIMIT}")


@acts("open_interest")
async def open_interest(session: Session) -> None:
    """The undocumented `GET /oi`."""
    answer = await session.answer(CONSTANTS.OPEN_INTEREST_PATH, {"symbols": session.market.symbol})
    is_answered = answer.status == 200 and isinstance(answer.payload, Mapping) and "code" not in answer.payload
    session.report.observe("open_interest", f"it answers with {', '.join(answer.payload)}" if is_answered else
                           error_words(answer))


@acts("unknown_symbol", "error_shape")
async def unknown_symbol(session: Session) -> None:
    """A refusal that does no harm."""
    answer = await session.answer(CONSTANTS.DEPTH_PATH, {"symbol": UNKNOWN_SYMBOL})
    if answer.status == 200 and "code" not in answer.payload:
        session.report.observe("unknown_symbol", f"not at all: it answers with {', '.join(answer.payload)}")
        return
    for name in ("unknown_symbol", "error_shape"):
        session.report.observe(name, error_words(answer))


def _side_words(rows: List[Any]) -> str:
    ways = []
    if any(row.get("side") for row in rows):
        ways.append("by a field side")
    if any(Decimal(str(row.get("qty") or 0)) < 0 for row in rows):
        ways.append("by a negative qty")
    return " and ".join(ways) or f"not at all, in {len(rows)} trades"


@acts("frame_encoding", "subscribe_answer", "pong", "envelope_time", "depth_messages", "trade_messages",
      "ticker_channels")
async def public_socket(session: Session) -> None:
    """One public connection, listened to for a while."""
    frames = session.venue.heard.frames
    began = len(frames)
    symbol = session.market.symbol
    channels = {name: channel.format(symbol=symbol) for name, channel in (
        ("depth", CONSTANTS.ORDERBOOK_DEPTH_CHANNEL), ("trades", CONSTANTS.TRADES_CHANNEL),
        ("tickers", CONSTANTS.TICKERS_CHANNEL), ("ticker", CONSTANTS.TICKER_CHANNEL))}
    outcomes = {}
    async with connection("certification", session.venue.api_factory, _public_url(session)) as socket:
        await socket.ping()
        for name, channel in channels.items():
            try:
                await socket.subscribe([channel])
                outcomes[name] = "accepted"
            except VestSocketError as error:
                outcomes[name] = f"refused ({error})"
        began_s = time.monotonic()
        await socket.until(asyncio.sleep(session.listen_s))
        listened_s = time.monotonic() - began_s
    payloads = [payload for frame in frames[began:] for payload in decode_frame(frame)]
    _observe_forms(session, frames[began:], payloads)
    _observe_messages(session, payloads, channels, listened_s)
    said = {name: [payload["data"] for payload in payloads if payload.get("channel") == channels[name]]
            for name in ("tickers", "ticker")}
    session.report.observe("ticker_channels", (
        f"tickers {outcomes['tickers']}, {await _ticker_words(session, said['tickers'])}; "
        f"SYMBOL@ticker {outcomes['ticker']}, {len(said['ticker'])} messages"))


async def _ticker_words(session: Session, messages: List[Any]) -> str:
    """How much of the markets each message of the channel `tickers` tells."""
    market_count = len((await session.venue.markets()).symbol_map)
    rows = [row for data in messages if isinstance(data, list) for row in data]
    if not rows:
        return "no list came"
    counts = [len(data) for data in messages if isinstance(data, list)]
    is_full = all(field in row for row in rows for field in _TICKER_FIELDS)
    return (f"{min(counts)} to {max(counts)} of {market_count} markets a message, rows "
            f"{'with' if is_full else 'not always with'} all of {', '.join(_TICKER_FIELDS)}")


def _public_url(session: Session) -> str:
    group = 0 if session.keys is None else session.keys.account_group
    return web_utils.public_ws_url(session.venue.domain, group)


def _observe_forms(session: Session, frames: List[Any], payloads: List[Mapping[str, Any]]) -> None:
    report = session.report
    for frame in frames:
        report.observe("frame_encoding", _encoding(frame))
    for payload in payloads:
        if "channel" not in payload and isinstance(payload.get("data"), str):
            report.observe("pong", f'data "{payload["data"]}"')
        elif "channel" not in payload and ("result" in payload or "subscription_outcomes" in payload):
            report.observe("subscribe_answer", "{" + ", ".join(payload) + "}")
    timed = sorted({name for payload in payloads if "channel" in payload for name in payload} - {"channel", "data"})
    if any("channel" in payload for payload in payloads):
        report.observe("envelope_time", f"beside channel and data: {', '.join(timed) or 'nothing'}")


def _encoding(frame: Any) -> str:
    if isinstance(frame, str):
        return "text"
    return "binary JSON" if frame.lstrip()[:1] in (b"{", b"[") else "binary, compressed"


def _observe_messages(session: Session, payloads: List[Mapping[str, Any]], channels: Mapping[str, str],
                      listened_s: float) -> None:
    report = session.report
    said = {name: [payload["data"] for payload in payloads if payload.get("channel") == channel]
            for name, channel in channels.items()}
    if said["depth"]:
        levels = [len(book.get(side) or []) for book in said["depth"] for side in ("bids", "asks")]
        report.observe("depth_messages", f"{len(said['depth']) / listened_s:.1f} a second, {min(levels)} to "
                                         f"{max(levels)} levels a side")
    if said["trades"]:
        report.observe("trade_messages", type_words(said["trades"]))
    else:
        report.cannot("trade_messages", f"no trade of {session.market.symbol} within {listened_s:.0f} s")


@acts("bad_channel")
async def bad_channel(session: Session) -> None:
    """A list with one name that does not exist, on a connection of its own: does the other one speak?"""
    heard: List[str] = []
    good = CONSTANTS.ORDERBOOK_DEPTH_CHANNEL.format(symbol=session.market.symbol)
    bad = CONSTANTS.ORDERBOOK_DEPTH_CHANNEL.format(symbol=UNKNOWN_SYMBOL)
    async with connection(
            "certification", session.venue.api_factory, _public_url(session),
            lambda message, payload: heard.append(message.channel), SocketTiming(subscribe_timeout_s=session.listen_s),
    ) as socket:
        began = len(session.venue.heard.frames)
        try:
            await socket.subscribe([bad, good])
            outcome = "the list was accepted"
        except VestSocketError as error:
            outcome = f"refused ({error})"
        await socket.until(asyncio.sleep(session.listen_s / 2))
    answers = [payload for frame in session.venue.heard.frames[began:] for payload in decode_frame(frame)
               if "channel" not in payload]
    form = "; its answer has " + ", ".join(answers[0]) if answers else "; there was no answer"
    session.report.observe("bad_channel", f"{outcome}{form}; the good channel "
                                          f"{'spoke' if good in heard else 'was silent'}")


def _few(names: List[str]) -> str:
    more = len(names) - _NAMED
    return (", ".join(names[:_NAMED]) or "none") + (f" and {more} more" if more > 0 else "")


ACTS = (group_header, listing, change_of_a_day, funding_history, klines, trades, depth, open_interest, unknown_symbol,
        public_socket, bad_channel)
# To be performed last: they look at all that was heard.
CLOSING = (headers,)
