"""The pull request in a clone of Hummingbot's repository: a small one, and one made of the installed Hummingbot."""
import os
import shutil
import subprocess
import sys

import pytest

from workbench.home import PROJECT, Home, overlay_units
from workbench.overlay import OverlayError
from workbench.upstream import CUTS, EDITS, PullRequest, UpstreamError, hummingbot_clone

README = """\
## Exchange Connectors

| Exchange | Type | Sub-Type(s) | Connector ID(s) | Discount |
|------|------|------|-------|----------|
| [Binance](https://hummingbot.org/exchanges/binance/) | CLOB CEX | Spot | `binance` | - |

### Other Exchange Connectors

Currently, there are these too.

| Exchange | Type | Sub-Type(s) | Connector ID(s) | Discount |
|------|------|------|-------|----------|
| [Uniswap](https://hummingbot.org/exchanges/gateway/uniswap/) | AMM DEX | Router, AMM, CLMM | `uniswap` | - |

## Other Hummingbot Repos
"""
OURS = "test/hummingbot/connector/derivative/vest_perpetual"
CANDLES = "hummingbot/data_feed/candles_feed/candles_factory.py"


def git(root, *arguments):
    return subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments], cwd=root,
                          capture_output=True, text=True, check=True).stdout


def commit(root):
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "as it is")


@pytest.fixture(scope="module")
def clone():
    """The installed Hummingbot as its repository has it, committed; nothing in it is shared with the installed one."""
    home = Home.create(PROJECT / ".runs" / f"test-upstream-{os.getpid()}")
    for unit in overlay_units():
        (home.root / unit).unlink()
    for folder in ("scripts", "controllers", "conf", "data", "logs"):
        shutil.rmtree(home.root / folder)
    (home.root / "README.md").write_text(README)
    (home.root / ".gitignore").write_text("__pycache__/\n*.so\n.hypothesis/\n")
    for name in ("test/__init__.py", "test/isolated_asyncio_wrapper_test_case.py"):
        (home.root / name).parent.mkdir(exist_ok=True)
        shutil.copy2(PROJECT / name, home.root / name)
    clone = home.root.with_name(home.root.name + "-clone")
    shutil.copytree(home.root, clone)  # the files of a home are the installed ones, by hard links
    shutil.rmtree(home.root)
    git(clone, "init", "-q")
    commit(clone)
    yield clone
    shutil.rmtree(clone)


@pytest.fixture
def fresh(clone):
    """The clone as it was committed first."""
    yield clone
    git(clone, "checkout", "-q", "HEAD", "--", ".")
    git(clone, "clean", "-q", "-d", "-f")


def make(root):
    return subprocess.run(["make", "--silent", "upstream", f"HUMMINGBOT_DIR={root}"], cwd=PROJECT, capture_output=True,
                          text=True)


def test_the_pull_request_edits_four_files_and_its_tests_pass(fresh):
    said = make(fresh)

    assert said.returncode == 0, said.stderr
    assert git(fresh, "diff", "--name-only").split() == sorted(EDITS)
    changed = [line for line in git(fresh, "diff", "--unified=0").splitlines() if line[0] in "+-" and line[:3] not in (
        "+++", "---")]
    assert all(line.startswith("+") for line in changed), "an edit takes nothing of theirs away"
    assert any(line.startswith("+| [Vest](") and "| `vest_perpetual` |" in line for line in changed)
    assert '+    "vest_perpetual": VestPerpetualRateSource,' in changed
    assert '+        "vest_perpetual": VestPerpetualCandles,' in changed
    assert [line.split()[1].rstrip(":") for line in said.stdout.splitlines() if line.startswith("Edited")] == [
        path for path, edits in EDITS.items() for _ in edits]
    left_out = said.stdout.partition("Left out")[2]
    assert "test_vest_perpetual_candles.py" in left_out and "pip install hypothesis" in left_out
    # Those that only a conftest.py brings to the simulator as well.
    assert "test_certify.py" in left_out and not (fresh / OURS / "cli/test_certify.py").exists()

    written = [path for path in (*EDITS, *CUTS) if path.endswith(".py")]
    for check in (["flake8", "--select", "F,W,E3"], ["isort", "--check-only", "--settings-file", str(
            PROJECT / "pyproject.toml")]):
        checked = subprocess.run([sys.executable, "-m", *check, *written], cwd=fresh, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr

    # All are imported, with everything they import; those of what the edits are about, and a handful, are run.
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test/hummingbot", "-k",
         "oracles_sources or registered and vest_perpetual_candles or errors"], cwd=fresh, capture_output=True,
        text=True)
    assert tested.returncode == 0 and " passed" in tested.stdout, tested.stdout
    named = subprocess.run([sys.executable, "-c", (
        "from hummingbot.client.config.client_config_map import RATE_SOURCE_MODES;"
        "print(RATE_SOURCE_MODES['vest_perpetual']().build_rate_source().name)")], cwd=fresh, capture_output=True,
        text=True, env={**os.environ, "PYTHONPATH": str(fresh)})
    assert named.stdout == "vest_perpetual\n", named.stderr


