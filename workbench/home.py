"""Hummingbot homes: the folder a Hummingbot client lives in, made in a second and thrown away as fast.

Hummingbot keeps `conf/`, `data/`, `logs/`, `scripts/` and `controllers/` in the folder above its package. A *home* is
such a folder: a copy of the built package (hard links, so it costs no space) with this project's packages laid over it.
The shared home, `.hummingbot/`, is made by `workbench.install`; every other one is made from it. Whoever imports
`hummingbot` with a home on PYTHONPATH gets that home's package, and with it that home's settings and database.

Standard library only, Python 3.8 or later: the installer imports this before anything is installed.
"""
import os
import shutil
from pathlib import Path
from typing import Dict, List, Mapping, Optional

PROJECT = Path(__file__).resolve().parent.parent
SHARED_HOME = ".hummingbot"  # in the checkout
CLIENT_FOLDERS = (
    "conf/connectors", "conf/strategies", "conf/scripts", "conf/controllers", "data", "logs", "scripts", "controllers",
)
USER_CODE_FOLDERS = ("scripts", "controllers")
PRIVATE_FOLDERS = ("conf", "data")  # encrypted keys, and what was traded

# Hummingbot's own reporting to its makers is off in every home.
CLIENT_SETTINGS = """\
send_error_logs: false
anonymized_metrics_mode: {}
"""
# Homes for runs on the simulated venue ask nobody on the internet. This rate source declines Hummingbot's global token
# before it asks anyone, and rates come from the connector's order books; without paper exchanges no pairs are fetched
# for them. (Without a network the defaults would log errors all the time.)
OFFLINE_SETTINGS = """\
rate_oracle_source:
  name: decibel_perpetual
paper_trade:
  paper_trade_exchanges: []
"""


class HomeError(Exception):
    """A home cannot be made or changed as asked; the text says what stands in the way."""


def overlay_units(project: Path = PROJECT) -> List[Path]:
    """What this project lays over a Hummingbot tree, relative to `project`: its leaf packages and its lone modules.

    A folder with an `__init__.py` is a leaf package and is taken whole; a folder without one only leads to others.
    """
    units: List[Path] = []
    _collect_units(project / "hummingbot", units)
    return [unit.relative_to(project) for unit in units]


def _collect_units(folder: Path, units: List[Path]) -> None:
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if entry.suffix == ".py" or (entry / "__init__.py").exists():
            units.append(entry)
        elif entry.is_dir() and entry.name != "__pycache__":
            _collect_units(entry, units)


class Home:
    """One Hummingbot home.

    :param root: its folder; see `create` for making one.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root).resolve()

    @classmethod
    def create(cls, root: Path, copy_overlay: bool = False, project: Path = PROJECT) -> "Home":
        """Make a fresh home from the shared one.

        :param root: a folder that does not exist yet, on the file system of the project.
        :param copy_overlay: copy this project's packages instead of linking to the working tree.
        :param project: the checkout whose shared home, packages, scripts and controllers are used.
        :raises HomeError: the folder exists, or the shared home has not been installed.
        """
        built = project / SHARED_HOME / "hummingbot"
        if not built.is_dir():
            raise HomeError("Hummingbot is not installed: run `make install` first.")
        if Path(root).exists():
            raise HomeError("{} exists already: a home is only ever made afresh.".format(root))
        home = cls(root)
        _hard_link_tree(built, home.root / "hummingbot")
        home.prepare(CLIENT_SETTINGS + OFFLINE_SETTINGS)
        home.lay_over(copy=copy_overlay, project=project)
        return home

    def prepare(self, settings: str = CLIENT_SETTINGS) -> None:
        """Make the folders and the settings the client expects before its first command; keeps what is there.

        :param settings: what differs from the client's defaults, as YAML.
        """
        for folder in PRIVATE_FOLDERS:
            (self.root / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in CLIENT_FOLDERS:
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        settings_file = self.root / "conf" / "conf_client.yml"
        if not settings_file.exists():
            settings_file.write_text(settings)

    def lay_over(self, copy: bool = False, project: Path = PROJECT) -> None:
        """Put this project's packages, scripts and controllers in their places; drop links to what is gone.

        :raises HomeError: Hummingbot itself has a file where ours would go.
        """
        units = overlay_units(project)
        for folder in USER_CODE_FOLDERS:  # file by file: a user's own scripts belong to the home, not to the project
            units += [path.relative_to(project) for path in sorted((project / folder).rglob("*.py"))]
        self._drop_stale_links(project, units)
        for unit in units:
            source, target = project / unit, self.root / unit
            if copy:
                _copy(source, target)
            elif not target.is_symlink():
                if target.exists():
                    raise HomeError("{} exists and is not ours to replace: move it away first.".format(target))
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(source)

    def add_script(self, source: Path) -> None:
        """Put one more script into this home alone, by a link; `start` and `create` know it by its name."""
        (self.root / "scripts" / source.name).symlink_to(source.resolve())

    def _drop_stale_links(self, project: Path, units: List[Path]) -> None:
        wanted = {self.root / unit: project / unit for unit in units}
        for top in ("hummingbot",) + USER_CODE_FOLDERS:
            for folder, folder_names, file_names in os.walk(str(self.root / top)):
                for name in folder_names + file_names:
                    path = Path(folder, name)
                    if path.is_symlink() and wanted.get(path) != Path(os.readlink(str(path))):
                        path.unlink()

    def environment(self, base: Optional[Mapping[str, str]] = None) -> Dict[str, str]:
        """Environment variables for a process that is to live in this home (`base`: the current ones)."""
        environment = dict(os.environ if base is None else base)
        environment["PYTHONPATH"] = str(self.root)
        return environment

    def remove_package(self) -> None:
        """Throw away the built package and keep what the client wrote: settings, database, logs."""
        shutil.rmtree(str(self.root / "hummingbot"))


def _hard_link_tree(source: Path, target: Path) -> None:
    """Copy a tree with hard links; links into the project's own packages are left out, `lay_over` makes them."""
    shutil.copytree(str(source), str(target), copy_function=os.link, ignore=_links)


def _links(folder: str, names: List[str]) -> List[str]:
    return [name for name in names if os.path.islink(os.path.join(folder, name))]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(str(source), str(target), ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(str(source), str(target))
