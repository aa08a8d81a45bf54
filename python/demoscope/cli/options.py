"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

wording_option = click.option(
    "--wording",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Table of wordings that go before those of the survey; in place of the settings' own.",
)
