"""A real model behind the hf engine, in float32 on the CPU, against transformers one prompt at a time."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.small_model import MODEL, by_key, logprobs_of

from demoscope.engines import hf as hf_module
from demoscope.engines.base import Answer, Engine, Message, Request, Sampling
from demoscope.engines.hf import HfEngine
from demoscope.errors import ConfigError, EngineError, MissingPartError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


TEMPLATE = Path(__file__).with_name("thinking.jinja")

TREE_NATS = 1e-4
"""What packing prompts into one sequence may change of a log-probability in float32."""


OPTIONS = ("Strongly agree", "Agree", "Disagree", "Strongly disagree")


def request(who: str, question: str, labels: tuple[str, ...] = tuple("ABCD"), **changes: Any) -> Request:
    lines = [f"{label}. {option}" for label, option in zip(labels, OPTIONS, strict=False)]
    messages = (Message("system", f"You are {who}."), Message("user", "\n".join([question, *lines])))
    return Request(f"{who}/{question}/{labels}", messages, labels, **changes)


PEOPLE = ("a woman aged 18-34 from Ohio", "a man aged 55 or over from Texas")
QUESTIONS = ("Taxes should be lower.", "Benefits should be higher.", "Trade should be free.")
LETTERS = [request(who, question) for who in PEOPLE for question in QUESTIONS]
WORDS = [request(who, QUESTIONS[0], labels) for who in PEOPLE for labels in (OPTIONS, ("1", "10", "2"))]


def engine_with(**options: Any) -> HfEngine:
    return HfEngine(model="m", options={"model": str(MODEL), **options})


@pytest.fixture(scope="module")
def engine() -> Iterator[HfEngine]:
    made = engine_with()
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain() -> Any:
    """Log-probabilities of labels as full texts, by teacher forcing, one sequence at a time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)

    def score(asked: Request, *, ended: tuple[str, ...] = ()) -> list[float]:
        turns = [{"role": message.role, "content": message.content} for message in asked.messages]
        prompt = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        start = tokenizer.encode(prompt, add_special_tokens=False)
        found = []
        for label in asked.labels:
            text = prompt + label + ("<|im_end|>" if label in ended else "")
            tokens = tokenizer.encode(text, add_special_tokens=False)
            assert tokens[: len(start)] == start
            with torch.inference_mode():
                steps = model(torch.tensor([tokens])).logits[0].log_softmax(dim=-1)
            found.append(sum(float(steps[place - 1, tokens[place]]) for place in range(len(start), len(tokens))))
        return found

    return score


def test_a_tree_of_prompts_is_scored_like_each_prompt_alone(engine: HfEngine, plain: Any) -> None:
    assert isinstance(engine, Engine)
    answers = by_key(engine.ask(LETTERS))
    assert engine.facts()["packing"] == "trees"
    for asked in LETTERS:
        answer = answers[asked.key]
        assert answer.status == "valid"
        assert answer.probs is not None
        assert math.fsum(answer.probs) == pytest.approx(1, abs=1e-12)
        assert logprobs_of(answer) == pytest.approx(plain(asked), abs=TREE_NATS)
    assert len({answer.probs for answer in answers.values()}) == len(LETTERS)


@pytest.mark.parametrize("packed_tokens", [0, 150])
def test_the_size_of_trees_changes_nothing(engine: HfEngine, packed_tokens: int) -> None:
    asked = [LETTERS[0], LETTERS[4], WORDS[1]]
    whole = by_key(engine.ask(asked))
    other = engine_with(packed_tokens=packed_tokens)
    try:
        for key, answer in by_key(other.ask(asked)).items():
            assert logprobs_of(answer) == pytest.approx(logprobs_of(whole[key]), abs=TREE_NATS)
        assert other.facts()["packing"] == ("trees" if packed_tokens else "each prompt alone")
        assert other.revision == engine.revision
    finally:
        other.close()


