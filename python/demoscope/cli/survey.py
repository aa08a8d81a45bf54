"""The commands that look at surveys: their definitions and their files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from demoscope.cli.simulate import simulate
from demoscope.errors import EXIT_DONE, EXIT_USAGE

if TYPE_CHECKING:
    from demoscope.surveys import Survey

DATA_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def survey() -> None:
    """Look at surveys: what comes with the package, what a file becomes, and a file of one's own."""


survey.add_command(simulate)


@survey.command(name="list")
def list_surveys() -> None:
    """List the surveys that come with the package."""
    from demoscope.surveys import DEFINED, EMBEDDED, load_survey

    for name in sorted((*EMBEDDED, *DEFINED)):
        definition = load_survey(name)
        data = "data in the package" if name in EMBEDDED else "data are yours"
        click.echo(f"{name:10} {len(definition.items):4} items  {data:20} {definition.title}")


@survey.command()
@click.argument("file", type=DATA_FILE)
@click.option("--survey", "name", help="Name or TOML file; without it, the likeliest of the package.")
@click.option("--weight", help="Column of weights in place of the survey's own, or 'none'.")
@click.option("--all", "every", is_flag=True, help="Print every code of every item, not one line for each item.")
@click.option("--out", type=DATA_FILE, help="Write the table of all codes, .csv or .parquet.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(file: Path, name: str | None, weight: str | None, out: Path | None, *, every: bool, as_json: bool) -> int:
    """Say what every code of FILE becomes, and why; nothing is written or asked.

    Exit code 2 where the file cannot be used as it is; every problem is listed.
    """
    from demoscope.cli.check import check_as_json, check_as_text, write_codes
    from demoscope.surveys import load_survey
    from demoscope.surveys.check import check_file, likely_survey

    if name is None:
        name = likely_survey(file)
        click.echo(f"read as {name!r}; --survey names another", err=True)
    found = check_file(file, load_survey(name), weight=weight)
    if out is not None:
        write_codes(found, out)
    click.echo(check_as_json(found) if as_json else check_as_text(found, every=every))
    for problem in found.problems:
        click.echo(f"error: {problem}", err=True)
    return EXIT_USAGE if found.problems else EXIT_DONE


@survey.command()
@click.argument("file", type=DATA_FILE)
@click.option("--out", type=DATA_FILE, help="TOML file; by default named like FILE, in the current folder.")
@click.option("--name", help="Short name of the survey; by default that of FILE.")
def new(file: Path, out: Path | None, name: str | None) -> None:
    """Draft the TOML file of a survey from what FILE says about itself."""
    from demoscope.surveys import read_definition
    from demoscope.surveys.draft import draft_survey, name_of
    from demoscope.surveys.files import open_source

    path = out or Path(f"{name_of(file)}.toml")
    if path.exists():
        raise click.UsageError(f"{path} is there already; name another file with --out")
    data = Path(os.path.relpath(file.resolve(), path.parent.resolve()))
    text = draft_survey(open_source(file), name=name or name_of(file), where=data.as_posix())
    drafted = read_definition(text, where=path)
    path.write_text(text, encoding="utf-8")
    click.echo(str(path))
    checks = text.count("# check:")
    click.echo(
        f"{len(drafted.items)} items and {len(drafted.demographics)} attributes drafted; {checks} guesses are marked "
        f"'# check:'.\nThen: demoscope survey check {file} --survey {path}",
        err=True,
    )


@survey.command()
@click.argument("survey_name", metavar="SURVEY")
@click.option("--out", type=DATA_FILE, help="CSV file; by default SURVEY-wording.csv.")
def wording(survey_name: str, out: Path | None) -> None:
    """Write the words of SURVEY as the table that `wording` of a run takes, to be overwritten with official ones."""
    from demoscope.surveys import load_survey
    from demoscope.surveys.wordings import wording_table

    definition: Survey = load_survey(survey_name)
    path = out or Path(f"{definition.id}-wording.csv")
    if path.exists():
        raise click.UsageError(f"{path} is there already; name another file with --out")
    wording_table(definition).write_csv(path)
    click.echo(str(path))


@survey.command()
@click.option("--clear", is_flag=True, help="Delete them; they are made again when they are needed.")
def cache(*, clear: bool) -> None:
    """List the copies of files that are slow to read, or delete them."""
    from demoscope.surveys.files import cached_files, clear_cache
    from demoscope.surveys.files.cache import cache_folder

    files = clear_cache() if clear else cached_files()
    for file in files:
        click.echo(f"{file.bytes / 1e6:9.1f} MB  {file.made:%Y-%m-%d %H:%M}  {file.source}")
    verb = "deleted from" if clear else "in"
    click.echo(f"{len(files)} files {verb} {cache_folder()}", err=True)
