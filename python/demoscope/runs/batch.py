"""A run through the batch interface of a hosted model: hand questions in, and fetch the answers hours later."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from demoscope.engines.server.batch import BatchClient, GoneError, NotMadeError
from demoscope.engines.server.batch_lines import line_of
from demoscope.engines.server.openai import OpenaiEngine
from demoscope.errors import ConfigError, EngineError, nearest
from demoscope.responses import Store, plan_cells
from demoscope.responses.decode import decode
from demoscope.runs.batch_book import BatchBook
from demoscope.runs.execute import make_engine, with_places, write_inputs
from demoscope.runs.folder import RunFolder
from demoscope.runs.people import load_people, with_asked_items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import polars as pl

    from demoscope.config import ModelSettings, RunConfig
    from demoscope.engines.server.options import BatchOptions
    from demoscope.responses import Cell, Plan
    from demoscope.runs.execute import Show
    from demoscope.surveys import Survey

UNKNOWN: Final = "unknown to the server"
"""Status of a batch of which the server says that there is none."""

_PROBES: Final = 3  # one question may be at fault itself, three in a row are not


@dataclass(slots=True)
class Submitted:
    """What was handed in.

    Attributes:
        batches: Number of batches.
        cells: Cells in them.
        probed: Cells that were asked by themselves before; their answers are in the store.
        waiting: Cells in batches that were handed in before and are not collected.
        more_rounds: Whether answers lead to further questions.
    """

    batches: int = 0
    cells: int = 0
    probed: int = 0
    waiting: int = 0
    more_rounds: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """One model that is asked through batches."""

    model: ModelSettings
    engine: OpenaiEngine
    client: BatchClient


def submit_batches(
    config: RunConfig,
    *,
    folder: Path,
    base: Path,
    model: str | None = None,
    limit: int | None = None,
    show: Show,
    sleep: Callable[[float], None] = time.sleep,
) -> Submitted:
    """Hand in all cells that can be asked now, are not answered, and are in no open batch.

    A stop at any moment loses no batch and pays none twice: the next call finds what the server has made.

    Args:
        config: Settings.
        folder: Run folder, made if it does not exist.
        base: Folder that relative paths in the settings start from.
        model: The only model to ask; all of the engine ``openai`` unless given.
        limit: Cells at most.
        show: Draws progress.
        sleep: Waits some seconds.

    Raises:
        DemoscopeError: Settings, data, server or store.
    """
    run = RunFolder(folder)
    run.check_for_run()
    survey, _, personas = load_people(config, base)
    config = with_asked_items(with_places(config, base), survey)
    done = Submitted()
    with ExitStack() as stack:
        desks = open_desks(config, base, stack, only=model, sleep=sleep)
        plans = [plan_of(desk, config, survey, personas) for desk in desks]
        run.create()
        write_inputs(run, config, survey, personas)
        store = stack.enter_context(Store(run.responses))
        book = BatchBook(run.path)
        for desk in desks:
            settle(desk, book, sleep=sleep)
        book.tidy()
        taken = book.taken()
        done.waiting = len(taken)
        for desk, plan in zip(desks, plans, strict=True):
            done.more_rounds |= config.questions_of(desk.model).presentation != "single"
            left = None if limit is None else limit - done.cells - done.probed
            cells = islice(_ready(plan, store, taken), left)
            with show(f"handing in {desk.model.name}") as progress:
                if desk.engine.options.batch.probe:
                    done.probed += _probe(desk, cells, store)
                for size in _hand_in(desk, cells, book):
                    done.batches += 1
                    done.cells += size
                    progress(done.cells, max(done.cells, plan.total))
        store.flush()
    return done


def batch_status(config: RunConfig, *, folder: Path, base: Path) -> list[dict[str, Any]]:
    """All batches of a run folder and what the server says of the open ones.

    Returns:
        One row for each: ``name``, ``model``, ``state``, ``batch``, ``status``, ``cells``, ``completed``, ``failed``.

    Raises:
        DemoscopeError: Settings, server or store; there are no batches.
    """
    book = book_of(folder)
    rows = []
    with ExitStack() as stack:
        desks = {desk.model.name: desk for desk in open_desks(config, base, stack)}
        for record in book:
            row: dict[str, Any] = {"name": record.id, "model": record.model, "state": record.state}
            row |= {"batch": record.batch_id, "status": record.status, "cells": record.requests}
            row |= {"completed": None, "failed": None}
            if record.state == "submitted" and record.model in desks:
                try:
                    batch = desks[record.model].client.batch(record.batch_id or "")
                except GoneError:
                    row["status"] = UNKNOWN
                else:
                    counts = batch.counts
                    row |= {"status": batch.status, "completed": counts.completed, "failed": counts.failed}
            rows.append(row)
    return rows


def cancel_batches(
    config: RunConfig, *, folder: Path, base: Path, sleep: Callable[[float], None] = time.sleep
) -> dict[str, int]:
    """Stop all open batches; what they have answered by then is still to be collected.

    Returns:
        Number of batches by what has become of them, in the server's words; those of which it knows nothing, counted
        under :data:`UNKNOWN`, are forgotten.

    Raises:
        DemoscopeError: Settings, server or store; there are no batches.
    """
    book_of(folder)
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        desks = open_desks(config, base, stack, sleep=sleep)
        stack.enter_context(Store(RunFolder(folder).responses))
        book = BatchBook(folder)
        for desk in desks:
            settle(desk, book, sleep=sleep)
            for record in book.records("submitted", model=desk.model.name):
                try:
                    batch = desk.client.cancel(record.batch_id or "")
                except GoneError:
                    book.drop(record)
                    counts[UNKNOWN] += 1
                else:
                    book.note(record, status=batch.status)
                    counts[batch.status] += 1
    return dict(sorted(counts.items()))


def open_desks(
    config: RunConfig,
    base: Path,
    stack: ExitStack,
    *,
    only: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Desk]:
    """The models that can be asked through batches.

    Raises:
        ConfigError: There is none, or ``only`` is none of them.
    """
    names = [model.name for model in config.models if model.engine == "openai"]
    if not names:
        raise ConfigError("batches are for models with engine = 'openai'; these settings have none")
    if only is not None and only not in names:
        raise ConfigError(f"no model {only!r} with engine = 'openai'{nearest(only, names)}")
    desks = []
    for model in config.models:
        if model.name not in names or only not in {None, model.name}:
            continue
        engine = stack.enter_context(closing(make_engine(model, base)))
        assert isinstance(engine, OpenaiEngine)
        desks.append(Desk(model, engine, stack.enter_context(BatchClient(engine, sleep=sleep))))
    return desks


def plan_of(desk: Desk, config: RunConfig, survey: Survey, personas: pl.DataFrame) -> Plan:
    """What one model is asked.

    Raises:
        EngineError: It needs adapters, which batches cannot name.
    """
    plan = plan_cells(survey, personas, config=config, model=desk.model, revision=desk.engine.revision)
    for part in plan.parts:
        if part.adapted:
            raise EngineError(
                f"model {desk.model.name!r}: batches take no adapters, and steering {part.way.steering!r} needs them"
            )
    return plan


def book_of(folder: Path) -> BatchBook:
    """The batches of a run folder.

    Raises:
        ConfigError: None was ever handed in.
    """
    book = BatchBook(folder)
    if not book.path.exists():
        raise ConfigError(f"{folder}: no batches here; 'demoscope batch submit' hands some in")
    return book


def settle(desk: Desk, book: BatchBook, *, sleep: Callable[[float], None]) -> None:
    """Find out what has become of batches that a stopped call was about to make.

    What was not made is forgotten: its cells are free, and are planned anew with the settings of today.
    """
    for record in book.records("intended", model=desk.model.name):
        book.drop(record)
    for record in book.records("creating", model=desk.model.name):
        # Right after it was made, a batch may not be in the server's list yet.
        fresh = record.since + desk.engine.options.batch.settle_secs - time.time()
        if fresh > 0:
            sleep(min(fresh, desk.engine.options.batch.settle_secs))
        found = desk.client.find(record.id, file_id=record.file_id)
        if found is None:
            book.drop(record)
        else:
            book.note(record, state="submitted", batch_id=found.id, status=found.status)


def _ready(plan: Plan, store: Store, taken: set[str]) -> Iterator[Cell]:
    """Cells whose prompts are known and that nobody answers yet."""
    for cells in plan.rounds(store):
        for cell in cells:
            if not is_answered(store, cell.key) and cell.key not in taken:
                yield cell


def is_answered(store: Store, key: str) -> bool:
    """Whether a cell needs not be asked again."""
    outcome = store.outcome(key)
    return outcome is not None and outcome.status != "error"


def _probe(desk: Desk, cells: Iterator[Cell], store: Store) -> int:
    """Ask the first cell by itself.

    The engine learns the words that the server wants, and what is wrong shows before thousands of questions are
    handed in.

    Returns:
        Number of cells that were asked.

    Raises:
        EngineError: The server answers none of the first cells.
    """
    reasons: list[str] = []
    for cell in islice(cells, _PROBES):
        rows = [decode(cell, answer) for answer in desk.engine.ask([cell.request])]
        store.append(rows)
        if rows[0]["status"] != "error":
            return len(reasons) + 1
        reasons.append(str(rows[0]["reason"]))
    if len(reasons) == _PROBES:
        store.flush()
        raise EngineError(
            f"model {desk.model.name!r}: {_PROBES} questions asked by themselves ended in errors "
            f"({', '.join(reasons)}); nothing was handed in"
        )
    return len(reasons)


def _hand_in(desk: Desk, cells: Iterator[Cell], book: BatchBook) -> Iterator[int]:
    """Make batches of cells; gives the size of each once it is made and noted."""
    lines = ((cell.key, line_of(desk.engine, cell.request, endpoint=desk.client.endpoint)) for cell in cells)
    for name, path, keys in _files(lines, book, options=desk.engine.options.batch):
        record = book.intend(model=desk.model.name, keys=keys, name=name)
        file_id = desk.client.upload(path, name=f"demoscope-{name}.jsonl")
        # From here on the server may have a batch that we know nothing of, but for its mark.
        record = book.note(record, state="creating", file_id=file_id)
        try:
            batch = desk.client.create(file_id, mark=name)
        except NotMadeError:
            book.drop(record)
            raise
        book.note(record, state="submitted", batch_id=batch.id, status=batch.status)
        path.unlink()
        yield len(keys)


def _files(
    lines: Iterator[tuple[str, bytes]], book: BatchBook, *, options: BatchOptions
) -> Iterator[tuple[str, Path, list[str]]]:
    """Files of lines within the limits: name of the batch, path, keys of its cells."""
    held = next(lines, None)
    while held is not None:
        name = book.new_name()
        path = book.draft(name)
        keys: list[str] = []
        size = 0
        with path.open("wb") as file:
            while held is not None and len(keys) < options.requests and size + len(held[1]) <= options.file_bytes:
                key, line = held
                file.write(line)
                keys.append(key)
                size += len(line)
                held = next(lines, None)
        yield name, path, keys
