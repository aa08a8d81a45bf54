"""Batch kernels against slow twins, closed forms and each other."""

from __future__ import annotations

import _thread
import signal
import threading
from typing import Any

import numpy as np
import pytest

from demoscope.errors import ConfigError, DataError
from demoscope.stats import kernels
from tests.reference.polychoric import thresholds, two_step

SIZES = [2, 3, 5, 4]
CELLS = 6


@pytest.fixture(scope="module")
def survey() -> dict[str, Any]:
    """Correlated answers of 400 people with 6 % missing, weights and demographic cells."""
    random = np.random.default_rng(5)
    loadings = np.array([0.8, -0.6, 0.5, 0.7])
    latent = random.normal(size=(400, 1)) * loadings + random.normal(size=(400, 4)) * np.sqrt(1 - loadings**2)
    codes = np.stack([np.digitize(latent[:, j], np.linspace(-1, 1, k + 1)[1:-1]) for j, k in enumerate(SIZES)], axis=1)
    codes[random.random(codes.shape) < 0.06] = kernels.MISSING
    return {
        "codes": codes.astype(np.uint8),
        "weights": random.uniform(0.3, 2.0, 400),
        "copies": kernels.respondent_multiplicities(400, replicates=20, seed=1, country="x"),
        "cell": random.integers(-1, CELLS, 400),
    }


def slow_tables(codes: np.ndarray, mass: np.ndarray, a: int, b: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table, rows, cols = np.zeros((SIZES[a], SIZES[b])), np.zeros(SIZES[a]), np.zeros(SIZES[b])
    for (x, y), weight in zip(codes[:, [a, b]], mass, strict=True):
        if x != kernels.MISSING:
            rows[x] += weight
        if y != kernels.MISSING:
            cols[y] += weight
        if kernels.MISSING not in (x, y):
            table[x, y] += weight
    return table, rows, cols


@pytest.mark.parametrize(("weighted", "margins"), [(True, "item"), (False, "pair")])
def test_correlations_equal_the_slow_twin(survey: dict[str, Any], weighted: bool, margins: Any) -> None:
    weights = survey["weights"] if weighted else None
    rho, status, _ = kernels.sampled_correlations(
        survey["codes"], SIZES, weights, survey["copies"][:2], thresholds=margins, zero_cells="none"
    )
    assert (status == kernels.OK).all()
    mass = survey["copies"][1] * (survey["weights"] if weighted else 1.0)
    for pair, (a, b) in [(0, (0, 1)), (3, (1, 2)), (5, (2, 3))]:
        table, rows, cols = slow_tables(survey["codes"], mass, a, b)
        own = margins == "pair"
        expected = two_step(table) if own else two_step(table, thresholds(rows), thresholds(cols))
        assert rho[1, pair] == pytest.approx(expected, abs=2e-6)


def test_bits_do_not_depend_on_threads_or_chunks(survey: dict[str, Any]) -> None:
    def run(threads: int, replicates: int) -> list[np.ndarray]:
        copies = kernels.respondent_multiplicities(400, replicates=replicates, seed=2, country="x", threads=threads)
        codes, weights, cell = survey["codes"], survey["weights"], survey["cell"]
        probs = np.concatenate([np.random.default_rng(1).dirichlet(np.ones(k), CELLS + 1) for k in SIZES], axis=1)
        profile = cell + 1
        return [
            *kernels.sampled_correlations(codes, SIZES, weights, copies, threads=threads),
            *kernels.exact_correlations(probs, SIZES, profile, weights, copies, threads=threads),
            *kernels.demographic_correlations(codes, SIZES, weights, cell, copies, threads=threads),
            kernels.weighted_shares(codes, SIZES, weights, copies, threads=threads),
            kernels.exact_counts(probs, SIZES, profile, weights, copies, threads=threads),
        ]

    base = run(1, 60)
    for threads in (2, 4):
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(base, run(threads, 60), strict=True))
    assert all(np.array_equal(a[:13], b, equal_nan=True) for a, b in zip(base, run(3, 13), strict=True))


def test_one_replicate_of_ones_is_the_sample(survey: dict[str, Any]) -> None:
    ones = np.ones((1, 400), dtype=np.uint16)
    plain = kernels.sampled_correlations(survey["codes"], SIZES, survey["weights"])
    replicate = kernels.sampled_correlations(survey["codes"], SIZES, survey["weights"], ones)
    assert np.allclose(plain[0], replicate[0], rtol=0, atol=1e-9)
    assert np.array_equal(plain[1], replicate[1])


