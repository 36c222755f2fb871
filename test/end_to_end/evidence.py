"""What the scenarios of a test injected and compared, for the table of `docs/reliability.md`."""
import asyncio
import time
from test.end_to_end.invariants import said_unknowable, unsaid_parts
from typing import TYPE_CHECKING, Any, Dict, List

if TYPE_CHECKING:
    from test.end_to_end.bench import Bench

SCENARIOS: List[Dict[str, Any]] = []
"""Those of the running test; emptied before each test."""
# By then the connector of the tests has told of missed parts that orders still open might have explained.
_PATIENCE_S = 10.0


async def record(bench: "Bench") -> None:
    """Notes what was injected into a venue, and how much of its ledger was found in the bots' books."""
    injected = dict(await bench.admin.injected())
    if bench.proxy is not None:
        injected["TCP proxy"] = 1
    deadline_s = time.monotonic() + _PATIENCE_S
    while (unsaid := await _unsaid(bench)) and time.monotonic() < deadline_s:
        await asyncio.sleep(0.1)
    placed = {order_id for bot in bench.bots for order_id in bot.placed}
    SCENARIOS.append({
        "injected": injected,
        "orders": len(placed),
        "fills": sum(event.name == "Filled" for bot in bench.bots for event in bot.events),
        "payments": sum(len(bot.payments) for bot in bench.bots),
        "said": len(said_unknowable(bench)),
        "unsaid": unsaid,
    })


async def _unsaid(bench: "Bench") -> int:
    """How many orders have parts that were neither booked nor said."""
    said, unsaid = said_unknowable(bench), 0
    for bot in bench.bots:
        rows = [row for row in (await bench.ledger(bot))["orders"] if str(row["nonce"]) in bot.placed]
        unsaid += len(unsaid_parts(bot, rows, said))
    return unsaid
