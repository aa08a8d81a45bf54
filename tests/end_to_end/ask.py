"""Asks the small survey of a scripted engine, in a process that can be killed.

Usage: ``python -m tests.end_to_end.ask FOLDER DELAY_SECS [BLOCK]``; prints the number of acknowledged cells.
"""

from __future__ import annotations

import sys
from pathlib import Path

from demoscope.engines import ENGINES
from demoscope.responses import Store, collect
from tests.responses.small import personas, plan

BLOCK = 8
PEOPLE = personas(towns=24, each=1)


def main(folder: str, delay_secs: str, block: str = str(BLOCK)) -> int:
    engine = ENGINES["scripted"](model="rule", options={"delay_secs": float(delay_secs), "block": int(block)})
    cells = plan(PEOPLE, revision=engine.revision)
    try:
        with Store(Path(folder)) as store:
            collect(cells, engine, store, progress=lambda done, total: sys.stdout.write(f"{done} {total}\n"))
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main(*sys.argv[1:]))
