"""Standard errors: against the derivative of the estimate in every weight, and against the bootstrap."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from demoscope.stats import bootstrap_polychoric, kernels, polychoric

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
