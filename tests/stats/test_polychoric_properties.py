"""Laws that hold for every frame and every table."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from demoscope.errors import DataError
from demoscope.stats import bootstrap_polychoric, polychoric, polychoric_table
from demoscope.stats.kernels import STATUS_NAMES, respondent_multiplicities

SAME = 1e-8
ENOUGH = 10
"""Fewer complete answers than this can make a likelihood with two equal maxima; either is then as good an estimate."""
POLICIES = st.sampled_from(["keep_margins", "add_half", "add_half_all", "one_over_n", "none"])

codes = st.one_of(st.none(), st.integers(-2, 4))


@st.composite
def frames(draw: st.DrawFn, answers: st.SearchStrategy[Any] = codes, least: int = 1) -> pl.DataFrame:
    """Two to four items, one to forty respondents, many missing answers, weights with zeros."""
    rows = draw(st.integers(least, 40))
    items = draw(st.integers(2, 4))
    columns: dict[str, Any] = {f"q{i}": draw(st.lists(answers, min_size=rows, max_size=rows)) for i in range(items)}
    columns["w"] = draw(st.lists(st.one_of(st.just(0.0), st.floats(0.01, 50)), min_size=rows, max_size=rows))
    return pl.DataFrame(columns, schema_overrides={f"q{i}": pl.Int64 for i in range(items)}, strict=False)


def same(found: list[float], expected: list[float], tolerance: float = SAME) -> bool:
    return np.allclose(found, expected, rtol=0, atol=tolerance, equal_nan=True)


@given(frames(), POLICIES, st.sampled_from(["item", "pair"]), st.booleans())
def test_every_pair_has_an_honest_status(frame: pl.DataFrame, policy: Any, thresholds: Any, weighted: bool) -> None:
    items = [c for c in frame.columns if c != "w"]
    found = polychoric(frame, items=items, weights="w" if weighted else None, zero_cells=policy, thresholds=thresholds)
    assert len(found) == math.comb(len(items), 2)
    for row in found.iter_rows(named=True):
        assert row["status"] in STATUS_NAMES
        assert row["status"] != "excluded"
        assert row["status"] != "not_converged" or row["n"] < ENOUGH
        if row["status"] == "ok":
            assert -1 < row["rho"] < 1
            assert "clipped" in row["flags"] or row["se"] >= 0
        elif row["status"] == "boundary":
            assert abs(row["rho"]) == 1
            assert math.isnan(row["se"])
        else:
            assert math.isnan(row["rho"])
            assert math.isnan(row["se"])
        assert ("few" in row["flags"]) == (row["n"] < 50)
        assert 0 <= row["n_eff"] <= row["n"] + 1e-9


ANYTHING = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=2),
    st.booleans(),
    st.lists(st.integers(), max_size=1),
)


@given(
    st.lists(st.sampled_from(["a", "b", "c", "w"]), min_size=1, max_size=4, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: st.lists(ANYTHING, min_size=3, max_size=3) for name in names})
    ),
    st.one_of(st.none(), st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=3)),
    st.sampled_from([None, "w", "a"]),
    st.sampled_from([None, "c", ["a", "b"]]),
)
def test_no_frame_ends_in_anything_but_a_typed_error(
    columns: dict[str, Any], items: Any, weights: Any, by: Any
) -> None:
    try:
        frame = pl.DataFrame({name: pl.Series(name, values, strict=False) for name, values in columns.items()})
    except (TypeError, pl.exceptions.PolarsError):
        assume(False)
    try:
        found = polychoric(frame, items=items, weights=weights, by=by)
    except DataError:
        return
    assert set(found["status"]) <= set(STATUS_NAMES)


@given(st.lists(st.lists(st.floats(allow_nan=True), min_size=1, max_size=4), min_size=1, max_size=4), POLICIES)
def test_no_table_ends_in_anything_but_a_typed_error(table: list[list[float]], policy: Any) -> None:
    try:
        fit = polychoric_table(table, zero_cells=policy)
    except DataError:
        return
    assert fit.status in STATUS_NAMES
    assert fit.status in ("ok", "boundary") or math.isnan(fit.rho)


@given(frames(), POLICIES)
def test_order_of_items_and_rows_is_irrelevant(frame: pl.DataFrame, policy: Any) -> None:
    items = [c for c in frame.columns if c != "w"]
    found = polychoric(frame, items=items, weights="w", zero_cells=policy)
    turned = polychoric(frame.reverse(), items=items[::-1], weights="w", zero_cells=policy)
    pairs = {frozenset((row["item_a"], row["item_b"])): row for row in turned.iter_rows(named=True)}
    for row in found.iter_rows(named=True):
        other = pairs[frozenset((row["item_a"], row["item_b"]))]
        if row["n"] >= ENOUGH:
            assert row["status"] == other["status"]
            assert same([row["rho"]], [other["rho"]], 1e-6)


@given(frames(st.one_of(st.none(), st.integers(0, 3)), least=25))
def test_reversed_categories_flip_the_sign(frame: pl.DataFrame) -> None:
    items = [c for c in frame.columns if c != "w"]
    found = polychoric(frame, items=items).filter(pl.col("n") >= ENOUGH)
    flipped = polychoric(frame.with_columns(q0=3 - pl.col("q0")), items=items).filter(pl.col("n") >= ENOUGH)
    sign = np.where(found["item_a"] == "q0", -1.0, 1.0)
    assert found["status"].to_list() == flipped["status"].to_list()
    assert same(flipped["rho"].to_list(), (sign * found["rho"].to_numpy()).tolist())
    assert same(flipped["se"].to_list(), found["se"].to_list(), 1e-6)


@given(frames(least=10), st.floats(0.01, 100))
def test_scale_of_the_weights_is_irrelevant(frame: pl.DataFrame, scale: float) -> None:
    found = polychoric(frame, weights="w").filter(pl.col("n") >= ENOUGH)
    scaled = polychoric(frame.with_columns(pl.col("w") * scale), weights="w").filter(pl.col("n") >= ENOUGH)
    assert found["status"].to_list() == scaled["status"].to_list()
    assert same(scaled["rho"].to_list(), found["rho"].to_list(), 1e-6)
    assert same(scaled["n_eff"].to_list(), found["n_eff"].to_list(), 1e-6)


@given(frames(least=10), st.integers(-9, 9), POLICIES)
def test_an_unused_category_changes_nothing(frame: pl.DataFrame, extra: int, policy: Any) -> None:
    items = [c for c in frame.columns if c != "w"]
    found = polychoric(frame, items=items, zero_cells=policy)
    used = sorted({*frame["q0"].drop_nulls().to_list(), extra})
    wider = polychoric(frame, items=items, zero_cells=policy, categories={"q0": used})
    assert wider.drop("rho", "se", "iterations").equals(found.drop("rho", "se", "iterations"))
    assert same(wider["rho"].to_list(), found["rho"].to_list())
    assert same(wider["se"].to_list(), found["se"].to_list(), 1e-6)


@given(frames(least=10))
def test_an_unanswered_item_changes_nothing_else(frame: pl.DataFrame) -> None:
    items = [c for c in frame.columns if c != "w"]
    more = frame.with_columns(silent=pl.lit(None, pl.Int64))
    found = polychoric(more, items=[*items, "silent"]).filter(pl.col("item_b") != "silent")
    assert found.equals(polychoric(frame, items=items))


@settings(max_examples=30)
@given(frames(least=3), st.integers(0, 2**64 - 1))
def test_replicates_are_estimates_of_resampled_frames(frame: pl.DataFrame, seed: int) -> None:
    items = [c for c in frame.columns if c != "w"]
    result = bootstrap_polychoric(frame, items=items, replicates=3, seed=seed)
    copies = respondent_multiplicities(frame.height, replicates=3, seed=seed, country="")
    resampled = frame[np.repeat(np.arange(frame.height), copies[2])]
    expected = polychoric(resampled, items=items)
    # Two searches may end in different maxima of a likelihood of a handful of respondents; where both are boundary
    # tables # or have no estimate they must agree.
    undefined = expected["status"] != "ok"
    assert same(result.replicates[2][undefined.to_numpy()].tolist(), expected.filter(undefined)["rho"].to_list())
    assert (np.isfinite(result.replicates[2]) == expected["status"].is_in(["ok", "boundary"]).to_numpy()).all()


def test_mass_moved_to_the_diagonal_raises_rho() -> None:
    table = np.array([[20.0, 12, 6], [11, 18, 10], [5, 9, 22]])
    rho = []
    for moved in range(6):
        shift = np.zeros((3, 3))
        shift[:2, :2] = moved * np.array([[1, -1], [-1, 1]])
        rho.append(polychoric_table(table + shift).rho)
    assert rho == sorted(rho)
    assert polychoric_table(np.outer([3, 5, 2], [4, 1, 7])).rho == pytest.approx(0, abs=1e-12)
