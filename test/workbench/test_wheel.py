"""dist-install: what it refuses, and that it installs, in environments with a Hummingbot in small."""
import os
import subprocess
import sys
import zipfile

import pytest

from workbench.home import PROJECT, overlay_units
from workbench.install import InstallError
from workbench.overlay import MANIFEST, TESTED_VERSION
from workbench.wheel import check

UNITS = overlay_units()


@pytest.fixture
def environment(tmp_path):
    return Environment(tmp_path / "environment")


class Environment:
    """A virtual environment; `site_packages` is empty."""

    def __init__(self, root):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", root], check=True)
        self.python = str(root / "bin" / "python")
        self.site_packages = next(root.glob("lib/python*/site-packages"))

    def add_hummingbot(self, root=None):
        """Hummingbot in small, in `site-packages` or, like a source clone, elsewhere."""
        root = root or self.site_packages
        for folder in {root / "hummingbot", *((root / unit).parent for unit in UNITS)}:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "__init__.py").write_text("")
        (root / "hummingbot/VERSION").write_text(f"{TESTED_VERSION}\n")
        if root != self.site_packages:
            (self.site_packages / "clone.pth").write_text(f"{root}\n")
        return root


def install(python, wheel):
    """The command behind `make dist-install`."""
    return subprocess.run([sys.executable, "-m", "workbench.wheel", str(python), str(wheel)], cwd=PROJECT,
                          capture_output=True, text=True)


def said(outcome):
    """The lines it printed, but for those of progress, which a slow machine makes it print."""
    return [line for line in outcome.stdout.splitlines() if not line.startswith("  ")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--quiet", "--wheel", "--no-isolation", "--outdir", folder],
                   cwd=PROJECT, check=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_overlay_and_no_init_of_hummingbots(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    paths = [path for unit in UNITS for path in [PROJECT / unit, *(PROJECT / unit).rglob("*")]]
    kinds = (".py", ".pyx", ".pxd", ".html")
    assert names == {path.relative_to(PROJECT).as_posix() for path in paths if path.suffix in kinds}


def test_the_wheel_brings_the_command_line(wheel):
    with zipfile.ZipFile(wheel) as archive:
        entries = next(name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt"))
        words = archive.read(entries).decode()
    assert "vest-perpetual = hummingbot.connector.derivative.vest_perpetual.vest_perpetual_cli:main" in words


def test_it_installs_and_replaces_what_it_has_installed(environment, wheel):
    root = environment.add_hummingbot()
    for _ in range(2):
        outcome = install(environment.python, wheel)
        assert (outcome.returncode, said(outcome), outcome.stderr) == (0, [f"{wheel.name} is in {root}."], "")
        assert all((root / unit).exists() for unit in UNITS)


def test_another_version_is_a_warning(environment, wheel):
    root = environment.add_hummingbot()
    (root / "hummingbot/VERSION").write_text("2.3.0\n")
    warning, success = said(install(environment.python, wheel))
    assert warning.startswith("Warning: this Hummingbot is 2.3.0") and success.endswith(f"is in {root}.")


def test_a_refusal_and_a_failure_are_explicit(environment, wheel, tmp_path):
    outcome = install(environment.python, wheel)
    assert (outcome.returncode, said(outcome)) == (1, [])
    assert outcome.stderr.startswith("make dist-install: ") and len(outcome.stderr.splitlines()) == 1
    environment.add_hummingbot()
    outcome = install(environment.python, tmp_path / "vest_perpetual-9-py3-none-any.whl")
    assert (outcome.returncode, said(outcome)) == (1, [])
    assert outcome.stderr.startswith("make dist-install: installing vest_perpetual-9-py3-none-any.whl failed: ")


def test_links_of_the_development_home_are_refused():
    links = [PROJECT / ".hummingbot" / unit for unit in UNITS]
    assert all(link.is_symlink() for link in links)
    with pytest.raises(InstallError, match="is for development: .* is a link"):
        check(sys.executable)


@pytest.mark.parametrize("linked", [UNITS[0], UNITS[0].parent, UNITS[-1]], ids=str)
def test_nothing_is_ever_written_through_a_link(environment, wheel, tmp_path, linked):
    root = environment.add_hummingbot()
    elsewhere = tmp_path / "working_tree"
    if (root / linked).exists():
        (root / linked).rename(elsewhere)
    else:
        elsewhere.mkdir()
    (root / linked).symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    outcome = install(environment.python, wheel)
    assert outcome.returncode == 1 and f"{root / linked} is a link" in outcome.stderr
    assert sorted(elsewhere.rglob("*")) == before


def test_what_install_into_has_laid_in_is_refused(environment, tmp_path):
    root = environment.add_hummingbot(tmp_path / "clone")
    (root / MANIFEST).write_text("{}")
    with pytest.raises(InstallError, match=f"make uninstall-from HUMMINGBOT_DIR={root}"):
        check(environment.python)


def test_a_source_tree_is_refused(environment, tmp_path):
    root = environment.add_hummingbot(tmp_path / "clone")
    with pytest.raises(InstallError, match=f"is a source tree: use make install-into HUMMINGBOT_DIR={root}"):
        check(environment.python)


def test_a_copy_that_pip_does_not_know_is_refused(environment):
    root = environment.add_hummingbot()
    (root / UNITS[0]).mkdir()
    with pytest.raises(InstallError, match=f"{root / UNITS[0]} was not installed by pip"):
        check(environment.python)


@pytest.mark.parametrize("script, words", [
    ("exit 1", "is no Python that runs"),
    ("""echo '{"version": "3.11", "root": null}'""", "is Python 3.11; Hummingbot needs 3.12"),
])
def test_another_python_is_refused(tmp_path, script, words):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    with pytest.raises(InstallError, match=words):
        check(os.path.relpath(python))
    with pytest.raises(InstallError, match="is no Python that runs"):
        check(str(tmp_path / "nowhere"))
