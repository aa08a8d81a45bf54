"""The command that says what is installed, what is missing, and which command mends it."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, as_json: bool) -> None:
    """Say what is installed, what is missing, and the command that mends it."""
    from demoscope.runs import check_installation

    checks = check_installation()
    if as_json:
        click.echo(json.dumps([check.as_dict() for check in checks], indent=2, ensure_ascii=False))
        return
    width = max(len(check.part) for check in checks)
    for check in checks:
        click.echo(f"{'ok     ' if check.found else 'missing'}  {check.part:<{width}}  {check.what}")
        if not check.found:
            click.echo(f"{'':<{width + 11}}mend: {check.mend}")
