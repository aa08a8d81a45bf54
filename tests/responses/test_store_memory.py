"""Memory while asking: flat in the number of answers."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from demoscope.responses.store import SEAL_ROWS
from tests.responses.faults import NIGHTLY

FEW, MANY, BOUND_MB = (100_000, 1_000_000, 50) if NIGHTLY else (100_000, 200_000, 20)
"""The bound on growth leaves the index its 28 bytes an answer, and the rest to memory allocators."""

INDEX_BYTES = 40

CODE = """
import hashlib, json, resource, sys
from pathlib import Path
from demoscope.responses.store import Store
from tests.responses.rows import key_of, rows

few, many = map(int, sys.argv[2:])
patterns = rows(0, 2000)
peaks, done = [], 0
with Store(Path(sys.argv[1])) as store:
    for target in (few, many):
        while done < target:
            group = range(done, done + 500)
            store.append([{**patterns[number % 2000], "cell": key_of(number)} for number in group])
            assert store.settled(key_of(done))
            done += 500
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    index = store._index.nbytes / len(store._index)
    count, parts = len(store), len(store.manifest.parts)
del store
with Store(Path(sys.argv[1])) as store:
    assert len(store) == many
    some = store.cells(key_of(number) for number in range(0, many, many // 100))
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
json.dump({"peaks": peaks, "index": index, "count": count, "parts": parts, "some": some.height}, sys.stdout)
"""


@pytest.mark.slow
def test_memory_stays_flat_while_answers_come_in(tmp_path):
    child = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path), str(FEW), str(MANY)],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    facts = json.loads(child.stdout)
    assert (facts["count"], facts["some"]) == (MANY, 100)
    assert facts["parts"] >= MANY // SEAL_ROWS - 1
    assert facts["index"] <= INDEX_BYTES
    few, many, reopened = (peak / 1e6 for peak in facts["peaks"])
    assert many - few < BOUND_MB, facts
    # Opening the folder again and reading a few answers loads one part at a time.
    assert reopened - many < BOUND_MB, facts
