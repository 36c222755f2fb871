"""Scenarios that need keys and change nothing: no order, no leverage, no transfer."""
import secrets
from typing import Any, List, Mapping

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.certification.observed import Answer
from hummingbot.connector.derivative.vest_perpetual.certification.session import DAY_MS, Session, acts, error_words
from hummingbot.connector.derivative.vest_perpetual.cli.sockets import connection
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import http_date_ms
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import rows_from
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import SocketTiming, VestSocketError
from hummingbot.core.web_assistant.connections.data_types import RESTMethod

_OLD_MS = 600_000
_FILL_FIELDS = ("lastFilledSize", "lastFilledPrice", "lastFilledTime", "avgFilledPrice", "fees", "realizedPnl")
_LISTS = ("balances", "positions", "leverages")
_AMOUNTS = ("collateral", "withdrawable", "totalAccountValue", "openOrderMargin", "totalMaintMargin", "lp", "time")


@acts("api_key_form")
async def api_key(session: Session) -> None:
    """The form of the API key; nothing of it is told."""
    expiry_ms = session.venue.auth.api_key_expiry_ms
    session.report.observe("api_key_form", "no JWT that tells an expiry" if expiry_ms is None else
                           f"a JWT that ends in {(expiry_ms - session.venue.clock.now_ms()) / DAY_MS:.1f} days")


@acts("private_rest", "account_time", "account_lists")
async def account(session: Session) -> None:
    """`GET /account`."""
    report = session.report
    answer = await session.answer(CONSTANTS.ACCOUNT_PATH, is_auth_required=True)
    if _is_refused(answer):
        report.observe("private_rest", f"it refuses: {error_words(answer)}")
        return
    report.observe("private_rest", "it answers")
    payload = answer.payload
    report.hide([payload.get("address")])
    if "time" in payload:
        date_ms = http_date_ms(answer.headers.get("Date"))
        apart = "" if date_ms is None else f", {abs(int(payload['time']) - date_ms - 500) / 1000:.1f} s from the Date"
        report.observe("account_time", f"it does{apart}")
    else:
        report.observe("account_time", "it does not")
    lists = [f"{name} {'absent' if name not in payload else len(payload[name] or [])}" for name in _LISTS]
    absent = [name for name in _AMOUNTS if payload.get(name) is None]
    report.observe("account_lists", f"{', '.join(lists)} rows; absent or null: {', '.join(absent) or 'nothing'}")


@acts("get_time", "nonce_answer")
async def times_and_nonces(session: Session) -> None:
    """A private GET of ten minutes ago, and the nonce the venue remembers."""
    report, venue = session.report, session.venue
    headers = venue.private_headers(session.keys)
    fresh, old = [
        await venue.bare_get(CONSTANTS.ACCOUNT_PATH, {"time": venue.clock.now_ms() - age_ms}, headers)
        for age_ms in (0, _OLD_MS)
    ]
    if _is_refused(fresh):
        report.cannot("get_time", f"one of now is refused as well: {error_words(fresh)}")
    else:
        report.observe("get_time", f"one of 10 minutes ago is refused: {error_words(old)}" if _is_refused(old) else
                       "one of 10 minutes ago is accepted")
    nonce = await session.answer(CONSTANTS.ACCOUNT_NONCE_PATH, is_auth_required=True)
    report.observe("nonce_answer", error_words(nonce) if _is_refused(nonce) else f"fields {', '.join(nonce.payload)}")


def _is_refused(answer: Answer) -> bool:
    return answer.status != 200 or not isinstance(answer.payload, Mapping) or "code" in answer.payload


