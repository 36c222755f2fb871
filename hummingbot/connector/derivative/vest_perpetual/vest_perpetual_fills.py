"""Fills, reconstructed from what the venue says of an order; it has no fills endpoint (design decision 5).

One function makes the fill for WebSocket and REST alike. Its id holds what the venue said of the part (`_Part`), so
that a part told again, be it with fewer or rounded numbers, is known for the same and counts once (framework gap B4),
also after a restart. A part that was never heard of is made good when the order is FILLED: whatever is missing then, in
size, quote and fee, is booked as one fill. So any subset, repetition or order of the same history ends in the same
totals. Parts that were never heard of before an order was cancelled are told by nobody; `missed_fill` books what the
account's position gives away of them.
"""
from dataclasses import astuple, dataclass
from decimal import Decimal
from typing import Dict, List, Optional, Tuple

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_wire as wire,
)
from hummingbot.core.data_type.in_flight_order import InFlightOrder, TradeUpdate
from hummingbot.core.data_type.trade_fee import TokenAmount, TradeFeeBase, TradeFeeSchema

_ZERO = Decimal(0)
# The fees of two parts of one size and price, of the same moment, differ by less than this, as a fraction.
_FEE_TOLERANCE = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class _Part:
    """What the venue said of one part of an order, with the digits it used; None is what it left out.

    The average price and, as far as is known [?], the fees are the order's up to this part.
    """

    time_ms: Optional[int]
    size: Optional[Decimal]
    price: Optional[Decimal]
    average: Optional[Decimal]
    fees: Optional[Decimal]

    @classmethod
    def of(cls, venue: wire.Order) -> "_Part":
        return cls(venue.last_filled_time_ms, venue.last_filled_size, venue.last_filled_price, venue.avg_filled_price,
                   venue.fees)

    @property
    def place(self) -> Tuple[bool, int, Decimal]:
        """Sorts parts as they were filled. One without a time is mostly the last, whose event left it out."""
        return self.time_ms is None, self.time_ms or 0, self.fees or _ZERO

    @classmethod
    def from_id(cls, text: str) -> "_Part":
        time, *numbers, _ = text.split("|")
        return cls(int(time) if time else None, *(Decimal(number) if number else None for number in numbers))

    def to_id(self, twins: int) -> str:
        """Part of the fill's id.

        :param twins: how many parts that look like this one are booked
        """
        time_ms, *numbers = astuple(self)
        texts = ["" if number is None else format(number, "f") for number in numbers]
        return "|".join(["" if time_ms is None else str(time_ms), *texts, str(twins)])

    def may_be(self, other: "_Part") -> bool:
        """Whether both may be one part, told twice; averages may be rounded or cut off to different digits."""
        exact = ((self.time_ms, other.time_ms), (self.size, other.size), (self.price, other.price))
        if any(None not in pair and pair[0] != pair[1] for pair in exact):
            return False
        if self.average is None or other.average is None:
            return True
        coarser = max(self.average.as_tuple().exponent, other.average.as_tuple().exponent)
        return abs(self.average - other.average) < Decimal(1).scaleb(coarser)


def next_fill(tracked: InFlightOrder, venue: wire.Order, fee_schema: TradeFeeSchema,
              is_event: bool = False) -> Optional[TradeUpdate]:
    """The fill that the venue's word adds to what is booked, None when it adds nothing.

    :param tracked: the order with the fills booked so far
    :param venue: what the venue says of it, by event or by REST
    :param fee_schema: estimates the fee where the venue does not say it; corrected when the order is FILLED
    :param is_event: whether the stream told it
    """
    if venue.status == CONSTANTS.ORDER_STATUS_FILLED:
        size, quote = _remainder(tracked, venue)
    else:
        size, quote = _last_part(tracked, venue, is_event)
    if size <= _ZERO or quote <= _ZERO:
        return None
    fee = _fee(tracked, venue, quote, fee_schema, is_event)
    time_ms = venue.last_filled_time_ms or venue.post_time_ms or 0
    return _trade_update(tracked, venue.order_id, _fill_id(tracked, venue), time_ms, size, quote, fee, fee_schema)


