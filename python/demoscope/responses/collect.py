"""Ask what is missing and keep what comes back."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demoscope.errors import EngineError
from demoscope.responses.decode import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from demoscope.engines import Answer, Engine
    from demoscope.responses.cell import Cell
    from demoscope.responses.plan import Plan
    from demoscope.responses.store import Store


@dataclass(frozen=True, slots=True)
class Summary:
    """What has become of a plan.

    Attributes:
        cells: Number of cells of the plan.
        asked: Cells that were asked this time.
        reused: Cells whose answer was there already.
        counts: Number of cells for each outcome: ``"valid"``, or status and reason, ``"error: prompt_too_long"``;
            sorted, summing to ``cells``.
        errors: Cells that ended in an error; the same run asks them again.
        label_mass: Mean probability of all labels together over valid cells, ``None`` if unknown.
        seconds: Time that asking took.
        own_seconds: The part of it that was ours: making prompts, reading answers, keeping them.
        own_cpu_seconds: CPU time of this thread in that part.
    """

    cells: int
    asked: int
    reused: int
    counts: Mapping[str, int]
    errors: int
    label_mass: float | None
    seconds: float
    own_seconds: float
    own_cpu_seconds: float


def collect(plan: Plan, engine: Engine, store: Store, *, progress: Callable[[int, int], None] | None = None) -> Summary:
    """Ask the cells of a plan that have no answer yet, and seal the store.

    An answer is written as it comes, so that a kill takes none back; it is acknowledged, and counted by ``progress``,
    once it is on disk.
    Whatever interrupts the asking (Ctrl-C included), answers that had come back are made safe first.
    Cells are made as they are asked, so that memory does not grow with the plan.

    Args:
        plan: Cells of one model, in the order in which they are asked.
        engine: Who answers.
        store: Where answers are kept.
        progress: Called with (answered cells, all cells), first before anything is asked.

    Raises:
        EngineError: The engine lacks a mode or adapters, failed, or answered something that was not asked.
        StoreError: The disk does not take the answers.
    """
    _check_capabilities(plan, engine)
    asking = _Asking(engine, store, total=plan.total, progress=progress)
    try:
        for cells in plan.rounds(store):
            pending: list[Cell] = []
            for cell in cells:
                if asking.is_answered(cell):
                    continue
                pending.append(cell)
                if len(pending) == engine.capabilities.block:
                    asking.ask(pending)
                    pending = []
            asking.ask(pending)
    finally:
        store.flush()
    asking.show_all()
    store.seal()
    return asking.summary()


class _Asking:
    """Asks block after block and counts what becomes of it."""

    def __init__(
        self, engine: Engine, store: Store, *, total: int, progress: Callable[[int, int], None] | None
    ) -> None:
        self._engine = engine
        self._store = store
        self._total = total
        self._progress = progress
        self._start = time.monotonic()
        self._start_cpu = time.thread_time()
        self._waiting_secs = self._waiting_cpu_secs = 0.0
        self._counts: Counter[str] = Counter()
        self._asked = self._reused = self._errors = self._unsafe = 0
        self._masses = 0
        self._with_mass = 0
        self._shown: tuple[int, int] | None = None

    def is_answered(self, cell: Cell) -> bool:
        """Whether a cell needs not be asked again; then it is counted."""
        outcome = self._store.outcome(cell.key)
        if outcome is None or outcome.status == "error":
            return False
        self._reused += 1
        self._count(outcome.status, outcome.reason, outcome.label_mass)
        return True

    def ask(self, block: Sequence[Cell]) -> None:
        """Ask some cells and keep what comes back."""
        if self._shown is None:
            self.show()
        if not block:
            return
        waiting = {cell.key: cell for cell in block}
        answers = iter(self._engine.ask([cell.request for cell in block]))
        while (answer := self._next(answers)) is not None:
            cell = waiting.pop(answer.key, None)
            if cell is None:
                raise EngineError(f"the engine answered {answer.key!r}, which was not asked or is answered already")
            row = decode(cell, answer)
            # Written one by one: the next answer of a slow server may take minutes, and a kill must not take this one.
            self._unsafe = 0 if self._store.append([row]) else self._unsafe + 1
            self._asked += 1
            self._count(row["status"], row["reason"], row["label_mass"])
        self.show()
        if waiting:
            raise EngineError(f"the engine left {len(waiting)} of {len(block)} requests without an answer")

    def _next(self, answers: Iterator[Answer]) -> Answer | None:
        """The next answer, and how long it took."""
        since, since_cpu = time.monotonic(), time.thread_time()
        try:
            return next(answers, None)
        finally:
            self._waiting_secs += time.monotonic() - since
            self._waiting_cpu_secs += time.thread_time() - since_cpu

    def show_all(self) -> None:
        """Tell that every answer is on disk."""
        self._unsafe = 0
        self.show()

    def show(self) -> None:
        """Tell how many answers are on disk."""
        done = self._asked + self._reused - self._unsafe
        now = (done, max(self._total, done))
        if self._progress is not None and now != self._shown:
            self._progress(*now)
        self._shown = now

    def summary(self) -> Summary:
        """What has become of all cells."""
        seconds = time.monotonic() - self._start
        return Summary(
            cells=self._asked + self._reused,
            asked=self._asked,
            reused=self._reused,
            counts=dict(sorted(self._counts.items())),
            errors=self._errors,
            label_mass=self._masses / _UNIT / self._with_mass if self._with_mass else None,
            seconds=seconds,
            own_seconds=seconds - self._waiting_secs,
            own_cpu_seconds=time.thread_time() - self._start_cpu - self._waiting_cpu_secs,
        )

    def _count(self, status: str, reason: str | None, mass: float | None) -> None:
        self._counts[status if reason is None else f"{status}: {reason}"] += 1
        self._errors += status == "error"
        if status == "valid" and mass is not None:
            self._masses += round(mass * _UNIT)
            self._with_mass += 1


_UNIT = 2**60
"""Label masses are added as whole numbers of this fraction, so that their mean does not depend on the order."""


def _check_capabilities(plan: Plan, engine: Engine) -> None:
    able = engine.capabilities
    for part in plan.parts:
        if part.way.mode not in able.modes:
            raise EngineError(f"the engine cannot answer in mode {part.way.mode!r}; it offers {', '.join(able.modes)}")
        if part.adapted and not able.adapters:
            raise EngineError(f"the engine takes no adapters, and steering {part.way.steering!r} needs them")
