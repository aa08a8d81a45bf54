"""Replicate weights of designs against slow twins that share no code with the core."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from demoscope import _native
from demoscope.errors import DataError
from demoscope.stats.designs import BATCH_VALUES, DesignColumns, SamplingUnits, replicate_weights
from tests.reference import designs, streams

STRATUM = [2, 1, 1, 2, 2, 1, 3, 3, 1, 2, 3, 3]
PSU = [7, 1, 2, 7, 5, 2, 1, 4, 9, 6, 4, 2]

GOLDEN_POISSON = [[0, 1, 0, 1, 0, 2, 1, 1], [1, 3, 0, 1, 0, 0, 0, 2]]
GOLDEN_BAYES = [2.775363642950481, 0.19643702039075148, 0.5090860305171918]
GOLDEN_RAO_WU = [[0, 1, 1, 0, 0, 1, 1, 0, 0, 2, 0, 1], [0, 0, 1, 0, 2, 1, 1, 0, 1, 0, 0, 1]]
"""Draws of the units of every row."""
GROUPS = [1, 1, 0, 0, 0, 2, 3, 2]


def units_of(stratum: list[int], psu: list[int]) -> SamplingUnits:
    columns = DesignColumns(stratum=np.array(stratum), psu=np.array(psu), names=list(range(max(stratum) + 1)))
    return columns.units(np.arange(len(stratum)))


def factors(design: Any, rows: int, count: int = 4, **settings: Any) -> np.ndarray:
    return replicate_weights(design, rows, replicates=count, **settings).factors(0, count)


@pytest.mark.parametrize(("seed", "country"), [(0, ""), (20260101, "Ohio"), (2**64 - 1, "Côte d'Ivoire")])
def test_factors_follow_their_streams(seed: int, country: str) -> None:
    units, strata = units_of(STRATUM, PSU), designs.strata_of(STRATUM, PSU)
    counts = factors("poisson", 60, seed=seed, country=country)
    weights = factors("bayes", 60, seed=seed, country=country)
    drawn = factors("psu", 12, units=units, seed=seed, country=country)
    assert (counts.dtype, weights.dtype, drawn.dtype) == (np.uint16, np.float64, np.float64)
    for replicate in range(4):
        keys = {"seed": seed, "label": f"{country}|{replicate}"}
        assert counts[replicate].tolist() == streams.poisson(60, seed=seed, label=f"poisson|{keys['label']}")
        expected = streams.exponential(60, seed=seed, label=f"bayes|{keys['label']}")
        assert weights[replicate] == pytest.approx(expected, rel=1e-15)
        assert drawn[replicate].tolist() == designs.rao_wu(strata, 12, seed=seed, label=f"psu|{keys['label']}")


def test_golden_values() -> None:
    units = units_of(STRATUM, PSU)
    assert factors("poisson", 8, 2, seed=1, country="Ohio").tolist() == GOLDEN_POISSON
    assert factors("bayes", 3, 1, seed=1, country="Ohio")[0] == pytest.approx(GOLDEN_BAYES, rel=1e-15)
    assert (factors("psu", 12, 2, units=units, seed=1, country="Ohio") / 1.5).tolist() == GOLDEN_RAO_WU
    assert _native.random_groups(np.array([0, 5, 8], dtype=np.uint32), 2, 1, "jackknife", "Ohio").tolist() == GROUPS


@pytest.mark.parametrize("design", ["respondent", "psu", "poisson", "bayes"])
def test_a_replicate_does_not_depend_on_the_others(design: Any) -> None:
    units = units_of(STRATUM, PSU)
    settings = {"units": units, "seed": 3, "country": "Texas"}
    few = replicate_weights(design, 12, replicates=100, threads=1, **settings).factors(0, 100)
    many = replicate_weights(design, 12, replicates=1000, threads=4, **settings)
    assert np.array_equal(few, many.factors(0, 1000)[:100])
    assert np.array_equal(few[95:], many.factors(95, 5))


@pytest.mark.parametrize(
    ("design", "mean", "variance"), [("respondent", 1, 39 / 40), ("poisson", 1, 1), ("bayes", 1, 1), ("psu", 1, None)]
)
def test_moments_of_the_factors(design: Any, mean: float, variance: float | None) -> None:
    """Counts of n of n draws have the variance 1 - 1/n; m = n_h - 1 draws scaled by n_h/(n_h - 1) have 1."""
    units = units_of([0] * 40, list(range(40)))
    found = replicate_weights(design, 40, units=units, replicates=5000, seed=8).factors(0, 5000).astype(float)
    assert found.mean() == pytest.approx(mean, abs=0.02)
    assert found.var() == pytest.approx(1 if variance is None else variance, abs=0.03)
    if design == "psu":
        assert np.allclose(found.sum(axis=1), 40, rtol=1e-12, atol=0)


def test_jackknife_factors_follow_the_twin() -> None:
    units, strata = units_of(STRATUM, PSU), designs.strata_of(STRATUM, PSU)
    weights = replicate_weights("jackknife", 12, units=units, seed=0)
    assert weights.count == 9
    assert weights.factors(0, 9).tolist() == designs.jackknife(strata, 12)
    assert weights.factors(4, 2).tolist() == designs.jackknife(strata, 12)[4:6]
    assert weights.scales == pytest.approx([2 / 3] * 9)


def test_jackknife_groups_keep_totals_and_the_variance_of_a_mean() -> None:
    """Over all ways to form groups of 2, 2 and 3 the jackknife variance of a mean is that of the sample."""
    random = np.random.default_rng(2)
    values, rows = random.normal(size=7), 7
    variances = []
    for seed in range(3000):
        weights = replicate_weights("jackknife", rows, jackknife_groups=3, seed=seed)
        table = weights.factors(0, weights.count)
        assert weights.count == 3
        assert table.sum(axis=1) == pytest.approx([7.0] * 3)
        assert sorted((table == 0).sum(axis=1)) == [2, 2, 3]
        means = (table * values).sum(axis=1) / table.sum(axis=1)
        variances.append((weights.scales * (means - values.mean()) ** 2).sum())
    assert np.mean(variances) == pytest.approx(values.var(ddof=1) / rows, rel=0.05)


def test_groups_of_every_stratum() -> None:
    stratum, psu = np.repeat([0, 1, 2], [40, 3, 20]).tolist(), [*range(20), *range(20), *range(3), *range(20)]
    units = units_of(stratum, psu)
    weights = replicate_weights("jackknife", 63, units=units, jackknife_groups=4, seed=5)
    table = weights.factors(0, weights.count)
    assert weights.count == 4 + 3 + 4
    assert ((table == 0).sum(axis=0) == 1).all()
    assert np.array_equal(table[:, :20], table[:, 20:40]), "both respondents of a PSU go together"
    assert weights.scales == pytest.approx([0.75] * 4 + [2 / 3] * 3 + [0.75] * 4)
    same = replicate_weights("jackknife", 63, units=units, jackknife_groups=4, seed=5, threads=1)
    assert np.array_equal(table, same.factors(0, 11))
    other = replicate_weights("jackknife", 63, units=units, jackknife_groups=4, seed=6)
    assert not np.array_equal(table, other.factors(0, 11))


def test_batches_hold_every_replicate_once() -> None:
    rows = BATCH_VALUES // 3
    weights = replicate_weights("poisson", rows, replicates=7, seed=1)
    parts = list(weights.batches())
    assert [(part.start, part.stop) for part, _ in parts] == [(0, 3), (3, 6), (6, 7)]
    assert np.array_equal(parts[2][1], weights.factors(6, 1))


def test_broken_designs_are_named() -> None:
    unit = np.array([0, 1, 2], dtype=np.uint32)
    for bounds, message in [
        ([0, 2], r"unit, position 2: 2 is not below 2"),
        ([0, 2, 3], r"strata, position 2: 3 is not at least two units after the bound before it"),
        ([1, 3], r"strata, position 0: 1 is not 0"),
        ([0], r"strata has 1 values, 2 are needed"),
        ([], r"strata has 0 values, 2 are needed"),
        ([0, 4, 2], r"strata, position 2"),
    ]:
        with pytest.raises(DataError, match=message):
            _native.rao_wu_factors(unit, np.array(bounds, dtype=np.uint32), 1, 0, 0, "psu", "", None)
    strata = np.array([0, 3], dtype=np.uint32)
    for sizes, message in [([1, 1], "sizes has 2 values, 3"), ([1, 0, 1], r"sizes, position 1: 0 is not at least 1")]:
        with pytest.raises(DataError, match=message):
            _native.jackknife_factors(unit, strata, np.array(sizes, dtype=np.uint32), 1, 0, None)
    with pytest.raises(DataError, match="factors has 4 values, 3 are needed"):
        _native.jackknife_factors(unit, strata, np.ones(3, dtype=np.uint32), 1, 3, None)
    with pytest.raises(DataError, match="groups, position 0: 1 is not at least 2"):
        _native.random_groups(strata, 1, 0, "jackknife", "")
    codes = np.zeros((2, 2), dtype=np.uint8)
    with pytest.raises(DataError, match="design has 3 values, 2 are needed"):
        _native.polychoric(codes, [2, 2], None, unit, strata, "item", "none", None)
