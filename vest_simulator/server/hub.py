"""The WebSocket server: handshakes, subscriptions, keep-alive, and what goes out (protocol section 6)."""
import asyncio
import re
import time
from itertools import count
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

from aiohttp import web

from vest_simulator.clock import Clock
from vest_simulator.config import SimulatorConfig
from vest_simulator.engine.candles import INTERVALS_MS
from vest_simulator.engine.codes import Code
from vest_simulator.engine.exchange import Exchange, MoneyEvent, OrderEvent
from vest_simulator.engine.market import Market, Trade
from vest_simulator.faults.rules import FaultBook
from vest_simulator.server.journal import Journal, masked
from vest_simulator.server.rest import group_number
from vest_simulator.server.sockets import ABORT, Frame, Socket, receive
from vest_simulator.venue import wire
from vest_simulator.venue.listen_keys import ListenKey, ListenKeys

PATH = "/ws-api"
PRIVATE_CHANNEL = "account_private"
MAX_PUBLIC_GROUP = 255
_SYMBOL_CHANNEL = re.compile(r"(?P<symbol>[^@]+)@(?P<kind>depth|trades|ticker|kline_(?P<interval>\w+))")
_WRONG_VERSION, _GROUP_NOT_FOUND, _GROUP_INVALID, _KEY_REQUIRED, _KEY_NOT_FOUND, _KEY_EXPIRED = range(4000, 4006)
_SERVICE_RESTART = 1012
_CLOSE_TIMEOUT_S = 1.0


