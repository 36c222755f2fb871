"""What the log is told of a venue that may say the same odd thing a thousand times."""
import logging
import time
from contextlib import contextmanager
from typing import Iterable, Iterator, Optional

from cachetools import TTLCache

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError


class Complaints:
    """Says each thing once in a while, and not too many things, so that a fault that repeats does not flood the log.

    :param repeat_after_s: after how many seconds the same thing is worth saying again
    """

    # So many different things are said in the same while; a venue can be wrong in endless ways.
    LIMIT = 100

    def __init__(self, logger: logging.Logger, repeat_after_s: float = 600.0):
        self._logger = logger
        self._said: TTLCache = TTLCache(self.LIMIT, repeat_after_s, timer=lambda: time.monotonic())

    def say(self, text: str, topic: Optional[str] = None) -> bool:
        """Log a text as a warning, unless it was logged lately.

        :param text: what to say
        :param topic: what it is about, for `forget`
        :return: whether it was logged
        """
        self._said.expire()
        if text in self._said or len(self._said) == self.LIMIT:
            return False
        self._said[text] = topic
        if len(self._said) == self.LIMIT:
            text += " No more of this is logged for some time, because there is too much of it."
        self._logger.warning(text)
        return True

    def say_unread(self, what: str, unread: Iterable[str]) -> None:
        """Says what could not be read of something that is of use without it.

        :param what: such as "An order"
        :param unread: complaints that name the fields
        """
        for complaint in unread:
            self.say(f"{what} of Vest cannot be read in part; that part is passed over ({complaint}).")

    def forget(self, topic: Optional[str] = None) -> None:
        """What was said of a topic is news again, because the fault is over.

        :param topic: as it was given to `say`; None for what was said without one
        """
        for text in [text for text, about in self._said.items() if about == topic]:
            del self._said[text]

    @contextmanager
    def instead_of_payload_errors(self, what: str) -> Iterator[None]:
        """A message that cannot be understood is dropped and complained about; the next one counts (B17, C19).

        :param what: what was dropped, in words
        """
        try:
            yield
        except VestPayloadError as error:
            self.say_ignored(what, error)

    def say_ignored(self, what: str, error: VestPayloadError) -> None:
        """As `instead_of_payload_errors` says it; for what comes so often that a context manager is felt.

        :param what: what was dropped, in words
        """
        self.say(f"Vest sent a {what} that cannot be understood and is ignored: {error}")
