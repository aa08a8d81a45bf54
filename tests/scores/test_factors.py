"""Factors of people and how far a model has them: known structures, chance, and real answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from demoscope.scores import compare
from demoscope.scores.country import prepare_people
from demoscope.scores.factors import MOST_FACTORS, NoTarget, Target, human_factors, recovery
from demoscope.scores.inputs import Columns
from demoscope.scores.resampling import Streams
from demoscope.surveys import Item, Option, load_microdata, load_survey
from tests.scores.simulated import human_answers, independent_answers, people, scored

BFI = Path(__file__).parents[3] / "shared/data/bfi/bfi.csv"
FIVE = tuple(Option(code=n, label=str(n)) for n in range(5))
STREAMS = Streams(seed=5, replicates=40, threads=1)
COLUMNS = Columns((), None, None, None, None)


def questions(count: int, **changes) -> tuple[Item, ...]:
    return tuple(Item(id=f"q{j}", text="?", options=FIVE, **changes) for j in range(count))


def answers(loadings: np.ndarray, *, n: int = 800, seed: int = 1) -> pl.DataFrame:
    """Answers on five steps to items with these loadings."""
    rng = np.random.default_rng(seed)
    own = np.sqrt(1 - np.square(loadings).sum(axis=1))
    latent = rng.normal(size=(n, loadings.shape[1])) @ loadings.T + rng.normal(size=(n, len(loadings))) * own
    codes = np.digitize(latent, [-1.2, -0.4, 0.3, 1.1])
    return pl.DataFrame({f"q{j}": codes[:, j] for j in range(len(loadings))})


def two_factors(size: float = 0.7, *, items: int = 4) -> np.ndarray:
    loadings = np.zeros((2 * items, 2))
    loadings[:items, 0], loadings[items:, 1] = size, size - 0.15
    return loadings


def prepared(frame: pl.DataFrame, items, *, country: str = "here"):
    return prepare_people(country, frame, items, columns=COLUMNS, attributes=[], streams=STREAMS)


def factored(frames, items) -> Target | NoTarget:
    everyone = [prepared(frame, items, country=f"c{n}") for n, frame in enumerate(frames)]
    return human_factors(everyone, items, streams=STREAMS)


def recovered(human: list[pl.DataFrame], model: list[pl.DataFrame], items):
    everyone = [prepared(frame, items, country=f"c{n}") for n, frame in enumerate(human)]
    target = human_factors(everyone, items, streams=STREAMS)
    assert isinstance(target, Target)
    theirs = [prepared(frame, items, country=f"m{n}").sampled for n, frame in enumerate(model)]
    return target, recovery(target, everyone, theirs, streams=STREAMS)


def test_factors_of_people_are_found_strongest_first():
    target = factored([answers(two_factors(), seed=seed) for seed in (1, 2)], questions(8))
    assert target.parallel == target.factors == 2
    assert target.loadings == pytest.approx(two_factors(), abs=0.08)
    assert target.solution.status == "ok"
    assert target.split_half.min() > 0.95
    assert len(target.replicates) == 40


def test_the_same_structure_is_recovered_and_half_of_it_is_too():
    """Congruence asks for the pattern, not for the strength."""
    for size in (0.7, 0.5):
        _, found = recovered([answers(two_factors())], [answers(two_factors(size), n=3000, seed=2)], questions(8))
        assert all(one.value > 0.97 for one in found.congruence)
        assert found.agreement.value == 1
        assert all(one.value > chance for one, chance in zip(found.congruence, found.chance, strict=True))
        assert found.mean.low <= found.mean.value <= found.mean.high <= 1


def test_another_structure_is_not_recovered():
    """Factors across those of people: first items of both, then last items of both."""
    crossed = two_factors()[[0, 4, 1, 5, 2, 6, 3, 7]]
    target, found = recovered([answers(two_factors())], [answers(crossed, seed=2)], questions(8))
    assert found.mean.value < found.mean_chance + 0.1
    assert found.mean.value < 0.85 < target.split_half.min()
    # Truth: all cosines of the factors are 1/2, a matrix with singular values 1 and 0, whose mean is the best there is.
    assert found.mean.value == pytest.approx(0.5, abs=0.05)


def test_turning_items_round_or_changing_their_order_changes_nothing():
    human, model = answers(two_factors()), answers(two_factors(), seed=2)
    items = questions(8)
    _, plain = recovered([human], [model], items)
    turn = ["q1", "q4", "q6"]
    turned = [frame.with_columns(pl.col(turn) * -1 + 4) for frame in (human, model)]
    _, other = recovered([turned[0]], [turned[1]], items)
    for one, same in zip(plain.congruence, other.congruence, strict=True):
        assert one.value == pytest.approx(same.value, abs=1e-6)
        assert one.low == pytest.approx(same.low, abs=1e-5)
    assert plain.chance == pytest.approx(other.chance, abs=1e-6)
    assert plain.agreement == other.agreement
    _, shuffled = recovered([human], [model], items[::-1])
    assert [one.value for one in shuffled.congruence] == pytest.approx(
        [one.value for one in plain.congruence], abs=1e-6
    )


@pytest.mark.slow
def test_congruence_of_independent_answers_is_that_of_chance():
    rng = np.random.default_rng(3)
    exceeding = []
    for seed in range(30):
        noise = pl.DataFrame({f"q{j}": rng.integers(0, 5, size=400) for j in range(8)})
        _, found = recovered([answers(two_factors(), seed=seed)], [noise], questions(8))
        exceeding.append(found.mean.value > found.mean_chance)
    # 1.5 of 30 are expected; 6 or more have a probability below 1 %.
    assert sum(exceeding) <= 5


@pytest.mark.slow
def test_intervals_hold_what_many_samples_average_to():
    """The interval is about the congruence that samples of this size have; it holds their mean at its rate."""
    items, values, intervals = questions(8), [], []
    model = two_factors()[[0, 1, 2, 4, 3, 5, 6, 7]]
    for seed in range(40):
        _, found = recovered(
            [answers(two_factors(), n=400, seed=seed)], [answers(model, n=400, seed=1000 + seed)], items
        )
        values.append(found.mean.value)
        intervals.append((found.mean.low, found.mean.high))
    middle = np.mean(values)
    assert np.mean([low <= middle <= high for low, high in intervals]) >= 0.85


def test_a_model_without_structure_has_no_factors():
    target, found = recovered(
        [answers(two_factors())], [answers(two_factors()).with_columns(pl.all() * 0)], questions(8)
    )
    assert found.status == "no_structure"
    assert np.isnan([one.value for one in found.congruence]).all()
    assert np.isnan(found.chance).all()
    assert found.agreement.value == 0
    assert not found.loadings.any()
    assert target.factors == 2


def test_an_item_that_the_model_answers_always_alike_has_no_loading():
    model = answers(two_factors(), seed=2).with_columns(q0=pl.lit(2))
    _, found = recovered([answers(two_factors())], [model], questions(8))
    assert not found.loadings[0].any()
    assert np.abs(found.loadings[1:]).max(axis=1).min() > 0.3
    assert found.agreement.value == pytest.approx(7 / 8)


def test_pairs_in_a_block_are_left_to_the_factors():
    loadings = two_factors(items=5)
    human = answers(loadings, n=4000)
    # The last two items are one answer twice; a block says that their pair means nothing.
    human = human.with_columns(q9=pl.col("q8"))
    items = [item.model_copy(update={"block": "twice"}) if item.id in ("q8", "q9") else item for item in questions(10)]
    target = factored([human], tuple(items))
    assert isinstance(target, Target)
    assert (~target.defined).sum() == 2
    assert target.loadings == pytest.approx(loadings, abs=0.07)
    apart = factored([human], questions(10))
    assert apart.solution.status == "heywood" or np.abs(apart.loadings - loadings).max() > 0.1


def test_items_with_few_defined_pairs_are_left_out_and_named():
    human = answers(two_factors(items=5))
    target = factored([human], questions(6, block="rank") + questions(10)[6:])
    # Six items in one block have 4 of 9 pairs; one leaves, and the others have 4 of 8.
    assert isinstance(target, Target)
    assert target.dropped.tolist() == [5]
    assert target.items.tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    nominal = tuple(item.model_copy(update={"type": "nominal"}) for item in questions(10)[:5]) + questions(10)[5:]
    few = factored([human], nominal)
    assert isinstance(few, NoTarget)
    assert few.reason == "factors need at least 6 items whose correlations are defined, here are 5"
    assert few.dropped.tolist() == []


def test_people_without_structure_have_no_factors():
    rng = np.random.default_rng(4)
    noise = pl.DataFrame({f"q{j}": rng.integers(0, 5, size=500) for j in range(8)})
    found = factored([noise], questions(8))
    assert isinstance(found, NoTarget)
    assert "there is no factor" in found.reason


def test_there_are_no_more_factors_than_can_be_read():
    # Eight pairs of items: parallel analysis sees eight factors, of which 16 items can carry five.
    loadings = np.kron(np.eye(8), np.full((2, 1), 0.85))
    target = factored([answers(loadings, n=1500)], questions(16))
    assert target.parallel == 8
    assert target.factors == 16 // 3 < MOST_FACTORS
    assert target.loadings.shape == (16, 5)


def test_a_pair_counts_in_the_countries_that_have_it():
    """A country in which an item hardly varies says nothing of its pairs."""
    usual, flat = answers(two_factors(), n=2000), answers(two_factors(), n=2000, seed=2).with_columns(q0=pl.lit(1))
    both = factored([usual, flat], questions(8))
    assert both.loadings[0, 0] == pytest.approx(0.7, abs=0.08)
    assert both.counts.tolist().count(1) == 7
    # The model's flat country is not counted there either, but would be where people have the pair.
    model = [answers(two_factors(), n=2000, seed=3), answers(two_factors(), n=2000, seed=4)]
    _, found = recovered([usual, flat], model, questions(8))
    assert found.loadings[0, 0] == pytest.approx(0.7, abs=0.08)
    _, half = recovered([usual, usual], [model[0], flat], questions(8))
    assert half.loadings[0, 0] == pytest.approx(0.35, abs=0.08)


def test_tables_of_a_comparison():
    data = people(3, n=300)
    found = scored(data, human_answers(people(4, n=300)))
    row = found.factor_summary.row(0, named=True)
    assert row["reason"] is None
    assert row["congruence"] > 0.95 > row["chance_q95"]
    assert row["items"] * row["factors"] == found.factor_loadings.height
    assert found.factors.height == row["factors"]
    assert found.factors["share_human"].sum() < 1
    assert found.summary()["factor_summary"] == found.factor_summary.to_dicts()
    assert found.culture_axes.height == 0
    independent = scored(data, independent_answers(data, seed=4)).factor_summary.row(0, named=True)
    assert independent["congruence"] < 0.8
    assert independent["human_status"] == row["human_status"]


def test_threads_do_not_change_a_bit():
    data = people(3, n=120)
    one, eight = (scored(data, human_answers(data), threads=threads) for threads in (1, 8))
    for name in ("factors", "factor_loadings", "factor_summary"):
        assert getattr(one, name).equals(getattr(eight, name))


def test_the_big_five_are_found_in_real_answers():
    """25 items of personality: psych's parallel analysis of these data finds 6 factors and 6 components."""
    if not BFI.exists():
        pytest.skip("bfi.csv is not here")
    survey = load_survey(Path(__file__).parents[1] / "surveys/definitions/bfi.toml")
    data = load_microdata(survey, path=BFI)
    traits = [item.id for item in survey.items if item.id[0] in "ACENO" and len(item.id) == 2]
    halves = [data.frame[::2], data.frame[1::2]]
    found = compare(*halves, survey=survey, items=traits, replicates=40, permutations=2, seed=1)
    row = found.factor_summary.row(0, named=True)
    assert row["items"] == 25
    assert row["parallel"] in (5, 6)
    assert row["congruence"] > 0.9
    target = found.factor_loadings.filter(pl.col("human").abs() == pl.col("human").abs().max().over("item"))
    # Each trait has its factor: of the five items of a trait at least four load highest on the same one.
    for trait in "ACEN":
        own = target.filter(pl.col("item").str.starts_with(trait))["factor"].to_list()
        assert max(own.count(f) for f in set(own)) >= 4
