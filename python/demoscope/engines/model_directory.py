"""A model directory: where a name leads, and which weights lie there."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from demoscope.errors import ConfigError, EngineError

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_TEXTS = (".json", ".jinja", ".txt", ".model")
_SAMPLE_BYTES = 4096
_MAX_HEADER_BYTES = 100_000_000  # the limit of the safetensors format itself


def find_model_directory(name: str, *, revision: str | None = None) -> Path:
    """The directory with configuration, tokenizer and safetensors weights that ``name`` stands for.

    Args:
        name: A directory (``~`` and ``${VARIABLE}`` are expanded; relative to the working directory), or the
            ``owner/name`` of a model on the Hugging Face hub, which is downloaded into the cache of the hub.
        revision: Branch, tag or commit on the hub.

    Raises:
        ConfigError: An environment variable is not set, or there is no such directory, or it holds no model.
        EngineError: The hub does not give the model.
    """
    expanded = os.path.expandvars(name)
    if unset := re.search(r"\$(\w+|\{\w+\})", expanded):
        raise ConfigError(f"model {name!r}: the environment variable {unset[1].strip('{}')} is not set")
    directory = Path(expanded).expanduser()
    if not directory.exists() and _HUB_NAME.fullmatch(name):
        directory = _from_hub(name, revision)
    elif revision is not None:
        raise ConfigError(f"model {name!r}: 'revision' is for models of the Hugging Face hub, this is a directory")
    if not (directory / "config.json").is_file():
        what = "holds no config.json" if directory.exists() else "no such directory"
        raise ConfigError(f"model {name!r}: {what}; give a model directory or the owner/name of a model on the hub")
    if not any(directory.glob("*.safetensors")):
        raise ConfigError(f"model {name!r}: no *.safetensors file in this directory")
    return directory


def _from_hub(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    try:
        found = snapshot_download(
            name,
            revision=revision,
            allow_patterns=["*.safetensors", *(f"*{suffix}" for suffix in _TEXTS)],
            ignore_patterns=["*/*", "consolidated*"],
        )
    except (OSError, ValueError) as error:
        # huggingface_hub's errors of network, permission and absent repositories are OSErrors.
        raise EngineError(
            f"model {name!r}: neither a directory here nor given by the Hugging Face hub: {error}"
        ) from error
    return Path(found)


def fingerprint(directory: Path) -> str:
    """Hexadecimal BLAKE2b digest of what decides about a model's answers, without reading all of its weights.

    It covers the content of the small files (configuration, tokenizer, chat template), and of each safetensors file its
    size, its header and the first 4 KiB of each tensor: retraining any tensor changes it, whatever the time stamps say.

    Raises:
        ConfigError: A file that is named safetensors is none.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(directory.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.suffix == ".safetensors":
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            digest.update(_sampled_weights(path))
        elif path.suffix in _TEXTS:
            digest.update(f"{path.name}\0".encode())
            digest.update(hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()


def _sampled_weights(path: Path) -> bytes:
    """Digest of a safetensors file's header and of the first bytes of each tensor, in the order of their offsets."""
    digest = hashlib.blake2b()
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _MAX_HEADER_BYTES:
            raise ConfigError(f"{path}: not a safetensors file")
        header = file.read(length)
        digest.update(header)
        for begin, end in _tensor_offsets(path, header):
            file.seek(8 + length + begin)
            digest.update(file.read(min(_SAMPLE_BYTES, end - begin)))
    return digest.digest()


def _tensor_offsets(path: Path, header: bytes) -> list[tuple[int, int]]:
    try:
        tensors: dict[str, Any] = json.loads(header)
        return sorted((*tensor["data_offsets"],) for name, tensor in tensors.items() if name != "__metadata__")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(f"{path}: not a safetensors file: {error!r}") from error
