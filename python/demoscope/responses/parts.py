"""Sealed answers: Parquet files, and a manifest that vouches for them."""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from demoscope.errors import StoreError
from demoscope.responses.journal import sync_folder
from demoscope.schema import CELLS, check_columns

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST: Final = "manifest.json"
FORMAT: Final = "demoscope-responses-1"

CELLS_SCHEMA: Final[dict[str, Any]] = {
    name: {
        "String": pl.String,
        "Float64": pl.Float64,
        "Int64": pl.Int64,
        "Int32": pl.Int32,
        "List(Float64)": pl.List(pl.Float64),
    }[dtype]
    for name, dtype in CELLS.items()
}
"""``schema.CELLS`` in types of Polars."""


@dataclass(frozen=True, slots=True)
class Part:
    """One sealed file.

    Attributes:
        file: Its name.
        rows: Its number of rows.
        sha256: Of all its bytes.
    """

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is sealed.

    Attributes:
        parts: Files in the order in which they were sealed; a later answer to a cell replaces an earlier one.
        cells: Number of distinct cells in them.
        content_hash: ``answers_hash`` of them.
    """

    parts: tuple[Part, ...] = ()
    cells: int = 0
    content_hash: str = ""


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
        return Manifest(tuple(Part(**part) for part in table["parts"]), table["cells"], table["content_hash"])
    except FileNotFoundError:
        return Manifest()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: not a manifest of answers: {error}") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step."""
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=2) + "\n"
    _replace(folder / MANIFEST, text.encode())


def write_part(folder: Path, number: int, cells: pl.DataFrame) -> Part:
    """Seal answers in a file of their own; until a manifest names it, it does not count."""
    buffer = io.BytesIO()
    cells.write_parquet(buffer, compression="zstd", statistics=False)
    data = buffer.getvalue()
    name = part_name(number)
    _replace(folder / name, data)
    return Part(name, cells.height, hashlib.sha256(data).hexdigest())


def read_part(folder: Path, part: Part) -> pl.DataFrame:
    """Answers of one file, parsed only after its bytes have been checked.

    Polars reads most Parquet files with a flipped bit without an error.

    Raises:
        StoreError: The file is absent, or its bytes are not those that were sealed.
    """
    path = folder / part.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: sealed answers cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise StoreError(f"{path}: damaged: its SHA-256 is not the one in {MANIFEST}")
    return check_columns(pl.read_parquet(io.BytesIO(data)), CELLS, what=str(path))


def part_name(number: int) -> str:
    """Name of the sealed file of that number, counted from 0."""
    return f"part-{number:05d}.parquet"


def _replace(path: Path, data: bytes) -> None:
    draft = path.with_name(f"{path.name}.new")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from error
