"""Market hours: whether a market trades now, said once when it stops and once when it starts again (acceptance C31).

Equities, indices and forex close, and any market can be halted. The venue publishes no calendar; it tells of it by the
status of a market in its tickers, TRADING or HALT, and by codes 1148 and 3024 to an order. It is not known whether the
status of a market that is merely closed is HALT [?], so each of the two is enough to say that a market is closed:

* HALT closes it and TRADING after that opens it.
* A refused order closes it too. TRADING, which the tickers may have said all the time, does not open it then, or every
  ticker and every refusal would be news; an order that the venue takes or fills later does. Strategies that wait for an
  open market send none, and would wait for ever: so after some minutes it is not known any more.

An order that would open a position is not sent while the venue says HALT: it would be refused, and one that is not sent
cannot get lost. But what was heard before proves nothing, for the market may have opened since, and a good order must
not be refused: so the venue is asked once more before an order is, and what it cannot answer it shall decide itself, by
the order. A refusal of another order is no such proof either. Orders that close or reduce a position are always sent,
because it is not known whether a halted market takes them [?], and cancels are never in question.
"""
import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Awaitable, Callable, Deque, Dict, Optional

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestError, VestMarketClosedError

# A market that opens and closes more often than this is not spoken of again for a while, so that it fills no log.
_CHANGES_SAID = 6
_CHANGES_SAID_IN_S = 600.0
# For so long a refused order tells that a market is closed, of which the venue does not say HALT.
REFUSAL_COUNTS_S = 300.0
_TAKEN_STATUSES = (*CONSTANTS.OPEN_ORDER_STATUSES, CONSTANTS.ORDER_STATUS_FILLED)


@dataclass
class _Market:
    """`status` as last heard; `answer` is what the venue said when it was asked, at `answered_s`, None when it could
    not be read; `refused_s` is when an order was refused last; `changed_ms` is the venue's time of the last change of
    `is_closed`, 0 when there was none."""

    status: Optional[str] = None
    answer: Optional[str] = None
    answered_s: float = float("-inf")
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    refused_s: float = float("-inf")
    is_closed: bool = False
    changed_ms: int = 0
    said_s: Deque[float] = field(default_factory=lambda: deque(maxlen=_CHANGES_SAID))


class MarketHours:
    """What is known of which markets trade.

    A market that closes is a WARNING, because it may be why a bot has stopped trading, and one that opens an INFO.

    :param logger: where changes are said
    :param clock: tells the venue's time
    :param request_status: asks the venue for the status of a trading pair; None when it does not say
    """

    def __init__(self, logger: logging.Logger, clock: ServerClock,
                 request_status: Callable[[str], Awaitable[Optional[str]]]):
        self._logger = logger
        self._clock = clock
        self._request_status = request_status
        self._markets: Dict[str, _Market] = {}

    def is_open(self, trading_pair: str) -> Optional[bool]:
        """Whether a market trades, as far as was heard; None when nothing was, or not lately.

        :param trading_pair: such as AAPL-USDC
        """
        market = self._markets.get(trading_pair)
        if market is None or (market.status is None and not market.changed_ms):
            return None
        if market.is_closed and market.status != CONSTANTS.STATUS_HALT:
            return None if self._clock.monotonic_s() - market.refused_s > REFUSAL_COUNTS_S else False
        return not market.is_closed

    def note_status(self, trading_pair: str, status: Optional[str]) -> None:
        """The venue told the status of a market.

        :param trading_pair: such as AAPL-USDC
        :param status: TRADING or HALT; what else it may be says nothing
        """
        if status not in (CONSTANTS.STATUS_HALT, CONSTANTS.STATUS_TRADING):
            return
        market = self._market(trading_pair)
        before, market.status = market.status, status
        if status == CONSTANTS.STATUS_HALT:
            self._close(trading_pair, market)
        elif before == CONSTANTS.STATUS_HALT:
            self._open(trading_pair, market)

    def note_refusal(self, trading_pair: str, code: Optional[int], time_ms: Optional[int] = None) -> None:
        """The venue refused an order.

        :param trading_pair: such as AAPL-USDC
        :param code: the venue's code
        :param time_ms: the venue's time of it in ms, None for now; what is older than the last change is no news
        """
        market = self._market(trading_pair)
        if code in CONSTANTS.MARKET_CLOSED_CODES and (time_ms is None or time_ms >= market.changed_ms):
            market.refused_s = self._clock.monotonic_s()
            self._close(trading_pair, market)

    def note_order(self, trading_pair: str, venue: wire.Order) -> None:
        """The venue told of one of our orders: that it was refused, or that the market trades.

        :param trading_pair: the order's
        :param venue: the order
        """
        market = self._markets.get(trading_pair)
        if venue.code is not None:
            self.note_refusal(trading_pair, venue.code, venue.post_time_ms)
        elif market is not None and market.is_closed and market.status != CONSTANTS.STATUS_HALT:
            taken_ms = max(venue.post_time_ms or 0, venue.last_filled_time_ms or 0)
            if venue.status in _TAKEN_STATUSES and taken_ms > market.changed_ms:
                self._open(trading_pair, market)

    async def require_open(self, trading_pair: str) -> None:
        """To be called before an order is sent that opens a position.

        :param trading_pair: such as AAPL-USDC
        :raises VestMarketClosedError: when the venue, asked now, says HALT
        """
        market = self._markets.get(trading_pair)
        if market is None or market.status != CONSTANTS.STATUS_HALT:
            return
        began_s = self._clock.monotonic_s()
        async with market.asking:
            if market.answered_s < began_s:  # else another order has asked meanwhile
                market.answer = await self._ask(trading_pair)
                market.answered_s = self._clock.monotonic_s()
        if market.answer == CONSTANTS.STATUS_HALT:
            raise VestMarketClosedError(
                f"the market {trading_pair} is closed or halted; wait until it opens, the log will say so"
            )

    async def _ask(self, trading_pair: str) -> Optional[str]:
        try:
            status = await self._request_status(trading_pair)
        except VestError as error:
            self._logger.debug(f"It could not be read whether the market {trading_pair} is open: {error}")
            return None
        self.note_status(trading_pair, status)
        return status

    def _market(self, trading_pair: str) -> _Market:
        return self._markets.setdefault(trading_pair, _Market())

    def _close(self, trading_pair: str, market: _Market) -> None:
        if not market.is_closed:
            self._change(market, logging.WARNING, (
                f"The market {trading_pair} is closed or halted. Orders that open positions in it fail until it opens; "
                f"cancels still go, and other markets trade on."
            ))

    def _open(self, trading_pair: str, market: _Market) -> None:
        if market.is_closed:
            self._change(market, logging.INFO, f"The market {trading_pair} is open again.")

    def _change(self, market: _Market, level: int, text: str) -> None:
        market.is_closed = not market.is_closed
        market.changed_ms = self._clock.now_ms()
        now_s = self._clock.monotonic_s()
        if len(market.said_s) == _CHANGES_SAID and now_s - market.said_s[0] < _CHANGES_SAID_IN_S:
            return
        market.said_s.append(now_s)
        if len(market.said_s) == _CHANGES_SAID and now_s - market.said_s[0] < _CHANGES_SAID_IN_S:
            text += " It changes so often that this is not said again for some minutes."
        self._logger.log(level, text)
