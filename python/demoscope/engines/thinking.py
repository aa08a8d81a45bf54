"""Models that think before they answer: no label is ever read one token into a thought.

Either the thought is switched off in the chat template, or the model thinks first, up to a budget, and the answer is
taken behind the end of the thought.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

ThinkingMode: TypeAlias = Literal["auto", "off", "first"]

SWITCH = "enable_thinking"
"""The variable by which chat templates of such models are told whether the model thinks."""

OPEN_THOUGHT = "the prompt ends inside a thought, and nothing is read one token into a thought"
"""Why a prompt is refused; what can be done about it depends on the engine."""


@dataclass(frozen=True, slots=True)
class Thinking:
    """What is done about thoughts.

    Attributes:
        mode: ``"off"`` and ``"auto"``: switched off where the template has a switch; a prompt that ends inside a
            thought all the same is an error.
            ``"first"``: the model thinks, then answers.
        budget: Longest thought in tokens.
        end: What the model writes at the end of a thought.
    """

    mode: ThinkingMode = "auto"
    budget: int = 512
    end: str = "</think>"

    @property
    def first(self) -> bool:
        """Whether the model thinks before it answers."""
        return self.mode == "first"

    @property
    def start(self) -> str | None:
        """What a thought begins with, ``None`` where the end marker does not tell."""
        return self.end.replace("/", "", 1) if "/" in self.end else None

    @property
    def identity(self) -> list[Any]:
        """What decides about answers, for a digest."""
        return ["first", self.budget, self.end] if self.first else ["off"]

    def variables(self, source: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Variables for a chat template.

        Args:
            source: The template.
            given: Variables that the user sets; they win.
        """
        return {**({SWITCH: self.first} if SWITCH in source else {}), **given}

    def described(self, source: str) -> str:
        """What was done, in words."""
        if self.first:
            return f"first, up to {self.budget} tokens"
        return "switched off in the template" if SWITCH in source else "none"

    def is_open(self, text: str, *, said: str) -> bool:
        """Whether a rendered prompt ends inside a thought.

        Args:
            text: The prompt.
            said: The last message; only what the template wrote behind it counts, a message may speak of thoughts.
        """
        if self.start is None:
            return False
        behind = text.rpartition(said.strip())[2]
        return behind.rfind(self.start) > behind.rfind(self.end)

    def opened(self, text: str, *, said: str) -> str:
        """The prompt from which the model goes on thinking."""
        if self.start is None or self.is_open(text, said=said):
            return text
        return f"{text}{self.start}\n"

    def written(self, thought: str, *, ended: bool) -> str:
        """A thought as it is kept: with the end marker where the model wrote it, without where it was cut."""
        return thought + self.end if ended else thought

    def closed(self, thought: str, *, ended: bool) -> str:
        """What the answer follows: the thought, its end marker, an empty line."""
        return f"{thought}{'' if ended else chr(10)}{self.end}\n\n"