@pytest.mark.parametrize("weighted", [True, False])
def test_factors_may_be_real_numbers(survey: dict[str, Any], weighted: bool) -> None:
    """A real factor is part of the weight: the replicate is the sample with other weights."""
    codes, cell = survey["codes"], survey["cell"]
    weights = survey["weights"] if weighted else None
    factors = np.random.default_rng(3).exponential(size=(3, 400))
    factors[2, ::3] = 0
    probs = np.concatenate([np.random.default_rng(1).dirichlet(np.ones(k), CELLS + 1) for k in SIZES], axis=1)
    estimates = [
        lambda w, f=None: kernels.sampled_correlations(codes, SIZES, w, f)[0],
        lambda w, f=None: kernels.exact_correlations(probs, SIZES, cell + 1, w, f)[0],
        lambda w, f=None: kernels.demographic_correlations(codes, SIZES, w, cell, f)[0],
        lambda w, f=None: kernels.weighted_shares(codes, SIZES, w, f),
        lambda w, f=None: kernels.exact_counts(probs, SIZES, cell + 1, w, f),
    ]
    for estimate in estimates:
        expected = [estimate(factor * (survey["weights"] if weighted else 1.0))[0] for factor in factors]
        assert np.allclose(estimate(weights, factors), expected, rtol=1e-12, atol=1e-8)


@pytest.mark.parametrize("power", [-1000, 980])
def test_the_unit_of_the_weights_changes_nothing(survey: dict[str, Any], power: int) -> None:
    codes, weights, cell, copies = survey["codes"], survey["weights"], survey["cell"], survey["copies"][:3]
    probs = np.concatenate([np.random.default_rng(1).dirichlet(np.ones(k), CELLS + 1) for k in SIZES], axis=1)
    for estimate in (
        lambda w: kernels.sampled_correlations(codes, SIZES, w, copies),
        lambda w: kernels.exact_correlations(probs, SIZES, cell + 1, w, copies),
        lambda w: (kernels.influence_values(codes, SIZES, w),),
    ):
        found, expected = estimate(weights * 2.0**power), estimate(weights)
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(found, expected, strict=True))


def test_half_a_respondent_of_a_real_factor_is_half_of_the_mean_weight() -> None:
    """Zero cells: eight respondents are there, four of them in the replicate, whatever their factors are."""
    codes = np.array([[0, 0], [0, 0], [0, 1], [1, 1]] * 2, dtype=np.uint8)
    factors = np.array([[0.5, 3.0, 1.5, 1.0, 0, 0, 0, 0]])
    found, _, _ = kernels.sampled_correlations(codes, [2, 2], None, factors, zero_cells="add_half", thresholds="pair")
    half = factors.sum() / 4 / 2
    table = np.array([[3.5, 1.5], [half, 1.0]])
    assert found[0, 0] == pytest.approx(two_step(table), abs=1e-6)


def test_shares_are_sums_of_weights(survey: dict[str, Any]) -> None:
    totals = kernels.weighted_shares(survey["codes"], SIZES, survey["weights"], survey["copies"])
    mass = survey["weights"] * survey["copies"]
    start = 0
    for item, size in enumerate(SIZES):
        for code in range(size):
            expected = mass[:, survey["codes"][:, item] == code].sum(axis=1)
            assert np.allclose(totals[:, start + code], expected, rtol=1e-13)
        start += size


def test_certain_answers_make_exact_tables_of_drawn_ones(survey: dict[str, Any]) -> None:
    codes = survey["codes"]
    blocks = []
    for item, size in enumerate(SIZES):
        block = np.eye(size + 1)[np.minimum(codes[:, item], size)][:, :size]
        block[codes[:, item] == kernels.MISSING] = np.nan
        blocks.append(block)
    probs = np.concatenate(blocks, axis=1)
    for margins in ("item", "pair"):
        exact = kernels.exact_correlations(
            probs, SIZES, np.arange(400), survey["weights"], survey["copies"], thresholds=margins
        )
        drawn = kernels.sampled_correlations(codes, SIZES, survey["weights"], survey["copies"], thresholds=margins)
        assert np.allclose(exact[0], drawn[0], rtol=0, atol=1e-9)
        assert np.array_equal(exact[1], drawn[1])
    counts = kernels.exact_counts(probs, SIZES, np.arange(400), survey["weights"], survey["copies"])
    assert np.allclose(counts, kernels.weighted_shares(codes, SIZES, survey["weights"], survey["copies"]), rtol=1e-12)


