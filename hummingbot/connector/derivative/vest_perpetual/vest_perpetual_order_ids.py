"""Client order ids that are the venue's nonces (design decision 1).

The venue knows no client order id, but every order carries a number of the client's own, the nonce, which the venue
echoes in each of its answers and events. So the client order id *is* the nonce in decimal digits: it needs no table,
survives a crash, and matches an event that comes before the answer to the order.
"""
import random
import time
from pathlib import Path
from typing import Callable, Dict, Optional

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_files import replace_file

TAG_COUNT = 1000
TAG_FILE_NAME = "vest_perpetual_order_tag"
# A nonce of ours is milliseconds since the epoch times a thousand, plus the tag: from 2001 on it is at least this.
_SMALLEST_NONCE = 10 ** 15
# Issued ids remembered to tell our own orders from those of a bot that happens to have drawn the same tag.
_REMEMBERED_IDS = 10_000


class VestOrderIdError(VestError):
    """The file with the order tag cannot be used; the message says what to do."""


class OrderIds:
    """Issues nonces: `milliseconds x 1000 + tag`, strictly increasing and below 2^53.

    The tag (0-999) tells the orders of several bots on one account apart. It is drawn once per Hummingbot home and kept
    in its data folder, so that after a crash a bot still knows which open orders are its own.

    :param data_path: Hummingbot's data folder
    :param time_ms: the present in milliseconds since the epoch
    :param draw: draws a tag, an integer from 0 to 999
    """

    def __init__(
            self,
            data_path: Path,
            time_ms: Callable[[], int] = lambda: int(time.time() * 1000),
            draw: Callable[[], int] = lambda: random.SystemRandom().randrange(TAG_COUNT),
    ):
        self._path = Path(data_path) / TAG_FILE_NAME
        self._time_ms = time_ms
        self._draw = draw
        self._last_ms = 0
        self._issued: Dict[int, None] = {}  # in their order; a cache's own class would cost each order 10 µs
        self._first_ms = time_ms()
        self._tag: Optional[int] = None
        self._tag_is_new = False

    @property
    def tag(self) -> int:
        """The tag of this Hummingbot home.

        :raises VestOrderIdError: when the tag file cannot be read or written
        """
        if self._tag is None:
            self._tag = self._stored_tag()
        return self.redraw_tag() if self._tag is None else self._tag

    def next(self) -> int:
        """The next nonce: never issued before, larger than all before it."""
        self._last_ms = max(self._last_ms + 1, self._time_ms())
        nonce = self._last_ms * TAG_COUNT + self.tag
        self._issued[nonce] = None
        if len(self._issued) > _REMEMBERED_IDS:
            del self._issued[next(iter(self._issued))]
        return nonce

    def is_ours(self, nonce: Optional[int]) -> bool:
        """Whether a nonce bears our tag. Those of a bot that drew the same tag do too: see `is_of_another_bot`."""
        return nonce is not None and nonce >= _SMALLEST_NONCE and nonce % TAG_COUNT == self.tag

    def is_of_another_bot(self, nonce: int) -> bool:
        """Whether a nonce with our tag can only come from another bot: it was not made here, and either our tag is new
        or the nonce was made since this session began."""
        return nonce not in self._issued and (self._tag_is_new or nonce // TAG_COUNT > self._first_ms)

    def redraw_tag(self) -> int:
        """Draws and stores another tag; for a new home, and when another bot turns out to have the same one."""
        tag = self._draw()
        while tag == self._tag:
            tag = self._draw()
        self._store(tag)
        self._tag, self._tag_is_new = tag, True
        return tag

    def _stored_tag(self) -> Optional[int]:
        try:
            text = self._path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise VestOrderIdError(f"cannot read {self._path}: {error}; check its permissions") from error
        if not (text.isdecimal() and int(text) < TAG_COUNT):
            raise VestOrderIdError(f"{self._path} does not hold a number below {TAG_COUNT}; delete it when no orders "
                                   f"of this bot are open")
        return int(text)

    def _store(self, tag: int) -> None:
        try:
            replace_file(self._path, str(tag))
        except OSError as error:
            raise VestOrderIdError(f"cannot write {self._path}: {error}; check the folder's permissions") from error
