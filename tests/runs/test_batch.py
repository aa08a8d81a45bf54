"""Runs through a batch interface, on a server that has one and fails as it is told to."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from demoscope.cli.main import cli
from demoscope.config import RunConfig
from demoscope.engines.openai_batch import BatchClient
from demoscope.errors import ConfigError, EngineError, StoreError
from demoscope.responses import Store
from demoscope.runs import batch_book, execute
from demoscope.runs.batch import batch_status, cancel_batches, submit_batches
from demoscope.runs.batch_book import BatchBook
from demoscope.runs.batch_collect import collect_batches
from tests.engines.batch_server import BatchServer
from tests.engines.faulty_server import chat_reply

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-1234567890abcdef"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def opinion(body: dict[str, Any]) -> tuple[int, Any]:
    """Depends on the whole question and on nothing else."""
    said = json.dumps(body["messages"])
    first = 0.2 + len(said) % 50 / 100
    if "response_format" in body:
        labels = body["response_format"]["json_schema"]["schema"]["properties"]["answer"]["enum"]
        return 200, chat_reply(json.dumps({"answer": labels[len(said) % len(labels)]}))
    if not body.get("logprobs"):
        return 200, chat_reply("A" if len(said) % 2 else "B")
    assert body["top_logprobs"] == 20
    return 200, chat_reply(tops={"A": math.log(first), "B": math.log(0.95 - first), "x": math.log(0.05)})


def settings(
    server: BatchServer,
    *,
    batch: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    **questions: Any,
) -> RunConfig:
    options = {"base_url": server.url, "model": "served", "retries": 2, "backoff_secs": 0.001}
    options["extra_body"] = extra_body or {}
    options["batch"] = {"settle_secs": 0, "probe": False, **(batch or {})}
    return RunConfig.model_validate(
        {
            "name": "small",
            "survey": "ces2016",
            "seed": 2,
            "personas": {"countries": ["Ohio", "Texas"], "per_country": 12},
            "questions": {"items": ["ideo", "religimp", "bornagain"], **questions},
            "models": [{"name": "m", "engine": "openai", "steerings": ["persona"], "options": options}],
            "scores": {"replicates": 20, "permutations": 20},
        }
    )


@contextmanager
def show(label: str) -> Iterator[Any]:
    yield lambda done, total: None


class Folder:
    """A run folder and the calls on it."""

    def __init__(self, path, config: RunConfig) -> None:
        self.path, self.config = path, config
        self.naps: list[float] = []

    def submit(self, **more: Any):
        return submit_batches(self.config, folder=self.path, base=self.path, show=show, sleep=self.naps.append, **more)

    def collect(self, *, sleep=None, **more: Any):
        sleep = sleep or self.naps.append
        return collect_batches(self.config, folder=self.path, base=self.path, show=show, sleep=sleep, **more)

    def cancel(self):
        return cancel_batches(self.config, folder=self.path, base=self.path, sleep=self.naps.append)

    def status(self):
        return batch_status(self.config, folder=self.path, base=self.path)

    def run(self):
        return execute(self.config, folder=self.path, base=self.path, threads=1, show=show)

    def rows(self):
        with Store(self.path / "responses") as store:
            return store.cells()

    def content(self) -> str:
        return json.loads((self.path / "manifest.json").read_text())["answers_hash"]

    def states(self) -> list[str]:
        return [record.state for record in BatchBook(self.path)]


MODES = [
    {"mode": "logprobs"},
    {"mode": "choice"},
    {"mode": "text", "draws": 2},
    {"presentation": "interview"},
    {"presentation": "interview", "mode": "choice"},
]


@pytest.mark.parametrize("questions", MODES, ids=str)
def test_a_run_through_batches_is_the_run_that_asks_at_once(tmp_path, questions):
    with BatchServer(opinion) as server:
        config = settings(server, batch={"probe": True, "requests": 20}, **questions)
        live, batched = Folder(tmp_path / "live", config), Folder(tmp_path / "batched", config)
        live.run()
        server.asked.clear()
        rounds = 0
        while (handed := batched.submit()).cells or handed.probed:
            rounds += 1
            assert handed.probed == 1
            assert handed.more_rounds == ("presentation" in questions)
            server.finish()
            found = batched.collect()
            assert found.batches == handed.batches == math.ceil(handed.cells / 20)
            assert found.counts == {"valid": handed.cells}
            assert found.ready > 0 if rounds < 3 and "presentation" in questions else found.ready == 0
        assert rounds == (3 if "presentation" in questions else 1)
        assert handed.batches == 0
        assert len(server.asked) == rounds
        paid = server.custom_ids()
        assert len(set(paid)) == len(paid)
        visits = len(server.calls)
        batched.run()
        assert len(server.calls) == visits
        assert batched.content() == live.content()
        assert set(batched.states()) == {"collected"}


def test_files_keep_within_their_limits(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server, batch={"file_bytes": 9000}))
        handed = folder.submit()
        sizes = [len(server.files[batch["input_file_id"]]) for batch in server.batches.values()]
        assert handed.batches == len(sizes) > 2
        assert max(sizes) <= 9000
        assert min(sizes[:-1]) > 8000
        assert len(server.custom_ids()) == handed.cells
        assert folder.submit().cells == 0
        small = Folder(tmp_path / "small", settings(server, batch={"file_bytes": 1024}, extra_body={"user": "x" * 999}))
        with pytest.raises(EngineError, match=r"cell [0-9a-f]{32}: \d+ bytes, more than batch.file_bytes"):
            small.submit()


def test_a_limit_and_what_is_left(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server))
        assert folder.submit(limit=5).cells == 5
        second = folder.submit(limit=6)
        assert (second.cells, second.waiting) == (6, 5)
        rest = folder.submit()
        assert rest.waiting == 11
        assert Counter(server.custom_ids()).most_common(1)[0][1] == 1
        assert len(server.custom_ids()) == 11 + rest.cells
        with pytest.raises(ConfigError, match="no model 'n'"):
            folder.submit(model="n")


class Kill(BaseException):
    """Ends a call as ``kill -9`` would: nothing catches it."""


STEPS = [
    (BatchClient, "upload"),
    (BatchClient, "create"),
    (BatchBook, "intend"),
    (BatchBook, "note"),
    (BatchBook, "drop"),
    (BatchBook, "_save"),
    (BatchBook, "_write"),
    (batch_book, "sync_folder"),
    (BatchClient, "find"),
    (BatchClient, "_once"),
]


@contextmanager
def killing(owner: Any, name: str, *, call: int, before: bool) -> Iterator[None]:
    """Kill whoever makes that call of a function, before or after it has worked."""
    right = getattr(owner, name)
    calls = 0

    def deadly(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and before:
            raise Kill
        value = right(*arguments, **named)
        if calls == call:
            raise Kill
        return value

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, deadly)
        yield


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=lambda step: getattr(step, "__name__", step))
def test_a_kill_at_any_step_of_submit_neither_loses_nor_doubles(tmp_path, owner, name, before):
    with BatchServer(opinion) as server:
        whole = Folder(tmp_path / "whole", settings(server)).submit().cells
        server.batches.clear()
        folder = Folder(tmp_path / "run", settings(server, batch={"requests": 12}))
        # So that there is something to look for, and in vain.
        for early in (False, True):
            with pytest.raises(Kill), killing(BatchClient, "create", call=1, before=early):
                folder.submit(limit=12)
        assert (folder.states(), len(server.batches)) == (["submitted", "creating"], 1)
        kills = 0
        while kills < 100:
            with killing(owner, name, call=kills + 1, before=before):
                try:
                    folder.submit()
                except Kill:
                    kills += 1
                else:
                    break
        assert 1 <= kills < 100
        folder.submit()
        paid = server.custom_ids()
        assert len(paid) == len(set(paid)) == whole
        assert set(folder.states()) == {"submitted"}
        assert not list((folder.path / "batches").glob("*.draft"))
        server.finish()
        assert folder.collect().counts == {"valid": whole}
        assert len(folder.rows()) == whole
        assert not list((folder.path / "batches").iterdir())


@pytest.mark.parametrize("forgets", [False, True], ids=["", "no metadata"])
@pytest.mark.parametrize("fault", [500, 503, 408, "cut"])
def test_a_batch_that_was_made_in_spite_of_an_error_is_not_made_again(tmp_path, fault, forgets):
    with BatchServer(opinion, forgets_metadata=forgets) as server:
        folder = Folder(tmp_path / "run", settings(server, batch={"requests": 25, "settle_secs": 7}))
        server.fail("POST /batches", fault, made=True)
        server.fail("POST /batches", fault, made=False)
        handed = folder.submit()
        assert len(server.custom_ids()) == len(set(server.custom_ids())) == handed.cells
        assert server.calls.count("POST /batches") == handed.batches + 1
        assert folder.naps.count(7) == 2
        assert len(server.batches) == handed.batches == len(folder.states())


def test_a_killed_call_whose_batch_is_far_down_the_list_of_another_page(tmp_path):
    with BatchServer(opinion, page=2) as server:
        folder = Folder(tmp_path / "run", settings(server))
        server.fail("POST /batches", 500, made=True)
        server.fail("GET /batches", 403)
        server.fail("GET /batches", 403)
        server.fail("GET /batches", 403)
        with pytest.raises(EngineError, match="model 'm': http_403: HTTP 403"):
            folder.submit()
        assert folder.states() == ["creating"]
        for number in range(5):
            Folder(tmp_path / f"other{number}", settings(server)).submit()
        made = len(server.batches)
        handed = folder.submit()
        assert (handed.cells, len(server.batches)) == (0, made)
        assert folder.states() == ["submitted"]
        assert BatchBook(folder.path).records("submitted")[0].batch_id == "batch-0"


def test_a_list_that_lags_is_waited_for(tmp_path):
    with BatchServer(opinion, list_lag_secs=0.3) as server:
        folder = Folder(tmp_path / "run", settings(server, batch={"settle_secs": 0.6}))
        server.fail("POST /batches", 500, made=True)
        submit_batches(folder.config, folder=folder.path, base=folder.path, show=show, sleep=time.sleep)
        assert len(server.batches) == 1


def test_a_batch_that_is_refused_leaves_its_cells_free(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server))
        server.fail("POST /batches", 400)
        with pytest.raises(EngineError, match=r"model .m.: http_400: HTTP 400.*not today"):
            folder.submit()
        assert folder.states() == []
        assert len(server.custom_ids()) == 0
        assert folder.submit().batches == 1


def test_a_refused_account_ends_the_call_at_the_third_refusal(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server))
        for _ in range(9):
            server.fail("POST /files", 401)
        with pytest.raises(EngineError, match="model 'm': http_401: HTTP 401") as caught:
            folder.submit()
        assert server.calls.count("POST /files") == 3
        assert KEY not in str(caught.value)
        assert set(server.keys) == {f"Bearer {KEY}"}


def test_wrong_settings_show_before_anything_is_handed_in(tmp_path):
    with BatchServer(lambda body: (400, {"error": {"message": "what is this"}})) as server:
        folder = Folder(tmp_path / "run", settings(server, batch={"probe": True}, mode="text"))
        with pytest.raises(EngineError, match=r"3 questions .*\(http_400, http_400, http_400\); nothing was handed in"):
            folder.submit()
        assert server.files == {}
    with BatchServer(lambda body: (200, chat_reply())) as server:
        folder = Folder(tmp_path / "silent", settings(server, batch={"probe": True}))
        with pytest.raises(EngineError, match="gives no log-probabilities"):
            folder.submit()
        assert server.files == {}


def test_the_first_question_teaches_the_words(tmp_path):
    def picky(body: dict[str, Any]) -> tuple[int, Any]:
        if "max_tokens" in body:
            return 400, {"error": {"message": "Unsupported parameter: use 'max_completion_tokens' instead."}}
        return opinion(body)

    with BatchServer(picky) as server:
        folder = Folder(tmp_path / "run", settings(server, batch={"probe": True}))
        folder.submit()
        server.finish()
        found = folder.collect()
        assert (found.errors, set(found.counts)) == (0, {"valid"})


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


def test_what_was_asked_at_once_meanwhile_stays(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server))
        handed = folder.submit()
        folder.run()
        rows = folder.rows()
        server.finish(lose=lambda number: number < 5, spoil=lambda output: output.replace(b"logprob", b"gone"))
        found = folder.collect()
        assert found.counts == {"error: batch_missing": 5, "error: no_logprobs": handed.cells - 5}
        assert found.ready == 0
        assert folder.rows().equals(rows)


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


def test_two_processes_on_one_folder(tmp_path):
    with BatchServer(opinion) as server:
        folder = Folder(tmp_path / "run", settings(server))
        folder.submit()
        with Store(folder.path / "responses"):
            for call in (folder.submit, folder.collect, folder.cancel):
                with pytest.raises(StoreError, match="in use by another process"):
                    call()
            assert len(folder.status()) == 1


def test_models_of_other_engines(tmp_path):
    config = RunConfig(name="x", survey="ces2016", models=[{"name": "u", "engine": "scripted"}])
    with pytest.raises(ConfigError, match="none"):
        Folder(tmp_path, config).submit()


@pytest.mark.parametrize("text", ["", "[]", '{"batches": []', '{"format": "other"}'])
def test_a_damaged_list_of_batches_is_named(tmp_path, text):
    (tmp_path / "batches.json").write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=r"batches\.json: not a list of batches"):
        BatchBook(tmp_path)


TOML = """
name = "small"
survey = "ces2016"
[personas]
countries = ["Ohio", "Texas"]
per_country = 8
[questions]
items = ["ideo", "religimp"]
[[models]]
name = "m"
engine = "openai"
steerings = ["persona"]
options = { base_url = "URL", model = "served", batch = { settle_secs = 0 } }
[scores]
replicates = 20
permutations = 20
"""


def test_the_commands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with BatchServer(opinion) as server:
        (tmp_path / "my.toml").write_text(TOML.replace("URL", server.url), encoding="utf-8")

        def demoscope(*arguments: str) -> tuple[int, str]:
            code = cli.main(list(arguments), standalone_mode=False)
            return code or 0, "".join(capsys.readouterr())

        code, words = demoscope("batch", "submit", "my.toml")
        assert code == 0
        assert "1 asked at once" in words
        assert "questions handed in, in 1 batches" in words
        assert "next: demoscope batch collect my.toml --wait" in words
        assert "m: batch-0: submitted, in_progress" in demoscope("batch", "status", "my.toml")[1]
        assert json.loads(demoscope("batch", "status", "my.toml", "--json")[1])[0]["batch"] == "batch-0"
        server.finish(lose=lambda number: number == 0)
        code, words = demoscope("batch", "collect", "my.toml", "--wait")
        assert code == 3
        assert "error: batch_missing: 1" in words
        assert "1 questions are ready to be handed in: demoscope batch submit my.toml" in words
        demoscope("batch", "submit", "my.toml")  # the one question is asked at once
        assert "all is answered: demoscope run my.toml" in demoscope("batch", "collect", "my.toml")[1]
        asked = len(server.calls)
        assert demoscope("run", "my.toml")[0] == 0
        assert len(server.calls) == asked
        assert (tmp_path / "runs/small/report.html").exists()
        assert demoscope("batch", "cancel", "my.toml") == (0, "")


def test_ctrl_c_while_waiting_says_how_to_go_on(tmp_path):
    with BatchServer(opinion) as server:
        (tmp_path / "my.toml").write_text(TOML.replace("URL", server.url), encoding="utf-8")
        command = [sys.executable, "-c", "from demoscope.cli import main; main()", "batch"]
        subprocess.run([*command, "submit", "my.toml"], cwd=tmp_path, check=True, capture_output=True)
        before = server.calls.count("GET /batches/*")
        waiting = subprocess.Popen(
            [*command, "collect", "my.toml", "--wait"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
        )
        while server.calls.count("GET /batches/*") == before and waiting.poll() is None:
            time.sleep(0.02)
        time.sleep(0.2)
        waiting.send_signal(signal.SIGINT)
        _, words = waiting.communicate(timeout=60)
        assert waiting.returncode == 130, words
        assert "the batches go on without us" in words
        assert "the same command goes on" in words
        server.finish()
        done = subprocess.run(
            [*command, "collect", "my.toml"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert "1 batches collected" in done.stdout
