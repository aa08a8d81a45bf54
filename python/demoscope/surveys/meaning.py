"""What the text of a cell stands for: an answer, a reason for none, or nothing that is declared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from demoscope.surveys.cells import key_of, look_up
from demoscope.surveys.item import Item
from demoscope.surveys.labels import missing_reason, same_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demoscope.schema import MissingReason
    from demoscope.surveys.demographic import Demographic
    from demoscope.surveys.item import MissingCodes
    from demoscope.surveys.survey import Survey
    from demoscope.surveys.variant import Variant


@dataclass(frozen=True)
class Meaning:
    """What the cells of one item or attribute stand for.

    Attributes:
        part: The item or attribute.
        missing: Text of a cell to reason.
        mirrored: Whether the codes of the file run the other way.
        by_label: Whether the file has labels in the place of codes.
    """

    part: Item | Demographic
    missing: MissingCodes
    mirrored: bool = False
    by_label: bool = False

    def lost_as(self, text: str) -> str | None:
        """The declared missing code that a cell holds; empty for an empty cell, ``None`` where it may be an answer."""
        if not text:
            return ""
        found = key_of(self.missing, text)
        if found is None and self.by_label and self._labelled(text) is None and missing_reason(text) is not None:
            return text
        return found

    def value(self, text: str) -> int | str | None:
        """The answer that a cell holds: the code of an item, the word of an attribute; ``None`` for no declared one."""
        if self.by_label and (found := self._labelled(text)) is not None:
            return found
        if isinstance(self.part, Item):
            return look_up(self._codes, text)
        if self.part.bands:
            return self.part.band_of(text)
        return look_up(self.part.values, text) if self.part.values else text

    def reason(self, code: str, *, country: str | None = None) -> MissingReason:
        """Why a missing code, or an empty cell, is no answer."""
        if code in self.missing:
            return self.missing[code]
        if self.by_label and (said := missing_reason(code)) is not None:
            return said
        asked_in = self.part.asked_in if isinstance(self.part, Item) else None
        return "other_missing" if asked_in is None or country is None or country in asked_in else "not_asked"

    @property
    def declared(self) -> str:
        """All that a cell may hold, in words."""
        if self.by_label:
            labels = self.part.labels if isinstance(self.part, Item) else self.part.words
            return (
                f"labels {', '.join(map(repr, labels))}; the file has labels and no codes: a table of wordings "
                "(`demoscope survey wording`) can say what its labels are"
            )
        return f"{self._answers}, missing codes: {', '.join(self.missing) or 'none'}"

    def _labelled(self, text: str) -> int | str | None:
        """The answer of that label: the same letters, else the same words; ``None`` where none or several are."""
        exact = self._by_label.get(text.casefold())
        if exact is not None:
            return exact
        alike = {value for label, value in self._by_label.items() if same_words(label, text)}
        return alike.pop() if len(alike) == 1 else None

    @cached_property
    def _by_label(self) -> Mapping[str, int | str]:
        if isinstance(self.part, Item):
            return {option.label.casefold(): option.code for option in self.part.options}
        return {word.casefold(): word for word in self.part.words}

    @cached_property
    def _codes(self) -> Mapping[str, int]:
        assert isinstance(self.part, Item)
        return {str(self.part.mirrored(code) if self.mirrored else code): code for code in self.part.codes}

    @property
    def _answers(self) -> str:
        if isinstance(self.part, Item):
            codes = self.part.codes
            contiguous = max(codes) - min(codes) == len(codes) - 1 > 0
            return f"options {min(codes)}..{max(codes)}" if contiguous else f"options {', '.join(map(str, codes))}"
        if self.part.bands:
            return f"bands {', '.join(self.part.words)}"
        return f"values {', '.join(self.part.values)}" if self.part.values else "any text is a value"


def meaning_of(part: Item | Demographic, survey: Survey, variant: Variant | None, *, by_label: bool = False) -> Meaning:
    """What the cells of an item or attribute stand for in a file of some kind."""
    mirrored = variant is not None and part.id in variant.mirrored
    return Meaning(part, survey.missing_codes(part), mirrored=mirrored, by_label=by_label)
