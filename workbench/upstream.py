"""`make upstream`: this project in a clone of Hummingbot's repository, as a pull request would have it.

The connector, the candles, the rate source and those of their unit tests that need Hummingbot alone go to their places.
Hummingbot's maps, settings and README name them, so the lines with which they name themselves beside an unchanged
Hummingbot are left out (design decision 16). Nothing is committed: `git diff` in the clone shows the pull request.

Standard library and git only, Python 3.8 or later: it works without `make install`.
"""
import argparse
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from workbench.home import PROJECT, overlay_units
from workbench.overlay import OverlayError, hummingbot_tree, is_laid_in, sources, version_warning

TESTS = "test/hummingbot"
TEST_DATA = "test/data/vest_api"
# A unit test that names one of these needs what stays in this project, or (rglob) reads every source as this project's.
ONLY_HERE = re.compile(r"\b(vest_simulator|workbench|fuzz\.surface|test\.programs|conf_global_TEMPLATE|rglob)\b")
TEST_IMPORT = re.compile(r"^\s*from (test\.hummingbot[\w.]*) import", re.MULTILINE)
NEEDED_BY_TESTS = re.compile(r"\b(hypothesis|plotly)\b")  # Hummingbot does not bring these
MOST_NAMED = 5


class UpstreamError(Exception):
    """The clone is left as it is; the text says what stands in the way and what to do."""


class Edit(NamedTuple):
    """One change of a text: `after` is put behind what `place` finds, unless the text has it already.

    :ivar what: for the user
    :ivar place: a regular expression, over several lines
    :ivar after: what comes behind it
    """

    what: str
    place: str
    after: str


class Cut(NamedTuple):
    """Lines of this project that a pull request does without: what `place` finds becomes `instead`."""

    place: str
    instead: str = ""


CANDLES_MODULE = "hummingbot.data_feed.candles_feed.vest_perpetual_candles"
CANDLES_FILE = ".vest_perpetual_candles"
RATES_MODULE = "hummingbot.core.rate_oracle.sources.vest_perpetual_rate_source"
DOMAINS = {
    "vest_perpetual": "VestPerpetualCandles",
    "vest_perpetual_simulator": "VestPerpetualSimulatorCandles",
    "vest_perpetual_testnet": "VestPerpetualTestnetCandles",
}
CANDLES_IMPORT = "from {} import (\n{})\n".format(
    CANDLES_MODULE, "".join("    {},\n".format(name) for name in sorted(DOMAINS.values())))
README_ROW = "| [Vest](https://hummingbot.org/exchanges/vest/) | CLOB DEX | Perpetual | `vest_perpetual` | - |\n"

EDITS: Dict[str, List[Edit]] = {
    "hummingbot/data_feed/candles_feed/candles_factory.py": [
        Edit("CandlesFactory imports the candles",
             r"(?:^from hummingbot\.data_feed\.candles_feed\.(?:\w|\.)+ import (?:\([^)]*\)|[^\n(]+)\n)+",
             CANDLES_IMPORT),
        Edit("CandlesFactory's map names them",
             r"^    _candles_map: [^\n]*\{\n(?:        [^\n]*\n)+",
             "".join('        "{}": {},\n'.format(*item) for item in DOMAINS.items())),
    ],
    "hummingbot/core/rate_oracle/rate_oracle.py": [
        Edit("the rate oracle imports the rate source",
             r"(?:^from hummingbot\.core\.rate_oracle\.sources\.\w+ import \w+\n)+",
             "from {} import VestPerpetualRateSource\n".format(RATES_MODULE)),
        Edit("RATE_ORACLE_SOURCES names it",
             r"^RATE_ORACLE_SOURCES\b[^\n]*\{\n(?:    [^\n]*\n)+",
             '    "vest_perpetual": VestPerpetualRateSource,\n'),
    ],
    "hummingbot/client/config/client_config_map.py": [
        Edit("the settings have a mode for it",
             r"(?=^RATE_SOURCE_MODES\b)",
             'class VestPerpetualRateSourceMode(ExchangeRateSourceModeBase):\n'
             '    name: str = Field(default="vest_perpetual")\n'
             '    model_config = ConfigDict(title="vest_perpetual")\n\n\n'),
        Edit("RATE_SOURCE_MODES names that",
             r"^RATE_SOURCE_MODES\b[^\n]*\{\n(?:    [^\n]*\n)+",
             '    VestPerpetualRateSourceMode.model_config["title"]: VestPerpetualRateSourceMode,\n'),
    ],
    "README.md": [
        Edit("the table of exchange connectors has a row for Vest",
             r"^### Other Exchange Connectors\n(?:[^|]*\n)?(?:\|[^\n]*\n)+",
             README_ROW),
    ],
}

