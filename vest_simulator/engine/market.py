"""One listed symbol: its prices, book, trades, candles and funding."""
import random
from collections import deque
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Deque, Dict, List, Optional

from vest_simulator.config import SimulatorConfig
from vest_simulator.engine.candles import DAY_MS, INTERVALS_MS, Bar, CandleSeries, Past
from vest_simulator.engine.funding import HOUR_MS, Funding
from vest_simulator.engine.history import FlatPast, MadeUpPast
from vest_simulator.engine.ladder import Ladder, build_ladder
from vest_simulator.engine.prices import MINUTE_MS, FedPrice, IndexPrice, Price
from vest_simulator.engine.specs import SymbolSpec

_MAX_TRADES = 1_000
_TRADE_CHANCE_PERCENT = 30


@dataclass(frozen=True, slots=True)
class Trade:
    """A public trade; `is_buy` is the taker's side."""

    id: int
    symbol: str
    price: Decimal
    size: Decimal
    is_buy: bool
    time_ms: int


class Market:
    """The state of one symbol. Times are passed in; nothing here reads a clock.

    :param start_ms: when trading begins
    :param is_fed: whether a feed tells the prices (see `remember` and `follow`); else they are made up
    """

    def __init__(self, spec: SymbolSpec, config: SimulatorConfig, start_ms: int, is_fed: bool = False) -> None:
        self.spec = spec
        self.trading = True
        self.is_fed = is_fed
        self.price: Price = FedPrice(spec) if is_fed else IndexPrice(config.seed, spec)
        self.funding = Funding(config.seed, spec, config.funding_rate_multiplier, start_ms)
        self.trades: Deque[Trade] = deque(maxlen=_MAX_TRADES)
        self._config = config
        self._start_ms = start_ms
        self._book_override: Optional[Ladder] = None
        self._ladder: Optional[Ladder] = None
        self._candles: Dict[str, CandleSeries] = {}
        self._trade_random = random.Random(f"{config.seed}:{spec.symbol}:trades")
        self._trade_count = 0
        self._told_ms = start_ms
        if not is_fed:
            self._make_up_past()

    def go_on(self, tick: int, index: Decimal) -> None:
        """Takes up what was at an earlier run; the past before the start is made up anew, so that it ends there.

        :param index: the exact one
        """
        self.price.tick = tick
        if isinstance(self.price, IndexPrice):
            self.price.go_on(tick, index)
            self._make_up_past()

    def _make_up_past(self) -> None:
        self.trades.clear()
        past = MadeUpPast(self._config.seed, self.spec, self.price.exact, self._start_ms)
        self._begin_candles(past, self._start_ms)
        hour_ms = self._start_ms - self._start_ms % MINUTE_MS - HOUR_MS
        for bar in past.bars(hour_ms, self._start_ms):
            self._remember_trades(bar)

    def _begin_candles(self, past: Past, start_ms: int) -> None:
        self._candles = {interval: CandleSeries(interval, past, start_ms, self._start_ms) for interval in INTERVALS_MS}

    @property
    def tick_size(self) -> Decimal:
        """The price tick; the coarser one exists only on servers that publish it (see the switch)."""
        coarser = self.spec.min_tick_size if self._config.switches.newer_exchange_info else Decimal(0)
        return max(coarser, self.spec.price_step)

    @property
    def ladder(self) -> Ladder:
        """The quotes that orders fill against and that the depth channel shows."""
        if self._book_override is not None:
            return self._book_override
        if self._ladder is None:
            self._ladder = build_ladder(self._config.seed, self.spec, self.tick_size, self.price.mark, self.price.tick)
        return self._ladder

    def set_book(self, ladder: Optional[Ladder]) -> None:
        """Replaces the quotes; None goes back to the curve."""
        self._book_override = ladder

    def forget_ladder(self) -> None:
        """To be called when the mark price or the tick size changed."""
        self._ladder = None

    def advance(self, time_ms: int) -> Optional[Trade]:
        """One tick: new prices, and now and then somebody's trade, which is returned; with a feed, neither of them."""
        self.price.advance()
        self._ladder = None
        self.observe(time_ms)
        if self.is_fed or not self.trading or self._trade_random.randrange(100) >= _TRADE_CHANCE_PERCENT:
            return None
        is_buy = self._trade_random.randrange(2) == 0
        share = self._trade_random.randint(1, 100)
        levels = self.ladder.side_for(is_buy)
        if not levels:
            return None
        price, size = levels[0]
        return self.add_trade(price, max(self.spec.size_step, (size * share / 100).quantize(self.spec.size_step)),
                              is_buy, time_ms)

    def observe(self, time_ms: int) -> None:
        """Lets funding accrue and candles follow up to a time; with a feed, candles as far as it has told."""
        self.funding.accrue(time_ms, self.price.index)
        for series in self._candles.values():
            series.update(self._candle_ms(time_ms), self.price.mark)

    def _candle_ms(self, time_ms: int) -> int:
        return min(time_ms, self._told_ms) if self.is_fed else time_ms

    # --- what a feed tells

    def remember(self, bar: Bar) -> None:
        """Takes a bar of the time before trading; bars come oldest first."""
        bar.traded(self.spec.size_step)
        if not self._candles:
            self._begin_candles(FlatPast(bar.open), bar.open_ms)
        for series in self._candles.values():
            series.absorb(bar, self.spec.size_step)
        self.price.follow(bar.close, bar.close)
        if bar.close_ms >= self._start_ms - HOUR_MS:
            self._remember_trades(bar)

    def follow(self, time_ms: int, index: Decimal, mark: Decimal, size: Decimal) -> Optional[Trade]:
        """Takes a price and what was traded at it; returns the trade."""
        self.funding.accrue(time_ms, self.price.index)
        is_buy = mark >= self.price.mark
        self.price.follow(index, mark)
        self._ladder = None
        self.told_until(time_ms)
        return self.add_trade(self.price.mark, size, is_buy, time_ms) if size else None

    def told_until(self, time_ms: int) -> None:
        """The feed has told everything up to a time."""
        if not self._candles:
            self._begin_candles(FlatPast(self.price.mark), self._start_ms)
        self._told_ms = max(self._told_ms, time_ms)
        self.observe(time_ms)

    # --- trades and candles

    def add_trade(self, price: Decimal, size: Decimal, is_buy: bool, time_ms: int) -> Trade:
        """A trade at the venue: it is in the list of trades and in the candles of all intervals."""
        trade = self._keep_trade(price, size, is_buy, time_ms)
        for series in self._candles.values():
            series.add_trade(self._candle_ms(time_ms), price, size)
        return trade

    def _remember_trades(self, bar: Bar) -> None:
        before = bar.open
        for time_ms, price, size in bar.path(self.spec.size_step):
            if size:
                self._keep_trade(price, size, price >= before, time_ms)
            before = price

    def _keep_trade(self, price: Decimal, size: Decimal, is_buy: bool, time_ms: int) -> Trade:
        self._trade_count += 1
        trade = Trade(self._trade_count, self.spec.symbol, price, size, is_buy, time_ms)
        self.trades.append(trade)
        return trade

    def change_decimals(self, size_decimals: int, price_decimals: int) -> None:
        """From now on orders must have these decimals."""
        self.spec = replace(self.spec, size_decimals=size_decimals, price_decimals=price_decimals)
        self._ladder = None

    def candles(self, interval: str) -> CandleSeries:
        """The series of an interval."""
        return self._candles[interval]

    def day(self, time_ms: int) -> List[Bar]:
        """The 15-minute bars of the last 24 hours, oldest first."""
        return [bar for bar in self.candles("15m").newest() if bar.open_ms >= time_ms - DAY_MS]
