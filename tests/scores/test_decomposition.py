"""What lies between and within personas: known truths, a slow twin, and the faults that it is there to catch."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from demoscope.errors import DataError
from demoscope.responses.draw import draw_answers
from demoscope.scores.comparison import FRAMES, Comparison
from demoscope.scores.decomposition import Dependence, Resample, dependence
from demoscope.surveys import Item, Option
from tests.scores.draws import decomposed, response_table, yes_no_items, yes_probabilities
from tests.scores.simulated import ATTRIBUTES, SURVEY, people, scored

TABLES = 100
LOWEST_COVERAGE = 0.93


def answers(
    seed: int, *, personas: int = 150, draws: int = 2, items: int = 5, between: float = 0.1, within: float = 0.0
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    yes = yes_probabilities(rng, personas=personas, draws=draws, items=items, between=between, within=within)
    return (rng.random(yes.shape) < yes).astype(int)


def in_short(codes: np.ndarray, **options) -> Dependence:
    return dependence(decomposed(response_table(codes), yes_no_items(codes.shape[2]), **options))


def holds_zero(found: Dependence) -> bool:
    return found.within_square.low <= 0


def test_both_parts_of_a_conversation_are_recovered():
    (found,) = decomposed(response_table(answers(1, personas=3000, between=0.2, within=0.1)), yes_no_items(5))
    assert found.within[0] == pytest.approx(0.1, abs=0.04)
    assert found.between[0] == pytest.approx(0.2, abs=0.04)
    assert found.total[0] == pytest.approx(found.between[0] + found.within[0])
    assert found.icc[0] == pytest.approx(0.2, abs=0.04)
    inside = (found.within[1] <= 0.1) & (found.within[2] >= 0.1)
    assert inside.mean() >= 0.8
    short = dependence([found])
    assert short.within.low < 0.1 < short.within.high
    assert short.between.low < 0.2 < short.between.high
    assert short.icc.low < 0.2 < short.icc.high
    assert short.within_square.low > 0
    assert short.within_p == pytest.approx(1 / 201)


def test_more_draws_measure_the_same_thing():
    two, four = (in_short(answers(2, personas=1500, draws=draws, between=0.2, within=0.15)) for draws in (2, 4))
    assert two.within.value == pytest.approx(0.15, abs=0.03)
    assert four.within.value == pytest.approx(0.15, abs=0.03)
    assert four.within.high - four.within.low < two.within.high - two.within.low


def test_items_asked_alone_share_nothing_within_a_draw():
    """Over simulated tables the interval holds 0, and p values are those of chance."""
    found = [in_short(answers(seed)) for seed in range(TABLES)]
    assert np.mean([holds_zero(one) for one in found]) >= LOWEST_COVERAGE
    assert np.mean([one.within_p < 0.05 for one in found]) <= 0.12
    assert np.mean([one.icc.low <= 0.1 <= one.icc.high for one in found]) >= 0.88
    assert np.mean([one.icc.value for one in found]) == pytest.approx(0.1, abs=0.01)
    # A mean square is unbiased: negative as often as noise makes it so.
    assert abs(np.mean([one.within_square.value for one in found])) < 0.0005


def test_one_seed_for_all_items_of_a_draw_is_caught():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        yes = yes_probabilities(rng, personas=100, draws=2, items=4, between=0.1, within=0.0)
        found = in_short((rng.random((100, 2, 1)) < yes).astype(int))
        assert found.within_square.low > 0
        assert found.within_p == pytest.approx(1 / 201)
        assert found.within.value > 0.7


def test_our_own_draws_share_no_noise_and_would_be_caught_if_they_did():
    yes = yes_probabilities(np.random.default_rng(5), personas=400, draws=1, items=6, between=0.15, within=0.0)[:, 0, 0]
    probs = np.column_stack([1 - yes, yes])

    def drawn(name: str) -> np.ndarray:
        of_items = [
            draw_answers(probs, np.arange(400), [name.format(s=s, j=j) for s in range(400)], seed=7, draws=2)
            for j in range(6)
        ]
        return np.stack(of_items, axis=2).astype(int)

    assert holds_zero(in_short(drawn("p{s}|q{j}|given")))
    assert not holds_zero(in_short(drawn("p{s}|same|given")))


def test_slow_twin_with_weights_and_missing_answers():
    """Loops over persons, draws and pairs of draws give the same covariances."""
    rng = np.random.default_rng(3)
    scores = (1.0, 2.0, 4.5)
    options = tuple(Option(code=10 + a, label=str(a), score=x) for a, x in enumerate(scores))
    items = tuple(Item(id=f"q{j}", text="?", options=options) for j in range(3))
    n, draws = 120, 3
    levels = np.clip(np.round(rng.normal(size=(n, 1, 1)) + rng.normal(size=(n, draws, 3)) + 1), 0, 2).astype(int)
    known = rng.random(levels.shape) > 0.15
    weight = rng.uniform(0.5, 2.0, size=n)
    table = response_table(levels + 10, known=known)
    weights = pl.DataFrame({"persona_id": [f"p{s:05}" for s in range(n)], "weight": weight})
    (found,) = decomposed(table.join(weights, on="persona_id"), items, weights="weight")

    y = np.array(scores)[levels]
    means = [
        sum(weight[s] * y[s, d, j] for s in range(n) for d in range(draws) if known[s, d, j])
        / sum(weight[s] for s in range(n) for d in range(draws) if known[s, d, j])
        for j in range(3)
    ]
    effective = weight.sum() ** 2 / np.square(weight).sum()

    def covariances(j: int, k: int) -> tuple[float, float]:
        sums, masses = {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}
        for s, d, e in product(range(n), range(draws), range(draws)):
            if known[s, d, j] and known[s, e, k]:
                sums[d == e] += weight[s] * (y[s, d, j] - means[j]) * (y[s, e, k] - means[k])
                masses[d == e] += weight[s]
        t, b = sums[True] / masses[True], sums[False] / masses[False]
        lost = (t + (draws - 1) * b) / draws / (effective - 1)
        return t + lost, b + lost

    variance = [covariances(j, j) for j in range(3)]
    assert found.icc[0] == pytest.approx([b / t for t, b in variance], rel=1e-10)
    for pair, (j, k) in enumerate([(0, 1), (0, 2), (1, 2)]):
        t, b = covariances(j, k)
        scale = np.sqrt(variance[j][0] * variance[k][0])
        assert found.total[0, pair] == pytest.approx(t / scale, rel=1e-10)
        assert found.between[0, pair] == pytest.approx(b / scale, rel=1e-10)
        assert found.within[0, pair] == pytest.approx((t - b) / scale, rel=1e-10, abs=1e-12)


def test_probabilities_give_what_many_draws_would():
    rng = np.random.default_rng(8)
    yes = np.clip(0.5 + 0.2 * rng.normal(size=(200, 1)) + 0.1 * rng.normal(size=(200, 4)), 0.02, 0.98)
    codes = (rng.random((200, 300, 4)) < yes[:, None]).astype(int)
    table = response_table(codes).with_columns(probs=pl.lit(None, dtype=pl.List(pl.Float64)))
    persona, item = (axis.ravel() for axis in np.indices(yes.shape))
    cells = pl.DataFrame(
        {
            "persona_id": [f"p{s:05}" for s in persona],
            "item": [f"q{j}" for j in item],
            "draw": pl.Series([-1] * yes.size, dtype=pl.Int32),
            "probs": np.column_stack([1 - yes.ravel(), yes.ravel()]).tolist(),
            "status": "valid",
        }
    )
    drawn, exact = decomposed(pl.concat([table, cells], how="diagonal"), yes_no_items(4), replicates=50)
    assert (drawn.source, drawn.draws, exact.source, exact.draws) == ("drawn", 300, "exact", 0)
    # 300 draws leave a persona's mean an error of at most 0.03; over 200 personas that is far below the tolerance.
    assert drawn.icc[0] == pytest.approx(exact.icc[0], abs=0.01)
    assert drawn.between[0] == pytest.approx(exact.between[0], abs=0.01)
    assert exact.squares_within is None
    assert np.isnan(dependence([exact]).within_p)
    # One persona, one profile: the population covariance of the expected answers, by hand.
    deviations = yes - yes.mean(axis=0)
    covariance = deviations.T @ deviations / 199
    variance = covariance.diagonal() + (yes * (1 - yes)).mean(axis=0)
    by_hand = covariance / np.sqrt(np.outer(variance, variance))
    assert exact.between[0] == pytest.approx(by_hand[np.triu_indices(4, k=1)], rel=1e-9)
    assert exact.icc[0] == pytest.approx(by_hand.diagonal(), rel=1e-9)


def test_draws_that_repeat_themselves_have_all_variance_between_personas():
    codes = np.repeat(answers(4, draws=1), 2, axis=1)
    found = in_short(codes)
    assert found.icc.value == pytest.approx(1)
    assert found.within_square.value == pytest.approx(0, abs=1e-9)


def test_one_draw_few_personas_and_wide_answers_say_nothing():
    assert decomposed(response_table(answers(1, draws=1)), yes_no_items(5)) == ()
    assert decomposed(response_table(answers(1)).drop("draw").unique(["persona_id", "item"]), yes_no_items(5)) == ()
    none = dependence([])
    assert np.isnan([none.icc.value, none.between.value, none.within.low, none.within_p]).all()


def test_items_that_hardly_vary_are_left_out():
    codes = answers(1)
    codes[:, :, 0] = 1
    (found,) = decomposed(response_table(codes), yes_no_items(5))
    assert found.items == ("q1", "q2", "q3", "q4")
    codes[:, :, 2:] = 0
    (alone,) = decomposed(response_table(codes), yes_no_items(5))
    assert alone.items == ("q1",)
    assert alone.squares_within is None


def test_wrong_codes_and_twins_are_named():
    table = response_table(answers(1))
    later = pl.col("draw") == 1
    with pytest.raises(DataError, match=r"'q0': code 7"):
        decomposed(table.with_columns(code=pl.when(later).then(7).otherwise("code").cast(pl.Int32)), yes_no_items(5))
    with pytest.raises(DataError, match="'p00000' answers item 'q0' more than once"):
        decomposed(pl.concat([table, table.filter(later).head(1)]), yes_no_items(5))


@pytest.fixture(scope="module")
def data():
    return people(3, n=150)


def drawn_answers(data, *, draws: int, presentation: str, within: float = 0.0, seed: int = 1) -> pl.DataFrame:
    """One persona per respondent of the synthetic survey, answered from a latent normal per item."""
    rng = np.random.default_rng(seed)
    personas = data.frame.select(
        "country", *ATTRIBUTES, persona_id="respondent_id", source_respondent_id="respondent_id"
    )
    n = personas.height
    latent = np.sqrt(0.2) * rng.normal(size=(n, 1, 1)) + np.sqrt(within) * rng.normal(size=(n, 5, 1))
    latent = latent + np.sqrt(0.8 - within) * rng.normal(size=(n, 5, len(SURVEY.items)))
    parts = []
    for draw, (j, item) in product(range(draws), enumerate(SURVEY.items)):
        cuts = np.quantile(latent[:, :, j], np.linspace(0, 1, len(item.options) + 1)[1:-1])
        codes = np.array(item.codes)[np.searchsorted(cuts, latent[:, draw, j])]
        parts.append(
            personas.with_columns(item=pl.lit(item.id), draw=pl.lit(draw), code=pl.Series(codes, dtype=pl.Int32))
        )
    return pl.concat(parts).with_columns(
        model=pl.lit("drawn"),
        steering=pl.lit("persona"),
        status=pl.lit("valid"),
        reason=pl.lit(None, dtype=pl.String),
        order=pl.lit("given"),
        presentation=pl.lit(presentation),
        position=pl.lit(0),
        probs=pl.lit(None, dtype=pl.List(pl.Float64)),
    )


def test_a_second_draw_adds_a_decomposition_and_changes_nothing_else(data):
    one, three = (scored(data, drawn_answers(data, draws=draws, presentation="single")) for draws in (1, 3))
    for name in FRAMES:
        if name not in ("decomposition", "decomposition_summary", "outcomes"):
            assert_frame_equal(getattr(one, name), getattr(three, name))
    assert one.verdicts == three.verdicts
    assert one.decomposition.is_empty()
    assert one.summary()["decomposition"] == []
    assert three.settings["source"] == "drawn"
    assert three.decomposition.height == 3 * (10 + 45)
    (row,) = three.summary()["decomposition"]
    assert (row["country"], row["source"], row["presentation"], row["draws"]) == ("(all)", "drawn", "single", 3)
    assert row["pairs"] == 135
    assert row["within_square_low"] <= 0


def test_an_interview_is_seen_and_read_back(data, tmp_path):
    found = scored(data, drawn_answers(data, draws=2, presentation="interview", within=0.3))
    row = found.decomposition_summary.row(-1, named=True)
    assert row["presentation"] == "interview"
    assert row["within_square_low"] > 0
    assert row["within"] == pytest.approx(0.27, abs=0.05)  # categories take a part of the latent .3
    found.write(tmp_path)
    assert_frame_equal(Comparison.read(tmp_path).decomposition, found.decomposition)


@pytest.mark.parametrize(
    ("presentation", "said"),
    [("single", "asked one at a time"), ("interview", "drawn in interviews"), ("battery", "drawn in batteries")],
)
def test_conditions_speak_of_how_items_were_asked(data, presentation, said):
    conditions = scored(
        data, drawn_answers(data, draws=1, presentation=presentation), replicates=20
    ).verdict.conditional
    assert said in conditions[0]
    alone = [sentence for sentence in conditions if "no dependence beyond" in sentence]
    assert len(alone) == (presentation == "single")


def test_drawn_answers_make_no_claim_of_structure(data):
    found = scored(data, drawn_answers(data, draws=2, presentation="interview", within=0.3))
    assert "no claim of structure is made" in found.verdict.structure
    assert found.structure["permuted_p"].is_null().all()


def test_several_ways_of_asking_and_unknown_ones_are_told(data):
    table = drawn_answers(data, draws=1, presentation="single")
    both = table.with_columns(
        presentation=pl.when(pl.col("item") == "voted").then(pl.lit("interview")).otherwise("presentation")
    )
    assert "in several ways (interview, single)" in scored(data, both, replicates=20).verdict.conditional[0]
    unknown = scored(data, table.drop("presentation"), replicates=20).verdict.conditional[0]
    assert unknown.startswith("How items were asked is not known")


def test_sums_over_personas_are_exact_so_no_order_of_adding_changes_a_bit():
    rng = np.random.default_rng(2)
    n, values = 701, np.random.default_rng(3).normal(size=(701, 7))
    weights, times = rng.uniform(0.3, 3, size=n), rng.multinomial(n, np.full(n, 1 / n), size=50).astype(float)
    order = rng.permutation(n)
    one = Resample(times, weights, n, 1.0).sums(values)
    other = Resample(times[:, order], weights[order], n, 1.0).sums(values[order])
    assert one.tobytes() == other.tobytes()
    assert one == pytest.approx((times * weights) @ values, abs=1e-9)
    assert (Resample(times, weights, n, 1.0).sums(np.zeros((n, 2))) == 0).all()
