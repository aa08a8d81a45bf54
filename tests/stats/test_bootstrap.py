"""The bootstrap of a frame."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from demoscope.errors import ConfigError
from demoscope.stats import bootstrap_polychoric, polychoric


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    random = np.random.default_rng(8)
    latent = random.normal(size=(250, 1)) * 0.7 + random.normal(size=(250, 3)) * 0.7
    codes = np.digitize(latent, [-0.7, 0.2, 0.9]) + 1
    columns = {name: codes[:, i].tolist() for i, name in enumerate("abc")}
    columns["b"][::9] = [None] * len(columns["b"][::9])
    return pl.DataFrame({**columns, "constant": [2] * 250, "w": random.uniform(0.5, 1.5, 250)})


def test_replicates_are_the_same_for_any_number(frame: pl.DataFrame) -> None:
    few = bootstrap_polychoric(frame, weights="w", replicates=100, seed=6, threads=1)
    many = bootstrap_polychoric(frame, weights="w", replicates=1000, seed=6, threads=4)
    assert np.array_equal(few.replicates, many.replicates[:100], equal_nan=True)
    assert few.estimate.equals(many.estimate, null_equal=True)
    assert many.estimate.equals(polychoric(frame, weights="w", threads=2), null_equal=True)
    other = bootstrap_polychoric(frame, weights="w", replicates=100, seed=7)
    assert not np.array_equal(few.replicates, other.replicates, equal_nan=True)


def test_estimate_statuses_and_interval(frame: pl.DataFrame) -> None:
    result = bootstrap_polychoric(frame, items=["a", "b", "c", "constant"], replicates=300, seed=1)
    assert result.estimate.equals(polychoric(frame, items=["a", "b", "c", "constant"]))
    assert result.replicates.shape == (300, 6)
    statuses = ["ok", "boundary", "degenerate", "not_converged"]
    assert result.statuses.columns == ["item_a", "item_b", *statuses, "zero_corrected", "clipped", "few"]
    assert (
        result.statuses.select(pl.sum_horizontal("ok", "boundary", "degenerate", "not_converged")).to_series().to_list()
        == [300] * 6
    )
    interval = result.interval(0.9)
    assert interval.columns == ["item_a", "item_b", "rho", "low", "high", "replicates"]
    for row in interval.iter_rows(named=True):
        if "constant" in (row["item_a"], row["item_b"]):
            assert math.isnan(row["rho"])
            assert math.isnan(row["low"])
            assert row["replicates"] == 0
        else:
            assert row["low"] < row["rho"] < row["high"]
            assert row["replicates"] == 300
    wide = result.interval(0.99)
    assert (wide["low"] < interval["low"]).head(2).all()


def test_interval_is_the_percentile_of_the_replicates(frame: pl.DataFrame) -> None:
    result = bootstrap_polychoric(frame, items=["a", "c"], replicates=200, seed=2)
    (row,) = result.interval().iter_rows(named=True)
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.quantile(result.replicates[:, 0], [0.025, 0.975])))


def test_boundary_replicates_are_counted() -> None:
    frame = pl.DataFrame({"a": [0, 0, 0, 1, 1, 1, 1, 1], "b": [0, 0, 0, 1, 1, 1, 1, 0]})
    result = bootstrap_polychoric(frame, replicates=400, seed=5, zero_cells="none")
    counts = result.statuses.row(0, named=True)
    assert counts["boundary"] == (np.abs(result.replicates) == 1).sum() > 50
    assert counts["degenerate"] == np.isnan(result.replicates).sum()


def test_settings_out_of_range(frame: pl.DataFrame) -> None:
    for settings, message in [
        ({"replicates": 0}, "replicates"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"threads": 0}, "threads"),
        ({"design": "cluster"}, "unknown design 'cluster'; known: respondent, psu, poisson, bayes, jackknife"),
        ({"strata": "c"}, "'respondent' draws respondents and knows no strata; strata= needs design='psu'"),
        ({"design": "bayes", "psu": "c"}, "'bayes' draws respondents and knows no psu"),
        ({"design": "jackknife", "replicates": 100}, "leave replicates= out"),
        ({"design": "jackknife", "jackknife_groups": 1}, "jackknife_groups must be at least 2, got 1"),
        ({"design": "psu", "jackknife_groups": 5}, "jackknife_groups belongs to design='jackknife', not to 'psu'"),
    ]:
        with pytest.raises(ConfigError, match=message):
            bootstrap_polychoric(frame, items=["a", "b"], **settings)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="level"):
        bootstrap_polychoric(frame, items=["a", "b"], replicates=3).interval(95)
