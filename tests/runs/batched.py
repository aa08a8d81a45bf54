"""A run folder, a server with a batch interface, and kills, for the tests of batches."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from demoscope.config import RunConfig
from demoscope.responses import Store
from demoscope.runs import execute
from demoscope.runs.batch import batch_status, cancel_batches, submit_batches
from demoscope.runs.batch_book import BatchBook
from demoscope.runs.batch_collect import collect_batches
from tests.engines.server.faulty_server import chat_reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engines.server.batch_server import BatchServer

KEY = "sk-1234567890abcdef"


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


class Kill(BaseException):
    """Ends a call as ``kill -9`` would: nothing catches it."""


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
