"""`make errors`: docs/errors.md, the venue's error codes in the words that the connector itself uses."""
from pathlib import Path

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import CODE_MEANINGS
from workbench.home import PROJECT

PAGE = PROJECT / "docs" / "errors.md"
_HEAD = """\
# Vest's error codes

Made by `make errors` from the words the connector uses. They come as `Vest error 1022: …` in the log, in the
reason of a failed order, and in the answers of `vest-perpetual`; behind them, in brackets, is the venue's own message.
A code that is not here has no documented meaning: the connector shows it as it came.

| code | what it means | what to do |
|---|---|---|
"""


def page() -> str:
    """The page as it should be."""
    rows = []
    for code, words in sorted(CODE_MEANINGS.items()):
        meaning, _, advice = words.partition("; ")
        rows.append(f"| {code} | {meaning} | {advice} |\n")
    return _HEAD + "".join(rows)


def main(file: Path = PAGE) -> None:
    """Write the page.

    :param file: where to
    """
    file.write_text(page())


if __name__ == "__main__":
    main()
