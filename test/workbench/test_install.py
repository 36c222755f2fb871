"""The installer, run as `make install` runs it, in a checkout in small and with a uv that only pretends."""
import os
import shutil
import subprocess
import sys

import pytest

from workbench.home import PROJECT

# Notes its calls, makes what uv would make, and fails as told by FAIL_AT and FAIL_WITH.
PRETENDED_UV = """\
#!/bin/sh
echo "$@" >> "$UV_CALLS"
case "$*" in
  --version) echo "uv 99.0.0"; exit ;;
  "python find"*) exit 1 ;;
esac
case "$*" in *"$FAIL_AT"*) echo "$FAIL_WITH"; exit 1 ;; esac
while [ $# -gt 1 ]; do [ "$1" = --target ] && target=$2; shift; done
case "$1" in
  */.venv) mkdir -p "$1/bin" "$1/lib/python3.12/site-packages"; ln -sf "$BASE_PYTHON" "$1/bin/python" ;;
  */hummingbot.txt) mkdir -p "$target/hummingbot"; echo built > "$target/hummingbot/__init__.py" ;;
esac
echo "Installed 1 package in 1ms"
"""


class Checkout:
    """A project folder with the installer in it."""

    def __init__(self, root):
        self.root = root
        self._calls = root / "calls"
        for name in ("workbench", "requirements"):
            shutil.copytree(PROJECT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(PROJECT / ".python-version", root)
        (root / "bin").mkdir()
        uv = root / "bin" / "uv"
        uv.write_text(PRETENDED_UV)
        uv.chmod(0o755)

    def install(self, fail_at="nothing of the kind", fail_with="", **environment):
        self._calls.write_text("")
        return subprocess.run(
            [sys.executable, "-m", "workbench.install"], cwd=self.root, capture_output=True, text=True, env={
                **os.environ, "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", "UV_CALLS": str(self._calls),
                "BASE_PYTHON": os.path.realpath(sys.executable), "FAIL_AT": fail_at, "FAIL_WITH": fail_with,
                **environment})

    @property
    def steps(self):
        """What uv was asked to install in the last run: the last word of each command."""
        return [os.path.basename(call.split()[-1]) for call in self._calls.read_text().splitlines()
                if call.split()[0] in ("venv", "pip")]


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_everything_is_installed_and_a_second_run_does_nothing(checkout):
    first = checkout.install()
    assert first.returncode == 0, first.stderr
    assert checkout.steps == [".venv", "development.txt", "hummingbot.txt"]
    home = checkout.root / ".hummingbot"
    assert (home / "hummingbot/__init__.py").read_text() == "built\n"
    assert (home / "conf/conf_client.yml").exists() and (home / "logs").is_dir()
    paths = next(checkout.root.glob(".venv/lib/*/site-packages/*.pth")).read_text()
    assert paths == f"{home}\n"
    second = checkout.install()
    assert (second.returncode, second.stdout, second.stderr, checkout.steps) == (0, "", "", [])


def test_a_changed_lock_is_noticed_and_hummingbot_stays(checkout):
    checkout.install()
    with (checkout.root / "requirements/development.txt").open("a") as lock:
        lock.write("# changed\n")
    checkout.install()
    assert checkout.steps == ["development.txt"]


def test_another_hummingbot_keeps_what_the_client_wrote(checkout):
    checkout.install()
    (checkout.root / ".hummingbot/data/books.sqlite").write_text("mine")
    with (checkout.root / "requirements/hummingbot.txt").open("a") as lock:
        lock.write("# changed\n")
    checkout.install()
    assert checkout.steps == ["hummingbot.txt"]
    assert (checkout.root / ".hummingbot/data/books.sqlite").read_text() == "mine"


def test_it_goes_on_where_it_was_interrupted(checkout):
    assert checkout.install(fail_at="hummingbot.txt", fail_with="killed").returncode == 1
    assert checkout.install().returncode == 0
    assert checkout.steps == ["hummingbot.txt"]


def test_a_venv_whose_python_has_gone_is_made_anew(checkout):
    checkout.install()
    python = checkout.root / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3.12")
    assert checkout.install().returncode == 0
    assert checkout.steps == [".venv", "development.txt"]


@pytest.mark.parametrize("words, advice", [
    ("error: Failed to fetch: `https://…`", "check the network"),
    ("error: dns error: failed to lookup address information", "check the network"),
    ("something odd", "the reason is at the end of .install.log"),
])
def test_a_failure_is_one_line_that_says_what_to_do(checkout, words, advice):
    outcome = checkout.install(fail_at="development.txt", fail_with=words)
    assert outcome.returncode == 1
    assert len(outcome.stderr.splitlines()) == 1 and advice in outcome.stderr
    assert words in (checkout.root / ".install.log").read_text()


def test_a_folder_of_somebody_else_is_one_line_that_says_what_to_do(checkout):
    lock = checkout.root / ".install.lock"
    lock.mkdir()  # cannot be opened as a file, not even by root
    failed = checkout.install()
    assert failed.returncode == 1 and checkout.steps == []
    assert failed.stderr.startswith("make install: this folder is not yours: {} cannot be written".format(lock))
    assert 'sudo chown -R "$USER" {}'.format(checkout.root) in failed.stderr and len(failed.stderr.splitlines()) == 1


def test_no_compiler_is_told_at_once(checkout):
    tools = checkout.root / "tools"
    tools.mkdir()
    for name in ("sh", "mkdir", "ln"):
        (tools / name).symlink_to(shutil.which(name))
    outcome = checkout.install(fail_at="--no-build", fail_with="no wheel for this platform", CXX="",
                               PATH=f"{checkout.root / 'bin'}:{tools}")
    assert len(outcome.stderr.splitlines()) == 1 and "no C++ compiler" in outcome.stderr


def test_a_missing_python_is_one_line_that_says_what_to_do(checkout):
    (checkout.root / ".python-version").write_text("3.99\n")
    outcome = checkout.install()
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("make install: Python 3.99 is needed and was not found: install it")
    assert len(outcome.stderr.splitlines()) == 1
