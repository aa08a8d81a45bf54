r"""An append-only file of lines, safe against being killed at any moment.

The file is a header and records, one for each group of lines that was written together::

    header   8 bytes   b"DSJRNL2\n"
    record   4 bytes   b"\xd5REC"
             8 bytes   length of the payload, unsigned, little endian
            16 bytes   BLAKE2b-128 of length and payload
             n bytes   payload: lines without line breaks in them, with a line break between two

A record that is cut off at the end of the file was never acknowledged, and is cut away.
Anything else that is no good record is damage: the file is copied aside, good records before and after it are kept, and
the bytes are named.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from demoscope.errors import StoreError
from demoscope.responses.disk import DRAFT, disk_errors, read_all, replace_file, sync_folder, write_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HEADER: Final = b"DSJRNL2\n"
MARK: Final = b"\xd5REC"

_LENGTH: Final = struct.Struct("<Q")
_CHECKSUM_SIZE: Final = 16
_PREFIX_SIZE: Final = len(MARK) + _LENGTH.size + _CHECKSUM_SIZE
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)

_log = logging.getLogger(__name__)


class Journal:
    """The open journal of a store.

    After an error each method can be called again: what an error left half-done is finished or undone first.

    Args:
        path: The file; it is made if there is none.

    Raises:
        StoreError: The file is no journal, or the disk refuses it.

    Attributes:
        lost_bytes: Size of what was cut away at the end, 0 if nothing was.
        damage: Ranges of bytes, from and up to, that held lines once and hold none now.
        size: Bytes of the file that count.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = self.lost_bytes = 0
        self.damage: list[tuple[int, int]] = []
        # Torn: the file may be longer than ``size``. Unsure: an fsync failed, or was cut short.
        self._torn = self._unsure = False
        with disk_errors(path, "answers cannot be opened"):
            self._file = os.open(path, _FLAGS, 0o644)
            try:
                self._open()
            except BaseException:
                os.close(self._file)
                raise

    def append(self, lines: Sequence[bytes]) -> None:
        """Write a group of lines, in one record; after ``sync`` they outlast a power failure, and a kill before.

        Raises:
            StoreError: The disk does not take them.
        """
        if not lines:
            return
        with disk_errors(self._path, "answers cannot be written"):
            if self._torn:
                os.ftruncate(self._file, self.size)
            self._torn = True
            record = _record(lines)
            write_all(self._file, record)
            self.size += len(record)
            self._torn = False

    def sync(self) -> None:
        """Make everything written so far safe.

        After a failed fsync Linux takes its pages for clean, so that the next one succeeds and means nothing; then, and
        when somebody has removed the file, everything is written once more to a new file.

        Raises:
            StoreError: The disk does not take it.
        """
        with disk_errors(self._path, "answers cannot be made safe"):
            if self._unsure or not self._in_place():
                self._unsure = True
                self._renew(self._payloads())
            else:
                self._unsure = True
                os.fsync(self._file)
            self._unsure = False

    def clear(self) -> None:
        """Forget all lines, which are safe elsewhere now.

        Raises:
            StoreError: The disk does not take it.
        """
        with disk_errors(self._path, "the journal cannot be emptied"):
            self._torn = True
            os.ftruncate(self._file, len(HEADER))
            self.size = len(HEADER)
            self._torn = False
        self.sync()

    def lines(self) -> list[bytes]:
        """All lines, in the order in which they were written, as they lie on the disk.

        Raises:
            StoreError: They cannot be read back.
        """
        with disk_errors(self._path, "answers cannot be read"):
            return [line for payload in self._payloads() for line in bytes(payload).split(b"\n")]

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _open(self) -> None:
        data = read_all(self._file, os.fstat(self._file).st_size)
        payloads, self.damage, end = _read(data, self._path)
        self.size, self.lost_bytes = end, len(data) - end
        if end == 0:
            os.ftruncate(self._file, 0)
            write_all(self._file, HEADER)
            self.size = len(HEADER)
            sync_folder(self._path.parent)
        elif self.damage:
            self._mend(data, payloads)
        elif self.lost_bytes:
            os.ftruncate(self._file, end)
        os.fsync(self._file)

    def _mend(self, data: bytes, payloads: Sequence[memoryview]) -> None:
        aside = self._path.with_name(f"{self._path.name}.damaged")
        count = 1
        while aside.exists() and aside.read_bytes() != data:
            count += 1
            aside = self._path.with_name(f"{self._path.name}.damaged-{count}")
        replace_file(aside, data)
        places = ", ".join(f"{start} to {end}" for start, end in self.damage)
        _log.warning(
            "%s: damaged at bytes %s; answers before and after are kept, those in it are asked again; copy: %s",
            self._path,
            places,
            aside,
        )
        self._renew(payloads)

    def _in_place(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file), self._path.stat())
        except FileNotFoundError:
            return False

    def _payloads(self) -> list[memoryview]:
        data = read_all(self._file, self.size)
        payloads, damage, end = _read(data, self._path)
        if damage or end != self.size:
            place = damage[0][0] if damage else end
            raise StoreError(f"{self._path}: damaged at byte {place} since it was opened; open the folder again")
        return payloads

    def _renew(self, payloads: Sequence[memoryview]) -> None:
        """Write the whole file again, under another name first."""
        data = HEADER + b"".join(map(_framed, payloads))
        draft = self._path.with_name(self._path.name + DRAFT)
        file = os.open(draft, _FLAGS | os.O_TRUNC, 0o644)
        try:
            write_all(file, data)
            os.fsync(file)
            draft.replace(self._path)
        except BaseException:
            os.close(file)
            # Half a file on a full disk is in the way of everything else.
            with suppress(OSError):
                draft.unlink()
            raise
        old, self._file = self._file, file
        os.close(old)
        self.size, self._torn = len(data), False
        sync_folder(self._path.parent)


