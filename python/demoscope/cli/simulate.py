"""The command that makes up a survey's file."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("survey")
@click.option("--countries", help="How many countries, from the first, or names with commas between; all by default.")
@click.option("--respondents", type=click.IntRange(min=4), help="People in each country; by default sizes differ.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that ends in .csv, .parquet, .sav or .dta; SURVEY-simulated.csv by default.",
)
def simulate(survey: str, countries: str | None, respondents: int | None, seed: int, out: Path | None) -> None:
    """Make up a file of SURVEY (a name or a TOML file) with its columns and codes; nobody was interviewed.

    Weights, codes for no answer and groups of items that constrain each other are as in the survey's own files.
    """
    from demoscope.cli.progress import progress
    from demoscope.surveys import load_survey
    from demoscope.surveys.simulation import simulate, write_simulated

    definition = load_survey(survey)
    path = out or Path(f"{definition.id}-simulated.csv")
    chosen = None if countries is None else _countries(countries)
    with progress("simulating") as update:
        frame = simulate(definition, countries=chosen, respondents=respondents, seed=seed, progress=update)
    write_simulated(frame, path, survey=definition)
    click.echo(str(path))
    click.echo(
        f"{frame.height:,} simulated people, {frame.width} columns; nobody was interviewed, "
        "and the column 'simulated' says so in every row",
        err=True,
    )


def _countries(text: str) -> int | list[str]:
    return int(text) if text.strip().isdecimal() else [name.strip() for name in text.split(",")]
