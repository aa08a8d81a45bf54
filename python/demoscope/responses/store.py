"""The answers of a run folder: a journal while they come in, sealed Parquet parts afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from demoscope.errors import StoreError
from demoscope.responses.content import answers_hash
from demoscope.responses.journal import Journal
from demoscope.responses.lock import FolderLock
from demoscope.responses.parts import (
    CELLS_SCHEMA,
    MANIFEST,
    Manifest,
    part_name,
    read_manifest,
    read_part,
    write_manifest,
    write_part,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

SEAL_ROWS: Final = 50_000
"""A journal of that many answers is sealed at once, so that it never grows with the run."""


class Store:
    """The folder ``responses/`` of a run, held by this process.

    An answer that ``append`` took is on disk when it returns, and no later kill or power failure takes it back.
    A cell may be answered again after an error; the last answer counts.

    Args:
        folder: The folder; it is made if there is none.

    Raises:
        StoreError: Another process holds the folder, or something in it is damaged; the message names file and place.

    Attributes:
        lost_bytes: Bytes at the end of the journal that a kill cut off and that were therefore dropped, usually 0.
    """

    def __init__(self, folder: Path) -> None:
        if folder.exists() and not folder.is_dir():
            raise StoreError(f"{folder}: is a file; answers need a folder")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = FolderLock(folder / "lock")
        try:
            self._manifest = read_manifest(folder)
            self._sealed = [read_part(folder, part) for part in self._manifest.parts]
            self._journal = Journal(folder / "journal")
        except BaseException:
            self._lock.release()
            raise
        self._open: list[dict[str, Any]] = list(self._journal.rows)
        self.lost_bytes = self._journal.lost_bytes
        try:
            self._refuse_strangers()
            self._forget_what_is_sealed()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def manifest(self) -> Manifest:
        """What is sealed."""
        return self._manifest

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take answers; when this returns they are safe.

        Args:
            rows: Rows of ``schema.CELLS``.

        Raises:
            StoreError: The disk does not take them.
        """
        if not rows:
            return None
        self._journal.append(rows)
        self._open += rows
        if len(self._open) >= SEAL_ROWS:
            self.seal()
        return True

    def flush(self):
        pass

    def outcome(self, key):
        c = self.cells([key])
        if not c.height:
            return None
        from types import SimpleNamespace

        return SimpleNamespace(status=c["status"][0], reason=c["reason"][0], label_mass=c["label_mass"][0])

    def settled(self) -> set[str]:
        """Keys of the cells that need not be asked again: all answered ones but those that ended in an error."""
        cells = self.cells()
        return set(cells.filter(pl.col("status") != "error")["cell"])

    def cells(self, keys: Iterable[str] | None = None) -> pl.DataFrame:
        """Answered cells, one row each, sorted by key.

        Args:
            keys: Cells to return; ``None`` means all.

        Returns:
            Columns of ``schema.CELLS``.
        """
        frame = pl.concat([*self._sealed, pl.DataFrame(self._open, schema=CELLS_SCHEMA)])
        if keys is not None:
            frame = frame.join(pl.DataFrame({"cell": list(keys)}, schema={"cell": pl.String}), on="cell", how="semi")
        return frame.unique("cell", keep="last", maintain_order=True).sort("cell")

    def seal(self) -> Manifest:
        """Move the journal's answers into a Parquet part.

        A kill at any point leaves either the old manifest with a full journal or the new manifest: the part counts from
        the moment at which the manifest names it, and the journal is emptied after that.

        Raises:
            StoreError: The disk does not take it.
        """
        if not self._open:
            return self._manifest
        cells, rows = self.cells(), _last(self._open)
        part = write_part(self._folder, len(self._manifest.parts), rows)
        manifest = Manifest((*self._manifest.parts, part), cells.height, answers_hash(cells))
        write_manifest(self._folder, manifest)
        self._journal.clear()
        self._manifest, self._open = manifest, []
        self._sealed.append(rows)
        return manifest

    def close(self) -> None:
        """Let other processes in; nothing is sealed that was not."""
        self._journal.close()
        self._lock.release()

    def _forget_what_is_sealed(self) -> None:
        """Finish a seal that was killed between the new manifest and the emptying of the journal."""
        if self._open and self._sealed and _last(self._open).equals(self._sealed[-1]):
            self._journal.clear()
            self._open = []

    def _refuse_strangers(self) -> None:
        """Refuse sealed files that no manifest vouches for.

        The one that a kill in the middle of sealing leaves is no stranger: its rows are all in the journal still, and
        the next seal replaces it.
        """
        known = {part.file for part in self._manifest.parts}
        if self._open:
            known.add(part_name(len(self._manifest.parts)))
        for path in sorted(self._folder.glob("part-*.parquet")):
            if path.name not in known:
                raise StoreError(f"{path}: not named in {MANIFEST}; restore the manifest or move the file away")


def _last(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """The last answer to each cell, sorted by key."""
    return pl.DataFrame(rows, schema=CELLS_SCHEMA).unique("cell", keep="last", maintain_order=True).sort("cell")
