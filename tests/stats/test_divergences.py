"""Distances of marginals against golden values, other programs and slow twins."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demoscope.errors import DataError
from demoscope.stats import divergences, kernels
from tests.reference.divergence import slow_divergences

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "reference" / "golden" / "divergences.json").read_text(encoding="utf-8")
)
CELLS = Path(__file__).parents[2] / ".." / "shared" / "data" / "ces-cells"
EXACT = 1e-12

# popfidelity 0.1.2, mean over 96 cells: W1 / range, total variation, Jensen-Shannon divergence in bits, Hellinger,
# Kolmogorov-Smirnov, energy distance.
POPFIDELITY = {
    ("ideo5", "ntp"): (
        0.09870510308579306,
        0.28144100121319804,
        0.08862554384153039,
        0.24532124143071563,
        0.1861527621168314,
        0.12831759071036275,
    ),
    ("relig_church", "ntp"): (
        0.10023557186663401,
        0.3014179085740551,
        0.09767944729667839,
        0.2582254680158235,
        0.24389363911675235,
        0.1873231241403436,
    ),
    ("ideo5", "fa"): (
        0.12086577203621278,
        0.35180357291815506,
        0.16433903785958395,
        0.36295687867824494,
        0.22651341789866508,
        0.18650540578926855,
    ),
}
MEASURES = ("w1_norm", "tv", "js_div_bits", "hellinger", "ks", "energy_distance_sq")


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["id"])
def test_golden_divergences(case: dict[str, Any]) -> None:
    found = divergences(case["p_counts"], case["q_counts"], scores=case["scores"])
    for name, value in case["expected"].items():
        assert found[name] == pytest.approx(float(value), rel=EXACT, abs=EXACT, nan_ok=True), name
    from_shares = divergences(
        np.array(case["p_counts"]) / sum(case["p_counts"]),
        np.array(case["q_counts"]) / sum(case["q_counts"]),
        scores=case["scores"],
        n_human=sum(case["p_counts"]),
        n_model=sum(case["q_counts"]),
    )
    for name, value in found.items():
        # The square root of a rounding error of 1e-16 is 1e-8.
        tolerance = 1e-7 if value == 0 else EXACT
        assert from_shares[name] == pytest.approx(value, rel=EXACT, abs=tolerance, nan_ok=True), name


@pytest.mark.parametrize(("question", "mode"), POPFIDELITY)
def test_cells_of_another_program(question: str, mode: str) -> None:
    if not CELLS.exists():
        pytest.skip("the cells of the CES are not here")
    human = pl.read_csv(CELLS / "survey_cells.csv").filter(pl.col("question") == question)
    model = pl.read_csv(CELLS / "model_cells.csv").filter((pl.col("question") == question) & (pl.col("mode") == mode))
    options = human["option"].unique(maintain_order=True).to_list()

    def shares(frame: pl.DataFrame) -> dict[str, list[float]]:
        wide = frame.pivot("option", index="cell_id", values="share", aggregate_function="mean").fill_null(0.0)
        return {row["cell_id"]: [row[option] for option in options] for row in wide.iter_rows(named=True)}

    humans, models = shares(human), shares(model)
    assert humans.keys() == models.keys()
    assert len(humans) == 96
    found = [divergences(humans[cell], models[cell]) for cell in humans]
    for name, expected in zip(MEASURES, POPFIDELITY[question, mode], strict=True):
        assert math.fsum(values[name] for values in found) / 96 == pytest.approx(expected, abs=EXACT), name


def test_values_of_the_paper() -> None:
    """Unit tests of the released analysis of arXiv 2601.15755."""
    found = divergences([0.2, 0, 0.6, 0.2], [0.6, 0, 0, 0.4])
    assert found["tv"] == pytest.approx(0.6, abs=EXACT)
    assert found["js_dist_base_e_scipy_default"] == pytest.approx(0.5265537695468319, abs=EXACT)
    assert found["js_dist_base2"] == pytest.approx(0.6324555320336759, abs=EXACT)
    assert divergences([1, 2, 1], [1, 2, 1])["w1_norm"] == 0.0
    assert divergences([0, 10, 0, 0], [0, 0, 10, 0])["w1_norm"] == pytest.approx(1 / 3, abs=EXACT)
    assert divergences([10, 0, 0, 0], [0, 0, 0, 10])["w1_norm"] == 1.0


def test_noise_floor_of_the_specification() -> None:
    shares = [0.1, 0.2, 0.3, 0.25, 0.15]
    found = divergences(shares, shares, n_human=1200, n_model=500)
    assert round(found["w1_floor"], 4) == 0.0170


def test_floors_are_the_expected_distances_of_two_samples() -> None:
    random = np.random.default_rng(3)
    shares = np.array([0.1, 0.2, 0.3, 0.25, 0.15])
    human, model = random.multinomial(1200, shares, 4000), random.multinomial(500, shares, 4000)
    found = kernels.divergences_batch(human, model, scores=np.arange(1.0, 6.0), n_human=1200, n_model=500)
    floors = divergences(shares, shares, n_human=1200, n_model=500)
    for name, floor, error in [
        ("w1_norm", "w1_floor", 0.02),
        ("tv", "tv_floor", 0.02),
        ("cramer_sq_norm", "cramer2_floor", 0.06),
    ]:
        assert found[name].mean() == pytest.approx(floors[floor], rel=error)
    for name in ("cramer_sq_norm_unbiased", "l2_sq_unbiased"):
        assert abs(found[name].mean()) < 4 * found[name].std() / np.sqrt(4000)


def test_what_needs_a_number_of_respondents_is_nan_without_one() -> None:
    needs = {
        "kl_pq_jeffreys_smoothed_nats",
        "kl_qp_jeffreys_smoothed_nats",
        "cramer_sq_norm_unbiased",
        "l2_sq_unbiased",
        "w1_floor",
        "tv_floor",
        "cramer2_floor",
    }
    found = divergences([0.5, 0.5], [0.25, 0.75])
    assert {name for name, value in found.items() if math.isnan(value)} == needs
    one_side_known = divergences([0.5, 0.5], [1, 3])
    assert {name for name, value in one_side_known.items() if math.isnan(value)} == needs
    assert not any(math.isnan(value) for value in divergences([5, 5], [1, 3]).values())


def test_a_side_without_answers_has_no_distance() -> None:
    found = divergences([0, 0, 0], [1, 2, 3])
    defined = {name for name, value in found.items() if not math.isnan(value)}
    assert defined == {
        "mean_q",
        "var_q",
        "entropy_q_nats",
        "normalised_entropy_q",
        "effective_categories_q",
        "mode_share_q",
        "gini_simpson_q",
    }


def test_rows_of_a_batch_equal_single_calls() -> None:
    random = np.random.default_rng(4)
    human, model = random.integers(0, 30, (20, 4)), random.integers(0, 30, (20, 4))
    sizes = random.uniform(20, 90, 20)
    scores = np.array([0.0, 1.0, 2.5, 7.0])
    batch = kernels.divergences_batch(human, model, scores=scores, n_human=sizes, n_model=model.sum(axis=1))
    for row in range(20):
        single = divergences(human[row], model[row], scores=scores, n_human=sizes[row])
        assert all(np.array_equal(batch[name][row], value, equal_nan=True) for name, value in single.items())


@given(
    st.integers(2, 7).flatmap(
        lambda k: st.tuples(
            st.lists(st.integers(0, 40), min_size=k, max_size=k),
            st.lists(st.integers(0, 40), min_size=k, max_size=k),
            st.lists(st.floats(0.1, 5), min_size=k - 1, max_size=k - 1),
        )
    )
)
def test_divergences_equal_their_slow_twins(sides: tuple[list[int], list[int], list[float]]) -> None:
    human, model, gaps = sides
    if sum(human) < 2 or sum(model) < 2:
        return
    scores = [0.0, *np.cumsum(gaps).tolist()]
    found = divergences(human, model, scores=scores)
    for name, value in slow_divergences(human, model, scores).items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-7), name


@pytest.mark.parametrize(
    ("human", "model", "settings", "message"),
    [
        ([1, 2], [1, 2, 3], {}, "2 categories and model has 3"),
        ([1, -2], [1, 2], {}, "human, position 1: -2"),
        ([1, 2], [1, math.nan], {}, "model, position 1"),
        ([1, 2], [1, 2], {"scores": [1, 1]}, "scores, position 1"),
        ([1, 2], [1, 2], {"scores": [1, 2, 3]}, "2 categories and 3 scores"),
        ([1, 2], [1, 2], {"n_human": 0}, "n_human"),
        ([1, 2], [1, 2], {"n_model": math.inf}, "n_model"),
        ([], [], {}, "one per category"),
        (["a", "b"], [1, 2], {}, "human is not an array of numbers"),
        ([[1, 2]], [[1, 2]], {}, "one per category"),
    ],
)
def test_broken_sides(human: Any, model: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        divergences(human, model, **settings)
