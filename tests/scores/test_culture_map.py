"""The culture map: constructed countries whose positions are known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from demoscope.scores import compare
from demoscope.scores.country import prepare_people
from demoscope.scores.culture_map import Indicators, NoMap, Placed, axes_of, indicators, place
from demoscope.scores.inputs import Columns
from demoscope.scores.resampling import Streams
from demoscope.surveys import Item, Option
from demoscope.surveys.culture_map import CultureMap, Indicator
from tests.scores import maps

STREAMS = Streams(seed=1, replicates=50, threads=1)
MEMBERSHIP = np.array([[h, 0] if n < 5 else [0, h] for n, h in enumerate(maps.HIGH)], dtype=float)


def given(means: np.ndarray, *, noise: float = 0.0, replicates: int = 50, seed: int = 5) -> Indicators:
    """Indicators with these means, and replicates around them."""
    rng = np.random.default_rng(seed)
    around = means + noise * rng.normal(size=(replicates, *means.shape))
    names = tuple(f"ind{n}" for n in range(means.shape[1]))
    return Indicators(tuple(maps.names(len(means))), names, np.concatenate([means[None], around]), np.ones(len(means)))


def placed(human: np.ndarray, model: np.ndarray, *, noise: float = 0.0, declared: CultureMap | None = None) -> Placed:
    found = place(
        maps.culture_map() if declared is None else declared,
        given(human, noise=noise),
        given(model, noise=noise, seed=6),
        streams=STREAMS,
    )
    assert isinstance(found, Placed)
    return found


def test_axes_of_countries_with_known_positions_are_those_positions():
    """Without parts of their own, indicators have two components, and scores are the places themselves."""
    places = maps.positions(30)
    axes = axes_of(maps.means(places, noise=0), membership=MEMBERSHIP)
    assert axes.positions(maps.means(places, noise=0)) == pytest.approx(places, abs=1e-6)
    assert axes.loadings == pytest.approx(MEMBERSHIP, abs=1e-6)
    assert axes.explained == pytest.approx([0.5, 0.5], abs=1e-6)


def test_components_are_those_of_the_covariance_by_hand():
    means = maps.means(maps.positions(40))
    axes = axes_of(means, membership=MEMBERSHIP)
    positions = axes.positions(means)
    assert np.cov(positions.T) == pytest.approx(np.eye(2), abs=1e-6)
    # Loadings are correlations of indicators with positions, and span the two leading singular vectors.
    correlations = np.corrcoef(np.hstack([means, positions]).T)[:10, 10:]
    assert axes.loadings == pytest.approx(correlations, abs=1e-6)
    standard = (means - means.mean(axis=0)) / means.std(axis=0, ddof=1)
    left, _, _ = np.linalg.svd(standard, full_matrices=False)
    inside = left[:, :2] @ (left[:, :2].T @ positions)
    assert inside == pytest.approx(positions, abs=1e-6)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("flip", [1, -1])
def test_declared_indicators_say_which_axis_is_which_and_which_end_is_up(swapped, flip):
    places = maps.positions(30)
    means = maps.means(places)
    declared = maps.culture_map(high=tuple(flip * h for h in maps.HIGH), swapped=swapped)
    found = placed(means, means, declared=declared)
    order = [1, 0] if swapped else [0, 1]
    for a in (0, 1):
        r = np.corrcoef(found.human_positions[0][:, a], places[:, order[a]])[0, 1]
        assert flip * r > 0.9


def test_a_model_that_is_the_people_is_where_they_are():
    means = maps.means(maps.positions(25))
    found = placed(means, means)
    assert found.distance.value == 0
    assert found.nearest == 1
    assert found.rank == 1
    for scores in found.scores:
        assert scores.rmse.value == 0
        assert scores.congruence.value == pytest.approx(1, abs=1e-6)
        assert scores.rank_correlation.value == pytest.approx(1)
        assert scores.spread.value == pytest.approx(1)
        assert scores.chance < 0.95
    assert found.model_positions[0] == pytest.approx(found.human_positions[0])


def test_shifted_and_drawn_together_countries_are_seen_to_be_so():
    """A model's countries are placed with the means and deviations of people, not with their own."""
    places = maps.positions(30)
    people = maps.means(places, noise=0)
    shift, factor = np.array([0.5, -1.0]), 0.4
    model = maps.means(factor * places + shift, noise=0)
    found = placed(people, model)
    assert found.model_positions[0] == pytest.approx(factor * places + shift, abs=1e-5)
    for a, scores in enumerate(found.scores):
        # Mean square of (f - 1) z + s over countries with mean 0 and variance 1 (divisor C - 1).
        expected = np.sqrt((factor - 1) ** 2 * 29 / 30 + shift[a] ** 2)
        assert scores.rmse.value == pytest.approx(expected, abs=1e-5)
        assert scores.spread.value == pytest.approx(factor, abs=1e-5)
        assert scores.congruence.value == pytest.approx(1, abs=1e-6)
        assert scores.rank_correlation.value == pytest.approx(1)
    both = np.sqrt(np.mean([scores.rmse.value**2 for scores in found.scores]))
    assert found.distance.value == pytest.approx(both)


