"""What a run must not leave behind: complaints in the log, secrets in a file, tasks or processes that go on."""
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Container, Counter as CounterType, Iterable, Iterator, List, Optional, Sequence, Set

from hummingbot.connector.derivative.vest_perpetual.session_report.log_sentences import HARMLESS

# "<time> - <pid> - <logger> - <level> - <message>", the format of Hummingbot's log files
LOG_LINE = re.compile(r"^\S+ \S+ - \d+ - (?P<logger>\S+) - (?P<level>[A-Z]+) - (?P<message>.*)$")
COMPLAINTS = ("WARNING", "ERROR", "CRITICAL")
NETWORK = "NETWORK"  # a level of Hummingbot's own, below INFO: trouble of the connection that may pass
NUMBERS = re.compile(r"0x[0-9a-fA-F]+|\d+(\.\d+)?")
SIGNATURE = re.compile(rb"0x[0-9a-fA-F]{130}(?![0-9a-fA-F])")
ORDER_ID = re.compile(r"\b\d{16}\b")  # a client order id, which is the nonce of the venue's order
UNCLOSED = re.compile(r"Unclosed (client session|connector|connection)|Task was destroyed but it is pending")


@dataclass(frozen=True)
class Complaint:
    """A WARNING or worse in the log; numbers in the message are left out, so that like ones count together."""

    logger: str
    level: str
    message: str

    @property
    def explanation(self) -> Optional[str]:
        """Why it is harmless, if that is known."""
        return next((why for part, why in HARMLESS.items() if part in self.message), None)

    @property
    def is_fault(self) -> bool:
        """Whether it makes the run a failed one: an error, or something nobody has explained yet."""
        return self.level != "WARNING" or self.explanation is None


def complaints(logs: Iterable[Path], levels: Container[str] = COMPLAINTS) -> CounterType[Complaint]:
    """Every line of these levels in log files of the client, by default WARNING or worse, counted."""
    found: CounterType[Complaint] = Counter()
    for line in _lines(logs):
        match = LOG_LINE.match(line)
        if match and match["level"] in levels:
            found[Complaint(match["logger"], match["level"], NUMBERS.sub("…", match["message"]))] += 1
    return found


def unclosed(logs: Iterable[Path]) -> List[str]:
    """Lines that tell of sessions left open or tasks left running."""
    return [line for line in _lines(logs) if UNCLOSED.search(line)]


def order_ids(logs: Iterable[Path]) -> Set[str]:
    """The orders that log files name: whatever a client places, cancels or books is there."""
    return {order_id for line in _lines(logs) for order_id in ORDER_ID.findall(line)}


def _lines(logs: Iterable[Path]) -> Iterator[str]:
    for log in logs:
        with log.open(errors="replace") as file:
            yield from file


def files_with_secrets(folder: Path, secrets: Sequence[str]) -> List[Path]:
    """Files below `folder`, links not followed, that hold one of the secrets in clear, or a request's signature."""
    needles = [secret.removeprefix("0x").lower().encode() for secret in secrets]
    return [path for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink() and _holds(path.read_bytes(), needles)]


def _holds(content: bytes, needles: Sequence[bytes]) -> bool:
    lower = content.lower()
    return any(needle in lower for needle in needles) or SIGNATURE.search(content) is not None
