"""The REST server: routes, header checks, limiter, faults, journal, error shapes."""
import asyncio
import json
import re
import time
from email.utils import formatdate
from typing import Any, Callable, Optional, Tuple

import brotli
from aiohttp import web

from vest_simulator.clock import Clock
from vest_simulator.config import SimulatorConfig
from vest_simulator.engine.codes import Code, VenueError
from vest_simulator.engine.exchange import Exchange
from vest_simulator.faults.rules import FaultBook, FaultRule
from vest_simulator.server.journal import Journal, masked, parsed_body
from vest_simulator.state.store import StateError
from vest_simulator.venue import wire
from vest_simulator.venue.credentials import KeyRing
from vest_simulator.venue.limiter import Limiter
from vest_simulator.venue.private import Caller, PrivateApi
from vest_simulator.venue.public import PublicApi
from vest_simulator.venue.schema import Query

PREFIX = "/v2"
LISTEN_KEY_PATH = "/account/listenKey"
_GROUP = re.compile(r"restserver(\d{1,9})")
_POLL_S = 0.2
_RATE_LIMIT_CODES = {"429": Code.TOO_MANY_REQUESTS, "1003": Code.RATE_LIMITED}


def group_number(text: Optional[str]) -> Optional[int]:
    """The account group in `restserver{accGroup}`; None when it has another form."""
    match = _GROUP.fullmatch(text or "")
    return int(match[1]) if match else None


