"""Runs in other ways than the default, as people start them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.cli.test_commands import demoscope

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
name = "ways"
survey = "ces2016"
seed = 3

[personas]
countries = ["Ohio"]
per_country = 60

[questions]
items = ["ideo", "religimp", "prayerfreq"]
{questions}

[[models]]
name = "m"
{model}

[scores]
replicates = 20
permutations = 20
"""
ADAPTERS = """
steerings = ["adapter", "adapter+persona"]
adapters = { women = { path = "w", when = { sex = "woman" } }, men = { path = "m", when = { sex = "man" } } }
"""


def run(folder: Path, *, questions: str = "", model: str):
    (folder / "run.toml").write_text(SETTINGS.replace("{questions}", questions).replace("{model}", model), "utf-8")
    return demoscope("run", "run.toml", "--out", "out", cwd=folder)


def test_adapters_answer_for_their_groups(tmp_path):
    done = run(tmp_path, model='engine = "scripted"' + ADAPTERS)
    assert done.returncode == 0, done.stderr
    answers = pl.read_parquet(tmp_path / "out/answers.parquet")
    people = pl.read_parquet(tmp_path / "out/personas.parquet")
    groups = answers.join(people, on="persona_id").select("adapter", "sex").unique().sort("adapter")
    assert groups.rows() == [("men", "man"), ("women", "woman")]
    assert sorted(answers["steering"].unique()) == ["adapter", "adapter+persona"]


def test_an_engine_without_adapters_says_so_before_anything_is_written(tmp_path):
    done = run(tmp_path, model='engine = "embedded"' + ADAPTERS)
    assert done.returncode == 2
    assert "model 'm': the engine 'embedded' takes no adapters" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("share", "warned"), [(1.0, True), (0.1, False)])
def test_answers_that_name_no_option_are_said_to_be_many(tmp_path, share, warned):
    model = f'engine = "scripted"\nsteerings = ["persona"]\noptions = {{ texts = "messy", invalid_share = {share} }}'
    done = run(tmp_path, questions='mode = "text"', model=model)
    assert done.returncode == 0, done.stderr
    assert ("m / persona: only 0% of its answers name an option" in done.stderr) is warned
    rows = json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))["outcomes"]
    assert sum(row["n"] for row in rows) == 180
    reasons = {row["reason"] for row in rows if row["status"] == "invalid"}
    assert {"no_answer", "invalid_key", "ambiguous", "truncated"} <= reasons or not warned
