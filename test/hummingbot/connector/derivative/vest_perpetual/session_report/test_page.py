"""The page: its numbers, its words for what is missing, and that nothing from a database or a log becomes HTML."""
import html as html_module
import json
import re
import sys
from decimal import Decimal
from html.parser import HTMLParser
from importlib.resources import files
from test.hummingbot.connector.derivative.vest_perpetual.session_report.session_testing import (
    LOST,
    START_MS,
    Recording,
    short_session,
    values,
)

import pytest

from hummingbot.connector.derivative.vest_perpetual.session_report import figures
from hummingbot.connector.derivative.vest_perpetual.session_report.page import DRAWN_MARKETS, html
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import ReportError, Selection
from hummingbot.connector.derivative.vest_perpetual.session_report.report import write_report
from hummingbot.connector.derivative.vest_perpetual.session_report.session import read_session

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
PAGE_TAGS = set("html head meta title style body main h1 h2 h3 p div span figure script ul li "
                "table thead tbody tr th td".split())
PAGE_COLOURS = re.compile(r"--(page|panel|text|muted|bad|good): (#[0-9a-f]{6})")


def page_of(recording, **selection):
    return html(read_session(recording.database, Selection(**selection)))


def words_of(page):
    """What a reader sees, without scripts and styles."""
    return html_module.unescape(re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL))


class Tags(HTMLParser):
    """The tags of a page, each with the names of its attributes, as a browser finds them."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, [name for name, _ in attrs]))


def luminance(colour):
    parts = [int(colour[start:start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """As WCAG 2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_numbers_of_a_session(tmp_path):
    page = page_of(short_session(tmp_path))
    found = values(page)
    assert found["BTC-USDC", "orders"] == 5
    assert [found["BTC-USDC", f"orders_{state}"] for state in ("filled", "cancelled", "failed", "open")] == [2, 1, 1, 1]
    assert found["BTC-USDC", "pnl"] == Decimal("19.7245")
    assert found["all of USDC", "pnl"] == Decimal("19.7245") + Decimal("0.747")
    assert found["all of USDC", "funding"] == Decimal("0.5")
    assert ("all of USDC", "position") not in found
    words = words_of(page)
    for told in ("market_making (conf.yml)", "2026-11-22 21:26:33 to 2026-11-22 21:26:42 UTC (9 s)", "20.47 USDC",
                 "user stream 1 1 750 ms", "Failed to cancel order …: HTTP 503", "379 ms", "50 ms", "40 ms"):
        assert told in re.sub(r"\s+", " ", words)


def test_an_empty_database_is_said_to_be_empty(tmp_path):
    words = words_of(page_of(Recording(tmp_path)))
    assert "has left neither orders nor fills nor funding" in words
    assert "There is no log file of bot.sqlite" in words


def test_orders_without_fills_and_fills_without_orders(tmp_path):
    orders, fills = Recording(tmp_path / "orders"), Recording(tmp_path / "fills")
    orders.order(0)
    fills.fill(0, 1, 100)
    assert values(page_of(orders))["BTC-USDC", "orders_open"] == 1
    assert "No order was filled completely" in words_of(page_of(orders))
    assert values(page_of(fills))["BTC-USDC", "fills"] == 1


def test_a_period_in_which_nothing_happened(tmp_path):
    recording = Recording(tmp_path)
    recording.fill(0, 3, 100)
    page = page_of(recording, from_ms=START_MS + 1)
    assert values(page)["BTC-USDC", "position"] == 3
    assert "Held before the period: 3 BTC at 100 USDC" in words_of(page)


def test_a_log_without_complaints(tmp_path):
    recording = Recording(tmp_path)
    recording.fill(0, 1, 100)
    recording.say((0, "INFO", "all is well"))
    words = words_of(page_of(recording))
    assert "The log has no warning and no error" in words and "No stream of Vest was lost" in words


def test_money_of_two_currencies_is_not_added_up(tmp_path):
    recording = Recording(tmp_path)
    for pair in ("BTC-USDC", "ETH-USDC", "BTC-EUR"):
        recording.fill(0, 1, 100, symbol=pair)
    found = values(page_of(recording))
    assert found["all of USDC", "quote_volume"] == 200
    assert ("all of EUR", "quote_volume") not in found  # of a single market there is no sum


