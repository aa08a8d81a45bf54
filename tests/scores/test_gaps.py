"""Slopes of demographic gaps: simulated gaps of a known slope, and comparisons whose slope is known in advance."""

from __future__ import annotations

from math import isnan

import numpy as np
import polars as pl
import pytest

from demoscope.scores.gaps import Gap, gap_slope, without_mirror_images
from tests.scores.simulated import ATTRIBUTES, SURVEY, TRUTH, covers, human_answers, people, scored

NOISE = 0.15
SPREAD = 0.2
"""Standard deviation of true human gaps: a slope that ignores the noise would be 0.64 of the true one."""
PERSONS = 100
SURVEYS = 60
LOWEST_COVERAGE = 0.89
"""Of intervals at 95 %: two standard errors below, with 60 surveys, would be 0.894."""


def simulated_gaps(slope: float, *, seed: int, count: int = 60, spread: float = SPREAD, replicates: int = 200):
    """Gaps of people and of a model matched to them, whose error is half that of the people and half its own.

    Replicates are those of a bootstrap of ``PERSONS`` persons, too narrow by the factor that the correction restores.
    """
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, spread, count)
    errors = rng.normal(0, NOISE, (2, count))
    again = rng.normal(0, NOISE, (2, replicates, count)) * np.sqrt((PERSONS - 1) / PERSONS)
    human = truth + errors[0]
    model = slope * truth + (errors[0] + errors[1]) / 2
    human_b, model_b = human + again[0], model + (again[0] + again[1]) / 2
    correction = PERSONS / (PERSONS - 1)
    return [
        Gap.of(
            f"q{j}",
            np.append(human[j], human_b[:, j]),
            np.append(model[j], model_b[:, j]),
            corrections=(correction, correction),
        )
        for j in range(count)
    ]


def gap(human: float, model: float) -> Gap:
    """A gap whose human interval reaches about 0.1 to both sides; the model's is known without error."""
    wobble = np.concatenate([[0.0], np.linspace(-0.1, 0.1, 41)])
    return Gap.of("q", human + wobble, np.full_like(wobble, model), corrections=(1.0, 1.0))


@pytest.mark.parametrize("slope", [-0.5, 0.0, 0.5, 1.0, 1.7])
def test_slope_is_that_of_the_true_gaps_in_spite_of_noise(slope):
    gaps = simulated_gaps(slope, seed=11, count=4000, replicates=50)
    plain = sum(g.human.value * g.model.value for g in gaps) / sum(g.human.value**2 for g in gaps)
    found = gap_slope(gaps).slope
    # Noise shrinks a plain slope to 0.64 of itself, and the shared error adds 0.36 / 2.
    assert plain == pytest.approx(0.64 * slope + 0.18, abs=0.03)
    assert found.value == pytest.approx(slope, abs=0.04)
    assert found.low < slope < found.high


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_intervals_hold_the_true_slope_at_their_rate(slope):
    found = [gap_slope(simulated_gaps(slope, seed=seed, spread=2 * NOISE)).slope for seed in range(100)]
    # 100 intervals at 95 %: three standard errors below are 0.885.
    assert np.mean([one.low <= slope <= one.high for one in found]) >= 0.885
    assert np.mean([one.value for one in found]) == pytest.approx(slope, abs=0.03)
    # Noise that is doubled in replicates makes the intervals somewhat too wide, never too narrow.
    width = np.mean([one.high - one.low for one in found]) / (2 * 1.96 * np.std([one.value for one in found]))
    assert 0.9 < width < 1.6


def test_no_slope_where_human_gaps_are_noise():
    found = gap_slope(simulated_gaps(0.5, seed=5, count=300, spread=0.0)).slope
    assert isnan(found.value)
    assert isnan(found.low)


def test_signs_are_counted_among_clear_human_gaps():
    found = gap_slope([gap(0.5, 0.1), gap(-0.5, 0.2), gap(0.4, 1e-15), gap(0.05, 0.3)])
    assert (found.gaps, found.clear, found.same_sign) == (4, 3, 1)


def test_gaps_that_a_side_lacks_are_left_out():
    known = [gap(0.5, 0.1), gap(-0.5, 0.2)]
    lacking = [gap(0.4, float("nan")), gap(float("nan"), 0.1)]
    assert gap_slope([*known, *lacking]) == gap_slope(known)
    none = gap_slope(lacking)
    assert (none.gaps, none.clear, none.same_sign) == (0, 0, 0)
    assert isnan(none.slope.value)


def test_replicates_without_a_value_do_not_spoil_the_slope():
    whole = simulated_gaps(0.5, seed=3, count=20)
    values = np.append(whole[0].human.value, whole[0].human_b)
    values[5] = np.nan
    holed = Gap.of("q0", values, np.append(whole[0].model.value, whole[0].model_b), corrections=(1.0, 1.0))
    assert holed.human_b[4] == holed.human.value
    assert gap_slope([holed, *whole[1:]]).slope.value == pytest.approx(gap_slope(whole).slope.value, abs=0.01)


