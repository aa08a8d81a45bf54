"""A population whose correlations and marginals are known, for tests of recovery.

Every respondent has latent answers Z ~ N(0, R) with the declared R of the country, cut at the declared thresholds.
Demographics are cut from latent attributes D ~ N(0, I) with cov(Z, D) = s B: because D is normal and Z keeps the
covariance R whatever the strength s of the demographic effects, the polychoric correlations of the population are the
entries of R and its marginals are those of the thresholds, exactly, for every s.

Random numbers are raw 64-bit outputs of PCG64 turned into normals here: NumPy promises a stable stream of the bit
generator and of its seeding, and no such thing of ``Generator.normal``.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from demoscope.errors import ConfigError
from demoscope.surveys.microdata import Microdata, microdata_from_frame
from demoscope.surveys.survey import load_survey

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats: TypeAlias = npt.NDArray[np.float64]

_CODES: Final[Mapping[str, range]] = {
    "voted": range(2),
    "news": range(1, 4),
    "courts": range(1, 5),
    "police": range(1, 6),
    "content": range(1, 8),
    "married": range(2),
    "customs": range(1, 4),
    "obey": range(1, 5),
    "faith": range(1, 6),
    "change": range(1, 8),
}

# Z = loadings x two factors + a unique part, per country; the factors are correlated.
_LOADINGS: Final[Mapping[str, tuple[tuple[float, float], ...]]] = {
    "North": (
        (0.7, 0.0), (0.6, 0.0), (0.8, 0.0), (0.7, 0.1), (0.8, 0.0),
        (0.0, 0.7), (0.0, 0.6), (-0.1, 0.7), (0.0, 0.8), (0.1, -0.6),
    ),
    "South": (
        (0.4, 0.0), (0.3, 0.2), (0.6, 0.0), (0.5, 0.3), (0.6, 0.0),
        (0.0, 0.8), (0.0, 0.8), (0.2, 0.6), (0.0, 0.9), (0.0, -0.3),
    ),
    "West": (
        (0.2, 0.0), (0.5, -0.3), (0.7, 0.0), (0.4, 0.0), (0.5, 0.0),
        (0.0, 0.5), (0.3, 0.4), (0.0, 0.6), (0.0, 0.5), (0.4, -0.7),
    ),
}  # fmt: skip
_FACTOR_CORRELATION: Final[Mapping[str, float]] = {"North": -0.3, "South": 0.4, "West": 0.0}

# Thresholds are those of the number of categories, moved by country and item.
_THRESHOLDS: Final[Mapping[int, tuple[float, ...]]] = {
    2: (0.0,),
    3: (-0.5, 0.6),
    4: (-0.9, 0.1, 1.0),
    5: (-1.2, -0.5, 0.3, 1.1),
    7: (-1.5, -0.9, -0.3, 0.2, 0.8, 1.4),
}
_SHIFTS: Final[Mapping[str, tuple[float, ...]]] = {
    "North": (-0.6, -0.3, -0.4, -0.2, -0.1, 0.4, 0.2, 0.5, 0.4, -0.3),
    "South": (-0.1, 0.1, 0.3, 0.4, 0.3, -0.5, -0.3, -0.2, -0.4, 0.2),
    "West": (-0.3, -0.5, 0.0, 0.2, -0.2, 0.6, 0.4, 0.0, 0.5, -0.5),
}

# B: covariance of each latent answer with (sex, age) at full strength.
_DEMOGRAPHIC_EFFECTS: Final = (
    (0.0, 0.3), (-0.1, 0.3), (0.0, 0.2), (0.1, 0.3), (0.0, 0.2),
    (0.1, 0.3), (0.1, 0.3), (0.0, 0.2), (0.2, 0.3), (0.1, -0.3),
)  # fmt: skip
_AGES: Final = range(18, 80)


@dataclass(frozen=True)
class SyntheticTruth:
    """What is true of the population, p = 10 items.

    Attributes:
        items: Names of the items.
        correlations: Country to latent correlation matrix, shape (p, p).
        thresholds: Country and item to K - 1 cut points on the standard normal scale.
        marginals: Country and item to K category probabilities, summing to 1.
        demographic_effects: Covariance of latent answers with latent sex and age at strength 1, shape (p, 2).
    """

    items: tuple[str, ...]
    correlations: Mapping[str, Floats]
    thresholds: Mapping[str, Mapping[str, Floats]]
    marginals: Mapping[str, Mapping[str, Floats]]
    demographic_effects: Floats

    @property
    def countries(self) -> tuple[str, ...]:
        """Countries, sorted."""
        return tuple(self.correlations)


def synthetic_truth() -> SyntheticTruth:
    """Correlations, thresholds and marginals that ``synthetic_population`` samples from."""
    thresholds = {
        country: {
            item: np.array(_THRESHOLDS[len(codes)]) + shift
            for (item, codes), shift in zip(_CODES.items(), shifts, strict=True)
        }
        for country, shifts in _SHIFTS.items()
    }
    return SyntheticTruth(
        items=tuple(_CODES),
        correlations={country: _correlations(country) for country in _LOADINGS},
        thresholds=thresholds,
        marginals={
            country: {item: _probabilities(cuts) for item, cuts in of_items.items()}
            for country, of_items in thresholds.items()
        },
        demographic_effects=np.array(_DEMOGRAPHIC_EFFECTS),
    )


def synthetic_population(*, seed: int, **settings: Any) -> Microdata:  # noqa: ANN401 - those of synthetic_frame
    """Sample respondents of the synthetic population.

    Args:
        seed: Names the sample, 0 or more.
        settings: As for ``synthetic_frame``.

    Raises:
        ConfigError: A setting is outside its range.
    """
    return microdata_from_frame(synthetic_frame(seed=seed, **settings), survey=load_survey("synthetic"))


def synthetic_frame(
    *, seed: int = 0, n_per_country: int = 600, demographics: float = 1.0, missing: float = 0.04, weights: bool = False
) -> pl.DataFrame:
    """Raw columns of the synthetic survey, as a data file would have them.

    A larger sample of the same seed begins, in each country, with the smaller one.

    Args:
        seed: Names the sample, 0 or more.
        n_per_country: Respondents in each country, 1 or more.
        demographics: Strength of the effects of sex and age, 0 (none) to 1; correlations between items stay the same.
        missing: Probability that an answer is missing, completely at random, 0 to below 1; two thirds "don't know"
            (code -1), one third refused (-2).
        weights: Whether weights differ; they are independent of all answers, so the truth does not move.

    Raises:
        ConfigError: A setting is outside its range.
    """
    if seed < 0 or n_per_country < 1 or not 0 <= demographics <= 1 or not 0 <= missing < 1:
        raise ConfigError(
            "synthetic population: seed must be at least 0, n_per_country at least 1, demographics in [0, 1], "
            f"missing in [0, 1); got {seed}, {n_per_country}, {demographics}, {missing}"
        )
    truth = synthetic_truth()
    frames = []
    for number, country in enumerate(truth.countries):
        latent, latent_demographics, latent_weight, uniform = _latent(
            truth, country, n=n_per_country, strength=demographics, stream=(seed, number)
        )
        lost = np.where(uniform < missing * 2 / 3, -1, np.where(uniform < missing, -2, 0))
        columns = {
            "id": [f"{country}-{row}" for row in range(1, n_per_country + 1)],
            "country": [country] * n_per_country,
            "weight": np.exp(0.4 * latent_weight) if weights else np.ones(n_per_country),
            "sex": np.where(latent_demographics[:, 0] > 0, 2, 1),
            "age": _cut(latent_demographics[:, 1], _quantiles(len(_AGES)), first=_AGES.start),
        }
        for j, (item, codes) in enumerate(_CODES.items()):
            answers = _cut(latent[:, j], truth.thresholds[country][item], first=codes.start)
            columns[item] = np.where(lost[:, j] < 0, lost[:, j], answers)
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames)


def _correlations(country: str) -> Floats:
    loadings, between = np.array(_LOADINGS[country]), _FACTOR_CORRELATION[country]
    common: Floats = loadings @ np.array([[1.0, between], [between, 1.0]]) @ loadings.T
    matrix = (common + common.T) / 2  # symmetric to the last bit
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _probabilities(cuts: Floats) -> Floats:
    return np.diff([0.0, *(NormalDist().cdf(cut) for cut in cuts.tolist()), 1.0])


def _quantiles(parts: int) -> Floats:
    return np.array([NormalDist().inv_cdf(k / parts) for k in range(1, parts)])


def _cut(latent: Floats, cuts: Floats, *, first: int) -> npt.NDArray[np.int64]:
    return first + np.searchsorted(cuts, latent).astype(np.int64)


def _latent(
    truth: SyntheticTruth, country: str, *, n: int, strength: float, stream: tuple[int, int]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Latent answers (n, p), latent demographics (n, 2), latent weight (n,), uniforms that decide on missing (n, p)."""
    effects = strength * truth.demographic_effects
    residual = np.linalg.cholesky(truth.correlations[country] - effects @ effects.T)
    p, attributes = effects.shape
    normals = p + attributes + 1
    pairs = -(-normals // 2)
    # One row of numbers for each respondent, so that a respondent does not depend on how many follow.
    bits = np.random.PCG64(np.random.SeedSequence(stream[0], spawn_key=stream[1:]))
    raw = np.asarray(bits.random_raw(n * (2 * pairs + p)), dtype=np.uint64)
    uniform = (raw >> np.uint64(11)).astype(np.float64).reshape(n, -1) * 2.0**-53
    # Box and Muller (1958): two uniforms make two independent normals.
    radius = np.sqrt(-2.0 * np.log1p(-uniform[:, :pairs]))
    angle = 2.0 * np.pi * uniform[:, pairs : 2 * pairs]
    normal = np.hstack((radius * np.cos(angle), radius * np.sin(angle)))
    demographics = normal[:, :attributes]
    answers = demographics @ effects.T + normal[:, attributes : attributes + p] @ residual.T
    return answers, demographics, normal[:, normals - 1], uniform[:, 2 * pairs :]
