"""Frames of every kind, and everything that can be wrong with them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from demoscope.errors import DataError
from demoscope.stats import polychoric


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    random = np.random.default_rng(1)
    latent = random.normal(size=(200, 1)) + random.normal(size=(200, 3))
    codes = np.digitize(latent, [-1.5, 0.0, 1.5]) - 2
    columns = {name: codes[:, i].tolist() for i, name in enumerate(["trust", "pride", "fear"])}
    columns["trust"][5] = None
    return pl.DataFrame({**columns, "w": random.uniform(0.5, 1.5, 200), "state": ["Ohio", "Texas"] * 100})


ITEMS = ["trust", "pride", "fear"]
SCHEMA = ["item_a", "item_b", "rho", "se", "n", "n_eff", "iterations", "status", "flags"]


def test_columns_of_the_result(frame: pl.DataFrame) -> None:
    found = polychoric(frame, items=ITEMS)
    assert found.columns == SCHEMA
    assert found.schema["flags"] == pl.List(pl.String)
    assert found.select("item_a", "item_b").rows() == [("trust", "pride"), ("trust", "fear"), ("pride", "fear")]
    assert found["n"].to_list() == [199, 199, 200]
    assert found["n_eff"].to_list() == [199.0, 199.0, 200.0]
    assert set(found["status"]) == {"ok"}
    assert ((found["rho"] > 0.2) & (found["rho"] < 0.8)).all()


def test_every_kind_of_frame_gives_the_same(frame: pl.DataFrame) -> None:
    expected = polychoric(frame, items=ITEMS, weights="w")
    labels = [str(code) for code in range(-2, 2)]
    enums = frame.with_columns(pl.col(ITEMS).cast(pl.String).cast(pl.Enum(labels)))
    floats = frame.with_columns(pl.col(ITEMS).cast(pl.Float64))
    for other in (
        frame.lazy(),
        frame.to_pandas(),
        frame.to_arrow(),
        enums,
        floats,
        frame.with_columns(pl.col("w").cast(pl.Float32).cast(pl.Float64)),
    ):
        found = polychoric(other, items=ITEMS, weights="w")
        assert found.drop("rho", "se", "n_eff").equals(expected.drop("rho", "se", "n_eff"))
        assert found["rho"].to_list() == pytest.approx(expected["rho"].to_list(), abs=1e-6)
    assert polychoric(frame.drop("state"), weights="w").equals(expected)


def test_groups_equal_their_frames(frame: pl.DataFrame) -> None:
    found = polychoric(frame, weights="w", by="state")
    assert found.columns == ["state", *SCHEMA]
    assert found["state"].to_list() == ["Ohio"] * 3 + ["Texas"] * 3
    for state in ("Ohio", "Texas"):
        part = polychoric(frame.filter(pl.col("state") == state), items=ITEMS, weights="w")
        assert found.filter(pl.col("state") == state).drop("state").equals(part)


def test_declared_categories_set_the_order(frame: pl.DataFrame) -> None:
    expected = polychoric(frame, items=["pride", "fear"])
    reversed_ = polychoric(frame, items=["pride", "fear"], categories={"pride": [1, 0, -1, -2]})
    assert reversed_["rho"][0] == pytest.approx(-expected["rho"][0], abs=1e-12)
    wider = polychoric(
        frame, items=["pride", "fear"], categories={"pride": [-3, -2, -1, 0, 1, 7], "trust": [-2, -1, 0, 1]}
    )
    assert wider["rho"][0] == pytest.approx(expected["rho"][0], abs=1e-12)
    assert wider["se"][0] == pytest.approx(expected["se"][0], rel=1e-12)


def test_constant_and_unanswered_items_are_statuses(frame: pl.DataFrame) -> None:
    odd = frame.with_columns(constant=pl.lit(3), silent=pl.lit(None, pl.Int64), nothing=pl.lit(None))
    found = polychoric(odd, items=["trust", "constant", "silent", "nothing", "pride"])
    for row in found.iter_rows(named=True):
        if {row["item_a"], row["item_b"]} == {"trust", "pride"}:
            assert row["status"] == "ok"
        else:
            assert row["status"] == "degenerate"
            assert math.isnan(row["rho"])
            assert math.isnan(row["se"])
        if {"silent", "nothing"} & {row["item_a"], row["item_b"]}:
            assert (row["n"], row["n_eff"], row["flags"]) == (0, 0.0, ["few"])
    expected = polychoric(frame, items=["trust", "pride"])
    assert found.filter(pl.col("status") == "ok").equals(expected)


def test_respondents_without_weight_do_not_count(frame: pl.DataFrame) -> None:
    weightless = frame.with_columns(w=pl.when(pl.col("state") == "Ohio").then(0.0).otherwise(pl.col("w")))
    found = polychoric(weightless, items=ITEMS, weights="w")
    kept = polychoric(frame.filter(pl.col("state") == "Texas"), items=ITEMS, weights="w")
    assert found["n"].to_list() == kept["n"].to_list()
    assert found["rho"].to_list() == pytest.approx(kept["rho"].to_list(), abs=1e-10)
    assert found["se"].to_list() == pytest.approx(kept["se"].to_list(), rel=1e-9)
    nobody = polychoric(frame.with_columns(w=pl.lit(0.0)), items=ITEMS, weights="w")
    assert set(nobody["status"]) == {"degenerate"}


def test_pandas_codes_beside_nan_are_missing() -> None:
    table = pd.DataFrame({"a": [1.0, 2.0, np.nan, 1.0, 2.0], "b": [1, 2, 2, 2, 1]})
    assert polychoric(table)["n"][0] == 4


BROKEN: list[tuple[Any, dict[str, Any], str]] = [
    ({"a": [1, 2], "b": [1.0, 2.5]}, {}, r"column 'b', row 2: 2.5 is not an integer code"),
    ({"a": [1, 2], "b": [1.0, math.nan]}, {}, r"column 'b', row 2: nan is not an integer code"),
    ({"a": [1, 2], "b": [None, 1e300]}, {}, r"column 'b', row 2: 1e\+?300 is not an integer code"),
    ({"a": [1, 2], "b": ["x", "y"]}, {}, r"column 'b' holds String"),
    ({"a": [1, 2], "b": [[1], [2]]}, {}, r"column 'b' holds List"),
    ({"a": [1, 2], "b": [1, 9]}, {"categories": {"b": [1, 2]}}, r"column 'b', row 2: code 9 is not declared"),
    ({"a": [1, 2], "b": [None, 9]}, {"categories": {"b": []}}, r"column 'b', row 2: code 9 is not declared"),
    ({"a": [1, 2], "b": [1, 2]}, {"categories": {"b": [1, 2, 1]}}, r"categories of 'b' name a code twice"),
    ({"a": [1, 2], "b": [1, 2]}, {"categories": {"b": ["1", "2"]}}, r"categories of 'b': '1' is not an integer code"),
    ({"a": [1, 2], "b": [1, 2]}, {"categories": {"c": [1, 2]}}, r"categories are declared for 'c'"),
    ({"a": list(range(251)), "b": [1] * 251}, {}, r"column 'a' has 251 categories, at most 250"),
    ({"a": [1, 2], "b": [1, 2]}, {"categories": {"b": list(range(251))}}, r"column 'b' has 251 categories"),
    (
        {"trust": [1, 2], "b": [1, 2]},
        {"items": ["thrust", "b"]},
        r"'thrust' is not in the frame; did you mean 'trust'\?",
    ),
    ({"a": [1, 2], "b": [1, 2]}, {"items": ["a", "a"]}, r"column 'a' is named twice"),
    ({"a": [1, 2], "b": [1, 2]}, {"items": ["a"]}, r"at least 2 items"),
    ({"a": [1, 2], "b": [1, 2]}, {"items": "a"}, r"at least 2 items"),
    ({"a": [1, 2], "b": [1, 2]}, {"items": ["a", 3]}, r"items must be column names, got 3"),
    ({"a": [1, 2], "b": [1, 2]}, {"weights": "b"}, r"at least 2 items"),
    ({"a": [1, 2], "b": [1, 2]}, {"weights": "w"}, r"'w' is not in the frame"),
    ({"a": [1, 2], "b": [1, 2], "w": [1.0, -1.0]}, {"weights": "w"}, r"weights column 'w', row 2: -1.0"),
    ({"a": [1, 2], "b": [1, 2], "w": [math.nan, 1.0]}, {"weights": "w"}, r"weights column 'w', row 1: nan"),
    ({"a": [1, 2], "b": [1, 2], "w": [math.inf, 1.0]}, {"weights": "w"}, r"weights column 'w', row 1: inf"),
    ({"a": [1, 2], "b": [1, 2], "w": [None, 1.0]}, {"weights": "w"}, r"weights column 'w', row 1: None"),
    ({"a": [1, 2], "b": [1, 2], "w": ["1", "2"]}, {"weights": "w"}, r"weights column 'w' holds String"),
    ({"a": [1, 2], "b": [1, 2]}, {"by": "c"}, r"'c' is not in the frame"),
    ({"a": [], "b": []}, {}, r"no rows"),
]


@pytest.mark.parametrize(("columns", "settings", "message"), BROKEN)
def test_broken_frames(columns: dict[str, list[Any]], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        polychoric(pl.DataFrame(columns), **settings)


def test_things_that_are_no_frame() -> None:
    for thing in ({"a": [1]}, [[1, 2]], None, np.eye(3)):
        with pytest.raises(DataError, match="expected a Polars, pandas or pyarrow frame"):
            polychoric(thing)  # type: ignore[arg-type]
    twice = pd.DataFrame([[1, 2], [2, 1]], columns=["a", "a"])
    with pytest.raises(DataError, match="column 'a' occurs twice"):
        polychoric(twice)
    enums = pl.DataFrame({"a": ["x", "y"], "b": [1, 2]}, schema_overrides={"a": pl.Enum(["x", "y"])})
    with pytest.raises(DataError, match="'a' is an Enum"):
        polychoric(enums, categories={"a": [0, 1]})


def test_two_equal_maxima_are_no_estimate() -> None:
    """Mirrored answers inside of wide margins: a minimum of the likelihood at 0, the same maximum on either side."""
    frame = pl.DataFrame(
        {"a": [None] * 6 + [2, -2, 1, 0, -1, None], "b": [0, 1, -1, 2, None, None, None, None, 1, None, 0, 2]}
    )
    (row,) = polychoric(frame).iter_rows(named=True)
    assert (row["status"], row["flags"]) == ("not_converged", ["zero_corrected", "few"])
    assert math.isnan(row["rho"])


def test_values_that_cannot_name_groups() -> None:
    frame = pl.DataFrame({"a": [1, 2], "b": [1, 2], "g": [[1], [2]], "o": pl.Series([{1}, {2}], dtype=pl.Object)})
    for key in ("g", "o"):
        with pytest.raises(DataError, match=f"by column '{key}' holds"):
            polychoric(frame, items=["a", "b"], by=key)
