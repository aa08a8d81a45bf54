"""Memory while a plan is asked: flat in the number of answers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.responses.faults import NIGHTLY

FEW, MANY, BOUND_MIB = (80_000, 1_000_000, 50) if NIGHTLY else (40_000, 120_000, 15)
"""28 bytes of index for each answer, and what allocators keep."""


def peaks(folder, answers):
    child = subprocess.run(
        [sys.executable, "-m", "tests.responses.ask_many", folder, str(answers)],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    before, after, count = map(float, child.stdout.split())
    assert count == answers
    return before, after


@pytest.mark.slow
def test_asking_more_takes_no_more_memory(tmp_path):
    few_before, few = peaks(tmp_path / "few", FEW)
    many_before, many = peaks(tmp_path / "many", MANY)
    assert (many - many_before) - (few - few_before) < BOUND_MIB, (few_before, few, many_before, many)
