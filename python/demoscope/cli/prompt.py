"""The command that shows a prompt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from demoscope.cli.options import wording_option


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--persona", required=True, metavar="N|ID", help="Number of the persona, from 1, or its id.")
@click.option("--item", required=True, metavar="ID", help="What is asked.")
@wording_option
@click.option("--model", metavar="NAME", help="Show one model; all by default.")
@click.option("--steering", metavar="NAME", help="Show one steering; all by default.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder, for earlier answers; runs/NAME by default.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def prompt(
    config: Path,
    persona: str,
    item: str,
    wording: Path | None,
    model: str | None,
    steering: str | None,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    """Show how CONFIG asks one persona one item.

    The exact turns, what each label stands for, and what the model reads after its chat template.
    In interviews earlier answers are those of the run folder; where it has none, the option on top stands for them.
    """
    from demoscope.runs import read_config, show_prompts

    settings = read_config(config, wording=wording)
    shown = show_prompts(
        settings,
        folder=out or Path("runs") / settings.name,
        base=config.parent,
        persona=persona,
        item=item,
        model=model,
        steering=steering,
    )
    if as_json:
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    click.echo(f"persona {shown['persona']} in {shown['country']}: {shown['profile']}")
    click.echo(f"item {shown['item']}")
    for one in shown["prompts"]:
        _print(one)


def _print(one: dict[str, Any]) -> None:
    adapter = "" if one["adapter"] is None else f", adapter {one['adapter']}"
    click.echo(f"\n== {one['model']} / {one['steering']}{adapter}")
    click.echo(
        f"order {one['order']}, wording {one['wording']}, language {one['language']}, "
        f"presentation {one['presentation']}, mode {one['mode']}"
    )
    click.echo()
    for message in one["messages"]:
        made_up = " (placeholder: not answered yet)" if message["placeholder"] else ""
        click.echo(f"[{message['role']}]{made_up} {message['content']}")
    click.echo()
    for option in one["options"]:
        click.echo(f"{option['label']} -> {option['text']} -> {option['code']}")
    click.echo()
    if one["rendered"] is None:
        click.echo(f"What the model reads: unknown ({one['why_not_rendered']})")
    else:
        click.echo("What the model reads:")
        click.echo(one["rendered"])
