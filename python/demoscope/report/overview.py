"""The top of the page: what a person sees in the first ten seconds, for one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from demoscope.report import words
from demoscope.report.bars import Distribution, bars
from demoscope.report.canvas import render
from demoscope.report.forest import Axis, Kind, Mark, Row, forest
from demoscope.report.heatmap import MOST_NAMED, colour_scale, heatmap
from demoscope.report.matrices import matrices
from demoscope.report.panel import representative
from demoscope.report.tables import reference_name
from demoscope.schema import ALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from demoscope.report.names import Names
    from demoscope.report.panel import Panel, Record


@dataclass(frozen=True)
class _Example:
    """The item shown on top."""

    title: str
    question: str
    choice: str
    figure: Markup


@dataclass(frozen=True)
class _Maps:
    """Both correlation matrices shown on top."""

    human: Markup
    model: Markup
    scale: Markup
    caption: str


def overview(panel: Panel, *, references: Sequence[Record], names: Names) -> Markup:
    """Headline, one item, both heat maps and the verdicts of one model."""
    verdict = panel.verdict
    people = words.finite(panel.all_averages.get("n_human"))
    return render(
        "overview.html.j2",
        panel=panel,
        headline=words.sentence(words.clean(verdict.headline)),
        averages=words.sentence(words.clean(verdict.marginals).removeprefix("Averages: ")),
        structure=words.sentence(words.clean(verdict.structure).removeprefix("Structure: ")),
        conditions=[words.clean(condition) for condition in verdict.conditional],
        people=None if people is None else words.count(people),
        independence=words.interviews(panel.all_structure, "interviews_independence")
        if words.finite(panel.all_structure.get("interviews_independence")) is not None
        else None,
        several=len(panel.countries) > 1,
        example=_example(panel, names),
        maps=_maps(panel, names),
        gauge=_gauge(panel, references),
    )


def _example(panel: Panel, names: Names) -> _Example | None:
    found = representative(panel.marginals)
    if found is None:
        return None
    row, ranked = found
    of = " items" if len(panel.countries) == 1 else " (items by countries)"
    item, where = names.item(row["item"]), words.clean(row["country"])
    return _Example(
        title=f"{item}, {where}",
        question=names.question(row["item"]),
        choice=f"Shown because its distance, {words.score(row['distance'])}, is the median of {ranked}{of}."
        if ranked > 1
        else f"Its distance is {words.score(row['distance'])}.",
        figure=bars(
            Distribution.of(row, names.options(row["item"], len(row["human_shares"]))),
            key=f"{panel.key}-bars",
            title=f"Answers of people and model: {item}, {where}",
        ),
    )


def _maps(panel: Panel, names: Names) -> _Maps | None:
    found = matrices(panel.pairs, names)
    if found is None:
        return None
    human, model = found
    domains = list(dict.fromkeys(filter(None, map(names.domain, human.items))))
    caption = f"Correlations of {len(human.items)} items"
    if len(panel.countries) > 1:
        caption += f" within each country, averaged over {len(panel.countries)} countries"
    if len(domains) > 1 and len(human.items) <= MOST_NAMED:
        caption += f"; items in the order of {words.listed(domains)}"
    if len(human.items) > MOST_NAMED:
        caption += "; a larger map with the names of all items is below"
    describe = f"{caption}. All values are in the table of pairs beside this report."
    key = f"{panel.key}-map"
    return _Maps(
        human=heatmap(human, names=names, key=f"{key}-human", title="Correlations of people", desc=describe),
        model=heatmap(
            model, names=names, key=f"{key}-model", title=f"Correlations of the model ({panel.name})", desc=describe
        ),
        scale=colour_scale(key=f"{key}-scale"),
        caption=f"{caption}.",
    )


def _gauge(panel: Panel, references: Sequence[Record]) -> Markup | None:
    """Both headline numbers on one scale of interviews, with what references are worth."""
    averages, structure = panel.all_averages, panel.all_structure
    other: Record = next(
        (row for row in references if row["reference"] == "nearest_country" and row["country"] == ALL), {}
    )
    nearest = reference_name("nearest_country")
    rows = [
        _worth("On averages", averages, "interviews", kind="model"),
        _worth(nearest, other, "marginal_interviews"),
        _worth("On how opinions go together", structure, "interviews", kind="model", apart=True),
        _worth(nearest, other, "structure_interviews"),
        _worth("Independent items", structure, "interviews_independence"),
    ]
    shown = [row for row in rows if row is not None]
    people = max((words.finite(part.get("n_human")) or 0.0 for part in (averages, structure)), default=0.0)
    if not shown or people <= 1:
        return None
    return forest(
        shown,
        axis=Axis(low=1, high=people, lowest=1, highest=people, lines=(), log=True),
        key=f"{panel.key}-worth",
        title="Number of interviews that the answers are worth",
        desc=f"Logarithmic scale from 1 to {words.count(people)} interviews.",
        tall=True,
    )


def _worth(label: str, row: Record, name: str, *, kind: Kind = "reference", apart: bool = False) -> Row | None:
    """One row; a reference that does not exist has none, a model's stays and says that it is not defined."""
    mark = Mark.of(kind, row, name)
    if mark.value is None and not (kind == "model" and row):
        return None
    text = words.interviews(row, name, most=row.get("n_human"))
    return Row(label, (mark,), text, strong=kind == "model", apart=apart)
