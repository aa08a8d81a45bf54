"""Sealed answers: Parquet files, and a manifest that vouches for them."""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from demoscope.errors import StoreError
from demoscope.responses.disk import disk_errors, replace_file
from demoscope.schema import CELLS, check_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MANIFEST: Final = "manifest.json"
FORMAT: Final = "demoscope-responses-2"

_PART_NAME: Final = re.compile(r"part-\d{5,}\.parquet")


class DamagedPartError(StoreError):
    """A sealed file is absent, or its bytes are not those that were sealed."""


@dataclass(frozen=True, slots=True)
class Part:
    """One sealed file.

    Attributes:
        file: Its name.
        rows: Its number of rows.
        sha256: Of all its bytes.
        content_hash: ``answers_hash`` of its rows.
    """

    file: str
    rows: int
    sha256: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is sealed.

    Attributes:
        parts: Files in the order in which they were sealed; a later answer to a cell replaces an earlier one.
        cells: Number of distinct cells in them.
        content_hash: ``answers_hash`` of them.
        next_part: Number of the file that is sealed next; numbers of damaged files are not used again.
    """

    parts: tuple[Part, ...] = ()
    cells: int = 0
    content_hash: str = ""
    next_part: int = 0


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder; an empty one where nothing is sealed yet.

    Raises:
        StoreError: It cannot be read, or is not one.
    """
    path = folder / MANIFEST
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        if table["format"] != FORMAT:
            raise StoreError(f"{path}: format {table['format']!r}, expected {FORMAT!r}")
        parts = tuple(Part(**part) for part in table["parts"])
        if strange := [part.file for part in parts if not _PART_NAME.fullmatch(part.file)]:
            raise StoreError(f"{path}: {strange[0]!r} is no name of sealed answers")
        return Manifest(parts, int(table["cells"]), str(table["content_hash"]), int(table["next_part"]))
    except FileNotFoundError:
        return Manifest()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: not a manifest of answers: {error}") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step.

    Raises:
        StoreError: The disk does not take it; then either manifest may be in place.
    """
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=2) + "\n"
    with disk_errors(folder / MANIFEST, "cannot be written"):
        replace_file(folder / MANIFEST, text.encode())


def write_part(folder: Path, number: int, cells: pl.DataFrame, *, content_hash: str) -> Part:
    """Seal answers in a file of their own; until a manifest names it, it does not count.

    Raises:
        StoreError: The disk does not take it.
    """
    buffer = io.BytesIO()
    cells.write_parquet(buffer, compression="zstd", statistics=False)
    data = buffer.getvalue()
    name = part_name(number)
    with disk_errors(folder / name, "cannot be written"):
        replace_file(folder / name, data)
    return Part(name, cells.height, hashlib.sha256(data).hexdigest(), content_hash)


def read_part(
    folder: Path, part: Part, *, columns: Sequence[str] | None = None, keys: pl.Series | None = None
) -> pl.DataFrame:
    """Answers of one file, parsed only after its bytes have been checked.

    Polars reads most Parquet files with a flipped bit without an error.
    The check costs less than the parsing, so it is made each time.

    Args:
        folder: Where the file lies.
        part: What the manifest says of it.
        columns: Columns to parse; ``None`` means all of ``schema.CELLS``.
        keys: Cells whose rows are returned; ``None`` means all.

    Raises:
        DamagedPartError: The file is absent, or its bytes are not those that were sealed.
        StoreError: It cannot be read for another reason, which may pass.
    """
    path = folder / part.file
    try:
        with disk_errors(path, "sealed answers cannot be read"):
            data = path.read_bytes()
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise DamagedPartError(f"{path}: absent, though {MANIFEST} names it") from error
        raise
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise DamagedPartError(f"{path}: damaged: its SHA-256 is not the one in {MANIFEST}")
    wanted = CELLS if columns is None else {name: CELLS[name] for name in columns}
    if keys is None:
        frame = pl.read_parquet(io.BytesIO(data), columns=list(wanted))
    else:
        # Polars parses the other columns for these rows alone, which takes a third of the memory of a join afterwards.
        chosen = pl.col("cell").is_in(keys.implode())
        frame = pl.scan_parquet(io.BytesIO(data)).select(list(wanted)).filter(chosen).collect()
    return check_columns(frame, wanted, what=str(path))


def part_name(number: int) -> str:
    """Name of the sealed file of that number, counted from 0."""
    return f"part-{number:05d}.parquet"
