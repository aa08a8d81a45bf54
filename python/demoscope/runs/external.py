"""Answers made elsewhere, scored against the people of a survey."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from demoscope.errors import ConfigError, DataError, nearest
from demoscope.report import write_report
from demoscope.runs.facts import external_facts
from demoscope.scores import Comparison, compare
from demoscope.surveys import load_microdata, load_survey, read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demoscope.runs.execute import Show


def score_files(
    answers: Path,
    *,
    survey: str,
    humans: Path | None,
    by: Sequence[str],
    country: str | None,
    persona_id: str | None,
    items: Sequence[str] | None,
    replicates: int,
    permutations: int,
    seed: int,
    threads: int | None,
    folder: Path,
    show: Show,
) -> tuple[Comparison, Path]:
    """Score a file of answers and write scores, ``summary.json`` and ``report.html`` into ``folder``.

    Args:
        answers: CSV or Parquet, wide or long; see :func:`demoscope.compare`.
        survey: Name or TOML.
        humans: Data of the survey, its own if ``None``.
        by: Columns that tell models apart.
        country: Column of the country in ``answers``; ``"country"`` where that exists and ``None`` is given.
        persona_id: Column that identifies personas.
        items: Items to score.
        replicates: Bootstrap replicates.
        permutations: Permutations of profile labels.
        seed: Master seed.
        threads: Threads of the statistics.
        folder: Where to write.
        show: Draws progress.

    Returns:
        The comparison, and the path of the report.

    Raises:
        DemoscopeError: A file, column or code that cannot be used.
    """
    declared = load_survey(survey)
    people = load_microdata(declared, path=humans)
    given = read_table(answers)
    if country is not None and country not in given.columns:
        raise DataError(f"{answers}: no column {country!r}{nearest(country, given.columns)}")
    if country is None and "country" in given.columns:
        country = "country"
    if country not in (None, "country"):
        given = given.rename({country: "country"})
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file; --out names a folder")
    try:
        with show("scoring") as progress:
            comparison = compare(
                people.frame,
                given,
                survey=declared,
                items=items,
                by=by,
                country=None if country is None else "country",
                human_id="respondent_id",
                persona_id=persona_id,
                weights=None if declared.weight_column is None else "weight",
                replicates=replicates,
                permutations=permutations,
                seed=seed,
                threads=threads,
                progress=progress,
            )
    except DataError as error:
        raise DataError(f"{answers}: {error}") from error
    comparison.write(folder / "scores")
    summary = json.dumps(comparison.summary(), indent=2, ensure_ascii=False) + "\n"
    (folder / "summary.json").write_text(summary, encoding="utf-8")
    report = folder / "report.html"
    write_report(comparison, survey=declared, facts=external_facts(answers, declared, comparison), path=report)
    return comparison, report
