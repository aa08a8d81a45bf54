"""The page: everything in one file, which asks the network for nothing and runs no script."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from demoscope.report import palette, words
from demoscope.report.between import between_groups
from demoscope.report.canvas import render
from demoscope.report.countries import countries
from demoscope.report.culture import culture
from demoscope.report.dependence import dependence
from demoscope.report.facts import FactSection, RunFacts
from demoscope.report.groups import groups
from demoscope.report.item_pairs import item_pairs
from demoscope.report.items import items
from demoscope.report.names import Names
from demoscope.report.outcomes import outcomes
from demoscope.report.overview import overview
from demoscope.report.panel import panels, primary
from demoscope.report.respondents import respondents
from demoscope.report.scoreboard import scoreboard
from demoscope.schema import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from demoscope.report.panel import Record
    from demoscope.scores.comparison import Comparison
    from demoscope.surveys import Survey


def write_report(comparison: Comparison, *, survey: Survey, facts: RunFacts, path: Path) -> None:
    """Write the report of a comparison as one HTML file.

    The same arguments give the same bytes.

    Args:
        comparison: Scores, references and verdicts.
        survey: Names and order of items, options and attributes.
        facts: What else is known about the run.
        path: The file; its folder exists.
    """
    part = path.with_name(f"{path.name}.part")
    part.write_text(report_html(comparison, survey=survey, facts=facts), encoding="utf-8", newline="\n")
    part.replace(path)


def report_html(comparison: Comparison, *, survey: Survey, facts: RunFacts) -> str:
    """The report as text; see :func:`write_report`."""
    names = Names(survey)
    shown = panels(comparison)
    references = comparison.references.to_dicts()
    sections = [
        ("countries", "Countries", [countries(panel, references=references, names=names) for panel in shown]),
        ("items", "Items", [items(panel, names=names) for panel in shown]),
        ("pairs", "Pairs of items", [item_pairs(panel, names=names) for panel in shown]),
        ("groups", "Groups of people", [groups(panel, names=names) for panel in shown]),
    ]
    if any(panel.culture["factor_summary"] for panel in shown):
        parts = [culture(panel, names=names, declared=survey.culture_map) for panel in shown]
        sections.append(("culture", "Culture theory", parts))
    if any(panel.dependence for panel in shown):
        parts = [dependence(panel, names=names) for panel in shown]
        sections.append(("dependence", "Where dependence comes from", parts))
    if any(panel.between["between_summary"] for panel in shown):
        sections.append(("between", "Between groups", [between_groups(panel, names=names) for panel in shown]))
    sections.append(("outcomes", "Answers given", [outcomes(panel, names=names) for panel in shown]))
    people = None if facts.respondents is None else respondents(facts.respondents, names=names)
    page = render(
        "page.html.j2",
        title=words.clean(facts.title),
        warning=words.clean(facts.warning) if facts.warning else "",
        people=people,
        style=_style(),
        survey=survey_line(shown[0].averages, survey, title=facts.title) if shown else "",
        panels=shown,
        first=primary(comparison) if shown else 0,
        tops=[overview(panel, references=references, names=names) for panel in shown],
        scores=scoreboard(shown, references=references, names=names),
        sections=sections,
        facts=[_clean(section) for section in (*facts.sections, _settings(comparison.settings))],
        files=[(words.clean(name), words.clean(description)) for name, description in facts.files],
    )
    return str(page)


def survey_line(averages: Sequence[Record], survey: Survey, *, title: str) -> str:
    """Whom the page is about: the survey, where the title does not name it, and the numbers of people and countries."""
    people = [words.finite(row["n_human"]) or 0.0 for row in averages if row["country"] != ALL]
    known = [] if survey.title in title else [words.clean(survey.title)]
    if people:
        where = words.clean(averages[0]["country"]) if len(people) == 1 else f"{len(people)} countries"
        known.append(f"{words.count(sum(people))} people, {where}")
    return ": ".join(known)


def _style() -> Markup:
    """Our own rules; nothing of a user's gets in."""
    text = files("demoscope.report").joinpath("style.css").read_text(encoding="utf-8")
    return Markup(text + palette.stylesheet())  # noqa: S704


def _clean(section: FactSection) -> FactSection:
    return FactSection(words.clean(section.title), tuple((words.clean(a), words.clean(b)) for a, b in section.rows))


_SETTING_WORDS: Final = {
    "seed": "Seed",
    "replicates": "Bootstrap replicates",
    "permutations": "Permutations of profiles (A6)",
    "exchanges": "Exchanges in tests of equality",
    "design": "Design",
    "source": "Scores from",
    "countries": "Countries",
    "items": "Items",
    "attributes": "Attributes of persons",
    "weights": "Column of weights",
    "strata": "Column of strata",
    "psu": "Column of primary sampling units",
}
_VALUE_WORDS: Final = {
    "matched": "personas matched to respondents",
    "independent": "personas independent of respondents",
    "exact": "option probabilities (no answers drawn)",
    "drawn": "drawn answers",
}


def _settings(settings: Mapping[str, Any]) -> FactSection:
    rows = tuple((_SETTING_WORDS.get(name, name), _setting(value)) for name, value in settings.items())
    return FactSection("Scoring", rows)


def _setting(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"{len(value)}: {', '.join(map(str, value))}" if value else "none"
    if value is None:
        return "none"
    return _VALUE_WORDS.get(value, value) if isinstance(value, str) else str(value)
