"""Least squares factors and their rotations: closed forms, a slow twin, and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.optimize import minimize

from demoscope.stats.loadings import (
    SMALLEST_UNIQUENESS,
    chance_loadings,
    congruence,
    minres,
    procrustes,
    varimax,
)


def implied(loadings: np.ndarray) -> np.ndarray:
    """Correlations of items with these loadings."""
    matrix = loadings @ loadings.T
    np.fill_diagonal(matrix, 1.0)
    return matrix


def sampled(loadings: np.ndarray, *, n: int, seed: int) -> np.ndarray:
    """Pearson correlations of n persons."""
    rng = np.random.default_rng(seed)
    own = np.sqrt(1 - np.square(loadings).sum(axis=1))
    scores = rng.normal(size=(n, loadings.shape[1])) @ loadings.T + rng.normal(size=(n, len(loadings))) * own
    return np.corrcoef(scores.T)


def simple_structure(*, items: int = 5, factors: int = 3, size: float = 0.7) -> np.ndarray:
    loadings = np.zeros((items * factors, factors))
    for f in range(factors):
        loadings[f * items : (f + 1) * items, f] = np.linspace(size, size - 0.2, items)
    return loadings


def slow_minres(matrix: np.ndarray, factors: int, defined: np.ndarray) -> float:
    """Smallest sum of squared residuals over all loadings directly, by a general optimiser from several places."""
    pairs = np.triu(defined, k=1)
    rng = np.random.default_rng(0)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        loadings = flat.reshape(len(matrix), factors)
        residuals = np.where(pairs, matrix - loadings @ loadings.T, 0.0)
        return float(np.square(residuals).sum()), -2 * ((residuals + residuals.T) @ loadings).ravel()

    starts = [rng.normal(size=len(matrix) * factors) * 0.5 for _ in range(5)]
    found = [minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-9}).fun for start in starts]
    return min(found)


def test_one_factor_in_closed_form():
    """Three items have one exact solution: each squared loading is r_ij r_ik / r_jk."""
    r12, r13, r23 = 0.42, 0.35, 0.30
    matrix = np.array([[1, r12, r13], [r12, 1, r23], [r13, r23, 1]])
    found = minres(matrix, 1)
    expected = np.sqrt([r12 * r13 / r23, r12 * r23 / r13, r13 * r23 / r12])
    assert np.abs(found.loadings[:, 0]) == pytest.approx(expected, abs=1e-8)
    assert found.uniquenesses == pytest.approx(1 - expected**2, abs=1e-8)
    assert found.status == "ok"
    assert found.objective == pytest.approx(0, abs=1e-14)


def test_loadings_behind_an_exact_matrix_are_found():
    truth = simple_structure()
    found = minres(implied(truth), 3)
    assert found.objective == pytest.approx(0, abs=1e-12)
    turned = found.loadings @ procrustes(found.loadings, truth)
    assert turned == pytest.approx(truth, abs=1e-6)
    # Varimax finds the simple structure without being told, up to order and sign.
    rotated = found.loadings @ varimax(found.loadings)
    cosines = np.abs((rotated.T @ truth) / np.sqrt(np.outer(np.square(rotated).sum(0), np.square(truth).sum(0))))
    assert np.sort(cosines.max(axis=0)) == pytest.approx(np.ones(3), abs=1e-6)


@pytest.mark.parametrize(("seed", "factors"), [(1, 1), (2, 2), (3, 3), (4, 3)])
def test_no_loadings_have_smaller_residuals(seed, factors):
    matrix = sampled(simple_structure(items=4), n=150, seed=seed)
    found = minres(matrix, factors)
    everything = np.ones(matrix.shape, dtype=bool)
    assert found.status == "ok"
    assert found.objective == pytest.approx(slow_minres(matrix, factors, everything), rel=1e-6)


def test_pairs_that_are_not_defined_have_no_weight():
    matrix = sampled(simple_structure(items=4), n=300, seed=5)
    defined = np.ones(matrix.shape, dtype=bool)
    for a, b in ((0, 1), (4, 9), (2, 11)):
        defined[a, b] = defined[b, a] = False
    found = minres(matrix, 2, defined=defined)
    assert found.objective == pytest.approx(slow_minres(matrix, 2, defined), rel=1e-5)
    lie = np.where(defined, matrix, 0.99)
    assert minres(lie, 2, defined=defined).loadings == pytest.approx(found.loadings, abs=1e-6)


def test_a_start_nearby_leads_to_the_same_place():
    one, other = (sampled(simple_structure(), n=200, seed=seed) for seed in (6, 7))
    cold, warm = minres(other, 3), minres(other, 3, start=minres(one, 3))
    assert warm.objective == pytest.approx(cold.objective, rel=1e-9)
    assert implied(warm.loadings) == pytest.approx(implied(cold.loadings), abs=1e-6)


def test_a_heywood_case_is_a_status():
    # r12 r13 / r23 is 1.5: the first item would need a negative variance of its own.
    matrix = np.array([[1, 0.6, 0.5], [0.6, 1, 0.2], [0.5, 0.2, 1]])
    found = minres(matrix, 1)
    assert found.status == "heywood"
    assert found.uniquenesses.min() == pytest.approx(SMALLEST_UNIQUENESS)
    assert np.isfinite(found.loadings).all()


def test_an_indefinite_matrix_is_factored_too():
    matrix = np.full((6, 6), 0.5)
    matrix[0, 1] = matrix[1, 0] = -0.6
    np.fill_diagonal(matrix, 1.0)
    assert np.linalg.eigvalsh(matrix).min() < 0
    found = minres(matrix, 1)
    assert found.status == "ok"
    assert found.objective == pytest.approx(slow_minres(matrix, 1, np.ones((6, 6), dtype=bool)), rel=1e-6)


def test_signs_and_order_of_items_do_not_matter():
    matrix = sampled(simple_structure(), n=250, seed=8)
    rng = np.random.default_rng(9)
    order, signs = rng.permutation(15), rng.choice([-1.0, 1.0], size=15)
    changed = (matrix * np.outer(signs, signs))[np.ix_(order, order)]
    plain, other = minres(matrix, 3), minres(changed, 3)
    assert other.objective == pytest.approx(plain.objective, rel=1e-9)
    assert other.uniquenesses == pytest.approx(plain.uniquenesses[order], abs=1e-6)
    rotated, turned = plain.loadings @ varimax(plain.loadings), other.loadings @ varimax(other.loadings)
    back = (rotated * signs[:, None])[order]
    assert turned @ procrustes(turned, back) == pytest.approx(back, abs=1e-5)
    assert np.sort(np.square(turned).sum(axis=0)) == pytest.approx(np.sort(np.square(back).sum(axis=0)), abs=1e-5)


def test_200_items_are_factored():
    truth = simple_structure(items=20, factors=10)
    found = minres(sampled(truth, n=1500, seed=10), 10)
    assert found.status == "ok"
    turned = found.loadings @ procrustes(found.loadings, truth)
    assert congruence(turned, truth).min() > 0.98


def test_varimax_reaches_the_largest_variance_of_two_factors():
    """Two factors have one angle, which can be tried out."""
    rng = np.random.default_rng(11)
    loadings = rng.normal(size=(9, 2)) * 0.4

    def criterion(rotated: np.ndarray) -> float:
        shares = np.square(rotated) / np.square(rotated).sum(axis=1, keepdims=True)
        return float(shares.var(axis=0).sum())

    angles = np.linspace(0, np.pi / 2, 20_001)
    turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in angles]
    best = max(criterion(loadings @ turn) for turn in turns)
    rotation = varimax(loadings)
    assert criterion(loadings @ rotation) == pytest.approx(best, abs=1e-7)
    assert rotation.T @ rotation == pytest.approx(np.eye(2), abs=1e-12)


def test_varimax_of_many_factors_is_stationary():
    rng = np.random.default_rng(12)
    loadings = rng.normal(size=(30, 5)) * 0.3
    rotated = loadings @ varimax(loadings)
    assert varimax(rotated) == pytest.approx(np.eye(5), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_procrustes_is_that_of_scipy(seed):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=(2, 12, 4))
    expected, _ = orthogonal_procrustes(one, other)
    assert procrustes(one, other) == pytest.approx(expected, abs=1e-12)


def test_congruence_is_a_cosine_of_columns():
    one = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    other = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    found = congruence(one, other)
    assert found[0] == pytest.approx(1 / np.sqrt(2))
    assert np.isnan(found[1])
    assert congruence(3 * other, other) == pytest.approx([1, 1])


def test_shuffled_loadings_agree_by_chance_only():
    truth = simple_structure()
    rng = np.random.default_rng(13)
    orders = np.stack([rng.permutation(2 * len(truth)) for _ in range(400)])
    shuffled = chance_loadings(truth, truth, orders)
    for one in shuffled[:20]:
        # The same rows, in another order, each with a sign, turned.
        assert np.sort(np.square(one).sum(axis=1)) == pytest.approx(np.sort(np.square(truth).sum(axis=1)))
        expected = one @ procrustes(one, truth)
        assert expected == pytest.approx(one, abs=1e-8), "already rotated to the target"
    values = congruence(shuffled, truth)
    assert 0.3 < np.quantile(values, 0.95) < 0.9
    # Every item comes to every place, with both signs.
    first = np.abs(shuffled[:, 0]).sum(axis=1)
    assert len(np.unique(first.round(6))) > 5
    # The polarity of items does not matter.
    signs = np.where(np.arange(len(truth)) % 3 == 0, -1.0, 1.0)[:, None]
    again = chance_loadings(truth * signs, truth * signs, orders)
    assert congruence(again, truth * signs) == pytest.approx(values, abs=1e-9)
