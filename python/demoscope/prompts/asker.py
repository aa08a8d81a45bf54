"""Whoever puts questions into words: one way of asking, the same for all items and personas of a run."""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING

from demoscope.errors import ConfigError
from demoscope.personas import persona_text
from demoscope.prompts.question import Question

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from demoscope.config import PromptSettings
    from demoscope.schema import Mode
    from demoscope.surveys import Item, Survey


class Asker:
    """Words personas and questions.

    Args:
        survey: Items, attributes and their wordings.
        settings: How labels look, how a persona is told, which language and wording is asked.
        mode: What the model is told to answer with.

    Raises:
        ConfigError: A setting does not fit the survey.
    """

    def __init__(self, survey: Survey, *, settings: PromptSettings, mode: Mode) -> None:
        self._survey = survey
        self._settings = settings
        self._mode = mode

    def language(self, country: str) -> str:
        """Language in which people of a country are asked, such as ``"en"``."""
        return "en"

    def wordings(self, item: Item) -> tuple[str, ...]:
        """Names of the wordings of an item; the first one is its own text."""
        return ("0",)

    def persona(self, attributes: Mapping[str, str], *, language: str) -> str:
        """Who answers, as the text that opens a conversation.

        Args:
            attributes: Name of each shown attribute to its value.
            language: The language.

        Raises:
            ConfigError: An attribute is not one of the survey.
        """
        return persona_text(self._survey, attributes)

    def question(self, item: Item, *, shown: Sequence[int], language: str, wording: str) -> Question:
        """Put one item into words.

        Args:
            item: The item.
            shown: Places of the options in the item's own order, in the order in which they are displayed.
            language: The language.
            wording: One of ``wordings(item)``.

        Raises:
            ConfigError: The item has more options than there are labels.
        """
        if len(item.options) > len(ascii_uppercase):
            raise ConfigError(
                f"item {item.id!r} has {len(item.options)} options; a prompt has letters for {len(ascii_uppercase)}"
            )
        options = [item.options[place] for place in shown]
        labels = tuple(ascii_uppercase[: len(options)])
        lines = [f"{label}. {option.label}" for label, option in zip(labels, options, strict=True)]
        return Question(
            item=item.id,
            body="\n".join((item.text, *lines)),
            instruction="Answer with one letter.",
            labels=labels,
            options=tuple(option.label for option in options),
            codes=tuple(option.code for option in options),
        )

    def battery(self, questions: Sequence[Question], *, language: str) -> tuple[str, tuple[str, ...]]:
        """Several questions that are in view together.

        Args:
            questions: The questions, in the order in which they are answered.
            language: The language.

        Returns:
            The text that shows all of them, and the turn that asks for each answer.
        """
        bodies = "\n\n".join(f"{number}. {question.body}" for number, question in enumerate(questions, start=1))
        turns = tuple(
            f"Question {number}: {question.instruction}" for number, question in enumerate(questions, start=1)
        )
        return bodies, turns