CUTS: Dict[str, List[Cut]] = {
    "hummingbot/connector/derivative/vest_perpetual/vest_perpetual_utils.py": [
        Cut(r"\n\n# --- Candles and rates, which put themselves into Hummingbot's maps(?s:.*)\Z"),
        Cut(r"^from importlib import import_module\nfrom importlib\.util import find_spec\n"),
    ],
    "hummingbot/data_feed/candles_feed/vest_perpetual_candles/__init__.py": [
        # The factory imports all feeds of its own tree, so this one has nothing to put off.
        Cut(r"\A(?s:.*_candles_map.*)\Z", CANDLES_IMPORT.replace(CANDLES_MODULE, CANDLES_MODULE + CANDLES_FILE)
            + "\n__all__ = [{}]\n".format(", ".join('"{}"'.format(name) for name in sorted(DOMAINS.values())))),
    ],
    "hummingbot/data_feed/candles_feed/vest_perpetual_candles/vest_perpetual_candles.py": [
        Cut(r"\n\n# Hummingbot's factory knows the feeds of its own tree only(?s:.*)\Z"),
        Cut(r"^from hummingbot\.data_feed\.candles_feed\.candles_factory import CandlesFactory\n"),
    ],
    "hummingbot/core/rate_oracle/sources/vest_perpetual_rate_source.py": [
        Cut(r"\n\n# Hummingbot's oracle knows the sources of its own tree only(?s:.*)\Z"),
        Cut(r"^from hummingbot\.core\.rate_oracle\.rate_oracle import RATE_ORACLE_SOURCES\n"),
        Cut(r"^    The client's settings cannot name it:(?s:.*?)\n\n",
            "    The client's settings name it: `config rate_oracle_source vest_perpetual`.\n\n"),
    ],
}


def main() -> int:
    """The command line of the make target; returns the exit code."""
    parser = argparse.ArgumentParser(prog="upstream", description=__doc__.splitlines()[0])
    parser.add_argument("clone", help="a clone of Hummingbot's repository")
    options = parser.parse_args()
    try:
        words = PullRequest(hummingbot_clone(options.clone)).lay_in()
    except (UpstreamError, OverlayError) as error:
        print("make upstream: {}".format(error), file=sys.stderr)
        return 1
    print("\n".join(words))
    return 0


def hummingbot_clone(named: str) -> Path:
    """The root of the clone a user names.

    :raises OverlayError: it is no Hummingbot source tree.
    :raises UpstreamError: it is no clone, or `make install-into` has laid its files there.
    """
    root = hummingbot_tree(named)
    if not (root / ".git").exists():
        raise UpstreamError("{} is no git clone: a pull request needs one (git clone …/hummingbot).".format(root))
    if is_laid_in(root):
        raise UpstreamError("make install-into has laid its files into {0}: run make uninstall-from HUMMINGBOT_DIR={0} "
                            "first.".format(root))
    return root


