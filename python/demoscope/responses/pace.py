"""When to make answers safe: often enough to lose little, seldom enough to cost little."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

COST_MULTIPLE: Final = 50.0
"""The time between two fsyncs is that many times what one takes, so that they cost under 2 % of the time."""

LONGEST_SECS: Final = 5.0
"""The time between two fsyncs is never longer, however slow the disk."""


class Pace:
    """Says when the next fsync is due.

    Args:
        clock: Seconds since some moment, never falling.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self._cost_secs = 0.0

    def due(self) -> bool:
        """Whether it is time."""
        return self._clock() - self._last >= min(COST_MULTIPLE * self._cost_secs, LONGEST_SECS)

    def timed(self, work: Callable[[], None]) -> None:
        """Do the work, an fsync, and remember how long it took."""
        start = self._clock()
        work()
        self._last = self._clock()
        self._cost_secs = self._last - start
