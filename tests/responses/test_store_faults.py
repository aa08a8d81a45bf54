"""Every call that touches the disk is made to fail, or is the last one of its process."""

from __future__ import annotations

import errno
import os
import random
import re
import stat
import sys
from contextlib import suppress

import pytest

from demoscope.errors import StoreError
from demoscope.responses import answers_hash
from demoscope.responses import store as store_file
from demoscope.responses.store import Store
from tests.responses.faults import ANSWERS, HOPELESS, NIGHTLY, Disk, KilledError, Run, ticking
from tests.responses.rows import failed, key_of, rows

FAULTS = ("die", "die_after", "power", "enospc", "eio")
SAMPLED = 12
"""Positions of each fault that are tried, unless DEMOSCOPE_NIGHTLY=1 asks for all of them."""


SEALED = [*range(10), 100, *range(20, 30), 120]
"""Cells of the parts of a broken folder that are good."""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(store_file, "SEAL_ROWS", 70)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Content and cells of a run that nothing disturbs, and how often it touches the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_file, "SEAL_ROWS", 70)
        folder = tmp_path_factory.mktemp("whole") / "r"
        disk = Disk(patch, folder)
        manifest = Run(folder).go()
    with Store(folder) as store:
        cells = store.cells()
    assert len(manifest.parts) > 3
    assert cells.filter(status="error").height == len(HOPELESS)
    assert manifest.content_hash == answers_hash(cells)
    assert set(disk.names) == {"write", "fsync", "ftruncate", "replace", "open", "read"}
    return manifest.content_hash, cells, disk.count


def same_as(folder, whole):
    with Store(folder) as store:
        assert store.manifest.content_hash == whole[0]
        assert store.cells().equals(whole[1])
        assert len(store) == ANSWERS
        assert store.damaged == ()
    assert not list(folder.glob("*.new"))
    return True


def positions(whole, fault):
    every = range(1, whole[2] + 1)
    if NIGHTLY:
        return every
    return sorted(random.Random(fault).sample(every, SAMPLED))


@pytest.mark.parametrize("fault", ["die", "die_after", "power"])
def test_death_at_any_call_loses_nothing_that_was_promised(tmp_path, whole, fault):
    for place in positions(whole, fault):
        folder = tmp_path / str(place)
        run = Run(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store_file, "SEAL_ROWS", 70)
            Disk(patch, folder, fault, place)
            with pytest.raises(KilledError):
                run.go()
        run.check(power=fault == "power")
        run.go()
        assert same_as(folder, whole), place


@pytest.mark.parametrize("fault", ["die", "die_after", "power"])
def test_death_while_an_earlier_death_is_mended(tmp_path, whole, fault):
    rng = random.Random(fault)
    for attempt in range(100 if NIGHTLY else 8):
        folder = tmp_path / str(attempt)
        run = Run(folder)
        for latest in (whole[2], 40, 12):
            with pytest.MonkeyPatch.context() as patch:
                Disk(patch, folder, fault, rng.randint(1, latest))
                with suppress(KilledError):
                    run.go()
            run.check(power=fault == "power")
        run.go()
        assert same_as(folder, whole), attempt


@pytest.mark.parametrize("calls", [1, 3])
@pytest.mark.parametrize("fault", ["enospc", "eio"])
def test_a_call_that_fails_can_be_made_again(tmp_path, whole, fault, calls):
    refused = 0
    for place in positions(whole, f"{fault}{calls}"):
        folder = tmp_path / str(place)
        run = Run(folder)
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, folder, fault, place, calls)
            run.go(patience=calls)
        refused += run.refusals
        run.check()
        assert same_as(folder, whole), place
    assert refused > 0


@pytest.mark.parametrize("fault", ["enospc", "eio"])
def test_a_disk_that_fails_for_good_stops_a_run_with_its_name(tmp_path, whole, fault):
    for place in positions(whole, f"{fault} for good"):
        folder = tmp_path / str(place)
        run = Run(folder)
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, folder, fault, place, 10**6)
            with pytest.raises(StoreError, match=re.escape(str(folder))):
                run.go(patience=2)
        run.check()
        run.go()
        assert same_as(folder, whole), place


def partly_safe(folder):
    store = Store(folder, clock=ticking())
    assert store.append(rows(0, 5))
    store.seal()
    assert not store.append(rows(5, 9))
    return store


@pytest.mark.parametrize("fault", FAULTS)
def test_every_call_of_a_seal(tmp_path, fault):
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch, tmp_path / "whole")
        with partly_safe(tmp_path / "whole") as store:
            before = disk.count
            whole = store.seal()
            after = disk.count
    assert after - before > 10
    for place in range(before + 1, after + 1):
        folder = tmp_path / str(place)
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, folder, fault, place)
            store = partly_safe(folder)
            with pytest.raises((KilledError, StoreError)):
                store.seal()
            with suppress(KilledError, StoreError):
                store.close()
        with Store(folder) as store:
            assert store.damaged == ()
            cells = store.cells()
            assert cells.height == len(store) in ({5, 9} if fault == "power" else {9})
            store.append([answer for answer in rows(5, 9) if not store.settled(answer["cell"])])
            assert store.seal().content_hash == whole.content_hash
            assert len(store.manifest.parts) == 2


