"""Asks the scripted engine for many answers, in a process whose memory can be measured.

Usage: ``python -m tests.responses.ask_many FOLDER ANSWERS``; prints the peak of its memory in MiB before it asks and
after that, and the number of answers.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from demoscope.engines import ENGINES
from demoscope.responses import Store, collect
from tests.responses.small import personas, plan

PER_PERSONA = 500


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(folder: str, answers: str) -> None:
    """Every persona gives 250 answers to each of two items."""
    people = personas(towns=20, each=max(1, int(answers) // PER_PERSONA // 80))
    engine = ENGINES["scripted"](model="rule", options={"block": 256})
    asked = plan(people, mode="choice", draws=250, items=("trust", "vote"), steerings=("persona",))
    before = peak_mib()
    with Store(Path(folder)) as store:
        summary = collect(asked, engine, store)
    print(before, peak_mib(), summary.cells)  # noqa: T201 - for the test that started this


if __name__ == "__main__":
    main(*sys.argv[1:])
