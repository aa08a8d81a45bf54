"""One process at a time in a folder."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from demoscope.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path


class FolderLock:
    """Holds a folder until it is released or the process ends, however it ends.

    Args:
        path: Lock file; it stays behind, empty of meaning, when the lock is released.

    Raises:
        StoreError: Another process holds the folder; the message names it.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as error:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise StoreError(f"{path.parent}: in use by another process (process id {holder})") from error
        except BaseException:
            os.close(self._file)
            raise

    def release(self) -> None:
        """Let others in."""
        os.close(self._file)
