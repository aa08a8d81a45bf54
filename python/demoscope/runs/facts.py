"""What the report tells beside the scores: who was asked, by what, how it went, under which terms."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from demoscope import __version__
from demoscope.report import FactSection, RunFacts
from demoscope.runs.people_facts import people_rows
from demoscope.runs.respondents import respondents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import polars as pl

    from demoscope.config import RunConfig
    from demoscope.runs.asked import Asked
    from demoscope.scores import Comparison
    from demoscope.surveys import Microdata, Survey

FILES = (
    ("summary.json", "scores over all countries, references and verdicts, for programs"),
    ("scores/marginals.parquet", "one row per model, country and item: distributions, distances, floors"),
    ("scores/averages.parquet", "marginal scores per model and country"),
    ("scores/structure.parquet", "structure scores per model and country"),
    ("scores/pairs.parquet", "one row per model, country and pair of items: correlations with intervals"),
    ("scores/references.parquet", "what independence, demographics, the same people and other countries score"),
    ("scores/gaps.parquet", "differences between groups of people, human and model"),
    ("scores/gap_slopes.parquet", "one row per model and attribute: slope of its gaps on those of people"),
    ("scores/between_groups.parquet", "how groups of people differ together: scores of each model, with references"),
    ("scores/between_summary.parquet", "what these rest on: groups, items that enter, reliabilities"),
    ("scores/between_pairs.parquet", "one row per pair of items or categories: correlations over groups"),
    ("scores/decomposition.parquet", "one row per pair of items: correlations between and within personas"),
    ("scores/decomposition_summary.parquet", "the same over all pairs; no rows without a second draw"),
    ("scores/outcomes.parquet", "how answers ended and why, by item, country, group and way of asking"),
    ("scores/factors.parquet", "one row per model and factor of people: congruence with the model's factor"),
    ("scores/factor_loadings.parquet", "one row per model, item and factor: loadings of people and model"),
    ("scores/factor_summary.parquet", "the same over all factors, or why there are none"),
    ("scores/culture_map.parquet", "one row per model, country and axis: positions of people and model"),
    ("scores/culture_axes.parquet", "how well the model places countries, or why there is no map"),
    ("scores/culture_indicators.parquet", "what the axes are made of: loadings of people and model"),
)
RUN_FILES = (
    ("run.toml", "the settings, with defaults filled in"),
    ("manifest.json", "versions, seeds and hashes"),
    ("personas.parquet", "who was asked as"),
    ("answers.parquet", "drawn answers, one row per persona, item and draw"),
    ("responses/", "every asked cell with the probability of each option"),
)


SIMULATED_WARNING = "Simulated people: nobody was interviewed. These figures say nothing about real people."


def run_facts(
    config: RunConfig,
    survey: Survey,
    data: Microdata,
    personas: pl.DataFrame,
    asked: Sequence[Asked],
    *,
    answers_hash: str,
) -> RunFacts:
    """Facts of a run.

    Args:
        config: Settings.
        survey: The survey.
        data: Its respondents.
        personas: Who was asked as.
        asked: The models after asking.
        answers_hash: Hash of the content of all asked cells.
    """
    countries = sorted(personas["country"].unique())
    people = people_rows(config, survey, data, personas)
    run = (
        ("Name", config.name),
        ("Seed", str(config.seed)),
        ("Hash of all answers", answers_hash),
        ("demoscope", __version__),
    )
    return RunFacts(
        title=f"{survey.title}: {', '.join(model.settings.name for model in asked)}",
        sections=(
            FactSection("People", tuple(people)),
            *(FactSection(f"Model {model.settings.name}", tuple(_model_rows(model, config))) for model in asked),
            _survey_section(survey),
            FactSection("Run", run),
        ),
        files=(*RUN_FILES, *FILES),
        warning=SIMULATED_WARNING if data.simulated else "",
        respondents=respondents(data, items=config.questions.items or (), countries=countries),
    )


def external_facts(
    answers: Path, people: Microdata, comparison: Comparison, *, unused: Sequence[tuple[str, str]]
) -> RunFacts:
    """Facts of a comparison of answers that were made elsewhere.

    Args:
        answers: Their file.
        people: The respondents.
        comparison: The scores.
        unused: What the answers lack and what of them was not used: labels and names.
    """
    given = (
        ("Answers", answers.name),
        ("Design", str(comparison.settings["design"])),
        ("Attributes in both files", ", ".join(comparison.settings["attributes"]) or "none"),
        *unused,
        ("demoscope", __version__),
    )
    return RunFacts(
        title=f"{people.survey.title}: {answers.name}",
        sections=(FactSection("Answers from elsewhere", given), _survey_section(people.survey)),
        files=FILES,
        warning=SIMULATED_WARNING if people.simulated else "",
        respondents=respondents(people, items=comparison.settings["items"], countries=comparison.settings["countries"]),
    )


def write_facts(path: Path, facts: RunFacts) -> None:
    """Keep facts, so that the report can be written again."""
    path.write_text(json.dumps(asdict(facts), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_facts(path: Path) -> RunFacts:
    """Read what :func:`write_facts` wrote.

    Raises:
        OSError: There is no such file.
        ValueError: It is damaged.
    """
    return TypeAdapter(RunFacts).validate_json(path.read_text(encoding="utf-8"))


def _model_rows(model: Asked, config: RunConfig) -> list[tuple[str, str]]:
    summary, questions = model.summary, config.questions_of(model.settings)
    rows = [
        ("Engine", model.settings.engine),
        ("Revision", model.revision),
        ("Steerings", ", ".join(model.settings.steerings)),
        ("Mode and presentation", f"{questions.mode}, {questions.presentation}"),
        ("Order of options", questions.order),
        ("Answers drawn per persona and item", f"{questions.draws:,}"),
        ("Cells", f"{summary.cells:,}: {summary.asked:,} asked now, {summary.reused:,} answered before"),
    ]
    if summary.asked:
        own = summary.own_seconds / summary.seconds
        rate = f"{summary.asked / summary.seconds:.1f} cells a second, {own:.1%} of the time ours"
        rows.append(("Seconds", f"{summary.seconds:.0f} ({rate})"))
    rows += [(f"Answers {outcome}", f"{count:,}") for outcome, count in summary.counts.items()]
    mass = "unknown" if summary.label_mass is None else f"{summary.label_mass:.3f}"
    rows.append(("Label mass (probability that it answers with a label at all)", mass))
    return rows + [(name, value) for name, value in model.facts.items()]


def _survey_section(survey: Survey) -> FactSection:
    rows = (
        ("Survey", survey.title),
        ("Source", survey.citation),
        ("Terms", survey.licence),
        ("Notes", " ".join(survey.notes.split())),
    )
    return FactSection("Survey", tuple((label, value) for label, value in rows if value))
