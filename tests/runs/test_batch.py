"""Runs through a batch interface, on a server that has one and fails as it is told to."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import pytest

from demoscope.cli.main import cli
from demoscope.config import RunConfig
from demoscope.engines.server.batch import BatchClient
from demoscope.errors import ConfigError, EngineError, StoreError
from demoscope.responses import Store
from demoscope.runs import batch_book
from demoscope.runs.batch import submit_batches
from demoscope.runs.batch_book import BatchBook
from tests.engines.server.batch_server import BatchServer
from tests.engines.server.faulty_server import chat_reply
from tests.runs.batched import KEY, Folder, Kill, killing, opinion, settings, show


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


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
