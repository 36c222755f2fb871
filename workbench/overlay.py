"""`make install-into` and `make uninstall-from`: this project's files in a Hummingbot source tree, and out again.

What is laid in: the overlay units (see `workbench.home`), their unit tests, and what those import and read, the
simulator among it. A manifest in the tree notes each file: only what it notes is ever replaced or removed, and nothing
that has been changed since.

Standard library only, Python 3.8 or later: it works without `make install`.
"""
import argparse
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from workbench.home import PROJECT, overlay_units

MANIFEST = ".vest_perpetual_overlay.json"
TESTED_VERSION = "2.18.0"  # hummingbot/VERSION of the release in requirements/hummingbot.in
LINKED_TO = "link to "
BESIDE = (
    "conf/conf_global_TEMPLATE.yml", "fuzz/__init__.py", "fuzz/surface.py", "test/data/vest_api", "test/programs.py",
    "vest_simulator",
)
TEST_BASE = ("test/__init__.py", "test/isolated_asyncio_wrapper_test_case.py")  # Hummingbot's repository has its own
NOT_SOURCE = ("__pycache__", ".hypothesis", ".pytest_cache")
MOST_NAMED = 5


class OverlayError(Exception):
    """The tree is left as it is; the text says what stands in the way and what to do."""


def main() -> int:
    """The command line of the two make targets; returns the exit code."""
    parser = argparse.ArgumentParser(prog="overlay", description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=("install-into", "uninstall-from"))
    parser.add_argument("tree", help="root of a Hummingbot source tree")
    parser.add_argument("--link", action="store_true", help="links to the working tree instead of copies")
    options = parser.parse_args()
    try:
        overlay = Overlay(hummingbot_tree(options.tree))
        words = overlay.lay_in(options.link) if options.action == "install-into" else overlay.take_out()
    except OverlayError as error:
        print("make {}: {}".format(options.action, error), file=sys.stderr)
        return 1
    print("\n".join(words))
    return 0


def hummingbot_tree(named: str) -> Path:
    """The root of the source tree a user names.

    :raises OverlayError: it is none, or it is what pip installed.
    """
    if not named:
        raise OverlayError("say which Hummingbot: HUMMINGBOT_DIR=/path/to/hummingbot, the folder of your clone.")
    root = Path(named).expanduser().resolve()
    if not root.is_dir():
        raise OverlayError("there is no folder {}.".format(root))
    package = root / "hummingbot"
    if not ((package / "__init__.py").exists() and (package / "connector" / "derivative").is_dir()):
        raise OverlayError("{} is no Hummingbot source tree: there is no hummingbot/connector/ in it.".format(root))
    if any(root.glob("hummingbot-*.dist-info")):
        raise OverlayError("the Hummingbot in {} was put there by an installer: use make dist-install.".format(root))
    return root


def is_laid_in(root: Path) -> bool:
    """Whether `make install-into` has laid this project's files into the Hummingbot at `root`."""
    return (root / MANIFEST).exists()


def version_warning(root: Path) -> List[str]:
    """What to tell the user of a Hummingbot, at `root`, that this project was not tested with."""
    file = root / "hummingbot" / "VERSION"
    version = file.read_text().strip() if file.exists() else "of an unknown version"
    if version.replace("dev-", "") == TESTED_VERSION:
        return []
    return ["Warning: this Hummingbot is {}, the connector was tested with {}: trade on the simulator first.".format(
        version, TESTED_VERSION)]


