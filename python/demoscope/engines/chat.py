"""A conversation as the tokens of one model: its chat template, and the tokens that its labels are in this place."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any

from demoscope.engines.base import Message
from demoscope.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from demoscope.engines.base import Request

_PROBE = "Zebra quartz."


class LabelError(ValueError):
    """A label is not exactly one token after the prompt, or shares its token with another label."""


class Renderer:
    """Renders requests with a Hugging Face tokenizer.

    Args:
        tokenizer: Whatever ``AutoTokenizer`` returns.
        template: A Jinja chat template in place of the model's own.
        template_kwargs: Variables for the template.

    Raises:
        EngineError: The model has no chat template.

    Attributes:
        has_system_role: Whether the template shows a system message.
            Some templates refuse it and some drop it without a word; what it says then opens the first user message.
    """

    def __init__(self, tokenizer: Any, *, template: str | None, template_kwargs: Mapping[str, Any]) -> None:  # noqa: ANN401 - transformers has no types
        self._tokenizer = tokenizer
        self._template = template
        self._template_kwargs = dict(template_kwargs)
        if template is None and not getattr(tokenizer, "chat_template", None):
            raise EngineError("the model has no chat template: give one as options.chat_template = 'FILE'")
        self._added = frozenset(tokenizer.get_added_vocab().values())
        self._label_tokens: dict[tuple[tuple[int, ...], tuple[str, ...]], list[int]] = {}
        self.has_system_role = self._shows_system()

    def tokens(self, request: Request) -> tuple[list[int], list[int]]:
        """Tokens of the prompt up to where the answer starts, and the one token of each label there.

        Raises:
            LabelError: A label is not one distinct token in this place.
        """
        messages = request.messages if self.has_system_role else _without_system(request.messages)
        text = self._render(messages)
        prompt = self._encode(text)
        # An added token (a turn marker) cuts the text before anything is merged: only what follows the last one decides
        # how a label is split, and that is the same for all prompts of one template.
        cut = max((place + 1 for place, token in enumerate(prompt) if token in self._added), default=0)
        key = (tuple(prompt[cut:]), request.labels)
        if key not in self._label_tokens:
            self._label_tokens[key] = self._find_labels(text, prompt, request.labels)
        return prompt, self._label_tokens[key]

    def _find_labels(self, text: str, prompt: list[int], labels: Sequence[str]) -> list[int]:
        found: dict[int, str] = {}
        for label in labels:
            longer = self._encode(text + label)
            shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(prompt, longer, strict=False)))
            appended = longer[shared:]
            if shared < len(prompt) or len(appended) != 1:
                pieces = self._tokenizer.convert_ids_to_tokens(appended)
                raise LabelError(
                    f"label {label!r} is not one token after the prompt, which then ends in {pieces}; use letters"
                )
            (token,) = appended
            if token in found:
                raise LabelError(f"labels {found[token]!r} and {label!r} are the same token")
            found[token] = label
        return list(found)

    def _render(self, messages: Sequence[Message]) -> str:
        conversation = [{"role": message.role, "content": message.content} for message in messages]
        text: str = self._tokenizer.apply_chat_template(
            conversation,
            tokenize=False,
            add_generation_prompt=True,
            **({"chat_template": self._template} if self._template is not None else {}),
            **self._template_kwargs,
        )
        return text

    def _encode(self, text: str) -> list[int]:
        # The template writes the special tokens; adding them again would double the first.
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _shows_system(self) -> bool:
        from jinja2 import TemplateError

        try:
            return _PROBE in self._render([Message("system", _PROBE), Message("user", "?")])
        except TemplateError:
            return False


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """The same conversation with its opening system messages put before the first user message."""
    said = [message.content for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    if said and rest:
        rest[0] = Message(rest[0].role, "\n\n".join([*said, rest[0].content]))
    return rest
