"""The scenarios of `certify` at the simulator: what is in doubt about the venue is seen, in either position."""
import asyncio
import json
import os
from contextlib import asynccontextmanager
from decimal import Decimal
from unittest.mock import patch

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.certification import account, public, trading
from hummingbot.connector.derivative.vest_perpetual.certification.observed import ObservedVenue
from hummingbot.connector.derivative.vest_perpetual.certification.report import Report
from hummingbot.connector.derivative.vest_perpetual.certification.session import Session, perform
from hummingbot.connector.derivative.vest_perpetual.certification.statements import NEVER, STATEMENTS
from hummingbot.connector.derivative.vest_perpetual.cli import following
from hummingbot.connector.derivative.vest_perpetual.cli.keys import Keys
from vest_simulator import SimulatorConfig, Switches, VestSimulator

pytestmark = pytest.mark.asyncio
ALL = public.ACTS + account.ACTS + trading.ACTS + (account.records,) + public.CLOSING

# Statement: (what is seen in the default positions, what is seen in the others).
EXPECTED = {
    "public_group_header": ("they answer without it", "they do not: HTTP 400"),
    "private_rest": ("it answers", "it answers"),
    "socket_group_parameter": ("xwebsocketserver alone: accepted", "xwebsocketserver alone: accepted"),
    "odd_symbols": ("in both forms: SPX-PERP", "in both forms: SPX-PERP"),
    "rest_compression": ("no Content-Encoding", "Content-Encoding br"),
    "frame_encoding": ("text", "binary JSON"),
    "error_shape": ("HTTP 404 {code, msg}, code 1121", "HTTP 404 {detail: {code, msg}}, code 1121"),
    "private_error_shape": ("HTTP 400 {code, msg}, code 3017", "HTTP 400 {detail: {code, msg}}, code 3017"),
    "rate_limit_headers": ("no header that tells of them", "no header that tells of them"),
    "listen_key_refusal": ("close code 4004", "close code 4004"),
    "exchange_info_fields": ("beyond the documented: none", "minTickSize"),
    "price_ticks": ("coarser: none", "SPX-USD-PERP 0.25"),
    "taker_fee": ("0, 0.0001", "0, 0.0001"),
    "isolated": ("false", "true"),
    "ticker_percent_unit": ("it is nearest to", "it is nearest to"),
    "funding_history": ("1 minutes apart; 1h", "60 minutes apart"),
    "kline_range": ("ignored", "501 bars in all"),
    "trade_ids": ("integer", "text"),
    "trade_sign": ("not at all", "by a negative qty"),
    "depth_time": ("beside the sides: nothing; 20 bids", "beside the sides: ts_ms"),
    "unknown_symbol": ("HTTP 404", "HTTP 404"),
    "open_interest": ("it answers with ois", "it answers with ois"),
    "date_header": (" answers had one", "0 of "),
    "api_key_form": ("no JWT", "a JWT that ends in"),
    "account_time": ("s from the Date", "it does"),
    "account_lists": ("positions 0, leverages 0 rows; absent or null: nothing", "positions absent"),
    "get_time": ("is refused: HTTP 400", "one of 10 minutes ago is accepted"),
    "nonce_answer": ("fields lastNonce", "fields lastNonce"),
    "cancel_unknown": ("code 3017", "code 3017"),
    "orders_sequence": ("newest first", "oldest first"),
    "money_records": ("/lp no row; /transfer no row", "/lp no row; /transfer no row"),
    "listen_key_shared": ("the same key; PUT is accepted", "the same key; PUT is accepted"),
    "order_answer": ("fields id", "fields id"),
    "nonce_echo": ("GET /orders has it; events have it", "GET /orders has it; events have it"),
    "duplicate": ("code 3015", "code 3015"),
    "reject_by": ("as a REJECTED order, code 3018, with an event", "as the answer: HTTP 400"),
    "order_list_lag": ("after the answer had it", "it was missing until"),
    "market_fill": ("in 3 part(s)", "in 3 part(s)"),
    "fees": ("cumulative; 1.20 basis points", "of the single fill; 1.20 basis points"),
    "position_lag": ("it does not", "by about"),
    "funding_settlement": ("settledFunding of the closing order", "settledFunding of the closing order"),
    "resting_limit": ("it is listed as NEW", "it is listed as NEW"),
    "subscribe_answer": ("{result, id}", "{subscription_outcomes"),
    "bad_channel": ("the good channel spoke", "the good channel was silent"),
    "pong": ('data "PONG"', 'data "pong"'),
    "ticker_channels": ("7 to 7 of 7 markets", "to 7 of 7 markets"),
    "envelope_time": ("nothing", "tsMs"),
    "depth_messages": ("a second, 25 to 25 levels", "a second, 25 to 25 levels"),
    "trade_messages": ("object", "list"),
    "private_needs_subscribe": ("0 of ", "events came without it"),
    "cancel_event": ("fields id, nonce, status, postTime", "fields id, nonce, status, postTime"),
    "fill_event": ("lastFilledSize", "lastFilledSize"),
}
OTHER_POSITIONS = dict(
    error_shape="detail", reject_by="http", rest_compression="brotli", public_group_header="required",
    date_header="absent", check_get_time=False, api_key_format="jwt", frame_encoding="binary",
    subscribe_answer="outcomes", pong_case="pong", bad_channel_silences_list=True, private_needs_subscribe=False,
    envelope_time=True, depth_time=True, newer_exchange_info=True, isolated_margin=True, trade_id="string",
    trade_sign="negative_qty", trades_frame="list", tickers="partial", fees="single", orders_sequence="oldest_first",
    order_list_lag_ms=500, position_lag_ms=1500, withdrawable_present=False, empty_lists="absent",
)


