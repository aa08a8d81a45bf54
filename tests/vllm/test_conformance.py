"""The same cells asked of every engine that is installed here; transformers in float32 is the reference.

The model directory holds the weights that the embedded 4-bit file stands for, so that a difference from it is one of
arithmetic: llama.cpp rounds what flows between the layers to 8 bits as well.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.small_model import MODEL, by_key, cells, logprobs_of

from demoscope.engines import ENGINES
from demoscope.engines.base import Answer, Engine, Request, Sampling
from demoscope.engines.noise import shared_noise

if TYPE_CHECKING:
    from collections.abc import Iterator


DRAWS = 200
P_VALUE = 1e-4


@dataclass(frozen=True)
class Bound:
    """How far an engine may be from the reference: log-probabilities in nats, distributions in total variation."""

    nats_p95: float
    nats_max: float
    mean_tv: float


# Measured over the 24 cells, nats at the 95th percentile of labels, at most, and mean TV:
# hf without trees 2.0e-5, 2.1e-5, 2.3e-6; embedded 0.19, 0.34, 0.025;
# vllm float32 2.7e-5, 4.3e-5, 3.3e-6; vllm bfloat16 0.15, 0.21, 0.024.
SUBJECTS: dict[str, tuple[str, dict[str, Any], Bound]] = {
    "hf float32": ("hf", {"model": str(MODEL), "packed_tokens": 0}, Bound(1e-4, 1e-4, 1e-4)),
    "embedded Q4_1": ("embedded", {}, Bound(0.2, 0.5, 0.04)),
    "vllm float32": ("vllm", {"model": str(MODEL), "dtype": "float32"}, Bound(0.02, 0.02, 0.005)),
    "vllm bfloat16": ("vllm", {"model": str(MODEL)}, Bound(0.35, 0.35, 0.04)),
}


def requests() -> list[Request]:
    """Twenty-four cells: two personas and nobody, each asked four items, in both orders."""
    return cells(items=(0, 1, -2, -1), orders=("given", "reversed"))


def in_blocks(engine: Engine, asked: list[Request]) -> dict[str, Answer]:
    size = engine.capabilities.block
    blocks = (asked[start : start + size] for start in range(0, len(asked), size))
    answers = by_key(answer for block in blocks for answer in engine.ask(block))
    assert {answer.status for answer in answers.values()} == {"valid"}
    return answers


def probs_of(answer: Answer) -> tuple[float, ...]:
    assert answer.probs is not None
    return answer.probs


@pytest.fixture(scope="module")
def reference() -> dict[str, Answer]:
    engine = ENGINES["hf"](model="reference", options={"model": str(MODEL)})
    try:
        return in_blocks(engine, requests())
    finally:
        engine.close()


@pytest.fixture(
    scope="module",
    params=list(SUBJECTS),
)
def subject(request: pytest.FixtureRequest) -> Iterator[tuple[str, Engine]]:
    kind, options, _ = SUBJECTS[request.param]
    engine = ENGINES[kind](model=request.param, options=options)
    yield request.param, engine
    engine.close()


@pytest.fixture(scope="module")
def scored(subject: tuple[str, Engine]) -> dict[str, Answer]:
    return in_blocks(subject[1], requests())


def test_log_probabilities_are_near_the_reference(
    subject: tuple[str, Engine],
    scored: dict[str, Answer],
    reference: dict[str, Answer],
    capsys: pytest.CaptureFixture[str],
) -> None:
    errors, distances = [], []
    assert scored.keys() == reference.keys()
    for key, expected in reference.items():
        assert scored[key].prompt_tokens == expected.prompt_tokens
        errors += [abs(a - b) for a, b in zip(logprobs_of(scored[key]), logprobs_of(expected), strict=True)]
        pairs = zip(probs_of(scored[key]), probs_of(expected), strict=True)
        distances.append(0.5 * math.fsum(abs(a - b) for a, b in pairs))
    errors.sort()
    p95, largest = errors[math.ceil(0.95 * len(errors)) - 1], errors[-1]
    mean = math.fsum(distances) / len(distances)
    with capsys.disabled():
        print(f"\n{subject[0]}: nats {p95:.1e} (95 %) {largest:.1e} (max), TV {mean:.1e} (mean)")  # noqa: T201 - a figure for the log
    bound = SUBJECTS[subject[0]][2]
    assert p95 < bound.nats_p95
    assert largest < bound.nats_max
    assert mean < bound.mean_tv


WORDS = ("Strongly agree", "Agree", "Disagree", "1", "10")


def test_labels_of_several_tokens_agree(subject: tuple[str, Engine], capsys: pytest.CaptureFixture[str]) -> None:
    engine = subject[1]
    offers(engine, "choice")  # what decodes labels can read them as well
    asked = [replace(requests()[5], key=" ".join(labels), labels=labels) for labels in (WORDS[:3], WORDS[3:])]
    exact = ENGINES["hf"](model="reference", options={"model": str(MODEL)})
    try:
        expected = in_blocks(exact, asked)
    finally:
        exact.close()
    errors = [
        abs(found - wanted)
        for key, answer in in_blocks(engine, asked).items()
        for found, wanted in zip(logprobs_of(answer), logprobs_of(expected[key]), strict=True)
    ]
    with capsys.disabled():
        print(f"\n{subject[0]}: labels of several tokens {max(errors):.1e} nat (max)")  # noqa: T201 - a figure for the log
    # Several tokens, each of which may be off by as much as one letter.
    assert max(errors) < 2 * SUBJECTS[subject[0]][2].nats_max


def draws(request: Request, *, mode: str, number: int, **sampling: Any) -> list[Request]:
    # Seeds of a run are hashes of cells; neighbouring numbers are the harder case.
    return [
        replace(
            request,
            key=f"{request.key}/{seed}",
            mode=mode,
            seed=seed,
            sampling=Sampling(**sampling),  # type: ignore[arg-type]
        )
        for seed in range(number)
    ]


def offers(engine: Engine, mode: str) -> None:
    if mode not in engine.capabilities.modes:
        pytest.skip(f"this engine has no mode {mode!r}")


def chi_square_p(counts: list[int], expected: list[float]) -> float:
    """Pearson's test, options of which fewer than five are expected taken together."""
    import torch

    rare = [place for place, number in enumerate(expected) if number < 5]
    common = [place for place in range(len(expected)) if place not in rare]
    cells = [(counts[place], expected[place]) for place in common]
    if rare:
        cells.append((sum(counts[place] for place in rare), math.fsum(expected[place] for place in rare)))
    statistic = math.fsum((count - number) ** 2 / number for count, number in cells if number > 0)
    half = torch.tensor((len(cells) - 1) / 2, dtype=torch.float64)
    return float(torch.special.gammaincc(half, torch.tensor(statistic / 2, dtype=torch.float64)))


