r"""An append-only file of answers, safe against being killed at any moment.

The file is a header and records, one for each group of answers that was made safe together::

    header   8 bytes   b"DSJRNL1\n"
    record   4 bytes   b"\xd5REC"
             8 bytes   length of the payload, unsigned, little endian
            16 bytes   BLAKE2b-128 of length and payload
             n bytes   payload: JSON lines, one answer each

A record that is cut off or damaged at the end of the file was never acknowledged, and is cut away.
The same with good records behind it is damage to acknowledged answers, and an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from typing import TYPE_CHECKING, Any, Final

from demoscope.errors import StoreError
from demoscope.responses.cell import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

HEADER: Final = b"DSJRNL1\n"
MARK: Final = b"\xd5REC"

_LENGTH: Final = struct.Struct("<Q")
_CHECKSUM_SIZE: Final = 16
_PREFIX_SIZE: Final = len(MARK) + _LENGTH.size + _CHECKSUM_SIZE


class Journal:
    """The open journal of a store.

    Args:
        path: The file; it is made if there is none.

    Raises:
        StoreError: The file is no journal, or acknowledged answers in it are damaged; the message names the offset.

    Attributes:
        rows: Answers that were in the file, in the order in which they were written.
        lost_bytes: Size of what was cut away at the end, 0 if nothing was.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        try:
            data = path.read_bytes()
            self.rows, end = _read(data, path)
            self.lost_bytes = len(data) - end
            if end == 0:
                os.ftruncate(self._file, 0)
                _write(self._file, HEADER)
                sync_folder(path.parent)
            elif self.lost_bytes:
                os.ftruncate(self._file, end)
            os.fsync(self._file)
        except BaseException:
            os.close(self._file)
            raise

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write a group of answers; when this returns they are on disk.

        Raises:
            StoreError: The disk does not take them.
        """
        try:
            _write(self._file, _record(rows))
            os.fsync(self._file)
        except OSError as error:
            raise StoreError(f"{self._path}: answers cannot be written: {error.strerror}") from error

    def clear(self) -> None:
        """Forget all answers, which are safe elsewhere now."""
        os.ftruncate(self._file, len(HEADER))
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def sync_folder(folder: Path) -> None:
    """Make names in a folder last: after this a new or renamed file is still there when the power fails."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _record(rows: Iterable[dict[str, Any]]) -> bytes:
    payload = b"\n".join(canonical(row) for row in rows)
    return MARK + _LENGTH.pack(len(payload)) + _checksum(payload) + payload


def _checksum(payload: bytes) -> bytes:
    return hashlib.blake2b(_LENGTH.pack(len(payload)) + payload, digest_size=_CHECKSUM_SIZE).digest()


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _read(data: bytes, path: Path) -> tuple[list[dict[str, Any]], int]:
    """All answers of a journal and where the last good record ends; 0 where not even the header is complete."""
    if not data.startswith(HEADER):
        if HEADER.startswith(data):
            return [], 0
        raise StoreError(f"{path}: not a journal of answers: it begins with {data[:8]!r}")
    rows: list[dict[str, Any]] = []
    offset = len(HEADER)
    while offset < len(data):
        payload = _payload(data, offset)
        if payload is None:
            _refuse_damage_before_good_records(data, offset, path)
            break
        rows += [json.loads(line) for line in payload.split(b"\n")]
        offset += _PREFIX_SIZE + len(payload)
    return rows, offset


def _payload(data: bytes, offset: int) -> bytes | None:
    """Payload of the record that starts at ``offset``, or ``None`` if there is no good one."""
    start = offset + _PREFIX_SIZE
    if len(data) < start or data[offset : offset + len(MARK)] != MARK:
        return None
    (length,) = _LENGTH.unpack_from(data, offset + len(MARK))
    payload = data[start : start + length]
    if len(payload) < length or _checksum(payload) != data[start - _CHECKSUM_SIZE : start]:
        return None
    return payload


def _refuse_damage_before_good_records(data: bytes, offset: int, path: Path) -> None:
    place = data.find(MARK, offset + 1)
    while place >= 0:
        if _payload(data, place) is not None:
            raise StoreError(
                f"{path}: damaged at byte {offset}, with good answers from byte {place} on; "
                f"restore the file from a copy, or remove it and ask its cells again"
            )
        place = data.find(MARK, place + 1)
