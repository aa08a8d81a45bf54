"""Structure scores against the golden matrices and their identities."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from demoscope.scores.structure import Terms, scores, total, worth

GOLDEN = json.loads((Path(__file__).parents[1] / "reference" / "golden" / "structure.json").read_text(encoding="utf-8"))
EXACT = 1e-12


def exact_terms(h: np.ndarray, m: np.ndarray) -> Terms:
    """Terms of matrices that are known without sampling error."""
    hh, mm, hm = float(np.mean(h * h)), float(np.mean(m * m)), float(np.mean(h * m))
    row = np.ones(50)
    return Terms(hh, mm, hm, hh * row, mm * row, hm * row, kappa=1.0, pairs=len(h), estimable=len(h))


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["id"])
def test_golden_matrices(case):
    h, m = (np.array([float(x) for x in case[key]]) for key in ("H_upper_rowwise", "M_upper_rowwise"))
    found = scores(exact_terms(h, m), n_human=1e9)
    expected = case["expected"]
    assert found.structure_r2.value == pytest.approx(float(expected["structure_skill"]), abs=EXACT)
    assert found.srmr.value == pytest.approx(float(expected["rmse_offdiag"]), abs=EXACT)
    assert found.slope.value == pytest.approx(float(expected["slope_b"]), abs=EXACT)
    assert found.constraint.value == pytest.approx(float(expected["gain_g"]), abs=EXACT)
    assert found.similarity.value == pytest.approx(float(expected["cosine_triangle"]), abs=EXACT, nan_ok=True)


def test_identity_of_r2_with_similarity_and_constraint():
    rng = np.random.default_rng(3)
    for _ in range(50):
        found = scores(exact_terms(rng.uniform(-1, 1, 21), rng.uniform(-1, 1, 21)), n_human=1e9)
        phi, g = found.similarity.value, found.constraint.value
        assert found.structure_r2.value == pytest.approx(phi**2 - (g - phi) ** 2, abs=EXACT)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0, 1.7])
def test_scaled_structure(strength):
    h = np.random.default_rng(5).uniform(-0.8, 0.8, 15)
    found = scores(exact_terms(h, strength * h), n_human=1e9)
    assert found.structure_r2.value == pytest.approx(1 - (1 - strength) ** 2, abs=EXACT)
    assert found.constraint.value == pytest.approx(strength, abs=EXACT)
    assert found.similarity.value == pytest.approx(1.0 if strength else float("nan"), abs=EXACT, nan_ok=True)


def test_sum_over_countries_is_a_ratio_of_sums():
    rng = np.random.default_rng(11)
    parts = [exact_terms(rng.uniform(-0.8, 0.8, 10), rng.uniform(-0.8, 0.8, 10)) for _ in range(3)]
    d2 = sum(t.hh + t.mm - 2 * t.hm for t in parts)
    assert scores(total(parts), n_human=1e9).structure_r2.value == pytest.approx(1 - d2 / sum(t.hh for t in parts))
    assert scores(total(parts), n_human=1e9).srmr.value == pytest.approx(np.sqrt(d2 / 3))


def test_worth_interviews_counts_sampling_errors():
    # n interviews of a correlation near 0 have variance kappa / n; a distance of kappa / 50 is worth 50.
    value, censored = worth(1.5, 1.5 / 50, np.array([1.5 / 40] * 20 + [1.5 / 60] * 20), n_human=1000)
    assert value.value == pytest.approx(50)
    assert (value.low, value.high) == (pytest.approx(40), pytest.approx(60))
    assert not censored
    beyond, censored = worth(1.5, -0.001, np.full(40, -0.001), n_human=1000)
    assert beyond.value == 1000
    assert censored
