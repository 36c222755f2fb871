"""The README's picture: what is kept of a run, and that nothing is fetched by whoever looks at it."""
import xml.etree.ElementTree as ElementTree

from workbench import picture

_RUN = [
    "- starting the bot",
    "BTC-USDC   fees   1.5   1.5  ✓",
    "",
    "The client's own history (its PnL …):",
    "| pair | trades |",
    "",
    "✓ Client and venue agree in every line; nothing was left behind.",
]


def test_the_clients_own_tables_are_left_out():
    assert picture.shortened(_RUN) == [*_RUN[:3], _RUN[-1]]


def test_a_long_line_is_cut_where_the_terminal_ends():
    assert picture.shortened(["x" * 500]) == ["x" * picture.COLUMNS]


def test_the_picture_shows_the_lines_and_fetches_nothing(tmp_path):
    file = tmp_path / "run.svg"
    picture.draw(picture.shortened(_RUN), file)
    text = "".join(ElementTree.parse(file).getroot().itertext()).replace("\xa0", " ")
    assert "starting the bot" in text and "agree in every line" in text
    assert "url(http" not in file.read_text()
