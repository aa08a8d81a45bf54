"""Respondents drawn in units within strata: replicates, halves, and what clusters do to intervals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import demoscope
from demoscope.errors import DataError
from demoscope.scores import compare
from demoscope.scores.inputs import Columns
from demoscope.scores.resampling import Design, Streams, country_design
from demoscope.stats import kernels
from tests.scores.simulated import human_answers, people, scored

STREAMS = Streams(seed=5, replicates=200, threads=1)


def design(frame, *, strata="region", psu="town"):
    columns = Columns((), None, None, None, None, strata, psu)
    return country_design(frame, columns, country="Utopia")


def clustered(rng, *, towns, size, items=4, between=0.5):
    """Yes-no answers of which a town's people share the propensity."""
    town = np.repeat(np.arange(towns), size)
    latent = np.sqrt(between) * rng.normal(size=(towns, 1))[town] + np.sqrt(1 - between) * rng.normal(
        size=(len(town), items)
    )
    answers = {f"q{j}": (latent[:, j] > 0).astype(int) for j in range(items)}
    return pl.DataFrame({"country": "Utopia", "region": town % 2, "town": town, **answers})


def test_factors_are_those_of_rao_wu_and_yue():
    frame = clustered(np.random.default_rng(1), towns=10, size=3)
    drawn = design(frame).resampled(np.arange(30), country="Utopia", purpose="respondent", streams=STREAMS)
    assert drawn.correction == 1.0
    by_unit = drawn.factors.reshape(200, 10, 3)
    assert (by_unit == by_unit[:, :, :1]).all()
    counts = by_unit[:, :, 0] * 4 / 5  # 5 towns in each of two regions, 4 drawn
    assert np.allclose(counts, np.rint(counts))
    for region in (0, 1):
        assert np.allclose(counts[:, region::2].sum(axis=1), 4)


def test_the_same_country_has_the_replicates_of_the_polychoric_bootstrap():
    frame = clustered(np.random.default_rng(2), towns=20, size=10)
    items = [f"q{j}" for j in range(4)]
    boot = demoscope.bootstrap_polychoric(
        frame.select("region", "town", *items), strata="region", psu="town", design="psu", replicates=50, seed=5
    )
    drawn = design(frame).resampled(
        np.arange(frame.height), country="", purpose="respondent", streams=Streams(seed=5, replicates=50, threads=1)
    )
    codes = frame.select(items).to_numpy().astype(np.uint8)
    ours = kernels.sampled_correlations(codes, [2] * 4, None, drawn.factors).rho
    assert np.array_equal(ours, boot.replicates)


def test_halves_keep_units_together_and_people_apart():
    frame = clustered(np.random.default_rng(3), towns=11, size=4)
    halves = design(frame).halves(44, country="Utopia", streams=STREAMS)
    assert sorted(np.concatenate(halves)) == list(range(44))
    towns = [set(frame["town"].to_numpy()[rows]) for rows in halves]
    assert not towns[0] & towns[1]
    assert sorted(map(len, towns)) == [5, 6]
    alone = Design(None).halves(9, country="Utopia", streams=STREAMS)
    assert sorted(map(len, alone)) == [4, 5]


def test_a_country_without_a_column_does_without_it():
    frame = clustered(np.random.default_rng(4), towns=4, size=3)
    empty = frame.with_columns(town=pl.lit(None, dtype=pl.Int64))
    assert design(empty, strata=None).columns is None
    with pytest.raises(DataError, match="no column 'village' for psu"):
        design(frame, psu="village")


def test_people_without_a_unit_are_units_of_their_own(caplog):
    frame = clustered(np.random.default_rng(4), towns=4, size=3)
    partly = frame.with_columns(town=pl.when(pl.col("town") > 0).then("town"))
    units = design(partly, strata=None).columns.units(np.arange(12)).unit
    assert len(set(units)) == 3 + 3
    assert [len(set(units[3 * town : 3 * town + 3])) for town in range(4)] == [3, 1, 1, 1]
    assert "Utopia: 3 of 12 people have no unit; each is one of her own" in caplog.text
    partly = frame.with_columns(region=pl.when(pl.col("town") > 1).then("region"))
    assert len(set(design(partly).columns.stratum)) == 3


def test_a_country_of_few_units_has_no_design(caplog):
    frame = clustered(np.random.default_rng(4), towns=3, size=5)
    assert design(frame, strata=None).columns is None
    assert "Utopia: 3 primary sampling units are too few" in caplog.text
    assert design(clustered(np.random.default_rng(4), towns=4, size=5), strata=None).columns is not None


def test_clusters_widen_intervals_as_much_as_they_should():
    # Towns that answer alike: the mean of an item varies as if there were towns / (1 + ...) people; the width that
    # respondents would give is far too small, that of towns matches the spread over repeated surveys.
    spread, with_towns, without = [], [], []
    for seed in range(30):
        frame = clustered(np.random.default_rng(seed), towns=40, size=15, items=2, between=0.4)
        answers = pl.DataFrame({"country": ["Utopia"] * 40, "q0": [0, 1] * 20, "q1": [0, 1, 1, 0] * 10})
        for psu, found in (("town", with_towns), (None, without)):
            result = compare(frame, answers, items=["q0", "q1"], country="country", psu=psu, replicates=100,
                             permutations=20, seed=seed)  # fmt: skip
            row = result.pairs.row(0, named=True)
            found.append(row["human_high"] - row["human_low"])
        spread.append(row["human"])
    expected = 2 * 1.96 * np.std(spread, ddof=1)
    assert 0.7 < np.mean(with_towns) / expected < 1.3
    assert np.mean(without) / expected < 0.8


def test_people_alone_are_unaffected_by_a_design_of_one_unit_each():
    data = people(3, n=200)
    answers = human_answers(people(4, n=200))
    plain = scored(data, answers)
    units = data.frame.with_columns(town=pl.int_range(pl.len()))
    by_unit = compare(units, answers, survey=data.survey, country="country", human_id="respondent_id", psu="town",
                      replicates=200, permutations=20, seed=1)  # fmt: skip
    one, other = (c.structure.filter(pl.col("country") == "(all)").row(0, named=True) for c in (plain, by_unit))
    assert one["structure_r2"] == pytest.approx(other["structure_r2"], abs=0.02)
    assert one["srmr_high"] == pytest.approx(other["srmr_high"], abs=0.02)
