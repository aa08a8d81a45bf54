"""A6: what similarity a model reaches whose profile effects have nothing to do with people.

A country with G profiles gives a model correlation matrix of at most G - 1 dimensions.
Chance alignment with the human matrix is then large, and resampling respondents does not contain it.
Permuting profile labels item by item keeps every item's own variation between profiles and destroys what goes together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demoscope.scores.sides import ExactSide, blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from demoscope.scores.resampling import Streams
    from demoscope.scores.sides import Floats, Mask
    from demoscope.scores.structure import Terms

FEWEST_PROFILES = 3


@dataclass(frozen=True)
class Products:
    """Plug-in products of one country: mean m^2 and mean h m over its pairs, observed first, then permuted.

    Attributes:
        mm, hm: Shape (1 + R,).
        hh: Debiased human term, the same for all.
    """

    mm: Floats
    hm: Floats
    hh: float


@dataclass(frozen=True)
class Permuted:
    """The permutation distribution of one country or of all.

    Attributes:
        p: Share of permutations at least as similar to the human matrix as the model, (k + 1) / (R + 1).
        r2_q95: 95 % quantile of structure R2 over permutations.
        similarity_q95: That of pattern similarity.
    """

    p: float
    r2_q95: float
    similarity_q95: float


def products(
    model: ExactSide,
    human_rho: Floats,
    human_terms: Terms,
    *,
    pairs: Mask,
    country: str,
    count: int,
    streams: Streams,
    step: Callable[[int], None],
) -> Products | None:
    """Correlate ``count`` permuted models with the human matrix of one country.

    Args:
        model: Personas with option probabilities.
        human_rho: Human correlations, shape (P,).
        human_terms: Debiased terms of the country, for ``hh``.
        pairs: Pairs whose model correlation is estimable, shape (P,).
        country: Key of the random streams.
        count: Number of permutations R.
        streams: Seed and threads.
        step: Called with 1 after each permutation.

    Returns:
        ``None`` with fewer than three profiles: nothing to permute.
    """
    used = np.isfinite(human_rho)
    rows = len(model.probs)
    if rows < FEWEST_PROFILES or not used.any():
        return None
    width = len(model.categories)
    orders = streams.permutations(rows, count * width, country=country, purpose="A6").reshape(count, width, rows)
    mm, hm = np.empty(count + 1), np.empty(count + 1)
    for r in range(count + 1):
        probs = model.probs
        if r:
            probs = np.empty_like(model.probs)
            for block, order in zip(blocks(model.categories), orders[r - 1], strict=True):
                probs[:, block] = model.probs[order, block]
        candidate = ExactSide(probs, model.categories, model.profile, model.weights, model.persons)
        rho = candidate.correlations(None, pairs=pairs, threads=streams.threads).rho
        m = np.where(np.isfinite(rho[0]), rho[0], 0.0)[used]
        mm[r], hm[r] = np.square(m).mean(), (m * human_rho[used]).mean()
        step(1)
    return Products(mm=mm, hm=hm, hh=human_terms.hh)


def permuted(parts: Sequence[Products]) -> Permuted | None:
    """Permutation distribution over the countries in ``parts`` together (sums of terms)."""
    if not parts:
        return None
    mm, hm = np.sum([part.mm for part in parts], axis=0), np.sum([part.hm for part in parts], axis=0)
    hh = sum(part.hh for part in parts)
    if not (hh > 0 and (mm > 0).all()):
        return None
    similarity, r2 = hm / np.sqrt(hh * mm), 1 - (hh + mm - 2 * hm) / hh
    return Permuted(
        p=float((1 + (similarity[1:] >= similarity[0]).sum()) / len(similarity)),
        r2_q95=float(np.percentile(r2[1:], 95)),
        similarity_q95=float(np.percentile(similarity[1:], 95)),
    )
