"""`python -m workbench.install`: everything a fresh machine needs, in steps that are skipped once they are done.

1. a Python 3.12 to build on; 2. uv, from PATH or into `.bootstrap/`; 3. `.venv/` with the locked dependencies;
4. Hummingbot itself into `.hummingbot/`, with this project's packages laid over it.

A step leaves a stamp, the hash of all that went into it, after it has succeeded: an interrupted installation goes on
where it stopped, a finished one takes no time, and a changed lock is noticed. Runs on any Python from 3.8 on, with the
standard library alone. A failure is one line that says what to do; the installers' own words are in `.install.log`.
"""
import contextlib
import fcntl
import hashlib
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence

from workbench.home import PROJECT, SHARED_HOME, Home, HomeError

PYTHON_VERSION = (PROJECT / ".python-version").read_text().strip()
REQUIREMENTS = PROJECT / "requirements"
LOCK, HUMMINGBOT, BUILD_TOOLS, UV = (
    REQUIREMENTS / name for name in ("development.txt", "hummingbot.txt", "build.txt", "uv.txt")
)
VENV = PROJECT / ".venv"
BOOTSTRAP = PROJECT / ".bootstrap"
HOME = PROJECT / SHARED_HOME
INCOMING = PROJECT / (SHARED_HOME + "-incoming")
LOG = PROJECT / ".install.log"
OLDEST_UV = (0, 8)
HEARTBEAT_S = 15
VERSION_PROBE = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
TELLING = ("Building", "Built", "Downloading", "Prepared", "Installed", "Uninstalled", "Bytecode")
NETWORK_TROUBLE = (
    "error sending request", "failed to fetch", "dns error", "connection refused", "timed out", "network",
    "failed to establish a new connection", "temporary failure in name resolution",
)


class InstallError(Exception):
    """The installation cannot go on; the text is one line that says what to do."""