@acts("orders_sequence", "partial_fill_fields", "money_records")
async def records(session: Session) -> None:
    """The lists of orders, LP orders and transfers."""
    report = session.report
    rows = await _rows(session, CONSTANTS.ORDERS_PATH)
    times_ms = [int(row["postTime"]) for row in rows if row.get("postTime")]
    if len(set(times_ms)) > 1:
        sequence = {True: "newest first", False: "oldest first"}[times_ms[0] > times_ms[-1]]
        is_sorted = times_ms in (sorted(times_ms), sorted(times_ms, reverse=True))
        report.observe("orders_sequence", sequence if is_sorted else "neither")
    else:
        report.cannot("orders_sequence", "the account has fewer than two orders")
    observe_partial_fills(session, rows)
    words = []
    for path in (CONSTANTS.LP_QUERY_PATH, CONSTANTS.TRANSFER_QUERY_PATH):
        answer = await session.answer(path, is_auth_required=True)
        found = rows_from(answer.payload, path) if answer.status == 200 and isinstance(answer.payload, list) else None
        fields = ", ".join(found[0]) if found else "no row"
        words.append(f"{path} {error_words(answer) if found is None else fields}")
    report.observe("money_records", "; ".join(words))


def observe_partial_fills(session: Session, rows: List[Any]) -> None:
    """Whether rows of PARTIALLY_FILLED orders tell of their fills."""
    partial = [row for row in rows if row.get("status") == CONSTANTS.ORDER_STATUS_PARTIALLY_FILLED]
    for row in partial:
        told = [name for name in _FILL_FIELDS if row.get(name) is not None]
        session.report.observe("partial_fill_fields", f"told: {', '.join(told) or 'none'}")
    if not partial:
        session.report.cannot("partial_fill_fields", "the account had no such order while it was looked at")


async def _rows(session: Session, path: str) -> List[Any]:
    return rows_from(await session.venue.ask(path, {"limit": 100}, is_auth_required=True), "rows")


@acts("cancel_unknown", "private_error_shape")
async def refused_cancel(session: Session) -> None:
    """The cancellation of an order that cannot exist: there is nothing it could cancel."""
    venue = session.venue
    body = wire.cancel_request(venue.next_nonce(), "0x" + secrets.token_hex(32))
    before = len(venue.heard.answers)
    try:
        await venue.post(CONSTANTS.ORDERS_CANCEL_PATH, body)
    except VestError:
        if len(venue.heard.answers) == before:
            raise
        words = error_words(venue.heard.last)
        session.report.observe("private_error_shape", words)
    else:
        words = "it is accepted"
    session.report.observe("cancel_unknown", words)


async def listen_key(session: Session) -> str:
    """The account's live listen key, extended, or a new one; the report hides it.

    :raises VestError: when the venue gives none
    """
    key = await session.venue.listen_key()
    session.report.hide([key])
    return key


@acts("listen_key_shared")
async def listen_keys(session: Session) -> None:
    """The listen key, which stays alive."""
    report, venue = session.report, session.venue
    keys = [await listen_key(session) for _ in range(2)]
    await venue.ask(CONSTANTS.LISTEN_KEY_PATH, is_auth_required=True, method=RESTMethod.PUT)
    report.observe("listen_key_shared", f"the second POST gives {'the same' if keys[0] == keys[1] else 'another'} key; "
                                        f"PUT is accepted")


@acts("listen_key_refusal", "socket_group_parameter")
async def private_addresses(session: Session) -> None:
    """Addresses of the private socket that lack something, or have a listen key that nobody gave."""
    report, venue = session.report, session.venue
    group = session.keys.account_group
    url = web_utils.private_ws_url(await listen_key(session), venue.domain, group)
    for dropped, kept in zip(CONSTANTS.WS_ACCOUNT_GROUP_PARAMETERS, reversed(CONSTANTS.WS_ACCOUNT_GROUP_PARAMETERS)):
        alone = url.replace(f"&{dropped}={web_utils.server_name(group)}", "")
        report.observe("socket_group_parameter", f"{kept} alone: {await _outcome(session, alone)}")
    unknown = web_utils.private_ws_url(secrets.token_hex(16), venue.domain, group)
    report.observe("listen_key_refusal", await _outcome(session, unknown))


async def _outcome(session: Session, url: str) -> str:
    timing = SocketTiming(subscribe_timeout_s=session.listen_s)
    try:
        async with connection("certification", session.venue.api_factory, url, timing=timing) as socket:
            await socket.subscribe([CONSTANTS.ACCOUNT_PRIVATE_CHANNEL])
    except VestSocketError as error:
        return str(error)
    return "accepted"


ACTS = (api_key, account, times_and_nonces, records, refused_cancel, listen_keys, private_addresses)