def test_of_two_levels_the_first_counts_and_of_three_all():
    one = gap(0.2, 0.2)
    gaps = [("sex", level, one) for level in ("woman", "man")]
    gaps += [("age", level, one) for level in ("18-34", "35-54", "55 or over")] + [("region", "east", one)]
    kept = [(attribute, level) for attribute, level, _ in without_mirror_images(gaps)]
    assert kept == [("sex", "man"), ("age", "18-34"), ("age", "35-54"), ("age", "55 or over"), ("region", "east")]


@pytest.fixture(scope="module")
def data():
    return people(3, n=300)


def slopes(comparison) -> dict[str, dict]:
    return {row["attribute"]: row for row in comparison.gap_slopes.iter_rows(named=True)}


def flat_answers(data) -> pl.DataFrame:
    """Knows countries and not what people are asked as."""
    cells = [
        {
            "country": country,
            "item": item.id,
            "cell": f"{country}|{item.id}",
            "probs": TRUTH.marginals[country][item.id],
        }
        for country in data.countries
        for item in SURVEY.items
    ]
    personas = data.frame.select(
        "country", *ATTRIBUTES, persona_id="respondent_id", source_respondent_id="respondent_id"
    )
    return personas.join(pl.DataFrame(cells), on="country").with_columns(
        model=pl.lit("flat"), steering=pl.lit("persona"), draw=pl.lit(-1), status=pl.lit("valid")
    )


@pytest.fixture(scope="module")
def flat(data):
    return scored(data, flat_answers(data))


def test_copies_of_the_people_have_slope_one(data):
    copies = human_answers(data).with_columns(source_respondent_id=data.frame["respondent_id"])
    found = slopes(scored(data, copies))
    assert list(found) == [*ATTRIBUTES, "country"]
    for row in found.values():
        assert [row[name] for name in ("slope", "slope_low", "slope_high")] == pytest.approx([1, 1, 1])
        assert row["same_sign"] == row["clear"] > 0


def test_other_people_of_the_same_population_have_slope_one(data):
    found = slopes(scored(data, human_answers(people(4, n=300))))
    for row in found.values():
        assert covers(row, "slope", 1.0)
    for attribute in ("age_band", "country"):  # the gaps of the sexes are small
        assert found[attribute]["slope"] == pytest.approx(1.0, abs=0.3)
    assert found["age_band"]["same_sign"] >= 0.9 * found["age_band"]["clear"] > 0


def test_flat_model_has_slope_zero_and_may_know_countries(flat):
    found = slopes(flat)
    for attribute in ATTRIBUTES:
        row = found[attribute]
        assert [row[name] for name in ("slope", "slope_low", "slope_high")] == pytest.approx([0, 0, 0], abs=1e-9)
        assert row["same_sign"] == 0 < row["clear"]
    assert covers(found["country"], "slope", 1.0)
    assert found["country"]["slope"] == pytest.approx(1.0, abs=0.2)


def test_mirror_images_are_not_counted_twice(data, flat):
    found = {attribute: row["gaps"] for attribute, row in slopes(flat).items()}
    items, bands = len(SURVEY.items), data.frame["age_band"].n_unique()
    assert found == {"sex": 3 * items, "age_band": 3 * bands * items, "country": 3 * items}
    assert bands > 2
    assert flat.gaps.filter(attribute="sex").height == 2 * 3 * items
    assert flat.summary()["gap_slopes"] == flat.gap_slopes.to_dicts()


def test_flat_model_explains_nothing_by_group(flat):
    assert flat.averages["eta2_model"].to_list() == [0.0] * 4


def test_two_countries_are_one_gap(data):
    keep = pl.col("country") != "West"
    two = scored(type(data)(data.survey, data.frame.filter(keep), data.missing), flat_answers(data).filter(keep))
    assert two.gap_slopes.filter(attribute="country")["gaps"].item() == len(SURVEY.items)
    assert two.gaps.filter(attribute="country").height == 2 * len(SURVEY.items)


def test_without_attributes_and_countries_there_is_no_slope(data):
    north = human_answers(data).filter(pl.col("country") == "North").drop(*ATTRIBUTES)
    assert scored(data, north).gap_slopes.height == 0


@pytest.mark.slow
def test_other_people_are_covered_at_the_right_rate():
    found = [slopes(scored(people(1000 + k, n=250), human_answers(people(5000 + k, n=250)))) for k in range(SURVEYS)]
    for attribute in ("age_band", "country"):  # the gaps of the sexes are too small for a slope in most surveys
        assert np.mean([covers(rows[attribute], "slope", 1.0) for rows in found]) >= LOWEST_COVERAGE
