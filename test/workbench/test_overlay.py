"""install-into and uninstall-from, on a Hummingbot tree in small and on a copy of the real one."""
import os
import shutil
import subprocess
import sys

import pytest

from workbench.home import PROJECT, Home, overlay_units
from workbench.overlay import MANIFEST, TESTED_VERSION, Overlay, OverlayError, hummingbot_tree

UNIT = "hummingbot/connector/derivative/vest"


def write(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


def contents(root):
    """Every path in a folder with what is in the file, what a link links to, or that it is a folder."""
    found = {}
    for folder, folder_names, file_names in os.walk(root):
        for path in (os.path.join(folder, name) for name in folder_names + file_names):
            if os.path.islink(path):
                found[os.path.relpath(path, root)] = "link to " + os.readlink(path)
            else:
                found[os.path.relpath(path, root)] = open(path).read() if os.path.isfile(path) else "a folder"
    return found


@pytest.fixture
def project(tmp_path):
    """A checkout in small: a leaf package, a lone module, their tests, the simulator."""
    root = tmp_path / "project"
    write(root, {
        f"{UNIT}/__init__.py": "", f"{UNIT}/vest_utils.py": "ours", f"{UNIT}/__pycache__/vest_utils.pyc": "compiled",
        "hummingbot/core/sources/vest_source.py": "ours",
        "conf/conf_global_TEMPLATE.yml": "ours", "vest_simulator/__init__.py": "ours",
        "fuzz/__init__.py": "", "fuzz/surface.py": "ours", "fuzz/run.py": "stays at home",
        "test/__init__.py": "", "test/isolated_asyncio_wrapper_test_case.py": "ours",
        "test/data/vest_api/vectors.json": "{}", "test/hummingbot/__init__.py": "",
        "test/hummingbot/vest/__init__.py": "", "test/hummingbot/vest/test_vest.py": "ours",
        "test/workbench/test_other.py": "stays at home", "test/conftest.py": "stays at home",
    })
    return root


@pytest.fixture
def tree(tmp_path):
    """A Hummingbot source tree in small."""
    root = tmp_path / "hummingbot"
    write(root, {
        "hummingbot/__init__.py": "", "hummingbot/VERSION": f"{TESTED_VERSION}\n",
        "hummingbot/connector/derivative/__init__.py": "", "hummingbot/core/sources/__init__.py": "",
        "test/__init__.py": "theirs", "test/isolated_asyncio_wrapper_test_case.py": "theirs",
    })
    return root


LAID_IN = [
    "fuzz/__init__.py", "fuzz/surface.py",
    f"{UNIT}/__init__.py", f"{UNIT}/vest_utils.py", "hummingbot/core/sources/vest_source.py",
    "conf/conf_global_TEMPLATE.yml", "test/data/vest_api/vectors.json", "test/hummingbot/__init__.py",
    "test/hummingbot/vest/__init__.py", "test/hummingbot/vest/test_vest.py", "vest_simulator/__init__.py",
]


def test_everything_is_laid_in_and_taken_out_without_a_trace(project, tree):
    before = contents(tree)
    assert Overlay(tree, project).lay_in() == [f"vest_perpetual is in {tree} ({len(LAID_IN)} files)."]
    laid = contents(tree)
    assert sorted(path for path in laid if laid[path] != "a folder" and path not in before) == sorted(
        [MANIFEST, *LAID_IN])
    assert {path: laid[path] for path in before} == before
    write(tree, {f"{UNIT}/__pycache__/vest_utils.cpython-312.pyc": "", "test/hummingbot/vest/__pycache__/"
                 "test_vest.cpython-312-pytest-8.pyc": "", "hummingbot/core/sources/__pycache__/"
                 "vest_source.cpython-312.pyc": ""})
    assert Overlay(tree, project).take_out() == [f"vest_perpetual is out of {tree}."]
    assert contents(tree) == before


def test_a_second_run_brings_it_up_to_date(project, tree):
    before = contents(tree)
    Overlay(tree, project).lay_in()
    laid = contents(tree)
    Overlay(tree, project).lay_in()
    assert contents(tree) == laid
    write(project, {f"{UNIT}/vest_utils.py": "newer", f"{UNIT}/vest_new.py": "new"})
    (project / "hummingbot/core/sources/vest_source.py").unlink()
    Overlay(tree, project).lay_in()
    assert (tree / UNIT / "vest_utils.py").read_text() == "newer" and (tree / UNIT / "vest_new.py").exists()
    assert not (tree / "hummingbot/core/sources/vest_source.py").exists()
    Overlay(tree, project).take_out()
    assert contents(tree) == before


def test_links_follow_the_working_tree(project, tree):
    before = contents(tree)
    Overlay(tree, project).lay_in(link=True)
    write(project, {f"{UNIT}/vest_new.py": "new"})
    assert (tree / UNIT / "vest_new.py").read_text() == "new"
    Overlay(tree, project).lay_in(link=True)
    Overlay(tree, project).take_out()
    assert contents(tree) == before and (project / UNIT / "vest_new.py").exists()


def test_copies_become_links_and_links_copies(project, tree):
    before, ours = contents(tree), contents(project)
    Overlay(tree, project).lay_in()
    copied = contents(tree)
    Overlay(tree, project).lay_in(link=True)
    assert (tree / UNIT).is_symlink() and not (tree / "test/hummingbot").is_symlink()
    Overlay(tree, project).lay_in()
    assert contents(tree) == copied
    Overlay(tree, project).take_out()
    assert contents(tree) == before and contents(project) == ours


@pytest.mark.parametrize("path", [f"{UNIT}/__init__.py", "hummingbot/core/sources/vest_source.py",
                                  "test/hummingbot/vest/test_vest.py", "vest_simulator/__init__.py"])
@pytest.mark.parametrize("link", [False, True])
def test_what_it_did_not_lay_in_is_never_replaced(project, tree, path, link):
    write(tree, {path: "theirs"})
    before = contents(tree)
    with pytest.raises(OverlayError, match="not ours to replace"):
        Overlay(tree, project).lay_in(link)
    assert contents(tree) == before


def test_nothing_is_written_through_a_link(project, tree):
    (tree / UNIT).symlink_to(project / UNIT)
    before, ours = contents(tree), contents(project)
    with pytest.raises(OverlayError, match=f"not ours to replace: {UNIT}. Remove"):
        Overlay(tree, project).lay_in()
    assert (contents(tree), contents(project)) == (before, ours)


def test_what_the_user_added_stands_in_the_way_of_a_link(project, tree):
    Overlay(tree, project).lay_in()
    write(tree, {f"{UNIT}/mine.py": "theirs"})
    with pytest.raises(OverlayError, match="not ours to replace: .*/mine.py"):
        Overlay(tree, project).lay_in(link=True)


def test_what_the_user_changed_is_not_updated_and_named(project, tree):
    Overlay(tree, project).lay_in()
    write(tree, {f"{UNIT}/vest_utils.py": "changed"})
    before = contents(tree)
    with pytest.raises(OverlayError, match="changed since they were laid in: .*/vest_utils.py"):
        Overlay(tree, project).lay_in()
    assert contents(tree) == before


def test_what_the_user_changed_or_added_is_left_and_named(project, tree):
    before = contents(tree)
    Overlay(tree, project).lay_in()
    write(tree, {f"{UNIT}/vest_utils.py": "changed", "vest_simulator/mine.py": "added"})
    assert Overlay(tree, project).take_out() == [
        f"vest_perpetual is out of {tree}.",
        f"Left, since it was changed there: {UNIT}/vest_utils.py",
        "Left, since something else is in it: vest_simulator/",
    ]
    assert {path: what for path, what in contents(tree).items() if path not in before} == {
        UNIT: "a folder", f"{UNIT}/vest_utils.py": "changed",
        "vest_simulator": "a folder", "vest_simulator/mine.py": "added"}
    assert Overlay(tree, project).take_out() == [f"Nothing was laid into {tree}."]


def test_a_link_the_user_has_put_in_place_of_a_folder_is_not_followed(project, tree):
    Overlay(tree, project).lay_in()
    shutil.rmtree(tree / UNIT)
    (tree / UNIT).symlink_to(project / UNIT)
    ours = contents(project)
    with pytest.raises(OverlayError, match=f"changed since they were laid in: {UNIT}"):
        Overlay(tree, project).lay_in()
    said = Overlay(tree, project).take_out()
    assert said[1:] == [f"Left, since it was changed there: {UNIT}/{name}" for name in ("__init__.py", "vest_utils.py")]
    assert contents(project) == ours and (tree / UNIT).is_symlink()


def test_what_the_user_added_outlives_an_update_and_its_folder_goes_with_it(project, tree):
    before = contents(tree)
    Overlay(tree, project).lay_in()
    write(tree, {"vest_simulator/mine.py": "added"})
    Overlay(tree, project).lay_in()
    (tree / "vest_simulator/mine.py").unlink()
    Overlay(tree, project).take_out()
    assert contents(tree) == before


def test_an_interrupted_run_is_finished_by_the_next(project, tree):
    before = contents(tree)
    Overlay(tree, project).lay_in()
    shutil.rmtree(tree / "vest_simulator")
    Overlay(tree, project).lay_in()
    assert (tree / "vest_simulator/__init__.py").exists()
    Overlay(tree, project).take_out()
    assert contents(tree) == before


@pytest.mark.parametrize("version, words", [
    ("dev-" + TESTED_VERSION, []),
    ("2.3.0", [f"Warning: this Hummingbot is 2.3.0, the connector was tested with {TESTED_VERSION}"]),
    ("", ["Warning: this Hummingbot is"]),
])
def test_another_version_is_a_warning(project, tree, version, words):
    write(tree, {"hummingbot/VERSION": version + "\n"})
    said = Overlay(tree, project).lay_in()
    assert len(said) == len(words) + 1
    assert all(line.startswith(word) for line, word in zip(said, words))


@pytest.mark.parametrize("make, named, words", [
    ({}, "", "say which Hummingbot"),
    ({}, "nowhere", "there is no folder"),
    ({"readme": ""}, ".", "is no Hummingbot source tree"),
    ({f"{UNIT}/__init__.py": ""}, ".", "is no Hummingbot source tree"),
    ({"hummingbot/__init__.py": "", f"{UNIT}/__init__.py": "", "hummingbot-1.dist-info/RECORD": ""}, ".",
     "use make dist-install"),
])
def test_what_is_no_source_tree_is_refused(tmp_path, make, named, words):
    write(tmp_path, make)
    with pytest.raises(OverlayError, match=words):
        hummingbot_tree(str(tmp_path / named) if named else "")


def run(*command, cwd=PROJECT, **environment):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment})


