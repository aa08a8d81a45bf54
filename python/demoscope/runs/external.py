"""Answers made elsewhere, scored against the people of a survey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from demoscope.errors import ConfigError, DataError, nearest
from demoscope.report import write_report
from demoscope.runs.facts import external_facts, write_facts
from demoscope.runs.folder import RunFolder, write_json, write_text
from demoscope.scores import Comparison, compare
from demoscope.surveys import load_microdata, load_survey, read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demoscope.runs.execute import Show
    from demoscope.surveys import Survey


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
    given = _typed(read_table(answers), declared, where=answers)
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
    run = RunFolder(folder)
    facts = external_facts(answers, declared, comparison)
    write_text(run.survey, declared.model_dump_json(indent=2, exclude_defaults=True) + "\n")
    write_facts(run.facts, facts)
    write_json(run.summary, comparison.summary())
    write_report(comparison, survey=declared, facts=facts, path=run.report)
    return comparison, run.report


def _typed(frame: pl.DataFrame, survey: Survey, *, where: Path) -> pl.DataFrame:
    """Numbers as numbers: a CSV file has only text.

    Raises:
        DataError: A cell of an item, code, draw or weight is not a number; the message names column and row.
    """
    whole = {"code", "draw", *(item.id for item in survey.items)}
    columns = []
    for name in frame.columns:
        if frame.schema[name] == pl.String and name in whole | {"weight", "label_mass"}:
            texts = frame[name].str.strip_chars().replace("", None)
            numbers = texts.cast(pl.Int64 if name in whole else pl.Float64, strict=False)
            wrong = texts.is_not_null() & numbers.is_null()
            if wrong.any():
                row = int(wrong.arg_true()[0])
                raise DataError(f"{where}: column {name!r}, row {row + 1}: {texts[row]!r} is not a number")
            columns.append(numbers)
    return frame.with_columns(columns)
