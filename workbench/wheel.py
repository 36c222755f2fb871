"""`make dist-install`: the built wheel into the environment of a Hummingbot that pip has installed.

pip itself would write through the links of a development home into the working tree, and into a `hummingbot/` folder
beside the Hummingbot that is really imported. So this looks first where Hummingbot is and what is there already, and
refuses with one sentence. A wheel installed before is replaced.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

from workbench.home import overlay_units
from workbench.install import PYTHON_VERSION, InstallError, find_uv
from workbench.overlay import is_laid_in, version_warning

NAME_IT = "The command is make dist-install PYTHON=/path/to/environment/bin/python."
# Run by the environment's own Python, and not in a folder where `hummingbot` could be something else.
PROBE = """
import importlib.metadata, importlib.util, json, os, sys, sysconfig
spec = importlib.util.find_spec("hummingbot")
try:
    recorded = [str(file.locate()) for file in importlib.metadata.files("vest_perpetual") or []]
except importlib.metadata.PackageNotFoundError:
    recorded = []
print(json.dumps({
    "version": "%d.%d" % sys.version_info[:2],
    "root": os.path.dirname(os.path.dirname(spec.origin)) if spec and spec.origin else None,
    "site_packages": sysconfig.get_path("purelib"),
    "recorded": recorded,
}))
"""


def main() -> int:
    """Install the wheel; returns the exit code."""
    parser = argparse.ArgumentParser(prog="wheel", description=__doc__.splitlines()[0])
    parser.add_argument("python", help="Python of the environment that has Hummingbot")
    parser.add_argument("wheel", type=Path)
    options = parser.parse_args()
    try:
        root = check(options.python)
        _install(options.python, options.wheel)
    except InstallError as error:
        print("make dist-install: {}".format(error), file=sys.stderr)
        return 1
    print("\n".join(version_warning(root) + ["{} is in {}.".format(options.wheel.name, root)]))
    return 0


def check(python: str) -> Path:
    """Find out whether the wheel can be installed beside the Hummingbot of an environment.

    :param python: path of the environment's Python.
    :return: the folder that holds that Hummingbot.
    :raises InstallError: it must not be; the text says why and what to do instead.
    """
    found = _look(python)
    if found["version"] != PYTHON_VERSION:
        raise InstallError("{} is Python {}; Hummingbot needs {}.".format(python, found["version"], PYTHON_VERSION))
    if found["root"] is None:
        raise InstallError("{} has no Hummingbot: install it there first, or name another. {}".format(python, NAME_IT))
    root = Path(found["root"])
    links = [link for unit in overlay_units() for link in _links_at(root, unit)]
    if links:
        raise InstallError("the Hummingbot of {} is for development: {} is a link, and the wheel would be written "
                           "through it. Name another. {}".format(python, links[0], NAME_IT))
    if is_laid_in(root):
        raise InstallError("the Hummingbot of {0} holds what make install-into has laid in: take it out first, make "
                           "uninstall-from HUMMINGBOT_DIR={1}.".format(python, root))
    if not root.samefile(found["site_packages"]):
        raise InstallError("the Hummingbot of {0} is a source tree: use make install-into HUMMINGBOT_DIR={1}.".format(
            python, root))
    strange = [root / unit for unit in overlay_units() if _is_strange(root / unit, found["recorded"])]
    if strange:
        raise InstallError("{} was not installed by pip: remove it first.".format(strange[0]))
    return root


def _look(python: str) -> Dict[str, Any]:
    executable = os.path.abspath(shutil.which(python) or python)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        words = subprocess.run([executable, "-c", PROBE], cwd=os.sep, env=environment, check=True,
                               capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise InstallError("{} is no Python that runs.".format(python)) from error
    return json.loads(words)


def _links_at(root: Path, unit: Path) -> List[Path]:
    """The links on the way to a unit, and those in it."""
    parts = [root / parent for parent in reversed(unit.parents[:-1])] + [root / unit]
    return [path for path in parts + sorted((root / unit).rglob("*")) if path.is_symlink()]


def _is_strange(path: Path, recorded: List[str]) -> bool:
    """Whether there is something that no installed wheel of ours answers for."""
    return path.exists() and not any(Path(file) == path or path in Path(file).parents for file in recorded)


def _install(python: str, wheel: Path) -> None:
    """:raises InstallError: with the installer's own words."""
    outcome = subprocess.run([find_uv(sys.executable), "pip", "install", "--quiet", "--no-deps", "--reinstall",
                              "--python", python, str(wheel)], capture_output=True, text=True)
    if outcome.returncode:
        raise InstallError("installing {} failed: {}".format(wheel.name, outcome.stderr.strip()))


if __name__ == "__main__":
    sys.exit(main())
