"""One listed symbol: its prices, book, trades, candles and funding."""
import random
from collections import deque
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Deque, Dict, List, Optional

from vest_simulator.config import SimulatorConfig
from vest_simulator.engine.candles import DAY_MS, Bar, CandleSeries
from vest_simulator.engine.funding import Funding
from vest_simulator.engine.ladder import Ladder, build_ladder
from vest_simulator.engine.prices import MILLION, IndexPrice, past_deviation_ppm
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
    """The state of one symbol. Times are passed in; nothing here reads a clock."""

    def __init__(self, spec: SymbolSpec, config: SimulatorConfig, start_ms: int) -> None:
        self.spec = spec
        self.trading = True
        self.price = IndexPrice(config.seed, spec)
        self.funding = Funding(config.seed, spec, config.funding_rate_multiplier, start_ms)
        self.trades: Deque[Trade] = deque(maxlen=_MAX_TRADES)
        self._config = config
        self._start_ms = start_ms
        self._start_deviation_ppm = past_deviation_ppm(config.seed, spec.symbol, start_ms)
        self._book_override: Optional[Ladder] = None
        self._ladder: Optional[Ladder] = None
        self._candles: Dict[str, CandleSeries] = {}
        self._series("1m")
        self._trade_random = random.Random(f"{config.seed}:{spec.symbol}:trades")
        self._trade_count = 0

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
        """One tick: new prices, and now and then somebody's trade, which is returned."""
        self.price.advance()
        self._ladder = None
        self.observe(time_ms)
        if not self.trading or self._trade_random.randrange(100) >= _TRADE_CHANCE_PERCENT:
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
        """Lets funding accrue and candles follow up to a time."""
        self.funding.accrue(time_ms, self.price.index)
        for series in self._candles.values():
            series.update(time_ms, self.price.mark)

    def add_trade(self, price: Decimal, size: Decimal, is_buy: bool, time_ms: int) -> Trade:
        self._trade_count += 1
        trade = Trade(self._trade_count, self.spec.symbol, price, size, is_buy, time_ms)
        self.trades.append(trade)
        for series in self._candles.values():
            series.add_trade(time_ms, price, size)
        return trade

    def change_decimals(self, size_decimals: int, price_decimals: int) -> None:
        """From now on orders must have these decimals."""
        self.spec = replace(self.spec, size_decimals=size_decimals, price_decimals=price_decimals)
        self._ladder = None

    def candles(self, interval: str) -> CandleSeries:
        """The series of an interval, made up to now when it is asked for the first time."""
        return self._candles.get(interval) or self._series(interval)

    def day(self, time_ms: int) -> List[Bar]:
        """The 15-minute bars of the last 24 hours, oldest first."""
        return [bar for bar in self.candles("15m").newest() if bar.open_ms >= time_ms - DAY_MS]

    def _series(self, interval: str) -> CandleSeries:
        series = CandleSeries(interval, self._past_price, self._start_ms, self.spec.size_step)
        if self._candles:
            for minute in self._candles["1m"].newest():
                if minute.close_ms >= self._start_ms:
                    series.absorb(minute)
        self._candles[interval] = series
        return series

    def _past_price(self, time_ms: int) -> Decimal:
        deviation_ppm = past_deviation_ppm(self._config.seed, self.spec.symbol, time_ms) - self._start_deviation_ppm
        return (self.spec.start_price * (MILLION + deviation_ppm) / MILLION).quantize(self.spec.price_step)
