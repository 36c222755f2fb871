"""`make picture`: the README's picture of a run, drawn from what the run itself printed."""
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Iterable, List

from rich.console import CONSOLE_SVG_FORMAT, Console
from rich.text import Text

from workbench.home import PROJECT
from workbench.report import TABLE_OF_HISTORY

COMMAND = "make run DURATION=30"
COLUMNS = 112
PICTURE = PROJECT / "docs" / "make-run.svg"
# Without the fonts that the usual picture fetches from the internet when somebody looks at it.
_FORMAT = re.sub(r"@font-face {{.*?}}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def main() -> int:
    """Run the main job and draw what it prints; returns the run's exit code, and leaves the picture when it fails."""
    run = subprocess.run(COMMAND.split(), cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if run.returncode == 0:
        draw(shortened(run.stdout.splitlines()), PICTURE)
    return run.returncode


def shortened(lines: Iterable[str]) -> List[str]:
    """What a reader wants to see of a run: without the client's own tables, which say the same once more."""
    kept: List[str] = []
    is_history = False
    for line in lines:
        if line.startswith(TABLE_OF_HISTORY):
            is_history = True
        elif line.startswith("✓"):
            is_history = False
        if not is_history:
            kept.append(line[:COLUMNS])
    return kept


def draw(lines: Iterable[str], picture: Path) -> None:
    """Draw lines of a terminal.

    :param lines: what the command printed
    :param picture: the SVG file to write
    """
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text(f"$ {COMMAND}", style="bold"))
    for line in lines:
        text = Text(line)
        text.highlight_regex("✓", "bold green")
        text.highlight_regex("✗.*", "bold red")
        console.print(text)
    console.save_svg(str(picture), title="vest_perpetual on the simulated exchange", unique_id="run",
                     code_format=_FORMAT)


if __name__ == "__main__":
    sys.exit(main())
