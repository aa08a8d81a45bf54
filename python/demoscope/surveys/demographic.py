"""One attribute of persons: how a file codes it and how a prompt says it."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from demoscope.config import Settings
from demoscope.surveys.item import Identifier, MissingCodes, repeated

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
        column: Column of the data file; by default ``id``.
        values: Text of a cell to words.
        bands: Ranges of a numeric column, in ascending order and apart from each other.
        missing: Text of a cell to reason; where given, it replaces the default of the survey for this attribute.
    """

    id: Identifier
    text: str = "{value}"
    noun: bool = False
    shown: bool = True
    label: str = Field(default_factory=lambda known: known.get("id", ""), min_length=1)
    column: str = Field(default_factory=lambda known: known.get("id", ""), min_length=1)
    values: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    bands: tuple[Band, ...] = ()
    missing: MissingCodes | None = None

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

    @field_validator("text")
    @classmethod
    def _says_value(cls, text: str) -> str:
        if text.count("{value}") != 1 or set("{}") & set(text.replace("{value}", "")):
            raise ValueError("must contain {value} once and no other braces")
        return text

    @model_validator(mode="after")
    def _values_agree(self) -> Demographic:
        if self.values and self.bands:
            raise ValueError(f"demographic {self.id!r} has both values and bands; a column is coded or numeric")
        for one, other in pairwise(self.bands):
            if other.low <= one.high:
                raise ValueError(f"demographic {self.id!r}: bands {one.label!r} and {other.label!r} overlap")
        if twice := repeated(band.label for band in self.bands):
            raise ValueError(f"demographic {self.id!r}: two bands are called {twice[0]!r}")
        if taken := [text for text in self.missing or {} if text in self.values]:
            raise ValueError(f"demographic {self.id!r}: code {taken[0]!r} is declared both as a value and as missing")
        return self
