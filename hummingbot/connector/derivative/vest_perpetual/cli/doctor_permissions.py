"""What others on the same computer can read or change."""
import stat
from pathlib import Path
from typing import Iterable, List, Tuple

_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_ENTER = stat.S_IXGRP | stat.S_IXOTH


def others_may(paths: Iterable[Path]) -> Tuple[List[Path], List[Path]]:
    """Which of some files and folders others can change, and which they can read.

    What lies in a folder that nobody else may enter is out of their reach, whatever its own bits say.

    :param paths: those that exist are looked at
    """
    writable, readable = [], []
    for path in paths:
        if not path.exists() or not _can_be_reached(path):
            continue
        mode = path.stat().st_mode
        if mode & _OTHERS_WRITE:
            writable.append(path)
        elif mode & _OTHERS_READ:
            readable.append(path)
    return writable, readable


def _can_be_reached(path: Path) -> bool:
    return all(folder.stat().st_mode & _OTHERS_ENTER for folder in path.resolve().parents)
