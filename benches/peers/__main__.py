"""``python -m benches.peers``: the same answers through demoscope and every other program that is installed."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benches.peers.answers import made_answers, read_answers, replicate_rows
from benches.peers.measure import LARGEST_REPLICATES, measure_demoscope, measure_peer
from benches.peers.programs import DEMOSCOPE, PEERS, PeerError
from benches.peers.reference import BFI, agreement_rows
from benches.peers.report import compared, environment, markdown_table, table_rows, text_table
from demoscope.stats import kernels

if TYPE_CHECKING:
    import polars as pl

    from benches.peers.programs import Program
    from benches.peers.report import Row

DEMOSCOPE_LIMIT_SECS = 24 * 3600.0
BY_NAME = {program.name: program for program in PEERS}


class PeerNames(click.ParamType):
    """Names of programs with commas between them."""

    name = "names"

    def convert(
        self, value: str | tuple[Program, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Program, ...]:
        """The programs."""
        if not isinstance(value, str):
            return value
        names = [name.strip() for name in value.split(",") if name.strip()]
        for name in names:
            if name not in BY_NAME:
                self.fail(f"unknown program {name!r}; known: {', '.join(BY_NAME)}", param, ctx)
        return tuple(BY_NAME[name] for name in dict.fromkeys(names))


class PeerPython(click.ParamType):
    """A Python program and the interpreter that has it."""

    name = "name=path"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Name and path."""
        if not isinstance(value, str):
            return value
        name, _, path = value.partition("=")
        known = [program.name for program in PEERS if program.language == "Python"]
        if name not in known:
            self.fail(f"unknown Python program {name!r}; known: {', '.join(known)}", param, ctx)
        if shutil.which(path) is None:
            self.fail(f"{path!r} is not a program", param, ctx)
        return name, path


@click.command(context_settings={"show_default": True})
@click.option("--items", "-p", type=click.IntRange(2), default=50, help="Items of the made answers.")
@click.option("--categories", "-k", type=click.IntRange(2, 10), default=5, help="Their categories.")
@click.option("--respondents", "-n", type=click.IntRange(10), default=1500, help="Their respondents.")
@click.option("--replicates", "-B", type=click.IntRange(1), default=1000, help="Bootstrap replicates.")
@click.option("--seed", type=click.IntRange(0), default=1, help="Of the made answers and the bootstrap.")
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV of integer codes, blanks missing, instead of made answers.",
)
@click.option("--peers", type=PeerNames(), default=PEERS, show_default="all", help="Such as psych,lavaan.")
@click.option("--python", "pythons", type=PeerPython(), multiple=True, help="Interpreter of a Python peer.")
@click.option("--budget-secs", type=click.FloatRange(min=0.0, min_open=True), default=90.0, help="Per peer.")
@click.option(
    "--bfi",
    type=click.Path(dir_okay=False, path_type=Path),
    default=BFI,
    show_default="../shared/data/bfi/bfi.csv",
    help="psych's data set bfi as CSV, for the agreement with reference matrices.",
)
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write everything here.")
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.pass_context
def main(
    ctx: click.Context,
    *,
    items: int,
    categories: int,
    respondents: int,
    replicates: int,
    seed: int,
    data: Path | None,
    peers: tuple[Program, ...],
    pythons: tuple[tuple[str, str], ...],
    budget_secs: float,
    bfi: Path,
    json_path: Path | None,
    markdown: bool,
) -> None:
    """Time demoscope and its peers on the same answers, one thread each, and compare their correlations."""
    if kernels.DEBUG_BUILD:
        click.echo("demoscope was built without optimisation; `make release` builds it to be timed", err=True)
        ctx.exit(2)
    if data is None:
        answers = made_answers(items=items, categories=categories, respondents=respondents, seed=seed)
        title = f"made answers, p={items}, k={categories}, n={respondents}, seed={seed}"
    else:
        try:
            answers = read_answers(data)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--data") from error
        title = f"{data.name}, p={answers.width}, n={answers.height}, seed={seed}"

    table = markdown_table if markdown else text_table
    interpreters = dict(pythons)
    try:
        rows = measured_rows(
            answers, peers, replicates=replicates, seed=seed, budget_secs=budget_secs, pythons=interpreters
        )
    except PeerError as error:
        raise click.ClickException(f"demoscope failed: {error}") from error
    machine = environment(rows)
    click.echo(title + "\n")
    click.echo(table(table_rows(rows, replicates=replicates)) + "\n")

    agreement: list[list[str]] = []
    if bfi.is_file():
        _progress("bfi ...")
        agreement = agreement_rows(bfi, peers, budget_secs=budget_secs, pythons=interpreters)
        click.echo("Agreement on bfi with the reference matrices, which are good to 1e-7 themselves\n")
        click.echo(table(agreement) + "\n")
    else:
        click.echo(f"Agreement on bfi: not looked at, {bfi.name} is not there (--bfi)\n")
    click.echo("\n".join(f"{'- ' * markdown}{key}: {value}" for key, value in machine))

    if json_path is not None:
        content = {
            "data": title,
            "replicates": replicates,
            "environment": [list(pair) for pair in machine],
            "programs": [row.as_json() for row in rows],
            "agreement_on_bfi": [dict(zip(agreement[0], row, strict=True)) for row in agreement[1:]],
        }
        json_path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def measured_rows(
    answers: pl.DataFrame,
    peers: tuple[Program, ...],
    *,
    replicates: int,
    seed: int,
    budget_secs: float,
    pythons: dict[str, str],
) -> list[Row]:
    """demoscope's row and one per peer."""
    shared = min(LARGEST_REPLICATES, replicates)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        answers.write_csv(folder / "answers.csv")
        drawn = replicate_rows(answers.height, replicates=shared, seed=seed)
        lines = (",".join(map(str, rows)) + "\n" for rows in drawn.tolist())
        (folder / "replicates.csv").write_text("".join(lines), encoding="utf-8")
        _progress("demoscope ...")
        ours = measure_demoscope(
            DEMOSCOPE,
            folder,
            items=answers.width,
            replicates=replicates,
            seed=seed,
            kept=shared,
            limit_secs=DEMOSCOPE_LIMIT_SECS,
        )
        rows = [compared(ours, ours, replicates=replicates)]
        for program in peers:
            _progress(f"{program.name} ...")
            found = measure_peer(
                program, folder, items=answers.width, replicates=shared, budget_secs=budget_secs, pythons=pythons
            )
            rows.append(compared(found, ours, replicates=replicates))
    return rows


def _progress(message: str) -> None:
    click.echo(message, err=True)


if __name__ == "__main__":
    main(prog_name="python -m benches.peers")