class Overlay:
    """This project's files in one Hummingbot tree.

    :param root: of the tree, as `hummingbot_tree` gives it.
    :param project: the checkout the files come from.
    """

    def __init__(self, root: Path, project: Path = PROJECT) -> None:
        self._root = root
        self._project = project
        self._manifest = root / MANIFEST
        manifest = json.loads(self._manifest.read_text()) if is_laid_in(root) else {"files": {}, "folders": []}
        self._laid: Dict[str, str] = manifest["files"]  # path → digest, or what it links to
        self._folders: List[str] = manifest["folders"]  # made for them

    def lay_in(self, link: bool = False) -> List[str]:
        """Lay everything in, or bring what was laid in before up to date; returns what to tell the user.

        :param link: link to the checkout instead of copying, so that a change there is a change in the tree.
        :raises OverlayError: something else is in the way, or what was laid in has been changed.
        """
        wanted = dict(self._wanted(link))
        changed = self._changed()
        if changed:
            raise OverlayError("changed since they were laid in: {}. Keep what you need of them elsewhere, remove "
                               "them, and run this again.".format(_names(changed)))
        obstacles = sorted({obstacle for path in wanted for obstacle in self._obstacles(path)})
        if obstacles:
            raise OverlayError(
                "not ours to replace: {}. Remove what has put it there first: a link of make install, the wheel "
                "(pip uninstall vest_perpetual), or your own copy.".format(_names(obstacles)))
        self._folders = self._remove(list(self._laid))
        self._folders += self._missing_folders(wanted)
        self._laid = {path: LINKED_TO + str(source) if link else _digest(source) for path, source in wanted.items()}
        self._manifest.write_text(json.dumps({"files": self._laid, "folders": self._folders}, indent=1))
        for path, source in wanted.items():
            target = self._root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if link:
                target.symlink_to(source)
            else:
                shutil.copy2(str(source), str(target))
        return version_warning(self._root) + ["vest_perpetual is in {} ({} {}).".format(
            self._root, len(wanted), "links" if link else "files")]

    def take_out(self) -> List[str]:
        """Remove what was laid in, and the folders made for it; returns what to tell the user."""
        if not is_laid_in(self._root):
            return ["Nothing was laid into {}.".format(self._root)]
        changed = self._changed()
        folders = self._remove([path for path in self._laid if path not in changed])
        left = changed + [folder + "/" for folder in folders]
        words = ["vest_perpetual is out of {}.".format(self._root)]
        words += ["Left, since it was changed there: {}".format(path) for path in changed]
        words += ["Left, since something else is in it: {}/".format(folder) for folder in folders
                  if not any(path.startswith(folder + "/") and path != folder + "/" for path in left)]
        return words

    def _wanted(self, link: bool) -> Iterator[Tuple[str, Path]]:
        """Path in the tree and source of all that is to be laid in: whole folders as links, single files as copies."""
        for unit in overlay_units(self._project) + [Path(name) for name in BESIDE]:
            source = self._project / unit
            for file in [source] if link else sources(source):
                yield file.relative_to(self._project).as_posix(), file
        for file in [self._project / name for name in TEST_BASE] + sources(self._project / "test" / "hummingbot"):
            path = file.relative_to(self._project).as_posix()
            is_theirs_as_well = path in TEST_BASE or file.name == "__init__.py"
            if path in self._laid or not (is_theirs_as_well and self._is_there(path)):
                yield path, file

    def _is_there(self, path: str) -> bool:
        return os.path.lexists(str(self._root / path))

    def _changed(self) -> List[str]:
        """What is not any more what was laid in; not what has gone."""
        return [path for path in self._laid if self._is_there(path) and (
            self._link_on_the_way(path) or self._laid[path] != _state(self._root / path))]

    def _link_on_the_way(self, path: str) -> Optional[str]:
        """The folder in the tree that is a link and leads `path` elsewhere, where nothing may be written or removed."""
        on_the_way = reversed(list(Path(path).parents)[:-1])
        return next((folder.as_posix() for folder in on_the_way if (self._root / folder).is_symlink()), None)

    def _obstacles(self, path: str) -> List[str]:
        """What somebody else has put where `path` would go: a link on the way, a folder, the file itself."""
        target = self._root / path
        link = self._link_on_the_way(path)
        if link:
            return [] if link in self._laid else [link]
        if path in self._folders and not target.is_symlink():  # copies that a link is to take the place of
            inside = [file.relative_to(self._root).as_posix() for file in sources(target)]
            return [file for file in inside if file not in self._laid]
        return [path] if self._is_there(path) and path not in self._laid else []

    def _missing_folders(self, paths: Iterable[str]) -> List[str]:
        folders = {parent for path in paths for parent in Path(path).parents if not (self._root / parent).exists()}
        return sorted(folder.as_posix() for folder in folders)

    def _remove(self, paths: List[str]) -> List[str]:
        """Remove files that were laid in, what Python compiled of them, the folders made for them, the manifest.

        :return: the folders that stay because something else is in them.
        """
        for path in paths:
            target = self._root / path
            if self._is_there(path):
                target.unlink()
            cache = target.parent / "__pycache__"
            for compiled in cache.glob(target.stem + ".*.pyc"):
                compiled.unlink()
            if cache.is_dir() and not any(cache.iterdir()):
                cache.rmdir()
        left = []
        for folder in sorted(self._folders, reverse=True):
            place = self._root / folder
            if place.is_symlink() or any(place.glob("*")):
                left.append(folder)
            elif place.is_dir():
                place.rmdir()
        if is_laid_in(self._root):
            self._manifest.unlink()
        return left


def sources(place: Path) -> List[Path]:
    """A file, or every file below a folder without what running them leaves behind."""
    if place.is_file():
        return [place]
    return [path for path in sorted(place.rglob("*"))
            if path.is_file() and not set(NOT_SOURCE).intersection(path.relative_to(place).parts)]


def _state(path: Path) -> str:
    """What the manifest says of a file or link as it is now."""
    if path.is_symlink():
        return LINKED_TO + os.readlink(str(path))
    return _digest(path) if path.is_file() else "a folder"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _names(paths: List[str]) -> str:
    more = len(paths) - MOST_NAMED
    return ", ".join(paths[:MOST_NAMED]) + (" and {} more".format(more) if more > 0 else "")


if __name__ == "__main__":
    sys.exit(main())
