"""The section on the people of a survey."""

from __future__ import annotations

from demoscope.report import Respondents, Unanswered, Weighted
from demoscope.report.names import Names
from demoscope.report.respondents import respondents
from tests.report.markup import read
from tests.report.synthetic import Plan, survey

PEOPLE = Respondents(
    notes=("Weights are those of column w.",),
    countries=(Weighted("Ohio", 1000, 500.0, 0.25, 4.0),),
    items=(
        Unanswered("q2", 2000, {"dont_know": 31, "not_asked": 1000}, 1),
        Unanswered("q1", 2000, {}),
    ),
)


def shown(people):
    return read(str(respondents(people, names=Names(survey(Plan())))))


def rows(document, number):
    return [
        [cell.text.strip() for cell in (*row.all("th"), *row.all("td"))]
        for row in document.all("tbody")[number].all("tr")
    ]


def test_weights_and_what_they_cost():
    (row,) = rows(shown(PEOPLE), 0)
    assert row == ["Ohio", "1,000", "500", "2.00", "0.25", "4.00"]


def test_only_items_without_some_answers_are_listed_with_their_reasons():
    (row,) = rows(shown(PEOPLE), 1)
    assert row[:2] == ["party", "politics"]
    assert row[2:] == ["2,000", "48.5 %", "1.6 %", "0.0 %", "50.0 %", "0.0 %", "0.0 %", "1"]


def test_people_who_answered_everything():
    everybody = Respondents((), PEOPLE.countries, (PEOPLE.items[1],))
    assert "Everybody answered every item." in shown(everybody).text
