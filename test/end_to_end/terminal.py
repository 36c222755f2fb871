"""A terminal with a program in it, for tests that do what a person does: type, paste, look. Made of tmux."""
import itertools
import os
import re
import shlex
import subprocess
import time
from pathlib import Path
from typing import Mapping, Optional

TIMEOUT_S = 60.0
COLUMNS, ROWS = 160, 50
_numbers = itertools.count(1)


class Terminal:
    """One terminal; `with` opens and closes it.

    :param name: what it is for; each has a tmux server of its own, because one that ends still takes connections
    :param command: what runs in it
    :param folder: where it runs
    :param environment: further variables
    """

    def __init__(self, name: str, command: str, folder: Path, environment: Mapping[str, str], columns: int = COLUMNS,
                 rows: int = ROWS) -> None:
        self._tmux = ["tmux", "-L", f"test-{name}-{os.getpid()}-{next(_numbers)}", "-f", "/dev/null"]
        words = [f"{key}={shlex.quote(value)}" for key, value in environment.items()]
        # The shell stays, so that what the program said last can be read.
        self._start = ["new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(folder),
                       f"env {' '.join(words)} {command}; echo \"exit code $?\"; read line"]

    def __enter__(self) -> "Terminal":
        self._run(*self._start)
        return self

    def __exit__(self, *exception: object) -> None:
        self._run("kill-server")

    def type(self, text: str) -> None:
        """Types a text and Enter."""
        self._run("send-keys", "-l", "--", text)
        self.press("Enter")

    def press(self, key: str) -> None:
        """Presses a key, by tmux' name for it."""
        self._run("send-keys", key)

    def paste(self, text: str) -> None:
        """Pastes a text, as terminals do: the program sees that it is pasted."""
        subprocess.run([*self._tmux, "load-buffer", "-"], input=text, text=True, check=True)
        self._run("paste-buffer", "-p", "-d")

    def resize(self, columns: int, rows: int) -> None:
        """Makes the window larger or smaller."""
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    @property
    def screen(self) -> str:
        """What is to be seen."""
        return self._run("capture-pane", "-p")

    def shows(self, text: str, after: str = "", columns: Optional[int] = None) -> bool:
        """Whether a text is to be seen, wherever lines are broken.

        :param after: below the last place where this is to be seen
        :param columns: in so many columns from the left; None: in all of them
        """
        screen = _without_space("".join(line[:columns] for line in self.screen.splitlines()))
        mark = _without_space(after)
        _, found, below = screen.rpartition(mark) if mark else ("", " ", screen)
        return bool(found) and _without_space(text) in below

    def wait_for(self, text: str, after: str = "", columns: Optional[int] = None, timeout_s: float = TIMEOUT_S) -> None:
        """Waits until a text is to be seen; see `shows`.

        :raises AssertionError: with the screen, when it is not in time
        """
        deadline_s = time.monotonic() + timeout_s
        while not self.shows(text, after, columns):
            if time.monotonic() > deadline_s:
                raise AssertionError(f"{text!r} was not seen within {timeout_s} s:\n{self.screen}")
            time.sleep(0.1)

    def _run(self, *arguments: str) -> str:
        return subprocess.run([*self._tmux, *arguments], check=True, capture_output=True, text=True).stdout


def _without_space(text: str) -> str:
    return re.sub(r"\s", "", text)
