"""Warns before the keys expire, and says how to renew them (design decision 12)."""
from datetime import datetime, timezone
from pathlib import Path
from typing import Optional, Set

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import VestPerpetualAuth
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import (
    EXPIRES_SOON_MS,
    HOUR_MS,
    expiry_ms,
    renewal_command,
)

# How long ahead to warn, in ms, and the words for it.
_THRESHOLDS = {0: "have expired", HOUR_MS: "expire in less than an hour", EXPIRES_SOON_MS: "expire in less than a day"}


class KeyExpiry:
    """What to say about the life of the keys in use. Each threshold is said once, also by a bot that starts after it.

    :param auth: holds the keys
    :param data_path: Hummingbot's data folder, where the note about the registration is
    :param domain: one of the three domains
    :param clock: the venue's clock
    """

    def __init__(self, auth: VestPerpetualAuth, data_path: Path, domain: str, clock: ServerClock):
        self._auth = auth
        self._data_path = Path(data_path)
        self._domain = domain
        self._clock = clock
        self._said: Set[int] = set()

    def warning(self) -> Optional[str]:
        """What is to be said now; None when it is too early, was said before, or nobody knows when the keys expire."""
        if self._auth.key_problem is not None:
            return None
        end_ms = expiry_ms(self._auth, self._data_path, self._domain)
        if end_ms is None:
            return None
        left_ms = end_ms - self._clock.now_ms()
        threshold = next((ahead_ms for ahead_ms in _THRESHOLDS if left_ms <= ahead_ms), None)
        if threshold is None or threshold in self._said:
            return None
        self._said.add(threshold)
        return (
            f"The Vest keys {_THRESHOLDS[threshold]} ({_utc(end_ms)}); without valid keys nothing can be traded or "
            f"cancelled. Renew them with: {renewal_command(self._domain)} - the running bot takes the new ones itself."
        )

    def forget(self) -> None:
        """The keys are new: they will expire another time."""
        self._said.clear()


def _utc(time_ms: int) -> str:
    try:
        return datetime.fromtimestamp(time_ms / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "long ago"  # whoever made the key wrote a number that is no date
