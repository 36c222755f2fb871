"""A picture of the page, taken by the Chrome or Chromium that is installed; driven by choreographer."""
import asyncio
from base64 import b64decode
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, Mapping, Optional

from hummingbot.connector.derivative.vest_perpetual.session_report.drafts import drafted
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import ReportError

WIDTH, HEIGHT = 1400, 1000
TIMEOUT_S = 90.0
_DOMAINS = ("Page", "Runtime", "Log", "Network")
_DRAWN = "window.reportIsDrawn.then(() => new Promise(done => requestAnimationFrame(() => setTimeout(done))))"
Listener = Callable[[Dict[str, Any]], Awaitable[None]]


class Tab:
    """A page in a browser.

    :param tab: choreographer's
    """

    def __init__(self, tab: Any) -> None:
        self._tab = tab

    async def ask(self, expression: str) -> Any:
        """The value of an expression of JavaScript; a promise is awaited."""
        answer = await self.command("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise ReportError(f"The page failed in the browser: {answer['exceptionDetails']['text']}.")
        return answer["result"].get("value")

    async def picture(self) -> bytes:
        """All of the page, as PNG."""
        size = (await self.command("Page.getLayoutMetrics"))["cssContentSize"]
        await self.resize(size["height"])
        answer = await self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return b64decode(answer["data"])

    async def resize(self, height: float) -> None:
        """Give the page that many pixels of height."""
        await self.command("Emulation.setDeviceMetricsOverride", width=WIDTH, height=int(height), deviceScaleFactor=1,
                           mobile=False)

    async def command(self, name: str, **parameters: Any) -> Dict[str, Any]:
        """One command of the DevTools protocol."""
        return (await self._tab.send_command(name, params=parameters))["result"]


@asynccontextmanager
async def open_page(page: Path, is_dark: bool = False,
                    listeners: Optional[Mapping[str, Listener]] = None) -> AsyncIterator[Tab]:
    """The page in a browser without a window, drawn completely.

    :param is_dark: the scheme the browser prefers
    :param listeners: called with events of the DevTools protocol, by their names
    :raises ReportError: there is no browser, or it does not show the page; the text says what to do
    """
    try:
        from choreographer import Browser
        from choreographer.errors import (
            BrowserClosedError,
            BrowserFailedError,
            ChannelClosedError,
            ChromeNotFoundError,
            DevtoolsProtocolError,
        )
    except ImportError as error:
        raise ReportError("A picture needs choreographer: pip install choreographer.") from error
    try:
        async with asyncio.timeout(TIMEOUT_S), Browser(headless=True) as browser:
            tab = await browser.create_tab("")
            await _load(tab, page, is_dark, listeners or {})
            yield Tab(tab)
    except ChromeNotFoundError as error:
        raise ReportError("A picture needs Chrome or Chromium: install one (Debian: apt install chromium), or name it "
                          "in the variable BROWSER_PATH.") from error
    except (BrowserClosedError, BrowserFailedError, ChannelClosedError, DevtoolsProtocolError, TimeoutError) as error:
        raise ReportError(f"The browser did not take the picture ({type(error).__name__}); open the page in a browser "
                          f"instead.") from error


async def _load(tab: Any, page: Path, is_dark: bool, listeners: Mapping[str, Listener]) -> None:
    for domain in _DOMAINS:
        await tab.send_command(f"{domain}.enable")
    for name, listener in listeners.items():
        tab.subscribe(name, listener)
    shown = Tab(tab)
    await shown.resize(HEIGHT)
    await shown.command("Emulation.setScrollbarsHidden", hidden=True)  # they would change the width
    scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
    await shown.command("Emulation.setEmulatedMedia", features=[scheme])
    loaded = tab.subscribe_once("Page.loadEventFired")
    await shown.command("Page.navigate", url=page.absolute().as_uri())
    await loaded
    await shown.ask(_DRAWN)


async def take_picture(page: Path, picture: Path, is_dark: bool = False) -> None:
    """Write a PNG of all of a page.

    :raises ReportError: as `open_page`
    """
    async with open_page(page, is_dark) as tab:
        taken = await tab.picture()
    with drafted(picture) as draft:
        draft.write_bytes(taken)
