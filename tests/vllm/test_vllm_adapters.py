"""A LoRA adapter of made-up weights: merged into the model, and beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.small_model import FLOAT32_NATS, MODEL, logprobs_of

from demoscope.engines.base import Engine, Message, Request
from demoscope.engines.hf import HfEngine
from demoscope.engines.vllm import VllmEngine
from demoscope.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LETTERS = ("A", "B", "C")
RANK = 4


def write_adapter(folder: Path, *, seed: int, width: int = 576) -> Path:
    import torch
    from safetensors.torch import save_file

    noise = torch.Generator().manual_seed(seed)
    tensors = {}
    for layer in (10, 20):
        for module, outputs in (("q_proj", 576), ("v_proj", 192)):
            name = f"base_model.model.model.layers.{layer}.self_attn.{module}"
            tensors[f"{name}.lora_A.weight"] = torch.randn(RANK, width, generator=noise) * 0.3
            tensors[f"{name}.lora_B.weight"] = torch.randn(outputs, RANK, generator=noise) * 0.3
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": RANK,
        "lora_alpha": 2 * RANK,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": ["q_proj", "v_proj"],
        "layers_to_transform": [10, 20],
        "base_model_name_or_path": "smollm2",
    }
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_adapter(tmp_path_factory.mktemp("adapters") / "one", seed=1)


def requests(adapter: Path) -> list[Request]:
    """Asked of the model and of the adapter in turns."""
    found = []
    for number, drink in enumerate(("tea", "milk", "beer")):
        question = Message("user", f"How often do you drink {drink}?\nA. Never\nB. Often\nC. Daily\nAnswer A, B or C.")
        request = Request(f"{number}", (Message("system", "You are old."), question), LETTERS)
        found += [request, replace(request, key=f"{number}/adapted", adapter=str(adapter))]
    return found


def answered(engine: Engine, asked: Sequence[Request]) -> dict[str, list[float]]:
    try:
        answers = {answer.key: answer for answer in engine.ask(asked)}
    finally:
        engine.close()
    assert answers.keys() == {request.key for request in asked}
    return {key: logprobs_of(answer) for key, answer in answers.items()}


def test_merged_and_beside_and_the_reference_agree_and_differ_from_the_model(
    adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    options = {"model": str(MODEL), "dtype": "float32", "adapters": [str(adapter)]}
    asked = requests(adapter)
    merged_engine = VllmEngine(model="m", options=options)
    merged = answered(merged_engine, asked)
    # On a CPU merging is the default; the copy is kept under a name of its own.
    (made,) = (tmp_path / "demoscope" / "merged").iterdir()
    assert (made / "model.safetensors").is_file()
    assert (made / "config.json").read_bytes() == (MODEL / "config.json").read_bytes()

    beside = answered(VllmEngine(model="m", options={**options, "merge_adapters": False}), asked)
    # Rows without an adapter as well: on a CPU vLLM gives them the last of its places for adapters.
    for key, expected in merged.items():
        assert beside[key] == pytest.approx(expected, abs=FLOAT32_NATS), key
    reference = answered(HfEngine(model="m", options=options), asked)
    for key, expected in merged.items():
        assert reference[key] == pytest.approx(expected, abs=FLOAT32_NATS), key
    for number in range(3):
        moved = [abs(a - b) for a, b in zip(merged[f"{number}"], merged[f"{number}/adapted"], strict=True)]
        assert max(moved) > 10 * FLOAT32_NATS


@pytest.mark.parametrize("kind", [VllmEngine, HfEngine])
def test_an_adapter_of_another_model_is_an_error_that_names_it(
    kind: type[VllmEngine | HfEngine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    other = write_adapter(tmp_path / "other", seed=2, width=64)
    engine = kind(model="m", options={"model": str(MODEL), "adapters": [str(other)]})
    with pytest.raises(EngineError, match=f"adapter {other}: cannot be merged into"):
        list(engine.ask([requests(other)[1]]))
    assert not any((tmp_path / "cache" / "demoscope" / "merged").iterdir())
