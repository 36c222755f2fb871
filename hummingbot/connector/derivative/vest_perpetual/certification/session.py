"""What the scenarios share: the venue, the account, the report, and how a scenario is run."""
import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Awaitable, Callable, Dict, List, Mapping, Optional, Set, Tuple

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_wire as wire
from hummingbot.connector.derivative.vest_perpetual.certification.observed import Answer, ObservedVenue
from hummingbot.connector.derivative.vest_perpetual.certification.report import Report
from hummingbot.connector.derivative.vest_perpetual.cli.command import CommandError
from hummingbot.connector.derivative.vest_perpetual.cli.keys import Keys
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import VestSocketError

SCENARIO_LIMIT_S = 120.0
DAY_MS = 86_400_000


@dataclass
class Session:
    """One run.

    :ivar keys: None for a run of what is public
    :ivar market: the one that is looked at, and traded
    :ivar size: of each order, in base; None for the smallest there is
    :ivar listen_s: how long sockets are listened to, for what comes by itself
    :ivar nonces: of all orders it sent
    """

    venue: ObservedVenue
    keys: Optional[Keys]
    report: Report
    market: wire.SymbolInfo
    size: Optional[Decimal] = None
    listen_s: float = 6.0
    nonces: Set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.size = self.size or self.market.size_step

    def next_nonce(self) -> int:
        """The nonce of the next order, which is known as one of this run's from now on."""
        nonce = self.venue.next_nonce()
        self.nonces.add(nonce)
        return nonce

    async def answer(self, path_url: str, params: Optional[Dict[str, Any]] = None, is_auth_required: bool = False
                     ) -> Answer:
        """The answer to a GET as it came; a refusal is one too.

        :raises VestError: when there was no answer
        """
        before = len(self.venue.heard.answers)
        try:
            await self.venue.ask(path_url, params, is_auth_required)
        except VestError:
            if len(self.venue.heard.answers) == before:
                raise
        return self.venue.heard.last


Scenario = Callable[[Session], Awaitable[None]]


@dataclass(frozen=True)
class Act:
    """A scenario and the statements it can observe."""

    run: Scenario
    statements: Tuple[str, ...]


def acts(*statements: str) -> Callable[[Scenario], Act]:
    """Makes an `Act` of a scenario.

    :param statements: names of those it can observe
    """
    return lambda scenario: Act(scenario, statements)


async def perform(act: Act, session: Session) -> None:
    """Runs a scenario; what it ends early of is noted in the report, and the others go on."""
    try:
        async with asyncio.timeout(SCENARIO_LIMIT_S):
            await act.run(session)
    except (VestError, VestSocketError, CommandError) as error:
        words = str(error)
    except TimeoutError:
        words = f"no end within {SCENARIO_LIMIT_S:g} s"
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        # An answer of a form that nobody knew of is what this is for.
        words = f"an answer has another form than any known ({type(error).__name__}: {error})"
    else:
        words = ""
    if words:
        session.report.incident(f"{act.run.__name__} ended early: {words}")
        for name in act.statements:
            if not session.report.observed(name):
                session.report.cannot(name, f"its scenario ended early ({words})")


def error_words(answer: Answer) -> str:
    """The form of an error: status, shape and code, without the venue's message.

    :param answer: of a request that was refused
    """
    body = answer.payload
    if not isinstance(body, Mapping):
        return f"HTTP {answer.status} with a body that is no JSON object"
    detail = body.get("detail")
    if isinstance(detail, Mapping):
        return f"HTTP {answer.status} {{detail: {{{', '.join(detail)}}}}}, code {detail.get('code')}"
    if "detail" in body:
        return f"HTTP {answer.status} {{detail: {type_words([detail])}}}, no code"
    return f"HTTP {answer.status} {{{', '.join(body)}}}, code {body.get('code')}"


def type_words(values: List[Any]) -> str:
    """The types of some values, in words of JSON."""
    names = {str: "text", int: "integer", bool: "boolean", type(None): "null", list: "list", dict: "object"}
    return " or ".join(dict.fromkeys(names.get(type(value), "number") for value in values)) or "none"