def missed_fill(tracked: InFlightOrder, venue: Optional[wire.Order], size: Decimal, price: Decimal, time_ms: int,
                fee_schema: TradeFeeSchema) -> TradeUpdate:
    """The fill of a part that nobody told of before the order was cancelled (acceptance C16).

    The size is exact. Quote and fee are exact when the venue tells average price and fees of the cancelled order, which
    it need not [?]. Otherwise the quote is as good as the price given, and the fee is an estimate of the fee schema.

    :param tracked: the order with the fills booked so far
    :param venue: what REST says of the order now, None when it says nothing
    :param size: of the missing part, in base
    :param price: of the missing part, in quote, in case the venue does not tell it
    :param time_ms: venue time in ms of the fill, which is not known better than that it is over
    :param fee_schema: estimates the fee
    """
    quote = size * price
    if venue is not None and venue.avg_filled_price is not None:
        told = venue.avg_filled_price * (tracked.executed_amount_base + size) - tracked.executed_amount_quote
        quote = told if told > _ZERO else quote
    fee = quote * fee_schema.taker_percent_fee_decimal
    if venue is not None and venue.fees is not None:
        fee = venue.fees - booked_fee(tracked)
    order_id = tracked.exchange_order_id
    fill_id = f"{_missed_prefix(order_id)}{len(tracked.order_fills)}"
    return _trade_update(tracked, order_id, fill_id, time_ms, size, quote, fee, fee_schema)


def _missed_prefix(order_id: str) -> str:
    return f"{order_id}-missed-"


def _trade_update(tracked: InFlightOrder, order_id: str, fill_id: str, time_ms: int, size: Decimal, quote: Decimal,
                  fee: Decimal, fee_schema: TradeFeeSchema) -> TradeUpdate:
    return TradeUpdate(
        trade_id=fill_id,
        client_order_id=tracked.client_order_id,
        exchange_order_id=order_id,
        trading_pair=tracked.trading_pair,
        fill_timestamp=time_ms / 1000,
        fill_price=quote / size,
        fill_base_amount=size,
        fill_quote_amount=quote,
        fee=TradeFeeBase.new_perpetual_fee(
            fee_schema=fee_schema,
            position_action=tracked.position,
            percent_token=CONSTANTS.COLLATERAL_TOKEN,
            flat_fees=[TokenAmount(token=CONSTANTS.COLLATERAL_TOKEN, amount=fee)],
        ),
    )


def tells_all(tracked: InFlightOrder, venue: wire.Order) -> bool:
    """Whether an event alone books the order exactly.

    Only FILLED ones may not, and they do when the order filled in one part. Otherwise the event's `fees` may be the
    order's or its last part's [?], and parts may have been missed: then the order is read from REST first (framework
    gap B5).

    :param tracked: the order with the fills booked so far
    :param venue: the event
    """
    return venue.status != CONSTANTS.ORDER_STATUS_FILLED or (
        venue.fees is not None
        and venue.last_filled_price is not None
        and not tracked.order_fills
        and venue.last_filled_size == tracked.amount
    )


def booked_fee(tracked: InFlightOrder) -> Decimal:
    """Sum of the fees of the fills booked so far, in USDC.

    :param tracked: the order
    """
    return sum((fee.amount for fill in tracked.order_fills.values() for fee in fill.fee.flat_fees), _ZERO)


def heard_parts(tracked: Optional[InFlightOrder]) -> List[Tuple[int, Decimal]]:
    """When the parts that the venue told were filled, as venue time in ms, and their sizes in base; none of no order.

    :param tracked: the order with the fills booked so far
    """
    fills = tracked.order_fills.values() if tracked is not None else ()
    return [(round(fill.fill_timestamp * 1000), fill.fill_base_amount) for fill in fills
            if not fill.trade_id.startswith(_missed_prefix(fill.exchange_order_id))]


def _remainder(tracked: InFlightOrder, venue: wire.Order):
    """Size and quote still missing of an order that is FILLED."""
    size = tracked.amount - tracked.executed_amount_base
    if venue.last_filled_size == size and venue.last_filled_price is not None:
        return size, size * venue.last_filled_price  # exact, where the average price is rounded
    average = venue.avg_filled_price or venue.last_filled_price or tracked.price
    quote = tracked.amount * average - tracked.executed_amount_quote
    return size, quote if quote > _ZERO else size * average


