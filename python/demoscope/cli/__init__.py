"""The command line: data to stdout, logs and progress to stderr, exit codes as in :mod:`demoscope.errors`."""

from demoscope.cli.main import main as main
