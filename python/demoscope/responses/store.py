"""The answers of a run folder: a journal while they come in, sealed Parquet parts afterwards."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from demoscope.errors import StoreError
from demoscope.responses.content import frame_sum, lines_sum, sum_text
from demoscope.responses.disk import DRAFT, disk_errors, sync_folder
from demoscope.responses.index import Index, Outcome, Outcomes, key_array
from demoscope.responses.journal import Journal
from demoscope.responses.lock import FolderLock
from demoscope.responses.pace import Pace
from demoscope.responses.parts import (
    MANIFEST,
    DamagedPartError,
    Manifest,
    Part,
    part_name,
    read_manifest,
    read_part,
    write_manifest,
    write_part,
)
from demoscope.responses.rows import CELLS_SCHEMA, decode_line, encode_row, frame_of, key_bytes, line_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

SEAL_ROWS: Final = 25_000
"""A journal of that many answers is sealed at once, so that neither it nor its room in memory grows with the run."""

SEAL_BYTES: Final = 16 * 2**20
"""The same for long texts."""

_OUTCOME_COLUMNS: Final = ("cell", "status", "reason", "label_mass")
_STATUS, _REASON, _MASS = (list(CELLS_SCHEMA).index(name) for name in _OUTCOME_COLUMNS[1:])
_DRAFTS: Final = re.compile(rf"(part-\d+\.parquet|{re.escape(MANIFEST)}|journal(\.damaged.*)?){re.escape(DRAFT)}")

_log = logging.getLogger(__name__)


class Store:
    """The folder ``responses/`` of a run, held by this process.

    An answer is on disk once ``append`` returned ``True`` or ``flush`` returned after it; no later kill or power
    failure takes it back.
    A kill takes back nothing that ``append`` took at all.
    A cell may be answered again; the last answer counts.

    Memory holds 28 bytes for each sealed answer, and at most ``SEAL_ROWS`` outcomes beside them; answers themselves are
    read from the disk, one file at a time.

    Sealed files that are damaged or absent are named by a warning and in ``damaged`` before anything else happens;
    their cells count as never answered.
    A store whose method raised a ``StoreError`` can be used further: nothing that was safe is lost, and what the error
    left half-done is finished or undone by the next call.

    Args:
        folder: The folder; it is made if there is none.
        clock: Seconds that never fall, for the pace of fsyncs.

    Raises:
        StoreError: Another process holds the folder, the manifest cannot be read, a file is there for which it does not
            vouch, or the disk refuses something; the message names the file.

    Attributes:
        lost_bytes: Bytes at the end of the journal that a kill cut off and that were therefore dropped, usually 0.
        damaged: Names of files that were damaged or absent when the store was opened.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        if folder.exists() and not folder.is_dir():
            raise StoreError(f"{folder}: is a file; answers need a folder")
        with disk_errors(folder, "the folder cannot be made"):
            folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._outcomes = Outcomes()
        self._index = Index()
        # Outcomes of the journal, and how many of its cells are not sealed yet.
        self._open: dict[bytes, tuple[int, float]] = {}
        self._open_rows = self._open_cells = 0
        # Ctrl-C comes at any moment: whether ``_open`` may lack rows of the journal, and ``_index`` be half-changed.
        self._stale = self._half_merged = False
        self._synced_size = 0
        # A manifest that was about to be written; whether it is in place is looked up afterwards.
        self._attempt: Manifest | None = None
        self.damaged: tuple[str, ...] = ()
        self._closed = False
        self._lock = FolderLock(folder / "lock")
        try:
            self._manifest = read_manifest(folder)
            self._journal = Journal(folder / "journal")
        except BaseException:
            self._lock.release()
            raise
        try:
            self.lost_bytes = self._journal.lost_bytes
            self._pace = Pace(clock)
            self._load()
        except BaseException:
            self._let_go()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except StoreError as second:
            if error is None:
                raise
            # What broke first says more; the rows that are not safe were never said to be.
            _log.warning("%s", second)

    def __len__(self) -> int:
        """Number of distinct answered cells."""
        return len(self._index) + self._open_cells

    @property
    def manifest(self) -> Manifest:
        """What is sealed."""
        return self._manifest

    def append(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Take answers.

        They are written at once and made safe from time to time (see ``pace``): an fsync for each group would cost more
        than a fast model.
        Nothing happens between two calls, so call ``flush`` before waiting for long.

        Args:
            rows: Rows of ``schema.CELLS``; keys are 32 hexadecimal digits.

        Returns:
            ``True`` if everything taken so far is safe, ``False`` if that is still due.

        Raises:
            StoreError: A row is none, or the disk does not take them; then none of ``rows`` is said to be safe, and
                they may be appended again.
        """
        self._settle()
        if rows:
            encoded = [encode_row(row) for row in rows]
            self._stale = True
            self._journal.append([line for line, _ in encoded])
            self._note(values for _, values in encoded)
            self._stale = False
        if self._open_rows >= SEAL_ROWS or self._journal.size >= SEAL_BYTES:
            self.seal()
        elif self._synced_size != self._journal.size and self._pace.due():
            self.flush()
        return self._synced_size == self._journal.size

    def flush(self) -> None:
        """Make everything taken so far safe.

        Raises:
            StoreError: The disk does not take it.
        """
        self._settle()
        if self._synced_size != self._journal.size:
            self._pace.timed(self._journal.sync)
            self._synced_size = self._journal.size

    def outcome(self, key: str) -> Outcome | None:
        """What the last answer to a cell came to; ``None`` if there is none."""
        raw = key_bytes(key)
        if raw is None:
            return None
        packed = self._open.get(raw) or self._index.get(raw)
        return None if packed is None else self._outcomes.unpack(*packed)

    def settled(self, key: str) -> bool:
        """Whether a cell need not be asked again: it is answered, and not with an error."""
        outcome = self.outcome(key)
        return outcome is not None and outcome.status != "error"

    def cells(self, keys: Iterable[str] | None = None) -> pl.DataFrame:
        """Answered cells, one row each, sorted by key.

        Files are read one after the other, and rows that are not wanted are dropped at once.

        Args:
            keys: Cells to return; ``None`` means all.

        Returns:
            Columns of ``schema.CELLS``.

        Raises:
            StoreError: A file has been damaged since the store was opened.
        """
        self._settle()
        wanted = None if keys is None else list(dict.fromkeys(keys))
        pieces = self._sealed(wanted)
        if self._open_rows:
            lines = self._last_lines()
            raw = lines.keys() if wanted is None else map(key_bytes, wanted)
            pieces.append(frame_of([lines[key] for key in raw if key in lines]))
        return (
            pl.concat([pl.DataFrame(schema=CELLS_SCHEMA), *pieces])
            .unique("cell", keep="last", maintain_order=True)
            .sort("cell")
        )

    def seal(self) -> Manifest:
        """Move the journal's answers into a Parquet part; everything taken so far is safe then.

        A kill at any point leaves either the old manifest with a full journal or the new manifest: the part counts from
        the moment at which the manifest names it, and the journal is emptied after that.

        Raises:
            StoreError: The disk does not take it.
        """
        # Before a new file is there: if the power failed in between and took the journal's end, the file would hold
        # answers that are nowhere else, and nobody would vouch for it.
        self.flush()
        if not self._open_rows:
            return self._manifest
        lines = self._last_lines()
        total = lines_sum(lines.values())
        replaced = self._index.places(key_array(list(lines)))[1]
        old = [key.hex() for key, known in zip(lines, replaced, strict=True) if known]
        gone = frame_sum(_last(self._sealed(old))) if old else 0
        before = self._manifest
        part = write_part(
            self._folder,
            before.next_part,
            frame_of([lines[key] for key in sorted(lines)]),
            content_hash=sum_text(total),
        )
        self._attempt = Manifest(
            (*before.parts, part),
            len(self),
            sum_text(int(before.content_hash or "0", 16) + total - gone),
            before.next_part + 1,
        )
        write_manifest(self._folder, self._attempt)
        self._adopt(self._attempt)
        return self._manifest

    def close(self) -> None:
        """Make everything safe and let other processes in; nothing is sealed that was not.

        Raises:
            StoreError: The disk does not take what is not safe yet; others are let in all the same.
        """
        if self._closed:
            return
        try:
            self.flush()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self._closed = True
        try:
            self._journal.close()
        finally:
            self._lock.release()

    def _load(self) -> None:
        """Read what the folder holds."""
        self._refuse_strangers()
        with disk_errors(self._folder, "cannot be tidied"):
            for path in sorted(self._folder.iterdir()):
                if _DRAFTS.fullmatch(path.name):
                    path.unlink()
        if self._journal.damage:
            self.damaged += ("journal",)
        self._index_parts()
        lines = self._last_lines()
        last = self._manifest.parts[-1:]
        if lines and last and last[0].content_hash == sum_text(lines_sum(lines.values())):
            # A kill between the new manifest and the emptying of the journal.
            self._journal.clear()
        else:
            self._note(map(decode_line, lines.values()))
        self._synced_size = self._journal.size

    def _index_parts(self) -> None:
        """Build the index from all good parts; take the others out of the manifest."""
        good: list[Part] = []
        for part in self._manifest.parts:
            try:
                self._index_part(part)
            except DamagedPartError as error:
                self._set_aside(part, error)
            else:
                good.append(part)
        if len(good) < len(self._manifest.parts):
            total = self._sum_of(good)
            manifest = Manifest(tuple(good), len(self._index), sum_text(total), self._manifest.next_part)
            write_manifest(self._folder, manifest)
            self._manifest = manifest

    def _index_part(self, part: Part) -> None:
        frame = read_part(self._folder, part, columns=_OUTCOME_COLUMNS)
        packed = [self._outcomes.pack(*row) for row in frame.select(_OUTCOME_COLUMNS[1:]).iter_rows()]
        self._index.merge(_keys(frame), packed)

    def _set_aside(self, part: Part, error: DamagedPartError) -> None:
        path = self._folder / part.file
        self.damaged += (part.file,)
        if path.exists():
            with disk_errors(path, "damaged, and cannot be set aside"):
                path.replace(path.with_name(f"{part.file}.damaged"))
                sync_folder(self._folder)
        _log.warning("%s; its %d answers count as never given", error, part.rows)

    def _sum_of(self, parts: Sequence[Part]) -> int:
        """Sum of the digests of the last answers of sealed files, one file after the other."""
        counted = np.zeros(len(self._index), np.bool_)
        total = 0
        for part in reversed(parts):
            frame = read_part(self._folder, part)
            places, _ = self._index.places(_keys(frame))
            total += frame_sum(frame.filter(pl.Series(~counted[places])))
            counted[places] = True
        return total

    def _sealed(self, keys: Sequence[str] | None) -> list[pl.DataFrame]:
        """Sealed answers to some cells, in the order in which they were given."""
        wanted = None if keys is None else pl.Series("cell", keys, dtype=pl.String)
        return [read_part(self._folder, part, keys=wanted) for part in self._manifest.parts]

    def _last_lines(self) -> dict[bytes, bytes]:
        """The last line of the journal for each cell."""
        return {line_key(line): line for line in self._journal.lines()}

    def _note(self, rows: Iterable[Sequence[Any]]) -> None:
        """Remember outcomes of rows that lie in the journal."""
        fresh: list[bytes] = []
        for values in rows:
            key = bytes.fromhex(values[0])
            if key not in self._open:
                fresh.append(key)
            self._open[key] = self._outcomes.pack(values[_STATUS], values[_REASON], values[_MASS])
            self._open_rows += 1
        self._open_cells += len(fresh) - int(self._index.places(key_array(fresh))[1].sum())

    def _settle(self) -> None:
        """Finish or undo what an error interrupted."""
        if self._closed:
            raise StoreError(f"{self._folder}: the store is closed")
        if self._half_merged:
            self._index = Index()
            for part in self._manifest.parts:
                self._index_part(part)
            self._open, self._open_rows, self._open_cells = {}, 0, 0
            self._half_merged = False
        if self._stale:
            self._open, self._open_rows, self._open_cells = {}, 0, 0
            self._note(map(decode_line, self._journal.lines()))
            self._stale = False
        if self._attempt is None:
            return
        if read_manifest(self._folder) == self._attempt:
            with disk_errors(self._folder, "cannot be made safe"):
                sync_folder(self._folder)
            self._adopt(self._attempt)
        else:
            self._attempt = None

    def _adopt(self, manifest: Manifest) -> None:
        """Go over to a manifest that is in place and names all answers of the journal."""
        self._journal.clear()
        self._synced_size = self._journal.size
        self._manifest, self._attempt, self._half_merged = manifest, None, True
        self._index.merge(key_array(list(self._open)), list(self._open.values()))
        self._open, self._open_rows, self._open_cells = {}, 0, 0
        self._half_merged = False

    def _refuse_strangers(self) -> None:
        """Refuse sealed files that no manifest vouches for.

        The one that a kill in the middle of sealing leaves is no stranger: its rows are all in the journal still, and
        the next seal replaces it.
        """
        known = {part.file for part in self._manifest.parts}
        if self._journal.lines():
            known.add(part_name(self._manifest.next_part))
        for path in sorted(self._folder.glob("part-*.parquet")):
            if path.name not in known:
                raise StoreError(f"{path}: not named in {MANIFEST}; restore the manifest or move the file away")


def _keys(frame: pl.DataFrame) -> NDArray[Any]:
    return key_array([bytes.fromhex(key) for key in frame["cell"]])


def _last(pieces: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The last answer to each cell."""
    return pl.concat(pieces).unique("cell", keep="last", maintain_order=True)
