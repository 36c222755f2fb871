"""Files that a crash leaves whole."""
import os
from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Writes a file aside and renames it, so that a crash leaves the old one or the new one, never half of one. Nobody
    else can read it. Hummingbot takes every file in its folder of keys for keys, so what is not finished is hidden from
    it by a dot.

    :param path: of the file; its folder is made when it is missing
    :param text: what is to be in it
    :raises OSError: when it cannot be written; then the old one is there, and nothing else
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
