"""What comes back from batches, and what of it is kept."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from demoscope.engines.server.batch import BatchClient
from demoscope.errors import ConfigError, StoreError
from demoscope.responses import Store
from demoscope.runs.batch_book import BatchBook
from tests.engines.server.batch_server import BatchServer
from tests.engines.server.faulty_server import chat_reply
from tests.runs.batched import KEY, Folder, Kill, killing, opinion, settings


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def test_nothing_has_ended_yet(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server))
        with pytest.raises(ConfigError, match="no batches here"):
            folder.collect()
        handed = folder.submit()
        found = folder.collect()
        assert (found.batches, found.open_batches, found.waiting, found.ready) == (0, 1, handed.cells, 0)
        (row,) = folder.status()
        assert (row["state"], row["status"], row["cells"], row["completed"]) == (
            "submitted",
            "in_progress",
            handed.cells,
            0,
        )


def test_what_is_missing_refused_or_damaged_is_an_error_of_its_cell(tmp_path):
    def spoil(output: bytes) -> bytes:
        lines = output.splitlines(keepends=True)
        lines[0] = lines[0][:60] + b"\n"
        lines[1] = lines[1].replace(b"logprob", b"gone")
        strange = json.loads(lines[2]) | {"custom_id": "who-is-this"}
        return b"".join([*lines, json.dumps(strange).encode() + b"\n", b'{"id": "r9\n', lines[3], lines[5][:-30]])

    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server))
        handed = folder.submit()
        server.finish(lose=lambda number: number == 7, expire=lambda number: number in {8, 9}, spoil=spoil)
        found = folder.collect()
        assert found.counts == {
            "valid": handed.cells - 5,
            "error: batch_expired": 2,
            "error: batch_missing": 1,
            "error: no_logprobs": 1,
            "error: not_json": 1,
        }
        assert (found.errors, found.ready, found.damaged) == (5, 5, 1)
        assert (found.unknown, found.unknown_count) == (["who-is-this"], 1)
        rows = folder.rows()
        assert "who-is-this" not in rows["cell"]
        assert len(rows) == handed.cells
        before = (folder.path / "batches.json").read_bytes()
        again = folder.collect()
        assert (again.batches, again.counts, again.ready) == (0, {}, 5)
        assert folder.rows().equals(rows)
        assert (folder.path / "batches.json").read_bytes() == before
        assert folder.submit().cells == 5
        server.finish()
        assert folder.collect().counts == {"valid": 5}
        assert folder.collect().ready == 0


@pytest.mark.parametrize("status", ["expired", "cancelled", "failed"])
def test_what_a_stopped_batch_has_answered_is_kept_and_the_rest_is_free(tmp_path, status):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server))
        handed = folder.submit()
        server.finish(status=status, lose=lambda number: number >= 10)
        server.batches["batch-0"]["errors"] = {"data": [{"code": "token_limit", "message": "too much at once"}]}
        found = folder.collect()
        assert found.counts == {"valid": 10}
        assert (found.errors, found.ready) == (0, handed.cells - 10)
        assert found.problems == (["batch batch-0: token_limit: too much at once"] if status == "failed" else [])
        assert len(folder.rows()) == 10
        assert folder.submit().cells == handed.cells - 10


def test_nothing_is_asked_at_once_while_batches_are_open(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server))
        folder.submit()
        with pytest.raises(StoreError, match="batches are open"):
            folder.run()
        server.finish()
        folder.collect()
        folder.run()


def test_a_batch_is_noted_before_anything_is_sent(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server))
        with pytest.raises(Kill), killing(BatchClient, "upload", call=1, before=True):
            folder.submit()
        assert (folder.states(), server.files) == (["intended"], {})


def test_cancel(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server, batch={"requests": 20}))
        handed = folder.submit()
        assert handed.batches > 2
        server.batches["batch-1"]["status"] = "completed"
        del server.batches["batch-2"]
        assert folder.cancel() == {"cancelling": handed.batches - 2, "completed": 1, "unknown to the server": 1}
        assert {"cancelling", "completed"} == {row["status"] for row in folder.status()}
        server.batches["batch-1"]["status"] = "in_progress"
        server.finish(status="cancelled", lose=lambda number: number > 0)
        found = folder.collect()
        assert found.counts == {"valid": handed.batches - 1}
        assert found.ready == handed.cells - found.batches


def test_a_completed_batch_without_its_file_is_not_over(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server))
        folder.submit()
        server.finish()
        late = server.batches["batch-0"]["output_file_id"]
        server.batches["batch-0"]["output_file_id"] = None
        assert folder.collect().open_batches == 1
        server.batches["batch-0"]["output_file_id"] = late
        assert folder.collect().errors == 0


def test_a_download_that_breaks_off_is_taken_again_from_its_start(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server))
        handed = folder.submit()
        server.finish()
        server.fail("GET /files/*/content", "cut")
        server.fail("GET /files/*/content", 500)
        found = folder.collect()
        assert (found.counts, found.damaged) == ({"valid": handed.cells}, 0)


@pytest.mark.parametrize(
    ("owner", "name"),
    [(BatchClient, "download"), (Store, "append"), (Store, "flush"), (Store, "seal"), (BatchBook, "note")],
)
def test_a_kill_while_collecting_changes_nothing(tmp_path, owner, name):
    def spoil(output: bytes) -> bytes:
        return output.split(b"\n", 1)[1]

    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server, batch={"requests": 20}))
        handed = folder.submit()
        server.finish(spoil=spoil)
        for before in (True, False):
            with killing(owner, name, call=1, before=before), pytest.raises(Kill):
                folder.collect()
        folder.collect()
        rows = folder.rows()
        assert len(rows) == handed.cells
        assert Counter(rows["status"]) == {"valid": handed.cells - handed.batches, "error": handed.batches}
        assert set(folder.states()) == {"collected"}
        assert folder.submit().cells == handed.batches


def test_answers_to_other_settings_stay_where_they_are(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server))
        handed = folder.submit()
        server.finish()
        other = Folder(folder.path, settings(server, items=["ideo", "religimp"]))
        found = other.collect()
        assert found.strays > 0
        assert found.strays + found.counts["valid"] == handed.cells
        assert folder.states() == ["submitted"]
        assert folder.collect().counts == {"valid": handed.cells}
        assert len(folder.rows()) == handed.cells


def test_no_key_is_stored(tmp_path):
    def telling(body: dict[str, Any]) -> tuple[int, Any]:
        return 200, chat_reply(f"A, says {KEY}")

    with BatchServer(telling) as server:
        folder = Folder(tmp_path / "run", settings(server, mode="text"))
        folder.submit()
        server.finish()
        folder.collect()
        assert set(folder.rows()["text"]) == {"A, says [key]"}
        for path in folder.path.rglob("*"):
            assert path.is_dir() or KEY.encode() not in path.read_bytes()


def test_waiting_looks_less_and_less_often(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server, batch={"requests": 30}))
        handed = folder.submit()
        naps = []

        def sleep(secs: float) -> None:
            naps.append(secs)
            with Store(folder.path / "responses"):  # others may use the folder meanwhile
                pass
            if len(naps) == 15:
                server.finish()

        found = folder.collect(wait=True, sleep=sleep)
        assert found.counts == {"valid": handed.cells}
        assert (found.open_batches, found.ready) == (0, 0)
        assert naps[0] == 5
        assert naps == sorted(naps)
        assert naps[-1] == 300
