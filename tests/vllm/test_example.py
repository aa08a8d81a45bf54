"""The example of the repository, as its first lines say to run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from demoscope.engines.vllm import installed_vllm
from demoscope.errors import MissingPartError

ROOT = Path(__file__).parents[2]
MODEL = ROOT / ".cache-models" / "smollm2-135m-instruct"

try:
    installed_vllm()
except MissingPartError:
    pytest.skip("vLLM is not installed", allow_module_level=True)

pytestmark = [pytest.mark.vllm, pytest.mark.skipif(not MODEL.is_dir(), reason="tests/vllm/setup.sh was not run")]


def test_example_asks_a_real_model_and_reports(tmp_path: Path) -> None:
    demoscope = Path(sys.executable).with_name("demoscope")
    out = tmp_path / "run"
    result = subprocess.run(
        [demoscope, "run", "examples/vllm-cpu.toml", "--out", out],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("SmolLM2-135M-Instruct / persona: worth ")
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    averages = {row["steering"]: row for row in summary["averages"]}
    assert averages["persona"]["invalid_rate"] == 0
    assert 0.5 < averages["persona"]["label_mass"] < 1
    structure = {row["steering"]: row for row in summary["structure"]}
    # Without a persona everybody answers alike, hence nothing can go together.
    assert abs(structure["unsteered"]["structure_r2"]) < 1e-9
    assert structure["persona"]["constraint"] > 0
    assert "SmolLM2-135M-Instruct" in (out / "report.html").read_text(encoding="utf-8")
