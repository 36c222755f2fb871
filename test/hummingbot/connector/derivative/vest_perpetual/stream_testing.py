"""What the tests of the two data sources share: names, a log to look into, waiting, and tasks."""
import asyncio
import logging
from test.isolated_asyncio_wrapper_test_case import IsolatedAsyncioWrapperTestCase
from typing import Any, Callable, Dict, List, Set
from unittest.mock import AsyncMock, MagicMock

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_web_utils as web_utils
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import SocketTiming
from hummingbot.connector.test_support.network_mocking_assistant import NetworkMockingAssistant

SIGNING_KEY = "0x" + "11" * 32


def short_timing(**changes: float) -> SocketTiming:
    """Times for tests, in seconds; the code is the same.

    No connection lasts long enough here to be called healthy, however long a busy computer makes it wait.
    """
    times = dict(
        connect_timeout_s=5, ping_interval_s=0.05, silence_limit_s=0.8, subscribe_timeout_s=1, close_timeout_s=0.2,
        backoff_min_s=0.01, backoff_max_s=0.2, healthy_after_s=600, unauthorized_retry_s=0.2,
    )
    return SocketTiming(**{**times, **changes})


async def eventually(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Wait until something is so.

    :raises TimeoutError: when it does not come about
    """
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


def tasks_of_hummingbot() -> Set[asyncio.Task]:
    """The running loop's tasks that are neither a test's nor the simulated venue's."""
    return {task for task in asyncio.all_tasks()
            if task.get_coro().cr_frame.f_globals["__name__"].startswith("hummingbot.")}


def websocket_of(assistant: NetworkMockingAssistant) -> AsyncMock:
    """The framework's mock of aiohttp's websocket, of which one more method is no coroutine."""
    websocket = assistant.create_websocket_mock()
    websocket.get_extra_info = MagicMock(return_value=None)
    return websocket


class Names:
    """The part of the connector that the data sources use."""

    def __init__(self):
        self.symbols: Dict[str, str] = {
            "BTC-USDC": "BTC-PERP", "ETH-USDC": "ETH-PERP", "SOL-USDC": "SOL-PERP", "NDX-USDC": "NDX-USD-PERP",
        }
        self.refusals: List[Exception] = []
        self.tickers: List[Any] = []

    async def exchange_symbol_associated_to_pair(self, trading_pair: str) -> str:
        return self.symbols[trading_pair]

    async def trading_pair_associated_to_exchange_symbol(self, symbol: str) -> str:
        return {symbol: pair for pair, symbol in self.symbols.items()}[symbol]

    async def get_last_traded_prices(self, trading_pairs: List[str]) -> Dict[str, float]:
        return {trading_pair: 100.5 for trading_pair in trading_pairs if trading_pair in self.symbols}

    def on_api_key_refused(self, error: Exception) -> None:
        self.refusals.append(error)

    def on_ticker(self, trading_pair: str, ticker: Any) -> None:
        self.tickers.append((trading_pair, ticker))


class LogRecords(logging.Handler):
    """What a logger was told."""

    def __init__(self, logger: logging.Logger):
        super().__init__(level=1)
        self.records: List[logging.LogRecord] = []
        self._logger, self._level_before = logger, logger.level
        logger.setLevel(1)
        logger.addHandler(self)

    def detach(self) -> None:
        """Leaves the logger as it was, for the tests that come after."""
        self._logger.removeHandler(self)
        self._logger.setLevel(self._level_before)

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def texts(self, level: int = 0) -> List[str]:
        """The texts of a level and above."""
        formatter = logging.Formatter()
        return [formatter.format(record) for record in self.records if record.levelno >= level]

    def count(self, part: str) -> int:
        """How many texts hold a part."""
        return sum(part in text for text in self.texts())


class StreamTestCase(IsolatedAsyncioWrapperTestCase):
    """Runs things in the background and ends them."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.names = Names()
        self._running: List[asyncio.Task] = []

    def run_in_background(self, coroutine) -> asyncio.Task:
        task = asyncio.create_task(coroutine)
        self._running.append(task)
        return task

    async def end_background(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

    async def asyncTearDown(self) -> None:
        await self.end_background()
        await super().asyncTearDown()

    def record_logs_of(self, source: Any) -> LogRecords:
        logs = LogRecords(source.logger())
        self.addCleanup(logs.detach)
        return logs

    async def api_factory(self, **arguments: Any):
        factory = web_utils.build_api_factory(**arguments)
        self.addAsyncCleanup(factory.close)
        return factory
