"""The admin API: full control of the venue, over HTTP on a port of its own.

Every command is `POST /{command}` with its arguments as a JSON object; the answer is {"result": …}, or {"error": text}
with status 400. Decimals are strings.
"""
import asyncio
import base64
import inspect
from dataclasses import asdict, fields
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from aiohttp import web

from vest_simulator.admin.ledger import ledger
from vest_simulator.config import RateLimits, Switches
from vest_simulator.engine.account import Account
from vest_simulator.engine.codes import Code, VenueError
from vest_simulator.engine.ladder import Ladder
from vest_simulator.engine.orders import OrderRequest, OrderType, TimeInForce
from vest_simulator.engine.specs import SymbolSpec
from vest_simulator.faults.rules import FaultRule
from vest_simulator.server.hub import PRIVATE_CHANNEL
from vest_simulator.server.sockets import Frame
from vest_simulator.venue import wire

if TYPE_CHECKING:
    from vest_simulator.simulator import VestSimulator

_MOST_BYTES = 64 << 20
# The commands by which a venue does what its clients do not expect.
_DISTURBANCES = frozenset((
    "advance_clock", "set_clock_drift", "go_down", "set_status", "delist", "set_decimals", "set_depth", "cancel_order",
    "liquidate", "reject_next", "set_switch", "set_limits", "expire_listen_keys", "delete_listen_keys",
    "revoke_api_key", "disconnect_sockets", "push_private", "push_public",
))


