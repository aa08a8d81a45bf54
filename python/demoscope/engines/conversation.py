"""How the model of a directory reads conversations: template, thoughts, tokens; nothing here needs its weights."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, StrictInt, StrictStr

from demoscope.config import Settings
from demoscope.engines.chat import Renderer, template_source
from demoscope.engines.thinking import OPEN_THOUGHT, SWITCH, Thinking
from demoscope.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from demoscope.engines.base import Request

PLAIN: Final = "none"
"""Value of ``chat_template`` that asks for plain text."""


class ConversationOptions(Settings):
    """The part of ``[models.options]`` about conversations, for engines that read a model directory.

    Attributes:
        chat_template: A file that replaces the model's own template, or ``"none"`` for plain text.
        chat_template_kwargs: Variables for the template.
        thinking: What is done about thoughts, see :class:`~demoscope.engines.thinking.Thinking`.
        thinking_budget: Longest thought in tokens.
        thinking_end: What the model writes at the end of a thought.
    """

    chat_template: StrictStr | None = None
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    thinking: Literal["auto", "off", "first"] = "auto"
    thinking_budget: Annotated[StrictInt, Field(ge=1)] = 512
    thinking_end: Annotated[StrictStr, Field(min_length=1)] = "</think>"

    def thoughts(self, *, where: str) -> Thinking:
        """The three options about thoughts as one value.

        Raises:
            ConfigError: The template is told the opposite.
        """
        if self.thinking != "first" and self.chat_template_kwargs.get(SWITCH):
            raise ConfigError(f"{where}: chat_template_kwargs.{SWITCH} = true needs thinking = 'first'")
        return Thinking(self.thinking, self.thinking_budget, self.thinking_end)


class Conversation:
    """Turns requests into what a model reads.

    Args:
        options: What the user says about it.
        directory: Of the model.
        name: Name of the model in messages.
        remote_code: Whether code in the directory may be run to make its tokenizer.

    Raises:
        ConfigError: The template cannot be read, or is told the opposite of ``thinking``.

    Attributes:
        thinking: What is done about thoughts.
    """

    def __init__(self, options: ConversationOptions, *, directory: Path, name: str, remote_code: bool = False) -> None:
        self._where = f"model {name!r}"
        self._directory = directory
        self._remote_code = remote_code
        self._plain = options.chat_template == PLAIN
        self._variables = options.chat_template_kwargs
        self._template = _template(options.chat_template, where=self._where)
        self.thinking = options.thoughts(where=f"{self._where}: options")

    @property
    def identity(self) -> dict[str, Any]:
        """What decides about answers, for a digest."""
        template = PLAIN if self._plain else self._template
        return {"chat_template": [template, self._variables], "thinking": self.thinking.identity}

    def renderer(self, tokenizer: Any) -> Renderer:  # noqa: ANN401 - transformers has no types
        """Renders with this tokenizer."""
        source = template_source(tokenizer, template=self._template, plain=self._plain)
        variables = self.thinking.variables(source, self._variables)
        return Renderer(tokenizer, template=self._template, template_kwargs=variables, plain=self._plain)

    @cached_property
    def unloaded(self) -> Renderer:
        """Renders with the tokenizer of the directory, for as long as no model is loaded.

        Raises:
            EngineError: The directory has no tokenizer that transformers can make.
        """
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(self._directory, trust_remote_code=self._remote_code)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise EngineError(f"{self._where}: no tokenizer in {self._directory}: {error}") from error
        return self.renderer(tokenizer)

    def shown(self, renderer: Renderer, request: Request) -> str:
        """The text from which the model goes on, be it inside a thought."""
        text = renderer.text(request.messages)
        return self.thinking.opened(text, said=request.messages[-1].content) if self.thinking.first else text

    def prompt(self, renderer: Renderer, request: Request) -> str:
        """The text from which the model goes on.

        Raises:
            EngineError: It ends inside a thought, and the model is not to think.
        """
        text = self.shown(renderer, request)
        if not self.thinking.first and self.thinking.is_open(text, said=request.messages[-1].content):
            raise EngineError(f"{self._where}: {OPEN_THOUGHT}; set options.thinking = 'first'")
        return text

    def described(self, renderer: Renderer) -> dict[str, str]:
        """How conversations are laid out, for the manifest of a run."""
        return {
            "conversation": "no chat template: plain text" if renderer.plain else "chat template",
            "system_role": "own turn" if renderer.has_system_role else "before the first user turn",
            "thinking": self.thinking.described(renderer.source),
        }


def _template(path: str | None, *, where: str) -> str | None:
    if path is None or path == PLAIN:
        return None
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where}: options.chat_template: {error}") from error
