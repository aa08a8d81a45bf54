"""Questions as conversations: alone, as a battery, as an interview."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demoscope.prompts.question import Question

Turn: TypeAlias = tuple[Literal["system", "user", "assistant"], str]
"""Who speaks, and what."""


def asked_alone(opening: str | None, question: Question) -> tuple[Turn, ...]:
    """One question without any other.

    Args:
        opening: What is said before all questions, in the system turn; ``None`` says nothing.
        question: What is asked.
    """
    return (*_opened(opening), ("user", question.text))


def asked_in_interview(
    opening: str | None, past: Sequence[tuple[Question, str]], question: Question
) -> tuple[Turn, ...]:
    """A question after others, with the answers that were given to them in view.

    Args:
        opening: As in :func:`asked_alone`.
        past: Questions that were asked before and the label that was answered to each, oldest first.
        question: What is asked now.
    """
    said: list[Turn] = []
    for before, label in past:
        said += [("user", before.text), ("assistant", label)]
    return (*_opened(opening), *said, ("user", question.text))


def asked_as_battery(
    opening: str | None, announced: str, past: Sequence[tuple[str, str]], prompt: str
) -> tuple[Turn, ...]:
    """A question of several that are all in view before the first answer.

    Args:
        opening: As in :func:`asked_alone`.
        announced: All questions of the battery.
        past: The turn that asked for each earlier answer, and the label that was answered, oldest first.
        prompt: The turn that asks for the next answer.
    """
    turns = [turn for turn, _ in past] + [prompt]
    turns[0] = f"{announced}\n\n{turns[0]}"
    said: list[Turn] = []
    for turn, (_, label) in zip(turns, past, strict=False):
        said += [("user", turn), ("assistant", label)]
    return (*_opened(opening), *said, ("user", turns[-1]))


def _opened(opening: str | None) -> tuple[Turn, ...]:
    return () if opening is None else (("system", opening),)
