"""`doctor` beside a bot on the same account: it looks at everything and disturbs nothing."""
from test.end_to_end.bench import running

import pytest

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.cli.doctor import examine
from hummingbot.connector.derivative.vest_perpetual.cli.doctor_checks import Examination, Verdict
from hummingbot.connector.derivative.vest_perpetual.cli.keys import Keys
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Venue

pytestmark = pytest.mark.asyncio


async def examined(credentials, data_folder):
    keys = Keys.checked(CONSTANTS.SIMULATOR_DOMAIN, credentials.api_key, credentials.signing_private_key,
                        credentials.account_group)
    async with Venue(CONSTANTS.SIMULATOR_DOMAIN, keys) as venue:
        report = await examine(Examination(venue, keys, "", data_folder, ()), lambda check, finding: None)
    return {check.name: finding for check, finding in report}


async def test_a_bot_on_the_same_account_trades_on_undisturbed(tmp_path):
    async with running() as bench:
        bot = bench.bot
        await bench.admin.set_price("BTC-PERP", "95000")
        await bench.until(lambda: abs(bench.connector.get_mid_price("BTC-USDC") - 95000) < 100)
        waiting = bot.buy("BTC-USDC", "0.01", price="90000")
        await bot.open(waiting)
        sockets = len(bench.simulator.journal.entries(kind="socket_opened"))

        found = await examined(bot.credentials, tmp_path)

        assert {name: finding.words for name, finding in found.items() if finding.verdict is not Verdict.OK} == {}
        # Events still come over the connection that the bot had before; only the doctor has opened another.
        await bench.admin.set_price("BTC-PERP", "89900")
        await bot.filled(waiting)
        assert len(bench.simulator.journal.entries(kind="socket_opened")) == sockets + 1
