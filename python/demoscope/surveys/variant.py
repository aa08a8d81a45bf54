"""Kinds of the file of one survey: releases, single countries, scales turned round, other products of the same name."""

from __future__ import annotations

from pydantic import Field, model_validator

from demoscope.config import Settings
from demoscope.surveys.item import ColumnName


class Variant(Settings):
    """One kind of file, and how it is recognised.

    Attributes:
        name: What it is called when it is said which kind a file is.
        has: Columns of which a file of this kind has every one.
        lacks: Columns of which it has none.
        where: SQL expression over the columns of the file, true in most rows of a file of this kind.
        says: What else a user should know.
        refused: Why such a file cannot be read, and what to take instead.
        mirrored: Items whose scale is turned round in such a file: of the codes 1 to 4, 1 stands for what the survey
            calls 4.
    """

    name: str = Field(min_length=1)
    has: tuple[ColumnName, ...] = ()
    lacks: tuple[ColumnName, ...] = ()
    where: str | None = Field(default=None, min_length=1)
    says: str = ""
    refused: str = ""
    mirrored: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _can_be_used(self) -> Variant:
        if self.refused and self.mirrored:
            raise ValueError(f"variant {self.name!r} is refused, so nothing of it is mirrored")
        return self
