"""What most studies do: Hugging Face ``generate``, sixteen tokens, fifty sequences at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demoscope.engines import Request

BATCH = 50
TOKENS = 16


class Generate:
    """A model asked through ``generate`` in bfloat16.

    Args:
        directory: The model.
        copies: ``True`` repeats one prompt in every batch, as studies do that draw each answer many times.
    """

    def __init__(self, directory: Path, *, copies: bool) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self._copies = copies
        self._tokenizer: Any = AutoTokenizer.from_pretrained(directory, padding_side="left")
        self._model: Any = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16)

    def answer(self, requests: Sequence[Request]) -> int:
        """Answer each request once, or the first ones of them ``BATCH`` times each; gives the number of answers."""
        answers = 0
        prompts = [self._prompt(request) for request in requests]
        if self._copies:
            prompts = [prompt for prompt in prompts[: len(prompts) // BATCH or 1] for _ in range(BATCH)]
        for first in range(0, len(prompts), BATCH):
            texts = self._generate(prompts[first : first + BATCH])
            answers += len(texts)
        return answers

    def _prompt(self, request: Request) -> str:
        turns = [{"role": message.role, "content": message.content} for message in request.messages]
        return str(self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))

    def _generate(self, prompts: Sequence[str]) -> list[str]:
        import torch

        tokens = self._tokenizer(list(prompts), padding=True, add_special_tokens=False, return_tensors="pt")
        with torch.inference_mode():
            found = self._model.generate(
                **tokens,
                do_sample=True,
                max_new_tokens=TOKENS,
                pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
            )
        length = tokens["input_ids"].shape[1]
        return list(self._tokenizer.batch_decode(found[:, length:], skip_special_tokens=True))
