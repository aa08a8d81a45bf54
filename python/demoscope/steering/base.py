"""The contract of a steering."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demoscope.prompts import Asker


class Steering(Protocol):
    """A way to make a model answer as somebody.

    Attributes:
        personal: Whether prompts depend on who is asked.
            Where they do not, an item is put to everybody in the same words.
        adapted: Whether the model answers through the fine-tuned adapter of the persona's group.
    """

    personal: ClassVar[bool]
    adapted: ClassVar[bool]

    def opening(self, asker: Asker, *, attributes: Mapping[str, str], language: str) -> str | None:
        """What is said before all questions.

        Args:
            asker: How attributes are said.
            attributes: Name of each shown attribute to its value.
            language: Language of the conversation.

        Returns:
            A text, or ``None`` where nothing is said.
        """
        ...
