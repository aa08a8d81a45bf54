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
Mode: TypeAlias = Literal["logprobs", "choice", "text", "verbalized"]
Presentation: TypeAlias = Literal["single", "battery", "interview"]
Order: TypeAlias = Literal["given", "reversed", "shuffled"]
AnswerStatus: TypeAlias = Literal["valid", "refusal", "dont_know", "invalid", "error"]
InvalidReason: TypeAlias = Literal[
    "no_answer", "invalid_key", "invalid_text", "key_text_mismatch", "ambiguous", "truncated", "no_label_mass"
]
"""Why a model that answered has not answered the question."""

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

# One asked cell of the store: one distinct prompt, item and option order.
# Modes that give probabilities (`logprobs`, `verbalized`) fill `probs`, in the item's own option order, and serve every
# persona of the profile: `persona_id` is null and `draw` is -1.
# Modes that give one answer at a time (`choice`, `text`) fill `code`, for one persona and one draw.
# `label_mass` is the probability of all labels together; labels that were not seen may weigh `unseen_mass` on top.
CELLS: Final = {
    "cell": "String",
    "model": "String",
    "revision": "String",
    "steering": "String",
    "adapter": "String",
    "profile": "String",
    "persona_id": "String",
    "item": "String",
    "wording": "String",
    "language": "String",
    "order": "String",
    "presentation": "String",
    "mode": "String",
    "draw": "Int32",
    "prompt_hash": "String",
    "status": "String",
    "reason": "String",
    "code": "Int32",
    "probs": "List(Float64)",
    "label_mass": "Float64",
    "unseen_mass": "Float64",
    "text": "String",
    "thought": "String",
    "prompt_tokens": "Int64",
    "output_tokens": "Int64",
}

# The response table, the only thing that scores read of a model: draw = -1 carries `probs`, draw >= 0 carries `code`.
# `position` is the number of the item in its conversation, counted from 0.
RESPONSES: Final = {
    "model": "String",
    "steering": "String",
    "adapter": "String",
    "country": "String",
    "persona_id": "String",
    "item": "String",
    "wording": "String",
    "language": "String",
    "order": "String",
    "presentation": "String",
    "position": "Int32",
    "draw": "Int32",
    "cell": "String",
    "status": "String",
    "reason": "String",
    "code": "Int32",
    "probs": "List(Float64)",
    "label_mass": "Float64",
    "unseen_mass": "Float64",
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
