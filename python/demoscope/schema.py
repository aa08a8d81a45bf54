"""Column names and types of the tables that rooms hand to each other.

A table of a run folder has exactly these columns, in this order.
``check_columns`` is called where a table enters a room, so that a wrong file is named there and not three calls later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from demoscope.errors import DataError

if TYPE_CHECKING:
    import polars as pl

ItemType: TypeAlias = Literal["ordinal", "binary", "nominal", "count"]
MissingReason: TypeAlias = Literal["dont_know", "refused", "not_asked", "not_applicable", "other_missing"]
Mode: TypeAlias = Literal["logprobs"]
Presentation: TypeAlias = Literal["single"]
Order: TypeAlias = Literal["given", "reversed"]
AnswerStatus: TypeAlias = Literal["valid", "refusal", "dont_know", "invalid", "error"]

SCORED: Final = -1
"""Value of ``draw`` in rows that carry a probability vector instead of a drawn code."""

ALL: Final = "(all)"
"""Value of ``country`` in rows that summarise all countries."""

# Each persona is one simulated interview; `profile` is the same for personas whose prompt shows the same facts.
PERSONAS: Final = {
    "persona_id": "String",
    "country": "String",
    "source_respondent_id": "String",
    "weight": "Float64",
    "profile": "String",
}

# One asked cell of the store: one distinct prompt, item and option order.  `probs` is in the item's own option order.
CELLS: Final = {
    "cell": "String",
    "model": "String",
    "revision": "String",
    "steering": "String",
    "adapter": "String",
    "profile": "String",
    "item": "String",
    "order": "String",
    "presentation": "String",
    "mode": "String",
    "prompt_hash": "String",
    "status": "String",
    "reason": "String",
    "probs": "List(Float64)",
    "label_mass": "Float64",
    "text": "String",
    "prompt_tokens": "Int64",
}

# The response table, the only thing that scores read of a model: draw = -1 carries `probs`, draw >= 0 carries `code`.
RESPONSES: Final = {
    "model": "String",
    "steering": "String",
    "adapter": "String",
    "country": "String",
    "persona_id": "String",
    "item": "String",
    "order": "String",
    "presentation": "String",
    "draw": "Int32",
    "cell": "String",
    "status": "String",
    "reason": "String",
    "code": "Int32",
    "probs": "List(Float64)",
    "label_mass": "Float64",
}


def check_columns(frame: pl.DataFrame, columns: dict[str, str], *, what: str) -> pl.DataFrame:
    """Return ``frame`` with exactly ``columns``, in their order.

    Args:
        frame: The table as it was read.
        columns: Names and Polars types, as in this module.
        what: What the table is and where it came from, for the message.

    Raises:
        DataError: A column is absent or has another type.
    """
    for name, dtype in columns.items():
        if name not in frame.columns:
            raise DataError(f"{what}: column {name!r} is missing; columns are {frame.columns}")
        if str(frame.schema[name]) != dtype:
            raise DataError(f"{what}: column {name!r} is {frame.schema[name]}, expected {dtype}")
    return frame.select(list(columns))
