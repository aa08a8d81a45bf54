from __future__ import annotations

import pytest

from demoscope.report.dependence import conclusion
from demoscope.report.page import report_html
from tests.report.markup import read
from tests.report.synthetic import PLANS, Plan, comparison, facts, survey

QUESTION = "Does dependence come from who is asked, or from the conversation?"


def row(presentation: str, *, low: float | None, **values) -> dict:
    return {
        "presentation": presentation,
        "icc": 0.3,
        "within_square_low": low,
        "within": 0.2,
        "within_low": 0.15,
        "within_high": 0.25,
        "between": 0.2,
        "between_low": 0.15,
        "between_high": 0.25,
    } | values


def section(plan: Plan):
    document = read(report_html(comparison(plan), survey=survey(plan), facts=facts(plan)))
    return next((e for e in document.walk() if e.attributes.get("id") == "dependence"), None)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (row("single", low=-0.001), "W is 0 within its interval, as it must be"),
        (row("single", low=0.001), "W is not 0 although items were asked alone: something leaks"),
        (row("interview", low=-0.001), "The interview does not show dependence of its own"),
        (row("interview", low=0.01), "The interview creates dependence of its own"),
        (row("interview", low=0.01), "whether more or less than who is asked makes them cannot be told"),
        (row("battery", low=0.01, between_high=0.1), "and more so than who is asked"),
        (row("battery", low=0.01, between_low=0.3, between_high=0.4), "though less than who is asked"),
        (row("", low=0.01), "they were given in a conversation, or draws share their noise"),
        (row("", low=-0.01), "do not show that they fit together"),
        (row("single", low=None), "No pair of items varies enough"),
        (row("single", low=-0.01, icc=1.0), "All draws of a persona are the same answer"),
    ],
)
def test_conclusions_depend_on_how_items_were_asked(found, words):
    assert words in conclusion(found)


@pytest.mark.parametrize("presentation", ["interview", "battery", ""])
def test_only_items_asked_alone_are_said_to_be_asked_alone(presentation):
    assert all("alone" not in conclusion(row(presentation, low=low)) for low in (-0.1, 0.1, None))


def test_one_draw_has_no_section():
    assert section(PLANS["usual"]) is None


def test_both_parts_stand_in_words_and_by_country():
    plan = PLANS["drawn_twice"]
    found = section(plan)
    assert found.text.count(QUESTION) == 2  # one of each steering
    assert "Every persona answered 2 times" in found.text
    assert "W is 0 within its interval" in found.text
    assert "fewer than 200 personas" in found.text
    table = next(t for t in found.all("table") if t.all("caption")[0].text.startswith("Typical correlation"))
    lines = [[cell.text for cell in tr.children] for tr in table.all("tbody")[0].all("tr")]
    assert [line[0] for line in lines[:3]] == ["all countries", "all countries, from option probabilities", "Ohio"]
    assert lines[0][1:] == ["0.12 [0.09, 0.15]", "0.00 [-0.04, 0.04]", "0.400", "0.30 [0.25, 0.35]", "150", "2", "45"]
    assert lines[1][2:4] == ["", ""]


def test_interviews_say_what_the_conversation_does():
    found = section(PLANS["interviews"])
    assert "The interview creates dependence of its own" in found.text
    assert "asked alone" not in found.text
