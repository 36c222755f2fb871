"""Liquidity provision and transfers: what moves cash in and out of an account."""
from decimal import Decimal
from typing import Callable, Dict, Optional

from vest_simulator.config import SimulatorConfig
from vest_simulator.engine import margin
from vest_simulator.engine.account import Account, MoneyRecord
from vest_simulator.engine.codes import Code
from vest_simulator.engine.exchange import Exchange, MoneyEvent
from vest_simulator.engine.market import Market

LP_TYPES = ("DEPOSIT", "IMMEDIATE_WITHDRAW", "SCHEDULE_WITHDRAW")


class Treasury:
    """LP orders and transfers of all accounts. A share is worth one USDC: the pool's own profit is not simulated."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._config: SimulatorConfig = exchange.config
        self._markets: Dict[str, Market] = exchange.markets

    def lp_order(self, account: Account, nonce: int, order_type: str, size: Decimal, time_ms: int) -> MoneyRecord:
        """Moves cash into the pool or shares out of it. Refusals become REJECTED records."""
        code = self._lp_refusal(account, nonce, order_type, size)
        record = self._record(account, nonce, order_type, size, time_ms, code)
        if code is None and order_type != "SCHEDULE_WITHDRAW":
            sign = 1 if order_type == "DEPOSIT" else -1
            account.cash -= sign * size
            account.lp_shares += sign * size
        return self._announce(account, record, account.lp_records.append, "LP")

    def withdraw(self, account: Account, nonce: int, size: Decimal, chain_id: int, time_ms: int) -> MoneyRecord:
        """Takes USDC out of the account. Refusals become REJECTED records."""
        code = None
        if any(record.nonce == nonce for record in account.transfers if record.order_type == "WITHDRAW"):
            code = Code.TRANSFER_DUPLICATE
        elif size > margin.withdrawable(account, self._markets, self._config.default_leverage):
            code = Code.TRANSFER_MARGIN_CHECK
        record = self._record(account, nonce, "WITHDRAW", size, time_ms, code, chain_id)
        if code is None:
            account.cash -= size
            account.deposits -= size
        return self._announce(account, record, account.transfers.append, "TRANSFER")

    def deposit(self, account: Account, size: Decimal, time_ms: int) -> MoneyRecord:
        """Credits USDC, as a deposit on chain would."""
        account.cash += size
        account.deposits += size
        record = self._record(account, 0, "DEPOSIT", size, time_ms, None)
        return self._announce(account, record, account.transfers.append, "TRANSFER")

    def _lp_refusal(self, account: Account, nonce: int, order_type: str, size: Decimal) -> Optional[Code]:
        if any(record.nonce == nonce for record in account.lp_records):
            return Code.LP_DUPLICATE
        if order_type == "DEPOSIT":
            if size > account.cash:
                return Code.LP_INSUFFICIENT_BALANCE
            free = margin.withdrawable(account, self._markets, self._config.default_leverage)
            return Code.LP_MARGIN_CHECK if size > free else None
        if not account.lp_shares:
            return Code.LP_NO_SHARES
        return Code.LP_EXCEEDS_BALANCE if size > account.lp_shares else None

    def _record(self, account: Account, nonce: int, order_type: str, size: Decimal, time_ms: int, code: Optional[Code],
                chain_id: Optional[int] = None) -> MoneyRecord:
        account.last_nonce = max(account.last_nonce, nonce)
        scheduled = order_type == "SCHEDULE_WITHDRAW"
        status = "REJECTED" if code else "NEW" if scheduled else "FILLED"
        return MoneyRecord(self._exchange.new_id(), nonce, order_type, size, time_ms, status, code, chain_id)

    def _announce(self, account: Account, record: MoneyRecord, keep: Callable[[MoneyRecord], None], kind: str
                  ) -> MoneyRecord:
        keep(record)
        self._exchange.on_money(MoneyEvent(account, record, kind))
        return record
