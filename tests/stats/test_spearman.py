"""Spearman correlations against scipy, a slow twin, R, and their own derivatives."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from demoscope import pearson, spearman
from tests.reference.spearman import slow_spearman
from tests.stats.derivative import derivative_se


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    random = np.random.default_rng(41)
    latent = random.normal(size=(200, 1)) + random.normal(size=(200, 2))
    table = pl.DataFrame(
        {"a": np.digitize(latent[:, 0], [-1, 0.3, 2]), "b": np.digitize(-latent[:, 1], [-2, -0.5, 0, 1])}
    )
    gone = pl.Series(random.random(200) < 0.1)
    return table.with_columns(pl.when(~gone).then(pl.col("a")), w=pl.Series(random.uniform(0.2, 3.0, 200)))


def test_equals_scipy_and_the_slow_twin(frame: pl.DataFrame) -> None:
    complete = frame.drop_nulls()
    a, b, w = (complete[name].to_list() for name in ("a", "b", "w"))
    assert spearman(frame, items=["a", "b"])["value"][0] == pytest.approx(stats.spearmanr(a, b)[0], abs=1e-14)
    (row,) = spearman(frame, weights="w").iter_rows(named=True)
    assert row["value"] == pytest.approx(slow_spearman(a, b, w), abs=1e-14)
    assert (row["n"], row["status"], row["flags"]) == (len(a), "ok", [])


def test_equals_r() -> None:
    """cor(y, v, method = "spearman") of R 4.2 for two items that anyone can make again."""
    i = np.arange(200)
    x, u = i * 37 % 101 / 10, i * 53 % 97 / 9.7
    total = x + u
    frame = pl.DataFrame({"y": np.digitize(total, [6, 11, 14], right=True), "v": np.digitize(u, [2, 5], right=True)})
    assert spearman(frame)["value"][0] == pytest.approx(0.623779631989, abs=1e-12)


def test_a_weight_is_a_number_of_respondents(frame: pl.DataFrame) -> None:
    whole = frame.drop_nulls().with_columns(w=pl.Series(np.arange(frame.drop_nulls().height) % 4))
    copies = whole.select(pl.col("a", "b").repeat_by("w")).explode("a", "b").drop_nulls()
    assert spearman(whole, weights="w")["value"][0] == pytest.approx(spearman(copies)["value"][0], abs=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
def test_standard_errors_are_derivatives(frame: pl.DataFrame, weighted: bool) -> None:
    complete = frame.drop_nulls()
    a, b = complete["a"].to_list(), complete["b"].to_list()
    weights = complete["w"].to_numpy() if weighted else np.ones(len(a))
    found = spearman(complete.with_columns(w=pl.Series(weights)), weights="w")["se"][0]
    assert found == pytest.approx(derivative_se(lambda w: slow_spearman(a, b, w.tolist()), weights), rel=1e-5)


def test_ranks_of_two_categories_are_scores() -> None:
    codes = pl.DataFrame({"a": [0, 0, 0, 1, 1, 1, 1, 0], "b": [5, 5, 9, 9, 9, 5, 9, 5]})
    ranks, scores = spearman(codes), pearson(codes)
    assert ranks["value"][0] == pytest.approx(scores["value"][0], abs=1e-15)
    assert ranks["se"][0] == pytest.approx(scores["se"][0], rel=1e-12)
