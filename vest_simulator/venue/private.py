"""The private end points (protocol section 5): strict about every field, signature and time."""
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from vest_simulator.clock import Clock
from vest_simulator.engine.account import Account
from vest_simulator.engine.codes import Code, VenueError
from vest_simulator.engine.exchange import Exchange
from vest_simulator.engine.orders import OrderRequest, OrderStatus, OrderType, TimeInForce
from vest_simulator.engine.treasury import LP_TYPES, Treasury
from vest_simulator.venue import signatures, wire
from vest_simulator.venue.credentials import ApiKey, KeyRing
from vest_simulator.venue.listen_keys import ListenKeys
from vest_simulator.venue.schema import Field, Query, check_object, exact_decimal

USDC_ADDRESS = "0x3333333333333333333333333333333333333333"
_DEFAULT_RECV_WINDOW_MS = 5_000
_MAX_ROWS = 1000
_SIGNED = {"order": Field("object"), "recvWindow": Field("integer", required=False), "signature": Field("string")}
_ORDER = {"time": Field("integer"), "nonce": Field("integer"), "symbol": Field("string"), "isBuy": Field("boolean"),
          "size": Field("string"), "orderType": Field("string"), "limitPrice": Field("string"),
          "reduceOnly": Field("boolean"), "timeInForce": Field("string", required=False),
          "tpPrice": Field("string", required=False), "tpSignature": Field("string", required=False),
          "slPrice": Field("string", required=False), "slSignature": Field("string", required=False)}
_CANCEL = {"time": Field("integer"), "nonce": Field("integer"), "id": Field("string")}
_LP = {"time": Field("integer"), "nonce": Field("integer"), "orderType": Field("string"),
       "size": Field("decimal string")}
_WITHDRAW = {"time": Field("integer"), "nonce": Field("integer"), "account": Field("address"),
             "recipient": Field("address"), "token": Field("string"), "size": Field("decimal string"),
             "chainId": Field("integer")}
_LEVERAGE = {"time": Field("integer"), "symbol": Field("string"), "value": Field("integer")}
_REGISTER = {"signingAddr": Field("address"), "primaryAddr": Field("address"), "signature": Field("string"),
             "expiryTime": Field("integer"), "networkType": Field("integer")}
ORDER_FILTERS = ("id", "nonce", "symbol", "orderType", "status", "startTime", "endTime", "limit", "time")
_CLIENT_TYPES = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT)


@dataclass(frozen=True)
class Caller:
    """Who is asking: an authenticated key and its account."""

    key: ApiKey
    account: Account