def test_a_second_run_changes_nothing_and_a_committed_one_is_brought_up_to_date(fresh):
    PullRequest(fresh).lay_in()
    state = git(fresh, "status", "--porcelain", "--untracked-files=all")
    diff = git(fresh, "diff")

    assert any(line.startswith("Nothing to do") for line in PullRequest(fresh).lay_in())
    assert (git(fresh, "status", "--porcelain", "--untracked-files=all"), git(fresh, "diff")) == (state, diff)

    ours = fresh / "hummingbot/core/rate_oracle/sources/vest_perpetual_rate_source.py"
    first = git(fresh, "rev-parse", "HEAD").strip()
    wanted = ours.read_text()
    ours.write_text("an earlier one")
    commit(fresh)
    try:
        said = PullRequest(fresh).lay_in()
        assert ours.read_text() == wanted
        assert [line for line in said if line.startswith(("Edited", "Written"))] == [
            "Written hummingbot/core/rate_oracle/sources/ (1 files)"]
    finally:
        git(fresh, "reset", "-q", "--hard", first)


def test_the_clone_no_longer_registers_candles_and_rates_by_import(fresh):
    PullRequest(fresh).lay_in()

    for path in CUTS:
        text = (fresh / path).read_text()
        assert "RATE_ORACLE_SOURCES" not in text and "_candles_map" not in text and "import_module" not in text
    assert (PROJECT / list(CUTS)[0]).read_text().count("import_module") == 2, "this project's own are as they were"


@pytest.mark.parametrize("path, text", [
    (CANDLES, "# theirs\n"),
    ("hummingbot/connector/derivative/vest_perpetual/vest_perpetual_auth.py", "# theirs\n"),
])
def test_uncommitted_changes_where_it_would_write_are_refused(fresh, path, text):
    (fresh / path).parent.mkdir(exist_ok=True)
    with open(fresh / path, "a") as file:
        file.write(text)
    before = git(fresh, "status", "--porcelain", "--untracked-files=all")

    said = make(fresh)

    assert said.returncode != 0 and said.stdout == ""
    assert said.stderr.startswith(f"make upstream: not committed in {fresh}: {path}.")
    assert git(fresh, "status", "--porcelain", "--untracked-files=all") == before


def test_uncommitted_changes_elsewhere_are_left_alone(fresh):
    (fresh / "hummingbot/exceptions.py").write_text("# theirs\n")

    PullRequest(fresh).lay_in()

    assert (fresh / "hummingbot/exceptions.py").read_text() == "# theirs\n"


def test_a_file_without_a_place_for_an_edit_is_refused_and_nothing_is_written(fresh):
    (fresh / CANDLES).write_text("class CandlesFactory:\n    pass\n")

    with pytest.raises(UpstreamError, match="has no place for this: CandlesFactory imports the candles"):
        PullRequest(fresh).lay_in()

    assert git(fresh, "status", "--porcelain").split() == ["M", CANDLES]


def test_what_is_no_clone_is_refused(tmp_path):
    (tmp_path / "hummingbot/connector/derivative").mkdir(parents=True)
    with pytest.raises(OverlayError, match="is no Hummingbot source tree"):
        hummingbot_clone(str(tmp_path))
    (tmp_path / "hummingbot/__init__.py").touch()
    with pytest.raises(UpstreamError, match="is no git clone"):
        hummingbot_clone(str(tmp_path))
    (tmp_path / ".git").mkdir()
    assert hummingbot_clone(str(tmp_path)) == tmp_path.resolve()
    (tmp_path / ".vest_perpetual_overlay.json").write_text("{}")
    with pytest.raises(UpstreamError, match="run make uninstall-from"):
        hummingbot_clone(str(tmp_path))
