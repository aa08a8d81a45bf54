"""Ask what is missing and keep what comes back."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from demoscope.errors import EngineError
from demoscope.responses.decode import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from demoscope.engines import Engine
    from demoscope.responses.cell import Cell
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
    """

    cells: int
    asked: int
    reused: int
    counts: Mapping[str, int]
    errors: int
    label_mass: float | None
    seconds: float


def collect(
    plan: Sequence[Cell], engine: Engine, store: Store, *, progress: Callable[[int, int], None] | None = None
) -> Summary:
    """Ask the cells of a plan that have no answer yet, and seal the store.

    An answer is acknowledged, and counted by ``progress``, once it is on disk; that happens once for each block of the
    engine.
    Whatever interrupts the asking (Ctrl-C included), answers that had come back are made safe first.

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
    start = time.monotonic()
    settled = store.settled()
    pending = [cell for cell in plan if cell.key not in settled]
    done = len(plan) - len(pending)
    if progress is not None:
        progress(done, len(plan))
    size = engine.capabilities.block
    for first in range(0, len(pending), size):
        block = pending[first : first + size]
        _ask_block(block, engine, store)
        done += len(block)
        if progress is not None:
            progress(done, len(plan))
    store.seal()
    return _summary(plan, store, asked=len(pending), seconds=time.monotonic() - start)


def _ask_block(block: Sequence[Cell], engine: Engine, store: Store) -> None:
    waiting = {cell.key: cell for cell in block}
    rows: list[dict[str, Any]] = []
    try:
        for answer in engine.ask([cell.request for cell in block]):
            cell = waiting.pop(answer.key, None)
            if cell is None:
                raise EngineError(f"the engine answered {answer.key!r}, which was not asked or is answered already")
            rows.append(decode(cell, answer))
    finally:
        store.append(rows)
    if waiting:
        raise EngineError(f"the engine left {len(waiting)} of {len(block)} requests without an answer")


def _check_capabilities(plan: Sequence[Cell], engine: Engine) -> None:
    able = engine.capabilities
    if lacking := sorted({cell.request.mode for cell in plan} - set(able.modes)):
        raise EngineError(f"the engine cannot answer in mode {lacking[0]!r}; it offers {', '.join(able.modes)}")
    if not able.adapters and (adapters := sorted({cell.adapter for cell in plan if cell.adapter is not None})):
        raise EngineError(f"the engine takes no adapters, and the plan names {adapters[0]!r}")


def _summary(plan: Sequence[Cell], store: Store, *, asked: int, seconds: float) -> Summary:
    cells = store.cells(cell.key for cell in plan)
    outcomes = Counter(
        status if reason is None else f"{status}: {reason}"
        for status, reason in cells.select("status", "reason").rows()
    )
    valid = cells.filter(pl.col("status") == "valid")
    return Summary(
        cells=len(plan),
        asked=asked,
        reused=len(plan) - asked,
        counts=dict(sorted(outcomes.items())),
        errors=cells.filter(pl.col("status") == "error").height,
        label_mass=valid["label_mass"].mean(),  # type: ignore[arg-type]
        seconds=seconds,
    )