def main() -> int:
    """Install what is missing; returns the exit code."""
    os.chdir(str(PROJECT))
    try:
        with _one_at_a_time():
            _install()
    except (InstallError, HomeError) as error:
        print("make install: {}".format(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmake install: interrupted; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def _install() -> None:
    venv_stamp = Stamp(VENV / ".installed", [LOCK, BUILD_TOOLS])
    home_stamp = Stamp(HOME / ".installed", [HUMMINGBOT, BUILD_TOOLS])
    if not (venv_stamp.is_current() and (VENV / "bin" / "python").exists()):
        LOG.write_text("")
        python = find_python()
        uv = find_uv(python)
        _install_dependencies(uv, python)
        venv_stamp.write()
    if not (home_stamp.is_current() and (HOME / "hummingbot").is_dir()):
        _install_hummingbot(find_uv(str(VENV / "bin" / "python")))
        home_stamp.write()
    home = Home(HOME)
    home.prepare()
    home.lay_over()


class Stamp:
    """A file that holds the hash of what a finished step was made from: files, this script, Python, the place."""

    def __init__(self, path: Path, inputs: Sequence[Path]) -> None:
        self._path = path
        digest = hashlib.sha256("{} {}".format(PYTHON_VERSION, PROJECT).encode())
        for file in (Path(__file__), *inputs):
            digest.update(file.read_bytes())
        self._content = digest.hexdigest()

    def is_current(self) -> bool:
        """Whether what was stamped was made from the same things."""
        return self._path.exists() and self._path.read_text() == self._content

    def write(self) -> None:
        """Says that it is made, at once and whole."""
        partial = self._path.with_suffix(".partial")
        partial.write_text(self._content)
        partial.replace(self._path)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two `make` at once: the second waits for the first."""
    try:
        lock = open(str(PROJECT / ".install.lock"), "w")
    except OSError as error:
        raise InstallError(
            "this folder is not yours: {} cannot be written ({}); make it yours (sudo chown -R \"$USER\" {}), or work "
            "in a copy that is.".format(error.filename, error.strerror, PROJECT)) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another installation is under way in this folder; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def find_python() -> str:
    """The path of a Python of the wanted version; candidates are run: a name may be a shim that only complains."""
    pyenv = Path(os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv")))
    name = "python" + PYTHON_VERSION
    candidates = [sys.executable, name, "python3"]
    candidates += sorted(map(str, pyenv.glob("versions/{}.*/bin/python".format(PYTHON_VERSION))), reverse=True)
    candidates += [os.path.join(folder, name) for folder in ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")]
    for candidate in candidates + _pythons_of_uv():
        version, _, executable = _output_of([candidate, "-c", VERSION_PROBE]).partition(" ")
        if version == PYTHON_VERSION:
            print("Python {}: {}".format(PYTHON_VERSION, executable))
            return executable
    raise InstallError(
        "Python {0} is needed and was not found: install it (apt install python{0} python{0}-venv, brew install "
        "python@{0}, pyenv install {0} or uv python install {0}) and run this again.".format(PYTHON_VERSION))


def _pythons_of_uv() -> List[str]:
    uv = shutil.which("uv")
    found = _output_of([uv, "python", "find", "--no-python-downloads", PYTHON_VERSION]) if uv else ""
    return [found] if found else []


def _output_of(command: Sequence[str]) -> str:
    """What a command prints, or nothing if it cannot be run or fails."""
    try:
        return subprocess.check_output(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       universal_newlines=True, timeout=30).strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def find_uv(python: str) -> str:
    """uv from PATH if it is recent enough, else the locked one, put into a small environment of its own."""
    for candidate in (str(BOOTSTRAP / "bin" / "uv"), shutil.which("uv")):
        words = _output_of([candidate, "--version"]).split() if candidate else []
        if len(words) > 1 and tuple(int(part) for part in words[1].split(".")[:2]) >= OLDEST_UV:
            return candidate
    _run("the installer uv", [python, "-m", "venv", "--clear", str(BOOTSTRAP)],
         hint="Python {0} lacks its venv module: apt install python{0}-venv, or install uv, and run this again.".format(
             PYTHON_VERSION))
    _run("the installer uv", [str(BOOTSTRAP / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check",
                              "--require-hashes", "-r", str(UV)])
    return str(BOOTSTRAP / "bin" / "uv")


def _install_dependencies(uv: str, python: str) -> None:
    print("Virtual environment .venv, locked dependencies (1 to 3 minutes when nothing is cached)")
    if not _output_of([str(VENV / "bin" / "python"), "-c", VERSION_PROBE]).startswith(PYTHON_VERSION + " "):
        _run("the virtual environment", [uv, "venv", "--clear", "--python", python, str(VENV)])
    _run("the dependencies", [uv, "pip", "sync", "--python", str(VENV), "--compile-bytecode",
                              "--build-constraints", str(BUILD_TOOLS), *_compiler_options(), str(LOCK)])
    paths = VENV / "lib" / ("python" + PYTHON_VERSION) / "site-packages" / "hummingbot_home.pth"
    paths.write_text("{}\n".format(HOME))


def _install_hummingbot(uv: str) -> None:
    """Install into a folder beside the home, then move it in: what the client wrote in the home stays."""
    print("Hummingbot into {}/ (about 4 minutes on two cores where it has to be compiled)".format(SHARED_HOME))
    shutil.rmtree(str(INCOMING), ignore_errors=True)
    _run("Hummingbot", [uv, "pip", "install", "--python", str(VENV), "--target", str(INCOMING), "--no-deps",
                        "--link-mode", "copy", "--compile-bytecode", "--build-constraints", str(BUILD_TOOLS),
                        *_compiler_options(), "-r", str(HUMMINGBOT)])
    HOME.mkdir(exist_ok=True)
    for entry in sorted(INCOMING.iterdir()):
        target = HOME / entry.name
        if target.exists():
            target.replace(INCOMING / (entry.name + ".old"))
        entry.replace(target)
    shutil.rmtree(str(INCOMING))


def _compiler_options() -> List[str]:
    """Without a C++ compiler only ready wheels can be used; saying so beforehand fails at once, not minutes later."""
    return [] if _has_compiler() else ["--no-build"]


def _has_compiler() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX") or "c++", "g++", "clang++"))


def _run(what: str, command: Sequence[str], hint: str = "") -> None:
    """Run one installer, telling its progress.

    :param what: what is being installed, in words.
    :param hint: what to do when it fails; by default found out from the installer's words.
    """
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               universal_newlines=True, env=_environment())
    try:
        words = _follow(what, process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()
    if process.returncode:
        raise InstallError(hint or _diagnosis(what, words))


def _environment() -> Dict[str, str]:
    """The caller's environment without what would point uv at another environment or at another kind of build."""
    misleading = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "DEV_MODE", "WITHOUT_CYTHON_OPTIMIZATIONS")
    return {name: value for name, value in os.environ.items() if name not in misleading}


def _follow(what: str, process: "subprocess.Popen[str]") -> List[str]:
    """Log every line, print the telling ones, and a sign of life when there has been none for a while."""
    lines: "queue.Queue[Optional[str]]" = queue.Queue()

    def read() -> None:
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    started, said = time.monotonic(), []
    with LOG.open("a") as log:
        while True:
            try:
                line = lines.get(timeout=HEARTBEAT_S)
            except queue.Empty:
                print("  … {}: {:.0f} s".format(what, time.monotonic() - started), flush=True)
                continue
            if line is None:
                return said
            log.write(line)
            said.append(line.rstrip())
            if line.strip().startswith(TELLING):
                print("  " + line.strip(), flush=True)


def _diagnosis(what: str, words: Sequence[str]) -> str:
    text = "\n".join(words).lower()
    if any(sign in text for sign in NETWORK_TROUBLE):
        return "{} could not be downloaded: check the network (or the proxy) and run this again.".format(
            what[0].upper() + what[1:])
    if not _has_compiler():
        return ("{} must be compiled on this system and there is no C++ compiler: install one (apt install "
                "build-essential, xcode-select --install) and run this again.").format(what[0].upper() + what[1:])
    return "installing {} failed; the reason is at the end of {}.".format(what, LOG.name)


if __name__ == "__main__":
    sys.exit(main())
