"""The engine alone: orders, rejections, triggers, parts, margin, leverage, funding, liquidation."""
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given, settings, strategies as st

from vest_simulator import SimulatorConfig, Switches
from vest_simulator.engine import margin
from vest_simulator.engine.codes import Code, VenueError
from vest_simulator.engine.exchange import Exchange
from vest_simulator.engine.funding import HOUR_MS
from vest_simulator.engine.ladder import Ladder
from vest_simulator.engine.orders import OrderRequest, OrderStatus, OrderType, TimeInForce
from vest_simulator.engine.treasury import Treasury

D = Decimal
START_MS = 1_795_363_200_000
BTC = "BTC-PERP"


class Desk:
    """An exchange at a pinned price, one account, and its events."""

    def __init__(self, balance="100000", price="50000", **switches):
        self.exchange = Exchange(SimulatorConfig(switches=Switches(**switches)), START_MS)
        self.account = self.exchange.add_account(5, D(balance))
        self.now_ms = START_MS
        self.nonces = count(1)
        self.events = []
        self.exchange.on_order = lambda event: self.events.append((event.order.id, event.order.status, event.fill))
        self.price(price)

    def price(self, price, symbol=BTC):
        self.exchange.set_price(symbol, D(price), self.now_ms)

    def book(self, bids, asks, symbol=BTC):
        levels = [[(D(price), D(size)) for price, size in side] for side in (bids, asks)]
        self.exchange.market(symbol).set_book(Ladder(*levels))

    def place(self, is_buy=True, size="1.0000", price=None, order_type=OrderType.LIMIT, symbol=BTC, **fields):
        if price is None:
            order_type, price = OrderType.MARKET, "60000.00" if is_buy else "40000.00"
        request = OrderRequest(next(self.nonces), symbol, is_buy, D(size), order_type, D(price), **fields)
        return self.exchange.place(self.account, request, self.now_ms)

    def pass_time(self, ms):
        self.now_ms += ms
        self.exchange.react(self.now_ms)

    def statuses(self, order):
        return [status for order_id, status, _ in self.events if order_id == order.id]

    @property
    def position(self):
        return self.account.position(BTC)


def conserved(account):
    """Cash is what came in, plus realized profit and funding, minus fees and LP shares."""
    funding = sum((payment.amount for payment in account.funding_payments), D(0))
    return account.cash == account.deposits - account.lp_shares + account.realized_pnl - account.fees + funding


def test_a_market_order_takes_the_ladder_and_pays_taker_fee_and_premium():
    desk = Desk()
    desk.book([("49990", "5")], [("50010", "0.4"), ("50020", "0.6"), ("50100", "9")])
    order = desk.place()
    assert order.status is OrderStatus.FILLED and len(order.fills) == 1
    assert order.average_price == D("50016.00")
    assert order.fees == D("50016") * D("0.00012")
    assert (desk.position.size, desk.position.entry_price) == (D("1"), D("50016"))
    assert desk.account.cash == D("100000") - order.fees
    assert desk.statuses(order) == [OrderStatus.NEW, OrderStatus.FILLED]


def test_closing_realizes_profit_and_the_position_disappears():
    desk = Desk()
    desk.book([("51000", "5")], [("50000", "5")])
    desk.place()
    closing = desk.place(is_buy=False, reduce_only=True)
    assert closing.realized_pnl == D("1000") and desk.account.positions == {} and conserved(desk.account)


def test_a_position_flips():
    desk = Desk()
    desk.book([("51000", "5")], [("50000", "5")])
    desk.place()
    flip = desk.place(is_buy=False, size="3.0000")
    assert flip.realized_pnl == D("1000")
    assert (desk.position.size, desk.position.entry_price) == (D("-2"), D("51000"))