def _last_part(tracked: InFlightOrder, venue: wire.Order, is_event: bool):
    """Size and quote of the last part of an order that is not FILLED, zero when it is booked or was not said. A part
    that is told after it was booked as missed is not booked again."""
    size = venue.last_filled_size or _ZERO
    price = venue.last_filled_price or venue.avg_filled_price
    is_inferred = any(fill_id.startswith(_missed_prefix(venue.order_id)) for fill_id in tracked.order_fills)
    is_too_much = tracked.executed_amount_base + size > tracked.amount
    if price is None or is_too_much or is_inferred or _is_booked(tracked, venue, is_event):
        return _ZERO, _ZERO
    return size, size * price


def _is_booked(tracked: InFlightOrder, venue: wire.Order, is_event: bool) -> bool:
    """Whether the last part is booked. Two parts of one size, price and millisecond look alike at an unchanged average;
    then only cumulative fees tell them apart: they have grown by the fee of one such part. Those of REST may be the
    order's where an event told the part's [?], and so would make a missed part look like a second one of these.
    """
    twins = _twins(tracked, venue)
    if not twins:
        return False
    if not is_event or venue.fees is None or any(part.fees in (None, venue.fees) for part in twins.values()):
        return True
    growth = venue.fees - booked_fee(tracked)
    return not any(
        abs(growth - fee.amount) < _FEE_TOLERANCE * fee.amount
        for fill_id in twins for fee in tracked.order_fills[fill_id].fee.flat_fees
    )


def _twins(tracked: InFlightOrder, venue: wire.Order) -> Dict[str, _Part]:
    told = _Part.of(venue)
    return {fill_id: part for fill_id, part in _parts(tracked, venue.order_id).items() if part.may_be(told)}


def _parts(tracked: InFlightOrder, order_id: str) -> Dict[str, _Part]:
    """What the venue said of the parts that are booked, by the ids of their fills."""
    prefix = _part_prefix(order_id)
    return {
        fill_id: _Part.from_id(fill_id.removeprefix(prefix))
        for fill_id in tracked.order_fills if fill_id.startswith(prefix)
    }


def _part_prefix(order_id: str) -> str:
    return f"{order_id}-part-"


def _fill_id(tracked: InFlightOrder, venue: wire.Order) -> str:
    """Of the last part; of the remainder, when the order is FILLED, because its last part may be as large and of the
    same millisecond as one before it."""
    if venue.status == CONSTANTS.ORDER_STATUS_FILLED:
        return f"{venue.order_id}-filled"
    return _part_prefix(venue.order_id) + _Part.of(venue).to_id(len(_twins(tracked, venue)))


def _fee(tracked: InFlightOrder, venue: wire.Order, quote: Decimal, fee_schema: TradeFeeSchema,
         is_event: bool) -> Decimal:
    """Exact when REST tells that the order is FILLED. Of an event the fees may be the last part's [?]."""
    booked, rate = booked_fee(tracked), fee_schema.taker_percent_fee_decimal
    parts = [(part, tracked.order_fills[fill_id].fill_quote_amount)
             for fill_id, part in _parts(tracked, venue.order_id).items()]
    if venue.status == CONSTANTS.ORDER_STATUS_FILLED:
        if venue.fees is None:
            return quote * rate
        if not is_event:
            return venue.fees - booked
        last_quote = min(quote, (venue.last_filled_size or _ZERO) * (venue.last_filled_price or _ZERO)) or quote
        parts.append((_Part(venue.last_filled_time_ms, None, None, None, None), quote - last_quote))  # what was missed
        quote = last_quote
    return _fees_of([*parts, (_Part.of(venue), quote)], rate) - booked


def _fees_of(parts: List[Tuple[_Part, Decimal]], rate: Decimal) -> Decimal:
    """What parts cost together, in USDC, whichever of them was heard of first.

    Whether the fees of a partly filled order are the order's or the last part's is not known [?], and events and REST
    may differ in it. So of each part that is meant which is nearer to what the parts before it were charged, in doubt
    the order's. A wrong guess is put right when REST tells that the order is FILLED.

    :param parts: what the venue said of them, and their quote
    :param rate: estimates the first fee if it was not said, as a fraction of the quote
    """
    total = total_quote = _ZERO
    for part, quote in sorted(parts, key=lambda one: one[0].place):
        expected = quote * (total / total_quote if total_quote else rate)
        if part.fees is None:
            total += expected
        elif abs(part.fees - expected) < abs(part.fees - expected - total):
            total += part.fees
        else:
            total = part.fees
        total_quote += quote
    return total
