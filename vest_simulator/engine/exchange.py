"""The exchange: accounts and markets, and what may happen to them. Synchronous; times are passed in."""
import hashlib
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Callable, Dict, Iterable, List, Optional, Tuple

from vest_simulator.config import SimulatorConfig
from vest_simulator.engine import checks, margin
from vest_simulator.engine.account import Account, FundingPayment, MoneyRecord
from vest_simulator.engine.codes import Code, VenueError
from vest_simulator.engine.feed import Update
from vest_simulator.engine.funding import HOUR_MS
from vest_simulator.engine.ladder import available, average_price
from vest_simulator.engine.market import Market, Trade
from vest_simulator.engine.orders import Fill, Order, OrderRequest, OrderStatus, OrderType, TimeInForce
from vest_simulator.engine.specs import SymbolSpec

VENUE_NONCE = 0
"""The nonce of orders that the venue makes itself: liquidations, TP and SL."""


@dataclass(frozen=True)
class OrderEvent:
    """Something happened to an order; `fill` is set when that was an execution."""

    account: Account
    order: Order
    fill: Optional[Fill] = None


@dataclass(frozen=True)
class MoneyEvent:
    """An LP order or a transfer; `kind` is the event's name on the wire, LP or TRANSFER."""

    account: Account
    record: MoneyRecord
    kind: str