def test_a_disk_that_takes_bytes_in_pieces(tmp_path, whole):
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch, tmp_path / "r", "short")
        Run(tmp_path / "r").go()
    assert disk.count > whole[2]
    assert same_as(tmp_path / "r", whole)


def test_a_journal_whose_fsync_failed_is_written_once_more(tmp_path, monkeypatch):
    """Linux takes pages whose write-back failed for clean: the next fsync succeeds and means nothing."""
    store = Store(tmp_path, clock=ticking())
    assert store.append(rows(0, 5))
    assert not store.append(rows(5, 9))
    fsync, before = os.fsync, (tmp_path / "journal").stat().st_ino

    def broken(file):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StoreError, match="journal: answers cannot be made safe: Input/output error"):
        store.flush()
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_ino) or fsync(file))
    assert (tmp_path / "journal").stat().st_ino == before
    store.flush()
    assert (tmp_path / "journal").stat().st_ino != before
    assert synced == [(tmp_path / "journal").stat().st_ino, tmp_path.stat().st_ino]
    store.close()
    with Store(tmp_path) as store:
        assert len(store) == 9


def test_a_journal_is_not_emptied_before_the_name_of_the_manifest_is_safe(tmp_path, monkeypatch):
    store = partly_safe(tmp_path)
    fsync, folders = os.fsync, []

    def broken_after_the_manifest(file):
        folders.append(stat.S_ISDIR(os.fstat(file).st_mode))
        if folders.count(True) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(file)

    monkeypatch.setattr(os, "fsync", broken_after_the_manifest)
    with pytest.raises(StoreError, match=r"manifest\.json: cannot be written"):
        store.seal()
    assert (tmp_path / "journal").stat().st_size > 100
    assert len(store.manifest.parts) == 1
    folders[:] = []
    store.append(rows(9, 12))
    assert folders[:2] == [True, False]
    assert len(store.manifest.parts) == 2
    assert len(store) == 12
    store.close()


def test_a_journal_that_somebody_removed_is_written_again(tmp_path):
    with Store(tmp_path) as store:
        store.append(rows(0, 5))
        (tmp_path / "journal").unlink()
        store.append(rows(5, 9))
        store.flush()
    with Store(tmp_path) as store:
        assert len(store) == 9


@pytest.mark.parametrize("seal_rows", [1000, 22])
def test_ctrl_c_at_any_line_of_append_leaves_a_store_that_goes_on(tmp_path, monkeypatch, seal_rows):
    """Signals arrive between any two lines; the collector appends once more after one."""
    line, step = 0, 1 if NIGHTLY else 11
    while True:
        line += step
        folder = tmp_path / str(line)
        monkeypatch.setattr(store_file, "SEAL_ROWS", seal_rows)
        store = Store(folder, clock=ticking())
        store.append(rows(0, 20))
        left = [line]

        def trace(frame, event, arg, left=left):
            if "demoscope/responses" not in frame.f_code.co_filename:
                return None
            if event == "line":
                left[0] -= 1
                if left[0] == 0:
                    raise KeyboardInterrupt
            return trace

        sys.settrace(trace)
        try:
            with suppress(KeyboardInterrupt):
                store.append(rows(20, 23))
        finally:
            sys.settrace(None)
        monkeypatch.setattr(store_file, "SEAL_ROWS", 1000)
        store.append(rows(30, 40))
        assert len(store) in {30, 33}
        store.seal()
        cells = store.cells()
        assert store.manifest.cells == len(store) == cells.height
        assert store.manifest.content_hash == answers_hash(cells)
        assert all(store.settled(key) for key in cells["cell"])
        store.close()
        if left[0] > 0:
            break
    assert line > 100


def broken_folder(folder):
    """Three parts, the second of them damaged, and a journal that is damaged in its middle."""
    with Store(folder) as store:
        for first in (0, 10, 20):
            store.append([*rows(first, first + 10), failed(first + 100)])
            store.seal()
        ends = []
        for first in (30, 40, 50):
            store.append(rows(first, first + 10))
            ends.append((folder / "journal").stat().st_size)
    for name, place in (("part-00001.parquet", 99), ("journal", ends[0] + 99)):
        data = bytearray((folder / name).read_bytes())
        data[place] ^= 1
        (folder / name).write_bytes(data)


@pytest.mark.parametrize("fault", FAULTS)
def test_damage_is_mended_whatever_interrupts_it(tmp_path, fault):
    broken_folder(tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch, tmp_path / "whole")
        with Store(tmp_path / "whole") as store:
            assert store.damaged == ("journal", "part-00001.parquet")
            expected = store.cells()
            calls = disk.count
    assert expected.height == len({*SEALED, *range(30, 40), *range(50, 60)}) == 42
    for place in range(1, calls + 1, 1 if NIGHTLY else 2):
        folder = tmp_path / str(place)
        broken_folder(folder)
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, folder, fault, place)
            with suppress(KilledError, StoreError), Store(folder) as store:
                store.cells()
        with Store(folder) as store:
            assert store.cells().equals(expected), place
            assert store.manifest.cells == 22
            assert store.manifest.content_hash == answers_hash(store.cells(key_of(number) for number in SEALED))
            assert store.seal().content_hash == answers_hash(expected)
        assert (folder / "journal.damaged").exists()
        assert (folder / "part-00001.parquet.damaged").exists()
