"""Several bots share the venue's rate limits: each keeps to the part its client's `rate_limits_share_pct` names."""
import asyncio
import time
from decimal import Decimal

import pytest

from hummingbot.client import settings
from hummingbot.client.config import config_helpers
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_throttler import VestThrottler
from hummingbot.core.connector_manager import ConnectorManager
from vest_simulator import RateLimits
from vest_simulator.venue.limiter import WINDOW_MS, Limiter

BOTS = 5
SHARE_PCT = Decimal(100) / BOTS
# What the connector takes the venue's limit for, over the venue's window.
WHOLE_LIMIT = CONSTANTS.RATE_LIMIT_POOL_REQUESTS * WINDOW_MS // (1000 * CONSTANTS.RATE_LIMIT_INTERVAL_S)


@pytest.fixture
def client_config(monkeypatch, tmp_path):
    """The client's configuration, read from a file as at its start, with the share of one of five bots."""
    path = tmp_path / "conf_client.yml"
    path.write_text(f"rate_limits_share_pct: {SHARE_PCT}\n")
    for module in (settings, config_helpers):
        monkeypatch.setattr(module, "CLIENT_CONFIG_PATH", path)
    return config_helpers.load_client_config_map_from_file()


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["vest_perpetual", "vest_perpetual_testnet", "vest_perpetual_simulator"])
async def test_b20_every_limit_of_a_connector_that_the_client_makes_is_the_share(client_config, name):
    keys = {f"{name}_api_key": "key", f"{name}_signing_private_key": "0x" + "11" * 32, f"{name}_account_group": "0"}

    connector = ConnectorManager(client_config).create_connector(name, ["BTC-USDC"], api_keys=keys)

    limits = {limit.limit_id: connector.throttler.get_related_limits(limit.limit_id)[0].limit
              for limit in CONSTANTS.RATE_LIMITS}
    assert limits == {limit.limit_id: limit.limit // BOTS for limit in CONSTANTS.RATE_LIMITS}


@pytest.fixture
def request_times_ms(monkeypatch):
    """When a bot that sends as fast as it may sends its requests, for a while of a clock that only waiting moves."""
    now_s = 0.0

    async def sleep(pause_s):
        nonlocal now_s
        now_s += pause_s

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(time, "time", lambda: now_s)

    async def flood(share_pct, start_s):
        nonlocal now_s
        now_s, times_ms = start_s, []
        throttler = VestThrottler(share_pct, monotonic_s=lambda: now_s)
        while now_s < start_s + 1.2 * WINDOW_MS / 1000:
            for limit_id in (CONSTANTS.ORDERS_PATH, CONSTANTS.ORDERS_CANCEL_PATH, CONSTANTS.ACCOUNT_PATH):
                async with throttler.execute_task(limit_id):
                    times_ms.append(int(now_s * 1000))
        return times_ms

    return flood


@pytest.mark.asyncio
@pytest.mark.parametrize("bots, share_pct, keeps_within", [(BOTS, SHARE_PCT, True), (2, Decimal(100), False)])
async def test_b20_bots_that_all_send_as_fast_as_they_may_keep_within_the_whole(
        request_times_ms, bots, share_pct, keeps_within):
    venue = Limiter(RateLimits(requests_per_minute=WHOLE_LIMIT))
    times_ms = [await request_times_ms(share_pct, start_s=bot * 1.7) for bot in range(bots)]

    for time_ms in sorted(sum(times_ms, [])):
        venue.admit("the account they share", time_ms)

    assert (venue.tripped == 0) is keeps_within
    assert venue.most_per_minute > WHOLE_LIMIT * 3 // 4  # they are not just slow