class Exchange:
    """The venue's engine.

    :param on_order: told of every step of every order, in sequence
    :param on_money: told of LP orders and transfers
    :param on_trade: told of public trades
    """

    def __init__(self, config: SimulatorConfig, start_ms: int) -> None:
        self.config = config
        self.markets: Dict[str, Market] = {}
        """With a feed empty, until its symbols are listed."""
        self.accounts: Dict[int, Account] = {}
        self.prices_paused = False
        self.on_order: Callable[[OrderEvent], None] = lambda event: None
        self.on_money: Callable[[MoneyEvent], None] = lambda event: None
        self.on_trade: Callable[[Trade], None] = lambda trade: None
        self._money_quantum = Decimal(1).scaleb(-config.money_decimals)
        self._next_settlement_ms = (start_ms // HOUR_MS + 1) * HOUR_MS
        self.id_count = 0
        """How many order ids have been given out."""
        self._rejections: List[Tuple[Code, Optional[str]]] = []
        for spec in () if config.is_fed else config.symbols:
            self.list_symbol(spec, start_ms)

    # --- accounts and markets

    def add_account(self, group: int, balance: Decimal) -> Account:
        """:raises ValueError: when the account group is taken"""
        if group in self.accounts:
            raise ValueError(f"Account group {group} exists already.")
        self.accounts[group] = Account(group, balance)
        return self.accounts[group]

    def market(self, symbol: str) -> Market:
        """:raises VenueError: 1121 for a symbol that is not listed"""
        if symbol not in self.markets:
            raise VenueError(Code.BAD_SYMBOL, f"Bad symbol: {symbol}.")
        return self.markets[symbol]

    def list_symbol(self, spec: SymbolSpec, time_ms: int, is_fed: bool = False) -> Market:
        """:param is_fed: whether a feed tells its prices; :raises ValueError: when it is listed already"""
        if spec.symbol in self.markets:
            raise ValueError(f"{spec.symbol} is listed already.")
        self.markets[spec.symbol] = Market(spec, self.config, time_ms, is_fed)
        return self.markets[spec.symbol]

    def delist(self, symbol: str, time_ms: int) -> None:
        """Cancels the symbol's orders, closes its positions at the mark price and forgets it."""
        market = self.market(symbol)
        for account in self.accounts.values():
            self._cancel_open_orders(account, symbol)
            if account.position(symbol).size:
                self.liquidate(account, symbol, time_ms, penalty_rate=Decimal(0))
        del self.markets[market.spec.symbol]

    def reject_next(self, code: Code, symbol: Optional[str] = None) -> None:
        """The next order (of that symbol) will be rejected with a code."""
        self._rejections.append((code, symbol))

    # --- prices and time

    def set_price(self, symbol: str, price: Decimal, time_ms: int) -> None:
        """Pins the index (and mark) price and does what follows from it."""
        market = self.market(symbol)
        market.observe(time_ms)
        market.price.pin(price)
        market.forget_ladder()
        self.react(time_ms)

    def release_price(self, symbol: str, time_ms: int) -> None:
        """Gives the price back to its process."""
        market = self.market(symbol)
        market.observe(time_ms)
        market.price.release()
        market.forget_ladder()
        self.react(time_ms)

    def tick(self, time_ms: int) -> None:
        """One step of the price process, then everything that follows from it."""
        for market in self.markets.values():
            trade = market.advance(time_ms) if market.trading else None
            if trade:
                self.on_trade(trade)
        self.react(time_ms)

    def follow(self, updates: Iterable[Update], time_ms: int) -> None:
        """Takes what a feed tells up to a time; every price has its consequences before the next one."""
        for update in updates:
            market = self.markets.get(update.symbol)
            if market is not None:  # it may have been delisted here
                self._follow(market, update)
        for market in self.markets.values():
            if market.is_fed:
                market.told_until(time_ms)

    def _follow(self, market: Market, update: Update) -> None:
        if update.trading is not None:
            market.trading = update.trading
        if update.funding_rate is not None:
            market.observe(update.time_ms)
            market.funding.set_rate(update.time_ms, update.funding_rate)
        if update.index is not None:
            trade = market.follow(update.time_ms, update.index, update.mark, update.size)
            if trade:
                self.on_trade(trade)
            self._work_orders(update.time_ms, market.spec.symbol)

    def react(self, time_ms: int) -> None:
        """Settles funding when due, triggers orders and liquidates, at the prices as they are."""
        while time_ms >= self._next_settlement_ms:
            if self.config.switches.funding_settlement == "hourly":
                self.settle_funding(self._next_settlement_ms)
            self._next_settlement_ms += HOUR_MS
        for market in self.markets.values():
            market.observe(time_ms)
        self._work_orders(time_ms)

    def _work_orders(self, time_ms: int, symbol: Optional[str] = None) -> None:
        """Triggers orders, of one symbol or of all, and liquidates."""
        for account in list(self.accounts.values()):
            for order in account.orders.open_orders():
                if order.status.is_open and symbol in (None, order.request.symbol):
                    self._work(account, order, time_ms)
            self._liquidate_if_insolvent(account, time_ms)

    def settle_funding(self, time_ms: int) -> List[FundingPayment]:
        """Settles the funding of all positions, outside of any order, and returns the payments that are not zero."""
        payments = []
        for account in self.accounts.values():
            for symbol, position in account.positions.items():
                self.markets[symbol].observe(time_ms)
                account.remember_position(symbol, time_ms)
                amount = position.settle_funding(self.markets[symbol].funding.cumulative, self._money_quantum)
                payments += self._book_funding(account, symbol, amount, None, time_ms)
        return payments

    # --- orders

    def place(self, account: Account, request: OrderRequest, time_ms: int) -> Order:
        """Takes an order that is well-formed. What the engine refuses becomes a REJECTED order.

        :raises VenueError: instead, when the switch `reject_by` says so
        """
        self.market(request.symbol).observe(time_ms)
        order = self._new_order(account, request, time_ms)
        code = self._forced_rejection(request.symbol) or checks.refusal(account, self.markets, order, self.config)
        if code and self.config.switches.reject_by == "http":
            raise VenueError(code)
        self._enter(account, order, code, time_ms)
        return order

    def cancel(self, account: Account, order_id: str) -> Order:
        """:raises VenueError: 3017 when there is no such open order"""
        order = account.orders.by_id(order_id)
        if order is None or not order.status.is_open:
            raise VenueError(Code.ORDER_NOT_FOUND)
        self._end(account, order, OrderStatus.CANCELLED)
        return order

    def set_leverage(self, account: Account, symbol: str, value: int) -> int:
        """:raises VenueError: 1130 out of range, 3020 with open orders, 3021 when lowered with a position"""
        market = self.market(symbol)
        if not 1 <= value <= market.spec.max_leverage:
            raise VenueError(Code.INVALID_PARAMETER, f"Leverage must be from 1 to {market.spec.max_leverage}.")
        current = margin.leverage_of(account, market, self.config.default_leverage)
        if value != current:
            if any(order.request.symbol == symbol for order in account.orders.open_orders()):
                raise VenueError(Code.ORDER_CHANGES_LEVERAGE)
            if value < current and account.position(symbol).size:
                raise VenueError(Code.DECREASE_LEVERAGE)
        account.leverages[symbol] = value
        return value

    def liquidate(self, account: Account, symbol: str, time_ms: int, penalty_rate: Optional[Decimal] = None) -> Order:
        """Closes a position at the mark price by a LIQUIDATION order, with a penalty in its fees.

        :raises ValueError: when there is no position
        """
        position, market = account.position(symbol), self.market(symbol)
        market.observe(time_ms)
        if not position.size:
            raise ValueError(f"Account group {account.group} has no position in {symbol}.")
        for order in account.orders.open_orders():
            if order.request.symbol == symbol:
                order.code = Code.DELETED_BY_LIQUIDATION
                self._end(account, order, OrderStatus.REJECTED if not order.fills else OrderStatus.CANCELLED)
        request = OrderRequest(VENUE_NONCE, symbol, not position.is_long, abs(position.size),
                               OrderType.LIQUIDATION, market.price.mark, reduce_only=True)
        order = self._new_order(account, request, time_ms)
        account.orders.add(order)
        self.on_order(OrderEvent(account, order))
        rate = self.config.liquidation_penalty_rate if penalty_rate is None else penalty_rate
        self._fill(account, order, request.size, market.price.mark, time_ms, extra_fee_rate=rate)
        return order

    def new_id(self) -> str:
        """The next order id: deterministic, and shaped like the venue's."""
        self.id_count += 1
        return "0x" + hashlib.sha256(f"{self.config.seed}:{self.id_count}".encode()).hexdigest()

    def _forced_rejection(self, symbol: str) -> Optional[Code]:
        for rejection in self._rejections:
            if rejection[1] in (None, symbol):
                self._rejections.remove(rejection)
                return rejection[0]
        return None

    def _new_order(self, account: Account, request: OrderRequest, time_ms: int) -> Order:
        market = self.markets[request.symbol]
        leverage = margin.leverage_of(account, market, self.config.default_leverage)
        parts = 1 if request.time_in_force is TimeInForce.FOK else max(1, self.config.switches.fill_parts)
        part_size = max(market.spec.size_step, (request.size / parts).quantize(market.spec.size_step, ROUND_CEILING))
        return Order(self.new_id(), request, time_ms, Decimal(1) / leverage, market.price.mark, part_size)

    def _enter(self, account: Account, order: Order, code: Optional[Code], time_ms: int) -> None:
        """An order appears at the venue, REJECTED if there is a code, and fills at once if it can."""
        if code:
            order.status, order.code = OrderStatus.REJECTED, code
        account.orders.add(order)
        account.last_nonce = max(account.last_nonce, order.request.nonce)
        self.on_order(OrderEvent(account, order))
        if order.status.is_open:
            self._work(account, order, time_ms)
        if order.status.is_open and order.request.time_in_force is TimeInForce.FOK:
            self._end(account, order, OrderStatus.CANCELLED)

    def _work(self, account: Account, order: Order, time_ms: int) -> None:
        """Fills as many parts as the price, the book and the switches allow now."""
        market = self.markets[order.request.symbol]
        taken = Decimal(0)
        while order.status.is_open and market.trading and market.price.tick >= order.next_part_tick:
            if not checks.is_triggered(order, market):
                return
            code = checks.refusal_at_trigger(account, self.markets, order, self.config)
            if code:
                order.code = code
                self._end(account, order, OrderStatus.CANCELLED if order.fills else OrderStatus.REJECTED)
                return
            size, price = self._quote(order, market, taken)
            if not size:
                if order.request.order_type is OrderType.MARKET:
                    self._end(account, order, OrderStatus.CANCELLED)
                return
            self._fill(account, order, size, price, time_ms)
            taken += size
            order.next_part_tick = market.price.tick + self.config.switches.fill_part_ticks

    @staticmethod
    def _quote(order: Order, market: Market, taken: Decimal) -> Tuple[Decimal, Decimal]:
        """Size and price of the order's next part; size zero when nothing can be filled.

        :param taken: what the order has taken off this same book already
        """
        request = order.request
        levels = market.ladder.side_for(request.is_buy)
        worst = request.limit_price if request.order_type is OrderType.MARKET else None
        size = min(order.remaining, order.part_size, available(levels, request.is_buy, worst) - taken)
        if size <= 0 or (request.time_in_force is TimeInForce.FOK and size < order.remaining):
            return Decimal(0), Decimal(0)
        price = average_price(levels, request.is_buy, taken, size, market.spec.price_step)
        if request.order_type in (OrderType.MARKET, OrderType.LIMIT):
            price = min(price, request.limit_price) if request.is_buy else max(price, request.limit_price)
        return size, price

    def _fill(self, account: Account, order: Order, size: Decimal, price: Decimal, time_ms: int,
              extra_fee_rate: Decimal = Decimal(0)) -> None:
        request = order.request
        market = self.markets[request.symbol]
        account.remember_position(request.symbol, time_ms)
        position = account.positions.setdefault(request.symbol, account.position(request.symbol))
        funding = position.settle_funding(market.funding.cumulative, self._money_quantum)
        realized = position.trade(size if request.is_buy else -size, price)
        fee_rate = market.spec.taker_fee + self.config.premium_rate + extra_fee_rate
        fee = (size * price * fee_rate).quantize(self._money_quantum)
        account.cash += realized - fee
        account.fees += fee
        account.realized_pnl += realized
        self._book_funding(account, request.symbol, funding, order.id, time_ms)
        if not position.size:
            del account.positions[request.symbol]
        fill = Fill(size, price, fee, funding, realized, market.funding.cumulative, market.price.mark, time_ms)
        order.fills.append(fill)
        trade = market.add_trade(price, size, request.is_buy, time_ms)
        if order.remaining:
            order.status = OrderStatus.PARTIALLY_FILLED
            self.on_order(OrderEvent(account, order, fill))
        else:
            self._end(account, order, OrderStatus.FILLED, fill)
        self.on_trade(trade)

    def _book_funding(self, account: Account, symbol: str, amount: Decimal, order_id: Optional[str],
                      time_ms: int) -> List[FundingPayment]:
        if not amount:
            return []
        account.cash += amount
        account.settled_funding += amount
        account.funding_payments.append(FundingPayment(time_ms, symbol, amount, order_id))
        return account.funding_payments[-1:]

    def _end(self, account: Account, order: Order, status: OrderStatus, fill: Optional[Fill] = None) -> None:
        order.status = status
        account.orders.close(order)
        self.on_order(OrderEvent(account, order, fill))
        if status is OrderStatus.FILLED:
            self._attach_exits(account, order)

    def _attach_exits(self, account: Account, order: Order) -> None:
        """Once an order with TP or SL is filled, those become orders of their own."""
        exits = ((OrderType.TAKE_PROFIT, order.request.tp_price), (OrderType.STOP_LOSS, order.request.sl_price))
        for order_type, price in exits:
            if price is not None:
                request = OrderRequest(VENUE_NONCE, order.request.symbol, not order.request.is_buy,
                                       order.request.size, order_type, price, reduce_only=True)
                exit_order = self._new_order(account, request, order.fills[-1].time_ms)
                code = checks.refusal(account, self.markets, exit_order, self.config)
                self._enter(account, exit_order, code, exit_order.post_time_ms)

    def _cancel_open_orders(self, account: Account, symbol: str) -> None:
        for order in account.orders.open_orders():
            if order.request.symbol == symbol:
                self._end(account, order, OrderStatus.CANCELLED)

    def _liquidate_if_insolvent(self, account: Account, time_ms: int) -> None:
        if not account.positions:
            return
        if margin.equity(account, self.markets) < margin.total_maintenance_margin(account, self.markets):
            for symbol in list(account.positions):
                if symbol in account.positions and self.markets[symbol].trading:
                    self.liquidate(account, symbol, time_ms)
