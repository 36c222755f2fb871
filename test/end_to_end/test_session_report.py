"""The report of a session that was traded on the simulated venue, in a real browser."""
import asyncio
import html
import io
import logging
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from test.end_to_end.bench import running
from test.programs import requires
from typing import Any, Dict, List

import pytest
import pytest_asyncio
from PIL import Image

from hummingbot.connector.derivative.vest_perpetual.session_report.picture import open_page, take_picture
from hummingbot.connector.derivative.vest_perpetual.session_report.report import write_report
from hummingbot.core.data_type.common import PositionAction
from workbench.books import Books, compare, venue_books

pytestmark = [pytest.mark.asyncio(loop_scope="module"), requires("chromium")]
SYMBOLS = {"BTC-PERP": "BTC-USDC", "ETH-PERP": "ETH-USDC"}
LOG_FORMAT = "%(asctime)s - %(process)d - %(name)s - %(levelname)s - %(message)s"  # Hummingbot's
TROUBLE = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")


@dataclass
class Traded:
    """A session that is over.

    :param folder: with the database, the log, the page and its picture
    :param venue: the venue's books of it
    """

    folder: Path
    venue: Books
    marks: Dict[str, Decimal]
    acks: int
    page: str = ""

    @property
    def file(self) -> Path:
        return self.folder / "report.html"


@contextmanager
def logging_to(file: Path):
    """Writes a log file as the client does."""
    file.parent.mkdir(parents=True)
    handler = logging.FileHandler(file)
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


async def trade(bench: Any) -> int:
    """Both pairs, both ways, every end of an order, funding, a lost stream; returns how many orders were confirmed."""
    bot = bench.bot
    await bench.admin.set_funding_rate("BTC-PERP", "0.5")
    for pair, amount in (("BTC-USDC", "0.02"), ("ETH-USDC", "0.5")):
        await bot.filled(bot.buy(pair, amount))
    resting = bot.limit_order("0.95")
    await bot.open(resting)
    await bot.cancel(resting)
    bench.expected_complaints += ["stream of Vest is interrupted"]
    await bench.admin.disconnect_sockets()
    await bench.until(lambda: len(bench.said("stream of Vest is connected again")) == 2)
    refused = bot.buy("BTC-USDC", "0.0000001")
    await bench.until(lambda: bot.is_done(refused))
    await bot.filled(bot.sell("ETH-USDC", "0.7"))
    await bot.filled(bot.sell("BTC-USDC", "0.02", action=PositionAction.CLOSE))
    await bench.settled()
    return 5


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def traded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traded")
    with logging_to(folder / "logs" / "logs_trades.log"):
        async with running(with_database=True) as bench:
            acks = await trade(bench)
            shutil.copyfile(bench.bot.records.database, folder / "trades.sqlite")
            venue = venue_books(await bench.ledger(), SYMBOLS)
            prices = await bench.admin.prices()
    marks = {pair: Decimal(prices[symbol]["mark"]) for symbol, pair in SYMBOLS.items()}
    session = Traded(folder, venue, marks, acks)
    await asyncio.to_thread(write_report, folder / "trades.sqlite", session.file, folder / "report.png",
                            marks=session.marks)
    session.page = session.file.read_text()
    return session


def number(page: str, pair: str, name: str) -> Decimal:
    row = re.search(rf'<tr class="" data-market="{pair}">(.*?)</tr>', page)[1]
    return Decimal(re.search(rf'data-name="{name}" data-value="([^"]*)"', row)[1])


async def test_the_numbers_on_the_page_are_those_of_the_venue(traded):
    names = {"orders filled": "orders_filled", "orders cancelled": "orders_cancelled", "base volume": "base_volume",
             "quote volume": "quote_volume", "fees": "fees", "funding": "funding", "position": "position", "PnL": "pnl"}
    told = {(line.pair, line.what): line.venue for line in compare(traded.venue, traded.venue, traded.marks)}
    for pair in SYMBOLS.values():
        for what, name in names.items():
            assert number(traded.page, pair, name) == told[pair, what], (pair, what)
    assert told["BTC-USDC", "funding"] != 0 and told["ETH-USDC", "position"] < 0