def test_a_mask_that_is_not_heeded_turns_packing_off(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    from demoscope.engines.token_tree import TokenTree

    monkeypatch.setattr(TokenTree, "mask", lambda tree: np.tri(len(tree.tokens), dtype=np.bool_))
    engine = engine_with()
    try:
        list(engine.ask(LETTERS[:1]))
        assert engine.facts()["packing"] == "each prompt alone"
    finally:
        engine.close()


def test_labels_of_several_tokens_are_read_along_their_tokens(engine: HfEngine, plain: Any) -> None:
    answers = by_key(engine.ask(WORDS))
    for asked in WORDS[:2]:
        # "10" begins with "1", so each of the numbers has to be the whole answer.
        ended = asked.labels if "10" in asked.labels else ()
        assert logprobs_of(answers[asked.key]) == pytest.approx(plain(asked, ended=ended), abs=TREE_NATS)


def test_probabilities_follow_the_order_of_the_labels(engine: HfEngine) -> None:
    for asked in (LETTERS[0], WORDS[0], WORDS[1]):
        (given,) = engine.ask([asked])
        (turned,) = engine.ask([replace(asked, labels=asked.labels[::-1])])
        assert given.probs is not None
        assert turned.probs is not None
        assert turned.probs[::-1] == pytest.approx(given.probs, abs=1e-6)


def shares_of_choices(engine: HfEngine, asked: Request, *, number: int = 400) -> list[float]:
    draws = [replace(asked, key=str(seed), mode="choice", seed=seed) for seed in range(number)]
    chosen = [answer.text for answer in engine.ask(draws)]
    assert set(chosen) <= set(asked.labels)
    return [chosen.count(label) / number for label in asked.labels]


def near(shares: Iterable[float]) -> list[Any]:
    return [pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 400) + 1e-9) for share in shares]


def test_choices_of_letters_follow_the_scored_probabilities(engine: HfEngine) -> None:
    (scored,) = engine.ask(LETTERS[:1])
    assert scored.probs is not None
    assert shares_of_choices(engine, LETTERS[0]) == near(scored.probs)
    greedy = replace(LETTERS[0], mode="choice", sampling=Sampling(temperature=0))
    (likeliest,) = engine.ask([greedy])
    assert likeliest.text == LETTERS[0].labels[scored.probs.index(max(scored.probs))]
    assert (likeliest.probs, likeliest.label_mass) == (None, scored.label_mass)


def test_choices_of_longer_labels_follow_constrained_decoding(engine: HfEngine, plain: Any) -> None:
    numbers = WORDS[1]
    assert numbers.labels == ("1", "10", "2")
    one, ten, two = map(math.exp, plain(numbers))
    one_alone = math.exp(plain(numbers, ended=("1",))[0])
    # After "1" comes the end of the turn or "0"; all other tokens are ruled out.
    shares = [one / (one + two) * part / (one_alone + ten) for part in (one_alone, ten)]
    assert shares_of_choices(engine, numbers) == near([*shares, two / (one + two)])


def texts(requests: Iterable[Request], engine: HfEngine) -> dict[str, Answer]:
    return by_key(engine.ask(list(requests)))


def test_a_text_depends_on_its_own_request_only(engine: HfEngine) -> None:
    short = Sampling(max_tokens=8)
    asked = [
        replace(one, key=f"{one.key}/{seed}", mode=mode, seed=seed, sampling=short)
        for one in LETTERS[:3]
        for mode, seed in (("text", 1), ("verbalized", 2**62))
    ]
    together = texts(asked, engine)
    assert len({answer.text for answer in together.values()}) > 1
    for one in asked[::2]:
        assert texts([one], engine) == {one.key: together[one.key]}
    for answer in together.values():
        assert 0 < answer.output_tokens <= 8
        assert answer.output_tokens == 8 or not answer.truncated
        assert answer.text


def test_temperature_zero_is_greedy_generation(engine: HfEngine) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    asked = [replace(one, mode="text", sampling=Sampling(temperature=0, max_tokens=12)) for one in LETTERS[:2]]
    answers = texts(asked, engine)
    for one in asked:
        turns = [{"role": message.role, "content": message.content} for message in one.messages]
        inputs = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt")
        made = model.generate(**inputs, do_sample=False, max_new_tokens=12)
        expected = tokenizer.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        assert answers[one.key].text == expected


def test_seeds_name_the_noise(engine: HfEngine) -> None:
    drawn = [
        replace(LETTERS[0], key=str(seed), mode="text", seed=seed, sampling=Sampling(max_tokens=6)) for seed in range(8)
    ]
    found = texts(drawn, engine)
    assert len({answer.text for answer in found.values()}) > 4
    again = texts([replace(one, key=f"{one.key} again") for one in drawn[:3]], engine)
    for one in drawn[:3]:
        assert again[f"{one.key} again"].text == found[one.key].text
    narrow = [replace(one, sampling=Sampling(max_tokens=6, top_p=1e-6)) for one in drawn[:3]]
    assert len({answer.text for answer in texts(narrow, engine).values()}) == 1


