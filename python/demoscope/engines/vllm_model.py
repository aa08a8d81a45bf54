"""One model loaded by vLLM in this process: rows of tokens in, what was written behind them out."""

from __future__ import annotations

import dataclasses
import gc
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demoscope.engines.vllm_settings import CPU_DEFAULTS, ENVIRONMENT, INSTALL, REFUSED
from demoscope.errors import ConfigError, EngineError, MissingPartError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One request to vLLM.

    Attributes:
        tokens: The prompt.
        parameters: Arguments of ``vllm.SamplingParams``; ``choice`` stands for structured outputs.
        adapter: Adapter that stands beside the model, if any.
    """

    tokens: Sequence[int]
    parameters: Mapping[str, Any]
    adapter: Path | None = None


def import_vllm(installed: str) -> bool:
    """Import vLLM with our environment.

    Args:
        installed: Distribution and version, for messages.

    Returns:
        Whether it computes on a CPU.

    Raises:
        MissingPartError: It cannot be imported, or is too old to score given tokens.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import vllm
        from vllm.platforms import current_platform
    except ImportError as error:
        raise MissingPartError(f"vLLM is installed but cannot be imported ({error}); {INSTALL}") from error
    if not hasattr(vllm.SamplingParams, "logprob_token_ids"):
        raise MissingPartError(f"{installed} cannot score given tokens (logprob_token_ids); {INSTALL}")
    return bool(current_platform.is_cpu())


def engine_settings(settings: Mapping[str, Any], *, cpu: bool, where: str) -> dict[str, Any]:
    """Arguments of ``vllm.LLM``: these settings over what a CPU needs.

    Raises:
        ConfigError: On a CPU a prompt could be read in parts.
    """
    if not cpu:
        return dict(settings)
    complete = {**CPU_DEFAULTS, **settings}
    longest = complete["max_model_len"]
    if "max_num_batched_tokens" not in settings:
        complete["max_num_batched_tokens"] = max(complete["max_num_batched_tokens"], longest)
    elif complete["max_num_batched_tokens"] < longest:
        # vLLM's CPU engine dies when it samples with a seed behind a prompt that it read in parts.
        raise ConfigError(
            f"{where}: options.max_num_batched_tokens is {complete['max_num_batched_tokens']}; "
            f"on a CPU it must be at least max_model_len, which is {longest}"
        )
    return complete


def check_names(settings: Mapping[str, Any], *, own: Sequence[str], where: str) -> None:
    """Refuse settings that this version of vLLM does not know.

    Raises:
        ConfigError: With the nearest name that is known.
    """
    from vllm.engine.arg_utils import EngineArgs

    known = {field.name for field in dataclasses.fields(EngineArgs)} - REFUSED.keys()
    for name in settings:
        if name not in known:
            raise ConfigError(f"{where}: unknown option {name!r}{nearest(name, known | set(own))}")


class LoadedModel:
    """Weights, key-value cache and process groups of one model.

    Args:
        directory: Directory of the model.
        settings: Arguments of ``vllm.LLM``.
        adapters: Adapters beside the model.
        cpu: Whether it computes on a CPU.
        where: Name of the model, for messages.

    Raises:
        EngineError: vLLM cannot load it.

    Attributes:
        max_length: Longest prompt and answer together, in tokens.
    """

    def __init__(
        self, directory: Path, settings: Mapping[str, Any], *, adapters: Sequence[Path], cpu: bool, where: str
    ) -> None:
        import vllm

        self._where = where
        try:
            self._llm = vllm.LLM(model=str(directory), **settings)
        except Exception as error:
            # What lies below vLLM raises errors of any kind; none of them is ours.
            raise EngineError(f"{where}: vLLM cannot load {directory}: {error}") from error
        self._adapters = {path: number for number, path in enumerate(adapters, start=1)}
        self._cpu = cpu
        config = self._llm.llm_engine.vllm_config
        self.max_length = int(self._llm.model_config.max_model_len)
        budget = int(config.scheduler_config.max_num_batched_tokens)
        # Tokens of rows that are begun together: all prompts are read in whole, beside the rows that already write,
        # and nothing is ever pushed out of the key-value cache and read a second time.
        held = int(config.cache_config.num_gpu_blocks or 0) * int(config.cache_config.block_size)
        self._together = min(budget - int(config.scheduler_config.max_num_seqs), held or budget)

    @property
    def tokenizer(self) -> Any:  # noqa: ANN401 - transformers has no types
        """The Hugging Face tokenizer of the model."""
        return self._llm.get_tokenizer()

    def logprobs(self, rows: Sequence[Row]) -> list[dict[int, float]]:
        """Log-probability in nats of each token named by ``logprob_token_ids``, row by row.

        Raises:
            EngineError: vLLM failed.
        """
        # `logprobs=k` must never travel in the same batch: vLLM then returns label tokens in place of the top k.
        fixed = {"max_tokens": 1, "temperature": 0.0, "detokenize": False}
        outputs = self._generate([dataclasses.replace(row, parameters={**fixed, **row.parameters}) for row in rows])
        return [{int(token): float(entry.logprob) for token, entry in output.logprobs[0].items()} for output in outputs]

    def write(self, rows: Sequence[Row]) -> list[Any]:
        """What vLLM wrote (its ``CompletionOutput``), row by row.

        Raises:
            EngineError: vLLM failed.
        """
        return self._generate(rows, seeded=True)

    def close(self) -> None:
        """Give everything back."""
        from vllm.distributed import cleanup_dist_env_and_memory

        self._llm.llm_engine.engine_core.shutdown()
        del self._llm
        gc.collect()
        cleanup_dist_env_and_memory()

    def _generate(self, rows: Sequence[Row], *, seeded: bool = False) -> list[Any]:
        # Neighbours share the longest prefixes, and a batch does not depend on the order of the requests.
        order = sorted(range(len(rows)), key=lambda place: (str(rows[place].adapter or ""), list(rows[place].tokens)))
        found: list[Any] = [None] * len(rows)
        for group in self._groups(rows, order) if seeded and self._cpu else [order]:
            if group:
                for place, output in zip(group, self._run([rows[place] for place in group]), strict=True):
                    found[place] = output
        return found

    def _groups(self, rows: Sequence[Row], order: Sequence[int]) -> Iterator[list[int]]:
        """Cut rows into groups whose prompts are read in one step each: a seeded one must not be read in parts."""
        group: list[int] = []
        used = 0
        for place in order:
            cost = len(rows[place].tokens) + int(rows[place].parameters["max_tokens"])
            if group and used + cost > self._together:
                yield group
                group, used = [], 0
            group.append(place)
            used += cost
        yield group

    def _run(self, rows: Sequence[Row]) -> list[Any]:
        from vllm import SamplingParams
        from vllm.lora.request import LoRARequest
        from vllm.sampling_params import StructuredOutputsParams

        def parameters(row: Row) -> Any:  # noqa: ANN401 - vLLM has no types
            given = dict(row.parameters)
            if choice := given.pop("choice", None):
                given["structured_outputs"] = StructuredOutputsParams(choice=list(choice))
            return SamplingParams(**given)

        adapters = [
            None
            if row.adapter is None
            else LoRARequest(row.adapter.name, self._adapters[row.adapter], str(row.adapter))
            for row in rows
        ]
        try:
            outputs = self._llm.generate(
                [{"prompt_token_ids": list(row.tokens)} for row in rows],
                [parameters(row) for row in rows],
                lora_request=adapters if self._adapters else None,
                use_tqdm=False,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise EngineError(f"{self._where}: vLLM failed: {error}") from error
        return [output.outputs[0] for output in outputs]
