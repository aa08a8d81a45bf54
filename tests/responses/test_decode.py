import math

import pytest

from demoscope.engines import Answer
from demoscope.responses.decode import decode
from demoscope.schema import CELLS
from tests.responses.small import cells_of, plan

GIVEN = next(cell for cell in cells_of(plan(order="given")) if cell.item.id == "trust")
REVERSED = next(cell for cell in cells_of(plan(order="reversed")) if cell.item.id == "trust")


def valid(cell, *probs, **more):
    return decode(cell, Answer(cell.key, "valid", probs=probs, **more))


def test_a_row_has_the_columns_of_the_schema():
    row = valid(GIVEN, 0.5, 0.25, 0.25, label_mass=0.75, prompt_tokens=12)
    assert list(row) == list(CELLS)
    assert (row["cell"], row["status"], row["label_mass"], row["prompt_tokens"]) == (GIVEN.key, "valid", 0.75, 12)


def test_probabilities_come_in_the_order_of_the_item():
    assert valid(GIVEN, 0.5, 0.25, 0.25)["probs"] == [0.5, 0.25, 0.25]
    assert valid(REVERSED, 0.125, 0.25, 0.625)["probs"] == [0.625, 0.25, 0.125]


def test_rounding_is_divided_out():
    probs = valid(GIVEN, 0.5, 0.25, 0.2500004)["probs"]
    assert math.fsum(probs) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize(
    "probs", [(0.5, 0.5), (0.5, 0.5, 0.5), (1.5, -0.5, 0.0), (math.nan, 0.5, 0.5), (math.inf, 0.0, 0.0), (), None]
)
def test_what_is_no_distribution_is_an_error_row(probs):
    row = decode(GIVEN, Answer(GIVEN.key, "valid", probs=probs))
    assert (row["status"], row["reason"], row["probs"]) == ("error", "bad_probabilities", None)


def test_other_outcomes_keep_status_reason_and_text():
    row = decode(
        GIVEN, Answer(GIVEN.key, "refusal", reason="declined", text="I would rather not.", label_mass=math.nan)
    )
    assert (row["status"], row["reason"], row["text"], row["probs"]) == (
        "refusal",
        "declined",
        "I would rather not.",
        None,
    )
    assert row["label_mass"] is None


def written(cell, text, **more):
    row = decode(cell, Answer(cell.key, "valid", text=text, **more))
    return row["status"], row["reason"], row["code"]


def in_mode(mode, order="given"):
    return next(cell for cell in cells_of(plan(order=order, mode=mode)) if cell.item.id == "trust")


def test_a_choice_is_the_code_behind_its_label():
    assert written(in_mode("choice"), "A") == ("valid", None, 1)
    assert written(in_mode("choice", "reversed"), "A") == ("valid", None, 3)
    assert written(in_mode("choice"), "A.") == ("invalid", "invalid_key", None)
    assert written(in_mode("choice"), None) == ("invalid", "invalid_key", None)


def test_a_text_is_the_code_that_it_names():
    assert written(in_mode("text"), "B. some") == ("valid", None, 2)
    assert written(in_mode("text", "reversed"), "C") == ("valid", None, 1)
    assert written(in_mode("text"), "B. much") == ("invalid", "key_text_mismatch", None)
    assert written(in_mode("text"), "I don't know.") == ("dont_know", None, None)
    assert written(in_mode("text"), "Well, that dep", truncated=True) == ("invalid", "truncated", None)


def test_a_stated_distribution_comes_in_the_order_of_the_item():
    cell = in_mode("verbalized", "reversed")
    row = decode(cell, Answer(cell.key, "valid", text="A: 10%\nB: 20%\nC: 70%"))
    assert row["probs"] == pytest.approx([0.7, 0.2, 0.1])
    assert (row["draw"], row["code"], row["persona_id"]) == (-1, None, None)
    row = decode(cell, Answer(cell.key, "valid", text="mostly A"))
    assert (row["status"], row["probs"]) == ("invalid", None)
