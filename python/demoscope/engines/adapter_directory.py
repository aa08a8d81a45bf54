"""Fine-tuned adapters on disk (PEFT's LoRA format): found, named by their weights, merged into their model."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demoscope.engines.model_directory import fingerprint
from demoscope.errors import ConfigError, EngineError, MissingPartError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from demoscope.engines.base import Request

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_WEIGHT_FILES = (".safetensors", ".bin", ".safetensors.index.json", ".bin.index.json")


@dataclass(frozen=True)
class AdapterDirectory:
    """A LoRA adapter.

    Attributes:
        path: Its directory, absolute and without links.
        rank: Largest rank of its matrices.
    """

    path: Path
    rank: int

    @cached_property
    def fingerprint(self) -> str:
        """Digest of configuration and weights, see :func:`~demoscope.engines.model_directory.fingerprint`."""
        return fingerprint(self.path)


def adapter_path(name: str) -> Path:
    """The directory that an adapter's name stands for; ``~`` and environment variables are expanded."""
    return Path(os.path.expandvars(name)).expanduser().resolve()


def find_adapters(names: Iterable[str], *, where: str) -> dict[Path, AdapterDirectory]:
    """The adapters of these directories, by path.

    Args:
        names: Directories.
        where: Model and option, for messages.

    Raises:
        ConfigError: A directory is absent, lacks one of its two files, or holds no LoRA adapter.
    """
    found = {}
    for name in names:
        path = adapter_path(name)
        if not path.is_dir():
            raise ConfigError(f"{where}: adapter {name!r}: there is no directory {path}")
        for part in (CONFIG, WEIGHTS):
            if not (path / part).is_file():
                raise ConfigError(f"{where}: adapter {name!r}: {path} holds no {part}")
        found[path] = AdapterDirectory(path, _rank(path / CONFIG, where=f"{where}: adapter {name!r}"))
    return found


def adapter_of(request: Request, known: Mapping[Path, AdapterDirectory], *, where: str) -> Path | None:
    """The adapter that a request names.

    Args:
        request: What is asked.
        known: The adapters of ``options.adapters``.
        where: Name of the model, for messages.

    Raises:
        EngineError: It is none of these.
    """
    if request.adapter is None:
        return None
    path = adapter_path(request.adapter)
    if path not in known:
        raise EngineError(
            f"{where}: request {request.key} names the adapter {request.adapter!r}, which is not in options.adapters"
        )
    return path


def _rank(config: Path, *, where: str) -> int:
    try:
        table: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))
        kind = table.get("peft_type")
        ranks = [int(table["r"]), *(int(rank) for rank in (table.get("rank_pattern") or {}).values())]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(f"{where}: {config} is no configuration of an adapter: {error!r}") from error
    if kind != "LORA":
        raise ConfigError(f"{where}: {config} describes {kind!r}, only LoRA adapters are known")
    if min(ranks) < 1:
        raise ConfigError(f"{where}: {config}: r is {min(ranks)}, it must be at least 1")
    return max(ranks)


def merged_directory(base: Path, adapter: AdapterDirectory) -> Path:
    """A model directory with the adapter's weights added to those of its model, in float32.

    It lies in the user's cache (``$XDG_CACHE_HOME/demoscope/merged``), or where that cannot be written in the
    system's directory for temporary files; its name is a digest of both, so it is made once.

    Args:
        base: Directory of the model.
        adapter: The adapter.

    Raises:
        MissingPartError: A package is missing; the message names it.
        EngineError: The adapter does not fit the model.
    """
    name = hashlib.blake2b(f"{fingerprint(base)} {adapter.fingerprint}".encode(), digest_size=16).hexdigest()
    room = _writable_room()
    target = room / name
    if target.is_dir():
        return target
    # A directory appears under its name only when it is whole: another process may look at the same time.
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=room) as unfinished:
        made = Path(unfinished) / name
        _merge(base, adapter.path, made)
        try:
            made.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    return target


def _writable_room() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for room in (cache / "demoscope" / "merged", Path(tempfile.gettempdir()) / "demoscope-merged"):
        try:
            room.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(room, os.W_OK):
            return room
    raise EngineError("merged adapters need a directory that can be written: set XDG_CACHE_HOME")


def _merge(base: Path, adapter: Path, target: Path) -> None:
    try:
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM
    except ImportError as error:
        raise MissingPartError(f"merging an adapter needs torch, transformers and peft: {error}") from error
    try:
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        merged = PeftModel.from_pretrained(model, adapter).merge_and_unload(safe_merge=True)
        merged.save_pretrained(target)
    except Exception as error:
        # peft and transformers raise errors of any kind where an adapter does not fit.
        raise EngineError(f"adapter {adapter}: cannot be merged into {base}: {error}") from error
    for path in base.iterdir():
        # The configuration of the model as well: it says in which dtype the model is meant to run.
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith(_WEIGHT_FILES):
            shutil.copyfile(path, target / path.name)
