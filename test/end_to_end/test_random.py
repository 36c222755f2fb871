"""Random, seeded lives, and the invariants at the end of each. A failing one is repeated by `--seeds N-N`."""
from test.end_to_end.lives import live

import pytest

pytestmark = [
    pytest.mark.asyncio,
    # A bot that is killed leaves what it was about to begin.
    pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning"),
]


async def test_a_random_life_ends_in_agreement(seed):
    await live(seed, steps=30)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100_000, 100_004))
async def test_a_long_random_life_ends_in_agreement(seed):
    await live(seed, steps=300)
