"""Files that are there in full or not at all."""
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Gives the name of a draft beside a file. When the context ends well the draft becomes the file; else, as on a
    full disk, the draft is removed and the file stays as it was.

    Unlike a file of keys it can be read by whom its user's umask lets: it is made to be passed on.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
