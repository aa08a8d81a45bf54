"""The commands that make and read a run folder: demo, run, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from demoscope.cli.options import wording_option
from demoscope.cli.verdicts import verdict_line
from demoscope.errors import EXIT_DONE, EXIT_ROWS_IN_ERROR

if TYPE_CHECKING:
    from demoscope.config import RunConfig
    from demoscope.scores import Comparison

threads_option = click.option(
    "--threads", type=click.IntRange(min=1), help="Threads of the statistics; all cores by default."
)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("demoscope-demo"), show_default=True)
@threads_option
def demo(out: Path, threads: int | None) -> int:
    """Ask a small model on the CPU as 2,400 real people and write a report.

    People: the embedded sample of the CES 2016, 600 each of four US states.
    Model: a 135M instruct model that comes as a package; no GPU, no download at run time.
    """
    from demoscope.runs import demo_config

    return _execute(demo_config(), base=Path.cwd(), out=out, threads=threads)


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; runs/NAME by default.")
@wording_option
@threads_option
def run(config: Path, out: Path | None, wording: Path | None, threads: int | None) -> int:
    """Ask, score and report as CONFIG says; the same command goes on after an interruption."""
    from demoscope.runs import read_config

    settings = read_config(config, wording=wording)
    return _execute(settings, base=config.parent, out=out or Path("runs") / settings.name, threads=threads)


def _execute(settings: RunConfig, *, base: Path, out: Path, threads: int | None) -> int:
    from demoscope.cli.progress import progress
    from demoscope.runs import execute

    try:
        outcome = execute(settings, folder=out, base=base, threads=threads, show=progress)
    except KeyboardInterrupt:
        raise click.Abort from None
    for verdict in outcome.comparison.verdicts:
        click.echo(verdict_line(verdict))
    click.echo(str(outcome.report))
    for line in _unusable(outcome.comparison):
        click.echo(line, err=True)
    if outcome.errors:
        click.echo(f"{outcome.errors} cells ended in an error; the same command asks them again", err=True)
        return EXIT_ROWS_IN_ERROR
    return EXIT_DONE


def _unusable(comparison: Comparison) -> list[str]:
    """A line for each model of whose answers most name no option."""
    valid: dict[str, float] = {}
    for row in comparison.summary()["outcomes"]:
        who = f"{row['model']} / {row['steering']}"
        valid[who] = valid.get(who, 0.0) + (row["share"] if row["status"] == "valid" else 0.0)
    return [
        f"{who}: only {share:.0%} of its answers name an option; the report says why the others do not"
        for who, share in valid.items()
        if share < 0.5
    ]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Write report.html of the run in FOLDER again, from its stored scores."""
    from demoscope.runs import rewrite_report

    click.echo(str(rewrite_report(folder)))
