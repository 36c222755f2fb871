"""What the client's log files tell: complaints, interrupted streams, starts, and when orders were confirmed.

They are read line by line, whatever their size. Their times are local ones of the computer the bot ran on; how far that
is from UTC shows in the lines that name an order, whose id bears the time it was placed at.
"""
import json
from array import array
from calendar import timegm
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from glob import escape
from pathlib import Path
from typing import Callable, Counter as CounterType, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from hummingbot.connector.derivative.vest_perpetual.session_report import log_sentences as SENTENCES
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import Selection

LEVELS = ("CRITICAL", "ERROR", "WARNING", "NETWORK")  # NETWORK is Hummingbot's: trouble of the connection
LONGEST_TEXT = 240
KINDS_LIMIT = 1000  # of complaints and of reasons; a log can hold endless ones
NO_REASON, OTHER_REASONS = "no reason is given", "other reasons"
_QUARTER_MS = 900_000  # all time zones are whole quarters of an hour away from UTC
_PLAUSIBLE_ACK_MS = 3_600_000


class LogLine(NamedTuple):
    """A line of the log."""

    time_ms: int
    logger: str
    level: str
    message: str


@dataclass
class Complaint:
    """Messages that differ only in numbers and ids; those are left out, and with them all secrets."""

    level: str
    logger: str
    text: str
    first_ms: int
    last_ms: int
    count: int = 0


@dataclass
class Interruption:
    """A stream of the venue that was lost; `end_ms` is None when it was not seen to come back."""

    stream: str
    reason: str
    start_ms: int
    end_ms: Optional[int] = None


@dataclass
class Log:
    """What was found in the files.

    :param files: their names
    """

    files: List[str]
    complaints: List[Complaint] = field(default_factory=list)
    interruptions: List[Interruption] = field(default_factory=list)
    starts_ms: List[int] = field(default_factory=list)
    stops_ms: List[int] = field(default_factory=list)
    times_ms: Dict[str, array] = field(default_factory=lambda: {level: array("d") for level in LEVELS})
    """Of the lines of each level."""
    acks_ms: Dict[str, array] = field(default_factory=dict)
    """How long orders took from being placed to the venue's answer, by order type."""
    failures: CounterType[str] = field(default_factory=Counter)
    """Orders that failed, by the reason; also those that never were in the database, being refused at once."""
    left_out: int = 0
    """Lines of complaints that were counted by level only, because there were too many kinds."""

    def count(self, level: str) -> int:
        """How many lines of a level there are."""
        return len(self.times_ms[level])

    @property
    def failed_orders(self) -> int:
        """How many orders failed."""
        return self.failures.total()

    @property
    def errors(self) -> int:
        """How many lines there are of something that failed."""
        return self.count("ERROR") + self.count("CRITICAL")

    @property
    def is_empty(self) -> bool:
        """Whether there is no line that tells anything."""
        return not (any(self.times_ms.values()) or self.starts_ms or self.stops_ms or self.acks_ms or self.failures)


def log_files(database: Path) -> List[Path]:
    """The client's log files of a bot, oldest first, where Hummingbot keeps them: `logs/` beside its `data/`."""
    folder = database.absolute().parent
    folders = (folder.parent / "logs", folder / "logs", folder)
    files = {file.resolve() for folder in folders for file in folder.glob(f"logs_{escape(database.stem)}.log*")
             if file.is_file()}
    # The one without a date behind its name is the newest.
    return sorted(files, key=lambda file: (file.suffix == ".log", file.name))


def read_log(files: Sequence[Path], selection: Selection) -> Log:
    """Read the selected period.

    :raises OSError: a file cannot be read
    """
    reader = _Reader(Log([file.name for file in files]), selection)
    for line in _lines(files):
        if selection.has_time(line.time_ms):
            reader.take(line)
    return reader.result()


