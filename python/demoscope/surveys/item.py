"""One question: its wording, its options in order, and what the codes in a file mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from demoscope.config import Settings
from demoscope.errors import ConfigError
from demoscope.schema import ItemType, MissingReason
from demoscope.surveys.translations import OWN, ItemTranslation, LanguageTag, Words

MAX_OPTIONS: Final = 250
"""Category indices are stored in one byte, and 255 stands for a missing answer."""

Identifier = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.-]+$")]
"""Name of an item or attribute: it becomes a column and a part of keys, hence no separators."""

Code = Annotated[int, Field(ge=-(2**31), lt=2**31)]


class Option(Settings):
    """One answer that can be given.

    Attributes:
        code: What a data file holds for it.
        label: What a respondent reads.
        score: Its number on the scale of the item; by default its rank, 1 to K.
    """

    code: Code
    label: str = Field(min_length=1)
    score: Annotated[float, Field(allow_inf_nan=False)] | None = None


def options_as_list(options: object) -> object:
    """The short form ``{1 = "yes", 2 = "no"}`` as the list of tables that it stands for."""
    if isinstance(options, Mapping):
        return [{"code": code, "label": label} for code, label in options.items()]
    return options


Options = Annotated[tuple[Option, ...], BeforeValidator(options_as_list)]

MissingCodes = dict[str, MissingReason]
"""Text of a cell, as it stands in the file, to the reason why it is no answer."""

ColumnName = Annotated[str, Field(min_length=1)]

ColumnNames = ColumnName | Annotated[tuple[ColumnName, ...], Field(min_length=1)]
"""A column of the data file, or several of which a file has one: releases name the same thing differently."""


def as_names(column: ColumnNames | None) -> tuple[str, ...]:
    """Names of columns as a tuple, empty for ``None``."""
    if column is None:
        return ()
    return (column,) if isinstance(column, str) else column


class Item(Settings):
    """One question of a survey.

    Attributes:
        id: Its name in tables.
        text: The question, worded so that it can be asked alone.
        options: All valid answers in the order of the scale, whatever their codes.
        type: ``"ordinal"``, ``"binary"``, ``"nominal"`` or ``"count"``.
        label: Its name on axes and in tables for readers; by default ``id``.
        domain: Its subject; items of a domain stand side by side in figures.
        block: Name of a set of items whose answers constrain each other by logic (ranks, "choose up to five");
            pairs inside a block say nothing about people and are left out of structure.
        polarity: -1 where the scale runs against its domain; used for composites and figures only.
        missing: Text of a cell to reason; where given, it replaces the default of the survey for this item.
        missing_also: The same, beside that default.
        asked_in: Countries in which the item was asked; ``None`` means all.
        column: Column of the data file, by default ``id``; of several names the first that a file has is read.
        paraphrases: Further texts that ask the same; options stay as they are.
        translations: Text, labels and paraphrases in further languages.
    """

    id: Identifier
    text: str = Field(min_length=1)
    options: Options
    type: ItemType = "ordinal"
    label: str = Field(default_factory=lambda known: known.get("id", ""), min_length=1)
    domain: str = ""
    block: str | None = Field(default=None, min_length=1)
    polarity: Literal[1, -1] = 1
    missing: MissingCodes | None = None
    missing_also: MissingCodes = Field(default_factory=dict)
    asked_in: tuple[str, ...] | None = Field(default=None, min_length=1)
    column: ColumnNames = Field(default_factory=lambda known: known.get("id", ""))
    paraphrases: tuple[Words, ...] = ()
    translations: dict[LanguageTag, ItemTranslation] = Field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names that its column of the data file may have; the first that is there is read."""
        return as_names(self.column)

    @property
    def codes(self) -> tuple[int, ...]:
        """Codes of the options in the order of the scale, length K."""
        return tuple(option.code for option in self.options)

    def mirrored(self, code: int) -> int:
        """The code in the same place of a file whose scale is turned round: of 1 to 4, 1 for 4 and 2 for 3."""
        return min(self.codes) + max(self.codes) - code

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the options in the order of the scale, length K."""
        return tuple(option.label for option in self.options)

    @property
    def scores(self) -> tuple[float, ...]:
        """Scores of the options, length K; strictly increasing where the item is ordered."""
        return tuple(float(rank if o.score is None else o.score) for rank, o in enumerate(self.options, start=1))

    @property
    def ordered(self) -> bool:
        """Whether the order of the options means something: every type but ``"nominal"``."""
        return self.type != "nominal"

    @property
    def wordings(self) -> tuple[str, ...]:
        """Names of the texts: ``"0"`` is the item's own, ``"1"`` its first paraphrase, and so on."""
        return tuple(str(number) for number in range(1 + len(self.paraphrases)))

    def text_in(self, language: str | None = None, *, wording: str = OWN) -> str:
        """The question.

        Args:
            language: A further language; ``None`` means the item's own.
            wording: One of ``wordings``.

        Raises:
            ConfigError: There is no such wording, or none in that language.
        """
        if wording not in self.wordings:
            raise ConfigError(f"item {self.id!r} has no wording {wording!r}; it has {', '.join(self.wordings)}")
        place = int(wording)
        if language is None:
            return (self.text, *self.paraphrases)[place]
        said = self.translations.get(language, ItemTranslation())
        if wording == OWN:
            if said.text is None:
                raise ConfigError(f"language {language!r}: item {self.id!r} lacks translations.{language}.text")
            return said.text
        if place > len(said.paraphrases):
            raise ConfigError(
                f"language {language!r}: item {self.id!r} has {len(said.paraphrases)} of {len(self.paraphrases)} texts "
                f"in translations.{language}.paraphrases"
            )
        return said.paraphrases[place - 1]

    def labels_in(self, language: str | None = None) -> tuple[str, ...]:
        """Labels of the options in the order of the scale.

        Args:
            language: A further language; ``None`` means the item's own.

        Raises:
            ConfigError: There are none in that language.
        """
        if language is None:
            return self.labels
        said = self.translations.get(language, ItemTranslation()).options
        if said is None:
            raise ConfigError(f"language {language!r}: item {self.id!r} lacks translations.{language}.options")
        by_code = {option.code: option.label for option in said}
        if None in by_code:
            return tuple(option.label for option in said)
        return tuple(by_code[code] for code in self.codes)

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("is blank")
        return text

    @model_validator(mode="before")
    @classmethod
    def _has_options(cls, table: Any) -> Any:  # noqa: ANN401 - raw TOML
        if isinstance(table, Mapping) and table.get("options", True) in ((), [], {}):
            raise ValueError(f"item {table.get('id')!r} has no options")
        return table

    @model_validator(mode="after")
    def _options_agree(self) -> Item:
        if len(self.options) > MAX_OPTIONS:
            raise ValueError(f"item {self.id!r} has {len(self.options)} options; at most {MAX_OPTIONS} are possible")
        for what, values in (("code", self.codes), ("label", self.labels)):
            if twice := repeated(values):
                raise ValueError(f"item {self.id!r}: {what} {twice[0]!r} stands for several options")
        if self.type == "binary" and len(self.options) != 2:
            raise ValueError(f"item {self.id!r} is binary and has {len(self.options)} options, not 2")
        if taken := [text for text in (*(self.missing or {}), *self.missing_also) if as_integer(text) in self.codes]:
            raise ValueError(f"item {self.id!r}: code {taken[0]} is declared both as an option and as missing")
        self._check_scores()
        self._check_paraphrases()
        for language, said in self.translations.items():
            self._check_translation(said, where=f"item {self.id!r}: translations.{language}")
        return self

    def _check_scores(self) -> None:
        given = [option.score for option in self.options if option.score is not None]
        if given and len(given) < len(self.options):
            raise ValueError(f"item {self.id!r}: give a score to every option or to none")
        if self.ordered and any(low >= high for low, high in pairwise(self.scores)):
            raise ValueError(f"item {self.id!r}: scores do not increase from option to option")

    def _check_paraphrases(self) -> None:
        if twice := repeated(text.strip() for text in (self.text, *self.paraphrases)):
            raise ValueError(f"item {self.id!r}: two of its wordings are {twice[0]!r}")

    def _check_translation(self, said: ItemTranslation, *, where: str) -> None:
        if len(said.paraphrases) > len(self.paraphrases):
            raise ValueError(
                f"{where} has {len(said.paraphrases)} paraphrases, the item itself {len(self.paraphrases)}"
            )
        if twice := repeated(text.strip() for text in (said.text, *said.paraphrases) if text is not None):
            raise ValueError(f"{where}: two of its wordings are {twice[0]!r}")
        if said.options is None:
            return
        codes = [option.code for option in said.options]
        if len(codes) != len(self.options):
            raise ValueError(f"{where} has {len(codes)} options, the item itself {len(self.options)}")
        if set(codes) != {None} and sorted(map(str, codes)) != sorted(map(str, self.codes)):
            raise ValueError(f"{where} has options {', '.join(map(str, codes))}; the item has {self.codes}")
        if twice := repeated(option.label for option in said.options):
            raise ValueError(f"{where}: label {twice[0]!r} stands for several options")


def repeated(values: Iterable[Any]) -> list[Any]:
    """Values that occur more than once, in order of first occurrence."""
    return [value for value, count in Counter(values).items() if count > 1]


def as_integer(text: str) -> int | None:
    """The integer that ``text`` writes (``"2"``, ``"+2"``, ``"02"``, ``"2.0"``), or ``None``."""
    whole, _, decimals = text.strip().partition(".")
    digits = whole[1:] if whole[:1] in ("+", "-") else whole
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18) or decimals.strip("0"):
        return None
    return int(whole)
