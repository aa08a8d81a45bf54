"""Where the settings of a run come from, and the paths in them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demoscope.config import AdapterSettings, ModelSettings, RunConfig, parse, read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH_OPTIONS = frozenset({"chat_template", "gguf", "model", "table", "tokenizer"})
"""Options of engines that may name a file or folder."""


def read_config(path: Path, *, wording: Path | None = None) -> RunConfig:
    """Settings of a run from a TOML file.

    Args:
        path: The file.
        wording: Table of wordings in place of the one that the settings name, relative to the current folder.

    Raises:
        ConfigError: The file cannot be read or has a wrong key; the message names both.
    """
    config = parse(RunConfig, read_toml(path), where=str(path))
    return config if wording is None else config.model_copy(update={"wording": str(wording.resolve())})


def demo_config() -> RunConfig:
    """Settings of ``demoscope demo``, which ship with the package."""
    return read_config(Path(str(files("demoscope.runs") / "demo.toml")))


def survey_source(config: RunConfig, base: Path) -> str | Path:
    """The survey as a path relative to the settings, where there is such a file, else as a name."""
    path = base / config.survey
    return path if path.suffix == ".toml" else config.survey


def data_path(config: RunConfig, base: Path) -> Path | None:
    """The data file that the settings name, relative to them."""
    return None if config.data is None else base / config.data


def resolved_options(model: ModelSettings, base: Path) -> Mapping[str, Any]:
    """Options of an engine; those that name a file or folder beside the settings become its path."""

    def resolve(key: str, value: Any) -> Any:  # noqa: ANN401 - whatever TOML holds
        if key == "model" and model.engine == "openai":
            return value  # the name under which a server serves it
        if key in PATH_OPTIONS and isinstance(value, str) and value and (base / value).exists():
            return str((base / value).resolve())
        return value

    return {key: resolve(key, value) for key, value in model.options.items()}


def resolved_adapters(model: ModelSettings, base: Path) -> dict[str, AdapterSettings]:
    """Adapters of a model; a path that exists beside the settings becomes absolute."""

    def resolve(adapter: AdapterSettings) -> AdapterSettings:
        path = base / adapter.path
        return adapter.model_copy(update={"path": str(path.resolve())}) if path.exists() else adapter

    return {name: resolve(adapter) for name, adapter in model.adapters.items()}
