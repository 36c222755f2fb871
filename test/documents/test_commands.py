"""Every command that the documents tell somebody to type is run by a test, or stands here with the reason why not."""
import re

import pytest

from workbench.home import PROJECT

PAGES = [*sorted(PROJECT.glob("*.md")), *sorted(PROJECT.glob("docs/*.md")), PROJECT / "vest_simulator" / "README.md"]
# What begins a line of code that is typed into a shell; other lines are Python, settings, or a part of a command.
PROGRAMS = ("make", "python", "vest-perpetual", ".venv/bin/", "hbot", "connect", "pip", "apt", "cp", "chmod", "docker",
            "tar", "mosquitto", "git")
CLI = "test/hummingbot/connector/derivative/vest_perpetual/cli"
E2E = "test/end_to_end"
_FLEET_WALK = f"{E2E}/test_fleet.py::test_the_page_works_step_by_step_and_what_it_says_does_not_work_does_not"

# Beginning of a command → the test that runs it, as a process or through the function behind it.
RUN_BY = {
    ".venv/bin/": f"{E2E}/test_paper_trading.py::test_every_command_of_the_page_one_after_the_other",
    "make simulator": f"{E2E}/test_paper_trading.py::test_make_hands_on_what_the_page_says",
    "make client": f"{E2E}/test_connect.py::test_a1_connect_in_the_full_screen_client",
    "connect vest_perpetual": f"{E2E}/test_connect.py::test_a1_connect_in_the_full_screen_client",
    ".venv/bin/hbot connect vest_perpetual --keys-stdin":
        f"{E2E}/test_connect.py::test_a1_connect_without_a_screen",
    "python -m hummingbot.cli.main connect vest_perpetual --fields":
        f"{E2E}/test_wheel.py::test_the_wheel_is_discovered_trades_and_leaves_no_trace",
    "make run": f"{E2E}/test_main_job.py::test_ctrl_c_stops_gracefully_and_still_reports",
    "make fleet":
        f"{E2E}/test_fleet.py::test_a_fleet_is_started_watched_changed_and_stopped_over_mqtt_and_all_books_agree",
    "make dist-install": f"{E2E}/test_wheel.py::test_every_way_in_and_out_leaves_no_trace",
    "make install-into": "test/workbench/test_overlay.py::test_the_unit_tests_pass_in_a_clone",
    "python -m pytest test/hummingbot": "test/workbench/test_overlay.py::test_the_unit_tests_pass_in_a_clone",
    "hbot config": _FLEET_WALK,
    "hbot start": _FLEET_WALK,
    "python command.py": _FLEET_WALK,
    "mosquitto_sub": _FLEET_WALK,
    "mosquitto_pub": _FLEET_WALK,
    "mosquitto_passwd": f"{E2E}/test_fleet.py::test_the_broker_of_the_page_is_the_one_the_fleet_has",
    "mosquitto -c": f"{E2E}/test_fleet.py::test_the_broker_of_the_page_is_the_one_the_fleet_has",
    "vest-perpetual --help": f"{E2E}/test_cli.py::test_the_launcher_of_a_checkout",
    "vest-perpetual order --help": f"{E2E}/test_cli_documents.py::test_every_command_in_the_documents_is_one",
    "vest-perpetual register --save": f"{E2E}/test_cli.py::test_from_a_wallet_to_a_connected_client",
    "vest-perpetual account": f"{E2E}/test_cli.py::test_from_a_wallet_to_a_connected_client",
    "vest-perpetual connect --from": f"{CLI}/test_keys.py::test_connect_takes_the_template_itself_when_it_is_filled",
    "cp conf/conf_global_TEMPLATE.yml": f"{CLI}/test_keys.py::test_connect_takes_the_template_itself_when_it_is_filled",
    "chmod 600 my_keys.yml": f"{CLI}/test_keys.py::test_connect_takes_the_template_itself_when_it_is_filled",
    "vest-perpetual orders": f"{CLI}/test_orders.py::test_orders_are_filtered",
    "vest-perpetual order buy BTC-USDC 0.01 --price 60000": f"{CLI}/test_orders.py::"
    "test_a_limit_order_waits_is_listed_and_is_cancelled",
    "vest-perpetual order buy BTC-USDC 0.01 --price 60000 --dry-run": f"{CLI}/test_orders.py::"
    "test_a_dry_run_shows_what_would_be_sent_and_signed_and_sends_nothing",
    "vest-perpetual order sell": f"{CLI}/test_orders.py::test_a_market_order_fills_and_makes_a_position",
    "vest-perpetual cancel": f"{CLI}/test_orders.py::test_an_order_is_cancelled_by_its_nonce",
    "vest-perpetual leverage": f"{CLI}/test_account.py::test_leverage_is_shown_and_set",
    "vest-perpetual lp": f"{CLI}/test_account.py::test_lp_moves_money_and_lists_it",
    "vest-perpetual withdraw": f"{CLI}/test_account.py::test_a_withdrawal_leaves_the_account",
    "vest-perpetual transfers": f"{E2E}/test_cli.py::test_every_command_speaks_to_programs_and_tells_no_secret",
    "vest-perpetual stream": f"{E2E}/test_cli.py::test_ctrl_c_ends_the_stream_with_one_word_or_document",
    "vest-perpetual doctor": f"{E2E}/test_doctor.py::test_a_bot_on_the_same_account_trades_on_undisturbed",
    "vest-perpetual certify --domain vest_perpetual_testnet":
        f"{CLI}/test_certify.py::test_by_default_it_only_reads",
    "vest-perpetual certify --domain vest_perpetual_testnet --trade":
        f"{CLI}/test_certify.py::test_with_trade_the_smallest_orders_are_sent_and_nothing_is_left",
    "vest-perpetual report": f"{E2E}/test_paper_trading.py::test_every_command_of_the_page_one_after_the_other",
    "python -m vest_simulator": "test/vest_simulator/test_command_line.py::test_it_serves_until_it_is_told_to_stop",
    "python -m vest_simulator --prices": "test/vest_simulator/test_command_line.py::"
    "test_recorded_prices_and_a_state_that_hands_out_the_same_keys_again",
    "python -m vest_simulator --state": "test/vest_simulator/test_command_line.py::"
    "test_recorded_prices_and_a_state_that_hands_out_the_same_keys_again",
    "python -m vest_simulator --mirror": "test/end_to_end/test_paper_exchange.py::"
    "test_c31_a_bot_trades_on_the_prices_of_another_venue_and_waits_while_they_are_lost",
    "tar ": f"{E2E}/test_paper_trading.py::test_a_backup_has_keys_settings_and_records",
}
# Beginning of a command → why no test runs it.
NOT_RUN = {
    "make test": "it is what runs the tests; .ci/run calls it",
    "make lint": ".ci/run calls it",
    "make coverage": ".ci/run calls it",
    "apt install": "installs programs on the machine; .ci/run does it where they are missing",
    "docker build": "needs Docker and its registry",
    "make install": ".ci/run begins with it, as every target does",
    "git pull": "needs the repository that the checkout came from",
    ".venv/bin/hbot create my_script": "the reader's own script; the page of paper trading has one that is run",
    ".venv/bin/hbot start my_bot": "the reader's own script; the page of paper trading has one that is run",
}