@pytest.mark.parametrize("arrange, fields, code", [
    (lambda desk: None, {"order_type": OrderType.MARKET, "price": "49000.00"}, Code.PRICE_CHECK_FAILED),
    (lambda desk: desk.book([], []), {}, Code.PRICE_CHECK_FAILED),
    (lambda desk: desk.book([], [("50000", "0.5")]), {}, Code.PRICE_CHECK_FAILED),
    (lambda desk: None, {"size": "21.0000"}, Code.MARGIN_CHECK_FAILED),
    (lambda desk: None, {"size": "21.0000", "price": "49000.00"}, Code.MARGIN_CHECK_FAILED),
    (lambda desk: None, {"reduce_only": True}, Code.REDUCE_ONLY_INCREASE),
    (lambda desk: desk.place(), {"reduce_only": True}, Code.REDUCE_ONLY_INCREASE),
    (lambda desk: desk.place(), {"reduce_only": True, "is_buy": False, "size": "1.0001"}, Code.REDUCE_ONLY_EXCEEDS),
    (lambda desk: setattr(desk.exchange.market(BTC), "trading", False), {}, Code.ORDER_MARKET_CLOSED),
    (lambda desk: desk.exchange.reject_next(Code.PRICE_STALE), {}, Code.PRICE_STALE),
    (lambda desk: desk.exchange.reject_next(Code.PRICE_STALE, BTC), {}, Code.PRICE_STALE),
], ids=["price", "empty book", "thin book", "margin", "margin limit", "reduce-only flat", "reduce-only same side",
        "reduce-only too large", "halted", "forced", "forced for the symbol"])
@pytest.mark.parametrize("reject_by", ["event", "http"])
def test_refusals(arrange, fields, code, reject_by):
    desk = Desk()
    arrange(desk)
    desk.exchange.config.switches.reject_by = reject_by
    known, cash = len(desk.account.orders), desk.account.cash
    if reject_by == "http":
        with pytest.raises(VenueError) as caught:
            desk.place(**fields)
        assert caught.value.code == code and len(desk.account.orders) == known
    else:
        order = desk.place(**fields)
        assert (order.status, order.code) == (OrderStatus.REJECTED, code)
        assert desk.statuses(order) == [OrderStatus.REJECTED]
    assert desk.account.cash == cash


def test_a_price_off_the_coarser_tick_is_refused_only_where_that_tick_is_published():
    for newer, status in ((True, OrderStatus.REJECTED), (False, OrderStatus.NEW)):
        desk = Desk(newer_exchange_info=newer)
        order = desk.place(symbol="SPX-USD-PERP", price="6000.30", size="0.1000")
        assert order.status is status
        assert order.code == (Code.INVALID_LIMIT_PRICE if newer else None)


def test_the_open_interest_cap():
    desk = Desk(balance="100000000")
    assert desk.place(size="900.0000", price="49000.00").status is OrderStatus.NEW
    assert desk.place(size="1100.0000", price="49000.00").code == Code.OPEN_INTEREST_CAP


def test_increase_during_insolvency():
    desk = Desk(balance="10000")
    desk.place(size="1.0000")
    market = desk.exchange.market(BTC)
    market.price.pin(D("40100"))
    market.forget_ladder()
    assert desk.place(size="0.0001").code == Code.INCREASE_DURING_INSOLVENCY
    assert desk.place(size="0.5000", is_buy=False).status is OrderStatus.FILLED


@pytest.mark.parametrize("is_buy, limit, away, reached", [
    (True, "49000.00", "49000.01", "49000"), (False, "51000.00", "50999.99", "51000")])
def test_a_limit_order_fills_when_the_index_reaches_it_at_the_limit_or_better(is_buy, limit, away, reached):
    desk = Desk()
    order = desk.place(is_buy=is_buy, price=limit)
    desk.price(away)
    assert order.status is OrderStatus.NEW
    desk.price(reached)
    assert order.status is OrderStatus.FILLED
    assert order.average_price <= D(limit) if is_buy else order.average_price >= D(limit)


def test_a_marketable_limit_order_fills_at_once_at_the_better_price():
    desk = Desk()
    desk.book([], [("50010", "5")])
    assert desk.place(price="50500.00").average_price == D("50010")
    assert desk.place(price="50005.00").average_price == D("50005")


def test_fill_or_kill():
    desk = Desk()
    filled = desk.place(price="50500.00", time_in_force=TimeInForce.FOK)
    waiting = desk.place(price="49000.00", time_in_force=TimeInForce.FOK)
    desk.book([], [("50000", "0.5")])
    thin = desk.place(price="50500.00", time_in_force=TimeInForce.FOK)
    assert filled.status is OrderStatus.FILLED
    for order in (waiting, thin):
        assert desk.statuses(order) == [OrderStatus.NEW, OrderStatus.CANCELLED] and not order.fills


