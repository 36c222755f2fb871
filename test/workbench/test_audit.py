"""What a run must not leave behind is found, and what it may is not."""
from workbench import audit

OURS = "hummingbot.connector.derivative.vest_perpetual.vest_perpetual_derivative.VestPerpetualDerivative"
LOG = f"""\
2026-11-22 15:43:37,123 - 77 - {OURS} - INFO - Created LIMIT BUY order 1795363513808001
2026-11-22 15:43:38,123 - 77 - {OURS} - WARNING - Order 1795363513808001 is late by 12.5 s
2026-11-22 15:43:39,123 - 77 - {OURS} - WARNING - Order 1795363513808002 is late by 3 s
2026-11-22 15:43:40,123 - 77 - hummingbot.strategy.strategy_v2_base - WARNING - x is not ready. Please wait...
2026-11-22 15:43:41,123 - 77 - hummingbot.core.clock - WARNING - Something nobody has seen before
2026-11-22 15:43:42,123 - 77 - hummingbot.core.rate_oracle.rate_oracle - ERROR - No network
Traceback (most recent call last):
"""
SECRET = "0xAbCd00000000000000000000000000000000000000000000000000000000Ef12"


def log_file(tmp_path, text=LOG):
    path = tmp_path / "logs_main_job.log"
    path.write_text(text)
    return path


def test_complaints_are_counted_by_what_they_say(tmp_path):
    found = {(complaint.logger.rsplit(".", 1)[-1], complaint.level): count
             for complaint, count in audit.complaints([log_file(tmp_path)]).items()}
    assert found == {("VestPerpetualDerivative", "WARNING"): 2, ("strategy_v2_base", "WARNING"): 1,
                     ("clock", "WARNING"): 1, ("rate_oracle", "ERROR"): 1}


def test_errors_and_unexplained_warnings_are_faults(tmp_path):
    faults = {complaint.logger.rsplit(".", 1)[-1]: complaint.is_fault
              for complaint in audit.complaints([log_file(tmp_path)])}
    assert faults == {"VestPerpetualDerivative": True, "strategy_v2_base": False, "clock": True, "rate_oracle": True}


def test_unclosed_sessions_and_pending_tasks_are_found(tmp_path):
    log = log_file(tmp_path, "fine\nUnclosed client session\nTask was destroyed but it is pending!\n")
    assert len(audit.unclosed([log])) == 2


def test_secrets_are_found_in_any_spelling(tmp_path):
    for name, content in {"plain": SECRET, "bare": SECRET[2:].lower(), "signature": "0x" + "ab" * 65,
                          "hash": "0x" + "ab" * 32, "harmless": "nothing here"}.items():
        (tmp_path / name).write_text(f"before {content} after")
    found = [path.name for path in audit.files_with_secrets(tmp_path, [SECRET])]
    assert found == ["bare", "plain", "signature"]


def test_other_levels_are_looked_for_on_request(tmp_path):
    log = log_file(tmp_path, f"2026-11-22 15:43:37,123 - 77 - {OURS} - NETWORK - Error submitting order\n")
    assert audit.complaints([log]) == {}
    assert [complaint.level for complaint in audit.complaints([log], [audit.NETWORK])] == ["NETWORK"]


def test_the_orders_that_a_log_names_are_found(tmp_path):
    assert audit.order_ids([log_file(tmp_path)]) == {"1795363513808001", "1795363513808002"}