def test_a_model_with_countries_at_random_knows_none():
    places, elsewhere = maps.positions(40), maps.positions(40, seed=9)
    found = placed(maps.means(places), maps.means(elsewhere))
    assert found.nearest < 0.2
    assert found.rank > 8
    assert found.distance.value > 1
    assert all(abs(scores.rank_correlation.value) < 0.5 for scores in found.scores)
    # The axes are there all the same: indicators go together as among people.
    assert all(scores.congruence.value > 0.95 for scores in found.scores)


def test_axes_that_mix_the_indicators_are_not_congruent():
    places = maps.positions(40)
    people = maps.means(places)
    mixed = maps.means(places)[:, [0, 5, 1, 6, 2, 7, 3, 8, 4, 9]]
    found = placed(people, mixed)
    assert min(scores.congruence.value for scores in found.scores) < 0.8


def test_distance_is_free_of_sampling_noise():
    """Replicates as far apart as noise moves the means: what is left of the distance is the true one."""
    places = maps.positions(60)
    truth = maps.means(places, noise=0)
    values, low, high = [], [], []
    for seed in range(30):
        rng = np.random.default_rng(100 + seed)
        human, model = (truth + 0.3 * rng.normal(size=truth.shape) for _ in range(2))
        found = placed(human, model + 0.15 * np.array(maps.HIGH), noise=0.3)
        values.append(found.distance.value**2)
        low.append(found.distance.low)
        high.append(found.distance.high)
    # Five indicators with correlation r have a component of variance 1 + 4 r; a shift in all of them moves its score
    # by five times the standardised shift times the weight of each.
    variance, r = 0.36 + 0.09, 0.36 / (0.36 + 0.09)
    true = 5 * 0.15 / np.sqrt(variance) / np.sqrt(5 * (1 + 4 * r))
    assert np.sqrt(np.mean(values)) == pytest.approx(true, abs=0.03)
    assert np.mean([a <= true <= b for a, b in zip(low, high, strict=True)]) >= 0.85


def test_a_model_that_knows_no_countries_has_no_axes():
    means = maps.means(maps.positions(25))
    flat = np.tile(means.mean(axis=0), (25, 1))
    found = placed(means, flat)
    assert np.isnan(found.own).all()
    for scores in found.scores:
        assert np.isnan([scores.congruence.value, scores.rank_correlation.value, scores.chance]).all()
        assert scores.spread.value == 0
        assert scores.rmse.value == pytest.approx(np.sqrt(24 / 25), abs=1e-6)


def test_fewer_than_20_countries_make_no_map():
    means = maps.means(maps.positions(19))
    found = place(maps.culture_map(), given(means), given(means), streams=STREAMS)
    assert found == NoMap("the map needs 20 countries, here are 19", 0)


