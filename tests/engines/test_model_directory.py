from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from demoscope.engines.model_directory import find_model_directory, fingerprint
from demoscope.errors import ConfigError, EngineError

TENSOR_BYTES = 10_000


def write_model(directory: Path, *, tensors: dict[str, bytes] | None = None) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    (directory / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    tensors = tensors or {"first": bytes(TENSOR_BYTES), "second": bytes(TENSOR_BYTES)}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name, data in tensors.items():
        header[name] = {"dtype": "U8", "shape": [len(data)], "data_offsets": [place, place + len(data)]}
        place += len(data)
    text = json.dumps(header).encode()
    (directory / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + b"".join(tensors.values()))
    return directory


def test_copies_are_the_same_model_whatever_their_place_and_time(tmp_path: Path) -> None:
    one, two = write_model(tmp_path / "one"), write_model(tmp_path / "two")
    os.utime(two / "model.safetensors", (0, 0))
    (two / "README.md").write_text("about", encoding="utf-8")
    (two / ".hidden.json").write_text("{}", encoding="utf-8")
    assert fingerprint(one) == fingerprint(two)


@pytest.mark.parametrize("tensor", ["first", "second"])
def test_retrained_weights_are_another_model(tmp_path: Path, tensor: str) -> None:
    zeros = bytes(TENSOR_BYTES)
    changed = {"first": zeros, "second": zeros, tensor: b"\x01" + zeros[1:]}
    assert fingerprint(write_model(tmp_path / "one")) != fingerprint(write_model(tmp_path / "two", tensors=changed))


@pytest.mark.parametrize("name", ["config.json", "chat_template.jinja", "tokenizer.json"])
def test_another_configuration_template_or_tokenizer_is_another_model(tmp_path: Path, name: str) -> None:
    directory = write_model(tmp_path)
    before = fingerprint(directory)
    (directory / name).write_text('{"changed": true}', encoding="utf-8")
    assert fingerprint(directory) != before


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 64, (5).to_bytes(8, "little") + b"[1,2]", b"version https://git-lfs"]
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, content: bytes) -> None:
    directory = write_model(tmp_path)
    (directory / "model.safetensors").write_bytes(content)
    with pytest.raises(ConfigError, match=r"model\.safetensors: not a safetensors file"):
        fingerprint(directory)


def test_home_and_environment_variables_are_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = write_model(tmp_path / "models" / "small")
    monkeypatch.setenv("MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_model_directory("${MODELS}/small") == directory
    assert find_model_directory("~/models/small") == directory


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("${NO_SUCH_VARIABLE}/small", "environment variable NO_SUCH_VARIABLE is not set"),
        ("/no/such/place", "no such directory"),
        ("./models/small", "no such directory"),
    ],
)
def test_names_that_lead_nowhere(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_model_directory(name)


def test_a_directory_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no config\.json"):
        find_model_directory(str(tmp_path))
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"no \*\.safetensors file"):
        find_model_directory(str(tmp_path))
    with pytest.raises(ConfigError, match="'revision' is for models of the Hugging Face hub"):
        find_model_directory(str(tmp_path), revision="main")


def fake_hub(monkeypatch: pytest.MonkeyPatch, given: Path | OSError) -> list[tuple[str, str | None]]:
    asked: list[tuple[str, str | None]] = []

    def snapshot_download(name: str, *, revision: str | None, **patterns: Any) -> str:
        asked.append((name, revision))
        if isinstance(given, OSError):
            raise given
        return str(given)

    hub = ModuleType("huggingface_hub")
    hub.snapshot_download = snapshot_download  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    return asked


def test_owner_and_name_is_a_model_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = write_model(tmp_path / "snapshot")
    asked = fake_hub(monkeypatch, directory)
    assert find_model_directory("some-owner/some-model", revision="abc") == directory
    assert asked == [("some-owner/some-model", "abc")]


def test_a_directory_comes_before_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path / "models" / "small")
    asked = fake_hub(monkeypatch, OSError("not asked"))
    monkeypatch.chdir(tmp_path)
    assert find_model_directory("models/small") == Path("models/small")
    assert not asked


def test_a_hub_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_hub(monkeypatch, OSError("no route to host"))
    with pytest.raises(
        EngineError, match="neither a directory here nor given by the Hugging Face hub: no route to host"
    ):
        find_model_directory("some-owner/some-model")
