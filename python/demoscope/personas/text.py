"""A persona as text."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from demoscope.errors import ConfigError
from demoscope.personas.styles import WORDS_NEEDED, Attribute, Style, told
from demoscope.surveys.phrases import filled

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from demoscope.surveys import Demographic, Survey

ALL_WORDS: Final = frozenset({"text", "label", "question"})
"""Every part of an attribute that some style says besides its value."""


def persona_text(
    survey: Survey, attributes: Mapping[str, str], *, style: Style = "sentence", language: str | None = None
) -> str:
    """Describe a persona: ``"You are a woman aged 18-34 from Ohio without a college degree."``.

    The noun comes first ("a person" where the survey has none or does not show it), the other attributes follow in the
    order of the survey.

    Args:
        survey: What the attributes are and how they are said.
        attributes: Name of each shown attribute to its value, as in the columns of personas.
        style: ``"sentence"``, ``"list"`` (a line for each attribute), ``"dialogue"`` (an interviewer asks for each) or
            ``"portrait"`` (the sentence in the first person).
        language: The language; ``None`` means that of the survey.

    Raises:
        ConfigError: An attribute is not one of the survey, or the language lacks a word for it.
    """
    language = language or survey.language
    said = attributes_in(survey, attributes, language=language, words=WORDS_NEEDED[style])
    return told(said, style=style, phrase=lambda name: survey.phrase(name, language=language))


def attributes_in(
    survey: Survey,
    attributes: Mapping[str, str],
    *,
    language: str,
    words: Collection[str] = ALL_WORDS,
    clean: Callable[[str], str] = str,
) -> tuple[Attribute, ...]:
    """The attributes of a persona in the words of a language, in the order of the survey.

    Args:
        survey: What the attributes are and how they are said.
        attributes: Name of each shown attribute to its value.
        language: The language.
        words: What is needed besides the value, of ``"text"``, ``"label"`` and ``"question"``; the others are empty
            where the language lacks them.
        clean: Applied to every text that is put together from a value.

    Raises:
        ConfigError: An attribute is not one of the survey, or the language lacks a word for it.
    """
    shown = [survey.demographic(name) for name in survey.shown(attributes)]
    return tuple(
        _attribute(survey, part, value=attributes[part.id], language=language, words=words, clean=clean)
        for part in shown
    )


def missing_words(
    survey: Survey,
    shown: Collection[str],
    *,
    language: str,
    words: Collection[str],
    phrases: Collection[str],
) -> list[str]:
    """What a language lacks to tell personas.

    Args:
        survey: What the attributes are and how they are said.
        shown: Names of the attributes.
        language: The language.
        words: What is needed besides values, as for :func:`attributes_in`.
        phrases: Names of the fixed phrases that are needed.

    Returns:
        One message for each missing word.
        The values of an attribute that takes them from the file are not known here.
    """
    problems = []

    def tried(attempt: Callable[[], object]) -> None:
        try:
            attempt()
        except ConfigError as error:
            problems.append(str(error))

    for name in phrases:
        tried(partial(survey.phrase, name, language=language))
    key = survey.translated(language)
    for part in (survey.demographic(name) for name in survey.shown(shown)):
        tried(partial(_words_around, survey, part, language=language, words=words))
        for value in part.words:
            tried(partial(part.word_in, key, value=value))
        said = part.translations.get(key or "")
        if key is not None and not part.words and not (said and (said.values or said.verbatim)):
            problems.append(
                f"language {language!r}: demographic {part.id!r} takes its values from the file and lacks both "
                f"translations.{language}.values and translations.{language}.verbatim"
            )
    return list(dict.fromkeys(problems))


def _attribute(
    survey: Survey,
    part: Demographic,
    *,
    value: str,
    language: str,
    words: Collection[str],
    clean: Callable[[str], str],
) -> Attribute:
    text, label, question = _words_around(survey, part, language=language, words=words)
    word = clean(part.word_in(survey.translated(language), value=value))
    return Attribute(
        name=part.id,
        label=clean(label),
        question=clean(question),
        value=word,
        text=clean(text.replace("{value}", word)),
        noun=part.noun,
    )


def _words_around(survey: Survey, part: Demographic, *, language: str, words: Collection[str]) -> tuple[str, str, str]:
    """Text, label and question of an attribute; empty where the language lacks one that is not needed."""
    text, label, question = part.spoken(survey.translated(language))
    if question is None and label is not None and "question" in words:
        question = filled(survey.phrase("label_question", language=language), label=label)
    found = {"text": text, "label": label, "question": question}
    for name in sorted(words):
        if found[name] is None:
            key = "text" if name == "text" else "label"  # a question is made of the label
            raise ConfigError(f"language {language!r}: demographic {part.id!r} lacks translations.{language}.{key}")
    return text or "", label or "", question or ""
