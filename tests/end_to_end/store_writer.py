"""Fills a store with answers, in a process that can be killed.

Usage: ``python -m tests.end_to_end.store_writer FOLDER ANSWERS SEAL_ROWS DELAY_SECS``; prints how many cells are
answered and how many of them are safe, as the numbers grow.
Every seventh cell ends in an error the first time it is asked.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from demoscope.responses import store as store_file
from demoscope.responses.store import Store
from tests.responses.rows import failed, key_of, row

GROUP = 6


def main(folder: str, answers: str, seal_rows: str, delay_secs: str) -> int:
    store_file.SEAL_ROWS = int(seal_rows)
    with Store(Path(folder)) as store:
        for _ in range(2):
            pending = [number for number in range(int(answers)) if not store.settled(key_of(number))]
            for first in range(0, len(pending), GROUP):
                group = pending[first : first + GROUP]
                time.sleep(float(delay_secs))
                tired = {number for number in group if number % 7 == 0 and store.outcome(key_of(number)) is None}
                safe = store.append([failed(number) if number in tired else row(number) for number in group])
                sys.stdout.write(f"{len(store)} {safe:d}\n")
        store.seal()
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main(*sys.argv[1:]))
