"""How groups differ together: known covariances, a slow twin, and what must not change anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from demoscope.scores import compare
from demoscope.scores.between_covariance import Layout
from demoscope.scores.between_groups import category_loadings
from demoscope.scores.between_scores import Variables, between_scores, quality
from demoscope.scores.group_means import Means, Persons, group_means, sampling_covariance
from demoscope.scores.resampling import Design, Streams
from demoscope.scores.sides import CodedSide
from demoscope.stats.designs import design_columns
from demoscope.surveys import Item, Option, Survey
from tests.reference import between_groups as twin
from tests.scores.grouped import answers, expected, frame, true_chances, yes_no

if TYPE_CHECKING:
    from demoscope.scores.comparison import Comparison

TABLES = ("between_groups", "between_summary", "between_pairs")
SURVEYS = 60
LOWEST_COVERAGE = 0.89
"""Of intervals at 95 %: two standard errors below, with 60 surveys, would be 0.894."""


def scored(people: pl.DataFrame, model: pl.DataFrame, items: tuple[Item, ...], **settings) -> Comparison:
    options = {"replicates": 100, "permutations": 50, "seed": 1, "human_id": "id"} | settings
    survey = Survey(id="made-up", title="Made up", items=items, country_column="group")
    return compare(people, model, survey=survey, country="group", **options)


def value(found: Comparison, statistic: str, column: str = "value", *, level: str = "item", part: str = "all"):
    rows = found.between_groups.filter(level=level, statistic=statistic, part=part)
    return rows[column].item()


def summary(found: Comparison, *, level: str = "item", part: str = "all") -> dict:
    return found.between_summary.filter(level=level, part=part).row(0, named=True)


def correlations(means: np.ndarray) -> np.ndarray:
    return np.corrcoef(means.T)[np.triu_indices(means.shape[1], k=1)]


def persons(codes: np.ndarray, streams: Streams, *, name: str, weights: np.ndarray | None = None) -> list[Persons]:
    groups, n, items = codes.shape
    weights = np.ones((groups, n)) if weights is None else weights
    return [
        Persons(
            CodedSide(codes[g].astype(np.uint8), (2,) * items, weights[g], tuple(map(str, range(n)))),
            streams.multiplicities(n, country=f"{name}{g}", purpose="respondent"),
            n / (n - 1),
        )
        for g in range(groups)
    ]


def everywhere(groups: int, items: int) -> Layout:
    return Layout(np.ones((groups, items), dtype=bool), np.zeros(groups, dtype=np.int64))


def true_means(means: np.ndarray) -> Means:
    """Means that are known without error."""
    return Means(
        means,
        np.zeros((*means.shape, means.shape[1])),
        lambda rows: np.broadcast_to(means, (rows.stop - rows.start, *means.shape)),
    )


def test_covariances_between_groups_are_those_of_the_true_means():
    """Over many samples corrected covariances have the true mean; uncorrected ones hold the noise of persons too."""
    chances = true_chances(1, groups=8, items=5)
    truth = np.cov(chances.T)
    layout, items = everywhere(8, 5), yes_no(5)
    streams = Streams(seed=1, replicates=2, threads=1)
    plain, corrected = [], []
    for seed in range(400):
        means = group_means(persons(answers(chances, n=30, seed=seed, together=0.7), streams, name=""), items, fewest=2)
        plain.append(layout.spread(means.full[None]).cross[0])
        corrected.append(plain[-1] - layout.noise(means.sampling).cross[0])
    error = np.std(corrected, axis=0) / np.sqrt(400)
    assert (np.abs(np.mean(corrected, axis=0) - truth) < 4 * error).all()
    # Persons' answers go together beyond their group, so that noise inflates off-diagonals as well.
    assert (np.mean(plain, axis=0) - truth > 4 * error).all()


def test_sampling_covariance_is_that_of_means_of_new_samples():
    rng = np.random.default_rng(3)
    n, items = 400, yes_no(3)
    codes = answers(np.array([[0.3, 0.5, 0.6]]), n=n, seed=5)[0].astype(np.uint8)
    codes[rng.random(codes.shape) < 0.2] = 255
    weights = rng.uniform(0.3, 3.0, size=n)
    streams = Streams(seed=2, replicates=4000, threads=1)
    group = Persons(
        CodedSide(codes, (2, 2, 2), weights, tuple(map(str, range(n)))),
        streams.multiplicities(n, country="", purpose="respondent"),
        n / (n - 1),
    )
    means = group_means([group], items, fewest=2)
    drawn = means.replicates(slice(0, 4000))[:, 0]
    # 4,000 replicates know a variance to about 2 %.
    scale = np.sqrt(np.outer(means.sampling[0].diagonal(), means.sampling[0].diagonal()))
    assert np.abs(np.cov(drawn.T) - means.sampling[0]).max() < 0.08 * scale.max()
    complete = CodedSide(np.where(codes == 255, 0, codes), (2, 2, 2), np.ones(n), group.side.persons)
    plain = sampling_covariance(Persons(complete, group.factors, 1.0), items, complete.codes.mean(axis=0) + 1.0)
    assert plain == pytest.approx(np.cov(complete.codes.T) / n, rel=1e-10)


def _with_holes(seed: int, *, groups: int = 6, n: int = 40, items: int = 4):
    rng = np.random.default_rng(seed)
    chances = true_chances(seed, groups=groups, items=items, spread=0.2)
    table = frame(answers(chances, n=n, seed=seed)).with_columns(weight=pl.Series(rng.uniform(0.5, 2.0, groups * n)))
    holes = {f"q{j}": pl.Series(rng.random(groups * n) < 0.1) for j in range(items)}
    table = table.with_columns(pl.when(~holes[name]).then(name).alias(name) for name in holes)
    return table.with_columns(q3=pl.when(pl.col("group") != "g02").then("q3"))


def _twin(table: pl.DataFrame, weights: str | None, *, factors: list[np.ndarray] | None = None) -> list[twin.Side]:
    """The full sample, or one replicate after the other."""
    parts = [table.filter(group=name) for name in sorted(table["group"].unique())]
    sides = []
    for b in range(1 if factors is None else len(factors[0])):
        groups = []
        for g, part in enumerate(parts):
            own = part[weights].to_list() if weights else [1.0] * part.height
            if factors is not None:
                own = [w * float(f) for w, f in zip(own, factors[g][b], strict=True)]
            rows = [
                [None if y is None else y + 1.0 for y in row] for row in part.select(f"q{j}" for j in range(4)).rows()
            ]
            groups.append((rows, own))
        sides.append(twin.Side(groups, {(2, 3)}))
    return sides


def test_slow_twin_with_weights_missing_answers_and_an_item_that_a_group_was_not_asked():
    people = _with_holes(4)
    model = frame(answers(true_chances(5, groups=6, items=4, spread=0.2), n=50, seed=6), prefix="m").rename(
        {"id": "persona_id"}
    )
    replicates, streams = 30, Streams(seed=1, replicates=30, threads=1)
    found = scored(people, model, yes_no(4), weights="weight", replicates=replicates)
    (human,), (other,) = _twin(people, "weight"), _twin(model, None)
    pairs = [(j, k) for j in range(4) for k in range(j + 1, 4)]
    table = found.between_pairs.filter(level="item")
    assert table.height == 4 + 6
    diagonal, rest = table.filter(pl.col("a") == pl.col("b")), table.filter(pl.col("a") != pl.col("b"))
    assert diagonal["human"].to_list() == pytest.approx([human.reliability(j) for j in range(4)], rel=1e-9)
    assert diagonal["model_value"].to_list() == pytest.approx([other.reliability(j) for j in range(4)], rel=1e-9)
    assert diagonal["n_groups"].to_list() == [6, 6, 6, 5]
    h, m = ([side.correlation(j, k) for j, k in pairs] for side in (human, other))
    assert rest["human"].to_list() == pytest.approx(h, rel=1e-9)
    assert rest["model_value"].to_list() == pytest.approx(m, rel=1e-9)
    assert rest["n_groups"].to_list() == [6, 6, 5, 6, 5, 5]
    plain = [[side.correlation(j, k, times=0) for j, k in pairs] for side in (human, other)]
    assert value(found, "pearson") == pytest.approx(twin.pearson(*plain), rel=1e-9)
    assert value(found, "rmse") == pytest.approx(twin.rmse(*plain), rel=1e-9)

    replicated = []
    for side, table, weights, purpose in ((human, people, "weight", "respondent"), (other, model, None, "persona")):
        sizes = [len(rows) for rows, _ in side.groups]
        factors = [streams.multiplicities(n, country=f"g{g:02}", purpose=purpose) for g, n in enumerate(sizes)]
        rows = []
        for drawn in _twin(table, weights, factors=factors):
            # Spread about the sample as far as new samples would be.
            means = [
                [
                    None if full is None else full + np.sqrt(n / (n - 1)) * (again - full)
                    for full, again in zip(side.means[g], drawn.means[g], strict=True)
                ]
                for g, n in enumerate(sizes)
            ]
            own = [side.correlation(j, k, times=2, means=means) for j, k in pairs]
            rows.append([r if np.isfinite(r) else s for r, s in zip(own, (h, m)[side is other], strict=True)])
        replicated.append(rows)
    terms = twin.terms(h, m, *replicated)
    assert value(found, "similarity") == pytest.approx(terms["hm"] / np.sqrt(terms["hh"] * terms["mm"]), rel=1e-8)
    assert value(found, "constraint") == pytest.approx(np.sqrt(terms["mm"] / terms["hh"]), rel=1e-8)
    assert value(found, "slope") == pytest.approx(terms["hm"] / terms["hh"], rel=1e-8)
    r2 = 1 - (terms["hh"] + terms["mm"] - 2 * terms["hm"]) / terms["hh"]
    assert value(found, "structure_r2") == pytest.approx(r2, rel=1e-8)


@pytest.fixture(scope="module")
def usual():
    chances = true_chances(1, groups=10, items=12)
    model = 0.5 + 0.5 * (chances - 0.5) + np.random.default_rng(3).normal(0, 0.03, chances.shape)
    return chances, model, frame(answers(chances, n=300, seed=2)), expected(model)


@pytest.fixture(scope="module")
def found(usual):
    _, _, people, model = usual
    return scored(people, model, yes_no(12, domains=4), permutations=200)


def test_a_model_of_known_structure_is_recovered(usual, found):
    chances, model, _, _ = usual
    h, m = correlations(chances), correlations(model)
    truth = {
        "similarity": (h * m).mean() / np.sqrt(np.square(h).mean() * np.square(m).mean()),
        "constraint": np.sqrt(np.square(m).mean() / np.square(h).mean()),
        "slope": (h * m).mean() / np.square(h).mean(),
    }
    for name, expected_value in truth.items():
        assert value(found, name) == pytest.approx(expected_value, abs=0.08)
    assert value(found, "similarity", "permuted_p") == pytest.approx(1 / 201)
    row = summary(found)
    assert (row["groups"], row["n_groups"], row["variables"], row["pairs"]) == ("countries", 10, 12, 66)
    assert (row["n_human"], row["n_model"], row["overlap"]) == (300, 2, False)
    assert row["reliability_model"] == 1
    assert found.between_pairs.filter(level="item", a="q0", b="q1")["model_value"].item() == pytest.approx(m[0])
    assert found.summary()["between_groups"] == found.between_groups.to_dicts()


def test_permuted_groups_have_the_correlations_of_chance(found):
    """A squared correlation over G groups that have nothing to do with each other is 1 / (G - 1) on average."""
    assert summary(found)["permuted_square"] == pytest.approx(1 / 9, rel=0.05)
    assert abs(value(found, "similarity", "permuted")) < 0.05
    assert value(found, "similarity", "permuted_low") < -0.1
    assert value(found, "similarity", "permuted_high") > 0.1
    assert value(found, "pearson", "permuted") == pytest.approx(0, abs=0.05)


def test_p_value_of_models_without_relation_to_people_is_that_of_chance(usual):
    chances = usual[0]
    items, layout, streams = yes_no(12), everywhere(10, 12), Streams(seed=1, replicates=20, threads=1)
    variables = Variables(tuple(item.id for item in items), np.ones(12), np.ones((12, 12), dtype=bool))
    people = group_means(persons(answers(chances, n=300, seed=2), streams, name=""), items, fewest=2)
    every, p = np.ones(12, dtype=bool), []
    for seed in range(200):
        other = true_means(true_chances(100 + seed, groups=10, items=12))
        found = between_scores(
            people, other, layout=layout, variables=variables, used=every, modelled=every, streams=streams,
            permutations=100, purpose=f"model {seed}",
        )  # fmt: skip
        p.append(found.chance.p)
    assert np.mean(np.array(p) < 0.05) <= 0.1
    assert np.mean(np.array(p) < 0.5) == pytest.approx(0.5, abs=0.12)


def test_permuted_groups_share_no_sampling_error():
    """Few drawn personas whose answers go together: dealt to other groups, nothing of that is left to be taken off."""
    chances = 0.5 + 0.15 * np.linspace(-1, 1, 10)[:, None] + np.random.default_rng(1).normal(0, 0.03, (10, 8))
    streams, layout = Streams(seed=1, replicates=20, threads=1), everywhere(10, 8)
    drawn = answers(chances, n=25, seed=3, together=0.9)
    model = group_means(persons(drawn, streams, name=""), yes_no(8), fewest=2)
    variables = Variables(tuple(f"q{j}" for j in range(8)), np.ones(8), np.ones((8, 8), dtype=bool))
    every = np.ones(8, dtype=bool)
    found = between_scores(
        true_means(chances), model, layout=layout, variables=variables, used=every, modelled=every, streams=streams,
        permutations=2000, purpose="model",
    )  # fmt: skip
    # Correlations of people are near 1 here, so that the slope is the mean correlation of permuted models.
    assert abs(found.chance.values["slope"].value) < 0.02


def test_halves_of_the_people_agree(usual):
    chances, _, _, model = usual
    many = scored(frame(answers(chances, n=4000, seed=9)), model, yes_no(12, domains=4), replicates=30)
    for level in ("item", "category"):
        for name in ("structure_r2", "similarity", "constraint"):
            assert value(many, name, "split_half", level=level) == pytest.approx(1, abs=0.04)
        assert value(many, "srmr", "split_half", level=level) < 0.06
        assert value(many, "pearson", "split_half", level=level) > 0.98


def test_direction_of_scales_changes_nothing_but_pearson():
    chances = true_chances(1, groups=10, items=12)
    model = 0.5 + 0.5 * (chances - 0.5) + np.random.default_rng(3).normal(0, 0.03, chances.shape)
    codes = answers(chances, n=300, seed=2)
    turned_codes, turned_model = codes.copy(), model.copy()
    turned_codes[:, :, 3] = 1 - turned_codes[:, :, 3]
    turned_model[:, 3] = 1 - turned_model[:, 3]
    polarity = tuple(-1 if j == 3 else 1 for j in range(12))
    plain = scored(frame(codes), expected(model), yes_no(12, domains=4))
    turned = scored(frame(turned_codes), expected(turned_model), yes_no(12, domains=4, polarity=polarity))
    for level in ("item", "category"):
        for name in ("structure_r2", "similarity", "constraint", "slope", "srmr", "rmse"):
            for column in ("value", "split_half"):
                assert value(turned, name, column, level=level) == pytest.approx(
                    value(plain, name, column, level=level)
                )
    assert value(turned, "pearson", level="category") == pytest.approx(value(plain, "pearson", level="category"))
    assert abs(value(turned, "pearson") - value(plain, "pearson")) > 0.001
    unaligned = scored(frame(turned_codes), expected(turned_model), yes_no(12, domains=4))
    assert value(unaligned, "similarity", level="category") != pytest.approx(
        value(plain, "similarity", level="category"), abs=1e-6
    )


def test_scale_of_weights_and_order_of_groups_and_rows_change_nothing(usual):
    _, _, people, model = usual
    rng = np.random.default_rng(4)
    people = people.with_columns(weight=pl.Series(rng.uniform(0.5, 2, people.height)))
    one = scored(people, model, yes_no(12), weights="weight")
    tenfold = scored(people.with_columns(pl.col("weight") * 8), model, yes_no(12), weights="weight")
    shuffled = scored(people, model.sample(fraction=1.0, shuffle=True, seed=3), yes_no(12), weights="weight")
    blocks = [people.filter(group=name) for name in sorted(people["group"].unique(), reverse=True)]
    reversed_groups = scored(pl.concat(blocks), model, yes_no(12), weights="weight", threads=2)
    for name in TABLES:
        assert_frame_equal(getattr(one, name), getattr(tenfold, name), abs_tol=1e-9, rel_tol=1e-9)
        for other in (shuffled, reversed_groups):
            assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)


def test_an_item_that_few_groups_were_asked_is_named_and_changes_nothing_else(usual):
    _, _, people, model = usual
    asked = pl.col("group").is_in(["g00", "g01", "g02"])
    fewer = scored(people.with_columns(q11=pl.when(asked).then("q11")), model, yes_no(12))
    without = scored(people.drop("q11"), model.filter(pl.col("item") != "q11"), yes_no(12)[:11])
    assert summary(fewer)["few_groups"] == ["q11"]
    assert summary(fewer)["variables"] == 11
    for name in ("structure_r2", "similarity", "constraint", "pearson", "rmse"):
        assert value(fewer, name) == pytest.approx(value(without, name), rel=1e-12)
    declared = [*yes_no(12)[:11], yes_no(12)[11].model_copy(update={"asked_in": ("g00", "g01", "g02")})]
    assert summary(scored(people, model, tuple(declared)))["few_groups"] == ["q11"]


def test_items_that_tell_groups_apart_by_noise_alone_are_left_out(usual):
    chances, model, _, _ = usual
    flat = chances.copy()
    flat[:, 0] = 0.5
    found = scored(frame(answers(flat, n=300, seed=4)), expected(model), yes_no(12))
    assert summary(found)["unreliable"] == ["q0"]
    assert summary(found)["variables"] == 11
    assert found.between_pairs.filter(pl.col("a") == "q0", level="item")["b"].to_list() == ["q0"]


def test_a_model_that_answers_alike_for_all_groups_has_no_structure(usual):
    chances, model, people, _ = usual
    found = scored(people, expected(np.full(chances.shape, 0.3)), yes_no(12))
    row = summary(found)
    assert (row["pairs"], row["pairs_estimable"]) == (66, 0)
    assert row["model_still"] == [f"q{j}" for j in range(12)]
    assert value(found, "structure_r2") == 0
    assert value(found, "similarity") is None
    assert value(found, "similarity", "permuted_p") is None
    assert value(found, "pearson") is None
    partly = model.copy()
    partly[:, 0] = 0.3
    row = summary(scored(people, expected(partly), yes_no(12)))
    assert (row["model_still"], row["pairs"], row["pairs_estimable"]) == (["q0"], 66, 55)


def test_drawn_answers_without_differences_leave_nothing_to_score(usual):
    chances, _, people, _ = usual
    drawn = frame(answers(np.full(chances.shape, 0.5), n=40, seed=3), prefix="m").rename({"id": "persona_id"})
    row = summary(scored(people, drawn, yes_no(12)))
    assert len(row["model_unreliable"]) >= 10
    assert row["variables"] == 12 - len(row["model_unreliable"])


def test_three_countries_and_no_cells_have_no_rows(usual):
    _, _, people, model = usual
    three = pl.col("group").is_in(["g00", "g01", "g02"])
    found = scored(people.filter(three), model.filter(three), yes_no(12))
    assert all(getattr(found, name).is_empty() for name in TABLES)


def test_groups_that_share_respondents_are_noticed(usual):
    _, _, people, model = usual
    n = 300
    numbers = pl.Series([str(row % n) for row in range(people.height)])
    shared = people.with_columns(id=pl.col("group") + "/" + numbers)
    assert summary(scored(shared, model, yes_no(12)))["overlap"]
    own = people.with_columns(id=pl.col("group") + "/" + pl.col("id"))
    assert not summary(scored(own, model, yes_no(12)))["overlap"]


def test_the_pattern_of_fewer_than_three_pairs_is_not_scored(usual):
    _, _, people, model = usual
    two = scored(people.select("group", "id", "q0", "q1"), model.filter(pl.col("item").is_in(["q0", "q1"])), yes_no(2))
    assert summary(two)["pairs"] == 1
    assert two.between_groups.select("value", "split_half").null_count().row(0) == (7, 7)
    assert two.between_pairs.filter(pl.col("a") != pl.col("b"))["human"].is_not_null().all()
    assert scored(people, model, yes_no(12, domains=2)).between_summary["level"].to_list() == ["item"]


def test_logically_tied_items_are_no_pair(usual):
    _, _, people, model = usual
    items = tuple(
        item.model_copy(update={"block": "choose two"}) if item.id in ("q0", "q1", "q2") else item
        for item in yes_no(12)
    )
    assert summary(scored(people, model, items))["pairs"] == 66 - 3


def in_cells(seed: int, *, countries: int = 5, cells: int = 8, n: int = 60):
    """People of cells of an attribute within countries; country and cell both move the answers."""
    rng = np.random.default_rng(seed)
    of_country = true_chances(seed, groups=countries, items=8, spread=0.1) - 0.5
    of_cell = true_chances(seed + 1, groups=countries * cells, items=8, spread=0.07) - 0.5
    chances = np.clip(0.5 + np.repeat(of_country, cells, axis=0) + of_cell, 0.05, 0.95)
    names = [f"c{c}" for c in range(countries) for _ in range(cells)]
    people = frame(answers(chances, n=n, seed=seed), names=names)
    attribute = pl.Series("age", np.tile(np.repeat([f"band {a}" for a in range(cells)], n), countries))
    model = np.clip(0.5 + 0.6 * (chances - 0.5) + rng.normal(0, 0.02, chances.shape), 0.02, 0.98)
    drawn = frame((rng.random((len(names), n, 8)) < model[:, None]).astype(int), names=names, prefix="m")
    return chances, model, people.with_columns(attribute), drawn.rename({"id": "persona_id"}).with_columns(attribute)


def test_cells_are_the_groups_where_there_are_thirty_of_them():
    _, _, people, _ = in_cells(1)
    model = people.rename({"id": "persona_id"})
    found = scored(people, model, yes_no(8))
    row = summary(found)
    assert (row["groups"], row["n_groups"], row["n_human"], row["n_model"]) == ("cells", 40, 60, 60)
    assert found.between_summary["part"].unique(maintain_order=True).to_list() == [
        "all", "between_countries", "within_countries",
    ]  # fmt: skip
    assert summary(found, part="between_countries")["n_groups"] == 5
    # The same answers on both sides are the same structure, whatever the part.
    for part in ("all", "between_countries", "within_countries"):
        assert value(found, "pearson", part=part) == pytest.approx(1)
        assert value(found, "rmse", part=part) == pytest.approx(0, abs=1e-7)
    fewer = pl.col("age").is_in([f"band {a}" for a in range(5)])
    countries = scored(people.filter(fewer), model.filter(fewer), yes_no(8))
    assert (summary(countries)["groups"], summary(countries)["n_groups"]) == ("countries", 5)


def test_cells_with_few_people_are_no_groups():
    _, _, people, model = in_cells(1)
    small = (pl.col("group") == "c0") & (pl.col("age") == "band 0")
    kept = people.filter(~small | (pl.int_range(pl.len()) < 29))
    assert summary(scored(kept, model, yes_no(8)))["n_groups"] == 39
    kept = model.filter(~small | (pl.int_range(pl.len()) < 29))
    assert summary(scored(people, kept, yes_no(8)))["n_groups"] == 39


def test_people_of_whom_an_attribute_is_unknown_are_in_no_cell():
    _, _, people, model = in_cells(1)
    unknown = (pl.col("group") == "c0") & (pl.int_range(pl.len()) < 35)
    people, model = (side.with_columns(age=pl.when(~unknown).then("age")) for side in (people, model))
    row = summary(scored(people, model, yes_no(8)))
    assert (row["n_groups"], row["n_human"], row["n_model"]) == (39, 60, 60)


def test_differences_between_and_within_countries_are_those_of_the_means():
    chances, _, people, model = in_cells(3, n=500)
    found = scored(people, model, yes_no(8), replicates=20)
    pairs = found.between_pairs.filter(pl.col("a") != pl.col("b"), level="item")["human"].to_numpy()
    assert np.abs(pairs - correlations(chances)).max() < 0.2
    of_countries = chances.reshape(5, 8, 8)
    centred = (of_countries - of_countries.mean(axis=1, keepdims=True)).reshape(40, 8)
    layout = Layout(np.ones((40, 8), dtype=bool), np.repeat(np.arange(5), 8))
    spread = layout.spread(chances[None]).cross[0]
    assert spread == pytest.approx(centred.T @ centred / 35)
    pooled = true_means(chances).pooled([np.arange(8 * c, 8 * c + 8) for c in range(5)])
    assert pooled.full == pytest.approx(of_countries.mean(axis=1))


def test_noise_within_and_between_countries_is_what_sampling_adds():
    """Where all true means are the same, everything that is seen is noise."""
    layout = Layout(np.ones((12, 2), dtype=bool), np.repeat(np.arange(3), 4))
    chances, items = np.full((12, 2), 0.4), yes_no(2)
    streams = Streams(seed=1, replicates=2, threads=1)
    within, between = [], []
    for seed in range(400):
        means = group_means(persons(answers(chances, n=20, seed=seed), streams, name=""), items, fewest=2)
        within.append(layout.spread(means.full[None]).cross[0] - layout.noise(means.sampling).cross[0])
        pooled = means.pooled([np.arange(4 * c, 4 * c + 4) for c in range(3)])
        whole = everywhere(3, 2)
        between.append(whole.spread(pooled.full[None]).cross[0] - whole.noise(pooled.sampling).cross[0])
    for found in (within, between):
        assert (np.abs(np.mean(found, axis=0)) < 4 * np.std(found, axis=0) / 20).all()


def test_permutations_deal_values_within_strata_and_where_defined():
    defined = np.ones((7, 3), dtype=bool)
    defined[[1, 5], 1] = False
    strata = np.array([0, 1, 0, 1, 0, 1, 1])
    layout = Layout(defined, strata)
    means = np.where(defined, np.arange(21.0).reshape(7, 3), np.nan)
    rng = np.random.default_rng(1)
    orders = np.array([[rng.permutation(7) for _ in range(3)] for _ in range(50)])
    dealt = layout.permuted(means, orders)
    assert (np.isfinite(dealt) == defined).all()
    for stratum in (0, 1):
        rows = strata == stratum
        assert (np.sort(dealt[:, rows], axis=1)[:, :, [0, 2]] == np.sort(means[rows], axis=0)[:, [0, 2]]).all()
    assert len({tuple(row) for row in dealt[:, :, 0]}) > 20
    assert (dealt[:, :, 0] != dealt[:, :, 2] - 2).any()


def test_categories_are_means_of_scales_from_zero_to_one():
    long = Item(
        id="a", text="?", domain="x", polarity=-1, options=tuple(Option(code=k, label=str(k)) for k in range(5))
    )
    items = (long, yes_no(1)[0].model_copy(update={"id": "b", "domain": "x"}), *yes_no(3, domains=3))
    loadings, names = category_loadings(items, np.array([True, True, True, False, True]))
    assert names == ("x", "domain 0", "domain 2")
    assert loadings.tolist() == [[-1 / 8, 1 / 2, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]]


def test_sampling_covariance_of_part_of_a_design_is_that_of_its_replicates():
    """Units within strata; the group is every third person, so that units and strata are cut by it."""
    rng = np.random.default_rng(6)
    n = 900
    table = pl.DataFrame({"stratum": np.arange(n) // 300, "psu": np.arange(n) // 30})
    shared = rng.normal(size=(30, 1, 2)).repeat(30, axis=1).reshape(n, 2)
    codes = (shared + rng.normal(size=(n, 2)) < 0.2).astype(np.uint8)
    columns = design_columns(table, strata="stratum", psu="psu")
    everyone, streams = np.arange(n), Streams(seed=3, replicates=4000, threads=1)
    drawn = Design(columns).resampled(everyone, country="", purpose="respondent", streams=streams)
    units = columns.units(everyone)
    weights = rng.uniform(0.5, 2.0, size=n)
    side = CodedSide(codes, (2, 2), weights, tuple(map(str, everyone)))
    country = Persons(side, drawn.factors, drawn.correction, units.unit, units)
    means = group_means(
        [country.take(everyone[rows]) for rows in (everyone % 3 == 0, everyone >= 0)], yes_no(2), fewest=2
    )
    replicates = means.replicates(slice(0, 4000))
    for group in range(2):
        found, shown = means.sampling[group], np.cov(replicates[:, group].T)
        assert np.abs(found - shown).max() < 0.08 * found.max()
        # Far more than persons drawn one by one would have.
        alone = sampling_covariance(Persons(side, drawn.factors, 1.0), yes_no(2), means.full[1])
        assert found.max() > 5 * alone.max()


def test_people_drawn_in_units_have_more_noise_in_their_means(usual):
    chances, _, _, model = usual
    rng = np.random.default_rng(5)
    # Ten units of 30 in each group; persons of a unit share half of what moves their answers.
    shared = rng.normal(size=(10, 10, 1, 12)).repeat(30, axis=2).reshape(10, 300, 12)
    latent = (shared + rng.normal(size=shared.shape)) / np.sqrt(2)
    normal = np.quantile(latent.reshape(-1, 12), chances.ravel(), axis=0).mean(axis=1).reshape(10, 12)
    people = frame((latent < normal[:, None]).astype(int))
    people = people.with_columns(psu=pl.Series(np.arange(3000) // 30))
    alone, units = (scored(people, model, yes_no(12), psu=psu, replicates=300) for psu in (None, "psu"))
    assert summary(units)["reliability_human"] < summary(alone)["reliability_human"] - 0.1
    wide = [row["human_se"] for row in units.between_pairs.filter(pl.col("a") != pl.col("b")).to_dicts()]
    narrow = [row["human_se"] for row in alone.between_pairs.filter(pl.col("a") != pl.col("b")).to_dicts()]
    assert np.mean(wide) > 1.5 * np.mean(narrow)


def test_matched_personas_share_the_noise_of_their_respondents(usual):
    """A model that repeats what its respondents said has no distance to them that is not noise of both."""
    _, _, people, _ = usual
    own = people.rename({"id": "persona_id"}).with_columns(source_respondent_id="persona_id")
    found = scored(people, own, yes_no(12))
    assert value(found, "similarity") == pytest.approx(1)
    assert value(found, "srmr") == pytest.approx(0, abs=1e-6)
    assert value(found, "structure_r2", "high") == pytest.approx(1)


@pytest.mark.parametrize("personas", [0, 300])
def test_intervals_hold_the_truth(personas):
    chances = true_chances(1, groups=10, items=12)
    model = 0.5 + 0.5 * (chances - 0.5) + np.random.default_rng(3).normal(0, 0.03, chances.shape)
    h, m = correlations(chances), correlations(model)
    hh, mm, hm = np.square(h).mean(), np.square(m).mean(), (h * m).mean()
    truth = {
        "structure_r2": 1 - (hh + mm - 2 * hm) / hh,
        "similarity": hm / np.sqrt(hh * mm),
        "constraint": np.sqrt(mm / hh),
        "slope": hm / hh,
    }
    items, layout = yes_no(12), everywhere(10, 12)
    variables = Variables(tuple(item.id for item in items), np.ones(12), np.ones((12, 12), dtype=bool))
    held: dict[str, list[bool]] = {name: [] for name in truth}
    for seed in range(SURVEYS):
        streams = Streams(seed=seed, replicates=200, threads=1)
        human = group_means(persons(answers(chances, n=300, seed=2 * seed), streams, name="h"), items, fewest=2)
        other = true_means(model)
        if personas:
            drawn = answers(model, n=personas, seed=2 * seed + 1)
            other = group_means(persons(drawn, streams, name="m"), items, fewest=2)
        used = quality(human, layout, variables.scales).usable & quality(other, layout, variables.scales).usable
        found = between_scores(
            human, other, layout=layout, variables=variables, used=used, modelled=used, streams=streams
        )
        for name, true in truth.items():
            held[name].append(found.values[name].low <= true <= found.values[name].high)
    for name, hits in held.items():
        assert np.mean(hits) >= LOWEST_COVERAGE, name
