"""The venue's JSON objects (protocol sections 4 to 6). Decimals travel as strings, times as integer milliseconds."""
from decimal import Decimal
from typing import Any, Dict, List, Optional, Tuple

from vest_simulator.config import SimulatorConfig, Switches
from vest_simulator.engine import margin
from vest_simulator.engine.account import Account, MoneyRecord
from vest_simulator.engine.candles import Bar
from vest_simulator.engine.codes import Code
from vest_simulator.engine.exchange import MoneyEvent, OrderEvent
from vest_simulator.engine.ladder import Level
from vest_simulator.engine.market import Market, Trade
from vest_simulator.engine.orders import Order, OrderStatus
from vest_simulator.engine.positions import Position

Payload = Dict[str, Any]
_SIX_DECIMALS = Decimal("0.000001")
_PRICE_EXTRA = Decimal("1e-12")
_FILL_FIELDS = ("lastFilledSize", "lastFilledPrice", "lastFilledTime", "avgFilledPrice", "settledFunding", "fees",
                "realizedPnl")


def text(value: Decimal) -> str:
    """A decimal as it travels: plain digits, never an exponent, never minus zero."""
    return format(value if value else abs(value), "f")


def money(value: Decimal) -> str:
    """An amount of USDC that was computed, with six decimals."""
    return text(value.quantize(_SIX_DECIMALS))


# --- market data

def exchange_info(markets: List[Market], config: SimulatorConfig) -> Payload:
    """The answer of GET /exchangeInfo."""
    return {"symbols": [symbol_info(market, config.switches) for market in markets],
            "exchange": {"lp": "5000000.000000", "insurance": "250000.000000", "collateralDecimals": 6}}


def symbol_info(market: Market, switches: Switches) -> Payload:
    """A market as GET /exchangeInfo shows it."""
    spec = market.spec
    info = {"symbol": spec.symbol, "displayName": spec.symbol, "base": spec.base, "quote": spec.quote,
            "sizeDecimals": spec.size_decimals, "priceDecimals": spec.price_decimals,
            "initMarginRatio": text(spec.init_margin_ratio), "maintMarginRatio": text(spec.maint_margin_ratio),
            "takerFee": text(spec.taker_fee), "isolated": switches.isolated_margin}
    if switches.newer_exchange_info:
        tick_size = text(market.tick_size)
        info |= {"asset": spec.asset, "tradingStatus": status(market), "makerFee": text(spec.taker_fee),
                 "minTickSize": tick_size, "tickSizes": [tick_size], "displaySymbol": spec.symbol}
    return info


def status(market: Market) -> str:
    """The word for whether a market trades."""
    return "TRADING" if market.trading else "HALT"


def ticker(market: Market, time_ms: int) -> Payload:
    """A row of GET /ticker/latest and of the tickers' channel."""
    return {"symbol": market.spec.symbol, "markPrice": text(market.price.mark), "indexPrice": text(market.price.index),
            "imbalance": "0.0000", "oneHrFundingRate": text(market.funding.rate_at(time_ms)),
            "cumFunding": text(market.funding.cumulative), "status": status(market)}


def newer_ticker(market: Market, time_ms: int) -> Payload:
    """The per-symbol ticker of the newer feed, with the fields of the captured frame."""
    day = ticker_24hr(market, time_ms)
    return ticker(market, time_ms) | {
        "marginMarkPrice": text(market.price.mark), "priceChange": day["priceChange"],
        "priceChangePercent": day["priceChangePercent"], "capitalStatus": status(market)}


def ticker_24hr(market: Market, time_ms: int) -> Payload:
    """A row of GET /ticker/24hr: volumes in base and quote, the change in percent."""
    bars = market.day(time_ms)
    first, last = bars[0], bars[-1]
    change = last.close - first.open
    return {"symbol": market.spec.symbol, "openPrice": text(first.open), "closePrice": text(last.close),
            "highPrice": text(max(bar.high for bar in bars)), "lowPrice": text(min(bar.low for bar in bars)),
            "quoteVolume": money(sum(bar.quote_volume for bar in bars)),
            "volume": text(sum(bar.volume for bar in bars)), "priceChange": text(change),
            "priceChangePercent": text((change / first.open * 100).quantize(_PRICE_EXTRA)),
            "openTime": first.open_ms, "closeTime": time_ms}


