"""`stream`: the events of the account as they happen."""
import asyncio
from typing import Annotated, Any, Dict, Mapping, Optional

import typer

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_messages as messages,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.cli import orders, output, transfers
from hummingbot.connector.derivative.vest_perpetual.cli.command import (
    Domain,
    DomainOption,
    JsonOption,
    KeysOption,
    command,
)
from hummingbot.connector.derivative.vest_perpetual.cli.keys import keys_for
from hummingbot.connector.derivative.vest_perpetual.cli.numbers import whole_number
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Venue
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError, VestUnauthorizedError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import Fields
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_user_stream_data_source import (
    STREAM_RECONNECTED,
    VestPerpetualUserStreamDataSource,
)

_CONNECTED = "CONNECTED"


class _Watcher:
    """Stands where the data source expects a connector: hears of a refused API key, which ends the command."""

    def __init__(self, events: asyncio.Queue):
        self._events = events

    def on_api_key_refused(self, error: VestUnauthorizedError) -> None:
        """Called by the data source."""
        self._events.put_nowait(error)


@command
async def stream(
        count: Annotated[Optional[int], typer.Option(
            parser=whole_number(least=1), metavar="NUMBER", help="End after so many events.",
        )] = None,
        domain: DomainOption = Domain.PRODUCTION,
        keys: KeysOption = None,
        as_json: JsonOption = False,
) -> None:
    """Show what happens to the account, as it happens.

    Ctrl-C ends it; with --json, it is one document a line. It connects again by itself. The connection of bots on the
    same account is left alone.
    """
    async with Venue(domain.value, keys_for(domain, keys)) as venue:
        await venue.account()  # keys that are refused, or a venue that is away, are said at once
        pairs = await venue.trading_pairs()
        events: asyncio.Queue = asyncio.Queue()
        source = VestPerpetualUserStreamDataSource(
            _Watcher(events), venue.api_factory, domain.value, venue.auth.account_group)
        listening = asyncio.create_task(source.listen_for_user_stream(events))
        try:
            await _show(events, pairs, venue, count, as_json)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def _show(events: asyncio.Queue, pairs: Mapping[str, str], venue: Venue, count: Optional[int],
                as_json: bool) -> None:
    shown = 0
    while count is None or shown < count:
        event = await events.get()
        if isinstance(event, VestUnauthorizedError):
            raise event
        is_connection = event is STREAM_RECONNECTED
        record = {"event": _CONNECTED} if is_connection else _record(event, pairs)
        record["heard_ms"] = venue.clock.now_ms()
        typer.echo(output.json_text(record) if as_json else _line(record))
        shown += not is_connection


def _record(payload: Any, pairs: Mapping[str, str]) -> Dict[str, Any]:
    """An event for `--json`."""
    try:
        data = messages.socket_message_from(payload).data
        event = messages.PrivateEvent.from_payload(data)
        if event.order is not None:
            return {"event": event.kind, **orders.order_row(event.order, pairs)}
        record = wire.TransferRecord.from_payload(Fields("account_private", data).raw("args"))
    except VestPayloadError as error:
        return {"event": "UNREADABLE", "problem": str(error)}
    return {"event": event.kind, **transfers.record_row(record)}


def _line(record: Mapping[str, Any]) -> str:
    """An event for people."""
    words = {name: record.get(name) for name in (
        "trading_pair", "side", "order_type", "size", "limit_price", "status", "last_filled_size", "last_filled_price",
        "fees", "order_id", "record_id", "problem",
    )}
    named = {"limit_price": "limit", "last_filled_size": "filled", "last_filled_price": "at", "fees": "fees"}
    said = [f"{named[name]} {value}" if name in named else str(value)
            for name, value in words.items() if value is not None]
    if record["event"] == _CONNECTED:
        said = ["waiting for events; Ctrl-C ends this"]
    return "  ".join([output.utc(record["heard_ms"]), f"{record['event']:9}", *said])
