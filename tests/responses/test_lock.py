"""One process at a time, however the others ended."""

import os
import signal
import subprocess
import sys

import pytest

from demoscope.errors import StoreError
from demoscope.responses import Store
from demoscope.responses.lock import FolderLock
from tests.responses.rows import rows

HOLD = """
import os, sys, time
from pathlib import Path
from demoscope.responses.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
child = os.fork() if "fork" in sys.argv else 1
if child:
    print(child, flush=True)
time.sleep(60)
"""


def process(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_second_store_in_the_same_process_is_refused(tmp_path):
    with Store(tmp_path) as store:
        with pytest.raises(StoreError, match=f"process id {os.getpid()}"):
            Store(tmp_path)
        store.append(rows(0, 3))
    Store(tmp_path).close()


def test_a_second_process_is_refused(tmp_path):
    code = f"from demoscope.responses import Store; from pathlib import Path; Store(Path({str(tmp_path)!r}))"
    with Store(tmp_path):
        child = process(code)
        _, errors = child.communicate(timeout=60)
    assert f"in use by another process (process id {os.getpid()})" in errors
    assert child.returncode == 1


def test_the_lock_of_a_killed_process_is_no_obstacle(tmp_path):
    holder = process(HOLD, tmp_path / "lock")
    holder.stdout.readline()
    with pytest.raises(StoreError, match=f"process id {holder.pid}"):
        Store(tmp_path)
    holder.kill()
    holder.communicate(timeout=60)
    assert (tmp_path / "lock").read_text() == f"{holder.pid}\n"
    with Store(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_forked_child_that_outlives_its_parent_is_no_obstacle(tmp_path):
    holder = process(HOLD, tmp_path / "lock", "fork")
    orphan = int(holder.stdout.readline())
    try:
        with pytest.raises(StoreError, match=f"process id {holder.pid}"):
            FolderLock(tmp_path / "lock")
        holder.kill()
        holder.wait(timeout=60)
        os.kill(orphan, 0)
        FolderLock(tmp_path / "lock").release()
    finally:
        os.kill(orphan, signal.SIGKILL)
        holder.communicate(timeout=60)


def test_a_full_disk_keeps_nobody_from_the_answers(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    lock = FolderLock(tmp_path / "lock")
    with pytest.raises(StoreError, match="process id unknown"):
        FolderLock(tmp_path / "lock")
    lock.release()


def test_a_lock_that_the_server_refuses_is_named(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("demoscope.responses.lock.fcntl.flock", refused)
    with pytest.raises(StoreError, match="lock: the folder cannot be locked: No locks available"):
        FolderLock(tmp_path / "lock")
