"""Times of the Python interface, conversions of frames included.

``DEMOSCOPE_BENCH_SIZE=tiny`` makes everything small, for a run that only asks whether the benchmarks work.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
import pytest

import demoscope
from benches.peers.answers import made_answers
from demoscope.responses.draw import draw_answers
from demoscope.stats import kernels

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


class Size(NamedTuple):
    """How much is computed."""

    items: int
    respondents: int
    replicates: int
    permutations: int


SIZES = {
    "full": Size(items=50, respondents=1500, replicates=200, permutations=100),
    "tiny": Size(items=3, respondents=60, replicates=8, permutations=4),
}
SIZE = SIZES[os.environ.get("DEMOSCOPE_BENCH_SIZE", "full")]
CATEGORIES = 5
COMPARED_ITEMS = 12

pytestmark = pytest.mark.benchmark(warmup=True, warmup_iterations=1, min_rounds=5, max_time=2.0)


@pytest.fixture(autouse=True)
def optimised_build() -> None:
    if kernels.DEBUG_BUILD:
        pytest.exit("demoscope was built without optimisation; `make release` builds it to be timed", returncode=2)


@pytest.fixture(scope="module")
def answers() -> pl.DataFrame:
    return made_answers(items=SIZE.items, categories=CATEGORIES, respondents=SIZE.respondents, seed=1)


@pytest.fixture(scope="module")
def weighted(answers: pl.DataFrame) -> pl.DataFrame:
    weights = np.random.default_rng(2).uniform(0.3, 3.0, answers.height)
    return answers.with_columns(weight=weights)


def compared_side(seed: int) -> pl.DataFrame:
    items = min(SIZE.items, COMPARED_ITEMS)
    return made_answers(items=items, categories=CATEGORIES, respondents=SIZE.respondents, seed=seed)


@pytest.mark.parametrize("threads", [1, 2])
def test_polychoric(benchmark: BenchmarkFixture, answers: pl.DataFrame, threads: int) -> None:
    found = benchmark(demoscope.polychoric, answers, threads=threads)
    assert found.height == SIZE.items * (SIZE.items - 1) // 2


@pytest.mark.parametrize("threads", [1, 2])
def test_bootstrap(benchmark: BenchmarkFixture, answers: pl.DataFrame, threads: int) -> None:
    found = benchmark(demoscope.bootstrap_polychoric, answers, replicates=SIZE.replicates, threads=threads)
    assert found.replicates.shape[0] == SIZE.replicates


@pytest.mark.parametrize("threads", [1, 2])
def test_weighted_bootstrap(benchmark: BenchmarkFixture, weighted: pl.DataFrame, threads: int) -> None:
    options = {"weights": "weight", "replicates": SIZE.replicates, "threads": threads}
    found = benchmark(demoscope.bootstrap_polychoric, weighted, **options)
    assert found.replicates.shape[0] == SIZE.replicates


def test_divergences(benchmark: BenchmarkFixture) -> None:
    human, model = [120, 310, 420, 380, 270], [10, 22, 41, 15, 12]
    found = benchmark(demoscope.divergences, human, model)
    assert 0.0 < found["w1_norm"] < 1.0


def test_draws(benchmark: BenchmarkFixture) -> None:
    cells, streams = SIZE.respondents, [f"p-{number}|item|given" for number in range(SIZE.respondents)]
    probs = np.random.default_rng(3).dirichlet(np.ones(CATEGORIES), cells)
    found = benchmark(draw_answers, probs, np.arange(cells), streams, seed=1, draws=SIZE.permutations)
    assert found.shape == (cells, SIZE.permutations)


@pytest.mark.parametrize("threads", [1, 2])
def test_compare(benchmark: BenchmarkFixture, threads: int) -> None:
    options = {"replicates": SIZE.replicates, "permutations": SIZE.permutations, "threads": threads}
    humans, models = compared_side(1), compared_side(2)
    found = benchmark(demoscope.compare, humans, models.with_columns(model=pl.lit("made")), **options)
    assert len(found.verdicts) == 1
