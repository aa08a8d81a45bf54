"""Marks of all tests here, and their reference: transformers in float32, token by token."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from tests.small_model import MODEL, VLLM

from demoscope.engines.vllm_settings import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE = Path(__file__).parent

# The reference may load torch before vLLM is imported; threads that spin while they wait would then stay for good.
for name, value in ENVIRONMENT.items():
    os.environ.setdefault(name, value)

Teacher: TypeAlias = "Callable[[str, str], float]"
"""Log-probability in nats of a text behind a rendered prompt."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Nothing here runs without the environment and the model of ``setup.sh``."""
    missing = "vLLM is not installed" if not VLLM else "there is no model directory" if not MODEL.is_dir() else ""
    for item in items:
        if item.path.parent != HERE:
            continue
        item.add_marker(pytest.mark.vllm)
        item.add_marker(pytest.mark.filterwarnings("default"))  # of torch and vLLM, not ours
        if missing:
            item.add_marker(pytest.mark.skip(reason=f"{missing}: tests/vllm/setup.sh"))


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(MODEL)


@pytest.fixture(scope="session")
def teacher(tokenizer: Any) -> Teacher:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    known: dict[tuple[int, ...], Any] = {}

    def after(tokens: Sequence[int]) -> Any:
        if tuple(tokens) not in known:
            with torch.inference_mode():
                logits = model(torch.tensor([list(tokens)])).logits[0, -1]
            known[tuple(tokens)] = torch.log_softmax(logits, dim=-1)
        return known[tuple(tokens)]

    def logprob(prompt: str, text: str) -> float:
        whole = tokenizer.encode(prompt + text, add_special_tokens=False)
        # White space before a word is not split as at the end of a text: the last tokens decide, not the first.
        start = next(place for place in range(len(whole), -1, -1) if tokenizer.decode(whole[place:]) == text)
        return sum(float(after(whole[:place])[whole[place]]) for place in range(start, len(whole)))

    return logprob
