# Bindings of the Rust core.  Two-dimensional arrays are row-major, 255 is the code of a missing answer, replicates are
# rows.

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DEBUG_BUILD",
    "DIVERGENCES",
    "FLAGS",
    "STATUSES",
    "bayesian_factors",
    "cramer_v",
    "demographic_correlations",
    "divergences",
    "draw_answers",
    "exact_correlations",
    "exact_counts",
    "influence_values",
    "jackknife_factors",
    "jackknife_scales",
    "multiplicities",
    "nearest_correlation",
    "pearson",
    "permutations",
    "poisson_multiplicities",
    "polychoric",
    "polychoric_fit",
    "polychoric_table",
    "polyserial",
    "random_groups",
    "rao_wu_factors",
    "replicate_covariance",
    "replicate_deviations",
    "replicate_moments",
    "replicate_quantiles",
    "replicate_tally",
    "sampled_correlations",
    "sampled_counts",
    "spearman",
]

STATUSES: Final[tuple[str, ...]]
FLAGS: Final[tuple[str, ...]]
DIVERGENCES: Final[tuple[str, ...]]
DEBUG_BUILD: Final[bool]

def polychoric_table(
    table: NDArray[np.float64], zero_cells: str
) -> tuple[
    float, float, float, tuple[float, float, int, float], NDArray[np.float64], NDArray[np.float64], int, int, int
]: ...
def polychoric(
    codes: NDArray[np.uint8],
    categories: Sequence[int],
    weights: NDArray[np.float64] | None,
    unit: NDArray[np.uint32] | None,
    strata: NDArray[np.uint32] | None,
    thresholds: str,
    zero_cells: str,
    threads: int | None,
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.uint32],
    NDArray[np.uint8],
    NDArray[np.uint8],
]: ...
def influence_values(
    codes: NDArray[np.uint8],
    categories: Sequence[int],
    weights: NDArray[np.float64] | None,
    thresholds: str,
    zero_cells: str,
    threads: int | None,
) -> NDArray[np.float64]: ...
def sampled_correlations(
    codes: NDArray[np.uint8],
    categories: Sequence[int],
    weights: NDArray[np.float64] | None,
    multiplicities: NDArray[np.uint16] | NDArray[np.float64] | None,
    pairs: NDArray[np.bool_] | None,
    only_wanted: bool,
    thresholds: str,
    zero_cells: str,
    path: str,
    threads: int | None,
) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.uint8]]: ...
def sampled_counts(
    codes: NDArray[np.uint8],
    categories: Sequence[int],
    weights: NDArray[np.float64] | None,
    multiplicities: NDArray[np.uint16] | NDArray[np.float64] | None,
    path: str,
    threads: int | None,
) -> NDArray[np.float64]: ...
def exact_correlations(
    probs: NDArray[np.float64],
    categories: Sequence[int],
    profile: NDArray[np.uint32],
    weights: NDArray[np.float64] | None,
    multiplicities: NDArray[np.uint16] | NDArray[np.float64] | None,
    pairs: NDArray[np.bool_] | None,
    thresholds: str,
    zero_cells: str,
    path: str,
    threads: int | None,
) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.uint8]]: ...
def exact_counts(
    probs: NDArray[np.float64],
    categories: Sequence[int],
    profile: NDArray[np.uint32],
    weights: NDArray[np.float64] | None,
    multiplicities: NDArray[np.uint16] | NDArray[np.float64] | None,
    path: str,
    threads: int | None,
) -> NDArray[np.float64]: ...
def demographic_correlations(
    codes: NDArray[np.uint8],
    categories: Sequence[int],
    cell: NDArray[np.int64],
    weights: NDArray[np.float64] | None,
    multiplicities: NDArray[np.uint16] | NDArray[np.float64] | None,
    pairs: NDArray[np.bool_] | None,
    zero_cells: str,
    path: str,
    threads: int | None,
) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.uint8]]: ...
def pearson(
    numbers: NDArray[np.float64], weights: NDArray[np.float64] | None, threads: int | None
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.uint8],
    NDArray[np.uint8],
]: ...
def spearman(
    codes: NDArray[np.uint8],
    categories: Sequence[int],
    weights: NDArray[np.float64] | None,
    threads: int | None,
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.uint8],
    NDArray[np.uint8],
]: ...
def cramer_v(
    codes: NDArray[np.uint8],
    categories: Sequence[int],
    weights: NDArray[np.float64] | None,
    threads: int | None,
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.uint8],
    NDArray[np.uint8],
]: ...
def polyserial(
    numbers: NDArray[np.float64],
    codes: NDArray[np.uint8],
    categories: Sequence[int],
    weights: NDArray[np.float64] | None,
    threads: int | None,
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.uint8],
    NDArray[np.uint8],
]: ...
def polychoric_fit(
    codes: NDArray[np.uint8],
    categories: Sequence[int],
    weights: NDArray[np.float64] | None,
    zero_cells: str,
    threads: int | None,
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.uint32],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.uint8],
    NDArray[np.uint8],
]: ...
def nearest_correlation(
    correlations: NDArray[np.float64], method: str, floor: float
) -> tuple[NDArray[np.float64], bool, float, float, int, bool]: ...
def divergences(
    human: NDArray[np.float64],
    model: NDArray[np.float64],
    scores: NDArray[np.float64],
    n_human: NDArray[np.float64],
    n_model: NDArray[np.float64],
) -> NDArray[np.float64]: ...
def multiplicities(
    rows: int, count: int, first: int, seed: int, purpose: str, country: str, threads: int | None
) -> NDArray[np.uint16]: ...
def poisson_multiplicities(
    rows: int, count: int, first: int, seed: int, purpose: str, country: str, threads: int | None
) -> NDArray[np.uint16]: ...
def bayesian_factors(
    rows: int, count: int, first: int, seed: int, purpose: str, country: str, threads: int | None
) -> NDArray[np.float64]: ...
def rao_wu_factors(
    unit: NDArray[np.uint32],
    strata: NDArray[np.uint32],
    count: int,
    first: int,
    seed: int,
    purpose: str,
    country: str,
    threads: int | None,
) -> NDArray[np.float64]: ...
def jackknife_factors(
    unit: NDArray[np.uint32],
    strata: NDArray[np.uint32],
    sizes: NDArray[np.uint32],
    count: int,
    first: int,
    threads: int | None,
) -> NDArray[np.float64]: ...
def jackknife_scales(strata: NDArray[np.uint32], sizes: NDArray[np.uint32]) -> NDArray[np.float64]: ...
def random_groups(
    strata: NDArray[np.uint32], groups: int, seed: int, purpose: str, country: str
) -> NDArray[np.uint32]: ...
def replicate_moments(
    rho: NDArray[np.float64], threads: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]: ...
def replicate_quantiles(
    rho: NDArray[np.float64], levels: NDArray[np.float64], threads: int | None
) -> NDArray[np.float64]: ...
def replicate_deviations(
    rho: NDArray[np.float64], centres: NDArray[np.float64], scales: NDArray[np.float64], threads: int | None
) -> NDArray[np.float64]: ...
def replicate_covariance(
    rho: NDArray[np.float64],
    pairs: Sequence[int],
    centres: NDArray[np.float64] | None,
    scales: NDArray[np.float64] | None,
    threads: int | None,
) -> NDArray[np.float64]: ...
def replicate_tally(status: NDArray[np.uint8], flags: NDArray[np.uint8], threads: int | None) -> NDArray[np.int64]: ...
def permutations(
    rows: int, count: int, first: int, seed: int, purpose: str, country: str, threads: int | None
) -> NDArray[np.int64]: ...
def draw_answers(
    probs: NDArray[np.float64],
    row: NDArray[np.int64],
    streams: Sequence[str],
    seed: int,
    first: int,
    draws: int,
) -> NDArray[np.uint8]: ...
