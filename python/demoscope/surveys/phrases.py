"""Fixed phrases of prompts: what stands around questions and attributes, in several languages."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationInfo, field_validator

from demoscope.config import Settings, parse, read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHIPPED: Final = Path(__file__).parent / "data" / "phrases.toml"

_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "you_are": ("attributes",),
    "i_am": ("attributes",),
    "fact": ("label", "value"),
    "asked": ("question",),
    "replied": ("value",),
    "label_question": ("label",),
    "percentages": ("label",),
    "battery_question": ("number", "question"),
    "battery_turn": ("number", "instruction"),
}
"""What each phrase has to have in braces; phrases that are not named here have none."""

_PLACE: Final = re.compile(r"\{([a-z]+)\}")


class Phrases(Settings):
    """Phrases of one language; those that are not given are ``None``.

    Attributes:
        you_are: Opens the persona styles ``sentence`` and, without attributes, ``list`` and ``dialogue``.
        i_am: Persona style ``portrait``.
        person: Noun of a sentence whose attributes have none.
        list_opening: First line of the persona style ``list``.
        fact: One of its further lines.
        dialogue_opening: First line of the persona style ``dialogue``.
        asked: A question of the interviewer in it.
        replied: The answer to that.
        label_question: Question for an attribute that has no ``question`` of its own.
        letter: Instruction where options have letters.
        number: Instruction where options have numbers.
        option: Instruction where options are their own labels.
        percentages: Instruction that asks for a percentage of every option; ``{label}`` is the first one.
        battery_question: One question among several that are in view together.
        battery_turn: The turn that asks for the answer to one of them.
    """

    you_are: str | None = None
    i_am: str | None = None
    person: str | None = None
    list_opening: str | None = None
    fact: str | None = None
    dialogue_opening: str | None = None
    asked: str | None = None
    replied: str | None = None
    label_question: str | None = None
    letter: str | None = None
    number: str | None = None
    option: str | None = None
    percentages: str | None = None
    battery_question: str | None = None
    battery_turn: str | None = None

    @field_validator("*")
    @classmethod
    def _has_its_places(cls, phrase: str, info: ValidationInfo) -> str:
        places = _PLACES.get(str(info.field_name), ())
        if not phrase.strip():
            raise ValueError("is blank")
        if sorted(_PLACE.findall(phrase)) != sorted(places) or set("{}") & set(_PLACE.sub("", phrase)):
            wanted = " and ".join(f"{{{place}}} once" for place in places) or "no braces"
            raise ValueError(f"must contain {wanted}{' and no other braces' if places else ''}")
        return phrase

    def given(self) -> dict[str, str]:
        """The phrases that are there, by name."""
        return self.model_dump(exclude_none=True)


@cache
def shipped_phrases() -> Mapping[str, Phrases]:
    """Phrases that come with the package, by language; all of them are there for each language."""
    tables: dict[str, Any] = read_toml(_SHIPPED)
    return {tag: parse(Phrases, table, where=f"{_SHIPPED.name} [{tag}]") for tag, table in tables.items()}


def filled(phrase: str, **values: str) -> str:
    """A phrase with its braces filled; braces inside the values stay as they are."""
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), phrase)
