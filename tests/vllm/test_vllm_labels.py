"""Labels of several tokens, drawn labels and free texts of a real model in float32."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.small_model import FLOAT32_NATS, MODEL, by_key

from demoscope.engines.base import Answer, Message, Request, Sampling
from demoscope.engines.vllm import VllmEngine
from demoscope.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DRAWS = 200
READ_AT_ONCE = 2048


NUMBERS = tuple(str(number) for number in range(1, 11))
TEXTS = ("Strongly agree", "Agree", "Agree a little", "Disagree", "Strongly disagree")
LETTERS = ("A", "B", "C")


def talk(persona: str, question: str) -> tuple[Message, ...]:
    return Message("system", persona), Message("user", question)


CELLS = {
    persona: talk(persona, "What do you drink?\nA. Tea\nB. Milk\nC. Coffee\nAnswer with one letter.")
    for persona in ("You are a woman aged 18-34.", "You are a man from Texas.", "You are old and live in Ohio.")
}


@pytest.fixture(scope="module")
def engine() -> Iterator[VllmEngine]:
    # Few tokens at once, so that seeded rows are cut into groups.
    options = {"model": str(MODEL), "dtype": "float32", "max_num_batched_tokens": READ_AT_ONCE}
    made = VllmEngine(model="smollm2", options=options)
    yield made
    made.close()


def rendered(tokenizer: Any, messages: Sequence[Message]) -> str:
    turns = [{"role": message.role, "content": message.content} for message in messages]
    return str(tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))


@pytest.mark.parametrize(
    ("labels", "behind", "scale"),
    [
        (NUMBERS, "<|im_end|>", "Answer with a number from 1 to 10."),
        (TEXTS, "<|im_end|>", "Answer Strongly agree, Agree, Agree a little, Disagree or Strongly disagree."),
        # None begins with another one: no end is asked for.
        (tuple(text for text in TEXTS if text != "Agree"), "", "Answer in words."),
        (LETTERS, "", "Answer A, B or C."),
    ],
)
def test_probabilities_of_labels_are_those_of_transformers(
    engine: VllmEngine,
    tokenizer: Any,
    teacher: Callable[[str, str], float],
    labels: tuple[str, ...],
    behind: str,
    scale: str,
) -> None:
    requests = [
        Request(f"{number}", talk(persona, f"Taxes should be lower. {scale}"), labels)
        for number, persona in enumerate(CELLS)
    ]
    answers = by_key(engine.ask(requests))
    for request in requests:
        prompt = rendered(tokenizer, request.messages)
        expected = [teacher(prompt, label + behind) for label in labels]
        answer = answers[request.key]
        assert answer.status == "valid"
        assert answer.probs is not None
        assert answer.label_mass is not None
        found = [math.log(share * answer.label_mass) for share in answer.probs]
        assert found == pytest.approx(expected, abs=FLOAT32_NATS)
        assert answer.label_mass == pytest.approx(math.fsum(map(math.exp, expected)), rel=FLOAT32_NATS)
        assert math.fsum(answer.probs) == pytest.approx(1.0, abs=1e-12)


def test_one_and_ten_differ(engine: VllmEngine) -> None:
    request = Request("k", talk("You are old.", "How happy are you, from 1 to 10?"), NUMBERS)
    (answer,) = engine.ask([request])
    assert answer.probs is not None
    assert answer.probs[0] != pytest.approx(answer.probs[9], rel=0.1)


def test_tries_of_a_block_do_not_disturb_each_other(engine: VllmEngine) -> None:
    requests = [
        Request(f"{persona}/{len(labels)}", messages, labels)
        for persona, messages in CELLS.items()
        for labels in (NUMBERS, TEXTS, LETTERS)
    ]
    together = by_key(engine.ask(requests))
    alone: dict[str, Answer] = {}
    for request in reversed(requests):
        alone |= by_key(engine.ask([request]))
    assert alone == together


def test_labels_that_are_the_same_are_refused(engine: VllmEngine) -> None:
    with pytest.raises(EngineError, match="model 'smollm2': labels 'A' and 'A' are the same tokens"):
        list(engine.ask([Request("k", talk("x", "y"), ("A", "A"))]))


@pytest.fixture(scope="module")
def drawn(engine: VllmEngine) -> list[tuple[Request, Answer]]:
    """Every cell drawn 200 times at temperature 1, all in one block."""
    requests = [
        Request(f"{persona}/{draw}", messages, LETTERS, mode="choice", seed=1000 * number + draw)
        for number, (persona, messages) in enumerate(CELLS.items())
        for draw in range(DRAWS)
    ]
    answers = by_key(engine.ask(requests))
    return [(request, answers[request.key]) for request in requests]


def p_value(counts: Sequence[int], probs: Sequence[float]) -> float:
    """Chi-square test of goodness of fit."""
    import torch

    total = sum(counts)
    statistic = sum((count - total * prob) ** 2 / (total * prob) for count, prob in zip(counts, probs, strict=True))
    halves = torch.tensor([(len(probs) - 1) / 2, statistic / 2], dtype=torch.float64)
    return float(torch.special.gammaincc(halves[0], halves[1]))


def test_the_p_value_is_that_of_the_table() -> None:
    # Two degrees of freedom: exp(-x / 2); x = (5**2 + 5**2 + 0) / 10.
    assert p_value([15, 5, 10], [1 / 3] * 3) == pytest.approx(math.exp(-2.5))


def test_draws_follow_the_probabilities(engine: VllmEngine, drawn: list[tuple[Request, Answer]]) -> None:
    for persona, messages in CELLS.items():
        (scored,) = engine.ask([Request("k", messages, LETTERS)])
        assert scored.probs is not None
        texts = Counter(answer.text for request, answer in drawn if request.messages == messages)
        assert sum(texts.values()) == DRAWS
        counts = [texts[label] for label in LETTERS]
        assert sum(counts) == DRAWS
        assert p_value(counts, scored.probs) > 1e-4, (persona, counts, scored.probs)


def test_draws_of_different_cells_share_no_noise(drawn: list[tuple[Request, Answer]]) -> None:
    """Under independence the number of pairs that agree is a sum of coins; shared noise makes nearly all agree."""
    texts = [[answer.text for _, answer in drawn[start : start + DRAWS]] for start in range(0, len(drawn), DRAWS)]
    for one, other in ((texts[0], texts[1]), (texts[0], texts[2]), (texts[1], texts[2])):
        shares = [Counter(one), Counter(other)]
        chance = sum(shares[0][label] * shares[1][label] for label in LETTERS) / DRAWS**2
        agree = sum(a == b for a, b in zip(one, other, strict=True))
        assert abs(agree - DRAWS * chance) < 4.5 * math.sqrt(DRAWS * chance * (1 - chance))


def test_equal_seeds_give_equal_texts_in_any_grouping(engine: VllmEngine, drawn: list[tuple[Request, Answer]]) -> None:
    sample = random.Random(5).sample(drawn, 24)
    mixed: list[Request] = []
    for request, _ in sample:
        mixed += [request, replace(request, key=f"{request.key}/scored", mode="logprobs")]
    found: dict[str, Answer] = {}
    for start in range(0, len(mixed), 14):
        found |= by_key(engine.ask(mixed[start : start + 14]))
    assert [found[request.key] for request, _ in sample] == [answer for _, answer in sample]
    for request, _ in sample:
        assert found[f"{request.key}/scored"].probs is not None


def test_one_constant_seed_is_no_constant_noise(engine: VllmEngine) -> None:
    """A seed that nobody changes must not give all persons the same draw."""
    personas = [f"You are {age} years old." for age in range(20, 60)]
    question = next(iter(CELLS.values()))[1].content
    requests = [Request(persona, talk(persona, question), LETTERS, mode="choice", seed=7) for persona in personas]
    scored = engine.ask([replace(request, mode="logprobs") for request in requests])
    probs = [answer.probs for answer in scored if answer.probs is not None]
    texts = Counter(answer.text for answer in engine.ask(requests))
    for place, label in enumerate(LETTERS):
        expected = math.fsum(vector[place] for vector in probs)
        spread = math.sqrt(math.fsum(vector[place] * (1 - vector[place]) for vector in probs))
        assert abs(texts[label] - expected) < 4.5 * spread


@pytest.mark.parametrize("labels", [NUMBERS, TEXTS])
def test_a_drawn_label_is_a_label(engine: VllmEngine, labels: tuple[str, ...]) -> None:
    messages = next(iter(CELLS.values()))
    requests = [Request(f"{seed}", messages, labels, mode="choice", seed=seed) for seed in range(20)]
    answers = list(engine.ask(requests))
    assert {answer.status for answer in answers} == {"valid"}
    texts = {answer.text for answer in answers}
    assert texts <= set(labels)
    assert len(texts) > 1
    assert all(answer.output_tokens >= 2 and answer.probs is None and not answer.truncated for answer in answers)


def test_cold_draws_are_the_likeliest_label(engine: VllmEngine) -> None:
    for messages in CELLS.values():
        (scored,) = engine.ask([Request("k", messages, LETTERS)])
        assert scored.probs is not None
        likeliest = LETTERS[max(range(3), key=lambda place: scored.probs[place])]
        for sampling in (Sampling(temperature=0.0), Sampling(top_p=1e-6)):
            request = Request("k", messages, LETTERS, mode="choice", sampling=sampling, seed=3)
            assert [answer.text for answer in engine.ask([request])] == [likeliest]


@pytest.mark.parametrize("mode", ["text", "verbalized"])
def test_free_texts(engine: VllmEngine, mode: Any) -> None:
    messages = next(iter(CELLS.values()))
    requests = [
        Request(f"{tokens}/{seed}", messages, LETTERS, mode=mode, sampling=Sampling(max_tokens=tokens), seed=seed)
        for tokens in (1, 24)
        for seed in range(12)
    ]
    answers = by_key(engine.ask(requests))
    assert len({answers[f"24/{seed}"].text for seed in range(12)}) > 6
    ended = Counter((key.split("/")[0], answer.truncated) for key, answer in answers.items())
    assert ended["24", False] > 0
    assert ended["1", True] > 0
    for key, answer in answers.items():
        longest = int(key.split("/")[0])
        assert answer.status == "valid"
        assert answer.text is not None
        assert answer.prompt_tokens > 20
        assert 1 <= answer.output_tokens <= longest
        if answer.truncated:
            assert answer.output_tokens == longest
    again = by_key(engine.ask(random.Random(1).sample(requests, 9)))
    assert all(answers[key] == answer for key, answer in again.items())


def test_many_long_seeded_prompts_do_not_break_the_engine(engine: VllmEngine) -> None:
    """More tokens than are read at once: cut into groups, since a seeded prompt must not be read in parts."""
    long = "word " * 700
    requests = [
        Request(f"{number}", talk(f"{number} {long}", "A or B?"), ("A", "B"), mode="choice", seed=number)
        for number in range(5)
    ]
    answers = list(engine.ask(requests))
    assert sum(answer.prompt_tokens for answer in answers) > READ_AT_ONCE
    assert {answer.status for answer in answers} == {"valid"}


def test_a_prompt_without_room_for_its_answer_is_an_error_row(engine: VllmEngine) -> None:
    messages = (Message("user", "word " * 960),)
    requests = [
        Request("scored", messages, LETTERS),
        Request("short", messages, LETTERS, mode="text", sampling=Sampling(max_tokens=4)),
        Request("long", messages, LETTERS, mode="text", sampling=Sampling(max_tokens=200)),
        Request("chosen", messages, ("A", "B" * 200), mode="choice"),
    ]
    answers = by_key(engine.ask(requests))
    assert [answers[key].reason for key in ("scored", "short", "long", "chosen")] == [
        None,
        None,
        "prompt_too_long",
        "prompt_too_long",
    ]