def depth(bids: List[Level], asks: List[Level], limit: int) -> Payload:
    """The book's best `limit` levels a side."""
    return {"bids": [[text(price), text(size)] for price, size in bids[:limit]],
            "asks": [[text(price), text(size)] for price, size in asks[:limit]]}


def trade(deal: Trade, switches: Switches) -> Payload:
    """A public trade as GET /trades and the trades' channel show it."""
    sign = -1 if switches.trade_sign == "negative_qty" and not deal.is_buy else 1
    payload = {"id": deal.id if switches.trade_id == "int" else f"{deal.symbol}:{deal.id}:0",
               "price": text(deal.price), "qty": text(sign * deal.size),
               "quoteQty": text(sign * deal.price * deal.size), "time": deal.time_ms}
    if switches.trade_sign == "side":
        payload["side"] = "buy" if deal.is_buy else "sell"
    return payload


def kline(bar: Bar) -> List:
    """A bar as GET /klines and the candles' channel show it."""
    return [bar.open_ms, text(bar.open), text(bar.high), text(bar.low), text(bar.close), bar.close_ms, text(bar.volume),
            text(bar.quote_volume), bar.trades]


# --- orders and money

def order(record: Order, switches: Switches) -> Payload:
    """An order as GET /orders shows it."""
    request = record.request
    payload = {"id": record.id, "nonce": request.nonce, "symbol": request.symbol, "isBuy": request.is_buy,
               "orderType": request.order_type.value, "limitPrice": text(request.limit_price),
               "markPrice": text(record.mark_price), "size": text(request.size), "status": record.status.value,
               "reduceOnly": request.reduce_only, "initMarginRatio": ratio(record.init_margin_ratio)}
    if record.status is OrderStatus.REJECTED and record.code is not None:
        payload["code"] = int(record.code)
    shown = record.status is OrderStatus.FILLED or (record.fills and switches.partial_fill_fields == "filled")
    payload |= order_totals(record) if shown else dict.fromkeys(_FILL_FIELDS)
    return payload | {"postTime": record.post_time_ms, "tpPrice": optional(request.tp_price),
                      "slPrice": optional(request.sl_price)}


def order_totals(record: Order) -> Payload:
    """The fields of an order that has fills."""
    last = record.fills[-1]
    return {"lastFilledSize": text(last.size), "lastFilledPrice": text(last.price), "lastFilledTime": last.time_ms,
            "avgFilledPrice": average_price(record), "settledFunding": text(record.settled_funding),
            "fees": text(record.fees), "realizedPnl": money(record.realized_pnl)}


def average_price(record: Order) -> Optional[str]:
    """The average of all fills, in the decimals of the order's price."""
    return None if record.average_price is None else text(record.average_price.quantize(record.request.limit_price))


def order_event(event: OrderEvent, switches: Switches) -> Payload:
    """The args of an ORDER event; a cancellation or rejection carries hardly anything."""
    record, request = event.order, event.order.request
    args = {"id": record.id, "nonce": request.nonce, "status": record.status.value, "postTime": record.post_time_ms}
    if record.status is OrderStatus.REJECTED and record.code is not None:
        args["code"] = int(record.code)
    if record.status is OrderStatus.NEW or event.fill:
        args |= {"symbol": request.symbol, "isBuy": request.is_buy, "orderType": request.order_type.value,
                 "limitPrice": text(request.limit_price), "size": text(request.size),
                 "reduceOnly": request.reduce_only, "initMarginRatio": ratio(record.init_margin_ratio)}
    if event.fill:
        fees = record.fees if switches.fees == "cumulative" else event.fill.fee
        args |= {"lastFilledSize": text(event.fill.size), "lastFilledPrice": text(event.fill.price),
                 "lastFilledTime": event.fill.time_ms, "avgFilledPrice": average_price(record),
                 "cumFunding": text(event.fill.cum_funding), "fees": text(fees)}
    return args


