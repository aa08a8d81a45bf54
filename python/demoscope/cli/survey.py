"""The commands that look at surveys: their definitions and their files."""

from __future__ import annotations

import click

from demoscope.cli.simulate import simulate


@click.group()
def survey() -> None:
    """Look at surveys: what comes with the package, what a file becomes, and a file of one's own."""


survey.add_command(simulate)
