"""The group of commands, and how errors become exit codes."""

from __future__ import annotations

import sys

import click

from demoscope import __version__
from demoscope.cli.batch import batch
from demoscope.cli.doctor import doctor
from demoscope.cli.plan import plan
from demoscope.cli.prompt import prompt
from demoscope.cli.run import demo, report, run
from demoscope.cli.score import score
from demoscope.cli.survey import survey
from demoscope.errors import EXIT_BUG, EXIT_INTERRUPTED, EXIT_USAGE, DemoscopeError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="demoscope")
def cli() -> None:
    """How well do answers of language models represent people?

    Both item by item (averages) and jointly (how opinions go together), with intervals, noise floors and references.
    """


for command in (demo, run, plan, batch, prompt, score, report, survey, doctor):
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted; the same command goes on where it stopped", err=True)
        code = EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE
    except DemoscopeError as error:
        click.echo(f"error: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        sys.stderr.close()
        code = 0
    except Exception:  # noqa: BLE001 - whatever else arrives here is a bug of ours; say so and show where
        import traceback

        traceback.print_exc()
        click.echo("this is a bug in demoscope; nothing that was answered is lost", err=True)
        code = EXIT_BUG
    sys.exit(code if isinstance(code, int) else 0)
