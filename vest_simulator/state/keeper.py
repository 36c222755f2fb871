"""What of a venue is kept over restarts: accounts, orders, keys, funding, and where prices stood. No listen keys."""
import time
from decimal import Decimal
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from vest_simulator.engine.account import Account, FundingPayment, MoneyRecord
from vest_simulator.engine.exchange import Exchange
from vest_simulator.engine.orders import Order
from vest_simulator.feeds.feed import Feed
from vest_simulator.state import codec
from vest_simulator.state.store import StateError, Store
from vest_simulator.venue.credentials import ApiKey, Credentials, KeyRing

MOST_ORDERS = 10_000
"""Orders that have ended, of each account, that are kept."""
MOST_RECORDS = 5_000
"""Funding payments, LP orders and transfers of each account that are kept (of each sort)."""
_ACCOUNT_FIELDS = ("cash", "deposits", "positions", "leverages", "lp_shares", "last_nonce", "fees", "realized_pnl",
                   "settled_funding")
_RECORDS: Dict[str, type] = {"funding_payments": FundingPayment, "lp_records": MoneyRecord, "transfers": MoneyRecord}
_MARKET_PAUSE_S = 1.0


class Keeper:
    """Loads a venue from a store and saves what has changed.

    :param accounts: the credentials that the simulator hands out
    :param digests: hash of every order request by account group and nonce
    """

    def __init__(self, store: Store, exchange: Exchange, keys: KeyRing, accounts: List[Credentials],
                 digests: Dict[Tuple[int, int], bytes]) -> None:
        self._store = store
        self._exchange = exchange
        self._keys = keys
        self._accounts = accounts
        self._digests = digests
        self._open: Dict[int, Dict[str, Tuple[Order, Tuple]]] = {}
        self._saved_orders: Dict[int, int] = {}
        self._saved_records: Dict[Tuple[int, str], int] = {}
        self._dropped: Dict[Tuple[int, str], int] = {}
        self._markets_saved_s = 0.0
        self._position: Tuple[str, int] = ("", 0)
        self.last_ms = 0
        """The venue's time when it was saved last."""

    # --- loading

    def load(self) -> None:
        """Accounts, orders and keys. :raises StateError: when something is damaged"""
        self._loaded("venue", self._load_venue)
        self._loaded("account", self._load_account)
        for name, kind in _RECORDS.items():
            self._loaded(name, lambda item_id, value, name=name, kind=kind: self._load_record(
                name, item_id, codec.decode(kind, value)))
        self._loaded("order", self._load_order)
        self._loaded("credentials", lambda _, value: self._accounts.append(codec.decode(Credentials, value)))
        self._loaded("key", lambda _, value: self._keys.add(codec.decode(ApiKey, value)))
        for group, account in self._exchange.accounts.items():
            self._saved_orders[group] = len(account.orders)
            self._open[group] = _fingerprints(account)

    def load_markets(self) -> None:
        """Funding and prices, when the markets are listed. :raises StateError: when one lacks that is needed"""
        self._loaded("market", self._load_market)
        for account in self._exchange.accounts.values():
            needed: Set[str] = set(account.positions) | {
                order.request.symbol for order in account.orders.open_orders()}
            for symbol in sorted(needed - set(self._exchange.markets)):
                raise StateError(f"The state has a position or an order in {symbol}, which is not listed here; "
                                 "list it, or name another file to begin anew.")

    def _loaded(self, kind: str, load: Callable[[str, Any], None]) -> None:
        for item_id, value in self._store.items(kind):
            try:
                load(item_id, value)
            except (ValueError, KeyError, TypeError, AttributeError):
                raise self._store.damaged(kind) from None

    def _load_venue(self, _: str, value: Any) -> None:
        self._exchange.id_count = codec.decode(int, value["id_count"])
        self.last_ms = codec.decode(int, value["time_ms"])
        self._position = (codec.decode(str, value["feed"]), codec.decode(int, value["position_ms"]))

    def _load_account(self, item_id: str, value: Any) -> None:
        account = self._exchange.add_account(int(item_id), codec.decode(Decimal, value["cash"]))
        codec.set_parts(account, value, _ACCOUNT_FIELDS)

    def _load_record(self, name: str, item_id: str, record: Any) -> None:
        group, number = (int(part) for part in item_id.split(":"))
        records = getattr(self._exchange.accounts[group], name)
        records.append(record)
        self._saved_records[group, name] = len(records)
        self._dropped[group, name] = number + 1 - len(records)

    def _load_order(self, order_id: str, value: Any) -> None:
        order = codec.decode(Order, value["order"])
        if order.id != order_id:
            raise ValueError("This is another order.")
        self._exchange.accounts[value["group"]].orders.add(order)
        if value["digest"] is not None:
            self._digests[value["group"], order.request.nonce] = bytes.fromhex(value["digest"])

    def _load_market(self, symbol: str, value: Any) -> None:
        market = self._exchange.markets.get(symbol)
        if market is None:
            return
        market.funding.cumulative = codec.decode(Decimal, value["cum_funding"])
        market.go_on(codec.decode(int, value["tick"]), codec.decode(Decimal, value["index"]))

    # --- saving

    def position_of(self, feed_name: str) -> Optional[int]:
        """Where a feed stood; None when it was another one."""
        name, position_ms = self._position
        return position_ms if name == feed_name else None

    def save(self, time_ms: int, feed: Optional[Feed], is_last: bool = False) -> None:
        """Writes what has changed since the last time. :raises StateError: when it cannot be written"""
        self._markets_saved_s = 0.0 if is_last else self._markets_saved_s
        with self._store.writing():
            for account in self._exchange.accounts.values():
                self._save_account(account)
            for credentials in self._accounts:
                self._store.put("credentials", str(credentials.account_group), codec.encode(credentials))
            for key in self._keys.all():
                self._store.put("key", key.api_key, codec.encode(key))
            self._save_markets(time_ms, feed)

    def _save_account(self, account: Account) -> None:
        self._store.put("account", str(account.group), codec.parts(account, _ACCOUNT_FIELDS))
        for name in _RECORDS:
            self._save_records(account, name)
        changed = [order for order, fingerprint in self._open.get(account.group, {}).values()
                   if fingerprint != _fingerprint(order)]
        self._open[account.group] = _fingerprints(account)
        for order in changed + account.orders.since(self._saved_orders.get(account.group, 0)):
            digest = self._digests.get((account.group, order.request.nonce))
            self._store.put("order", order.id, {"group": account.group, "order": codec.encode(order),
                                                "digest": None if digest is None else digest.hex()})
        for order in account.orders.forget(MOST_ORDERS):
            self._digests.pop((account.group, order.request.nonce), None)
            self._store.remove("order", order.id)
        self._saved_orders[account.group] = len(account.orders)

    def _save_records(self, account: Account, name: str) -> None:
        records, place = getattr(account, name), (account.group, name)
        dropped = self._dropped.get(place, 0)
        for number in range(self._saved_records.get(place, 0), len(records)):
            self._store.put(name, f"{account.group}:{dropped + number}", codec.encode(records[number]))
        surplus = max(0, len(records) - MOST_RECORDS)
        for number in range(surplus):
            self._store.remove(name, f"{account.group}:{dropped + number}")
        del records[:surplus]
        self._dropped[place] = dropped + surplus
        self._saved_records[place] = len(records)

    def _save_markets(self, time_ms: int, feed: Optional[Feed]) -> None:
        """Funding and prices change all the time: once a second will do, and with whatever depends on them."""
        if time.monotonic() - self._markets_saved_s < _MARKET_PAUSE_S and not self._store.has_written:
            return
        self._markets_saved_s = time.monotonic()
        self._store.put("venue", "venue", {"id_count": self._exchange.id_count, "time_ms": time_ms,
                                           "feed": feed.name if feed else "",
                                           "position_ms": feed.position_ms if feed else 0})
        for symbol, market in self._exchange.markets.items():
            self._store.put("market", symbol, {"cum_funding": codec.encode(market.funding.cumulative),
                                               "tick": market.price.tick, "index": codec.encode(market.price.exact)})

    def close(self) -> None:
        """Gives the file free."""
        self._store.close()


def _fingerprint(order: Order) -> Tuple:
    """What of an order changes in its life."""
    return order.status, order.code, len(order.fills), order.next_part_tick


def _fingerprints(account: Account) -> Dict[str, Tuple[Order, Tuple]]:
    return {order.id: (order, _fingerprint(order)) for order in account.orders.open_orders()}
