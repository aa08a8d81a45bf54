"""Death at every single call that touches the disk, and half-way through every write."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from demoscope.responses import Store, collect, store
from tests.responses.small import Listening, plan

PLAN = plan()


class KilledError(BaseException):
    """Stands for SIGKILL: nothing in the package catches it."""


class Disk:
    """Counts calls that change the disk, and dies at one of them after half of its work.

    Args:
        monkeypatch: Puts the calls back.
        last: Number of the call to die at.
    """

    def __init__(self, monkeypatch, last: int) -> None:
        self.calls, self.last = 0, last
        write, fsync, truncate, replace = os.write, os.fsync, os.ftruncate, Path.replace
        monkeypatch.setattr(
            os, "write", lambda file, data: self._tick(lambda: write(file, data[: len(data) // 2])) or write(file, data)
        )
        monkeypatch.setattr(os, "fsync", lambda file: self._tick() or fsync(file))
        monkeypatch.setattr(os, "ftruncate", lambda file, size: self._tick() or truncate(file, size))
        monkeypatch.setattr(Path, "replace", lambda path, target: self._tick() or replace(path, target))

    def _tick(self, half=None) -> None:
        self.calls += 1
        if self.calls == self.last:
            if half is not None:
                half()
            raise KilledError


def run(folder: Path) -> str:
    with Store(folder) as opened:
        collect(PLAN, Listening(block=8), opened)
        return opened.manifest.content_hash


def test_every_crash_point_leads_to_the_same_content(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "SEAL_ROWS", 16)  # several seals in one run
    expected = run(tmp_path / "whole")
    last = 0
    while True:
        last += 1
        folder = tmp_path / str(last)
        acknowledged: list[int] = []

        def remember(done, total, acknowledged=acknowledged):
            acknowledged.append(done)

        with monkeypatch.context() as patch:
            Disk(patch, last)
            opened = None
            try:
                opened = Store(folder)
                collect(PLAN, Listening(block=8), opened, progress=remember)
            except KilledError:
                survived = False
            else:
                survived = True
            finally:
                if opened is not None:
                    opened.close()
        with Store(folder) as opened:
            assert len(opened.settled()) >= max(acknowledged, default=0)
        assert run(folder) == expected
        if survived:
            break
    assert last > 30


def test_a_second_kill_while_the_first_is_mended(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "SEAL_ROWS", 16)
    expected = run(tmp_path / "whole")
    for first in range(20, 40, 3):
        for second in range(1, 12, 2):
            folder = tmp_path / f"{first}-{second}"
            for last in (first, second):
                with monkeypatch.context() as patch, suppress(KilledError):
                    Disk(patch, last)
                    run(folder)
            assert run(folder) == expected
