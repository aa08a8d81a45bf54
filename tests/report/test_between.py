from __future__ import annotations

import pytest

from demoscope.report.between import conclusion
from demoscope.report.page import report_html
from tests.report.markup import read
from tests.report.synthetic import PLANS, Plan, comparison, facts, survey

SUMMARY = {"pairs": 45, "pairs_estimable": 45}


def section(plan: Plan):
    document = read(report_html(comparison(plan), survey=survey(plan), facts=facts(plan)))
    return next((e for e in document.walk() if e.attributes.get("id") == "between"), None)


def rows(*, value: float | None = 0.8, low: float = 0.6, p: float | None = 0.01, constraint: float = 0.5) -> dict:
    return {
        "structure_r2": {"value": 0.5, "low": 0.3, "high": 0.7},
        "similarity": {"value": value, "low": low, "high": 0.9, "permuted_p": p},
        "constraint": {"value": constraint, "low": constraint - 0.1, "high": constraint + 0.1},
    }


@pytest.mark.parametrize(
    ("summary", "scores", "words"),
    [
        ({}, rows(), "something of how groups differ together: similarity 0.80 [0.60, 0.90]"),
        ({}, rows(), "less than in people (constraint 0.50 [0.40, 0.60])"),
        ({}, rows(constraint=1.0), "about as strongly as in people"),
        ({}, rows(constraint=1.5), "more than in people"),
        ({}, rows(p=0.2), "permuted come as near (p = 0.200): no structure between groups is shown"),
        ({}, rows(p=None), "no structure between groups is shown"),
        ({}, rows(low=-0.1), "not shown to be related to that of people: similarity 0.80 [-0.10, 0.90]"),
        ({}, rows(value=None), "In the model, correlations over groups cannot be told from zero"),
        ({"pairs_estimable": 0}, rows(value=None), "The model answers alike for all groups"),
        ({}, rows() | {"structure_r2": {"value": None}}, "In people themselves"),
        ({"pairs": 0}, {}, "Fewer than three pairs of items could be compared"),
    ],
)
def test_conclusions(summary, scores, words):
    assert words in conclusion(SUMMARY | summary, scores)


def test_without_groups_there_is_no_section():
    assert section(PLANS["usual"]) is None


def test_scores_stand_beside_both_references():
    found = section(PLANS["between_groups"])
    text = found.text
    assert "the means of 40 cells of country and shown attributes, with at least 31 people and 30 personas each" in text
    assert "The model answers alike for all groups, so it has no structure between them." in text
    assert "overlap" not in text
    assert "few groups" not in text
    persona = found.by_class("g1")[0]
    captions = [t.all("caption")[0].text for t in persona.all("table")]
    assert captions == [
        f"Structure of {level} {part}"
        for part in ("over all groups", "over the means of countries", "over groups within countries")
        for level in ("items", "categories")
    ]
    lines = [[cell.text for cell in tr.children] for tr in persona.all("table")[0].all("tbody")[0].all("tr")]
    assert lines[1] == ["Similarity", "0.80 [0.70, 0.90]", "0.00 [-0.30, 0.30]", "1.00 [0.95, 1.05]"]
    assert lines[5][:2] == ["Pearson r (Williams et al.)", "0.75"]
    assert len(persona.by_class("heat")) == 4
    left_out = [e.text for e in persona.all("li")]
    assert left_out[0].startswith("Left out, because people's group means differ mostly by sampling: ")
    assert [e.text for e in persona.all("li")[0].all("bdi")] == ["ideology"]


def test_few_and_overlapping_groups_are_warned_of():
    text = section(PLANS["few_groups"]).text
    assert "Groups overlap: some people are in several of them" in text
    assert "over 6 groups a squared correlation is 0.20 on average" in text
    assert "some correlations came out beyond -1 or 1 and were cut: 1 of people." in text