async def test_the_log_of_this_connector_is_understood(traded):
    words = " ".join(re.sub("<[^>]+>", " ", html.unescape(traded.page.split("<script>")[0])).split())
    for stream in ("market data stream", "user stream"):
        assert re.search(rf"{stream} 1 1 \d", words), words
    assert "The log tells of 1 failed order in all" in words
    confirmed = re.findall(r"(?:LIMIT|MARKET) (\d+) [\d.]+ (?:ms|s) ", words.split("Order to confirmation")[1])
    assert sum(map(int, confirmed)) == traded.acks


@pytest.mark.parametrize("is_dark", [False, True])
async def test_a_browser_shows_the_page_without_complaint_and_fetches_nothing(traded, is_dark):
    trouble: List[Any] = []
    requested: List[str] = []

    async def note_trouble(event):
        trouble.append(event["params"])

    async def note_request(event):
        requested.append(event["params"]["request"]["url"])

    listeners = {**dict.fromkeys(TROUBLE, note_trouble), "Network.requestWillBeSent": note_request}
    async with open_page(traded.file, is_dark, listeners) as tab:
        drawn = await tab.ask("Array.from(document.querySelectorAll('figure'), figure => figure._fullData.length)")
        triangles = await tab.ask("document.querySelectorAll('.scatterlayer .point').length")
        overflow = await tab.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert trouble == []
    assert [url for url in requested if not url.startswith(("data:", "blob:"))] == [traded.file.as_uri()]
    assert len(drawn) == 6 and all(drawn)  # two markets, states, two latencies, the log
    assert triangles > 4
    assert overflow <= 0


async def test_the_figures_follow_when_the_scheme_changes(traded):
    background = "document.querySelector('figure')._fullLayout.paper_bgcolor"
    changed = (f"new Promise(done => {{ const look = () => {background} !== before ? done(true) : "
               f"setTimeout(look, 50); look() }})")
    async with open_page(traded.file) as tab:
        await tab.ask(f"window.before = {background}")
        await tab.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        assert await asyncio.wait_for(tab.ask(changed), 30)


async def test_pictures_in_light_and_dark(traded):
    dark_file = traded.folder / "dark.png"
    await take_picture(traded.file, dark_file, is_dark=True)
    pictures = [Image.open(io.BytesIO(file.read_bytes())).convert("RGB")
                for file in (traded.folder / "report.png", dark_file)]
    backgrounds = []
    for picture in pictures:
        assert picture.width >= 1300 and picture.height > 2000
        colours = sorted(picture.getcolors(maxcolors=2 ** 24), reverse=True)
        backgrounds.append(sum(colours[0][1]) / 3)
        assert len(colours) > 200 and colours[0][0] < 0.9 * picture.width * picture.height
    assert backgrounds[0] > 230 and backgrounds[1] < 40


async def test_what_a_hostile_log_says_is_only_shown(traded, tmp_path):
    shutil.copytree(traded.folder, tmp_path / "copy")
    log = tmp_path / "copy" / "logs" / "logs_trades.log"
    attack = '<img src=x onerror="window.attacked = 1"></script><script>window.attacked = 2</script>'
    with log.open("a") as file:
        file.write(f"2026-11-22 21:26:42,746 - 1 - evil{attack.replace(' ', '/')} - ERROR - {attack}\n"
                   f"2026-11-22 21:26:42,746 - 1 - a - WARNING - The book stream of Vest is interrupted ({attack}). "
                   f"Reconnecting, with growing pauses.\n")
    page = tmp_path / "hostile.html"
    await asyncio.to_thread(write_report, tmp_path / "copy" / "trades.sqlite", page)
    async with open_page(page) as tab:
        assert await tab.ask("window.attacked === undefined")
        assert await tab.ask("document.body.textContent.includes('onerror')")
