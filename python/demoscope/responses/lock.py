"""One process at a time in a folder."""

from __future__ import annotations

import fcntl
import os
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from demoscope.errors import StoreError
from demoscope.responses.disk import disk_errors

if TYPE_CHECKING:
    from pathlib import Path

_held: Final[weakref.WeakSet[FolderLock]] = weakref.WeakSet()


class FolderLock:
    """Holds a folder until it is released or the process ends, however it ends.

    The operating system holds the lock (``flock``), not the file: a file that a dead process left is no obstacle.
    On NFS, Linux makes it a lock of the server's, which holds between machines; mounted with ``nolock`` or
    ``local_lock=flock`` it holds between processes of one machine only, and a server without locks refuses the folder.
    Children that are forked do not inherit it, so that an engine's worker that outlives its parent keeps nobody out.

    Args:
        path: Lock file; it stays behind, empty of meaning, when the lock is released.

    Raises:
        StoreError: Another process holds the folder; the message names it.
    """

    def __init__(self, path: Path) -> None:
        with disk_errors(path, "the folder cannot be locked"):
            self._file: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip() or "unknown"
                self.release()
                raise StoreError(f"{path.parent}: in use by another process (process id {holder})") from error
            except BaseException:
                self.release()
                raise
        _held.add(self)
        try:
            # The number is for people only; a full disk is no reason to keep them from their answers.
            with suppress(OSError):
                os.ftruncate(self._file, 0)
                os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let others in."""
        _held.discard(self)
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _let_go_in_child() -> None:
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_let_go_in_child)
