"""What a comparison is given: which items, countries, models and attributes the two frames hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from demoscope.errors import DataError, nearest
from demoscope.schema import ALL, RESPONSES
from demoscope.scores.answers import is_response_table
from demoscope.surveys import Item, Option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from demoscope.surveys import Survey

SOURCE = "source_respondent_id"

FEWEST_PEOPLE = 4
"""Halves of the people of a country are compared with each other, and each takes two."""

RESERVED = frozenset(
    {*RESPONSES, SOURCE, "weight", "profile", "text", "unseen_mass", "prompt_hash", "revision", "engine"}
)
"""Columns of answers that never describe a person."""


@dataclass(frozen=True)
class Columns:
    """Names of the columns that are not items.

    Attributes:
        by: Columns that tell models apart.
        country, human_id, persona_id, weights, strata, psu: As in :func:`demoscope.compare`.
    """

    by: tuple[str, ...]
    country: str | None
    human_id: str | None
    persona_id: str | None
    weights: str | None
    strata: str | None = None
    psu: str | None = None

    def taken(self) -> set[str]:
        """All names that are neither items nor attributes."""
        own = {self.country, self.human_id, self.persona_id, self.weights, self.strata, self.psu}
        named = {*own, *self.by, *RESERVED}
        return {name for name in named if name is not None}


def resolve_items(
    humans: pl.DataFrame, answers: pl.DataFrame, *, survey: Survey | None, names: Sequence[str] | None, columns: Columns
) -> tuple[Item, ...]:
    """Items to be scored, in the order of the survey (or of the human columns).

    Raises:
        DataError: A named item is absent from a frame, or fewer than two items are left.
    """
    in_answers = set(answers["item"].unique()) if is_response_table(answers) else set(answers.columns)
    common = [name for name in humans.columns if name in in_answers and name not in columns.taken()]
    if survey is not None:
        known = [item.id for item in survey.items]
        common = [name for name in known if name in humans.columns and name in in_answers]
    for name in names or ():
        if name not in common:
            raise DataError(f"item {name!r} is not in both frames{nearest(name, common)}")
    chosen = [name for name in common if names is None or name in names]
    if survey is not None:
        return _at_least_two(tuple(survey.item(name) for name in chosen))
    return _at_least_two(tuple(_undeclared(name, humans, answers) for name in chosen if _is_coded(humans[name])))


def shared_attributes(
    humans: pl.DataFrame, answers: pl.DataFrame, *, items: tuple[Item, ...], columns: Columns
) -> list[str]:
    """Columns that describe persons in both frames, in the order of the human frame."""
    excluded = columns.taken() | {item.id for item in items}
    return [name for name in humans.columns if name in answers.columns and name not in excluded]


def by_country(frame: pl.DataFrame, column: str | None, *, what: str) -> dict[str, pl.DataFrame]:
    """The frame in parts, by country in sorted order; all under ``"(all)"`` without a column.

    Raises:
        DataError: The column is absent or has a row without a country, or there is no row.
    """
    if frame.is_empty():
        raise DataError(f"{what}: no rows")
    if column is None:
        return {ALL: frame}
    if column not in frame.columns:
        raise DataError(f"{what}: no column {column!r}{nearest(column, frame.columns)}")
    values = frame[column].cast(pl.String)
    if values.is_null().any():
        raise DataError(f"{what}: column {column!r}, row {int(values.is_null().arg_true()[0]) + 1}: no country")
    return {name: frame.filter(values == name) for name in sorted(values.unique())}


def groups(answers: pl.DataFrame, by: tuple[str, ...]) -> list[tuple[dict[str, str], pl.DataFrame]]:
    """The answers of each model, in the order of their first rows.

    Raises:
        DataError: There is no row.
    """
    if answers.is_empty():
        raise DataError("answers: no rows")
    if not by:
        return [({}, answers)]
    parts = answers.partition_by(list(by), as_dict=True, maintain_order=True)
    return [({name: str(value) for name, value in zip(by, key, strict=True)}, part) for key, part in parts.items()]


def common_countries(humans: dict[str, pl.DataFrame], models: list[dict[str, pl.DataFrame]]) -> list[str]:
    """Countries that every model answered, in sorted order.

    Raises:
        DataError: A model answered for a country without people or with too few, or not for a country that another
            model answered.
    """
    asked = sorted({name for model in models for name in model})
    for name in asked:
        if name not in humans:
            raise DataError(f"answers: country {name!r} has no people to compare with{nearest(name, humans)}")
        if humans[name].height < FEWEST_PEOPLE:
            raise DataError(
                f"humans: country {name!r} has {humans[name].height} people; scores need at least {FEWEST_PEOPLE}"
            )
        if any(name not in model for model in models):
            raise DataError(f"answers: country {name!r} is answered by some models and not by others")
    return asked


def profiles(frame: pl.DataFrame, attributes: Sequence[str]) -> NDArray[np.int64]:
    """Number of the demographic cell of each person, shape (n,); -1 where an attribute is unknown.

    The numbering is that of the sorted cells of this frame; it is not comparable between frames.
    """
    known = ~frame.select(pl.any_horizontal(pl.col(list(attributes)).is_null())).to_series()
    joined = frame.select(pl.concat_str(pl.col(list(attributes)).cast(pl.String), separator="\x1f")).to_series()
    numbers = joined.rank("dense").cast(pl.Int64) - 1
    return numbers.zip_with(known, pl.Series([-1])).to_numpy()


def in_group(frame: pl.DataFrame, attribute: str, level: str) -> NDArray[np.bool_]:
    """Which persons have this level of the attribute, shape (n,)."""
    return (frame[attribute].cast(pl.String) == level).fill_null(value=False).to_numpy()


def sources(people: Sequence[str], personas: pl.DataFrame, *, human_id: str | None) -> NDArray[np.int64] | None:
    """Row of the respondent behind each persona, shape (m,); ``None`` where personas are not matched.

    Raises:
        DataError: A persona names a respondent that does not exist.
    """
    column = next((name for name in (human_id, SOURCE) if name is not None and name in personas.columns), None)
    if human_id is None or column is None or personas[column].is_null().all():
        return None
    rows = {name: row for row, name in enumerate(people)}
    found = personas[column].cast(pl.String)
    for name in found:
        if name not in rows:
            raise DataError(f"answers: column {column!r}: {name!r} is no respondent of that country")
    return np.array([rows[name] for name in found], dtype=np.int64)


def presentations(answers: pl.DataFrame) -> str:
    """How items were asked: a value of ``schema.Presentation``, several listed with commas, "" if it is not known."""
    if "presentation" not in answers.columns:
        return ""
    return ", ".join(answers["presentation"].cast(pl.String).drop_nulls().unique().sort())


def _at_least_two(items: tuple[Item, ...]) -> tuple[Item, ...]:
    if len(items) < 2:
        raise DataError(f"{len(items)} common items; structure needs at least 2")
    return items


def _is_coded(column: pl.Series) -> bool:
    return column.dtype.is_integer() or isinstance(column.dtype, pl.Enum)


def _undeclared(name: str, humans: pl.DataFrame, answers: pl.DataFrame) -> Item:
    """An item that no survey declares: ordinal, codes sorted, each its own label."""
    column = humans[name]
    if isinstance(column.dtype, pl.Enum):
        labels = list(column.dtype.categories)
        return Item(id=name, text=name, options=tuple(Option(code=k, label=label) for k, label in enumerate(labels)))
    codes = set(column.drop_nulls())
    if not is_response_table(answers):
        given = answers[name].drop_nulls()
        if not given.dtype.is_numeric() or (
            given.dtype.is_float() and (given.is_nan() | (given != given.floor())).any()
        ):
            raise DataError(f"answers: column {name!r} ({given.dtype}) does not hold integer codes")
        codes |= set(given)
    elif "code" in answers.columns:
        codes |= set(answers.filter(pl.col("item") == name)["code"].drop_nulls())
    return Item(id=name, text=name, options=tuple(Option(code=int(code), label=str(code)) for code in sorted(codes)))
