"""Progress on stderr with an estimate of the time that is left."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINE_SECS = 10.0
"""Without a terminal, one line of progress is written this often."""


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show progress while a block runs.

    Args:
        label: What is being done, in a word or two.

    Yields:
        A function to be called with (steps done, steps in all).
    """
    if sys.stderr.isatty():
        with _bar(label) as update:
            yield update
    else:
        yield _lines(label)


@contextmanager
def _bar(label: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(label: str) -> Callable[[int, int], None]:
    start = time.monotonic()
    last, first_done = start, -1

    def update(done: int, total: int) -> None:
        nonlocal last, first_done
        if first_done < 0:
            first_done = done
        now = time.monotonic()
        if done < total and now - last < LINE_SECS:
            return
        last = now
        elapsed, fresh = now - start, done - first_done
        left = f", about {_clock(elapsed / fresh * (total - done))} left" if fresh > 0 and done < total else ""
        print(f"{label}: {done:,} of {total:,} in {_clock(elapsed)}{left}", file=sys.stderr, flush=True)  # noqa: T201

    return update


def _clock(secs: float) -> str:
    minutes, seconds = divmod(round(secs), 60)
    return f"{minutes}:{seconds:02d}"