def test_countries_and_indicators_that_are_lacking_are_named():
    means = maps.means(maps.positions(25))
    human, model = means.copy(), means.copy()
    human[3, 2] = np.nan
    model[7, 1] = np.nan
    human[:, 4] = np.nan
    found = placed(human, model)
    assert found.lacking == ("ind4",)
    assert found.left_out == ("land 03",)
    assert len(found.human.countries) == 24
    assert set(found.human.countries) - set(found.model.countries) == {"land 07"}
    assert found.nearest == 1
    human[:, 0] = np.nan
    few = placed(human, model)
    assert few.lacking == ("ind0", "ind4")
    model[:, 1] = np.nan
    none = place(maps.culture_map(), given(human), given(model), streams=STREAMS)
    assert none == NoMap("axis worldly needs 3 indicators that both sides have, here are 2", 0)
    means[:6, 2] = np.nan
    left = place(maps.culture_map(), given(means), given(means), streams=STREAMS)
    # One indicator in 19 countries is not worth losing six countries.
    assert isinstance(left, Placed)
    assert left.lacking == ("ind2",)
    means = maps.means(maps.positions(21))
    means[0, 0] = means[1, 1] = np.nan
    gone = place(maps.culture_map(), given(means), given(means), streams=STREAMS)
    assert gone == NoMap("the map needs 20 countries with all indicators, here are 19", 19)


def test_an_indicator_is_the_sum_of_mean_scores_of_its_items():
    yes = (Option(code=1, label="chosen"), Option(code=0, label="not chosen"))
    items = tuple(Item(id=name, text="?", type="binary", options=yes) for name in ("a", "b"))
    frame = pl.DataFrame({"a": [1, 1, 0, None], "b": [1, 0, 0, 0], "w": [1.0, 3.0, 1.0, 1.0]})
    side = prepare_people(
        "here", frame, items, columns=Columns((), None, None, None, "w"), attributes=[], streams=STREAMS
    ).sampled
    declared = maps.culture_map().model_copy(
        update={
            "indicators": (
                Indicator(id="sum", label="sum", axis="worldly", scores={"a": {1: 1, 0: 0}, "b": {1: -1, 0: 2}}),
                Indicator(id="lost", label="lost", axis="worldly", scores={"z": {1: 1, 0: 0}}),
            )
        }
    )
    found = indicators(declared, items, [side], ["here"])
    # a: (1 + 3) of 5; b: weights 1 at -1 and 5 at 2, of 6.
    assert found.means[0, 0, 0] == pytest.approx(4 / 5 + (-1 + 10) / 6)
    assert np.isnan(found.means[0, 0, 1])
    assert found.means.shape == (51, 1, 2)
    assert found.means[1:, 0, 0].std() > 0


@pytest.fixture(scope="module")
def compared():
    means = maps.means(maps.positions(22))
    people = maps.answers(means)
    model = maps.answers(0.5 * (means - means.mean(axis=0)) + means.mean(axis=0) + 0.2, seed=4)
    return compare(people, model, survey=maps.survey(), country="country", replicates=60, permutations=2, seed=1)


def test_tables_of_a_comparison(compared):
    frame = compared.culture_map
    assert frame.height == 22 * 2
    assert (frame["human_low"] <= frame["human"]).all()
    assert (frame["human"] <= frame["human_high"]).all()
    assert frame.group_by("axis").agg(pl.col("human").std())["human"].to_list() == pytest.approx([1, 1])
    axes = {row["axis"]: row for row in compared.culture_axes.iter_rows(named=True)}
    assert list(axes) == ["worldly", "free", "(both)"]
    for name in ("worldly", "free"):
        row = axes[name]
        assert row["spread_low"] < 0.5 < row["spread_high"] + 0.05
        assert row["rank_correlation"] > 0.8
        assert row["congruence"] > row["chance_q95"]
        assert row["reason"] is None
        assert row["nearest"] is None
    assert axes["(both)"]["indicators"] == 10
    assert 0 < axes["(both)"]["nearest"] <= 1
    assert compared.culture_indicators.height == 20
    own = compared.culture_indicators.filter("own_axis")
    assert (own["human"].abs() > 0.6).all()
    assert compared.summary()["culture_axes"] == compared.culture_axes.to_dicts()


def test_the_reason_for_no_map_is_a_row():
    means = maps.means(maps.positions(4))
    found = compare(
        maps.answers(means, n=40),
        maps.answers(means, n=40, seed=4),
        survey=maps.survey(),
        country="country",
        replicates=20,
        permutations=2,
    )
    (row,) = found.culture_axes.to_dicts()
    assert row["reason"] == "the map needs 20 countries, here are 4"
    assert row["axis"] == "(both)"
    assert found.culture_map.height == 0