def test_a_limit_order_takes_a_thin_book_piece_by_piece():
    desk = Desk()
    desk.book([], [("50000", "0.4")])
    order = desk.place(price="50000.00")
    assert order.status is OrderStatus.PARTIALLY_FILLED and order.filled_size == D("0.4")
    desk.pass_time(1)
    desk.pass_time(1)
    assert [fill.size for fill in order.fills] == [D("0.4"), D("0.4"), D("0.2")]
    assert order.status is OrderStatus.FILLED


@pytest.mark.parametrize("price", [None, "50500.00"], ids=["market", "limit"])
def test_parts_at_once_walk_the_book_like_one_fill(price):
    desk = Desk(fill_parts=3)
    desk.book([], [("50000", "0.5"), ("50100", "5")])
    order = desk.place(size="1.0000", price=price)
    assert [fill.size for fill in order.fills] == [D("0.3334"), D("0.3334"), D("0.3332")]
    assert order.fills[0].price == D("50000") and order.fills[2].price == D("50100")
    assert desk.statuses(order) == [OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.PARTIALLY_FILLED,
                                    OrderStatus.FILLED]


def test_parts_over_ticks_can_be_cancelled_in_between():
    desk = Desk(fill_parts=4, fill_part_ticks=2)
    order = desk.place()
    desk.exchange.tick(desk.now_ms)
    assert order.filled_size == D("0.25")
    desk.exchange.tick(desk.now_ms)
    assert order.filled_size == D("0.5")
    desk.exchange.cancel(desk.account, order.id)
    desk.exchange.tick(desk.now_ms)
    desk.exchange.tick(desk.now_ms)
    assert (order.status, order.filled_size, desk.position.size) == (OrderStatus.CANCELLED, D("0.5"), D("0.5"))


def test_cancel_of_unknown_or_done_orders_is_3017():
    desk = Desk()
    done = desk.place()
    for order_id in (done.id, "0x0"):
        with pytest.raises(VenueError) as caught:
            desk.exchange.cancel(desk.account, order_id)
        assert caught.value.code == Code.ORDER_NOT_FOUND


def test_a_reduce_only_order_whose_position_went_is_rejected_when_triggered():
    desk = Desk()
    desk.place()
    order = desk.place(is_buy=False, price="51000.00", reduce_only=True)
    desk.place(is_buy=False)
    desk.price("51000")
    assert (order.status, order.code) == (OrderStatus.REJECTED, Code.REDUCE_ONLY_INCREASE)


def test_no_trigger_while_halted():
    desk = Desk()
    order = desk.place(price="49000.00")
    desk.exchange.market(BTC).trading = False
    desk.price("48000")
    assert order.status is OrderStatus.NEW
    desk.exchange.market(BTC).trading = True
    desk.pass_time(1)
    assert order.status is OrderStatus.FILLED


@pytest.mark.parametrize("reached, order_type", [("52000", OrderType.TAKE_PROFIT), ("48000", OrderType.STOP_LOSS)])
def test_take_profit_and_stop_loss_appear_with_the_fill_and_close_the_position(reached, order_type):
    desk = Desk()
    order = desk.place(price="50500.00", tp_price=D("52000.00"), sl_price=D("48000.00"))
    exits = [row for row in desk.account.orders if row.request.order_type is not OrderType.LIMIT]
    assert order.status is OrderStatus.FILLED and len(exits) == 2
    desk.price(reached)
    filled = [row for row in exits if row.status is OrderStatus.FILLED]
    assert [row.request.order_type for row in filled] == [order_type] and not desk.position.size


# --- margin and leverage

def test_margin_by_hand():
    desk = Desk(balance="10000")
    desk.book([("50000", "5")], [("50000", "5")])
    desk.place(size="1.0000")
    desk.place(size="0.5000", price="40000.00")
    markets = desk.exchange.markets
    desk.price("51000")
    cash = D("10000") - D("50000") * D("0.00012")
    assert margin.equity(desk.account, markets) == cash + 1000
    assert margin.used_margin(desk.account, markets, 10) == D("5100") + D("2000")
    assert margin.total_maintenance_margin(desk.account, markets) == D("510")
    assert margin.withdrawable(desk.account, markets, 10) == cash - D("7100")
    price = margin.liquidation_price(desk.account, markets, desk.position)
    desk.exchange.market(BTC).price.pin(price)
    gap = margin.equity(desk.account, markets) - margin.total_maintenance_margin(desk.account, markets)
    assert abs(gap) < D("0.01")


