"""Standard errors: against the derivative of the estimate in every weight, and against the bootstrap."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from demoscope.stats import bootstrap_polychoric, kernels, polychoric
from tests.reference import designs
from tests.stats.test_golden_polychoric import MICRODATA

SIZES = [4, 5]


@pytest.fixture(scope="module")
def sample() -> pl.DataFrame:
    """Two items, one of them with a third of its answers missing where the other tends to be high."""
    random = np.random.default_rng(21)
    latent = random.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 300)
    first = np.digitize(latent[:, 0], [-0.8, 0.1, 0.9])
    second = np.digitize(latent[:, 1], [-1.0, -0.3, 0.4, 1.1])
    asked = random.random(300) < np.where(latent[:, 0] > 0, 0.5, 0.85)
    return pl.DataFrame(
        {
            "first": first,
            "second": [int(code) if shown else None for code, shown in zip(second, asked, strict=True)],
            "w": random.uniform(0.4, 2.2, 300),
        }
    )


def codes(sample: pl.DataFrame) -> np.ndarray:
    return sample.select(pl.col("first", "second").fill_null(kernels.MISSING)).to_numpy().astype(np.uint8)


@pytest.mark.parametrize("thresholds", ["item", "pair"])
@pytest.mark.parametrize("weighted", [False, True])
def test_influence_is_the_derivative_in_the_weights(sample: pl.DataFrame, thresholds: Any, weighted: bool) -> None:
    """z_i = w_i d rho / d w_i, by central differences over every respondent."""
    weights = sample["w"].to_numpy() if weighted else np.ones(300)
    step = 1e-3

    def rho(changed: np.ndarray) -> float:
        return float(kernels.sampled_correlations(codes(sample), SIZES, changed, thresholds=thresholds)[0][0, 0])

    ways = np.eye(300) * step
    z = np.array([(rho(weights * (1 + way)) - rho(weights * (1 - way))) / (2 * step) for way in ways])
    assert abs(z.sum()) < 1e-7
    (found,) = polychoric(
        sample, items=["first", "second"], weights="w" if weighted else None, thresholds=thresholds
    ).iter_rows(named=True)
    used = 300 if thresholds == "item" else int(sample["second"].is_not_null().sum())
    correction = used / (used - 1) if weighted else 1.0
    assert found["se"] == pytest.approx(np.sqrt(correction * np.sum(z**2)), rel=1e-5)


@pytest.mark.parametrize("thresholds", ["item", "pair"])
def test_influence_values_are_what_standard_errors_are_made_of(sample: pl.DataFrame, thresholds: Any) -> None:
    weights, rows = sample["w"].to_numpy(), range(300)
    z = kernels.influence_values(codes(sample), SIZES, weights, thresholds=thresholds)
    assert z.shape == (300, 1)
    assert abs(z.sum()) < 1e-10
    psu, stratum = [row % 60 for row in rows], [row % 4 for row in rows]
    frame = sample.with_columns(psu=pl.Series(psu), stratum=pl.Series(stratum))
    columns = {"items": ["first", "second"], "weights": "w", "thresholds": thresholds}
    for design in ({"psu": "psu"}, {"strata": "stratum"}, {"psu": "psu", "strata": "stratum"}):
        units = designs.strata_of(stratum if "strata" in design else [0] * 300, psu if "psu" in design else rows)
        variance = designs.variance_of_total(units, z[:, 0].tolist())
        assert polychoric(frame, **columns, **design)["se"][0] == pytest.approx(np.sqrt(variance), rel=1e-10)
    step = 1e-3
    for row in (0, 7, 8, 150):
        changed = [weights * (1 + sign * step * (np.arange(300) == row)) for sign in (1, -1)]
        up, down = (kernels.sampled_correlations(codes(sample), SIZES, w, thresholds=thresholds)[0] for w in changed)
        assert z[row, 0] == pytest.approx((up - down)[0, 0] / (2 * step), rel=1e-4, abs=1e-8)


def test_covariance_of_two_pairs_follows_the_bootstrap() -> None:
    random = np.random.default_rng(3)
    latent = random.normal(size=(500, 1)) * 0.8 + random.normal(size=(500, 3)) * 0.6
    answers = np.digitize(latent, [-0.6, 0.5]).astype(np.uint8)
    answers[random.random(answers.shape) < 0.1] = kernels.MISSING
    z = kernels.influence_values(answers, [3, 3, 3])
    copies = kernels.respondent_multiplicities(500, replicates=2000, seed=1, country="")
    rho, _, _ = kernels.sampled_correlations(answers, [3, 3, 3], None, copies)
    # A correlation of .5 over 2,000 replicates has a standard error of .017.
    scale = np.sqrt(np.diag(z.T @ z))
    assert (z.T @ z) / np.outer(scale, scale) == pytest.approx(np.corrcoef(rho.T), abs=0.06)


def test_pairs_without_an_interior_estimate_have_no_influence() -> None:
    answers = np.array([[0, 0, 0, 255], [1, 1, 0, 255], [2, 2, 0, 255], [2, 2, 0, 255]], dtype=np.uint8)
    assert np.isnan(kernels.influence_values(answers, [3, 3, 2, 2])).all()
    assert kernels.influence_values(answers[:, :1], [3]).shape == (4, 0)


def test_golden_standard_error_of_a_design() -> None:
    frame = pl.DataFrame(MICRODATA["rows"]).with_columns(pl.when(pl.col("x", "y") > 0).then(pl.col("x", "y")))
    for columns, key in [
        ({}, "se_linearised_weights_only_observed"),
        ({"strata": "stratum", "psu": "psu"}, "se_linearised_strata_psu_observed"),
    ]:
        found = polychoric(frame, items=["x", "y"], weights="w", thresholds="pair", **columns)
        assert found["rho"][0] == pytest.approx(float(MICRODATA["rho"]), abs=1e-9)
        assert found["se"][0] == pytest.approx(float(MICRODATA[key]), rel=1e-10)


def test_a_cell_below_the_rounding_of_its_table_leaves_the_error_alone() -> None:
    table = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 1), (2, 2)] * 5
    frame = pl.DataFrame(table, schema=["a", "b"], orient="row").with_columns(w=pl.lit(1.0))
    tiny = pl.concat([frame, pl.DataFrame({"a": [0], "b": [2], "w": [1e-300]})])
    for thresholds in ("item", "pair"):
        for design in ({}, {"psu": "row"}):
            found, expected = (
                polychoric(f.with_row_index("row"), items=["a", "b"], weights="w", thresholds=thresholds, **design)
                for f in (tiny, frame)
            )
            assert found["rho"][0] == pytest.approx(expected["rho"][0], abs=1e-9)
            assert found["se"][0] == pytest.approx(expected["se"][0], rel=0.01)


def test_standard_errors_follow_the_bootstrap(sample: pl.DataFrame) -> None:
    for thresholds in ("item", "pair"):
        for weights in (None, "w"):
            result = bootstrap_polychoric(
                sample, items=["first", "second"], weights=weights, thresholds=thresholds, replicates=2000, seed=3
            )
            # 2,000 replicates give the standard deviation to about 1.6 %; the linear form of the error is good to a
            # few %.
            assert result.estimate["se"][0] == pytest.approx(result.replicates.std(), rel=0.08)


def test_both_thresholds_agree_without_missing_answers(sample: pl.DataFrame) -> None:
    complete = sample.drop_nulls()
    for weights in (None, "w"):
        item, pair = (
            polychoric(complete, items=["first", "second"], weights=weights, thresholds=thresholds)
            for thresholds in ("item", "pair")
        )
        assert item["rho"][0] == pytest.approx(pair["rho"][0], abs=1e-9)
        assert item["se"][0] == pytest.approx(pair["se"][0], rel=1e-9)
