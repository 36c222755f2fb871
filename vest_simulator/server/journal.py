"""The journal: a bounded record of every REST request and every frame, for tests to assert on. Secrets are masked."""
import json
import re
from collections import Counter, deque
from typing import Any, Deque, Dict, List, Optional

MASK = "***"
SECRET_FIELDS = {"signature", "tpSignature", "slSignature", "listenKey", "apiKey"}


def masked(value: Any) -> Any:
    """A copy of a JSON value without secrets."""
    if isinstance(value, dict):
        return {key: MASK if key in SECRET_FIELDS else masked(item) for key, item in value.items()}
    return [masked(item) for item in value] if isinstance(value, list) else value


class Journal:
    """Entries are JSON objects with seq, kind and time_ms; `counts` holds the number of requests per method and path.

    Kinds: rest, frame_sent, frame_received, socket_opened, socket_closed.
    """

    def __init__(self, size: int) -> None:
        self._entries: Deque[Dict[str, Any]] = deque(maxlen=size)
        self._seq = 0
        self.counts: Counter = Counter()

    def add(self, kind: str, time_ms: int, **details: Any) -> Dict[str, Any]:
        """Adds an entry and returns it; it has the next sequence number."""
        self._seq += 1
        entry = {"seq": self._seq, "kind": kind, "time_ms": time_ms, **details}
        self._entries.append(entry)
        if kind == "rest":
            self.counts[f"{details['method']} {details['path']}"] += 1
        return entry

    def entries(self, kind: Optional[str] = None, since: Optional[int] = None, path: Optional[str] = None,
                channel: Optional[str] = None, limit: Optional[int] = None) -> List[Dict[str, Any]]:
        """The newest `limit` entries, oldest first.

        :param since: sequence number after which entries count
        :param path: regular expression for the whole path
        """
        chosen: List[Dict[str, Any]] = []
        for entry in reversed(self._entries):
            if (since is not None and entry["seq"] <= since) or len(chosen) == limit:
                break
            if ((kind is None or entry["kind"] == kind)
                    and (path is None or re.fullmatch(path, entry.get("path", "")))
                    and (channel is None or entry.get("channel") == channel)):
                chosen.append(entry)
        return chosen[::-1]

    def clear(self) -> None:
        """Forgets entries and counts; sequence numbers go on."""
        self._entries.clear()
        self.counts.clear()


def parsed_body(raw: bytes) -> Any:
    """The masked JSON of a body for the journal; what is not JSON is shown by its length alone."""
    if not raw:
        return None
    try:
        return masked(json.loads(raw))
    except (ValueError, RecursionError):
        return f"{len(raw)} bytes that are not JSON"
