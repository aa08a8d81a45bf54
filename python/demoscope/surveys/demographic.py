"""One attribute of persons: how a file codes it and how a prompt says it."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, NamedTuple

from pydantic import Field, field_validator, model_validator

from demoscope.config import Settings
from demoscope.errors import ConfigError, nearest
from demoscope.surveys.item import ColumnNames, Identifier, MissingCodes, as_names, repeated
from demoscope.surveys.translations import DemographicTranslation, LanguageTag, Words

Bound = Annotated[float, Field(allow_inf_nan=False)]


class Band(Settings):
    """A range of a numeric attribute, both ends included; an end left out is open."""

    label: str = Field(min_length=1)
    low: Bound = float("-inf")
    high: Bound = float("inf")

    @model_validator(mode="after")
    def _is_range(self) -> Band:
        if self.low > self.high:
            raise ValueError(f"band {self.label!r} ends at {self.high:g}, before it begins at {self.low:g}")
        return self

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


class Spoken(NamedTuple):
    """An attribute in one language; ``None`` where that language has no word for it.

    Attributes:
        text: How a prompt says it, with ``{value}`` in it.
        label: Its name.
        question: How an interviewer asks for it, where somebody wrote that down.
    """

    text: str | None
    label: str | None
    question: str | None


class Demographic(Settings):
    """One attribute of persons.

    Its value in tables and prompts is a word: of ``values`` for a coded column, the label of a band for a numeric one,
    and the text of the file itself where neither is declared.

    Attributes:
        id: Its name in tables.
        text: How a prompt says it, with ``{value}`` in it: ``"aged {value}"``, ``"from {value}"``.
        noun: Whether ``text`` gives the noun of the sentence ("a woman"), after "You are".
        shown: Whether personas show it when a run does not choose.
        label: Its name for readers; by default ``id``.
        column: Column of the data file, by default ``id``; of several names the first that a file has is read.
        values: Text of a cell to words.
        bands: Ranges of a numeric column, in ascending order and apart from each other.
        missing: Text of a cell to reason; where given, it replaces the default of the survey for this attribute.
        missing_also: The same, beside that default.
        question: How an interviewer asks for it: ``"How old are you?"``; used by the persona style ``dialogue`` only.
        translations: Text, name, question and words in further languages.
    """

    id: Identifier
    text: str = "{value}"
    noun: bool = False
    shown: bool = True
    label: str = Field(default_factory=lambda known: known.get("id", ""), min_length=1)
    column: ColumnNames = Field(default_factory=lambda known: known.get("id", ""))
    values: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    bands: tuple[Band, ...] = ()
    missing: MissingCodes | None = None
    missing_also: MissingCodes = Field(default_factory=dict)
    question: Words | None = None
    translations: dict[LanguageTag, DemographicTranslation] = Field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names that its column of the data file may have; the first that is there is read."""
        return as_names(self.column)

    def band_of(self, text: str) -> str | None:
        """Label of the band in which the number written by ``text`` lies."""
        try:
            number = float(text)
        except ValueError:
            return None
        return next((band.label for band in self.bands if number in band), None)

    @property
    def words(self) -> tuple[str, ...]:
        """All values that can occur, in declared order; empty where the file's own text is used."""
        if self.bands:
            return tuple(band.label for band in self.bands)
        return tuple(dict.fromkeys(self.values.values()))

    def spoken(self, language: str | None = None) -> Spoken:
        """How the attribute is said; ``None`` means the language of the survey itself."""
        if language is None:
            return Spoken(self.text, self.label, self.question)
        said = self.translations.get(language, DemographicTranslation())
        # A bare value needs no words around it in any language.
        bare = "{value}" if self.text == "{value}" and language in self.translations else None
        return Spoken(said.text or bare, said.label, said.question)

    def word_in(self, language: str | None, *, value: str) -> str:
        """A value in some language.

        Args:
            language: A further language; ``None`` means that of the survey itself.
            value: The word as tables have it.

        Raises:
            ConfigError: The language has no word for it.
        """
        if language is None:
            return value
        said = self.translations.get(language, DemographicTranslation())
        if value in said.values:
            return said.values[value]
        if said.verbatim:
            return value
        raise ConfigError(
            f"language {language!r}: demographic {self.id!r} lacks {value!r} in translations.{language}.values"
        )

    @field_validator("text")
    @classmethod
    def _says_value(cls, text: str) -> str:
        return _with_value(text)

    @model_validator(mode="after")
    def _values_agree(self) -> Demographic:
        if self.values and self.bands:
            raise ValueError(f"demographic {self.id!r} has both values and bands; a column is coded or numeric")
        for one, other in pairwise(self.bands):
            if other.low <= one.high:
                raise ValueError(f"demographic {self.id!r}: bands {one.label!r} and {other.label!r} overlap")
        if twice := repeated(band.label for band in self.bands):
            raise ValueError(f"demographic {self.id!r}: two bands are called {twice[0]!r}")
        if taken := [text for text in (*(self.missing or {}), *self.missing_also) if text in self.values]:
            raise ValueError(f"demographic {self.id!r}: code {taken[0]!r} is declared both as a value and as missing")
        for language, said in self.translations.items():
            self._check_translation(said, where=f"demographic {self.id!r}: translations.{language}")
        return self

    def _check_translation(self, said: DemographicTranslation, *, where: str) -> None:
        if said.text is not None:
            try:
                _with_value(said.text)
            except ValueError as error:
                raise ValueError(f"{where}.text {error}") from None
        for word in said.values:
            if self.words and word not in self.words:
                raise ValueError(f"{where}.values: no value is {word!r}{nearest(word, self.words)}")


def _with_value(text: str) -> str:
    if text.count("{value}") != 1 or set("{}") & set(text.replace("{value}", "")):
        raise ValueError("must contain {value} once and no other braces")
    return text
