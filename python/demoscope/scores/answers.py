"""Frames into sides: people in wide form; models in wide form (one row per persona) or as a response table.

A response table is long: persona, item, and either ``probs`` (scored cells, ``draw == -1``) or ``code`` (drawn or
parsed answers, ``draw >= 0``).
Where probabilities exist they are the primary estimate; of drawn answers the first draw is used, one simulated survey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from demoscope.errors import DataError, nearest
from demoscope.schema import RESPONSES, SCORED
from demoscope.scores.sides import CodedSide, ExactSide, blocks
from demoscope.stats.frames import answers_from_frame, weights_from_column
from demoscope.stats.kernels import MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from demoscope.surveys import Item

PROBS_TOLERANCE = 1e-6
"""Probabilities of one cell must sum to 1 up to this; they are then divided by their sum."""


@dataclass(frozen=True)
class ModelAnswers:
    """One country's answers of one model.

    Attributes:
        side: The answers.
        persons: One row per persona, in the order of the side, with all columns that are constant for a persona.
        invalid: Share of elicited answers that are not valid, per item, shape (p,).
        label_mass: Mean probability of all labels together, per item, shape (p,), NaN where unknown.
        unseen_mass: Mean probability that labels which were not seen may have on top, the same way.
    """

    side: CodedSide | ExactSide
    persons: pl.DataFrame
    invalid: NDArray[np.float64]
    label_mass: NDArray[np.float64]
    unseen_mass: NDArray[np.float64]


def is_response_table(frame: pl.DataFrame) -> bool:
    """Whether a frame of answers is long (one row per persona and item) rather than wide."""
    return "item" in frame.columns and ("code" in frame.columns or "probs" in frame.columns)


def coded_side(
    frame: pl.DataFrame, items: Sequence[Item], *, person: str | None, weights: str | None, what: str
) -> CodedSide:
    """Wide answers as codes.

    Args:
        frame: One row per person.
        items: Items in the order of the result.
        person: Column of identifiers, ``None`` to number the rows.
        weights: Column of weights, ``None`` for weights of 1.
        what: What the frame is, for messages.

    Raises:
        DataError: A code that an item does not declare, a duplicate identifier, or a weight that is negative or not
            finite.
    """
    persons = _identifiers(frame, person, what=what)
    # An Enum declares its categories itself.
    declared = {item.id: item.codes for item in items if not isinstance(frame.schema.get(item.id), pl.Enum)}
    try:
        answers = answers_from_frame(frame, items=[item.id for item in items], weights=weights, categories=declared)
    except DataError as error:
        raise DataError(f"{what}: {error}") from error
    return CodedSide(
        codes=answers.codes,
        categories=tuple(answers.categories),
        weights=np.ones(frame.height) if answers.weights is None else answers.weights,
        persons=persons,
    )


def wide_answers(
    frame: pl.DataFrame, items: Sequence[Item], *, person: str | None, weights: str | None
) -> ModelAnswers:
    """A model's answers with one row per persona; a null is an answer that is missing or not valid."""
    side = coded_side(frame, items, person=person, weights=weights, what="answers")
    return ModelAnswers(
        side=side,
        persons=frame.drop([item.id for item in items]),
        invalid=(side.codes == MISSING).mean(axis=0),
        label_mass=np.full(len(items), np.nan),
        unseen_mass=np.full(len(items), np.nan),
    )


def long_answers(frame: pl.DataFrame, items: Sequence[Item], *, person: str, weights: str | None) -> ModelAnswers:
    """A model's answers as a response table."""
    for column in (person, "item"):
        if column not in frame.columns:
            raise DataError(f"answers: column {column!r} is missing; columns are {frame.columns}")
    frame = frame.filter(pl.col("item").is_in([item.id for item in items]))
    scored = "probs" in frame.columns and frame["probs"].is_not_null().any()
    if "draw" in frame.columns:
        draw = pl.col("draw")
        frame = frame.filter(draw == SCORED if scored else draw == draw.filter(draw >= 0).min())
    elif scored:
        frame = frame.with_columns(pl.lit(SCORED).alias("draw"))
    varying = {*RESPONSES, "text", "unseen_mass"} - {"model", "steering", "country", "persona_id"}
    persons = frame.select(pl.exclude(*(varying & set(frame.columns)))).unique(maintain_order=True)
    if persons[person].is_duplicated().any():
        twice = persons.filter(pl.col(person).is_duplicated())[person][0]
        raise DataError(f"answers: persona {twice!r} has different values in columns that describe the persona")
    persons = persons.sort(person)
    side = (
        _exact_side(frame, items, persons, person=person, weights=weights)
        if scored
        else _drawn_side(frame, items, persons, person=person, weights=weights)
    )
    return ModelAnswers(
        side=side,
        persons=persons,
        invalid=_invalid(frame, items),
        label_mass=_means(frame, "label_mass", items),
        unseen_mass=_means(frame, "unseen_mass", items),
    )