def test_a_first_token_is_drawn_with_the_probability_of_its_label(engine: HfEngine) -> None:
    (scored,) = engine.ask([LETTERS[0]])
    assert scored.label_mass is not None
    assert scored.probs is not None
    one_token = Sampling(max_tokens=1)
    drawn = [replace(LETTERS[0], key=str(seed), mode="text", seed=seed, sampling=one_token) for seed in range(320)]
    answers = texts(drawn, engine).values()
    for label, prob in zip(LETTERS[0].labels, scored.probs, strict=True):
        expected = prob * scored.label_mass
        share = sum(answer.text == label for answer in answers) / 320
        assert share == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / 320) + 1e-9)


def test_a_prompt_that_does_not_fit_is_an_error_row(engine: HfEngine) -> None:
    long = Request("long", (Message("user", "word " * 8200),), ("A", "B"))
    found = by_key(engine.ask([long, LETTERS[0]]))
    assert (found["long"].status, found["long"].reason) == ("error", "prompt_too_long")
    assert found["long"].prompt_tokens > 8192
    assert found[LETTERS[0].key].status == "valid"
    (text,) = engine.ask([replace(long, mode="text")])
    assert text.reason == "prompt_too_long"


def test_what_cannot_be_meant_is_refused(engine: HfEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match=r"adapter 'liberal', which is not in options\.adapters"):
        list(engine.ask([replace(LETTERS[0], adapter="liberal")]))
    with pytest.raises(EngineError, match="labels 'A' and 'A' are the same tokens"):
        list(engine.ask([replace(LETTERS[0], labels=("A", "A"))]))
    with pytest.raises(ConfigError, match=r"'dtyp'.*did you mean 'dtype'"):
        engine_with(dtyp="float32")
    with pytest.raises(ConfigError, match=r"key 'device'"):
        engine_with(device="tpu")
    monkeypatch.setattr(hf_module, "find_spec", lambda name: None if name == "transformers" else find_spec(name))
    with pytest.raises(MissingPartError, match=r"needs transformers: pip install 'demoscope\[hf\]'"):
        engine_with()


def test_the_revision_names_weights_and_dtype(engine: HfEngine) -> None:
    assert engine.revision == HfEngine(model="other", options={"model": str(MODEL), "batch_size": 2}).revision
    assert engine.revision != engine_with(dtype="bfloat16").revision
    assert "1e-4 nat" in engine.facts()["regrouping"]
    assert all(isinstance(part, str) for pair in engine.facts().items() for part in pair)


def test_close_and_ask_again(engine: HfEngine) -> None:
    (before,) = engine.ask(LETTERS[:1])
    engine.close()
    engine.close()
    assert list(engine.ask(LETTERS[:1])) == [before]
    assert list(engine.ask([])) == []


def test_prompts_are_shown_and_counted_without_a_model(engine: HfEngine) -> None:
    unloaded = engine_with()
    tokens = unloaded.prompt_tokens(LETTERS)
    text = unloaded.rendered(LETTERS[0])
    assert unloaded._loaded is None
    answers = by_key(engine.ask(LETTERS))
    assert tokens is not None
    assert [len(prompt) for prompt in tokens] == [answers[asked.key].prompt_tokens for asked in LETTERS]
    assert (engine.rendered(LETTERS[0]), engine.prompt_tokens(LETTERS)) == (text, tokens)
    assert text == turns(LETTERS[0]) + "<|im_start|>assistant\n"


def turns(asked: Request) -> str:
    return "".join(f"<|im_start|>{turn.role}\n{turn.content}<|im_end|>\n" for turn in asked.messages)


BUDGET = 12


@pytest.fixture(scope="module")
def thoughtful() -> Iterator[HfEngine]:
    made = engine_with(chat_template=str(TEMPLATE), thinking="first", thinking_budget=BUDGET)
    yield made
    made.close()


