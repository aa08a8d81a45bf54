"""A data file alone in a ``.zip`` or ``.gz``."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import weakref
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from demoscope.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    import polars as pl

    from demoscope.surveys.files.source import Source


def open_packed(path: Path, openers: Mapping[str, Callable[[Path], Source]]) -> Source:
    """Open the one data file of an archive; it is unpacked into a folder that lives as long as what is returned.

    Args:
        path: The archive.
        openers: What opens a data file, by the end of its name in lower case.

    Raises:
        DataError: The archive is damaged, holds no or several data files, or its file cannot be opened.
    """
    folder = Path(tempfile.mkdtemp(prefix="demoscope-"))
    try:
        inner = _unpack(path, folder, openers)
        with _named(path, inner):
            source = openers[inner.suffix.lower()](inner)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise

    def cells(names: Sequence[str], integers: Collection[str]) -> pl.DataFrame:
        with _named(path, inner):
            return source.cells(names, integers)

    packed = replace(source, path=path, cells=cells)
    weakref.finalize(packed, shutil.rmtree, folder, ignore_errors=True)
    return packed


def _unpack(path: Path, folder: Path, known: Collection[str]) -> Path:
    try:
        if path.suffix.lower() == ".gz":
            inner = folder / path.stem
            if inner.suffix.lower() not in known:
                raise DataError(f"{path}: holds {path.stem!r}; known kinds of file are {', '.join(known)}")
            with gzip.open(path) as packed, inner.open("wb") as plain:
                shutil.copyfileobj(packed, plain, 1 << 20)
            return inner
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if Path(name).suffix.lower() in known]
            names = [name for name in names if not name.startswith("__MACOSX/")]
            if len(names) != 1:
                held = ", ".join(names or archive.namelist()) or "nothing"
                raise DataError(f"{path}: one data file is expected in it, it holds {len(names)}: {held}")
            inner = folder / Path(names[0]).name
            with archive.open(names[0]) as packed, inner.open("wb") as plain:
                shutil.copyfileobj(packed, plain, 1 << 20)
            return inner
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{path}: damaged archive: {error}") from None


@contextmanager
def _named(path: Path, inner: Path) -> Iterator[None]:
    """Errors name the archive, not the folder where its file lies for now."""
    try:
        yield
    except DataError as error:
        raise DataError(str(error).replace(str(inner), f"{path} ({inner.name})")) from None
