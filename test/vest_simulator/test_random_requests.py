"""Whatever clients send, the venue answers with one of its codes, and its books stay in order."""
import random
from test.vest_simulator.client import running

import pytest

from vest_simulator.engine.codes import Code

pytestmark = pytest.mark.asyncio
ODD_VALUES = [None, True, 0, -1, 1.5, 2 ** 70, "", "0", "-1", "1e5", "NaN", "Infinity", "0.1000", "BTC-PERP", "LIMIT",
              "é", "\x00", [], {}, [1], {"order": {}}, "9" * 400, "0x" + "00" * 65]
PATHS = ["/orders", "/orders/cancel", "/lp", "/transfer/withdraw", "/account/leverage", "/register", "/account",
         "/account/listenKey", "/klines", "/depth", "/trades", "/funding/history", "/transfer", "/", "/orders/", "/%00"]
PARAMETERS = ["symbol", "symbols", "time", "limit", "startTime", "endTime", "interval", "id", "nonce", "status",
              "orderType"]


def damaged(value, dice):
    """A copy of a JSON object with one field changed, dropped or added, at any depth."""
    copy = {key: damaged(item, dice) if isinstance(item, dict) and dice.random() < 0.7 else item
            for key, item in value.items()}
    change, name = dice.choice(["change", "drop", "add"]), dice.choice(list(copy) or ["x"])
    if change == "drop":
        copy.pop(name, None)
    else:
        copy[name if change == "change" else "extra"] = dice.choice(ODD_VALUES)
    return copy


@pytest.mark.parametrize("seed", range(3))
async def test_damaged_bodies_are_refused_with_a_code(seed):
    dice = random.Random(seed)
    async with running() as (simulator, client):
        for _ in range(150):
            good = dice.choice([client.signed(client.order(limit_price="1000.00")), client.cancel_body("0x1"),
                                {"time": client.now_ms, "symbol": "BTC-PERP", "value": 5}])
            answer = await client.call("POST", dice.choice(PATHS), body=damaged(good, dice))
            assert answer.status < 500
            assert answer.status == 200 or Code(answer.code)
        assert (await simulator.admin.health())["status"] == "ok"


@pytest.mark.parametrize("seed", range(3))
async def test_odd_queries_are_refused_with_a_code(seed):
    dice = random.Random(seed)
    async with running() as (simulator, client):
        for _ in range(200):
            params = {name: str(dice.choice(ODD_VALUES + [client.now_ms] * 10)) for name in dice.sample(PARAMETERS, 2)}
            answer = await client.call(dice.choice(["GET", "POST", "PUT", "DELETE"]), dice.choice(PATHS), params)
            assert answer.status < 500
            assert answer.status == 200 or Code(answer.code)