def _record(lines: Sequence[bytes]) -> bytes:
    return _framed(b"\n".join(lines))


def _framed(payload: bytes | memoryview) -> bytes:
    return b"".join((MARK, _LENGTH.pack(len(payload)), _checksum(payload), payload))


def _checksum(payload: bytes | memoryview) -> bytes:
    state = hashlib.blake2b(_LENGTH.pack(len(payload)), digest_size=_CHECKSUM_SIZE)
    state.update(payload)
    return state.digest()


def _read(data: bytes, path: Path) -> tuple[list[memoryview], list[tuple[int, int]], int]:
    """Payloads of all good records, damaged ranges, and where the last good record ends.

    The end is 0 where not even the header is complete.
    """
    payloads: list[memoryview] = []
    damage: list[tuple[int, int]] = []
    offset = len(HEADER)
    if not data.startswith(HEADER):
        if HEADER.startswith(data):
            return [], [], 0
        first = _next_good(data, 0)
        if first == len(data) or _other_format(data):
            raise StoreError(f"{path}: not a journal of answers: it begins with {data[:8]!r}, not with {HEADER!r}")
        damage.append((0, first))
        offset = first
    end = offset
    while offset < len(data):
        payload = _payload(data, offset)
        if payload is not None:
            payloads.append(payload)
            end = offset = offset + _PREFIX_SIZE + len(payload)
            continue
        after = _next_good(data, offset + 1)
        if after < len(data) or not _is_cut_off(data, offset):
            damage.append((offset, after))
        offset = after
    return payloads, damage, end


def _payload(data: bytes, offset: int) -> memoryview | None:
    """Payload of the record that starts at ``offset``, or ``None`` if there is no good one."""
    start = offset + _PREFIX_SIZE
    if len(data) < start or data[offset : offset + len(MARK)] != MARK:
        return None
    (length,) = _LENGTH.unpack_from(data, offset + len(MARK))
    if len(data) - start < length:
        return None
    payload = memoryview(data)[start : start + length]
    return payload if _checksum(payload) == data[start - _CHECKSUM_SIZE : start] else None


def _next_good(data: bytes, offset: int) -> int:
    """Where the first good record from ``offset`` on starts; the end of the data if there is none."""
    place = data.find(MARK, offset)
    while place >= 0 and _payload(data, place) is None:
        place = data.find(MARK, place + 1)
    return place if place >= 0 else len(data)


def _is_cut_off(data: bytes, offset: int) -> bool:
    """Whether the rest of the data can be the beginning of a record."""
    rest = data[offset : offset + _PREFIX_SIZE]
    if len(rest) < _PREFIX_SIZE:
        return rest.startswith(MARK[: len(rest)])
    (length,) = _LENGTH.unpack_from(rest, len(MARK))
    return rest.startswith(MARK) and len(data) - offset - _PREFIX_SIZE < int(length)


def _other_format(data: bytes) -> bool:
    return data.startswith(HEADER[:6]) and data[7:8] == HEADER[7:]
