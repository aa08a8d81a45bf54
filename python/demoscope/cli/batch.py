"""The commands that ask a hosted model through its batch interface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from demoscope.errors import EXIT_DONE, EXIT_ROWS_IN_ERROR

if TYPE_CHECKING:
    from collections.abc import Callable

    from demoscope.config import RunConfig
    from demoscope.runs.batch_collect import Collected

_config_argument = click.argument("config", type=click.Path(path_type=Path))
_out_option = click.option("--out", type=click.Path(path_type=Path), help="Run folder; runs/NAME by default.")


@click.group()
def batch() -> None:
    """Ask a hosted model through its batch interface, which answers within a day.

    First 'submit', then 'collect --wait', then 'demoscope run', which scores what came back.
    """


@batch.command()
@_config_argument
@_out_option
@click.option("--model", help="The only model to ask; all with engine = 'openai' by default.")
@click.option("--limit", type=click.IntRange(min=1), help="Questions at most.")
def submit(config: Path, out: Path | None, model: str | None, limit: int | None) -> None:
    """Hand in all questions of CONFIG that have no answer and are in no open batch."""
    from demoscope.cli.progress import progress
    from demoscope.runs.batch import submit_batches

    settings, places = _settings(config, out)
    done = _interruptible(
        lambda: submit_batches(settings, **places, model=model, limit=limit, show=progress),
        "what was handed in stays so; the same command finds it and hands in the rest",
    )
    if done.probed:
        click.echo(f"{done.probed:,} asked at once, to see that all is well")
    click.echo(f"{done.cells:,} questions handed in, in {done.batches:,} batches")
    if done.waiting:
        click.echo(f"{done.waiting:,} were handed in before and are not collected")
    if done.cells or done.waiting:
        click.echo(f"next: demoscope batch collect {config} --wait", err=True)
        if done.more_rounds:
            click.echo("answers lead to further questions: submit again once they are collected", err=True)
    else:
        click.echo(f"next: demoscope run {config}", err=True)


@batch.command()
@_config_argument
@_out_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(config: Path, out: Path | None, *, as_json: bool) -> None:
    """Say what has become of the batches of CONFIG."""
    import json

    from demoscope.runs.batch import batch_status

    settings, places = _settings(config, out)
    rows = batch_status(settings, **places)
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        words = row["state"] if row["status"] is None else f"{row['state']}, {row['status']}"
        answered = "" if row["completed"] is None else f", {row['completed']:,} answered, {row['failed']:,} failed"
        click.echo(f"{row['model']}: {row['batch'] or row['name']}: {words}: {row['cells']:,} questions{answered}")


@batch.command()
@_config_argument
@_out_option
@click.option("--wait", is_flag=True, help="Wait until all batches have ended.")
def collect(config: Path, out: Path | None, *, wait: bool) -> int:
    """Fetch the answers of the batches of CONFIG that have ended."""
    from demoscope.cli.progress import progress
    from demoscope.runs.batch_collect import collect_batches

    settings, places = _settings(config, out)
    done = _interruptible(
        lambda: collect_batches(settings, **places, wait=wait, show=progress),
        "the batches go on without us; nothing that was collected is lost",
    )
    click.echo(f"{done.batches:,} batches collected")
    for words, number in sorted(done.counts.items()):
        click.echo(f"{words}: {number:,}")
    _tell(done)
    if done.open_batches:
        click.echo(f"{done.open_batches:,} batches with {done.waiting:,} questions have not ended", err=True)
    if done.ready:
        click.echo(f"{done.ready:,} questions are ready to be handed in: demoscope batch submit {config}", err=True)
    elif not done.open_batches:
        click.echo(f"all is answered: demoscope run {config}", err=True)
    return EXIT_ROWS_IN_ERROR if done.errors or done.strays else EXIT_DONE


@batch.command()
@_config_argument
@_out_option
def cancel(config: Path, out: Path | None) -> None:
    """Stop the open batches of CONFIG; 'collect' fetches what they have answered."""
    from demoscope.runs.batch import cancel_batches

    settings, places = _settings(config, out)
    for words, number in cancel_batches(settings, **places).items():
        click.echo(f"{words}: {number:,} batches")


def _settings(config: Path, out: Path | None) -> tuple[RunConfig, dict[str, Any]]:
    from demoscope.runs import read_config

    settings = read_config(config)
    return settings, {"folder": out or Path("runs") / settings.name, "base": config.parent}


def _interruptible(work: Callable[[], Any], words: str) -> Any:  # noqa: ANN401 - whatever the work gives
    try:
        return work()
    except KeyboardInterrupt:
        click.echo(words, err=True)
        raise click.Abort from None


def _tell(done: Collected) -> None:
    """Say what was odd."""
    for problem in done.problems:
        click.echo(problem, err=True)
    if done.unknown_count:
        named = ", ".join(map(repr, done.unknown))
        click.echo(f"{done.unknown_count:,} answers to what was not asked are left out: {named}", err=True)
    if done.damaged:
        click.echo(f"{done.damaged:,} lines are damaged and do not say whose answer they are", err=True)
    if done.strays:
        click.echo(
            f"{done.strays:,} answers are to questions that these settings do not ask; "
            "collect with the settings with which they were handed in",
            err=True,
        )
