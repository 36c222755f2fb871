"""The picture of the page: what it takes, and what the user is told without it."""
import sys
from test.hummingbot.connector.derivative.vest_perpetual.session_report.session_testing import short_session
from test.programs import requires

import pytest
from PIL import Image

from hummingbot.connector.derivative.vest_perpetual.session_report.picture import WIDTH, take_picture
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import ReportError
from hummingbot.connector.derivative.vest_perpetual.session_report.report import write_report


@requires("chromium")
def test_the_whole_page_is_on_it(tmp_path):
    written = write_report(short_session(tmp_path).database, tmp_path / "report.html", tmp_path / "report.png")
    with Image.open(written.picture) as picture:
        assert picture.width == WIDTH and picture.height > 2000
    assert written.remark == ""


@requires("chromium")
@pytest.mark.asyncio
async def test_a_page_that_is_none_of_ours_is_not_taken(tmp_path):
    (tmp_path / "page.html").write_text("<p>hello</p>")
    with pytest.raises(ReportError, match="The page failed in the browser"):
        await take_picture(tmp_path / "page.html", tmp_path / "page.png")
    assert not (tmp_path / "page.png").exists()


@pytest.mark.asyncio
async def test_a_browser_that_does_not_start(tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "/bin/false")
    with pytest.raises(ReportError, match="did not take the picture"):
        await take_picture(tmp_path / "page.html", tmp_path / "page.png")


@pytest.mark.asyncio
async def test_without_choreographer_the_user_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "choreographer", None)
    with pytest.raises(ReportError, match="pip install choreographer"):
        await take_picture(tmp_path / "page.html", tmp_path / "page.png")
