"""What was observed of each statement, as JSON and as Markdown, without secrets."""
import re
from typing import Any, Dict, Iterable, List, Optional

from hummingbot.connector.derivative.vest_perpetual.certification.statements import NEVER, STATEMENTS, TRADE, Statement

_HIDDEN = "[hidden]"
_LONG_HEXADECIMAL = re.compile("(?:0x)?[0-9a-fA-F]{40,}")
_NO_OCCASION = "the venue gave no occasion to see it"


class Report:
    """What a run has observed.

    :param domain: of the venue
    :param has_keys: whether the run had keys
    :param trades: whether it was allowed to trade
    """

    def __init__(self, domain: str, has_keys: bool, trades: bool):
        self.domain = domain
        self._has_keys = has_keys
        self._trades = trades
        self._observed: Dict[str, List[str]] = {}
        self._reasons: Dict[str, str] = {}
        self._secrets: List[str] = []
        self.incidents: List[str] = []

    def hide(self, secrets: Iterable[Optional[str]]) -> None:
        """Texts that may not be in the report, whoever says them."""
        self._secrets += [secret for secret in secrets if secret]

    def observe(self, name: str, words: str) -> None:
        """Notes what the venue did, once.

        :param name: of the statement
        """
        noted = self._observed.setdefault(STATEMENTS[name].name, [])
        words = self._without_secrets(words)
        if words not in noted:
            noted.append(words)

    def cannot(self, name: str, why: str) -> None:
        """Notes why a statement could not be observed; what is observed later stands."""
        self._reasons[STATEMENTS[name].name] = self._without_secrets(why)

    def observed(self, name: str) -> str:
        """What was observed of a statement, empty when nothing was."""
        return "; ".join(self._observed.get(name, []))

    def incident(self, words: str) -> None:
        """Notes what did not go as it should, such as a scenario that ended early."""
        self.incidents.append(self._without_secrets(words))

    def reason(self, statement: Statement) -> str:
        """Why a statement was not observed."""
        if statement.needs == NEVER:
            return statement.why_never
        if statement.needs == TRADE and not self._trades:
            return "it needs --trade"
        if statement.needs != NEVER and statement.needs != "nothing" and not self._has_keys:
            return "it needs keys"
        return self._reasons.get(statement.name, _NO_OCCASION)

    def record(self, **facts: Any) -> Dict[str, Any]:
        """For programs.

        :param facts: about the run, such as its time
        """
        return {"domain": self.domain, **facts, "incidents": self.incidents, "statements": [
            {"name": name, "section": statement.section, "question": statement.question,
             "observed": self._observed.get(name, []),
             "not_observed_because": None if name in self._observed else self.reason(statement)}
            for name, statement in STATEMENTS.items()]}

    def markdown(self, **facts: Any) -> str:
        """For people.

        :param facts: about the run, such as its time
        """
        lines = [f"# What {self.domain} does", ""]
        lines += [f"* {name.replace('_', ' ')}: {value}" for name, value in facts.items()]
        lines += ["", "Only what was seen is said: a statement without an observation has its reason.", ""]
        section = None
        for name, statement in STATEMENTS.items():
            if statement.section != section:
                section = statement.section
                lines += ["", f"## Protocol section {section}", ""]
            lines.append(f"* **{statement.question}** " + (
                f"Observed: {self.observed(name)}." if name in self._observed
                else f"Not observed: {self.reason(statement)}."))
        if self.incidents:
            lines += ["", "## What did not go as planned", "", *(f"* {words}" for words in self.incidents)]
        return "\n".join(lines) + "\n"

    def _without_secrets(self, words: str) -> str:
        for secret in self._secrets:
            words = words.replace(secret, _HIDDEN)
        return _LONG_HEXADECIMAL.sub(_HIDDEN, words)
