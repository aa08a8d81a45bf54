"""Writing files so that they are whole or not there."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from demoscope.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DRAFT: Final = ".new"
"""Ending of a file that is not complete yet; one that a kill leaves behind means nothing."""


@contextmanager
def disk_errors(path: Path, what: str) -> Iterator[None]:
    """Turn what the operating system refuses into a ``StoreError`` that names the file."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: {what}: {error.strerror or error}") from error


def write_all(file: int, data: bytes) -> None:
    """Write all bytes; a disk may take them in pieces."""
    rest = memoryview(data)
    while rest:
        taken = os.write(file, rest)
        if taken == 0:
            raise OSError(errno.EIO, "the disk takes no bytes")
        rest = rest[taken:]


def read_all(file: int, size: int) -> bytes:
    """The first ``size`` bytes of an open file, or fewer where it ends."""
    pieces: list[bytes] = []
    done = 0
    while done < size and (piece := os.pread(file, size - done, done)):
        pieces.append(piece)
        done += len(piece)
    return b"".join(pieces)


def sync_folder(folder: Path) -> None:
    """Make names in a folder last: after this a new or renamed file is still there when the power fails."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, data: bytes) -> None:
    """Put a file in place in one step: at any moment the old one or the new one is there, never a part of it."""
    draft = path.with_name(path.name + DRAFT)
    try:
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o644)
        try:
            write_all(file, data)
            os.fsync(file)
        finally:
            os.close(file)
        draft.replace(path)
    except OSError:
        # Half a file on a full disk is in the way of everything else.
        with suppress(OSError):
            draft.unlink()
        raise
    sync_folder(path.parent)