def make(target, *variables):
    return run("make", "--silent", target, *variables)


def test_make_refuses_in_one_line():
    for target in ("install-into", "uninstall-from"):
        for folder, words in (("", "say which Hummingbot"), (str(PROJECT), "is no Hummingbot source tree")):
            outcome = make(target, f"HUMMINGBOT_DIR={folder}")
            assert outcome.returncode and outcome.stdout == ""
            first, *rest = outcome.stderr.splitlines()
            assert first.startswith(f"make {target}: ") and words in first
            assert all("Error 1" in line for line in rest)  # make's own


def test_the_tested_version_is_the_installed_one():
    assert (PROJECT / ".hummingbot/hummingbot/VERSION").read_text().strip().replace("dev-", "") == TESTED_VERSION


@pytest.fixture
def clone():
    """A copy of the real Hummingbot as its repository has it: without this project, without an installer's notes."""
    home = Home.create(PROJECT / ".runs" / f"test-overlay-{os.getpid()}")
    for unit in overlay_units():
        (home.root / unit).unlink()
    for folder in ("scripts", "controllers"):
        shutil.rmtree(home.root / folder)
    yield home.root
    shutil.rmtree(home.root)


@pytest.mark.parametrize("how", [[], ["LINK=1"]], ids=["copies", "links"])
def test_the_unit_tests_pass_in_a_clone(clone, how):
    tests = "test/hummingbot/connector/derivative/vest_perpetual"
    before = names(clone)
    outcome = make("install-into", f"HUMMINGBOT_DIR={clone}", *how)
    assert outcome.returncode == 0 and f"vest_perpetual is in {clone}" in outcome.stdout, outcome.stderr
    probe = run(sys.executable, "-c", "from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_auth; "
                "print(vest_perpetual_auth.__file__)", cwd=clone)
    assert probe.stdout.startswith(str(clone)), probe.stderr
    tested = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests, "-k", "errors or web_utils",
                 cwd=clone)  # all of them are collected, and with that imported; a handful is run
    assert tested.returncode == 0 and " passed" in tested.stdout, tested.stdout
    shutil.rmtree(clone / ".hypothesis", ignore_errors=True)
    outcome = make("uninstall-from", f"HUMMINGBOT_DIR={clone}")
    assert (outcome.returncode, outcome.stdout) == (0, f"vest_perpetual is out of {clone}.\n"), outcome.stderr
    assert names(clone) == before


def test_the_connectors_folder_alone_is_a_connector(clone):
    """What a mount into the Docker image gives: without the candles feed and the rate source."""
    unit = "hummingbot/connector/derivative/vest_perpetual"
    shutil.copytree(PROJECT / unit, clone / unit, ignore=shutil.ignore_patterns("__pycache__"))
    listed = run(sys.executable, "-m", "hummingbot.cli.main", "connect", "vest_perpetual", "--fields", cwd=clone,
                 PYTHONPATH=str(clone))
    assert listed.returncode == 0 and "vest_perpetual_api_key" in listed.stdout, listed.stderr
    made = run(sys.executable, "-c", "from hummingbot.client.settings import AllConnectorSettings; from hummingbot."
               "connector.derivative.vest_perpetual import vest_perpetual_derivative as module; print(module.__file__)",
               cwd=clone, PYTHONPATH=str(clone))
    assert made.stdout.startswith(str(clone)), made.stderr


def names(root):
    """Every path in a tree that is not Python's cache of what was there before."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*")
                  if path.parent.name != "__pycache__" and path.name != "__pycache__")
