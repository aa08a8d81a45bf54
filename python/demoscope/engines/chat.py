"""A conversation as the tokens of one model: its chat template, and the tokens that its labels are in this place.

A base model has no chat template; it reads plain text, in which every answer stands behind ``Answer:``::

    You are a woman aged 35-54 from Ohio.

    Do you smoke?
    A. Yes
    B. No
    Answer with one letter.
    Answer: B

    Do you drive?
    ...
    Answer:
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from demoscope.engines.base import Message
from demoscope.engines.label_trie import LabelError, LabelTrie, label_paths, terminated
from demoscope.engines.turns import without_system
from demoscope.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from demoscope.engines.base import Request
    from demoscope.engines.label_trie import Tokens

_PROBE = "Zebra quartz."
_CUE = "Answer:"


def template_source(tokenizer: Any, *, template: str | None, plain: bool = False) -> str:  # noqa: ANN401 - transformers has no types
    """The Jinja text of the chat template that is used; empty where conversations are plain text."""
    return "" if plain else template or str(getattr(tokenizer, "chat_template", None) or "")


class Renderer:
    """Renders requests with a Hugging Face tokenizer.

    Args:
        tokenizer: Whatever ``AutoTokenizer`` returns.
        template: A Jinja chat template in place of the model's own.
        template_kwargs: Variables for the template.
        plain: Whether conversations are plain text even if the model has a chat template; without any template they
            are plain text anyhow.

    Attributes:
        source: The Jinja text of the template, empty in plain text.
        plain: Whether conversations are plain text.
        has_system_role: Whether the template shows a system message.
            Some templates refuse it and some drop it without a word; what it says then opens the first user message.
        lead: What stands between the prompt and a label: a space in plain text, else nothing.
        stop: Texts at which a free answer ends, besides the end of the turn: the end of the line in plain text.
    """

    def __init__(
        self,
        tokenizer: Any,  # noqa: ANN401 - transformers has no types
        *,
        template: str | None,
        template_kwargs: Mapping[str, Any],
        plain: bool = False,
    ) -> None:
        self._tokenizer = tokenizer
        self._template = template
        self._template_kwargs = dict(template_kwargs)
        self.source = template_source(tokenizer, template=template, plain=plain)
        self.plain = not self.source
        self.lead = " " if self.plain else ""
        self.stop: tuple[str, ...] = ("\n",) if self.plain else ()
        self._added = frozenset(tokenizer.get_added_vocab().values())
        self._opening = self._tokens_before_any_text() if self.plain else []
        self._paths: dict[tuple[Tokens, tuple[str, ...]], tuple[list[int], list[Tokens]]] = {}
        self.has_system_role = self.plain or self._shows_system()

    def tokens(self, request: Request) -> tuple[list[int], list[int]]:
        """Tokens of the prompt up to where the answer starts, and the one token of each label there.

        Raises:
            LabelError: A label is not one distinct token in this place.
        """
        prompt, paths = self.paths(self.text(request.messages), request.labels)
        for label, path in zip(request.labels, paths, strict=True):
            if len(path) != 1:
                pieces = self._tokenizer.convert_ids_to_tokens(list(path))
                raise LabelError(
                    f"label {label!r} is not one token after the prompt, which then ends in {pieces}; use letters"
                )
        return prompt, [path[0] for path in paths]

    def text(self, messages: Sequence[Message]) -> str:
        """A conversation as text, up to where the answer starts."""
        if self.plain:
            return _plain(messages)
        return self._render(messages if self.has_system_role else without_system(messages), prompt=True)

    def encode(self, text: str) -> list[int]:
        """Tokens of a rendered text."""
        # The template writes the special tokens; adding them again would double the first.
        return [*self._opening, *self._tokenizer.encode(text, add_special_tokens=False)]

    def paths(self, text: str, labels: tuple[str, ...]) -> tuple[list[int], list[Tokens]]:
        """Tokens of a prompt before an answer, and the tokens that each label appends to them.

        See :func:`~demoscope.engines.label_trie.label_paths`.

        Args:
            text: The prompt.
            labels: What may follow.

        Raises:
            LabelError: A label is empty, melts into the prompt, or has the tokens of another label.
        """
        prompt = self.encode(text)
        # An added token (a turn marker) cuts the text before anything is merged: only what follows the last one decides
        # how a label is split, and that is the same for all prompts of one template.
        cut = max((place + 1 for place, token in enumerate(prompt) if token in self._added), default=0)
        key = (tuple(prompt[cut:]), labels)
        if cut == 0:
            return self._find_paths(text, labels)
        if key not in self._paths:
            start, paths = self._find_paths(text, labels)
            self._paths[key] = start[cut:], paths
        tail, paths = self._paths[key]
        return [*prompt[:cut], *tail], paths

    def trie(
        self, text: str, labels: tuple[str, ...], *, most_tokens: int | None = None
    ) -> tuple[list[int], LabelTrie]:
        """The same, with the labels as a trie; where one label begins with another, all end with the end of the turn.

        Args:
            text: The prompt.
            labels: What may follow.
            most_tokens: See :class:`~demoscope.engines.label_trie.LabelTrie`.

        Raises:
            LabelError: As of :meth:`paths`, or an end is needed and the model has none.
        """
        tokens, paths = self.paths(text, labels)
        return tokens, LabelTrie(terminated(paths, end=self.end_token), most_tokens=most_tokens)

    @cached_property
    def end_token(self) -> int | None:
        """The token that ends an answer: what the template writes behind one, else the model's end of text."""
        from jinja2 import TemplateError

        if self.plain:
            behind = "\n\n"
        else:
            try:
                whole = self._render([Message("user", "?"), Message("assistant", _PROBE)], prompt=False)
            except TemplateError:
                whole = ""
            behind = whole.rpartition(_PROBE)[2]
        tokens = list(self._tokenizer.encode(behind, add_special_tokens=False))
        if tokens and (self.plain or tokens[0] in self._added):
            return int(tokens[0])
        end = getattr(self._tokenizer, "eos_token_id", None)
        return None if end is None else int(end)

    def _find_paths(self, text: str, labels: Sequence[str]) -> tuple[list[int], list[Tokens]]:
        return label_paths(text, labels, encode=self.encode, decode=self._tokenizer.decode, lead=self.lead)

    def _render(self, messages: Sequence[Message], *, prompt: bool) -> str:
        conversation = [{"role": message.role, "content": message.content} for message in messages]
        text: str = self._tokenizer.apply_chat_template(
            conversation,
            tokenize=False,
            add_generation_prompt=prompt,
            **({"chat_template": self._template} if self._template is not None else {}),
            **self._template_kwargs,
        )
        return text

    def _shows_system(self) -> bool:
        from jinja2 import TemplateError

        try:
            return _PROBE in self._render([Message("system", _PROBE), Message("user", "?")], prompt=True)
        except TemplateError:
            return False

    def _tokens_before_any_text(self) -> list[int]:
        """What the tokenizer puts before plain text, such as a token for the beginning of a text."""
        bare = list(self._tokenizer.encode(_CUE, add_special_tokens=False))
        whole = list(self._tokenizer.encode(_CUE, add_special_tokens=True))
        places = [place for place in range(len(whole)) if whole[place : place + len(bare)] == bare]
        if not places:
            raise EngineError("the tokenizer reads a text differently with and without its special tokens")
        return whole[: places[0]]


def _plain(messages: Sequence[Message]) -> str:
    forms = {"system": "{}\n\n", "user": f"{{}}\n{_CUE}", "assistant": " {}\n\n"}
    return "".join(forms[message.role].format(message.content) for message in messages)
