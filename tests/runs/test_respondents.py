"""What is told about the people of a survey."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from demoscope.runs.respondents import respondents
from demoscope.surveys import microdata_from_frame, survey_from_table

YES_NO = {"1": "Yes", "2": "No"}
SURVEY = survey_from_table(
    {
        "id": "s",
        "title": "S",
        "country_column": "c",
        "weight_column": "w",
        "missing": {"-1": "dont_know", "-4": "not_asked"},
        "items": [{"id": name, "text": "Well?", "options": YES_NO} for name in ("p", "q")],
    },
    where=Path("s.toml"),
)
DATA = microdata_from_frame(
    pl.DataFrame(
        {
            "c": ["A", "A", "A", "B", "B"],
            "w": [1.0, 2.0, 3.0, 5.0, 5.0],
            "p": [1, -1, 2, -4, -4],
            "q": [1, 2, None, -4, 1],
        }
    ),
    survey=SURVEY,
)


def test_effective_numbers_are_those_of_kish():
    a, b = respondents(DATA, items=("p", "q"), countries=("A", "B")).countries
    assert (a.n, a.n_eff) == (3, pytest.approx((1 + 2 + 3) ** 2 / (1 + 4 + 9)))
    assert (a.low, a.high) == (pytest.approx(0.5), pytest.approx(1.5))
    assert (b.n, b.n_eff, b.low, b.high) == (2, pytest.approx(2.0), 1.0, 1.0)


def test_reasons_are_counted_over_the_countries_that_are_scored():
    p, q = respondents(DATA, items=("p", "q"), countries=("A", "B")).items
    assert (p.n, p.reasons, p.not_asked_in) == (5, {"dont_know": 1, "not_asked": 2}, 1)
    assert (q.n, q.reasons, q.not_asked_in) == (5, {"other_missing": 1, "not_asked": 1}, 0)
    (p,) = respondents(DATA, items=("p",), countries=("A",)).items
    assert (p.n, p.reasons, p.not_asked_in) == (3, {"dont_know": 1}, 0)
