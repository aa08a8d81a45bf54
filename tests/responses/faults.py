"""A disk that fails, and a run of 300 answers on it."""

from __future__ import annotations

import errno
import io
import itertools
import os
import stat
from contextlib import suppress

from demoscope.errors import StoreError
from demoscope.responses.store import Store
from tests.responses.rows import failed, key_of, row

ANSWERS = 300
BLOCK = 12
SEAL_ROWS = 70
"""Several seals in one run, at moments that are not multiples of a block."""

NIGHTLY = os.environ.get("DEMOSCOPE_NIGHTLY") == "1"

RIGHT = {key_of(number): row(number) for number in range(ANSWERS)}
TIRED = {key_of(number): failed(number) for number in range(ANSWERS)}
HOPELESS = {key_of(number) for number in range(49, ANSWERS, 50)}
LATE = {key_of(number) for number in range(5, ANSWERS, 11)}
"""Cells that are answered when they are asked the second time."""


class KilledError(BaseException):
    """Stands for SIGKILL: nothing in the package catches it."""


class Disk:
    """Counts calls that touch the disk, and misbehaves at some of them.

    Args:
        patch: Puts the calls back.
        folder: Of the store; what is in it already is safe.
        fault: ``die`` half-way through a call; ``die_after`` it; ``power`` dies after it, and what no fsync made safe
            is gone; ``enospc`` and ``eio`` fail after half of the work; ``short`` takes half the bytes of every write;
            ``none`` only counts.
        first: Number of the first call to misbehave at, from 1.
        calls: How many calls in a row misbehave; who is dead stays so.
    """

    def __init__(self, patch, folder, fault: str = "none", first: int = 0, calls: int = 1) -> None:
        self.fault, self.first, self.last = fault, first, first + calls - 1
        self.count = 0
        self.names: list[str] = []
        self._dead = False
        self._folder = folder
        self._safe_sizes: dict[int, int] = {status.st_ino: status.st_size for _, status in self._files()}
        self._renamed: dict[str, tuple[str, bytes | None]] = {}
        self._real = {name: getattr(os, name) for name in ("write", "fsync", "ftruncate", "replace", "unlink", "open")}
        self._io_open = io.open
        patch.setattr(os, "write", self._write)
        patch.setattr(os, "fsync", self._fsync)
        patch.setattr(os, "replace", self._replace)
        patch.setattr(os, "rename", self._replace)
        for name in ("ftruncate", "unlink", "open"):
            patch.setattr(os, name, lambda *args, name=name, **more: self._call(name, self._real[name], *args, **more))
        patch.setattr(io, "open", lambda *args, **more: self._call("read", self._io_open, *args, **more))

    def _call(self, name, work, *args, half=None, **more):
        if self._dead:
            raise KilledError
        self.count += 1
        self.names.append(name)
        if self.first <= self.count <= self.last:
            if self.fault in {"die", "die_after", "power"}:
                self._dead = True
                if self.fault == "die":
                    if half is not None:
                        half()
                else:
                    opened = work(*args, **more)
                    if name == "open":
                        os.close(opened)
                    elif name == "read":
                        opened.close()
                    if self.fault == "power":
                        self._lose()
                raise KilledError
            if self.fault in {"enospc", "eio"}:
                if half is not None:
                    half()
                code = getattr(errno, self.fault.upper())
                raise OSError(code, os.strerror(code))
        return work(*args, **more)

    def _write(self, file, data):
        if self.fault == "short":
            data = data[: (len(data) + 1) // 2]
        half = data[: len(data) // 2]
        return self._call("write", self._real["write"], file, data, half=lambda: self._real["write"](file, half))

    def _fsync(self, file):
        result = self._call("fsync", self._real["fsync"], file)
        status = os.fstat(file)
        self._safe_sizes[status.st_ino] = status.st_size
        if stat.S_ISDIR(status.st_mode):
            self._renamed.clear()
        return result

    def _replace(self, source, target):
        before = None
        with suppress(FileNotFoundError), self._io_open(target, "rb") as file:
            before = file.read()
        self._renamed.setdefault(str(target), (str(source), before))
        return self._call("replace", self._real["replace"], source, target)

    def _lose(self):
        """Take back renames that no sync of the folder made safe, and the ends of files that no fsync did."""
        for target, (source, before) in self._renamed.items():
            with suppress(FileNotFoundError):
                self._real["replace"](target, source)
            if before is not None:
                with self._io_open(target, "wb") as file:
                    file.write(before)
        for path, status in self._files():
            size = self._safe_sizes.get(status.st_ino, 0)
            # What stands under an old name again is older than this process, and safe.
            if size < status.st_size and str(path) not in self._renamed:
                os.truncate(path, size)

    def _files(self):
        return [(path, path.stat()) for path in self._folder.glob("*") if path.name != "lock"]


def ticking():
    """A clock by which every fsync takes a second, so that one is due every five calls."""
    seconds = itertools.count()
    return lambda: float(next(seconds))


class Run:
    """Asks all cells, those that are not settled twice, and remembers what it was told about them.

    Attributes:
        written: Status of each answer that the store took.
        safe: Status of each answer that it called safe.
    """

    def __init__(self, folder) -> None:
        self.folder = folder
        self.written: dict[str, str] = {}
        self.safe: dict[str, str] = {}
        self.refusals = 0

    def go(self, *, patience: int = 0):
        """Ask until the end; each call of the store is repeated after at most ``patience`` errors in a row."""
        store = self._again(lambda: Store(self.folder, clock=ticking()), patience)
        try:
            for _ in range(2):
                pending = [key for key in RIGHT if not store.settled(key)]
                for first in range(0, len(pending), BLOCK):
                    answers = [self._answer(store, key) for key in pending[first : first + BLOCK]]
                    safe = self._again(lambda answers=answers: store.append(answers), patience)
                    self.written.update((answer["cell"], answer["status"]) for answer in answers)
                    if safe:
                        self.safe.update(self.written)
                self._again(store.flush, patience)
                self.safe.update(self.written)
            self._again(store.seal, patience)
        finally:
            with suppress(KilledError, StoreError):
                store.close()
        return store.manifest

    def _answer(self, store, key):
        if key in HOPELESS or (key in LATE and store.outcome(key) is None):
            return TIRED[key]
        return RIGHT[key]

    def _again(self, call, patience):
        for _ in range(patience):
            try:
                return call()
            except StoreError:
                self.refusals += 1
        return call()

    def check(self, *, power: bool = False) -> None:
        """What the store holds now is what it was given, whole, and at least what it promised."""
        promised = self.safe if power else self.written
        with Store(self.folder) as store:
            assert store.damaged == ()
            cells = store.cells()
            held = {held["cell"]: held for held in cells.iter_rows(named=True)}
            assert len(store) == len(held) == cells.height
            for key, answer in held.items():
                assert answer == (RIGHT if answer["status"] == "valid" else TIRED)[key]
                assert store.outcome(key).status == answer["status"]
            for key, status in promised.items():
                assert held[key]["status"] in {status, "valid"}
        # What the power took was never promised; from here on the disk alone counts.
        self.written = {key: answer["status"] for key, answer in held.items()}
        self.safe = dict(self.written)