def test_the_fee_must_be_covered_too():
    for balance, status in (("5006", OrderStatus.FILLED), ("5005.99", OrderStatus.REJECTED)):
        desk = Desk(balance=balance)
        desk.book([], [("50000", "5")])
        assert desk.place(size="1.0000").status is status


def test_an_order_holds_back_margin_for_what_is_not_filled_yet():
    desk = Desk()
    desk.book([], [("50000", "0.4")])
    desk.place(size="1.0000", price="50000.00")
    assert margin.open_order_margin(desk.account, desk.exchange.markets, 10) == D("3000")


def test_leverage_changes_and_refusals():
    desk = Desk()
    set_leverage = desk.exchange.set_leverage
    assert set_leverage(desk.account, BTC, 20) == 20
    waiting = desk.place(price="40000.00")
    assert waiting.init_margin_ratio == D("0.05")
    for value, code in ((51, Code.INVALID_PARAMETER), (0, Code.INVALID_PARAMETER), (30, Code.ORDER_CHANGES_LEVERAGE)):
        with pytest.raises(VenueError) as caught:
            set_leverage(desk.account, BTC, value)
        assert caught.value.code == code
    desk.exchange.cancel(desk.account, waiting.id)
    desk.place()
    assert set_leverage(desk.account, BTC, 30) == 30
    with pytest.raises(VenueError) as caught:
        set_leverage(desk.account, BTC, 10)
    assert caught.value.code == Code.DECREASE_LEVERAGE
    with pytest.raises(VenueError) as caught:
        set_leverage(desk.account, "NO-PERP", 10)
    assert caught.value.code == Code.BAD_SYMBOL


def test_the_default_leverage_never_exceeds_the_symbols_maximum():
    desk = Desk()
    desk.price("0.02", "kBONK-PERP")
    assert margin.leverage_of(desk.account, desk.exchange.market("kBONK-PERP"), 50) == 10


# --- funding

def test_funding_settles_on_a_fill_by_default():
    desk = Desk()
    desk.book([("50000", "9")], [("50000", "9")])
    desk.exchange.market(BTC).funding.set_rate(desk.now_ms, D("0.0001"))
    desk.place(size="2.0000")
    desk.pass_time(HOUR_MS)
    assert desk.account.funding_payments == []
    order = desk.place(size="0.5000")
    assert order.settled_funding == D("-10") == desk.position.settled_funding
    assert [(row.amount, row.order_id) for row in desk.account.funding_payments] == [(D("-10"), order.id)]
    assert conserved(desk.account)


def test_funding_settles_hourly_if_the_switch_says_so():
    desk = Desk(funding_settlement="hourly")
    desk.book([("50000", "9")], [("50000", "9")])
    desk.exchange.market(BTC).funding.set_rate(desk.now_ms, D("0.0001"))
    desk.place(is_buy=False, size="2.0000")
    desk.pass_time(2 * HOUR_MS + 5)
    assert [(row.time_ms, row.amount, row.order_id) for row in desk.account.funding_payments] == [
        (START_MS + hour * HOUR_MS, D("10"), None) for hour in (1, 2)]
    assert desk.place().settled_funding == D("0.000014")
    assert conserved(desk.account)


# --- liquidation, listing, money

def test_liquidation_when_the_maintenance_margin_is_gone():
    desk = Desk(balance="5500")
    order = desk.place(size="1.0000")
    waiting = desk.place(size="0.0100", price="40000.00")
    assert order.status is OrderStatus.FILLED
    desk.price("44900")
    closing = list(desk.account.orders)[-1]
    assert closing.request.order_type is OrderType.LIQUIDATION and closing.status is OrderStatus.FILLED
    assert closing.fees == (D("44900") * (D("0.00012") + D("0.005"))).quantize(D("0.000001"))
    assert (waiting.status, waiting.code) == (OrderStatus.REJECTED, Code.DELETED_BY_LIQUIDATION)
    assert desk.account.positions == {} and conserved(desk.account)


