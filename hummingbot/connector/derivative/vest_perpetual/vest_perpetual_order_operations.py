"""The connector's orders: how they are sent and cancelled."""
import asyncio
import logging
from abc import ABC
from contextlib import suppress
from decimal import Decimal
from typing import Any, Dict, List, Optional, Set, Tuple

from cachetools import FIFOCache

from hummingbot.connector.constants import s_decimal_NaN
from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestDuplicateOrderError,
    VestError,
    VestInvalidOrderError,
    VestMarketClosedError,
    VestOrderNotFoundError,
    is_outcome_unknown,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_book import worst_price
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_order_updates import VestOrderUpdates
from hummingbot.core.data_type.cancellation_result import CancellationResult
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder
from hummingbot.core.event.events import MarketEvent, MarketOrderFailureEvent
from hummingbot.core.utils.async_utils import safe_ensure_future


class VestOrderOperations(VestOrderUpdates, ABC):
    """The part of the connector that sends and cancels orders; what becomes of them is the business of its base."""

    # A cancel waits this long for the exchange id of its order before it goes on waiting in the background, in s.
    CANCEL_WAIT_S = 10.0
    # `cancel_all` waits this long for accepted cancels to be confirmed, in s: the client's recorder detaches when it
    # returns, and what is heard later is not in its database.
    CANCEL_CONFIRMATION_S = 5.0
    CANCEL_CONFIRMATION_POLL_S = 0.25
    # An order that the venue calls a duplicate should be in its list; for so long it is looked for, in s.
    DUPLICATE_LOOKUP_LIMIT_S = 300.0

    _unsent: Set[str]
    _cancelled_unsent: Set[str]
    _waiting_cancels: Dict[str, asyncio.Task]
    _refused_cancels: FIFOCache

    # --- Placing orders

    def buy(self, trading_pair: str, amount: Decimal, order_type=OrderType.LIMIT, price: Decimal = s_decimal_NaN,
            **kwargs) -> str:
        """As the base, with a nonce for a client id (design decision 1)."""
        return self._submit(TradeType.BUY, trading_pair, amount, order_type, price, **kwargs)

    def sell(self, trading_pair: str, amount: Decimal, order_type=OrderType.LIMIT, price: Decimal = s_decimal_NaN,
             **kwargs) -> str:
        """As the base, with a nonce for a client id (design decision 1)."""
        return self._submit(TradeType.SELL, trading_pair, amount, order_type, price, **kwargs)

    def _submit(self, trade_type: TradeType, trading_pair: str, amount: Decimal, order_type: OrderType,
                price: Decimal, **kwargs) -> str:
        order_id = str(self._order_ids.next())
        self._unsent.add(order_id)
        safe_ensure_future(self._create_order(
            trade_type=trade_type, order_id=order_id, trading_pair=trading_pair, amount=amount, order_type=order_type,
            price=price, **kwargs,
        ))
        return order_id

    async def _create_order(self, trade_type: TradeType, order_id: str, trading_pair: str, amount: Decimal,
                            order_type: OrderType, price: Optional[Decimal] = None,
                            position_action: PositionAction = PositionAction.NIL, **kwargs):
        """As the base, which raises beside its own error handling for an unknown pair, a missing position action or
        price, and leaves a MARKET order on an empty book pending (B19): such orders are refused before they are
        tracked, with one failure event.
        """
        try:
            self._require_rules(trading_pair)
            if position_action not in self.VALID_POSITION_ACTIONS:
                raise VestInvalidOrderError("a perpetual order needs a position action, OPEN or CLOSE")
            _require_decimal("amount", amount)
            if not amount.is_finite() or amount <= 0:
                raise VestInvalidOrderError(f"the amount {amount} is not a positive number")
            if order_type is not OrderType.MARKET and price is not None:
                _require_decimal("price", price)
            if position_action is PositionAction.CLOSE:
                amount = await self._amount_to_close(trading_pair, trade_type, amount)
            elif self._market_hours.is_open(trading_pair) is False and self._closable(trading_pair, trade_type) <= 0:
                # Executors close with OPEN where there is one position. What is rare and cheap to tell is asked first:
                # every order waits for this.
                await self._market_hours.require_open(trading_pair)
            if order_id in self._cancelled_unsent:
                raise VestInvalidOrderError("it was cancelled before it was sent")
            self._require_rules(trading_pair)  # again: Vest may have said meanwhile that the market is gone
            if order_type is OrderType.MARKET:
                price = self._market_order_limit(trading_pair, trade_type, amount)
            elif price is None or not price.is_finite() or self.quantize_order_price(trading_pair, price) <= 0:
                raise VestInvalidOrderError(f"the price {price} is not a positive number of price steps")
        except VestInvalidOrderError as error:
            self._refuse(order_id, order_type, error)
            return
        finally:
            self._unsent.discard(order_id)
            self._cancelled_unsent.discard(order_id)
        await super()._create_order(
            trade_type, order_id, trading_pair, amount, order_type, price, position_action=position_action, **kwargs
        )

    def _require_rules(self, trading_pair: str) -> None:
        if trading_pair not in self._trading_rules:
            raise VestInvalidOrderError(
                f"Vest has no market {trading_pair}, or its rules are not known yet; check the pair's name, or wait "
                f"until the connector is ready"
            )

    def _refuse(self, order_id: str, order_type: OrderType, error: VestInvalidOrderError) -> None:
        # That a market is closed was said when it closed; a strategy that goes on trying shall not fill the log.
        level = logging.DEBUG if isinstance(error, VestMarketClosedError) else logging.WARNING
        self.logger().log(level, f"Order {order_id} was not sent: {error}.")
        self.trigger_event(MarketEvent.OrderFailure, MarketOrderFailureEvent(
            timestamp=self.current_timestamp,
            order_id=order_id,
            order_type=order_type,
            error_type=type(error).__name__,
            error_message=str(error),
        ))

    def _market_order_limit(self, trading_pair: str, trade_type: TradeType, amount: Decimal) -> Decimal:
        """Limit of a MARKET order in quote; without a price Hummingbot could not restore it either (B15).

        :raises VestInvalidOrderError: when the book is empty or too thin
        """
        book = self.order_book_tracker.order_books.get(trading_pair)
        price = None if book is None else worst_price(
            book, trade_type is TradeType.BUY, amount, CONSTANTS.MARKET_ORDER_SLIPPAGE,
            self._trading_rules[trading_pair].min_price_increment,
        )
        if price is None:
            raise VestInvalidOrderError(
                f"the order book of {trading_pair} is empty or too thin for {amount}; send less, or a LIMIT order, or "
                f"wait for the book"
            )
        return price

    async def _amount_to_close(self, trading_pair: str, trade_type: TradeType, amount: Decimal) -> Decimal:
        """The amount in base, or what is left to close of it (design decision 14).

        A strategy acts on the position it has seen, which may be smaller by now: then the account is read once. Fills
        that the account does not show yet count (A14); should they count twice, the venue checks what is reduce-only.

        :raises VestInvalidOrderError: when there is nothing to close
        """
        if amount <= self._closable(trading_pair, trade_type):
            return amount
        try:
            await self._update_account()
        except VestError as error:
            # Every CLOSE is reduce-only, so the venue checks what cannot be checked here.
            self.logger().info(f"The position in {trading_pair} could not be read before closing it ({error}).")
            return amount
        closable = self._closable(trading_pair, trade_type)
        if closable <= 0:
            raise VestInvalidOrderError(f"there is no position in {trading_pair} that a {trade_type.name} could close")
        if closable < amount:
            self.logger().info(f"A CLOSE of {amount} {trading_pair} is trimmed to the position, {closable}.")
        return min(amount, closable)

    def _closable(self, trading_pair: str, trade_type: TradeType) -> Decimal:
        position = self.account_positions.get(trading_pair)
        shown = Decimal(0) if position is None else position.amount
        sizes = (shown, shown + self._missed_fills.unshown(trading_pair))
        return -min(sizes) if trade_type is TradeType.BUY else max(sizes)

    async def _place_order(self, order_id: str, trading_pair: str, amount: Decimal, trade_type: TradeType,
                           order_type: OrderType, price: Decimal, position_action: PositionAction = PositionAction.NIL,
                           time_in_force: str = CONSTANTS.TIME_IN_FORCE_GTC, **kwargs) -> Tuple[str, float]:
        market = self._markets.of_pair(trading_pair)
        if market is None:
            raise VestInvalidOrderError(f"Vest does not list {trading_pair} any more")
        answer = await self._api_post(
            path_url=CONSTANTS.ORDERS_PATH,
            data=wire.order_request(
                nonce=int(order_id),
                symbol=market.symbol,
                is_buy=trade_type is TradeType.BUY,
                size=wire.decimal_text(amount, market.size_decimals),
                order_type=CONSTANTS.ORDER_TYPES[order_type],
                limit_price=wire.decimal_text(price, market.price_decimals),
                reduce_only=position_action is PositionAction.CLOSE,
                time_in_force=time_in_force if order_type is OrderType.LIMIT else None,
            ),
            is_auth_required=True,
        )
        return wire.order_id_from(answer), self._clock.now_ms() / 1000

    async def _place_order_and_process_update(self, order: InFlightOrder, **kwargs) -> Optional[str]:
        """As the base, which calls every error a failure, also when the venue may have the order (B1): such an order
        stays PENDING_CREATE and is looked up by its nonce until the venue has spoken.
        """
        try:
            exchange_order_id = await super()._place_order_and_process_update(order, **kwargs)
            self._refresh_account_soon()
            return exchange_order_id
        except VestDuplicateOrderError as error:
            failure = f"Vest said that it had the order already, and never listed it: {error}"
            self._look_up_later(order, error, failure, int(self.DUPLICATE_LOOKUP_LIMIT_S * 1000))
        except VestError as error:
            if not is_outcome_unknown(error):
                code = getattr(error, "code", None)
                self._note_refusal(code)
                self._market_hours.note_refusal(order.trading_pair, code)
                raise
            window_ms = CONSTANTS.RECV_WINDOW_MS + CONSTANTS.UNKNOWN_OUTCOME_GRACE_MS
            self._look_up_later(order, error, f"The venue never got the order: {error}", window_ms)
        return None

    def _on_order_failure(self, order_id: str, trading_pair: str, amount: Decimal, trade_type: TradeType,
                          order_type: OrderType, price: Optional[Decimal], exception: Exception, **kwargs) -> None:
        """As the base, which logs a traceback for a refusal too; one WARNING says all of an error that is expected."""
        if not isinstance(exception, VestError):
            super()._on_order_failure(
                order_id, trading_pair, amount, trade_type, order_type, price, exception, **kwargs
            )
            return
        side = trade_type.name.lower()
        failure = f"Order {order_id} to {side} {amount} {trading_pair} at {price} ({order_type.name}) failed"
        if getattr(exception, "code", None) in CONSTANTS.MARKET_CLOSED_CODES:
            self.logger().debug(f"{failure}: {exception}")  # see `_refuse`
        else:
            self.logger().network(
                f"Error submitting {side} {order_type.name} order to {self.name_cap} for {amount} {trading_pair} "
                f"{price}."
            )
            self.logger().warning(f"{failure}: {exception}")
        self._update_order_after_failure(order_id, trading_pair, exception)

    # --- Cancelling orders

    async def _place_cancel(self, order_id: str, tracked_order: InFlightOrder) -> bool:
        wire.order_id_from(await self._send_cancel(tracked_order.exchange_order_id))
        return True

    async def _send_cancel(self, exchange_order_id: str) -> Any:
        return await self._api_post(
            path_url=CONSTANTS.ORDERS_CANCEL_PATH,
            data=wire.cancel_request(nonce=self._order_ids.next(), order_id=exchange_order_id),
            is_auth_required=True,
        )

    async def _execute_cancel(self, trading_pair: str, order_id: str) -> Optional[str]:
        """As the base, which does nothing about an order that is not tracked yet: one that still waits to be sent,
        while the position it closes is read, is not sent any more.
        """
        if order_id in self._unsent:
            self._cancelled_unsent.add(order_id)
            return None
        return await super()._execute_cancel(trading_pair, order_id)

    async def _execute_order_cancel(self, order: InFlightOrder) -> Optional[str]:
        """As the base, except that an order whose exchange id is not known is waited for, and cancelled when it is
        (C12), and that an order the venue no longer has is looked up at once instead of guessed about (A11).
        """
        self._refused_cancels.pop(order.client_order_id, None)
        is_missing = False
        if order.exchange_order_id is None and not await self._exchange_id_arrives(order):
            return None
        try:
            await self._execute_order_cancel_and_process_update(order=order)
            return order.client_order_id
        except VestOrderNotFoundError:
            is_missing = True
            self.logger().warning(f"Failed to cancel order {order.client_order_id} (order not found)")
        except VestError as error:
            if not is_outcome_unknown(error):
                self._refused_cancels[order.client_order_id] = True
            # Lost orders are cancelled again and again by themselves; that need not fill the log.
            is_lost = order.client_order_id in self._order_tracker.lost_orders
            say = self._complaints.say if is_lost else self.logger().error
            say(f"Failed to cancel order {order.client_order_id}: {error}")
        try:
            is_listed = await self._look_up(order, settles_lost_orders=False)
        except VestError:
            self._poll_notifier.set()
            return None
        if is_missing and not is_listed:
            self._spawn(self._look_up_until_known(order))
        return None

    async def _exchange_id_arrives(self, order: InFlightOrder) -> bool:
        try:
            await asyncio.wait_for(order.exchange_order_id_update_event.wait(), self.CANCEL_WAIT_S)
            return True
        except asyncio.TimeoutError:
            pass
        if not self._goes_on(self._waiting_cancels.get(order.client_order_id)):
            self.logger().info(f"Order {order.client_order_id} will be cancelled when Vest has confirmed it.")
            self._waiting_cancels[order.client_order_id] = self._spawn(self._cancel_when_known(order))
        return False

    async def _cancel_when_known(self, order: InFlightOrder) -> None:
        """A stop of the network breaks this off, and the next start goes on with it."""
        while not order.is_done and order.exchange_order_id is None:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(order.exchange_order_id_update_event.wait(), self.CANCEL_WAIT_S)
        if not order.is_done:
            await self._execute_order_cancel(order)
        self._waiting_cancels.pop(order.client_order_id, None)

    def _go_on_cancelling(self) -> None:
        """Orders that a strategy wants cancelled as soon as they are known are not forgotten with an outage (C12)."""
        broken_off = [order_id for order_id, task in self._waiting_cancels.items() if not self._goes_on(task)]
        for client_order_id in broken_off:
            order = self._order_tracker.active_orders.get(client_order_id)
            if order is None:
                del self._waiting_cancels[client_order_id]
            else:
                self._waiting_cancels[client_order_id] = self._spawn(self._cancel_when_known(order))

    async def cancel_all(self, timeout_seconds: float) -> List[CancellationResult]:
        """As the base, and waits, within the time and `CANCEL_CONFIRMATION_S`, until the venue has confirmed: the
        client's recorder detaches when this returns (design decision 14). Orders whose cancel was refused are not
        waited for, unless the venue knows them no more: then they may have filled, and that is about to be heard.
        Orders that are not sent yet are not sent any more.

        :param timeout_seconds: the most this may take, in s
        :return: success for each order that is done or whose cancel the venue has accepted, however the others fared
        """
        unsent = set(self._unsent)
        self._cancelled_unsent |= unsent
        orders = [order for order in self.in_flight_orders.values() if not order.is_done]
        deadline_s = self._clock.monotonic_s() + timeout_seconds
        await super().cancel_all(timeout_seconds)
        deadline_s = min(deadline_s, self._clock.monotonic_s() + self.CANCEL_CONFIRMATION_S)
        try:
            while self._clock.monotonic_s() < deadline_s and any(
                order.is_open and order.client_order_id not in self._refused_cancels for order in orders
            ):
                await self._sleep(self.CANCEL_CONFIRMATION_POLL_S)
                await self._update_order_status()
        except VestError as error:
            self.logger().info(f"The cancelled orders could not be read again ({error}).")
        self._tell_held_ends(at_once=True)
        await self._update_all_funding_payments(fire_event_on_new=True)
        return [
            *(CancellationResult(order_id, True) for order_id in unsent),
            *(CancellationResult(order.client_order_id, order.is_done or order.is_pending_cancel_confirmation)
              for order in orders),
        ]


def _require_decimal(name: str, number: Any) -> None:
    if not isinstance(number, Decimal):
        kind = type(number).__name__
        raise VestInvalidOrderError(f"the {name} {number!r} is of the type {kind}; give a Decimal, made of a text")