class _Reader:
    """Takes line after line."""

    def __init__(self, log: Log, selection: Selection) -> None:
        self._log = log
        self._selection = selection
        self._complaints: Dict[Tuple[str, str, str], Complaint] = {}
        self._interrupted: Dict[str, Interruption] = {}

    def take(self, line: LogLine) -> None:
        if line.level in LEVELS:
            self._take_complaint(line)
        elif line.level == "INFO":
            self._take_news(line)
        elif line.level == SENTENCES.EVENT_LEVEL and SENTENCES.ORDER_FAILED in line.message:
            self._take_failure(line.message)

    def _take_complaint(self, line: LogLine) -> None:
        self._log.times_ms[line.level].append(line.time_ms)
        lost = SENTENCES.INTERRUPTED.match(line.message)
        if lost and lost["stream"] not in self._interrupted:
            interruption = Interruption(lost["stream"], cleaned(lost["reason"]), line.time_ms)
            self._interrupted[lost["stream"]] = interruption
            self._log.interruptions.append(interruption)
        key = (line.level, line.logger, cleaned(line.message))
        if key not in self._complaints and len(self._complaints) == KINDS_LIMIT:
            self._log.left_out += 1
            return
        complaint = self._complaints.setdefault(key, Complaint(*key, first_ms=line.time_ms, last_ms=line.time_ms))
        complaint.count += 1
        complaint.last_ms = line.time_ms

    def _take_news(self, line: LogLine) -> None:
        created = SENTENCES.CREATED.match(line.message)
        back = SENTENCES.CONNECTED_AGAIN.match(line.message)
        if created:
            self._take_ack(created["kind"], created["pair"], line.time_ms - int(created["placed_ms"]))
        elif back and back["stream"] in self._interrupted:
            self._interrupted.pop(back["stream"]).end_ms = line.time_ms
        elif line.message.startswith(SENTENCES.STARTED):
            self._interrupted.clear()  # whatever was interrupted before is another process's
            self._log.starts_ms.append(line.time_ms)
        elif line.message.startswith(SENTENCES.STOPPED):
            self._log.stops_ms.append(line.time_ms)

    def _take_ack(self, kind: str, pair: str, latency_ms: int) -> None:
        is_wanted = not self._selection.pairs or pair in self._selection.pairs
        if is_wanted and 0 <= latency_ms < _PLAUSIBLE_ACK_MS:  # else the id is not one of ours
            self._log.acks_ms.setdefault(kind, array("d")).append(latency_ms)

    def _take_failure(self, event: str) -> None:
        try:
            reason = json.loads(event).get("error_message")
        except (ValueError, AttributeError):  # cut off, or no event
            reason = None
        text = cleaned(str(reason)) if reason else NO_REASON
        is_known = text in self._log.failures or len(self._log.failures) < KINDS_LIMIT
        self._log.failures[text if is_known else OTHER_REASONS] += 1

    def result(self) -> Log:
        self._log.complaints = sorted(self._complaints.values(),
                                      key=lambda complaint: (LEVELS.index(complaint.level), -complaint.count))
        return self._log


def cleaned(message: str) -> str:
    """A message without what varies or is nobody's business, and not too long."""
    text = SENTENCES.VARYING_NUMBER.sub("…", SENTENCES.LONG_WORD.sub("…", message))
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"


class _Zone:
    """How far the log's local time is ahead of UTC, seen in the lines that bear both."""

    def __init__(self) -> None:
        self.offset_ms: Optional[int] = None
        self._last_seen_ms: Optional[int] = None

    def note(self, local_ms: int, utc_ms: int) -> None:
        """Learns from one line. A change, as with summer time, has to be seen twice: an order may be confirmed late."""
        seen_ms = round((local_ms - utc_ms) / _QUARTER_MS) * _QUARTER_MS
        if self.offset_ms is None or seen_ms == self._last_seen_ms:
            self.offset_ms = seen_ms
        self._last_seen_ms = seen_ms

    def utc_ms(self, local_ms: int) -> int:
        """A time of the log in UTC; when no line has told, as if the bot had run in the time zone of this computer."""
        if self.offset_ms is None:
            return int(datetime.fromtimestamp(local_ms / 1000, timezone.utc).replace(tzinfo=None).timestamp() * 1000)
        return local_ms - self.offset_ms


def _lines(files: Sequence[Path]) -> Iterator[LogLine]:
    """Lines of the log, in UTC."""
    zone = _Zone()
    for line in _local_lines(files):  # what comes before the first that tells is in the same zone
        if created := SENTENCES.CREATED.match(line.message):
            zone.note(line.time_ms, int(created["placed_ms"]))
            break
    for line in _local_lines(files):
        if created := SENTENCES.CREATED.match(line.message):
            zone.note(line.time_ms, int(created["placed_ms"]))
        yield line._replace(time_ms=zone.utc_ms(line.time_ms))


def _local_lines(files: Sequence[Path]) -> Iterator[LogLine]:
    """Lines of the log in local time; what belongs to a line above it, as tracebacks do, is passed over."""
    read_ms = _local_clock()
    for file in files:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                parts = line.rstrip("\n").split(" - ", 4)
                time_ms = read_ms(parts[0]) if len(parts) == 5 else None
                if time_ms is not None:
                    yield LogLine(time_ms, parts[2], parts[3], parts[4])


def _local_clock() -> Callable[[str], Optional[int]]:
    """Reads `2026-11-22 21:26:30,714` as ms, as if it were UTC; None for what is no time. Days are computed once."""
    days: Dict[str, int] = {}

    def read(text: str) -> Optional[int]:
        try:
            day = text[:10]
            if day not in days:
                days[day] = timegm(datetime.strptime(day, "%Y-%m-%d").timetuple())
            hour, minute, second = text[11:19].split(":")
            return ((days[day] + int(hour) * 3600 + int(minute) * 60 + int(second)) * 1000) + int(text[20:23])
        except ValueError:
            return None

    return read