class HandshakeRefused(Exception):
    """The connection is closed right after it was accepted, with `code`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Hub:
    """All WebSocket connections."""

    def __init__(self, config: SimulatorConfig, clock: Clock, exchange: Exchange, listen_keys: ListenKeys,
                 faults: FaultBook, journal: Journal) -> None:
        self.sockets: Set[Socket] = set()
        self._config = config
        self._clock = clock
        self._exchange = exchange
        self._listen_keys = listen_keys
        self._faults = faults
        self._journal = journal
        self._numbers = count(1)
        self._sent_tickers: Dict[str, Tuple] = {}
        exchange.on_order = self._on_order
        exchange.on_money = self._on_money
        exchange.on_trade = self._on_trade
        listen_keys.on_gone = self._on_key_gone

    # --- connections

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One connection, from handshake to end."""
        number = next(self._numbers)
        kind = "private" if "listenKey" in request.query else "public"
        fault = self._faults.for_socket(("refuse_handshake",), kind)
        if fault is not None and fault.code == ABORT:
            self._journal.add("socket_refused", self._clock.now_ms(), socket=number, code=fault.status)
            return web.Response(status=fault.status, text=fault.body)
        ws = web.WebSocketResponse(timeout=_CLOSE_TIMEOUT_S, max_msg_size=1 << 20, compress=False)
        await ws.prepare(request)
        try:
            if fault is not None:
                raise HandshakeRefused(fault.code)
            listen_key = self._checked_handshake(request)
        except HandshakeRefused as refusal:
            self._journal.add("socket_refused", self._clock.now_ms(), socket=number, code=refusal.code)
            await ws.close(code=refusal.code)
            return ws
        socket = Socket(ws, request.transport, number, listen_key, self._faults, self._journal, self._clock)
        self._journal.add("socket_opened", self._clock.now_ms(), socket=number, socket_kind=socket.kind,
                          query=masked(dict(request.query)))
        if listen_key and not self._config.switches.private_needs_subscribe:
            socket.channels.add(PRIVATE_CHANNEL)
        self.sockets.add(socket)
        try:
            while (message := await receive(socket)) is not None:
                self._on_message(socket, message)
        finally:
            self.sockets.discard(socket)
            self._journal.add("socket_closed", self._clock.now_ms(), socket=number, socket_kind=socket.kind,
                              code=ws.close_code)
            await socket.finish()
        return ws

    def _checked_handshake(self, request: web.Request) -> Optional[ListenKey]:
        """Returns the listen key of a private connection. :raises HandshakeRefused:"""
        query = request.query
        if query.get("version") != "1.0":
            raise HandshakeRefused(_WRONG_VERSION)
        groups = {group_number(query[name]) for name in ("xwebsocketserver", "websocketserver") if name in query}
        if len(groups) != 1 or None in groups:
            raise HandshakeRefused(_GROUP_INVALID)
        group = groups.pop()
        if "listenKey" not in query:
            if group > MAX_PUBLIC_GROUP:
                raise HandshakeRefused(_GROUP_NOT_FOUND)
            return None
        if group not in self._exchange.accounts:
            raise HandshakeRefused(_GROUP_NOT_FOUND)
        return self._checked_listen_key(query["listenKey"], group)

    def _checked_listen_key(self, text: str, group: int) -> ListenKey:
        if not text:
            raise HandshakeRefused(_KEY_REQUIRED)
        try:
            key = self._listen_keys.find(text)
        except KeyError:
            raise HandshakeRefused(_KEY_NOT_FOUND) from None
        if key.account_group != group:
            raise HandshakeRefused(_KEY_NOT_FOUND)
        if self._clock.now_ms() >= key.expiry_ms:
            raise HandshakeRefused(_KEY_EXPIRED)
        return key

    def disconnect(self, kind: str, code: int) -> int:
        """Closes all sockets of a kind (public, private, all) and returns how many."""
        chosen = [socket for socket in self.sockets if kind in (socket.kind, "all")]
        for socket in chosen:
            socket.close(code)
        return len(chosen)

    async def shut_down(self) -> None:
        """Closes all sockets, as a service does that is restarted (code 1012)."""
        await asyncio.gather(*(socket.close(_SERVICE_RESTART) for socket in self.sockets))

    def _on_key_gone(self, key: ListenKey) -> None:
        for socket in self.sockets:
            if socket.listen_key is key:
                socket.close(_KEY_NOT_FOUND)

    # --- what clients say

    def _on_message(self, socket: Socket, message: Dict[str, Any]) -> None:
        self._journal.add("frame_received", self._clock.now_ms(), socket=socket.number, socket_kind=socket.kind,
                          payload=masked(message))
        method, params, request_id = message.get("method"), message.get("params"), message.get("id")
        valid = type(params) is list and all(type(name) is str for name in params) and type(request_id) is int
        if method == "PING" and valid:
            socket.last_ping_s = time.monotonic()
            self._reply(socket, {"data": self._config.switches.pong_case})
        elif method == "SUBSCRIBE" and valid:
            self._subscribe(socket, params, request_id)
        elif method == "UNSUBSCRIBE" and valid:
            socket.channels.difference_update(params)
            self._acknowledge(socket, request_id, [(name, None) for name in params])
        else:
            message = "A request has method, params (a list of strings) and id (an integer)."
            self._reply(socket, {"code": int(Code.INVALID_PARAMETER), "msg": message, "id": request_id})

    def _subscribe(self, socket: Socket, params: List[str], request_id: int) -> None:
        if PRIVATE_CHANNEL in params and socket.listen_key is None:
            socket.close(_KEY_REQUIRED)
            return
        outcomes = []
        for name in params:
            refusal = None if self._is_channel(name) else "unknown channel"
            if self._faults.for_socket(("refuse_subscription",), socket.kind, name):
                refusal = "refused"
            outcomes.append((name, refusal))
        if self._config.switches.bad_channel_silences_list and any(refusal for _, refusal in outcomes):
            return
        if any(self._faults.for_socket(("forget_subscription",), socket.kind, name) for name in params):
            return
        socket.channels.update(name for name, refusal in outcomes if refusal is None)
        self._acknowledge(socket, request_id, outcomes)

    def _is_channel(self, name: str) -> bool:
        if name in ("tickers", PRIVATE_CHANNEL):
            return True
        match = _SYMBOL_CHANNEL.fullmatch(name)
        return (match is not None and match["symbol"] in self._exchange.markets
                and (match["interval"] is None or match["interval"] in INTERVALS_MS))

    def _acknowledge(self, socket: Socket, request_id: int, outcomes: List[Tuple[str, Optional[str]]]) -> None:
        if self._config.switches.subscribe_answer == "outcomes":
            self._reply(socket, {"subscription_outcomes": [
                {"requested": name, "status": "rejected" if refusal else "registered", "reason": refusal}
                for name, refusal in outcomes]})
            return
        refused = [name for name, refusal in outcomes if refusal]
        if refused:
            self._reply(socket, {"code": int(Code.INVALID_PARAMETER), "msg": f"Refused: {', '.join(refused)}.",
                                 "id": request_id})
        else:
            self._reply(socket, {"result": None, "id": request_id})

    def _reply(self, socket: Socket, payload: Dict[str, Any]) -> None:
        socket.send(self._frame("", payload), data_frame=False)

    # --- what goes out

    def publish(self) -> None:
        """Sends books, tickers and candles of subscribed channels; to be called once a tick."""
        now_ms = self._clock.now_ms()
        for channel in {name for socket in self.sockets for name in socket.channels}:
            payload = self._channel_data(channel, now_ms)
            if payload is not None:
                self._broadcast(channel, payload, now_ms)

    def keep_alive(self) -> None:
        """Closes sockets that are silent for too long and those whose listen key has expired."""
        now_ms, now_s = self._clock.now_ms(), time.monotonic()
        for socket in self.sockets:
            if socket.listen_key and now_ms >= socket.listen_key.expiry_ms and not socket.detached:
                socket.close(_KEY_EXPIRED)
            elif (self._config.switches.drop_silent_clients
                  and now_s - socket.last_ping_s > self._config.ping_timeout_s):
                socket.close(1000)

    def detach_expired(self) -> None:
        """Sockets whose listen key has expired stay open, but get no more events."""
        now_ms = self._clock.now_ms()
        for socket in self.sockets:
            if socket.listen_key and now_ms >= socket.listen_key.expiry_ms:
                socket.detached = True

    def push(self, sockets: Iterable[Socket], frame: Frame) -> int:
        """Sends a frame to sockets, and returns to how many."""
        chosen = list(sockets)
        for socket in chosen:
            socket.send(frame)
        return len(chosen)

    def private_sockets(self, account_group: int) -> List[Socket]:
        """The open private sockets of an account."""
        return [socket for socket in self.sockets
                if socket.listen_key is not None and socket.listen_key.account_group == account_group]

    def public_sockets(self) -> List[Socket]:
        """The open public sockets."""
        return [socket for socket in self.sockets if socket.kind == "public"]

    def _channel_data(self, channel: str, now_ms: int) -> Any:
        """What a channel that is fed by the clock shows now; None for the others."""
        if channel == "tickers":
            return self._tickers(now_ms)
        match = _SYMBOL_CHANNEL.fullmatch(channel)
        market = self._exchange.markets.get(match["symbol"]) if match else None
        if market is None or match["kind"] == "trades":
            return None
        if match["kind"] == "depth":
            return wire.depth(market.ladder.bids, market.ladder.asks, self._config.depth_levels)
        if match["kind"] == "ticker":
            return wire.newer_ticker(market, now_ms)
        return wire.kline(market.candles(match["interval"]).newest(1)[0])

    def _tickers(self, now_ms: int) -> Optional[List[Dict]]:
        markets: Iterable[Market] = self._exchange.markets.values()
        if self._config.switches.tickers == "partial":
            shown = {market.spec.symbol: (market.price.mark, market.price.index, market.trading) for market in markets}
            markets = [market for market in markets
                       if self._sent_tickers.get(market.spec.symbol) != shown[market.spec.symbol]]
            self._sent_tickers = shown
        return [wire.ticker(market, now_ms) for market in markets] or None

    def _broadcast(self, channel: str, data: Any, now_ms: int) -> None:
        payload = {"channel": channel, "data": data}
        if self._config.switches.envelope_time:
            payload["tsMs"] = now_ms
        frame = self._frame(channel, payload)
        for socket in self.sockets:
            if channel in socket.channels:
                socket.send(frame)

    def _on_trade(self, trade: Trade) -> None:
        channel = f"{trade.symbol}@trades"
        if any(channel in socket.channels for socket in self.sockets):
            payload = wire.trade(trade, self._config.switches)
            as_list = self._config.switches.trades_frame == "list"
            self._broadcast(channel, [payload] if as_list else payload, trade.time_ms)

    def _on_order(self, event: OrderEvent) -> None:
        args = wire.order_event(event, self._config.switches)
        self._to_account(event.account.group, wire.private_frame("ORDER", args))

    def _on_money(self, event: MoneyEvent) -> None:
        self._to_account(event.account.group, wire.money_frame(event))

    def _to_account(self, account_group: int, payload: Dict[str, Any]) -> None:
        if self._config.switches.envelope_time:
            payload = payload | {"tsMs": self._clock.now_ms()}
        subscribed = [socket for socket in self.private_sockets(account_group)
                      if PRIVATE_CHANNEL in socket.channels and not socket.detached]
        if subscribed:
            self.push(subscribed, self._frame(PRIVATE_CHANNEL, payload))

    def _frame(self, channel: str, payload: Any) -> Frame:
        return Frame(channel, payload, self._config.switches.frame_encoding)
