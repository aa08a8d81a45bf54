"""A process that asks is killed or interrupted, and goes on where it stopped."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demoscope.responses import Store
from tests.end_to_end import ask

ROOT = Path(__file__).parents[2]
CELLS = 246


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert ask.main(str(folder), "0") == 0
    with Store(folder) as store:
        assert store.manifest.cells == CELLS
        return store.manifest.content_hash


def asking(folder, delay_secs, block=ask.BLOCK):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.end_to_end.ask", str(folder), str(delay_secs), str(block)],
        cwd=ROOT,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stopped(process, with_signal, after_secs):
    """Stop a process some time after its first sign of life; returns its exit status and the last number it printed."""
    first = process.stdout.readline()
    time.sleep(after_secs)
    process.send_signal(with_signal)
    rest, _ = process.communicate(timeout=60)
    lines = (first + rest).splitlines()
    # A kill may cut the last line off; the one before it was acknowledged as well.
    complete = lines if rest.endswith("\n") or not rest else lines[:-1]
    return process.returncode, int(complete[-1].split()[0])


def settled(folder):
    with Store(folder) as store:
        return len(store)


def finished(folder):
    process = asking(folder, 0)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    with Store(folder) as store:
        return store.manifest.content_hash


def test_kills_leave_the_same_content(tmp_path, whole):
    rng = random.Random(20)
    known = 0
    for _ in range(3):
        status, acknowledged = stopped(asking(tmp_path, 0.01), signal.SIGKILL, rng.uniform(0.05, 0.4))
        assert status == -signal.SIGKILL
        now = settled(tmp_path)
        assert now >= acknowledged >= known
        known = now
    assert 0 < known < CELLS
    assert finished(tmp_path) == whole


def test_a_kill_inside_a_block_takes_no_answer_back(tmp_path, whole):
    status, _ = stopped(asking(tmp_path, 0.02, block=CELLS), signal.SIGKILL, 1.5)
    assert status == -signal.SIGKILL
    assert CELLS > settled(tmp_path) > 20
    assert finished(tmp_path) == whole


def test_ctrl_c_keeps_what_has_come_back(tmp_path, whole):
    status, acknowledged = stopped(asking(tmp_path, 0.01), signal.SIGINT, 0.4)
    assert status == 130
    now = settled(tmp_path)
    assert CELLS > now >= acknowledged > 0
    assert not list(tmp_path.glob("part-*"))
    assert finished(tmp_path) == whole
