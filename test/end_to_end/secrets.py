"""Where a secret may be hiding: one search for all scenarios."""
import logging
import re
from typing import Any, Collection, Iterable, List, Optional
from urllib.parse import quote

_SIGNATURE = re.compile("(?<![0-9a-f])(0x)?[0-9a-f]{130}(?![0-9a-f])")


def leaks(texts: Iterable[str], secrets: Collection[str]) -> List[str]:
    """The texts that hold a secret, in any case and with or without 0x, or the signature of a request.

    :param texts: what was logged, raised, written or shown
    :param secrets: keys of any kind
    """
    needles = {form for secret in secrets for form in _forms(secret)}
    return [text for text in texts if _holds(text.lower(), needles)]


def _forms(secret: str) -> List[str]:
    bare = secret.lower().removeprefix("0x")
    return [bare, quote(bare, safe="").lower()]


def _holds(text: str, needles: Iterable[str]) -> bool:
    return any(needle in text for needle in needles) or _SIGNATURE.search(text) is not None


def words_of_error(error: Optional[BaseException]) -> List[str]:
    """What an error and everything it came from say, to people and to programs, whether a traceback would show it."""
    words, seen = [], set()
    waiting = [error]
    while waiting:
        error = waiting.pop()
        if error is not None and id(error) not in seen:
            seen.add(id(error))
            words += [str(error), repr(error), repr(error.args)]
            waiting += [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]
    return words


def words_of_record(record: logging.LogRecord) -> List[str]:
    """Everything a log record carries to whatever handler there may be."""
    words: List[Any] = [record.getMessage(), record.msg, record.args, record.stack_info, record.exc_text]
    error = record.exc_info[1] if record.exc_info else None
    extras = [value for name, value in vars(record).items() if name not in ("exc_info", "msg", "args")]
    return [*map(str, words), *map(repr, words), *map(repr, extras), *words_of_error(error)]
