"""A coroutine that emits answers as the plain iterator that an engine gives."""

from __future__ import annotations

import asyncio
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

    from demoscope.engines.base import Answer

T = TypeVar("T")

Job: TypeAlias = "Callable[[Callable[[Answer], None]], Coroutine[None, None, None]]"
"""Called with where to put answers."""


def answers_of(job: Job) -> Iterator[Answer]:
    """Run a job on an event loop of its own and yield its answers as they come.

    The loop has a thread of its own, so that it works where a loop runs already (in a notebook) and goes on while the
    caller looks at an answer.
    Closing the iterator, Ctrl-C included, cancels the job and waits until it has given up its connections.
    An error of the job is raised after the answers that came before it.
    """
    channel: SimpleQueue[Answer | Exception | None] = SimpleQueue()
    loop = _Loop(job, channel)
    loop.start()
    try:
        while (item := channel.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        loop.cancel()
        loop.join()


def result_of(job: Callable[[], Awaitable[T]]) -> T:
    """What a coroutine returns, run in the same way.

    Args:
        job: Called for the coroutine, on the thread of the loop.
    """
    found: list[T] = []

    async def run(_: Callable[[Answer], None]) -> None:
        found.append(await job())

    for _ in answers_of(run):
        pass
    return found[0]


class _Loop(Thread):
    def __init__(self, job: Job, channel: SimpleQueue[Answer | Exception | None]) -> None:
        super().__init__(name="demoscope-calls", daemon=True)
        self._job = job
        self._channel = channel
        self._running = Event()
        self._cancel: Callable[[], object] = lambda: None

    def run(self) -> None:
        end: Exception | None = None
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            pass  # nobody waits for the answers any more
        except Exception as error:  # noqa: BLE001 - raised again where the answers are awaited
            end = error
        finally:
            self._running.set()
            self._channel.put(end)

    async def _main(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        self._running.set()
        await self._job(self._channel.put)

    def cancel(self) -> None:
        self._running.wait()
        try:
            self._cancel()
        except RuntimeError:
            return  # the loop is closed: the job is done
