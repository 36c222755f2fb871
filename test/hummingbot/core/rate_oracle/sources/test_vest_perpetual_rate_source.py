"""The rate source, and that the connector does without it."""
import json
import logging
import subprocess
import sys
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.simulated_venue_testing import SimulatedVenueTestCase
from test.hummingbot.connector.derivative.vest_perpetual.stream_testing import LogRecords

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.core.rate_oracle.rate_oracle import RateOracle
from hummingbot.core.rate_oracle.sources.vest_perpetual_rate_source import VestPerpetualRateSource


class TestRateSource(SimulatedVenueTestCase):

    config = {"tick_interval_s": 3600.0}

    async def asyncSetUp(self):
        await super().asyncSetUp()
        VestPerpetualRateSource.get_prices.cache_clear()
        self.source = VestPerpetualRateSource(CONSTANTS.SIMULATOR_DOMAIN)
        self.addAsyncCleanup(self.close)

    async def close(self):
        if self.source._connector is not None:
            await self.source._connector.stop_network()

    def marks(self):
        return {symbol: market.price.mark for symbol, market in self.venue.exchange.markets.items()}

    def rest_paths(self):
        return [entry["path"] for entry in self.venue.journal.entries(kind="rest")]

    async def test_a24_all_pairs_have_their_price_from_one_request(self):
        prices = await self.source.get_prices()

        marks = self.marks()
        assert len(prices) == len(marks) > 5
        assert prices["BTC-USDC"] == marks["BTC-PERP"]
        assert prices["AAPL-USDC"] == marks["AAPL-USD-PERP"]
        assert prices["KBONK-USDC"] == marks["kBONK-PERP"]
        assert (prices["SPX-USDC"], prices["SPXUSD-USDC"]) == (marks["SPX-PERP"], marks["SPX-USD-PERP"])
        assert self.rest_paths() == ["/ticker/latest"]

        await self.source.get_prices()
        assert len(self.rest_paths()) == 1  # for 30 s

    async def test_a24_only_pairs_with_the_quote_asked_for(self):
        assert len(await self.source.get_prices(quote_token="USDC")) == len(self.marks())
        assert await self.source.get_prices(quote_token="USDT") == {}

    async def test_a24_hummingbots_oracle_takes_it(self):
        oracle = RateOracle(source=self.source, quote_token="USDC")

        assert await oracle.get_rate("BTC") == self.marks()["BTC-PERP"]
        assert await oracle.rate_async("BTC-ETH") == self.marks()["BTC-PERP"] / self.marks()["ETH-PERP"]

    async def test_a_market_listed_later_has_a_price_and_no_pair_changes_its_symbol(self):
        await self.source.get_prices()
        VestPerpetualRateSource.get_prices.cache_clear()
        await self.venue.admin.list_symbol({
            "symbol": "AAPL-PERP", "base": "AAPL", "start_price": "12", "size_decimals": 1, "price_decimals": 2})
        await self.venue.admin.list_symbol({
            "symbol": "ZZZ-USD-PERP", "base": "ZZZ", "start_price": "7", "size_decimals": 1, "price_decimals": 2})

        prices = await self.source.get_prices()

        assert prices["ZZZ-USDC"] == self.marks()["ZZZ-USD-PERP"]
        assert prices["AAPL-USDC"] == self.marks()["AAPL-USD-PERP"]

    async def test_one_ticker_that_cannot_be_read_disturbs_no_other(self):
        tickers = [{"symbol": "BTC-PERP", "markPrice": "7"}, {"symbol": "ETH-PERP", "markPrice": "dear"},
                   {"symbol": "SOL-PERP"}, {"symbol": "what", "markPrice": "1"},
                   {"symbol": "ZZZ-PERP", "markPrice": "0"}]
        await self.venue.admin.add_fault(
            "rest", "status", path="/ticker/latest", status=200, body=json.dumps({"tickers": tickers}))

        assert await self.source.get_prices() == {"BTC-USDC": Decimal(7)}

    async def test_while_the_venue_fails_there_are_no_rates_and_the_log_says_so(self):
        log = LogRecords(VestPerpetualRateSource.logger())
        self.addCleanup(log.detach)
        await self.venue.admin.add_fault("rest", "status", path="/ticker/latest")

        assert await self.source.get_prices() == {}
        assert log.count("gives no rates now") == 1 and not log.texts(logging.ERROR)


def test_the_connector_is_found_without_candles_and_rates_too():
    """As with a mount of the connector's folder alone."""
    process = subprocess.run([sys.executable, "-c", """
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if "vest_perpetual_" in name else find_spec(name, *rest)
from hummingbot.client.settings import AllConnectorSettings
assert "vest_perpetual" in AllConnectorSettings.create_connector_settings()
"""], capture_output=True, text=True)

    assert process.returncode == 0, process.stderr
