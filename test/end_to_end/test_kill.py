"""The real client killed in mid-trade and started again: what `make kill` does, in short."""
import re

import pytest

from workbench import kill_job

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_c32_after_three_kills_the_books_are_the_venues(capsys):
    code = kill_job.main(["--kills", "3", "--seed", "1"])
    output = capsys.readouterr().out
    assert code == 0, output
    assert re.findall(r"^- kill (\d): ", output, flags=re.MULTILINE) == ["1", "2", "3"]
    assert int(re.search(r"^all pairs  orders filled +(\d+) ", output, flags=re.MULTILINE)[1]) > 0
