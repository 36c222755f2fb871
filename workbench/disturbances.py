"""Mild troubles of everyday life on an exchange, at random but seeded moments, through the venue's admin API."""
import random
from decimal import Decimal
from typing import Any, Callable, Dict, Optional, Sequence

ORDER_PATHS = "/orders|/orders/cancel"
LARGEST_MOVE = 0.003  # of the price, as a fraction
Ask = Callable[..., Any]


class Disturbances:
    """One random trouble after the other; each is over after a strike or a few.

    :param ask: `workbench.simulator.Simulator.ask`.
    :param symbols: the venue's symbols whose prices may jump.
    :param seed: the same seed gives the same troubles.
    """

    def __init__(self, ask: Ask, symbols: Sequence[str], seed: int) -> None:
        self._ask = ask
        self._symbols = symbols
        self._random = random.Random(f"{seed}:disturbances")
        self._pinned: Optional[str] = None
        self._troubles: Dict[str, Callable[[], Any]] = {
            "cut sockets": self._cut_sockets, "expired listen key": self._expire_listen_key,
            "price jump": self._move_price, "REST reset": self._reset, "REST 502 or 503": self._refuse,
            "REST 429": self._limit, "REST truncated": self._truncate, "REST delay": self._delay,
            "private events lost": self._event("drop"), "private events twice": self._event("duplicate"),
            "private events late": self._event("delay"), "private events out of order": self._event("reorder"),
        }

    def next(self) -> str:
        """Let one happen, and what is left of the one before be over; returns its name."""
        self.end()
        name = self._random.choice(list(self._troubles))
        self._troubles[name]()
        return name

    def pause_s(self, mean_s: float) -> float:
        """Seconds until the next one."""
        return self._random.expovariate(1 / mean_s)

    def end(self) -> None:
        """Nothing goes wrong any more."""
        self._release_price()
        self._ask("clear_faults")

    def _move_price(self) -> None:
        """A price jumps, and stays there until the next trouble."""
        self._release_price()
        self._pinned = self._random.choice(self._symbols)
        index = Decimal(self._ask("prices")[self._pinned]["index"])
        move = Decimal(str(round(self._random.uniform(-LARGEST_MOVE, LARGEST_MOVE), 6)))
        self._ask("set_price", self._pinned, round(index * (1 + move), 1))

    def _release_price(self) -> None:
        if self._pinned is not None:
            self._ask("release_price", self._pinned)
            self._pinned = None

    def _cut_sockets(self) -> None:
        self._ask("disconnect_sockets", self._random.choice(("private", "public", "all")),
                  self._random.choice((1000, 1006, 1012)))

    def _expire_listen_key(self) -> None:
        self._ask("expire_listen_keys", close_sockets=self._random.random() < 0.5)

    def _reset(self) -> None:
        self._rest("reset", when=self._random.choice(("before", "after")))

    def _refuse(self) -> None:
        self._rest("status", status=self._random.choice((502, 503)), when=self._random.choice(("before", "after")))

    def _limit(self) -> None:
        self._rest("status", status=429, headers=self._random.choice(({}, {"Retry-After": "1"})))

    def _truncate(self) -> None:
        self._rest("truncate", when="after")

    def _delay(self) -> None:
        self._rest("delay", delay_ms=self._random.randrange(100, 1500), times=3)

    def _rest(self, action: str, times: int = 1, **rule: Any) -> None:
        target = self._random.choice(({"method": "POST", "path": ORDER_PATHS}, {"method": "GET"}))
        self._ask("add_fault", "rest", action, times=times, **target, **rule)

    def _event(self, action: str) -> Callable[[], Any]:
        return lambda: self._ask("add_fault", "socket", action, socket="private", channel="account_private",
                                 times=self._random.randrange(1, 5), delay_ms=300)