def _commands():
    for page in PAGES:
        text = re.sub(r"^```(?!sh\b|bash\b|\n).*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for line in re.findall(r"^(?: {4,}| {4,}\$ )(\S.*)$", text, re.MULTILINE):
            if line.startswith(PROGRAMS):
                yield pytest.param(re.split(r"\s+#", line)[0], id=f"{page.name}: {line[:60]}")


COMMANDS = list(_commands())


def _entry(command):
    """The longest beginning that is named."""
    return max(filter(command.startswith, [*RUN_BY, *NOT_RUN]), key=len, default=None)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_run_by_a_test_or_says_why_not(command):
    assert _entry(command) is not None, "name the test that runs it in RUN_BY, or the reason why none does in NOT_RUN"


def test_nothing_is_named_that_no_page_says():
    assert {_entry(command.values[0]) for command in COMMANDS} == {*RUN_BY, *NOT_RUN}


@pytest.mark.parametrize("name", sorted(set(RUN_BY.values())))
def test_the_named_tests_are_there(name):
    file, _, function = name.partition("::")
    assert re.search(rf"^(async )?def {function}\(", (PROJECT / file).read_text(), re.MULTILINE), name
    assert not re.search(rf"skip\([^\n]*\n(@[^\n]*\n)*(async )?def {function}\(", (PROJECT / file).read_text())
