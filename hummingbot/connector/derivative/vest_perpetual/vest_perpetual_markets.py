"""The venue's markets: their trading pairs, rules and fees, as `GET /exchangeInfo` tells them."""
import logging
from typing import Any, Dict, List, Optional, Set

from bidict import bidict

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_utils import trading_pairs_by_symbol
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.trade_fee import TradeFeeSchema

# More odd markets than these are not named, so that no answer of the venue fills the log.
_MAX_SAID = 50


class Markets:
    """The markets as last heard. One that is odd, halted or malformed disturbs no other (acceptance A5), and no trading
    pair ever changes its symbol while the connector lives (design decision 7).

    :param logger: where markets that are left out or named otherwise are said, once each
    """

    def __init__(self, logger: logging.Logger):
        self._logger = logger
        self._said: Set[str] = set()
        self._infos: Dict[str, wire.SymbolInfo] = {}
        self._by_pair: Dict[str, wire.SymbolInfo] = {}
        self.symbol_map: "bidict[str, str]" = bidict()

    def update(self, exchange_info: Any) -> None:
        """Takes over what the venue says now.

        :param exchange_info: decoded JSON of `GET /exchangeInfo`
        :raises VestPayloadError: when it is no list of markets
        """
        info = wire.ExchangeInfo.from_payload(exchange_info)
        self._infos = {market.symbol: market for market in info.symbols}
        self.symbol_map = trading_pairs_by_symbol(self._infos, known=self.symbol_map)
        self._by_pair = {pair: self._infos[symbol] for symbol, pair in self.symbol_map.items() if symbol in self._infos}
        for complaint in info.complaints:
            self._say(logging.ERROR, f"A market of Vest cannot be read and is left out: {complaint}")
        for market in info.symbols:
            for complaint in market.unread:
                self._say(logging.WARNING, f"What Vest says of {market.symbol} cannot be read in part: {complaint}")
            self._say_if_unusual(market.symbol)

    def get(self, symbol: str) -> Optional[wire.SymbolInfo]:
        """What the venue says of a symbol, None when it is not listed (any more).

        :param symbol: the venue's symbol
        """
        return self._infos.get(symbol)

    def of_pair(self, trading_pair: str) -> Optional[wire.SymbolInfo]:
        """As `get`; every order waits for this, and the map of symbols takes ten times as long to be read backwards.

        :param trading_pair: such as BTC-USDC
        """
        return self._by_pair.get(trading_pair)

    def trading_rules(self) -> List[TradingRule]:
        """The rules of all markets that have a trading pair."""
        return [
            TradingRule(
                trading_pair=self.symbol_map[market.symbol],
                min_order_size=market.size_step,
                min_price_increment=market.price_tick,
                min_base_amount_increment=market.size_step,
                buy_order_collateral_token=CONSTANTS.COLLATERAL_TOKEN,
                sell_order_collateral_token=CONSTANTS.COLLATERAL_TOKEN,
            )
            for market in self._infos.values() if market.symbol in self.symbol_map
        ]

    def fee_schema(self, trading_pair: str) -> Optional[TradeFeeSchema]:
        """The market's fees, None where the venue says none or zero, which it said of a market that has one [O].

        :param trading_pair: such as BTC-USDC
        """
        market = self._by_pair.get(trading_pair)
        if market is None or not market.taker_fee:
            return None
        return TradeFeeSchema(
            maker_percent_fee_decimal=market.taker_fee, taker_percent_fee_decimal=market.taker_fee
        )

    def _say_if_unusual(self, symbol: str) -> None:
        pair = self.symbol_map.get(symbol)
        if pair is None:
            self._say(logging.INFO, f"Vest's market {symbol} has no trading pair in Hummingbot and is left out.")
        elif pair.split("-")[0] != symbol.split("-")[0].upper():
            self._say(logging.INFO, f"Vest's market {symbol} is the trading pair {pair} in Hummingbot.")

    def _say(self, level: int, text: str) -> None:
        if text in self._said or len(self._said) > _MAX_SAID:
            return
        self._said.add(text)
        if len(self._said) > _MAX_SAID:
            level, text = logging.ERROR, "Vest lists so many odd markets that the others are not named here."
        self._logger.log(level, text)
