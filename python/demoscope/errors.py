"""The one tree of errors; each class carries the exit code that the command line returns for it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

EXIT_DONE = 0
EXIT_BUG = 1
EXIT_USAGE = 2
EXIT_ROWS_IN_ERROR = 3
EXIT_GATE_NOT_MET = 4
EXIT_INTERRUPTED = 130


class DemoscopeError(Exception):
    """Base of every error that demoscope raises on purpose."""

    exit_code = EXIT_USAGE


class ConfigError(DemoscopeError):
    """A TOML file or a setting says something that cannot be meant; the message names file and key."""


class DataError(DemoscopeError, ValueError):
    """Data break the rules of their survey or of a function; the message names file, column and row."""


class EngineError(DemoscopeError):
    """An engine cannot do what is asked of it, or stopped doing it."""


class StoreError(DemoscopeError):
    """A run folder is damaged, locked by another process, or belongs to other settings."""


class MissingPartError(DemoscopeError):
    """An optional package is not installed; the message says which command installs it."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Words that point from an unknown name to the nearest known one.

    Returns:
        ``"; did you mean 'x'?"``, or a list of what there is when nothing is near.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""
