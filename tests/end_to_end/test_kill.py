"""A store that is killed at random moments ends with the same answers as one that is not."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from demoscope.responses import Store
from tests.end_to_end import store_writer

KILLS = 50
MOST_KILLS_IN_ONE_RUN = 3
ANSWERS = 120
SEAL_ROWS = 32
DELAY_SECS = 0.002
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("demoscope.responses.store.SEAL_ROWS", SEAL_ROWS)
        assert store_writer.main(str(folder), str(ANSWERS), str(SEAL_ROWS), "0") == 0
    with Store(folder) as store:
        assert store.manifest.cells == ANSWERS
        assert len(store.manifest.parts) > 2
        return store.manifest.content_hash, store.cells()


def writing(folder, delay_secs=DELAY_SECS):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.end_to_end.store_writer", *map(str, (folder, ANSWERS, SEAL_ROWS, delay_secs))],
        cwd=ROOT,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed(process, after_secs):
    """Kill a process some time after its first sign of life; returns how many cells it had answered by its own word."""
    first = process.stdout.readline()
    time.sleep(after_secs)
    process.kill()
    rest, errors = process.communicate(timeout=60)
    assert process.returncode in {0, -signal.SIGKILL}, errors
    # The kill may cut the last line off; the one before it was acknowledged as well.
    complete = [line for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]
    return process.returncode, max(int(line.split()[0]) for line in complete) if complete else 0


def one_run(folder, seed, kills):
    """Kill a run so many times and let it finish; returns what was seen after each kill, and what came out."""
    rng = random.Random(seed)
    known, seen = 0, []
    while len(seen) < kills:
        status, acknowledged = killed(writing(folder), rng.uniform(0, 0.06))
        if status == 0:  # too late to be killed: from the beginning
            shutil.rmtree(folder)
            known = 0
            continue
        with Store(folder) as store:
            assert len(store) >= acknowledged
            assert len(store) >= known
            assert store.damaged == ()
            known = len(store)
            seen.append((bool(store.manifest.parts), known > store.manifest.cells))
    process = writing(folder, 0)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    with Store(folder) as store:
        return seen, store.manifest.content_hash, store.cells()


def test_fifty_kills_in_many_runs_leave_the_same_content(tmp_path, whole):
    rng = random.Random(20)
    plan = []
    while sum(plan) < KILLS:
        plan.append(min(rng.randint(1, MOST_KILLS_IN_ONE_RUN), KILLS - sum(plan)))
    folders = [tmp_path / str(run) for run in range(len(plan))]
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(one_run, folders, range(len(plan)), plan))
    for _, content_hash, cells in runs:
        assert content_hash == whole[0]
        assert cells.equals(whole[1])
    seen = [moment for moments, _, _ in runs for moment in moments]
    assert len(seen) == KILLS
    # The moments were not all the same one.
    assert sum(sealed for sealed, _ in seen) > 5
    assert sum(open_ for _, open_ in seen) > 5


def test_ctrl_c_keeps_what_was_answered(tmp_path, whole):
    process = writing(tmp_path, 0.01)
    for _ in range(9):
        answered = int(process.stdout.readline().split()[0])
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    with Store(tmp_path) as store:
        assert ANSWERS > len(store) >= answered > 40