def test_choices_follow_the_scored_probabilities(subject: tuple[str, Engine], scored: dict[str, Answer]) -> None:
    engine = subject[1]
    offers(engine, "choice")
    for request in requests()[::9]:
        chosen = in_blocks(engine, draws(request, mode="choice", number=DRAWS)).values()
        counts = Counter(answer.text for answer in chosen)
        assert counts.keys() <= set(request.labels)
        expected = [DRAWS * prob for prob in probs_of(scored[request.key])]
        assert chi_square_p([counts[label] for label in request.labels], expected) > P_VALUE


def test_cells_do_not_share_their_noise(subject: tuple[str, Engine], scored: dict[str, Answer]) -> None:
    engine = subject[1]
    offers(engine, "choice")
    asked = [
        replace(request, key=f"{draw}/{request.key}", mode="choice", seed=1000 * draw + place)
        for draw in range(5)
        for place, request in enumerate(requests())
    ]
    found = in_blocks(engine, asked)
    probs = [probs_of(scored[request.key.split("/", 1)[1]]) for request in asked]
    assert shared_noise(probs, [request.labels.index(str(found[request.key].text)) for request in asked]) > P_VALUE


@pytest.mark.parametrize("mode", ["text", "verbalized"])
def test_equal_seeds_write_alike_and_others_do_not(subject: tuple[str, Engine], mode: str) -> None:
    engine = subject[1]
    offers(engine, mode)
    asked = draws(requests()[3], mode=mode, number=8, max_tokens=6)
    found = in_blocks(engine, asked)
    assert len({answer.text for answer in found.values()}) > 3
    for request in asked[:2]:
        twin = replace(request, key="twin")
        assert in_blocks(engine, [twin])["twin"].text == found[request.key].text
