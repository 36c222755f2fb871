"""The books of one market, in Decimal.

PnL = cash flow + position × mark − fees + funding. The first two terms are what trading itself brought, and they are
split at the average entry price: *realised* is what closing earned against it, *unrealised* what the open position is
worth above it.
"""
from decimal import Decimal

from hummingbot.connector.derivative.vest_perpetual.session_report.reading import ZERO, Fill, Payment


class Ledger:
    """Running totals; a position that was held before is taken as bought at the first mark.

    :param position: held at the beginning, in base, long positive
    :param mark: the price at the beginning, in quote per base; None when none is known yet
    """

    def __init__(self, position: Decimal = ZERO, mark: Decimal = ZERO) -> None:
        self.position = self.opening_position = position
        self.mark = self.opening_mark = mark
        self.fills = 0
        self.base_volume = self.quote_volume = self.fees = self.funding = ZERO
        self._cash_flow = -position * mark
        self._entry_value = position * mark  # the position at its average entry price

    def add_fill(self, fill: Fill) -> None:
        """Books an execution; its price is the mark from now on."""
        amount = fill.amount if fill.is_buy else -fill.amount
        notional = fill.amount * fill.price
        self.fills += 1
        self.base_volume += fill.amount
        self.quote_volume += notional
        self.fees += fill.fee
        self._cash_flow -= amount * fill.price
        self._change_position(amount, fill.price)
        self.mark = fill.price

    def add_payment(self, payment: Payment) -> None:
        """Books a funding payment."""
        self.funding += payment.amount

    def _change_position(self, amount: Decimal, price: Decimal) -> None:
        position = self.position + amount
        if self.position * amount >= 0:
            self._entry_value += amount * price
        elif self.position * position > 0:  # closed in part: what is left keeps its average
            self._entry_value *= position / self.position
        else:  # closed, and what is beyond that is opened anew
            self._entry_value = position * price
        self.position = position

    @property
    def realised(self) -> Decimal:
        """What closing earned, in quote, before fees and funding."""
        return self._cash_flow + self._entry_value

    @property
    def unrealised(self) -> Decimal:
        """What the position is worth above its entry, in quote, at the mark."""
        return self.position * self.mark - self._entry_value

    @property
    def trading(self) -> Decimal:
        """What trading brought, in quote, before fees and funding: realised and unrealised."""
        return self._cash_flow + self.position * self.mark

    @property
    def pnl(self) -> Decimal:
        """What is left of it all, in quote."""
        return self.trading - self.fees + self.funding
