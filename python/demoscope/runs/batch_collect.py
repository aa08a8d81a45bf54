"""Fetch the answers of batches."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from demoscope.engines.base import Answer
from demoscope.engines.server.batch import GoneError
from demoscope.engines.server.batch_lines import read_line
from demoscope.responses import Store
from demoscope.responses.decode import decode
from demoscope.runs.batch import UNKNOWN, Desk, book_of, is_answered, open_desks, plan_of, settle
from demoscope.runs.batch_book import BatchBook
from demoscope.runs.execute import with_places
from demoscope.runs.folder import RunFolder
from demoscope.runs.people import load_people, with_asked_items

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from demoscope.config import RunConfig
    from demoscope.engines.server.batch import Batch, Place
    from demoscope.responses import Cell, Plan
    from demoscope.runs.batch_book import Record
    from demoscope.runs.execute import Show

SHORTEST_PAUSE: Final = 5.0
"""Seconds between the first two looks at batches; each further pause is longer by half."""

LONGEST_PAUSE: Final = 300.0
"""Seconds between two looks at most."""

_ROWS: Final = 1024  # appended to the store at once
_NAMED: Final = 5


@dataclass(slots=True)
class Collected:
    """What came back.

    Attributes:
        batches: Batches whose answers are in the store now.
        counts: Number of cells for each outcome, as in :class:`demoscope.responses.Summary`.
        errors: Cells among them that ended in an error.
        unknown: Names of answers that were not asked for; they are not stored.
        unknown_count: Number of them.
        damaged: Lines that do not say whose answer they are.
        strays: Answers to cells that the settings do not ask; their batches stay open.
        problems: Why batches failed.
        open_batches: Batches that have not ended.
        waiting: Cells in them.
        ready: Cells that can be handed in now.
    """

    batches: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    unknown: list[str] = field(default_factory=list)
    unknown_count: int = 0
    damaged: int = 0
    strays: int = 0
    problems: list[str] = field(default_factory=list)
    open_batches: int = 0
    waiting: int = 0
    ready: int = 0


def collect_batches(
    config: RunConfig,
    *,
    folder: Path,
    base: Path,
    wait: bool = False,
    show: Show,
    sleep: Callable[[float], None] = time.sleep,
) -> Collected:
    """Put the answers of all batches that have ended into the store.

    Calling it again changes nothing.
    While it waits others may use the folder.

    Args:
        config: Settings, those with which the batches were handed in.
        folder: Run folder.
        base: Folder that relative paths in the settings start from.
        wait: Whether to wait until all batches have ended.
        show: Draws progress.
        sleep: Waits some seconds.

    Raises:
        DemoscopeError: Settings, data, server or store; there are no batches.
    """
    book_of(folder)
    survey, _, personas = load_people(config, base)
    config = with_asked_items(with_places(config, base), survey)
    run, done, pause = RunFolder(folder), Collected(), SHORTEST_PAUSE
    with ExitStack() as stack:
        desks = open_desks(config, base, stack, sleep=sleep)
        plans = [plan_of(desk, config, survey, personas) for desk in desks]
        with Store(run.responses):
            book = BatchBook(folder)
            for desk in desks:
                settle(desk, book, sleep=sleep)
            book.tidy()
        with show("waiting for batches") as progress:
            seen: set[str] = set()
            while True:
                ended, waiting = _look(desks, BatchBook(folder), seen, done, progress)
                if ended or not (wait and waiting):
                    _take_all(desks, plans, ended, run=run, done=done)
                    seen |= {record.id for record, _ in ended}
                if not (wait and waiting):
                    return done
                sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 1.5)


def _look(
    desks: Sequence[Desk], book: BatchBook, seen: set[str], done: Collected, progress: Callable[[int, int], None]
) -> tuple[list[tuple[Record, Batch]], int]:
    """Batches that have ended and were not looked into, and how many have not."""
    ended: list[tuple[Record, Batch]] = []
    waiting = answered = total = 0
    for desk in desks:
        for record in book.records("submitted", model=desk.model.name):
            if record.id in seen:
                continue
            try:
                batch = desk.client.batch(record.batch_id or "")
            except GoneError:
                seen.add(record.id)
                done.problems.append(f"batch {record.batch_id}: {UNKNOWN}; 'demoscope batch cancel' forgets it")
                continue
            total += record.requests
            answered += record.requests if batch.ended else batch.counts.completed + batch.counts.failed
            if batch.ended:
                ended.append((record, batch))
            else:
                waiting += 1
    if total:
        progress(answered, total)
    return ended, waiting


def _take_all(
    desks: Sequence[Desk],
    plans: Sequence[Plan],
    ended: Sequence[tuple[Record, Batch]],
    *,
    run: RunFolder,
    done: Collected,
) -> None:
    with Store(run.responses) as store:
        book = BatchBook(run.path)
        # Somebody else may have collected them since.
        still_open = {record.id for record in book.records("submitted")}
        ended = [(record, batch) for record, batch in ended if record.id in still_open]
        fresh = {record.id for record, _ in ended}
        flying = [record for record in book.records("intended", "creating", "submitted") if record.id not in fresh]
        on_their_way = {key for record in flying for key in book.keys(record)}
        done.open_batches, done.waiting, done.ready = len(flying), len(on_their_way), 0
        for desk, plan in zip(desks, plans, strict=True):
            own = [(record, batch) for record, batch in ended if record.model == desk.model.name]
            _take(desk, plan, own, store=store, book=book, done=done, on_their_way=on_their_way)


def _take(
    desk: Desk,
    plan: Plan,
    ended: Sequence[tuple[Record, Batch]],
    *,
    store: Store,
    book: BatchBook,
    done: Collected,
    on_their_way: set[str],
) -> None:
    """Put the answers of one model's batches into the store, then note that they are there."""
    path = book.draft("answers")
    with path.open("w+b") as file:
        held: dict[str, tuple[str, Place | None]] = {}
        for record, batch in ended:
            held |= _fetch(desk, record, batch, file=file, book=book, done=done)
        outcomes: dict[str, Counter[str]] = {record.id: Counter() for record, _ in ended}
        rows: list[dict[str, Any]] = []
        for cells in plan.rounds(store):
            for cell in cells:
                answered = is_answered(store, cell.key)
                name, place = held.pop(cell.key, (None, None))
                if name is not None:
                    row = decode(cell, _answer(desk, cell, place, file))
                    outcomes[name][_outcome_of(row)] += 1
                    # What was answered meanwhile in another way stays.
                    if not answered:
                        rows.append(row)
                        answered = row["status"] != "error"
                done.ready += not answered and cell.key not in on_their_way
                if len(rows) >= _ROWS:
                    store.append(rows)
                    rows = []
            # The prompts of the next round follow from what is stored.
            store.append(rows)
            rows = []
        store.flush()
        store.seal()
    strays = Counter(name for name, _ in held.values())
    for record, batch in ended:
        counts = outcomes[record.id]
        done.counts += counts
        done.errors += sum(number for words, number in counts.items() if words.split(":")[0] == "error")
        done.strays += strays[record.id]
        if not strays[record.id]:
            book.note(record, state="collected", status=batch.status, counts=dict(sorted(counts.items())))
            done.batches += 1
    path.unlink()


