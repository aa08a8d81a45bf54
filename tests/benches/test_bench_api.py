"""The benchmarks of the Python interface run once, on tiny sizes; nothing is timed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from demoscope.stats import kernels

ROOT = Path(__file__).parents[2]
BENCHES = ROOT / "benches" / "bench_api.py"


def run(code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DEMOSCOPE_BENCH_SIZE": "tiny"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def pytest_run(*before: str) -> str:
    arguments = [str(BENCHES), "--benchmark-disable", "-p", "no:cacheprovider"]
    return "\n".join(["import sys, pytest", *before, f"sys.exit(pytest.main({arguments!r}))"])


@pytest.mark.skipif(kernels.DEBUG_BUILD, reason="a debug build is not timed")
def test_every_benchmark_runs() -> None:
    found = run(pytest_run())
    assert found.returncode == 0, found.stdout + found.stderr
    assert "10 passed" in found.stdout


def test_a_debug_build_is_not_timed() -> None:
    found = run(pytest_run("from demoscope.stats import kernels", "kernels.DEBUG_BUILD = True"))
    assert found.returncode == 2
    assert "make release" in found.stdout + found.stderr