class Commands:
    """Every public method is a command of the admin API; its parameters are the command's arguments."""

    def __init__(self, simulator: "VestSimulator") -> None:
        self._simulator = simulator
        self._exchange = simulator.exchange

    # --- the truth

    def health(self) -> Dict:
        """Whether the simulator runs or has failed, its time in ms, its symbols and account groups."""
        return {"status": "ok" if self._simulator.is_running else "failed", "time": self._now_ms,
                "symbols": list(self._exchange.markets), "account_groups": list(self._exchange.accounts)}

    def ledger(self, account_group: int, since_ms: int = 0) -> Dict:
        """Everything about an account; of its orders those posted at `since_ms` or later."""
        return ledger(self._account(account_group), self._exchange, self._now_ms, since_ms)

    def prices(self) -> Dict:
        """Index and mark price in USDC and tick number by symbol."""
        return {symbol: {"index": wire.text(market.price.index), "mark": wire.text(market.price.mark),
                         "tick": market.price.tick} for symbol, market in self._exchange.markets.items()}

    def journal(self, kind: Optional[str] = None, since: Optional[int] = None, path: Optional[str] = None,
                channel: Optional[str] = None, limit: Optional[int] = None) -> List[Dict]:
        """Entries of the journal, oldest first: see `vest_simulator.server.journal.Journal.entries`."""
        return self._simulator.journal.entries(kind, since, path, channel, limit)

    def journal_counts(self) -> Dict[str, int]:
        """Requests since the last clearing, by "METHOD path"."""
        return dict(self._simulator.journal.counts)

    def clear_journal(self) -> None:
        """Forgets the journal's entries and counts."""
        self._simulator.journal.clear()

    def sockets(self) -> Dict:
        """Numbers of public and private sockets, and the subscribed channels."""
        sockets = self._simulator.hub.sockets
        kinds = [socket.kind for socket in sockets]
        return {"public": kinds.count("public"), "private": kinds.count("private"),
                "channels": sorted(name for socket in sockets for name in socket.channels)}

    # --- prices, time, symbols

    def set_price(self, symbol: str, price: str) -> None:
        """Pins index and mark price in USDC; what that triggers has happened on return."""
        self._exchange.set_price(symbol, self._decimal(price), self._now_ms)

    def release_price(self, symbol: str) -> None:
        """Ends `set_price`: the price process goes on, or the feed."""
        self._exchange.release_price(symbol, self._now_ms)

    def pause_prices(self) -> None:
        """The price process takes no more steps by itself; `tick` still works."""
        self._exchange.prices_paused = True

    def resume_prices(self) -> None:
        """Ends `pause_prices`."""
        self._exchange.prices_paused = False

    def set_tick_interval(self, seconds: float) -> None:
        """Seconds between two steps of the price process, and between two depth frames."""
        if not seconds > 0:
            raise ValueError("The interval is above 0 seconds.")
        self._simulator.config.tick_interval_s = seconds

    def tick(self, n: int = 1) -> None:
        """Lets the price process take `n` steps at once."""
        for _ in range(n):
            self._simulator.tick()

    def advance_clock(self, ms: int) -> int:
        """Moves the venue's clock forward by `ms` and returns the new time in ms."""
        now_ms = self._simulator.clock.advance(ms)
        self._exchange.react(now_ms)
        self._simulator.hub.keep_alive()
        return now_ms

    def set_clock_drift(self, drift: float) -> None:
        """From now on the venue's clock gains so many seconds a second; below zero it loses them."""
        self._simulator.clock.set_drift(drift)

    def set_status(self, symbol: str, status: str) -> None:
        """HALT or TRADING, for one symbol."""
        if status not in ("HALT", "TRADING"):
            raise ValueError("The status of a symbol is HALT or TRADING.")
        self._exchange.market(symbol).trading = status == "TRADING"
        self._exchange.react(self._now_ms)

    def delist(self, symbol: str) -> None:
        """Takes a symbol out of the list of markets."""
        self._exchange.delist(symbol, self._now_ms)

    def list_symbol(self, spec: Dict) -> None:
        """Lists a symbol; the keys of `spec` are the fields of SymbolSpec."""
        self._exchange.list_symbol(SymbolSpec.from_dict(spec), self._now_ms)

    def set_decimals(self, symbol: str, size_decimals: Optional[int] = None,
                     price_decimals: Optional[int] = None) -> None:
        """Changes in how many decimals sizes and prices of a symbol are; None leaves them."""
        market = self._exchange.market(symbol)
        market.change_decimals(market.spec.size_decimals if size_decimals is None else size_decimals,
                               market.spec.price_decimals if price_decimals is None else price_decimals)

    def set_depth(self, symbol: str, bids: List[List[str]], asks: List[List[str]]) -> None:
        """Replaces the book by levels of [price, size], best first; sides may be empty."""
        market = self._exchange.market(symbol)
        sides = ([(self._decimal(price).quantize(market.spec.price_step),
                   self._decimal(size).quantize(market.spec.size_step)) for price, size in side]
                 for side in (bids, asks))
        market.set_book(Ladder(*sides))
        self._exchange.react(self._now_ms)

    def release_depth(self, symbol: str) -> None:
        """Ends `set_depth`: the book follows the price again."""
        self._exchange.market(symbol).set_book(None)
        self._exchange.react(self._now_ms)

    def set_funding_rate(self, symbol: str, one_hr_rate: str) -> None:
        """Sets the rate from now on: a decimal fraction per hour; positive: longs pay."""
        market, now_ms = self._exchange.market(symbol), self._now_ms
        market.observe(now_ms)
        market.funding.set_rate(now_ms, Decimal(one_hr_rate))

    def settle_funding(self) -> List[Dict]:
        """Settles the funding of all positions now and returns the payments in USDC."""
        return [{"symbol": payment.symbol, "amount": wire.text(payment.amount), "time": payment.time_ms}
                for payment in self._exchange.settle_funding(self._now_ms)]

    # --- accounts and their orders

    def create_account(self, balance: str, account_group: Optional[int] = None,
                       key_life_ms: Optional[int] = None) -> Dict:
        """A new account with `balance` USDC, and its keys; they live for `key_life_ms`."""
        amount = Decimal(balance)
        if not amount.is_finite() or amount < 0:
            raise ValueError("The balance is a number of 0 or more.")
        life = {} if key_life_ms is None else {"key_life_ms": key_life_ms}
        return asdict(self._simulator.create_account(amount, account_group, **life))

    def deposit(self, account_group: int, amount: str) -> Dict:
        """Pays so many USDC in and returns the record of the transfer."""
        account = self._account(account_group)
        return wire.money_record(self._simulator.treasury.deposit(account, self._decimal(amount), self._now_ms))

    def place_order(self, account_group: int, symbol: str, is_buy: bool, size: str, order_type: str = "MARKET",
                    limit_price: Optional[str] = None, reduce_only: bool = False, time_in_force: str = "GTC",
                    nonce: int = 0) -> Dict:
        """An order that is placed as if by hand; a MARKET order without limit price takes any price within 10 %."""
        market = self._exchange.market(symbol)
        if limit_price is None:
            far = market.price.mark * (Decimal("1.1") if is_buy else Decimal("0.9"))
            price = far // market.tick_size * market.tick_size
        else:
            price = self._decimal(limit_price)
        request = OrderRequest(nonce, symbol, is_buy, self._decimal(size).quantize(market.spec.size_step),
                               OrderType(order_type), price.quantize(market.spec.price_step), reduce_only,
                               TimeInForce(time_in_force))
        order = self._exchange.place(self._account(account_group), request, self._now_ms)
        return wire.order(order, self._simulator.config.switches)

    def cancel_order(self, account_group: int, order_id: str) -> None:
        """Cancels an open order, as the venue itself may do."""
        self._exchange.cancel(self._account(account_group), order_id)

    def liquidate(self, account_group: int, symbol: str) -> Dict:
        """Liquidates a position, healthy or not, and returns the LIQUIDATION order."""
        order = self._exchange.liquidate(self._account(account_group), symbol, self._now_ms)
        return wire.order(order, self._simulator.config.switches)

    def reject_next(self, code: int, symbol: Optional[str] = None, times: int = 1) -> None:
        """The engine will reject the next orders (of that symbol) with a code, whatever they are."""
        for _ in range(times):
            self._exchange.reject_next(Code(code), symbol)

    # --- doubts, faults, limits

    def switches(self) -> Dict:
        """The position of every switch."""
        return asdict(self._simulator.config.switches)

    def switch_choices(self) -> Dict:
        """The positions that every switch has, or "int"."""
        return {name: list(choice) if isinstance(choice, tuple) else choice.__name__
                for name, choice in Switches.choices().items()}

    def set_switch(self, name: str, value: Any) -> None:
        """Puts a switch into one of its positions: see `vest_simulator.config.Switches`."""
        self._simulator.config.switches.set(name, value)
        for market in self._exchange.markets.values():
            market.forget_ladder()

    def add_fault(self, rule: Dict) -> int:
        """Puts a fault in force and returns its id: see `vest_simulator.faults.rules.FaultRule`."""
        return self._simulator.faults.add(FaultRule.from_dict(rule))

    def injected(self) -> Dict[str, int]:
        """How often each kind of fault has struck, and each disturbing command was given."""
        return dict(self._simulator.faults.tally)

    def remove_fault(self, id: int) -> None:
        """Ends the fault with that id."""
        self._simulator.faults.remove(id)

    def clear_faults(self) -> None:
        """Ends all faults."""
        self._simulator.faults.clear()

    def faults(self) -> List[Dict]:
        """The faults in force and how often each has struck."""
        return self._simulator.faults.all()

    def limiter(self) -> Dict:
        """Requests of the last minute, the most in any minute, whether a limit has struck, and the limits."""
        limiter = self._simulator.limiter
        return {"requests_last_minute": limiter.seen_last_minute(self._now_ms), "tripped": limiter.tripped,
                "most_per_minute": limiter.most_per_minute, "limits": asdict(limiter.limits)}

    def set_limits(self, limits: Dict) -> None:
        """Changes rate limits by name: see `vest_simulator.config.RateLimits`."""
        known = {item.name for item in fields(RateLimits)}
        if not known.issuperset(limits) or any(type(value) is not int or value < 0 for value in limits.values()):
            raise ValueError(f"Limits are integers: {', '.join(sorted(known))}.")
        for name, value in limits.items():
            setattr(self._simulator.limiter.limits, name, value)

    async def go_down(self) -> None:
        """Nobody can connect any more, and all connections end; the admin API and the engine go on."""
        await self._simulator.go_down()

    async def come_back(self) -> None:
        """Ends `go_down`: the same venue at the same URL."""
        await self._simulator.come_back()

    # --- keys and sockets

    def listen_keys(self) -> List[Dict]:
        """Masked keys with account group and remaining life in ms."""
        return [{"key": f"{key.key[:4]}***", "account_group": key.account_group,
                 "expires_in_ms": key.expiry_ms - self._now_ms} for key in self._simulator.listen_keys.all()]

    def expire_listen_keys(self, close_sockets: bool = True) -> None:
        """Ends the life of all listen keys; without `close_sockets` the private sockets stay open, but silent."""
        self._simulator.listen_keys.expire_all(self._now_ms)
        if close_sockets:
            self._simulator.hub.keep_alive()
        else:
            self._simulator.hub.detach_expired()

    def delete_listen_keys(self) -> None:
        """As if another client of each account had sent DELETE."""
        self._simulator.listen_keys.delete_all(self._now_ms)

    def revoke_api_key(self, account_group: int) -> int:
        """Ends all API keys of an account at once and returns how many."""
        self._account(account_group)
        return self._simulator.keys.revoke(account_group)

    def disconnect_sockets(self, kind: str = "all", code: int = 1006) -> int:
        """Closes public, private or all sockets with a code, or cuts them (1006); returns how many."""
        if kind not in ("public", "private", "all"):
            raise ValueError("kind is public, private or all.")
        return self._simulator.hub.disconnect(kind, code)

    def push_private(self, account_group: int, payload: Any = None, raw: Optional[str] = None, binary: bool = False,
                     raw_base64: Optional[str] = None) -> int:
        """Sends a JSON value, raw text or raw bytes to the account's private sockets; returns to how many."""
        hub = self._simulator.hub
        frame = self._frame(PRIVATE_CHANNEL, payload, raw, binary, raw_base64)
        return hub.push(hub.private_sockets(account_group), frame)

    def push_public(self, payload: Any = None, raw: Optional[str] = None, binary: bool = False,
                    raw_base64: Optional[str] = None) -> int:
        """Sends a JSON value, raw text or raw bytes to all public sockets; returns to how many."""
        hub = self._simulator.hub
        return hub.push(hub.public_sockets(), self._frame("", payload, raw, binary, raw_base64))

    # --- helpers

    @property
    def _now_ms(self) -> int:
        return self._simulator.clock.now_ms()

    def _frame(self, channel: str, payload: Any, raw: Optional[str], binary: bool, raw_base64: Optional[str]) -> Frame:
        if raw_base64 is not None:
            return Frame(channel, base64.b64decode(raw_base64), "binary")
        if raw is not None:
            return Frame(channel, raw, "binary" if binary else "text")
        return Frame(channel, payload, self._simulator.config.switches.frame_encoding)

    def _account(self, account_group: int) -> Account:
        if account_group not in self._exchange.accounts:
            raise ValueError(f"There is no account group {account_group}.")
        return self._exchange.accounts[account_group]

    @staticmethod
    def _decimal(value: str) -> Decimal:
        number = Decimal(value)
        if not number.is_finite() or number <= 0:
            raise ValueError(f"{value} is not a number above zero.")
        return number


class AdminApi:
    """Serves the commands over HTTP."""

    def __init__(self, simulator: "VestSimulator") -> None:
        self._commands = Commands(simulator)
        self._simulator = simulator
        self._tally = simulator.faults.tally

    def application(self) -> web.Application:
        """The web application that answers the commands."""
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_post("/{command}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.Response:
        """Runs one command; what it changed is saved before the answer, if the state is kept in a file."""
        name = request.match_info["command"]
        command = None if name.startswith("_") else getattr(self._commands, name, None)
        if command is None:
            return web.json_response({"error": f"There is no command {name}."}, status=404)
        try:
            arguments = await request.json() if request.can_read_body else {}
            inspect.signature(command).bind(**arguments)
            result = command(**arguments)
            if inspect.isawaitable(result):
                result = await result
            self._simulator.save()
            if name in _DISTURBANCES:
                self._tally[name.replace("_", " ")] += 1
        except (ValueError, TypeError, KeyError, VenueError, InvalidOperation) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        await asyncio.sleep(0)
        return web.json_response({"result": result})
