"""The command that says what a run would ask, and what that takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from demoscope.cli.options import wording_option


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; runs/NAME by default.")
@wording_option
@click.option(
    "--measure",
    type=click.IntRange(min=2),
    metavar="N",
    help="Ask the first N open questions of each model and steering, keep the answers, and tell the time of the rest.",
)
@click.option("--prices", type=click.Path(path_type=Path), help="TOML with [[prices]]: what tokens cost.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; what is unknown is null.")
def plan(
    config: Path, out: Path | None, wording: Path | None, measure: int | None, prices: Path | None, *, as_json: bool
) -> None:
    """Say what CONFIG would ask, and what it takes.

    Cells, distinct prompts, tokens, time, disk and money, for each model and steering.
    Nothing is asked or written, except with --measure.
    """
    from demoscope.cli.progress import progress
    from demoscope.runs import describe_plan, read_config, read_prices

    settings = read_config(config, wording=wording)
    known = None if prices is None else read_prices(prices)
    try:
        description = describe_plan(
            settings,
            folder=out or Path("runs") / settings.name,
            base=config.parent,
            prices=known,
            cells=measure,
            show=progress,
        )
    except KeyboardInterrupt:
        raise click.Abort from None
    if as_json:
        click.echo(json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False))
        return
    for name in ("survey", "people", "countries", "personas", "profiles", "items"):
        click.echo(f"{name}: {_number(description[name])}")
    click.echo(f"answers per persona and item: {_number(description['draws'])}")
    for row in description["models"]:
        click.echo(f"\n{row['model']} / {row['steering']}")
        _print(_lines(row))
    if len(description["models"]) > 1:
        click.echo("\nall together")
        _print(_sums(description["total"]))


def _print(lines: list[tuple[str, str]]) -> None:
    for label, text in lines:
        click.echo(f"  {label:<17}{text}")


def _lines(row: dict[str, Any]) -> list[tuple[str, str]]:
    share, sampled = row["shared_prefix_share"], f"(from {row['sampled_cells']:,} cells)"
    return [
        ("cells", _cells(row)),
        ("distinct prompts", _said(row["distinct_prompts"], row["distinct_prompts_is"])),
        ("shared prefixes", "unknown" if share is None else f"{share:.0%} of prompt tokens {sampled}"),
        ("tokens to come", _tokens(row)),
        ("time", _time(row)),
        ("disk", _disk(row)),
        ("money", _money(row)),
    ]


def _sums(sums: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("cells", _cells(sums)),
        ("tokens to come", _tokens(sums)),
        ("time", "unknown" if sums["hours"] is None else f"about {_hours(sums['hours'])}"),
        ("disk", f"about {_bytes(sums['disk_bytes'])}"),
        ("money", _money(sums)),
    ]


def _cells(row: dict[str, Any]) -> str:
    return f"{_said(row['cells'], row['cells_is'])}, answered {row['answered']:,}, to ask {row['to_ask']:,}"


def _said(number: int | None, how: str | None) -> str:
    if number is None:
        return "unknown"
    return f"{number:,}" if how == "exact" else f"{how} {number:,}"


def _tokens(row: dict[str, Any]) -> str:
    prompts = _said(row["prompt_tokens"], row["prompt_tokens_is"])
    return f"prompts {prompts}, answers {_said(row['output_tokens'], row['output_tokens_is'])}"


def _disk(row: dict[str, Any]) -> str:
    how = "measured" if row["bytes_from"] == "store" else "of made-up answers"
    return f"about {_bytes(row['disk_bytes'])} ({row['bytes_per_answer']:,.0f} bytes per answer, {how})"


def _time(row: dict[str, Any]) -> str:
    if row["hours"] is None:
        return "unknown (use --measure)"
    if row["cells_per_second"] is None:
        return "nothing left to ask"
    rate = f"{row['cells_per_second']:,.3g} cells per second, measured on {row['measured_cells']:,}"
    return f"about {_hours(row['hours'])} ({rate})"


def _hours(hours: float) -> str:
    return f"{hours:,.1f} hours" if hours >= 1 else f"{hours * 60:,.1f} minutes"


def _money(row: dict[str, Any]) -> str:
    if row["cost"] is None:
        return "unknown (needs tokens and --prices)"
    cached = row["cost_if_cached"]
    less = "" if cached is None else f"; {_amount(cached)} if shared prefixes are paid as cached"
    return f"{row['cost_is']} {_amount(row['cost'])} {row['currency']}{less}"


def _amount(money: float) -> str:
    return f"{money:,.2f}" if money >= 0.01 or not money else f"{money:.2g}"


def _bytes(size: int) -> str:
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if size >= 10**power:
            return f"{size / 10**power:,.1f} {unit}"
    return f"{size:,} bytes"


def _number(value: object) -> str:
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else str(value)
