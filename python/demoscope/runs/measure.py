"""How fast a model answers, measured on the first questions of a run; their answers are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from demoscope.responses import Plan, collect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from demoscope.engines import Engine
    from demoscope.responses import Cell, Store
    from demoscope.responses.plan import Part


@dataclass(frozen=True)
class Speed:
    """How fast cells were answered.

    Attributes:
        cells: Cells that were timed, at least 1.
        seconds: Time that they took, above 0.
    """

    cells: int
    seconds: float

    @property
    def cells_per_second(self) -> float:
        """Cells answered in a second."""
        return self.cells / self.seconds


class FirstCells(Plan):
    """The first cells of a steering that have no answer yet.

    Args:
        plan: The plan that the steering is part of.
        part: The steering.
        limit: Number of cells at most.
    """

    def __init__(self, plan: Plan, part: Part, *, limit: int) -> None:
        super().__init__((part,), asker=plan.asker, personas=plan.personas, survey=plan.survey)
        self._limit = limit

    @property
    def total(self) -> int:
        """Number of cells at most."""
        return min(self._limit, super().total)

    def rounds(self, store: Store) -> Iterator[Iterable[Cell]]:
        """Unanswered cells in rounds; see :meth:`demoscope.responses.Plan.rounds`."""
        taken = 0

        def some(cells: Iterable[Cell]) -> Iterator[Cell]:
            nonlocal taken
            for cell in cells:
                if is_answered(store, cell.key):
                    continue
                taken += 1
                yield cell
                if taken == self._limit:
                    return

        for cells in super().rounds(store):
            yield some(cells)
            if taken == self._limit:
                return


def is_answered(store: Store, key: str) -> bool:
    """Whether a cell needs not be asked again."""
    outcome = store.outcome(key)
    return outcome is not None and outcome.status != "error"


def measure(
    plan: Plan,
    engine: Engine,
    store: Store,
    *,
    cells: int,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Speed]:
    """Ask the first unanswered cells of each steering and time them.

    The very first cell loads the model; it is asked and kept, and not timed.

    Args:
        plan: Cells of the model.
        engine: Who answers.
        store: Where answers are kept.
        cells: Cells of each steering, at least 2.
        progress: Called with (answered cells, cells to be measured).

    Returns:
        Steering to speed; nothing of a steering that has no cells left to be timed.

    Raises:
        EngineError: As in :func:`demoscope.responses.collect`.
        StoreError: The disk does not take the answers.
    """
    speeds: dict[str, Speed] = {}
    done, most = 0, cells * len(plan.parts)
    for part in plan.parts:
        left = cells
        if not done:
            first = FirstCells(plan, part, limit=1)
            done += collect(first, engine, store).asked
            left -= done
        if progress is not None:
            progress(done, most)
        some = FirstCells(plan, part, limit=left)
        summary = collect(some, engine, store)
        done += summary.asked
        if summary.asked and summary.seconds > 0:
            speeds[part.way.steering] = Speed(summary.asked, summary.seconds)
    if progress is not None:
        progress(done, done)
    return speeds
