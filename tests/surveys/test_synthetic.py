"""The synthetic population against its declared truth, computed by another program where there is one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2, multivariate_normal, norm

from demoscope.errors import ConfigError
from demoscope.surveys import load_microdata, load_survey, synthetic_frame, synthetic_population, synthetic_truth

TRUTH = synthetic_truth()
SURVEY = load_survey("synthetic")
PEOPLE = 40_000


def expected_table(rows, columns, rho):
    """Probabilities of a bivariate normal cut at two sets of thresholds."""
    low, high = np.array([-9.0, *rows, 9.0]), np.array([-9.0, *columns, 9.0])
    grid = np.array(np.meshgrid(low, high, indexing="ij")).reshape(2, -1).T
    cdf = multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf(grid).reshape(len(low), len(high))
    return np.diff(np.diff(cdf, axis=0), axis=1)


def p_value(counts, probabilities):
    expected = probabilities * counts.sum()
    return chi2.sf(((counts - expected) ** 2 / expected).sum(), counts.size - 1)


def table(frame, one, other):
    pairs = frame.select(one, other).drop_nulls()
    rows, columns = (np.unique(pairs[name], return_inverse=True)[1] for name in (one, other))
    counts = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(counts, (rows, columns), 1)
    return counts


@pytest.fixture(scope="module")
def people():
    return synthetic_population(seed=7, n_per_country=PEOPLE).frame.partition_by("country", as_dict=True)


def test_survey_file_and_generator_agree():
    assert tuple(item.id for item in SURVEY.items) == TRUTH.items
    for item in SURVEY.items:
        assert all(len(TRUTH.marginals[country][item.id]) == len(item.codes) for country in TRUTH.countries)
    assert {len(item.codes) for item in SURVEY.items} == {2, 3, 4, 5, 7}


def test_truth_is_a_truth():
    for country in TRUTH.countries:
        matrix = TRUTH.correlations[country]
        assert np.array_equal(matrix, matrix.T)
        assert np.array_equal(np.diag(matrix), np.ones(10))
        assert np.linalg.eigvalsh(matrix)[0] > 0.2
        for item in TRUTH.items:
            cuts = norm.cdf(TRUTH.thresholds[country][item])
            np.testing.assert_allclose(np.cumsum(TRUTH.marginals[country][item])[:-1], cuts, rtol=0, atol=1e-14)
    one, *others = TRUTH.correlations.values()
    assert all(np.abs(one - other).max() > 0.3 for other in others)


@pytest.mark.parametrize("country", TRUTH.countries)
def test_marginals_are_the_declared_ones(people, country):
    for item in SURVEY.items:
        counts = people[country,][item.id].drop_nulls().value_counts(sort=False).sort(item.id)["count"].to_numpy()
        assert p_value(counts, TRUTH.marginals[country][item.id]) > 1e-4


@pytest.mark.parametrize("country", TRUTH.countries)
def test_pairs_are_cut_from_the_declared_correlations_with_and_without_demographics(people, country):
    without = synthetic_population(seed=8, n_per_country=PEOPLE, demographics=0).frame
    without = without.filter(pl.col("country") == country)
    for (j, one), (k, other) in list(combinations(enumerate(TRUTH.items), 2))[::7]:
        thresholds = (TRUTH.thresholds[country][item] for item in (one, other))
        expected = expected_table(*thresholds, TRUTH.correlations[country][j, k])
        assert p_value(table(people[country,], one, other), expected) > 1e-4
        assert p_value(table(without, one, other), expected) > 1e-4


def test_a_wrong_correlation_would_be_noticed(people):
    """The chi-square test above has the power to tell a correlation that is off by .05."""
    thresholds = (TRUTH.thresholds["North"][item] for item in ("courts", "content"))
    off = TRUTH.correlations["North"][2, 4] + 0.05
    assert p_value(table(people["North",], "courts", "content"), expected_table(*thresholds, off)) < 1e-6


@pytest.mark.parametrize("strength", [0, 0.5, 1])
def test_demographic_effects_have_the_declared_strength(strength):
    frame = synthetic_population(seed=9, n_per_country=PEOPLE, demographics=strength).frame
    frame = frame.filter(pl.col("country") == "South")
    ages = frame["age_band"].unique().sort().to_list()
    assert ages == ["18-34", "35-54", "55 or over"]
    for j, item in enumerate(TRUTH.items):
        sex, age = strength * TRUTH.demographic_effects[j]
        thresholds = TRUTH.thresholds["South"][item]
        assert p_value(table(frame, "sex", item), expected_table([0.0], thresholds, sex)) > 1e-4
        by_age = expected_table(norm.ppf([17 / 62, 37 / 62]), thresholds, age)
        assert p_value(table(frame, "age_band", item), by_age) > 1e-4


def test_missing_answers_come_at_the_declared_rate():
    data = synthetic_population(seed=1, n_per_country=5000, missing=0.3)
    counts = dict(data.missing.group_by("reason").agg(pl.col("n").sum()).iter_rows())
    cells = data.frame.height * 10
    assert counts["dont_know"] / cells == pytest.approx(0.2, abs=0.005)
    assert counts["refused"] / cells == pytest.approx(0.1, abs=0.005)
    assert synthetic_population(seed=1, missing=0).missing.is_empty()


def test_weights_are_optional_and_leave_the_answers_alone():
    plain, weighted = (synthetic_population(seed=1, weights=weights).frame for weights in (False, True))
    assert (plain["weight"] == 1).all()
    assert weighted["weight"].log().std() == pytest.approx(0.4, rel=0.1)
    assert plain.drop("weight").equals(weighted.drop("weight"))


def test_a_larger_sample_begins_with_the_smaller_one():
    small, large = (synthetic_frame(seed=5, n_per_country=n) for n in (50, 80))
    assert large.filter(pl.col("id").is_in(small["id"].implode())).equals(small)


def test_seeds_differ():
    assert not synthetic_frame(seed=1).equals(synthetic_frame(seed=2))


def test_the_first_respondents_of_seed_0():
    """Golden: the stream of PCG64 is promised by NumPy, so these people stay the same."""
    first = synthetic_frame(n_per_country=2).drop("weight")
    assert first.rows() == [
        ("North-1", "North", 2, 46, 0, 2, 3, -1, 5, 0, 2, 1, 1, 7),
        ("North-2", "North", 1, 20, 0, 1, 1, 3, 1, 0, 3, 3, -1, 5),
        ("South-1", "South", 1, 33, 1, -2, 1, 3, 4, 0, 2, 2, 2, 3),
        ("South-2", "South", 2, 33, 1, 2, 2, 1, 3, 0, 2, 2, 3, 7),
        ("West-1", "West", 2, 43, 0, 3, 2, 4, 7, -2, 2, -1, 3, 7),
        ("West-2", "West", 2, 70, 1, 3, 4, 5, 7, 1, 1, 4, 2, 5),
    ]


def test_the_named_survey_loads():
    data = load_microdata(SURVEY)
    assert data.countries == ("North", "South", "West")
    assert data.frame.height == 1800


@pytest.mark.parametrize(
    "setting", [{"seed": -1}, {"n_per_country": 0}, {"demographics": 1.1}, {"demographics": -0.1}, {"missing": 1}]
)
def test_settings_outside_their_range_are_errors(setting):
    with pytest.raises(ConfigError, match="synthetic population: "):
        synthetic_population(**({"seed": 0} | setting))
