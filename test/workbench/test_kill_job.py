"""The verdict over a killed client: what a kill excuses, and what it does not."""
from decimal import Decimal

import pytest

from workbench.books import Books, Fill
from workbench.kill_job import faults_of_unsaved, without_fills_of

KILL_MS = 1_000_000
NONCE = 1795363513808001
WARNING = f"2026-11-22 15:43:38,123 - 77 - vest - WARNING - 1 open order(s) from an earlier session: {NONCE}.\n"


def row(status="FILLED", post_ms=KILL_MS - 100):
    return {"nonce": NONCE, "status": status, "postTime": post_ms}


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "client.log"
    file.write_text(WARNING)
    return file


def faults_of(order, log, kills=(KILL_MS,)):
    return faults_of_unsaved(order, kills, [log])


def test_an_order_sent_right_before_a_kill_is_excused(log):
    assert faults_of(row(), log) == []
    assert faults_of(row("CANCELLED"), log) == []


def test_an_order_sent_long_before_any_kill_is_not(log):
    assert "no kill is the reason" in faults_of(row(post_ms=KILL_MS - 60_000), log)[0]
    assert "no kill is the reason" in faults_of(row(), log, kills=())[0]


def test_an_orphan_left_open_is_a_fault(log):
    assert "still open" in faults_of(row("NEW"), log)[0]


def test_an_orphan_cancelled_without_a_word_is_a_fault(log):
    log.write_text("")
    assert "no WARNING" in faults_of(row("CANCELLED"), log)[0]


def test_the_position_is_compared_without_fills_that_could_not_be_saved():
    bought, sold = (Fill("BTC-USDC", is_buy, Decimal(1), Decimal(100), Decimal(0)) for is_buy in (True, False))
    venue, lost = Books([], [bought], [], {"BTC-USDC": Decimal(0)}), Books([], [sold], [])
    assert without_fills_of(venue, lost) == Books([], [bought], [], {"BTC-USDC": Decimal(1)})