@asynccontextmanager
async def session_at(size=None, **chosen):
    """A run with keys at a simulated venue, whose switches are chosen."""
    async with VestSimulator(SimulatorConfig(tick_interval_s=0.02, switches=Switches(**chosen))) as simulator:
        moved = {CONSTANTS.SIMULATOR_URL_VARIABLE: simulator.url}
        credentials = simulator.accounts[0]
        keys = Keys.checked(CONSTANTS.SIMULATOR_DOMAIN, credentials.api_key, credentials.signing_private_key,
                            credentials.account_group)
        # Shorter than in earnest, so that tests are short; the code is the same.
        with patch.dict(os.environ, moved), patch.object(following, "_READ_PAUSE_S", 0.05), patch.multiple(
                CONSTANTS, RECV_WINDOW_MS=1500, UNKNOWN_OUTCOME_GRACE_MS=200):
            async with ObservedVenue(CONSTANTS.SIMULATOR_DOMAIN, keys) as venue:
                report = Report(CONSTANTS.SIMULATOR_DOMAIN, has_keys=True, trades=True)
                session = Session(venue, keys, report, await venue.market("BTC-PERP"), size, listen_s=1.5)
                session.simulator = simulator
                yield session


async def certified(session, acts):
    for act in acts:
        await perform(act, session)
    return session.report


@pytest.mark.parametrize("column, chosen", [(0, {}), (1, OTHER_POSITIONS)], ids=["defaults", "others"])
async def test_what_is_in_doubt_is_seen(column, chosen):
    # Three steps fill in three parts, which show what differs between a fill and an order.
    async with session_at(size=Decimal("0.0003"), fill_parts=3, fill_part_ticks=1, **chosen) as session:
        report = await certified(session, ALL)
        ledger = await session.simulator.admin.ledger(session.keys.account_group)

    assert report.incidents == []
    seen = {name: report.observed(name) for name in STATEMENTS}
    missed = {name: (words[column], seen[name]) for name, words in EXPECTED.items() if words[column] not in seen[name]}
    assert missed == {}
    assert ledger["positions"] == [] and [row for row in ledger["orders"] if row["status"] == "NEW"] == []


async def test_every_statement_is_either_tried_or_has_its_reason():
    tried = {name for act in ALL for name in act.statements}

    assert tried == {name for name, statement in STATEMENTS.items() if statement.needs != NEVER}
    assert all(statement.why_never for statement in STATEMENTS.values() if statement.needs == NEVER)
    assert set(EXPECTED) | {"partial_fill_fields"} == tried


@pytest.mark.parametrize("act, statement, words, chosen", [
    (public.unknown_symbol, "error_shape", "{detail: text}, no code", {"error_shape": "detail_string"}),
    (public.unknown_symbol, "error_shape", "HTTP 200 {code, msg}, code 1121", {"error_shape": "flat_200"}),
    (public.trades, "trade_sign", "by a field side", {"trade_sign": "side"}),
    (public.public_socket, "frame_encoding", "binary, compressed", {"frame_encoding": "brotli"}),
    (trading.trade, "partial_fill_fields", "told: none", {}),
    (trading.trade, "partial_fill_fields", "told: lastFilledSize", {"partial_fill_fields": "filled"}),
])
async def test_further_positions(act, statement, words, chosen):
    # Slowly enough that an order is seen while it is partly filled.
    async with session_at(size=Decimal("0.0004"), fill_parts=4, fill_part_ticks=10, **chosen) as session:
        report = await certified(session, [act])

    assert words in report.observed(statement)


async def test_the_report_holds_no_secret():
    async with session_at() as session:
        venue, credentials = session.simulator, session.simulator.accounts[0]
        session.report.hide([credentials.api_key, credentials.signing_private_key])
        report = await certified(session, ALL)
        listen_keys = [row.key for row in venue.listen_keys.all()]
        order_ids = [row["id"] for row in (await venue.admin.ledger(credentials.account_group))["orders"]]

    texts = report.markdown() + json.dumps(report.record())
    for secret in (credentials.api_key, credentials.signing_private_key, credentials.primary_address, *listen_keys,
                   *order_ids):
        assert secret.removeprefix("0x").lower() not in texts.lower()


async def test_a_position_that_a_refusal_leaves_is_closed_and_said():
    async with session_at(position_lag_ms=1000) as session:
        admin, group = session.simulator.admin, session.keys.account_group

        async def refuse_the_close():
            while not (await admin.ledger(group))["positions"]:
                await asyncio.sleep(0.02)
            await admin.reject_next(3003, times=1)

        refusing = asyncio.create_task(refuse_the_close())
        report = await certified(session, [trading.trade])
        await refusing
        ledger = await admin.ledger(group)

    assert ledger["positions"] == []
    assert any("a position was still open at the end; it was closed" in words for words in report.incidents)
    assert any("trade ended early" in words and "3003" in words for words in report.incidents)


async def test_a_venue_that_answers_otherwise_than_anybody_knew_ends_one_scenario():
    async with session_at() as session:
        await session.simulator.admin.add_fault("rest", "status", path="/klines", status=200, body='{"new": "form"}')
        report = await certified(session, [public.klines, public.listing])

    assert report.observed("taker_fee") and not report.observed("kline_range")
    assert any(words.startswith("klines ended early") for words in report.incidents)
    assert "its scenario ended early" in report.reason(STATEMENTS["kline_range"])
