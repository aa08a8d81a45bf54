"""What a survey says in further languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from demoscope.config import Settings
from demoscope.errors import nearest
from demoscope.surveys.phrases import Phrases

LanguageTag = Annotated[str, Field(max_length=35, pattern=r"^[a-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
"""Name of a language: ``"es"``, ``"pt-BR"``, ``"zh-Hant"``."""

Words = Annotated[str, Field(min_length=1, pattern=r"\S")]

OWN: Final = "0"
"""Wording that an item has without any paraphrase: its own text."""


class TranslatedLabel(Settings):
    """Label of one option; without a code it belongs to the option in its place."""

    code: int | None = None
    label: Words


def _as_list(labels: object) -> object:
    if isinstance(labels, Mapping):
        return [{"code": code, "label": label} for code, label in labels.items()]
    if isinstance(labels, list | tuple):
        return [{"label": label} if isinstance(label, str) else label for label in labels]
    return labels


TranslatedLabels = Annotated[tuple[TranslatedLabel, ...], BeforeValidator(_as_list)]


class ItemTranslation(Settings):
    """One question in one further language.

    Attributes:
        text: The question.
        options: Labels of the options, as a list in the order of the item's own, or by code.
        paraphrases: Further texts; the first says what the item's first paraphrase says, and so on.
    """

    text: Words | None = None
    options: TranslatedLabels | None = None
    paraphrases: tuple[Words, ...] = ()


class DemographicTranslation(Settings):
    """One attribute of persons in one further language.

    Attributes:
        text: How a prompt says it, with ``{value}`` in it.
        label: Its name.
        question: How an interviewer asks for it.
        values: Word in tables to word in this language.
        verbatim: Whether a value that ``values`` lacks is said as the file has it; for names of places and the like.
    """

    text: str | None = None
    label: Words | None = None
    question: Words | None = None
    values: dict[str, Words] = Field(default_factory=dict)
    verbatim: bool = False


class Translation(Settings):
    """What a further language needs besides items and attributes.

    Attributes:
        scales: Labels of shared options, by the name of the scale.
        phrases: Phrases that replace the shipped ones, or all that are used where none are shipped.
    """

    scales: dict[str, TranslatedLabels] = Field(default_factory=dict)
    phrases: Phrases = Phrases()


def with_scales(item: Any, scale: Any, translations: Any) -> Any:  # noqa: ANN401 - raw TOML
    """An item's table in which names of scales inside ``translations`` are replaced by their labels.

    Args:
        item: Table of the item.
        scale: What its own ``options`` say; a translation without options follows the scale that this names.
        translations: ``translations`` of the survey.

    Raises:
        ValueError: No scale of that name has labels in the language.
    """
    if not isinstance(item, Mapping) or not isinstance(item.get("translations"), Mapping):
        return item
    said = {}
    for tag, table in item["translations"].items():
        said[tag] = table
        if not isinstance(table, Mapping):
            continue
        scales = _scales_of(translations, tag)
        name = table.get("options")
        if isinstance(name, str):
            if name not in scales:
                raise ValueError(
                    f"item {item.get('id')!r}: translations.{tag}.scales has no {name!r}{nearest(name, scales)}"
                )
            said[tag] = {**table, "options": scales[name]}
        elif name is None and isinstance(scale, str) and scale in scales:
            said[tag] = {**table, "options": scales[scale]}
    return {**item, "translations": said}


def _scales_of(translations: object, tag: object) -> Mapping[str, Any]:
    table = translations.get(tag) if isinstance(translations, Mapping) else None
    scales = table.get("scales") if isinstance(table, Mapping) else None
    return (
        {name: labels for name, labels in scales.items() if isinstance(name, str)}
        if isinstance(scales, Mapping)
        else {}
    )
