"""A real model behind the vLLM engine, on the CPU; ``tests/vllm/setup.sh`` makes the environment and the model."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.small_model import FLOAT32_NATS, MODEL, VLLM, Reference, by_key, cells, logprobs_of, reference_of

from demoscope.engines.base import Answer, Message, Request
from demoscope.engines.vllm import VllmEngine
from demoscope.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator


# What a log-probability may differ from that of transformers in float32.
# In bfloat16 over the 480 cells of the demo: 0.20 at the 95th percentile of cells, 0.31 at most, mean TV 0.021.
BFLOAT16_NATS = 0.35
BFLOAT16_MEAN_TV = 0.04


def requests() -> list[Request]:
    """Twelve cells: two personas and nobody, each asked two items, in both orders."""
    return cells(items=(0, -1), orders=("given", "reversed"))


@pytest.fixture(scope="module")
def engine() -> Iterator[VllmEngine]:
    made = VllmEngine(model="smollm2", options={"model": str(MODEL)})
    yield made
    made.close()


@pytest.fixture(scope="module")
def answers(engine: VllmEngine) -> dict[str, Answer]:
    return by_key(engine.ask(requests()))


@pytest.fixture(scope="module")
def reference() -> Reference:
    return reference_of(requests())


def test_probabilities_sum_to_one_and_the_labels_have_mass(answers: dict[str, Answer]) -> None:
    assert answers.keys() == {request.key for request in requests()}
    for request in requests():
        answer = answers[request.key]
        assert answer.status == "valid"
        assert answer.probs is not None
        assert answer.label_mass is not None
        assert len(answer.probs) == len(request.labels)
        assert math.fsum(answer.probs) == pytest.approx(1.0, abs=1e-12)
        assert min(answer.probs) > 0
        assert 0.3 < answer.label_mass <= 1.0


def disagreement(answers: dict[str, Answer], reference: Reference) -> tuple[float, float]:
    """Mean total variation between the distributions, and the largest error of a log-probability in nats."""
    distances, errors = [], []
    for key, (expected, length) in reference.items():
        answer = answers[key]
        assert answer.probs is not None
        assert answer.prompt_tokens == length
        found = logprobs_of(answer)
        errors += [abs(ours - theirs) for ours, theirs in zip(found, expected, strict=True)]
        mass = math.fsum(map(math.exp, expected))
        shares = [math.exp(value) / mass for value in expected]
        distances.append(0.5 * math.fsum(abs(p - q) for p, q in zip(answer.probs, shares, strict=True)))
    return math.fsum(distances) / len(distances), max(errors)


def report(capsys: pytest.CaptureFixture[str], dtype: str, mean: float, largest: float) -> None:
    with capsys.disabled():
        print(f"\n{VLLM} {dtype} against transformers float32: mean TV {mean:.1e}, max error {largest:.1e} nat")  # noqa: T201 - a figure for the log


def test_bfloat16_agrees_with_transformers(
    answers: dict[str, Answer], reference: Reference, capsys: pytest.CaptureFixture[str]
) -> None:
    mean, largest = disagreement(answers, reference)
    report(capsys, "bfloat16", mean, largest)
    assert largest < BFLOAT16_NATS
    assert mean < BFLOAT16_MEAN_TV


@pytest.mark.parametrize("block", [1, 5])
def test_grouping_does_not_matter(engine: VllmEngine, answers: dict[str, Answer], block: int) -> None:
    shuffled = requests()
    random.Random(block).shuffle(shuffled)
    regrouped: dict[str, Answer] = {}
    for start in range(0, len(shuffled), block):
        regrouped |= by_key(engine.ask(shuffled[start : start + block]))
    assert regrouped == answers


def test_probabilities_follow_the_order_of_the_labels(engine: VllmEngine, answers: dict[str, Answer]) -> None:
    given = requests()[0]
    turned = Request(given.key, given.messages, given.labels[::-1])
    answer = by_key(engine.ask([turned]))[given.key]
    expected = answers[given.key].probs
    assert answer.probs is not None
    assert expected is not None
    assert answer.probs[::-1] == pytest.approx(expected, rel=1e-12)


def test_reversed_options_are_another_prompt(answers: dict[str, Answer]) -> None:
    for key, answer in answers.items():
        if key.endswith("given"):
            assert answer.probs != answers[key.replace("given", "reversed")].probs


def test_no_persona_means_the_default_system_prompt_of_the_template(engine: VllmEngine) -> None:
    bare = requests()[0]
    assert all(message.role != "system" for message in bare.messages)
    default = Message("system", "You are a helpful AI assistant named SmolLM, trained by Hugging Face")
    both = by_key(engine.ask([bare, Request("named", (default, *bare.messages), bare.labels)]))
    assert both["named"].probs == both[bare.key].probs
    assert engine.facts()["system_role"] == "own turn"


def test_an_adapter_that_was_not_announced_is_refused(engine: VllmEngine) -> None:
    given = requests()[0]
    with pytest.raises(EngineError, match=r"adapter 'liberal', which is not in options\.adapters"):
        list(engine.ask([Request("k", given.messages, given.labels, adapter="liberal")]))


def test_a_prompt_that_does_not_fit_is_an_error_row_beside_good_ones(
    engine: VllmEngine, answers: dict[str, Answer]
) -> None:
    given = requests()[0]
    long = Request("long", (Message("user", "word " * 1100),), given.labels)
    found = by_key(engine.ask([long, given]))
    assert (found["long"].status, found["long"].reason, found["long"].probs) == ("error", "prompt_too_long", None)
    assert found["long"].prompt_tokens > 1100
    assert found[given.key] == answers[given.key]


def test_unknown_options_are_refused_before_the_model_is_loaded() -> None:
    options = {"model": str(MODEL), "max_model_length": 512}
    with pytest.raises(ConfigError, match="unknown option 'max_model_length'; did you mean 'max_model_len'"):
        list(VllmEngine(model="m", options=options).ask(requests()))


def test_facts_name_versions_device_and_settings(engine: VllmEngine, answers: dict[str, Answer]) -> None:
    assert answers
    facts = engine.facts()
    assert facts["vllm"] == VLLM
    assert facts["dtype"] == "bfloat16"
    assert {"torch", "transformers", "device", "settings"} <= facts.keys()
    assert (facts["conversation"], facts["thinking"]) == ("chat template", "none")
    if facts["device"] == "cpu":
        assert '"block_size": 32' in facts["settings"]


def test_close_frees_memory_and_asking_again_gives_the_same(engine: VllmEngine, answers: dict[str, Answer]) -> None:
    before = resident_bytes()
    engine.close()
    engine.close()
    assert before - resident_bytes() > 0.8 * (MODEL / "model.safetensors").stat().st_size
    assert by_key(engine.ask(requests()[:3])) == {request.key: answers[request.key] for request in requests()[:3]}


def test_float32_agrees_with_transformers_closely(
    engine: VllmEngine, reference: Reference, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.close()  # one model at a time
    exact = VllmEngine(model="smollm2", options={"model": str(MODEL), "dtype": "float32"})
    assert exact.revision != engine.revision
    try:
        mean, largest = disagreement(by_key(exact.ask(requests())), reference)
    finally:
        exact.close()
    report(capsys, "float32", mean, largest)
    assert largest < FLOAT32_NATS


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_prompts_are_shown_and_counted_without_a_model(engine: VllmEngine, answers: dict[str, Answer]) -> None:
    unloaded = VllmEngine(model="smollm2", options={"model": str(MODEL)})
    tokens = unloaded.prompt_tokens(requests())
    assert unloaded._loaded is None
    assert tokens is not None
    assert [len(prompt) for prompt in tokens] == [answers[request.key].prompt_tokens for request in requests()]
    assert engine.prompt_tokens(requests()) == tokens
    text = unloaded.rendered(requests()[0])
    assert text is not None
    assert text == engine.rendered(requests()[0])
    assert text.endswith(f"{requests()[0].messages[-1].content}<|im_end|>\n<|im_start|>assistant\n")


def test_tokens_are_counted_without_importing_vllm() -> None:
    code = f"""
import sys
from demoscope.engines import Message, Request
from demoscope.engines.vllm import VllmEngine
engine = VllmEngine(model="m", options={{"model": {str(MODEL)!r}}})
assert len(engine.prompt_tokens([Request("k", (Message("user", "Tea?"),), ("A", "B"))])[0]) > 5
assert "vllm" not in sys.modules
odd = VllmEngine(model="m", options={{"model": {str(MODEL)!r}, "tokenizer_mode": "mistral"}})
assert odd.prompt_tokens([]) is None
"""
    subprocess.run([sys.executable, "-c", code], check=True)
