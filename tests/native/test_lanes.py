"""The fast path against its slow twin and against golden values, through the bindings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from demoscope.errors import DataError
from demoscope.stats import kernels

SAME: Final = 1e-7
GOLDEN: Final = json.loads(
    (Path(__file__).parents[1] / "reference" / "golden" / "polychoric.json").read_text(encoding="utf-8")
)

Codes = NDArray[np.uint8]


def available(path: kernels.Path) -> bool:
    """Whether this processor has the instructions of a path."""
    try:
        kernels.sampled_correlations(np.zeros((1, 2), dtype=np.uint8), [2, 2], path=path)
    except DataError:
        return False
    return True


PATHS: Final[list[kernels.Path]] = [path for path in get_args(kernels.Path) if available(path)]


def test_some_paths_are_always_available() -> None:
    assert {"best", "scalar", "baseline"} <= set(PATHS)


@settings(max_examples=40)
@given(
    st.lists(st.integers(2, 7), min_size=2, max_size=4),
    st.integers(1, 200),
    st.floats(0, 0.97),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.sampled_from(["none", "uniform", "tailed"]),
    st.sampled_from(["counts", "real"]),
    st.sampled_from(["item", "pair"]),
    st.sampled_from(["keep_margins", "add_half", "add_half_all", "one_over_n", "none"]),
    st.integers(0, 2**32 - 1),
)
def test_all_paths_agree(
    sizes: list[int],
    n: int,
    loading: float,
    missing: float,
    weighting: str,
    drawing: str,
    thresholds: Literal["item", "pair"],
    zero_cells: kernels.ZeroCells,
    seed: int,
) -> None:
    random = np.random.default_rng(seed)
    factor = random.normal(size=(n, 1))
    latent = loading * factor + np.sqrt(1 - loading**2) * random.normal(size=(n, len(sizes)))
    codes = np.stack([np.digitize(latent[:, j], np.linspace(-1, 1.5, k - 1)) for j, k in enumerate(sizes)], axis=1)
    codes[random.random(codes.shape) < missing] = kernels.MISSING
    weights = {"none": None, "uniform": random.uniform(0.3, 2, n), "tailed": random.lognormal(0, 2, n)}[weighting]
    counts = random.poisson(1.0, (11, n)).astype(np.uint16)
    factors = counts if drawing == "counts" else random.exponential(size=(11, n))
    cell = random.integers(-1, 3, n)
    probs = np.concatenate([random.dirichlet(np.full(k, 0.7), 4) for k in sizes], axis=1)

    def run(path: kernels.Path) -> list[kernels.Correlations]:
        options: dict[str, Any] = {"zero_cells": zero_cells, "path": path}
        return [
            kernels.sampled_correlations(codes, sizes, weights, factors, thresholds=thresholds, **options),
            kernels.exact_correlations(probs, sizes, cell + 1, weights, factors, thresholds=thresholds, **options),
            kernels.demographic_correlations(codes, sizes, weights, cell, factors, **options),
        ]

    slow = run("scalar")
    for path in PATHS:
        for found, expected in zip(run(path), slow, strict=True):
            np.testing.assert_array_equal(found.status, expected.status, err_msg=path)
            np.testing.assert_array_equal(found.flags, expected.flags, err_msg=path)
            np.testing.assert_allclose(found.rho, expected.rho, rtol=0, atol=SAME, err_msg=path)


def tables_of_persons() -> list[tuple[dict[str, Any], NDArray[np.int64]]]:
    """Golden tables that hold whole persons, not too many of them."""
    cases = []
    for case in GOLDEN["cases"]:
        table = np.array([[float(count) for count in row] for row in case["table"]])
        if (table == np.floor(table)).all() and table.sum() < 200_000:
            cases.append((case, table.astype(np.int64)))
    return cases


@pytest.mark.parametrize(("case", "table"), [pytest.param(*pair, id=pair[0]["id"]) for pair in tables_of_persons()])
@pytest.mark.parametrize("path", PATHS)
def test_golden_tables_of_persons(case: dict[str, Any], table: NDArray[np.int64], path: kernels.Path) -> None:
    first, second = np.indices(table.shape)
    codes: Codes = np.repeat(np.stack([first.ravel(), second.ravel()], axis=1), table.ravel(), axis=0).astype(np.uint8)
    # The sample itself, and nine replicates that hold everybody once.
    once = np.ones((9, len(codes)), dtype=np.uint16)
    for multiplicities in (None, once, once.astype(np.float64)):
        rho, status, _ = kernels.sampled_correlations(
            codes, list(table.shape), None, multiplicities, thresholds="pair", zero_cells="none", path=path
        )
        if case.get("boundary") is not None:
            assert (status == kernels.BOUNDARY).all()
            assert (rho == float(case["boundary"])).all()
        else:
            assert (status == kernels.OK).all()
            expected, tolerance = float(case["rho"]), float(case["suggested_abs_tol_f64_rho"])
            np.testing.assert_allclose(rho, expected, rtol=0, atol=tolerance)
