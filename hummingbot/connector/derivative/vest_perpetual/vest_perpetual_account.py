"""The connector's account: balances, positions and leverage, which are one answer of the venue."""
import asyncio
from abc import ABC
from contextlib import suppress
from decimal import Decimal
from typing import Any, Awaitable, Callable, Coroutine, Iterable, Optional, Tuple

from bidict import bidict

from hummingbot.connector.derivative.position import Position
from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_account_reader import AccountReading, read_account
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_complaints import Complaints
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestError,
    VestPayloadError,
    is_retryable,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_funding import FundingPayments
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_markets import Markets
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_missed_fills import MissedFills
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_payload import UnreadRows
from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase
from hummingbot.core.data_type.common import PositionMode, PositionSide
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory


class VestAccount(PerpetualDerivativePyBase, ABC):
    """The part of the connector that is about the account. The venue tells no change of it, so it is read: with every
    poll, and soon after whatever may have changed it. Leverage is all that can be set of it.
    """

    # The account is read at most once in so many s on account of what happens to our orders.
    ACCOUNT_REFRESH_PAUSE_S = 1.0
    # The account lags a fill by less than this, in s; a position that differs for longer tells of an unheard fill.
    ACCOUNT_LAG_LIMIT_S = 10.0
    LEVERAGE_ATTEMPTS = 3
    LEVERAGE_PAUSE_S = 1.0

    _account_answer: int
    _account_refresh_task: Optional[asyncio.Task]
    _account_news: asyncio.Event
    _account_requests: int
    _clock: ServerClock
    _compare_positions: Callable[[Iterable[wire.Position]], None]
    _complaints: Complaints
    _funding_payments: FundingPayments
    _is_stopped: bool
    _markets: Markets
    _missed_fills: MissedFills
    _note_wallet: Callable[[Optional[str]], None]
    _prove_signing_key: Callable[[WebAssistantsFactory], Awaitable[None]]
    _spawn: Callable[[Coroutine[Any, Any, Any]], asyncio.Task]
    _warn_of_expiring_keys: Callable[[], None]

    # --- Reading

    def _refresh_account_soon(self) -> None:
        """Has the account read because of something that may have changed it, such as a new state of an order (B9).

        Not when the network is stopped: an order may end later, and nobody would end the reading then (A20).
        """
        if self._is_stopped:
            return
        self._account_news.set()
        if self._account_refresh_task is None or self._account_refresh_task.done():
            self._account_refresh_task = self._spawn(self._refresh_account())

    async def _refresh_account(self) -> None:
        """Reads the account at once and once more, because it can lag; then on, with growing pauses, until it explains
        the fills or cannot lag any more. News that come in a pause are served together at its end, which they hasten.
        """
        readings = 0
        while readings < 2 or self._missed_fills.is_account_behind or self._account_news.is_set():
            readings = 1 if self._account_news.is_set() else readings + 1
            self._account_news.clear()
            await self._try_to_update_account()
            await self._sleep(self.ACCOUNT_REFRESH_PAUSE_S)
            with suppress(asyncio.TimeoutError):
                longer_s = self.ACCOUNT_REFRESH_PAUSE_S * (readings - 1) / 2
                await asyncio.wait_for(self._account_news.wait(), longer_s)

    async def _update_balances(self):
        """Where nobody trades, this is the client's `connect` or `balance`, which shall find wrong keys."""
        await self._update_account()
        if not self._trading_required:
            await self._prove_signing_key(self._web_assistants_factory)

    async def _update_positions(self):
        await self._update_account()

    async def _update_account(self) -> None:
        """Balances, positions and leverage, which are one answer of the venue. An answer that is overtaken by a later
        request's is dropped.
        """
        self._warn_of_expiring_keys()
        self._account_requests += 1
        request = self._account_requests
        sent_s = self._clock.monotonic_s()
        answer = await self._api_get(path_url=CONSTANTS.ACCOUNT_PATH, is_auth_required=True)
        reading = read_account(answer)
        if request < self._account_answer:
            return
        self._account_answer = request
        self._note_wallet(reading.account.address)
        await self._take_account(reading, sent_s)

    async def _try_to_update_account(self) -> None:
        """As `_update_account`, for those that come again: a venue that cannot be asked is said and not raised."""
        try:
            await self._update_account()
        except VestError as error:
            self._complaints.say(f"The account could not be read and is read again later. {error}")

    async def _take_account(self, reading: AccountReading, sent_s: float) -> None:
        """Takes over what could be read; of the rest, what was known before is kept."""
        for complaint in reading.complaints:
            self._complaints.say(f"A part of the Vest account cannot be read and is passed over; a balance or position "
                                 f"stays as last known ({complaint}).")
        account = reading.account
        if account.time_ms is not None:
            self._clock.observe_time_ms(account.time_ms, sent_s, self._clock.monotonic_s())
        self._take_balances(account, reading.unread_balances)
        symbol_map = await self.trading_pair_symbol_map()
        for leverage in account.leverages:
            if leverage.symbol in symbol_map:
                self._perpetual_trading.set_leverage(symbol_map[leverage.symbol], leverage.value)
        self._take_positions(account, reading.unread_positions, symbol_map)
        if reading.unread_positions:
            return  # a position that cannot be read is none that was closed
        self._compare_positions(account.positions)
        # The answer's own time, because our estimate of the venue's clock can lie beyond a fill that came later.
        self._funding_payments.observe_account(account, account.time_ms or self._clock.now_ms())

    def _take_balances(self, account: wire.Account, unread: UnreadRows) -> None:
        balances = account.balances
        if not balances and not unread:
            balances = (wire.Balance(CONSTANTS.COLLATERAL_TOKEN, Decimal(0), Decimal(0)),)
        told = {balance.asset for balance in balances}
        for asset in set(self._account_balances) - told:
            if not unread.may_hold(asset):
                del self._account_balances[asset]
                self._account_available_balances.pop(asset, None)
        for balance in balances:
            self._account_balances[balance.asset] = balance.total
            self._account_available_balances[balance.asset] = account.available(balance)

    def _take_positions(self, account: wire.Account, unread: UnreadRows, symbol_map: "bidict[str, str]") -> None:
        positions = {
            symbol_map[position.symbol]: position
            for position in account.positions if position.symbol in symbol_map and position.size > 0
        }
        for trading_pair in set(self.account_positions) - set(positions):
            if not unread.may_hold(symbol_map.inverse.get(trading_pair)):
                self._perpetual_trading.remove_position(trading_pair)
        for trading_pair, position in positions.items():
            self._perpetual_trading.set_position(trading_pair, Position(
                trading_pair=trading_pair,
                position_side=PositionSide.LONG if position.is_long else PositionSide.SHORT,
                unrealized_pnl=position.unrealized_pnl or Decimal(0),
                entry_price=position.entry_price,
                amount=position.signed_size,
                leverage=Decimal(self.get_leverage(trading_pair)),
            ))

    # --- Position mode and leverage

    def set_position_mode(self, mode: PositionMode):
        """As the base, and tells the strategy when the mode is refused, which otherwise waits for ever (A7).

        :param mode: ONEWAY; HEDGE is refused
        """
        super().set_position_mode(mode)
        if mode not in self.supported_position_modes():
            self._fire_position_mode_events(mode, success=False, message="Vest has one position per symbol: use ONEWAY")

    async def _fetch_account_position_mode(self) -> PositionMode:
        return PositionMode.ONEWAY

    async def _trading_pair_position_mode_set(self, mode: PositionMode, trading_pair: str) -> Tuple[bool, str]:
        is_supported = mode in self.supported_position_modes()
        return is_supported, "" if is_supported else "Vest has one position per symbol: use ONEWAY"

    async def _execute_set_leverage(self, trading_pair: str, leverage: int):
        """As the base, which records the leverage asked for (B24): `_set_trading_pair_leverage` records the venue's."""
        success, message = await self._set_trading_pair_leverage(trading_pair, leverage)
        if success:
            self.logger().info(
                f"Leverage for {trading_pair} successfully set to {self.get_leverage(trading_pair)}."
            )
        else:
            self.logger().network(f"Error setting leverage {leverage} for {trading_pair}: {message}")

    async def _set_trading_pair_leverage(self, trading_pair: str, leverage: int) -> Tuple[bool, str]:
        symbol = (await self.trading_pair_symbol_map()).inverse.get(trading_pair)
        market = self._markets.get(symbol)
        if market is None:
            return False, f"Vest has no market {trading_pair}, or its rules are not known yet"
        highest = market.max_leverage
        if highest is not None and leverage > highest:
            self.logger().warning(
                f"Leverage {leverage} is more than Vest allows for {trading_pair}; {highest} is set instead."
            )
            leverage = highest
        request = wire.leverage_request(symbol, int(leverage))
        for attempt in range(self.LEVERAGE_ATTEMPTS):
            try:
                answer = await self._api_post(
                    path_url=CONSTANTS.ACCOUNT_LEVERAGE_PATH, data=request, is_auth_required=True
                )
                self._perpetual_trading.set_leverage(trading_pair, _leverage_of(answer, leverage))
                return True, ""
            except VestError as error:
                # Setting it twice does no harm, and nobody else would try again.
                if not is_retryable(error) or attempt + 1 == self.LEVERAGE_ATTEMPTS:
                    return False, str(error)
            await self._sleep(self.LEVERAGE_PAUSE_S)


def _leverage_of(answer: Any, asked: int) -> int:
    """What the venue set; the value asked for when it only says that it did."""
    try:
        return wire.Leverage.from_payload(answer).value
    except VestPayloadError:
        return asked
