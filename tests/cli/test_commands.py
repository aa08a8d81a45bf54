"""The command line as people use it: whole runs on the scripted engine, exit codes, messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from demoscope.surveys import load_microdata, load_survey

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
name = "scripted"
survey = "ces2016"
seed = 3

[personas]
per_country = 60

[[models]]
name = "uniform"
engine = "scripted"
options = { rule = "uniform" }

[scores]
replicates = 50
permutations = 20
"""


def demoscope(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from demoscope.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with settings and the run that they describe."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "run.toml").write_text(SETTINGS, encoding="utf-8")
    result = demoscope("run", "run.toml", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder, result


def test_run_writes_everything_and_prints_only_results(finished):
    folder, result = finished
    run = folder / "runs" / "scripted"
    assert result.stdout.splitlines()[-1] == "runs/scripted/report.html"
    assert result.stdout.splitlines()[0].startswith("uniform / persona: worth ")
    assert "asking uniform: 490 of 490" in result.stderr
    for name in (
        "run.toml",
        "manifest.json",
        "personas.parquet",
        "answers.parquet",
        "summary.json",
        "report.html",
        "scores/pairs.parquet",
    ):
        assert (run / name).stat().st_size > 0
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    assert summary["schema"] == 1
    assert {row["steering"] for row in summary["structure"]} == {"unsteered", "persona"}
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["answers_hash"] in (run / "report.html").read_text(encoding="utf-8")


def test_the_same_command_asks_nothing_twice_and_says_the_same(finished):
    folder, result = finished
    before = json.loads((folder / "runs/scripted/manifest.json").read_text(encoding="utf-8"))
    again = demoscope("run", "run.toml", cwd=folder)
    after = json.loads((folder / "runs/scripted/manifest.json").read_text(encoding="utf-8"))
    assert again.stdout == result.stdout
    assert after["answers_hash"] == before["answers_hash"]
    assert after["files"] == before["files"]
    assert "490 answered before" in (folder / "runs/scripted/report.html").read_text(encoding="utf-8")


def test_the_settings_that_a_run_keeps_can_be_run(finished, tmp_path):
    folder, _ = finished
    result = demoscope(
        "plan", folder / "runs/scripted/run.toml", "--out", folder / "runs/scripted", "--json", cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    plan = json.loads(result.stdout)
    assert plan["personas"] == 240
    assert [row["to_ask"] for row in plan["models"]] == [0, 0]


def test_plan_of_a_run_that_never_was(finished, tmp_path):
    folder, _ = finished
    result = demoscope("plan", folder / "run.toml", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "uniform / persona\n  cells            470, answered 0, to ask 470\n" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_report_is_written_again(finished):
    folder, _ = finished
    page = folder / "runs/scripted/report.html"
    before = page.read_bytes()
    page.unlink()
    result = demoscope("report", "runs/scripted", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert page.read_bytes() == before


def test_report_of_no_run(tmp_path):
    result = demoscope("report", ".", cwd=tmp_path)
    assert result.returncode == 2
    assert "no finished run here" in result.stderr


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_score_answers_from_elsewhere(tmp_path, form):
    survey = load_survey("ces2016")
    people = load_microdata(survey).frame
    items = [item.id for item in survey.items]
    answers = people.select("country", "sex", "age_band", "respondent_id", *items).with_columns(model=pl.lit("echo"))
    path = tmp_path / f"answers.{form}"
    (answers.write_csv if form == "csv" else answers.write_parquet)(path)
    result = demoscope("score", path.name, "--survey", "ces2016", "--replicates", "50", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    # Answers copied from the people themselves: nothing is farther than noise.
    headline = "echo: worth more than 600 interviews on averages, more than 600 on how opinions go together"
    assert result.stdout.splitlines()[0].startswith(headline)
    summary = json.loads((tmp_path / "demoscope-score/summary.json").read_text(encoding="utf-8"))
    independent = summary["verdicts"][0]["numbers"]["interviews_independence"]
    assert result.stdout.splitlines()[0] == f"{headline} (independent items: {independent:,.0f})"
    assert summary["settings"]["design"] == "matched"
    assert summary["settings"]["attributes"] == ["sex", "age_band"]
    assert (tmp_path / "demoscope-score/report.html").exists()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("survey =", "surwey =", ["unknown key 'surwey'", "did you mean 'survey'?"]),
        ('"ces2016"', '"ces2061"', ["no survey 'ces2061'", "ces2016"]),
        ('"scripted"\noptions', '"scriptet"\noptions', ["unknown engine 'scriptet'", "did you mean 'scripted'?"]),
        ("per_country = 60", "per_country = 1", ["personas.per_country"]),
        ("per_country = 60", 'attributes = ["sexx"]', ["sexx", "did you mean 'sex'?"]),
        ("replicates = 50", "replicates = many", ["not a TOML file", "run.toml"]),
        ('rule = "uniform"', 'rule = "unifrom"', ["unifrom", "uniform"]),
        ('rule = "uniform" }', 'rule = "uniform" }\nsteerings = ["persone"]', ["persone", "did you mean 'persona'?"]),
        ("[scores]", '[[models]]\nname = "uniform"\nengine = "scripted"\n[scores]', ["2 models are named 'uniform'"]),
        ("[personas]", '[questions]\nitems = ["ideo"]\n[personas]', ["questions.items", "at least 2"]),
    ],
)
def test_wrong_settings_are_named(tmp_path, old, new, words):
    (tmp_path / "run.toml").write_text(SETTINGS.replace(old, new), encoding="utf-8")
    result = demoscope("run", "run.toml", cwd=tmp_path)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr
    assert not (tmp_path / "runs").exists()


def test_score_says_what_it_does_not_use(tmp_path):
    people = load_microdata(load_survey("ces2016")).frame
    answers = people.select("country", "sex", "respondent_id", "ideo", "pid7na", "churchatd").with_columns(
        shoe=pl.lit(42)
    )
    answers.write_csv(tmp_path / "answers.csv")
    result = demoscope("score", "answers.csv", "--survey", "ces2016", "--replicates", "50", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Columns not used: shoe\n" in result.stderr
    lacking = "religimp, prayerfreq, bornagain, angryracism, whiteadv, fearraces, racerare"
    assert f"Items that the answers lack: {lacking}\n" in result.stderr
    page = (tmp_path / "demoscope-score/report.html").read_text(encoding="utf-8")
    assert "Columns not used" in page
    assert lacking in page
    assert result.stdout.startswith("answers: worth ")


def test_score_by_an_unknown_column(tmp_path):
    (tmp_path / "answers.csv").write_text("modell,country,ideo,pid7na\nx,NY,1,1\n", encoding="utf-8")
    result = demoscope("score", "answers.csv", "--survey", "ces2016", "--by", "model", cwd=tmp_path)
    assert result.returncode == 2
    assert "answers.csv: no column 'model'" in result.stderr
    assert "did you mean 'modell'?" in result.stderr


def test_score_does_not_write_over_a_run(finished, tmp_path):
    folder, _ = finished
    (tmp_path / "answers.csv").write_text("ideo\n1\n", encoding="utf-8")
    run = folder / "runs/scripted"
    before = (run / "report.html").read_bytes()
    result = demoscope("score", "answers.csv", "--survey", "ces2016", "--out", run, cwd=tmp_path)
    assert result.returncode == 2
    assert f"{run}: holds a run" in result.stderr
    assert (run / "report.html").read_bytes() == before


def test_a_run_needs_a_folder_of_its_own(tmp_path):
    (tmp_path / "run.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("kept", encoding="utf-8")
    result = demoscope("run", "run.toml", "--out", "mine", cwd=tmp_path)
    assert result.returncode == 2
    assert "mine: holds files that are not those of a run" in result.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_missing_files_are_named(tmp_path):
    assert "nowhere.toml" in demoscope("run", "nowhere.toml", cwd=tmp_path).stderr
    result = demoscope("score", "nowhere.csv", "--survey", "ces2016", cwd=tmp_path)
    assert result.returncode == 2
    assert "nowhere.csv" in result.stderr


def test_doctor_names_every_part(tmp_path):
    result = demoscope("doctor", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    checks = {check["part"]: check for check in json.loads(result.stdout)}
    assert set(checks) == {"kernels", "survey", *(f"engine {name}" for name in ("embedded", "hf", "openai", "vllm"))}
    assert checks["survey"]["found"]
    assert all(check["mend"] for check in checks.values() if not check["found"])


def test_help_loads_nothing_heavy(tmp_path):
    code = (
        "import sys\nsys.argv = ['demoscope', '--help']\n"
        "from demoscope.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'polars', 'numpy', 'pydantic', 'rich', 'jinja2', 'demoscope._native'} & set(sys.modules)\n"
        "sys.exit(f'loaded {sorted(heavy)}' if heavy else 0)"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=environment, check=False
    )
    assert result.returncode == 0, result.stderr
    for command in ("demo", "run", "plan", "prompt", "score", "report", "doctor"):
        assert f"  {command} " in result.stdout