def test_of_many_markets_the_largest_are_drawn(tmp_path):
    recording = Recording(tmp_path)
    count = DRAWN_MARKETS + 3
    for number in range(count):
        recording.fill(0, 1, 100 + number, symbol=f"A{number:02d}-USDC")
    page = page_of(recording)
    assert len(re.findall(r"<h2>A\d\d-USDC</h2>", page)) == DRAWN_MARKETS
    assert "<h2>A00-USDC</h2>" not in page and values(page)["A00-USDC", "fills"] == 1
    assert f"the summary has all {count}" in words_of(page)


def test_a_pair_on_two_connectors_is_named_with_them(tmp_path):
    recording = Recording(tmp_path)
    recording.fill(0, 1, 100)
    recording.fill(0, 1, 100, market="vest_perpetual_testnet")
    assert values(page_of(recording))["BTC-USDC on vest_perpetual_testnet", "fills"] == 1


def test_a_reader_who_does_not_see_the_figures_is_told_what_they_show(tmp_path):
    page = page_of(short_session(tmp_path))
    labels = re.findall(r'<figure [^>]*role="img" aria-label="([^"]+)"', page)
    assert len(labels) == page.count("<figure ") == 6
    assert "This market lost" in labels[1] or "This market earned" in labels[1]
    for table in re.findall(r"<table.*?</table>", page, flags=re.DOTALL):
        assert '<thead><tr><th scope="col"' in table


def test_what_a_bot_warns_of_without_a_fault_is_called_harmless(tmp_path):
    recording = Recording(tmp_path)
    recording.say((0, "WARNING", "vest_perpetual is not ready. Please wait..."), (1, "WARNING", "The disk is full."))
    words = words_of(page_of(recording))
    assert "is not ready. Please wait...  (harmless: the strategy's first ticks" in words
    assert words.count("harmless") == 1


def test_nothing_from_outside_becomes_html(tmp_path):
    recording = Recording(tmp_path)
    for connector in (f"vest_perpetual{HOSTILE}", "vest_perpetual"):
        order = recording.order(0, market=connector, symbol=f"{HOSTILE}-{HOSTILE}", strategy=HOSTILE, kind=HOSTILE,
                                config_file_path=HOSTILE, id=HOSTILE + connector, ended=("BuyOrderCompleted", 10))
        recording.fill(0, 1, 100, market=connector, symbol=f"{HOSTILE}-{HOSTILE}", strategy=HOSTILE, order_id=order)
    recording.say((0, "ERROR", HOSTILE, f"logger{HOSTILE}".replace(" ", "")),
                  (0, "WARNING", LOST.replace("close code 1006", HOSTILE)))
    page = page_of(recording)
    tags = Tags()
    tags.feed(page)
    assert {tag for tag, _ in tags.found} <= PAGE_TAGS
    assert not [name for _, names in tags.found for name in names if name.startswith("on") or name == "src"]
    sources = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, flags=re.DOTALL)
    assert [tag for tag, _ in tags.found].count("script") == len(sources) + 2  # plotly and ours
    assert len(sources) == 2 + 2 + 1  # each market, the orders, the log
    # Labels of figures are HTML of plotly's own kind.
    for words in sources:
        assert "<" not in words and "<img" not in json.dumps(json.loads(words))


def test_the_page_names_no_address_to_fetch(tmp_path):
    page = page_of(short_session(tmp_path))
    assert "default-src 'none'" in page
    without_plotly = re.sub(r"<script>/\*.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"https?://|src=|@import|<link|url\(", without_plotly)


def test_marks_lines_and_words_can_be_read_in_light_and_dark():
    style = files(figures.__package__).joinpath("page.html").read_text(encoding="utf-8")
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for half in (light, dark):
        colours = dict(PAGE_COLOURS.findall(half))
        assert len(colours) == 6
        for name in ("text", "muted", "bad", "good"):
            assert contrast(colours[name], colours["panel"]) >= 4.5
            assert contrast(colours[name], colours["page"]) >= 4.5
        for colour in figures.COLOURS:
            assert contrast(colour, colours["panel"]) >= 3


def test_without_a_browser_the_page_is_written_and_the_user_told(tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "none"))
    written = write_report(short_session(tmp_path).database, tmp_path / "report.html", tmp_path / "report.png")
    assert written.page.exists() and written.picture is None and not (tmp_path / "report.png").exists()
    assert "install one" in written.remark


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ReportError, match="cannot be written"):
        write_report(short_session(tmp_path).database, tmp_path / "none" / "report.html")


def test_without_plotly_the_user_is_told_what_to_install(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("plotly") or name.endswith("session_report.page")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, figures.__name__)
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(ReportError, match="pip install plotly"):
        write_report(short_session(tmp_path).database, tmp_path / "report.html")
