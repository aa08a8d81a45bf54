"""Ways to tell who a persona is: a sentence, a list, a dialogue, a portrait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from demoscope.surveys.phrases import filled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Style: TypeAlias = Literal["sentence", "list", "dialogue", "portrait"]
Phrase: TypeAlias = "Callable[[str], str]"
"""Gives a fixed phrase of the language by its name."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a persona in the words of one language.

    Attributes:
        name: Id of the demographic.
        label: Its name for readers.
        question: How an interviewer asks for it.
        value: What this persona has.
        text: The value as part of a sentence: ``"aged 18-34"``.
        noun: Whether ``text`` is the noun of the sentence.
    """

    name: str
    label: str
    question: str
    value: str
    text: str
    noun: bool


WORDS_NEEDED: Final[Mapping[str, frozenset[str]]] = {
    "sentence": frozenset({"text"}),
    "list": frozenset({"label"}),
    "dialogue": frozenset({"question"}),
    "portrait": frozenset({"text"}),
}
"""Parts of an attribute that a style says besides its value."""

PHRASES_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "sentence": ("you_are", "person"),
    "list": ("list_opening", "fact", "you_are", "person"),
    "dialogue": ("dialogue_opening", "asked", "replied", "you_are", "person"),
    "portrait": ("i_am", "person"),
}
"""Fixed phrases that a style uses."""


def told(attributes: Sequence[Attribute], *, style: Style, phrase: Phrase) -> str:
    """Say who somebody is.

    Args:
        attributes: In the order in which they are said.
        style: How.
        phrase: The fixed phrases.
    """
    if style == "portrait":
        return filled(phrase("i_am"), attributes=_phrase_of(attributes, phrase))
    if style == "sentence" or not attributes:
        return filled(phrase("you_are"), attributes=_phrase_of(attributes, phrase))
    if style == "list":
        fact = phrase("fact")
        facts = (filled(fact, label=attribute.label, value=attribute.value) for attribute in attributes)
        return "\n".join((phrase("list_opening"), *facts))
    lines = [phrase("dialogue_opening")]
    for attribute in attributes:
        lines += [
            filled(phrase("asked"), question=attribute.question),
            filled(phrase("replied"), value=attribute.value),
        ]
    return "\n".join(lines)


def _phrase_of(attributes: Sequence[Attribute], phrase: Phrase) -> str:
    """The noun first ("a person" where no attribute is one), then the others in their order."""
    noun = next((attribute.text for attribute in attributes if attribute.noun), None)
    others = (attribute.text for attribute in attributes if not attribute.noun)
    return " ".join((phrase("person") if noun is None else noun, *others))