class PrivateApi:
    """Answers of the private end points; `post` handlers take the parsed JSON body, `get` handlers the query."""

    def __init__(self, exchange: Exchange, treasury: Treasury, keys: KeyRing, listen_keys: ListenKeys,
                 clock: Clock) -> None:
        self._exchange = exchange
        self._treasury = treasury
        self._keys = keys
        self._listen_keys = listen_keys
        self._clock = clock
        self._config = exchange.config
        self.digests: Dict[Tuple[int, int], bytes] = {}
        """The hash of every order request, by account group and nonce."""
        self.get_routes: Dict[str, Tuple[Tuple[str, ...], Callable[[Caller, Query], Any]]] = {
            "/orders": (ORDER_FILTERS, self.orders),
            "/lp": (ORDER_FILTERS, self.lp_records),
            "/transfer": (ORDER_FILTERS, self.transfers),
            "/account": (("time",), self.account),
            "/account/nonce": (("time",), self.nonce),
        }
        self.post_routes: Dict[str, Callable[[Caller, Any], Any]] = {
            "/orders": self.place_order,
            "/orders/cancel": self.cancel_order,
            "/lp": self.lp_order,
            "/transfer/withdraw": self.withdraw,
            "/account/leverage": self.leverage,
        }

    # --- registration

    def register(self, body: Any) -> Dict:
        """A primary key approves a signing key. A new primary address gets an account with the configured balance."""
        check_object(body, _REGISTER, "body")
        signing, primary = body["signingAddr"], body["primaryAddr"]
        if signing != signing.lower() or primary != primary.lower():
            raise VenueError(Code.INVALID_PARAMETER, "Addresses must be in lower case.")
        if body["networkType"] != 0:
            raise VenueError(Code.INVALID_NETWORK_TYPE)
        if body["expiryTime"] <= self._clock.now_ms():
            raise VenueError(Code.INVALID_PARAMETER, "expiryTime is in the past.")
        message = signatures.registration_message(signatures.DEVELOPMENT_CONTRACT, signing, body["expiryTime"])
        if signatures.recover(message, body["signature"]) != primary:
            raise VenueError(Code.INVALID_SIGNATURE)
        group = self._keys.group_of(primary)
        if group is None:
            group = max(self._exchange.accounts, default=self._config.first_account_group - 1) + 1
            self._exchange.add_account(group, self._config.balance)
        as_jwt = self._config.switches.api_key_format == "jwt"
        key = self._keys.issue(group, signing, primary, body["expiryTime"], as_jwt)
        return {"apiKey": key.api_key, "accGroup": group}

    # --- orders

    def place_order(self, caller: Caller, body: Any) -> Dict:
        """POST /orders. :raises VenueError: when it is not even accepted; what comes later is an event"""
        order = self._signed_order(caller, body, _ORDER)
        request = self._order_request(order)
        digest = signatures.check_request(signatures.ORDER_TYPES, self._order_values(order), body["signature"],
                                          caller.key.signing_address)
        self._check_exits(caller, order)
        self._check_nonce(caller, request.nonce, digest)
        if self._config.switches.halted_market == "request" and not self._exchange.market(request.symbol).trading:
            raise VenueError(Code.MARKET_CLOSED)
        record = self._exchange.place(caller.account, request, self._clock.now_ms())
        self.digests[caller.account.group, request.nonce] = digest
        return {"id": record.id}

    def cancel_order(self, caller: Caller, body: Any) -> Dict:
        """POST /orders/cancel. :raises VenueError: when it is not accepted"""
        order = self._signed_order(caller, body, _CANCEL)
        values = (order["time"], order["nonce"], order["id"])
        signatures.check_request(signatures.CANCEL_TYPES, values, body["signature"], caller.key.signing_address)
        self._exchange.cancel(caller.account, order["id"])
        caller.account.last_nonce = max(caller.account.last_nonce, order["nonce"])
        return {"id": order["id"]}

    def orders(self, caller: Caller, query: Query) -> List[Dict]:
        """GET /orders: the newest `limit` that match, in the sequence that the switch says."""
        self._check_get_time(query)
        symbol = query.text("symbol")
        order_type = query.choice("orderType", [kind.value for kind in OrderType])
        status = query.choice("status", [kind.value for kind in OrderStatus])
        limit = query.limit(_MAX_ROWS, _MAX_ROWS)
        switches = self._config.switches
        visible_ms = self._clock.now_ms() - switches.order_list_lag_ms
        rows = []
        for order in self._candidates(caller.account, query, status):
            request = order.request
            if ((symbol is None or request.symbol == symbol) and (status is None or order.status.value == status)
                    and (order_type is None or request.order_type.value == order_type)
                    and order.post_time_ms <= visible_ms):
                rows.append(wire.order(order, switches))
                if len(rows) == limit:
                    break
        return rows if switches.orders_sequence == "newest_first" else rows[::-1]

    def _candidates(self, account: Account, query: Query, status: Optional[str]):
        """The orders that id, nonce, times and status leave, newest first, by the narrowest index."""
        start_ms, end_ms = query.integer("startTime"), query.integer("endTime")
        ids, nonce = query.text("id"), query.integer("nonce")
        if ids is not None:
            found = [account.orders.by_id(order_id) for order_id in dict.fromkeys(ids.split(","))]
        elif nonce is not None:
            found = [account.orders.by_nonce(nonce)]
        elif status is not None and OrderStatus(status).is_open:
            found = account.orders.open_orders()
        else:
            return account.orders.newest_first(start_ms, end_ms)
        chosen = [order for order in found if order is not None
                  and (nonce is None or order.request.nonce == nonce)
                  and (start_ms is None or order.post_time_ms >= start_ms)
                  and (end_ms is None or order.post_time_ms <= end_ms)]
        return sorted(chosen, key=lambda order: order.post_time_ms, reverse=True)

    # --- account

    def account(self, caller: Caller, query: Query) -> Dict:
        """GET /account, with funding accrued until now."""
        self._check_get_time(query)
        now_ms = self._clock.now_ms()
        for symbol in caller.account.positions:
            self._exchange.markets[symbol].observe(now_ms)
        return wire.account(caller.account, caller.key.primary_address, self._exchange.markets, self._config, now_ms)

    def nonce(self, caller: Caller, query: Query) -> Dict:
        """GET /account/nonce: the highest nonce of the account."""
        self._check_get_time(query)
        return {"lastNonce": caller.account.last_nonce}

    def leverage(self, caller: Caller, body: Any) -> Dict:
        """POST /account/leverage. :raises VenueError: for a symbol or a value that there is not"""
        check_object(body, _LEVERAGE, "body")
        self._check_time(body["time"], _DEFAULT_RECV_WINDOW_MS)
        value = self._exchange.set_leverage(caller.account, body["symbol"], body["value"])
        return {"symbol": body["symbol"], "value": value}

    # --- LP and transfers

    def lp_order(self, caller: Caller, body: Any) -> Dict:
        """POST /lp: deposits into the liquidity pool or takes out. :raises VenueError: when it is not accepted"""
        order = self._signed_order(caller, body, _LP)
        if order["orderType"] not in LP_TYPES:
            raise VenueError(Code.INVALID_ORDER_TYPE)
        values = (order["time"], order["nonce"], order["orderType"], order["size"])
        signatures.check_request(signatures.LP_TYPES, values, body["signature"], caller.key.signing_address)
        size = self._positive(Decimal(order["size"]))
        record = self._treasury.lp_order(caller.account, order["nonce"], order["orderType"], size, self._clock.now_ms())
        return {"id": record.id}

    def withdraw(self, caller: Caller, body: Any) -> Dict:
        """`size` is an integer in 1e-6 USDC; the hash covers the token's address, the body names it."""
        order = self._signed_order(caller, body, _WITHDRAW, {"execute": Field("boolean", required=False)})
        if order["token"] != "USDC":
            raise VenueError(Code.INVALID_PARAMETER, "token must be USDC.")
        size = exact_decimal(order["size"], 0, "size")
        values = (order["time"], order["nonce"], False, order["account"], order["recipient"], USDC_ADDRESS, int(size),
                  order["chainId"])
        signatures.check_request(signatures.WITHDRAW_TYPES, values, body["signature"], caller.key.signing_address)
        record = self._treasury.withdraw(caller.account, order["nonce"], self._positive(size).scaleb(-6),
                                         order["chainId"], self._clock.now_ms())
        return {"id": record.id}

    def lp_records(self, caller: Caller, query: Query) -> List[Dict]:
        """GET /lp, newest first."""
        return self._money_records(query, caller.account.lp_records)

    def transfers(self, caller: Caller, query: Query) -> List[Dict]:
        """GET /transfer, newest first."""
        return self._money_records(query, caller.account.transfers)

    def _money_records(self, query: Query, records) -> List[Dict]:
        self._check_get_time(query)
        ids: Optional[Set[str]] = set(query.text("id").split(",")) if query.text("id") is not None else None
        nonce, start_ms, end_ms = query.integer("nonce"), query.integer("startTime"), query.integer("endTime")
        order_type, status = query.text("orderType"), query.text("status")
        rows = [record for record in reversed(records)
                if (ids is None or record.id in ids) and (nonce is None or record.nonce == nonce)
                and (order_type is None or record.order_type == order_type)
                and (status is None or record.status == status)
                and (start_ms is None or record.post_time_ms >= start_ms)
                and (end_ms is None or record.post_time_ms <= end_ms)]
        return [wire.money_record(record) for record in rows[:query.limit(_MAX_ROWS, _MAX_ROWS)]]

    # --- listen keys

    def create_listen_key(self, caller: Caller) -> Dict:
        """POST /account/listenKey."""
        return {"listenKey": self._listen_keys.create(caller.account.group, self._clock.now_ms()).key}

    def extend_listen_key(self, caller: Caller) -> Dict:
        """PUT /account/listenKey. :raises VenueError: 1125 without a key that lives"""
        self._listen_keys.extend(caller.account.group, self._clock.now_ms())
        return {}

    def delete_listen_key(self, caller: Caller) -> Dict:
        """DELETE /account/listenKey. :raises VenueError: 1125 without a key that lives"""
        self._listen_keys.delete(caller.account.group, self._clock.now_ms())
        return {}

    # --- checks

    def _signed_order(self, caller: Caller, body: Any, fields: Dict[str, Field],
                      beside: Optional[Dict[str, Field]] = None) -> Dict[str, Any]:
        check_object(body, _SIGNED | (beside or {}), "body")
        order = check_object(body["order"], fields, "order")
        self._check_time(order["time"], body.get("recvWindow", _DEFAULT_RECV_WINDOW_MS))
        return order

    def _check_time(self, time_ms: int, recv_window_ms: int) -> None:
        if not 1 <= recv_window_ms <= self._config.max_recv_window_ms:
            raise VenueError(Code.BAD_RECV_WINDOW)
        now_ms = self._clock.now_ms()
        if time_ms > now_ms + self._config.future_tolerance_ms:
            raise VenueError(Code.BAD_RECV_WINDOW, "The time is in the future.")
        if now_ms > time_ms + recv_window_ms:
            raise VenueError(Code.ORDER_EXPIRED)

    def _check_get_time(self, query: Query) -> None:
        query.required("time")
        time_ms = query.integer("time")
        if self._config.switches.check_get_time:
            self._check_time(time_ms, _DEFAULT_RECV_WINDOW_MS)

    def _order_request(self, order: Dict[str, Any]) -> OrderRequest:
        spec = self._exchange.market(order["symbol"]).spec
        if order["orderType"] not in [kind.value for kind in _CLIENT_TYPES]:
            raise VenueError(Code.INVALID_ORDER_TYPE)
        order_type = OrderType(order["orderType"])
        time_in_force = order.get("timeInForce", TimeInForce.GTC.value)
        is_limit = order_type is OrderType.LIMIT
        if ("timeInForce" in order and not is_limit) or time_in_force not in [kind.value for kind in TimeInForce]:
            raise VenueError(Code.INVALID_TIME_IN_FORCE)
        exits = [order.get("tpPrice"), order.get("slPrice")]
        if any(price is not None for price in exits) and not is_limit:
            raise VenueError(Code.INVALID_TP_SL_PRICE, "TP and SL come with LIMIT orders only.")
        if order_type in (OrderType.STOP_LOSS, OrderType.TAKE_PROFIT) and not order["reduceOnly"]:
            raise VenueError(Code.INVALID_PARAMETER, "Such an order must be reduce-only.")
        tp_price, sl_price = (None if price is None else exact_decimal(price, spec.price_decimals, "TP/SL price")
                              for price in exits)
        return OrderRequest(
            nonce=order["nonce"], symbol=order["symbol"], is_buy=order["isBuy"],
            size=self._positive(exact_decimal(order["size"], spec.size_decimals, "size")), order_type=order_type,
            limit_price=self._positive(exact_decimal(order["limitPrice"], spec.price_decimals, "limitPrice")),
            reduce_only=order["reduceOnly"], time_in_force=TimeInForce(time_in_force), tp_price=tp_price,
            sl_price=sl_price)

    @staticmethod
    def _order_values(order: Dict[str, Any]) -> Tuple:
        return (order["time"], order["nonce"], order["orderType"], order["symbol"], order["isBuy"], order["size"],
                order["limitPrice"], order["reduceOnly"])

    def _check_exits(self, caller: Caller, order: Dict[str, Any]) -> None:
        """TP and SL are signed as the opposite side, of their own type and price, reduce-only."""
        entry = Decimal(order["limitPrice"])
        for prefix, order_type in (("tp", OrderType.TAKE_PROFIT), ("sl", OrderType.STOP_LOSS)):
            price, signature = order.get(f"{prefix}Price"), order.get(f"{prefix}Signature")
            if (price is None) != (signature is None):
                raise VenueError(Code.INVALID_PARAMETER, f"{prefix}Price and {prefix}Signature come together.")
            if price is None:
                continue
            above = order["isBuy"] == (prefix == "tp")
            if Decimal(price) == entry or (Decimal(price) > entry) != above:
                raise VenueError(Code.INVALID_TP_SL_PRICE)
            exit_order = order | {"orderType": order_type.value, "isBuy": not order["isBuy"], "limitPrice": price,
                                  "reduceOnly": True}
            signatures.check_request(signatures.ORDER_TYPES, self._order_values(exit_order), signature,
                                     caller.key.signing_address)

    def _check_nonce(self, caller: Caller, nonce: int, digest: bytes) -> None:
        """The same order again is a duplicate; another order with the same nonce is invalid."""
        known = self.digests.get((caller.account.group, nonce))
        if known is not None:
            raise VenueError(Code.DUPLICATE_ORDER if known == digest else Code.INVALID_NONCE)

    @staticmethod
    def _positive(value: Decimal) -> Decimal:
        if value <= 0:
            raise VenueError(Code.INVALID_PARAMETER, "Sizes and prices must be above zero.")
        return value