def _fetch(
    desk: Desk, record: Record, batch: Batch, *, file: BinaryIO, book: BatchBook, done: Collected
) -> dict[str, tuple[str, Place | None]]:
    """Download the answers of one batch: name of the batch and place of the line, by key of the cell."""
    if batch.status == "failed":
        done.problems.append(f"batch {batch.id}: {desk.client.problem_of(batch)}")
    keys = set(book.keys(record))
    found: dict[str, tuple[str, Place | None]] = {}
    for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
        for key, place in desk.client.download(file_id, file):
            if key is None:
                done.damaged += 1
            elif key not in keys:
                done.unknown_count += 1
                if len(done.unknown) < _NAMED:
                    done.unknown.append(key)
            else:
                found.setdefault(key, (record.id, place))
    if batch.status == "completed":
        found |= dict.fromkeys(keys - found.keys(), (record.id, None))
    return found


def _answer(desk: Desk, cell: Cell, place: Place | None, file: BinaryIO) -> Answer:
    if place is None:
        return Answer(cell.key, "error", reason="batch_missing")
    file.seek(place.start)
    return read_line(desk.engine, cell.request, file.read(place.size))


def _outcome_of(row: Mapping[str, Any]) -> str:
    return str(row["status"]) if row["reason"] is None else f"{row['status']}: {row['reason']}"
