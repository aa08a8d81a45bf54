"""Factor analysis of a correlation matrix by least squares, and the rotations that make two solutions comparable.

Minres (Harman & Jones 1966) chooses those loadings L of k factors whose squared residuals off the diagonal have the
smallest sum, which is least squares with free uniquenesses (ULS; Joreskog 1977).
For given uniquenesses psi the best loadings are the leading eigenvectors of R - diag(psi), so the search is over psi
alone: Newton's method with the exact Hessian, inside bounds.
Nothing here needs a positive definite matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

SMALLEST_UNIQUENESS: Final = 0.005
"""A uniqueness that ends here is a Heywood case: the item would have hardly any variance of its own."""

GRADIENT_TOLERANCE: Final = 1e-9
FILL_TOLERANCE: Final = 1e-6
MOST_STEPS: Final = 200
MOST_FILLS: Final = 500

FactorStatus = Literal["ok", "heywood", "not_converged"]


@dataclass(frozen=True)
class FactorSolution:
    """Unrotated factors of p items.

    Attributes:
        loadings: Shape (p, k).
        uniquenesses: 1 minus the variance that factors explain, shape (p,).
        objective: Sum of squared residuals over the pairs that count.
        status: ``"heywood"`` where a uniqueness ended at its lower bound, ``"not_converged"`` where steps ran out.
    """

    loadings: Floats
    uniquenesses: Floats
    objective: float
    status: FactorStatus


def minres(
    correlations: Floats, factors: int, *, defined: Mask | None = None, start: FactorSolution | None = None
) -> FactorSolution:
    """Least squares loadings.

    Pairs that are not ``defined`` have no weight: they are filled with what the loadings say of them, and loadings and
    filled values are computed in turn until neither changes, which minimises the residuals of the other pairs.

    Args:
        correlations: Symmetric, shape (p, p); the diagonal is ignored, as are pairs that are not defined.
        factors: k, at least 1 and less than p.
        defined: Pairs that count, symmetric, shape (p, p); all unless given.
        start: A solution nearby, to begin with.
    """
    matrix = np.array(correlations, dtype=np.float64)
    np.fill_diagonal(matrix, 1.0)
    missing = np.zeros(matrix.shape, dtype=np.bool_) if defined is None else ~defined
    np.fill_diagonal(missing, val=False)
    psi = _start(matrix, missing) if start is None else start.uniquenesses.copy()
    matrix[missing] = 0.0 if start is None else (start.loadings @ start.loadings.T)[missing]
    converged = True
    for _ in range(MOST_FILLS):
        psi, converged = _uniquenesses(matrix, factors, psi)
        loadings = _loadings(matrix, factors, psi)
        filled = (loadings @ loadings.T)[missing]
        change = np.abs(filled - matrix[missing]).max(initial=0.0)
        matrix[missing] = filled
        if change < FILL_TOLERANCE:
            break
    else:
        converged = False
    residuals = matrix - loadings @ loadings.T
    np.fill_diagonal(residuals, 0.0)
    heywood = bool((psi <= SMALLEST_UNIQUENESS * (1 + 1e-9)).any())
    return FactorSolution(
        loadings=loadings,
        uniquenesses=psi,
        objective=float(np.square(residuals).sum() / 2),
        status="not_converged" if not converged else "heywood" if heywood else "ok",
    )


def varimax(loadings: Floats, *, steps: int = 500) -> Floats:
    """Orthogonal rotation T to simple structure, shape (k, k), such that ``loadings @ T`` are the rotated loadings.

    Rows are scaled to length 1 while rotating (Kaiser 1958); pairs of factors are turned in closed form in turn.
    """
    items, factors = loadings.shape
    length = np.sqrt(np.square(loadings).sum(axis=1, keepdims=True))
    x = np.divide(loadings, length, out=np.zeros_like(loadings), where=length > 1e-12)
    rotation = np.eye(factors)
    for _ in range(steps):
        largest = 0.0
        for a in range(factors - 1):
            for b in range(a + 1, factors):
                u, v = np.square(x[:, a]) - np.square(x[:, b]), 2 * x[:, a] * x[:, b]
                numerator = 2 * ((u * v).sum() - u.sum() * v.sum() / items)
                denominator = (np.square(u) - np.square(v)).sum() - (u.sum() ** 2 - v.sum() ** 2) / items
                if np.hypot(numerator, denominator) < 1e-14:
                    continue
                angle = np.arctan2(numerator, denominator) / 4
                largest = max(largest, abs(angle))
                turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
                x[:, [a, b]] = x[:, [a, b]] @ turn
                rotation[:, [a, b]] = rotation[:, [a, b]] @ turn
        if largest < 1e-10:
            break
    return rotation


def procrustes(loadings: Floats, target: Floats) -> Floats:
    """Orthogonal matrix T, shape (k, k), that brings ``loadings @ T`` nearest to ``target`` (Schonemann 1966)."""
    left, _, right = np.linalg.svd(loadings.T @ target)
    rotation: Floats = left @ right
    return rotation


def congruence(one: Floats, other: Floats) -> Floats:
    """Tucker's coefficient of each column: the cosine of two columns of loadings; NaN where one is zero.

    Args:
        one: Shape (p, k), or more axes in front.
        other: Of the same shape.
    """
    scale = np.sqrt(np.square(one).sum(axis=-2) * np.square(other).sum(axis=-2))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines: Floats = np.where(scale > 1e-12, (one * other).sum(axis=-2) / scale, np.nan)
    return cosines


def chance_loadings(loadings: Floats, target: Floats, orders: NDArray[np.int64]) -> Floats:
    """Loadings whose items and signs were shuffled, each rotated to the target as the real ones are.

    Rotation finds agreement by chance; how much, these tell.
    Signs are those relative to the target, so that the polarity of items does not matter.

    Args:
        loadings: Shape (p, k).
        target: Shape (p, k).
        orders: Random orders of 2 p things, one for each shuffle, shape (R, 2 p).

    Returns:
        Shape (R, p, k).
    """
    items = len(loadings)
    # Position in a random order of 2 p things, restricted to the first p of them, is a random order of those.
    places = np.argsort(orders[:, :items], axis=1)
    polarity = np.sign(target[np.arange(items), np.abs(target).argmax(axis=1)])
    polarity[polarity == 0] = 1.0
    signs = np.where(orders[:, :items] % 2 == 1, -1.0, 1.0) * polarity
    shuffled = (loadings * polarity[:, None])[places] * signs[:, :, None]
    left, _, right = np.linalg.svd(np.swapaxes(shuffled, 1, 2) @ target)
    rotated: Floats = shuffled @ (left @ right)
    return rotated


def _start(matrix: Floats, missing: Mask) -> Floats:
    """1 minus the largest correlation of each item, a rough guess that exists for any matrix."""
    known = np.where(missing, 0.0, np.abs(matrix))
    np.fill_diagonal(known, 0.0)
    start: Floats = np.clip(1 - known.max(axis=1), 0.1, 0.95)
    return start


def _loadings(matrix: Floats, factors: int, psi: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix - np.diag(psi))
    loadings: Floats = vectors[:, : -factors - 1 : -1] * np.sqrt(np.maximum(0.0, values[: -factors - 1 : -1]))
    return loadings


def _uniquenesses(matrix: Floats, factors: int, psi: Floats) -> tuple[Floats, bool]:
    """Minimise half the sum of squares of all but the leading eigenvalues of R - diag(psi)."""
    state = _State.at(matrix, factors, psi)
    for _ in range(MOST_STEPS):
        gradient = state.gradient()
        # At a bound only a step inwards counts.
        held = (psi <= SMALLEST_UNIQUENESS) & (gradient > 0) | (psi >= 1) & (gradient < 0)
        if np.abs(gradient[~held]).max(initial=0.0) < GRADIENT_TOLERANCE:
            return psi, True
        free = np.flatnonzero(~held)
        step = np.zeros_like(psi)
        step[free] = state.step(gradient, free)
        size = 1.0
        while True:
            candidate = np.clip(psi + size * step, SMALLEST_UNIQUENESS, 1.0)
            following = _State.at(matrix, factors, candidate)
            if following.value <= state.value + 1e-4 * float(gradient @ (candidate - psi)) + 1e-14:
                break
            size /= 2
            if size < 1e-6:
                return psi, False
        if np.abs(candidate - psi).max() < 1e-13:
            return candidate, bool(np.abs(gradient[~held]).max() < 1e3 * GRADIENT_TOLERANCE)
        psi, state = candidate, following
    return psi, False


_TIE: Final = 1e-12
"""Eigenvalues that are nearer to each other count as equal."""


@dataclass(frozen=True)
class _State:
    """The objective at one place: eigenvalues in ascending order, and how many of them are not factors."""

    value: float
    values: Floats
    vectors: Floats
    rest: int

    @classmethod
    def at(cls, matrix: Floats, factors: int, psi: Floats) -> _State:
        values, vectors = np.linalg.eigh(matrix - np.diag(psi))
        # A leading eigenvalue below zero is no factor: a real loading cannot explain it.
        rest = max(len(psi) - factors, int((values <= 0).sum()))
        return cls(float(np.square(values[:rest]).sum() / 2), values, vectors, rest)

    def gradient(self) -> Floats:
        gradient: Floats = -(np.square(self.vectors[:, : self.rest]) @ self.values[: self.rest])
        return gradient

    def step(self, gradient: Floats, free: NDArray[np.int64]) -> Floats:
        """Newton's step of the free uniquenesses, by the part of the Hessian that is never negative where needed."""
        others, leading = self.vectors[free, : self.rest], self.vectors[free, self.rest :]
        theta = self.values[: self.rest]
        positive = np.square(others @ others.T)
        exact = positive.copy()
        for n in range(leading.shape[1]):
            # Where a factor is tied with what is none, the exact Hessian has no limit, and the other one is taken.
            weight = theta / np.minimum(theta - self.values[self.rest + n], -_TIE)
            exact += 2 * np.outer(leading[:, n], leading[:, n]) * ((others * weight) @ others.T)
        for hessian, ridge in ((exact, 0.0), (positive, 1e-6), (positive, 1e-2)):
            try:
                lower = np.linalg.cholesky(hessian + (ridge + 1e-10) * np.eye(len(free)))
            except np.linalg.LinAlgError:
                continue
            step: Floats = -np.linalg.solve(lower.T, np.linalg.solve(lower, gradient[free]))
            return step
        return -gradient[free]