def _exact_side(
    frame: pl.DataFrame, items: Sequence[Item], persons: pl.DataFrame, *, person: str, weights: str | None
) -> ExactSide:
    keys = [column for column in ("item", "order") if column in frame.columns]
    # Personas whose cells are all the same share a profile; without names of cells each persona is its own.
    name = pl.col("cell") if "cell" in frame.columns else pl.col(person)
    signatures = (
        frame.sort([person, *keys])
        .group_by(person, maintain_order=True)
        .agg(name.cast(pl.String).str.join("|").alias("signature"))
    )
    signatures = persons.select(person).join(signatures, on=person, how="left", maintain_order="left")
    first = signatures.unique("signature", keep="first", maintain_order=True).with_row_index("row")
    profile = signatures.join(first.select("signature", "row"), on="signature", how="left", maintain_order="left")[
        "row"
    ]
    categories = tuple(len(item.options) for item in items)
    sums = np.zeros((len(first), sum(categories)))
    orders = np.zeros((len(first), len(items)))
    column = {item.id: (j, block) for j, (item, block) in enumerate(zip(items, blocks(categories), strict=True))}
    cells = frame.filter(pl.col("probs").is_not_null()).select(person, "item", "probs")
    for row, item_id, vector in (
        cells.join(first.select(person, "row"), on=person).select("row", "item", "probs").iter_rows()
    ):
        j, block = column[item_id]
        sums[row, block] += _distribution(vector, items[j])
        orders[row, j] += 1
    with np.errstate(invalid="ignore"):
        probs = sums / np.repeat(np.where(orders > 0, orders, np.nan), categories, axis=1)
    return ExactSide(
        probs=probs,
        categories=categories,
        profile=profile.to_numpy().astype(np.int64),
        weights=np.ones(persons.height) if weights is None else weights_from_column(persons[weights]),
        persons=tuple(persons[person].cast(pl.String)),
    )


def _drawn_side(
    frame: pl.DataFrame, items: Sequence[Item], persons: pl.DataFrame, *, person: str, weights: str | None
) -> CodedSide:
    keys = [person, "item"]
    if frame.select(keys).is_duplicated().any():
        twice = frame.filter(frame.select(keys).is_duplicated()).row(0, named=True)
        raise DataError(f"answers: persona {twice[person]!r} answers item {twice['item']!r} more than once in one draw")
    wide = frame.select(*keys, "code").pivot(on="item", index=person, values="code")
    wide = persons.join(wide, on=person, how="left", maintain_order="left")
    missing = [pl.lit(None, dtype=pl.Int32).alias(item.id) for item in items if item.id not in wide.columns]
    return coded_side(wide.with_columns(missing), items, person=person, weights=weights, what="answers")


def _distribution(vector: Sequence[float], item: Item) -> NDArray[np.float64]:
    probs = np.asarray(vector, dtype=np.float64)
    if len(probs) != len(item.options) or not (probs >= 0).all() or abs(probs.sum() - 1) > PROBS_TOLERANCE:
        raise DataError(
            f"answers: item {item.id!r}: {list(vector)} is not a distribution over its {len(item.options)} options"
        )
    distribution: NDArray[np.float64] = probs / probs.sum()
    return distribution


def _invalid(frame: pl.DataFrame, items: Sequence[Item]) -> NDArray[np.float64]:
    valid = (
        pl.col("status") == "valid"
        if "status" in frame.columns
        else pl.any_horizontal(pl.col(name).is_not_null() for name in ("code", "probs") if name in frame.columns)
    )
    counts = {
        item: (n, bad) for item, n, bad in frame.group_by("item").agg(pl.len(), (~valid).sum().alias("bad")).iter_rows()
    }
    return np.array([counts[item.id][1] / counts[item.id][0] if item.id in counts else np.nan for item in items])


def _means(frame: pl.DataFrame, column: str, items: Sequence[Item]) -> NDArray[np.float64]:
    masses = np.full(len(items), np.nan)
    if column in frame.columns:
        for j, item in enumerate(items):
            # Summed by numpy in row order: a threaded group_by would not give the same last digits every time.
            known = frame.filter(pl.col("item") == item.id)[column].drop_nulls().to_numpy()
            masses[j] = known.mean() if len(known) else np.nan
    return masses


def _identifiers(frame: pl.DataFrame, person: str | None, *, what: str) -> tuple[str, ...]:
    if person is None:
        return tuple(str(row + 1) for row in range(frame.height))
    if person not in frame.columns:
        raise DataError(f"{what}: no column {person!r}{nearest(person, frame.columns)}")
    column = frame[person].cast(pl.String)
    if column.is_null().any():
        raise DataError(f"{what}: column {person!r}, row {int(column.is_null().arg_true()[0]) + 1}: no identifier")
    if column.is_duplicated().any():
        twice = column.filter(column.is_duplicated())[0]
        raise DataError(f"{what}: column {person!r}: {twice!r} appears more than once")
    return tuple(column)
