"""Whoever puts questions into words: one way of asking, the same for all items and personas of a run."""

from __future__ import annotations

import json
from collections import Counter
from hashlib import blake2b
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, Final

from demoscope.errors import ConfigError, nearest
from demoscope.personas.styles import PHRASES_NEEDED, WORDS_NEEDED, told
from demoscope.personas.text import attributes_in, missing_words
from demoscope.prompts.neutral import neutralised
from demoscope.prompts.question import Question
from demoscope.prompts.template import TemplateFile, persona_values
from demoscope.surveys.phrases import filled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from demoscope.config import PromptSettings
    from demoscope.schema import Mode
    from demoscope.surveys import Demographic, Item, Survey

_KEPT: Final = 10_000
"""Most texts that are kept: a plan asks for the same ones many times, once for each cell."""

_INSTRUCTIONS: Final = {"letters": "letter", "numbers": "number", "text": "option"}


class Asker:
    """Words personas and questions.

    Whatever comes from the survey or its data is neutralised first: see :func:`demoscope.prompts.neutral.neutralised`.

    Args:
        survey: Items, attributes and their wordings.
        settings: How labels look, how a persona is told, which language and wording is asked; ``template`` is the path
            of a file.
        mode: What the model is told to answer with.

    Raises:
        ConfigError: A setting does not fit the survey, or the template file is wrong.

    Attributes:
        neutralised: Count of what was neutralised by kind, each distinct text once.
        digest: Names everything that decides how prompts are worded but the survey.
    """

    def __init__(self, survey: Survey, *, settings: PromptSettings, mode: Mode) -> None:
        if settings.language is not None and settings.language not in survey.known_languages:
            hint = nearest(settings.language, survey.known_languages)
            raise ConfigError(f"survey {survey.id!r} says nothing in language {settings.language!r}{hint}")
        self._survey = survey
        self._settings = settings
        self._mode = mode
        labelled = settings.labels != "text"
        self._template = None if settings.template is None else TemplateFile(Path(settings.template), labelled=labelled)
        self._phrases: dict[str, Mapping[str, str]] = {}
        self._clean: dict[tuple[str, bool], str] = {}
        self._told: dict[tuple[frozenset[tuple[str, str]], str], str] = {}
        self._worded: dict[tuple[str, tuple[int, ...], str, str], tuple[Item, Question]] = {}
        self.neutralised: Counter[str] = Counter()
        self.digest = self._digest()

    def language(self, country: str) -> str:
        """Language in which people of a country are asked, such as ``"en"``."""
        return self._settings.language or self._survey.languages.get(country, self._survey.language)

    def wordings(self, item: Item) -> tuple[str, ...]:
        """Names of the wordings of an item; the first one is its own text."""
        return item.wordings

    def persona(self, attributes: Mapping[str, str], *, language: str) -> str:
        """Who answers, as the text that opens a conversation.

        Args:
            attributes: Name of each shown attribute to its value.
            language: The language.

        Raises:
            ConfigError: An attribute is not one of the survey, or the language lacks a word for it.
        """
        key = (frozenset(attributes.items()), language)
        if key not in self._told:
            if len(self._told) >= _KEPT:
                self._told.clear()
            self._told[key] = self._persona(attributes, language=language)
        return self._told[key]

    def question(self, item: Item, *, shown: Sequence[int], language: str, wording: str) -> Question:
        """Put one item into words.

        Args:
            item: The item.
            shown: Places of the options in the item's own order, in the order in which they are displayed.
            language: The language.
            wording: One of ``wordings(item)``.

        Raises:
            ConfigError: The item has more options than there are labels, its options cannot be told apart, or the
                language lacks something.
        """
        key = (item.id, tuple(shown), language, wording)
        known = self._worded.get(key)
        if known is not None and known[0] is item:
            return known[1]
        if len(self._worded) >= _KEPT:
            self._worded.clear()
        question = self._question(item, shown=shown, language=language, wording=wording)
        self._worded[key] = (item, question)
        return question

    def battery(self, questions: Sequence[Question], *, language: str) -> tuple[str, tuple[str, ...]]:
        """Several questions that are in view together.

        Args:
            questions: The questions, in the order in which they are answered.
            language: The language.

        Returns:
            The text that shows all of them, and the turn that asks for each answer.

        Raises:
            ConfigError: The language lacks a phrase.
        """
        numbered = list(enumerate(questions, start=1))
        bodies = [{"number": number, "text": question.body} for number, question in numbered]
        announced = self._rendered("battery", {"questions": bodies, "language": language})
        if announced is None:
            phrase = self._phrase("battery_question", language=language)
            announced = "\n\n".join(
                filled(phrase, number=str(number), question=question.body) for number, question in numbered
            )
        turns = []
        for number, question in numbered:
            values = {
                "number": number,
                "count": len(questions),
                "instruction": question.instruction,
                "language": language,
            }
            turn = self._rendered("battery_turn", values)
            if turn is None:
                phrase = self._phrase("battery_turn", language=language)
                turn = filled(phrase, number=str(number), instruction=question.instruction)
            turns.append(turn)
        return announced, tuple(turns)

    def check(
        self,
        items: Iterable[Item],
        *,
        countries: Iterable[str],
        attributes: Collection[str] | None = None,
        battery: bool = False,
    ) -> None:
        """Word everything that a run asks, before it asks anything.

        Args:
            items: What is asked.
            countries: Where.
            attributes: What personas show; ``None`` means what the survey shows by itself, and an empty collection that
                nobody is told who answers.
            battery: Whether several items are shown together.

        Raises:
            ConfigError: One line for each item, attribute or phrase that a language lacks, and for each item whose
                options cannot be labelled.
        """
        asked = list(items)
        where: dict[str, list[str]] = {}
        for country in countries:
            where.setdefault(self.language(country), []).append(country)
        shown = self._survey.shown(attributes)
        problems: list[str] = []
        for language, places in where.items():
            if shown:
                problems += self._persona_problems(shown, language=language)
            for item in asked:
                if item.asked_in is None or set(item.asked_in) & set(places):
                    problems += self._item_problems(item, language=language)
            if battery:
                problems += self._battery_problems(language=language)
        if problems:
            raise ConfigError("\n".join(dict.fromkeys(problems)))

    def _persona(self, attributes: Mapping[str, str], *, language: str) -> str:
        style = self._settings.persona
        words = self._persona_words()
        said = attributes_in(self._survey, attributes, language=language, words=words, clean=self._one_line)
        if self._template is None or "persona" not in self._template:
            return told(said, style=style, phrase=lambda name: self._phrase(name, language=language))
        values = persona_values(said, language=language)
        if self._template.uses("persona", variable="persona"):
            values["persona"] = told(said, style=style, phrase=lambda name: self._phrase(name, language=language))
        return self._template.render("persona", values)

    def _question(self, item: Item, *, shown: Sequence[int], language: str, wording: str) -> Question:
        key = self._survey.translated(language)
        text = self._cleaned(item.text_in(key, wording=wording))
        known = [self._one_line(label) for label in item.labels_in(key)]
        options = tuple(known[place] for place in shown)
        labels = self._labels(item, options)
        values = {
            "item": item.id,
            "text": text,
            "options": [{"label": label, "text": option} for label, option in zip(labels, options, strict=True)],
            "labels": list(labels),
            "language": language,
            "wording": wording,
            "mode": self._mode,
        }
        if self._needs_instruction():
            values["instruction"] = self._instruction(labels, language=language)
        return Question(
            item=item.id,
            body=self._body(values),
            instruction=self._rendered("instruction", values) or str(values["instruction"]),
            labels=labels,
            options=options,
            codes=tuple(item.codes[place] for place in shown),
        )

    def _item_problems(self, item: Item, *, language: str) -> Iterable[str]:
        wordings = self.wordings(item)[: 1 if self._settings.wordings == "first" else None]
        for wording in wordings:
            try:
                self.question(item, shown=range(len(item.options)), language=language, wording=wording)
            except ConfigError as error:
                yield str(error)

    def _battery_problems(self, *, language: str) -> Iterable[str]:
        for key, name in (("battery", "battery_question"), ("battery_turn", "battery_turn")):
            try:
                if self._template is None or key not in self._template:
                    self._phrase(name, language=language)
            except ConfigError as error:
                yield str(error)

    def _persona_problems(self, shown: Sequence[str], *, language: str) -> Iterable[str]:
        own = self._template is not None and "persona" in self._template
        problems = missing_words(
            self._survey,
            shown,
            language=language,
            words=self._persona_words(),
            phrases=() if own else PHRASES_NEEDED[self._settings.persona],
        )
        yield from problems
        if problems or self._template is None or not own:
            return
        parts = [self._survey.demographic(name) for name in shown]
        values = {part.id: _values_to_try(part, self._survey.translated(language)) for part in parts}
        usual = {name: words[0] for name, words in values.items()}
        personas = {}
        for name, words in values.items():
            try:
                personas[name] = [self._persona({**usual, name: word}, language=language) for word in words]
            except ConfigError as error:
                yield str(error)
                return
        if lost := self._template.lost(personas):
            yield lost

    def _persona_words(self) -> Collection[str]:
        """Parts of attributes without which a persona cannot be told."""
        own = self._template
        if own is None or "persona" not in own or own.uses("persona", variable="persona"):
            return WORDS_NEEDED[self._settings.persona]
        return frozenset()

    def _labels(self, item: Item, options: Sequence[str]) -> tuple[str, ...]:
        if self._settings.labels == "numbers":
            return tuple(str(number) for number in range(1, len(options) + 1))
        if self._settings.labels == "text":
            first: dict[str, str] = {}
            for option in options:
                plain = " ".join(option.split()).casefold()
                if plain in first:
                    raise ConfigError(
                        f"item {item.id!r}: options {first[plain]!r} and {option!r} read alike, so neither can be "
                        'answered by its text; ask with labels = "letters" or "numbers"'
                    )
                first[plain] = option
            return tuple(options)
        if len(options) > len(ascii_uppercase):
            raise ConfigError(
                f"item {item.id!r} has {len(options)} options; a prompt has letters for {len(ascii_uppercase)}, "
                'labels = "numbers" has no end'
            )
        return tuple(ascii_uppercase[: len(options)])

    def _body(self, values: Mapping[str, Any]) -> str:
        own = self._rendered("question", values)
        if own is not None:
            return own
        if self._settings.labels == "text":
            lines = [f"- {option['text']}" for option in values["options"]]
        else:
            lines = [f"{option['label']}. {option['text']}" for option in values["options"]]
        return "\n".join((values["text"], *lines))

    def _needs_instruction(self) -> bool:
        own = self._template
        return (
            own is None
            or "instruction" not in own
            or any(own.uses(key, variable="instruction") for key in ("question", "instruction"))
        )

    def _instruction(self, labels: Sequence[str], *, language: str) -> str:
        if self._mode == "verbalized":
            return filled(self._phrase("percentages", language=language), label=labels[0])
        return self._phrase(_INSTRUCTIONS[self._settings.labels], language=language)

    def _rendered(self, key: str, values: Mapping[str, Any]) -> str | None:
        if self._template is None or key not in self._template:
            return None
        return self._template.render(key, values)

    def _phrase(self, name: str, *, language: str) -> str:
        known = self._phrases.get(language)
        if known is None:
            known = self._phrases[language] = self._survey.phrases(language)
        return known[name] if name in known else self._survey.phrase(name, language=language)

    def _one_line(self, text: str) -> str:
        return self._cleaned(text, one_line=True)

    def _cleaned(self, text: str, *, one_line: bool = False) -> str:
        known = self._clean.get((text, one_line))
        if known is None:
            known = neutralised(text, counts=self.neutralised, one_line=one_line)
            self._clean[text, one_line] = known
            self._clean[known, one_line] = known
        return known

    def _digest(self) -> str:
        parts = {
            "settings": self._settings.model_dump(mode="json", exclude={"template"}),
            "mode": self._mode,
            "templates": None if self._template is None else dict(self._template.sources),
        }
        return blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()


def _values_to_try(part: Demographic, language: str | None) -> tuple[str, ...]:
    """Values that can occur; made-up ones where the file itself has them."""
    if part.words:
        return part.words
    said = None if language is None else part.translations.get(language)
    if said is not None and not said.verbatim:
        return tuple(said.values)
    return ("\u27e6one\u27e7", "\u27e6two\u27e7")
