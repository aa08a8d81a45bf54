"""Simulated people through the command line and in a run."""

from __future__ import annotations

import polars as pl
import pytest
from click.testing import CliRunner

from demoscope.cli.main import cli
from demoscope.errors import ConfigError

RUN = """
name = "made-up"
survey = "wvs7"
[simulated]
countries = ["Germany", "Peru"]
respondents = 60
[personas]
attributes = ["sex"]
[questions]
items = ["Q46", "Q49", "Q164"]
[[models]]
name = "m"
engine = "scripted"
steerings = ["unsteered"]
[scores]
replicates = 20
permutations = 20
"""


def invoke(*arguments):
    return CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False, standalone_mode=False)


def test_a_file_of_simulated_people(tmp_path):
    path = tmp_path / "people.csv"
    result = invoke("survey", "simulate", "wvs7", "--countries", "Peru, Germany", "--respondents", 20, "--out", path)
    assert str(path) in result.stdout
    assert "40 simulated people" in result.stderr
    assert "nobody was interviewed" in result.stderr
    frame = pl.read_csv(path, infer_schema=False)
    assert frame.height == 40
    assert frame["B_COUNTRY"].unique().sort().to_list() == ["276", "604"]
    first = path.read_bytes()
    invoke("survey", "simulate", "wvs7", "--countries", "Peru, Germany", "--respondents", 20, "--out", path)
    assert path.read_bytes() == first


def test_a_run_on_simulated_people_says_so(tmp_path):
    (tmp_path / "run.toml").write_text(RUN, encoding="utf-8")
    invoke("run", tmp_path / "run.toml", "--out", tmp_path / "out")
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "Simulated people: nobody was interviewed." in page
    assert "a simulated file of wave 7" in page
    assert "Weights are those of column W_WEIGHT" in page
    assert "Items without an answer of some people" in page


def test_data_and_simulated_exclude_each_other(tmp_path):
    (tmp_path / "run.toml").write_text(
        RUN.replace('survey = "wvs7"', 'survey = "wvs7"\ndata = "x.csv"'), encoding="utf-8"
    )
    with pytest.raises(ConfigError, match="data and simulated exclude each other"):
        invoke("run", tmp_path / "run.toml")
