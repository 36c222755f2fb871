"""Faults to order: which request or socket they hit, when, how often, and what they do. Deterministic for a seed."""
import random
import re
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Dict, List, Optional

REST_ACTIONS = ("reset", "hang", "status", "truncate", "error_200", "delay")
SOCKET_ACTIONS = ("drop", "mute", "freeze", "duplicate", "delay", "reorder", "refuse_handshake", "refuse_subscription",
                  "forget_subscription", "close")


@dataclass
class FaultRule:
    """One fault. What does not apply to its kind of target is ignored.

    :param target: rest or socket
    :param action: one of REST_ACTIONS or SOCKET_ACTIONS
    :param method: regular expression for the whole HTTP method
    :param path: regular expression for the whole path below /v2
    :param when: before the venue acts on the request, or after it has committed
    :param times: how often it strikes at most; None: always
    :param probability: chance of striking each time it could
    :param socket: which sockets: public, private or all
    :param channel: regular expression for the whole channel name
    :param match: regular expression that must occur in the frame
    :param status: the HTTP status of status, and of refuse_handshake with code 1006
    :param code: the venue's code of error_200; the close code of refuse_handshake and close (1006 aborts)
    :param delay_ms: for delay: how long a request waits, or a frame (later frames overtake it)
    """

    target: str
    action: str
    method: str = ".*"
    path: str = ".*"
    when: str = "before"
    times: Optional[int] = None
    probability: float = 1.0
    status: int = 503
    body: str = "<html>Service Unavailable</html>"
    headers: Dict[str, str] = field(default_factory=dict)
    code: int = 1006
    message: str = "Injected fault."
    delay_ms: int = 0
    socket: str = "all"
    channel: str = ".*"
    match: str = ""
    id: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        actions = {"rest": REST_ACTIONS, "socket": SOCKET_ACTIONS}.get(self.target)
        if actions is None:
            raise ValueError("The target of a fault is rest or socket.")
        if self.action not in actions:
            raise ValueError(f"A fault of target {self.target} takes one of {', '.join(actions)}.")
        if self.when not in ("before", "after") or self.socket not in ("public", "private", "all"):
            raise ValueError("when is before or after; socket is public, private or all.")
        for pattern in (self.method, self.path, self.channel, self.match):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"Not a regular expression: {pattern}") from error

    @property
    def kind(self) -> str:
        """What it does, in words: "request: status 503 after commit", "socket: refuse handshake"."""
        if self.target == "socket":
            return f"socket: {self.action.replace('_', ' ')}"
        status = f" {self.status}" if self.action == "status" else ""
        return f"request: {self.action.replace('_', ' ')}{status} {self.when} commit"

    @classmethod
    def from_dict(cls, values: Dict[str, Any]) -> "FaultRule":
        """:raises ValueError: for unknown fields or values"""
        unknown = set(values) - {item.name for item in fields(cls) if item.init}
        if unknown:
            raise ValueError(f"Unknown fields of a fault: {', '.join(sorted(unknown))}.")
        return cls(**values)


class FaultBook:
    """The rules in force."""

    def __init__(self, seed: int) -> None:
        self.tally: Counter = Counter()
        """How often each kind of fault has struck, rules that are gone included, and each disturbing command came."""
        self._random = random.Random(f"{seed}:faults")
        self._rules: Dict[int, FaultRule] = {}
        self._count = 0

    def add(self, rule: FaultRule) -> int:
        """Puts a rule in force and returns its id."""
        self._count += 1
        rule.id = self._count
        self._rules[rule.id] = rule
        return rule.id

    def remove(self, rule_id: int) -> None:
        """:raises KeyError: when there is no such rule"""
        del self._rules[rule_id]

    def clear(self) -> None:
        """Ends all rules."""
        self._rules.clear()

    def all(self) -> List[Dict[str, Any]]:
        """The rules in force, as JSON objects with their ids."""
        return [asdict(rule) for rule in self._rules.values()]

    def for_request(self, method: str, path: str, when: str) -> Optional[FaultRule]:
        """The first rule that strikes a REST request now."""
        return self._strike(rule for rule in self._rules.values()
                            if rule.target == "rest" and rule.when == when
                            and re.fullmatch(rule.method, method) and re.fullmatch(rule.path, path))

    def for_socket(self, actions, socket: str, channel: str = "", frame: str = "") -> Optional[FaultRule]:
        """The first rule with one of these actions that strikes a socket (or a frame on it) now."""
        if not self._rules:
            return None
        return self._strike(rule for rule in self._rules.values()
                            if rule.target == "socket" and rule.action in actions and rule.socket in (socket, "all")
                            and re.fullmatch(rule.channel, channel) and re.search(rule.match, frame))

    def _strike(self, candidates) -> Optional[FaultRule]:
        for rule in candidates:
            if (rule.times is None or rule.struck < rule.times) and self._random.random() < rule.probability:
                rule.struck += 1
                self.tally[rule.kind] += 1
                return rule
        return None
