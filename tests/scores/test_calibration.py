"""Scores whose true value is known, once with a fixed seed and, marked slow, over many simulated surveys."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.scores.simulated import covered_pairs, covers, human_answers, independent_answers, over_all, people, scored

SURVEYS = 60
LOWEST_COVERAGE = 0.89
"""Of intervals at 95 %: two standard errors below, with 60 surveys, would be 0.894."""


@pytest.fixture(scope="module")
def independent():
    data = people(7)
    return scored(data, independent_answers(data, seed=8), replicates=400)


def test_independence_responder_has_human_averages_and_no_structure(independent):
    structure, averages = over_all(independent.structure), over_all(independent.averages)
    assert covers(structure, "structure_r2", 0.0)
    assert abs(structure["structure_r2"]) < 0.05
    assert averages["cramer"] < 0.02
    assert averages["interviews_censored"] or averages["interviews_high"] >= averages["n_human"]
    assert averages["distance"] == pytest.approx(averages["distance_floor"], rel=0.2)


def test_references_score_what_they_are(independent):
    references = independent.references
    assert covers(over_all(references, reference="independence"), "structure_r2", 0.0)
    assert covers(over_all(references, reference="split_half"), "structure_r2", 1.0)
    assert over_all(references, reference="split_half")["cramer"] < 0.02
    nearest, others = (over_all(references, reference=name) for name in ("nearest_country", "other_countries"))
    assert nearest["structure_r2"] > others["structure_r2"]


def test_known_correlations_are_covered(independent):
    covered = covered_pairs(independent)
    assert len(covered) == 3 * 45
    assert covered.mean() >= LOWEST_COVERAGE


def test_people_without_demographic_effects_are_not_explained_by_demographics():
    data = people(11, demographics=0.0)
    comparison = scored(data, independent_answers(data, seed=12), replicates=400)
    assert covers(over_all(comparison.references, reference="demographics"), "structure_r2", 0.0)
    assert abs(over_all(comparison.averages)["eta2_human"]) < 0.01


def test_demographic_effects_are_seen_by_their_reference(independent):
    demographics = over_all(independent.references, reference="demographics")
    assert demographics["structure_r2_low"] > 0
    assert over_all(independent.averages)["eta2_human"] > 0.03


@pytest.mark.slow
def test_intervals_cover_at_the_right_rate():
    hits: dict[str, list[bool]] = {}
    pairs = []
    for seed in range(SURVEYS):
        data, others = people(1000 + seed, n=250, demographics=0.0), people(5000 + seed, n=250, demographics=0.0)
        answers = pl.concat([independent_answers(data, seed=seed), human_answers(others)], how="diagonal_relaxed")
        comparison = scored(data, answers, seed=seed)
        rows = {
            "independence responder": (over_all(comparison.structure, model="independence"), "structure_r2", 0.0),
            "same population": (over_all(comparison.structure, model="people"), "structure_r2", 1.0),
            "same population, similarity": (over_all(comparison.structure, model="people"), "similarity", 1.0),
            "same population, constraint": (over_all(comparison.structure, model="people"), "constraint", 1.0),
            "A0": (over_all(comparison.references, reference="independence"), "structure_r2", 0.0),
            "A1": (over_all(comparison.references, reference="demographics"), "structure_r2", 0.0),
            "A2": (over_all(comparison.references, reference="split_half"), "structure_r2", 1.0),
        }
        for name, (row, score, truth) in rows.items():
            hits.setdefault(name, []).append(covers(row, score, truth))
        distances = comparison.marginals["distance_low"].to_numpy()
        hits.setdefault("equal marginals", []).extend(distances == 0)
        pairs.append(covered_pairs(comparison).mean())
    rates = {name: float(np.mean(values)) for name, values in hits.items()} | {"correlations": float(np.mean(pairs))}
    assert min(rates.values()) >= LOWEST_COVERAGE, rates