def test_labels_are_scored_behind_a_thought(thoughtful: HfEngine, teacher: Any) -> None:
    asked = [replace(LETTERS[0], key=f"{seed}", seed=seed) for seed in range(3)]
    answers = by_key(thoughtful.ask(asked))
    assert len({answer.thought for answer in answers.values()}) == 3
    for answer in answers.values():
        assert answer.thought is not None
        # This model does not know the end of a thought: it ends with its turn or is cut.
        assert not answer.thought.endswith("</think>")
        assert 1 <= answer.output_tokens <= BUDGET
        behind = f"{turns(LETTERS[0])}<|im_start|>assistant\n<think>\n{answer.thought}\n</think>\n\n"
        assert logprobs_of(answer) == pytest.approx([teacher(behind, label) for label in "ABCD"], abs=TREE_NATS)
    assert thoughtful.facts()["thinking"] == f"first, up to {BUDGET} tokens"
    assert thoughtful.revision != engine_with(chat_template=str(TEMPLATE)).revision


def test_choice_and_text_follow_the_same_thought(thoughtful: HfEngine) -> None:
    asked = [
        replace(LETTERS[0], key=mode, mode=mode, sampling=Sampling(max_tokens=4), seed=5)  # type: ignore[arg-type]
        for mode in ("logprobs", "choice", "text")
    ]
    answers = by_key(thoughtful.ask(asked))
    assert len({answer.thought for answer in answers.values()}) == 1
    assert answers["choice"].text in LETTERS[0].labels
    assert answers["choice"].output_tokens == answers["logprobs"].output_tokens + 1
    text = answers["text"]
    assert text.thought is not None
    assert text.text is not None
    assert text.thought not in text.text
    assert text.output_tokens > answers["logprobs"].output_tokens
    assert texts([asked[2]], thoughtful) == {"text": text}


def test_a_thought_that_ends_by_itself_keeps_its_end(
    thoughtful: HfEngine, teacher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every sentence ends with a full stop, hence this end is found."""
    conversation = thoughtful._conversation
    monkeypatch.setattr(conversation, "thinking", replace(conversation.thinking, end=".", budget=48))
    answers = by_key(thoughtful.ask([replace(LETTERS[0], key=f"{seed}", seed=seed) for seed in range(4)]))
    ended = [answer for answer in answers.values() if str(answer.thought).endswith(".")]
    assert ended
    for answer in ended:
        assert answer.thought is not None
        assert answer.thought.count(".") == 1
        assert answer.output_tokens < 48
        behind = f"{turns(LETTERS[0])}<|im_start|>assistant\n{answer.thought}\n\n"
        assert logprobs_of(answer) == pytest.approx([teacher(behind, label) for label in "ABCD"], abs=TREE_NATS)


@pytest.mark.parametrize("mode", ["logprobs", "choice", "text", "verbalized"])
@pytest.mark.parametrize("thinking", ["auto", "off"])
def test_nothing_is_read_one_token_into_a_thought(tmp_path: Path, mode: Any, thinking: str) -> None:
    template = tmp_path / "open.jinja"
    template.write_text("{{ messages[-1].content }}{% if add_generation_prompt %}<think>\n{% endif %}")
    engine = engine_with(chat_template=str(template), thinking=thinking)
    try:
        assert str(engine.rendered(LETTERS[0])).endswith("<think>\n")
        with pytest.raises(EngineError, match=r"one token into a thought; set options\.thinking = 'first'"):
            list(engine.ask([replace(LETTERS[0], mode=mode)]))
    finally:
        engine.close()


def test_a_switch_in_the_template_is_turned_off() -> None:
    engine = engine_with(chat_template=str(TEMPLATE))
    assert engine.rendered(LETTERS[0]) == turns(LETTERS[0]) + "<|im_start|>assistant\n<think>\n\n</think>\n\n"


def test_plain_text_has_labels_behind_a_space_and_texts_of_one_line(teacher: Any) -> None:
    engine = engine_with(chat_template="none")
    asked = [LETTERS[0], *(replace(LETTERS[0], key=f"{seed}", mode="text", seed=seed) for seed in range(6))]
    try:
        answers = by_key(engine.ask(asked))
    finally:
        engine.close()
    prompt = engine.rendered(LETTERS[0])
    assert prompt == "\n\n".join(turn.content for turn in LETTERS[0].messages) + "\nAnswer:"
    expected = [teacher(prompt, f" {label}") for label in "ABCD"]
    assert logprobs_of(answers[LETTERS[0].key]) == pytest.approx(expected, abs=TREE_NATS)
    written = [str(answers[one.key].text) for one in asked[1:]]
    assert all("\n" not in text and not text.startswith(" ") for text in written)
    assert any(written)
