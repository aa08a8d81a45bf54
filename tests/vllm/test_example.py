"""The example of the repository, as its first lines say to run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WAYS = ("logprobs", "interview", "choice", "text", "choice in an interview")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    demoscope = Path(sys.executable).with_name("demoscope")
    folder = tmp_path_factory.mktemp("example") / "run"
    result = subprocess.run(
        [demoscope, "run", "examples/vllm-cpu.toml", "--out", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("SmolLM2-135M, logprobs / persona: worth ")
    return folder


@pytest.fixture(scope="module")
def summary(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "summary.json").read_text(encoding="utf-8")))


def by_way(rows: list[dict[str, Any]], *, steering: str = "persona") -> dict[str, dict[str, Any]]:
    return {row["model"].removeprefix("SmolLM2-135M, "): row for row in rows if row["steering"] == steering}


def test_every_way_has_its_figures(summary: dict[str, Any]) -> None:
    averages = by_way(summary["averages"])
    assert tuple(averages) == WAYS
    for way, row in averages.items():
        if way in ("logprobs", "interview"):
            assert 0.5 < row["label_mass"] < 1
        assert (row["invalid_rate"] > 0) == (way == "text")
    structure = by_way(summary["structure"], steering="unsteered")
    # Without a persona everybody answers alike, hence nothing can go together.
    assert abs(structure["logprobs"]["structure_r2"]) < 1e-9


def test_texts_that_name_no_option_say_why(summary: dict[str, Any]) -> None:
    written = [row for row in summary["outcomes"] if row["model"].endswith(", text")]
    assert sum(row["n"] for row in written) == 2000
    assert sum(row["share"] for row in written) == pytest.approx(1)
    reasons = {row["reason"]: row["n"] for row in written if row["status"] == "invalid"}
    assert {"key_text_mismatch", "truncated", "invalid_text"} <= reasons.keys()
    assert next(row["n"] for row in written if row["status"] == "valid") > 600


def test_only_conversations_create_dependence_within_a_persona(summary: dict[str, Any]) -> None:
    parts = by_way([row for row in summary["decomposition"] if row["source"] == "drawn"])
    assert {way: row["presentation"] for way, row in parts.items()} == {
        way: "interview" if "interview" in way else "single" for way in WAYS
    }
    for way, row in parts.items():
        if "interview" in way:
            assert row["within_square_low"] > 0, way
        else:
            assert row["within_square_low"] <= 0, way


def test_the_report_shows_all_of_it(out: Path) -> None:
    page = (out / "report.html").read_text(encoding="utf-8")
    for way in WAYS:
        assert f"SmolLM2-135M, {way}" in page
    for words in (
        "key and words name different options",
        "Label mass",
        "logprobs, interview",
        "choice, interview",
        "text, single",
    ):
        assert words in page
