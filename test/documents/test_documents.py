"""What the documents say is there: files, sections, commands, modules, words."""
import re
from pathlib import Path

import pytest

from workbench import error_page
from workbench.home import PROJECT

_DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md"), PROJECT / "vest_simulator" / "README.md"])
_CONNECTOR = PROJECT / "hummingbot" / "connector" / "derivative" / "vest_perpetual"
_MAKEFILE = (PROJECT / "Makefile").read_text()
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_MAKE = re.compile(r"\bmake ((?:--?[a-z]+ )*)([a-z][a-z-]+)((?: [A-Z_]+=)?[^\n`;,:|]*)")

every_document = pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda file: str(file.relative_to(PROJECT)))


def _code(document: Path):
    """The pieces of a document that are typed by somebody: indented or fenced lines, and what stands in backticks."""
    text = document.read_text()
    fenced = re.findall(r"^```(?!mermaid)\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [*fenced, *re.findall(r"^ {4}(.+)$", text, re.MULTILINE), *re.findall(r"`([^`\n]+)`", text)]


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@every_document
def test_every_link_leads_somewhere(document):
    for target in _LINK.findall(document.read_text()):
        if target.startswith("https://"):
            continue
        path, _, section = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), target
        if section:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert section in map(_anchor, headings), target


@every_document
def test_every_make_command_is_there(document):
    targets = set(re.findall(r"^([a-z-]+):", _MAKEFILE, re.MULTILINE))
    variables = set(re.findall(r"\$\(([A-Z_]+)\)", _MAKEFILE))
    for piece in _code(document):
        for _, target, rest in _MAKE.findall(piece):
            assert target in targets, piece
            assert variables.issuperset(re.findall(r"\b([A-Z_]+)=", rest)), piece


def test_every_make_target_is_in_its_help():
    phony = set(re.search(r"^\.PHONY: (.*)$", _MAKEFILE, re.MULTILINE)[1].split())
    explained = set(re.findall(r"^([a-z-]+):.*?## ", _MAKEFILE, re.MULTILINE))
    assert phony == explained


def test_the_page_of_errors_is_what_the_connector_says():
    assert error_page.PAGE.read_text() == error_page.page(), "run make errors"


def test_what_comments_refer_to_can_be_looked_up():
    pages = "".join((PROJECT / "docs" / name).read_text() for name in ("architecture.md", "reliability.md"))
    listed = set(re.findall(r"^\| ([ABC]?\d+) \|", pages, re.MULTILINE))
    sources = [file for folder in ("hummingbot", "controllers", "scripts", "workbench")
               for file in (PROJECT / folder).rglob("*.py")]
    referred = {(file, name) for file in sources for name in re.findall(
        r"\b([ABC]\d{1,2})\b|\bdesign decision (\d+)", file.read_text())}
    assert len(referred) > 100
    assert [(str(file.relative_to(PROJECT)), row or decision) for file, (row, decision) in sorted(referred)
            if (row or decision) not in listed] == []


def test_the_architecture_names_every_module():
    text = (PROJECT / "docs" / "architecture.md").read_text() + (_CONNECTOR / "__init__.py").read_text()
    modules = {file.stem.removeprefix("vest_perpetual_") for file in _CONNECTOR.glob("vest_perpetual_*.py")}
    named = set(re.findall(r"\b[a-z_]+\b", text))
    assert modules <= named


def _alerts():
    """The words of log lines that docs/operating.md tells to watch for."""
    page = (PROJECT / "docs" / "operating.md").read_text()
    rows = re.findall(r"^\| (`.*?) \| (?:WARNING|ERROR) \|", page, re.MULTILINE)
    return [words for row in rows for words in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("words", _alerts())
def test_the_connector_says_the_words_to_watch_for(words):
    source = "".join(file.read_text() for file in sorted(_CONNECTOR.glob("*.py")))
    in_one_piece = re.sub(r'"\s*\n\s*f?"', "", source)
    assert words.removesuffix(" 1002") in in_one_piece


def test_there_are_words_to_watch_for():
    assert len(_alerts()) >= 12


@every_document
def test_no_document_speaks_of_one_machine(document):
    assert not re.search(r"/(root|home/(?!hummingbot)\w+|work)/", document.read_text())
