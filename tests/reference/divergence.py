"""Slow twin of the divergences, from scipy's definitions and plain loops."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from scipy import stats
from scipy.spatial import distance


def slow_divergences(human: list[float], model: list[float], scores: list[float]) -> dict[str, float]:
    n, m = sum(human), sum(model)
    p, q = [count / n for count in human], [count / m for count in model]
    width = scores[-1] - scores[0]
    cdf = [(sum(p[: k + 1]), sum(q[: k + 1])) for k in range(len(p))]
    gaps = [high - low for low, high in pairwise(scores)]
    cramer = sum((f - g) ** 2 * gap for (f, g), gap in zip(cdf, gaps, strict=False)) / width
    noise = (
        sum((f * (1 - f) / (n - 1) + g * (1 - g) / (m - 1)) * gap for (f, g), gap in zip(cdf, gaps, strict=False))
        / width
    )
    wasserstein = stats.wasserstein_distance(scores, scores, p, q)
    return {
        "tv": sum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2,
        "w1_raw": wasserstein,
        "w1_norm": wasserstein / width,
        "cramer_sq_norm": cramer,
        "cramer_sq_norm_unbiased": cramer - noise,
        "energy_distance_sq": stats.energy_distance(scores, scores, p, q) ** 2,
        "ks": max(abs(f - g) for f, g in cdf),
        "js_dist_base2": float(distance.jensenshannon(p, q, base=2)),
        "js_dist_base_e_scipy_default": float(distance.jensenshannon(p, q)),
        "kl_pq_nats": float(stats.entropy(p, q)),
        "kl_qp_nats": float(stats.entropy(q, p)),
        "hellinger": math.sqrt(sum((math.sqrt(a) - math.sqrt(b)) ** 2 for a, b in zip(p, q, strict=True)) / 2),
        "mean_shift_norm": (float(np.average(scores, weights=q)) - float(np.average(scores, weights=p))) / width,
        "entropy_q_nats": float(stats.entropy(q)),
    }