def test_demographics_alone_explain_nothing_when_cells_are_alike() -> None:
    """Answers of a person go together strongly; cells of 8 would leak an eighth of that without the correction."""
    random = np.random.default_rng(11)
    latent = random.normal(size=(4000, 1)) * 0.9 + random.normal(size=(4000, 3)) * np.sqrt(1 - 0.81)
    codes = np.digitize(latent, [-0.5, 0.5]).astype(np.uint8)
    cell = np.repeat(np.arange(500), 8)
    copies = kernels.respondent_multiplicities(4000, replicates=30, seed=4, country="x")
    people, _, _ = kernels.sampled_correlations(codes, [3] * 3)
    alone, _, _ = kernels.demographic_correlations(codes, [3] * 3, None, cell)
    replicates, _, _ = kernels.demographic_correlations(codes, [3] * 3, None, cell, copies)
    assert people.min() > 0.75
    # The standard deviation of such an estimate is about .03 / sqrt(8); copies counted as persons would give about .2.
    assert np.abs(alone).max() < 0.05
    assert np.abs(replicates.mean(axis=0)).max() < 0.05


def test_demographics_that_decide_everything_are_found() -> None:
    random = np.random.default_rng(12)
    cell = random.integers(0, 20, 3000)
    effect = random.normal(size=20)[cell]
    codes = np.digitize(effect[:, None] * 0.7 + random.normal(size=(3000, 2)) * 0.7, [-0.6, 0.6]).astype(np.uint8)
    people, _, _ = kernels.sampled_correlations(codes, [3, 3])
    alone, _, _ = kernels.demographic_correlations(codes, [3, 3], None, cell)
    assert alone[0, 0] == pytest.approx(people[0, 0], abs=0.06)


def test_statuses_of_pairs_without_estimate() -> None:
    codes = np.array([[0, 0, 0, 255], [1, 1, 0, 255], [0, 0, 0, 255], [1, 1, 0, 255], [2, 1, 0, 255]], dtype=np.uint8)
    wanted = np.array([True, True, False, True, True, True])
    rho, status, _ = kernels.sampled_correlations(codes, [3, 2, 2, 0], pairs=wanted)
    names = [kernels.STATUS_NAMES[s] for s in status[0]]
    assert names == ["boundary", "degenerate", "excluded", "degenerate", "degenerate", "degenerate"]
    assert rho[0, 0] == 1.0
    assert np.isnan(rho[0, 1:]).all()


def test_broken_input_is_a_typed_error(survey: dict[str, Any]) -> None:
    codes = survey["codes"]
    with pytest.raises(DataError, match=r"code 4 is not below the 2 categories"):
        kernels.sampled_correlations(np.full((1, 2), 4, dtype=np.uint8), [2, 5])
    with pytest.raises(DataError, match=r"weights, position 3"):
        kernels.sampled_correlations(codes, SIZES, np.where(np.arange(400) == 3, np.nan, 1.0))
    with pytest.raises(DataError, match="multiplicities"):
        kernels.sampled_correlations(codes, SIZES, None, np.ones((2, 399), dtype=np.uint16))
    for factors, message in [
        (np.full((2, 400), -1), r"replicate 0, respondent 0: -1 is not between 0 and 65535"),
        (np.where(np.arange(800).reshape(2, 400) == 500, 2**16, 1), r"replicate 1, respondent 100: 65536 is not"),
        (np.full((2, 400), "1"), "are numbers, not <U1"),
        (np.ones(400), "2 dimensions"),
        (np.where(np.arange(800).reshape(2, 400) == 500, np.nan, 1), r"multiplicities, position 500: NaN"),
        (np.full((2, 400), -0.5), r"multiplicities, position 0: -0.5 is not a finite number of at least 0"),
        (np.full((2, 400), 1e308), r"multiplicities, position 0: .* small enough for a finite sum"),
    ]:
        with pytest.raises(DataError, match=message):
            kernels.sampled_correlations(codes, SIZES, survey["weights"], factors)
    with pytest.raises(DataError, match="pairs has 2 values, 6 are needed"):
        kernels.sampled_correlations(codes, SIZES, pairs=np.array([True, False]))
    with pytest.raises(DataError, match="unknown thresholds 'none'"):
        kernels.sampled_correlations(codes, SIZES, thresholds="none")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="profile, position 0: 1 is not below 1"):
        kernels.exact_correlations(np.array([[0.5, 0.5, 1.0]]), [2, 1], np.array([1]))
    with pytest.raises(ConfigError, match="threads"):
        kernels.sampled_correlations(codes, SIZES, threads=0)


def test_control_c_stops_a_long_run(survey: dict[str, Any]) -> None:
    copies = np.tile(survey["copies"], (5000, 1))
    timer = threading.Timer(0.1, _thread.interrupt_main)

    def run() -> None:
        timer.start()
        kernels.sampled_correlations(survey["codes"], SIZES, survey["weights"], copies, threads=1)

    # Started in the background of a shell, a process ignores Ctrl-C from the start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run()
    finally:
        signal.signal(signal.SIGINT, before)
    timer.join()
