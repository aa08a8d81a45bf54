"""A store that is killed at random moments ends with the same answers as one that is not."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
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


def test_fifty_kills_in_many_runs_leave_the_same_content(tmp_path, whole):
    rng = random.Random(20)
    kills = runs = parts = journals = 0
    while kills < KILLS:
        folder = tmp_path / str(runs)
        known = 0
        for _ in range(min(rng.randint(1, MOST_KILLS_IN_ONE_RUN), KILLS - kills)):
            status, acknowledged = killed(writing(folder), rng.uniform(0, 0.06))
            if status == 0:
                break
            kills += 1
            with Store(folder) as store:
                assert len(store) >= acknowledged >= known or acknowledged == 0
                assert store.damaged == ()
                known = len(store)
                parts += bool(store.manifest.parts)
                journals += store.lost_bytes > 0 or len(store) > store.manifest.cells
        process = writing(folder, 0)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        with Store(folder) as store:
            assert store.manifest.content_hash == whole[0]
            assert store.cells().equals(whole[1])
        runs += 1
    # The moments were not all the same one.
    assert runs >= KILLS / MOST_KILLS_IN_ONE_RUN
    assert parts > 5
    assert journals > 5


def test_ctrl_c_keeps_what_was_answered(tmp_path, whole):
    process = writing(tmp_path, 0.01)
    for _ in range(9):
        answered = int(process.stdout.readline().split()[0])
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    with Store(tmp_path) as store:
        assert ANSWERS > len(store) >= answered > 40