class PullRequest:
    """What a pull request changes in a clone.

    :param root: of the clone, as `hummingbot_clone` gives it.
    :param project: the checkout the files come from.
    """

    def __init__(self, root: Path, project: Path = PROJECT) -> None:
        self._root = root
        self._project = project
        self._edits_made: List[str] = []
        self._tests_left_out: List[str] = []

    def lay_in(self) -> List[str]:
        """Write every file that is not yet as the pull request has it; returns what to tell the user.

        :raises UpstreamError: a file to be changed has changes that are not committed, or has no place for an edit.
        """
        wanted = dict(self._edited())
        wanted.update(self._files())
        changes = {path: text for path, text in wanted.items() if self._current(path) != text}
        dirty = sorted(self._uncommitted(set(changes)))
        if dirty:
            more = len(dirty) - MOST_NAMED
            raise UpstreamError("not committed in {}: {}{}. Commit these changes or take them back (git checkout, git "
                                "clean), and run this again.".format(
                                    self._root, ", ".join(dirty[:MOST_NAMED]),
                                    " and {} more".format(more) if more > 0 else ""))
        for path, text in changes.items():
            _replace(self._root / path, text)
        return self._words(wanted, changes)

    def _files(self) -> Iterator[Tuple[str, bytes]]:
        """Path in the clone and content of all that is ours alone."""
        places = [self._project / unit for unit in overlay_units(self._project)] + [self._project / TEST_DATA]
        for file in (file for place in places for file in sources(place)):
            yield self._path(file), self._without_cuts(file)
        for file in self._tests():
            is_theirs_as_well = file.name == "__init__.py" and (self._root / self._path(file)).exists()
            if not is_theirs_as_well:
                yield self._path(file), file.read_bytes()

    def _tests(self) -> List[Path]:
        """The unit tests that need nothing but Hummingbot, with the modules they import and their folders'."""
        texts = {self._path(file): file.read_text() for file in sources(self._project / TESTS) if file.suffix == ".py"}
        left_out = {path for path, text in texts.items() if ONLY_HERE.search(text)}
        while True:
            more = {path for path, text in texts.items() if path not in left_out and left_out.intersection(
                _imported_tests(path, text))}
            if not more:
                break
            left_out |= more
        self._tests_left_out = sorted(path for path in left_out if Path(path).name.startswith("test_"))
        return [self._project / path for path in sorted(set(texts) - left_out)]

    def _without_cuts(self, file: Path) -> bytes:
        if self._path(file) not in CUTS:
            return file.read_bytes()
        text = file.read_text()
        for cut in CUTS[self._path(file)]:
            text, count = re.subn(cut.place, lambda found: cut.instead, text, flags=re.MULTILINE)
            if count != 1:
                raise UpstreamError("{} has changed: workbench/upstream.py does not find {!r} in it.".format(
                    self._path(file), cut.place))
        return text.encode()

    def _edited(self) -> Iterator[Tuple[str, bytes]]:
        """Path and new content of each file of Hummingbot's own."""
        for path, edits in EDITS.items():
            current = self._current(path)
            if current is None:
                raise UpstreamError("{} has no {}: this is not the Hummingbot this project is made for.".format(
                    self._root, path))
            text = current.decode()
            for edit in edits:
                if edit.after in text:
                    continue
                found = re.search(edit.place, text, re.MULTILINE)
                if found is None:
                    raise UpstreamError("{} of {} has no place for this: {}. Make the change by hand.".format(
                        path, self._root, edit.what))
                text = text[:found.end()] + edit.after + text[found.end():]
                self._edits_made.append("{}: {}".format(path, edit.what))
            yield path, text.encode()

    def _uncommitted(self, paths: Set[str]) -> Set[str]:
        """Those of the paths that git would not give back as they are now."""
        if not paths:
            return set()
        listed = subprocess.run(
            ["git", "-C", str(self._root), "status", "--porcelain", "-z", "--untracked-files=all", "--ignored",
             "--no-renames", "--", *sorted(paths)], stdout=subprocess.PIPE, check=True).stdout.decode()
        return {entry[3:] for entry in listed.split("\0") if entry}

    def _current(self, path: str) -> Optional[bytes]:
        file = self._root / path
        return file.read_bytes() if file.is_file() else None

    def _path(self, file: Path) -> str:
        return file.relative_to(self._project).as_posix()

    def _words(self, wanted: Dict[str, bytes], changes: Dict[str, bytes]) -> List[str]:
        words = version_warning(self._root)
        words += ["Edited  {}".format(edit) for edit in self._edits_made]
        ours = [path for path in changes if path not in EDITS]
        folders: Dict[str, int] = {}
        for path in ours:
            folder = str(Path(path).parent)
            folders[folder] = folders.get(folder, 0) + 1
        words += ["Written {}/ ({} files)".format(folder, count) for folder, count in sorted(folders.items())]
        if not changes:
            words.append("Nothing to do: {} is as the pull request has it.".format(self._root))
        words.append("Left out, since they need the simulator or this project's tools: {}.".format(
            ", ".join(Path(path).name for path in self._tests_left_out) or "none"))
        packages = sorted({name for path, text in wanted.items() if path.startswith(TESTS)
                           for name in NEEDED_BY_TESTS.findall(text.decode())})
        words += ["The tests need {0}, which Hummingbot does not bring: pip install {0}, and a row in "
                  "setup/environment.yml.".format(name) for name in packages]
        folders_of_tests = {Path(path).parent for path in wanted if Path(path).name.startswith("test_")}
        tests = sorted(str(folder) for folder in folders_of_tests if folders_of_tests.isdisjoint(folder.parents))
        words.append("See the pull request: git add --intent-to-add . && git diff. Test it: python -m pytest {}".format(
            " ".join(tests)))
        return words


def _imported_tests(path: str, text: str) -> Set[str]:
    """The files below `test/` that one of them imports, or that pytest gives it: the conftest.py of its folder.

    :param path: of the file
    :param text: its content
    """
    imported = {module.replace(".", "/") + ".py" for module in TEST_IMPORT.findall(text)}
    return imported | {str(Path(path).parent / "conftest.py")}


def _replace(file: Path, content: bytes) -> None:
    """Write a file anew, whole or not at all; what else is linked to the old one keeps its content."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(file.name + ".upstream")
    fresh.write_bytes(content)
    if file.exists():
        fresh.chmod(file.stat().st_mode)
    os.replace(str(fresh), str(file))


if __name__ == "__main__":
    sys.exit(main())
