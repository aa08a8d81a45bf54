from __future__ import annotations

import polars as pl
import pytest

from demoscope.report.outcomes import REASON_WORDS, STATUS_WORDS, spreads, summary
from demoscope.report.page import report_html
from demoscope.schema import InvalidReason
from demoscope.scores.outcomes import STATUSES
from tests.report.markup import read
from tests.report.synthetic import PLANS, Plan, comparison, facts, survey


def rows(by: str, value: str | None, valid: int, invalid: int) -> list[dict]:
    of = valid + invalid
    counts = [("valid", None, valid), ("invalid", "ambiguous", invalid)]
    return [
        {"by": by, "value": value, "status": status, "reason": reason, "n": n, "of": of, "share": n / of}
        for status, reason, n in counts
        if n
    ]


def section(plan: Plan):
    document = read(report_html(comparison(plan), survey=survey(plan), facts=facts(plan)))
    return next(e for e in document.walk() if e.attributes.get("id") == "outcomes")


def test_every_status_and_reason_has_words():
    assert set(STATUS_WORDS) == set(STATUSES)
    assert set(InvalidReason.__args__) <= set(REASON_WORDS)


def test_all_valid_is_said_in_one_sentence():
    assert summary(rows("all", "all", 1200, 0)) == "All 1,200 answers are valid."
    found = section(PLANS["one_country"])
    assert found.text.endswith("All 600 answers are valid.")
    assert not found.all("table")


def test_shares_are_said_in_one_sentence():
    assert (
        summary(rows("all", "all", 900, 100))
        == "Of 1,000 answers 90\N{NO-BREAK SPACE}% valid and 10\N{NO-BREAK SPACE}% not usable."
    )


def test_groups_that_differ_most_come_first_and_small_or_unclear_ones_are_not_named():
    found = spreads(
        [
            *rows("item", "q1", 50, 50),
            *rows("country", "A", 950, 50),
            *rows("country", "B", 900, 100),
            *rows("sex", "man", 80, 20),
            *rows("sex", "woman", 99, 1),
            *rows("age", "young", 95, 5),
            *rows("age", "old", 90, 10),
            *rows("sex", None, 1, 28),
            *rows("order", "given", 500, 5),
            *rows("order", "reversed", 500, 6),
        ]
    )
    assert [(spread.by, spread.most[0], spread.least[0]) for spread in found] == [
        ("sex", "man", "woman"),
        ("country", "B", "A"),
    ]
    assert found[0].difference == pytest.approx(0.19)


def test_a_value_without_any_valid_answer_is_the_worst():
    (found,) = spreads([*rows("country", "A", 0, 100), *rows("country", "B", 100, 0)])
    assert (found.most, found.least) == (("A", 1.0), ("B", 0.0))


def test_items_with_most_lost_answers_are_listed_with_their_reason():
    plan = PLANS["interviews"]
    made = comparison(plan)
    found = section(plan)
    table = next(t for t in found.all("table") if t.all("caption")[0].text.startswith("Items with the largest share"))
    lines = [[cell.text for cell in tr.children] for tr in table.all("tbody")[0].all("tr")]
    lost = made.outcomes.filter(pl.col("share") < 1, by="item", status="valid").sort("share")["value"].to_list()
    labels = {item.id: item.label for item in survey(plan).items}
    assert [line[0] for line in lines] == [labels[item] for item in lost][:10]
    assert {line[1] for line in lines} <= {"several options at once", "refused"}
    worst = spreads(made.outcomes.to_dicts())[0]
    sentences = [sentence.text for sentence in found.all("li")]
    assert (worst.by, worst.most[0]) == ("position", "1")
    most, least = f"{100 * worst.most[1]:.1f}", f"{100 * worst.least[1]:.1f}"
    assert sentences[0] == (
        f"By place in the conversation: {most} % of answers are not valid for question 2, {least} % for question 1."
    )
