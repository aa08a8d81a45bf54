"""Answers made elsewhere, scored against the people of a survey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from demoscope.errors import DataError, nearest
from demoscope.report import write_report
from demoscope.runs.facts import external_facts, write_facts
from demoscope.runs.folder import RunFolder, write_json, write_text
from demoscope.runs.given import RESPONDENT, typed, unused, with_country
from demoscope.runs.respondents import sample_design
from demoscope.scores import Comparison, compare
from demoscope.surveys import load_microdata, load_survey, read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demoscope.runs.execute import Show

MODEL_COLUMNS = ("model", "steering")
"""Columns that tell models apart, where they exist and nothing else is said."""


@dataclass(frozen=True)
class Scored:
    """What scoring a file came to.

    Attributes:
        comparison: Scores and verdicts.
        report: Path of the page.
        unused: What the answers lack and what of them was not used: labels and names.
    """

    comparison: Comparison
    report: Path
    unused: tuple[tuple[str, str], ...]


def score_files(
    answers: Path,
    *,
    survey: str,
    humans: Path | None,
    by: Sequence[str] | None,
    country: str | None,
    persona_id: str | None,
    items: Sequence[str] | None,
    replicates: int,
    permutations: int,
    seed: int,
    threads: int | None,
    folder: Path,
    show: Show,
) -> Scored:
    """Score a file of answers and write scores, ``summary.json`` and ``report.html`` into ``folder``.

    Args:
        answers: CSV or Parquet, wide or long; see :func:`demoscope.compare`.
        survey: Name or TOML.
        humans: Data of the survey, its own if ``None``.
        by: Columns that tell models apart; those of ``MODEL_COLUMNS`` that exist if ``None``.
        country: Column of the country in ``answers``; ``None`` looks for it as :func:`.given.with_country` says.
        persona_id: Column that identifies personas.
        items: Items to score.
        replicates: Bootstrap replicates.
        permutations: Permutations of profile labels.
        seed: Master seed.
        threads: Threads of the statistics.
        folder: Where to write.
        show: Draws progress.

    Raises:
        DemoscopeError: A file, column, code or folder that cannot be used.
    """
    run = RunFolder(folder)
    run.check_for_scores()
    declared = load_survey(survey)
    people = load_microdata(declared, path=humans)
    raw = read_table(answers)
    for name in by or ():
        if name not in raw.columns:
            raise DataError(f"{answers}: no column {name!r} to tell models apart by{nearest(name, raw.columns)}")
    by = MODEL_COLUMNS if by is None else by
    given = with_country(typed(raw, declared, where=answers), declared, people, column=country, where=answers)
    left = unused(given, declared, by=by, persona_id=persona_id)
    try:
        with show("scoring") as progress:
            comparison = compare(
                people.frame,
                given,
                survey=declared,
                items=items,
                by=by,
                country="country",
                human_id=RESPONDENT,
                persona_id=persona_id,
                **sample_design(people),
                replicates=replicates,
                permutations=permutations,
                seed=seed,
                threads=threads,
                progress=progress,
            )
    except DataError as error:
        raise DataError(f"{answers}: {error}") from error
    comparison.write(run.scores)
    facts = external_facts(answers, people, comparison, unused=left)
    write_text(run.survey, declared.model_dump_json(indent=2, exclude_defaults=True) + "\n")
    write_facts(run.facts, facts)
    write_json(run.summary, comparison.summary())
    write_report(comparison, survey=declared, facts=facts, path=run.report)
    return Scored(comparison, run.report, left)
