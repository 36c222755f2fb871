"""The client of the admin API: for tests and for programs that drive a simulator in another process."""
import base64
from decimal import Decimal
from typing import Any, Dict, List, Optional, Sequence, Union

import aiohttp

Number = Union[Decimal, str, int]
Levels = Sequence[Sequence[Number]]
_TIMEOUT_S = 30


class AdminError(Exception):
    """The simulator refused a command; the text says why."""


class AdminClient:
    """Controls a simulator. An async context manager; `close` it otherwise.

    :param url: the simulator's admin URL
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session: Optional[aiohttp.ClientSession] = None

    async def __aenter__(self) -> "AdminClient":
        return self

    async def __aexit__(self, *exc_info) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection; the next command opens one again."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(self, command: str, **arguments: Any) -> Any:
        """Runs any command. :raises AdminError: when it is refused; :raises aiohttp.ClientError: without connection"""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        async with self._session.post(f"{self._url}/{command}", json=arguments) as response:
            answer = await response.json()
        if "error" in answer:
            raise AdminError(answer["error"])
        return answer["result"]

    # --- the truth

    async def health(self) -> Dict:
        """status ("ok" or "failed"), time in ms, symbols and account_groups."""
        return await self.call("health")

    async def ledger(self, account_group: int, since_ms: int = 0) -> Dict:
        """Everything about an account, decimals as strings; of its orders those posted at `since_ms` or later."""
        return await self.call("ledger", account_group=account_group, since_ms=since_ms)

    async def prices(self) -> Dict[str, Dict]:
        """Index and mark price and tick number by symbol."""
        return await self.call("prices")

    async def journal(self, kind: Optional[str] = None, since: Optional[int] = None, path: Optional[str] = None,
                      channel: Optional[str] = None, limit: Optional[int] = None) -> List[Dict]:
        """Entries, oldest first; `since` is a sequence number, `path` a regular expression."""
        return await self.call("journal", kind=kind, since=since, path=path, channel=channel, limit=limit)

    async def journal_counts(self) -> Dict[str, int]:
        """Requests since the last clearing, by "METHOD path"."""
        return await self.call("journal_counts")

    async def clear_journal(self) -> None:
        """Forgets the journal's entries and counts."""
        await self.call("clear_journal")

    async def sockets(self) -> Dict:
        """Numbers of public and private sockets, and the subscribed channels."""
        return await self.call("sockets")

    # --- prices, time, symbols

    async def set_price(self, symbol: str, price: Number) -> None:
        """Pins index and mark price in USDC; what that triggers has happened on return."""
        await self.call("set_price", symbol=symbol, price=str(price))

    async def release_price(self, symbol: str) -> None:
        """Ends `set_price`: the price process goes on, or the feed."""
        await self.call("release_price", symbol=symbol)

    async def pause_prices(self) -> None:
        """The price process takes no more steps by itself; `tick` still works."""
        await self.call("pause_prices")

    async def resume_prices(self) -> None:
        """Ends `pause_prices`."""
        await self.call("resume_prices")

    async def set_tick_interval(self, seconds: float) -> None:
        """Seconds between two steps of the price process, and between two depth frames."""
        await self.call("set_tick_interval", seconds=seconds)

    async def tick(self, n: int = 1) -> None:
        """Lets the price process take `n` steps at once."""
        await self.call("tick", n=n)

    async def advance_clock(self, ms: int) -> int:
        """Moves the venue's clock forward and returns the new time in ms."""
        return await self.call("advance_clock", ms=ms)

    async def set_clock_drift(self, drift: float) -> None:
        """From now on the venue's clock gains so many seconds a second; below zero it loses them."""
        await self.call("set_clock_drift", drift=drift)

    async def set_status(self, symbol: str, status: str) -> None:
        """HALT or TRADING, for one symbol."""
        await self.call("set_status", symbol=symbol, status=status)

    async def delist(self, symbol: str) -> None:
        """Takes a symbol out of the list of markets."""
        await self.call("delist", symbol=symbol)

    async def list_symbol(self, spec: Dict) -> None:
        """Lists a symbol; the keys are the fields of SymbolSpec."""
        await self.call("list_symbol", spec={key: str(value) if isinstance(value, Decimal) else value
                                             for key, value in spec.items()})

    async def set_decimals(self, symbol: str, size_decimals: Optional[int] = None,
                           price_decimals: Optional[int] = None) -> None:
        """Changes in how many decimals sizes and prices of a symbol are; None leaves them."""
        await self.call("set_decimals", symbol=symbol, size_decimals=size_decimals, price_decimals=price_decimals)

    async def set_depth(self, symbol: str, bids: Levels, asks: Levels) -> None:
        """Replaces the book by levels of (price, size), best first; sides may be empty."""
        sides = {name: [[str(number) for number in level] for level in levels] for name, levels in
                 (("bids", bids), ("asks", asks))}
        await self.call("set_depth", symbol=symbol, **sides)

    async def release_depth(self, symbol: str) -> None:
        """Ends `set_depth`: the book follows the price again."""
        await self.call("release_depth", symbol=symbol)

    async def set_funding_rate(self, symbol: str, one_hr_rate: Number) -> None:
        """The rate is a fraction per hour; positive: longs pay."""
        await self.call("set_funding_rate", symbol=symbol, one_hr_rate=str(one_hr_rate))

    async def settle_funding(self) -> List[Dict]:
        """Settles the funding of all positions now and returns the payments."""
        return await self.call("settle_funding")

    # --- accounts and their orders

    async def create_account(self, balance: Number, account_group: Optional[int] = None,
                             key_life_ms: Optional[int] = None) -> Dict:
        """Returns account_group, api_key, signing_private_key, primary_private_key and primary_address."""
        return await self.call("create_account", balance=str(balance), account_group=account_group,
                               key_life_ms=key_life_ms)

    async def deposit(self, account_group: int, amount: Number) -> Dict:
        """Pays so many USDC in and returns the record of the transfer."""
        return await self.call("deposit", account_group=account_group, amount=str(amount))

    async def place_order(self, account_group: int, symbol: str, is_buy: bool, size: Number, order_type: str = "MARKET",
                          limit_price: Optional[Number] = None, reduce_only: bool = False, time_in_force: str = "GTC",
                          nonce: int = 0) -> Dict:
        """A manual order of any nonce; MARKET without a limit price takes any price within 10 %. Returns the order."""
        return await self.call("place_order", account_group=account_group, symbol=symbol, is_buy=is_buy, size=str(size),
                               order_type=order_type, limit_price=None if limit_price is None else str(limit_price),
                               reduce_only=reduce_only, time_in_force=time_in_force, nonce=nonce)

    async def cancel_order(self, account_group: int, order_id: str) -> None:
        """Cancels an open order, as the venue itself may do."""
        await self.call("cancel_order", account_group=account_group, order_id=order_id)

    async def liquidate(self, account_group: int, symbol: str) -> Dict:
        """Liquidates a position, healthy or not, and returns the LIQUIDATION order."""
        return await self.call("liquidate", account_group=account_group, symbol=symbol)

    async def reject_next(self, code: int, symbol: Optional[str] = None, times: int = 1) -> None:
        """Makes the engine reject the next orders (of that symbol) with a code."""
        await self.call("reject_next", code=code, symbol=symbol, times=times)

    # --- doubts, faults, limits

    async def switches(self) -> Dict[str, Any]:
        """The position of every switch."""
        return await self.call("switches")

    async def switch_choices(self) -> Dict[str, Any]:
        """The positions of every switch, or "int"."""
        return await self.call("switch_choices")

    async def set_switch(self, name: str, value: Any) -> None:
        """Puts a switch into one of its positions; see `vest_simulator.config.Switches`."""
        await self.call("set_switch", name=name, value=value)

    async def add_fault(self, target: str, action: str, **rule: Any) -> int:
        """Puts a fault in force and returns its id; see `vest_simulator.faults.rules.FaultRule`."""
        return await self.call("add_fault", rule={"target": target, "action": action, **rule})

    async def remove_fault(self, fault_id: int) -> None:
        """Ends the fault with that id."""
        await self.call("remove_fault", id=fault_id)

    async def clear_faults(self) -> None:
        """Ends all faults."""
        await self.call("clear_faults")

    async def faults(self) -> List[Dict]:
        """The rules in force and how often each has struck."""
        return await self.call("faults")

    async def injected(self) -> Dict[str, int]:
        """How often each kind of fault has struck, and each disturbing command was given, since the start."""
        return await self.call("injected")

    async def limiter(self) -> Dict:
        """requests_last_minute, most_per_minute, tripped, limits."""
        return await self.call("limiter")

    async def set_limits(self, **limits: int) -> None:
        """See `vest_simulator.config.RateLimits`."""
        await self.call("set_limits", limits=limits)

    async def go_down(self) -> None:
        """Takes the venue off the net: all connections end and new ones are refused. The engine goes on."""
        await self.call("go_down")

    async def come_back(self) -> None:
        """Ends `go_down`: the same venue at the same URL."""
        await self.call("come_back")

    # --- keys and sockets

    async def listen_keys(self) -> List[Dict]:
        """Masked keys with account group and remaining life in ms."""
        return await self.call("listen_keys")

    async def expire_listen_keys(self, close_sockets: bool = True) -> None:
        """Ends the life of all listen keys; without `close_sockets` the private sockets just fall silent."""
        await self.call("expire_listen_keys", close_sockets=close_sockets)

    async def delete_listen_keys(self) -> None:
        """As if another client of the account had sent DELETE."""
        await self.call("delete_listen_keys")

    async def revoke_api_key(self, account_group: int) -> int:
        """Ends all API keys of an account at once and returns how many."""
        return await self.call("revoke_api_key", account_group=account_group)

    async def disconnect_sockets(self, kind: str = "all", code: int = 1006) -> int:
        """Closes sockets with a code, or cuts them (1006); returns how many."""
        return await self.call("disconnect_sockets", kind=kind, code=code)

    async def push_private(self, account_group: int, payload: Any = None, raw: Union[str, bytes, None] = None,
                           binary: bool = False) -> int:
        """Sends a frame to the account's private sockets, whatever they subscribed to; returns to how many.

        :param payload: a JSON value, sent in the encoding the venue uses
        :param raw: instead of it: text, sent as it is (in a binary frame if `binary`), or bytes
        """
        return await self.call("push_private", account_group=account_group, **self._content(payload, raw, binary))

    async def push_public(self, raw: Union[str, bytes, None] = None, binary: bool = False, payload: Any = None) -> int:
        """Sends a frame to all public sockets, as `push_private` does."""
        return await self.call("push_public", **self._content(payload, raw, binary))

    @staticmethod
    def _content(payload: Any, raw: Union[str, bytes, None], binary: bool) -> Dict[str, Any]:
        if isinstance(raw, bytes):
            return {"raw_base64": base64.b64encode(raw).decode()}
        return {"payload": payload, "raw": raw, "binary": binary}
