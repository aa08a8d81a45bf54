"""The command that scores answers made elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from demoscope.cli.run import threads_option
from demoscope.cli.verdicts import verdict_line


@click.command()
@click.argument("answers", type=click.Path(path_type=Path))
@click.option("--survey", required=True, help="Name of an embedded survey, or a survey TOML.")
@click.option("--humans", type=click.Path(path_type=Path), help="CSV or Parquet; the survey's own data by default.")
@click.option(
    "--by", multiple=True, help="Columns that tell models apart.  [default: model and steering, where they exist]"
)
@click.option(
    "--country",
    help="Column of the country in ANSWERS.  [default: country, the survey's own column, or that of the respondent]",
)
@click.option("--persona-id", help="Column that identifies a persona.  [default: persona_id, where it exists]")
@click.option("--items", help="Items to score, separated by commas; all common ones by default.")
@click.option("--replicates", type=click.IntRange(min=20), default=1000, show_default=True)
@click.option("--permutations", type=click.IntRange(min=20), default=500, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("demoscope-score"), show_default=True)
@threads_option
def score(
    answers: Path,
    survey: str,
    humans: Path | None,
    by: tuple[str, ...],
    country: str | None,
    persona_id: str | None,
    items: str | None,
    replicates: int,
    permutations: int,
    seed: int,
    out: Path,
    threads: int | None,
) -> None:
    """Score ANSWERS that were made elsewhere against the people of a survey.

    ANSWERS is CSV or Parquet, wide (a row per persona, a column of codes per item)
    or long (columns persona_id, item, and code or probs).
    Add the columns country, source_respondent_id (who the persona stands for) and the
    attributes that the prompt showed, named as in the survey: more references can then be computed.
    """
    from demoscope.cli.progress import progress
    from demoscope.runs import score_files

    scored = score_files(
        answers,
        survey=survey,
        humans=humans,
        by=by or None,
        country=country,
        persona_id=persona_id,
        items=None if items is None else [name.strip() for name in items.split(",")],
        replicates=replicates,
        permutations=permutations,
        seed=seed,
        threads=threads,
        folder=out,
        show=progress,
    )
    for label, names in scored.unused:
        click.echo(f"{label}: {names}", err=True)
    for verdict in scored.comparison.verdicts:
        click.echo(verdict_line(verdict, unnamed=answers.stem))
    click.echo(str(scored.report))
