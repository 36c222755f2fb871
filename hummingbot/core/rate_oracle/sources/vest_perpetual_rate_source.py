"""Vest's mark prices as a source of Hummingbot's rate oracle."""
from decimal import Decimal
from typing import TYPE_CHECKING, Dict, Optional

from bidict import bidict

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_utils import trading_pairs_by_symbol
from hummingbot.connector.utils import split_hb_trading_pair
from hummingbot.core.rate_oracle.rate_oracle import RATE_ORACLE_SOURCES
from hummingbot.core.rate_oracle.sources.rate_source_base import RateSourceBase
from hummingbot.core.utils import async_ttl_cache

if TYPE_CHECKING:
    from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_derivative import VestPerpetualDerivative


class VestPerpetualRateSource(RateSourceBase):
    """Mark prices of all pairs, all of them against USDC. Needs no keys.

    The client's settings cannot name it: their choice of sources is closed when Hummingbot is built. A strategy or
    script takes it with `RateOracle.get_instance().source = VestPerpetualRateSource()`.

    :param domain: production, testnet or simulator
    """

    def __init__(self, domain: str = CONSTANTS.DEFAULT_DOMAIN):
        super().__init__()
        self._domain = domain
        self._connector: Optional["VestPerpetualDerivative"] = None
        self._pairs_by_symbol: "bidict[str, str]" = bidict()

    @property
    def name(self) -> str:
        """The name of the connector's domain."""
        return self._domain

    @async_ttl_cache(ttl=30, maxsize=1)
    async def get_prices(self, quote_token: Optional[str] = None) -> Dict[str, Decimal]:
        """Mark price in USDC of each trading pair, with one request, at most every 30 s.

        :param quote_token: only pairs with this quote; USDC is the only one there is
        :return: empty while the venue gives none; the log says why
        """
        from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError

        try:
            rows = await self._get_connector().get_all_pairs_prices()
        except VestError as error:
            self.logger().warning(f"Vest gives no rates now; they are asked for again in a while. {error}")
            return {}
        symbols = [row["symbol"] for row in rows]
        self._pairs_by_symbol = trading_pairs_by_symbol(symbols, known=self._pairs_by_symbol)
        prices = {
            self._pairs_by_symbol[row["symbol"]]: Decimal(row["price"])
            for row in rows if row["symbol"] in self._pairs_by_symbol
        }
        return {
            pair: price for pair, price in prices.items()
            if quote_token is None or split_hb_trading_pair(pair)[1] == quote_token
        }

    def _get_connector(self) -> "VestPerpetualDerivative":
        if self._connector is None:
            # The client imports this with every command: the connector only when rates are wanted.
            from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_derivative import VestPerpetualDerivative

            self._connector = VestPerpetualDerivative(trading_pairs=[], trading_required=False, domain=self._domain)
        return self._connector


# Hummingbot's oracle knows the sources of its own tree only (design decision 16).
RATE_ORACLE_SOURCES[CONSTANTS.DEFAULT_DOMAIN] = VestPerpetualRateSource
