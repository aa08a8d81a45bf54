"""The people that models are compared with: how many, with which weights, and where they gave no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from demoscope.report import words
from demoscope.report.canvas import render
from demoscope.report.tables import table

if TYPE_CHECKING:
    from markupsafe import Markup

    from demoscope.report.facts import Respondents, Unanswered
    from demoscope.report.names import Names

REASON_WORDS: Final = {
    "dont_know": "Don't know",
    "refused": "Refused",
    "not_asked": "Not asked",
    "not_applicable": "Not applicable",
    "other_missing": "Other",
}


def respondents(people: Respondents, *, names: Names) -> Markup:
    """Notes, a table of countries and one of items without an answer."""
    lost = [item for item in people.items if sum(item.reasons.values())]
    return render(
        "respondents.html.j2",
        notes=[words.clean(note) for note in people.notes],
        countries=_countries(people),
        items=_items(lost, people, names) if lost else None,
    )


def _countries(people: Respondents) -> Markup:
    return table(
        "People by country",
        ("Country", "People", "Effective number", "Design effect", "Smallest weight", "Largest weight"),
        (
            (
                words.clean(row.country),
                words.count(row.n),
                words.count(row.n_eff),
                words.score(row.n / row.n_eff),
                words.score(row.low),
                words.score(row.high),
            )
            for row in people.countries
        ),
        notes=["Weights have the mean 1 within a country; the design effect is that of unequal weights alone (Kish)."],
    )


def _items(lost: list[Unanswered], people: Respondents, names: Names) -> Markup:
    known = {row.item: row for row in lost}
    return table(
        f"Items without an answer of some people ({len(lost)} of {len(people.items)})",
        ("Item", "Domain", "People", "Answered", *REASON_WORDS.values(), "Countries not asked"),
        (
            (
                names.item(item),
                names.domain(item),
                words.count(known[item].n),
                _share(known[item].n - sum(known[item].reasons.values()), known[item].n),
                *(_share(known[item].reasons.get(reason, 0), known[item].n) for reason in REASON_WORDS),
                words.count(known[item].not_asked_in),
            )
            for item in names.ordered(known)
        ),
        text=2,
    )


def _share(n: int, of: int) -> str:
    """A share with one decimal, since few answers of many are missing."""
    return f"{100 * n / of:.1f}\N{NO-BREAK SPACE}%"
