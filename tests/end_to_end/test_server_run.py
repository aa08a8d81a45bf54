"""Runs that ask a server which echoes keys, fails and recovers: exit codes, rows, and what is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from demoscope.responses import Store
from tests.engines.server.faulty_server import Act, Call, FaultyServer, Wire, chat_reply, says

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "sk-canary-7f3a91c24e5d88b0"
SETTINGS = """
name = "served"
survey = "ces2016"
seed = 5

[personas]
countries = ["Ohio", "Texas"]
attributes = ["sex", "state"]

[questions]
items = ["ideo", "religimp", "bornagain"]
mode = "{mode}"
max_tokens = 8

[[models]]
name = "served"
engine = "openai"
steerings = ["persona"]

[models.options]
base_url = "{url}"
model = "served"
retries = 1
backoff_secs = 0.001
batch_size = 4
api_key_env = "A_KEY"

[scores]
replicates = 20
permutations = 20
"""


def run(folder: Path, server: FaultyServer, *, mode: str = "text") -> subprocess.CompletedProcess[str]:
    (folder / "run.toml").write_text(SETTINGS.format(url=server.url, mode=mode), encoding="utf-8")
    command = [sys.executable, "-c", "from demoscope.cli import main; main()", "run", "run.toml", "--out", "out"]
    environment = {**os.environ, "A_KEY": CANARY, "PYTHONPATH": ":".join(filter(None, sys.path))}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def echoes_the_key(wire: Wire, call: Call) -> None:
    """Answers with the key in every place that a run might keep."""
    key = call.headers.get("authorization", "")
    assert CANARY in key
    if call.number == 0 and "religio" in call.asked:
        says(500, {"error": {"message": f"who sent {key}?"}})(wire, call)
    elif "born" in call.asked:
        says(400, {"error": {"message": f"bad key {key}"}})(wire, call)
    else:
        says(200, chat_reply(f"A {key}"))(wire, call)


def cells(folder: Path) -> pl.DataFrame:
    with Store(folder / "out/responses") as store:
        return store.cells()


def test_no_key_is_left_behind_and_failed_rows_are_named(tmp_path: Path) -> None:
    with FaultyServer(echoes_the_key) as server:
        done = run(tmp_path, server)
    assert done.returncode == 3, done.stderr
    assert "the same command asks them again" in done.stderr
    found = cells(tmp_path)
    assert set(found.filter(item="bornagain").select("status", "reason").unique().rows()) == {("error", "http_400")}
    assert found.filter(pl.col("item") != "bornagain", pl.col("status") == "error").height == 0
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(left) > 10
    for path in left:
        assert CANARY.encode() not in path.read_bytes(), path
    for column in ("text", "reason"):
        assert not found[column].fill_null("").str.contains(CANARY).any()
    assert CANARY not in done.stdout + done.stderr


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_the_run_after_three_calls(tmp_path: Path, status: int) -> None:
    with FaultyServer(says(status, {"error": {"message": "no"}})) as server:
        done = run(tmp_path, server)
        assert len(server.calls) == 3
    assert done.returncode == 2, done.stderr
    assert str(status) in done.stderr
    assert CANARY not in done.stderr


def test_a_server_that_recovers_is_asked_for_the_rest_only(tmp_path: Path) -> None:
    def fails_on(word: str) -> Act:
        good, bad = says(200, chat_reply('{"answer": "B"}')), says(503, {"error": {"message": "busy"}})
        return lambda wire, call: (bad if word in call.asked else good)(wire, call)

    with FaultyServer(fails_on("born")) as server:
        first = run(tmp_path, server, mode="choice")
        assert first.returncode == 3, first.stderr
        broken = cells(tmp_path).filter(status="error")
        assert broken.height > 0
        assert broken["reason"].unique().to_list() == ["http_503"]
        server.act, server.calls = says(200, chat_reply('{"answer": "B"}')), []
        second = run(tmp_path, server, mode="choice")
        assert second.returncode == 0, second.stderr
        assert len(server.calls) == broken.height
    assert cells(tmp_path)["status"].unique().to_list() == ["valid"]