class RestServer:
    """Serves everything below /v2."""

    def __init__(self, config: SimulatorConfig, clock: Clock, exchange: Exchange, public: PublicApi,
                 private: PrivateApi, keys: KeyRing, limiter: Limiter, faults: FaultBook, journal: Journal,
                 save: Callable[[], None]) -> None:
        """:param save: to be called before the answer to whatever may have changed the venue leaves; when it raises
        `StateError` nobody is answered any more, because what is known here will be forgotten
        """
        self._config = config
        self._clock = clock
        self._exchange = exchange
        self._public = public
        self._private = private
        self._keys = keys
        self._limiter = limiter
        self._faults = faults
        self._journal = journal
        self._save = save
        self._is_kept = True

    def add_routes(self, app: web.Application) -> None:
        """Every path below the API's prefix is answered here."""
        app.router.add_route("*", PREFIX + "/{path:.*}", self.handle)
        app.on_response_prepare.append(self._leave_out_date)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request from its first fault to its journal entry."""
        started = time.perf_counter()
        path = request.path[len(PREFIX):]
        raw = await request.read()
        entry = self._journal.add("rest", self._clock.now_ms(), method=request.method, path=path,
                                  query=masked(dict(request.query)), body=parsed_body(raw), status=None, code=None)
        fault = self._faults.for_request(request.method, path, "before")
        response = await self._apply(fault, request, None)
        if response is None:
            answer = self._kept_answer(request, path, raw, entry)
            if answer is None:
                response = self._cut(request)
            else:
                fault = self._faults.for_request(request.method, path, "after")
                response = await self._apply(fault, request, answer) or answer
        if self._config.switches.date_header == "venue":
            response.headers.setdefault("Date", formatdate(self._clock.now_ms() // 1000, usegmt=True))
        entry["status"] = response.status
        entry["duration_ms"] = round((time.perf_counter() - started) * 1000, 3)
        return response

    async def _leave_out_date(self, _: web.Request, response: web.StreamResponse) -> None:
        if self._config.switches.date_header == "absent":
            del response.headers["Date"]  # aiohttp has put it there

    # --- answers

    def _kept_answer(self, request: web.Request, path: str, raw: bytes, entry: dict) -> Optional[web.Response]:
        """None when what the answer would tell of cannot be kept, now or in an earlier request."""
        if not self._is_kept:
            return None
        answer = self._answer(request, path, raw, entry)
        if request.method != "GET":
            try:
                self._save()
            except StateError:  # the engine fails by the same at its next tick, and the program ends with the sentence
                self._is_kept = False
                return None
        return answer

    def _answer(self, request: web.Request, path: str, raw: bytes, entry: dict) -> web.Response:
        try:
            self._admit(request)
            return self._respond(200, self._dispatch(request, path, raw))
        except VenueError as error:
            entry["code"] = int(error.code)
            status, body = wire.error(error.code, str(error), error.status, self._config.switches)
            response = self._respond(status, body)
            if error.code in _RATE_LIMIT_CODES.values() and self._config.switches.retry_after:
                wait_s = self._limiter.retry_after_s(self._client(request), self._clock.now_ms())
                response.headers["Retry-After"] = str(wait_s)
            return response

    def _dispatch(self, request: web.Request, path: str, raw: bytes) -> Any:
        method = request.method
        if method == "GET" and path in self._public.routes:
            allowed, handler = self._public.routes[path]
            self._check_public_group(request)
            return handler(Query(request.query.items(), allowed), self._clock.now_ms())
        if method == "POST" and path == "/register":
            return self._private.register(self._json(raw))
        listen_key_handler = {"POST": self._private.create_listen_key, "PUT": self._private.extend_listen_key,
                              "DELETE": self._private.delete_listen_key}.get(method)
        if path == LISTEN_KEY_PATH and listen_key_handler:
            return listen_key_handler(self._caller(request))
        if method == "GET" and path in self._private.get_routes:
            allowed, handler = self._private.get_routes[path]
            caller = self._caller(request)
            return handler(caller, Query(request.query.items(), allowed))
        if method == "POST" and path in self._private.post_routes:
            return self._private.post_routes[path](self._caller(request), self._json(raw))
        raise VenueError(Code.INVALID_PARAMETER, f"There is no {method} {path}.", status=404)

    def _caller(self, request: web.Request) -> Caller:
        key = self._keys.authenticate(request.headers.get("X-API-KEY"), self._clock.now_ms())
        if group_number(request.headers.get("xrestservermm")) != key.account_group:
            raise VenueError(Code.INVALID_ACCOUNT_GROUP)
        return Caller(key, self._exchange.accounts[key.account_group])

    def _check_public_group(self, request: web.Request) -> None:
        header = request.headers.get("xrestservermm")
        required = self._config.switches.public_group_header == "required"
        if (header is not None or required) and group_number(header) is None:
            raise VenueError(Code.INVALID_ACCOUNT_GROUP)

    def _admit(self, request: web.Request) -> None:
        if not self._limiter.admit(self._client(request), self._clock.now_ms()):
            raise VenueError(_RATE_LIMIT_CODES[self._config.switches.rate_limit_code])

    @staticmethod
    def _client(request: web.Request) -> str:
        return request.headers.get("X-API-KEY") or request.remote or ""

    @staticmethod
    def _json(raw: bytes) -> Any:
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            raise VenueError(Code.INVALID_PARAMETER, "The body is not JSON.") from None

    def _respond(self, status: int, payload: Any) -> web.Response:
        body = json.dumps(payload, separators=(",", ":")).encode()
        response = web.Response(status=status, body=body, content_type="application/json")
        if self._config.switches.rest_compression == "brotli":
            response.body = brotli.compress(body, quality=4)
            response.headers["Content-Encoding"] = "br"
        return response

    # --- faults

    async def _apply(self, rule: Optional[FaultRule], request: web.Request, response: Optional[web.Response]
                     ) -> Optional[web.Response]:
        """What a fault makes of a request; None when it lets it go on."""
        if rule is None:
            return None
        if rule.action == "delay":
            await asyncio.sleep(rule.delay_ms / 1000)
            return None
        if rule.action == "hang":
            await self._until_disconnected(request)
        if rule.action in ("reset", "hang"):
            return self._cut(request)
        if rule.action == "truncate":
            return self._truncated(response)
        status, body, content_type = self._injected(rule)
        return web.Response(status=status, text=body, content_type=content_type, headers=rule.headers)

    @staticmethod
    def _cut(request: web.Request) -> web.Response:
        """Ends the connection; the response, which nobody gets, is for the journal."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=499)

    @staticmethod
    async def _until_disconnected(request: web.Request) -> None:
        while request.transport is not None and not request.transport.is_closing():
            await asyncio.sleep(_POLL_S)

    @staticmethod
    def _truncated(response: Optional[web.Response]) -> web.Response:
        body = response.body if response is not None else b'{"id":"0x'
        return web.Response(status=200, body=body[:len(body) // 2], content_type="application/json")

    @staticmethod
    def _injected(rule: FaultRule) -> Tuple[int, str, str]:
        if rule.action == "error_200":
            return 200, json.dumps({"code": rule.code, "msg": rule.message}), "application/json"
        return rule.status, rule.body, "application/json" if rule.body[:1] in ("{", "[") else "text/html"
