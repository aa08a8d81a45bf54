"""Files of slow formats, kept as Parquet in the user's cache once they were read.

A kept file is named by the content of its source, so it cannot be out of date; it can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from demoscope.errors import DataError
from demoscope.surveys.files.parquet import open_parquet
from demoscope.surveys.files.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

READER_VERSION: Final = 2
"""Grows when the same file would be read otherwise than before."""

CACHED_FROM_BYTES: Final = 5_000_000
"""Size of a file from which on it is kept."""

CHUNK: Final = 64
"""Columns that are converted at a time: a reader takes several times the memory of what it gives."""

_ABOUT: Final = "demoscope"
"""Key of what is known about the source in the metadata of the kept file."""


@dataclass(frozen=True)
class CachedFile:
    """One kept file.

    Attributes:
        path: Where it is kept.
        source: Name of the file that it was made from.
        bytes: Its size.
        made: When.
    """

    path: Path
    source: str
    bytes: int
    made: datetime


def cache_folder() -> Path:
    """Where data files are kept: ``$XDG_CACHE_HOME/demoscope/surveys``, by default in the cache of the user."""
    given = os.environ.get("XDG_CACHE_HOME")
    if given:
        base = Path(given)
    elif sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        base = Path(os.environ["LOCALAPPDATA"])
    else:
        base = Path.home() / ".cache"
    return base / "demoscope" / "surveys"


def cached_files() -> list[CachedFile]:
    """All kept files, by the names of their sources."""
    found = []
    for path in cache_folder().glob("*.parquet"):
        with contextlib.suppress(OSError):
            about = path.stat()
            source = _about(path).get("source", path.stem.rpartition("-")[0])
            found.append(CachedFile(path, str(source), about.st_size, datetime.fromtimestamp(about.st_mtime, UTC)))
    return sorted(found, key=lambda file: (file.source, file.path.name))


def clear_cache() -> list[CachedFile]:
    """Delete all kept files, and what an interrupted writer left; they are made again when they are needed.

    Returns:
        The files that were deleted.
    """
    files = cached_files()
    for path in (*(file.path for file in files), *cache_folder().glob("*.partial")):
        path.unlink(missing_ok=True)
    return files


def cached_source(path: Path, opener: Callable[[Path], Source]) -> Source:
    """Open a file through the cache.

    Args:
        path: The file; below ``CACHED_FROM_BYTES`` it is opened directly.
        opener: What opens it.

    Returns:
        The kept copy; the file itself, with a note, where nothing can be kept.

    Raises:
        DataError: The file cannot be read.
    """
    if path.stat().st_size < CACHED_FROM_BYTES:
        return opener(path)
    kept = cache_folder() / f"{_safe(path.stem)}-{_digest(path)}.parquet"
    if kept.is_file() and (source := _from_kept(path, kept, opener)) is not None:
        return source
    source = opener(path)
    names = source.columns
    chunks = [source.read(names[first : first + CHUNK]) for first in range(0, len(names), CHUNK)]
    frame = pl.concat(chunks, how="horizontal") if chunks else source.read()
    try:
        _keep(source, frame, kept)
    except OSError as error:
        note = f"nothing can be kept in {cache_folder()} ({error.strerror}): {path.name} is read anew each time"
        return replace(source, notes=(*source.notes, note))
    return _from_kept(path, kept, opener) or source


def _safe(stem: str) -> str:
    return re.sub(r"[^\w.-]+", "_", stem)[:80]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(f"{path.suffix.lower()} {READER_VERSION}".encode())
    return digest.hexdigest()[:40]


def _keep(source: Source, frame: pl.DataFrame, kept: Path) -> None:
    """Write a kept file whole or not at all."""
    about = {
        "source": source.path.name,
        "columns": list(source.columns),
        "rows": frame.height,
        "labels": source.labels,
        "titles": source.titles,
        "user_missing": source.user_missing,
        "notes": source.notes,
        "factors": sorted(source.factors),
    }
    kept.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=kept.parent, prefix=kept.stem, suffix=".partial")
    os.close(descriptor)
    partial = Path(name)
    try:
        frame.write_parquet(partial, metadata={_ABOUT: json.dumps(about)}, compression="zstd", compression_level=1)
        partial.replace(kept)
    finally:
        partial.unlink(missing_ok=True)


def _from_kept(path: Path, kept: Path, opener: Callable[[Path], Source]) -> Source | None:
    """A kept file as the source that it was made from; ``None`` where it is damaged."""
    try:
        parquet = open_parquet(kept)
    except DataError:
        return None
    about = _about(kept)
    if about.get("columns") != list(parquet.columns):
        return None

    def cells(names: Sequence[str], integers: Collection[str]) -> pl.DataFrame:
        try:
            return parquet.cells(names, integers)
        except DataError:  # its footer is whole and its cells are not
            kept.unlink(missing_ok=True)
            return opener(path).read(names, integers=integers)

    return Source(
        path,
        parquet.columns,
        cells,
        labels=about["labels"],
        titles=about["titles"],
        user_missing=about["user_missing"],
        notes=tuple(about["notes"]),
        factors=frozenset(about["factors"]),
    )


def _about(kept: Path) -> dict[str, Any]:
    try:
        found = json.loads(pl.read_parquet_metadata(kept).get(_ABOUT, "{}"))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