def test_delisting_cancels_orders_and_closes_positions():
    desk = Desk()
    desk.place()
    waiting = desk.place(price="40000.00")
    desk.exchange.delist(BTC, desk.now_ms)
    assert waiting.status is OrderStatus.CANCELLED and desk.account.positions == {}
    with pytest.raises(VenueError):
        desk.place()
    desk.exchange.tick(desk.now_ms)


def test_lp_orders_and_transfers():
    desk = Desk(balance="1000")
    treasury = Treasury(desk.exchange)

    def lp(nonce, kind, size):
        return treasury.lp_order(desk.account, nonce, kind, D(size), desk.now_ms)

    assert lp(1, "IMMEDIATE_WITHDRAW", "1").code == Code.LP_NO_SHARES
    assert lp(2, "DEPOSIT", "1001").code == Code.LP_INSUFFICIENT_BALANCE
    assert lp(3, "DEPOSIT", "300").status == "FILLED" and desk.account.cash == D("700")
    assert lp(3, "DEPOSIT", "300").code == Code.LP_DUPLICATE
    assert lp(4, "IMMEDIATE_WITHDRAW", "301").code == Code.LP_EXCEEDS_BALANCE
    assert lp(5, "IMMEDIATE_WITHDRAW", "100").status == "FILLED" and desk.account.cash == D("800")
    assert lp(6, "SCHEDULE_WITHDRAW", "100").status == "NEW"
    desk.place(size="0.1000")
    assert lp(7, "DEPOSIT", "700").code == Code.LP_MARGIN_CHECK
    assert treasury.withdraw(desk.account, 8, D("500"), 324, desk.now_ms).code == Code.TRANSFER_MARGIN_CHECK
    before = desk.account.cash
    assert treasury.withdraw(desk.account, 9, D("50"), 324, desk.now_ms).status == "FILLED"
    assert treasury.withdraw(desk.account, 9, D("50"), 324, desk.now_ms).code == Code.TRANSFER_DUPLICATE
    assert desk.account.cash == before - 50 and desk.account.deposits == D("950") and conserved(desk.account)
    treasury.deposit(desk.account, D("25"), desk.now_ms)
    assert desk.account.cash == before - 25 and desk.account.deposits == D("975") and conserved(desk.account)


# --- any history

ACTIONS = st.lists(st.tuples(st.sampled_from(["market", "limit", "cancel", "price", "time", "funding"]), st.booleans(),
                             st.integers(1, 400), st.integers(40_000, 60_000)), max_size=30)


@settings(max_examples=60, deadline=None)
@given(ACTIONS, st.sampled_from([1, 2, 3]), st.sampled_from(["on_fill", "hourly"]))
def test_any_history_adds_up(actions, parts, settlement):
    desk = Desk(fill_parts=parts, funding_settlement=settlement)
    for action, flag, size, price in actions:
        size_text = f"{D(size) / 100:.4f}"
        if action == "market":
            desk.place(is_buy=flag, size=size_text)
        elif action == "limit":
            desk.place(is_buy=flag, size=size_text, price=f"{price}.00")
        elif action == "cancel" and desk.account.orders.open_orders():
            desk.exchange.cancel(desk.account, desk.account.orders.open_orders()[0].id)
        elif action == "price":
            desk.price(str(price))
        elif action == "time":
            desk.pass_time(size * 10_000)
        elif action == "funding":
            desk.exchange.settle_funding(desk.now_ms)
    check_books(desk)


def check_books(desk):
    account = desk.account
    signed = [fill.size if order.request.is_buy else -fill.size for order in account.orders for fill in order.fills]
    assert sum(signed, D(0)) == desk.position.size
    assert conserved(account)
    assert account.fees == sum((order.fees for order in account.orders), D(0))
    assert account.realized_pnl == sum((order.realized_pnl for order in account.orders), D(0))
    for order in account.orders:
        assert order.filled_size <= order.request.size
        assert (order.status is OrderStatus.FILLED) == (order.filled_size == order.request.size)
        terminal = [status for status in desk.statuses(order) if not status.is_open]
        assert len(terminal) == (0 if order.status.is_open else 1)
        for fill in order.fills:
            limit = order.request.limit_price
            if order.request.order_type is not OrderType.LIQUIDATION:
                assert fill.price <= limit if order.request.is_buy else fill.price >= limit
            assert all(type(value) is D for value in (fill.size, fill.price, fill.fee, fill.settled_funding))
