"""A session in sentences, for who has never seen one: what was traded, what it earned and why, what went wrong.

They are plain text; whoever shows them on a page escapes them.
"""
from decimal import Decimal
from typing import Dict, List, Sequence, Union

from hummingbot.connector.derivative.vest_perpetual.session_report.ledger import Ledger
from hummingbot.connector.derivative.vest_perpetual.session_report.log import Log
from hummingbot.connector.derivative.vest_perpetual.session_report.reading import FILLED, STATES, ZERO
from hummingbot.connector.derivative.vest_perpetual.session_report.session import Session
from hummingbot.connector.derivative.vest_perpetual.session_report.words import counted, money, plain, worded

_LISTED = 4  # more markets than that are counted instead of named
_VENUES = {"_simulator": "the simulated exchange, without real money", "_testnet": "Vest's test network"}
_STATE_WORDS = {FILLED: "filled completely", "open": "not known to have ended"}


def story(session: Session) -> List[str]:
    """The sentences, the most general first."""
    if not session.markets:
        return ["This connector has left neither orders nor fills nor funding in this database.", _trouble(session)]
    return [_what(session), _activity(session), *_profits(session), _holdings(session), _trouble(session)]


def _what(session: Session) -> str:
    pairs = sorted({market.market.pair for market in session.markets})
    connectors = sorted({market.market.connector for market in session.markets})
    traded = _joined(pairs) if len(pairs) <= _LISTED else f"{len(pairs)} markets"
    where = _joined([name + _venue(name) for name in connectors])
    if session.first_ms is None:
        return f"In this period nothing happened in {traded} on {where}."
    return f"A bot traded {traded} on {where}."


def _venue(connector: str) -> str:
    return next((f" ({words})" for end, words in _VENUES.items() if connector.endswith(end)), "")


def _activity(session: Session) -> str:
    orders, fills = session.order_count, session.fill_count
    counts = {state: sum(market.states[state] for market in session.markets) for state in STATES}
    ends = [f"{count:,} {_STATE_WORDS.get(state, state)}" for state, count in counts.items() if count]
    placed = f"It placed {counted(orders, 'order')}" + (f": {_joined(ends)}." if ends else ".")
    if not fills:
        return f"{placed} Nothing was bought or sold."
    volumes = _joined([money(ledger.quote_volume, quote) for quote, ledger in totals(session).items()])
    return f"{placed} In {counted(fills, 'fill')} it bought and sold for {volumes} in all."


def _profits(session: Session) -> List[str]:
    return [f"It {gained(books, quote)}{_turned(books, quote)}{_extremes(session, quote)}"
            for quote, books in totals(session).items() if books.fills or books.pnl]


def gained(books: Union["Totals", Ledger], quote: str) -> str:
    """What was earned and what that is made of, as `lost 1.52 USDC: …`.

    :param books: of one market or of several
    :param quote: the asset the money is in
    """
    parts = [f"trading {'lost' if books.trading < 0 else 'earned'} {money(abs(books.trading), quote)} before costs",
             f"fees cost {money(books.fees, quote)}"]
    if books.funding:
        parts.append(f"funding {'cost' if books.funding < 0 else 'brought'} {money(abs(books.funding), quote)}")
    return f"{'lost' if books.pnl < 0 else 'earned'} {money(abs(books.pnl), quote)}: {_joined(parts)}."


def _turned(books: "Totals", quote: str) -> str:
    """What decided, where it is a single thing; and what of it is not final."""
    words = ""
    if books.pnl < 0 <= books.pnl + books.fees:
        words += " Without fees it would have been no loss."
    elif books.pnl > 0 >= books.pnl - books.funding:
        words += " Without funding it would have been no profit."
    if books.unrealised:
        words += (f" Of what trading did, {worded(money(books.unrealised, quote))} is not final: it belongs to what "
                  f"is still held.")
    return words


def _extremes(session: Session, quote: str) -> str:
    markets = sorted((market for market in session.markets if market.market.quote == quote and market.ledger.fills),
                     key=lambda market: market.ledger.pnl)
    if len(markets) < 2:
        return ""
    worst, best = markets[0], markets[-1]
    return (f" The best market was {best.market.pair} with {worded(money(best.ledger.pnl, quote))}, the worst "
            f"{worst.market.pair} with {worded(money(worst.ledger.pnl, quote))}.")


def _holdings(session: Session) -> str:
    held = [f"{'a long' if ledger.position > 0 else 'a short'} position of {plain(abs(ledger.position))} "
            f"{market.market.base} ({money(abs(ledger.position * ledger.mark), market.market.quote)})"
            for market in session.markets for ledger in [market.ledger] if ledger.position]
    if not held:
        return "At the end it held no position."
    return f"At the end it held {_joined(held) if len(held) <= _LISTED else f'positions in {len(held)} markets'}."


def _trouble(session: Session) -> str:
    log = session.log
    if log is None:
        return "Without the bot's log file nothing is known of errors and lost connections."
    lines = [counted(log.errors, "error"), counted(log.count("WARNING"), "warning")]
    lost = len(log.interruptions)
    words = f"{_failures(log)}The bot's log has {_joined(lines)}"
    if not lost:
        return f"{words}; no live data of Vest was interrupted."
    back = sum(interruption.end_ms is not None for interruption in log.interruptions)
    ends = {lost: "and came back", 0: "and did not come back"}.get(back, f"and came back {_times(back)} of these")
    return f"{words}; live data of Vest was interrupted {_times(lost)} {ends}."


def _failures(log: Log) -> str:
    if not log.failed_orders:
        return ""
    (reason, count), *others = log.failures.most_common(2)
    often = f"{_times(count)}: " if others else ""
    return f"The log tells of {counted(log.failed_orders, 'failed order')} ({often}{reason}). "


class Totals:
    """Books of several markets of one quote, added up."""

    def __init__(self, ledgers: Sequence[Ledger]) -> None:
        def total(name: str) -> Decimal:
            return sum((getattr(ledger, name) for ledger in ledgers), ZERO)

        self.fills = int(total("fills"))
        self.quote_volume, self.trading, self.unrealised = total("quote_volume"), total("trading"), total("unrealised")
        self.fees, self.funding, self.pnl = total("fees"), total("funding"), total("pnl")


def totals(session: Session) -> Dict[str, Totals]:
    """By the asset the money is in, which alone can be added up."""
    return {quote: Totals([market.ledger for market in markets]) for quote, markets in session.by_quote.items()}


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _joined(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
