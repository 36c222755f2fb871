"""Hummingbot homes: what is laid over them, and that they stand on their own."""
import os
import shutil
import subprocess
import sys

import pytest

from workbench.home import PROJECT, Home, HomeError, overlay_units


@pytest.fixture
def project(tmp_path):
    """A checkout in small, with a built Hummingbot beside it."""
    root = tmp_path / "project"
    for file in ("hummingbot/connector/derivative/vest/__init__.py",
                 "hummingbot/connector/derivative/vest/vest_utils.py", "hummingbot/core/sources/vest_source.py",
                 "scripts/runner.py", "controllers/making/ours.py",
                 ".hummingbot/hummingbot/__init__.py", ".hummingbot/hummingbot/connector/derivative/__init__.py",
                 ".hummingbot/hummingbot/core/sources/__init__.py"):
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return root


def test_overlay_is_the_leaf_packages_and_the_lone_modules(project):
    assert [str(unit) for unit in overlay_units(project)] == [
        "hummingbot/connector/derivative/vest", "hummingbot/core/sources/vest_source.py"]


def test_create_links_the_package_and_the_overlay(project, tmp_path):
    home = Home.create(tmp_path / "home", project=project)
    ours = home.root / "hummingbot/connector/derivative/vest"
    assert os.path.samefile(home.root / "hummingbot/__init__.py", project / ".hummingbot/hummingbot/__init__.py")
    assert ours.is_symlink() and ours.resolve() == project / "hummingbot/connector/derivative/vest"
    assert (home.root / "scripts/runner.py").exists() and (home.root / "controllers/making/ours.py").exists()
    assert not (home.root / "controllers/making").is_symlink()
    assert {"conf", "data", "logs"} <= {path.name for path in home.root.iterdir()}
    assert "send_error_logs: false" in (home.root / "conf/conf_client.yml").read_text()


def test_others_on_the_computer_cannot_look_into_a_new_home(project, tmp_path):
    home = Home.create(tmp_path / "home", project=project)
    assert [(home.root / folder).stat().st_mode & 0o077 for folder in ("conf", "data")] == [0, 0]


def test_create_with_copies_needs_the_project_no_more(project, tmp_path):
    home = Home.create(tmp_path / "home", copy_overlay=True, project=project)
    assert not [path for path in home.root.rglob("*") if path.is_symlink()]
    assert (home.root / "hummingbot/connector/derivative/vest/vest_utils.py").exists()


def test_a_script_can_be_added_to_one_home(project, tmp_path):
    script = tmp_path / "load.py"
    script.write_text("")
    home = Home.create(tmp_path / "home", project=project)
    home.add_script(script)
    assert (home.root / "scripts/load.py").resolve() == script and not (project / "scripts/load.py").exists()


def test_lay_over_follows_what_is_added_and_removed(project, tmp_path):
    home = Home.create(tmp_path / "home", project=project)
    (project / "hummingbot/core/sources/vest_source.py").rename(project / "hummingbot/core/sources/vest_other.py")
    home.lay_over(project=project)
    assert sorted(path.name for path in (home.root / "hummingbot/core/sources").iterdir()) == [
        "__init__.py", "vest_other.py"]


def test_lay_over_never_replaces_what_is_not_ours(project, tmp_path):
    theirs = project / ".hummingbot/hummingbot/core/sources/vest_source.py"
    theirs.write_text("upstream has it now")
    with pytest.raises(HomeError, match="not ours to replace"):
        Home.create(tmp_path / "home", project=project)
    assert theirs.read_text() == "upstream has it now"


def test_create_refuses_a_folder_that_exists(project, tmp_path):
    with pytest.raises(HomeError, match="exists already"):
        Home.create(tmp_path, project=project)


def test_create_without_an_installation_says_what_to_do(tmp_path):
    with pytest.raises(HomeError, match="make install"):
        Home.create(tmp_path / "home", project=tmp_path)


def test_settings_of_a_user_are_kept(project, tmp_path):
    home = Home.create(tmp_path / "home", project=project)
    (home.root / "conf/conf_client.yml").write_text("send_error_logs: true\n")
    home.prepare()
    assert (home.root / "conf/conf_client.yml").read_text() == "send_error_logs: true\n"


def test_remove_package_keeps_what_the_client_wrote(project, tmp_path):
    home = Home.create(tmp_path / "home", project=project)
    (home.root / "data/run.sqlite").write_text("books")
    home.remove_package()
    assert not (home.root / "hummingbot").exists() and (home.root / "data/run.sqlite").exists()
    assert (project / ".hummingbot/hummingbot/__init__.py").exists()


def test_a_process_in_a_home_finds_hummingbot_and_its_root_there(tmp_path_factory):
    root = PROJECT / ".runs" / f"test-home-{os.getpid()}"
    home = Home.create(root)
    try:
        words = subprocess.run(
            [sys.executable, "-c", "import hummingbot; print(hummingbot.root_path()); print(hummingbot.__file__)"],
            env=home.environment(), cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split()
    finally:
        shutil.rmtree(home.root)
    assert words == [str(root), str(root / "hummingbot/__init__.py")]
