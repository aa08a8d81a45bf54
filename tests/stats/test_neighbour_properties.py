"""Laws of the neighbours of the polychoric correlation, for every frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demoscope import cramer_v, pearson, polychoric_fit, polyserial, spearman
from demoscope.errors import ConfigError, DataError
from demoscope.stats.kernels import STATUS_NAMES

Measure = Callable[..., pl.DataFrame]


def serial(frame: pl.DataFrame, **arguments: Any) -> pl.DataFrame:
    """The first item as the number that goes with all others."""
    items = arguments.pop("items", [c for c in frame.columns if c not in ("w", arguments.get("by"))])
    return polyserial(frame, continuous=items[0], items=items[1:], **arguments)


MEASURES: list[Measure] = [pearson, spearman, cramer_v, serial, polychoric_fit]
SIGNED: list[Measure] = [pearson, spearman, serial]
every_measure = pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.__name__)
every_signed = pytest.mark.parametrize("measure", SIGNED, ids=lambda measure: measure.__name__)

ANY_WEIGHT = st.one_of(st.just(0.0), st.floats(0.01, 50), st.sampled_from([5e-324, 1e-300, 1e300, 1e306]))


@st.composite
def frames(
    draw: st.DrawFn, most: int = 4, least: int = 1, weight: st.SearchStrategy[float] = ANY_WEIGHT
) -> pl.DataFrame:
    """Two to four items with few or many categories, constant and unanswered ones among them, and any weights."""
    rows = draw(st.integers(least, 40))
    items = draw(st.integers(2, 4))
    columns: dict[str, Any] = {}
    for item in range(items):
        width = draw(st.sampled_from([1, 2, most]))
        codes = st.one_of(st.none(), st.integers(0, width - 1)) if draw(st.integers(0, 9)) else st.none()
        columns[f"q{item}"] = draw(st.lists(codes, min_size=rows, max_size=rows))
    columns["w"] = draw(st.lists(weight, min_size=rows, max_size=rows))
    return pl.DataFrame(columns, schema_overrides={f"q{item}": pl.Int64 for item in range(items)}, strict=False)


def check(row: dict[str, Any]) -> None:
    """What every row promises."""
    assert row["status"] in STATUS_NAMES
    assert 0 <= row["n_eff"] <= row["n"] * (1 + 1e-12)
    assert ("few" in row["flags"]) == (row["n"] < 50)
    if "g2" in row:
        assert row["df"] >= 0
        assert (row["status"] == "ok") == (not math.isnan(row["g2"])) == (not math.isnan(row["x2"]))
        assert math.isnan(row["rmsea"]) == (row["df"] == 0 or row["status"] != "ok" or row["n"] < 2)
        assert not any(row[column] < 0 for column in ("g2", "x2", "rmsea"))
        return
    assert math.isnan(row["value"]) == (row["status"] not in ("ok", "boundary"))
    assert not abs(row["value"]) > 1
    assert not row.get("se", 0) < 0
    if row["status"] == "boundary":
        assert abs(row["value"]) == 1


@every_measure
@given(frames(), st.booleans())
def test_every_pair_has_an_honest_status(measure: Measure, frame: pl.DataFrame, weighted: bool) -> None:
    used = frame if weighted else frame.drop("w")
    for row in measure(used, weights="w" if weighted else None).iter_rows(named=True):
        check(row)
        complete = frame.select(row["item_a"], row["item_b"], "w").drop_nulls()
        complete = complete.filter(pl.col("w") > 0) if weighted else complete
        assert row["n"] == complete.height
        if complete[:, 0].n_unique() < 2 or complete[:, 1].n_unique() < 2:
            assert row["status"] == "degenerate"


@every_measure
@given(frames(most=250))
def test_many_categories(measure: Measure, frame: pl.DataFrame) -> None:
    items = [c for c in frame.columns if c != "w"]
    arguments = {} if measure is serial else {"categories": {name: range(250) for name in items}}
    for row in measure(frame, items=items, weights="w", **arguments).iter_rows(named=True):
        check(row)


@every_measure
@given(frames(least=10, weight=st.floats(0.01, 50)), st.sampled_from([2.0**-900, 2.0**900, 1e-300, 1e300]))
def test_scale_of_the_weights_is_irrelevant(measure: Measure, frame: pl.DataFrame, scale: float) -> None:
    """A power of two changes no bit."""
    found = measure(frame, weights="w")
    scaled = measure(frame.with_columns(pl.col("w") * scale), weights="w")
    if math.frexp(scale)[0] == 0.5:
        assert scaled.equals(found, null_equal=True)
    for column in ("value", "se", "g2"):
        if column in found.columns:
            a, b = (t.filter(t["n"] >= 10)[column].to_numpy() for t in (found, scaled))
            assert np.allclose(a, b, rtol=1e-6, atol=1e-7, equal_nan=True)


@every_measure
@given(frames(least=10), st.integers(4, 9))
def test_unused_categories_and_silent_items_change_nothing(measure: Measure, frame: pl.DataFrame, extra: int) -> None:
    items = [c for c in frame.columns if c != "w"]
    found = measure(frame, items=items)
    wider = measure(
        frame.with_columns(silent=pl.lit(None, pl.Int64)),
        items=[*items, "silent"],
        categories={name: [*range(4), extra] for name in items[1:]},
    )
    assert set(wider.filter(pl.col("item_b") == "silent")["status"]) == {"degenerate"}
    rest = wider.filter(pl.col("item_b") != "silent")
    assert rest.select("item_a", "item_b", "n", "status").equals(found.select("item_a", "item_b", "n", "status"))
    for column in ("value", "se", "g2", "x2", "df"):
        if column in found.columns:
            assert np.allclose(found[column], rest[column], rtol=1e-7, atol=1e-9, equal_nan=True)


@every_signed
@given(frames(least=10, weight=st.floats(0.1, 10)))
def test_reversed_categories_flip_the_sign(measure: Measure, frame: pl.DataFrame) -> None:
    found, turned = measure(frame, weights="w"), measure(frame.with_columns(q0=3 - pl.col("q0")), weights="w")
    sign = np.where(found["item_a"] == "q0", -1.0, 1.0)
    assert turned["status"].to_list() == found["status"].to_list()
    enough = found["n"].to_numpy() >= 10
    for column, factor in (("value", sign), ("se", 1.0)):
        expected = factor * found[column].to_numpy()
        assert np.allclose(turned[column].to_numpy()[enough], expected[enough], rtol=1e-6, atol=1e-8, equal_nan=True)


@every_measure
def test_few_respondents(measure: Measure) -> None:
    for rows in ([[1, 1]], [[1, 2], [2, 1]], [[1, 1], [2, 2], [3, 1]]):
        frame = pl.DataFrame(rows, schema=["a", "b"], orient="row")
        for weights in (None, "w"):
            (row,) = measure(frame.with_columns(w=0.5) if weights else frame, weights=weights).iter_rows(named=True)
            check(row)
            assert row["n"] == len(rows)
            if len(rows) == 1:
                assert row["status"] == "degenerate"


@every_measure
def test_everything_missing_is_degenerate(measure: Measure) -> None:
    frame = pl.DataFrame({"a": [1, None], "b": [None, 1]})
    (row,) = measure(frame).iter_rows(named=True)
    assert (row["status"], row["n"], row["n_eff"]) == ("degenerate", 0, 0)
    (row,) = measure(pl.DataFrame({"a": [1, 2, 1], "b": [1, 2, 2], "w": [0.0] * 3}), weights="w").iter_rows(named=True)
    assert (row["status"], row["n"], row["n_eff"]) == ("degenerate", 0, 0)


@every_measure
def test_bits_do_not_depend_on_threads(measure: Measure) -> None:
    random = np.random.default_rng(81)
    latent = random.normal(size=(500, 1)) + random.normal(size=(500, 9))
    codes = np.digitize(latent, [-1.5, -0.5, 0.4, 1.2])
    frame = pl.DataFrame(codes, schema=[f"q{i}" for i in range(9)]).with_columns(w=random.uniform(0.2, 3, 500))
    base = measure(frame, weights="w", threads=1)
    for threads in (2, 3, 8):
        assert measure(frame, weights="w", threads=threads).equals(base)
    with pytest.raises(ConfigError, match="threads"):
        measure(frame, threads=0)


@every_measure
def test_bad_frames_are_typed_errors(measure: Measure) -> None:
    frame = pl.DataFrame({"a": [1, 2, 3], "b": [3, 1, 2], "w": [1.0, -1.0, 1.0]})
    for table, arguments, message in [
        (frame, {"weights": "w"}, "weights column 'w', row 2: -1.0 is not"),
        (frame, {"items": ["a", "q"]}, "column 'q' is not in the frame"),
        (frame, {"items": ["a", "a"]}, "column 'a' is named twice"),
        (frame.head(0), {}, "the frame has no rows"),
        (frame.with_columns(b=pl.Series(["x", "y", "z"])), {}, "column 'b' holds String"),
        (frame, {"categories": {"q": [1]}}, "categories are declared for 'q'"),
    ]:
        with pytest.raises(DataError, match=message):
            measure(table, **arguments)
