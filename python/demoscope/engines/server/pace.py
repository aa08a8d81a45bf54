"""How many calls are in flight: more while a server keeps up, half as many as soon as it says that it does not."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

START: Final = 2
"""Calls in flight at first."""

LONGEST_BACKOFF: Final = 30.0
"""Seconds between two attempts at most, where the server names no time itself."""


class Pace:
    """A limit of calls in flight that follows what the server can take.

    Additive increase, multiplicative decrease: each success adds one until the server refuses for the first time, and
    one for each full round of successes afterwards; a refusal halves.
    Refusals of calls that had started before the last halving are the same news and halve nothing.

    Args:
        most: Upper end of the limit.

    Attributes:
        limit: Calls that may be in flight, from 1 to ``most``; only whole ones count.
        ceiling: A lower limit for the time being.
    """

    def __init__(self, *, most: int) -> None:
        self.limit = float(min(START, most))
        self.ceiling: int | None = None
        self._most = most
        self._in_flight = 0
        self._started = 0
        self._halved_at = 0
        self._refused = False
        self._resume_at = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[int]:
        """Wait for one's turn and hold it; the value is to be handed to :meth:`refused`."""
        while True:
            # Whoever waits for a time must look again: meanwhile a longer one may have been asked for.
            while (delay := self._resume_at - time.monotonic()) > 0:
                await asyncio.sleep(delay)
            if self._in_flight < self._allowed():
                break
            await self._turn()
        self._in_flight += 1
        self._started += 1
        try:
            yield self._started
        finally:
            self._in_flight -= 1
            self._wake()

    def succeeded(self) -> None:
        """Note that the server answered."""
        self.limit = min(self._most, self.limit + (1.0 / self.limit if self._refused else 1.0))
        self._wake()

    def refused(self, started: int, *, retry_after: float | None) -> None:
        """Note that the server has too much to do.

        Args:
            started: What :meth:`slot` gave to the call.
            retry_after: Seconds for which the server wants no call at all.
        """
        self._refused = True
        if started > self._halved_at:
            self.limit = max(1.0, self.limit / 2)
            self._halved_at = self._started
        if retry_after is not None:
            self._resume_at = max(self._resume_at, time.monotonic() + retry_after)

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn in self._waiting:
                self._waiting.remove(turn)
            else:
                self._wake()  # the turn was given already: hand it on
            raise

    def _allowed(self) -> int:
        return int(self.limit) if self.ceiling is None else min(int(self.limit), self.ceiling)

    def _wake(self) -> None:
        free = self._allowed() - self._in_flight
        while self._waiting and free > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1


def backoff_secs(attempt: int, *, base: float) -> float:
    """Seconds before the next attempt: anywhere between 0 and a bound that doubles each time ("full jitter").

    Args:
        attempt: Attempts that failed, from 1.
        base: Bound after the first, in seconds.
    """
    bound = min(LONGEST_BACKOFF, base * 2.0 ** min(attempt - 1, 32))
    return random.uniform(0.0, bound)  # noqa: S311 - spreads calls, guards nothing
