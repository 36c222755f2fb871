"""`python -m benchmarks [part …] [--quick] [--write docs/performance.md]`: see the package."""
import argparse
import logging
import tempfile
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

import hummingbot
from benchmarks import books, fills, imports, orders, pairs, polls, report, signing, simulator
from benchmarks.measuring import Row, run

# Of each part: in earnest, and so quick that only its working is seen.
PARTS: Dict[str, Sequence[Callable[[], List[Row]]]] = {
    "depth": (lambda: run(books.measure(15, 300)), lambda: run(books.measure(1, 2, backlog=5))),
    "signing": (lambda: signing.measure(9, 300), lambda: signing.measure(1, 2)),
    "orders": (lambda: run(orders.measure(60)), lambda: run(orders.measure(1, burst=3))),
    "fills": (lambda: run(fills.measure(9, 100)), lambda: run(fills.measure(1, 2))),
    "polls": (lambda: run(polls.measure(5)), lambda: run(polls.measure(1, numbers=(1, 3)))),
    "pairs": (lambda: pairs.measure(2), lambda: pairs.measure(0.2, pairs=(2,), rates=(20,))),
    "imports": (lambda: imports.measure(5), lambda: imports.measure(1)),
    "simulator": (lambda: simulator.measure(3, 300), lambda: simulator.measure(1, 5)),
}


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Measures, prints the table, writes JSON, and the page when asked to.

    :param arguments: of the command line
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="tiny counts: only to see that it works")
    parser.add_argument("--json", type=Path, default=Path(".runs/benchmarks.json"), help="where the numbers go")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="rewrite the table and the plots of this page")
    options = parser.parse_args(arguments)
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; choose of {', '.join(PARTS)}")
    if options.write and (options.parts or options.quick):
        parser.error("a page is written of all parts, measured in earnest")
    # Connectors that end complain of connections that end with them; nobody reads that here.
    logging.disable(logging.CRITICAL)
    rows: List[Row] = []
    usual_folder = hummingbot.data_path()
    with tempfile.TemporaryDirectory() as folder:
        hummingbot.set_data_path(folder)
        try:
            for part in options.parts or PARTS:
                in_earnest, quick = PARTS[part]
                made = (quick if options.quick else in_earnest)()
                print(report.table(made), end="\n\n", flush=True)
                rows += made
        finally:
            hummingbot.set_data_path(usual_folder)
    report.write_json(rows, options.json)
    if options.write is not None:
        report.write_page(rows, options.write)


if __name__ == "__main__":
    main()