def money_record(record: MoneyRecord) -> Payload:
    """An LP order or a transfer, in REST and in events."""
    payload = {"id": record.id, "nonce": record.nonce, "orderType": record.order_type, "size": text(record.size),
               "status": record.status, "postTime": record.post_time_ms,
               "code": None if record.code is None else int(record.code)}
    if record.chain_id is not None:
        payload["chainId"] = record.chain_id
    return payload


def private_frame(kind: str, args: Payload) -> Payload:
    """A frame of the private socket."""
    return {"channel": "account_private", "data": {"event": kind, "args": args}}


def money_frame(event: MoneyEvent) -> Payload:
    """The frame that tells of a deposit, a withdrawal or an LP order."""
    return private_frame(event.kind, money_record(event.record))


# --- account

def account(holder: Account, address: str, markets: Dict[str, Market], config: SimulatorConfig,
            time_ms: int) -> Payload:
    """The answer of GET /account."""
    switches, default = config.switches, config.default_leverage
    equity = margin.equity(holder, markets)
    locked = Decimal(0)
    if switches.locked_balance == "margin":
        locked = min(margin.used_margin(holder, markets, default), max(holder.cash, Decimal(0)))
    positions = holder.positions_at(time_ms - switches.position_lag_ms)
    payload = {
        "address": address, "balances": [{"asset": "USDC", "total": money(holder.cash), "locked": money(locked)}],
        "collateral": money(holder.cash), "withdrawable": money(margin.withdrawable(holder, markets, default)),
        "totalAccountValue": money(equity),
        "openOrderMargin": money(margin.open_order_margin(holder, markets, default)),
        "totalMaintMargin": money(margin.total_maintenance_margin(holder, markets)),
        "positions": [position(holder, held, markets, default)
                      for held in positions.values() if held.symbol in markets],
        "leverages": [{"symbol": symbol, "value": value} for symbol, value in holder.leverages.items()],
        "lp": {"balance": money(holder.lp_shares), "shares": money(holder.lp_shares), "unrealizedPnl": "0.000000"},
        "time": time_ms,
    }
    if not switches.withdrawable_present:
        del payload["withdrawable"]
    if switches.empty_lists == "absent":
        payload = {key: value for key, value in payload.items() if value != []}
    return payload


def position(holder: Account, held: Position, markets: Dict[str, Market], default_leverage: int) -> Payload:
    """A position as GET /account shows it."""
    market = markets[held.symbol]
    leverage = margin.leverage_of(holder, market, default_leverage)
    return {"symbol": held.symbol, "isLong": held.is_long, "size": text(abs(held.size)),
            "entryPrice": text(held.entry_price.quantize(_PRICE_EXTRA).normalize()),
            "entryFunding": text(held.entry_funding),
            "unrealizedPnl": money(margin.unrealized_pnl(held, market)), "settledFunding": text(held.settled_funding),
            "markPrice": text(market.price.mark), "indexPrice": text(market.price.index),
            "liqPrice": text(margin.liquidation_price(holder, markets, held).quantize(market.spec.price_step)),
            "initMargin": money(margin.position_margin(holder, market, held, default_leverage)),
            "maintMargin": money(margin.maintenance_margin(market, held)),
            "initMarginRatio": ratio(Decimal(1) / leverage)}


def open_interest(symbol: str, accounts: List[Account]) -> Payload:
    """A row of GET /oi, in base."""
    sizes = [holder.position(symbol).size for holder in accounts]
    return {"symbol": symbol, "longOi": text(sum((size for size in sizes if size > 0), Decimal(0))),
            "shortOi": text(sum((-size for size in sizes if size < 0), Decimal(0)))}


def optional(value: Optional[Decimal]) -> Optional[str]:
    """A decimal as it travels, or None."""
    return None if value is None else text(value)


def ratio(value: Decimal) -> str:
    """A decimal fraction that was computed, with six decimals."""
    return text(value.quantize(_SIX_DECIMALS))


# --- errors

def error(code: Code, message: str, status_code: int, switches: Switches) -> Tuple[int, Payload]:
    """HTTP status and body of a refusal, in the shape the switch asks for."""
    flat = {"code": int(code), "msg": message}
    shape = switches.error_shape
    if shape == "flat_200":
        return 200, flat
    body = {"flat": flat, "detail": {"detail": flat}, "detail_string": {"detail": message}}[shape]
    return status_code, body
